//! Who did what: entries that are only added, each of which has the hash of the one before in its own.
//!
//! Whoever adds one holds the row with the last until that is written, so there is one chain, however many hubs add to it; and an
//! operation that is told of is done together with its entry, or neither is. Whoever can write to the database can make the whole
//! chain anew: that is seen only by somebody who noted an entry before, which [`Store::audit_verify`] takes.

use crate::database::{Store, micros, moment, storable};
use crate::error::{During, StoreError};
use jiff::Timestamp;
use sekisho_base::hash::{self, Sha256};
use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};

/// Entries that are read at once where all are.
const STEP: u32 = 1_000;

/// Something that was done, or was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who did it: `user:` or `token:` with an id, `system`, or `nobody` where that was not known.
    pub who: String,
    /// What was done: `user.add`.
    pub action: String,
    /// What it was done to: `user:` with an id.
    pub subject: String,
    /// What came of it: `done`, `refused`.
    pub outcome: String,
    /// What else is to be known, in JSON.
    pub detail: String,
}

/// A deed in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place; the first is 1.
    pub number: u64,
    /// What was done.
    pub deed: Deed,
    /// The hash of the entry before, in hexadecimal; zeros for the first.
    pub previous: String,
    /// Its own: see [`AuditEntry::expected`].
    pub hash: String,
}

impl AuditEntry {
    /// The hash that it has if it says what was written: SHA-256, in lower-case hexadecimal, of the text `sekisho.audit/v1` and
    /// then of the previous hash, the number, the time in microseconds since 1970, and `who`, `action`, `subject`, `outcome` and
    /// `detail`, all as texts in UTF-8, each behind its length in bytes as eight bytes, the highest first.
    pub fn expected(&self) -> String {
        let mut hasher = Sha256::new();
        let (number, at) = (self.number.to_string(), micros(self.deed.at).to_string());
        let Deed { who, action, subject, outcome, detail, .. } = &self.deed;
        for part in ["sekisho.audit/v1", &self.previous, &number, &at, who, action, subject, outcome, detail] {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hash::hex(&hasher.finish())
    }
}

/// The last entry: who notes it can tell later whether anything up to it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number; 0 where there is none.
    pub number: u64,
    /// Its hash.
    pub hash: String,
}

/// From where entries are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFrom {
    /// Those after this number, the oldest first.
    After(u64),
    /// Those before this number, the newest first.
    Before(u64),
}

/// What a look at all entries came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// The last entry that follows from all before it.
    pub intact: AuditHead,
    /// The first that does not: its number, and what is wrong.
    pub broken: Option<(u64, String)>,
}

const COLUMNS: &str = "number, at, who, action, subject, outcome, detail, previous, hash";

impl Store {
    /// Adds an entry, and says its number.
    pub async fn audit_add(&self, deed: &Deed) -> Result<u64, StoreError> {
        let (transaction, number) = self.told(deed).await?;
        transaction.commit().await.during("write to the audit log")?;
        Ok(number)
    }

    /// Begins what is told by this entry, and is written with it or not at all. Until then nobody else begins such a thing: what
    /// is read in it still holds when it ends.
    pub(crate) async fn told(&self, deed: &Deed) -> Result<(Transaction<'static, Any>, u64), StoreError> {
        const ACTION: &str = "write to the audit log";
        let mut transaction = self.begin(ACTION).await?;
        // Before anything is read: this is what others wait at.
        let head = sqlx::query("UPDATE audit_head SET number = number + 1 RETURNING number, hash");
        let head = head.fetch_optional(&mut *transaction).await.during(ACTION)?;
        let head = head.ok_or_else(|| StoreError::Damaged {
            what: "the audit log".to_owned(),
            reason: "nothing says which entry is the last".to_owned(),
        })?;
        let Deed { at, who, action, subject, outcome, detail } = deed;
        let mut entry = AuditEntry {
            number: head.try_get::<i64, _>(0).during(ACTION)?.unsigned_abs(),
            deed: Deed {
                at: *at,
                who: storable(who),
                action: storable(action),
                subject: storable(subject),
                outcome: storable(outcome),
                detail: storable(detail),
            },
            previous: head.try_get(1).during(ACTION)?,
            hash: String::new(),
        };
        entry.hash = entry.expected();
        let sql = "INSERT INTO audit (number, at, who, action, subject, outcome, detail, previous, hash) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(sql)
            .bind(entry.number.cast_signed())
            .bind(micros(entry.deed.at))
            .bind(&entry.deed.who)
            .bind(&entry.deed.action)
            .bind(&entry.deed.subject)
            .bind(&entry.deed.outcome)
            .bind(&entry.deed.detail)
            .bind(&entry.previous)
            .bind(&entry.hash)
            .execute(&mut *transaction)
            .await
            .during(ACTION)?;
        let query = sqlx::query("UPDATE audit_head SET hash = $1").bind(&entry.hash);
        query.execute(&mut *transaction).await.during(ACTION)?;
        Ok((transaction, entry.number))
    }

