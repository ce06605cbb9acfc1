//! Entries of baselines as sets: what is in one, what is added, and how two become one.
//!
//! What is kept depends on what was put in, not on the order: directories and ports with too much to name are named as a
//! whole as soon as the union has that much. Only where a bound on entries is met the order can matter, which `overflow`
//! says.

use super::{ADDRESSES, ALERTS, Bounds, CHILDREN};
use sekisho_model::{
    Baseline, BaselineKind, BaselineState, Baselines, Deed, FileDeed, PeerDeed, ProcessDeed, Sightings,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use thiserror::Error;

/// Why baselines cannot be joined.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoinError {
    /// What is locked does not grow.
    #[error("the baseline of {0} is locked")]
    Locked(String),
    /// There are too many.
    #[error("there are more than {0} baselines")]
    TooMany(usize),
}

/// Directories in which every file counts: nothing there is named as a whole.
const NAMED: [&str; 12] =
    ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/root", "/sbin", "/sys", "/usr"];

/// Whether a baseline has what was done. `None` where it cannot say: it did not look at such, or had no room for all.
pub fn contains(baseline: &Baseline, deed: &Deed) -> Option<bool> {
    let has = match deed {
        Deed::Processes(deed) => baseline.processes.contains_key(deed),
        Deed::Ports(deed) => baseline.ports.contains_key(deed),
        Deed::Peers(deed) => peer(&baseline.peers, deed).is_some(),
        Deed::Files(deed) => file(&baseline.files, deed).is_some(),
        Deed::Calls(deed) => baseline.calls.contains_key(deed),
    };
    can_say(baseline, deed.kind(), has)
}

/// The same for a program that is there, whoever began it.
pub(super) fn contains_program(baseline: &Baseline, program: &ProcessDeed) -> Option<bool> {
    let least = ProcessDeed { path: program.path.clone(), parent: None, uid: None };
    let mut same = baseline.processes.range(least..).map(|(deed, _)| deed);
    let has = same.by_ref().take_while(|deed| deed.path == program.path).any(|deed| deed.uid == program.uid);
    can_say(baseline, BaselineKind::Processes, has)
}

fn can_say(baseline: &Baseline, kind: BaselineKind, has: bool) -> Option<bool> {
    let whole = baseline.learned.contains(&kind) && !baseline.overflow.contains(&kind);
    (has || whole).then_some(has)
}

/// The entry that a peer is in.
pub(super) fn peer(peers: &BTreeMap<PeerDeed, Sightings>, deed: &PeerDeed) -> Option<PeerDeed> {
    let any = PeerDeed { address: None, ..deed.clone() };
    [deed.clone(), any].into_iter().find(|deed| peers.contains_key(deed))
}

/// The entry that a file is in.
pub(super) fn file(files: &BTreeMap<FileDeed, Sightings>, deed: &FileDeed) -> Option<FileDeed> {
    if files.contains_key(deed) {
        return Some(deed.clone());
    }
    directories(&deed.path)
        .map(|directory| FileDeed { path: directory.to_owned(), beneath: true })
        .find(|deed| files.contains_key(deed))
}

/// The directories above a path that can be named as a whole, from the root on.
fn directories(path: &str) -> impl Iterator<Item = &str> {
    let named = NAMED.iter().any(|named| path.strip_prefix(named).is_some_and(|rest| rest.starts_with('/')));
    let ends = path.bytes().enumerate().skip(1).filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
    ends.filter(move |_| !named).filter_map(|at| path.get(..at))
}

impl Bounds {
    /// Takes in what was done, and says whether that is a new entry.
    pub(super) fn add(&self, baseline: &mut Baseline, deed: Deed, seen: Sightings) -> bool {
        let kind = deed.kind();
        let (new, fits) = match deed {
            Deed::Processes(deed) => self.insert(&mut baseline.processes, deed, seen),
            Deed::Ports(deed) => self.insert(&mut baseline.ports, deed, seen),
            Deed::Calls(deed) => self.insert(&mut baseline.calls, deed, seen),
            Deed::Peers(deed) => self.add_peer(&mut baseline.peers, deed, seen),
            Deed::Files(deed) => self.add_file(&mut baseline.files, deed, seen),
        };
        if !fits {
            baseline.overflow.insert(kind);
        }
        new
    }

