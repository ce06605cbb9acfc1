//! Lock files: the packages that an installation would bring, whether or not it took place.
//!
//! Versions 2 and 3 list packages by location (`packages`, where `""` is the project itself); version 1
//! nests them (`dependencies`), which version 2 repeats for old readers and which is then left unread.
//! What is from an archive, a repository or an address whose version is not told is listed without one, with its
//! `source`: a commit is no version, and no advisory knows it.
//! See <https://docs.npmjs.com/cli/configuring-npm/package-lock-json>.
//!
//! The packages found so far survive an error further on: the readers below put them into a
//! [`Collector`] that outlives them.

use super::value::Items;
use super::{is_name, is_range, origin};
use crate::analyzer::{Extract, File};
use crate::analyzers::json::{Scalar, skip_seq};
use sekisho_base::Limits;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_model::{Code, Diagnostic, Evidence, PackageFacts, PackageKind, json_reason};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Levels of nested `dependencies` that are read. npm nests as deep as versions conflict: a few
/// levels. Well below the depth of 128 at which `serde_json` stops.
const MAX_DEPTH: usize = 50;

/// The newest lock file version that is known.
const LAST_VERSION: u64 = 3;

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut lock = Collector::new(file.limits);
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let read = Root(&mut lock).deserialize(&mut json).and_then(|()| json.end());
    let mut diagnostics = lock.diagnostics(file);
    match read {
        Err(error) => diagnostics.push(file.malformed(json_reason(&error))),
        Ok(()) if !lock.is_lock => {
            diagnostics.push(file.malformed("has neither packages nor the version of a lock file"));
        }
        Ok(()) => {}
    }
    Extract { packages: lock.packages(), diagnostics, ..Extract::default() }
}

/// One package of a lock file.
struct Declared {
    /// Where npm installs it, from the directory of the lock file: `node_modules/a/node_modules/b`.
    location: String,
    integrity: Option<String>,
    facts: PackageFacts,
}

/// What has been read of one lock file.
struct Collector<'l> {
    limits: &'l Limits,
    found: Vec<Declared>,
    /// Whether [`Collector::found`] comes from `packages`, which stands above `dependencies`.
    by_location: bool,
    /// What the project and its workspaces ask for: the folder of each, empty for the project's own, and a name that
    /// something is installed under.
    wanted: Vec<(String, String)>,
    /// Bytes of all locations. Those of version 1 are joined from the names on the way, so that a small
    /// file could ask for more than it holds itself.
    location_bytes: u64,
    /// The bound beyond which nothing is taken any more.
    full: Option<LimitExceeded>,
    /// Entries without a usable name, and links to folders.
    unusable: u64,
    /// Entries that tell neither a version nor where they are from.
    unversioned: u64,
    /// Entries that are no objects.
    odd: u64,
    /// Entries below [`MAX_DEPTH`].
    too_deep: u64,
    unknown_version: Option<u64>,
    /// Whether a lock file would have one of the keys that are there.
    is_lock: bool,
}

