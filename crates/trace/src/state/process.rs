//! Threads and processes: how they come, change and go.

use super::apply::Call;
use super::container::Cgroups;
use super::fd::{is_untold, join};
use super::thread::{FdTable, Kept, Kin, bits, called, directory, pieces};
use super::{Entered, Program, State, Thread};
use crate::event::{Event, EventCode as E};
use std::hash::{BuildHasher, Hasher};
use std::iter;
use std::sync::Arc;

/// No id of a user or group: what calls take for "leave it as it is".
const NONE: u32 = u32::MAX;
/// How many threads are looked at for one that may be forgotten, or is meant.
const LOOK: usize = 64;
/// How far ancestors are followed.
pub(crate) const ANCESTORS: usize = 1024;

impl State {
    pub(super) fn insert_thread(&mut self, mut thread: Thread) {
        self.generation += 1;
        self.lineage += 1;
        thread.version = self.generation;
        let tid = thread.tid;
        self.program_bytes += size(&thread);
        let (pid, ptid) = (thread.pid, thread.ptid);
        if let Some(old) = self.threads.remove(&tid) {
            thread.members = old.members;
            self.forget(&old);
            thread.children = old.children;
            thread.siblings = old.siblings;
        } else {
            self.order.push_back(tid);
            if pid != tid {
                if let Some(main) = self.threads.get_mut(&pid) {
                    main.members += 1;
                }
                self.kin(pid, tid, |main| &mut main.siblings);
            }
        }
        if pid == tid {
            self.kin(ptid, tid, |parent| &mut parent.children);
        }
        self.threads.insert(tid, thread);
        while self.threads.len() > self.bounds().threads.max(1)
            || self.program_bytes > self.bounds().program_bytes && self.threads.len() > 1
        {
            self.evict(tid);
        }
    }

    /// Notes at `of` that `tid` belongs to it.
    fn kin(&mut self, of: i64, tid: i64, list: impl Fn(&mut Thread) -> &mut Kin) {
        let Some(thread) = self.threads.get_mut(&of) else { return };
        let mut kin = std::mem::take(list(thread));
        kin.add(tid, |id| self.threads.contains_key(&id));
        if let Some(thread) = self.threads.get_mut(&of) {
            *list(thread) = kin;
        }
    }

    /// Forgets what a new thread's id meant before: its end was not told.
    fn replace(&mut self, tid: i64) {
        let Some(mut old) = self.threads.remove(&tid) else { return };
        self.forget(&old);
        for child in old.children.take() {
            if let Some(orphan) = self.threads.get_mut(&child).filter(|child| child.ptid == tid) {
                orphan.ptid = 0;
                self.changed(child);
            }
        }
        for sibling in old.siblings.take() {
            if let Some(sibling) = self.threads.remove(&sibling) {
                self.forget(&sibling);
            }
        }
    }

    /// Forgets a thread of which there was no event for long; never the one that just came.
    fn evict(&mut self, keep: i64) {
        for _ in 0..LOOK {
            let Some(tid) = self.order.pop_front() else { return };
            match self.threads.get_mut(&tid) {
                Some(thread) if thread.used || tid == keep => {
                    thread.used = false;
                    self.order.push_back(tid);
                }
                Some(_) => return self.evict_now(tid),
                None => {}
            }
        }
        while let Some(tid) = self.order.pop_front() {
            if tid == keep {
                self.order.push_back(tid);
            } else if self.threads.contains_key(&tid) {
                return self.evict_now(tid);
            }
        }
    }

    fn evict_now(&mut self, tid: i64) {
        self.counters.threads_evicted += 1;
        if let Some(thread) = self.threads.remove(&tid) {
            self.forget(&thread);
            self.lineage += 1;
        }
    }

    fn forget(&mut self, thread: &Thread) {
        self.program_bytes = self.program_bytes.saturating_sub(size(thread));
    }

