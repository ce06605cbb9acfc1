//! Which bytes of an executable file are mapped where, and where a section of some name lies: what the readers of what
//! Go and Rust leave in their programs share.
//!
//! Owns the headers of ELF, PE and Mach-O, of 32 and 64 bits and either byte order, and the table of
//! a universal (fat) Mach-O file, and of those only what maps addresses to the file and tells writable
//! data. No symbols, no relocations, no imports.
//!
//! An own reader rather than the `object` crate: that one reads a table whose length a header states
//! into memory whole, bounded by nothing but the size of the file, keeps all it ever read, and takes a
//! file with a damaged symbol table for unreadable. Here the largest read is [`TABLE_BYTES`], a table
//! that is cut short still counts as far as it goes, and the three formats together are less code than
//! the adapter and the generic calls would be.
//!
//! Sources: System V ABI, chapters 4 and 5 (ELF); Microsoft's "PE Format"; Apple's `mach-o/loader.h`
//! and `mach-o/fat.h`.

use sekisho_base::ReadAt;
use std::borrow::Cow;
use std::io;

/// How the files begin that may be read here.
pub(super) const MAGIC: &[&[u8]] = &[
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xca\xfe\xba\xbf",
];

/// What a section is called that is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct SectionName {
    /// In ELF and PE, with the zero behind it.
    pub(super) plain: &'static [u8],
    /// In Mach-O, with the zero behind it.
    pub(super) macho: &'static [u8],
}

/// The most that is read of a table of headers or names: 65,536 of the largest section header.
const TABLE_BYTES: u64 = 80 << 16;

/// Universal files have as many architectures at most. A Java class file begins with the same four
/// bytes, followed by its version, which is 45 or more read as this number.
const MAX_ARCHITECTURES: u32 = 44;

/// A part of a file that is mapped at an address, cut to what the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it begins in memory.
    pub(super) address: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Bytes.
    pub(super) len: u64,
}

impl Segment {
    /// What is left of the segment from `address` on; `None` when it is outside.
    fn from(self, address: u64) -> Option<Self> {
        let skip = address.checked_sub(self.address).filter(|skip| *skip < self.len)?;
        Some(Self { address, offset: self.offset + skip, len: self.len - skip })
    }
}

/// The memory image of an executable file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Executable {
    /// All that is mapped from the file, in the order of the headers.
    segments: Vec<Segment>,
    /// Writable data.
    pub(super) writable: Vec<Segment>,
    /// The section that was looked for, cut to what the file holds.
    pub(super) named: Option<Segment>,
    /// Whether the file ends before the section that was looked for does, or in ELF before the table of all sections.
    pub(super) is_cut: bool,
}

