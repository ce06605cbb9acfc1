//! Re-evaluation: which findings a new database opens and closes in inventories that are already stored.
//!
//! The index maps each (ecosystem, name) to the packages that are looked up under it, and each package to the
//! inventories that hold it. Packages that are alike in everything a match depends on are kept once, and judged once:
//! images share most of what they hold. Two databases are compared by what they *say* about each package, not by
//! dates; only packages about which they say different things are judged again, and those of systems and languages of which
//! only one knows what the other does. The result always equals that of judging everything by both databases.

use crate::db::{Database, DatabaseError};
use crate::ecosystem::Ecosystem;
use crate::matching::{Matched, Matcher, Obstacle, language_of, names_of, subject};
use sekisho_model::{OsRelease, PackageFacts, Subject};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The number of an inventory: its caller's, in the order of [`Index::add`].
pub type InventoryNumber = u32;

/// Inventories, by what they hold.
#[derive(Debug, Default)]
pub struct Index {
    packages: Vec<Subject>,
    package_numbers: HashMap<Subject, u32>,
    by_name: HashMap<(Ecosystem, String), Vec<u32>>,
    /// For each package the inventories that hold it, ascending.
    holders: Vec<Vec<InventoryNumber>>,
    inventories: InventoryNumber,
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
    /// Whether only the old database can judge it: what it is no longer taken to have it may have all the same.
    pub unjudged: bool,
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
        for (facts, owner) in packages {
            let package = self.package(subject(os, facts, owner));
            let holders = &mut self.holders[package as usize];
            if holders.last() != Some(&number) {
                holders.push(number);
            }
        }
        number
    }

    fn package(&mut self, subject: Subject) -> u32 {
        if let Some(known) = self.package_numbers.get(&subject) {
            return *known;
        }
        let number = self.packages.len() as u32;
        for name in names_of_subject(&subject) {
            self.by_name.entry(name).or_default().push(number);
        }
        self.package_numbers.insert(subject.clone(), number);
        self.packages.push(subject);
        self.holders.push(Vec::new());
        number
    }

    /// Inventories, different packages, and places of packages in inventories.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.inventories as usize, self.packages.len(), self.holders.iter().map(Vec::len).sum())
    }

    /// What changes from `old` to `new`, in the order in which packages were added.
    pub fn changes(&self, old: &Database<'_>, new: &Database<'_>) -> Result<Vec<Change<'_>>, DatabaseError> {
        let mut delta = Delta::between(old, new)?;
        let named = delta.names.iter().filter_map(|name| self.by_name.get(name)).flatten();
        let mut touched: BTreeSet<u32> = named.copied().collect();
        touched
            .extend((0..).zip(&self.packages).filter(|(_, subject)| delta.shifts(subject)).map(|(number, _)| number));
        let mut changes = Vec::new();
        for number in touched {
            let subject = &self.packages[number as usize];
            let (Subject { facts, owner, .. }, Looks { before, after, .. }) = (subject, delta.looks(subject));
            let owner = owner.as_ref();
            let [was, is] = [before, after].map(|matcher| matcher.owned(facts, owner));
            let (was, is) = (was?, is?);
            let unjudged = is_lost(&was, &is);
            let (before, after) = (vulnerabilities(before, &was)?, vulnerabilities(after, &is)?);
            let opened: Vec<String> = after.difference(&before).cloned().collect();
            let closed: Vec<String> = before.difference(&after).cloned().collect();
            if unjudged || !(opened.is_empty() && closed.is_empty()) {
                let inventories = &self.holders[number as usize];
                changes.push(Change { package: facts, inventories, opened, closed, unjudged });
            }
        }
        Ok(changes)
    }
}

/// Under which names advisories are looked up that may be about the package.
fn names_of_subject(subject: &Subject) -> impl Iterator<Item = (Ecosystem, String)> {
    let facts = std::iter::once(&subject.facts).chain(&subject.owner);
    facts.flat_map(|facts| names_of(subject.os.as_ref(), facts))
}

/// Where two databases may say different things.
pub struct Delta<'a> {
    old: &'a Database<'a>,
    new: &'a Database<'a>,
    names: HashSet<(Ecosystem, String)>,
    /// Those of which only one of the two has anything.
    ecosystems: HashSet<Ecosystem>,
    systems: HashMap<Option<OsRelease>, Looks<'a>>,
}

/// A system, as the two see it.
struct Looks<'a> {
    before: Matcher<'a>,
    after: Matcher<'a>,
    differ: bool,
}

impl<'a> Delta<'a> {
    /// Compares what both say, and not when they were made.
    pub fn between(old: &'a Database<'a>, new: &'a Database<'a>) -> Result<Self, DatabaseError> {
        let names = old.changed(new)?.into_iter().map(|key| (key.ecosystem, key.name)).collect();
        let mut ecosystems = HashSet::new();
        for ecosystem in Ecosystem::ALL {
            if old.covers(*ecosystem, None)? != new.covers(*ecosystem, None)? {
                ecosystems.insert(*ecosystem);
            }
        }
        Ok(Self { old, new, names, ecosystems, systems: HashMap::new() })
    }

    /// Whether the two may find different things in a package, or of different severity. Of all others they say the same.
    pub fn touches(&mut self, subject: &Subject) -> bool {
        self.shifts(subject) || names_of_subject(subject).any(|name| self.names.contains(&name))
    }

