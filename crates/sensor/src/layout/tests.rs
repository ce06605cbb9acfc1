//! Both sides agree: structs by the types in the compiled object, numbers by the header it was compiled from.

use super::*;
use std::collections::BTreeMap;

static OBJECT: &[u8] = include_bytes!("../../bpf/sensor.bpf.o");
static DENY: &[u8] = include_bytes!("../../bpf/deny.bpf.o");
static HEADER: &str = include_str!("../../bpf/record.h");

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// The section with this name of an ELF file of 64 bits (elf(5)).
fn section<'a>(file: &'a [u8], name: &str) -> &'a [u8] {
    let table = u64_at(file, 0x28);
    let count = usize::from(u16::from_le_bytes(file[0x3c..0x3e].try_into().unwrap()));
    let names = usize::from(u16::from_le_bytes(file[0x3e..0x40].try_into().unwrap()));
    let place = |at: usize| (u64_at(file, table + at * 64 + 24), u64_at(file, table + at * 64 + 32));
    let texts = place(names).0;
    let found = (0..count).find(|at| {
        let start = texts + u32_at(file, table + at * 64);
        file[start..].split(|byte| *byte == 0).next() == Some(name.as_bytes())
    });
    let (start, len) = place(found.unwrap());
    &file[start..start + len]
}

/// Size in bytes, and members with their offsets in bytes.
type Shape<'a> = (usize, Vec<(&'a str, usize)>);

/// The shape of every struct in a description of types
/// (<https://docs.kernel.org/bpf/btf.html>).
fn structs(btf: &[u8]) -> BTreeMap<&str, Shape<'_>> {
    let head = u32_at(btf, 4);
    let (types, types_len, texts) = (head + u32_at(btf, 8), u32_at(btf, 12), head + u32_at(btf, 16));
    let text = |at: usize| {
        let text = btf[texts + at..].split(|byte| *byte == 0).next().unwrap();
        str::from_utf8(text).unwrap()
    };
    let mut found = BTreeMap::new();
    let mut at = types;
    while at < types + types_len {
        let (name, info, size) = (text(u32_at(btf, at)), u32_at(btf, at + 4), u32_at(btf, at + 8));
        let (kind, count) = (info >> 24 & 0x1f, info & 0xffff);
        at += 12;
        if kind == 4 {
            let member = |nth: usize| (text(u32_at(btf, at + nth * 12)), u32_at(btf, at + nth * 12 + 8) / 8);
            found.insert(name, (size, (0..count).map(member).collect()));
        }
        at += match kind {
            1 | 14 | 17 => 4,
            3 => 12,
            4 | 5 | 15 | 19 => 12 * count,
            6 | 13 => 8 * count,
            _ => 0,
        };
    }
    found
}

#[test]
fn structs_are_laid_out_as_in_the_object() {
    let mut known = structs(section(OBJECT, ".BTF"));
    known.extend(structs(section(DENY, ".BTF")));
    for (name, size, members) in MIRRORS {
        let (c_size, c_members) = known.get(name).unwrap_or_else(|| panic!("{name} is not in the object"));
        let ours: Vec<_> = members.iter().map(|(name, at)| (name.trim_end_matches('_'), *at)).collect();
        assert_eq!((c_size, c_members), (size, &ours), "{name}");
    }
    assert_eq!(known["sk_prefix"].0, 4 + PREFIX);
    assert_eq!(known["sk_network"].0, 20);
    assert_eq!(known["sk_deny_target"].0, 4 + size_of::<crate::deny::Bits>());
}

#[test]
fn structs_have_no_holes_and_are_read_as_they_were_written() {
    let header = Header { len: 1, kind: 2, flags: 3, time: 4, cgroup: 5, tid: 6, pid: 7, lost: 8, cpu: 9 };
    assert_eq!(header.bytes().len(), size_of::<Header>());
    assert_eq!(Header::read(&header.bytes()), Some((header, &[][..])));
    assert_eq!(Header::read(&header.bytes()[1..]), None);
    let sizes = [
        (Call::default().bytes().len(), size_of::<Call>()),
        (Task::default().bytes().len(), size_of::<Task>()),
        (Exit::default().bytes().len(), size_of::<Exit>()),
        (Cgroup::default().bytes().len(), size_of::<Cgroup>()),
        (FileFacts::default().bytes().len(), size_of::<FileFacts>()),
        (Socket::default().bytes().len(), size_of::<Socket>()),
        (Plan::default().bytes().len(), size_of::<Plan>()),
        (Settings::default().bytes().len(), size_of::<Settings>()),
        (Count::default().bytes().len(), size_of::<Count>()),
        (DenySettings::default().bytes().len(), size_of::<DenySettings>()),
        (Denied::default().bytes().len(), size_of::<Denied>()),
    ];
    assert!(sizes.iter().all(|(written, size)| written == size), "{sizes:?}");
}

