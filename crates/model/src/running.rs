//! Containers that run: what their engine has said or written about them.

use std::fmt;

/// What runs containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Engine {
    Docker,
    Lxc,
    Libvirt,
    Mesos,
    Rkt,
    Custom,
    Cri,
    Containerd,
    CriO,
    Bpm,
    Static,
    Podman,
}

impl Engine {
    /// All of them, in the order of their numbers in events that Falco records.
    pub const ALL: [Self; 12] = [
        Self::Docker,
        Self::Lxc,
        Self::Libvirt,
        Self::Mesos,
        Self::Rkt,
        Self::Custom,
        Self::Cri,
        Self::Containerd,
        Self::CriO,
        Self::Bpm,
        Self::Static,
        Self::Podman,
    ];

    /// The name, as Falco's `container.type` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Lxc => "lxc",
            Self::Libvirt => "libvirt-lxc",
            Self::Mesos => "mesos",
            Self::Rkt => "rkt",
            Self::Custom => "custom",
            Self::Cri => "cri",
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Bpm => "bpm",
            Self::Static => "static",
            Self::Podman => "podman",
        }
    }
}

/// A directory of the host or a volume in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningMount {
    /// Path on the host.
    pub source: String,
    /// Path in the container.
    pub dest: String,
    /// Options as they were given, where the engine keeps them: `ro`, `z`.
    pub mode: String,
    /// Whether it can be written to.
    pub rdwr: bool,
    /// `rprivate`, `rslave`, `rshared` and the like; empty where nothing is said.
    pub propagation: String,
}

/// As Falco writes it: `source:dest:mode:rdwr:propagation`.
impl fmt::Display for RunningMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, dest, mode, rdwr, propagation } = self;
        write!(f, "{source}:{dest}:{mode}:{rdwr}:{propagation}")
    }
}

/// What is known of a container that runs. What was not told is `None`, also where a list was: that is not the same as
/// none being there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningContainer {
    /// The id as it is shown: its first 12 digits, or the whole where it is no such number.
    pub id: String,
    /// The whole id.
    pub full_id: Option<String>,
    /// What runs it.
    pub engine: Option<Engine>,
    /// Its name; in a pod its name there, and of what holds the pod's namespaces the pod's.
    pub name: Option<String>,
    /// The image as the container names it.
    pub image: Option<String>,
    /// The digest of the image's configuration, in hexadecimal digits; with engines that keep images of Docker and OCI in
    /// one store, of the manifest.
    pub image_id: Option<String>,
    /// `image` without tag and digest.
    pub image_repository: Option<String>,
    /// The tag in `image`.
    pub image_tag: Option<String>,
    /// The digest of the manifest, or of the index that leads to it, as a registry has it: `sha256:…`.
    pub image_digest: Option<String>,
    /// Whether nearly nothing keeps it from the host.
    pub privileged: Option<bool>,
    /// Whether it is among the host's processes.
    pub host_pid: Option<bool>,
    /// Whether it has the host's network.
    pub host_network: Option<bool>,
    /// Whether it has the host's shared memory.
    pub host_ipc: Option<bool>,
    /// Its address, in a pod the pod's.
    pub ip: Option<String>,
    /// The interfaces that its network plugin made, as JSON.
    pub cni: Option<String>,
    /// Directories of the host and volumes in it.
    pub mounts: Option<Vec<RunningMount>>,
    /// Its labels; with most engines those of its image are among them.
    pub labels: Option<Vec<(String, String)>>,
    /// Whether it is known to be in no pod of Kubernetes.
    pub no_pod: bool,
    /// Whether it was made of a directory, so that it has no image.
    pub no_image: bool,
    /// The name of its pod.
    pub pod_name: Option<String>,
    /// The namespace of its pod.
    pub pod_namespace: Option<String>,
    /// The UID of its pod.
    pub pod_uid: Option<String>,
    /// The whole id of the container that holds the namespaces of its pod.
    pub sandbox_id: Option<String>,
    /// The labels of its pod.
    pub sandbox_labels: Option<Vec<(String, String)>>,
    /// Whether it is that container itself, and runs nothing else.
    pub sandbox: bool,
    /// When it was made, nanoseconds since 1970.
    pub created: Option<u64>,
}

