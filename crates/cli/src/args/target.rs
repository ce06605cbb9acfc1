//! What is scanned, described or judged.

use clap::Args;
use sekisho_model::Platform;
use std::path::{Path, PathBuf};

/// What to scan, when it is an image.
#[derive(Debug, Args)]
pub(crate) struct ImageTarget {
    /// A docker archive (docker save), an OCI layout directory, or a tar of one, archives also compressed with gzip, zstd
    /// or xz; or, where there is no such file, an image of a registry as docker names it: `registry.example.org/app:1.0`,
    /// `nginx`. `docker://` before it leaves files out of account; `containerd:` and `containers-storage:` or `podman:`
    /// before a name or an id lead to the store of that engine on this machine
    #[arg(value_name = "IMAGE")]
    pub(crate) path: PathBuf,

    /// Which image, where the archive holds several: a name, a tag or a digest
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,

    /// Platform to choose from a multi-platform image, as os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,

    /// A base image to recognise: an image, or a TOML list of known bases; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) base: Vec<PathBuf>,

    /// `attached`: adds what only SBOMs name that the OCI layout or the registry holds about the image
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) sbom: Option<SbomChoice>,

    /// Take any certificate from the image's registry, and plain http where it speaks no TLS
    #[arg(long)]
    pub(crate) insecure: bool,

    /// The root directory of the store that `containerd:` or `containers-storage:` leads to
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) store: Option<PathBuf>,

    /// Hash local files again even if they seem unchanged
    #[arg(long)]
    pub(crate) rehash: bool,

    /// Neither read nor write the layer cache
    #[arg(long)]
    pub(crate) no_cache: bool,

    /// Layers to read at the same time; 0 for one a processor
    #[arg(long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub(crate) jobs: Option<usize>,
}

/// SBOMs that packages are taken from beside the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SbomChoice {
    /// What a layout or registry holds about the image.
    Attached,
}

impl ImageTarget {
    /// The first of the options given that an image is read by, and a document not.
    pub(crate) fn of_images_only(&self) -> Option<&'static str> {
        let Self { path: _, image, platform, base, sbom, insecure, store, rehash, no_cache: _, jobs: _ } = self;
        let given = [
            (image.is_some(), "--image"),
            (platform.is_some(), "--platform"),
            (!base.is_empty(), "--base"),
            (sbom.is_some(), "--sbom"),
            (*insecure, "--insecure"),
            (store.is_some(), "--store"),
            (*rehash, "--rehash"),
        ];
        given.into_iter().find_map(|(given, name)| given.then_some(name))
    }

    /// The image at `path`, read as it is read when nothing else is said.
    pub(crate) fn of(path: &Path, platform: Option<Platform>) -> Self {
        Self {
            path: path.to_owned(),
            image: None,
            platform,
            base: Vec::new(),
            sbom: None,
            insecure: false,
            store: None,
            rehash: false,
            no_cache: false,
            jobs: None,
        }
    }
}

/// An image of which the layers may be shown one by one.
#[derive(Debug, Args)]
pub(crate) struct LayeredTarget {
    #[command(flatten)]
    pub(crate) image: ImageTarget,

    /// Also list packages that only lower layers hold, and what removed them
    #[arg(long)]
    pub(crate) all_layers: bool,

    /// Also list the files of packages of the operating system (JSON only), by which `detect run --inventory` tells what is in use
    #[arg(long)]
    pub(crate) package_files: bool,
}

/// What to scan, when it is a directory.
#[derive(Debug, Args)]
pub(crate) struct FsTarget {
    /// A directory (`/` for this machine), or a file: a tar or zip archive, a .deb, .rpm, .apk or pacman package, a raw or qcow2 disk image
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// Go into other file systems mounted below it
    #[arg(long)]
    pub(crate) cross_file_systems: bool,
}

/// What to read, when it is a document.
#[derive(Debug, Args)]
pub(crate) struct DocumentTarget {
    /// CycloneDX 1.2 to 1.7, SPDX 2.2 or 2.3 or Syft's own form, all as JSON; or the JSON of a scan or an inventory; `-` for
    /// standard input
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
}

/// What to read, when it is several documents.
#[derive(Debug, Args)]
pub(crate) struct DocumentTargets {
    /// As `sekisho sbom convert` reads them; of one distribution, where they have packages of any
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) paths: Vec<PathBuf>,
}

/// The number of jobs in an argument.
fn jobs(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "a whole number is expected")
}
