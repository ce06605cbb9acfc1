//! Whiteouts: how a layer says that something of the layers below is gone
//! (OCI image specification, "Image Layer Filesystem Changeset").

use crate::path;

/// What an entry's name says about the layers below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whiteout<'a> {
    /// The entry at this path, and all below it, is gone.
    Remove {
        /// The directory, empty at the root.
        directory: &'a str,
        /// The name in it.
        name: &'a str,
    },
    /// Everything in this directory is gone; the directory stays.
    Opaque {
        /// The directory, empty at the root.
        directory: &'a str,
    },
    /// Bookkeeping of the AUFS driver that is no part of the file system.
    Metadata,
}

const PREFIX: &str = ".wh.";

impl<'a> Whiteout<'a> {
    /// Reads the path of an entry; `None` for an ordinary one.
    pub fn of(entry: &'a str) -> Option<Self> {
        let directory = path::parent(entry).unwrap_or_default();
        let name = entry.rsplit('/').next().unwrap_or_default();
        // AUFS keeps its directories (`.wh..wh.plnk`) in the root; such names elsewhere are ordinary. So is what
        // lies below them: containerd goes by the last component alone and unpacks it.
        if directory.is_empty() && name.starts_with(".wh..wh.") && name != ".wh..wh..opq" {
            return Some(Self::Metadata);
        }
        let hidden = name.strip_prefix(PREFIX)?;
        Some(match hidden {
            ".wh..opq" => Self::Opaque { directory },
            "" => Self::Metadata,
            name => Self::Remove { directory, name },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_specification_says() {
        assert_eq!(Whiteout::of("a/.wh.b"), Some(Whiteout::Remove { directory: "a", name: "b" }));
        assert_eq!(Whiteout::of(".wh.b"), Some(Whiteout::Remove { directory: "", name: "b" }));
        assert_eq!(Whiteout::of("a/.wh..wh..opq"), Some(Whiteout::Opaque { directory: "a" }));
        assert_eq!(Whiteout::of(".wh..wh.plnk"), Some(Whiteout::Metadata));
        assert_eq!(Whiteout::of(".wh..wh.plnk/1.2"), None);
        assert_eq!(Whiteout::of(".wh..wh.aufs"), Some(Whiteout::Metadata));
        assert_eq!(Whiteout::of("a/.wh."), Some(Whiteout::Metadata));
        assert_eq!(Whiteout::of("a/.wh..wh.x/package.json"), None);
        assert_eq!(Whiteout::of("a/.wh..wh.x"), Some(Whiteout::Remove { directory: "a", name: ".wh.x" }));
        assert_eq!(Whiteout::of(".wh..wh..opq"), Some(Whiteout::Opaque { directory: "" }));
        assert_eq!(Whiteout::of("a/wh.b"), None);
    }
}
