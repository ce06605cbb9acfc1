use super::*;
use crate::testing;
use sekisho_base::Limits;
use sekisho_model::{Code, Level, License};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const STATUS_PATH: &str = "var/lib/dpkg/status";
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/packagedb/dpkg-status");

#[test]
fn status_goldens() {
    testing::goldens(&STATUS, "src/analyzers/dpkg/fixtures/status");
}

#[test]
fn files_goldens() {
    testing::goldens(&FILES, "src/analyzers/dpkg/fixtures/files");
}

#[test]
fn copyright_goldens() {
    testing::goldens(&COPYRIGHT, "src/analyzers/dpkg/fixtures/copyright");
}

#[test]
fn corpus_records_are_exactly_the_expected() {
    let root = Path::new(CORPUS);
    let Ok(expected) = std::fs::read(root.join("expected.json")) else {
        eprintln!("SKIP: the corpus is not there: {CORPUS}");
        return;
    };
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let text = std::fs::read_to_string(root.join(expected["database"].as_str().unwrap())).unwrap();
    let read = status::read(&text, 100);
    let records: Vec<Value> = read
        .records
        .iter()
        .map(|record| {
            let conffiles: Vec<Value> =
                record.conffiles.iter().map(|file| json!({"path": file.path, "md5": file.md5})).collect();
            json!({
                "name": record.name,
                "version": record.version,
                "architecture": record.architecture,
                "source": record.source.as_ref().map_or("", |source| &source.name),
                "status": record.status,
                "maintainer": record.maintainer,
                "installed_size_kib": record.installed_size_kib,
                "conffiles": conffiles,
            })
        })
        .collect();
    assert_eq!(json!(records), expected["packages"]);
    assert_eq!(json!(read.skipped), expected["malformed_stanzas_to_skip"]);
    assert_eq!((read.stray, read.more), (0, false));
}

/// The analyzer and dpkg itself agree on the machine the test runs on.
#[test]
fn this_machine_is_listed_as_dpkg_lists_it() {
    let path = Path::new("/").join(STATUS_PATH);
    let Ok(before) = std::fs::read(&path) else {
        eprintln!("SKIP: no {}", path.display());
        return;
    };
    let format = "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\n";
    let Ok(output) = Command::new("dpkg-query").args(["-W", "-f", format]).output() else {
        eprintln!("SKIP: no dpkg-query");
        return;
    };
    if std::fs::read(&path).unwrap() != before {
        eprintln!("SKIP: packages were installed or removed during the test");
        return;
    }
    // The second letter is the state; of "n" (not installed) and "c" (configuration files) no code is left.
    let mut expected: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| !matches!(line.as_bytes()[1], b'n' | b'c'))
        .map(|line| line.split_once('\t').unwrap().1.to_owned())
        .collect();
    let extract = testing::run(&STATUS, STATUS_PATH, &before);
    let mut found: Vec<String> = extract
        .packages
        .iter()
        .map(|package| format!("{}\t{}\t{}", package.name, package.version, package.arch.as_deref().unwrap()))
        .collect();
    expected.sort();
    found.sort();
    assert!(!expected.is_empty(), "dpkg-query lists nothing");
    assert_eq!(found, expected);
    assert_eq!(extract.diagnostics, []);
}

fn status(text: &str) -> Extract {
    testing::run(&STATUS, STATUS_PATH, text.as_bytes())
}

/// Packages as `name version arch source/version [status]`.
fn check(text: &str, expect: &[&str]) {
    let found: Vec<String> = status(text)
        .packages
        .iter()
        .map(|package| {
            let source = package.source.as_ref().unwrap();
            let arch = package.arch.as_deref().unwrap_or("-");
            let mut text = format!("{} {} {arch} {}/{}", package.name, package.version, source.name, source.version);
            for (name, value) in &package.extra {
                text.extend([" ", name.as_str(), "=", value.as_str()]);
            }
            text
        })
        .collect();
    assert_eq!(found, expect, "{text:?}");
}

