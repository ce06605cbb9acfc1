//! How each ecosystem orders versions, and which texts are versions at all.
//!
//! Every scheme orders all text, valid or not, in a total order and in time linear in its length: `order` has what they
//! share and says why that holds. Where a reference implementation is not transitive, the scheme's own page says what is
//! different here and why. What is compared must be a version for the answer to mean something: [`Scheme::is_valid`].

mod apk;
mod conan;
mod dpkg;
mod list;
mod maven;
mod npm;
mod order;
mod packagist;
mod pacman;
mod pep440;
mod portage;
mod rpm;
mod rubygems;
mod semver;
mod statement;
#[cfg(test)]
mod tests;

pub use npm::NpmRange;
pub use statement::{Operator, Statement};

use std::cmp::Ordering;

macro_rules! schemes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $compare:path, $valid:path;)*) => {
        /// A way to order versions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scheme {
            $($(#[$doc])* $variant,)*
        }

        impl Scheme {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, for people.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Orders `a` and `b`, whatever they are: a total order, in which versions that the scheme takes as the
            /// same are equal (`1.0` and `1.0.0` in most).
            pub fn compare(self, a: &str, b: &str) -> Ordering {
                if a == b {
                    return Ordering::Equal;
                }
                let (a, b) = (a.as_bytes(), b.as_bytes());
                match self { $(Self::$variant => $compare(a, b)),* }
            }

            /// Whether the text is a version of the scheme. For one that is not, the order still holds but says nothing
            /// about which came first: whoever decides by it should say *unknown* instead.
            pub fn is_valid(self, version: &str) -> bool {
                // Blanks of any script are no version, wherever blanks are allowed.
                let bytes = version.as_bytes();
                !version.trim().is_empty() && match self { $(Self::$variant => $valid(bytes)),* }
            }
        }
    };
}

schemes! {
    /// deb-version(7).
    Dpkg = "dpkg", dpkg::compare, dpkg::is_valid;
    /// rpmvercmp with epoch, tilde and caret.
    Rpm = "rpm", rpm::compare, rpm::is_valid;
    /// apk-tools.
    Apk = "apk", apk::compare, apk::is_valid;
    /// vercmp(8) of pacman.
    Pacman = "pacman", pacman::compare, pacman::is_valid;
    /// The Package Manager Specification.
    Portage = "portage", portage::compare, portage::is_valid;
    /// Semantic Versioning 2.0.0.
    SemVer = "SemVer", semver::compare, semver::is_valid;
    /// The same, with the ranges of [`NpmRange`].
    Npm = "npm", semver::compare, semver::is_valid;
    /// Modules, with pseudo-versions, and the toolchain.
    Go = "Go", semver::compare_go, semver::is_valid_go;
    /// Semantic Versioning in which builds have an order too: Pub and Julia.
    Pub = "Pub", semver::compare_with_build, semver::is_valid;
    /// Up to four numbers, in any case.
    NuGet = "NuGet", semver::compare_nuget, semver::is_valid_nuget;
    /// PEP 440.
    Pep440 = "PEP 440", pep440::compare, pep440::is_valid;
    /// `ComparableVersion`.
    Maven = "Maven", maven::compare, maven::is_valid;
    /// `Gem::Version`.
    RubyGems = "RubyGems", rubygems::compare, rubygems::is_valid;
    /// Composer's normal form, ordered by PHP's `version_compare`.
    Packagist = "Packagist", packagist::compare, packagist::is_valid;
    /// R's `package_version`.
    Cran = "CRAN", list::compare_cran, list::is_valid_cran;
    /// Haskell's `Data.Version`.
    Hackage = "Hackage", list::compare_hackage, list::is_valid_hackage;
    /// Conan's `Version`.
    Conan = "Conan", conan::compare, conan::is_valid;
    /// opam: a part of dpkg's, without epoch and revision.
    Opam = "opam", dpkg::compare_part, dpkg::is_valid_part;
    /// Numbers and words as most people write them, for places without a rule of their own.
    Generic = "generic", maven::compare_generic, maven::is_valid_generic;
}

impl Scheme {
    /// Whether the order means anything for a version that an advisory names. Publishers are less strict than package
    /// managers (`2` and `1.4` in npm): what begins with a number counts, but for patterns (`2.x`).
    pub(crate) fn can_compare(self, version: &str) -> bool {
        let is_pattern = || version.split('.').any(|part| matches!(part, "x" | "X" | "*"));
        let number = version.trim_start_matches(['v', 'V']);
        let is_one =
            || number.starts_with(|first: char| first.is_ascii_digit()) && !number.contains(char::is_whitespace);
        self.is_valid(version) || is_one() && !is_pattern()
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
