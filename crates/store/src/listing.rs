//! Lists as they are shown: filtered, a part at a time, each part behind the entry that the one before ended with.

use crate::database::{Store, micros, moment};
use crate::error::{During, StoreError};
use crate::job;
use crate::statement::Statement;
use jiff::Timestamp;
use sekisho_api::Wanted;
use sekisho_api::page::{Cursor, Page};
use sekisho_api::rows::{FindingEntry, Hit, InventoryEntry, Job, PackageEntry, VulnerabilityEntry};
use sekisho_model::{InvalidPurl, PackageKind, Purl, Severity, Vulnerability};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A key that is between the parts of one cursor.
const BETWEEN: char = '\0';

impl Store {
    /// Inventories in the order of their identities.
    pub async fn inventory_list(&self, wanted: &Wanted) -> Result<Page<InventoryEntry>, StoreError> {
        const ACTION: &str = "list inventories";
        const COLUMNS: &[&str] = &["identity", "name", "os", "complete", "packages", "observed_at"];
        let mut statement = Statement::new(
            "SELECT identity, name, os, complete, packages, observed_at FROM inventory WHERE identity > ",
        );
        statement.text(&wanted.after).filter(wanted.filter.as_ref(), COLUMNS).push(" ORDER BY identity LIMIT ");
        statement.number(i64::from(wanted.limit) + 1);
        self.page(&statement, wanted, ACTION, |row| {
            let row = Row(row, ACTION);
            let identity = row.text(0)?;
            let entry = InventoryEntry {
                name: row.text(1)?,
                os: row.text(2)?,
                complete: row.flag(3)?,
                packages: row.count(4)?,
                observed_at: row.time(5)?,
                identity: identity.clone(),
            };
            Ok((identity, entry))
        })
        .await
    }

    /// Vulnerabilities that packages of any inventory had at a time, or of one; those that were found last first.
    pub async fn finding_list(
        &self,
        wanted: &Wanted,
        inventory: Option<&str>,
        at: Option<Timestamp>,
    ) -> Result<Page<FindingEntry>, StoreError> {
        const ACTION: &str = "list findings";
        const COLUMNS: &[&str] = &[
            "finding.vulnerability",
            "finding.severity",
            "finding.fixable",
            "coalesce(vulnerability.exploited, 0)",
            "coalesce(vulnerability.likelihood, 0)",
            "package.name",
            "package.kind",
            "finding.since",
        ];
        let mut statement = Statement::new(
            "SELECT finding.number, finding.document, finding.since, package.purl, vulnerability.exploited, \
             vulnerability.likelihood, \
             (SELECT count(*) FROM inventory_package WHERE inventory_package.package = finding.package) \
             FROM finding JOIN package ON package.number = finding.package \
             LEFT JOIN vulnerability ON vulnerability.id = finding.vulnerability \
             WHERE EXISTS (SELECT 1 FROM inventory_package ",
        );
        // What nothing has any more, or had not yet, is nobody's matter.
        match (inventory, at) {
            (Some(identity), at) => {
                statement.push("JOIN inventory ON inventory.number = inventory_package.inventory ");
                statement.push("WHERE inventory_package.package = finding.package AND inventory.identity = ");
                statement.text(identity);
                if let Some(at) = at {
                    statement.push(" AND inventory.first_stored_at <= ").number(micros(at));
                }
            }
            (None, Some(at)) => {
                statement.push("JOIN inventory ON inventory.number = inventory_package.inventory ");
                statement.push("WHERE inventory_package.package = finding.package AND inventory.first_stored_at <= ");
                statement.number(micros(at));
            }
            (None, None) => {
                statement.push("WHERE inventory_package.package = finding.package");
            }
        }
        statement.push(")");
        holds(&mut statement, at);
        if let Ok(number) = wanted.after.parse() {
            statement.push(" AND finding.number < ").number(number);
        }
        statement.filter(wanted.filter.as_ref(), COLUMNS).push(" ORDER BY finding.number DESC LIMIT ");
        statement.number(i64::from(wanted.limit) + 1);
        self.page(&statement, wanted, ACTION, |row| {
            let row = Row(row, ACTION);
            let number = row.number(0)?.to_string();
            let likelihood = row.optional(5)?.map(|millionths| millionths as f64 / 1e6);
            let entry = FindingEntry {
                package: row.purl(3)?,
                finding: row.document(1, &number)?,
                exploited: row.optional(4)?.is_some_and(|flag| flag != 0),
                likelihood,
                since: row.time(2)?,
                inventories: row.count(6)?,
            };
            Ok((number, entry))
        })
        .await
    }

