//! Programs and libraries that stand in an image without a package, told by what they say of themselves.
//!
//! Owns the search. [`CLASSES`] says which files are looked at, by their name alone, and what in them tells the version:
//! a text that always stands beside it, found by its literal part and read by a regular expression around that. A file of
//! another name costs nothing, one that is no executable its first bytes. Where a file holds several versions, the first
//! counts: linkers put a program's own constants before those of the libraries that they add.
//!
//! What is found this way is a guess ([`Evidence::Inferred`]), under the name that Syft has for it. Files that a package
//! of the system brought are found too, and tied to it by the scan. What is not here: programs of Go, which name their
//! modules (`super::golang`), scripts, and what has no name of its own in the file system (a library that was linked in).

use crate::analyzer::{Analyzer, Extract, File};
use crate::analyzers::executable;
use crate::glob;
use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};
use sekisho_base::ReadAt;
use sekisho_model::{Code, Diagnostic, Evidence, PackageFacts, PackageKind};
use std::cell::OnceCell;
use std::io;

mod classes;

pub use classes::CLASSES;

/// What files of some names are, and what tells it.
#[derive(Debug)]
pub struct Class {
    /// The name of the package, with a namespace where its package URL has one.
    pub name: &'static str,
    /// The files, as in [`Analyzer::paths`].
    pub files: &'static [&'static str],
    /// What tells the version; any of them.
    pub patterns: &'static [Pattern],
    /// The package whose file it was tried on; none where nothing but descriptions of the program is at hand.
    pub proven: Option<&'static str>,
}

/// A text that stands beside a version.
#[derive(Debug)]
pub struct Pattern {
    /// What is looked for. `{v}` stands for the version in the file's name: `3.11` of `libpython3.11.so.1.0`.
    anchor: &'static str,
    /// What has to stand around it, of bytes; the first group is the version.
    around: &'static str,
}

/// Reads executables and libraries of well-known names.
pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "binary",
    title: "Well-known programs and libraries by their bytes",
    kinds: &[PackageKind::Generic],
    paths: &PATHS,
    hints: true,
    random_access: true,
    alike,
    run,
    ..Analyzer::NONE
};

const PATHS_LEN: usize = {
    let (mut len, mut class) = (0, 0);
    while class < CLASSES.len() {
        len += CLASSES[class].files.len();
        class += 1;
    }
    len
};

/// The files of all classes.
static PATHS: [&str; PATHS_LEN] = {
    let mut paths = [""; PATHS_LEN];
    let (mut at, mut class) = (0, 0);
    while class < CLASSES.len() {
        let mut file = 0;
        while file < CLASSES[class].files.len() {
            paths[at] = CLASSES[class].files[file];
            at += 1;
            file += 1;
        }
        class += 1;
    }
    paths
};

/// Files are searched in pieces of this many bytes.
const CHUNK: usize = 1 << 20;

/// How much before the anchor a pattern may look at.
const BEFORE: u64 = 160;

/// How much from the anchor on a pattern may look at.
const BEHIND: u64 = 320;

/// So many places of one file are looked at; real ones have a handful.
const TRIES: usize = 10_000;

fn run(file: &File<'_>) -> Extract {
    match told(file) {
        Ok(Search { found: Some((class, version)), .. }) => {
            let class = classes_of(file.path).nth(class);
            let facts = class.map(|class| PackageFacts::new(PackageKind::Generic, class.name, version));
            let facts = facts.map(|facts| PackageFacts { evidence: Evidence::Inferred, ..facts });
            Extract { packages: facts.into_iter().collect(), ..Extract::default() }
        }
        Ok(Search { tries: 0, .. }) => {
            let message = format!("more than the limit of {TRIES} places that could tell what program it is");
            Extract::failed(Diagnostic::incomplete(Code::LimitExceeded, message).at(file.path))
        }
        Ok(_) => Extract::default(),
        Err(error) => Extract::failed(file.unreadable(&error)),
    }
}

/// The classes that want the file at `path`, by the table's order.
fn classes_of(path: &str) -> impl Iterator<Item = &'static Class> + '_ {
    let wants = move |class: &&Class| class.files.iter().any(|pattern| glob::path(pattern, path, glob::component));
    CLASSES.iter().filter(wants)
}

/// Whether files of two names are looked at in the same way.
fn alike(a: &str, b: &str) -> bool {
    let by_name = |class: &Class| class.patterns.iter().any(|pattern| pattern.anchor.contains("{v}"));
    classes_of(a).map(|class| class.files).eq(classes_of(b).map(|class| class.files))
        && (version_in(a) == version_in(b) || !classes_of(a).any(by_name))
}

