//! `PolicyReport` and `ClusterPolicyReport` (`wgpolicyk8s.io/v1alpha2`), as one List in JSON that `kubectl apply` takes.
//!
//! The form is that of the Kubernetes policy working group
//! (<https://github.com/kubernetes-sigs/wg-policy-prototypes>, `apis/wgpolicyk8s.io/v1alpha2`), whose severities have
//! `critical` since its second release; clusters with the first one refuse that.
//!
//! One `PolicyReport` for each namespace; one `ClusterPolicyReport` for what is in none, images among it, and for what was
//! not read. A result stands for a policy and a subject: `fail` where it fails the check, `warn` where it does not,
//! `error` where it is not known, `skip` where it is excepted or was not evaluated. What passed is counted in the summary
//! and not listed.
//!
//! An object in etcd may have 1.5 MB at most, and large reports are what brought such stores down. So an object has as
//! many results as fit below a million bytes, the worst first; its last one is then an `error` that says how many are
//! left out, and the summary has all.

use crate::check::{self, CheckView, Row, Standing, State};
use crate::formats::Format;
use crate::view::{cut, line};
use sekisho_model::{CheckReport, CheckSubject, SubjectKind, write_json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "policy-report",
    media_type: "application/json",
    extension: "json",
    title: "PolicyReport objects of Kubernetes (wgpolicyk8s.io/v1alpha2), as a List in JSON",
    write: |report, _, to| write(report, to),
};

/// Bytes of the results of one object, on few lines.
const MOST: usize = 1_000_000;

/// Characters of a text that a stranger wrote.
const LONGEST: usize = 1024;

const SOURCE: &str = "sekisho";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    api_version: &'static str,
    kind: &'static str,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    summary: Summary,
    results: Vec<Entry>,
}

#[derive(Serialize)]
struct Metadata {
    name: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    labels: BTreeMap<&'static str, &'static str>,
}

#[derive(Serialize, Default)]
struct Summary {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

#[derive(Serialize)]
struct Entry {
    source: &'static str,
    policy: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    rule: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    timestamp: Timestamp,
    result: Outcome,
    scored: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Reference>,
    message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'static str, String>,
}

#[derive(Serialize, Clone, Copy)]
struct Timestamp {
    seconds: i64,
    nanos: i32,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Fail,
    Warn,
    Error,
    Skip,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(skip_serializing_if = "String::is_empty")]
    api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
}

fn write(report: &CheckReport, to: impl Write) -> io::Result<()> {
    let view = CheckView::new(report);
    let observed = report.observed_at;
    // Before 1970 seconds are counted down and fractions still up.
    let seconds = observed.as_nanosecond().div_euclid(1_000_000_000);
    let nanos = observed.as_nanosecond().rem_euclid(1_000_000_000);
    let time = Timestamp {
        seconds: i64::try_from(seconds).unwrap_or_default(),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    };
    let mut objects: BTreeMap<&str, Object> = BTreeMap::new();
    for subject in &report.subjects {
        objects.entry(subject.namespace.as_str()).or_default().summary.pass += subject.passed;
    }
    let unread = view.unread().map(|told| missing(&format!("{} {}", told.code, told.text), time));
    let nothing = (view.standing() == Standing::Empty).then(|| missing(Standing::Empty.warning(), time));
    for entry in unread.chain(nothing) {
        objects.entry("").or_default().take(entry)?;
    }
    for row in &view.rows {
        objects.entry(row.subject.namespace.as_str()).or_default().take(entry(row, time))?;
    }
    let items = objects.into_iter().map(|(namespace, object)| object.finish(namespace, time)).collect();
    write_json(&List { api_version: "v1", kind: "List", items }, to)
}

/// A report in the making.
#[derive(Default)]
struct Object {
    summary: Summary,
    results: Vec<Entry>,
    bytes: usize,
    left_out: usize,
}

impl Object {
    fn take(&mut self, entry: Entry) -> io::Result<()> {
        match entry.result {
            Outcome::Fail => self.summary.fail += 1,
            Outcome::Warn => self.summary.warn += 1,
            Outcome::Error => self.summary.error += 1,
            Outcome::Skip => self.summary.skip += 1,
        }
        let bytes = serde_json::to_vec(&entry)?.len();
        if self.left_out > 0 || self.bytes + bytes > MOST {
            self.left_out += 1;
            return Ok(());
        }
        self.bytes += bytes;
        self.results.push(entry);
        Ok(())
    }

