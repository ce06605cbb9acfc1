//! The walk through an archive and all archives in it.
//!
//! Of each archive are read, as far as they are there: every `META-INF/maven/GROUP/ARTIFACT/pom.properties` (several in
//! an archive that others were shaded into), `pom.xml` where there are no properties beside it, the manifest, and the
//! names of entries. An archive that none of its Maven metadata speaks of is told by [`super::identity`].
//!
//! A package has the file as its place. What lies in an archive inside says where in the extra `inner`, names of archives
//! joined by `!/` as Java's URLs have it; a package that lies in several of them is one package with several of these.

use super::identity::{self, FileName, Roots};
use super::manifest::Manifest;
use super::pom::Pom;
use super::properties::{self, Coordinates, is_coordinate};
use crate::analyzer::{Extract, File};
use crate::zip::{self, Budget, Content, Fault, Place, Zip};
use sekisho_base::limits::LimitKey;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Evidence, License, PackageFacts, PackageKind};
use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::Rc;

/// Archives in archives that are read: ear, war, jar, and one more.
const MAX_DEPTH: usize = 4;

/// Messages about one file.
const MAX_DIAGNOSTICS: usize = 50;

/// The extensions of archives.
const EXTENSIONS: &[&str] = &["jar", "war", "ear", "par", "sar", "nar", "kar", "hpi", "jpi", "lpkg"];

/// Bytes that archives lie in: those of the file, or what one of them inflated to.
#[derive(Clone)]
enum Bytes<'a> {
    File(&'a dyn ReadAt),
    Held(Rc<Vec<u8>>),
}

/// A window of bytes.
#[derive(Clone)]
struct Source<'a> {
    bytes: Bytes<'a>,
    start: u64,
    len: u64,
}

impl ReadAt for Source<'_> {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let want = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        match &self.bytes {
            Bytes::File(file) => file.read_at(self.start + offset, &mut buf[..want]),
            Bytes::Held(bytes) => bytes.read_at(self.start + offset, &mut buf[..want]),
        }
    }
}

/// An archive that waits to be read.
struct Pending<'a> {
    /// What it lies in, unless that is the file itself.
    place: Option<Place>,
    source: Source<'a>,
    /// Names of archives from the file on, joined by `!/`; empty for the file itself.
    inner: Rc<str>,
    depth: usize,
}

/// What is wanted of an entry.
enum Wanted {
    /// Has the coordinates in it, by the directory it lies in.
    Properties(String),
    Pom(String),
    Manifest,
    Archive,
}

impl Wanted {
    fn of(name: &str) -> Option<Self> {
        if let Some((directory, file)) = name.rsplit_once('/').filter(|_| name.contains("META-INF/maven/")) {
            match file {
                "pom.properties" => return Some(Self::Properties(directory.to_owned())),
                "pom.xml" => return Some(Self::Pom(directory.to_owned())),
                _ => {}
            }
        }
        // Java takes the name in any case.
        if name.eq_ignore_ascii_case("META-INF/MANIFEST.MF") {
            return Some(Self::Manifest);
        }
        let (_, extension) = name.rsplit_once('.')?;
        EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)).then_some(Self::Archive)
    }
}

