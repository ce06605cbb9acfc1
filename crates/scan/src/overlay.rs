//! Laying layers over each other: which files the image as a whole shows, and what hides the others.
//!
//! The rules are those of overlay file systems: an entry hides the one of the same path below; a
//! non-directory hides all below a directory of that path; directories merge; whiteouts and opaque
//! directories act on the layers below, never on their own.

use crate::facts::{FileFacts, LayerFacts};
use hashbrown::HashSet;
use sekisho_base::Limits;
use sekisho_base::limits::Deadline;
use sekisho_model::{Code, Diagnostic, LayerIndex, Removal};
use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::ops::Bound;

/// The file facts of one path.
#[derive(Debug, Clone)]
pub(crate) struct Shown<'a> {
    pub(crate) now: Version<'a>,
    /// The same path in lower layers, as long as it was replaced and never removed; nearest last.
    pub(crate) before: Vec<Version<'a>>,
}

/// What one path held through one or more layers.
#[derive(Debug, Clone)]
pub(crate) struct Version<'a> {
    /// The lowest layer that brought these very files.
    pub(crate) from: LayerIndex,
    /// The highest: an image may have the same layer many times.
    pub(crate) layer: LayerIndex,
    pub(crate) files: Vec<&'a FileFacts>,
}

impl Version<'_> {
    fn is_same(&self, other: &Self) -> bool {
        let mut pairs = self.files.iter().zip(&other.files);
        self.files.len() == other.files.len() && pairs.all(|(a, b)| std::ptr::eq(*a, *b))
    }
}

/// Something a lower layer holds and the image does not show.
#[derive(Debug, Clone)]
pub(crate) struct Hidden<'a> {
    pub(crate) layer: LayerIndex,
    pub(crate) files: Vec<&'a FileFacts>,
    pub(crate) removed_in: LayerIndex,
    pub(crate) removal: Removal,
}

/// The image as a whole.
#[derive(Debug, Default)]
pub(crate) struct Overlay<'a> {
    pub(crate) shown: BTreeMap<&'a str, Shown<'a>>,
    pub(crate) hidden: Vec<Hidden<'a>>,
    /// Symbolic links by path, with their targets from the root.
    pub(crate) links: BTreeMap<&'a str, &'a str>,
    /// The paths of `links` once all layers are laid: every component of very many paths is looked up.
    linked: HashSet<&'a str>,
    /// Every path that was ever in `shown` or `links`, and the directories above. Few are, and many entries go
    /// by: one look-up decides for almost all of them.
    known: HashSet<&'a str>,
    /// How many versions there are in all of [`Shown::before`].
    versions: u64,
    /// What makes the whole uncertain.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What makes the whole uncertain is told up to this many times.
const MAX_DIAGNOSTICS: usize = 1000;
/// About how many bytes a version in [`Shown::before`] takes.
const VERSION_BYTES: u64 = 64;
/// Files and links are laid over each other up to this many times the entries that one layer may have.
const MOST_LAID: u64 = 4;

