//! Cgroups: which container a process is in, by the number that the kernel gives its cgroup.
//!
//! Where controllers of version 1 are mounted, every runtime puts containers into these, so the hierarchy of one of them
//! is looked at; otherwise the only one of version 2. Which container a path is of is `sekisho_trace`'s.

use crate::layout::hierarchy;
use crate::sys;
use hashbrown::{HashMap, HashSet};
use sekisho_model::Engine;
use sekisho_trace::state::of_path;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many cgroups are remembered.
const MOST: usize = 16_384;
/// How deep the tree is followed.
const DEEPEST: usize = 32;

/// A cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    /// Its path in its hierarchy.
    pub path: Box<str>,
    /// What a thread in it has as `cgroups`: `controller=path`, ended by a zero byte.
    pub text: Box<[u8]>,
    /// The container that it is of, and what runs that.
    pub container: Option<(String, Engine)>,
}

/// All cgroups that were seen, by their ids.
#[derive(Debug)]
pub struct Cgroups {
    hierarchy: Hierarchy,
    known: HashMap<u64, Arc<Cgroup>>,
    order: VecDeque<u64>,
    /// Ids that were looked up in vain.
    gone: HashSet<u64>,
    unknown: u64,
}

/// The hierarchy that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    mount: PathBuf,
    /// The controller, empty for version 2.
    controller: &'static str,
    /// As programs know it.
    kind: u32,
    /// As the kernel numbers it.
    number: u32,
}

/// Controllers of version 1 that are looked at, the best first: those that nearly every kernel has.
const CONTROLLERS: [(&str, u32); 3] =
    [("pids", hierarchy::PIDS), ("memory", hierarchy::MEMORY), ("cpuset", hierarchy::CPUSET)];

impl Cgroups {
    /// The cgroups there are now.
    pub fn read() -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let numbers = fs::read_to_string("/proc/cgroups").unwrap_or_default();
        let hierarchy = hierarchy_of(&mounts, &numbers)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no cgroup file system is mounted"))?;
        let mut this = Self::empty(hierarchy);
        let mount = this.hierarchy.mount.clone();
        this.walk(&mount, "/", 0);
        Ok(this)
    }

    fn empty(hierarchy: Hierarchy) -> Self {
        Self { hierarchy, known: HashMap::new(), order: VecDeque::new(), gone: HashSet::new(), unknown: 0 }
    }

    fn walk(&mut self, directory: &Path, path: &str, depth: usize) {
        if let Ok(metadata) = fs::metadata(directory) {
            self.add(metadata.ino(), path);
        }
        let Ok(entries) = fs::read_dir(directory) else { return };
        for entry in entries.flatten() {
            if depth < DEEPEST
                && self.known.len() < MOST
                && entry.file_type().is_ok_and(|kind| kind.is_dir())
                && let Some(name) = entry.file_name().to_str()
            {
                self.walk(&entry.path(), &format!("{}/{name}", path.trim_end_matches('/')), depth + 1);
            }
        }
    }

    /// Those of containers that are known.
    pub fn of_containers(&self) -> impl Iterator<Item = &Arc<Cgroup>> {
        self.known.values().filter(|cgroup| cgroup.container.is_some())
    }

    /// As programs know the hierarchy.
    pub(crate) fn kind(&self) -> u32 {
        self.hierarchy.kind
    }

    /// Takes note of a cgroup that was made in some hierarchy.
    pub(crate) fn made(&mut self, number: u32, id: u64, path: &str) {
        if number == self.hierarchy.number {
            self.known.remove(&id);
            self.gone.remove(&id);
            self.add(id, path);
        }
    }

    fn add(&mut self, id: u64, path: &str) {
        let text = match self.hierarchy.controller {
            "" => format!("={path}\0"),
            controller => format!("{controller}={path}\0"),
        };
        let cgroup = Cgroup { path: path.into(), text: text.into_bytes().into(), container: of_path(path) };
        if self.known.insert(id, Arc::new(cgroup)).is_none() {
            self.order.push_back(id);
        }
        while self.known.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        if self.order.len() > 2 * MOST {
            let known = &self.known;
            self.order.retain(|id| known.contains_key(id));
        }
    }

    /// The cgroup with this id, in which the process was. One that was not seen being made is looked up by its id; if it
    /// is gone already, by what the process says of itself.
    pub fn of(&mut self, id: u64, pid: u32) -> Option<Arc<Cgroup>> {
        if let Some(known) = self.known.get(&id) {
            return Some(Arc::clone(known));
        }
        if self.gone.contains(&id) {
            self.unknown += 1;
            return None;
        }
        let mount = &self.hierarchy.mount;
        let path = sys::path_of_handle(mount, id)
            .ok()
            .and_then(|path| path.strip_prefix(mount).ok().map(|path| format!("/{}", path.display())))
            .or_else(|| self.of_process(pid));
        if let Some(path) = path {
            self.add(id, &path);
        } else {
            if self.gone.len() >= MOST {
                self.gone.clear();
            }
            self.gone.insert(id);
            self.unknown += 1;
        }
        self.known.get(&id).map(Arc::clone)
    }

    fn of_process(&self, pid: u32) -> Option<String> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let (path, _) = path_in(&text, self.hierarchy.controller)?;
        Some(path.to_owned())
    }

    /// What a process says of its cgroup, as `cgroups` of threads is written; empty if it is gone.
    pub(crate) fn text_of_process(&self, pid: u32) -> Vec<u8> {
        match self.of_process(pid) {
            Some(path) if self.hierarchy.controller.is_empty() => format!("={path}\0").into_bytes(),
            Some(path) => format!("{}={path}\0", self.hierarchy.controller).into_bytes(),
            None => Vec::new(),
        }
    }

    /// Of how many records the cgroup could not be told.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }
}

