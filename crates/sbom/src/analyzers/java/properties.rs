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
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!'])) {
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        let field = match key.trim() {
            "groupId" => &mut found.group,
            "artifactId" => &mut found.artifact,
            "version" => &mut found.version,
            _ => continue,
        };
        *field = unescaped(value.trim()).into_owned();
    }
    found
}

/// A backslash keeps what follows from meaning anything.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        out.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    Cow::Owned(out)
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
        assert!(is_coordinate("1.0-SNAPSHOT") && !is_coordinate("${project.version}") && !is_coordinate("a b"));
    }
}
