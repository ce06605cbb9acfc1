//! Policies made ready: criteria found, values read, groups put where their facts are; all that is wrong told at once.

use crate::criteria::{CRITERIA, Criterion, Level, Matcher, criterion};
use crate::evaluate::root_of;
use crate::policy::{Operator, Policy, SkipContainer, Stage};
use crate::scope::{ExclusionTest, ScopeTest};
use crate::validate::of_values;

/// A policy that can be asked at one stage.
#[derive(Debug)]
pub struct Compiled {
    pub(crate) sections: Vec<Plan>,
    pub(crate) skip_containers: Vec<SkipContainer>,
    pub(crate) scopes: Vec<ScopeTest>,
    pub(crate) exclusions: Vec<ExclusionTest>,
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
    /// The values as they were written.
    pub(crate) values: Vec<String>,
    pub(crate) operator: Operator,
    pub(crate) negate: bool,
}

/// A part of a policy, by numbers from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The section.
    pub section: usize,
    /// The group in it.
    pub group: Option<usize>,
    /// The value of that.
    pub value: Option<usize>,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where; none where it is the policy as a whole.
    pub at: Option<At>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// The policy as it is asked at `stage`, or all that is wrong with it.
pub fn compile(policy: &Policy, stage: Stage) -> Result<Compiled, Vec<Fault>> {
    let mut faults = Vec::new();
    let root = root_of(matches!(stage, Stage::Build | Stage::Registry));
    let mut sections = Vec::new();
    for (section, groups) in policy.sections.iter().enumerate() {
        let mut plan = Plan { level: root, tests: Vec::new(), below: Vec::new() };
        for (place, group) in groups.groups.iter().enumerate() {
            let mut fault = |value: Option<usize>, reason: String| {
                faults.push(Fault { at: Some(At { section, group: Some(place), value }), reason });
            };
            let Some(criterion) = criterion(&group.field) else {
                fault(None, format!("there is no criterion {:?}{}", group.field, suggestion(&group.field)));
                continue;
            };
            let name = criterion.name;
            if !criterion.has_meaning_at(stage) {
                fault(None, format!("{name:?} says nothing at the stage {}", stage.as_str()));
                continue;
            }
            if groups.groups[..place].iter().any(|other| other.field.eq_ignore_ascii_case(name)) {
                fault(None, format!("{name:?} is asked for a second time; give it several values"));
                continue;
            }
            if group.negate && !criterion.negatable {
                fault(None, format!("{name:?} cannot be turned round"));
            }
            if group.values.len() > 1 && !criterion.several {
                fault(None, format!("{name:?} takes one value, not several"));
            }
            if group.values.is_empty() {
                fault(None, format!("{name:?} has no value"));
            }
            if let Some(reason) = of_values(name, group.operator, &group.values) {
                fault(None, reason);
            }
            let mut matchers = Vec::new();
            for (number, value) in group.values.iter().enumerate() {
                match Matcher::parse(criterion.grammar, value) {
                    Ok(matcher) => matchers.push(matcher),
                    Err(reason) => fault(Some(number), format!("{name:?}: {reason}")),
                }
            }
            let values = group.values.clone();
            plan.put(Test { criterion, matchers, values, operator: group.operator, negate: group.negate });
        }
        sections.push(plan);
    }
    let scopes = sound(policy.scopes.iter().map(ScopeTest::compile), &mut faults);
    let exclusions = sound(policy.exclusions.iter().map(ExclusionTest::compile), &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Compiled { sections, skip_containers: policy.skip_containers.clone(), scopes, exclusions })
}

/// What could be made; why not is a fault.
fn sound<T>(made: impl Iterator<Item = Result<T, String>>, faults: &mut Vec<Fault>) -> Vec<T> {
    let keep = |made: Result<T, String>| made.map_err(|reason| faults.push(Fault { at: None, reason })).ok();
    made.filter_map(keep).collect()
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

/// The known name that was most likely meant.
pub fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The time to compare grows with both lengths.
    let known = known.into_iter().filter(|other| name.len() < 100 && other.len() < 200);
    let lower = name.to_ascii_lowercase();
    let (far, near) = known.map(|it| (strsim::damerau_levenshtein(&lower, &it.to_ascii_lowercase()), it)).min()?;
    (far <= 1 + name.len() / 4).then_some(near)
}

/// The name that may have been meant.
fn suggestion(name: &str) -> String {
    let close = near(name, CRITERIA.iter().map(|criterion| criterion.name));
    close.map(|criterion| format!("; there is {criterion:?}")).unwrap_or_default()
}
