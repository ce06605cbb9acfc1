//! `cargo xtask bpf`: the compiled programs of the sensor, and whether they are what their sources say.
//!
//! The object is committed, so that nobody needs clang to build. Beside it stands by which clang and from which sources
//! it was made. A change of the sources without a new object is found everywhere; that the object is what this clang
//! makes of them, only where the very same clang is.

use crate::process::Run;
use anyhow::{Context, Result, bail};
use sekisho_base::hash;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const FOLDER: &str = "crates/sensor/bpf";
/// Each has its source beside it, `.c` in place of `.o`.
const OBJECTS: [&str; 3] = ["deny.bpf.o", "empty.bpf.o", "sensor.bpf.o"];
const RECORD: &str = "MADE";
/// No debugging information but that of types, which loading needs; the third instruction set, which every kernel with a
/// ring buffer has.
const FLAGS: [&str; 7] = ["-O2", "-g", "-mcpu=v3", "-target", "bpf", "-Wall", "-Werror"];

/// What `cargo xtask bpf` is asked for.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compile, and write the object and how it was made, by whatever clang is here
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let folder = root.join(FOLDER);
    if options.write {
        let clang = clang()?;
        for object in OBJECTS {
            let bytes = compile(&folder, object)?;
            fs::write(folder.join(object), &bytes).with_context(|| format!("cannot write {object}"))?;
            println!("{object}: {} bytes, by {clang}", bytes.len());
        }
        return fs::write(folder.join(RECORD), record(&folder, &clang)?).context("cannot write how they were made");
    }
    let said = fs::read_to_string(folder.join(RECORD)).context("cannot read how the objects were made")?;
    let made_by =
        said.lines().find_map(|line| line.strip_prefix("clang: ")).context("it does not say by which clang")?;
    if said != record(&folder, made_by)? {
        bail!("the objects are not of these sources: run `cargo xtask bpf --write`, where there is a clang");
    }
    match clang() {
        Ok(clang) if clang == made_by => {
            for object in OBJECTS {
                if compile(&folder, object)? != fs::read(folder.join(object))? {
                    bail!("{object} is not what {clang} makes of its sources");
                }
            }
            println!("the objects are what {clang} makes of the sources");
        }
        Ok(clang) => println!("SKIP: the objects were made by {made_by}, and here is {clang}"),
        Err(error) => println!("SKIP: the objects were made by {made_by}, and here is none: {error:#}"),
    }
    Ok(())
}

/// The first line of what clang says of itself.
fn clang() -> Result<String> {
    let said = Run::new("clang").args(["--version"]).read()?;
    Ok(said.lines().next().unwrap_or_default().trim().to_owned())
}

fn compile(folder: &Path, object: &str) -> Result<Vec<u8>> {
    let directory = tempdir(folder)?;
    let out = directory.join(object);
    // Where the sources are is not to be in the object.
    let names = format!("-ffile-prefix-map={}=.", folder.display());
    let (source, out_name) = (object.replace(".o", ".c"), out.display().to_string());
    let rest = [&names, "-D__TARGET_ARCH_x86", "-c", &source, "-o", &out_name];
    Run::new("clang").args(FLAGS.iter().chain(&rest)).dir(folder).read()?;
    Run::new("llvm-strip").args(["-g", &out_name]).read()?;
    let bytes = fs::read(&out).context("cannot read what was compiled")?;
    fs::remove_dir_all(&directory).context("cannot remove what was compiled")?;
    Ok(bytes)
}

/// A directory beside the build's output.
fn tempdir(folder: &Path) -> Result<std::path::PathBuf> {
    let root = folder.ancestors().nth(3).context("the sources are nowhere")?;
    let directory = root.join("target").join(format!("bpf-{}", std::process::id()));
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// How the objects were made, as it stands beside them.
fn record(folder: &Path, clang: &str) -> Result<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).context("cannot list the sources")? {
        names.push(entry.context("cannot list the sources")?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| [".c", ".h", ".o"].iter().any(|end| name.ends_with(end)));
    names.sort();
    let mut text = format!("clang: {clang}\nflags: {}\n", FLAGS.join(" "));
    for name in names {
        let bytes = fs::read(folder.join(&name)).with_context(|| format!("cannot read {name}"))?;
        let hash = hash::sha256(&bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}: {hash}");
    }
    Ok(text)
}
