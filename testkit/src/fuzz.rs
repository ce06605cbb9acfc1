//! What a fuzzer runs: one function for each parser of strangers' bytes, and what must hold whatever the bytes.
//!
//! Here and not in `fuzz/`, so that the same functions run in two places: under libFuzzer, where each binary of
//! `fuzz/fuzz_targets` is one call, and in the test below, which replays the committed inputs of `fuzz/corpus` on
//! a stable toolchain. Not in the crates of the parsers either: they would ship it. [`TARGETS`] is the one list: of
//! the replay, of `cargo xtask soak fuzz`, and of its help.
//!
//! Limits are small, so that inputs of a size that a fuzzer makes reach them and a run takes microseconds.

use sekisho_advisory::version::{NpmRange, Scheme};
use sekisho_base::bytes::FileRange;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::limits::Deadline;
use sekisho_base::spool::SpillQuota;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Diagnostic, Digest, Level};
use sekisho_oci::tar::{Content, Entry, EntryKind, Visitor, walk};
use sekisho_oci::{Choice, LayerStream, Stored};
use sekisho_sbom::project::Projects;
use sekisho_sbom::{Analyzer, Dispatch, Extract, File};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tempfile::NamedTempFile;

mod admission;
mod container;
mod database;
mod detect;
mod feeds;
mod files;
mod policy;
mod report;
mod said;
mod sbom;
mod sensor;
mod store;
mod trace;

pub use admission::admission;
pub use container::container;
pub use database::database;
pub use detect::{detect_condition, detect_rules};
pub use feeds::{feed_catalogue, feed_csaf, feed_debian, feed_osv, feed_rustsec, feed_xml, feed_yaml};
pub use files::{deb_package, disk_image, rpm_package, zip_tree};
pub use policy::{criterion, manifest, policy, rego, vap};
pub use report::foreign_report;
pub use said::{exceptions, vex};
pub use sbom::{sbom_cyclonedx, sbom_spdx, sbom_syft};
pub use sensor::sensor_record;
pub use store::{store_names, store_split};
pub use trace::{audit, scap};

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its binary in `fuzz/fuzz_targets` and its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Runs the parser over an input; panics when something does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "tar_walk", run: tar_walk },
    Target { name: "image", run: image },
    Target { name: "inflate", run: inflate },
    Target { name: "store_names", run: store_names },
    Target { name: "store_split", run: store_split },
    Target { name: "container", run: container },
    Target { name: "rpm", run: rpm },
    Target { name: "rpm_package", run: rpm_package },
    Target { name: "dpkg", run: dpkg },
    Target { name: "deb_package", run: deb_package },
    Target { name: "zip_tree", run: zip_tree },
    Target { name: "disk_image", run: disk_image },
    Target { name: "apk", run: apk },
    Target { name: "python", run: python },
    Target { name: "python_requirements", run: python_requirements },
    Target { name: "toml_locks", run: toml_locks },
    Target { name: "npm_package", run: npm_package },
    Target { name: "npm_lock", run: npm_lock },
    Target { name: "js_locks", run: js_locks },
    Target { name: "go_binary", run: go_binary },
    Target { name: "program", run: program },
    Target { name: "json_packages", run: json_packages },
    Target { name: "java_archive", run: java_archive },
    Target { name: "java_build", run: java_build },
    Target { name: "dotnet", run: dotnet },
    Target { name: "gem", run: gem },
    Target { name: "json_locks", run: json_locks },
    Target { name: "text_locks", run: text_locks },
    Target { name: "wordpress", run: wordpress },
    Target { name: "os_release", run: os_release },
    Target { name: "feed_osv", run: feed_osv },
    Target { name: "feed_yaml", run: feed_yaml },
    Target { name: "feed_debian", run: feed_debian },
    Target { name: "feed_csaf", run: feed_csaf },
    Target { name: "feed_xml", run: feed_xml },
    Target { name: "feed_rustsec", run: feed_rustsec },
    Target { name: "feed_catalogue", run: feed_catalogue },
    Target { name: "database", run: database },
    Target { name: "vex", run: vex },
    Target { name: "exceptions", run: exceptions },
    Target { name: "version", run: version },
    Target { name: "foreign_report", run: foreign_report },
    Target { name: "manifest", run: manifest },
    Target { name: "policy", run: policy },
    Target { name: "criterion", run: criterion },
    Target { name: "admission", run: admission },
    Target { name: "rego", run: rego },
    Target { name: "vap", run: vap },
    Target { name: "detect_rules", run: detect_rules },
    Target { name: "detect_condition", run: detect_condition },
    Target { name: "scap", run: scap },
    Target { name: "audit", run: audit },
    Target { name: "sbom_cyclonedx", run: sbom_cyclonedx },
    Target { name: "sbom_spdx", run: sbom_spdx },
    Target { name: "sbom_syft", run: sbom_syft },
    Target { name: "sensor_record", run: sensor_record },
];

