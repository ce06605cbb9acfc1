//! `cargo xtask demo`: from a fresh clone to a scanned image, with a word on what is seen.
//!
//! The image is built by the project's own builder from the real files that the analyzers are tested
//! with, so it needs no network, no root and no container engine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder};

use crate::process::{Run, target_folder};
use crate::tools;

const FIXTURES: &str = "crates/sbom/src/analyzers";

pub(crate) fn run(root: &Path) -> Result<()> {
    tools::install(&["demo"])?;
    say("building sekisho for release; the first time takes some minutes");
    Run::cargo().args(["build", "--release", "--locked", "--package", "sekisho"]).dir(root).run()?;
    let target = target_folder(root)?;
    let demo = target.join("demo");
    fs::create_dir_all(&demo).with_context(|| format!("cannot create {}", demo.display()))?;
    let sekisho = target.join("release/sekisho");
    let base = demo.join("base.tar");
    let app = demo.join("app.tar");
    say("making a base image and two releases of an application on top of it, as `docker save` would write them");
    ImageBuilder::write_tar(&on_base(root, "example.org/base:12").docker_oci_archive(), &base);
    ImageBuilder::write_tar(&app_image(root, &OLD).docker_oci_archive(), &demo.join("app-0.9.tar"));
    ImageBuilder::write_tar(&app_image(root, &NEW).docker_oci_archive(), &app);

    let scan = |words: &[&str]| Run::new(&sekisho).args(words).dir(&demo).run();
    say("what is in the application image, which of it came with the base, and what is vulnerable? With --db demo\n\
         only some notorious vulnerabilities are known, which come with the program; `sekisho db` makes a real database");
    scan(&["scan", "image", "app.tar", "--base", "base.tar", "--db", "demo"])?;
    say("reading the table: LAYER names the layer that brought a package, and whether it is the base's or\n\
         the application's; FOUND IN is the file that says so. Packages of one language that belong to a\n\
         system package (python3-six) are counted once, under that package. Vulnerabilities come with the version\n\
         that mends them, and with what is known of attacks.");
    say("why does it say so? The package, the range, the comparison and the source:");
    scan(&["scan", "image", "app-0.9.tar", "--db", "demo", "--explain", "CVE-2023-4863"])?;
    say("what has the upgrade from 0.9 removed, and what has it brought?");
    scan(&["diff", "app-0.9.tar", "app.tar", "--db", "demo"])?;
    say("a gate for pipelines: 0.9 is refused for what can be mended and is known to be exploited, exit code 1");
    let gate = ["scan", "image", "app-0.9.tar", "--db", "demo", "--output", "app-0.9.txt", "--ignore-unfixed"];
    ends_with(scan(&[&gate[..], &["--only-kev"]].concat()), 1)?;
    say("what did later layers remove? It is still in the image for whoever pulls it:");
    scan(&[
        "scan",
        "image",
        "app.tar",
        "--base",
        "base.tar",
        "--all-layers",
        "--db",
        "none",
        "--format",
        "json",
        "--output",
        "app.json",
    ])?;
    removed(&demo.join("app.json"))?;
    say("the same as a CycloneDX SBOM, the same bytes every time:");
    scan(&["sbom", "image", "app.tar", "--format", "cyclonedx", "--output", "app.cdx.json"])?;
    println!("  {}", demo.join("app.cdx.json").display());
    say("and an image that was damaged while it was copied: what can be read is shown, what could not be is\n\
         named in the table and, as it goes to a file here, on standard error, and the exit code is 3, so that no pipeline takes it for clean");
    let mut bytes = fs::read(&app).with_context(|| format!("cannot read {}", app.display()))?;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 512].fill(0);
    fs::write(demo.join("damaged.tar"), bytes)?;
    ends_with(scan(&["scan", "image", "damaged.tar", "--db", "none", "--output", "damaged.txt"]), 3)?;
    say(&format!(
        "try it on your own: {} scan image IMAGE.tar, or scan fs /\n\
         docs/guide has the rest, in English and Japanese",
        sekisho.display()
    ));
    Ok(())
}

/// Expects that a command ended with this exit code.
fn ends_with(result: Result<()>, code: i32) -> Result<()> {
    match result {
        Err(error) if error.to_string().ends_with(&format!("exit status: {code}")) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => bail!("the command passed, which was to end with {code}"),
    }
}

fn say(text: &str) {
    println!("\n## {}", text.replace('\n', "\n## "));
}

fn fixture(root: &Path, path: &str) -> PathBuf {
    root.join(FIXTURES).join(path)
}

/// A system package that owns a Python distribution.
const SIX: &str =
    "\nPackage: python3-six\nStatus: install ok installed\nArchitecture: all\nSource: six\nVersion: 1.16.0-4\n";
const SIX_FILES: &str = "/.\n/usr/lib/python3/dist-packages/six-1.16.0.egg-info\n/usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO\n";
const STATUS: &str = "var/lib/dpkg/status";

