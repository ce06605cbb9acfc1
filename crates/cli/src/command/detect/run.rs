//! `detect run`: alerts of what happens on this host.

use super::super::scan::{Context, clock};
use super::posted;
use super::recorded::PATHS_UNTOLD;
use super::reload::{Reloader, Sources};
use super::rules::Ruling;
use super::told::{
    Patient, asked, hostname, lines, matching, policy_verdicts, running, selection, things, verdicts, write,
};
use super::{capture, in_use, respond};
use crate::args::{CaptureMode, EventSource, RunArguments};
use crate::config::Settings;
use crate::error::{CliError, reason};
use crate::{CommandResult, output};
use sekisho_agent::posted::Servers;
use sekisho_agent::{Gap, Host, Judged, Options, Policies, Seen, metrics};
use sekisho_detect::inspect::{Coverage, Sight};
use sekisho_detect::{Alert, Demand, Selection};
use sekisho_model::{Code, Exit};
use sekisho_sensor::{Account, Rung};
use std::fs::OpenOptions;
use std::future::poll_fn;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long to wait for something to happen before looking whether to stop.
pub(super) const WAIT: Duration = Duration::from_millis(200);
/// How long whoever reads standard output may take nothing once the program was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// `detect run`.
pub(super) fn run(context: &mut Context, arguments: &RunArguments) -> CommandResult {
    if arguments.source == EventSource::K8sAudit {
        return posted::run(context, arguments);
    }
    let RunArguments { rules: files, selected, alerts, seconds, buffer, output: file, .. } = arguments;
    let settings = settings(context, arguments)?;
    let (limits, own) = (settings.limits(), settings.detect.clone());
    let sources = Sources { rules: files.clone(), policies: own.runtime_policies(), settings };
    let (Ruling { rules, mut policies }, mut reloader) = Reloader::start(sources)?;
    let selection = selection(selected);
    let mut count = running(&rules, &selection, "syscall");
    let plan = given(&own.respond).map(|path| respond::read(path, &limits)).transpose()?;
    let enforces = plan.as_ref().is_some_and(|plan| plan.responses.iter().any(|one| one.enforced_policies));
    let recording = capture::recording(&own)?;
    let images = in_use::images(&arguments.inventory, clock(&context.environment)?.now(), &limits)?;
    // Which files are opened is asked by both.
    let all_files = recording.is_some() || images.is_some();
    let stop = stop_when_told();
    let mut to = opened(file.as_deref(), &stop)?;
    let name = hostname();
    let options = Options {
        rules,
        selection: selection.clone(),
        matching: matching(selected),
        all_events: arguments.all_events,
        also: also(&policies, all_files),
        every_call: false,
        ring: (*buffer << 20).next_power_of_two(),
        hostname: name.clone(),
        limits: limits.clone(),
    };
    let mut host = Host::start(options).map_err(|error| CliError::new(Code::SensorRefused, error.to_string()))?;
    introduce(&host, &selection, count, arguments.all_events);
    asked(&policies, "syscall");
    unenforced(&policies, enforces);
    let gap = kept(&mut host, &own.directory);
    if let Some(recording) = recording {
        host.record(recording);
    }
    if let Some(images) = images {
        in_use::begin(&mut host, images);
    }
    if let Some(plan) = plan {
        respond::begin(&mut host, plan, &limits);
    }

    let mut shown = Shown::start(&own.listen_metrics)?;
    let end = seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let mut written = match gap {
        Some(gap) => write(&gap.alert(&name), alerts, &mut to).and_then(|()| to.flush()),
        None => Ok(()),
    };
    let outcome = loop {
        if let Some(Ruling { rules, policies: mut others }) = reloader.next() {
            let now = running(&rules, &selection, "syscall");
            match host.reload(rules, also(&others, all_files)) {
                Ok(()) => {
                    count = now;
                    std::mem::swap(&mut policies, &mut others);
                    policies.follow(others);
                    introduce(&host, &selection, count, arguments.all_events);
                    asked(&policies, "syscall");
                    unenforced(&policies, enforces);
                }
                Err(error) => reloader.failed(&error.to_string()),
            }
        }
        if let Some(shown) = &mut shown {
            shown.show(&mut host, &policies, &reloader);
        }
        let wait = end.map_or(WAIT, |end| WAIT.min(end.saturating_duration_since(Instant::now())));
        let mut each = |alert: Alert| {
            written = write(&alert, alerts, &mut to);
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        match host.poll(wait, &mut policies, &mut each) {
            Err(error) => break Err(CliError::new(Code::SensorRefused, format!("cannot go on watching: {error}"))),
            Ok(ControlFlow::Break(())) => break Ok(()),
            Ok(ControlFlow::Continue(())) => {}
        }
        let records = host.records();
        written = written.and_then(|()| respond::write(&records, &name, alerts, &mut to));
        // Whoever follows along sees an alert when it is given.
        written = written.and_then(|()| to.flush());
        let over = end.is_some_and(|end| Instant::now() >= end);
        if written.is_err() || over || stop.load(Ordering::Relaxed) {
            break Ok(());
        }
    };
    // Alerts that nobody took are no end that was asked for.
    if outcome.is_ok() && written.is_ok() {
        host.stopped();
    }
    let seen = host.seen().map_err(|error| CliError::new(Code::SensorRefused, error.to_string()))?;
    verdicts(host.watch(), &policies, count, "", alerts.count);
    policy_verdicts(&policies, alerts.count);
    account(&seen);
    respond::account(&host);
    capture::account(&mut host);
    let told = in_use::account(&host, &name, arguments.in_use.as_deref());
    outcome?;
    told?;
    match written {
        Err(error) => {
            let place = file.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
            Err(CliError::new(Code::OutputFailed, format!("cannot write alerts to {place}: {}", reason(&error))))
        }
        Ok(()) => Ok(Exit::Passed),
    }
}

/// Says that policies are to be enforced, and are not.
fn unenforced(policies: &Policies, enforces: bool) {
    let is_meant = |one: &&Judged| one.is_enforced() && one.is_about("syscall");
    let number = policies.judged().iter().filter(is_meant).count();
    if number > 0 && !enforces {
        let of = if number == 1 { "1 policy is".to_owned() } else { format!("{number} policies are") };
        let told =
            format!("{of} to be enforced, which responses with `enforced_policies` do (--respond): there is none");
        lines("note", &[told]);
    }
}

/// The settings, with the flags that stand for some.
pub(super) fn settings(context: &mut Context, arguments: &RunArguments) -> Result<Settings, CliError> {
    let RunArguments { policies, respond, capture, listen, listen_metrics, .. } = arguments;
    let number = |number: Option<u32>| number.map(i64::from);
    let config = &mut context.config;
    config.flag("--capture-before", "detect", "capture_before", number(capture.capture_before))?;
    config.flag("--capture-duration", "detect", "capture_duration", number(capture.capture_duration))?;
    config.flag("--capture-files", "detect", "capture_files", number(capture.capture_files))?;
    config.flag("--capture-filesize", "detect", "capture_filesize", number(capture.capture_filesize))?;
    config.flag("--capture-memory", "detect", "capture_memory", number(capture.capture_memory))?;
    config.flag("--capture-mode", "detect", "capture_mode", capture.capture_mode.map(CaptureMode::as_str))?;
    config.flag("--listen", "detect", "listen", listen.clone())?;
    config.flag("--listen-metrics", "detect", "listen_metrics", listen_metrics.clone())?;
    config.flag("--profile", "detect", "profile", policies.profile.clone())?;
    let mut settings = config.settings()?;
    let own = &mut settings.detect;
    own.policies.extend(policies.policy.iter().cloned());
    for (setting, flag) in [(&mut own.capture, &capture.capture), (&mut own.respond, respond)] {
        if let Some(path) = flag {
            setting.clone_from(path);
        }
    }
    Ok(settings)
}

/// A path, if there is one.
fn given(path: &Path) -> Option<&Path> {
    (!path.as_os_str().is_empty()).then_some(path)
}

/// Has the host keep a mark in `directory`. What was missed since the last run.
fn kept(host: &mut Host, directory: &Path) -> Option<Gap> {
    let directory = given(directory)?;
    let told = match host.keep(directory) {
        Ok(Ok(gap)) => return gap,
        Ok(Err(why)) => format!("it is not known what was missed since the last run: {why}"),
        Err(why) => format!("how far this run comes is not noted for the next one: {why}"),
    };
    lines("note", &[told]);
    None
}

/// What policies, recordings and inventories need beside what rules ask.
fn also(policies: &Policies, all_files: bool) -> Option<Demand> {
    let mut asked = all_files.then(capture::demand);
    if policies.about("syscall") > 0 {
        match &mut asked {
            Some(asked) => asked.join(policies.demand()),
            None => asked = Some(policies.demand()),
        }
    }
    asked
}

/// Metrics, and when they were made last.
struct Shown {
    servers: Servers,
    last: Option<Instant>,
}

impl Shown {
    /// Shows metrics at an address, if there is one.
    fn start(address: &str) -> Result<Option<Self>, CliError> {
        if address.is_empty() {
            return Ok(None);
        }
        let servers = Servers::new().map_err(|error| posted::unusable(&error))?;
        let at = servers.metrics(address).map_err(|error| posted::unusable(&error))?;
        output::error_line(&format!("metrics at http://{at}/metrics"));
        Ok(Some(Self { servers, last: None }))
    }

    /// Makes them anew, if they are not new.
    fn show(&mut self, host: &mut Host, policies: &Policies, reloader: &Reloader) {
        if self.last.is_some_and(|last| last.elapsed() < posted::SHOW) {
            return;
        }
        self.last = Some(Instant::now());
        let (seen, coverage, responses) = (host.seen().ok(), host.coverage(), host.responses());
        self.servers.show(metrics::text(&metrics::Snapshot {
            source: "syscall",
            watch: host.watch(),
            policies,
            rung: Some(match host.rung() {
                Rung::Full => "full",
                Rung::Lifecycle => "lifecycle",
                Rung::Fallback => "fallback",
            }),
            seen: seen.as_ref(),
            responses: responses.as_ref(),
            coverage: &coverage,
            turned: None,
            skipped: (0, 0),
            reloads: reloader.counts,
            current: reloader.current,
        }));
    }
}

/// Where alerts go.
pub(super) fn opened(file: Option<&Path>, stop: &Arc<AtomicBool>) -> Result<Box<dyn Write>, CliError> {
    let Some(path) = file else {
        let patient = Patient::new(Box::new(io::stdout()), Arc::clone(stop), GRACE);
        return Ok(Box::new(BufWriter::new(patient)));
    };
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let failed = |error: io::Error| {
        CliError::new(Code::OutputFailed, format!("cannot write alerts to {}: {}", path.display(), reason(&error)))
    };
    Ok(Box::new(BufWriter::new(opened.map_err(failed)?)))
}

/// Becomes true when the program is told to stop.
pub(super) fn stop_when_told() -> Arc<AtomicBool> {
    when_told("signals", &[SignalKind::terminate(), SignalKind::interrupt()])
}

/// Becomes true when one of these signals comes. From when this is back on they are waited for, and do not end the program.
pub(super) fn when_told(name: &str, kinds: &[SignalKind]) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let (told, kinds) = (Arc::clone(&flag), kinds.to_vec());
    let (waits, is_waited) = mpsc::channel::<()>();
    // Where no thread can be had the signals end the program at once.
    let _ = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            let signals: io::Result<Vec<_>> = kinds.into_iter().map(signal).collect();
            let Ok(mut signals) = signals else { return };
            drop(waits);
            poll_fn(|context| {
                for signal in &mut signals {
                    while signal.poll_recv(context) == Poll::Ready(Some(())) {
                        told.store(true, Ordering::Relaxed);
                    }
                }
                Poll::<()>::Pending
            })
            .await;
        });
    });
    // Nothing is ever sent: it comes back when the other end is gone.
    let _ = is_waited.recv();
    flag
}