/// Reads an archive with all in it.
pub(super) fn run(file: &File<'_>) -> Extract {
    let mut walk = Walk {
        file,
        limits: file.limits,
        budget: Budget::new(file.data.size(), file.limits),
        buffer: Vec::new(),
        names_left: file.limits.path_table_bytes,
        pending: Vec::new(),
        packages: Packages { limit: file.limits.records, ..Packages::default() },
        diagnostics: Vec::new(),
        untold: 0,
    };
    let source = Source { bytes: Bytes::File(file.data), start: 0, len: file.data.size() };
    walk.pending.push(Pending { place: None, source, inner: "".into(), depth: 0 });
    while let Some(next) = walk.pending.pop() {
        if let Err(Fault::Limit(limit)) = walk.archive(&next) {
            let at = if next.inner.is_empty() { String::new() } else { format!("{:?}: ", &*next.inner) };
            walk.tell(Diagnostic::incomplete(Code::LimitExceeded, format!("{at}{limit}")).at(file.path));
            // A budget that is used up stops all.
            if matches!(limit.key, LimitKey::Entries | LimitKey::InflatedBytes | LimitKey::Ratio) {
                break;
            }
        }
    }
    if walk.packages.over_limit {
        walk.diagnostics.push(file.exceeded(LimitKey::Records, "packages"));
    }
    if walk.untold > 0 {
        let message = format!("{} more things are wrong in this archive", walk.untold);
        walk.diagnostics.push(file.malformed(message));
    }
    Extract { packages: walk.packages.finish(), diagnostics: walk.diagnostics, ..Extract::default() }
}

struct Walk<'f, 'a> {
    file: &'f File<'a>,
    limits: &'f Limits,
    budget: Budget,
    buffer: Vec<u8>,
    /// Bytes of names that may still be kept.
    names_left: u64,
    pending: Vec<Pending<'a>>,
    packages: Packages,
    diagnostics: Vec<Diagnostic>,
    untold: usize,
}

/// An entry that is wanted.
struct Entry {
    wanted: Wanted,
    place: Place,
    name: String,
    raw: Option<Vec<u8>>,
}

