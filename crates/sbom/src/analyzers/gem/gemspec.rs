//! Specifications of installed gems.
//!
//! The files are Ruby code, which is never run. `RubyGems` writes one assignment a line, with literal values, and for its
//! own fast reading a comment with name, version and platform at the top, which is taken where an assignment has no
//! literal, as in specifications that were written by hand.
//!
//! Source: `Gem::Specification#to_ruby` and `Gem::StubSpecification`, <https://github.com/rubygems/rubygems>.

use crate::analyzer::{Extract, File};
use sekisho_model::{License, PackageFacts, PackageKind};

/// Reads one specification.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut stub = text.lines().find_map(|line| line.strip_prefix("# stub: ")).unwrap_or_default().split(' ');
    let mut stub = || stub.next().filter(|text| !text.is_empty()).map(str::to_owned);
    let [stub_name, stub_version, stub_platform] = [stub(), stub(), stub()];
    let value = |field: &str| text.lines().find_map(|line| assigned(line, field));
    let one = |field: &str| value(field).and_then(|value| literals(value).into_iter().next());
    let (Some(name), Some(version)) = (one("name").or(stub_name), one("version").or(stub_version)) else {
        // Where this file lies, RubyGems has installed a gem.
        return Extract::failed(file.malformed("is a gem specification without a name or a version"));
    };
    let licenses = value("licenses").or_else(|| value("license")).map(literals).unwrap_or_default();
    let authors = value("authors").or_else(|| value("author")).map(literals).unwrap_or_default();
    let platform = one("platform").or(stub_platform).filter(|platform| platform != "ruby");
    let package = PackageFacts {
        licenses: licenses.iter().filter_map(|license| License::parse(license)).collect(),
        supplier: Some(authors.join(", ")).filter(|authors| !authors.is_empty()),
        extra: platform.map(|platform| ("platform".to_owned(), platform)).into_iter().collect(),
        ..PackageFacts::new(PackageKind::Gem, name, version)
    };
    Extract { packages: vec![package], ..Extract::default() }
}

/// What a line such as `  s.name = "rake".freeze` assigns to the field, if it is of that field.
fn assigned<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    let (receiver, rest) = line.trim_start().split_once('.')?;
    let is_variable = receiver.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let value = rest.strip_prefix(field)?.trim_start().strip_prefix('=')?;
    (is_variable && !value.starts_with(['=', '~', '>'])).then_some(value)
}

/// Literals read of one value: more licences or authors than any gem has.
const MAX_LITERALS: usize = 64;

/// The string literals of an expression: `"a"`, `'a'` and `%q{a}`, which old versions wrote.
fn literals(mut text: &str) -> Vec<String> {
    let mut out = Vec::new();
    while out.len() < MAX_LITERALS {
        let Some(at) = text.find(['"', '\'', '%', '#']) else { break };
        let (mark, rest) = text[at..].split_at(1);
        let (end, body) = match (mark, rest.as_bytes()) {
            ("\"", _) => ('"', rest),
            ("'", _) => ('\'', rest),
            ("%", [b'q' | b'Q', open, ..]) => match open {
                b'{' => ('}', &rest[2..]),
                b'<' => ('>', &rest[2..]),
                b'(' => (')', &rest[2..]),
                b'[' => (']', &rest[2..]),
                _ => break,
            },
            // The rest is a comment.
            ("#", _) => break,
            _ => {
                text = rest;
                continue;
            }
        };
        let Some((literal, after)) = literal(body, end) else { break };
        text = after;
        if !literal.is_empty() {
            out.push(literal);
        }
    }
    out
}

/// A literal up to `end`, and what follows it. Only between double quotes have escapes a meaning beyond the character
/// behind the backslash.
fn literal(text: &str, end: char) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let at = rest.find([end, '\\'])?;
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let after = &rest[at + 1..];
        if rest[at..].starts_with(end) {
            return Some((String::from_utf8_lossy(&bytes).into_owned(), after));
        }
        rest = escaped(after, end == '"', &mut bytes);
    }
}

