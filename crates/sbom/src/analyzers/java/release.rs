//! `release` in the home of a Java runtime: which it is, and who made it. (`make/ReleaseFile.gmk` of the JDK.)
//!
//! Names are those of Syft, and of what the launcher's bytes tell: where both are there, one package is listed.

use crate::analyzer::{Extract, File};
use sekisho_model::{Evidence, PackageFacts, PackageKind};

/// Other programs have files of this name. Java's have less than 4 KiB.
const MAX_BYTES: u64 = 64 << 10;

/// Reads the file of one runtime.
pub(super) fn run(file: &File<'_>) -> Extract {
    if file.data.size() > MAX_BYTES {
        return Extract::default();
    }
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim().trim_matches('"')).filter(|value| !value.is_empty())
    };
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    let short = value("JAVA_VERSION");
    let full = value("FULL_VERSION").filter(|full| short.is_some_and(|short| major(short) == major(full)));
    let Some(version) = value("JAVA_RUNTIME_VERSION").or(full).or(short) else {
        let is_of_java = ["IMPLEMENTOR", "JAVA_VERSION_DATE", "MODULES"].iter().any(|key| value(key).is_some());
        let told = is_of_java.then(|| file.malformed("is the release file of a Java runtime without its version"));
        return Extract { diagnostics: told.into_iter().collect(), ..Extract::default() };
    };
    let maker = value("IMPLEMENTOR").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
    // The compiler is what a runtime alone lacks.
    let modules = value("MODULES").is_none_or(|modules| modules.split(' ').any(|module| module == "jdk.compiler"));
    let is_kit = modules && !value("IMAGE_TYPE").is_some_and(|kind| kind.to_ascii_lowercase().contains("jre"));
    let name = match (&maker, is_kit) {
        (maker, _) if maker.contains("azul") || file.path.contains("zulu") => "azul/zulu",
        (maker, true) if maker.contains("oracle") => "oracle/jdk",
        (maker, false) if maker.contains("oracle") => "oracle/jre",
        _ => "oracle/openjdk",
    };
    let facts = PackageFacts { evidence: Evidence::Inferred, ..PackageFacts::new(PackageKind::Generic, name, version) };
    Extract { packages: vec![facts], ..Extract::default() }
}

#[cfg(test)]
mod tests {
    use super::super::RELEASE;
    use crate::testing;

    #[test]
    fn goldens() {
        testing::goldens(&RELEASE, "src/analyzers/java/fixtures/release");
    }

    #[test]
    fn each_maker_has_its_product() {
        let check = |path: &str, text: &str, expect: &str| {
            let extract = testing::run(&RELEASE, path, text.as_bytes());
            let found: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, "@")).collect();
            assert_eq!((found.join(" ").as_str(), extract.diagnostics.len()), (expect, 0), "{text}");
        };
        let path = "opt/java/release";
        let old = "JAVA_VERSION=\"1.8.0_422\"\nFULL_VERSION=\"1.8.0_422-b05\"\nIMAGE_TYPE=\"JRE\"\n";
        check(path, old, "oracle/openjdk@1.8.0_422-b05");
        check(path, "JAVA_VERSION=\"17.0.8\"\nFULL_VERSION=\"1.0\"\n", "oracle/openjdk@17.0.8");
        check("opt/zulu17/release", "JAVA_VERSION=\"17.0.8\"\n", "azul/zulu@17.0.8");
        check(path, "IMPLEMENTOR=\"Azul Systems, Inc.\"\nJAVA_VERSION=17\n", "azul/zulu@17");
        let oracle =
            "IMPLEMENTOR=\"Oracle Corporation\"\nJAVA_RUNTIME_VERSION=\"22.0.2+9-70\"\nJAVA_VERSION=\"22.0.2\"\n";
        check(path, &format!("{oracle}MODULES=\"java.base jdk.compiler\"\n"), "oracle/jdk@22.0.2+9-70");
        check(path, &format!("{oracle}MODULES=\"java.base\"\n"), "oracle/jre@22.0.2+9-70");
        check("etc/release", "Some system 12\n", "");
        check("etc/release", &"x".repeat(100_000), "");
    }

    #[test]
    fn one_without_its_version_is_told() {
        let text = "IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"17\"\n";
        for end in 0..text.len() {
            let extract = testing::run(&RELEASE, "opt/java/release", &text.as_bytes()[..end]);
            let is_told = !extract.packages.is_empty() || !extract.diagnostics.is_empty();
            assert_eq!(is_told, end > "IMPLEMENTOR=\"".len(), "cut at {end}");
        }
    }
}
