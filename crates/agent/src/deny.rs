//! What a plan does not allow, kept from happening: programs, writes and connections.

use crate::host::is_whole;
use hashbrown::{HashMap, HashSet};
use sekisho_base::Limits;
use sekisho_detect::response::{Denial, Outcome, Place, Plan, Record, Withheld};
use sekisho_model::{Engine, RunningContainer};
use sekisho_oci::container::Engines;
use sekisho_sensor::{Attempt, Connections, ContainerGroup, FromImage, Guard, Held, Target, now, of_since_boot};
use sekisho_trace::state::of_path;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// How many records may wait to be told; more are counted.
const WAITING: usize = 4096;
/// How many containers are remembered.
const CONTAINERS: usize = 16_384;
/// How often an engine is asked for what it had not written yet.
const LOOKS: u8 = 8;

/// Actions, as records call them.
const PROGRAM: &str = "deny-program";
const WRITE: &str = "deny-write";
const CONNECTION: &str = "deny-connection";

/// Keeps things from happening.
pub(crate) struct Denier {
    entering: Arc<Entering>,
    programs: Option<Guard>,
    told: Receiver<Record>,
    missing: Vec<String>,
}

/// What everybody who decides knows.
struct Shared {
    plan: Arc<Plan>,
    /// What protected paths lead to, by that.
    aliases: Mutex<HashMap<Vec<u8>, String>>,
    tell: SyncSender<Record>,
    untold: AtomicU64,
}

impl Shared {
    fn tell(&self, record: Record) {
        // Whoever is told may be slower than what is denied.
        if self.tell.try_send(record).is_err() {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is to be done when a container begins.
struct Entering {
    shared: Arc<Shared>,
    opens: Option<Guard>,
    connections: Mutex<Option<Connections>>,
}

impl Denier {
    /// Begins to deny what a plan denies; `None` where that is nothing.
    pub(crate) fn start(plan: &Arc<Plan>, limits: &Limits) -> Option<Self> {
        let denials = &plan.denials;
        if denials.is_empty() {
            return None;
        }
        let (tell, told) = sync_channel(WAITING);
        let shared =
            Arc::new(Shared { plan: Arc::clone(plan), aliases: Mutex::default(), tell, untold: AtomicU64::new(0) });
        let mut missing = Vec::new();
        let refused = |what: &str, error: &io::Error| {
            format!("{what}: {error} (errno {})", error.raw_os_error().unwrap_or_default())
        };
        let mut opens = None;
        if denials.iter().any(|denial| !denial.writes.is_empty()) {
            let mut judge = Judge::new(&shared, limits, None);
            match Guard::start(Held::Opens, move |attempt| judge.open(attempt)) {
                Ok((guard, _)) => opens = Some(guard),
                Err(error) => missing.push(refused("denying writes", &error)),
            }
        }
        let (targets, host) = targets(denials);
        let mut connections = None;
        if !targets.is_empty() {
            match Connections::start(&targets, host, plan.enforce) {
                Ok(started) => connections = Some(started),
                Err(error) => missing.push(format!("denying connections: {error}")),
            }
        }
        let entering = Arc::new(Entering { shared: Arc::clone(&shared), opens, connections: Mutex::new(connections) });
        for denial in denials.iter().filter(|denial| denial.scope.host) {
            for path in &denial.writes {
                if let Err(error) = entering.protect(Path::new("/"), path) {
                    missing.push(refused(&format!("{:?}: protecting {path} of the host", denial.name), &error));
                }
            }
        }
        // A container's first program is held also where no program is denied: until the rest is.
        let mut judge = Judge::new(&shared, limits, Some(Arc::clone(&entering)));
        let programs = match Guard::start(Held::Programs, move |attempt| judge.program(attempt)) {
            Ok((guard, not_seen)) => {
                missing.extend(not_seen);
                Some(guard)
            }
            Err(error) => {
                missing
                    .push(refused("denying programs, and anything to a container from its first program on", &error));
                None
            }
        };
        Some(Self { entering, programs, told, missing })
    }

    /// What cannot be denied here, and why, each in words.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.missing.clone()
    }

    /// Denies what is not allowed in a container of which `path` is a cgroup and, if one is known, `pid` a process.
    pub(crate) fn container(&self, container: &RunningContainer, path: &str, pid: Option<u32>) {
        self.entering.container(container, path, pid);
    }

    /// What was denied since.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut told: Vec<Record> = self.told.try_iter().collect();
        let mut connections = self.entering.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(connections) = connections.as_mut() else { return told };
        let denials = &self.entering.shared.plan.denials;
        let (denied, untold) = connections.denied();
        self.entering.shared.untold.fetch_add(untold, Ordering::Relaxed);
        for one in denied {
            let denials = connecting(denials).filter(|(_, bit)| one.denials & bit != 0);
            told.extend(denials.map(|(denial, _)| Record {
                time: of_since_boot(one.at),
                pid: one.pid,
                process: one.process.clone(),
                container: container_of(one.pid).map(|(id, _)| RunningContainer::short_id(&id).to_owned()),
                target: Some(SocketAddr::from(one.to).to_string()),
                ..record(denial, CONNECTION, None, done(one.denied))
            }));
        }
        told
    }

    /// Of how much that was denied, or would have been, nothing could be told.
    pub(crate) fn untold(&self) -> u64 {
        self.entering.shared.untold.load(Ordering::Relaxed)
    }

    /// How much was let through that should have been decided.
    pub(crate) fn undecided(&self) -> u64 {
        self.programs.iter().chain(&self.entering.opens).map(Guard::undecided).sum()
    }
}

impl Entering {
    fn protect(&self, root: &Path, path: &str) -> io::Result<()> {
        let Some(opens) = &self.opens else { return Ok(()) };
        let found = opens.watch(root, Path::new(path))?;
        self.shared.aliases.lock().unwrap_or_else(PoisonError::into_inner).insert(found, path.to_owned());
        Ok(())
    }

