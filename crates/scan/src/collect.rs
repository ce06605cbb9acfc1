//! From one file to its facts: the meeting of the dispatch table with content, for layers and trees.

use crate::facts::{FileFacts, LayerFacts, Link};
use crate::tree;
use sekisho_base::limits::{LimitExceeded, LimitKey};
use sekisho_base::spool::Spool;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Level};
use sekisho_oci::{Whiteout, path};
use sekisho_sbom::{Analyzer, Dispatch, Extract, File};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Gathers the facts of one layer or tree while its entries go by.
pub(crate) struct Collector<'a> {
    pub(crate) dispatch: &'a Dispatch,
    pub(crate) limits: &'a Limits,
    pub(crate) facts: LayerFacts,
    /// How many entries have gone by.
    entries: u64,
    /// The last entry of a path whose content was analysed: a later one of the same path takes its place.
    by_path: HashMap<String, u64>,
    /// Where the facts of an entry lie. Those of entries that were replaced stay until the end, since a hard
    /// link may still name them.
    by_entry: HashMap<u64, Vec<usize>>,
    replaced: Vec<u64>,
    /// Whether the latest entry replaced one whose content was analysed.
    last_replaced: bool,
    /// Links of the layer itself, through which a later entry would be unpacked.
    own_links: HashSet<String>,
    /// The targets of symbolic links by the place of their entry, for hard links to them.
    symlinks: HashMap<u64, String>,
    /// Paths that global headers are named by, with the place of the entry after the last of them.
    globals: HashMap<String, u64>,
    last_directory: String,
    /// Directories that were left out.
    excluded: Vec<&'static str>,
    path_table_full: bool,
    /// Bytes of all that is kept.
    weight: u64,
    facts_full: bool,
    /// How many diagnostics of each level there were.
    incompletes: usize,
    notes: usize,
}

/// Writes up to so many of the first bytes of a file; the inner error is the writer's.
pub(crate) type CopyFront<'a> = dyn FnMut(u64, &mut dyn Write) -> Result<io::Result<()>, Diagnostic> + 'a;

/// Files of more bytes than this, where they are parsed as a whole, take turns.
const LARGE_BYTES: u64 = 4 << 20;
static LARGE: Mutex<()> = Mutex::new(());

/// Diagnostics beyond this are counted, not kept: they come from strangers too.
const MAX_INCOMPLETES: usize = 1000;
const MAX_NOTES: usize = 200;

/// Runs `run`, which parses a large file as a whole: that takes many times its size for a while. It has a thread of its own,
/// as allocators keep for each thread what it took once; that of a thread which ended goes to the next one.
fn one_at_a_time<T: Send>(run: impl Fn() -> T + Sync) -> T {
    let _turn = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
    let apart = || thread::scope(|scope| thread::Builder::new().spawn_scoped(scope, &run).ok()?.join().ok());
    // Where there is no thread to be had, this one does.
    apart().unwrap_or_else(&run)
}

impl<'a> Collector<'a> {
    pub(crate) fn new(dispatch: &'a Dispatch, limits: &'a Limits) -> Self {
        Self {
            dispatch,
            limits,
            facts: LayerFacts::default(),
            entries: 0,
            by_path: HashMap::new(),
            by_entry: HashMap::new(),
            replaced: Vec::new(),
            last_replaced: false,
            own_links: HashSet::new(),
            symlinks: HashMap::new(),
            globals: HashMap::new(),
            last_directory: String::new(),
            excluded: Vec::new(),
            path_table_full: false,
            weight: 0,
            facts_full: false,
            incompletes: 0,
            notes: 0,
        }
    }

    /// Takes note that there is an entry at `path`, and gives its place among all of them.
    pub(crate) fn entry(&mut self, path: &str, directory: bool) -> u64 {
        let ordinal = self.entries;
        self.entries += 1;
        let replaced = self.by_path.remove(path);
        self.last_replaced = replaced.is_some();
        self.replaced.extend(replaced);
        if self.facts.paths.size() >= self.limits.path_table_bytes {
            if !self.path_table_full {
                self.path_table_full = true;
                self.diagnostic(Diagnostic::incomplete(
                    Code::LimitExceeded,
                    format!(
                        "the names of the entries take {}; what further ones hide in lower layers is not known",
                        self.limits.exceeded(LimitKey::PathTableBytes, "bytes")
                    ),
                ));
            }
            return ordinal;
        }
        self.facts.paths.push(path, directory);
        ordinal
    }

