//! Policies made ready: criteria found, values read, groups put where their facts are; all that is wrong told at once.

use crate::criteria::{CRITERIA, Criterion, Level, Matcher, criterion};
use crate::evaluate::root_of;
use crate::policy::{Operator, Policy, SkipContainer, Stage};

/// A policy that can be asked at one stage.
#[derive(Debug)]
pub struct Compiled {
    pub(crate) sections: Vec<Plan>,
    pub(crate) skip_containers: Vec<SkipContainer>,
}

/// What must hold of an element, and of some element of each kind below it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) level: Level,
    pub(crate) tests: Vec<Test>,
    pub(crate) below: Vec<Plan>,
}

/// One group.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) criterion: &'static Criterion,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) operator: Operator,
    pub(crate) negate: bool,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {reason}")]
pub struct Fault {
    /// Where: `policySections[0].policyGroups[1].values[0]`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// The policy as it is asked at `stage`, or all that is wrong with it.
pub fn compile(policy: &Policy, stage: Stage) -> Result<Compiled, Vec<Fault>> {
    let mut faults = Vec::new();
    let root = root_of(matches!(stage, Stage::Build | Stage::Registry));
    let mut sections = Vec::new();
    for (index, section) in policy.sections.iter().enumerate() {
        let mut plan = Plan { level: root, tests: Vec::new(), below: Vec::new() };
        let mut seen = Vec::new();
        for (place, group) in section.groups.iter().enumerate() {
            let path = format!("policySections[{index}].policyGroups[{place}]");
            let mut fault = |path: String, reason: String| faults.push(Fault { path, reason });
            let Some(criterion) = criterion(&group.field) else {
                fault(path, format!("asks for {:?}, which is no criterion{}", group.field, suggestion(&group.field)));
                continue;
            };
            let name = criterion.name;
            if !criterion.has_meaning_at(stage) {
                fault(path, format!("asks for {name:?}, which says nothing at the stage {}", word_of(stage)));
                continue;
            }
            if seen.contains(&name) {
                fault(path, format!("asks for {name:?} a second time; give one group several values"));
                continue;
            }
            seen.push(name);
            if group.negate && !criterion.negatable {
                fault(path.clone(), format!("turns round {name:?}, which cannot be"));
            }
            if group.values.len() > 1 && !criterion.several {
                fault(path.clone(), format!("has several values for {name:?}, which takes one"));
            }
            if group.values.is_empty() {
                fault(path.clone(), format!("has no value for {name:?}"));
            }
            let mut matchers = Vec::new();
            for (number, value) in group.values.iter().enumerate() {
                match Matcher::parse(criterion.grammar, value) {
                    Ok(matcher) => matchers.push(matcher),
                    Err(reason) => fault(format!("{path}.values[{number}]"), format!("is for {name:?}: {reason}")),
                }
            }
            plan.put(Test { criterion, matchers, operator: group.operator, negate: group.negate });
        }
        sections.push(plan);
    }
    if faults.is_empty() {
        Ok(Compiled { sections, skip_containers: policy.skip_containers.clone() })
    } else {
        Err(faults)
    }
}

impl Plan {
    /// Puts a test where its facts are.
    fn put(&mut self, test: Test) {
        // The way from the root down.
        let mut way = vec![test.criterion.level];
        while let Some(above) = way.last().and_then(|level| level.above()) {
            way.push(above);
        }
        let mut plan = self;
        let root = plan.level;
        for level in way.into_iter().rev().skip_while(|level| *level != root).skip(1) {
            let known = plan.below.iter().position(|lower| lower.level == level);
            let place = known.unwrap_or(plan.below.len());
            if known.is_none() {
                plan.below.push(Plan { level, tests: Vec::new(), below: Vec::new() });
            }
            plan = &mut plan.below[place];
        }
        plan.tests.push(test);
    }
}

fn word_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Build => "build",
        Stage::Registry => "registry",
        Stage::Deploy => "deploy",
        Stage::Runtime => "runtime",
    }
}

/// The name that may have been meant.
fn suggestion(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let distance = |criterion: &&Criterion| strsim::damerau_levenshtein(&name, &criterion.name.to_ascii_lowercase());
    // The time to compare grows with both lengths.
    let close = CRITERIA
        .iter()
        .filter(|_| name.len() < 100)
        .min_by_key(distance)
        .filter(|it| distance(it) <= 1 + name.len() / 4);
    close.map(|criterion| format!("; there is {:?}", criterion.name)).unwrap_or_default()
}
