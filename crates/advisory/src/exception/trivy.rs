//! Ignore files of Trivy (<https://trivy.dev/latest/docs/configuration/filtering/>): `.trivyignore`, one id a line, and
//! `.trivyignore.yaml`.
//!
//! What expires at a date there does so as the day begins, so that the day before is the last on which it holds. Ids of
//! anything but vulnerabilities are for nothing that is found here.

use super::{Condition, Deserialize, Deserializer, Exception, Glob, IgnoredAny, MapAccess, PackageName, Sink, Visitor};
use super::{fmt, remembering, subject_of};
use crate::feeds::text::moment;
use crate::product::PackagePattern;
use jiff::civil::Date;
use jiff::tz::Offset;

remembering! {
    /// One finding that is ignored.
    struct Entry {
        id: String = "id",
        paths: Vec<String> = "paths",
        purls: Vec<String> = "purls",
        expired_at: String = "expired_at",
        statement: String = "statement",
    }
}

/// The last whole day before the moment.
fn last_day(text: &str) -> Option<Date> {
    Offset::UTC.to_datetime(moment(text)?).date().yesterday().ok()
}

/// Takes the lines of `.trivyignore`: an id, and perhaps `exp:YYYY-MM-DD`. Trivy passes over other words; here a line
/// with one does not apply, since it may be meant to narrow it.
pub(super) fn lines(text: &str, sink: &mut Sink) {
    for line in text.lines() {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        let mut words = line.split_whitespace();
        let Some(id) = words.next() else { continue };
        let mut until = None;
        let mut wrong = None;
        for word in words {
            match word.strip_prefix("exp:") {
                Some(day) => match day.parse::<Date>().ok().and_then(|_| last_day(day)) {
                    Some(day) => until = Some(day),
                    None => wrong = Some(format!("{day:?} is no date of the form YYYY-MM-DD")),
                },
                None => wrong = Some(format!("{word:?} is not understood")),
            }
        }
        match wrong {
            Some(reason) => sink.unsupported(id, reason),
            None => sink.exceptions.push(Exception {
                vulnerabilities: vec![id.to_owned()],
                conditions: Vec::new(),
                subject: id.to_owned(),
                reason: String::new(),
                owner: None,
                until,
            }),
        }
    }
}

/// Takes the entries of `.trivyignore.yaml`.
pub(super) fn take(entries: Vec<Entry>, sink: &mut Sink) {
    for entry in entries {
        let id = entry.id.clone().unwrap_or_default();
        match exception(entry) {
            Ok(exception) => sink.exceptions.push(exception),
            Err(reason) => sink.unsupported(if id.is_empty() { "nothing" } else { &id }, reason),
        }
    }
}

fn exception(entry: Entry) -> Result<Exception, String> {
    if let Some(key) = entry.unknown.first() {
        return Err(format!("{key:?} is not understood"));
    }
    let id = entry.id.filter(|id| !id.is_empty()).ok_or("it has no id")?;
    let until = match entry.expired_at {
        Some(text) => Some(last_day(&text).ok_or_else(|| format!("{text:?} is no date"))?),
        None => None,
    };
    let (paths, purls) = (entry.paths.unwrap_or_default(), entry.purls.unwrap_or_default());
    let vulnerabilities = vec![id];
    let subject = subject_of(&vulnerabilities, &purls);
    let mut conditions = Vec::new();
    if !paths.is_empty() {
        conditions.push(Condition::Path(paths.iter().map(|path| Glob::parse(path)).collect::<Result<_, _>>()?));
    }
    if !purls.is_empty() {
        let name =
            |text: &String| PackagePattern::parse(text).map(PackageName::Purl).map_err(|error| error.to_string());
        conditions.push(Condition::Package(purls.iter().map(name).collect::<Result<_, _>>()?));
    }
    let reason = entry.statement.unwrap_or_default();
    Ok(Exception { vulnerabilities, conditions, subject, reason, owner: None, until })
}
