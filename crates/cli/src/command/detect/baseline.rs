//! `detect baseline`: what containers do, learned, locked and compared.

use super::super::document;
use super::super::scan::{self, Context, clock};
use super::recorded::Recorded;
use super::rules::{loaded, sound};
use super::run::{WAIT, account, introduce, stop_when_told};
use super::told::{hostname, lines, things};
use crate::args::{
    AlertedEntries, BaselineCommand, BaselineDriftArguments, BaselineExportArguments, BaselineFormat,
    BaselineLearnArguments, BaselineLockArguments, BaselineMergeArguments, BaselineShowArguments,
    BaselineUnlockArguments, EventSource, JsonOrTable, LeastConfidence, RecordedArguments, WatchedArguments,
    WhichOption,
};
use crate::error::CliError;
use crate::{CommandResult, output};
use sekisho_agent::{Host, Options};
use sekisho_base::Limits;
use sekisho_detect::baseline::{self, Bounds, Drift, Learner, LockOptions};
use sekisho_detect::load::RuleSet;
use sekisho_detect::{Engine, Matching, Observer, Selection, Watch};
use sekisho_model::{
    BASELINE_SCHEMA, Baseline, BaselineState, Baselines, Code, ConfidenceLevel, Exit, Level, json_reason, write_json,
};
use sekisho_report::{baseline_text, drift_text, printable};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Runs one of its commands.
pub(super) fn run(context: &mut Context, command: &BaselineCommand) -> CommandResult {
    match command {
        BaselineCommand::Learn(arguments) => learn(context, arguments),
        BaselineCommand::Show(arguments) => show(context, arguments),
        BaselineCommand::Merge(arguments) => merge(context, arguments),
        BaselineCommand::Lock(arguments) => lock(context, arguments),
        BaselineCommand::Unlock(arguments) => unlock(context, arguments),
        BaselineCommand::Drift(arguments) => drift(context, arguments),
        BaselineCommand::Export(arguments) => export(context, arguments),
    }
}

/// A document of baselines.
pub(super) fn read(path: &Path, limits: &Limits) -> Result<Baselines, CliError> {
    let (name, bytes) = document::read(path, limits)?;
    if bytes.len() as u64 > limits.text_file_bytes {
        let message = format!("cannot read {name}: it is larger than {} bytes", limits.text_file_bytes);
        return Err(CliError::new(Code::LimitExceeded, message).hint("raise limits.text_file_bytes"));
    }
    let malformed = |reason: String| CliError::new(Code::BaselineMalformed, format!("{name} {reason}"));
    let read: Baselines = serde_json::from_slice(&bytes).map_err(|error| malformed(json_reason(&error)))?;
    if read.schema != BASELINE_SCHEMA {
        return Err(malformed(format!("is no document of baselines: its schema is {:?}", read.schema)));
    }
    // What is there twice is one, or there is no telling which of both is meant.
    let read = baseline::joined([read], &Bounds::default());
    read.map_err(|error| malformed(format!("cannot be used: {error}")))
}

/// What was asked of a document.
fn chosen(which: &WhichOption) -> impl Fn(&Baseline) -> bool + '_ {
    let WhichOption { image, container } = which;
    move |baseline| {
        image.as_ref().is_none_or(|image| baseline.image.as_ref() == Some(image))
            && container.as_ref().is_none_or(|container| baseline.container == *container)
    }
}

fn none_chosen(path: &Path) -> CliError {
    let message = format!("{} has no baseline that was asked for", path.display());
    CliError::new(Code::BaselineMalformed, message)
}

/// Writes a document, with what follows from it.
fn write(mut baselines: Baselines, file: Option<&Path>) -> Result<(), CliError> {
    for baseline in &mut baselines.baselines {
        baseline.confidence = Some(baseline::confidence(baseline));
    }
    output::write_with(file, |to| write_json(&baselines, to))
}

/// What came of watching.
struct Watched {
    /// Events that were lost.
    lost: u64,
    /// Whether all of a recording was read.
    whole: bool,
}

