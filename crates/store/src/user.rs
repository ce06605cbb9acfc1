//! Users: people, and robots, which have tokens only. What is told of in the audit log is done together with its entry.

use crate::audit::Deed;
use crate::database::{Store, micros, moment};
use crate::error::{During, StoreError};
use jiff::Timestamp;
use sekisho_api::Wanted;
use sekisho_base::Secret;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};
use uuid::Uuid;

/// Somebody who may use the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Which one.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// The same in the form in which names are compared: no two users have the same.
    pub folded: String,
    /// Whether it is a program, which never logs in.
    pub robot: bool,
    /// A hash of the password, in PHC form.
    pub password: Option<Secret>,
    /// Whether the password has to be changed before anything else is done.
    pub must_change: bool,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Whether it may do nothing for now.
    pub disabled: bool,
    /// Since when it is there.
    pub created_at: Timestamp,
}

/// What is to be another of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChange {
    /// Names of roles.
    Roles(Vec<String>),
    /// Whether it may do nothing; all sessions end.
    Disabled(bool),
    /// The password.
    Password {
        /// The hash of the new one.
        hash: Secret,
        /// Whether it has to be changed before anything else is done.
        must_change: bool,
        /// Whose session does not end with the old password, and the hash of that, which has to be the one that is kept.
        by: Option<(Uuid, Secret)>,
    },
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It was made.
    Done,
    /// What was to be changed is not there, or not what it was.
    Absent,
    /// It is needed as it is.
    Needed,
}

pub(crate) const COLUMNS: &str = "id, name, folded, robot, password, must_change, roles, disabled, created_at";

impl Store {
    /// Adds a user, unless there is one of the same name; where it is to be the `first`, unless there is anyone. Whether it was
    /// added.
    pub async fn user_add(&self, user: &User, first: bool, deed: &Deed) -> Result<bool, StoreError> {
        const ACTION: &str = "add a user";
        let (mut transaction, _) = self.told(deed).await?;
        let sql = format!(
            "INSERT INTO account ({COLUMNS}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
             WHERE $10 = 0 OR NOT EXISTS (SELECT 1 FROM account) ON CONFLICT (folded) DO NOTHING"
        );
        let added = sqlx::query(AssertSqlSafe(sql))
            .bind(user.id.to_string())
            .bind(&user.name)
            .bind(&user.folded)
            .bind(i64::from(user.robot))
            .bind(user.password.as_ref().map(|password| password.expose().to_owned()))
            .bind(i64::from(user.must_change))
            .bind(names_json(&user.roles))
            .bind(i64::from(user.disabled))
            .bind(micros(user.created_at))
            .bind(i64::from(first))
            .execute(&mut *transaction)
            .await
            .during(ACTION)?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(true)
    }

    /// The user with this id.
    pub async fn user_get(&self, id: Uuid) -> Result<Option<User>, StoreError> {
        self.user_by("id", &id.to_string()).await
    }

    /// The user whose name is this one in the form in which names are compared.
    pub async fn user_named(&self, folded: &str) -> Result<Option<User>, StoreError> {
        self.user_by("folded", folded).await
    }

