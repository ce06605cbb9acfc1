//! Whether a policy is violated, and by what.
//!
//! Three-valued logic after Kleene with two words for what is not known: a policy that fails for a fact which was asked
//! for and cannot be had is unknown; one that only lacks what nobody asked for is not evaluated.

use crate::compile::{Compiled, Plan, Test};
use crate::criteria::{Below, Element, Level, NOT_TOLD, Reading, Subject, below, read};
use crate::policy::{Operator, SkipContainer};
use crate::witness::{Around, Witness, witness};
pub use sekisho_model::PolicyOutcome as Outcome;
use sekisho_model::{Act, Activity, ContainerKind, Fact, LicenseClass, LicenseTerm};
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
        pod_path: subject.workload.map_or("", |workload| &workload.pod_path),
        image: subject.images.first().map_or("", |image| image.name),
        image_path: "",
        component: "",
    };
    let mut outcome = Outcome::Passed;
    let mut witnesses = Vec::new();
    for plan in policy.sections.iter().filter(|plan| plan.is_about(subject.activity)) {
        let section = judge.plan(plan, root);
        if section == Outcome::Violated {
            judge.gather(plan, root, around, &mut witnesses);
        }
        outcome = outcome.or(section);
    }
    let mut reasons = BTreeSet::new();
    if matches!(outcome, Outcome::Unknown | Outcome::NotEvaluated) {
        for plan in policy.sections.iter().filter(|plan| plan.is_about(subject.activity)) {
            if judge.plan(plan, root) == outcome {
                judge.reasons(plan, root, &mut reasons);
            }
        }
    }
    Verdict { outcome, witnesses, reasons: reasons.into_iter().take(MOST_REASONS).collect() }
}

/// Where the plans of a policy begin; none where nothing happened and there is neither a workload nor an image.
pub(crate) fn root_of_subject<'a>(subject: &Subject<'a>) -> Option<Element<'a>> {
    let image = || subject.images.first().map(Element::Image);
    let workload = || subject.workload.map(Element::Workload);
    subject.activity.map(Element::Activity).or_else(workload).or_else(image)
}

impl Plan {
    /// Whether it asks for what is of this kind: what a process does to a file is no program that it runs. Where nothing
    /// happened, all plans are about what is there.
    pub(crate) fn is_about(&self, activity: Option<&Activity<'_>>) -> bool {
        let Some(activity) = activity else { return true };
        let has = |level: Level| self.tests.iter().any(|test| test.criterion.level == level);
        match activity.act {
            Act::Program(_) => has(Level::Process) && !has(Level::File),
            Act::File(..) => has(Level::File),
            Act::Flow(..) => has(Level::Flow),
            // What is asked of connections alone says so.
            Act::Request(request) => {
                let names = |test: &Test| test.criterion.name == "Kubernetes Resource";
                has(Level::Request) && (request.audited || self.tests.iter().any(names))
            }
        }
    }
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
        match &reading {
            Reading::Unknown(_) => return Outcome::Unknown,
            Reading::NotAsked => return Outcome::NotEvaluated,
            // What is missing can only make more match.
            Reading::Some(..) if !test.matches(&reading) => return Outcome::Unknown,
            _ => {}
        }
        if test.holds(&reading) { Outcome::Violated } else { Outcome::Passed }
    }

    /// Takes what holds in a plan that holds for `element`.
    fn gather(&self, plan: &Plan, element: Element<'a>, mut around: Around<'a>, to: &mut Vec<Witness>) {
        /// More of them say nothing new.
        const MOST: usize = 100;
        match element {
            Element::Container(_, container) => {
                around.container = Some(&container.name);
                around.image = &container.image;
            }
            // It may be that of a volume.
            Element::Running(container) => around.container = container.name.as_deref(),
            Element::Image(image) => {
                around.image = image.name;
                around.image_path = &image.path;
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
                Reading::Unknown(reason) | Reading::Some(_, reason) => {
                    to.insert(format!("{}: {}{reason}", test.criterion.name, name_of(element)))
                }
                Reading::NotAsked => to.insert(match test.criterion.later {
                    Some(reason) => format!("{}: {reason}", test.criterion.name),
                    None => format!("{}: nobody looked", test.criterion.name),
                }),
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
                // Of packages the same holds for all, as a rule.
                let name = if lower.level == Level::Vulnerability { String::new() } else { name_of(element) };
                to.insert(format!("{name}{}", why(element, lower.level)));
            }
        }
    }
}

impl Test {
    /// Whether what was read is what the group looks for.
    pub(crate) fn holds(&self, reading: &Reading<'_>) -> bool {
        if let Reading::Licenses(terms) = reading {
            let looked_for = |id: &str, class| match self.operator {
                Operator::Or => self.matchers.iter().any(|matcher| matcher.matches_license(id, class)),
                Operator::And => self.matchers.iter().all(|matcher| matcher.matches_license(id, class)),
            };
            // Of licences to choose from, the one that is not looked for will be chosen; where the group is turned round,
            // the one that is.
            return !can_be_kept(terms, |id, class| looked_for(id, class) == self.negate);
        }
        self.matches(reading) == (self.negate == self.criterion.inverted)
    }

    /// Whether its values are in what was read.
    fn matches(&self, reading: &Reading<'_>) -> bool {
        let mut matchers = self.matchers.iter();
        match self.operator {
            Operator::Or => matchers.any(|matcher| matcher.matches(reading)),
            Operator::And => matchers.all(|matcher| matcher.matches(reading)),
        }
    }
}

/// Whether the licences that are `fine` are enough to use the package.
fn can_be_kept(terms: &[LicenseTerm], fine: impl Fn(&str, LicenseClass) -> bool) -> bool {
    let mut parts: Vec<bool> = Vec::new();
    for term in terms {
        let part = match term {
            LicenseTerm::Id(id, class) => fine(id, *class),
            LicenseTerm::And | LicenseTerm::Or => {
                let (Some(right), Some(left)) = (parts.pop(), parts.pop()) else { return false };
                if *term == LicenseTerm::And { left && right } else { left || right }
            }
        };
        parts.push(part);
    }
    parts.pop().unwrap_or(false)
}

/// What an element is called before what is said of it.
fn name_of(element: Element<'_>) -> String {
    match element {
        Element::Image(image) => format!("{}: ", image.name),
        Element::Component(component) => format!("{}: ", component.name),
        Element::Vulnerability(vulnerability) => format!("{}: ", vulnerability.id),
        Element::Container(_, container) => format!("{}: ", container.name),
        _ => String::new(),
    }
}

/// Why what is below an element is not all there.
fn why(element: Element<'_>, below: Level) -> String {
    match element {
        Element::Image(image) => match &image.facts {
            Fact::Unknown(reason) => reason.clone(),
            Fact::NotAsked => "was not looked at".to_owned(),
            Fact::Known(facts) => match (&facts.lines, &facts.missing) {
                (Fact::Unknown(reason), _) if below == Level::Line => reason.clone(),
                (_, Some(reason)) if below == Level::Component => reason.clone(),
                _ => "does not say".to_owned(),
            },
        },
        Element::Component(component) => match &component.judged {
            Fact::Unknown(reason) => reason.clone(),
            _ => "packages were not compared with advisories".to_owned(),
        },
        Element::Activity(_) | Element::Running(_) => format!("the {} {NOT_TOLD}", below.as_str()),
        _ => "was not looked at".to_owned(),
    }
}

/// The level at which a subject is judged.
pub(crate) fn root_of(is_image: bool) -> Level {
    if is_image { Level::Image } else { Level::Workload }
}
