//! Files that hold trees of files: archives, packages, disk images. Where the samples are from is in `fixtures/README.md`.

use super::*;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_model::SourceKind;
use sekisho_scan::scan_fs;
use sekisho_testkit::ar;
use std::fs;
use std::io::Read;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let Ok(stored) = fs::read(path.with_file_name(format!("{name}.zst"))) else { return fs::read(path).unwrap() };
    let mut inflate = Inflate::new(&*stored, Compression::Zstd, stored.len() as u64, &Limits::default()).unwrap();
    let mut plain = Vec::new();
    inflate.read_to_end(&mut plain).unwrap();
    plain
}

fn try_scan(name: &str, bytes: &[u8], limits: Limits) -> Result<Inventory, ScanError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    let scanned = scan_fs(&path, &Options { limits, ..options() });
    if let Ok(inventory) = &scanned {
        let faults = inventory.diagnostics.iter().filter(|told| told.code == Code::InternalFault);
        assert_eq!(faults.count(), 0, "{:?}", inventory.diagnostics);
    }
    scanned
}

fn scan_file(name: &str, bytes: &[u8]) -> Inventory {
    try_scan(name, bytes, Limits::default()).unwrap()
}

fn scan_fixture(name: &str) -> Inventory {
    scan_file(name, &fixture(name))
}

/// Each package with where it is, and `+` where another owns it.
fn located(inventory: &Inventory) -> Vec<String> {
    let line = |package: &sekisho_model::Package| {
        let owned = if package.owned_by.is_some() { " +" } else { "" };
        format!("{} {} {}{owned}", package.facts.name, package.facts.version, package.location)
    };
    inventory.packages.iter().map(line).collect()
}

fn messages(inventory: &Inventory) -> String {
    inventory.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let error = try_scan(name, bytes, Limits::default()).unwrap_err();
    assert_eq!(error.code(), Code::SourceUnknown);
    format!("{error}; {}", error.hint().unwrap())
}

const ROOT: [&str; 2] = ["libc6 2.36-9 var/lib/dpkg/status", "minimist 0.0.10 srv/node_modules/minimist/package.json"];

fn root_tar() -> Vec<u8> {
    base_layer_of("libc6", "2.36-9").file("srv/node_modules/minimist/package.json", npm("minimist", "0.0.10")).build()
}

fn base_layer_of(name: &str, version: &str) -> LayerBuilder {
    LayerBuilder::new()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", dpkg(&[(name, version)]))
        .file("var/lib/docker/x/package.json", npm("stored", "1.0.0"))
        .file("proc/package.json", npm("kernel", "1.0.0"))
        .hardlink("proc/1/package.json", "proc/package.json")
}

#[test]
fn archives_are_trees() {
    let tar = root_tar();
    for compress in [Compress::None, Compress::Gzip, Compress::Zstd] {
        let inventory = scan_file("root", &compress.store(&tar));
        assert_eq!(located(&inventory), ROOT);
        assert_eq!(inventory.source.kind, SourceKind::Archive);
        assert!(inventory.complete && inventory.os.is_some(), "{}", messages(&inventory));
        assert_eq!(codes(&inventory), [Code::TreeExcluded, Code::TreeExcluded]);
    }
    let inventory = scan_fixture("whole.zip");
    assert_eq!((located(&inventory), inventory.source.kind), (ROOT.map(str::to_owned).to_vec(), SourceKind::Archive));
    assert!(inventory.complete && inventory.os.is_some(), "{}", messages(&inventory));
}

#[test]
fn zip_archives_of_windows_have_backslashes() {
    let mut bytes = fixture("whole.zip");
    // In local headers and the central directory, behind which names stand.
    let name = b"srv/node_modules/minimist/package.json";
    let places: Vec<usize> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        bytes[at..at + name.len()].copy_from_slice(br"srv\node_modules\minimist\package.json");
    }
    let inventory = scan_file("root.zip", &bytes);
    assert_eq!(located(&inventory), ROOT);
    assert!(inventory.complete, "{}", messages(&inventory));
}

#[test]
fn an_archive_behind_the_end_of_another_is_told() {
    let second = LayerBuilder::new().file("srv/package.json", npm("behind", "1.0.0")).build();
    let twice = [root_tar(), vec![0; 9 * 512], second].concat();
    for compress in [Compress::None, Compress::Gzip] {
        let inventory = scan_file("root", &compress.store(&twice));
        assert_eq!(located(&inventory), ROOT, "readers stop at the end");
        assert!(messages(&inventory).contains("another archive follows the end of this one"));
    }
    // What tapes leave behind is none.
    let inventory = scan_file("root", &[root_tar(), vec![b'x'; 2048]].concat());
    assert!(!messages(&inventory).contains("another archive"), "{}", messages(&inventory));
}

