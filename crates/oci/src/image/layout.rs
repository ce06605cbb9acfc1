//! OCI image layouts, in a directory or in an archive, and `docker save` since version 25.

use super::document::{Config, Descriptor, DockerImage, Index, Manifest};
use super::{Blobs, Choice, ImageError, LayerBlob, OpenImage, check_layers, document, is_named, parse};
use sekisho_base::beneath::Directory;
use sekisho_base::bytes::FileRange;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Digest, Platform, SourceKind};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A layout in a directory. Links in it are not followed: they could lead anywhere.
pub(super) struct Layout(Directory);

impl Layout {
    /// Opens the directory at `path`; `None` when it is no layout.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let directory = Directory::open(path)?;
        Ok(directory.file(Path::new("oci-layout")).is_ok().then_some(Self(directory)))
    }
}

impl Blobs for Layout {
    fn file(&self, path: &str) -> Result<Option<FileRange>, ImageError> {
        let opened = self.0.file(Path::new(path)).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((size, file)) => Ok(Some(FileRange::new(Arc::new(file), 0, size))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ImageError::Io { what: path.to_owned(), source }),
        }
    }
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// An index may refer to further ones; deeper than this is a loop or an attack.
const MAX_INDEX_DEPTH: usize = 4;
/// More manifests than this are not looked at.
const MAX_MANIFESTS: usize = 1000;

/// Opens the wanted image of the layout in `blobs`.
pub(super) fn open(
    blobs: &dyn Blobs,
    kind: SourceKind,
    choice: &Choice,
    limits: &Limits,
) -> Result<OpenImage, ImageError> {
    let bytes = document(blobs, "index.json", "index", None, limits)?;
    let index: Index = parse(&bytes, "index")?;
    let tags = docker_tags(blobs, limits);
    let mut candidates = Vec::new();
    for descriptor in index.manifests {
        let names: Vec<String> = descriptor.names().map(str::to_owned).collect();
        collect(blobs, &descriptor, &names, 0, limits, &mut candidates)?;
    }
    let image = choose(candidates, &tags, choice)?;
    let manifest: Manifest = parse(&image.manifest, "manifest")?;
    check_layers(manifest.layers.len())?;
    let config_bytes =
        document(blobs, &blob_path(&manifest.config.digest), "configuration", Some(manifest.config.digest), limits)?;
    let config = Config::parse(&config_bytes)?;

    let mut diagnostics = Vec::new();
    // Some engines load what manifest.json says and others the index; they must say the same.
    if kind == SourceKind::DockerArchive && !tags.iter().any(|(digest, _)| *digest == manifest.config.digest) {
        let message = "manifest.json does not list the image that the index names; an engine may run another than this";
        diagnostics.push(Diagnostic::incomplete(Code::ImageInvalid, message));
    }
    let mut diff_ids = config.diff_ids();
    if diff_ids.len() != manifest.layers.len() {
        diagnostics.push(Diagnostic::incomplete(
            Code::ImageInvalid,
            format!("the configuration states {} diff_ids for {} layers", diff_ids.len(), manifest.layers.len()),
        ));
        diff_ids.resize(manifest.layers.len(), None);
    }
    let layers =
        manifest.layers.iter().zip(diff_ids).map(|(layer, diff_id)| layer_blob(blobs, layer, diff_id)).collect();
    Ok(OpenImage {
        kind,
        names: image.names,
        manifest_digest: Some(image.digest),
        config_digest: manifest.config.digest,
        platform: config.platform(),
        created: config.created.clone(),
        labels: config.labels(&manifest.annotations),
        history: config.history,
        layers,
        diagnostics,
    })
}

fn layer_blob(blobs: &dyn Blobs, layer: &Descriptor, diff_id: Option<Digest>) -> LayerBlob {
    let stored = match blobs.file(&blob_path(&layer.digest)) {
        Ok(Some(range)) if range.size() == layer.size || layer.size == 0 => Ok(range),
        Ok(Some(range)) => Err(Diagnostic::incomplete(
            Code::DigestMismatch,
            format!("the blob {} has {} bytes, the manifest states {}", layer.digest, range.size(), layer.size),
        )),
        Ok(None) => Err(Diagnostic::incomplete(Code::BlobMissing, format!("the blob {} is missing", layer.digest))),
        Err(ImageError::Io { source, .. }) => Err(Diagnostic::incomplete(
            Code::SourceUnreadable,
            format!("the blob {} cannot be read: {source}", layer.digest),
        )),
        Err(error) => Err(Diagnostic::incomplete(Code::SourceUnreadable, error.to_string())),
    };
    LayerBlob { digest: Some(layer.digest), diff_id, media_type: layer.media_type.clone(), stored }
}

/// An image manifest that was found in the layout.
struct Candidate {
    names: Vec<String>,
    digest: Digest,
    platform: Platform,
    config_digest: Digest,
    manifest: Vec<u8>,
}