/// How many digits of a container's id are shown.
const SHORT: usize = 12;

impl RunningContainer {
    /// A container of which only the whole id is known.
    pub fn of_id(full: &str) -> Self {
        Self { id: Self::short_id(full).to_owned(), full_id: Some(full.to_owned()), ..Self::default() }
    }

    /// The beginning of an id that is shown: of 64 hexadecimal digits the first 12, of any other text the whole.
    pub fn short_id(full: &str) -> &str {
        if Self::is_number(full) { &full[..SHORT] } else { full }
    }

    /// Whether an id is one of the numbers that most engines make up.
    pub fn is_number(id: &str) -> bool {
        id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// One label of it.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().flatten().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Takes what the container names its image by, with the repository and tag in it. What names no repository, as a
    /// digest alone, is only taken as it stands.
    pub fn set_image(&mut self, image: &str) {
        self.image = Some(image.to_owned());
        (self.image_repository, self.image_tag) = (None, None);
        let name = image.split_once('@').map_or(image, |(name, _)| name);
        let is_digest = |name: &str| matches!(name.split_once(':'), Some(("sha256" | "sha512", _)));
        if name.is_empty() || is_digest(name) || Self::is_number(name) {
            return;
        }
        match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => {
                self.image_repository = Some(repository.to_owned());
                self.image_tag = Some(tag.to_owned());
            }
            _ => self.image_repository = Some(name.to_owned()),
        }
    }

    /// How much memory it takes, about.
    pub fn size(&self) -> usize {
        let texts = [
            &self.full_id,
            &self.name,
            &self.image,
            &self.image_id,
            &self.image_repository,
            &self.image_tag,
            &self.image_digest,
            &self.ip,
            &self.cni,
            &self.pod_name,
            &self.pod_namespace,
            &self.pod_uid,
            &self.sandbox_id,
        ];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let of_mount = |mount: &RunningMount| {
            let RunningMount { source, dest, mode, propagation, rdwr: _ } = mount;
            size_of::<RunningMount>() + source.len() + dest.len() + mode.len() + propagation.len()
        };
        let mounts: usize = self.mounts.iter().flatten().map(of_mount).sum();
        let labels = self.labels.iter().chain(&self.sandbox_labels).flatten();
        let labels: usize = labels.map(|(key, value)| 48 + key.len() + value.len()).sum();
        size_of::<Self>() + self.id.len() + texts + mounts + labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart_as_they_are_written() {
        let check = |image: &str, repository: Option<&str>, tag: Option<&str>| {
            let mut container = RunningContainer::default();
            container.set_image("earlier:1");
            container.set_image(image);
            assert_eq!(container.image.as_deref(), Some(image));
            assert_eq!(container.image_repository.as_deref(), repository, "{image}");
            assert_eq!(container.image_tag.as_deref(), tag, "{image}");
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        check("nginx", Some("nginx"), None);
        check("docker.io/library/nginx:1.25", Some("docker.io/library/nginx"), Some("1.25"));
        check("localhost:5000/shop/web", Some("localhost:5000/shop/web"), None);
        check("localhost:5000/shop/web:2", Some("localhost:5000/shop/web"), Some("2"));
        check(&format!("h.x/web:2@{digest}"), Some("h.x/web"), Some("2"));
        check(&format!("h.x/web@{digest}"), Some("h.x/web"), None);
        check(&digest, None, None);
        check(&"a".repeat(64), None, None);
        check("", None, None);
    }

    #[test]
    fn ids_are_shown_short() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(RunningContainer::of_id(&id).id, "0123456789ab");
        assert_eq!(RunningContainer::of_id("web").id, "web");
    }
}