/// Adds what the escape stands for whose backslash is before `text`; returns what follows it.
fn escaped<'a>(text: &'a str, double: bool, bytes: &mut Vec<u8>) -> &'a str {
    let mut characters = text.chars();
    let first = characters.next();
    let rest = characters.as_str();
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let number = match first.filter(|_| double) {
        Some('u') if rest.starts_with('{') => {
            let end = rest.bytes().take(8).position(|byte| byte == b'}');
            end.and_then(|end| Some((char::from_u32(hex(&rest[1..end])?)?, &rest[end + 1..])))
        }
        Some('u') => rest.get(..4).and_then(|digits| Some((char::from_u32(hex(digits)?)?, &rest[4..]))),
        Some('x') => {
            if let Some(byte) = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                bytes.push(byte);
                return &rest[2..];
            }
            None
        }
        Some('n' | 't' | 'r' | 'e' | 's') => Some((' ', rest)),
        _ => None,
    };
    let (character, rest) = match (number, first) {
        (Some((character, rest)), _) => (character, rest),
        (None, Some(first)) => (first, rest),
        (None, None) => return rest,
    };
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

#[cfg(test)]
mod tests {
    use super::super::INSTALLED;
    use super::*;
    use crate::testing;
    use sekisho_model::Level;

    const PATH: &str = "var/lib/gems/3.1.0/specifications/x-1.gemspec";

    fn one(text: &str) -> PackageFacts {
        let extract = testing::run(&INSTALLED, PATH, text.as_bytes());
        assert_eq!(extract.diagnostics, [], "{text}");
        let [package] = extract.packages.try_into().unwrap();
        package
    }

    #[test]
    fn goldens() {
        testing::goldens(&INSTALLED, "src/analyzers/gem/fixtures/installed");
    }

    #[test]
    fn each_way_to_write_a_specification_is_read() {
        let text = "# stub: no 0 java lib\nGem::Specification.new do |s|\n  s.name = %q{a-b}\n  s.version = \
                    Gem::Version.new('1.2')\n  s.name == \"no\"\n  s.license = \"MIT\"\n  s.author = \"J\\u00F6rg \\\"J\\\" \\xC3\\xA9\" # \"no\"\n";
        let expect = PackageFacts {
            licenses: vec![License::Expression("MIT".into())],
            supplier: Some("Jörg \"J\" é".into()),
            extra: vec![("platform".into(), "java".into())],
            ..PackageFacts::new(PackageKind::Gem, "a-b", "1.2")
        };
        assert_eq!(one(text), expect);
        let by_hand =
            "# -*- encoding: utf-8 -*-\n# stub: x 2.0 ruby lib\nspec.name = NAME\nspec.version = X::VERSION\n";
        assert_eq!(one(by_hand), PackageFacts::new(PackageKind::Gem, "x", "2.0"));
        let two =
            one("s.name='x'\ns.version = '1'\ns.version_of = '3'\ns.licenses = ['Ruby'.freeze, \"BSD-2-Clause\"]\n");
        assert_eq!(two.licenses.len(), 2);
        assert_eq!(two.version, "1");
    }

    #[test]
    fn a_specification_without_a_version_is_incomplete() {
        for text in
            ["", "s.name = \"x\"", "s.name = \"x\"\ns.version = \"1", "# stub: x", "s.name = \"\"\ns.version = '1'"]
        {
            let extract = testing::run(&INSTALLED, PATH, text.as_bytes());
            assert!(extract.packages.is_empty(), "{text}");
            assert_eq!(extract.diagnostics[0].level, Level::Incomplete, "{text}");
        }
    }

    #[test]
    fn long_lines_take_no_time() {
        for piece in ["\"a\",", "%q", "\\", "'\\", "%q{\\u{", "\"\\u{"] {
            let text = format!("s.name = \"x\"\ns.version = \"1\"\ns.authors = [{}", piece.repeat(1_000_000));
            one(&text);
        }
    }
}
