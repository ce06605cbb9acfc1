//! The flight recorder: for each alert a capture of what was just before it, and of what came after.

use sekisho_detect::Alert;
use sekisho_detect::alert::file_time;
use sekisho_model::RunningContainer;
use sekisho_trace::Event;
use sekisho_trace::scap::Flight;
use sekisho_trace::scap::flight::append;
use sekisho_trace::scap::write::Writer;
use sekisho_trace::state::{Bounds, Descriptor, State};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How alerts are recorded.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The directory that captures are put into.
    pub directory: PathBuf,
    /// Whether every alert is recorded, or only those of rules that ask for it (`capture: true`).
    pub all_rules: bool,
    /// How far before an alert a capture begins.
    pub before: Duration,
    /// How long after it a capture goes on, unless the rule says otherwise.
    pub duration: Duration,
    /// How many bytes of events are kept for what is before.
    pub memory: usize,
    /// How many bytes one capture may have, unless the rule says otherwise.
    pub file_bytes: u64,
    /// How many captures are made at most.
    pub files: usize,
}

/// Records alerts.
pub(crate) struct Recorder {
    how: Recording,
    flight: Flight,
    active: Option<Active>,
    made: usize,
    account: Recorded,
}

/// What came of recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Captures that are whole.
    pub captures: u64,
    /// Alerts without a capture, since there were as many as there may be.
    pub withheld: u64,
    /// Events that were dropped before their time, since there was no room.
    pub crowded: u64,
    /// Captures that ended before their time, since they were as large as they may be.
    pub cut: u64,
    /// Descriptors of which a capture may say something else than was true.
    pub unexplained: u64,
    /// Why a capture could not be written, the last time that was so.
    pub failed: Option<String>,
}

/// A capture that is being written.
struct Active {
    writer: Writer<Counted>,
    /// Under which name it is written, and under which it is whole.
    names: [PathBuf; 2],
    name: Arc<str>,
    /// Since the machine was started.
    until: u64,
    bytes: u64,
    events: Option<u64>,
}

