//! `proc.*`, `thread.*`, `user.*` and `group.*`.

use super::{SyscallFacts, index, key, named, not_here, recorded};
use crate::field::{Field, Given, Name, Scalar, Unknown, Value};
use crate::state::{Kept, Program, Thread, pieces, variable, with_arguments};
use std::borrow::Cow;

/// Shells, by which [`Name::ProcLoginshellid`] goes.
const SHELLS: [&[u8]; 12] =
    [b"bash", b"sh", b"zsh", b"csh", b"ksh", b"tcsh", b"dash", b"ash", b"fish", b"mksh", b"rbash", b"login"];

/// How far up `proc.aenv[NAME]` looks.
const ENVIRONMENTS: usize = 20;

impl<'a> SyscallFacts<'a> {
    pub(super) fn process(&self, name: Name, field: &Field) -> Value<'a> {
        match name {
            Name::ThreadTid => Value::int(self.event.tid),
            _ => self.of_thread(|thread| self.of_process(name, field, thread)),
        }
    }

    fn of_process(&self, name: Name, field: &Field, thread: &'a Thread) -> Value<'a> {
        let program = &*thread.program;
        match name {
            Name::ProcExe => exe(thread),
            Name::ProcExepath => exepath(thread),
            Name::ProcName => comm(thread),
            Name::ProcArgs => match index(field) {
                Some(at) => piece(&program.args, program.args_kept, at),
                None => kept(program.args_kept, program.joined()),
            },
            Name::ProcCmdline => cmdline(thread),
            Name::ProcExeline => kept(program.args_kept, with_arguments(&program.exe, program)),
            Name::ProcCmdnargs => counted(program, program.arguments().count()),
            Name::ProcCmdlenargs => counted(program, program.arguments().map(<[u8]>::len).sum()),
            Name::ProcEnv => match key(field) {
                Some(name) => variable_of(program, name),
                None => environment(thread),
            },
            Name::ProcCwd if thread.cwd.is_empty() => Value::Unknown(Unknown::Path),
            Name::ProcCwd => Value::text(&thread.cwd),
            Name::ProcTty => recorded(thread.tty, Value::uint),
            Name::ProcPid => Value::int(thread.pid),
            Name::ProcVpid => recorded(thread.vpid, Value::int),
            Name::ThreadVtid => recorded(thread.vtid, Value::int),
            Name::ProcSid => recorded(thread.sid, Value::int),
            Name::ProcVpgid => recorded(thread.vpgid, Value::int),
            Name::ProcPgid => recorded(thread.pgid, Value::int),
            Name::ProcIsSidLeader => recorded(thread.sid.zip(thread.vpid), |(sid, vpid)| Value::bool(sid == vpid)),
            Name::ProcIsVpgidLeader => recorded(thread.vpgid.zip(thread.vpid), |(group, id)| Value::bool(group == id)),
            Name::ProcIsPgidLeader => recorded(thread.pgid, |group| Value::bool(group == thread.pid)),
            Name::ProcIsExeWritable => recorded(program.writable, Value::bool),
            Name::ProcIsExeUpperLayer => recorded(program.upper, Value::bool),
            Name::ProcIsExeLowerLayer => recorded(program.lower, Value::bool),
            Name::ProcIsExeFromMemfd => recorded(program.memfd, Value::bool),
            Name::ProcExeIno => recorded(program.inode, |inode| match inode {
                0 => Value::Absent,
                inode => Value::uint(inode),
            }),
            Name::ProcExeInoCtime => recorded(program.times, |(changed, _)| Value::uint(changed)),
            Name::ProcExeInoMtime => recorded(program.times, |(_, written)| Value::uint(written)),
            Name::ProcExeInoCtimeDurationProcStart => {
                recorded(program.times.zip(thread.started), |((changed, _), start)| {
                    start.checked_sub(changed).map_or(Value::Absent, |time| Value::int(time.cast_signed()))
                })
            }
            Name::ProcExeInoCtimeDurationPidnsStart => {
                recorded(program.times.zip(thread.namespace_started), |((changed, _), start)| {
                    changed.checked_sub(start).map_or(Value::Absent, |time| Value::int(time.cast_signed()))
                })
            }
            Name::ProcPidnsInitStartTs => recorded(thread.namespace_started, Value::uint),
            Name::ProcPidTs => recorded(thread.started, Value::uint),
            Name::ProcDuration => self.since(thread),
            Name::ThreadCapPermitted => recorded(thread.capabilities, |sets| Value::owned(capabilities(sets[1]))),
            Name::ThreadCapInheritable => recorded(thread.capabilities, |sets| Value::owned(capabilities(sets[0]))),
            Name::ThreadCapEffective => recorded(thread.capabilities, |sets| Value::owned(capabilities(sets[2]))),
            Name::ProcFdopencount => Value::uint(self.state.files(thread.tid).map_or(0, |files| files.len() as u64)),
            Name::ProcFdlimit => Value::int(thread.fdlimit),
            Name::ProcVmsize => Value::uint(self.main(thread).memory[0]),
            Name::ProcVmrss => Value::uint(self.main(thread).memory[1]),
            Name::ProcVmswap => Value::uint(self.main(thread).memory[2]),
            Name::ThreadVmsize => Value::uint(if thread.is_main() { thread.memory[0] } else { 0 }),
            Name::ThreadVmrss => Value::uint(if thread.is_main() { thread.memory[1] } else { 0 }),
            Name::ThreadPfmajor => Value::uint(thread.faults[0]),
            Name::ThreadPfminor => Value::uint(thread.faults[1]),
            Name::ThreadIsmain => Value::bool(thread.is_main()),
            Name::ThreadCgroups => Value::owned(pieces(&thread.cgroups.text).collect::<Vec<_>>().join(&b' ')),
            Name::ThreadCgroup => {
                let path = key(field).and_then(|name| variable(&thread.cgroups.text, name));
                path.map_or(Value::Absent, Value::text)
            }
            Name::ProcNthreads => Value::uint(self.main(thread).members),
            Name::ProcNchilds => Value::uint(self.main(thread).members.saturating_sub(1)),
            Name::UserUid => recorded(thread.uid, Value::uint),
            Name::GroupGid => recorded(thread.gid, Value::uint),
            Name::UserLoginuid => recorded(thread.loginuid, |uid| Value::int(login(uid))),
            Name::UserName => recorded(thread.uid, |uid| self.user_name(thread, uid)),
            Name::UserLoginname => recorded(thread.loginuid, |uid| match login(uid) {
                -1 => Value::text("<NA>"),
                _ => self.user_name(thread, uid),
            }),
            Name::UserHomedir => self.of_user(thread, |user| &user.home),
            Name::UserShell => self.of_user(thread, |user| &user.shell),
            Name::GroupName => recorded(thread.gid, |gid| {
                let group = self.state.group(thread.container().unwrap_or_default(), gid);
                group.map_or_else(|| self.nobody(thread, gid), |group| Value::text(&group.name))
            }),
            Name::ProcStdinType | Name::ProcStdoutType | Name::ProcStderrType => self
                .standard(name, thread)
                .map_or(Value::Absent, |fd| fd.kind.name().map_or(Value::Absent, Value::text)),
            Name::ProcStdinName | Name::ProcStdoutName | Name::ProcStderrName => {
                self.standard(name, thread).map_or(Value::Absent, named)
            }
            _ => self.of_ancestors(name, field, thread),
        }
    }

    fn of_ancestors(&self, name: Name, field: &Field, thread: &'a Thread) -> Value<'a> {
        let of_parent = |answer: fn(&'a Thread) -> Value<'a>| match self.state.parent(thread) {
            Some(parent) => answer(parent),
            // The first process has none.
            None if thread.ptid <= 0 => Value::Absent,
            None => Value::Unknown(Unknown::Process),
        };
        match name {
            Name::ProcPname => of_parent(comm),
            Name::ProcPexe => of_parent(exe),
            Name::ProcPexepath => of_parent(exepath),
            Name::ProcPcmdline => of_parent(cmdline),
            Name::ProcPvpid => of_parent(|parent| recorded(parent.vpid, Value::int)),
            Name::ProcPpidTs => of_parent(|parent| recorded(parent.started, Value::uint)),
            Name::ProcPpidDuration => match self.state.parent(thread) {
                Some(parent) => self.since(parent),
                None => Value::Unknown(Unknown::Process),
            },
            Name::ProcPpid => Value::int(self.main(thread).ptid),
            Name::ProcAname => self.ancestor(field, thread, comm),
            Name::ProcAexe => self.ancestor(field, thread, exe),
            Name::ProcAexepath => self.ancestor(field, thread, exepath),
            Name::ProcAcmdline => self.ancestor(field, thread, cmdline),
            Name::ProcApid => self.ancestor(field, thread, |ancestor| Value::int(ancestor.pid)),
            Name::ProcAenv => self.ancestors_environment(field, thread),
            Name::ProcLoginshellid => {
                let shells = std::iter::once(thread).chain(self.state.ancestors(thread));
                let oldest = shells.filter(|thread| SHELLS.contains(&&*thread.comm)).last();
                oldest.map_or(Value::Absent, |shell| Value::int(shell.pid))
            }
            Name::ProcSname => self.session(thread, comm),
            Name::ProcSidExe => self.session(thread, exe),
            Name::ProcSidExepath => self.session(thread, exepath),
            Name::ProcVpgidName => self.group_leader(thread, comm),
            Name::ProcVpgidExe => self.group_leader(thread, exe),
            Name::ProcVpgidExepath => self.group_leader(thread, exepath),
            Name::ProcPgidName => self.host_group_leader(thread, comm),
            Name::ProcPgidExe => self.host_group_leader(thread, exe),
            Name::ProcPgidExepath => self.host_group_leader(thread, exepath),
            _ => not_here(name),
        }
    }

    fn main(&self, thread: &'a Thread) -> &'a Thread {
        self.state.thread(thread.pid).unwrap_or(thread)
    }

    fn since(&self, thread: &Thread) -> Value<'a> {
        recorded(thread.started, |start| Value::int(self.event.time.saturating_sub(start).cast_signed()))
    }

    /// Of the ancestor that the argument numbers, 0 being the process itself; of all of them without one.
    fn ancestor(&self, field: &Field, thread: &'a Thread, of: fn(&'a Thread) -> Value<'a>) -> Value<'a> {
        match index(field) {
            Some(0) => of(thread),
            Some(at) => match self.state.ancestors(thread).nth(at - 1) {
                Some(ancestor) => of(ancestor),
                None => self.beyond(thread),
            },
            None => match Value::of_all(self.state.ancestors(thread).map(of)) {
                Value::Absent => self.beyond(thread),
                list => list,
            },
        }
    }

    /// What is beyond the last ancestor that is known: nothing, or what was not recorded.
    fn beyond(&self, thread: &'a Thread) -> Value<'a> {
        let last = self.state.ancestors(thread).last().unwrap_or(thread);
        if last.ptid <= 0 || last.pid == 1 { Value::Absent } else { Value::Unknown(Unknown::Process) }
    }

    fn ancestors_environment(&self, field: &Field, thread: &'a Thread) -> Value<'a> {
        match &field.given {
            Given::Index(0) => environment(thread),
            Given::Index(at) => match self.state.ancestors(thread).nth(*at as usize - 1) {
                Some(ancestor) => environment(ancestor),
                None => self.beyond(thread),
            },
            Given::Key(name) => {
                let mut ancestors = self.state.ancestors(thread).take(ENVIRONMENTS);
                // One of which it is not known whether it has the variable keeps the next from being told.
                let found = ancestors.find_map(|ancestor| match variable_of(&ancestor.program, name) {
                    Value::Absent => None,
                    found => Some(found),
                });
                found.unwrap_or(Value::Absent)
            }
            Given::Nothing => Value::of_all(self.state.ancestors(thread).map(environment)),
        }
    }

    /// The leader of a session: the process with its id; where that is gone, or ids are those of a namespace, the oldest
    /// ancestor in the session.
    fn session(&self, thread: &'a Thread, of: fn(&'a Thread) -> Value<'a>) -> Value<'a> {
        let Some(sid) = thread.sid else { return Value::Unknown(Unknown::NotRecorded) };
        if !thread.in_namespace()
            && let Some(leader) = self.state.thread(sid)
        {
            return of(leader);
        }
        of(self.oldest(thread, |other| other.sid == Some(sid)))
    }

    fn group_leader(&self, thread: &'a Thread, of: fn(&'a Thread) -> Value<'a>) -> Value<'a> {
        let Some(group) = thread.vpgid else { return Value::Unknown(Unknown::NotRecorded) };
        if !thread.in_namespace()
            && let Some(leader) = self.state.thread(group)
        {
            return of(leader);
        }
        of(self.oldest(thread, |other| other.vpgid == Some(group)))
    }

    fn host_group_leader(&self, thread: &'a Thread, of: fn(&'a Thread) -> Value<'a>) -> Value<'a> {
        let Some(group) = thread.pgid else { return Value::Unknown(Unknown::NotRecorded) };
        match self.state.thread(group) {
            Some(leader) => of(leader),
            None => of(self.oldest(thread, |other| other.pgid == Some(group))),
        }
    }

    /// The last of the ancestors that all are in the same group as the thread.
    fn oldest(&self, thread: &'a Thread, same: impl Fn(&Thread) -> bool) -> &'a Thread {
        self.state.ancestors(thread).take_while(|ancestor| same(ancestor)).last().unwrap_or(thread)
    }

    fn user_name(&self, thread: &'a Thread, uid: u32) -> Value<'a> {
        let user = self.state.user(thread.container().unwrap_or_default(), uid);
        user.map_or_else(|| self.nobody(thread, uid), |user| Value::text(&user.name))
    }

    fn of_user(&self, thread: &'a Thread, of: fn(&crate::state::User) -> &Vec<u8>) -> Value<'a> {
        recorded(thread.uid, |uid| {
            let user = self.state.user(thread.container().unwrap_or_default(), uid);
            match user {
                Some(user) => Value::text(of(user)),
                None if self.state.knows_accounts(thread.container().unwrap_or_default()) => Value::text("<NA>"),
                None => Value::Unknown(Unknown::Container),
            }
        })
    }

    /// The name of a user or group that nobody told of. Falco has the text `<NA>` there as well.
    fn nobody(&self, thread: &Thread, id: u32) -> Value<'static> {
        match id {
            0 => Value::text("root"),
            _ if self.state.knows_accounts(thread.container().unwrap_or_default()) => Value::text("<NA>"),
            _ => Value::Unknown(Unknown::Container),
        }
    }

    fn standard(&self, name: Name, thread: &'a Thread) -> Option<&'a crate::state::Fd> {
        let fd = match name {
            Name::ProcStdinType | Name::ProcStdinName => 0,
            Name::ProcStdoutType | Name::ProcStdoutName => 1,
            _ => 2,
        };
        self.state.files(thread.tid)?.get(&fd).map(|fd| &**fd)
    }
}

/// The id of nobody is told as -1.
fn login(uid: u32) -> i64 {
    if uid == u32::MAX { -1 } else { uid.into() }
}

fn exepath(thread: &Thread) -> Value<'_> {
    match &thread.program.exepath {
        Some(path) => Value::text(path),
        None => Value::Unknown(Unknown::Path),
    }
}

/// A text of which this much is known.
fn kept<'a>(kept: Kept, text: impl Into<Cow<'a, [u8]>>) -> Value<'a> {
    match kept {
        Kept::Whole => Value::One(Scalar::Text(text.into())),
        Kept::Beginning => Value::beginning(text),
        Kept::Nothing => Value::Unknown(Unknown::NotRecorded),
    }
}

fn comm(thread: &Thread) -> Value<'_> {
    // A recorder that came too late for a process has no name of it.
    let untold = thread.comm.is_empty() && thread.program.args_kept == Kept::Nothing;
    if untold { Value::Unknown(Unknown::NotRecorded) } else { Value::text(&thread.comm) }
}

/// `argv[0]`, which alone may be longer than what is told of all arguments.
fn exe(thread: &Thread) -> Value<'_> {
    let program = &*thread.program;
    let whole = program.args_kept == Kept::Beginning && !program.args.is_empty();
    kept(if whole { Kept::Whole } else { program.args_kept }, &*program.exe)
}

fn cmdline(thread: &Thread) -> Value<'_> {
    match thread.program.args_kept {
        // The name is known all the same.
        Kept::Nothing if !thread.comm.is_empty() => Value::beginning(&*thread.comm),
        known => kept(known, thread.cmdline()),
    }
}

/// How many of something there is in all arguments.
fn counted(program: &Program, number: usize) -> Value<'static> {
    match program.args_kept {
        Kept::Whole => Value::uint(number as u64),
        Kept::Beginning => Value::Unknown(Unknown::Truncated),
        Kept::Nothing => Value::Unknown(Unknown::NotRecorded),
    }
}