impl<'l> Collector<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            found: Vec::new(),
            by_location: false,
            wanted: Vec::new(),
            location_bytes: 0,
            full: None,
            unusable: 0,
            unversioned: 0,
            odd: 0,
            too_deep: 0,
            unknown_version: None,
            is_lock: false,
        }
    }

    /// Whether one more package with a location of `bytes` bytes is taken.
    fn has_room(&mut self, bytes: usize) -> bool {
        self.location_bytes = self.location_bytes.saturating_add(bytes as u64);
        if self.found.len() >= self.limits.records {
            self.full = Some(self.limits.exceeded(LimitKey::Records, "packages of one file"));
        } else if self.location_bytes > self.limits.text_file_bytes {
            self.full = Some(self.limits.exceeded(LimitKey::TextFileBytes, "bytes of locations"));
        }
        self.full.is_none()
    }

    /// Takes a package if its name is of use, and its version or where it is from is told.
    fn add(&mut self, location: String, identity: Option<Identity<'_>>, entry: &Entry<'_>) {
        let Some(Identity { name, version, from }) = identity.filter(|identity| is_name(identity.name)) else {
            self.unusable += 1;
            return;
        };
        if version.is_empty() && from.is_none() {
            self.unversioned += 1;
            return;
        }
        let facts = PackageFacts {
            licenses: entry.license.choice(),
            evidence: Evidence::Declared,
            // `devOptional` packages are needed without the development tools as well.
            dev: entry.dev.is_true(),
            extra: from.map(origin).into_iter().collect(),
            ..PackageFacts::new(PackageKind::Npm, name, version)
        };
        self.found.push(Declared { location, integrity: entry.integrity.text().map(str::to_owned), facts });
    }

    fn diagnostics(&self, file: &File<'_>) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        if let Some(limit) = self.full {
            out.push(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()).at(file.path));
        }
        if self.too_deep > 0 {
            let message = format!("{} packages have dependencies below the limit of {MAX_DEPTH} levels", self.too_deep);
            out.push(Diagnostic::incomplete(Code::LimitExceeded, message).at(file.path));
        }
        if let Some(version) = self.unknown_version {
            out.push(file.malformed(format_args!("lock file version {version} is not known")));
        }
        if self.unversioned > 0 {
            out.push(file.malformed(format_args!("entries without a version: {}", self.unversioned)));
        }
        if self.odd > 0 {
            out.push(file.malformed(format_args!("entries that are not of the format: {}", self.odd)));
        }
        if self.unusable > 0 {
            out.push(file.skipped(format_args!(
                "{} entries skipped that have no package name, or are links to folders",
                self.unusable
            )));
        }
        out
    }

    /// The packages, with what only the whole file tells.
    fn packages(self) -> Vec<PackageFacts> {
        let Self { found, wanted, by_location, .. } = self;
        let locations: HashSet<&str> = found.iter().map(|declared| declared.location.as_str()).collect();
        let direct: HashSet<String> =
            wanted.iter().filter_map(|(folder, name)| resolve(&locations, folder, name)).collect();
        // Version 1 does not say it, and a lock file without the project itself neither.
        let told = by_location && !wanted.is_empty();
        drop(locations);
        found
            .into_iter()
            .map(|Declared { location, integrity, mut facts }| {
                facts.direct = told.then(|| direct.contains(&location));
                facts.extra.extend(integrity.map(|integrity| ("integrity".to_owned(), integrity)));
                facts.extra.push(("lock_path".to_owned(), location));
                facts.extra.sort();
                facts
            })
            .collect()
    }
}

/// Where what `folder` asks for is installed: in the folder itself, or in one above it.
fn resolve(locations: &HashSet<&str>, folder: &str, name: &str) -> Option<String> {
    let mut folder = folder;
    for _ in 0..=MAX_DEPTH {
        let location =
            if folder.is_empty() { format!("node_modules/{name}") } else { format!("{folder}/node_modules/{name}") };
        if locations.contains(location.as_str()) {
            return Some(location);
        }
        if folder.is_empty() {
            break;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
    None
}

/// The fields of an entry that are wanted, of all versions.
#[derive(Default)]
struct Entry<'a> {
    name: Scalar<'a>,
    version: Scalar<'a>,
    resolved: Scalar<'a>,
    integrity: Scalar<'a>,
    link: Scalar<'a>,
    dev: Scalar<'a>,
    license: Items<'a>,
}

impl<'de> Entry<'de> {
    /// Reads the value of `key`; false when the key is none of an entry's and the value still waits.
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "name" => self.name = map.next_value()?,
            "version" => self.version = map.next_value()?,
            "resolved" => self.resolved = map.next_value()?,
            "integrity" => self.integrity = map.next_value()?,
            "link" => self.link = map.next_value()?,
            "dev" => self.dev = map.next_value()?,
            "license" => self.license = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is installed as `name`: for aliases the entry has the name, and npm gives git dependencies the version of
    /// their package.json, but for some old versions.
    fn located<'e>(&'e self, name: &'e str) -> Identity<'e> {
        let name = self.name.text().unwrap_or(name);
        let told = self.version.text();
        let resolved = self.resolved.text().filter(|url| !url.is_empty());
        match told.filter(|version| is_version(version)) {
            Some(version) => Identity { name, version, from: None },
            None => Identity::from_place(name, resolved.or(told)),
        }
    }

    /// The same by the rules of version 1, where `version` also holds what is none: `npm:NAME@VERSION` for an alias, a URL
    /// with `#COMMIT` or `USER/REPOSITORY#COMMIT` for git, and `file:PATH` or the URL of an archive, which tell no version.
    /// None for a link to a folder.
    fn nested<'e>(&'e self, name: &'e str) -> Option<Identity<'e>> {
        let told = self.version.text();
        match told.and_then(|text| text.split_once(':')) {
            None => Some(match told.filter(|version| is_version(version)) {
                Some(version) => Identity { name, version, from: None },
                None => Identity::from_place(name, told.or_else(|| self.resolved.text())),
            }),
            Some(("npm", alias)) => Some(match alias.rsplit_once('@') {
                Some((name, version)) if is_name(name) && is_version(version) => Identity { name, version, from: None },
                _ => Identity { name, version: "", from: told },
            }),
            Some(("file", path)) if !is_archive(path) => None,
            Some(_) => Some(Identity::from_place(name, told)),
        }
    }
}

/// Which package an entry is of.
struct Identity<'e> {
    name: &'e str,
    /// Empty where only the place is told.
    version: &'e str,
    from: Option<&'e str>,
}

