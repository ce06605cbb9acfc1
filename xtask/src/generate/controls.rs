//! The page that says, for each risk and countermeasure of NIST SP 800-190, what is looked at, what will be, and what not.

use std::fmt::Write as _;

use anyhow::Result;

use super::NOTICE;
use super::policies::{by_file, waits};

/// A risk of section 3 and its countermeasure of section 4, which share their last two numbers.
struct Control {
    number: &'static str,
    /// The risk, in our words.
    risk: &'static str,
    /// What is to be done against it, in our words.
    countermeasure: &'static str,
    /// What of it the program does besides policies; empty for nothing.
    today: &'static str,
    /// What is open: which later capability will see it, or that none will.
    open: &'static str,
}

const fn control(
    number: &'static str,
    risk: &'static str,
    countermeasure: &'static str,
    today: &'static str,
    open: &'static str,
) -> Control {
    Control { number, risk, countermeasure, today, open }
}

/// The areas of sections 3 and 4.
const AREAS: [&str; 5] = ["Images", "Registries", "Orchestrator", "Containers", "Host"];

/// NIST Special Publication 800-190, Application Container Security Guide, September 2017
/// (<https://doi.org/10.6028/NIST.SP.800-190>).
const CONTROLS: [Control; 23] = [
    control(
        "1.1",
        "images with vulnerable software",
        "see all layers, scan from build to run, keep what is too vulnerable from going on",
        "`scan` and its gates; advisories that come later are matched with stored inventories",
        "scans of registries and of what runs; time since a fix was there",
    ),
    control(
        "1.2",
        "images that are configured badly",
        "hold configuration to rules, use small and current base images, no remote login",
        "base images and end of support are told",
        "setuid files and the permissions of files in layers",
    ),
    control(
        "1.3",
        "malware in images",
        "search images for malware, by signature and by behaviour",
        "",
        "the malware scan, and rules for what runs",
    ),
    control(
        "1.4",
        "secrets in images",
        "keep secrets outside, give them only to who needs them, encrypt them",
        "",
        "the search of all layers for secrets; encryption in the cluster is for the benchmarks of hosts",
    ),
    control(
        "1.5",
        "images nobody answers for",
        "a list of what is trusted, identity by digest and signature, verification before running",
        "",
        "signatures and attestations. A list of your own registries is a policy of your own: nobody else knows it",
    ),
    control(
        "2.1",
        "registries without encryption",
        "encrypted and authenticated connections only",
        "registries are asked with TLS unless configured otherwise",
        "the configuration of runtimes on nodes, with the benchmarks of hosts",
    ),
    control(
        "2.2",
        "old images in registries",
        "remove what is not to be used, name images by what does not move",
        "",
        "our own registry prunes; others are not looked at",
    ),
    control(
        "2.3",
        "registries that let in too many",
        "authentication, narrow rights, a record of writes, checks before an image is taken in",
        "",
        "our own registry; the rights in others are not looked at",
    ),
    control(
        "3.1",
        "administrators without bounds",
        "rights no wider than the task, by team and namespace",
        "",
        "who may do what in a cluster, people included; today only service accounts of workloads, by the roles that are given",
    ),
    control(
        "3.2",
        "access nobody should have",
        "strong login for administrators, one directory, encrypted data",
        "",
        "flags of the API server with the benchmarks of hosts. Second factors and encrypted storage need somebody's word",
    ),
    control(
        "3.3",
        "traffic between containers that nobody keeps apart",
        "networks by sensitivity, public parts apart from the rest",
        "",
        "observed connections, and whether they fit the policies. That a policy restricts *well* is not judged today, only that it restricts",
    ),
    control(
        "3.4",
        "workloads of different sensitivity on one node",
        "keep levels on nodes of their own, by labels and taints",
        "",
        "where pods are placed, with the view of clusters. Which level a workload has, only you know",
    ),
    control(
        "3.5",
        "nodes that are not to be trusted",
        "introduce nodes securely, know them all, isolate one that is broken into",
        "",
        "the benchmarks of hosts, and the agents of a fleet",
    ),
    control(
        "4.1",
        "vulnerabilities of the runtime",
        "watch for them, and keep nodes with them from getting work",
        "packages of a host are scanned with `scan fs /`",
        "versions of runtimes on nodes. No policy asks this",
    ),
    control(
        "4.2",
        "containers that reach everything",
        "control what goes out, notice what is unusual",
        "",
        "observed connections and baselines",
    ),
    control(
        "4.3",
        "a runtime that is configured badly",
        "hold configuration to a standard, confine with seccomp and a security module",
        "the Pod Security Standards, every check of every version",
        "what really holds in a running container, seccomp and AppArmor, with the sensor",
    ),
    control(
        "4.4",
        "flaws of applications",
        "profiles of what an application does, notice what differs, a root file system that cannot be written",
        "",
        "rules and baselines for what runs",
    ),
    control(
        "4.5",
        "containers that nobody planned",
        "separate environments, every container attributed to somebody, checks before it runs",
        "",
        "containers that the orchestrator does not know, with the agents; the admission webhook",
    ),
    control(
        "5.1",
        "hosts with more than they need",
        "a system that is made for containers",
        "",
        "the benchmarks of hosts. No policy asks this",
    ),
    control(
        "5.2",
        "one kernel for all",
        "no other work on the host, a hardened kernel",
        "",
        "kernel and processes of hosts with their benchmarks; from manifests, only what asks for less isolation",
    ),
    control(
        "5.3",
        "flaws of the host's components",
        "keep the system current, and do not change it in place",
        "`scan fs /` and disk images",
        "running kernels and pending restarts. No policy asks this",
    ),
    control(
        "5.4",
        "people on hosts",
        "work through the orchestrator, record every login",
        "",
        "logins on hosts with the benchmarks and the sensor",
    ),
    control(
        "5.5",
        "containers that change the host's files",
        "the fewest mounts possible, none of what is sensitive",
        "",
        "changes of files on hosts with the sensor",
    ),
];

