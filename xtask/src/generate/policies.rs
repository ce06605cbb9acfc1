//! The pages of criteria and of the policies that ship.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use sekisho_base::Limits;
use sekisho_policy::criteria::{CRITERIA, Criterion, Needs};
use sekisho_policy::policy::{Policy, Stage};
use sekisho_policy::{PolicySet, Ready};

use super::NOTICE;
use super::docs::cell;

const STAGES: [(Stage, &str); 4] =
    [(Stage::Build, "build"), (Stage::Registry, "registry"), (Stage::Deploy, "deploy"), (Stage::Runtime, "runtime")];

/// `docs/criteria.md`: everything that a policy can ask.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a generator")]
pub(super) fn criteria() -> Result<String> {
    let ours = CRITERIA.iter().filter(|criterion| criterion.is_ours).count();
    let mut out = format!(
        "# Criteria\n\n{NOTICE}\n\n\
         What a policy can ask: {} criteria of StackRox, which mean what they mean there, and {ours} of ours. Criteria\n\
         in one entry of `when` that belong to the same thing are about the same one: one container, one package, one\n\
         vulnerability. How a new one is made is in [CONTRIBUTING.md](../CONTRIBUTING.md#adding-a-criterion).\n\n\
         Letters are taken in any case. *Several* values are any of them, or all under `all:`; `not` can be put before\n\
         those that say so. A criterion that is not known makes a policy *unknown* where somebody asked for it, and *not\n\
         evaluated* where nobody did; it is never taken for passed.\n\n\
         | needs | is there |\n|---|---|\n",
        CRITERIA.len() - ours,
    );
    for needs in [Needs::Manifest, Needs::Surroundings, Needs::Image, Needs::Advisories, Needs::Event] {
        let _ = writeln!(out, "| {} | {} |", word(needs), what(needs));
    }
    out.push_str(
        "\n| criterion | of a | values | several | `not` | stages | needs | whose | what it is about |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for criterion in &CRITERIA {
        let tick = |yes: bool| if yes { "yes" } else { "-" };
        let later = criterion.later.map(|why| format!(". **Not answered yet**: {why}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {}{later} |",
            criterion.name,
            criterion.level.as_str(),
            cell(&criterion.grammar.describe()),
            tick(criterion.several),
            tick(criterion.negatable),
            stages(criterion),
            word(criterion.needs()),
            if criterion.is_ours { "ours" } else { "StackRox" },
            cell(criterion.meaning),
        );
    }
    Ok(out)
}

fn stages(criterion: &Criterion) -> String {
    let has_meaning = |(stage, _): &&(Stage, &str)| criterion.has_meaning_at(*stage);
    STAGES.iter().filter(has_meaning).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

fn word(needs: Needs) -> &'static str {
    match needs {
        Needs::Manifest => "manifest",
        Needs::Surroundings => "manifests",
        Needs::Image => "image",
        Needs::Advisories => "advisories",
        Needs::Event => "event",
    }
}

fn what(needs: Needs) -> &'static str {
    match needs {
        Needs::Manifest => "the manifest of the workload, or the name of the image",
        Needs::Surroundings => "the manifests of services, ingresses, network policies, roles and bindings besides",
        Needs::Image => "a scan of the image",
        Needs::Advisories => "the same, with vulnerabilities looked for in a database that is not too old",
        Needs::Event => "something that happens while it runs",
    }
}

/// The policies that ship, by the files that they are in, with what each file is about.
pub(super) fn by_file() -> Result<Vec<(String, Vec<Ready>)>> {
    let mut files = Vec::new();
    for file in sekisho_rules::POLICIES {
        let mut set = PolicySet::default();
        let faults = set.add(None, file.text, &Limits::default());
        ensure!(faults.is_empty(), "{}: {}", file.path, faults[0]);
        let about = file.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        files.push((about.to_owned(), set.policies));
    }
    Ok(files)
}

