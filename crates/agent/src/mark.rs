//! When a host was last watched: a mark that a run keeps as it goes, and the gap that the next one finds by it.
//!
//! The mark is one line in one file, written over about once a second. Whoever keeps it has the file locked, so that of several
//! runs at the same time one does. What was not written before a run died is told as not seen, at most about a second too much.

use jiff::Timestamp;
use sekisho_detect::alert::{Alert, Priority};
use sekisho_detect::load::Capture;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError, create_dir_all, read_to_string};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The name of the file.
const NAME: &str = "watched.json";
/// How often it is written.
const OFTEN: Duration = Duration::from_secs(1);
/// How long a mark may be that is read.
const LONGEST: usize = 512;

/// Why no mark is kept, or what was missed is not known.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// Another run keeps it.
    #[error("another run keeps {}", .0.display())]
    Kept(PathBuf),
    /// It cannot be written or read.
    #[error("{}: {source}", path.display())]
    Failed {
        /// The file or its directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is not what a run writes. It is written anew.
    #[error("{} is no mark of a run", .0.display())]
    Malformed(PathBuf),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// It was killed, or failed.
    Died,
}

impl Ended {
    /// As metrics and alerts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Died => "died",
        }
    }
}

/// A time in which nothing was watched: since the last run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the host was last watched, nanoseconds since 1970, by the clock as it is now if the machine was not started anew since.
    pub from: u64,
    /// When it was again.
    pub to: u64,
    /// How long that was; not known if the machine was started anew and its clock is behind.
    pub length: Option<Duration>,
    /// How the last run ended.
    pub ended: Ended,
    /// Whether the machine was started anew meanwhile.
    pub rebooted: bool,
}

impl Gap {
    /// In words.
    pub fn text(&self) -> String {
        let length = self.length.map_or_else(
            || "for a time that cannot be told, since the clock was set back".to_owned(),
            |length| format!("for {:.1} s", length.as_secs_f64()),
        );
        let ended = match self.ended {
            Ended::Stopped => "the run before was stopped",
            Ended::Died => "the run before was killed or failed",
        };
        let rebooted = if self.rebooted { ", and the machine was started anew since" } else { "" };
        format!("nothing was watched {length}, from {} to {}: {ended}{rebooted}", moment(self.from), moment(self.to))
    }

    /// As an alert of the source `internal`.
    pub fn alert(&self, hostname: &str) -> Alert {
        let fields = json!({
            "gap.from": moment(self.from),
            "gap.to": moment(self.to),
            "gap.seconds": self.length.map(|length| length.as_secs_f64()),
            "gap.ended": self.ended.as_str(),
            "gap.rebooted": self.rebooted,
        });
        Alert {
            rule: Arc::from("Sekisho internal: nothing was watched"),
            priority: if self.ended == Ended::Stopped { Priority::Notice } else { Priority::Warning },
            source: Arc::from("internal"),
            tags: Arc::new(BTreeSet::new()),
            time: self.to,
            number: 0,
            message: self.text(),
            fields: match fields {
                Value::Object(fields) => fields,
                _ => Map::new(),
            },
            hostname: Arc::from(hostname),
            capture: Capture::default(),
            responses: Vec::new(),
            recording: None,
        }
    }
}

/// A moment: of which boot, how long since then, and what the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment<'a> {
    /// What the kernel calls this boot.
    pub(crate) boot: &'a str,
    /// Nanoseconds since it, by a clock that is never set.
    pub(crate) at: u64,
    /// Nanoseconds since 1970.
    pub(crate) now: u64,
}

/// A mark that is kept.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    boot: String,
    /// When it was written last, since boot.
    written: u64,
}

