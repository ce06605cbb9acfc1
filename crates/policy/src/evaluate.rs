//! Whether a policy is violated, and by what.
//!
//! Three-valued logic after Kleene with two words for what is not known: a policy that fails for a fact which was asked
//! for and cannot be had is unknown; one that only lacks what nobody asked for is not evaluated.

use crate::compile::{Compiled, Plan, Test};
use crate::criteria::{Below, Element, Level, Reading, Subject, below, read};
use crate::policy::{Operator, SkipContainer};
use crate::witness::{Around, Witness, witness};
pub use sekisho_model::PolicyOutcome as Outcome;
use sekisho_model::{ContainerKind, Fact};
use std::collections::BTreeSet;

/// What a policy says, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What it says.
    pub outcome: Outcome,
    /// What holds, where it is violated.
    pub witnesses: Vec<Witness>,
    /// Why it is not known, or what nobody asked for.
    pub reasons: Vec<String>,
}

/// More of them say nothing new.
const MOST_REASONS: usize = 20;

/// What `policy` says of `subject`, whatever its scopes and exclusions.
pub fn evaluate(policy: &Compiled, subject: &Subject<'_>) -> Verdict {
    let Some(root) = root_of_subject(subject) else {
        return Verdict { outcome: Outcome::NotEvaluated, witnesses: Vec::new(), reasons: Vec::new() };
    };
    let judge = Judge { policy, subject };
    let around = Around {
        container: None,
        container_path: "",
        pod_path: subject.workload.map_or("", |workload| &workload.pod_path),
        image: subject.images.first().map_or("", |image| image.name),
        component: "",
    };
    let mut outcome = Outcome::Passed;
    let mut witnesses = Vec::new();
    for plan in &policy.sections {
        let section = judge.plan(plan, root);
        if section == Outcome::Violated {
            judge.gather(plan, root, around, &mut witnesses);
        }
        outcome = outcome.or(section);
    }
    let mut reasons = BTreeSet::new();
    if matches!(outcome, Outcome::Unknown | Outcome::NotEvaluated) {
        for plan in &policy.sections {
            if judge.plan(plan, root) == outcome {
                judge.reasons(plan, root, &mut reasons);
            }
        }
    }
    Verdict { outcome, witnesses, reasons: reasons.into_iter().take(MOST_REASONS).collect() }
}

/// Where the plans of a policy begin; none where there is neither a workload nor an image.
pub(crate) fn root_of_subject<'a>(subject: &Subject<'a>) -> Option<Element<'a>> {
    let image = || subject.images.first().map(Element::Image);
    subject.workload.map(Element::Workload).or_else(image)
}

pub(crate) struct Judge<'a, 'p> {
    pub(crate) policy: &'p Compiled,
    pub(crate) subject: &'p Subject<'a>,
}

