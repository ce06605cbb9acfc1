//! Docker: `containers/ID/config.v2.json` and `hostconfig.json` below its root, both there before a container starts
//! (<https://github.com/moby/moby/blob/master/daemon/container/container.go>), and the names of images.

use super::{Look, Place, best_name, digits, labels, moment, said};
use crate::image::document::null_as_default;
use sekisho_model::{Engine, ImageRef, RunningContainer, RunningMount};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `/etc/docker/daemon.json`.
#[derive(Deserialize)]
pub(super) struct Daemon {
    #[serde(default, rename = "data-root", alias = "graph")]
    pub(super) data_root: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Document {
    name: String,
    created: String,
    /// The digest of the image's configuration; where images are containerd's, of its manifest or index.
    image: String,
    driver: String,
    config: Config,
    /// Only there where images are containerd's.
    image_manifest: Option<serde::de::IgnoredAny>,
    #[serde(deserialize_with = "null_as_default")]
    mount_points: BTreeMap<String, MountPoint>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    image: String,
    #[serde(deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct MountPoint {
    source: String,
    destination: String,
    #[serde(rename = "RW")]
    rw: bool,
    /// A volume.
    name: String,
    driver: String,
    /// Called `Mode` by `docker inspect`.
    relabel: String,
    propagation: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfig {
    privileged: bool,
    network_mode: String,
    pid_mode: String,
    ipc_mode: String,
}

/// `image/DRIVER/repositories.json`: names with a tag or a digest, and the images that they are of.
#[derive(Deserialize)]
struct Repositories {
    #[serde(rename = "Repositories", deserialize_with = "null_as_default")]
    repositories: BTreeMap<String, BTreeMap<String, String>>,
}

/// How many directories of remapped users are looked into.
const MOST_REMAPPED: u64 = 1000;

pub(super) fn find(look: &mut Look<'_>, id: &str) -> Option<RunningContainer> {
    let places = look.engines.docker.clone();
    let mut roots: Vec<Place> = places.iter().filter_map(|path| look.place(path)).collect();
    let remapped: Vec<Place> = roots.iter().flat_map(|root| remapped(look, root)).collect();
    roots.extend(remapped);
    let root = roots.into_iter().find(|root| root.directory.directory(&of_container(id)).is_ok())?;
    let document: Option<Document> = look.document(&root, &format!("containers/{id}/config.v2.json"));
    let host: Option<HostConfig> = look.document(&root, &format!("containers/{id}/hostconfig.json"));
    let mut container = RunningContainer { engine: Some(Engine::Docker), ..RunningContainer::of_id(id) };
    if let Some(host) = host {
        container.privileged = Some(host.privileged);
        let of_host = |mode: &str| (!mode.starts_with("container:")).then_some(mode == "host");
        container.host_pid = of_host(&host.pid_mode);
        container.host_network = of_host(&host.network_mode);
        container.host_ipc = of_host(&host.ipc_mode);
    }
    if let Some(document) = document {
        fill(look, &root, document, &mut container);
    }
    Some(container)
}

fn of_container(id: &str) -> PathBuf {
    ["containers", id].iter().collect()
}

/// With users remapped, everything is in directories that are called by the user and group that root is (`231072.231072`).
fn remapped(look: &mut Look<'_>, root: &Place) -> Vec<Place> {
    let Ok(entries) = root.directory.entries(MOST_REMAPPED) else { return Vec::new() };
    let is_pair = |name: &str| {
        let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        name.split_once('.').is_some_and(|(user, group)| number(user) && number(group))
    };
    let names = entries.iter().filter_map(|(name, _)| name.to_str()).filter(|name| is_pair(name));
    names.filter_map(|name| look.inner(root, name)).collect()
}

fn fill(look: &mut Look<'_>, root: &Place, document: Document, container: &mut RunningContainer) {
    let Document { name, created, image, driver, config, image_manifest, mount_points } = document;
    container.created = moment(&created);
    container.mounts = Some(mount_points.into_values().map(|mount| mount.told(root)).collect());
    name_image(look, root, &config.image, &image, &driver, image_manifest.is_some(), container);
    let name = name.trim_start_matches('/');
    // What the kubelet has made is called by container, pod, namespace, UID and attempt. Labels may be the image's.
    let parts: Vec<&str> = name.split('_').collect();
    if let ["k8s", own, pod, namespace, uid, _, ..] = parts.as_slice() {
        container.sandbox = *own == "POD";
        container.name = said(if container.sandbox { pod } else { own });
        container.pod_name = said(pod);
        container.pod_namespace = said(namespace);
        container.pod_uid = said(uid);
        let sandbox = config.labels.get("io.kubernetes.sandbox.id").filter(|id| RunningContainer::is_number(id));
        if container.sandbox {
            container.sandbox_id.clone_from(&container.full_id);
            container.sandbox_labels = Some(of_pod(&config.labels));
        } else if let Some(id) = sandbox {
            container.sandbox_id = Some(id.clone());
            let pod: Option<Document> = look.document(root, &format!("containers/{id}/config.v2.json"));
            container.sandbox_labels = pod.map(|pod| of_pod(&pod.config.labels));
        }
    } else {
        container.name = said(name);
        container.no_pod = true;
    }
    container.labels = Some(labels(config.labels));
}

/// Annotations are kept among labels.
fn of_pod(labels: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let own = labels.iter().filter(|(key, _)| !key.starts_with("annotation."));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn name_image(
    look: &mut Look<'_>,
    root: &Place,
    written: &str,
    digest: &str,
    driver: &str,
    of_containerd: bool,
    container: &mut RunningContainer,
) {
    if of_containerd {
        container.set_image(written);
        container.image_digest = Some(digest.to_owned()).filter(|digest| digits(digest).is_some());
        look.unknown("its image is in containerd's store, where docker does not say what its id is".to_owned());
        return;
    }
    container.image_id = digits(digest);
    let plain = !driver.is_empty() && driver.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let known: Option<Repositories> =
        plain.then(|| look.list(root, &format!("image/{driver}/repositories.json"))).flatten();
    if container.image_id.is_none() {
        look.unknown("docker does not say by its digest which image it is of".to_owned());
    } else if known.is_none() {
        look.unknown(format!("docker's list of images cannot be read, so that the digest of {written} is not known"));
    }
    let known = known.map(|known| known.repositories).unwrap_or_default();
    let names = known.values().flatten().filter(|(_, image)| *image == digest).map(|(name, _)| name.as_str());
    if let Some(name) = best_name([written].into_iter().chain(names.clone().filter(|name| !name.contains('@')))) {
        container.set_image(name);
    }
    // The same image may have been pulled by several names, with a digest each.
    let digests: Vec<(&str, &str)> = names.filter_map(|name| name.split_once('@')).collect();
    let repository = container.image_repository.as_deref().and_then(in_full);
    let own = digests.iter().find(|(name, _)| repository.is_some() && in_full(name) == repository);
    let only = || digests.first().filter(|_| digests.len() == 1);
    container.image_digest = own.or_else(only).map(|(_, digest)| (*digest).to_owned());
}

/// Registry and repository, which docker leaves out where they are its own.
fn in_full(name: &str) -> Option<(String, String)> {
    ImageRef::familiar(name).ok().map(|reference| (reference.registry, reference.repository))
}

impl MountPoint {
    fn told(self, root: &Place) -> RunningMount {
        let Self { mut source, destination, rw, name, driver, relabel, propagation } = self;
        if source.is_empty() && driver == "local" {
            source = format!("/{}/volumes/{name}/_data", root.path.display().to_string().trim_start_matches('/'));
        }
        RunningMount { source, dest: destination, mode: relabel, rdwr: rw, propagation }
    }
}
