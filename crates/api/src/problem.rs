//! What went wrong with a request, as RFC 9457 has it.

use sekisho_model::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// What kind of thing, as `area.reason`; each stands in the list of error codes.
    pub code: Code,
    /// The same in a sentence, for people.
    pub title: String,
    /// What was attempted, on what, and why it failed.
    pub detail: String,
    /// What to do about it.
    pub hint: String,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            status: status(code),
            code,
            title: code.title().to_owned(),
            detail: detail.into(),
            hint: code.hint().to_owned(),
        }
    }
}

/// The status that is answered where this is why.
pub fn status(code: Code) -> u16 {
    match code {
        Code::RequestMalformed | Code::RequestFilter => 400,
        Code::RequestUnauthenticated => 401,
        Code::RequestForbidden => 403,
        Code::RequestAbsent => 404,
        Code::RequestMethod => 405,
        Code::RequestSlow => 408,
        Code::RequestConflict => 409,
        Code::RequestTooLarge => 413,
        Code::RequestMediaType => 415,
        Code::RequestRate => 429,
        Code::HubUnavailable => 503,
        _ => 500,
    }
}