/// `docs/controls.md`: what is covered of NIST SP 800-190.
pub(super) fn page() -> Result<String> {
    let files = by_file()?;
    let policies: Vec<_> = files.iter().flat_map(|(_, policies)| policies).map(|ready| &ready.policy).collect();
    let mut out = format!(
        "# NIST SP 800-190\n\n{NOTICE}\n\n\
         What is covered of the risks (section 3) and countermeasures (section 4) of the\n\
         [Application Container Security Guide](https://doi.org/10.6028/NIST.SP.800-190), in our own words: by which\n\
         [shipped policies](policies.md), by what else of the program, and what is open. A policy is evidence for a part of\n\
         a countermeasure; no list of policies makes a countermeasure whole. A star marks policies that need what is not\n\
         answered yet, so that they are never passed, and those for what runs, which `detect run` and `detect replay` ask.\n"
    );
    for (area, title) in (1..).zip(AREAS) {
        let _ = writeln!(
            out,
            "\n## {title} (3.{area}, 4.{area})\n\n| risk | countermeasure | policies | besides | open |\n|---|---|---|---|---|"
        );
        for control in CONTROLS.iter().filter(|control| control.number.starts_with(&format!("{area}."))) {
            let id = format!("NIST-800-190:4.{}", control.number);
            let names = policies.iter().filter(|policy| policy.controls.contains(&id)).map(|policy| {
                let is_runtime = policy.stages == [sekisho_policy::policy::Stage::Runtime];
                format!("`{}`{}", policy.id, if waits(policy) || is_runtime { "\\*" } else { "" })
            });
            let names = names.collect::<Vec<_>>().join(", ");
            let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            let _ = writeln!(
                out,
                "| 3.{n} {} | 4.{n} {} | {} | {} | {} |",
                control.risk,
                control.countermeasure,
                or_none(&names),
                or_none(control.today),
                control.open,
                n = control.number,
            );
        }
    }
    out.push_str(
        "\n## Hardware (4.6)\n\nTrust that begins in the hardware: measured boot, remote attestation of nodes, and a chain from \
         there to images.\nNothing looks at this today, and no policy can: it will be facts of hosts.\n\
         \n## The life cycle (section 6)\n\nRoles, training, drills and what is done when a workload is retired are somebody's \
         word, and not looked at.\n",
    );
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_that_a_policy_names_is_on_the_page() {
        let page = page().unwrap();
        for (_, policies) in by_file().unwrap() {
            for policy in policies.iter().map(|ready| &ready.policy) {
                for control in policy.controls.iter().filter_map(|control| control.strip_prefix("NIST-800-190:4.")) {
                    let row = page.lines().find(|line| line.starts_with(&format!("| 3.{control} ")));
                    assert!(row.is_some_and(|row| row.contains(&format!("`{}`", policy.id))), "{control}");
                }
            }
        }
        assert_eq!(page.lines().filter(|line| line.starts_with("| 3.")).count(), 23);
    }
}
