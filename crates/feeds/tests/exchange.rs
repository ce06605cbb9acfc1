//! Databases handed on: through a registry that misbehaves, a real one where there is one, and a directory.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_feeds::{FeedsError, Store, exchange, import};
use sekisho_model::{Code, Digest};
use sekisho_net::{Client, Network, Patience};
use sekisho_oci::{Access, Logins};
use sekisho_testkit::server::{Answer, Request, Server};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct World {
    directory: tempfile::TempDir,
    client: Client,
    logins: Logins,
}

impl World {
    fn new() -> Self {
        let client = Network::default().client().unwrap();
        Self { directory: tempfile::tempdir().unwrap(), client, logins: Logins::default() }
    }

    fn store(&self, name: &str) -> Store {
        Store::new(self.directory.path().join(name))
    }

    /// A store with a database of advisories about packages of this ecosystem.
    fn built(&self, name: &str, ecosystem: &str) -> Store {
        let path = self.directory.path().join(format!("{name}.json"));
        let text = format!(
            r#"{{"id":"OSV-1","modified":"1970-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"a"}},
               "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2"}}]}}]}}]}}"#
        );
        fs::write(&path, text).unwrap();
        let store = self.store(name);
        import(&store, &[path], false, &Limits::default(), NOW).unwrap();
        store
    }

    fn access(&self) -> Access<'_> {
        let patience = Patience {
            attempts: 3,
            first: Duration::ZERO,
            longest: Duration::from_secs(5),
            window: Duration::from_secs(5),
            least: 1,
        };
        Access { client: &self.client, patience, logins: self.logins.clone(), plain_http: false }
    }

    fn push(&self, store: &Store, place: &str) -> Result<Digest, FeedsError> {
        let place = place.parse().unwrap();
        run(exchange::push(store, &place, &self.access(), false, NOW)).map(|(digest, _)| digest)
    }

    fn pull(&self, store: &Store, place: &str, replace: bool) -> Result<bool, FeedsError> {
        let place = place.parse().unwrap();
        let limits = Limits::default();
        run(exchange::pull(store, &place, &self.access(), replace, &limits, &|_| {})).map(|header| header.is_some())
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn digest_of(store: &Store) -> String {
    store.open().unwrap().published.database().unwrap().header().digest()
}

/// A registry in memory, with a way to spoil its answers.
type Spoil = dyn Fn(&Request, Answer) -> Answer + Send + Sync;

#[derive(Default)]
struct Stored {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Vec<u8>>,
}

fn registry(spoil: Box<Spoil>) -> Server {
    let stored: Arc<Mutex<Stored>> = Arc::default();
    Server::new(move |request| spoil(request, answer(&mut stored.lock().unwrap(), request)))
}

fn answer(stored: &mut Stored, request: &Request) -> Answer {
    let path = request.target.strip_prefix("/v2/team/advisories/").unwrap_or("");
    match (request.method.as_str(), path.split_once('/').unwrap_or(("", ""))) {
        ("HEAD" | "GET", ("blobs", digest)) => match stored.blobs.get(digest) {
            Some(blob) => sekisho_testkit::server::file(request, blob, digest),
            None => Answer::new(404, ""),
        },
        ("POST", ("blobs", "uploads/")) => Answer::new(202, "").with("location", "/v2/team/advisories/put?state=a%2Fb"),
        ("PUT", ("manifests", tag)) => {
            let digest = Digest::of(&request.body);
            stored.manifests.insert(tag.to_owned(), request.body.clone());
            stored.manifests.insert(digest.to_string(), request.body.clone());
            Answer::new(201, "").with("docker-content-digest", digest)
        }
        ("GET", ("manifests", tag)) => match stored.manifests.get(tag) {
            Some(manifest) => Answer::new(200, manifest.clone()),
            None => Answer::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        },
        ("PUT", _) if path.starts_with("put?state=a%2Fb&digest=sha256%3A") => {
            let digest = Digest::of(&request.body).to_string();
            assert!(path.ends_with(&digest.replace(':', "%3A")), "{path}");
            stored.blobs.insert(digest, request.body.clone());
            Answer::new(201, "")
        }
        _ => Answer::new(400, format!("{} {}", request.method, request.target)),
    }
}

fn sound() -> Box<Spoil> {
    Box::new(|_, answer| answer)
}

#[test]
fn a_database_comes_back_as_it_went() {
    let world = World::new();
    let built = world.built("built", "npm");
    let server = registry(sound());
    let layout = format!("oci:{}/layout:today", world.directory.path().display());
    for place in [format!("{}/team/advisories:today", server.host()), layout] {
        let digest = world.push(&built, &place).unwrap();
        let other = tempfile::tempdir().unwrap();
        let store = Store::new(other.path().join("db"));
        assert!(world.pull(&store, &place, false).unwrap(), "{place}");
        assert_eq!(digest_of(&store), digest_of(&built));
        assert!(store.is_pulled());
        assert!(!world.pull(&store, &place, false).unwrap(), "the same again is no change");
        // The same database is the same artifact, and its blobs are not sent again.
        server.take_requests();
        assert_eq!(world.push(&built, &place).unwrap(), digest);
        assert!(server.take_requests().iter().all(|request| request.method != "POST"));
        // What was built here is not lost by a slip.
        assert!(matches!(world.pull(&built, &place, false), Err(FeedsError::Built(_))));
        let left = fs::read_dir(store.directory()).unwrap().count();
        assert_eq!(left, 5, "the database, the mark, the lock, and the directories of generations and downloads");
    }
    let by_digest = format!(
        "{}/team/advisories@{}",
        server.host(),
        world.push(&built, &format!("{}/team/advisories:x", server.host())).unwrap()
    );
    assert!(world.pull(&world.store("by-digest"), &by_digest, false).unwrap());
}

#[test]
fn the_layout_keeps_what_else_it_holds() {
    let world = World::new();
    let directory = world.directory.path().join("layout");
    fs::create_dir_all(&directory).unwrap();
    let foreign = r#"{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:00","size":1,"x":{"y":1}}]}"#;
    fs::write(directory.join("index.json"), foreign).unwrap();
    let place = format!("oci:{}", directory.display());
    world.push(&world.built("a", "npm"), &place).unwrap();
    world.push(&world.built("b", "PyPI"), &place).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&fs::read(directory.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(index["manifests"][0]["x"]["y"], 1);
    assert_eq!(index["manifests"][1]["artifactType"], "application/vnd.sekisho.advisories.v1");
    let store = world.store("pulled");
    world.pull(&store, &place, false).unwrap();
    assert_eq!(digest_of(&store), digest_of(&world.store("b")));
    let code = |place: &str| world.pull(&store, place, false).unwrap_err().code();
    assert_eq!(code(&format!("{place}:other")), Code::ArtifactAbsent);
    assert_eq!(code(&format!("{place}-not")), Code::ArtifactAbsent);
    // A blob that was changed.
    let blobs = directory.join("blobs/sha256");
    for blob in fs::read_dir(blobs).unwrap() {
        let path = blob.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(code(&place), Code::ArtifactInvalid);
    assert_eq!(digest_of(&store), digest_of(&world.store("b")));
}

#[test]
fn what_is_not_what_it_says_is_not_taken() {
    let world = World::new();
    let built = world.built("built", "npm");
    let spoiled = |spoil: fn(&Request, Answer) -> Answer| {
        let server = registry(Box::new(spoil));
        let place = format!("{}/team/advisories", server.host());
        world.push(&built, &place).unwrap();
        let store = world.store("pulled");
        let error = world.pull(&store, &place, false).unwrap_err();
        assert!(matches!(store.open(), Err(FeedsError::Absent(_))), "{error}");
        error
    };
    let error = spoiled(|request, mut answer| {
        if request.method == "GET" && request.target.contains("/blobs/") {
            answer.body[20] ^= 1;
        }
        answer
    });
    assert_eq!(error.code(), Code::ArtifactInvalid, "{error}");
    let error = spoiled(|request, answer| match request.target.as_str() {
        path if request.method == "GET" && path.contains("/manifests/") => {
            Answer::new(200, String::from_utf8(answer.body).unwrap().replace("sekisho.advisories.v1\"", "other\""))
        }
        _ => answer,
    });
    assert_eq!(error.code(), Code::ArtifactInvalid, "{error}");
    let error = spoiled(|request, answer| match request.target.as_str() {
        path if request.method == "GET" && path.contains("/manifests/") => Answer::new(200, "{"),
        _ => answer,
    });
    assert_eq!(error.code(), Code::ArtifactInvalid, "{error}");
    // More than the manifest says, and less.
    let error = spoiled(|request, mut answer| {
        if request.method == "GET" && request.target.contains("/blobs/") {
            answer.body.extend([0; 1000]);
        }
        answer
    });
    assert_eq!(error.code(), Code::RegistryUnreachable, "{error}");
    let error = spoiled(|request, answer| match request.target.as_str() {
        path if request.method == "GET" && path.contains("/blobs/") => Answer::new(404, ""),
        _ => answer,
    });
    assert_eq!(error.code(), Code::RegistryUnreachable, "{error}");
}

#[test]
fn a_transfer_that_breaks_goes_on() {
    let world = World::new();
    let built = world.built("built", "npm");
    let breaks = Mutex::new(2);
    let server = registry(Box::new(move |request, answer| {
        if request.method == "GET" && request.target.contains("/blobs/") && answer.body.len() > 100 {
            let mut left = breaks.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                let whole = answer.body.len();
                return Answer { body: answer.body[..50].to_vec(), ..answer }.announcing(whole);
            }
        }
        answer
    }));
    let place = format!("{}/team/advisories", server.host());
    world.push(&built, &place).unwrap();
    server.take_requests();
    let store = world.store("pulled");
    assert!(world.pull(&store, &place, false).unwrap());
    let ranges: Vec<String> = server
        .take_requests()
        .iter()
        .map(|request| request.header("range").to_owned())
        .filter(|it| !it.is_empty())
        .collect();
    assert_eq!(ranges, ["bytes=50-", "bytes=100-"]);
    assert_eq!(digest_of(&store), digest_of(&built));
    // Busy, then not.
    let busy = Mutex::new(1);
    let server = registry(Box::new(move |_, answer| {
        let mut busy = busy.lock().unwrap();
        *busy += 1;
        if *busy % 2 == 0 { Answer::new(503, "").with("retry-after", 0) } else { answer }
    }));
    let place = format!("{}/team/advisories", server.host());
    let _ = world.push(&built, &place);
    assert!(server.take_requests().len() > 2);
}

#[test]
fn registries_ask_who_is_there() {
    let mut world = World::new();
    let built = world.built("built", "npm");
    let logins = |world: &World, host: &str| {
        let path = world.directory.path().join("auth.json");
        // `me:secret`
        fs::write(&path, format!(r#"{{"auths":{{"{host}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#)).unwrap();
        Logins::read(&[path]).unwrap()
    };
    // Basic.
    let server = registry(Box::new(|request, answer| match request.header("authorization") {
        "Basic bWU6c2VjcmV0" => answer,
        _ => Answer::new(401, "").with("www-authenticate", "Basic realm=\"x\""),
    }));
    let place = format!("{}/team/advisories", server.host());
    let error = world.push(&built, &place).unwrap_err();
    assert_eq!(error.code(), Code::RegistryDenied, "{error}");
    world.logins = logins(&world, &server.host());
    world.push(&built, &place).unwrap();
    // A token, for what is to be done and no more.
    let tokens = Server::new(|request| match request.header("authorization") {
        "Basic bWU6c2VjcmV0" if request.target.ends_with("scope=repository%3Ateam%2Fadvisories%3Apull%2Cpush") => {
            Answer::new(200, r#"{"token":"writes"}"#)
        }
        _ if request.target.ends_with("%3Apull") => Answer::new(200, r#"{"access_token":"reads","expires_in":60}"#),
        _ => Answer::new(403, ""),
    });
    let realm = tokens.url("/token");
    let server =
        registry(Box::new(move |request, answer| match (request.header("authorization"), request.method.as_str()) {
            ("Bearer writes", _) | ("Bearer reads", "GET") => answer,
            _ => {
                Answer::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"registry\""))
            }
        }));
    let place = format!("{}/team/advisories", server.host());
    let error = world.push(&built, &place).unwrap_err();
    assert!(error.code() == Code::RegistryDenied && error.to_string().contains("403"), "{error}");
    world.logins = logins(&world, &server.host());
    world.push(&built, &place).unwrap();
    world.logins = Logins::default();
    assert!(world.pull(&world.store("pulled"), &place, false).unwrap());
    assert!(tokens.take_requests().iter().all(|request| request.target.contains("service=registry")));
    // Token services that answer nonsense, or have no end.
    for nonsense in ["", "{", "[]", "{}", r#"{"token":7}"#, r#"{"token":"a\nb"}"#, &"x".repeat(2 << 20)] {
        let nonsense = nonsense.to_owned();
        let tokens = Server::new(move |_| Answer::new(200, nonsense.clone()));
        let realm = tokens.url("/token");
        let server = Server::new(move |_| {
            Answer::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"s\""))
        });
        let error = world.pull(&world.store("none"), &format!("{}/team/advisories", server.host()), false).unwrap_err();
        assert!(matches!(error.code(), Code::RegistryDenied | Code::RegistryUnreachable), "{error}");
    }
}

#[test]
fn what_may_not_be_handed_on_is_not() {
    let world = World::new();
    let built = world.built("built", "Wolfi");
    let server = registry(sound());
    let place = format!("{}/team/advisories", server.host());
    let error = world.push(&built, &place).unwrap_err();
    assert!(error.code() == Code::DatabaseRestricted && error.to_string().contains("Wolfi"), "{error}");
    assert!(server.take_requests().is_empty());
    let parsed = place.parse().unwrap();
    run(exchange::push(&built, &parsed, &world.access(), true, NOW)).unwrap();
}

/// `docker-registry`, until it is dropped.
struct RealRegistry(std::process::Child);

impl Drop for RealRegistry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_registry_takes_it_and_gives_it_back() {
    let Some(program) = ["/usr/bin/docker-registry"].iter().map(Path::new).find(|path| path.is_file()) else {
        println!("SKIP: docker-registry is not installed");
        return;
    };
    let world = World::new();
    let built = world.built("built", "npm");
    // A port that is free now; whoever takes it first is told by its answers.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root: PathBuf = world.directory.path().join("registry");
    let config = world.directory.path().join("registry.yml");
    let text = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
        root.display()
    );
    fs::write(&config, text).unwrap();
    let child = std::process::Command::new(program)
        .arg("serve")
        .arg(&config)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let _registry = RealRegistry(child);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(std::time::Instant::now() < deadline, "the registry does not start");
        std::thread::yield_now();
    }
    let place = format!("{address}/team/advisories:today");
    let digest = world.push(&built, &place).unwrap();
    let store = world.store("pulled");
    assert!(world.pull(&store, &format!("{address}/team/advisories@{digest}"), false).unwrap());
    assert_eq!(digest_of(&store), digest_of(&built));
    assert_eq!(world.push(&built, &place).unwrap(), digest);
    assert_eq!(world.pull(&store, &format!("{address}/team/other"), false).unwrap_err().code(), Code::ArtifactAbsent);
}
