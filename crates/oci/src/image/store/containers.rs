//! `containers/storage`, the store of podman, buildah and CRI-O: lists of images and layers, small files beside them, and a
//! tree of files for each layer (<https://github.com/containers/container-libs/blob/main/storage/images.go>, `layers.go`
//! and `docs/containers-storage-driver-overlay.md` beside it).
//!
//! Layers are not kept as they came. They are put together again by [`super::split`] and then have the diffIDs that the
//! configuration states; the digests of their compressed form, which manifests state, can be compared with nothing.

use super::super::document::{Config, Descriptor, Manifest, normal, null_as_default};
use super::super::layout::is_image_config;
use super::super::{Choice, ImageError, LayerBlob, OpenImage, Stored, check_layers, document_of, is_named, parse};
use super::{Listed, SplitLayer, choose};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sekisho_base::beneath::Directory;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::LimitKey;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Digest, SourceKind, json_reason};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the trees of layers are laid out: whatever is in them, the archives that they came from are put together alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    Overlay,
    Vfs,
}

impl Driver {
    const ALL: [Self; 2] = [Self::Overlay, Self::Vfs];

    fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Vfs => "vfs",
        }
    }

    /// The files of a layer; with vfs also those of all layers below.
    fn tree(self, layer: &str) -> PathBuf {
        match self {
            Self::Overlay => ["overlay", layer, "diff"].iter().collect(),
            Self::Vfs => ["vfs", "dir", layer].iter().collect(),
        }
    }
}

/// What one driver has in one root.
struct Part {
    root: Arc<Directory>,
    path: PathBuf,
    driver: Driver,
}

/// An image of `images.json`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Record {
    id: String,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    names: Vec<String>,
    /// The uppermost layer.
    #[serde(default)]
    layer: String,
    #[serde(default, deserialize_with = "null_as_default")]
    big_data_digests: BTreeMap<String, String>,
}

/// A layer of `layers.json`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LayerRecord {
    id: String,
    #[serde(default)]
    parent: String,
    #[serde(default)]
    diff_size: i64,
    #[serde(default, deserialize_with = "null_as_default")]
    flags: BTreeMap<String, serde_json::Value>,
}

/// Ids are digests or random, in hexadecimal digits; whatever else one is, it is no path.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Part {
    fn file(&self, path: &Path) -> io::Result<FileRange> {
        let file = self.root.file(path)?;
        let size = file.metadata()?.len();
        Ok(FileRange::new(Arc::new(file), 0, size))
    }

    /// `images` or `layers`, of this driver.
    fn list<T: for<'de> Deserialize<'de>>(&self, of: &str, limits: &Limits) -> Result<Option<Vec<T>>, ImageError> {
        let path = format!("{}-{of}/{of}.json", self.driver.name());
        let what = || format!("{}/{path}", self.path.display());
        let range = match self.file(Path::new(&path)) {
            Ok(range) => range,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ImageError::Io { what: what(), source }),
        };
        let kind = if of == "images" { "list of images" } else { "list of layers" };
        if range.size() > limits.text_file_bytes {
            let limit = limits.exceeded(LimitKey::TextFileBytes, "bytes");
            return Err(ImageError::TooLong { what: kind, limit });
        }
        let bytes = range.whole(limits.text_file_bytes).map_err(|source| ImageError::Io { what: what(), source })?;
        let list: Option<Vec<T>> = serde_json::from_slice(&bytes)
            .map_err(|error| ImageError::Invalid { what: kind, reason: json_reason(&error) })?;
        Ok(Some(list.unwrap_or_default()))
    }

    /// A small file of an image.
    fn document(
        &self,
        image: &str,
        key: &str,
        what: &'static str,
        expected: Option<Digest>,
        limits: &Limits,
    ) -> Result<Vec<u8>, ImageError> {
        let plain = key.bytes().all(|byte| matches!(byte, b'.' | b'0'..=b'9' | b'a'..=b'z'));
        let file = if plain { key.to_owned() } else { format!("={}", BASE64_STANDARD.encode(key)) };
        let path = format!("{}-images/{image}/{file}", self.driver.name());
        let range = match self.file(Path::new(&path)) {
            Ok(range) => Some(range),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ImageError::Io { what: path, source }),
        };
        document_of(range, key, what, expected, limits)
    }
}

