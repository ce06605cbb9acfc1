//! containerd's content store: blobs under their digests, as in an OCI layout, and a database of names
//! (<https://github.com/containerd/containerd/blob/main/docs/content-flow.md>; the buckets are described in
//! <https://github.com/containerd/containerd/blob/main/core/metadata/buckets.go>).

use super::super::layout::{self, Layout};
use super::super::{Blobs, Choice, ImageError, OpenImage, is_named};
use super::{Listed, choose};
use crate::bolt::{self, Bolt, BoltError, Value};
use crate::path;
use sekisho_base::Limits;
use sekisho_base::beneath::Directory;
use sekisho_base::bytes::FileRange;
use sekisho_model::{Digest, Platform, SourceKind};
use serde_json::json;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Where blobs are, below the root; `blobs/sha256` in it is as in a layout.
pub(crate) const CONTENT: &str = "io.containerd.content.v1.content";
pub(crate) const DATABASE: &str = "io.containerd.metadata.v1.bolt/meta.db";
const WHAT: &str = "database of containerd's images";

/// A name of an image, in one of the namespaces that containerd's users keep apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    namespace: String,
    text: String,
    target: Digest,
    media_type: String,
}

/// The store as a layout in which one image is named.
struct Content {
    blobs: Layout,
    index: Vec<u8>,
}

impl Blobs for Content {
    fn file(&self, path: &str) -> Result<Option<FileRange>, ImageError> {
        self.blobs.file(path)
    }

    fn document(
        &self,
        path: &str,
        what: &'static str,
        expected: Option<Digest>,
        limits: &Limits,
    ) -> Result<Vec<u8>, ImageError> {
        match (path, expected) {
            ("index.json", None) => Ok(self.index.clone()),
            (_, None) => Err(ImageError::BlobMissing { what, name: path.to_owned() }),
            _ => super::super::document_of(self.file(path)?, path, what, expected, limits),
        }
    }
}

/// Opens the image that containerd, whose root is `root`, calls `wanted` in one of its namespaces.
pub(super) fn open(root: &Path, wanted: &str, choice: &Choice, limits: &Limits) -> Result<OpenImage, ImageError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ImageError::NoStore { what: "containerd", looked: vec![root.to_owned()] },
        _ => ImageError::Io { what: root.display().to_string(), source },
    };
    let directory = Directory::open(root).map_err(unreadable)?;
    let file = directory.file(Path::new(DATABASE)).map_err(unreadable)?;
    let names = names(&Arc::new(file), limits)?;
    let content = directory.directory(Path::new(CONTENT)).map_err(unreadable)?;
    let target = choose(names.iter().map(|name| (name.target, name.listed())).collect(), wanted)?;
    let called: Vec<&Name> = names.iter().filter(|name| name.target == target).collect();
    let mut own: Vec<String> = called.iter().filter(|name| name.id().is_none()).map(|name| name.text.clone()).collect();
    own.sort();
    own.dedup();
    if let Some(name) = choice.name.as_ref().filter(|wanted| !own.iter().any(|name| is_named(name, wanted))) {
        return Err(ImageError::Absent { wanted: name.clone(), names: vec![own] });
    }
    let media_type = called.first().map_or("", |name| name.media_type.as_str());
    let image = open_target(content, target, media_type, choice.platform.clone(), limits)?;
    Ok(OpenImage { names: own, ..image })
}

/// Opens the image to which the manifest or index `target` leads, in the directory of a content store.
pub(crate) fn open_target(
    content: Directory,
    target: Digest,
    media_type: &str,
    platform: Option<Platform>,
    limits: &Limits,
) -> Result<OpenImage, ImageError> {
    let index = json!({ "manifests": [{ "mediaType": media_type, "digest": target }] }).to_string().into_bytes();
    let content = Content { blobs: Layout::of(content), index };
    layout::open(&content, SourceKind::Containerd, &Choice { name: None, platform }, limits)
}

impl Name {
    /// The digest of its configuration: Kubernetes has every image under that as well.
    fn id(&self) -> Option<&str> {
        self.text.strip_prefix("sha256:")
    }

    fn listed(&self) -> Listed {
        let names = if self.id().is_some() { Vec::new() } else { vec![self.text.clone()] };
        let ids = self.id().map(str::to_owned).into_iter().chain([self.target.hex()]).collect();
        Listed { namespace: self.namespace.clone(), names, digests: vec![self.target], ids }
    }
}

/// Every name in the database.
fn names(file: &Arc<File>, limits: &Limits) -> Result<Vec<Name>, ImageError> {
    bolt::read(file, limits, read).map_err(|error| match error {
        BoltError::Io(source) => ImageError::Io { what: format!("the {WHAT}"), source },
        BoltError::Damaged(reason) => ImageError::Invalid { what: WHAT, reason: reason.to_owned() },
        BoltError::Limit(limit) => ImageError::TooLong { what: WHAT, limit },
        BoltError::Changing => ImageError::StoreChanged { what: WHAT },
    })
}

/// The names below `v1/NAMESPACE/images/NAME/target`.
fn read(database: &mut Bolt<'_>) -> Result<Vec<Name>, BoltError> {
    let mut names = Vec::new();
    let root = database.root();
    let Some(version) = database.bucket(&root, b"v1")? else { return Ok(names) };
    for (namespace, value) in database.entries(&version)? {
        let Value::Bucket(inside) = value else { continue };
        let Some(images) = database.bucket(&inside, b"images")? else { continue };
        for (name, value) in database.entries(&images)? {
            let Value::Bucket(image) = value else { continue };
            let target = database.bucket(&image, b"target")?;
            let fields = target.map_or_else(|| Ok(Vec::new()), |target| database.entries(&target))?;
            let field = |wanted: &[u8]| fields.iter().find_map(|(key, value)| (key == wanted).then_some(value));
            let text = |wanted: &[u8]| match field(wanted) {
                Some(Value::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
                _ => None,
            };
            // A target of another algorithm is one that nothing here can be compared with; the name is none then.
            let Some(target) = text(b"digest").and_then(|digest| digest.parse().ok()) else { continue };
            names.push(Name {
                namespace: path::text(&namespace),
                text: path::text(&name),
                target,
                media_type: text(b"mediatype").unwrap_or_default().to_owned(),
            });
        }
    }
    Ok(names)
}
