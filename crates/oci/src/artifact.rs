//! One file as an OCI 1.1 artifact: in a registry, or in a directory in the OCI layout.
//!
//! An image manifest with `artifactType`, the empty configuration and one layer, as the image specification guides
//! (<https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage>).

use crate::client::{Access, FileBody, Repository, matches_digest};
use crate::reference::Place;
use sekisho_base::Limits;
use sekisho_base::bytes::{CopyError, copy};
use sekisho_base::hash::Sha256;
use sekisho_model::{Code, Digest};
use sekisho_net::{Body, FetchError, Validators, Watch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Why an artifact could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The registry cannot be reached, or a transfer failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The registry wants to know who asks, or does not allow it.
    #[error("{registry} denies access: {reason}")]
    Denied {
        /// The registry.
        registry: String,
        /// What it says.
        reason: String,
    },
    /// The registry does something else.
    #[error("{registry} does not let {what}: it answers {status} {said:?}")]
    Refused {
        /// The registry.
        registry: String,
        /// What was tried.
        what: String,
        /// Its answer.
        status: sekisho_net::StatusCode,
        /// What it says.
        said: String,
    },
    /// An answer is not what the specification says.
    #[error("{url} does not answer as a registry does: {reason}")]
    Protocol {
        /// What was asked.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// An answer has more bytes than one of its kind may have.
    #[error("{url} answers with more than {most} bytes")]
    TooLong {
        /// What was asked.
        url: String,
        /// What it may have.
        most: u64,
    },
    /// There is nothing of this name.
    #[error("there is no {place}")]
    Absent {
        /// What was asked for.
        place: String,
    },
    /// It is something else.
    #[error("{place} {reason}")]
    Foreign {
        /// What was asked for.
        place: String,
        /// What it is.
        reason: String,
    },
    /// What came is not what was announced.
    #[error("{what} has the digest {found}, not {expected}")]
    Digest {
        /// What.
        what: String,
        /// As announced.
        expected: Digest,
        /// As it is.
        found: Digest,
    },
    /// A file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ArtifactError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Fetch(_) | Self::Refused { .. } | Self::Protocol { .. } | Self::TooLong { .. } => {
                Code::RegistryUnreachable
            }
            Self::Denied { .. } => Code::RegistryDenied,
            Self::Absent { .. } => Code::ArtifactAbsent,
            Self::Foreign { .. } | Self::Digest { .. } => Code::ArtifactInvalid,
            Self::Read { .. } => Code::SourceUnreadable,
            Self::Write { .. } => Code::OutputFailed,
        }
    }
}

/// What an artifact is.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// `artifactType` of the manifest; where it has none, the media type of its configuration.
    pub artifact: &'static str,
    /// Media type of its one layer.
    pub layer: &'static str,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    /// As they are: those of others are kept.
    #[serde(default)]
    manifests: Vec<serde_json::Value>,
}

/// Hands `file` over as an artifact; returns the digest of its manifest.
pub async fn push(
    access: &Access<'_>,
    place: &Place,
    kind: Kind,
    file: &Path,
    annotations: BTreeMap<String, String>,
) -> Result<Digest, ArtifactError> {
    let unreadable = |source| ArtifactError::Read { path: file.to_owned(), source };
    let (digest, size) = File::open(file).and_then(|mut file| digest_of(&mut file)).map_err(unreadable)?;
    let descriptor = |media_type: &str, digest: &Digest, size| Descriptor {
        media_type: media_type.to_owned(),
        digest: *digest,
        size,
        artifact_type: None,
        annotations: BTreeMap::new(),
    };
    let empty = Digest::of(b"{}");
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST.to_owned(),
        artifact_type: kind.artifact.to_owned(),
        config: descriptor(EMPTY, &empty, 2),
        layers: vec![descriptor(kind.layer, &digest, size)],
        annotations,
    };
    let json = serde_json::to_vec(&manifest).map_err(|error| unreadable(error.into()))?;
    match place {
        Place::Registry(reference) => {
            let repository = Repository::new(access, reference, "pull,push");
            repository.upload(&empty, 2, &|| Ok(Body::from("{}"))).await?;
            let body = || Ok(Body::wrap(FileBody::new(File::open(file)?, size)));
            repository.upload(&digest, size, &body).await?;
            repository
                .put_manifest(if reference.tag.is_empty() { "latest" } else { &reference.tag }, MANIFEST, &json)
                .await?;
        }
        Place::Layout { directory, tag } => {
            let write = || -> io::Result<()> {
                write_blob(directory, &empty, &mut &b"{}"[..])?;
                write_blob(directory, &digest, &mut File::open(file)?)?;
                write_blob(directory, &Digest::of(&json), &mut json.as_slice())?;
                let mut entry = descriptor(MANIFEST, &Digest::of(&json), json.len() as u64);
                entry.artifact_type = Some(kind.artifact.to_owned());
                entry.annotations.insert(REF_NAME.to_owned(), tag.clone());
                write_index(directory, tag, &entry)
            };
            write().map_err(|source| ArtifactError::Write { path: directory.clone(), source })?;
        }
    }
    Ok(Digest::of(&json))
}

