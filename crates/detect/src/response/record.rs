//! What is told of an action.

use super::ledger::Withheld;
use crate::alert::{JSON_TIME, Style, moment};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done; and how, where there are several ways.
    Done(String),
    /// It was not, on purpose.
    Withheld(Withheld),
    /// It could not be; and the number of the kernel's error, 0 for none.
    Failed(String, i32),
}

/// An action that a plan asked for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The response or denial.
    pub response: Arc<str>,
    /// `kill-process` and the like; of denials `deny-program`, `deny-write`, `deny-connection`.
    pub action: &'static str,
    /// When, nanoseconds since 1970.
    pub time: u64,
    /// The process, if it is about one; 0 for none.
    pub pid: u32,
    /// What the process is called, if it is known.
    pub process: String,
    /// The container's id as it is shown; `None` for the host, or where nobody can say.
    pub container: Option<String>,
    /// What it is about beside: a path, an address.
    pub target: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Outcome {
    /// As records write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Withheld(Withheld::DryRun) => "dry-run",
            Self::Withheld(_) => "withheld",
            Self::Failed(..) => "failed",
        }
    }

    /// Why it was not done, or how it was.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Done(how) => Some(how.clone()).filter(|how| !how.is_empty()),
            Self::Withheld(Withheld::DryRun) => None,
            Self::Withheld(why) => Some(why.to_string()),
            Self::Failed(why, _) => Some(why.clone()),
        }
    }
}

impl Record {
    /// Its members, as they stand in an alert or in a line of their own.
    pub fn json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        let mut set = |key: &str, value: Value| json.insert(key.to_owned(), value);
        set("response", (*self.response).into());
        set("action", self.action.into());
        set("outcome", self.outcome.as_str().into());
        if let Some(reason) = self.outcome.reason() {
            set("reason", reason.into());
        }
        if let Outcome::Failed(_, errno @ 1..) = self.outcome {
            set("errno", errno.into());
        }
        if self.pid > 0 {
            set("pid", self.pid.into());
        }
        for (key, value) in
            [("process", Some(&self.process)), ("container", self.container.as_ref()), ("target", self.target.as_ref())]
        {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                set(key, value.clone().into());
            }
        }
        json
    }
}

impl Record {
    /// A line of its own: the moment, and what was done.
    pub fn text(&self, style: Style) -> String {
        format!("{}: Response {self}", style.time(self.time))
    }

    /// A document of its own, for what no alert tells.
    pub fn document(&self, hostname: &str) -> Map<String, Value> {
        let mut json = self.json();
        json.insert("hostname".to_owned(), hostname.into());
        json.insert("source".to_owned(), "response".into());
        json.insert("time".to_owned(), moment(self.time, JSON_TIME).into());
        json
    }
}

/// One line: `"Kill miners": kill-process 4711 (xmrig) in 0123456789ab: done`. What strangers named is escaped.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.response, self.action)?;
        if let Some(target) = &self.target {
            write!(f, " {}", plain(target))?;
        }
        if self.pid > 0 {
            write!(f, " {} ({})", self.pid, plain(&self.process))?;
        }
        if let Some(container) = &self.container {
            write!(f, " in {}", plain(container))?;
        }
        write!(f, ": {}", self.outcome.as_str())?;
        if let Some(reason) = self.outcome.reason() {
            write!(f, ": {}", plain(&reason))?;
        }
        Ok(())
    }
}

/// A text without control characters.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() { out.extend(char.escape_debug()) } else { out.push(char) }
    }
    out
}
