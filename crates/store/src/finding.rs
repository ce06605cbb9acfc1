//! Findings: which package had which vulnerability from when until when, by which advisory database.
//!
//! They are kept for packages, not for each inventory with them: a package that is in a thousand images is judged once, and an
//! image that comes later has what its packages have.

use crate::database::{Backend, Store, VALUES, micros, places, rows};
use crate::error::{During, StoreError};
use jiff::Timestamp;
use sekisho_api::rows::JudgingDatabase;
use sekisho_model::{AssessedBy, PackageFinding, Subject, Vulnerability};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Executor, Row as _, Transaction};
use std::collections::HashMap;

/// Packages that are judged in one step, whole or not at all.
const STEP: u32 = 2_000;

/// A package by its place in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageNumber(i64);

impl PackageNumber {
    /// What is before all.
    pub const NONE: Self = Self(0);
}

/// A package, as it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPackage {
    /// Its place.
    pub number: PackageNumber,
    /// All that decides.
    pub subject: Subject,
}

/// What a database says about a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedPackage {
    /// The package.
    pub package: StoredPackage,
    /// The vulnerabilities it has.
    pub findings: Vec<PackageFinding>,
    /// Why it could not be judged, or not in full. Then what was known of it before holds.
    pub obstacle: Option<String>,
}

/// How many findings began and ended, each counted once for its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transitions {
    /// New ones.
    pub opened: u64,
    /// Those that said something else before.
    pub changed: u64,
    /// Those that are no more.
    pub closed: u64,
}

impl Store {
    /// From now on this advisory database judges. Which packages it has to judge is said by [`Self::package_mark`] and
    /// [`Self::database_prepared`].
    pub async fn database_adopt(&self, database: &AssessedBy, now: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "adopt an advisory database";
        let document = serde_json::to_string(database).map_err(|error| damaged(&database.digest, &error))?;
        let mut transaction = self.begin(ACTION).await?;
        let current = current(&mut *transaction).await?;
        if current.as_ref().is_some_and(|current| current.by.digest == database.digest) {
            return Ok(());
        }
        // What had not come to its end says nothing of packages that are not due.
        let predecessor = current.filter(|current| current.prepared).map(|current| current.by.digest);
        sqlx::query(
            "INSERT INTO advisory_database (digest, predecessor, prepared, described, adopted_at, document) \
             VALUES ($1, $2, 0, 0, $3, $4) \
             ON CONFLICT (digest) DO UPDATE SET predecessor = excluded.predecessor, prepared = 0, described = 0, \
             adopted_at = excluded.adopted_at, document = excluded.document",
        )
        .bind(&database.digest)
        .bind(predecessor)
        .bind(micros(now))
        .bind(document)
        .execute(&mut *transaction)
        .await
        .during(ACTION)?;
        transaction.commit().await.during(ACTION)
    }

    /// The advisory database that judges, if there is one.
    pub async fn database_current(&self) -> Result<Option<JudgingDatabase>, StoreError> {
        current(&self.readers).await
    }

    /// Says that all packages are due which the database with this digest may judge in another way than its predecessor.
    pub async fn database_prepared(&self, digest: &str) -> Result<(), StoreError> {
        self.database_set("prepared", digest).await
    }

    /// Says that what is known of vulnerabilities is what the database with this digest says.
    pub async fn database_described(&self, digest: &str) -> Result<(), StoreError> {
        self.database_set("described", digest).await
    }

    async fn database_set(&self, what: &str, digest: &str) -> Result<(), StoreError> {
        const ACTION: &str = "keep how far an advisory database came";
        let mut transaction = self.begin(ACTION).await?;
        let sql = format!("UPDATE advisory_database SET {what} = 1 WHERE digest = $1");
        sqlx::query(AssertSqlSafe(sql)).bind(digest).execute(&mut *transaction).await.during(ACTION)?;
        transaction.commit().await.during(ACTION)
    }

