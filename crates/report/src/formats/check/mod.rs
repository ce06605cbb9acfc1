//! The forms of a check report: one module each, registered in one table that also drives help and documentation.

mod csv;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod policy_report;
mod sarif;

use super::Format;
use sekisho_model::CheckReport;

/// Every format of a check report, in the order of help and documentation.
pub static CHECK_FORMATS: &[&Format<CheckReport>] = &[
    &json::FORMAT,
    &sarif::FORMAT,
    &junit::FORMAT,
    &gitlab::FORMAT,
    &html::FORMAT,
    &markdown::FORMAT,
    &csv::FORMAT,
    &policy_report::FORMAT,
];

/// The format of a check report of this name.
pub fn check_format(name: &str) -> Option<&'static Format<CheckReport>> {
    CHECK_FORMATS.iter().copied().find(|format| format.name == name)
}
