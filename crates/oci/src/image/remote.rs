//! The blobs of an image in a registry: short ones as they are asked for, layers as files that are verified.

use super::document::Descriptor;
use super::registry::chain;
use super::{Blobs, ImageError, Stored};
use crate::artifact::ArtifactError;
use crate::client::Repository;
use sekisho_base::Limits;
use sekisho_base::bytes::FileRange;
use sekisho_base::hash::HashingReader;
use sekisho_base::limits::{Deadline, LimitExceeded, LimitKey};
use sekisho_base::spool::{ReservedFile, SpillQuota};
use sekisho_model::{Code, Diagnostic, Digest};
use sekisho_net::{FetchError, Validators, Watch};
use std::cell::RefCell;
use std::io;
use std::sync::Arc;

/// Where requests run. Several threads may wait for theirs at once; one of them moves those of all.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) runtime: tokio::runtime::Runtime,
}

/// Why a request came to nothing.
pub(super) enum Failed {
    Error(ArtifactError),
    Late(LimitExceeded),
}

impl Failed {
    pub(super) fn error(&self) -> Option<&ArtifactError> {
        match self {
            Self::Error(error) => Some(error),
            Self::Late(_) => None,
        }
    }

    /// As the error of opening the image called `place`.
    pub(super) fn of(self, place: &str, forced: bool) -> ImageError {
        match self {
            Self::Error(error) => ImageError::Registry {
                reference: place.to_owned(),
                forced,
                mirrors: Vec::new(),
                error: Box::new(error),
            },
            Self::Late(limit) => ImageError::TooSlow { limit },
        }
    }

    fn diagnostic(&self, digest: &Digest, place: &str) -> Diagnostic {
        let what = format!("the blob {digest} of {place}");
        match self {
            Self::Late(limit) => Diagnostic::incomplete(Code::LimitExceeded, format!("getting {what} {limit}")),
            Self::Error(ArtifactError::Fetch(FetchError::Status { status, .. })) if status.as_u16() == 404 => {
                Diagnostic::incomplete(Code::BlobMissing, format!("{what} is missing"))
            }
            Self::Error(error) => {
                Diagnostic::incomplete(error.code(), format!("{what} cannot be had: {}", chain(error)))
            }
        }
    }
}

impl Wire {
    pub(super) fn run<T>(
        &self,
        deadline: Deadline,
        work: impl Future<Output = Result<T, ArtifactError>>,
    ) -> Result<T, Failed> {
        self.runtime.block_on(async {
            let result = match deadline.left() {
                None => work.await,
                Some(left) => tokio::time::timeout(left, work).await.map_err(|_| Failed::Late(deadline.exceeded()))?,
            };
            result.map_err(Failed::Error)
        })
    }
}

/// One repository, and where its requests run.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) wire: Arc<Wire>,
    pub(super) repository: Repository,
    /// What the image is called there.
    pub(super) place: String,
}

/// An image in a registry, looked at as if it were a layout.
pub(super) struct Remote<'a> {
    pub(super) line: Arc<Line>,
    pub(super) deadline: Deadline,
    /// Where files go; `None` where there are to be none.
    pub(super) quota: Option<Arc<SpillQuota>>,
    /// What was read first and what was read last: both are asked for twice.
    pub(super) known: RefCell<[(Digest, Vec<u8>); 2]>,
    /// What stands for `index.json`.
    pub(super) index: serde_json::Value,
    pub(super) limits: &'a Limits,
}

impl Remote<'_> {
    pub(super) fn run<T>(&self, work: impl Future<Output = Result<T, ArtifactError>>) -> Result<T, ImageError> {
        self.line.wire.run(self.deadline, work).map_err(|failed| failed.of(&self.line.place, true))
    }
}

