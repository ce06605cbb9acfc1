//! Real executables as goldens, and executables made here byte by byte to be hostile.

use super::*;
use crate::testing;
use buildinfo::{SEARCH_BYTES, TEXT_BYTES};
use sekisho_base::{Limits, ReadAt};
use sekisho_model::Level;
use std::cell::Cell;
use std::path::Path;

const FIXTURES: &str = "src/analyzers/golang/fixtures";
const MODINFO: &str =
    "path\texample.org/app/cmd\nmod\texample.org/app\t(devel)\t\ndep\texample.org/lib\tv1.2.3\th1:x=\n";

#[test]
fn goldens() {
    testing::goldens(&ANALYZER, FIXTURES);
}

/// The random damage of [`testing::goldens`] mostly meets the zeros of these files.
#[test]
fn damage_to_any_byte_of_a_header_or_record_is_survived() {
    for case in ["elf32-big-endian", "macho-universal", "no-section-headers", "pe32", "replaced"] {
        for (path, mut bytes) in testing::files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURES).join(case)) {
            let whole = testing::run(&ANALYZER, &path, &bytes).packages.len();
            assert!(whole > 2, "{case}");
            let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            for at in places {
                let byte = std::mem::replace(&mut bytes[at], 0xff);
                let extract = testing::run(&ANALYZER, &path, &bytes);
                bytes[at] = byte;
                assert!(extract.packages.len() <= whole + 1, "{case}: byte {at}");
                assert!(extract.diagnostics.len() <= 2, "{case}: byte {at}");
            }
        }
    }
}

/// A record as linkers write it since Go 1.18.
fn inline(version: &str, modinfo: &str) -> Vec<u8> {
    let mut record = b"\xff Go buildinf:\x08\x02".to_vec();
    record.resize(32, 0);
    let marked = if modinfo.is_empty() { String::new() } else { format!("{0}{modinfo}{0}", "0123456789abcdef") };
    for string in [version, &marked] {
        let mut len = string.len();
        while len >= 0x80 {
            record.push(len as u8 | 0x80);
            len >>= 7;
        }
        record.push(len as u8);
        record.extend(string.as_bytes());
    }
    record
}

/// A program header: type `PT_LOAD`, readable and writable.
fn load(offset: u64, address: u64, len: u64) -> [u64; 7] {
    [1 | 6 << 32, offset, address, address, len, len, 16]
}

/// A little-endian ELF file of 64 bits with these program headers, and `data` behind them at a multiple
/// of 16.
fn elf_with(programs: &[[u64; 7]], data: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    file[32] = 64;
    file[54] = 56;
    file[56..58].copy_from_slice(&(programs.len() as u16).to_le_bytes());
    file.extend(programs.iter().flatten().flat_map(|word| word.to_le_bytes()));
    file.resize(data_offset(programs.len()) as usize, 0);
    file.extend(data);
    file
}

fn data_offset(programs: usize) -> u64 {
    (64 + 56 * programs as u64).next_multiple_of(16)
}

/// The same with one segment, mapped at `0x40_0000`, that holds `data`.
fn elf(data: &[u8]) -> Vec<u8> {
    elf_with(&[load(data_offset(1), 0x40_0000, data.len() as u64)], data)
}

/// A universal file of these.
fn universal(files: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"\xca\xfe\xba\xbe".to_vec();
    out.extend((files.len() as u32).to_be_bytes());
    let mut at = 8 + 20 * files.len() as u32;
    for file in files {
        out.extend([7, 3, at, file.len() as u32, 4].iter().flat_map(|number: &u32| number.to_be_bytes()));
        at += file.len() as u32;
    }
    out.extend(files.iter().flatten());
    out
}

/// What is found in `bytes`: packages as `name version`, then codes of diagnostics.
fn found(bytes: &[u8]) -> String {
    summary(&testing::run(&ANALYZER, "usr/bin/app", bytes))
}

fn summary(extract: &Extract) -> String {
    let packages = extract.packages.iter().map(|package| format!("{} {}", package.name, package.version));
    let diagnostics =
        extract.diagnostics.iter().map(|diagnostic| format!("{:?} {}", diagnostic.level, diagnostic.code));
    packages.chain(diagnostics).collect::<Vec<_>>().join(", ")
}

