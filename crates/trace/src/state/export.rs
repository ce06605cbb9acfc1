//! What is known, told as a beginning that another state can go on from.

use super::{Fd, Group, Kept, State, Thread, ThreadSeed, UNTOLD, User};
use crate::event::Event;
use std::collections::BTreeMap;
use std::sync::Arc;

impl State {
    /// All threads of which more is known than that they are there, by their numbers.
    pub fn seeds(&self) -> Vec<ThreadSeed> {
        let mut seeds: Vec<ThreadSeed> =
            self.threads.values().filter(|thread| thread.known).map(Thread::seed).collect();
        seeds.sort_unstable_by_key(|seed| seed.tid);
        seeds
    }

    /// Open files, by the thread that has them: the first of a process, or one with files of its own.
    pub fn all_files(&self) -> BTreeMap<i64, Vec<Fd>> {
        let own = self.threads.values().filter(|thread| thread.known && !thread.shares_files());
        let files = own.map(|thread| {
            let mut files: Vec<Fd> = thread.files.values().map(|file: &Arc<Fd>| Fd::clone(file)).collect();
            files.sort_unstable_by_key(|file| file.number);
            (thread.tid, files)
        });
        files.filter(|(_, files)| !files.is_empty()).collect()
    }

    /// Calls that were entered and not left, as the events that told so.
    pub(crate) fn entered_calls(&self) -> impl Iterator<Item = Event<'_>> {
        let entered = self.threads.values().filter(|thread| thread.has_entered);
        entered.map(|thread| thread.entered.event(thread.tid))
    }

    /// Whose open files those of a thread are.
    pub(crate) fn owner(&self, tid: i64) -> i64 {
        self.owner_of_files(tid).map_or(tid, |owner| owner.tid)
    }

    /// Users and groups, by the container that they are of; those of the host under an empty name.
    pub fn accounts(&self) -> BTreeMap<&str, (Vec<&User>, Vec<&Group>)> {
        let mut all: BTreeMap<&str, (Vec<&User>, Vec<&Group>)> = BTreeMap::new();
        for (container, users) in &self.users {
            all.entry(container).or_default().0.extend(users.values());
        }
        for (container, groups) in &self.groups {
            all.entry(container).or_default().1.extend(groups.values());
        }
        for (users, groups) in all.values_mut() {
            users.sort_unstable_by_key(|user| user.uid);
            groups.sort_unstable_by_key(|group| group.gid);
        }
        all
    }
}

impl Thread {
    /// What has to be told of it to know it.
    pub(crate) fn seed(&self) -> ThreadSeed {
        let program = &self.program;
        ThreadSeed {
            tid: self.tid,
            pid: self.pid,
            ptid: self.ptid,
            sid: self.sid,
            vpgid: self.vpgid,
            pgid: self.pgid,
            vtid: self.vtid,
            vpid: self.vpid,
            comm: self.comm.to_vec(),
            exe: if program.args_kept == Kept::Nothing { UNTOLD.to_vec() } else { program.exe.to_vec() },
            exepath: program.exepath.as_ref().map(|path| path.to_vec()),
            args: program.args.to_vec(),
            env: program.env.to_vec(),
            cwd: self.cwd.to_vec(),
            root: Vec::new(),
            cgroups: self.cgroups.text.to_vec(),
            fdlimit: self.fdlimit,
            flags: self.flags,
            uid: self.uid,
            gid: self.gid,
            loginuid: self.loginuid,
            tty: self.tty,
            memory: self.memory,
            faults: self.faults,
            capabilities: self.capabilities,
            exe_writable: program.writable,
            exe_upper: program.upper,
            exe_lower: program.lower,
            exe_memfd: program.memfd,
            exe_inode: program.inode,
            exe_times: program.times,
            namespace_started: self.namespace_started,
            started: self.started,
        }
    }
}