/// What there may be below `roots`.
fn parts(roots: &[PathBuf]) -> Result<Vec<Part>, ImageError> {
    let mut parts = Vec::new();
    for path in roots {
        let root = match Directory::open(path) {
            Ok(root) => Arc::new(root),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(ImageError::Io { what: path.display().to_string(), source }),
        };
        parts.extend(Driver::ALL.map(|driver| Part { root: Arc::clone(&root), path: path.clone(), driver }));
    }
    Ok(parts)
}

/// Opens the image that is called `wanted` in the first of the stores at `roots` that has one.
pub(super) fn open(roots: &[PathBuf], wanted: &str, choice: &Choice, limits: &Limits) -> Result<OpenImage, ImageError> {
    let parts = parts(roots)?;
    let mut lists: Vec<(usize, Vec<Record>)> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        lists.extend(part.list("images", limits)?.map(|images| (place, images)));
    }
    if lists.is_empty() {
        return Err(ImageError::NoStore { what: "containers/storage", looked: roots.to_vec() });
    }
    let mut images: Vec<(String, Listed)> = Vec::new();
    let mut known = HashMap::new();
    for (place, records) in lists {
        for record in records {
            images.push((record.id.clone(), listed(&record)));
            // A store that is looked at later has it only for others.
            known.entry(record.id.clone()).or_insert((place, record));
        }
    }
    let id = choose(images, wanted)?;
    let Some((place, record)) = known.remove(&id) else { return Err(ImageError::Missing) };
    if let Some(name) = choice.name.as_ref().filter(|wanted| !record.names.iter().any(|name| is_named(name, wanted))) {
        return Err(ImageError::Absent { wanted: name.clone(), names: vec![record.names] });
    }
    open_record(&parts, &parts[place], record, choice, limits)
}

fn listed(record: &Record) -> Listed {
    let digests = record
        .digest
        .iter()
        .chain(record.big_data_digests.iter().filter(|(key, _)| key.starts_with("manifest")).map(|(_, digest)| digest));
    let digests = digests.filter_map(|digest| digest.parse().ok()).collect();
    Listed { namespace: String::new(), names: record.names.clone(), digests, ids: vec![record.id.clone()] }
}

fn open_record(
    parts: &[Part],
    part: &Part,
    record: Record,
    choice: &Choice,
    limits: &Limits,
) -> Result<OpenImage, ImageError> {
    if !is_id(&record.id) {
        let reason = "has an image whose id is none".to_owned();
        return Err(ImageError::Invalid { what: "list of images", reason });
    }
    // That of the image may be of a list that the manifest is from.
    let stated = record.big_data_digests.get("manifest").or(record.digest.as_ref());
    let stated = stated.and_then(|digest| digest.parse().ok());
    let bytes = part.document(&record.id, "manifest", "manifest", stated, limits)?;
    let digest = Digest::of(&bytes);
    let kind: Kind = parse(&bytes, "manifest")?;
    let unknown = |reason: &str| ImageError::Unknown { reason: reason.to_owned(), hint: None };
    if kind.manifests.is_some() {
        return Err(unknown("it is a list of images, which the store has under names of their own"));
    }
    if kind.schema_version == 1 {
        return Err(unknown("its manifest is of Docker's schema 1, which is not read"));
    }
    let manifest: Manifest = parse(&bytes, "manifest")?;
    let Descriptor { digest: config_digest, media_type, .. } = &manifest.config;
    if !is_image_config(media_type) {
        return Err(ImageError::of_artifact(media_type));
    }
    let config_bytes =
        part.document(&record.id, &config_digest.to_string(), "configuration", Some(*config_digest), limits)?;
    let config = Config::parse(&config_bytes)?;
    let platform = config.platform();
    if let Some(wanted) = choice.platform.clone().map(normal).filter(|wanted| !wanted.accepts(&platform)) {
        return Err(ImageError::Platform { wanted: wanted.to_string(), available: vec![platform.to_string()] });
    }
    let diff_ids = config.diff_ids();
    check_layers(diff_ids.len())?;
    let message =
        "digests of layers are those of their plain bytes (diffIDs); that the manifest's are theirs cannot be verified";
    let mut diagnostics = vec![Diagnostic::note(Code::DigestUnverified, message)];
    if diff_ids.len() != manifest.layers.len() {
        let message =
            format!("the configuration states {} diff_ids for {} layers", diff_ids.len(), manifest.layers.len());
        diagnostics.push(Diagnostic::incomplete(Code::ImageInvalid, message));
    }
    if diff_ids.contains(&None) {
        let message = "the configuration states diff_ids that nothing can be compared with";
        diagnostics.push(Diagnostic::incomplete(Code::ImageInvalid, message));
    }
    let stored = layers(parts, &record.layer, diff_ids.len(), limits)?;
    let layers = diff_ids
        .into_iter()
        .zip(stored)
        .map(|(diff_id, stored)| LayerBlob { digest: None, diff_id, media_type: String::new(), stored })
        .collect();
    Ok(OpenImage {
        kind: SourceKind::ContainersStorage,
        names: record.names,
        manifest_digest: Some(digest),
        config_digest: *config_digest,
        platform,
        created: config.created.clone(),
        labels: config.labels(&manifest.annotations),
        config: config.container(),
        history: config.history,
        layers,
        diagnostics,
    })
}

