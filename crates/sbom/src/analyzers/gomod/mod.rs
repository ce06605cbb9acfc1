//! `go.mod`: the modules that a Go module asks for.
//!
//! Since Go 1.17 a module lists all that its packages are built from; before, only what it asks for itself, which a note
//! says. `go.sum` is not read: it has checksums of every version that was ever looked at, and not of those that are used.
//! What `replace` puts in a module's place is listed instead of it, as in [executables](super::golang). In the cache of
//! modules (`pkg/mod`) nothing is read: what a downloaded module would ask for is not what is used.
//!
//! Source: <https://go.dev/ref/mod#go-mod-file-grammar>.

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::lock::Locked;
use sekisho_model::{PackageFacts, PackageKind};
use std::collections::HashMap;

/// Reads `go.mod`.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "go-mod",
    version: 5,
    title: "Go modules (go.mod)",
    kinds: &[PackageKind::Golang],
    paths: &["**/go.mod"],
    alike: |one, other| in_module_cache(one) == in_module_cache(other),
    run,
    ..Analyzer::NONE
};

/// Whether a path leads through `pkg/mod` and below it through the directory of one version of a module, as in
/// `pkg/mod/github.com/a/b@v1.2.3`: a folder of a project may have the same name.
fn in_module_cache(path: &str) -> bool {
    let below = path.strip_prefix("pkg/mod/").or_else(|| Some(path.split_once("/pkg/mod/")?.1));
    below.is_some_and(|below| below.contains('@'))
}

/// A path with a version, or without: all versions of a module, or a directory.
type Module<'a> = (&'a str, Option<&'a str>);

/// What stands in the place of a module.
type Replacements<'a> = HashMap<Module<'a>, Module<'a>>;

/// The directives, of which a file has one at least.
const VERBS: [&str; 10] =
    ["module", "go", "toolchain", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"];

/// No directive has more words.
const WORDS: usize = 8;

fn run(file: &File<'_>) -> Extract {
    if in_module_cache(file.path) {
        return Extract::default();
    }
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let (mut replaced, mut unusable, mut complete) = (Replacements::new(), 0, false);
    let (mut any, mut known) = (false, false);
    let mut locked = Locked::new(file, PackageKind::Golang);
    for (verb, words, _) in directives(&text) {
        match (verb, words.as_slice()) {
            ("replace", _) if replaced.len() >= file.limits.records => locked.over(),
            ("replace", [path, rest @ ..]) => match replacement(rest) {
                Some((version, by)) => _ = replaced.insert((*path, version), by),
                None => unusable += 1,
            },
            ("go", [version]) => complete = lists_all(version),
            // What the module is called, what it withdraws, what is not to be taken, and how it is built.
            _ => {}
        }
        // Newer releases of Go may know more of them.
        let is_verb = !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_lowercase());
        unusable += u64::from(!is_verb);
        known |= VERBS.contains(&verb);
        any = true;
    }
    if any && !known {
        locked.malformed("has none of the directives of a go.mod");
    }
    // A second look at the text, instead of a list of what is asked for.
    for (_, words, comment) in directives(&text).filter(|(verb, ..)| *verb == "require") {
        let [path, version] = words[..] else {
            unusable += 1;
            continue;
        };
        // One for the very version goes before one for all.
        let facts = match replaced.get(&(path, Some(version))).or_else(|| replaced.get(&(path, None))) {
            None => locked.package(path, version),
            Some((by, Some(by_version))) => {
                let mut facts = locked.package(by, by_version);
                facts.extra.push(("replaces".to_owned(), format!("{path}@{version}")));
                facts
            }
            Some((directory, None)) => {
                let mut facts = locked.package(path, version);
                facts.extra.push(("replaced_by".to_owned(), (*directory).to_owned()));
                facts
            }
        };
        locked.add(PackageFacts { direct: Some(comment != "indirect"), ..facts });
        if !std::mem::replace(&mut complete, true) {
            locked.note(file.skipped("a module for Go before 1.17: what its dependencies need is not listed"));
        }
    }
    if is_cut(&text) {
        locked.malformed("ends within brackets that are open");
    }
    locked.unusable(unusable);
    locked.finish()
}

/// Whether a list in brackets has no end: the file was cut in it.
fn is_cut(text: &str) -> bool {
    let mut open = false;
    for line in text.lines() {
        match words(line).0.as_slice() {
            [")", ..] => open = false,
            [_, "("] => open = true,
            _ => {}
        }
    }
    open
}

/// Each directive with its words and the comment behind them, those in brackets one by one.
fn directives(text: &str) -> impl Iterator<Item = (&str, Vec<&str>, &str)> {
    let mut block = None;
    text.strip_prefix('\u{feff}').unwrap_or(text).lines().filter_map(move |line| {
        let (mut words, comment) = words(line);
        match (block, words.as_slice()) {
            (_, []) => return None,
            (Some(_), [")", ..]) => {
                block = None;
                return None;
            }
            (None, [verb, "("]) => {
                block = Some(*verb);
                return None;
            }
            _ => {}
        }
        let verb = block.unwrap_or_else(|| words.remove(0));
        Some((verb, words, comment))
    })
}

