//! An [`Advisory`] as an OSV document: <https://ossf.github.io/osv-schema/>.

use super::kind_of_id;
use super::schema::{Own, is_default};
use crate::range::{Lower, Range, Upper};
use crate::record::{Advisory, Affected, Rating};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The version of the schema that is written.
const SCHEMA_VERSION: &str = "1.7.3";

/// The document. What OSV has no field for goes into `database_specific.sekisho`, so that reading it back gives the
/// same advisory; where a range begins *after* a version, what other readers see begins *with* it.
pub fn export(advisory: &Advisory) -> Value {
    let mut out = Map::new();
    out.insert("schema_version".into(), SCHEMA_VERSION.into());
    out.insert("id".into(), advisory.id.as_str().into());
    // Required by the schema.
    let modified = advisory.modified.or(advisory.published).unwrap_or(Timestamp::UNIX_EPOCH);
    out.insert("modified".into(), modified.to_string().into());
    let texts = [
        ("published", advisory.published.map(|moment| moment.to_string()).unwrap_or_default()),
        ("withdrawn", advisory.withdrawn.map(|moment| moment.to_string()).unwrap_or_default()),
        ("summary", advisory.summary.clone()),
        ("details", advisory.details.clone()),
    ];
    out.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.into(), text.into())));
    let lists = [
        ("aliases", json!(advisory.aliases)),
        ("upstream", json!(advisory.addresses)),
        ("severity", severity(&advisory.ratings)),
        ("references", advisory.references.iter().map(|url| json!({ "type": "WEB", "url": url })).collect()),
        ("affected", advisory.affected.iter().map(affected).collect()),
    ];
    out.extend(lists.into_iter().filter(|(_, list)| *list != json!([])).map(|(key, list)| (key.into(), list)));
    let own = Own {
        kind: (advisory.kind != kind_of_id(&advisory.id, advisory.addresses.is_empty())).then_some(advisory.kind),
        ratings: beyond_osv(&advisory.ratings),
        ..Own::default()
    };
    let mut specific = block(&own);
    if !advisory.cwes.is_empty() {
        specific.insert("cwe_ids".into(), json!(advisory.cwes));
    }
    if !specific.is_empty() {
        out.insert("database_specific".into(), specific.into());
    }
    Value::Object(out)
}

fn affected(affected: &Affected) -> Value {
    let ecosystem = match &affected.release {
        Some(release) => format!("{}:{release}", affected.ecosystem),
        None => affected.ecosystem.to_string(),
    };
    let mut out = Map::new();
    out.insert("package".into(), json!({ "ecosystem": ecosystem, "name": affected.name }));
    // One range for each interval, so that no reader has to sort events.
    let ranges: Vec<Value> = affected.ranges.iter().map(range).collect();
    let lists =
        [("ranges", json!(ranges)), ("versions", json!(affected.versions)), ("severity", severity(&affected.ratings))];
    out.extend(lists.into_iter().filter(|(_, list)| *list != json!([])).map(|(key, list)| (key.into(), list)));
    let own = Own {
        kind: None,
        ratings: beyond_osv(&affected.ratings),
        module: affected.module.clone(),
        arches: affected.arches.clone(),
        status: affected.status,
        ranges: affected.ranges.iter().any(is_beyond_osv).then(|| affected.ranges.clone()),
        notice: affected.notice.clone(),
    };
    let specific = block(&own);
    if !specific.is_empty() {
        out.insert("database_specific".into(), specific.into());
    }
    Value::Object(out)
}

fn range(range: &Range) -> Value {
    let from = match &range.from {
        Lower::Start => "0",
        Lower::At(version) | Lower::After(version) => version,
    };
    let mut events = vec![json!({ "introduced": from })];
    match &range.to {
        Upper::Unfixed => {}
        Upper::Fixed(version) => events.push(json!({ "fixed": version })),
        Upper::Last(version) => events.push(json!({ "last_affected": version })),
    }
    json!({ "type": "ECOSYSTEM", "events": events })
}

/// Whether the events of OSV cannot say it: a beginning after a version, and `0` as a version of its own.
fn is_beyond_osv(range: &Range) -> bool {
    let from = match &range.from {
        Lower::Start => false,
        Lower::At(version) => version == "0",
        Lower::After(_) => true,
    };
    from || matches!(&range.to, Upper::Fixed(version) | Upper::Last(version) if version == "0")
}

/// Vectors of the publisher's.
fn severity(ratings: &[Rating]) -> Value {
    let vectors = ratings.iter().filter(|rating| rating.by.is_empty()).filter_map(|rating| rating.vector.as_deref());
    let scores = vectors.map(|vector| {
        let kind = match vector {
            vector if vector.starts_with("CVSS:4") => "CVSS_V4",
            vector if vector.starts_with("CVSS:3") => "CVSS_V3",
            _ => "CVSS_V2",
        };
        json!({ "type": kind, "score": vector })
    });
    scores.collect()
}

/// All ratings, where there are several or one that is more than a vector of the publisher's.
fn beyond_osv(ratings: &[Rating]) -> Option<Vec<Rating>> {
    let is_plain = |rating: &Rating| rating.by.is_empty() && rating.severity.is_none() && rating.vector.is_some();
    let can_say = match ratings {
        [] => true,
        [only] => is_plain(only),
        _ => false,
    };
    (!can_say).then(|| ratings.to_vec())
}

fn block(own: &Own) -> Map<String, Value> {
    let mut out = Map::new();
    // A plain structure always becomes a value; were it not so, the block would be missing from the round trip test.
    if let (false, Ok(value)) = (is_default(own), serde_json::to_value(own)) {
        out.insert("sekisho".into(), value);
    }
    out
}
