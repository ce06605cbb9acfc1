//! What the readers of SBOMs have in common: components become packages here.

use super::Input;
use crate::property::{Word, Words};
use crate::purl::{facts_of, purl_of};
use sekisho_base::limits::LimitKey;
use sekisho_model::{
    Code, Diagnostic, Digest, Evidence, INVENTORY_SCHEMA, Image, Inventory, Layer, Level, License, Origin, OsRelease,
    Package, PackageFacts, PackageId, PackageKind, Platform, Purl, Source, SourceKind, SourcePackage, Tool,
    distribution_id, is_same_release,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a document says of one component.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said<'a> {
    /// Its package URL, where there is one.
    pub(crate) purl: &'a str,
    /// The part of its name that stands in a field of its own.
    pub(crate) group: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) licenses: Vec<License>,
    pub(crate) supplier: Option<&'a str>,
    pub(crate) location: &'a str,
    pub(crate) source: Option<SourcePackage>,
    /// Digest of the plain bytes of the layer that holds it.
    pub(crate) layer: &'a str,
    pub(crate) dev: bool,
    pub(crate) evidence: Option<Evidence>,
    pub(crate) words: &'a [Word],
    /// Whether something of its type is software, also without a package URL.
    pub(crate) is_software: bool,
    /// Whether `purl` is one more of a component that was taken under another: its name and version need not be those of
    /// this one.
    pub(crate) is_further: bool,
}

/// What a document says of itself.
#[derive(Debug, Default)]
pub(crate) struct About {
    /// The program that wrote it, and its version.
    pub(crate) tool: (String, String),
    pub(crate) observed_at: Option<jiff::Timestamp>,
    /// What it describes.
    pub(crate) target: String,
    pub(crate) image: Option<Image>,
    /// It says that it is not the whole.
    pub(crate) is_incomplete: bool,
}

/// A count of things, some of which are named.
#[derive(Debug, Default)]
struct Named5 {
    count: usize,
    names: Vec<String>,
}

impl Named5 {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < 5 {
            self.names.push(name.chars().take(80).collect());
        }
    }

    /// As in `3 components of which not all is read: a, b, c`; nothing without any.
    fn text(&self, one: &str, many: &str) -> Option<String> {
        let rest = if self.count > self.names.len() { ", …" } else { "" };
        let noun = if self.count == 1 { one } else { many };
        (self.count > 0).then(|| format!("{} {noun}: {}{rest}", self.count, self.names.join(", ")))
    }
}

/// Everything that was found in a document so far.
pub(crate) struct Gather<'a> {
    input: &'a Input<'a>,
    /// The inventory that the document was written from, without its packages, where it is one of ours.
    own: Option<Inventory>,
    layers: HashMap<String, u32>,
    packages: Vec<Package>,
    places: HashMap<PackageId, usize>,
    systems: Vec<OsRelease>,
    /// Packages of which it does not say what they were built from.
    sourceless: HashSet<PackageId>,
    /// What package URLs say the distribution is, and how many do.
    distributions: BTreeMap<(String, String), usize>,
    components: usize,
    full: bool,
    nameless: usize,
    unversioned: Named5,
    unlocated: Named5,
    malformed: Named5,
    cut: Named5,
    /// Components whose version is another than that in their package URL.
    otherwise: Named5,
    /// The same of names.
    renamed: Named5,
    aside: usize,
}

impl<'a> Gather<'a> {
    /// For a document that has `own`, the text of [`crate::property::INVENTORY`], and else the layers of `image`.
    pub(crate) fn new(
        input: &'a Input<'a>,
        own: Option<&str>,
        image: Option<&Image>,
    ) -> Result<Self, serde_json::Error> {
        let own: Option<Inventory> = own.map(serde_json::from_str).transpose()?;
        let layers = image.iter().flat_map(|image| &image.layers);
        let layers = layers.filter_map(|layer| Some((layer.diff_id?.to_string(), layer.index))).collect();
        Ok(Self {
            input,
            own,
            layers,
            packages: Vec::new(),
            places: HashMap::new(),
            systems: Vec::new(),
            sourceless: HashSet::new(),
            distributions: BTreeMap::new(),
            components: 0,
            full: false,
            nameless: 0,
            unversioned: Named5::default(),
            unlocated: Named5::default(),
            malformed: Named5::default(),
            cut: Named5::default(),
            otherwise: Named5::default(),
            renamed: Named5::default(),
            aside: 0,
        })
    }

