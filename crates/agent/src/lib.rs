//! What runs beside the containers of a host: live events, judged by rules as they come.
//!
//! [`Host`] puts the sensor, the state that follows from its events, and the rules together; nothing here knows a
//! terminal or a server.

mod accounts;
mod ask;
mod deny;
mod host;
mod record;
mod respond;

pub use ask::Asked;
pub use host::{Host, Options, Seen};
pub use record::{Recorded, Recording};
