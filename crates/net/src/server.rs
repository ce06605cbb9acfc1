//! Connections of those who ask us: with TLS or without, bounded in number, bytes and time, and drained at the end. What is
//! asked, and what is answered, is whoever's who serves.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use hyper::{Method, Request, StatusCode, header};
pub use tokio_rustls::TlsAcceptor;

/// Where a request comes from, among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What is sent by whoever asks.
pub type Question = Request<Incoming>;
/// What is answered.
pub type Answer = hyper::Response<Full<Bytes>>;

/// Requests on one connection at the same time.
const STREAMS: u32 = 250;
const HANDSHAKE: Duration = Duration::from_secs(5);
const HEADER: Duration = Duration::from_secs(10);
/// How long what is under way may take once no more is taken.
const FINISH: Duration = Duration::from_secs(15);

/// A connection that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There were too many.
    Shed,
    /// TLS could not be set up with the peer.
    Handshake,
}

/// Where it is listened, and how.
pub struct Listening {
    /// The socket.
    pub listener: TcpListener,
    /// TLS; none for plain HTTP.
    pub tls: Option<TlsAcceptor>,
    /// Connections at the same time.
    pub connections: usize,
    /// Whether a connection is for one request.
    pub once: bool,
}

/// The certificate that a server shows now.
#[derive(Debug)]
pub struct Showing(RwLock<Arc<CertifiedKey>>);

impl Showing {
    /// This one, until it is replaced.
    pub fn new(certified: Arc<CertifiedKey>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(certified)))
    }

    /// This one from the next handshake on.
    pub fn replace(&self, certified: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
    }
}

impl ResolvesServerCert for Showing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or holds something else.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be used.
    #[error("cannot use the certificate: {0}")]
    Unusable(String),
}

/// The certificate of files: a chain and a key as PEM.
pub fn certificate(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, CertificateError> {
    let unreadable = |path: &Path, reason: String| CertificateError::Unreadable { path: path.to_owned(), reason };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| unreadable(certificate, error.to_string()))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error.to_string()))?;
    if chain.is_empty() {
        return Err(unreadable(certificate, "it holds no certificate".to_owned()));
    }
    certified(chain, &secret)
}

/// A chain of certificates with the key of the first.
pub fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let unusable = |error: &dyn std::fmt::Display| CertificateError::Unusable(error.to_string());
    let key = rustls::crypto::ring::sign::any_supported_type(key).map_err(|error| unusable(&error))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(_) => Err(unusable(&"the key is not the certificate's")),
    }
}

/// TLS 1.2 or later with the certificates of `showing`.
pub fn tls(showing: Arc<Showing>) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(showing);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Answers by `answer` until `stop`, and then until what is under way is answered. `told` hears of connections that came to
/// nothing.
pub async fn serve<A, F, B>(
    listening: Listening,
    answer: A,
    told: impl Fn(Refused) + Clone + Send + 'static,
    stop: impl Future<Output = ()>,
) where
    A: Fn(Question) -> F + Clone + Send + 'static,
    F: Future<Output = hyper::Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let Listening { listener, tls, connections, once } = listening;
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Too many open files, or a peer that is gone: neither ends the server.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            told(Refused::Shed);
            continue;
        };
        let (tls, answer, told, watcher) = (tls.clone(), answer.clone(), told.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            // Small answers must not wait for more to send.
            let _ = stream.set_nodelay(true);
            match tls {
                None => connection(stream, Peer(peer), once, answer, watcher).await,
                Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection(stream, Peer(peer), once, answer, watcher).await,
                    _ => told(Refused::Handshake),
                },
            }
        });
    }
    drop(listener);
    // Whoever takes longer is cut off.
    let _ = timeout(FINISH, graceful.shutdown()).await;
}

async fn connection<S, A, F, B>(stream: S, peer: Peer, once: bool, answer: A, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Question) -> F + Clone + Send + 'static,
    F: Future<Output = hyper::Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let service = service_fn(move |mut request: Question| {
        request.extensions_mut().insert(peer);
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER).keep_alive(!once).max_headers(64);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(16 << 10)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    // A connection that breaks is the peer's matter.
    let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await;
}

/// Why a request has no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than is taken.
    TooLarge,
    /// It was not sent whole.
    Cut,
    /// It was not sent in time.
    Slow,
}

/// How many bytes a request may have as it says itself; `most` where it does not say.
pub fn announced(request: &Request<impl Body>, most: usize) -> Result<usize, Unread> {
    let length = request.body().size_hint().upper().unwrap_or(most as u64);
    usize::try_from(length).ok().filter(|length| *length <= most).ok_or(Unread::TooLarge)
}

/// The body of a request, of at most so many bytes and within so much time.
pub async fn body<B>(request: Request<B>, most: usize, time: Duration) -> Result<Bytes, Unread>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    match timeout(time, Limited::new(request.into_body(), most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        // Without a length, as over HTTP/2, that shows only now.
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Ok(Err(_)) => Err(Unread::Cut),
        Err(_) => Err(Unread::Slow),
    }
}

impl Unread {
    /// What is answered to it, where at most so many bytes are taken.
    pub fn answer(self, most: usize) -> Answer {
        match self {
            Self::TooLarge => {
                plain(StatusCode::PAYLOAD_TOO_LARGE, &format!("the request is larger than {} MiB", most >> 20))
            }
            Self::Cut => plain(StatusCode::BAD_REQUEST, "the request was not sent whole"),
            Self::Slow => plain(StatusCode::REQUEST_TIMEOUT, "the request was not sent in time"),
        }
    }
}

/// A text.
pub fn plain(status: StatusCode, text: &str) -> Answer {
    typed(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
}

/// A text for those who are to come again in a second.
pub fn busy(text: &str) -> Answer {
    let mut busy = plain(StatusCode::TOO_MANY_REQUESTS, text);
    busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    busy
}

/// Bytes of a media type.
pub fn typed(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Answer {
    let mut response = Answer::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Numbers in the text format of Prometheus.
pub fn metrics(text: String) -> Answer {
    typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text.into_bytes())
}
