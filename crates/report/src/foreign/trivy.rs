//! Trivy's JSON, `SchemaVersion` 2: <https://trivy.dev/latest/docs/configuration/reporting/#json>.
//!
//! The report does not say which scanners ran, nor what it was told to leave out (`--severity`, `--ignore-unfixed`). One
//! that names a vulnerability was made by the vulnerability scanner. One that names packages and no vulnerability could
//! be of something clean or of a run for licences or secrets: it is *incomplete*, which a gate passes only with
//! `allow_incomplete`. One without packages is *not scanned*.
//!
//! Where packages are listed (`--list-all-pkgs`), findings refer to them by `UID`, older ones by `PkgID`.

use super::gather::{About, Gather, Named, Said, moment, score, severity};
use super::{Head, Input, Scanner};
use sekisho_model::{
    Digest, FindingStatus, History, Image, Judgement, Layer, MOST_VALUES, Origin, OsRelease, PackageId, Platform,
    ScanReport, ScanState, Severity, SourcePackage, Suppression, SuppressionKind, Tool, Vulnerability, distribution_id,
    json_whole,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) static SCANNER: Scanner = Scanner {
    name: "Trivy",
    recognises: |head: &Head<'_>| {
        let second = head.schema_version.as_ref().is_some_and(|version| version.as_u64() == Some(2));
        second && (head.artifact_name.is_some() || head.artifact_type.is_some())
    },
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    created_at: Option<String>,
    artifact_name: Option<String>,
    artifact_type: Option<String>,
    metadata: Option<Metadata>,
    results: Option<Vec<Target>>,
    trivy: Option<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    version: Option<String>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(rename = "OS")]
    os: Option<System>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    #[serde(rename = "DiffIDs")]
    diff_ids: Option<Vec<String>>,
    #[serde(rename = "RepoTags")]
    repo_tags: Option<Vec<String>>,
    #[serde(rename = "ImageConfig")]
    image_config: Option<Config>,
}

#[derive(Deserialize)]
struct System {
    #[serde(rename = "Family")]
    family: Option<String>,
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "EOSL")]
    out_of_support: Option<bool>,
}

#[derive(Deserialize)]
struct Config {
    architecture: Option<String>,
    variant: Option<String>,
    os: Option<String>,
    created: Option<String>,
    history: Option<Vec<Step>>,
    #[serde(rename = "config")]
    runtime: Option<Runtime>,
}

#[derive(Deserialize)]
struct Step {
    created: Option<String>,
    created_by: Option<String>,
    empty_layer: Option<bool>,
}

#[derive(Deserialize)]
struct Runtime {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(rename = "Target")]
    name: Option<String>,
    #[serde(rename = "Class")]
    class: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Packages")]
    packages: Option<Vec<Listed>>,
    #[serde(rename = "Vulnerabilities")]
    vulnerabilities: Option<Vec<Found>>,
    #[serde(rename = "ExperimentalModifiedFindings", alias = "ModifiedFindings")]
    modified: Option<Vec<Modified>>,
}

#[derive(Deserialize, Default)]
struct Identifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
    #[serde(rename = "UID")]
    uid: Option<String>,
}

#[derive(Deserialize)]
struct InLayer {
    #[serde(rename = "DiffID")]
    diff_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(rename = "ID")]
    id: Option<String>,
    name: Option<String>,
    identifier: Option<Identifier>,
    version: Option<String>,
    release: Option<String>,
    epoch: Option<i64>,
    arch: Option<String>,
    src_name: Option<String>,
    src_version: Option<String>,
    src_release: Option<String>,
    src_epoch: Option<i64>,
    licenses: Option<Vec<String>>,
    file_path: Option<String>,
    dev: Option<bool>,
    layer: Option<InLayer>,
}

