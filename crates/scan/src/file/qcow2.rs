//! Disk images of the form qcow2, as bytes of the disk (`docs/interop/qcow2.rst` of QEMU).
//!
//! A table of the first level leads to tables of the second, and these to clusters: stored, compressed, or absent, which
//! reads as zeros. Tables are looked up where they lie, so that they may lead anywhere, also to themselves, and cost no
//! more than a read. Other files that an image names (what it is based on, its data) are never opened.

use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::{Limits, ReadAt};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};

/// The first bytes.
pub(super) const MAGIC: &[u8] = b"QFI\xfb";

/// Incompatible features: what they are called where they are not read.
const DAMAGED: u64 = 1 << 1;
const EXTERNAL: u64 = 1 << 2;
const SUBCLUSTERS: u64 = 1 << 4;
const KNOWN: u64 = 0b1111;
/// Bits of table entries that are an offset.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
const ZERO: u64 = 1;
/// Inflated clusters are kept, up to so many bytes.
const KEPT: u64 = 16 << 20;
/// And so many, since they are looked for one after the other.
const MOST_KEPT: usize = 64;
const SECTOR: u64 = 512;

/// The disk in an image.
pub(super) struct Qcow2<D> {
    stored: D,
    size: u64,
    cluster_bits: u32,
    first_level: u64,
    first_level_len: u64,
    compression: Option<Compression>,
    limits: Limits,
    /// Inflated clusters by where their bytes begin, the latest first.
    kept: RefCell<VecDeque<(u64, Box<[u8]>)>>,
}

/// What an entry leads to.
enum Cluster {
    Zeros,
    At(u64),
    Compressed { start: u64, len: u64 },
}

impl<D: ReadAt> Qcow2<D> {
    /// Reads the header; says why when the disk cannot be read.
    pub(super) fn open(stored: D, limits: &Limits) -> Result<Self, String> {
        let header = stored.range(0, 72).map_err(|_| "the image is cut short")?;
        let (version, cluster_bits) = (be32(&header, 4), be32(&header, 20));
        let (size, crypt) = (be64(&header, 24), be32(&header, 32));
        let (first_level_len, first_level) = (u64::from(be32(&header, 36)), be64(&header, 40));
        let based_on = (be64(&header, 8), be32(&header, 16));
        let (features, compression) = match version {
            2 => (0, 0),
            3 => {
                let more = stored.range(72, 40).map_err(|_| "the image is cut short")?;
                // The kind of compression is there where the header is long enough and the feature says so.
                let features = be64(&more, 0);
                (features, if features & 1 << 3 == 0 || be32(&more, 28) < 105 { 0 } else { more[32] })
            }
            other => return Err(format!("its form is of version {other}, which is not read")),
        };
        drop(header);
        if based_on.0 != 0 {
            let len = based_on.1.min(1024) as usize;
            let name = stored.range(based_on.0, len).unwrap_or_default();
            return Err(format!(
                "it holds only what changed over another image ({:?}), which is not opened; make one of both with `qemu-img convert`",
                String::from_utf8_lossy(&name)
            ));
        }
        if crypt != 0 {
            return Err("it is encrypted".to_owned());
        }
        if features & EXTERNAL != 0 {
            return Err("its content is in another file, which is not opened".to_owned());
        }
        if features & DAMAGED != 0 {
            return Err("it is marked as damaged; repair it with `qemu-img check -r all`".to_owned());
        }
        if features & SUBCLUSTERS != 0 {
            return Err("its clusters are divided (extended_l2), which is not read".to_owned());
        }
        if features & !KNOWN != 0 {
            return Err(format!("it has features that are not read ({:#x})", features & !KNOWN));
        }
        if !(9..=21).contains(&cluster_bits) {
            return Err("the size of its clusters is none that is allowed".to_owned());
        }
        let compression = match compression {
            0 => None,
            1 => Some(Compression::Zstd),
            other => return Err(format!("its clusters are compressed by the method {other}, which is not read")),
        };
        // A table of the second level fills a cluster with entries of eight bytes.
        let covered = 1_u128 << (2 * cluster_bits - 3);
        if u128::from(size) > covered * u128::from(first_level_len) {
            return Err("its first table is too short for its size".to_owned());
        }
        let kept = RefCell::default();
        Ok(Self { stored, size, cluster_bits, first_level, first_level_len, compression, limits: limits.clone(), kept })
    }

