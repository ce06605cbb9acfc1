//! What is answered: documents with what tells whether they changed, and problems.

use crate::judging::HubError;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use sekisho_api::problem::{self, Problem};
use sekisho_base::hash;
use sekisho_identity::{Denied, IdentityError};
use sekisho_model::Code;
use sekisho_store::StoreError;
use serde::Serialize;

/// What a route answers.
pub(super) type Reply = Result<Response<Body>, Refusal>;

/// Why a request is not done, and when to ask again, in seconds.
#[derive(Debug)]
pub(super) struct Refusal(Box<Problem>, u64);

/// Why a request was not done, for the log.
#[derive(Clone)]
pub(super) struct Why(pub(super) String);

impl Refusal {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(code, detail)), 1)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = if error.is_transient() { Code::HubUnavailable } else { Code::InternalFault };
        Self::new(code, error.to_string())
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        match error {
            HubError::Store(error) => error.into(),
            error => Self::new(Code::InternalFault, error.to_string()),
        }
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        let code = match error {
            IdentityError::Store(error) => return error.into(),
            IdentityError::Denied(Denied::Wait { seconds }) => {
                return Self(Box::new(Problem::new(Code::RequestRate, error.to_string())), seconds);
            }
            IdentityError::Denied(_) => Code::RequestUnauthenticated,
            IdentityError::Forbidden { .. } | IdentityError::Beyond { .. } | IdentityError::MustChange => {
                Code::RequestForbidden
            }
            IdentityError::Invalid { .. } => Code::RequestMalformed,
            IdentityError::Absent { .. } => Code::RequestAbsent,
            IdentityError::Conflict(_) => Code::RequestConflict,
            IdentityError::Busy => Code::HubUnavailable,
            IdentityError::Random(_) | IdentityError::Hash(_) => Code::InternalFault,
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        response.extensions_mut().insert(Why(self.0.detail.clone()));
        *response.status_mut() = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
        match self.0.status {
            401 => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            429 | 503 => headers.insert(RETRY_AFTER, HeaderValue::from(self.1)),
            _ => None,
        };
        response
    }
}

/// A document, or that it is the one that whoever asks has already.
pub(super) fn document(asked: &HeaderMap, document: &impl Serialize) -> Reply {
    let failed = |error: serde_json::Error| Refusal::new(Code::InternalFault, error.to_string());
    let body = serde_json::to_vec(document).map_err(failed)?;
    let tag = format!("\"{}\"", hash::hex(&hash::sha256(&body)[..16]));
    let has = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut has = has.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let mut response = if has.any(|one| one == tag || one == "*") {
        let mut same = Response::new(Body::empty());
        *same.status_mut() = StatusCode::NOT_MODIFIED;
        same
    } else {
        let mut whole = Response::new(Body::from(body));
        whole.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        whole
    };
    if let Ok(tag) = tag.parse() {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// What was made, some of which is told only now.
pub(super) fn made(document: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(document).map_err(|error| Refusal::new(Code::InternalFault, error.to_string()))?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// That it is done.
pub(super) fn done() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
