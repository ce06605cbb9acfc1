//! Images on disk: which forms there are, and what an opened one offers.

mod archive;
mod docker;
mod document;
mod layout;

use crate::image::archive::Archive;
use sekisho_base::Limits;
use sekisho_base::bytes::FileRange;
use sekisho_base::spool::SpillQuota;
use sekisho_model::{Code, Diagnostic, Digest, History, Platform, SourceKind};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an image could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Nothing is there.
    #[error("cannot open {path}: there is no such file or directory")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot read {path}")]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no room for an archive that is compressed as a whole.
    #[error("cannot inflate {path} into a temporary file")]
    Temporary {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no image.
    #[error("{path} is not an image: {reason}")]
    Unknown {
        /// The path.
        path: PathBuf,
        /// What it is instead, or what is missing.
        reason: String,
    },
    /// A document of the image is damaged.
    #[error("cannot read the {what} of the image: {reason}")]
    Invalid {
        /// Which document.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// There are several images.
    #[error("the archive holds {} images: {}", names.len(), names.join(", "))]
    Ambiguous {
        /// Their names.
        names: Vec<String>,
    },
    /// The image that was asked for is not there.
    #[error("the archive has no image {wanted:?}; it has {}", names.join(", "))]
    Absent {
        /// What was asked for.
        wanted: String,
        /// What there is.
        names: Vec<String>,
    },
    /// The platform that was asked for is not there.
    #[error("the image is not built for {wanted}; it is built for {}", available.join(", "))]
    Platform {
        /// What was asked for.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },
    /// A blob is not there.
    #[error("the {what} {name} is missing")]
    BlobMissing {
        /// What it is.
        what: &'static str,
        /// Its digest or path.
        name: String,
    },
    /// A document does not have its digest.
    #[error("the {what} should have the digest {expected} but has {found}")]
    DigestMismatch {
        /// What it is.
        what: &'static str,
        /// The digest the image states.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// A document is larger than the limit.
    #[error("the {what} has a size of {size}, more than the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

impl ImageError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::SourceMissing,
            Self::Io { .. } => Code::SourceUnreadable,
            Self::Temporary { .. } => Code::TemporaryUnusable,
            Self::Unknown { .. } => Code::SourceUnknown,
            Self::Invalid { .. } => Code::ImageInvalid,
            Self::Ambiguous { .. } => Code::ImageAmbiguous,
            Self::Absent { .. } => Code::ImageAbsent,
            Self::Platform { .. } => Code::PlatformAbsent,
            Self::BlobMissing { .. } => Code::BlobMissing,
            Self::DigestMismatch { .. } => Code::DigestMismatch,
            Self::TooLarge { .. } => Code::LimitExceeded,
        }
    }
}

/// Which image of an archive is wanted.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// A name or tag in the archive; needed when there are several images.
    pub name: Option<String>,
    /// A platform; the host's when not given, or the only one there is.
    pub platform: Option<Platform>,
}

/// A layer as the image refers to it. Nothing of it has been read or verified.
#[derive(Debug, Clone)]
pub struct LayerBlob {
    /// The digest that the manifest states for the stored bytes; docker archives state none.
    pub digest: Option<Digest>,
    /// The digest that the configuration states for the plain bytes.
    pub diff_id: Option<Digest>,
    /// The media type that the manifest states; empty in docker archives.
    pub media_type: String,
    /// The stored bytes, or why there are none.
    pub stored: Result<FileRange, Diagnostic>,
}

/// An image that was opened: its documents are read and verified, its layers are not.
#[derive(Debug)]
pub struct OpenImage {
    /// In which form it is stored.
    pub kind: SourceKind,
    /// Its names in the archive.
    pub names: Vec<String>,
    /// Digest of its manifest.
    pub manifest_digest: Option<Digest>,
    /// Digest of its configuration.
    pub config_digest: Digest,
    /// What it runs on.
    pub platform: Platform,
    /// When it was built.
    pub created: Option<String>,
    /// Its labels, with the manifest's annotations where a label does not say otherwise; sorted.
    pub labels: Vec<(String, String)>,
    /// Its build history.
    pub history: Vec<History>,
    /// Its layers from the bottom.
    pub layers: Vec<LayerBlob>,
    /// What was met on the way.
    pub diagnostics: Vec<Diagnostic>,
}

