//! Files that are opened and programs that are run, joined to the packages of their image.
//!
//! An inventory is of an image by the digest that engines know it by. What package a file is of follows from the lists of package
//! managers (`scan image --package-files`), and, for packages that are one file or one directory, from where they lie.

use hashbrown::HashMap;
use jiff::Timestamp;
use sekisho_detect::Alert;
use sekisho_model::{
    Evidence, InUseImage, InUsePackage, Inventory, Package, PackageId, PackageKind, RunningContainer, UseState,
};
use sekisho_trace::SyscallFacts;
use sekisho_trace::event::EventCode as E;
use sekisho_trace::state::{FdKind, Thread};
use serde_json::Value;
use std::collections::BTreeSet;

/// How many containers, and how many paths of foreign programs of one image, are kept.
const MOST: usize = 1024;

/// Images, by what engines know them by.
#[derive(Debug, Default)]
pub struct Images {
    all: Vec<Image>,
    /// Digests of manifests (`sha256:…`) and the digits of those of configurations.
    places: HashMap<String, usize>,
    without_inventory: BTreeSet<String>,
}

/// One image.
#[derive(Debug)]
struct Image {
    name: String,
    digest: String,
    packages: Vec<Package>,
    /// Which packages a file is of, from the root without a leading slash.
    files: HashMap<String, Vec<usize>>,
    /// Directories in which everything is of one package.
    directories: HashMap<String, usize>,
    /// Whether the files of a package are known; when it was first used, by which.
    told: Vec<bool>,
    used: Vec<Option<(Timestamp, String)>>,
    containers: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

impl Image {
    fn new(inventory: Inventory, digest: String) -> Self {
        let Inventory { source, packages, files: lists, .. } = inventory;
        let by_id: HashMap<&PackageId, usize> =
            packages.iter().enumerate().map(|(at, package)| (&package.id, at)).collect();
        let mut told = vec![false; packages.len()];
        let mut files: HashMap<String, Vec<usize>> = HashMap::new();
        let mut directories = HashMap::new();
        for list in lists {
            let Some(at) = by_id.get(&list.package) else { continue };
            told[*at] = true;
            for path in list.paths {
                files.entry(path).or_default().push(*at);
            }
        }
        for (at, package) in packages.iter().enumerate() {
            let Package { location, facts, .. } = package;
            match (facts.kind, facts.evidence) {
                (_, Evidence::Declared) => {}
                (PackageKind::Npm, _) => {
                    if let Some(directory) = location.strip_suffix("/package.json") {
                        told[at] = true;
                        directories.insert(directory.to_owned(), at);
                    }
                }
                // Programs and archives that say what they are made of.
                (PackageKind::Golang | PackageKind::Cargo | PackageKind::Maven | PackageKind::Generic, _) => {
                    told[at] = true;
                    files.entry(location.clone()).or_default().push(at);
                }
                _ => {}
            }
        }
        drop(by_id);
        let used = vec![None; packages.len()];
        let (containers, foreign) = (BTreeSet::new(), BTreeSet::new());
        Self { name: source.name, digest, packages, files, directories, told, used, containers, foreign }
    }

    /// The packages that a file is of, those that list it first.
    fn of(&self, path: &str) -> Vec<usize> {
        let mut found = self.files.get(path).cloned().unwrap_or_default();
        let above = path.match_indices('/').rev().find_map(|(at, _)| self.directories.get(path.get(..at)?));
        found.extend(above);
        found
    }