    /// Forgets a thread that ended, and its process with its last thread.
    pub(super) fn remove_thread(&mut self, tid: i64) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        self.lineage += 1;
        if thread.is_main() && thread.members > 1 {
            thread.ended = true;
            return;
        }
        let Some(thread) = self.threads.remove(&tid) else { return };
        self.forget(&thread);
        if self.order.len() > self.threads.len() * 2 + 64 {
            let threads = &self.threads;
            self.order.retain(|tid| threads.contains_key(tid));
        }
        if !thread.is_main()
            && let Some(main) = self.threads.get_mut(&thread.pid)
        {
            main.members = main.members.saturating_sub(1).max(1);
            if main.ended && main.members == 1 {
                let pid = thread.pid;
                main.ended = false;
                self.remove_thread(pid);
            }
        }
    }

    /// Notes a thread of which nothing is known but that there was an event of it, so that its files are followed.
    pub(super) fn insert_stranger(&mut self, tid: i64) {
        let mut thread = Thread::of_seed(super::ThreadSeed { tid, pid: tid, ..Default::default() });
        thread.known = false;
        thread.unnoted = true;
        self.insert_thread(thread);
    }

    pub(super) fn exit(&mut self, event: &Event<'_>) {
        self.now.ending = Some(event.tid);
        let reaper = event.named("reaper_tid").and_then(|param| param.int()).filter(|tid| *tid > 0);
        let Some(reaper) = reaper.filter(|tid| self.threads.contains_key(tid)) else { return };
        if self.threads.get(&event.tid).is_none_or(|thread| !thread.is_main() || thread.members > 1) {
            return;
        }
        let Some(thread) = self.threads.get_mut(&event.tid) else { return };
        for tid in thread.children.take() {
            if tid != reaper
                && let Some(child) = self.threads.get_mut(&tid).filter(|child| child.ptid == event.tid)
            {
                child.ptid = reaper;
                self.changed(tid);
                self.kin(reaper, tid, |parent| &mut parent.children);
            }
        }
    }

    pub(super) fn fork(&mut self, call: &Call<'_>) {
        match call.result() {
            Some(0) => self.fork_in_child(call),
            Some(child) if child > 0 => self.fork_in_parent(call, child),
            _ => {}
        }
    }

    /// What the parent says of its child: only where both have the same ids for it.
    fn fork_in_parent(&mut self, call: &Call<'_>, child: i64) {
        // A sensor that hears of the child from itself says no more of it here than its number.
        if call.param("exe").is_none() {
            return;
        }
        let flags = call.u32("flags").unwrap_or_default();
        let parent_tid = call.event.tid;
        self.update_parent(call);
        let Some(parent) = self.threads.get(&parent_tid) else { return };
        if parent.in_namespace() || flags & (bits::CLONE_NEWPID | bits::CHILD_IN_PIDNS) != 0 {
            return;
        }
        // The child may have told of itself already.
        if self.threads.get(&child).is_some_and(|thread| thread.ptid == parent_tid && thread.started.is_some()) {
            return;
        }
        let is_thread = flags & bits::CLONE_THREAD != 0;
        let mut thread = self.of_clone(call, Some(parent_tid));
        thread.tid = child;
        thread.pid = if is_thread { call.int("pid").unwrap_or(parent_tid) } else { child };
        thread.ptid = if is_thread || flags & bits::CLONE_PARENT != 0 {
            call.int("ptid").unwrap_or_default()
        } else {
            parent_tid
        };
        thread.flags = flags;
        self.replace(child);
        thread.vtid = Some(child);
        thread.vpid = Some(if is_thread { thread.pid } else { child });
        self.insert_thread(thread);
    }

    fn fork_in_child(&mut self, call: &Call<'_>) {
        let tid = call.event.tid;
        let flags = call.u32("flags").unwrap_or_default();
        let pid = call.int("pid").unwrap_or(tid);
        let ptid = call.int("ptid").unwrap_or_default();
        let source = if flags & bits::CLONE_THREAD != 0 { pid } else { ptid };
        let from = self.threads.contains_key(&source).then_some(source);
        let mut thread = self.of_clone(call, from);
        thread.tid = tid;
        thread.pid = pid;
        thread.ptid = ptid;
        thread.flags = flags;
        thread.vtid = call.int("vtid").or(Some(tid));
        thread.vpid = call.int("vpid").or(Some(pid));
        match self.threads.get(&tid) {
            // The parent told of it already.
            Some(known) if known.ptid == ptid => thread.started = known.started.or(thread.started),
            _ => self.replace(tid),
        }
        self.insert_thread(thread);
    }

    /// A thread as `clone` and its like describe it, with what is copied from the one that made it.
    fn of_clone(&self, call: &Call<'_>, from: Option<i64>) -> Thread {
        let from_thread = from.and_then(|tid| self.threads.get(&tid)).filter(|thread| thread.known);
        let blank = || Thread::of_seed(super::ThreadSeed::default());
        let mut thread = from_thread.cloned().unwrap_or_else(blank);
        thread.entered = Entered::default();
        thread.has_entered = false;
        thread.children = Kin::default();
        thread.siblings = Kin::default();
        thread.members = 1;
        thread.ended = false;
        thread.used = true;
        thread.started = Some(call.event.time);
        thread.unnoted = from.is_none_or(|tid| self.has_unnoted_files(tid));
        thread.files = match from.and_then(|tid| self.files(tid)) {
            Some(files) if call.u32("flags").unwrap_or_default() & bits::CLONE_THREAD == 0 => Arc::clone(files),
            _ => FdTable::default(),
        };
        let told = call.text("exe");
        let exe = told.unwrap_or_default();
        let args = call.param("args").map_or(&[][..], |param| param.bytes);
        // Where it is not told what the child executes, it is what its maker does.
        let same = told.is_none() || *exe == *thread.program.exe && *args == *thread.program.args;
        if !same || from_thread.is_none() {
            let old = &thread.program;
            let exepath = from_thread.and(old.exepath.clone());
            let args_kept = told.map_or(Kept::Nothing, |exe| Kept::of_arguments(exe, args));
            let program = Program { exe: exe.into(), exepath, args: args.into(), args_kept, ..(**old).clone() };
            thread.program = Arc::new(program);
        }
        if let Some(comm) = call.text("comm") {
            thread.comm = called(comm);
        } else if from_thread.is_none() {
            thread.comm = called(last_component(exe));
        }
        if let Some(cwd) = call.text("cwd").filter(|cwd| !cwd.is_empty()) {
            thread.cwd = directory(cwd.to_vec());
        }
        Self::update_common(call, &mut thread);
        if from_thread.is_none() {
            // Where its parent is not known, nothing says that its program is from elsewhere.
            Arc::make_mut(&mut thread.program).within = Arc::clone(&thread.cgroups);
        }
        thread.namespace_started =
            call.param("pidns_init_start_ts").and_then(|p| p.uint()).or(thread.namespace_started);
        thread
    }

    /// What `clone` and `execve` both say.
    fn update_common(call: &Call<'_>, thread: &mut Thread) {
        thread.fdlimit = call.int("fdlimit").unwrap_or(thread.fdlimit);
        thread.uid = call.u32("uid").or(thread.uid);
        thread.gid = call.u32("gid").or(thread.gid);
        if let Some(cgroups) = call.param("cgroups")
            && *cgroups.bytes != *thread.cgroups.text
        {
            thread.cgroups = Cgroups::new(cgroups.bytes);
        }
        measure(call, thread);
    }

    fn update_parent(&mut self, call: &Call<'_>) {
        if self.threads.get(&call.event.tid).is_some_and(|thread| thread.known) {
            return;
        }
        // The parent was not known: the event says all about it but its own start.
        let mut thread = self.of_clone(call, None);
        thread.started = None;
        thread.files = self.files(call.event.tid).map(Arc::clone).unwrap_or_default();
        thread.tid = call.event.tid;
        thread.pid = call.int("pid").unwrap_or(call.event.tid);
        thread.ptid = call.int("ptid").unwrap_or_default();
        thread.vtid = call.int("vtid");
        thread.vpid = call.int("vpid");
        self.insert_thread(thread);
    }

    pub(super) fn exec(&mut self, call: &Call<'_>) {
        if !call.succeeded() {
            return;
        }
        let tid = call.event.tid;
        let Some(mut thread) = self.threads.get(&tid).cloned() else { return };
        thread.known = true;
        thread.pid = call.int("pid").unwrap_or(thread.pid);
        thread.ptid = call.int("ptid").unwrap_or(thread.ptid);
        let told = call.text("exe");
        let exe = told.unwrap_or_default();
        thread.comm = called(call.text("comm").unwrap_or_else(|| last_component(exe)));
        if let Some(cwd) = call.text("cwd").filter(|cwd| !cwd.is_empty()) {
            thread.cwd = directory(cwd.to_vec());
        }
        Self::update_common(call, &mut thread);
        thread.tty = call.u32("tty").or(thread.tty);
        thread.vpgid = call.int("vpgid").or(thread.vpgid);
        thread.pgid = call.int("pgid").or(thread.pgid);
        thread.loginuid = call.u32("loginuid").or(thread.loginuid);
        let number = |name: &str| call.param(name).and_then(|param| param.uint());
        thread.capabilities = match ["cap_inheritable", "cap_permitted", "cap_effective"].map(number) {
            [Some(inherit), Some(permit), Some(effect)] => Some([inherit, permit, effect]),
            _ => thread.capabilities,
        };
        let flags = call.event.named("flags").and_then(|param| param.uint());
        let flag = |bit: u64| flags.map(|flags| flags & bit != 0);
        // Bits are as old as the recorders that have them; lengths of events tell recorders apart.
        let recent = call.event.params.get(23).is_some();
        let memfd = flag(4).filter(|memfd| *memfd || recent);
        let (inode, times) = (number("exe_ino"), number("exe_ino_ctime").zip(number("exe_ino_mtime")));
        // Before they leave the host's files, engines execute themselves once more: a copy in memory, or the same file from
        // another mount.
        let same = inode.is_some() && times.is_some() && (inode, times) == (thread.program.inode, thread.program.times);
        let again = thread.came_from_outside() && (memfd == Some(true) || same);
        let within = Arc::clone(if again { &thread.program.within } else { &thread.cgroups });
        let args = call.param("args").map_or(&[][..], |param| param.bytes);
        let env = call.param("env").map_or(&[][..], |param| param.bytes);
        let exepath = self.exec_path(call, &thread);
        let args_kept = told.map_or(Kept::Nothing, |exe| Kept::of_arguments(exe, args));
        let untold = |name: &str| call.text(name).is_some_and(is_untold);
        self.counters.paths_untold += u64::from(untold("cwd")) + u64::from(untold("trusted_exepath"));
        thread.program = Arc::new(Program {
            exepath,
            exe: exe.into(),
            args: args.into(),
            args_kept,
            env: env.into(),
            env_kept: Kept::of_environment(env),
            writable: flag(1),
            upper: flag(2).filter(|upper| *upper || call.event.params.get(20).is_some()),
            memfd,
            lower: flag(8).filter(|lower| *lower || call.event.params.get(27).is_some()),
            inode,
            times,
            within,
        });
        thread.flags &= !(bits::CLONE_FILES | bits::CLONE_THREAD);
        thread.members = 1;
        // Other threads of the process are gone.
        let pid = thread.pid;
        let others = self.threads.get_mut(&pid).map(|main| main.siblings.take()).unwrap_or_default();
        for other in others.into_iter().filter(|other| *other != tid) {
            if let Some(other) = self.threads.remove(&other) {
                self.forget(&other);
            }
        }
        self.insert_thread(thread);
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.members = 1;
        }
    }

    /// The path of what is executed: what the kernel says, or what was asked for, from the directory it was asked in. Where
    /// whoever recorded it could not tell what the kernel says, what was asked for is not taken instead: it is the process's word.
    fn exec_path(&self, call: &Call<'_>, thread: &Thread) -> Option<Box<[u8]>> {
        if let Some(path) = call.text("trusted_exepath").filter(|path| !path.is_empty()) {
            return (!is_untold(path)).then(|| path.into());
        }
        if call.event.code == E::EXECVEAT_X {
            let name = call.entered?.named("pathname")?.text().unwrap_or_default();
            let directory = call.entered?.named("dirfd")?.int()?;
            let empty = call.entered?.named("flags").and_then(|flags| flags.uint()).is_some_and(|flags| flags & 1 != 0);
            let base = self.directory(call.event.tid, directory, name)?;
            // `fexecve`: the descriptor is the program.
            return Some(if name.is_empty() && empty {
                base.strip_suffix(b"/").unwrap_or(&base).into()
            } else {
                join(&base, name).into()
            });
        }
        let asked = call.text("filename")?;
        if asked == b"<NA>" {
            return Some(asked.into());
        }
        let from_root = asked.first() == Some(&b'/');
        (from_root || !thread.cwd.is_empty()).then(|| join(&thread.cwd, asked).into())
    }

    pub(super) fn switch(&mut self, call: &Call<'_>) {
        if let Some(thread) = self.thread_of(&call.event) {
            measure(call, thread);
        }
    }

    pub(super) fn memory(&mut self, call: &Call<'_>) {
        self.switch(call);
    }

    pub(super) fn chdir(&mut self, call: &Call<'_>, path: Option<&[u8]>) {
        if !call.succeeded() {
            return;
        }
        let Some(thread) = self.threads.get(&call.event.tid) else { return };
        let asks = call.event.code == E::GETCWD_X;
        let cwd = match path {
            Some(path) if path.first() == Some(&b'/') => join(b"/", path),
            // What the kernel calls so lies below no root.
            Some(path) if !asks && !thread.cwd.is_empty() => join(&thread.cwd, path),
            None if asks => return,
            // It is elsewhere now, and where was not told.
            _ => Vec::new(),
        };
        self.counters.paths_untold += u64::from(cwd.is_empty());
        self.set_directory(call.event.tid, cwd);
    }

    pub(super) fn fchdir(&mut self, call: &Call<'_>) {
        if !call.succeeded() {
            return;
        }
        let Some(fd) = call.int("fd") else { return };
        // It is elsewhere now, also where nobody knows what the descriptor stands for.
        let name = self.files(call.event.tid).and_then(|files| files.get(&fd)).map(|fd| fd.name.clone());
        let name = name.unwrap_or_default();
        self.counters.paths_untold += u64::from(name.first() != Some(&b'/'));
        self.set_directory(call.event.tid, name);
    }

    /// Threads share their process's directory.
    fn set_directory(&mut self, tid: i64, cwd: Vec<u8>) {
        let cwd = directory(cwd);
        let Some(pid) = self.threads.get(&tid).map(|thread| thread.pid) else { return };
        for tid in [tid, pid] {
            if let Some(thread) = self.threads.get_mut(&tid)
                && thread.cwd != cwd
            {
                thread.cwd = Arc::clone(&cwd);
                self.changed(tid);
            }
        }
    }

    pub(super) fn set_user(&mut self, call: &Call<'_>) {
        let uid = call.u32("euid").or_else(|| call.u32("uid")).filter(|uid| *uid != NONE);
        if let (true, Some(uid)) = (call.succeeded(), uid)
            && let Some(thread) = self.thread_of(&call.event)
        {
            thread.uid = Some(uid);
            self.changed(call.event.tid);
        }
    }

    pub(super) fn set_group(&mut self, call: &Call<'_>) {
        let gid = call.u32("egid").or_else(|| call.u32("gid")).filter(|gid| *gid != NONE);
        if let (true, Some(gid)) = (call.succeeded(), gid)
            && let Some(thread) = self.thread_of(&call.event)
        {
            thread.gid = Some(gid);
            self.changed(call.event.tid);
        }
    }

    pub(super) fn set_session(&mut self, call: &Call<'_>) {
        if let Some(sid) = call.result().filter(|sid| *sid >= 0)
            && let Some(thread) = self.thread_of(&call.event)
        {
            thread.sid = Some(sid);
            self.changed(call.event.tid);
        }
    }

    pub(super) fn set_process_group(&mut self, call: &Call<'_>) {
        let (true, Some(pid), Some(pgid)) = (call.succeeded(), call.int("pid"), call.int("pgid")) else { return };
        let Some(tid) = self.named_by(call.event.tid, pid) else { return };
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.vpgid = if pgid == 0 { thread.vpid.or(Some(thread.pid)) } else { Some(pgid) };
            thread.pgid = if thread.in_namespace() { None } else { thread.vpgid };
            self.changed(tid);
        }
    }

    /// The process that a thread means by an id of its own namespace, where it can only mean itself or one that it made.
    fn named_by(&self, tid: i64, pid: i64) -> Option<i64> {
        let thread = self.threads.get(&tid)?;
        if pid == 0 {
            return Some(tid);
        }
        if !thread.in_namespace() {
            return Some(pid);
        }
        let main = self.threads.get(&thread.pid).unwrap_or(thread);
        let newest = main.children.newest().take(LOOK);
        let is_meant = |tid: &i64| self.threads.get(tid).is_some_and(|thread| thread.vpid == Some(pid));
        iter::once(main.tid).chain(newest).find(is_meant)
    }

    pub(super) fn set_capabilities(&mut self, call: &Call<'_>) {
        let number = |name: &str| call.param(name).and_then(|param| param.uint());
        if let (true, [Some(inherit), Some(permit), Some(effect)]) =
            (call.succeeded(), ["cap_inheritable", "cap_permitted", "cap_effective"].map(number))
            && let Some(thread) = self.thread_of(&call.event)
        {
            thread.capabilities = Some([inherit, permit, effect]);
            self.changed(call.event.tid);
        }
    }

    pub(super) fn prctl(&mut self, call: &Call<'_>) {
        /// `PR_SET_NAME`, as recorders number it.
        const SET_NAME: i64 = 15;
        if call.succeeded()
            && call.int("option") == Some(SET_NAME)
            && let Some(name) = call.text("arg2_str")
            && let Some(thread) = self.thread_of(&call.event)
        {
            thread.comm = name[..name.len().min(15)].into();
            self.changed(call.event.tid);
        }
    }

    /// The parent of a thread's process.
    pub fn parent(&self, thread: &Thread) -> Option<&Thread> {
        let main = self.threads.get(&thread.pid).unwrap_or(thread);
        self.threads.get(&main.ptid).filter(|parent| parent.tid != main.tid)
    }

    /// Changes whenever an answer about a thread and its ancestors may: all their versions, none of which comes twice.
    pub(crate) fn lineage(&self, thread: &Thread) -> u64 {
        let (as_of, known) = thread.lineage.get();
        if as_of == self.lineage {
            return known;
        }
        let mut hash = self.threads.hasher().build_hasher();
        for one in iter::once(thread).chain(self.ancestors(thread)) {
            hash.write_u64(one.version);
            // The parent of a thread is that of the first of its process.
            if let Some(main) = self.threads.get(&one.pid).filter(|_| !one.is_main()) {
                hash.write_u64(main.version);
            }
        }
        let found = hash.finish();
        thread.lineage.set((self.lineage, found));
        found
    }

    /// The ancestors of a thread, its parent first.
    pub fn ancestors<'a>(&'a self, thread: &'a Thread) -> impl Iterator<Item = &'a Thread> {
        let mut tortoise = thread.tid;
        let mut steps = 0_usize;
        iter::successors(self.parent(thread), |thread| self.parent(thread)).take(ANCESTORS).take_while(
            move |ancestor| {
                // A loop of parents, which damaged input can have: the same id comes again (Brent).
                let again = ancestor.tid == tortoise;
                steps += 1;
                if steps.is_power_of_two() {
                    tortoise = ancestor.tid;
                }
                !again
            },
        )
    }
}

fn measure(call: &Call<'_>, thread: &mut Thread) {
    let number = |name: &str| call.param(name).and_then(|param| param.uint());
    for (at, name) in ["vm_size", "vm_rss", "vm_swap"].into_iter().enumerate() {
        thread.memory[at] = number(name).map_or(thread.memory[at], |value| value as u32);
    }
    for (at, name) in ["pgft_maj", "pgft_min"].into_iter().enumerate() {
        thread.faults[at] = number(name).unwrap_or(thread.faults[at]);
    }
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn size(thread: &Thread) -> usize {
    // Programs are shared; counting them for each thread errs on the safe side. Only what is replaced together with the
    // thread may be counted, or the sum would drift.
    thread.program.size() + thread.cgroups.text.len()
}

/// The value of a variable in an environment.
pub(crate) fn variable<'a>(env: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pieces(env).find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}