/// Opens the image at `path`: a docker archive, an OCI layout, or a tar of one, each of the archives
/// also compressed as a whole.
pub fn open(path: &Path, choice: &Choice, limits: &Limits, quota: &Arc<SpillQuota>) -> Result<OpenImage, ImageError> {
    let io_error = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ImageError::Missing { path: path.to_owned() },
        _ => ImageError::Io { path: path.to_owned(), source },
    };
    let metadata = std::fs::metadata(path).map_err(io_error)?;
    if metadata.is_dir() {
        let Some(layout) = layout::Layout::open(path).map_err(io_error)? else {
            let reason = "the directory has no oci-layout file".to_owned();
            return Err(ImageError::Unknown { path: path.to_owned(), reason });
        };
        return layout::open(&layout, SourceKind::OciLayout, choice, limits);
    }
    if !metadata.is_file() {
        return Err(ImageError::Unknown { path: path.to_owned(), reason: "it is not a regular file".to_owned() });
    }
    let file = File::open(path).map_err(io_error)?;
    let whole = FileRange::new(Arc::new(file), 0, metadata.len());
    let whole = archive::plain(path, whole, limits, quota)?;
    let archive =
        Archive::read(whole, limits).map_err(|reason| ImageError::Unknown { path: path.to_owned(), reason })?;
    if archive.has("oci-layout") && archive.has("index.json") {
        let kind = if archive.has("manifest.json") { SourceKind::DockerArchive } else { SourceKind::OciArchive };
        return layout::open(&archive, kind, choice, limits).map(|image| with_damage(image, &archive));
    }
    if archive.has("manifest.json") {
        return docker::open(&archive, choice, limits).map(|image| with_damage(image, &archive));
    }
    let reason = "it has neither manifest.json (docker save) nor oci-layout and index.json".to_owned();
    Err(match archive.damage() {
        Some(damage) => ImageError::Invalid { what: "archive", reason: format!("{reason}, and {}", damage.message) },
        None => ImageError::Unknown { path: path.to_owned(), reason },
    })
}

/// The state of an open file by which a later change shows: device, inode, size, and both times in
/// nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileState {
    /// Device, inode and size.
    pub identity: (u64, u64, u64),
    /// Time of the last change of content, in nanoseconds since 1970.
    pub modified: i128,
    /// Time of the last change of content or status, in nanoseconds since 1970.
    pub changed: i128,
}

impl FileState {
    /// The present state of `file`.
    pub fn of(file: &File) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata: Metadata = file.metadata()?;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Ok(Self {
            identity: (metadata.dev(), metadata.ino(), metadata.size()),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// Whether the content of a layer with this media type is read. Whether it is compressed, and how, is
/// told by its bytes.
pub fn is_readable_layer(media_type: &str) -> bool {
    const PLAIN: [&str; 4] = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ];
    let base = media_type.strip_suffix("+gzip").or_else(|| media_type.strip_suffix("+zstd")).unwrap_or(media_type);
    let base = base.strip_suffix(".gzip").or_else(|| base.strip_suffix(".zstd")).unwrap_or(base);
    media_type.is_empty() || PLAIN.contains(&base)
}

/// Damage of the archive may hide that another image is meant.
fn with_damage(mut image: OpenImage, archive: &Archive) -> OpenImage {
    image.diagnostics.extend(archive.damage().cloned());
    image
}

/// Engines stack at most some hundred layers; more are an attack on memory.
const MAX_LAYERS: usize = 500;

/// Refuses an image of more layers than any engine stacks.
fn check_layers(count: usize) -> Result<(), ImageError> {
    let (size, limit) = (count as u64, MAX_LAYERS as u64);
    if count > MAX_LAYERS { Err(ImageError::TooLarge { what: "list of layers", size, limit }) } else { Ok(()) }
}

/// Whether an image of this name is the one `wanted`: by its whole name, or by its tag.
fn is_named(name: &str, wanted: &str) -> bool {
    name == wanted || name.strip_suffix(wanted).is_some_and(|rest| rest.ends_with(':'))
}

/// Where the blobs of an image come from.
trait Blobs {
    /// The file at `path` in the archive or directory.
    fn file(&self, path: &str) -> Result<Option<FileRange>, ImageError>;
}

/// Reads a JSON document of bounded size and, when `expected` is given, of that digest.
fn document(
    blobs: &dyn Blobs,
    path: &str,
    what: &'static str,
    expected: Option<Digest>,
    limits: &Limits,
) -> Result<Vec<u8>, ImageError> {
    use sekisho_base::ReadAt;
    let range = blobs.file(path)?.ok_or_else(|| ImageError::BlobMissing { what, name: path.to_owned() })?;
    if range.size() > limits.document_bytes {
        return Err(ImageError::TooLarge { what, size: range.size(), limit: limits.document_bytes });
    }
    let bytes = range
        .whole(limits.document_bytes)
        .map_err(|source| ImageError::Io { path: PathBuf::from(path), source })?
        .into_owned();
    let found = Digest::of(&bytes);
    match expected {
        Some(expected) if expected != found => Err(ImageError::DigestMismatch { what, expected, found }),
        _ => Ok(bytes),
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, ImageError> {
    let invalid = |reason: String| ImageError::Invalid { what, reason };
    if let Some(key) = document::misspelt_key(bytes).map_err(|error| invalid(error.to_string()))? {
        return Err(invalid(format!("it has a key {key:?}, which engines read as one of another case")));
    }
    serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))
}
