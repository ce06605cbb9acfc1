//! Real databases against their goldens and an independent reader's list, one content in all forms, and
//! databases that no rpm would write.

use super::header::Header;
use super::record::RpmHeader;
use super::{ANALYZER, blobs, record};
use crate::analyzer::{Extract, File};
use crate::testing;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Level};
use serde_json::Value;
use std::cell::Cell;
use std::io;
use std::path::Path;

const FIXTURES: &str = "src/analyzers/rpm/fixtures";
const PATH: &str = "var/lib/rpm/Packages";

#[test]
fn goldens() {
    testing::goldens(&ANALYZER, FIXTURES);
}

#[test]
fn the_same_packages_are_read_from_every_form() {
    let made = testing::files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURES).join("made"));
    let sorted = |bytes: &[u8]| {
        let mut extract = testing::run(&ANALYZER, PATH, bytes);
        extract.packages.sort_by(|a, b| a.name.cmp(&b.name));
        extract.owned.sort_by(|a, b| a.name.cmp(&b.name));
        extract
    };
    let (_, rpmdb) = made.iter().find(|(name, _)| name == "var/lib/rpm/rpmdb.sqlite").unwrap();
    let expected = sorted(rpmdb);
    assert_eq!((expected.packages.len(), expected.owned.len(), expected.diagnostics.len()), (14, 13, 0));
    for (name, bytes) in &made {
        assert!(sorted(bytes) == expected, "{name}");
        testing::damaged(&ANALYZER, PATH, bytes);
    }
    let file = File { path: PATH, data: &rpmdb.as_slice(), limits: &Limits::default() };
    let headers: Vec<_> = blobs(&file, &rpmdb[..16]).unwrap().map(Result::unwrap).collect();
    assert!(sorted(&ndb(&headers)) == expected, "NDB");
}

/// Bytes that do not lie in memory, and the largest piece that was asked for.
struct Pieces<'a> {
    bytes: &'a [u8],
    largest: Cell<usize>,
}

impl ReadAt for Pieces<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.largest.set(self.largest.get().max(buf.len()));
        self.bytes.read_at(offset, buf)
    }
}

#[test]
fn files_are_read_in_pieces() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURES);
    for case in ["made", "rhel-8-libuuid", "sle-15-bci"] {
        for (name, bytes) in testing::files_of(&root.join(case)) {
            let pieces = Pieces { bytes: &bytes, largest: Cell::new(0) };
            let file = File { path: PATH, data: &pieces, limits: &Limits::default() };
            let extract = (ANALYZER.run)(&file);
            assert!(extract == testing::run(&ANALYZER, PATH, &bytes) && !extract.packages.is_empty(), "{name}");
            // The largest is a page of SQLite or BerkeleyDB, or a blob of NDB.
            assert!(pieces.largest.get() * 4 < bytes.len(), "{name}: {} at once", pieces.largest.get());
        }
    }
}

#[test]
fn every_field_of_the_corpus_is_read() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/packagedb"));
    if !corpus.is_dir() {
        println!("SKIP: there is no {}", corpus.display());
        return;
    }
    for database in
        ["rpm-sqlite-cbl-mariner-2.0/rpmdb.sqlite", "rpm-bdb-libuuid/Packages", "rpm-ndb-sle15-bci/Packages.db"]
    {
        let path = corpus.join(database);
        let bytes = std::fs::read(&path).unwrap();
        let expected: Value =
            serde_json::from_slice(&std::fs::read(path.with_file_name("expected.json")).unwrap()).unwrap();
        conforms(&bytes, &expected);
        testing::damaged(&ANALYZER, "any/name", &bytes);
    }
}

