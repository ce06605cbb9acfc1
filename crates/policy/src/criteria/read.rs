//! Where the facts of each criterion are.

use super::Level;
use super::activity::{of_activity, of_running};
use crate::facts::{Component, ImageFacts, Vulnerability};
use jiff::Timestamp;
use sekisho_model::{
    Activity, Container, EnvSource, EnvVar, Exposure, ExposureMethod, Fact, ImageRef, LicenseTerm, Mount, Permissions,
    Port, Propagation, RunningContainer, Seccomp, Severity, Workload,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What policies are asked about: a workload with what is known of its images, an image alone, or something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What happened; none where that is not what is judged.
    pub activity: Option<&'a Activity<'a>>,
    /// The workload; none for an image alone.
    pub workload: Option<&'a Workload>,
    /// The images of its containers, in their order, and those of volumes after them; one for an image alone, and for the
    /// container in which something happened.
    pub images: &'a [Image<'a>],
    /// The moment by which ages are judged.
    pub now: Timestamp,
}

/// An image, and what is known of it.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// What it is called where it was named.
    pub name: &'a str,
    /// The same in full; none where no registry would take the name.
    pub reference: Option<&'a ImageRef>,
    /// Where that stands in a manifest; empty where it is in none.
    pub path: String,
    /// What is known of it.
    pub facts: Fact<&'a ImageFacts>,
}

/// One thing that facts belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Element<'a> {
    Workload(&'a Workload),
    Port(&'a Port),
    Exposure(&'a Exposure),
    /// With its place in the workload.
    Container(usize, &'a Container),
    Env(&'a EnvVar),
    Volume(&'a Mount),
    Image(&'a Image<'a>),
    Line(&'a (String, String)),
    Component(&'a Component),
    Vulnerability(&'a Vulnerability),
    /// What happened, and the workload in which it did.
    Activity(&'a Activity<'a>),
    /// The container in which it did.
    Running(&'a RunningContainer),
}

/// A fact of an element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading<'a> {
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
    Texts(Vec<&'a str>),
    /// Some of several texts, and why the others are not known.
    Some(Vec<&'a str>, &'a str),
    Pairs(Vec<(&'a str, &'a str)>),
    EnvVar {
        source: &'static str,
        name: &'a str,
        value: &'a str,
    },
    /// What is to be kept to use a package.
    Licenses(&'a [LicenseTerm]),
    /// There is none, so that no value can be it.
    Absent,
    /// It cannot be had, for this reason.
    Unknown(&'a str),
    /// Nobody asked for it.
    NotAsked,
}

pub(super) fn text(text: &str) -> Reading<'_> {
    Reading::Text(Cow::Borrowed(text))
}

fn pairs(of: &BTreeMap<String, String>) -> Reading<'_> {
    Reading::Pairs(of.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect())
}

/// What `read` says of a fact, where it is known.
pub(super) fn known<'a, T>(fact: &'a Fact<T>, read: impl FnOnce(&'a T) -> Reading<'a>) -> Reading<'a> {
    match fact {
        Fact::Known(value) => read(value),
        Fact::Unknown(reason) => Reading::Unknown(reason),
        Fact::NotAsked => Reading::NotAsked,
    }
}

pub(super) fn texts(list: &[String]) -> Reading<'_> {
    Reading::Texts(list.iter().map(String::as_str).collect())
}

/// What is run, as one line; none where nothing is said.
fn command<'a>(words: &[&'a [String]]) -> Reading<'a> {
    let words: Vec<&str> = words.iter().copied().flatten().map(String::as_str).collect();
    if words.is_empty() { Reading::Absent } else { Reading::Text(Cow::Owned(words.join(" "))) }
}

/// Nothing said is nothing asked for and no bound: zero.
fn amount(amount: Option<f64>, unit: f64) -> Reading<'static> {
    Reading::Number(amount.unwrap_or(0.0) / unit)
}

/// Memory is in mebibytes.
const MEBIBYTE: f64 = 1_048_576.0;

/// Whole days from `then` to `now`.
fn days(then: Timestamp, now: Timestamp) -> Reading<'static> {
    Reading::Number((now.duration_since(then).as_secs_f64() / 86_400.0).floor())
}

/// The fact that the criterion `name` is about, of an element of its level.
pub(crate) fn read<'a>(name: &str, element: Element<'a>, now: Timestamp) -> Reading<'a> {
    match element {
        Element::Workload(workload) => of_workload(name, workload),
        Element::Port(port) => of_port(name, port),
        Element::Exposure(exposure) => {
            exposure.node_port.as_ref().map_or(Reading::Absent, |port| known(port, |port| number(*port)))
        }
        Element::Container(_, container) => of_container(name, container),
        Element::Env(variable) => Reading::EnvVar {
            source: source_of(variable.source),
            name: &variable.name,
            value: if variable.source == EnvSource::Raw { &variable.value } else { "" },
        },
        Element::Volume(volume) => of_volume(name, volume),
        Element::Image(image) => of_image(name, image, now),
        Element::Line((instruction, rest)) => Reading::Pairs(vec![(instruction, rest)]),
        Element::Component(component) => of_component(name, component),
        Element::Vulnerability(vulnerability) => of_vulnerability(name, vulnerability, now),
        Element::Activity(activity) => of_activity(name, activity),
        Element::Running(container) => of_running(name, container),
    }
}

