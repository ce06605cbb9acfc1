//! Which files a package owns: dpkg's `.list` files, and the checksum files that distroless images
//! have in their place.
//!
//! Checksums are not kept.

/// Paths from the root, without a leading slash.
pub(super) type Paths<'a> = Box<dyn Iterator<Item = &'a str> + 'a>;

/// The files of an `info/NAME.list`: an absolute path a line, directories among them.
///
/// A directory stands right before what lies in it and is left out; an empty one cannot be told from
/// a file and stays.
pub(super) fn listed(text: &str) -> Paths<'_> {
    let mut lines =
        text.lines().filter_map(|line| line.strip_prefix('/')).filter(|path| !matches!(*path, "" | ".")).peekable();
    Box::new(std::iter::from_fn(move || {
        loop {
            let path = lines.next()?;
            let inside = lines.peek().and_then(|next| next.strip_prefix(path));
            if !inside.is_some_and(|rest| rest.starts_with('/')) {
                return Some(path);
            }
        }
    }))
}

/// The files of a `status.d/NAME.md5sums`: `MD5  PATH` a line, as md5sum(1) writes it.
pub(super) fn summed(text: &str) -> Paths<'_> {
    Box::new(text.lines().filter_map(|line| {
        let (sum, path) = line.split_once([' ', '\t'])?;
        if sum.len() != 32 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        // A star in the place of the second blank marks binary mode.
        let path = path.trim_start_matches([' ', '\t', '*']);
        let path = path.strip_prefix("./").unwrap_or(path).trim_start_matches('/');
        (!path.is_empty()).then_some(path)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_left_out_of_lists() {
        let text = "/.\n/usr\n/usr/bin\n/usr/bin/a b\n/usr/bin/a bc\n/usr/lib\n/usr/lib64\n/usr/lib64/x\r\n/var/empty\nno path\n\n/last";
        let expect = ["usr/bin/a b", "usr/bin/a bc", "usr/lib", "usr/lib64/x", "var/empty", "last"];
        assert_eq!(listed(text).collect::<Vec<_>>(), expect);
        assert_eq!(listed("").count(), 0);
    }

    #[test]
    fn checksum_files_are_read_in_each_form_of_md5sum() {
        let sum = "d41d8cd98f00b204e9800998ecf8427e";
        let text = format!("{sum}  usr/bin/a b\n{sum} *usr/bin/c\n{sum}  ./etc/d\n\n{sum}\nnot a sum  usr/e\n");
        assert_eq!(summed(&text).collect::<Vec<_>>(), ["usr/bin/a b", "usr/bin/c", "etc/d"]);
    }
}
