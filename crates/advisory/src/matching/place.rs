//! Where a package is looked up: its ecosystem, the releases that are its distribution's, and its name there.

use crate::db::{Header, PackageKey, PlaceCount};
use crate::ecosystem::Ecosystem;
use crate::version::Scheme;
use sekisho_model::{Inventory, OsRelease, PackageFacts, PackageKind, SourcePackage};
use std::collections::BTreeSet;

/// The distribution of an inventory, with the releases of it that a database knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Distribution {
    pub(super) ecosystem: Ecosystem,
    /// `None` stands for a distribution without releases.
    pub(super) releases: Vec<Option<String>>,
    /// Releases that go beyond those, by support that is paid for or by a later minor release: they tell of what the others
    /// say nothing of. Ubuntu's packages tell whether they come from there.
    pub(super) further: Vec<Option<String>>,
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
        let beyond =
            |release: &Option<String>| release.as_ref().is_some_and(|release| is_further(ecosystem, os, release));
        let which =
            |of: &dyn Fn(&Option<String>) -> bool| known.clone().filter(|release| of(release)).cloned().collect();
        let (mut releases, further): (Vec<_>, Vec<_>) = (which(&own), which(&beyond));
        if !releases.is_empty() && !rolling && known.clone().any(Option::is_none) {
            releases.push(None);
        }
        Some(Self { ecosystem, releases, further })
    }
}

/// All of a system that decides which releases are its own ([`Distribution::of`]): what two have in common is judged alike.
pub(crate) fn matched_by(os: &OsRelease) -> OsRelease {
    // Only openEuler's service packs are told by nothing else.
    let named = ecosystem_of(&os.id) == Some(Ecosystem::OpenEuler);
    let pretty_name = os.pretty_name.clone().filter(|_| named);
    OsRelease { id: os.id.clone(), version_id: os.version_id.clone(), pretty_name, ..OsRelease::default() }
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
            let of = |release: &String| is_release(distribution, os, release) || is_further(distribution, os, release);
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
        | Ecosystem::AmazonLinux
        | Ecosystem::OracleLinux => release == major,
        // `22.04:LTS`
        Ecosystem::Ubuntu => release.strip_suffix(":LTS").unwrap_or(release) == version,
        Ecosystem::Alpine => match minor {
            // `3.21_alpha20240807`
            Some(minor) if minor.contains('_') => release == "edge",
            Some(minor) => release.strip_prefix('v').and_then(|rest| rest.split_once('.')) == Some((major, minor)),
            None => release == "edge",
        },
        Ecosystem::RedHat => match of_red_hat(release) {
            Some((of, None)) => of == major,
            // A stream without minor releases is ahead of all of them.
            Some((of, Some(least))) => of == major && minor.is_none_or(|minor| number(least) <= number(minor)),
            None => false,
        },
        Ecosystem::Mageia | Ecosystem::PhotonOs | Ecosystem::Fedora | Ecosystem::Alpaquita => release == version,
        // `24.03-LTS-SP1`, which a system writes `openEuler 24.03 (LTS-SP1)`.
        Ecosystem::OpenEuler => {
            let words = os.pretty_name.as_deref().unwrap_or_default();
            let name: String = words.split_whitespace().skip(1).collect::<Vec<_>>().join("-");
            release == name.replace(['(', ')'], "")
        }
        Ecosystem::Suse => is_release_of_suse(version, release),
        // `Leap 15.5`, `Tumbleweed`.
        Ecosystem::OpenSuse => match release.strip_prefix("Leap ") {
            Some(leap) => os.id != "opensuse-tumbleweed" && leap == version,
            None => release == "Tumbleweed" && os.id == "opensuse-tumbleweed",
        },
        _ => false,
    }
}

