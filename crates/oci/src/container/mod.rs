//! What engines have written about a container that runs: its name, its image, its pod, what of the host it has.
//!
//! Only files are read, so that an answer is there before the first program of a container is judged, and no engine can
//! be kept from answering. Each engine has a module: `docker`, `storage` (podman, CRI-O) and `containerd`. An id is
//! looked for with all of them: those with 64 digits are nobody else's, whatever the cgroup is called.
//!
//! The files are written by engines, which run as root; what is in them comes in part from whoever made the image or the
//! pod. What such a stranger could say of himself is not believed where the engine says it as well: a pod is told from what
//! the engine keeps of it, never from labels, which images have too.

mod containerd;
mod cri;
mod docker;
mod spec;
mod storage;
#[cfg(test)]
mod tests;

use crate::image::store::configuration::{SYSTEM, SYSTEM_RUN, system_roots};
use sekisho_base::beneath::Directory;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::LimitKey;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Engine, RunningContainer, json_reason};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a containerd keeps its files, from the host's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containerd {
    /// What does not outlive the machine's running, `state` in its configuration.
    pub state: PathBuf,
    /// What does, `root` in its configuration.
    pub root: PathBuf,
}

/// Where podman or CRI-O keep their files, from the host's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// What does not outlive the machine's running, `runroot` in its configuration.
    pub run: PathBuf,
    /// What does, `graphroot` in its configuration.
    pub graph: PathBuf,
}

/// The engines of one host.
#[derive(Debug)]
pub struct Engines {
    root: Directory,
    limits: Limits,
    /// Where each containerd may keep its files.
    pub containerd: Vec<Containerd>,
    /// Where podman and CRI-O may keep theirs.
    pub storage: Vec<Storage>,
    /// Where each docker may keep its files.
    pub docker: Vec<PathBuf>,
}

/// Where containerd keeps its files unless its configuration says otherwise: by itself, as docker starts it, and in
/// distributions of Kubernetes that bring their own.
const CONTAINERD: &[(&str, &str)] = &[
    ("run/containerd", "var/lib/containerd"),
    ("run/docker/containerd/daemon", "var/lib/docker/containerd/daemon"),
    ("run/k3s/containerd", "var/lib/rancher/k3s/agent/containerd"),
    ("run/k3s/containerd", "var/lib/rancher/rke2/agent/containerd"),
    ("run/k0s/containerd", "var/lib/k0s/containerd"),
    ("var/snap/microk8s/common/run/containerd", "var/snap/microk8s/common/var/lib/containerd"),
];
const DOCKER: &[&str] = &["var/lib/docker", "var/snap/docker/common/var-lib-docker"];
/// Configurations of the system for podman and CRI-O, of which the first one that is there counts.
const STORAGE_FILES: &[(&str, &str)] = &[("etc/containers", "storage.conf"), ("usr/share/containers", "storage.conf")];
/// The longest name of a file, and so of a container.
const LONGEST_ID: usize = 255;

impl Engines {
    /// The engines of the host whose root directory is mounted at `root`, at the places that are theirs by default and
    /// those that the host's own configuration names; with what of that could not be understood.
    pub fn of_host(root: &Path, limits: &Limits) -> io::Result<(Self, Vec<Diagnostic>)> {
        let containerd = CONTAINERD.iter().map(|(state, root)| Containerd { state: state.into(), root: root.into() });
        let mut engines = Self {
            root: Directory::open(root)?,
            limits: limits.clone(),
            containerd: containerd.collect(),
            storage: vec![Storage { run: SYSTEM_RUN.into(), graph: SYSTEM.into() }],
            docker: DOCKER.iter().map(PathBuf::from).collect(),
        };
        let mut look = Look { engines: &engines, diagnostics: Vec::new() };
        let named = storage_of(&mut look);
        let docker: Option<docker::Daemon> =
            look.place(Path::new("etc/docker")).and_then(|place| look.document(&place, "daemon.json"));
        let diagnostics = look.diagnostics;
        engines.storage.extend(named);
        engines.docker.extend(docker.and_then(|daemon| daemon.data_root));
        Ok((engines, diagnostics))
    }

    /// What is written of the container with this whole id, which is in a cgroup as `engine` makes them. What could not be
    /// told is `None`, and a diagnostic says why: a container of which nothing is found is not one without an image.
    pub fn find(&self, id: &str, engine: Engine) -> (RunningContainer, Vec<Diagnostic>) {
        let mut look = Look { engines: self, diagnostics: Vec::new() };
        let plain = !id.is_empty() && id.len() <= LONGEST_ID && !id.contains(['/', '\0']) && !matches!(id, "." | "..");
        let found = plain.then(|| {
            let docker = docker::find(&mut look, id);
            docker.or_else(|| storage::find(&mut look, id)).or_else(|| containerd::find(&mut look, id))
        });
        let container = found.flatten().unwrap_or_else(|| {
            look.unknown(match engine {
                Engine::Docker | Engine::Containerd | Engine::Cri | Engine::CriO | Engine::Podman => {
                    "no engine has written about it where that is looked for".to_owned()
                }
                other => format!("what {} writes about its containers is not read", other.name()),
            });
            RunningContainer { engine: Some(engine), ..RunningContainer::of_id(id) }
        });
        if look.diagnostics.is_empty() && (container.name.is_none() || container.image.is_none() && !container.no_image)
        {
            look.unknown("what its engine has written does not say its name or its image".to_owned());
        }
        let name = |diagnostic: Diagnostic| Diagnostic {
            message: format!("container {}: {}", container.id, diagnostic.message),
            ..diagnostic
        };
        let diagnostics = look.diagnostics.into_iter().map(name).collect();
        (container, diagnostics)
    }
}

