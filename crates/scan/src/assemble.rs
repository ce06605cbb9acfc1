//! From the files an image shows to its packages: where each comes from, who owns it, its licences.

use crate::facts::FileFacts;
use crate::overlay::{Hidden, Overlay, Shown};
use crate::{Options, tool};
use hashbrown::{HashMap, HashSet};
use sekisho_base::Limits;
use sekisho_base::limits::LimitKey;
use sekisho_model::{
    Code, ContentSets, Diagnostic, EmbeddedDocument, Evidence, INVENTORY_SCHEMA, Image, Inventory, LayerIndex, Level,
    License, Origin, OsRelease, Package, PackageFacts, PackageFiles, PackageId, PackageKind, Purl, Removal, Removed,
    Source,
};
use sekisho_sbom::merge::{self, Told};
use sekisho_sbom::project::Projects;
use sekisho_sbom::purl::purl_of;
use sekisho_sbom::{Analyzer, Dispatch};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Everything that was read of an image or a tree.
pub(crate) struct Scanned<'a> {
    pub(crate) source: Source,
    pub(crate) image: Option<Image>,
    pub(crate) overlay: Overlay<'a>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Makes the inventory.
pub(crate) fn inventory(scanned: Scanned<'_>, dispatch: &Dispatch, options: &Options<'_>) -> Inventory {
    let Scanned { source, image, overlay, mut diagnostics } = scanned;
    diagnostics.extend(overlay.diagnostics.iter().cloned());
    let system = distribution(&overlay);
    let maker = Maker { overlay: &overlay, system, image: image.as_ref() };
    let mut packages = maker.packages(&mut diagnostics);
    maker.settle_named(&mut packages, &mut diagnostics);
    leave_out_guessed(&mut packages);
    maker.databases_led_astray(dispatch, &mut diagnostics);
    maker.system_uncovered(dispatch, &mut diagnostics);
    link_declared(&mut packages);
    maker.link_owners(&mut packages);
    packages.sort_unstable_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    join_inferred(&mut packages);
    let removed =
        if options.all_layers { maker.removed(&packages, &options.limits, &mut diagnostics) } else { Vec::new() };
    let files =
        if options.package_files { maker.files(&packages, &options.limits, &mut diagnostics) } else { Vec::new() };
    let documents = maker.documents();
    let content_sets = maker.content_sets();
    diagnostics.sort();
    diagnostics.dedup();
    Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        tool: tool(),
        observed_at: options.clock.now(),
        source,
        os: system.map(|(_, os)| os.clone()),
        image,
        packages,
        removed,
        files,
        documents,
        content_sets,
        complete: !diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Incomplete),
        diagnostics,
    }
}

/// No two packages have the same.
fn sort_key(package: &Package) -> (PackageKind, &str, &str, &str, &Purl) {
    (package.facts.kind, &package.facts.name, &package.facts.version, &package.location, &package.purl)
}

/// The distribution, and where it says so: `etc/os-release` before the vendor's copy, as os-release(5) says.
fn distribution<'a>(overlay: &Overlay<'a>) -> Option<(&'a str, &'a OsRelease)> {
    let files = overlay.shown.values().flat_map(|shown| &shown.now.files);
    let found = files.filter_map(|file| Some((file.path.as_str(), file.extract.os.as_ref()?)));
    found.min_by_key(|(path, _)| !path.starts_with("etc/"))
}

struct Maker<'a> {
    overlay: &'a Overlay<'a>,
    system: Option<(&'a str, &'a OsRelease)>,
    image: Option<&'a Image>,
}

