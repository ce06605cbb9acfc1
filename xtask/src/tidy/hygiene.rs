//! The form of files: length, leftovers, line ends, paths of one machine.
//!
//! Test inputs, shipped data, goldens and generated code keep the form they came in.

use super::{Problem, Tree, has_extension, numbered};

/// Lines in a source file, above which it holds more than one thing.
const LONGEST: usize = 700;
const SOURCES: [&str; 6] = ["rs", "c", "h", "js", "ts", "tsx"];
/// What is finished before it lands, each written so that this file does not contain it.
const LEFTOVERS: [(&str, &str); 4] = [
    (concat!("TO", "DO"), "do it, or file it as an issue"),
    (concat!("FIX", "ME"), "fix it, or file it as an issue"),
    (concat!("to", "do!("), "write it"),
    (concat!("#[ig", "nore"), "a test that does not run proves nothing: make it fast or a `cargo xtask` task"),
];
/// The files that may have it; the lint is only denied, so that they can.
const UNSAFE: (&str, [&str; 3]) =
    (concat!("unsafe", "_code"), ["crates/base/src/map.rs", "crates/sensor/src/load.rs", "crates/sensor/src/sys.rs"]);
/// Folders that exist on the machine of whoever wrote the line.
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// One of them is everywhere the home of the superuser, which rules guard: there it may be named.
const GUARDED: (&str, &str) = (concat!("/ro", "ot/"), "rules/detection/");

/// What may lie at the top, beside folders; anything else was left behind by whoever tried something out.
const TOP: [&str; 13] = [
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.ja.md",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// Files that are in no folder and are none of [`TOP`].
pub(super) fn check_top(tree: &Tree) -> Vec<Problem> {
    let stray = tree.paths.iter().filter(|path| !path.contains('/') && !TOP.contains(&path.as_str()));
    stray
        .map(|path| Problem::file(path, "does not belong at the top: remove it, or name it in TOP of this check"))
        .collect()
}

/// Files whose form is wrong.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    tree.written()
        .flat_map(|(path, text)| {
            let mut problems = lines(path, text);
            problems.extend(whole(path, text));
            problems
        })
        .collect()
}

fn whole(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let count = numbered(text).count();
    if has_extension(path, &SOURCES) && count > LONGEST {
        problems.push(Problem::file(path, format!("has {count} lines: split it, {LONGEST} are the most")));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(Problem::file(path, "does not end in a newline"));
    }
    problems
}

fn lines(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in numbered(text) {
        let mut say = |message: String| problems.push(Problem::line(path, number, message));
        if line.ends_with('\r') {
            say("ends in a carriage return".to_owned());
        } else if line.ends_with([' ', '\t']) {
            say("ends in white space".to_owned());
        }
        if has_extension(path, &["rs"]) {
            if !UNSAFE.1.contains(&path) && contains_word(line, UNSAFE.0) {
                say(format!("lifts the ban on unsafe code, which only {} may", UNSAFE.1.join(", ")));
            }
            for (word, advice) in LEFTOVERS.iter().filter(|(word, _)| contains_word(line, word)) {
                say(format!("contains `{word}`: {advice}"));
            }
        }
        let allowed = |folder: &&&str| **folder == GUARDED.0 && path.starts_with(GUARDED.1);
        for folder in MACHINE_PATHS.iter().filter(|folder| !allowed(folder) && contains_word(line, folder)) {
            say(format!("names {folder}, which is a path of one machine"));
        }
    }
    problems
}

/// Whether `word` is in `line` and is not the tail of a longer word or path.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line.split_at(at).0.ends_with(|before: char| before.is_alphanumeric() || "_-./}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::problems_in;

    fn check_text(path: &str, text: &str) -> Vec<String> {
        problems_in(check, &[(path, text)])
    }

    #[test]
    fn what_was_left_at_the_top_is_found() {
        let files = [("Cargo.toml", ""), ("p.yaml", ""), ("docs/p.yaml", "")];
        assert_eq!(
            problems_in(check_top, &files),
            ["p.yaml: does not belong at the top: remove it, or name it in TOP of this check"]
        );
    }

    #[test]
    fn a_long_source_file_is_to_be_split() {
        assert!(check_text("a.rs", &"\n".repeat(700)).is_empty());
        assert_eq!(check_text("a.rs", &"\n".repeat(701)), ["a.rs: has 701 lines: split it, 700 are the most"]);
        assert!(check_text("a.json", &"\n".repeat(701)).is_empty());
        assert!(check_text("a/fixtures/a.rs", &"\n".repeat(701)).is_empty());
    }

    #[test]
    fn line_ends_are_plain() {
        assert!(check_text("a.md", "").is_empty());
        assert!(check_text("a.md", "one\n\ntwo\n").is_empty());
        assert_eq!(check_text("a.md", "one\ntwo"), ["a.md: does not end in a newline"]);
        assert_eq!(check_text("a.md", "one \n\t\n"), ["a.md:1: ends in white space", "a.md:2: ends in white space"]);
        assert_eq!(check_text("a.md", "one\r\n"), ["a.md:1: ends in a carriage return"]);
    }

    #[test]
    fn leftovers_are_found_in_rust_only() {
        for (word, advice) in LEFTOVERS {
            let text = format!("// {word}\n");
            assert_eq!(check_text("a.rs", &text), [format!("a.rs:1: contains `{word}`: {advice}")]);
            assert!(check_text("a.md", &text).is_empty());
        }
        assert!(check_text("a.rs", "// PHOTODOCUMENT\n").is_empty());
    }

    #[test]
    fn the_ban_is_lifted_in_few_places_only() {
        let line = format!("#![expect({})]\n", UNSAFE.0);
        let may = UNSAFE.1.join(", ");
        assert_eq!(check_text("a.rs", &line), [format!("a.rs:1: lifts the ban on unsafe code, which only {may} may")]);
        assert!(UNSAFE.1.iter().all(|path| check_text(path, &line).is_empty()));
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for folder in MACHINE_PATHS {
            let expected = format!("a.md:1: names {folder}, which is a path of one machine");
            assert_eq!(check_text("a.md", &format!("see `{folder}main`\n")), [expected]);
            assert!(check_text("a.md", &format!("see sys{folder}main and ..{folder}main\n")).is_empty());
            let in_rules = check_text("rules/detection/a.yaml", &format!("values: [{folder}main]\n"));
            assert_eq!(in_rules.is_empty(), folder == GUARDED.0, "{folder}");
        }
    }
}