const WHOLE: &str = "example.org/app , example.org/lib v1.2.3, stdlib 1.22.3";
const MALFORMED: &str = "Incomplete file.malformed";

#[test]
fn what_is_no_go_executable_says_nothing() {
    let itself = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(itself.starts_with(b"\x7fELF"));
    assert_eq!(found(&itself), "");
    let class = [b"\xca\xfe\xba\xbe\x00\x00\x00\x34".as_slice(), &[7; 4096]].concat();
    assert_eq!(found(&class), "");
    for head in ["", "\x7f", "\x7fELF", "MZ", "\u{7f}ELF\u{2}\u{1}", "#!/bin/sh\n"] {
        assert_eq!(found(head.as_bytes()), "", "{head:?}");
    }
    let mut dos = vec![0; 256];
    dos[..2].copy_from_slice(b"MZ");
    assert_eq!(found(&dos), "");
    assert_eq!(found(&elf(&[0; 4096])), "");
}

#[test]
fn the_header_is_found_wherever_writable_data_holds_it() {
    let record = inline("go1.22.3", MODINFO);
    assert_eq!(found(&elf(&record)), WHOLE);
    // Across and beyond the bounds of the pieces that are searched, and after a false, unaligned one.
    for skip in [16, 4080, 4096, 4112, (1 << 20) + 4080, (1 << 20) + 4096, 3 << 20] {
        let mut data = vec![0; skip];
        data[3..13].copy_from_slice(b"\xff Go build");
        data.extend(&record);
        assert_eq!(found(&elf(&data)), WHOLE, "{skip}");
    }
    let unaligned = [b"\xff Go buildinf:\x08\x02".as_slice(); 2].concat();
    let data = [&[0; 8], unaligned.as_slice(), &[0; 24], &record].concat();
    assert_eq!(found(&elf(&data)), WHOLE);
    // It is the address that is aligned, not the place in the file.
    let data = [&[0; 9], record.as_slice()].concat();
    let shifted = elf_with(&[load(data_offset(1), 0x40_0007, data.len() as u64)], &data);
    assert_eq!(found(&shifted), WHOLE);
    // In the second writable segment, after one that leads out of the file.
    let programs = [load(u64::MAX, 0, u64::MAX), load(data_offset(2), 0x40_0000, record.len() as u64)];
    assert_eq!(found(&elf_with(&programs, &record)), WHOLE);
    // Not in a segment that is only readable.
    let mut constant = elf(&record);
    constant[68] = 4;
    assert_eq!(found(&constant), "");
}

#[test]
fn a_section_of_the_right_name_with_nothing_in_it_hides_nothing() {
    let mut data = inline("go1.22.3", MODINFO);
    let len = data.len().next_multiple_of(16) + 64;
    data.resize(len, 0);
    let mut file = elf(&data);
    let names = file.len() as u64;
    file.extend(b"\0.go.buildinfo\0\0");
    let sections = file.len() as u64;
    // sh_name and sh_type, sh_flags, sh_addr, sh_offset, sh_size, ...
    let headers = [[1 | 3 << 32, 0, 0, names, 16, 0, 0, 0], [1, 3, 0x40_0000 + len as u64 - 64, 0, 64, 0, 0, 0]];
    file.extend(headers.iter().flatten().flat_map(|word: &u64| word.to_le_bytes()));
    file[40..48].copy_from_slice(&sections.to_le_bytes());
    file[58] = 64;
    file[60] = 2;
    assert_eq!(found(&file), WHOLE);
}

