//! What somebody may be allowed to do, and with what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

words! {
    /// What something is done with.
    Resource {
        /// What scans found.
        Inventories = "inventories",
        /// What packages have.
        Findings = "findings",
        /// What is known of vulnerabilities.
        Vulnerabilities = "vulnerabilities",
        /// Packages, whoever has them.
        Packages = "packages",
        /// Advisory databases.
        Databases = "databases",
        /// The work of the hub.
        Jobs = "jobs",
    }
}

words! {
    /// What is done.
    Access {
        /// It is looked at.
        Read = "read",
        /// It is changed.
        Write = "write",
    }
}
