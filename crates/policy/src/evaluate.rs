//! Whether a policy is violated, and by what.
//!
//! Three-valued logic after Kleene with two words for what is not known: a policy that fails for a fact which was asked
//! for and cannot be had is unknown; one that only lacks what nobody asked for is not evaluated.

use crate::compile::{Compiled, Plan, Test};
use crate::criteria::{Below, Element, Level, Reading, Subject, below, read};
use crate::policy::{Operator, SkipContainer};
use sekisho_model::ContainerKind;
pub use sekisho_model::PolicyOutcome as Outcome;

/// What holds in a violation: a criterion, and of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The criterion.
    pub criterion: &'static str,
    /// The container, where it is about one.
    pub container: Option<String>,
    /// Where in the manifest; empty where it is about an image.
    pub path: String,
    /// What is there.
    pub found: String,
}

/// What a policy says, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What it says.
    pub outcome: Outcome,
    /// What holds, where it is violated.
    pub witnesses: Vec<Witness>,
}

/// What `policy` says of `subject`, whatever its scopes and exclusions.
pub fn evaluate(policy: &Compiled, subject: &Subject<'_>) -> Verdict {
    let root = match (subject.workload, subject.images.first()) {
        (Some(workload), _) => Element::Workload(workload),
        (None, Some(image)) => Element::Image(image),
        (None, None) => return Verdict { outcome: Outcome::NotEvaluated, witnesses: Vec::new() },
    };
    let judge = Judge { policy, subject };
    let mut outcome = Outcome::Passed;
    let mut witnesses = Vec::new();
    for plan in &policy.sections {
        let section = judge.plan(plan, root);
        if section == Outcome::Violated {
            judge.gather(plan, root, None, &mut witnesses);
        }
        outcome = outcome.or(section);
    }
    Verdict { outcome, witnesses }
}

struct Judge<'a, 'p> {
    policy: &'p Compiled,
    subject: &'p Subject<'a>,
}

impl<'a> Judge<'a, '_> {
    fn plan(&self, plan: &Plan, element: Element<'a>) -> Outcome {
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

    fn is_skipped(&self, element: Element<'a>) -> bool {
        let Element::Container(_, container) = element else { return false };
        let kind = match container.kind {
            ContainerKind::Init => SkipContainer::Init,
            ContainerKind::Regular => SkipContainer::Regular,
            ContainerKind::Ephemeral => return false,
        };
        self.policy.skip_containers.contains(&kind)
    }

    fn test(&self, test: &Test, element: Element<'a>) -> Outcome {
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
    fn gather(&self, plan: &Plan, element: Element<'a>, container: Option<&'a str>, to: &mut Vec<Witness>) {
        /// More of them say nothing new.
        const MOST: usize = 100;
        let container = match element {
            Element::Container(_, container) => Some(container.name.as_str()),
            _ => container,
        };
        for test in &plan.tests {
            if to.len() < MOST {
                to.push(self.witness(test, element, container));
            }
        }
        for lower in &plan.below {
            below(self.subject, element, lower.level, &mut |found| {
                if !self.is_skipped(found) && self.plan(lower, found) == Outcome::Violated {
                    self.gather(lower, found, container, to);
                }
                to.len() >= MOST
            });
        }
    }

    fn witness(&self, test: &Test, element: Element<'a>, container: Option<&str>) -> Witness {
        let path = match element {
            Element::Port(port) => port.path.clone(),
            Element::Container(_, container) => container.path.clone(),
            Element::Env(variable) => variable.path.clone(),
            Element::Volume(volume) => volume.path.clone(),
            _ => String::new(),
        };
        let found = match read(test.criterion.name, element, self.subject.now) {
            Reading::Flag(flag) => flag.to_string(),
            Reading::Number(number) => number.to_string(),
            Reading::Text(text) => text.into_owned(),
            Reading::Texts(texts) => texts.join(", "),
            Reading::Pairs(pairs) => {
                pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
            }
            Reading::EnvVar { name, .. } => name.to_owned(),
            Reading::Absent | Reading::Unknown | Reading::NotAsked => String::new(),
        };
        Witness { criterion: test.criterion.name, container: container.map(str::to_owned), path, found }
    }
}

/// The level at which a subject is judged.
pub(crate) fn root_of(is_image: bool) -> Level {
    if is_image { Level::Image } else { Level::Workload }
}
