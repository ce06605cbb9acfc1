//! Which distribution this is: os-release(5), and the files that older systems have instead.

use crate::analyzer::{Analyzer, Extract, File};
use sekisho_model::OsRelease;

/// Reads `os-release`.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "os-release",
    title: "Distribution (os-release)",
    paths: &["etc/os-release", "usr/lib/os-release"],
    run,
    ..Analyzer::NONE
};

fn run(file: &File<'_>) -> Extract {
    match file.text() {
        Ok(text) => Extract { os: parse(&text), ..Extract::default() },
        Err(diagnostic) => Extract::failed(diagnostic),
    }
}

/// Parses the shell-like assignments of os-release(5). `None` when there is none.
fn parse(text: &str) -> Option<OsRelease> {
    let mut os = OsRelease::default();
    let mut any = false;
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        if key.starts_with('#') {
            continue;
        }
        let value = unquote(value.trim());
        any = true;
        match key.trim_end() {
            "ID" => os.id = value.to_ascii_lowercase(),
            "VERSION_ID" => os.version_id = value,
            "ID_LIKE" => os.id_like = value.split_whitespace().map(str::to_owned).collect(),
            "VERSION_CODENAME" => os.codename = Some(value),
            "PRETTY_NAME" => os.pretty_name = Some(value),
            "VARIANT_ID" => os.variant_id = Some(value),
            "CPE_NAME" => os.cpe_name = Some(value),
            _ => {}
        }
    }
    if os.id.is_empty() {
        // os-release(5): "If not set, a default of ID=linux may be used."
        "linux".clone_into(&mut os.id);
    }
    any.then_some(os)
}

/// Removes shell quotes and the escapes that os-release(5) allows inside double quotes.
fn unquote(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next()),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/os_release/fixtures");
    }

    #[test]
    fn quoting_follows_the_manual() {
        let os = parse("# ID=no\nID='Fedora'\nVERSION_ID=\"4\\\"1\"\nID_LIKE=\"rhel centos\"\n").unwrap();
        assert_eq!((os.id.as_str(), os.version_id.as_str()), ("fedora", "4\"1"));
        assert_eq!(os.id_like, ["rhel", "centos"]);
        assert_eq!(parse("VERSION_ID=1").unwrap().id, "linux");
        assert_eq!(parse("\u{0}\n"), None);
    }
}