/// What tells manifests apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    schema_version: u32,
    manifests: Option<serde::de::IgnoredAny>,
}

/// The `count` layers below and with `top`, from the bottom.
fn layers(
    parts: &[Part],
    top: &str,
    count: usize,
    limits: &Limits,
) -> Result<Vec<Result<Stored, Diagnostic>>, ImageError> {
    let mut known: HashMap<String, (&Part, LayerRecord)> = HashMap::new();
    for part in parts {
        for record in part.list::<LayerRecord>("layers", limits)?.unwrap_or_default() {
            known.entry(record.id.clone()).or_insert((part, record));
        }
    }
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut id = top;
    while !id.is_empty() && found.len() <= count && seen.insert(id) {
        let Some((part, record)) = known.get(id) else {
            let message = format!("the layer {id} is not in the store");
            found.push(Err(Diagnostic::incomplete(Code::BlobMissing, message)));
            break;
        };
        found.push(stored(part, record));
        id = &record.parent;
    }
    if found.len() > count {
        let reason = format!("has more layers for the image than the {count} that its configuration states");
        return Err(ImageError::Invalid { what: "list of layers", reason });
    }
    // The lowest ones are those that nothing leads to.
    while found.len() < count {
        let message = "the store does not say which layer lies here";
        found.push(Err(Diagnostic::incomplete(Code::BlobMissing, message)));
    }
    found.reverse();
    Ok(found)
}

fn stored(part: &Part, record: &LayerRecord) -> Result<Stored, Diagnostic> {
    let id = &record.id;
    if !is_id(id) {
        return Err(Diagnostic::incomplete(Code::ImageInvalid, "the list of layers has a layer whose id is none"));
    }
    if record.flags.get("incomplete").is_some_and(|flag| *flag != false) {
        let message = format!("the layer {id} was not unpacked to its end");
        return Err(Diagnostic::incomplete(Code::BlobMissing, message));
    }
    let split = PathBuf::from(format!("{}-layers/{id}.tar-split.gz", part.driver.name()));
    match part.root.file(&split) {
        Ok(_) => {
            let size = u64::try_from(record.diff_size).unwrap_or_default();
            Ok(Stored::Split(SplitLayer::new(Arc::clone(&part.root), part.driver.tree(id), split, size)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Diagnostic::incomplete(
            Code::BlobMissing,
            format!(
                "of the layer {id} the store does not keep what the archive was (tar-split): it cannot be verified, and is not read"
            ),
        )),
        Err(error) => {
            Err(Diagnostic::incomplete(Code::SourceUnreadable, format!("the layer {id} cannot be read: {error}")))
        }
    }
}
