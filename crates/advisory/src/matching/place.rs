//! Where a package is looked up: its ecosystem, the releases that are its distribution's, and its name there.

use crate::db::{Header, PackageKey, PlaceCount};
use crate::ecosystem::Ecosystem;
use crate::version::Scheme;
use sekisho_model::{Inventory, OsRelease, PackageFacts, PackageKind};
use std::collections::BTreeSet;

/// The distribution of an inventory, with the releases of it that a database knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Distribution {
    pub(super) ecosystem: Ecosystem,
    /// `None` stands for a distribution without releases.
    pub(super) releases: Vec<Option<String>>,
    /// The same of support that is paid for: packages tell whether they come from there.
    pub(super) extended: Vec<Option<String>>,
}

impl Distribution {
    /// The distribution that `os` is; none where its advisories are nobody's that we read.
    pub(super) fn of(os: &OsRelease, header: &Header) -> Option<Self> {
        let ecosystem = ecosystem_of(&os.id)?;
        let known =
            header.counts.places.iter().filter(|place| place.ecosystem == ecosystem).map(|place| &place.release);
        // What is said without a release holds in all, and covers none of those that there are.
        let rolling = is_rolling(ecosystem);
        let own =
            |release: &Option<String>| release.as_ref().map_or(rolling, |release| is_release(ecosystem, os, release));
        let paid = |release: &Option<String>| match release.as_deref().and_then(|release| release.strip_prefix("Pro:"))
        {
            Some(release) => ecosystem == Ecosystem::Ubuntu && is_release(ecosystem, os, release),
            None => false,
        };
        let which =
            |of: &dyn Fn(&Option<String>) -> bool| known.clone().filter(|release| of(release)).cloned().collect();
        let (mut releases, extended): (Vec<_>, Vec<_>) = (which(&own), which(&paid));
        if !releases.is_empty() && !rolling && known.clone().any(Option::is_none) {
            releases.push(None);
        }
        Some(Self { ecosystem, releases, extended })
    }
}

/// Whether a distribution has no releases.
fn is_rolling(ecosystem: Ecosystem) -> bool {
    matches!(
        ecosystem,
        Ecosystem::Wolfi | Ecosystem::Chainguard | Ecosystem::MinimOs | Ecosystem::ArchLinux | Ecosystem::Gentoo
    )
}

/// The packages of a distribution.
pub(super) fn kind_of(ecosystem: Ecosystem) -> PackageKind {
    match ecosystem {
        Ecosystem::Debian | Ecosystem::Ubuntu | Ecosystem::Echo => PackageKind::Deb,
        Ecosystem::Alpine
        | Ecosystem::Wolfi
        | Ecosystem::Chainguard
        | Ecosystem::MinimOs
        | Ecosystem::Alpaquita
        | Ecosystem::BellSoftHardenedContainers
        | Ecosystem::CleanStart => PackageKind::Apk,
        Ecosystem::ArchLinux => PackageKind::Alpm,
        Ecosystem::Gentoo => PackageKind::Portage,
        _ => PackageKind::Rpm,
    }
}

