//! Roles that somebody made. What one permits is a document that is not looked into here.

use crate::audit::Deed;
use crate::database::{Store, micros, places};
use crate::error::{During, StoreError};
use crate::user::{Changed, names_like};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// A role that somebody made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRole {
    /// What it is called: letters, digits and `-` only.
    pub name: String,
    /// What it permits, and where, in JSON.
    pub document: String,
}

impl Store {
    /// Keeps a role, in place of the one of this name.
    pub async fn role_put(&self, role: &StoredRole, deed: &Deed) -> Result<(), StoreError> {
        const ACTION: &str = "store a role";
        let (mut transaction, _) = self.told(deed).await?;
        let sql = "INSERT INTO role (name, document, created_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET document = excluded.document";
        let query = sqlx::query(sql).bind(&role.name).bind(&role.document).bind(micros(deed.at));
        query.execute(&mut *transaction).await.during(ACTION)?;
        transaction.commit().await.during(ACTION)
    }

    /// Those of these roles that there are.
    pub async fn role_named(&self, names: &[&str]) -> Result<Vec<StoredRole>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT name, document FROM role WHERE name IN ({})", places(1, names.len()));
        let query = names.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, name| query.bind(*name));
        query.fetch_all(&self.readers).await.during("read roles")?.iter().map(read).collect()
    }

    /// All roles, in the order of their names.
    pub async fn role_list(&self) -> Result<Vec<StoredRole>, StoreError> {
        let query = sqlx::query("SELECT name, document FROM role ORDER BY name");
        query.fetch_all(&self.readers).await.during("list roles")?.iter().map(read).collect()
    }

    /// Takes a role out. [`Changed::Needed`] where a user has it, or a token that was not revoked: another one of this name would
    /// be theirs unasked.
    pub async fn role_delete(&self, name: &str, deed: &Deed) -> Result<Changed, StoreError> {
        const ACTION: &str = "delete a role";
        let (mut transaction, _) = self.told(deed).await?;
        let query = sqlx::query("DELETE FROM role WHERE name = $1").bind(name);
        if query.execute(&mut *transaction).await.during(ACTION)?.rows_affected() == 0 {
            return Ok(Changed::Absent);
        }
        let sql = "SELECT id FROM account WHERE roles LIKE $1 \
                   UNION ALL SELECT id FROM token WHERE revoked_at IS NULL AND roles LIKE $1 LIMIT 1";
        let held = sqlx::query(sql).bind(names_like(name)).fetch_optional(&mut *transaction).await.during(ACTION)?;
        if held.is_some() {
            return Ok(Changed::Needed);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(Changed::Done)
    }
}

fn read(row: &AnyRow) -> Result<StoredRole, StoreError> {
    const ACTION: &str = "read a role";
    Ok(StoredRole { name: row.try_get(0).during(ACTION)?, document: row.try_get(1).during(ACTION)? })
}
