//! Re-evaluation: which findings a new database opens and closes in inventories that are already stored.
//!
//! The index maps each (ecosystem, name) to the packages that are looked up under it, and each package to the
//! inventories that hold it. Packages that are alike in everything a match depends on are kept once, and judged once:
//! images share most of what they hold. Two databases are compared by what they *say* about each package, not by
//! dates; only packages about which they say different things are judged again. The result always equals that of
//! judging everything by both databases.

use crate::db::{Database, DatabaseError};
use crate::ecosystem::Ecosystem;
use crate::matching::{Matcher, names_of};
use sekisho_model::{OsRelease, PackageFacts};
use std::collections::{BTreeSet, HashMap};

/// The number of an inventory: its caller's, in the order of [`Index::add`].
pub type InventoryNumber = u32;

/// Inventories, by what they hold.
#[derive(Debug, Default)]
pub struct Index {
    systems: Vec<Option<OsRelease>>,
    system_numbers: HashMap<Option<(String, String)>, u32>,
    packages: Vec<Indexed>,
    package_numbers: HashMap<Indexed, u32>,
    by_name: HashMap<(Ecosystem, String), Vec<u32>>,
    /// For each package the inventories that hold it, ascending.
    holders: Vec<Vec<InventoryNumber>>,
    inventories: InventoryNumber,
}

/// A package with all that a match depends on, of a system.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Indexed {
    system: u32,
    facts: PackageFacts,
    /// The system package that owns its file: what is said about that one decides.
    owner: Option<Box<PackageFacts>>,
}

/// What changed for one package, and so for all inventories that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// The package.
    pub package: &'a PackageFacts,
    /// The inventories that hold it, ascending.
    pub inventories: &'a [InventoryNumber],
    /// Vulnerabilities that it is now known to have.
    pub opened: Vec<String>,
    /// Vulnerabilities that it is no longer taken to have.
    pub closed: Vec<String>,
}

impl Index {
    /// Adds an inventory, its packages each with the system package that owns its file
    /// ([`crate::matching::with_owners`]); returns its number.
    pub fn add<'a>(
        &mut self,
        os: Option<&OsRelease>,
        packages: impl IntoIterator<Item = (&'a PackageFacts, Option<&'a PackageFacts>)>,
    ) -> InventoryNumber {
        let number = self.inventories;
        self.inventories += 1;
        let key = os.map(|os| (os.id.clone(), os.version_id.clone()));
        let next = self.systems.len() as u32;
        let system = *self.system_numbers.entry(key).or_insert(next);
        if system == next {
            self.systems.push(os.cloned());
        }
        for (facts, owner) in packages {
            let package = self.package(system, facts, owner);
            let holders = &mut self.holders[package as usize];
            if holders.last() != Some(&number) {
                holders.push(number);
            }
        }
        number
    }

    fn package(&mut self, system: u32, facts: &PackageFacts, owner: Option<&PackageFacts>) -> u32 {
        // Language packages that nobody owns are the same on every system.
        let system = if facts.kind.is_os() || owner.is_some() { system } else { u32::MAX };
        let owner = owner.map(|owner| Box::new(matched_by(owner)));
        let indexed = Indexed { system, facts: matched_by(facts), owner };
        if let Some(known) = self.package_numbers.get(&indexed) {
            return *known;
        }
        let number = self.packages.len() as u32;
        let os = self.systems.get(system as usize).and_then(Option::as_ref);
        let names = std::iter::once(&indexed.facts).chain(indexed.owner.as_deref());
        for name in names.flat_map(|facts| names_of(os, facts)) {
            self.by_name.entry(name).or_default().push(number);
        }
        self.package_numbers.insert(indexed.clone(), number);
        self.packages.push(indexed);
        self.holders.push(Vec::new());
        number
    }

    /// Inventories, different packages, and places of packages in inventories.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.inventories as usize, self.packages.len(), self.holders.iter().map(Vec::len).sum())
    }

    /// What changes from `old` to `new`, in the order in which packages were added.
    pub fn changes(&self, old: &Database<'_>, new: &Database<'_>) -> Result<Vec<Change<'_>>, DatabaseError> {
        let mut touched = BTreeSet::new();
        for key in old.changed(new)? {
            touched.extend(self.by_name.get(&(key.ecosystem, key.name)).into_iter().flatten().copied());
        }
        let mut judges: HashMap<u32, (Matcher<'_>, Matcher<'_>)> = HashMap::new();
        let mut changes = Vec::new();
        for number in touched {
            let Indexed { system, facts, owner } = &self.packages[number as usize];
            let (before, after) = judges.entry(*system).or_insert_with(|| {
                let os = self.systems.get(*system as usize).and_then(Option::as_ref);
                (Matcher::new(old, os), Matcher::new(new, os))
            });
            let owner = owner.as_deref();
            let (before, after) = (vulnerabilities(before, facts, owner)?, vulnerabilities(after, facts, owner)?);
            let opened: Vec<String> = after.difference(&before).cloned().collect();
            let closed: Vec<String> = before.difference(&after).cloned().collect();
            if !(opened.is_empty() && closed.is_empty()) {
                let inventories = &self.holders[number as usize];
                changes.push(Change { package: facts, inventories, opened, closed });
            }
        }
        Ok(changes)
    }
}

