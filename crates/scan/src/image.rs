//! Scanning an image: layers in parallel, each at most once, then the whole put together. Layers of a registry are fetched
//! while others are read.

use crate::assemble::{self, Scanned};
use crate::cache::Fingerprint;
use crate::facts::LayerFacts;
use crate::known::{self, Origin};
use crate::layer::{self, Shape};
use crate::overlay::Overlay;
use crate::{Cache, Options, ScanError, base};
use sekisho_base::bytes::FileRange;
use sekisho_base::clock::{Clock, SystemClock};
use sekisho_base::hash::HashingReader;
use sekisho_base::limits::Deadline;
use sekisho_base::spool::SpillQuota;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic, Digest, Image, Inventory, Layer, LayerIndex, Level, Source};
use sekisho_oci::{FileState, LayerBlob, OpenImage, Stored};
use sekisho_sbom::Dispatch;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

/// Scans the image that `path` names: a file or directory, or where there is none an image of a registry.
///
/// Fails only when there is no image to speak of; whatever could not be read of one is in the
/// inventory's diagnostics.
pub fn scan_image(path: &Path, options: &Options<'_>) -> Result<Inventory, ScanError> {
    let quota = SpillQuota::new(options.temporary.clone(), options.limits.spill_bytes);
    let (mut opened, called) = crate::open(path, &options.choice, options, &quota)
        .map_err(|error| ScanError::Image { path: path.to_owned(), error })?;
    let dispatch = Dispatch::all();
    let fingerprint = Fingerprint::new(&dispatch, &options.limits);
    let deadline = Deadline::of(&options.limits);
    let origin = |opened: &OpenImage| Origin::of(opened, options.cache.as_ref()?, &fingerprint, options);
    if let (Some(cache), Some(origin)) = (&options.cache, origin(&opened)) {
        let source = Source { kind: opened.kind, name: called.clone() };
        if let Some(inventory) = origin.inventory(cache, source, options) {
            let bytes = opened.layers.iter().filter_map(|layer| layer.stored.as_ref().ok()).map(Stored::size).sum();
            options.progress.total(bytes);
            options.progress.advance(bytes);
            return Ok(inventory);
        }
    }
    let reader = LayerReader {
        options,
        dispatch,
        fingerprint: fingerprint.clone(),
        quota,
        deadline,
        cache_failure: OnceLock::new(),
        reading: Permits::default(),
    };
    let blobs = Blobs::of(&opened.layers);
    let outcomes = reader.read_all(&blobs);
    options.progress.spilled(reader.quota.total());
    if let Some(cache) = &options.cache {
        let trimmed = cache.trim();
        if let Some(error) = reader.cache_failure.into_inner().or(trimmed.err()) {
            let message = format!("results cannot be kept: {error}");
            let note = Diagnostic::note(Code::CacheUnusable, message).at(cache.directory().to_string_lossy());
            opened.diagnostics.push(note);
        }
    }
    let outcomes: Vec<&Outcome> = blobs.of_layer.iter().map(|blob| &outcomes[*blob]).collect();
    // Only what the cache would say again, layer for layer.
    let lasting = outcomes.iter().all(|outcome| outcome.lasting);
    let origin = if lasting { origin(&opened) } else { None };
    let inventory = put_together(called, opened, &outcomes, &reader.dispatch, options);
    if let (Some(cache), Some(origin)) = (&options.cache, origin) {
        // Without it the next scan is slower, which the layers' results would have told.
        let _ = origin.keep(cache, &inventory);
    }
    Ok(inventory)
}

/// What is to be read: an image may refer to the same bytes many times.
struct Blobs<'a> {
    distinct: Vec<&'a LayerBlob>,
    /// For each layer its place in `distinct`.
    of_layer: Vec<usize>,
}

impl<'a> Blobs<'a> {
    fn of(layers: &'a [LayerBlob]) -> Self {
        let mut blobs = Self { distinct: Vec::new(), of_layer: Vec::new() };
        let mut known = HashMap::new();
        for layer in layers {
            let place = layer.stored.as_ref().ok().and_then(|stored| {
                let bytes = match stored {
                    Stored::File(range) => (Some(FileState::of(range.file()).ok()?), range.start(), None),
                    Stored::Remote(blob) => (None, 0, Some(blob.digest())),
                    // A store has what it unpacked once for each layer.
                    Stored::Split(_) => return None,
                };
                Some((bytes, stored.size(), layer.media_type.as_str()))
            });
            let new = blobs.distinct.len();
            let blob = place.map_or(new, |place| *known.entry(place).or_insert(new));
            if blob == new {
                blobs.distinct.push(layer);
            }
            blobs.of_layer.push(blob);
        }
        blobs
    }
}

