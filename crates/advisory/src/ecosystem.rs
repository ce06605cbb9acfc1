//! Where packages come from, and how each place orders versions and writes names.

use crate::version::Scheme;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

macro_rules! ecosystems {
    ($($variant:ident = $text:literal, $scheme:ident, $packages:ident, $names:ident;)*) => {
        /// A place that packages come from, named as OSV does (<https://ossf.github.io/osv-schema/#defined-ecosystems>),
        /// with those that OSV has no name for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Ecosystem {
            $(#[doc = concat!("`", $text, "`.")] #[serde(rename = $text)] $variant,)*
        }

        impl Ecosystem {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// OSV's name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// How its versions are ordered.
            pub fn scheme(self) -> Scheme {
                match self { $(Self::$variant => Scheme::$scheme),* }
            }

            fn packages(self) -> Packages {
                match self { $(Self::$variant => Packages::$packages),* }
            }

            fn names(self) -> Names {
                match self { $(Self::$variant => Names::$names),* }
            }
        }
    };
}

/// By name, byte for byte, as keys of the database are.
impl Ord for Ecosystem {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Ecosystem {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Which packages advisories name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packages {
    /// What packages are built from: one name for all that are built from it.
    Source,
    /// What is installed.
    Installed,
}

/// Which names are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Only those that are written the same.
    Exact,
    /// Those that differ in the case of letters only.
    Caseless,
    /// Those that differ in case and in `-` for `_` (crates.io refuses a second one).
    Crate,
    /// PEP 503: those that differ in case and in which runs of `-`, `_` and `.` stand between words.
    Python,
    /// Those that differ in case: package URLs of Go modules are in small letters by their definition, and no two modules
    /// differ in case alone but by mistake. The standard library is `stdlib` or `std`.
    Go,
    /// Addresses of repositories: with or without a scheme and `.git`, in any case (what the Swift package manager takes as one package).
    Repository,
}

ecosystems! {
    AlmaLinux = "AlmaLinux", Rpm, Installed, Exact;
    Alpaquita = "Alpaquita", Apk, Source, Exact;
    Alpine = "Alpine", Apk, Source, Exact;
    AmazonLinux = "Amazon Linux", Rpm, Installed, Exact;
    Android = "Android", Generic, Installed, Exact;
    ArchLinux = "Arch Linux", Pacman, Installed, Exact;
    AzureLinux = "Azure Linux", Rpm, Source, Exact;
    BellSoftHardenedContainers = "BellSoft Hardened Containers", Apk, Source, Exact;
    Bioconductor = "Bioconductor", Cran, Installed, Exact;
    Bitnami = "Bitnami", SemVer, Installed, Exact;
    Chainguard = "Chainguard", Apk, Source, Exact;
    CleanStart = "CleanStart", Apk, Source, Exact;
    ConanCenter = "ConanCenter", Conan, Installed, Exact;
    Cran = "CRAN", Cran, Installed, Exact;
    CratesIo = "crates.io", SemVer, Installed, Crate;
    Debian = "Debian", Dpkg, Source, Exact;
    DockerHardenedImages = "Docker Hardened Images", Generic, Installed, Exact;
    Echo = "Echo", Dpkg, Source, Exact;
    Fedora = "Fedora", Rpm, Installed, Exact;
    FreeBsd = "FreeBSD", Generic, Installed, Exact;
    Gentoo = "Gentoo", Portage, Installed, Exact;
    Ghc = "GHC", Hackage, Installed, Exact;
    GitHubActions = "GitHub Actions", SemVer, Installed, Caseless;
    Go = "Go", Go, Installed, Go;
    Hackage = "Hackage", Hackage, Installed, Exact;
    Hex = "Hex", SemVer, Installed, Exact;
    Julia = "Julia", Pub, Installed, Exact;
    Kubernetes = "Kubernetes", Go, Installed, Exact;
    Linux = "Linux", Generic, Installed, Exact;
    Mageia = "Mageia", Rpm, Source, Exact;
    Maven = "Maven", Maven, Installed, Exact;
    MinimOs = "MinimOS", Apk, Source, Exact;
    Npm = "npm", Npm, Installed, Exact;
    NuGet = "NuGet", NuGet, Installed, Caseless;
    Opam = "opam", Opam, Installed, Exact;
    OpenEuler = "openEuler", Rpm, Source, Exact;
    OpenSuse = "openSUSE", Rpm, Source, Exact;
    OracleLinux = "Oracle Linux", Rpm, Installed, Exact;
    OssFuzz = "OSS-Fuzz", Generic, Installed, Exact;
    Packagist = "Packagist", Packagist, Installed, Caseless;
    PhotonOs = "Photon OS", Rpm, Source, Exact;
    Pub = "Pub", Pub, Installed, Exact;
    PyPi = "PyPI", Pep440, Installed, Python;
    RedHat = "Red Hat", Rpm, Installed, Exact;
    RockyLinux = "Rocky Linux", Rpm, Source, Exact;
    Root = "Root", Generic, Installed, Exact;
    RubyEngine = "Ruby", RubyGems, Installed, Exact;
    RubyGems = "RubyGems", RubyGems, Installed, Exact;
    RustToolchain = "Rust", SemVer, Installed, Exact;
    Suse = "SUSE", Rpm, Source, Exact;
    SwiftUrl = "SwiftURL", SemVer, Installed, Repository;
    TuxCare = "TuxCare", Generic, Installed, Exact;
    Ubuntu = "Ubuntu", Dpkg, Source, Exact;
    VsCode = "VSCode", SemVer, Installed, Caseless;
    Wolfi = "Wolfi", Apk, Source, Exact;
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no ecosystem's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEcosystem(pub String);

impl fmt::Display for UnknownEcosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no ecosystem is named {:?}", self.0)
    }
}

