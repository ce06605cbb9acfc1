//! What a runtime is told to make: `config.json` of a bundle
//! (<https://github.com/opencontainers/runtime-spec/blob/main/config.md>).

use crate::image::document::null_as_default;
use sekisho_model::{RunningContainer, RunningMount};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    #[serde(deserialize_with = "null_as_default")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    mounts: Vec<Mount>,
    process: Option<Process>,
    linux: Option<Linux>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mount {
    destination: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "null_as_default")]
    options: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Process {
    selinux_label: String,
    apparmor_profile: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Linux {
    #[serde(deserialize_with = "null_as_default")]
    namespaces: Vec<Namespace>,
    #[serde(deserialize_with = "null_as_default")]
    masked_paths: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    readonly_paths: Vec<String>,
    seccomp: Option<serde::de::IgnoredAny>,
    rootfs_propagation: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Namespace {
    #[serde(rename = "type")]
    kind: String,
    path: String,
}

/// Where plugins keep the networks that they make.
const NETWORKS: [&str; 2] = ["/run/netns/", "/var/run/netns/"];
const PROPAGATIONS: [&str; 8] =
    ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"];

impl Spec {
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Fills in what only the runtime is told.
    pub(super) fn fill(&self, container: &mut RunningContainer) {
        container.mounts = Some(self.binds());
        let Some(linux) = &self.linux else { return };
        container.privileged = self.process.as_ref().map(|process| self.is_privileged(process, linux));
        container.host_pid = linux.of_host("pid");
        container.host_network = linux.of_host("network");
        container.host_ipc = linux.of_host("ipc");
    }

    /// What of the host is in it. Not what the kernel makes: `/proc`, `/dev`.
    fn binds(&self) -> Vec<RunningMount> {
        let binds = self.mounts.iter().filter(|mount| {
            mount.kind == "bind" || mount.options.iter().any(|option| matches!(option.as_str(), "bind" | "rbind"))
        });
        let propagation = |mount: &Mount| {
            let said = mount.options.iter().find(|option| PROPAGATIONS.contains(&option.as_str()));
            let of_root = || self.linux.as_ref().map(|linux| linux.rootfs_propagation.clone()).unwrap_or_default();
            said.cloned().unwrap_or_else(of_root)
        };
        let mount = |mount: &Mount| RunningMount {
            source: mount.source.clone(),
            dest: mount.destination.clone(),
            mode: String::new(),
            rdwr: !mount.options.iter().any(|option| option == "ro"),
            propagation: propagation(mount),
        };
        binds.map(mount).collect()
    }

    /// Where no engine says it: nothing is hidden or read-only that an engine hides unless it is told not to, and no
    /// profile holds. Falco's container plugin has it so (`go-worker/pkg/container/containerd.go` in
    /// <https://github.com/falcosecurity/plugins>).
    fn is_privileged(&self, process: &Process, linux: &Linux) -> bool {
        let of_kernel = |mount: &&Mount| matches!(mount.kind.as_str(), "sysfs" | "cgroup");
        linux.masked_paths.is_empty()
            && linux.readonly_paths.is_empty()
            && linux.seccomp.is_none()
            && process.selinux_label.is_empty()
            && matches!(process.apparmor_profile.as_str(), "" | "unconfined")
            && !self.mounts.iter().filter(of_kernel).any(|mount| mount.options.iter().any(|option| option == "ro"))
    }
}

impl Linux {
    /// Whether a namespace is the host's: none is asked for. One that is there already is another container's, or
    /// anybody's.
    fn of_host(&self, kind: &str) -> Option<bool> {
        match self.namespaces.iter().find(|namespace| namespace.kind == kind) {
            None => Some(true),
            Some(own) if own.path.is_empty() || NETWORKS.iter().any(|made| own.path.starts_with(made)) => Some(false),
            Some(_) => None,
        }
    }
}
