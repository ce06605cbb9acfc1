//! The advisory database: a file that was damaged, or made to do harm, behind checksums that hold.

use sekisho_advisory::db::{Database, Header, PackageKey};
use sekisho_advisory::demo;
use sekisho_advisory::ecosystem::Ecosystem;
use sekisho_advisory::matching::{Matcher, explain};
use sekisho_model::{Inventory, OsRelease, PackageFacts, PackageKind};
use std::sync::LazyLock;

static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| demo::database().expect("the demonstration set fits"));

static COMPARED: LazyLock<Database<'static>> = LazyLock::new(|| Database::open(&SOUND).expect("it was just written"));

/// Where the sections begin: what lies before has a checksum of its own.
static BODY: LazyLock<usize> = LazyLock::new(|| {
    let header = Header::read(&SOUND).expect("it was just written");
    header.parts().map(|part| part.start as usize).min().unwrap_or(SOUND.len())
});

/// The input is a list of changes to a sound database, four bytes that say where and two to put there; and, as it is,
/// a file of its own.
pub fn database(bytes: &[u8]) {
    if let Ok(database) = Database::open(bytes) {
        read(&database, 0);
    }
    let at = bytes.first_chunk().map_or(0, |at| u32::from_le_bytes(*at));
    let mut changed = SOUND.clone();
    let room = changed.len() - *BODY - 1;
    for change in bytes.chunks_exact(6) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], change[3]]) as usize % room + *BODY;
        changed[at..at + 2].copy_from_slice(&change[4..]);
    }
    // The checksums of sections are whoever made the file's own: as if they held.
    if let Ok(database) = Database::view(&changed) {
        read(&database, at);
        let _ = (database.changed(&COMPARED), COMPARED.changed(&database));
    }
}

/// Of what is there one by one, so many are read in one run.
const READ: u32 = 16;

/// Reads as a scan does, and some of all that is there, from `at` on.
fn read(database: &Database<'_>, at: u32) {
    let os = OsRelease { id: "debian".into(), version_id: "12".into(), ..OsRelease::default() };
    let matcher = Matcher::new(database, Some(&os));
    for (kind, name, version) in [
        (PackageKind::Deb, "openssl", "3.0.9-1"),
        (PackageKind::Deb, "xz-utils", "5.6.0-0.2"),
        (PackageKind::Npm, "lodash", "4.17.15"),
        (PackageKind::Pypi, "django", "3.2.12"),
        (PackageKind::Golang, "stdlib", "1.21.2"),
    ] {
        let _ = matcher.package(&PackageFacts::new(kind, name, version));
    }
    let _ = explain(&EMPTY, &matcher, "CVE-2024-3094");
    let from = at % database.header().counts.vulnerabilities.clamp(1, 300) as u32;
    for number in from..from + READ {
        if let Ok(vulnerability) = database.vulnerability(number) {
            let _ = database.text_of_vulnerability(&vulnerability);
        }
        if let Ok(advisory) = database.advisory(number) {
            let _ = database.text_of_advisory(&advisory);
        }
    }
    let _ = database.vulnerabilities_named("cve-2021-44228");
    let key = PackageKey { ecosystem: Ecosystem::Maven, release: None, name: "org.apache.logging.log4j:log4j-core" };
    let _ = database.package(&key);
}

static EMPTY: LazyLock<Inventory> = LazyLock::new(|| Inventory {
    schema: sekisho_model::INVENTORY_SCHEMA.into(),
    tool: sekisho_model::Tool { name: "sekisho".into(), version: "0".into() },
    observed_at: jiff::Timestamp::UNIX_EPOCH,
    source: sekisho_model::Source { kind: sekisho_model::SourceKind::FileSystem, name: "tree".into() },
    image: None,
    os: None,
    packages: Vec::new(),
    removed: Vec::new(),
    files: Vec::new(),
    documents: Vec::new(),
    content_sets: Vec::new(),
    complete: true,
    diagnostics: Vec::new(),
});
