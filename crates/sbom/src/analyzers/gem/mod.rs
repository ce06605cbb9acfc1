//! Ruby gems: installed ones by the specification that `RubyGems` writes for each, declared ones by Bundler's lock file.

use crate::analyzer::Analyzer;
use sekisho_model::PackageKind;

mod gemspec;
mod lock;

/// Reads the specifications of installed gems, and of those that come with Ruby.
pub(crate) static INSTALLED: Analyzer = Analyzer {
    id: "gem-installed",
    title: "Ruby gems (specifications/*.gemspec)",
    kinds: &[PackageKind::Gem],
    paths: &["**/specifications/*.gemspec", "**/specifications/default/*.gemspec"],
    run: gemspec::run,
    ..Analyzer::NONE
};

/// Reads `Gemfile.lock`, which beside a `gems.rb` is `gems.locked`.
pub(crate) static LOCK: Analyzer = Analyzer {
    id: "gem-lock",
    version: 4,
    title: "Bundler lock files (Gemfile.lock, *.gemfile.lock, gems.locked)",
    kinds: &[PackageKind::Gem],
    paths: &["**/Gemfile.lock", "**/*.gemfile.lock", "**/gems.locked"],
    run: lock::run,
    ..Analyzer::NONE
};