#[test]
fn a_tar_that_is_an_image_is_told() {
    let image = ImageBuilder::new("test:1").layer("COPY", &root_tar(), Compress::None);
    for archive in [ImageBuilder::tar(&image.docker_archive()), ImageBuilder::tar(&image.oci_layout())] {
        assert!(refusal("image.tar", &archive).ends_with("; use `scan image`"));
    }
}

#[test]
fn packages_of_pacman_and_apk_own_what_lies_in_them() {
    let inventory = scan_fixture("greeting.pkg.tar.zst");
    assert!(inventory.complete && inventory.source.kind == SourceKind::PackageFile, "{}", messages(&inventory));
    let [package, module] = &inventory.packages[..] else { panic!("{:?}", inventory.packages) };
    assert_eq!(package.purl.as_str(), "pkg:alpm/arch/greeting@1:2.1-3?arch=any");
    assert_eq!((module.facts.name.as_str(), module.owned_by.as_ref()), ("greeting-ui", Some(&package.id)));

    // As apk has it: a tar without its end, and another behind it, each compressed by itself.
    let record = "pkgname = busybox\npkgver = 1.36.1-r29\narch = x86_64\norigin = busybox\n";
    let control = LayerBuilder::new().file(".PKGINFO", record).build();
    let files = LayerBuilder::new().file("bin/busybox", "").build();
    let mut apk = Compress::Gzip.store(&control[..control.len() - 1024]);
    apk.extend(Compress::Gzip.store(&files));
    let inventory = scan_file("busybox.apk", &apk);
    assert!(inventory.complete, "{}", messages(&inventory));
    assert_eq!(inventory.packages[0].purl.as_str(), "pkg:apk/alpine/busybox@1.36.1-r29?arch=x86_64");
    assert_eq!(inventory.packages[0].facts.source.as_ref().unwrap().name, "busybox");

    let nameless = LayerBuilder::new().file(".PKGINFO", "pkgname = busybox\n").file("bin/busybox", "").build();
    let inventory = scan_file("busybox.apk", &Compress::Gzip.store(&nameless));
    assert!(!inventory.complete && messages(&inventory).contains("no version"), "{}", messages(&inventory));
}

#[test]
fn what_is_no_tree_is_refused_by_name() {
    let check = |bytes: &[u8], what: &str| {
        let refusal = refusal("file", bytes);
        assert!(refusal.contains(what), "{refusal}");
    };
    check(b"", "it is empty");
    check(b"not an image\n", "no archive, package or disk image of a form that is read; give a directory");
    check(&vec![0; 20_000], "no archive, package or disk image");
    check(&Compress::Gzip.store(&vec![0; 20_000]), "what is compressed in it is no tar archive; unpack it once");
    check(&Compress::Gzip.store(b"some text"), "what is compressed in it is no tar archive");
    check(b"BZh91AY&SY", "compressed with bzip2");
    check(b"7z\xbc\xaf\x27\x1c", "a 7z archive, which is not read; unpack it");
    check(b"KDMV\x01\0\0\0", "a VMDK disk image, which is not read; convert it with `qemu-img");
    check(b"!<arch>\nlib.o/          0           0     0     644     0         `\n", "no Debian package");
    // An empty archive is one.
    let empty = scan_file("empty.tar", &[0; 10 << 10]);
    assert!(empty.complete && empty.packages.is_empty());
}

#[test]
fn a_file_that_an_analyzer_wants_is_read_itself() {
    let inventory = scan_file("package.json", npm("app", "1.0.0").as_bytes());
    assert_eq!(
        (located(&inventory), inventory.source.kind),
        (vec!["app 1.0.0 package.json".to_owned()], SourceKind::File)
    );
}

