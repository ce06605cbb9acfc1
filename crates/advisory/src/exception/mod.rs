//! Exceptions: findings that whoever runs the software has decided not to count, from files that people keep beside it.
//!
//! Our own format asks for a reason, an owner and an end; those of Trivy and Grype are read as they are. Whatever a rule
//! asks for that cannot be told here makes it not apply: nothing is suppressed that its author did not mean.

mod grype;
mod ours;
#[cfg(test)]
mod tests;
mod trivy;

use crate::feeds::file_name;
use crate::product::{KnownPackage, PackagePattern};
use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use regex::Regex;
use sekisho_base::Limits;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Diagnostic, Exit, Finding, FindingStatus, Package, PackageKind};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// How many rules that do not apply a file's diagnostics name; the rest are counted.
const NAMED: usize = 20;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceptionFormat {
    /// TOML with `[[exception]]`.
    Sekisho,
    /// `.trivyignore` and `.trivyignore.yaml`.
    Trivy,
    /// The rules under `ignore` in `.grype.yaml`.
    Grype,
}

/// A file of exceptions.
#[derive(Debug, Clone)]
pub struct Exceptions {
    /// The name it was given: its path.
    pub name: String,
    /// Its format.
    pub format: ExceptionFormat,
    /// In its order.
    pub exceptions: Vec<Exception>,
}

/// That some findings do not count.
#[derive(Debug, Clone)]
pub struct Exception {
    /// Any of these names of a vulnerability; empty for every vulnerability.
    pub vulnerabilities: Vec<String>,
    /// What else has to hold, all of it.
    conditions: Vec<Condition>,
    /// What it is for, for people: `CVE-2024-1 in openssl`.
    pub subject: String,
    /// Why; empty where the format does not ask for it.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the exception for {}", self.subject)?;
        self.owner.as_ref().map_or(Ok(()), |owner| write!(f, " (owner: {owner})"))
    }
}

/// What has to hold for a finding.
#[derive(Debug, Clone)]
enum Condition {
    /// Its package is one of these.
    Package(Vec<PackageName>),
    /// The file that names the package is at one of these.
    Path(Vec<Glob>),
    /// The package's version is this.
    Version(String),
    /// The package is of this kind; none for one that is not known here, which nothing is of.
    Kind(Option<PackageKind>),
    /// The package was built from a source package of this name.
    Source(String),
    /// What can be done is one of these.
    Status(&'static [FindingStatus]),
}

/// A package as people name it.
#[derive(Debug, Clone)]
enum PackageName {
    /// By its name as the report has it.
    Exact(String),
    /// By a pattern for the whole name.
    Pattern(Regex),
    /// By a package URL.
    Purl(PackagePattern),
}

/// A pattern for paths, from the root of the image without a leading slash: `*` within a directory, `**` across, `?`,
/// `[a-z]`, `{a,b}`.
#[derive(Debug, Clone)]
struct Glob(GlobMatcher);

impl Glob {
    fn parse(text: &str) -> Result<Self, String> {
        let pattern = text.strip_prefix('/').unwrap_or(text);
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        glob.map(|glob| Self(glob.compile_matcher()))
            .map_err(|error| format!("{text:?} is no pattern: {}", error.kind()))
    }
}

/// A finding that an exception may be for.
pub(crate) struct Candidate<'a> {
    /// All names of the vulnerability, in lower case.
    pub(crate) names: &'a [String],
    pub(crate) finding: &'a Finding,
    pub(crate) package: &'a Package,
    pub(crate) known: &'a KnownPackage,
}

impl Exception {
    /// Whether it is for a finding; whether it is over is for the caller to ask.
    pub(crate) fn is_for(&self, candidate: &Candidate<'_>) -> bool {
        let has = |name: &String| candidate.names.iter().any(|known| known.eq_ignore_ascii_case(name));
        (self.vulnerabilities.is_empty() || self.vulnerabilities.iter().any(has))
            && self.conditions.iter().all(|condition| condition.holds(candidate))
    }
}

impl Condition {
    fn holds(&self, candidate: &Candidate<'_>) -> bool {
        let facts = &candidate.package.facts;
        match self {
            Self::Package(names) => names.iter().any(|name| match name {
                PackageName::Exact(name) => *name == facts.name,
                PackageName::Pattern(pattern) => pattern.is_match(&facts.name),
                PackageName::Purl(pattern) => pattern.matches(candidate.known),
            }),
            Self::Path(globs) => globs.iter().any(|glob| glob.0.is_match(&candidate.package.location)),
            Self::Version(version) => *version == facts.version,
            Self::Kind(kind) => *kind == Some(facts.kind),
            Self::Source(name) => facts.source.as_ref().is_some_and(|source| source.name == *name),
            Self::Status(statuses) => statuses.contains(&candidate.finding.status),
        }
    }
}

/// Why a file of exceptions cannot be used. It is the user's own: one mistake, and nothing of it counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExceptionError {
    /// It is more than is read.
    #[error("{name}: {exceeded}")]
    TooLarge {
        /// The file.
        name: String,
        /// The bound.
        exceeded: LimitExceeded,
    },
    /// It does not follow its format.
    #[error("{name}: {}{reason}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Malformed {
        /// The file.
        name: String,
        /// The line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
}

impl ExceptionError {
    /// The code for it.
    pub fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::LimitExceeded,
            Self::Malformed { .. } => Code::ExceptionMalformed,
        }
    }

    /// How a command that ends with it exits.
    pub fn exit(&self) -> Exit {
        self.code().exit()
    }
}

