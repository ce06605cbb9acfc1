//! Where policies apply and where they do not: scopes and exclusions, compiled.

use crate::criteria::Pattern;
use crate::policy::{Exclusion, Label, Scope};
use jiff::{Timestamp, civil, tz::TimeZone};
use sekisho_model::{Fact, Workload};
use std::collections::BTreeMap;

/// What is known of where a workload is to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The id or name of the cluster.
    pub cluster: Fact<String>,
    /// Labels of the cluster.
    pub cluster_labels: Fact<BTreeMap<String, String>>,
    /// Labels of namespaces, of those that are known.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

/// Whether a scope or exclusion is about a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applies {
    Yes,
    No,
    /// It asks for what is not known.
    Unknown(&'static str),
}

/// A scope made ready.
#[derive(Debug)]
pub(crate) struct ScopeTest {
    cluster: Option<String>,
    namespace: Option<Pattern>,
    label: Option<(Pattern, Pattern)>,
    cluster_label: Option<(Pattern, Pattern)>,
    namespace_label: Option<(Pattern, Pattern)>,
}

/// An exclusion made ready.
#[derive(Debug)]
pub(crate) struct ExclusionTest {
    pub(crate) reason: String,
    pub(crate) until: Option<Timestamp>,
    /// The workload's name, and where it is.
    workload: Option<(Option<Pattern>, Option<ScopeTest>)>,
    image: Option<String>,
}

/// A moment in RFC 3339, or a day, which is over when it ends in UTC.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<civil::Date>().ok()?.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| day().map(|day| day.timestamp()))
}

fn pattern(text: &str) -> Result<Option<Pattern>, String> {
    if text.is_empty() { Ok(None) } else { Pattern::whole(text).map(Some) }
}

fn label(label: Option<&Label>) -> Result<Option<(Pattern, Pattern)>, String> {
    label.map(|label| Ok((Pattern::part(&label.key)?, Pattern::part(&label.value)?))).transpose()
}

fn has((key, value): &(Pattern, Pattern), labels: &BTreeMap<String, String>) -> bool {
    labels.iter().any(|(name, text)| key.matches(name) && value.matches(text))
}

impl ScopeTest {
    pub(crate) fn compile(scope: &Scope) -> Result<Self, String> {
        Ok(Self {
            cluster: (!scope.cluster.is_empty()).then(|| scope.cluster.clone()),
            namespace: pattern(&scope.namespace)?,
            label: label(scope.label.as_ref())?,
            cluster_label: label(scope.cluster_label.as_ref())?,
            namespace_label: label(scope.namespace_label.as_ref())?,
        })
    }

    pub(crate) fn applies(&self, workload: &Workload, around: &Surroundings) -> Applies {
        self.applies_to(&workload.namespace, Some(&workload.labels), around)
    }

    /// The same of a pod of which nobody knows what workload it is of.
    pub(crate) fn applies_in(&self, namespace: &str, around: &Surroundings) -> Applies {
        self.applies_to(namespace, None, around)
    }

    fn applies_to(&self, namespace: &str, labels: Option<&BTreeMap<String, String>>, around: &Surroundings) -> Applies {
        let mut missing = None;
        // What is known not to fit decides before what is not known.
        if self.namespace.as_ref().is_some_and(|wanted| !wanted.matches(namespace)) {
            return Applies::No;
        }
        if let Some(wanted) = &self.label {
            match labels {
                Some(labels) if !has(wanted, labels) => return Applies::No,
                Some(_) => {}
                None => missing = Some("the labels of its workload"),
            }
        }
        if let Some(wanted) = &self.cluster {
            match &around.cluster {
                Fact::Known(cluster) if cluster != wanted => return Applies::No,
                Fact::Known(_) => {}
                _ => missing = Some("in which cluster it is to run"),
            }
        }
        if let Some(wanted) = &self.cluster_label {
            match &around.cluster_labels {
                Fact::Known(labels) if !has(wanted, labels) => return Applies::No,
                Fact::Known(_) => {}
                _ => missing = Some("the labels of its cluster"),
            }
        }
        if let Some(wanted) = &self.namespace_label {
            match around.namespaces.get(namespace) {
                Some(labels) if !has(wanted, labels) => return Applies::No,
                Some(_) => {}
                None => missing = Some("the labels of its namespace"),
            }
        }
        missing.map_or(Applies::Yes, Applies::Unknown)
    }
}

impl ExclusionTest {
    pub(crate) fn compile(exclusion: &Exclusion) -> Result<Self, String> {
        let until = exclusion
            .expiration
            .as_deref()
            .map(|text| moment(text).ok_or_else(|| format!("ends at {text:?}, which is no date of RFC 3339")));
        let workload = exclusion.deployment.as_ref().map(|(name, scope)| {
            Ok::<_, String>((pattern(name)?, scope.as_ref().map(ScopeTest::compile).transpose()?))
        });
        Ok(Self {
            reason: exclusion.name.clone(),
            until: until.transpose()?,
            workload: workload.transpose()?,
            image: exclusion.image.clone(),
        })
    }

    /// Whether it is about this workload, not looking at when it ends.
    pub(crate) fn is_about_workload(&self, workload: &Workload, around: &Surroundings) -> Applies {
        let Some((name, scope)) = &self.workload else { return Applies::No };
        if name.as_ref().is_some_and(|name| !name.matches(&workload.name)) {
            return Applies::No;
        }
        scope.as_ref().map_or(Applies::Yes, |scope| scope.applies(workload, around))
    }

    /// Whether it is about a pod of which nobody knows what workload it is of.
    pub(crate) fn is_about_pod(&self, namespace: &str, around: &Surroundings) -> Applies {
        let Some((name, scope)) = &self.workload else { return Applies::No };
        match scope.as_ref().map_or(Applies::Yes, |scope| scope.applies_in(namespace, around)) {
            Applies::Yes if name.is_some() => Applies::Unknown("the name of its workload"),
            applies => applies,
        }
    }

    /// Whether it is about an image of this full name.
    pub(crate) fn is_about_image(&self, name: &str) -> bool {
        self.image.as_ref().is_some_and(|beginning| name.starts_with(beginning.as_str()))
    }
}
