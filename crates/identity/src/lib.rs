//! Who may use the hub, and for what: users and robots, passwords, sessions, tokens, roles with scopes, and the audit log.
//!
//! [`Identity`] is all of it over a [`Store`]. Who asks is found out by [`Identity::login`] and [`Identity::authenticate`], anew each
//! time: what is revoked, disabled or taken away holds from the next question on. [`Principal::may`] answers for what is asked;
//! operations of this crate ask for themselves. What they change is told in the audit log in the same step, or not done.
//!
//! No secret is kept but as a hash, printed, or told again: passwords by argon2id, tokens and sessions by SHA-256, since these are
//! random. There is no password that somebody else chose: new users and the first one have one for one login.

mod audit;
mod bearer;
mod error;
mod name;
mod password;
mod principal;
mod random;
mod role;
mod selector;
mod session;
mod throttle;
mod token;
mod user;

pub use audit::Outcome;
pub use error::{Denied, IdentityError};
pub use name::fold;
pub use password::Cost;
pub use principal::{Principal, Proof};
pub use role::{Access, On, Permissions, Resource, Role, Scope};
pub use sekisho_base::Secret;
pub use selector::{InvalidSelector, Labels, Selector};
pub use session::{Login, Origin};
pub use token::NewToken;
pub use user::{NewUser, OneTime};

use jiff::SignedDuration;
use password::Hasher;
use sekisho_base::clock::Clock;
use sekisho_store::{Store, StoreError};
use std::sync::Arc;
use throttle::Throttle;

/// How long things hold, and how dear passwords are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a session holds without being used.
    pub idle: SignedDuration,
    /// How long a session holds in any case.
    pub session: SignedDuration,
    /// How long a token may hold.
    pub token: SignedDuration,
    /// The cost of a password hash. Hashes of another cost are made anew at the next login.
    pub cost: Cost,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle: SignedDuration::from_mins(30),
            session: SignedDuration::from_hours(12),
            token: SignedDuration::from_hours(366 * 24),
            cost: Cost::default(),
        }
    }
}

/// Users, and what they may do. One for each hub: it keeps in mind who failed to log in how often.
pub struct Identity {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: Settings,
    hasher: Hasher,
    throttle: Throttle,
}

impl Identity {
    /// Over this state, with the settings that are meant for most.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self::with(store, clock, Settings::default())
    }

    /// Over this state.
    pub fn with(store: Store, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self { store, clock, settings, hasher: Hasher::new(settings.cost), throttle: Throttle::default() }
    }

    /// The roles of these names. What is not there any more permits nothing; what cannot be read is an error.
    async fn roles(&self, names: &[String]) -> Result<Vec<Role>, IdentityError> {
        let mut roles: Vec<Role> = names.iter().filter_map(|name| Role::built_in(name)).collect();
        let made: Vec<&str> = names.iter().map(String::as_str).filter(|name| Role::built_in(name).is_none()).collect();
        for stored in self.store.role_named(&made).await? {
            roles.push(read_role(&stored.name, &stored.document)?);
        }
        Ok(roles)
    }

    /// The same, where each has to be there.
    async fn known_roles(&self, names: &[String]) -> Result<Vec<Role>, IdentityError> {
        let roles = self.roles(names).await?;
        match names.iter().find(|name| roles.iter().all(|role| role.name != **name)) {
            Some(name) => Err(IdentityError::Absent { what: "role", name: name::clipped(name, 63) }),
            None => Ok(roles),
        }
    }
}

fn read_role(name: &str, document: &str) -> Result<Role, IdentityError> {
    let damaged =
        |error: serde_json::Error| StoreError::Damaged { what: format!("the role {name}"), reason: error.to_string() };
    Ok(serde_json::from_str(document).map_err(damaged)?)
}
