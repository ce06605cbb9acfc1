//! `detect`: what rules say of events.

mod baseline;
mod capture;
mod in_use;
mod posted;
mod pull;
mod recorded;
mod reload;
mod replay;
mod respond;
mod rules;
mod run;
mod told;

use super::scan::Context;
use crate::CommandResult;
use crate::args::{DetectCommand, RulesCommand};

/// Runs one of its commands.
pub(crate) fn run(context: &mut Context, command: &DetectCommand) -> CommandResult {
    match command {
        DetectCommand::Run(arguments) => run::run(context, arguments),
        DetectCommand::Replay(arguments) => replay::run(context, arguments),
        DetectCommand::Baseline(command) => baseline::run(context, command),
        DetectCommand::Rules(RulesCommand::Lint(arguments)) => rules::lint(context, arguments),
        DetectCommand::Rules(RulesCommand::List(arguments)) => rules::list(context, arguments),
        DetectCommand::Rules(RulesCommand::Pull(arguments)) => pull::run(context, arguments),
        DetectCommand::Rules(RulesCommand::Show(arguments)) => rules::show(context, arguments),
        DetectCommand::Rules(RulesCommand::Explain(arguments)) => rules::explain(context, arguments),
        DetectCommand::Rules(RulesCommand::Coverage(arguments)) => rules::coverage(context, arguments),
    }
}
