//! Opening what lies beneath a directory without ever following a symbolic link.
//!
//! Every component of a path is opened on its own, from the directory above it and without following
//! links (`openat(2)` with `O_NOFOLLOW`), so that a link leads nowhere even if it takes the place of a
//! directory while the tree is being read.

use crate::limits::{LimitExceeded, LimitKey};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// An open directory.
#[derive(Debug)]
pub struct Directory(OwnedFd);

/// What an entry of a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file of this many bytes.
    File {
        /// Bytes.
        size: u64,
    },
    /// A directory on the file system of this device number.
    Directory {
        /// Device number.
        device: u64,
    },
    /// A symbolic link with its target as written.
    Link {
        /// Target.
        target: PathBuf,
    },
    /// A device, a pipe, a socket.
    Other,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Directory {
    /// Opens the directory at `path`, which may itself be a link.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, DIRECTORY, Mode::empty())?))
    }

    /// Opens the directory at `path` beneath this one.
    pub fn directory(&self, path: &Path) -> io::Result<Self> {
        let mut current = Self(openat(&self.0, ".", DIRECTORY, Mode::empty())?);
        for component in path.components() {
            let name = plain(component)?;
            current = Self(openat(&current.0, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?);
        }
        Ok(current)
    }

    /// Opens the regular file at `path` beneath this directory; a pipe does not block and is refused.
    pub fn file(&self, path: &Path) -> io::Result<File> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                openat(&self.directory(parent)?.0, name, flags, Mode::empty())
            }
            _ => openat(&self.0, name, flags, Mode::empty()),
        };
        let file = File::from(fd.map_err(|error| match error {
            Errno::LOOP => io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link, which is not followed"),
            other => other.into(),
        })?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(file)
    }

    /// The device number of the file system the directory is on.
    pub fn device(&self) -> io::Result<u64> {
        Ok(rustix::fs::fstat(&self.0)?.st_dev)
    }

    /// The entries, sorted by name, or [`LimitExceeded`] when there are more than `most`. One that vanishes
    /// while they are listed is left out.
    pub fn entries(&self, most: u64) -> io::Result<Vec<(OsString, EntryKind)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entries.len() as u64 >= most {
                return Err(LimitExceeded { key: LimitKey::Entries, what: "entries", limit: most }.into());
            }
            let name = OsStr::from_bytes(name).to_owned();
            match self.kind(&name) {
                Ok(kind) => entries.push((name, kind)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(entries)
    }

    fn kind(&self, name: &OsStr) -> io::Result<EntryKind> {
        let status = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => EntryKind::File { size: u64::try_from(status.st_size).unwrap_or(0) },
            FileType::Directory => EntryKind::Directory { device: status.st_dev },
            FileType::Symlink => {
                let target = readlinkat(&self.0, name, Vec::new())?.into_bytes();
                EntryKind::Link { target: OsString::from_vec(target).into() }
            }
            _ => EntryKind::Other,
        })
    }
}

/// A component that names an entry, not `..` or the root.
fn plain(component: Component<'_>) -> io::Result<&OsStr> {
    match component {
        Component::Normal(name) => Ok(name),
        Component::CurDir => Ok(OsStr::new(".")),
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => Err(io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_nowhere_in_any_component() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        fs::write(scratch.path().join("secret"), "outside").unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("a", root.join("inner")).unwrap();
        symlink("../secret", root.join("link")).unwrap();
        let directory = Directory::open(&root).unwrap();
        assert!(directory.file(Path::new("a/b/file")).is_ok());
        for path in ["link", "up/secret", "inner/b/file", "../secret", "a/../../secret", "a", "absent", ""] {
            assert!(directory.file(Path::new(path)).is_err(), "{path}");
        }
        assert!(directory.directory(Path::new("up")).is_err());
        let kinds: Vec<(String, bool)> = directory
            .entries(4)
            .unwrap()
            .into_iter()
            .map(|(name, kind)| (name.into_string().unwrap(), matches!(kind, EntryKind::Link { .. })))
            .collect();
        assert_eq!(kinds, [("a".into(), false), ("inner".into(), true), ("link".into(), true), ("up".into(), true)]);
    }

    #[test]
    fn pipes_do_not_block() {
        let scratch = tempfile::tempdir().unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, scratch.path().join("pipe"), Mode::RUSR).unwrap();
        let directory = Directory::open(scratch.path()).unwrap();
        assert!(directory.file(Path::new("pipe")).is_err());
        assert!(directory.entries(0).is_err());
        assert_eq!(directory.entries(1).unwrap(), [("pipe".into(), EntryKind::Other)]);
    }
}
