//! `Gemfile.lock`: sections with what they hold indented by two spaces.
//!
//! `GEM`, `GIT`, `PATH` and `PLUGIN SOURCE` each name a source and below `specs:` the gems from it, `DEPENDENCIES` what the
//! project asks for. A gem that is locked for several platforms is one package. Groups, and so what is for development
//! only, stand in the Gemfile alone.
//!
//! Source: `Bundler::LockfileParser` and `Bundler::LockfileGenerator`, <https://github.com/rubygems/rubygems>.

use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, shared_source};
use sekisho_model::PackageKind;
use std::collections::HashSet;

/// Reads one lock file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let direct = direct(text);
    let mut locked = Locked::new(file, PackageKind::Gem);
    let (mut from, mut in_specs, mut unusable) = (None, false, 0);
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        match (line.len() - content.len(), &mut from) {
            _ if content.trim().is_empty() => {}
            (0, _) => {
                // Not so the marks of a conflict, with which Bundler reads no file, and whatever else is called so.
                let is_section = |byte: u8| byte.is_ascii_uppercase() || byte == b' ';
                unusable += u64::from(!content.trim_end().bytes().all(is_section));
                from = Source::of(content.trim_end());
                in_specs = false;
            }
            (2, Some(_)) if content.trim_end() == "specs:" => in_specs = true,
            (2, Some(source)) => source.option(content),
            (4, Some(source)) if in_specs => match spec(content) {
                Some((name, version)) => {
                    let mut facts = locked.package(name, version);
                    facts.direct = direct.as_ref().map(|direct| direct.contains(name));
                    facts.extra.extend(source.place().as_deref().map(shared_source));
                    locked.add(facts);
                }
                None => unusable += 1,
            },
            // What a gem needs, and sections that name none.
            _ => {}
        }
    }
    locked.unusable(unusable);
    locked.finish()
}

/// The gems that the project asks for; none where the file does not say.
fn direct(text: &str) -> Option<HashSet<&str>> {
    let mut lines = text.lines();
    lines.find(|line| line.trim_end() == "DEPENDENCIES")?;
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    // `rails (~> 7.0)`, and with an exclamation mark behind it where the source is not the first one.
    Some(lines.filter_map(|line| line.trim().split([' ', '!']).next()).collect())
}

/// Name and version of `nokogiri (1.13.8-x86_64-linux)`, without the platform.
fn spec(content: &str) -> Option<(&str, &str)> {
    let (name, version) = content.trim_end().split_once(" (")?;
    let version = version.strip_suffix('!').unwrap_or(version).strip_suffix(')')?;
    let version = version.split('-').next().unwrap_or(version);
    (!name.is_empty() && !version.is_empty()).then_some((name, version))
}

/// Where the gems of a section are from.
struct Source<'a> {
    kind: &'static str,
    remote: &'a str,
    revision: &'a str,
    /// Whether it is, or one of several is, the registry that everyone uses.
    registry: bool,
}

impl<'a> Source<'a> {
    /// The section of this header, if gems are listed in it.
    fn of(header: &str) -> Option<Self> {
        let kind = match header {
            "GEM" => "",
            "GIT" => "git+",
            "PATH" => "path+",
            "PLUGIN SOURCE" => "plugin+",
            _ => return None,
        };
        Some(Self { kind, remote: "", revision: "", registry: false })
    }

    fn option(&mut self, line: &'a str) {
        match line.split_once(": ").map(|(key, value)| (key, value.trim())) {
            Some(("remote", remote)) => {
                self.registry |= self.kind.is_empty() && is_registry(remote);
                self.remote = remote;
            }
            Some(("revision", revision)) => self.revision = revision,
            _ => {}
        }
    }

    fn place(&self) -> Option<String> {
        let commit = if self.revision.is_empty() { "" } else { "#" };
        let Self { kind, remote, revision, .. } = self;
        let is_known = self.registry || kind.is_empty() && remote.is_empty();
        (!is_known).then(|| format!("{kind}{remote}{commit}{revision}"))
    }
}

fn is_registry(remote: &str) -> bool {
    let host = remote.split_once("://").map_or(remote, |(_, host)| host);
    host.trim_end_matches('/') == "rubygems.org"
}

#[cfg(test)]
mod tests {
    use super::super::LOCK;
    use crate::testing;

    fn check(text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(&LOCK, "srv/Gemfile.lock", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&LOCK, "src/analyzers/gem/fixtures/lock");
    }

    #[test]
    fn sources_platforms_and_what_is_asked_for() {
        let text = "PLUGIN SOURCE\n  remote: p\n  type: x\n  specs:\n    p (1)\n\nPATH\n  remote: .\n  specs:\n    own (0.1)\n      \
                    a (>= 1)\n\nGEM\n  remote: https://gems.example/\n  remote: https://rubygems.org/\n  specs:\n    a \
                    (1.0.pre-java)\n    a (1.0.pre)\r\n\nGEM\n  remote: https://gems.example/\n  specs:\n    b (2)\n\n\
                    PLATFORMS\n  ruby\n    x (1)\n\nDEPENDENCIES\n  b (~> 2)!\n  own!\n\nBUNDLED WITH\n   2.3.15\n";
        check(
            text,
            &[
                "p 1 indirect source=plugin+p",
                "own 0.1 direct source=path+.",
                "a 1.0.pre indirect",
                "b 2 direct source=https://gems.example/",
            ],
            0,
        );
        check("GEM\n  specs:\n    a (1)\n", &["a 1"], 0);
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_gem() {
        check("GEM\n  specs:\n    a\n    b (1\n    c ()\n    d (1)\n", &["d 1"], 1);
        check("GEM\n  specs:\n    a (1)\n<<<<<<< HEAD\n    b (1)\n", &["a 1"], 1);
        check("", &[], 1);
    }

    #[test]
    fn a_long_source_is_not_repeated_for_each_gem() {
        let specs = "a b c d e f g h".split(' ').fold(String::new(), |specs, name| specs + "    " + name + " (1)\n");
        let text = format!("GEM\n  remote: {}\n  specs:\n{specs}", "é".repeat(100_000));
        let extract = testing::run(&LOCK, "Gemfile.lock", text.as_bytes());
        assert_eq!(extract.packages.len(), 8);
        assert!(extract.packages.iter().all(|facts| facts.extra[0].1.len() <= 200));
    }
}
