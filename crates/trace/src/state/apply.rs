//! Which event changes what.

use super::{Bounds, Descriptor, Fd, Group, RunningContainer, State, Thread, ThreadSeed, User, container};
use crate::event::{Event, EventCode as E, Param, ParamKind, traits};
use std::mem;
use std::sync::Arc;

/// An event together with the one that told of entering the same call. What leaving does not say is looked up there:
/// older recorders tell some things on entering only.
pub(super) struct Call<'a> {
    pub(super) event: Event<'a>,
    pub(super) entered: Option<Event<'a>>,
}

impl<'a> Call<'a> {
    /// The parameter of this name; not one that was recorded without a value.
    pub(super) fn param(&self, name: &str) -> Option<Param<'a>> {
        let of = |event: &Event<'a>| event.named(name).filter(|param| !param.bytes.is_empty());
        of(&self.event).or_else(|| self.entered.as_ref().and_then(of))
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.param(name)?.int()
    }

    pub(super) fn u32(&self, name: &str) -> Option<u32> {
        self.int(name).map(|value| value as u32)
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a [u8]> {
        self.param(name)?.text()
    }

    /// What the call returned: always its first parameter.
    pub(super) fn result(&self) -> Option<i64> {
        self.event.param(0)?.int()
    }

    pub(super) fn succeeded(&self) -> bool {
        self.result().is_some_and(|result| result >= 0)
    }
}

impl State {
    /// Tells a thread that is there. One that is known already is replaced.
    pub fn add_thread(&mut self, seed: ThreadSeed) {
        let mut thread = Thread::of_seed(seed);
        if let Some(known) = self.threads.get(&thread.tid) {
            thread.files = Arc::clone(&known.files);
            thread.unnoted = known.unnoted;
        }
        self.insert_thread(thread);
    }

    /// Tells a file that a thread has open.
    pub fn add_fd(&mut self, tid: i64, fd: Fd) {
        self.set_fd(tid, fd);
    }

    /// Tells what the descriptors stand for that the next event of a thread names, as whoever recorded it saw it. What
    /// is known of the same file already is kept: who began a connection the kernel does not say.
    pub fn note(&mut self, tid: i64, descriptors: &[Descriptor]) {
        if descriptors.is_empty() {
            return;
        }
        // What the event before closed has to be gone before its number means something else.
        self.finish();
        if tid > 0 && !self.threads.contains_key(&tid) {
            self.counters.unknown_threads += 1;
            self.insert_stranger(tid);
        }
        for Descriptor { number, file } in descriptors {
            let known = self.files(tid).and_then(|files| files.get(number));
            match file {
                Some(file) if known.is_some_and(|known| known.inode.is_some() && known.is_same(file)) => {}
                Some(file) => self.set_fd(tid, file.clone()),
                None if known.is_some() => self.remove_fd(tid, *number),
                None => {}
            }
        }
    }

    /// Takes an event in. Events are to come in their order; [`State::facts`] then answers about this one.
    pub fn apply(&mut self, event: &Event<'_>) {
        self.finish();
        let time = Some(event.time);
        self.now.previous_time = mem::replace(&mut self.now.time, time);
        self.first_time = self.first_time.or(time);
        self.now.fd = None;
        self.now.renamed = false;
        self.now.has_entered = false;
        let Some(info) = event.info() else { return };
        if info.origin == crate::event::Origin::Meta {
            self.apply_meta(event);
            return;
        }
        match self.threads.get_mut(&event.tid) {
            Some(thread) => thread.used = true,
            None if event.tid > 0 && info.category != crate::event::Category::Internal => {
                self.counters.unknown_threads += 1;
                self.insert_stranger(event.tid);
            }
            None => {}
        }
        if event.is_enter() && info.origin == crate::event::Origin::Syscall {
            self.enter(event);
            return;
        }
        self.take_entered(event);
        let entered = mem::take(&mut self.now.entered);
        let call = Call { event: *event, entered: self.now.has_entered.then(|| entered.event(event.tid)) };
        self.now.fd = used_fd(&call);
        self.leave(&call);
        self.now.entered = entered;
    }

    /// Forgets what the event before closed and ended; its facts could still be asked for until now.
    fn finish(&mut self) {
        if let Some((tid, fd)) = self.now.closing.take() {
            self.remove_fd(tid, fd);
        }
        if let Some(tid) = self.now.ending.take() {
            self.remove_thread(tid);
        }
    }

    fn enter(&mut self, event: &Event<'_>) {
        self.now.fd = used_fd(&Call { event: *event, entered: None });
        if let Some(thread) = self.threads.get_mut(&event.tid) {
            thread.has_entered = thread.entered.set(event, &self.calls, self.bounds.file_bytes);
            self.counters.calls_forgotten += u64::from(!thread.has_entered);
        }
        if event.code == E::PROCEXIT_1_E {
            self.exit(event);
        }
    }

