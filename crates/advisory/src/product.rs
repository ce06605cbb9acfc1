//! What VEX statements and exceptions are about: packages by their package URLs, images by digest or name.

use crate::vers::Vers;
use sekisho_model::{Digest, InvalidPurl, Inventory, Purl, PurlParts, SourcePackage, distribution_id, is_same_release};
use std::collections::HashSet;

/// A name of a product or of a component of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A package URL of a package.
    Package(PackagePattern),
    /// A package URL of an image.
    Image(ImageName),
    /// The digest of an image.
    Digest(Digest),
}

impl Name {
    /// Reads a package URL, a digest, or an image reference that ends in one. Other texts (addresses, CPEs) name
    /// nothing that can be compared.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with("pkg:") {
            let digest = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
            return digest.parse().ok().map(Self::Digest);
        }
        let parts = text.parse::<Purl>().ok()?.parts();
        if matches!(&*parts.kind, "oci" | "docker") {
            return ImageName::of(parts).map(Self::Image);
        }
        Some(Self::Package(PackagePattern::of(parts)))
    }
}

/// Which versions a [`PackagePattern`] is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Versions {
    All,
    One(String),
    In(Vers),
}

/// Packages by a package URL, matched as OpenVEX does (`PurlMatches` of `go-vex`, which its specification leaves it to):
/// without a version all versions are meant; qualifiers that are named must be equal, and others do not matter.
///
/// Two ways to write the same are one: the epoch of an rpm or deb in the version or as a qualifier, the `v` of Go, a slash
/// between namespace and name that is encoded, and the names of distributions, their releases and source packages as
/// Trivy, Syft and Red Hat write them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagePattern {
    kind: String,
    name: String,
    versions: Versions,
    qualifiers: Vec<(String, String)>,
    subpath: String,
}

impl PackagePattern {
    /// The packages that `purl` names.
    pub fn parse(purl: &str) -> Result<Self, InvalidPurl> {
        purl.parse().map(|purl: Purl| Self::of(purl.parts()))
    }

    fn of(parts: PurlParts) -> Self {
        let known = KnownPackage::of(parts);
        let versions = if known.version.is_empty() { Versions::All } else { Versions::One(known.version) };
        Self { kind: known.kind, name: known.name, versions, qualifiers: known.qualifiers, subpath: known.subpath }
    }

    /// Type and full name.
    pub(crate) fn key(&self) -> (&str, &str) {
        (&self.kind, &self.name)
    }

    /// Whether it says which versions are meant.
    pub(crate) fn has_version(&self) -> bool {
        self.versions != Versions::All
    }

    /// The same for `version` only; none where this one is for another.
    pub(crate) fn at(self, version: &str) -> Option<Self> {
        let version = plain_version(&self.kind, version);
        match &self.versions {
            Versions::One(own) if own != version => None,
            Versions::In(vers) if !vers.holds(version) => None,
            _ => Some(Self { versions: Versions::One(version.to_owned()), ..self }),
        }
    }

    /// The same for the versions of a range only.
    pub(crate) fn within(self, vers: Vers) -> Option<Self> {
        match &self.versions {
            Versions::One(own) => vers.holds(own).then_some(self),
            Versions::All => Some(Self { versions: Versions::In(vers), ..self }),
            Versions::In(_) => None,
        }
    }

    /// Whether the package is one of them.
    pub fn matches(&self, package: &KnownPackage) -> bool {
        self.kind == package.kind
            && self.name == package.name
            && match &self.versions {
                Versions::All => true,
                Versions::One(version) => *version == package.version,
                Versions::In(vers) => vers.holds(&package.compared),
            }
            && self.subpath == package.subpath
            && self.qualifiers.iter().all(|wanted| package.has(wanted))
    }
}

