//! Logins of registries, from the files and helpers in which docker and podman keep them.
//!
//! `auths` hold logins themselves; `credHelpers` and `credsStore` name programs that are asked for one
//! (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>,
//! <https://github.com/docker/docker-credential-helpers#development>). A helper is run only when a registry asks for a
//! login, without a shell, and for a limited time.

use crate::image::AUTH_FILES;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Files of logins, and what helpers say, are short.
const MAX_BYTES: u64 = 1 << 20;
/// A helper may unlock a key chain or ask a cloud for a token; one that takes longer waits for a person.
const HELPER_TIME: Duration = Duration::from_secs(30);
/// What docker calls its own registry in files of logins.
const DOCKER: &str = "https://index.docker.io/v1/";

/// Who to be at a registry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// Empty for tokens.
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) kind: Secret,
}

/// What a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Goes with the name.
    Password,
    /// Is exchanged for a token of the registry.
    Identity,
    /// Is a token of the registry already.
    Token,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Logins by registry, or registry and the beginning of a repository.
#[derive(Debug, Clone, Default)]
pub struct Logins(Vec<Known>);

/// What one file knows.
#[derive(Debug, Clone)]
struct Known {
    auths: BTreeMap<String, Login>,
    /// Names of helpers by registry.
    helpers: BTreeMap<String, String>,
    /// The helper for all others.
    store: Option<String>,
}

/// Why logins cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoginsError {
    /// The file cannot be read.
    #[error("cannot read the logins in {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what docker or podman write. What is wrong is not shown: it may be a password.
    #[error("{path} is no file of logins as docker and podman write it")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Deserialize)]
struct AuthFile {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default, rename = "auth")]
    password: String,
    #[serde(default, rename = "identitytoken")]
    identity: String,
    #[serde(default, rename = "registrytoken")]
    token: String,
}

impl Auth {
    /// No login for an entry that says nothing, since a helper has it.
    fn login(self) -> Result<Option<Login>, Malformed> {
        let token = |kind, secret| Ok(Some(Login { name: String::new(), secret, kind }));
        if !self.token.is_empty() {
            return token(Secret::Token, self.token);
        }
        if !self.identity.is_empty() {
            return token(Secret::Identity, self.identity);
        }
        if self.password.is_empty() {
            return Ok(None);
        }
        let decoded = STANDARD.decode(self.password.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (name, password) = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or(Malformed)?;
        // docker pads passwords with NUL in old files.
        let secret = password.trim_end_matches('\0').to_owned();
        Ok(Some(Login { name: name.to_owned(), secret, kind: Secret::Password }))
    }
}

/// An entry is no login.
struct Malformed;

impl Logins {
    /// The logins of these files, of which the first that has one for a registry counts. Files that do not exist have
    /// none.
    pub fn read(paths: &[PathBuf]) -> Result<Self, LoginsError> {
        let mut all = Self::default();
        for path in paths {
            let bytes = match read(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                bytes => bytes.map_err(|source| LoginsError::Read { path: path.clone(), source })?,
            };
            let malformed = || LoginsError::Malformed { path: path.clone() };
            let file: AuthFile = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
            let mut auths = BTreeMap::new();
            for (place, auth) in file.auths {
                if let Some(login) = auth.login().map_err(|_| malformed())? {
                    auths.entry(key(&place)).or_insert(login);
                }
            }
            let helpers = file.helpers.into_iter().map(|(place, name)| (key(&place), name)).collect();
            all.0.push(Known { auths, helpers, store: file.store.filter(|name| !name.is_empty()) });
        }
        Ok(all)
    }

    /// The same with programs that podman asks for logins, in the order of its `registries.conf`.
    pub(crate) fn with_helpers(mut self, names: &[String]) -> Self {
        let known =
            |name: &String| Known { auths: BTreeMap::new(), helpers: BTreeMap::new(), store: Some(name.clone()) };
        let files = names.iter().position(|name| name == AUTH_FILES);
        let (before, after) = files.map_or((&names[..0], names), |at| (&names[..at], &names[at + 1..]));
        self.0.splice(0..0, before.iter().map(known));
        self.0.extend(after.iter().map(known));
        self
    }

