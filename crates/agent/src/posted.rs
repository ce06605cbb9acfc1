//! Audit events that an API server posts: the webhook of its audit log
//! (<https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend>), and the endpoint of metrics beside it.
//!
//! A post is answered once all in it is judged and told. One for which there is no room, or no time, is refused with what makes
//! the API server send it again: an event may come twice, and none is lost by us.

use bytes::Bytes;
use sekisho_net::server::{
    self, Answer, CertificateError, Listening, Method, Question, Showing, StatusCode, TlsAcceptor, Unread, plain,
};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// The path that is posted to, as that of Falco's plugin.
const PATH: &str = "/k8s-audit";
/// Connections at the same time.
const CONNECTIONS: usize = 256;
const SIDE_CONNECTIONS: usize = 64;
/// Bytes of one post: what Falco's plugin takes as well.
pub const MOST_BYTES: usize = 12 << 20;
/// KiB of all posts that wait or are judged.
const WAITING: usize = 64 << 10;
/// What a post counts at least, so that there are at most 4,096 of them.
const LEAST: usize = 16;
const BODY: Duration = Duration::from_secs(10);
/// An API server waits for 30 seconds.
const JUDGED: Duration = Duration::from_secs(25);

/// Why nobody can post.
#[derive(Debug, thiserror::Error)]
pub enum PostedError {
    /// There is no socket.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// There is nothing to run it.
    #[error("cannot start to listen: {0}")]
    Start(std::io::Error),
}

/// What came of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// All was judged but so many records that are no audit events.
    Judged {
        /// Audit events.
        events: u64,
        /// Others.
        foreign: u64,
    },
    /// It cannot be read, for this reason.
    Malformed(String),
    /// Alerts could not be written.
    Failed,
}

/// A post that waits to be judged.
#[derive(Debug)]
pub struct Post {
    /// What was sent.
    pub body: Bytes,
    answer: oneshot::Sender<Taken>,
}

impl Post {
    /// Says what came of it.
    pub fn answer(self, taken: Taken) {
        // Whoever does not wait any more sends it again.
        let _ = self.answer.send(taken);
    }
}

/// What was turned away.
#[derive(Debug, Default)]
pub struct Turned {
    /// Posts for which there was no room, or no time; they are sent again.
    pub busy: AtomicU64,
    /// Requests that were no posts of audit events.
    pub bad: AtomicU64,
    /// Connections that came to nothing: too many, or without TLS that holds.
    pub connections: AtomicU64,
}

/// Where it is listened.
pub struct Servers {
    runtime: Option<Runtime>,
    metrics: Arc<Mutex<String>>,
}

impl Servers {
    /// Runs nothing yet.
    pub fn new() -> Result<Self, PostedError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Ok(Self { runtime: Some(runtime.map_err(PostedError::Start)?), metrics: Arc::default() })
    }

    fn bind(&self, address: &str) -> Result<TcpListener, PostedError> {
        let failed = |source| PostedError::Listen { address: address.to_owned(), source };
        let Some(runtime) = &self.runtime else { return Err(failed(std::io::ErrorKind::NotConnected.into())) };
        runtime.block_on(TcpListener::bind(address)).map_err(failed)
    }

    /// Takes posts at `address`, over TLS with a certificate and its key, or else in the clear. Where that is, the posts, and
    /// what was turned away.
    pub fn posts(
        &self,
        address: &str,
        files: Option<(&Path, &Path)>,
    ) -> Result<(SocketAddr, Receiver<Post>, Arc<Turned>), PostedError> {
        let tls: Option<TlsAcceptor> = match files {
            Some((certificate, key)) => Some(server::tls(Showing::new(server::certificate(certificate, key)?))?),
            None => None,
        };
        let listener = self.bind(address)?;
        let at = listener.local_addr().map_err(|source| PostedError::Listen { address: address.to_owned(), source })?;
        let (send, receive) = channel();
        let turned: Arc<Turned> = Arc::default();
        let taker = Arc::new(Taker { send, room: Semaphore::new(WAITING), turned: Arc::clone(&turned) });
        let listening = Listening { listener, tls, connections: CONNECTIONS, once: false };
        let told = Arc::clone(&turned);
        let serving = server::serve(
            listening,
            move |request| Arc::clone(&taker).answer(request),
            move |_| {
                told.connections.fetch_add(1, Ordering::Relaxed);
            },
            std::future::pending(),
        );
        if let Some(runtime) = &self.runtime {
            runtime.spawn(serving);
        }
        Ok((at, receive, turned))
    }

    /// Shows what [`Servers::show`] is given to whoever asks at `address`. Where that is.
    pub fn metrics(&self, address: &str) -> Result<SocketAddr, PostedError> {
        let listener = self.bind(address)?;
        let at = listener.local_addr().map_err(|source| PostedError::Listen { address: address.to_owned(), source })?;
        let text = Arc::clone(&self.metrics);
        let answer = move |request: Question| {
            let answer = match (request.method(), request.uri().path()) {
                (&Method::GET, "/metrics") => {
                    server::metrics(text.lock().unwrap_or_else(PoisonError::into_inner).clone())
                }
                (&Method::GET, "/healthz") => plain(StatusCode::OK, "ok"),
                (&Method::GET, _) => plain(StatusCode::NOT_FOUND, "there are /healthz and /metrics"),
                _ => plain(StatusCode::METHOD_NOT_ALLOWED, "this is only read"),
            };
            async { answer }
        };
        let listening = Listening { listener, tls: None, connections: SIDE_CONNECTIONS, once: true };
        if let Some(runtime) = &self.runtime {
            runtime.spawn(server::serve(listening, answer, |_| {}, std::future::pending()));
        }
        Ok(at)
    }

    /// What is shown as metrics from now on.
    pub fn show(&self, text: String) {
        *self.metrics.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Those whose posts are judged get their answers.
            runtime.shutdown_timeout(Duration::from_millis(200));
        }
    }
}

