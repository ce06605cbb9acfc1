//! Errors as people see them: what was attempted, why it failed, what to do.

use sekisho_model::{Code, Exit};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

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
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(error) = source {
            causes.push(error.to_string());
            source = error.source();
        }
        Self { causes, ..Self::new(code, error.to_string()) }
    }

    /// Replaces the code's hint.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
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
        let hint = self.hint.as_deref().unwrap_or(self.code.hint());
        let _ = writeln!(text, "  {bold}hint{bold:#}: {hint}");
        // Nothing is left to be done when standard error is gone.
        let _ = anstream::stderr().write_all(text.as_bytes());
    }
}

impl From<sekisho_scan::ScanError> for CliError {
    fn from(error: sekisho_scan::ScanError) -> Self {
        Self::from_error(error.code(), &error)
    }
}
