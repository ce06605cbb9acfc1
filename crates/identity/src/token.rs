//! Tokens: made, listed, taken back. How they are written is in `bearer`, how they let somebody in is in `session`.

use crate::Identity;
use crate::bearer::{self, Kind};
use crate::error::IdentityError;
use crate::name::token_name;
use crate::principal::{Principal, Proof};
use crate::random;
use crate::role::{Access, Resource, Scope};
use crate::session::principal;
use crate::user::{absent, covered};
use jiff::Timestamp;
use sekisho_base::Secret;
use sekisho_store::Token;
use serde_json::json;
use uuid::Uuid;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose: oneself, or a robot.
    pub owner: Uuid,
    /// What it is for.
    pub name: String,
    /// Names of roles; of these it has what its owner has too.
    pub roles: Vec<String>,
    /// Where these hold.
    pub scope: Scope,
    /// Until when.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Makes a token, and tells its text, which nobody can tell again. Everybody who logged in may make their own; for robots, and
    /// by a token, it takes `tokens write`. A token that a token made ends no later than that.
    pub async fn token_add(&self, by: &Principal, new: &NewToken) -> Result<(Token, Secret), IdentityError> {
        let is_own = by.user == Some(new.owner);
        if !(is_own && is_login(by)) {
            by.demand(Resource::Tokens, Access::Write)?;
        }
        let name = token_name(&new.name)?;
        let owner = self.store.user_get(new.owner).await?.ok_or_else(|| absent(new.owner))?;
        let invalid = |reason: &str| IdentityError::Invalid { what: "the token", reason: reason.to_owned() };
        if !is_own && !owner.robot {
            return Err(invalid("it would be somebody else's: people make their own"));
        }
        let now = self.clock.now();
        let most = now.saturating_add(self.settings.token).unwrap_or(Timestamp::MAX);
        if new.expires_at <= now || new.expires_at > most {
            return Err(invalid(&format!("it has to end after now, and before {most}")));
        }
        if matches!(by.proof, Proof::Token(_)) && new.expires_at > by.ends_at {
            return Err(invalid("it would outlive the token that makes it"));
        }
        if new.roles.is_empty() {
            return Err(invalid("it has no role"));
        }
        let roles = self.known_roles(&new.roles).await?;
        covered(by, &roles, &new.scope, "give it")?;
        let has = self.roles(&owner.roles).await?;
        covered(&principal(&owner, Proof::System, has, None, now), &roles, &new.scope, "have a token with it")?;

        let id = random::id(now)?;
        let (text, secret) = bearer::make(Kind::Token, id)?;
        let token = Token {
            id,
            owner: owner.id,
            name,
            secret,
            roles: new.roles.clone(),
            scope: json!(new.scope).to_string(),
            created_at: now,
            expires_at: new.expires_at,
            used_at: None,
            revoked_at: None,
        };
        let detail = json!({
            "name": token.name,
            "owner": owner.name,
            "roles": token.roles,
            "scope": new.scope,
            "expires_at": token.expires_at.to_string(),
        });
        let deed = self.deed(by, "token.add", &subject(id), detail);
        if self.store.token_add(&token, &deed).await? { Ok((token, text)) } else { Err(absent(new.owner)) }
    }

    /// Tokens in the order of their making, of one owner or of all, after this one: one's own, or who may read tokens.
    pub async fn token_list(
        &self,
        by: &Principal,
        owner: Option<Uuid>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Token>, IdentityError> {
        if owner.is_none() || owner != by.user || !is_login(by) {
            by.demand(Resource::Tokens, Access::Read)?;
        }
        Ok(self.store.token_list(owner, after.unwrap_or(Uuid::nil()), limit).await?)
    }

    /// Takes a token back, at once: one's own, the one by which is asked, or who may write tokens.
    pub async fn token_revoke(&self, by: &Principal, id: Uuid) -> Result<(), IdentityError> {
        let absent = || IdentityError::Absent { what: "token that holds", name: id.to_string() };
        let token = self.store.token_get(id).await?;
        let is_own = token.as_ref().is_some_and(|token| Some(token.owner) == by.user) && is_login(by);
        if !is_own && by.proof != Proof::Token(id) {
            by.demand(Resource::Tokens, Access::Write)?;
        }
        let token = token.ok_or_else(absent)?;
        let deed = self.deed(by, "token.revoke", &subject(id), json!({ "name": token.name }));
        if self.store.token_revoke(id, &deed).await? { Ok(()) } else { Err(absent()) }
    }
}

/// Whether it is a person who logged in and may do what people may.
fn is_login(by: &Principal) -> bool {
    matches!(by.proof, Proof::Session(_)) && !by.must_change
}

fn subject(id: Uuid) -> String {
    format!("token:{id}")
}
