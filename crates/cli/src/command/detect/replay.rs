//! `detect replay`: alerts of recorded events.

use super::super::scan::{self, Context, clock};
use super::recorded::Recorded;
use super::rules::{Ruling, ruling};
use super::told::{asked, hostname, lines, matching, policy_verdicts, running, selection, verdicts, write};
use crate::args::ReplayArguments;
use crate::{CommandResult, output};
use sekisho_agent::Policies;
use sekisho_detect::{Alert, Engine, Watch};
use sekisho_model::{Exit, Level};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

/// `detect replay`.
pub(super) fn run(context: &mut Context, arguments: &ReplayArguments) -> CommandResult {
    let ReplayArguments { recorded: named, rules, policies, selected, alerts, common, .. } = arguments;
    let settings = scan::settings(context, common, None, false)?;
    let limits = settings.limits();
    let files = rules.rules.iter().chain(&rules.baseline).chain(&policies.policy);
    let files = files.map(|path| (path.as_path(), "a file of rules that is read"));
    let inputs: Vec<_> = files
        .chain([(named.path.as_path(), "the recording that is read")])
        .filter(|(path, _)| *path != Path::new("-"))
        .collect();
    output::check(common.output.as_deref(), &inputs)?;
    let Ruling { rules, mut policies } = ruling(rules, policies, &settings)?;
    let selection = selection(selected);
    let running = running(&rules, &selection, named.source.as_str());
    let mut recorded = Recorded::open(named, &limits)?;
    asked(&policies, named.source.as_str());
    let mut watch = Watch::new(Engine::new(rules, &selection, matching(selected)), &hostname());
    // What comes through a pipe is told at once.
    let lively = named.path.as_os_str() == "-";
    output::write_with(common.output.as_deref(), |to| {
        let mut failed = None;
        let mut each =
            |alert: Alert| match write(&alert, alerts, to).and_then(|()| if lively { to.flush() } else { Ok(()) }) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            };
        let _ = match &mut recorded {
            Recorded::Calls(replay) => watch.replay(replay, &mut policies, &mut each),
            Recorded::Audit(log) => watch.audit(log, &mut policies, &mut each),
        };
        failed.map_or(Ok(()), Err)
    })?;
    // As Falco does with what it logs.
    let moment = if alerts.iso_time {
        clock(&context.environment)?.now().strftime("%Y-%m-%dT%H:%M:%S+0000: ").to_string()
    } else {
        String::new()
    };
    summary(&watch, &policies, &recorded, running, &moment, alerts.count);
    // As in a check: what is not known of an enforced policy does not pass.
    let is_decided = policies.judged().iter().all(|one| one.undecided == 0 || one.policy().enforcement.is_empty());
    if !is_decided {
        output::error_line("incomplete: enforced policies could not be decided (exit 3; see --allow-incomplete)");
    }
    let whole = is_decided && recorded.diagnostics().iter().all(|told| told.level != Level::Incomplete);
    Ok(if whole || settings.scan.allow_incomplete { Exit::Passed } else { Exit::Incomplete })
}

/// Says on standard error what came of it, and all that could not be judged.
fn summary(watch: &Watch, policies: &Policies, recorded: &Recorded, running: usize, moment: &str, count: bool) {
    verdicts(watch, policies, running, moment, count);
    policy_verdicts(policies, count);
    lines("lost", &recorded.lost());
    let told = |level: Level| {
        let of = recorded.diagnostics().iter().filter(move |told| told.level == level);
        of.map(|told| format!("{} {told}", told.code)).collect::<Vec<_>>()
    };
    lines("note", &told(Level::Note));
    let unread = told(Level::Incomplete);
    lines("not read", &unread);
    let not_judged = recorded.not_judged();
    lines("not judged", &not_judged);
    if !unread.is_empty() {
        output::error_line("incomplete: not all of the recording could be judged (exit 3; see --allow-incomplete)");
    }
}
