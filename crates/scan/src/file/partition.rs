//! What lies where on a disk: partitions by the tables of the UEFI specification (5, "GUID Partition Table") and of the
//! PC ("MBR", with its chain of logical partitions), and what is in them by its first bytes.

use sekisho_base::ReadAt;
use std::io;
use std::rc::Rc;

/// A part of a disk.
#[derive(Clone)]
pub(super) struct Window {
    disk: Rc<dyn ReadAt>,
    start: u64,
    len: u64,
}

impl Window {
    /// All of a disk.
    pub(super) fn whole(disk: Rc<dyn ReadAt>) -> Self {
        let len = disk.size();
        Self { disk, start: 0, len }
    }

    /// A part of it; nothing where that does not lie in it as a whole.
    fn part(&self, start: u64, len: u64) -> Option<Self> {
        let fits = start.checked_add(len).is_some_and(|end| end <= self.len);
        fits.then(|| Self { disk: Rc::clone(&self.disk), start: self.start + start, len })
    }
}

impl ReadAt for Window {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let want = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if want == 0 { Ok(0) } else { self.disk.read_at(self.start + offset, &mut buf[..want]) }
    }
}

/// A partition, or the whole of a disk that has none.
pub(super) struct Partition {
    /// Its number, as Linux counts; 0 for the whole.
    pub(super) number: u32,
    /// Its unique name in the table, as `fstab` writes it.
    pub(super) id: Option<String>,
    /// What the table says that it is for, where that rules out packages.
    pub(super) purpose: Option<Purpose>,
    pub(super) data: Window,
}

/// Partitions of which the table says that they hold no system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The EFI system partition: boot loaders, in FAT.
    Efi,
    /// Code of a boot loader, without a file system.
    Loader,
}

/// The partitions of a disk, and what is wrong with its table.
#[derive(Default)]
pub(super) struct Table {
    pub(super) partitions: Vec<Partition>,
    pub(super) damage: Vec<String>,
}

/// More than any disk has.
const MOST: usize = 256;
const SECTOR: u64 = 512;
const MBR_SIGNATURE: (u64, &[u8]) = (510, b"\x55\xaa");
const GPT_SIGNATURE: &[u8] = b"EFI PART";
const EFI_TYPE: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
/// Where GRUB is on disks of a PC, and on such of POWER.
const LOADER_TYPES: [&str; 2] = ["21686148-6449-6e6f-744e-656564454649", "9e1a2d38-c612-4316-aa26-8b49521e5a8b"];

/// Whether `magic` is at `at`.
pub(super) fn has(data: &dyn ReadAt, at: u64, magic: &[u8]) -> bool {
    data.range(at, magic.len()).is_ok_and(|found| *found == *magic)
}

/// Whether the bytes are those of a disk, or of a file system.
pub(super) fn is_disk(data: &dyn ReadAt) -> bool {
    let signed = has(data, MBR_SIGNATURE.0, MBR_SIGNATURE.1);
    signed
        || gpt_sector(data).is_some()
        || content(data).is_ok_and(|content| !matches!(content, Content::Unknown | Content::Swap | Content::Blank))
}

fn gpt_sector(data: &dyn ReadAt) -> Option<u64> {
    [SECTOR, 4096].into_iter().find(|sector| has(data, *sector, GPT_SIGNATURE))
}

impl Table {
    /// Reads the table of `disk`.
    pub(super) fn read(disk: &Window) -> io::Result<Self> {
        let mut table = Self::default();
        let signed = has(disk, MBR_SIGNATURE.0, MBR_SIGNATURE.1);
        let old = if signed { entries(disk, 0)? } else { Vec::new() };
        if let Some(sector) = gpt_sector(disk) {
            // Linux wants the old table to say that there is the new one.
            if !old.iter().any(|entry| entry.kind == 0xee) {
                table.tell("it has two partition tables, of which some systems take one and some the other");
            }
            table.gpt(disk, sector)?;
        } else {
            table.mbr(disk, &old)?;
        }
        if table.partitions.is_empty() {
            table.partitions.push(Partition { number: 0, id: None, purpose: None, data: disk.clone() });
        }
        Ok(table)
    }

    fn tell(&mut self, what: impl Into<String>) {
        self.damage.push(what.into());
    }

    fn add(&mut self, disk: &Window, number: u32, place: (u64, u64), id: Option<String>, purpose: Option<Purpose>) {
        if let Some(data) = disk.part(place.0, place.1) {
            self.partitions.push(Partition { number, id, purpose, data });
        } else {
            self.tell(format!("partition {number} does not lie in the disk as a whole"));
        }
    }

    fn gpt(&mut self, disk: &Window, sector: u64) -> io::Result<()> {
        let header = disk.range(sector, 92)?.into_owned();
        let (first, count, size) = (le64(&header, 72), le32(&header, 80), le32(&header, 84));
        let sound = (128..=4096).contains(&size) && count as usize <= 4 * MOST;
        let table = first.checked_mul(sector).filter(|_| sound).and_then(|at| {
            // Bounded above.
            disk.range(at, (count * size) as usize).ok()
        });
        let Some(table) = table else {
            self.tell("its partition table is damaged");
            return Ok(());
        };
        let mut unsummed = header.clone();
        unsummed[16..20].fill(0);
        if rawzip::crc32(&unsummed) != le32(&header, 16) || rawzip::crc32(&table) != le32(&header, 88) {
            self.tell("the checksums of its partition table do not hold, so that systems may take the copy of it");
        }
        for (number, entry) in (1..).zip(table.chunks_exact(size as usize)) {
            let kind = guid(&entry[..16]);
            if entry[..16].iter().all(|byte| *byte == 0) {
                continue;
            }
            if self.partitions.len() == MOST {
                self.tell("it has more partitions than are read");
                break;
            }
            let purpose = match kind.as_str() {
                EFI_TYPE => Some(Purpose::Efi),
                kind if LOADER_TYPES.contains(&kind) => Some(Purpose::Loader),
                _ => None,
            };
            let (start, end) = (le64(entry, 32), le64(entry, 40));
            let place = end
                .checked_sub(start)
                .and_then(|len| Some((start.checked_mul(sector)?, len.checked_add(1)?.checked_mul(sector)?)));
            self.add(disk, number, place.unwrap_or((u64::MAX, 1)), Some(guid(&entry[16..32])), purpose);
        }
        Ok(())
    }

