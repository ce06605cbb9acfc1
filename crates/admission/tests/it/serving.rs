use super::*;
use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use sekisho_admission::authority::{Authorities, SETTLED};
use sekisho_admission::metrics::Number;
use sekisho_admission::{Event, ImageSource, Images, Later, Listeners, Missed, Outcome, Server, Service, Sources};
use sekisho_base::clock::{Clock as _, FixedClock, SystemClock};
use sekisho_model::{Digest, ImageRef};
use sekisho_net::Network;
use sekisho_net::server::Showing;
use sekisho_policy::ImageFacts;
use sekisho_testkit::apiserver::{connect, post};
use serde_json::json;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, oneshot};

pub(crate) const HOST: &str = "sekisho-admission.sekisho-system.svc";
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs until the test ends or stops it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    side: SocketAddr,
    pub(crate) authorities: Authorities,
    showing: Arc<Showing>,
    service: Arc<Service>,
    told: Arc<Mutex<Vec<String>>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(rules: Rules, sources: Sources, drain: Duration) -> Self {
        // Clients look at the machine's clock.
        let today = SystemClock.now();
        let authorities = Authorities::default().turned(today).unwrap();
        let shown = authorities.certificate(&[HOST.to_owned(), "127.0.0.1".to_owned()], today).unwrap();
        let showing = Showing::new(shown.certified());
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&told);
        let service = Arc::new(Service::new(
            Judge::new(rules, set(POLICIES)),
            sources,
            2,
            Arc::new(FixedClock(now())),
            Arc::new(move |event: &Event<'_>| log.lock().unwrap().push(format!("{event:?}"))),
        ));
        let server = Server::new(Arc::clone(&service), Arc::clone(&showing), drain).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (send, receive) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let side = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send((webhook.local_addr().unwrap(), side.local_addr().unwrap())).unwrap();
                let stop = async {
                    // Whoever drops the sender stops it as well.
                    let _ = stopped.await;
                };
                server.run(Listeners { webhook, side: Some(side) }, stop).await;
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        let (address, side) = receive.recv().unwrap();
        Self { address, side, authorities, showing, service, told, stop: Mutex::new(Some(stop)), thread: Some(thread) }
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<(u16, String), String> {
        let (status, body) = post(self.address, self.authorities.bundle().as_bytes(), HOST, path, body, PATIENCE)?;
        Ok((status, String::from_utf8(body).unwrap()))
    }

    fn review(&self, path: &str, review: &Value) -> Value {
        let (status, body) = self.post(path, review.to_string().as_bytes()).unwrap();
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    fn side(&self, path: &str) -> (u16, String) {
        let mut stream = std::net::TcpStream::connect(self.side).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn end(&self) {
        drop(self.stop.lock().unwrap().take());
    }

    fn stop(mut self) {
        self.end();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn start() -> Running {
    Running::start(enforcing(), Sources::default(), Duration::ZERO)
}

#[test]
fn requests_are_answered_over_tls_that_proves_the_name() {
    let running = start();
    let denied = running.review("/validate?timeout=10s", &recorded("deployment-create"));
    assert_eq!((&denied["allowed"], &denied["status"]["code"]), (&json!(false), &json!(403)));
    assert!(denied["status"]["message"].as_str().unwrap().contains("[privileged]"));
    assert_eq!(denied["auditAnnotations"]["verdict"], "denied");
    let warned = running.review("/validate/warn?timeout=10s", &recorded("deployment-create"));
    assert_eq!((&warned["allowed"], warned["warnings"].as_array().unwrap().len()), (&json!(true), 2));
    assert_eq!(warned["auditAnnotations"]["mode"], "warn");

    let bundle = running.authorities.bundle();
    let wrong = connect(running.address, bundle.as_bytes(), "elsewhere.sekisho-system.svc", PATIENCE).map(|_| ());
    assert!(wrong.unwrap_err().contains("not valid for name"));
    let stranger = Authorities::default().turned(SystemClock.now()).unwrap().bundle();
    assert!(connect(running.address, stranger.as_bytes(), HOST, PATIENCE).is_err());
    assert_eq!(running.side("/healthz").0, 200);
    assert_eq!(running.side("/readyz").0, 200);
    let (_, metrics) = running.side("/metrics");
    assert!(
        metrics.contains("sekisho_admission_requests_total{outcome=\"denied\",mode=\"enforce\",dry_run=\"false\"} 1")
    );
    assert!(metrics.contains("sekisho_admission_violations_total{policy=\"privileged\"} 2"));
    assert_eq!(running.side("/validate").0, 404);
    let told = running.told();
    assert!(told.iter().any(|it| it.contains("CREATE apps/deployments shop/web")), "{told:?}");
    running.stop();
}

#[test]
fn a_dry_run_is_answered_alike_and_leaves_no_trace() {
    let running = start();
    let mut review = recorded("deployment-create");
    review["request"]["dryRun"] = json!(true);
    assert_eq!(running.review("/validate", &review)["allowed"], json!(false));
    assert_eq!(running.told(), [""; 0]);
    let metrics = &running.service.metrics;
    assert_eq!((metrics.requests(Outcome::Denied, false), metrics.requests(Outcome::Denied, true)), (0, 1));
    assert!(!metrics.text().contains("policy=\"privileged\""));
    running.stop();
}

#[test]
fn what_is_no_request_is_refused_and_the_server_goes_on() {
    let running = start();
    let check = |path: &str, body: &[u8], status: u16| {
        let (found, text) = running.post(path, body).unwrap();
        assert_eq!(found, status, "{path}: {text}");
    };
    check("/validate", b"", 400);
    check("/validate", b"{", 400);
    check("/validate", &b"[".repeat(200_000), 400);
    check("/validate", &b"[],".repeat(700_000), 413);
    check("/validate", br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}"#, 400);
    check("/elsewhere", b"{}", 404);
    check("/validate/block", b"{}", 404);
    // More than is taken is refused by its length, before it is read.
    let bundle = running.authorities.bundle();
    let mut stream = connect(running.address, bundle.as_bytes(), HOST, PATIENCE).unwrap();
    write!(stream, "POST /validate HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    // Without a length that shows as soon as it has come.
    let mut stream = connect(running.address, bundle.as_bytes(), HOST, PATIENCE).unwrap();
    let large = (7 << 20) + 1;
    write!(
        stream,
        "POST /validate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n{large:x}\r\n"
    )
    .unwrap();
    stream.write_all(&vec![b' '; large]).unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    // What is no TLS, or ends at once, is the peer's matter.
    let mut plain = std::net::TcpStream::connect(running.address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let _ = plain.read(&mut [0; 16]);
    drop(std::net::TcpStream::connect(running.address).unwrap());
    assert_eq!(running.review("/validate", &recorded("deployment-good"))["allowed"], json!(true));
    assert!(running.service.metrics.get(Number::BadRequests) >= 5);
    running.stop();
}

/// The API server speaks HTTP/2, where the length of a request need not be said.
#[test]
fn too_large_requests_are_refused_over_http_2_and_the_connection_goes_on() {
    const LARGE: usize = (7 << 20) + 1;
    let running = start();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem");
    std::fs::write(&bundle, running.authorities.bundle()).unwrap();
    let client = Network { ca_bundles: vec![bundle], ..Network::default() }.client().unwrap();
    let post = async |body: reqwest::Body| {
        let url = format!("https://{}/validate", running.address);
        let response = client.post(url).body(body).send().await.unwrap();
        assert_eq!(response.version(), reqwest::Version::HTTP_2);
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let good = || recorded("deployment-good").to_string().into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        assert_eq!(post(good()).await.0, 200);
        let refused = (413, "the request is larger than 7 MiB\n".to_owned());
        assert_eq!(post(vec![b' '; LARGE].into()).await, refused);
        // Nobody says how long it is.
        let parts = (0..=LARGE >> 16).map(|_| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![b' '; 1 << 16]))));
        let unsized_body = StreamBody::new(futures_util::stream::iter(parts.collect::<Vec<_>>()));
        assert_eq!(post(reqwest::Body::wrap(unsized_body)).await, refused);
        assert_eq!(post(good()).await.0, 200);
    });
    assert_eq!(running.service.metrics.get(Number::BadRequests), 2);
    // The connection is kept for as long as somebody keeps it.
    drop((runtime, client));
    running.stop();
}

#[test]
fn certificates_change_without_a_restart_and_both_authorities_hold_meanwhile() {
    let mut running = start();
    let first = running.authorities.clone();
    let review = recorded("deployment-good");
    running.review("/validate", &review);
    // A day ago the next authority was made and told, so that the bundle with both is everywhere.
    let today = SystemClock.now();
    let both = first.rotated(today - SETTLED).unwrap();
    running.authorities = both.clone();
    running.review("/validate", &review);
    // Now it signs.
    running.showing.replace(both.certificate(&[HOST.to_owned()], today).unwrap().certified());
    running.review("/validate", &review);
    running.authorities = first;
    let only_old = running.post("/validate", review.to_string().as_bytes());
    assert!(only_old.is_err(), "it still shows the old one's: {only_old:?}");
    running.stop();
}

#[test]
fn broken_policies_leave_those_before() {
    let running = start();
    let review = recorded("deployment-create");
    running.service.keep_policies("line 3: no");
    assert_eq!(running.review("/validate", &review)["allowed"], json!(false));
    assert_eq!(running.service.metrics.get(Number::PoliciesStale), 1);
    running.service.replace(Judge::new(enforcing(), PolicySet::default()));
    assert_eq!(running.review("/validate", &review)["allowed"], json!(true));
    assert_eq!(running.service.metrics.get(Number::PoliciesStale), 0);
    assert!(running.told().iter().any(|it| it.contains("policies_kept")));
    running.stop();
}

/// Whoever knows images, when it is let.
#[derive(Default)]
struct Slow {
    asked: AtomicUsize,
    gate: Option<Arc<Semaphore>>,
    began: Arc<Notify>,
}

impl ImageSource for Slow {
    fn resolve(&self, _: ImageRef) -> Later<Digest, Missed> {
        Box::pin(async { Ok(Digest::of(b"image")) })
    }

    fn facts(&self, image: ImageRef) -> Later<ImageFacts, Missed> {
        assert_eq!(image.digest, Some(Digest::of(b"image")));
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (gate, began) = (self.gate.clone(), Arc::clone(&self.began));
        Box::pin(async move {
            began.notify_one();
            if let Some(gate) = gate {
                // Never closed.
                gate.acquire().await.map_err(|error| Missed::from(error.to_string()))?.forget();
            }
            Ok(ImageFacts {
                os: sekisho_model::Fact::Known("debian:9".to_owned()),
                scanned: Some(now()),
                ..ImageFacts::default()
            })
        })
    }
}

fn with_images(slow: &Arc<Slow>, drain: Duration) -> Running {
    let source: Arc<dyn ImageSource> = Arc::clone(slow) as _;
    Running::start(enforcing(), Sources { images: Some(Images::new(source)), namespaces: None }, drain)
}

#[test]
fn many_requests_about_one_image_are_one_look_up() {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Arc::new(Slow { gate: Some(Arc::clone(&gate)), ..Slow::default() });
    let running = with_images(&slow, Duration::ZERO);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| running.review("/validate?timeout=20s", &recorded("deployment-good"))))
            .collect();
        // All but the answers are there once they are all under way.
        until(|| running.service.metrics.get(Number::InFlight) == 20);
        gate.add_permits(100);
        for one in all {
            let answer = one.join().unwrap();
            assert_eq!(answer["allowed"], json!(false), "{answer}");
            let digest = format!("registry.example.org/web:1={}", Digest::of(b"image"));
            assert_eq!(answer["auditAnnotations"]["images"], digest);
        }
    });
    assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
    running.stop();
}

