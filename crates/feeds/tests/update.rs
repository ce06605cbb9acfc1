//! Updates from a server on the loopback interface and from directories: what changed is taken, what fails stays.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use jiff::{Timestamp, ToSpan};
use sekisho_base::Limits;
use sekisho_feeds::upstream::Upstream;
use sekisho_feeds::{Asked, Failure, FeedsError, Origin, Outcome, Progress, Store, Updated, missing, update};
use sekisho_net::{Client, Network, Patience};
use sekisho_testkit::server::{Answer, Server, file};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Nobody;

impl Progress for Nobody {
    fn expects(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// What a server has, by path: the bytes and their version. A version of `!` is an error of the server.
type Files = Arc<Mutex<BTreeMap<String, (Vec<u8>, String)>>>;

struct World {
    directory: tempfile::TempDir,
    store: Store,
    server: Server,
    files: Files,
    client: Client,
}

const START: Timestamp = Timestamp::UNIX_EPOCH;

impl World {
    fn new() -> Self {
        let files = Files::default();
        let there = Arc::clone(&files);
        let server = Server::new(move |request| match there.lock().unwrap().get(&request.target) {
            None => Answer::new(404, ""),
            Some((_, version)) if version == "!" => Answer::new(500, ""),
            Some((bytes, version)) => file(request, bytes, version),
        });
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("store"));
        Self { directory, store, server, files, client: Network::default().client().unwrap() }
    }

    fn put(&self, path: &str, bytes: impl Into<Vec<u8>>, version: &str) {
        self.files.lock().unwrap().insert(path.to_owned(), (bytes.into(), version.to_owned()));
    }

    fn asked(&self, name: &str, paths: &[&str]) -> Asked {
        let urls = paths.iter().map(|path| self.server.url(path)).collect();
        Asked { upstream: Upstream::named(name).unwrap(), urls }
    }

    fn from(&self, asked: &[Asked], origin: &Origin<'_>, hours: i64) -> Result<Updated, FeedsError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let now = START + hours.hours();
        runtime.block_on(update(&self.store, asked, origin, false, &Limits::default(), now, &Nobody))
    }

    fn update(&self, asked: &[Asked], hours: i64) -> Updated {
        let patience = Patience { attempts: 2, first: Duration::ZERO, ..Patience::default() };
        self.from(asked, &Origin::Network(&self.client, patience), hours).unwrap()
    }

    /// Feeds of the database with where they are from, how much there is of them, and the hour in which they were seen.
    fn held(&self) -> Vec<(String, String, usize, i64)> {
        let opened = self.store.open().unwrap();
        assert!(opened.fallback.is_none());
        let header = opened.published.database().unwrap().header().clone();
        let of = |feed: &sekisho_advisory::db::FeedSource| {
            let hours = feed.observed_at.unwrap().duration_since(START).as_hours();
            (feed.id.clone(), feed.source.clone(), feed.advisories + feed.enrichments, hours)
        };
        header.feeds.iter().map(of).collect()
    }

    fn requested(&self) -> Vec<String> {
        let mut targets: Vec<String> = self.server.take_requests().into_iter().map(|request| request.target).collect();
        // Several come at a time.
        targets.sort();
        targets
    }
}

fn held(id: &str, source: &str, count: usize, hours: i64) -> (String, String, usize, i64) {
    (id.to_owned(), source.to_owned(), count, hours)
}

fn osv(id: &str, name: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},
           "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"2.0.0"}}]}}]}}]}}"#
    )
}

fn zip(files: &[(&str, String)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gzip(text: &str) -> Vec<u8> {
    sekisho_testkit::Compress::Gzip.store(text.as_bytes())
}

const EPSS: &str = "#model_version:v2023.03.01,score_date:2023-11-01T00:00:00+0000\ncve,epss,percentile\n\
    CVE-2023-9001,0.93,0.99\nCVE-2023-9002,0.001,0.2\n";

fn outcomes(updated: &Updated) -> Vec<String> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Taken(feeds) => format!("taken {}", feeds.len()),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Failed(failure) => format!("failed: {failure}"),
    };
    updated.upstreams.iter().map(|(upstream, outcome)| format!("{} {}", upstream.name, word(outcome))).collect()
}