/// The bytes of a layer after they were read, or found in the cache.
struct Outcome {
    facts: LayerFacts,
    digest: Option<Digest>,
    stored_bytes: u64,
    diagnostics: Vec<Diagnostic>,
    /// Whether the cache has it now.
    lasting: bool,
}

struct LayerReader<'a> {
    options: &'a Options<'a>,
    dispatch: Dispatch,
    fingerprint: Fingerprint,
    quota: Arc<SpillQuota>,
    deadline: Deadline,
    cache_failure: OnceLock<io::Error>,
    /// How many threads read a layer; more may fetch one.
    reading: Permits,
}

/// Layers that are fetched beyond those that are read. Registries and those between take it ill when one client opens
/// many connections; docker takes three.
const FETCHED_AHEAD: usize = 3;

/// What only so many may do at once.
#[derive(Default)]
struct Permits {
    taken: Mutex<usize>,
    given_back: Condvar,
}

impl Permits {
    /// Runs `work` when fewer than `most` others are at it.
    fn with<T>(&self, most: usize, work: impl FnOnce() -> T) -> T {
        struct GivenBack<'a>(&'a Permits);
        impl Drop for GivenBack<'_> {
            fn drop(&mut self) {
                *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
                self.0.given_back.notify_one();
            }
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= most {
            taken = self.given_back.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        drop(taken);
        let _given_back = GivenBack(self);
        work()
    }
}

