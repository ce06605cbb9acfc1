//! The headers of core metadata (`METADATA`, `PKG-INFO`): `Name: value` lines, where a line that
//! begins with white space continues the one before, ended by the first blank line. What follows is
//! the description and is not looked at.
//!
//! All versions of the format (1.0 to 2.5) share this form:
//! <https://packaging.python.org/en/latest/specifications/core-metadata/>.

use std::borrow::Cow;

/// The headers that say something of a package, as written; the lines of a folded one are joined by
/// line feeds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata<'a> {
    /// `Metadata-Version`: only tells core metadata from other text.
    pub(super) version_of_format: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) license_expression: Option<Cow<'a, str>>,
    pub(super) license: Option<Cow<'a, str>>,
    pub(super) author: Option<Cow<'a, str>>,
    pub(super) author_email: Option<Cow<'a, str>>,
    pub(super) maintainer: Option<Cow<'a, str>>,
    pub(super) maintainer_email: Option<Cow<'a, str>>,
    /// Trove classifiers of licences, at most [`MAX_CLASSIFIERS`].
    pub(super) classifiers: Vec<Cow<'a, str>>,
}

/// Licence classifiers kept of one package: more than any has.
const MAX_CLASSIFIERS: usize = 64;

impl<'a> Metadata<'a> {
    /// Stores a header and gives its value, to be continued by folded lines; `None` for headers that
    /// are not wanted. Of a repeated header the first counts, as in Python's own reader.
    fn insert(&mut self, name: &str, value: &'a str) -> Option<&mut Cow<'a, str>> {
        let slot = match name.to_ascii_lowercase().as_str() {
            "metadata-version" => &mut self.version_of_format,
            "name" => &mut self.name,
            "version" => &mut self.version,
            "license-expression" => &mut self.license_expression,
            "license" => &mut self.license,
            "author" => &mut self.author,
            "author-email" => &mut self.author_email,
            "maintainer" => &mut self.maintainer,
            "maintainer-email" => &mut self.maintainer_email,
            "classifier" if value.starts_with("License ::") && self.classifiers.len() < MAX_CLASSIFIERS => {
                self.classifiers.push(value.into());
                return self.classifiers.last_mut();
            }
            _ => return None,
        };
        match slot {
            Some(_) => None,
            None => Some(slot.insert(value.into())),
        }
    }
}

/// Parses the headers at the start of `text`. Lines that are no header are passed over.
pub(super) fn parse(text: &str) -> Metadata<'_> {
    let mut metadata = Metadata::default();
    let mut value: Option<&mut Cow<'_, str>> = None;
    for line in lines(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some(value) = &mut value {
                let value = value.to_mut();
                value.push('\n');
                value.push_str(line.trim());
            }
            continue;
        }
        value = match line.split_once(':') {
            Some((name, first)) => metadata.insert(name, first.trim()),
            None => None,
        };
    }
    metadata
}

/// Lines with any of the ends that Python's reader of mail headers knows: CR, LF, or both.
fn lines(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\r', b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_to_the_first_blank_line() {
        let text = "\u{feff}Metadata-Version: 2.1\r\nNAME: x:y\r\nno header\r\nVersion:1.0\r\nLicense: a\r\n\tb\r\n        \r\n  c\r\n\
                    Description: no\r\n        Name: folded\r\nname: second\r\n not for the first\r\nClassifier: License :: A\r\nClassifier: B\r\n\r\nAuthor: body\r\n";
        let expect = Metadata {
            version_of_format: Some("2.1".into()),
            name: Some("x:y".into()),
            version: Some("1.0".into()),
            license: Some("a\nb\n\nc".into()),
            classifiers: vec!["License :: A".into()],
            ..Metadata::default()
        };
        assert_eq!(parse(text), expect);
    }

    #[test]
    fn lines_end_in_each_of_three_ways() {
        let expect = ["a", "b", "c", "", "d"];
        assert_eq!(lines("a\rb\nc\r\n\r\nd").collect::<Vec<_>>(), expect);
        let metadata = parse("Name: x\rVersion: 1\r\rAuthor: body");
        assert_eq!((metadata.name.as_deref(), metadata.version.as_deref()), (Some("x"), Some("1")));
        assert_eq!(metadata.author, None);
    }

    #[test]
    fn a_value_may_begin_on_the_next_line() {
        assert_eq!(parse("Name:\n x\n").name.as_deref().map(str::trim), Some("x"));
        assert_eq!(parse(" lost\nName: x").name.as_deref(), Some("x"));
    }
}
