//! What is asked for: names in paths, parts of lists, documents.

use super::Api;
use super::answer::Refusal;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use jiff::Timestamp;
use sekisho_api::Wanted;
use sekisho_api::endpoint::Endpoint;
use sekisho_api::filter::Filter;
use sekisho_api::page::{Cursor, MOST, USUAL};
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_model::{Code, MOST_VALUES, json_reason, json_whole};
use sekisho_net::server::{self, Unread};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How long whoever sends a document may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes of a document that is no inventory.
const SMALL: u64 = 64 << 10;
/// KiB that a request counts at least.
const LEAST: usize = 16;

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::RequestMalformed, detail)
}

/// The one name that is in the path.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<Arc<Api>> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Api>) -> Result<Self, Refusal> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        named.map(|Path(name)| Self(name)).map_err(|error| malformed(error.body_text()))
    }
}

/// Which part of a list is asked for, as it was when.
pub(super) struct Listed {
    pub(super) wanted: Wanted,
    pub(super) at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    at: Option<Timestamp>,
}

impl FromRequestParts<Arc<Api>> for Listed {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Refusal> {
        let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri)
            .map_err(|error| malformed(format!("cannot read the query: {}", error.body_text())))?;
        let endpoint = parts.extensions.get::<&'static Endpoint>();
        let fields = endpoint.and_then(|endpoint| endpoint.list).unwrap_or_default();
        let filter = if asked.filter.trim().is_empty() {
            None
        } else {
            let wrong = |error: sekisho_api::filter::FilterError| Refusal::new(Code::RequestFilter, error.to_string());
            Some(Filter::parse(&asked.filter, fields).map_err(wrong)?)
        };
        if asked.at.is_some() && !endpoint.is_some_and(|it| it.query.iter().any(|known| known.name == "at")) {
            return Err(malformed("this list is only kept as it is now: leave out `at`"));
        }
        let limit = asked.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(malformed(format!("`limit` is {limit}; it is from 1 to {MOST}")));
        }
        let wanted = Wanted { filter, after: asked.cursor.unwrap_or_default().0, limit };
        Ok(Self { wanted, at: asked.at })
    }
}

impl Api {
    /// A small document, as people and programs write it by hand.
    pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
        &self,
        request: Request<Body>,
    ) -> Result<T, Refusal> {
        self.read_up_to(request, SMALL).await
    }

    /// The document that a request has, in JSON, plain or compressed, of at most so many bytes.
    pub(super) async fn read_up_to<T: DeserializeOwned + Send + 'static>(
        &self,
        request: Request<Body>,
        most: u64,
    ) -> Result<T, Refusal> {
        let compression = compression(request.headers())?;
        let limits = self.limits.clone();
        let bytes = usize::try_from(most).unwrap_or(usize::MAX);
        let unread = move |why| match why {
            Unread::TooLarge => Refusal::new(Code::RequestTooLarge, format!("the document has more than {most} bytes")),
            Unread::Cut => malformed("the document was not sent whole"),
            Unread::Slow => Refusal::new(Code::RequestSlow, format!("it took more than {} s", PATIENCE.as_secs())),
        };
        let length = server::announced(&request, bytes).map_err(unread)?;
        let weight = (length >> 10).clamp(LEAST, super::IN_FLIGHT);
        let Ok(_permit) = self.in_flight.try_acquire_many(u32::try_from(weight).unwrap_or(u32::MAX)) else {
            return Err(Refusal::new(Code::RequestRate, "too much is being read at the same time"));
        };
        let stored = server::body(request, bytes, PATIENCE).await.map_err(unread)?;
        let read = spawn_blocking(move || {
            let mut json = Vec::new();
            let inflate = Inflate::new(&stored[..], compression, stored.len() as u64, &limits);
            let bytes = if compression == Compression::None {
                &stored[..]
            } else {
                inflate
                    .and_then(|inflate| inflate.take(most + 1).read_to_end(&mut json))
                    .map_err(|error| malformed(format!("cannot inflate the document: {error}")))?;
                if json.len() as u64 > most {
                    return Err(unread(Unread::TooLarge));
                }
                &json[..]
            };
            json_whole(bytes, MOST_VALUES)
                .map_err(|error| malformed(format!("cannot read the document: {}", json_reason(&error))))
        });
        read.await.map_err(|error| Refusal::new(Code::InternalFault, error.to_string()))?
    }
}

/// How a document in JSON is compressed.
fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase());
    let kind = header(CONTENT_TYPE).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Refusal::new(Code::RequestMediaType, format!("the document is {kind:?}, not application/json")));
    }
    match header(CONTENT_ENCODING).as_deref() {
        None | Some("identity") => Ok(Compression::None),
        Some("gzip") => Ok(Compression::Gzip),
        Some("zstd") => Ok(Compression::Zstd),
        Some(other) => Err(Refusal::new(Code::RequestMediaType, format!("the document is encoded by {other:?}"))),
    }
}
