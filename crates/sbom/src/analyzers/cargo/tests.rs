//! Lock files and executables, real and made up.

use super::*;
use crate::analyzer::Extract;
use crate::testing;
use sekisho_model::{Code, Evidence, Level};

fn lock(text: &str) -> Extract {
    testing::run(&LOCK, "srv/Cargo.lock", text.as_bytes())
}

/// Name, version, whether it is asked for, development's, and what else is said.
fn summary(extract: &Extract) -> Vec<String> {
    let line = |facts| testing::line(facts, " ");
    extract.packages.iter().map(line).collect()
}

#[test]
fn goldens() {
    testing::goldens(&LOCK, "src/analyzers/cargo/fixtures/lock");
    testing::goldens(&BINARY, "src/analyzers/cargo/fixtures/binary");
}

#[test]
fn sources_and_dependencies_are_read_in_all_their_forms() {
    let extract = lock(
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\n \"a\",\n \"b 2.0.0\",\n \
         \"g 1.0.0 (git+https://example.org/g?branch=x#abc)\",\n \"helper\",\n]\n\n\
         [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
         checksum = \"00\"\ndependencies = [\n \"b 1.0.0\",\n]\n\n\
         [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"sparse+https://index.crates.io/\"\n\n\
         [[package]]\nname = \"b\"\nversion = \"2.0.0\"\nsource = \"registry+https://example.org/index\"\n\n\
         [[package]]\nname = \"g\"\nversion = \"1.0.0\"\nsource = \"git+https://example.org/g?branch=x#abc\"\n\n\
         [[package]]\nname = \"helper\"\nversion = \"0.1.0\"\n\n\
         [[patch.unused]]\nname = \"unused\"\nversion = \"1.0.0\"\n\n[metadata]\n\"checksum x\" = \"00\"\n",
    );
    assert_eq!(
        summary(&extract),
        [
            "app 1.0.0 source=path",
            "a 1.0.0 direct",
            "b 1.0.0 indirect",
            "b 2.0.0 direct source=registry+https://example.org/index",
            "g 1.0.0 direct source=git+https://example.org/g?branch=x#abc",
            "helper 0.1.0 source=path",
        ]
    );
    assert_eq!(extract.packages[1].extra, [("checksum".to_owned(), "00".to_owned())]);
    assert_eq!(extract.diagnostics, []);
    assert!(extract.packages.iter().all(|facts| facts.evidence == Evidence::Declared));
    let oldest = lock(
        "[root]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"a 1.0.0 (registry+x)\"]\n\n\
        [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n",
    );
    assert_eq!(summary(&oldest), ["app 1.0.0 source=path", "a 1.0.0 direct source=registry+x"]);
}

/// TOML leaves more than one way to write a list of packages.
#[test]
fn no_form_of_toml_hides_a_package() {
    let entry = |name: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1\"\nsource = \"{CRATES}\"\n");
    let inline = |name: &str| format!("{{name=\"{name}\",version=\"1\",source=\"{CRATES}\"}}");
    let indented = |name: &str| format!("  {}\n", entry(name).trim_end().replace('\n', "\n  "));
    let (a, b) = (entry("a"), entry("b"));
    for text in [
        format!("{a}\n{}", indented("b")),
        format!("version = 4\n{}\n{}", indented("a"), indented("b")),
        format!("{a}\n[metadata]\nx = [\n  [1],\n]\n{}", indented("b")),
        format!("version = 4\npackage = [{},{}]\n", inline("a"), inline("b")),
        format!("root = {}\npackage = [\n{}\n]\n", inline("a"), inline("b")),
        format!("{a}{b}").replace("package", " 'package' "),
    ] {
        let extract = lock(&text);
        assert_eq!(summary(&extract), ["a 1", "b 1"], "{text}");
        assert_eq!(extract.diagnostics, [], "{text}");
    }
    assert_eq!(lock("package = 1\n").diagnostics[0].level, Level::Incomplete);
    assert_eq!(lock(&format!("version = 9\n{}", indented("a"))).diagnostics[0].level, Level::Incomplete);
}

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn damage_costs_one_package_and_is_told() {
    let good = "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"x\"\n";
    let dotted = format!("a{} = 1\n", ".a".repeat(200_000));
    let nested = format!("a = {}\n", "[".repeat(500_000));
    let tables = format!("[package{}]\n", ".a".repeat(200_000));
    let long = format!("name = \"b\"\nversion = \"2\"\nx = \"{}\"\n", "x".repeat(1 << 20));
    for bad in [
        "name = ",
        "name = 1\n",
        "version = \"1\"\n",
        "name = \"b\"\nversion = \"\"\n",
        "name = \"a",
        &dotted,
        &nested,
        &tables,
        &long,
    ] {
        let extract = lock(&format!(
            "version = 3\n{good}[[package]]\n{bad}\n[[package]]\nname = \"c\"\nversion = \"3\"\nsource = \"x\"\n"
        ));
        assert_eq!(summary(&extract), ["a 1 source=x", "c 3 source=x"], "{bad:.40}");
        let [diagnostic] = extract.diagnostics.try_into().unwrap();
        assert_eq!((diagnostic.level, diagnostic.code), (Level::Incomplete, Code::FileMalformed), "{bad:.40}");
    }
    assert_eq!(lock("").diagnostics.len(), 1);
    assert_eq!(lock("version = 4\n").diagnostics, []);
    let many = lock(&"[[package]]\nx\n".repeat(1000));
    assert_eq!(many.diagnostics.len(), 1);
    assert_eq!(many.diagnostics[0].message, "parts that could not be read: 1000; the first is no TOML");
    assert_eq!(lock(&format!("version = 5\n{good}")).diagnostics.len(), 1);
    assert_eq!(lock(&format!("version = 5\n{good}")).packages.len(), 1);
}

