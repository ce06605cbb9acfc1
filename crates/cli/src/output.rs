//! Where results go: standard output or a file.

use crate::error::CliError;
use sekisho_model::Code;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes `text` as it is to `file` or to standard output.
pub(crate) fn write(text: &str, file: Option<&Path>) -> Result<(), CliError> {
    let result = match file {
        Some(path) => std::fs::write(path, text),
        None => write_all(&mut io::stdout().lock(), text),
    };
    report(result, file)
}

/// Writes `text`, which holds ANSI styles, to `file` or to standard output. Styles are stripped unless
/// standard output is a terminal that shows them.
pub(crate) fn write_styled(text: &str, file: Option<&Path>) -> Result<(), CliError> {
    match file {
        Some(_) => write(&anstream::adapter::strip_str(text).to_string(), file),
        None => report(write_all(&mut anstream::stdout().lock(), text), None),
    }
}

fn write_all(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
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
