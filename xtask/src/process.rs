//! Running other programs and reading the environment.
//!
//! Every command runs with closed standard input, so nothing can wait for a person, and every way to fail
//! becomes one line that names the command. Knows no tool in particular except cargo itself.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// One command to run.
pub(crate) struct Run(Command);

impl Run {
    /// Run `program`, looked up in `PATH` unless it is a path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self(command)
    }

    /// The cargo that started this program, so that a `+toolchain` holds for everything below it.
    pub(crate) fn cargo() -> Self {
        Self::new(variable("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(key, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.0.current_dir(dir);
        self
    }

    /// Show the command, then run it with its output on ours.
    pub(crate) fn run(mut self) -> Result<()> {
        eprintln!("$ {}", self.line());
        let status = self.0.status().with_context(|| format!("cannot start `{}`", self.line()))?;
        if !status.success() {
            bail!("`{}` failed with {status}", self.line());
        }
        Ok(())
    }

    /// Run with all output in the file at `log`, and return whether the command succeeds.
    pub(crate) fn logged(mut self, log: &Path) -> Result<bool> {
        let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let copy = file.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let status = self.0.stdout(file).stderr(copy).status();
        Ok(status.with_context(|| format!("cannot start `{}`", self.line()))?.success())
    }

    /// Run silently and return what the command wrote to standard output; its standard error is in the error.
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self.0.output().with_context(|| format!("cannot start `{}`", self.line()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed with {}\n{}", self.line(), output.status, said.trim_end());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote what is not UTF-8", self.line()))
    }

    /// Whether the command can be started and succeeds.
    pub(crate) fn succeeds(mut self) -> bool {
        self.0.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// The command as a person would type it, the program without its folder.
    fn line(&self) -> String {
        let program = Path::new(self.0.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        let words: Vec<_> = std::iter::once(name).chain(self.0.get_args()).map(OsStr::to_string_lossy).collect();
        words.join(" ")
    }
}

/// An environment variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "xtask is configured by the environment of the build, not by ours")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder of the root `Cargo.toml`.
///
/// Read when running and not when compiling: two clones that share a target folder may share this binary.
pub(crate) fn workspace_root() -> Result<PathBuf> {
    let manifest =
        variable("CARGO_MANIFEST_DIR").context("CARGO_MANIFEST_DIR is not set: start me as `cargo xtask`")?;
    let root = Path::new(&manifest).parent().context("CARGO_MANIFEST_DIR has no parent folder")?;
    Ok(root.to_path_buf())
}

/// The folder into which cargo builds.
pub(crate) fn target_folder(root: &Path) -> Result<PathBuf> {
    let metadata = Run::cargo().args(["metadata", "--no-deps", "--format-version=1", "--locked"]).dir(root).read()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    metadata["target_directory"].as_str().map(PathBuf::from).context("cargo metadata names no target directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error = Run::new("/bin/sh").args(["-c", "echo broken >&2; exit 3"]).read().unwrap_err().to_string();
        assert!(error.starts_with("`sh -c echo broken >&2; exit 3` failed with exit status: 3"), "{error}");
        assert!(error.ends_with("\nbroken"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Run::new("sekisho-no-such-program").run().unwrap_err().to_string();
        assert_eq!(error, "cannot start `sekisho-no-such-program`");
        assert!(!Run::new("sekisho-no-such-program").succeeds());
    }

    #[test]
    fn standard_input_is_closed() {
        assert_eq!(Run::new("cat").read().unwrap(), "");
    }
}