impl Maker<'_> {
    fn packages(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<Package> {
        let licenses = self.licenses();
        let files = || self.overlay.shown.values().flat_map(|shown| &shown.now.files);
        let most = files().map(|file| file.extract.packages.len()).sum();
        let mut packages: Vec<Package> = Vec::with_capacity(most);
        let mut places: HashMap<PackageId, usize> = HashMap::with_capacity(most);
        let stated = files().filter_map(|file| Some((file.path.as_str(), file.extract.project.as_deref()?)));
        let projects = Projects::of(stated);
        for (path, shown) in &self.overlay.shown {
            let around = projects.around(path);
            for file in &shown.now.files {
                let in_layer =
                    |diagnostic: &Diagnostic| Diagnostic { layer: self.layer(shown.now.layer), ..diagnostic.clone() };
                diagnostics.extend(file.extract.diagnostics.iter().map(in_layer));
                for (facts, layer) in file.extract.packages.iter().zip(first_layers(shown, file)) {
                    let facts = around.as_ref().map_or(Cow::Borrowed(facts), |around| around.complete(facts));
                    match self.package(&facts, path, layer) {
                        Ok(mut package) => {
                            // What a file holds twice is one package: for development only if both are, and asked for directly
                            // if one of them is.
                            if let Some(place) = places.get(&package.id) {
                                let known = &mut packages[*place].facts;
                                known.dev &= package.facts.dev;
                                known.direct = known.direct.max(package.facts.direct);
                                continue;
                            }
                            if package.facts.licenses.is_empty() {
                                package.facts.licenses = self.licenses_of(&package, &licenses);
                            }
                            places.insert(package.id.clone(), packages.len());
                            packages.push(package);
                        }
                        Err(diagnostic) => diagnostics.push(in_layer(&diagnostic)),
                    }
                }
            }
        }
        packages
    }

    /// Leaves out what SBOMs in the image name and other files tell of, and what of it is of another distribution.
    fn settle_named(&self, packages: &mut Vec<Package>, diagnostics: &mut Vec<Diagnostic>) {
        if !packages.iter().any(Told::is_named) {
            return;
        }
        let told = Told::of(packages.iter());
        packages.retain(|package| !told.repeats(package));
        let Some((_, os)) = self.system else { return };
        let mut foreign: BTreeMap<(String, Option<LayerIndex>), usize> = BTreeMap::new();
        packages.retain(|package| {
            let is_foreign = merge::is_foreign(package, os);
            if is_foreign {
                *foreign.entry((package.location.clone(), package.layer)).or_default() += 1;
            }
            !is_foreign
        });
        diagnostics.extend(foreign.into_iter().map(|((location, layer), count)| {
            let message = format!(
                "names packages of another distribution than {}, whose advisories say nothing of them: {count} are not listed",
                os.distro()
            );
            Diagnostic { layer, ..Diagnostic::incomplete(Code::VulnerabilitiesUnknown, message).at(location) }
        }));
    }

    fn documents(&self) -> Vec<EmbeddedDocument> {
        let shown = self.overlay.shown.values().flat_map(|shown| shown.now.files.iter().map(move |file| (shown, file)));
        let documents = shown.flat_map(|(shown, file)| {
            file.extract.documents.iter().map(move |content| EmbeddedDocument {
                location: file.path.clone(),
                layer: self.layer(shown.now.layer),
                content: content.clone(),
            })
        });
        let mut documents: Vec<EmbeddedDocument> = documents.collect();
        documents.sort_by(|a, b| a.location.cmp(&b.location));
        documents
    }

    fn content_sets(&self) -> Vec<ContentSets> {
        let shown = self.overlay.shown.values().flat_map(|shown| shown.now.files.iter().map(move |file| (shown, file)));
        let stated = shown.filter(|(_, file)| !file.extract.content_sets.is_empty());
        let mut sets: Vec<ContentSets> = stated
            .map(|(shown, file)| ContentSets {
                location: file.path.clone(),
                layer: self.layer(shown.now.layer),
                names: file.extract.content_sets.clone(),
            })
            .collect();
        sets.sort();
        sets
    }

    /// Layers are named only where there are some.
    fn layer(&self, index: LayerIndex) -> Option<LayerIndex> {
        self.image.is_some().then_some(index)
    }

    fn package(&self, facts: &PackageFacts, path: &str, layer: LayerIndex) -> Result<Package, Diagnostic> {
        let purl = purl_of(facts, self.system.map(|(_, os)| os)).map_err(|error| {
            let message = format!("the package {:?} {:?} has no package URL: {error}", facts.name, facts.version);
            Diagnostic::note(Code::RecordMalformed, message).at(path)
        })?;
        let layers = self.image.map(|image| image.layers.as_slice()).unwrap_or_default();
        Ok(Package {
            id: PackageId::new(&purl, path),
            purl,
            facts: facts.clone(),
            location: path.to_owned(),
            layer: self.layer(layer),
            origin: layers.get(layer as usize).map_or(Origin::Unknown, |layer| layer.origin),
            owned_by: None,
        })
    }

    /// Links are not followed; one that leads to a package database out of sight must be told.
    fn databases_led_astray(&self, dispatch: &Dispatch, diagnostics: &mut Vec<Diagnostic>) {
        let astray = self.overlay.links.iter().filter(|(path, target)| dispatch.is_led_astray(path, target));
        diagnostics.extend(astray.map(|(path, target)| {
            let message = if path == target {
                "is a link to itself".to_owned()
            } else {
                format!("is a link to {target:?}, where no such file is looked for")
            };
            Diagnostic::incomplete(Code::FileUnreadable, message).at(*path)
        }));
    }

    /// A system whose package database is of a kind that is not read, names nothing, or is gone, is not one without
    /// packages. Nor is an image whose lower layers had one.
    fn system_uncovered(&self, dispatch: &Dispatch, diagnostics: &mut Vec<Diagnostic>) {
        let reads_system = |file: &FileFacts| dispatch.by_id(&file.analyzer).is_some_and(Analyzer::reads_system);
        let mut databases = self.overlay.shown.values().flat_map(|shown| {
            let here = shown.now.files.iter().filter(|file| reads_system(file));
            here.map(move |file| (file, shown.now.layer))
        });
        let empty = databases.clone().next();
        if databases.any(|(file, _)| !file.extract.packages.is_empty()) {
            return;
        }
        // One that is there and could not be read has been told.
        let hides_one = |told: &Diagnostic| {
            told.level == Level::Incomplete && told.path.as_deref().is_some_and(|path| dispatch.guards_database(path))
        };
        if diagnostics.iter().any(hides_one) {
            return;
        }
        let lists = |file: &&&FileFacts| reads_system(file) && !file.extract.packages.is_empty();
        let gone = self.overlay.hidden.iter().filter_map(|gone| Some((gone, *gone.files.iter().find(lists)?)));
        let gone = gone.max_by_key(|(gone, file)| (gone.removed_in, Reverse(&file.path)));
        let system = self.system.map(|(path, os)| (path, os.pretty_name.clone().unwrap_or_else(|| os.distro())));
        let (path, layer, message) = match (empty, gone, system) {
            (Some((file, layer)), _, system) => {
                let of = system.map_or_else(String::new, |(_, system)| format!(" of {system}"));
                let message = format!("the package database{of} names no package; what is installed is not listed");
                (file.path.as_str(), self.layer(layer), message)
            }
            (None, Some((gone, file)), _) => {
                let message = format!(
                    "the package database of layer {} is removed here, and there is no other; which of its packages are still in the image is not known",
                    gone.layer
                );
                (file.path.as_str(), self.layer(gone.removed_in), message)
            }
            (None, None, Some((path, system))) => {
                let message = format!(
                    "the system is {system}, but there is no package database of a kind that is read; its packages are not listed"
                );
                (path, None, message)
            }
            (None, None, None) => return,
        };
        diagnostics.push(Diagnostic { layer, ..Diagnostic::incomplete(Code::SystemUncovered, message).at(path) });
    }

    /// Licences that one file states for a package which another file lists, by the file's path.
    fn licenses(&self) -> HashMap<&str, &[License]> {
        let files = self.overlay.shown.values().flat_map(|shown| &shown.now.files);
        files
            .flat_map(|file| {
                file.extract.licenses.iter().map(|stated| (file.path.as_str(), stated.licenses.as_slice()))
            })
            .collect()
    }

    /// Debian states licences in a file of the package's documentation, whose directory may be a link
    /// to that of another package of the same source; Gentoo in one beside what names the package.
    fn licenses_of(&self, package: &Package, licenses: &HashMap<&str, &[License]>) -> Vec<License> {
        let path = match package.facts.kind {
            PackageKind::Deb => format!("usr/share/doc/{}/copyright", package.facts.name),
            PackageKind::Portage => match package.location.rsplit_once('/') {
                Some((directory, _)) => format!("{directory}/LICENSE"),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let path = self.overlay.resolve(&path);
        licenses.get(path.as_str()).map(|licenses| licenses.to_vec()).unwrap_or_default()
    }

    /// Links language packages to the operating system package that owns their file.
    fn link_owners(&self, packages: &mut [Package]) {
        let mut wanted: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let all: &[Package] = packages;
        for (index, package) in all.iter().enumerate().filter(|(_, package)| !package.facts.kind.is_os()) {
            wanted.entry(self.overlay.resolve(&package.location).into_bytes()).or_default().push(index);
        }
        if wanted.is_empty() {
            return;
        }
        let mut links: Vec<(usize, PackageId)> = Vec::new();
        self.each_owned(all, |owner, path| {
            let found = wanted.get(path);
            // What a later layer wrote over it is no longer what the package brought.
            let own = |index: &&usize| all[**index].layer <= all[owner].layer;
            links.extend(found.into_iter().flatten().filter(own).map(|index| (*index, all[owner].id.clone())));
        });
        for (index, owner) in links {
            packages[index].owned_by = Some(owner);
        }
    }

    /// The files of packages of the operating system. Directories are left out, and what several packages list.
    fn files(&self, packages: &[Package], limits: &Limits, diagnostics: &mut Vec<Diagnostic>) -> Vec<PackageFiles> {
        let mut listed: BTreeMap<Vec<u8>, Option<usize>> = BTreeMap::new();
        let (mut weight, mut is_whole) = (0, true);
        self.each_owned(packages, |owner, path| {
            weight += path.len() as u64 + 64;
            is_whole &= weight <= limits.facts_bytes;
            if is_whole {
                let of = listed.entry(path.to_vec()).or_insert(Some(owner));
                *of = of.filter(|of| *of == owner);
            }
        });
        if !is_whole {
            let limit = limits.exceeded(LimitKey::FactsBytes, "bytes");
            let message = format!("the files of packages take {limit}; not all are listed");
            diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
        }
        let mut files: Vec<Vec<String>> = vec![Vec::new(); packages.len()];
        for (path, owner) in &listed {
            let within = [path, &b"/"[..]].concat();
            let is_directory = listed.range(within.clone()..).next().is_some_and(|(next, _)| next.starts_with(&within));
            if let Some(owner) = owner.filter(|_| !is_directory) {
                files[owner].push(String::from_utf8_lossy(path).into_owned());
            }
        }
        let all = packages.iter().zip(files).filter(|(_, paths)| !paths.is_empty());
        all.map(|(package, paths)| PackageFiles { package: package.id.clone(), paths }).collect()
    }

    /// Calls `each` with every path that the list of a package of the operating system has: the package's place, and the path as it
    /// is reached.
    fn each_owned(&self, all: &[Package], mut each: impl FnMut(usize, &[u8])) {
        let mut owners: HashMap<(PackageKind, &str), Vec<usize>> = HashMap::new();
        for (index, package) in all.iter().enumerate().filter(|(_, package)| package.facts.kind.is_os()) {
            owners.entry((package.facts.kind, &package.facts.name)).or_default().push(index);
        }
        // File lists name the place a package was built for; a merged /usr moves it.
        let moved: Vec<(&[u8], &[u8])> = self
            .overlay
            .links
            .iter()
            .filter(|(link, _)| !link.contains('/'))
            .map(|(link, target)| (link.as_bytes(), target.as_bytes()))
            .collect();
        let mut elsewhere = Vec::new();
        for owned in self.overlay.shown.values().flat_map(|shown| &shown.now.files).flat_map(|file| &file.extract.owned)
        {
            let fits = |index: &&usize| owned.arch.is_none() || all[**index].facts.arch == owned.arch;
            let candidates = owners.get(&(owned.kind, owned.name.as_str()));
            let Some(owner) = candidates.and_then(|candidates| candidates.iter().find(fits)) else { continue };
            owned.paths.for_each_bytes(|path| {
                let first = path.iter().position(|byte| *byte == b'/').unwrap_or_default();
                match moved.iter().find(|(link, _)| *link == &path[..first]) {
                    Some((_, target)) => {
                        elsewhere.clear();
                        elsewhere.extend_from_slice(target);
                        elsewhere.extend_from_slice(&path[first..]);
                        each(*owner, &elsewhere);
                    }
                    None => each(*owner, path),
                }
            });
        }
    }

    /// The packages that only lower layers hold.
    fn removed(&self, packages: &[Package], limits: &Limits, diagnostics: &mut Vec<Diagnostic>) -> Vec<Removed> {
        let licenses = self.licenses();
        let mut removed = Vec::new();
        let mut weight = 0;
        let mut add = |files: &[&FileFacts], layer, removed_in, removal, still: &dyn Fn(&PackageFacts) -> bool| {
            for file in files {
                // The same layer may come and go very often.
                if weight > limits.facts_bytes {
                    continue;
                }
                let listed = removed.len();
                for facts in file.extract.packages.iter().filter(|facts| !still(facts) && !is_guessed(facts)) {
                    if let Ok(mut package) = self.package(facts, &file.path, layer) {
                        if package.facts.licenses.is_empty() {
                            package.facts.licenses = self.licenses_of(&package, &licenses);
                        }
                        removed.push(Removed { package, removed_in, removal });
                    }
                }
                if removed.len() > listed {
                    weight += file.extract.weight(&file.path) as u64;
                }
            }
        };
        for Hidden { layer, files, removed_in, removal } in &self.overlay.hidden {
            add(files, *layer, *removed_in, *removal, &|_| false);
        }
        for shown in self.overlay.shown.values() {
            let mut above = &shown.now;
            for below in shown.before.iter().rev() {
                let still = identities(&above.files);
                add(&below.files, below.layer, above.from, Removal::Replaced, &|facts| {
                    still.contains(&identity(facts))
                });
                above = below;
            }
        }
        if weight > limits.facts_bytes {
            let limit = limits.exceeded(LimitKey::FactsBytes, "bytes");
            let message = format!("what was removed takes {limit}; not all is listed");
            diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
        }
        // What another layer brought back is not gone.
        let told = Told::of(packages.iter().chain(removed.iter().map(|gone| &gone.package)));
        removed.retain(|gone| !told.repeats(&gone.package));
        let present: HashSet<(&str, &str)> =
            packages.iter().map(|package| (package.purl.as_str(), package.location.as_str())).collect();
        removed.retain(|gone| !present.contains(&(gone.package.purl.as_str(), gone.package.location.as_str())));
        removed.sort_by(|a, b| {
            (sort_key(&a.package), a.package.layer, a.removed_in).cmp(&(
                sort_key(&b.package),
                b.package.layer,
                b.removed_in,
            ))
        });
        removed
    }
}

/// What makes two records of a database the same package.
type Identity<'a> = (PackageKind, &'a str, &'a str, Option<&'a str>);

fn identity(facts: &PackageFacts) -> Identity<'_> {
    (facts.kind, &facts.name, &facts.version, facts.arch.as_deref())
}

