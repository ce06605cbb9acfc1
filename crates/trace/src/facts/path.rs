//! `fs.path.*`: the paths that calls are about.
//!
//! One table says which parameters have them. Paths are told where the call succeeded, and also where it failed; Falco
//! does so too.

use super::{SyscallFacts, named, not_here};
use crate::event::{Event, EventCode as E, Param};
use crate::field::{Name, Unknown, Value};
use crate::state::{CWD, is_untold};

/// Which parameters of an event are its paths: of what it is about, of where from, of where to; with the directory that
/// each is below, if there is one.
struct Paths {
    name: Option<(&'static str, &'static str)>,
    source: Option<(&'static str, &'static str)>,
    target: Option<(&'static str, &'static str)>,
}

const fn one(path: &'static str, directory: &'static str) -> Paths {
    Paths { name: Some((path, directory)), source: None, target: None }
}

const fn two(source: &'static str, from: &'static str, target: &'static str, to: &'static str) -> Paths {
    Paths { name: None, source: Some((source, from)), target: Some((target, to)) }
}

fn paths(code: E) -> Option<Paths> {
    Some(match code {
        E::OPEN_X | E::CREAT_X | E::UMOUNT_X | E::UMOUNT_1_X | E::UMOUNT2_X => one("name", ""),
        E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::UNLINKAT_X | E::UNLINKAT_2_X => one("name", "dirfd"),
        E::OPEN_BY_HANDLE_AT_X
        | E::MKDIR_X
        | E::MKDIR_2_X
        | E::RMDIR_X
        | E::RMDIR_2_X
        | E::UNLINK_X
        | E::UNLINK_2_X
        | E::CHOWN_X
        | E::LCHOWN_X
        | E::MKNOD_X
        | E::QUOTACTL_X => one("path", ""),
        E::MKDIRAT_X | E::MKNODAT_X | E::NEWFSTATAT_X => one("path", "dirfd"),
        E::CHMOD_X => one("filename", ""),
        E::FCHMODAT_X => one("filename", "dirfd"),
        E::FCHOWNAT_X => one("pathname", "dirfd"),
        E::FCHMOD_X | E::FCHOWN_X => one("", "fd"),
        E::RENAME_X | E::LINK_X | E::LINK_2_X => two("oldpath", "", "newpath", ""),
        E::RENAMEAT_X | E::RENAMEAT2_X => two("oldpath", "olddirfd", "newpath", "newdirfd"),
        E::LINKAT_X | E::LINKAT_2_X => two("oldpath", "olddir", "newpath", "newdir"),
        // Symbolic links hold any text; what it leads to is not looked for.
        E::SYMLINK_X => two("target", "-", "linkpath", ""),
        E::SYMLINKAT_X => two("target", "-", "linkpath", "linkdirfd"),
        E::MOUNT_X => two("dev", "-", "dir", ""),
        _ => return None,
    })
}

impl<'a> SyscallFacts<'a> {
    pub(super) fn fs_path(&self, name: Name) -> Value<'a> {
        let Some(paths) = paths(self.event.code) else { return Value::Absent };
        let (which, raw) = match name {
            Name::FsPathName => (paths.name, false),
            Name::FsPathNameraw => (paths.name, true),
            Name::FsPathSource => (paths.source, false),
            Name::FsPathSourceraw => (paths.source, true),
            Name::FsPathTarget => (paths.target, false),
            Name::FsPathTargetraw => (paths.target, true),
            _ => return not_here(name),
        };
        let Some((path, directory)) = which else { return Value::Absent };
        let either = |name: &str| -> Option<Param<'a>> {
            let of = |event: &Event<'a>| event.named(name).filter(|param| !param.bytes.is_empty());
            of(self.event).or_else(|| of(&self.entered()?))
        };
        let number = |name: &str| either(name).and_then(|param| param.int());
        if path.is_empty() {
            let fd = number(directory).and_then(|fd| self.state.files(self.event.tid)?.get(&fd));
            return fd.map_or(Value::Absent, |fd| named(fd));
        }
        let Some(path) = either(path).and_then(|param| param.text()) else { return Value::Absent };
        if raw {
            return Value::text(path);
        }
        if directory == "-" && path.first() == Some(&b'/') {
            return Value::text(path);
        }
        let directory = number(directory).unwrap_or(CWD);
        if self.thread.is_none() && path.first() != Some(&b'/') {
            return Value::Unknown(Unknown::Process);
        }
        let path = self.state.absolute(self.event.tid, directory, path);
        if is_untold(&path) { Value::Unknown(Unknown::Path) } else { Value::owned(path) }
    }
}
