//! The pages of `docs/` that repeat what a table of the product says: codes, analyzers, settings, commands.
//!
//! Only form is decided here; a wrong word is put right in the table it comes from.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Command;
use sekisho_model::{Code, Exit};
use sekisho_sbom::Analyzer;
use sekisho_sbom::analyzers::{ANALYZERS, binary};

use super::NOTICE;

/// Columns of the help texts, whatever the terminal of whoever generates them.
const COLUMNS: usize = 100;

// Writing to a String cannot fail; `line!` says so once.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => { let _ = writeln!($out, $($arg)*); };
}

/// `docs/errors.md`: every code, what it means and what to do.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a generator")]
pub(super) fn errors() -> Result<String> {
    let mut out = format!(
        "# Error and diagnostic codes\n\n{NOTICE}\n\n\
         A code is stable: scripts may match on it. It stands in brackets behind `error` when a command cannot go on,\n\
         which then exits as listed. A scan that can go on puts it before the lines under *Not read* and *Notes*, in\n\
         JSON as the `code` of a diagnostic, and exits with 3 if anything was not read, whatever is only noted.\n\n\
         | exit | meaning |\n|---|---|\n"
    );
    for exit in [Exit::Passed, Exit::Refused, Exit::Usage, Exit::Incomplete] {
        line!(out, "| {} | {} |", exit as u8, meaning(exit));
    }
    out.push_str("\n| code | exit | meaning | what to do |\n|---|---|---|---|\n");
    for code in Code::ALL {
        line!(out, "| `{code}` | {} | {} | {} |", code.exit() as u8, cell(code.title()), cell(code.hint()));
    }
    Ok(out)
}

fn meaning(exit: Exit) -> &'static str {
    match exit {
        Exit::Passed => {
            "done, and everything that was asked for was read; a code with this exit is never more than a note"
        }
        Exit::Refused => "a gate said no; that is no error, so that no code has it",
        Exit::Usage => {
            "what was asked for cannot be: command line, configuration, or a path or image that does not exist or is none"
        }
        Exit::Incomplete => {
            "not completed: something was unreadable, damaged or beyond a limit, or the result could not be written"
        }
    }
}

/// `docs/analyzers.md`: which files are read for which packages.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a generator")]
pub(super) fn analyzers() -> Result<String> {
    let mut out = format!(
        "# Analyzers\n\n{NOTICE}\n\n\
         An analyzer reads one kind of file. It is given a file by its path, or by its first bytes whatever its path.\n\
         In paths `*` stands for any characters of one component, a leading `**/` for any directories. How to write\n\
         one is in [CONTRIBUTING.md](../CONTRIBUTING.md#adding-an-analyzer).\n\n\
         | analyzer | reads | packages | paths | first bytes |\n|---|---|---|---|---|\n"
    );
    for analyzer in ANALYZERS {
        line!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            analyzer.id,
            cell(analyzer.title),
            super::formats::kinds(analyzer, "any"),
            paths(analyzer),
            magic(analyzer),
        );
    }
    programs(&mut out);
    Ok(out)
}

/// What the `binary` analyzer tells, which is too long for a cell.
fn programs(out: &mut String) {
    out.push_str(
        "\n## Programs without a package\n\n\
         Executables and libraries of these names are searched for the text that stands beside their version, whoever\n\
         brought them. Programs of Go are told by the build information in them instead, under any name. What is\n\
         *proven on* a package is tested with bytes of a real file of it; the rest is known from descriptions only.\n\n\
         | package | files | proven on |\n|---|---|---|\n",
    );
    for class in binary::CLASSES {
        let files = spans(class.files.iter().copied());
        line!(out, "| `pkg:generic/{}` | {files} | {} |", class.name, class.proven.unwrap_or("not proven"));
    }
}

fn paths(analyzer: &Analyzer) -> String {
    if analyzer.hints {
        return "[below](#programs-without-a-package)".to_owned();
    }
    let mut text = spans(analyzer.paths.iter().copied());
    if !analyzer.not_below.is_empty() {
        let _ = write!(text, ", not below {}", spans(analyzer.not_below.iter().copied()));
    }
    text
}

fn magic(analyzer: &Analyzer) -> String {
    let hex = |bytes: &&[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let mut text = spans(analyzer.magic.iter().map(hex));
    if analyzer.magic_min_bytes > 0 {
        let _ = write!(text, ", from {} bytes on", analyzer.magic_min_bytes);
    }
    text
}

pub(super) fn spans(texts: impl Iterator<Item = impl std::fmt::Display>) -> String {
    let spans: Vec<_> = texts.map(|text| format!("`{text}`")).collect();
    if spans.is_empty() { "-".to_owned() } else { spans.join(", ") }
}

/// `docs/configuration.md`: every setting.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a generator")]
pub(super) fn configuration() -> Result<String> {
    Ok(format!(
        "# Settings\n\n{NOTICE}\n\n\
         A setting `area.key` stands as `key` below `[area]` in the configuration file, and is overridden by the\n\
         environment variable `SEKISHO_AREA__KEY` and by its flag where it has one. `sekisho config show` prints what\n\
         holds and where it comes from. The guide has [examples](guide/en/configuration.md)\n\
         ([日本語](guide/ja/configuration.md)).\n\n{}",
        sekisho::config_documentation()
    ))
}

/// `docs/cli.md`: the help of every command.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a generator")]
pub(super) fn cli() -> Result<String> {
    let mut out = format!(
        "# Command line\n\n{NOTICE}\n\n\
         What `--help` says, for every command. Manual pages and completions are written by `sekisho man` and\n\
         `sekisho completion`.\n"
    );
    let mut root = sekisho::command_tree().term_width(COLUMNS);
    root.build();
    help(&mut out, &mut root);
    Ok(out)
}

fn help(out: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let text = command.render_long_help().to_string();
    line!(out, "\n## {name}\n\n```text");
    for text in text.trim_end().lines() {
        line!(out, "{}", text.trim_end());
    }
    line!(out, "```");
    command.get_subcommands_mut().for_each(|command| help(out, command));
}

/// Text for a cell of a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_tables_is_on_its_page() {
        let errors = errors().unwrap();
        assert!(Code::ALL.iter().all(|code| errors.contains(&format!("| `{code}` | {} |", code.exit() as u8))));
        let page = analyzers().unwrap();
        for analyzer in ANALYZERS {
            assert!(page.contains(&format!("| `{}` |", analyzer.id)), "{}", analyzer.id);
            assert!(analyzer.paths.iter().all(|path| page.contains(&format!("`{path}`"))), "{}", analyzer.id);
        }
    }

    #[test]
    fn every_command_has_a_heading_and_lines_of_bounded_width() {
        let page = cli().unwrap();
        for heading in ["## sekisho\n", "## sekisho scan image\n", "## sekisho sbom fs\n", "## sekisho config show\n"] {
            assert!(page.contains(heading), "{heading}");
        }
        let long: Vec<_> = page.lines().skip(8).filter(|line| line.chars().count() > COLUMNS).collect();
        assert!(long.is_empty(), "{long:?}");
    }

    #[test]
    fn cells_hold_no_bar() {
        assert_eq!(cell("a|b"), "a\\|b");
    }
}