    /// Takes the distribution that a document describes.
    pub(crate) fn system(&mut self, mut os: OsRelease) {
        // Trivy writes what a release is called behind its number: `2 (Karoo)`.
        os.version_id.truncate(os.version_id.find(' ').unwrap_or(os.version_id.len()));
        if !os.id.is_empty() && !self.systems.contains(&os) && self.systems.len() < 10 {
            self.systems.push(os);
        }
    }

    /// Says of `name` that it has more of something than is kept.
    pub(crate) fn cut(&mut self, name: &str) {
        self.cut.add(name);
    }

    /// Takes a component, and gives the id of the package that it is.
    pub(crate) fn component(&mut self, said: &Said<'_>) -> Option<PackageId> {
        self.components += 1;
        if self.packages.len() >= self.input.limits.records {
            self.full = true;
            return None;
        }
        // We write one package URL for each.
        let is_ours = self.own.is_some() && !said.is_further;
        let package = if is_ours { self.ours(said) } else { self.theirs(said) }?;
        let id = package.id.clone();
        // The same thing at the same place, said twice.
        if !self.places.contains_key(&id) {
            self.places.insert(id.clone(), self.packages.len());
            self.packages.push(package);
        }
        Some(id)
    }

    /// Says that a package of the system owns the file of another.
    pub(crate) fn owns(&mut self, owner: &PackageId, owned: &PackageId) {
        let is_os = |id| self.places.get(id).is_some_and(|at| self.packages[*at].facts.kind.is_os());
        if is_os(owner)
            && !is_os(owned)
            && let Some(at) = self.places.get(owned)
        {
            self.packages[*at].owned_by = Some(owner.clone());
        }
    }

    /// The package URL; none, with a reason where there is one, if there is none that can be read.
    fn purl(&mut self, said: &Said<'_>) -> Option<Purl> {
        if said.purl.is_empty() {
            return None;
        }
        let purl = said.purl.parse();
        if purl.is_err() {
            self.malformed.add(said.purl);
        }
        purl.ok()
    }

    /// A package of a document that we wrote, as it was.
    fn ours(&mut self, said: &Said<'_>) -> Option<Package> {
        let Some(purl) = self.purl(said) else { return self.without_purl(said) };
        let words = Words(said.words);
        let from_purl = facts_of(&purl);
        let kind = words.kind().unwrap_or(purl.kind());
        let name = match said.group {
            None => said.name.to_owned(),
            Some(group) => format!("{group}{}{}", if kind == PackageKind::Maven { ':' } else { '/' }, said.name),
        };
        let facts = PackageFacts {
            arch: words.get("sekisho:arch").map(str::to_owned).or(from_purl.arch),
            // Should someone have added the component, its package URL alone may say what it was built from.
            source: words.source().or(from_purl.source.filter(|_| purl.as_str().contains("upstream="))),
            licenses: words.licenses().unwrap_or_else(|| said.licenses.clone()),
            supplier: words.get("sekisho:supplier").or(said.supplier).map(str::to_owned),
            evidence: words.evidence(),
            dev: words.is("sekisho:dev").unwrap_or_default(),
            direct: words.is("sekisho:direct"),
            extra: words.extra(),
            ..PackageFacts::new(kind, name, said.version)
        };
        let location = words.get("sekisho:location").unwrap_or(said.location).to_owned();
        Some(Package {
            id: PackageId::new(&purl, &location),
            purl,
            facts,
            location,
            layer: words.get("sekisho:layer:index").and_then(|index| index.parse().ok()),
            origin: words.origin(),
            owned_by: words.owner(),
        })
    }