fn conforms(bytes: &[u8], expected: &Value) {
    let file = File { path: "any/name", data: &bytes, limits: &Limits::default() };
    let mut unlimited = usize::MAX;
    let mut found: Vec<(Value, Vec<String>)> = blobs(&file, &bytes[..16])
        .unwrap()
        .map(|blob| {
            let blob = blob.unwrap();
            let header = Header::parse(&blob).unwrap();
            let package = RpmHeader::read(&header).unwrap();
            assert!(!package.is_key());
            let paths = record::paths(&header, &mut unlimited).unwrap().unwrap();
            let mut package = serde_json::to_value(package).unwrap();
            package["file_count"] = paths.len().into();
            (package, paths)
        })
        .collect();
    let mut wanted = expected["packages"].as_array().unwrap().clone();
    let key = |package: &Value| format!("{}-{}", package["name"], package["version"]);
    found.sort_by_key(|(package, _)| key(package));
    wanted.sort_by_key(key);
    assert_eq!(found.len(), wanted.len());
    for ((found, _), wanted) in found.iter().zip(&wanted) {
        for (field, value) in wanted.as_object().unwrap() {
            assert_eq!(&found[field], value, "{}: {field}", wanted["name"]);
        }
    }
    let checked = &expected["checked_against_project_table"];
    if let Some(files) = checked["installed_files"].as_array() {
        let (_, paths) = found.iter().find(|(package, _)| package["name"] == checked["name"]).unwrap();
        let paths: Vec<String> = paths.iter().map(|path| format!("/{path}")).collect();
        assert_eq!(files, &paths);
    }

    let extract = testing::run(&ANALYZER, "any/name", bytes);
    assert_eq!((extract.packages.len(), extract.diagnostics.len()), (wanted.len(), 0));
    let lists = found.iter().filter(|(_, paths)| !paths.is_empty()).count();
    assert_eq!(extract.owned.len(), lists);
}

#[test]
fn a_log_beside_the_database_makes_the_result_incomplete() {
    let wal = |bytes: &[u8]| testing::run(&ANALYZER, "var/lib/rpm/rpmdb.sqlite-wal", bytes);
    let mut log = vec![0; 33];
    for magic in [0x377f_0682_u32, 0x377f_0683] {
        log[..4].copy_from_slice(&magic.to_be_bytes());
        incomplete(&wal(&log), Code::FileUnreadable, 0);
        assert!(wal(&log[..32]).is_empty());
    }
    assert!(wal(&[]).is_empty());
    assert!(wal(&[7; 100]).is_empty());
    let journal = |bytes: &[u8]| testing::run(&ANALYZER, "var/lib/rpm/rpmdb.sqlite-journal", bytes);
    incomplete(&journal(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"), Code::FileUnreadable, 0);
    assert!(journal(&[]).is_empty());
    assert!(journal(&[0; 100]).is_empty(), "spent");
    incomplete(&testing::run(&ANALYZER, PATH, &[]), Code::FileMalformed, 0);
    incomplete(&testing::run(&ANALYZER, PATH, b"no database at all"), Code::FileMalformed, 0);
}

/// Asserts that there is one diagnostic, which makes the result incomplete, and `packages` packages.
#[track_caller]
fn incomplete(extract: &Extract, code: Code, packages: usize) {
    let [diagnostic] = extract.diagnostics.as_slice() else { panic!("{:?}", extract.diagnostics) };
    assert_eq!((diagnostic.level, diagnostic.code), (Level::Incomplete, code), "{diagnostic}");
    assert_eq!(extract.packages.len(), packages, "{diagnostic}");
}

/// Runs the analyzer over `bytes`, which are damaged but for `packages` packages.
#[track_caller]
fn hostile(bytes: &[u8], packages: usize) {
    incomplete(&testing::run(&ANALYZER, PATH, bytes), Code::FileMalformed, packages);
}

// --- Headers -----------------------------------------------------------------------------------

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRINGS: u32 = 8;

/// An index entry: tag, type, count, data.
type Entry<'a> = (u32, u32, u32, &'a [u8]);

/// A header of these entries.
fn header(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, kind, count, bytes) in entries {
        for field in [*tag, *kind, data.len() as u32, *count] {
            index.extend(field.to_be_bytes());
        }
        data.extend_from_slice(bytes);
    }
    let mut out = (entries.len() as u32).to_be_bytes().to_vec();
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(index);
    out.extend(data);
    out
}

const NAME: Entry<'_> = (1000, STRING, 1, b"a\0");
const VERSION: Entry<'_> = (1001, STRING, 1, b"1\0");
const RELEASE: Entry<'_> = (1002, STRING, 1, b"2\0");