#[test]
fn packages_with_files_on_disk_are_listed_and_others_are_not() {
    let stanza = |name: &str, status: &str| format!("Package: {name}\nStatus: {status}\nVersion: 1\n\n");
    let states = [
        ("a", "install ok installed"),
        ("b", "deinstall ok config-files"),
        ("c", "install ok unpacked"),
        ("d", "install reinstreq half-installed"),
        ("e", "install ok half-configured"),
        ("f", "install ok triggers-awaited"),
        ("g", "install ok triggers-pending"),
        ("h", "hold ok installed"),
        ("i", "purge ok not-installed"),
        ("j", "deinstall ok installed"),
        ("k", "deinstall ok CONFIG-FILES"),
    ];
    let text: String = states.iter().map(|(name, status)| stanza(name, status)).collect();
    check(
        &text,
        &[
            "a 1 - a/1",
            "c 1 - c/1 status=unpacked",
            "d 1 - d/1 status=half-installed",
            "e 1 - e/1 status=half-configured",
            "f 1 - f/1 status=triggers-awaited",
            "g 1 - g/1 status=triggers-pending",
            "h 1 - h/1",
            "j 1 - j/1",
        ],
    );
    assert_eq!(status(&text).diagnostics, []);
    check("Package: no-status\nVersion: 1\n", &["no-status 1 - no-status/1"]);
    // A selection has no version by nature and is no damage.
    assert_eq!(status("Package: x\nStatus: install ok not-installed\n"), Extract::default());
}

#[test]
fn sources_state_their_version_where_it_differs() {
    check(
        "Package: libgcc-s1\nSource: gcc-12 (12.2.0-14+deb12u1)\nVersion: 12.2.0-14\nArchitecture: amd64\n\n\
         Package: libc6\nVersion: 2.36\nSource: glibc\n",
        &["libgcc-s1 12.2.0-14 amd64 gcc-12/12.2.0-14+deb12u1", "libc6 2.36 - glibc/2.36"],
    );
}

#[test]
fn ubuntu_stanzas_with_fields_of_their_own_are_read() {
    let extract = status(
        "Package: tar\nEssential: yes\nStatus: install ok installed\nPriority: required\nSection: utils\n\
         Installed-Size: 864\nOrigin: Ubuntu\nBugs: https://bugs.launchpad.net/ubuntu/+filebug\n\
         Maintainer: Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>\nArchitecture: amd64\n\
         Multi-Arch: foreign\nVersion: 1.30+dfsg-7ubuntu0.22.04.2\nDescription: GNU tar\n One.\n .\n Two: three.\n\
         Original-Maintainer: Bdale Garbee <bdale@gag.com>\n",
    );
    let [tar] = &extract.packages[..] else { panic!("{extract:?}") };
    assert_eq!(tar.version, "1.30+dfsg-7ubuntu0.22.04.2");
    assert_eq!(tar.supplier.as_deref(), Some("Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"));
}

#[test]
fn odd_texts_lose_nothing() {
    let expect = ["a 1 - a/1", "b 2 all b/2"];
    check("Package: a\nVersion: 1\n\nPackage: b\nVersion: 2\nArchitecture: all", &expect);
    check("\u{feff}package: a\r\nVERSION: 1\r\n\r\npackage: b\r\nversion: 2\r\narchitecture: all\r\n\r\n", &expect);
    // Control files that were joined without a blank line between them.
    check("Package: a\nVersion: 1\nPackage: b\nArchitecture: all\nVersion: 2\n", &expect);
    // Of two stanzas for one package the later counts; the architectures of one package are two.
    check("Package: a\nVersion: 0\n\nPackage: a\nVersion: 1\n\nPackage: b\nVersion: 2\nArchitecture: all\n", &expect);
    check(
        "Package: b\nVersion: 2\nArchitecture: i386\n\nPackage: b\nVersion: 2\nArchitecture: all\n",
        &["b 2 i386 b/2", "b 2 all b/2"],
    );
    // A later stanza that says "removed" must not hide an installed package.
    check("Package: a\nVersion: 1\n\nPackage: a\nStatus: purge ok config-files\nVersion: 1\n", &["a 1 - a/1"]);
}

