//! What holds in a violation, in words: what is wrong, in which field, and what to set it to where that follows.

use crate::compile::Test;
use crate::criteria::{Element, Matcher, Reading, word_of};
use sekisho_model::{Act, Activity, Fact, FileOperation, LicenseTerm};
use serde_json::{Value, json};

/// What holds in a violation: a criterion, and of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The criterion.
    pub criterion: &'static str,
    /// The container, where it is about one.
    pub container: Option<String>,
    /// The field in the manifest, whether it is there or missing; empty where it is about an image.
    pub path: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What the field is to be, where any other value would not do.
    pub set: Option<Value>,
}

/// Where the field of a criterion is.
enum Field {
    /// In the object.
    Object(&'static str),
    /// In the pod's specification.
    Pod(&'static str),
    /// In what the criterion is about: a container, a variable, a port, a volume.
    Own(&'static str),
    /// In no manifest.
    Image,
}

/// What is around an element.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The container it is in.
    pub(crate) container: Option<&'a str>,
    /// The pod's place in the manifest.
    pub(crate) pod_path: &'a str,
    /// The image's name.
    pub(crate) image: &'a str,
    /// Where that stands in the manifest.
    pub(crate) image_path: &'a str,
    /// The package of a vulnerability.
    pub(crate) component: &'a str,
}

/// What `test` found in `element`.
pub(crate) fn witness(test: &Test, element: Element<'_>, reading: &Reading<'_>, around: Around<'_>) -> Witness {
    let criterion = test.criterion.name;
    let (field, sentence) = match element {
        Element::Activity(activity) => (Field::Own(""), of_activity(criterion, activity, &shown(reading))),
        _ => sentence(test, element, reading),
    };
    let own = match element {
        Element::Port(port) => port.path.as_str(),
        Element::Container(_, container) => container.path.as_str(),
        Element::Env(variable) => variable.path.as_str(),
        Element::Volume(volume) => volume.path.as_str(),
        _ => "",
    };
    let join = |path: &str, name: &str| match (path, name) {
        ("", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    };
    let path = match field {
        Field::Object(name) => name.to_owned(),
        Field::Pod(name) => join(around.pod_path, name),
        Field::Own(name) => join(own, name),
        // All that is of an image stands in the manifest by its name.
        Field::Image => around.image_path.to_owned(),
    };
    let subject = match (element, around.container) {
        (Element::Image(_) | Element::Line(_) | Element::Component(_), _) => format!("image {}: ", around.image),
        (Element::Vulnerability(_), _) => format!("image {}: {}: ", around.image, around.component),
        (Element::Activity(activity), _) => subject(activity),
        (Element::Workload(_), _) => String::new(),
        (_, Some(container)) => format!("container {container}: "),
        _ => String::new(),
    };
    let set = if test.negate { None } else { replacement(test, element, reading) };
    let container = around.container.map(str::to_owned);
    Witness { criterion, container, path, message: subject + &sentence, set }
}

/// What the values look for, for a sentence: `a, b`.
fn wanted(test: &Test) -> String {
    test.values.join(", ")
}

/// Of what was read, the pairs that are looked for.
fn matching<'r>(test: &Test, reading: &'r Reading<'_>) -> Vec<(&'r str, &'r str)> {
    let Reading::Pairs(pairs) = reading else { return Vec::new() };
    let is_it = |pair: &(&str, &str)| test.matchers.iter().any(|it| it.matches(&Reading::Pairs(vec![*pair])));
    pairs.iter().copied().filter(is_it).collect()
}

/// Which of the pairs called `what` there is, and should not be.
fn pairs(test: &Test, reading: &Reading<'_>, what: &str) -> String {
    let found: Vec<String> = matching(test, reading).iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("has the {what} {}", found.join(", "))
}

/// The field that a criterion is about, and what is wrong with it.
fn sentence(test: &Test, element: Element<'_>, reading: &Reading<'_>) -> (Field, String) {
    let shown = shown(reading);
    let flag = *reading == Reading::Flag(true);
    let either = |yes: &str, no: &str| if flag { yes.to_owned() } else { no.to_owned() };
    match test.criterion.name {
        "Add Capabilities" => {
            (Field::Own("securityContext.capabilities.add"), format!("adds the capabilities {shown}"))
        }
        "Drop Capabilities" => (
            Field::Own("securityContext.capabilities.drop"),
            format!("does not drop the capabilities {}", wanted(test)),
        ),
        "Allow Privilege Escalation" => (
            Field::Own("securityContext.allowPrivilegeEscalation"),
            either("processes may get more rights than their parent", "processes may not get more rights"),
        ),
        "AppArmor Profile" => {
            let profile = if shown.is_empty() { "is not set" } else { &shown };
            (
                Field::Own("securityContext.appArmorProfile"),
                format!("the AppArmor profile is {profile}").replace("is is", "is"),
            )
        }
        "Automount Service Account Token" => (
            Field::Pod("automountServiceAccountToken"),
            either(
                "the token of the service account is put into its containers",
                "no token is put into its containers",
            ),
        ),
        "Container CPU Limit" => (Field::Own("resources.limits.cpu"), amount("CPU limit", reading, "cores")),
        "Container CPU Request" => (Field::Own("resources.requests.cpu"), amount("CPU request", reading, "cores")),
        "Container Memory Limit" => (Field::Own("resources.limits.memory"), amount("memory limit", reading, "MiB")),
        "Container Memory Request" => {
            (Field::Own("resources.requests.memory"), amount("memory request", reading, "MiB"))
        }
        "Container Name" => (Field::Own("name"), format!("is called {shown}")),
        "Container Command" => (Field::Own("command"), format!("runs a command with {}", wanted(test))),
        "Root User Allowed" => {
            (Field::Own("securityContext.runAsNonRoot"), either("may run as root", "does not run as root"))
        }
        "Run As User" => (Field::Own("securityContext.runAsUser"), format!("runs as the user {shown}")),
        "Liveness Probe Defined" => {
            (Field::Own("livenessProbe"), either("has a liveness probe", "has no liveness probe"))
        }
        "Readiness Probe Defined" => {
            (Field::Own("readinessProbe"), either("has a readiness probe", "has no readiness probe"))
        }
        "Privileged Container" => {
            (Field::Own("securityContext.privileged"), either("is privileged", "is not privileged"))
        }
        "Read-Only Root Filesystem" => (
            Field::Own("securityContext.readOnlyRootFilesystem"),
            either("its root file system is read-only", "its root file system can be written"),
        ),
        "Seccomp Profile Type" => {
            let unset = matches!(element, Element::Container(_, container) if container.seccomp.is_none());
            let text =
                if unset { "no seccomp profile is set".to_owned() } else { format!("the seccomp profile is {shown}") };
            (Field::Own("securityContext.seccompProfile.type"), text)
        }
        "Environment Variable" => (Field::Own(""), format!("sets the environment variable {shown}")),
        "Exposed Port" | "Exposed Port Protocol" => {
            let Element::Port(port) = element else { return (Field::Own(""), shown) };
            (Field::Own(""), format!("exposes port {}/{}", port.container_port, port.protocol))
        }
        "Port Exposure Method" => (Field::Own(""), format!("a port can be reached by way of {shown}")),
        "Exposed Node Port" => (Field::Own(""), format!("a port is open on nodes as {shown}")),
        "Mount Propagation" => (Field::Own("mountPropagation"), format!("mounts propagate: {shown}")),
        "Volume Destination" => (Field::Own("mountPath"), format!("mounts a volume at {shown}")),
        "Volume Name" => (Field::Own("name"), format!("mounts the volume {shown}")),
        "Volume Source" => (Field::Own(""), format!("mounts a volume of {shown}")),
        "Volume Type" => (Field::Own(""), format!("mounts a volume of the kind {shown}")),
        "Writable Host Mount" | "Writable Mounted Volume" => {
            let Element::Volume(volume) = element else { return (Field::Own(""), shown) };
            let what = if volume.kind == "HostPath" { &volume.source } else { &volume.name };
            let place = if volume.kind == "HostPath" { "of the node " } else { "" };
            let can = if volume.read_only { "cannot be written" } else { "can be written" };
            (Field::Own("readOnly"), format!("the volume {what} {place}at {} {can}", volume.destination))
        }
        "Host IPC" => (Field::Pod("hostIPC"), either("shares the node's IPC", "does not share the node's IPC")),
        "Host Network" => {
            (Field::Pod("hostNetwork"), either("shares the node's network", "does not share the node's network"))
        }
        "Host PID" => (Field::Pod("hostPID"), either("sees the node's processes", "does not see the node's processes")),
        "Runtime Class" => (Field::Pod("runtimeClassName"), format!("the runtime class is {}", or_none(&shown))),
        "Service Account" => (Field::Pod("serviceAccountName"), format!("runs as the service account {shown}")),
        "Minimum RBAC Permissions" => {
            let level = shown.to_ascii_lowercase().replace('_', " ");
            let text = match reading {
                Reading::Absent => "its service account has no permissions".to_owned(),
                _ => format!("its service account has the permissions: {level}"),
            };
            (Field::Pod("serviceAccountName"), text)
        }
        "Replicas" if *reading == Reading::Absent => {
            (Field::Object("spec.replicas"), "says no number of replicas".to_owned())
        }
        "Replicas" => (Field::Object("spec.replicas"), format!("runs as {shown} replicas")),
        "Namespace" => (Field::Object("metadata.namespace"), format!("is in the namespace {shown}")),
        "Has Ingress Network Policy" => (
            Field::Object("metadata.name"),
            either("a network policy restricts what comes in", "no network policy restricts what comes in"),
        ),
        "Has Egress Network Policy" => (
            Field::Object("metadata.name"),
            either("a network policy restricts what goes out", "no network policy restricts what goes out"),
        ),
        "Required Label" => (Field::Object("metadata.labels"), format!("has no label {}", wanted(test))),
        "Required Annotation" => (Field::Object("metadata.annotations"), format!("has no annotation {}", wanted(test))),
        "Disallowed Annotation" => (Field::Object("metadata.annotations"), pairs(test, reading, "annotation")),
        "Required Image Label" => (Field::Image, format!("has no label {}", wanted(test))),
        "Disallowed Image Label" => (Field::Image, pairs(test, reading, "label")),
        "Dockerfile Line" => {
            let Element::Line((instruction, rest)) = element else { return (Field::Image, shown) };
            (Field::Image, format!("is built by {instruction} {rest}"))
        }
        "Image Component" | "License" | "License Class" | "Package In Use" => {
            let Element::Component(component) = element else { return (Field::Image, shown) };
            (Field::Image, of_component(test, component, reading, &shown))
        }
        "Base Image" => (Field::Image, format!("was built on {shown}")),
        "End-of-Life OS" => (
            Field::Image,
            either("its distribution gives no security updates any more", "its distribution gives security updates"),
        ),
        "Image Command" => {
            let with = if test.negate { "without" } else { "with" };
            (Field::Image, format!("runs a command {with} {}", wanted(test)))
        }
        // Values may be secret.
        "Image Environment Variable" => {
            let names: Vec<&str> = matching(test, reading).into_iter().map(|(name, _)| name).collect();
            (Field::Image, format!("sets the environment variables {}", names.join(", ")))
        }
        "Image Exposed Port" => (Field::Image, format!("exposes the ports {shown}")),
        "Image Health Check Defined" => (Field::Image, either("has a health check", "has no health check")),
        "Image Named By Digest" => {
            (Field::Image, either("is named by its digest", "is named by a tag, which can be moved, and no digest"))
        }
        "Image Volume" => (Field::Image, format!("makes volumes of {shown}")),
        "Malware Found" => (Field::Image, format!("holds malware: {shown}")),
        "Required Attestation" => (Field::Image, format!("has no verified attestation {}", wanted(test))),
        "Secret Found" => (Field::Image, format!("holds secrets: {shown}")),
        "Image Age" => (Field::Image, format!("was built {shown} days ago")),
        "Image Scan Age" => (Field::Image, format!("was scanned {shown} days ago")),
        "Image OS" => (Field::Image, format!("is of {}", or_none(&shown))),
        "Image Registry" => (Field::Image, format!("is from the registry {shown}")),
        "Image Remote" => (Field::Image, format!("is from the repository {shown}")),
        "Image Tag" => (Field::Image, format!("has the tag {}", or_none(&shown))),
        "Image User" => (Field::Image, format!("runs as {shown}")),
        "Image Signature Verified By" => (Field::Image, format!("is not signed by {}", wanted(test))),
        "Unscanned Image" => (Field::Image, either("was not scanned", "was scanned")),
        _ => match element {
            Element::Vulnerability(vulnerability) => (Field::Image, of_vulnerability(test, vulnerability, &shown)),
            _ => (Field::Own(""), format!("{}: {shown}", test.criterion.name)),
        },
    }
}

/// Who did something, before what it was.
fn subject(activity: &Activity<'_>) -> String {
    match activity.act {
        Act::Request(request) => match &request.user {
            Fact::Known(user) => format!("{user}: "),
            _ => "somebody: ".to_owned(),
        },
        act => {
            let name = act.process().and_then(|process| match &process.names {
                Fact::Known(names) => names.last(),
                _ => None,
            });
            format!("process {}: ", name.map_or("of an unknown name", String::as_str))
        }
    }
}

/// The beginning of a text that may be very long.
fn beginning(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn of_activity(criterion: &str, activity: &Activity<'_>, shown: &str) -> String {
    match (criterion, activity.act) {
        ("Process Name", _) => "is run".to_owned(),
        ("Process Arguments", _) => format!("is run with the arguments {}", beginning(shown)),
        ("Process Ancestor", _) => format!("is below {}", or_none(shown)),
        ("Process UID", _) => format!("runs as the user {shown}"),
        ("Unexpected Process Executed", _) if shown == "false" => "is in the baseline".to_owned(),
        ("Unexpected Process Executed", _) => "is not in the baseline".to_owned(),
        ("File Path" | "File Operation", Act::File(_, access)) => {
            let path = |fact: &Fact<String>| match fact {
                Fact::Known(path) => path.clone(),
                _ => "a file whose path is not known".to_owned(),
            };
            let paths: Vec<String> = access.paths.iter().map(path).collect();
            match access.operation {
                FileOperation::Open => format!("opens {} to write", paths.join(", ")),
                FileOperation::Create => format!("makes {}", paths.join(", ")),
                FileOperation::Rename => format!("renames {}", paths.join(" to ")),
                FileOperation::Unlink => format!("removes {}", paths.join(", ")),
                FileOperation::OwnershipChange => format!("sets the owner of {}", paths.join(", ")),
                FileOperation::PermissionChange => format!("sets the mode of {}", paths.join(", ")),
            }
        }
        ("Unexpected Network Flow Detected", Act::Flow(_, flow)) => {
            let peer = flow.address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
            let (port, protocol) = (flow.port, &flow.protocol);
            let is = if shown == "false" { "is" } else { "is not" };
            if flow.incoming {
                format!("is asked by {peer} on port {port}/{protocol}, which {is} in the baseline")
            } else {
                format!("talks to {peer}, port {port}/{protocol}, which {is} in the baseline")
            }
        }
        ("Kubernetes Resource" | "Kubernetes API Verb" | "Kubernetes Resource Name", Act::Request(request)) => {
            let verb = match &request.verbs {
                Fact::Known(verbs) => verbs.first().map(|verb| verb.to_ascii_lowercase()).unwrap_or_default(),
                _ => "asks for".to_owned(),
            };
            let between = if request.is_connection() { "/" } else { " " };
            let resource = match &request.resource {
                Fact::Known(resource) => resource.to_ascii_lowercase().replace('_', between),
                _ => String::new(),
            };
            let name = match &request.name {
                Fact::Known(Some(name)) => format!(" {name}"),
                _ => String::new(),
            };
            format!("{verb} {resource}{name}")
        }
        ("Kubernetes User Name", _) => format!("is the user {shown}"),
        ("Kubernetes User Groups", _) => format!("is in the groups {}", or_none(shown)),
        ("Is Impersonated User", _) if shown == "true" => "acts in another's name".to_owned(),
        ("Is Impersonated User", _) => "acts in nobody else's name".to_owned(),
        ("Source IP Address", _) => format!("asks from {}", or_none(shown)),
        ("User Agent", _) => format!("asks by the program {}", or_none(shown)),
        ("Namespace", _) => format!("it is in the namespace {}", or_none(shown)),
        (name, _) => format!("{name}: {shown}"),
    }
}

fn of_component(test: &Test, component: &crate::facts::Component, reading: &Reading<'_>, shown: &str) -> String {
    let crate::facts::Component { name, version, .. } = component;
    match (test.criterion.name, reading) {
        ("License" | "License Class", Reading::Licenses(_)) => format!("{name} {version} is licensed under {shown}"),
        ("License" | "License Class", _) => format!("{name} {version} states no licence"),
        ("Package In Use", Reading::Flag(false)) => format!("{name} {version} is not used"),
        ("Package In Use", _) => format!("{name} {version} is used"),
        _ => format!("has {name} {version}"),
    }
}

fn of_vulnerability(test: &Test, vulnerability: &crate::facts::Vulnerability, shown: &str) -> String {
    let id = &vulnerability.id;
    match test.criterion.name {
        "CVE" => format!("has {id}"),
        "CVSS" | "NVD CVSS" => format!("{id} has a score of {shown}"),
        "Severity" => format!("{id} is {}", vulnerability.severity),
        "Fixable" | "Fixed By" if vulnerability.fixed_by.is_empty() => format!("{id} is not fixed in any version"),
        "Fixable" | "Fixed By" => format!("{id} is fixed in {}", vulnerability.fixed_by),
        "Days Since CVE Was Published" => format!("{id} was published {shown} days ago"),
        "Known Exploited" if shown == "true" => format!("{id} is known to be exploited"),
        "Known Exploited" => format!("{id} is not known to be exploited"),
        "Days Since CVE Was Known Exploited" => format!("{id} is known to be exploited for {shown} days"),
        "EPSS" => format!("{id} is exploited within 30 days with a likelihood of {shown}"),
        name => format!("{id}: {name}: {shown}"),
    }
}

fn or_none(shown: &str) -> &str {
    if shown.is_empty() { "none" } else { shown }
}

fn amount(what: &str, reading: &Reading<'_>, unit: &str) -> String {
    match reading {
        Reading::Number(0.0) => format!("has no {what}"),
        Reading::Number(number) => format!("its {what} is {number} {unit}"),
        _ => what.to_owned(),
    }
}

/// What was read, for people. Values of variables are not told: they may be secret.
pub(crate) fn shown(reading: &Reading<'_>) -> String {
    match reading {
        Reading::Flag(flag) => flag.to_string(),
        Reading::Number(number) => number.to_string(),
        Reading::Text(text) => text.to_string(),
        Reading::Texts(texts) | Reading::Some(texts, _) => texts.join(", "),
        Reading::Pairs(pairs) => {
            pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
        }
        Reading::EnvVar { name, .. } => (*name).to_owned(),
        Reading::Licenses(terms) => {
            let id = |term: &LicenseTerm| match term {
                LicenseTerm::Id(id, class) => Some(format!("{id} ({})", word_of(*class).to_ascii_lowercase())),
                LicenseTerm::And | LicenseTerm::Or => None,
            };
            terms.iter().filter_map(id).collect::<Vec<_>>().join(", ")
        }
        Reading::Absent | Reading::Unknown(_) | Reading::NotAsked => String::new(),
    }
}

/// What the field is to be, where that follows from what is wrong.
fn replacement(test: &Test, element: Element<'_>, reading: &Reading<'_>) -> Option<Value> {
    let flag = match reading {
        Reading::Flag(flag) => Some(*flag),
        _ => None,
    };
    match (test.criterion.name, flag) {
        (
            "Privileged Container"
            | "Allow Privilege Escalation"
            | "Automount Service Account Token"
            | "Host IPC"
            | "Host Network"
            | "Host PID",
            Some(true),
        ) => Some(json!(false)),
        ("Root User Allowed", Some(true)) if matches!(element, Element::Container(_, it) if it.run_as_user.is_none()) => {
            Some(json!(true))
        }
        ("Read-Only Root Filesystem", Some(false))
        | ("Writable Host Mount" | "Writable Mounted Volume", Some(true)) => Some(json!(true)),
        ("Seccomp Profile Type", _) if matches!(reading, Reading::Text(word) if word == "UNCONFINED") => {
            Some(json!("RuntimeDefault"))
        }
        ("Mount Propagation", _) => Some(json!("None")),
        ("Add Capabilities", _) => {
            let Reading::Texts(added) = reading else { return None };
            let refused = |name: &&&str| {
                test.matchers
                    .iter()
                    .any(|it| matches!(it, Matcher::Capability(wanted) if wanted == **name || **name == "ALL"))
            };
            Some(added.iter().filter(|name| !refused(name)).copied().collect())
        }
        ("Drop Capabilities", _) => {
            let Reading::Texts(dropped) = reading else { return None };
            let mut names: Vec<&str> = dropped.clone();
            for matcher in &test.matchers {
                if let Matcher::Capability(wanted) = matcher
                    && !names.contains(&wanted.as_str())
                {
                    names.push(wanted);
                }
            }
            if names.contains(&"ALL") {
                names = vec!["ALL"];
            }
            Some(names.into())
        }
        _ => None,
    }
}