#[test]
fn what_changed_is_taken_and_what_did_not_is_seen_again() {
    let world = World::new();
    world.put("/npm/all.zip", zip(&[("OSV-1.json", osv("OSV-1", "a")), ("GHSA-1.json", osv("GHSA-1", "b"))]), "1");
    world.put("/epss.csv.gz", gzip(EPSS), "1");
    let asked = [world.asked("npm", &["/npm/all.zip"]), world.asked("epss", &["/epss.csv.gz"])];
    let first = world.update(&asked, 1);
    assert_eq!(outcomes(&first), ["npm taken 2", "epss taken 1"]);
    assert_eq!(world.held(), [held("ghsa", "npm", 1, 1), held("epss", "epss", 2, 1), held("osv", "npm", 1, 1)]);
    assert_eq!(world.requested(), ["/epss.csv.gz", "/npm/all.zip"]);

    // Nothing changed: the same database, seen later.
    let second = world.update(&asked, 50);
    assert_eq!(outcomes(&second), ["npm unchanged", "epss unchanged"]);
    assert_eq!(world.held(), [held("ghsa", "npm", 1, 50), held("epss", "epss", 2, 50), held("osv", "npm", 1, 50)]);
    let database = world.store.open().unwrap();
    assert_eq!(database.published.database().unwrap().vulnerabilities_named("OSV-1").unwrap().len(), 1);
    assert_eq!(second.header.unwrap(), *database.published.database().unwrap().header());

    // One changed, the other did not.
    world.put(
        "/npm/all.zip",
        zip(&[
            ("OSV-1.json", osv("OSV-1", "a")),
            ("OSV-2.json", osv("OSV-2", "b")),
            ("GHSA-1.json", osv("GHSA-1", "b")),
        ]),
        "2",
    );
    assert_eq!(outcomes(&world.update(&asked, 60)), ["npm taken 2", "epss unchanged"]);
    assert_eq!(world.held(), [held("ghsa", "npm", 1, 60), held("epss", "epss", 2, 60), held("osv", "npm", 2, 60)]);

    // A server that says it is another version, of the same bytes.
    world.put("/epss.csv.gz", gzip(EPSS), "2");
    assert_eq!(outcomes(&world.update(&asked[1..], 70)), ["epss unchanged"]);
    assert_eq!(world.held()[1], held("epss", "epss", 2, 70));

    // What was taken from it was forgotten: it is taken again though it did not change.
    world.store.remove(&["epss".to_owned()], false, &Limits::default()).unwrap();
    assert_eq!(world.held().len(), 2);
    assert_eq!(outcomes(&world.update(&asked, 80)), ["npm unchanged", "epss taken 1"]);
    assert_eq!(world.held().len(), 3);
}

