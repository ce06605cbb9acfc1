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
/// How long nobody may have tried for it all to be forgotten.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// What is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A hash of the name: nobody makes it long, and what is kept says no name, which may be a password by mistake.
    Name([u8; 16]),
    /// An address; of IPv6 the network, all of which one customer has.
    Address(IpAddr),
}

impl Key {
    pub(crate) fn name(folded: &str) -> Self {
        let mut short = [0; 16];
        short.copy_from_slice(&sha256(folded.as_bytes())[..16]);
        Self::Name(short)
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
            Self::Name(_) => (5, 60),
            Self::Address(_) => (20, 900),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Count {
    attempts: u32,
    last: Timestamp,
}

impl Count {
    /// Until when no more is looked at: a second after the last free attempt, and twice as long each time.
    fn until(&self, key: Key) -> Timestamp {
        let (free, most) = key.bounds();
        let seconds = match self.attempts.checked_sub(free) {
            None => 0,
            Some(more) => 1_u64.checked_shl(more).unwrap_or(most).min(most),
        };
        self.last.saturating_add(SignedDuration::from_secs(seconds.cast_signed())).unwrap_or(Timestamp::MAX)
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.last) >= MEMORY
    }
}

/// The attempts that are kept in mind.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Count>>);

impl Throttle {
    /// Counts an attempt, or says how long to wait for the next. One that has to wait counts for nothing.
    pub(crate) fn enter(&self, keys: &[Key], now: Timestamp) -> Result<(), Denied> {
        let mut counts = self.counts();
        let mut until = now;
        for key in keys {
            if let Some(count) = counts.get_mut(key) {
                // A clock that was put back keeps nobody out.
                count.last = count.last.min(now);
                if !count.is_forgotten(now) {
                    until = until.max(count.until(*key));
                }
            }
        }
        if until > now {
            let wait = until.duration_since(now);
            return Err(Denied::Wait { seconds: wait.as_secs().unsigned_abs() + u64::from(wait.subsec_nanos() > 0) });
        }
        for key in keys {
            if !counts.contains_key(key) && counts.len() >= MOST {
                make_room(&mut counts, now);
            }
            let count = counts.entry(*key).or_insert(Count { attempts: 0, last: now });
            if count.is_forgotten(now) {
                count.attempts = 0;
            }
            *count = Count { attempts: count.attempts.saturating_add(1), last: now };
        }
        Ok(())
    }

    /// The password was right: the name is as if nobody had tried. The address is not, for else one account would be enough to try
    /// all others from it; only this attempt does not count.
    pub(crate) fn succeeded(&self, keys: &[Key]) {
        let names = keys.iter().filter(|key| matches!(key, Key::Name(_)));
        let mut counts = self.counts();
        for name in names {
            counts.remove(name);
        }
        drop(counts);
        self.undo(keys);
    }

    /// The attempt came to nothing, and does not count.
    pub(crate) fn undo(&self, keys: &[Key]) {
        let mut counts = self.counts();
        for key in keys {
            if let Some(count) = counts.get_mut(key) {
                count.attempts = count.attempts.saturating_sub(1);
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
    counts.retain(|_, count| !count.is_forgotten(now));
    if counts.len() >= MOST
        && let Some(least) = counts.iter().min_by_key(|(_, count)| (count.attempts, count.last)).map(|(key, _)| *key)
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

    fn wait(throttle: &Throttle, keys: &[Key], second: i64) -> u64 {
        match throttle.enter(keys, at(second)) {
            Ok(()) => 0,
            Err(Denied::Wait { seconds }) => seconds,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_attempt_costs_twice_as_long_as_the_last() {
        let (throttle, name) = (Throttle::default(), [Key::name("ann")]);
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
        assert_eq!(wait(&throttle, &[Key::name("bob")], now), 0);
        // An hour later it is forgotten, and a clock that is put back keeps nobody out for longer than that.
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
            assert_eq!(wait(&throttle, &[Key::name(&number.to_string()), address(1)], 0), 0);
        }
        let next = [Key::name("next"), address(1)];
        assert_eq!(wait(&throttle, &next, 0), 1);
        // What had to wait did not count for its name; other addresses are open.
        for number in 2..7 {
            assert_eq!(wait(&throttle, &[Key::name("next"), address(number)], 0), 0);
        }
        assert_eq!(wait(&throttle, &[Key::name("next"), address(7)], 0), 1);
        // The longest wait from one address.
        let mut now = 0;
        for _ in 0..15 {
            now += wait(&throttle, &[address(1)], now).cast_signed();
            assert_eq!(wait(&throttle, &[address(1)], now), 0);
        }
        assert_eq!(wait(&throttle, &[address(1)], now), 900);
    }

    #[test]
    fn success_frees_the_name_and_not_the_address() {
        let throttle = Throttle::default();
        let keys = [Key::name("ann"), address(1)];
        for _ in 0..4 {
            assert_eq!(wait(&throttle, &keys, 0), 0);
        }
        throttle.succeeded(&keys);
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &[keys[0]], 0), 0);
        }
        assert_eq!(wait(&throttle, &[keys[0]], 0), 1);
        // Three of the four count on.
        for _ in 0..17 {
            assert_eq!(wait(&throttle, &[keys[1]], 0), 0);
        }
        assert_eq!(wait(&throttle, &[keys[1]], 0), 1);
        throttle.undo(&[keys[1]]);
        assert_eq!(wait(&throttle, &[keys[1]], 0), 0);
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
        let ann = [Key::name("ann")];
        for _ in 0..5 {
            assert_eq!(wait(&throttle, &ann, 0), 0);
        }
        for number in 0..18_000 {
            assert_eq!(wait(&throttle, &[Key::name(&number.to_string())], 1), 0);
        }
        assert_eq!(throttle.counts().len(), MOST);
        assert_eq!(wait(&throttle, &ann, 0), 1);
    }
}