/// Has `observer` look at all events, and says what could not be seen.
fn watch(
    arguments: &WatchedArguments,
    rules: Arc<RuleSet>,
    every_call: bool,
    limits: &Limits,
    observer: &mut dyn Observer,
) -> Result<Watched, CliError> {
    // Every rule is asked: what is marked is marked by all that alert.
    let (selection, matching) = (Selection::default(), Matching::All);
    let WatchedArguments { capture, seconds, buffer } = arguments;
    let mut ignore = |_| ControlFlow::Continue(());
    if let Some(path) = capture {
        let named = RecordedArguments { path: path.clone(), source: EventSource::Syscall, exit_only: false };
        let mut recorded = Recorded::open(&named, limits)?;
        let mut watch = Watch::new(Engine::new(rules, &selection, matching), &hostname());
        if let Recorded::Calls(replay) = &mut recorded {
            let _ = watch.replay(replay, observer, &mut ignore);
        }
        output::error_line(&format!("{} looked at", things(watch.events(), "event")));
        lines("lost", &recorded.lost());
        let unread: Vec<String> = recorded
            .diagnostics()
            .iter()
            .filter(|told| told.level == Level::Incomplete)
            .map(|told| format!("{} {told}", told.code))
            .collect();
        lines("not read", &unread);
        lines("not looked at", &recorded.not_judged());
        let lost = match &recorded {
            Recorded::Calls(replay) => replay.state().counters().drops + replay.damaged(),
            Recorded::Audit(_) => 0,
        };
        return Ok(Watched { lost, whole: unread.is_empty() });
    }
    let running = rules.rules.iter().filter(|rule| &*rule.source == "syscall" && selection.has(rule)).count();
    let options = Options {
        rules,
        selection: selection.clone(),
        matching,
        all_events: false,
        also: Some(baseline::demand()),
        every_call,
        ring: (*buffer << 20).next_power_of_two(),
        hostname: hostname(),
        limits: limits.clone(),
    };
    let mut host = Host::start(options).map_err(|error| CliError::new(Code::SensorRefused, error.to_string()))?;
    introduce(&host, &selection, running, true);
    let stop = stop_when_told();
    let end = seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let mut over = false;
    loop {
        let wait = end.map_or(WAIT, |end| WAIT.min(end.saturating_duration_since(Instant::now())));
        // What was done until the end is looked at, too.
        let wait = if over { WAIT } else { wait };
        let polled = host.poll(wait, observer, &mut ignore);
        let _ =
            polled.map_err(|error| CliError::new(Code::SensorRefused, format!("cannot go on watching: {error}")))?;
        if over {
            break;
        }
        over = stop.load(Ordering::Relaxed) || end.is_some_and(|end| Instant::now() >= end);
    }
    let seen = host.seen().map_err(|error| CliError::new(Code::SensorRefused, error.to_string()))?;
    output::error_line(&format!("{} looked at", things(seen.events, "event")));
    account(&seen);
    Ok(Watched { lost: seen.lost, whole: true })
}

/// The files that are read, as they are not to be written over.
fn inputs<'a>(files: impl IntoIterator<Item = &'a PathBuf>, what: &'a str) -> Vec<(&'a Path, &'a str)> {
    let named = files.into_iter().map(|path| (path.as_path(), what));
    named.filter(|(path, _)| *path != Path::new("-")).collect()
}

/// `detect baseline learn`.
fn learn(context: &mut Context, arguments: &BaselineLearnArguments) -> CommandResult {
    let BaselineLearnArguments { watched, window, calls, host, rules, common } = arguments;
    let settings = scan::settings(context, common, None, false)?;
    let limits = settings.limits();
    output::check(common.output.as_deref(), &inputs(&watched.capture, "the recording that is read"))?;
    let rules = sound(loaded(rules, &limits)?)?;
    // A capture has what calls its recorder took; the sensor only tells those that it is asked for.
    let calls = *calls || watched.capture.is_some();
    let mut learner = Learner::new(Bounds::default(), *window, &hostname(), calls, *host);
    let outcome = watch(watched, rules, calls, &limits, &mut learner)?;
    learner.set_lost(outcome.lost);
    let refused = |error: baseline::JoinError| CliError::new(Code::BaselineMalformed, format!("cannot learn: {error}"));
    let (baselines, not_learned) = learner.finish().map_err(refused)?;
    let mut said = Vec::new();
    if not_learned.strangers > 0 {
        said.push(format!("{} of processes that are not known", things(not_learned.strangers, "event")));
    }
    if not_learned.crowded > 0 {
        said.push(format!("{} of containers that there was no room for", things(not_learned.crowded, "event")));
    }
    let unknown = not_learned.unknown.iter();
    said.extend(unknown.map(|((kind, why), times)| format!("{kind}: {why}: {}", things(*times, "time"))));
    lines("not learned", &said);
    let number = baselines.baselines.len() as u64;
    output::error_line(&format!("{} learned", things(number, "baseline")));
    if number == 0 && !host {
        output::error_line("note: no container did anything; what runs in none is learned with --host");
    }
    write(baselines, common.output.as_deref())?;
    Ok(if outcome.whole || settings.scan.allow_incomplete { Exit::Passed } else { Exit::Incomplete })
}

