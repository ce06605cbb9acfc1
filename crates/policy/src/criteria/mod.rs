//! Criteria: what a policy can ask about, each with its name, the values it takes, and where its facts are.
//!
//! Names and grammars of values are those of StackRox 1.1, so that its policies mean the same here.

mod read;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use read::{Below, Element, Reading, below, read};
pub use read::{Image, Subject};
pub use table::CRITERIA;
pub(crate) use value::{Comparison, Matcher, Pattern};

use crate::policy::Stage;

/// One thing that a policy can ask about.
#[derive(Debug)]
pub struct Criterion {
    /// The name: `Privileged Container`.
    pub name: &'static str,
    /// What its facts belong to. Criteria of one level in one section are about the same element.
    pub level: Level,
    /// The values it takes.
    pub grammar: Grammar,
    /// Whether a group may turn round what its values say.
    pub negatable: bool,
    /// Whether a group may have several values.
    pub several: bool,
    /// Whether it holds where its values do not: `Required Label`.
    pub inverted: bool,
}

/// What facts belong to, as a tree: what is in the workload, the containers in it, what is in those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The workload.
    Workload,
    /// A port of it, declared by one of its containers or by a service.
    Port,
    /// A way to a port.
    Exposure,
    /// A container.
    Container,
    /// An environment variable of a container.
    Env,
    /// A volume in a container.
    Volume,
    /// The image of a container.
    Image,
    /// A line of what the image was built by.
    Line,
    /// A package in the image.
    Component,
    /// A vulnerability of a package.
    Vulnerability,
    /// A process, and what it does to files.
    Process,
    /// An access to a file.
    File,
    /// A connection.
    Flow,
    /// A request to the API server about a pod, or a line of its audit log.
    Request,
}

impl Level {
    /// What it is in; none for what stands for itself.
    pub fn above(self) -> Option<Self> {
        match self {
            Self::Workload | Self::Process | Self::File | Self::Flow | Self::Request => None,
            Self::Port | Self::Container => Some(Self::Workload),
            Self::Exposure => Some(Self::Port),
            Self::Env | Self::Volume | Self::Image => Some(Self::Container),
            Self::Line | Self::Component => Some(Self::Image),
            Self::Vulnerability => Some(Self::Component),
        }
    }

    /// Whether it is of something that happens.
    pub fn is_event(self) -> bool {
        matches!(self, Self::Process | Self::File | Self::Flow | Self::Request)
    }

    /// Whether it is of an image, which can be judged before anything runs it.
    pub fn is_image(self) -> bool {
        matches!(self, Self::Image | Self::Line | Self::Component | Self::Vulnerability)
    }
}

impl Criterion {
    /// Whether it says something at `stage`.
    pub fn has_meaning_at(&self, stage: Stage) -> bool {
        match stage {
            Stage::Build | Stage::Registry => self.level.is_image(),
            Stage::Deploy => !self.level.is_event(),
            Stage::Runtime => true,
        }
    }
}

/// The values that a criterion takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// A regular expression for the whole text, in any case.
    Regex,
    /// The same for a part of the text.
    Contains,
    /// The same, where `.*` is for any text that is there.
    Present,
    /// `true` or `false`.
    Flag,
    /// A number, or one after `<`, `>`, `<=` or `>=`.
    Number,
    /// A whole number of days, which are at least over.
    Days,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, in growing order, after `<`, `>`, `<=` or `>=`.
    Ordered(&'static [&'static str]),
    /// One of these words, of which what is at least as much is meant.
    AtLeast(&'static [&'static str]),
    /// `KEY=VALUE`, each a regular expression for the whole, or nothing for any.
    Pair,
    /// The same, of which the first is an instruction of a Dockerfile.
    Line,
    /// A source, and a pair: `RAW=KEY=VALUE`.
    EnvVar,
    /// A capability without `CAP_`.
    Capability {
        /// Whether `ALL` is one.
        all: bool,
    },
    /// A text in any case, for the whole.
    Text,
    /// A path with `*`, `?` and `**`.
    Glob,
    /// An address.
    Address,
}

/// The criterion of this name, in any case.
pub fn criterion(name: &str) -> Option<&'static Criterion> {
    CRITERIA.iter().find(|criterion| criterion.name.eq_ignore_ascii_case(name))
}
