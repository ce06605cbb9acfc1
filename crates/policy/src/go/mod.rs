//! What programs in Go read, and the API server and OPA with them, which both languages of policies have functions for.

mod duration;
mod regex;

pub(crate) use duration::nanoseconds;
pub(crate) use regex::{Pattern, translate};
