//! Inventories: what each image or directory has, once, and who has a package.
//!
//! Packages are kept once for all inventories, by all that decides which vulnerabilities they have.

use crate::database::{Backend, Store, VALUES, micros, places, rows, storable};
use crate::error::{During, StoreError};
use jiff::Timestamp;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::{Limits, hash};
use sekisho_model::{Inventory, OsRelease, PackageKind, Purl, Subject};
use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;

/// How hard zstd tries: inventories are written once, and read as fast whatever the level.
const LEVEL: i32 = 6;

/// An inventory as it is kept, with its packages as they are to be judged.
#[derive(Debug, Clone)]
pub struct NewInventory {
    identity: String,
    name: String,
    os: String,
    complete: bool,
    observed_at: Timestamp,
    /// In zstd.
    document: Vec<u8>,
    /// By identity, in one order, so that two who store the same packages do not wait for each other.
    packages: BTreeMap<String, NewPackage>,
}

#[derive(Debug, Clone)]
struct NewPackage {
    purl: String,
    kind: PackageKind,
    name: String,
    version: String,
    /// What decides, in JSON.
    subject: String,
}

impl NewInventory {
    /// An inventory to be kept, with its `packages`. It is compressed here, which takes milliseconds.
    pub fn new(inventory: &Inventory, packages: &[(&Purl, Subject)]) -> Result<Self, StoreError> {
        let identity = inventory.identity();
        let damaged = |reason: String| StoreError::Damaged { what: format!("the inventory {identity}"), reason };
        let json = serde_json::to_vec(inventory).map_err(|error| damaged(error.to_string()))?;
        let document = zstd::encode_all(json.as_slice(), LEVEL).map_err(|error| damaged(error.to_string()))?;
        let mut different = BTreeMap::new();
        for (purl, subject) in packages {
            let text = serde_json::to_string(subject).map_err(|error| damaged(error.to_string()))?;
            let package = NewPackage {
                purl: purl.as_str().to_owned(),
                kind: subject.facts.kind,
                name: storable(&subject.facts.name),
                version: storable(&subject.facts.version),
                subject: text,
            };
            // The package URL is part of it: whoever names a package first must not name it for all others.
            let identity = hash::sha256(format!("{}\0{}", package.purl, package.subject).as_bytes());
            different.insert(hash::hex(&identity[..16]), package);
        }
        Ok(Self {
            name: storable(&inventory.source.name),
            os: storable(&inventory.os.as_ref().map(OsRelease::distro).unwrap_or_default()),
            complete: inventory.complete,
            observed_at: inventory.observed_at,
            document,
            packages: different,
            identity: storable(&identity),
        })
    }
}

impl Store {
    /// Keeps inventories, all or none, each in place of what was known of the same content. One that is older than what is
    /// kept changes nothing.
    pub async fn inventory_put(&self, inventories: &[NewInventory], now: Timestamp) -> Result<(), StoreError> {
        const ACTION: &str = "store inventories";
        let mut in_order: Vec<&NewInventory> = inventories.iter().collect();
        in_order.sort_by(|a, b| a.identity.cmp(&b.identity));
        let mut transaction = self.begin(ACTION).await?;
        // Of the same content twice, what came last holds.
        let mut taken: BTreeMap<i64, &NewInventory> = BTreeMap::new();
        for inventory in in_order {
            let stored = sqlx::query(
                "INSERT INTO inventory \
                 (identity, name, os, complete, packages, observed_at, first_stored_at, stored_at, document) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) \
                 ON CONFLICT (identity) DO UPDATE SET name = excluded.name, os = excluded.os, \
                 complete = excluded.complete, packages = excluded.packages, observed_at = excluded.observed_at, \
                 stored_at = excluded.stored_at, document = excluded.document \
                 WHERE inventory.observed_at <= excluded.observed_at RETURNING number",
            )
            .bind(&inventory.identity)
            .bind(&inventory.name)
            .bind(&inventory.os)
            .bind(i64::from(inventory.complete))
            .bind(i64::try_from(inventory.packages.len()).unwrap_or(i64::MAX))
            .bind(micros(inventory.observed_at))
            .bind(micros(now))
            .bind(&inventory.document)
            .fetch_optional(&mut *transaction)
            .await
            .during(ACTION)?;
            if let Some(stored) = stored {
                let number: i64 = stored.try_get(0).during(ACTION)?;
                let forget = sqlx::query("DELETE FROM inventory_package WHERE inventory = $1").bind(number);
                forget.execute(&mut *transaction).await.during(ACTION)?;
                taken.insert(number, inventory);
            }
        }
        let packages = taken.values().flat_map(|inventory| &inventory.packages);
        let packages: BTreeMap<&str, &NewPackage> = packages.map(|(identity, it)| (identity.as_str(), it)).collect();
        let numbers = package_numbers(self.backend, &mut transaction, &packages).await?;
        let has = |(number, inventory): (&i64, &&NewInventory)| {
            let (number, inventory) = (*number, *inventory);
            let of = inventory.packages.keys().filter_map(|identity| numbers.get(identity)).copied();
            of.map(move |package| (package, number)).collect::<Vec<_>>()
        };
        let mut has: Vec<(i64, i64)> = taken.iter().flat_map(has).collect();
        has.sort_unstable();
        for some in has.chunks(VALUES / 2) {
            let sql = format!("INSERT INTO inventory_package (package, inventory) VALUES {}", rows(some.len(), 2));
            let query = some.iter().fold(sqlx::query(self.backend.bulk(sql)), |query, (package, inventory)| {
                query.bind(*package).bind(*inventory)
            });
            query.execute(&mut *transaction).await.during(ACTION)?;
        }
        transaction.commit().await.during(ACTION)
    }