#[expect(clippy::cast_precision_loss, reason = "ports and replicas are small")]
fn number(number: i64) -> Reading<'static> {
    Reading::Number(number as f64)
}

fn source_of(source: EnvSource) -> &'static str {
    match source {
        EnvSource::Raw => "RAW",
        EnvSource::Unset => "UNSET",
        EnvSource::SecretKey => "SECRET_KEY",
        EnvSource::ConfigMapKey => "CONFIG_MAP_KEY",
        EnvSource::Field => "FIELD",
        EnvSource::ResourceField => "RESOURCE_FIELD",
        EnvSource::Unknown => "UNKNOWN",
    }
}

fn of_workload<'a>(name: &str, workload: &'a Workload) -> Reading<'a> {
    match name {
        "Automount Service Account Token" => Reading::Flag(workload.automount_token),
        "Disallowed Annotation" | "Required Annotation" => pairs(&workload.annotations),
        "Required Label" => pairs(&workload.labels),
        "Has Egress Network Policy" => known(&workload.egress_policy, |has| Reading::Flag(*has)),
        "Has Ingress Network Policy" => known(&workload.ingress_policy, |has| Reading::Flag(*has)),
        "Host IPC" => Reading::Flag(workload.host_ipc),
        "Host Network" => Reading::Flag(workload.host_network),
        "Host PID" => Reading::Flag(workload.host_pid),
        "Minimum RBAC Permissions" => known(&workload.permissions, |permissions| match permissions {
            Permissions::None => Reading::Absent,
            Permissions::Default => text("DEFAULT"),
            Permissions::ElevatedInNamespace => text("ELEVATED_IN_NAMESPACE"),
            Permissions::ElevatedClusterWide => text("ELEVATED_CLUSTER_WIDE"),
            Permissions::ClusterAdmin => text("CLUSTER_ADMIN"),
        }),
        "Namespace" => text(&workload.namespace),
        "Replicas" => workload.replicas.map_or(Reading::Absent, number),
        "Runtime Class" => text(workload.runtime_class.as_deref().unwrap_or_default()),
        "Service Account" => text(&workload.service_account),
        _ => Reading::NotAsked,
    }
}

fn of_port<'a>(name: &str, port: &'a Port) -> Reading<'a> {
    match name {
        "Exposed Port" => number(port.container_port),
        "Exposed Port Protocol" => text(&port.protocol),
        "Port Exposure Method" => {
            let word = |exposure: &Exposure| match exposure.method {
                ExposureMethod::Internal => "INTERNAL",
                ExposureMethod::Host => "HOST",
                ExposureMethod::Node => "NODE",
                ExposureMethod::Route => "ROUTE",
                ExposureMethod::External => "EXTERNAL",
            };
            let methods: Vec<&str> = port.exposures.iter().map(word).collect();
            if methods.is_empty() { text("UNSET") } else { Reading::Texts(methods) }
        }
        _ => Reading::NotAsked,
    }
}

