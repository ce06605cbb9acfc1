//! A flight recorder: the events of the last moments, and the state from which they go on, written as a capture whenever
//! somebody asks.
//!
//! A second state is behind the events that are kept: an event that is dropped is applied to it, so that it always is what
//! was known just before the oldest one. What a descriptor stands for that an event names, and that no event in the
//! capture would tell, becomes part of that beginning.

use super::write::{Writer, Written};
use crate::event::{Event, EventCode, Params, traits};
use crate::state::{Bounds, Descriptor, Fd, FdKind, State, to_json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io::{self, Write};
use std::time::Duration;

/// The last events, and what was before them.
#[derive(Debug)]
pub struct Flight {
    before: State,
    events: VecDeque<Kept>,
    bytes: usize,
    /// The most bytes of events.
    most: usize,
    /// How far back, in nanoseconds.
    window: u64,
    /// Events that were dropped though they were within the window.
    crowded: u64,
}

/// An event, kept.
#[derive(Debug)]
struct Kept {
    /// By a clock that is never set.
    at: u64,
    time: u64,
    cpu: u16,
    tid: i64,
    code: EventCode,
    ends: Box<[u32]>,
    bytes: Box<[u8]>,
    notes: Box<[Descriptor]>,
}

impl Kept {
    fn of(event: &Event<'_>, notes: &[Descriptor], at: u64) -> Self {
        let (mut ends, mut bytes) = (Vec::new(), Vec::new());
        for at in 0..event.params.len() {
            bytes.extend_from_slice(event.params.get(at).unwrap_or_default());
            ends.push(bytes.len() as u32);
        }
        let Event { time, cpu, tid, code, .. } = *event;
        Self { at, time, cpu, tid, code, ends: ends.into(), bytes: bytes.into(), notes: notes.into() }
    }

    fn event(&self) -> Event<'_> {
        let params = Params::new(&self.ends, &self.bytes).unwrap_or_default();
        Event { number: 0, time: self.time, cpu: self.cpu, tid: self.tid, code: self.code, params }
    }

    fn size(&self) -> usize {
        let notes: usize =
            self.notes.iter().map(|note| size_of_val(note) + note.file.as_ref().map_or(0, Fd::size)).sum();
        size_of::<Self>() + self.ends.len() * 4 + self.bytes.len() + notes
    }
}

