//! Images as they are stored: which forms there are, and what an opened one offers.

mod archive;
mod docker;
pub(crate) mod document;
mod layout;
mod referrers;
mod registry;
mod remote;
mod routes;
pub(crate) mod store;

pub use referrers::{Referrer, referrers};
pub use registry::{Mirror, Registries, Sites};
pub use remote::RemoteBlob;
pub(crate) use routes::AUTH_FILES;
pub use routes::RegistriesFiles;
pub use store::{SplitLayer, SplitReader, StorageFiles, StoreKind, Stores};

use crate::artifact::ArtifactError;
use crate::auth::LoginsError;
use crate::image::archive::Archive;
use crate::image::document::Descriptor;
use crate::reference::image_named;
use crate::stream::LayerStream;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::{Deadline, LimitExceeded, LimitKey};
use sekisho_base::spool::SpillQuota;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Digest, History, ImageConfig, Platform, SourceKind, json_reason};
use sekisho_model::{ImageRef, InvalidImageRef};
use sekisho_net::NetworkError;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an image could not be opened. Its path is known to whoever asked, and not said again.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Nothing is there.
    #[error("there is no such file or directory")]
    Missing,
    /// The image of a registry cannot be had.
    #[error("{}{reference} cannot be had{}", no_file(*.forced), listed_failures(.mirrors))]
    Registry {
        /// Its whole name.
        reference: String,
        /// Whether it was said to be in a registry; otherwise a file was looked for first.
        forced: bool,
        /// What the mirrors said that were asked before.
        mirrors: Vec<String>,
        /// Why.
        #[source]
        error: Box<ArtifactError>,
    },
    /// The configuration of podman forbids the name.
    #[error("{reference} must not be used: registries.conf blocks {prefix}")]
    Blocked {
        /// Its whole name.
        reference: String,
        /// What is blocked.
        prefix: String,
    },
    /// A name without a registry may mean several images, and must not.
    #[error("{name} names no registry, and could be {}; registries.conf wants short names to be clear", places.join(" or "))]
    ShortName {
        /// The name.
        name: String,
        /// What it could mean.
        places: Vec<String>,
    },
    /// Logins of registries cannot be read.
    #[error(transparent)]
    Logins(#[from] LoginsError),
    /// The network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A document that comes from elsewhere has more bytes than are read.
    #[error("the {what} is too large: {limit}")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// The limit.
        limit: LimitExceeded,
    },
    /// It took too long to get what describes the image.
    #[error("getting its manifest {limit}")]
    TooSlow {
        /// The limit.
        limit: LimitExceeded,
    },
    /// The operating system refused.
    #[error("{what} cannot be read")]
    Io {
        /// A part of the image, or "it".
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The archive is compressed as a whole, and damaged.
    #[error("cannot inflate it: {reason}")]
    Inflate {
        /// What is wrong.
        reason: String,
    },
    /// The archive is compressed as a whole, and inflates to more than a limit.
    #[error("cannot inflate it: {limit}")]
    InflatesTooFar {
        /// The limit.
        limit: LimitExceeded,
    },
    /// There is no room for an archive that is compressed as a whole.
    #[error("cannot inflate it into a temporary file in {directory}")]
    Temporary {
        /// Where temporary files go.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no image, or none of a form that is read.
    #[error("{reason}")]
    Unknown {
        /// What it is instead, or what is missing, as a sentence.
        reason: String,
        /// What to do, where that is known.
        hint: Option<&'static str>,
    },
    /// A document of the image is damaged.
    #[error("the {what} {reason}")]
    Invalid {
        /// Which document.
        what: &'static str,
        /// What is wrong, as the rest of a sentence.
        reason: String,
    },
    /// There are several images.
    #[error("it holds {} images: {}", names.len(), listed(names))]
    Ambiguous {
        /// The names of each.
        names: Vec<Vec<String>>,
    },
    /// The image that was asked for is not there.
    #[error("it holds no image {wanted:?}; it holds {}", listed(names))]
    Absent {
        /// What was asked for.
        wanted: String,
        /// The names of each that there is.
        names: Vec<Vec<String>>,
    },
    /// The platform that was asked for is not there.
    #[error("the image is not built for {wanted}; it is built for {}", available.join(", "))]
    Platform {
        /// What was asked for.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },
    /// There is no store of images.
    #[error("there is no store of {what} in {}", looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or "))]
    NoStore {
        /// Whose.
        what: &'static str,
        /// Where one was looked for.
        looked: Vec<PathBuf>,
    },
    /// A store does not have the image that was asked for.
    #[error("the store holds no image {wanted:?}; it holds {}", if names.is_empty() { "none".to_owned() } else { store::some_of(names) })]
    NotStored {
        /// What was asked for.
        wanted: String,
        /// The names of all that there are.
        names: Vec<String>,
    },
    /// A store has several images that could be meant.
    #[error("the store holds {} images that {wanted:?} could be: {}", names.len(), store::some_of(names))]
    SeveralStored {
        /// What was asked for.
        wanted: String,
        /// Their names.
        names: Vec<String>,
    },
    /// A store was written faster than it could be read.
    #[error("the {what} changed again and again while it was read")]
    StoreChanged {
        /// What of it.
        what: &'static str,
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
    #[error("the {what} has a size of {size}: {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: LimitExceeded,
    },
    /// There is more than any image has.
    #[error("it has {count} {what}, more than the {most} that are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are read.
        most: usize,
    },
}

impl ImageError {
    /// The error for what is stored as an image is and is none.
    fn of_artifact(media_type: &str) -> Self {
        let reason = format!("it is no image but an artifact with a configuration of the kind {media_type:?}");
        Self::Unknown { reason, hint: None }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing | Self::NoStore { .. } => Code::SourceMissing,
            Self::StoreChanged { .. } => Code::SourceChanged,
            Self::Registry { error, .. } => match &**error {
                ArtifactError::Digest { .. } => Code::DigestMismatch,
                other => other.code(),
            },
            Self::Logins(_) | Self::Blocked { .. } => Code::RegistryDenied,
            Self::Network(_) => Code::NetworkUnusable,
            Self::Io { .. } => Code::SourceUnreadable,
            Self::Temporary { .. } => Code::TemporaryUnusable,
            Self::Unknown { .. } => Code::SourceUnknown,
            Self::Invalid { .. } | Self::Inflate { .. } => Code::ImageInvalid,
            Self::Ambiguous { .. } | Self::SeveralStored { .. } | Self::ShortName { .. } => Code::ImageAmbiguous,
            Self::Absent { .. } | Self::NotStored { .. } => Code::ImageAbsent,
            Self::Platform { .. } => Code::PlatformAbsent,
            Self::BlobMissing { .. } => Code::BlobMissing,
            Self::DigestMismatch { .. } => Code::DigestMismatch,
            Self::TooLarge { .. }
            | Self::TooLong { .. }
            | Self::TooSlow { .. }
            | Self::TooMany { .. }
            | Self::InflatesTooFar { .. } => Code::LimitExceeded,
        }
    }

    /// What to do, where more is known than goes with the code.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry { forced: false, error, .. } if error.code() == Code::ArtifactAbsent => {
                Some("check the path; or the name and the tag, if an image of a registry is meant".to_owned())
            }
            Self::Unknown { hint, .. } => hint.map(str::to_owned),
            Self::NoStore { .. } => Some(
                "name its directory with --store, or in the settings stores.containerd and stores.containers"
                    .to_owned(),
            ),
            Self::Blocked { .. } => Some("use another image, or set registry.registries_conf to false".to_owned()),
            Self::ShortName { .. } => Some("give the name with its registry".to_owned()),
            Self::SeveralStored { .. } => Some("give one of the names listed, as a whole".to_owned()),
            Self::Inflate { .. } => Some("copy or save the archive again".to_owned()),
            // Engines leave the registry out of the names they show.
            Self::Absent { wanted, names } => {
                let ends = |name: &&String| name.strip_suffix(wanted.as_str()).is_some_and(|rest| rest.ends_with('/'));
                let whole = names.iter().flatten().find(ends);
                whole.map(|name| format!("choose it with --image {name}"))
            }
            _ => None,
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

