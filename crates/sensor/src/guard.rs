//! Programs and opens that are held until somebody has decided: fanotify(7) with permission events.
//!
//! Whatever is held keeps a process of this machine waiting, so nothing may take long: one thread takes events, answers at
//! once what this very process does (which would otherwise wait for itself), and lets through what was not decided in
//! time; another one decides. When the descriptor is closed, however this process ends, the kernel lets everything through.
//! Only while this process is stopped (`SIGSTOP`, a debugger) does everything wait that it watches.

use crate::sys;
use hashbrown::{HashMap, HashSet};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::time::Timespec;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long something is held at most.
const MOST: Duration = Duration::from_secs(2);
/// How often it is looked whether something is held too long.
const LOOK: Duration = Duration::from_millis(200);
/// How much may wait for a decision.
const WAITING: usize = 1024;

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Programs that are begun.
    Programs,
    /// Opens of files that are watched one by one.
    Opens,
}

/// Something that is held until it is decided.
#[derive(Debug)]
pub struct Attempt {
    /// The process, or with [`Held::Opens`] the thread.
    pub pid: u32,
    /// The file, as its mount namespace calls it.
    pub path: Vec<u8>,
    /// What it is called that does so.
    pub process: String,
    /// Its cgroups, as `/proc/PID/cgroup` has them.
    pub cgroups: String,
    /// Whether the file is opened to be changed: always where the kernel does not tell how it is opened.
    pub writes: bool,
    /// The mount that the file was found in, as `/proc/PID/mountinfo` numbers it.
    mount: Option<u64>,
}

/// Whether a program came with the image of its container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromImage {
    /// It did.
    Yes,
    /// It came later, or from elsewhere.
    No,
    /// Its file system does not tell.
    Unknown,
}

/// What was let through that should have been decided.
#[derive(Debug, Default)]
struct Undecided {
    late: AtomicU64,
}

type Pending = Arc<Mutex<HashMap<u64, (OwnedFd, Instant)>>>;

/// Holds things until they are decided. Dropping it lets everything through.
pub struct Guard {
    group: Arc<OwnedFd>,
    held: Held,
    stop: Arc<AtomicBool>,
    undecided: Arc<Undecided>,
    threads: Vec<JoinHandle<()>>,
}

/// What the deciding thread gets.
struct Question {
    number: u64,
    fd: i32,
    pid: u32,
}

impl Guard {
    /// Begins to hold things, and asks `decide` of each whether it may go on. With [`Held::Programs`] those of all file
    /// systems there are, and of those that are mounted later; what cannot be watched is told.
    pub fn start(held: Held, decide: impl FnMut(&Attempt) -> bool + Send + 'static) -> io::Result<(Self, Vec<String>)> {
        let group = Arc::new(sys::fanotify_deciding(held == Held::Opens)?);
        let stop = Arc::new(AtomicBool::new(false));
        let undecided = Arc::new(Undecided::default());
        let pending = Pending::default();
        let (to, questions) = sync_channel(WAITING);
        let mut marks = Marks { group: Arc::clone(&group), seen: HashSet::new() };
        let decider = {
            let (group, pending) = (Arc::clone(&group), Arc::clone(&pending));
            let marks = Marks { group: Arc::clone(&group), seen: HashSet::new() };
            thread::Builder::new()
                .name("decide".to_owned())
                .spawn(move || answer_all(held, &group, &pending, &questions, marks, decide))?
        };
        let mut reader = Reader {
            group: Arc::clone(&group),
            held,
            pending,
            to,
            number: 0,
            undecided: Arc::clone(&undecided),
            own: std::process::id(),
        };
        let mounts = (held == Held::Programs).then(|| File::open("/proc/self/mountinfo")).transpose()?;
        let stopped = Arc::clone(&stop);
        // Whatever is held from the first mark on is taken by this thread.
        let (ready, is_ready) = sync_channel(1);
        let taker = thread::Builder::new().name("held".to_owned()).spawn(move || {
            let mut missing = Vec::new();
            if mounts.is_some() {
                marks.all(Path::new("/proc/self"), &mut missing);
            }
            let _ = ready.send(missing);
            while !stopped.load(Ordering::Relaxed) {
                let mut fds = vec![PollFd::from_borrowed_fd(reader.group.as_fd(), PollFlags::IN)];
                fds.extend(mounts.as_ref().map(|mounts| PollFd::new(mounts, PollFlags::PRI)));
                let _ = rustix::event::poll(&mut fds, Timespec::try_from(LOOK).ok().as_ref());
                let mounted = fds.get(1).is_some_and(|fd| fd.revents().intersects(PollFlags::PRI | PollFlags::ERR));
                reader.take();
                if mounted {
                    // Engines mount what a container is made of where everyone sees it, before they begin it.
                    marks.all(Path::new("/proc/self"), &mut Vec::new());
                }
                reader.let_late_through();
            }
        })?;
        let missing = is_ready.recv().unwrap_or_default();
        Ok((Self { group, held, stop, undecided, threads: vec![taker, decider] }, missing))
    }

