//! npm packages: installed ones by their `package.json`, declared ones by the lock files of npm, yarn, pnpm and bun.
//!
//! The hidden lock file `node_modules/.package-lock.json` is left unread: it repeats the tree that
//! lies around it, where each package has its own `package.json`. Nor are lock files read that lie
//! below `node_modules`: they are of the authors of that package, and npm does not follow them.

use crate::analyzer::Analyzer;
use crate::analyzers::lock::source;
use crate::project::REQUIREMENT;
use sekisho_model::PackageKind;

mod bun;
pub(super) mod lines;
mod lock;
mod manifest;
mod pnpm;
pub(super) mod value;
mod yarn;

/// Reads `package.json`.
pub(crate) static INSTALLED: Analyzer = Analyzer {
    id: "npm-installed",
    title: "npm packages (package.json)",
    kinds: &[PackageKind::Npm],
    paths: &["**/package.json"],
    version: 5,
    alike: manifest::alike,
    run: manifest::run,
    ..Analyzer::NONE
};

/// Reads lock files of versions 1 to 3.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "npm-lock",
    version: 5,
    title: "npm lock files (package-lock.json, npm-shrinkwrap.json)",
    kinds: &[PackageKind::Npm],
    paths: &["**/package-lock.json", "**/npm-shrinkwrap.json"],
    not_below: &["node_modules"],
    run: lock::run,
    ..Analyzer::NONE
};

/// Reads yarn's lock files, of all its versions.
pub(crate) static YARN: Analyzer = Analyzer {
    id: "yarn-lock",
    version: 5,
    title: "yarn lock files (yarn.lock, classic and berry)",
    kinds: &[PackageKind::Npm],
    paths: &["**/yarn.lock"],
    not_below: &["node_modules"],
    run: yarn::run,
    ..Analyzer::NONE
};

/// Reads pnpm's lock files of versions 5 to 9.
pub(crate) static PNPM: Analyzer = Analyzer {
    id: "pnpm-lock",
    version: 6,
    title: "pnpm lock files (pnpm-lock.yaml, and of a branch pnpm-lock.*.yaml)",
    kinds: &[PackageKind::Npm],
    paths: &["**/pnpm-lock.yaml", "**/pnpm-lock.*.yaml"],
    not_below: &["node_modules"],
    run: pnpm::run,
    ..Analyzer::NONE
};

/// Reads bun's lock files in text.
pub(crate) static BUN: Analyzer = Analyzer {
    id: "bun-lock",
    version: 5,
    title: "bun lock files (bun.lock)",
    kinds: &[PackageKind::Npm],
    paths: &["**/bun.lock"],
    not_below: &["node_modules"],
    run: bun::run,
    ..Analyzer::NONE
};

/// Whether npm would take `name` for a package: the rules of validate-npm-package-name for old
/// packages, which may have upper case and `~'!()*`, within the registry's bound of 214 bytes. Only lock
/// files are held to them, whose names may be parts of paths.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&byte))
    };
    name.len() <= 214
        && match name.strip_prefix('@').map(|scoped| scoped.split_once('/')) {
            None => plain(name) && !name.starts_with('_'),
            Some(Some((scope, name))) => plain(scope) && plain(name),
            Some(None) => false,
        }
}

/// Whether what stands for a version is what was asked for: one begins with a digit, or a `v` before it.
fn is_range(version: &str) -> bool {
    version.starts_with(['*', '^', '~', '<', '>', '=']) || version.contains([' ', '|', '*'])
}

/// The extra of a package without a version: what was asked for, or where it is from.
fn origin(from: &str) -> (String, String) {
    if is_range(from) { (REQUIREMENT.to_owned(), from.to_owned()) } else { source(from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_for_old_packages() {
        for name in ["express", "@babel/core", "JSONStream", "a.b_c-d~e", "@a/_b", &"x".repeat(214)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".hidden",
            "_private",
            "my app",
            "a/b",
            "@a",
            "@/b",
            "@a/",
            "@a/b/c",
            "{{name}}",
            "é",
            &"x".repeat(215),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn the_hidden_lock_file_is_not_wanted() {
        let dispatch = crate::Dispatch::new(&[&INSTALLED, &LOCK]);
        let wanted = |path| dispatch.by_path(path).iter().map(|analyzer| analyzer.id).collect::<Vec<_>>();
        assert_eq!(wanted("srv/node_modules/.package-lock.json"), [""; 0]);
        assert_eq!(wanted("srv/package-lock.json"), ["npm-lock"]);
        assert_eq!(wanted("npm-shrinkwrap.json"), ["npm-lock"]);
        assert_eq!(wanted("srv/node_modules/left-pad/package-lock.json"), [""; 0]);
        assert_eq!(wanted("srv/node_modules/@babel/core/package.json"), ["npm-installed"]);
    }
}
