//! The admission webhook: what is about to run in a cluster, judged by the policies before it does.
//!
//! [`review`], [`rules`] and [`judge`] take values and return values. Around them are the server, its certificates and
//! what it asks of others: registries through an [`ImageSource`], the API server through [`cluster`].

pub mod authority;
mod breaker;
mod cache;
pub mod cluster;
mod decision;
mod images;
pub mod judge;
pub mod manifests;
pub mod metrics;
pub mod review;
pub mod rules;
mod said;
mod server;
mod service;
mod weighed;

pub use images::{ImageSource, Images, Later, Looked, Missed};
pub use judge::{Decision, Judge, Outcome};
pub use rules::{Doubt, Mode, Rules};
pub use server::{Listeners, Server, ServerError};
pub use service::{Event, Log, NamespaceSource, Service, Sources};
