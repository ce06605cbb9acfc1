//! What a registry calls an image.

use crate::digest::Digest;
use std::fmt;
use std::str::FromStr;

/// `registry.example.org/team/advisories:today`, by the grammar of the distribution specification
/// (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>). The registry is always
/// named: what a name without one means differs from tool to tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    /// Host, and port where one is named.
    pub registry: String,
    /// `team/advisories`
    pub repository: String,
    /// What follows a colon; `latest` where nothing is said, and empty where there is only a digest.
    pub tag: String,
    /// What follows an `@`; the content is held to it.
    pub digest: Option<Digest>,
}

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} {reason}")]
pub struct InvalidImageRef {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Whether a registry takes the text as a tag.
pub fn is_tag(text: &str) -> bool {
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

impl ImageRef {
    /// What an image is called in manifests and on command lines: as the grammar has it, also without a registry
    /// (`nginx` is `docker.io/library/nginx:latest`)
    /// (<https://github.com/distribution/reference/blob/main/normalize.go>).
    pub fn familiar(name: &str) -> Result<Self, InvalidImageRef> {
        let whole = if name.starts_with("index.docker.io/") {
            name.replacen("index.", "", 1)
        } else if Self::names_registry(name) {
            name.to_owned()
        } else {
            format!("docker.io/{name}")
        };
        let mut reference: Self =
            whole.parse().map_err(|error: InvalidImageRef| InvalidImageRef { text: name.to_owned(), ..error })?;
        if reference.registry == "docker.io" && !reference.repository.contains('/') {
            reference.repository.insert_str(0, "library/");
        }
        Ok(reference)
    }

    fn names_registry(name: &str) -> bool {
        name.split_once('/').is_some_and(|(first, _)| first == "localhost" || first.contains(['.', ':']))
    }

    /// A name as people write it without tag and digest, where it names no registry: what that means is up to an engine.
    pub fn short_name(name: &str) -> Option<&str> {
        let bare = name.split_once('@').map_or(name, |(bare, _)| bare);
        (!Self::names_registry(name)).then(|| bare.split_once(':').map_or(bare, |(bare, _)| bare))
    }

    /// The tag or digest by which a registry is asked for it.
    pub fn wanted(&self) -> String {
        self.digest.as_ref().map_or_else(|| self.tag.clone(), ToString::to_string)
    }
}

impl FromStr for ImageRef {
    type Err = InvalidImageRef;

    fn from_str(text: &str) -> Result<Self, InvalidImageRef> {
        let refused = |reason| InvalidImageRef { text: text.to_owned(), reason };
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
        let begins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'[';
        if !is_host || !host.bytes().next().is_some_and(begins) || !registry.bytes().all(plain) {
            return Err(refused("names no registry: HOST[:PORT]/NAME[:TAG]"));
        }
        let (repository, tag) = match (rest.split_once(':'), &digest) {
            (Some((repository, tag)), _) => (repository, Some(tag)),
            (None, None) => (rest, Some("latest")),
            (None, Some(_)) => (rest, None),
        };
        if repository.len() > 255 || !repository.split('/').all(is_component) {
            return Err(refused("has a name that no registry takes: small letters, digits and . _ - between them"));
        }
        if !tag.is_none_or(is_tag) {
            return Err(refused("has a tag that no registry takes"));
        }
        let tag = tag.unwrap_or_default().to_owned();
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if !self.tag.is_empty() {
            write!(f, ":{}", self.tag)?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn familiar_names_are_those_of_docker() {
        let check = |text: &str, shown: &str| {
            assert_eq!(ImageRef::familiar(text).map(|it| it.to_string()), Ok(shown.to_owned()), "{text}");
        };
        check("nginx", "docker.io/library/nginx:latest");
        check("nginx:1.27", "docker.io/library/nginx:1.27");
        check("registry:2", "docker.io/library/registry:2");
        check("docker.io/nginx", "docker.io/library/nginx:latest");
        check("index.docker.io/team/app", "docker.io/team/app:latest");
        check("team/app", "docker.io/team/app:latest");
        check("localhost/app", "localhost/app:latest");
        check("h.x/app:1", "h.x/app:1");
        check("h:5000/app", "h:5000/app:latest");
        let digest = format!("sha256:{}", "a".repeat(64));
        check(&format!("nginx@{digest}"), &format!("docker.io/library/nginx@{digest}"));
        for text in ["", "Nginx", "./nginx", "/nginx", "a b", "-", "h.x/", "a:b:c", "nginx@sha256:1", "docker://nginx"]
        {
            assert!(ImageRef::familiar(text).is_err(), "{text}");
        }
    }

    #[test]
    fn short_names_are_without_tag_and_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, short) in [
            ("nginx", Some("nginx")),
            ("nginx:1.27", Some("nginx")),
            (&format!("team/app:1@{digest}"), Some("team/app")),
            ("docker.io/nginx", None),
            ("localhost/app:1", None),
            ("h:5000/app", None),
        ] {
            assert_eq!(ImageRef::short_name(text), short, "{text}");
        }
    }

    #[test]
    fn references_are_read_as_the_specification_has_them() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, shown) in [
            ("r.example.org/a", "r.example.org/a:latest"),
            ("localhost/a/b__c:1.2-x", "localhost/a/b__c:1.2-x"),
            ("h:5000/a--b/c.d", "h:5000/a--b/c.d:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            (&format!("h.x/a:t@{digest}"), &format!("h.x/a:t@{digest}")),
            (&format!("h.x/a@{digest}"), &format!("h.x/a@{digest}")),
        ] {
            assert_eq!(text.parse::<ImageRef>().unwrap().to_string(), *shown);
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
            "./a",
            "../a",
        ] {
            assert!(text.parse::<ImageRef>().is_err(), "{text}");
        }
    }
}