/// Follows a descriptor of an index to the image manifests behind it.
fn collect(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    names: &[String],
    depth: usize,
    limits: &Limits,
    out: &mut Vec<Candidate>,
) -> Result<(), ImageError> {
    if depth > MAX_INDEX_DEPTH {
        return Err(ImageError::TooMany { what: "indexes within each other", count: depth, most: MAX_INDEX_DEPTH });
    }
    if out.len() >= MAX_MANIFESTS {
        return Err(ImageError::TooMany { what: "or more manifests", count: out.len() + 1, most: MAX_MANIFESTS });
    }
    if descriptor.is_index() {
        let bytes = document(blobs, &blob_path(&descriptor.digest), "index", Some(descriptor.digest), limits)?;
        let index: Index = parse(&bytes, "index")?;
        for inner in index.manifests {
            // A layout of one platform may keep the index of all; what it does not hold cannot be meant.
            if blobs.file(&blob_path(&inner.digest))?.is_some() {
                collect(blobs, &inner, names, depth + 1, limits, out)?;
            } else if let Some(platform) = &inner.platform {
                out.push(Candidate {
                    names: names.to_vec(),
                    digest: inner.digest,
                    platform: platform.platform(),
                    config_digest: inner.digest,
                    manifest: Vec::new(),
                });
            }
        }
        return Ok(());
    }
    if !descriptor.is_image() {
        return Ok(());
    }
    let manifest = document(blobs, &blob_path(&descriptor.digest), "manifest", Some(descriptor.digest), limits)?;
    let parsed: Manifest = parse(&manifest, "manifest")?;
    if !is_image_config(&parsed.config.media_type) {
        return Ok(());
    }
    let platform = if let Some(platform) = &descriptor.platform {
        platform.platform()
    } else {
        let path = blob_path(&parsed.config.digest);
        let bytes = document(blobs, &path, "configuration", Some(parsed.config.digest), limits)?;
        Config::parse(&bytes)?.platform()
    };
    out.push(Candidate {
        names: names.to_vec(),
        digest: descriptor.digest,
        platform,
        config_digest: parsed.config.digest,
        manifest,
    });
    Ok(())
}

/// Whether a manifest with this configuration is an image, not another kind of artifact.
fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}

/// The names that `docker save` writes beside the layout, by the digest of the configuration.
fn docker_tags(blobs: &dyn Blobs, limits: &Limits) -> Vec<(Digest, Vec<String>)> {
    let Ok(bytes) = document(blobs, "manifest.json", "manifest.json", None, limits) else { return Vec::new() };
    let Ok(images) = parse::<Vec<DockerImage>>(&bytes, "manifest.json") else { return Vec::new() };
    let digest = |path: &str| {
        let stem = path.rsplit('/').next()?;
        Digest::from_hex(stem.strip_suffix(".json").unwrap_or(stem)).ok()
    };
    images.into_iter().filter_map(|image| Some((digest(&image.config)?, image.repo_tags))).collect()
}

/// Descriptors of one manifest are one image, which may have several names.
fn one_for_each(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut places: HashMap<(Digest, String), usize> = HashMap::new();
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        match places.entry((candidate.digest, candidate.platform.to_string())) {
            Entry::Occupied(place) => {
                let known = &mut distinct[*place.get()].names;
                let new = candidate.names.into_iter().filter(|name| !known.contains(name)).collect::<Vec<_>>();
                known.extend(new);
            }
            Entry::Vacant(place) => {
                place.insert(distinct.len());
                distinct.push(candidate);
            }
        }
    }
    distinct
}

fn choose(
    mut candidates: Vec<Candidate>,
    tags: &[(Digest, Vec<String>)],
    choice: &Choice,
) -> Result<Candidate, ImageError> {
    for candidate in &mut candidates {
        let tags = tags.iter().filter(|(digest, _)| *digest == candidate.config_digest);
        candidate.names.extend(tags.flat_map(|(_, names)| names.clone()));
        // A tag alone ("latest") says less than the whole name that ends in it.
        let all = candidate.names.clone();
        candidate.names.retain(|name| !all.iter().any(|other| other != name && other.ends_with(&format!(":{name}"))));
        candidate.names.dedup();
    }
    let mut candidates = one_for_each(candidates);
    let label = |candidate: &Candidate| match candidate.names.as_slice() {
        [] => vec![candidate.digest.to_string()],
        names => names.to_vec(),
    };
    let listed = |candidates: &[Candidate]| {
        let mut names: Vec<Vec<String>> = candidates.iter().map(label).collect();
        names.sort();
        names.dedup();
        names
    };
    if let Some(wanted) = &choice.name {
        let names = listed(&candidates);
        candidates.retain(|candidate| {
            candidate.digest.to_string() == *wanted || candidate.names.iter().any(|name| is_named(name, wanted))
        });
        if candidates.is_empty() {
            return Err(ImageError::Absent { wanted: wanted.clone(), names });
        }
    }
    if candidates.is_empty() {
        return Err(ImageError::Invalid { what: "index", reason: "lists no image".to_owned() });
    }
    // Several images are told apart by name, the builds of one image by platform.
    let names = listed(&candidates);
    if names.len() > 1 && candidates.iter().any(|candidate| !candidate.names.is_empty()) {
        return Err(ImageError::Ambiguous { names });
    }
    let wanted = match (&choice.platform, candidates.as_slice()) {
        (None, [only]) => only.platform.clone(),
        (None, _) => Platform::host(),
        (Some(wanted), _) => wanted.clone(),
    };
    let available: Vec<String> = candidates.iter().map(|candidate| candidate.platform.to_string()).collect();
    let mut fitting = candidates.into_iter().filter(|candidate| wanted.accepts(&candidate.platform));
    let found = fitting.next();
    if let (Some(one), Some(other)) =
        (&found, fitting.find(|other| found.as_ref().is_some_and(|one| one.digest != other.digest)))
    {
        return Err(ImageError::Ambiguous {
            names: vec![vec![one.digest.to_string()], vec![other.digest.to_string()]],
        });
    }
    match found {
        Some(candidate) if candidate.manifest.is_empty() => {
            Err(ImageError::BlobMissing { what: "manifest", name: candidate.digest.to_string() })
        }
        Some(candidate) => Ok(candidate),
        None => Err(ImageError::Platform { wanted: wanted.to_string(), available }),
    }
}