fn no_file(forced: bool) -> &'static str {
    if forced { "" } else { "there is no such file, and " }
}

fn listed_failures(mirrors: &[String]) -> String {
    mirrors.iter().flat_map(|said| [", ", said]).collect()
}

/// Where the stored bytes of a layer are.
#[derive(Debug, Clone)]
pub enum Stored {
    /// In a file.
    File(FileRange),
    /// In a registry.
    Remote(RemoteBlob),
    /// In the store of an engine, unpacked.
    Split(SplitLayer),
}

impl Stored {
    /// How many bytes there are, of a remote one as the manifest states it, and of an unpacked one as its store does.
    pub fn size(&self) -> u64 {
        match self {
            Self::File(range) => range.size(),
            Self::Remote(blob) => blob.size(),
            Self::Split(layer) => layer.size(),
        }
    }

    /// The plain bytes of what is on this machine, front to back.
    pub fn stream(&self, limits: &Limits, deadline: Deadline) -> io::Result<LayerStream> {
        match self {
            Self::File(range) => LayerStream::new(range.clone(), limits, deadline),
            Self::Split(layer) => Ok(LayerStream::of_split(layer.reader(limits)?, deadline)),
            Self::Remote(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "it has to be fetched first")),
        }
    }
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
    pub stored: Result<Stored, Diagnostic>,
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
    /// How it is run.
    pub config: ImageConfig,
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
        io::ErrorKind::NotFound => ImageError::Missing,
        _ => ImageError::Io { what: "it".to_owned(), source },
    };
    let unknown = |reason: &str, hint| ImageError::Unknown { reason: reason.to_owned(), hint };
    if path == Path::new("-") {
        return Err(unknown(PIPE, Some(FROM_PIPE)));
    }
    let metadata = std::fs::metadata(path).map_err(io_error)?;
    if metadata.is_dir() {
        let Some(layout) = layout::Layout::open(path).map_err(io_error)? else {
            return Err(unknown("it is not an image: the directory has no oci-layout file", None));
        };
        return layout::open(&layout, SourceKind::OciLayout, choice, limits);
    }
    if !metadata.is_file() {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        let pipe = kind.is_fifo() || kind.is_socket() || kind.is_char_device();
        return Err(if pipe {
            unknown(PIPE, Some(FROM_PIPE))
        } else {
            unknown("it is not an image: it is not a regular file", None)
        });
    }
    let file = File::open(path).map_err(io_error)?;
    let whole = FileRange::new(Arc::new(file), 0, metadata.len());
    let whole = archive::plain(whole, limits, quota)?;
    let archive =
        Archive::read(whole, limits).map_err(|reason| unknown(&format!("it is not an image: {reason}"), None))?;
    if archive.has("oci-layout") && archive.has("index.json") {
        let kind = if archive.has("manifest.json") { SourceKind::DockerArchive } else { SourceKind::OciArchive };
        return layout::open(&archive, kind, choice, limits).map(|image| with_damage(image, &archive));
    }
    if archive.has("manifest.json") {
        return docker::open(&archive, choice, limits).map(|image| with_damage(image, &archive));
    }
    let reason = "has neither manifest.json (docker save) nor oci-layout and index.json";
    let of_a_system = ["etc/os-release", "usr/lib/os-release", "etc/passwd", "bin/sh", "usr/bin/env"];
    Err(match archive.damage() {
        Some(damage) => ImageError::Invalid { what: "archive", reason: format!("{reason}, and {}", damage.message) },
        None if of_a_system.iter().any(|path| archive.has(path)) => {
            unknown(&format!("it is not an image but the files of a system: it {reason}"), Some(FROM_FILES))
        }
        None => unknown(&format!("it is not an image: it {reason}"), None),
    })
}

