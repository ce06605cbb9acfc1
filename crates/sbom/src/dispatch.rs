//! Which analyzers want a file, decided in a few hash look-ups whatever the number of analyzers.

use crate::analyzer::Analyzer;
use crate::analyzers::ANALYZERS;
use crate::glob;
use std::collections::HashMap;

type Entry = (&'static str, &'static Analyzer);

/// The analyzer table, indexed by the last component of its patterns and by first bytes.
#[derive(Debug, Default)]
pub struct Dispatch {
    analyzers: Vec<&'static Analyzer>,
    /// Patterns whose last component is literal, by it.
    by_name: HashMap<&'static str, Vec<Entry>>,
    /// Patterns whose last component ends in a literal extension, by it.
    by_extension: HashMap<&'static str, Vec<Entry>>,
    /// Patterns of files in any directory whose name has a literal beginning only, by its first bytes.
    by_beginning: HashMap<&'static str, Vec<Entry>>,
    /// Patterns in a literal directory with any file name, by the directory.
    by_directory: HashMap<&'static str, Vec<Entry>>,
    /// Patterns of a file in a directory of some name, anywhere, that holds packages.
    in_directories: Vec<Entry>,
    /// What leads to package databases at places of their own: each such path and all directories above it, with the
    /// rest of the pattern.
    leads: HashMap<&'static str, Vec<Entry>>,
    /// The same of paths that have a star.
    leads_by_star: Vec<(&'static str, Entry)>,
    /// First bytes.
    by_magic: Vec<(&'static [u8], &'static Analyzer)>,
}

impl Dispatch {
    /// How many first bytes [`Dispatch::by_magic`] wants to see.
    pub const HEAD: usize = 8;

    /// Indexes the given analyzers.
    pub fn new(analyzers: &[&'static Analyzer]) -> Self {
        let mut dispatch = Self { analyzers: analyzers.to_vec(), ..Self::default() };
        for analyzer in analyzers {
            for pattern in analyzer.paths {
                let (directory, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
                let (index, key) = match name.rsplit_once('*') {
                    None => (&mut dispatch.by_name, name),
                    Some((_, suffix)) => match suffix.rsplit_once('.') {
                        Some((_, extension)) => (&mut dispatch.by_extension, extension),
                        None if directory == "**" => (&mut dispatch.by_beginning, beginning(name)),
                        None => (&mut dispatch.by_directory, directory),
                    },
                };
                index.entry(key).or_default().push((*pattern, *analyzer));
                let inner = pattern.strip_prefix("**/").is_some_and(|rest| rest.split('/').count() == 2);
                if inner && !analyzer.kinds.is_empty() {
                    dispatch.in_directories.push((*pattern, *analyzer));
                }
            }
            dispatch.by_magic.extend(analyzer.magic.iter().map(|magic| (*magic, *analyzer)));
            let databases = analyzer.paths.iter().filter(|pattern| !pattern.starts_with("**/"));
            for pattern in databases.filter(|_| !analyzer.kinds.is_empty()) {
                dispatch.lead_to(pattern, analyzer);
            }
        }
        dispatch
    }

    fn lead_to(&mut self, pattern: &'static str, analyzer: &'static Analyzer) {
        let above = pattern.match_indices('/').map(|(at, _)| (&pattern[..at], &pattern[at + 1..]));
        for (path, rest) in above.chain([(pattern, "")]) {
            if path.contains('*') {
                self.leads_by_star.push((path, (rest, analyzer)));
            } else {
                self.leads.entry(path).or_default().push((rest, analyzer));
            }
        }
    }

    /// Indexes all of [`ANALYZERS`].
    pub fn all() -> Self {
        Self::new(ANALYZERS)
    }

    /// The analyzers that want the file at `path`, in table order.
    pub fn by_path(&self, path: &str) -> Vec<&'static Analyzer> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let lower = extension.bytes().any(|byte| byte.is_ascii_uppercase()).then(|| extension.to_ascii_lowercase());
        let in_lower_case = lower.as_deref().and_then(|extension| self.by_extension.get(extension));
        let mut wanted: Vec<&'static Analyzer> = Vec::new();
        let by_extension = self.by_extension.get(extension);
        let by_beginning = self.by_beginning.get(beginning(name));
        for entries in
            [self.by_name.get(name), by_extension, in_lower_case, by_beginning, self.by_directory.get(directory)]
                .into_iter()
                .flatten()
        {
            for (pattern, analyzer) in entries {
                if matches(analyzer, pattern, path) && !wanted.iter().any(|other| std::ptr::eq(*other, *analyzer)) {
                    wanted.push(analyzer);
                }
            }
        }
        wanted
    }

    /// The analyzers that want a file of `size` bytes by its first bytes.
    pub fn by_magic(&self, head: &[u8], size: u64) -> impl Iterator<Item = &'static Analyzer> {
        self.by_magic
            .iter()
            .filter(move |(magic, analyzer)| size >= analyzer.magic_min_bytes && head.starts_with(magic))
            .map(|(_, analyzer)| *analyzer)
    }

