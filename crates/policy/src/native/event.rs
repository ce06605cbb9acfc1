//! Something that happens, as examples of policies for the stage `runtime` say it.
//!
//! ```yaml
//! event:
//!   process: {name: apt-get, arguments: install curl, user: 0, below: [/bin/sh]}
//!   container: {image: 'nginx:1.25', namespace: shop, privileged: true}
//! ```
//!
//! A `process` by itself runs a program; beside `file` or `flow` it is who does that; a `request` has none. What is not said
//! is as in an ordinary container: its user is 1000, and it is in a pod of the namespace `default`. `on_node: true` is for what
//! is in no container.

use super::fields::Fields;
use sekisho_model::{Act, Activity, ApiRequest, Fact, FileAccess, FileOperation, Flow, Process, RunningContainer};

/// Something that happens, and the container in which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    act: Act,
    container: Option<RunningContainer>,
}

impl Event {
    /// As policies are asked about it.
    pub fn activity(&self) -> Activity<'_> {
        Activity { act: &self.act, container: self.container.as_ref() }
    }
}

pub(super) fn read(mut from: Fields<'_>, above: &mut Fields<'_>) -> Option<Event> {
    let process = below(&mut from, "process", process);
    let file = below(&mut from, "file", file);
    let flow = below(&mut from, "flow", flow);
    let request = below(&mut from, "request", request);
    let on_node = from.flag("on_node");
    let container = below(&mut from, "container", container);
    if on_node && container.is_some() {
        from.wrong("is in a container and on the node");
    }
    let act = match (process, file, flow, request) {
        (Some(process), None, None, None) => Some(Act::Program(process)),
        (process, Some(file), None, None) => Some(Act::File(process.unwrap_or_default(), file)),
        (process, None, Some(flow), None) => Some(Act::Flow(process.unwrap_or_default(), flow)),
        (None, None, None, Some(request)) => Some(Act::Request(request)),
        _ => {
            from.wrong("is to have one of process, file, flow and request; a process may be beside file or flow");
            None
        }
    };
    above.take_wrongs(from);
    let act = act?;
    let is_ordinary = !on_node && act.process().is_some();
    let container = container.or_else(|| is_ordinary.then(|| ordinary("default")));
    Some(Event { act, container })
}

fn below<T>(from: &mut Fields<'_>, name: &'static str, read: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
    let mut below = from.below(name)?;
    let found = read(&mut below);
    from.take_wrongs(below);
    Some(found)
}

fn whole(from: &mut Fields<'_>, name: &'static str) -> Option<u32> {
    let text = from.text(name);
    let number = (!text.is_empty()).then(|| text.parse().ok())?;
    if number.is_none() {
        from.wrong_at(name, "is no whole number");
    }
    number
}

/// Nobody looked where nothing is said.
fn asked(from: &mut Fields<'_>, name: &'static str) -> Fact<bool> {
    if from.get(name).is_some() { Fact::Known(from.flag(name)) } else { Fact::NotAsked }
}

fn process(from: &mut Fields<'_>) -> Process {
    let name = from.needed_text("name");
    let path = from.text("path");
    Process {
        pid: None,
        path: Fact::Known(if path.is_empty() { format!("/usr/bin/{name}") } else { path }),
        names: Fact::Known(vec![name]),
        arguments: Fact::Known(from.text("arguments")),
        ancestors: from.texts("below").into_iter().map(Fact::Known).collect(),
        uid: Fact::Known(whole(from, "user").unwrap_or(1000)),
        unexpected: asked(from, "unexpected"),
    }
}

fn file(from: &mut Fields<'_>) -> FileAccess {
    let operations = FileOperation::ALL.map(|operation| (operation.as_str(), operation));
    let paths = from.texts("path");
    if paths.is_empty() {
        from.wrong_at("path", "is needed, and is not there");
    }
    FileAccess {
        operation: from.word("operation", &operations).unwrap_or(FileOperation::Open),
        paths: paths.into_iter().map(Fact::Known).collect(),
    }
}

fn flow(from: &mut Fields<'_>) -> Flow {
    let (to, by) = (from.text("to"), from.text("from"));
    let protocol = from.text("protocol");
    Flow {
        incoming: to.is_empty(),
        protocol: if protocol.is_empty() { "tcp".to_owned() } else { protocol },
        port: whole(from, "port").and_then(|port| u16::try_from(port).ok()).unwrap_or_default(),
        address: if to.is_empty() { by } else { to }.parse().ok(),
        unexpected: asked(from, "unexpected"),
    }
}

fn request(from: &mut Fields<'_>) -> ApiRequest {
    let some = |text: String| Fact::Known((!text.is_empty()).then_some(text));
    ApiRequest {
        audited: true,
        resource: Fact::Known(from.needed_text("resource")),
        verbs: Fact::Known(vec![from.needed_text("verb")]),
        name: some(from.text("name")),
        namespace: some(from.text("namespace")),
        user: Fact::Known(from.needed_text("user")),
        groups: Fact::Known(from.texts("groups")),
        impersonated: Fact::Known(from.flag("impersonated")),
        source_ips: Fact::Known(from.texts("from")),
        user_agent: some(from.text("program")),
    }
}

fn ordinary(namespace: &str) -> RunningContainer {
    RunningContainer {
        id: "000000000000".to_owned(),
        name: Some("web".to_owned()),
        privileged: Some(false),
        host_pid: Some(false),
        host_network: Some(false),
        host_ipc: Some(false),
        pod_name: Some("web-0".to_owned()),
        pod_namespace: Some(namespace.to_owned()),
        ..RunningContainer::default()
    }
}

fn container(from: &mut Fields<'_>) -> RunningContainer {
    let namespace = from.text("namespace");
    let mut container = ordinary(if namespace.is_empty() { "default" } else { &namespace });
    for (field, to) in [("name", &mut container.name), ("pod", &mut container.pod_name)] {
        let text = from.text(field);
        if !text.is_empty() {
            *to = Some(text);
        }
    }
    container.privileged = Some(from.flag("privileged"));
    container.host_pid = Some(from.flag("host_pid"));
    container.host_network = Some(from.flag("host_network"));
    container.host_ipc = Some(from.flag("host_ipc"));
    let image = from.text("image");
    if !image.is_empty() {
        container.set_image(&image);
    }
    container
}
