//! `conanfile.txt`: sections in brackets with a reference on each line.
//!
//! Source: <https://docs.conan.io/2/reference/conanfile_txt.html>.

use super::package;
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::Locked;
use sekisho_model::{PackageFacts, PackageKind};

/// Reads one list of requirements. A range of versions is listed without a version, as nobody can say from it what is used.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Conan).may_be_empty();
    let (mut dev, mut unusable, mut in_section) = (None, 0, false);
    for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            in_section = true;
            unusable += u64::from(section.is_empty());
            dev = match section {
                "requires" => Some(false),
                "build_requires" | "tool_requires" | "test_requires" => Some(true),
                _ => None,
            };
            continue;
        }
        let Some(dev) = dev else {
            unusable += u64::from(!in_section);
            continue;
        };
        // A comment has a space before its sign, a revision has none.
        let reference = line.split(" #").next().unwrap_or(line);
        match package(&locked, reference) {
            Some(facts) => locked.add(PackageFacts { dev, direct: Some(true), ..facts }),
            None => unusable += 1,
        }
    }
    locked.unusable(unusable);
    locked.finish()
}
