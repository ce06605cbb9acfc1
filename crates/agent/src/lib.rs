//! What runs beside the containers of a host: live events, judged by rules as they come.
//!
//! [`Host`] puts the sensor, the state that follows from its events, and the rules together; nothing here knows a
//! terminal or a server.

mod accounts;
mod activity;
mod ask;
mod deny;
mod host;
mod in_use;
mod mark;
pub mod metrics;
mod policies;
pub mod posted;
mod record;
mod respond;

pub use ask::Asked;
pub use host::{Host, Options, Seen};
pub use in_use::Images;
pub use mark::{Ended, Gap, MarkError};
pub use policies::{Judged, Policies};
pub use record::{Recorded, Recording};
pub use respond::Responses;
