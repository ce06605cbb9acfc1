//! Remembering layers: by the digest of the stored bytes that we hashed, what was found in them.
//!
//! Three kinds of small files, each written beside its place and renamed into it, so that processes can
//! share a cache without locks and a crash leaves nothing half-written:
//!
//! - `layers/KEY`: the facts of a layer. The key covers the digest of its stored bytes, its media type,
//!   the analyzers with their versions and the limits; a change of any makes the layer new.
//! - `images/KEY`: the inventory of an image, without what is of one scan only. The key covers all that it follows from,
//!   see [`crate::known`].
//! - `files/KEY`: the digest of a part of a local file, for a state of that file (device, inode, size,
//!   both times). It stands for an earlier hash as long as the state is the same.
//!
//! Each file carries its own checksum; one that does not hold is as good as absent.

use crate::facts::LayerFacts;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::hash::{self, sha256};
use sekisho_model::{Digest, Inventory};
use sekisho_oci::FileState;
use sekisho_sbom::Dispatch;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Raised when the form of [`LayerFacts`] or of an inventory changes, or what is kept there, or how an inventory is made.
const FORMAT: u32 = 6;
const MAGIC: &[u8; 4] = b"SKC2";
/// Bytes of [`hash::checksum`].
const CHECKSUM: usize = 16;
/// Facts are a small part of a layer; more than this was not written by us.
const MAX_ENTRY_BYTES: u64 = 512 << 20;
/// A file that changed so shortly before it was read may change again within the same clock tick.
const SETTLED_NANOSECONDS: i128 = 2_000_000_000;

/// A directory of remembered layers, bounded in size. Least recently used entries go first.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
    max_bytes: u64,
}

/// What a layer's facts depend on, besides its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn new(dispatch: &Dispatch, limits: &Limits) -> Self {
        // A layer that was read in time does not depend on how much time there was.
        let limits = Limits { time: std::time::Duration::ZERO, ..limits.clone() };
        Self(format!("{FORMAT}\n{}\n{limits:?}", dispatch.fingerprint()))
    }
}

impl Cache {
    /// A cache in `directory`, which is made when something is first kept, of at most `max_bytes`.
    pub fn new(directory: PathBuf, max_bytes: u64) -> Self {
        Self { directory, max_bytes }
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, kind: &str, key: &str) -> PathBuf {
        self.directory.join(kind).join(hash::hex(&sha256(key.as_bytes())[..20]))
    }

    fn layer_path(&self, digest: Digest, media_type: &str, fingerprint: &Fingerprint) -> PathBuf {
        self.path("layers", &format!("{digest}\n{media_type}\n{}", fingerprint.0))
    }

    fn state_path(&self, state: &FileState, start: u64, len: u64) -> PathBuf {
        self.path("files", &format!("{state:?}\n{start}\n{len}"))
    }

    /// Whether the facts of the layer with this digest are kept.
    pub(crate) fn layer_known(&self, digest: Digest, media_type: &str, fingerprint: &Fingerprint) -> bool {
        self.layer_path(digest, media_type, fingerprint).exists()
    }

    /// The facts of the layer whose stored bytes have this digest.
    pub(crate) fn layer(
        &self,
        digest: Digest,
        media_type: &str,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Option<LayerFacts> {
        let path = self.layer_path(digest, media_type, fingerprint);
        let facts = rmp_serde::from_slice(read_entry(&path)?.payload()).ok()?;
        touch(&path, now);
        Some(facts)
    }

    /// Keeps the facts of a layer.
    pub(crate) fn keep_layer(
        &self,
        digest: Digest,
        media_type: &str,
        fingerprint: &Fingerprint,
        facts: &LayerFacts,
    ) -> io::Result<()> {
        let payload = rmp_serde::to_vec_named(facts).map_err(io::Error::other)?;
        write_entry(&self.layer_path(digest, media_type, fingerprint), &payload)
    }

    /// The inventory that followed from `origin`.
    pub(crate) fn inventory(&self, origin: &str, now: Timestamp) -> Option<Inventory> {
        let path = self.path("images", origin);
        let inventory = rmp_serde::from_slice(read_entry(&path)?.payload()).ok()?;
        touch(&path, now);
        Some(inventory)
    }

    /// Keeps the inventory that follows from `origin`.
    pub(crate) fn keep_inventory(&self, origin: &str, inventory: &Inventory) -> io::Result<()> {
        let payload = rmp_serde::to_vec_named(inventory).map_err(io::Error::other)?;
        write_entry(&self.path("images", origin), &payload)
    }

    /// The digest that a part of a file had in this very state.
    pub(crate) fn digest(&self, state: &FileState, start: u64, len: u64) -> Option<Digest> {
        let entry = read_entry(&self.state_path(state, start, len))?;
        let bytes: [u8; 32] = entry.payload().try_into().ok()?;
        Some(Digest::from(bytes))
    }

    /// Keeps the digest of a part of a file, unless the file changed too recently to tell states apart.
    pub(crate) fn keep_digest(
        &self,
        state: &FileState,
        start: u64,
        len: u64,
        digest: Digest,
        now: Timestamp,
    ) -> io::Result<()> {
        if state.modified.max(state.changed) + SETTLED_NANOSECONDS > now.as_nanosecond() {
            return Ok(());
        }
        write_entry(&self.state_path(state, start, len), digest.as_bytes())
    }

    /// Deletes the least recently used entries until the cache keeps to its size.
    pub(crate) fn trim(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        let mut total = 0;
        for kind in ["layers", "images", "files"] {
            let Ok(listing) = fs::read_dir(self.directory.join(kind)) else { continue };
            for entry in listing {
                let entry = entry?;
                // Another process may have deleted it in between.
                let Ok(metadata) = entry.metadata() else { continue };
                total += metadata.len();
                entries.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()));
            }
        }
        if total <= self.max_bytes {
            return Ok(());
        }
        entries.sort();
        for (_, len, path) in entries {
            if total <= self.max_bytes {
                break;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => total -= len,
            }
        }
        Ok(())
    }
}