/// What is wrong with a file, and in which line.
type Wrong = (Option<usize>, String);

/// Reads a file that is called `name`, by which the format is told: TOML is our own, YAML that of Grype where it has
/// `ignore` and else that of Trivy, all else the lines of `.trivyignore`. Diagnostics are about rules that do not apply.
pub fn read(bytes: &[u8], name: &str, limits: &Limits) -> Result<(Exceptions, Vec<Diagnostic>), ExceptionError> {
    let too_large =
        |key, what| ExceptionError::TooLarge { name: name.to_owned(), exceeded: limits.exceeded(key, what) };
    let malformed = |(line, reason)| ExceptionError::Malformed { name: name.to_owned(), line, reason };
    if bytes.len() as u64 > limits.document_bytes {
        return Err(too_large(LimitKey::DocumentBytes, "bytes of a file of exceptions"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| malformed((None, format!("is not text: {error}"))))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut sink = Sink::default();
    let extension = file_name(name).rsplit_once('.').map_or("", |(_, extension)| extension);
    let format = match extension.to_ascii_lowercase().as_str() {
        "toml" => {
            ours::read(text, &mut sink).map_err(malformed)?;
            ExceptionFormat::Sekisho
        }
        "yaml" | "yml" => {
            let file: Yaml = yaml(text).map_err(malformed)?;
            if let Some(rules) = file.ignore {
                grype::take(rules, &mut sink);
                ExceptionFormat::Grype
            } else {
                trivy::take(file.vulnerabilities.unwrap_or_default(), &mut sink);
                ExceptionFormat::Trivy
            }
        }
        _ if text.trim_start().starts_with(['{', '<']) => {
            let reason = "is no list of exceptions: it begins like JSON or XML; VEX documents are given with --vex";
            return Err(malformed((None, reason.to_owned())));
        }
        _ => {
            trivy::lines(text, &mut sink);
            ExceptionFormat::Trivy
        }
    };
    if sink.exceptions.len() > limits.records {
        return Err(too_large(LimitKey::Records, "exceptions"));
    }
    let (exceptions, diagnostics) = sink.finish(name);
    Ok((Exceptions { name: name.to_owned(), format, exceptions }, diagnostics))
}

/// Both kinds of YAML. Neither has a mark; what else they hold is about other things than vulnerabilities.
#[derive(Deserialize)]
struct Yaml {
    ignore: Option<Vec<grype::Rule>>,
    vulnerabilities: Option<Vec<trivy::Entry>>,
}

/// Reads YAML; the library's budget bounds depth, nodes and what aliases expand to.
fn yaml(text: &str) -> Result<Yaml, Wrong> {
    let read: Result<Option<Yaml>, _> = serde_saphyr::from_str(text);
    match read {
        Ok(read) => Ok(read.unwrap_or(Yaml { ignore: None, vulnerabilities: None })),
        Err(error) => {
            let line = error.location().map(|location| location.line() as usize);
            // The rest shows the place in the file.
            let reason = error.to_string();
            Err((line, format!("is not of the form that is expected: {}", reason.lines().next().unwrap_or_default())))
        }
    }
}

/// Takes what a reader finds.
#[derive(Default)]
struct Sink {
    exceptions: Vec<Exception>,
    diagnostics: Vec<Diagnostic>,
    unsupported: usize,
}

impl Sink {
    /// A rule that does not apply.
    fn unsupported(&mut self, subject: &str, reason: impl fmt::Display) {
        self.unsupported += 1;
        if self.unsupported <= NAMED {
            let subject: String = subject.chars().take(120).collect();
            let message = format!("the rule for {subject} does not apply: {reason}");
            self.diagnostics.push(Diagnostic::note(Code::ExceptionUnsupported, message));
        }
    }

    fn finish(mut self, name: &str) -> (Vec<Exception>, Vec<Diagnostic>) {
        if let Some(more @ 1..) = self.unsupported.checked_sub(NAMED) {
            let message = format!("{more} more rules do not apply");
            self.diagnostics.push(Diagnostic::note(Code::ExceptionUnsupported, message));
        }
        (self.exceptions, self.diagnostics.into_iter().map(|diagnostic| diagnostic.at(name)).collect())
    }
}

/// What an exception is for, in words.
fn subject_of(vulnerabilities: &[String], packages: &[String]) -> String {
    let some = |texts: &[String]| match texts {
        [first, second, third, _, ..] => format!("{first}, {second}, {third}, …"),
        few => few.join(", "),
    };
    match (vulnerabilities, packages) {
        ([], []) => "any vulnerability".to_owned(),
        ([], packages) => format!("any vulnerability in {}", some(packages)),
        (names, []) => some(names),
        (names, packages) => format!("{} in {}", some(names), some(packages)),
    }
}

/// A struct read from a map, in which keys that are not known are remembered instead of refused, and each value is read
/// as its field's type wants it (`1.10` stays text).
macro_rules! remembering {
    ($(#[$doc:meta])* struct $name:ident { $($field:ident: $kind:ty = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name {
            $($field: Option<$kind>,)*
            /// Keys that are not known.
            unknown: Vec<String>,
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Map;

                impl<'de> Visitor<'de> for Map {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a map")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut read = $name::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $($key => read.$field = map.next_value()?,)*
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                    read.unknown.push(key);
                                }
                            }
                        }
                        Ok(read)
                    }
                }

                deserializer.deserialize_map(Map)
            }
        }
    };
}
use remembering;
