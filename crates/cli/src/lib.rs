//! The command line: arguments, configuration, exit codes, and which engine answers which command.
//!
//! Decisions are made below; here they are only asked for and shown. Data goes to standard output or
//! `--output`, everything else to standard error.

mod args;
mod command;
mod config;
mod error;
mod output;
mod progress;
mod refusal;

use crate::error::CliError;
use clap::Parser;
use sekisho_model::{Code, Exit};
use std::ffi::OsString;
use std::process::ExitCode;

pub use args::command_tree;
pub use command::admission_manifests;
pub use config::documentation as config_documentation;

/// Runs the program with the arguments of a process, its name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // A panic is a bug that engines contain; its trace is for developers, not for users.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments = refusal::help_as_flag(arguments.into_iter().collect());
    let result = match args::Arguments::try_parse_from(&arguments) {
        Ok(arguments) => std::panic::catch_unwind(|| command::run(arguments))
            .unwrap_or_else(|_| Err(CliError::new(Code::InternalFault, "the command failed in a way it should not"))),
        Err(refusal) => return refusal::refuse(&refusal, &arguments),
    };
    let exit = result.unwrap_or_else(|error| {
        error.print();
        error.exit()
    });
    ExitCode::from(exit as u8)
}

/// What a command that ran returns.
type CommandResult = Result<Exit, CliError>;