fn of_container<'a>(name: &str, container: &'a Container) -> Reading<'a> {
    match name {
        "Add Capabilities" => texts(&container.add_capabilities),
        "Drop Capabilities" => texts(&container.drop_capabilities),
        "Allow Privilege Escalation" => Reading::Flag(container.allow_privilege_escalation),
        "AppArmor Profile" => text(container.apparmor.as_deref().unwrap_or_default()),
        "Container Command" => command(&[&container.command, &container.args]),
        "Container CPU Limit" => amount(container.cpu_limit, 1.0),
        "Container CPU Request" => amount(container.cpu_request, 1.0),
        "Container Memory Limit" => amount(container.memory_limit, MEBIBYTE),
        "Container Memory Request" => amount(container.memory_request, MEBIBYTE),
        "Container Name" => text(&container.name),
        "Liveness Probe Defined" => Reading::Flag(container.liveness_probe),
        "Readiness Probe Defined" => Reading::Flag(container.readiness_probe),
        "Privileged Container" => Reading::Flag(container.privileged),
        "Read-Only Root Filesystem" => Reading::Flag(container.read_only_root),
        "Root User Allowed" => Reading::Flag(match container.run_as_user {
            Some(user) => user == 0,
            None => container.run_as_non_root != Some(true),
        }),
        "Run As User" => container.run_as_user.map_or(Reading::Absent, number),
        // Where nothing is set, there is no profile.
        "Seccomp Profile Type" => match container.seccomp {
            Some(Seccomp::RuntimeDefault) => text("RUNTIME_DEFAULT"),
            Some(Seccomp::Localhost) => text("LOCALHOST"),
            Some(Seccomp::Unconfined) | None => text("UNCONFINED"),
        },
        _ => Reading::NotAsked,
    }
}

fn of_volume<'a>(name: &str, volume: &'a Mount) -> Reading<'a> {
    match name {
        "Mount Propagation" => text(match volume.propagation {
            Propagation::None => "NONE",
            Propagation::HostToContainer => "HOSTTOCONTAINER",
            Propagation::Bidirectional => "BIDIRECTIONAL",
        }),
        "Volume Destination" => text(&volume.destination),
        "Volume Name" => text(&volume.name),
        "Volume Source" => text(&volume.source),
        "Volume Type" => text(&volume.kind),
        "Writable Host Mount" => Reading::Flag(volume.kind == "HostPath" && !volume.read_only),
        "Writable Mounted Volume" => Reading::Flag(!volume.read_only),
        _ => Reading::NotAsked,
    }
}

