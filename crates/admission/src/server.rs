//! Connections: TLS for the API server, plain HTTP for probes and metrics; bounded in number, bytes and time, drained at the
//! end.

use crate::authority::Showing;
use crate::metrics::Number;
use crate::review::{BadReview, MOST_BYTES};
use crate::rules::Mode;
use crate::service::Service;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at the same time.
const CONNECTIONS: usize = 1024;
/// Connections for probes and metrics.
const SIDE_CONNECTIONS: usize = 64;
/// Requests on one connection at the same time.
const STREAMS: u32 = 250;
/// KiB of all requests that are being read or judged. What is read takes some six times the memory.
const BYTES: usize = 32 << 10;
/// What a request counts at least, so that there are at most 2,048 of them.
const LEAST: usize = 16;
const HANDSHAKE: Duration = Duration::from_secs(5);
const HEADER: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(5);
/// How long what is under way may take once no more is taken.
const FINISH: Duration = Duration::from_secs(15);

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
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(showing);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            service,
            tls: TlsAcceptor::from(Arc::new(config)),
            ready: AtomicBool::new(true),
            bytes: Semaphore::new(BYTES),
            drain,
        })
    }

    /// Serves until `stop`, and then until what is under way is answered.
    pub async fn run(self, listeners: Listeners, stop: impl Future<Output = ()>) {
        let server = Arc::new(self);
        let side = listeners.side.map(|listener| tokio::spawn(Arc::clone(&server).side(listener)));
        let graceful = GracefulShutdown::new();
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let mut stop = std::pin::pin!(async {
            stop.await;
            // Whoever sends requests here learns of it, and meanwhile is answered.
            server.ready.store(false, Ordering::Relaxed);
            server.service.tell("draining", false, "no more is taken soon".to_owned());
            tokio::time::sleep(server.drain).await;
        });
        loop {
            let accepted = tokio::select! {
                accepted = listeners.webhook.accept() => accepted,
                () = &mut stop => break,
            };
            let Ok((stream, _)) = accepted else {
                // Too many open files, or a peer that is gone: neither ends the server.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                server.service.metrics.count(Number::Shed);
                continue;
            };
            let (server, watcher) = (Arc::clone(&server), graceful.watcher());
            tokio::spawn(async move {
                let _permit = permit;
                // Small answers must not wait for more to send.
                let _ = stream.set_nodelay(true);
                let Ok(Ok(stream)) = timeout(HANDSHAKE, server.tls.accept(stream)).await else {
                    server.service.metrics.count(Number::HandshakesFailed);
                    return;
                };
                let service = service_fn(|request| Arc::clone(&server).answer(request));
                let mut builder = Builder::new(TokioExecutor::new());
                builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER).max_headers(64);
                builder
                    .http2()
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(STREAMS)
                    .max_header_list_size(16 << 10)
                    .keep_alive_interval(Duration::from_secs(30))
                    .keep_alive_timeout(Duration::from_secs(20));
                // A connection that breaks is the peer's matter.
                let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await;
            });
        }
        drop(listeners.webhook);
        // Whoever takes longer is cut off.
        let _ = timeout(FINISH, graceful.shutdown()).await;
        if let Some(side) = side {
            side.abort();
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let start = Instant::now();
        let path = request.uri().path();
        let label = match path.strip_prefix("/validate") {
            Some("" | "/") => None,
            Some(rest) => match rest.trim_start_matches('/').parse::<Mode>() {
                Ok(mode) => Some(mode),
                Err(_) => return Ok(plain(StatusCode::NOT_FOUND, "there is only /validate and /validate/MODE")),
            },
            None => return Ok(plain(StatusCode::NOT_FOUND, "there is only /validate")),
        };
        if request.method() != Method::POST {
            return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "requests for admission are posted"));
        }
        let waits = request.uri().query().and_then(asked_timeout);
        // Without a length it may be as long as any.
        let length = request.body().size_hint().upper().unwrap_or(MOST_BYTES as u64);
        if length > MOST_BYTES as u64 {
            self.service.metrics.count(Number::BadRequests);
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 7 MiB"));
        }
        let weight = (length as usize / 1024).max(LEAST);
        let Ok(_permit) = self.bytes.try_acquire_many(weight as u32) else {
            self.service.metrics.count(Number::Shed);
            let mut busy = plain(StatusCode::TOO_MANY_REQUESTS, "too many requests are under way");
            busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return Ok(busy);
        };
        let body = Limited::new(request.into_body(), MOST_BYTES).collect();
        let body = match timeout(BODY, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            // Without a length, as over HTTP/2, that shows only now.
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                self.service.metrics.count(Number::BadRequests);
                return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 7 MiB"));
            }
            Ok(Err(_)) => {
                self.service.metrics.count(Number::BadRequests);
                return Ok(plain(StatusCode::BAD_REQUEST, "the request was not sent whole"));
            }
            Err(_) => {
                self.service.metrics.count(Number::BadRequests);
                return Ok(plain(StatusCode::REQUEST_TIMEOUT, "the request was not sent in time"));
            }
        };
        let _flying = Flying::new(&self.service);
        Ok(match self.service.answer(&body, label, waits, start).await {
            Ok(answer) => json(answer),
            Err(error @ BadReview::TooLarge(_)) => plain(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
            Err(error) => plain(StatusCode::BAD_REQUEST, &error.to_string()),
        })
    }

    /// Probes and metrics.
    async fn side(self: Arc<Self>, listener: TcpListener) {
        let connections = Arc::new(Semaphore::new(SIDE_CONNECTIONS));
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                let _permit = permit;
                server.side_connection(stream).await;
            });
        }
    }

    async fn side_connection(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let response = self.side_answer(request.method(), request.uri().path());
            async move { Ok::<_, Infallible>(response) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEADER).keep_alive(false).max_headers(64);
        // A connection that breaks is the peer's matter.
        let _ = timeout(FINISH, builder.serve_connection(TokioIo::new(stream), service)).await;
    }

    fn side_answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "this is only read");
        }
        match path {
            "/healthz" => plain(StatusCode::OK, "ok"),
            "/readyz" if self.ready.load(Ordering::Relaxed) => plain(StatusCode::OK, "ok"),
            "/readyz" => plain(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            "/metrics" => {
                let mut response = Response::new(Full::new(Bytes::from(self.service.metrics.text())));
                let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
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

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn json(body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
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
