//! Scanning one file that holds a tree of files: an archive, a package, a disk image; or that is itself of interest.
//!
//! What it is is told by its first bytes. [`deb`] and [`rpm`] add the package to what lies in it, [`zip`] and [`disk`]
//! read front to back what cannot be read in one stream. The tree within is one layer, with the rules of
//! [`crate::tree`] for what is left out.

pub(crate) mod cpio;
mod deb;
mod disk;
mod ext4;
mod partition;
mod qcow2;
mod rpm;
mod zip;

use crate::assemble::{self, Scanned};
use crate::collect::Collector;
use crate::facts::{FileFacts, LayerFacts};
use crate::layer::{self, Shape};
use crate::overlay::Overlay;
use crate::{Options, ScanError};
use sekisho_base::bytes::FileRange;
use sekisho_base::inflate::Compression;
use sekisho_base::limits::Deadline;
use sekisho_base::spool::{SpillQuota, Spool};
use sekisho_base::{PathTable, ReadAt};
use sekisho_model::{Code, Diagnostic, Inventory, Level, Source, SourceKind};
use sekisho_oci::stream::LayerEnd;
use sekisho_oci::{FileState, Stored, path};
use sekisho_sbom::analyzers::pkginfo;
use sekisho_sbom::{Analyzer, Dispatch, File, OwnedFiles};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// What every reader of a file is given.
struct Context<'a> {
    /// What the file is called, without directories.
    name: String,
    dispatch: Dispatch,
    options: &'a Options<'a>,
    quota: Arc<SpillQuota>,
    deadline: Deadline,
}

impl Context<'_> {
    /// The archive of a tree that is stored in `stored`.
    fn tree(&self, stored: &FileRange, shape: Shape) -> io::Result<(LayerFacts, LayerEnd)> {
        let options = self.options;
        let advance = |bytes| options.progress.advance(bytes);
        layer::read(
            &Stored::File(stored.clone()),
            shape,
            &self.dispatch,
            &options.limits,
            &self.quota,
            self.deadline,
            &advance,
        )
    }

    fn collector(&self) -> Collector<'_> {
        Collector::new(&self.dispatch, &self.options.limits)
    }

    fn spool(&self) -> Spool {
        Spool::new(self.options.limits.memory_file_bytes, Arc::clone(&self.quota))
    }

    /// What `analyzer` says of `data` as the file that is scanned.
    fn itself(&self, analyzer: &'static Analyzer, data: &(dyn ReadAt + Sync)) -> FileFacts {
        let extract = (analyzer.run)(&File { path: &self.name, data, limits: &self.options.limits });
        FileFacts { path: self.name.clone(), analyzer: analyzer.id.to_owned(), extract }
    }

    /// Adds to the tree of a package what `analyzer` says of the package in `record`: it owns all files.
    fn owner(&self, facts: &mut LayerFacts, analyzer: &'static Analyzer, record: &[u8]) {
        let mut package = self.itself(analyzer, &record);
        if let [found] = package.extract.packages.as_slice() {
            let (kind, name, arch) = (found.kind, found.name.clone(), found.arch.clone());
            let mut paths = PathTable::default();
            facts.paths.for_each(|path| {
                if !path.ends_with('/') {
                    paths.push(path, false);
                }
            });
            package.extract.owned.push(OwnedFiles { kind, name, arch, paths });
        }
        facts.files.push(package);
    }
}

/// Why there is nothing to list: what the file is, and what to do about it.
struct Refused {
    reason: String,
    hint: &'static str,
}

impl Refused {
    fn new(reason: impl Into<String>, hint: &'static str) -> Self {
        Self { reason: reason.into(), hint }
    }
}