    fn mbr(&mut self, disk: &Window, old: &[Old]) -> io::Result<()> {
        for (number, entry) in (1..).zip(old) {
            match entry.kind {
                0 => {}
                0x05 | 0x0f | 0x85 => self.logical(disk, entry.start)?,
                kind => {
                    let purpose = (kind == 0xef).then_some(Purpose::Efi);
                    self.add(disk, number, (entry.start, entry.len), None, purpose);
                }
            }
        }
        Ok(())
    }

    /// Follows the chain of logical partitions, which only ever leads forward.
    fn logical(&mut self, disk: &Window, extended: u64) -> io::Result<()> {
        let mut at = extended;
        let mut number = 5;
        while self.partitions.len() < MOST {
            if !has(disk, at + MBR_SIGNATURE.0, MBR_SIGNATURE.1) {
                self.tell("its chain of logical partitions is damaged");
                return Ok(());
            }
            let [here, next, ..] = entries(disk, at)?[..] else { return Ok(()) };
            if here.kind != 0 {
                self.add(disk, number, (at + here.start, here.len), None, None);
                number += 1;
            }
            if next.kind == 0 {
                return Ok(());
            }
            let next = extended + next.start;
            if next <= at {
                self.tell("its chain of logical partitions leads back into itself");
                return Ok(());
            }
            at = next;
        }
        self.tell("it has more partitions than are read");
        Ok(())
    }
}

/// An entry of the old table, in bytes.
#[derive(Debug, Clone, Copy)]
struct Old {
    kind: u8,
    start: u64,
    len: u64,
}

/// The four entries of the table in the sector at `at`.
fn entries(disk: &Window, at: u64) -> io::Result<Vec<Old>> {
    let table = disk.range(at + 446, 64)?;
    let entry = |entry: &[u8]| {
        let sectors = |at| u64::from(le32(entry, at)) * SECTOR;
        Old { kind: entry[4], start: sectors(8), len: sectors(12) }
    };
    Ok(table.chunks_exact(16).map(entry).collect())
}

/// What is in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A file system that is read.
    Ext,
    /// FAT, in which boot loaders are.
    Fat,
    /// Swap space.
    Swap,
    /// Nothing was ever written at its beginning.
    Blank,
    /// Something known that is not read.
    Unread(&'static str),
    /// Anything else.
    Unknown,
}

const KNOWN: [(u64, &[u8], Content); 23] = [
    // Before file systems, whose beginning may be left below them.
    (0, b"LUKS\xba\xbe", Content::Unread("a LUKS container, which is encrypted")),
    (512, b"LABELONE", Content::Unread("a volume of LVM")),
    (0, b"LABELONE", Content::Unread("a volume of LVM")),
    (1024, b"LABELONE", Content::Unread("a volume of LVM")),
    (1536, b"LABELONE", Content::Unread("a volume of LVM")),
    (4096, b"\xfc\x4e\x2b\xa9", Content::Unread("a member of a RAID")),
    (0, b"\xfc\x4e\x2b\xa9", Content::Unread("a member of a RAID")),
    (1080, b"\x53\xef", Content::Ext),
    (0, b"XFSB", Content::Unread("an XFS file system")),
    (0x10040, b"_BHRfS_M", Content::Unread("a btrfs file system")),
    (0x1018, b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca", Content::Unread("a bcachefs file system")),
    (1024, b"\x10\x20\xf5\xf2", Content::Unread("an F2FS file system")),
    (0, b"hsqs", Content::Unread("a squashfs file system")),
    (1024, b"\xe2\xe1\xf5\xe0", Content::Unread("an erofs file system")),
    (3, b"NTFS    ", Content::Unread("an NTFS file system")),
    (3, b"EXFAT   ", Content::Unread("an exFAT file system")),
    (32, b"NXSB", Content::Unread("an APFS container")),
    (0x8001, b"CD001", Content::Unread("an ISO 9660 file system")),
    (4086, b"SWAPSPACE2", Content::Swap),
    (65526, b"SWAPSPACE2", Content::Swap),
    (54, b"FAT12   ", Content::Fat),
    (54, b"FAT16   ", Content::Fat),
    (82, b"FAT32   ", Content::Fat),
];

/// Every file system that is known begins within this many bytes.
const BEGINNING: usize = 1 << 20;

/// What is in a partition, by its bytes.
pub(super) fn content(data: &dyn ReadAt) -> io::Result<Content> {
    if let Some((.., content)) = KNOWN.iter().find(|(at, magic, _)| has(data, *at, magic)) {
        return Ok(*content);
    }
    let len = usize::try_from(data.size()).unwrap_or(usize::MAX).min(BEGINNING);
    let beginning = data.range(0, len)?;
    Ok(if beginning.iter().all(|byte| *byte == 0) { Content::Blank } else { Content::Unknown })
}

/// A name of 16 bytes, as it is written (UEFI, appendix A).
fn guid(bytes: &[u8]) -> String {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = sekisho_base::hash::hex(&ORDER.map(|at| bytes.get(at).copied().unwrap_or_default()));
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
