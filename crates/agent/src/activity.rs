//! What an event is for policies: system calls and audit events as acts.

use sekisho_model::{Act, ApiRequest, Deed, Direction, Fact, FileAccess, FileOperation, Flow, Process};
use sekisho_trace::event::EventCode as E;
use sekisho_trace::field::{Facts, Scalar, Value};
use sekisho_trace::state::{FdKind, Thread};
use sekisho_trace::{AuditEvent, Field, SyscallFacts};
use serde_json::Value as Json;

/// What of an event is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds {
    pub(crate) programs: bool,
    pub(crate) files: bool,
    pub(crate) flows: bool,
    pub(crate) requests: bool,
}

/// Fields that acts are made of.
#[derive(Debug)]
pub(crate) struct Questions {
    name: Option<Field>,
    path: Option<Field>,
    arguments: Option<Field>,
    opened: Option<Field>,
    written: Option<Field>,
    created: Option<Field>,
    touched: Option<Field>,
    source: Option<Field>,
    target: Option<Field>,
}

/// Names of processes are cut by the kernel after so many bytes.
const COMM: usize = 15;

impl Questions {
    pub(crate) fn new() -> Self {
        let field = |name: &str| Field::parse(name).ok();
        Self {
            name: field("proc.name"),
            path: field("proc.exepath"),
            arguments: field("proc.args"),
            opened: field("fd.name"),
            written: field("evt.is_open_write"),
            created: field("evt.is_open_create"),
            touched: field("fs.path.name"),
            source: field("fs.path.source"),
            target: field("fs.path.target"),
        }
    }

    /// What a system call did, of the `kinds` that are asked for. `compared` is what was compared with baselines; none where
    /// there are no baselines.
    pub(crate) fn acts(
        &self,
        facts: &SyscallFacts<'_>,
        kinds: Kinds,
        compared: Option<&[(Deed, Result<bool, String>)]>,
        to: &mut Vec<Act>,
    ) {
        let event = facts.event();
        let Some(thread) = facts.thread() else { return };
        if event.is_enter() {
            return;
        }
        let done = event.param(0).and_then(|param| param.int()).is_some_and(|result| result >= 0);
        if kinds.programs && done && event.code.is_exec() {
            let mut process = self.process(facts, thread);
            process.unexpected = match compared {
                None => Fact::NotAsked,
                Some(compared) => unexpected(compared, |deed| matches!(deed, Deed::Processes(_))),
            };
            to.push(Act::Program(process));
        }
        if kinds.files
            && done
            && let Some(access) = self.access(facts)
        {
            to.push(Act::File(self.process(facts, thread), access));
        }
        for (deed, inside) in compared.unwrap_or_default().iter().filter(|_| kinds.flows) {
            let Deed::Peers(peer) = deed else { continue };
            let unexpected = match inside {
                Ok(inside) => Fact::Known(!inside),
                Err(why) => Fact::Unknown(why.clone()),
            };
            let flow = Flow {
                incoming: peer.direction == Direction::In,
                protocol: peer.protocol.clone(),
                port: peer.port,
                address: peer.address,
                unexpected,
            };
            to.push(Act::Flow(self.process(facts, thread), flow));
        }
    }

    fn process(&self, facts: &SyscallFacts<'_>, thread: &Thread) -> Process {
        let names = match text(facts, self.name.as_ref()) {
            Fact::Known(name) => {
                let mut names = vec![name];
                names.extend(other_name(thread));
                Fact::Known(names)
            }
            Fact::Unknown(why) => Fact::Unknown(why),
            Fact::NotAsked => Fact::NotAsked,
        };
        let arguments = match self.arguments.as_ref().map(|field| facts.value(field)) {
            Some(Value::Absent) => Fact::Known(String::new()),
            _ => text(facts, self.arguments.as_ref()),
        };
        Process {
            pid: Some(thread.pid),
            names,
            path: text(facts, self.path.as_ref()),
            arguments,
            ancestors: ancestors(facts, thread),
            uid: match thread.uid {
                Some(uid) if uid != u32::MAX => Fact::Known(uid),
                _ => Fact::Unknown("the user was not recorded".to_owned()),
            },
            unexpected: Fact::Unknown("is told of programs when they are run".to_owned()),
        }
    }

