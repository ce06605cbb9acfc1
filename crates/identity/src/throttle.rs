//! How often a password may be tried: of one name, and from one address.
//!
//! An attempt counts before it is known how it ends, so that many at once are not all the first. What is kept is bounded; each hub
//! keeps its own.

use crate::error::Denied;
use jiff::{SignedDuration, Timestamp};
use sekisho_base::hash::sha256;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names and addresses that are kept in mind.
const MOST: usize = 16_384;
/// How long it takes for one attempt to be forgotten, in seconds.
const MEMORY: i64 = 300;
/// Attempts beyond the free ones that are counted: enough for the longest wait.
const MOST_BEYOND: u32 = 10;

/// What is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A hash of the name: nobody makes it long, and what is kept says no name, which may be a password by mistake.
    Name([u8; 16]),
    /// A hash of the name and the address: who guesses from one place closes the name for that place alone.
    Pair([u8; 16]),
    /// An address; of IPv6 the network, all of which one customer has.
    Address(IpAddr),
}

impl Key {
    pub(crate) fn name(folded: &str) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&sha256(folded.as_bytes())[..16]);
        Self::Name(short)
    }

    /// A name, as it is tried from an address.
    pub(crate) fn pair(folded: &str, address: IpAddr) -> Self {
        let Self::Address(address) = Self::address(address) else { return Self::name(folded) };
        let mut short = [0; 16];
        short.copy_from_slice(&sha256(format!("{address} {folded}").as_bytes())[..16]);
        Self::Pair(short)
    }

    pub(crate) fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// Attempts that are free, and how many seconds there are at most between those after them. A name is never closed for long:
    /// who tries to guess it must not keep its owner out. Many people may come from one address.
    fn bounds(self) -> (u32, u64) {
        match self {
            Self::Name(_) => (100, 60),
            Self::Pair(_) => (5, 60),
            Self::Address(_) => (20, 900),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Count {
    attempts: u32,
    /// From when on the next of them is being forgotten.
    since: Timestamp,
    /// Until when no more is looked at.
    until: Timestamp,
}

impl Count {
    /// Forgets what is to be forgotten by now. A clock that was put back keeps nobody out.
    fn settle(&mut self, key: Key, now: Timestamp) {
        self.until = self.until.min(after(now, key.bounds().1));
        self.since = self.since.min(now);
        let gone = now.duration_since(self.since).as_secs() / MEMORY;
        self.attempts = self.attempts.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
        self.since = after(self.since, gone.unsigned_abs().saturating_mul(MEMORY.unsigned_abs()));
    }

    /// One more: a second to wait after the last that is free, and twice as long each time.
    fn add(&mut self, key: Key, now: Timestamp) {
        let (free, most) = key.bounds();
        if self.attempts == 0 {
            self.since = now;
        }
        self.attempts = (self.attempts + 1).min(free + MOST_BEYOND);
        let seconds = self.attempts.checked_sub(free).map_or(0, |beyond| (1 << beyond).min(most));
        self.until = after(now, seconds);
    }
}

fn after(time: Timestamp, seconds: u64) -> Timestamp {
    let by = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// An attempt that was counted.
#[derive(Debug)]
pub(crate) struct Attempt {
    at: Timestamp,
    /// By what, and until when it closed that.
    counted: Vec<(Key, Timestamp)>,
}

/// The attempts that are kept in mind.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Count>>);

impl Throttle {
    /// Counts an attempt, or says how long to wait for the next. One that has to wait counts for nothing.
    pub(crate) fn enter(&self, keys: &[Key], now: Timestamp) -> Result<Attempt, Denied> {
        let mut counts = self.counts();
        let mut until = now;
        for key in keys {
            if let Some(count) = counts.get_mut(key) {
                count.settle(*key, now);
                until = until.max(count.until);
            }
        }
        if until > now {
            let wait = until.duration_since(now);
            return Err(Denied::Wait { seconds: wait.as_secs().unsigned_abs() + u64::from(wait.subsec_nanos() > 0) });
        }
        let mut counted = Vec::new();
        for key in keys {
            if !counts.contains_key(key) && counts.len() >= MOST {
                make_room(&mut counts, now);
            }
            let count = counts.entry(*key).or_insert(Count { attempts: 0, since: now, until: now });
            count.add(*key, now);
            counted.push((*key, count.until));
        }
        Ok(Attempt { at: now, counted })
    }

    /// The password was right: the name is as if nobody had tried. The address is not, for else one account would be enough to try
    /// all others from it; only this attempt does not count.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut counts = self.counts();
        for (key, _) in &attempt.counted {
            if matches!(key, Key::Name(_) | Key::Pair(_)) {
                counts.remove(key);
            }
        }
        drop(counts);
        self.undo(attempt);
    }

    /// The attempt came to nothing, and does not count.
    pub(crate) fn undo(&self, attempt: &Attempt) {
        let mut counts = self.counts();
        for (key, until) in &attempt.counted {
            if let Some(count) = counts.get_mut(key) {
                count.attempts = count.attempts.saturating_sub(1);
                // It was open when this came; what others closed since stays closed.
                if count.until == *until {
                    count.until = attempt.at;
                }
                if count.attempts == 0 {
                    counts.remove(key);
                }
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is to be forgotten; where that is nothing, the one with the fewest attempts: who floods with names and addresses
/// puts out their own.
fn make_room(counts: &mut HashMap<Key, Count>, now: Timestamp) {
    counts.retain(|key, count| {
        count.settle(*key, now);
        count.attempts > 0
    });
    if counts.len() >= MOST
        && let Some(least) = counts.iter().min_by_key(|(_, count)| (count.attempts, count.since)).map(|(key, _)| *key)
    {
        counts.remove(&least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn address(number: u32) -> Key {
        Key::address(IpAddr::V4(number.into()))
    }

    /// A name from one place.
    fn pair(name: &str) -> Key {
        Key::pair(name, IpAddr::V4(0.into()))
    }

    fn wait(throttle: &Throttle, keys: &[Key], second: i64) -> u64 {
        match throttle.enter(keys, at(second)) {
            Ok(_) => 0,
            Err(Denied::Wait { seconds }) => seconds,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_attempt_costs_twice_as_long_as_the_last() {
        let (throttle, name) = (Throttle::default(), [pair("ann")]);
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &name, 100), 0);
        }
        let (mut now, mut waits) = (100, Vec::new());
        for _ in 0..8 {
            let seconds = wait(&throttle, &name, now);
            // Asking again makes it no longer.
            assert_eq!(wait(&throttle, &name, now), seconds);
            waits.push(seconds);
            now += seconds.cast_signed();
            assert_eq!(wait(&throttle, &name, now), 0);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(&throttle, &[pair("bob")], now), 0);
        // A clock that is put back keeps nobody out for longer than that; later all is forgotten.
        assert_eq!(wait(&throttle, &name, now - 1_000_000), 60);
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &name, now + 3600), 0);
        }
        assert_eq!(wait(&throttle, &name, now + 3600), 1);
    }

    #[test]
    fn many_names_from_one_address_are_one_who_tries() {
        let throttle = Throttle::default();
        for number in 0..20 {
            assert_eq!(wait(&throttle, &[pair(&number.to_string()), address(1)], 0), 0);
        }
        let next = [pair("next"), address(1)];
        assert_eq!(wait(&throttle, &next, 0), 1);
        // What had to wait did not count for its name; other addresses are open.
        for number in 2..7 {
            assert_eq!(wait(&throttle, &[pair("next"), address(number)], 0), 0);
        }
        assert_eq!(wait(&throttle, &[pair("next"), address(7)], 0), 1);
        // Who goes on all day from one address has less than one attempt in four minutes; a name is open each minute.
        for (key, some) in [(address(8), 200..360), (pair("ann"), 1440..1460)] {
            let (mut now, mut attempts) = (0, 0);
            while now < 24 * 60 * 60 {
                match wait(&throttle, &[key], now) {
                    0 => attempts += 1,
                    seconds => now += seconds.cast_signed(),
                }
            }
            assert!(some.contains(&attempts), "{attempts}");
        }
    }

    #[test]
    fn attempts_are_forgotten_one_by_one() {
        let (throttle, ann) = (Throttle::default(), [pair("ann")]);
        for second in [0, 10, 20, 30] {
            assert_eq!(wait(&throttle, &ann, second), 0);
        }
        // At 300 the first, at 600 the second: what comes between puts that off for none.
        for (second, expect) in
            [(299, 0), (299, 1), (300, 0), (300, 1), (599, 0), (599, 2), (600, 1), (601, 0), (601, 2)]
        {
            assert_eq!(wait(&throttle, &ann, second), expect, "{second}");
        }
    }

    #[test]
    fn success_frees_the_name_and_not_the_address() {
        let throttle = Throttle::default();
        let keys = [pair("ann"), address(1)];
        for _ in 0..3 {
            assert_eq!(wait(&throttle, &keys, 0), 0);
        }
        throttle.succeeded(&throttle.enter(&keys, at(0)).unwrap());
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &[keys[0]], 0), 0);
        }
        assert_eq!(wait(&throttle, &[keys[0]], 0), 1);
        // Three of the four count on.
        for _ in 0..17 {
            assert_eq!(wait(&throttle, &[keys[1]], 0), 0);
        }
        assert_eq!(wait(&throttle, &[keys[1]], 0), 1);
        // Others who log in from there do not wait for each other.
        for number in 0..50 {
            let attempt = throttle.enter(&[pair(&number.to_string()), keys[1]], at(1)).unwrap();
            throttle.succeeded(&attempt);
        }
        throttle.undo(&throttle.enter(&[keys[1]], at(1)).unwrap());
        let slow = throttle.enter(&[keys[1]], at(1)).unwrap();
        assert_eq!(wait(&throttle, &[keys[1]], 1), 2);
        assert_eq!(wait(&throttle, &[keys[1]], 3), 0);
        // What comes to nothing late opens nothing that another closed.
        throttle.undo(&slow);
        assert_eq!(wait(&throttle, &[keys[1]], 3), 4);
    }

    #[test]
    fn networks_count_as_one() {
        let key = |text: &str| Key::address(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[test]
    fn a_flood_puts_out_its_own() {
        let throttle = Throttle::default();
        let ann = [pair("ann")];
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &ann, 0), 0);
        }
        for number in 0..16_800 {
            assert_eq!(wait(&throttle, &[pair(&number.to_string())], 1), 0);
        }
        assert_eq!(throttle.counts().len(), MOST);
        assert_eq!(wait(&throttle, &ann, 0), 1);
    }

    #[test]
    fn who_guesses_from_one_place_closes_a_name_for_that_place_alone() {
        let throttle = Throttle::default();
        let from = |number: u32| {
            let address = IpAddr::V4(number.into());
            [Key::pair("ann", address), Key::name("ann"), Key::address(address)]
        };
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &from(1), 0), 0);
        }
        assert_eq!(wait(&throttle, &from(1), 0), 1);
        assert_eq!(wait(&throttle, &from(2), 0), 0, "the name's owner");
        // From very many places it is closed for all, and never for long.
        for number in 10..104 {
            assert_eq!(wait(&throttle, &from(number), 0), 0, "{number}");
        }
        let closed = wait(&throttle, &from(200), 0);
        assert!((1..=60).contains(&closed), "{closed}");
    }
}
