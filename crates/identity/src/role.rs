//! Roles: what may be read and written, and where.
//!
//! A role permits some accesses to some kinds of things, within one scope. Whoever has several may do what any one of them permits
//! where that same one holds: what one permits never goes with the scope of another.

use crate::error::IdentityError;
use crate::name::role_name;
use crate::selector::{Labels, Selector};
pub use sekisho_api::permission::{Access, Resource};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a role in JSON.
const MOST_BYTES: usize = 16 << 10;

/// What somebody wants to use.
#[derive(Debug, Clone, Copy)]
pub enum On<'a> {
    /// All things of a kind, or one that belongs nowhere: only a role without a scope permits it.
    Everything,
    /// One thing.
    Thing {
        /// The cluster it is in.
        cluster: Option<&'a str>,
        /// The namespace it is in.
        namespace: Option<&'a str>,
        /// Its labels, with those of the cluster and the namespace.
        labels: &'a Labels,
    },
}

/// Where a role holds: in any of these clusters, in any of these namespaces, and for what has these labels. What is left out is no
/// bound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Names of clusters; what is in none is not in one of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub clusters: BTreeSet<String>,
    /// Names of namespaces, in any cluster.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub namespaces: BTreeSet<String>,
    /// Labels. A requirement that something is not there, or not of some value, is met by what has no labels.
    #[serde(default, skip_serializing_if = "Selector::is_everything")]
    pub labels: Selector,
}

impl Scope {
    /// Whether there is no bound.
    pub fn is_everything(&self) -> bool {
        self.clusters.is_empty() && self.namespaces.is_empty() && self.labels.is_everything()
    }

    /// Whether it holds there.
    pub fn includes(&self, on: &On<'_>) -> bool {
        match on {
            On::Everything => self.is_everything(),
            On::Thing { cluster, namespace, labels } => {
                let among = |names: &BTreeSet<String>, name: Option<&str>| {
                    names.is_empty() || name.is_some_and(|name| names.contains(name))
                };
                among(&self.clusters, *cluster) && among(&self.namespaces, *namespace) && self.labels.matches(labels)
            }
        }
    }

    /// Whether it holds wherever the other does, as far as that is plain.
    pub fn contains(&self, other: &Self) -> bool {
        let within = |mine: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            mine.is_empty() || (!theirs.is_empty() && theirs.is_subset(mine))
        };
        within(&self.clusters, &other.clusters)
            && within(&self.namespaces, &other.namespaces)
            && self.labels.contains(&other.labels)
    }
}

/// What a role permits, by kind of thing.
pub type Permissions = BTreeMap<Resource, BTreeSet<Access>>;

/// Something that users and tokens have, and may do things by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// What it is called.
    pub name: String,
    /// What it permits: `{"findings": ["read"]}`.
    pub permissions: Permissions,
    /// Where.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
}

impl Role {
    /// The role that permits everything; somebody has it at all times.
    pub const ADMIN: &'static str = "admin";