impl<'e> Identity<'e> {
    /// By where it is from.
    fn from_place(name: &'e str, place: Option<&'e str>) -> Self {
        Self { name, version: "", from: place.filter(|place| !place.is_empty()) }
    }
}

/// Whether a text is a version, not a place.
fn is_version(text: &str) -> bool {
    let is_place = text.contains(['/', ':', '#', '\\']) || text.contains(char::is_whitespace);
    !text.is_empty() && !is_place && !is_range(text)
}

/// Whether a path is of an archive, not of a folder.
fn is_archive(path: &str) -> bool {
    let path = path.split(['#', '?']).next().unwrap_or(path).to_ascii_lowercase();
    [".tgz", ".tar.gz", ".tar"].iter().any(|end| path.ends_with(end))
}

/// Implements [`DeserializeSeed`] and [`Visitor`] for a reader of an object's entries, which go to the
/// method `read`. Another value in its place is `odd`, and costs only itself; of the whole file it is an error.
macro_rules! object_reader {
    ($name:ty, $what:literal, odd) => {
        object_reader!($name, $what, deserialize_any, {
            object_reader!(odd visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

            fn visit_unit<E>(self) -> Result<(), E> {
                self.lock.odd += 1;
                Ok(())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
                self.lock.odd += 1;
                skip_seq(seq)
            }
        });
    };
    (odd $($method:ident($type:ty)),*) => {
        $(fn $method<E>(self, _: $type) -> Result<(), E> {
            self.lock.odd += 1;
            Ok(())
        })*
    };
    ($name:ty, $what:literal) => {
        object_reader!($name, $what, deserialize_map, {});
    };
    ($name:ty, $what:literal, $read:ident, { $($odd:tt)* }) => {
        impl<'de> DeserializeSeed<'de> for $name {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.$read(self)
            }
        }

        impl<'de> Visitor<'de> for $name {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($what)
            }

            $($odd)*

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
                self.read(map)
            }
        }
    };
}

/// The whole file.
struct Root<'c, 'l>(&'c mut Collector<'l>);
object_reader!(Root<'_, '_>, "a lock file's object");

impl Root<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let lock = self.0;
        // An empty object is that of a project without anything.
        let mut keys = map.next_key::<Scalar<'de>>()?;
        lock.is_lock = keys.is_none();
        while let Some(key) = keys {
            lock.is_lock |= matches!(key.as_str(), "lockfileVersion" | "packages" | "dependencies" | "name");
            match key.as_str() {
                "lockfileVersion" => {
                    let version = map.next_value::<Scalar<'de>>()?.number();
                    lock.unknown_version = version.filter(|version| *version > LAST_VERSION);
                }
                "packages" => {
                    let unknown_version = lock.unknown_version;
                    *lock =
                        Collector { by_location: true, is_lock: true, unknown_version, ..Collector::new(lock.limits) };
                    map.next_value_seed(Locations(lock))?;
                }
                "dependencies" if !lock.by_location => {
                    map.next_value_seed(Dependencies { lock, base: "", depth: 1 })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            keys = map.next_key()?;
        }
        Ok(())
    }
}

/// `packages` of versions 2 and 3.
struct Locations<'c, 'l>(&'c mut Collector<'l>);
object_reader!(Locations<'_, '_>, "an object of packages by location");

