//! Opening what lies beneath a directory without ever following a symbolic link.
//!
//! Every component of a path is opened on its own, from the directory above it and without following
//! links (`openat(2)` with `O_NOFOLLOW`), so that a link leads nowhere even if it takes the place of a
//! directory while the tree is being read. [`Directory::inside`] alone follows links, and never out of the directory.

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

/// How many links [`Directory::inside`] follows, as the kernel does.
const MOST_LINKS: usize = 40;

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

    /// Opens the directory at `path` as a process would whose root this directory is: links are followed, and one to
    /// `/data` leads to `data` beneath this directory. For the tree of another system, whose owner put them there.
    pub fn inside(&self, path: &Path) -> io::Result<Self> {
        let here = || -> io::Result<Self> { Ok(Self(openat(&self.0, ".", DIRECTORY, Mode::empty())?)) };
        let mut above: Vec<Self> = vec![here()?];
        let mut links = 0;
        let names = |path: &Path| -> Vec<OsString> {
            path.components().rev().map(|component| component.as_os_str().to_owned()).collect()
        };
        let mut pending = names(path);
        while let Some(name) = pending.pop() {
            let Some(current) = above.last() else { return Err(io::ErrorKind::InvalidInput.into()) };
            match name.as_bytes() {
                b"." => {}
                b"/" => above.truncate(1),
                b".." => above.truncate((above.len() - 1).max(1)),
                _ => match openat(&current.0, &name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
                    Ok(directory) => above.push(Self(directory)),
                    // Which of both it is of a link is not the same on every system.
                    Err(error @ (Errno::LOOP | Errno::NOTDIR)) => {
                        let target = readlinkat(&current.0, &name, Vec::new()).map_err(|_| error)?;
                        links += 1;
                        if links > MOST_LINKS {
                            return Err(Errno::LOOP.into());
                        }
                        pending.extend(names(Path::new(OsStr::from_bytes(target.as_bytes()))));
                    }
                    Err(error) => return Err(error.into()),
                },
            }
        }
        above.pop().ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Whether there is anything at `path` for a process whose root this directory is. As [`Directory::inside`] has it, but
    /// for the last name, which may be of a link that leads nowhere.
    pub fn has_inside(&self, path: &Path) -> bool {
        let Some(name) = path.file_name() else { return self.inside(path).is_ok() };
        let above = self.inside(path.parent().unwrap_or(Path::new("")));
        above.is_ok_and(|directory| statat(&directory.0, name, AtFlags::SYMLINK_NOFOLLOW).is_ok())
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
        for path in ["link", "inner/b", "/a/b/file", "up/up/a", "/", "a/../up"] {
            assert!(directory.has_inside(Path::new(path)), "{path}");
        }
        for path in ["secret", "../secret", "a/secret", "link/x", "a/b/file/x"] {
            assert!(!directory.has_inside(Path::new(path)), "{path}");
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
    fn links_inside_lead_where_they_would_with_this_root() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        fs::create_dir_all(root.join("data/docker")).unwrap();
        fs::create_dir_all(root.join("var/lib")).unwrap();
        fs::create_dir_all(scratch.path().join("data/outside")).unwrap();
        fs::write(root.join("data/docker/here"), "").unwrap();
        fs::write(root.join("file"), "").unwrap();
        for (target, link) in [
            ("/data/docker", "var/lib/docker"),
            ("../../../../../data", "var/lib/up"),
            ("/var/lib/up/./docker/", "again"),
            ("circle", "circle"),
            ("/data/outside", "out"),
            ("absent", "dangling"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let directory = Directory::open(&root).unwrap();
        for path in [
            "data/docker",
            "/data/docker",
            "var/lib/docker",
            "var/lib/up/docker",
            "again",
            "../again/.",
            "var/../again",
        ] {
            let found = directory.inside(Path::new(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(found.file(Path::new("here")).is_ok(), "{path}");
        }
        for path in ["out", "circle", "dangling", "file", "absent", "var/lib/up/outside"] {
            assert!(directory.inside(Path::new(path)).is_err(), "{path}");
        }
        let absent = directory.inside(Path::new("absent")).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
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