    /// A package of somebody else's document.
    fn theirs(&mut self, said: &Said<'_>) -> Option<Package> {
        let Some(mut purl) = self.purl(said) else { return self.without_purl(said) };
        let words = Words(said.words);
        let mut facts = facts_of(&purl);
        if !said.is_further {
            self.compare(said, &facts);
            // Old names of npm have capitals, which package URLs did not have before 2026.
            if facts.kind == PackageKind::Npm {
                restore_case(&mut facts.name, said.name);
            }
        }
        if facts.version.is_empty() {
            // Several versions of one package are several packages. What stands for none is none: compared, it would be newer
            // or older than every version that something is fixed in.
            if let Ok(with) = purl.with_version(said.version)
                && !said.version.is_empty()
                && !said.version.eq_ignore_ascii_case("unknown")
            {
                purl = with;
                facts = facts_of(&purl);
            } else {
                self.unversioned.add(purl.as_str());
            }
        }
        if let Some((id, version)) = purl.parts().distribution() {
            *self.distributions.entry((id.to_owned(), version.to_owned())).or_default() += 1;
        }
        let source = words.foreign_source(&facts.version).or_else(|| said.source.clone());
        let is_stated = source.is_some() || purl.qualifier("upstream").is_some() || words.names_sources();
        facts.source = source.or(facts.source);
        if let Some(label) = words.modularity().filter(|_| facts.kind == PackageKind::Rpm) {
            facts.extra.retain(|(name, _)| name != "modularity");
            facts.extra.push(("modularity".to_owned(), label.to_owned()));
        }
        facts.licenses.clone_from(&said.licenses);
        facts.supplier = said.supplier.filter(|text| !text.is_empty()).map(str::to_owned);
        facts.evidence = said.evidence.unwrap_or_else(|| words.foreign_evidence());
        facts.dev = said.dev;
        let package = self.placed(purl, facts, said);
        if !is_stated && package.facts.source.is_some() {
            self.sourceless.insert(package.id.clone());
        }
        Some(package)
    }

    /// Whether the fields of a component are about what its package URL names, which is what is taken. Names are for people
    /// and may be longer or shorter; versions are with and without an epoch, a release, or the sign that tags begin with.
    fn compare(&mut self, said: &Said<'_>, facts: &PackageFacts) {
        let version = |text: &str| {
            let text = text.split_once(':').filter(|(epoch, _)| is_number(epoch)).map_or(text, |(_, rest)| rest);
            let number = text.trim_start_matches("go").trim_start_matches(['v', 'V']);
            if number.starts_with(|first: char| first.is_ascii_digit()) { number } else { text }.to_ascii_lowercase()
        };
        let (own, stated) = (version(&facts.version), version(said.version));
        let begins = |long: &str, short: &str| {
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+', '_', '~']))
        };
        if !own.is_empty() && !stated.is_empty() && !begins(&own, &stated) && !begins(&stated, &own) {
            self.otherwise.add(&format!("{} with version {}", said.purl, said.version));
        }
        let letters = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let last = facts.name.rsplit(['/', ':']).next().unwrap_or_default();
        let (whole, own, stated) = (letters(&facts.name), letters(last), letters(said.name));
        if !stated.is_empty() && !stated.contains(&own) && !whole.contains(&stated) {
            self.renamed.add(&format!("{} as {}", said.purl, said.name));
        }
    }

    /// Software without a package URL is a package that nobody has advisories for; what is none is only counted.
    fn without_purl(&mut self, said: &Said<'_>) -> Option<Package> {
        if !said.is_software && said.purl.is_empty() {
            self.aside += 1;
            return None;
        }
        let group = said.group.filter(|group| !group.is_empty());
        let name = group.map_or_else(|| said.name.to_owned(), |group| format!("{group}/{}", said.name));
        let facts = PackageFacts {
            licenses: said.licenses.clone(),
            supplier: said.supplier.filter(|text| !text.is_empty()).map(str::to_owned),
            dev: said.dev,
            ..PackageFacts::new(PackageKind::Generic, name, said.version)
        };
        let Ok(purl) = purl_of(&facts, None) else {
            self.nameless += 1;
            return None;
        };
        if said.purl.is_empty() {
            self.unlocated.add(&facts.name);
        }
        Some(self.placed(purl, facts, said))
    }