static LIMITS: Limits = Limits {
    inflated_bytes: 256 << 10,
    ratio: 250,
    ratio_grace_bytes: 64 << 10,
    entries: 500,
    path_table_bytes: 64 << 10,
    path_bytes: 256,
    path_depth: 16,
    document_bytes: 64 << 10,
    download_bytes: 1 << 20,
    tar_header_bytes: 8 << 10,
    memory_file_bytes: 64 << 10,
    text_file_bytes: 256 << 10,
    random_file_bytes: 1 << 20,
    spill_bytes: 1 << 20,
    records: 200,
    feed_file_bytes: 1 << 20,
    facts_bytes: 1 << 20,
    time: Duration::from_secs(10),
};

/// The walk over a stored layer, each file read in every way there is.
pub fn tar_walk(stored: &[u8]) {
    with_file(stored, |range, _| {
        let Ok(mut stream) = LayerStream::new(range, &LIMITS, Deadline::of(&LIMITS)) else { return };
        let mut visitor = Reader::default();
        let walked = walk(&mut stream, &LIMITS, &mut visitor);
        assert!(visitor.entries <= LIMITS.entries, "more entries than the limit");
        assert_eq!(walked.complete, !visitor.incomplete, "a walk is complete unless it says why not");
        let end = stream.finish().expect("a file that is there can be read");
        assert_eq!((end.digest, end.stored_bytes), (Some(Digest::of(stored)), stored.len() as u64));
        assert!(end.plain_bytes <= LIMITS.inflated_bytes.max(stored.len() as u64), "more plain bytes than the limit");
    });
}

/// Reads all content, and compares the ways to do so.
#[derive(Default)]
struct Reader {
    entries: u64,
    incomplete: bool,
}

impl Visitor<LayerStream> for Reader {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, LayerStream>) -> io::Result<()> {
        self.entries += 1;
        let inside = |part: &str| !matches!(part, "" | "." | "..");
        assert!(entry.path.is_empty() || entry.path.split('/').all(inside), "{:?} is not normal", entry.path);
        assert!(entry.path.len() <= LIMITS.path_bytes, "a path longer than the limit");
        let EntryKind::File { size } = entry.kind else { return Ok(()) };
        let head = content.head(8)?.to_vec();
        let buffered = content.buffered()?.map(<[u8]>::to_vec);
        let range = content.range().map(|range| range.whole(u64::MAX).map(std::borrow::Cow::into_owned)).transpose()?;
        let mut copy = Bounded(Vec::new());
        match content.copy_to(&mut copy)? {
            Ok(()) => assert_eq!(copy.0.len() as u64, size, "not as many bytes as stated"),
            Err(_) => assert!(size > Bounded::MAX as u64, "the writer had room"),
        }
        for whole in [buffered, range].into_iter().flatten() {
            assert_eq!(whole.len() as u64, size, "not as many bytes as stated");
            assert!(whole.starts_with(&head), "the head is not the beginning");
            assert!(whole.starts_with(&copy.0), "two ways to read differ");
        }
        Ok(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.incomplete |= diagnostic.level == Level::Incomplete;
    }
}

/// A writer with little room: files with holes have up to 2^63 bytes.
struct Bounded(Vec<u8>);