    /// Tells of an entry below a link of the same layer: runtimes that unpack layer upon layer write it where
    /// the link leads, others replace the link by a directory.
    pub(crate) fn behind_own_link(&mut self, path: &str) {
        let mut above = path::parent(path);
        // Archives go through one directory after the other: the same one needs no second look.
        if self.own_links.is_empty() || above == Some(&self.last_directory) {
            return;
        }
        self.last_directory.clear();
        self.last_directory.push_str(above.unwrap_or_default());
        while let Some(directory) = above {
            if self.own_links.remove(directory) {
                let message =
                    "the layer has a link here and an entry below it, which runtimes unpack in different places";
                self.diagnostic(Diagnostic::incomplete(Code::LayerFormat, message).at(directory));
                return;
            }
            above = path::parent(directory);
        }
    }

    /// Takes note of the symbolic link at `path`, the latest entry.
    pub(crate) fn symlink(&mut self, path: &str, target: &str) {
        if self.charge(path, path.len() + target.len()) {
            self.own_links.insert(path.to_owned());
            self.symlinks.insert(self.entries.saturating_sub(1), target.to_owned());
            self.last_directory.clear();
        }
        self.link(path, target);
    }

    /// Takes note of a hard link: one to a link of the layer is another such link.
    pub(crate) fn hardlink(&mut self, path: &str, target: &str) {
        if self.own_links.contains(target) {
            self.own_links.insert(path.to_owned());
            self.last_directory.clear();
        }
    }

    /// The target of the symbolic link that was entry `ordinal`.
    pub(crate) fn symlink_target(&self, ordinal: u64) -> Option<String> {
        self.symlinks.get(&ordinal).cloned()
    }

    /// Takes note of a device. Engines without the right to make one leave it out, and what was there before stays
    /// with some of them.
    pub(crate) fn device(&mut self, path: &str) {
        if self.last_replaced {
            let message = "a device takes the place of a file, which engines without privileges may keep";
            self.diagnostic(Diagnostic::incomplete(Code::LayerFormat, message).at(path));
        }
        if self.charge(path, path.len()) {
            self.facts.devices.push(path.to_owned());
        }
    }

    /// Takes note that a global header is named `path`.
    pub(crate) fn global_header(&mut self, path: &str) {
        // The root is never removed.
        if path.is_empty() {
            return;
        }
        self.behind_own_link(path);
        if let Some(last) = self.globals.get_mut(path) {
            *last = self.entries;
        } else if self.charge(path, path.len()) {
            self.globals.insert(path.to_owned(), self.entries);
        }
    }

    /// Tells of global headers that are named as what comes before them in the layer: engines remove that, so that
    /// lower layers may be seen again.
    fn tell_of_globals(&mut self) {
        if self.globals.is_empty() {
            return;
        }
        let globals = std::mem::take(&mut self.globals);
        // The header that is named as `path` or a directory above it, after the entry in place `ordinal`.
        let covering = |path: &str, ordinal: Option<u64>| {
            let mut above = Some(path);
            while let Some(directory) = above {
                if globals.get(directory).is_some_and(|last| ordinal.is_none_or(|ordinal| ordinal < *last)) {
                    return Some(directory.to_owned());
                }
                above = path::parent(directory);
            }
            None
        };
        let mut ordinal = 0;
        let mut found = None;
        self.facts.paths.for_each(|entry| {
            found = found.take().or_else(|| covering(entry.strip_suffix('/').unwrap_or(entry), Some(ordinal)));
            ordinal += 1;
        });
        let gone = self.facts.removed.iter().chain(&self.facts.opaque);
        // Where whiteouts stand among the entries is not kept.
        let found = found.or_else(|| gone.into_iter().find_map(|path| covering(path, None)));
        if let Some(path) = found {
            let message =
                "a global header is named as an entry before it, which some engines remove with what it hides";
            self.diagnostic(Diagnostic::incomplete(Code::LayerFormat, message).at(path));
        }
    }

    /// Keeps a symbolic link if it can matter: near the root (merged `/usr`, moved databases), in the
    /// documentation that holds licences, or in the place of a file that is wanted.
    pub(crate) fn link(&mut self, path: &str, target: &str) {
        let near_root = path.matches('/').count() <= 2;
        let guards = self.dispatch.guards_database(path);
        // `..` after a name leads where that name, perhaps a link itself, leads.
        let mut names = target.split('/').skip_while(|name| matches!(*name, "" | "." | ".."));
        if guards && names.any(|name| name == "..") {
            let message = format!("is a link to {target:?}, which cannot be followed by its text alone");
            self.diagnostic(Diagnostic::incomplete(Code::FileUnreadable, message).at(path));
        }
        let matters = near_root
            || guards
            || path.starts_with("usr/share/doc/")
            || self.dispatch.holds_packages(path)
            || !self.dispatch.by_path(path).is_empty();
        if matters && self.charge(path, 2 * path.len() + target.len()) {
            self.facts.links.push(Link { path: path.to_owned(), target: path::resolve(path, target) });
        }
    }