    fn finish(mut self, namespace: &str, time: Timestamp) -> Item {
        if self.left_out > 0 {
            let text = format!("{} more results are left out: the object would be too large", self.left_out);
            self.results.push(missing(&text, time));
        }
        Item {
            api_version: "wgpolicyk8s.io/v1alpha2",
            kind: if namespace.is_empty() { "ClusterPolicyReport" } else { "PolicyReport" },
            metadata: Metadata {
                name: "sekisho-check",
                namespace: line(&cut(namespace, LONGEST)),
                labels: [("app.kubernetes.io/managed-by", SOURCE)].into(),
            },
            summary: self.summary,
            results: self.results,
        }
    }
}

fn missing(message: &str, timestamp: Timestamp) -> Entry {
    Entry {
        source: SOURCE,
        policy: SOURCE.to_owned(),
        rule: "everything-was-read-and-judged".to_owned(),
        category: String::new(),
        severity: None,
        timestamp,
        result: Outcome::Error,
        scored: false,
        resources: Vec::new(),
        message: cut(message, LONGEST).into_owned(),
        properties: BTreeMap::new(),
    }
}

fn entry(row: &Row<'_>, timestamp: Timestamp) -> Entry {
    let Row { result, policy, subject, state } = row;
    let violations = row.violations();
    let mut properties = BTreeMap::new();
    let mut add = |name, value: String| {
        if !value.is_empty() {
            properties.insert(name, cut(&value, LONGEST).into_owned());
        }
    };
    add("name", line(&policy.name));
    add("place", check::place(subject));
    add("digest", subject.digest.map(|digest| digest.to_string()).unwrap_or_default());
    add("controls", line(&policy.controls.join(", ")));
    let message = if row.is_violated() {
        let fixes: Vec<String> =
            violations.iter().filter_map(|it| it.fix.as_ref()).take(10).map(|fix| line(&fix.text)).collect();
        add("fix", fixes.join("; "));
        add("remediation", line(&cut(&policy.remediation, LONGEST)));
        let messages: Vec<String> = violations.iter().take(20).map(check::message).collect();
        let more = if violations.len() > 20 { format!("; and {} more", violations.len() - 20) } else { String::new() };
        cut(&messages.join("; "), LONGEST).into_owned() + &more
    } else {
        row.reasons()
    };
    let message = match &result.excluded {
        Some(excluded) => format!("{}: {message}", check::exclusion(excluded)),
        None => message,
    };
    let rule = violations.first().map(|it| &*it.criterion).unwrap_or_default();
    let rule = if violations.iter().all(|it| *it.criterion == *rule) { rule } else { "" };
    Entry {
        source: SOURCE,
        policy: line(&cut(if policy.id.is_empty() { "unnamed" } else { &policy.id }, LONGEST)),
        rule: line(&cut(rule, LONGEST)),
        category: line(&cut(policy.categories.first().map_or("", String::as_str), LONGEST)),
        severity: Some(policy.severity.as_str()),
        timestamp,
        result: match state {
            State::Fails => Outcome::Fail,
            State::Warns => Outcome::Warn,
            State::Unknown => Outcome::Error,
            State::Excepted | State::NotEvaluated => Outcome::Skip,
        },
        scored: *state == State::Fails,
        resources: vec![reference(subject)],
        message: cut(&message, 2 * LONGEST).into_owned(),
        properties,
    }
}

fn reference(subject: &CheckSubject) -> Reference {
    let title = line(&cut(&subject.title, LONGEST));
    let (kind, name) = match (subject.kind, title.split_once('/')) {
        (SubjectKind::Image, _) => ("Image", title.as_str()),
        (_, Some((kind, name))) => (kind, name),
        // An object without a name is called by its kind.
        (_, None) if !subject.api_version.is_empty() => (title.as_str(), ""),
        (_, None) => ("", title.as_str()),
    };
    Reference {
        api_version: line(&cut(&subject.api_version, LONGEST)),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace: line(&cut(&subject.namespace, LONGEST)),
    }
}
