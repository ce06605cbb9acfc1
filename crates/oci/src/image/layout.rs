//! OCI image layouts, in a directory or in an archive, and `docker save` since version 25.

use super::document::{Config, Descriptor, DockerImage, Index, Manifest, PlatformDocument, normal};
use super::{Blobs, Choice, ImageError, LayerBlob, OpenImage, check_layers, is_named, parse};
use sekisho_base::beneath::Directory;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Digest, Platform, SourceKind};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
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

    /// What else has blobs as a layout has them.
    pub(super) fn of(directory: Directory) -> Self {
        Self(directory)
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

pub(super) fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// An index may refer to further ones; deeper than this is a loop or an attack.
pub(super) const MAX_INDEX_DEPTH: usize = 4;
/// More manifests than this are not looked at.
pub(super) const MAX_MANIFESTS: usize = 1000;
/// All documents together may have as many bytes as this many of the largest.
pub(super) const MAX_DOCUMENTS: u64 = 16;

/// Opens the wanted image of the layout in `blobs`.
pub(super) fn open(
    blobs: &dyn Blobs,
    kind: SourceKind,
    choice: &Choice,
    limits: &Limits,
) -> Result<OpenImage, ImageError> {
    let bytes = blobs.document("index.json", "index", None, limits)?;
    let index: Index = parse(&bytes, "index")?;
    let tags = docker_images(blobs, limits);
    let mut search = Search { blobs, limits, candidates: Vec::new(), indexes: HashSet::new(), bytes: 0 };
    for descriptor in index.manifests {
        let names: Vec<String> = descriptor.names().map(str::to_owned).collect();
        search.follow(&descriptor, &names, descriptor.digest, 0)?;
    }
    let configs: HashSet<Digest> = search.candidates.iter().map(|candidate| candidate.config_digest).collect();
    let (mut image, beside) = choose(search.candidates, &tags, choice)?;
    if image.manifest.is_empty() {
        // Only named by the index until now.
        let missing = |error| match error {
            ImageError::BlobMissing { what, .. } => ImageError::BlobMissing { what, name: image.digest.to_string() },
            other => other,
        };
        image.manifest =
            blobs.document(&blob_path(&image.digest), "manifest", Some(image.digest), limits).map_err(missing)?;
    }
    let manifest: Manifest = parse(&image.manifest, "manifest")?;
    if !is_image_config(&manifest.config.media_type) {
        return Err(ImageError::of_artifact(&manifest.config.media_type));
    }
    check_layers(manifest.layers.len())?;
    let config_bytes =
        blobs.document(&blob_path(&manifest.config.digest), "configuration", Some(manifest.config.digest), limits)?;
    let config = Config::parse(&config_bytes)?;

    let mut diagnostics = Vec::new();
    // Some engines load what manifest.json says and others the index; they must say the same.
    if kind == SourceKind::DockerArchive && !tags.iter().any(|(digest, _)| *digest == Some(manifest.config.digest)) {
        let message = "manifest.json does not list the image that the index names; an engine may run another than this";
        diagnostics.push(Diagnostic::incomplete(Code::ImageInvalid, message));
    } else if kind == SourceKind::DockerArchive
        && !tags.iter().all(|(digest, _)| digest.is_some_and(|digest| configs.contains(&digest)))
    {
        let message = "manifest.json lists an image that the index does not have; an engine may run that one";
        diagnostics.push(Diagnostic::incomplete(Code::ImageInvalid, message));
    }
    if beside {
        let message = "the index has another manifest for the same platform, whose configuration is of an unknown kind";
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
    let layer = |(layer, diff_id): (&Descriptor, Option<Digest>)| LayerBlob {
        digest: Some(layer.digest),
        diff_id,
        media_type: layer.media_type.clone(),
        stored: blobs.layer(layer, limits),
    };
    let layers = manifest.layers.iter().zip(diff_ids).map(layer).collect();
    Ok(OpenImage {
        kind,
        names: image.names,
        manifest_digest: Some(image.digest),
        config_digest: manifest.config.digest,
        platform: config.platform(),
        created: config.created.clone(),
        labels: config.labels(&manifest.annotations),
        config: config.container(),
        history: config.history,
        layers,
        diagnostics,
    })
}

/// The file of a layer, as far as it is the one that the manifest states.
pub(super) fn stored(file: Result<Option<FileRange>, ImageError>, layer: &Descriptor) -> Result<FileRange, Diagnostic> {
    match file {
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
    }
}

/// A manifest that was found in the layout.
struct Candidate {
    names: Vec<String>,
    /// The descriptor in `index.json` that led here.
    top: Digest,
    digest: Digest,
    /// `None` for what is no image and states none.
    platform: Option<Platform>,
    config_digest: Digest,
    manifest: Vec<u8>,
    /// Whether its configuration is that of an image.
    image: bool,
}

/// The way from `index.json` to the manifests behind it.
struct Search<'a> {
    blobs: &'a dyn Blobs,
    limits: &'a Limits,
    candidates: Vec<Candidate>,
    /// Indexes that were gone through, with the names that they were found under.
    indexes: HashSet<(Vec<String>, Digest)>,
    /// Bytes of all documents that were read.
    bytes: u64,
}

impl Search<'_> {
    fn read(&mut self, digest: &Digest, what: &'static str) -> Result<Vec<u8>, ImageError> {
        let bytes = self.blobs.document(&blob_path(digest), what, Some(*digest), self.limits)?;
        self.bytes += bytes.len() as u64;
        let limit = self.limits.document_bytes.saturating_mul(MAX_DOCUMENTS);
        if self.bytes > limit {
            let limit = LimitExceeded { key: LimitKey::DocumentBytes, what: "bytes of all manifests together", limit };
            return Err(ImageError::TooLarge { what: "set of all manifests", size: self.bytes, limit });
        }
        Ok(bytes)
    }

    /// Follows a descriptor of an index to the manifests behind it.
    fn follow(
        &mut self,
        descriptor: &Descriptor,
        names: &[String],
        top: Digest,
        depth: usize,
    ) -> Result<(), ImageError> {
        let found = self.candidates.len();
        if depth > MAX_INDEX_DEPTH {
            return Err(ImageError::TooMany { what: "indexes within each other", count: depth, most: MAX_INDEX_DEPTH });
        }
        if found >= MAX_MANIFESTS {
            return Err(ImageError::TooMany { what: "or more manifests", count: found + 1, most: MAX_MANIFESTS });
        }
        let candidate = |platform, config_digest, manifest, image| Candidate {
            names: names.to_vec(),
            top,
            digest: descriptor.digest,
            platform,
            config_digest,
            manifest,
            image,
        };
        if descriptor.is_index() {
            // Indexes that refer to each other many times over have no more images for it.
            if !self.indexes.insert((names.to_vec(), descriptor.digest)) {
                return Ok(());
            }
            if self.indexes.len() > MAX_MANIFESTS {
                let (count, most) = (self.indexes.len(), MAX_MANIFESTS);
                return Err(ImageError::TooMany { what: "or more indexes", count, most });
            }
            let bytes = self.read(&descriptor.digest, "index")?;
            let index: Index = parse(&bytes, "index")?;
            for inner in index.manifests {
                if self.blobs.holds(&inner)? {
                    self.follow(&inner, names, top, depth + 1)?;
                } else if let Some(platform) = inner.platform.as_ref().filter(|_| inner.is_image()) {
                    if self.candidates.len() >= MAX_MANIFESTS {
                        let (count, most) = (self.candidates.len() + 1, MAX_MANIFESTS);
                        return Err(ImageError::TooMany { what: "or more manifests", count, most });
                    }
                    let missing = candidate(Some(platform.platform()), inner.digest, Vec::new(), true);
                    self.candidates.push(Candidate { digest: inner.digest, ..missing });
                }
            }
            return Ok(());
        }
        if !descriptor.is_image() {
            return Ok(());
        }
        let manifest = self.read(&descriptor.digest, "manifest")?;
        let parsed: Manifest = parse(&manifest, "manifest")?;
        let stated = descriptor.platform.as_ref().map(PlatformDocument::platform);
        let image = is_image_config(&parsed.config.media_type);
        let platform = if stated.is_none() && image {
            Some(Config::parse(&self.read(&parsed.config.digest, "configuration")?)?.platform())
        } else {
            stated
        };
        self.candidates.push(candidate(platform, parsed.config.digest, manifest, image));
        Ok(())
    }
}

