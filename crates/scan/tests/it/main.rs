//! Images that are built here, scanned whole.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod facts;
mod files;
mod hostile;
mod layers;
mod programs;
mod registry;
mod sources;
mod stores;
mod trees;

use sekisho_base::Limits;
use sekisho_base::clock::FixedClock;
use sekisho_model::{Code, Inventory};
use sekisho_oci::{Choice, Stores};
use sekisho_scan::{KnownBases, NoProgress, Options, ScanError};
use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder};
use std::path::Path;

static CLOCK: FixedClock = FixedClock(jiff::Timestamp::UNIX_EPOCH);

/// Options that remember nothing.
fn options() -> Options<'static> {
    Options {
        limits: Limits::default(),
        choice: Choice::default(),
        jobs: 2,
        all_layers: true,
        package_files: false,
        cross_file_systems: false,
        bases: KnownBases::default(),
        cache: None,
        rehash: false,
        registries: None,
        stores: Stores::default(),
        temporary: std::env::temp_dir(),
        clock: &CLOCK,
        progress: &NoProgress,
    }
}

fn scan(path: &Path) -> Inventory {
    sekisho_scan::scan_image(path, &options()).unwrap()
}

fn refused(path: &Path, choice: Choice) -> ScanError {
    sekisho_scan::scan_image(path, &Options { choice, ..options() }).unwrap_err()
}

/// Scans one plain layer as the only one of an image.
fn scan_layer(plain: &[u8], limits: Limits) -> Inventory {
    scan_image_of(&ImageBuilder::new("test:1").layer("COPY", plain, Compress::None), limits)
}

fn scan_image_of(image: &ImageBuilder, limits: Limits) -> Inventory {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    ImageBuilder::write_tar(&image.oci_layout(), &path);
    sekisho_scan::scan_image(&path, &Options { limits, ..options() }).unwrap()
}

/// `name version @layer` of every package shown.
fn packages(inventory: &Inventory) -> Vec<String> {
    let describe = |package: &sekisho_model::Package| {
        let layer = package.layer.map_or_else(String::new, |layer| format!(" @{layer}"));
        format!("{} {}{layer}", package.facts.name, package.facts.version)
    };
    inventory.packages.iter().map(describe).collect()
}

/// `name version @layer -removed_in by removal` of every package that is gone.
fn removed(inventory: &Inventory) -> Vec<String> {
    let describe = |gone: &sekisho_model::Removed| {
        let facts = &gone.package.facts;
        let layer = gone.package.layer.unwrap_or_default();
        format!("{} {} @{layer} -{} {:?}", facts.name, facts.version, gone.removed_in, gone.removal)
    };
    inventory.removed.iter().map(describe).collect()
}

fn codes(inventory: &Inventory) -> Vec<Code> {
    let limits = inventory.diagnostics.iter().filter(|told| told.code == Code::LimitExceeded);
    for told in limits {
        assert!(told.message.contains("limits."), "which setting to raise is not said: {told}");
    }
    inventory.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// An npm package's metadata, the smallest file that makes a package.
fn npm(name: &str, version: &str) -> String {
    format!("{{\"name\":\"{name}\",\"version\":\"{version}\"}}")
}

/// A dpkg status database of these packages.
fn dpkg(packages: &[(&str, &str)]) -> String {
    let stanza = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    packages.iter().map(stanza).collect()
}

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=12\n";

/// A base of two Debian packages.
fn base_layer() -> LayerBuilder {
    LayerBuilder::new()
        .directory("etc")
        .file("etc/os-release", OS_RELEASE)
        .directory("var")
        .directory("var/lib")
        .directory("var/lib/dpkg")
        .file("var/lib/dpkg/status", dpkg(&[("base-files", "12"), ("libc6", "2.36")]))
}
