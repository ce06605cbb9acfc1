//! What a layout or a registry holds about an image beside it: signatures, lists of components, VEX.
//!
//! Three ways lead from them to the image: `subject` (OCI image specification 1.1), the tags `sha256-HEX.att` and
//! `sha256-HEX.sbom` (cosign), and the annotation `vnd.docker.reference.digest` (`BuildKit`). Anyone who can write there can write these.

use super::document::{Descriptor, Index};
use super::layout::{Layout, MAX_DOCUMENTS, MAX_INDEX_DEPTH, MAX_MANIFESTS, blob_path};
use super::{Archive, Blobs, ImageError, archive, parse};
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::LimitKey;
use sekisho_base::spool::SpillQuota;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Digest};
use serde::Deserialize;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A document about an image.
#[derive(Debug)]
pub struct Referrer {
    /// The manifest that names it.
    pub manifest: Digest,
    /// The kind of artifact that the manifest is; empty where it does not say.
    pub artifact_type: String,
    /// The media type of the document.
    pub media_type: String,
    /// What an attestation says of itself that it is: the type of its predicate.
    pub predicate_type: Option<String>,
    /// The digest that it should have.
    pub digest: Digest,
    stored: Result<FileRange, Diagnostic>,
}

impl Referrer {
    /// Reads the document, of at most `limits.text_file_bytes`, and compares its digest.
    pub fn read(&self, limits: &Limits) -> Result<Vec<u8>, Diagnostic> {
        let range = self.stored.as_ref().map_err(Clone::clone)?;
        if range.size() > limits.text_file_bytes {
            let exceeded = limits.exceeded(LimitKey::TextFileBytes, "bytes of a document about the image");
            return Err(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()));
        }
        let unreadable = |error: io::Error| Diagnostic::incomplete(Code::SourceUnreadable, error.to_string());
        let bytes = range.whole(limits.text_file_bytes).map_err(unreadable)?.into_owned();
        let found = Digest::of(&bytes);
        if found == self.digest {
            return Ok(bytes);
        }
        let message = format!("a document about the image has the digest {found}, its manifest states {}", self.digest);
        Err(Diagnostic::incomplete(Code::DigestMismatch, message))
    }
}

/// The documents about the image whose manifest has the digest `image`, in the layout at `path` (a directory, or an
/// archive of one). Diagnostics are about manifests that could not be read and may be about it.
pub fn referrers(
    path: &Path,
    image: Digest,
    limits: &Limits,
    quota: &Arc<SpillQuota>,
) -> Result<(Vec<Referrer>, Vec<Diagnostic>), ImageError> {
    let io_error = |source| ImageError::Io { what: "it".to_owned(), source };
    let layout: Option<Box<dyn Blobs>> = if std::fs::metadata(path).map_err(io_error)?.is_dir() {
        Layout::open(path).map_err(io_error)?.map(|layout| Box::new(layout) as Box<dyn Blobs>)
    } else {
        let file = File::open(path).map_err(io_error)?;
        let size = file.metadata().map_err(io_error)?.len();
        let whole = archive::plain(FileRange::new(Arc::new(file), 0, size), limits, quota)?;
        // What is no archive was refused when the image was opened.
        let archive = Archive::read(whole, limits).ok().filter(|archive| archive.has("index.json"));
        archive.map(|archive| Box::new(archive) as Box<dyn Blobs>)
    };
    // Docker's old archives have no place for them.
    let Some(blobs) = layout else { return Ok((Vec::new(), Vec::new())) };
    let index: Index = parse(&blobs.document("index.json", "index", None, limits)?, "index")?;
    follow(&*blobs, &[image], index.manifests.into_iter().map(|descriptor| (descriptor, false)).collect(), limits)
}

/// The tags under which cosign keeps attestations of a manifest, and lists of components.
pub(super) fn tags(image: Digest) -> [String; 2] {
    ["att", "sbom"].map(|kind| format!("sha256-{}.{kind}", image.hex()))
}

/// The documents about any of `images` behind these descriptors, each of which may be known to be about one of them.
pub(super) fn follow(
    blobs: &dyn Blobs,
    images: &[Digest],
    from: Vec<(Descriptor, bool)>,
    limits: &Limits,
) -> Result<(Vec<Referrer>, Vec<Diagnostic>), ImageError> {
    let mut search = Search {
        blobs,
        limits,
        images,
        tags: images.iter().copied().flat_map(tags).collect(),
        seen: HashSet::new(),
        bytes: 0,
        found: Vec::new(),
        diagnostics: Vec::new(),
    };
    search.follow(from)?;
    Ok((search.found, search.diagnostics))
}

