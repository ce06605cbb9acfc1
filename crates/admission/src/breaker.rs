//! Registries that do not answer: after some failures in a row nobody asks one for a while, so that what is away costs
//! requests no time, and the registry gets none of them while it comes back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Failures in a row after which a registry is not asked.
const FAILURES: u32 = 3;
/// For how long; then one request tries it.
const PAUSE: Duration = Duration::from_secs(30);
/// Registries whose failures are remembered. Names of images are strangers'.
const REGISTRIES: usize = 1000;

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when nobody asks it.
    until: Option<Instant>,
}

/// What became of the registries that failed of late, by their names.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    states: Mutex<HashMap<String, State>>,
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails while nobody asks this registry.
    pub(crate) fn ask(&self, registry: &str) -> Result<(), String> {
        let mut states = self.lock();
        let Some(State { failures, until: Some(until) }) = states.get_mut(registry) else { return Ok(()) };
        let now = Instant::now();
        if *until <= now {
            // Whoever comes now tries it, and the others wait for what comes of that.
            *until = now + PAUSE;
            return Ok(());
        }
        let left = until.duration_since(now).as_secs() + 1;
        Err(format!("the registry {registry} failed {failures} times in a row, and is asked again in {left} s at most"))
    }

    /// Takes what came of asking; says whether nobody asks it from now on.
    pub(crate) fn took(&self, registry: &str, answered: bool) -> bool {
        let mut states = self.lock();
        if answered {
            states.remove(registry);
            return false;
        }
        if states.len() >= REGISTRIES && !states.contains_key(registry) {
            let now = Instant::now();
            states.retain(|_, state| state.until.is_some_and(|until| until > now));
            if states.len() >= REGISTRIES {
                return false;
            }
        }
        let state = states.entry(registry.to_owned()).or_default();
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return false;
        }
        state.until = Some(Instant::now() + PAUSE);
        state.failures == FAILURES
    }

    /// How many registries nobody asks now.
    pub(crate) fn paused(&self) -> usize {
        let now = Instant::now();
        self.lock().values().filter(|state| state.until.is_some_and(|until| until > now)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_fails_is_left_alone_for_a_while_and_then_tried_by_one() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(!breaker.took("a", false));
            assert_eq!(breaker.ask("a"), Ok(()));
        }
        // One answer, and it begins anew.
        assert!(!breaker.took("a", true));
        assert!(!breaker.took("a", false) && !breaker.took("a", false) && breaker.took("a", false));
        let why = breaker.ask("a").unwrap_err();
        assert!(why.contains("the registry a failed 3 times in a row"), "{why}");
        assert_eq!((breaker.ask("b"), breaker.paused()), (Ok(()), 1), "others are asked");
        tokio::time::advance(PAUSE).await;
        assert_eq!((breaker.ask("a"), breaker.paused()), (Ok(()), 1));
        assert!(breaker.ask("a").is_err(), "one tries it");
        assert!(!breaker.took("a", false), "it is still the same pause");
        assert!(breaker.ask("a").is_err());
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.ask("a"), Ok(()));
        breaker.took("a", true);
        assert_eq!((breaker.ask("a"), breaker.paused()), (Ok(()), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn names_of_strangers_take_no_room_without_end() {
        let breaker = Breaker::default();
        for number in 0..10 * REGISTRIES {
            breaker.took(&number.to_string(), false);
        }
        assert!(breaker.lock().len() <= REGISTRIES);
        assert!(!breaker.took("new", false) && !breaker.took("new", false) && breaker.took("new", false));
    }
}