    /// Vulnerabilities that something has or had, in the order of their ids, with how much has them now.
    pub async fn vulnerability_entries(&self, wanted: &Wanted) -> Result<Page<VulnerabilityEntry>, StoreError> {
        const ACTION: &str = "list vulnerabilities";
        const COLUMNS: &[&str] =
            &["vulnerability.id", "vulnerability.exploited", "coalesce(vulnerability.likelihood, 0)"];
        let mut statement = Statement::new(
            "SELECT vulnerability.id, vulnerability.document, \
             (SELECT max(finding.severity) FROM finding \
              WHERE finding.vulnerability = vulnerability.id AND finding.closed_at IS NULL), \
             (SELECT count(*) FROM finding \
              WHERE finding.vulnerability = vulnerability.id AND finding.closed_at IS NULL AND EXISTS \
              (SELECT 1 FROM inventory_package WHERE inventory_package.package = finding.package)), \
             (SELECT count(DISTINCT inventory_package.inventory) FROM finding \
              JOIN inventory_package ON inventory_package.package = finding.package \
              WHERE finding.vulnerability = vulnerability.id AND finding.closed_at IS NULL) \
             FROM vulnerability WHERE vulnerability.id > ",
        );
        statement.text(&wanted.after).filter(wanted.filter.as_ref(), COLUMNS);
        statement.push(" ORDER BY vulnerability.id LIMIT ").number(i64::from(wanted.limit) + 1);
        self.page(&statement, wanted, ACTION, |row| {
            let row = Row(row, ACTION);
            let id = row.text(0)?;
            let known: Vulnerability = row.document(1, &id)?;
            let severity = row.optional(2)?.and_then(|place| Severity::ALL.get(usize::try_from(place).ok()?).copied());
            let entry = VulnerabilityEntry {
                title: known.title,
                severity: severity.unwrap_or_default(),
                exploited: known.exploited.is_some(),
                likelihood: known.likelihood,
                packages: row.count(3)?,
                inventories: row.count(4)?,
                id: id.clone(),
            };
            Ok((id, entry))
        })
        .await
    }

    /// The inventories that had a vulnerability at a time, as far as it was known then, in the order of their identities.
    pub async fn vulnerability_hits(
        &self,
        id: &str,
        at: Option<Timestamp>,
        wanted: &Wanted,
    ) -> Result<Page<Hit>, StoreError> {
        const ACTION: &str = "look for who has a vulnerability";
        const COLUMNS: &[&str] = &[
            "inventory.identity",
            "inventory.name",
            "inventory.os",
            "finding.severity",
            "finding.fixable",
            "package.name",
            "finding.since",
        ];
        let mut statement = Statement::new(
            "SELECT inventory.identity, package.number, inventory.name, package.purl, finding.since, finding.document \
             FROM finding JOIN package ON package.number = finding.package \
             JOIN inventory_package ON inventory_package.package = finding.package \
             JOIN inventory ON inventory.number = inventory_package.inventory WHERE finding.vulnerability = ",
        );
        statement.text(id);
        holds(&mut statement, at);
        if let Some(at) = at {
            statement.push(" AND inventory.first_stored_at <= ").number(micros(at));
        }
        if let Some((identity, number)) = wanted.after.rsplit_once(BETWEEN) {
            statement.push(" AND (inventory.identity, package.number) > (").text(identity).push(", ");
            statement.number(number.parse().unwrap_or_default()).push(")");
        }
        statement.filter(wanted.filter.as_ref(), COLUMNS);
        statement.push(" ORDER BY inventory.identity, package.number LIMIT ").number(i64::from(wanted.limit) + 1);
        self.page(&statement, wanted, ACTION, |row| {
            let row = Row(row, ACTION);
            let inventory = row.text(0)?;
            let key = format!("{inventory}{BETWEEN}{}", row.number(1)?);
            let hit = Hit {
                name: row.text(2)?,
                package: row.purl(3)?,
                since: row.time(4)?,
                finding: row.document(5, &inventory)?,
                inventory,
            };
            Ok((key, hit))
        })
        .await
    }

