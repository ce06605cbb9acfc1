//! The JSON documents of an image, only the fields that are used.
//!
//! Unknown fields are ignored, as the OCI image specification asks; `null` where a list is expected
//! reads as an empty one, since Go's encoder writes that.

use super::ImageError;
use sekisho_model::{Digest, History, ImageConfig, Platform};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Go writes `null` for a list or a map without anything in it.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// The keys that decide what an image is.
const OCI_KEYS: [&str; 15] = [
    "annotations",
    "architecture",
    "config",
    "created",
    "diff_ids",
    "digest",
    "history",
    "layers",
    "manifests",
    "mediaType",
    "os",
    "platform",
    "rootfs",
    "size",
    "variant",
];
/// The same in the configuration of containers.
const CONTAINER_KEYS: [&str; 9] =
    ["Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "Test", "User", "Volumes"];
/// The same in a docker archive's `manifest.json`, which is the only document that is a list.
const DOCKER_KEYS: [&str; 3] = ["Config", "Layers", "RepoTags"];

/// A key that differs from a known one only by case. Engines are written in Go, whose JSON decoder takes
/// it for the known one, so that what we would read is not what they run.
pub(super) fn misspelt_key(bytes: &[u8]) -> serde_json::Result<Option<String>> {
    let document: Value = serde_json::from_slice(bytes)?;
    let keys: &[&str] = if document.is_array() { &DOCKER_KEYS } else { &OCI_KEYS };
    let mut pending = vec![(&document, keys)];
    while let Some((value, keys)) = pending.pop() {
        match value {
            Value::Array(values) => pending.extend(values.iter().map(|value| (value, keys))),
            Value::Object(fields) => {
                for (key, value) in fields {
                    if keys.iter().any(|known| key != known && folds_to(key, known)) {
                        return Ok(Some(key.clone()));
                    }
                    // The keys of annotations are anybody's, those of a container's configuration others.
                    if matches!(key.as_str(), "annotations" | "history") {
                        continue;
                    }
                    let inside = keys == CONTAINER_KEYS;
                    if key == "config" && !inside {
                        pending.push((value, &CONTAINER_KEYS));
                    }
                    let descriptor = value.get("digest").is_some();
                    let same = if inside { key == "Healthcheck" } else { key != "config" || descriptor };
                    pending.extend(same.then_some((value, keys)));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Whether Go's decoder takes `key` for `known`: ASCII case, and the two letters beyond that fold to it.
fn folds_to(key: &str, known: &str) -> bool {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").eq_ignore_ascii_case(known)
}

/// OCI image index, or Docker manifest list.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) manifests: Vec<Descriptor>,
}

/// OCI content descriptor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: Digest,
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) platform: Option<PlatformDocument>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct PlatformDocument {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

impl PlatformDocument {
    pub(super) fn platform(&self) -> Platform {
        let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        let mut platform = normal(Platform {
            os: or(&self.os, "linux"),
            architecture: or(&self.architecture, "unknown"),
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
        });
        if platform.architecture == "arm" {
            platform.variant.get_or_insert_with(|| "v7".to_owned());
        }
        platform
    }
}

/// The platform in the words of the specification, as containerd takes it (`platforms.Normalize`): engines run an
/// image for `x86_64` where one for `amd64` is wanted.
pub(super) fn normal(platform: Platform) -> Platform {
    let Platform { os, architecture, variant } = platform;
    let (os, architecture) = (os.to_ascii_lowercase(), architecture.to_ascii_lowercase());
    let variant = variant.map(|variant| variant.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
        ("i386", _) => ("386", None),
        ("x86_64" | "x86-64" | "amd64", Some("v1") | None) => ("amd64", None),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", Some("8")) => ("arm64", Some("v8")),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", Some("7")) => ("arm", Some("v7")),
        ("armel", _) | ("arm", Some("6")) => ("arm", Some("v6")),
        ("arm", Some("5")) => ("arm", Some("v5")),
        ("arm", Some("8")) => ("arm", Some("v8")),
        other => other,
    };
    Platform { os, architecture: architecture.to_owned(), variant: variant.map(str::to_owned) }
}

impl Descriptor {
    /// One of nothing but a document.
    pub(super) fn of(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.to_owned(), digest, size, platform: None, annotations: BTreeMap::new() }
    }

    /// Whether it is what `BuildKit` puts beside an image.
    pub(super) fn is_attestation(&self) -> bool {
        self.annotations.contains_key("vnd.docker.reference.digest")
    }

    /// Whether it is an index of further manifests.
    pub(super) fn is_index(&self) -> bool {
        matches!(
            self.media_type.as_str(),
            "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json"
        )
    }

    /// Whether it is an image manifest; `BuildKit`'s attestations look like one but for an annotation.
    pub(super) fn is_image(&self) -> bool {
        let manifest = matches!(
            self.media_type.as_str(),
            "" | "application/vnd.oci.image.manifest.v1+json" | "application/vnd.docker.distribution.manifest.v2+json"
        );
        // What runs is chosen by platform alone, so only one that no machine has sets a manifest aside.
        let runs_nowhere = self.platform.as_ref().is_some_and(|platform| platform.os == "unknown");
        manifest && !(runs_nowhere && self.annotations.contains_key("vnd.docker.reference.type"))
    }

    /// The names that an archive gives it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
            .into_iter()
            .filter_map(|key| self.annotations.get(key).map(String::as_str))
    }
}

/// OCI or Docker image manifest.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Descriptor,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// OCI or Docker image configuration.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the specification's own name")]
pub(super) struct Config {
    #[serde(default)]
    pub(super) created: Option<String>,
    #[serde(flatten)]
    platform: PlatformDocument,
    #[serde(default, deserialize_with = "null_as_default")]
    config: ContainerConfig,
    #[serde(default, deserialize_with = "null_as_default")]
    rootfs: RootFs,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) history: Vec<History>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerConfig {
    #[serde(default, deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_default")]
    user: String,
    #[serde(default, deserialize_with = "null_as_default")]
    exposed_ports: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "null_as_default")]
    env: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    entrypoint: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    cmd: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    volumes: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "null_as_default")]
    healthcheck: HealthCheck,
}

