//! Logins, and who somebody is that shows a session or a token.

use crate::Identity;
use crate::bearer::{self, Kind, Shown};
use crate::error::{Denied, IdentityError};
use crate::name::{clipped, user_name};
use crate::password::{chosen, typed};
use crate::principal::{Limit, Principal, Proof};
use crate::random;
use crate::role::{Access, Resource, Role, Scope};
use crate::throttle::Key;
use crate::user::absent;
use jiff::{SignedDuration, Timestamp};
use sekisho_base::Secret;
use sekisho_store::{Changed, Deed, Session, StoreError, User, UserChange};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

/// That a session or token was used is written no more often than this.
const SEEN: SignedDuration = SignedDuration::from_mins(1);
/// Where whoever changes a password comes from, as far as attempts are counted.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// Sessions of one user that are listed.
const MOST_LISTED: u32 = 200;

/// Where somebody comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The address; that of a proxy only where nobody can say another.
    pub address: IpAddr,
    /// The program, as it calls itself.
    pub agent: String,
}

/// A login that succeeded.
#[derive(Debug)]
pub struct Login {
    /// What is to be shown from now on, as [`Identity::authenticate`] takes it. It is told once.
    pub secret: Secret,
    /// The session.
    pub session: Uuid,
    /// The user.
    pub user: Uuid,
    /// Whether nothing is permitted before [`Identity::password_change`].
    pub must_change: bool,
    /// When the session ends in any case.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Lets somebody in by name and password. What is wrong is not told to whoever does not know the password, nor by how long it
    /// takes: the password is hashed in any case but that it is longer than any. Attempts that fail have to wait longer and longer.
    pub async fn login(&self, name: &str, password: &str, from: &Origin) -> Result<Login, IdentityError> {
        let folded = user_name(name).ok().map(|(_, folded)| folded);
        // What can be nobody's name is one name as far as attempts are counted.
        let name = folded.as_deref().unwrap_or_default();
        let keys = [Key::pair(name, from.address), Key::name(name), Key::address(from.address)];
        let attempt = self.throttle.enter(&keys, self.clock.now())?;
        match self.try_login(folded.as_deref(), password, from).await {
            Ok(Some(login)) => {
                self.throttle.succeeded(&attempt);
                Ok(login)
            }
            Ok(None) => Err(Denied::Login.into()),
            // Nothing was found out.
            Err(error) => {
                self.throttle.undo(&attempt);
                Err(error)
            }
        }
    }

    async fn try_login(
        &self,
        folded: Option<&str>,
        password: &str,
        from: &Origin,
    ) -> Result<Option<Login>, IdentityError> {
        let user = match folded {
            Some(folded) => self.store.user_named(folded).await?,
            None => None,
        };
        let reason = match &user {
            None => "there is no such user",
            Some(user) if user.disabled => "the user is disabled",
            Some(user) if user.password.is_none() => "the user has no password",
            Some(_) => "the password is wrong",
        };
        let hash = user.as_ref().and_then(|user| user.password.as_ref());
        let refused = async || {
            // A name that is nobody's may be a password in the wrong field: it is not told.
            let subject = user.as_ref().map_or_else(|| "user".to_owned(), |user| format!("user:{}", user.id));
            let detail = json!({ "reason": reason, "address": from.address.to_string() });
            let deed = self.deed(&Principal::system(), "session.login", &subject, detail);
            let deed = Deed { who: "nobody".to_owned(), outcome: "refused".to_owned(), ..deed };
            self.store.audit_add(&deed).await.map(|_| None)
        };
        let Some(password) = typed(password) else { return Ok(refused().await?) };
        let verdict = self.hasher.verify(&password, hash).await?;
        let (Some(user), Some(hash), true) = (&user, hash, verdict.matches) else { return Ok(refused().await?) };
        let anew = if verdict.outdated { Some(self.hasher.hash(&password).await?) } else { None };

        let now = self.clock.now();
        let id = random::id(now)?;
        let (secret, kept) = bearer::make(Kind::Session, id)?;
        let expires_at = later(now, self.settings.session);
        let session = Session {
            id,
            user: user.id,
            secret: kept,
            address: from.address.to_string(),
            agent: clipped(&from.agent, 200),
            created_at: now,
            seen_at: now,
            ends_at: later(now, self.settings.idle).min(expires_at),
            expires_at,
        };
        let by = principal(user, Proof::Session(id), Vec::new(), None, session.ends_at);
        let detail = json!({ "session": id.to_string(), "address": session.address, "agent": session.agent });
        let deed = self.deed(&by, "session.login", &format!("user:{}", user.id), detail);
        if !self.store.session_add(&session, hash, anew.as_ref(), &deed).await? {
            // The user is disabled, or the password another since it was looked at.
            return Ok(refused().await?);
        }
        Ok(Some(Login { secret, session: id, user: user.id, must_change: user.must_change, expires_at }))
    }

    /// Who shows this: the text of a session or a token. It is looked up each time, and what is found out is not kept.
    pub async fn authenticate(&self, bearer: &str) -> Result<Principal, IdentityError> {
        let shown = bearer::read(bearer).ok_or(Denied::Unknown)?;
        match shown.kind {
            Kind::Session => self.by_session(&shown).await,
            Kind::Token => self.by_token(&shown).await,
        }
    }

    async fn by_session(&self, shown: &Shown) -> Result<Principal, IdentityError> {
        let now = self.clock.now();
        let session = self.store.session_get(shown.id).await?.filter(|session| shown.is(&session.secret));
        let session = session.ok_or(Denied::Unknown)?;
        if session.ends_at <= now || session.expires_at <= now {
            return Err(Denied::Expired.into());
        }
        let user = self.enabled(session.user).await?;
        let mut ends_at = session.ends_at;
        if now.duration_since(session.seen_at) >= SEEN {
            ends_at = later(now, self.settings.idle).min(session.expires_at);
            // Where that cannot be written the session ends sooner: no reason to end it now.
            if self.store.session_seen(session.id, now, ends_at).await.is_err() {
                ends_at = session.ends_at;
            }
        }
        let roles = self.roles(&user.roles).await?;
        Ok(principal(&user, Proof::Session(session.id), roles, None, ends_at))
    }

