//! A scan of a thing and a scan of its SBOM say the same.

use super::world::{World, shown};
use jiff::Timestamp;
use sekisho_advisory::db::{Builder, Database, FeedSource};
use sekisho_advisory::ecosystem::Ecosystem;
use sekisho_advisory::matching::assess;
use sekisho_advisory::range::Range;
use sekisho_advisory::record::{Advisory, Affected, Record};
use sekisho_base::Limits;
use sekisho_model::{
    Evidence, INVENTORY_SCHEMA, Inventory, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind, Source,
    SourceKind, SourcePackage, Tool,
};
use sekisho_sbom::purl::purl_of;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const FORMATS: [&str; 3] = ["cyclonedx", "spdx", "json"];

#[test]
fn a_document_may_be_piped_in() {
    let world = World::new();
    let path = world.path().join("export.json");
    fs::write(&path, world.stdout("sbom image app --format spdx")).unwrap();
    let piped = |arguments: &str, path: &Path| {
        let input = fs::File::open(path).unwrap();
        let output = world.command(arguments).stdin(input).output().unwrap();
        (output.status.code(), shown(&output))
    };
    let (code, said) = piped("scan sbom - --db none --format json", &path);
    let (file_code, of_file) = piped("scan sbom export.json --db none --format json", &path);
    assert_eq!((code, said.replace("standard input", "export.json")), (file_code, of_file));
    assert!(said.contains("express"));
    let (code, said) = piped("sbom convert -", &world.path().join("notes.txt"));
    assert!(code == Some(2) && said.contains("standard input is no SBOM in JSON"), "{said}");
}

#[test]
fn a_scan_of_an_export_is_the_scan() {
    let world = World::new();
    let output = |arguments: &str| {
        let output = world.command(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for thing in [
        "image app.tar --base base.tar",
        "image base",
        "image truncated.tar",
        "image tampered",
        "image hostile.tar",
        "fs tree",
        "fs vexed",
        "fs arch",
    ] {
        for format in FORMATS {
            let (code, text) = output(&format!("sbom {thing} --format {format}"));
            fs::write(world.path().join("export"), text).unwrap();
            for options in
                ["", "--db demo", "--db none", "--vex embedded --fail-on high", "--fail-on low --ignore-unfixed"]
            {
                let of_thing = output(&format!("scan {thing} --format json {options}"));
                let of_export = output(&format!("scan sbom export --format json {options}"));
                assert_eq!(of_export, of_thing, "{thing} as {format} with {options}");
                assert!(code == Some(0) || of_thing.0 != Some(0), "{thing}: what is incomplete stays so");
            }
        }
    }
}

/// Every file that an analyzer is tested with, with all its oddities.
#[test]
fn a_scan_of_an_export_is_the_scan_of_every_fixture() {
    let world = World::new();
    let analyzers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sbom/src/analyzers");
    let folders = |of: &Path| -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.is_dir());
        found.sort();
        found
    };
    let fixtures =
        folders(&analyzers).into_iter().map(|folder| folder.join("fixtures")).filter(|folder| folder.is_dir());
    let cases: Vec<PathBuf> = fixtures.flat_map(|folder| folders(&folder)).collect();
    let mut packages = 0;
    for (case, format) in cases.iter().zip(FORMATS.iter().cycle()) {
        let name = case.strip_prefix(&analyzers).unwrap().display();
        let (target, export) = (world.path().join("case"), world.path().join("export"));
        let _ = fs::remove_dir_all(&target);
        put(case, &target);
        let output = |arguments: &str| world.command(arguments).output().unwrap().stdout;
        fs::write(&export, output(&format!("sbom fs case --format {format}"))).unwrap();
        let [of_case, of_export] = ["fs case", "sbom export"].map(|what| -> Value {
            serde_json::from_slice(&output(&format!("scan {what} --db demo --format json"))).unwrap()
        });
        assert_eq!(of_export, of_case, "{name} as {format}");
        packages += of_case["inventory"]["packages"].as_array().unwrap().len();
    }
    assert!(cases.len() > 80 && packages > 2000, "{} cases, {packages} packages", cases.len());
}

