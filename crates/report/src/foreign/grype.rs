//! Grype's JSON (`grype -o json`): <https://github.com/anchore/grype#output-formats>.
//!
//! Matches name only the packages that have them. What rules or VEX took out is in `ignoredMatches`, with the rules; it
//! is suppressed here. A match by an advisory that is about one CVE is called by that CVE, as in our own scans, and the
//! advisory becomes an alias. Packages of a distribution for which Grype has no matcher are in its alerts, and make the
//! result incomplete.

use super::gather::{About, Gather, Named, Said, moment, score, severity};
use super::{Head, Input, Scanner};
use sekisho_model::{
    Digest, Exploited, FindingStatus, Image, Judgement, Layer, Likelihood, MOST_VALUES, Origin, OsRelease, Platform,
    ScanReport, ScanState, Severity, SourcePackage, Suppression, SuppressionKind, Tool, Vulnerability, json_whole,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) static SCANNER: Scanner =
    Scanner { name: "Grype", recognises: |head: &Head<'_>| head.matches.is_some() && head.descriptor.is_some(), read };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    matches: Vec<Match>,
    ignored_matches: Option<Vec<Match>>,
    alerts_by_package: Option<Vec<Alerts>>,
    source: Option<Source>,
    distro: Option<Distro>,
    descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerability: Option<Known>,
    related_vulnerabilities: Option<Vec<Known>>,
    artifact: Option<Artifact>,
    applied_ignore_rules: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    id: Option<String>,
    data_source: Option<String>,
    namespace: Option<String>,
    severity: Option<String>,
    urls: Option<Vec<String>>,
    description: Option<String>,
    cvss: Option<Vec<Cvss>>,
    #[serde(rename = "knownExploited")]
    exploited: Option<Vec<KnownExploited>>,
    epss: Option<Vec<Epss>>,
    cwes: Option<Vec<Cwe>>,
    fix: Option<Fix>,
    advisories: Option<Vec<Advisory>>,
}

#[derive(Deserialize)]
struct Cvss {
    source: Option<String>,
    version: Option<String>,
    vector: Option<String>,
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    base_score: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KnownExploited {
    date_added: Option<String>,
    due_date: Option<String>,
    known_ransomware_campaign_use: Option<String>,
}

#[derive(Deserialize)]
struct Epss {
    epss: Option<f64>,
    percentile: Option<f64>,
}

#[derive(Deserialize)]
struct Cwe {
    cwe: Option<String>,
}

#[derive(Deserialize)]
struct Fix {
    versions: Option<Vec<String>>,
    state: Option<String>,
}

#[derive(Deserialize)]
struct Advisory {
    id: Option<String>,
    link: Option<String>,
}

#[derive(Deserialize)]
struct Artifact {
    name: Option<String>,
    version: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    locations: Option<Vec<Location>>,
    licenses: Option<Vec<String>>,
    purl: Option<String>,
    upstreams: Option<Vec<Upstream>>,
}

#[derive(Deserialize)]
struct Location {
    path: Option<String>,
    #[serde(rename = "layerID")]
    layer: Option<String>,
}

#[derive(Deserialize)]
struct Upstream {
    name: Option<String>,
    version: Option<String>,
}

/// A rule that took a match out. Beside these fields it has what it applies to.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Rule {
    vulnerability: Option<String>,
    reason: Option<String>,
    namespace: Option<String>,
    fix_state: Option<String>,
    match_type: Option<String>,
    vex_status: Option<String>,
    vex_justification: Option<String>,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Option<Vec<Alert>>,
}

