//! The settings themselves, with their defaults and meanings.

use super::Environment;
use super::meanings::MEANINGS;
use crate::args::RuntimePolicies;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::clock::{Clock, SystemClock};
use sekisho_base::limits::LimitKey;
use sekisho_feeds::upstream::UPSTREAMS;
use sekisho_net::{Network, Patience};
use sekisho_oci::{Mirror, Registries, RegistriesFiles, Sites, Stores};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use toml::{Table, Value};

/// All settings.
#[derive(Debug, Deserialize)]
pub(crate) struct Settings {
    pub(crate) admission: AdmissionSettings,
    pub(crate) cache: CacheSettings,
    pub(crate) check: CheckSettings,
    pub(crate) database: DatabaseSettings,
    pub(crate) detect: DetectSettings,
    pub(crate) feeds: BTreeMap<String, Vec<String>>,
    pub(crate) hub: HubSettings,
    pub(crate) limits: BTreeMap<String, u64>,
    network: NetworkSettings,
    pub(crate) output: OutputSettings,
    pub(crate) registry: RegistrySettings,
    pub(crate) scan: ScanSettings,
    stores: StoreSettings,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AdmissionSettings {
    pub(crate) api_server: String,
    pub(crate) break_glass: String,
    pub(crate) certificate: PathBuf,
    pub(crate) cluster: String,
    pub(crate) directory: PathBuf,
    pub(crate) drain_seconds: u64,
    pub(crate) enforce_percent: u64,
    pub(crate) exempt: Vec<String>,
    pub(crate) exempt_users: Vec<String>,
    pub(crate) fail_closed: bool,
    pub(crate) fail_on: String,
    pub(crate) host: String,
    pub(crate) images: bool,
    pub(crate) judge_owned: bool,
    pub(crate) key: PathBuf,
    pub(crate) labels: bool,
    pub(crate) listen: String,
    pub(crate) listen_metrics: String,
    pub(crate) mode: String,
    pub(crate) namespaces: Vec<String>,
    pub(crate) pod_security: String,
    pub(crate) secret: String,
    pub(crate) service_account: PathBuf,
    pub(crate) timeout_seconds: u64,
    pub(crate) unknown: String,
    pub(crate) unknown_policies: Vec<String>,
    pub(crate) warn_until: Vec<String>,
    pub(crate) webhook: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HubSettings {
    pub(crate) certificate: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) host: String,
    pub(crate) key: PathBuf,
    pub(crate) listen: String,
    pub(crate) listen_metrics: String,
    pub(crate) state: String,
    pub(crate) token: String,
    pub(crate) token_file: PathBuf,
    pub(crate) url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CacheSettings {
    pub(crate) enabled: bool,
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CheckSettings {
    pub(crate) policies: Vec<PathBuf>,
    pub(crate) profile: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DatabaseSettings {
    pub(crate) directory: PathBuf,
    pub(crate) max_age_hours: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DetectSettings {
    pub(crate) capture: PathBuf,
    pub(crate) capture_before: u32,
    pub(crate) capture_duration: u32,
    pub(crate) capture_files: usize,
    pub(crate) capture_filesize: u32,
    pub(crate) capture_memory: u32,
    pub(crate) capture_mode: String,
    pub(crate) directory: PathBuf,
    pub(crate) listen: String,
    pub(crate) listen_metrics: String,
    pub(crate) policies: Vec<PathBuf>,
    pub(crate) profile: String,
    pub(crate) respond: PathBuf,
}

impl DetectSettings {
    /// The policies that are asked beside the rules.
    pub(crate) fn runtime_policies(&self) -> RuntimePolicies {
        let profile = Some(self.profile.clone()).filter(|profile| !profile.is_empty());
        RuntimePolicies { policy: self.policies.clone(), profile }
    }
}

#[derive(Debug, Deserialize)]
struct NetworkSettings {
    ca_bundle: String,
    http_proxy: String,
    https_proxy: String,
    no_proxy: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OutputSettings {
    pub(crate) color: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RegistrySettings {
    pub(crate) insecure: Vec<String>,
    login_files: Vec<PathBuf>,
    mirrors: Vec<String>,
    registries_conf: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ScanSettings {
    pub(crate) allow_incomplete: bool,
    as_of: String,
    pub(crate) bases: Vec<PathBuf>,
    pub(crate) exceptions: Vec<PathBuf>,
    pub(crate) jobs: usize,
    pub(crate) temporary: PathBuf,
    pub(crate) vex: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct StoreSettings {
    containerd: PathBuf,
    containers: Vec<PathBuf>,
}

/// The settings that are paths, or lists of them.
pub(super) const PATHS: [&str; 23] = [
    "admission.certificate",
    "admission.directory",
    "admission.key",
    "admission.service_account",
    "cache.directory",
    "check.policies",
    "database.directory",
    "detect.capture",
    "detect.directory",
    "detect.policies",
    "detect.respond",
    "hub.certificate",
    "hub.directory",
    "hub.key",
    "hub.token_file",
    "network.ca_bundle",
    "registry.login_files",
    "scan.bases",
    "scan.exceptions",
    "scan.temporary",
    "scan.vex",
    "stores.containerd",
    "stores.containers",
];

/// More threads than this are a slip: an image has at most some hundred layers.
const MAX_JOBS: i64 = 1024;

/// What the type of a value does not say.
pub(super) fn check(name: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Integer(number) if *number < 0 => Err(format!("{name} must not be negative")),
        Value::Integer(number) if name == "scan.jobs" && *number > MAX_JOBS => {
            Err(format!("{name} must be at most {MAX_JOBS}"))
        }
        Value::String(text) if name == "output.color" && !["auto", "always", "never"].contains(&text.as_str()) => {
            Err(format!("{name} is {text:?}, which is none of auto, always and never"))
        }
        Value::String(text) if name == "scan.as_of" && !text.is_empty() && text.parse::<Timestamp>().is_err() => {
            Err(format!("{name} is {text:?}, which is no moment such as 2026-01-31T00:00:00Z"))
        }
        Value::Array(values) if !values.iter().all(Value::is_str) => Err(format!("{name} must be a list of strings")),
        Value::Integer(number) if name == "admission.enforce_percent" && *number > 100 => {
            Err(format!("{name} must be at most 100"))
        }
        Value::Integer(number) if name.starts_with("detect.") && *number > i64::from(u32::MAX) => {
            Err(format!("{name} must be at most {}", u32::MAX))
        }
        Value::Integer(number) if name == "detect.capture_memory" && !(1..=4096).contains(number) => {
            Err(format!("{name} must be from 1 to 4096"))
        }
        Value::String(text) if name == "detect.capture_mode" && !["all_rules", "rules"].contains(&text.as_str()) => {
            Err(format!("{name} is {text:?}, which is none of all_rules and rules"))
        }
        Value::Integer(number) if name == "admission.timeout_seconds" && !(1..=30).contains(number) => {
            Err(format!("{name} must be from 1 to 30"))
        }
        Value::Array(values) if name == "registry.mirrors" => {
            let broken = values.iter().filter_map(Value::as_str).find_map(|text| text.parse::<Mirror>().err());
            broken.map_or(Ok(()), |reason| Err(format!("{name}: {reason}")))
        }
        Value::Array(values) if name == "registry.insecure" => {
            let host = |value: &&Value| value.as_str().is_none_or(|text| text.is_empty() || text.contains(['/', '@']));
            let broken = values.iter().find(host);
            broken.map_or(Ok(()), |value| Err(format!("{name}: {value} is not of the form HOST[:PORT]")))
        }
        _ => Ok(()),
    }
}

impl Settings {
    /// The defaults, some of which depend on where the user's directories are.
    pub(super) fn defaults(environment: &Environment) -> BTreeMap<String, BTreeMap<String, Value>> {
        let home = environment.get("HOME");
        let cache = home.map_or_else(|| "/var/cache/sekisho".to_owned(), |home| format!("{home}/.cache/sekisho"));
        let mut areas: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        let mut set = |area: &str, key: &str, value: Value| {
            areas.entry(area.to_owned()).or_default().insert(key.to_owned(), value);
        };
        let data = home.map_or_else(|| "/var/lib/sekisho".to_owned(), |home| format!("{home}/.local/share/sekisho"));
        for key in ["api_server", "certificate", "cluster", "fail_on", "key", "pod_security", "secret", "webhook"] {
            set("admission", key, "".into());
        }
        for key in ["exempt_users", "namespaces", "unknown_policies", "warn_until"] {
            set("admission", key, Value::Array(Vec::new()));
        }
        for key in ["fail_closed", "images", "judge_owned"] {
            set("admission", key, false.into());
        }
        set("admission", "break_glass", "sekisho.dev/break-glass".into());
        set("admission", "directory", format!("{data}/admission").into());
        set("admission", "drain_seconds", 5.into());
        set("admission", "enforce_percent", 0.into());
        set("admission", "exempt", Value::Array(sekisho_admission::rules::EXEMPT.map(Value::from).to_vec()));
        set("admission", "host", "sekisho-admission.sekisho-system.svc".into());
        set("admission", "labels", true.into());
        set("admission", "listen", "0.0.0.0:8443".into());
        set("admission", "listen_metrics", "0.0.0.0:9090".into());
        set("admission", "mode", "warn".into());
        set("admission", "service_account", sekisho_admission::cluster::ACCOUNT.into());
        set("admission", "timeout_seconds", 10.into());
        set("admission", "unknown", "warn".into());
        set("cache", "directory", cache.into());
        set("cache", "enabled", true.into());
        set("cache", "max_bytes", (1_i64 << 30).into());
        set("check", "policies", Value::Array(Vec::new()));
        set("check", "profile", "ci".into());
        set("database", "directory", format!("{data}/advisories").into());
        set("database", "max_age_hours", 120.into());
        for key in ["capture", "listen_metrics", "profile", "respond"] {
            set("detect", key, "".into());
        }
        set("detect", "capture_before", 5.into());
        set("detect", "capture_duration", 5000.into());
        set("detect", "capture_files", 100.into());
        set("detect", "capture_filesize", 64.into());
        set("detect", "capture_memory", 16.into());
        set("detect", "capture_mode", "all_rules".into());
        set("detect", "directory", format!("{data}/detect").into());
        set("detect", "listen", "127.0.0.1:9765".into());
        set("detect", "policies", Value::Array(Vec::new()));
        for upstream in UPSTREAMS {
            let urls = upstream.urls.iter().filter(|_| upstream.on).map(|url| (*url).into()).collect();
            set("feeds", upstream.name, Value::Array(urls));
        }
        for key in ["certificate", "key", "listen_metrics", "state", "token"] {
            set("hub", key, "".into());
        }
        set("hub", "directory", format!("{data}/hub").into());
        set("hub", "host", "localhost".into());
        set("hub", "token_file", format!("{data}/hub-token").into());
        set("hub", "listen", "127.0.0.1:8470".into());
        set("hub", "url", "https://localhost:8470".into());
        for key in LimitKey::ALL {
            set("limits", key.as_str(), i64::try_from(Limits::default().get(key)).unwrap_or(i64::MAX).into());
        }
        for key in ["ca_bundle", "http_proxy", "https_proxy", "no_proxy"] {
            set("network", key, "".into());
        }
        set("output", "color", "auto".into());
        for key in ["insecure", "login_files", "mirrors"] {
            set("registry", key, Value::Array(Vec::new()));
        }
        set("registry", "registries_conf", true.into());
        set("scan", "allow_incomplete", false.into());
        set("scan", "as_of", "".into());
        for key in ["bases", "exceptions", "vex"] {
            set("scan", key, Value::Array(Vec::new()));
        }
        set("scan", "jobs", 0.into());
        set("scan", "temporary", "/tmp".into());
        set("stores", "containerd", "/var/lib/containerd".into());
        set("stores", "containers", Value::Array(Vec::new()));
        areas
    }

    pub(super) fn deserialize_from(table: Table) -> Result<Self, String> {
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// How this site reaches the network.
    pub(crate) fn network(&self) -> Network {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Network {
            http_proxy: given(&self.network.http_proxy),
            https_proxy: given(&self.network.https_proxy),
            no_proxy: self.network.no_proxy.clone(),
            ca_bundles: given(&self.network.ca_bundle).map(PathBuf::from).into_iter().collect(),
        }
    }

    /// How this site reaches registries.
    pub(crate) fn registries(&self, environment: &Environment) -> Registries {
        Registries::new(Sites {
            network: self.network(),
            patience: Patience::default(),
            login_files: self.login_files(environment),
            // What is no mirror was refused when it was set.
            mirrors: self.registry.mirrors.iter().filter_map(|text| text.parse().ok()).collect(),
            insecure: self.registry.insecure.clone(),
            routes: if self.registry.registries_conf {
                environment.registries_files()
            } else {
                RegistriesFiles::default()
            },
        })
    }

    /// Files of logins of registries, of which the first that has one counts.
    pub(crate) fn login_files(&self, environment: &Environment) -> Vec<PathBuf> {
        self.registry.login_files.iter().cloned().chain(environment.login_files()).collect()
    }

    /// Where engines on this machine keep images.
    pub(crate) fn stores(&self, environment: &Environment) -> Stores {
        Stores {
            containerd: self.stores.containerd.clone(),
            containers: self.stores.containers.clone(),
            files: environment.storage_files(),
        }
    }

    /// The moment by which it is judged what is over and what is too old.
    pub(crate) fn now(&self) -> Timestamp {
        self.scan.as_of.parse().unwrap_or_else(|_| SystemClock.now())
    }

    /// The limits.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for key in LimitKey::ALL {
            if let Some(value) = self.limits.get(key.as_str()) {
                limits.set(key, *value);
            }
        }
        limits
    }
}

/// [`MEANINGS`], and those of the settings that follow from tables elsewhere, by area and key.
fn meanings() -> Vec<(&'static str, &'static str, &'static str, String)> {
    let own = MEANINGS.iter().map(|(area, key, flag, meaning)| (*area, *key, *flag, (*meaning).to_owned()));
    let feeds = UPSTREAMS.iter().map(|upstream| {
        let off = if upstream.on { String::new() } else { format!("; off, built in is `{}`", upstream.urls.join(" ")) };
        (
            "feeds",
            upstream.name,
            "",
            format!("where `db update` fetches {} ({}){off}", upstream.title, upstream.licence()),
        )
    });
    let mut all: Vec<_> = own.chain(feeds).collect();
    all.sort_by_key(|(area, key, ..)| (*area, *key));
    all
}

/// The settings as a Markdown table.
pub(super) fn documentation() -> String {
    let mut pairs = BTreeMap::new();
    pairs.insert("HOME".to_owned(), "~".to_owned());
    let defaults = Settings::defaults(&Environment(pairs));
    let mut out = String::from("| setting | default | flag | meaning |\n|---|---|---|---|\n");
    for (area, key, flag, meaning) in meanings() {
        let flag = if flag.is_empty() { String::new() } else { format!("`{flag}`") };
        if let Some(value) = defaults.get(area).and_then(|keys| keys.get(key)) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "| `{area}.{key}` | `{value}` | {flag} | {meaning} |");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_meaning() {
        let defaults = Settings::defaults(&Environment::default());
        assert!(MEANINGS.is_sorted_by_key(|(area, key, ..)| (*area, *key)));
        let documented: Vec<(&str, &str)> = meanings().into_iter().map(|(area, key, ..)| (area, key)).collect();
        let existing: Vec<(&str, &str)> = defaults
            .iter()
            .flat_map(|(area, keys)| keys.keys().map(move |key| (area.as_str(), key.as_str())))
            .collect();
        assert_eq!(documented, existing);
    }

    #[test]
    fn every_flag_that_is_named_exists() {
        fn longs(command: &clap::Command) -> Vec<String> {
            let own = command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"));
            own.chain(command.get_subcommands().flat_map(longs)).collect()
        }
        let longs = longs(&crate::command_tree());
        let missing = MEANINGS.iter().find(|(_, _, flag, _)| !flag.is_empty() && !longs.contains(&(*flag).to_owned()));
        assert_eq!(missing, None);
    }

    #[test]
    fn limits_pass_through_unchanged() {
        let config = super::super::Config::load(None, &Environment::default());
        assert_eq!(config.settings().unwrap().limits(), Limits::default());
    }
}