#[derive(Deserialize, Default)]
struct Found {
    #[serde(rename = "VulnerabilityID")]
    id: Option<String>,
    #[serde(rename = "VendorIDs")]
    vendor_ids: Option<Vec<String>>,
    #[serde(rename = "PkgID")]
    package_id: Option<String>,
    #[serde(rename = "PkgName")]
    package: Option<String>,
    #[serde(rename = "PkgPath")]
    path: Option<String>,
    #[serde(rename = "PkgIdentifier")]
    identifier: Option<Identifier>,
    #[serde(rename = "InstalledVersion")]
    installed: Option<String>,
    #[serde(rename = "FixedVersion")]
    fixed: Option<String>,
    #[serde(rename = "Status")]
    status: Option<String>,
    #[serde(rename = "Layer")]
    layer: Option<InLayer>,
    #[serde(rename = "SeveritySource")]
    severity_source: Option<String>,
    #[serde(rename = "PrimaryURL")]
    primary_url: Option<String>,
    #[serde(rename = "DataSource")]
    data_source: Option<DataSource>,
    #[serde(rename = "Title")]
    title: Option<String>,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "Severity")]
    severity: Option<String>,
    #[serde(rename = "CweIDs")]
    cwes: Option<Vec<String>>,
    #[serde(rename = "VendorSeverity")]
    vendor_severity: Option<BTreeMap<String, u64>>,
    #[serde(rename = "CVSS")]
    cvss: Option<BTreeMap<String, Cvss>>,
    #[serde(rename = "References")]
    references: Option<Vec<String>>,
    #[serde(rename = "PublishedDate")]
    published: Option<String>,
}