    /// Keeps what the layer says is gone from those below.
    pub(crate) fn whiteout(&mut self, whiteout: Whiteout<'_>) {
        match whiteout {
            Whiteout::Remove { directory, name } if self.charge(directory, directory.len() + name.len()) => {
                let gone = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
                self.facts.removed.push(gone);
            }
            Whiteout::Opaque { directory } if self.charge(directory, directory.len()) => {
                self.facts.opaque.push(directory.to_owned());
            }
            _ => {}
        }
    }

    /// Takes `bytes` from the memory that facts may fill; false, and told once, when there is no more.
    pub(crate) fn charge(&mut self, path: &str, bytes: usize) -> bool {
        // What holds the bytes takes some too.
        let weight = bytes as u64 + 64;
        if self.weight + weight <= self.limits.facts_bytes {
            self.weight += weight;
            return true;
        }
        if !self.facts_full {
            self.facts_full = true;
            let limit = self.limits.exceeded(LimitKey::FactsBytes, "bytes");
            let message = format!("what there is to keep takes {limit}");
            self.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(path));
        }
        false
    }

    /// Runs `analyzer` over the content of the file at `path`; returns where in the facts the result lies, if it says
    /// anything.
    pub(crate) fn analyze(
        &mut self,
        analyzer: &'static Analyzer,
        path: &str,
        data: &(dyn ReadAt + Sync),
    ) -> Option<usize> {
        let limits = self.limits;
        // An analyzer must not panic; should one all the same, the rest of the image is still read.
        let run = || {
            catch_unwind(AssertUnwindSafe(|| (analyzer.run)(&File { path, data, limits }))).unwrap_or_else(|_| {
                let message = format!("the {} analyzer failed on this file; this is a bug", analyzer.id);
                Extract::failed(Diagnostic::incomplete(Code::InternalFault, message).at(path))
            })
        };
        let large = !analyzer.random_access && data.size() > LARGE_BYTES;
        let extract = if large { one_at_a_time(run) } else { run() };
        self.keep(analyzer, path, extract)
    }

    /// Whether what lies at `path` of a tree is left out, which is told once for each directory.
    pub(crate) fn exclude(&mut self, path: &str) -> bool {
        let Some((directory, reason)) = tree::left_out(path) else { return false };
        if !self.excluded.contains(&directory) {
            self.excluded.push(directory);
            let message = format!("left out: {reason}");
            self.diagnostic(Diagnostic::note(Code::TreeExcluded, message).at(directory));
        }
        true
    }

    /// Offers a file of `size` bytes, which can only be read front to back, to whoever wants it.
    pub(crate) fn offer(&mut self, path: &str, size: u64, spool: &mut Spool, copy: &mut CopyFront<'_>) {
        if let Err(diagnostic) = self.try_offer(path, size, spool, copy) {
            self.diagnostic(diagnostic.at(path));
        }
        spool.clear();
    }

    fn try_offer(
        &mut self,
        path: &str,
        size: u64,
        spool: &mut Spool,
        copy: &mut CopyFront<'_>,
    ) -> Result<(), Diagnostic> {
        let dispatch = self.dispatch;
        let mut wanted = dispatch.by_path(path);
        if size >= dispatch.magic_min_bytes() {
            let mut head = Vec::with_capacity(Dispatch::HEAD);
            // Memory takes whatever it is given.
            let _ = copy(Dispatch::HEAD as u64, &mut head)?;
            wanted.extend(dispatch.by_magic(&head, size));
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let most = most_bytes(&wanted, self.limits);
        if size > most.limit {
            return Err(Diagnostic::incomplete(Code::LimitExceeded, most.to_string()));
        }
        spool.clear();
        if let Err(error) = copy(most.limit.saturating_add(1), spool)? {
            let message = format!("could not be set aside in {} to be read: {error}", spool.directory().display());
            return Err(Diagnostic::incomplete(Code::TemporaryUnusable, message));
        }
        if spool.size() > most.limit {
            return Err(Diagnostic::incomplete(Code::LimitExceeded, most.to_string()));
        }
        for analyzer in wanted {
            self.analyze(analyzer, path, spool);
        }
        Ok(())
    }

    /// Keeps what `analyzer` made of the content of the latest entry, which is at `path`.
    fn keep(&mut self, analyzer: &'static Analyzer, path: &str, extract: Extract) -> Option<usize> {
        if !self.charge(path, 2 * path.len() + extract.weight(path)) {
            return None;
        }
        let ordinal = self.entries.saturating_sub(1);
        self.by_path.insert(path.to_owned(), ordinal);
        let indexes = self.by_entry.entry(ordinal).or_default();
        // That there is a database of the system at all says something, even if it lists nothing.
        if extract.is_empty() && !analyzer.reads_system() {
            return None;
        }
        let index = self.facts.files.len();
        indexes.push(index);
        self.facts.files.push(FileFacts { path: path.to_owned(), analyzer: analyzer.id.to_owned(), extract });
        Some(index)
    }

    /// Gives the hard link at `path` what `analyzer` made of the content of an earlier entry; false where that
    /// has not been looked at.
    pub(crate) fn keep_for_link(&mut self, analyzer: &'static Analyzer, path: &str, ordinal: u64) -> bool {
        let Some(indexes) = self.by_entry.get(&ordinal) else { return false };
        let found = indexes.iter().copied().find(|index| self.facts.files[*index].analyzer == analyzer.id);
        // Content that was looked at and says nothing says nothing under another name either.
        if let Some(index) = found {
            self.keep_copy(index, path);
        }
        true
    }

    /// Gives the file at `path` the facts that lie at `index`.
    pub(crate) fn keep_copy(&mut self, index: usize, path: &str) {
        // Charged before it is copied: links cost an archive little.
        let weight = self.facts.files[index].extract.weight(path);
        if self.charge(path, 2 * path.len() + weight) {
            let file = &self.facts.files[index];
            let copy = FileFacts { path: path.to_owned(), ..file.clone() };
            self.facts.files.push(copy);
        }
    }

    /// Whether there is no more room for facts, which has been told.
    pub(crate) fn is_full(&self) -> bool {
        self.facts_full
    }

    /// Takes in a diagnostic.
    pub(crate) fn diagnostic(&mut self, diagnostic: Diagnostic) {
        let (count, most) = match diagnostic.level {
            Level::Incomplete => (&mut self.incompletes, MAX_INCOMPLETES),
            Level::Note => (&mut self.notes, MAX_NOTES),
        };
        *count += 1;
        if *count <= most {
            self.facts.diagnostics.push(diagnostic);
        }
    }

    /// The facts, without what later entries replaced.
    pub(crate) fn finish(mut self) -> LayerFacts {
        self.tell_of_globals();
        if let Some(more) = self.notes.checked_sub(MAX_NOTES + 1) {
            let message = format!("{} more notes are left out", more + 1);
            self.facts.diagnostics.push(Diagnostic::note(Code::RecordMalformed, message));
        }
        if let Some(more) = self.incompletes.checked_sub(MAX_INCOMPLETES + 1) {
            let message = format!("{} more things that could not be read are left out", more + 1);
            self.facts.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
        }
        let gone: HashSet<usize> =
            self.replaced.iter().filter_map(|ordinal| self.by_entry.get(ordinal)).flatten().copied().collect();
        let mut index = 0..;
        self.facts.files.retain(|_| index.next().is_none_or(|index| !gone.contains(&index)));
        let told: usize = self.facts.diagnostics.iter().map(|told| size_of::<Diagnostic>() + told.message.len()).sum();
        self.facts.weight = self.weight + self.facts.paths.size() + told as u64;
        self.facts
    }
}

/// The bound on a file, and what to say beyond it: text is refused before it is set aside.
pub(crate) fn most_bytes(wanted: &[&'static Analyzer], limits: &Limits) -> LimitExceeded {
    if wanted.iter().any(|analyzer| analyzer.random_access) {
        limits.exceeded(LimitKey::RandomFileBytes, "bytes of one file")
    } else {
        limits.exceeded(LimitKey::TextFileBytes, "bytes of one text file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn large_files_are_parsed_one_at_a_time_and_apart() {
        let (running, most, own) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let parse = || {
            let caller = thread::current().id();
            let parser = one_at_a_time(|| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
                thread::current().id()
            });
            own.fetch_add(usize::from(parser == caller), Ordering::SeqCst);
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20).for_each(|_| parse()));
            }
        });
        assert_eq!((most.into_inner(), own.into_inner()), (1, 0));
    }
}