#[derive(Deserialize)]
struct Alert {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Source {
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Target {
    Name(String),
    Image(Box<ImageTarget>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageTarget {
    user_input: Option<String>,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
    manifest_digest: Option<String>,
    tags: Option<Vec<String>>,
    layers: Option<Vec<ImageLayer>>,
    architecture: Option<String>,
    os: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct ImageLayer {
    digest: Option<String>,
    size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Distro {
    name: Option<String>,
    version: Option<String>,
    id_like: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Descriptor {
    name: Option<String>,
    version: Option<String>,
    timestamp: Option<String>,
    db: Option<Db>,
}

/// Where the database has something from.
#[derive(Deserialize)]
struct Provider {
    captured: Option<String>,
}

/// The database: all of it below `status` since version 6.
#[derive(Deserialize)]
struct Db {
    checksum: Option<String>,
    from: Option<String>,
    built: Option<String>,
    status: Option<Box<Db>>,
    valid: Option<serde_json::Value>,
    providers: Option<BTreeMap<String, Provider>>,
}

fn read(input: &Input<'_>) -> Result<ScanReport, serde_json::Error> {
    let document: Document = json_whole(input.bytes, MOST_VALUES)?;
    let target = document.source.and_then(|source| source.target);
    let image_target = match &target {
        Some(Target::Image(image)) => Some(image.as_ref()),
        _ => None,
    };
    let layers: HashMap<&str, u32> =
        (image_target.and_then(|image| image.layers.as_deref()).unwrap_or_default().iter())
            .enumerate()
            .filter_map(|(at, layer)| Some((layer.digest.as_deref()?, at as u32)))
            .collect();
    let mut gather = Gather::new(input);
    let mut feeds = BTreeMap::new();
    for one in &document.matches {
        take(&mut gather, &mut feeds, &layers, one, None);
    }
    for one in document.ignored_matches.iter().flatten() {
        take(&mut gather, &mut feeds, &layers, one, Some(suppression(one)));
    }
    alerts(&mut gather, document.alerts_by_package.as_deref().unwrap_or_default());
    gather.note(if gather.has_findings() {
        "the report names only the packages with findings"
    } else {
        "the report names no packages, since none has a finding"
    });
    let Descriptor { name, version, timestamp, db } = document.descriptor;
    let invalid = db.as_ref().is_some_and(is_invalid);
    if let Some(db) = &db {
        if invalid {
            gather.unsure("the report says that the database of Grype is not valid");
        }
        for (name, provider) in db.providers.iter().flatten() {
            feeds.insert(name.clone(), moment(provider.captured.as_deref()));
        }
    }
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "grype".to_owned());
    let version = version.filter(|version| version != "[not provided]").unwrap_or_default();
    Ok(gather.finish(About {
        tool: Tool { name, version },
        observed_at: moment(timestamp.as_deref()),
        image: image_target.and_then(image),
        target: match target {
            Some(Target::Name(name)) => name,
            Some(Target::Image(image)) => image.user_input.unwrap_or_default(),
            Some(Target::Other(_)) | None => String::new(),
        },
        os: document.distro.and_then(system),
        database: db.as_ref().and_then(database),
        built: db.as_ref().and_then(built),
        feeds,
        state: if invalid { ScanState::Incomplete } else { ScanState::Scanned },
    }))
}

fn take(
    gather: &mut Gather<'_>,
    feeds: &mut BTreeMap<String, Option<jiff::Timestamp>>,
    layers: &HashMap<&str, u32>,
    one: &Match,
    suppressed: Option<Suppression>,
) {
    let artifact = one.artifact.as_ref();
    let name = artifact.and_then(|artifact| artifact.name.as_deref()).unwrap_or_default();
    let known = one.vulnerability.as_ref();
    let Some((known, id)) = known.and_then(|known| Some((known, known.id.as_deref().filter(|id| !id.is_empty())?)))
    else {
        gather.skip(&format!("a match of {name} without a vulnerability's id"));
        return;
    };
    let Some(package) = artifact.and_then(|artifact| gather.package(&named(artifact, layers))) else {
        gather.skip(&format!("{id} of a package without a name"));
        return;
    };
    let related = one.related_vulnerabilities.as_deref().unwrap_or_default();
    let vulnerability = vulnerability(id, known, related);
    if vulnerability.likelihood.is_some() {
        feeds.insert("epss".to_owned(), None);
    }
    if vulnerability.exploited.is_some() {
        feeds.insert("kev".to_owned(), None);
    }
    let fix = known.fix.as_ref();
    let fixed_in = fix.and_then(|fix| fix.versions.clone()).unwrap_or_default();
    let status = match fix.and_then(|fix| fix.state.as_deref()).unwrap_or_default() {
        "fixed" => FindingStatus::Fixed,
        "wont-fix" => FindingStatus::WillNotFix,
        _ if fixed_in.is_empty() => FindingStatus::Affected,
        _ => FindingStatus::Fixed,
    };
    let namespace = known.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let advisory =
        known.advisories.iter().flatten().find_map(|advisory| advisory.id.clone()).unwrap_or_else(|| id.to_owned());
    let said = Said {
        vulnerability: vulnerability.id.clone(),
        severity: severity(known.severity.as_deref().unwrap_or_default()),
        status,
        fixed_in,
        feed: namespace.unwrap_or("grype").to_owned(),
        advisory,
        suppressed,
    };
    gather.vulnerability(vulnerability);
    gather.finding(said, package);
}

fn named<'a>(artifact: &'a Artifact, layers: &HashMap<&str, u32>) -> Named<'a> {
    let location = artifact.locations.iter().flatten().next();
    let upstream = artifact.upstreams.iter().flatten().next();
    let version = artifact.version.clone().unwrap_or_default();
    let source = upstream.and_then(|upstream| {
        let name = upstream.name.clone().filter(|name| !name.is_empty())?;
        let own = upstream.version.clone().filter(|version| !version.is_empty());
        Some(SourcePackage { name, version: own.unwrap_or_else(|| version.clone()) })
    });
    Named {
        purl: artifact.purl.as_deref().unwrap_or_default(),
        kind: purl_kind(artifact.kind.as_deref().unwrap_or_default()),
        name: artifact.name.as_deref().unwrap_or_default(),
        version,
        source,
        licenses: artifact.licenses.as_deref().unwrap_or_default(),
        location: location.and_then(|location| location.path.as_deref()).unwrap_or_default(),
        layer: location.and_then(|location| layers.get(location.layer.as_deref()?)).copied(),
        ..Named::default()
    }
}

fn vulnerability(id: &str, own: &Known, related: &[Known]) -> Vulnerability {
    let is_cve = |id: &str| id.starts_with("CVE-");
    let cves: BTreeSet<&str> = related.iter().filter_map(|known| known.id.as_deref()).filter(|id| is_cve(id)).collect();
    // An advisory about several vulnerabilities is not another name of any of them.
    let name = match cves.first() {
        Some(cve) if !is_cve(id) && cves.len() == 1 => *cve,
        _ => id,
    };
    let all = || std::iter::once(own).chain(related);
    let mut seen = BTreeSet::new();
    let references = all().flat_map(|known| {
        let links = known.advisories.iter().flatten().filter_map(|advisory| advisory.link.as_ref());
        known.data_source.iter().chain(known.urls.iter().flatten()).chain(links)
    });
    let exploited = all().flat_map(|known| known.exploited.iter().flatten()).next();
    let likely =
        all().flat_map(|known| known.epss.iter().flatten()).filter_map(|epss| Some((epss.epss?, epss.percentile?)));
    let probability = |(epss, percentile): (f64, f64)| {
        let is = |share: f64| (0.0..=1.0).contains(&share);
        (is(epss) && is(percentile)).then_some(Likelihood { probability: epss as f32, percentile: percentile as f32 })
    };
    let mut cwes = BTreeSet::new();
    Vulnerability {
        id: name.to_owned(),
        aliases: if name == id { Vec::new() } else { vec![id.to_owned()] },
        description: all()
            .find_map(|known| known.description.clone().filter(|text| !text.is_empty()))
            .unwrap_or_default(),
        judgements: all().flat_map(judgements).collect(),
        cwes: (all().flat_map(|known| known.cwes.iter().flatten()).filter_map(|cwe| cwe.cwe.clone()))
            .filter(|cwe| cwes.insert(cwe.clone()))
            .collect(),
        exploited: exploited.map(|exploited| Exploited {
            added: exploited.date_added.clone().unwrap_or_default(),
            due: exploited.due_date.clone().filter(|due| !due.is_empty()),
            ransomware: exploited
                .known_ransomware_campaign_use
                .as_deref()
                .is_some_and(|word| word.eq_ignore_ascii_case("known")),
        }),
        likelihood: likely.filter_map(probability).max_by(|a, b| a.probability.total_cmp(&b.probability)),
        references: references.filter(|url| !url.is_empty() && seen.insert(url.as_str())).cloned().collect(),
        ..Vulnerability::default()
    }
}

fn judgements(known: &Known) -> Vec<Judgement> {
    let by = known.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or("grype");
    let mut judgements: Vec<Judgement> = (known.cvss.iter().flatten())
        .map(|cvss| {
            let score = score(cvss.metrics.as_ref().and_then(|metrics| metrics.base_score));
            let old = cvss.version.as_deref().is_some_and(|version| version.starts_with('2'));
            let of_score = if old { Severity::of_score_v2 } else { Severity::of_score };
            Judgement {
                by: cvss.source.clone().filter(|source| !source.is_empty()).unwrap_or_else(|| by.to_owned()),
                severity: score.map_or(Severity::Unknown, |score| of_score(f64::from(score))),
                score,
                vector: cvss.vector.clone().filter(|vector| !vector.is_empty()),
            }
        })
        .collect();
    let word = severity(known.severity.as_deref().unwrap_or_default());
    if judgements.is_empty() && word != Severity::Unknown {
        judgements.push(Judgement { by: by.to_owned(), severity: word, score: None, vector: None });
    }
    judgements
}

/// Why rules took a match out, in the words of the first that says something.
fn suppression(one: &Match) -> Suppression {
    let rules = || one.applied_ignore_rules.iter().flatten();
    let text = |field: fn(&Rule) -> &Option<String>| {
        rules().find_map(|rule| field(rule).clone().filter(|text| !text.is_empty()))
    };
    let status = text(|rule| &rule.vex_status);
    let reason = text(|rule| &rule.reason).or_else(|| text(|rule| &rule.vex_justification)).or_else(|| {
        let parts = rules().flat_map(|rule| {
            let parts = [
                ("vulnerability", &rule.vulnerability),
                ("namespace", &rule.namespace),
                ("fix-state", &rule.fix_state),
                ("match-type", &rule.match_type),
            ];
            parts.into_iter().filter_map(|(name, value)| {
                Some(format!("{name} {}", value.as_deref().filter(|value| !value.is_empty())?))
            })
        });
        Some(parts.collect::<Vec<_>>().join(", ")).filter(|parts| !parts.is_empty())
    });
    Suppression {
        kind: if status.is_some() { SuppressionKind::Vex } else { SuppressionKind::Exception },
        source: "grype ignore rule".to_owned(),
        status,
        reason: reason.unwrap_or_default(),
        owner: None,
        until: None,
    }
}

/// What Grype says of packages that it could not match as it should.
fn alerts(gather: &mut Gather<'_>, alerts: &[Alerts]) {
    const MOST: usize = 20;
    let mut seen = BTreeSet::new();
    for alert in alerts.iter().flat_map(|package| package.alerts.iter().flatten()) {
        let (kind, message) = (alert.kind.as_deref().unwrap_or_default(), alert.message.as_deref().unwrap_or_default());
        if seen.len() < MOST && seen.insert((kind, message)) {
            let text = format!("Grype warns of {kind}: {message}");
            // Out of support is a fact about the system; anything else may hide vulnerabilities.
            if kind == "distro-eol" { gather.note(text) } else { gather.unsure(text) }
        }
    }
}

fn image(target: &ImageTarget) -> Option<Image> {
    let config_digest: Digest = target.image_id.as_deref()?.parse().ok()?;
    let part = |text: &Option<String>| {
        let text = text.clone().filter(|text| !text.is_empty() && !text.contains('/'));
        text.unwrap_or_else(|| "unknown".to_owned())
    };
    let layers = target.layers.iter().flatten().enumerate().map(|(at, layer)| Layer {
        index: at as u32,
        digest: None,
        diff_id: layer.digest.as_deref().and_then(|digest| digest.parse().ok()),
        stored_bytes: 0,
        plain_bytes: layer.size.unwrap_or_default(),
        entries: 0,
        created_by: None,
        origin: Origin::Unknown,
    });
    let mut names = target.tags.clone().unwrap_or_default();
    if names.is_empty() {
        names.extend(target.user_input.clone());
    }
    Some(Image {
        names,
        manifest_digest: target.manifest_digest.as_deref().and_then(|digest| digest.parse().ok()),
        config_digest,
        platform: Platform { os: part(&target.os), architecture: part(&target.architecture), variant: None },
        created: None,
        labels: target.labels.clone().unwrap_or_default().into_iter().collect(),
        config: None,
        layers: layers.collect(),
        history: Vec::new(),
        base: None,
    })
}

fn system(distro: Distro) -> Option<OsRelease> {
    let name = distro.name.filter(|name| !name.is_empty())?;
    let id = match name.as_str() {
        "redhat" => "rhel",
        "amazonlinux" => "amzn",
        "oraclelinux" => "ol",
        "rockylinux" => "rocky",
        other => other,
    };
    Some(OsRelease {
        id: id.to_owned(),
        version_id: distro.version.unwrap_or_default(),
        id_like: distro.id_like.unwrap_or_default(),
        ..OsRelease::default()
    })
}

/// What tells the database from others: its checksum, the address it is from, or when it was built.
fn database(db: &Db) -> Option<String> {
    let own = [&db.checksum, &db.from, &db.built].into_iter().flatten().find(|text| !text.is_empty()).cloned();
    own.or_else(|| db.status.as_deref().and_then(database))
}

/// Whether it says of itself that it cannot be relied on.
fn is_invalid(db: &Db) -> bool {
    db.valid == Some(serde_json::Value::Bool(false)) || db.status.as_deref().is_some_and(is_invalid)
}

/// When it was built.
fn built(db: &Db) -> Option<jiff::Timestamp> {
    moment(db.built.as_deref()).or_else(|| db.status.as_deref().and_then(built))
}

/// The package URL type of what Syft and Grype call a type.
fn purl_kind(kind: &str) -> &'static str {
    match kind {
        "deb" => "deb",
        "apk" => "apk",
        "rpm" => "rpm",
        "python" => "pypi",
        "npm" => "npm",
        "go-module" => "golang",
        "java-archive" | "jenkins-plugin" => "maven",
        "gem" => "gem",
        "rust-crate" => "cargo",
        "php-composer" => "composer",
        "dotnet" => "nuget",
        "hex" => "hex",
        "dart-pub" => "pub",
        "conan" => "conan",
        "conda" => "conda",
        "alpm" => "alpm",
        "hackage" => "hackage",
        "swift" => "swift",
        "cocoapods" => "cocoapods",
        "github-action" => "github",
        "bitnami" => "bitnami",
        _ => "generic",
    }
}
