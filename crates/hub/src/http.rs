//! What is asked of a hub over HTTP: the routes of [`sekisho_api::endpoint`], each behind the permission that its line names.

mod access;
mod answer;
mod asked;
mod routes;

use crate::judging::Hub;
use crate::metrics::Metrics;
use answer::{Refusal, Why};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Response;
use axum::middleware::{self, Next};
use axum::routing::{MethodFilter, on};
use sekisho_api::endpoint::{self, ENDPOINTS, Endpoint, Method, Needs};
use sekisho_base::Limits;
use sekisho_identity::Identity;
use sekisho_model::Code;
use sekisho_net::server::{self, Listening, Question, Refused, StatusCode, TlsAcceptor, plain};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_service::Service as _;

/// Connections at the same time.
const CONNECTIONS: usize = 2048;
/// Connections for probes and metrics.
const SIDE_CONNECTIONS: usize = 64;
/// How long the state may take to answer to a probe.
const READY: Duration = Duration::from_secs(2);
/// KiB of all documents that are being read at the same time. What is read takes some four times the memory.
const IN_FLIGHT: usize = 128 << 10;

/// Where events are told: what kind, and what happened.
pub type Log = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// The API of a hub.
pub struct Api {
    hub: Arc<Hub>,
    identity: Arc<Identity>,
    limits: Limits,
    in_flight: Semaphore,
    requests: AtomicU64,
    metrics: Metrics,
    log: Log,
    draining: AtomicBool,
}

impl Api {
    /// Over this hub; documents are read within `limits`, and what is the hub's fault is told to `log`.
    pub fn new(hub: Arc<Hub>, identity: Arc<Identity>, limits: Limits, log: Log) -> Arc<Self> {
        Arc::new(Self {
            hub,
            identity,
            limits,
            in_flight: Semaphore::new(IN_FLIGHT),
            requests: AtomicU64::new(0),
            metrics: Metrics::default(),
            log,
            draining: AtomicBool::new(false),
        })
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers probes and shows what is counted, without TLS and without asking who wants to know, until it is dropped.
    pub async fn run_side(self: Arc<Self>, listener: TcpListener) {
        let listening = Listening { listener, tls: None, connections: SIDE_CONNECTIONS, once: true };
        let answer = move |request: Question| {
            let api = Arc::clone(&self);
            async move {
                match (request.method(), request.uri().path()) {
                    (&server::Method::GET, "/healthz") => plain(StatusCode::OK, "alive"),
                    (&server::Method::GET, "/readyz") => api.ready().await,
                    (&server::Method::GET, "/metrics") => server::metrics(api.metrics.text()),
                    _ => plain(StatusCode::NOT_FOUND, "there is GET /healthz, /readyz and /metrics"),
                }
            }
        };
        server::serve(listening, answer, |_: Refused| {}, std::future::pending()).await;
    }

    async fn ready(&self) -> server::Answer {
        let no = |why: &str| plain(StatusCode::SERVICE_UNAVAILABLE, why);
        if self.draining.load(Ordering::Relaxed) {
            return no("no more is taken soon");
        }
        match timeout(READY, self.hub.store().database_current()).await {
            Ok(Ok(_)) => plain(StatusCode::OK, "ready"),
            Ok(Err(_)) => no("the state cannot be read"),
            Err(_) => no("the state is not read in time"),
        }
    }

    /// Serves until `stop`, and then until what is under way is answered.
    pub async fn run(self: Arc<Self>, listener: TcpListener, tls: Option<TlsAcceptor>, stop: impl Future<Output = ()>) {
        let router = router(Arc::clone(&self));
        let answer = move |request| {
            let mut router = router.clone();
            async move {
                let Ok(response) = router.call(request).await;
                response
            }
        };
        let listening = Listening { listener, tls, connections: CONNECTIONS, once: false };
        let stop = async {
            stop.await;
            self.draining.store(true, Ordering::Relaxed);
        };
        let api = Arc::clone(&self);
        server::serve(listening, answer, move |refused| api.metrics.refused(refused), stop).await;
    }
}

/// All routes.
fn router(api: Arc<Api>) -> Router {
    let routes = Routes { router: Router::new(), api: &api };
    let Routes { router, .. } = routes
        .at(&endpoint::INVENTORY_PUT, routes::inventory_put)
        .at(&endpoint::INVENTORY_LIST, routes::inventory_list)
        .at(&endpoint::INVENTORY_GET, routes::inventory_get)
        .at(&endpoint::INVENTORY_DELETE, routes::inventory_delete)
        .at(&endpoint::INVENTORY_FINDINGS, routes::inventory_findings)
        .at(&endpoint::FINDING_LIST, routes::finding_list)
        .at(&endpoint::VULNERABILITY_LIST, routes::vulnerability_list)
        .at(&endpoint::VULNERABILITY_GET, routes::vulnerability_get)
        .at(&endpoint::VULNERABILITY_HITS, routes::vulnerability_hits)
        .at(&endpoint::PACKAGE_LIST, routes::package_list)
        .at(&endpoint::DATABASE_CURRENT, routes::database_current)
        .at(&endpoint::JOB_LIST, routes::job_list)
        .at(&endpoint::SESSION_ADD, access::session_add)
        .at(&endpoint::SESSION_END, access::session_end)
        .at(&endpoint::ME_GET, access::me_get)
        .at(&endpoint::PASSWORD_PUT, access::password_put)
        .at(&endpoint::USER_LIST, access::user_list)
        .at(&endpoint::USER_ADD, access::user_add)
        .at(&endpoint::USER_DELETE, access::user_delete)
        .at(&endpoint::TOKEN_LIST, access::token_list)
        .at(&endpoint::TOKEN_ADD, access::token_add)
        .at(&endpoint::TOKEN_REVOKE, access::token_revoke)
        .at(&endpoint::ROLE_LIST, access::role_list)
        .at(&endpoint::AUDIT_LIST, access::audit_list)
        .at(&endpoint::AUDIT_VERIFY, access::audit_verify);
    let absent = async || Refusal::new(Code::RequestAbsent, "there is nothing at this path");
    let other = async || Refusal::new(Code::RequestMethod, "this path does not take that method");
    router
        .fallback(absent)
        .method_not_allowed_fallback(other)
        .layer(middleware::from_fn_with_state(Arc::clone(&api), numbered))
        .with_state(api)
}

struct Routes<'a> {
    router: Router<Arc<Api>>,
    api: &'a Arc<Api>,
}