    async fn by_token(&self, shown: &Shown) -> Result<Principal, IdentityError> {
        let now = self.clock.now();
        let token = self.store.token_get(shown.id).await?.filter(|token| shown.is(&token.secret));
        let token = token.ok_or(Denied::Unknown)?;
        if token.revoked_at.is_some() {
            return Err(Denied::Revoked.into());
        }
        if token.expires_at <= now {
            return Err(Denied::Expired.into());
        }
        let user = self.enabled(token.owner).await?;
        let scope: Scope = serde_json::from_str(&token.scope).map_err(|error| StoreError::Damaged {
            what: format!("the token {}", token.id),
            reason: error.to_string(),
        })?;
        if token.used_at.is_none_or(|used| now.duration_since(used) >= SEEN) {
            // Only told to whoever asks when it was used.
            let _ = self.store.token_used(token.id, now).await;
        }
        let (roles, own) = (self.roles(&user.roles).await?, self.roles(&token.roles).await?);
        let limit = Limit { roles: own, scope };
        Ok(principal(&user, Proof::Token(token.id), roles, Some(limit), token.expires_at))
    }

    async fn enabled(&self, id: Uuid) -> Result<User, IdentityError> {
        let user = self.store.user_get(id).await?.ok_or(Denied::Unknown)?;
        if user.disabled { Err(Denied::Disabled.into()) } else { Ok(user) }
    }

    /// Ends the session by which somebody asks.
    pub async fn logout(&self, by: &Principal) -> Result<(), IdentityError> {
        let (Proof::Session(id), Some(user)) = (&by.proof, by.user) else { return Ok(()) };
        let deed = self.deed(by, "session.logout", &format!("user:{user}"), json!({ "session": id.to_string() }));
        self.store.session_delete(*id, user, &deed).await?;
        Ok(())
    }

    /// The sessions of a user: one's own, or who may read users.
    pub async fn session_list(&self, by: &Principal, user: Uuid) -> Result<Vec<Session>, IdentityError> {
        own_or(by, user, Access::Read)?;
        Ok(self.store.session_list(user, self.clock.now(), MOST_LISTED).await?)
    }

    /// Ends a session of a user: one's own, or who may write users.
    pub async fn session_end(&self, by: &Principal, user: Uuid, session: Uuid) -> Result<(), IdentityError> {
        own_or(by, user, Access::Write)?;
        let deed = self.deed(by, "session.end", &format!("user:{user}"), json!({ "session": session.to_string() }));
        if self.store.session_delete(session, user, &deed).await? {
            return Ok(());
        }
        Err(IdentityError::Absent { what: "session", name: session.to_string() })
    }

    /// Changes one's own password, which takes a session and the present one. All other sessions end; tokens do not.
    pub async fn password_change(&self, by: &Principal, present: &str, new: &str) -> Result<(), IdentityError> {
        let (Proof::Session(session), Some(id)) = (&by.proof, by.user) else {
            let reason = "whoever has a token only cannot set another".to_owned();
            return Err(IdentityError::Invalid { what: "the password", reason });
        };
        let user = self.enabled(id).await?;
        let Some(old) = &user.password else { return Err(Denied::Login.into()) };
        // Who has got hold of a session is not to find out the password by it.
        let attempt = self.throttle.enter(&[Key::pair(&user.folded, NOWHERE)], self.clock.now())?;
        let refused = async || {
            let detail = json!({ "reason": "the present password is wrong" });
            let deed = self.deed(by, "user.password", &format!("user:{id}"), detail);
            self.store.audit_add(&Deed { outcome: "refused".to_owned(), ..deed }).await?;
            Err(IdentityError::from(Denied::Login))
        };
        let Some(present) = typed(present) else { return refused().await };
        match self.hasher.verify(&present, Some(old)).await {
            Ok(verdict) if verdict.matches => self.throttle.succeeded(&attempt),
            Ok(_) => return refused().await,
            Err(error) => {
                self.throttle.undo(&attempt);
                return Err(error);
            }
        }
        let new = chosen(new, &user.name)?;
        if new == present {
            let reason = "it is the present one".to_owned();
            return Err(IdentityError::Invalid { what: "this password", reason });
        }
        let hash = self.hasher.hash(&new).await?;
        let change = UserChange::Password { hash, must_change: false, by: Some((*session, old.clone())) };
        let deed = self.deed(by, "user.password", &format!("user:{id}"), json!({}));
        match self.store.user_change(id, &change, Role::ADMIN, &deed).await? {
            Changed::Done => Ok(()),
            Changed::Absent | Changed::Needed => Err(absent(id)),
        }
    }
}

/// One's own, or what a permission is for.
fn own_or(by: &Principal, user: Uuid, access: Access) -> Result<(), IdentityError> {
    let is_own = matches!(by.proof, Proof::Session(_)) && by.user == Some(user) && !by.must_change;
    if is_own { Ok(()) } else { by.demand(Resource::Users, access) }
}

pub(crate) fn principal(
    user: &User,
    proof: Proof,
    roles: Vec<Role>,
    limit: Option<Limit>,
    ends_at: Timestamp,
) -> Principal {
    // A token has nothing to do with the password.
    let must_change = user.must_change && limit.is_none();
    Principal { user: Some(user.id), name: user.name.clone(), proof, roles, limit, must_change, ends_at }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