    /// The login for a repository, and what went wrong in asking helpers: without a login much can be read all the same.
    pub(crate) fn find(&self, registry: &str, repository: &str) -> (Option<Login>, Vec<String>) {
        let mut failures = Vec::new();
        for known in &self.0 {
            let helper = known.helpers.get(registry).or(known.store.as_ref());
            match helper.map(|name| (name, ask(name, registry, HELPER_TIME))) {
                Some((_, Ok(Some(login)))) => return (Some(login), failures),
                Some((name, Err(reason))) => failures.push(format!("the credential helper {name:?} {reason}")),
                Some((_, Ok(None))) | None => {}
            }
            if let Some(login) = known.of(registry, repository) {
                return (Some(login.clone()), failures);
            }
        }
        (None, failures)
    }
}

impl Known {
    /// That of the longest place that leads to a repository.
    fn of(&self, registry: &str, repository: &str) -> Option<&Login> {
        let mut place = format!("{registry}/{repository}");
        loop {
            if let Some(login) = self.auths.get(&place) {
                return Some(login);
            }
            place.truncate(place.rfind('/')?);
        }
    }
}

/// What a helper says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks the helper of this name; `None` where it has no login for the registry.
fn ask(name: &str, registry: &str, time: Duration) -> Result<Option<Login>, String> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err("has a name that no program has".to_owned());
    }
    let server = if registry == "docker.io" { DOCKER } else { registry };
    let said = run(Command::new(format!("docker-credential-{name}")).arg("get"), server, time)?;
    let Ok(Said { username, secret }) = serde_json::from_slice(&said) else {
        // Its words, where it has no login, are those of the library that all helpers are made with.
        let words = String::from_utf8_lossy(&said);
        if words.contains("credentials not found") {
            return Ok(None);
        }
        // Never shown: half an answer may be half a password.
        return Err("answers with something else than a login".to_owned());
    };
    let token = username == "<token>";
    let (name, kind) = if token { (String::new(), Secret::Identity) } else { (username, Secret::Password) };
    Ok((!secret.is_empty()).then_some(Login { name, secret, kind }))
}