impl Routes<'_> {
    fn at<H, T>(self, endpoint: &'static Endpoint, handler: H) -> Self
    where
        H: Handler<T, Arc<Api>>,
        T: 'static,
    {
        let method = match endpoint.method {
            Method::Get => MethodFilter::GET,
            Method::Put => MethodFilter::PUT,
            Method::Post => MethodFilter::POST,
            Method::Delete => MethodFilter::DELETE,
        };
        let place = ENDPOINTS.iter().position(|known| known.operation == endpoint.operation).unwrap_or(usize::MAX);
        let counted = middleware::from_fn_with_state((Arc::clone(self.api), place), counted);
        let guarded = middleware::from_fn_with_state((Arc::clone(self.api), endpoint), guarded);
        Self { router: self.router.route(endpoint.path, on(method, handler).layer(guarded).layer(counted)), ..self }
    }
}

/// Counts what is answered, and tells what is our fault.
async fn counted(State((api, place)): State<(Arc<Api>, usize)>, request: Request, next: Next) -> Response<Body> {
    let start = Instant::now();
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    api.metrics.answered(place, status, start.elapsed());
    if status >= 500 {
        let why = response.extensions().get::<Why>().map(|why| why.0.clone()).unwrap_or_default();
        let operation = ENDPOINTS.get(place).map(|endpoint| endpoint.operation).unwrap_or_default();
        (api.log)("request_failed", &format!("{operation}, request {id}, answered with {status}: {why}"));
    }
    response
}

/// Lets in who may.
async fn guarded(
    State((api, endpoint)): State<(Arc<Api>, &'static Endpoint)>,
    mut request: Request,
    next: Next,
) -> Result<Response<Body>, Refusal> {
    if endpoint.list.is_none() && request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::new(Code::RequestMalformed, "this is asked for without a query"));
    }
    let mut all = request.headers().get_all("authorization").iter();
    // Of two it could be meant either, by whoever is between us.
    let shown = all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok());
    let token =
        shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if endpoint.needs != Needs::Nothing {
        let Some((_, token)) = token else {
            return Err(Refusal::new(Code::RequestUnauthenticated, "no bearer token is shown"));
        };
        let token = token.trim().to_owned();
        let principal = api.identity.authenticate(&token).await?;
        if let Needs::Permission(resource, access) = endpoint.needs {
            principal.demand(resource, access)?;
        }
        request.extensions_mut().insert(principal);
    }
    request.extensions_mut().insert(endpoint);
    Ok(next.run(request).await)
}

/// What a request is called in the answer and in the log.
#[derive(Clone)]
struct RequestId(String);

/// Gives each request a number.
async fn numbered(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response<Body> {
    let number = api.requests.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:x}-{number:x}", api.hub.now().as_microsecond());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = id.parse() {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

#[cfg(test)]
mod tests;