    fn entry(&self, table: u64, index: u64) -> io::Result<u64> {
        let at = index.checked_mul(8).and_then(|offset| table.checked_add(offset));
        let mut entry = [0; 8];
        self.stored.read_exact_at(at.ok_or(io::ErrorKind::InvalidData)?, &mut entry).map_err(cut)?;
        Ok(u64::from_be_bytes(entry))
    }

    /// Where the cluster in place `index` of the disk is stored.
    fn cluster(&self, index: u64) -> io::Result<Cluster> {
        let bits = self.cluster_bits - 3;
        let first = index >> bits;
        if first >= self.first_level_len {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let table = self.entry(self.first_level, first)? & OFFSET;
        if table == 0 {
            return Ok(Cluster::Zeros);
        }
        let entry = self.entry(table, index & ((1 << bits) - 1))?;
        if entry & COMPRESSED != 0 {
            // The offset takes the lower bits, the number of further sectors those above it.
            let bits = 62 - (self.cluster_bits - 8);
            let start = entry & ((1 << bits) - 1);
            let sectors = (entry & (COMPRESSED - 1)) >> bits;
            let len = (sectors + 1) * SECTOR - start % SECTOR;
            return Ok(Cluster::Compressed { start, len });
        }
        let at = entry & OFFSET;
        Ok(if entry & ZERO != 0 || at == 0 { Cluster::Zeros } else { Cluster::At(at) })
    }

    /// Copies from the inflated cluster whose bytes begin at `start`.
    fn inflated(&self, start: u64, len: u64, within: usize, buf: &mut [u8]) -> io::Result<()> {
        let mut kept = self.kept.borrow_mut();
        if let Some(at) = kept.iter().position(|(of, _)| *of == start) {
            if let Some(found) = kept.remove(at) {
                kept.push_front(found);
            }
        } else {
            // The last sector of an image may lack what follows the stream.
            let len = len.min(self.stored.size().saturating_sub(start));
            let stored = self.stored.range(start, len as usize).map_err(cut)?;
            let mut plain = vec![0; 1 << self.cluster_bits].into_boxed_slice();
            let mut inflate = match self.compression {
                None => Inflate::deflate(&*stored, len, &self.limits),
                Some(compression) => Inflate::new(&*stored, compression, len, &self.limits)?,
            };
            inflate.read_exact(&mut plain)?;
            drop(inflate);
            kept.push_front((start, plain));
            kept.truncate(((KEPT >> self.cluster_bits) as usize).min(MOST_KEPT));
        }
        let Some((_, plain)) = kept.front() else { return Err(io::ErrorKind::InvalidData.into()) };
        buf.copy_from_slice(&plain[within..within + buf.len()]);
        Ok(())
    }
}

impl<D: ReadAt> ReadAt for Qcow2<D> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let cluster = 1_u64 << self.cluster_bits;
        let within = offset & (cluster - 1);
        let left = self.size.saturating_sub(offset).min(cluster - within);
        let count = buf.len().min(left as usize);
        let buf = &mut buf[..count];
        if count == 0 {
            return Ok(0);
        }
        match self.cluster(offset >> self.cluster_bits)? {
            Cluster::Zeros => buf.fill(0),
            Cluster::At(at) => self.stored.read_exact_at(at + within, buf).map_err(cut)?,
            Cluster::Compressed { start, len } => self.inflated(start, len, within as usize, buf)?,
        }
        Ok(count)
    }
}

/// That a table or cluster lies behind the end means something else than the end of the disk.
fn cut(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(io::ErrorKind::InvalidData, "the image is cut short"),
        _ => error,
    }
}

/// The number at `at` of a header that is long enough.
fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn be64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
