//! Where policies apply and where they do not: scopes and exclusions, compiled.

use crate::criteria::Pattern;
use crate::policy::{Exclusion, Label, Scope};
use jiff::{Timestamp, civil, tz::TimeZone};
use sekisho_model::{Act, Activity, Fact, Workload};
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

/// Where something happened, of which nobody knows what workload that is of.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    /// The namespace; none for what is in none.
    namespace: Fact<Option<&'a str>>,
    /// The name of the pod, where it is in one.
    pod: Fact<Option<&'a str>>,
}

impl<'a> Site<'a> {
    pub(crate) fn of(activity: &Activity<'a>) -> Self {
        let maybe = |fact: &'a Fact<Option<String>>| match fact {
            Fact::Known(text) => Fact::Known(text.as_deref()),
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
            Fact::NotAsked => Fact::NotAsked,
        };
        match (activity.act, activity.container) {
            (Act::Request(request), _) => {
                let pod = if request.is_connection() { maybe(&request.name) } else { Fact::Known(None) };
                Self { namespace: maybe(&request.namespace), pod }
            }
            (_, Some(container)) => {
                let of_pod = |text: &'a Option<String>| match text.as_deref() {
                    None if !container.no_pod => Fact::NotAsked,
                    known => Fact::Known(known),
                };
                Self { namespace: of_pod(&container.pod_namespace), pod: of_pod(&container.pod_name) }
            }
            (_, None) => Self { namespace: Fact::Known(None), pod: Fact::Known(None) },
        }
    }
}

/// Names of pods that are longer may begin with a name that was cut.
const WHOLE_POD_NAME: usize = 58;

/// Whether a workload of such a name can have made the pod: those that make pods put their names in front, and what
/// follows is after a hyphen.
fn can_have_made(name: &Pattern, pod: &str) -> bool {
    let ends = pod.bytes().enumerate().filter(|(_, byte)| *byte == b'-').map(|(at, _)| at);
    pod.len() >= WHOLE_POD_NAME || name.matches(pod) || ends.into_iter().any(|end| name.matches(&pod[..end]))
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
        self.applies_to(Some(&workload.namespace), Some(&workload.labels), around)
    }

    /// The same of a place of which nobody knows what workload it is of.
    pub(crate) fn applies_at(&self, site: &Site<'_>, around: &Surroundings) -> Applies {
        match site.namespace {
            Fact::Known(Some(namespace)) => self.applies_to(Some(namespace), None, around),
            // What is in no namespace is of no workload either.
            Fact::Known(None) if self.namespace.is_some() || self.label.is_some() || self.namespace_label.is_some() => {
                Applies::No
            }
            _ => self.applies_to(None, None, around),
        }
    }

    fn applies_to(
        &self,
        namespace: Option<&str>,
        labels: Option<&BTreeMap<String, String>>,
        around: &Surroundings,
    ) -> Applies {
        let mut missing = None;
        // What is known not to fit decides before what is not known.
        if let Some(wanted) = &self.namespace {
            match namespace {
                Some(namespace) if !wanted.matches(namespace) => return Applies::No,
                Some(_) => {}
                None => missing = Some("its namespace"),
            }
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
            match namespace.and_then(|namespace| around.namespaces.get(namespace)) {
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

    /// Whether it is about a place of which nobody knows what workload it is of.
    pub(crate) fn is_about_site(&self, site: &Site<'_>, around: &Surroundings) -> Applies {
        let Some((name, scope)) = &self.workload else { return Applies::No };
        let scoped = scope.as_ref().map_or(Applies::Yes, |scope| scope.applies_at(site, around));
        match (name, &site.pod) {
            _ if scoped == Applies::No => Applies::No,
            (None, _) => scoped,
            (Some(_), Fact::Known(None)) => Applies::No,
            (Some(name), Fact::Known(Some(pod))) if !can_have_made(name, pod) => Applies::No,
            (Some(_), _) => Applies::Unknown("the name of its workload"),
        }
    }

    /// Whether it is about an image of this full name.
    pub(crate) fn is_about_image(&self, name: &str) -> bool {
        self.image.as_ref().is_some_and(|beginning| name.starts_with(beginning.as_str()))
    }
}
