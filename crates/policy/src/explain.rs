//! How a policy comes to what it says: every test, with what was read and what was looked for.

use crate::compile::{Compiled, Plan};
use crate::criteria::Subject;
use crate::criteria::{Below, Element, Reading, below, read};
use crate::evaluate::{Judge, root_of_subject};
use crate::policy::Operator;
use crate::witness::shown;
use sekisho_model::PolicyOutcome;

/// A step on the way to a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How deep it is in others.
    pub depth: usize,
    /// What is looked at, or what is compared: `container web`, `Privileged Container: true, looked for true`.
    pub text: String,
    /// What comes of it.
    pub outcome: PolicyOutcome,
}

/// More of them say nothing new.
const MOST: usize = 10_000;

/// The steps on the way to what `policy` says of `subject`, whatever its scopes and exclusions.
pub(crate) fn explain(policy: &Compiled, subject: &Subject<'_>) -> Vec<Step> {
    let Some(root) = root_of_subject(subject) else { return Vec::new() };
    let judge = Judge { policy, subject };
    let mut steps = Vec::new();
    for (number, plan) in policy.sections.iter().enumerate() {
        let text = format!("section {} of {}", number + 1, policy.sections.len());
        steps.push(Step { depth: 0, text, outcome: judge.plan(plan, root) });
        walk(&judge, plan, root, 1, &mut steps);
    }
    steps
}

fn walk<'a>(judge: &Judge<'a, '_>, plan: &Plan, element: Element<'a>, depth: usize, steps: &mut Vec<Step>) {
    for test in &plan.tests {
        if steps.len() >= MOST {
            return;
        }
        let reading = read(test.criterion.name, element, judge.subject.now);
        let found = match &reading {
            // Values of variables may be secrets.
            Reading::Pairs(pairs) if test.criterion.name == "Image Environment Variable" => {
                pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
            }
            reading => shown(reading),
        };
        let found = if found.is_empty() { "nothing" } else { &found };
        let join = if test.operator == Operator::And { " and " } else { " or " };
        let not = if test.negate == test.criterion.inverted { "" } else { "anything but " };
        let text = format!("{}: {found}, looked for {not}{}", test.criterion.name, test.values.join(join));
        steps.push(Step { depth, text, outcome: judge.test(test, element) });
    }
    for lower in &plan.below {
        let mut count = 0;
        let rest = below(judge.subject, element, lower.level, &mut |found| {
            count += 1;
            if judge.is_skipped(found) {
                return false;
            }
            let outcome = judge.plan(lower, found);
            steps.push(Step { depth, text: title(found), outcome });
            walk(judge, lower, found, depth + 1, steps);
            steps.len() >= MOST
        });
        let (text, outcome) = match rest {
            Below::Unknown => ("what is in it could not be had", PolicyOutcome::Unknown),
            Below::NotAsked => ("nobody looked at what is in it", PolicyOutcome::NotEvaluated),
            Below::Whole if count == 0 => ("there is none of what the rest is about", PolicyOutcome::Passed),
            Below::Whole => continue,
        };
        steps.push(Step { depth, text: text.to_owned(), outcome });
    }
}

fn title(element: Element<'_>) -> String {
    match element {
        Element::Workload(workload) => format!("{} {}", workload.kind, workload.name),
        Element::Port(port) => format!("port {}/{}", port.container_port, port.protocol),
        Element::Exposure(exposure) => format!("reached by {}", exposure.by.as_deref().unwrap_or("the node")),
        Element::Container(_, container) => format!("container {}", container.name),
        Element::Env(variable) => format!("environment variable {}", variable.name),
        Element::Volume(volume) => format!("volume {} at {}", volume.name, volume.destination),
        Element::Image(image) => format!("image {}", image.name),
        Element::Line((instruction, rest)) => format!("built by {instruction} {rest}"),
        Element::Component(component) => format!("package {} {}", component.name, component.version),
        Element::Vulnerability(vulnerability) => vulnerability.id.clone(),
        Element::Activity(_) => "what happened".to_owned(),
        Element::Running(container) => format!("container {}", container.name.as_deref().unwrap_or(&container.id)),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Context, PolicySet, Surroundings, explain_manifests};
    use jiff::Timestamp;
    use sekisho_base::Limits;
    use sekisho_model::Fact;

    #[test]
    fn every_test_is_told_with_what_was_read() {
        let mut set = PolicySet::default();
        let text = "policy: x\nname: x\nstages: [deploy]\nwhen:\n- {Privileged Container: true, Container Name: {not: b}, CVE: CVE-1}\n- {Required Label: team=}\n";
        assert_eq!(set.add(None, text, &Limits::default()), []);
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: i, securityContext: {privileged: true}}\n  - {name: b, image: j}\n";
        let (objects, _) = crate::manifest::objects("x", pod, &Limits::default());
        let around = Surroundings::default();
        let context = Context {
            around: &around,
            images: &|_| Fact::NotAsked,
            now: Timestamp::UNIX_EPOCH,
            limits: &Limits::default(),
        };
        let told = explain_manifests(&set.policies[0], &objects, &context);
        let (title, steps) = &told[0];
        assert_eq!(title, "Pod/p");
        let lines: Vec<String> =
            steps.iter().map(|it| format!("{}{}: {}", "  ".repeat(it.depth), it.text, it.outcome.as_str())).collect();
        let expect = "\
section 1 of 2: not_evaluated
  container a: not_evaluated
    Privileged Container: true, looked for true: violated
    Container Name: a, looked for anything but b: violated
    image i: not_evaluated
      nobody looked at what is in it: not_evaluated
  container b: passed
    Privileged Container: false, looked for true: passed
    Container Name: b, looked for anything but b: passed
    image j: not_evaluated
      nobody looked at what is in it: not_evaluated
section 2 of 2: violated
  Required Label: nothing, looked for anything but team=: violated";
        assert_eq!(lines.join("\n"), expect);
    }
}
