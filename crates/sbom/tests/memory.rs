//! What an analyzer allocates is bounded by the size of the file it reads, sound or damaged.
//!
//! The only test of its binary: the counter counts the whole process, and another test beside it would be counted
//! too.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixtures has failed")]

use peak_alloc::PeakAlloc;
use sekisho_base::{Limits, ReadAt};
use sekisho_sbom::{Analyzer, Dispatch, File};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes allocated at most, for each byte of the file.
const TIMES: usize = 10;
/// And this much for any file: the parts of a result that do not grow with it.
const CONSTANT: usize = 16 << 10;
/// And this much for what inflates: its window and tables.
const INFLATER: usize = 96 << 10;
/// And this much for what searches: regular expressions, which are compiled for each file.
const SEARCHER: usize = 512 << 10;
/// And so many times as much: for lock files in TOML, of which a parser makes a tree, a part of at most 1 MiB at a time;
/// and where a package takes no more than a short line.
const MORE: [(&str, usize); 7] = [
    ("python-poetry", 3),
    ("python-uv", 3),
    ("python-pdm", 3),
    ("python-pylock", 3),
    ("cargo-lock", 3),
    ("julia-manifest", 3),
    ("go-mod", 2),
];
/// Places at which each file is cut, and as many at which a byte is changed.
const DAMAGES: usize = 100;

#[test]
fn analyzers_allocate_in_proportion_to_the_file() {
    let limits = Limits::default();
    let dispatch = Dispatch::all();
    let mut files = 0;
    for root in roots() {
        for (path, bytes) in files_of(&root) {
            let mut wanted = dispatch.by_path(&path);
            wanted.extend(dispatch.by_magic(&bytes, bytes.len() as u64));
            for analyzer in wanted {
                files += 1;
                check(analyzer, &path, &bytes, &limits);
            }
        }
    }
    assert!(files > 50, "only {files} fixtures");
}

/// Reads a file whole, cut and changed.
fn check(analyzer: &Analyzer, path: &str, bytes: &[u8], limits: &Limits) {
    let bounded = |bytes: &[u8], damage: &str| {
        let tools = match analyzer.id {
            "java-archive" | "python-egg" => INFLATER,
            "binary" => SEARCHER,
            _ => 0,
        };
        let more = MORE.iter().find(|(id, _)| *id == analyzer.id).map_or(1, |(_, more)| *more);
        let most = more * TIMES * bytes.len() + CONSTANT + tools;
        for (place, data) in [("memory", &bytes as &dyn ReadAt), ("a file", &OnDisk(bytes))] {
            let peak = peak(|| drop((analyzer.run)(&File { path, data, limits })));
            assert!(peak <= most, "{}: {path}{damage} in {place}: {peak} bytes for {}", analyzer.id, bytes.len());
        }
    };
    // What is made once for all files is not counted.
    (analyzer.run)(&File { path, data: &bytes, limits });
    bounded(bytes, "");
    if bytes.is_empty() {
        return;
    }
    let mut random = Random(bytes.len() as u64);
    let mut changed = bytes.to_vec();
    for _ in 0..DAMAGES {
        let cut = random.below(bytes.len());
        bounded(&bytes[..cut], &format!(" cut at {cut}"));
        let at = random.below(bytes.len());
        changed[at] ^= 1 + random.below(255) as u8;
        bounded(&changed, &format!(" changed at {at} to {}", changed[at]));
        changed[at] = bytes[at];
    }
}

/// Bytes allocated at the most while `work` runs, above those before.
fn peak(work: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}

/// xorshift64*, so that each run damages the same places.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end as u64) as usize
    }
}

/// Bytes that have to be copied to be looked at, as those of a file on disk.
struct OnDisk<'a>(&'a [u8]);

impl ReadAt for OnDisk<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }
}

/// Folders that look like the root of an image: the analyzers' fixtures, and those of the shared corpus where it
/// lies beside the work tree.
fn roots() -> Vec<PathBuf> {
    let analyzers = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/analyzers"));
    let fixtures = folders(analyzers).into_iter().map(|analyzer| analyzer.join("fixtures"));
    let cases = fixtures.flat_map(|fixtures| folders(&fixtures)).collect::<Vec<_>>();
    // Analyzers that read several kinds of file have a folder of cases for each kind.
    let nested = cases.iter().flat_map(|case| folders(case)).collect::<Vec<_>>();
    let corpus = folders(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/packagedb")));
    [cases, nested, corpus].concat()
}

/// The folders in `folder`, none where it does not exist.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The files below `root` by their path in the image. Those of the shared corpus that have no path lie where rpm
/// keeps them.
fn files_of(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            let mut name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if let Some(plain) = name.strip_suffix(".zst") {
                name.truncate(plain.len());
                bytes = zstd::decode_all(&bytes[..]).unwrap();
            }
            if !name.contains('/') {
                name = format!("var/lib/rpm/{name}");
            }
            out.push((name, bytes));
        }
    }
    out.sort();
    out
}
