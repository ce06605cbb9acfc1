//! Packages: what a file says of one, and where an image holds it.

use crate::image::LayerIndex;
use crate::license::License;
use crate::os::OsRelease;
use crate::purl::Purl;
use sekisho_base::hash;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

// The texts are tokens, not literals: a schema does not see through the group that a literal becomes.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $text:tt;)*) => {
        /// The ecosystem a package belongs to; its text is the type of its package URL. The name of a package is what the
        /// ecosystem's own tools take: `group:artifact` for Maven, `vendor/name` for Composer, the address of the
        /// repository without its scheme for Swift.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum PackageKind {
            $($(#[doc = $doc])* #[serde(rename = $text)] $variant,)*
        }

        impl PackageKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The package URL type.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

kinds! {
    /// Debian and its derivatives.
    Deb = "deb";
    /// Alpine and its derivatives.
    Apk = "apk";
    /// Red Hat, SUSE and all that use rpm.
    Rpm = "rpm";
    /// Arch Linux and its derivatives: pacman.
    Alpm = "alpm";
    /// Gentoo and its derivatives, `category/name`.
    Portage = "ebuild";
    /// Python distributions.
    Pypi = "pypi";
    /// JavaScript packages.
    Npm = "npm";
    /// Go modules.
    Golang = "golang";
    /// Java and what else is on the Java virtual machine.
    Maven = "maven";
    /// Ruby gems.
    Gem = "gem";
    /// PHP packages.
    Composer = "composer";
    /// .NET packages.
    Nuget = "nuget";
    /// Rust crates.
    Cargo = "cargo";
    /// Dart and Flutter packages.
    Pub = "pub";
    /// Erlang and Elixir packages.
    Hex = "hex";
    /// Swift packages.
    Swift = "swift";
    /// Pods for Apple's systems.
    Cocoapods = "cocoapods";
    /// C and C++ packages.
    Conan = "conan";
    /// Packages of conda environments.
    Conda = "conda";
    /// Julia packages.
    Julia = "julia";
    /// R packages.
    Cran = "cran";
    /// Haskell packages.
    Hackage = "hackage";
    /// Plugins of `WordPress`, and its themes, whose package URLs have the type `wordpress-theme`.
    Wordpress = "wordpress-plugin";
    /// Any other: what it is, its package URL says.
    Generic = "generic";
}

/// The package URL type of themes of `WordPress`, which may have the names of plugins. Like that of plugins, which is Syft's,
/// it is in no definition of types.
pub const WORDPRESS_THEME: &str = "wordpress-theme";

impl PackageKind {
    /// The kind whose package URL type this is; [`PackageKind::Generic`] for all others.
    pub fn of_type(text: &str) -> Self {
        if text == WORDPRESS_THEME {
            return Self::Wordpress;
        }
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).unwrap_or(Self::Generic)
    }

    /// Whether the package manager of a distribution installs it, so that it may own the files of
    /// language packages.
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm | Self::Alpm | Self::Portage)
    }
}

impl fmt::Display for PackageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How it is known that a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Its installed form is there: a database record, metadata beside its code, a built binary.
    #[default]
    Installed,
    /// Only a lock file or an SBOM names it.
    Declared,
    /// Told from the name or the bytes of a file that has no metadata.
    Inferred,
}

/// The source package that a distribution built a binary package from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, which may differ from the binary package's.
    pub version: String,
}

impl SourcePackage {
    /// The one whose file is called `name-version-release.src.rpm`.
    pub fn of_rpm(file_name: &str) -> Option<Self> {
        let stem = file_name.strip_suffix(".src.rpm").or_else(|| file_name.strip_suffix(".nosrc.rpm"))?;
        let (rest, release) = stem.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        Some(Self { name: name.to_owned(), version: format!("{version}-{release}") })
    }
}

/// What one file says of one package. Analyzers make these; where it lies is added by the scan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct PackageFacts {
    /// The ecosystem.
    pub kind: PackageKind,
    /// The name as the ecosystem writes it: `@babel/core`, `github.com/spf13/cobra`, `libc6`.
    pub name: String,
    /// The version as the ecosystem compares it: `1:2.39.5-0+deb12u2` with epoch and revision.
    pub version: String,
    /// Architecture, where packages have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Source package, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// Licences, in the order in which the package states them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<License>,
    /// Who made or maintains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// Installed form, or only declared.
    #[serde(default)]
    pub evidence: Evidence,
    /// Needed for development or tests only, where the format says.
    #[serde(default)]
    pub dev: bool,
    /// Whether the project itself asks for it, or only what it needs does; none where the format does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<bool>,
    /// What the ecosystem adds beyond these fields and a matcher or a reader needs, by name:
    /// rpm's `modularity`, an apk `checksum`, the Go module's `sum`. Sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<(String, String)>,
}

impl PackageFacts {
    /// A package with a name and a version and nothing else.
    pub fn new(kind: PackageKind, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            arch: None,
            source: None,
            licenses: Vec::new(),
            supplier: None,
            evidence: Evidence::Installed,
            dev: false,
            direct: None,
            extra: Vec::new(),
        }
    }
}

/// All of a package that decides which vulnerabilities it has: packages that are alike in it are judged once, in however many
/// inventories they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The system, as far as it decides; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// What its file says, without what decides nothing.
    pub facts: PackageFacts,
    /// The system package that owns its file: what is said about that one decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PackageFacts>,
}

/// Identifies a package within an inventory: the first 16 bytes of
/// SHA-256(package URL, NUL, location), in hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackageId(String);

impl PackageId {
    /// The id of the package `purl` found at `location`.
    pub fn new(purl: &Purl, location: &str) -> Self {
        let mut hasher = hash::Sha256::new();
        hasher.update(purl.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(location.as_bytes());
        Self(hash::hex(&hasher.finish()[..16]))
    }

    /// The id that `text` is; none where it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who put something into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A layer of the base image.
    Base,
    /// A layer built on top of the base image.
    Application,
    /// The base image is not known, or there are no layers.
    #[default]
    Unknown,
}

/// A package in an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Package {
    /// Unique within the inventory.
    pub id: PackageId,
    /// Package URL.
    pub purl: Purl,
    /// What the file says.
    #[serde(flatten)]
    pub facts: PackageFacts,
    /// The file that says so, from the root of the image, without a leading slash.
    pub location: String,
    /// The layer that brought this version of the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub layer: Option<LayerIndex>,
    /// Base image or application.
    #[serde(default)]
    pub origin: Origin,
    /// The operating system package whose file list holds `location`; this package then is the same
    /// software and is not to be counted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<PackageId>,
}