    /// The inventory with this identity, if it is kept.
    pub async fn inventory_get(&self, identity: &str) -> Result<Option<Inventory>, StoreError> {
        const ACTION: &str = "read an inventory";
        let query = sqlx::query("SELECT document FROM inventory WHERE identity = $1").bind(storable(identity));
        let Some(row) = query.fetch_optional(&self.readers).await.during(ACTION)? else { return Ok(None) };
        let document: Vec<u8> = row.try_get(0).during(ACTION)?;
        let damaged = |reason: String| StoreError::Damaged { what: format!("the inventory {identity}"), reason };
        let mut json = Vec::new();
        Inflate::new(document.as_slice(), Compression::Zstd, document.len() as u64, &Limits::default())
            .and_then(|mut inflate| inflate.read_to_end(&mut json))
            .map_err(|error| damaged(error.to_string()))?;
        serde_json::from_slice(&json).map(Some).map_err(|error| damaged(error.to_string()))
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
        let query = sqlx::query("DELETE FROM inventory WHERE identity = $1").bind(storable(identity));
        let deleted = query.execute(&mut *transaction).await.during(ACTION)?.rows_affected() > 0;
        transaction.commit().await.during(ACTION)?;
        Ok(deleted)
    }
}

/// The numbers of these packages by their identities; those that are not kept yet are.
async fn package_numbers(
    backend: Backend,
    transaction: &mut Transaction<'static, Any>,
    packages: &BTreeMap<&str, &NewPackage>,
) -> Result<HashMap<String, i64>, StoreError> {
    const ACTION: &str = "store packages";
    let mut numbers = HashMap::with_capacity(packages.len());
    // Most are kept already. Those that another hub keeps meanwhile are seen the second time.
    loop {
        let missing: Vec<&str> = packages.keys().copied().filter(|identity| !numbers.contains_key(*identity)).collect();
        for some in missing.chunks(VALUES) {
            let sql = format!("SELECT identity, number FROM package WHERE identity IN ({})", places(1, some.len()));
            let query = some.iter().fold(sqlx::query(backend.bulk(sql)), |query, identity| query.bind(*identity));
            for row in query.fetch_all(&mut **transaction).await.during(ACTION)? {
                numbers.insert(row.try_get(0).during(ACTION)?, row.try_get(1).during(ACTION)?);
            }
        }
        let missing: Vec<&str> = missing.into_iter().filter(|identity| !numbers.contains_key(*identity)).collect();
        if missing.is_empty() {
            return Ok(numbers);
        }
        for some in missing.chunks(VALUES / 6) {
            let sql = format!(
                "INSERT INTO package (identity, purl, kind, name, version, subject) VALUES {} \
                 ON CONFLICT (identity) DO NOTHING RETURNING identity, number",
                rows(some.len(), 6)
            );
            let mut query = sqlx::query(backend.bulk(sql));
            for identity in some {
                let package = packages[identity];
                query = query.bind(*identity).bind(&package.purl).bind(package.kind.as_str());
                query = query.bind(&package.name).bind(&package.version).bind(&package.subject);
            }
            for row in query.fetch_all(&mut **transaction).await.during(ACTION)? {
                numbers.insert(row.try_get(0).during(ACTION)?, row.try_get(1).during(ACTION)?);
            }
        }
    }
}
