//! Answers that are kept for a while: each key is looked up once however many ask, on its own task, so that whoever runs
//! out of time leaves the look-up to the next.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    /// What was found, until it is looked up again.
    pub(crate) found: Duration,
    /// What was found, while it cannot be looked up again.
    pub(crate) stale: Duration,
    /// What was not found.
    pub(crate) missed: Duration,
    /// The weight of all that is kept.
    pub(crate) weight: usize,
    /// Look-ups at the same time.
    pub(crate) lookups: usize,
}

type Answer<V> = Result<V, String>;

struct Slot<V> {
    answer: Answer<V>,
    /// Since when it is there, where it is something.
    since: Instant,
    fresh: Instant,
    used: u64,
    weight: usize,
}

struct Held<K, V> {
    slots: HashMap<K, Slot<V>>,
    pending: HashMap<K, watch::Receiver<Option<Answer<V>>>>,
    weight: usize,
    turn: u64,
}

/// Answers by key.
pub(crate) struct Cache<K, V> {
    held: Arc<Mutex<Held<K, V>>>,
    keep: Keep,
    weigh: fn(&V) -> usize,
}

impl<K: Hash + Eq + Clone + Send + 'static, V: Clone + Send + Sync + 'static> Cache<K, V> {
    pub(crate) fn new(keep: Keep, weigh: fn(&V) -> usize) -> Self {
        let held = Held { slots: HashMap::new(), pending: HashMap::new(), weight: 0, turn: 0 };
        Self { held: Arc::new(Mutex::new(held)), keep, weigh }
    }