fn identities<'a>(files: &[&'a FileFacts]) -> HashSet<Identity<'a>> {
    files.iter().flat_map(|file| &file.extract.packages).map(identity).collect()
}

/// For each package of `file` the lowest layer from which on the file has held this very version without
/// a break: a package database is rewritten by every layer that installs something, which does not make
/// all of it new.
fn first_layers(shown: &Shown<'_>, file: &FileFacts) -> Vec<LayerIndex> {
    let packages = &file.extract.packages;
    let mut layers = vec![shown.now.from; packages.len()];
    let mut held: Vec<usize> = (0..packages.len()).collect();
    for below in shown.before.iter().rev() {
        let same: Vec<&FileFacts> =
            below.files.iter().copied().filter(|other| other.analyzer == file.analyzer).collect();
        let known = identities(&same);
        held.retain(|index| known.contains(&identity(&packages[*index])));
        for index in &held {
            layers[*index] = below.from;
        }
    }
    layers
}

/// Drops what a lock file declares where the very package is installed beside it, after handing over
/// what only the lock file knows.
///
/// npm's lock files say where; for those of yarn, pnpm, bun and Python any place below the lock file is beside it, for
/// npm packages in `node_modules`. What was installed elsewhere, as `pip` does outside of virtual environments, may be
/// another's, and both are listed.
fn link_declared(packages: &mut Vec<Package>) {
    if packages.iter().all(|package| package.facts.evidence == Evidence::Installed) {
        return;
    }
    // By kind, name and version the places, in order.
    let mut installed: HashMap<_, Vec<(&str, usize)>> = HashMap::new();
    for (index, package) in packages.iter().enumerate() {
        let Package { facts, location, .. } = package;
        if facts.evidence == Evidence::Installed && matches!(facts.kind, PackageKind::Npm | PackageKind::Pypi) {
            let key = (facts.kind, comparable(facts), facts.version.as_str());
            installed.entry(key).or_default().push((location, index));
        }
    }
    installed.values_mut().for_each(|places| places.sort_unstable());
    let mut learned: Vec<(usize, PackageFacts)> = Vec::new();
    let mut keep = vec![true; packages.len()];
    for (index, package) in packages.iter().enumerate() {
        let Package { facts, location, .. } = package;
        if facts.evidence != Evidence::Declared {
            continue;
        }
        let Some(places) = installed.get(&(facts.kind, comparable(facts), facts.version.as_str())) else { continue };
        let directory = location.rsplit_once('/').map(|(directory, _)| format!("{directory}/")).unwrap_or_default();
        let lock_path = facts.extra.iter().find(|(key, _)| key == "lock_path");
        let exactly = lock_path.map(|(_, lock_path)| format!("{directory}{lock_path}/package.json"));
        let prefix = exactly.as_ref().unwrap_or(&directory);
        let below = &places[places.partition_point(|(place, _)| *place < prefix.as_str())..];
        let beside =
            below.iter().take_while(|(place, _)| place.starts_with(prefix.as_str())).filter(|(place, _)| {
                match (&exactly, facts.kind) {
                    (Some(exactly), _) => place == exactly,
                    (None, PackageKind::Npm) => place[prefix.len()..].contains("node_modules/"),
                    _ => true,
                }
            });
        for (_, found) in beside {
            learned.push((*found, facts.clone()));
            keep[index] = false;
        }
    }
    drop(installed);
    let mut told: HashMap<usize, bool> = HashMap::new();
    for (index, facts) in learned {
        let package = &mut packages[index];
        // For development only is what every lock file says is.
        let dev = told.entry(index).or_insert(true);
        *dev &= facts.dev;
        package.facts.dev = *dev;
        package.facts.direct = package.facts.direct.max(facts.direct);
        for (key, value) in facts.extra.into_iter().filter(|(key, _)| key != "lock_path") {
            if !package.facts.extra.iter().any(|(known, _)| *known == key) {
                package.facts.extra.push((key, value));
            }
        }
        package.facts.extra.sort();
    }
    let mut keep = keep.into_iter();
    packages.retain(|_| keep.next().unwrap_or(true));
}