    /// Packages that any inventory has, in the order in which they were first met.
    pub async fn package_entries(&self, wanted: &Wanted) -> Result<Page<PackageEntry>, StoreError> {
        const ACTION: &str = "list packages";
        const COLUMNS: &[&str] = &[
            "package.kind",
            "package.name",
            "package.version",
            "package.due",
            "CASE WHEN package.obstacle IS NULL THEN 1 ELSE 0 END",
        ];
        let mut statement = Statement::new(
            "SELECT package.number, package.purl, package.kind, package.name, package.version, package.due, \
             package.obstacle, \
             (SELECT count(*) FROM inventory_package WHERE inventory_package.package = package.number), \
             (SELECT count(*) FROM finding WHERE finding.package = package.number AND finding.closed_at IS NULL) \
             FROM package WHERE EXISTS \
             (SELECT 1 FROM inventory_package WHERE inventory_package.package = package.number) AND package.number > ",
        );
        statement.number(wanted.after.parse().unwrap_or_default()).filter(wanted.filter.as_ref(), COLUMNS);
        statement.push(" ORDER BY package.number LIMIT ").number(i64::from(wanted.limit) + 1);
        self.page(&statement, wanted, ACTION, |row| {
            let row = Row(row, ACTION);
            let number = row.number(0)?.to_string();
            let kind = row.text(2)?;
            let entry = PackageEntry {
                purl: row.purl(1)?,
                kind: PackageKind::ALL
                    .iter()
                    .copied()
                    .find(|known| known.as_str() == kind)
                    .ok_or_else(|| row.damaged(&number, format!("{kind:?} is no kind of package")))?,
                name: row.text(3)?,
                version: row.text(4)?,
                due: row.flag(5)?,
                obstacle: row.0.try_get(6).during(ACTION)?,
                inventories: row.count(7)?,
                findings: row.count(8)?,
            };
            Ok((number, entry))
        })
        .await
    }

    /// Jobs, the next to be done first.
    pub async fn job_list(&self, wanted: &Wanted) -> Result<Page<Job>, StoreError> {
        const ACTION: &str = "list jobs";
        const COLUMNS: &[&str] = &["kind", "subject", "due_at", "given_up"];
        let mut statement = Statement::new(&format!("SELECT number, {} FROM job WHERE 1 = 1", job::COLUMNS));
        let after: Vec<i64> = wanted.after.split(BETWEEN).filter_map(|part| part.parse().ok()).collect();
        if let [given_up, due_at, number] = after[..] {
            statement.push(" AND (given_up, due_at, number) > (").number(given_up).push(", ").number(due_at);
            statement.push(", ").number(number).push(")");
        }
        statement.filter(wanted.filter.as_ref(), COLUMNS).push(" ORDER BY given_up, due_at, number LIMIT ");
        statement.number(i64::from(wanted.limit) + 1);
        self.page(&statement, wanted, ACTION, |row| {
            let job = job::read(row, 1)?;
            let number = Row(row, ACTION).number(0)?;
            let key = format!("{}{BETWEEN}{}{BETWEEN}{number}", i64::from(job.given_up), micros(job.due_at));
            Ok((key, job))
        })
        .await
    }

    /// The part that a statement with one entry more than wanted gives; `read` gives entries with their keys.
    async fn page<T>(
        &self,
        statement: &Statement,
        wanted: &Wanted,
        action: &'static str,
        read: impl Fn(&AnyRow) -> Result<(String, T), StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let rows = statement.rows(&self.readers, action).await?;
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let Page { items, next } = Page::cut(entries, wanted.limit, |(key, _)| Cursor(key.clone()).0);
        Ok(Page { items: items.into_iter().map(|(_, entry)| entry).collect(), next })
    }
}

/// Adds that a finding holds now, or held at a time.
fn holds(statement: &mut Statement, at: Option<Timestamp>) {
    match at {
        None => statement.push(" AND finding.closed_at IS NULL"),
        Some(at) => {
            statement.push(" AND finding.opened_at <= ").number(micros(at));
            statement.push(" AND (finding.closed_at IS NULL OR finding.closed_at > ").number(micros(at)).push(")")
        }
    };
}

/// A row, and what it is read for.
struct Row<'a>(&'a AnyRow, &'static str);

impl Row<'_> {
    fn number(&self, place: usize) -> Result<i64, StoreError> {
        self.0.try_get(place).during(self.1)
    }

    fn optional(&self, place: usize) -> Result<Option<i64>, StoreError> {
        self.0.try_get(place).during(self.1)
    }

    fn count(&self, place: usize) -> Result<u64, StoreError> {
        self.number(place).map(i64::unsigned_abs)
    }

    fn flag(&self, place: usize) -> Result<bool, StoreError> {
        self.number(place).map(|flag| flag != 0)
    }

    fn text(&self, place: usize) -> Result<String, StoreError> {
        self.0.try_get(place).during(self.1)
    }

    fn time(&self, place: usize) -> Result<Timestamp, StoreError> {
        moment(self.number(place)?, self.1)
    }

    fn purl(&self, place: usize) -> Result<Purl, StoreError> {
        let text = self.text(place)?;
        text.parse().map_err(|error: InvalidPurl| self.damaged(&text, error.to_string()))
    }

    fn document<T: serde::de::DeserializeOwned>(&self, place: usize, of: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(place)?).map_err(|error| self.damaged(of, error.to_string()))
    }

    fn damaged(&self, what: &str, reason: String) -> StoreError {
        StoreError::Damaged { what: what.to_owned(), reason }
    }
}