const PROFILES: [(&str, &str); 4] = [
    (
        "baseline",
        "what is wrong almost everywhere. An ordinary workload that is put together with care has no violation of it; \
         begin here, and enforce it",
    ),
    (
        "restricted",
        "what a hardened workload keeps to: no root, nothing of the node, only what it needs, its network closed. Much of \
         what is common violates it",
    ),
    (
        "nist-800-190",
        "evidence for the countermeasures of NIST SP 800-190, also where it is only worth knowing; for reports and audits \
         rather than for gates. [What it covers](controls.md)",
    ),
    ("ci", "what whoever builds an image or writes a manifest can mend right away: for pipelines"),
];

/// `docs/policies.md`: what ships.
pub(super) fn shipped() -> Result<String> {
    let files = by_file()?;
    let all = || files.iter().flat_map(|(_, policies)| policies);
    let mut out = format!(
        "# Shipped policies\n\n{NOTICE}\n\n\
         {} policies ship with the program, in the files of `rules/policies`, each with texts in English and Japanese.\n\
         Those for `build` and `deploy` have examples that violate them and near ones that do not, which are their tests.\n\
         Those for `runtime` are asked by `sekisho detect run` and `detect replay` with `--profile`. Namespaces of the cluster's own\n\
         parts are excepted where these would violate a policy. How a new one is made is in\n\
         [CONTRIBUTING.md](../CONTRIBUTING.md#adding-a-shipped-policy).\n\n\
         | profile | policies | is for |\n|---|---|---|\n",
        all().count(),
    );
    for (profile, meaning) in PROFILES {
        let count = all().filter(|ready| ready.policy.profiles.iter().any(|it| it == profile)).count();
        let _ = writeln!(out, "| `{profile}` | {count} | {meaning} |");
    }
    out.push_str(
        "\nA violation of one that is *enforced* refuses; the others are told. A star marks those that need what is not\n\
         answered yet, so that they are never passed. Controls of `CIS-K8s` are numbered as in version 1.8, those of\n\
         `CIS-Docker` as in version 1.6 of the benchmarks; `PSS` is a level of the Pod Security Standards.\n",
    );
    for (about, policies) in &files {
        let _ = writeln!(
            out,
            "\n## {}\n\n| policy | violated where | severity | stages | enforced | profiles | controls |\n|---|---|---|---|---|---|---|",
            about.split('.').next().unwrap_or_default()
        );
        for Ready { policy, .. } in policies {
            let named = |at: &dyn Fn(Stage) -> bool| {
                let names: Vec<_> = STAGES.iter().filter(|(stage, _)| at(*stage)).map(|(_, name)| *name).collect();
                if names.is_empty() { "-".to_owned() } else { names.join(", ") }
            };
            let at = |stage: Stage| policy.stages.contains(&stage);
            let _ = writeln!(
                out,
                "| `{}`{} | {} {} | {} | {} | {} | {} | {} |",
                policy.id,
                if waits(policy) { "\\*" } else { "" },
                cell(&format!("**{}.**", policy.name)),
                cell(&policy.description),
                policy.severity.as_str(),
                named(&at),
                named(&|stage| at(stage) && policy.is_enforced_at(stage)),
                policy.profiles.join(", "),
                policy.controls.join(", "),
            );
        }
    }
    Ok(out)
}

/// Whether a policy asks for something that nothing answers yet.
pub(super) fn waits(policy: &Policy) -> bool {
    let later = |field: &str| {
        CRITERIA.iter().any(|criterion| criterion.name.eq_ignore_ascii_case(field) && criterion.later.is_some())
    };
    policy.sections.iter().flat_map(|section| &section.groups).any(|group| later(&group.field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_criterion_and_policy_is_on_its_page() {
        let page = criteria().unwrap();
        assert!(CRITERIA.iter().all(|criterion| page.contains(&format!("\n| {} |", criterion.name))));
        let page = shipped().unwrap();
        for (_, policies) in by_file().unwrap() {
            assert!(policies.iter().all(|ready| page.contains(&format!("\n| `{}`", ready.policy.id))));
        }
        let known: Vec<&str> = PROFILES.iter().map(|(name, _)| *name).collect();
        let files = by_file().unwrap();
        let mut profiles = files.iter().flat_map(|(_, policies)| policies).flat_map(|ready| &ready.policy.profiles);
        assert!(profiles.all(|profile| known.contains(&profile.as_str())));
    }
}