impl<'a> Judge<'a, '_> {
    pub(crate) fn plan(&self, plan: &Plan, element: Element<'a>) -> Outcome {
        let mut outcome = Outcome::Violated;
        for test in &plan.tests {
            outcome = outcome.and(self.test(test, element));
            if outcome == Outcome::Passed {
                return outcome;
            }
        }
        for lower in &plan.below {
            outcome = outcome.and(self.any(lower, element));
            if outcome == Outcome::Passed {
                return outcome;
            }
        }
        outcome
    }

    /// Whether the plan holds for one of the elements below.
    fn any(&self, plan: &Plan, element: Element<'a>) -> Outcome {
        let mut outcome = Outcome::Passed;
        let rest = below(self.subject, element, plan.level, &mut |lower| {
            if !self.is_skipped(lower) {
                outcome = outcome.or(self.plan(plan, lower));
            }
            outcome == Outcome::Violated
        });
        outcome.or(match rest {
            Below::Whole => Outcome::Passed,
            Below::Unknown => Outcome::Unknown,
            Below::NotAsked => Outcome::NotEvaluated,
        })
    }

    pub(crate) fn is_skipped(&self, element: Element<'a>) -> bool {
        let Element::Container(_, container) = element else { return false };
        let kind = match container.kind {
            ContainerKind::Init => SkipContainer::Init,
            ContainerKind::Regular => SkipContainer::Regular,
            ContainerKind::Ephemeral => return false,
        };
        self.policy.skip_containers.contains(&kind)
    }

    pub(crate) fn test(&self, test: &Test, element: Element<'a>) -> Outcome {
        let reading = read(test.criterion.name, element, self.subject.now);
        match reading {
            Reading::Unknown => return Outcome::Unknown,
            Reading::NotAsked => return Outcome::NotEvaluated,
            _ => {}
        }
        let mut matchers = test.matchers.iter();
        let matched = match test.operator {
            Operator::Or => matchers.any(|matcher| matcher.matches(&reading)),
            Operator::And => matchers.all(|matcher| matcher.matches(&reading)),
        };
        if matched == (test.negate == test.criterion.inverted) { Outcome::Violated } else { Outcome::Passed }
    }

    /// Takes what holds in a plan that holds for `element`.
    fn gather(&self, plan: &Plan, element: Element<'a>, mut around: Around<'a>, to: &mut Vec<Witness>) {
        /// More of them say nothing new.
        const MOST: usize = 100;
        match element {
            Element::Container(_, container) => {
                around.container = Some(&container.name);
                around.container_path = &container.path;
                around.image = &container.image;
            }
            Element::Component(component) => around.component = &component.name,
            _ => {}
        }
        for test in &plan.tests {
            if to.len() < MOST {
                let reading = read(test.criterion.name, element, self.subject.now);
                to.push(witness(test, element, &reading, around));
            }
        }
        for lower in &plan.below {
            below(self.subject, element, lower.level, &mut |found| {
                if !self.is_skipped(found) && self.plan(lower, found) == Outcome::Violated {
                    self.gather(lower, found, around, to);
                }
                to.len() >= MOST
            });
        }
    }

    /// Takes why a plan cannot be told for `element`: what could not be had, or what nobody asked for.
    fn reasons(&self, plan: &Plan, element: Element<'a>, to: &mut BTreeSet<String>) {
        for test in &plan.tests {
            match read(test.criterion.name, element, self.subject.now) {
                Reading::Unknown => to.insert(format!("{}{}", test.criterion.name, why(element))),
                Reading::NotAsked => to.insert(format!("{}: nobody looked", test.criterion.name)),
                _ => false,
            };
        }
        for lower in &plan.below {
            let rest = below(self.subject, element, lower.level, &mut |found| {
                if !self.is_skipped(found) && !matches!(self.plan(lower, found), Outcome::Passed | Outcome::Violated) {
                    self.reasons(lower, found, to);
                }
                false
            });
            if rest != Below::Whole {
                to.insert(why(element).trim_start_matches(": ").to_owned());
            }
        }
    }
}

/// Why facts of an element cannot be had.
fn why(element: Element<'_>) -> String {
    match element {
        Element::Image(image) => match &image.facts {
            Fact::Unknown(reason) => format!(": {}: {reason}", image.name),
            Fact::NotAsked => format!(": {}: was not looked at", image.name),
            Fact::Known(_) => format!(": {}: does not say", image.name),
        },
        Element::Component(component) => match &component.judged {
            // The same of all packages, as a rule.
            Fact::Unknown(reason) => format!(": {reason}"),
            _ => ": packages were not compared with advisories".to_owned(),
        },
        Element::Workload(workload) => match (&workload.permissions, &workload.ingress_policy) {
            (Fact::Unknown(reason), _) | (_, Fact::Unknown(reason)) => format!(": {reason}"),
            _ => String::new(),
        },
        Element::Vulnerability(vulnerability) => format!(": {}: nobody says", vulnerability.id),
        _ => String::new(),
    }
}

/// The level at which a subject is judged.
pub(crate) fn root_of(is_image: bool) -> Level {
    if is_image { Level::Image } else { Level::Workload }
}
