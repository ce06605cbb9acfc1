//! Live events of the host: what the kernel tells of programs, processes, files and connections, as events that
//! `sekisho_trace` knows.
//!
//! Programs in the kernel (`bpf/`) write records into two rings, one for what must not be lost and one for the rest;
//! [`Sensor`] loads them, says what they are to look at ([`Interest`], [`Filters`]) and makes events of the records.
//! What was lost is counted exactly, by kind, and told where it happened ([`Account`], [`Item::Lost`]).

mod act;
mod calls;
mod cgroup;
mod decode;
mod deny;
mod fallback;
mod flags;
mod guard;
mod interest;
mod layout;
mod live;
mod load;
mod numbers;
mod probe;
mod record;
mod seed;
mod sensor;
mod sys;

pub use act::{ActError, ContainerGroup, Process, sees_host};
pub use cgroup::{Cgroup, Cgroups};
pub use decode::{Decoded, Decoder, Told};
pub use deny::{Connections, DeniedConnection, Target};
pub use fallback::Fallback;
pub use guard::{Attempt, FromImage, Guard, Held};
pub use interest::{Filters, Interest, Keep, Networks, Paths, Results};
pub use live::{Live, Refused, Rung};
pub use load::LoadError;
pub use probe::{Probe, probe};
pub use record::Broken;
pub use seed::seed;
pub use sensor::{Account, Item, Options, Sensor, SensorError, now, of_since_boot, since_boot};
