//! Work that outlives whoever began it: a queue in the database, from which any number of hubs take.
//!
//! Who takes a job has it for a while (a lease), and says that it is alive by asking for longer. Whoever falls silent loses
//! it to the next, and can no longer say what became of it: every taking has a number, and only the last counts.

use crate::database::{Store, micros, moment, places};
use crate::error::{During, StoreError};
use jiff::{SignedDuration, Timestamp};
use sekisho_api::rows::Job;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row as _};

/// A job to be put into the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What is to be done: `scan`.
    pub kind: String,
    /// What with: the image. Of one kind there is one job about one subject.
    pub subject: String,
    /// What else is to be known, for whoever does it.
    pub payload: String,
    /// Not before then.
    pub due_at: Timestamp,
}

/// A job that was taken: what [`Store::job_done`] and the like ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    number: i64,
    /// The job, as it was taken.
    pub job: Job,
}

pub(crate) const COLUMNS: &str =
    "kind, subject, payload, due_at, leased_until, worker, attempt, done_steps, all_steps, failure, given_up";

impl Store {
    /// Puts a job into the queue. Where there is one of the same kind about the same, that is done at the earlier of both
    /// times, with what the new one says, and tried again if it was given up; one that somebody has is done once more.
    pub async fn job_put(&self, job: &NewJob, now: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "put a job into the queue";
        let mut transaction = self.begin(ACTION).await?;
        sqlx::query(
            "INSERT INTO job (kind, subject, payload, due_at, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (kind, subject) DO UPDATE SET payload = excluded.payload, failure = NULL, given_up = 0, \
             due_at = CASE WHEN job.given_up = 0 AND job.leased_until IS NULL AND job.due_at < excluded.due_at \
                      THEN job.due_at ELSE excluded.due_at END, \
             attempt = job.attempt + CASE WHEN job.leased_until IS NULL THEN 0 ELSE 1 END, leased_until = NULL",
        )
        .bind(&job.kind)
        .bind(&job.subject)
        .bind(&job.payload)
        .bind(micros(job.due_at))
        .bind(micros(now))
        .execute(&mut *transaction)
        .await
        .during(ACTION)?;
        transaction.commit().await.during(ACTION)
    }

    /// Takes the job of one of these kinds that waits longest, for so long; none where nothing is due.
    pub async fn job_take(
        &self,
        worker: &str,
        kinds: &[&str],
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Taken>, StoreError> {
        const ACTION: &str = "take a job from the queue";
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let sql = format!(
            "UPDATE job SET worker = $1, leased_until = $2, attempt = attempt + 1, done_steps = 0, all_steps = 0 \
             WHERE number = (SELECT number FROM job WHERE given_up = 0 AND due_at <= $3 \
             AND (leased_until IS NULL OR leased_until <= $3) AND kind IN ({}) ORDER BY due_at, number LIMIT 1{}) \
             RETURNING number, {COLUMNS}",
            places(4, kinds.len()),
            self.skip_locked()
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(worker).bind(micros(until)).bind(micros(now));
        let query = kinds.iter().fold(query, |query, kind| query.bind(*kind));
        let mut transaction = self.begin(ACTION).await?;
        let row = query.fetch_optional(&mut *transaction).await.during(ACTION)?;
        transaction.commit().await.during(ACTION)?;
        row.map(|row| Ok(Taken { number: row.try_get(0).during(ACTION)?, job: read(&row, 1)? })).transpose()
    }

    /// Says that the taker is alive and how far it is, and keeps the job for it until then. Whether it still had it: who
    /// lost it stops.
    pub async fn job_extend(&self, taken: &Taken, progress: (u64, u64), until: Timestamp) -> Result<bool, StoreError> {
        let set = "leased_until = $3, done_steps = $4, all_steps = $5";
        let number = |steps: u64| i64::try_from(steps).unwrap_or(i64::MAX);
        self.job_change(taken, set, "keep a job", |query| {
            query.bind(micros(until)).bind(number(progress.0)).bind(number(progress.1))
        })
        .await
    }

    /// Says that a job is done, and takes it out of the queue. Whether the taker still had it.
    pub async fn job_done(&self, taken: &Taken) -> Result<bool, StoreError> {
        const ACTION: &str = "end a job";
        let mut transaction = self.begin(ACTION).await?;
        let query = sqlx::query("DELETE FROM job WHERE number = $1 AND attempt = $2");
        let ended = query.bind(taken.number).bind(i64::from(taken.job.attempt)).execute(&mut *transaction).await;
        let ended = ended.during(ACTION)?.rows_affected() > 0;
        transaction.commit().await.during(ACTION)?;
        Ok(ended)
    }

    /// Says why a job failed, and when it is to be tried again; never, where there is no time. Whether the taker still had it.
    pub async fn job_failed(&self, taken: &Taken, why: &str, again: Option<Timestamp>) -> Result<bool, StoreError> {
        let set = "leased_until = NULL, failure = $3, due_at = $4, given_up = $5";
        let why: String = why.chars().take(2000).collect();
        let due = again.unwrap_or(taken.job.due_at);
        self.job_change(taken, set, "put a job back", |query| {
            query.bind(why).bind(micros(due)).bind(i64::from(again.is_none()))
        })
        .await
    }

    async fn job_change<'q>(
        &self,
        taken: &Taken,
        set: &str,
        action: &'static str,
        bind: impl FnOnce(Query<'q>) -> Query<'q>,
    ) -> Result<bool, StoreError> {
        let sql = format!("UPDATE job SET {set} WHERE number = $1 AND attempt = $2");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(taken.number).bind(i64::from(taken.job.attempt));
        let mut transaction = self.begin(action).await?;
        let changed = bind(query).execute(&mut *transaction).await.during(action)?.rows_affected() > 0;
        transaction.commit().await.during(action)?;
        Ok(changed)
    }
}

type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

/// A job from [`COLUMNS`], the first of which is at `first`.
pub(crate) fn read(row: &AnyRow, first: usize) -> Result<Job, StoreError> {
    const ACTION: &str = "read a job";
    let number = |place: usize| row.try_get::<i64, _>(first + place).during(ACTION);
    let kind: String = row.try_get(first).during(ACTION)?;
    let leased: Option<i64> = row.try_get(first + 4).during(ACTION)?;
    Ok(Job {
        subject: row.try_get(first + 1).during(ACTION)?,
        payload: row.try_get(first + 2).during(ACTION)?,
        due_at: moment(number(3)?, &kind)?,
        leased_until: leased.map(|micros| moment(micros, &kind)).transpose()?,
        worker: row.try_get(first + 5).during(ACTION)?,
        attempt: u32::try_from(number(6)?).unwrap_or(u32::MAX),
        done: number(7)?.unsigned_abs(),
        steps: number(8)?.unsigned_abs(),
        failure: row.try_get(first + 9).during(ACTION)?,
        given_up: number(10)? != 0,
        kind,
    })
}
