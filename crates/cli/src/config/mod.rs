//! Configuration with provenance: defaults, one TOML file, environment, flags, each over the one before.
//!
//! A setting is `[area] key`; its environment variable is `SEKISHO_AREA__KEY`. Unknown keys are errors
//! wherever they stand.

mod meanings;
mod settings;

pub(crate) use settings::{AdmissionSettings, DetectSettings, HubSettings, Settings};

use crate::error::{CliError, reason};
use sekisho_model::Code;
use sekisho_net::without_credentials;
use sekisho_oci::{RegistriesFiles, StorageFiles};
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

    /// Where docker and podman keep logins of registries, the first one first.
    pub(crate) fn login_files(&self) -> Vec<PathBuf> {
        let below = |name: &str, rest: &str| self.get(name).map(|directory| Path::new(directory).join(rest));
        if let Some(file) = self.get("REGISTRY_AUTH_FILE") {
            return vec![file.into()];
        }
        let docker = below("DOCKER_CONFIG", "config.json").or_else(|| below("HOME", ".docker/config.json"));
        [below("XDG_RUNTIME_DIR", "containers/auth.json"), docker].into_iter().flatten().collect()
    }

    /// What podman looks at to find registries. A file of the user's stands for all that the system says.
    pub(crate) fn registries_files(&self) -> RegistriesFiles {
        let below = |rest: &str| self.get("HOME").map(|home| Path::new(home).join(rest));
        let configured = |rest: &str| match self.get("XDG_CONFIG_HOME") {
            Some(directory) => Some(Path::new(directory).join(rest)),
            None => below(&format!(".config/{rest}")),
        };
        let named = ["CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH"].iter().find_map(|name| self.get(name));
        let own = configured("containers/registries.conf").filter(|path| named.is_none() && path.exists());
        let folders = [
            own.is_none().then(|| "/etc/containers/registries.conf.d".into()),
            configured("containers/registries.conf.d"),
        ];
        let chosen = match self.user() {
            0 => Some(PathBuf::from("/var/cache/containers/short-name-aliases.conf")),
            _ => below(".cache/containers/short-name-aliases.conf"),
        };
        RegistriesFiles {
            main: named.map(PathBuf::from).or(own).or_else(|| Some("/etc/containers/registries.conf".into())),
            named: named.is_some(),
            folders: folders.into_iter().flatten().collect(),
            chosen,
        }
    }

    /// Who runs this. Inside `podman unshare` everybody is root, and podman says who that is.
    fn user(&self) -> u32 {
        use std::os::unix::fs::MetadataExt;
        let within = self.get("_CONTAINERS_ROOTLESS_UID").and_then(|user| user.parse().ok());
        within.or_else(|| Some(std::fs::metadata("/proc/self").ok()?.uid())).unwrap_or(0)
    }

    /// What podman looks at to find its images.
    pub(crate) fn storage_files(&self) -> StorageFiles {
        let below = |name: &str, inner: &str, rest: &str| {
            let directory = self.get(name).map(PathBuf::from);
            directory.or_else(|| Some(Path::new(self.get("HOME")?).join(inner))).map(|directory| directory.join(rest))
        };
        let user = self.user();
        let rootless = (user != 0).then(|| below("XDG_DATA_HOME", ".local/share", "containers/storage")).flatten();
        let own = match (self.get("CONTAINERS_STORAGE_CONF"), &rootless) {
            (Some(file), _) => vec![PathBuf::from(file)],
            (None, Some(_)) => below("XDG_CONFIG_HOME", ".config", "containers/storage.conf").into_iter().collect(),
            (None, None) => Vec::new(),
        };
        let system = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"].map(PathBuf::from).into();
        let known = [("HOME", self.get("HOME")), ("USER", self.get("USER"))];
        let mut variables: Vec<_> =
            known.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        variables.push(("UID", user.to_string()));
        StorageFiles { own, system, rootless, variables }
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
    home: Option<String>,
    /// The first thing that is wrong. The rest is taken in all the same, so that it can be shown.
    problem: Option<CliError>,
}

