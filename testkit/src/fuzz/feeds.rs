//! The parsers of advisory feeds: one target for each format that is built in its own way.

use super::LIMITS;
use sekisho_advisory::feeds::{self, FeedFile, Read};
use sekisho_advisory::range::union;
use sekisho_advisory::record::{Advisory, Record};

/// OSV in JSON.
pub fn feed_osv(bytes: &[u8]) {
    read_all(&[("osv", "X-1.json"), ("almalinux", "ALSA-1.json")], bytes);
}

/// What is written in YAML.
pub fn feed_yaml(bytes: &[u8]) {
    read_all(&[("pypa", "PYSEC-1.yaml"), ("alpine", "main.yaml"), ("rubysec", "gems/a/CVE-2024-1.yml")], bytes);
}

/// The tracker of Debian, and the database of Alpine in JSON.
pub fn feed_debian(bytes: &[u8]) {
    read_all(&[("debian", "json"), ("alpine", "main.json")], bytes);
}

/// CSAF.
pub fn feed_csaf(bytes: &[u8]) {
    read_all(&[("redhat", "cve-2024-1.json")], bytes);
}

/// What is written in XML.
pub fn feed_xml(bytes: &[u8]) {
    read_all(&[("amazon", "updateinfo.xml"), ("jvn", "jvndb.rdf")], bytes);
}

/// Markdown with TOML.
pub fn feed_rustsec(bytes: &[u8]) {
    read_all(&[("rustsec", "crates/a/RUSTSEC-1.md"), ("rustsec", "rust/std/CVE-2024-1.md")], bytes);
}

/// Catalogues of vulnerabilities, in JSON and in tables.
pub fn feed_catalogue(bytes: &[u8]) {
    read_all(&[("nvd", "nvd.json"), ("kev", "kev.json"), ("epss", "epss.csv")], bytes);
}

/// Reads the bytes as a file of each of `feeds`.
fn read_all(feeds: &[(&str, &str)], bytes: &[u8]) {
    for (id, path) in feeds {
        let (records, read) = read(id, path, bytes);
        assert_eq!(read.advisories + read.enrichments, records.len(), "records are counted wrongly");
        assert!(records.len() <= LIMITS.records, "more records than the limit");
        let size = serde_json::to_vec(&records).expect("records can be written").len();
        assert!(size <= 128 * bytes.len() + 4096, "{} bytes became {size}", bytes.len());
        // Whatever it is, asking whose it is must not fail either.
        feeds::feed_of(path, bytes);
        let again = self::read(id, path, bytes);
        assert_eq!((&records, &read), (&again.0, &again.1), "the same bytes gave something else");
        for record in &records {
            if let Record::Advisory(advisory) = record {
                check(advisory);
            }
        }
    }
}

fn read(id: &str, path: &str, bytes: &[u8]) -> (Vec<Record>, Read) {
    let feed = feeds::feed(id).expect("the feed is in the table");
    let mut records = Vec::new();
    let read = feed.read(&FeedFile { path, bytes, limits: &LIMITS }, &mut |record| records.push(record));
    (records, read)
}

/// Intervals are in order and apart.
fn check(advisory: &Advisory) {
    for affected in &advisory.affected {
        let ranges = union(affected.ecosystem.scheme(), affected.ranges.clone());
        assert_eq!(ranges, affected.ranges, "intervals are not in order and apart");
    }
}
