//! Bringing a store up to date with where advisories are published.

use crate::fetch::{Downloads, Failure, Had, Origin, Progress, file_name};
use crate::import::{Taken, take};
use crate::store::Locked;
use crate::upstream::{Upstream, addresses};
use crate::{FeedsError, Store};
use futures_util::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sekisho_advisory::db::{FeedSource, Header};
use sekisho_base::Limits;
use sekisho_model::Diagnostic;
use sekisho_net::{FetchError, without_credentials};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// So many files are fetched at a time.
const AT_ONCE: usize = 4;

/// An upstream that is to be taken.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which.
    pub upstream: &'static Upstream,
    /// From where: addresses or patterns of them, see [`crate::upstream`].
    pub urls: Vec<String>,
}

impl Asked {
    /// All addresses, of the year in which `now` is.
    pub fn addresses(&self, now: Timestamp) -> Vec<(String, bool)> {
        addresses(&self.urls, now.to_zoned(TimeZone::UTC).year())
    }
}

/// What became of an upstream.
#[derive(Debug)]
pub enum Outcome {
    /// It was taken.
    Taken(Vec<FeedSource>),
    /// It is as it was taken before.
    Unchanged,
    /// It was not taken; what was taken from it earlier stays.
    Failed(Failure),
}

/// What came of an update.
#[derive(Debug)]
pub struct Updated {
    /// Each upstream that was asked for, in that order.
    pub upstreams: Vec<(&'static Upstream, Outcome)>,
    /// What is worth knowing, by upstream.
    pub notes: Vec<(&'static Upstream, String)>,
    /// What was skipped or not read.
    pub diagnostics: Vec<Diagnostic>,
    /// The database there is now; none where nothing changed.
    pub header: Option<Header>,
}

/// What was last taken from an upstream, and by which version of this program, since another may read more out of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    program: String,
    files: BTreeMap<String, String>,
}

impl Record {
    fn new(files: &[(String, Had)]) -> Self {
        let files = files.iter().map(|(url, had)| (url.clone(), had.sha256.clone())).collect();
        Self { program: env!("CARGO_PKG_VERSION").to_owned(), files }
    }

