//! `cargo xtask tidy`: checks of what the compiler does not see.
//!
//! Each check is a function from a [`Tree`] (and what else it compares with) to [`Problem`]s, so that its tests
//! need no files. Reading the work tree and printing are here; the rules are in the modules.

mod arrows;
mod hygiene;
mod links;
mod manifests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::generate;
use crate::process::Run;

/// Run every check over the work tree.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let members = arrows::members(root)?;
    let mut problems = arrows::check(&tree, &members);
    problems.extend(manifests::check(&tree));
    problems.extend(links::check(&tree));
    problems.extend(hygiene::check(&tree));
    problems.extend(hygiene::check_top(&tree));
    problems.extend(generate::stale(generate::FILES, &tree));
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() { Ok(()) } else { bail!("{} problems in the work tree", problems.len()) }
}

/// The files of the work tree that git tracks or would track.
#[derive(Default)]
pub(crate) struct Tree {
    paths: BTreeSet<String>,
    texts: BTreeMap<String, String>,
}

impl Tree {
    fn read(root: &Path) -> Result<Self> {
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Run::new("git").args(args).dir(root).read()?;
        let mut tree = Self::default();
        for path in listed.split_terminator('\0') {
            let file = root.join(path);
            // A deleted file is listed until the deletion is staged; a symbolic link is not ours to read.
            if !file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            let bytes = fs::read(&file).with_context(|| format!("cannot read {path}"))?;
            tree.paths.insert(path.to_owned());
            if let Ok(text) = String::from_utf8(bytes)
                && !text.contains('\0')
            {
                tree.texts.insert(path.to_owned(), text);
            }
        }
        Ok(tree)
    }

    #[cfg(test)]
    pub(crate) fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let texts: BTreeMap<_, _> = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        Self { paths: texts.keys().cloned().collect(), texts }
    }

    /// The content of a text file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Every file that is valid UTF-8 without a zero byte, by path.
    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Text files whose form is ours to choose: not test inputs, shipped data, goldens or generated code.
    fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| {
            !has_extension(path, &["snap"])
                && !path.split('/').any(|part| ["fixtures", "data", "corpus", "generated"].contains(&part))
        })
    }

    /// Whether `path` is a file or a folder with files in it.
    fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self.paths.range(folder.clone()..).next().is_some_and(|next| next.starts_with(&folder))
    }
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().and_then(|found| found.to_str()).is_some_and(|found| extensions.contains(&found))
}

/// The lines of a text with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_terminator('\n').enumerate().map(|(index, line)| (index + 1, line))
}

/// Something to put right, and where.
pub(crate) struct Problem {
    path: String,
    line: Option<usize>,
    message: String,
}

impl Problem {
    /// A problem of a whole file.
    pub(crate) fn file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, message: message.into() }
    }

    /// A problem of one line, counted from 1.
    fn line(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::file(path, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// What a check says about a few files, as lines.
#[cfg(test)]
fn problems_in(check: fn(&Tree) -> Vec<Problem>, files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::from_texts(files.iter().copied())).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_exists_when_a_file_is_in_it() {
        let tree = Tree::from_texts([("docs/guide/a.md", ""), ("docs-old", "")]);
        for path in ["", "docs", "docs/guide", "docs/guide/a.md", "docs-old"] {
            assert!(tree.exists(path), "{path}");
        }
        for path in ["doc", "docs/guid", "docs/guide/a", "docs-old/x"] {
            assert!(!tree.exists(path), "{path}");
        }
    }

    #[test]
    fn inputs_and_goldens_are_not_ours_to_form() {
        let tree = Tree::from_texts([
            ("a/fixtures/x.rs", ""),
            ("a/data/y", ""),
            ("fuzz/corpus/x", ""),
            ("a/z.snap", ""),
            ("a/fixtures.rs", ""),
        ]);
        assert_eq!(tree.written().map(|(path, _)| path).collect::<Vec<_>>(), ["a/fixtures.rs"]);
    }
}