    /// Holds opens of a file, and of all files in it if it is a directory, that `root` leads to as a process would whose
    /// root that is. The path of the file.
    pub fn watch(&self, root: &Path, path: &Path) -> io::Result<Vec<u8>> {
        let root = File::open(root)?;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let relative = path.strip_prefix("/").unwrap_or(path);
        let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        let found = rustix::fs::openat2(&root, relative, flags, Mode::empty(), resolve)?;
        let place = PathBuf::from(format!("/proc/self/fd/{}", found.as_raw_fd()));
        let is_directory = fs::metadata(&place)?.is_dir();
        let mask = if is_directory { libc::FAN_EVENT_ON_CHILD | libc::FAN_ONDIR } else { 0 };
        sys::fanotify_mark(&self.group, libc::FAN_MARK_ADD, libc::FAN_OPEN_PERM | mask, &place)?;
        Ok(fs::read_link(place)?.into_os_string().into_vec())
    }

    /// How much was let through since it was not decided in time.
    pub fn undecided(&self) -> u64 {
        self.undecided.late.load(Ordering::Relaxed)
    }

    /// What it holds.
    pub fn held(&self) -> Held {
        self.held
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Takes what is held.
struct Reader {
    group: Arc<OwnedFd>,
    held: Held,
    pending: Pending,
    to: SyncSender<Question>,
    number: u64,
    undecided: Arc<Undecided>,
    own: u32,
}

impl Reader {
    fn take(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(len) = rustix::io::read(self.group.as_fd(), &mut buffer) {
            let mut rest = buffer.get(..len).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            while let Some(event) = sys::FanotifyEvent::parse(rest) {
                rest = rest.get(event.len..).unwrap_or_default();
                let Some(fd) = sys::received(event.fd) else { continue };
                // What this process does is not asked about: whoever decides would wait for itself.
                if self.is_own(event.pid) {
                    sys::fanotify_answer(&self.group, &fd, true);
                    continue;
                }
                self.number += 1;
                let question = Question { number: self.number, fd: fd.as_raw_fd(), pid: event.pid };
                let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
                pending.insert(self.number, (fd, Instant::now()));
                drop(pending);
                if let Err(TrySendError::Full(question) | TrySendError::Disconnected(question)) =
                    self.to.try_send(question)
                {
                    self.let_through(question.number);
                }
            }
        }
    }

    fn is_own(&self, pid: u32) -> bool {
        pid == self.own || self.held == Held::Opens && Path::new(&format!("/proc/self/task/{pid}")).exists()
    }

    fn let_through(&self, number: u64) {
        let held = self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Some((fd, _)) = held {
            sys::fanotify_answer(&self.group, &fd, true);
            self.undecided.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn let_late_through(&self) {
        let late: Vec<u64> = {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.iter().filter(|(_, (_, since))| since.elapsed() > MOST).map(|(number, _)| *number).collect()
        };
        for number in late {
            self.let_through(number);
        }
    }
}

/// Decides one after the other.
fn answer_all(
    held: Held,
    group: &OwnedFd,
    pending: &Pending,
    questions: &Receiver<Question>,
    mut marks: Marks,
    mut decide: impl FnMut(&Attempt) -> bool,
) {
    while let Ok(question) = questions.recv() {
        // What was mounted in a namespace of its own is seen once something runs there.
        if held == Held::Programs {
            marks.of_process(question.pid);
        }
        let allowed = attempt(held, &question).is_none_or(|attempt| decide(&attempt));
        let held = pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&question.number);
        // What was let through meanwhile is gone, and its descriptor may be another's.
        if let Some((fd, _)) = held {
            sys::fanotify_answer(group, &fd, allowed);
        }
    }
}

/// What is held, as far as it can be told: the process waits, so that what `/proc` says of it holds.
fn attempt(held: Held, question: &Question) -> Option<Attempt> {
    let Question { fd, pid, .. } = *question;
    let path = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?.into_os_string().into_vec();
    let path = path.strip_suffix(b" (deleted)").map_or(path.clone(), <[u8]>::to_vec);
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let mount = info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    let comm = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let call = (held == Held::Opens).then(|| fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default());
    Some(Attempt {
        pid,
        path,
        process: String::from_utf8_lossy(comm.strip_suffix(b"\n").unwrap_or(&comm)).into_owned(),
        cgroups: fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default(),
        writes: call.is_some_and(|call| writes(&call)),
        mount,
    })
}

/// Whether the call in `/proc/PID/syscall` opens a file to change it. Registers are as they were when it was made; what is in
/// memory another thread may have changed since, so that calls that take their flags from there count as such.
fn writes(call: &str) -> bool {
    const X32: u64 = 0x4000_0000;
    let mut words = call.split_ascii_whitespace();
    let number = words.next().and_then(|number| number.parse::<u64>().ok());
    let mut argument = |at: usize| u64::from_str_radix(words.nth(at)?.strip_prefix("0x")?, 16).ok();
    // Of x86_64 and of i386: a number of one that opens files is none of the other that does.
    let flags = match number.map(|number| number & !X32) {
        // open
        Some(2 | 5) => argument(1),
        // openat, open_by_handle_at
        Some(257 | 295 | 304 | 342) => argument(2),
        // execve, execveat, uselib: what they open they run.
        Some(59 | 322 | 11 | 358 | 134 | 86) => return false,
        // creat, openat2, io_uring and whatever else.
        _ => None,
    };
    let changing = (libc::O_WRONLY | libc::O_RDWR | libc::O_TRUNC) as u64;
    flags.is_none_or(|flags| flags & changing != 0)
}

impl Attempt {
    /// Whether the program came with the image of the container that it is begun in: it did if it is in a lower layer of an
    /// overlay.
    pub fn from_image(&self) -> FromImage {
        let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", self.pid)).unwrap_or_default();
        let Some(mount) =
            self.mount.and_then(|id| mounts.lines().filter_map(Mount::parse).find(|mount| mount.id == id))
        else {
            return FromImage::Unknown;
        };
        mount.has_from_image(&self.path)
    }
}

/// A line of `/proc/PID/mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    id: u64,
    device: String,
    place: PathBuf,
    kind: String,
    /// Of an overlay: where what is written goes.
    upper: Option<PathBuf>,
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (before, behind) = line.split_once(" - ")?;
        let mut before = before.split(' ');
        let (id, device, place) = (before.next()?.parse().ok()?, before.nth(1)?.to_owned(), before.nth(1)?);
        let mut behind = behind.split(' ');
        let (kind, options) = (behind.next()?.to_owned(), behind.nth(1)?);
        let upper = options.split(',').find_map(|option| option.strip_prefix("upperdir=")).map(crate::cgroup::unescape);
        Some(Self { id, device, place: crate::cgroup::unescape(place), kind, upper })
    }

    fn has_from_image(&self, path: &[u8]) -> FromImage {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        match (&*self.kind, &self.upper, path.strip_prefix(&self.place)) {
            ("overlay", Some(upper), Ok(inner)) if upper.is_absolute() => {
                match fs::symlink_metadata(upper.join(inner)) {
                    Ok(_) => FromImage::No,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => FromImage::Yes,
                    Err(_) => FromImage::Unknown,
                }
            }
            // Nothing is written where there is no upper directory.
            ("overlay", None, Ok(_)) => FromImage::Yes,
            ("overlay", ..) => FromImage::Unknown,
            // The image may be unpacked there, for all that is known.
            _ if self.place == Path::new("/") => FromImage::Unknown,
            _ => FromImage::No,
        }
    }
}

/// File systems whose programs are held.
struct Marks {
    group: Arc<OwnedFd>,
    /// By device, and namespaces that were looked at.
    seen: HashSet<String>,
}

impl Marks {
    /// Those of a process that were not seen yet.
    fn all(&mut self, process: &Path, missing: &mut Vec<String>) {
        let mounts = fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
        for mount in mounts.lines().filter_map(Mount::parse) {
            if self.seen.contains(&mount.device) {
                continue;
            }
            let place = process.join("root").join(mount.place.strip_prefix("/").unwrap_or(&mount.place));
            let marked = sys::fanotify_mark(
                &self.group,
                libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM,
                libc::FAN_OPEN_EXEC_PERM,
                &place,
            );
            match marked {
                Ok(()) => {}
                // No program can be on it.
                Err(_) if matches!(&*mount.kind, "proc" | "sysfs" | "cgroup" | "cgroup2" | "devpts" | "mqueue") => {}
                Err(error) => missing.push(format!("programs on {}: {error}", mount.place.display())),
            }
            self.seen.insert(mount.device);
        }
    }

