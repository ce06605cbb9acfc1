//! CISA's Known Exploited Vulnerabilities catalogue, JSON or CSV:
//! <https://www.cisa.gov/known-exploited-vulnerabilities-catalog>.

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, file_name, holds};
use super::text::{Most, is_cve};
use crate::record::Says;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The catalogue.
pub(crate) static FEED: Feed = Feed {
    id: "kev",
    title: "CISA Known Exploited Vulnerabilities",
    licence: "CC0-1.0",
    upstream: &["https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"],
    contents: Contents::List,
    recognises: |path, head| {
        let has = |text| holds(head, text);
        let is_named = ["known_exploited_vulnerabilities.json", "known_exploited_vulnerabilities.csv"];
        let is_json = || has("\"catalogVersion\"") && has("\"vulnerabilities\"") && !has("\"$schema\"");
        is_named.contains(&file_name(path)) || head.starts_with(b"cveID,") || is_json()
    },
    parse,
};

#[derive(Deserialize)]
struct Catalogue<'a> {
    #[serde(rename = "dateReleased")]
    released: Option<String>,
    count: Option<usize>,
    #[serde(borrow)]
    vulnerabilities: Most<&'a RawValue, 1_000_000>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "cveID")]
    id: String,
    #[serde(rename = "dateAdded")]
    added: String,
    #[serde(rename = "dueDate")]
    due: Option<String>,
    #[serde(rename = "knownRansomwareCampaignUse")]
    ransomware: Option<String>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    if file.bytes.trim_ascii_start().starts_with(b"{") {
        let catalogue: Catalogue<'_> = serde_json::from_slice(file.bytes).map_err(Broken::new)?;
        sink.made(catalogue.released.as_deref());
        sink.lacks(catalogue.vulnerabilities.0.len(), catalogue.count);
        for raw in catalogue.vulnerabilities.0 {
            take(serde_json::from_str(raw.get()).map_err(|error| error.to_string()), sink);
        }
        return Ok(());
    }
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(file.bytes);
    let headers = table.headers().map_err(Broken::new)?.clone();
    if !headers.iter().any(|header| header == "cveID") {
        return Err(Broken::new("it has no column cveID"));
    }
    for row in table.records() {
        let entry = row.and_then(|row| row.deserialize(Some(&headers)));
        take(entry.map_err(|error| error.to_string()), sink);
    }
    Ok(())
}

fn take(entry: Result<Entry, String>, sink: &mut Sink<'_>) {
    match entry {
        Ok(entry) if is_cve(&entry.id) => {
            let ransomware = entry.ransomware.as_deref() == Some("Known");
            let due = entry.due.filter(|due| !due.is_empty());
            sink.says(entry.id, Says::Exploited { added: entry.added, due, ransomware });
        }
        Ok(entry) => sink.skip(entry.id, "its id is not that of a CVE"),
        Err(reason) => sink.skip("without a name", reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/kev/fixtures");
    }

    #[test]
    fn broken_entries_are_skipped_and_counted() {
        let json = br#"{"vulnerabilities":[{"cveID":"CVE-2024-1","dateAdded":"2024-01-01"},{"cveID":7},{"cveID":"x","dateAdded":""}]}"#;
        let (records, read) = testing::read(&FEED, "kev.json", json);
        assert_eq!((records.len(), read.enrichments, read.skipped), (1, 1, 2));
        let json = br#"{"dateReleased":"2024-01-02","count":3,"vulnerabilities":[{"cveID":"CVE-2024-1","dateAdded":"2024-01-01"}]}"#;
        let (records, read) = testing::read(&FEED, "kev.json", json);
        assert_eq!((records.len(), read.skipped, read.made), (1, 2, super::super::text::moment("2024-01-02")));
        let (records, read) = testing::read(&FEED, "kev.csv", b"cveID,dateAdded\nCVE-2024-1,2024-01-01\nx,\n\xff,\n");
        assert_eq!((records.len(), read.skipped), (1, 2));
        let (_, read) = testing::read(&FEED, "kev.csv", b"cve,epss\nCVE-2024-1,2024-01-01\n");
        assert_eq!(read.diagnostics[0].code, sekisho_model::Code::FeedMalformed);
    }
}
