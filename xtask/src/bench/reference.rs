//! The reference image: a Debian base, Python and npm packages, a Go program, and whiteouts.
//!
//! Built once and kept in the cache, in three packings. The language packages are pinned; the Debian
//! base is whatever its release holds on the day, so figures compare within one run only.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder};

use crate::process::Run;
use crate::tools;

/// Raised when the recipe changes.
const RECIPE: &str = "reference-1";

const DEBIAN: &str = "python3,python3-pip,nodejs,npm,git,curl,ca-certificates";
const PYTHON: &[&str] = &[
    "numpy==2.2.6",
    "pandas==2.2.3",
    "matplotlib==3.10.3",
    "requests==2.32.3",
    "flask==3.1.1",
    "django==5.2.1",
    "sqlalchemy==2.0.41",
    "boto3==1.38.23",
    "cryptography==45.0.3",
    "pillow==11.2.1",
];
const NPM: &[&str] = &[
    "express@4.21.2",
    "webpack@5.99.9",
    "typescript@5.8.3",
    "react@19.1.0",
    "react-dom@19.1.0",
    "@babel/core@7.27.1",
    "eslint@9.27.0",
    "jest@29.7.0",
    "lodash@4.17.21",
    "axios@1.9.0",
];
/// A Go program of some sixty modules that a registry carries.
const GO: &str = "lefthook-linux-x64@1.11.13";

fn folder() -> Result<PathBuf> {
    Ok(tools::cache_folder("bench")?.join(RECIPE))
}

/// Builds the image in this process.
pub(super) fn build_here() -> Result<()> {
    let folder = folder()?;
    let reference = Reference::new(&folder);
    if !reference.small.is_dir() {
        tools::install(&["bench"])?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        println!("building the reference image; this takes some minutes");
        reference.build(&folder)?;
    }
    println!("the reference image is in {}", folder.display());
    Ok(())
}

/// The reference image in its packings.
pub(super) struct Reference {
    /// A docker archive of plain layers.
    pub(super) plain: PathBuf,
    /// An OCI layout of gzip layers.
    pub(super) gzip: PathBuf,
    /// An OCI layout of zstd layers.
    pub(super) zstd: PathBuf,
    /// Only the Debian base, gzip, to see how cost grows.
    pub(super) small: PathBuf,
}

impl Reference {
    fn new(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name);
        Self { plain: path("plain.tar"), gzip: path("gzip"), zstd: path("zstd"), small: path("small") }
    }

    /// The image, built if the cache does not hold it.
    ///
    /// A process of its own builds it: the kernel counts what a parent had in memory towards the peak of
    /// its children, and the image is built in memory.
    pub(super) fn prepare() -> Result<Self> {
        Run::new(std::env::current_exe()?).args(["bench", "reference"]).run()?;
        Ok(Self::new(&folder()?))
    }

    fn build(&self, folder: &Path) -> Result<()> {
        let base = folder.join("base.tar");
        if !base.is_file() {
            let partial = folder.join("base.partial.tar");
            Run::new("mmdebstrap")
                .args(["--variant=minbase", &format!("--include={DEBIAN}"), "bookworm"])
                .args([&partial])
                .run()?;
            fs::rename(&partial, &base)?;
        }
        let base = fs::read(&base).with_context(|| format!("cannot read {}", base.display()))?;
        let python = LayerBuilder::new().tree("usr/local/lib/python3.11/dist-packages", &python(folder)?).build();
        let npm = LayerBuilder::new().tree("srv/app", &npm(folder, "npm", NPM)?).build();
        let go = npm_binary(folder)?;
        let go = LayerBuilder::new().executable("usr/local/bin/lefthook", go).build();
        let gone = LayerBuilder::new()
            .whiteout("usr/local/lib/python3.11/dist-packages/flask")
            .whiteout("srv/app/node_modules/lodash")
            .build();
        let full = |compress| {
            ImageBuilder::new("reference:1")
                .layer("ADD debian", &base, compress)
                .step("CMD [\"bash\"]")
                .layer("RUN pip install", &python, compress)
                .layer("COPY app", &npm, compress)
                .layer("COPY lefthook", &go, compress)
                .layer("RUN rm", &gone, compress)
        };
        ImageBuilder::write_tar(&full(Compress::None).docker_archive(), &self.plain);
        ImageBuilder::write_directory(&full(Compress::Gzip).oci_layout(), &self.gzip);
        ImageBuilder::write_directory(&full(Compress::Zstd).oci_layout(), &self.zstd);
        // Written last: it tells that the others are there.
        let small = ImageBuilder::new("reference:small").layer("ADD debian", &base, Compress::Gzip);
        ImageBuilder::write_directory(&small.oci_layout(), &self.small);
        Ok(())
    }
}

fn python(folder: &Path) -> Result<PathBuf> {
    let target = folder.join("python");
    // For the Debian release's Python, whatever this machine's own is.
    Run::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"])
        .args(["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", "--upgrade"])
        .args(["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"])
        .args(["--target"])
        .args([&target])
        .args(PYTHON)
        .run()?;
    Ok(target)
}

fn npm(folder: &Path, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let target = folder.join(name);
    fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
    fs::write(target.join("package.json"), "{\"name\":\"reference\",\"version\":\"1.0.0\",\"private\":true}\n")?;
    Run::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", "--prefix"])
        .args([&target])
        .args(packages)
        .dir(&target)
        .run()?;
    Ok(target)
}

fn npm_binary(folder: &Path) -> Result<Vec<u8>> {
    let path = npm(folder, "go", &[GO])?.join("node_modules/lefthook-linux-x64/bin/lefthook");
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}
