//! `pom.properties`, which Maven's archiver puts into every archive it makes: a Java properties file with the keys
//! `groupId`, `artifactId` and `version`. (`java.util.Properties.load`; <https://maven.apache.org/shared/maven-archiver/>.)

use std::borrow::Cow;

/// The coordinates that a file names; empty where it does not.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

impl Coordinates {
    /// The name as `group:artifact`.
    pub(super) fn name(&self) -> String {
        match self.group.as_str() {
            "" => self.artifact.clone(),
            group => format!("{group}:{}", self.artifact),
        }
    }
}

/// Longer values are no coordinates.
const MAX_BYTES: usize = 1024;

/// Whether a text may stand in coordinates: nothing that a build was to replace, no white space.
pub(super) fn is_coordinate(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_BYTES
        && !text.contains(|c: char| c.is_whitespace() || "${}@:/\\\"<>".contains(c))
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Coordinates {
    let mut found = Coordinates::default();
    for line in logical_lines(text) {
        // The key ends at the first white space or sign that no backslash is before.
        let mut before = ' ';
        let is_end = |character: char| {
            let escaped = before == '\\';
            before = if escaped { ' ' } else { character };
            !escaped && matches!(character, '=' | ':' | ' ' | '\t' | '\x0c')
        };
        let (key, value) = line.split_at(line.find(is_end).unwrap_or(line.len()));
        let value = value.trim_start_matches(SPACE);
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim_start_matches(SPACE);
        let field = match &*unescaped(key) {
            "groupId" => &mut found.group,
            "artifactId" => &mut found.artifact,
            "version" => &mut found.version,
            _ => continue,
        };
        // Java keeps white space at the end of a value; Maven has none.
        unescaped(value).trim().clone_into(field);
    }
    found
}

/// What is no end of a line and has no meaning at the beginning of one.
const SPACE: [char; 3] = [' ', '\t', '\x0c'];

/// Lines without comments, each joined with the next where it ends in a backslash that no other takes its meaning from.
fn logical_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut lines = text.split(['\n', '\r']);
    std::iter::from_fn(move || {
        let mut whole: Option<String> = None;
        loop {
            let Some(line) = lines.next() else { return whole.map(Cow::Owned) };
            let line = line.trim_start_matches(SPACE);
            if line.is_empty() || whole.is_none() && line.starts_with(['#', '!']) {
                // The other half of the end of a line of Windows is no line.
                continue;
            }
            let goes_on = (line.len() - line.trim_end_matches('\\').len()) % 2 == 1;
            let part = if goes_on { &line[..line.len() - 1] } else { line };
            match (&mut whole, goes_on) {
                (None, false) => return Some(Cow::Borrowed(part)),
                (None, true) => whole = Some(part.to_owned()),
                (Some(whole), true) => whole.push_str(part),
                (Some(_), false) => return whole.map(|whole| Cow::Owned(whole + part)),
            }
        }
    })
}

/// A backslash keeps what follows from meaning anything, but for the letters of white space and `\u` with four digits of
/// a UTF-16 unit.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let meant = match (character, if character == '\\' { rest.next() } else { None }) {
            ('\\', Some('u')) => {
                let digits = rest.as_str().get(..4).unwrap_or_default();
                match u16::from_str_radix(digits, 16) {
                    Ok(unit) if !digits.starts_with('+') => {
                        units.push(unit);
                        rest = rest.as_str()[4..].chars();
                        continue;
                    }
                    _ => 'u',
                }
            }
            ('\\', Some('t')) => '\t',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('f')) => '\x0c',
            ('\\', None) => continue,
            ('\\', Some(other)) | (other, _) => other,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_read_as_java_reads_properties() {
        let text =
            "#Created by Apache Maven 3.8.7\n!\r\nversion=1.2\r\n groupId : org.example\nartifactId=a\\-b\nm2e=x\n";
        let found = parse(text);
        assert_eq!((found.name().as_str(), found.version.as_str()), ("org.example:a-b", "1.2"));
        assert_eq!(parse("nothing"), Coordinates::default());
        let text = "groupId=org.\\\n    example\r\n# c \\\nversion \\u0031\\u002e2\rarti\\u0066actId:\\u00e9\\ud83d\\ude00\\\\\nm=\\\nversion=9\n";
        let found = parse(text);
        assert_eq!((&*found.group, &*found.artifact, &*found.version), ("org.example", "é😀\\", "1.2"));
        assert_eq!(parse("version=1\\").version, "1");
        assert_eq!(parse("version=\\u12").version, "u12");
        assert_eq!(parse("version=\\u+123").version, "u+123");
        assert!(is_coordinate("1.0-SNAPSHOT") && !is_coordinate("${project.version}") && !is_coordinate("a b"));
    }
}
