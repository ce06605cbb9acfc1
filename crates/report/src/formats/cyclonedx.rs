//! CycloneDX 1.6 with vulnerabilities, which `sbom` writes.

use super::Format;

pub(super) static FORMAT: Format = Format {
    name: "cyclonedx",
    media_type: "application/vnd.cyclonedx+json; version=1.6",
    extension: "cdx.json",
    title: "CycloneDX 1.6: the packages and their vulnerabilities in one document",
    write: |report, options, to| sekisho_sbom::cyclonedx::write_scan(report, options.timestamp, to),
};
