//! How bad a vulnerability is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// The common scale. The order is that of growing harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody has judged it.
    #[default]
    Unknown,
    /// So little that its judge would not fix it for its own sake (Debian's "unimportant", Ubuntu's "negligible").
    Negligible,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9; "moderate".
    Medium,
    /// CVSS 7.0 to 8.9; "important".
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 6] = [Self::Unknown, Self::Negligible, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The word for a score of CVSS 3 or 4: <https://www.first.org/cvss/v4.0/specification-document#Qualitative-Severity-Rating-Scale>.
    pub fn of_score(score: f64) -> Self {
        match score {
            9.0.. => Self::Critical,
            7.0.. => Self::High,
            4.0.. => Self::Medium,
            0.1.. => Self::Low,
            _ => Self::Unknown,
        }
    }

    /// The word for a score of CVSS 2, as NVD gives it, which has none above "high":
    /// <https://nvd.nist.gov/vuln-metrics/cvss>.
    pub fn of_score_v2(score: f64) -> Self {
        match score {
            7.0.. => Self::High,
            4.0.. => Self::Medium,
            0.0.. => Self::Low,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that no publisher uses for a severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no severity; use one of unknown, negligible, low, medium, high, critical")]
pub struct UnknownSeverity(pub String);

/// The words of all publishers, in any case: `moderate`, `important`, `unimportant`, …
impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "unknown" | "none" | "untriaged" | "not yet assigned" => Self::Unknown,
            "negligible" | "unimportant" => Self::Negligible,
            "low" => Self::Low,
            "medium" | "moderate" => Self::Medium,
            "high" | "important" => Self::High,
            "critical" => Self::Critical,
            _ => return Err(UnknownSeverity(text.to_owned())),
        })
    }
}