fn of_image<'a>(name: &str, image: &'a Image<'a>, now: Timestamp) -> Reading<'a> {
    // What its name says needs no look at the image; a name that no registry takes says nothing that can be compared.
    let named = |read: fn(&ImageRef) -> Reading<'_>| {
        image.reference.map_or(Reading::Unknown("its name is none that a registry takes"), read)
    };
    match name {
        "Image Named By Digest" => return named(|it| Reading::Flag(it.digest.is_some())),
        "Image Registry" => return named(|it| text(&it.registry)),
        "Image Remote" => return named(|it| text(&it.repository)),
        "Image Tag" => return named(|it| text(&it.tag)),
        _ => {}
    }
    let facts = match &image.facts {
        Fact::Known(facts) => *facts,
        // That it was not scanned is what is asked for.
        Fact::Unknown(_) if name == "Unscanned Image" => return Reading::Flag(true),
        Fact::Unknown(reason) => return Reading::Unknown(reason),
        Fact::NotAsked => return Reading::NotAsked,
    };
    match name {
        "Base Image" => known(&facts.base, |base| text(base)),
        "Disallowed Image Label" | "Required Image Label" => known(&facts.labels, pairs),
        "End-of-Life OS" => known(&facts.supported_until, |end| Reading::Flag(end.is_some_and(|end| end <= now))),
        "Image Age" => facts.created.map_or(Reading::Unknown("it does not say when it was built"), |it| days(it, now)),
        "Image Command" => known(&facts.config, |config| command(&[&config.entrypoint, &config.cmd])),
        "Image Environment Variable" => known(&facts.config, |config| {
            Reading::Pairs(
                config.env.iter().map(|variable| variable.split_once('=').unwrap_or((variable, ""))).collect(),
            )
        }),
        "Image Exposed Port" => known(&facts.config, |config| texts(&config.exposed_ports)),
        "Image Health Check Defined" => known(&facts.config, |config| Reading::Flag(config.health_check)),
        "Image OS" => known(&facts.os, |os| text(os)),
        "Image Scan Age" => {
            facts.scanned.map_or(Reading::Unknown("when it was scanned is not known"), |it| days(it, now))
        }
        "Image Signature Verified By" => known(&facts.signed_by, |ids| texts(ids)),
        // An image that names no user runs as root.
        "Image User" => known(&facts.config, |config| user(&config.user)),
        "Image Volume" => known(&facts.config, |config| texts(&config.volumes)),
        "Malware Found" => known(&facts.malware, |names| texts(names)),
        "Required Attestation" => known(&facts.attestations, |kinds| texts(kinds)),
        "Secret Found" => known(&facts.secrets, |rules| texts(rules)),
        "Unscanned Image" => Reading::Flag(facts.scanned.is_none()),
        _ => Reading::NotAsked,
    }
}

/// A user as it is written, and without its group. Who names none means root.
fn user(text: &str) -> Reading<'_> {
    let user = text.split_once(':').map_or(text, |(user, _)| user);
    let user = if user.is_empty() { "root" } else { user };
    Reading::Texts(if text == user || text.is_empty() { vec![user] } else { vec![text, user] })
}

fn of_component<'a>(name: &str, component: &'a Component) -> Reading<'a> {
    match name {
        "Image Component" => Reading::Pairs(vec![(&component.name, &component.version)]),
        "License" if component.licenses.is_empty() => Reading::Unknown("it states no licence"),
        "License Class" if component.licenses.is_empty() => text("NONE"),
        "License" | "License Class" => Reading::Licenses(&component.licenses),
        "Package In Use" => known(&component.in_use, |in_use| Reading::Flag(*in_use)),
        _ => Reading::NotAsked,
    }
}

fn of_vulnerability<'a>(name: &str, vulnerability: &'a Vulnerability, now: Timestamp) -> Reading<'a> {
    let unsaid = Reading::Unknown("nobody says");
    let score = |score: Option<f32>| score.map_or(unsaid.clone(), |score| Reading::Number(tenths(score)));
    match name {
        "CVE" => text(&vulnerability.id),
        "CVSS" => score(vulnerability.cvss),
        "NVD CVSS" => score(vulnerability.nvd_cvss),
        "Days Since CVE Was Known Exploited" => known(&vulnerability.exploited, |exploited| {
            let since = vulnerability.exploited_since;
            if *exploited { since.map_or(unsaid.clone(), |since| days(since, now)) } else { Reading::Absent }
        }),
        "EPSS" => known(&vulnerability.epss, |epss| Reading::Number(as_written(*epss))),
        "Known Exploited" => known(&vulnerability.exploited, |exploited| Reading::Flag(*exploited)),
        "Fixable" => Reading::Flag(!vulnerability.fixed_by.is_empty()),
        "Fixed By" => text(&vulnerability.fixed_by),
        "Days Since CVE Was Published" => {
            vulnerability.published.map_or(unsaid.clone(), |published| days(published, now))
        }
        "Severity" => text(match vulnerability.severity {
            Severity::Unknown => "UNKNOWN",
            Severity::Negligible | Severity::Low => "LOW",
            Severity::Medium => "MODERATE",
            Severity::High => "IMPORTANT",
            Severity::Critical => "CRITICAL",
        }),
        _ => Reading::NotAsked,
    }
}