/// A manifest of anything. That of the image is read elsewhere, and does not depend on what is odd here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    artifact_type: Option<String>,
    subject: Option<Subject>,
    config: Option<Configuration>,
    layers: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Subject {
    /// Of any algorithm.
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    media_type: Option<String>,
}

struct Search<'a> {
    blobs: &'a dyn Blobs,
    limits: &'a Limits,
    /// The manifest, and the index that led to it.
    images: &'a [Digest],
    /// Cosign's tags.
    tags: Vec<String>,
    /// Manifests and indexes that were gone through, and whether as tagged ones.
    seen: HashSet<(Digest, bool)>,
    bytes: u64,
    found: Vec<Referrer>,
    diagnostics: Vec<Diagnostic>,
}

impl Search<'_> {
    fn follow(&mut self, from: Vec<(Descriptor, bool)>) -> Result<(), ImageError> {
        let mut pending: Vec<(Descriptor, usize, bool)> =
            from.into_iter().map(|(descriptor, tagged)| (descriptor, 0, tagged)).collect();
        while let Some((descriptor, depth, tagged)) = pending.pop() {
            let tagged =
                tagged || descriptor.names().any(|name| self.tags.iter().any(|tag| super::is_named(name, tag)));
            if self.images.contains(&descriptor.digest) || !self.seen.insert((descriptor.digest, tagged)) {
                continue;
            }
            if self.seen.len() > MAX_MANIFESTS {
                let (count, most) = (self.seen.len(), MAX_MANIFESTS);
                return Err(ImageError::TooMany { what: "or more manifests", count, most });
            }
            let Some(bytes) = self.read(&descriptor) else { continue };
            if descriptor.is_index() {
                if depth < MAX_INDEX_DEPTH
                    && let Some(index) = self.parsed::<Index>(&bytes)
                {
                    pending.extend(index.manifests.into_iter().map(|inner| (inner, depth + 1, tagged)));
                }
                continue;
            }
            let Some(manifest) = self.parsed::<Manifest>(&bytes) else { continue };
            let annotated = descriptor.annotations.get("vnd.docker.reference.digest");
            let is_one = |text: &String| text.parse().is_ok_and(|digest| self.images.contains(&digest));
            let is_about = tagged
                || manifest.subject.as_ref().is_some_and(|subject| is_one(&subject.digest))
                || annotated.is_some_and(is_one);
            if is_about {
                self.take(descriptor.digest, manifest);
            }
        }
        Ok(())
    }

    fn take(&mut self, digest: Digest, manifest: Manifest) {
        let named = manifest.artifact_type.filter(|named| !named.is_empty());
        let artifact_type = named.or(manifest.config.and_then(|config| config.media_type)).unwrap_or_default();
        for layer in manifest.layers.unwrap_or_default() {
            if self.found.len() >= MAX_MANIFESTS {
                return;
            }
            let stored = match self.blobs.file(&blob_path(&layer.digest)) {
                Ok(Some(range)) => Ok(range),
                Ok(None) => {
                    let message = format!("the document {} about the image is missing", layer.digest);
                    Err(Diagnostic::incomplete(Code::BlobMissing, message))
                }
                Err(error) => Err(Diagnostic::incomplete(error.code(), error.to_string())),
            };
            let predicates = ["in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType"];
            let predicate_type = predicates.iter().find_map(|key| layer.annotations.get(*key)).cloned();
            self.found.push(Referrer {
                manifest: digest,
                artifact_type: artifact_type.clone(),
                media_type: layer.media_type,
                predicate_type,
                digest: layer.digest,
                stored,
            });
        }
    }

    /// A manifest; a layout need not hold all that an index names.
    fn read(&mut self, descriptor: &Descriptor) -> Option<Vec<u8>> {
        let path = blob_path(&descriptor.digest);
        let read = match self.blobs.document(&path, "manifest", Some(descriptor.digest), self.limits) {
            Err(ImageError::BlobMissing { .. }) => return None,
            read => read,
        };
        let bytes = read.map_err(|error| self.note(&error)).ok()?;
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.document_bytes.saturating_mul(MAX_DOCUMENTS) {
            let exceeded = self.limits.exceeded(LimitKey::DocumentBytes, "bytes of all manifests together");
            self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()));
            return None;
        }
        Some(bytes)
    }

    fn parsed<T: for<'d> Deserialize<'d>>(&mut self, bytes: &[u8]) -> Option<T> {
        parse(bytes, "manifest").map_err(|error| self.note(&error)).ok()
    }

    fn note(&mut self, error: &ImageError) {
        self.diagnostics.push(Diagnostic::incomplete(error.code(), format!("a manifest beside the image: {error}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Writes a layout of an image and `others`, each a manifest with its annotations in the index.
    fn layout(others: &[(serde_json::Value, serde_json::Value)], blobs: &[&[u8]]) -> (tempfile::TempDir, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let stored = folder.path().join("blobs/sha256");
        std::fs::create_dir_all(&stored).unwrap();
        let put = |bytes: &[u8]| {
            let digest = Digest::of(bytes);
            std::fs::write(stored.join(digest.hex()), bytes).unwrap();
            digest
        };
        for blob in blobs {
            put(blob);
        }
        let image = put(json!({ "config": { "digest": Digest::of(b"c") }, "layers": [] }).to_string().as_bytes());
        let mut manifests = vec![json!({ "digest": image })];
        for (manifest, annotations) in others {
            let text = manifest.to_string().replace("IMAGE", &image.to_string());
            let annotations = annotations.to_string().replace("IMAGE", &image.to_string()).replace("HEX", &image.hex());
            let annotations: serde_json::Value = serde_json::from_str(&annotations).unwrap();
            manifests.push(json!({ "digest": put(text.as_bytes()), "annotations": annotations }));
        }
        std::fs::write(folder.path().join("oci-layout"), "{}").unwrap();
        std::fs::write(folder.path().join("index.json"), json!({ "manifests": manifests }).to_string()).unwrap();
        (folder, image)
    }

    fn found(folder: &Path, image: Digest) -> (Vec<Referrer>, Vec<Diagnostic>) {
        let quota = SpillQuota::new(std::env::temp_dir(), 0);
        let (mut found, diagnostics) = referrers(folder, image, &Limits::default(), &quota).unwrap();
        found.sort_by_key(|referrer| referrer.media_type.clone());
        (found, diagnostics)
    }

    #[test]
    fn each_way_leads_to_the_documents_of_this_image_only() {
        let manifest = |media: &str, blob: &[u8]| {
            json!({ "config": { "digest": Digest::of(b"{}"), "mediaType": "application/vnd.oci.empty.v1+json" },
                "layers": [{ "mediaType": media, "digest": Digest::of(blob), "annotations": { "predicateType": "p" } }] })
        };
        let mut subject = manifest("a", b"openvex");
        subject["subject"] = json!({ "digest": "IMAGE" });
        subject["artifactType"] = json!("application/vnd.openvex+json");
        let mut elsewhere = manifest("x", b"openvex");
        elsewhere["subject"] = json!({ "digest": Digest::of(b"another") });
        let (folder, image) = layout(
            &[
                (subject, json!({})),
                (manifest("b", b"attested"), json!({ "org.opencontainers.image.ref.name": "app:sha256-HEX.att" })),
                (manifest("c", b"built"), json!({ "vnd.docker.reference.digest": "IMAGE" })),
                (manifest("d", b"listed"), json!({ "org.opencontainers.image.ref.name": "sha256-HEX.sbom" })),
                (manifest("y", b"other"), json!({ "org.opencontainers.image.ref.name": "sha256-00.att" })),
                (elsewhere, json!({})),
            ],
            &[b"openvex", b"attested"],
        );
        let (found, diagnostics) = found(folder.path(), image);
        assert_eq!(diagnostics, []);
        let media: Vec<_> = found.iter().map(|referrer| &*referrer.media_type).collect();
        assert_eq!(media, ["a", "b", "c", "d"]);
        assert_eq!(found[0].artifact_type, "application/vnd.openvex+json");
        assert_eq!(found[1].artifact_type, "application/vnd.oci.empty.v1+json");
        assert_eq!(found[1].predicate_type.as_deref(), Some("p"));
        assert_eq!(found[0].read(&Limits::default()).unwrap(), b"openvex");
        assert_eq!(found[2].read(&Limits::default()).unwrap_err().code, Code::BlobMissing);
        let tight = Limits { text_file_bytes: 3, ..Limits::default() };
        assert_eq!(found[0].read(&tight).unwrap_err().code, Code::LimitExceeded);
        std::fs::write(folder.path().join("blobs/sha256").join(Digest::of(b"attested").hex()), "attacked").unwrap();
        assert_eq!(found[1].read(&Limits::default()).unwrap_err().code, Code::DigestMismatch);
    }

    #[test]
    fn what_is_damaged_is_said() {
        let (folder, image) = layout(&[(json!({ "layers": 1 }), json!({}))], &[]);
        let (found, diagnostics) = found(folder.path(), image);
        assert!(found.is_empty());
        assert_eq!(diagnostics.iter().map(|said| said.code).collect::<Vec<_>>(), [Code::ImageInvalid]);
    }
}
