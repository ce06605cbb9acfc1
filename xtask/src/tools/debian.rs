//! Installing a Debian package when its probe says that it is missing.

use anyhow::{Result, bail};

use super::Package;
use crate::process::Run;

/// Install `package` unless what it provides is there already.
pub(super) fn install(package: &Package) -> Result<()> {
    let Some((program, args)) = package.probe.split_first() else { bail!("{} has no probe", package.name) };
    let present = || Run::new(program).args(args).succeeds();
    if present() {
        return Ok(());
    }
    println!("installing {} with apt-get: {}", package.name, package.why);
    if !Run::new("apt-get").args(["--version"]).succeeds() {
        bail!("{} is missing and there is no apt-get: make `{}` work", package.name, package.probe.join(" "));
    }
    let install = || apt_get(&["install", "--yes", "--no-install-recommends", package.name]);
    // The package lists may be missing or stale; fetching them takes longer than most packages, so only then.
    if install()?.run().is_err() {
        apt_get(&["update"])?.run()?;
        install()?.run()?;
    }
    if !present() {
        bail!("{} is installed, but `{}` still fails", package.name, package.probe.join(" "));
    }
    Ok(())
}

/// `apt-get` as root, without a question.
fn apt_get(args: &[&str]) -> Result<Run> {
    let quiet = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"];
    let run = if Run::new("id").args(["-u"]).read()?.trim() == "0" {
        Run::new("env").args(quiet)
    } else {
        Run::new("sudo").args(["--non-interactive", "env"]).args(quiet)
    };
    Ok(run.args(args))
}
