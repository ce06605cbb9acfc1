//! Logins, users, tokens, roles and the audit log, as they are asked for and answered.

use crate::permission::{Access, Resource};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use utoipa::ToSchema;

/// A text that is shown to nobody but whoever it is sent to: it is not in what is written for developers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

/// A login by name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewSession {
    /// The user's name.
    pub name: String,
    /// The password.
    pub password: Hidden,
}

/// A login that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionMade {
    /// What is to be shown from now on, as a bearer token. It is told once.
    pub token: Hidden,
    /// Whether nothing is permitted before the password is changed.
    pub must_change: bool,
    /// When the session ends in any case.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// Another password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The one there is.
    pub present: Hidden,
    /// The one there shall be.
    pub new: Hidden,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's name.
    pub name: String,
    /// Names of roles: of a token those it was given, which hold as far as its owner's reach.
    pub roles: Vec<String>,
    /// Whether nothing is permitted before the password is changed.
    pub must_change: bool,
    /// Until when the session or token holds, if it is not used again.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
}

/// A user, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserEntry {
    /// Which one.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whether it is a program: it has tokens and never logs in.
    pub robot: bool,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Whether it may do nothing for now.
    pub disabled: bool,
    /// Whether the password has to be changed before anything else is done.
    pub must_change: bool,
    /// Since when it is there.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A user to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What it is called: letters and digits of any script, and `. _ - @ +`.
    pub name: String,
    /// Whether it is a program: it has tokens and never logs in.
    #[serde(default)]
    pub robot: bool,
    /// Names of roles.
    pub roles: Vec<String>,
}

/// A user that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserMade {
    /// The user.
    #[serde(flatten)]
    pub user: UserEntry,
    /// A password for one login, after which it has to be changed; none of a robot. It is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Hidden>,
}

/// A token, without what it is shown by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenEntry {
    /// Which one.
    pub id: String,
    /// The id of the user whose it is.
    pub owner: String,
    /// What it is for.
    pub name: String,
    /// Names of roles; of these it has what its owner has too.
    pub roles: Vec<String>,
    /// Where these hold.
    #[schema(value_type = Object)]
    pub scope: Value,
    /// Since when it is there.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until when it can be used.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was used last, about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<Timestamp>,
    /// Since when it can be used no more, whatever its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// The id of the robot whose it is to be; whoever asks where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Where these hold: `clusters`, `namespaces` and `labels`; everywhere where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub scope: Option<Value>,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    /// What is to be shown as a bearer token. It is told once.
    pub token: Hidden,
    /// The rest of it.
    #[serde(flatten)]
    pub entry: TokenEntry,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleEntry {
    /// What it is called.
    pub name: String,
    /// What it permits.
    pub permissions: BTreeMap<Resource, BTreeSet<Access>>,
    /// Where: `clusters`, `namespaces` and `labels`; everywhere where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub scope: Option<Value>,
}

/// Something that was done, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its place; the first is 1.
    pub number: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it: `user:` or `token:` with an id, `system`, or `nobody` where that was not known.
    pub who: String,
    /// What was done: `user.add`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// What came of it: `done`, `refused`.
    pub outcome: String,
    /// What else is to be known: a JSON object as the text that was hashed.
    pub detail: String,
    /// The hash of the entry before; zeros for the first.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// Whether the audit log is what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditVerdict {
    /// The number of the last entry that follows from all before it; 0 where there is none.
    pub intact: u64,
    /// Its hash: who keeps it elsewhere sees later whether the log was cut or written anew.
    pub hash: String,
    /// What is wrong with the first entry that does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}