/// What a distribution's package is of by the names that os-release(5) has, and its source as `name`, or `name@version`
/// where that has another version.
fn plain_distribution(parts: &mut PurlParts) {
    let Some((id, release)) = parts.distribution().map(|(id, release)| (id.to_owned(), release.to_owned())) else {
        return;
    };
    parts.namespace = distribution_id(&parts.namespace).to_owned();
    let epoch = parts.qualifiers.iter().find(|(key, _)| key == "epoch").map(|(_, value)| value.clone());
    let plain = parts.version.split_once(':').map_or(&*parts.version, |(_, rest)| rest).to_owned();
    let is_same = |own: &str| match own.split_once(':') {
        Some((stated, rest)) => rest == plain && (parts.version == own || epoch.as_deref() == Some(stated)),
        // The file of a source package does not name the epoch.
        None => own == plain && (parts.kind == "rpm" || epoch.is_none() && parts.version == own),
    };
    for (key, value) in &mut parts.qualifiers {
        match key.as_str() {
            "distro" => *value = if release.is_empty() { id.clone() } else { format!("{id}-{release}") },
            "upstream" => {
                let stated = match SourcePackage::of_rpm(value) {
                    Some(source) => Some((source.name, source.version)),
                    None => value.split_once('@').map(|(name, own)| (name.to_owned(), own.to_owned())),
                };
                if let Some((name, own)) = stated {
                    *value = if is_same(&own) { name } else { format!("{name}@{own}") };
                }
            }
            _ => {}
        }
    }
}

/// Whether two values of `distro` mean the same release.
fn is_same_distribution(a: &str, b: &str) -> bool {
    match (a.rsplit_once('-'), b.rsplit_once('-')) {
        (Some((a, of_a)), Some((b, of_b))) => {
            a == b && !of_a.is_empty() && !of_b.is_empty() && is_same_release(of_a, of_b)
        }
        _ => false,
    }
}

/// The version without what may as well be left out.
fn plain_version<'a>(kind: &str, version: &'a str) -> &'a str {
    match kind {
        "golang" => version.strip_prefix('v').unwrap_or(version),
        "deb" | "apk" => version.strip_prefix("0:").unwrap_or(version),
        _ => version,
    }
}

/// A package as it is compared with patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPackage {
    kind: String,
    name: String,
    version: String,
    /// The version with its epoch, as its scheme orders it.
    compared: String,
    qualifiers: Vec<(String, String)>,
    subpath: String,
}

impl KnownPackage {
    /// The package with this package URL.
    pub fn new(purl: &Purl) -> Self {
        Self::of(purl.parts())
    }

    /// Type and full name.
    pub(crate) fn key(&self) -> (&str, &str) {
        (&self.kind, &self.name)
    }

    /// Whether it has a qualifier; of a release of its distribution the last numbers may not be told.
    fn has(&self, (wanted, value): &(String, String)) -> bool {
        let is = |own: &str| own == value || wanted == "distro" && is_same_distribution(own, value);
        self.qualifiers.iter().any(|(key, own)| key == wanted && is(own))
    }

    fn of(mut parts: PurlParts) -> Self {
        plain_distribution(&mut parts);
        let PurlParts { kind, namespace, name, version, mut qualifiers, subpath } = parts;
        let name = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
        let stated = qualifiers.iter().position(|(key, _)| key == "epoch").map(|at| qualifiers.remove(at).1);
        let stated = stated.filter(|epoch| epoch != "0");
        let (version, epoch) = match (&*kind, version.split_once(':')) {
            ("rpm", Some((epoch, rest))) => (rest.to_owned(), Some(epoch.to_owned()).filter(|epoch| epoch != "0")),
            _ => (version, stated),
        };
        let mut compared = plain_version(&kind, &version).to_owned();
        if let Some(epoch) = epoch {
            let with = format!("{epoch}:{compared}");
            match &*kind {
                // As a qualifier, so that a pattern that has none is for every epoch.
                "rpm" => {
                    qualifiers.push(("epoch".to_owned(), epoch));
                    return Self { kind, name, version: compared, compared: with, qualifiers, subpath };
                }
                _ if compared.is_empty() => {}
                _ => compared = with,
            }
        }
        Self { kind, name, version: compared.clone(), compared, qualifiers, subpath }
    }
}

/// An image by a package URL: `pkg:oci/NAME@DIGEST?repository_url=…&tag=…&arch=…`, or `pkg:docker/NAME@TAG-OR-DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    digest: Option<Digest>,
    /// In lower case, the last part of the repository.
    name: String,
    /// In full.
    repository: Option<String>,
    tag: Option<String>,
    arch: Option<String>,
    os: Option<String>,
}