/// What the kernel calls this boot.
pub(crate) fn boot() -> String {
    read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

impl Mark {
    /// Keeps the mark in `directory` from this moment on. What was missed since the last run, if there was one, or why that is not
    /// known.
    pub(crate) fn keep(
        directory: &Path,
        moment: Moment<'_>,
    ) -> Result<(Self, Result<Option<Gap>, MarkError>), MarkError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| MarkError::Failed { path, source }
        };
        create_dir_all(directory).map_err(failed(directory))?;
        let path = directory.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(MarkError::Kept(path)),
            Err(TryLockError::Error(error)) => return Err(failed(&path)(error)),
        }
        let mut buffer = [0; LONGEST];
        let read = file.read_at(&mut buffer, 0).map_err(failed(&path))?;
        let before = buffer.get(..read).unwrap_or_default();
        let gap = match Written::read(before) {
            _ if before.is_empty() => Ok(None),
            Some(before) => Ok(Some(before.gap(moment))),
            None => Err(MarkError::Malformed(path.clone())),
        };
        let mut this = Self { file, boot: moment.boot.to_owned(), written: 0 };
        this.write(moment.at, moment.now, false).map_err(failed(&path))?;
        Ok((this, gap))
    }

    /// The host was watched until `at`, nanoseconds since boot, which the clock called `now`.
    pub(crate) fn reached(&mut self, at: u64, now: u64) {
        if Duration::from_nanos(at.saturating_sub(self.written)) >= OFTEN {
            // One that cannot be written stays older, and the gap is told longer than it was.
            let _ = self.write(at, now, false);
        }
    }

    /// The run ends because it is told to.
    pub(crate) fn stopped(mut self, at: u64, now: u64) {
        let _ = self.write(at, now, true).and_then(|()| self.file.sync_all());
    }

    fn write(&mut self, at: u64, now: u64, stopped: bool) -> io::Result<()> {
        self.written = at;
        // Digits enough that each is as long as the one before, so that nothing is left of that.
        let line = format!(
            "{{\"boot\":{},\"at\":\"{at:020}\",\"seen\":\"{now:020}\",\"stopped\":{stopped:<5}}}\n",
            Value::from(self.boot.as_str())
        );
        self.file.write_all_at(line.as_bytes(), 0)
    }
}

/// A mark as it was left.
#[derive(Debug)]
struct Written {
    boot: String,
    at: u64,
    seen: u64,
    ended: Ended,
}

impl Written {
    fn read(bytes: &[u8]) -> Option<Self> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let json: Value = serde_json::from_slice(line).ok()?;
        let text = |key: &str| json.get(key)?.as_str();
        Some(Self {
            boot: text("boot")?.to_owned(),
            at: text("at")?.parse().ok()?,
            seen: text("seen")?.parse().ok()?,
            ended: if json.get("stopped")?.as_bool()? { Ended::Stopped } else { Ended::Died },
        })
    }

    fn gap(&self, Moment { boot, at, now }: Moment<'_>) -> Gap {
        // Within one boot the clock that is never set says how long it was, whatever was done to the other one.
        let same = self.boot == boot && !boot.is_empty() && self.at <= at;
        let (from, length) = if same {
            (now.saturating_sub(at - self.at), Some(at - self.at))
        } else {
            (self.seen, now.checked_sub(self.seen))
        };
        Gap { from, to: now, length: length.map(Duration::from_nanos), ended: self.ended, rebooted: !same }
    }
}

