//! How each ecosystem orders versions.

use std::cmp::Ordering;

/// A way to order versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// deb-version(7).
    Dpkg,
    /// rpmvercmp with epoch, tilde and caret.
    Rpm,
    /// apk-tools.
    Apk,
    /// Semantic Versioning 2.0.0.
    SemVer,
    /// PEP 440.
    Pep440,
    /// `Gem::Version`.
    RubyGems,
    /// Modules, with pseudo-versions.
    Go,
}

impl Scheme {
    /// Orders `a` and `b`.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        a.cmp(b)
    }
}
