//! The table of checks: which there are at which level, since when, and which one takes the place of which.

use super::fault::Fault;
use super::view::View;
use super::{Level, Standard, Version, Violation};
use super::{baseline, restricted};

/// A check as it is from one version on, until the next one of the same name.
pub(super) struct Check {
    pub(super) id: &'static str,
    pub(super) level: Level,
    /// The minor version.
    pub(super) since: u32,
    /// The check of the level below that need not be run beside this one.
    pub(super) replaces: Option<&'static str>,
    run: fn(&View<'_>) -> Option<Fault>,
}

const fn baseline(id: &'static str, since: u32, run: fn(&View<'_>) -> Option<Fault>) -> Check {
    Check { id, level: Level::Baseline, since, replaces: None, run }
}

const fn restricted(id: &'static str, since: u32, run: fn(&View<'_>) -> Option<Fault>) -> Check {
    Check { id, level: Level::Restricted, since, replaces: None, run }
}

impl Check {
    const fn replacing(self, id: &'static str) -> Self {
        Self { replaces: Some(id), ..self }
    }
}

/// All of them, in the order of the server's messages: by level, then by name; of one name the oldest first. In two the
/// server changed what a version is afterwards, for all versions: `AppArmor` profiles in fields (Kubernetes 1.30) and
/// volumes of images (1.33).
pub(super) static CHECKS: &[Check] = &[
    baseline("appArmorProfile", 0, baseline::app_armor),
    baseline("capabilities_baseline", 0, baseline::capabilities),
    baseline("hostNamespaces", 0, baseline::host_namespaces),
    baseline("hostPathVolumes", 0, baseline::host_path_volumes),
    baseline("hostPorts", 0, baseline::host_ports),
    baseline("hostProbesAndHostLifecycle", 34, baseline::hosts_of_probes),
    baseline("privileged", 0, baseline::privileged),
    baseline("procMount", 0, baseline::proc_mount),
    baseline("procMount", 35, |pod| unless(pod.own_users, baseline::proc_mount, pod)),
    baseline("seLinuxOptions", 0, |pod| baseline::selinux(pod, 0)),
    baseline("seLinuxOptions", 31, |pod| baseline::selinux(pod, 31)),
    baseline("seccompProfile_baseline", 0, baseline::seccomp_annotations),
    baseline("seccompProfile_baseline", 19, baseline::seccomp),
    baseline("sysctls", 0, |pod| baseline::sysctls(pod, 0)),
    baseline("sysctls", 27, |pod| baseline::sysctls(pod, 27)),
    baseline("sysctls", 29, |pod| baseline::sysctls(pod, 29)),
    baseline("sysctls", 32, |pod| baseline::sysctls(pod, 32)),
    baseline("sysctls", 37, |pod| baseline::sysctls(pod, 37)),
    baseline("windowsHostProcess", 0, baseline::windows_host_process),
    restricted("allowPrivilegeEscalation", 8, restricted::privilege_escalation),
    restricted("allowPrivilegeEscalation", 25, |pod| unless(pod.windows, restricted::privilege_escalation, pod)),
    restricted("capabilities_restricted", 22, restricted::capabilities).replacing("capabilities_baseline"),
    restricted("capabilities_restricted", 25, |pod| unless(pod.windows, restricted::capabilities, pod))
        .replacing("capabilities_baseline"),
    restricted("procMount_restricted", 35, baseline::proc_mount).replacing("procMount"),
    restricted("restrictedVolumes", 0, restricted::volumes).replacing("hostPathVolumes"),
    restricted("runAsNonRoot", 0, restricted::run_as_non_root),
    restricted("runAsNonRoot", 35, |pod| unless(pod.own_users, restricted::run_as_non_root, pod)),
    restricted("runAsUser", 23, restricted::run_as_user),
    restricted("runAsUser", 35, |pod| unless(pod.own_users, restricted::run_as_user, pod)),
    restricted("seccompProfile_restricted", 19, restricted::seccomp).replacing("seccompProfile_baseline"),
    restricted("seccompProfile_restricted", 25, |pod| unless(pod.windows, restricted::seccomp, pod))
        .replacing("seccompProfile_baseline"),
];

/// A check of which some pods are exempt.
fn unless(exempt: bool, run: fn(&View<'_>) -> Option<Fault>, pod: &View<'_>) -> Option<Fault> {
    if exempt { None } else { run(pod) }
}

/// The checks of `standard`.
pub(super) fn checks(standard: Standard) -> impl Iterator<Item = &'static Check> {
    let minor = match standard.version {
        Version::V1(minor) => minor,
        Version::Latest => u32::MAX,
    };
    let of_version = move || {
        let by_name = CHECKS.chunk_by(|one, next| one.id == next.id);
        let newest = by_name.filter_map(move |versions| versions.iter().rfind(|check| check.since <= minor));
        newest.filter(move |check| check.level <= standard.level)
    };
    of_version().filter(move |check| of_version().all(|other| other.replaces != Some(check.id)))
}

/// What the checks of `standard` find.
pub(super) fn run(pod: &View<'_>, standard: Standard) -> Vec<Violation> {
    let violation = |check: &Check| {
        let Fault { reason, detail, paths } = (check.run)(pod)?;
        Some(Violation { check: check.id, reason, detail, paths })
    };
    checks(standard).filter_map(violation).collect()
}