/// The smallest header of a package, and more entries.
fn package(more: &[Entry<'_>]) -> Vec<u8> {
    header(&[&[NAME, VERSION, RELEASE], more].concat())
}

#[test]
fn damaged_headers_hide_no_sound_ones() {
    let strange: &[&[Entry<'_>]] = &[
        &[(1003, INT32, u32::MAX, &[0; 4])],
        &[(1003, INT32, 0, &[0; 4])],
        &[(1003, STRING, 1, b"1\0")],
        &[(1003, 5, 1, &[1; 8])],
        &[(1004, STRING, 1, b"no end")],
        &[(1047, STRINGS, u32::MAX, b"x\0")],
        &[(1116, INT32, 2, &[0; 8]), (1118, STRINGS, 1, b"/\0"), (1117, STRINGS, 2, b"x\0")],
        &[(1117, STRINGS, 1, b"x\0"), (1116, INT32, 2, &[0; 8]), (1118, STRINGS, 1, b"/\0")],
        &[(1117, STRINGS, 1, b"x\0"), (1116, INT32, 1, &[9; 4]), (1118, STRINGS, 1, b"/\0")],
        &[(1027, STRINGS, 3, b"/x\0")],
    ];
    for entries in strange {
        hostile(&ndb(&[package(&[]), package(entries), package(&[])]), 2);
    }
    let mut long = package(&[]);
    long.push(0);
    let mut index = package(&[]);
    index[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut data = package(&[]);
    data[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    let nameless = header(&[VERSION, RELEASE]);
    let unversioned = header(&[NAME, RELEASE]);
    for blob in [long, index, data, nameless, unversioned, vec![], vec![0; 8]] {
        hostile(&ndb(&[package(&[]), blob, package(&[])]), 2);
    }
}

#[test]
fn the_last_entry_of_a_tag_counts() {
    let extract =
        testing::run(&ANALYZER, PATH, &ndb(&[package(&[(1001, STRING, 1, b"9\0"), (1003, INT32, 1, &[0; 4])])]));
    assert_eq!(extract.packages[0].version, "0:9-2");
}

#[test]
fn whole_file_names_of_old_packages_are_read() {
    let files = (1027, STRINGS, 2, &b"/bin/sh\0/bin/bash\0"[..]);
    let extract = testing::run(&ANALYZER, PATH, &ndb(&[package(&[files])]));
    assert_eq!(extract.owned[0].paths.to_vec(), ["bin/sh", "bin/bash"]);
}

#[test]
fn file_lists_cannot_grow_beyond_the_file() {
    // One directory of 100 kB in which 100,000 files claim to lie: 10 GB of paths.
    let directory = [vec![b'd'; 100_000], vec![0]].concat();
    let (names, indexes) = (b"f\0".repeat(100_000), vec![0; 400_000]);
    let bomb =
        package(&[(1117, STRINGS, 100_000, &names), (1116, INT32, 100_000, &indexes), (1118, STRINGS, 1, &directory)]);
    let extract = testing::run(&ANALYZER, PATH, &ndb(&[bomb]));
    assert_eq!((extract.packages.len(), extract.owned.len()), (1, 0));
    assert_eq!(extract.diagnostics.len(), 1);
    assert_eq!((extract.diagnostics[0].level, extract.diagnostics[0].code), (Level::Note, Code::LimitExceeded));
}

#[test]
fn limits_are_told() {
    let database = ndb(&[package(&[]), package(&[]), package(&[])]);
    let run = |limits: &Limits| (ANALYZER.run)(&File { path: PATH, data: &database.as_slice(), limits });
    let limits = Limits { records: 2, ..Limits::default() };
    incomplete(&run(&limits), Code::LimitExceeded, 2);
    let limits = Limits { text_file_bytes: 10, ..Limits::default() };
    incomplete(&run(&limits), Code::LimitExceeded, 0);
}

// --- NDB ---------------------------------------------------------------------------------------

/// An NDB file with one slot page and the given blobs.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut slots = [&b"RpmP"[..], &[0; 8], &1_u32.to_le_bytes(), &[0; 16]].concat();
    let mut blobs = Vec::new();
    for (index, header) in (1_u32..).zip(headers) {
        let (first, len) = ((4096 + blobs.len() as u32) / 16, header.len() as u32);
        let mut blob = [*b"BlbS", index.to_le_bytes(), [0; 4], len.to_le_bytes()].as_flattened().to_vec();
        blob.extend(header);
        blob.resize((blob.len() + 12).next_multiple_of(16) - 12, 0);
        let checksum = super::ndb::adler32(&blob);
        blob.extend([checksum.to_le_bytes(), len.to_le_bytes(), *b"BlbE"].as_flattened());
        slots.extend(slot(index, first, blob.len() as u32 / 16));
        blobs.extend(blob);
    }
    while slots.len() < 4096 {
        slots.extend(slot(0, 0, 0));
    }
    slots.extend(blobs);
    slots
}

fn slot(package: u32, first: u32, blocks: u32) -> Vec<u8> {
    [*b"Slot", package.to_le_bytes(), first.to_le_bytes(), blocks.to_le_bytes()].as_flattened().to_vec()
}

#[test]
fn hostile_ndb_files_are_survived() {
    let good = ndb(&[package(&[])]);
    assert!(testing::run(&ANALYZER, PATH, &good).diagnostics.is_empty());
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    // More slot pages than the file has, and none.
    hostile(&with(12, &u32::MAX.to_le_bytes()), 0);
    hostile(&with(12, &[0; 4]), 0);
    hostile(&with(4, &[1]), 0);
    // All other slots point to the one blob, to the slots, beyond the file, or are none.
    let again = |slot: &[u8]| with(48, &slot.repeat(4096 / 16 - 3));
    hostile(&again(&good[32..48]), 1);
    hostile(&again(&slot(1, 2, 1)), 1);
    hostile(&again(&slot(1, u32::MAX, u32::MAX)), 1);
    hostile(&again(&[7; 16]), 1);
    // Lengths and checksum of the blob.
    hostile(&with(44, &u32::MAX.to_le_bytes()), 0);
    hostile(&with(4096 + 12, &u32::MAX.to_le_bytes()), 0);
    hostile(&with(4096 + 30, b"!"), 0);
    // What a free slot holds besides its first block does not matter.
    assert_eq!(testing::run(&ANALYZER, PATH, &again(&slot(5, 0, 9))).diagnostics, []);
}

// --- SQLite ------------------------------------------------------------------------------------

/// A file of pages of 512 bytes: a schema whose table `Packages` is at page 2, and `pages` from there.
fn sqlite(pages: &[Vec<u8>]) -> Vec<u8> {
    sqlite_of("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)", pages)
}

/// The same, where this statement made the table.
fn sqlite_of(statement: &str, pages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 512];
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&512_u16.to_be_bytes());
    let serial = 13 + 2 * statement.len() as u16;
    let header = [7, 0x17, 0x1d, 0x1d, 1, (serial >> 7) as u8 | 0x80, serial as u8 & 0x7f];
    let record = [&header[..], b"tablePackagesPackages\x02", statement.as_bytes()].concat();
    let size = record.len() as u16;
    let cell = [&[(size >> 7) as u8 | 0x80, size as u8 & 0x7f, 1], &record[..]].concat();
    file[100..110].copy_from_slice(&[13, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
    file[256..256 + cell.len()].copy_from_slice(&cell);
    for page in pages {
        file.extend(page);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file
}

/// An interior page with a cell for each of `children`, and the page right of them.
fn interior(children: &[u32], right: u32) -> Vec<u8> {
    let mut page = [&[5, 0, 0, 0, children.len() as u8, 0, 0, 0], &right.to_be_bytes()[..]].concat();
    page.extend((0..children.len()).flat_map(|index| (256 + 5 * index as u16).to_be_bytes()));
    page.resize(256, 0);
    page.extend(children.iter().flat_map(|child| [&child.to_be_bytes()[..], &[1]].concat()));
    page
}

/// A leaf page with `cell` at 128, to which `pointers` pointers lead.
fn leaf(pointers: u16, cell: &[u8]) -> Vec<u8> {
    let mut page = [&[13, 0, 0][..], &pointers.to_be_bytes(), &[0; 3]].concat();
    page.extend(128_u16.to_be_bytes().repeat(usize::from(pointers).min(60)));
    page.resize(128, 0);
    page.extend(cell);
    page
}

/// The cell of a row with `header`, of less than 100 bytes.
fn row(header: &[u8]) -> Vec<u8> {
    let serial = 12 + 2 * header.len() as u16;
    let types = [4, 0, (serial >> 7) as u8 | 0x80, serial as u8 & 0x7f];
    [&[(types.len() + header.len()) as u8, 1], &types[..], header].concat()
}

#[test]
fn hostile_sqlite_files_are_survived() {
    let good = row(&package(&[]));
    assert!(good.len() < 100);
    let extract = testing::run(&ANALYZER, PATH, &sqlite(&[interior(&[3], 4), leaf(1, &good), leaf(1, &good)]));
    assert_eq!((extract.packages.len(), extract.diagnostics.len()), (2, 0));

    // Another column first, or another table under this name.
    for statement in [
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT,decoy BLOB,blob BLOB NOT NULL)",
        "CREATE TABLE Packages (blob BLOB NOT NULL,hnum INTEGER)",
        "CREATE TABLE Other (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)",
    ] {
        hostile(&sqlite_of(statement, &[leaf(1, &good)]), 0);
    }
    for known in [
        "create table \"Packages\" (\n hnum integer primary key autoincrement,\n blob blob not null\n)",
        "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY NOT NULL,blob BLOB NOT NULL)",
    ] {
        assert_eq!(testing::run(&ANALYZER, PATH, &sqlite_of(known, &[leaf(1, &good)])).packages.len(), 1, "{known}");
    }

    // Interior pages that lead to themselves, to each other, to the schema, nowhere.
    hostile(&sqlite(&[interior(&[2, 2, 3], 2), leaf(1, &good)]), 1);
    hostile(&sqlite(&[interior(&[3], 4), interior(&[2], 4), leaf(1, &good)]), 1);
    hostile(&sqlite(&[interior(&[1, 0], u32::MAX)]), 0);
    hostile(&sqlite(&[vec![5, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 2]]), 0);
    hostile(&sqlite(&[vec![2; 512]]), 0);
    hostile(&sqlite(&[]), 0);
    // A tree of more levels than 2^32 pages need.
    let chain: Vec<_> = (3..30).map(|next| interior(&[], next)).chain([leaf(1, &good)]).collect();
    hostile(&sqlite(&chain), 0);
    // Many pointers to one cell, and more than a page has room for: the page is used once.
    let many = testing::run(&ANALYZER, PATH, &sqlite(&[leaf(60, &good)]));
    incomplete(&many, Code::FileMalformed, many.packages.len());
    assert!(many.packages.len() * good.len() <= 512, "{} packages on one page", many.packages.len());
    hostile(&sqlite(&[leaf(u16::MAX, &good)]), 0);
    // A row of 5000 bytes, 440 of them on the page; its overflow page leads to itself or nowhere.
    let long = |next: u32| {
        let local = 39 + (5000 - 39) % 508;
        [&[0xa7, 0x08, 1][..], &vec![0; if local <= 477 { local } else { 39 }], &next.to_be_bytes()].concat()
    };
    let overflow = |next: u32| next.to_be_bytes().to_vec();
    hostile(&sqlite(&[leaf(1, &long(3)), overflow(3)]), 0);
    hostile(&sqlite(&[leaf(1, &long(3)), overflow(2)]), 0);
    hostile(&sqlite(&[leaf(1, &long(3)), overflow(0)]), 0);
    hostile(&sqlite(&[leaf(1, &long(0))]), 0);
    // A row of 2^63 bytes.
    let huge = [&[0xff; 9][..], &[1], &[0; 300]].concat();
    let extract = testing::run(&ANALYZER, PATH, &sqlite(&[leaf(1, &huge)]));
    incomplete(&extract, Code::LimitExceeded, 0);
    // Page sizes that cannot be, and pages of nothing but reserved bytes.
    let with = |at: usize, byte: u8| {
        let mut file = sqlite(&[leaf(1, &good)]);
        file[at] = byte;
        file
    };
    for file in [with(16, 0), with(16, 1), with(16, 3), with(17, 1), with(20, 33)] {
        hostile(&file, 0);
    }
}

// --- BerkeleyDB --------------------------------------------------------------------------------

/// A little-endian hash file with pages of 512 bytes: the meta page and `pages`.
fn bdb(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 512];
    file[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
    file[20..24].copy_from_slice(&512_u32.to_le_bytes());
    file[25] = 8;
    file[32..36].copy_from_slice(&(pages.len() as u32).to_le_bytes());
    for page in pages {
        file.extend(page);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file
}

/// A page of the given type and with the fields that depend on it.
fn page(kind: u8, next: u32, entries: u16, offset: u16) -> Vec<u8> {
    let mut page = vec![0; 16];
    page.extend(next.to_le_bytes());
    page.extend(entries.to_le_bytes());
    page.extend(offset.to_le_bytes());
    page.extend([0, kind]);
    page
}

/// A hash page with `items`.
fn hash_page(kind: u8, items: &[&[u8]]) -> Vec<u8> {
    let mut page = page(kind, 0, items.len() as u16, 0);
    let mut end = 512;
    let mut content = Vec::new();
    for item in items {
        end -= item.len();
        page.extend((end as u16).to_le_bytes());
        content.splice(0..0, item.iter().copied());
    }
    page.resize(end, 0);
    page.extend(content);
    page
}

/// The item for `len` bytes on the overflow pages from `first` on.
fn off_page(first: u32, len: u32) -> Vec<u8> {
    [&[3, 0, 0, 0], &first.to_le_bytes()[..], &len.to_le_bytes()].concat()
}

fn overflow(next: u32, content: &[u8]) -> Vec<u8> {
    [page(7, next, 1, content.len() as u16), content.to_vec()].concat()
}

#[test]
fn hostile_berkeleydb_files_are_survived() {
    let blob = package(&[]);
    let inline = [&[1], &blob[..]].concat();
    let (head, tail) = blob.split_at(30);
    let chained = off_page(2, blob.len() as u32);
    let key: &[u8] = &[1, 9, 0, 0, 0];
    let counter: &[u8] = &[1, 0, 0, 0, 0];
    let good = bdb(&[
        hash_page(13, &[counter, &[1, 7, 0, 0, 0], key, &inline, key, &chained]),
        overflow(3, head),
        overflow(0, tail),
        hash_page(2, &[key, &inline]),
    ]);
    let extract = testing::run(&ANALYZER, PATH, &good);
    assert_eq!((extract.packages.len(), extract.diagnostics.len()), (3, 0));

    // Chains that lead to themselves, to a hash page, to nothing, are too short, or are shared.
    let chain = |first: u32, len: u32, pages: &[Vec<u8>]| {
        bdb(&[&[hash_page(13, &[key, &off_page(first, len), key, &inline])], pages].concat())
    };
    hostile(&chain(2, 5000, &[overflow(2, &[0; 400])]), 1);
    hostile(&chain(2, 5000, &[overflow(3, &[0; 400]), overflow(2, &[0; 400])]), 1);
    hostile(&chain(1, 5000, &[]), 1);
    hostile(&chain(0, 5000, &[]), 1);
    hostile(&chain(u32::MAX, 5000, &[]), 1);
    hostile(&chain(2, 5000, &[overflow(0, &[0; 400])]), 1);
    hostile(&chain(2, 5000, &[page(7, 0, 1, u16::MAX)]), 1);
    hostile(&bdb(&[hash_page(13, &[key, &chained, key, &chained]), overflow(3, head), overflow(0, tail)]), 1);
    let huge = testing::run(&ANALYZER, PATH, &chain(2, u32::MAX, &[overflow(2, &[0; 400])]));
    incomplete(&huge, Code::LimitExceeded, 1);
    // Duplicates, which rpm does not have; a key without a value; offsets that rise.
    hostile(&bdb(&[hash_page(13, &[key, &[2, 0], key, &inline])]), 1);
    hostile(&bdb(&[hash_page(13, &[key, &inline, key])]), 1);
    let mut rising = hash_page(13, &[key, &inline, key, &inline]);
    rising[30..32].copy_from_slice(&512_u16.to_le_bytes());
    hostile(&bdb(&[rising]), 1);
    hostile(&bdb(&[page(13, 1, u16::MAX, 0)]), 0);
    // The meta page: size of pages, kind, encryption, checksums, more pages than there are.
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    for (at, bytes) in [(20, &[0, 0][..]), (20, &[1, 2]), (20, &[0, 0, 2]), (25, &[9]), (24, &[1]), (26, &[1])] {
        hostile(&with(at, bytes), 0);
    }
    hostile(&with(32, &u32::MAX.to_le_bytes()), 3);
    hostile(&good[..good.len() - 512], 2);
}