const PIPE: &str = "an image is not read from a pipe";
const FROM_PIPE: &str = "save it to a file first, and give that";
const FROM_FILES: &str = "use `scan fs`; for an image as a whole use `docker save`, not `docker export`";

/// What an argument names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Something on the disk, or nothing.
    Path,
    /// An image of a registry, as was said with a prefix or not.
    Registry {
        /// Its name.
        reference: ImageRef,
        /// The name as it was given, without tag and digest, where that names no registry and podman might know better.
        short: Option<String>,
        /// Whether a prefix said so.
        forced: bool,
    },
    /// An image in the store of an engine on this machine, as a prefix said.
    Store {
        /// Which one.
        kind: StoreKind,
        /// What it is called there.
        name: String,
    },
}

/// What ends names of files and not of images.
const OF_FILES: [&str; 10] = [".tar", ".gz", ".tgz", ".zst", ".xz", ".json", ".toml", ".oci", ".img", ".zip"];

impl Location {
    /// What an argument names: `docker://` and `registry:` lead to a registry, `containerd:`, `containers-storage:` and
    /// `podman:` to a store on this machine, whatever is on the disk; otherwise what is
    /// there counts, and a text that can be a reference and does not look like a path names an image of a registry.
    pub fn of(argument: &Path) -> Result<Self, InvalidImageRef> {
        let Some(text) = argument.to_str() else { return Ok(Self::Path) };
        if crate::reference::forced(text).is_some() {
            return image_named(text).map(|reference| Self::Registry { reference, short: None, forced: true });
        }
        if let Some((kind, name)) = StoreKind::of(text) {
            return Ok(Self::Store { kind, name: name.to_owned() });
        }
        let of_file = || OF_FILES.iter().any(|end| text.ends_with(end));
        if of_file() || std::fs::symlink_metadata(argument).is_ok() {
            return Ok(Self::Path);
        }
        let Ok(reference) = image_named(text) else { return Ok(Self::Path) };
        let short = ImageRef::short_name(text).map(str::to_owned);
        Ok(Self::Registry { reference, short, forced: false })
    }
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
    let most = MAX_LAYERS;
    if count > most { Err(ImageError::TooMany { what: "layers", count, most }) } else { Ok(()) }
}