    /// Whether the entry is new, and whether there was room for it. Of too many those that come first in order are kept,
    /// whichever came first in time.
    fn insert<K: Ord>(&self, map: &mut BTreeMap<K, Sightings>, key: K, seen: Sightings) -> (bool, bool) {
        if let Some(known) = map.get_mut(&key) {
            self.see(known, seen);
            return (false, true);
        }
        map.insert(key, seen);
        if map.len() > self.entries {
            map.pop_last();
            return (true, false);
        }
        (true, true)
    }

    fn add_peer(&self, peers: &mut BTreeMap<PeerDeed, Sightings>, deed: PeerDeed, mut seen: Sightings) -> (bool, bool) {
        let deed = peer(peers, &deed).unwrap_or(deed);
        let any = PeerDeed { address: None, ..deed.clone() };
        // Nothing is before no address.
        let last = (Bound::Included(&any), Bound::Unbounded);
        let same = |other: &PeerDeed| {
            (other.direction, &other.protocol, other.port) == (any.direction, &any.protocol, any.port)
        };
        let named: Vec<PeerDeed> =
            peers.range(last).map(|(deed, _)| deed).take_while(|deed| same(deed)).cloned().collect();
        let new = !peers.contains_key(&deed);
        if deed.address.is_some() && (!new || named.len() < ADDRESSES) {
            return self.insert(peers, deed, seen);
        }
        for named in named {
            if let Some(known) = peers.remove(&named) {
                self.see(&mut seen, known);
            }
        }
        let (_, fits) = self.insert(peers, any, seen);
        (new, fits)
    }

    fn add_file(&self, files: &mut BTreeMap<FileDeed, Sightings>, deed: FileDeed, seen: Sightings) -> (bool, bool) {
        if let Some(known) = file(files, &deed) {
            return self.insert(files, known, seen);
        }
        if deed.beneath {
            self.put_beneath(files, &deed.path, Some(seen));
            return (true, files.len() <= self.entries);
        }
        let path = deed.path.clone();
        let (_, fits) = self.insert(files, deed, seen);
        let full = directories(&path).find(|directory| {
            let children: BTreeSet<&str> = below(files, directory)
                .map(|deed| {
                    let rest = &deed.path[directory.len() + 1..];
                    rest.split_once('/').map_or(rest, |(child, _)| child)
                })
                .collect();
            children.len() > CHILDREN
        });
        if let Some(full) = full {
            self.put_beneath(files, full, None);
        }
        (true, fits)
    }

    /// Puts one entry for all below a directory in the place of those that are there.
    fn put_beneath(&self, files: &mut BTreeMap<FileDeed, Sightings>, directory: &str, mut seen: Option<Sightings>) {
        let there: Vec<FileDeed> = below(files, directory).cloned().collect();
        for deed in there {
            let Some(known) = files.remove(&deed) else { continue };
            match &mut seen {
                Some(seen) => self.see(seen, known),
                None => seen = Some(known),
            }
        }
        let whole = FileDeed { path: directory.to_owned(), beneath: true };
        if let Some(seen) = seen {
            self.insert(files, whole.clone(), seen);
        }
        // A directory that was there as a child of this one counts for those above as before.
        let full = directories(directory).find(|above| {
            let children = below(files, above).map(|deed| {
                let rest = &deed.path[above.len() + 1..];
                rest.split_once('/').map_or(rest, |(child, _)| child)
            });
            children.collect::<BTreeSet<_>>().len() > CHILDREN
        });
        if let Some(full) = full {
            self.put_beneath(files, full, None);
        }
    }