#[derive(Deserialize)]
struct DataSource {
    #[serde(rename = "ID")]
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cvss {
    v2_vector: Option<String>,
    v3_vector: Option<String>,
    v40_vector: Option<String>,
    v2_score: Option<f64>,
    v3_score: Option<f64>,
    v40_score: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Modified {
    #[serde(rename = "Type")]
    kind: Option<String>,
    status: Option<String>,
    statement: Option<String>,
    source: Option<String>,
    finding: Option<Found>,
}

fn read(input: &Input<'_>) -> Result<ScanReport, serde_json::Error> {
    let document: Document = json_whole(input.bytes, MOST_VALUES)?;
    let metadata = document.metadata.unwrap_or_default();
    let diff_ids = metadata.diff_ids.as_deref().unwrap_or_default();
    let layers: HashMap<&str, u32> = diff_ids.iter().enumerate().map(|(at, id)| (id.as_str(), at as u32)).collect();
    let mut gather = Gather::new(input);
    let mut seen = Seen::default();
    for target in document.results.unwrap_or_default() {
        take(&mut gather, &mut seen, &layers, &target);
    }
    if let Some(System { family, name, out_of_support: Some(true) }) = &metadata.os {
        let (family, name) = (family.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default());
        gather.note(format!("{family} {name} is out of support: its publisher reports no new vulnerabilities for it"));
    }
    let state = if seen.vulnerabilities {
        ScanState::Scanned
    } else if seen.packages {
        gather.unsure("the report names packages and no vulnerability, and does not say whether Trivy looked for any");
        ScanState::Incomplete
    } else {
        gather.unsure("the report holds no packages, and no vulnerability");
        ScanState::NotScanned
    };
    if seen.vulnerabilities && !seen.listed {
        gather.note("the report lists no packages: only those with findings are known (trivy --list-all-pkgs)");
    }
    let version = document.trivy.and_then(|trivy| trivy.version).unwrap_or_default();
    let target = document.artifact_name.unwrap_or_default();
    let is_image = document.artifact_type.as_deref() == Some("container_image");
    Ok(gather.finish(About {
        tool: Tool { name: "Trivy".to_owned(), version },
        observed_at: moment(document.created_at.as_deref()),
        image: if is_image { image(&metadata, &target) } else { None },
        target,
        os: metadata.os.as_ref().and_then(system),
        database: None,
        built: None,
        feeds: BTreeMap::new(),
        state,
    }))
}

/// What the report shows of how it was made.
#[derive(Default)]
struct Seen {
    /// Something that is scanned for vulnerabilities.
    packages: bool,
    /// A list of packages.
    listed: bool,
    /// A vulnerability.
    vulnerabilities: bool,
}

fn take(gather: &mut Gather<'_>, seen: &mut Seen, layers: &HashMap<&str, u32>, target: &Target) {
    let class = target.class.as_deref().unwrap_or_default();
    let is_os = class == "os-pkgs";
    let listed = target.packages.as_deref().unwrap_or_default();
    seen.packages |= is_os || class == "lang-pkgs" || !listed.is_empty();
    seen.listed |= !listed.is_empty();
    let kind = purl_kind(target.kind.as_deref().unwrap_or_default());
    // The target of the packages of a system is the image, not a file.
    let file = if is_os { "" } else { target.name.as_deref().unwrap_or_default() };
    let layer = |layer: Option<&InLayer>| layers.get(layer?.diff_id.as_deref()?).copied();
    let mut known = Known::default();
    for package in listed {
        let identifier = package.identifier.as_ref();
        let name = package.name.as_deref().unwrap_or_default();
        let version = full(package.epoch, package.version.as_deref(), package.release.as_deref());
        let source = package.src_name.as_deref().filter(|name| !name.is_empty()).map(|name| SourcePackage {
            name: name.to_owned(),
            version: full(package.src_epoch, package.src_version.as_deref(), package.src_release.as_deref()),
        });
        let id = gather.package(&Named {
            purl: identifier.and_then(|identifier| identifier.purl.as_deref()).unwrap_or_default(),
            kind,
            name,
            version: version.clone(),
            arch: package.arch.as_deref().unwrap_or_default(),
            source,
            licenses: package.licenses.as_deref().unwrap_or_default(),
            location: package.file_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(file),
            layer: layer(package.layer.as_ref()),
            dev: package.dev.unwrap_or_default(),
        });
        let Some(id) = id else { continue };
        if let Some(uid) = identifier.and_then(|identifier| identifier.uid.as_deref()) {
            known.uids.insert(uid, id.clone());
        }
        if let Some(own) = package.id.as_deref().filter(|own| !own.is_empty()) {
            known.ids.entry(own).or_insert_with(|| id.clone());
        }
        known.names.entry((name, version)).or_insert(id);
    }
    let mut found = |gather: &mut Gather<'_>, found: &Found, suppressed: Option<Suppression>| {
        seen.vulnerabilities = true;
        let name = found.package.as_deref().unwrap_or_default();
        let Some(id) = found.id.as_deref().filter(|id| !id.is_empty()) else {
            gather.skip(&format!("a vulnerability of {name} without an id"));
            return;
        };
        let identifier = found.identifier.as_ref();
        let package = known.find(found).or_else(|| {
            gather.package(&Named {
                purl: identifier.and_then(|identifier| identifier.purl.as_deref()).unwrap_or_default(),
                kind,
                name,
                version: found.installed.clone().unwrap_or_default(),
                location: found.path.as_deref().filter(|path| !path.is_empty()).unwrap_or(file),
                layer: layer(found.layer.as_ref()),
                ..Named::default()
            })
        });
        let Some(package) = package else {
            gather.skip(&format!("{id} of a package without a name"));
            return;
        };
        gather.vulnerability(vulnerability(id, found));
        gather.finding(said(id, found, suppressed), package);
    };
    for one in target.vulnerabilities.as_deref().unwrap_or_default() {
        found(gather, one, None);
    }
    for modified in target.modified.as_deref().unwrap_or_default() {
        if modified.kind.as_deref() == Some("vulnerability") {
            match &modified.finding {
                Some(one) => found(gather, one, Some(suppression(modified))),
                None => gather.skip("a modified finding without what was found"),
            }
        }
    }
}

/// The packages of one target, by what findings call them.
#[derive(Default)]
struct Known<'a> {
    uids: HashMap<&'a str, PackageId>,
    ids: HashMap<&'a str, PackageId>,
    names: HashMap<(&'a str, String), PackageId>,
}

impl Known<'_> {
    fn find(&self, found: &Found) -> Option<PackageId> {
        let uid = || self.uids.get(found.identifier.as_ref()?.uid.as_deref()?);
        let id = || self.ids.get(found.package_id.as_deref()?);
        let name = || {
            let version = found.installed.clone().unwrap_or_default();
            self.names.get(&(found.package.as_deref()?, version))
        };
        uid().or_else(id).or_else(name).cloned()
    }
}

