//! What programs in Go read, and the API server and OPA with them, for criteria and for the functions of both languages of policies.

mod duration;
mod regex;

pub(crate) use duration::nanoseconds;
pub(crate) use regex::{Pattern, is_valid, translate};
