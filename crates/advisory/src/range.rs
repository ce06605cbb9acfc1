//! Intervals of versions: what feeds say in events and requirements, as sorted intervals apart from each other.
//!
//! Every function takes the [`Scheme`] that orders the versions; none of them knows how it does that.

use crate::version::Scheme;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// An interval of versions in the order of their ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// Where it begins.
    pub from: Lower,
    /// Where it ends.
    pub to: Upper,
}

/// The beginning of an interval.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lower {
    /// Before every version.
    Start,
    /// With this version.
    At(String),
    /// After this version.
    After(String),
}

/// The end of an interval.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upper {
    /// No end: every later version has it too, as far as is known.
    Unfixed,
    /// Before this version, which is the first that does not have it.
    Fixed(String),
    /// With this version, after which nothing is said.
    Last(String),
}

/// Where an interval begins or ends: a place between versions.
#[derive(Debug, Clone, Copy)]
enum Cut<'a> {
    Start,
    Before(&'a str),
    After(&'a str),
    End,
}

impl Cut<'_> {
    fn compare(self, other: Self, scheme: Scheme) -> Ordering {
        let place = |cut: Self| match cut {
            Self::Start => (0, None, 0),
            Self::Before(version) => (1, Some(version), 0),
            Self::After(version) => (1, Some(version), 1),
            Self::End => (2, None, 0),
        };
        let ((a, left, side), (b, right, other_side)) = (place(self), place(other));
        a.cmp(&b).then_with(|| match (left, right) {
            (Some(left), Some(right)) => compare(scheme, left, right).then(side.cmp(&other_side)),
            _ => Ordering::Equal,
        })
    }
}

/// The scheme's order, without asking it about equal texts.
fn compare(scheme: Scheme, a: &str, b: &str) -> Ordering {
    if a == b { Ordering::Equal } else { scheme.compare(a, b) }
}

impl Lower {
    fn cut(&self) -> Cut<'_> {
        match self {
            Self::Start => Cut::Start,
            Self::At(version) => Cut::Before(version),
            Self::After(version) => Cut::After(version),
        }
    }
}

impl Upper {
    fn cut(&self) -> Cut<'_> {
        match self {
            Self::Unfixed => Cut::End,
            Self::Fixed(version) => Cut::Before(version),
            Self::Last(version) => Cut::After(version),
        }
    }
}

impl Range {
    /// Every version.
    pub const ALL: Self = Self { from: Lower::Start, to: Upper::Unfixed };

    /// Every version before `version`.
    pub fn before(version: impl Into<String>) -> Self {
        Self { from: Lower::Start, to: Upper::Fixed(version.into()) }
    }

    /// `version` and nothing else.
    pub fn exactly(version: &str) -> Self {
        Self { from: Lower::At(version.to_owned()), to: Upper::Last(version.to_owned()) }
    }

    /// Whether `version` is in it.
    pub fn holds(&self, scheme: Scheme, version: &str) -> bool {
        let above = match &self.from {
            Lower::Start => true,
            Lower::At(from) => compare(scheme, version, from).is_ge(),
            Lower::After(from) => compare(scheme, version, from).is_gt(),
        };
        above
            && match &self.to {
                Upper::Unfixed => true,
                Upper::Fixed(to) => compare(scheme, version, to).is_lt(),
                Upper::Last(to) => compare(scheme, version, to).is_le(),
            }
    }

    fn is_empty(&self, scheme: Scheme) -> bool {
        self.from.cut().compare(self.to.cut(), scheme).is_ge()
    }
}

/// The versions in any of `ranges`, in ascending order, apart from each other, none empty.
pub fn union(scheme: Scheme, mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.retain(|range| !range.is_empty(scheme));
    if ranges.len() < 2 {
        return ranges;
    }
    ranges.sort_by(|a, b| a.from.cut().compare(b.from.cut(), scheme));
    let mut out: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.from.cut().compare(last.to.cut(), scheme).is_le() => {
                if range.to.cut().compare(last.to.cut(), scheme).is_gt() {
                    last.to = range.to;
                }
            }
            _ => out.push(range),
        }
    }
    out
}