    fn placed(&self, purl: Purl, facts: PackageFacts, said: &Said<'_>) -> Package {
        let location = said.location.trim_start_matches('/').to_owned();
        let layer = self.layers.get(said.layer).copied();
        let id = PackageId::new(&purl, &location);
        Package { id, purl, facts, location, layer, origin: Origin::Unknown, owned_by: None }
    }

    /// The inventory.
    pub(crate) fn finish(mut self, about: About) -> Inventory {
        let mut told = self.told();
        if about.is_incomplete {
            let message = "the SBOM says of itself that it is not the whole";
            told.push(Diagnostic::incomplete(Code::ReportRecordMalformed, message));
        }
        let mut inventory = match self.own.take() {
            Some(own) => {
                // What it says of itself it says by what we know it was.
                if about.is_incomplete && !own.complete {
                    told.pop();
                }
                own
            }
            None => self.foreign(about, &mut told),
        };
        inventory.diagnostics.extend(told.into_iter().map(|told| told.at(self.input.name)));
        inventory.complete &= !inventory.diagnostics.iter().any(|told| told.level == Level::Incomplete);
        inventory.packages = self.packages;
        inventory
    }

    /// What is to be said of the components.
    fn told(&self) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        let mut unsure = |message: String| told.push(Diagnostic::incomplete(Code::ReportRecordMalformed, message));
        if self.nameless > 0 {
            unsure(format!("{} components without a name and a package URL were left out", self.nameless));
        }
        let texts = [
            self.malformed.text("package URL that is none", "package URLs that are none"),
            self.unversioned.text("package without a version", "packages without a version"),
            self.unlocated.text("component without a package URL", "components without a package URL"),
            self.cut.text("component of which not all is read", "components of which not all is read"),
            self.otherwise.text(
                "component whose version is not that of its package URL, which is taken",
                "components whose versions are not those of their package URLs, which are taken",
            ),
        ];
        texts.into_iter().flatten().for_each(&mut unsure);
        if self.full {
            let exceeded = self.input.limits.exceeded(LimitKey::Records, "records");
            told.push(Diagnostic::incomplete(Code::LimitExceeded, exceeded.to_string()));
        }
        let renamed = self.renamed.text(
            "component is named otherwise than its package URL, which is taken",
            "components are named otherwise than their package URLs, which are taken",
        );
        told.extend(renamed.map(|message| Diagnostic::note(Code::ReportLimited, message)));
        if self.aside > 0 {
            let message = format!("{} components are no software (files, containers, data): not looked at", self.aside);
            told.push(Diagnostic::note(Code::ReportLimited, message));
        }
        told
    }

    /// The inventory of somebody else's document, without its packages, which are put into order.
    fn foreign(&mut self, about: About, told: &mut Vec<Diagnostic>) -> Inventory {
        if self.packages.is_empty() {
            let of = match self.components {
                0 => "it names no component".to_owned(),
                count => format!("of its {count} components none is a package"),
            };
            told.push(Diagnostic::incomplete(Code::ReportRecordMalformed, format!("the SBOM says nothing: {of}")));
        }
        if about.observed_at.is_none() {
            let message = "the SBOM does not say when it was made: the time at which it was read is taken";
            told.push(Diagnostic::note(Code::ReportLimited, message));
        }
        let os = self.os(told);
        // Where a program is silent although there is another source, a package's own name is a guess.
        if !NAME_SOURCES.iter().any(|name| about.tool.0.eq_ignore_ascii_case(name)) {
            let guessed = self.packages.iter_mut().filter(|package| self.sourceless.contains(&package.id));
            guessed.for_each(|package| package.facts.source = None);
        }
        self.packages.sort_by(|a, b| {
            let key = |package: &'_ Package| (package.facts.kind, package.purl.kind());
            let text = |a: &PackageFacts, b: &PackageFacts| (&a.name, &a.version).cmp(&(&b.name, &b.version));
            key(a)
                .cmp(&key(b))
                .then_with(|| text(&a.facts, &b.facts))
                .then_with(|| (&a.location, &a.id).cmp(&(&b.location, &b.id)))
        });
        let (name, version) = about.tool;
        Inventory {
            schema: INVENTORY_SCHEMA.to_owned(),
            tool: Tool { name: if name.is_empty() { "unknown".to_owned() } else { name }, version },
            observed_at: about.observed_at.unwrap_or(self.input.read_at),
            source: Source {
                kind: SourceKind::Sbom,
                name: if about.target.is_empty() { self.input.name.to_owned() } else { about.target },
            },
            image: about.image,
            os,
            packages: Vec::new(),
            removed: Vec::new(),
            files: Vec::new(),
            documents: Vec::new(),
            content_sets: Vec::new(),
            complete: true,
            diagnostics: Vec::new(),
        }
    }

    /// The distribution: what the document describes, else what all its package URLs agree on. Packages that are of another
    /// one would be judged by advisories that are not about them.
    fn os(&mut self, told: &mut Vec<Diagnostic>) -> Option<OsRelease> {
        let os = match &mut self.systems[..] {
            [] => {
                let mut said = self.distributions.keys().filter(|(_, version)| !version.is_empty());
                let first = said.next().or_else(|| self.distributions.keys().next())?;
                OsRelease { id: first.0.clone(), version_id: first.1.clone(), ..OsRelease::default() }
            }
            [first, ..] => std::mem::take(first),
        };
        let others: Vec<String> = (self.systems.iter().skip(1).map(OsRelease::distro))
            .chain(self.distributions.iter().filter(|(own, _)| !is_same(own, &os)).map(|((id, version), count)| {
                let version = if version.is_empty() { String::new() } else { format!("-{version}") };
                format!("{id}{version}, {count} packages")
            }))
            .collect();
        if !others.is_empty() {
            let more = if others.len() > 5 { ", …" } else { "" };
            let named = others.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            let message = format!(
                "it is about several distributions; {} is taken, and also there are: {named}{more}",
                os.distro()
            );
            told.push(Diagnostic::incomplete(Code::VulnerabilitiesUnknown, message));
        }
        Some(os)
    }
}