/// Says how well this host can be watched, and which rules that leaves blind.
pub(super) fn introduce(host: &Host, selection: &Selection, running: usize, all_events: bool) {
    output::error_line(&format!("watching by {}, for {}", host.rung(), things(running as u64, "rule")));
    let asked = host.asked();
    let calls = asked.interest.names().len() as u64;
    let places = asked.filters.paths.as_ref().map(|paths| {
        let rest = match (paths.others.read, paths.others.write) {
            (true, _) => ", and written elsewhere not",
            (false, true) => ", and all that are opened for writing",
            (false, false) => "",
        };
        format!("; files that are opened at {}{rest}", things(paths.prefixes.len() as u64, "place"))
    });
    let told = if calls == 0 { "no call".to_owned() } else { things(calls, "call") };
    output::error_line(&format!("the kernel tells {told}{}", places.unwrap_or_default()));
    lines("missing", &host.missing());
    let rules = &host.watch().engine().rules().rules;
    if !all_events {
        let everything = host.of_everything().iter().filter_map(|at| rules.get(*at));
        let said = |name: &str| {
            format!("rule {name:?} names no type of events, and gets no calls that are very frequent; see --all-events")
        };
        lines("note", &everything.map(|rule| said(&rule.name)).collect::<Vec<_>>());
    }
    let wanted = rules.iter().map(|rule| &*rule.source == "syscall" && selection.has(rule));
    let coverage: Vec<Coverage> =
        host.coverage().into_iter().zip(wanted).filter_map(|(one, wanted)| wanted.then_some(one)).collect();
    for (sight, kind) in [(Sight::Blind, "blind"), (Sight::Partial, "partly blind")] {
        let of = coverage.iter().filter(|one| one.sight == sight);
        lines(kind, &of.map(why).collect::<Vec<_>>());
    }
}

