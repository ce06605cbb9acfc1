use super::*;
use crate::{Dispatch, testing};
use sekisho_base::Limits;
use std::cell::Cell;

#[test]
fn goldens() {
    testing::goldens(&ANALYZER, "src/analyzers/binary/fixtures");
}

const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";

/// An executable with `text` in it.
fn elf(text: &[u8]) -> Vec<u8> {
    [ELF, text, b"\0\0"].concat()
}

/// `name version` for what is found in `bytes` at `path`, or what is said instead.
fn found(path: &str, bytes: &[u8]) -> String {
    let Extract { packages, diagnostics, .. } = testing::run(&ANALYZER, path, bytes);
    let packages = packages.iter().map(|package| format!("{} {}", package.name, package.version));
    let diagnostics = diagnostics.iter().map(|diagnostic| format!("{:?} {}", diagnostic.level, diagnostic.code));
    packages.chain(diagnostics).collect::<Vec<_>>().join(", ")
}

#[test]
fn patterns_compile_and_begin_with_what_is_looked_for() {
    let dispatch = Dispatch::new(&[&ANALYZER]);
    for class in CLASSES {
        assert!(!class.patterns.is_empty() && !class.files.is_empty(), "{}", class.name);
        for Pattern { anchor, around } in class.patterns {
            let around = around.replace("{v}", "3");
            let compiled = RegexBuilder::new(&around).unicode(false).build().unwrap();
            assert_eq!(compiled.captures_len(), 2, "{around}");
            // Zeros alone are everywhere.
            assert!(anchor.trim_matches('\0').len() >= 2, "{anchor:?}");
        }
        // The name of any file of a class leads to it.
        for file in class.files {
            let path = file.replace("**/", "opt/").replace('*', "1");
            assert!(!dispatch.by_path(&path).is_empty() && classes_of(&path).any(|of| of.name == class.name), "{path}");
        }
    }
}

#[test]
fn what_every_class_says_is_a_package_url() {
    for class in CLASSES {
        let facts = PackageFacts::new(PackageKind::Generic, class.name, "1.2.3+4");
        let purl = crate::purl::purl_of(&facts, None).unwrap();
        assert_eq!(purl.as_str(), format!("pkg:generic/{}@1.2.3%2B4", class.name));
        assert_eq!(crate::purl::facts_of(&purl).name, class.name);
    }
}

/// Each proven class is in a golden: its package and at least one of its windows.
#[test]
fn what_is_said_to_be_proven_is_in_a_golden() {
    let goldens = ["debian-12", "registries"]
        .map(|case| std::fs::read_to_string(format!("src/analyzers/binary/fixtures/{case}.snap")).unwrap())
        .concat();
    let paths: Vec<&str> =
        goldens.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    for class in CLASSES {
        let wants = |path: &&&str| class.files.iter().any(|file| glob::path(file, path, glob::component));
        let named = goldens.contains(&format!("\"name\": \"{}\"", class.name));
        let seen = named && paths.iter().any(|path| wants(&path));
        assert!(class.proven.is_none() || seen, "{} is proven on {:?}, but is in no golden", class.name, class.proven);
    }
}