impl Executable {
    /// Reads the headers, and looks for the section `name`. [`io::ErrorKind::UnexpectedEof`] when they are not those of an executable
    /// file or lie outside `data`.
    pub(super) fn read(data: &dyn ReadAt, name: SectionName) -> io::Result<Self> {
        let magic = data.range(0, 4)?;
        match &*magic {
            b"\x7fELF" => elf(data, name.plain),
            [b'M', b'Z', ..] => pe(data, name.plain),
            b"\xfe\xed\xfa\xce" => macho(data, name.macho, Layout { big: true, wide: false }),
            b"\xfe\xed\xfa\xcf" => macho(data, name.macho, Layout { big: true, wide: true }),
            b"\xce\xfa\xed\xfe" => macho(data, name.macho, Layout { big: false, wide: false }),
            b"\xcf\xfa\xed\xfe" => macho(data, name.macho, Layout { big: false, wide: true }),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// What the file maps from `address` to the end of the segment; `None` when it maps nothing there.
    pub(super) fn mapped(&self, address: u64) -> Option<Segment> {
        self.segments.iter().find_map(|segment| segment.from(address))
    }

    /// Adds a part of `data`, as far as it lies within.
    fn map(&mut self, data: &dyn ReadAt, segment: Segment, writable_data: bool) {
        let len = segment.len.min(data.size().saturating_sub(segment.offset));
        if len == 0 {
            return;
        }
        let segment = Segment { len, ..segment };
        self.segments.push(segment);
        if writable_data {
            self.writable.push(segment);
        }
    }

    /// Takes the first section of the name, as far as it lies within `data`.
    fn name(&mut self, data: &dyn ReadAt, section: Segment) {
        let len = section.len.min(data.size().saturating_sub(section.offset));
        self.is_cut |= len < section.len;
        self.named = self.named.or(Some(Segment { len, ..section }));
    }
}

/// How numbers are written: byte order, and whether addresses have 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Most significant byte first.
    pub(super) big: bool,
    /// Addresses, sizes and offsets have 64 bits, not 32.
    pub(super) wide: bool,
}

impl Layout {
    fn u16(self, bytes: &[u8], at: usize) -> io::Result<u16> {
        let bytes = field(bytes, at)?;
        Ok(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(self, bytes: &[u8], at: usize) -> io::Result<u32> {
        let bytes = field(bytes, at)?;
        Ok(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u64(self, bytes: &[u8], at: usize) -> io::Result<u64> {
        let bytes = field(bytes, at)?;
        Ok(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// A number as wide as an address.
    pub(super) fn word(self, bytes: &[u8], at: usize) -> io::Result<u64> {
        if self.wide { self.u64(bytes, at) } else { self.u32(bytes, at).map(u64::from) }
    }

    /// The first of two offsets in the layout with 32-bit addresses, the second in the other.
    fn pick(self, narrow: usize, wide: usize) -> usize {
        if self.wide { wide } else { narrow }
    }
}

/// `N` bytes at `at`.
fn field<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The bytes of a table of `len` bytes, as far as they lie in `data` and below [`TABLE_BYTES`].
fn table(data: &dyn ReadAt, offset: u64, len: u64) -> io::Result<Cow<'_, [u8]>> {
    let len = len.min(TABLE_BYTES).min(data.size().saturating_sub(offset));
    data.range(offset.min(data.size()), len as usize)
}

/// Reads an ELF file's program headers, and its section headers where it still has them.
fn elf(data: &dyn ReadAt, wanted: &[u8]) -> io::Result<Executable> {
    const PT_LOAD: u32 = 1;
    const PF_X: u32 = 1;
    const PF_W: u32 = 2;
    const SHT_NOBITS: u32 = 8;
    let ident = data.range(0, 16)?;
    let layout = Layout { wide: ident.get(4) == Some(&2), big: ident.get(5) == Some(&2) };
    let header = data.range(0, layout.pick(52, 64))?;
    let phoff = layout.word(&header, layout.pick(28, 32))?;
    let shoff = layout.word(&header, layout.pick(32, 40))?;
    let counts = layout.pick(42, 54);
    let phnum = layout.u16(&header, counts + 2)?;
    let shnum = layout.u16(&header, counts + 6)?;
    let shstrndx = layout.u16(&header, counts + 8)?;

    let mut executable = Executable::default();
    let entry = layout.pick(32, 56);
    for program in table(data, phoff, u64::from(phnum) * entry as u64)?.chunks_exact(entry) {
        if layout.u32(program, 0)? == PT_LOAD {
            let segment = Segment {
                address: layout.word(program, layout.pick(8, 16))?,
                offset: layout.word(program, layout.pick(4, 8))?,
                len: layout.word(program, layout.pick(16, 32))?,
            };
            let flags = layout.u32(program, layout.pick(24, 4))?;
            executable.map(data, segment, flags & (PF_W | PF_X) == PF_W);
        }
    }

    let entry = layout.pick(40, 64);
    let bytes = u64::from(shnum) * entry as u64;
    executable.is_cut = shoff.checked_add(bytes).is_none_or(|end| end > data.size());
    let sections = table(data, shoff, bytes)?;
    if let Some(names) = sections.chunks_exact(entry).nth(usize::from(shstrndx)) {
        let offset = layout.word(names, layout.pick(16, 24))?;
        let names = table(data, offset, layout.word(names, layout.pick(20, 32))?)?;
        for section in sections.chunks_exact(entry) {
            let name = names.get(layout.u32(section, 0)? as usize..);
            // A file with what debuggers need alone has names of sections that are elsewhere.
            let is_here = layout.u32(section, 4)? != SHT_NOBITS;
            if is_here && name.is_some_and(|name| name.starts_with(wanted)) {
                let section = Segment {
                    address: layout.word(section, layout.pick(12, 16))?,
                    offset: layout.word(section, layout.pick(16, 24))?,
                    len: layout.word(section, layout.pick(20, 32))?,
                };
                executable.name(data, section);
                break;
            }
        }
    }
    Ok(executable)
}

/// Reads a PE file's section table.
fn pe(data: &dyn ReadAt, wanted: &[u8]) -> io::Result<Executable> {
    const CODE: u32 = 0x20;
    const INITIALIZED_DATA: u32 = 0x40;
    const EXECUTE: u32 = 0x2000_0000;
    const WRITE: u32 = 0x8000_0000;
    const SECTION_BYTES: usize = 40;
    let numbers = Layout { big: false, wide: false };
    let start = u64::from(numbers.u32(&data.range(0x3c, 4)?, 0)?);
    let header = data.range(start, 24)?;
    if !header.starts_with(b"PE\0\0") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let count = u64::from(numbers.u16(&header, 6)?);
    let optional_bytes = u64::from(numbers.u16(&header, 20)?);
    let optional = data.range(start + 24, 32)?;
    let base = match numbers.u16(&optional, 0)? {
        0x20b => numbers.u64(&optional, 24)?,
        _ => u64::from(numbers.u32(&optional, 28)?),
    };

    let mut executable = Executable::default();
    let sections = table(data, start + 24 + optional_bytes, count * SECTION_BYTES as u64)?;
    for section in sections.chunks_exact(SECTION_BYTES) {
        let segment = Segment {
            address: base.wrapping_add(u64::from(numbers.u32(section, 12)?)),
            offset: u64::from(numbers.u32(section, 20)?),
            len: u64::from(numbers.u32(section, 16)?),
        };
        let flags = numbers.u32(section, 36)?;
        let writable_data = flags & (CODE | EXECUTE | INITIALIZED_DATA | WRITE) == INITIALIZED_DATA | WRITE;
        executable.map(data, segment, writable_data);
        if section.starts_with(wanted) {
            executable.name(data, segment);
        }
    }
    Ok(executable)
}

/// Reads a Mach-O file's segments and the names of their sections.
fn macho(data: &dyn ReadAt, wanted: &[u8], layout: Layout) -> io::Result<Executable> {
    const PROT_WRITE: u32 = 2;
    const PROT_EXECUTE: u32 = 4;
    let segment_command = if layout.wide { 0x19 } else { 1 };
    let header = data.range(0, layout.pick(28, 32))?;
    let count = layout.u32(&header, 16)?;
    let commands = table(data, header.len() as u64, u64::from(layout.u32(&header, 20)?))?;

    let mut executable = Executable::default();
    let mut rest = &*commands;
    for _ in 0..count {
        // A command is at least its own two numbers long, so the loop ends with the table.
        let (Ok(kind), Ok(len)) = (layout.u32(rest, 0), layout.u32(rest, 4)) else { break };
        let Some((command, after)) = rest.split_at_checked(len as usize).filter(|_| len >= 8) else { break };
        rest = after;
        if kind != segment_command {
            continue;
        }
        let segment = Segment {
            address: layout.word(command, 24)?,
            offset: layout.word(command, layout.pick(32, 40))?,
            len: layout.word(command, layout.pick(36, 48))?,
        };
        let protection = layout.u32(command, layout.pick(44, 60))?;
        executable.map(data, segment, protection & (PROT_WRITE | PROT_EXECUTE) == PROT_WRITE);
        let sections = command.get(layout.pick(56, 72)..).unwrap_or_default();
        for section in sections.chunks_exact(layout.pick(68, 80)) {
            if section.starts_with(wanted) {
                let section = Segment {
                    address: layout.word(section, 32)?,
                    offset: u64::from(layout.u32(section, layout.pick(40, 48))?),
                    len: layout.word(section, layout.pick(36, 40))?,
                };
                executable.name(data, section);
            }
        }
    }
    Ok(executable)
}

/// A window of a file, read as if it were the file.
pub(super) struct Slice<'a> {
    data: &'a dyn ReadAt,
    start: u64,
    len: u64,
}

impl ReadAt for Slice<'_> {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        match buf.get_mut(..want) {
            Some(buf) if want > 0 => self.data.read_at(self.start + offset, buf),
            _ => Ok(0),
        }
    }

    fn as_slice(&self) -> Option<&[u8]> {
        self.data.as_slice()?.get(self.start as usize..)?.get(..self.len as usize)
    }
}

/// The executables in a file: those of a universal Mach-O file, else the file itself. None in a Java
/// class file.
pub(super) fn slices(data: &dyn ReadAt) -> io::Result<Vec<Slice<'_>>> {
    let layout = match &*data.range(0, 4)? {
        b"\xca\xfe\xba\xbe" => Layout { big: true, wide: false },
        b"\xca\xfe\xba\xbf" => Layout { big: true, wide: true },
        _ => return Ok(vec![Slice { data, start: 0, len: data.size() }]),
    };
    let count = layout.u32(&data.range(4, 4)?, 0)?;
    if count > MAX_ARCHITECTURES {
        return Ok(Vec::new());
    }
    let entry = layout.pick(20, 32);
    table(data, 8, u64::from(count) * entry as u64)?
        .chunks_exact(entry)
        .map(|architecture| {
            let start = layout.word(architecture, 8)?.min(data.size());
            let len = layout.word(architecture, layout.pick(12, 16))?;
            Ok(Slice { data, start, len: len.min(data.size() - start) })
        })
        .collect()
}