#[test]
fn a_failing_upstream_keeps_what_there_is_of_it() {
    let world = World::new();
    world.put("/a", zip(&[("OSV-1.json", osv("OSV-1", "a"))]), "1");
    world.put("/epss", gzip(EPSS), "1");
    let asked = [world.asked("npm", &["/a"]), world.asked("epss", &["/epss"])];
    world.update(&asked, 1);
    for (bytes, version, why) in [
        (b"".to_vec(), "!", "500"),
        (b"<html>log in</html>".to_vec(), "2", "none of its 1 files"),
        (b"PK\x03\x04broken".to_vec(), "3", "cannot read"),
        (zip(&[("OSV-1.json", r#"{"id":"OSV-1","affected":7}"#.to_owned())]), "4", "cannot be understood"),
        // Whole, but of another feed.
        (zip(&[("GHSA-1.json", osv("GHSA-1", "a"))]), "5", "osv: there is nothing of it any more"),
    ] {
        world.put("/a", bytes, version);
        world.put("/epss", gzip(&format!("{EPSS}CVE-2023-900{},0.1,0.1\n", version.replace('!', "1"))), version);
        let said = outcomes(&world.update(&asked, 9));
        assert!(said[0].starts_with("npm failed") && said[0].contains(why), "{said:?}");
        assert_eq!(said[1].starts_with("epss taken"), version != "!", "one does not keep the others: {said:?}");
        let osv = world.held().into_iter().find(|feed| feed.0 == "osv");
        assert_eq!(osv, Some(held("osv", "npm", 1, 1)), "{why}");
    }
    // Nothing is there at all.
    let nowhere = world.update(&[world.asked("kev", &["/nowhere"])], 9);
    assert!(
        matches!(&nowhere.upstreams[0].1, Outcome::Failed(Failure::Fetch(error)) if error.to_string().contains("404"))
    );
    assert!(nowhere.header.is_none());
}

#[test]
fn of_a_pattern_what_never_was_there_need_not_be() {
    let world = World::new();
    world.put("/v3.20/main.json", ALPINE.replace("VERSION", "v3.20"), "1");
    world.put("/v3.21/main.json", ALPINE.replace("VERSION", "v3.21"), "1");
    let asked = [world.asked("alpine", &["/{release}/main.json"])];
    let updated = world.update(&asked, 1);
    assert_eq!(outcomes(&updated), ["alpine taken 1"]);
    assert_eq!(updated.notes.len(), sekisho_feeds::upstream::ALPINE.len() - 2);
    world.files.lock().unwrap().remove("/v3.21/main.json");
    let said = outcomes(&world.update(&asked, 2));
    assert!(said[0].contains("404"), "{said:?}");
    assert_eq!(world.held()[0].3, 1, "half of it is not all of it");
}

const ALPINE: &str = r#"{"distroversion":"VERSION","reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine",
    "apkurl":"{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
    "packages":[{"pkg":{"name":"musl","secfixes":{"1.1.15-r4":["CVE-2016-8859"]}}}]}"#;

#[test]
fn addresses_that_name_another_file_are_followed() {
    let world = World::new();
    world.put("/vex/archive_latest.txt", "a-1.zip\n", "1");
    world.put("/vex/a-1.zip", zip(&[("OSV-1.json", osv("OSV-1", "a"))]), "1");
    let asked = [world.asked("redhat", &["/vex/archive_latest.txt"])];
    assert_eq!(outcomes(&world.update(&asked, 1)), ["redhat taken 1"]);
    assert_eq!(outcomes(&world.update(&asked, 2)), ["redhat unchanged"]);
    world.put("/vex/archive_latest.txt", "a-2.zip\n", "2");
    world.put("/vex/a-2.zip", zip(&[("OSV-1.json", osv("OSV-1", "a")), ("OSV-2.json", osv("OSV-2", "a"))]), "1");
    assert_eq!(outcomes(&world.update(&asked, 3)), ["redhat taken 1"]);
    assert_eq!(world.held(), [held("osv", "redhat", 2, 3)]);
    world.put("/vex/archive_latest.txt", "../../secret", "3");
    assert!(outcomes(&world.update(&asked, 4))[0].contains("leads nowhere"));
}

#[test]
fn a_directory_stands_for_the_network() {
    let world = World::new();
    let mirror = world.directory.path().join("mirror");
    let host = world.server.host();
    let put = |path: &str, bytes: Vec<u8>| {
        let path = mirror.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    put(&format!("{host}/Rocky Linux/all.zip"), zip(&[("OSV-1.json", osv("OSV-1", "a"))]));
    put("epss_scores-current.csv.gz", gzip(EPSS));
    // A name that two addresses have stands for neither.
    put("all.zip", zip(&[("OSV-9.json", osv("OSV-9", "a"))]));
    let asked = [
        world.asked("npm", &["/Rocky%20Linux/all.zip"]),
        world.asked("epss", &["/x/epss_scores-current.csv.gz"]),
        world.asked("go", &["/Go/all.zip"]),
    ];
    let origin = Origin::Directory(mirror);
    let updated = world.from(&asked, &origin, 1).unwrap();
    let said = outcomes(&updated);
    assert_eq!(said[..2], ["npm taken 1", "epss taken 1"]);
    assert!(said[2].contains("is not there") && said[2].contains("/Go/all.zip"), "{said:?}");
    assert_eq!(outcomes(&world.from(&asked[..2], &origin, 2).unwrap()), ["npm unchanged", "epss unchanged"]);
    assert!(world.requested().is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let gone = runtime.block_on(missing(&world.store, &asked, &origin, &Limits::default(), START)).unwrap();
    assert_eq!(gone, [world.server.url("/Go/all.zip")]);

    // The downloads of one store serve another.
    world.put("/a", zip(&[("OSV-1.json", osv("OSV-1", "a"))]), "1");
    let asked = [world.asked("npm", &["/a"])];
    world.update(&asked, 3);
    let other = World { store: Store::new(world.directory.path().join("other")), ..World::new() };
    let downloads = Origin::Directory(world.store.directory().join("downloads"));
    assert_eq!(outcomes(&other.from(&asked, &downloads, 1).unwrap()), ["npm taken 1"]);
}

#[test]
fn updates_at_the_same_time_do_not_harm_each_other() {
    let world = World::new();
    world.put("/a", zip(&[("OSV-1.json", osv("OSV-1", "a"))]), "1");
    world.put("/epss", gzip(EPSS), "1");
    let asked = [world.asked("npm", &["/a"]), world.asked("epss", &["/epss"])];
    std::thread::scope(|scope| {
        for asked in [&asked[..], &asked[..1], &asked[1..], &asked[..]] {
            let world = &world;
            scope.spawn(move || world.update(asked, 1));
        }
    });
    assert_eq!(world.held(), [held("epss", "epss", 2, 1), held("osv", "npm", 1, 1)]);
}

#[test]
fn a_download_goes_on_where_a_killed_process_left_it() {
    let world = World::new();
    let archive = zip(&[("OSV-1.json", osv("OSV-1", "a"))]);
    world.put("/a", archive.clone(), "1");
    let place = world.store.directory().join("downloads").join(world.server.host());
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("a.part"), &archive[..100]).unwrap();
    fs::write(place.join("a.state"), r#"{"whole":null,"begun":{"etag":"\"1\""}}"#).unwrap();
    let asked = [world.asked("npm", &["/a"])];
    assert_eq!(outcomes(&world.update(&asked, 1)), ["npm taken 1"]);
    assert_eq!(world.server.take_requests()[0].header("range"), "bytes=100-");
    // What it noted is of no use: all of it again, and nothing else.
    for state in ["", "{", r#"{"whole":{"validators":{"etag":"\"1\""},"bytes":7,"sha256":"00"},"begun":null}"#] {
        fs::write(place.join("a.state"), state).unwrap();
        fs::write(place.join("a.part"), "rest of something").unwrap();
        assert_eq!(outcomes(&world.update(&asked, 2)), ["npm unchanged"], "{state}");
        let request = &world.server.take_requests()[0];
        assert_eq!((request.header("range"), request.header("if-none-match")), ("", ""), "{state}");
    }
    assert!(!Path::new(&place.join("a.part")).exists());
}

#[test]
fn what_was_pulled_is_not_written_over() {
    let world = World::new();
    world.put("/a", zip(&[("OSV-1.json", osv("OSV-1", "a"))]), "1");
    let asked = [world.asked("npm", &["/a"])];
    world.update(&asked, 1);
    let copy = |to: &Store| {
        let mut new = to.temporary().unwrap();
        new.write_all(&fs::read(world.store.open().unwrap().published.path()).unwrap()).unwrap();
        new
    };
    // One that was built stays, unless told otherwise.
    let error = world.store.replace(copy(&world.store), false).unwrap_err();
    assert!(matches!(error, FeedsError::Built(_)), "{error}");
    let other = World::new();
    other.store.replace(copy(&other.store), false).unwrap();
    assert!(other.store.is_pulled());
    other.store.replace(copy(&other.store), false).unwrap();
    let patience = Patience::default();
    let error = other.from(&asked, &Origin::Network(&other.client, patience), 2).unwrap_err();
    assert!(matches!(error, FeedsError::Pulled(_)), "{error}");
    assert!(other.requested().is_empty());
    assert!(other.store.remove(&["npm".to_owned()], false, &Limits::default()).is_err());
    // A damaged one is not taken.
    let mut damaged = other.store.temporary().unwrap();
    damaged.write_all(b"SKADVDB2").unwrap();
    assert!(other.store.replace(damaged, true).is_err());
    assert!(other.store.is_pulled() && other.store.open().unwrap().fallback.is_none());
}

#[test]
fn without_a_source_there_is_no_database() {
    let world = World::new();
    world.put("/a", zip(&[("OSV-1.json", osv("OSV-1", "a"))]), "1");
    world.update(&[world.asked("npm", &["/a"])], 1);
    let remove = |name: &str| world.store.remove(&[name.to_owned()], false, &Limits::default());
    let error = remove("nmp").unwrap_err().to_string();
    assert!(error.contains("\"nmp\"") && error.ends_with("npm"), "{error}");
    assert!(remove("npm").unwrap().is_none());
    assert!(matches!(world.store.open().unwrap_err(), FeedsError::Absent(_)));
}