/// The path in `/proc/PID/cgroup` of a controller, or of version 2 if that is empty; and the hierarchy's number.
fn path_in<'a>(text: &'a str, controller: &str) -> Option<(&'a str, u32)> {
    text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        controllers.split(',').any(|one| one == controller).then_some((path, number))
    })
}

/// Finds the hierarchy in `/proc/self/mountinfo` and `/proc/cgroups` (cgroups(7), proc(5)).
fn hierarchy_of(mounts: &str, numbers: &str) -> Option<Hierarchy> {
    let number_of = |controller: &str| {
        let mut fields = numbers
            .lines()
            .map(str::split_ascii_whitespace)
            .find_map(|mut fields| (fields.next() == Some(controller)).then_some(fields))?;
        fields.next()?.parse().ok()
    };
    // "36 31 0:30 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids"
    let mounted: Vec<(&str, &str, &str)> = mounts
        .lines()
        .filter_map(|line| {
            let (before, behind) = line.split_once(" - ")?;
            let mut behind = behind.split_ascii_whitespace();
            let (kind, options) = (behind.next()?, behind.nth(1)?);
            let mut before = before.split_ascii_whitespace();
            // A mount of a part of the tree has paths that begin elsewhere.
            let (root, place) = (before.nth(3)?, before.next()?);
            (root == "/").then_some((kind, place, options))
        })
        .collect();
    let first = CONTROLLERS.iter().find_map(|(controller, kind)| {
        let of = |(fs, _, options): &&(&str, &str, &str)| {
            *fs == "cgroup" && options.split(',').any(|option| option == *controller)
        };
        let (_, place, _) = mounted.iter().find(of)?;
        Some(Hierarchy { mount: unescape(place), controller, kind: *kind, number: number_of(controller)? })
    });
    first.or_else(|| {
        let (_, place, _) = mounted.iter().find(|(fs, ..)| *fs == "cgroup2")?;
        Some(Hierarchy { mount: unescape(place), controller: "", kind: hierarchy::UNIFIED, number: 0 })
    })
}

/// Where the first file system of this kind is mounted whole.
fn place_of(of: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (before, behind) = line.split_once(" - ")?;
        let mut behind = behind.split_ascii_whitespace();
        let (kind, options) = (behind.next()?, behind.nth(1)?);
        let mut before = before.split_ascii_whitespace();
        let (root, place) = (before.nth(3)?, before.next()?);
        (root == "/" && of(kind, options)).then(|| unescape(place))
    })
}

/// Where a file system of this kind is mounted.
pub(crate) fn mounted(kind: &str) -> Option<PathBuf> {
    place_of(|fs, _| fs == kind)
}

/// Where the hierarchy of a controller of version 1 is mounted.
pub(crate) fn v1_mount(controller: &str) -> Option<PathBuf> {
    place_of(|fs, options| fs == "cgroup" && options.split(',').any(|option| option == controller))
}

/// Octal escapes of blanks and the like in mountinfo.
pub(crate) fn unescape(text: &str) -> PathBuf {
    PathBuf::from(text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const NUMBERS: &str = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t2\t1\npids\t8\t1\t1\n";

    fn found(mounts: &str, numbers: &str) -> Option<(String, &'static str, u32)> {
        let found = hierarchy_of(mounts, numbers)?;
        Some((found.mount.display().to_string(), found.controller, found.number))
    }

    #[test]
    fn the_hierarchy_that_containers_are_in() {
        assert_eq!(found(HYBRID, NUMBERS), Some(("/sys/fs/cgroup/pids".into(), "pids", 8)));
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(found(unified, "pids\t0\t90\t1\n"), Some(("/sys/fs/cgroup".into(), "", 0)));
        let without_pids = HYBRID.replace("pids", "net_cls");
        assert_eq!(found(&without_pids, NUMBERS), Some(("/sys/fs/cgroup/memory".into(), "memory", 4)));
        let part = "39 31 0:36 /docker/x /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        assert_eq!(found(part, NUMBERS), None, "a part of the tree is not the tree");
        assert_eq!(found("", ""), None);
    }

    #[test]
    fn what_a_process_says_of_itself() {
        let text = "9:name=systemd:/\n8:pids:/k8s.io/a:b\n4:cpu,cpuacct:/x\n0::/user.slice\n";
        assert_eq!(path_in(text, "pids"), Some(("/k8s.io/a:b", 8)));
        assert_eq!(path_in(text, "cpuacct"), Some(("/x", 4)));
        assert_eq!(path_in(text, ""), Some(("/user.slice", 0)));
        assert_eq!(path_in(text, "memory"), None);
    }

    #[test]
    fn a_number_that_is_given_again_means_what_was_made_last() {
        let hierarchy = hierarchy_of(HYBRID, NUMBERS).unwrap();
        let mut cgroups = Cgroups::empty(hierarchy);
        let id = "0123456789abcdef".repeat(4);
        cgroups.made(8, 77, "/a");
        cgroups.made(8, 77, &format!("/libpod_parent/libpod-{id}"));
        cgroups.made(4, 77, "/of another hierarchy");
        let known = cgroups.of(77, 0).unwrap();
        assert_eq!(known.container, Some((id.clone(), Engine::Podman)));
        assert_eq!(*known.text, *format!("pids=/libpod_parent/libpod-{id}\0").as_bytes());
        for id in 0..3 * MOST as u64 {
            cgroups.made(8, id, "/x");
        }
        assert!(cgroups.known.len() <= MOST && cgroups.order.len() <= 2 * MOST + 1);
    }
}
