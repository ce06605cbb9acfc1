//! Scanning a directory tree: a root file system, or any directory.
//!
//! Symbolic links are never followed, in no component of a path. The walk stays in one file system
//! unless told otherwise, and leaves out kernel interfaces and the storage of container engines, each
//! with a note.

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
use std::path::{Path, PathBuf};
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
        device,
        collector: Collector::new(&dispatch, &options.limits),
        options,
        pending: vec![Place::default()],
        entries: 0,
        deadline: Deadline::of(&options.limits),
    };
    walker.walk();
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

struct Walker<'a> {
    root: Directory,
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
                EntryKind::Link { target } => {
                    self.collector.link(&inner.shown, &path::text(target.as_os_str().as_bytes()));
                }
                EntryKind::Other => {}
            }
        }
        Ok(())
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
