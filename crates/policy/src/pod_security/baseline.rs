//! The checks of the level `baseline`.

use super::fault::{Culprits, Fault, go_quoted, plural, quoted, quoted_set, uses};
use super::view::{APP_ARMOR, Context, HOST_PATH, SECCOMP_CONTAINER, SECCOMP_POD, Selinux, View};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Capabilities that runtimes give, or that do no more.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Types of `SELinux`, and the minor version since which they are allowed.
const SELINUX_TYPES: [(&str, u32); 5] =
    [("", 0), ("container_t", 0), ("container_init_t", 0), ("container_kvm_t", 0), ("container_engine_t", 31)];

/// Sysctls that touch nothing but their pod, and the minor version since which they are allowed.
const SYSCTLS: [(&str, u32); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_notsent_lowat", 37),
];

fn is_in(table: &[(&str, u32)], name: &str, minor: u32) -> bool {
    table.iter().any(|(known, since)| *known == name && *since <= minor)
}

/// Whether an `AppArmor` or seccomp profile of this type confines.
pub(super) fn confines(profile: &str) -> bool {
    matches!(profile, "RuntimeDefault" | "Localhost")
}

pub(super) fn app_armor(pod: &View<'_>) -> Option<Fault> {
    let mut values = BTreeSet::new();
    let mut culprits = Culprits::setting(pod, |context| {
        let profile = context.app_armor.filter(|profile| !confines(profile));
        values.extend(profile);
        profile.map(|_| "appArmorProfile.type")
    });
    let mut annotations = BTreeSet::new();
    for (container, profile) in pod.annotations(APP_ARMOR) {
        if !profile.is_empty() && profile != "runtime/default" && !profile.starts_with("localhost/") {
            culprits.at(&format!("metadata.annotations[{APP_ARMOR}{container}]"));
            annotations.insert(format!("{APP_ARMOR}{container}={}", go_quoted(profile)));
        }
    }
    let reason = match values.len() + annotations.len() {
        1 => "forbidden AppArmor profile",
        _ => "forbidden AppArmor profiles",
    };
    culprits.fault(reason, |culprits| {
        let in_fields = (!values.is_empty()).then(|| culprits.setters());
        let in_annotations = (!annotations.is_empty()).then(|| plural("annotation", annotations.len()));
        let setters: Vec<String> = in_fields.into_iter().chain(in_annotations).collect();
        let values = values.into_iter().chain(annotations.iter().map(String::as_str));
        format!("{} must not set AppArmor profile type to {}", setters.join(" and "), quoted(values))
    })
}

pub(super) fn capabilities(pod: &View<'_>) -> Option<Fault> {
    let (culprits, names) = added_capabilities(pod, &CAPABILITIES);
    culprits.fault("non-default capabilities", |culprits| added_capabilities_detail(culprits, &names))
}

/// Who adds capabilities beyond `allowed`, and which.
pub(super) fn added_capabilities<'v, 'a>(pod: &'v View<'a>, allowed: &[&str]) -> (Culprits<'v, 'a>, BTreeSet<&'a str>) {
    let mut culprits = Culprits::of(pod);
    let mut names = BTreeSet::new();
    for container in &pod.containers {
        let mut is_culprit = false;
        for (index, name) in container.added().filter(|(_, name)| !allowed.contains(name)) {
            culprits.within(container, &format!("securityContext.capabilities.add[{index}]"));
            names.insert(name);
            is_culprit = true;
        }
        if is_culprit {
            culprits.containers.push(container.name);
        }
    }
    (culprits, names)
}

pub(super) fn added_capabilities_detail(culprits: &Culprits<'_, '_>, names: &BTreeSet<&str>) -> String {
    let (containers, names) = (culprits.containers(), quoted_set(names));
    format!("{containers} must not include {names} in securityContext.capabilities.add")
}

pub(super) fn host_namespaces(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    let mut shared = Vec::new();
    for (is_shared, name) in [(pod.host_network, "hostNetwork"), (pod.host_pid, "hostPID"), (pod.host_ipc, "hostIPC")] {
        if is_shared {
            culprits.pod(&format!("spec.{name}"));
            shared.push(format!("{name}=true"));
        }
    }
    culprits.fault("host namespaces", |_| shared.join(", "))
}

pub(super) fn host_path_volumes(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    let mut names = Vec::new();
    for (index, volume) in pod.volumes.iter().enumerate().filter(|(_, volume)| volume.is(HOST_PATH)) {
        culprits.at(&format!("spec.volumes[{index}].{HOST_PATH}"));
        names.push(volume.name);
    }
    culprits.fault("hostPath volumes", |_| format!("{} {}", plural("volume", names.len()), quoted(names)))
}

pub(super) fn host_ports(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    // In the order of texts, as the server has them.
    let mut ports = BTreeSet::new();
    for container in &pod.containers {
        for (index, port) in &container.host_ports {
            culprits.within(container, &format!("ports[{index}].hostPort"));
            ports.insert(port.to_string());
        }
        if !container.host_ports.is_empty() {
            culprits.containers.push(container.name);
        }
    }
    culprits.fault("hostPort", |culprits| {
        let uses = uses(culprits.containers.len());
        let count = ports.len();
        let ports: Vec<String> = ports.into_iter().collect();
        format!("{} {uses} {} {}", culprits.containers(), plural("hostPort", count), ports.join(", "))
    })
}

