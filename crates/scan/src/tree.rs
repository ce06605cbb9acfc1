//! Scanning a directory tree: a root file system, or any directory.
//!
//! Symbolic links are never followed, in no component of a path. Those that lead out of the tree are told, by a note for
//! all of them, and each where its name is of a file with packages. The walk stays in one file system unless told
//! otherwise, and leaves out kernel interfaces and the storage of container engines, each with a note.

use crate::assemble::{self, Scanned};
use crate::collect::Collector;
use crate::overlay::Overlay;
use crate::{Options, ScanError, file};
use sekisho_base::ReadAt;
use sekisho_base::beneath::{Directory, EntryKind};
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::{Deadline, LimitKey};
use sekisho_model::{Code, Diagnostic, Inventory, Source, SourceKind};
use sekisho_oci::path;
use sekisho_sbom::Dispatch;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Directories, from the root of the tree, that hold interfaces of the kernel.
const KERNEL: [&str; 3] = ["proc", "sys", "dev"];
/// Directories, from the root of the tree, in which engines keep images and containers.
const CONTAINER_STORAGE: [&str; 6] = [
    "var/lib/containerd",
    "var/lib/containers/storage",
    "var/lib/docker",
    "var/lib/kubelet/pods",
    "run/containerd",
    "run/containers/storage",
];

/// What of a tree is left out: the directory that `path` is in or is, and why.
pub(crate) fn left_out(path: &str) -> Option<(&'static str, &'static str)> {
    let holds = |directory: &&'static str| {
        path.strip_prefix(*directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let kernel = KERNEL.into_iter().find(holds).map(|directory| (directory, "it holds interfaces of the kernel"));
    let reason = "a container engine keeps its images and containers there";
    kernel.or_else(|| CONTAINER_STORAGE.into_iter().find(holds).map(|directory| (directory, reason)))
}

/// Scans the tree at `root`: a directory, or what an archive, a package or a disk image holds.
pub fn scan_fs(root: &Path, options: &Options<'_>) -> Result<Inventory, ScanError> {
    let path = || root.to_owned();
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ScanError::Missing { path: path() },
        io::ErrorKind::NotADirectory => ScanError::NotDirectory { path: path() },
        _ => ScanError::Directory { path: path(), source },
    };
    let metadata = fs::metadata(root).map_err(unreadable)?;
    if metadata.is_file() {
        return file::scan(root, options);
    }
    if !metadata.is_dir() {
        return Err(ScanError::NotDirectory { path: path() });
    }
    // The root itself must be readable; below it, whatever is not is a diagnostic.
    let directory = Directory::open(root).map_err(unreadable)?;
    let device = directory.device().map_err(unreadable)?;
    let dispatch = Dispatch::all();
    let mut walker = Walker {
        root: directory,
        // Where it has no name any more, none leads into it either.
        place: fs::canonicalize(root).unwrap_or_default(),
        device,
        outside: Outside::default(),
        collector: Collector::new(&dispatch, &options.limits),
        options,
        pending: vec![Place::default()],
        entries: 0,
        deadline: Deadline::of(&options.limits),
    };
    walker.walk();
    walker.tell_of_outside();
    let facts = walker.collector.finish();
    let source = Source { kind: SourceKind::FileSystem, name: root.to_string_lossy().into_owned() };
    let overlay = Overlay::of(&[&facts], &options.limits);
    let scanned = Scanned { source, image: None, overlay, diagnostics: facts.diagnostics.clone() };
    Ok(assemble::inventory(scanned, &dispatch, options))
}

/// A place in the tree: its path as the file system has it, and as it is shown.
#[derive(Default)]
struct Place {
    path: PathBuf,
    shown: String,
}

impl Place {
    fn below(&self, name: &OsStr) -> Self {
        let text = path::text(name.as_bytes());
        let shown = if self.shown.is_empty() { text } else { format!("{}/{text}", self.shown) };
        Self { path: self.path.join(name), shown }
    }
}

/// Links that lead out of the tree, but for those that are told each.
#[derive(Default)]
struct Outside {
    count: u64,
    /// Path and target.
    first: Option<(String, String)>,
}

struct Walker<'a> {
    root: Directory,
    /// Where the tree is.
    place: PathBuf,
    outside: Outside,
    device: u64,
    collector: Collector<'a>,
    options: &'a Options<'a>,
    /// Directories to list.
    pending: Vec<Place>,
    entries: u64,
    deadline: Deadline,
}