/// Copies a directory; what ends in `.zst` is inflated.
fn put(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let to = to.join(&name);
        if path.is_dir() {
            put(&path, &to);
        } else if let Some(plain) = name.to_str().and_then(|name| name.strip_suffix(".zst")) {
            fs::write(to.with_file_name(plain), zstd::decode_all(fs::File::open(path).unwrap()).unwrap()).unwrap();
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}

#[test]
fn removed_packages_come_back_as_such() {
    let world = World::new();
    let whole = world.stdout("scan image app.tar --all-layers --format json");
    assert!(whole.contains("\"removal\": \"whiteout\""));
    fs::write(world.path().join("a.cdx.json"), world.stdout("scan image app.tar --all-layers --format cyclonedx"))
        .unwrap();
    assert_eq!(world.stdout("scan sbom a.cdx.json --format json"), whole);
    fs::write(world.path().join("a.json"), &whole).unwrap();
    for format in FORMATS {
        fs::write(world.path().join("b"), world.stdout(&format!("sbom convert a.json --format {format}"))).unwrap();
        assert_eq!(world.stdout("scan sbom b --format json"), whole, "{format}");
    }
}

#[test]
fn documents_are_converted_without_loss() {
    let world = World::new();
    let first = FORMATS.map(|format| world.stdout(&format!("sbom image app.tar --format {format}")));
    for (from, text) in FORMATS.iter().zip(&first) {
        fs::write(world.path().join("from"), text).unwrap();
        for (to, expect) in FORMATS.iter().zip(&first) {
            assert_eq!(&world.stdout(&format!("sbom convert from --format {to}")), expect, "{from} to {to}");
        }
    }
}

#[test]
fn what_is_no_sbom_is_refused() {
    let world = World::new();
    let refused = |arguments: &str, what: &str| {
        let output = world.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", shown(&output));
        assert!(shown(&output).contains(what), "{arguments}: {}", shown(&output));
    };
    refused("scan sbom trivy.json", "sekisho scan report");
    refused("scan sbom notes.txt", "is no SBOM");
    refused("scan sbom absent.json", "absent.json");
    refused("sbom convert app.tar", "is no SBOM");
    fs::write(world.path().join("a.json"), world.stdout("sbom image app.tar")).unwrap();
    fs::write(world.path().join("b.json"), world.stdout("sbom fs tree")).unwrap();
    refused("sbom merge a.json b.json", "different distributions");
    refused("sbom convert a.json --output a.json", "a.json");
    refused("scan report a.json", "says nothing about vulnerabilities");
    let empty = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}"#;
    fs::write(world.path().join("empty.json"), empty).unwrap();
    let output = world.command("scan sbom empty.json --fail-on critical").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
}

#[test]
fn images_and_documents_are_compared_alike() {
    let world = World::new();
    fs::write(world.path().join("base.spdx.json"), world.stdout("sbom image base.tar --format spdx")).unwrap();
    fs::write(world.path().join("app.cdx.json"), world.stdout("sbom image app.tar")).unwrap();
    let strip = |text: String| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    let of_images = strip(world.stdout("diff base.tar app.tar"));
    assert_eq!(strip(world.stdout("diff base.spdx.json app.cdx.json")), of_images);
    assert_eq!(strip(world.stdout("diff base.tar app.cdx.json")), of_images);
    let packages = world.stdout("sbom diff base.spdx.json app.cdx.json");
    assert_eq!(strip(packages.clone()), strip(world.stdout("diff base.tar app.tar --db none")));
    assert!(packages.contains("express") && !packages.contains("CVE-"), "{packages}");
    let gated = world.command("scan image app.tar --fail-on low --fail-on-new base.spdx.json").output().unwrap();
    assert_eq!(gated.status.code(), Some(1), "{}", shown(&gated));
    let gated = world.command("scan image app.tar --fail-on low --fail-on-new app.cdx.json").output().unwrap();
    assert_eq!(gated.status.code(), Some(0), "{}", shown(&gated));
}

/// xorshift64*, so that each run makes the same inventories.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % most
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

const NAMES: [&str; 6] = ["openssl", "zlib", "@scope/a", "org.x:y", "github.com/A/b", "Foo_Bar"];
const VERSIONS: [&str; 7] =
    ["1.0", "1:1.0-1", "2.0-1.module+el8+1+2", "0:3.0-1.el9", "v1.2.3", "1.0+really", "2.0-1ubuntu1+esm5"];