/// Whether advisories for `release` say something of this system that those of its own releases may not: Ubuntu's of what
/// only Pro mends (`Pro:18.04:LTS`), and Red Hat's of what a later minor release mends.
fn is_further(ecosystem: Ecosystem, os: &OsRelease, release: &str) -> bool {
    match ecosystem {
        Ecosystem::Ubuntu => release.strip_prefix("Pro:").is_some_and(|release| is_release(ecosystem, os, release)),
        Ecosystem::RedHat => {
            let major = os.version_id.split('.').next().unwrap_or_default();
            of_red_hat(release).is_some_and(|(of, _)| of == major) && !is_release(ecosystem, os, release)
        }
        _ => false,
    }
}

/// Major and minor release of Red Hat's CPE, without support beyond the common one: `enterprise_linux:9::appstream`. From
/// 10 on what a minor release mends is told of that one, `enterprise_linux:10.1`, and what is not mended of all.
fn of_red_hat(release: &str) -> Option<(&str, Option<&str>)> {
    let of = release.strip_prefix("enterprise_linux:")?.split(':').next()?;
    let (major, minor) = of.split_once('.').map_or((of, None), |(major, minor)| (major, Some(minor)));
    (!major.is_empty()).then_some((major, minor))
}

/// A number that stands in a version; one that is none is the largest.
fn number(text: &str) -> u32 {
    text.parse().unwrap_or(u32::MAX)
}

/// Whether a product of SUSE is of this version of Linux Enterprise. From 15 on most packages are not of the server but of
/// one of its modules, each with its own name: `Linux Enterprise Module for Basesystem 15 SP5`. Longer support goes by
/// `Linux Enterprise Server 15 SP3-LTSS` and the like, whose builds are newer ones of the same packages. Modules of 12 are
/// of all its service packs: `Linux Enterprise Module for Web and Scripting 12`.
fn is_release_of_suse(version: &str, release: &str) -> bool {
    let Some(product) = release.strip_prefix("Linux Enterprise ") else { return false };
    let mut words = product.rsplit(' ').map(|word| word.split('-').next().unwrap_or_default());
    let last = words.next().unwrap_or_default();
    let (major, pack) = match last.strip_prefix("SP") {
        Some(pack) => (words.next().unwrap_or_default(), pack),
        None => (last, "0"),
    };
    let (own, own_pack) = version.split_once('.').unwrap_or((version, "0"));
    let of_all_packs = pack == "0" && own == "12" && product.contains("Module for ");
    // From 16 on versions are written as the system does: `16.0`.
    last == version || major == own && (pack == own_pack || of_all_packs)
}

/// The ecosystem of a language package.
pub(crate) fn language_of(kind: PackageKind) -> Option<Ecosystem> {
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
    /// When an epoch counts.
    pub(super) epochs: Epochs,
}

/// When the epochs of two versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Epochs {
    /// Always; a version without one has 0.
    Always,
    /// Where the advisory's version has one. Those that are made from the names of files never do (openEuler), others
    /// always (Rocky Linux).
    Stated,
    /// Never: that of the package is not known.
    Never,
}

impl Epochs {
    /// Both versions as they are compared.
    pub(super) fn of<'v>(self, own: &'v str, theirs: &'v str) -> (&'v str, &'v str) {
        fn without(version: &str) -> &str {
            version.split_once(':').map_or(version, |(_, rest)| rest)
        }
        match self {
            Self::Always => (own, theirs),
            Self::Stated if theirs.contains(':') => (own, theirs),
            Self::Stated | Self::Never => (without(own), without(theirs)),
        }
    }
}

/// What to look up for a package: itself, and the source that a distribution built it from where that is another.
pub(super) fn looks(ecosystem: Ecosystem, facts: &PackageFacts) -> Vec<Look<'_>> {
    let own = || Look {
        name: ecosystem.normalize_name(&facts.name),
        version: &facts.version,
        source: false,
        epochs: Epochs::Always,
    };
    let source = facts.source.as_ref().map(|source| {
        let (version, epochs) = version_of_source(facts, source);
        Look { name: ecosystem.normalize_name(&source.name), version, source: true, epochs }
    });
    if ecosystem.names_source_packages() {
        // Where it is not known the name of the package itself may be right.
        return vec![source.unwrap_or_else(|| Look { source: true, ..own() })];
    }
    std::iter::once(own()).chain(source).collect()
}