/// The versions in none of `ranges`, which are as [`union`] makes them.
pub fn complement(ranges: Vec<Range>) -> Vec<Range> {
    let mut out = Vec::with_capacity(ranges.len() + 1);
    let mut open = Some(Lower::Start);
    for Range { from, to } in ranges {
        let end = match from {
            Lower::Start => None,
            Lower::At(version) => Some(Upper::Fixed(version)),
            Lower::After(version) => Some(Upper::Last(version)),
        };
        if let (Some(from), Some(to)) = (open.take(), end) {
            out.push(Range { from, to });
        }
        open = match to {
            Upper::Unfixed => None,
            Upper::Fixed(version) => Some(Lower::At(version)),
            Upper::Last(version) => Some(Lower::After(version)),
        };
    }
    out.extend(open.map(|from| Range { from, to: Upper::Unfixed }));
    out
}

/// The versions that are in each of `sets`; all versions when there is no set.
pub fn intersection(scheme: Scheme, sets: Vec<Vec<Range>>) -> Vec<Range> {
    let outside = sets.into_iter().flat_map(|set| complement(union(scheme, set))).collect();
    complement(union(scheme, outside))
}

/// One event of a range of OSV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// From this version on; `0` stands for the beginning.
    Introduced(String),
    /// No longer from this version on.
    Fixed(String),
    /// No longer after this version.
    LastAffected(String),
    /// The range says nothing of this version and later ones.
    Limit(String),
}

/// The versions that the events of one range make affected, as
/// <https://ossf.github.io/osv-schema/#evaluation> evaluates them, whatever their order.
///
/// The specification does not say in which order those at one version come. An interval that is open ends there before
/// another begins, so that `1` to `2` and `2` to `3` are two intervals; where none is open, one that begins and ends there is
/// empty.
pub fn from_events(scheme: Scheme, events: Vec<Event>) -> Vec<Range> {
    let (mut limits, mut events): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| matches!(event, Event::Limit(_)));
    let in_order = matches!(events.as_slice(), [_] | [Event::Introduced(_), Event::Fixed(_)])
        && matches!(events.first(), Some(Event::Introduced(version)) if version == "0");
    if !in_order {
        events.sort_by(|a, b| {
            let ((a, kind), (b, other)) = (place(a), place(b));
            a.compare(b, scheme).then(kind.cmp(&other))
        });
    }
    let mut out = Vec::new();
    let mut open: Option<Lower> = None;
    for together in events.chunk_by(|a, b| place(a).0.compare(place(b).0, scheme).is_eq()) {
        let begins = together.iter().any(|event| matches!(event, Event::Introduced(_)));
        let was_open = open.is_some();
        if begins && !was_open {
            open = together.first().map(beginning);
        }
        for event in together {
            let to = match event {
                // Nothing comes before the beginning.
                Event::Fixed(version) if version == "0" => {
                    open = None;
                    continue;
                }
                Event::Fixed(version) => Upper::Fixed(version.clone()),
                Event::LastAffected(version) => Upper::Last(version.clone()),
                Event::Introduced(_) | Event::Limit(_) => continue,
            };
            out.extend(open.take().map(|from| Range { from, to }));
        }
        if begins && was_open && open.is_none() {
            open = together.first().map(beginning);
        }
    }
    out.extend(open.map(|from| Range { from, to: Upper::Unfixed }));
    limits.sort_by(|a, b| place(a).0.compare(place(b).0, scheme));
    let is_unclear = |event: &Event| matches!(event, Event::Limit(limit) if !scheme.can_compare(limit));
    if limits.iter().any(is_unclear) {
        // What is no version has no place among them: it can only be where nothing else ends.
        let unclear = limits.into_iter().find(is_unclear);
        if let (Some(Event::Limit(limit)), Some(last)) = (unclear, out.last_mut())
            && last.to == Upper::Unfixed
        {
            last.to = Upper::Fixed(limit);
            return out;
        }
    } else if let Some(Event::Limit(limit)) = limits.pop() {
        out = intersection(scheme, vec![union(scheme, out), vec![Range::before(limit)]]);
    }
    union(scheme, out)
}