    async fn user_by(&self, column: &str, value: &str) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM account WHERE {column} = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(value);
        let row = query.fetch_optional(&self.readers).await.during("read a user")?;
        row.as_ref().map(read).transpose()
    }

    /// Users in the order of [`User::folded`].
    pub async fn user_list(&self, page: &Wanted) -> Result<Vec<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM account WHERE folded > $1 ORDER BY folded LIMIT $2");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&page.after).bind(i64::from(page.limit));
        query.fetch_all(&self.readers).await.during("list users")?.iter().map(read).collect()
    }

    /// Changes a user. [`Changed::Needed`] where nobody who is a person and not disabled would have the role `keeping` any more.
    pub async fn user_change(
        &self,
        id: Uuid,
        change: &UserChange,
        keeping: &str,
        deed: &Deed,
    ) -> Result<Changed, StoreError> {
        const ACTION: &str = "change a user";
        let (mut transaction, _) = self.told(deed).await?;
        let before = holders(&mut transaction, keeping).await?;
        let id = id.to_string();
        let update = match change {
            UserChange::Roles(roles) => {
                sqlx::query("UPDATE account SET roles = $2 WHERE id = $1").bind(&id).bind(names_json(roles))
            }
            UserChange::Disabled(disabled) => {
                sqlx::query("UPDATE account SET disabled = $2 WHERE id = $1").bind(&id).bind(i64::from(*disabled))
            }
            UserChange::Password { hash, must_change, by } => {
                let sql =
                    "UPDATE account SET password = $2, must_change = $3 WHERE id = $1 AND ($4 = '' OR password = $4)";
                let old = by.as_ref().map_or("", |(_, old)| old.expose());
                sqlx::query(sql).bind(&id).bind(hash.expose()).bind(i64::from(*must_change)).bind(old)
            }
        };
        if update.execute(&mut *transaction).await.during(ACTION)?.rows_affected() == 0 {
            return Ok(Changed::Absent);
        }
        let stays = match change {
            UserChange::Roles(_) => None,
            UserChange::Disabled(_) | UserChange::Password { by: None, .. } => Some(String::new()),
            UserChange::Password { by: Some((session, _)), .. } => Some(session.to_string()),
        };
        if let Some(stays) = stays {
            let query = sqlx::query("DELETE FROM session WHERE account = $1 AND id <> $2").bind(&id).bind(stays);
            query.execute(&mut *transaction).await.during(ACTION)?;
        }
        if before > 0 && holders(&mut transaction, keeping).await? == 0 {
            return Ok(Changed::Needed);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(Changed::Done)
    }

    /// Takes a user out, with its tokens and sessions. [`Changed::Needed`] as for [`Self::user_change`].
    pub async fn user_delete(&self, id: Uuid, keeping: &str, deed: &Deed) -> Result<Changed, StoreError> {
        const ACTION: &str = "delete a user";
        let (mut transaction, _) = self.told(deed).await?;
        let before = holders(&mut transaction, keeping).await?;
        let query = sqlx::query("DELETE FROM account WHERE id = $1").bind(id.to_string());
        if query.execute(&mut *transaction).await.during(ACTION)?.rows_affected() == 0 {
            return Ok(Changed::Absent);
        }
        if before > 0 && holders(&mut transaction, keeping).await? == 0 {
            return Ok(Changed::Needed);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(Changed::Done)
    }
}

/// How many people who are not disabled have a role.
async fn holders(transaction: &mut Transaction<'static, Any>, role: &str) -> Result<i64, StoreError> {
    const ACTION: &str = "count who has a role";
    let sql = "SELECT COUNT(*) FROM account WHERE disabled = 0 AND robot = 0 AND roles LIKE $1";
    let row = sqlx::query(sql).bind(names_like(role)).fetch_one(&mut **transaction).await.during(ACTION)?;
    row.try_get(0).during(ACTION)
}

/// Names in JSON, as they are stored.
pub(crate) fn names_json(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}

/// What stored names with this one among them are like. Names of roles have neither quotes nor wildcards in them.
pub(crate) fn names_like(name: &str) -> String {
    format!("%\"{name}\"%")
}

/// The names that were stored.
pub(crate) fn names(text: &str, what: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged { what: what.to_owned(), reason: error.to_string() })
}

/// The id that was stored.
pub(crate) fn uuid(text: &str, what: &str) -> Result<Uuid, StoreError> {
    text.parse().map_err(|error: uuid::Error| StoreError::Damaged { what: what.to_owned(), reason: error.to_string() })
}

fn read(row: &AnyRow) -> Result<User, StoreError> {
    const ACTION: &str = "read a user";
    const WHAT: &str = "a user";
    let text = |place: usize| row.try_get::<String, _>(place).during(ACTION);
    let number = |place: usize| row.try_get::<i64, _>(place).during(ACTION);
    let password: Option<String> = row.try_get(4).during(ACTION)?;
    Ok(User {
        id: uuid(&text(0)?, WHAT)?,
        name: text(1)?,
        folded: text(2)?,
        robot: number(3)? != 0,
        password: password.map(Secret::new),
        must_change: number(5)? != 0,
        roles: names(&text(6)?, WHAT)?,
        disabled: number(7)? != 0,
        created_at: moment(number(8)?, WHAT)?,
    })
}
