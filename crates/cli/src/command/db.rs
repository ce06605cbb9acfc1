//! `db`: advisories, and what they are matched by.

use super::scan::{Context, clock};
use crate::args::{ImportArguments, VercmpArguments};
use crate::error::CliError;
use crate::output::error_line;
use crate::{CommandResult, output};
use sekisho_advisory::db::{FeedSource, Header};
use sekisho_advisory::version::{Operator, Scheme, Statement};
use sekisho_feeds::{FeedsError, Store};
use sekisho_model::{Code, Exit};
use sekisho_report::printable;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Write};

pub(crate) fn import(context: &Context, arguments: &ImportArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let store = Store::new(settings.database.directory.clone());
    let now = clock(&context.environment)?.now();
    let imported = sekisho_feeds::import(&store, &arguments.paths, &settings.limits(), now)?;
    for told in &imported.diagnostics {
        error_line(&format!("not read: {} {}", told.code, printable(&told.to_string())));
    }
    for (source, reason) in &imported.refused {
        let kept = match source.observed_at {
            Some(then) => format!("what was taken from it on {} stays", day(then)),
            None => "nothing is taken from it".to_owned(),
        };
        error_line(&format!("refused: {} of {}: {reason}; {kept}", source.id, printable(&source.source)));
    }
    let mut text = String::new();
    for source in &imported.feeds {
        let skipped = match source.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        let _ = writeln!(text, "{} from {}: {}{skipped}", source.id, printable(&source.source), taken(source));
    }
    match &imported.header {
        Some(header) => {
            let _ = writeln!(text, "the database holds {}", held(header));
        }
        None => text.push_str("nothing was taken, the database stays as it is\n"),
    }
    output::write(&text, None)?;
    if imported.feeds.is_empty() && imported.refused.is_empty() {
        let message = "nothing that was given is of a feed that is read";
        return Err(CliError::new(Code::FeedMalformed, message));
    }
    let whole = imported.refused.is_empty() && imported.diagnostics.is_empty();
    Ok(if whole { Exit::Passed } else { Exit::Incomplete })
}

pub(crate) fn status(context: &Context) -> CommandResult {
    let settings = context.config.settings()?;
    let opened = Store::new(settings.database.directory.clone()).open()?;
    let mut exit = Exit::Passed;
    if let Some(failure) = &opened.fallback {
        error_line(&format!(
            "not read: {} {}; the one before it is in use",
            failure.code(),
            printable(&failure.to_string())
        ));
        exit = Exit::Incomplete;
    }
    let now = clock(&context.environment)?.now();
    let database = opened.published.database()?;
    let header = database.header();
    let mut text = format!("database  {}\nholds     {}\n\n", opened.published.path().display(), held(header));
    for source in &header.feeds {
        let age = source.observed_at.map_or_else(String::new, |then| {
            let days = now.duration_since(then).as_secs() / 86_400;
            format!(", taken on {} ({days} {} ago)", day(then), if days == 1 { "day" } else { "days" })
        });
        let _ = writeln!(text, "{} from {}: {}{age}", source.id, printable(&source.source), taken(source));
    }
    text.push('\n');
    for place in &header.counts.places {
        let _ = writeln!(text, "{}: {}", printable(&place.to_string()), place.entries);
    }
    output::write(&text, None)?;
    Ok(exit)
}

/// The day of a moment, UTC.
fn day(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

fn taken(source: &FeedSource) -> String {
    let parts = [(source.advisories, "advisories"), (source.enrichments, "facts about vulnerabilities")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    parts.join(", ")
}

fn held(header: &Header) -> String {
    let counts = &header.counts;
    format!(
        "{} advisories ({} taken back) about {} vulnerabilities in {} packages",
        counts.advisories, counts.withdrawn, counts.vulnerabilities, counts.packages
    )
}

impl From<FeedsError> for CliError {
    fn from(error: FeedsError) -> Self {
        Self::from_error(error.code(), &error)
    }
}

pub(crate) fn vercmp(context: &Context, arguments: &VercmpArguments) -> CommandResult {
    let scheme = arguments.ecosystem.scheme();
    let (Some(a), Some(b)) = (&arguments.a, &arguments.b) else { return check_lines(context, scheme) };
    if !context.global.quiet {
        for version in [a, b].into_iter().filter(|version| !scheme.is_valid(version)) {
            let ecosystem = arguments.ecosystem;
            error_line(&format!("note: {version:?} is no version of {ecosystem}: how it is ordered means nothing"));
        }
    }
    output::write(&format!("{}\n", Operator::from(scheme.compare(a, b))), None)?;
    Ok(Exit::Passed)
}

/// Reads `A OP B` line by line and prints the lines that are wrong.
fn check_lines(context: &Context, scheme: Scheme) -> CommandResult {
    let longest = context.config.settings()?.limits().document_bytes;
    let mut input = io::stdin().lock();
    let mut outcome = Ok(Counts::default());
    output::write_with(None, |to| {
        outcome = check(scheme, &mut input, longest, to)?;
        Ok(())
    })?;
    let counts = outcome?;
    if counts.wrong == 0 {
        return Ok(Exit::Passed);
    }
    if !context.global.quiet {
        error_line(&format!("{} of {} lines are wrong", counts.wrong, counts.all));
    }
    Ok(Exit::Refused)
}

#[derive(Default)]
struct Counts {
    all: u64,
    wrong: u64,
}

/// The outer error is of `to`, the inner one of `input`.
fn check(
    scheme: Scheme,
    input: &mut impl BufRead,
    longest: u64,
    to: &mut dyn Write,
) -> io::Result<Result<Counts, CliError>> {
    let mut counts = Counts::default();
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        // One byte more than a line may have tells one that is too long.
        match input.take(longest + 1).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                let message = format!("cannot read line {number} of standard input: {error}");
                return Ok(Err(CliError::new(Code::InputUnreadable, message)));
            }
        }
        let Some(text) = std::str::from_utf8(&line).ok().filter(|_| line.len() as u64 <= longest) else {
            return Ok(Err(malformed(number, "it is too long or no UTF-8")));
        };
        if text.trim_ascii().is_empty() {
            continue;
        }
        let Some(statement) = Statement::parse(text) else {
            let shown: String = text.trim_ascii().chars().take(80).collect();
            return Ok(Err(malformed(number, &format!("{shown:?}"))));
        };
        counts.all += 1;
        let actual = statement.actual(scheme);
        if actual != statement.operator {
            counts.wrong += 1;
            writeln!(to, "line {number}: {}, but it is {actual}", printable(text.trim_ascii()))?;
        }
    }
    Ok(Ok(counts))
}

fn malformed(number: u64, why: &str) -> CliError {
    CliError::new(Code::InputMalformed, format!("line {number} of standard input is no comparison: {why}"))
        .hint("write two versions without blanks and <, = or > between them, as in `1.0 < 1.1`")
}
