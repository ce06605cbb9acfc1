//! Scanning a directory tree: a root file system, or any directory.
//!
//! Symbolic links are never followed. The walk stays in one file system unless told otherwise, and
//! leaves out kernel interfaces and the storage of container engines, each with a note.

use crate::assemble::{self, Scanned};
use crate::collect::Collector;
use crate::overlay::Overlay;
use crate::{Options, ScanError};
use sekisho_base::ReadAt;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::{Deadline, LimitExceeded};
use sekisho_model::{Code, Diagnostic, Inventory, Source, SourceKind};
use sekisho_oci::path;
use sekisho_sbom::Dispatch;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
/// Scans the tree at `root`.
pub fn scan_fs(root: &Path, options: &Options<'_>) -> Result<Inventory, ScanError> {
    let unreadable = |source: io::Error| ScanError::Directory { path: root.to_owned(), source };
    let metadata = fs::metadata(root).map_err(unreadable)?;
    if !metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::NotADirectory.into()));
    }
    let dispatch = Dispatch::all();
    let mut walker = Walker {
        collector: Collector::new(&dispatch, &options.limits),
        device: metadata.dev(),
        options,
        pending: vec![(root.to_owned(), String::new())],
        entries: 0,
        deadline: Deadline::of(&options.limits),
    };
    // The root itself must be readable; below it, whatever is not is a diagnostic.
    fs::read_dir(root).map_err(unreadable)?;
    walker.walk();
    let facts = walker.collector.finish();
    let source = Source { kind: SourceKind::FileSystem, name: root.to_string_lossy().into_owned() };
    let overlay = Overlay::of(&[&facts]);
    Ok(assemble::inventory(Scanned { source, image: None, overlay, diagnostics: facts.diagnostics.clone() }, options))
}

struct Walker<'a> {
    collector: Collector<'a>,
    device: u64,
    options: &'a Options<'a>,
    /// Directories to list: where they lie, and their path from the root.
    pending: Vec<(PathBuf, String)>,
    entries: u64,
    deadline: Deadline,
}

impl Walker<'_> {
    fn walk(&mut self) {
        while let Some((directory, inner)) = self.pending.pop() {
            if let Err(error) = self.list(&directory, &inner) {
                self.collector.diagnostic(
                    Diagnostic::incomplete(Code::FileUnreadable, format!("the directory cannot be listed: {error}"))
                        .at(inner),
                );
            }
            let limit = self.options.limits.entries;
            let within = if self.entries > limit { Err(LimitExceeded { what: "entries", limit }) } else { Ok(()) };
            if let Err(limit) = within.and_then(|()| self.deadline.check()) {
                self.collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()));
                return;
            }
        }
    }

    fn list(&mut self, directory: &Path, inner: &str) -> io::Result<()> {
        let mut names: Vec<fs::DirEntry> = fs::read_dir(directory)?.collect::<io::Result<_>>()?;
        names.sort_by_key(fs::DirEntry::file_name);
        self.entries += names.len() as u64;
        self.options.progress.advance(names.len() as u64);
        for entry in names {
            let name = path::text(entry.file_name().as_bytes());
            let inner = if inner.is_empty() { name } else { format!("{inner}/{name}") };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                self.directory(&entry, inner);
            } else if kind.is_file() {
                self.file(&entry, &inner);
            } else if kind.is_symlink()
                && let Ok(target) = fs::read_link(entry.path())
            {
                self.collector.link(&inner, &path::text(target.as_os_str().as_bytes()));
            }
        }
        Ok(())
    }

    fn directory(&mut self, entry: &fs::DirEntry, inner: String) {
        let reason = if KERNEL.contains(&inner.as_str()) {
            Some("it holds interfaces of the kernel")
        } else if CONTAINER_STORAGE.contains(&inner.as_str()) {
            Some("a container engine keeps its images and containers there")
        } else if !self.options.cross_file_systems
            && entry.metadata().is_ok_and(|metadata| metadata.dev() != self.device)
        {
            Some("it is another file system")
        } else if inner.len() > self.options.limits.path_bytes
            || inner.matches('/').count() >= self.options.limits.path_depth
        {
            self.collector.diagnostic(
                Diagnostic::incomplete(Code::LimitExceeded, "the path is longer or deeper than the limits allow")
                    .at(inner.chars().take(80).collect::<String>()),
            );
            return;
        } else {
            None
        };
        match reason {
            Some(reason) => {
                self.collector
                    .diagnostic(Diagnostic::note(Code::TreeExcluded, format!("left out: {reason}")).at(inner));
            }
            None => self.pending.push((entry.path(), inner)),
        }
    }

    fn file(&mut self, entry: &fs::DirEntry, inner: &str) {
        let dispatch = self.collector.dispatch;
        let mut wanted = dispatch.by_path(inner);
        let by_path = !wanted.is_empty();
        if !by_path && entry.metadata().is_ok_and(|metadata| metadata.len() < dispatch.magic_min_bytes()) {
            return;
        }
        let opened = open(&entry.path()).and_then(|data| {
            let mut head = [0; Dispatch::HEAD];
            let seen = data.read_at(0, &mut head)?;
            Ok((head, seen, data))
        });
        let (head, seen, data) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                self.collector.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message).at(inner));
                return;
            }
        };
        if !by_path {
            wanted.extend(dispatch.by_magic(&head[..seen], data.size()));
        }
        for analyzer in wanted {
            self.collector.analyze(analyzer, inner, &data);
        }
    }
}

fn open(path: &Path) -> io::Result<FileRange> {
    // What was a file when it was listed may be a link by the time it is opened, or a pipe that blocks.
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no longer a regular file"));
    }
    Ok(FileRange::new(Arc::new(file), 0, metadata.len()))
}