    /// Whether one of `analyzer`'s path patterns matches `path`.
    pub fn wants(&self, analyzer: &Analyzer, path: &str) -> bool {
        analyzer.paths.iter().any(|pattern| matches(analyzer, pattern, path))
    }

    /// Whether the name of the directory at `path` alone makes files in it wanted, wherever it lies: a link there
    /// has them under that name.
    pub fn holds_packages(&self, path: &str) -> bool {
        self.leading_directories(path).next().is_some()
    }

    /// The patterns for files in any directory named as the one at `path`, with the name of the file.
    fn leading_directories(&self, path: &str) -> impl Iterator<Item = (&'static Analyzer, &'static str)> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        self.in_directories.iter().filter_map(move |(pattern, analyzer)| {
            let (directory, file) = pattern.strip_prefix("**/")?.split_once('/')?;
            component(analyzer)(directory, name).then_some((*analyzer, file))
        })
    }

    /// Whether the entry at `path` stands in the way to a place where a package database is looked for.
    pub fn guards_database(&self, path: &str) -> bool {
        self.leads_from(path).next().is_some()
    }

    /// The patterns that the entry at `path` stands in the way to, each with what of it is below that.
    fn leads_from(&self, path: &str) -> impl Iterator<Item = Entry> {
        let by_star = self.leads_by_star.iter().filter(move |(pattern, _)| glob::path(pattern, path, glob::component));
        self.leads.get(path).into_iter().flatten().copied().chain(by_star.map(|(_, entry)| *entry))
    }

    /// Whether a package database is looked for below the directory, or in place of the file, at
    /// `path`, but not where a link to `target` leads.
    pub fn is_led_astray(&self, path: &str, target: &str) -> bool {
        if path == target {
            return self.guards_database(path);
        }
        let holds_packages = |analyzer: &&&Analyzer| !analyzer.kinds.is_empty() && !analyzer.hints;
        if self.by_path(path).iter().filter(holds_packages).any(|analyzer| !self.wants(analyzer, target)) {
            return true;
        }
        if self.leading_directories(path).any(|(analyzer, file)| !self.wants(analyzer, &format!("{target}/{file}"))) {
            return true;
        }
        self.leads_from(path).any(|(rest, analyzer)| {
            let led = if rest.is_empty() { target.to_owned() } else { format!("{target}/{}", rest.replace('*', "x")) };
            !self.wants(analyzer, led.trim_start_matches('/'))
        })
    }

    /// Whether a link at `path` that leads to nothing that is read has the name of a file with packages, or of a directory
    /// with such a file.
    pub fn is_led_away(&self, path: &str) -> bool {
        let holds_packages = |analyzer: &&Analyzer| !analyzer.kinds.is_empty() && !analyzer.hints;
        self.by_path(path).iter().any(holds_packages) || self.holds_packages(path)
    }

    /// The analyzers that are offered files by their first bytes.
    pub fn magic_analyzers(&self) -> impl Iterator<Item = &'static Analyzer> {
        self.analyzers.iter().copied().filter(|analyzer| !analyzer.magic.is_empty())
    }

    /// The smallest size at which [`Dispatch::by_magic`] can want a file.
    pub fn magic_min_bytes(&self) -> u64 {
        self.by_magic.iter().map(|(_, analyzer)| analyzer.magic_min_bytes).min().unwrap_or(u64::MAX)
    }

    /// The analyzer with this id, for results that come from a cache.
    pub fn by_id(&self, id: &str) -> Option<&'static Analyzer> {
        self.analyzers.iter().find(|analyzer| analyzer.id == id).copied()
    }

    /// Names every analyzer with its version: what a cached result depends on.
    pub fn fingerprint(&self) -> String {
        let mut parts: Vec<String> =
            self.analyzers.iter().map(|analyzer| format!("{}@{}", analyzer.id, analyzer.version)).collect();
        parts.sort();
        parts.join(",")
    }
}