impl std::error::Error for UnknownEcosystem {}

/// A name as it is compared where people write it.
fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| !" .-".contains(*letter)).map(|letter| letter.to_ascii_lowercase())
}

/// OSV's name in any case, with or without the blanks, dots and hyphens in it: `redhat`, `crates-io`. `semver` stands for
/// the ecosystem that keeps to it.
impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(text: &str) -> Result<Self, UnknownEcosystem> {
        if letters(text).eq("semver".chars()) {
            return Ok(Self::CratesIo);
        }
        let found = Self::ALL.iter().find(|known| letters(known.as_str()).eq(letters(text)));
        found.copied().ok_or_else(|| UnknownEcosystem(text.to_owned()))
    }
}

/// How versions are ordered in an ecosystem, in one of its releases as feeds write it (`Debian:12`), or by the scheme of this
/// name (`dpkg`, `pep440`), in any case.
pub fn scheme_named(text: &str) -> Result<Scheme, UnknownEcosystem> {
    let (place, release) = text.split_once(':').map_or((text, None), |(place, release)| (place, Some(release)));
    if let Ok(ecosystem) = place.parse::<Ecosystem>() {
        return Ok(ecosystem.scheme_in(release));
    }
    let named = Scheme::ALL.iter().find(|scheme| letters(scheme.as_str()).eq(letters(text)));
    named.copied().ok_or_else(|| UnknownEcosystem(text.to_owned()))
}

impl Ecosystem {
    /// How the versions of one of its releases are ordered, as a feed writes the release. Vendors who patch the packages
    /// of others put whose they are there: `Alpine:3.18` of Root, `PyPI` of Echo.
    pub fn scheme_in(self, release: Option<&str>) -> Scheme {
        let patches_others = matches!(self, Self::DockerHardenedImages | Self::Echo | Self::Root | Self::TuxCare);
        let inner = release.filter(|_| patches_others).and_then(|release| release.split(':').next());
        inner.and_then(|inner| inner.parse().ok()).map_or(self.scheme(), Self::scheme)
    }

    /// Whether it is one place for the packages of a language, without releases: what stands behind its name is a
    /// repository.
    pub(crate) fn is_of_language(self) -> bool {
        matches!(
            self,
            Self::ConanCenter
                | Self::Cran
                | Self::CratesIo
                | Self::Go
                | Self::Hackage
                | Self::Hex
                | Self::Julia
                | Self::Maven
                | Self::Npm
                | Self::NuGet
                | Self::Packagist
                | Self::Pub
                | Self::PyPi
                | Self::RubyGems
                | Self::SwiftUrl
        )
    }

    /// Whether its advisories name source packages (apk calls them origins); the packages that are installed otherwise.
    pub fn names_source_packages(self) -> bool {
        self.packages() == Packages::Source
    }

    /// The name that is compared: of all names that are the same to the ecosystem, one.
    pub fn normalize_name(self, name: &str) -> String {
        match self.names() {
            Names::Exact => name.to_owned(),
            Names::Go if name == "std" => "stdlib".to_owned(),
            Names::Caseless | Names::Go => name.to_ascii_lowercase(),
            Names::Crate => name.to_ascii_lowercase().replace('_', "-"),
            Names::Python => normalize_python(name),
            Names::Repository => normalize_repository(name),
        }
    }
}

/// Runs of `-`, `_` and `.` are one `-`. <https://peps.python.org/pep-0503/#normalized-names>
fn normalize_python(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut between = false;
    for letter in name.chars() {
        let separator = matches!(letter, '-' | '_' | '.');
        if !(separator && between) {
            normal.push(if separator { '-' } else { letter.to_ascii_lowercase() });
        }
        between = separator;
    }
    normal
}

