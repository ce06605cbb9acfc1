//! What tests share.

use std::path::{Path, PathBuf};

/// A folder of the shared corpus, which lies beside the workspace, or beside a directory that holds several.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = ancestors.map(|above| above.join("shared/corpus").join(name)).find(|folder| folder.is_dir());
    if found.is_none() {
        println!("SKIP: there is no shared/corpus/{name} beside the workspace");
    }
    found
}