#[derive(Debug, Default, Deserialize)]
struct HealthCheck {
    /// `["CMD", "curl", …]`; `["NONE"]` takes away that of the base image.
    #[serde(rename = "Test", default, deserialize_with = "null_as_default")]
    test: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct RootFs {
    #[serde(default, deserialize_with = "null_as_default")]
    diff_ids: Vec<String>,
}

impl Config {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        super::parse(bytes, "configuration")
    }

    pub(super) fn platform(&self) -> Platform {
        self.platform.platform()
    }

    /// The digests of the plain layers; `None` for one that is not of the form we verify.
    pub(super) fn diff_ids(&self) -> Vec<Option<Digest>> {
        self.rootfs.diff_ids.iter().map(|text| text.parse().ok()).collect()
    }

    /// How containers are run.
    pub(super) fn container(&self) -> ImageConfig {
        let ContainerConfig { user, exposed_ports, env, entrypoint, cmd, volumes, healthcheck, .. } = &self.config;
        ImageConfig {
            user: user.clone(),
            exposed_ports: exposed_ports.keys().cloned().collect(),
            env: env.clone(),
            entrypoint: entrypoint.clone(),
            cmd: cmd.clone(),
            volumes: volumes.keys().cloned().collect(),
            health_check: healthcheck.test.first().is_some_and(|kind| kind != "NONE"),
        }
    }

    /// Labels over annotations, sorted.
    pub(super) fn labels(&self, annotations: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut all = annotations.clone();
        all.extend(self.config.labels.clone());
        all.into_iter().collect()
    }
}

/// One image of a docker archive's `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerImage {
    pub(super) config: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) layers: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_named_as_engines_take_them() {
        let check = |text: &str, expect: &str| assert_eq!(normal(text.parse().unwrap()).to_string(), expect, "{text}");
        check("Linux/x86_64", "linux/amd64");
        check("linux/AMD64/v1", "linux/amd64");
        check("linux/x86-64/v3", "linux/amd64/v3");
        check("linux/aarch64/8", "linux/arm64/v8");
        check("linux/armhf", "linux/arm/v7");
        check("linux/arm/6", "linux/arm/v6");
        check("linux/i386", "linux/386");
        check("linux/riscv64", "linux/riscv64");
    }

    #[test]
    fn keys_that_engines_would_take_for_others_are_found() {
        let found = |text: &str| misspelt_key(text.as_bytes()).unwrap();
        assert_eq!(found(r#"{"config":{"digest":"x"},"layers":[],"annotations":{"Config":"mine"}}"#), None);
        assert_eq!(found(r#"{"config":{"Labels":{"Layers":"mine","user":"x"}},"rootfs":{"diff_ids":[]}}"#), None);
        assert_eq!(found(r#"[{"Config":"x","RepoTags":[],"Layers":[]}]"#), None);
        for (text, key) in [
            (r#"{"config":{"digest":"x"},"Layers":[]}"#, "Layers"),
            (r#"{"manifests":[{"Digest":"x"}]}"#, "Digest"),
            (r#"{"rootfs":{"Diff_ids":[]}}"#, "Diff_ids"),
            ("{\"layer\u{17f}\":[]}", "layer\u{17f}"),
            (r#"[{"config":"x"}]"#, "config"),
            (r#"{"config":{"User":"app","user":"0"}}"#, "user"),
            (r#"{"config":{"digest":"sha256:x","User":"app","user":"0"}}"#, "user"),
            (r#"{"config":{"Healthcheck":{"test":[]}}}"#, "test"),
        ] {
            assert_eq!(found(text).as_deref(), Some(key), "{text}");
        }
    }

    #[test]
    fn how_containers_are_run_is_read_as_builders_write_it() {
        let read =
            |config: &str| Config::parse(format!(r#"{{"config":{config}}}"#).as_bytes()).map(|it| it.container());
        assert_eq!(read("null").unwrap(), ImageConfig::default());
        let none = r#"{"User":null,"Env":null,"Entrypoint":null,"Cmd":null,"ExposedPorts":null,"Volumes":null,"Healthcheck":null}"#;
        assert_eq!(read(none).unwrap(), ImageConfig::default());
        let found = read(
            r#"{"User":"app","ExposedPorts":{"80/tcp":{},"22/tcp":null},"Env":["A=1"],"Entrypoint":["/a"],"Cmd":["b"],
                "Volumes":{"/data":{}},"Healthcheck":{"Test":["CMD","true"],"Interval":1}}"#,
        );
        let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let expect = ImageConfig {
            user: "app".to_owned(),
            exposed_ports: text(&["22/tcp", "80/tcp"]),
            env: text(&["A=1"]),
            entrypoint: text(&["/a"]),
            cmd: text(&["b"]),
            volumes: text(&["/data"]),
            health_check: true,
        };
        assert_eq!(found.unwrap(), expect);
        assert!(!read(r#"{"Healthcheck":{"Test":["NONE"]}}"#).unwrap().health_check);
        // An engine takes the last of two.
        assert!(read(r#"{"User":"app","User":"0"}"#).is_err());
    }
}