impl LayerReader<'_> {
    /// Takes what is known, and reads the rest on several threads, the largest first, since the last one decides the
    /// time.
    fn read_all(&self, blobs: &Blobs<'_>) -> Vec<Outcome> {
        let layers = &blobs.distinct;
        let size = |layer: &LayerBlob| layer.stored.as_ref().map_or(0, Stored::size);
        // What is fetched goes by twice.
        let times = |layer: &LayerBlob| if matches!(layer.stored, Ok(Stored::Remote(_))) { 2 } else { 1 };
        self.options.progress.total(layers.iter().map(|layer| times(layer) * size(layer)).sum());
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        for layer in layers {
            outcomes.push(self.kept(layer));
            forget_beyond(&self.options.limits, &mut outcomes);
        }
        let mut order: Vec<usize> = (0..layers.len()).filter(|index| outcomes[*index].is_none()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(size(layers[*index])));

        let remote = order.iter().any(|index| matches!(layers[*index].stored, Ok(Stored::Remote(_))));
        let threads = if remote { self.jobs() + FETCHED_AHEAD } else { self.jobs() };
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(outcomes);
        let work = || {
            while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.read(layers[*index]);
                // A panic elsewhere leaves the list whole: slots are only ever set or emptied.
                let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                outcomes[*index] = Some(outcome);
                forget_beyond(&self.options.limits, &mut outcomes);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(order.len()) {
                scope.spawn(work);
            }
            work();
        });
        let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(Outcome::lost)).collect()
    }

    fn jobs(&self) -> usize {
        match self.options.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        }
    }

    /// What the cache holds of a layer whose digest is known without reading it.
    fn kept(&self, layer: &LayerBlob) -> Option<Outcome> {
        let (cache, stored) = (self.options.cache.as_ref()?, layer.stored.as_ref().ok()?);
        let digest = known::known_digest(layer, cache, self.options)?;
        self.cached(cache, layer, stored.size(), digest, matches!(stored, Stored::Remote(_)))
    }

    /// What the cache holds of the layer whose stored bytes have this digest.
    fn cached(&self, cache: &Cache, layer: &LayerBlob, size: u64, digest: Digest, remote: bool) -> Option<Outcome> {
        // The cache compares with the times of files, whatever time results are to carry.
        let facts = cache.layer(digest, layer.media_type.as_str(), &self.fingerprint, SystemClock.now())?;
        // Of what is not fetched, the manifest alone says how long it is; engines hold it to that.
        if remote && facts.stored_bytes != size {
            return None;
        }
        self.options.progress.advance(if remote { 2 * size } else { size });
        Some(Outcome { facts, digest: Some(digest), stored_bytes: size, diagnostics: Vec::new(), lasting: true })
    }

    fn read(&self, layer: &LayerBlob) -> Outcome {
        if !sekisho_oci::image::is_readable_layer(&layer.media_type) {
            let message = format!("layers of the media type {} are not read", layer.media_type);
            return Outcome::failed(Diagnostic::incomplete(Code::LayerMediaType, message));
        }
        let fetched;
        let (stored, settled) = match &layer.stored {
            Ok(stored @ (Stored::File(_) | Stored::Split(_))) => (stored.clone(), true),
            Ok(Stored::Remote(blob)) => {
                let advance = |bytes| self.options.progress.advance(bytes);
                fetched = match blob.fetch(&self.quota, self.deadline, &advance) {
                    Ok(fetched) => fetched,
                    Err(diagnostic) => return Outcome::failed(diagnostic),
                };
                (Stored::File(fetched.range()), false)
            }
            Err(diagnostic) => return Outcome::failed(diagnostic.clone()),
        };
        let outcome = self.reading.with(self.jobs(), || self.read_stored(layer, &stored, settled));
        outcome.unwrap_or_else(|error| {
            Outcome::failed(Diagnostic::incomplete(Code::SourceUnreadable, format!("cannot be read: {error}")))
        })
    }

    /// Reads the bytes of a layer; `settled` says that they stay where they are, so that their digest may be remembered.
    fn read_stored(&self, layer: &LayerBlob, stored: &Stored, settled: bool) -> io::Result<Outcome> {
        let media_type = layer.media_type.as_str();
        let file = if let Stored::File(range) = stored { Some(range) } else { None };
        let state = || file.map(|range| FileState::of(range.file())).transpose();
        let before = state()?;
        // The cache compares with the times of files, whatever time results are to carry.
        let now = SystemClock.now();
        let keep_digest = |cache: &Cache, digest| match (file, &before) {
            (Some(range), Some(before)) => cache.keep_digest(before, range.start(), range.size(), digest, now),
            _ => Ok(()),
        };
        // Bytes that hash to a known layer need not be inflated.
        if let (true, Some(cache), Some(stated)) = (settled, &self.options.cache, layer.digest.or(layer.diff_id))
            && cache.layer_known(stated, media_type, &self.fingerprint)
            && let Some((digest, bytes)) = self.hash(stored)?
        {
            if state()? == before {
                let _ = keep_digest(cache, digest);
            }
            if let Some(outcome) = self.cached(cache, layer, bytes, digest, false) {
                return Ok(outcome);
            }
        }
        let advance = |bytes| self.options.progress.advance(bytes);
        let (facts, mut end) = layer::read(
            stored,
            Shape::Layer,
            &self.dispatch,
            &self.options.limits,
            &self.quota,
            self.deadline,
            &advance,
        )?;
        let mut diagnostics = std::mem::take(&mut end.diagnostics);
        let mut lasting = false;
        if state()? != before {
            diagnostics.push(Diagnostic::incomplete(Code::SourceChanged, "the file changed while it was read"));
        } else if let Some(len) = file.map(FileRange::size)
            && end.digest.is_some()
            && end.stored_bytes != len
        {
            let message = format!("the file ends after {} of {len} bytes of the layer", end.stored_bytes);
            diagnostics.push(Diagnostic::incomplete(Code::LayerUnreadable, message));
        } else if let (Some(cache), Some(digest), Ok(_), []) =
            (&self.options.cache, end.digest, &end.plain, diagnostics.as_slice())
            && !self.is_passing(&facts)
        {
            let kept = cache
                .keep_layer(digest, media_type, &self.fingerprint, &facts)
                .and_then(|()| if settled { keep_digest(cache, digest) } else { Ok(()) });
            lasting = kept.is_ok();
            if let Err(error) = kept {
                // One word for all layers.
                let _ = self.cache_failure.set(error);
            }
        }
        Ok(Outcome { facts, digest: end.digest, stored_bytes: end.stored_bytes, diagnostics, lasting })
    }

    /// The digest of what is on this machine, and how many bytes that are; `None` where it takes a closer look.
    fn hash(&self, stored: &Stored) -> io::Result<Option<(Digest, u64)>> {
        match stored {
            Stored::File(range) => {
                let (digest, bytes) = HashingReader::new(range.reader(), 1 << 17).finish()?;
                Ok(Some((Digest::from(digest), bytes)))
            }
            Stored::Split(_) => {
                let end = stored.stream(&self.options.limits, self.deadline)?.finish()?;
                Ok(end.digest.map(|digest| (digest, end.stored_bytes)))
            }
            Stored::Remote(_) => Ok(None),
        }
    }

    /// Whether the next scan may read what this one could not: there was no room for temporary files, or no time.
    fn is_passing(&self, facts: &LayerFacts) -> bool {
        self.deadline.check().is_err()
            || facts.diagnostics.iter().any(|diagnostic| diagnostic.code == Code::TemporaryUnusable)
    }
}

impl Outcome {
    fn failed(diagnostic: Diagnostic) -> Self {
        let facts = LayerFacts::default();
        Self { facts, digest: None, stored_bytes: 0, diagnostics: vec![diagnostic], lasting: false }
    }

    fn lost() -> Self {
        Self::failed(Diagnostic::incomplete(Code::InternalFault, "the layer was not read; this is a bug"))
    }