#[test]
fn a_main_module_without_a_version_takes_the_one_that_was_stamped_in() {
    let main = |modinfo: &str, behind: &[u8]| {
        let record = [inline("go1.22.3", modinfo).as_slice(), b"\0", behind].concat();
        found(&elf(&record)).split(", ").next().unwrap().to_owned()
    };
    let values = b"\0go1.22.3\0\0\0\x001.2.3\0";
    let flags = "mod\texample.org/app\t(devel)\t\nbuild\t-ldflags=\"-X main.version=4.5.6\"\n";
    assert_eq!(main(flags, values), "example.org/app v4.5.6");
    assert_eq!(
        main("mod\texample.org/app\tv0.1.0\t\nbuild\t-ldflags=\"-X main.version=4.5.6\"\n", values),
        "example.org/app v0.1.0"
    );
    assert_eq!(main(MODINFO, values), "example.org/app ", "another program may have other values there");
    assert_eq!(main("mod\thelm.sh/helm/v3\t(devel)\t\n", values), "helm.sh/helm/v3 v1.2.3");
    assert_eq!(
        main("path\tgithub.com/containerd/containerd/cmd/ctr\n", values),
        "github.com/containerd/containerd v1.2.3"
    );
    assert_eq!(main("path\tgithub.com/containerd/containerd/cmd/ctr\n", b""), "github.com/containerd/containerd ");
    assert_eq!(main("path\texample.org/app/cmd/app\n", values), "stdlib 1.22.3", "its module is not known");
    // As etcd is built: parts of one repository, replaced by directories.
    let etcd =
        "mod\tgo.etcd.io/etcd/server/v3\t(devel)\t\ndep\tgo.etcd.io/etcd/api/v3\tv3.5.1\n=>\t../api\t(devel)\t\n";
    assert_eq!(main(etcd, values), "go.etcd.io/etcd/server/v3 v3.5.1");
}

