//! Where packages come from, and how each place orders versions and writes names.

use crate::version::Scheme;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! ecosystems {
    ($($variant:ident = $text:literal, $scheme:ident;)*) => {
        /// A place that packages come from, named as OSV does (<https://ossf.github.io/osv-schema/#defined-ecosystems>),
        /// with those that OSV has no name for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Ecosystem {
            $(#[doc = $text] #[serde(rename = $text)] $variant,)*
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
        }
    };
}

ecosystems! {
    AlmaLinux = "AlmaLinux", Rpm;
    Alpine = "Alpine", Apk;
    AmazonLinux = "Amazon Linux", Rpm;
    Debian = "Debian", Dpkg;
    Go = "Go", Go;
    Hex = "Hex", SemVer;
    Maven = "Maven", SemVer;
    Npm = "npm", SemVer;
    NuGet = "NuGet", SemVer;
    OpenSuse = "openSUSE", Rpm;
    Packagist = "Packagist", SemVer;
    Pub = "Pub", SemVer;
    PyPi = "PyPI", Pep440;
    RedHat = "Red Hat", Rpm;
    RockyLinux = "Rocky Linux", Rpm;
    RubyEngine = "Ruby", RubyGems;
    RubyGems = "RubyGems", RubyGems;
    RustToolchain = "Rust", SemVer;
    Suse = "SUSE", Rpm;
    Ubuntu = "Ubuntu", Dpkg;
    CratesIo = "crates.io", SemVer;
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no ecosystem's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEcosystem(pub String);

/// Any case.
impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(text: &str) -> Result<Self, UnknownEcosystem> {
        let found = Self::ALL.iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
        found.copied().ok_or_else(|| UnknownEcosystem(text.to_owned()))
    }
}

impl Ecosystem {
    /// Whether its advisories name source packages; binary packages otherwise.
    pub fn names_source_packages(self) -> bool {
        matches!(self, Self::Debian | Self::Alpine | Self::Ubuntu | Self::Suse | Self::OpenSuse)
    }

    /// The name that is compared: PEP 503 for PyPI, lower case where the ecosystem ignores case.
    pub fn normalize_name(self, name: &str) -> String {
        name.to_owned()
    }
}
