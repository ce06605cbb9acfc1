//! Who asks, and what they may do.

use crate::error::IdentityError;
use crate::role::{Access, On, Resource, Role, Scope};
use jiff::Timestamp;
use uuid::Uuid;

/// What somebody has shown who they are by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A login.
    Session(Uuid),
    /// A token.
    Token(Uuid),
    /// Nothing: it is the hub itself, or who has its state in hand.
    System,
}

/// Somebody who was let in, as of now: what is asked a minute later is asked of one that was let in anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) user: Option<Uuid>,
    pub(crate) name: String,
    pub(crate) proof: Proof,
    pub(crate) roles: Vec<Role>,
    /// What a token has of these.
    pub(crate) limit: Option<Limit>,
    pub(crate) must_change: bool,
    pub(crate) ends_at: Timestamp,
}

/// What a token permits at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) roles: Vec<Role>,
    pub(crate) scope: Scope,
}

impl Principal {
    /// The hub itself, which may do everything. For what nobody asked for: jobs, and whoever has the database in hand.
    pub fn system() -> Self {
        Self {
            user: None,
            name: "system".to_owned(),
            proof: Proof::System,
            roles: Role::built_in(Role::ADMIN).into_iter().collect(),
            limit: None,
            must_change: false,
            ends_at: Timestamp::MAX,
        }
    }

    /// The user; none where it is the hub itself.
    pub fn user(&self) -> Option<Uuid> {
        self.user
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By what.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Whether nothing is permitted before the password is changed.
    pub fn must_change(&self) -> bool {
        self.must_change
    }

    /// Until when the session or token holds, if it is not used again.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Names of the roles: of a token those it was given, which hold as far as its owner's reach.
    pub fn roles(&self) -> Vec<&str> {
        self.limit.as_ref().map_or(&self.roles, |limit| &limit.roles).iter().map(|role| role.name.as_str()).collect()
    }

    /// How the audit log names them: `user:` or `token:` with an id, or `system`.
    pub fn who(&self) -> String {
        match (&self.proof, self.user) {
            (Proof::Token(id), _) => format!("token:{id}"),
            (Proof::Session(_), Some(user)) => format!("user:{user}"),
            _ => "system".to_owned(),
        }
    }

    /// Whether this access is permitted there.
    ///
    /// It is where one role at least permits it and holds there: several roles permit together what each does by itself, and no
    /// more. With a token, a role of the owner has to, one of the token, and the token's scope.
    pub fn may(&self, resource: Resource, access: Access, on: &On<'_>) -> bool {
        // What is not divided has no place, whatever a caller says of it.
        let on = if resource.is_divided() { on } else { &On::Everything };
        let permit =
            |roles: &[Role]| roles.iter().any(|role| role.permits(resource, access) && role.scope.includes(on));
        let within = |limit: &Limit| limit.scope.includes(on) && permit(&limit.roles);
        !self.must_change && permit(&self.roles) && self.limit.as_ref().is_none_or(within)
    }

    /// Whether this access may be permitted somewhere. Where not, there is no need to look at what it is for; where it is, each
    /// thing is asked about by [`Self::may`].
    pub fn may_somewhere(&self, resource: Resource, access: Access) -> bool {
        let permit = |roles: &[Role]| {
            let holds = |role: &Role| resource.is_divided() || role.scope.is_everything();
            roles.iter().any(|role| role.permits(resource, access) && holds(role))
        };
        let within = |limit: &Limit| permit(&limit.roles) && (resource.is_divided() || limit.scope.is_everything());
        !self.must_change && permit(&self.roles) && self.limit.as_ref().is_none_or(within)
    }

    /// [`Self::may`] of all things of a kind, or of one that belongs nowhere, as an error.
    pub fn demand(&self, resource: Resource, access: Access) -> Result<(), IdentityError> {
        if self.must_change {
            return Err(IdentityError::MustChange);
        }
        if self.may(resource, access, &On::Everything) {
            return Ok(());
        }
        Err(IdentityError::Forbidden { who: self.name.clone(), access, resource })
    }

    /// Whether all that `role` permits within `scope` is permitted, as far as that is plain: who gives a role has to have it.
    pub(crate) fn covers(&self, role: &Role, scope: &Scope) -> bool {
        let reaches = |mine: &Scope| mine.contains(&role.scope) || mine.contains(scope);
        let permit = |roles: &[Role], resource: Resource, access: Access| {
            roles.iter().any(|mine| mine.permits(resource, access) && reaches(&mine.scope))
        };
        let within = |limit: &Limit, resource: Resource, access: Access| {
            reaches(&limit.scope) && permit(&limit.roles, resource, access)
        };
        role.permissions.iter().flat_map(|(resource, accesses)| accesses.iter().map(|access| (*resource, *access))).all(
            |(resource, access)| {
                permit(&self.roles, resource, access)
                    && self.limit.as_ref().is_none_or(|limit| within(limit, resource, access))
            },
        )
    }
}

#[cfg(test)]
mod tests;
