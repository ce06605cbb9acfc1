//! Images in the stores of container engines on this machine, or on a disk of another that is mounted here: read as files,
//! without a daemon, a lock or a change.
//!
//! Owns which stores there are and which image of one a name means; what lies in one is [`containerd`]'s and
//! [`containers`]'s.

pub(crate) mod configuration;
pub(crate) mod containerd;
mod containers;
mod split;

pub use configuration::StorageFiles;
pub use split::{SplitLayer, SplitReader};

use super::{Choice, ImageError, OpenImage};
use sekisho_base::Limits;
use sekisho_model::Digest;
use std::path::PathBuf;

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// containerd's content store, of which Kubernetes, nerdctl and `ctr` are users.
    Containerd,
    /// `containers/storage`, of podman, buildah and CRI-O.
    Containers,
}

impl StoreKind {
    /// The store that the prefix of `text` names, and what it is asked for. `podman:` is what Syft calls the second one.
    pub(super) fn of(text: &str) -> Option<(Self, &str)> {
        let kinds = [
            ("containerd:", Self::Containerd),
            ("containers-storage:", Self::Containers),
            ("podman:", Self::Containers),
        ];
        kinds.into_iter().find_map(|(prefix, kind)| Some((kind, text.strip_prefix(prefix)?)))
    }
}

/// Where stores are.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    /// containerd's root directory.
    pub containerd: PathBuf,
    /// Root directories of containers/storage, the first one first; where there are none, [`Stores::files`] says where they
    /// are.
    pub containers: Vec<PathBuf>,
    /// What podman would look at.
    pub files: StorageFiles,
}

impl Stores {
    /// Opens the image that a store calls `name`: its documents are read and verified, its layers are not.
    pub fn open(&self, kind: StoreKind, name: &str, choice: &Choice, limits: &Limits) -> Result<OpenImage, ImageError> {
        match kind {
            StoreKind::Containerd => containerd::open(&self.containerd, name, choice, limits),
            StoreKind::Containers if self.containers.is_empty() => {
                containers::open(&self.files.roots(limits)?, name, choice, limits)
            }
            StoreKind::Containers => containers::open(&self.containers, name, choice, limits),
        }
    }
}

/// An image of a store, as far as it can be named.
#[derive(Debug, Default)]
struct Listed {
    /// The part of the store that it is in, which may stand before its name; empty where there are no parts.
    namespace: String,
    names: Vec<String>,
    /// Digests that may follow a name and an `@`.
    digests: Vec<Digest>,
    /// Digests, in hexadecimal digits, whose beginning names the image.
    ids: Vec<String>,
}

/// The fewest digits that may stand for a digest.
const MIN_ID: usize = 4;

/// How well `wanted` names what is called `name`: 0 for as a whole, 1 for the end of it, as `nginx` does
/// `docker.io/library/nginx:latest`.
fn rank(name: &str, wanted: &str) -> Option<u8> {
    let last = wanted.rsplit('/').next().unwrap_or_default();
    let whole = if last.contains([':', '@']) { wanted.to_owned() } else { format!("{wanted}:latest") };
    let ends = || name.strip_suffix(whole.as_str()).is_some_and(|rest| rest.ends_with('/'));
    if name == wanted || name == whole {
        return Some(0);
    }
    (!wanted.is_empty() && ends()).then_some(1)
}

/// A name without its tag.
fn repository(name: &str) -> &str {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

impl Listed {
    /// How this image may be named, for people who chose another.
    fn label(&self) -> String {
        let id = || self.ids.first().map_or_else(String::new, |id| id.chars().take(12).collect());
        let name = self.names.first().cloned().unwrap_or_else(id);
        if self.namespace.is_empty() { name } else { format!("{}/{name}", self.namespace) }
    }

    fn rank(&self, wanted: &str) -> Option<u8> {
        let inside = wanted.strip_prefix(self.namespace.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let inside = inside.filter(|_| !self.namespace.is_empty());
        [Some(wanted), inside].into_iter().flatten().filter_map(|wanted| self.rank_here(wanted)).min()
    }

    fn rank_here(&self, wanted: &str) -> Option<u8> {
        let by_name = self.names.iter().filter_map(|name| rank(name, wanted)).min();
        let by_digest = || {
            let (name, digest) = wanted.split_once('@')?;
            let digest: Digest = digest.parse().ok()?;
            // A tag beside a digest says nothing.
            let name = format!("{}:", repository(name));
            let ranks = self.names.iter().filter_map(|own| rank(&format!("{}:", repository(own)), &name));
            ranks.min().filter(|_| self.digests.contains(&digest))
        };
        let by_id = || {
            let hex = wanted.strip_prefix("sha256:").unwrap_or(wanted);
            let sound = hex.len() >= MIN_ID && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            (sound && self.ids.iter().any(|id| id.starts_with(hex))).then_some(2)
        };
        by_name.or_else(by_digest).or_else(by_id)
    }
}

/// Which of `images` is meant. Those of one key are one image.
fn choose<K: PartialEq>(images: Vec<(K, Listed)>, wanted: &str) -> Result<K, ImageError> {
    let ranks: Vec<Option<u8>> = images.iter().map(|(_, image)| image.rank(wanted)).collect();
    let labels = |images: &mut dyn Iterator<Item = &(K, Listed)>| {
        let mut names: Vec<String> = images.map(|(_, image)| image.label()).collect();
        names.sort();
        names.dedup();
        names
    };
    let absent = |names| ImageError::NotStored { wanted: wanted.to_owned(), names };
    let Some(best) = ranks.iter().flatten().min().copied() else { return Err(absent(labels(&mut images.iter()))) };
    let fitting = images.into_iter().zip(ranks).filter(|(_, rank)| *rank == Some(best)).map(|(image, _)| image);
    let mut fitting: Vec<_> = fitting.collect();
    let several = fitting.iter().any(|(key, _)| *key != fitting[0].0);
    if several {
        return Err(ImageError::SeveralStored { wanted: wanted.to_owned(), names: labels(&mut fitting.iter()) });
    }
    fitting.pop().map(|(key, _)| key).ok_or_else(|| absent(Vec::new()))
}

/// As many of `names` as can be looked through.
pub(super) fn some_of(names: &[String]) -> String {
    const MOST: usize = 10;
    let more = names.len().saturating_sub(MOST);
    let shown = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests;