pub(super) fn hosts_of_probes(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    let mut containers = BTreeSet::new();
    let mut hosts = BTreeSet::new();
    for container in &pod.containers {
        for (path, host) in &container.hosts {
            culprits.at(path);
            containers.insert(container.name);
            hosts.insert(*host);
        }
    }
    culprits.fault("probe or lifecycle host", |_| {
        format!(
            "{} {} {} {} {}",
            plural("container", containers.len()),
            quoted_set(&containers),
            uses(containers.len()),
            plural("probe or lifecycle host", hosts.len()),
            quoted_set(&hosts)
        )
    })
}

pub(super) fn privileged(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    for container in pod.containers.iter().filter(|container| container.privileged) {
        culprits.container(container, "securityContext.privileged");
    }
    culprits.fault("privileged", |culprits| {
        format!("{} must not set securityContext.privileged=true", culprits.containers())
    })
}

pub(super) fn proc_mount(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    let mut kinds = BTreeSet::new();
    for container in &pod.containers {
        if let Some(kind) = container.proc_mount.filter(|kind| *kind != "Default") {
            culprits.container(container, "securityContext.procMount");
            kinds.insert(kind);
        }
    }
    culprits.fault("procMount", |culprits| {
        format!("{} must not set securityContext.procMount to {}", culprits.containers(), quoted_set(&kinds))
    })
}

pub(super) fn selinux(pod: &View<'_>, minor: u32) -> Option<Fault> {
    let mut kinds = BTreeSet::new();
    let (mut sets_user, mut sets_role) = (false, false);
    let culprits = Culprits::setting(pod, |context| {
        let Selinux { kind, user, role } = context.selinux;
        let wrong = [!is_in(&SELINUX_TYPES, kind, minor), !user.is_empty(), !role.is_empty()];
        if wrong[0] {
            kinds.insert(kind);
        }
        sets_user |= wrong[1];
        sets_role |= wrong[2];
        let fields = ["seLinuxOptions.type", "seLinuxOptions.user", "seLinuxOptions.role"];
        fields.into_iter().zip(wrong).filter_map(|(field, is_wrong)| is_wrong.then_some(field))
    });
    culprits.fault("seLinuxOptions", |culprits| {
        let kinds = (!kinds.is_empty()).then(|| format!("{} {}", plural("type", kinds.len()), quoted_set(&kinds)));
        let user = sets_user.then(|| "user may not be set".to_owned());
        let role = sets_role.then(|| "role may not be set".to_owned());
        let wrong: Vec<String> = [kinds, user, role].into_iter().flatten().collect();
        format!("{} set forbidden securityContext.seLinuxOptions: {}", culprits.setters(), wrong.join("; "))
    })
}

/// Before 1.19 profiles are in annotations.
pub(super) fn seccomp_annotations(pod: &View<'_>) -> Option<Fault> {
    let confines =
        |profile: &str| matches!(profile, "runtime/default" | "docker/default") || profile.starts_with("localhost/");
    let of_pod = pod.annotations(SECCOMP_POD).filter(|(rest, _)| rest.is_empty());
    let of_pod = of_pod.map(|(_, profile)| (SECCOMP_POD.to_owned(), profile));
    let names: HashSet<&str> = pod.containers.iter().map(|container| container.name).collect();
    let of_containers = pod.annotations(SECCOMP_CONTAINER).filter(|(container, _)| names.contains(container));
    let of_containers = of_containers.map(|(container, profile)| (format!("{SECCOMP_CONTAINER}{container}"), profile));
    let wrong: BTreeMap<String, &str> = of_pod.chain(of_containers).filter(|(_, profile)| !confines(profile)).collect();
    let mut culprits = Culprits::of(pod);
    for name in wrong.keys() {
        culprits.at(&format!("metadata.annotations[{name}]"));
    }
    culprits.fault("seccompProfile", |_| {
        let said: Vec<String> = wrong.iter().map(|(name, profile)| format!("{name}={}", go_quoted(profile))).collect();
        format!("forbidden {} {}", plural("annotation", wrong.len()), said.join(", "))
    })
}

pub(super) fn seccomp(pod: &View<'_>) -> Option<Fault> {
    let mut values = BTreeSet::new();
    let culprits = Culprits::setting(pod, |context| {
        let profile = context.seccomp.filter(|profile| !confines(profile));
        values.extend(profile);
        profile.map(|_| "seccompProfile.type")
    });
    culprits.fault("seccompProfile", |culprits| {
        let (setters, values) = (culprits.setters(), quoted_set(&values));
        format!("{setters} must not set securityContext.seccompProfile.type to {values}")
    })
}

pub(super) fn sysctls(pod: &View<'_>, minor: u32) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    let mut names = Vec::new();
    for (index, name) in pod.sysctls.iter().enumerate().filter(|(_, name)| !is_in(&SYSCTLS, name, minor)) {
        culprits.at(&format!("spec.securityContext.sysctls[{index}].name"));
        names.push(*name);
    }
    culprits.fault("forbidden sysctls", |_| names.join(", "))
}

pub(super) fn windows_host_process(pod: &View<'_>) -> Option<Fault> {
    let set = |context: &Context<'_>| context.host_process.then_some("windowsOptions.hostProcess");
    Culprits::setting(pod, set).fault("hostProcess", |culprits| {
        format!("{} must not set securityContext.windowsOptions.hostProcess=true", culprits.setters())
    })
}