/// Host and path of a repository, as in package URLs.
fn normalize_repository(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.strip_prefix("git@").unwrap_or(rest).trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    rest.to_ascii_lowercase().replacen(':', "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_every_usual_form() {
        for ecosystem in Ecosystem::ALL {
            let name = ecosystem.as_str();
            let bare: String = name.chars().filter(|letter| !" .-".contains(*letter)).collect();
            for form in [name.to_owned(), name.to_lowercase(), name.to_uppercase(), bare.to_lowercase()] {
                assert_eq!(form.parse(), Ok(*ecosystem), "{form}");
            }
            assert_eq!(serde_json::to_string(ecosystem).unwrap(), format!("{name:?}"));
        }
        assert_eq!("semver".parse(), Ok(Ecosystem::CratesIo));
        assert_eq!("oss-fuzz".parse(), Ok(Ecosystem::OssFuzz));
        for name in ["", "Debian:12", "GIT", "pip"] {
            assert_eq!(name.parse::<Ecosystem>(), Err(UnknownEcosystem(name.to_owned())));
        }
    }

    #[test]
    fn the_table_is_sorted_and_without_doubles() {
        let names: Vec<_> = Ecosystem::ALL.iter().map(|ecosystem| ecosystem.as_str().to_lowercase()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }

    #[test]
    fn vendors_of_patches_order_versions_as_their_origin_does() {
        let check = |ecosystem: Ecosystem, release, scheme| {
            assert_eq!(ecosystem.scheme_in(release), scheme, "{ecosystem} {release:?}");
        };
        check(Ecosystem::Echo, None, Scheme::Dpkg);
        check(Ecosystem::Echo, Some("PyPI"), Scheme::Pep440);
        check(Ecosystem::Root, Some("Alpine:3.18"), Scheme::Apk);
        check(Ecosystem::Root, Some("npm"), Scheme::Npm);
        check(Ecosystem::TuxCare, Some("Red Hat"), Scheme::Rpm);
        check(Ecosystem::DockerHardenedImages, Some("Debian:trixie"), Scheme::Dpkg);
        check(Ecosystem::DockerHardenedImages, Some("elsewhere"), Scheme::Generic);
        check(Ecosystem::Debian, Some("Alpine"), Scheme::Dpkg);
        check(Ecosystem::Ubuntu, Some("22.04:LTS"), Scheme::Dpkg);
    }

    #[test]
    fn schemes_are_named_by_ecosystems_their_releases_and_themselves() {
        let check = |text: &str, scheme| assert_eq!(scheme_named(text).ok(), scheme, "{text}");
        for (text, scheme) in [
            ("Debian:12", Scheme::Dpkg),
            ("almalinux:9", Scheme::Rpm),
            ("Ubuntu:22.04:LTS", Scheme::Dpkg),
            ("Alpine:v3.18", Scheme::Apk),
            ("Root:Alpine:3.18", Scheme::Apk),
            ("pacman", Scheme::Pacman),
            ("Portage", Scheme::Portage),
            ("generic", Scheme::Generic),
            ("pep440", Scheme::Pep440),
            ("PEP 440", Scheme::Pep440),
        ] {
            check(text, Some(scheme));
        }
        check("Debain:12", None);
        check("", None);
    }

    #[test]
    fn names_are_normalised_by_the_rule_of_each() {
        let check = |ecosystem: Ecosystem, name, normal| assert_eq!(ecosystem.normalize_name(name), normal);
        check(Ecosystem::PyPi, "Zope.Interface", "zope-interface");
        check(Ecosystem::PyPi, "a-_.b__C", "a-b-c");
        check(Ecosystem::NuGet, "Newtonsoft.Json", "newtonsoft.json");
        check(Ecosystem::Packagist, "Symfony/HTTP-Kernel", "symfony/http-kernel");
        check(Ecosystem::CratesIo, "Serde_JSON", "serde-json");
        check(Ecosystem::GitHubActions, "Actions/Checkout", "actions/checkout");
        check(Ecosystem::VsCode, "ms-python.Python", "ms-python.python");
        check(Ecosystem::SwiftUrl, "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio");
        check(Ecosystem::SwiftUrl, "git@github.com:apple/swift-nio", "github.com/apple/swift-nio");
        check(Ecosystem::Go, "github.com/Azure/azure-sdk-for-go", "github.com/azure/azure-sdk-for-go");
        check(Ecosystem::Go, "std", "stdlib");
        // Two packages of npm, and artifacts whose case counts.
        check(Ecosystem::Npm, "JSONStream", "JSONStream");
        check(Ecosystem::Maven, "com.Example:Thing_1.0", "com.Example:Thing_1.0");
        check(Ecosystem::Debian, "libstdc++6", "libstdc++6");
    }

    #[test]
    fn source_packages_are_named_where_the_schema_or_the_feed_says_so() {
        let named = [Ecosystem::Debian, Ecosystem::Ubuntu, Ecosystem::Alpine, Ecosystem::Wolfi, Ecosystem::Suse];
        for ecosystem in named.into_iter().chain([Ecosystem::AzureLinux, Ecosystem::PhotonOs]) {
            assert!(ecosystem.names_source_packages(), "{ecosystem}");
        }
        // AlmaLinux's feed names binary packages, whatever the schema says.
        for ecosystem in [Ecosystem::AlmaLinux, Ecosystem::RedHat, Ecosystem::PyPi, Ecosystem::Maven] {
            assert!(!ecosystem.names_source_packages(), "{ecosystem}");
        }
    }
}