    fn lock(held: &Mutex<Held<K, V>>) -> MutexGuard<'_, Held<K, V>> {
        held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that is kept, or else that of `look`, waited for until `deadline`. The flag says whether it was kept.
    pub(crate) async fn get<F>(&self, key: K, deadline: Instant, look: impl FnOnce(K) -> F) -> (Answer<V>, bool)
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let mut waiting = {
            let mut held = Self::lock(&self.held);
            held.turn += 1;
            let turn = held.turn;
            if let Some(slot) = held.slots.get_mut(&key) {
                slot.used = turn;
                if slot.fresh > Instant::now() {
                    return (slot.answer.clone(), true);
                }
            }
            match held.pending.get(&key) {
                Some(waiting) => waiting.clone(),
                None if held.pending.len() >= self.keep.lookups => {
                    let kept = held.slots.get(&key).and_then(|slot| self.stale(slot));
                    return (kept.ok_or_else(|| "too much is being looked up already".to_owned()), false);
                }
                None => {
                    let (send, receive) = watch::channel(None);
                    held.pending.insert(key.clone(), receive.clone());
                    let (held, keep, weigh) = (Arc::clone(&self.held), self.keep, self.weigh);
                    let (looking, own) = (look(key.clone()), key.clone());
                    tokio::spawn(async move {
                        // A look-up that panics is one that failed, and leaves nobody waiting.
                        let found = tokio::spawn(looking).await;
                        let found =
                            found.unwrap_or_else(|_| Err("the look-up failed in a way it should not".to_owned()));
                        let answer = Self::lock(&held).take(own, found, keep, weigh);
                        // Whoever waited may be gone.
                        let _ = send.send(Some(answer));
                    });
                    receive
                }
            }
        };
        let came = tokio::time::timeout_at(deadline, waiting.wait_for(Option::is_some)).await;
        if let Ok(Ok(answer)) = came
            && let Some(answer) = answer.clone()
        {
            return (answer, false);
        }
        let held = Self::lock(&self.held);
        let kept = held.slots.get(&key).and_then(|slot| self.stale(slot));
        (kept.ok_or_else(|| "it could not be looked up in time".to_owned()), false)
    }

    /// What was found earlier and is not too old to count while nobody answers.
    fn stale(&self, slot: &Slot<V>) -> Option<V> {
        let holds = slot.since.elapsed() < self.keep.stale;
        slot.answer.as_ref().ok().filter(|_| holds).cloned()
    }

    /// How many answers are kept.
    pub(crate) fn len(&self) -> usize {
        Self::lock(&self.held).slots.len()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Held<K, V> {
    /// Keeps what was found; what was not found stands back behind what was found before and still holds.
    fn take(&mut self, key: K, found: Answer<V>, keep: Keep, weigh: fn(&V) -> usize) -> Answer<V> {
        self.pending.remove(&key);
        let now = Instant::now();
        self.turn += 1;
        let used = self.turn;
        if found.is_err()
            && let Some(slot) = self.slots.get_mut(&key)
            && slot.answer.is_ok()
            && now.duration_since(slot.since) < keep.stale
        {
            slot.fresh = now + keep.missed;
            slot.used = used;
            return slot.answer.clone();
        }
        let (weight, fresh) = match &found {
            Ok(value) => (weigh(value), now + keep.found),
            Err(why) => (why.len() + 64, now + keep.missed),
        };
        let slot = Slot { answer: found.clone(), since: now, fresh, used, weight };
        if let Some(before) = self.slots.insert(key, slot) {
            self.weight -= before.weight;
        }
        self.weight += weight;
        if self.weight > keep.weight {
            self.make_room(keep.weight / 4 * 3);
        }
        found
    }

    /// Forgets what was not used for longest. A quarter goes at a time, so that the order is seldom made.
    fn make_room(&mut self, weight: usize) {
        let mut turns: Vec<(u64, usize)> = self.slots.values().map(|slot| (slot.used, slot.weight)).collect();
        turns.sort_unstable();
        let mut left = self.weight;
        let over = turns.iter().take_while(|(_, own)| {
            let goes = left > weight;
            left = left.saturating_sub(*own);
            goes
        });
        let Some(last) = over.last().map(|(turn, _)| *turn) else { return };
        self.slots.retain(|_, slot| slot.used > last);
        self.weight = self.slots.values().map(|slot| slot.weight).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const KEEP: Keep = Keep {
        found: Duration::from_mins(1),
        stale: Duration::from_mins(10),
        missed: Duration::from_secs(10),
        weight: 100,
        lookups: 2,
    };

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_are_one_look_up() {
        let cache: Arc<Cache<u8, usize>> = Arc::new(Cache::new(KEEP, |_| 1));
        let asked = Arc::new(AtomicUsize::new(0));
        let ask = |key| {
            let (cache, asked) = (Arc::clone(&cache), Arc::clone(&asked));
            tokio::spawn(async move {
                let look = |_| async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok(asked.fetch_add(1, Ordering::SeqCst))
                };
                cache.get(key, soon(), look).await.0
            })
        };
        let all: Vec<_> = (0..100).map(|_| ask(1)).collect();
        for one in all {
            assert_eq!(one.await.unwrap(), Ok(0));
        }
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(ask(1).await.unwrap(), Ok(1), "what is old is looked up anew");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_runs_out_of_time_leaves_the_look_up_to_the_next() {
        let cache: Cache<u8, &str> = Cache::new(KEEP, |_| 1);
        let slow = |_| async {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok("found")
        };
        let start = Instant::now();
        let (answer, _) = cache.get(1, soon(), slow).await;
        assert!(answer.unwrap_err().contains("in time"));
        assert_eq!(start.elapsed().as_secs(), 5);
        // The second one waits for the same look-up.
        let never = |_| async { Err("asked twice".to_owned()) };
        let (answer, _) = cache.get(1, Instant::now() + Duration::from_mins(1), never).await;
        assert_eq!((answer, start.elapsed().as_secs()), (Ok("found"), 30));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_found_is_soon_asked_again_and_what_was_found_holds_meanwhile() {
        let cache: Cache<u8, u8> = Cache::new(KEEP, |_| 1);
        let fails = |_| async { Err("down".to_owned()) };
        assert!(cache.get(1, soon(), fails).await.0.is_err());
        assert_eq!(cache.get(1, soon(), |_| async { Ok(7) }).await, (Err("down".to_owned()), true));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(cache.get(1, soon(), |_| async { Ok(7) }).await, (Ok(7), false));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(cache.get(1, soon(), fails).await.0, Ok(7));
        tokio::time::advance(Duration::from_secs(601)).await;
        assert!(cache.get(1, soon(), fails).await.0.is_err(), "it does not hold for ever");
        assert!(cache.get(2, soon(), |_| async { panic!("a fault") }).await.0.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn neither_what_is_kept_nor_what_is_asked_grows_without_end() {
        let cache: Cache<usize, usize> = Cache::new(KEEP, |_| 10);
        for key in 0..1000 {
            assert_eq!(cache.get(key, soon(), move |_| async move { Ok(key) }).await.0, Ok(key));
            // One that is used all the time stays.
            assert!(key == 0 || cache.get(0, soon(), |_| async { Err("gone".to_owned()) }).await.1);
        }
        assert!(cache.len() <= 10, "{}", cache.len());
        let stuck = || std::future::pending::<Answer<usize>>();
        for key in 2000..2002 {
            assert!(cache.get(key, soon(), |_| stuck()).await.0.is_err());
        }
        let start = Instant::now();
        assert!(cache.get(2002, soon(), |_| stuck()).await.0.unwrap_err().contains("too much"));
        assert_eq!(start.elapsed().as_secs(), 0);
    }
}