#[test]
fn near_misses_are_no_programs() {
    let nginx = elf(b"\0nginx version: nginx/1.22.1\n\0");
    assert_eq!(found("usr/sbin/nginx", &nginx), "nginx 1.22.1");
    // Another program with that text.
    assert!(Dispatch::all().by_path("usr/sbin/nginx-agent").is_empty());
    // A script, a text or an archive of the name.
    for other in
        [b"#!/bin/sh\n# nginx version: nginx/1.22.1\n".as_slice(), b"nginx version: nginx/1.22.1", b"\x1f\x8b", b""]
    {
        assert_eq!(found("usr/sbin/nginx", other), "");
    }
    assert_eq!(found("usr/sbin/nginx", &elf(b"\0nginx version: nginx/%s\n\0nginx/1.22.1\0")), "");
    // A shell script that is called as an interpreter.
    assert_eq!(found("usr/bin/python3", b"#!/bin/sh\nexec python3.11 3.11.2\n\x003.11.2\0"), "");
    // Libraries that are linked into an interpreter have versions as well.
    assert_eq!(found("usr/bin/python3", &elf(b"\x003.40.1\0zlib\x001.2.13\0")), "");
    assert_eq!(found("usr/bin/python3.11", &elf(b"\x003.10.9\0")), "");
    assert_eq!(found("usr/bin/python3.1", &elf(b"\x003.11.2\0")), "");
    assert_eq!(found("usr/bin/python3.1", &elf(b"\x003.1.2\0")), "python 3.1.2");
    assert_eq!(found("usr/bin/python", &elf(b"\x003.12.0rc1+\0")), "python 3.12.0rc1+");
    assert_eq!(found("usr/bin/python2.7", &elf(b"\x003.12.0\0\x002.7.18\0")), "python 2.7.18");
    // Programs that only speak of OpenSSL, and what pretends to be it.
    assert_eq!(found("usr/bin/openssl", &elf(b"\0OpenSSL 1.1.1 (compatible; AWS-LC 1.69.0)\0")), "");
    assert_eq!(found("usr/lib/libssl.so.3", &elf(b"\0OPENSSL_3.0.0\0")), "");
    assert_eq!(found("usr/lib/libcrypto.so.1.1", &elf(b"\0OpenSSL 1.1.1k  FIPS 25 Mar 2021\0")), "openssl 1.1.1k");
    assert_eq!(found("lib/libcrypto.so.10", &elf(b"\0OpenSSL 1.0.2k-fips  26 Jan 2017\0")), "openssl 1.0.2k");
    assert_eq!(found("lib/libcrypto.so.55", &elf(b"\0LibreSSL 3.8.2\0")), "libressl 3.8.2");
    // BusyBox under the name of what it stands in for.
    assert_eq!(found("usr/sbin/httpd", &elf(b"\0BusyBox v1.36.1\0busybox httpd/1.36.1\0")), "");
}

#[test]
fn of_several_versions_the_first_counts_and_of_several_classes_that_further_up() {
    assert_eq!(
        found("bin/bash", &elf(b"@(#)Bash version 5.2.15(1) release GNU\0@(#)Bash version 4.0.1(1) x")),
        "bash 5.2.15"
    );
    // Whichever pattern tells it.
    let far = vec![b' '; 1000];
    let both = [b"\0Redis version 2.8.1".as_slice(), &far, b"\x006.2.5\0c11-builtin\0"].concat();
    assert_eq!(found("bin/redis-server", &elf(&both)), "redis 2.8.1");
    let both = [b"\x006.2.5\0c11-builtin\0".as_slice(), &far, b"\0Redis version 2.8.1"].concat();
    assert_eq!(found("bin/redis-server", &elf(&both)), "redis 6.2.5");
    // What MariaDB took over from MySQL stands before and in another piece.
    let mysql = b"/build/mysql-8.0.4-rc/mysys_ssl/my_default.cc\0";
    assert_eq!(found("usr/sbin/mysqld", &elf(mysql)), "mysql 8.0.4");
    for gap in [10, 3 * CHUNK] {
        let both = [mysql.as_slice(), &vec![0; gap], b"\x0010.6.15-MariaDB\0"].concat();
        assert_eq!(found("usr/sbin/mysqld", &elf(&both)), "mariadb 10.6.15", "{gap}");
    }
}