#[test]
fn damage_is_incomplete() {
    let levels = |text: &str| -> Vec<(Level, Code)> {
        let told = status(text).diagnostics;
        let mut levels: Vec<_> = told.iter().map(|diagnostic| (diagnostic.level, diagnostic.code)).collect();
        levels.dedup();
        levels
    };
    assert_eq!(levels("Package: a\nVersion: 1\n"), []);
    // Cut anywhere but at the end of a line, whatever is in the last line.
    for cut in ["Package: a\nVersion: 1\nDescription: some", "Package: a\nVersion: 1\n\nPackage: b\nVersion: 2"] {
        assert_eq!(levels(cut), [(Level::Incomplete, Code::FileMalformed)], "{cut:?}");
    }
    // At the end of a line: dpkg writes an empty one behind each package.
    let whole = "Package: a\nStatus: install ok installed\nVersion: 1\nDescription: some\n text\nHomepage: h\n\n";
    for end in ["", "\n", " \n"] {
        assert_eq!(levels(&format!("{whole}{end}")), [], "{end:?}");
        assert_eq!(levels(&format!("{whole}{end}").replace('\n', "\r\n")), [], "{end:?}");
    }
    for (at, _) in whole.match_indices('\n').take(6) {
        let cut = format!("{whole}{}", &whole[..=at]);
        assert_eq!(levels(&cut), [(Level::Incomplete, Code::FileMalformed)], "{cut:?}");
    }
    let removed = "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n";
    assert_eq!(levels(removed), [(Level::Incomplete, Code::FileMalformed)]);
    let control = testing::run(&STATUS, "var/lib/dpkg/status.d/a", removed.as_bytes());
    assert_eq!(control.diagnostics, []);
    assert_eq!(levels("Package: a\n\nPackage: b\nVersion: 1"), [(Level::Incomplete, Code::FileMalformed)]);
    assert_eq!(levels("Package: a\n\nVersion: 1\n\nPackage:\nVersion: 2"), [(Level::Incomplete, Code::FileMalformed)]);
    assert_eq!(levels("Package: a\nVersion: 1\nVers"), [(Level::Incomplete, Code::FileMalformed)]);
    // What a crash leaves of a file that was not synced.
    assert_eq!(levels(&"\0".repeat(4096)), [(Level::Incomplete, Code::FileMalformed)]);
    let extract =
        status("junk\nPackage: a\nVersion: 1\nmore junk\n\nPackage: b\nVersion: 2\n\nPackage: c\n\nVersion: 3\n");
    assert_eq!(extract.packages.len(), 2);
    let messages: Vec<&str> = extract.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    let torn = "stanzas without a name or a version, of which dpkg may take some for parts of those before: 2";
    assert_eq!(messages, ["lines that are no deb822 field: 2", torn]);
    let selected = "Package: b\nStatus: install ok not-installed\n\nPackage: a\nVersion: 1\n";
    assert_eq!(levels(selected), []);
    let unversioned = status("Package: a\nVersion: 1\n\nPackage: c\n");
    assert_eq!(unversioned.diagnostics[0].message, "stanzas of packages that are on disk, without a version: 1");
}

#[test]
fn stanzas_that_blanks_tear_are_incomplete() {
    // dpkg takes the line of blanks for a part of the description, and the whole for an installed package.
    for blanks in [" \n", "\r\n", "\t\n"] {
        for head in ["", "Status: deinstall ok config-files\n"] {
            let text =
                format!("Package: a\n{head}Description: d\n{blanks}Status: install ok installed\nVersion: 1\n\n");
            let extract = status(&text);
            assert!(extract.packages.is_empty());
            assert_eq!(extract.diagnostics[0].level, Level::Incomplete, "{text:?}");
        }
    }
    let selected = status("Package: a\nStatus: install ok not-installed\n\nPackage: b\nVersion: 1\n");
    assert_eq!((selected.packages.len(), selected.diagnostics.len()), (1, 0));
}

#[test]
fn conffiles_of_a_file_are_bounded() {
    let many = |name| format!("Package: {name}\nVersion: 1\nConffiles:\n{}\n", " /a b\n".repeat(80_000));
    let read = status::read(&[many("a"), many("b")].concat(), 2);
    assert_eq!(read.records.iter().map(|record| record.conffiles.len()).collect::<Vec<_>>(), [80_000, 20_000]);
}

#[test]
fn conffiles_are_read_from_the_end_of_their_lines() {
    let text = "Package: a\nVersion: 1\nConffiles:\n /etc/a b 0123 obsolete\n /etc/c newconffile\n \
                /etc/d 45 obsolete remove-on-upgrade\n /etc/nothing\n";
    let files: Vec<(String, String)> =
        status::read(text, 1).records[0].conffiles.iter().map(|file| (file.path.clone(), file.md5.clone())).collect();
    let expect = [("/etc/a b", "0123"), ("/etc/c", "newconffile"), ("/etc/d", "45")];
    assert_eq!(files, expect.map(|(path, md5)| (path.to_owned(), md5.to_owned())));
}