fn said(id: &str, found: &Found, suppressed: Option<Suppression>) -> Said {
    let fixed = found.fixed.as_deref().unwrap_or_default();
    let fixed_in: Vec<String> =
        fixed.split(',').map(str::trim).filter(|version| !version.is_empty()).map(str::to_owned).collect();
    let status = match found.status.as_deref().unwrap_or_default() {
        "affected" => FindingStatus::Affected,
        "fixed" => FindingStatus::Fixed,
        "under_investigation" => FindingStatus::UnderInvestigation,
        "will_not_fix" => FindingStatus::WillNotFix,
        "fix_deferred" => FindingStatus::FixDeferred,
        "end_of_life" => FindingStatus::EndOfLife,
        _ if fixed_in.is_empty() => FindingStatus::Affected,
        _ => FindingStatus::Fixed,
    };
    let feed = found.data_source.as_ref().and_then(|source| source.id.clone());
    let feed = feed.or_else(|| found.severity_source.clone()).filter(|feed| !feed.is_empty());
    let advisory = found.vendor_ids.iter().flatten().next().cloned();
    Said {
        vulnerability: id.to_owned(),
        severity: severity(found.severity.as_deref().unwrap_or_default()),
        status,
        fixed_in,
        feed: feed.unwrap_or_else(|| "trivy".to_owned()),
        advisory: advisory.unwrap_or_else(|| id.to_owned()),
        suppressed,
    }
}

fn vulnerability(id: &str, found: &Found) -> Vulnerability {
    let mut seen = BTreeSet::new();
    let references = found.primary_url.iter().chain(found.references.iter().flatten());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Vulnerability {
        id: id.to_owned(),
        aliases: found.vendor_ids.clone().unwrap_or_default(),
        title: text(&found.title),
        description: text(&found.description),
        judgements: judgements(found),
        cwes: found.cwes.clone().unwrap_or_default(),
        published: moment(found.published.as_deref()),
        references: references.filter(|url| !url.is_empty() && seen.insert(url.as_str())).cloned().collect(),
        ..Vulnerability::default()
    }
}

/// What each vendor says: one judgement for each version of CVSS, or the word alone.
fn judgements(found: &Found) -> Vec<Judgement> {
    let empty = BTreeMap::new();
    let words = found.vendor_severity.as_ref().unwrap_or(&empty);
    // Trivy's numbers, from none upwards.
    let word = |number: u64| match number {
        1 => Severity::Low,
        2 => Severity::Medium,
        3 => Severity::High,
        4 => Severity::Critical,
        _ => Severity::Unknown,
    };
    let mut judgements = Vec::new();
    for (vendor, cvss) in found.cvss.iter().flatten() {
        for (vector, given, old) in [
            (&cvss.v40_vector, cvss.v40_score, false),
            (&cvss.v3_vector, cvss.v3_score, false),
            (&cvss.v2_vector, cvss.v2_score, true),
        ] {
            let score = score(given);
            if vector.is_none() && score.is_none() {
                continue;
            }
            let of_score = if old { Severity::of_score_v2 } else { Severity::of_score };
            let severity = score.map_or(Severity::Unknown, |score| of_score(f64::from(score)));
            judgements.push(Judgement { by: vendor.clone(), severity, score, vector: vector.clone() });
        }
    }
    for (vendor, number) in words {
        if !judgements.iter().any(|judge| judge.by == *vendor) {
            judgements.push(Judgement { by: vendor.clone(), severity: word(*number), score: None, vector: None });
        }
    }
    judgements
}

/// A finding that a VEX document or an ignore file took out (`--show-suppressed`).
fn suppression(modified: &Modified) -> Suppression {
    let status = modified.status.clone().unwrap_or_default();
    let kind = if matches!(status.as_str(), "not_affected" | "fixed") {
        SuppressionKind::Vex
    } else {
        SuppressionKind::Exception
    };
    Suppression {
        kind,
        source: modified.source.clone().unwrap_or_default(),
        status: (kind == SuppressionKind::Vex).then_some(status),
        reason: modified.statement.clone().unwrap_or_default(),
        owner: None,
        until: None,
    }
}

