//! Reads every file below the given paths (directories, or tars compressed with zstd) with the feed that it is of, and
//! says how many records came out and how long that took; reading from disk and inflating are not counted.
//!
//! `cargo run --release -p sekisho-advisory --example read -- PATH…`

use sekisho_advisory::feeds::{self, FeedFile};
use sekisho_base::Limits;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Total {
    files: usize,
    bytes: usize,
    advisories: usize,
    enrichments: usize,
    skipped: usize,
    aside: BTreeMap<&'static str, usize>,
    time: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut totals: BTreeMap<&str, Total> = BTreeMap::new();
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                paths.push(entry?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "zst") {
            let plain = zstd::decode_all(std::fs::File::open(&path)?)?;
            for entry in tar::Archive::new(&plain[..]).entries()? {
                let mut entry = entry?;
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                read(&entry.path()?, &bytes, &mut totals);
            }
        } else {
            read(&path, &std::fs::read(&path)?, &mut totals);
        }
    }
    for (id, total) in totals {
        let Total { files, bytes, advisories, enrichments, skipped, aside, time } = total;
        let records = advisories + enrichments;
        let seconds = time.as_secs_f64();
        #[expect(clippy::print_stdout, reason = "it is what the example is for")]
        {
            println!(
                "{id}: {files} files, {:.1} MB, {records} records, {skipped} skipped, {aside:?}: {:.3} s, {:.0} records/s, {:.0} MB/s",
                bytes as f64 / 1e6,
                seconds,
                records as f64 / seconds,
                bytes as f64 / 1e6 / seconds
            );
        }
    }
    Ok(())
}

fn read(path: &Path, bytes: &[u8], totals: &mut BTreeMap<&'static str, Total>) {
    let path = path.to_string_lossy();
    let limits = Limits::default();
    let start = Instant::now();
    let Some(feed) = feeds::feed_of(&path, bytes) else { return };
    let read = feed.read(&FeedFile { path: &path, bytes, limits: &limits }, &mut |record| drop(record));
    let total = totals.entry(feed.id).or_default();
    total.time += start.elapsed();
    total.files += 1;
    total.bytes += bytes.len();
    total.advisories += read.advisories;
    total.enrichments += read.enrichments;
    total.skipped += read.skipped;
    for (what, count) in read.aside {
        *total.aside.entry(what).or_default() += count;
    }
}