/// The first numbers in a file's name; those of the third version of Python where there are none.
fn version_in(path: &str) -> &str {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let start = name.find(|character: char| character.is_ascii_digit());
    let digits = start.map_or("3", |start| &name[start..]);
    let end = digits.find(|character: char| !character.is_ascii_digit() && character != '.');
    digits[..end.unwrap_or(digits.len())].trim_end_matches('.')
}

/// What the file says of itself.
fn told(file: &File<'_>) -> io::Result<Search> {
    let mut search = Search { found: None, tries: TRIES };
    let mut head = [0; 4];
    let read = file.data.read_at(0, &mut head)?;
    if !executable::MAGIC.iter().any(|magic| head[..read].starts_with(magic)) {
        return Ok(search);
    }
    let version = version_in(file.path);
    let needles = |class: &'static Class| class.patterns.iter().map(|pattern| Needle::new(pattern, version)).collect();
    let candidates: Vec<(&Class, Vec<Needle>)> = classes_of(file.path).map(|class| (class, needles(class))).collect();
    let anchors = candidates.iter().flat_map(|(_, needles)| needles);
    let overlap = anchors.map(|needle| needle.finder.needle().len()).max().unwrap_or_default().saturating_sub(1);
    let size = file.data.size();
    let mut buffer = Vec::new();
    let mut start = 0;
    while start < size && search.tries > 0 && search.found.as_ref().is_none_or(|(class, _)| *class > 0) {
        let len = ((CHUNK + overlap) as u64).min(size - start) as usize;
        let chunk = if let Some(whole) = file.data.as_slice() {
            whole.get(start as usize..start as usize + len).unwrap_or_default()
        } else {
            buffer.resize(len, 0);
            file.data.read_exact_at(start, &mut buffer)?;
            &buffer
        };
        search.chunk(file.data, start, chunk, &candidates)?;
        start += CHUNK as u64;
    }
    search.found = search.found.filter(|_| search.tries > 0);
    Ok(search)
}

/// The state of a search.
struct Search {
    /// Which of the candidates it is, and the version. One further up in the table may still be told by what follows.
    found: Option<(usize, String)>,
    /// How many more places are looked at.
    tries: usize,
}

impl Search {
    /// Looks at the anchors that begin in the first [`CHUNK`] bytes of `chunk`, which lies at `start`.
    fn chunk(
        &mut self,
        data: &dyn ReadAt,
        start: u64,
        chunk: &[u8],
        candidates: &[(&Class, Vec<Needle>)],
    ) -> io::Result<()> {
        for (class, (_, needles)) in candidates.iter().enumerate() {
            if self.found.as_ref().is_some_and(|(found, _)| *found <= class) {
                break;
            }
            // Of several patterns the one that comes first counts.
            let mut end = CHUNK;
            for needle in needles {
                for hit in needle.finder.find_iter(chunk).take_while(|hit| *hit < end) {
                    if self.tries == 0 {
                        return Ok(());
                    }
                    self.tries -= 1;
                    if let Some(version) = needle.read(data, start + hit as u64)? {
                        self.found = Some((class, version));
                        end = hit;
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A pattern made ready for one file.
struct Needle {
    finder: memmem::Finder<'static>,
    around: String,
    /// Few anchors are met, so that few expressions are compiled.
    compiled: OnceCell<Option<Regex>>,
}

impl Needle {
    fn new(pattern: &Pattern, version: &str) -> Self {
        let anchor = pattern.anchor.replace("{v}", version);
        Self {
            finder: memmem::Finder::new(&anchor).into_owned(),
            around: pattern.around.replace("{v}", &regex::escape(version)),
            compiled: OnceCell::new(),
        }
    }

    /// The version beside the anchor at `hit`.
    fn read(&self, data: &dyn ReadAt, hit: u64) -> io::Result<Option<String>> {
        // All can be compiled, which a test shows.
        let compile = || RegexBuilder::new(&self.around).unicode(false).dot_matches_new_line(true).build().ok();
        let Some(around) = self.compiled.get_or_init(compile) else { return Ok(None) };
        let start = hit.saturating_sub(BEFORE);
        let end = (hit + BEHIND).min(data.size());
        let window = data.range(start, (end - start) as usize)?;
        let version = around.captures(&window).and_then(|captures| captures.get(1));
        Ok(version.map(|version| String::from_utf8_lossy(version.as_bytes()).into_owned()))
    }
}

#[cfg(test)]
mod tests;
