//! Which rules run.

use crate::alert::Priority;
use crate::glob;
use crate::load::Rule;

/// Which rules a step is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Those with this tag.
    Tag(String),
    /// Those with this name, in which `*` stands for anything.
    Name(String),
    /// Those with this in their name.
    Part(String),
    /// All.
    All,
}

/// Which rules run: those that are on by themselves, as later steps change it, and that are urgent enough.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// What is switched on and off, in order; the last that is about a rule counts.
    pub steps: Vec<(By, bool)>,
    /// Less urgent rules do not run.
    pub least: Option<Priority>,
}

impl Selection {
    /// Whether a rule runs.
    pub fn has(&self, rule: &Rule) -> bool {
        let about = |by: &By| match by {
            By::Tag(tag) => rule.tags.contains(tag),
            By::Name(pattern) => glob::matches(pattern.as_bytes(), rule.name.as_bytes()),
            By::Part(part) => rule.name.contains(part),
            By::All => true,
        };
        let last = self.steps.iter().rev().find(|(by, _)| about(by));
        last.map_or(rule.enabled, |(_, on)| *on) && self.least.is_none_or(|least| rule.priority <= least)
    }

    /// Only rules with one of these tags.
    pub fn only_tags(tags: &[String]) -> Self {
        let mut steps = vec![(By::All, false)];
        steps.extend(tags.iter().map(|tag| (By::Tag(tag.clone()), true)));
        Self { steps, least: None }
    }
}