fn vulnerabilities(
    matcher: &Matcher<'_>,
    facts: &PackageFacts,
    owner: Option<&PackageFacts>,
) -> Result<BTreeSet<String>, DatabaseError> {
    let matched = matcher.owned(facts, owner)?;
    matched.vulnerabilities.keys().map(|number| Ok(matcher.database().vulnerability(*number)?.id)).collect()
}

/// The facts without what no match depends on, so that more are alike.
fn matched_by(facts: &PackageFacts) -> PackageFacts {
    PackageFacts {
        arch: facts.arch.clone(),
        source: facts.source.clone(),
        extra: facts.extra.iter().filter(|(key, _)| key == "modularity").cloned().collect(),
        ..PackageFacts::new(facts.kind, facts.name.clone(), facts.version.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Builder, FeedSource};
    use crate::range::Range;
    use crate::record::{Advisory, Affected, Record, Status};
    use proptest::prelude::*;
    use sekisho_model::{PackageKind, SourcePackage};

    type Said = (u8, usize, usize, u8, bool);

    fn database(said: &[Said]) -> Vec<u8> {
        let mut builder = Builder::default();
        builder.feed(FeedSource { id: "osv".into(), ..FeedSource::default() });
        for (id, place, name, fixed, clear) in said {
            let (ecosystem, release) =
                [(Ecosystem::Debian, Some("12")), (Ecosystem::Debian, Some("13")), (Ecosystem::PyPi, None)][place % 3];
            let status = if *clear { Status::NotAffected } else { Status::Affected };
            let affected = Affected {
                ranges: vec![Range::before(fixed.to_string())],
                status,
                ..Affected::new(ecosystem, release.map(str::to_owned), ["a", "b", "c"][name % 3])
            };
            builder.add(Record::Advisory(Advisory {
                id: format!("X-{id}"),
                aliases: if id % 2 == 0 { vec![format!("CVE-2024-{id}")] } else { Vec::new() },
                affected: vec![affected],
                ..Advisory::default()
            }));
        }
        builder.finish().unwrap()
    }

    fn facts((kind, name, version, source): (bool, usize, u8, Option<usize>)) -> PackageFacts {
        let kind = if kind { PackageKind::Deb } else { PackageKind::Pypi };
        let named = |name: usize| ["a", "b", "c"][name % 3].to_owned();
        let source = source
            .filter(|_| kind == PackageKind::Deb)
            .map(|source| SourcePackage { name: named(source), version: version.to_string() });
        PackageFacts { source, ..PackageFacts::new(kind, named(name), version.to_string()) }
    }

    /// Every second language package is of the first system package, if there is one.
    fn with_system(packages: &[PackageFacts]) -> Vec<(&PackageFacts, Option<&PackageFacts>)> {
        let system = packages.iter().find(|package| package.kind.is_os());
        let owned = |index: usize, package: &PackageFacts| index % 2 == 1 && !package.kind.is_os();
        packages
            .iter()
            .enumerate()
            .map(|(index, package)| (package, system.filter(|_| owned(index, package))))
            .collect()
    }

    proptest! {
        #[test]
        fn changes_equal_those_of_judging_everything_again(
            old in prop::collection::vec((0..4_u8, 0..3_usize, 0..3_usize, 0..4_u8, any::<bool>()), 0..8),
            new in prop::collection::vec((0..4_u8, 0..3_usize, 0..3_usize, 0..4_u8, any::<bool>()), 0..8),
            inventories in prop::collection::vec(
                (0..3_usize, prop::collection::vec((any::<bool>(), 0..3_usize, 0..4_u8, prop::option::of(0..3_usize)), 0..5)),
                0..5,
            ),
        ) {
            let (old, new) = (database(&old), database(&new));
            let (old, new) = (Database::open(&old).unwrap(), Database::open(&new).unwrap());
            let inventories: Vec<(Option<OsRelease>, Vec<PackageFacts>)> = inventories
                .into_iter()
                .map(|(os, packages)| {
                    let version = ["12", "13"].get(os);
                    let os = version.map(|version| OsRelease {
                        id: "debian".into(),
                        version_id: (*version).to_owned(),
                        ..OsRelease::default()
                    });
                    (os, packages.into_iter().map(facts).collect())
                })
                .collect();
            let mut index = Index::default();
            let mut expect = BTreeSet::new();
            for (number, (os, packages)) in (0..).zip(&inventories) {
                let owners = with_system(packages);
                prop_assert_eq!(index.add(os.as_ref(), owners.iter().copied()), number);
                let (before, after) = (Matcher::new(&old, os.as_ref()), Matcher::new(&new, os.as_ref()));
                for (package, owner) in owners {
                    let [before, after] = [&before, &after].map(|matcher| vulnerabilities(matcher, package, owner).unwrap());
                    let named = |id: &String, opened| (number, format!("{package:?}"), id.clone(), opened);
                    expect.extend(after.difference(&before).map(|id| named(id, true)));
                    expect.extend(before.difference(&after).map(|id| named(id, false)));
                }
            }
            let mut got = BTreeSet::new();
            for change in index.changes(&old, &new).unwrap() {
                for number in change.inventories {
                    let named = |id: &String, opened| (*number, format!("{:?}", change.package), id.clone(), opened);
                    got.extend(change.opened.iter().map(|id| named(id, true)));
                    got.extend(change.closed.iter().map(|id| named(id, false)));
                }
            }
            prop_assert_eq!(got, expect);
        }
    }
}
