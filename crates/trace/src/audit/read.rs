//! Audit logs, record by record.

use super::AuditEvent;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Code, Diagnostic};
use serde_json::{Deserializer, Value as Json};
use std::io::{self, BufRead, BufReader, Read};

/// How many records that are left out are named; more are counted.
const NAMED: u64 = 5;
/// How much is read at a time.
const CHUNK: usize = 64 << 10;
/// Up to which length a record is looked at after every line of it, so that what comes slowly is seen at once.
const LIVELY: usize = 1 << 20;

/// Reads audit events front to back: one, a list of them, or any number one behind the other, as on lines, compressed or
/// not. Only one record is in memory at a time. What is no audit event is left out, counted, and named in a note; what
/// cannot be read makes the result incomplete.
pub struct Reader<R: Read> {
    input: Inflate<BufReader<R>>,
    pub(super) buffer: Vec<u8>,
    /// Where the next record begins.
    at: usize,
    /// How long that was when it was found to be cut.
    tried: usize,
    /// The longest record.
    longest: usize,
    /// Nothing more comes.
    ended: bool,
    cut: bool,
    told: bool,
    /// What is left of a list.
    listed: std::vec::IntoIter<Json>,
    events: u64,
    foreign: u64,
    broken: u64,
    diagnostics: Vec<Diagnostic>,
}

