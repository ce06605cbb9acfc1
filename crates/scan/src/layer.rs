//! One layer, or one archive of a tree of files, in one pass: hash, inflate, walk, analyse.

use crate::collect::{Collector, most_bytes};
use crate::facts::LayerFacts;
use crate::file::cpio;
use crate::hardlink::{self, Hardlink};
use sekisho_base::inflate::Compression;
use sekisho_base::limits::{Deadline, LimitExceeded};
use sekisho_base::spool::{SpillQuota, Spool};
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::stream::{ByteStream, LayerEnd, LayerStream};
use sekisho_oci::tar::{Content, Entry, EntryKind, Visitor, Walk, walk};
use sekisho_oci::{Stored, Whiteout};
use sekisho_sbom::{Analyzer, Dispatch};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What the plain bytes are, and what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The tar of a layer, which is laid over others.
    Layer,
    /// A tar of a tree of files, with the rules of [`crate::tree`].
    Tar,
    /// A cpio archive of such a tree.
    Cpio,
}

impl Shape {
    fn walk(self, stream: &mut LayerStream, limits: &Limits, visitor: &mut impl Visitor<LayerStream>) -> Walk {
        match self {
            Self::Layer | Self::Tar => walk(stream, limits, visitor),
            Self::Cpio => cpio::walk(stream, limits, visitor),
        }
    }
}

/// Reads the layer stored in `stored`.
pub(crate) fn read(
    stored: &Stored,
    shape: Shape,
    dispatch: &Dispatch,
    limits: &Limits,
    quota: &Arc<SpillQuota>,
    deadline: Deadline,
    advance: &dyn Fn(u64),
) -> io::Result<(LayerFacts, LayerEnd)> {
    let mut stream = stored.stream(limits, deadline)?;
    let spool = Spool::new(limits.memory_file_bytes, Arc::clone(quota));
    let mut visitor = LayerVisitor {
        collector: Collector::new(dispatch, limits),
        shape,
        spool,
        hardlinks: Vec::new(),
        advance,
        seen: 0,
    };
    let walked = shape.walk(&mut stream, limits, &mut visitor);
    let end = stream.finish()?;
    let LayerVisitor { mut collector, mut spool, hardlinks, .. } = visitor;
    // A name in an archive may begin with these bytes, too.
    if let (Stored::File(range), 0) = (stored, walked.entries)
        && let Some(form) = range.range(0, Compression::HEAD).ok().and_then(|head| Compression::unread(&head))
    {
        let message = format!("it is compressed with {form}, which is not read");
        collector.diagnostic(Diagnostic::incomplete(Code::LayerFormat, message));
    }
    link_hardlinks(&mut collector, &hardlinks, (stored, shape), &mut spool, deadline)?;
    if let (Err(reason), true) = (&end.plain, walked.complete) {
        // The walk met the end of the archive before the damage; nothing hides behind that, but the
        // diffID cannot be told.
        collector.diagnostic(Diagnostic::incomplete(
            Code::LayerUnreadable,
            format!("what follows the archive's end does not inflate: {reason}"),
        ));
    }
    let mut facts = collector.finish();
    facts.diff_id = end.plain.as_ref().ok().copied();
    facts.plain_bytes = end.plain_bytes;
    facts.stored_bytes = end.stored_bytes;
    facts.entries = walked.entries;
    Ok((facts, end))
}

struct LayerVisitor<'a> {
    collector: Collector<'a>,
    shape: Shape,
    spool: Spool,
    hardlinks: Vec<Hardlink>,
    advance: &'a dyn Fn(u64),
    seen: u64,
}

