//! Elixir and Erlang packages, by Mix's lock file.
//!
//! An Elixir map from applications to tuples, `"plug": {:hex, :plug, "1.14.0", …}`, which is read by its brackets and never
//! run. What the project asks for and what is for development only stand in `mix.exs` alone.
//!
//! Source: `Mix.Dep.Lock`, <https://github.com/elixir-lang/elixir>; the tuples: `Hex.SCM`, <https://github.com/hexpm/hex>,
//! and `Mix.SCM.Git`.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::{Locked, source};
use sekisho_model::PackageKind;

/// Reads `mix.lock`.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "hex-lock",
    version: 3,
    title: "Mix lock files (mix.lock)",
    kinds: &[PackageKind::Hex],
    paths: &["**/mix.lock"],
    run,
    ..Analyzer::NONE
};

fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Hex);
    let mut tokens = Tokens { rest: text.strip_prefix('\u{feff}').unwrap_or(&text) };
    // How many brackets are open: one in the map, two in a tuple, more in the lists in it.
    let mut depth = 0_u64;
    let (mut key, mut fields): (&str, Vec<&str>) = ("", Vec::new());
    let (mut unusable, mut opened) = (0, false);
    while let Some(token) = tokens.next() {
        match token {
            Token::Open => {
                opened = true;
                depth += 1;
                if depth == 2 {
                    fields.clear();
                }
            }
            Token::Close if depth == 2 => {
                depth = 1;
                unusable += u64::from(!take(&mut locked, key, &fields));
                key = "";
            }
            Token::Close => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => unusable += 1,
            },
            Token::Text(text) if depth == 1 => key = text,
            Token::Text(text) if depth == 2 && fields.len() < FIELDS => fields.push(text),
            Token::Text(_) => {}
            Token::Other => unusable += u64::from(depth < 2),
        }
    }
    if depth > 0 {
        locked.malformed("ends within an entry");
    } else if !opened && !text.trim().is_empty() || unusable == 0 && !is_map(&text) {
        locked.malformed("is no map of Elixir");
    }
    locked.unusable(unusable);
    locked.finish()
}

/// Whether the text is a map of Elixir, or nothing at all.
fn is_map(text: &str) -> bool {
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_none_or(|line| line.starts_with('%'))
}

/// Fields of a tuple that are not in a list within it: of `{:hex, name, version, checksum, managers, dependencies,
/// repository, checksum}` six.
const FIELDS: usize = 6;

/// Takes an entry; false where it is of no known form.
fn take(locked: &mut Locked<'_>, key: &str, fields: &[&str]) -> bool {
    let (mut facts, from) = match fields {
        ["hex", name, version, rest @ ..] if !name.is_empty() && !version.is_empty() => {
            let repository = rest.get(1).filter(|repository| **repository != "hexpm");
            (locked.package(name, version), repository.map(|repository| format!("hex+{repository}")))
        }
        ["git", url, commit, ..] if !key.is_empty() => (locked.package(key, ""), Some(format!("git+{url}#{commit}"))),
        _ => return false,
    };
    facts.extra.extend(from.as_deref().map(source));
    locked.add(facts);
    true
}

/// A part of an Elixir term.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A bracket or brace, or its end.
    Open,
    Close,
    /// A string or an atom, as it is written: names and versions have no escapes.
    Text(&'a str),
    /// What no such file has.
    Other,
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            // The arrow and the percent sign belong to the map, a colon with a space behind it to its key.
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',', '%', '=', '>']);
            let (token, rest) = match self.rest.as_bytes() {
                [] => return None,
                [b'{' | b'[', ..] => (Token::Open, &self.rest[1..]),
                [b'}' | b']', ..] => (Token::Close, &self.rest[1..]),
                [b'#', ..] => {
                    self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
                    continue;
                }
                [b'"', ..] => string(&self.rest[1..]),
                [b':', b'"', ..] => string(&self.rest[2..]),
                [b':', ..] => {
                    let (atom, rest) = word(&self.rest[1..]);
                    self.rest = rest;
                    if atom.is_empty() {
                        continue;
                    }
                    (Token::Text(atom), rest)
                }
                _ => {
                    let (word, rest) = word(self.rest);
                    // `true`, or the key of an option with its colon.
                    if !word.is_empty() {
                        self.rest = rest.strip_prefix(':').unwrap_or(rest);
                        continue;
                    }
                    let mut rest = self.rest.chars();
                    rest.next();
                    (Token::Other, rest.as_str())
                }
            };
            self.rest = rest;
            return Some(token);
        }
    }
}

/// The string up to its quote, and what follows.
fn string(text: &str) -> (Token<'_>, &str) {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.as_bytes().get(at..).unwrap_or_default()) {
        at += found;
        if text.as_bytes()[at] == b'"' {
            return (Token::Text(&text[..at]), &text[at + 1..]);
        }
        at += 2;
    }
    (Token::Other, "")
}

/// Letters, digits and what else an atom may have without quotes.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_alphanumeric() && !"_@!?.~-".contains(character));
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn check(text: &str, expect: &[&str], incomplete: usize) {
        let extract = testing::run(&ANALYZER, "srv/mix.lock", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(lines, expect, "{text}");
        assert_eq!(extract.diagnostics.len(), incomplete, "{text}");
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/hex/fixtures");
    }

    #[test]
    fn each_form_of_an_entry_is_read() {
        check(
            r#"%{"app": {:hex, :"a-b", "1.0", "c", [:mix, :make], [{:x, "~> 1", [hex: :x, repo: "hexpm", optional: true]}], "hexpm", "d"}, # }
               :old => {:hex, :old, "0.1.0"}, "p": {:hex, :p, "2", "c", [:mix], [], "acme", "d"},
               "g": {:git, "https://x/\"}g.git", "abc", [tag: "v1", sparse: nil]},}"#,
            &["a-b 1.0", "old 0.1.0", "p 2 source=hex+acme", "g  source=git+https://x/\\\"}g.git#abc"],
            0,
        );
        check("%{\n}\n", &[], 0);
        check("", &[], 1);
        check("packages", &[], 1);
    }

    #[test]
    fn what_is_not_of_the_format_may_hide_a_package() {
        let a = r#""a": {:hex, :a, "1"}"#;
        check(&format!("%{{{a}, \"b\": {{:hex, :b}}, \"c\": {{:svn, \"u\", \"1\"}}}}"), &["a 1"], 1);
        check(&format!("%{{{a}, \"b\": {{:hex, :b, \"1"), &["a 1"], 1);
        check(&format!("%{{\n<<<<<<< HEAD\n{a}\n=======\n"), &["a 1"], 2);
        check(&format!("}}}}{a}"), &[], 1);
        check(&format!("%{{{}", "[".repeat(1_000_000)), &[], 1);
    }
}
