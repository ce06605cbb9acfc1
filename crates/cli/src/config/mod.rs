//! Configuration with provenance: defaults, one TOML file, environment, flags, each over the one before.
//!
//! A setting is `[area] key`; its environment variable is `SEKISHO_AREA__KEY`. Unknown keys are errors
//! wherever they stand.

mod settings;

pub(crate) use settings::Settings;

use crate::error::CliError;
use sekisho_model::Code;
use sekisho_net::without_credentials;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provenance {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// The environment of the process, as far as it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own. Variables that are no UTF-8 are passed over: none of ours may be.
    pub(crate) fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Every setting with its value and where that comes from.
#[derive(Debug)]
pub(crate) struct Config {
    values: BTreeMap<(String, String), (Value, Provenance)>,
}

const PREFIX: &str = "SEKISHO_";
const FILE_VARIABLE: &str = "SEKISHO_CONFIG";

impl Config {
    /// Reads defaults, the configuration file and the environment. `file` is the file asked for on the
    /// command line.
    pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, CliError> {
        let mut config = Self { values: BTreeMap::new() };
        for (area, keys) in Settings::defaults(environment) {
            for (key, value) in keys {
                config.values.insert((area.clone(), key), (value, Provenance::Default));
            }
        }
        if let Some(path) = find_file(file, environment) {
            config.read_file(&path)?;
        }
        config.read_proxies(environment)?;
        config.read_environment(environment)?;
        Ok(config)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), CliError> {
        let invalid = |reason: String| {
            CliError::new(Code::ConfigInvalid, format!("cannot read the configuration {}: {reason}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
        let table: Table = toml::from_str(&text).map_err(|error| invalid(toml_reason(&error, &text)))?;
        for (area, keys) in table {
            let Value::Table(keys) = keys else {
                return Err(invalid(format!("{area:?} is not an area; settings stand below [area]")));
            };
            for (key, value) in keys {
                self.set(&area, &key, value, Provenance::File(path.to_owned())).map_err(&invalid)?;
            }
        }
        Ok(())
    }

    /// Takes in the variables by which every program is told of proxies and certificate authorities. The
    /// lower-case name counts first, as for curl; `HTTP_PROXY` counts in lower case only, since a web
    /// server sets the other from a request's header.
    fn read_proxies(&mut self, environment: &Environment) -> Result<(), CliError> {
        const VARIABLES: [(&str, &[&str]); 4] = [
            ("http_proxy", &["http_proxy"]),
            ("https_proxy", &["https_proxy", "HTTPS_PROXY"]),
            ("no_proxy", &["no_proxy", "NO_PROXY"]),
            ("ca_bundle", &["SSL_CERT_FILE"]),
        ];
        for (key, names) in VARIABLES {
            // A setting of the file is meant for this program, the variable for all.
            let unset = self
                .values
                .get(&("network".to_owned(), key.to_owned()))
                .is_some_and(|(_, from)| *from == Provenance::Default);
            let Some((name, text)) = names.iter().find_map(|name| Some((*name, environment.get(name)?))) else {
                continue;
            };
            if unset {
                self.set("network", key, text.into(), Provenance::Environment(name.to_owned()))
                    .map_err(|reason| CliError::new(Code::ConfigInvalid, reason))?;
            }
        }
        Ok(())
    }

    fn read_environment(&mut self, environment: &Environment) -> Result<(), CliError> {
        for (name, text) in &environment.0 {
            let Some(rest) = name.strip_prefix(PREFIX).filter(|_| name != FILE_VARIABLE && !text.is_empty()) else {
                continue;
            };
            let invalid = |reason: String| {
                CliError::new(Code::ConfigInvalid, format!("cannot take the environment variable {name}: {reason}"))
            };
            let (area, key) = rest
                .split_once("__")
                .map(|(area, key)| (area.to_lowercase(), key.to_lowercase()))
                .ok_or_else(|| invalid("it is not of the form SEKISHO_AREA__KEY".to_owned()))?;
            let value = match self.values.get(&(area.clone(), key.clone())) {
                Some((Value::String(_), _)) => Value::String(text.clone()),
                _ => toml::from_str::<Table>(&format!("value = {text}"))
                    .ok()
                    .and_then(|mut table| table.remove("value"))
                    .unwrap_or_else(|| Value::String(text.clone())),
            };
            self.set(&area, &key, value, Provenance::Environment(name.clone())).map_err(invalid)?;
        }
        Ok(())
    }

    /// Sets a value from a flag, if the flag was given.
    pub(crate) fn flag(
        &mut self,
        flag: &'static str,
        area: &str,
        key: &str,
        value: Option<impl Into<Value>>,
    ) -> Result<(), CliError> {
        let Some(value) = value else { return Ok(()) };
        self.set(area, key, value.into(), Provenance::Flag(flag))
            .map_err(|reason| CliError::new(Code::UsageInvalid, format!("cannot take {flag}: {reason}")))
    }

    /// Sets a value whose key must exist and whose type must be the default's.
    fn set(&mut self, area: &str, key: &str, value: Value, from: Provenance) -> Result<(), String> {
        let Some(entry) = self.values.get_mut(&(area.to_owned(), key.to_owned())) else {
            return Err(format!("there is no setting {area}.{key}"));
        };
        if !value.same_type(&entry.0) {
            return Err(format!("{area}.{key} must be of type {}, not {}", entry.0.type_str(), value.type_str()));
        }
        if value.as_integer().is_some_and(|number| number < 0) {
            return Err(format!("{area}.{key} must not be negative"));
        }
        *entry = (value, from);
        Ok(())
    }

    /// The settings as the commands use them.
    pub(crate) fn settings(&self) -> Result<Settings, CliError> {
        let mut table = Table::new();
        for ((area, key), (value, _)) in &self.values {
            if let Value::Table(keys) = table.entry(area.clone()).or_insert_with(|| Value::Table(Table::new())) {
                keys.insert(key.clone(), value.clone());
            }
        }
        Settings::deserialize_from(table).map_err(|reason| {
            CliError::new(Code::ConfigInvalid, format!("a setting has a value that is not understood: {reason}"))
        })
    }

    /// Every setting as `area.key = value  # provenance`, aligned.
    pub(crate) fn show(&self) -> String {
        let shown = |area: &str, value: &Value| match value {
            // A proxy's URL may hold a password.
            Value::String(text) if area == "network" => Value::String(without_credentials(text)).to_string(),
            other => other.to_string(),
        };
        let left: Vec<String> = self
            .values
            .iter()
            .map(|((area, key), (value, _))| format!("{area}.{key} = {}", shown(area, value)))
            .collect();
        let width = left.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        let mut out = String::new();
        for (left, (_, from)) in left.iter().zip(self.values.values()) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{left:<width$}  # {from}");
        }
        out
    }
}

/// Why `text` is no TOML, in one line: the parser's own words draw the place over several.
fn toml_reason(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// The configuration file: the one asked for, else the first that exists of the usual ones.
fn find_file(asked: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = asked.map(Path::to_owned).or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from)) {
        return Some(path);
    }
    let own = match (environment.get("XDG_CONFIG_HOME"), environment.get("HOME")) {
        (Some(directory), _) => Some(PathBuf::from(directory).join("sekisho/config.toml")),
        (None, Some(home)) => Some(PathBuf::from(home).join(".config/sekisho/config.toml")),
        (None, None) => None,
    };
    own.into_iter().chain([PathBuf::from("/etc/sekisho/config.toml")]).find(|path| path.is_file())
}

/// Every setting with its default and its meaning, as the table of the user guide.
pub fn documentation() -> String {
    settings::documentation()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let home = [("HOME".to_owned(), "/nonexistent".to_owned())];
        Environment(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).chain(home).collect())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn later_sources_win_and_are_named() {
        let file = file("[scan]\njobs = 3\nallow_incomplete = true\n");
        let mut config = Config::load(Some(file.path()), &environment(&[("SEKISHO_SCAN__JOBS", "5")])).unwrap();
        assert_eq!(config.settings().unwrap().scan.jobs, 5);
        assert!(config.settings().unwrap().scan.allow_incomplete);
        config.flag("--jobs", "scan", "jobs", Some(7)).unwrap();
        assert_eq!(config.settings().unwrap().scan.jobs, 7);
        let shown = config.show();
        assert!(
            shown.lines().any(|line| line.starts_with("scan.jobs = 7 ") && line.ends_with("# flag --jobs")),
            "{shown}"
        );
        assert!(shown.contains(&format!("# {}", file.path().display())), "{shown}");
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_errors_everywhere() {
        let refused = |text: &str, pairs: &[(&str, &str)]| {
            let file = file(text);
            let error = Config::load(Some(file.path()), &environment(pairs)).unwrap_err();
            assert_eq!(error.exit(), sekisho_model::Exit::Usage);
            format!("{error:?}")
        };
        assert!(refused("[scan]\njob = 3\n", &[]).contains("scan.job"));
        assert!(refused("[scan]\njobs = \"3\"\n", &[]).contains("integer"));
        assert!(refused("jobs = 3\n", &[]).contains("not an area"));
        assert!(refused("[cache]\n[scan\n", &[]).contains("line 2"));
        assert!(refused("[cache]\nmax_bytes = -5\n", &[]).contains("cache.max_bytes must not be negative"));
        assert!(refused("", &[("SEKISHO_SCAN__JOB", "1")]).contains("scan.job"));
        assert!(refused("", &[("SEKISHO_JOBS", "1")]).contains("SEKISHO_AREA__KEY"));
        assert!(refused("", &[("SEKISHO_SCAN__JOBS", "many")]).contains("integer"));
    }

    #[test]
    fn proxies_come_from_the_usual_variables_unless_the_file_says() {
        let pairs = [
            ("HTTPS_PROXY", "http://me:secret@a:1"),
            ("HTTP_PROXY", "http://b:1"),
            ("no_proxy", ".x"),
            ("NO_PROXY", ".y"),
        ];
        let shown = Config::load(None, &environment(&pairs)).unwrap().show();
        let line = |shown: &str, key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        assert!(line(&shown, "network.https_proxy").ends_with("# environment HTTPS_PROXY"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(line(&shown, "network.http_proxy").ends_with("# default"), "{shown}");
        assert!(line(&shown, "network.no_proxy").contains("\".x\""), "{shown}");
        let file = file("[network]\nhttps_proxy = \"http://c:1\"\n");
        let shown = Config::load(Some(file.path()), &environment(&pairs)).unwrap().show();
        assert!(line(&shown, "network.https_proxy").contains("http://c:1"), "{shown}");
    }

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        let config = Config::load(None, &environment(&[("SEKISHO_SCAN__JOBS", "")])).unwrap();
        assert_eq!(config.settings().unwrap().scan.jobs, 0);
    }

    #[test]
    fn a_missing_file_that_was_asked_for_is_an_error() {
        assert!(Config::load(Some(Path::new("/nonexistent/x.toml")), &environment(&[])).is_err());
        assert!(Config::load(None, &environment(&[])).is_ok());
    }
}