impl Bounded {
    const MAX: usize = 256 << 10;
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > Self::MAX {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opening an image archive.
pub fn image(archive: &[u8]) {
    with_file(archive, |_, file| {
        let quota = SpillQuota::new(std::env::temp_dir(), LIMITS.spill_bytes);
        if let Ok(image) = sekisho_oci::open(file.path(), &Choice::default(), &LIMITS, &quota) {
            for layer in image.layers.iter().filter_map(|layer| layer.stored.as_ref().ok()) {
                let Stored::File(range) = layer else { panic!("a layer of an archive lies elsewhere") };
                range.whole(LIMITS.inflated_bytes).expect("a layer lies in the archive");
            }
        }
        assert!(quota.total() <= LIMITS.spill_bytes, "more temporary bytes than the quota");
    });
}

/// Decompression.
pub fn inflate(stored: &[u8]) {
    let stored_bytes = stored.len() as u64;
    let Ok(mut inflate) = Inflate::new(stored, Compression::detect(stored), stored_bytes, &LIMITS) else { return };
    let (mut piece, mut total) = (vec![0; 16 << 10], 0);
    while let Ok(count @ 1..) = inflate.read(&mut piece) {
        total += count as u64;
    }
    let steepest = LIMITS.ratio_grace_bytes.max(LIMITS.ratio * (stored_bytes + 1));
    assert!(total <= LIMITS.inflated_bytes && total <= steepest, "{total} bytes from {stored_bytes}");
}

/// The database of rpm in each of its forms, and the log beside it.
pub fn rpm(bytes: &[u8]) {
    analyze(&["var/lib/rpm/Packages", "var/lib/rpm/rpmdb.sqlite-wal"], bytes);
}

/// The database, the file lists and the copyright files of dpkg.
pub fn dpkg(bytes: &[u8]) {
    analyze(
        &[
            "var/lib/dpkg/status",
            "var/lib/dpkg/status.d/a.md5sums",
            "var/lib/dpkg/info/a.list",
            "usr/share/doc/a/copyright",
        ],
        bytes,
    );
}

/// The databases of apk, pacman and portage, and the record of the first two's packages.
pub fn apk(bytes: &[u8]) {
    analyze(
        &[
            "lib/apk/db/installed",
            "var/lib/pacman/local/a-1-1/desc",
            "var/lib/pacman/local/a-1-1/files",
            "var/db/pkg/c/a-1/CONTENTS",
            "var/db/pkg/c/a-1/LICENSE",
        ],
        bytes,
    );
    check(&sekisho_sbom::analyzers::pkginfo::PACKAGE, ".PKGINFO", bytes);
}

/// The metadata of Python distributions.
pub fn python(bytes: &[u8]) {
    let wheel = "site-packages/a-1.dist-info/WHEEL";
    analyze(&["site-packages/a-1.dist-info/METADATA", wheel, "site-packages/a-1.egg"], bytes);
}

/// Requirements files of Python.
pub fn python_requirements(bytes: &[u8]) {
    analyze(&["srv/requirements.txt"], bytes);
}

/// Lock files in TOML.
pub fn toml_locks(bytes: &[u8]) {
    analyze(&["srv/Cargo.lock", "srv/poetry.lock", "srv/uv.lock", "srv/pdm.lock", "srv/pylock.toml"], bytes);
}

/// Packages in JSON that no other target reads.
pub fn json_packages(bytes: &[u8]) {
    analyze(
        &[
            "srv/Pipfile.lock",
            "opt/conda/conda-meta/a.json",
            "usr/share/buildinfo/content-sets.json",
            "usr/share/bottlerocket/application-inventory.json",
        ],
        bytes,
    );
}

/// `package.json`.
pub fn npm_package(bytes: &[u8]) {
    analyze(&["srv/node_modules/a/package.json"], bytes);
}

/// `package-lock.json`.
pub fn npm_lock(bytes: &[u8]) {
    analyze(&["srv/package-lock.json"], bytes);
}

/// The lock files of yarn, pnpm and bun.
pub fn js_locks(bytes: &[u8]) {
    analyze(&["srv/yarn.lock", "srv/pnpm-lock.yaml", "srv/bun.lock"], bytes);
}

/// What Go and Rust leave in executables.
pub fn go_binary(bytes: &[u8]) {
    let dispatch = &*DISPATCH;
    for analyzer in dispatch.by_magic(bytes, u64::MAX) {
        check(analyzer, "usr/bin/a", bytes);
    }
}

/// Programs by their bytes; what stands in all of them is put first, so that a fuzzer need not find it.
pub fn program(bytes: &[u8]) {
    let elf = [b"\x7fELF".as_slice(), bytes].concat();
    analyze(&["bin/node", "bin/python3.11", "sbin/mysqld", "lib/libcrypto.so.3", "bin/beam.smp"], &elf);
    analyze(&["bin/java", "bin/gcc", "bin/deno", "bin/jq"], bytes);
}

/// Java archives.
pub fn java_archive(bytes: &[u8]) {
    analyze(&["opt/a-1.jar"], bytes);
}

/// The files of Maven, Gradle and sbt, and what projects make of each other.
pub fn java_build(bytes: &[u8]) {
    analyze(&["a/META-INF/maven/g/a/pom.properties", "a/gradle.lockfile", "a/build.sbt.lock"], bytes);
    analyze(&["a/gradle/verification-metadata.xml"], bytes);
    projects(&["a/b/pom.xml", "a/pom.xml"], bytes);
}

/// The files of .NET, and what projects make of each other.
pub fn dotnet(bytes: &[u8]) {
    analyze(&["a.deps.json", "packages.lock.json", "obj/project.assets.json", "packages.config"], bytes);
    projects(&["a/a.csproj", "Directory.Packages.props", "Directory.Build.props"], bytes);
}

/// The same bytes as several projects of one tree.
fn projects(paths: &[&str], bytes: &[u8]) {
    analyze(paths, bytes);
    let run = |path: &&str| (DISPATCH.by_path(path)[0].run)(&File { path, data: &bytes, limits: &LIMITS });
    let read: Vec<Extract> = paths.iter().map(run).collect();
    let stated = paths.iter().zip(&read).filter_map(|(path, extract)| Some((*path, extract.project.as_deref()?)));
    let projects = Projects::of(stated);
    for (path, extract) in paths.iter().zip(&read) {
        let Some(around) = projects.around(path) else { continue };
        for package in &extract.packages {
            let complete = around.complete(package);
            assert!(complete.version.len() <= package.version.len().max(1024), "a version longer than the bound");
            assert!(complete.extra.is_sorted(), "extras are sorted by name");
        }
    }
}

/// Specifications of Ruby gems, and Bundler's lock file.
pub fn gem(bytes: &[u8]) {
    analyze(&["specifications/a-1.gemspec", "srv/Gemfile.lock"], bytes);
}

/// Lock files in JSON of which no other target is.
pub fn json_locks(bytes: &[u8]) {
    analyze(
        &[
            "srv/composer.lock",
            "vendor/composer/installed.json",
            "Package.resolved",
            "srv/conan.lock",
            "srv/renv.lock",
            "srv/deno.lock",
            "srv/a.spdx.json",
        ],
        bytes,
    );
}

/// Lock files and lists of packages that are read by their lines or brackets.
pub fn text_locks(bytes: &[u8]) {
    analyze(
        &[
            "srv/pubspec.lock",
            "srv/mix.lock",
            "srv/Podfile.lock",
            "srv/conanfile.txt",
            "srv/Manifest.toml",
            "R/library/a/DESCRIPTION",
            "srv/cabal.project.freeze",
            "srv/stack.yaml.lock",
            "srv/stack.yaml",
            "srv/setup.py",
            "opt/java/release",
            "srv/go.mod",
        ],
        bytes,
    );
}

/// Headers of plugins and themes of `WordPress`.
pub fn wordpress(bytes: &[u8]) {
    analyze(&["wp-content/plugins/a/a.php", "wp-content/themes/a/style.css"], bytes);
}

/// `os-release`.
pub fn os_release(bytes: &[u8]) {
    analyze(&["etc/os-release"], bytes);
}

static DISPATCH: LazyLock<Dispatch> = LazyLock::new(Dispatch::all);

/// Runs the analyzers that want them over the bytes as if they lay at each of `paths`.
fn analyze(paths: &[&str], bytes: &[u8]) {
    for path in paths {
        let analyzers = DISPATCH.by_path(path);
        assert!(!analyzers.is_empty(), "no analyzer wants {path}");
        for analyzer in analyzers {
            check(analyzer, path, bytes);
        }
    }
}

/// Runs one analyzer over bytes in memory and over bytes that are copied out piece by piece.
fn check(analyzer: &Analyzer, path: &str, bytes: &[u8]) {
    #[cfg(test)]
    tests::REACHED.lock().unwrap().insert(analyzer.id);
    let extract = (analyzer.run)(&File { path, data: &bytes, limits: &LIMITS });
    let pieces = (analyzer.run)(&File { path, data: &Pieces(bytes), limits: &LIMITS });
    assert_eq!(extract, pieces, "what is read depends on where the bytes lie");
    assert!(extract.packages.len() <= LIMITS.records, "more packages than the limit");
    // A package of a line of five bytes takes a thousand in the end.
    let size = extract.weight("");
    assert!(size <= 256 * bytes.len() + 2048, "{} bytes became {size}", bytes.len());
}

/// Bytes that do not lie in memory as one slice.
struct Pieces<'a>(&'a [u8]);

impl ReadAt for Pieces<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }
}

