//! Progress on standard error, where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sekisho_scan::Progress;
use std::io::IsTerminal;

/// A bar of the bytes gone through; nothing where nobody watches.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar labelled `what`, counting bytes or, for trees of unknown size, entries.
    pub(crate) fn new(what: &'static str, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {spinner} {human_pos} entries, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        Self(bar)
    }
}

impl Progress for Bar {
    fn total(&self, bytes: u64) {
        let template = "{prefix} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("=> "));
        }
        self.0.set_length(bytes);
    }

    fn advance(&self, amount: u64) {
        self.0.inc(amount);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
