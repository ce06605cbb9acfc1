//! VEX documents that lie in an image, by the names that Docker Scout and vexctl give them.
//!
//! They are kept as they are: what they mean is `advisory`'s, and whether they are believed the user's, since they are
//! what the image says of itself.

use crate::analyzer::{Analyzer, Extract, File};
use sekisho_model::{Diagnostic, Level};

/// Keeps VEX documents.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "vex",
    title: "VEX documents (kept, and believed with --vex embedded)",
    paths: &["**/*.vex.json", "**/*.openvex.json", "**/vex.json"],
    run,
    ..Analyzer::NONE
};

fn run(file: &File<'_>) -> Extract {
    match file.text() {
        Ok(text) => Extract { documents: vec![text.into_owned()], ..Extract::default() },
        // No package can hide in it.
        Err(diagnostic) => Extract::failed(Diagnostic { level: Level::Note, ..diagnostic }),
    }
}

#[cfg(test)]
mod tests {
    use super::ANALYZER;
    use crate::testing;

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/vex/fixtures");
    }
}