impl<R: Read> Reader<R> {
    /// Opens a log. `stored_bytes` is its size, for the bound on how much may come out of it. A record is at most as long
    /// as [`Limits::text_file_bytes`].
    pub fn new(reader: R, stored_bytes: u64, limits: &Limits) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(CHUNK, reader);
        let compression = Compression::detect(reader.fill_buf()?);
        Ok(Self {
            input: Inflate::new(reader, compression, stored_bytes, limits)?,
            buffer: Vec::new(),
            at: 0,
            tried: 0,
            longest: usize::try_from(limits.text_file_bytes).unwrap_or(usize::MAX),
            ended: false,
            cut: false,
            told: false,
            listed: Vec::new().into_iter(),
            events: 0,
            foreign: 0,
            broken: 0,
            diagnostics: Vec::new(),
        })
    }

    /// What was not read, and why; the counts of it once there is nothing more to read.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many audit events have come.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many records were left out since they are no audit events.
    pub fn foreign(&self) -> u64 {
        self.foreign
    }

    /// How many records, or pieces of such, could not be read.
    pub fn broken(&self) -> u64 {
        self.broken
    }

    /// Whether the log could not be read to its end.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The next record, whatever it is.
    fn record(&mut self) -> Option<Json> {
        loop {
            self.at += self.buffer[self.at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let rest = &self.buffer[self.at..];
            if rest.is_empty() {
                if self.ended {
                    return None;
                }
                self.fill();
                continue;
            }
            if self.waits(rest) {
                self.fill();
                continue;
            }
            let mut stream = Deserializer::from_slice(rest).into_iter::<Json>();
            match stream.next() {
                // A number may go on in what comes.
                Some(Ok(json)) if self.ended || stream.byte_offset() < rest.len() || json.is_object() => {
                    self.at += stream.byte_offset();
                    self.tried = 0;
                    return Some(json);
                }
                Some(Err(error)) if self.ended || !error.is_eof() => self.skip_broken(&error),
                _ if rest.len() >= self.longest => self.skip_long(),
                _ => {
                    self.tried = rest.len();
                    self.fill();
                }
            }
        }
    }

    /// Whether a record that was cut is not worth another look yet: all looks together are to cost no more than a few.
    fn waits(&self, rest: &[u8]) -> bool {
        let is_line = rest.len() < LIVELY && rest.last() == Some(&b'\n');
        !self.ended
            && self.tried > 0
            && rest.len() < self.longest
            && rest.len() < self.tried.saturating_mul(2)
            && (!is_line || rest.len() == self.tried)
    }

    /// Reads on behind what is there.
    fn fill(&mut self) {
        self.buffer.drain(..self.at);
        self.at = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(length + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) => {
                self.ended = true;
                self.cut = true;
                let code = match error.kind() {
                    io::ErrorKind::FileTooLarge => Code::LimitExceeded,
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Code::FileMalformed,
                    _ => Code::FileUnreadable,
                };
                let message = format!("the log ends after {} audit events: {error}", self.events);
                self.diagnostics.push(Diagnostic::incomplete(code, message));
            }
        }
    }

    /// Goes on behind what is no JSON: with the line in which that was found, or the one behind it.
    fn skip_broken(&mut self, error: &serde_json::Error) {
        self.broken += 1;
        if self.broken <= NAMED {
            let message = format!("after {} audit events there is something that is no JSON: {error}", self.events);
            self.diagnostics.push(Diagnostic::incomplete(Code::FileMalformed, message));
        }
        let rest = &self.buffer[self.at..];
        match error.line().checked_sub(2).and_then(|line| memchr::memchr_iter(b'\n', rest).nth(line)) {
            Some(end) if !error.is_eof() => self.at += end + 1,
            _ => self.skip_line(),
        }
        self.tried = 0;
    }

    fn skip_long(&mut self) {
        self.broken += 1;
        if self.broken <= NAMED {
            let limit = LimitKey::TextFileBytes.as_str();
            let (events, longest) = (self.events, self.longest);
            let message = format!(
                "the record after {events} audit events is longer than the limit of {longest} bytes (limits.{limit})"
            );
            self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
        }
        self.at = self.buffer.len();
        self.skip_line();
        self.tried = 0;
    }

    /// Goes behind the end of the line.
    fn skip_line(&mut self) {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.at..]) {
                self.at += end + 1;
                return;
            }
            self.at = self.buffer.len();
            if self.ended {
                return;
            }
            self.fill();
        }
    }

    /// The event that a record is, or begins a list with.
    fn take(&mut self, mut json: Json) -> Option<AuditEvent> {
        match json.get("kind").and_then(Json::as_str) {
            Some("EventList") => {
                match json.get_mut("items").and_then(Json::as_array_mut).map(std::mem::take) {
                    Some(items) => self.listed = items.into_iter(),
                    None => self.leave_out("an EventList without items"),
                }
                None
            }
            Some("Event") if json.get("auditID").is_some() => self.event(json),
            Some(kind) => {
                let kind: String = kind.chars().take(60).collect();
                self.leave_out(&format!("of kind {kind:?}"));
                None
            }
            None => {
                self.leave_out("without a kind");
                None
            }
        }
    }

    fn event(&mut self, json: Json) -> Option<AuditEvent> {
        if json.get("auditID").and_then(Json::as_str).is_none() {
            self.leave_out("without an auditID");
            return None;
        }
        let moment = ["stageTimestamp", "requestReceivedTimestamp", "timestamp"]
            .iter()
            .find_map(|key| json.get(key)?.as_str()?.parse::<Timestamp>().ok());
        let time = moment.and_then(|moment| u64::try_from(moment.as_nanosecond()).ok()).unwrap_or_default();
        self.events += 1;
        Some(AuditEvent { number: self.events, time, json })
    }

    fn leave_out(&mut self, what: &str) {
        self.foreign += 1;
        if self.foreign <= NAMED {
            let message = format!(
                "a record {what} after {} audit events was left out: data not recognized as a k8s audit event",
                self.events
            );
            self.diagnostics.push(Diagnostic::note(Code::RecordMalformed, message));
        }
    }

    /// Tells how many records were not named.
    fn finish(&mut self) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        for (count, what) in [(self.foreign, "are no audit events"), (self.broken, "are no JSON, or too long,")] {
            if count > NAMED {
                let message = format!("{} more records {what} and were left out", count - NAMED);
                self.diagnostics.push(Diagnostic::note(Code::RecordMalformed, message));
            }
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = AuditEvent;

    fn next(&mut self) -> Option<AuditEvent> {
        loop {
            let event = if let Some(json) = self.listed.next() {
                self.event(json)
            } else if let Some(json) = self.record() {
                self.take(json)
            } else {
                self.finish();
                return None;
            };
            if event.is_some() {
                return event;
            }
        }
    }
}
