//! Locked baselines as rules in Falco's language: an alert for whatever is outside.
//!
//! The rules are for Falco as well as for our own engine. They say a little less than [`super::Drift`]: a program that was
//! begun from outside of its container may have any parent, calls are not asked about, and a program that was there before the
//! first event is not.

use super::deeds::bytes;
use sekisho_model::{Baseline, BaselineKind, BaselineState, Baselines, Direction, FileDeed, PeerDeed, ProcessDeed};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What makes containers and enters them, while it is in one already. [`super::Drift`] knows it by where its program was begun,
/// which rules cannot ask. Nobody in a container can pass for it unseen: the program itself would be outside.
const ENGINE: &str = "not (proc.exepath endswith /runc or proc.exepath endswith /crun or proc.exepath = / or proc.exepath startswith \"/memfd:runc_cloned\")";
/// The same where it executes itself once more.
const ENGINE_AGAIN: &str =
    "not ((proc.pexepath endswith /runc or proc.pexepath endswith /crun) and proc.name in (runc, crun))";

/// The rules for all baselines that are locked; what cannot be asked is said in comments. An image of which each container has
/// a baseline of its own but which has one for `*` too is asked by both.
pub fn rules(baselines: &Baselines) -> String {
    let mut text = String::from("# Written by `sekisho detect baseline export` from locked baselines.\n\n");
    text.push_str("- required_engine_version: 0.57.0\n");
    let locked = baselines.baselines.iter().filter(|baseline| baseline.state == BaselineState::Locked);
    for (number, baseline) in (1..).zip(locked) {
        let others: Vec<&str> = baselines
            .baselines
            .iter()
            .filter(|other| other.image == baseline.image && other.container != "*")
            .map(|other| other.container.as_str())
            .collect();
        of_one(baseline, number, &others, &mut text);
    }
    text
}

/// How a rule is told.
struct Told<'a> {
    what: &'a str,
    kind: BaselineKind,
    desc: &'a str,
    output: &'a str,
}

fn of_one(baseline: &Baseline, number: usize, others: &[&str], text: &mut String) {
    let who = who(baseline, others);
    let mut rule = |told: &Told<'_>, condition: &str| {
        let name = printable(&baseline.name());
        let engine = if told.kind == BaselineKind::Processes { ENGINE_AGAIN } else { ENGINE };
        if !baseline.learned.contains(&told.kind) || baseline.overflow.contains(&told.kind) {
            let kind = told.kind.as_str();
            let _ = write!(text, "\n# {kind} of {name} are not asked about: not all that belong to it are known.\n");
            return;
        }
        // Names of rules are unique; the number tells baselines apart whose names are cut.
        let Told { what, desc, output, .. } = told;
        let _ = write!(
            text,
            "\n- rule: {}\n  desc: {}\n  condition: {}\n  output: {}\n  priority: WARNING\n  tags: [baseline, container]\n",
            quoted_yaml(&format!("{what} outside baseline {number}: {name}")),
            quoted_yaml(&format!("{desc} that the locked baseline of {name} does not have.")),
            quoted_yaml(&format!("{condition} and {who} and {engine}")),
            quoted_yaml(&format!(
                "{output} user=%user.uid process=%proc.exepath parent=%proc.pexepath command=%proc.cmdline container=%container.name image=%container.image"
            )),
        );
    };
    let told = |what, kind, desc, output| Told { what, kind, desc, output };
    rule(
        &told("Program", BaselineKind::Processes, "A program", "A program is run that is not in the baseline |"),
        &processes(baseline),
    );
    rule(
        &told(
            "File",
            BaselineKind::Files,
            "A file written",
            "A file is written that is not in the baseline | file=%fd.name target=%fs.path.target made=%fs.path.name",
        ),
        &files(baseline),
    );
    rule(
        &told(
            "Port",
            BaselineKind::Ports,
            "A port listened on",
            "A port is listened on that is not in the baseline | port=%fd.sport",
        ),
        &ports(baseline),
    );
    rule(
        &told(
            "Peer",
            BaselineKind::Peers,
            "A peer talked to",
            "Somebody is talked to who is not in the baseline | connection=%fd.name",
        ),
        &peers(baseline),
    );
}

/// Which container.
fn who(baseline: &Baseline, others: &[&str]) -> String {
    let name = &baseline.container;
    let Some(image) = &baseline.image else {
        return if name == "host" {
            "container.id = host".to_owned()
        } else {
            format!(
                "container.id != host and not container.image exists and container.name = {}",
                quoted(name.as_bytes())
            )
        };
    };
    let image = format!("container.image = {}", quoted(image.as_bytes()));
    match (name.as_str(), others) {
        ("*", []) => image,
        ("*", others) => {
            format!("{image} and not container.name in ({})", list(others.iter().map(|name| name.as_bytes().to_vec())))
        }
        (name, _) => format!("{image} and container.name = {}", quoted(name.as_bytes())),
    }
}

/// By whom programs are begun, and as whom they run.
type Begun<'a> = (Option<&'a str>, Option<u32>);