impl Visitor<LayerStream> for LayerVisitor<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, LayerStream>) -> io::Result<()> {
        let stored = content.stored_position();
        (self.advance)(stored - self.seen);
        self.seen = stored;
        let path = entry.path.as_str();
        if path.is_empty() {
            return Ok(());
        }
        if let Some(whiteout) = Whiteout::of(path) {
            self.collector.whiteout(whiteout);
            return Ok(());
        }
        self.collector.behind_own_link(path);
        let ordinal = self.collector.entry(path, entry.kind == EntryKind::Directory);
        match &entry.kind {
            EntryKind::File { size } => self.file(path, *size, content)?,
            EntryKind::Symlink { target } => self.collector.symlink(path, target),
            EntryKind::Hardlink { target } => {
                self.collector.hardlink(path, target);
                let left_out = self.shape != Shape::Layer && self.collector.exclude(path);
                if !left_out && self.collector.charge(path, 2 * (path.len() + target.len())) {
                    self.hardlinks.push(Hardlink { path: path.to_owned(), target: target.clone(), ordinal });
                }
            }
            EntryKind::Device => self.collector.device(path),
            EntryKind::Directory | EntryKind::Other => {}
        }
        Ok(())
    }

    fn global_header(&mut self, path: &str) {
        self.collector.global_header(path);
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.collector.diagnostic(diagnostic);
    }
}

impl LayerVisitor<'_> {
    fn file(&mut self, path: &str, size: u64, content: &mut Content<'_, LayerStream>) -> io::Result<()> {
        if self.shape != Shape::Layer && self.collector.exclude(path) {
            return Ok(());
        }
        let dispatch = self.collector.dispatch;
        let mut wanted = dispatch.by_path(path);
        if size >= dispatch.magic_min_bytes() {
            wanted.extend(dispatch.by_magic(content.head(Dispatch::HEAD)?, size));
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let (collector, spool) = (&mut self.collector, &mut self.spool);
        let most = most_bytes(&wanted, collector.limits);
        if let Some(refusal) = with_content(content, size, path, most, spool, |data| {
            for analyzer in wanted {
                collector.analyze(analyzer, path, data);
            }
        })? {
            collector.diagnostic(refusal);
        }
        Ok(())
    }
}

/// Calls `visit` with the content of an entry of at most `most` bytes at random positions, wherever it lies best: in the
/// stream's buffer, in the archive itself, in memory, or in a temporary file. Returns the reason when it
/// cannot be had.
fn with_content<S: ByteStream>(
    content: &mut Content<'_, S>,
    size: u64,
    path: &str,
    most: LimitExceeded,
    spool: &mut Spool,
    visit: impl FnOnce(&(dyn ReadAt + Sync)),
) -> io::Result<Option<Diagnostic>> {
    if size > most.limit {
        return Ok(Some(Diagnostic::incomplete(Code::LimitExceeded, most.to_string()).at(path)));
    }
    if let Some(bytes) = content.buffered()? {
        visit(&bytes);
        return Ok(None);
    }
    if let Some(range) = content.range() {
        visit(&range);
        return Ok(None);
    }
    spool.clear();
    match content.copy_to(spool)? {
        Ok(()) => visit(spool),
        Err(error) => {
            spool.clear();
            let message = format!("could not be set aside in {} to be read: {error}", spool.directory().display());
            return Ok(Some(Diagnostic::incomplete(Code::TemporaryUnusable, message).at(path)));
        }
    }
    spool.clear();
    Ok(None)
}