/// Gets the layer of an artifact of this kind into `file`, verified, and its annotations.
pub async fn pull(
    access: &Access<'_>,
    place: &Place,
    kind: Kind,
    limits: &Limits,
    file: &mut File,
    advance: &dyn Fn(u64),
) -> Result<BTreeMap<String, String>, ArtifactError> {
    struct Counted<'a>(&'a dyn Fn(u64));
    impl Watch for Counted<'_> {
        fn begins(&mut self, _: &Validators, _: u64, _: Option<u64>) -> io::Result<()> {
            Ok(())
        }
        fn advance(&mut self, bytes: u64) {
            (self.0)(bytes);
        }
    }
    let layer = match place {
        Place::Registry(reference) => {
            let repository = Repository::new(access, reference, "pull");
            let (layer, annotations) = layer_of(place, kind, limits, &repository.manifest(reference, MANIFEST).await?)?;
            repository.blob(&layer.digest, layer.size, file, &mut Counted(advance)).await?;
            (layer, annotations)
        }
        Place::Layout { directory, tag } => {
            let manifest = read_layout(directory, tag, place, limits)?;
            let (layer, annotations) = layer_of(place, kind, limits, &manifest)?;
            let path = blob_path(directory, &layer.digest);
            let from = File::open(&path).map_err(|source| ArtifactError::Read { path: path.clone(), source })?;
            copy(&mut from.take(layer.size + 1), file).map_err(|error| match error {
                CopyError::Read(source) => ArtifactError::Read { path, source },
                CopyError::Write(source) => ArtifactError::Write { path: "a copy of it".into(), source },
            })?;
            (layer, annotations)
        }
    };
    let (layer, annotations) = layer;
    let hashed = file.rewind().and_then(|()| digest_of(file)).and_then(|found| file.rewind().map(|()| found));
    let (found, _) = hashed.map_err(|source| ArtifactError::Read { path: "what came".into(), source })?;
    matches_digest(&format!("the content of {place}"), &layer.digest, &found)?;
    Ok(annotations)
}

/// The one layer that a manifest of this kind names.
fn layer_of(
    place: &Place,
    kind: Kind,
    limits: &Limits,
    manifest: &[u8],
) -> Result<(Descriptor, BTreeMap<String, String>), ArtifactError> {
    let foreign = |reason: String| ArtifactError::Foreign { place: place.to_string(), reason };
    let manifest: Manifest = serde_json::from_slice(manifest)
        .map_err(|error| foreign(format!("has no manifest of the form that is read: {error}")))?;
    let named = if manifest.artifact_type.is_empty() { &manifest.config.media_type } else { &manifest.artifact_type };
    if named != kind.artifact {
        let other = if named.is_empty() { "no type" } else { named };
        return Err(foreign(format!("is an artifact of {other}, not of {}", kind.artifact)));
    }
    let [layer] = <[Descriptor; 1]>::try_from(manifest.layers)
        .map_err(|layers| foreign(format!("has {} layers, not one", layers.len())))?;
    if layer.media_type != kind.layer {
        return Err(foreign(format!("holds {:?}, not {}", layer.media_type, kind.layer)));
    }
    if layer.size > limits.download_bytes {
        let most = limits.download_bytes;
        return Err(foreign(format!(
            "has {} bytes, more than the limit of {most} (limits.download_bytes)",
            layer.size
        )));
    }
    Ok((layer, manifest.annotations))
}

fn blob_path(directory: &Path, digest: &Digest) -> PathBuf {
    directory.join("blobs/sha256").join(digest.hex())
}

fn write_blob(directory: &Path, digest: &Digest, from: &mut dyn Read) -> io::Result<()> {
    let path = blob_path(directory, digest);
    replace(&path, from)
}

/// Writes a file beside its place and renames it.
fn replace(path: &Path, from: &mut dyn Read) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    let mut file = tempfile::Builder::new().prefix(".sekisho-").permissions(readable).tempfile_in(parent)?;
    io::copy(from, &mut file)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Names the manifest `entry` in a layout, which is made if it is not there.
fn write_index(directory: &Path, tag: &str, entry: &Descriptor) -> io::Result<()> {
    let path = directory.join("index.json");
    let mut index: Index = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Index { schema_version: 2, media_type: INDEX.to_owned(), manifests: Vec::new() }
        }
        Err(error) => return Err(error),
    };
    index.manifests.retain(|other| other["annotations"][REF_NAME] != tag);
    index.manifests.push(serde_json::to_value(entry)?);
    replace(&directory.join("oci-layout"), &mut &br#"{"imageLayoutVersion":"1.0.0"}"#[..])?;
    replace(&path, &mut serde_json::to_vec(&index)?.as_slice())
}

/// The manifest of this tag in a layout.
fn read_layout(directory: &Path, tag: &str, place: &Place, limits: &Limits) -> Result<Vec<u8>, ArtifactError> {
    let read = |path: PathBuf| {
        let mut bytes = Vec::new();
        let result = File::open(&path).and_then(|file| file.take(limits.document_bytes).read_to_end(&mut bytes));
        result.map(|_| bytes).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ArtifactError::Absent { place: place.to_string() },
            _ => ArtifactError::Read { path, source },
        })
    };
    let index: Index = serde_json::from_slice(&read(directory.join("index.json"))?).map_err(|error| {
        ArtifactError::Foreign { place: place.to_string(), reason: format!("has an index that is not read: {error}") }
    })?;
    let named = index.manifests.into_iter().find(|entry| entry["annotations"][REF_NAME] == tag);
    let absent = || ArtifactError::Absent { place: place.to_string() };
    let entry: Descriptor = named.and_then(|entry| serde_json::from_value(entry).ok()).ok_or_else(absent)?;
    let manifest = read(blob_path(directory, &entry.digest))?;
    matches_digest(&format!("the manifest of {place}"), &entry.digest, &Digest::of(&manifest))?;
    Ok(manifest)
}

pub(crate) fn digest_of(file: &mut File) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut total, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hasher.finish().into(), total)),
            count => {
                hasher.update(&buffer[..count]);
                total += count as u64;
            }
        }
    }
}