/// A likelihood as it is published, with five places.
fn as_written(likelihood: f32) -> f64 {
    (f64::from(likelihood) * 100_000.0).round() / 100_000.0
}

/// A score as people write it: the nearest tenth.
fn tenths(score: f32) -> f64 {
    (f64::from(score) * 10.0).round() / 10.0
}

/// Whether the facts below an element are all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Below {
    Whole,
    Unknown,
    NotAsked,
}

/// Calls `visit` for each element of `level` right below `element`, until it says that this is enough, and says whether
/// there may be more.
pub(crate) fn below<'a>(
    subject: &Subject<'a>,
    element: Element<'a>,
    level: Level,
    visit: &mut dyn FnMut(Element<'a>) -> bool,
) -> Below {
    match (element, level) {
        (Element::Workload(workload), Level::Port) => {
            let _ = workload.containers.iter().flat_map(|it| &it.ports).any(|port| visit(Element::Port(port)));
        }
        (Element::Workload(workload), Level::Container) => {
            let mut containers = workload.containers.iter().enumerate();
            let _ = containers.any(|(place, container)| visit(Element::Container(place, container)));
        }
        (Element::Port(port), Level::Exposure) => {
            let _ = port.exposures.iter().any(|exposure| visit(Element::Exposure(exposure)));
        }
        (Element::Container(_, container), Level::Env) => {
            let _ = container.env.iter().any(|variable| visit(Element::Env(variable)));
        }
        (Element::Container(_, container), Level::Volume) => {
            let _ = container.volumes.iter().any(|volume| visit(Element::Volume(volume)));
        }
        (Element::Container(place, container), Level::Image) => {
            let Some(image) = subject.images.get(place) else { return Below::NotAsked };
            if visit(Element::Image(image)) {
                return Below::Whole;
            }
            // What is mounted is as much a part of what runs.
            let containers = subject.workload.map_or(0, |workload| workload.containers.len());
            let mounted = |image: &&Image<'_>| {
                container.volumes.iter().any(|volume| volume.is_image() && volume.source == image.name)
            };
            let _ = subject.images.iter().skip(containers).filter(mounted).any(|image| visit(Element::Image(image)));
        }
        (Element::Image(image), Level::Line | Level::Component) => {
            let facts = match &image.facts {
                Fact::Known(facts) => *facts,
                Fact::Unknown(_) => return Below::Unknown,
                Fact::NotAsked => return Below::NotAsked,
            };
            if level == Level::Line {
                let lines = match &facts.lines {
                    Fact::Known(lines) => lines,
                    Fact::Unknown(_) => return Below::Unknown,
                    Fact::NotAsked => return Below::NotAsked,
                };
                let _ = lines.iter().any(|line| visit(Element::Line(line)));
            } else {
                let _ = facts.components.iter().any(|component| visit(Element::Component(component)));
                if facts.missing.is_some() {
                    return Below::Unknown;
                }
            }
        }
        // What happened did so in one container, if in any; a request says nothing of those that it is about.
        (Element::Activity(activity), Level::Container) => match activity.container {
            Some(container) => {
                let _ = visit(Element::Running(container));
            }
            None if activity.act.process().is_some() => {}
            None => return Below::Unknown,
        },
        (Element::Activity(activity), Level::Port) => {
            let is_of_host = activity.container.is_none() && activity.act.process().is_some();
            return if is_of_host { Below::Whole } else { Below::Unknown };
        }
        (Element::Running(container), Level::Image) => {
            let _ = subject.images.iter().any(|image| visit(Element::Image(image)));
            return if subject.images.is_empty() && !container.no_image { Below::Unknown } else { Below::Whole };
        }
        (Element::Running(_), Level::Env | Level::Volume) => return Below::Unknown,
        (Element::Component(component), Level::Vulnerability) => {
            let _ = component.vulnerabilities.iter().any(|it| visit(Element::Vulnerability(it)));
            return match component.judged {
                Fact::Known(()) => Below::Whole,
                Fact::Unknown(_) => Below::Unknown,
                Fact::NotAsked => Below::NotAsked,
            };
        }
        _ => {}
    }
    Below::Whole
}
