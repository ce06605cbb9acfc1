//! Whole databases, handed on as OCI artifacts and taken from there.
//!
//! The one layer is the database file, compressed with zstd. Annotations say when it was pushed, of which feeds it is and
//! what tells it from others; whoever pulls it believes none of them, but compares digests and the database's own
//! checksums.

use crate::upstream::RESTRICTED;
use crate::{FeedsError, Published, Store};
use jiff::Timestamp;
use sekisho_advisory::db::Header;
use sekisho_base::Limits;
use sekisho_base::bytes::{CopyError, copy};
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_model::Digest;
use sekisho_oci::artifact::{self, Kind};
use sekisho_oci::{Access, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Write};

/// What a database is as an artifact.
pub const KIND: Kind = Kind {
    artifact: "application/vnd.sekisho.advisories.v1",
    layer: "application/vnd.sekisho.advisories.v1.database+zstd",
};

/// Smaller costs minutes for a few percent: what is long is compressed already.
const LEVEL: i32 = 6;

/// Hands the current database on; returns the digest of the artifact. One that holds what may not be handed on goes only
/// if that is `allowed`.
pub async fn push(
    store: &Store,
    place: &Place,
    access: &Access<'_>,
    allowed: bool,
    now: Timestamp,
) -> Result<(Digest, Header), FeedsError> {
    let opened = store.open()?;
    if let Some(failure) = opened.fallback {
        // The one before it would pass for the latest.
        return Err(failure);
    }
    let published = opened.published;
    let header = published.database()?.header().clone();
    let restricted: BTreeSet<&str> = header
        .counts
        .places
        .iter()
        .filter(|place| RESTRICTED.contains(&place.ecosystem))
        .map(|place| place.ecosystem.as_str())
        .collect();
    if !restricted.is_empty() && !allowed {
        return Err(FeedsError::Restricted(restricted.into_iter().map(str::to_owned).collect()));
    }
    let _transfer = store.lock_transfer()?;
    let stored = store.temporary()?;
    let compress = || -> io::Result<()> {
        let mut from = File::open(published.path())?;
        let mut encoder = zstd::stream::write::Encoder::new(stored.as_file(), LEVEL)?;
        encoder.include_checksum(true)?;
        io::copy(&mut from, &mut encoder)?;
        encoder.finish()?.flush()
    };
    compress().map_err(FeedsError::write(stored.path()))?;
    let feeds: BTreeSet<&str> = header.feeds.iter().map(|feed| feed.id.as_str()).collect();
    let annotations = BTreeMap::from([
        ("org.opencontainers.image.created".to_owned(), now.to_string()),
        ("org.opencontainers.image.title".to_owned(), "advisories.skadv.zst".to_owned()),
        ("org.sekisho.advisories.feeds".to_owned(), feeds.into_iter().collect::<Vec<_>>().join(" ")),
        ("org.sekisho.advisories.digest".to_owned(), header.digest()),
    ]);
    let digest = artifact::push(access, place, KIND, stored.path(), annotations).await?;
    Ok((digest, header))
}

/// Takes the database from `place` in the place of the current one, which is kept as the one before; `None` where it is
/// the current one. See [`Store`] for when it is refused.
pub async fn pull(
    store: &Store,
    place: &Place,
    access: &Access<'_>,
    replace: bool,
    limits: &Limits,
    advance: &dyn Fn(u64),
) -> Result<Option<Header>, FeedsError> {
    store.may_replace(replace)?;
    let _transfer = store.lock_transfer()?;
    let stored = store.temporary()?;
    let mut file = stored.reopen().map_err(FeedsError::read(stored.path()))?;
    artifact::pull(access, place, KIND, limits, &mut file, advance).await?;
    let mut new = store.temporary()?;
    let plain = file.metadata().and_then(|data| {
        let limits = Limits { inflated_bytes: limits.download_bytes, ..limits.clone() };
        Inflate::new(BufReader::new(&mut file), Compression::Zstd, data.len(), &limits)
    });
    let mut plain = plain.map_err(FeedsError::read(stored.path()))?;
    copy(&mut plain, &mut new).map_err(|error| match error {
        CopyError::Read(error) => FeedsError::read(format!("what {place} holds"))(error),
        CopyError::Write(error) => FeedsError::write(stored.path())(error),
    })?;
    let header = Published::open(new.path())?.database()?.header().clone();
    if store.is_pulled() && store.open()?.published.database()?.header().digest() == header.digest() {
        return Ok(None);
    }
    store.replace(new, replace).map(Some)
}