/// Runs a program on `input`, and returns what it writes to standard output until it closes that.
fn run(command: &mut Command, input: &str, time: Duration) -> Result<Vec<u8>, String> {
    struct Ended(Child);
    impl Drop for Ended {
        fn drop(&mut self) {
            // It may have ended by itself.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = Ended(child.map_err(|error| format!("cannot be started: {error}"))?);
    if let Some(mut stdin) = child.0.stdin.take() {
        // One that does not listen may know all the same.
        let _ = stdin.write_all(input.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.0.stdout.take() {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let result = stdout.take(MAX_BYTES).read_to_end(&mut said);
            // Nobody waits any more for one that was too slow.
            let _ = sender.send(result.map(|_| said));
        });
    }
    match receiver.recv_timeout(time) {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(error)) => Err(format!("cannot be read: {error}")),
        Err(_) => Err(format!("says nothing for {} seconds", time.as_secs())),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// docker writes addresses: `https://index.docker.io/v1/`.
fn key(place: &str) -> String {
    let bare = place.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    match bare {
        "index.docker.io/v1" | "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ if place != bare => bare.trim_end_matches("/v1").trim_end_matches("/v2").to_owned(),
        _ => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_longest_place_and_the_first_file_count() {
        let encoded = |text: &str| STANDARD.encode(text);
        let first = file(&format!(
            r#"{{"auths":{{"h.x/team":{{"auth":"{}"}},"https://index.docker.io/v1/":{{"auth":"{}"}}}},"credsStore":"../x"}}"#,
            encoded("team:a:b"),
            encoded("docker:d")
        ));
        let second = file(&format!(
            r#"{{"auths":{{"h.x":{{"auth":"{}"}},"h.x/team":{{"auth":"{}"}},"https://h.y":{{"auth":"{}"}},"h.z":{{}},
                "h.i":{{"auth":"AA==","identitytoken":"I"}},"h.r":{{"registrytoken":"R"}}}}}}"#,
            encoded("all:c"),
            encoded("late:z"),
            encoded("y:y\0")
        ));
        let paths = [first.path().to_owned(), "/nonexistent/auth.json".into(), second.path().to_owned()];
        let logins = Logins::read(&paths).unwrap();
        let of = |registry: &str, repository: &str| {
            let (login, _) = logins.find(registry, repository);
            login.map(|login| format!("{}/{}", login.name, login.secret))
        };
        assert_eq!(of("h.x", "team/a").as_deref(), Some("team/a:b"));
        assert_eq!(of("h.x", "team").as_deref(), Some("team/a:b"));
        assert_eq!(of("h.x", "teams").as_deref(), Some("all/c"));
        assert_eq!(of("docker.io", "library/x").as_deref(), Some("docker/d"));
        assert_eq!(of("h.y", "a").as_deref(), Some("y/y"));
        assert_eq!((of("h.z", "a"), of("other", "a")), (None, None));
        let kind = |registry| logins.find(registry, "a").0.map(|login| (login.secret, login.kind));
        assert_eq!(kind("h.i"), Some(("I".to_owned(), Secret::Identity)));
        assert_eq!(kind("h.r"), Some(("R".to_owned(), Secret::Token)));
        // A helper that cannot be run is told of, and does not stand in the way.
        let (_, failures) = logins.find("h.y", "a");
        assert_eq!(failures, ["the credential helper \"../x\" has a name that no program has"]);
        assert!(!format!("{logins:?}").contains("a:b"));
    }

    #[test]
    fn helpers_of_podman_stand_before_or_behind_the_files() {
        let encoded = STANDARD.encode("a:b");
        let first = file(&format!(r#"{{"auths":{{"h.x":{{"auth":"{encoded}"}}}}}}"#));
        let logins = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Logins::read(&[first.path().to_owned()]).unwrap().with_helpers(&names)
        };
        // A helper that cannot be run shows by its failure when it was asked.
        let failures = |names: &[&str], registry: &str| logins(names).find(registry, "a").1.len();
        assert_eq!(failures(&["../x", AUTH_FILES, "../y"], "h.x"), 1);
        assert_eq!(failures(&[AUTH_FILES, "../y"], "h.x"), 0);
        assert_eq!(failures(&["../x", AUTH_FILES, "../y"], "other"), 2);
        assert_eq!(failures(&["../x"], "h.x"), 0, "files are asked first where nothing is said of them");
        assert_eq!(failures(&[], "other"), 0);
    }

    #[test]
    fn helpers_are_read_for_a_limited_time() {
        let shell = |script: &str, time| run(Command::new("sh").args(["-c", script]), "h.x", time);
        let long = Duration::from_mins(1);
        assert_eq!(shell("cat", long).unwrap(), b"h.x");
        // It goes on after it has said all: nobody waits for that.
        assert_eq!(shell("echo a; exec >&-; exec sleep 60", long).unwrap(), b"a\n");
        assert!(shell("exec sleep 60", Duration::from_millis(1)).unwrap_err().contains("says nothing"));
        assert!(shell("yes", long).unwrap().len() as u64 == MAX_BYTES);
        assert!(run(&mut Command::new("/nonexistent/helper"), "", long).unwrap_err().contains("cannot be started"));
    }

    #[test]
    fn what_is_malformed_is_told_without_its_content() {
        for text in ["", "{", r#"{"auths":{"h":{"auth":"!"}}}"#, r#"{"auths":{"h":{"auth":"c2VjcmV0"}}}"#] {
            let error = Logins::read(&[file(text).path().to_owned()]).unwrap_err();
            assert!(matches!(error, LoginsError::Malformed { .. }) && !error.to_string().contains("c2Vj"), "{error}");
        }
    }
}