/// `detect baseline show`.
fn show(context: &Context, arguments: &BaselineShowArguments) -> CommandResult {
    let limits = context.config.settings()?.limits();
    let mut baselines = read(&arguments.file, &limits)?;
    baselines.baselines.retain(chosen(&arguments.which));
    if baselines.baselines.is_empty() && (arguments.which.image.is_some() || arguments.which.container.is_some()) {
        return Err(none_chosen(&arguments.file));
    }
    match arguments.format {
        JsonOrTable::Json => write(baselines, None)?,
        JsonOrTable::Table => {
            for baseline in &mut baselines.baselines {
                baseline.confidence = Some(baseline::confidence(baseline));
            }
            output::write_styled(&baseline_text(&baselines), None)?;
            if baselines.incomplete {
                output::error_line("incomplete: there were more containers than could be learned from");
            }
        }
    }
    Ok(Exit::Passed)
}

/// `detect baseline merge`.
fn merge(context: &Context, arguments: &BaselineMergeArguments) -> CommandResult {
    let limits = context.config.settings()?.limits();
    let mut documents = Vec::new();
    for path in &arguments.files {
        let mut document = read(path, &limits)?;
        if let Some(name) = &arguments.rename {
            let bounds = Bounds::default();
            let renamed = document.baselines.into_iter().map(|baseline| {
                let baselines = vec![Baseline { container: name.clone(), ..baseline }];
                Baselines { baselines, incomplete: document.incomplete, ..Baselines::default() }
            });
            document = baseline::joined(renamed, &bounds).map_err(|error| not_merged(&error))?;
        }
        documents.push(document);
    }
    let merged = baseline::joined(documents, &Bounds::default()).map_err(|error| not_merged(&error))?;
    write(merged, arguments.output.as_deref())?;
    Ok(Exit::Passed)
}

fn not_merged(error: &baseline::JoinError) -> CliError {
    let failed = CliError::new(Code::UsageInvalid, format!("cannot merge the baselines: {error}"));
    match error {
        baseline::JoinError::Locked(_) => failed.hint("let it grow again with `sekisho detect baseline unlock`"),
        baseline::JoinError::TooMany(_) => failed.hint("merge fewer documents"),
    }
}

/// `detect baseline lock`.
fn lock(context: &Context, arguments: &BaselineLockArguments) -> CommandResult {
    let BaselineLockArguments { file, which, confidence, alerted, output: to } = arguments;
    let limits = context.config.settings()?.limits();
    let now = clock(&context.environment)?.now();
    let options = LockOptions {
        least: match confidence {
            LeastConfidence::Low => ConfidenceLevel::Low,
            LeastConfidence::Medium => ConfidenceLevel::Medium,
            LeastConfidence::High => ConfidenceLevel::High,
        },
        keep_alerted: match alerted {
            AlertedEntries::Refuse => None,
            AlertedEntries::Drop => Some(false),
            AlertedEntries::Keep => Some(true),
        },
    };
    let mut baselines = read(file, &limits)?;
    let chosen = chosen(which);
    let mut any = false;
    let mut refused = false;
    for baseline in baselines.baselines.iter_mut().filter(|baseline| chosen(baseline)) {
        any = true;
        if baseline.state == BaselineState::Locked {
            continue;
        }
        if let Err(reason) = baseline::lock(baseline, now, options) {
            output::error_line(&printable(&reason.to_string()));
            refused = true;
        }
    }
    if !any {
        return Err(none_chosen(file));
    }
    if refused {
        output::error_line("nothing was locked (exit 1; see --confidence and --alerted)");
        return Ok(Exit::Refused);
    }
    write(baselines, to.as_deref())?;
    Ok(Exit::Passed)
}

