//! One scan report with everything that formats must get right, and what becomes of it when it was not, or not wholly,
//! scanned.

use jiff::Timestamp;
use sekisho_model::{
    AssessedBy, AssessedFeed, Assessment, BaseImage, BaseMethod, Code, Diagnostic, Digest, Exploited, Finding,
    FindingId, FindingSource, FindingStatus, Gate, GateResult, INVENTORY_SCHEMA, Image, Inventory, Judgement, Layer,
    Likelihood, Origin, OsRelease, Package, PackageFacts, PackageId, PackageKind, Purl, ScanReport, ScanState,
    Severity, Source, SourceKind, SourcePackage, Suppression, SuppressionKind, Tool, Upgrade, Verdict, Vulnerability,
};
use sekisho_sbom::purl::purl_of;

const IMAGE: &str = "registry.example/shop/web:1.4.2";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn os() -> OsRelease {
    OsRelease {
        id: "debian".into(),
        version_id: "12".into(),
        pretty_name: Some("Debian GNU/Linux 12 (bookworm)".into()),
        ..OsRelease::default()
    }
}

fn package(facts: PackageFacts, location: &str, layer: u32) -> Package {
    let purl = purl_of(&facts, Some(&os())).unwrap();
    let origin = if layer == 0 { Origin::Base } else { Origin::Application };
    let id = PackageId::new(&purl, location);
    Package { id, purl, facts, location: location.into(), layer: Some(layer), origin, owned_by: None }
}

fn deb(name: &str, version: &str, source: &str) -> Package {
    let facts = PackageFacts {
        arch: Some("amd64".into()),
        source: Some(SourcePackage { name: source.into(), version: version.into() }),
        ..PackageFacts::new(PackageKind::Deb, name, version)
    };
    package(facts, "var/lib/dpkg/status", 0)
}

fn packages() -> Vec<Package> {
    let maven: Purl = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1".parse().unwrap();
    let location = "srv/app/lib/log4j-core-2.14.1.jar";
    let log4j = Package {
        id: PackageId::new(&maven, location),
        purl: maven,
        facts: PackageFacts::new(PackageKind::Generic, "org.apache.logging.log4j:log4j-core", "2.14.1"),
        location: location.into(),
        layer: Some(2),
        origin: Origin::Application,
        owned_by: None,
    };
    // Names that strangers would like to see run, linked, folded, mentioned or reordered.
    let hostile =
        PackageFacts::new(PackageKind::Npm, "=cmd|' /C calc'!A0<script>alert(1)</script>@admin", "1.0\u{202e}0.1");
    vec![
        deb("libssl3", "3.0.15-1~deb12u1", "openssl"),
        deb("openssl", "3.0.15-1~deb12u1", "openssl"),
        deb("zlib1g", "1:1.2.13.dfsg-1", "zlib"),
        deb("login", "1:4.13+dfsg1-1+b1", "shadow"),
        package(
            PackageFacts::new(PackageKind::Pypi, "jinja2", "3.1.2"),
            "usr/lib/python3/dist-packages/Jinja2-3.1.2.dist-info/METADATA",
            1,
        ),
        package(hostile, "srv/app/node_modules/a b/../`|`\n# x/package.json", 2),
        log4j,
        package(PackageFacts::new(PackageKind::Golang, "golang.org/x/net", "v0.17.0"), "usr/local/bin/tool", 2),
    ]
}

fn judge(by: &str, severity: Severity, score: Option<f32>, vector: Option<&str>) -> Judgement {
    Judgement { by: by.into(), severity, score, vector: vector.map(str::to_owned) }
}

