//! `packages.config`, by which NuGet 2 knew the packages of a project, those that others need among them.
//! (<https://learn.microsoft.com/nuget/reference/packages-config>.)

use crate::analyzer::{Extract, File};
use sekisho_base::limits::LimitKey;
use sekisho_base::xml::{self, Node};
use sekisho_model::{Evidence, PackageFacts, PackageKind};

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let (mut packages, mut unusable, mut over_limit) = (Vec::new(), 0_u64, false);
    let outcome = xml::read(text.strip_prefix('\u{feff}').unwrap_or(&text), |node| {
        let Node::Open("package", attributes) = node else { return };
        let (name, version) = (attributes.get("id"), attributes.get("version"));
        if name.is_empty() || version.is_empty() {
            unusable += 1;
        } else if packages.len() >= file.limits.records {
            over_limit = true;
        } else {
            let dev = attributes.get("developmentDependency").eq_ignore_ascii_case("true");
            let facts = PackageFacts::new(PackageKind::Nuget, name, version);
            packages.push(PackageFacts { evidence: Evidence::Declared, dev, ..facts });
        }
    });
    let mut diagnostics: Vec<_> = file.of_kind(outcome, &text, "packages").into_iter().collect();
    if over_limit {
        diagnostics.push(file.exceeded(LimitKey::Records, "packages"));
    }
    if unusable > 0 {
        diagnostics.push(file.malformed(format_args!("{unusable} packages have no id or no version")));
    }
    Extract { packages, diagnostics, ..Extract::default() }
}
