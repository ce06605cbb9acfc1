//! What the kubelet asks engines for, as they keep it: the configuration of a container or a pod in the names of the
//! Container Runtime Interface (<https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto>).

use crate::image::document::null_as_default;
use sekisho_model::RunningMount;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `ContainerConfig` or `PodSandboxConfig`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) metadata: Metadata,
    pub(super) image: Image,
    #[serde(deserialize_with = "null_as_default")]
    mounts: Vec<Mount>,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) labels: BTreeMap<String, String>,
    linux: Linux,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Image {
    /// What the engine is asked for: with newer kubelets the digest of the configuration.
    pub(super) image: String,
    /// What stands in the pod.
    pub(super) user_specified_image: String,
}

/// A directory of the host in a container.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mount {
    container_path: String,
    host_path: String,
    readonly: bool,
    propagation: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Linux {
    security_context: SecurityContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SecurityContext {
    privileged: bool,
    namespace_options: Namespaces,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Namespaces {
    network: i32,
    pid: i32,
    ipc: i32,
}

/// `NamespaceMode`: the node's.
const NODE: i32 = 2;

impl Config {
    pub(super) fn privileged(&self) -> bool {
        self.linux.security_context.privileged
    }

    /// Whether processes, network and shared memory are the host's.
    pub(super) fn of_host(&self) -> [bool; 3] {
        let Namespaces { network, pid, ipc } = self.linux.security_context.namespace_options;
        [pid, network, ipc].map(|mode| mode == NODE)
    }

    pub(super) fn mounts(&self) -> Vec<RunningMount> {
        self.mounts.iter().map(Mount::told).collect()
    }
}

impl Mount {
    pub(super) fn told(&self) -> RunningMount {
        let propagation = match self.propagation {
            0 => "private",
            1 => "rslave",
            2 => "rshared",
            _ => "unknown",
        };
        RunningMount {
            source: self.host_path.clone(),
            dest: self.container_path.clone(),
            mode: String::new(),
            rdwr: !self.readonly,
            propagation: propagation.to_owned(),
        }
    }
}