impl Locations<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let lock = self.0;
        while let Some(key) = map.next_key::<Scalar<'de>>()? {
            match key.as_str() {
                folder if is_folder(folder) => map.next_value_seed(Project { lock, folder })?,
                location if lock.has_room(location.len()) => map.next_value_seed(Located { lock, location })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Whether what lies at `location` is a folder of the project: itself, a workspace, or the target of a link. It comes
/// from no registry, and its own package.json tells of it. The longest are none that anyone has.
fn is_folder(location: &str) -> bool {
    location.len() <= MAX_FOLDER_BYTES && !location.contains("node_modules/")
}

/// The longest folder whose dependencies are looked at.
const MAX_FOLDER_BYTES: usize = 1024;

/// The entry of the project itself or of another folder, of which only the names of its dependencies are wanted.
struct Project<'c, 'l> {
    lock: &'c mut Collector<'l>,
    folder: &'c str,
}
object_reader!(Project<'_, '_>, "the object of the project itself", odd);

impl Project<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Scalar<'de>>()? {
            match key.as_str() {
                "dependencies" | "devDependencies" | "optionalDependencies" | "peerDependencies" => {
                    map.next_value_seed(Names { lock: &mut *self.lock, folder: self.folder })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// One kind of the project's dependencies: ranges by name.
struct Names<'c, 'l> {
    lock: &'c mut Collector<'l>,
    folder: &'c str,
}
object_reader!(Names<'_, '_>, "an object of version ranges by name", odd);

impl Names<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, _)) = map.next_entry::<Scalar<'de>, IgnoredAny>()? {
            if self.lock.wanted.len() < self.lock.limits.records {
                self.lock.wanted.push((self.folder.to_owned(), name.as_str().to_owned()));
            }
        }
        Ok(())
    }
}

/// An entry of `packages`.
struct Located<'c, 'l> {
    lock: &'c mut Collector<'l>,
    location: &'c str,
}
object_reader!(Located<'_, '_>, "the object of a package", odd);

impl Located<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<Scalar<'de>>()? {
            if !entry.field(key.as_str(), &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        // What lies outside of node_modules is a folder of the project: a workspace, or the target of
        // a link. It comes from no registry, and its own package.json tells of it.
        let installed = self.location.rsplit_once("node_modules/");
        if let (Some((_, name)), false) = (installed, entry.link.is_true()) {
            self.lock.add(self.location.to_owned(), Some(entry.located(name)), &entry);
        }
        Ok(())
    }
}

/// `dependencies` of version 1, and of each entry therein.
struct Dependencies<'c, 'l> {
    lock: &'c mut Collector<'l>,
    /// Where the packages are installed: empty, or the directory of the parent with a slash behind.
    base: &'c str,
    /// 1 for the outermost.
    depth: usize,
}
object_reader!(Dependencies<'_, '_>, "an object of packages by name", odd);

impl Dependencies<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { lock, base, depth } = self;
        while let Some(name) = map.next_key::<Scalar<'de>>()? {
            let name = name.as_str();
            if lock.has_room(base.len() + "node_modules/".len() + name.len()) {
                let location = format!("{base}node_modules/{name}");
                map.next_value_seed(Nested { lock, name, location, depth })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// An entry of `dependencies`.
struct Nested<'c, 'l> {
    lock: &'c mut Collector<'l>,
    name: &'c str,
    location: String,
    depth: usize,
}
object_reader!(Nested<'_, '_>, "the object of a package", odd);

impl Nested<'_, '_> {
    fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { lock, name, location, depth } = self;
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<Scalar<'de>>()? {
            match key.as_str() {
                "dependencies" if depth < MAX_DEPTH => {
                    // The packages of a linked folder are installed in that folder.
                    let folder = entry.version.text().and_then(|version| version.strip_prefix("file:"));
                    let base = format!("{}/", folder.unwrap_or(&location));
                    map.next_value_seed(Dependencies { lock, base: &base, depth: depth + 1 })?;
                }
                "dependencies" => {
                    lock.too_deep += 1;
                    map.next_value::<IgnoredAny>()?;
                }
                key => {
                    if !entry.field(key, &mut map)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        lock.add(location, entry.nested(name), &entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