fn processes(baseline: &Baseline) -> String {
    // By whom and as whom, since these are few.
    let mut groups: BTreeMap<Begun<'_>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for ProcessDeed { path, parent, uid } in baseline.processes.keys() {
        groups.entry((parent.as_deref(), *uid)).or_default().insert(bytes(path));
    }
    let mut condition = "evt.type in (execve, execveat) and evt.failed = false".to_owned();
    for ((parent, uid), paths) in groups {
        let _ = write!(condition, " and not (proc.exepath in ({})", list(paths));
        if let Some(parent) = parent {
            let _ = write!(condition, " and proc.pexepath = {}", quoted(&bytes(parent)));
        }
        if let Some(uid) = uid {
            let _ = write!(condition, " and user.uid = {uid}");
        }
        condition.push(')');
    }
    condition
}

fn files(baseline: &Baseline) -> String {
    let of = |field: &str| {
        let mut known = String::new();
        let (whole, named): (Vec<&FileDeed>, Vec<&FileDeed>) = baseline.files.keys().partition(|deed| deed.beneath);
        let (process, named): (Vec<&FileDeed>, Vec<&FileDeed>) =
            named.into_iter().partition(|deed| deed.path.starts_with("/proc/PID/"));
        if !named.is_empty() {
            let _ = write!(known, " and not {field} in ({})", list(named.iter().map(|deed| bytes(&deed.path))));
        }
        for FileDeed { path, .. } in whole {
            let _ = write!(known, " and not {field} startswith {}", quoted(&bytes(&format!("{path}/"))));
        }
        for FileDeed { path, .. } in process {
            let rest = path.trim_start_matches("/proc/PID/");
            let rest = rest
                .strip_prefix("task/PID/")
                .map_or_else(|| regex::escape(rest), |rest| format!("task/[0-9]+/{}", regex::escape(rest)));
            let _ = write!(known, " and not {field} regex {}", quoted(format!("/proc/[0-9]+/{rest}").as_bytes()));
        }
        known
    };
    let [opened, target, made] = ["fd.name", "fs.path.target", "fs.path.name"].map(of);
    format!(
        "((evt.type in (open, openat, openat2, creat, open_by_handle_at) and evt.is_open_write = true and fd.num >= 0 and fd.type = file and fd.name startswith /{opened}) \
         or (evt.type in (rename, renameat, renameat2, link, linkat, symlink, symlinkat) and evt.failed = false{target}) \
         or (evt.type in (mknod, mknodat) and evt.failed = false{made}))"
    )
}

fn ports(baseline: &Baseline) -> String {
    let of = |protocol: &str| {
        let ports: Vec<String> =
            baseline.ports.keys().filter(|deed| deed.protocol == protocol).map(|deed| deed.port.to_string()).collect();
        if ports.is_empty() { String::new() } else { format!(" and not fd.sport in ({})", ports.join(", ")) }
    };
    let (tcp, udp) = (of("tcp"), of("udp"));
    format!(
        "evt.failed = false and fd.type in (ipv4, ipv6) and ((evt.type = listen{tcp}) \
         or (evt.type = bind and fd.l4proto = udp and fd.sport > 0{udp}))"
    )
}

fn peers(baseline: &Baseline) -> String {
    let of = |wanted: Direction| {
        let mut groups: BTreeMap<(&str, u16), Vec<String>> = BTreeMap::new();
        let mut any = BTreeSet::new();
        for PeerDeed { direction, protocol, port, address } in baseline.peers.keys() {
            if *direction != wanted {
                continue;
            }
            match address {
                Some(address) => groups.entry((protocol, *port)).or_default().push(address.to_string()),
                None => {
                    any.insert((protocol.as_str(), *port));
                }
            }
        }
        let (port, ip) = match wanted {
            Direction::In => ("fd.lport", "fd.rip"),
            Direction::Out => ("fd.rport", "fd.rip"),
        };
        let mut known = String::new();
        let transport = |protocol: &str| {
            if protocol == "ip" { String::new() } else { format!(" and fd.l4proto = {}", quoted(protocol.as_bytes())) }
        };
        for ((protocol, number), addresses) in groups {
            let transport = transport(protocol);
            // What was learned as IPv4 is the same in IPv6.
            let mapped =
                addresses.iter().filter(|address| address.contains('.')).map(|address| format!("::ffff:{address}"));
            let addresses: Vec<String> = addresses.iter().cloned().chain(mapped).collect();
            let _ = write!(known, " and not ({port} = {number}{transport} and {ip} in ({}))", addresses.join(", "));
        }
        for (protocol, number) in any {
            let _ = write!(known, " and not ({port} = {number}{})", transport(protocol));
        }
        known
    };
    let (into, out) = (of(Direction::In), of(Direction::Out));
    format!(
        "fd.type in (ipv4, ipv6) and ((evt.type = connect and (evt.failed = false or evt.res = EINPROGRESS){out}) \
         or (evt.type in (accept, accept4) and evt.failed = false{into}) \
         or (evt.type in (sendto, sendmsg) and fd.l4proto = udp and ((fd.is_server = false{out}) or (fd.is_server = true{into}))))"
    )
}

fn list(texts: impl IntoIterator<Item = Vec<u8>>) -> String {
    texts.into_iter().map(|text| quoted(&text)).collect::<Vec<_>>().join(", ")
}

/// A text as conditions have it.
fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as YAML has it between double quotes, on one line.
fn quoted_yaml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            letter if letter.is_control() => {
                // Writing into a string does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Names are strangers' text: no line of YAML ends in one, and no field of an output begins in one.
fn printable(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() || letter == '%' { '?' } else { letter }).collect()
}
