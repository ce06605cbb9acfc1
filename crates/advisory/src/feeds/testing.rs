//! The one way feeds are tested: files in, goldens beside them, a round trip through OSV, damage survived.

use super::feed::{Feed, FeedFile, Read, has_extension};
use super::feed_of;
use crate::record::{Advisory, Record};
use sekisho_base::Limits;
use std::path::{Path, PathBuf};

/// Reads `bytes` as if they lay at `path`.
pub(crate) fn read(feed: &Feed, path: &str, bytes: &[u8]) -> (Vec<Record>, Read) {
    let mut records = Vec::new();
    let file = FeedFile { path, bytes, limits: &Limits::default() };
    let read = feed.read(&file, &mut |record| records.push(record));
    (records, read)
}

/// The only advisory of a file that has nothing else.
pub(crate) fn one(feed: &Feed, path: &str, text: &str) -> Advisory {
    let (mut records, read) = read(feed, path, text.as_bytes());
    assert_eq!((records.len(), read.skipped), (1, 0), "{read:?}");
    match records.remove(0) {
        Record::Advisory(advisory) => advisory,
        Record::Enrichment(said) => panic!("it is an enrichment: {said:?}"),
    }
}

/// Runs `feed` over every file below `fixtures` (a path from the crate's root) and compares what it hands over with
/// `FILE.snap` beside the file. A file that the feed does not recognise must be no other feed's either.
///
/// Goldens are updated with `INSTA_UPDATE=always cargo nextest run -p sekisho-advisory`.
pub(crate) fn goldens(feed: &'static Feed, fixtures: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixtures);
    let mut any = false;
    for path in files_below(&root) {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        if has_extension(&name, "snap") || name == "README.md" {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(feed_of(&name, &bytes).map(|feed| feed.id), Some(feed.id), "{name}");
        let (records, seen) = read(feed, &name, &bytes);
        damaged(feed, &name, &bytes);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(path.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let asides = format!("{} skipped, {:?}", seen.skipped, seen.aside);
        let seen = serde_json::json!({ "records": records, "aside": asides, "diagnostics": seen.diagnostics });
        let golden = path.file_name().unwrap().to_string_lossy().into_owned();
        settings.bind(|| insta::assert_json_snapshot!(golden, seen));
        any = true;
    }
    assert!(any, "no fixtures in {}", root.display());
}

/// Every file below a folder, sorted.
pub(crate) fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { out.push(path) }
        }
    }
    out.sort();
    out
}

/// Cuts and flips `bytes` at a hundred seeded places each; the parser may fail but must not panic, and must not find
/// more than twice what the whole file holds.
fn damaged(feed: &Feed, path: &str, bytes: &[u8]) {
    let whole = read(feed, path, bytes).0.len();
    // xorshift64*, so that each run damages the same places.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ bytes.len() as u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    for _ in 0..100 {
        let cut = (next() % bytes.len() as u64) as usize;
        read(feed, path, &bytes[..cut]);
    }
    let mut flipped = bytes.to_vec();
    for _ in 0..100 {
        let at = (next() % bytes.len() as u64) as usize;
        flipped[at] ^= 1 << (next() % 8);
        let found = read(feed, path, &flipped).0.len();
        flipped[at] = bytes[at];
        assert!(found <= 2 * whole + 1, "{path}: {found} records after flipping a bit of byte {at}, {whole} before");
    }
}

/// The folder of the real feeds, where there is one: it lies beside the repository.
pub(crate) fn corpus() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("shared/corpus/advisories"));
    let found = found.filter(|folder| folder.is_dir()).last();
    if found.is_none() {
        eprintln!("SKIP: there is no shared/corpus/advisories");
    }
    found
}