/// How components of `analyzer`'s patterns are compared.
fn component(analyzer: &Analyzer) -> fn(&str, &str) -> bool {
    if analyzer.any_case { glob::component_of_any_case } else { glob::component }
}

/// What of a name, or of a pattern for names, its beginning is looked up by.
fn beginning(name: &str) -> &str {
    name.get(..4).unwrap_or(name)
}

fn matches(analyzer: &Analyzer, pattern: &str, path: &str) -> bool {
    let mut directories = path.split('/').rev().skip(1);
    glob::path(pattern, path, component(analyzer))
        && !directories.any(|directory| analyzer.not_below.contains(&directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_table_finds_its_analyzer() {
        let dispatch = Dispatch::all();
        for analyzer in ANALYZERS {
            for pattern in analyzer.paths {
                let path = pattern.replace("**/", "some/where/").replace('*', "x");
                assert!(
                    dispatch.by_path(&path).iter().any(|wanted| std::ptr::eq(*wanted, *analyzer)),
                    "{pattern}: {path} does not reach {}",
                    analyzer.id
                );
            }
            for magic in analyzer.magic {
                assert!(magic.len() <= Dispatch::HEAD, "{}", analyzer.id);
                assert!(dispatch.by_magic(magic, u64::MAX).any(|wanted| std::ptr::eq(wanted, *analyzer)));
            }
        }
        assert!(dispatch.by_path("some/other/file.txt").is_empty());
    }

    #[test]
    fn links_that_move_a_database_out_of_sight_are_told() {
        let astray = |path, target| Dispatch::all().is_led_astray(path, target);
        assert!(astray("var/lib/dpkg", "data/dpkg"));
        assert!(astray("var/lib/dpkg/status", "data/status"));
        assert!(astray("var", "data"));
        assert!(!astray("lib", "usr/lib"), "apk is looked for in both");
        assert!(!astray("var/lib/rpm", "usr/lib/sysimage/rpm"));
        assert!(!astray("var/lib/dpkg/status", "var/lib/dpkg/status.d/all"));
        assert!(astray("srv/package.json", "store/abc"));
        assert!(!astray("srv/package.json", "elsewhere/package.json"), "that is found where it lies");
        assert!(!astray("srv", "elsewhere"));
        assert!(!astray("bin", "usr/bin"));
        assert!(!astray("usr/bin/lua", "etc/alternatives/lua-interpreter"), "a name is only a hint there");
        assert!(astray("var/lib/dpkg/status.d", "opt/sd"));
        assert!(astray("usr/lib/apk/db", "opt/db"));
        assert!(astray("var/lib/dpkg", "var/lib/dpkg"), "a link to itself is a riddle");
        assert!(astray("usr/lib/python3/x-1.dist-info", "opt/x"));
        assert!(astray("usr/lib/python3/x.egg/EGG-info", "opt/x"));
        assert!(!astray("usr/lib/python3/x-1.dist-info", "store/x-1.dist-info"), "that is found where it lies");
        assert!(!astray("usr/lib/python3/x", "opt/x"));
        let away = |path| Dispatch::all().is_led_away(path);
        assert!(away("srv/package.json") && away("opt/a.jar") && away("usr/lib/python3/x-1.dist-info"));
        assert!(!away("srv") && !away("usr/bin/lua") && !away("etc/os-release"));
        let holds = |path| Dispatch::all().holds_packages(path);
        assert!(holds("a/b/X-1.DIST-INFO") && !holds("a/b/node_modules") && !holds("a/b/x.dist-info/y"));
        let guards = |path| Dispatch::all().guards_database(path);
        assert!(guards("var") && guards("usr/lib/sysimage/rpm") && guards("var/lib/dpkg/status.d/any"));
        assert!(!guards("usr/lib/x") && !guards("var/lib/dpkg/status/x"));
        assert!(
            guards("var/lib/pacman/local/any") && guards("var/db/pkg/any/any/CONTENTS") && !guards("var/db/pkg/a/b/c")
        );
        assert!(astray("var/lib/pacman/local/x-1-1", "opt/x") && astray("var/db/pkg/sys-libs", "opt/x"));
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = ANALYZERS.iter().map(|analyzer| analyzer.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ANALYZERS.len());
    }
}
