//! The scan report: what is in a thing, which vulnerabilities it has, and what a gate says of them.

use crate::finding::{Assessment, Finding, FindingId, Vulnerability};
use crate::inventory::Inventory;
use crate::package::{Package, PackageId, PackageKind};
use crate::severity::Severity;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

/// The `schema` of a scan report.
pub const SCAN_SCHEMA: &str = "sekisho.scan/v1";

/// What a gate asks of findings. A finding that meets every condition that is set is refused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Gate {
    /// At least this severe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<Severity>,
    /// A version without it exists.
    #[serde(default)]
    pub ignore_unfixed: bool,
    /// Known to be exploited.
    #[serde(default)]
    pub only_kev: bool,
    /// More likely to be exploited within 30 days than this, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss_above: Option<f32>,
    /// What could not be read or judged, and severities and scores that nobody has given, are no reason to say unknown.
    #[serde(default)]
    pub allow_incomplete: bool,
    /// Not in this, which was judged by the same database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_since: Option<String>,
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing meets its conditions.
    Passed,
    /// Something does.
    Refused,
    /// Nothing is known to, and not all is known.
    Unknown,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// A gate, what it says, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateResult {
    /// What it asks.
    pub gate: Gate,
    /// What it says.
    pub verdict: Verdict,
    /// The findings that meet its conditions, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<FindingId>,
    /// What it would have to know, and does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// A scan as it is handed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScanReport {
    /// `sekisho.scan/v1`, the [`SCAN_SCHEMA`].
    #[schema(pattern = r"^sekisho\.scan/v1$")]
    pub schema: String,
    /// What is in it.
    pub inventory: Inventory,
    /// Its vulnerabilities.
    pub assessment: Assessment,
    /// What the gate says, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateResult>,
    /// What to do about the findings that count, the most worthwhile first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgrades: Vec<Upgrade>,
}

/// A newer version of a package, or of all that were built from one source, that removes findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upgrade {
    /// The ecosystem.
    pub kind: PackageKind,
    /// What to upgrade: the source package where there is one.
    pub name: String,
    /// The least version that has none of the vulnerabilities it removes.
    pub to: String,
    /// The packages of the inventory that it replaces.
    pub packages: Vec<PackageId>,
    /// The vulnerabilities that it removes.
    pub removes: Vec<String>,
}

/// A finding with what it refers to.
#[derive(Debug, Clone, Copy)]
pub struct FindingRow<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The package that has it.
    pub package: &'a Package,
    /// What is known about the vulnerability.
    pub vulnerability: &'a Vulnerability,
}

impl ScanReport {
    /// A report without a gate.
    pub fn new(inventory: Inventory, assessment: Assessment) -> Self {
        Self { schema: SCAN_SCHEMA.to_owned(), inventory, assessment, gate: None, upgrades: Vec::new() }
    }

    /// The findings, the worst first, with their packages and vulnerabilities. One that refers to nothing, which only a
    /// damaged document holds, is left out: see [`ScanReport::is_whole`].
    pub fn rows<'a>(&'a self) -> Vec<FindingRow<'a>> {
        let packages: HashMap<&PackageId, &Package> =
            self.inventory.packages.iter().map(|package| (&package.id, package)).collect();
        let vulnerabilities: HashMap<&str, &Vulnerability> =
            self.assessment.vulnerabilities.iter().map(|known| (known.id.as_str(), known)).collect();
        let row = |finding: &'a Finding| {
            let Finding { package, vulnerability, .. } = finding;
            let (package, vulnerability) = (packages.get(package)?, vulnerabilities.get(vulnerability.as_str())?);
            Some(FindingRow { finding, package, vulnerability })
        };
        self.assessment.findings.iter().filter_map(row).collect()
    }

    /// Whether every finding is of a package and a vulnerability that the document describes.
    pub fn is_whole(&self) -> bool {
        self.rows().len() == self.assessment.findings.len()
    }
}
