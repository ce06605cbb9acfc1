//! Tokens: what programs say who they are by.

use crate::audit::Deed;
use crate::database::{Store, micros, moment};
use crate::error::{During, StoreError};
use crate::user::{names, names_json, uuid};
use jiff::Timestamp;
use sekisho_base::Secret;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

/// A token, as it is kept: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which one.
    pub id: Uuid,
    /// Whose: it can do nothing that this user cannot.
    pub owner: Uuid,
    /// What it is for.
    pub name: String,
    /// SHA-256 of its secret, in hexadecimal.
    pub secret: Secret,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Where these hold, in JSON.
    pub scope: String,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used last, about.
    pub used_at: Option<Timestamp>,
    /// Since when it can be used no more, whatever its time.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, account, name, secret, roles, scope, created_at, expires_at, used_at, revoked_at";

impl Store {
    /// Adds a token; whether there is an owner for it.
    pub async fn token_add(&self, token: &Token, deed: &Deed) -> Result<bool, StoreError> {
        const ACTION: &str = "add a token";
        let (mut transaction, _) = self.told(deed).await?;
        let sql = format!(
            "INSERT INTO token ({COLUMNS}) SELECT $1, id, $3, $4, $5, $6, $7, $8, NULL, NULL FROM account WHERE id = $2"
        );
        let added = sqlx::query(AssertSqlSafe(sql))
            .bind(token.id.to_string())
            .bind(token.owner.to_string())
            .bind(&token.name)
            .bind(token.secret.expose())
            .bind(names_json(&token.roles))
            .bind(&token.scope)
            .bind(micros(token.created_at))
            .bind(micros(token.expires_at))
            .execute(&mut *transaction)
            .await
            .during(ACTION)?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(true)
    }

    /// The token with this id, whether it can be used or not.
    pub async fn token_get(&self, id: Uuid) -> Result<Option<Token>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM token WHERE id = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string());
        let row = query.fetch_optional(&self.readers).await.during("read a token")?;
        row.as_ref().map(read).transpose()
    }

    /// Tokens in the order of their ids, which is that of their making; of one owner, or of all. Those after this one, at most
    /// `limit`.
    pub async fn token_list(&self, owner: Option<Uuid>, after: Uuid, limit: u32) -> Result<Vec<Token>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM token WHERE id > $1 AND ($2 = '' OR account = $2) ORDER BY id LIMIT $3");
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after.to_string()).bind(owner).bind(i64::from(limit));
        query.fetch_all(&self.readers).await.during("list tokens")?.iter().map(read).collect()
    }

    /// Says that a token was used.
    pub async fn token_used(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "keep that a token was used";
        let mut transaction = self.begin(ACTION).await?;
        let sql = "UPDATE token SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)";
        let query = sqlx::query(sql).bind(id.to_string()).bind(micros(now));
        query.execute(&mut *transaction).await.during(ACTION)?;
        transaction.commit().await.during(ACTION)
    }

    /// Takes a token back; whether there was one that was not yet.
    pub async fn token_revoke(&self, id: Uuid, deed: &Deed) -> Result<bool, StoreError> {
        const ACTION: &str = "revoke a token";
        let (mut transaction, _) = self.told(deed).await?;
        let query = sqlx::query("UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL");
        let query = query.bind(id.to_string()).bind(micros(deed.at));
        if query.execute(&mut *transaction).await.during(ACTION)?.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(true)
    }
}

fn read(row: &AnyRow) -> Result<Token, StoreError> {
    const ACTION: &str = "read a token";
    const WHAT: &str = "a token";
    let text = |place: usize| row.try_get::<String, _>(place).during(ACTION);
    let time = |place: usize| row.try_get(place).during(ACTION).and_then(|micros| moment(micros, WHAT));
    let perhaps = |place: usize| {
        let micros: Option<i64> = row.try_get(place).during(ACTION)?;
        micros.map(|micros| moment(micros, WHAT)).transpose()
    };
    Ok(Token {
        id: uuid(&text(0)?, WHAT)?,
        owner: uuid(&text(1)?, WHAT)?,
        name: text(2)?,
        secret: Secret::new(text(3)?),
        roles: names(&text(4)?, WHAT)?,
        scope: text(5)?,
        created_at: time(6)?,
        expires_at: time(7)?,
        used_at: perhaps(8)?,
        revoked_at: perhaps(9)?,
    })
}