fn moment(nanoseconds: u64) -> String {
    let moment = Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const DAY: u64 = 86_400 * SECOND;

    fn at(boot: &str, at: u64, now: u64) -> Moment<'_> {
        Moment { boot, at: at * SECOND, now: now * SECOND }
    }

    fn gap(directory: &Path, moment: Moment<'_>) -> Option<Gap> {
        Mark::keep(directory, moment).unwrap().1.unwrap()
    }

    #[test]
    fn what_was_missed_is_told_by_the_next_run() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("new");
        let (mut mark, gap) = Mark::keep(&place, at("a", 100, 1000)).unwrap();
        assert!(gap.unwrap().is_none(), "there was none before");
        assert!(matches!(Mark::keep(&place, at("a", 101, 1001)), Err(MarkError::Kept(_))), "one keeps it");
        mark.reached(130 * SECOND, 1030 * SECOND);
        // Not yet a second later.
        mark.reached(130 * SECOND + 1, 1030 * SECOND + 1);
        drop(mark);
        let (mark, gap) = Mark::keep(&place, at("a", 150, 1050)).unwrap();
        let died = gap.unwrap().unwrap();
        let expect = Gap {
            from: 1030 * SECOND,
            to: 1050 * SECOND,
            length: Some(Duration::from_secs(20)),
            ended: Ended::Died,
            rebooted: false,
        };
        assert_eq!(died, expect);
        let alert = died.alert("h");
        assert_eq!((alert.priority, &*alert.source, alert.time), (Priority::Warning, "internal", 1050 * SECOND));
        assert_eq!(alert.fields["gap.from"], "1970-01-01T00:17:10.000Z");
        assert_eq!((&alert.fields["gap.seconds"], &alert.fields["gap.ended"]), (&20.0.into(), &"died".into()));
        mark.stopped(160 * SECOND, 1060 * SECOND);
        let (_mark, gap) = Mark::keep(&place, at("a", 161, 1061)).unwrap();
        let stopped = gap.unwrap().unwrap();
        assert_eq!((stopped.length, stopped.ended), (Some(Duration::from_secs(1)), Ended::Stopped));
        assert_eq!(stopped.alert("h").priority, Priority::Notice);
    }

    #[test]
    fn a_clock_that_is_set_changes_no_gap_within_a_boot() {
        for now in [1050, 1050 + 86_400, 10] {
            let directory = tempfile::tempdir().unwrap();
            drop(Mark::keep(directory.path(), at("a", 100, 1000)).unwrap());
            let gap = gap(directory.path(), at("a", 150, now)).unwrap();
            assert_eq!((gap.length, gap.rebooted), (Some(Duration::from_secs(50)), false), "{now}");
            assert_eq!((gap.to, gap.from), (now * SECOND, (now * SECOND).saturating_sub(50 * SECOND)), "{now}");
        }
    }

    #[test]
    fn after_another_boot_only_the_clock_can_say() {
        for (now, length) in [(1050, Some(Duration::from_secs(50))), (10, None)] {
            let directory = tempfile::tempdir().unwrap();
            drop(Mark::keep(directory.path(), at("a", 100, 1000)).unwrap());
            let gap = gap(directory.path(), at("b", 5, now)).unwrap();
            assert_eq!((gap.length, gap.rebooted, gap.from), (length, true, 1000 * SECOND));
            assert_eq!(gap.text().contains("clock was set back"), length.is_none(), "{}", gap.text());
        }
        let unknown = Written { boot: String::new(), at: 0, seen: DAY, ended: Ended::Died };
        let gap = unknown.gap(Moment { boot: "", at: SECOND, now: 2 * DAY });
        assert!(gap.rebooted, "a boot without a name is no other's");
    }

    #[test]
    fn what_is_no_mark_is_said_and_written_anew() {
        for text in [
            "{",
            "[]\n",
            "{\"boot\":\"a\"}\n",
            "\n",
            "\0\0\0",
            "{\"boot\":\"a\",\"at\":\"-1\",\"seen\":\"0\",\"stopped\":true}",
        ] {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join(NAME), text).unwrap();
            let (mark, gap) = Mark::keep(directory.path(), at("a", 1, 1)).unwrap();
            assert!(matches!(gap, Err(MarkError::Malformed(_))), "{text:?}");
            drop(mark);
            let (_mark, gap) = Mark::keep(directory.path(), at("a", 2, 2)).unwrap();
            assert_eq!(gap.unwrap().unwrap().length, Some(Duration::from_secs(1)), "{text:?}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Mark::keep(&file.path().join("x"), at("a", 1, 1)), Err(MarkError::Failed { .. })));
    }
}
