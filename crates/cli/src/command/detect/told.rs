//! What recordings and live events have in common: which rules run, how alerts are written, what is said at the end.

use super::run::WAIT;
use crate::args::{AlertFormat, AlertsOption, RuleMatching, SelectedOption};
use crate::output;
use sekisho_agent::Policies;
use sekisho_detect::load::RuleSet;
use sekisho_detect::{Alert, By, Matching, Selection, Style, Watch};
use sekisho_report::printable;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How many lines of one kind are told; more are counted.
const MOST: usize = 20;

/// Which rules run.
pub(super) fn selection(selected: &SelectedOption) -> Selection {
    let SelectedOption { tag, disable_tag, disable_rule, enable_rule, priority, .. } = selected;
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

pub(super) fn matching(selected: &SelectedOption) -> Matching {
    match selected.rule_matching {
        RuleMatching::First => Matching::First,
        RuleMatching::All => Matching::All,
    }
}

/// How many rules can alert for events of a source.
pub(super) fn running(rules: &RuleSet, selection: &Selection, source: &str) -> usize {
    rules.rules.iter().filter(|rule| &*rule.source == source && selection.has(rule)).count()
}

/// Writes an alert.
pub(super) fn write(alert: &Alert, told: &AlertsOption, to: &mut dyn Write) -> io::Result<()> {
    let style = Style { iso_time: told.iso_time, ..Style::default() };
    match told.format {
        AlertFormat::Text => {
            writeln!(to, "{}", alert.text(style))?;
            if let Some(recording) = &alert.recording {
                writeln!(to, "{}", alert.recorded(style, recording))?;
            }
            alert.responses.iter().try_for_each(|record| writeln!(to, "{}", record.text(style)))
        }
        AlertFormat::Json => {
            serde_json::to_writer(&mut *to, &alert.json(style))?;
            to.write_all(b"\n")
        }
    }
}

/// A writer on a thread of its own, so that one that takes nothing does not keep the program from being stopped.
pub(super) struct Patient {
    give: Sender<Vec<u8>>,
    done: Receiver<io::Result<()>>,
    stop: Arc<AtomicBool>,
    /// How long is waited after that.
    grace: Duration,
    given_up: bool,
}

impl Patient {
    pub(super) fn new(mut to: Box<dyn Write + Send>, stop: Arc<AtomicBool>, grace: Duration) -> Self {
        let ((give, given), (say, done)) = (channel::<Vec<u8>>(), channel());
        // Where no thread can be had, nothing is ever taken, which the first write says.
        let _ = thread::Builder::new().name("output".to_owned()).spawn(move || {
            for bytes in given {
                if say.send(to.write_all(&bytes).and_then(|()| to.flush())).is_err() {
                    return;
                }
            }
        });
        Self { give, done, stop, grace, given_up: false }
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = || io::Error::new(io::ErrorKind::TimedOut, "whoever reads it takes nothing");
        if self.given_up || self.give.send(bytes.to_vec()).is_err() {
            return Err(gone());
        }
        let mut told = None;
        loop {
            match self.done.recv_timeout(WAIT.min(self.grace)) {
                Ok(result) => return result.map(|()| bytes.len()),
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    if told.get_or_insert_with(Instant::now).elapsed() >= self.grace {
                        self.given_up = true;
                        return Err(gone());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name of this machine, for alerts that nothing else names one in.
pub(super) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// So many of something, in words.
pub(super) fn things(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Says on standard error what came of rules, and which of them could not be judged. `moment` stands before the first line.
pub(super) fn verdicts(watch: &Watch, policies: &Policies, running: usize, moment: &str, count: bool) {
    let (events, alerts) = (things(watch.events(), "event"), things(watch.given(), "alert"));
    output::error_line(&format!("{moment}{events}, {alerts} of {}", things(running as u64, "rule")));
    let rules = &watch.engine().rules().rules;
    if count {
        let mut counts: Vec<_> = rules.iter().zip(watch.alerts()).filter(|(_, count)| **count > 0).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (rule, count) in counts {
            output::error_line(&format!("  {count} {}", printable(&rule.name)));
        }
    }
    if running == 0 && policies.judged().is_empty() {
        output::error_line("note: no rule runs for events of this source, so nothing can be told");
    }
    let unjudged = rules.iter().zip(watch.engine().unjudged()).filter(|(_, unjudged)| unjudged.events > 0);
    let undecided: Vec<String> = unjudged
        .map(|(rule, unjudged)| {
            let why = unjudged.first.as_ref().map_or_else(String::new, |(atom, why)| format!(": `{atom}`: {why}"));
            format!("rule {:?} for {}{why}", rule.name, things(unjudged.events, "event"))
        })
        .collect();
    lines("undecided", &undecided);
}

/// Says which policies are asked about events of `source`, and what they ask in vain.
pub(super) fn asked(policies: &Policies, source: &str) {
    let (about, all) = (policies.about(source), policies.judged().len());
    if all > about {
        let what = if source == "k8s_audit" { "what runs on a host" } else { "requests to the API server" };
        output::error_line(&format!(
            "note: {} of {all} policies ask for {what}, of which {source} tells nothing",
            all - about
        ));
    }
    lines("blind", &policies.blind(source));
}

/// Says what came of policies, and which could not be judged.
pub(super) fn policy_verdicts(policies: &Policies, count: bool) {
    let judged = policies.judged();
    if judged.is_empty() {
        return;
    }
    let alerts: u64 = judged.iter().map(|one| one.alerts).sum();
    let of = if judged.len() == 1 { "1 policy".to_owned() } else { format!("{} policies", judged.len()) };
    output::error_line(&format!("{} of {of}", things(alerts, "violation")));
    if count {
        let mut counts: Vec<_> = judged.iter().filter(|one| one.alerts > 0).collect();
        counts.sort_by_key(|one| std::cmp::Reverse(one.alerts));
        for one in counts {
            output::error_line(&format!("  {} {}", one.alerts, printable(&one.policy().name)));
        }
    }
    let excluded = judged.iter().filter(|one| one.excluded > 0);
    let excluded = excluded.map(|one| format!("policy {:?}: {}", one.policy().name, things(one.excluded, "time")));
    lines("excluded", &excluded.collect::<Vec<_>>());
    let undecided = judged.iter().filter(|one| one.undecided > 0).map(|one| {
        let why = one.why.as_deref().unwrap_or_default();
        format!("policy {:?} for {}: {why}", one.policy().name, things(one.undecided, "event"))
    });
    lines("undecided", &undecided.collect::<Vec<_>>());
}

/// Says things of one kind on standard error, each on a line; of very many only the first ones.
pub(super) fn lines(kind: &str, lines: &[String]) {
    lines.iter().take(MOST).for_each(|line| output::error_line(&format!("{kind}: {}", printable(line))));
    if lines.len() > MOST {
        output::error_line(&format!("{kind}: {} more", lines.len() - MOST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what is written once somebody lets it.
    struct Stalled(Receiver<()>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_takes_nothing_does_not_keep_the_program_from_being_stopped() {
        let (let_go, waits) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut to = Patient::new(Box::new(Stalled(waits)), Arc::clone(&stop), Duration::from_millis(1));
        let_go.send(()).unwrap();
        assert_eq!(to.write(b"taken").unwrap(), 5);
        stop.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            assert_eq!(to.write(b"never").unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        let (let_go, waits) = channel();
        let mut to = Patient::new(Box::new(Stalled(waits)), Arc::default(), Duration::from_millis(1));
        drop(let_go);
        assert_eq!(to.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