/// The store that the host's configuration names.
fn storage_of(look: &mut Look<'_>) -> Option<Storage> {
    let (place, text) = STORAGE_FILES.iter().find_map(|(directory, file)| {
        let place = look.place(Path::new(directory))?;
        let text = look.read(&place, file, LimitKey::DocumentBytes)?;
        Some((place, text))
    })?;
    match system_roots(&String::from_utf8_lossy(&text)) {
        Ok([None, None]) => None,
        Ok([graph, run]) => {
            Some(Storage { run: run.unwrap_or(SYSTEM_RUN.into()), graph: graph.unwrap_or(SYSTEM.into()) })
        }
        Err(reason) => {
            look.unreadable(&place.path.join("storage.conf"), &format!("is not understood: {reason}"));
            None
        }
    }
}

/// A directory of the host.
struct Place {
    directory: Directory,
    /// Where it is, from the host's root.
    path: PathBuf,
}

/// The search for one container.
struct Look<'a> {
    engines: &'a Engines,
    diagnostics: Vec<Diagnostic>,
}

impl Look<'_> {
    /// Notes that something is not known, and why.
    fn unknown(&mut self, message: String) {
        self.diagnostics.push(Diagnostic::incomplete(Code::ContainerUnknown, message));
    }

    fn unreadable(&mut self, path: &Path, reason: &str) {
        let path = path.display().to_string();
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        self.diagnostics.push(Diagnostic::incomplete(Code::ContainerUnknown, reason).at(path));
    }

    /// The directory at a path of the host, where links lead to what they would there.
    fn place(&mut self, path: &Path) -> Option<Place> {
        let opened = self.engines.root.inside(path);
        let directory = self.there(opened, path)?;
        Some(Place { directory, path: path.to_owned() })
    }

    /// A directory in a place, without following links.
    fn inner(&mut self, place: &Place, path: &str) -> Option<Place> {
        let whole = place.path.join(path);
        let opened = place.directory.directory(Path::new(path));
        let directory = self.there(opened, &whole)?;
        Some(Place { directory, path: whole })
    }

    fn file(&mut self, place: &Place, path: &str) -> Option<File> {
        let opened = place.directory.file(Path::new(path));
        self.there(opened, &place.path.join(path))
    }

    /// What was opened; that there is nothing is nothing to say.
    fn there<T>(&mut self, opened: io::Result<T>, path: &Path) -> Option<T> {
        match opened {
            Ok(opened) => Some(opened),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.unreadable(path, &format!("cannot be opened: {error}"));
                }
                None
            }
        }
    }

    /// The bytes of a file, no more than a limit.
    fn read(&mut self, place: &Place, path: &str, limit: LimitKey) -> Option<Vec<u8>> {
        let file = self.file(place, path)?;
        let most = self.engines.limits.get(limit);
        let bytes = file.metadata().and_then(|metadata| {
            let range = FileRange::new(Arc::new(file), 0, metadata.len());
            range.whole(most).map(Cow::into_owned)
        });
        match bytes {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::FileTooLarge => self.engines.limits.exceeded(limit, "bytes").to_string(),
                    _ => format!("cannot be read: {error}"),
                };
                self.unreadable(&place.path.join(path), &reason);
                None
            }
        }
    }

    /// A JSON document about one thing.
    fn document<T: DeserializeOwned>(&mut self, place: &Place, path: &str) -> Option<T> {
        let bytes = self.read(place, path, LimitKey::DocumentBytes)?;
        self.parsed(&bytes, &place.path.join(path))
    }

    /// A JSON document about all containers or images.
    fn list<T: DeserializeOwned>(&mut self, place: &Place, path: &str) -> Option<T> {
        let bytes = self.read(place, path, LimitKey::TextFileBytes)?;
        self.parsed(&bytes, &place.path.join(path))
    }

    fn parsed<T: DeserializeOwned>(&mut self, bytes: &[u8], path: &Path) -> Option<T> {
        let parsed = serde_json::from_slice(bytes);
        parsed.map_err(|error| self.unreadable(path, &json_reason(&error))).ok()
    }
}

/// What engines leave empty they do not know.
fn said(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Labels as they are told.
fn labels(labels: BTreeMap<String, String>) -> Vec<(String, String)> {
    labels.into_iter().collect()
}

/// A moment as RFC 3339 has it, in nanoseconds since 1970.
fn moment(text: &str) -> Option<u64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

/// The first name that says more than a digest does; otherwise the first there is.
fn best_name<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let mut there = names.filter(|name| !name.is_empty());
    let named = there.clone().find(|name| {
        let mut image = RunningContainer::default();
        image.set_image(name);
        image.image_repository.is_some()
    });
    named.or_else(|| there.next())
}

/// The digits of a digest of SHA-256, with or without its algorithm before them.
fn digits(digest: &str) -> Option<String> {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    RunningContainer::is_number(digits).then(|| digits.to_owned())
}