#[test]
fn limits_end_the_reading_and_say_so() {
    let limits = Limits { records: 2, text_file_bytes: 100, ..Limits::default() };
    let run = |analyzer: &Analyzer, path: &str, data: &str| {
        let extract = (analyzer.run)(&File { path, data: &data.as_bytes(), limits: &limits });
        let codes: Vec<(Level, Code)> = extract.diagnostics.iter().map(|found| (found.level, found.code)).collect();
        (extract, codes)
    };
    let exceeded = [(Level::Incomplete, Code::LimitExceeded)];
    let two = "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n\n";
    let (extract, codes) = run(&STATUS, STATUS_PATH, two);
    assert_eq!((extract.packages.len(), codes.len()), (2, 0));
    let (extract, codes) = run(&STATUS, STATUS_PATH, &format!("{two}Package: c\nVersion: 1\n"));
    assert_eq!((extract.packages.len(), &codes[..]), (2, &exceeded[..]));
    let (extract, codes) = run(&FILES, "var/lib/dpkg/info/a.list", "/a\n/b\n/c\n");
    assert_eq!((extract.owned[0].paths.to_vec().len(), &codes[..]), (2, &exceeded[..]));
    let long = format!("Package: a\nVersion: {}", "1".repeat(200));
    for (analyzer, path) in
        [(&STATUS, STATUS_PATH), (&FILES, "var/lib/dpkg/info/a.list"), (&COPYRIGHT, "usr/share/doc/a/copyright")]
    {
        let (extract, codes) = run(analyzer, path, &long);
        assert_eq!((extract.packages.len(), &codes[..]), (0, &exceeded[..]), "{path}");
    }
}

/// Each of these takes minutes where the time is quadratic.
#[test]
fn large_hostile_texts_take_linear_time() {
    let blank = "\n".repeat(1_000_000);
    assert_eq!(status(&blank), Extract::default());
    let nameless = status(&"Package:\n\n".repeat(1_000_000));
    assert_eq!(nameless.diagnostics.len(), 1);
    assert!(nameless.diagnostics[0].message.ends_with(": 1000000"));
    let long = format!("Package: a\nVersion: 1\nDescription: {}\n", "x".repeat(20_000_000));
    assert_eq!(status(&long).packages.len(), 1);
    let folded = format!("Package: a\nVersion: 1\nDescription: x\n{}", " y\n".repeat(2_000_000));
    assert_eq!(status(&folded).packages.len(), 1);
    let same = status(&"Package: a\nVersion: 1\n\n".repeat(200_000));
    assert_eq!(same.packages.len(), 1);
    let list = format!("/{}\n", "a/".repeat(2000)).repeat(1000);
    assert_eq!(testing::run(&FILES, "var/lib/dpkg/info/a.list", list.as_bytes()).owned[0].paths.to_vec().len(), 1000);
    for part in [
        "redistribution and use in source and binary forms, with or without modification, are permitted ",
        "to deal in the software without restriction, including without limitation ",
        "version 2 or any later version ",
        "see /usr/share/common-licenses/GPL ",
        "License: a and b, or c\n\n",
        "Format: x\nLicense: GPL-2+\n\n",
    ] {
        let text = part.repeat(4_000_000 / part.len());
        let extract = testing::run(&COPYRIGHT, "usr/share/doc/a/copyright", text.as_bytes());
        assert!(extract.licenses.iter().all(|found| found.licenses.len() <= 2), "{part}");
    }
}

#[test]
fn file_lists_belong_to_the_package_their_name_says() {
    let run = |analyzer: &Analyzer, path: &str, text: &str| testing::run(analyzer, path, text.as_bytes()).owned;
    let of = |name: &str, arch: Option<&str>, paths: &[&str]| {
        vec![OwnedFiles {
            kind: PackageKind::Deb,
            name: name.to_owned(),
            arch: arch.map(str::to_owned),
            paths: paths.iter().collect(),
        }]
    };
    let list = "/.\n/usr\n/usr/x\n";
    assert_eq!(run(&FILES, "var/lib/dpkg/info/libc6:amd64.list", list), of("libc6", Some("amd64"), &["usr/x"]));
    assert_eq!(run(&FILES, "var/lib/dpkg/info/libstdc++6.list", list), of("libstdc++6", None, &["usr/x"]));
    assert_eq!(run(&FILES, "var/lib/dpkg/info/empty.list", "/.\n"), []);
    let sums = "d41d8cd98f00b204e9800998ecf8427e  usr/x\n";
    assert_eq!(run(&STATUS, "var/lib/dpkg/status.d/libssl1.1.md5sums", sums), of("libssl1.1", None, &["usr/x"]));
    assert!(run(&STATUS, "var/lib/dpkg/status.d/libssl1.1", "Package: libssl1.1\nVersion: 1\n").is_empty());
}

#[test]
fn licences_belong_to_the_package_of_the_directory() {
    let text = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
                 Files: *\nCopyright: J\xf6rg\nLicense: Expat\n";
    let extract = testing::run(&COPYRIGHT, "usr/share/doc/libfoo/copyright", text);
    let licenses = vec![License::Expression("MIT".to_owned())];
    assert_eq!(extract.licenses, [PackageLicenses { kind: PackageKind::Deb, name: "libfoo".to_owned(), licenses }]);
    assert_eq!(testing::run(&COPYRIGHT, "usr/share/doc/libfoo/copyright", b"see AUTHORS"), Extract::default());
}
