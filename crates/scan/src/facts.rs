//! What is kept of a layer once it has been read: enough to lay it over others without its bytes.

use sekisho_base::PathTable;
use sekisho_model::{Diagnostic, Digest};
use sekisho_sbom::Extract;
use serde::{Deserialize, Serialize};

/// What an analyzer found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileFacts {
    pub(crate) path: String,
    /// [`sekisho_sbom::Analyzer::id`].
    pub(crate) analyzer: String,
    pub(crate) extract: Extract,
}

/// A symbolic link that may stand between a package and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) path: String,
    /// From the root, resolved against the link's directory.
    pub(crate) target: String,
}

/// Everything the scan keeps of one layer, or of one directory tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerFacts {
    /// Digest of the plain bytes; `None` when they could not all be read.
    pub(crate) diff_id: Option<Digest>,
    pub(crate) plain_bytes: u64,
    /// Bytes as they are stored; what a registry's manifest says of them has to be this.
    pub(crate) stored_bytes: u64,
    pub(crate) entries: u64,
    /// About how many bytes of memory all that follows takes.
    pub(crate) weight: u64,
    pub(crate) files: Vec<FileFacts>,
    pub(crate) links: Vec<Link>,
    /// Every entry, directories with a trailing slash, in the order of the archive.
    pub(crate) paths: PathTable,
    /// Devices, which not every engine makes.
    pub(crate) devices: Vec<String>,
    /// Paths that are gone, with all below them.
    pub(crate) removed: Vec<String>,
    /// Directories whose former content is gone.
    pub(crate) opaque: Vec<String>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl LayerFacts {
    /// Forgets all but what the layer is and weighed; false where that was done before.
    pub(crate) fn forget(&mut self) -> bool {
        let rest = Self {
            diff_id: self.diff_id,
            plain_bytes: self.plain_bytes,
            stored_bytes: self.stored_bytes,
            entries: self.entries,
            weight: self.weight,
            ..Self::default()
        };
        std::mem::replace(self, rest) != *self
    }
}
