//! What policies learn of an image that was scanned.

use super::*;
use sekisho_advisory::db::Database;
use sekisho_advisory::matching::assess;
use sekisho_model::{
    Fact, IN_USE_SCHEMA, ImageConfig, InUseImage, InUsePackage, InUseReport, Likelihood, PolicyOutcome, ScanReport,
    UseState,
};
use sekisho_policy::{ImageFacts, ImageSubject, PolicySet, check_image};

const OS: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const STATUS: &str = "Package: base-files\nStatus: install ok installed\nVersion: 12\nArchitecture: all\n\n";

/// An image on Debian 12 with one package of npm, of which the demonstration set knows something.
fn sample() -> ImageBuilder {
    let jquery = r#"{"name":"jquery","version":"3.4.0","license":"MIT"}"#;
    ImageBuilder::new("shop:1")
        .label("org.opencontainers.image.base.name", "docker.io/library/debian:12")
        .layer(
            "ADD file:1 in / ",
            &LayerBuilder::new().file("etc/os-release", OS).file("var/lib/dpkg/status", STATUS).build(),
            Compress::None,
        )
        .step("CMD [\"bash\"]")
        .layer(
            "COPY . /app # buildkit",
            &LayerBuilder::new().file("app/node_modules/jquery/package.json", jquery).build(),
            Compress::None,
        )
        .set("ExposedPorts", serde_json::json!({"22/tcp": {}}))
        .set("Env", serde_json::json!(["PATH=/bin", "API_TOKEN=x"]))
        .set("Entrypoint", serde_json::json!(["/app"]))
        .set("Cmd", serde_json::json!(null))
}

fn report(image: &ImageBuilder) -> ScanReport {
    let inventory = scan_image_of(image, Limits::default());
    let bytes = sekisho_advisory::demo::database().unwrap();
    let assessment = assess(&inventory, &Database::open(&bytes).unwrap(), jiff::Timestamp::UNIX_EPOCH).unwrap();
    ScanReport::new(inventory, assessment)
}

