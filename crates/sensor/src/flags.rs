//! Flags and numbers of the kernel as recorders of events have them, which is how rules know them.
//!
//! What is not here is the same on both sides. The kernel's are those of x86 (`include/uapi` in its source), the
//! others those of the tables in `sekisho_trace::event`.

/// Sets bit `to` for each bit `from` that is set.
fn bits(value: u64, pairs: &[(u64, u64)]) -> u64 {
    pairs.iter().filter(|(from, _)| value & from == *from).fold(0, |bits, (_, to)| bits | to)
}

/// The one that stands beside `value`; `otherwise` if none does.
fn one(value: u64, pairs: &[(u64, u64)], otherwise: u64) -> u64 {
    pairs.iter().find(|(from, _)| *from == value).map_or(otherwise, |(_, to)| *to)
}

/// `O_CREAT` and the bit of `O_TMPFILE` that is not `O_DIRECTORY`: with these a mode is passed.
pub(crate) const MAKES: u64 = 0o100 | 0o20_000_000;

/// Flags of open(2).
pub(crate) fn open(value: u64) -> u64 {
    const PAIRS: &[(u64, u64)] = &[
        (0o100, 1 << 2),
        (0o2000, 1 << 3),
        (0o10000, 1 << 4),
        (0o200, 1 << 5),
        (0o4000, 1 << 6),
        (0o4_010_000, 1 << 7),
        (0o1000, 1 << 8),
        (0o40000, 1 << 9),
        (0o200_000, 1 << 10),
        (0o100_000, 1 << 11),
        (0o2_000_000, 1 << 12),
        (0o20_200_000, 1 << 13),
    ];
    let access = match value & 3 {
        0 => 1,
        1 => 2,
        2 => 3,
        _ => 0,
    };
    access | bits(value, PAIRS)
}

/// Flags of clone(2), unshare(2) and setns(2).
pub(crate) fn clone(value: u64) -> u64 {
    bits(
        value,
        &[
            (0x400, 1),
            (0x200, 1 << 1),
            (0x8000_0000, 1 << 2),
            (0x0800_0000, 1 << 3),
            (0x4000_0000, 1 << 4),
            (0x0002_0000, 1 << 5),
            (0x2000_0000, 1 << 6),
            (0x0400_0000, 1 << 7),
            (0x8000, 1 << 8),
            (0x0010_0000, 1 << 9),
            (0x2000, 1 << 10),
            (0x800, 1 << 11),
            (0x0004_0000, 1 << 12),
            (0x0001_0000, 1 << 13),
            (0x0080_0000, 1 << 14),
            (0x100, 1 << 15),
            (0x1000_0000, 1 << 20),
            (0x0020_0000, 1 << 23),
            (0x0100_0000, 1 << 24),
            (0x0008_0000, 1 << 25),
            (0x4000, 1 << 27),
            (0x0200_0000, 1 << 28),
        ],
    )
}

/// How a path is to be resolved, openat2(2).
pub(crate) fn resolve(value: u64) -> u64 {
    bits(value, &[(8, 1), (0x10, 2), (2, 4), (4, 8), (1, 0x10), (0x20, 0x20)])
}

/// Requests of ptrace(2).
pub(crate) fn ptrace(value: u64) -> u64 {
    const PAIRS: &[(u64, u64)] = &[
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 6),
        (6, 7),
        (7, 8),
        (8, 9),
        (9, 10),
        (16, 11),
        (17, 12),
        (24, 13),
        (0x4200, 14),
        (0x4201, 15),
        (0x4202, 16),
        (0x4203, 17),
        (0x4204, 18),
        (0x4205, 19),
        (0x4206, 20),
        (0x4207, 21),
        (0x4208, 22),
        (0x4209, 23),
        (0x420a, 24),
        (0x420b, 25),
        (12, 26),
        (13, 27),
        (14, 28),
        (15, 29),
        (18, 30),
        (19, 31),
        (21, 32),
        (25, 33),
        (26, 34),
        (30, 35),
        (31, 36),
        (32, 37),
        (33, 38),
    ];
    one(value, PAIRS, 0)
}

