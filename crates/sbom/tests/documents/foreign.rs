//! Documents of Trivy and of Syft, and what is said of those that say too little.

use super::round_trip::read;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_model::{Code, Inventory, Level, PackageKind, SourceKind};
use sekisho_sbom::read::ReadError;
use sekisho_sbom::{Dispatch, File};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/foreign");

pub(crate) fn fixtures() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(DATA).unwrap() {
        let path = entry.unwrap().path();
        if let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".json.zst") {
            let bytes = zstd::decode_all(&std::fs::read(&path).unwrap()[..]).unwrap();
            found.push((name.to_owned(), String::from_utf8(bytes).unwrap()));
        }
    }
    found.sort();
    assert!(found.len() > 15);
    found
}

/// What is in it, a line for each package.
fn lines(inventory: &Inventory) -> String {
    let Inventory { tool, source, image, os, complete, diagnostics, .. } = inventory;
    let mut text = format!("{} {} of {}, complete: {complete}\n", tool.name, tool.version, source.name);
    for told in diagnostics {
        writeln!(text, "{}: {told}", told.code).unwrap();
    }
    if let Some(os) = os {
        writeln!(text, "system {os:?}").unwrap();
    }
    if let Some(image) = image {
        let layers: Vec<_> = image.layers.iter().map(|layer| layer.diff_id).collect();
        writeln!(
            text,
            "image {:?} {} {} {layers:?} {:?}",
            image.names, image.config_digest, image.platform, image.labels
        )
        .unwrap();
    }
    for package in &inventory.packages {
        let facts = &package.facts;
        let source = facts.source.as_ref().map(|source| format!("{}@{}", source.name, source.version));
        writeln!(
            text,
            "{} {:?} {:?} {:?} at {:?} in {:?} {:?} {:?} {:?} owner {:?}\n    {}",
            facts.name,
            facts.version,
            facts.arch,
            source,
            package.location,
            package.layer,
            facts.evidence,
            facts.licenses.iter().map(sekisho_model::License::as_str).collect::<Vec<_>>(),
            facts.supplier,
            package.owned_by,
            package.purl,
        )
        .unwrap();
    }
    text
}

#[test]
fn goldens() {
    for (name, text) in fixtures() {
        let inventory = read(&text);
        assert_eq!(inventory.source.kind, SourceKind::Sbom);
        assert!(inventory.complete && inventory.packages.len() > 2, "{name}");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(DATA);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, lines(&inventory)));
    }
}

/// A distribution's packages as a matcher sees them.
fn system(packages: impl Iterator<Item = sekisho_model::PackageFacts>) -> BTreeSet<String> {
    packages
        .filter(|facts| facts.kind.is_os())
        .map(|facts| {
            let version = facts.version.strip_prefix("0:").unwrap_or(&facts.version);
            format!("{} {} {version} {:?} {:?}", facts.kind, facts.name, facts.arch, facts.source)
        })
        .collect()
}

/// What we find in a package database beside the documents' own.
fn scanned(path: &str, file: &str) -> BTreeSet<String> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analyzers").join(file);
    let mut bytes = std::fs::read(&fixture).unwrap();
    if fixture.extension().is_some_and(|extension| extension == "zst") {
        bytes = zstd::decode_all(&bytes[..]).unwrap();
    }
    let dispatch = Dispatch::all();
    let limits = Limits::default();
    let data = bytes.as_slice();
    let file = File { path, data: &data, limits: &limits };
    system(dispatch.by_path(path).into_iter().flat_map(|analyzer| (analyzer.run)(&file).packages))
}

#[test]
fn every_dialect_names_the_packages_that_we_find() {
    for (image, path, file) in [
        ("deb", "var/lib/dpkg/status", "dpkg/fixtures/status/debian-12/var/lib/dpkg/status"),
        ("apk", "lib/apk/db/installed", "apk/fixtures/alpine-3.16/lib/apk/db/installed"),
        ("rpm", "var/lib/rpm/Packages", "rpm/fixtures/rhel-8-libuuid/var/lib/rpm/Packages.zst"),
    ] {
        let expected = scanned(path, file);
        assert!(!expected.is_empty());
        let of_image: Vec<_> = fixtures().into_iter().filter(|(name, _)| name.starts_with(image)).collect();
        assert_eq!(of_image.len(), 5);
        for (name, text) in of_image {
            let read = read(&text);
            let id = &read.os.as_ref().unwrap().id;
            assert_eq!(
                id,
                match image {
                    "deb" => "debian",
                    "apk" => "alpine",
                    _ => "rhel",
                },
                "{name}"
            );
            assert_eq!(system(read.packages.into_iter().map(|package| package.facts)), expected, "{name}");
        }
    }
}