    /// What is said of these bytes where they are `layer`.
    fn diagnostics(&self, layer: &LayerBlob) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> =
            self.facts.diagnostics.iter().chain(&self.diagnostics).cloned().collect();
        let mut verify = |what: &str, stated: Option<Digest>, found: Option<Digest>| {
            if let (Some(stated), Some(found)) = (stated, found)
                && stated != found
            {
                let message = format!("the {what} should be {stated} but is {found}");
                diagnostics.push(Diagnostic::incomplete(Code::DigestMismatch, message));
            }
        };
        verify("digest of the stored bytes", layer.digest, self.digest);
        // Of a layer that is stored plain both are the same, and once is enough.
        if (layer.digest, self.digest) != (layer.diff_id, self.facts.diff_id) {
            verify("diffID", layer.diff_id, self.facts.diff_id);
        }
        diagnostics
    }
}

/// Forgets the facts of layers above the point where all facts from the bottom on weigh more than `limit`.
///
/// Layers are read in any order, but which of them are forgotten depends on what they hold alone: those that
/// are not read yet only add to the weight below.
fn forget_beyond(limits: &Limits, outcomes: &mut [Option<Outcome>]) {
    let limit = limits.facts_bytes + limits.path_table_bytes;
    let mut weight = 0_u64;
    for outcome in outcomes.iter_mut().flatten() {
        weight = weight.saturating_add(outcome.facts.weight);
        if weight > limit && outcome.facts.forget() {
            let message = format!(
                "what there is to keep of all layers takes more than {limit} bytes (limits.facts_bytes and limits.path_table_bytes together); this one is left out"
            );
            outcome.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message));
            outcome.lasting = false;
        }
    }
}

/// What is said of layers, in all: an image may have the same layer many times.
const MAX_DIAGNOSTICS: usize = 10_000;

/// Makes the inventory of an image from the facts of its layers.
fn put_together(
    called: String,
    opened: OpenImage,
    outcomes: &[&Outcome],
    dispatch: &Dispatch,
    options: &Options<'_>,
) -> Inventory {
    let mut diagnostics = opened.diagnostics;
    let mut left_out: Vec<Level> = Vec::new();
    for (index, (outcome, layer)) in outcomes.iter().zip(&opened.layers).enumerate() {
        let mut own = outcome.diagnostics(layer);
        let room = MAX_DIAGNOSTICS.saturating_sub(diagnostics.len());
        left_out.extend(own.drain(room.min(own.len())..).map(|diagnostic| diagnostic.level));
        diagnostics
            .extend(own.into_iter().map(|diagnostic| Diagnostic { layer: Some(index as LayerIndex), ..diagnostic }));
    }
    if let Some(level) = left_out.iter().min().copied() {
        let message = format!("{} more things that layers gave reason to say are left out", left_out.len());
        diagnostics.push(Diagnostic { level, ..Diagnostic::incomplete(Code::LimitExceeded, message) });
    }
    let instructions = base::instructions(&opened.history, outcomes.len());
    if instructions.is_none() && !opened.history.is_empty() {
        diagnostics.push(Diagnostic::note(
            Code::ImageHistory,
            "the build history does not fit the layers; layers have no instruction",
        ));
    }
    let diff_ids: Vec<Option<Digest>> = outcomes.iter().map(|outcome| outcome.facts.diff_id).collect();
    let base = base::identify(&diff_ids, &opened.labels, &opened.history, instructions.is_some(), &options.bases);
    diagnostics.extend(base::unmatched(base.as_ref(), &options.bases));
    let layers: Vec<Layer> = outcomes
        .iter()
        .enumerate()
        .map(|(index, outcome)| Layer {
            index: index as LayerIndex,
            digest: outcome.digest,
            diff_id: outcome.facts.diff_id,
            stored_bytes: outcome.stored_bytes,
            plain_bytes: outcome.facts.plain_bytes,
            entries: outcome.facts.entries,
            created_by: instructions.as_ref().and_then(|steps| steps.get(index).cloned().flatten()),
            origin: base::origin(base.as_ref(), index as LayerIndex),
        })
        .collect();
    let facts: Vec<&LayerFacts> = outcomes.iter().map(|outcome| &outcome.facts).collect();
    let image = Image {
        names: opened.names,
        manifest_digest: opened.manifest_digest,
        config_digest: opened.config_digest,
        platform: opened.platform,
        created: opened.created,
        labels: opened.labels,
        config: Some(opened.config),
        layers,
        history: opened.history,
        base,
    };
    let source = Source { kind: opened.kind, name: called };
    let overlay = Overlay::of(&facts, &options.limits);
    assemble::inventory(Scanned { source, image: Some(image), overlay, diagnostics }, dispatch, options)
}