    fn use_file(&mut self, path: &str, time: u64) {
        for at in self.of(path) {
            self.used[at].get_or_insert_with(|| {
                (Timestamp::from_nanosecond(time.into()).unwrap_or(Timestamp::UNIX_EPOCH), path.to_owned())
            });
        }
    }
}

impl Images {
    /// Adds what is in an image; whether it says which image that is.
    pub fn add(&mut self, inventory: Inventory) -> bool {
        let Some(image) = &inventory.image else { return false };
        let manifest = image.manifest_digest.map(|digest| digest.to_string());
        let config = image.config_digest.to_string();
        let digits = |digest: &str| digest.rsplit(':').next().unwrap_or_default().to_owned();
        let at = self.all.len();
        // Engines with one store for images of Docker and OCI call an image by its manifest.
        let ids = manifest.iter().map(|digest| digits(digest)).chain([digits(&config)]).chain(manifest.clone());
        for id in ids {
            self.places.insert(id, at);
        }
        self.all.push(Image::new(inventory, manifest.unwrap_or(config)));
        true
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Packages of which it is known which files are theirs, and packages.
    pub fn told(&self) -> (usize, usize) {
        let told = self.all.iter().flat_map(|image| &image.told);
        (told.clone().filter(|told| **told).count(), told.count())
    }

    fn of(&self, container: &RunningContainer) -> Option<usize> {
        let RunningContainer { image_id, image_digest, .. } = container;
        [image_id, image_digest].into_iter().flatten().find_map(|id| self.places.get(id).copied())
    }

    /// Takes note of what an event uses.
    pub(crate) fn see(&mut self, facts: &SyscallFacts<'_>) {
        let event = facts.event();
        let is_program = matches!(event.code, E::EXECVE_19_X | E::EXECVEAT_X);
        let opens =
            matches!(event.code, E::OPEN_X | E::OPENAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X);
        if !is_program && !opens || event.param(0).and_then(|param| param.int()).is_some_and(|result| result < 0) {
            return;
        }
        let Some(thread) = facts.thread().filter(|thread| thread.is_known() && !thread.came_from_outside()) else {
            return;
        };
        let Some(id) = thread.container() else { return };
        let Some(at) = facts.state().container(id).and_then(|container| self.of(container)) else {
            if self.without_inventory.len() < MOST {
                self.without_inventory.insert(id.to_owned());
            }
            return;
        };
        self.without_inventory.remove(id);
        let image = &mut self.all[at];
        if image.containers.len() < MOST {
            image.containers.insert(id.to_owned());
        }
        if is_program {
            let Some(path) = program(thread) else { return };
            image.use_file(&path, event.time);
            if came_with_image(thread) == Some(false) && image.foreign.len() < MOST {
                image.foreign.insert(path);
            }
        } else if let Some(fd) = facts.fd().filter(|fd| fd.kind == FdKind::File) {
            image.use_file(&relative(&fd.name), event.time);
        }
    }

    /// Says in an alert which package its program is of, and whether it came with the image.
    pub(crate) fn label(&self, alert: &mut Alert, thread: &Thread, container: &RunningContainer) {
        let Some(image) = self.of(container).map(|at| &self.all[at]) else { return };
        if let Some(path) = program(thread) {
            let package = image.of(&path).first().map(|at| image.packages[*at].purl.to_string());
            alert.fields.insert("image.package".to_owned(), package.map_or(Value::Null, Value::from));
        }
        if let Some(came) = came_with_image(thread) {
            alert.fields.insert("image.has_program".to_owned(), came.into());
        }
    }

    /// What was in use so far: of images with containers, and the containers of which no inventory is known.
    pub(crate) fn in_use(&self) -> (Vec<InUseImage>, BTreeSet<String>) {
        let images = self.all.iter().filter(|image| !image.containers.is_empty()).map(|image| InUseImage {
            name: image.name.clone(),
            digest: image.digest.clone(),
            containers: image.containers.clone(),
            packages: (0..image.packages.len()).map(|at| image.package(at)).collect(),
            foreign: image.foreign.clone(),
        });
        (images.collect(), self.without_inventory.clone())
    }
}

impl Image {
    fn package(&self, at: usize) -> InUsePackage {
        let Package { id, purl, .. } = &self.packages[at];
        let (state, since, file) = match &self.used[at] {
            Some((since, file)) => (UseState::InUse, Some(*since), Some(file.clone())),
            None if self.told[at] => (UseState::NotSeen, None, None),
            None => (UseState::Unknown, None, None),
        };
        InUsePackage { id: id.clone(), purl: purl.clone(), state, since, file }
    }
}

/// The path of a program, from the root of its container.
fn program(thread: &Thread) -> Option<String> {
    thread.program.exepath.as_deref().filter(|path| path.first() == Some(&b'/')).map(relative)
}

fn relative(path: &[u8]) -> String {
    String::from_utf8_lossy(path.strip_prefix(b"/").unwrap_or(path)).into_owned()
}

/// Whether a program came with its image; not known where that is no overlay.
fn came_with_image(thread: &Thread) -> Option<bool> {
    match (thread.program.upper, thread.program.lower, thread.program.memfd) {
        (Some(true), ..) | (.., Some(true)) => Some(false),
        (_, Some(true), _) => Some(true),
        _ => None,
    }
}