    /// What was done to a file, if anything.
    fn access(&self, facts: &SyscallFacts<'_>) -> Option<FileAccess> {
        let is = |field: &Option<Field>| field.as_ref().is_some_and(|field| facts.value(field) == Value::bool(true));
        let (operation, fields) = match facts.event().code {
            E::OPEN_X | E::CREAT_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X => {
                let is_file = facts.fd().is_none_or(|fd| fd.kind == FdKind::File);
                let operation = match (is(&self.created), is(&self.written)) {
                    _ if !is_file => return None,
                    (true, _) => FileOperation::Create,
                    (false, true) => FileOperation::Open,
                    (false, false) => return None,
                };
                (operation, [&self.opened, &None])
            }
            E::RENAME_X | E::RENAMEAT_X | E::RENAMEAT2_X => (FileOperation::Rename, [&self.source, &self.target]),
            E::LINK_X | E::LINK_2_X | E::LINKAT_X | E::LINKAT_2_X | E::SYMLINK_X | E::SYMLINKAT_X => {
                (FileOperation::Create, [&self.target, &None])
            }
            E::MKNOD_X | E::MKNODAT_X => (FileOperation::Create, [&self.touched, &None]),
            E::UNLINK_X | E::UNLINK_2_X | E::UNLINKAT_X | E::UNLINKAT_2_X => {
                (FileOperation::Unlink, [&self.touched, &None])
            }
            E::CHMOD_X | E::FCHMOD_X | E::FCHMODAT_X => (FileOperation::PermissionChange, [&self.touched, &None]),
            E::CHOWN_X | E::LCHOWN_X | E::FCHOWN_X | E::FCHOWNAT_X => {
                (FileOperation::OwnershipChange, [&self.touched, &None])
            }
            _ => return None,
        };
        let mut paths = Vec::new();
        for field in fields.into_iter().flatten() {
            match facts.value(field) {
                Value::One(Scalar::Text(path)) if path.first() == Some(&b'/') => {
                    paths.push(Fact::Known(String::from_utf8_lossy(&path).into_owned()));
                }
                Value::Unknown(why) => paths.push(Fact::Unknown(why.to_string())),
                // A file without a place: a pipe, or one in memory.
                Value::One(_) | Value::List(_) => {}
                Value::Absent | Value::Partly(_) => paths.push(Fact::Unknown("its path is not known".to_owned())),
            }
        }
        (!paths.is_empty()).then_some(FileAccess { operation, paths })
    }
}

/// Whether what was done is outside of a baseline.
fn unexpected(compared: &[(Deed, Result<bool, String>)], of: impl Fn(&Deed) -> bool) -> Fact<bool> {
    match compared.iter().find(|(deed, _)| of(deed)) {
        Some((_, Ok(inside))) => Fact::Known(!inside),
        Some((_, Err(why))) => Fact::Unknown(why.clone()),
        None => Fact::Unknown("its program was not recorded".to_owned()),
    }
}

fn text(facts: &SyscallFacts<'_>, field: Option<&Field>) -> Fact<String> {
    match field.map(|field| facts.value(field)) {
        Some(Value::One(Scalar::Text(text))) => Fact::Known(String::from_utf8_lossy(&text).into_owned()),
        Some(Value::Unknown(why)) => Fact::Unknown(why.to_string()),
        _ => Fact::Unknown("it was not recorded".to_owned()),
    }
}