fn cyclonedx(components: &str) -> Inventory {
    read(&format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":{components}}}"#))
}

#[track_caller]
fn is_told(inventory: &Inventory, what: &str) {
    assert!(!inventory.complete, "{what}");
    let mut told = inventory.diagnostics.iter().filter(|told| told.level == Level::Incomplete);
    assert!(told.any(|told| told.message.contains(what)), "{what}: {:?}", inventory.diagnostics);
}

#[test]
fn what_says_nothing_is_not_clean() {
    is_told(&cyclonedx("[]"), "names no component");
    is_told(&cyclonedx("null"), "names no component");
    is_told(&read(r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#), "names no component");
    is_told(&cyclonedx(r#"[{"type":"file","name":"a"}]"#), "of its 1 components none is a package");
    is_told(&read(r#"{"spdxVersion":"SPDX-2.3","packages":[]}"#), "names no component");
    let syft = r#"{"schema":{"url":"https://x/anchore/syft/x.json"},"artifacts":[]}"#;
    is_told(&read(syft), "names no component");
}

#[test]
fn what_cannot_be_looked_up_is_said() {
    let some =
        cyclonedx(r#"[{"type":"library","name":"openssl","version":"1.0"},{"type":"library","purl":"pkg:npm/a@1"}]"#);
    is_told(&some, "1 component without a package URL: openssl");
    assert_eq!(some.packages.len(), 2, "it is listed all the same");
    assert!(some.packages.iter().any(|package| package.facts.kind == PackageKind::Generic));
    is_told(&cyclonedx(r#"[{"type":"library","name":"a","purl":"npm/a@1"}]"#), "1 package URL that is none: npm/a@1");
    is_told(
        &cyclonedx(r#"[{"type":"library","name":"a","purl":"pkg:npm/a"}]"#),
        "1 package without a version: pkg:npm/a",
    );
    // As Syft writes it.
    let unknown = cyclonedx(r#"[{"type":"library","name":"a","version":"UNKNOWN","purl":"pkg:gem/a"}]"#);
    is_told(&unknown, "1 package without a version: pkg:gem/a");
    assert_eq!(unknown.packages[0].facts.version, "");
    is_told(&cyclonedx(r#"[{"type":"library"}]"#), "1 components without a name");
    let mixed = r#"[{"type":"library","purl":"pkg:deb/debian/a@1?distro=debian-12"},
        {"type":"library","purl":"pkg:apk/alpine/b@1?distro=alpine-3.20.1"}]"#;
    is_told(&cyclonedx(mixed), "several distributions");
}

/// A package without a source of another name was built from that of its own, if its program would have said otherwise.
#[test]
fn sources_are_known_where_a_program_names_all() {
    let sources = |tool: &str, components: &str| -> Vec<Option<String>> {
        let read = read(&format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"1.4","metadata":{{"tools":[{{"name":"{tool}","version":"1"}}]}},
                "components":[{components}]}}"#
        ));
        read.packages.into_iter().map(|package| package.facts.source.map(|source| source.name)).collect()
    };
    let some = |name: &str| Some(name.to_owned());
    let plain = r#"{"type":"library","purl":"pkg:deb/debian/libc6@2.36?distro=debian-12"},
        {"type":"library","purl":"pkg:apk/alpine/libssl3@3.1.0-r0"}"#;
    assert_eq!(sources("of somebody", plain), [None, None]);
    assert_eq!(sources("syft", plain), [some("libc6"), some("libssl3")]);
    assert_eq!(sources("Trivy", plain), [some("libc6"), some("libssl3")]);
    assert_eq!(sources("no-syft", plain), [None, None]);
    // In a document that was merged from others, each speaks for itself.
    let more = format!(
        r#"{plain},{{"type":"library","purl":"pkg:deb/debian/libssl3@3?upstream=openssl"}},
        {{"type":"library","purl":"pkg:deb/debian/zlib1g@1.2","properties":[{{"name":"syft:package:type","value":"deb"}}]}}"#
    );
    assert_eq!(sources("of somebody", &more), [None, some("openssl"), some("zlib1g"), None]);
}

#[test]
fn names_of_npm_have_the_letters_that_a_document_gives_them() {
    let read = read(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[
            {"type":"library","name":"JSONStream","version":"1.3.5","purl":"pkg:npm/jsonstream@1.3.5"},
            {"type":"library","group":"@Sc","name":"Base64","version":"1","purl":"pkg:npm/%40Sc/base64@1"},
            {"type":"library","name":"other","version":"2","purl":"pkg:npm/jsonstream@2"}]}"#,
    );
    assert_eq!(names(&read), [("@Sc/Base64", "1"), ("JSONStream", "1.3.5"), ("jsonstream", "2")]);
}

fn spdx(packages: &str) -> Inventory {
    read(&format!(r#"{{"spdxVersion":"SPDX-2.3","packages":{packages}}}"#))
}

fn names(inventory: &Inventory) -> Vec<(&str, &str)> {
    inventory.packages.iter().map(|package| (&*package.facts.name, &*package.facts.version)).collect()
}

#[test]
fn words_for_nothing_are_no_versions() {
    for word in ["NOASSERTION", "NONE"] {
        let purl = r#"[{"referenceType":"purl","referenceLocator":"pkg:npm/a"}]"#;
        let read = spdx(&format!(
            r#"[{{"SPDXID":"a","name":"a","versionInfo":"{word}","externalRefs":{purl}}},
                {{"SPDXID":"b","name":"b","versionInfo":"{word}","supplier":"{word}"}},
                {{"SPDXID":"c","name":"{word}","versionInfo":"1"}}]"#
        ));
        assert_eq!(names(&read), [("a", ""), ("b", "")]);
        is_told(&read, "1 package without a version: pkg:npm/a");
        is_told(&read, "1 component without a package URL: b");
        is_told(&read, "1 components without a name");
        assert_eq!(read.packages[1].facts.supplier, None);
    }
}

#[test]
fn each_package_url_of_a_component_is_a_package() {
    let read = spdx(
        r#"[{"SPDXID":"a","name":"log4j-core","versionInfo":"2.14.1","externalRefs":[
            {"referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:apache:log4j:2.14.1:*:*:*:*:*:*:*"},
            {"referenceType":"purl","referenceLocator":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"},
            {"referenceType":"http://spdx.org/rdf/references/purl","referenceLocator":"pkg:deb/debian/liblog4j2-java@2.14.1-1"}]}]"#,
    );
    let expect = [("liblog4j2-java", "2.14.1-1"), ("org.apache.logging.log4j:log4j-core", "2.14.1")];
    assert_eq!(names(&read), expect);
    assert!(read.complete, "{:?}", read.diagnostics);
}

#[test]
fn fields_that_contradict_the_package_url_are_told() {
    let of = |name: &str, version: &str, purl: &str| {
        cyclonedx(&format!(r#"[{{"type":"library","name":"{name}","version":"{version}","purl":"{purl}"}}]"#))
    };
    let read = of("log4j-core", "2.17.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
    assert_eq!(names(&read), [("org.apache.logging.log4j:log4j-core", "2.14.1")]);
    is_told(&read, "1 component whose version is not that of its package URL");
    let read = of("left-pad", "1.0.0", "pkg:npm/lodash@1.0.0");
    assert!(read.complete && read.diagnostics.iter().any(|told| told.message.contains("lodash@1.0.0 as left-pad")));
    for (name, version, purl) in [
        ("bash", "5.1", "pkg:rpm/redhat/bash@5.1-1.el9?epoch=2"),
        ("bash", "2:5.1-1.el9", "pkg:rpm/redhat/bash@5.1-1.el9?epoch=2"),
        ("net", "0.1.0", "pkg:golang/golang.org/x/net@v0.1.0"),
        ("stdlib", "go1.22.3", "pkg:golang/stdlib@1.22.3"),
        ("Foo.Bar", "1.0", "PKG:PyPI/foo-bar@1.0"),
        ("Apache Log4j-Core", "2.14.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"),
        ("golang.org/x/net", "v0.1.0", "pkg:golang/golang.org/x/net@v0.1.0"),
        ("npm:@babel/core", "7.1.0", "pkg:npm/%40babel/core@7.1.0"),
    ] {
        let read = of(name, version, purl);
        let told = read.diagnostics.iter().find(|told| told.message.contains("package URL"));
        assert!(read.complete && told.is_none(), "{purl}: {told:?}");
    }
}

#[test]
fn syft_is_known_without_the_address_of_its_schema() {
    let artifacts = r#""artifacts":[{"name":"a","version":"1","purl":"pkg:npm/a@1"}]"#;
    for head in [r#""descriptor":{"name":"syft","version":"1.18.1"}"#, r#""artifactRelationships":[]"#] {
        assert_eq!(names(&read(&format!("{{{artifacts},{head}}}"))), [("a", "1")]);
    }
    let limits = Limits::default();
    let other = format!(r#"{{{artifacts},"descriptor":{{"name":"grype"}}}}"#);
    assert!(sekisho_sbom::read::read(other.as_bytes(), "x", Timestamp::UNIX_EPOCH, &limits).is_none());
}

#[test]
fn versions_beside_package_urls_count() {
    let two = cyclonedx(
        r#"[{"type":"library","name":"a","version":"1.0","purl":"pkg:npm/a"},
            {"type":"library","name":"a","version":"2.0","purl":"pkg:npm/a"}]"#,
    );
    let versions: Vec<&str> = two.packages.iter().map(|package| package.facts.version.as_str()).collect();
    assert_eq!(versions, ["1.0", "2.0"]);
    assert!(two.complete);
}

#[test]
fn nested_components_and_what_a_document_is_about_are_packages() {
    let inventory = read(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.4",
            "metadata":{"tools":[{"vendor":"v","name":"tool","version":"3"}],
                "component":{"type":"application","name":"app","version":"1","purl":"pkg:npm/app@1",
                    "components":[{"type":"library","name":"part","purl":"pkg:npm/part@1"}]}},
            "components":[{"type":"library","name":"outer","purl":"pkg:npm/outer@1","components":[
                {"type":"library","name":"inner","purl":"pkg:npm/inner@1","scope":"excluded","components":[
                    {"type":"library","name":"core","purl":"pkg:npm/core@1"}]}]}]}"#,
    );
    let names: Vec<(&str, bool)> =
        inventory.packages.iter().map(|package| (package.facts.name.as_str(), package.facts.dev)).collect();
    assert_eq!(names, [("app", false), ("core", false), ("inner", true), ("outer", false), ("part", false)]);
    assert_eq!((inventory.tool.name.as_str(), inventory.tool.version.as_str()), ("tool", "3"));
}

/// Syft names an image in a package URL that is none where there is a `/` in its name.
#[test]
fn the_image_that_a_document_is_about_is_no_package() {
    let purl = "pkg:oci/ghcr.io/team/shop@sha256:ab?arch=amd64&tag=1";
    let reference = |purl: &str| {
        format!(
            r#""externalRefs":[{{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"{purl}"}}]"#
        )
    };
    let document = |root: &str| {
        format!(
            r#"{{"spdxVersion":"SPDX-2.3","relationships":[{{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"SPDXRef-root","relationshipType":"DESCRIBES"}}],
            "packages":[{{"SPDXID":"SPDXRef-root","name":"ghcr.io/team/shop","versionInfo":"1",{root}}},
                {{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1",{}}}]}}"#,
            reference("pkg:npm/a@1")
        )
    };
    let of = |root: &str| {
        let inventory = read(&document(root));
        assert!(inventory.complete, "{root}: {:?}", inventory.diagnostics);
        names(&inventory).into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(&format!(r#""primaryPackagePurpose":"CONTAINER",{}"#, reference(purl))), ["a"]);
    assert_eq!(of(&reference(purl)), ["a"], "without the word");
    assert_eq!(of(r#""primaryPackagePurpose":"CONTAINER""#), ["a"]);
    let told = r#"{"type":"container","name":"ghcr.io/team/shop","purl":"pkg:oci/ghcr.io/team/shop@sha256:ab"}"#;
    let cyclonedx = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{{"component":{told}}},"components":[{{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}}]}}"#
    );
    assert!(read(&cyclonedx).complete && names(&read(&cyclonedx)).len() == 1);
}

#[test]
fn documents_of_other_forms_are_told_apart() {
    let limits = Limits::default();
    let of = |text: &str| sekisho_sbom::read::read(text.as_bytes(), "x", Timestamp::UNIX_EPOCH, &limits);
    assert!(of("{}").is_none() && of("[]").is_none() && of("").is_none());
    assert!(of(r#"{"schema":"sekisho.inventory/v1"}"#).is_none());
    assert!(matches!(of(r#"{"spdxVersion":"SPDX-3.0"}"#), Some(Err(ReadError::Version(_)))));
    assert!(matches!(of(r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#), Some(Err(ReadError::Version(_)))));
    for (text, what) in [
        (r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#, "it is SPDX 3, which"),
        (
            r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"bomFormat":"CycloneDX"}}"#,
            "an in-toto statement",
        ),
        (r#"{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[]}"#, "a signed attestation"),
        (
            r#"{"version":0,"job":{},"detector":{"name":"trivy"},"manifests":{"a":{"resolved":{}}}}"#,
            "it is a snapshot of dependencies for GitHub, which",
        ),
        (r#"{"sbom":{"spdxVersion":"SPDX-2.3","packages":[]}}"#, "as GitHub gives it"),
    ] {
        let told = of(text).unwrap().unwrap_err().to_string();
        assert!(told.contains(what), "{told}");
    }
    assert!(of(r#"{"sbom":{"findings":[]},"_type":"x"}"#).is_none());
    let wrong = of(r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[[{"type":"library"}]],"metadata":3}"#);
    assert_eq!(wrong.unwrap().unwrap_err().code(), Code::ReportMalformed);
}
