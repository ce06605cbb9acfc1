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
    say("making a base image and an application image on top of it, as `docker save` would write them");
    ImageBuilder::write_tar(&on_base(root, "example.org/base:12").docker_oci_archive(), &base);
    ImageBuilder::write_tar(&app_image(root).docker_oci_archive(), &app);

    let scan = |words: &[&str]| Run::new(&sekisho).args(words).dir(&demo).run();
    say("what is in the application image, and which of it came with the base?");
    scan(&["scan", "image", "app.tar", "--base", "base.tar"])?;
    say("reading the table: LAYER names the layer that brought a package, and whether it is the base's or\n\
         the application's; FOUND IN is the file that says so. Packages of one language that belong to a\n\
         system package (python3-six) are counted once, under that package.");
    say("what did later layers remove? It is still in the image for whoever pulls it:");
    scan(&[
        "scan",
        "image",
        "app.tar",
        "--base",
        "base.tar",
        "--all-layers",
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
    match scan(&["scan", "image", "damaged.tar", "--output", "damaged.txt"]) {
        Err(error) if error.to_string().ends_with("exit status: 3") => {}
        Err(error) => return Err(error),
        Ok(()) => bail!("a damaged image passed"),
    }
    say(&format!(
        "try it on your own: {} scan image IMAGE.tar, or scan fs /\n\
         docs/guide has the rest, in English and Japanese",
        sekisho.display()
    ));
    Ok(())
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
    let six = "python/fixtures/debian-12/usr/lib/python3/dist-packages/six-1.16.0.egg-info";
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

fn app_image(root: &Path) -> ImageBuilder {
    let status = fs::read_to_string(fixture(root, "dpkg/fixtures/status/debian-12").join(STATUS)).unwrap_or_default();
    let installed = LayerBuilder::new().file(STATUS, status.trim_end().to_owned() + "\n" + SIX).build();
    let python = LayerBuilder::new().fixture("", &fixture(root, "python/fixtures/pip-target")).build();
    let npm = LayerBuilder::new()
        .fixture("", &fixture(root, "npm/fixtures/installed/npm-install"))
        .fixture("", &fixture(root, "npm/fixtures/lock/v3"))
        .build();
    let go = LayerBuilder::new().fixture("", &fixture(root, "golang/fixtures/elf64")).build();
    let gone = LayerBuilder::new()
        .whiteout("srv/node_modules/left-pad")
        .whiteout("usr/local/lib/python3.11/site-packages/setuptools/_vendor")
        .build();
    on_base(root, "example.org/app:1.0")
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
    for gone in document["removed"].as_array().into_iter().flatten() {
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