/// Leaves out distributions of Python that the name of a directory tells of, where metadata lies in it.
fn leave_out_guessed(packages: &mut Vec<Package>) {
    let directory = |package: &Package| package.location.rsplit_once('/').map(|(directory, _)| directory.to_owned());
    let known =
        packages.iter().filter(|package| package.facts.kind == PackageKind::Pypi && !is_guessed(&package.facts));
    let known: HashSet<Option<String>> = known.map(directory).collect();
    packages.retain(|package| !is_guessed(&package.facts) || !known.contains(&directory(package)));
}

fn is_guessed(facts: &PackageFacts) -> bool {
    (facts.kind, facts.evidence) == (PackageKind::Pypi, Evidence::Inferred)
}

/// Makes one package of what several files of a layer tell of one: a program, its libraries and their other names. The
/// first file stands for it, and `also_at` names the others.
fn join_inferred(packages: &mut Vec<Package>) {
    const NAMED: usize = 16;
    let mut joined: Vec<Package> = Vec::with_capacity(packages.len());
    let mut others: HashMap<usize, Vec<String>> = HashMap::new();
    let mut first: HashMap<(Purl, Option<LayerIndex>, Option<PackageId>), usize> = HashMap::new();
    for package in packages.drain(..) {
        if (package.facts.kind, package.facts.evidence) == (PackageKind::Generic, Evidence::Inferred) {
            let key = (package.purl.clone(), package.layer, package.owned_by.clone());
            if let Some(known) = first.get(&key) {
                others.entry(*known).or_default().push(package.location);
                continue;
            }
            first.insert(key, joined.len());
        }
        joined.push(package);
    }
    for (index, mut places) in others {
        if let Some(more) = places.len().checked_sub(NAMED).filter(|more| *more > 0) {
            places.truncate(NAMED);
            places.push(format!("{more} more"));
        }
        let extra = &mut joined[index].facts.extra;
        extra.push(("also_at".to_owned(), places.join(", ")));
        extra.sort();
    }
    *packages = joined;
}

/// The name by which an installed and a declared package are the same: of Python distributions in lower case, with one
/// dash for each run of `-`, `_` and `.` (PEP 503).
fn comparable(facts: &PackageFacts) -> Cow<'_, str> {
    if facts.kind != PackageKind::Pypi {
        return Cow::Borrowed(&facts.name);
    }
    let mut name = String::with_capacity(facts.name.len());
    for character in facts.name.chars() {
        match character {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            other => name.extend(other.to_lowercase()),
        }
    }
    Cow::Owned(name)
}