/// Whether an image of this name is the one `wanted`: by its whole name, or by its tag.
fn is_named(name: &str, wanted: &str) -> bool {
    name == wanted || name.strip_suffix(wanted).is_some_and(|rest| rest.ends_with(':'))
}

/// Images by their names, each of which can be given to `--image` as it stands.
fn listed(images: &[Vec<String>]) -> String {
    let named = images.iter().map(|names| match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} (also {})", others.join(", ")),
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Where the blobs of an image come from.
trait Blobs {
    /// The file at `path` in the archive or directory.
    fn file(&self, path: &str) -> Result<Option<FileRange>, ImageError>;

    /// A JSON document of bounded size and, when `expected` is given, of that digest.
    fn document(
        &self,
        path: &str,
        what: &'static str,
        expected: Option<Digest>,
        limits: &Limits,
    ) -> Result<Vec<u8>, ImageError> {
        document_of(self.file(path)?, path, what, expected, limits)
    }

    /// Whether what an index names is looked at before one is chosen. A layout of one platform may keep the index of all;
    /// what it does not hold cannot be meant.
    fn holds(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(self.file(&layout::blob_path(&descriptor.digest))?.is_some())
    }

    /// Where a layer is.
    fn layer(&self, layer: &Descriptor, _: &Limits) -> Result<Stored, Diagnostic> {
        layout::stored(self.file(&layout::blob_path(&layer.digest)), layer).map(Stored::File)
    }
}

fn document_of(
    range: Option<FileRange>,
    path: &str,
    what: &'static str,
    expected: Option<Digest>,
    limits: &Limits,
) -> Result<Vec<u8>, ImageError> {
    let range = range.ok_or_else(|| ImageError::BlobMissing { what, name: path.to_owned() })?;
    if range.size() > limits.document_bytes {
        let limit = limits.exceeded(LimitKey::DocumentBytes, "bytes");
        return Err(ImageError::TooLarge { what, size: range.size(), limit });
    }
    let bytes = range
        .whole(limits.document_bytes)
        .map_err(|source| ImageError::Io { what: path.to_owned(), source })?
        .into_owned();
    let found = Digest::of(&bytes);
    match expected {
        Some(expected) if expected != found => Err(ImageError::DigestMismatch { what, expected, found }),
        _ => Ok(bytes),
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, ImageError> {
    let invalid = |reason: String| ImageError::Invalid { what, reason };
    if let Some(key) = document::misspelt_key(bytes).map_err(|error| invalid(json_reason(&error)))? {
        return Err(invalid(format!("has a key {key:?}, which engines read as one of another case")));
    }
    serde_json::from_slice(bytes).map_err(|error| invalid(json_reason(&error)))
}