    fn container(&self, container: &RunningContainer, path: &str, pid: Option<u32>) {
        let Some(id) = container.full_id.as_deref() else { return };
        if ContainerGroup::find(path, id).is_err() {
            return;
        }
        self.connect(container, ContainerGroup::path(path, id).unwrap_or(path));
        let denials = &self.shared.plan.denials;
        let protecting = denials.iter().filter(|denial| !denial.writes.is_empty());
        let mut protecting =
            protecting.filter(|denial| denial.scope.has(Place::Container(container)) != Ok(false)).peekable();
        if protecting.peek().is_none() {
            return;
        }
        let process = || ContainerGroup::find(path, id).ok()?.any_process();
        let Some(root) = pid.or_else(process).map(|pid| PathBuf::from(format!("/proc/{pid}/root"))) else { return };
        // What makes containers is in their cgroup before it is in their files.
        if same_file(&root, Path::new("/")) {
            return;
        }
        for denial in protecting {
            for path in &denial.writes {
                match self.protect(&root, path) {
                    Ok(()) => {}
                    // What is not there cannot be written to; what is made there later is not protected.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        let errno = error.raw_os_error().unwrap_or_default();
                        let outcome = Outcome::Failed(format!("cannot protect it: {error}"), errno);
                        let target = Some(path.clone());
                        self.shared.tell(Record { target, ..record(denial, WRITE, Some(container), outcome) });
                    }
                }
            }
        }
    }

    /// Says which denials are about the connections of a container.
    fn connect(&self, container: &RunningContainer, cgroup: &str) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(connections) = connections.as_mut() else { return };
        let denials = connecting(&self.shared.plan.denials);
        let about: Vec<_> =
            denials.filter(|(denial, _)| denial.scope.has(Place::Container(container)) == Ok(true)).collect();
        let mask = about.iter().fold(0, |mask, (_, bit)| mask | bit);
        let failed = match connections.set(cgroup, mask) {
            Ok(true) => return,
            Ok(false) => "it has no cgroup of version 2".to_owned(),
            Err(error) => error.to_string(),
        };
        for (denial, _) in about {
            self.shared.tell(record(denial, CONNECTION, Some(container), Outcome::Failed(failed.clone(), 0)));
        }
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some_and(|one| id(other) == Some(one))
}

/// Denials that are about connections, each with its bit.
fn connecting(denials: &[Denial]) -> impl Iterator<Item = (&Denial, u64)> {
    let bits = (0..64).map(|at| 1 << at);
    denials.iter().filter(|denial| !denial.connections.is_empty()).zip(bits)
}

/// Where connections may not go, and the denials that are about the host.
fn targets(denials: &[Denial]) -> (Vec<Target>, u64) {
    let mut host = 0;
    let mut targets = Vec::new();
    for (denial, bit) in connecting(denials) {
        host |= if denial.scope.host { bit } else { 0 };
        targets.extend(denial.connections.iter().map(|to| (to.address, to.bits, to.port, bit)));
    }
    (targets, host)
}

fn record(denial: &Denial, action: &'static str, container: Option<&RunningContainer>, outcome: Outcome) -> Record {
    Record {
        response: Arc::clone(&denial.name),
        action,
        time: now(),
        pid: 0,
        process: String::new(),
        container: container.map(|container| container.id.clone()),
        target: None,
        outcome,
    }
}

fn done(enforced: bool) -> Outcome {
    if enforced { Outcome::Done(String::new()) } else { Outcome::Withheld(Withheld::DryRun) }
}