#[test]
fn a_debian_package_is_itself_listed_and_owns_what_is_in_it() {
    let name = "python3-six_1.16.0-4_all.deb";
    let inventory = scan_fixture(name);
    let egg = "six 1.16.0 usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO +".to_owned();
    assert_eq!(located(&inventory), [format!("python3-six 1.16.0-4 {name}"), egg]);
    assert_eq!(inventory.source.kind, SourceKind::PackageFile);
    let six = &inventory.packages[0];
    assert_eq!(six.purl.as_str(), "pkg:deb/debian/python3-six@1.16.0-4?arch=all&upstream=six");
    assert_eq!(six.facts.licenses.iter().map(sekisho_model::License::as_str).collect::<Vec<_>>(), ["MIT"]);
    assert!(inventory.complete && inventory.os.is_none(), "{}", messages(&inventory));
}

fn deb(control: &str, data: &[u8], compress: Compress) -> Vec<u8> {
    let control = compress.store(&LayerBuilder::new().file("./control", control).build());
    ar(&[("debian-binary", b"2.0\n"), ("control.tar.x", &control), ("data.tar.x", &compress.store(data))])
}

const CONTROL: &str = "Package: a\nVersion: 1\nArchitecture: all\nSource: b (2)\n";

#[test]
fn what_is_wrong_with_a_debian_package_is_told() {
    let data = LayerBuilder::new().file("./srv/package.json", npm("app", "1.0.0")).build();
    for compress in [Compress::None, Compress::Gzip, Compress::Zstd] {
        let inventory = scan_file("a.deb", &deb(CONTROL, &data, compress));
        assert_eq!(located(&inventory), ["a 1 a.deb", "app 1.0.0 srv/package.json +"]);
        assert!(inventory.complete, "{}", messages(&inventory));
        let source = inventory.packages[0].facts.source.clone().unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("b", "2"));
    }
    let told = |bytes: &[u8], packages: usize, what: &str| {
        let inventory = scan_file("a.deb", bytes);
        assert_eq!(inventory.packages.len(), packages, "{what}");
        assert!(!inventory.complete && messages(&inventory).contains(what), "{what}: {}", messages(&inventory));
    };
    let control = LayerBuilder::new().file("control", CONTROL).build();
    let version: (&str, &[u8]) = ("debian-binary", b"2.0\n");
    told(&deb("no fields", &data, Compress::None), 1, "no deb822 field");
    told(&deb("", &data, Compress::None), 1, "names no package");
    told(&ar(&[version, ("control.tar", &control)]), 1, "it has no data.tar");
    told(&ar(&[version, ("data.tar", &data)]), 1, "it has no control.tar");
    told(&ar(&[("debian-binary", b"3.0\n"), ("control.tar", &control), ("data.tar", &data)]), 2, "version 2");
    let twice = ar(&[version, ("control.tar", &control), ("data.tar", &data), ("data.tar", &control)]);
    told(&twice, 2, "it has data.tar twice");
    let bzip2 = ar(&[version, ("control.tar", &control), ("data.tar.bz2", b"BZh91AY&SY")]);
    told(&bzip2, 1, "data.tar.bz2 is compressed with bzip2, which is not read");
    let negative =
        String::from_utf8_lossy(&ar(&[version, ("x", b"")])).replace("0         `", "-1        `").into_bytes();
    told(&negative, 0, "the archive is damaged");
    let many = [version].into_iter().chain([("x", &b""[..]); 100]).collect::<Vec<_>>();
    told(&ar(&many), 0, "more members than any package");
}

#[test]
fn a_package_of_rpm_is_itself_listed_and_owns_what_is_in_it() {
    for payload in ["plain", "gzip", "xz", "zstd"] {
        let name = format!("{payload}.rpm");
        let inventory = scan_fixture(&name);
        let below = "usr/lib/node_modules";
        assert_eq!(
            located(&inventory),
            [
                format!("sekisho-fixture 1:2.5-3.el9 {name}"),
                format!("alpha 1.0.0 {below}/alpha/package.json +"),
                format!("json-schema 0.2.3 {below}/json-schema/package.json +"),
                format!("json-schema 0.2.3 {below}/other/package.json +"),
            ]
        );
        assert_eq!(inventory.source.kind, SourceKind::PackageFile);
        assert!(inventory.complete, "{}", messages(&inventory));
        let facts = &inventory.packages[0].facts;
        let source = facts.source.clone().unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("sekisho-fixture", "2.5-3.el9"));
        assert_eq!((facts.arch.as_deref(), facts.supplier.as_deref()), (Some("noarch"), Some("Example")));
    }
    let inventory = scan_fixture("bzip2.rpm");
    assert_eq!(inventory.packages.len(), 1);
    assert!(messages(&inventory).contains("compressed with bzip2, which is not read") && !inventory.complete);
    let source = scan_fixture("source.rpm");
    assert_eq!(located(&source), ["sekisho-fixture 1:2.5-3.el9 source.rpm"]);
    assert_eq!(source.packages[0].facts.arch.as_deref(), Some("src"));
}

