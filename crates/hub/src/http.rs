//! What is asked of a hub over HTTP: the routes of [`sekisho_api::endpoint`], each behind the permission that its line names.

mod answer;
mod asked;
mod routes;

use crate::judging::Hub;
use answer::Refusal;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Response;
use axum::middleware::{self, Next};
use axum::routing::{MethodFilter, on};
use sekisho_api::endpoint::{self, Endpoint, Method};
use sekisho_api::permission::{Access, Resource};
use sekisho_base::Limits;
use sekisho_model::Code;
use sekisho_net::server::{self, Listening, Refused, TlsAcceptor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_service::Service as _;

/// Connections at the same time.
const CONNECTIONS: usize = 2048;
/// KiB of all documents that are being read at the same time. What is read takes some four times the memory.
const IN_FLIGHT: usize = 128 << 10;

/// Says whether whoever shows this may do that; `None` shows nothing.
pub type Guard = Arc<dyn Fn(Option<&str>, (Resource, Access)) -> Result<(), Code> + Send + Sync>;

/// The API of a hub.
pub struct Api {
    hub: Arc<Hub>,
    guard: Guard,
    limits: Limits,
    in_flight: Semaphore,
    requests: AtomicU64,
}

impl Api {
    /// Over this hub; documents are read within `limits`.
    pub fn new(hub: Arc<Hub>, guard: Guard, limits: Limits) -> Arc<Self> {
        Arc::new(Self { hub, guard, limits, in_flight: Semaphore::new(IN_FLIGHT), requests: AtomicU64::new(0) })
    }

    /// Serves until `stop`, and then until what is under way is answered.
    pub async fn run(self: Arc<Self>, listener: TcpListener, tls: Option<TlsAcceptor>, stop: impl Future<Output = ()>) {
        let router = router(self);
        let answer = move |request| {
            let mut router = router.clone();
            async move {
                let Ok(response) = router.call(request).await;
                response
            }
        };
        let listening = Listening { listener, tls, connections: CONNECTIONS, once: false };
        server::serve(listening, answer, |_: Refused| {}, stop).await;
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
        .at(&endpoint::JOB_LIST, routes::job_list);
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
        let guarded = middleware::from_fn_with_state((Arc::clone(self.api), endpoint), guarded);
        Self { router: self.router.route(endpoint.path, on(method, handler).layer(guarded)), ..self }
    }
}

/// Lets in who may.
async fn guarded(
    State((api, endpoint)): State<(Arc<Api>, &'static Endpoint)>,
    mut request: Request,
    next: Next,
) -> Result<Response<Body>, Refusal> {
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token =
        shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    (api.guard)(token.map(|(_, token)| token.trim()), endpoint.needs).map_err(|code| {
        Refusal::new(code, format!("{} of {} is asked for", endpoint.needs.1.as_str(), endpoint.needs.0.as_str()))
    })?;
    request.extensions_mut().insert(endpoint);
    Ok(next.run(request).await)
}

/// Gives each request a number, which is in the answer, in what is wrong with it and in the log.
async fn numbered(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response<Body> {
    let number = api.requests.fetch_add(1, Ordering::Relaxed);
    let mut response = next.run(request).await;
    if let Ok(value) = format!("{:x}-{number:x}", api.hub.now().as_microsecond()).parse() {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

#[cfg(test)]
mod tests;