/// One of several texts that end in zero bytes.
fn piece(bytes: &[u8], known: Kept, at: usize) -> Value<'_> {
    let mut from = pieces(bytes).skip(at);
    match (known, from.next()) {
        (Kept::Nothing, _) => Value::Unknown(Unknown::NotRecorded),
        (Kept::Beginning, None) => Value::Unknown(Unknown::Truncated),
        (Kept::Beginning, Some(last)) if from.next().is_none() => Value::beginning(last),
        (_, found) => found.map_or(Value::Absent, Value::text),
    }
}

fn environment(thread: &Thread) -> Value<'_> {
    kept(thread.program.env_kept, pieces(&thread.program.env).collect::<Vec<_>>().join(&b' '))
}

/// The value of a variable in the environment of a program.
fn variable_of<'a>(program: &'a Program, name: &str) -> Value<'a> {
    let entry = |bytes: &'a [u8]| bytes.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    match program.env_kept {
        Kept::Whole => variable(&program.env, name).map_or(Value::Absent, Value::text),
        Kept::Nothing => Value::Unknown(Unknown::NotRecorded),
        Kept::Beginning => match pieces(&program.env).position(|bytes| entry(bytes).is_some()) {
            None => Value::Unknown(Unknown::Truncated),
            Some(at) => match piece(&program.env, Kept::Beginning, at) {
                Value::One(Scalar::Text(_)) => variable(&program.env, name).map_or(Value::Absent, Value::text),
                _ => variable(&program.env, name).map_or(Value::Absent, Value::beginning),
            },
        },
    }
}

/// Capabilities by their bit (capabilities(7)).
const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// The names of capabilities that are in a set, with spaces between.
fn capabilities(set: u64) -> String {
    let names: Vec<_> =
        CAPABILITIES.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, name)| *name).collect();
    names.join(" ")
}
