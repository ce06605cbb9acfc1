//! Where results go: standard output or a file.
//!
//! A regular file is written beside its place and renamed, so that a result that could not be written whole
//! neither destroys the one before nor passes for one.

use crate::error::{CliError, reason};
use sekisho_model::Code;
use sekisho_report::Out;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How a file is written.
enum Place {
    /// Beside the path, which is then taken; with the permissions of the file that was there.
    Renamed(NamedTempFile, PathBuf),
    /// Into what is there: a device, a pipe, or a file that another could not stand for, since it belongs to
    /// someone else, has further names, or lies where none can be made.
    Direct(File),
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let there = fs::metadata(path).ok();
        // What is below /dev may stand for an open file, whose place is not ours to change.
        let special = path.starts_with("/dev") || path.starts_with("/proc");
        if there.as_ref().is_some_and(|there| special || !there.is_file()) {
            return OpenOptions::new().write(true).open(path).map(Self::Direct);
        }
        // A link stays one: what it leads to is written.
        let path = if there.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        if there.is_none() && fs::symlink_metadata(&path).is_ok() {
            return File::create(&path).map(Self::Direct);
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mode = there.as_ref().map_or(0o666, Metadata::mode);
        let made = tempfile::Builder::new()
            .prefix(".sekisho-")
            .permissions(Permissions::from_mode(mode & 0o777))
            .tempfile_in(parent);
        let Some(there) = there else { return made.map(|file| Self::Renamed(file, path)) };
        // What may not be written may not be replaced either.
        let direct = OpenOptions::new().write(true).open(&path)?;
        match made {
            Ok(file) if alike(&there, &file.as_file().metadata()?) => Ok(Self::Renamed(file, path)),
            _ => Ok(Self::Direct(direct)),
        }
    }

    fn write(self, produce: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
        match &self {
            Self::Renamed(file, _) => fill(&mut file.as_file(), produce)?,
            Self::Direct(file) => {
                if file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                fill(&mut &*file, produce)?;
            }
        }
        match self {
            Self::Renamed(file, path) => file.persist(path).map(drop).map_err(|error| error.error),
            Self::Direct(_) => Ok(()),
        }
    }
}

/// Whether nobody could tell `new` in the place of `old` but by its content.
fn alike(old: &Metadata, new: &Metadata) -> bool {
    (old.uid(), old.gid(), old.nlink()) == (new.uid(), new.gid(), new.nlink())
}

fn fill(to: &mut dyn Write, produce: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = BufWriter::with_capacity(1 << 16, to);
    produce(&mut buffered)?;
    buffered.flush()
}

/// Says now what would keep the result from being written to `file` when the work is done. `inputs` are not
/// written over, neither themselves nor a file below one.
pub(crate) fn check(file: Option<&Path>, inputs: &[(&Path, &str)]) -> Result<(), CliError> {
    let Some(path) = file else { return Ok(()) };
    let replaced = inputs.iter().find_map(|(input, what)| Some((would_replace(path, input)?, what)));
    if let Some((part, what)) = replaced {
        let message = format!("cannot write the result to {}: it is {part}{what}", path.display());
        return Err(CliError::new(Code::UsageInvalid, message).hint("give another path with --output"));
    }
    // A pipe would take the opening for the whole result.
    match fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => Ok(()),
        // Nor is the target of a link made before there is something to write.
        Err(_) if fs::symlink_metadata(path).is_ok() => Ok(()),
        _ => Place::of(path).map(drop).map_err(|error| failed(file, &error)),
    }
}

/// Whether to write to `path` is to write over `input` or, for a directory, over a part of it.
fn would_replace(path: &Path, input: &Path) -> Option<&'static str> {
    let (there, given) = (fs::metadata(path).ok()?, fs::metadata(input).ok()?);
    if given.is_file() {
        return ((there.dev(), there.ino()) == (given.dev(), given.ino())).then_some("");
    }
    let (path, input) = (fs::canonicalize(path).ok()?, fs::canonicalize(input).ok()?);
    (there.is_file() && path.starts_with(input)).then_some("part of ")
}

/// Writes a document to `file` or to standard output, piece by piece as `produce` makes it.
pub(crate) fn write_with(
    file: Option<&Path>,
    produce: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> Result<(), CliError> {
    let result = match file {
        Some(path) => Place::of(path).and_then(|place| place.write(produce)),
        None => fill(&mut io::stdout().lock(), produce),
    };
    report(result, file)
}

/// Writes `text` as it is to `file` or to standard output.
pub(crate) fn write(text: &str, file: Option<&Path>) -> Result<(), CliError> {
    write_with(file, |to| to.write_all(text.as_bytes()))
}

/// Writes `text`, which holds ANSI styles, to `file` or to standard output. Styles are stripped unless
/// standard output is a terminal that shows them.
pub(crate) fn write_styled(text: &str, file: Option<&Path>) -> Result<(), CliError> {
    if file.is_some() {
        return write(&anstream::adapter::strip_str(text).to_string(), file);
    }
    let mut stdout = anstream::stdout().lock();
    report(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()), None)
}

/// Writes a line, which may hold ANSI styles, to standard error.
pub(crate) fn error_line(text: &str) {
    // Nothing is left to be done when standard error is gone.
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn report(result: io::Result<()>, file: Option<&Path>) -> Result<(), CliError> {
    match result {
        // `| head` has seen enough; that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && file.is_none() => Ok(()),
        other => other.map_err(|error| failed(file, &error)),
    }
}

fn failed(file: Option<&Path>, error: &io::Error) -> CliError {
    let place = file.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    CliError::new(Code::OutputFailed, format!("cannot write the result to {place}: {}", reason(error)))
}

/// The width for tables: the terminal's, none where the output is piped or goes to a file.
pub(crate) fn width(file: Option<&Path>) -> Option<u16> {
    if file.is_some() || !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| width.0)
}