const PREFIX: &str = "SEKISHO_";
/// Where the columns of what is shown are at most.
const WIDTH: usize = 80;
const FILE_VARIABLE: &str = "SEKISHO_CONFIG";

impl Config {
    /// Reads defaults, the configuration file and the environment. `file` is the file asked for on the
    /// command line. What is wrong is kept for [`Config::problem`].
    pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Self {
        let home = environment.get("HOME").map(str::to_owned);
        let mut config = Self { values: BTreeMap::new(), home, problem: None };
        for (area, keys) in Settings::defaults(environment) {
            for (key, value) in keys {
                config.values.insert((area.clone(), key), (value, Provenance::Default));
            }
        }
        config.read_file(file, environment);
        config.read_usual_variables(environment);
        config.read_environment(environment);
        config
    }

    /// What is wrong with the configuration, if anything is.
    pub(crate) fn problem(&mut self) -> Result<(), CliError> {
        self.problem.take().map_or(Ok(()), Err)
    }

    fn wrong(&mut self, error: CliError) {
        self.problem.get_or_insert(error);
    }

    fn read_file(&mut self, asked: Option<&Path>, environment: &Environment) {
        let Some((path, usual)) = find_file(asked, environment) else { return };
        let invalid = |reason: String| {
            CliError::new(Code::ConfigInvalid, format!("cannot read the configuration {}: {reason}", path.display()))
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let hint =
                    if usual { "check permissions" } else { "check the path given with --config or SEKISHO_CONFIG" };
                return self.wrong(invalid(reason(&error)).hint(hint));
            }
        };
        let table: Table = match toml::from_str(&text) {
            Ok(table) => table,
            Err(error) => return self.wrong(invalid(toml_reason(&error, &text)).hint("correct the file")),
        };
        for (area, keys) in table {
            let Value::Table(keys) = keys else {
                self.wrong(invalid(format!("{area:?} is not an area; settings stand below [area]")));
                continue;
            };
            for (key, value) in keys {
                if let Err(reason) = self.set(&area, &key, value, Provenance::File(path.clone())) {
                    self.wrong(invalid(reason));
                }
            }
        }
    }

    /// Takes in the variables by which every program is told of directories, proxies and certificate
    /// authorities. The lower-case name counts first, as for curl; `HTTP_PROXY` counts in lower case only,
    /// since a web server sets the other from a request's header.
    fn read_usual_variables(&mut self, environment: &Environment) {
        const VARIABLES: [(&str, &str, &[&str]); 7] = [
            ("cache", "directory", &["XDG_CACHE_HOME"]),
            ("database", "directory", &["XDG_DATA_HOME"]),
            ("network", "http_proxy", &["http_proxy"]),
            ("network", "https_proxy", &["https_proxy", "HTTPS_PROXY"]),
            ("network", "no_proxy", &["no_proxy", "NO_PROXY"]),
            ("network", "ca_bundle", &["SSL_CERT_FILE"]),
            ("scan", "temporary", &["TMPDIR"]),
        ];
        for (area, key, names) in VARIABLES {
            // A setting of the file is meant for this program, the variable for all.
            let unset = self.origin(area, key) == Some(&Provenance::Default);
            let Some((name, text)) = names.iter().find_map(|name| Some((*name, environment.get(name)?))) else {
                continue;
            };
            let text = match area {
                "cache" => format!("{text}/sekisho"),
                "database" => format!("{text}/sekisho/advisories"),
                _ => text.to_owned(),
            };
            if unset && let Err(reason) = self.set(area, key, text.into(), Provenance::Environment(name.to_owned())) {
                self.wrong(CliError::new(Code::ConfigInvalid, format!("cannot take {name}: {reason}")));
            }
        }
    }

    fn read_environment(&mut self, environment: &Environment) {
        for (name, text) in &environment.0 {
            let Some(rest) = name.strip_prefix(PREFIX).filter(|_| name != FILE_VARIABLE && !text.is_empty()) else {
                continue;
            };
            let invalid = |reason: String| {
                CliError::new(Code::ConfigInvalid, format!("cannot take the environment variable {name}: {reason}"))
            };
            let Some((area, key)) = rest.split_once("__").map(|(area, key)| (area.to_lowercase(), key.to_lowercase()))
            else {
                self.wrong(invalid("it is not of the form SEKISHO_AREA__KEY".to_owned()));
                continue;
            };
            let known = self.values.get(&(area.clone(), key.clone())).map(|(value, _)| value);
            let list = matches!(known, Some(Value::Array(_)));
            let value = match known {
                Some(Value::String(_)) => Value::String(text.clone()),
                _ => toml::from_str::<Table>(&format!("value = {text}"))
                    .ok()
                    .and_then(|mut table| table.remove("value"))
                    .unwrap_or_else(|| Value::String(text.clone())),
            };
            if let Err(reason) = self.set(&area, &key, value, Provenance::Environment(name.clone())) {
                let error = invalid(reason);
                self.wrong(if list { error.hint("write it as in TOML: `[\"base.tar\"]`") } else { error });
            }
        }
    }

    /// Where the value of a setting comes from.
    pub(crate) fn origin(&self, area: &str, key: &str) -> Option<&Provenance> {
        self.values.get(&(area.to_owned(), key.to_owned())).map(|(_, from)| from)
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
        let (home, name) = (self.home.as_deref(), format!("{area}.{key}"));
        let Some(entry) = self.values.get_mut(&(area.to_owned(), key.to_owned())) else {
            return Err(format!("there is no setting {name}"));
        };
        if !value.same_type(&entry.0) {
            return Err(format!("{name} must be of type {}, not {}", entry.0.type_str(), value.type_str()));
        }
        settings::check(&name, &value)?;
        let value = if settings::PATHS.contains(&name.as_str()) { placed(value, &from, home)? } else { value };
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
        let shown = |area: &str, key: &str, value: &Value| match value {
            Value::String(text) if area == "hub" && key == "token" && !text.is_empty() => "\"(hidden)\"".to_owned(),
            Value::String(text) if area == "hub" && key == "state" => {
                Value::String(without_credentials(text)).to_string()
            }
            // A proxy's URL may hold a password.
            Value::String(text) if area == "network" => Value::String(without_credentials(text)).to_string(),
            Value::Array(urls) if area == "feeds" => {
                let safe = |url: &Value| Value::String(without_credentials(url.as_str().unwrap_or_default()));
                Value::Array(urls.iter().map(safe).collect()).to_string()
            }
            other => other.to_string(),
        };
        let left: Vec<String> = self
            .values
            .iter()
            .map(|((area, key), (value, _))| format!("{area}.{key} = {}", shown(area, key, value)))
            .collect();
        // Lists of addresses are longer than any line, and do not count.
        let lengths = left.iter().map(|text| text.chars().count());
        let width = lengths.filter(|length| *length <= WIDTH).max().unwrap_or(0);
        let mut out = String::new();
        for (left, (_, from)) in left.iter().zip(self.values.values()) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{left:<width$}  # {from}");
        }
        out
    }
}

