//! The report as it is: schema `sekisho.check/v1`.

use crate::formats::Format;
use sekisho_model::{CheckReport, write_json};

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "json",
    media_type: "application/json",
    extension: "json",
    title: "all there is, for programs; the schema is published",
    write: |report, _, to| write_json(report, to),
};