/// Another name that a process was run by: the whole one where the kernel cut it, and of what runs `/proc/self/exe`, as busybox
/// does, what it calls itself there.
fn other_name(thread: &Thread) -> Option<String> {
    let program = &thread.program;
    let is_self = &*thread.comm == b"exe";
    let paths = [Some(&program.exe), program.exepath.as_ref()].into_iter().flatten();
    let mut names = paths.map(|path| path.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
    let is_cut = |name: &&[u8]| thread.comm.len() >= COMM && name.len() > COMM && name.starts_with(&thread.comm);
    let name = if is_self { names.next() } else { names.find(is_cut) };
    name.filter(|name| !name.is_empty()).map(|name| String::from_utf8_lossy(name).into_owned())
}

/// The paths of the programs above a process, as far as they are in its container; one that is run by several processes in a
/// row stands once.
fn ancestors(facts: &SyscallFacts<'_>, thread: &Thread) -> Vec<Fact<String>> {
    let container = thread.container();
    let path = |thread: &Thread| match &thread.program.exepath {
        Some(path) => Fact::Known(String::from_utf8_lossy(path).into_owned()),
        None => Fact::Unknown("the path of a process above it was not recorded".to_owned()),
    };
    let mut paths = Vec::new();
    let mut last = thread;
    let mut is_whole = false;
    for ancestor in facts.state().ancestors(thread) {
        if ancestor.is_known() && ancestor.container() != container || ancestor.came_from_outside() {
            is_whole = true;
            break;
        }
        let path = path(ancestor);
        if paths.last() != Some(&path) {
            paths.push(path);
        }
        last = ancestor;
    }
    // The first of a container or of the host has nobody above it that counts.
    if !is_whole && last.vpid != Some(1) && last.ptid > 0 && last.pid != 1 {
        paths.push(Fact::Unknown("not all processes above it are known".to_owned()));
    }
    paths
}

/// What an audit event tells that was asked for. A request is told at several stages: it counts once it is answered, or begins
/// to be, as one that lasts does; none before that, when nobody has looked whether it is allowed.
pub(crate) fn request(event: &AuditEvent) -> Option<ApiRequest> {
    let json = event.json();
    let stage = json.get("stage").and_then(Json::as_str)?;
    if !["ResponseStarted", "ResponseComplete", "Panic"].contains(&stage) {
        return None;
    }
    let at = |pointer: &str| json.pointer(pointer).and_then(Json::as_str).filter(|text| !text.is_empty());
    let known = |pointer: &str| match at(pointer) {
        Some(text) => Fact::Known(text.to_owned()),
        None => Fact::Unknown("the audit event does not say it".to_owned()),
    };
    let list = |pointer: &str| -> Vec<String> {
        let items = json.pointer(pointer).and_then(Json::as_array).into_iter().flatten();
        items.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let verb = at("/verb").unwrap_or_default();
    let about_many = matches!(verb, "list" | "watch" | "deletecollection") || json.get("objectRef").is_none();
    let name = at("/objectRef/name").or_else(|| at("/responseObject/metadata/name"));
    Some(ApiRequest {
        audited: true,
        resource: Fact::Known(resource(
            at("/objectRef/resource").unwrap_or_default(),
            at("/objectRef/subresource").unwrap_or_default(),
        )),
        verbs: match verb {
            "" => Fact::Unknown("the audit event does not say it".to_owned()),
            // What removes many at once removes each.
            "deletecollection" => Fact::Known(vec!["DELETECOLLECTION".to_owned(), "DELETE".to_owned()]),
            verb => Fact::Known(vec![verb.to_ascii_uppercase()]),
        },
        name: match name {
            None if !about_many => Fact::Unknown("the audit event does not name it".to_owned()),
            name => Fact::Known(name.map(str::to_owned)),
        },
        namespace: Fact::Known(at("/objectRef/namespace").map(str::to_owned)),
        user: known("/user/username"),
        groups: Fact::Known(list("/user/groups")),
        impersonated: Fact::Known(json.get("impersonatedUser").is_some_and(|user| !user.is_null())),
        source_ips: Fact::Known(list("/sourceIPs")),
        user_agent: Fact::Known(at("/userAgent").map(str::to_owned)),
    })
}

/// How policies call a kind of thing.
fn resource(plural: &str, part: &str) -> String {
    match (plural, part) {
        ("clusterroles", "") => "CLUSTER_ROLES".to_owned(),
        ("clusterrolebindings", "") => "CLUSTER_ROLE_BINDINGS".to_owned(),
        ("networkpolicies", "") => "NETWORK_POLICIES".to_owned(),
        ("securitycontextconstraints", "") => "SECURITY_CONTEXT_CONSTRAINTS".to_owned(),
        ("egressfirewalls", "") => "EGRESS_FIREWALLS".to_owned(),
        (plural, "") => plural.to_ascii_uppercase(),
        (plural, part) => format!("{plural}_{part}").to_ascii_uppercase(),
    }
}