impl Walker<'_> {
    fn walk(&mut self) {
        while let Some(place) = self.pending.pop() {
            if let Err(limit) = self.deadline.check() {
                self.collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()));
                return;
            }
            if let Err(error) = self.list(&place) {
                let exceeded = error.kind() == io::ErrorKind::FileTooLarge;
                let code = if exceeded { Code::LimitExceeded } else { Code::FileUnreadable };
                let limit = self.options.limits.exceeded(LimitKey::Entries, "entries").to_string();
                let reason = if exceeded { limit } else { error.to_string() };
                let message = format!("the directory cannot be listed: {reason}");
                self.collector.diagnostic(Diagnostic::incomplete(code, message).at(place.shown));
                if exceeded {
                    return;
                }
            }
        }
    }

    fn list(&mut self, place: &Place) -> io::Result<()> {
        let directory = self.root.directory(&place.path)?;
        let entries = directory.entries(self.options.limits.entries - self.entries)?;
        self.entries += entries.len() as u64;
        self.options.progress.advance(entries.len() as u64);
        for (name, kind) in entries {
            let inner = place.below(&name);
            match kind {
                EntryKind::Directory { device } => self.directory(inner, device),
                EntryKind::File { size } => self.file(&directory, &name, &inner.shown, size),
                EntryKind::Link { target } => self.link(&inner, &target),
                EntryKind::Other => {}
            }
        }
        Ok(())
    }

    fn link(&mut self, place: &Place, target: &Path) {
        let text = path::text(target.as_os_str().as_bytes());
        if !self.leads_out(&place.path, target) {
            return self.collector.link(&place.shown, &text);
        }
        if self.collector.dispatch.is_led_away(&place.shown) {
            let message = format!("is a link to {text:?}, which is not in the tree");
            return self.collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message).at(&place.shown));
        }
        self.collector.link(&place.shown, &text);
        self.outside.count += 1;
        self.outside.first.get_or_insert_with(|| (place.shown.clone(), text));
    }

    /// Whether the link at `path` leads out of the tree, or to what is not there. Nothing outside is looked at; a path from
    /// the root is one of this machine, or of the system that the tree is the root of.
    fn leads_out(&self, path: &Path, target: &Path) -> bool {
        if self.place == Path::new("/") {
            return false;
        }
        if target.has_root() {
            let within = target.strip_prefix(&self.place).unwrap_or(target);
            let named = path::text(target.as_os_str().as_bytes());
            return left_out(named.trim_start_matches('/')).is_none() && !self.root.has_inside(within);
        }
        // What is walked are directories, so that each name on the way to the link is one to go up from.
        let mut depth = path.components().count() - 1;
        target.components().any(|component| match component {
            Component::ParentDir => match depth.checked_sub(1) {
                Some(above) => {
                    depth = above;
                    false
                }
                None => true,
            },
            Component::Normal(_) => {
                depth += 1;
                false
            }
            _ => false,
        })
    }

    fn tell_of_outside(&mut self) {
        let Outside { count, first } = std::mem::take(&mut self.outside);
        let Some((path, target)) = first else { return };
        let more = match count - 1 {
            0 => String::new(),
            1 => ", as is 1 more link that leads out of it".to_owned(),
            more => format!(", as are {more} more links that lead out of it"),
        };
        let message = format!("left out: it is a link to {target:?}, which is not in the tree{more}");
        // However many notes there are, this one is among them.
        self.collector.facts.diagnostics.push(Diagnostic::note(Code::TreeExcluded, message).at(path));
    }

    fn directory(&mut self, place: Place, device: u64) {
        let (shown, limits) = (place.shown.as_str(), &self.options.limits);
        if self.collector.exclude(shown) {
            return;
        }
        let reason = if !self.options.cross_file_systems && device != self.device {
            "it is another file system"
        } else if shown.len() > limits.path_bytes || shown.matches('/').count() >= limits.path_depth {
            let message = "the path is longer or deeper than the limits allow (limits.path_bytes, limits.path_depth)";
            let start: String = shown.chars().take(80).collect();
            self.collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(start));
            return;
        } else {
            return self.pending.push(place);
        };
        self.collector.diagnostic(Diagnostic::note(Code::TreeExcluded, format!("left out: {reason}")).at(shown));
    }

    fn file(&mut self, directory: &Directory, name: &OsStr, shown: &str, size: u64) {
        if shown == "oci-layout" {
            let message = "the directory is an image in the OCI layout, whose layers are not looked into here";
            self.collector.diagnostic(Diagnostic::note(Code::TreeIsImage, message).at(shown));
        }
        let dispatch = self.collector.dispatch;
        let mut wanted = dispatch.by_path(shown);
        if wanted.is_empty() && size < dispatch.magic_min_bytes() {
            return;
        }
        let opened = directory.file(Path::new(name)).and_then(|file| {
            let data = FileRange::new(Arc::new(file), 0, size);
            let mut head = [0; Dispatch::HEAD];
            let seen = data.read_at(0, &mut head)?;
            Ok((head, seen, data))
        });
        let (head, seen, data) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                self.collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message).at(shown));
                return;
            }
        };
        // Also where a path was wanted: an executable may have any name.
        wanted.extend(dispatch.by_magic(&head[..seen], size));
        for analyzer in wanted {
            self.collector.analyze(analyzer, shown, &data);
        }
    }
}