/// Whether a version is of Ubuntu Pro: `1.1.1-1ubuntu2.1~18.04.23+esm5`. What was mended there the common advisories do
/// not know.
pub(super) fn is_of_pro(version: &str) -> bool {
    let mut parts = version.split(['+', '~']).skip(1);
    parts.any(|part| {
        let number = part.strip_prefix("esm").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Whether what is said about a place can concern a package of the inventory.
pub(super) fn concerns(inventory: &Inventory) -> impl Fn(&PlaceCount) -> bool + use<'_> {
    let languages: BTreeSet<Ecosystem> =
        inventory.packages.iter().filter_map(|package| language_of(package.facts.kind)).collect();
    let system = inventory.os.as_ref().and_then(|os| Some((ecosystem_of(&os.id)?, os)));
    move |PlaceCount { ecosystem, release, .. }| {
        let own = |(distribution, os): (Ecosystem, &OsRelease)| {
            let of = |release: &String| is_release(distribution, os, release.strip_prefix("Pro:").unwrap_or(release));
            distribution == *ecosystem && release.as_ref().is_none_or(of)
        };
        languages.contains(ecosystem) || system.is_some_and(own)
    }
}

/// The `ID` of os-release(5) of each distribution.
pub(super) fn ecosystem_of(id: &str) -> Option<Ecosystem> {
    Some(match id {
        "debian" => Ecosystem::Debian,
        "ubuntu" => Ecosystem::Ubuntu,
        "alpine" => Ecosystem::Alpine,
        "arch" => Ecosystem::ArchLinux,
        "gentoo" => Ecosystem::Gentoo,
        "almalinux" => Ecosystem::AlmaLinux,
        "rocky" => Ecosystem::RockyLinux,
        "rhel" | "centos" => Ecosystem::RedHat,
        "amzn" => Ecosystem::AmazonLinux,
        "sles" | "sled" => Ecosystem::Suse,
        "opensuse-leap" | "opensuse-tumbleweed" | "opensuse" => Ecosystem::OpenSuse,
        "wolfi" => Ecosystem::Wolfi,
        "chainguard" => Ecosystem::Chainguard,
        "minimos" => Ecosystem::MinimOs,
        "alpaquita" => Ecosystem::Alpaquita,
        "mageia" => Ecosystem::Mageia,
        "openeuler" => Ecosystem::OpenEuler,
        "photon" => Ecosystem::PhotonOs,
        "azurelinux" | "mariner" => Ecosystem::AzureLinux,
        "ol" => Ecosystem::OracleLinux,
        "fedora" => Ecosystem::Fedora,
        _ => return None,
    })
}

/// Whether advisories for `release`, as feeds write it, hold for this system.
fn is_release(ecosystem: Ecosystem, os: &OsRelease, release: &str) -> bool {
    let version = os.version_id.as_str();
    let major = version.split('.').next().unwrap_or_default();
    let minor = version.split('.').nth(1);
    match ecosystem {
        // A rolling Debian names no version.
        Ecosystem::Debian if version.is_empty() => matches!(release, "sid" | "unstable"),
        Ecosystem::Debian
        | Ecosystem::AlmaLinux
        | Ecosystem::RockyLinux
        | Ecosystem::AzureLinux
        | Ecosystem::OracleLinux => release == major,
        // `22.04:LTS`
        Ecosystem::Ubuntu => release.strip_suffix(":LTS").unwrap_or(release) == version,
        Ecosystem::Alpine => match minor {
            // `3.21_alpha20240807`
            Some(minor) if minor.contains('_') => release == "edge",
            Some(minor) => release.strip_prefix('v').and_then(|rest| rest.split_once('.')) == Some((major, minor)),
            None => release == "edge",
        },
        // The CPE of the product, without support beyond the common one: `enterprise_linux:9::appstream`.
        Ecosystem::RedHat => {
            let rest = release.strip_prefix("enterprise_linux:").unwrap_or_default();
            let of = rest.split(':').next().unwrap_or_default();
            !of.is_empty() && (of == major || of == version)
        }
        Ecosystem::AmazonLinux | Ecosystem::Mageia | Ecosystem::PhotonOs | Ecosystem::Fedora | Ecosystem::Alpaquita => {
            release == version
        }
        // `24.03-LTS-SP1`, which a system writes `openEuler 24.03 (LTS-SP1)`.
        Ecosystem::OpenEuler => {
            let words = os.pretty_name.as_deref().unwrap_or_default();
            let name: String = words.split_whitespace().skip(1).collect::<Vec<_>>().join("-");
            release == name.replace(['(', ')'], "")
        }
        // `Linux Enterprise Server 15 SP5`, `Leap 15.5`, `Tumbleweed`.
        Ecosystem::Suse => {
            let words = match minor {
                Some(minor) if minor != "0" => format!("Linux Enterprise Server {major} SP{minor}"),
                _ => format!("Linux Enterprise Server {major}"),
            };
            release == words
        }
        Ecosystem::OpenSuse => match release.strip_prefix("Leap ") {
            Some(leap) => os.id != "opensuse-tumbleweed" && leap == version,
            None => release == "Tumbleweed" && os.id == "opensuse-tumbleweed",
        },
        _ => false,
    }
}

/// The ecosystem of a language package.
pub(super) fn language_of(kind: PackageKind) -> Option<Ecosystem> {
    match kind {
        PackageKind::Pypi => Some(Ecosystem::PyPi),
        PackageKind::Npm => Some(Ecosystem::Npm),
        PackageKind::Golang => Some(Ecosystem::Go),
        PackageKind::Maven => Some(Ecosystem::Maven),
        PackageKind::Gem => Some(Ecosystem::RubyGems),
        PackageKind::Composer => Some(Ecosystem::Packagist),
        PackageKind::Nuget => Some(Ecosystem::NuGet),
        PackageKind::Cargo => Some(Ecosystem::CratesIo),
        PackageKind::Pub => Some(Ecosystem::Pub),
        PackageKind::Hex => Some(Ecosystem::Hex),
        PackageKind::Swift => Some(Ecosystem::SwiftUrl),
        PackageKind::Conan => Some(Ecosystem::ConanCenter),
        PackageKind::Julia => Some(Ecosystem::Julia),
        PackageKind::Cran => Some(Ecosystem::Cran),
        PackageKind::Hackage => Some(Ecosystem::Hackage),
        PackageKind::Deb
        | PackageKind::Apk
        | PackageKind::Rpm
        | PackageKind::Alpm
        | PackageKind::Portage
        | PackageKind::Cocoapods
        | PackageKind::Conda
        | PackageKind::Wordpress
        | PackageKind::Generic => None,
    }
}

/// How the versions of a kind of package are ordered.
pub(crate) fn scheme_of(kind: PackageKind) -> Scheme {
    match kind {
        PackageKind::Deb => Scheme::Dpkg,
        PackageKind::Apk => Scheme::Apk,
        PackageKind::Rpm => Scheme::Rpm,
        PackageKind::Alpm => Scheme::Pacman,
        PackageKind::Portage => Scheme::Portage,
        _ => language_of(kind).map_or(Scheme::Generic, Ecosystem::scheme),
    }
}

/// A name and a version to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look<'a> {
    pub(super) name: String,
    pub(super) version: &'a str,
    /// Whether this is the source package.
    pub(super) source: bool,
}

/// What to look up for a package: itself, and the source that a distribution built it from where that is another.
pub(super) fn looks(ecosystem: Ecosystem, facts: &PackageFacts) -> Vec<Look<'_>> {
    let own = || Look { name: ecosystem.normalize_name(&facts.name), version: &facts.version, source: false };
    let source = facts.source.as_ref().map(|source| Look {
        name: ecosystem.normalize_name(&source.name),
        version: &source.version,
        source: true,
    });
    if ecosystem.names_source_packages() {
        return vec![source.unwrap_or_else(|| Look { source: true, ..own() })];
    }
    std::iter::once(own()).chain(source).collect()
}

