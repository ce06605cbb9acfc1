//! Logins of registries, from the files in which docker and podman keep them.
//!
//! Only what is written in `auths` is used
//! (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>): credential helpers are programs, and
//! none is ever run.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Files of logins are short.
const MAX_BYTES: u64 = 1 << 20;

/// Name and password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Logins by registry, or registry and the beginning of a repository.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    auths: BTreeMap<String, Login>,
    /// Whether a helper knows logins that are not read.
    helpers: bool,
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
    #[serde(default)]
    auth: String,
}

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
            all.helpers |= !file.helpers.is_empty() || file.store.is_some();
            for (place, auth) in file.auths.into_iter().filter(|(_, auth)| !auth.auth.is_empty()) {
                let decoded = STANDARD.decode(auth.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let (name, password) =
                    decoded.as_deref().and_then(|text| text.split_once(':')).ok_or_else(malformed)?;
                // docker pads passwords with NUL in old files.
                let password = password.trim_end_matches('\0').to_owned();
                all.auths.entry(key(&place)).or_insert_with(|| Login { name: name.to_owned(), password });
            }
        }
        Ok(all)
    }

    /// The login for a repository: of the longest place that leads to it.
    pub(crate) fn of(&self, registry: &str, repository: &str) -> Option<&Login> {
        let mut place = format!("{registry}/{repository}");
        loop {
            if let Some(login) = self.auths.get(&place) {
                return Some(login);
            }
            place.truncate(place.rfind('/')?);
        }
    }

    /// Whether there are logins that only helpers know.
    pub(crate) fn has_helpers(&self) -> bool {
        self.helpers
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(path)?, MAX_BYTES), &mut bytes)?;
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
            r#"{{"auths":{{"h.x/team":{{"auth":"{}"}},"https://index.docker.io/v1/":{{"auth":"{}"}}}},"credsStore":"x"}}"#,
            encoded("team:a:b"),
            encoded("docker:d")
        ));
        let second = file(&format!(
            r#"{{"auths":{{"h.x":{{"auth":"{}"}},"h.x/team":{{"auth":"{}"}},"https://h.y":{{"auth":"{}"}},"h.z":{{}}}}}}"#,
            encoded("all:c"),
            encoded("late:z"),
            encoded("y:y\0")
        ));
        let paths = [first.path().to_owned(), "/nonexistent/auth.json".into(), second.path().to_owned()];
        let logins = Logins::read(&paths).unwrap();
        let of = |registry: &str, repository: &str| {
            logins.of(registry, repository).map(|login| format!("{}/{}", login.name, login.password))
        };
        assert_eq!(of("h.x", "team/a").as_deref(), Some("team/a:b"));
        assert_eq!(of("h.x", "team").as_deref(), Some("team/a:b"));
        assert_eq!(of("h.x", "teams").as_deref(), Some("all/c"));
        assert_eq!(of("docker.io", "library/x").as_deref(), Some("docker/d"));
        assert_eq!(of("h.y", "a").as_deref(), Some("y/y"));
        assert_eq!((of("h.z", "a"), of("other", "a")), (None, None));
        assert!(logins.has_helpers());
        assert!(!format!("{logins:?}").contains("a:b"));
    }

    #[test]
    fn what_is_malformed_is_told_without_its_content() {
        for text in ["", "{", r#"{"auths":{"h":{"auth":"!"}}}"#, r#"{"auths":{"h":{"auth":"c2VjcmV0"}}}"#] {
            let error = Logins::read(&[file(text).path().to_owned()]).unwrap_err();
            assert!(matches!(error, LoginsError::Malformed { .. }) && !error.to_string().contains("c2Vj"), "{error}");
        }
    }
}