    /// Whether only one of the two can judge packages of such a system or language, or each in its own way.
    fn shifts(&mut self, subject: &Subject) -> bool {
        let language = language_of(subject.facts.kind);
        language.is_some_and(|of| self.ecosystems.contains(&of)) || self.looks(subject).differ
    }

    /// How the two see the subject's system.
    fn looks(&mut self, Subject { os, .. }: &Subject) -> &Looks<'a> {
        if !self.systems.contains_key(os) {
            let (before, after) = (Matcher::new(self.old, os.as_ref()), Matcher::new(self.new, os.as_ref()));
            let differ = !before.looks_like(&after);
            self.systems.insert(os.clone(), Looks { before, after, differ });
        }
        &self.systems[os]
    }
}

/// Whether what was judged, or at least looked up, no longer is.
fn is_lost(was: &Matched, is: &Matched) -> bool {
    let covered = |matched: &Matched| !matches!(matched.obstacle, Some(Obstacle::Release(_) | Obstacle::Ecosystem(_)));
    is.obstacle.is_some() && (was.obstacle.is_none() || covered(was) && !covered(is))
}

fn vulnerabilities(matcher: &Matcher<'_>, matched: &Matched) -> Result<BTreeSet<String>, DatabaseError> {
    matched.vulnerabilities.keys().map(|number| Ok(matcher.database().vulnerability(*number)?.id)).collect()
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

    /// Releases come and go, some is said of none, and one version is that of two systems.
    const PLACES: [(Ecosystem, Option<&str>); 9] = [
        (Ecosystem::Debian, Some("12")),
        (Ecosystem::Debian, Some("13")),
        (Ecosystem::Debian, None),
        (Ecosystem::PyPi, None),
        (Ecosystem::OpenEuler, Some("24.03-LTS")),
        (Ecosystem::OpenEuler, Some("24.03-LTS-SP1")),
        (Ecosystem::Ubuntu, Some("18.04:LTS")),
        (Ecosystem::Ubuntu, Some("Pro:18.04:LTS")),
        (Ecosystem::Go, None),
    ];
    const SYSTEMS: [(&str, &str, Option<&str>); 5] = [
        ("debian", "12", None),
        ("debian", "13", None),
        ("ubuntu", "18.04", None),
        ("openeuler", "24.03", Some("openEuler 24.03 (LTS)")),
        ("openeuler", "24.03", Some("openEuler 24.03 (LTS-SP1)")),
    ];

    fn database(said: &[Said]) -> Vec<u8> {
        let mut builder = Builder::default();
        builder.feed(FeedSource { id: "osv".into(), ..FeedSource::default() });
        for (id, place, name, fixed, clear) in said {
            let (ecosystem, release) = PLACES[*place];
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

    fn facts((kind, name, version, source): (usize, usize, u8, Option<usize>)) -> PackageFacts {
        let kind = [PackageKind::Deb, PackageKind::Rpm, PackageKind::Pypi, PackageKind::Golang][kind];
        let named = |name: usize| ["a", "b", "c"][name % 3].to_owned();
        let source = source
            .filter(|_| kind.is_os())
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
            both in prop::collection::vec((0..4_u8, 0..PLACES.len(), 0..3_usize, 0..4_u8, any::<bool>()), 0..8),
            old in prop::collection::vec((0..4_u8, 0..PLACES.len(), 0..3_usize, 0..4_u8, any::<bool>()), 0..4),
            new in prop::collection::vec((0..4_u8, 0..PLACES.len(), 0..3_usize, 0..4_u8, any::<bool>()), 0..4),
            inventories in prop::collection::vec(
                (0..=SYSTEMS.len(), prop::collection::vec((0..4_usize, 0..3_usize, 0..4_u8, prop::option::of(0..3_usize)), 0..5)),
                0..5,
            ),
        ) {
            let [old, new] = [old, new].map(|own| [both.clone(), own].concat());
            let (old, new) = (database(&old), database(&new));
            let (old, new) = (Database::open(&old).unwrap(), Database::open(&new).unwrap());
            let inventories: Vec<(Option<OsRelease>, Vec<PackageFacts>)> = inventories
                .into_iter()
                .map(|(os, packages)| {
                    let os = SYSTEMS.get(os).map(|(id, version, pretty)| OsRelease {
                        id: (*id).to_owned(),
                        version_id: (*version).to_owned(),
                        pretty_name: pretty.map(str::to_owned),
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
                    let [was, is] = [&before, &after].map(|matcher| matcher.owned(package, owner).unwrap());
                    let old = vulnerabilities(&before, &was).unwrap();
                    let new = vulnerabilities(&after, &is).unwrap();
                    let named = |what: &str, id: &str| (number, format!("{package:?}"), what.to_owned(), id.to_owned());
                    expect.extend(new.difference(&old).map(|id| named("opened", id)));
                    expect.extend(old.difference(&new).map(|id| named("closed", id)));
                    expect.extend(is_lost(&was, &is).then(|| named("unjudged", "")));
                }
            }
            let mut got = BTreeSet::new();
            for change in index.changes(&old, &new).unwrap() {
                for number in change.inventories {
                    let named =
                        |what: &str, id: &str| (*number, format!("{:?}", change.package), what.to_owned(), id.to_owned());
                    got.extend(change.opened.iter().map(|id| named("opened", id)));
                    got.extend(change.closed.iter().map(|id| named("closed", id)));
                    got.extend(change.unjudged.then(|| named("unjudged", "")));
                }
            }
            prop_assert_eq!(got, expect);
        }
    }
}