/// What is behind the path in `path [version] => path [version]`: for which version, and what is taken.
fn replacement<'a>(words: &[&'a str]) -> Option<(Option<&'a str>, Module<'a>)> {
    let (version, by) = match words {
        ["=>", by @ ..] => (None, by),
        [version, "=>", by @ ..] => (Some(*version), by),
        _ => return None,
    };
    match by {
        [path] => Some((version, (*path, None))),
        [path, of] => Some((version, (*path, Some(*of)))),
        _ => None,
    }
}

/// Whether a module for this release of Go lists what its dependencies need.
fn lists_all(release: &str) -> bool {
    let mut numbers = release.split('.').map(|number| {
        let end = number.find(|character: char| !character.is_ascii_digit()).unwrap_or(number.len());
        number[..end].parse::<u32>().unwrap_or_default()
    });
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) >= (1, 17)
}

/// The words of a line, brackets by themselves and quotes taken away, and the comment behind them.
fn words(line: &str) -> (Vec<&str>, &str) {
    let (mut words, mut rest) = (Vec::new(), line.trim_start());
    while let Some(first) = rest.chars().next().filter(|_| words.len() < WORDS) {
        if let Some(comment) = rest.strip_prefix("//") {
            return (words, comment.split(';').next().unwrap_or(comment).trim());
        }
        let (word, after) = match first {
            '(' | ')' => rest.split_at(1),
            '"' | '`' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
            _ => {
                let end = rest.find([' ', '\t', '\r', '(', ')', '"', '`']).unwrap_or(rest.len());
                rest.split_at(rest[..end].find("//").unwrap_or(end))
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    (words, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn lines(text: &str) -> Vec<String> {
        let extract = testing::run(&ANALYZER, "app/go.mod", text.as_bytes());
        let diagnostics = extract.diagnostics.iter().map(|it| format!("{:?}: {}", it.level, it.message));
        extract.packages.iter().map(|facts| testing::line(facts, " ")).chain(diagnostics).collect()
    }

    #[test]
    fn goldens() {
        testing::goldens(&ANALYZER, "src/analyzers/gomod/fixtures");
    }

    #[test]
    fn brackets_that_stay_open_are_told() {
        let text = "module a\n\ngo 1.22\n\nrequire (\n\texample.org/a v1.0.0\n)\n\nrequire (\n\texample.org/b v1.0.0\n";
        let told = "Incomplete: ends within brackets that are open";
        assert_eq!(lines(text), ["example.org/a v1.0.0 direct", "example.org/b v1.0.0 direct", told]);
        assert_eq!(lines(&format!("{text})\n")).len(), 2);
    }

    #[test]
    fn all_forms_of_the_grammar_are_read() {
        let text = "module \"example.org/app\" // Deprecated: no\n\ngo 1.22rc1\ntoolchain go1.22.3\n\
            require example.org/a v1.0.0\nrequire(\n\t\"example.org/b\" `v1.1.0`// indirect\n\
            \texample.org/c v1.2.0 // indirect; and why\n\n\t// example.org/d v1.3.0\n)\n\
            exclude example.org/a v0.9.0\nretract [v0.1.0, v0.2.0]\nretract (\n\tv0.0.1 // broken\n)\n\
            tool example.org/a/cmd\ngodebug default=go1.21\nrequire (\r\n\texample.org/e/v2 v2.0.0+incompatible\r\n)\r\n";
        let expected = [
            "example.org/a v1.0.0 direct",
            "example.org/b v1.1.0 indirect",
            "example.org/c v1.2.0 indirect",
            "example.org/e/v2 v2.0.0+incompatible direct",
        ];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn what_is_replaced_is_listed_as_its_replacement() {
        let text = "go 1.20\nrequire (\n\ta v1.0.0\n\tb v1.0.0\n\tc v1.0.0\n\td v1.0.0\n)\nreplace a => x v2.0.0\n\
            replace (\n\tb v1.0.0 => y v3.0.0\n\tb => z v4.0.0\n\tc v0.9.0 => w v1.0.0\n\td => ./here\n)\n";
        let expected = [
            "x v2.0.0 direct replaces=a@v1.0.0",
            "y v3.0.0 direct replaces=b@v1.0.0",
            "c v1.0.0 direct",
            "d v1.0.0 direct replaced_by=./here",
        ];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let note = "Note: a module for Go before 1.17: what its dependencies need is not listed";
        assert_eq!(lines("go 1.16\nrequire a v1.0.0\n"), ["a v1.0.0 direct", note]);
        assert_eq!(lines("go 1.16\nmodule a\n"), [""; 0]);
        let broken = "Incomplete: entries that are not of the format: 3";
        assert_eq!(
            lines("go 1.21\nrequire a\nreplace a b\nrequire (\n\ta v1 v2\n\tb v1.0.0\n)\n"),
            ["b v1.0.0 direct", broken]
        );
    }

    #[test]
    fn only_the_module_cache_tells_nothing() {
        let text = b"go 1.21\nrequire a v1.0.0\n";
        for (path, count) in [
            ("root/go/pkg/mod/b@v1.0.0/go.mod", 0),
            ("pkg/mod/a/b@v1/c/go.mod", 0),
            ("pkg/mod/b/go.mod", 1),
            ("mypkg/mod/a@v1/go.mod", 1),
        ] {
            assert_eq!(testing::run(&ANALYZER, path, text).packages.len(), count, "{path}");
        }
    }
}
