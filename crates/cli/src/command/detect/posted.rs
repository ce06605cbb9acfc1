//! `detect run --source k8s_audit`: alerts of what API servers post of their audit logs.

use super::super::scan::Context;
use super::reload::{Reloader, Sources};
use super::rules::Ruling;
use super::run::{WAIT, opened, settings, stop_when_told};
use super::told::{asked, hostname, lines, matching, policy_verdicts, running, selection, things, verdicts, write};
use crate::args::RunArguments;
use crate::error::{CliError, reason};
use crate::{CommandResult, output};
use sekisho_agent::Policies;
use sekisho_agent::metrics::{Snapshot, text};
use sekisho_agent::posted::{Post, PostedError, Servers, Taken, Turned};
use sekisho_base::Limits;
use sekisho_detect::{Alert, Engine, Watch};
use sekisho_model::{Code, Exit, Level};
use sekisho_trace::audit;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

const SOURCE: &str = "k8s_audit";
/// Records that are named when they are left out; more are counted.
const NAMED: usize = 20;
/// How often metrics are made anew.
pub(super) const SHOW: Duration = Duration::from_secs(1);

/// Why it cannot be listened.
pub(super) fn unusable(error: &PostedError) -> CliError {
    CliError::from_error(Code::ListenFailed, error)
}

/// What is judged, and what came of it.
struct Log<'a> {
    arguments: &'a RunArguments,
    limits: Limits,
    watch: Watch,
    policies: Policies,
    to: Box<dyn Write>,
    foreign: u64,
    unreadable: u64,
    named: usize,
}

impl Log<'_> {
    /// Judges all in a post, and says what came of that.
    fn take(&mut self, body: &[u8]) -> Result<Taken, io::Error> {
        let Self { arguments, limits, watch, policies, to, .. } = self;
        let malformed =
            |reason: &dyn std::fmt::Display| Ok(Taken::Malformed(format!("cannot read the post: {reason}")));
        let mut log = match audit::Reader::new(body, body.len() as u64, limits) {
            Ok(log) => log,
            Err(error) => return malformed(&reason(&error)),
        };
        let mut failed = None;
        for mut event in log.by_ref() {
            // Numbers go on from post to post.
            event.number = watch.events() + 1;
            let mut each = |alert: Alert| match write(&alert, &arguments.alerts, to) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            };
            if watch.see_audit(&event, policies, &mut each).is_break() {
                break;
            }
        }
        failed.map_or(Ok(()), Err).and_then(|()| to.flush())?;
        let (events, foreign, broken) = (log.events(), log.foreign(), log.broken());
        self.foreign += foreign;
        self.unreadable += broken;
        let room = NAMED.saturating_sub(self.named);
        let told: Vec<_> = log.diagnostics().iter().take(room).collect();
        self.named += told.len();
        for one in told {
            let kind = if one.level == Level::Incomplete { "not read" } else { "left out" };
            lines(kind, &[format!("{} {one}", one.code)]);
        }
        if events == 0 {
            let why = log.diagnostics().first().map(ToString::to_string);
            return malformed(&why.unwrap_or_else(|| "it holds no audit event".to_owned()));
        }
        Ok(Taken::Judged { events, foreign: foreign + broken })
    }
}

