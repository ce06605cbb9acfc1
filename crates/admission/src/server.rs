//! What is asked of the server: TLS for the API server, plain HTTP for probes and metrics; what is under way bounded in bytes.

use crate::metrics::Number;
use crate::review::{BadReview, MOST_BYTES};
use crate::rules::Mode;
use crate::service::Service;
use sekisho_net::server::{
    self, Answer, Listening, Method, Question, Refused, Showing, StatusCode, TlsAcceptor, Unread, plain,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Connections at the same time.
const CONNECTIONS: usize = 1024;
/// Connections for probes and metrics.
const SIDE_CONNECTIONS: usize = 64;
/// KiB of all requests that are being read or judged. What is read takes some six times the memory.
const BYTES: usize = 32 << 10;
/// What a request counts at least, so that there are at most 2,048 of them.
const LEAST: usize = 16;
const BODY: Duration = Duration::from_secs(5);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Where it is listened.
#[derive(Debug)]
pub struct Listeners {
    /// For the API server.
    pub webhook: TcpListener,
    /// For probes and metrics.
    pub side: Option<TcpListener>,
}

/// The server.
pub struct Server {
    service: Arc<Service>,
    tls: TlsAcceptor,
    ready: AtomicBool,
    bytes: Semaphore,
    /// How long it goes on after it was told to stop, while nobody new is to be sent to it.
    drain: Duration,
}

impl Server {
    /// Answers by `service` and shows the certificate of `showing`.
    pub fn new(service: Arc<Service>, showing: Arc<Showing>, drain: Duration) -> Result<Self, ServerError> {
        Ok(Self {
            service,
            tls: server::tls(showing)?,
            ready: AtomicBool::new(true),
            bytes: Semaphore::new(BYTES),
            drain,
        })
    }

    /// Serves until `stop`, and then until what is under way is answered.
    pub async fn run(self, listeners: Listeners, stop: impl Future<Output = ()>) {
        let server = Arc::new(self);
        let side = listeners.side.map(|listener| {
            let listening = Listening { listener, tls: None, connections: SIDE_CONNECTIONS, once: true };
            let server = Arc::clone(&server);
            let answer = move |request: Question| {
                let answer = server.side_answer(request.method(), request.uri().path());
                async { answer }
            };
            tokio::spawn(server::serve(listening, answer, |_| {}, std::future::pending()))
        });
        let stop = async {
            stop.await;
            // Whoever sends requests here learns of it, and meanwhile is answered.
            server.ready.store(false, Ordering::Relaxed);
            server.service.tell("draining", false, "no more is taken soon".to_owned());
            tokio::time::sleep(server.drain).await;
        };
        let told = {
            let server = Arc::clone(&server);
            move |refused| {
                server.service.metrics.count(match refused {
                    Refused::Shed => Number::Shed,
                    Refused::Handshake => Number::HandshakesFailed,
                });
            }
        };
        let tls = Some(server.tls.clone());
        let listening = Listening { listener: listeners.webhook, tls, connections: CONNECTIONS, once: false };
        let answer = {
            let server = Arc::clone(&server);
            move |request| Arc::clone(&server).answer(request)
        };
        server::serve(listening, answer, told, stop).await;
        if let Some(side) = side {
            side.abort();
        }
    }

    async fn answer(self: Arc<Self>, request: Question) -> Answer {
        let start = Instant::now();
        let path = request.uri().path();
        let label = match path.strip_prefix("/validate") {
            Some("" | "/") => None,
            Some(rest) => match rest.trim_start_matches('/').parse::<Mode>() {
                Ok(mode) => Some(mode),
                Err(_) => return plain(StatusCode::NOT_FOUND, "there is only /validate and /validate/MODE"),
            },
            None => return plain(StatusCode::NOT_FOUND, "there is only /validate"),
        };
        if request.method() != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "requests for admission are posted");
        }
        let waits = request.uri().query().and_then(asked_timeout);
        let unread = |unread: Unread| {
            self.service.metrics.count(Number::BadRequests);
            unread.answer(MOST_BYTES)
        };
        // Without a length it may be as long as any.
        let length = match server::announced(&request, MOST_BYTES) {
            Ok(length) => length,
            Err(why) => return unread(why),
        };
        let weight = (length / 1024).max(LEAST);
        let Ok(_permit) = self.bytes.try_acquire_many(weight as u32) else {
            self.service.metrics.count(Number::Shed);
            return server::busy("too many requests are under way");
        };
        let body = match server::body(request, MOST_BYTES, BODY).await {
            Ok(body) => body,
            Err(why) => return unread(why),
        };
        let _flying = Flying::new(&self.service);
        match self.service.answer(&body, label, waits, start).await {
            Ok(answer) => server::typed(StatusCode::OK, "application/json", answer),
            Err(error @ BadReview::TooLarge(_)) => plain(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
            Err(error) => plain(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }

    /// Probes and metrics.
    fn side_answer(&self, method: &Method, path: &str) -> Answer {
        if method != Method::GET {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "this is only read");
        }
        match path {
            "/healthz" => plain(StatusCode::OK, "ok"),
            "/readyz" if self.ready.load(Ordering::Relaxed) => plain(StatusCode::OK, "ok"),
            "/readyz" => plain(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            "/metrics" => server::metrics(self.service.metrics.text()),
            _ => plain(StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics"),
        }
    }
}

/// A request under way, for as long as it is.
struct Flying<'a>(&'a Service);

impl<'a> Flying<'a> {
    fn new(service: &'a Service) -> Self {
        service.metrics.count(Number::InFlight);
        Self(service)
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        self.0.metrics.less(Number::InFlight);
    }
}

/// How long the API server waits, which it says as Go writes durations: `timeout=10s`.
fn asked_timeout(query: &str) -> Option<Duration> {
    /// The longest that a webhook can have.
    const LONGEST: f64 = 30.0;
    let text = query.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.')?;
    let (number, unit) = text.split_at(end);
    let seconds = number.parse::<f64>().ok()?
        * match unit {
            "s" => 1.0,
            "ms" => 0.001,
            // A whole minute is longer than any may be: `1m0s`.
            _ if unit.starts_with('m') => 60.0,
            _ => return None,
        };
    Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_given_is_read_as_go_writes_it() {
        let check = |query: &str, millis: Option<u64>| {
            assert_eq!(asked_timeout(query), millis.map(Duration::from_millis), "{query}");
        };
        check("timeout=10s", Some(10_000));
        check("a=b&timeout=500ms", Some(500));
        check("timeout=1.5s", Some(1_500));
        check("timeout=1m0s", Some(30_000));
        check("timeout=99999999999999999999s", Some(30_000));
        for query in ["", "timeout=", "timeout=10", "timeout=s", "timeout=-3s", "timeout=1h", "timeout=1.2.3s"] {
            check(query, None);
        }
    }
}
