//! How long to go on trying.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How long to go on trying, and how slow a server may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// How often something is tried, at least once.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each.
    pub first: Duration,
    /// The longest wait. A server that asks for a longer one is not waited for.
    pub longest: Duration,
    /// In every span this long some of a body has to come ...
    pub window: Duration,
    /// ... namely so many bytes.
    pub least: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(90),
            window: Duration::from_mins(1),
            least: 16 << 10,
        }
    }
}

impl Patience {
    /// How long to wait after so many failures, at least one, where the server `asked` for a wait; none if it asked for
    /// too long a one. Of the doubling wait, the latter half is left to `chance`, 0 to 1, so that those who failed
    /// together do not come back together.
    pub fn wait(&self, failures: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        let wait = whole.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        match asked {
            Some(asked) if asked > self.longest => None,
            Some(asked) => Some(wait.max(asked)),
            None => Some(wait),
        }
    }

    /// Waits as [`Patience::wait`] says; false where that is too long.
    pub async fn pause(&self, failures: u32, asked: Option<Duration>) -> bool {
        // The keys of a hasher are as random as is needed here.
        let chance = RandomState::new().hash_one(failures) as f64 / u64::MAX as f64;
        let Some(wait) = self.wait(failures, asked, chance) else { return false };
        tokio::time::sleep(wait).await;
        true
    }
}

/// How long a server asks to wait (RFC 9110, section 10.2.3): seconds, or a date, which counts from the server's own.
pub fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text| Some(rfc2822::parse(text).ok()?.timestamp());
    let (until, now): (Timestamp, Timestamp) = (moment(asked)?, moment(text(DATE)?)?);
    Some(until.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_have_an_end() {
        let patience =
            Patience { first: Duration::from_secs(1), longest: Duration::from_secs(10), ..Patience::default() };
        let wait = |failures, chance| patience.wait(failures, None, chance).unwrap().as_secs();
        assert_eq!([wait(1, 1.0), wait(2, 1.0), wait(3, 1.0), wait(9, 1.0), wait(u32::MAX, 1.0)], [1, 2, 4, 10, 10]);
        assert_eq!(wait(3, 0.0), 2);
        let asked = |seconds| patience.wait(1, Some(Duration::from_secs(seconds)), 1.0);
        assert_eq!(asked(0), Some(Duration::from_secs(1)), "a server cannot shorten the wait");
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(11), None);
    }

    #[test]
    fn a_wait_is_asked_for_in_two_ways() {
        let asked = |pairs: &[(reqwest::header::HeaderName, &str)]| {
            let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
            asked_to_wait(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(asked(&[(RETRY_AFTER, "120")]), Some(120));
        let date = (DATE, "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(asked(&[(RETRY_AFTER, "Wed, 21 Oct 2015 07:28:30 GMT"), date.clone()]), Some(30));
        assert_eq!(asked(&[(RETRY_AFTER, "Wed, 21 Oct 2015 07:27:30 GMT"), date.clone()]), Some(0));
        assert_eq!(asked(&[(RETRY_AFTER, "soon"), date]), None);
        assert_eq!(asked(&[(RETRY_AFTER, "-1")]), None);
        assert_eq!(asked(&[]), None);
    }
}
