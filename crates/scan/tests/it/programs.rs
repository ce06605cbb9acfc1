//! Programs that are told by their bytes, beside the packages of the system.

use super::*;
use sekisho_model::{Evidence, Package, PackageKind};

fn elf(text: &str) -> Vec<u8> {
    format!("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0{text}\0\0").into_bytes()
}

fn bash() -> Vec<u8> {
    elf("@(#)Bash version 5.2.15(1) release GNU")
}

fn stanza(name: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n")
}

fn scan_layers(layers: Vec<LayerBuilder>) -> Inventory {
    let add = |image: ImageBuilder, layer: LayerBuilder| image.layer("RUN x", &layer.build(), Compress::None);
    scan_image_of(&layers.into_iter().fold(ImageBuilder::new("test:1"), add), Limits::default())
}

/// The programs, and for each the name of its owner.
fn programs(inventory: &Inventory) -> Vec<(String, Option<String>)> {
    let owner = |package: &Package| {
        let id = package.owned_by.as_ref()?;
        Some(inventory.packages.iter().find(|other| other.id == *id).unwrap().facts.name.clone())
    };
    let generic = inventory.packages.iter().filter(|package| package.facts.kind == PackageKind::Generic);
    generic
        .map(|package| {
            assert_eq!(package.facts.evidence, Evidence::Inferred);
            (format!("{} {}", package.purl, package.location), owner(package))
        })
        .collect()
}

fn owned(program: &str, owner: &str) -> (String, Option<String>) {
    (program.to_owned(), Some(owner.to_owned()))
}

#[test]
fn programs_of_a_package_are_tied_to_it() {
    let program = "pkg:generic/bash@5.2.15 usr/bin/bash";
    // dpkg lists the place a package was built for, which a merged /usr moves.
    let dpkg = |list: &str| {
        LayerBuilder::new()
            .file("var/lib/dpkg/status", stanza("bash"))
            .file("var/lib/dpkg/info/bash.list", list)
            .symlink("bin", "usr/bin")
            .executable("usr/bin/bash", bash())
    };
    assert_eq!(programs(&scan_layers(vec![dpkg("/bin\n/bin/bash\n")])), [owned(program, "bash")]);
    assert_eq!(programs(&scan_layers(vec![dpkg("/usr/bin\n/usr/bin/bash\n")])), [owned(program, "bash")]);
    // Distroless images have a file of checksums for each package instead.
    let distroless = LayerBuilder::new()
        .file("var/lib/dpkg/status.d/bash", stanza("bash"))
        .file("var/lib/dpkg/status.d/bash.md5sums", "d41d8cd98f00b204e9800998ecf8427e  bin/bash\n")
        .symlink("bin", "usr/bin")
        .executable("usr/bin/bash", bash());
    assert_eq!(programs(&scan_layers(vec![distroless])), [owned(program, "bash")]);
    let apk = LayerBuilder::new()
        .file("lib/apk/db/installed", "P:bash\nV:5.2.15-r0\nA:x86_64\nF:bin\nR:bash\n\n")
        .executable("bin/bash", bash());
    assert_eq!(programs(&scan_layers(vec![apk])), [owned("pkg:generic/bash@5.2.15 bin/bash", "bash")]);
}

#[test]
fn programs_that_no_package_brought_stand_for_themselves() {
    let base = || {
        LayerBuilder::new()
            .file("var/lib/dpkg/status", stanza("bash"))
            .file("var/lib/dpkg/info/bash.list", "/bin\n/bin/bash\n")
            .executable("bin/bash", bash())
    };
    let beside = base().executable("opt/bin/bash", bash());
    let expect =
        [owned("pkg:generic/bash@5.2.15 bin/bash", "bash"), ("pkg:generic/bash@5.2.15 opt/bin/bash".into(), None)];
    assert_eq!(programs(&scan_layers(vec![beside])), expect);
    // What a later layer wrote over it is no longer the package's.
    let over = LayerBuilder::new().executable("bin/bash", elf("@(#)Bash version 5.3.1(1) release GNU"));
    let expect = [("pkg:generic/bash@5.3.1 bin/bash".to_owned(), None)];
    assert_eq!(programs(&scan_layers(vec![base(), over])), expect);
}

#[test]
fn files_of_one_program_are_one_package() {
    let openssl = || elf("\0OpenSSL 3.0.11 19 Sep 2023");
    let layer = LayerBuilder::new()
        .executable("usr/local/bin/openssl", openssl())
        .file("usr/local/lib/libcrypto.so.3", openssl())
        .hardlink("usr/local/lib/libcrypto.so.81", "usr/local/lib/libcrypto.so.3")
        .file("usr/local/lib/libcrypto.so.1.1", elf("\0OpenSSL 1.1.1w  11 Sep 2023"));
    let again = LayerBuilder::new().executable("opt/bin/openssl", openssl());
    let inventory = scan_layers(vec![layer, again]);
    let names: Vec<String> = programs(&inventory).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "pkg:generic/openssl@1.1.1w usr/local/lib/libcrypto.so.1.1",
            "pkg:generic/openssl@3.0.11 opt/bin/openssl",
            "pkg:generic/openssl@3.0.11 usr/local/bin/openssl",
        ]
    );
    let extra: Vec<_> = inventory.packages.iter().map(|package| package.facts.extra.clone()).collect();
    let places = "usr/local/lib/libcrypto.so.3, usr/local/lib/libcrypto.so.81";
    assert_eq!(extra, [vec![], vec![], vec![("also_at".to_owned(), places.to_owned())]]);
}

#[test]
fn names_that_are_links_hide_nothing() {
    let layer = LayerBuilder::new()
        .symlink("usr/bin/lua", "/etc/alternatives/lua-interpreter")
        .symlink("usr/bin/python3", "python3.11")
        .executable("bin/[", elf("BusyBox v1.36.1 (2024-01-01)"))
        .hardlink("bin/busybox", "bin/[")
        .hardlink("bin/wget", "bin/[");
    let inventory = scan_layers(vec![layer]);
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    assert_eq!(programs(&inventory), [("pkg:generic/busybox@1.36.1 bin/busybox".to_owned(), None)]);
}