impl ImageName {
    /// None where it has a qualifier that cannot be compared.
    fn of(parts: PurlParts) -> Option<Self> {
        let PurlParts { kind, namespace, name, version, qualifiers, subpath } = parts;
        let name = name.to_lowercase();
        let digest = version.parse().ok();
        if digest.is_none() && version.contains(':') || !subpath.is_empty() {
            return None;
        }
        let tag = Some(version).filter(|tag| digest.is_none() && !tag.is_empty());
        let path = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
        let full = (kind == "docker").then(|| repository(&path));
        let mut image = Self { digest, name, repository: full, tag, arch: None, os: None };
        for (key, value) in qualifiers {
            match &*key {
                "repository_url" => {
                    let address = value.split_once("://").map_or(&*value, |(_, rest)| rest).trim_end_matches('/');
                    let last = address.rsplit_once('/').map_or("", |(_, last)| last);
                    // Some write where the image is, and some what it is called there.
                    let whole = if last.eq_ignore_ascii_case(&image.name) {
                        address.to_owned()
                    } else {
                        format!("{address}/{}", image.name)
                    };
                    image.repository = Some(repository(&whole));
                }
                "tag" => image.tag = Some(value),
                "arch" => image.arch = Some(value),
                "os" => image.os = Some(value),
                _ => return None,
            }
        }
        Some(image)
    }

    /// An image that is called so (`debian:12`), with the digest that stands for it where there is one.
    pub(crate) fn called(reference: &str, digest: Option<Digest>) -> Self {
        let (repository, tag) = split_reference(reference);
        let name = repository.rsplit_once('/').map_or(&*repository, |(_, name)| name).to_owned();
        Self { digest, name, repository: Some(repository), tag, arch: None, os: None }
    }
}

/// A repository in full, as Docker completes it.
fn repository(text: &str) -> String {
    let text = text.to_lowercase();
    let (registry, path) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", &*text),
    };
    let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
    let library = if registry == "docker.io" && !path.contains('/') { "library/" } else { "" };
    format!("{registry}/{library}{path}")
}

/// Repository and tag of a reference; a digest in it is left out, since it is not ours.
fn split_reference(reference: &str) -> (String, Option<String>) {
    let rest = reference.split('@').next().unwrap_or_default();
    match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((rest, tag)) => (repository(rest), Some(tag.to_owned())),
        None => (repository(rest), None),
    }
}

/// How sure it is that an image is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sure {
    /// By its name, which the archive gives itself.
    Named,
    /// By its digest, which we computed.
    Certain,
}

/// The image that was scanned, as it is compared with names.
#[derive(Debug, Default)]
pub(crate) struct KnownImage {
    digests: HashSet<Digest>,
    names: Vec<(String, Option<String>)>,
    arch: String,
    os: String,
}

impl KnownImage {
    pub(crate) fn of(inventory: &Inventory) -> Option<Self> {
        let image = inventory.image.as_ref()?;
        Some(Self {
            digests: image.manifest_digest.into_iter().chain([image.config_digest]).collect(),
            names: image.names.iter().map(|name| split_reference(name)).collect(),
            arch: image.platform.architecture.clone(),
            os: image.platform.os.clone(),
        })
    }

