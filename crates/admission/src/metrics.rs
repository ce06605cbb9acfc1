//! What is counted, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use crate::judge::Outcome;
use crate::rules::Mode;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

macro_rules! numbers {
    ($($variant:ident = $name:literal, $kind:literal, $help:literal;)*) => {
        /// One number that is counted or shown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Number {
            $(#[doc = $help] $variant,)*
        }

        /// Name, kind and meaning of each.
        const NUMBERS: &[(&str, &str, &str)] = &[$(($name, $kind, $help)),*];
    };
}

numbers! {
    BadRequests = "sekisho_admission_bad_requests_total", "counter", "Calls that were no request for admission.";
    Shed = "sekisho_admission_shed_total", "counter", "Calls that were turned away because too many were under way.";
    Late = "sekisho_admission_late_total", "counter", "Requests that could not be judged in the time that the API server gives.";
    NotJudged = "sekisho_admission_policies_not_judged_total", "counter", "Policies that were not judged for want of time, though their request was.";
    Faults = "sekisho_admission_faults_total", "counter", "Requests whose judging failed in a way it should not.";
    HandshakesFailed = "sekisho_admission_handshakes_failed_total", "counter", "Connections whose TLS handshake failed.";
    ImagesKept = "sekisho_admission_images_kept_total", "counter", "Images whose facts were kept from before.";
    ImagesAsked = "sekisho_admission_images_asked_total", "counter", "Images whose facts had to be asked for or were not to be had.";
    RegistriesPaused = "sekisho_admission_registries_paused", "gauge", "Registries that nobody asks for a while, since they failed several times in a row.";
    RegistryPauses = "sekisho_admission_registry_pauses_total", "counter", "How often registries were left alone since they failed several times in a row.";
    Reloads = "sekisho_admission_policy_reloads_total", "counter", "Sets of policies that were taken.";
    ReloadsFailed = "sekisho_admission_policy_reloads_failed_total", "counter", "Sets of policies that were broken and not taken.";
    PoliciesStale = "sekisho_admission_policies_stale", "gauge", "1 while the policies on the disk are broken and those before are asked.";
    Policies = "sekisho_admission_policies", "gauge", "Policies that are asked.";
    InFlight = "sekisho_admission_requests_in_flight", "gauge", "Requests that are being judged.";
    Images = "sekisho_admission_images", "gauge", "Images whose facts are kept.";
    CertificateEnds = "sekisho_admission_certificate_not_after_seconds", "gauge", "When the server's certificate ends, in seconds since 1970.";
    AuthorityEnds = "sekisho_admission_authority_not_after_seconds", "gauge", "When the newest certificate authority ends, in seconds since 1970.";
}

/// Upper ends of the classes of durations, in microseconds.
const CLASSES: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