    /// Finds what was told on entering the call that is left now.
    fn take_entered(&mut self, event: &Event<'_>) {
        let Some(thread) = self.threads.get_mut(&event.tid) else { return };
        if thread.has_entered && thread.entered.code == event.code.enter().0 {
            // The buffers change places, so that none is allocated for each call.
            mem::swap(&mut thread.entered, &mut self.now.entered);
            self.now.has_entered = true;
        }
        thread.has_entered = false;
    }

    fn apply_meta(&mut self, event: &Event<'_>) {
        let text = |name: &str| event.named(name).and_then(|param| param.text()).unwrap_or_default();
        let int = |name: &str| event.named(name).and_then(|param| param.int()).unwrap_or_default() as u32;
        let container_id = || String::from_utf8_lossy(text("container_id")).into_owned();
        match event.code {
            E::CONTAINER_JSON_E | E::CONTAINER_JSON_2_E => {
                if let Some(container) = container::of_json(text("json")) {
                    self.add_container(container);
                }
            }
            E::CONTAINER_E => {
                let part =
                    |name: &str| Some(String::from_utf8_lossy(text(name)).into_owned()).filter(|s| !s.is_empty());
                if let Some(id) = part("id") {
                    self.add_container(RunningContainer {
                        id,
                        name: part("name"),
                        image: part("image"),
                        ..RunningContainer::default()
                    });
                }
            }
            E::ASYNCEVENT_E if matches!(text("name"), b"container" | b"container_added") => {
                if let Some(container) = event.named("data").and_then(|data| container::of_json(data.text()?)) {
                    self.add_container(container);
                }
            }
            E::USER_ADDED_E => {
                let user = User {
                    uid: int("uid"),
                    gid: int("gid"),
                    name: text("name").to_vec(),
                    home: text("home").to_vec(),
                    shell: text("shell").to_vec(),
                };
                self.add_user(&container_id(), user);
            }
            E::USER_DELETED_E => self.remove_user(&container_id(), int("uid")),
            E::GROUP_ADDED_E => {
                self.add_group(&container_id(), Group { gid: int("gid"), name: text("name").to_vec() });
            }
            E::GROUP_DELETED_E => self.remove_group(&container_id(), int("gid")),
            E::DROP_E => self.counters.drops += 1,
            _ => {}
        }
    }

    fn leave(&mut self, call: &Call<'_>) {
        match call.event.code {
            E::CLONE_11_X
            | E::CLONE_16_X
            | E::CLONE_17_X
            | E::CLONE_20_X
            | E::CLONE3_X
            | E::FORK_X
            | E::FORK_17_X
            | E::FORK_20_X
            | E::VFORK_X
            | E::VFORK_17_X
            | E::VFORK_20_X => self.fork(call),
            E::PROCEXIT_E | E::PROCEXIT_1_E => self.exit(&call.event),
            E::SCHEDSWITCH_6_E => self.switch(call),
            E::BRK_4_X | E::MMAP_X | E::MMAP2_X | E::MUNMAP_X => self.memory(call),
            E::CHDIR_X | E::GETCWD_X => self.chdir(call, call.text("path")),
            E::FCHDIR_X => self.fchdir(call),
            E::SETUID_X | E::SETRESUID_X | E::SETREUID_X => self.set_user(call),
            E::SETGID_X | E::SETRESGID_X | E::SETREGID_X => self.set_group(call),
            E::SETSID_X => self.set_session(call),
            E::SETPGID_X => self.set_process_group(call),
            E::CAPSET_X => self.set_capabilities(call),
            E::PRCTL_X => self.prctl(call),
            code if code.is_exec() => self.exec(call),
            _ => self.leave_files(call),
        }
    }
}

/// The file that an event is about, as far as its parameters say: the first descriptor that was passed. For calls that
/// make one, see [`State::leave_files`].
fn used_fd(call: &Call<'_>) -> Option<i64> {
    if !call.event.info()?.is(traits::USES_FD) {
        return None;
    }
    let first = |event: &Event<'_>, from: usize| {
        let params = event.info()?.params;
        let at = (from..params.len()).find(|at| params[*at].kind == ParamKind::Fd)?;
        // Some descriptors were recorded without their sign.
        event.param(at)?.int().map(|fd| i64::from(fd as i32))
    };
    // The first parameter of leaving is what the call returned.
    let own = first(&call.event, usize::from(!call.event.is_enter()));
    own.or_else(|| first(call.entered.as_ref()?, 0))
}

impl State {
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The thread of an event.
    pub(super) fn thread_of(&mut self, event: &Event<'_>) -> Option<&mut Thread> {
        self.threads.get_mut(&event.tid)
    }

    /// Notes that answers about a thread have changed.
    pub(super) fn changed(&mut self, tid: i64) {
        self.generation += 1;
        self.lineage += 1;
        let generation = self.generation;
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.version = generation;
        }
    }
}
