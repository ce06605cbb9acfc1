//! Alerts: what is told when a rule matches.

use crate::load::{Capture, Rule};
use crate::response::Record;
use jiff::Timestamp;
use sekisho_trace::field::Facts;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// How urgent a rule's alerts are, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are those of syslog")]
pub enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Informational,
    Debug,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];

    /// How alerts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Alert => "Alert",
            Self::Critical => "Critical",
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Notice => "Notice",
            Self::Informational => "Informational",
            Self::Debug => "Debug",
        }
    }

    /// The one that is written so, in letters of any case; `info` is `Informational`.
    pub fn of(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("info") {
            return Some(Self::Informational);
        }
        Self::ALL.into_iter().find(|priority| priority.as_str().eq_ignore_ascii_case(text))
    }
}

impl Display for Priority {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule tells of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The name of the rule.
    pub rule: Arc<str>,
    /// How urgent it is.
    pub priority: Priority,
    /// Where the event is from.
    pub source: Arc<str>,
    /// The tags of the rule.
    pub tags: Arc<BTreeSet<String>>,
    /// When the event was, in nanoseconds since 1970; 0 where nothing says so.
    pub time: u64,
    /// The number of the event in its stream; 0 where it has none.
    pub number: u64,
    /// The output of the rule, with the values of its fields.
    pub message: String,
    /// The fields of the output, by how they are written there.
    pub fields: Map<String, Value>,
    /// The host.
    pub hostname: Arc<str>,
    /// Whether the rule asks for the recording to be kept.
    pub capture: Capture,
    /// What was done about it, by whoever answers alerts.
    pub responses: Vec<Record>,
    /// The recording that it is kept in, by whoever records.
    pub recording: Option<Arc<str>>,
}

/// How alerts are written; the defaults are Falco's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Times as moments with their date rather than as times of day. Both are UTC.
    pub iso_time: bool,
    /// Whether JSON has `output`: the line as text has it.
    pub output: bool,
    /// Whether JSON has `tags`.
    pub tags: bool,
    /// Whether JSON has `message`: the line without time and priority.
    pub message: bool,
    /// Whether JSON has `output_fields`.
    pub fields: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { iso_time: false, output: true, tags: true, message: false, fields: true }
    }
}

impl Alert {
    /// What `rule` tells of an event of this number in its stream.
    pub fn of(rule: &Rule, number: u64, facts: &dyn Facts, hostname: &Arc<str>) -> Self {
        let mut fields = Map::new();
        rule.output.values(facts, &mut fields);
        Self {
            rule: Arc::clone(&rule.name),
            priority: rule.priority,
            source: Arc::clone(&rule.source),
            tags: Arc::clone(&rule.tags),
            time: rule.output.moment(facts).unwrap_or_default(),
            number,
            message: rule.output.render(facts),
            fields,
            hostname: Arc::clone(hostname),
            capture: rule.capture,
            responses: Vec::new(),
            recording: None,
        }
    }

    /// One line: `11:31:50.034205123: Warning What happened (…)`.
    pub fn text(&self, style: Style) -> String {
        format!("{}: {} {}", style.time(self.time), self.priority, self.message)
    }

    /// A line that says where the alert is recorded.
    pub fn recorded(&self, style: Style, recording: &str) -> String {
        format!("{}: Capture {recording}", style.time(self.time))
    }

    /// The members of Falco's JSON, which are sorted when they are written.
    pub fn json(&self, style: Style) -> Map<String, Value> {
        let mut json = Map::new();
        let mut set = |key: &str, value: Value| json.insert(key.to_owned(), value);
        set("hostname", (*self.hostname).into());
        set("priority", self.priority.as_str().into());
        set("rule", (*self.rule).into());
        set("source", (*self.source).into());
        set("time", moment(self.time, JSON_TIME).into());
        // Falco has no such member, and nobody sees it who does not ask for responses.
        if !self.responses.is_empty() {
            set("responses", self.responses.iter().map(Record::json).collect());
        }
        if let Some(recording) = &self.recording {
            set("capture", (**recording).into());
        }
        if style.output {
            set("output", self.text(style).into());
        }
        if style.tags {
            set("tags", self.tags.iter().map(String::as_str).collect());
        }
        if style.message {
            set("message", self.message.clone().into());
        }
        if style.fields {
            let mut fields = self.fields.clone();
            // The time in front of the line is one of its fields, in nanoseconds.
            let time = if style.iso_time { "evt.time.iso8601" } else { "evt.time" };
            fields.insert(time.to_owned(), self.time.into());
            set("output_fields", fields.into());
        }
        json
    }
}

impl Style {
    /// A moment as lines begin with it.
    pub(crate) fn time(self, time: u64) -> String {
        moment(time, if self.iso_time { ISO } else { "%H:%M:%S.%9f" })
    }
}

/// A moment, nanoseconds since 1970, in this form.
pub(crate) fn moment(time: u64, format: &str) -> String {
    // A moment that no calendar has is none that was recorded.
    let moment = Timestamp::from_nanosecond(time.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.strftime(format).to_string()
}

/// A moment in the name of a file.
pub fn file_time(time: u64) -> String {
    moment(time, "%Y%m%dT%H%M%S.%9fZ")
}

/// As JSON has it.
pub(crate) const JSON_TIME: &str = "%Y-%m-%dT%H:%M:%S.%9fZ";
const ISO: &str = "%Y-%m-%dT%H:%M:%S.%9f+0000";
