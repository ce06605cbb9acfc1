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

/// A bar of bytes that come over the network, whose number grows as more becomes known.
pub(crate) struct Bytes(ProgressBar);

impl Bytes {
    /// A bar labelled `what`; nothing where nobody watches.
    pub(crate) fn new(what: &'static str, global: &Global) -> Self {
        if global.quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let template = "{prefix} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        Self(bar)
    }
}

impl sekisho_feeds::Progress for Bytes {
    fn expects(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
