//! A store through its life: imports in every form, what goes wrong, what stays.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use sekisho_advisory::db::PackageKey;
use sekisho_advisory::ecosystem::Ecosystem;
use sekisho_base::Limits;
use sekisho_feeds::{Imported, Store, import};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// An advisory in OSV's form.
fn osv(id: &str, name: &str, fixed: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},
           "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
    )
}

fn files() -> Vec<(&'static str, String)> {
    vec![("a/OSV-1.json", osv("OSV-1", "left-pad", "1.3.0")), ("b/OSV-2.json", osv("OSV-2", "is-odd", "2.0.0"))]
}

/// The files as a tar archive.
fn tar_of(files: &[(&str, String)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zip_of(files: &[(&str, String)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A directory for sources, and a store.
struct Place {
    directory: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("store"));
        Self { directory, store }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn import(&self, path: &Path) -> Imported {
        import(&self.store, &[path.to_owned()], false, &Limits::default(), NOW).unwrap()
    }

    /// Which of these packages something is said about.
    fn known(&self) -> Vec<&'static str> {
        let opened = self.store.open().unwrap();
        let database = opened.published.database().unwrap();
        let known = |name: &&str| {
            database.package(&PackageKey { ecosystem: Ecosystem::Npm, release: None, name }).unwrap().is_some()
        };
        ["left-pad", "is-odd", "other"].into_iter().filter(known).collect()
    }
}

#[test]
fn every_form_of_a_source_gives_the_same() {
    let archive = tar_of(&files());
    let mut databases = Vec::new();
    for form in ["directory", "tar", "tar.zst", "zip"] {
        let place = Place::new();
        // The same name, since it is part of what a database says about itself.
        let path = match form {
            "directory" => {
                for (name, text) in files() {
                    place.write(&format!("source/{name}"), text);
                }
                place.directory.path().join("source")
            }
            "tar" => place.write("source", &archive),
            "tar.zst" => place.write("source", zstd::encode_all(&archive[..], 1).unwrap()),
            _ => place.write("source", zip_of(&files())),
        };
        let imported = place.import(&path);
        assert_eq!(imported.feeds.len(), 1, "{form}: {:?}", imported.diagnostics);
        assert_eq!((imported.feeds[0].files, imported.feeds[0].advisories), (2, 2), "{form}");
        assert_eq!(place.known(), ["left-pad", "is-odd"], "{form}");
        databases.push(fs::read(place.store.open().unwrap().published.path()).unwrap());
    }
    assert!(databases.windows(2).all(|pair| pair[0] == pair[1]), "the same records give the same bytes");
    let place = Place::new();
    let (name, text) = files().remove(0);
    let path = place.write(&format!("{}.zst", name.replace('/', "-")), zstd::encode_all(text.as_bytes(), 1).unwrap());
    place.import(&path);
    assert_eq!(place.known(), ["left-pad"]);
}

#[test]
fn a_source_replaces_what_came_from_it_and_nothing_else() {
    let place = Place::new();
    place.import(&place.write("one.json", osv("OSV-1", "left-pad", "1")));
    place.import(&place.write("two.json", osv("OSV-2", "is-odd", "1")));
    assert_eq!(place.known(), ["left-pad", "is-odd"]);
    place.import(&place.write("one.json", osv("OSV-3", "other", "1")));
    assert_eq!(place.known(), ["is-odd", "other"]);
    assert_eq!(place.store.generations().unwrap().len(), 2);
}

#[test]
fn a_broken_feed_keeps_its_earlier_generation() {
    let place = Place::new();
    place.import(place.write("feed/OSV-1.json", osv("OSV-1", "left-pad", "1")).parent().unwrap());
    place.write("feed/OSV-1.json", osv("OSV-1", "other", "1"));
    place.write("feed/OSV-2.json", r#"{"id":"OSV-2","modified":"2024-01-01T00:00:00Z","affected":7}"#);
    let imported = place.import(&place.directory.path().join("feed"));
    assert!(imported.feeds.is_empty());
    assert_eq!(imported.refused.len(), 1, "{:?}", imported.refused);
    assert_eq!(imported.refused[0].0.observed_at, Some(NOW), "what stays is told");
    assert_eq!(place.known(), ["left-pad"]);
    // One broken record among many is skipped, counted and named.
    for number in 10..40 {
        place.write(&format!("feed/OSV-{number}.json"), osv(&format!("OSV-{number}"), "is-odd", "1"));
    }
    let imported = place.import(&place.directory.path().join("feed"));
    assert_eq!((imported.feeds[0].advisories, imported.feeds[0].skipped), (31, 1));
    assert!(imported.diagnostics[0].to_string().contains("OSV-2"), "{:?}", imported.diagnostics);
    assert_eq!(place.known(), ["is-odd", "other"]);
}

/// What is left of an archive that was cut looks like a smaller one.
#[test]
fn an_archive_that_ends_early_is_refused() {
    let place = Place::new();
    let many: Vec<(String, String)> = (0..40)
        .map(|n| (format!("OSV-{n}.json"), osv(&format!("OSV-{n}"), if n < 39 { "left-pad" } else { "other" }, "1")))
        .collect();
    let many: Vec<(&str, String)> = many.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let whole = tar_of(&many);
    let packed = zstd::encode_all(&whole[..], 1).unwrap();
    place.import(&place.write("feed.tar", &whole));
    assert_eq!(place.known(), ["left-pad", "other"]);
    for cut in [&whole[..20 * 1024 + 560], &packed[..200]] {
        let imported = place.import(&place.write("feed.tar", cut));
        assert!(imported.feeds.is_empty(), "{} bytes", cut.len());
        assert!(!imported.diagnostics.is_empty(), "{} bytes", cut.len());
        assert_eq!(place.known(), ["left-pad", "other"]);
    }
}

/// Go's database has changed all of its advisories in the year 1, and says of few when they were published.
#[test]
fn a_feed_of_advisories_without_dates_has_no_newest() {
    let place = Place::new();
    let dated = |modified: &str, number: usize| osv(&format!("OSV-{number}"), "a", "1").replace("2024-01-01", modified);
    let newest = |dates: &[&str]| {
        for (number, date) in dates.iter().enumerate() {
            place.write(&format!("feed/OSV-{number}.json"), dated(date, number));
        }
        place.import(&place.directory.path().join("feed")).feeds[0].newest
    };
    assert_eq!(newest(&["0001-01-01", "0001-01-01", "1969-02-01"]), None);
    assert_eq!(newest(&["0001-01-01", "1970-01-01", "1970-01-01"]), Some(NOW));
}

#[test]
fn a_damaged_database_gives_way_to_the_one_before() {
    let place = Place::new();
    place.import(&place.write("one.json", osv("OSV-1", "left-pad", "1")));
    let first = place.store.open().unwrap();
    place.import(&place.write("two.json", osv("OSV-2", "is-odd", "1")));
    // Who has the old one open goes on reading it.
    let database = first.published.database().unwrap();
    let key = |name| PackageKey { ecosystem: Ecosystem::Npm, release: None, name };
    assert!(database.package(&key("left-pad")).unwrap().is_some());
    assert!(database.package(&key("is-odd")).unwrap().is_none());
    let current = place.store.open().unwrap().published.path().to_owned();
    let whole = fs::read(&current).unwrap();
    for damage in [
        whole[..whole.len() / 2].to_vec(),
        {
            let mut flipped = whole.clone();
            flipped[whole.len() - 9] ^= 1;
            flipped
        },
        Vec::new(),
    ] {
        fs::remove_file(&current).unwrap();
        fs::write(&current, damage).unwrap();
        let opened = place.store.open().unwrap();
        assert!(opened.fallback.is_some());
        assert_eq!(place.known(), ["left-pad"]);
    }
    fs::remove_file(&current).unwrap();
    assert_eq!(place.known(), ["left-pad"]);
    // A damaged one is not what is kept beside the next.
    fs::write(&current, &whole[..whole.len() / 2]).unwrap();
    place.import(&place.write("three.json", osv("OSV-3", "other", "1")));
    assert_eq!(place.known(), ["left-pad", "is-odd", "other"]);
    fs::remove_file(&current).unwrap();
    fs::write(&current, "").unwrap();
    assert_eq!(place.known(), ["left-pad"]);
    let empty = Place::new();
    assert_eq!(empty.store.open().unwrap_err().code(), sekisho_model::Code::DatabaseAbsent);
}

#[test]
fn imports_at_the_same_time_do_not_harm_each_other() {
    let place = Place::new();
    let sources: Vec<PathBuf> = (0..6)
        .map(|number| place.write(&format!("{number}.json"), osv(&format!("OSV-{number}"), "left-pad", "1")))
        .collect();
    std::thread::scope(|scope| {
        for source in &sources {
            scope.spawn(|| place.import(source));
        }
    });
    let opened = place.store.open().unwrap();
    assert_eq!(opened.published.database().unwrap().header().counts.advisories, 6);
}

#[test]
fn what_is_no_feed_is_counted_and_takes_nothing_away() {
    let place = Place::new();
    place.import(&place.write("one.json", osv("OSV-1", "left-pad", "1")));
    let imported = place.import(&place.write("LICENSE", "terms"));
    assert_eq!((imported.strange.count, imported.feeds.len(), imported.refused.len()), (1, 0, 0));
    assert_eq!(place.known(), ["left-pad"]);
    let missing = import(&place.store, &[place.directory.path().join("nowhere")], false, &Limits::default(), NOW);
    assert_eq!(missing.unwrap_err().code(), sekisho_model::Code::SourceMissing);
    // Too large for the limits, in every form.
    let limits = Limits { feed_file_bytes: 20, ..Limits::default() };
    for (name, bytes) in
        [("big.tar", tar_of(&files())), ("big.zip", zip_of(&files())), ("big.json", files()[0].1.clone().into_bytes())]
    {
        let imported = import(&place.store, &[place.write(name, bytes)], false, &limits, NOW).unwrap();
        assert!(imported.feeds.is_empty() && !imported.diagnostics.is_empty(), "{name}");
    }
    assert_eq!(place.known(), ["left-pad"]);
}

/// Makes a file unusable.
type Spoil = fn(&Path);

#[test]
fn what_cannot_be_read_of_a_feed_counts_as_lost() {
    let good = |count: usize| -> Vec<(String, String)> {
        (0..count)
            .map(|number| (format!("OSV-{number}.json"), osv(&format!("OSV-{number}"), "left-pad", "1")))
            .collect()
    };
    let write = |place: &Place, files: &[(String, String)]| {
        for (name, text) in files {
            place.write(&format!("feed/{name}"), text);
        }
    };
    let spoils: [(&str, Spoil); 3] = [
        ("cut", |path| fs::write(path, "{\"schema_ve").unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("link", |path| std::os::unix::fs::symlink("/etc/hostname", path).unwrap()),
    ];
    for (what, spoil) in spoils {
        let place = Place::new();
        write(&place, &good(40));
        let feed = place.directory.path().join("feed");
        assert_eq!(place.import(&feed).feeds[0].skipped, 0, "{what}");
        // A few are counted, and said by who asks the database.
        for number in 0..2 {
            spoil(&feed.join(format!("OSV-9{number}.json")));
        }
        // What is there of another kind is not of the feed.
        place.write("feed/README.md", "about");
        place.write("feed/other/package.json", "{}");
        let imported = place.import(&feed);
        assert_eq!((imported.feeds[0].advisories, imported.feeds[0].skipped), (40, 2), "{what}");
        assert!(!imported.diagnostics.is_empty(), "{what}");
        // Of many, what was taken before stays.
        for number in 2..7 {
            spoil(&feed.join(format!("OSV-9{number}.json")));
        }
        let imported = place.import(&feed);
        assert_eq!((imported.feeds.len(), imported.refused.len()), (0, 1), "{what}");
        assert_eq!(imported.refused[0].1, "7 of its 47 records cannot be understood", "{what}");
    }
}

/// A file among those that the parsers are tested with.
fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../advisory/src/feeds").join(name)).unwrap()
}

#[test]
fn what_is_left_of_a_file_that_was_emptied_is_not_taken_for_a_stranger() {
    // By its neighbours, its name, or where it lies.
    for (from, to) in [
        ("redhat/fixtures/cve-2024-90001.json", "vex/2024/cve-2024-#.json"),
        ("redhat/fixtures/rhsa-2024_90002.json", "advisories/2024/rhsa-2024_#.json"),
        ("rubysec/fixtures/gems/narou/CVE-2021-35514.yml", "gems/narou#/CVE-2021-35514.yml"),
        ("rustsec/fixtures/crates/odbc/RUSTSEC-2022-0039.md", "crates/odbc#/RUSTSEC-2022-0039.md"),
    ] {
        let (place, good) = (Place::new(), fixture(from));
        let write = |number: usize, bytes: &[u8]| {
            place.write(&format!("feed/{}", to.replace('#', &number.to_string())), bytes);
        };
        (0..40).for_each(|number| write(number, &good));
        write(40, b"");
        let imported = place.import(&place.directory.path().join("feed"));
        assert_eq!((imported.feeds.len(), imported.refused.len(), imported.strange.count > 1), (1, 0, false), "{to}");
        assert_eq!(imported.feeds[0].skipped, 1, "{to}");
    }
    for (feed, name) in [
        ("kev", "known_exploited_vulnerabilities.json"),
        ("epss", "epss_scores-current.csv"),
        ("nvd", "nvdcve-2.0-2024.json"),
        ("jvn", "jvndb_2024.rdf"),
    ] {
        let place = Place::new();
        let good = place.write(name, fixture(&format!("{feed}/fixtures/{name}")));
        assert_eq!(place.import(&good).feeds.len(), 1, "{name}");
        fs::write(&good, "").unwrap();
        let imported = place.import(&good);
        assert_eq!((imported.feeds.len(), imported.refused.len(), imported.strange.count), (0, 1, 0), "{name}");
    }
}

#[test]
fn members_of_an_archive_that_are_damaged_count_as_lost() {
    let place = Place::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..20 {
        let fixed = if number < 5 { "1-damaged" } else { "1" };
        archive.start_file(format!("OSV-{number}.json"), stored).unwrap();
        archive.write_all(osv(&format!("OSV-{number}"), "left-pad", fixed).as_bytes()).unwrap();
    }
    let mut bytes = archive.finish().unwrap().into_inner();
    place.import(&place.write("all.zip", &bytes));
    let at: Vec<usize> = (0..bytes.len() - 9).filter(|at| &bytes[*at..*at + 9] == b"1-damaged").collect();
    assert_eq!(at.len(), 5);
    for at in at {
        bytes[at] = b'2';
    }
    let imported = place.import(&place.write("all.zip", &bytes));
    assert_eq!((imported.feeds.len(), imported.refused.len()), (0, 1), "{:?}", imported.diagnostics);
    assert_eq!(place.known(), ["left-pad"]);
}

#[test]
fn a_feed_beyond_the_limit_of_records_is_refused() {
    let place = Place::new();
    let table = |rows: usize| {
        let rows: Vec<String> = (0..rows).map(|number| format!("CVE-2024-{number},0.5,0.5\n")).collect();
        format!("#model_version:v1,score_date:1970-01-01T00:00:00+0000\ncve,epss,percentile\n{}", rows.concat())
    };
    let path = place.write("epss.csv", table(10));
    place.import(&path);
    let limits = Limits { records: 5, ..Limits::default() };
    let imported = import(&place.store, &[path], false, &limits, NOW).unwrap();
    assert_eq!((imported.feeds.len(), imported.refused.len()), (0, 1), "{:?}", imported.diagnostics);
    assert_eq!(place.store.generations().unwrap()[0].source.enrichments, 10);
}

#[test]
fn what_lies_beside_a_catalogue_is_none_of_it() {
    let place = Place::new();
    place.write("epss/scores.csv", "#model_version:v1\ncve,epss,percentile\nCVE-2024-1,0.5,0.5\n");
    place.write("epss/columns.csv", "name,meaning\nepss,how likely\n");
    assert_eq!(place.import(&place.directory.path().join("epss")).feeds[0].skipped, 0);
}

#[test]
fn pages_of_a_catalogue_that_are_not_there_are_missed() {
    let place = Place::new();
    let page = |start: usize, ids: &[u32]| {
        let cves: Vec<String> = ids.iter().map(|id| format!(r#"{{"cve":{{"id":"CVE-2024-{id}"}}}}"#)).collect();
        let cves = cves.join(",");
        format!(
            r#"{{"resultsPerPage":2,"startIndex":{start},"totalResults":3,"format":"NVD_CVE","vulnerabilities":[{cves}]}}"#
        )
    };
    place.write("nvd/0.json", page(0, &[1, 2]));
    let directory = place.directory.path().join("nvd");
    let imported = place.import(&directory);
    assert_eq!(imported.refused[0].1, "1 of its 3 records cannot be understood");
    place.write("nvd/2.json", page(2, &[3]));
    assert_eq!(place.import(&directory).feeds[0].skipped, 0);
}

#[test]
fn a_pipe_is_no_source() {
    let place = Place::new();
    let path = place.directory.path().join("pipe.json");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let error = import(&place.store, &[path], false, &Limits::default(), NOW).unwrap_err();
    assert_eq!(error.code(), sekisho_model::Code::FeedUnreadable);
}