impl Blobs for Remote<'_> {
    /// A document beside the image, of a length that nobody has stated.
    fn file(&self, path: &str) -> Result<Option<FileRange>, ImageError> {
        let digest = path.rsplit('/').next().and_then(|hex| Digest::from_hex(hex).ok());
        let (Some(digest), Some(quota)) = (digest, &self.quota) else { return Ok(None) };
        let most = self.limits.text_file_bytes;
        let bytes = match self.line.wire.run(self.deadline, self.line.repository.short_blob(&digest, most)) {
            Ok(bytes) => bytes,
            Err(Failed::Error(ArtifactError::Absent { .. })) => return Ok(None),
            Err(Failed::Error(ArtifactError::TooLong { .. })) => {
                let limit = self.limits.exceeded(LimitKey::TextFileBytes, "bytes of a document about the image");
                return Err(ImageError::TooLong { what: "document", limit });
            }
            Err(failed) => return Err(failed.of(&self.line.place, true)),
        };
        let unwritable = |source| ImageError::Temporary { directory: quota.directory().to_owned(), source };
        let mut file = quota.file().map_err(unwritable)?;
        file.append(&bytes).map_err(unwritable)?;
        Ok(Some(file.into_range()))
    }

    fn document(
        &self,
        path: &str,
        what: &'static str,
        expected: Option<Digest>,
        limits: &Limits,
    ) -> Result<Vec<u8>, ImageError> {
        let Some(digest) = expected else {
            // The one document without a digest; a registry has none of docker's beside it.
            let missing = || ImageError::BlobMissing { what, name: path.to_owned() };
            return if path == "index.json" { Ok(self.index.to_string().into_bytes()) } else { Err(missing()) };
        };
        if let Some((_, bytes)) = self.known.borrow().iter().find(|(known, _)| *known == digest) {
            return Ok(bytes.clone());
        }
        let (repository, most) = (&self.line.repository, limits.document_bytes);
        let read = self.line.wire.run(self.deadline, async {
            match what {
                "configuration" => repository.short_blob(&digest, most).await,
                // Whatever the registry has under this digest.
                _ => Ok(repository.manifest_of(&digest.to_string(), &format!("{what} {digest}"), "*/*", most).await?.0),
            }
        });
        if let Ok(bytes) = &read {
            self.known.borrow_mut()[1] = (digest, bytes.clone());
        }
        read.map_err(|failed| match failed {
            Failed::Error(ArtifactError::Absent { .. }) => ImageError::BlobMissing { what, name: digest.to_string() },
            Failed::Error(ArtifactError::Digest { expected, found, .. }) => {
                ImageError::DigestMismatch { what, expected, found }
            }
            Failed::Error(ArtifactError::TooLong { .. }) => {
                ImageError::TooLong { what, limit: limits.exceeded(LimitKey::DocumentBytes, "bytes") }
            }
            failed => failed.of(&self.line.place, true),
        })
    }

    /// A registry counts requests: only what the index does not tell the platform of is looked at before one is chosen.
    fn holds(&self, descriptor: &Descriptor) -> Result<bool, ImageError> {
        Ok(descriptor.is_index() || descriptor.platform.is_none())
    }

    fn layer(&self, layer: &Descriptor, limits: &Limits) -> Result<Stored, Diagnostic> {
        if layer.size == 0 {
            let message = format!("the manifest states no size of the layer {}", layer.digest);
            return Err(Diagnostic::incomplete(Code::ImageInvalid, message));
        }
        if layer.size > limits.download_bytes {
            let limit = limits.exceeded(LimitKey::DownloadBytes, "bytes");
            let message = format!("the layer {} has a size of {}: {limit}", layer.digest, layer.size);
            return Err(Diagnostic::incomplete(Code::LimitExceeded, message));
        }
        Ok(Stored::Remote(RemoteBlob { line: Arc::clone(&self.line), digest: layer.digest, size: layer.size }))
    }
}

/// A layer in a registry.
#[derive(Debug, Clone)]
pub struct RemoteBlob {
    line: Arc<Line>,
    digest: Digest,
    size: u64,
}

/// Counts bytes once, however often they come.
struct Counted<'a> {
    advance: &'a dyn Fn(u64),
    at: u64,
    told: u64,
}

impl Watch for Counted<'_> {
    fn begins(&mut self, _: &Validators, from: u64, _: Option<u64>) -> io::Result<()> {
        self.at = from;
        Ok(())
    }

    fn advance(&mut self, bytes: u64) {
        self.at += bytes;
        if self.at > self.told {
            (self.advance)(self.at - self.told);
            self.told = self.at;
        }
    }
}

impl RemoteBlob {
    /// How many bytes the manifest states.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest that the manifest states.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Gets the blob into a temporary file, once there is room for it, and compares size and digest. What is not what it
    /// should be is fetched once more.
    pub fn fetch(
        &self,
        quota: &Arc<SpillQuota>,
        deadline: Deadline,
        advance: &dyn Fn(u64),
    ) -> Result<ReservedFile, Diagnostic> {
        let Self { line, digest, size } = self;
        let unwritable = |error: io::Error| {
            let message = format!("the blob {digest} cannot be set aside in {}: {error}", quota.directory().display());
            Diagnostic::incomplete(Code::TemporaryUnusable, message)
        };
        let room = quota.reserve(*size).map_err(unwritable)?;
        let mut file = room.file().map_err(unwritable)?;
        let mut watch = Counted { advance, at: 0, told: 0 };
        let mut wrong = String::new();
        for _ in 0..2 {
            file.set_len(0).map_err(unwritable)?;
            match line.wire.run(deadline, line.repository.blob(digest, *size, &mut file, &mut watch)) {
                Ok(()) => {}
                Err(Failed::Error(ArtifactError::Fetch(FetchError::TooLarge { .. }))) => {
                    wrong = format!("has more than the {size} bytes that the manifest states");
                    continue;
                }
                Err(Failed::Error(ArtifactError::Fetch(FetchError::Write { source, .. }))) => {
                    return Err(unwritable(source));
                }
                Err(failed) => return Err(failed.diagnostic(digest, &line.place)),
            }
            let (found, bytes) = HashingReader::new(room.range().reader(), 1 << 17).finish().map_err(unwritable)?;
            let found = Digest::from(found);
            if bytes == *size && found == *digest {
                return Ok(room);
            }
            wrong = if bytes == *size {
                format!("has the digest {found}")
            } else {
                format!("has {bytes} bytes, the manifest states {size}")
            };
        }
        let message = format!("the blob {digest}, as {} sends it, {wrong}", line.place);
        Err(Diagnostic::incomplete(Code::DigestMismatch, message))
    }
}
