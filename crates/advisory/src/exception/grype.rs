//! Ignore rules of Grype (<https://github.com/anchore/grype#specifying-matches-to-ignore>): what a rule names has to hold
//! all together, a rule that names nothing is for nothing.
//!
//! A finding here is of a vulnerability under all its names, so that `include-aliases` changes nothing. Statements of VEX
//! count without a rule; one that asks for `vex-status` does not apply, nor does one by `namespace` or `match-type`,
//! which are how Grype found something.

use super::{Condition, Deserialize, Deserializer, Exception, Glob, IgnoredAny, MapAccess, PackageName, Sink, Visitor};
use super::{fmt, remembering, subject_of};
use regex::RegexBuilder;
use sekisho_model::{FindingStatus, PackageKind};

remembering! {
    /// A rule.
    struct Rule {
        vulnerability: String = "vulnerability",
        _include_aliases: bool = "include-aliases",
        reason: String = "reason",
        fix_state: String = "fix-state",
        package: Package = "package",
    }
}

remembering! {
    /// The part of a rule about packages.
    struct Package {
        name: String = "name",
        version: String = "version",
        language: String = "language",
        kind: String = "type",
        location: String = "location",
        upstream: String = "upstream-name",
    }
}

/// Bytes of a compiled pattern for names.
const PATTERN_BYTES: usize = 256 << 10;

pub(super) fn take(rules: Vec<Rule>, sink: &mut Sink) {
    for rule in rules {
        let vulnerabilities: Vec<String> = given(rule.vulnerability.as_ref()).map(str::to_owned).into_iter().collect();
        let package = rule.package.as_ref();
        let name = package.and_then(|package| given(package.name.as_ref())).map(str::to_owned);
        let subject = subject_of(&vulnerabilities, name.as_slice());
        match conditions(&rule) {
            Ok(conditions) if conditions.is_empty() && vulnerabilities.is_empty() => {
                sink.unsupported(&subject, "it names nothing that a finding could have");
            }
            Ok(conditions) => sink.exceptions.push(Exception {
                vulnerabilities,
                conditions,
                subject,
                reason: rule.reason.unwrap_or_default(),
                owner: None,
                until: None,
            }),
            Err(reason) => sink.unsupported(&subject, reason),
        }
    }
}

/// What is there; an empty text is as good as none.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

fn conditions(rule: &Rule) -> Result<Vec<Condition>, String> {
    let none = Package::default();
    let package = rule.package.as_ref().unwrap_or(&none);
    let unknown = rule.unknown.iter().map(|key| (key, "")).chain(package.unknown.iter().map(|key| (key, "package.")));
    if let Some((key, of)) = unknown.into_iter().next() {
        return Err(format!("\"{of}{key}\" cannot be told here"));
    }
    let mut conditions = Vec::new();
    if let Some(state) = given(rule.fix_state.as_ref()) {
        conditions.push(Condition::Status(match state {
            "fixed" => &[FindingStatus::Fixed],
            "not-fixed" => &[FindingStatus::Affected, FindingStatus::FixDeferred],
            "wont-fix" => &[FindingStatus::WillNotFix, FindingStatus::EndOfLife],
            other => return Err(format!("no finding here is of the fix-state {other:?}")),
        }));
    }
    if let Some(name) = given(package.name.as_ref()) {
        let mut names = vec![PackageName::Exact(name.to_owned())];
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "@/_-".contains(letter);
        // Of `libstdc++` the name is meant, which is no pattern to Grype either.
        if !name.chars().all(is_plain) && !name.contains("++") {
            let pattern = RegexBuilder::new(&format!("^(?:{name})$")).size_limit(PATTERN_BYTES).build();
            names
                .push(PackageName::Pattern(pattern.map_err(|_| format!("{name:?} is no pattern that is understood"))?));
        }
        conditions.push(Condition::Package(names));
    }
    conditions.extend(given(package.version.as_ref()).map(|version| Condition::Version(version.to_owned())));
    conditions.extend(given(package.kind.as_ref()).map(|kind| Condition::Kind(kind_of_type(kind))));
    conditions.extend(given(package.language.as_ref()).map(|language| Condition::Kind(kind_of_language(language))));
    conditions.extend(given(package.upstream.as_ref()).map(|name| Condition::Source(name.to_owned())));
    if let Some(location) = given(package.location.as_ref()) {
        conditions.push(Condition::Path(vec![Glob::parse(location)?]));
    }
    Ok(conditions)
}

/// Syft's word for the kind of a package.
fn kind_of_type(kind: &str) -> Option<PackageKind> {
    Some(match kind {
        "deb" => PackageKind::Deb,
        "apk" => PackageKind::Apk,
        "rpm" => PackageKind::Rpm,
        "python" => PackageKind::Pypi,
        "npm" => PackageKind::Npm,
        "go-module" => PackageKind::Golang,
        "alpm" => PackageKind::Alpm,
        "portage" => PackageKind::Portage,
        "java-archive" => PackageKind::Maven,
        "gem" => PackageKind::Gem,
        "php-composer" => PackageKind::Composer,
        "dotnet" => PackageKind::Nuget,
        "rust-crate" => PackageKind::Cargo,
        "dart-pub" => PackageKind::Pub,
        "hex" => PackageKind::Hex,
        "swift" => PackageKind::Swift,
        "pod" => PackageKind::Cocoapods,
        "conan" => PackageKind::Conan,
        "conda" => PackageKind::Conda,
        "R-package" => PackageKind::Cran,
        "hackage" => PackageKind::Hackage,
        "wordpress-plugin" => PackageKind::Wordpress,
        _ => return None,
    })
}

/// Syft's word for the language of a package.
fn kind_of_language(language: &str) -> Option<PackageKind> {
    Some(match language {
        "python" => PackageKind::Pypi,
        "javascript" => PackageKind::Npm,
        "go" => PackageKind::Golang,
        "java" => PackageKind::Maven,
        "ruby" => PackageKind::Gem,
        "php" => PackageKind::Composer,
        "dotnet" => PackageKind::Nuget,
        "rust" => PackageKind::Cargo,
        "dart" => PackageKind::Pub,
        "erlang" | "elixir" => PackageKind::Hex,
        "swift" => PackageKind::Swift,
        "R" => PackageKind::Cran,
        "haskell" => PackageKind::Hackage,
        _ => return None,
    })
}
