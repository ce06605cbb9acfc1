//! Criteria: what a policy can ask about, each with its name, the values it takes, and where its facts are.
//!
//! Names and grammars of values are those of StackRox 1.1, so that its policies mean the same here; those that are ours
//! say so.

mod activity;
#[cfg(test)]
mod linked;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use activity::NOT_TOLD;
pub(crate) use read::{Below, Element, Reading, below, read};
pub use read::{Image, Subject};
pub use table::CRITERIA;
pub(crate) use value::{Comparison, Matcher, Pattern, bare_capability, word_of};

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
    /// What it is about, for who writes a policy: a few words of Markdown.
    pub meaning: &'static str,
    /// Whether a group may turn round what its values say.
    pub negatable: bool,
    /// Whether a group may have several values.
    pub several: bool,
    /// Whether it holds where its values do not: `Required Label`.
    pub inverted: bool,
    /// Whether it is ours, and not one of `StackRox`.
    pub is_ours: bool,
    /// Why nothing answers it yet, so that a policy that needs it is never passed.
    pub later: Option<&'static str>,
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
    /// What has to be there for it to be answered.
    pub fn needs(&self) -> Needs {
        match (self.level, self.name) {
            (Level::Image, "Image Registry" | "Image Remote" | "Image Tag" | "Image Named By Digest") => {
                Needs::Manifest
            }
            (_, "Has Egress Network Policy" | "Has Ingress Network Policy" | "Minimum RBAC Permissions") => {
                Needs::Surroundings
            }
            (Level::Port | Level::Exposure, _) => Needs::Surroundings,
            (Level::Workload | Level::Container | Level::Env | Level::Volume, _) => Needs::Manifest,
            (Level::Image | Level::Line | Level::Component, _) => Needs::Image,
            (Level::Vulnerability, _) => Needs::Advisories,
            (Level::Process | Level::File | Level::Flow | Level::Request, _) => Needs::Event,
        }
    }

    /// Whether it says something at `stage`.
    pub fn has_meaning_at(&self, stage: Stage) -> bool {
        match stage {
            Stage::Build | Stage::Registry => self.level.is_image(),
            Stage::Deploy => !self.level.is_event(),
            Stage::Runtime => true,
        }
    }
}

/// What has to be there for a criterion to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Needs {
    /// The workload's manifest, or the image's name.
    Manifest,
    /// The manifests of services, network policies and roles as well.
    Surroundings,
    /// A scan of the image.
    Image,
    /// The same, compared with advisories.
    Advisories,
    /// Something that happens.
    Event,
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
    /// A capability, with or without `CAP_`.
    Capability {
        /// Whether `ALL` is one.
        all: bool,
    },
    /// A text in any case, for the whole.
    Text,
    /// The same, for who signs: the id of a signature integration of `StackRox`, or the name of a key.
    Signer,
    /// A path with `*`, `?` and `**`.
    Glob,
    /// An address.
    Address,
}

impl Grammar {
    /// What values of it look like, for who writes one: a few words of Markdown.
    pub fn describe(self) -> String {
        let spans = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        match self {
            Self::Regex => "regular expression for the whole".to_owned(),
            Self::Contains => "regular expression for a part".to_owned(),
            Self::Present => "regular expression for the whole; `.*` for any that is there".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Number => "number, or one after `<`, `<=`, `>` or `>=`".to_owned(),
            Self::Days => "days at least".to_owned(),
            Self::Word(words) => spans(words),
            Self::Ordered(words) => format!("{}, or one of these after `<`, `<=`, `>` or `>=`", spans(words)),
            Self::AtLeast(words) => format!("at least {}", spans(words)),
            Self::Pair => "`KEY=VALUE`, regular expressions for the whole; an empty one for any".to_owned(),
            Self::Line => "`INSTRUCTION=REST`; the rest is a regular expression for the whole".to_owned(),
            Self::EnvVar => {
                "`SOURCE=KEY=VALUE`; key and value are regular expressions for the whole, each may be empty; \
                             the source is `RAW`, `UNSET`, `SECRET_KEY`, `CONFIG_MAP_KEY`, `FIELD`, `RESOURCE_FIELD`, \
                             `UNKNOWN` or empty"
                    .to_owned()
            }
            Self::Capability { all: true } => "capability, with or without `CAP_`, or `ALL`".to_owned(),
            Self::Capability { all: false } => "capability, with or without `CAP_`".to_owned(),
            Self::Text => "the whole text".to_owned(),
            Self::Signer => "`io.stackrox.signatureintegration.UUID`, or the whole name of a key".to_owned(),
            Self::Glob => "path with `*`, `?` and `**`".to_owned(),
            Self::Address => "address of IPv4 or IPv6".to_owned(),
        }
    }
}

impl Level {
    /// What it is, in a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Port => "port",
            Self::Exposure => "way to a port",
            Self::Container => "container",
            Self::Env => "environment variable",
            Self::Volume => "volume",
            Self::Image => "image",
            Self::Line => "line of the Dockerfile",
            Self::Component => "package",
            Self::Vulnerability => "vulnerability",
            Self::Process => "process",
            Self::File => "access to a file",
            Self::Flow => "connection",
            Self::Request => "request to the API server",
        }
    }
}

/// The criterion of this name, in any case.
pub fn criterion(name: &str) -> Option<&'static Criterion> {
    CRITERIA.iter().find(|criterion| criterion.name.eq_ignore_ascii_case(name))
}
