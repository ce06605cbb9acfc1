//! Users and roles, changed by those who may. Nobody gives what they do not have, nor touches who has more: who may write users
//! cannot make themselves more than they are.

use crate::error::IdentityError;
use crate::name::user_name;
use crate::password::one_time;
use crate::principal::Principal;
use crate::random;
use crate::role::{Access, Resource, Role, Scope};
use crate::{Identity, read_role};
use sekisho_api::Wanted;
use sekisho_base::Secret;
use sekisho_store::{Changed, StoredRole, User, UserChange};
use serde_json::json;
use uuid::Uuid;

/// Roles that somebody has at most.
const MOST_ROLES: usize = 50;

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What it is called: letters and digits of any script, and `. _ - @ +`. No two are the same without regard to case and form.
    pub name: String,
    /// Whether it is a program: it has tokens and never logs in.
    pub robot: bool,
    /// Names of roles.
    pub roles: Vec<String>,
}

/// A password for one login, after which it has to be changed. It is told once.
#[derive(Debug)]
pub struct OneTime {
    /// Whose.
    pub name: String,
    /// The password.
    pub password: Secret,
}

impl Identity {
    /// Makes the first user, `admin`, where there is none, however many hubs ask at once. Its password is for whoever started the
    /// hub.
    pub async fn bootstrap(&self) -> Result<Option<OneTime>, IdentityError> {
        if !self.store.user_list(&Wanted::first(1)).await?.is_empty() {
            return Ok(None);
        }
        let new = NewUser { name: "admin".to_owned(), robot: false, roles: vec![Role::ADMIN.to_owned()] };
        let (user, password) = self.made(&new).await?;
        let deed = self.deed(&Principal::system(), "user.bootstrap", &subject(user.id), json!({ "name": user.name }));
        let is_first = self.store.user_add(&user, true, &deed).await?;
        Ok(password.filter(|_| is_first).map(|password| OneTime { name: user.name, password }))
    }

    /// A new password for one login for a user who lost theirs, and was disabled perhaps: for whoever has the state in hand. No
    /// permission is asked for, so no server may offer this.
    pub async fn recover(&self, name: &str) -> Result<OneTime, IdentityError> {
        let (_, folded) = user_name(name)?;
        let user = self.store.user_named(&folded).await?.filter(|user| !user.robot);
        let user = user.ok_or_else(|| IdentityError::Absent { what: "user", name: name.to_owned() })?;
        let by = Principal::system();
        self.change(&by, user.id, "user.enable", &UserChange::Disabled(false), json!({})).await?;
        self.reset(&by, &user).await
    }

    /// Adds a user, with a password for one login unless it is a robot.
    pub async fn user_add(&self, by: &Principal, new: &NewUser) -> Result<(User, Option<Secret>), IdentityError> {
        by.demand(Resource::Users, Access::Write)?;
        self.granted(by, &new.roles, "give it").await?;
        let (user, password) = self.made(new).await?;
        let detail = json!({ "name": user.name, "robot": user.robot, "roles": user.roles });
        let deed = self.deed(by, "user.add", &subject(user.id), detail);
        if self.store.user_add(&user, false, &deed).await? {
            return Ok((user, password));
        }
        Err(IdentityError::Conflict(format!("there is a user {} already", user.name)))
    }

    async fn made(&self, new: &NewUser) -> Result<(User, Option<Secret>), IdentityError> {
        let (name, folded) = user_name(&new.name)?;
        let password = if new.robot { None } else { Some(one_time()?) };
        let hash = match &password {
            Some(password) => Some(self.hasher.hash(password).await?),
            None => None,
        };
        let now = self.clock.now();
        let user = User {
            id: random::id(now)?,
            name,
            folded,
            robot: new.robot,
            must_change: hash.is_some(),
            password: hash,
            roles: new.roles.clone(),
            disabled: false,
            created_at: now,
        };
        Ok((user, password))
    }

    /// A user: oneself, or who may read users.
    pub async fn user_get(&self, by: &Principal, id: Uuid) -> Result<User, IdentityError> {
        if by.user != Some(id) {
            by.demand(Resource::Users, Access::Read)?;
        }
        self.store.user_get(id).await?.ok_or_else(|| absent(id))
    }

    /// Users in the order of [`User::folded`], by which the next page begins.
    pub async fn user_list(&self, by: &Principal, page: &Wanted) -> Result<Vec<User>, IdentityError> {
        by.demand(Resource::Users, Access::Read)?;
        Ok(self.store.user_list(page).await?)
    }

    /// Gives a user these roles in place of those it has.
    pub async fn user_roles(&self, by: &Principal, id: Uuid, roles: &[String]) -> Result<(), IdentityError> {
        self.reached(by, id).await?;
        self.granted(by, roles, "give it").await?;
        let detail = json!({ "roles": roles });
        self.change(by, id, "user.roles", &UserChange::Roles(roles.to_vec()), detail).await
    }

    /// Keeps a user from doing anything, at once, or lets it again.
    pub async fn user_disable(&self, by: &Principal, id: Uuid, disabled: bool) -> Result<(), IdentityError> {
        self.reached(by, id).await?;
        let action = if disabled { "user.disable" } else { "user.enable" };
        self.change(by, id, action, &UserChange::Disabled(disabled), json!({})).await
    }