    /// Joins what was seen of the same.
    pub(super) fn see(&self, known: &mut Sightings, other: Sightings) {
        known.first = known.first.min(other.first);
        known.last = known.last.max(other.last);
        for (replica, times) in other.by {
            let known = known.by.entry(replica).or_default();
            *known = times.max(*known);
        }
        while known.by.len() > self.replicas {
            known.by.pop_last();
        }
        known.alerts.extend(other.alerts);
        while known.alerts.len() > ALERTS {
            known.alerts.pop_last();
        }
    }
}

/// Entries below a directory.
fn below<'a>(files: &'a BTreeMap<FileDeed, Sightings>, directory: &str) -> impl Iterator<Item = &'a FileDeed> {
    let beginning = format!("{directory}/");
    let least = FileDeed { path: beginning.clone(), beneath: false };
    files.range(least..).map(|(deed, _)| deed).take_while(move |deed| deed.path.starts_with(&beginning))
}

/// Joins what was learned for the same image and container. The order of several does not matter, nor how often one is
/// joined.
pub fn join(one: Baseline, other: Baseline, bounds: &Bounds) -> Result<Baseline, JoinError> {
    for baseline in [&one, &other] {
        if baseline.state == BaselineState::Locked {
            return Err(JoinError::Locked(baseline.name()));
        }
    }
    let mut sum = one;
    sum.window_seconds = sum.window_seconds.max(other.window_seconds);
    sum.image_digests.extend(other.image_digests);
    while sum.image_digests.len() > bounds.replicas {
        sum.image_digests.pop_last();
    }
    // What one of both did not look at is not known of its containers.
    sum.learned = match (sum.replicas.is_empty(), other.replicas.is_empty()) {
        (true, false) => other.learned,
        (_, true) => sum.learned,
        (false, false) => sum.learned.intersection(&other.learned).copied().collect(),
    };
    sum.overflow.extend(other.overflow);
    sum.more_replicas |= other.more_replicas;
    for (id, replica) in other.replicas {
        let Some(known) = sum.replicas.get_mut(&id) else {
            sum.replicas.insert(id, replica);
            continue;
        };
        known.host = std::mem::take(&mut known.host).max(replica.host);
        known.first = known.first.min(replica.first);
        known.last = known.last.max(replica.last);
        known.events = known.events.max(replica.events);
        known.lost = known.lost.max(replica.lost);
    }
    while sum.replicas.len() > bounds.replicas {
        sum.replicas.pop_last();
        sum.more_replicas = true;
    }
    let deeds = other.processes.into_iter().map(|(deed, seen)| (Deed::Processes(deed), seen));
    let deeds = deeds.chain(other.ports.into_iter().map(|(deed, seen)| (Deed::Ports(deed), seen)));
    let deeds = deeds.chain(other.peers.into_iter().map(|(deed, seen)| (Deed::Peers(deed), seen)));
    let deeds = deeds.chain(other.files.into_iter().map(|(deed, seen)| (Deed::Files(deed), seen)));
    let deeds = deeds.chain(other.calls.into_iter().map(|(deed, seen)| (Deed::Calls(deed), seen)));
    for (deed, seen) in deeds {
        bounds.add(&mut sum, deed, seen);
    }
    sum.confidence = None;
    Ok(sum)
}

/// Joins documents: baselines of the same image and container become one.
pub fn joined(documents: impl IntoIterator<Item = Baselines>, bounds: &Bounds) -> Result<Baselines, JoinError> {
    let mut sum = Baselines::default();
    let mut all: BTreeMap<(Option<String>, String), Baseline> = BTreeMap::new();
    for document in documents {
        sum.incomplete |= document.incomplete;
        for baseline in document.baselines {
            let key = (baseline.image.clone(), baseline.container.clone());
            let joined = match all.remove(&key) {
                // One alone is taken as it is, also where it is locked.
                None => baseline,
                Some(known) => join(known, baseline, bounds)?,
            };
            all.insert(key, joined);
            if all.len() > bounds.baselines {
                return Err(JoinError::TooMany(bounds.baselines));
            }
        }
    }
    sum.baselines = all.into_values().collect();
    Ok(sum)
}