#[derive(Debug, Default)]
struct Durations {
    classes: [AtomicU64; CLASSES.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Durations {
    fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (class, most) in self.classes.iter().zip(CLASSES) {
            if micros <= most {
                class.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn write(&self, name: &str, help: &str, to: &mut String) {
        let _ = writeln!(to, "# HELP {name} {help}\n# TYPE {name} histogram");
        for (class, most) in self.classes.iter().zip(CLASSES) {
            let most = Duration::from_micros(most).as_secs_f64();
            let _ = writeln!(to, "{name}_bucket{{le=\"{most}\"}} {}", class.load(Ordering::Relaxed));
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(to, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
    }
}

/// Policies that are counted one by one; what more there are is counted as one.
const POLICIES: usize = 1000;

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    numbers: [AtomicU64; NUMBERS.len()],
    /// By outcome, mode (none first) and whether it was a dry run.
    requests: [[[AtomicU64; 2]; Mode::ALL.len() + 1]; Outcome::ALL.len()],
    violations: Mutex<BTreeMap<String, u64>>,
    /// From the last byte of a request to its answer.
    whole: Durations,
    /// Of that, judging alone.
    compute: Durations,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            numbers: std::array::from_fn(|_| AtomicU64::new(0)),
            requests: Default::default(),
            violations: Mutex::default(),
            whole: Durations::default(),
            compute: Durations::default(),
        }
    }
}

impl Metrics {
    /// Counts one.
    pub fn count(&self, number: Number) {
        self.add(number, 1);
    }

    /// Counts several.
    pub fn add(&self, number: Number, several: u64) {
        self.numbers[number as usize].fetch_add(several, Ordering::Relaxed);
    }

    /// Counts one back.
    pub fn less(&self, number: Number) {
        self.numbers[number as usize].fetch_sub(1, Ordering::Relaxed);
    }

    /// Shows a number.
    pub fn show(&self, number: Number, value: u64) {
        self.numbers[number as usize].store(value, Ordering::Relaxed);
    }

    /// The number as it is.
    pub fn get(&self, number: Number) -> u64 {
        self.numbers[number as usize].load(Ordering::Relaxed)
    }

    /// Counts a request and what it came to.
    pub fn request(&self, outcome: Outcome, mode: Option<Mode>, dry_run: bool, policies: &[String]) {
        let mode = mode.map_or(0, |mode| 1 + mode as usize);
        self.requests[outcome as usize][mode][usize::from(dry_run)].fetch_add(1, Ordering::Relaxed);
        if policies.is_empty() || dry_run {
            return;
        }
        let mut violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        for policy in policies {
            if violations.len() < POLICIES || violations.contains_key(policy) {
                *violations.entry(policy.clone()).or_default() += 1;
            } else {
                *violations.entry("others".to_owned()).or_default() += 1;
            }
        }
    }

    /// How many requests came to this, dry runs or not.
    pub fn requests(&self, outcome: Outcome, dry_run: bool) -> u64 {
        self.requests[outcome as usize].iter().map(|own| own[usize::from(dry_run)].load(Ordering::Relaxed)).sum()
    }

    /// Counts how long a request took, and how long judging it.
    pub fn took(&self, whole: Duration, compute: Duration) {
        self.whole.add(whole);
        self.compute.add(compute);
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut to = String::new();
        for ((name, kind, help), value) in NUMBERS.iter().zip(&self.numbers) {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(to, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
        let name = "sekisho_admission_requests_total";
        let _ = writeln!(to, "# HELP {name} Requests for admission by what they came to.\n# TYPE {name} counter");
        let modes = std::iter::once("none").chain(Mode::ALL.into_iter().map(Mode::as_str));
        let modes: Vec<&str> = modes.collect();
        for outcome in Outcome::ALL {
            for (mode, word) in modes.iter().enumerate() {
                for (dry_run, flag) in ["false", "true"].iter().enumerate() {
                    let value = self.requests[outcome as usize][mode][dry_run].load(Ordering::Relaxed);
                    if value > 0 {
                        let outcome = outcome.as_str();
                        let labels = format!("outcome=\"{outcome}\",mode=\"{word}\",dry_run=\"{flag}\"");
                        let _ = writeln!(to, "{name}{{{labels}}} {value}");
                    }
                }
            }
        }
        let name = "sekisho_admission_violations_total";
        let _ = writeln!(to, "# HELP {name} Requests that violate a policy.\n# TYPE {name} counter");
        for (policy, value) in &*self.violations.lock().unwrap_or_else(PoisonError::into_inner) {
            let policy = policy.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = writeln!(to, "{name}{{policy=\"{policy}\"}} {value}");
        }
        self.whole.write(
            "sekisho_admission_request_seconds",
            "How long a request takes from its last byte to its answer.",
            &mut to,
        );
        self.compute.write("sekisho_admission_compute_seconds", "How long judging a request takes.", &mut to);
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown_in_the_form_that_is_read() {
        let metrics = Metrics::default();
        metrics.count(Number::BadRequests);
        metrics.request(Outcome::Denied, Some(Mode::Enforce), false, &["a\"b".to_owned()]);
        metrics.request(Outcome::Denied, Some(Mode::Enforce), true, &["a\"b".to_owned()]);
        metrics.took(Duration::from_millis(3), Duration::from_micros(80));
        let text = metrics.text();
        for line in [
            "sekisho_admission_bad_requests_total 1",
            "sekisho_admission_requests_total{outcome=\"denied\",mode=\"enforce\",dry_run=\"false\"} 1",
            "sekisho_admission_requests_total{outcome=\"denied\",mode=\"enforce\",dry_run=\"true\"} 1",
            "sekisho_admission_violations_total{policy=\"a\\\"b\"} 1",
            "sekisho_admission_request_seconds_bucket{le=\"0.0025\"} 0",
            "sekisho_admission_request_seconds_bucket{le=\"0.005\"} 1",
            "sekisho_admission_compute_seconds_bucket{le=\"0.0001\"} 1",
            "sekisho_admission_compute_seconds_count 1",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok() && name.starts_with("sekisho_admission_"), "{line}");
        }
    }
}