/// A path, or a list of them, with a leading `~/` for the home directory. What a file says counts from the
/// file's directory, not from wherever the program runs.
fn placed(value: Value, from: &Provenance, home: Option<&str>) -> Result<Value, String> {
    match value {
        Value::Array(values) => {
            values.into_iter().map(|value| placed(value, from, home)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::String(text) if text == "~" || text.starts_with("~/") => {
            let home = home.ok_or_else(|| format!("{text:?} needs HOME, which is not set"))?;
            Ok(Value::String(format!("{home}{}", &text[1..])))
        }
        Value::String(text) => Ok(Value::String(match from {
            Provenance::File(file) if !text.is_empty() => {
                let directory = file.parent().unwrap_or(Path::new(""));
                directory.join(&text).to_str().map_or(text, str::to_owned)
            }
            _ => text,
        })),
        other => Ok(other),
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

/// The configuration file: the one asked for, else the first that exists of the usual ones, and whether it is
/// one of those.
fn find_file(asked: Option<&Path>, environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(path) = asked.map(Path::to_owned).or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from)) {
        return Some((path, false));
    }
    let own = match (environment.get("XDG_CONFIG_HOME"), environment.get("HOME")) {
        (Some(directory), _) => Some(PathBuf::from(directory).join("sekisho/config.toml")),
        (None, Some(home)) => Some(PathBuf::from(home).join(".config/sekisho/config.toml")),
        (None, None) => None,
    };
    let mut usual = own.into_iter().chain([PathBuf::from("/etc/sekisho/config.toml")]);
    usual.find(|path| path.is_file()).map(|path| (path, true))
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
    fn registries_are_looked_up_where_podman_would() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let at = |rest: &str| folder.path().join(rest);
        let system = PathBuf::from("/etc/containers/registries.conf.d");
        let own = at("containers/registries.conf.d");
        let none = environment(&[("XDG_CONFIG_HOME", home)]).registries_files();
        assert_eq!(none.main, Some("/etc/containers/registries.conf".into()));
        assert_eq!((none.named, none.folders), (false, vec![system.clone(), own.clone()]));
        std::fs::create_dir_all(at("containers")).unwrap();
        std::fs::write(at("containers/registries.conf"), "").unwrap();
        let files = environment(&[("XDG_CONFIG_HOME", home)]).registries_files();
        assert_eq!((files.main, files.folders), (Some(at("containers/registries.conf")), vec![own.clone()]));
        let named = [("XDG_CONFIG_HOME", home), ("CONTAINERS_REGISTRIES_CONF", "/srv/r.conf")];
        let files = environment(&named).registries_files();
        assert_eq!((files.main, files.named, files.folders), (Some("/srv/r.conf".into()), true, vec![system, own]));
    }

    #[test]
    fn later_sources_win_and_are_named() {
        let file = file("[scan]\njobs = 3\nallow_incomplete = true\n");
        let mut config = Config::load(Some(file.path()), &environment(&[("SEKISHO_SCAN__JOBS", "5")]));
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
            let error = Config::load(Some(file.path()), &environment(pairs)).problem().unwrap_err();
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
        assert!(refused("", &[("SEKISHO_SCAN__JOBS", "100000")]).contains("scan.jobs must be at most 1024"));
        assert!(refused("", &[("SEKISHO_SCAN__BASES", "base.tar")]).contains("as in TOML"));
        assert!(refused("[scan]\nbases = [1]\n", &[]).contains("scan.bases must be a list of strings"));
        assert!(refused("[detect]\ncapture_mode = \"some\"\n", &[]).contains("all_rules and rules"));
        assert!(
            refused("[detect]\ncapture_memory = 0\n", &[]).contains("detect.capture_memory must be from 1 to 4096")
        );
        assert!(
            refused("[detect]\ncapture_files = 4294967296\n", &[]).contains("detect.capture_files must be at most")
        );
        assert!(refused("", &[("SEKISHO_OUTPUT__COLOR", "red")]).contains("SEKISHO_OUTPUT__COLOR: output.color"));
    }

    #[test]
    fn proxies_come_from_the_usual_variables_unless_the_file_says() {
        let pairs = [
            ("HTTPS_PROXY", "http://me:secret@a:1"),
            ("HTTP_PROXY", "http://b:1"),
            ("no_proxy", ".x"),
            ("NO_PROXY", ".y"),
        ];
        let shown = Config::load(None, &environment(&pairs)).show();
        let line = |shown: &str, key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        assert!(line(&shown, "network.https_proxy").ends_with("# environment HTTPS_PROXY"), "{shown}");
        assert!(!shown.contains("secret@"), "{shown}");
        assert!(line(&shown, "network.http_proxy").ends_with("# default"), "{shown}");
        assert!(line(&shown, "network.no_proxy").contains("\".x\""), "{shown}");
        let file = file("[network]\nhttps_proxy = \"http://c:1\"\n");
        let shown = Config::load(Some(file.path()), &environment(&pairs)).show();
        assert!(line(&shown, "network.https_proxy").contains("http://c:1"), "{shown}");
    }

    #[test]
    fn paths_count_from_home_or_from_the_file() {
        let text = "[scan]\nbases = [\"base.tar\", \"~/base.tar\", \"/base.tar\"]\n[cache]\ndirectory = \"c\"\n";
        let file = file(text);
        let below = |name: &str| file.path().parent().unwrap().join(name);
        let pairs = [("SEKISHO_SCAN__TEMPORARY", "~/tmp"), ("XDG_CACHE_HOME", "/x"), ("TMPDIR", "/y")];
        let settings = Config::load(Some(file.path()), &environment(&pairs)).settings().unwrap();
        assert_eq!(
            settings.scan.bases,
            [below("base.tar"), PathBuf::from("/nonexistent/base.tar"), PathBuf::from("/base.tar")]
        );
        assert_eq!(settings.cache.directory, below("c"));
        assert_eq!(settings.scan.temporary, Path::new("/nonexistent/tmp"));
        let config = Config::load(None, &environment(&[pairs[1], pairs[2]]));
        assert_eq!(config.origin("cache", "directory"), Some(&Provenance::Environment("XDG_CACHE_HOME".into())));
        assert_eq!(config.origin("scan", "temporary"), Some(&Provenance::Environment("TMPDIR".into())));
        let settings = config.settings().unwrap();
        assert_eq!((settings.cache.directory, settings.scan.temporary), ("/x/sekisho".into(), "/y".into()));
        let relative = Config::load(None, &environment(&[("SEKISHO_CACHE__DIRECTORY", "c")])).settings().unwrap();
        assert_eq!(relative.cache.directory, Path::new("c"), "the environment is of whoever runs the program");
    }

    #[test]
    fn what_detect_run_is_given_can_be_set() {
        let file = file(
            "[detect]\ncapture = \"captures\"\ncapture_before = 7\npolicies = [\"p\", \"/q\"]\nrespond = \"plan.yaml\"\n",
        );
        let below = |name: &str| file.path().parent().unwrap().join(name);
        let pairs = [("SEKISHO_DETECT__LISTEN_METRICS", "127.0.0.1:9091"), ("SEKISHO_DETECT__PROFILE", "restricted")];
        let mut config = Config::load(Some(file.path()), &environment(&pairs));
        config.flag("--profile", "detect", "profile", Some("baseline")).unwrap();
        let own = config.settings().unwrap().detect;
        assert_eq!((own.capture, own.respond.clone()), (below("captures"), below("plan.yaml")));
        assert_eq!((own.capture_before, own.capture_duration, own.capture_mode.as_str()), (7, 5000, "all_rules"));
        assert_eq!((own.listen.as_str(), own.listen_metrics.as_str()), ("127.0.0.1:9765", "127.0.0.1:9091"));
        assert_eq!(own.directory, Path::new("/nonexistent/.local/share/sekisho/detect"));
        let shown = config.show();
        let line = shown.lines().find(|line| line.starts_with("detect.profile")).unwrap();
        assert!(line.contains("\"baseline\"") && line.ends_with("# flag --profile"), "{line}");
        let policies = config.settings().unwrap().detect.runtime_policies();
        assert_eq!((policies.policy, policies.profile), (vec![below("p"), "/q".into()], Some("baseline".to_owned())));
    }

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        let config = Config::load(None, &environment(&[("SEKISHO_SCAN__JOBS", "")]));
        assert_eq!(config.settings().unwrap().scan.jobs, 0);
    }

    #[test]
    fn a_missing_file_that_was_asked_for_is_an_error() {
        assert!(Config::load(Some(Path::new("/nonexistent/x.toml")), &environment(&[])).problem().is_err());
        assert!(Config::load(None, &environment(&[])).problem().is_ok());
    }
}
