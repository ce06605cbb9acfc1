//! The one way analyzers are tested: real files in, goldens beside them, damage survived.

use crate::analyzer::{Analyzer, Extract, File};
use sekisho_base::Limits;
use sekisho_model::PackageFacts;
use std::path::{Path, PathBuf};

/// Runs `analyzer` over `bytes` as if they lay at `path`.
pub(crate) fn run(analyzer: &Analyzer, path: &str, bytes: &[u8]) -> Extract {
    (analyzer.run)(&File { path, data: &bytes, limits: &Limits::default() })
}

/// Runs `analyzer` over every file of every case below `fixtures` (a path from the crate's root) that
/// its patterns or magic numbers match, and compares with `CASE.snap` beside the case's folder.
///
/// A case is a folder that looks like the root of an image: `fixtures/debian-12/usr/lib/os-release`.
/// A file ending in `.zst` stands for its inflated content. Goldens are updated with
/// `INSTA_UPDATE=always cargo nextest run -p sekisho-sbom`.
pub(crate) fn goldens(analyzer: &'static Analyzer, fixtures: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixtures);
    let dispatch = crate::Dispatch::new(&[analyzer]);
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no fixtures in {}", root.display());
    for case in cases {
        let mut extracts = Vec::new();
        for (path, bytes) in files_of(&case) {
            let wanted =
                !dispatch.by_path(&path).is_empty() || dispatch.by_magic(&bytes, bytes.len() as u64).next().is_some();
            if wanted {
                extracts.push((path.clone(), run(analyzer, &path, &bytes)));
                damaged(analyzer, &path, &bytes);
            }
        }
        assert!(!extracts.is_empty(), "{}: the analyzer wants none of its files", case.display());
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&root);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        settings.bind(|| insta::assert_json_snapshot!(name, extracts));
    }
}

/// A package in one line: name, `between`, version, whether it is asked for directly, whether it is for development only,
/// and what else is said but checksums.
pub(crate) fn line(facts: &PackageFacts, between: &str) -> String {
    let mut out = format!("{}{between}{}", facts.name, facts.version);
    out.push_str(facts.direct.map_or("", |direct| if direct { " direct" } else { " indirect" }));
    out.push_str(if facts.dev { " dev" } else { "" });
    for (key, value) in facts.extra.iter().filter(|(key, _)| !matches!(key.as_str(), "checksum" | "integrity")) {
        out.extend([" ", key, "=", value]);
    }
    out
}

/// The files of a case, by their path in the image.
pub(crate) fn files_of(case: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let mut folders = vec![case.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            let mut name = path.strip_prefix(case).unwrap().to_string_lossy().into_owned();
            if let Some(plain) = name.strip_suffix(".zst") {
                name = plain.to_owned();
                bytes = zstd::decode_all(&bytes[..]).unwrap();
            }
            out.push((name, bytes));
        }
    }
    out.sort();
    out
}

/// Cuts and flips `bytes` at a hundred seeded places each; the analyzer may fail but must not panic,
/// and must not find more than twice what the whole file holds.
pub(crate) fn damaged(analyzer: &Analyzer, path: &str, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let whole = run(analyzer, path, bytes).packages.len();
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
        run(analyzer, path, &bytes[..cut]);
    }
    let mut flipped = bytes.to_vec();
    for _ in 0..100 {
        let at = (next() % bytes.len() as u64) as usize;
        flipped[at] ^= 1 << (next() % 8);
        let found = run(analyzer, path, &flipped).packages.len();
        flipped[at] = bytes[at];
        assert!(found <= 2 * whole + 1, "{path}: {found} packages after flipping a bit of byte {at}, {whole} before");
    }
}
