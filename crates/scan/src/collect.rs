//! From one file to its facts: the meeting of the dispatch table with content, for layers and trees.

use crate::facts::{FileFacts, LayerFacts, Link};
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::path;
use sekisho_sbom::{Analyzer, Dispatch, Extract, File};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Gathers the facts of one layer or tree while its entries go by.
pub(crate) struct Collector<'a> {
    pub(crate) dispatch: &'a Dispatch,
    pub(crate) limits: &'a Limits,
    pub(crate) facts: LayerFacts,
    /// Where the facts of a path lie, so that a later entry of the same path takes its place.
    by_path: HashMap<String, Vec<usize>>,
    path_table_full: bool,
    /// Bytes of all facts kept.
    weight: u64,
    facts_full: bool,
    notes: usize,
}

/// Notes beyond this are counted, not kept: they come from strangers too.
const MAX_NOTES: usize = 200;

impl<'a> Collector<'a> {
    pub(crate) fn new(dispatch: &'a Dispatch, limits: &'a Limits) -> Self {
        Self {
            dispatch,
            limits,
            facts: LayerFacts::default(),
            by_path: HashMap::new(),
            path_table_full: false,
            weight: 0,
            facts_full: false,
            notes: 0,
        }
    }

    /// Takes note that there is an entry at `path`.
    pub(crate) fn entry(&mut self, path: &str, directory: bool) {
        if let Some(indexes) = self.by_path.remove(path) {
            for index in indexes {
                self.facts.files[index].extract = Extract::default();
            }
        }
        if self.facts.paths.size() >= self.limits.path_table_bytes {
            if !self.path_table_full {
                self.path_table_full = true;
                self.diagnostic(Diagnostic::incomplete(
                    Code::LimitExceeded,
                    format!(
                        "the names of the entries take more than the limit of {} bytes; what further ones hide in lower layers is not known",
                        self.limits.path_table_bytes
                    ),
                ));
            }
            return;
        }
        self.facts.paths.push(path, directory);
    }

    /// Keeps a symbolic link if it can matter: near the root (merged `/usr`, moved databases), in the
    /// documentation that holds licences, or in the place of a file that is wanted.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        let near_root = path.matches('/').count() <= 2;
        if near_root || path.starts_with("usr/share/doc/") || !self.dispatch.by_path(path).is_empty() {
            self.facts.links.push(Link { path: path.to_owned(), target: path::resolve(path, target) });
        }
    }

    /// Runs `analyzer` over the content of the file at `path`.
    pub(crate) fn analyze(&mut self, analyzer: &'static Analyzer, path: &str, data: &dyn ReadAt) {
        let file = File { path, data, limits: self.limits };
        // An analyzer must not panic; should one all the same, the rest of the image is still read.
        let extract = catch_unwind(AssertUnwindSafe(|| (analyzer.run)(&file))).unwrap_or_else(|_| {
            let message = format!("the {} analyzer failed on this file; this is a bug", analyzer.id);
            Extract::failed(Diagnostic::incomplete(Code::InternalFault, message).at(path))
        });
        self.keep(analyzer, path, extract);
    }

    /// Keeps what `analyzer` made of the file at `path`.
    pub(crate) fn keep(&mut self, analyzer: &'static Analyzer, path: &str, extract: Extract) {
        let indexes = self.by_path.entry(path.to_owned()).or_default();
        if extract.is_empty() {
            return;
        }
        let weight = extract.weight() + 2 * path.len() as u64;
        if self.weight + weight > self.limits.facts_bytes {
            if !self.facts_full {
                self.facts_full = true;
                let message =
                    format!("what the files hold takes more than the limit of {} bytes", self.limits.facts_bytes);
                self.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(path));
            }
            return;
        }
        self.weight += weight;
        indexes.push(self.facts.files.len());
        self.facts.files.push(FileFacts { path: path.to_owned(), analyzer: analyzer.id.to_owned(), extract });
    }

    /// Whether the content at `path` has been analysed, even if it said nothing.
    pub(crate) fn looked_at(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// The facts kept for `path` by `analyzer`.
    pub(crate) fn kept(&self, path: &str, analyzer: &Analyzer) -> Option<Extract> {
        let indexes = self.by_path.get(path)?;
        indexes
            .iter()
            .map(|index| &self.facts.files[*index])
            .find(|file| file.analyzer == analyzer.id)
            .map(|file| file.extract.clone())
    }

    /// Takes in a diagnostic; notes are bounded.
    pub(crate) fn diagnostic(&mut self, diagnostic: Diagnostic) {
        if diagnostic.level == sekisho_model::Level::Note {
            self.notes += 1;
            if self.notes > MAX_NOTES {
                return;
            }
        }
        self.facts.diagnostics.push(diagnostic);
    }

    /// The facts, without what later entries replaced.
    pub(crate) fn finish(mut self) -> LayerFacts {
        if self.notes > MAX_NOTES {
            let more = self.notes - MAX_NOTES;
            self.facts
                .diagnostics
                .push(Diagnostic::note(Code::RecordMalformed, format!("{more} more notes are left out")));
        }
        self.facts.files.retain(|file| !file.extract.is_empty());
        self.facts
    }
}
