//! `detect replay`: alerts of recorded events.

use super::super::scan::{self, Context, clock};
use super::recorded::Recorded;
use super::rules::{loaded, sound};
use crate::args::{AlertFormat, EventSource, ReplayArguments, RuleMatching};
use crate::{CommandResult, output};
use sekisho_detect::load::RuleSet;
use sekisho_detect::{Alert, By, Engine, Matching, Selection, Style, Watch};
use sekisho_model::{Exit, Level};
use sekisho_report::{Out, printable};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// How many lines of one kind are told; more are counted.
const MOST: usize = 20;

/// `detect replay`.
pub(super) fn run(context: &mut Context, arguments: &ReplayArguments) -> CommandResult {
    let ReplayArguments { recorded: named, rules, format, iso_time, common, .. } = arguments;
    let settings = scan::settings(context, common, None, false)?;
    let limits = settings.limits();
    let files = rules.rules.iter().map(|path| (path.as_path(), "a file of rules that is read"));
    let inputs: Vec<_> = files
        .chain([(named.path.as_path(), "the recording that is read")])
        .filter(|(path, _)| *path != Path::new("-"))
        .collect();
    output::check(common.output.as_deref(), &inputs)?;
    let rules = sound(loaded(&rules.rules, rules.refuse_blind, &limits)?)?;
    let selection = selection(arguments);
    let running = running(&rules, &selection, named.source);
    let mut recorded = Recorded::open(named, &limits)?;
    let matching = match arguments.rule_matching {
        RuleMatching::First => Matching::First,
        RuleMatching::All => Matching::All,
    };
    let mut watch = Watch::new(Engine::new(rules, &selection, matching), &hostname());
    let style = Style { iso_time: *iso_time, ..Style::default() };
    // What comes through a pipe is told at once.
    let lively = named.path.as_os_str() == "-";
    output::write_with(common.output.as_deref(), |to| {
        let mut failed = None;
        let mut each = |alert: Alert| match write(&alert, *format, style, lively, to) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        };
        let _ = match &mut recorded {
            Recorded::Calls(replay) => watch.replay(replay, &mut each),
            Recorded::Audit(log) => watch.audit(log, &mut each),
        };
        failed.map_or(Ok(()), Err)
    })?;
    // As Falco does with what it logs.
    let moment = if *iso_time {
        clock(&context.environment)?.now().strftime("%Y-%m-%dT%H:%M:%S+0000: ").to_string()
    } else {
        String::new()
    };
    summary(&watch, &recorded, running, &moment, arguments.count);
    let whole = recorded.diagnostics().iter().all(|told| told.level != Level::Incomplete);
    Ok(if whole || settings.scan.allow_incomplete { Exit::Passed } else { Exit::Incomplete })
}

/// Which rules run.
fn selection(arguments: &ReplayArguments) -> Selection {
    let ReplayArguments { tag, disable_tag, disable_rule, enable_rule, priority, .. } = arguments;
    let mut selection = if tag.is_empty() { Selection::default() } else { Selection::only_tags(tag) };
    selection.least = *priority;
    let tags = disable_tag.iter().map(|tag| (By::Tag(tag.clone()), false));
    let names = disable_rule.iter().map(|name| {
        let by = if name.contains('*') { By::Name(name.clone()) } else { By::Part(name.clone()) };
        (by, false)
    });
    let again = enable_rule.iter().map(|name| (By::Name(name.clone()), true));
    selection.steps.extend(tags.chain(names).chain(again));
    selection
}

/// How many rules can alert for events of a source.
fn running(rules: &RuleSet, selection: &Selection, source: EventSource) -> usize {
    rules.rules.iter().filter(|rule| &*rule.source == source.as_str() && selection.has(rule)).count()
}

fn write(alert: &Alert, format: AlertFormat, style: Style, lively: bool, to: &mut Out<'_>) -> io::Result<()> {
    match format {
        AlertFormat::Text => writeln!(to, "{}", alert.text(style))?,
        AlertFormat::Json => {
            serde_json::to_writer(&mut *to, &alert.json(style))?;
            to.write_all(b"\n")?;
        }
    }
    if lively { to.flush() } else { Ok(()) }
}

/// The name of this machine, for alerts of recordings that name none.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Says on standard error what came of it, and all that could not be judged.
fn summary(watch: &Watch, recorded: &Recorded, running: usize, moment: &str, count: bool) {
    let things = |count: u64, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let alerts: u64 = watch.alerts().iter().sum();
    let (events, alerts) = (things(watch.events(), "event"), things(alerts, "alert"));
    output::error_line(&format!("{moment}{events}, {alerts} of {}", things(running as u64, "rule")));
    let rules = Arc::clone(watch.engine().rules());
    if count {
        let mut counts: Vec<_> = rules.rules.iter().zip(watch.alerts()).filter(|(_, count)| **count > 0).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (rule, count) in counts {
            output::error_line(&format!("  {count} {}", printable(&rule.name)));
        }
    }
    let lines = |kind: &str, lines: &[String]| {
        lines.iter().take(MOST).for_each(|line| output::error_line(&format!("{kind}: {}", printable(line))));
        if lines.len() > MOST {
            output::error_line(&format!("{kind}: {} more", lines.len() - MOST));
        }
    };
    if running == 0 {
        output::error_line("note: no rule runs for events of this source, so nothing can be told");
    }
    let unjudged = rules.rules.iter().zip(watch.engine().unjudged()).filter(|(_, unjudged)| unjudged.events > 0);
    let undecided: Vec<String> = unjudged
        .map(|(rule, unjudged)| {
            let why = unjudged.first.as_ref().map_or_else(String::new, |(atom, why)| format!(": `{atom}`: {why}"));
            format!("rule {:?} for {}{why}", rule.name, things(unjudged.events, "event"))
        })
        .collect();
    lines("undecided", &undecided);
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