fn container_of(pid: u32) -> Option<(String, Engine)> {
    of_text(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
}

/// The container in `/proc/PID/cgroup`.
fn of_text(cgroups: &str) -> Option<(String, Engine)> {
    cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(of_path)
}

/// Decides about what is held.
struct Judge {
    shared: Arc<Shared>,
    engines: Option<Engines>,
    /// By whole id; with how often it was looked for.
    known: HashMap<String, (RunningContainer, u8)>,
    /// What is told of containers that begin, if anything is to be.
    entering: Option<Arc<Entering>>,
    /// Containers that this was done for, each with the mount namespace it was in.
    entered: HashSet<(String, PathBuf)>,
}

impl Judge {
    fn new(shared: &Arc<Shared>, limits: &Limits, entering: Option<Arc<Entering>>) -> Self {
        let engines = Engines::of_host(Path::new("/"), limits).ok().map(|(engines, _)| engines);
        let (known, entered) = (HashMap::new(), HashSet::new());
        Self { shared: Arc::clone(shared), engines, known, entering, entered }
    }

    /// A container has begun, or somebody entered it: what is denied there is denied before the program goes on.
    fn enter(&mut self, attempt: &Attempt) {
        let Some(entering) = self.entering.as_ref().map(Arc::clone) else { return };
        let Some((id, path)) = attempt.cgroups.lines().find_map(|line| {
            let path = line.splitn(3, ':').nth(2)?;
            Some((of_path(path)?.0, path.to_owned()))
        }) else {
            return;
        };
        let namespace = fs::read_link(format!("/proc/{}/ns/mnt", attempt.pid)).unwrap_or_default();
        if self.entered.len() >= CONTAINERS {
            self.entered.clear();
        }
        let whole = self.known.get(&id).is_some_and(|(known, looks)| is_whole(known) || *looks >= LOOKS);
        let seen = (id, namespace);
        if self.entered.contains(&seen) {
            return;
        }
        if let Some(container) = self.container(&attempt.cgroups) {
            entering.container(&container, &path, Some(attempt.pid));
        }
        // As long as its engine has not written all of it, the next program may tell more.
        if whole {
            self.entered.insert(seen);
        }
    }

    /// The container that something is in, as far as it is known.
    fn container(&mut self, cgroups: &str) -> Option<RunningContainer> {
        let (id, engine) = of_text(cgroups)?;
        if self.known.len() >= CONTAINERS {
            self.known.clear();
        }
        let (known, looks) = self.known.entry(id.clone()).or_insert_with(|| (RunningContainer::of_id(&id), 0));
        if *looks < LOOKS && !is_whole(known) {
            *looks += 1;
            if let Some(engines) = &self.engines {
                *known = engines.find(&id, engine).0;
            }
        }
        Some(known.clone())
    }

    /// Whether a program may be begun.
    fn program(&mut self, attempt: &Attempt) -> bool {
        self.enter(attempt);
        let plan = Arc::clone(&self.shared.plan);
        let mut from_image = None;
        let about = |denial: &&Denial| {
            denial.programs_have(&attempt.path)
                || denial.foreign && of_text(&attempt.cgroups).is_some() && {
                    *from_image.get_or_insert_with(|| attempt.from_image()) == FromImage::No
                }
        };
        let denials: Vec<&Denial> = plan.denials.iter().filter(about).collect();
        self.judge(&denials, PROGRAM, attempt)
    }

    /// Whether a file may be opened.
    fn open(&mut self, attempt: &Attempt) -> bool {
        if !attempt.writes {
            return true;
        }
        let parent = attempt.path.iter().rposition(|byte| *byte == b'/').map(|at| &attempt.path[..at.max(1)]);
        let names: Vec<String> = {
            let aliases = self.shared.aliases.lock().unwrap_or_else(PoisonError::into_inner);
            [Some(&attempt.path[..]), parent]
                .into_iter()
                .flatten()
                .filter_map(|path| aliases.get(path).cloned())
                .collect()
        };
        let plan = Arc::clone(&self.shared.plan);
        let about = |denial: &&Denial| denial.writes.iter().any(|path| names.contains(path));
        let denials: Vec<&Denial> = plan.denials.iter().filter(about).collect();
        self.judge(&denials, WRITE, attempt)
    }

    /// Whether something may go on that these denials are about wherever they apply.
    fn judge(&mut self, denials: &[&Denial], action: &'static str, attempt: &Attempt) -> bool {
        if denials.is_empty() {
            return true;
        }
        let container = self.container(&attempt.cgroups);
        let place = match &container {
            Some(container) => Place::Container(container),
            None if attempt.cgroups.is_empty() => Place::Unknown,
            None => Place::Host,
        };
        let mut allowed = true;
        for denial in denials {
            let outcome = match denial.scope.has(place) {
                Ok(false) => continue,
                Ok(true) => {
                    allowed &= !self.shared.plan.enforce;
                    done(self.shared.plan.enforce)
                }
                Err(why) => Outcome::Withheld(Withheld::Unknown(why)),
            };
            self.shared.tell(Record {
                pid: attempt.pid,
                process: attempt.process.clone(),
                target: Some(String::from_utf8_lossy(&attempt.path).into_owned()),
                ..record(denial, action, container.as_ref(), outcome)
            });
        }
        allowed
    }
}