/// Why a file was not read.
enum Failed {
    Refused(Refused),
    Read(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

const GIVE: &str = "give a directory, a tar or zip archive, a .deb, .rpm, .apk or pacman package, or a raw or qcow2 disk image; use `scan image` for an image archive";
const UNPACK: &str = "unpack it, and scan what is in it";
const CONVERT: &str = "convert it with `qemu-img convert -O qcow2`";

/// Scans the file at `path`.
pub(crate) fn scan(path: &Path, options: &Options<'_>) -> Result<Inventory, ScanError> {
    let unreadable = |source| ScanError::Directory { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let before = FileState::of(&file).map_err(unreadable)?;
    let (_, _, size) = before.identity;
    let data = FileRange::new(Arc::new(file), 0, size);
    let limits = &options.limits;
    let quota = SpillQuota::new(options.temporary.clone(), limits.spill_bytes);
    let name = path::text(path.file_name().unwrap_or_default().as_encoded_bytes());
    let (dispatch, deadline) = (Dispatch::all(), Deadline::of(limits));
    let context = Context { name, dispatch, options, quota, deadline };
    options.progress.total(size);
    // Libraries that read strangers' bytes must not panic; should one all the same, that is told.
    let read = catch_unwind(AssertUnwindSafe(|| read(&data, &context))).unwrap_or_else(|_| {
        let message = "what reads this file failed on it; this is a bug";
        let diagnostics = vec![Diagnostic::incomplete(Code::InternalFault, message)];
        Ok((SourceKind::Archive, LayerFacts { diagnostics, ..LayerFacts::default() }))
    });
    let (kind, mut facts) = read.map_err(|failed| match failed {
        Failed::Refused(Refused { reason, hint }) => ScanError::Form { path: path.to_owned(), reason, hint },
        Failed::Read(source) => unreadable(source),
    })?;
    options.progress.spilled(context.quota.total());
    if FileState::of(data.file()).map_err(unreadable)? != before {
        let message = "the file changed while it was read";
        facts.diagnostics.push(Diagnostic::incomplete(Code::SourceChanged, message));
    }
    let source = Source { kind, name: path.to_string_lossy().into_owned() };
    let overlay = Overlay::of(&[&facts], limits);
    let scanned = Scanned { source, image: None, overlay, diagnostics: facts.diagnostics.clone() };
    Ok(assemble::inventory(scanned, &context.dispatch, options))
}

fn read(data: &FileRange, context: &Context<'_>) -> Result<(SourceKind, LayerFacts), Failed> {
    let mut head = vec![0; 512];
    let seen = data.read_at(0, &mut head)?;
    head.truncate(seen);
    if head.is_empty() {
        return Err(Failed::Refused(Refused::new("it is empty", GIVE)));
    }
    if head.starts_with(deb::MAGIC) {
        return Ok((SourceKind::PackageFile, deb::read(data, context)?));
    }
    if head.starts_with(rpm::MAGIC) {
        return Ok((SourceKind::PackageFile, rpm::read(data, context)?));
    }
    if head.starts_with(qcow2::MAGIC) {
        return Ok((SourceKind::DiskImage, disk::qcow2(data, context)));
    }
    let is_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
    let is_tar = head.get(257..262) == Some(b"ustar") || Compression::detect(&head) != Compression::None;
    let mut wanted = context.dispatch.by_path(&context.name);
    wanted.extend(context.dispatch.by_magic(&head, data.size()));
    if !wanted.is_empty() {
        let mut collector = context.collector();
        for analyzer in wanted {
            collector.analyze(analyzer, &context.name, data);
        }
        let facts = collector.finish();
        // A name alone says little: `busybox.tgz` is no program.
        if !facts.files.is_empty() || !facts.diagnostics.is_empty() || !(is_zip || is_tar) {
            return Ok((SourceKind::File, facts));
        }
    }
    if is_zip {
        return Ok((SourceKind::Archive, zip::read(data, context)));
    }
    if let Some((what, hint)) = unread(data, &head) {
        return Err(Failed::Refused(Refused::new(format!("it is {what}, which is not read"), hint)));
    }
    if !is_tar && partition::is_disk(data) {
        return Ok((SourceKind::DiskImage, disk::raw(data, context)));
    }
    tar(data, context)
}

/// Forms that are known and not read, by bytes at some place.
const UNREAD: [(u64, &[u8], &str, &str); 11] = [
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (0, b"070701", "a bare cpio archive", UNPACK),
    (0, b"hsqs", "a squashfs file system", UNPACK),
    (1024, b"\xe2\xe1\xf5\xe0", "an erofs file system", UNPACK),
    (0x8001, b"CD001", "an ISO 9660 image", UNPACK),
    (0, b"KDMV", "a VMDK disk image", CONVERT),
    (0, b"# Disk DescriptorFile", "the description of a VMDK disk image", CONVERT),
    (0, b"vhdxfile", "a VHDX disk image", CONVERT),
    (0, b"conectix", "a VHD disk image", CONVERT),
    (64, b"\x7f\x10\xda\xbe", "a VDI disk image", CONVERT),
];

fn unread(data: &FileRange, head: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Some(form) = Compression::unread(head) {
        let what = match form {
            "bzip2" => "compressed with bzip2",
            "lz4" => "compressed with lz4",
            "lzma" => "compressed with lzma",
            _ => "compressed with lzip",
        };
        return Some((what, "compress it with gzip, zstd or xz, or not at all"));
    }
    let found = UNREAD.iter().find(|(at, magic, ..)| partition::has(data, *at, magic));
    found.map(|(_, _, what, hint)| (*what, *hint))
}

/// An empty tar is this long, as GNU tar writes it.
const EMPTY_TAR: u64 = 10 * 1024;

fn tar(data: &FileRange, context: &Context<'_>) -> Result<(SourceKind, LayerFacts), Failed> {
    let (mut facts, end) = context.tree(data, Shape::Tar)?;
    if facts.entries == 0 {
        let told = facts.diagnostics.iter().find(|told| told.level == Level::Incomplete);
        // That it could not be inflated so far, or took too long, is no reason to say that it is something else.
        let is_none = match told {
            Some(told) => told.code == Code::LayerFormat || end.plain.is_ok(),
            None => end.plain_bytes > EMPTY_TAR,
        };
        if is_none {
            let (reason, hint) = if end.plain_bytes == end.stored_bytes {
                ("it is no archive, package or disk image of a form that is read", GIVE)
            } else {
                ("what is compressed in it is no tar archive", "unpack it once, and scan what comes out")
            };
            return Err(Failed::Refused(Refused::new(reason, hint)));
        }
    }
    match Kind::of(&facts) {
        Kind::Files => Ok((SourceKind::Archive, facts)),
        Kind::Image => {
            let reason = "it is an image, whose layers are not looked into here";
            Err(Failed::Refused(Refused::new(reason, "use `scan image`")))
        }
        Kind::Package => {
            // What is wrong with the archive was told when its files were read.
            let record = deb::record(data, RECORD, context, &mut Vec::new())?;
            context.owner(&mut facts, &pkginfo::PACKAGE, &record);
            Ok((SourceKind::PackageFile, facts))
        }
    }
}

/// What packages of apk and pacman say of themselves.
const RECORD: &str = ".PKGINFO";

/// What the names in a tar say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Files,
    /// As `docker save` and OCI layouts have it.
    Image,
    /// Of apk or pacman.
    Package,
}

impl Kind {
    fn of(facts: &LayerFacts) -> Self {
        let (mut layout, mut manifest, mut layers, mut package) = (false, false, false, false);
        facts.paths.for_each(|path| match path {
            "oci-layout" => layout = true,
            "manifest.json" => manifest = true,
            RECORD => package = true,
            _ => layers |= path.ends_with("/layer.tar") || path == "repositories",
        });
        match (layout || manifest && layers, package) {
            (true, _) => Self::Image,
            (false, true) => Self::Package,
            (false, false) => Self::Files,
        }
    }
}
