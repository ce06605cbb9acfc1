//! The check report: which policies were asked about what, and what they say.

use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::inventory::Tool;
use crate::report::Verdict;
use crate::shared::{Shared, is_empty_list, is_empty_text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The `schema` of a check report.
pub const CHECK_SCHEMA: &str = "sekisho.check/v1";

/// What a policy says of a subject, in Kleene's logic with two words for what is not known. The order is that of *or*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyOutcome {
    /// It is not violated.
    Passed,
    /// It would need facts that nobody asked for.
    NotEvaluated,
    /// It would need facts that cannot be had.
    Unknown,
    /// It is violated.
    Violated,
}

impl PolicyOutcome {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Passed, _) | (_, Self::Passed) => Self::Passed,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::NotEvaluated, _) | (_, Self::NotEvaluated) => Self::NotEvaluated,
            (Self::Violated, Self::Violated) => Self::Violated,
        }
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotEvaluated => "not_evaluated",
            Self::Unknown => "unknown",
            Self::Violated => "violated",
        }
    }
}

/// How bad a violation is, in growing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicySeverity {
    /// Low.
    #[default]
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl PolicySeverity {
    /// All of them, in growing order.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a policy is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyLanguage {
    /// Criteria, in our own YAML or as StackRox writes them.
    Criteria,
    /// A level of the Pod Security Standards.
    PodSecurity,
    /// Rego, as Gatekeeper takes it.
    Gatekeeper,
    /// Rego, as Conftest takes it.
    Conftest,
    /// CEL, in a `ValidatingAdmissionPolicy`.
    Cel,
}

impl PolicyLanguage {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Criteria => "criteria",
            Self::PodSecurity => "pod_security",
            Self::Gatekeeper => "gatekeeper",
            Self::Conftest => "conftest",
            Self::Cel => "cel",
        }
    }
}

/// A file that was read, by what was in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct CheckInput {
    /// The file as it was named; `-` for standard input.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A policy that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckPolicy {
    /// What it is known by.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is written in.
    pub language: PolicyLanguage,
    /// The file it is from; none for one that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How bad a violation is.
    pub severity: PolicySeverity,
    /// Whether a violation fails the check.
    pub enforced: bool,
    /// What it looks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Why that matters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remediation: String,
    /// What kind of matter it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Controls of frameworks that it is evidence for: `NIST-800-190:4.4.3`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// Of how many subjects it says nothing wrong.
    pub passed: usize,
}

/// What kind of thing policies were asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// An object of Kubernetes that is or makes pods.
    Workload,
    /// Another object of Kubernetes, or another document.
    Object,
    /// An image.
    Image,
}

/// A thing that policies were asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckSubject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// What to call it: `Deployment/web`, or the image's name.
    pub title: String,
    /// `apps/v1`; empty for an image.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// `default` where none is named; empty for what has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The file it is in; empty for an image.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The line it begins in, from 1; 0 where it has none.
    #[serde(default)]
    pub line: u32,
    /// The digest of the image that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How many policies say nothing wrong of it.
    #[serde(default)]
    pub passed: usize,
    /// All changes that make violations of it go away, as one JSON Patch (RFC 6902).
    #[serde(default, skip_serializing_if = "is_empty_list")]
    #[schema(value_type = Vec<PatchOperation>)]
    pub patch: Shared<[PatchOperation]>,
}

/// What one policy says of one subject, where it is more than that nothing is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckResult {
    /// The policy, by its place among the policies.
    pub policy: usize,
    /// The subject, by its place among the subjects.
    pub subject: usize,
    /// What it says.
    pub outcome: PolicyOutcome,
    /// Why it does not count, where something is excepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CheckExclusion>)]
    pub excluded: Option<Shared<CheckExclusion>>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// Why it is not known, or what nobody asked for.
    #[serde(default, skip_serializing_if = "is_empty_list")]
    #[schema(value_type = Vec<String>)]
    pub reasons: Shared<[String]>,
}

/// An exclusion that holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct CheckExclusion {
    /// Why, or whose; empty where that is not said.
    pub reason: String,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// What, in a sentence.
    #[schema(value_type = String)]
    pub message: Shared<str>,
    /// The criterion or check that says so; empty where the policy has no such parts.
    #[serde(default, skip_serializing_if = "is_empty_text")]
    #[schema(value_type = String)]
    pub criterion: Shared<str>,
    /// The container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub container: Option<Shared<str>>,
    /// Where in the object: `spec.template.spec.containers[0].image`; empty where that is not said.
    #[serde(default, skip_serializing_if = "is_empty_text")]
    #[schema(value_type = String)]
    pub path: Shared<str>,
    /// The line in the subject's file, from 1; 0 where there is none.
    #[serde(default)]
    pub line: u32,
    /// The column, from 1; 0 where there is none.
    #[serde(default)]
    pub column: u32,
    /// What to change, where that follows from what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Fix>)]
    pub fix: Option<Shared<Fix>>,
    /// What the policy adds for programs.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// A change that makes a violation go away.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Fix {
    /// The change in words: `set spec.hostNetwork to false`.
    pub text: String,
    /// The same for the object as JSON Patch (RFC 6902).
    pub patch: Vec<PatchOperation>,
}

/// An operation of JSON Patch (RFC 6902).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct PatchOperation {
    /// `add`, `replace` or `remove`.
    pub op: String,
    /// A JSON Pointer (RFC 6901).
    pub path: String,
    /// What to put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// What makes a check fail, whether it did, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckGate {
    /// Violations at least this severe fail, enforced or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<PolicySeverity>,
    /// Nothing fails.
    #[serde(default)]
    pub warn_only: bool,
    /// What could not be read or judged is no reason to say unknown.
    #[serde(default)]
    pub allow_incomplete: bool,
    /// What it comes to.
    pub verdict: Verdict,
    /// What would have to be known, and is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What policies say of manifests, or of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// `sekisho.check/v1`, the [`CHECK_SCHEMA`].
    #[schema(pattern = r"^sekisho\.check/v1$")]
    pub schema: String,
    /// The program that wrote it.
    pub tool: Tool,
    /// When it was judged.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Timestamp,
    /// The stage that was judged for: `build` or `deploy`.
    pub stage: String,
    /// The files that were read, policies among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<CheckInput>,
    /// The policies that were asked.
    pub policies: Vec<CheckPolicy>,
    /// What they were asked about.
    pub subjects: Vec<CheckSubject>,
    /// What they say, in the order of subjects and then of policies, but for what passed.
    pub results: Vec<CheckResult>,
    /// What it comes to.
    pub gate: CheckGate,
    /// What could not be read, and what is worth saying.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl CheckReport {
    /// Whether a result fails the check: violated, not excepted, and enforced or severe enough.
    pub fn is_failure(&self, result: &CheckResult) -> bool {
        let is_known = self.policies.get(result.policy).is_some();
        (result.outcome == PolicyOutcome::Violated || !is_known) && self.would_fail(result)
    }

    /// Whether a result would fail the check, were it violated.
    pub fn would_fail(&self, result: &CheckResult) -> bool {
        let Some(policy) = self.policies.get(result.policy) else { return true };
        result.excluded.is_none()
            && !self.gate.warn_only
            && (policy.enforced || self.gate.fail_on.is_some_and(|least| policy.severity >= least))
    }
}