impl<'a> Walk<'_, 'a> {
    fn tell(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        } else {
            self.untold += 1;
        }
    }

    /// Tells what is wrong with `name` in the archive `inner`.
    fn malformed(&mut self, inner: &str, name: &str, what: impl std::fmt::Display) {
        let message = match (inner, name) {
            ("", "") => what.to_string(),
            ("", name) | (name, "") => format!("{name:?} {what}"),
            (inner, name) => format!("{:?} {what}", format!("{inner}!/{name}")),
        };
        let diagnostic = self.file.malformed(message);
        self.tell(diagnostic);
    }

    /// Reads one archive, and leaves those in it for later. Only a limit is an error; all else has been told.
    fn archive(&mut self, next: &Pending<'a>) -> Result<(), Fault> {
        let source = match next.place {
            None => next.source.clone(),
            Some(place) => match self.inflated(next, place)? {
                Some(source) => source,
                None => return Ok(()),
            },
        };
        // No record of an archive is longer than the archive.
        let wants = zip::BUFFER.min(usize::try_from(source.len).unwrap_or(usize::MAX)).max(zip::LEAST_BUFFER);
        if self.buffer.len() < wants {
            self.buffer.resize(wants, 0);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = self.read(&source, next, &mut buffer);
        self.buffer = buffer;
        match outcome {
            Err(Fault::NoArchive) if next.inner.is_empty() && source.len == 0 => Ok(()),
            // What Java cannot open either hides nothing.
            Err(Fault::NoArchive) => {
                let of = if next.inner.is_empty() { String::new() } else { format!("{:?} ", &*next.inner) };
                let note = self.file.skipped(format_args!("{of}is no zip archive, whatever its name says"));
                self.tell(note);
                Ok(())
            }
            Err(Fault::Malformed(what)) => {
                self.malformed(&next.inner, "", what);
                Ok(())
            }
            other => other,
        }
    }

    /// The bytes of an archive inside another.
    fn inflated(&mut self, next: &Pending<'a>, place: Place) -> Result<Option<Source<'a>>, Fault> {
        let limit = self.limits.exceeded(LimitKey::TextFileBytes, "bytes of an archive that is compressed in another");
        let outer = Zip::open(&next.source, &mut self.buffer, &mut self.budget);
        let read = outer.and_then(|outer| outer.read(place, self.limits.text_file_bytes, limit, &mut self.budget));
        match read {
            Ok((content, wrong)) => {
                if let Some(wrong) = wrong {
                    self.malformed(&next.inner, "", wrong);
                }
                let Source { bytes, start: base, .. } = &next.source;
                Ok(Some(match content {
                    Content::Window { start, len } => Source { bytes: bytes.clone(), start: base + start, len },
                    Content::Bytes(bytes) => {
                        let len = bytes.len() as u64;
                        Source { bytes: Bytes::Held(Rc::new(bytes)), start: 0, len }
                    }
                }))
            }
            Err(Fault::Limit(limit)) => Err(Fault::Limit(limit)),
            Err(fault) => {
                self.malformed(&next.inner, "", fault);
                Ok(None)
            }
        }
    }

    fn read(&mut self, source: &Source<'a>, next: &Pending<'a>, buffer: &mut [u8]) -> Result<(), Fault> {
        let zip = Zip::open(source, buffer, &mut self.budget)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut roots = Roots::default();
        let (mut names_left, mut long) = (self.names_left, 0_u64);
        let path_bytes = self.limits.path_bytes;
        let listed = zip.entries(buffer, &mut self.budget, |record| {
            let raw = record.file_path().as_bytes();
            let path = zip::path(raw);
            let name = String::from_utf8_lossy(&path);
            roots.add(&name);
            let Some(wanted) = Wanted::of(&name) else { return };
            let bytes = name.len() as u64;
            if name.len() > path_bytes || bytes > names_left {
                long += 1;
                return;
            }
            names_left -= bytes;
            let raw = (name.as_bytes() != raw).then(|| raw.to_vec());
            entries.push(Entry { wanted, place: Place::of(record), name: name.into_owned(), raw });
        });
        self.names_left = names_left;
        if long > 0 {
            self.malformed(&next.inner, "", format_args!("has {long} entries whose names are longer than is read"));
        }
        // What was listed before the fault is read all the same.
        let fault = listed.err();
        let mut found = Found::default();
        let mut names: HashSet<String> = HashSet::new();
        let mut twice = 0_u64;
        for entry in entries {
            if let Some(what) =
                zip.contradiction(entry.place, entry.raw.as_deref().unwrap_or(entry.name.as_bytes()), buffer)
            {
                self.malformed(&next.inner, &entry.name, what);
            }
            if !names.insert(entry.name.clone()) {
                twice += 1;
                if matches!(entry.wanted, Wanted::Manifest) {
                    self.malformed(&next.inner, &entry.name, "is there twice; which one holds is not known");
                }
            }
            if let Wanted::Archive = entry.wanted {
                self.later(source, next, &entry);
                continue;
            }
            let limit = self.limits.exceeded(LimitKey::TextFileBytes, "bytes of one text file");
            match zip.read(entry.place, self.limits.text_file_bytes, limit, &mut self.budget) {
                Ok((content, wrong)) => {
                    if let Some(wrong) = wrong {
                        self.malformed(&next.inner, &entry.name, wrong);
                    }
                    let bytes = match &content {
                        Content::Bytes(bytes) => Ok(bytes.into()),
                        Content::Window { len, .. } if *len > self.limits.text_file_bytes => {
                            self.malformed(&next.inner, &entry.name, limit);
                            continue;
                        }
                        Content::Window { start, len } => source.range(*start, *len as usize),
                    };
                    match bytes {
                        Ok(bytes) => found.take(entry, &String::from_utf8_lossy(&bytes), self.limits.records),
                        Err(error) => self.malformed(&next.inner, &entry.name, error),
                    }
                }
                Err(Fault::Limit(limit)) if limit.key == LimitKey::TextFileBytes => {
                    self.malformed(&next.inner, &entry.name, limit);
                }
                Err(Fault::Limit(limit)) => return Err(Fault::Limit(limit)),
                Err(fault) => self.malformed(&next.inner, &entry.name, fault),
            }
        }
        if twice > 0 {
            let of = if next.inner.is_empty() { String::new() } else { format!("{:?} ", &*next.inner) };
            let note =
                self.file.skipped(format_args!("{of}has {twice} entries under names that others have; all were read"));
            self.tell(note);
        }
        self.identify(next, found, &roots);
        fault.map_or(Ok(()), Err)
    }

    /// Takes note of an archive in the archive.
    fn later(&mut self, source: &Source<'a>, next: &Pending<'a>, entry: &Entry) {
        let inner = if next.inner.is_empty() { entry.name.clone() } else { format!("{}!/{}", next.inner, entry.name) };
        if next.depth >= MAX_DEPTH {
            let message = format!("{inner:?} lies below the limit of {MAX_DEPTH} archives in each other");
            return self.tell(Diagnostic::incomplete(Code::LimitExceeded, message).at(self.file.path));
        }
        if self.has_room(&inner) {
            let (place, depth) = (Some(entry.place), next.depth + 1);
            self.pending.push(Pending { place, source: source.clone(), inner: inner.into(), depth });
        }
    }

    /// Whether a name of an archive is kept once more: it is for each archive and each package in it.
    fn has_room(&mut self, inner: &str) -> bool {
        let left = self.names_left.checked_sub(inner.len() as u64);
        self.names_left = left.unwrap_or(self.names_left);
        if left.is_none() {
            let limit = self.limits.exceeded(LimitKey::PathTableBytes, "bytes of names in archives");
            self.tell(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()).at(self.file.path));
        }
        left.is_some()
    }

    /// Makes packages of what one archive says.
    fn identify(&mut self, next: &Pending<'a>, found: Found, roots: &Roots) {
        let path = if next.inner.is_empty() { self.file.path } else { &*next.inner };
        let file = FileName::parse(path);
        let manifest = found.manifest.unwrap_or_default();
        let own = identity::identify(path, &manifest, roots);
        let mut is_told = false;
        let alone = found.stated.len() == 1;
        let mut unusable = 0_u64;
        for mut stated in found.stated {
            let coordinates = &mut stated.coordinates;
            if coordinates.group.is_empty() {
                // Some archivers leave it out; the directory is META-INF/maven/GROUP/ARTIFACT.
                let mut names = stated.directory.rsplit('/');
                let (artifact, group) = (names.next(), names.next());
                if artifact == Some(&coordinates.artifact) {
                    group.unwrap_or_default().clone_into(&mut coordinates.group);
                }
            }
            let fits = is_own(coordinates, &file, &own, &manifest, alone);
            if !is_coordinate(&coordinates.version) && fits {
                // The name of the archive says what the build did not write.
                coordinates.version.clone_from(&own.version);
            }
            let usable = is_coordinate(&coordinates.artifact)
                && is_coordinate(&coordinates.version)
                && (coordinates.group.is_empty() || is_coordinate(&coordinates.group));
            if !usable {
                unusable += 1;
                continue;
            }
            is_told |= fits;
            let mut facts = PackageFacts::new(PackageKind::Maven, coordinates.name(), &coordinates.version);
            facts.licenses = stated.licenses;
            if fits {
                facts.supplier.clone_from(&own.supplier);
                if facts.licenses.is_empty() {
                    facts.licenses = manifest.licenses().filter_map(License::parse).collect();
                }
            }
            self.add(next, facts);
        }
        if unusable > 0 {
            self.malformed(
                &next.inner,
                "",
                format_args!("has Maven metadata of {unusable} packages without a name or a version"),
            );
        }
        if !is_told && !own.name.is_empty() {
            let licenses = manifest.licenses().filter_map(License::parse).collect();
            self.add(next, PackageFacts { licenses, ..own });
        }
    }

    fn add(&mut self, next: &Pending<'a>, facts: PackageFacts) {
        let inner = (!next.inner.is_empty() && self.has_room(&next.inner)).then_some(&*next.inner);
        self.packages.add(facts, inner);
    }
}