/// The version of the source that a package was built from, and when its epoch counts. rpm names a source by its file, whose
/// name has no epoch. A package of the same version and release has that of its source; one of another version, such as
/// `perl-Errno` of `perl`, has its own.
fn version_of_source<'a>(facts: &'a PackageFacts, source: &'a SourcePackage) -> (&'a str, Epochs) {
    let own = facts.version.split_once(':').map_or(facts.version.as_str(), |(_, rest)| rest);
    if facts.kind != PackageKind::Rpm {
        (&source.version, Epochs::Always)
    } else if source.version.contains(':') {
        (&source.version, Epochs::Stated)
    } else if own == source.version {
        (&facts.version, Epochs::Stated)
    } else {
        (&source.version, Epochs::Never)
    }
}

/// Whether advisories may go by the source of a package that does not say what it was built from.
pub(super) fn lacks_source(ecosystem: Ecosystem, facts: &PackageFacts) -> bool {
    // Red Hat names binary packages where there is a fix, and the source where there is none.
    facts.source.is_none() && (ecosystem.names_source_packages() || ecosystem == Ecosystem::RedHat)
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
                "enterprise_linux:10",
                "enterprise_linux:10.0",
                "enterprise_linux:10.1::appstream",
                "enterprise_linux_eus:10.0",
                "rhel_eus:9.2::baseos",
                "2",
                "2023",
                "Linux Enterprise Server 15 SP5",
                "Linux Enterprise Server 15",
                "Linux Enterprise Module for Basesystem 15 SP5",
                "Linux Enterprise Module for Python 3 15 SP5",
                "Linux Enterprise Server 15 SP5-LTSS",
                "Linux Enterprise Desktop 15 SP5",
                "Linux Enterprise Module for Basesystem 15 SP6",
                "Linux Enterprise Micro 5.5",
                "Linux Enterprise Module for Web and Scripting 12",
                "Linux Enterprise Server 12 SP5",
                "Linux Enterprise Server LTSS Extended Security 12 SP5",
                "Linux Enterprise Server 12-LTSS",
                "Linux Enterprise Server 16.0",
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
        check("rhel", "10.0", &["enterprise_linux:10", "enterprise_linux:10.0"]);
        let all = ["enterprise_linux:10", "enterprise_linux:10.0", "enterprise_linux:10.1::appstream"];
        check("rhel", "10.1", &all);
        check("centos", "10", &all);
        check("amzn", "2", &["2"]);
        check("amzn", "2023", &["2023"]);
        check("amzn", "2023.5.20240805", &["2023"]);
        check("amzn", "2018.03", &[]);
        let of_15_5 = [
            "Linux Enterprise Server 15 SP5",
            "Linux Enterprise Module for Basesystem 15 SP5",
            "Linux Enterprise Module for Python 3 15 SP5",
            "Linux Enterprise Server 15 SP5-LTSS",
            "Linux Enterprise Desktop 15 SP5",
        ];
        check("sles", "15.5", &of_15_5);
        check("sled", "15.5", &of_15_5);
        check("sles", "15", &["Linux Enterprise Server 15"]);
        let of_12_5 = [
            "Linux Enterprise Module for Web and Scripting 12",
            "Linux Enterprise Server 12 SP5",
            "Linux Enterprise Server LTSS Extended Security 12 SP5",
        ];
        check("sles", "12.5", &of_12_5);
        check("sles", "12", &["Linux Enterprise Module for Web and Scripting 12", "Linux Enterprise Server 12-LTSS"]);
        check("sles", "16.0", &["Linux Enterprise Server 16.0"]);
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