/// Programs that say what packages of distributions were built from wherever that has another name.
const NAME_SOURCES: [&str; 3] = ["sekisho", "syft", "trivy"];

/// Puts the letters of `stated` into a name whose last part a package URL has in lower case.
fn restore_case(name: &mut String, stated: &str) {
    let last = |text: &str| text.rfind('/').map_or(0, |at| at + 1);
    let (own, stated) = (last(name), &stated[last(stated)..]);
    if name[own..].eq_ignore_ascii_case(stated) && !name[own..].bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.replace_range(own.., stated);
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a distribution as package URLs name it is `os`.
fn is_same((id, version): &(String, String), os: &OsRelease) -> bool {
    *id == distribution_id(&os.id) && is_same_release(version, &os.version_id)
}

/// The image that somebody else's document describes, by what it says of it. `layers` are digests of plain bytes.
pub(crate) fn image(
    config_digest: Option<&str>,
    manifest_digest: Option<&str>,
    names: Vec<String>,
    (os, architecture): (&str, &str),
    layers: &[&str],
    labels: Vec<(String, String)>,
) -> Option<Image> {
    let config_digest: Digest = config_digest?.parse().ok()?;
    let part = |text: &str| if text.is_empty() || text.contains('/') { "unknown".to_owned() } else { text.to_owned() };
    let layers = (0..).zip(layers).map(|(index, id)| Layer {
        index,
        digest: None,
        diff_id: id.parse().ok(),
        stored_bytes: 0,
        plain_bytes: 0,
        entries: 0,
        created_by: None,
        origin: Origin::Unknown,
    });
    Some(Image {
        names,
        manifest_digest: manifest_digest.and_then(|digest| digest.parse().ok()),
        config_digest,
        platform: Platform { os: part(os), architecture: part(architecture), variant: None },
        created: None,
        labels,
        config: None,
        layers: layers.collect(),
        history: Vec::new(),
        base: None,
    })
}
