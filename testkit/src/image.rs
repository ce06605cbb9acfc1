//! Building an image around layers, in every form in which images are stored.

use crate::layer::LayerBuilder;
use sekisho_model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use tar::EntryType;

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compress {
    /// Plain.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Compress {
    /// Stores `plain` in this form.
    pub fn store(self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::None => plain.to_vec(),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(plain).expect("writing to memory");
                encoder.finish().expect("writing to memory")
            }
            Self::Zstd => zstd::encode_all(plain, 3).expect("writing to memory"),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::None => "application/vnd.oci.image.layer.v1.tar",
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

struct BuiltLayer {
    stored: Vec<u8>,
    diff_id: Digest,
    media_type: String,
}

/// An image in the making, its layers from the bottom.
pub struct ImageBuilder {
    name: String,
    platform: (String, String),
    labels: BTreeMap<String, String>,
    config: Value,
    history: Vec<Value>,
    layers: Vec<BuiltLayer>,
}

impl ImageBuilder {
    /// An image of this name for linux/amd64.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            platform: ("linux".to_owned(), "amd64".to_owned()),
            labels: BTreeMap::new(),
            config: json!({}),
            history: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// Sets the platform.
    pub fn platform(mut self, os: &str, architecture: &str) -> Self {
        self.platform = (os.to_owned(), architecture.to_owned());
        self
    }

    /// Adds a label.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets a field of the configuration of containers: `User`.
    pub fn set(mut self, name: &str, value: Value) -> Self {
        self.config[name] = value;
        self
    }

    /// Adds a layer from its plain tar.
    pub fn layer(self, created_by: &str, plain: &[u8], compress: Compress) -> Self {
        let stored = compress.store(plain);
        self.stored_layer(created_by, stored, Digest::of(plain), compress.media_type())
    }

    /// Adds a layer in its stored form, whatever it is.
    pub fn stored_layer(mut self, created_by: &str, stored: Vec<u8>, diff_id: Digest, media_type: &str) -> Self {
        self.history.push(json!({ "created": EPOCH, "created_by": created_by }));
        self.layers.push(BuiltLayer { stored, diff_id, media_type: media_type.to_owned() });
        self
    }

    /// Adds a step that makes no layer.
    pub fn step(mut self, created_by: &str) -> Self {
        self.history.push(json!({ "created": EPOCH, "created_by": created_by, "empty_layer": true }));
        self
    }

    /// The diffIDs of the layers.
    pub fn diff_ids(&self) -> Vec<Digest> {
        self.layers.iter().map(|layer| layer.diff_id).collect()
    }

    fn config(&self) -> Vec<u8> {
        let mut container = self.config.clone();
        container["Labels"] = json!(self.labels);
        json_bytes(&json!({
            "created": EPOCH,
            "os": self.platform.0,
            "architecture": self.platform.1,
            "config": container,
            "rootfs": { "type": "layers", "diff_ids": self.layers.iter().map(|layer| layer.diff_id.to_string()).collect::<Vec<_>>() },
            "history": self.history,
        }))
    }

    /// The files of an OCI image layout, by path.
    pub fn oci_layout(&self) -> BTreeMap<String, Vec<u8>> {
        Self::oci_layout_of(&[self])
    }

    /// The files of an OCI image layout that holds all of `images` under one name, told apart by
    /// platform, as a multi-platform build writes it.
    pub fn oci_layout_of(images: &[&Self]) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut blob = |media_type: &str, bytes: Vec<u8>| {
            let digest = Digest::of(&bytes);
            let descriptor = json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() });
            files.insert(format!("blobs/sha256/{}", digest.hex()), bytes);
            descriptor
        };
        let mut manifests = Vec::new();
        for image in images {
            let config = blob("application/vnd.oci.image.config.v1+json", image.config());
            let layers: Vec<Value> =
                image.layers.iter().map(|layer| blob(&layer.media_type, layer.stored.clone())).collect();
            let media_type = "application/vnd.oci.image.manifest.v1+json";
            let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers });
            let mut descriptor = blob(media_type, json_bytes(&manifest));
            descriptor["platform"] = json!({ "os": image.platform.0, "architecture": image.platform.1 });
            descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": image.name });
            manifests.push(descriptor);
        }
        if images.len() > 1 {
            let media_type = "application/vnd.oci.image.index.v1+json";
            let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
            let mut descriptor = blob(media_type, json_bytes(&index));
            descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": images[0].name });
            manifests = vec![descriptor];
        }
        files.insert("index.json".to_owned(), json_bytes(&json!({ "schemaVersion": 2, "manifests": manifests })));
        files.insert("oci-layout".to_owned(), json_bytes(&json!({ "imageLayoutVersion": "1.0.0" })));
        files
    }

    /// The files of a docker archive as `docker save` wrote it before version 25.
    pub fn docker_archive(&self) -> BTreeMap<String, Vec<u8>> {
        let config = self.config();
        let config_path = format!("{}.json", Digest::of(&config).hex());
        let mut files = BTreeMap::new();
        let mut layers = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let path = format!("{index:02}{}/layer.tar", &layer.diff_id.hex()[2..]);
            layers.push(path.clone());
            files.insert(path, layer.stored.clone());
        }
        let manifest = json!([{ "Config": config_path, "RepoTags": [self.name], "Layers": layers }]);
        files.insert("manifest.json".to_owned(), json_bytes(&manifest));
        files.insert(config_path, config);
        files
    }

    /// The files of a docker archive as `docker save` writes it since version 25: an OCI layout with a
    /// `manifest.json` beside it.
    pub fn docker_oci_archive(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.oci_layout();
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::of(bytes).hex());
        let layers: Vec<String> = self.layers.iter().map(|layer| blob(&layer.stored)).collect();
        let manifest = json!([{ "Config": blob(&self.config()), "RepoTags": [self.name], "Layers": layers }]);
        files.insert("manifest.json".to_owned(), json_bytes(&manifest));
        files
    }

    /// Writes `files` as a tar.
    pub fn write_tar(files: &BTreeMap<String, Vec<u8>>, path: &Path) {
        std::fs::write(path, Self::tar(files))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// `files` as a tar.
    pub fn tar(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
        let add = |layer: LayerBuilder, (path, bytes): (&String, &Vec<u8>)| {
            layer.entry(EntryType::Regular, path, "", bytes, 0o644)
        };
        files.iter().fold(LayerBuilder::new(), add).build()
    }

    /// Writes `files` below a directory.
    pub fn write_directory(files: &BTreeMap<String, Vec<u8>>, directory: &Path) {
        for (path, bytes) in files {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().expect("files lie below the directory"))
                .expect("a directory can be made");
            std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        }
    }
}

/// Images made here are as old as tar itself, so that they are the same every time.
const EPOCH: &str = "1979-01-01T00:00:00Z";

fn json_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON values can be written")
}