/// The beginning of an interval that an event, which is no end, is at.
fn beginning(event: &Event) -> Lower {
    let (Event::Introduced(version) | Event::Fixed(version) | Event::LastAffected(version) | Event::Limit(version)) =
        event;
    if version == "0" { Lower::Start } else { Lower::At(version.clone()) }
}

/// Where an event is, and its place among those at the same version.
fn place(event: &Event) -> (Cut<'_>, u8) {
    let (version, kind) = match event {
        Event::Introduced(version) => (version, 0),
        Event::Fixed(version) => (version, 1),
        Event::LastAffected(version) => (version, 2),
        Event::Limit(version) => (version, 3),
    };
    (if version == "0" { Cut::Start } else { Cut::Before(version) }, kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Versions of one digit: every scheme orders them alike, also the order of bytes.
    const SCHEME: Scheme = Scheme::SemVer;
    const VERSIONS: std::ops::Range<u8> = 1..10;

    fn text(version: u8) -> String {
        version.to_string()
    }

    /// The evaluation as the specification writes it: a flag that the events up to the version set, those at one version
    /// together.
    fn naively(events: &[Event], version: u8) -> bool {
        let number = |text: &str| text.parse::<u8>().unwrap();
        let limits: Vec<u8> =
            events.iter().filter_map(|e| if let Event::Limit(v) = e { Some(number(v)) } else { None }).collect();
        if !limits.is_empty() && !limits.iter().any(|limit| version < *limit) {
            return false;
        }
        let mut affected = false;
        for at in 0..=version {
            let introduced = events.iter().any(|e| matches!(e, Event::Introduced(v) if number(v) == at));
            let fixed = events.iter().any(|e| matches!(e, Event::Fixed(v) if number(v) == at));
            let last = events.iter().any(|e| matches!(e, Event::LastAffected(v) if number(v) == at));
            let was = affected;
            affected = match (was, introduced) {
                (true, true) => true,
                (was, introduced) => (was || introduced) && !fixed,
            };
            if at == version {
                return affected;
            }
            if last {
                // One ends behind this version; another may have begun with it.
                affected = was && introduced;
            }
        }
        affected
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => (0u8..10).prop_map(|v| Event::Introduced(text(v))),
            3 => (0u8..10).prop_map(|v| Event::Fixed(text(v))),
            2 => (1u8..10).prop_map(|v| Event::LastAffected(text(v))),
            1 => (1u8..10).prop_map(|v| Event::Limit(text(v))),
        ]
    }

    fn range() -> impl Strategy<Value = Range> {
        let from = prop_oneof![
            Just(Lower::Start),
            VERSIONS.prop_map(|v| Lower::At(text(v))),
            VERSIONS.prop_map(|v| Lower::After(text(v)))
        ];
        let to = prop_oneof![
            Just(Upper::Unfixed),
            VERSIONS.prop_map(|v| Upper::Fixed(text(v))),
            VERSIONS.prop_map(|v| Upper::Last(text(v)))
        ];
        (from, to).prop_map(|(from, to)| Range { from, to })
    }

    fn hold(ranges: &[Range], version: u8) -> bool {
        ranges.iter().any(|range| range.holds(SCHEME, &text(version)))
    }

    /// Ascending, apart, none empty.
    fn is_normal(ranges: &[Range]) -> bool {
        ranges.iter().all(|range| !range.is_empty(SCHEME))
            && ranges.windows(2).all(|pair| pair[0].to.cut().compare(pair[1].from.cut(), SCHEME).is_lt())
    }

    proptest! {
        #[test]
        fn events_mean_what_the_specification_says(events in prop::collection::vec(event(), 0..8)) {
            let ranges = from_events(SCHEME, events.clone());
            prop_assert!(is_normal(&ranges), "{ranges:?}");
            for version in VERSIONS {
                prop_assert_eq!(hold(&ranges, version), naively(&events, version), "{} of {:?}", version, ranges);
            }
        }

        #[test]
        fn sets_of_intervals_are_sets(
            a in prop::collection::vec(range(), 0..5),
            b in prop::collection::vec(range(), 0..5),
        ) {
            let both = union(SCHEME, [a.clone(), b.clone()].concat());
            let neither = complement(both.clone());
            let common = intersection(SCHEME, vec![a.clone(), b.clone()]);
            prop_assert!(is_normal(&both) && is_normal(&neither) && is_normal(&common));
            for version in VERSIONS {
                let (in_a, in_b) = (hold(&a, version), hold(&b, version));
                prop_assert_eq!(hold(&both, version), in_a || in_b);
                prop_assert_eq!(hold(&neither, version), !(in_a || in_b));
                prop_assert_eq!(hold(&common, version), in_a && in_b);
            }
        }
    }

    #[test]
    fn a_limit_that_is_no_version_takes_nothing_away() {
        let ranges = |events: &[(&str, &str)]| {
            let event = |(kind, version): &(&str, &str)| match *kind {
                "introduced" => Event::Introduced((*version).to_owned()),
                "fixed" => Event::Fixed((*version).to_owned()),
                _ => Event::Limit((*version).to_owned()),
            };
            from_events(Scheme::Pep440, events.iter().map(event).collect())
        };
        let open = [("introduced", "1"), ("limit", "unknown")];
        let end = || Upper::Fixed("unknown".to_owned());
        assert_eq!(ranges(&open), [Range { from: Lower::At("1".to_owned()), to: end() }]);
        assert_eq!(ranges(&[open[0], ("limit", "3"), open[1]]), [Range { from: Lower::At("1".to_owned()), to: end() }]);
        let closed = ranges(&[("introduced", "0"), ("fixed", "2"), open[1]]);
        assert_eq!(closed, [Range::before("2")]);
    }

    #[test]
    fn no_set_leaves_all_versions() {
        assert_eq!(intersection(SCHEME, Vec::new()), [Range::ALL]);
        assert_eq!(complement(vec![Range::ALL]), []);
    }

    #[test]
    fn a_version_that_is_fixed_is_not_affected() {
        let events = vec![Event::Fixed("2".into()), Event::Introduced("0".into())];
        let ranges = from_events(SCHEME, events);
        assert_eq!(ranges, [Range::before("2")]);
        assert!(ranges[0].holds(SCHEME, "1") && !ranges[0].holds(SCHEME, "2"));
        assert_eq!(from_events(SCHEME, vec![Event::Fixed("2".into()), Event::Introduced("2".into())]), []);
    }

    /// PYSEC-2022-42972 and PYSEC-2022-236 in their own order: intervals that touch.
    #[test]
    fn an_interval_may_begin_where_another_ends() {
        let events = |pairs: &[(&str, &str)]| {
            let pair = |(from, to): &(&str, &str)| [Event::Introduced((*from).into()), Event::Fixed((*to).into())];
            from_events(Scheme::Pep440, pairs.iter().flat_map(pair).collect())
        };
        let iotdb = events(&[("0.13.0", "0.14.0rc1"), ("0.12.2", "0.13.0")]);
        for (version, affected) in
            [("0.12.1", false), ("0.12.2", true), ("0.13.0", true), ("0.13.2", true), ("0.14.0", false)]
        {
            assert_eq!(iotdb.iter().any(|range| range.holds(Scheme::Pep440, version)), affected, "{version}");
        }
        let pyspark = events(&[("0", "3.1.1"), ("3.2.0", "3.2.2"), ("3.1.1", "3.1.3")]);
        for (version, affected) in
            [("3.1.0", true), ("3.1.2", true), ("3.1.3", false), ("3.2.1", true), ("3.2.2", false)]
        {
            assert_eq!(pyspark.iter().any(|range| range.holds(Scheme::Pep440, version)), affected, "{version}");
        }
    }
}
