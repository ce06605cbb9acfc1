//! Where results go: standard output or a file.

use crate::error::CliError;
use sekisho_model::Code;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

/// Writes a document to `file` or to standard output, piece by piece as `produce` makes it.
pub(crate) fn write_with(
    file: Option<&Path>,
    produce: impl FnOnce(&mut BufWriter<Box<dyn Write>>) -> io::Result<()>,
) -> Result<(), CliError> {
    let target: io::Result<Box<dyn Write>> = match file {
        Some(path) => File::create(path).map(|file| Box::new(file) as _),
        None => Ok(Box::new(io::stdout().lock())),
    };
    let result = target.and_then(|target| {
        let mut buffered = BufWriter::with_capacity(1 << 16, target);
        produce(&mut buffered)?;
        buffered.flush()
    });
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

fn report(result: io::Result<()>, file: Option<&Path>) -> Result<(), CliError> {
    match result {
        // `| head` has seen enough; that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && file.is_none() => Ok(()),
        Err(error) => {
            let place = file.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
            Err(CliError::new(Code::OutputFailed, format!("cannot write the result to {place}: {error}")))
        }
        Ok(()) => Ok(()),
    }
}

/// The width for tables: the terminal's, none where the output is piped or goes to a file.
pub(crate) fn width(file: Option<&Path>) -> Option<u16> {
    if file.is_some() || !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| width.0)
}
