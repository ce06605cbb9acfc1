//! What is counted, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use crate::keeping::Told;
use sekisho_api::endpoint::ENDPOINTS;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was answered, by the first digit of its status.
const CLASSES: usize = 6;

/// What is counted of one operation.
#[derive(Debug, Default)]
struct Operation {
    answers: [AtomicU64; CLASSES],
    micros: AtomicU64,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// At the places of [`ENDPOINTS`].
    operations: Vec<Operation>,
    opened: AtomicU64,
    changed: AtomicU64,
    closed: AtomicU64,
    databases: AtomicU64,
    failures: AtomicU64,
    shed: AtomicU64,
    handshakes: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            operations: ENDPOINTS.iter().map(|_| Operation::default()).collect(),
            opened: AtomicU64::default(),
            changed: AtomicU64::default(),
            closed: AtomicU64::default(),
            databases: AtomicU64::default(),
            failures: AtomicU64::default(),
            shed: AtomicU64::default(),
            handshakes: AtomicU64::default(),
        }
    }
}

impl Metrics {
    /// Counts an answer of the operation at this place of [`ENDPOINTS`].
    pub(crate) fn answered(&self, operation: usize, status: u16, took: Duration) {
        let Some(counted) = self.operations.get(operation) else { return };
        let class = usize::from(status / 100).min(CLASSES - 1);
        counted.answers[class].fetch_add(1, Ordering::Relaxed);
        counted.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts a connection that came to nothing.
    pub(crate) fn refused(&self, refused: sekisho_net::server::Refused) {
        let which = match refused {
            sekisho_net::server::Refused::Shed => &self.shed,
            sekisho_net::server::Refused::Handshake => &self.handshakes,
        };
        which.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what is told of judging.
    pub fn told(&self, told: &Told) {
        match told {
            Told::Database(_) => {
                self.databases.fetch_add(1, Ordering::Relaxed);
            }
            Told::Outdone(_) => {}
            Told::Judged(transitions) => {
                self.opened.fetch_add(transitions.opened, Ordering::Relaxed);
                self.changed.fetch_add(transitions.changed, Ordering::Relaxed);
                self.closed.fetch_add(transitions.closed, Ordering::Relaxed);
            }
            Told::Failed(_) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut text = String::new();
        let head = |text: &mut String, name: &str, kind: &str, help: &str| {
            // Writing to a String cannot fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        };
        head(&mut text, "sekisho_hub_requests_total", "counter", "Requests that were answered.");
        for (endpoint, counted) in ENDPOINTS.iter().zip(&self.operations) {
            for (class, answers) in counted.answers.iter().enumerate().filter(|(_, answers)| read(answers) > 0) {
                let (operation, count) = (endpoint.operation, read(answers));
                let _ = writeln!(
                    text,
                    "sekisho_hub_requests_total{{operation=\"{operation}\",status=\"{class}xx\"}} {count}"
                );
            }
        }
        head(&mut text, "sekisho_hub_request_seconds_total", "counter", "Time until these were answered.");
        for (endpoint, counted) in ENDPOINTS.iter().zip(&self.operations).filter(|(_, it)| read(&it.micros) > 0) {
            let seconds = read(&counted.micros) as f64 / 1e6;
            let _ =
                writeln!(text, "sekisho_hub_request_seconds_total{{operation=\"{}\"}} {seconds}", endpoint.operation);
        }
        head(&mut text, "sekisho_hub_findings_total", "counter", "Findings of packages that began, changed and ended.");
        for (what, number) in [("opened", &self.opened), ("changed", &self.changed), ("closed", &self.closed)] {
            let _ = writeln!(text, "sekisho_hub_findings_total{{transition=\"{what}\"}} {}", read(number));
        }
        for (name, help, number) in [
            ("sekisho_hub_databases_total", "Advisory databases that judged.", &self.databases),
            ("sekisho_hub_judging_failures_total", "How often judging did not go on for a while.", &self.failures),
            ("sekisho_hub_connections_shed_total", "Connections beyond those that are taken at once.", &self.shed),
            ("sekisho_hub_handshakes_failed_total", "Connections whose TLS handshake failed.", &self.handshakes),
        ] {
            head(&mut text, name, "counter", help);
            let _ = writeln!(text, "{name} {}", read(number));
        }
        text
    }
}
