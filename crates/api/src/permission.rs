//! What somebody may be allowed to do, and with what.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

macro_rules! resources {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $divided:literal,)*) => {
        /// What is protected: kinds of things.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum Resource {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Resource {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// What it is called, in documents too.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether things of it belong to a cluster, a namespace, or have labels, so that a role can hold for some of them. The
            /// others take a role without a scope.
            pub fn is_divided(self) -> bool {
                match self { $(Self::$variant => $divided,)* }
            }
        }
    };
}

resources! {
    /// What was found in images and directories.
    Inventories "inventories" true,
    /// What is known of vulnerabilities.
    Vulnerabilities "vulnerabilities" false,
    /// Which packages have which.
    Findings "findings" true,
    /// Packages of all inventories.
    Packages "packages" true,
    /// Advisory databases.
    Databases "databases" false,
    /// Work that is under way.
    Jobs "jobs" false,
    /// Policies and rules.
    Policies "policies" false,
    /// What breaks policies.
    Violations "violations" true,
    /// What runs.
    Workloads "workloads" true,
    /// What happened at run time.
    Alerts "alerts" true,
    /// Agents and their hosts.
    Agents "agents" true,
    /// Users and their sessions.
    Users "users" false,
    /// Tokens.
    Tokens "tokens" false,
    /// Roles.
    Roles "roles" false,
    /// Who did what.
    Audit "audit" false,
    /// Findings and violations that were accepted.
    Exceptions "exceptions" true,
    /// Who is told of what.
    Notifiers "notifiers" false,
    /// Settings of the hub.
    Settings "settings" false,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What may be done. Neither is part of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Looking at it.
    Read,
    /// Making, changing, deleting it.
    Write,
}

impl Access {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