fn base_layer(root: &Path) -> Vec<u8> {
    let six = "python/fixtures/installed/debian-12/usr/lib/python3/dist-packages/six-1.16.0.egg-info";
    LayerBuilder::new()
        .fixture("", &fixture(root, "os_release/fixtures/debian-12"))
        .fixture("", &fixture(root, "dpkg/fixtures/status/debian-12"))
        .fixture("", &fixture(root, "dpkg/fixtures/files/debian-12"))
        .fixture("", &fixture(root, "dpkg/fixtures/copyright/machine-readable"))
        .fixture("", &fixture(root, "dpkg/fixtures/copyright/prose"))
        .fixture("usr/lib/python3/dist-packages/six-1.16.0.egg-info", &fixture(root, six))
        .file("var/lib/dpkg/info/python3-six.list", SIX_FILES)
        .build()
}

fn on_base(root: &Path, name: &str) -> ImageBuilder {
    ImageBuilder::new(name).layer("ADD rootfs.tar /", &base_layer(root), Compress::Gzip).step("CMD [\"bash\"]")
}

/// What one release of the application has beside what both have: packages and their versions.
struct Release {
    name: &'static str,
    /// Package, source package, version.
    debian: [(&'static str, &'static str, &'static str); 3],
    python: [(&'static str, &'static str); 3],
    npm: [(&'static str, &'static str); 2],
}

/// Versions that the news were full of.
const OLD: Release = Release {
    name: "example.org/app:0.9",
    debian: [
        ("libwebp7", "libwebp", "1.2.4-0.2"),
        ("openssh-server", "openssh", "1:9.2p1-2+deb12u2"),
        ("libnghttp2-14", "nghttp2", "1.52.0-1"),
    ],
    python: [("Django", "3.2.12"), ("PyYAML", "5.3.1"), ("urllib3", "1.26.4")],
    npm: [("lodash", "4.17.15"), ("jquery", "3.4.1")],
};

/// The same after an upgrade.
const NEW: Release = Release {
    name: "example.org/app:1.0",
    debian: [
        ("libwebp7", "libwebp", "1.2.4-0.2+deb12u1"),
        ("openssh-server", "openssh", "1:9.2p1-2+deb12u3"),
        ("libnghttp2-14", "nghttp2", "1.52.0-1+deb12u2"),
    ],
    python: [("Django", "4.2.24"), ("PyYAML", "6.0.2"), ("urllib3", "2.5.0")],
    npm: [("lodash", "4.17.21"), ("jquery", "3.7.1")],
};

fn app_image(root: &Path, release: &Release) -> ImageBuilder {
    let mut status =
        fs::read_to_string(fixture(root, "dpkg/fixtures/status/debian-12").join(STATUS)).unwrap_or_default();
    status = status.trim_end().to_owned() + "\n" + SIX;
    for (package, source, version) in release.debian {
        let installed = "Status: install ok installed\nArchitecture: amd64";
        status.extend(["\nPackage: ", package, "\n", installed, "\nSource: ", source, "\nVersion: ", version, "\n"]);
    }
    status.push('\n');
    let installed = LayerBuilder::new().file(STATUS, status).build();
    let mut python = LayerBuilder::new().fixture("", &fixture(root, "python/fixtures/installed/pip-target"));
    for (name, version) in release.python {
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n");
        let folder = format!("usr/local/lib/python3.11/site-packages/{name}-{version}.dist-info");
        python = python.file(&format!("{folder}/METADATA"), metadata);
    }
    let python = python.build();
    let mut npm = LayerBuilder::new()
        .fixture("", &fixture(root, "npm/fixtures/installed/npm-install"))
        .fixture("", &fixture(root, "npm/fixtures/lock/v3"));
    for (name, version) in release.npm {
        let manifest = format!(r#"{{"name":"{name}","version":"{version}","license":"MIT"}}"#);
        npm = npm.file(&format!("srv/node_modules/{name}/package.json"), manifest);
    }
    let npm = npm.build();
    let go = LayerBuilder::new().fixture("", &fixture(root, "golang/fixtures/elf64")).build();
    let gone = LayerBuilder::new()
        .whiteout("srv/node_modules/left-pad")
        .whiteout("usr/local/lib/python3.11/site-packages/setuptools/_vendor")
        .build();
    on_base(root, release.name)
        .layer("RUN apt-get install --yes python3-six", &installed, Compress::Gzip)
        .layer("RUN pip install --requirement requirements.txt", &python, Compress::Zstd)
        .layer("COPY app /srv", &npm, Compress::Gzip)
        .layer("COPY bin /usr/bin", &go, Compress::Zstd)
        .layer("RUN rm --recursive left-pad setuptools/_vendor", &gone, Compress::None)
        .step("CMD [\"node\", \"/srv\"]")
}

/// Lists what the JSON says was removed.
fn removed(path: &Path) -> Result<()> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let document: serde_json::Value = serde_json::from_slice(&text)?;
    for gone in document["inventory"]["removed"].as_array().into_iter().flatten() {
        let field = |name: &str| gone[name].as_str().unwrap_or("?");
        println!(
            "  {} {} (layer {}, removed in {})",
            field("name"),
            field("version"),
            gone["layer"],
            gone["removed_in"]
        );
    }
    Ok(())
}
