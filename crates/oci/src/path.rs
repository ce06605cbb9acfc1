//! Paths inside an image.

use std::fmt::Write as _;

/// Makes a path of a tar entry relative to the root, as extracting runtimes do: without a leading
/// slash, `.` and empty components, and with `..` held at the root. The second value is false when a
/// `..` had to be held back.
///
/// Bytes that are no UTF-8 are written `\xNN`, so that different names stay different.
pub fn normalize(raw: &[u8]) -> (String, bool) {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    let mut sound = true;
    for component in raw.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                sound = sound && !out.is_empty();
                let parent = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                out.truncate(parent);
            }
            name => {
                if !out.is_empty() {
                    out.push(b'/');
                }
                out.extend_from_slice(name);
            }
        }
    }
    match String::from_utf8(out) {
        Ok(path) if !path.contains('\\') => (path, sound),
        Ok(path) => (text(path.as_bytes()), sound),
        Err(error) => (text(error.as_bytes()), sound),
    }
}

/// Bytes as text; what is no UTF-8 is written `\xNN`.
pub fn text(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        // A name that spells the escape out must not pass for one that needs it.
        out.push_str(&chunk.valid().replace("\\x", "\\x5cx"));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The directory above `path`; `None` for an entry of the root.
pub fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// Where a symbolic link at `link` with the given target points, from the root.
pub fn resolve(link: &str, target: &str) -> String {
    let joined = match (target.starts_with('/'), parent(link)) {
        (false, Some(parent)) => format!("{parent}/{target}"),
        _ => target.to_owned(),
    };
    normalize(joined.as_bytes()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_root() {
        let check = |raw: &[u8], expect: &str, sound: bool| assert_eq!(normalize(raw), (expect.to_owned(), sound));
        check(b"./usr//lib/./x/", "usr/lib/x", true);
        check(b"/etc/passwd", "etc/passwd", true);
        check(b"../../etc/passwd", "etc/passwd", false);
        check(b"a/../../b", "b", false);
        check(b"a/b/../c", "a/c", true);
        check(b"./", "", true);
        check(b"a\xffb\xfe", "a\\xffb\\xfe", true);
        check(b"a\\xff", "a\\x5cxff", true);
        check(b"a\\b", "a\\b", true);
    }

    #[test]
    fn links_resolve_from_their_directory() {
        assert_eq!(resolve("etc/os-release", "../usr/lib/os-release"), "usr/lib/os-release");
        assert_eq!(resolve("lib", "usr/lib"), "usr/lib");
        assert_eq!(resolve("a/b", "/c"), "c");
        assert_eq!(resolve("a", "../../x"), "x");
    }
}
