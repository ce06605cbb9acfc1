//! SBOMs that lie in an image: of what a package was built from, as wheels (PEP 770), the components of Bitnami and the
//! packages of Wolfi carry them, or of all of it.
//!
//! They are read as `scan sbom` reads them, and say what somebody wrote: their packages are `declared`. Those that another
//! file tells of are left out by the scan ([`crate::merge::Told`]), which sees all files. What a document leaves open (a
//! component without a version, that it is not the whole) hides nothing that would be known without it, and is a note; one
//! that cannot be read makes the result incomplete.

use crate::analyzer::{Analyzer, Extract, File};
use crate::purl::purl_of;
use crate::read::read;
use jiff::Timestamp;
use sekisho_model::{Code, Diagnostic, Evidence, Level, Package, PackageFacts, PackageKind};

/// The extra of a package with the SBOM in the image that names it.
pub const NAMED_BY: &str = "sbom";

/// The extra of a package with its package URL, where an SBOM has one that does not follow from the rest.
pub(crate) const PURL: &str = "purl";

/// Where packages of melange leave an SBOM of themselves, which also names the recipe and the sources they were built of.
const OF_APK: &str = "var/lib/db/sbom/";

/// Reads SBOMs.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "sbom",
    title: "SBOMs (CycloneDX, SPDX 2 and Syft's own form, as JSON), of packages that nothing else tells of",
    kinds: PackageKind::ALL,
    version: 2,
    paths: &["**/*.spdx.json", "**/*.spdx", "**/*.cdx.json", "**/*.cdx", "**/*.dist-info/sboms/*.json"],
    alike: |a, b| a == b,
    run,
    ..Analyzer::NONE
};

fn run(file: &File<'_>) -> Extract {
    let bytes = match file.bytes() {
        Ok(bytes) => bytes,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    // When a document was made is not asked here.
    let inventory = match read(&bytes, file.path, Timestamp::UNIX_EPOCH, file.limits) {
        Some(Ok(inventory)) => inventory,
        Some(Err(error)) => return Extract::failed(file.malformed(format_args!("is an SBOM, but {error}"))),
        None => return Extract::failed(other(file, &bytes)),
    };
    let told = inventory.diagnostics.into_iter().filter(|told| told.level == Level::Incomplete);
    let diagnostics = told.map(|told| match told.code {
        Code::LimitExceeded => told,
        _ => Diagnostic { level: Level::Note, ..told },
    });
    let is_of_apk = file.directory().ends_with(OF_APK.trim_end_matches('/'));
    let packages = inventory.packages.into_iter().map(|package| declared(package, file.path));
    Extract {
        packages: packages.filter(|facts| !is_of_apk || facts.kind != PackageKind::Generic).collect(),
        diagnostics: diagnostics.collect(),
        ..Extract::default()
    }
}

/// What is kept of a package that the SBOM at `path` names.
fn declared(package: Package, path: &str) -> PackageFacts {
    let Package { purl, mut facts, .. } = package;
    facts.evidence = Evidence::Declared;
    facts.extra.retain(|(key, _)| key != NAMED_BY && key != PURL);
    if purl_of(&facts, None).ok().as_ref() != Some(&purl) {
        facts.extra.push((PURL.to_owned(), purl.as_str().to_owned()));
    }
    facts.extra.push((NAMED_BY.to_owned(), path.to_owned()));
    facts.extra.sort();
    facts
}

/// What there is to say of a file that is no SBOM of a form that is read.
fn other(file: &File<'_>, bytes: &[u8]) -> Diagnostic {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let of_other_form = text.starts_with(b"<") || text.starts_with(b"SPDXVersion") || text.starts_with(b"#");
    if of_other_form {
        return file.malformed("is an SBOM as XML or tag-value text, which is not read");
    }
    // Other programs have files of these names as well.
    let is_json = file.path.rsplit('.').next() == Some("json");
    if !is_json && !text.is_empty() && !text.starts_with(b"{") {
        return file.skipped("is named as an SBOM, and is none");
    }
    file.malformed(
        "is named as an SBOM, and is no whole one of a form that is read: CycloneDX, SPDX 2 or Syft's, as JSON",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/embedded/fixtures");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let level = |path: &str, text: &str| {
            let extract = testing::run(&ANALYZER, path, text.as_bytes());
            assert!(extract.packages.is_empty(), "{path}: {text}");
            extract.diagnostics[0].level
        };
        let cyclonedx = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": ["#;
        for (path, text) in [
            ("a.cdx.json", ""),
            ("a.cdx.json", cyclonedx),
            ("a.cdx.json", "{}"),
            ("a.cdx.json", r#"{"bomFormat": "CycloneDX", "specVersion": "9.0"}"#),
            ("a.spdx.json", r#"{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}"#),
            ("a.spdx.json", "version https://git-lfs.github.com/spec/v1\n"),
            ("a.spdx", "SPDXVersion: SPDX-2.3\nPackageName: a\n"),
            ("a.spdx", "## made by x\nSPDXVersion: SPDX-2.3\n"),
            ("a.cdx", "<?xml version=\"1.0\"?><bom/>"),
            ("a-1.dist-info/sboms/a.json", "[]"),
        ] {
            assert_eq!(level(path, text), Level::Incomplete, "{path}: {text}");
        }
        // A drawing of ChemDraw.
        assert_eq!(level("a.cdx", "VjCD0100\u{4}\u{3}\u{2}\u{1}"), Level::Note);
        assert_eq!(level("a.cdx.json", r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#), Level::Note);
    }

    #[test]
    fn what_a_document_leaves_open_is_a_note() {
        let text = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6",
            "compositions": [{"aggregate": "incomplete"}],
            "components": [
                {"type": "library", "name": "a", "purl": "pkg:npm/a"},
                {"type": "library", "name": "b", "version": "1"},
                {"type": "library", "name": "c", "version": "1", "purl": "pkg:deb/debian/c@1?distro=debian-12"}]}"#;
        let extract = testing::run(&ANALYZER, "a.cdx.json", text.as_bytes());
        assert!(!extract.diagnostics.is_empty());
        assert!(extract.diagnostics.iter().all(|told| told.level == Level::Note), "{:?}", extract.diagnostics);
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, "@")).collect();
        assert_eq!(
            lines,
            [
                "c@1 purl=pkg:deb/debian/c@1?distro=debian-12 sbom=a.cdx.json",
                "a@ sbom=a.cdx.json",
                "b@1 sbom=a.cdx.json"
            ]
        );
        assert!(extract.packages.iter().all(|facts| facts.evidence == Evidence::Declared));
        let again = purl_of(&extract.packages[0], None).unwrap();
        assert_eq!(again.as_str(), "pkg:deb/debian/c@1?distro=debian-12");
    }

    #[test]
    fn limits_hold() {
        let entry = r#"{"type": "library", "name": "a", "version": "#;
        let many: Vec<String> = (0..20).map(|number| format!(r#"{entry}"{number}"}}"#)).collect();
        let text = format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}}"#, many.join(","));
        let limits = sekisho_base::Limits { records: 5, ..Default::default() };
        let extract = run(&File { path: "a.cdx.json", data: &text.as_bytes(), limits: &limits });
        assert_eq!(extract.packages.len(), 5);
        assert!(extract.diagnostics.iter().any(|told| told.level == Level::Incomplete), "{:?}", extract.diagnostics);
        for end in 0..text.len() {
            let cut = testing::run(&ANALYZER, "a.cdx.json", &text.as_bytes()[..end]);
            assert!(cut.diagnostics.iter().any(|told| told.level == Level::Incomplete), "cut at {end}");
        }
    }
}
