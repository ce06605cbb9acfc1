//! The report as it is: schema `sekisho.scan/v1`.

use super::Format;
use sekisho_model::write_json;

pub(super) static FORMAT: Format = Format {
    name: "json",
    media_type: "application/json",
    extension: "json",
    title: "all there is, for programs; the schema is published",
    write: |report, _, to| write_json(report, to),
};