/// Counts what is written.
struct Counted {
    to: BufWriter<File>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Recorder {
    /// Begins to keep events; `State` is to be told what is there through [`Recorder::before`].
    pub(crate) fn new(how: Recording, bounds: Bounds) -> Self {
        let flight = Flight::new(bounds, how.before, how.memory);
        Self { how, flight, active: None, made: 0, account: Recorded::default() }
    }

    /// What is known before the oldest event that is kept.
    pub(crate) fn before(&mut self) -> &mut State {
        self.flight.before()
    }

    /// What is before is to be told anew: what was kept does not go on from it.
    pub(crate) fn begin_anew(&mut self, bounds: Bounds) -> &mut State {
        self.account.crowded += self.flight.crowded();
        self.flight = Flight::new(bounds, self.how.before, self.how.memory);
        self.flight.before()
    }

    /// Takes note of what is known of a container.
    pub(crate) fn container(&mut self, container: &RunningContainer) {
        self.flight.before().add_container(container.clone());
    }

    /// Keeps an event, before it is judged. `at` says when it was, in nanoseconds since the machine was started: however the clock
    /// is set, a capture is as long as it is to be.
    pub(crate) fn see(&mut self, event: &Event<'_>, notes: &[Descriptor], at: u64) {
        self.flight.see(event, notes, at);
        self.look(at);
        let Some(active) = &mut self.active else { return };
        let full = active.writer.get_ref().bytes >= active.bytes || active.events == Some(0);
        if full {
            self.account.cut += 1;
            self.finish();
            return;
        }
        if let Some(left) = &mut active.events {
            *left -= 1;
        }
        if let Err(error) = append(&mut active.writer, event) {
            self.fail(&error);
        }
    }

    /// Ends a capture whose time is over at `at`.
    pub(crate) fn look(&mut self, at: u64) {
        if self.active.as_ref().is_some_and(|active| at > active.until) {
            self.finish();
        }
    }

    /// An alert was given for the last event, which was at `at`, and `time` by the clock: the capture that it is in, if one is.
    pub(crate) fn alert(&mut self, alert: &Alert, time: u64, at: u64) -> Option<Arc<str>> {
        let asked = alert.capture;
        if !self.how.all_rules && !asked.wanted {
            return None;
        }
        let duration = asked.duration.map_or(self.how.duration, |ms| Duration::from_millis(ms.into()));
        let until = at.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
        if let Some(active) = &mut self.active {
            active.until = active.until.max(until);
            return Some(Arc::clone(&active.name));
        }
        if self.made >= self.how.files {
            self.account.withheld += 1;
            return None;
        }
        match self.begin(alert, until, time) {
            Ok(name) => Some(name),
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    fn begin(&mut self, alert: &Alert, until: u64, time: u64) -> io::Result<Arc<str>> {
        // As Falco calls them: when, and the number of the event.
        let name = format!("sekisho_{}_{}.scap", file_time(time), alert.number);
        let path = self.how.directory.join(&name);
        let part = self.how.directory.join(format!(".{name}.part"));
        let file = File::create_new(&part)?;
        let to = Counted { to: BufWriter::with_capacity(1 << 16, file), bytes: 0 };
        let (writer, unexplained) = match self.flight.write(to) {
            Ok(written) => written,
            Err(error) => {
                let _ = fs::remove_file(&part);
                return Err(error);
            }
        };
        self.made += 1;
        self.account.unexplained += unexplained;
        let name: Arc<str> = path.display().to_string().into();
        self.active = Some(Active {
            bytes: alert.capture.filesize.map_or(self.how.file_bytes, |kilobytes| kilobytes.saturating_mul(1024)),
            events: alert.capture.events,
            writer,
            names: [part, path],
            name: Arc::clone(&name),
            until,
        });
        Ok(name)
    }

    /// Makes a capture whole.
    pub(crate) fn finish(&mut self) {
        let Some(Active { writer, names: [part, path], .. }) = self.active.take() else { return };
        match writer.into_inner().and_then(|_| fs::rename(&part, path)) {
            Ok(()) => self.account.captures += 1,
            Err(error) => {
                let _ = fs::remove_file(&part);
                self.account.failed = Some(error.to_string());
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.account.failed = Some(error.to_string());
        if let Some(Active { names: [part, _], .. }) = self.active.take() {
            let _ = fs::remove_file(part);
        }
    }

    /// What came of it.
    pub(crate) fn account(&self) -> Recorded {
        Recorded { crowded: self.account.crowded + self.flight.crowded(), ..self.account.clone() }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_detect::load::Capture;
    use sekisho_trace::event::{EventCode, Params};

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3600 * SECOND;

    fn event(time: u64) -> Event<'static> {
        Event { number: 1, time, cpu: 0, tid: 7, code: EventCode::CLOSE_X, params: Params::default() }
    }

    fn alert() -> Alert {
        Alert {
            rule: "r".into(),
            priority: sekisho_detect::Priority::Debug,
            source: "syscall".into(),
            tags: Arc::default(),
            time: 0,
            number: 1,
            message: String::new(),
            fields: serde_json::Map::new(),
            hostname: "h".into(),
            capture: Capture::default(),
            responses: Vec::new(),
            recording: None,
        }
    }

    #[test]
    fn a_capture_is_as_long_as_it_is_to_be_however_the_clock_is_set() {
        // Forward by hours, back by hours, and not at all.
        for set in [5 * HOUR, 0, 2 * HOUR] {
            let directory = tempfile::tempdir().unwrap();
            let mut recorder = Recorder::new(
                Recording {
                    directory: directory.path().to_owned(),
                    all_rules: true,
                    before: Duration::from_secs(5),
                    duration: Duration::from_secs(10),
                    memory: 1 << 20,
                    file_bytes: 1 << 20,
                    files: 2,
                },
                Bounds::default(),
            );
            let files = || fs::read_dir(directory.path()).unwrap().flatten().map(|entry| entry.file_name());
            let whole = || files().filter(|name| name.to_string_lossy().ends_with(".scap")).count();
            recorder.see(&event(2 * HOUR), &[], 100 * SECOND);
            let name = recorder.alert(&alert(), 2 * HOUR, 100 * SECOND);
            assert!(name.is_some());
            recorder.see(&event(set), &[], 109 * SECOND);
            assert_eq!((whole(), recorder.account().captures), (0, 0), "{set}: ten seconds are not over");
            assert_eq!(recorder.alert(&alert(), set, 109 * SECOND), name, "{set}");
            recorder.look(119 * SECOND);
            assert_eq!(whole(), 0, "{set}");
            recorder.look(119 * SECOND + 1);
            assert_eq!((whole(), recorder.account().captures), (1, 1), "{set}: they are over");
            assert_eq!(recorder.account().crowded, 0);
        }
    }
}