/// Why a rule is blind.
fn why(one: &Coverage) -> String {
    let fields = one.blind_fields.iter().map(|(field, reason)| format!("{field}: {reason}"));
    let events = (!one.unseen_events.is_empty()).then(|| format!("not told: {}", one.unseen_events.join(", ")));
    format!("rule {:?}: {}", one.rule, fields.chain(events).collect::<Vec<_>>().join("; "))
}

/// Says what was lost, and what had to be forgotten.
pub(super) fn account(seen: &Seen) {
    let lost = seen.accounts.iter().filter(|row| row.dropped > 0);
    let row = |Account { name, offered, dropped, .. }: &Account| format!("{dropped} of {offered} {name}");
    let mut said: Vec<String> = lost.map(row).collect();
    if said.is_empty() && seen.lost > 0 {
        said.push(things(seen.lost, "time that the kernel had no room, for how many events it does not say"));
    }
    if !said.is_empty() {
        said.push(format!("processes were looked at anew {}", things(seen.seeded, "time")));
    }
    let counters = seen.counters;
    let forgotten = [
        (seen.unattributed, "events of which nobody can say which container they are of"),
        (counters.threads_evicted, "processes forgotten, since there were too many"),
        (counters.files_forgotten, "processes whose open files were forgotten, since those of all took too much"),
        (counters.containers_evicted, "containers forgotten, since there were too many"),
        (counters.users_refused, "users and groups not noted, since there were too many"),
        (counters.paths_untold, PATHS_UNTOLD),
    ];
    said.extend(seen.gap.iter().map(Gap::text));
    said.extend(forgotten.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}")));
    lines("lost", &said);
    lines("unknown", &seen.unknown.iter().map(|told| format!("{} {told}", told.code)).collect::<Vec<_>>());
}