#[test]
fn versions_are_found_across_pieces_and_at_both_ends() {
    let text = b"\0nginx version: nginx/1.22.1\n";
    for at in (CHUNK - 40..CHUNK + 5).chain([0, 2 * CHUNK - 3, 5 * CHUNK]) {
        let bytes = elf(&[vec![b'x'; at], text.to_vec()].concat());
        assert_eq!(found("nginx", &bytes), "nginx 1.22.1", "{at}");
        let file =
            File { path: "nginx", data: &Pieces { bytes: &bytes, read: Cell::new(0) }, limits: &Limits::default() };
        assert_eq!(run(&file).packages.len(), 1, "{at}");
    }
    assert_eq!(found("nginx", &[ELF, b"nginx version: nginx/1.22.1"].concat()), "nginx 1.22.1");
    assert_eq!(found("nginx", &[ELF, b"nginx version: nginx/1.22"].concat()), "");
}

/// Bytes that do not lie in memory as one slice, and how many of them were asked for.
struct Pieces<'a> {
    bytes: &'a [u8],
    read: Cell<u64>,
}

impl ReadAt for Pieces<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        assert!(buf.len() <= 2 * CHUNK, "{} bytes at once", buf.len());
        self.read.set(self.read.get() + buf.len() as u64);
        self.bytes.read_at(offset, buf)
    }
}

#[test]
fn each_byte_is_read_about_once() {
    let bytes = elf(&vec![b'x'; 20 * CHUNK]);
    for path in ["bin/node", "bin/mysqld", "bin/python3.11"] {
        let data = Pieces { bytes: &bytes, read: Cell::new(0) };
        assert_eq!(run(&File { path, data: &data, limits: &Limits::default() }), Extract::default());
        assert!(data.read.get() < bytes.len() as u64 + 10_000, "{path}: {}", data.read.get());
    }
    // What is told at the beginning needs no look at the rest.
    let bytes = elf(&[b"\0node.js/v20.1.0\0".to_vec(), bytes].concat());
    let data = Pieces { bytes: &bytes, read: Cell::new(0) };
    assert_eq!(run(&File { path: "bin/node", data: &data, limits: &Limits::default() }).packages.len(), 1);
    assert!(data.read.get() < 2 * CHUNK as u64);
}

#[test]
fn a_file_of_near_matches_costs_a_bounded_number_of_looks() {
    for (path, near) in
        [("bin/node", "node.js/v"), ("bin/python3.11", "\x003.11."), ("bin/jq", "\x001."), ("bin/git", "git/")]
    {
        let bytes = elf(near.repeat(TRIES * 4).as_bytes());
        let data = Pieces { bytes: &bytes, read: Cell::new(0) };
        let extract = run(&File { path, data: &data, limits: &Limits::default() });
        assert_eq!(extract.diagnostics[0].code, Code::LimitExceeded, "{path}");
        assert!(extract.packages.is_empty());
        assert!(data.read.get() <= bytes.len() as u64 + TRIES as u64 * (BEFORE + BEHIND) + 100, "{path}");
        let few = elf(near.repeat(TRIES / 10).as_bytes());
        assert_eq!(found(path, &few), "", "{path}");
    }
}

#[test]
fn versions_in_names_are_the_first_numbers() {
    for (path, version) in [
        ("usr/bin/python3.11", "3.11"),
        ("lib9/libpython3.11.so.1.0", "3.11"),
        ("usr/bin/python3.13t", "3.13"),
        ("usr/bin/python2.7-dbg", "2.7"),
        ("usr/bin/python", "3"),
        ("python3.", "3"),
    ] {
        assert_eq!(version_in(path), version, "{path}");
    }
    assert!((ANALYZER.alike)("bin/perl", "opt/perl5.36.0") && !(ANALYZER.alike)("bin/python3", "bin/python3.11"));
    assert!(!(ANALYZER.alike)("bin/mysql", "bin/mariadb"));
}

#[test]
fn a_failed_read_is_said_to_be_incomplete() {
    struct Broken;
    impl ReadAt for Broken {
        fn size(&self) -> u64 {
            1 << 20
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            if offset > 0 { Err(io::Error::other("the disk is gone")) } else { ELF.read_at(0, buf) }
        }
    }
    let extract = run(&File { path: "node", data: &Broken, limits: &Limits::default() });
    assert_eq!(extract.diagnostics[0].code, Code::FileUnreadable);
}
