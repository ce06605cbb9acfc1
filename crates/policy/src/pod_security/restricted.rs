//! The checks of the level `restricted`, beyond those of `baseline`.

use super::baseline::{self, added_capabilities, added_capabilities_detail};
use super::fault::{Culprits, Fault, plural, quoted, quoted_set, uses};
use super::view::{Context, RESTRICTED_SOURCES, SOURCES, View};
use std::collections::BTreeSet;

pub(super) fn privilege_escalation(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    for container in pod.containers.iter().filter(|container| container.allow_privilege_escalation != Some(false)) {
        culprits.container(container, "securityContext.allowPrivilegeEscalation");
    }
    culprits.fault("allowPrivilegeEscalation != false", |culprits| {
        format!("{} must set securityContext.allowPrivilegeEscalation=false", culprits.containers())
    })
}

pub(super) fn capabilities(pod: &View<'_>) -> Option<Fault> {
    let mut keeping = Culprits::of(pod);
    for container in pod.containers.iter().filter(|container| !container.dropped().any(|name| name == "ALL")) {
        keeping.container(container, "securityContext.capabilities.drop");
    }
    let (adding, names) = added_capabilities(pod, &["NET_BIND_SERVICE"]);
    let reason = "unrestricted capabilities";
    let keeping = keeping.fault(reason, |culprits| {
        format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", culprits.containers())
    });
    let adding = adding.fault(reason, |culprits| added_capabilities_detail(culprits, &names));
    match (keeping, adding) {
        (Some(keeping), Some(adding)) => Some(Fault {
            reason,
            detail: format!("{}; {}", keeping.detail, adding.detail),
            paths: [keeping.paths, adding.paths].concat(),
        }),
        (keeping, adding) => keeping.or(adding),
    }
}

/// A volume that names an allowed source beside one that is not is refused by the server: nothing passes by it here.
pub(super) fn volumes(pod: &View<'_>) -> Option<Fault> {
    let mut culprits = Culprits::of(pod);
    let mut names = Vec::new();
    let mut kinds = BTreeSet::new();
    for (index, volume) in pod.volumes.iter().enumerate() {
        let mut is_restricted = false;
        for source in RESTRICTED_SOURCES.iter().filter(|source| volume.is(source)) {
            culprits.at(&format!("spec.volumes[{index}].{source}"));
            kinds.insert(*source);
            is_restricted = true;
        }
        let is_known = is_restricted || volume.is_bare() || SOURCES.iter().any(|source| volume.is(source));
        if !is_known {
            culprits.at(&format!("spec.volumes[{index}]"));
            kinds.insert("unknown");
        }
        if is_restricted || !is_known {
            names.push(volume.name);
        }
    }
    culprits.fault("restricted volume types", |_| {
        format!(
            "{} {} {} {} {}",
            plural("volume", names.len()),
            quoted(names.iter().copied()),
            uses(names.len()),
            plural("restricted volume type", kinds.len()),
            quoted_set(&kinds)
        )
    })
}

pub(super) fn run_as_non_root(pod: &View<'_>) -> Option<Fault> {
    let reason = "runAsNonRoot != true";
    let refuses = |context: &Context<'_>| (context.run_as_non_root == Some(false)).then_some("runAsNonRoot");
    let refusing = Culprits::setting(pod, refuses)
        .fault(reason, |culprits| format!("{} must not set securityContext.runAsNonRoot=false", culprits.setters()));
    if refusing.is_some() || pod.context.run_as_non_root == Some(true) {
        return refusing;
    }
    let mut silent = Culprits::of(pod);
    for container in pod.containers.iter().filter(|container| container.context.run_as_non_root.is_none()) {
        silent.container(container, "securityContext.runAsNonRoot");
    }
    silent.fault(reason, |culprits| {
        format!("pod or {} must set securityContext.runAsNonRoot=true", culprits.containers())
    })
}

pub(super) fn run_as_user(pod: &View<'_>) -> Option<Fault> {
    let is_root = |context: &Context<'_>| (context.run_as_user == Some(0)).then_some("runAsUser");
    let culprits = Culprits::setting(pod, is_root);
    culprits.fault("runAsUser=0", |culprits| format!("{} must not set runAsUser=0", culprits.setters()))
}

pub(super) fn seccomp(pod: &View<'_>) -> Option<Fault> {
    let refusing = baseline::seccomp(pod);
    if refusing.is_some() || pod.context.seccomp.is_some() {
        return refusing;
    }
    let mut silent = Culprits::of(pod);
    for container in pod.containers.iter().filter(|container| container.context.seccomp.is_none()) {
        silent.container(container, "securityContext.seccompProfile.type");
    }
    silent.fault("seccompProfile", |culprits| {
        let setters = culprits.containers();
        format!("pod or {setters} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"")
    })
}