/// A version with its epoch and release.
fn full(epoch: Option<i64>, version: Option<&str>, release: Option<&str>) -> String {
    let version = version.unwrap_or_default();
    let epoch = epoch.filter(|epoch| *epoch > 0).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = release.filter(|release| !release.is_empty()).map(|release| format!("-{release}"));
    format!("{epoch}{version}{}", release.unwrap_or_default())
}

fn image(metadata: &Metadata, target: &str) -> Option<Image> {
    let config_digest: Digest = metadata.image_id.as_deref()?.parse().ok()?;
    let config = metadata.image_config.as_ref();
    let text = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    let part = |text: Option<&String>| text.filter(|text| !text.is_empty() && !text.contains('/')).cloned();
    let platform = Platform {
        os: part(config.and_then(|config| config.os.as_ref())).unwrap_or_else(|| "unknown".to_owned()),
        architecture: part(config.and_then(|config| config.architecture.as_ref()))
            .unwrap_or_else(|| "unknown".to_owned()),
        variant: part(config.and_then(|config| config.variant.as_ref())),
    };
    let history: Vec<History> = (config.and_then(|config| config.history.as_deref()).unwrap_or_default().iter())
        .map(|step| History {
            created: step.created.clone(),
            created_by: step.created_by.clone(),
            empty_layer: step.empty_layer.unwrap_or_default(),
        })
        .collect();
    let diff_ids = metadata.diff_ids.as_deref().unwrap_or_default();
    let steps: Vec<&History> = history.iter().filter(|step| !step.empty_layer).collect();
    let layers = diff_ids.iter().enumerate().map(|(at, id)| Layer {
        index: at as u32,
        digest: None,
        diff_id: id.parse().ok(),
        stored_bytes: 0,
        plain_bytes: 0,
        entries: 0,
        created_by: steps.get(at).filter(|_| steps.len() == diff_ids.len()).and_then(|step| step.created_by.clone()),
        origin: Origin::Unknown,
    });
    let labels = config.and_then(|config| config.runtime.as_ref()?.labels.clone()).unwrap_or_default();
    let tags = metadata.repo_tags.clone().unwrap_or_default();
    Some(Image {
        names: if tags.is_empty() { vec![target.to_owned()] } else { tags },
        manifest_digest: None,
        config_digest,
        platform,
        created: text(config.and_then(|config| config.created.as_ref())),
        labels: labels.into_iter().collect(),
        config: None,
        layers: layers.collect(),
        history,
        base: None,
    })
}

/// The distribution by the id that os-release has for it; Trivy's families have names of their own.
fn system(system: &System) -> Option<OsRelease> {
    let family = system.family.as_deref().filter(|family| !family.is_empty() && *family != "none")?;
    let id = distribution_id(family);
    Some(OsRelease { id: id.to_owned(), version_id: system.name.clone().unwrap_or_default(), ..OsRelease::default() })
}

/// The package URL type of what Trivy calls a type: the family of a system, or a kind of file.
fn purl_kind(kind: &str) -> &'static str {
    match kind {
        "debian" | "ubuntu" => "deb",
        "alpine" | "wolfi" | "chainguard" => "apk",
        "redhat" | "centos" | "rocky" | "alma" | "almalinux" | "amazon" | "oracle" | "fedora" | "photon"
        | "cbl-mariner" | "azurelinux" => "rpm",
        suse if suse.contains("suse") || suse.starts_with("sle") => "rpm",
        "pip" | "pipenv" | "poetry" | "uv" | "pylock" | "python-pkg" => "pypi",
        "npm" | "yarn" | "pnpm" | "bun" | "node-pkg" => "npm",
        "gomod" | "gobinary" => "golang",
        "jar" | "pom" | "gradle" | "sbt" => "maven",
        "bundler" | "gemspec" => "gem",
        "cargo" | "rustbinary" => "cargo",
        "composer" | "composer-vendor" => "composer",
        "nuget" | "dotnet-core" | "packages-props" => "nuget",
        "hex" => "hex",
        "pub" => "pub",
        "cocoapods" => "cocoapods",
        "swift" => "swift",
        "conan" => "conan",
        "conda-pkg" | "conda-environment" => "conda",
        "julia" => "julia",
        "bitnami" => "bitnami",
        _ => "generic",
    }
}