/// Whether Maven metadata is of the archive itself, and not of one that was shaded into it.
fn is_own(it: &Coordinates, file: &FileName<'_>, own: &PackageFacts, manifest: &Manifest, alone: bool) -> bool {
    if it.artifact == file.artifact || file.stem.starts_with(&format!("{}-{}", it.artifact, it.version)) {
        return true;
    }
    let artifact = own.name.rsplit(':').next().unwrap_or_default();
    if it.artifact == artifact || manifest.get("implementation-title") == Some(&it.artifact) {
        return true;
    }
    // Distributions give other names to files. One that is told of alone, and has the version of the archive, is it; so is
    // one where the archive has no other version.
    let base = |version: &str| version.trim_end_matches(".0").to_owned();
    let versions = [file.version, manifest.get("implementation-version"), manifest.get("bundle-version")];
    let mut stated = versions.into_iter().flatten().peekable();
    let no_other = stated.peek().is_none();
    alone && (no_other || stated.any(|version| base(version) == base(&it.version) || version.starts_with(&it.version)))
}

/// What the metadata of one archive says.
#[derive(Default)]
struct Found {
    manifest: Option<Manifest>,
    stated: Vec<Stated>,
    /// By the directory of the metadata, which several files may be in.
    by_directory: HashMap<String, usize>,
}