/// Whether a manifest with this configuration is an image, not another kind of artifact.
pub(super) fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}

/// What `docker save` writes beside the layout: the names of each image, with the digest of its configuration.
/// That is of the file's content, since some engines do not compare it with the digest in its name.
fn docker_images(blobs: &dyn Blobs, limits: &Limits) -> Vec<(Option<Digest>, Vec<String>)> {
    let Ok(bytes) = blobs.document("manifest.json", "manifest.json", None, limits) else { return Vec::new() };
    let Ok(images) = parse::<Vec<DockerImage>>(&bytes, "manifest.json") else { return Vec::new() };
    let mut digests: HashMap<String, Option<Digest>> = HashMap::new();
    let mut images: Vec<_> = images
        .into_iter()
        .map(|DockerImage { config, repo_tags, .. }| {
            let room = digests.len() < MAX_MANIFESTS;
            let digest = *digests.entry(config).or_insert_with_key(|path| {
                let bytes = room.then(|| blobs.document(path, "configuration", None, limits).ok()).flatten()?;
                Some(Digest::of(&bytes))
            });
            (digest, repo_tags)
        })
        .collect();
    images.dedup();
    images
}

/// Descriptors of one manifest are one image, which may have several names.
fn one_for_each(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut places: HashMap<(Digest, Option<String>), usize> = HashMap::new();
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        match places.entry((candidate.digest, candidate.platform.as_ref().map(ToString::to_string))) {
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

/// The wanted image, and whether the index has something else in its place that an engine could take.
fn choose(
    mut candidates: Vec<Candidate>,
    tags: &[(Option<Digest>, Vec<String>)],
    choice: &Choice,
) -> Result<(Candidate, bool), ImageError> {
    for candidate in &mut candidates {
        let tags = tags.iter().filter(|(digest, _)| *digest == Some(candidate.config_digest));
        candidate.names.extend(tags.flat_map(|(_, names)| names.clone()));
        // A tag alone ("latest") says less than the whole name that ends in it.
        let all = candidate.names.clone();
        candidate.names.retain(|name| !all.iter().any(|other| other != name && other.ends_with(&format!(":{name}"))));
        candidate.names.dedup();
    }
    let candidates = one_for_each(candidates);
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
    let (mut others, mut candidates): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|found| !found.image);
    let mut by_digest = false;
    if let Some(wanted) = &choice.name {
        let names = listed(&candidates);
        by_digest = candidates.iter().any(|candidate| candidate.digest.to_string() == *wanted);
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
    // The builds of an image have an index of their own. Where `index.json` itself has a name twice, engines
    // take the first, the last, or none.
    others.retain(|other| {
        let namesake =
            |found: &Candidate| found.top == other.top || found.names.iter().any(|n| other.names.contains(n));
        candidates.iter().any(namesake)
    });
    let named = candidates.iter().any(|candidate| !candidate.names.is_empty());
    let mut tops: Vec<Vec<String>> =
        candidates.iter().chain(&others).map(|found| vec![found.top.to_string()]).collect();
    tops.sort();
    tops.dedup();
    if named && tops.len() > 1 && !by_digest {
        return Err(ImageError::Ambiguous { names: tops });
    }
    let platforms = || candidates.iter().filter_map(|candidate| candidate.platform.clone());
    let wanted = match (&choice.platform, candidates.as_slice()) {
        (None, [Candidate { platform: Some(only), .. }]) => only.clone(),
        (None, _) => Platform::host(),
        (Some(wanted), _) => normal(wanted.clone()),
    };
    let available: Vec<String> = platforms().map(|platform| platform.to_string()).collect();
    let accepts = |candidate: &Candidate| candidate.platform.as_ref().is_some_and(|other| wanted.accepts(other));
    let beside = others.iter().any(accepts);
    let mut fitting = candidates.into_iter().filter(accepts);
    let found = fitting.next();
    if let (Some(one), Some(other)) =
        (&found, fitting.find(|other| found.as_ref().is_some_and(|one| one.digest != other.digest)))
    {
        return Err(ImageError::Ambiguous {
            names: vec![vec![one.digest.to_string()], vec![other.digest.to_string()]],
        });
    }
    match found {
        Some(candidate) => Ok((candidate, beside)),
        None => Err(ImageError::Platform { wanted: wanted.to_string(), available }),
    }
}