    /// Entries in their order, or the other way round.
    pub async fn audit_list(&self, from: AuditFrom, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        const ACTION: &str = "read the audit log";
        let (number, sql) = match from {
            AuditFrom::After(number) => (number, "number > $1 ORDER BY number"),
            AuditFrom::Before(number) => (number, "number < $1 ORDER BY number DESC"),
        };
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {sql} LIMIT $2");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(i64::try_from(number).unwrap_or(i64::MAX));
        let rows = query.bind(i64::from(limit)).fetch_all(&self.readers).await.during(ACTION)?;
        rows.iter().map(read).collect()
    }

    /// The last entry.
    pub async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        const ACTION: &str = "read the audit log";
        let query = sqlx::query("SELECT number, hash FROM audit_head");
        let Some(row) = query.fetch_optional(&self.readers).await.during(ACTION)? else {
            return Ok(AuditHead { number: 0, hash: String::new() });
        };
        Ok(AuditHead {
            number: row.try_get::<i64, _>(0).during(ACTION)?.unsigned_abs(),
            hash: row.try_get(1).during(ACTION)?,
        })
    }

    /// Looks through all entries, a part at a time, for the first that does not follow from those before it, that is not what it
    /// was, or that is not there; also whether the one that somebody `noted` is still what it was.
    pub async fn audit_verify(&self, noted: Option<&AuditHead>) -> Result<AuditVerdict, StoreError> {
        const VERIFY: &str = "verify the audit log";
        let mut intact = AuditHead { number: 0, hash: "0".repeat(64) };
        let broken = |intact: &AuditHead, number: u64, why: String| {
            Ok(AuditVerdict { intact: intact.clone(), broken: Some((number, why)) })
        };
        let strays = sqlx::query("SELECT count(*) FROM audit WHERE number < 1");
        let strays: i64 = strays.fetch_one(&self.readers).await.during(VERIFY)?.try_get(0).during(VERIFY)?;
        let heads = sqlx::query("SELECT count(*) FROM audit_head");
        let heads: i64 = heads.fetch_one(&self.readers).await.during(VERIFY)?.try_get(0).during(VERIFY)?;
        if strays > 0 || heads > 1 {
            return broken(&intact, 0, "there are entries before the first, or another end".to_owned());
        }
        loop {
            // What is read in here was there when it began: others may add entries meanwhile.
            let entries = self.audit_list(AuditFrom::After(intact.number), STEP).await?;
            for entry in &entries {
                let number = intact.number + 1;
                if entry.number != number {
                    return broken(&intact, number, format!("it is not there; the next one is {}", entry.number));
                }
                if entry.previous != intact.hash {
                    return broken(&intact, number, "it does not follow from the one before it".to_owned());
                }
                if entry.hash != entry.expected() {
                    return broken(&intact, number, "it is not what was written".to_owned());
                }
                if noted.is_some_and(|noted| noted.number == number && noted.hash != entry.hash) {
                    return broken(&intact, number, "it has another hash than the one that was noted".to_owned());
                }
                intact = AuditHead { number, hash: entry.hash.clone() };
            }
            if !entries.is_empty() {
                continue;
            }
            let head = self.audit_head().await?;
            if head == intact {
                let lost = noted.filter(|noted| noted.number > intact.number);
                let why = |noted: &AuditHead| format!("it is not there, though entry {} was noted", noted.number);
                return Ok(AuditVerdict { broken: lost.map(|noted| (intact.number + 1, why(noted))), intact });
            }
            if head.number > intact.number {
                // Added since the last look, or gone from the end.
                if self.audit_list(AuditFrom::After(intact.number), 1).await?.is_empty() {
                    let why = format!("it is not there, though {} were written", head.number);
                    return broken(&intact, intact.number + 1, why);
                }
                continue;
            }
            let why = format!("the log's own last entry is {} with another hash", head.number);
            return broken(&intact, intact.number, why);
        }
    }
}

fn read(row: &AnyRow) -> Result<AuditEntry, StoreError> {
    const ACTION: &str = "read the audit log";
    let text = |place: usize| row.try_get::<String, _>(place).during(ACTION);
    Ok(AuditEntry {
        number: row.try_get::<i64, _>(0).during(ACTION)?.unsigned_abs(),
        deed: Deed {
            at: moment(row.try_get(1).during(ACTION)?, "an entry of the audit log")?,
            who: text(2)?,
            action: text(3)?,
            subject: text(4)?,
            outcome: text(5)?,
            detail: text(6)?,
        },
        previous: text(7)?,
        hash: text(8)?,
    })
}