/// Commands of fcntl(2).
pub(crate) fn fcntl(value: u64) -> u64 {
    const PAIRS: &[(u64, u64)] = &[
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 6),
        (6, 8),
        (7, 9),
        (8, 10),
        (9, 12),
        (10, 13),
        (11, 15),
        // The numbers of i386 for locks with 64 bits.
        (12, 0x12),
        (13, 0x13),
        (14, 0x15),
        (15, 0x15),
        (16, 0x16),
        (36, 0x1e),
        (37, 0x1f),
        (38, 0x20),
        (1024, 0x17),
        (1025, 0x18),
        (1026, 0x1b),
        (1029, 0x19),
        (1030, 0x1a),
        (1031, 0x1c),
        (1032, 0x1d),
    ];
    one(value & 0xffff_ffff, PAIRS, 0)
}

/// `AT_SYMLINK_NOFOLLOW` and `AT_EMPTY_PATH` of fchownat(2).
pub(crate) fn fchownat(value: u64) -> u64 {
    bits(value, &[(0x100, 0x400), (0x1000, 0x1000)])
}

/// Flags of `delete_module(2)`.
pub(crate) fn delete_module(value: u64) -> u64 {
    bits(value, &[(0o4000, 2), (0o1000, 1)])
}

/// Flags of `io_uring_setup(2)`.
pub(crate) fn io_uring(value: u64) -> u64 {
    bits(value, &[(1, 1), (2, 2), (4, 8), (8, 0x10), (0x10, 0x20), (0x20, 0x40), (0x40, 0x80)])
}

/// Flags of mmap(2).
pub(crate) fn mmap(value: u64) -> u64 {
    const PAIRS: &[(u64, u64)] = &[
        (1, 1),
        (2, 2),
        (0x10, 4),
        (0x20, 8),
        (0x40, 0x10),
        (0x4000, 0x40),
        (0x8000, 0x80),
        (0x10000, 0x100),
        (0x100, 0x200),
        (0x800, 0x400),
        (0x1000, 0x800),
        (0x2000, 0x4000),
    ];
    bits(value, PAIRS)
}

/// Protection of memory.
pub(crate) fn protection(value: u64) -> u64 {
    bits(value, &[(1, 1), (2, 2), (4, 4), (8, 8), (0x0100_0000, 0x10), (0x0200_0000, 0x20)])
}

/// Commands of quotactl(2), which are above their type.
pub(crate) fn quota_command(value: u64) -> u64 {
    const PAIRS: &[(u64, u64)] = &[
        (0x80_0002, 0x1),
        (0x80_0003, 0x2),
        (0x80_0004, 0x4),
        (0x80_0005, 0x8),
        (0x80_0006, 0x10),
        (0x80_0007, 0x20),
        (0x80_0008, 0x40),
        (0x80_0001, 0x80),
        (0x5801, 0x100),
        (0x5802, 0x200),
        (0x5803, 0x400),
        (0x5804, 0x800),
        (0x5805, 0x1000),
        (0x5806, 0x2000),
        (0x5807, 0x4000),
    ];
    one((value & 0xffff_ffff) >> 8, PAIRS, 0)
}

/// Types of quotas: below the command.
pub(crate) fn quota_type(value: u64) -> u64 {
    one(value & 0xff, &[(0, 1), (1, 2)], 0)
}

/// A device, 12 bits of major and 20 of minor number, as the kernel shows it to programs.
pub(crate) fn device(value: u32) -> u32 {
    let (major, minor) = (value >> 20, value & 0xf_ffff);
    (minor & 0xff) | major << 8 | (minor & !0xff) << 12
}

/// Bits that recorders add to the flags of an open.
pub(crate) mod opened {
    pub(crate) const CREATED: u64 = 1 << 14;
    pub(crate) const UPPER: u64 = 1 << 15;
    pub(crate) const LOWER: u64 = 1 << 16;
}

/// Bits of `execve`'s flags.
pub(crate) mod executed {
    pub(crate) const WRITABLE: u64 = 1;
    pub(crate) const UPPER: u64 = 2;
    pub(crate) const MEMFD: u64 = 4;
    pub(crate) const LOWER: u64 = 8;
}