impl<'a> Overlay<'a> {
    /// Lays `layers`, from the bottom, over each other. A layer that could not be read is empty.
    pub(crate) fn of(layers: &[&'a LayerFacts], limits: &Limits) -> Self {
        // What was read within its time is to be seen, even if that was all used up.
        let deadline = Deadline::of(limits);
        let mut overlay = Self::default();
        let mut laid = 0;
        for (index, layer) in layers.iter().enumerate() {
            // The very layer again changes nothing, unless it takes away what it brings.
            let again = index.checked_sub(1).is_some_and(|below| std::ptr::eq(layers[below], *layer));
            if again && layer.removed.is_empty() && layer.opaque.is_empty() && layer.devices.is_empty() {
                continue;
            }
            let index = index as LayerIndex;
            laid += layer.files.len() as u64 + layer.links.len() as u64;
            if laid > limits.entries.saturating_mul(MOST_LAID) || overlay.versions > limits.facts_bytes / VERSION_BYTES
            {
                let message = "packages of this layer and those above are left out: files of interest are replaced too often (limits.entries, limits.facts_bytes)";
                overlay.incomplete(Code::LimitExceeded, message.to_owned(), index);
                break;
            }
            if let (1.., Err(limit)) = (index, deadline.check()) {
                let message =
                    format!("packages of this layer and those above are left out: putting layers together {limit}");
                overlay.incomplete(Code::LimitExceeded, message, index);
                break;
            }
            overlay.lay(index, layer);
        }
        overlay.linked = overlay.links.keys().copied().collect();
        overlay
    }

    fn incomplete(&mut self, code: Code, message: String, layer: LayerIndex) {
        // One is enough to know; they come from strangers.
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic { layer: Some(layer), ..Diagnostic::incomplete(code, message) });
        }
    }

    fn lay(&mut self, index: LayerIndex, layer: &'a LayerFacts) {
        for device in &layer.devices {
            if self.known.contains(device.as_str()) && self.holds(device) {
                let message = format!(
                    "a device takes the place of {device}, which lower layers hold; engines without privileges leave it out"
                );
                self.incomplete(Code::LayerFormat, message, index);
            }
        }
        for directory in &layer.opaque {
            // The kernel merges the roots of layers whatever they are marked with; other engines empty them.
            if directory.is_empty() {
                if !self.shown.is_empty() || !self.links.is_empty() {
                    let message = "the layer marks its root as opaque: engines differ in whether lower layers are seen";
                    self.incomplete(Code::LayerFormat, message.to_owned(), index);
                }
                continue;
            }
            self.hide_below(directory, index, Removal::Opaque);
        }
        // Paths below which this layer has hidden something.
        let mut emptied: HashSet<&str> = HashSet::new();
        for path in &layer.removed {
            self.hide(path, index, Removal::Whiteout);
            if self.hide_below(path, index, Removal::Whiteout) {
                emptied.insert(path);
            }
        }
        let replaced = self.replace(index, layer, emptied);
        for link in &layer.links {
            self.know(&link.path);
            self.links.insert(&link.path, &link.target);
        }
        for file in &layer.files {
            self.know(&file.path);
            let shown = self.shown.entry(&file.path).or_insert_with(|| Shown {
                now: Version { from: index, layer: index, files: Vec::new() },
                before: Vec::new(),
            });
            shown.now.files.push(file);
        }
        for (path, old) in replaced {
            match self.shown.get_mut(path) {
                // The file has a new version: what both hold is not gone.
                Some(new) => {
                    new.before = old.before;
                    if new.now.is_same(&old.now) {
                        new.now.from = old.now.from;
                    } else {
                        new.before.push(old.now);
                        self.versions += 1;
                    }
                }
                None => self.hidden.push(Hidden {
                    layer: old.now.layer,
                    files: old.now.files,
                    removed_in: index,
                    removal: Removal::Replaced,
                }),
            }
        }
    }

    /// Whether there is anything at `path` or below it.
    fn holds(&self, path: &str) -> bool {
        self.shown.contains_key(path)
            || self.links.contains_key(path)
            || range_below(&self.shown, path).next().is_some()
            || range_below(&self.links, path).next().is_some()
    }

    fn know(&mut self, path: &'a str) {
        let mut rest = path;
        while self.known.insert(rest)
            && let Some((parent, _)) = rest.rsplit_once('/')
        {
            rest = parent;
        }
    }

    /// Takes away what the entries of `layer` replace; returns what was at their very paths.
    fn replace<'b>(
        &mut self,
        index: LayerIndex,
        layer: &'b LayerFacts,
        mut emptied: HashSet<&'b str>,
    ) -> Vec<(&'a str, Shown<'a>)>
    where
        'a: 'b,
    {
        if self.known.is_empty() {
            return Vec::new();
        }
        // Taken out, since entries change the rest.
        let known_paths = std::mem::take(&mut self.known);
        let mut replaced = Vec::new();
        layer.paths.for_each(|entry| {
            let path = entry.strip_suffix('/').unwrap_or(entry);
            if entry.ends_with('/') && emptied.remove(path) {
                let message = format!(
                    "the layer removes {path} and has it as a directory: runtimes differ in whether what lower layers hold there is seen"
                );
                self.incomplete(Code::LayerFormat, message, index);
            }
            let Some(known) = known_paths.get(path).copied() else { return };
            self.links.remove(known);
            if let Some(old) = self.shown.remove(known) {
                replaced.push((known, old));
            }
            if !entry.ends_with('/') {
                self.hide_below(known, index, Removal::Replaced);
                // Also where nothing was below any more: what hid it, a whiteout or a file of this layer, is gone
                // with the directory of the layer that it stood in.
                emptied.insert(known);
            }
        });
        self.known = known_paths;
        replaced
    }

    fn hide(&mut self, path: &str, removed_in: LayerIndex, removal: Removal) {
        self.links.remove(path);
        if let Some(old) = self.shown.remove(path) {
            self.hidden.push(Hidden { layer: old.now.layer, files: old.now.files, removed_in, removal });
        }
    }

    /// Hides all below `directory`; whether there was anything.
    fn hide_below(&mut self, directory: &str, removed_in: LayerIndex, removal: Removal) -> bool {
        let mut below = keys_below(&self.shown, directory);
        below.extend(keys_below(&self.links, directory));
        for path in &below {
            self.hide(path, removed_in, removal);
        }
        !below.is_empty()
    }

    /// Follows symbolic links in any component of `path`, a few at most; returns the path itself where
    /// there is none.
    pub(crate) fn resolve(&self, path: &str) -> String {
        const MAX_LINKS: usize = 8;
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            let link = |end: &usize| self.linked.contains(&path[..*end]);
            let found = ends.into_iter().find(link).and_then(|end| Some((end, *self.links.get(&path[..end])?)));
            let Some((end, target)) = found else { break };
            let rest = &path[end..];
            path = if target.is_empty() { rest.trim_start_matches('/').to_owned() } else { format!("{target}{rest}") };
        }
        path
    }
}

/// The keys strictly below `directory`; all for the root, which is empty.
fn keys_below<'a, V>(map: &BTreeMap<&'a str, V>, directory: &str) -> Vec<&'a str> {
    if directory.is_empty() {
        return map.keys().copied().collect();
    }
    range_below(map, directory).map(|(key, _)| *key).collect()
}

/// The entries strictly below `directory`, which is not the root.
fn range_below<'m, 'a, V>(map: &'m BTreeMap<&'a str, V>, directory: &str) -> Range<'m, &'a str, V> {
    // '0' follows '/' in ASCII, so this is the range of all keys that begin with "directory/".
    let (from, to) = (format!("{directory}/"), format!("{directory}0"));
    let bounds = (Bound::Excluded(from.as_str()), Bound::Excluded(to.as_str()));
    map.range::<str, _>(bounds)
}
