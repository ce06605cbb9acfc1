//! `db vercmp`: versions as their ecosystem orders them.

use super::super::scan::Context;
use crate::args::VercmpArguments;
use crate::error::CliError;
use crate::output::error_line;
use crate::{CommandResult, output};
use sekisho_advisory::version::{Operator, Scheme, Statement};
use sekisho_model::{Code, Exit};
use sekisho_report::printable;
use std::io::{self, BufRead, Read, Write};

pub(crate) fn vercmp(context: &Context, arguments: &VercmpArguments) -> CommandResult {
    let scheme = arguments.scheme;
    let (Some(a), Some(b)) = (&arguments.a, &arguments.b) else { return check_lines(context, scheme) };
    if !context.global.quiet {
        for version in [a, b].into_iter().filter(|version| !scheme.is_valid(version)) {
            error_line(&format!("note: {version:?} is no version of {scheme}: how it is ordered means nothing"));
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