    /// Whether `name` is its name. A digest decides alone: wherever a copy lies, it is the same content.
    pub(crate) fn is(&self, name: &Name) -> Option<Sure> {
        let name = match name {
            Name::Package(_) => return None,
            Name::Digest(digest) => return self.digests.contains(digest).then_some(Sure::Certain),
            Name::Image(name) => name,
        };
        if let Some(digest) = name.digest {
            return self.digests.contains(&digest).then_some(Sure::Certain);
        }
        let is_named = |(repository, tag): &(String, Option<String>)| {
            let last = repository.rsplit_once('/').map_or(&**repository, |(_, last)| last);
            last == name.name
                && name.repository.as_ref().is_none_or(|wanted| wanted == repository)
                && name.tag.as_ref().is_none_or(|wanted| tag.as_ref() == Some(wanted))
        };
        let fits = name.arch.as_ref().is_none_or(|arch| *arch == self.arch)
            && name.os.as_ref().is_none_or(|os| *os == self.os);
        (fits && self.names.iter().any(is_named)).then_some(Sure::Named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, package: &str, expect: bool) {
        let pattern = PackagePattern::parse(pattern).unwrap();
        assert_eq!(pattern.matches(&KnownPackage::new(&package.parse().unwrap())), expect, "{package}");
    }

    /// go-vex, `PurlMatches` and its documentation: the first is the more general.
    #[test]
    fn package_urls_match_as_openvex_says() {
        let bash = "pkg:apk/wolfi/bash@1.0.0?arch=x86_64&distro=wolfi-1";
        check("pkg:apk/wolfi/bash@1.0.0?arch=x86_64&distro=wolfi-1", bash, true);
        check("pkg:apk/wolfi/bash@1.0.0", bash, true);
        check("pkg:apk/wolfi/bash", bash, true);
        check("pkg:apk/wolfi/bash?arch=x86_64", bash, true);
        check("pkg:apk/wolfi/bash?arch=aarch64", bash, false);
        check("pkg:apk/wolfi/bash?arch=x86_64&os=linux", bash, false);
        check("pkg:apk/wolfi/bash@2.0.0", bash, false);
        check("pkg:apk/alpine/bash", bash, false);
        check("pkg:apk/bash", bash, false);
        check("pkg:apk/wolfi/bash-doc", bash, false);
        check("pkg:deb/wolfi/bash", bash, false);
        check("pkg:apk/wolfi/bash@1.0.0", "pkg:apk/wolfi/bash", false);
    }

    /// Epochs: Trivy writes those of debs as a qualifier, rpm's type definition asks for that.
    #[test]
    fn the_same_written_in_two_ways_is_the_same() {
        let git = "pkg:deb/debian/git@1:2.39.5-0+deb12u2?arch=amd64";
        check("pkg:deb/debian/git@2.39.5-0%2Bdeb12u2?epoch=1", git, true);
        check("pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u2", git, true);
        check("pkg:deb/debian/git@2.39.5-0%2Bdeb12u2", git, false);
        let bash = "pkg:rpm/redhat/bash@5.1-1.el9?arch=x86_64&epoch=2";
        check("pkg:rpm/redhat/bash@5.1-1.el9", bash, true);
        check("pkg:rpm/redhat/bash@2:5.1-1.el9", bash, true);
        check("pkg:rpm/redhat/bash@5.1-1.el9?epoch=3", bash, false);
        check("pkg:rpm/redhat/bash@5.1-1.el9?epoch=0", "pkg:rpm/redhat/bash@5.1-1.el9", true);
        // govulncheck encodes the slashes of a module's path.
        check("pkg:golang/golang.org%2Fx%2Ftext@v0.3.0", "pkg:golang/golang.org/x/text@v0.3.0", true);
        check("pkg:golang/golang.org/x/text@0.3.0", "pkg:golang/golang.org/x/text@v0.3.0", true);
        check("pkg:golang/golang.org/x/text@v0.3.0#language", "pkg:golang/golang.org/x/text@v0.3.0", false);
        check("pkg:npm/%40babel/core", "pkg:npm/%40babel/core@7.1.0", true);
        check("pkg:pypi/Foo_Bar@1.0", "pkg:pypi/foo-bar@1.0", true);
    }

    /// As Trivy 0.59 and Syft 1.18 write packages of images that we write otherwise.
    #[test]
    fn dialects_are_the_same() {
        let git = "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12";
        check("pkg:deb/debian/git@2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12.5&epoch=1", git, true);
        check("pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12", git, true);
        check("pkg:deb/debian/git?distro=debian-1", git, false);
        check("pkg:deb/debian/git?distro=debian-11", git, false);
        check("pkg:deb/debian/git?distro=ubuntu-12", git, false);
        let musl = "pkg:apk/alpine/musl@1.2.3-r0?arch=x86_64&distro=alpine-3.16.2";
        check("pkg:apk/alpine/musl@1.2.3-r0?arch=x86_64&distro=3.16.2", musl, true);
        check("pkg:apk/alpine/musl@1.2.3-r0?arch=x86_64&distro=3.17.2", musl, false);
        let uuid = "pkg:rpm/rhel/libuuid@2.32.1-42.el8_8?arch=x86_64&distro=rhel-8.8&upstream=util-linux";
        check("pkg:rpm/redhat/libuuid@2.32.1-42.el8_8?arch=x86_64&distro=redhat-8.8", uuid, true);
        let file = "upstream=util-linux-2.32.1-42.el8_8.src.rpm";
        check(&format!("pkg:rpm/redhat/libuuid@2.32.1-42.el8_8?distro=rhel-8.8&{file}"), uuid, true);
        check(&format!("pkg:rpm/redhat/libuuid@2.32.1-42.el8_8?{}", file.replace("2.32", "2.33")), uuid, false);
        let epoch = "pkg:rpm/rhel/bind@9.11-1.el8?distro=rhel-8.8&epoch=32&upstream=bind%409.11-1.el8";
        check("pkg:rpm/redhat/bind@9.11-1.el8?epoch=32&upstream=bind-9.11-1.el8.src.rpm", epoch, true);
    }

    #[test]
    fn versions_are_narrowed_never_widened() {
        let pattern = |text: &str| PackagePattern::parse(text).unwrap();
        let vers = |text: &str| Vers::parse(text).unwrap();
        let known = |text: &str| KnownPackage::new(&text.parse().unwrap());
        assert_eq!(pattern("pkg:npm/a@1.0.0").at("2.0.0"), None);
        assert_eq!(pattern("pkg:npm/a@1.0.0").within(vers("vers:npm/>1.0.0")), None);
        assert_eq!(pattern("pkg:npm/a@1.0.0").at("1.0.0"), Some(pattern("pkg:npm/a@1.0.0")));
        let within = pattern("pkg:rpm/a/b").within(vers("vers:rpm/<1:1.0")).unwrap();
        assert!(within.matches(&known("pkg:rpm/a/b@9.0")) && !within.matches(&known("pkg:rpm/a/b@9.0?epoch=1")));
        assert!(pattern("pkg:golang/a/b").at("1.0.0").unwrap().matches(&known("pkg:golang/a/b@v1.0.0")));
    }

    /// The purl type `oci`: the name is the last part of the repository, in lower case; the version is a digest.
    #[test]
    fn images_are_known_by_digest_or_by_name() {
        let (manifest, config) = (Digest::of(b"manifest"), Digest::of(b"config"));
        let image = KnownImage {
            digests: HashSet::from([manifest, config]),
            names: vec![
                ("docker.io/library/debian".into(), Some("12".into())),
                ("ghcr.io/org/app".into(), Some("v1".into())),
            ],
            arch: "amd64".into(),
            os: "linux".into(),
        };
        let check = |text: &str, expect: Option<Sure>| {
            let name = Name::parse(text).unwrap_or_else(|| panic!("{text} is not read"));
            assert_eq!(image.is(&name), expect, "{text}");
        };
        check(&format!("pkg:oci/debian@{manifest}"), Some(Sure::Certain));
        check(&format!("pkg:oci/mirrored@{config}?repository_url=example.com/mirrored"), Some(Sure::Certain));
        check(&format!("pkg:oci/debian@{}", Digest::of(b"another")), None);
        check(&manifest.to_string(), Some(Sure::Certain));
        check(&format!("ghcr.io/org/app@{manifest}"), Some(Sure::Certain));
        check("pkg:oci/debian", Some(Sure::Named));
        check("pkg:oci/Debian?tag=12", Some(Sure::Named));
        check("pkg:oci/debian?tag=11", None);
        check("pkg:oci/debian?arch=amd64", Some(Sure::Named));
        check("pkg:oci/debian?arch=arm64", None);
        check("pkg:oci/debian?repository_url=index.docker.io/library/debian", Some(Sure::Named));
        check("pkg:oci/app?repository_url=ghcr.io/org/app", Some(Sure::Named));
        check("pkg:oci/app?repository_url=ghcr.io/org", Some(Sure::Named));
        check("pkg:oci/app?repository_url=ghcr.io/other", None);
        check("pkg:oci/ubuntu", None);
        check("pkg:docker/debian@12", Some(Sure::Named));
        check("pkg:docker/org/debian@12", None);
        check("pkg:deb/debian/bash", None);
        for text in ["https://example.com/app", "cpe:/o:redhat:enterprise_linux:9", "debian", "pkg:oci/a?x=y", "pkg:"] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