#[test]
fn a_registry_that_does_not_answer_takes_no_more_than_the_time_that_is_given() {
    let slow = Arc::new(Slow { gate: Some(Arc::new(Semaphore::new(0))), ..Slow::default() });
    let running = with_images(&slow, Duration::ZERO);
    let start = Instant::now();
    let answer = running.review("/validate?timeout=1s", &recorded("deployment-good"));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1) && took > Duration::from_millis(400), "{took:?}");
    assert_eq!(answer["allowed"], json!(true));
    assert_eq!(answer["auditAnnotations"]["unknown"], "old-system");
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("could not be looked up in time"), "{warnings}");
    // What the object itself is refused for waits for nobody.
    let answer = running.review("/validate?timeout=1s", &recorded("deployment-create"));
    assert!(answer["status"]["message"].as_str().unwrap().contains("1 policy about images was not asked"));
    running.stop();
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Arc::new(Slow { gate: Some(Arc::clone(&gate)), ..Slow::default() });
    let running = with_images(&slow, Duration::from_millis(200));
    std::thread::scope(|scope| {
        let under_way = scope.spawn(|| {
            let bundle = running.authorities.bundle();
            let body = recorded("deployment-good").to_string();
            post(running.address, bundle.as_bytes(), HOST, "/validate?timeout=20s", body.as_bytes(), PATIENCE)
        });
        until(|| running.service.metrics.get(Number::InFlight) == 1);
        running.end();
        until(|| running.side("/readyz").0 == 503);
        assert_eq!(running.side("/healthz").0, 200);
        until(|| std::net::TcpStream::connect(running.address).is_err());
        gate.add_permits(1);
        let (status, body) = under_way.join().unwrap().unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    });
    running.stop();
}

/// Waits for what comes soon, or else fails.
fn until(it: impl Fn() -> bool) {
    let start = Instant::now();
    while !it() {
        assert!(start.elapsed() < PATIENCE, "it does not come");
        std::thread::yield_now();
    }
}