/// Versions, one a line: each scheme orders any three of them as an order does.
pub fn version(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let [a, b, c] = [(); 3].map(|()| lines.next().unwrap_or_default());
    for scheme in Scheme::ALL {
        let (first, second, whole) = (scheme.compare(a, b), scheme.compare(b, c), scheme.compare(a, c));
        assert_eq!(scheme.compare(b, a), first.reverse(), "{scheme} turned");
        if first == second || first.is_eq() || second.is_eq() {
            assert_eq!(whole, first.then(second), "{scheme} is not transitive");
        }
        assert!(!scheme.is_valid(""), "nothing is a version of {scheme}");
        scheme.is_valid(a);
    }
    if let Some(range) = NpmRange::parse(a) {
        range.contains(b);
    }
}

/// Calls `run` with a file that holds `bytes`. Each thread writes one file over and over: to make one takes
/// longer than most runs.
fn with_file(bytes: &[u8], run: impl FnOnce(FileRange, &NamedTempFile)) {
    thread_local! {
        static FILE: RefCell<Option<(Arc<std::fs::File>, NamedTempFile)>> = const { RefCell::new(None) };
    }
    FILE.with_borrow_mut(|slot| {
        let (shared, file) = slot.get_or_insert_with(|| {
            let file = NamedTempFile::new().expect("a temporary file can be made");
            (Arc::new(file.reopen().expect("a temporary file can be opened")), file)
        });
        file.as_file().set_len(0).expect("a temporary file can be emptied");
        std::os::unix::fs::FileExt::write_all_at(file.as_file(), bytes, 0).expect("a temporary file can be written");
        run(FileRange::new(Arc::clone(shared), 0, bytes.len() as u64), file);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_model::{Inventory, PackageKind, SourceKind};
    use sekisho_sbom::analyzers::ANALYZERS;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;
    use std::sync::Mutex;

    /// The analyzers that some target has offered bytes to.
    pub(super) static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

    const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

    /// The record of a package file that is scanned itself is offered by the scan, which shows by the package in it.
    pub(super) fn reached_by_scan(inventory: &Inventory) {
        let kinds = [(PackageKind::Deb, "deb-package"), (PackageKind::Rpm, "rpm-package")];
        let has = |kind| inventory.packages.iter().any(|package| package.facts.kind == kind);
        if inventory.source.kind == SourceKind::PackageFile {
            REACHED.lock().unwrap().extend(kinds.into_iter().filter(|(kind, _)| has(*kind)).map(|(_, id)| id));
        }
    }

    #[test]
    fn every_committed_input_passes() {
        for target in TARGETS {
            let inputs: Vec<_> = fs::read_dir(Path::new(FUZZ).join("corpus").join(target.name)).unwrap().collect();
            assert!(!inputs.is_empty(), "{} has no input", target.name);
            for input in inputs {
                let path = input.unwrap().path();
                let bytes = fs::read(&path).unwrap();
                let outcome = std::panic::catch_unwind(|| (target.run)(&bytes));
                assert!(outcome.is_ok(), "{} fails on {}", target.name, path.display());
            }
        }
    }

    #[test]
    fn every_analyzer_is_reached_by_a_target() {
        for target in TARGETS {
            // Every input counts in the test above: one is enough to see whom a target offers it to.
            for input in fs::read_dir(Path::new(FUZZ).join("corpus").join(target.name)).unwrap().take(20) {
                (target.run)(&fs::read(input.unwrap().path()).unwrap());
            }
        }
        let reached = REACHED.lock().unwrap();
        let missing: Vec<_> = ANALYZERS.iter().map(|it| it.id).filter(|id| !reached.contains(id)).collect();
        assert!(missing.is_empty(), "no fuzz target offers anything to {missing:?}");
    }

    #[test]
    fn every_binary_is_a_target_of_the_table() {
        let names: BTreeSet<_> = TARGETS.iter().map(|target| format!("{}.rs", target.name)).collect();
        let binaries = fs::read_dir(Path::new(FUZZ).join("fuzz_targets")).unwrap();
        let binaries: BTreeSet<_> = binaries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(binaries, names);
    }
}