/// Gives a hard link the facts of the file it names. Where a link's name is wanted and its file's own was
/// not, the content has gone by unread: the layer is read again for those files alone, which real images
/// hardly ever need.
fn link_hardlinks(
    collector: &mut Collector<'_>,
    hardlinks: &[Hardlink],
    (stored, shape): (&Stored, Shape),
    spool: &mut Spool,
    deadline: Deadline,
) -> io::Result<()> {
    if hardlinks.is_empty() {
        return Ok(());
    }
    let dispatch = collector.dispatch;
    let mut missed = Missed::new();
    for (link, origin) in hardlink::resolve(&collector.facts.paths, hardlinks) {
        if collector.is_full() || deadline.check().is_err() {
            let message =
                "hard links are left out after the limits on memory or time (limits.facts_bytes, limits.time_seconds)";
            collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(&link.path));
            break;
        }
        let Some(origin) = origin else {
            collector.diagnostic(leads_nowhere(link));
            continue;
        };
        // A hard link to a symbolic link is that link under another name.
        if let Some(target) = collector.symlink_target(origin.ordinal) {
            collector.link(&link.path, &target);
            continue;
        }
        // What is told by its first bytes was looked at wherever it lay.
        for analyzer in dispatch.magic_analyzers() {
            collector.keep_for_link(analyzer, &link.path, origin.ordinal);
        }
        for analyzer in dispatch.by_path(&link.path) {
            let looked = dispatch.wants(analyzer, &origin.path) && (analyzer.alike)(&origin.path, &link.path);
            if !(looked && collector.keep_for_link(analyzer, &link.path, origin.ordinal)) {
                missed.entry(origin.ordinal).or_default().push((link, analyzer));
            }
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    let limits = collector.limits;
    let mut stream = stored.stream(limits, deadline)?;
    let work = limits.random_file_bytes;
    let mut again = AgainVisitor { collector, spool, deadline, entries: 0, missed, work };
    shape.walk(&mut stream, limits, &mut again);
    let AgainVisitor { collector, missed, .. } = again;
    for (link, _) in missed.into_values().flatten() {
        collector.diagnostic(leads_nowhere(link));
    }
    Ok(())
}

/// Names of one file that are compared with each further one.
const MOST_ALIKE: usize = 16;

/// Files that have gone by unread, by their place in the layer, with the links that name them.
type Missed<'a> = BTreeMap<u64, Vec<(&'a Hardlink, &'static Analyzer)>>;

fn leads_nowhere(link: &Hardlink) -> Diagnostic {
    let message = format!("is a hard link to {}, which the layer does not hold as a file", link.target);
    Diagnostic::incomplete(Code::FileUnreadable, message).at(&link.path)
}

struct AgainVisitor<'a, 'b> {
    collector: &'a mut Collector<'b>,
    spool: &'a mut Spool,
    deadline: Deadline,
    entries: u64,
    missed: Missed<'a>,
    /// Bytes that analyzers may still be given. One file may have very many names, each of which says something
    /// else, as those of file lists do.
    work: u64,
}

impl Visitor<LayerStream> for AgainVisitor<'_, '_> {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, LayerStream>) -> io::Result<()> {
        if entry.path.is_empty() || Whiteout::of(&entry.path).is_some() {
            return Ok(());
        }
        // The places that the first walk counted.
        let ordinal = self.entries;
        self.entries += 1;
        let EntryKind::File { size } = entry.kind else { return Ok(()) };
        let Some(links) = self.missed.remove(&ordinal) else { return Ok(()) };
        let (collector, deadline, work) = (&mut *self.collector, self.deadline, &mut self.work);
        let wanted: Vec<&'static Analyzer> = links.iter().map(|(_, analyzer)| *analyzer).collect();
        let most = most_bytes(&wanted, collector.limits);
        let refused = with_content(content, size, &entry.path, most, self.spool, |data| {
            // Names of which one analyzer says the same need it once.
            let mut done: Vec<(&str, &'static Analyzer, Option<usize>)> = Vec::new();
            for (link, analyzer) in links {
                let path = link.path.as_str();
                let like = |(other, by, _): &&(&str, &'static Analyzer, _)| {
                    std::ptr::eq(*by, analyzer) && (analyzer.alike)(other, path)
                };
                let known = done.iter().take(MOST_ALIKE).find(like).map(|(_, _, kept)| *kept);
                let room = known.is_some() || *work >= size;
                if !room || collector.is_full() || deadline.check().is_err() {
                    let message = "hard links are left out after the limits on memory or time (limits.facts_bytes, limits.time_seconds)";
                    collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(path));
                    break;
                }
                match known {
                    Some(Some(kept)) => collector.keep_copy(kept, path),
                    Some(None) => {}
                    None => {
                        *work -= size;
                        let kept = collector.analyze(analyzer, path, data);
                        done.push((path, analyzer, kept));
                    }
                }
            }
        })?;
        if let Some(refusal) = refused {
            collector.diagnostic(refusal);
        }
        Ok(())
    }

    // The first walk has said it all.
    fn diagnostic(&mut self, _: Diagnostic) {}
}
