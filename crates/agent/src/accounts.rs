//! Users and groups by name: `/etc/passwd` and `/etc/group` of the host and of containers.

use sekisho_trace::state::{Group, State, User};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How many bytes of such a file are read. Those of a container are its own to write.
const MOST: u64 = 1 << 20;

/// Tells the state who there is below a root directory; `container` is its id as `container.id` shows it, empty for the
/// host. What cannot be read is left out: names are for people, rules that compare them find none.
pub(crate) fn tell(state: &mut State, container: &str, root: &Path) {
    for user in lines(&root.join("etc/passwd")).iter().filter_map(|line| user(line)) {
        state.add_user(container, user);
    }
    for group in lines(&root.join("etc/group")).iter().filter_map(|line| group(line)) {
        state.add_group(container, group);
    }
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    // A link in a container would lead out of it, into ours; a pipe would keep us waiting.
    let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    if !is_file || File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)).is_err() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
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