fn vulnerabilities() -> Vec<Vulnerability> {
    let known =
        |id: &str, title: &str| Vulnerability { id: id.into(), title: title.into(), ..Vulnerability::default() };
    vec![
        Vulnerability {
            aliases: vec!["GHSA-jfh8-c2jp-5v3q".into()],
            title_ja: Some("Apache Log4j における任意のコードが実行可能な脆弱性".into()),
            description: "Log4j's JNDI features do not protect against attacker-controlled LDAP endpoints.\n\nAn attacker who can control log messages can execute arbitrary code.".into(),
            judgements: vec![
                judge("ghsa", Severity::Critical, Some(10.0), Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H")),
                judge("nvd", Severity::High, Some(9.3), Some("AV:N/AC:M/Au:N/C:C/I:C/A:C")),
            ],
            cwes: vec!["CWE-20".into(), "CWE-502".into()],
            published: Some(time("2021-12-10T00:40:56Z")),
            exploited: Some(Exploited { added: "2021-12-10".into(), due: Some("2021-12-24".into()), ransomware: true }),
            likelihood: Some(Likelihood { probability: 0.94358, percentile: 0.99957 }),
            references: vec![
                "https://logging.apache.org/log4j/2.x/security.html".into(),
                "https://www.example/log4j(1)".into(),
            ],
            ..known("CVE-2021-44228", "Remote code injection in Log4j")
        },
        Vulnerability {
            description: "A type confusion vulnerability.".into(),
            judgements: vec![
                judge("debian", Severity::High, None, None),
                judge("nvd", Severity::High, Some(8.1), Some("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H")),
                judge("cna", Severity::Critical, Some(9.2), Some("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")),
            ],
            likelihood: Some(Likelihood { probability: 0.0123, percentile: 0.785 }),
            published: Some(time("2025-02-11T16:15:38Z")),
            ..known("CVE-2024-12797", "openssl: RFC7250 handshakes with unauthenticated servers do not abort as expected")
        },
        Vulnerability {
            judgements: vec![judge("nvd", Severity::Critical, Some(9.8), Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"))],
            ..known("CVE-2023-45853", "zlib: integer overflow and resultant heap-based buffer overflow in zipOpenNewFileInZip4_6")
        },
        Vulnerability {
            judgements: vec![judge("debian", Severity::Negligible, None, None)],
            ..known("CVE-2007-5686", "initscripts in rPath Linux 1 sets insecure permissions for the /var/log/btmp file")
        },
        Vulnerability {
            judgements: vec![judge("ghsa", Severity::Medium, Some(5.4), Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"))],
            cwes: vec!["CWE-79".into()],
            ..known("CVE-2024-22195", "Jinja vulnerable to HTML attribute injection when passing user input as keys to xmlattr filter")
        },
        Vulnerability {
            judgements: vec![judge("ghsa", Severity::Low, Some(3.7), None)],
            ..known("GHSA-4374-p667-p6c8", "HTTP/2 rapid reset can cause excessive work in net/http")
        },
        Vulnerability {
            description: "<img src=x onerror=alert(1)>\n](javascript:alert(2)) `x` | y\n\n</script><!-- ]]> {{7*7}} @everyone #1".into(),
            references: vec![
                "javascript:alert(1)".into(),
                "https://evil.example/\"onmouseover=\"alert(1)".into(),
                "https://evil.example/ok?a=1&b='2'".into(),
            ],
            ..known("X<b>-1|2", "\u{202e}[click](https://evil.example) \"><script>alert(1)</script>\u{1b}[2J\u{0} =1+1")
        },
    ]
}

struct Made<'a>(&'a Inventory);

impl Made<'_> {
    fn finding(
        &self,
        package: &str,
        vulnerability: &str,
        severity: Severity,
        status: FindingStatus,
        fixed: &[&str],
    ) -> Finding {
        let package = self.0.packages.iter().find(|known| known.facts.name.contains(package)).unwrap();
        let feed = if package.facts.kind == PackageKind::Deb { "debian" } else { "ghsa" };
        Finding {
            id: FindingId::new(&self.0.identity(), &package.id, vulnerability),
            vulnerability: vulnerability.into(),
            package: package.id.clone(),
            severity,
            status,
            fixed_in: fixed.iter().map(|version| (*version).to_owned()).collect(),
            sources: vec![FindingSource {
                feed: feed.into(),
                advisory: vulnerability.into(),
                status,
                fixed_in: fixed.first().map(|version| (*version).to_owned()),
            }],
            suppressed: None,
        }
    }
}

/// Without a gate, and with all that was to be had.
pub(crate) fn scanned() -> ScanReport {
    use FindingStatus::{Affected, Fixed, UnderInvestigation, WillNotFix};
    use Severity::{Critical, High, Low, Medium, Negligible, Unknown};
    let layer = |index: u32, created_by: &str| Layer {
        index,
        digest: Some(Digest::of(created_by.as_bytes())),
        diff_id: Some(Digest::of(&index.to_le_bytes())),
        stored_bytes: 1000,
        plain_bytes: 2000,
        entries: 10,
        created_by: Some(created_by.into()),
        origin: if index == 0 { Origin::Base } else { Origin::Application },
    };
    let inventory = Inventory {
        schema: INVENTORY_SCHEMA.into(),
        tool: Tool { name: "sekisho".into(), version: "1.2.3".into() },
        observed_at: time("2026-11-20T01:02:03.5Z"),
        source: Source { kind: SourceKind::DockerArchive, name: "web.tar".into() },
        image: Some(Image {
            names: vec![IMAGE.into()],
            manifest_digest: None,
            config_digest: Digest::of(b"config"),
            platform: "linux/amd64".parse().unwrap(),
            created: Some("2026-11-19T10:00:00Z".into()),
            labels: Vec::new(),
            config: None,
            layers: vec![
                layer(0, "ADD rootfs.tar /"),
                layer(1, "RUN apt-get install python3-jinja2"),
                layer(2, "COPY app /srv/app"),
            ],
            history: Vec::new(),
            base: Some(BaseImage {
                name: Some("debian:12".into()),
                digest: None,
                layers: 1,
                method: BaseMethod::DiffIds,
            }),
        }),
        os: Some(os()),
        packages: packages(),
        removed: Vec::new(),
        files: Vec::new(),
        documents: Vec::new(),
        content_sets: Vec::new(),
        complete: true,
        diagnostics: vec![
            Diagnostic::note(Code::RecordMalformed, "1 record without a name was passed over")
                .at("var/lib/dpkg/status"),
        ],
    };
    let made = Made(&inventory);
    let mut zlib = made.finding("zlib1g", "CVE-2023-45853", Critical, WillNotFix, &[]);
    zlib.suppressed = Some(Suppression {
        kind: SuppressionKind::Vex,
        source: "debian.vex.json".into(),
        status: Some("not_affected".into()),
        reason: "vulnerable_code_not_present: minizip is not built".into(),
        owner: None,
        until: None,
    });
    let mut jinja = made.finding("jinja2", "CVE-2024-22195", Medium, Fixed, &["3.1.3"]);
    jinja.suppressed = Some(Suppression {
        kind: SuppressionKind::Exception,
        source: "exceptions.toml".into(),
        status: None,
        reason: "templates are our own | <b>no</b> input".into(),
        owner: Some("web@shop.example".into()),
        until: Some("2026-12-31".parse().unwrap()),
    });
    let findings = vec![
        made.finding("log4j", "CVE-2021-44228", Critical, Fixed, &["2.15.0", "2.12.2"]),
        zlib,
        made.finding("libssl3", "CVE-2024-12797", High, Fixed, &["3.0.16-1~deb12u1"]),
        made.finding("openssl", "CVE-2024-12797", High, Fixed, &["3.0.16-1~deb12u1"]),
        jinja,
        made.finding("golang.org/x/net", "GHSA-4374-p667-p6c8", Low, Affected, &[]),
        made.finding("login", "CVE-2007-5686", Negligible, Affected, &[]),
        made.finding("=cmd", "X<b>-1|2", Unknown, UnderInvestigation, &[]),
    ];
    let feed = |id: &str| AssessedFeed {
        id: id.into(),
        source: format!("{id}.zip"),
        observed_at: None,
        newest: None,
        advisories: 0,
        concerned: true,
        skipped: 0,
    };
    let assessment = Assessment {
        state: ScanState::Scanned,
        assessed_at: time("2026-11-20T01:02:04Z"),
        database: Some(AssessedBy {
            exploited: 1,
            likelihoods: 1,
            digest: Digest::of(b"database").to_string(),
            feeds: vec![feed("debian"), feed("epss"), feed("ghsa"), feed("kev"), feed("nvd")],
            stale: Vec::new(),
        }),
        findings,
        vulnerabilities: vulnerabilities(),
        diagnostics: Vec::new(),
    };
    let mut report = ScanReport::new(inventory, assessment);
    assert!(report.is_whole());
    let upgrade = |kind, name: &str, to: &str, found: &[usize]| {
        let found = || found.iter().map(|index| &report.assessment.findings[*index]);
        Upgrade {
            kind,
            name: name.into(),
            to: to.into(),
            packages: found().map(|finding| finding.package.clone()).collect(),
            removes: found().take(1).map(|finding| finding.vulnerability.clone()).collect(),
        }
    };
    report.upgrades = vec![
        upgrade(PackageKind::Maven, "org.apache.logging.log4j:log4j-core", "2.15.0", &[0]),
        upgrade(PackageKind::Deb, "openssl", "3.0.16-1~deb12u1", &[2, 3]),
    ];
    report
}

/// What the gate refuses: what is high or worse.
pub(crate) fn refused() -> ScanReport {
    let mut report = scanned();
    let counts = |finding: &&Finding| finding.suppressed.is_none() && finding.severity >= Severity::High;
    let refused = report.assessment.findings.iter().filter(counts).map(|finding| finding.id.clone()).collect();
    report.gate = Some(GateResult {
        gate: Gate { fail_on: Some(Severity::High), ..Gate::default() },
        verdict: Verdict::Refused,
        refused,
        unknown: vec!["1 finding: nobody has judged how bad the vulnerability is".into()],
    });
    report
}

/// A directory of which something could not be read, and something could not be judged.
pub(crate) fn incomplete() -> ScanReport {
    let mut report = scanned();
    let inventory = &mut report.inventory;
    inventory.source = Source { kind: SourceKind::FileSystem, name: "srv/<root>".into() };
    inventory.image = None;
    inventory.complete = false;
    for package in &mut inventory.packages {
        (package.layer, package.origin) = (None, Origin::Unknown);
    }
    inventory.diagnostics.push(
        Diagnostic::incomplete(Code::FileMalformed, "is cut short \u{1b}[31m<b>|").at("var/lib/rpm/rpmdb.sqlite"),
    );
    report.assessment.state = ScanState::Incomplete;
    report
        .assessment
        .diagnostics
        .push(Diagnostic::incomplete(Code::VulnerabilitiesUnknown, "2 packages: the database has nothing about Maven"));
    if let Some(database) = &mut report.assessment.database {
        database.stale = vec!["debian".into()];
    }
    report.assessment.findings.truncate(4);
    report
}

/// One for which there was no database.
pub(crate) fn not_scanned() -> ScanReport {
    let report = scanned();
    let why = Diagnostic::incomplete(Code::DatabaseAbsent, "there is no advisory database");
    let mut report = ScanReport::new(report.inventory, Assessment::none(time("2026-11-20T01:02:04Z"), Some(why)));
    report.gate = Some(GateResult {
        gate: Gate { fail_on: Some(Severity::High), ..Gate::default() },
        verdict: Verdict::Unknown,
        refused: Vec::new(),
        unknown: vec!["vulnerabilities were not looked for".into()],
    });
    report
}

/// Nothing to be said.
pub(crate) fn clean() -> ScanReport {
    let mut report = scanned();
    report.upgrades.clear();
    report.assessment.findings.clear();
    report.assessment.vulnerabilities.clear();
    report.inventory.diagnostics.clear();
    report.gate =
        Some(GateResult { gate: Gate::default(), verdict: Verdict::Passed, refused: Vec::new(), unknown: Vec::new() });
    report
}

/// So many findings that whoever looks at each for each would be noticed.
pub(crate) fn large(count: usize) -> ScanReport {
    let mut report = scanned();
    let (finding, package) = (report.assessment.findings[0].clone(), report.inventory.packages[0].clone());
    let vulnerability = report.assessment.vulnerabilities[0].clone();
    for number in 0..count {
        let id = format!("CVE-2030-{number}");
        let mut package = package.clone();
        package.facts.name = format!("package-{number}");
        package.purl = purl_of(&package.facts, Some(&os())).unwrap();
        package.id = PackageId::new(&package.purl, &package.location);
        let mut finding = finding.clone();
        finding.id = FindingId::new("large", &package.id, &id);
        finding.vulnerability.clone_from(&id);
        finding.package = package.id.clone();
        report.inventory.packages.push(package);
        report.assessment.findings.push(finding);
        report.assessment.vulnerabilities.push(Vulnerability { id, ..vulnerability.clone() });
    }
    report
}