/// Something that a scan could find, with all that a matcher looks at.
fn inventory(dice: &mut Dice) -> Inventory {
    let systems =
        [("debian", "12"), ("ubuntu", "22.04"), ("alpine", "3.20.1"), ("rhel", "9.4"), ("amzn", "2023"), ("", "")];
    let (id, version_id) = dice.one(&systems);
    let os =
        (!id.is_empty()).then(|| OsRelease { id: id.into(), version_id: version_id.into(), ..OsRelease::default() });
    let mut packages: Vec<Package> = Vec::new();
    for at in 0..dice.below(12) {
        let mut facts = PackageFacts::new(dice.one(PackageKind::ALL), dice.one(&NAMES), dice.one(&VERSIONS));
        facts.arch = dice.one(&[None, Some("amd64"), Some("x86_64")]).map(str::to_owned);
        if dice.below(2) == 0 {
            facts.source = Some(SourcePackage { name: dice.one(&NAMES).into(), version: dice.one(&VERSIONS).into() });
        }
        if dice.below(3) == 0 {
            facts.extra.push(("modularity".into(), dice.one(&["nodejs:18:1:2", "", "perl:5.30"]).into()));
        }
        facts.evidence = dice.one(&[Evidence::Installed, Evidence::Declared, Evidence::Inferred]);
        let Ok(purl) = purl_of(&facts, os.as_ref()) else { continue };
        let location = format!("place/{}", dice.below(3));
        let id = PackageId::new(&purl, &location);
        let owners: Vec<&PackageId> = packages.iter().map(|package| &package.id).collect();
        let owned_by = (at > 0 && dice.below(3) == 0 && !owners.is_empty())
            .then(|| owners[dice.below(owners.len() as u64) as usize].clone());
        if packages.iter().all(|package| package.id != id) {
            packages.push(Package { id, purl, facts, location, layer: None, origin: Origin::Unknown, owned_by });
        }
    }
    Inventory {
        schema: INVENTORY_SCHEMA.into(),
        tool: Tool { name: "sekisho".into(), version: "1".into() },
        observed_at: Timestamp::UNIX_EPOCH,
        source: Source { kind: SourceKind::FileSystem, name: "/".into() },
        image: None,
        os,
        packages,
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: true,
        diagnostics: Vec::new(),
    }
}

/// Advisories about these names in every ecosystem, with ends among these versions.
fn database(dice: &mut Dice) -> Vec<u8> {
    let mut builder = Builder::default();
    builder.feed(FeedSource { id: "made".into(), ..FeedSource::default() });
    let releases = [
        None,
        Some("12"),
        Some("22.04:LTS"),
        Some("Pro:22.04:LTS"),
        Some("v3.20"),
        Some("enterprise_linux:9::appstream"),
        Some("2023"),
    ];
    for number in 0..4000 {
        let ecosystem = dice.one(Ecosystem::ALL);
        let mut affected = Affected::new(ecosystem, dice.one(&releases).map(str::to_owned), dice.one(&NAMES));
        affected.ranges = vec![if dice.below(3) == 0 { Range::ALL } else { Range::before(dice.one(&VERSIONS)) }];
        let id = format!("CVE-2024-{number}");
        builder.add(Record::Advisory(Advisory { id, affected: vec![affected], ..Advisory::default() }));
    }
    builder.finish().unwrap()
}

#[test]
fn findings_of_an_export_are_those_of_the_inventory() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let made = database(&mut dice);
    let demo = sekisho_advisory::demo::database().unwrap();
    let limits = Limits::default();
    let mut found = 0;
    for _ in 0..400 {
        let inventory = inventory(&mut dice);
        let mut documents = [Vec::new(), Vec::new()];
        sekisho_sbom::cyclonedx::write(&inventory, None, &mut documents[0]).unwrap();
        sekisho_sbom::spdx::write(&inventory, None, &mut documents[1]).unwrap();
        for text in documents {
            let read = sekisho_sbom::read::read(&text, "x", Timestamp::UNIX_EPOCH, &limits);
            let read = read.unwrap().unwrap();
            assert_eq!(read, inventory);
            for database in [&made, &demo] {
                let database = Database::open(database).unwrap();
                let assessed = |inventory| assess(inventory, &database, Timestamp::UNIX_EPOCH).unwrap();
                let expected = assessed(&inventory);
                found += expected.findings.len();
                assert_eq!(assessed(&read), expected);
            }
        }
    }
    assert!(found > 1000, "{found} findings are too few to show anything");
}
