//! Users and groups by name: `/etc/passwd` and `/etc/group` of the host and of containers.

use hashbrown::HashMap;
use sekisho_base::beneath::Directory;
use sekisho_trace::state::{Group, State, User};
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// How many bytes of such a file are read. Those of a container are its own to write.
const MOST: u64 = 1 << 20;

/// How many times those of one container are looked for.
const LOOKS: u8 = 8;
/// How many containers are remembered as looked at.
const CONTAINERS: usize = 16_384;

/// Tells the state who there is on the host. What cannot be read is left out.
pub(crate) fn tell(state: &mut State) {
    if let Ok(root) = Directory::open(Path::new("/")) {
        Accounts::of(&root).tell(state, "");
    }
}

/// Who there is below a root directory.
struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
    /// Whether these are all.
    whole: bool,
}

impl Accounts {
    fn of(root: &Directory) -> Self {
        let (users, users_whole) = lines(root, "passwd");
        let (groups, groups_whole) = lines(root, "group");
        Self {
            users: users.split(|byte| *byte == b'\n').filter_map(user).collect(),
            groups: groups.split(|byte| *byte == b'\n').filter_map(group).collect(),
            whole: users_whole && groups_whole,
        }
    }

    /// Tells them as those of the container with this id, as `container.id` shows it; of the host it is empty.
    fn tell(&self, state: &mut State, container: &str) {
        let refused = state.counters().users_refused;
        for user in &self.users {
            state.add_user(container, user.clone());
        }
        for group in &self.groups {
            state.add_group(container, group.clone());
        }
        if self.whole && state.counters().users_refused == refused {
            state.set_accounts_told(container);
        }
    }
}

/// A file of `etc`, and whether that is all of it. That there is none is known; links are followed as processes below that
/// root do, but not that of the file itself.
fn lines(root: &Directory, name: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let file = root.inside(Path::new("etc")).and_then(|etc| etc.file(Path::new(name)));
    let whole = match file.and_then(|file| file.take(MOST).read_to_end(&mut bytes)) {
        Ok(read) => (read as u64) < MOST,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    (bytes, whole)
}

/// Users and groups of containers, looked for when a process in one is seen that has none of those that are known.
#[derive(Debug, Default)]
pub(crate) struct InContainers(HashMap<String, u8>);

impl InContainers {
    /// Looks for those of the container that this thread is in, if it may have some that are not known, and tells them to the
    /// state, and to the other that goes on from it.
    pub(crate) fn see(&mut self, state: &mut State, tid: i64, before: Option<&mut State>) {
        let Some(thread) = state.thread(tid).filter(|thread| thread.container().is_some() && state.lacks_names(thread))
        else {
            return;
        };
        // What an engine makes a container with has the host's files.
        if !thread.is_known() || thread.came_from_outside() {
            return;
        }
        let (Some(id), pid) = (thread.container(), thread.pid) else { return };
        if self.0.len() >= CONTAINERS && !self.0.contains_key(id) {
            self.0.clear();
        }
        let looks = self.0.entry_ref(id).or_default();
        if *looks >= LOOKS {
            return;
        }
        *looks += 1;
        let id = id.to_owned();
        let Some(accounts) = in_container(pid, &id) else { return };
        if let Some(before) = before {
            accounts.tell(before, &id);
        }
        accounts.tell(state, &id);
    }
}

/// Those that a process has which is in a container; `None` where it is gone, or another one has its number, or it still has
/// the host's root.
fn in_container(pid: i64, id: &str) -> Option<Accounts> {
    let process = Path::new("/proc").join(pid.to_string());
    let root = process.join("root");
    let place = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    let opened = Directory::open(&root).ok()?;
    let own = place(&root)?;
    let cgroups = fs::read_to_string(process.join("cgroup")).ok()?;
    (place(Path::new("/")) != Some(own) && cgroups.contains(id)).then(|| Accounts::of(&opened))
}

/// A line of passwd(5).
fn user(line: &[u8]) -> Option<User> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_vec();
    let mut number = || str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (_, uid, gid) = (number(), number(), number());
    let (uid, gid): (u32, u32) = (uid?, gid?);
    let mut text = |skip: usize| fields.nth(skip).unwrap_or_default().to_vec();
    Some(User { uid, gid, name, home: text(1), shell: text(0) })
}

/// A line of group(5).
fn group(line: &[u8]) -> Option<Group> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_vec();
    Some(Group { gid: str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_no_file_of_the_host_and_no_file_means_nobody() {
        let root = tempfile::tempdir().unwrap();
        let of = || Accounts::of(&Directory::open(root.path()).unwrap());
        assert!(of().whole && of().users.is_empty(), "nobody has a name there");
        fs::create_dir(root.path().join("real")).unwrap();
        std::os::unix::fs::symlink("/real", root.path().join("etc")).unwrap();
        fs::write(root.path().join("real/passwd"), "app:x:1000:1000::/:/bin/sh\n").unwrap();
        assert!(of().whole && &*of().users[0].name == b"app");
        std::os::unix::fs::symlink("/etc/group", root.path().join("real/group")).unwrap();
        assert!(!of().whole && of().groups.is_empty());
        let mut state = State::new(sekisho_trace::state::Bounds::default());
        state.set_accounts_awaited();
        of().tell(&mut state, "c");
        assert!(state.accounts()["c"].0.len() == 1);
    }

    #[test]
    fn lines_of_both_files() {
        let user = user(b"www:x:33:34:World Wide Web:/var/www:/usr/sbin/nologin").unwrap();
        assert_eq!((user.uid, user.gid, &*user.name), (33, 34, &b"www"[..]));
        assert_eq!((&*user.home, &*user.shell), (&b"/var/www"[..], &b"/usr/sbin/nologin"[..]));
        assert_eq!(group(b"adm:x:4:syslog"), Some(Group { gid: 4, name: b"adm".to_vec() }));
        for line in ["", ":x:1:1::", "a:x:b:1::", "a:x", "a"] {
            assert_eq!(super::user(line.as_bytes()), None, "{line}");
            assert_eq!(group(line.as_bytes()), None, "{line}");
        }
    }
}
