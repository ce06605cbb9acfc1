//! A command line that is refused, as one of our own errors.

use crate::args::command_tree;
use crate::error::CliError;
use crate::output;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Command};
use sekisho_model::{Code, Exit};
use std::ffi::OsString;
use std::process::ExitCode;

/// Prints why arguments were refused, or the help that was asked for.
pub(crate) fn refuse(refusal: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if refusal.kind() == ErrorKind::DisplayVersion {
        // Whichever command was asked: there is one version.
        return match output::write(concat!("sekisho ", env!("CARGO_PKG_VERSION"), "\n"), None) {
            Ok(()) => ExitCode::from(Exit::Passed as u8),
            Err(error) => fail(&error),
        };
    }
    if !refusal.use_stderr() || refusal.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nothing is left to be done when the stream is gone.
        let _ = refusal.print();
        return ExitCode::from(if refusal.use_stderr() { Exit::Usage } else { Exit::Passed } as u8);
    }
    let tree = named(command_tree());
    let command = command_of(&tree, arguments);
    fail(&CliError::new(Code::UsageInvalid, message(refusal)).hint(hint(refusal, &tree, command)))
}

fn fail(error: &CliError) -> ExitCode {
    error.print();
    ExitCode::from(error.exit() as u8)
}

/// `sekisho help scan image` for `sekisho scan image --help`.
pub(crate) fn help_as_flag(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|word| word == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

/// The first paragraph of what the library says, in one line; tips and usage are further ones.
fn message(refusal: &clap::Error) -> String {
    let text = refusal.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Options of scanners that people come from, and what does the same here.
const ELSEWHERE: [(&str, &str); 10] = [
    ("--exit-code", "--fail-on SEVERITY ends with 1 for such findings"),
    ("--ignorefile", "--exceptions FILE reads .trivyignore files, too"),
    ("--input", "give the path of the archive in the place of a name"),
    ("--light", "the table leaves out columns by itself where a terminal is narrow"),
    ("--offline-scan", "a scan of what is on the disk uses no network"),
    ("--only-fixed", "--ignore-unfixed with --fail-on lets pass what is not fixed"),
    ("--scanners", "--db none leaves out vulnerabilities"),
    ("--severity", "--fail-on SEVERITY gates by severity; all findings are shown"),
    ("--skip-db-update", "scans never update the database, `sekisho db update` does"),
    ("--template", "see --format for the forms of output"),
];

fn hint(refusal: &clap::Error, tree: &Command, command: &Command) -> String {
    let context = |kind| match refusal.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let help = format!("run `{} --help`", name(command));
    let unknown = context(ContextKind::InvalidArg).filter(|_| refusal.kind() == ErrorKind::UnknownArgument);
    let elsewhere = |flag: &str| ELSEWHERE.iter().find(|(theirs, _)| Some(*theirs) == flag.split('=').next());
    if let Some((_, ours)) = unknown.as_deref().and_then(elsewhere) {
        return format!("{ours}; {help}");
    }
    if let Some(ContextValue::String(word)) = refusal.get(ContextKind::InvalidSubcommand)
        && command.has_subcommands()
        && command.get_name() != "sekisho"
        && (word.contains(['.', '/', ':']) || command.get_name() == "scan")
    {
        let kinds: Vec<String> = (command.get_subcommands().filter(|kind| kind.get_name() != "help"))
            .map(|kind| format!("`{}`", name(kind)))
            .collect();
        return format!("say what it is: {}; {help}", kinds.join(", "));
    }
    if let Some(close) = context(ContextKind::SuggestedSubcommand).or_else(|| context(ContextKind::SuggestedArg)) {
        return format!("there is `{close}`; or {help}");
    }
    let Some(flag) = unknown else {
        return help;
    };
    let mut takers = Vec::new();
    takers_of(tree, flag.split('=').next().unwrap_or_default().trim_start_matches("--"), &mut takers);
    if takers.is_empty() {
        return help;
    }
    let directories = if command.get_name() == "fs" && matches!(flag.as_str(), "--no-cache" | "--rehash") {
        "directories are read anew every time, without the cache; "
    } else {
        ""
    };
    format!("{directories}{flag} is an option of {}; {help}", takers.join(" and "))
}

/// The commands with the option `--LONG`.
fn takers_of(command: &Command, long: &str, takers: &mut Vec<String>) {
    let takes = |arg: &&clap::Arg| arg.get_long() == Some(long) && !matches!(arg.get_action(), ArgAction::Help);
    if command.get_arguments().any(|arg| takes(&arg)) {
        takers.push(format!("`{}`", name(command)));
    }
    command.get_subcommands().for_each(|command| takers_of(command, long, takers));
}

/// The tree with the names that commands are called by.
fn named(mut tree: Command) -> Command {
    tree.build();
    tree
}

fn name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

/// The command that `arguments` name, as deep as they do.
fn command_of<'t>(tree: &'t Command, arguments: &[OsString]) -> &'t Command {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    words.fold(tree, |command, word| command.find_subcommand(word).unwrap_or(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_a_command_too() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(help_as_flag(words("sekisho help")), words("sekisho --help"));
        assert_eq!(help_as_flag(words("sekisho help scan fs")), words("sekisho scan fs --help"));
        assert_eq!(help_as_flag(words("sekisho scan fs help")), words("sekisho scan fs help"), "a directory");
    }
}