#[test]
fn everything_that_a_scan_knows_is_there_for_policies() {
    let mut report = report(&sample());
    let facts = ImageFacts::of(&report);
    assert_eq!(facts.os, Fact::Known("debian:12".to_owned()));
    assert_eq!(facts.supported_until, Fact::Known(Some("2028-07-01T00:00:00Z".parse().unwrap())));
    assert_eq!(facts.created, Some("1979-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(facts.scanned, Some(jiff::Timestamp::UNIX_EPOCH));
    assert_eq!(facts.base, Fact::Known("docker.io/library/debian:12".to_owned()));
    let config = ImageConfig {
        exposed_ports: vec!["22/tcp".to_owned()],
        env: vec!["PATH=/bin".to_owned(), "API_TOKEN=x".to_owned()],
        entrypoint: vec!["/app".to_owned()],
        ..ImageConfig::default()
    };
    assert_eq!(facts.config, Fact::Known(config));
    let line = |instruction: &str, rest: &str| (instruction.to_owned(), rest.to_owned());
    let lines = vec![line("ADD", "file:1 in /"), line("CMD", "[\"bash\"]"), line("COPY", ". /app")];
    assert_eq!(facts.lines, Fact::Known(lines));
    assert_eq!((facts.missing.clone(), facts.components.len()), (None, 2));
    let component = &facts.components[1];
    assert_eq!((component.name.as_str(), component.version.as_str()), ("jquery", "3.4.0"));
    assert_eq!(component.licenses, sekisho_model::License::parse("MIT").unwrap().terms());
    // What the demonstration set does not know is not clean.
    assert!(matches!(&component.judged, Fact::Unknown(reason) if reason.contains("demonstration")));
    let known = component.vulnerabilities.iter().find(|it| it.id == "CVE-2020-11023").unwrap();
    assert_eq!(known.exploited, Fact::Known(true));
    assert_eq!(known.exploited_since, Some("2025-01-23T00:00:00Z".parse().unwrap()));
    assert_eq!(known.published.map(|it| it.to_string()).as_deref(), Some("2020-04-29T00:00:00Z"));
    assert!(known.cvss.is_some_and(|score| score > 6.0));
    assert!(matches!(&known.epss, Fact::Unknown(reason) if reason.contains("epss")));
    assert_eq!(
        (&facts.secrets, &facts.malware, &facts.attestations),
        (&Fact::NotAsked, &Fact::NotAsked, &Fact::NotAsked)
    );

    // The same from a database with likelihoods, which is not only for show, and from one that is too old.
    let database = report.assessment.database.as_mut().unwrap();
    database.feeds[0].id = "osv".to_owned();
    database.likelihoods = 1;
    for vulnerability in &mut report.assessment.vulnerabilities {
        vulnerability.likelihood = Some(Likelihood { probability: 0.25, percentile: 0.9 });
    }
    let facts = ImageFacts::of(&report);
    assert_eq!(facts.components[0].judged, Fact::Known(()));
    assert_eq!(facts.components[1].vulnerabilities[0].epss, Fact::Known(0.25));
    report.assessment.database.as_mut().unwrap().stale.push("osv".to_owned());
    assert!(
        matches!(&ImageFacts::of(&report).components[0].judged, Fact::Unknown(reason) if reason.contains("too old"))
    );
}

#[test]
fn what_hosts_saw_in_use_is_there_for_policies() {
    use UseState::{InUse, NotSeen, Unknown};
    let report = report(&sample());
    let image = report.inventory.image.as_ref().unwrap();
    let (manifest, config) = (image.manifest_digest.unwrap().to_string(), image.config_digest.to_string());
    let told = |lost: u64, digest: &str, states: [UseState; 2]| InUseReport {
        schema: IN_USE_SCHEMA.to_owned(),
        host: "node".to_owned(),
        from: jiff::Timestamp::UNIX_EPOCH,
        to: jiff::Timestamp::UNIX_EPOCH,
        lost,
        images: vec![InUseImage {
            name: "shop".to_owned(),
            digest: digest.to_owned(),
            containers: [].into(),
            packages: report
                .inventory
                .packages
                .iter()
                .zip(states)
                .map(|(package, state)| InUsePackage {
                    id: package.id.clone(),
                    purl: package.purl.clone(),
                    state,
                    since: None,
                    file: None,
                })
                .collect(),
            foreign: [].into(),
        }],
        without_inventory: [].into(),
    };
    let check = |reports: &[InUseReport], expect: [Option<bool>; 2]| {
        let mut facts = ImageFacts::of(&report);
        facts.used(&report.inventory, reports);
        let known = |component: &sekisho_policy::Component| match &component.in_use {
            Fact::Known(in_use) => Some(*in_use),
            Fact::Unknown(_) => None,
            Fact::NotAsked => panic!("it was asked"),
        };
        assert_eq!(facts.components.iter().map(known).collect::<Vec<_>>(), expect, "{reports:?}");
    };
    check(&[told(0, &manifest, [InUse, NotSeen])], [Some(true), Some(false)]);
    check(&[told(0, &config, [NotSeen, NotSeen]), told(0, &manifest, [NotSeen, InUse])], [Some(false), Some(true)]);
    // Nothing is said not to be used by those who may not have seen it.
    check(&[told(1, &manifest, [InUse, NotSeen])], [Some(true), None]);
    check(&[told(0, &manifest, [Unknown, NotSeen]), told(0, &manifest, [NotSeen, NotSeen])], [None, Some(false)]);
    check(&[told(0, "sha256:00", [InUse, NotSeen])], [None, None]);
    let not_asked = ImageFacts::of(&report).components.iter().all(|component| component.in_use == Fact::NotAsked);
    assert!(not_asked);
}

#[test]
fn shipped_policies_judge_a_scanned_image() {
    let mut set = PolicySet::default();
    assert!(set.add_shipped(None, &Limits::default()).is_empty());
    let facts = ImageFacts::of(&report(&sample()));
    let image = ImageSubject { title: "shop:1", reference: None, digest: None, facts: &facts };
    let checked = check_image(&set, &image, "2026-01-01T00:00:00Z".parse().unwrap());
    let said = |id: &str| {
        let policy = checked.policies.iter().position(|policy| policy.id == id).unwrap();
        let result = checked.results.iter().find(|result| result.policy == policy);
        result.map_or((PolicyOutcome::Passed, Vec::new()), |it| {
            (
                it.outcome,
                it.violations.iter().map(|it| it.message.to_string()).chain(it.reasons.iter().cloned()).collect(),
            )
        })
    };
    let violated = |message: &str| (PolicyOutcome::Violated, vec![message.to_owned()]);
    assert_eq!(said("image-runs-as-root"), violated("image shop:1: runs as root"));
    assert_eq!(said("image-exposes-ssh"), violated("image shop:1: exposes the ports 22/tcp"));
    // The value is told to nobody.
    assert_eq!(said("secret-in-image-environment"), violated("image shop:1: sets the environment variables API_TOKEN"));
    assert_eq!(said("known-exploited").0, PolicyOutcome::Violated);
    assert_eq!(said("end-of-life-os").0, PolicyOutcome::Passed);
    assert_eq!(said("malicious-package").0, PolicyOutcome::Unknown);
    let later = (PolicyOutcome::NotEvaluated, vec!["Secret Found: images are not searched for secrets yet".to_owned()]);
    assert_eq!(said("secret-in-image"), later);
}

#[test]
fn what_was_not_read_is_not_clean() {
    let broken = sample().stored_layer("COPY", b"not a tar".to_vec(), sekisho_model::Digest::of(b"x"), "");
    let facts = ImageFacts::of(&report(&broken));
    assert!(facts.missing.is_some());
    let mut report = report(&sample());
    report.inventory.image = None;
    report.inventory.os = None;
    let facts = ImageFacts::of(&report);
    assert!(matches!(facts.config, Fact::Unknown(_)) && matches!(facts.base, Fact::Unknown(_)));
    assert!(matches!(facts.lines, Fact::Unknown(_)));
    // A package of a distribution is in it, of whichever.
    assert!(matches!(facts.supported_until, Fact::Unknown(_)));
    report.inventory.packages.retain(|package| !package.facts.kind.is_os());
    let facts = ImageFacts::of(&report);
    assert_eq!(facts.supported_until, Fact::Known(None));
    report.inventory.complete = false;
    assert!(matches!(ImageFacts::of(&report).supported_until, Fact::Unknown(_)));
}

#[test]
fn the_repositories_of_packages_are_of_the_layer_that_names_them() {
    let manifest = |name: &str| format!(r#"{{"content_sets":["{name}"]}}"#);
    let base = LayerBuilder::new()
        .file("etc/os-release", "ID=rhel\nVERSION_ID=\"9.4\"\n")
        .file("root/buildinfo/content_manifests/ubi9-container-9.4-1.json", manifest("ubi-9-for-x86_64-baseos-rpms"))
        .build();
    let product = LayerBuilder::new()
        .file("root/buildinfo/content_manifests/shop-container-1-1.json", manifest("shop-1-for-rhel-9-x86_64-rpms"))
        .file("usr/share/buildinfo/content-sets.json", manifest("shop-1-for-rhel-9-x86_64-rpms"))
        .build();
    let image = ImageBuilder::new("shop:1").layer("ADD", &base, Compress::None).layer("COPY", &product, Compress::None);
    let inventory = scan_image_of(&image, Limits::default());
    let said: Vec<_> = inventory
        .content_sets
        .iter()
        .map(|sets| (sets.location.rsplit('/').next().unwrap(), sets.layer, sets.names.as_slice()))
        .collect();
    let [ubi, shop] =
        ["ubi-9-for-x86_64-baseos-rpms", "shop-1-for-rhel-9-x86_64-rpms"].map(|name| vec![name.to_owned()]);
    let expected = [
        ("shop-container-1-1.json", Some(1), shop.as_slice()),
        ("ubi9-container-9.4-1.json", Some(0), &ubi),
        ("content-sets.json", Some(1), &shop),
    ];
    assert_eq!(said, expected);
}

/// As `RHEL CoreOS` and others with ostree have it: the database is in `usr/share/rpm`, and where it is looked for are links.
#[test]
fn a_database_of_rpm_behind_links_of_ostree_is_read_once() {
    let fixture = "../sbom/src/analyzers/rpm/fixtures/made/var/lib/rpm";
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
    let layer = LayerBuilder::new()
        .file("usr/lib/os-release", "ID=rhel\nVERSION_ID=\"9.6\"\nVARIANT_ID=coreos\n")
        .fixture("usr/share/rpm", &database)
        .symlink("usr/lib/sysimage/rpm", "../../share/rpm")
        .symlink("var/lib/rpm", "../../usr/share/rpm")
        .build();
    let inventory =
        scan_image_of(&ImageBuilder::new("rhcos:1").layer("COPY", &layer, Compress::None), Limits::default());
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    assert!(inventory.packages.iter().all(|package| package.location == "usr/share/rpm/rpmdb.sqlite"));
    assert_eq!(inventory.packages.len(), 14);
}
