//! Where the facts of each criterion are in something that happened, and in the container that it happened in. What nobody
//! tells of a container that runs is not known, whatever its manifest may say.

use super::read::{known, text, texts};
use super::{Level, Reading, criterion};
use sekisho_model::{Act, Activity, ApiRequest, Fact, FileAccess, Process, RunningContainer};

/// Why what a manifest says is not known here.
pub(crate) const NOT_TOLD: &str = "is not told of a container that runs";
const OF_REQUEST: &str = "is not told of what a request to the API server is about";
const IMPRECISE: &str = "of which pod it is, is not known";

/// Several texts, of which some may not be known.
fn some(facts: &[Fact<String>]) -> Reading<'_> {
    let mut known: Vec<&str> = Vec::new();
    let mut missing = None;
    for fact in facts {
        match fact {
            Fact::Known(text) => known.push(text),
            Fact::Unknown(why) => missing = missing.or(Some(why.as_str())),
            Fact::NotAsked => missing = missing.or(Some("nobody looked")),
        }
    }
    match missing {
        None => Reading::Texts(known),
        Some(why) => Reading::Some(known, why),
    }
}

/// The fact that the criterion `name` is about, of what happened, or of the workload in which it did.
pub(crate) fn of_activity<'a>(name: &str, activity: &'a Activity<'a>) -> Reading<'a> {
    let level = criterion(name).map(|criterion| criterion.level);
    match (level, activity.act) {
        (Some(Level::Process), act) => act.process().map_or(Reading::Absent, |process| of_process(name, process)),
        (Some(Level::File), Act::File(_, access)) => of_file(name, access),
        (Some(Level::Flow), Act::Flow(_, flow)) => known(&flow.unexpected, |unexpected| Reading::Flag(*unexpected)),
        (Some(Level::Request), Act::Request(request)) => of_request(name, request),
        (Some(Level::Workload), Act::Request(request)) => match name {
            "Namespace" => known(&request.namespace, |namespace| namespace.as_deref().map_or(Reading::Absent, text)),
            _ => Reading::Unknown(OF_REQUEST),
        },
        (Some(Level::Workload), _) => match activity.container {
            Some(container) => of_workload(name, container),
            // What is in no container is of no workload.
            None => Reading::Absent,
        },
        _ => Reading::Absent,
    }
}

fn of_process<'a>(name: &str, process: &'a Process) -> Reading<'a> {
    match name {
        "Process Name" => known(&process.names, |names| texts(names)),
        "Process Arguments" => known(&process.arguments, |arguments| text(arguments)),
        "Process Ancestor" => some(&process.ancestors),
        "Process UID" => known(&process.uid, |uid| Reading::Number(f64::from(*uid))),
        "Unexpected Process Executed" => known(&process.unexpected, |unexpected| Reading::Flag(*unexpected)),
        _ => Reading::NotAsked,
    }
}

fn of_file<'a>(name: &str, access: &'a FileAccess) -> Reading<'a> {
    match name {
        "File Operation" => text(access.operation.as_str()),
        "File Path" => some(&access.paths),
        _ => Reading::NotAsked,
    }
}

fn of_request<'a>(name: &str, request: &'a ApiRequest) -> Reading<'a> {
    let maybe = |fact: &'a Fact<Option<String>>| known(fact, |it| it.as_deref().map_or(Reading::Absent, text));
    match name {
        "Is Impersonated User" => known(&request.impersonated, |impersonated| Reading::Flag(*impersonated)),
        "Kubernetes API Verb" => known(&request.verbs, |verbs| texts(verbs)),
        "Kubernetes Resource" => known(&request.resource, |resource| text(resource)),
        "Kubernetes Resource Name" => maybe(&request.name),
        "Kubernetes User Groups" => known(&request.groups, |groups| texts(groups)),
        "Kubernetes User Name" => known(&request.user, |user| text(user)),
        "Source IP Address" => known(&request.source_ips, |addresses| texts(addresses)),
        "User Agent" => maybe(&request.user_agent),
        _ => Reading::NotAsked,
    }
}

fn flag(flag: Option<bool>) -> Reading<'static> {
    flag.map_or(Reading::Unknown(NOT_TOLD), Reading::Flag)
}

fn of_workload<'a>(name: &str, container: &'a RunningContainer) -> Reading<'a> {
    match name {
        "Namespace" => match &container.pod_namespace {
            Some(namespace) => text(namespace),
            None if container.no_pod => Reading::Absent,
            None => Reading::Unknown(IMPRECISE),
        },
        "Host IPC" => flag(container.host_ipc),
        "Host Network" => flag(container.host_network),
        "Host PID" => flag(container.host_pid),
        _ => Reading::Unknown(NOT_TOLD),
    }
}

/// The fact that the criterion `name` is about, of a container that runs.
pub(crate) fn of_running<'a>(name: &str, container: &'a RunningContainer) -> Reading<'a> {
    match name {
        "Container Name" => container.name.as_deref().map_or(Reading::Unknown(NOT_TOLD), text),
        "Privileged Container" => flag(container.privileged),
        _ => Reading::Unknown(NOT_TOLD),
    }
}
