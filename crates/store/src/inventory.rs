//! Inventories: what each image or directory has, once, and who has a package.
//!
//! Packages are kept once for all inventories, by all that decides which vulnerabilities they have.

use crate::database::{Store, VALUES, micros, moment, places, rows, storable};
use crate::error::{During, StoreError};
use jiff::Timestamp;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::{Limits, hash};
use sekisho_model::{Inventory, OsRelease, PackageKind, Purl, Subject};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeMap;
use std::io::Read as _;

/// How hard zstd tries: inventories are written once, and read as fast whatever the level.
const LEVEL: i32 = 6;

/// An inventory as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryEntry {
    /// What tells it from others ([`Inventory::identity`]): the digest of an image's configuration.
    pub identity: String,
    /// What was scanned, as it was named.
    pub name: String,
    /// The distribution, `debian-12`; empty where there is none.
    pub os: String,
    /// Whether all that could hide a package was read.
    pub complete: bool,
    /// How many packages.
    pub packages: u64,
    /// When it was scanned.
    pub observed_at: Timestamp,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What comes after the entry with this key; from the beginning where empty.
    pub after: String,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Keeps an inventory in place of what was known of the same content, with its `packages`, each as it is to be judged. One
    /// that is older than what is kept changes nothing.
    pub async fn inventory_put(
        &self,
        inventory: &Inventory,
        packages: &[(&Purl, Subject)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "store an inventory";
        let identity = inventory.identity();
        let damaged = |reason: String| StoreError::Damaged { what: format!("the inventory {identity}"), reason };
        let json = serde_json::to_vec(inventory).map_err(|error| damaged(error.to_string()))?;
        let document = zstd::encode_all(json.as_slice(), LEVEL).map_err(|error| damaged(error.to_string()))?;
        // In one order, so that two who store the same packages do not wait for each other.
        let mut different = BTreeMap::new();
        for (purl, subject) in packages {
            let text = serde_json::to_string(subject).map_err(|error| damaged(error.to_string()))?;
            different.insert(hash::hex(&hash::sha256(text.as_bytes())[..16]), (purl.as_str(), subject, text));
        }
        let identities: Vec<&str> = different.keys().map(String::as_str).collect();

        let mut transaction = self.begin(ACTION).await?;
        let stored = sqlx::query(
            "INSERT INTO inventory (identity, name, os, complete, packages, observed_at, first_stored_at, stored_at, document) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) \
             ON CONFLICT (identity) DO UPDATE SET name = excluded.name, os = excluded.os, complete = excluded.complete, \
             packages = excluded.packages, observed_at = excluded.observed_at, stored_at = excluded.stored_at, \
             document = excluded.document WHERE inventory.observed_at <= excluded.observed_at \
             RETURNING number",
        )
        .bind(&identity)
        .bind(storable(&inventory.source.name))
        .bind(storable(&inventory.os.as_ref().map(OsRelease::distro).unwrap_or_default()))
        .bind(i64::from(inventory.complete))
        .bind(i64::try_from(inventory.packages.len()).unwrap_or(i64::MAX))
        .bind(micros(inventory.observed_at))
        .bind(micros(now))
        .bind(document)
        .fetch_optional(&mut *transaction)
        .await
        .during(ACTION)?;
        let Some(stored) = stored else { return Ok(()) };
        let number: i64 = stored.try_get(0).during(ACTION)?;
        for some in identities.chunks(VALUES / 6) {
            let sql = format!(
                "INSERT INTO package (identity, purl, kind, name, version, subject) VALUES {} ON CONFLICT (identity) DO NOTHING",
                rows(some.len(), 6)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for identity in some {
                let (purl, Subject { facts, .. }, text) = &different[*identity];
                query = query.bind(*identity).bind(*purl).bind(facts.kind.as_str());
                query = query.bind(storable(&facts.name)).bind(storable(&facts.version)).bind(text);
            }
            query.execute(&mut *transaction).await.during(ACTION)?;
        }
        let forget = sqlx::query("DELETE FROM inventory_package WHERE inventory = $1").bind(number);
        forget.execute(&mut *transaction).await.during(ACTION)?;
        for some in identities.chunks(VALUES) {
            let sql = format!(
                "INSERT INTO inventory_package (package, inventory) SELECT number, $1 FROM package WHERE identity IN ({})",
                places(2, some.len())
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(number);
            some.iter()
                .fold(query, |query, identity| query.bind(*identity))
                .execute(&mut *transaction)
                .await
                .during(ACTION)?;
        }
        transaction.commit().await.during(ACTION)
    }

    /// The inventory with this identity, if it is kept.
    pub async fn inventory_get(&self, identity: &str) -> Result<Option<Inventory>, StoreError> {
        const ACTION: &str = "read an inventory";
        let query = sqlx::query("SELECT document FROM inventory WHERE identity = $1").bind(identity);
        let Some(row) = query.fetch_optional(&self.readers).await.during(ACTION)? else { return Ok(None) };
        let document: Vec<u8> = row.try_get(0).during(ACTION)?;
        let damaged = |reason: String| StoreError::Damaged { what: format!("the inventory {identity}"), reason };
        let mut json = Vec::new();
        Inflate::new(document.as_slice(), Compression::Zstd, document.len() as u64, &Limits::default())
            .and_then(|mut inflate| inflate.read_to_end(&mut json))
            .map_err(|error| damaged(error.to_string()))?;
        serde_json::from_slice(&json).map(Some).map_err(|error| damaged(error.to_string()))
    }

    /// Inventories in the order of their identities.
    pub async fn inventory_list(&self, page: &Page) -> Result<Vec<InventoryEntry>, StoreError> {
        const ACTION: &str = "list inventories";
        let rows = sqlx::query(
            "SELECT identity, name, os, complete, packages, observed_at FROM inventory \
             WHERE identity > $1 ORDER BY identity LIMIT $2",
        )
        .bind(&page.after)
        .bind(i64::from(page.limit))
        .fetch_all(&self.readers)
        .await
        .during(ACTION)?;
        rows.iter().map(entry).collect()
    }

    /// Identities of the inventories that have a package of this kind and name, in any version, with that package.
    pub async fn inventory_with(&self, kind: PackageKind, name: &str) -> Result<Vec<(String, Purl)>, StoreError> {
        const ACTION: &str = "look for a package";
        let rows = sqlx::query(
            "SELECT inventory.identity, package.purl FROM package \
             JOIN inventory_package ON inventory_package.package = package.number \
             JOIN inventory ON inventory.number = inventory_package.inventory \
             WHERE package.kind = $1 AND package.name = $2 ORDER BY inventory.identity, package.purl",
        )
        .bind(kind.as_str())
        .bind(name)
        .fetch_all(&self.readers)
        .await
        .during(ACTION)?;
        let read = |row: &AnyRow| {
            let (identity, purl): (String, String) = (row.try_get(0).during(ACTION)?, row.try_get(1).during(ACTION)?);
            let damaged = |reason: String| StoreError::Damaged { what: format!("a package of {identity}"), reason };
            let purl = purl.parse().map_err(|error: sekisho_model::InvalidPurl| damaged(error.to_string()))?;
            Ok((identity, purl))
        };
        rows.iter().map(read).collect()
    }

    /// Forgets an inventory; whether there was one.
    pub async fn inventory_delete(&self, identity: &str) -> Result<bool, StoreError> {
        const ACTION: &str = "forget an inventory";
        let mut transaction = self.begin(ACTION).await?;
        let query = sqlx::query("DELETE FROM inventory WHERE identity = $1").bind(identity);
        let deleted = query.execute(&mut *transaction).await.during(ACTION)?.rows_affected() > 0;
        transaction.commit().await.during(ACTION)?;
        Ok(deleted)
    }
}

fn entry(row: &AnyRow) -> Result<InventoryEntry, StoreError> {
    const ACTION: &str = "list inventories";
    let identity: String = row.try_get(0).during(ACTION)?;
    let number = |place: usize| row.try_get::<i64, _>(place).during(ACTION);
    Ok(InventoryEntry {
        name: row.try_get(1).during(ACTION)?,
        os: row.try_get(2).during(ACTION)?,
        complete: number(3)? != 0,
        packages: number(4)?.unsigned_abs(),
        observed_at: moment(number(5)?, &identity)?,
        identity,
    })
}