    /// Packages in the order of their numbers, after the one with this number.
    pub async fn package_list(&self, after: PackageNumber, limit: u32) -> Result<Vec<StoredPackage>, StoreError> {
        let sql = "SELECT number, subject FROM package WHERE number > $1 ORDER BY number LIMIT $2";
        self.packages(sqlx::query(sql).bind(after.0).bind(i64::from(limit))).await
    }

    /// Some of the packages that have to be judged.
    pub async fn package_due(&self) -> Result<Vec<StoredPackage>, StoreError> {
        let sql = "SELECT number, subject FROM package WHERE due = 1 ORDER BY number LIMIT $1";
        self.packages(sqlx::query(sql).bind(i64::from(STEP))).await
    }

    async fn packages(&self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<StoredPackage>, StoreError> {
        const ACTION: &str = "look for packages to be judged";
        let read = |row: &AnyRow| {
            let (number, text): (i64, String) = (row.try_get(0).during(ACTION)?, row.try_get(1).during(ACTION)?);
            let subject = serde_json::from_str(&text).map_err(|error| damaged("a package", &error))?;
            Ok(StoredPackage { number: PackageNumber(number), subject })
        };
        query.fetch_all(&self.readers).await.during(ACTION)?.iter().map(read).collect()
    }

    /// Has these packages judged, or all where none are named.
    pub async fn package_mark(&self, packages: Option<&[PackageNumber]>) -> Result<(), StoreError> {
        const ACTION: &str = "mark packages to be judged";
        let mut transaction = self.begin(ACTION).await?;
        match packages {
            None => {
                let query = sqlx::query("UPDATE package SET due = 1 WHERE due = 0");
                query.execute(&mut *transaction).await.during(ACTION)?;
            }
            Some(packages) => {
                for some in packages.chunks(VALUES) {
                    let sql = format!("UPDATE package SET due = 1 WHERE number IN ({})", places(1, some.len()));
                    let query =
                        some.iter().fold(sqlx::query(self.backend.bulk(sql)), |query, number| query.bind(number.0));
                    query.execute(&mut *transaction).await.during(ACTION)?;
                }
            }
        }
        transaction.commit().await.during(ACTION)
    }

    /// The ids of vulnerabilities that something has or had, in order, some after this one.
    pub async fn vulnerability_list(&self, after: &str) -> Result<Vec<String>, StoreError> {
        const ACTION: &str = "list vulnerabilities";
        let rows = sqlx::query("SELECT id FROM vulnerability WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after)
            .bind(i64::from(STEP))
            .fetch_all(&self.readers)
            .await
            .during(ACTION)?;
        rows.iter().map(|row| row.try_get(0).during(ACTION)).collect()
    }

    /// Keeps what the database with this digest knows of vulnerabilities, and says how many that changed. Where another
    /// database judges by now nothing is kept, and none comes back.
    pub async fn vulnerability_put(&self, database: &str, known: &[Vulnerability]) -> Result<Option<u64>, StoreError> {
        const ACTION: &str = "store what is known of vulnerabilities";
        let mut transaction = self.begin(ACTION).await?;
        if !judges(&mut transaction, database).await? {
            return Ok(None);
        }
        let changed = describe(self.backend, &mut transaction, known).await?;
        transaction.commit().await.during(ACTION)?;
        Ok(Some(changed))
    }

    /// Keeps what the database with this digest says about packages, and what is known of the `vulnerabilities` among it:
    /// what is new is opened, what is no longer said is closed. Where another database judges by now, nothing is kept, and none
    /// comes back.
    pub async fn package_judged(
        &self,
        database: &str,
        judged: &[JudgedPackage],
        vulnerabilities: &[Vulnerability],
        now: Timestamp,
    ) -> Result<Option<Transitions>, StoreError> {
        const ACTION: &str = "store what was found";
        let mut transaction = self.begin(ACTION).await?;
        // Whoever does the same waits here for its end.
        let mut numbers: Vec<i64> = judged.iter().map(|judged| judged.package.number.0).collect();
        numbers.sort_unstable();
        let mut open: HashMap<i64, HashMap<String, Open>> = HashMap::new();
        for some in numbers.chunks(VALUES) {
            let sql =
                format!("UPDATE package SET due = 0, obstacle = NULL WHERE number IN ({})", places(1, some.len()));
            let query = some.iter().fold(sqlx::query(self.backend.bulk(sql)), |query, number| query.bind(*number));
            query.execute(&mut *transaction).await.during(ACTION)?;
            let sql = format!(
                "SELECT package, vulnerability, number, document, since FROM finding \
                 WHERE closed_at IS NULL AND package IN ({})",
                places(1, some.len())
            );
            let query = some.iter().fold(sqlx::query(self.backend.bulk(sql)), |query, number| query.bind(*number));
            for row in query.fetch_all(&mut *transaction).await.during(ACTION)? {
                let found = Open {
                    number: row.try_get(2).during(ACTION)?,
                    document: row.try_get(3).during(ACTION)?,
                    since: row.try_get(4).during(ACTION)?,
                };
                let of = open.entry(row.try_get(0).during(ACTION)?).or_default();
                of.insert(row.try_get(1).during(ACTION)?, found);
            }
        }
        if !judges(&mut transaction, database).await? {
            return Ok(None);
        }
        let (mut transitions, mut begin, mut end) = (Transitions::default(), Vec::new(), Vec::new());
        for JudgedPackage { package: StoredPackage { number: PackageNumber(number), .. }, findings, obstacle } in judged
        {
            let mut before = open.remove(number).unwrap_or_default();
            for finding in findings {
                let document = serde_json::to_string(finding).map_err(|error| damaged("a finding", &error))?;
                let since = match before.remove(&finding.vulnerability) {
                    Some(known) if known.document == document => continue,
                    Some(known) => {
                        end.push(known.number);
                        transitions.changed += 1;
                        known.since
                    }
                    None => {
                        transitions.opened += 1;
                        micros(now)
                    }
                };
                begin.push((*number, finding, document, since));
            }
            if let Some(why) = obstacle {
                let query = sqlx::query("UPDATE package SET obstacle = $1 WHERE number = $2").bind(why).bind(*number);
                query.execute(&mut *transaction).await.during(ACTION)?;
            } else {
                transitions.closed += before.len() as u64;
                end.extend(before.into_values().map(|known| known.number));
            }
        }
        for some in end.chunks(VALUES) {
            let sql = format!(
                "UPDATE finding SET closed_at = $1, closed_by = $2 WHERE number IN ({})",
                places(3, some.len())
            );
            let query = sqlx::query(self.backend.bulk(sql)).bind(micros(now)).bind(database);
            let query = some.iter().fold(query, |query, number| query.bind(*number));
            query.execute(&mut *transaction).await.during(ACTION)?;
        }
        for some in begin.chunks(VALUES / 8) {
            let sql = format!(
                "INSERT INTO finding (package, vulnerability, severity, fixable, document, since, opened_at, opened_by) \
                 VALUES {}",
                rows(some.len(), 8)
            );
            let mut query = sqlx::query(self.backend.bulk(sql));
            for (package, finding, document, since) in some {
                query = query.bind(*package).bind(&finding.vulnerability).bind(finding.severity as i64);
                query = query.bind(i64::from(!finding.fixed_in.is_empty())).bind(document).bind(*since);
                query = query.bind(micros(now)).bind(database);
            }
            query.execute(&mut *transaction).await.during(ACTION)?;
        }
        describe(self.backend, &mut transaction, vulnerabilities).await?;
        transaction.commit().await.during(ACTION)?;
        Ok(Some(transitions))
    }

    /// What is known about a vulnerability that something has or had.
    pub async fn vulnerability_get(&self, id: &str) -> Result<Option<Vulnerability>, StoreError> {
        const ACTION: &str = "read a vulnerability";
        let query = sqlx::query("SELECT document FROM vulnerability WHERE id = $1").bind(id);
        let Some(row) = query.fetch_optional(&self.readers).await.during(ACTION)? else { return Ok(None) };
        let text: String = row.try_get(0).during(ACTION)?;
        serde_json::from_str(&text).map(Some).map_err(|error| damaged(id, &error))
    }
}

async fn current<'e>(from: impl Executor<'e, Database = Any>) -> Result<Option<JudgingDatabase>, StoreError> {
    const ACTION: &str = "look for the advisory database";
    let query = sqlx::query(
        "SELECT document, predecessor, prepared, described FROM advisory_database ORDER BY adopted_at DESC, digest LIMIT 1",
    );
    let Some(row) = query.fetch_optional(from).await.during(ACTION)? else { return Ok(None) };
    let text: String = row.try_get(0).during(ACTION)?;
    let is = |place: usize| row.try_get::<i64, _>(place).during(ACTION).map(|flag| flag != 0);
    Ok(Some(JudgingDatabase {
        by: serde_json::from_str(&text).map_err(|error| damaged("an advisory database", &error))?,
        predecessor: row.try_get(1).during(ACTION)?,
        prepared: is(2)?,
        described: is(3)?,
    }))
}

/// Whether it is the database with this digest that judges.
async fn judges(transaction: &mut Transaction<'static, Any>, digest: &str) -> Result<bool, StoreError> {
    Ok(current(&mut **transaction).await?.is_some_and(|current| current.by.digest == digest))
}

/// A finding that holds.
struct Open {
    number: i64,
    document: String,
    since: i64,
}

/// Writes what is known of those vulnerabilities of which something else was known, and says how many these are.
async fn describe(
    backend: Backend,
    transaction: &mut Transaction<'static, Any>,
    vulnerabilities: &[Vulnerability],
) -> Result<u64, StoreError> {
    const ACTION: &str = "store what is known of vulnerabilities";
    // In one order, so that two who store the same do not wait for each other.
    let mut in_order: Vec<(&Vulnerability, String)> = Vec::new();
    for known in vulnerabilities {
        in_order.push((known, serde_json::to_string(known).map_err(|error| damaged(&known.id, &error))?));
    }
    in_order.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    let mut changed = 0;
    for some in in_order.chunks(VALUES / 4) {
        let sql = format!("SELECT id, document FROM vulnerability WHERE id IN ({})", places(1, some.len()));
        let query = some.iter().fold(sqlx::query(backend.bulk(sql)), |query, (known, _)| query.bind(&known.id));
        let mut before: HashMap<String, String> = HashMap::new();
        for row in query.fetch_all(&mut **transaction).await.during(ACTION)? {
            before.insert(row.try_get(0).during(ACTION)?, row.try_get(1).during(ACTION)?);
        }
        let is_new = |(known, document): &&(&Vulnerability, String)| before.get(&known.id) != Some(document);
        let new: Vec<&(&Vulnerability, String)> = some.iter().filter(is_new).collect();
        if new.is_empty() {
            continue;
        }
        changed += new.len() as u64;
        let sql = format!(
            "INSERT INTO vulnerability (id, exploited, likelihood, document) VALUES {} \
             ON CONFLICT (id) DO UPDATE SET exploited = excluded.exploited, likelihood = excluded.likelihood, \
             document = excluded.document",
            rows(new.len(), 4)
        );
        let mut query = sqlx::query(backend.bulk(sql));
        for (known, document) in new {
            let likelihood = known.likelihood.map(|likelihood| (f64::from(likelihood.probability) * 1e6) as i64);
            query = query.bind(&known.id).bind(i64::from(known.exploited.is_some())).bind(likelihood).bind(document);
        }
        query.execute(&mut **transaction).await.during(ACTION)?;
    }
    Ok(changed)
}

fn damaged(what: &str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Damaged { what: what.to_owned(), reason: error.to_string() }
}