    /// A new password for one login, for a person. Their sessions end; tokens do not.
    pub async fn user_reset(&self, by: &Principal, id: Uuid) -> Result<OneTime, IdentityError> {
        let user = self.reached(by, id).await?;
        if user.robot {
            let reason = "it is a robot's, which has none".to_owned();
            return Err(IdentityError::Invalid { what: "the password", reason });
        }
        self.reset(by, &user).await
    }

    async fn reset(&self, by: &Principal, user: &User) -> Result<OneTime, IdentityError> {
        let password = one_time()?;
        let hash = self.hasher.hash(&password).await?;
        let change = UserChange::Password { hash, must_change: true, by: None };
        self.change(by, user.id, "user.reset", &change, json!({})).await?;
        Ok(OneTime { name: user.name.clone(), password })
    }

    /// Takes a user out, with its sessions and tokens. What it did stays in the audit log.
    pub async fn user_delete(&self, by: &Principal, id: Uuid) -> Result<(), IdentityError> {
        let user = self.reached(by, id).await?;
        let deed = self.deed(by, "user.delete", &subject(id), json!({ "name": user.name }));
        changed(id, self.store.user_delete(id, Role::ADMIN, &deed).await?)
    }

    async fn change(
        &self,
        by: &Principal,
        id: Uuid,
        action: &str,
        change: &UserChange,
        detail: serde_json::Value,
    ) -> Result<(), IdentityError> {
        let deed = self.deed(by, action, &subject(id), detail);
        changed(id, self.store.user_change(id, change, Role::ADMIN, &deed).await?)
    }

    /// A user that `by` may change: one that has nothing they do not have.
    async fn reached(&self, by: &Principal, id: Uuid) -> Result<User, IdentityError> {
        by.demand(Resource::Users, Access::Write)?;
        let user = self.store.user_get(id).await?.ok_or_else(|| absent(id))?;
        covered(by, &self.roles(&user.roles).await?, &Scope::default(), "change who has it")?;
        Ok(user)
    }

    /// Roles that are there, and that `by` may give.
    async fn granted(&self, by: &Principal, names: &[String], action: &'static str) -> Result<(), IdentityError> {
        if names.len() > MOST_ROLES {
            let reason = format!("there are more than {MOST_ROLES}");
            return Err(IdentityError::Invalid { what: "a list of roles", reason });
        }
        covered(by, &self.known_roles(names).await?, &Scope::default(), action)
    }

    /// All roles: those of the program, and those that somebody made.
    pub async fn role_list(&self, by: &Principal) -> Result<Vec<Role>, IdentityError> {
        by.demand(Resource::Roles, Access::Read)?;
        let mut roles: Vec<Role> = Role::BUILT_IN.iter().filter_map(|name| Role::built_in(name)).collect();
        for stored in self.store.role_list().await? {
            roles.push(read_role(&stored.name, &stored.document)?);
        }
        Ok(roles)
    }

    /// Keeps a role, in place of the one of this name: who has that has this from now on.
    pub async fn role_put(&self, by: &Principal, role: &Role) -> Result<(), IdentityError> {
        by.demand(Resource::Roles, Access::Write)?;
        role.check()?;
        covered(by, std::slice::from_ref(role), &Scope::default(), "make it")?;
        let document = json!(role);
        let stored = StoredRole { name: role.name.clone(), document: document.to_string() };
        let deed = self.deed(by, "role.put", &format!("role:{}", role.name), document);
        Ok(self.store.role_put(&stored, &deed).await?)
    }

    /// Takes a role out that nobody has.
    pub async fn role_delete(&self, by: &Principal, name: &str) -> Result<(), IdentityError> {
        by.demand(Resource::Roles, Access::Write)?;
        crate::name::role_name(name)?;
        let deed = self.deed(by, "role.delete", &format!("role:{name}"), json!({}));
        match self.store.role_delete(name, &deed).await? {
            Changed::Done => Ok(()),
            Changed::Absent => Err(IdentityError::Absent { what: "role", name: name.to_owned() }),
            Changed::Needed => Err(IdentityError::Conflict(format!(
                "the role {name} is that of a user or a token: take it from these first"
            ))),
        }
    }
}

/// Whether `by` has all that these roles permit within `scope`.
pub(crate) fn covered(
    by: &Principal,
    roles: &[Role],
    scope: &Scope,
    action: &'static str,
) -> Result<(), IdentityError> {
    match roles.iter().find(|role| !by.covers(role, scope)) {
        Some(role) => Err(IdentityError::Beyond { who: by.name.clone(), role: role.name.clone(), action }),
        None => Ok(()),
    }
}

fn changed(id: Uuid, changed: Changed) -> Result<(), IdentityError> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Absent => Err(absent(id)),
        Changed::Needed => {
            let why = "nobody would be left with the role admin: give it to somebody else first";
            Err(IdentityError::Conflict(why.to_owned()))
        }
    }
}

pub(crate) fn absent(id: Uuid) -> IdentityError {
    IdentityError::Absent { what: "user", name: id.to_string() }
}

fn subject(id: Uuid) -> String {
    format!("user:{id}")
}