#[test]
fn numbers_are_those_of_the_header() {
    let defined = |name: &str| {
        let line = HEADER.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name)?.strip_prefix(' '));
        let text = line.unwrap_or_else(|| panic!("{name}")).split("/*").next().unwrap().trim();
        let text = text.trim_matches(['(', ')']).replace("SK_CALLS", "512");
        let number = |text: &str| match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
            None => text.parse().unwrap(),
        };
        text.split('+').map(|part| number(part.trim())).sum::<u32>()
    };
    let ours = [
        ("SK_CALLS", CALLS.into()),
        ("SK_KIND_EXEC", KIND_EXEC.into()),
        ("SK_KIND_FORK", KIND_FORK.into()),
        ("SK_KIND_EXIT", KIND_EXIT.into()),
        ("SK_KIND_CGROUP", KIND_CGROUP.into()),
        ("SK_KINDS", KINDS.into()),
        ("SK_I386", flag::I386.into()),
        ("SK_X32", flag::X32.into()),
        ("SK_UNREADABLE", flag::UNREADABLE.into()),
        ("SK_OVERFULL", flag::OVERFULL.into()),
        ("SK_CUT", CUT.into()),
        ("SK_TAG_PATH", tag::PATH.into()),
        ("SK_TAG_FILE", tag::FILE.into()),
        ("SK_TAG_SOCKET", tag::SOCKET.into()),
        ("SK_TAG_LOCAL", tag::LOCAL.into()),
        ("SK_TAG_REMOTE", tag::REMOTE.into()),
        ("SK_TAG_ADDRESS", tag::ADDRESS.into()),
        ("SK_TAG_DATA", tag::DATA.into()),
        ("SK_TAG_STRUCT", tag::STRUCT.into()),
        ("SK_TAG_ARGS", tag::ARGS.into()),
        ("SK_TAG_ENV", tag::ENV.into()),
        ("SK_TAG_CWD", tag::CWD.into()),
        ("SK_TAG_EXE", tag::EXE.into()),
        ("SK_TAG_FILENAME", tag::FILENAME.into()),
        ("SK_TAG_CGROUP", tag::CGROUP.into()),
        ("SK_TAG_OTHER", tag::OTHER.into()),
        ("SK_TAGS", tag::COUNT as u32),
        ("SK_FILE_UPPER", file_flag::UPPER),
        ("SK_FILE_LOWER", file_flag::LOWER),
        ("SK_FILE_CREATED", file_flag::CREATED),
        ("SK_FILE_DETACHED", file_flag::DETACHED),
        ("SK_RESULT", RESULT.into()),
        ("SK_OP_ON", op::ON),
        ("SK_OP_PRIORITY", op::PRIORITY),
        ("SK_OP_FILE", op::FILE),
        ("SK_OP_SOCKET", op::SOCKET),
        ("SK_OP_ADDRESS", op::ADDRESS),
        ("SK_OP_ADDRESS_IN", op::ADDRESS_IN),
        ("SK_OP_DATA", op::DATA),
        ("SK_OP_MESSAGE", op::MESSAGE),
        ("SK_OP_VECTOR", op::VECTOR),
        ("SK_OP_STRUCT", op::STRUCT),
        ("SK_OP_OPEN", op::OPEN),
        ("SK_OP_CONNECT", op::CONNECT),
        ("SK_OP_NOT_FAILED", op::NOT_FAILED),
        ("SK_OP_NOT_DONE", op::NOT_DONE),
        ("SK_OP_NOT_CHILD", op::NOT_CHILD),
        ("SK_SET_PATHS", set::PATHS),
        ("SK_SET_NETWORKS", set::NETWORKS),
        ("SK_SET_CGROUPS", set::CGROUPS),
        ("SK_KEEP_READ", keep::READ),
        ("SK_KEEP_WRITE", keep::WRITE),
        ("SK_KEEP_FAILED", keep::FAILED),
        ("SK_CGROUP_UNIFIED", hierarchy::UNIFIED),
        ("SK_CGROUP_PIDS", hierarchy::PIDS),
        ("SK_CGROUP_MEMORY", hierarchy::MEMORY),
        ("SK_CGROUP_CPUSET", hierarchy::CPUSET),
        ("SK_TEXT", TEXT),
        ("SK_PREFIX", PREFIX as u32),
    ];
    for (name, value) in ours {
        assert_eq!(defined(name), value, "{name}");
    }
}

/// Whoever changes a source has to compile it: `cargo xtask bpf --write`.
#[test]
fn the_objects_are_of_these_sources() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf"));
    let said: BTreeMap<&str, &str> =
        include_str!("../../bpf/MADE").lines().filter_map(|line| line.split_once(": ")).collect();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if [".c", ".h", ".o"].iter().any(|end| name.ends_with(end)) {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            let hash: Vec<_> = sekisho_base::hash::sha256(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(said.get(name.as_str()), Some(&hash.concat().as_str()), "{name}");
            files += 1;
        }
    }
    assert_eq!(files + 2, said.len(), "and of all of them");
}
