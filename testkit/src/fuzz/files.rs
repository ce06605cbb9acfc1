//! Files that hold trees of files: packages, archives, disk images.

use super::{LIMITS, with_file};
use sekisho_base::clock::FixedClock;
use sekisho_model::{Code, Level};
use sekisho_oci::Choice;
use sekisho_scan::{KnownBases, NoProgress, Options, scan_fs};

/// Debian packages.
pub fn deb_package(bytes: &[u8]) {
    scan(bytes);
}

/// Packages of rpm.
pub fn rpm_package(bytes: &[u8]) {
    scan(bytes);
}

/// Zip archives.
pub fn zip_tree(bytes: &[u8]) {
    scan(bytes);
}

/// Disks as they are and as qcow2, with their partitions and file systems.
pub fn disk_image(bytes: &[u8]) {
    scan(bytes);
}

/// What a file is, is told by its bytes: the targets differ in what they begin with.
fn scan(bytes: &[u8]) {
    with_file(bytes, |_, file| {
        let options = Options {
            limits: LIMITS.clone(),
            choice: Choice::default(),
            jobs: 1,
            all_layers: false,
            package_files: true,
            cross_file_systems: false,
            bases: KnownBases::default(),
            cache: None,
            rehash: false,
            registries: None,
            stores: sekisho_oci::Stores::default(),
            temporary: std::env::temp_dir(),
            clock: &FixedClock(jiff::Timestamp::UNIX_EPOCH),
            progress: &NoProgress,
        };
        let Ok(inventory) = scan_fs(file.path(), &options) else { return };
        #[cfg(test)]
        super::tests::reached_by_scan(&inventory);
        let told = &inventory.diagnostics;
        assert!(told.iter().all(|told| told.code != Code::InternalFault), "something failed: {told:?}");
        assert_eq!(
            inventory.complete,
            told.iter().all(|told| told.level == Level::Note),
            "complete unless it says why not"
        );
        for package in &inventory.packages {
            let inside = |part: &str| !matches!(part, "" | "." | "..");
            assert!(package.location.split('/').all(inside), "{:?} is not normal", package.location);
        }
    });
}
