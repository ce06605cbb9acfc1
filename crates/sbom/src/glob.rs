//! The small path patterns of the analyzer table.

/// Whether `name` matches `pattern`, in which `*` stands for any characters. Linear but for the
/// number of stars, of which patterns have at most two.
pub(crate) fn component(pattern: &str, name: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(prefix) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// The same with ASCII letters of either case.
pub(crate) fn component_of_any_case(pattern: &str, name: &str) -> bool {
    if !pattern.contains('*') {
        return pattern.eq_ignore_ascii_case(name);
    }
    // Most are of this form, and asked very often.
    if let Some(suffix) = pattern.strip_prefix('*').filter(|suffix| !suffix.contains('*')) {
        let end = name.len().checked_sub(suffix.len()).and_then(|at| name.as_bytes().get(at..));
        return end.is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()));
    }
    component(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
}

/// Whether `path` matches `pattern` as described at [`crate::Analyzer::paths`], its components by `component`.
pub(crate) fn path(pattern: &str, path: &str, component: fn(&str, &str) -> bool) -> bool {
    let (anywhere, pattern) = match pattern.strip_prefix("**/") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut wanted = pattern.rsplit('/');
    let mut given = path.rsplit('/');
    loop {
        match (wanted.next(), given.next()) {
            (Some(pattern), Some(name)) if component(pattern, name) => {}
            (None, None) => return true,
            (None, Some(_)) => return anywhere,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_components() {
        assert!(path("var/lib/dpkg/status", "var/lib/dpkg/status", component));
        assert!(!path("var/lib/dpkg/status", "chroot/var/lib/dpkg/status", component));
        assert!(path("**/package.json", "package.json", component));
        assert!(path("**/package.json", "a/b/package.json", component));
        assert!(!path("**/package.json", "a/not-package.json", component));
        assert!(path("**/*.dist-info/METADATA", "x/y-1.dist-info/METADATA", component));
        assert!(!path("**/*.dist-info/METADATA", "x/y-1.dist-info/sub/METADATA", component));
        assert!(path("var/lib/dpkg/info/*.list", "var/lib/dpkg/info/libc6:amd64.list", component));
        assert!(!path("usr/share/doc/*/copyright", "usr/share/doc/a/b/copyright", component));
        assert!(path("**/*.dist-info/METADATA", "x/Y-1.DIST-info/METADATA", component_of_any_case));
        assert!(!path("**/*.dist-info/METADATA", "x/Y-1.DIST-info/METADATA", component));
        assert!(component("a*b*c", "aXbYc") && !component("a*b*c", "abX") && !component("ab*b", "ab"));
    }
}
