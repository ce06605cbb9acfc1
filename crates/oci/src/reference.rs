//! What a registry, or a directory in the OCI layout, calls something.

use sekisho_model::Digest;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// `registry.example.org/team/advisories:today`, by the grammar of the distribution specification
/// (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>). The registry is always
/// named: what a name without one means differs from tool to tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, and port where one is named.
    pub registry: String,
    /// `team/advisories`
    pub repository: String,
    /// What follows a colon; `latest` where nothing is said.
    pub tag: String,
    /// What follows an `@`; the content is held to it.
    pub digest: Option<Digest>,
}

/// Where an artifact lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a registry.
    Registry(Reference),
    /// In a directory in the OCI layout: `oci:DIRECTORY[:TAG]`.
    Layout {
        /// The directory.
        directory: PathBuf,
        /// `latest` where nothing is said.
        tag: String,
    },
}

/// A text that names no place of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {reason}")]
pub struct InvalidReference {
    text: String,
    reason: &'static str,
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    text.len() <= 128 && bytes.next().is_some_and(word) && bytes.all(|byte| word(byte) || b".-".contains(&byte))
}

/// Words of small letters and digits, parted by one dot, one or two underscores, or dashes.
fn is_component(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = text.split(|char: char| char.is_ascii() && word(char as u8)).filter(|part| !part.is_empty());
    let edge = |byte: Option<u8>| byte.is_some_and(word);
    edge(text.bytes().next())
        && edge(text.bytes().last())
        && separators.into_iter().all(|it| matches!(it, "." | "_" | "__") || it.bytes().all(|byte| byte == b'-'))
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let refused = |reason| InvalidReference { text: text.to_owned(), reason };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                (name, Some(digest.parse().map_err(|_| refused("has no digest of the form sha256:... behind the @"))?))
            }
            None => (text, None),
        };
        let (registry, rest) =
            name.split_once('/').ok_or_else(|| refused("names no registry: HOST[:PORT]/NAME[:TAG]"))?;
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        let is_host = registry == "localhost" || registry.contains(['.', ':']);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if !is_host || host.is_empty() || !registry.bytes().all(plain) {
            return Err(refused("names no registry: HOST[:PORT]/NAME[:TAG]"));
        }
        let (repository, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
        if repository.len() > 255 || !repository.split('/').all(is_component) {
            return Err(refused("has a name that no registry takes: small letters, digits and . _ - between them"));
        }
        if !is_tag(tag) {
            return Err(refused("has a tag that no registry takes"));
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag: tag.to_owned(), digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)?;
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Place {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let Some(rest) = text.strip_prefix("oci:") else { return text.parse().map(Self::Registry) };
        let refused = |reason| InvalidReference { text: text.to_owned(), reason };
        let (directory, tag) = match rest.rsplit_once(':') {
            Some((directory, tag)) if !tag.contains('/') => (directory, tag),
            _ => (rest, "latest"),
        };
        if directory.is_empty() {
            return Err(refused("names no directory: oci:DIRECTORY[:TAG]"));
        }
        if !is_tag(tag) {
            return Err(refused("has a tag that no registry takes"));
        }
        Ok(Self::Layout { directory: directory.into(), tag: tag.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Layout { directory, tag } => write!(f, "oci:{}:{tag}", directory.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_the_specification_has_them() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, shown) in [
            ("r.example.org/a", "r.example.org/a:latest"),
            ("localhost/a/b__c:1.2-x", "localhost/a/b__c:1.2-x"),
            ("h:5000/a--b/c.d", "h:5000/a--b/c.d:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            (&format!("h.x/a:t@{digest}"), &format!("h.x/a:t@{digest}")),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), *shown);
        }
        for text in [
            "",
            "a",
            "a/b",
            "h.x/",
            "h.x/A",
            "h.x/a:",
            "h.x/a:.x",
            "h.x/a__",
            "h.x/a___b",
            "h.x//a",
            "h.x/a..b",
            "h.x/a@sha256:0",
            "https://h.x/a",
            "me:secret@h.x/a",
            "h.x/a?b",
            "/a",
            ":5000/a",
            "h x.y/a",
            "h.x/../a",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        let layout = |directory: &str, tag: &str| Place::Layout { directory: directory.into(), tag: tag.into() };
        assert_eq!("oci:a/b".parse(), Ok(layout("a/b", "latest")));
        assert_eq!("oci:/a:b/c:1".parse(), Ok(layout("/a:b/c", "1")));
        assert_eq!("oci:/a:b/c".parse(), Ok(layout("/a:b/c", "latest")));
        assert!("oci:".parse::<Place>().is_err() && "oci:a:".parse::<Place>().is_err());
    }
}