struct Taker {
    send: Sender<Post>,
    room: Semaphore,
    turned: Arc<Turned>,
}

impl Taker {
    async fn answer(self: Arc<Self>, request: Question) -> Answer {
        let bad = |answer: Answer| {
            self.turned.bad.fetch_add(1, Ordering::Relaxed);
            answer
        };
        let busy = |why: &str| {
            self.turned.busy.fetch_add(1, Ordering::Relaxed);
            server::busy(why)
        };
        if request.uri().path() != PATH {
            return bad(plain(StatusCode::NOT_FOUND, &format!("audit events are posted to {PATH}")));
        }
        if request.method() != Method::POST {
            return bad(plain(StatusCode::METHOD_NOT_ALLOWED, "audit events are posted"));
        }
        let length = match server::announced(&request, MOST_BYTES) {
            Ok(length) => length,
            Err(why) => return bad(Unread::answer(why, MOST_BYTES)),
        };
        let weight = (length / 1024).max(LEAST);
        let Ok(_permit) = self.room.try_acquire_many(weight as u32) else {
            return busy("too many audit events wait to be judged");
        };
        let body = match server::body(request, MOST_BYTES, BODY).await {
            Ok(body) => body,
            Err(why) => return bad(why.answer(MOST_BYTES)),
        };
        let (answer, answered) = oneshot::channel();
        if self.send.send(Post { body, answer }).is_err() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "no more is judged");
        }
        match timeout(JUDGED, answered).await {
            Ok(Ok(Taken::Judged { events, foreign: 0 })) => plain(StatusCode::OK, &format!("{events} judged")),
            Ok(Ok(Taken::Judged { events, foreign })) => {
                plain(StatusCode::OK, &format!("{events} judged, {foreign} left out, which are no audit events"))
            }
            Ok(Ok(Taken::Malformed(reason))) => bad(plain(StatusCode::BAD_REQUEST, &reason)),
            Ok(Ok(Taken::Failed)) => plain(StatusCode::INTERNAL_SERVER_ERROR, "alerts cannot be written"),
            Ok(Err(_)) => plain(StatusCode::SERVICE_UNAVAILABLE, "no more is judged"),
            Err(_) => busy("it was not judged in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    const PATIENCE: Duration = Duration::from_mins(1);

    /// Posts so many bytes, or only says that it will.
    fn post(at: SocketAddr, length: usize, body: bool) -> TcpStream {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        if body {
            stream.write_all(&vec![b' '; length]).unwrap();
        }
        stream
    }

    fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.to_ascii_lowercase()
    }

    #[test]
    fn what_there_is_no_room_for_is_to_be_sent_again() {
        let servers = Servers::new().unwrap();
        let (at, posts, turned) = servers.posts("127.0.0.1:0", None).unwrap();
        let judged = || Taken::Judged { events: 1, foreign: 0 };
        // Five of the largest leave no room for a sixth, however long they wait to be judged.
        let waiting: Vec<TcpStream> = (0..5).map(|_| post(at, MOST_BYTES, true)).collect();
        let taken: Vec<Post> = waiting.iter().map(|_| posts.recv_timeout(PATIENCE).unwrap()).collect();
        assert!(taken.iter().all(|post| post.body.len() == MOST_BYTES));
        let refused = answer(post(at, MOST_BYTES, false));
        assert!(refused.starts_with("http/1.1 429 ") && refused.contains("\r\nretry-after: "), "{refused}");
        assert_eq!(turned.busy.load(Ordering::Relaxed), 1);
        // There is some for a small one.
        let small = post(at, 2, true);
        posts.recv_timeout(PATIENCE).unwrap().answer(judged());
        assert!(answer(small).starts_with("http/1.1 200 "));
        // And for large ones, once others were judged: nothing is held for ever.
        for post in taken {
            post.answer(judged());
        }
        assert!(waiting.into_iter().map(answer).all(|answer| answer.starts_with("http/1.1 200 ")));
        let again = post(at, MOST_BYTES, true);
        posts.recv_timeout(PATIENCE).unwrap().answer(Taken::Malformed("no".to_owned()));
        assert!(answer(again).starts_with("http/1.1 400 "));
        assert_eq!((turned.busy.load(Ordering::Relaxed), turned.bad.load(Ordering::Relaxed)), (1, 1));
        // Nor is it said to be judged when nobody judges any more.
        let unjudged = post(at, 2, true);
        drop(posts.recv_timeout(PATIENCE).unwrap());
        assert!(answer(unjudged).starts_with("http/1.1 503 "));
        drop(posts);
        assert!(answer(post(at, 2, true)).starts_with("http/1.1 503 "));
    }
}