    fn read(path: &PathBuf) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// The files of one upstream.
struct Fetched {
    files: Vec<(String, Had)>,
    notes: Vec<String>,
    failure: Option<Failure>,
}

/// Fetches what `asked` names, takes what changed, and builds the database anew if anything did. An upstream that fails
/// does not keep the others: what was taken from it earlier stays. A database that was pulled is not written over unless
/// told to `replace` it.
pub async fn update(
    store: &Store,
    asked: &[Asked],
    origin: &Origin<'_>,
    replace: bool,
    limits: &Limits,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Updated, FeedsError> {
    let pulled =
        || if store.is_pulled() && !replace { Err(FeedsError::Pulled(store.directory().to_owned())) } else { Ok(()) };
    // Better known before anything is fetched.
    pulled()?;
    let downloads = store.lock_transfer()?;
    let fetched = fetch(&downloads, asked, origin, limits, now, progress).await;

    let locked = store.lock()?;
    locked.may_build(replace)?;
    let generations = store.generations()?;
    let there: BTreeSet<&str> = generations.iter().map(|generation| generation.source.source.as_str()).collect();
    let mut updated = Updated { upstreams: Vec::new(), notes: Vec::new(), diagnostics: Vec::new(), header: None };
    let (mut records, mut unchanged, mut any) = (Vec::new(), Vec::new(), false);
    for (Asked { upstream, .. }, Fetched { files, notes, failure }) in asked.iter().zip(fetched) {
        updated.notes.extend(notes.into_iter().map(|note| (*upstream, note)));
        let record = Record::new(&files);
        let path = downloads.record(upstream.name);
        let outcome = if let Some(failure) = failure {
            Outcome::Failed(failure)
        } else if there.contains(upstream.name) && Record::read(&path).as_ref() == Some(&record) {
            unchanged.push(upstream.name);
            Outcome::Unchanged
        } else {
            let paths: Vec<PathBuf> = files.into_iter().map(|(_, had)| had.path).collect();
            let outcome = taken(&locked, upstream, &paths, limits, now, &mut updated.diagnostics)?;
            any |= !matches!(&outcome, (feeds, Some(_)) if feeds.is_empty());
            match outcome {
                (_, Some(failure)) => Outcome::Failed(failure),
                (feeds, None) => {
                    records.push((path, record));
                    Outcome::Taken(feeds)
                }
            }
        };
        updated.upstreams.push((*upstream, outcome));
    }
    if any {
        locked.renew_generations(&unchanged, now)?;
        updated.header = Some(locked.rebuild(limits)?);
    } else if !unchanged.is_empty() {
        updated.header = Some(locked.renew(&unchanged, now, limits)?);
    }
    // Only now: what is recorded is in the database.
    for (path, record) in records {
        let write = || fs::write(&path, serde_json::to_vec(&record)?);
        write().map_err(FeedsError::write(&path))?;
    }
    Ok(updated)
}

/// The files that `from`, a directory, does not have, by address; what they lead to is not known before they are there.
pub async fn missing(
    store: &Store,
    asked: &[Asked],
    origin: &Origin<'_>,
    limits: &Limits,
    now: Timestamp,
) -> Result<Vec<String>, FeedsError> {
    struct Nobody;
    impl Progress for Nobody {
        fn expects(&self, _: u64) {}
        fn advance(&self, _: u64) {}
    }
    let downloads = store.lock_transfer()?;
    let names = names(asked, now);
    let mut missing = Vec::new();
    for asked in asked {
        for (url, _) in asked.addresses(now) {
            if let Err(Failure::NotThere { url, .. }) = downloads.fetch(origin, &names, &url, limits, &Nobody).await {
                missing.push(url);
            }
        }
    }
    Ok(missing)
}

/// How often each name of a file occurs.
fn names(asked: &[Asked], now: Timestamp) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for (url, _) in asked.iter().flat_map(|asked| asked.addresses(now)) {
        if let Some(name) = file_name(&url) {
            *names.entry(name).or_default() += 1;
        }
    }
    names
}

async fn fetch(
    downloads: &Downloads,
    asked: &[Asked],
    origin: &Origin<'_>,
    limits: &Limits,
    now: Timestamp,
    progress: &dyn Progress,
) -> Vec<Fetched> {
    let names = &names(asked, now);
    let jobs: Vec<(usize, String, bool)> = asked
        .iter()
        .enumerate()
        .flat_map(|(index, asked)| asked.addresses(now).into_iter().map(move |(url, one)| (index, url, one)))
        .collect();
    let run = |(index, url, one): (usize, String, bool)| async move {
        let had = downloads.fetch(origin, names, &url, limits, progress).await;
        (index, url, one, had)
    };
    let had: Vec<_> = futures_util::stream::iter(jobs.into_iter().map(run)).buffered(AT_ONCE).collect().await;
    let mut fetched: Vec<Fetched> =
        asked.iter().map(|_| Fetched { files: Vec::new(), notes: Vec::new(), failure: None }).collect();
    for (index, url, one, had) in had {
        let Some(upstream) = fetched.get_mut(index) else { continue };
        match had {
            Ok(had) => upstream.files.push((url, had)),
            // A year that has only begun, a release that is not out: what never was there need not be there.
            Err(failure) if one && is_absent(&failure) && !was_taken(downloads, &asked[index], &url) => {
                upstream.notes.push(format!("there is no {}", without_credentials(&url)));
            }
            Err(failure) => {
                upstream.failure.get_or_insert(failure);
            }
        }
    }
    for upstream in &mut fetched {
        if upstream.files.is_empty() && upstream.failure.is_none() {
            let reason = upstream.notes.first().cloned().unwrap_or_else(|| "no address is given for it".to_owned());
            upstream.failure = Some(Failure::Refused(reason));
        }
    }
    fetched
}

fn is_absent(failure: &Failure) -> bool {
    match failure {
        Failure::Fetch(FetchError::Status { status, .. }) => matches!(status.as_u16(), 404 | 410),
        Failure::NotThere { .. } => true,
        _ => false,
    }
}

fn was_taken(downloads: &Downloads, asked: &Asked, url: &str) -> bool {
    Record::read(&downloads.record(asked.upstream.name)).is_some_and(|record| record.files.contains_key(url))
}

/// Takes what was fetched of an upstream; a failure may come with feeds that were taken all the same.
fn taken(
    locked: &Locked<'_>,
    upstream: &Upstream,
    paths: &[PathBuf],
    limits: &Limits,
    now: Timestamp,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(Vec<FeedSource>, Option<Failure>), FeedsError> {
    let taken = match take(locked, upstream.name, paths, limits, now) {
        Ok(taken) => taken,
        // The file is at fault, not the store.
        Err(error @ (FeedsError::Read { .. } | FeedsError::Missing(_))) => {
            return Ok((Vec::new(), Some(Failure::Files(error))));
        }
        Err(error) => return Err(error),
    };
    let Taken { feeds, refused, strange, diagnostics: told } = taken;
    let mut reasons: Vec<String> = refused.iter().map(|(source, reason)| format!("{}: {reason}", source.id)).collect();
    if feeds.is_empty() && reasons.is_empty() {
        reasons.push(format!("none of its {} files is of a feed that is read", strange.count));
    }
    let known: BTreeSet<&str> =
        feeds.iter().chain(refused.iter().map(|(source, _)| source)).map(|source| source.id.as_str()).collect();
    for generation in locked.generations()? {
        let FeedSource { id, source, .. } = &generation.source;
        if source == upstream.name && !known.contains(id.as_str()) {
            reasons.push(format!("{id}: there is nothing of it any more, and there was"));
        }
    }
    diagnostics.extend(told);
    let failure = (!reasons.is_empty()).then(|| Failure::Refused(reasons.join("; ")));
    Ok((feeds, failure))
}
