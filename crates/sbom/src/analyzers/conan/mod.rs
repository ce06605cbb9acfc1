//! C and C++ packages of Conan: what its lock files fix, and what a `conanfile.txt` asks for.

use crate::analyzer::Analyzer;
use crate::analyzers::lock::Locked;
use sekisho_model::{PackageFacts, PackageKind};

mod lock;
mod manifest;

/// Reads `conan.lock`.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "conan-lock",
    title: "Conan lock files (conan.lock)",
    kinds: &[PackageKind::Conan],
    paths: &["**/conan.lock"],
    run: lock::run,
    version: 3,
    ..Analyzer::NONE
};

/// Reads `conanfile.txt`.
pub(crate) static MANIFEST: Analyzer = Analyzer {
    id: "conan-manifest",
    version: 2,
    title: "Conan requirements (conanfile.txt)",
    kinds: &[PackageKind::Conan],
    paths: &["**/conanfile.txt"],
    run: manifest::run,
    ..Analyzer::NONE
};

/// The package of a reference, `name/version@user/channel#revision%time`, of which name and version must be there. A range
/// of versions, in brackets, is no version.
///
/// Source: <https://docs.conan.io/2/reference/conanfile/methods/requirements.html> and `conan.api.model.RecipeReference`.
fn package(locked: &Locked<'_>, reference: &str) -> Option<PackageFacts> {
    let reference = reference.trim();
    let (name, rest) = reference.split_once('/')?;
    // A range may have the signs that end a version.
    let (range, rest) = match rest.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((range, rest))) => (Some(range), rest),
        Some(None) => return None,
        None => (None, rest),
    };
    let (rest, revision) = rest.split_once('#').unwrap_or((rest, ""));
    // Behind a colon stands, in early lock files, which build of it is meant.
    let rest = rest.split(['%', ':']).next().unwrap_or(rest);
    let revision = revision.split(['%', ':']).next().unwrap_or(revision);
    let (version, owner) = rest.split_once('@').unwrap_or((rest, ""));
    let (user, channel) = owner.split_once('/').unwrap_or((owner, ""));
    if name.is_empty()
        || name.contains([' ', '[', '@', '#'])
        || version.is_empty() && range.is_none()
        || version.contains(' ')
    {
        return None;
    }
    let mut facts = locked.package(name, version);
    // Conan writes `_` for none.
    let extra = [("channel", channel), ("requirement", range.unwrap_or_default()), ("rrev", revision), ("user", user)];
    let extra = extra.into_iter().filter(|(_, value)| !matches!(*value, "" | "_"));
    facts.extra.extend(extra.map(|(key, value)| (key.to_owned(), value.to_owned())));
    Some(facts)
}

#[cfg(test)]
mod tests;