/// `detect baseline unlock`.
fn unlock(context: &Context, arguments: &BaselineUnlockArguments) -> CommandResult {
    let limits = context.config.settings()?.limits();
    let mut baselines = read(&arguments.file, &limits)?;
    let chosen = chosen(&arguments.which);
    let mut any = false;
    for baseline in baselines.baselines.iter_mut().filter(|baseline| chosen(baseline)) {
        any = true;
        baseline::unlock(baseline);
    }
    if !any {
        return Err(none_chosen(&arguments.file));
    }
    write(baselines, arguments.output.as_deref())?;
    Ok(Exit::Passed)
}

/// `detect baseline drift`.
fn drift(context: &mut Context, arguments: &BaselineDriftArguments) -> CommandResult {
    let BaselineDriftArguments { file, watched, format, common } = arguments;
    let settings = scan::settings(context, common, None, false)?;
    let limits = settings.limits();
    let read_files: Vec<PathBuf> = watched.capture.iter().chain([file]).cloned().collect();
    output::check(common.output.as_deref(), &inputs(&read_files, "a file that is read"))?;
    let baselines = read(file, &limits)?;
    if !baselines.baselines.iter().any(|baseline| baseline.state == BaselineState::Locked) {
        let message = format!("nothing can be compared: no baseline in {} is locked", file.display());
        return Err(CliError::new(Code::BaselineMalformed, message).hint("lock it with `sekisho detect baseline lock`"));
    }
    let mut drift = Drift::new(baselines, Bounds::default());
    let calls = drift.needs_calls();
    let outcome = watch(watched, Arc::new(RuleSet::default()), calls, &limits, &mut drift)?;
    let report = drift.report();
    match format {
        JsonOrTable::Json => output::write_with(common.output.as_deref(), |to| write_json(&report, to))?,
        JsonOrTable::Table => output::write_styled(&drift_text(&report), common.output.as_deref())?,
    }
    let unknown = report.unknown.iter().map(|told| {
        let of = told.image.as_ref().map_or_else(String::new, |image| format!(" of {image}"));
        format!("{}{of}: {}: {}", told.container, told.reason, things(told.times, "time"))
    });
    lines("not compared", &unknown.collect::<Vec<_>>());
    let outside = report.outside.len() as u64;
    output::error_line(&format!("{} compared, {} outside", things(report.compared, "deed"), things(outside, "deed")));
    Ok(match () {
        () if outside > 0 => Exit::Refused,
        () if outcome.whole || settings.scan.allow_incomplete => Exit::Passed,
        () => Exit::Incomplete,
    })
}

/// `detect baseline export`.
fn export(context: &Context, arguments: &BaselineExportArguments) -> CommandResult {
    let BaselineExportArguments { file, which, format, output: to } = arguments;
    let limits = context.config.settings()?.limits();
    let mut baselines = read(file, &limits)?;
    baselines.baselines.retain(chosen(which));
    if baselines.baselines.is_empty() {
        return Err(none_chosen(file));
    }
    let unlocked = baselines.baselines.iter().filter(|baseline| baseline.state != BaselineState::Locked);
    let unlocked: Vec<String> =
        unlocked.map(|baseline| format!("the baseline of {} is not locked", baseline.name())).collect();
    lines("left out", &unlocked);
    baselines.baselines.retain(|baseline| baseline.state == BaselineState::Locked);
    let refused = |message: &str| CliError::new(Code::BaselineMalformed, format!("{}: {message}", file.display()));
    match (format, baselines.baselines.as_slice()) {
        (_, []) => {
            Err(refused("no baseline that was asked for is locked").hint("lock it with `sekisho detect baseline lock`"))
        }
        (BaselineFormat::Falco, _) => {
            output::write(&baseline::rules(&baselines), to.as_deref())?;
            Ok(Exit::Passed)
        }
        (BaselineFormat::Seccomp, [one]) => {
            let profile = baseline::seccomp(one).ok_or_else(|| {
                refused("system calls were not learned, or not all of them").hint("learn with --calls")
            })?;
            output::write_with(to.as_deref(), |to| write_json(&profile, to))?;
            Ok(Exit::Passed)
        }
        (BaselineFormat::Seccomp, _) => Err(refused("a profile is of one baseline, and there are several")
            .hint("choose one with --image and --container")),
    }
}