/// The bytes of an entry whose checksum holds.
struct Entry(Vec<u8>);

/// Magic number and checksum.
const HEADER: usize = MAGIC.len() + CHECKSUM;

impl Entry {
    fn payload(&self) -> &[u8] {
        &self.0[HEADER..]
    }
}

fn read_entry(path: &Path) -> Option<Entry> {
    let metadata = fs::metadata(path).ok()?;
    // A pipe in its place would never end.
    if !metadata.is_file() || metadata.len() > MAX_ENTRY_BYTES {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    let (checksum, payload) = bytes.strip_prefix(MAGIC)?.split_at_checked(CHECKSUM)?;
    (checksum == hash::checksum(payload)).then_some(Entry(bytes))
}

fn write_entry(path: &Path, payload: &[u8]) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(MAGIC)?;
    file.write_all(&hash::checksum(payload))?;
    file.write_all(payload)?;
    file.persist(path)?;
    Ok(())
}

/// Marks an entry as used now. Losing this costs no more than an early eviction.
fn touch(path: &Path, now: Timestamp) {
    if let Ok(file) = fs::File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::from(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FileFacts;
    use sekisho_base::clock::{Clock, SystemClock};
    use sekisho_model::{PackageFacts, PackageKind};
    use sekisho_sbom::Extract;

    fn facts() -> LayerFacts {
        let mut facts = LayerFacts { entries: 3, ..LayerFacts::default() };
        facts.paths.push("usr", true);
        facts.paths.push("usr/bin/x", false);
        let package = PackageFacts::new(PackageKind::Deb, "x", "1");
        let extract = Extract { packages: vec![package], ..Extract::default() };
        facts.files.push(FileFacts { path: "a".into(), analyzer: "b".into(), extract });
        facts
    }

    fn fingerprint() -> Fingerprint {
        Fingerprint::new(&Dispatch::all(), &Limits::default())
    }

    #[test]
    fn layers_come_back_only_for_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().to_owned(), 1 << 20);
        let (digest, now) = (Digest::of(b"layer"), SystemClock.now());
        cache.keep_layer(digest, "a", &fingerprint(), &facts()).unwrap();
        let back = cache.layer(digest, "a", &fingerprint(), now).unwrap();
        assert_eq!((back.entries, &back.files), (3, &facts().files), "optional fields may be left out");
        let mut paths = Vec::new();
        back.paths.for_each(|path| paths.push(path.to_owned()));
        assert_eq!(paths, ["usr/", "usr/bin/x"]);
        assert!(cache.layer(digest, "b", &fingerprint(), now).is_none());
        assert!(cache.layer(Digest::of(b"other"), "a", &fingerprint(), now).is_none());
        let other = Fingerprint::new(&Dispatch::all(), &Limits { entries: 1, ..Limits::default() });
        assert!(cache.layer(digest, "a", &other, now).is_none());
    }

    #[test]
    fn damaged_entries_are_absent() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().to_owned(), 1 << 20);
        let digest = Digest::of(b"layer");
        cache.keep_layer(digest, "", &fingerprint(), &facts()).unwrap();
        let path = cache.layer_path(digest, "", &fingerprint());
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(cache.layer(digest, "", &fingerprint(), SystemClock.now()).is_none(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(cache.layer(digest, "", &fingerprint(), SystemClock.now()).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn states_of_files_that_just_changed_are_not_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().to_owned(), 1 << 20);
        let file = tempfile::tempfile().unwrap();
        let state = FileState::of(&file).unwrap();
        let digest = Digest::of(b"x");
        let now = SystemClock.now();
        cache.keep_digest(&state, 0, 1, digest, now).unwrap();
        assert_eq!(cache.digest(&state, 0, 1), None);
        let later = now + jiff::SignedDuration::from_secs(60);
        cache.keep_digest(&state, 0, 1, digest, later).unwrap();
        assert_eq!(cache.digest(&state, 0, 1), Some(digest));
        assert_eq!(cache.digest(&state, 1, 1), None);
        let other = FileState { changed: state.changed + 1, ..state };
        assert_eq!(cache.digest(&other, 0, 1), None);
    }

    #[test]
    fn trimming_drops_the_least_recently_used() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().to_owned(), 400);
        let now = SystemClock.now();
        let digests: Vec<Digest> = (0..8_u8).map(|n| Digest::of(&[n])).collect();
        for (age, digest) in (0..).zip(&digests) {
            cache.keep_layer(*digest, "", &fingerprint(), &facts()).unwrap();
            touch(&cache.layer_path(*digest, "", &fingerprint()), now - jiff::SignedDuration::from_hours(age));
        }
        cache.trim().unwrap();
        let known: Vec<bool> = digests.iter().map(|digest| cache.layer_known(*digest, "", &fingerprint())).collect();
        let kept = known.iter().filter(|known| **known).count();
        assert!((1..8).contains(&kept), "{known:?}");
        assert!(known[..kept].iter().all(|known| *known), "the youngest stay: {known:?}");
    }
}
