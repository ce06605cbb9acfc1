//! Errors as people see them: what was attempted, why it failed, what to do.

use crate::output::error_line;
use sekisho_model::{Code, Exit};
use sekisho_scan::{BaseError, ScanError};
use std::error::Error;
use std::fmt::Write as _;
use std::io;

/// An error that ends a command.
#[derive(Debug)]
pub(crate) struct CliError {
    code: Code,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

impl CliError {
    /// An error with a code; its hint is the code's.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// An error of a library, with the chain of its sources.
    pub(crate) fn from_error(code: Code, error: &dyn Error) -> Self {
        Self::new(code, error.to_string()).because(error)
    }

    /// Adds the chain of sources of `error`, whose own text is in the message.
    fn because(mut self, error: &dyn Error) -> Self {
        let mut source = error.source();
        while let Some(error) = source {
            self.causes.push(error.downcast_ref::<io::Error>().map_or_else(|| error.to_string(), reason));
            source = error.source();
        }
        self
    }

    /// Replaces the code's hint.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What kind of error it is.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What it says, without its causes.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        self.code.exit()
    }

    /// Writes the error to standard error.
    pub(crate) fn print(&self) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let bold = anstyle::Style::new().bold();
        let mut text =
            format!("{red}error{red:#}{bold}[{}]{bold:#}: {}\n", self.code, sekisho_report::printable(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  because: {}", sekisho_report::printable(cause));
        }
        let hint = sekisho_report::printable(self.hint.as_deref().unwrap_or(self.code.hint()));
        let _ = write!(text, "  {bold}hint{bold:#}: {hint}");
        error_line(&text);
    }
}

/// What the operating system said, in the words of the rest of the program.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}

impl From<ScanError> for CliError {
    fn from(error: ScanError) -> Self {
        let told = Self::new(error.code(), error.to_string());
        let told = match &error {
            ScanError::Image { error, .. } => told.because(error),
            _ => told.because(&error),
        };
        Self { hint: error.hint(), ..told }
    }
}

impl From<BaseError> for CliError {
    fn from(error: BaseError) -> Self {
        let told = Self::new(error.code(), error.to_string());
        let told = match &error {
            BaseError::Image { error, .. } => told.because(error),
            _ => told.because(&error),
        };
        Self { hint: error.hint(), ..told }
    }
}