    /// Roles that are part of the program: the same in every hub.
    pub const BUILT_IN: &'static [&'static str] = &[Self::ADMIN, "analyst", "auditor", "scanner", "viewer"];

    /// The role of this name that is part of the program.
    pub fn built_in(name: &str) -> Option<Self> {
        use Resource as R;
        let guards_itself =
            |it: R| matches!(it, R::Users | R::Tokens | R::Roles | R::Audit | R::Settings | R::Notifiers);
        let (read, write): (Vec<R>, Vec<R>) = match name {
            Self::ADMIN => (R::ALL.to_vec(), R::ALL.to_vec()),
            "auditor" => (R::ALL.to_vec(), Vec::new()),
            "viewer" | "analyst" => {
                let handled = [R::Inventories, R::Jobs, R::Violations, R::Alerts, R::Exceptions];
                let seen = R::ALL.iter().copied().filter(|it| !guards_itself(*it)).collect();
                (seen, if name == "analyst" { handled.to_vec() } else { Vec::new() })
            }
            "scanner" => (vec![R::Findings, R::Violations, R::Vulnerabilities], vec![R::Inventories]),
            _ => return None,
        };
        let mut permissions = Permissions::new();
        for (resources, access) in [(read, Access::Read), (write, Access::Write)] {
            for resource in resources {
                permissions.entry(resource).or_default().insert(access);
            }
        }
        Some(Self { name: name.to_owned(), permissions, scope: Scope::default() })
    }

    /// Whether it permits this somewhere.
    pub fn permits(&self, resource: Resource, access: Access) -> bool {
        self.permissions.get(&resource).is_some_and(|accesses| accesses.contains(&access))
    }

    /// Whether it can be kept.
    pub(crate) fn check(&self) -> Result<(), IdentityError> {
        role_name(&self.name)?;
        let invalid = |reason: String| Err(IdentityError::Invalid { what: "the role", reason });
        if Self::BUILT_IN.contains(&self.name.as_str()) {
            return invalid(format!("{} is part of the program", self.name));
        }
        if self.permissions.values().all(BTreeSet::is_empty) {
            return invalid("it permits nothing".to_owned());
        }
        if !self.scope.is_everything()
            && let Some(whole) = self.permissions.keys().find(|resource| !resource.is_divided())
        {
            return invalid(format!("{whole} cannot be permitted for a part only: take a role without a scope"));
        }
        if serde_json::to_string(self).map_or(0, |text| text.len()) > MOST_BYTES {
            return invalid(format!("it is longer than {MOST_BYTES} bytes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(json: &str) -> Role {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn names_are_those_of_documents() {
        for resource in Resource::ALL {
            assert_eq!(serde_json::to_string(resource).unwrap(), format!("\"{resource}\""));
        }
    }

    #[test]
    fn what_is_part_of_the_program_permits_what_it_is_for() {
        let counts = |name: &str, access| {
            let role = Role::built_in(name).unwrap();
            Resource::ALL.iter().filter(|resource| role.permits(**resource, access)).count()
        };
        let all: Vec<_> = Role::BUILT_IN
            .iter()
            .map(|name| (*name, counts(name, Access::Read), counts(name, Access::Write)))
            .collect();
        assert_eq!(
            all,
            [("admin", 18, 18), ("analyst", 12, 5), ("auditor", 18, 0), ("scanner", 3, 1), ("viewer", 12, 0)]
        );
        let scanner = Role::built_in("scanner").unwrap();
        assert!(!scanner.permits(Resource::Inventories, Access::Read), "a pipeline sees no other's inventory");
        assert_eq!(Role::built_in("root"), None);
    }

    #[test]
    fn roles_that_mislead_are_refused() {
        for (json, expect) in [
            (r#"{"name":"admin","permissions":{"users":["write"]}}"#, "part of the program"),
            (r#"{"name":"Team","permissions":{"users":["write"]}}"#, "up to 63 of a-z"),
            (r#"{"name":"a","permissions":{}}"#, "permits nothing"),
            (r#"{"name":"a","permissions":{"users":[]}}"#, "permits nothing"),
            (
                r#"{"name":"a","permissions":{"alerts":["read"],"users":["read"]},"scope":{"clusters":["x"]}}"#,
                "users cannot be permitted for a part only",
            ),
        ] {
            let error = role(json).check().unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        }
        let mut large = role(r#"{"name":"a","permissions":{"alerts":["read"]}}"#);
        assert!(large.check().is_ok());
        large.scope.clusters = (0..10_000).map(|number| number.to_string()).collect();
        assert!(large.check().unwrap_err().to_string().contains("longer than"));
        for json in [
            r#"{"name":"a","permissions":{"everything":["read"]}}"#,
            r#"{"name":"a","permissions":{"alerts":["execute"]}}"#,
            r#"{"name":"a","permissions":{"alerts":["read"]},"scope":{"cluster":["x"]}}"#,
            r#"{"name":"a","permissions":{"alerts":["read"]},"scope":{"labels":"env in"}}"#,
        ] {
            assert!(serde_json::from_str::<Role>(json).is_err(), "{json}");
        }
    }
}