/// What Maven metadata says of one package.
#[derive(Default)]
struct Stated {
    directory: String,
    coordinates: Coordinates,
    licenses: Vec<License>,
    by_properties: bool,
    by_pom: bool,
}

impl Found {
    fn take(&mut self, entry: Entry, text: &str, records: usize) {
        match entry.wanted {
            Wanted::Properties(directory) => {
                let stated = self.of(directory, |known| known.by_properties);
                stated.coordinates = properties::parse(text);
                stated.by_properties = true;
            }
            Wanted::Pom(directory) => {
                let (pom, _) = Pom::parse(text.strip_prefix('\u{feff}').unwrap_or(text), records);
                let stated = self.of(directory, |known| known.by_pom);
                if !stated.by_properties {
                    stated.coordinates = pom.coordinates();
                }
                stated.licenses = pom.licenses;
                stated.by_pom = true;
            }
            Wanted::Manifest => self.manifest = Some(Manifest::parse(text)),
            Wanted::Archive => {}
        }
    }

    /// What is known of the package whose metadata lies in `directory`; another one where a file of that name `was_read`
    /// before, so that none hides the other.
    fn of(&mut self, directory: String, was_read: fn(&Stated) -> bool) -> &mut Stated {
        let next = self.stated.len();
        let known = self.by_directory.get(&directory).copied().filter(|index| !was_read(&self.stated[*index]));
        let index = known.unwrap_or(next);
        if index == next {
            self.stated.push(Stated { directory: directory.clone(), ..Stated::default() });
            self.by_directory.insert(directory, next);
        }
        &mut self.stated[index]
    }
}

/// The packages of one file, each once.
#[derive(Default)]
struct Packages {
    list: Vec<PackageFacts>,
    seen: HashMap<(String, String), usize>,
    over_limit: bool,
    limit: usize,
}

impl Packages {
    fn add(&mut self, facts: PackageFacts, inner: Option<&str>) {
        let inner = inner.map(|inner| ("inner".to_owned(), inner.to_owned()));
        let key = (facts.name.clone(), facts.version.clone());
        if let Some(index) = self.seen.get(&key) {
            let known = &mut self.list[*index];
            if known.evidence == Evidence::Inferred && facts.evidence == Evidence::Installed {
                let places = known.extra.drain(..).filter(|(key, _)| key == "inner").collect();
                *known = PackageFacts { extra: places, ..facts };
            }
            known.extra.extend(inner);
            return;
        }
        if self.list.len() >= self.limit {
            self.over_limit = true;
            return;
        }
        self.seen.insert(key, self.list.len());
        let mut facts = facts;
        facts.extra.extend(inner);
        self.list.push(facts);
    }

    fn finish(mut self) -> Vec<PackageFacts> {
        for facts in &mut self.list {
            facts.extra.sort();
            facts.extra.dedup();
        }
        self.list
    }
}
