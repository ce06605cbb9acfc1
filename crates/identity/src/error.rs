//! Why somebody is not let in, or may not do something.

use crate::role::{Access, Resource};
use sekisho_store::StoreError;

/// Why somebody is not who it was to be shown: 401 to whoever asks, but for [`Denied::Wait`], which is 429.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Name or password is wrong, or the user is disabled or never logs in: who does not know the password is told no more.
    #[error("name or password is wrong")]
    Login,
    /// It is no token of ours, or one that is not known.
    #[error("the token is not known")]
    Unknown,
    /// The token or session has ended.
    #[error("the token or session has ended")]
    Expired,
    /// The token was taken back.
    #[error("the token was revoked")]
    Revoked,
    /// The user may do nothing for now.
    #[error("the account is disabled")]
    Disabled,
    /// There were too many attempts.
    #[error("there were too many attempts; try again in {seconds} seconds")]
    Wait {
        /// How long no more is looked at.
        seconds: u64,
    },
}

/// An operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Nobody knows who asks.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Who asks may not: 403.
    #[error("{who} may not {access} {resource}")]
    Forbidden {
        /// Who.
        who: String,
        /// How it was to be used.
        access: Access,
        /// What.
        resource: Resource,
    },
    /// Who asks would give what they do not have, or touch somebody who has it: 403.
    #[error("{who} does not have all that the role {role} permits, and so may not {action}")]
    Beyond {
        /// Who.
        who: String,
        /// The role.
        role: String,
        /// What was to be done.
        action: &'static str,
    },
    /// The password has to be changed before: 403.
    #[error("the password has to be changed first")]
    MustChange,
    /// This cannot be: 400.
    #[error("{what} cannot be used: {reason}")]
    Invalid {
        /// What was given.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not there: 404.
    #[error("there is no {what} {name}")]
    Absent {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// It is there already, or is needed as it is: 409.
    #[error("{0}")]
    Conflict(String),
    /// Too many passwords are looked at now: 503.
    #[error("too many passwords are being looked at; try again")]
    Busy,
    /// The system gives no random numbers, without which nothing is secret.
    #[error("cannot make a secret: the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The password hash failed, for want of memory or by a defect of this program.
    #[error("cannot hash a password: {0}")]
    Hash(String),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
