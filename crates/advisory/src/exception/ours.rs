//! Our own format:
//!
//! ```toml
//! [[exception]]
//! vulnerability = "CVE-2024-1"     # or a list; may be left out where a package is given
//! package = "openssl"              # or a package URL, or a list; left out for every package
//! path = "usr/local/app/**"        # or a list; left out for every place
//! reason = "the server never parses certificates"
//! owner = "platform team"
//! until = 2027-01-31               # the last day on which it holds
//! ```
//!
//! A reason and an owner are asked for, since somebody will have to decide again; an end, since otherwise nobody does.
//! A path alone is refused: it would hide whatever is ever found there.

use super::{Condition, Exception, Glob, PackageName, Sink, Wrong, subject_of};
use crate::product::PackagePattern;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exception: Vec<Spanned<Said>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    vulnerability: Texts,
    #[serde(default)]
    package: Texts,
    #[serde(default)]
    path: Texts,
    reason: Option<String>,
    owner: Option<String>,
    until: Option<Day>,
}

/// One text or several.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("a text or a list of texts is wanted");
        let texts = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => vec![text],
            toml::Value::Array(items) => {
                let text = |item| if let toml::Value::String(text) = item { Ok(text) } else { Err(wrong()) };
                items.into_iter().map(text).collect::<Result<_, _>>()?
            }
            _ => return Err(wrong()),
        };
        if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
            return Err(D::Error::custom("it is empty; leave it out where every one is meant"));
        }
        Ok(Self(texts))
    }
}

/// A date of TOML.
struct Day(Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let day = match toml::Value::deserialize(deserializer)? {
            toml::Value::Datetime(time) if time.time.is_none() => time.to_string().parse().ok(),
            _ => None,
        };
        day.map(Self)
            .ok_or_else(|| D::Error::custom("a date without quotes and time is wanted, as in until = 2027-01-31"))
    }
}

pub(super) fn read(text: &str, sink: &mut Sink) -> Result<(), Wrong> {
    let line_of = |at: usize| text[..text.floor_char_boundary(at)].matches('\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(span.start));
        (line, error.message().trim().replace('\n', ", "))
    })?;
    // Counted from one to the next, or many would take time by the square.
    let (mut line, mut from) = (1, 0);
    for said in file.exception {
        let at = text.floor_char_boundary(said.span().start).max(from);
        line += text[from..at].matches('\n').count();
        from = at;
        let exception = exception(said.into_inner()).map_err(|reason| (Some(line), reason))?;
        sink.exceptions.push(exception);
    }
    Ok(())
}

fn exception(said: Said) -> Result<Exception, String> {
    let Said { vulnerability: Texts(vulnerabilities), package: Texts(packages), path: Texts(paths), .. } = said;
    let subject = subject_of(&vulnerabilities, &packages);
    if vulnerabilities.is_empty() && packages.is_empty() {
        return Err("the exception names neither a vulnerability nor a package: add `vulnerability = \"CVE-…\"`".into());
    }
    let lacks = |what: &str, example: &str| format!("the exception for {subject} has no {what}: add `{example}`");
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let reason = given(said.reason).ok_or_else(|| lacks("reason", "reason = \"why it may stay\""))?;
    let owner = given(said.owner).ok_or_else(|| lacks("owner", "owner = \"who decides again\""))?;
    let Day(until) = said.until.ok_or_else(|| lacks("end", "until = 2027-01-31"))?;
    let mut conditions = Vec::new();
    if !packages.is_empty() {
        let name = |text: String| {
            if text.starts_with("pkg:") {
                PackagePattern::parse(&text).map(PackageName::Purl).map_err(|error| error.to_string())
            } else {
                Ok(PackageName::Exact(text))
            }
        };
        conditions.push(Condition::Package(packages.into_iter().map(name).collect::<Result<_, _>>()?));
    }
    if !paths.is_empty() {
        conditions.push(Condition::Path(paths.iter().map(|path| Glob::parse(path)).collect::<Result<_, _>>()?));
    }
    Ok(Exception { vulnerabilities, conditions, subject, reason, owner: Some(owner), until: Some(until) })
}
