//! What tests of this crate have in common.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use jiff::{SignedDuration, Timestamp};
use sekisho_advisory::db::{Builder, FeedSource};
use sekisho_advisory::ecosystem::Ecosystem;
use sekisho_advisory::range::Range;
use sekisho_advisory::record::{Advisory, Affected, Enrichment, Rating, Record, Says};
use sekisho_base::clock::Clock;
use sekisho_feeds::Published;
use sekisho_model::{
    INVENTORY_SCHEMA, Inventory, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind, Purl, Severity,
    Source, SourceKind, SourcePackage, Tool,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// Each look at it is a second later.
#[derive(Default)]
pub(crate) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) const PLACES: [(Ecosystem, Option<&str>); 3] =
    [(Ecosystem::Debian, Some("12")), (Ecosystem::Debian, Some("13")), (Ecosystem::Npm, None)];

/// Which place, name and version an advisory with this number is about.
pub(crate) type Said = (u8, usize, usize, u8);
/// Whether a package is the system's, its name and version.
pub(crate) type Had = (bool, usize, u8);

/// A database that says these, and how bad and likely all of it is.
pub(crate) fn database(directory: &TempDir, name: usize, said: &[Said], worth: u8) -> Arc<Published> {
    let mut builder = Builder::default();
    builder.feed(FeedSource { id: "osv".to_owned(), ..FeedSource::default() });
    let mut add = |id: String, place: usize, name: &str, fixed: String| {
        let (ecosystem, release) = PLACES[place];
        let ranges = vec![Range::before(fixed)];
        let affected = Affected { ranges, ..Affected::new(ecosystem, release.map(str::to_owned), name) };
        builder.add(Record::Advisory(Advisory { id, affected: vec![affected], ..Advisory::default() }));
    };
    for (id, place, name, fixed) in said {
        add(format!("CVE-2024-{id}"), *place, ["a", "b", "c"][*name], fixed.to_string());
    }
    // Each knows all places, so that all is judged.
    for place in 0..PLACES.len() {
        add(format!("CVE-2020-{place}"), place, "other", "1".to_owned());
    }
    for (id, ..) in said {
        let rating = Rating::word(if worth == 0 { Severity::Low } else { Severity::High });
        let says = [
            Says::Description { text: String::new(), ratings: vec![rating], cwes: Vec::new(), rejected: false },
            Says::Likelihood { probability: f64::from(worth) / 10.0, percentile: 0.5 },
        ];
        for says in says {
            builder.add(Record::Enrichment(Enrichment { id: format!("CVE-2024-{id}"), says }));
        }
    }
    let path = directory.path().join(format!("{name}.db"));
    std::fs::write(&path, builder.finish().unwrap()).unwrap();
    Arc::new(Published::open(&path).unwrap())
}

/// What has these packages, on the first or the second release.
pub(crate) fn inventory(number: usize, release: usize, packages: &[Had]) -> Inventory {
    let package = |(is_system, name, version): &Had| {
        let (name, version) = (["a", "b", "c"][*name], version.to_string());
        let (kind, location) =
            if *is_system { (PackageKind::Deb, "var/lib/dpkg/status") } else { (PackageKind::Npm, "app/package.json") };
        let source = is_system.then(|| SourcePackage { name: name.to_owned(), version: version.clone() });
        let purl: Purl = format!("pkg:{}/{name}@{version}", kind.as_str()).parse().unwrap();
        Package {
            id: PackageId::new(&purl, location),
            purl,
            facts: PackageFacts { source, ..PackageFacts::new(kind, name, version) },
            location: location.to_owned(),
            layer: None,
            origin: Origin::Unknown,
            owned_by: None,
        }
    };
    let version_id = ["12", "13"][release].to_owned();
    Inventory {
        schema: INVENTORY_SCHEMA.to_owned(),
        tool: Tool { name: "sekisho".to_owned(), version: "0".to_owned() },
        observed_at: Timestamp::UNIX_EPOCH,
        source: Source { kind: SourceKind::FileSystem, name: format!("image-{number}") },
        image: None,
        os: Some(OsRelease { id: "debian".to_owned(), version_id, ..OsRelease::default() }),
        packages: packages.iter().collect::<BTreeSet<_>>().into_iter().map(package).collect(),
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: true,
        diagnostics: Vec::new(),
    }
}
