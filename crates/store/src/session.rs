//! Sessions: logins that hold for a while.

use crate::audit::Deed;
use crate::database::{Store, micros, moment};
use crate::error::{During, StoreError};
use crate::user::uuid;
use jiff::Timestamp;
use sekisho_base::Secret;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

/// A login that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which one.
    pub id: Uuid,
    /// Whose.
    pub user: Uuid,
    /// SHA-256 of its secret, in hexadecimal.
    pub secret: Secret,
    /// From where.
    pub address: String,
    /// With what program, as that says itself.
    pub agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, about.
    pub seen_at: Timestamp,
    /// When it ends unless it is used again.
    pub ends_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

const COLUMNS: &str = "id, account, secret, address, agent, created_at, seen_at, ends_at, expires_at";

impl Store {
    /// Begins a session of a user whose password was `verified`, and keeps a new hash of that where there is one. Whether it
    /// began: not, where the password is another by now, or the user disabled. Sessions that have ended are forgotten.
    pub async fn session_add(
        &self,
        session: &Session,
        verified: &Secret,
        hash: Option<&Secret>,
        deed: &Deed,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "begin a session";
        let (mut transaction, _) = self.told(deed).await?;
        let holds = sqlx::query("UPDATE account SET password = $3 WHERE id = $1 AND password = $2 AND disabled = 0")
            .bind(session.user.to_string())
            .bind(verified.expose())
            .bind(hash.unwrap_or(verified).expose())
            .execute(&mut *transaction)
            .await
            .during(ACTION)?;
        if holds.rows_affected() == 0 {
            return Ok(false);
        }
        let ended = sqlx::query("DELETE FROM session WHERE ends_at <= $1").bind(micros(session.created_at));
        ended.execute(&mut *transaction).await.during(ACTION)?;
        let sql = format!("INSERT INTO session ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        sqlx::query(AssertSqlSafe(sql))
            .bind(session.id.to_string())
            .bind(session.user.to_string())
            .bind(session.secret.expose())
            .bind(&session.address)
            .bind(&session.agent)
            .bind(micros(session.created_at))
            .bind(micros(session.seen_at))
            .bind(micros(session.ends_at))
            .bind(micros(session.expires_at))
            .execute(&mut *transaction)
            .await
            .during(ACTION)?;
        transaction.commit().await.during(ACTION)?;
        Ok(true)
    }

    /// The session with this id, whether it has ended or not.
    pub async fn session_get(&self, id: Uuid) -> Result<Option<Session>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM session WHERE id = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string());
        let row = query.fetch_optional(&self.readers).await.during("read a session")?;
        row.as_ref().map(read).transpose()
    }

    /// The sessions of a user that hold at this time, the newest first; at most `limit`.
    pub async fn session_list(&self, user: Uuid, now: Timestamp, limit: u32) -> Result<Vec<Session>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM session WHERE account = $1 AND ends_at > $2 ORDER BY created_at DESC, id DESC LIMIT $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(user.to_string()).bind(micros(now)).bind(i64::from(limit));
        query.fetch_all(&self.readers).await.during("list sessions")?.iter().map(read).collect()
    }

    /// Says that a session was used, and until when it holds for that.
    pub async fn session_seen(&self, id: Uuid, now: Timestamp, ends_at: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "keep that a session was used";
        let mut transaction = self.begin(ACTION).await?;
        let sql = "UPDATE session SET seen_at = $2, ends_at = $3 WHERE id = $1 AND seen_at < $2";
        let query = sqlx::query(sql).bind(id.to_string()).bind(micros(now)).bind(micros(ends_at));
        query.execute(&mut *transaction).await.during(ACTION)?;
        transaction.commit().await.during(ACTION)
    }

    /// Ends a session of a user; whether there was one.
    pub async fn session_delete(&self, id: Uuid, user: Uuid, deed: &Deed) -> Result<bool, StoreError> {
        const ACTION: &str = "end a session";
        let (mut transaction, _) = self.told(deed).await?;
        let query = sqlx::query("DELETE FROM session WHERE id = $1 AND account = $2").bind(id.to_string());
        let ended = query.bind(user.to_string()).execute(&mut *transaction).await.during(ACTION)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await.during(ACTION)?;
        Ok(true)
    }
}

fn read(row: &AnyRow) -> Result<Session, StoreError> {
    const ACTION: &str = "read a session";
    const WHAT: &str = "a session";
    let text = |place: usize| row.try_get::<String, _>(place).during(ACTION);
    let time = |place: usize| row.try_get(place).during(ACTION).and_then(|micros| moment(micros, WHAT));
    Ok(Session {
        id: uuid(&text(0)?, WHAT)?,
        user: uuid(&text(1)?, WHAT)?,
        secret: Secret::new(text(2)?),
        address: text(3)?,
        agent: text(4)?,
        created_at: time(5)?,
        seen_at: time(6)?,
        ends_at: time(7)?,
        expires_at: time(8)?,
    })
}
