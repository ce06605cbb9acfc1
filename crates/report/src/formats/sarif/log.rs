//! The parts of a SARIF 2.1.0 log that are written, with the texts and addresses in them.
//!
//! `P` are the properties of the run, `R` those of a result.

use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
pub(crate) struct Log<'a, P, R> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a, P, R>; 1],
}

impl<'a, P, R> Log<'a, P, R> {
    pub(crate) fn of(run: Run<'a, P, R>) -> Self {
        Self { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run<'a, P, R> {
    pub(crate) tool: Tool<'a>,
    pub(crate) automation_details: AutomationDetails,
    pub(crate) invocations: [Invocation; 1],
    pub(crate) original_uri_base_ids: BaseIds,
    pub(crate) column_kind: &'static str,
    pub(crate) results: Vec<SarifResult<'a, R>>,
    pub(crate) properties: P,
}

#[derive(Serialize)]
pub(crate) struct AutomationDetails {
    pub(crate) id: String,
}

#[derive(Serialize)]
pub(crate) struct Tool<'a> {
    pub(crate) driver: Driver<'a>,
}

#[derive(Serialize)]
pub(crate) struct Driver<'a> {
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) version: &'a str,
    pub(crate) rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: Cow<'a, str>,
    pub(crate) short_description: Message,
    pub(crate) full_description: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help_uri: Option<Cow<'a, str>>,
    pub(crate) help: Message,
    pub(crate) default_configuration: Configuration,
    pub(crate) properties: RuleProperties,
}

#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) markdown: Option<String>,
}

impl Message {
    pub(crate) fn text(text: String) -> Self {
        Self { text, markdown: None }
    }
}

#[derive(Serialize)]
pub(crate) struct Configuration {
    pub(crate) level: &'static str,
}

#[derive(Serialize)]
pub(crate) struct RuleProperties {
    #[serde(rename = "security-severity")]
    pub(crate) security_severity: String,
    pub(crate) precision: &'static str,
    pub(crate) tags: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocation {
    pub(crate) execution_successful: bool,
    pub(crate) end_time_utc: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) descriptor: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) associated_rule: Option<RuleReference>,
    pub(crate) level: &'static str,
    pub(crate) message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) locations: Vec<FileLocation>,
}

#[derive(Serialize)]
pub(crate) struct Descriptor {
    pub(crate) id: &'static str,
}

/// A rule by its place among the rules.
#[derive(Serialize)]
pub(crate) struct RuleReference {
    pub(crate) id: String,
    pub(crate) index: usize,
}

#[derive(Serialize)]
pub(crate) struct BaseIds {
    #[serde(rename = "ROOT")]
    pub(crate) root: BaseId,
}

#[derive(Serialize)]
pub(crate) struct BaseId {
    pub(crate) description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SarifResult<'a, R> {
    pub(crate) rule_id: &'a str,
    pub(crate) rule_index: usize,
    pub(crate) level: &'static str,
    pub(crate) message: Message,
    pub(crate) locations: [Location<'a>; 1],
    pub(crate) partial_fingerprints: Fingerprints<'a>,
    /// None in a run without any: either all results have it or none has (3.27.23).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suppressions: Option<Vec<SarifSuppression>>,
    pub(crate) properties: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location<'a> {
    pub(crate) physical_location: PhysicalLocation,
    pub(crate) logical_locations: [LogicalLocation<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileLocation {
    pub(crate) physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhysicalLocation {
    pub(crate) artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<Region>,
}

impl PhysicalLocation {
    /// A file below the root of what was looked at.
    pub(crate) fn below_root(path: &str, region: Option<Region>) -> Self {
        let uri = if path.is_empty() { ".".to_owned() } else { uri(path) };
        Self { artifact_location: ArtifactLocation { uri, uri_base_id: Some("ROOT") }, region }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArtifactLocation {
    pub(crate) uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region {
    pub(crate) start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_column: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogicalLocation<'a> {
    pub(crate) name: &'a str,
    pub(crate) fully_qualified_name: Cow<'a, str>,
    pub(crate) kind: &'static str,
}

/// What a result is known by from one run to the next: one of the two.
#[derive(Serialize)]
pub(crate) struct Fingerprints<'a> {
    #[serde(rename = "sekishoFindingId/v1", skip_serializing_if = "Option::is_none")]
    pub(crate) finding: Option<&'a str>,
    #[serde(rename = "sekishoViolationId/v1", skip_serializing_if = "Option::is_none")]
    pub(crate) violation: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct SarifSuppression {
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) justification: String,
}

impl SarifSuppression {
    /// Somebody answers for it, outside the files that were looked at.
    pub(crate) fn accepted(justification: String) -> Self {
        Self { kind: "external", status: "accepted", justification }
    }
}

/// A text of a message that is shown as it is: brackets would begin a link (3.11.6).
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// A path as a relative reference (RFC 3986): what is neither unreserved nor a slash is escaped, so that no part of it
/// can be taken for a scheme, an authority or a query.
pub(crate) fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A score that code scanning of GitHub puts into the class of a severity: 9.0, 7.0, 4.0 and 0.1 are where they begin.
/// <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>
pub(crate) fn score_of(severity: sekisho_model::Severity) -> f32 {
    use sekisho_model::Severity;
    match severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Negligible => 0.1,
        Severity::Unknown => 0.0,
    }
}

/// The level of a result of a severity.
pub(crate) fn level(severity: sekisho_model::Severity) -> &'static str {
    use sekisho_model::Severity;
    match severity {
        Severity::Critical | Severity::High => "error",
        // What nobody has judged is not harmless for that.
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Negligible => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_relative_references() {
        assert_eq!(uri("/usr/lib/a b%.js"), "usr/lib/a%20b%25.js");
        assert_eq!(uri("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(uri("//evil.example/x?y#z"), "evil.example/x%3Fy%23z");
        assert_eq!(uri("@babel/関"), "@babel/%E9%96%A2");
    }

    #[test]
    fn brackets_begin_no_link() {
        assert_eq!(plain(r"a [b](https://c) \d"), r"a \[b\](https://c) \\d");
    }
}
