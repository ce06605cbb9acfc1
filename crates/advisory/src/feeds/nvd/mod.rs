//! The National Vulnerability Database, JSON 2.0, feeds and answers of its API:
//! <https://nvd.nist.gov/developers/vulnerabilities>.
//!
//! Only what it says *about* a vulnerability is read. Its lists of products (CPE) are not: they name upstream
//! products, not packages, and matching by them finds what is not there.

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, holds, is_named};
use super::text::{Most, Text, is_cve, nullable};
use crate::record::{Rating, Says};
use sekisho_model::Severity;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The database.
pub(crate) static FEED: Feed = Feed {
    id: "nvd",
    title: "NVD 2.0 (descriptions and ratings)",
    licence: "LicenseRef-NVD-public-domain",
    upstream: &["https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-{}.json.gz"],
    contents: Contents::List,
    recognises: |path, head| {
        let has = |text| holds(head, text);
        is_named(path, &["nvdcve-2.0-"], "json") || (has("\"NVD_CVE\"") && has("\"vulnerabilities\""))
    },
    parse,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    results_per_page: Option<usize>,
    start_index: Option<usize>,
    total_results: Option<usize>,
    timestamp: Option<String>,
    #[serde(borrow)]
    vulnerabilities: Most<&'a RawValue, 1_000_000>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    cve: Cve<'a>,
}

#[derive(Deserialize)]
struct Cve<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "vulnStatus", default)]
    status: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    descriptions: Vec<Said<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    metrics: Metrics<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    weaknesses: Vec<Weakness<'a>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    lang: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Deserialize)]
struct Weakness<'a> {
    #[serde(borrow, default)]
    description: Vec<Said<'a>>,
}

#[derive(Deserialize, Default)]
struct Metrics<'a> {
    #[serde(borrow, default, rename = "cvssMetricV40")]
    v40: Vec<Metric<'a>>,
    #[serde(borrow, default, rename = "cvssMetricV31")]
    v31: Vec<Metric<'a>>,
    #[serde(borrow, default, rename = "cvssMetricV30")]
    v30: Vec<Metric<'a>>,
    #[serde(borrow, default, rename = "cvssMetricV2")]
    v2: Vec<Metric<'a>>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(borrow, default)]
    source: Text<'a>,
    #[serde(borrow, rename = "cvssData")]
    data: Cvss<'a>,
    /// Beside the data in version 2, inside them later.
    #[serde(borrow, rename = "baseSeverity", default)]
    severity: Text<'a>,
}

#[derive(Deserialize)]
struct Cvss<'a> {
    #[serde(borrow, rename = "vectorString")]
    vector: Text<'a>,
    #[serde(borrow, rename = "baseSeverity", default)]
    severity: Text<'a>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let answer: Answer<'_> = serde_json::from_slice(file.bytes).map_err(Broken::new)?;
    sink.made(answer.timestamp.as_deref());
    // An answer of the API is a page of several, and the last of them is shorter.
    let rest = answer.total_results.map(|total| total.saturating_sub(answer.start_index.unwrap_or_default()));
    sink.lacks(answer.vulnerabilities.0.len(), rest.map(|rest| rest.min(answer.results_per_page.unwrap_or(rest))));
    sink.one_of(answer.total_results.filter(|total| answer.results_per_page.is_some_and(|page| page < *total)));
    for raw in answer.vulnerabilities.0 {
        match serde_json::from_str::<Item<'_>>(raw.get()) {
            Ok(Item { cve }) if is_cve(&cve.id) => {
                let id = cve.id.to_string();
                sink.says(id, say(cve));
            }
            Ok(item) => sink.skip(&*item.cve.id, "its id is not that of a CVE"),
            Err(error) => sink.skip("without a name", error),
        }
    }
    Ok(())
}

fn say(cve: Cve<'_>) -> Says {
    let metrics = [cve.metrics.v40, cve.metrics.v31, cve.metrics.v30, cve.metrics.v2];
    let ratings = metrics.into_iter().flatten().map(|metric| {
        let word = if metric.data.severity.is_empty() { &metric.severity } else { &metric.data.severity };
        let by = if &*metric.source == "nvd@nist.gov" { "nvd" } else { &metric.source };
        Rating {
            by: by.to_owned(),
            severity: word.parse::<Severity>().ok().filter(|severity| *severity != Severity::Unknown),
            vector: Some(metric.data.vector.into()),
        }
    });
    let cwes = cve.weaknesses.into_iter().flat_map(|weakness| weakness.description).map(|said| said.value);
    let mut cwes: Vec<String> = cwes.filter(|cwe| cwe.starts_with("CWE-")).map(String::from).collect();
    cwes.sort();
    cwes.dedup();
    let text = cve.descriptions.into_iter().find(|said| &*said.lang == "en").map(|said| said.value);
    Says::Description {
        text: text.unwrap_or_default().into(),
        ratings: ratings.collect(),
        cwes,
        rejected: &*cve.status == "Rejected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/nvd/fixtures");
    }

    #[test]
    fn a_broken_item_is_skipped() {
        let json = br#"{"vulnerabilities":[{"cve":{"id":"CVE-2024-1"}},{"cve":{}},{"cve":{"id":"x"}}]}"#;
        let (records, read) = testing::read(&FEED, "nvd.json", json);
        assert_eq!((records.len(), read.skipped), (1, 2));
    }
}