#[test]
fn a_damaged_record_is_said_to_be_incomplete() {
    let record = inline("go1.22.3", MODINFO);
    // Cut at every byte behind the magic: never silence, never a part.
    for len in 14..record.len() {
        assert_eq!(found(&elf(&record[..len])), MALFORMED, "{len}");
    }
    let with = |tail: &[u8]| found(&elf(&[&record[..32], tail].concat()));
    assert_eq!(with(&[0xff; 20]), MALFORMED, "a varint without end");
    assert_eq!(with(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fgo1"), MALFORMED, "a varint of 70 bits");
    assert_eq!(with(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01go1"), MALFORMED, "a string of 2^64 - 1 bytes");
    assert_eq!(with(b"\x00\x00"), MALFORMED, "no version");
    assert_eq!(with(b"\x05go1.9\x03abc"), MALFORMED, "no marks");
    assert_eq!(with(b"\x05go1.9\x00"), "stdlib 1.9");
    let long = format!("{MODINFO}{}\n", "x".repeat(TEXT_BYTES as usize));
    assert_eq!(found(&elf(&inline("go1.22.3", &long))), "Incomplete limit.exceeded");
}

/// A record as linkers wrote it before Go 1.18, at `address`, with its strings behind it.
fn pointers(address: u32, big: bool) -> Vec<u8> {
    let marked = format!("{0}{MODINFO}{0}", "0123456789abcdef");
    let (version, modinfo) = (address + 48, address + 48 + 8);
    let numbers = [address + 32, address + 40, 0, 0, version, 8, modinfo, marked.len() as u32];
    let mut record = b"\xff Go buildinf:\x04".to_vec();
    record.push(u8::from(big));
    record.extend(numbers.iter().flat_map(|number| if big { number.to_be_bytes() } else { number.to_le_bytes() }));
    record.extend(b"go1.17.1");
    record.extend(marked.as_bytes());
    record
}

#[test]
fn pointers_are_followed_within_the_file_only() {
    let whole = "example.org/app , example.org/lib v1.2.3, stdlib 1.17.1";
    for big in [false, true] {
        assert_eq!(found(&elf(&pointers(0x40_0000, big))), whole);
    }
    let record = pointers(0x40_0000, false);
    for len in [32, 39, 47, 48, 55, record.len() - 1] {
        assert_eq!(found(&elf(&record[..len])), MALFORMED, "{len}");
    }
    // Pointer size; addresses of the headers; address and length of the first string.
    for at in [14, 19, 23, 35, 39] {
        let mut record = record.clone();
        record[at] = 0x7f;
        assert_eq!(found(&elf(&record)), MALFORMED, "{at}");
    }
    let mut without_modules = record.clone();
    without_modules[44..48].fill(0);
    assert_eq!(found(&elf(&without_modules)), "stdlib 1.17.1");
    // As in position-independent programs of an external linker: the loader would fill them in.
    let mut relocated = record;
    relocated[16..24].fill(0);
    assert_eq!(found(&elf(&relocated)), MALFORMED);
}

#[test]
fn all_programs_of_a_universal_file_count_and_shared_modules_once() {
    let other = MODINFO.replace("/lib\tv1.2.3", "/other\tv2.0.0");
    let [first, second] = [MODINFO, &other].map(|modinfo| elf(&inline("go1.22.3", modinfo)));
    let both = universal(&[first.clone(), second]);
    assert_eq!(found(&both), format!("{WHOLE}, example.org/other v2.0.0"));
    let damaged = elf(&inline("go1.22.3", MODINFO)[..40]);
    assert_eq!(found(&universal(&[damaged.clone(), first, damaged])), format!("{WHOLE}, {MALFORMED}"));
    // Thousands of architectures, and ones that lie outside the file or in themselves.
    assert_eq!(found(&[b"\xca\xfe\xba\xbe\x00\x00\xff\xff".as_slice(), &[0; 4096]].concat()), "");
    assert_eq!(found(&[b"\xca\xfe\xba\xbf\x00\x00\x00\x2c".as_slice(), &[0xff; 4096]].concat()), "");
    let mut nested = universal(&[vec![0; 64]]);
    nested[16..20].fill(0);
    assert_eq!(found(&nested), "");
}

#[test]
fn headers_that_lead_out_of_the_file_are_survived() {
    let record = inline("go1.22.3", MODINFO);
    let whole = elf(&record);
    // e_phoff, e_shoff, e_phnum, e_shnum and e_shstrndx.
    for (at, len) in [(32, 8), (40, 8), (56, 2), (60, 2), (62, 2)] {
        for byte in [0xff, 0x7f, 0x01] {
            let mut file = whole.clone();
            file[at..at + len].fill(byte);
            let expected = if at == 32 { "" } else { WHOLE };
            assert_eq!(found(&file), expected, "{at} {byte}");
        }
    }
    // 65,535 program headers, all of the same bytes or of none.
    let programs = vec![load(data_offset(65_535), 0x40_0000, record.len() as u64); 65_535];
    assert_eq!(found(&elf_with(&programs, &record)), WHOLE);
    assert_eq!(found(&elf_with(&programs, &[])), "");
    assert_eq!(found(&elf_with(&vec![load(0, u64::MAX, u64::MAX); 65_535], &[0; 100])), "Incomplete limit.exceeded");
    // A Mach-O file whose commands have no length.
    let mut macho = b"\xcf\xfa\xed\xfe".to_vec();
    macho.resize(4096, 0);
    macho[16..24].fill(0xff);
    assert_eq!(found(&macho), "");
}

/// `head`, then zeros: 2 GiB that take no memory.
struct Sparse {
    head: Vec<u8>,
    read: Cell<u64>,
}

impl ReadAt for Sparse {
    fn size(&self) -> u64 {
        2 << 30
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.read.set(self.read.get() + buf.len() as u64);
        assert!(buf.len() <= 6 << 20, "{} bytes at once", buf.len());
        buf.fill(0);
        let head = self.head.get(offset as usize..).unwrap_or_default();
        let len = head.len().min(buf.len());
        buf[..len].copy_from_slice(&head[..len]);
        Ok(buf.len())
    }
}

#[test]
fn the_search_of_one_file_is_bounded_whatever_its_headers_say() {
    let mut tables = elf_with(&[load(0, 0, u64::MAX)], &[]);
    tables[40] = 64;
    tables[56..64].fill(0xff);
    let program = elf_with(&[load(0, 0, u64::MAX)], &[]);
    let mut many = universal(&vec![program.clone(); 44]);
    for architecture in many[8..8 + 44 * 20].chunks_exact_mut(20) {
        architecture[12..16].copy_from_slice(&(2_u32 << 30).to_be_bytes());
    }
    for head in [program, tables, many] {
        let data = Sparse { head, read: Cell::new(0) };
        let extract = run(&File { path: "huge", data: &data, limits: &Limits::default() });
        assert_eq!(summary(&extract), "Incomplete limit.exceeded");
        assert!(data.read.get() <= SEARCH_BYTES + (16 << 20), "{} bytes", data.read.get());
    }
}

#[test]
fn records_are_limited() {
    let limits = Limits { records: 2, ..Limits::default() };
    let bytes = elf(&inline("go1.22.3", MODINFO));
    let extract = run(&File { path: "app", data: &bytes.as_slice(), limits: &limits });
    assert_eq!(summary(&extract), "example.org/app , example.org/lib v1.2.3, Incomplete limit.exceeded");
}

#[test]
fn a_failed_read_is_said_to_be_incomplete() {
    struct Broken(u64);
    impl ReadAt for Broken {
        fn size(&self) -> u64 {
            1 << 20
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            if offset >= self.0 {
                return Err(io::Error::other("the disk is gone"));
            }
            let head = elf_with(&[load(0x1000, 0x40_0000, 0x1000)], &[]);
            head.as_slice().read_at(offset, buf)
        }
    }
    for broken_from in [0, 64, 0x1000] {
        let extract = run(&File { path: "app", data: &Broken(broken_from), limits: &Limits::default() });
        assert_eq!(summary(&extract), "Incomplete file.unreadable", "{broken_from}");
    }
}

#[test]
fn modules_follow_their_replacements() {
    let info = ModInfo::parse(
        "mod\ta\tv1.0.0\n=>\t../a\t\n\
         dep\tb\tv1.0.0\th1:b=\n=>\tc\tv2.0.0\th1:c=\n\
         dep\td\tv0.0.0\n=>\t./d\t(devel)\t\n\
         dep\te\n=>\tf\tv1.0.0\n=>\nbuild\t-ldflags=\"-X a=b\"\nbuild\tvcs.time=\nnoise\n",
    );
    let all: Vec<_> = info.main.iter().chain(&info.deps).map(facts).collect();
    let text: Vec<_> = all.iter().map(|facts| format!("{} {} {:?}", facts.name, facts.version, facts.extra)).collect();
    assert_eq!(
        text,
        [
            r#"a v1.0.0 [("replaced_by", "../a")]"#,
            r#"c v2.0.0 [("replaces", "b@v1.0.0"), ("sum", "h1:c=")]"#,
            r#"d v0.0.0 [("replaced_by", "./d")]"#,
        ]
    );
    assert_eq!(info.unknown, 2);
    assert_eq!(info.setting("-ldflags"), Some("\"-X a=b\""));
    assert_eq!(info.setting("vcs.time"), None);
    assert_eq!(found(&elf(&inline("go1.22.3", "dep\te\n=>\n"))), format!("stdlib 1.22.3, {MALFORMED}"));
}

#[test]
fn the_standard_library_has_the_release_of_the_toolchain() {
    for (toolchain, expected) in [
        ("go1.22.3", "1.22.3"),
        ("go1.19.8 X:boringcrypto", "1.19.8"),
        ("devel go1.24-b1c2d3e4 Tue Dec 3 01:02:03 2024 +0000", "1.24-b1c2d3e4"),
        ("go1.21rc2", "1.21rc2"),
        ("devel +b1c2d3e4 Tue Dec 3 01:02:03 2013 +0000", ""),
        ("gopher", ""),
    ] {
        assert_eq!(release(toolchain), expected, "{toolchain}");
    }
}

#[test]
fn an_executable_that_was_cut_may_have_been_one_of_go() {
    let mut whole = elf(&[0; 64]);
    whole.extend([0; 64]);
    // One section header, of 64 bytes, at the end.
    let at = (whole.len() - 64) as u64;
    whole[40..48].copy_from_slice(&at.to_le_bytes());
    whole[58..62].copy_from_slice(&[64, 0, 1, 0]);
    let run = |bytes: &[u8]| testing::run(&ANALYZER, "usr/bin/tool", bytes);
    assert_eq!(run(&whole), Extract::default());
    let cut = run(&whole[..whole.len() - 1]);
    assert_eq!((cut.packages.len(), cut.diagnostics.len(), cut.diagnostics[0].level), (0, 1, Level::Incomplete));
}