impl Flight {
    /// Keeps the events of the last `window`, as long as they are not more than `most` bytes.
    pub fn new(bounds: Bounds, window: Duration, most: usize) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self { before: State::new(bounds), events: VecDeque::new(), bytes: 0, most, window, crowded: 0 }
    }

    /// What is known before the oldest event; to be told what is there when recording begins, and what no event tells.
    pub fn before(&mut self) -> &mut State {
        &mut self.before
    }

    /// Keeps an event, and what the descriptors stand for that it names ([`State::note`]). `at` says when it was, in nanoseconds
    /// by a clock that is never set, as that of events may be.
    pub fn see(&mut self, event: &Event<'_>, notes: &[Descriptor], at: u64) {
        let kept = Kept::of(event, notes, at);
        self.bytes += kept.size();
        self.events.push_back(kept);
        while let Some(oldest) = self.events.front() {
            let is_old = at.saturating_sub(oldest.at) > self.window;
            // The last one is kept whatever it takes.
            if !is_old && (self.bytes <= self.most || self.events.len() == 1) {
                break;
            }
            self.crowded += u64::from(!is_old);
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.size();
            self.before.note(oldest.tid, &oldest.notes);
            self.before.apply(&oldest.event());
        }
    }

    /// How many events were dropped before their time, since there was no room.
    pub fn crowded(&self) -> u64 {
        self.crowded
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Writes a capture of the events that are kept, to which more may be added. Of how many descriptors it may say
    /// something else than was true, since they became others without an event that would tell.
    pub fn write<W: Write>(&self, out: W) -> io::Result<(Writer<W>, u64)> {
        let mut writer = Writer::new(out)?;
        if let Some(machine) = self.before.machine() {
            writer.machine(machine)?;
        }
        writer.interfaces(self.before.interfaces())?;
        let accounts = self.before.accounts();
        let (users, groups) = accounts.get("").cloned().unwrap_or_default();
        let (users, groups): (Vec<_>, Vec<_>) =
            (users.into_iter().cloned().collect(), groups.into_iter().cloned().collect());
        writer.users(&users, &groups)?;
        let seeds = self.before.seeds();
        writer.threads(&seeds)?;
        let (mut files, unexplained) = self.beginning();
        for seed in &seeds {
            if let Some(files) = files.remove(&seed.tid) {
                writer.fds(seed.tid, &files.into_values().collect::<Vec<_>>())?;
            }
        }
        let time = self.events.front().map_or(0, |first| first.time);
        let text = |text: &[u8]| [text, &[0]].concat();
        let mut tell = |code, params: &[&[u8]]| writer.event(&Written { time, cpu: 0, tid: 0, code, params });
        for id in self.before.containers() {
            if let Some(container) = self.before.container(id) {
                tell(EventCode::CONTAINER_JSON_2_E, &[&text(&to_json(container))])?;
            }
        }
        for (container, (users, groups)) in accounts.iter().filter(|(container, _)| !container.is_empty()) {
            let id = text(container.as_bytes());
            for user in users {
                let texts = [&user.name, &user.home, &user.shell].map(|part| text(part));
                let (uid, gid) = (user.uid.to_le_bytes(), user.gid.to_le_bytes());
                tell(EventCode::USER_ADDED_E, &[&uid, &gid, &texts[0], &texts[1], &texts[2], &id])?;
            }
            for group in groups {
                tell(EventCode::GROUP_ADDED_E, &[&group.gid.to_le_bytes(), &text(&group.name), &id])?;
            }
        }
        // Leaving a call says less than both together.
        let mut entered: Vec<Event<'_>> = self.before.entered_calls().collect();
        entered.sort_unstable_by_key(|event| (event.time, event.tid));
        for event in &entered {
            append(&mut writer, event)?;
        }
        for kept in &self.events {
            append(&mut writer, &kept.event())?;
        }
        Ok((writer, unexplained))
    }

    /// Files that are open before the first event, by thread and number, with those that only later events name.
    fn beginning(&self) -> (BTreeMap<i64, BTreeMap<i64, Fd>>, u64) {
        let by_number = |files: Vec<Fd>| files.into_iter().map(|file| (file.number, file)).collect();
        let mut files: BTreeMap<i64, BTreeMap<i64, Fd>> =
            self.before.all_files().into_iter().map(|(tid, files)| (tid, by_number(files))).collect();
        if self.events.iter().all(|kept| kept.notes.is_empty()) {
            return (files, 0);
        }
        // What a reader of the capture will come to know.
        let mut reader = State::new(self.before.bounds().clone());
        for seed in self.before.seeds() {
            reader.add_thread(seed);
        }
        for (tid, files) in &files {
            for file in files.values() {
                reader.add_fd(*tid, file.clone());
            }
        }
        let (mut made, mut parents) = (BTreeSet::new(), HashMap::new());
        let mut unexplained = BTreeSet::new();
        for kept in &self.events {
            for Descriptor { number, file } in &kept.notes {
                let Some(file) = file else { continue };
                let owner = reader.owner(kept.tid);
                let known = reader.files(kept.tid).and_then(|files| files.get(number));
                let is_unknown = known.is_none_or(|known| known.kind == FdKind::Unknown);
                if known.is_some_and(|known| known.is_same(file) || known.inode.is_none() && known.name == file.name) {
                    continue;
                }
                // A process that began since has its files of one that was there.
                let mut first = owner;
                while !files.contains_key(&first)
                    && let Some(parent) = parents.get(&first)
                {
                    first = *parent;
                }
                let place = files.entry(first).or_default();
                let is_free = place.get(number).is_none_or(|known| known.kind == FdKind::Unknown);
                if is_unknown && is_free && !made.contains(&(owner, *number)) && !made.contains(&(first, *number)) {
                    place.insert(*number, file.clone());
                } else if !is_unknown || !place.get(number).is_some_and(|known| known.is_same(file)) {
                    unexplained.insert((owner, *number));
                }
            }
            let event = kept.event();
            reader.note(kept.tid, &kept.notes);
            reader.apply(&event);
            if let Some(thread) = reader.thread(kept.tid)
                && thread.ptid > 0
                && !files.contains_key(&kept.tid)
            {
                parents.entry(reader.owner(kept.tid)).or_insert(reader.owner(thread.ptid));
            }
            let makes = event.info().is_some_and(|info| info.is(traits::CREATES_FD));
            if makes && let Some(number) = event.param(0).and_then(|param| param.int()).filter(|number| *number >= 0) {
                made.insert((reader.owner(kept.tid), number));
            }
        }
        (files, unexplained.len() as u64)
    }
}

/// Adds an event to a capture.
pub fn append<W: Write>(writer: &mut Writer<W>, event: &Event<'_>) -> io::Result<()> {
    let params: Vec<&[u8]> = (0..event.params.len()).map(|at| event.params.get(at).unwrap_or_default()).collect();
    let Event { time, cpu, tid, code, .. } = *event;
    writer.event(&Written { time, cpu, tid, code, params: &params })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_so_by_a_clock_that_is_never_set() {
        const SECOND: u64 = 1_000_000_000;
        const HOUR: u64 = 3600 * SECOND;
        let mut flight = Flight::new(Bounds::default(), Duration::from_secs(5), 1 << 20);
        let mut see = |at: u64, time: u64| {
            let params = Params::default();
            let event = Event { number: 0, time, cpu: 0, tid: 7, code: EventCode::CLOSE_X, params };
            flight.see(&event, &[], at * SECOND);
            flight.len()
        };
        assert_eq!(see(1, 10 * HOUR), 1);
        assert_eq!(see(2, 11 * HOUR), 2, "set forward by an hour, nothing is old for that");
        assert_eq!(see(3, HOUR), 3, "nor does anything stay for ever that is set back");
        assert_eq!(see(7, HOUR + 4 * SECOND), 3, "the first is five seconds and more ago");
        assert_eq!(see(20, HOUR + 17 * SECOND), 1);
        assert_eq!(flight.crowded(), 0);
        let (writer, _) = flight.write(Vec::new()).unwrap();
        assert!(!writer.into_inner().unwrap().is_empty());
    }
}
