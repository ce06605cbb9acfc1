//! The settings themselves, with their defaults and meanings.

use super::Environment;
use sekisho_base::Limits;
use sekisho_net::Network;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use toml::{Table, Value};

/// All settings.
#[derive(Debug, Deserialize)]
pub(crate) struct Settings {
    pub(crate) cache: CacheSettings,
    pub(crate) limits: BTreeMap<String, u64>,
    network: NetworkSettings,
    pub(crate) output: OutputSettings,
    pub(crate) scan: ScanSettings,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CacheSettings {
    pub(crate) enabled: bool,
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
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
pub(crate) struct ScanSettings {
    pub(crate) allow_incomplete: bool,
    pub(crate) bases: Vec<PathBuf>,
    pub(crate) jobs: usize,
    pub(crate) temporary: PathBuf,
}

/// Area, key, meaning. The default of `limits` are those of [`Limits`].
const MEANINGS: &[(&str, &str, &str)] = &[
    ("cache", "directory", "where results of layers are kept"),
    ("cache", "enabled", "whether results of layers are kept"),
    ("cache", "max_bytes", "how large the cache may become; least recently used results go first"),
    ("limits", "document_bytes", "bytes of one JSON document that describes an image"),
    ("limits", "entries", "entries of one layer or directory tree"),
    (
        "limits",
        "facts_bytes",
        "bytes of all that is kept of one layer or directory tree; with path_table_bytes of all layers together",
    ),
    ("limits", "inflated_bytes", "inflated bytes of one layer or archive"),
    ("limits", "memory_file_bytes", "bytes of one file held in memory; larger ones go to a temporary file"),
    ("limits", "path_bytes", "bytes of one path"),
    ("limits", "path_depth", "directories above one path"),
    ("limits", "path_table_bytes", "bytes of all entry names of one layer as kept in memory"),
    ("limits", "random_file_bytes", "bytes of one database or executable"),
    ("limits", "ratio", "inflated bytes for each stored byte, beyond the grace"),
    ("limits", "ratio_grace_bytes", "inflated bytes up to which the ratio is not judged"),
    ("limits", "records", "records taken from one file"),
    ("limits", "spill_bytes", "bytes of all temporary files of one scan"),
    ("limits", "tar_header_bytes", "bytes of one extended tar header"),
    ("limits", "text_file_bytes", "bytes of one text file that is parsed"),
    ("limits", "time_seconds", "seconds one scan may take"),
    ("network", "ca_bundle", "PEM file of certificate authorities trusted beside the system's"),
    ("network", "http_proxy", "proxy for http addresses, as a URL"),
    ("network", "https_proxy", "proxy for https addresses, as a URL"),
    ("network", "no_proxy", "hosts, domains and networks reached without a proxy, separated by commas"),
    ("output", "color", "when to colour output: auto, always or never"),
    ("scan", "allow_incomplete", "exit with 0 even when something could not be read"),
    ("scan", "bases", "base images to recognise: images, or TOML lists of known bases"),
    ("scan", "jobs", "layers read at the same time; 0 for one a processor"),
    ("scan", "temporary", "where temporary files go"),
];

impl Settings {
    /// The defaults, some of which depend on where the user's directories are.
    pub(super) fn defaults(environment: &Environment) -> BTreeMap<String, BTreeMap<String, Value>> {
        let cache = match (environment.get("XDG_CACHE_HOME"), environment.get("HOME")) {
            (Some(directory), _) => format!("{directory}/sekisho"),
            (None, Some(home)) => format!("{home}/.cache/sekisho"),
            (None, None) => "/var/cache/sekisho".to_owned(),
        };
        let mut areas: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        let mut set = |area: &str, key: &str, value: Value| {
            areas.entry(area.to_owned()).or_default().insert(key.to_owned(), value);
        };
        set("cache", "directory", cache.into());
        set("cache", "enabled", true.into());
        set("cache", "max_bytes", (1_i64 << 30).into());
        for (key, value) in limit_values(&Limits::default()) {
            set("limits", key, i64::try_from(value).unwrap_or(i64::MAX).into());
        }
        for key in ["ca_bundle", "http_proxy", "https_proxy", "no_proxy"] {
            set("network", key, "".into());
        }
        set("output", "color", "auto".into());
        set("scan", "allow_incomplete", false.into());
        set("scan", "bases", Value::Array(Vec::new()));
        set("scan", "jobs", 0.into());
        set("scan", "temporary", environment.get("TMPDIR").unwrap_or("/tmp").into());
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
            ca_bundle: given(&self.network.ca_bundle).map(PathBuf::from),
        }
    }

    /// The limits.
    pub(crate) fn limits(&self) -> Limits {
        let get = |key: &str| self.limits.get(key).copied().unwrap_or_default();
        Limits {
            inflated_bytes: get("inflated_bytes"),
            ratio: get("ratio"),
            ratio_grace_bytes: get("ratio_grace_bytes"),
            entries: get("entries"),
            path_table_bytes: get("path_table_bytes"),
            path_bytes: get("path_bytes") as usize,
            path_depth: get("path_depth") as usize,
            document_bytes: get("document_bytes"),
            tar_header_bytes: get("tar_header_bytes"),
            memory_file_bytes: get("memory_file_bytes"),
            text_file_bytes: get("text_file_bytes"),
            random_file_bytes: get("random_file_bytes"),
            spill_bytes: get("spill_bytes"),
            records: get("records") as usize,
            facts_bytes: get("facts_bytes"),
            time: Duration::from_secs(get("time_seconds")),
        }
    }
}

fn limit_values(limits: &Limits) -> [(&'static str, u64); 16] {
    [
        ("inflated_bytes", limits.inflated_bytes),
        ("ratio", limits.ratio),
        ("ratio_grace_bytes", limits.ratio_grace_bytes),
        ("entries", limits.entries),
        ("path_table_bytes", limits.path_table_bytes),
        ("path_bytes", limits.path_bytes as u64),
        ("path_depth", limits.path_depth as u64),
        ("document_bytes", limits.document_bytes),
        ("tar_header_bytes", limits.tar_header_bytes),
        ("memory_file_bytes", limits.memory_file_bytes),
        ("text_file_bytes", limits.text_file_bytes),
        ("random_file_bytes", limits.random_file_bytes),
        ("spill_bytes", limits.spill_bytes),
        ("records", limits.records as u64),
        ("facts_bytes", limits.facts_bytes),
        ("time_seconds", limits.time.as_secs()),
    ]
}

/// The settings as a Markdown table.
pub(super) fn documentation() -> String {
    let mut pairs = BTreeMap::new();
    pairs.insert("HOME".to_owned(), "~".to_owned());
    let defaults = Settings::defaults(&Environment(pairs));
    let mut out = String::from("| setting | default | meaning |\n|---|---|---|\n");
    for (area, key, meaning) in MEANINGS {
        if let Some(value) = defaults.get(*area).and_then(|keys| keys.get(*key)) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "| `{area}.{key}` | `{value}` | {meaning} |");
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
        let documented: Vec<(&str, &str)> = MEANINGS.iter().map(|(area, key, _)| (*area, *key)).collect();
        let existing: Vec<(&str, &str)> = defaults
            .iter()
            .flat_map(|(area, keys)| keys.keys().map(move |key| (area.as_str(), key.as_str())))
            .collect();
        assert_eq!(documented, existing);
    }

    #[test]
    fn limits_pass_through_unchanged() {
        let config = super::super::Config::load(None, &Environment::default()).unwrap();
        assert_eq!(config.settings().unwrap().limits(), Limits::default());
    }
}
