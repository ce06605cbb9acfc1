//! What a registry, or a directory in the OCI layout, calls something.

use sekisho_model::{ImageRef, InvalidImageRef, is_tag};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where an artifact lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a registry.
    Registry(ImageRef),
    /// In a directory in the OCI layout: `oci:DIRECTORY[:TAG]`.
    Layout {
        /// The directory.
        directory: PathBuf,
        /// `latest` where nothing is said.
        tag: String,
    },
}

/// What an image is called on the command lines of docker and podman: [`ImageRef::familiar`], also with `docker://` or
/// `registry:` before it.
pub fn image_named(text: &str) -> Result<ImageRef, InvalidImageRef> {
    ImageRef::familiar(forced(text).unwrap_or(text)).map_err(|error| InvalidImageRef { text: text.to_owned(), ..error })
}

/// What follows a prefix that says that a text is a reference and no path. `registry:2` is not one of these: that is the
/// image `registry` with one of its tags.
pub(crate) fn forced(text: &str) -> Option<&str> {
    let of_image = |rest: &&str| *rest == "latest" || rest.starts_with(|first: char| first.is_ascii_digit());
    let registry = || text.strip_prefix("registry:").filter(|rest| rest.contains(['/', ':']) || !of_image(rest));
    text.strip_prefix("docker://").or_else(registry)
}

impl FromStr for Place {
    type Err = InvalidImageRef;

    fn from_str(text: &str) -> Result<Self, InvalidImageRef> {
        let Some(rest) = text.strip_prefix("oci:") else { return text.parse().map(Self::Registry) };
        let refused = |reason| InvalidImageRef { text: text.to_owned(), reason };
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
    fn images_are_named_as_on_other_command_lines() {
        let check = |text: &str, shown: &str| {
            assert_eq!(image_named(text).map(|it| it.to_string()), Ok(shown.to_owned()), "{text}");
        };
        check("nginx", "docker.io/library/nginx:latest");
        check("docker://nginx", "docker.io/library/nginx:latest");
        check("registry:nginx", "docker.io/library/nginx:latest");
        check("registry:h.x/a:1", "h.x/a:1");
        check("registry:2", "docker.io/library/registry:2");
        check("registry:registry:2", "docker.io/library/registry:2");
        for text in ["", "Nginx", "docker://", "./nginx"] {
            assert_eq!(image_named(text).unwrap_err().text, text);
        }
    }

    #[test]
    fn layouts_are_named_by_directory_and_tag() {
        let layout = |directory: &str, tag: &str| Place::Layout { directory: directory.into(), tag: tag.into() };
        assert_eq!("oci:a/b".parse(), Ok(layout("a/b", "latest")));
        assert_eq!("oci:/a:b/c:1".parse(), Ok(layout("/a:b/c", "1")));
        assert_eq!("oci:/a:b/c".parse(), Ok(layout("/a:b/c", "latest")));
        assert!("oci:".parse::<Place>().is_err() && "oci:a:".parse::<Place>().is_err());
    }
}