/// The key of `look` in a release.
pub(super) fn key<'a>(ecosystem: Ecosystem, release: Option<&'a str>, look: &'a Look<'_>) -> PackageKey<'a> {
    PackageKey { ecosystem, release, name: &look.name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_those_of_the_system() {
        let check = |id: &str, version: &str, expect: &[&str]| {
            let pretty_name = Some("openEuler 24.03 (LTS-SP1)".to_owned()).filter(|_| id == "openeuler");
            let os =
                OsRelease { id: id.to_owned(), version_id: version.to_owned(), pretty_name, ..OsRelease::default() };
            let ecosystem = ecosystem_of(id).unwrap();
            let known = [
                "10",
                "11",
                "12",
                "sid",
                "8",
                "9",
                "22.04",
                "22.04:LTS",
                "Pro:22.04:LTS",
                "v3.2",
                "v3.20",
                "edge",
                "enterprise_linux:9::appstream",
                "enterprise_linux:9",
                "enterprise_linux:8::baseos",
                "rhel_eus:9.2::baseos",
                "2",
                "2023",
                "Linux Enterprise Server 15 SP5",
                "Linux Enterprise Server 15",
                "Leap 15.5",
                "Tumbleweed",
                "5.0",
                "3",
                "23",
                "24.03-LTS-SP1",
            ];
            let got: Vec<&str> = known.into_iter().filter(|release| is_release(ecosystem, &os, release)).collect();
            assert_eq!(got, expect, "{id} {version}");
        };
        check("debian", "12", &["12"]);
        check("debian", "", &["sid"]);
        check("ubuntu", "22.04", &["22.04", "22.04:LTS"]);
        check("alpine", "3.20.1", &["v3.20"]);
        check("alpine", "3.2.0", &["v3.2"]);
        check("alpine", "3.21_alpha20240807", &["edge"]);
        check("almalinux", "9.4", &["9"]);
        check("rocky", "8.10", &["8"]);
        check("rhel", "9.4", &["enterprise_linux:9::appstream", "enterprise_linux:9"]);
        check("amzn", "2", &["2"]);
        check("amzn", "2023", &["2023"]);
        check("sles", "15.5", &["Linux Enterprise Server 15 SP5"]);
        check("sles", "15", &["Linux Enterprise Server 15"]);
        check("opensuse-leap", "15.5", &["Leap 15.5"]);
        check("opensuse-tumbleweed", "20240101", &["Tumbleweed"]);
        check("photon", "5.0", &["5.0"]);
        check("azurelinux", "3.0.20240101", &["3"]);
        check("mariner", "2.0", &["2"]);
        check("alpaquita", "23", &["23"]);
        check("openeuler", "24.03", &["24.03-LTS-SP1"]);
        check("ol", "9.4", &["9"]);
    }
}