/// `detect run --source k8s_audit`.
pub(super) fn run(context: &mut Context, arguments: &RunArguments) -> CommandResult {
    let RunArguments { rules, selected, alerts, seconds, output: file, .. } = arguments;
    let settings = settings(context, arguments)?;
    let (limits, own) = (settings.limits(), settings.detect.clone());
    let sources = Sources { rules: rules.clone(), policies: own.runtime_policies(), settings };
    let (Ruling { rules, policies }, mut reloader) = Reloader::start(sources)?;
    let (selection, matching) = (selection(selected), matching(selected));
    let mut running_rules = running(&rules, &selection, SOURCE);
    let watch = Watch::new(Engine::new(rules, &selection, matching), &hostname());
    let stop = stop_when_told();
    let to = opened(file.as_deref(), &stop)?;
    let mut log = Log { arguments, limits, watch, policies, to, foreign: 0, unreadable: 0, named: 0 };

    let servers = Servers::new().map_err(|error| unusable(&error))?;
    let files = arguments.certificate.as_deref().zip(arguments.key.as_deref());
    let (at, posts, turned) = servers.posts(&own.listen, files).map_err(|error| unusable(&error))?;
    let scheme = if files.is_some() { "https" } else { "http" };
    let of = things(running_rules as u64, "rule");
    output::error_line(&format!("listening at {scheme}://{at}/k8s-audit, for {of}"));
    asked(&log.policies, SOURCE);
    for (what, path) in [("answered (--respond)", &own.respond), ("captured (--capture)", &own.capture)] {
        if !path.as_os_str().is_empty() {
            lines("note", &[format!("nothing about audit events is {what}: that is for what happens on a host")]);
        }
    }
    let is_shown = !own.listen_metrics.is_empty();
    if is_shown {
        let at = servers.metrics(&own.listen_metrics).map_err(|error| unusable(&error))?;
        output::error_line(&format!("metrics at http://{at}/metrics"));
    }

    let end = seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let mut shown: Option<Instant> = None;
    let outcome = loop {
        if let Some(Ruling { rules, mut policies }) = reloader.next() {
            running_rules = running(&rules, &selection, SOURCE);
            log.watch.replace(Engine::new(rules, &selection, matching));
            std::mem::swap(&mut log.policies, &mut policies);
            log.policies.follow(policies);
            output::error_line(&format!("reloaded: {}", things(running_rules as u64, "rule")));
        }
        if is_shown && shown.is_none_or(|shown| shown.elapsed() >= SHOW) {
            servers.show(metrics(&log, &turned, &reloader));
            shown = Some(Instant::now());
        }
        let wait = end.map_or(WAIT, |end| WAIT.min(end.saturating_duration_since(Instant::now())));
        match posts.recv_timeout(wait) {
            Ok(post) => {
                if let Err(error) = judged(&mut log, post) {
                    break Err(error);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
        if end.is_some_and(|end| Instant::now() >= end) || stop.load(Ordering::Relaxed) {
            break Ok(());
        }
    };
    drop(posts);
    drop(servers);
    verdicts(&log.watch, &log.policies, running_rules, "", alerts.count);
    policy_verdicts(&log.policies, alerts.count);
    let skipped =
        [(log.foreign, "records that are no audit events"), (log.unreadable, "records that could not be read")];
    let skipped = skipped.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}"));
    lines("not judged", &skipped.collect::<Vec<_>>());
    let busy = turned.busy.load(Ordering::Relaxed);
    if busy > 0 {
        lines("refused", &[format!("posts for which there was no room or no time, to be sent again: {busy}")]);
    }
    outcome.map(|()| Exit::Passed).map_err(|error| {
        let place = file.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
        CliError::new(Code::OutputFailed, format!("cannot write alerts to {place}: {}", reason(&error)))
    })
}

/// Judges a post and answers it.
fn judged(log: &mut Log<'_>, post: Post) -> Result<(), io::Error> {
    match log.take(&post.body) {
        Ok(taken) => {
            post.answer(taken);
            Ok(())
        }
        Err(error) => {
            post.answer(Taken::Failed);
            Err(error)
        }
    }
}

fn metrics(log: &Log<'_>, turned: &Turned, reloader: &Reloader) -> String {
    text(&Snapshot {
        source: SOURCE,
        watch: &log.watch,
        policies: &log.policies,
        rung: None,
        seen: None,
        responses: None,
        coverage: &[],
        turned: Some(turned),
        skipped: (log.foreign, log.unreadable),
        reloads: reloader.counts,
        current: reloader.current,
    })
}
