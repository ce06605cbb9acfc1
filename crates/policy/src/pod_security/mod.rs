//! The [Pod Security Standards](https://kubernetes.io/docs/concepts/security/pod-security-standards/): what pods may ask
//! for, in three levels, as each version of Kubernetes had it, with the messages of its API server.
//!
//! The authority is the package [`policy`](https://github.com/kubernetes/pod-security-admission/tree/master/policy) of
//! the admission plugin, as of Kubernetes 1.37. Pods are judged as they would be after the server's defaults. What the
//! server would refuse before any policy looks at it is told as incomplete: nobody can say what such a pod would be.

mod baseline;
mod fault;
mod registry;
mod restricted;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use fault::go_quoted;

use crate::manifest::PodTemplate;
use sekisho_model::Diagnostic;
use std::fmt;
use std::str::FromStr;

/// How much pods may ask for, from all to little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everything.
    Privileged,
    /// What is not known to lead to the node.
    Baseline,
    /// What hardened pods need.
    Restricted,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Privileged, Self::Baseline, Self::Restricted];

    /// `restricted`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// As which version of Kubernetes has it. One that is later than any known is like the newest known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1 and this minor version.
    V1(u32),
    /// The newest there is.
    Latest,
}

/// A level as a version has it: `restricted:v1.30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standard {
    /// The level.
    pub level: Level,
    /// The version.
    pub version: Version,
}

/// Why a text names no level, version or standard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The level is none.
    #[error("{0:?} is no Pod Security level: privileged, baseline and restricted are")]
    Level(String),
    /// The version is none.
    #[error("{0:?} is no version of the Pod Security Standards: latest, v1.30 and 1.30 are of the forms they have")]
    Version(String),
}

/// What a pod asks for against a standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check: `runAsNonRoot`.
    pub check: &'static str,
    /// What is wrong, in the standard's words: `runAsNonRoot != true`.
    pub reason: &'static str,
    /// Who is at fault and what is to be, in the standard's words: `pod must not set securityContext.runAsNonRoot=false`.
    pub detail: String,
    /// The fields at fault, from the object's top: `spec.containers[0].securityContext.runAsNonRoot`, whether they are
    /// there or missing. Of more than a thousand, the first.
    pub paths: Vec<String>,
}

/// What in a pod `standard` does not allow, in the API server's order; and what keeps the pod from being judged, with
/// which it cannot be called clean.
pub fn check(pod: &PodTemplate<'_>, standard: Standard) -> (Vec<Violation>, Vec<Diagnostic>) {
    if standard.level == Level::Privileged {
        return (Vec::new(), Vec::new());
    }
    let (view, diagnostics) = view::read(pod);
    let violations = view.map(|view| registry::run(&view, standard)).unwrap_or_default();
    (violations, diagnostics)
}

/// The violations of one pod in one line, as the API server says them: `violates PodSecurity "baseline:latest": …`.
pub fn message(standard: Standard, violations: &[Violation]) -> String {
    let violations: Vec<String> = violations.iter().map(Violation::to_string).collect();
    format!("violates PodSecurity \"{standard}\": {}", violations.join(", "))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.detail)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}

impl FromStr for Level {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == text);
        found.ok_or_else(|| ParseError::Level(text.to_owned()))
    }
}

impl FromStr for Version {
    type Err = ParseError;

    /// `latest`, or a version as labels of namespaces have it, `v1.30`, with or without its letter.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let minor = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.");
        let plain = |minor: &&str| {
            minor.bytes().all(|byte| byte.is_ascii_digit()) && (!minor.starts_with('0') || *minor == "0")
        };
        let minor = minor.filter(plain).and_then(|minor| minor.parse().ok());
        minor.map(Self::V1).ok_or_else(|| ParseError::Version(text.to_owned()))
    }
}

impl FromStr for Standard {
    type Err = ParseError;

    /// `restricted`, `restricted@v1.30` or, as messages have it, `restricted:v1.30`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.split_once(['@', ':']) {
            None => Ok(Self { level: text.parse()?, version: Version::Latest }),
            Some((level, version)) => Ok(Self { level: level.parse()?, version: version.parse()? }),
        }
    }
}