#[test]
fn time_grows_no_faster_than_the_file() {
    use std::fmt::Write;
    let entries = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
    let mut text = String::from("version = 3\n");
    for n in 0..entries {
        write!(text, "[[package]]\nname = \"p{n}\"\nversion = \"1.0.{n}\"\ndependencies = [\"p1\"]\n").unwrap();
    }
    let extract = lock(&text);
    assert_eq!((extract.packages.len(), extract.diagnostics.len()), (entries, 0));
}

/// zlib as a format may have it that was written by hand: stored blocks, which need no compressor.
fn zlib(json: &str) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = json.as_bytes().chunks(0xffff);
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.enumerate() {
        let len = block.len() as u16;
        out.push(u8::from(index == last));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in json.bytes() {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// A PE file of 64 bits with one section.
fn pe(name: [u8; 8], content: &[u8]) -> Vec<u8> {
    let mut file = b"MZ".to_vec();
    file.resize(0x40, 0);
    file[0x3c] = 0x40;
    file.extend(b"PE\0\0");
    file.resize(0x40 + 24, 0);
    file[0x46] = 1;
    file[0x40 + 20] = 112;
    file.resize(0x40 + 24 + 112, 0);
    file[0x58..0x5a].copy_from_slice(&0x20b_u16.to_le_bytes());
    let at = file.len() + 40;
    file.extend(name);
    for number in [content.len() as u32, 0x1000, content.len() as u32, at as u32, 0, 0, 0, 0x4000_0040] {
        file.extend(number.to_le_bytes());
    }
    file.extend(content);
    file
}

/// A little-endian Mach-O file of 64 bits with one segment of one section.
fn macho(name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut file = b"\xcf\xfa\xed\xfe".to_vec();
    for number in [0_u32, 0, 2, 1, 152, 0, 0, 0x19, 152] {
        file.extend(number.to_le_bytes());
    }
    file.resize(file.len() + 16, 0);
    let at = 32 + 152_u64;
    for number in [0x1000, content.len() as u64, at, content.len() as u64] {
        file.extend(number.to_le_bytes());
    }
    for number in [3_u32, 3, 1, 0] {
        file.extend(number.to_le_bytes());
    }
    let section = file.len();
    file.extend(name);
    file.resize(section + 32, 0);
    for number in [0x1000, content.len() as u64] {
        file.extend(number.to_le_bytes());
    }
    file.extend((at as u32).to_le_bytes());
    file.resize(at as usize, 0);
    file.extend(content);
    file
}

const LIST: &str = r#"{"packages": [
    {"name": "app", "version": "1.0.0", "source": "local", "root": true, "dependencies": [1, 2, 9]},
    {"name": "a", "version": "1.0.0", "source": "crates.io", "dependencies": [3]},
    {"name": "b", "version": "2.0.0", "source": "crates.io", "kind": "build"},
    {"name": "c", "version": "3.0.0", "source": "git", "kind": "runtime"}], "format": 1}"#;

fn binary(bytes: &[u8]) -> Extract {
    testing::run(&BINARY, "usr/bin/app", bytes)
}

#[test]
fn the_list_is_found_in_each_form_of_executable() {
    let expect = [
        "app 1.0.0 source=path",
        "a 1.0.0 direct",
        "b 2.0.0 direct dev dependency_kind=build",
        "c 3.0.0 indirect source=git",
    ];
    for file in [pe(*b".dep-v0\0", &zlib(LIST)), macho(b".dep-v0", &zlib(LIST))] {
        let extract = binary(&file);
        assert_eq!(summary(&extract), expect, "{:?}", extract.diagnostics);
        assert!(extract.packages.iter().all(|facts| facts.evidence == Evidence::Installed));
        assert_eq!(extract.diagnostics, []);
    }
    assert_eq!(binary(&pe(*b".text\0\0\0", &zlib(LIST))), Extract::default());
    assert_eq!(binary(b"MZ"), Extract::default());
}

#[test]
fn a_list_that_cannot_be_read_is_told() {
    let bomb = format!("{LIST}{}", " ".repeat(9 << 20));
    for content in [&b"no zlib"[..], &zlib("{}"), &zlib("{\"packages\": [{}]}"), &zlib(LIST)[..200], &zlib(&bomb), b""]
    {
        let extract = binary(&pe(*b".dep-v0\0", content));
        assert_eq!(extract.packages, []);
        // A section of no bytes is none.
        assert_eq!(extract.diagnostics.len(), 1, "{:.20}", String::from_utf8_lossy(content));
        assert_eq!(extract.diagnostics[0].level, Level::Incomplete);
    }
}
