//! Progress on standard error, where that is a terminal.

use crate::args::Global;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sekisho_scan::Progress;
use std::io::{IsTerminal, Write};

/// A bar of the bytes gone through; nothing where nobody watches.
pub(crate) struct Bar {
    bar: ProgressBar,
    verbose: bool,
}

impl Bar {
    /// A bar labelled `what`, counting bytes or, for trees of unknown size, entries.
    pub(crate) fn new(what: &'static str, global: &Global) -> Self {
        let verbose = global.verbose;
        if global.quiet || !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), verbose };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {spinner} {human_pos} entries, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        Self { bar, verbose }
    }
}

impl Progress for Bar {
    fn total(&self, bytes: u64) {
        let template = "{prefix} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_length(bytes);
    }

    fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }

    fn spilled(&self, bytes: u64) {
        if self.verbose {
            // Nothing is left to be done when standard error is gone.
            let _ = writeln!(anstream::stderr(), "temporary files: {bytes} bytes");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