/// What precedes the payload of the package that is not compressed.
fn rpm_with(payload: &[u8]) -> Vec<u8> {
    let plain = fixture("plain.rpm");
    let start = plain.windows(6).position(|bytes| bytes == b"070701").unwrap();
    [&plain[..start], payload].concat()
}

fn cpio(entries: &[(&str, u32, u32, u32, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, inode, mode, links, content) in entries.iter().chain([&("TRAILER!!!", 0, 0, 1, &b""[..])]) {
        let (size, name_size) = (content.len(), name.len() + 1);
        out.extend(format!("070701{inode:08x}{mode:08x}{:08x}{:08x}{links:08x}{:08x}", 0, 0, 0).bytes());
        out.extend(format!("{size:08x}{:08x}{:08x}{:08x}{:08x}{name_size:08x}{:08x}", 0, 0, 0, 0, 0).bytes());
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend_from_slice(content);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

const FILE: u32 = 0o100_644;

#[test]
fn the_payload_of_rpm_does_not_hide_a_file() {
    let json = npm("app", "1.0.0");
    let json = json.as_bytes();
    let scan = |payload: &[u8]| scan_file("a.rpm", &rpm_with(payload));
    let found = |inventory: &Inventory| located(inventory)[1..].join(", ");
    let good = scan(&cpio(&[("./srv/package.json", 1, FILE, 1, json)]));
    assert_eq!((found(&good).as_str(), good.complete), ("app 1.0.0 srv/package.json", true));
    // The content is behind the last name; names without one at all are empty files.
    let linked = scan(&cpio(&[
        ("a/package.json", 1, FILE, 3, b""),
        ("c/package.json", 2, FILE, 2, b""),
        ("b/x", 1, FILE, 3, json),
        ("d/package.json", 1, FILE, 3, b""),
    ]));
    assert_eq!(found(&linked), "app 1.0.0 a/package.json");
    let up = scan(&cpio(&[("../../srv/package.json", 1, FILE, 1, json)]));
    assert_eq!(found(&up), "app 1.0.0 srv/package.json");

    let told = |payload: &[u8], what: &str| {
        let inventory = scan(payload);
        assert!(!inventory.complete && messages(&inventory).contains(what), "{what}: {}", messages(&inventory));
    };
    let whole = cpio(&[("srv/package.json", 1, FILE, 1, json)]);
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    told(&with(54, b"ffffffff"), "cut short");
    told(&with(94, b"ffffffff"), "a name that is too long");
    told(&with(94, b"00000003"), "a name without an end");
    told(&with(54, b"-0000001"), "a number that is none");
    told(&with(0, b"07070X"), "files of more than 4 GB, which is not read");
    let second = whole.len() - 124;
    told(&with(second, b"1"), "a header after srv/package.json is none of cpio");
    told(&whole[..whole.len() - 4], "cut short after srv/package.json");
    told(&[0; 512], "none of cpio");
    told(&cpio(&[(&"x/".repeat(5000), 1, FILE, 1, json)]), "limits.path_bytes");
    told(b"", "cut short at its start");
    told(&cpio(&[("a", 1, 0o120_777, 1, &[b'x'; 9000])]), "a link that is too long");
}

#[test]
fn disks_are_put_together_as_their_system_mounts_them() {
    let inventory = scan_fixture("whole.img");
    assert_eq!((located(&inventory), inventory.source.kind), (ROOT.map(str::to_owned).to_vec(), SourceKind::DiskImage));
    assert_eq!(codes(&inventory), [Code::TreeExcluded, Code::TreeExcluded]);
    for (name, data) in [("disk.img", 5), ("mbr.img", 6), ("disk.qcow2", 5), ("zstd.qcow2", 5), ("old.qcow2", 5)] {
        let inventory = scan_fixture(name);
        let [libc, minimist] = ROOT.map(str::to_owned);
        let other = format!("json-schema 0.2.3 partition-{data}/node_modules/other/package.json");
        assert_eq!(located(&inventory), [libc, other, minimist], "{name}");
        assert!(inventory.complete && inventory.os.is_some(), "{name}: {}", messages(&inventory));
    }
}

/// Where the partitions of `disk.img` begin.
const PARTITIONS: [usize; 5] = [40 * 512, 168 * 512, 424 * 512, 4520 * 512, 5032 * 512];

#[test]
fn what_of_a_disk_is_not_read_is_told() {
    let disk = fixture("disk.img");
    let told = |changes: &[(usize, &[u8])], what: &str| {
        let mut changed = disk.clone();
        for (at, bytes) in changes {
            changed[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        let inventory = scan_file("disk.img", &changed);
        assert!(!inventory.complete && messages(&inventory).contains(what), "{what}: {}", messages(&inventory));
    };
    let [loader, efi, root, var, data] = PARTITIONS;

    told(&[(data + 1080, b"\0\0"), (data, b"XFSB")], "partition 5 holds an XFS file system, which is not read");
    told(&[(data, b"LUKS\xba\xbe")], "a LUKS container, which is encrypted");
    told(&[(data + 512, b"LABELONE")], "a volume of LVM");
    told(&[(data + 0x10040, b"_BHRfS_M"), (data + 1080, b"\0\0")], "a btrfs file system");
    told(&[(data + 1080, b"\0\0")], "partition 5 holds no file system that is known");
    told(&[(efi + 54, b"FAT99   ")], "partition 2 holds no file system that is known");
    told(&[(loader + 1080, b"\x53\xef")], "partition 1 holds an ext4 file system that cannot be read");
    // Without its root, what is elsewhere is found and the rest is told.
    told(&[(root + 1080, b"\0\0")], "partition 3 holds no file system that is known");
    told(&[(var + 1024 + 0x18, &[40])], "its superblock is damaged");
    told(&[(var + 1024 + 0x20, &[0, 0, 0, 0])], "its superblock is damaged");
    told(&[(1024 + 2 * 128 + 40, &[0xff; 6])], "partition 3 does not lie in the disk as a whole");
    told(&[(1024 + 2 * 128 + 56, b"x")], "the checksums of its partition table do not hold");
    told(&[(512 + 80, &[0xff; 4])], "its partition table is damaged");
    told(&[(450, &[0x83])], "two partition tables");
    let fstab = b"/dev/sda4 /srv/x".as_slice();
    let mut moved = disk.clone();
    let at = moved.windows(5).position(|bytes| bytes == b"UUID=").unwrap();
    let at = moved[at + 1..].windows(5).position(|bytes| bytes == b"UUID=").unwrap() + at + 1;
    moved[at..at + fstab.len()].copy_from_slice(fstab);
    moved[at + fstab.len()] = b' ';
    let inventory = scan_file("disk.img", &moved);
    assert!(codes(&inventory).contains(&Code::SystemUncovered), "{}", messages(&inventory));
}

#[test]
fn a_disk_without_anything_at_its_beginning_may_have_more_behind_it() {
    // Version 2, clusters of 64 KiB, 2 MiB, with a first table of nothing.
    let mut image = vec![0; 1 << 17];
    for (at, value) in [(4, 2_u64 << 32), (20, 16 << 32), (24, 2 << 20), (36, 1 << 32), (40, 1 << 16)] {
        image[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }
    image[..4].copy_from_slice(b"QFI\xfb");
    let inventory = scan_file("blank.qcow2", &image);
    assert!(!inventory.complete && messages(&inventory).contains("neither partitions"), "{}", messages(&inventory));
}

/// What is missing of its files is told one by one; here nothing is.
#[test]
fn a_file_system_whose_end_is_missing_is_noted() {
    let whole = fixture("whole.img");
    let inventory = scan_file("whole.img", &whole[..whole.len() - 4096]);
    assert_eq!(located(&inventory), ROOT.map(str::to_owned));
    let message = "the disk is cut short: its file system has 4194304 bytes, of which 4190208 are there";
    assert!(inventory.complete && messages(&inventory).contains(message), "{}", messages(&inventory));
    assert!(!messages(&scan_fixture("whole.img")).contains("cut short"));
}

#[test]
fn chains_of_logical_partitions_end() {
    let mut disk = fixture("mbr.img");
    // The second link leads to the first again.
    let first = 4160 * 512;
    let at = first + 446 + 16 + 8;
    disk[at..at + 4].fill(0);
    let inventory = scan_file("mbr.img", &disk);
    assert!(messages(&inventory).contains("leads back into itself") && !inventory.complete, "{}", messages(&inventory));
    disk[first + 510] = 0;
    let inventory = scan_file("mbr.img", &disk);
    assert!(messages(&inventory).contains("logical partitions is damaged"), "{}", messages(&inventory));
}

#[test]
fn qcow2_images_that_are_not_read_are_told() {
    let image = fixture("disk.qcow2");
    let told = |changes: &[(usize, &[u8])], what: &str| {
        let mut changed = image.clone();
        for (at, bytes) in changes {
            changed[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        let inventory = scan_file("disk.qcow2", &changed);
        assert!(!inventory.complete && messages(&inventory).contains(what), "{what}: {}", messages(&inventory));
    };
    let over = scan_fixture("over.qcow2");
    assert!(!over.complete && messages(&over).contains("over another image (\"disk.qcow2\"), which is not opened"));
    told(&[(7, &[9])], "version 9");
    told(&[(35, &[2])], "it is encrypted");
    told(&[(79, &[1 << 1])], "marked as damaged");
    told(&[(79, &[1 << 2])], "in another file, which is not opened");
    told(&[(79, &[1 << 4])], "extended_l2");
    told(&[(79, &[1 << 5])], "features that are not read (0x20)");
    told(&[(23, &[8])], "the size of its clusters");
    told(&[(23, &[22])], "the size of its clusters");
    told(&[(24, &[0x7f])], "its first table is too short");
    told(&[(79, &[1 << 3]), (104, &[7])], "compressed by the method 7");
    // A table that leads to itself, and one behind the end.
    let first = u64::from_be_bytes(*image[40..].first_chunk().unwrap());
    let own = (first | 1 << 63).to_be_bytes();
    told(&[(first as usize, &own)], "");
    told(&[(first as usize, &[0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0, 0])], "cut short");
}

#[test]
fn damage_of_a_file_is_never_clean() {
    let names = ["python3-six_1.16.0-4_all.deb", "zstd.rpm", "plain.rpm", "whole.zip", "zstd.qcow2", "disk.img"];
    for name in names {
        let whole = fixture(name);
        let expect = scan_file(name, &whole).packages.len();
        let step = (whole.len() / 200).max(1) | 1;
        for cut in (0..whole.len()).step_by(step) {
            if let Ok(inventory) = try_scan(name, &whole[..cut], Limits::default()) {
                let all = inventory.packages.len() == expect;
                assert!(!inventory.complete || all, "{name} cut at {cut}: {}", messages(&inventory));
            }
        }
        let mut flipped = whole.clone();
        for at in (0..whole.len()).step_by(step) {
            flipped[at] ^= 1 << (at % 8);
            if let Ok(inventory) = try_scan(name, &flipped, Limits::default()) {
                // A directory may come to lie in itself.
                let many = inventory.packages.len() > 2 * expect + 2;
                assert!(!many || codes(&inventory).contains(&Code::LimitExceeded), "{name} flipped at {at}");
            }
            flipped[at] = whole[at];
        }
    }
}

#[test]
fn bombs_stop_at_the_limits() {
    let limits = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
    let zeros = LayerBuilder::new().file("srv/package.json", vec![b' '; 4 << 20]).build();
    for (name, bytes) in [
        ("a.tar.zst", Compress::Zstd.store(&zeros)),
        ("a.deb", deb(CONTROL, &zeros, Compress::Gzip)),
        ("a.rpm", rpm_with(&Compress::Zstd.store(&cpio(&[("srv/package.json", 1, FILE, 1, &vec![b' '; 4 << 20])])))),
    ] {
        let inventory = try_scan(name, &bytes, limits.clone()).unwrap();
        assert!(messages(&inventory).contains("limits.inflated_bytes"), "{name}: {}", messages(&inventory));
    }
    for (name, limits) in [
        ("whole.zip", Limits { inflated_bytes: 100, ..Limits::default() }),
        ("whole.zip", Limits { entries: 3, ..Limits::default() }),
        ("whole.img", Limits { entries: 3, ..Limits::default() }),
        ("zstd.rpm", Limits { entries: 3, ..Limits::default() }),
        ("whole.img", Limits { text_file_bytes: 3, ..Limits::default() }),
        ("whole.zip", Limits { text_file_bytes: 3, ..Limits::default() }),
        ("whole.img", Limits { path_depth: 2, ..Limits::default() }),
        ("whole.zip", Limits { path_bytes: 8, ..Limits::default() }),
    ] {
        let inventory = try_scan(name, &fixture(name), limits).unwrap();
        assert!(!inventory.complete && codes(&inventory).contains(&Code::LimitExceeded), "{}", messages(&inventory));
    }
}