    fn of_process(&mut self, pid: u32) {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let Ok(namespace) = fs::read_link(process.join("ns/mnt")) else { return };
        if self.seen.insert(namespace.display().to_string()) {
            self.all(&process, &mut Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_open_to_change() {
        for (call, expect) in [
            // open(name, O_RDONLY), openat(…, O_RDONLY | O_CLOEXEC)
            ("2 0x7ffe 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f", false),
            ("257 0xffffff9c 0x7ffe 0x80000 0x0 0x0 0x0 0x7ffe 0x7f", false),
            ("257 0xffffff9c 0x7ffe 0x441 0x1b6 0x0 0x0 0x7ffe 0x7f", true),
            ("257 0xffffff9c 0x7ffe 0x200 0x1b6 0x0 0x0 0x7ffe 0x7f", true),
            ("1073742081 0xffffff9c 0x7ffe 0x2 0x0 0x0 0x0 0x7ffe 0x7f", true),
            ("5 0x7ffe 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f", false),
            ("295 0xffffff9c 0x7ffe 0x1 0x0 0x0 0x0 0x7ffe 0x7f", true),
            ("59 0x7ffe 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f", false),
            // creat, openat2, io_uring_enter, and what nobody can tell
            ("85 0x7ffe 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f", true),
            ("437 0xffffff9c 0x7ffe 0x7ffe 0x18 0x0 0x0 0x7ffe 0x7f", true),
            ("426 0x3 0x1 0x0 0x0 0x0 0x0 0x7ffe 0x7f", true),
            ("running", true),
            ("", true),
            ("257 0xffffff9c", true),
        ] {
            assert_eq!(writes(call), expect, "{call}");
        }
    }

    #[test]
    fn what_came_with_an_image() {
        let directory = tempfile::tempdir().unwrap();
        let upper = directory.path().join("up per");
        fs::create_dir_all(upper.join("usr/bin")).unwrap();
        fs::write(upper.join("usr/bin/new"), "").unwrap();
        let options =
            format!("rw,lowerdir=/l1:/l2,upperdir={},workdir=/w", upper.display().to_string().replace(' ', "\\040"));
        let line = format!("622 551 0:61 / / rw,relatime - overlay overlay {options}");
        let overlay = Mount::parse(&line).unwrap();
        assert_eq!((overlay.id, &*overlay.device, &*overlay.kind), (622, "0:61", "overlay"));
        assert_eq!(overlay.has_from_image(b"/usr/bin/new"), FromImage::No);
        assert_eq!(overlay.has_from_image(b"/usr/bin/old"), FromImage::Yes);
        let kept = Mount::parse("623 622 8:1 /volumes/a /data rw - ext4 /dev/sda1 rw").unwrap();
        assert_eq!(kept.has_from_image(b"/data/x"), FromImage::No);
        let plain = Mount::parse("622 551 8:1 /snapshot / rw - ext4 /dev/sda1 rw").unwrap();
        assert_eq!(plain.has_from_image(b"/bin/sh"), FromImage::Unknown);
        assert_eq!(Mount::parse("622 551"), None);
    }
}
