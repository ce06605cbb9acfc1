//! The arguments of `detect baseline`.

use super::detect::RulesOption;
use super::{CommonArguments, EXIT_CODES, JsonOrTable, SURROUNDINGS};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Learn what containers do, from a capture or on this host, and write baselines
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Learn(Box<BaselineLearnArguments>),
    /// Show baselines: what is in them, who did it, since when, and how far they can be relied on
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Show(BaselineShowArguments),
    /// Put baselines together: of replicas, hosts and days, in any order
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Merge(BaselineMergeArguments),
    /// Lock baselines: they grow no more, and what is outside of them should not be
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Lock(BaselineLockArguments),
    /// Let locked baselines grow again
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Unlock(BaselineUnlockArguments),
    /// Tell what in a capture or on this host is outside of locked baselines
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Drift(Box<BaselineDriftArguments>),
    /// Write locked baselines as rules in Falco's language, or one as a profile of seccomp
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Export(BaselineExportArguments),
}

/// Events of a capture or of this host.
#[derive(Debug, Args)]
pub(crate) struct WatchedArguments {
    /// A capture (scap), as `detect replay` takes it; `-` for standard input; without one this host is watched
    #[arg(value_name = "CAPTURE")]
    pub(crate) capture: Option<PathBuf>,

    /// Watch this host for so many seconds, and not until it is stopped
    #[arg(long, short = 'M', value_name = "SECONDS", conflicts_with = "capture")]
    pub(crate) seconds: Option<u64>,

    /// Memory for events of this host that wait to be looked at, in MiB; rounded up to a power of two
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) buffer: u32,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineLearnArguments {
    #[command(flatten)]
    pub(crate) watched: WatchedArguments,

    /// For how many seconds containers are to be watched until their baseline can be relied on
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) window: u64,

    /// Learn system calls too: the kernel then tells every one of the whole host
    #[arg(long)]
    pub(crate) calls: bool,

    /// Learn also what runs in no container
    #[arg(long)]
    pub(crate) host: bool,

    #[command(flatten)]
    pub(crate) rules: RulesOption,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Which baselines of a document.
#[derive(Debug, Args)]
pub(crate) struct WhichOption {
    /// Only of this image, as containers name it
    #[arg(long, value_name = "IMAGE", help_heading = "Which baselines")]
    pub(crate) image: Option<String>,

    /// Only of containers of this name
    #[arg(long, value_name = "NAME", help_heading = "Which baselines")]
    pub(crate) container: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineShowArguments {
    /// A document of baselines; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) which: WhichOption,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineMergeArguments {
    /// Documents of baselines
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Take all baselines of an image for those of containers of this name, where engines make names up; `*` stands for all
    /// containers of the image that have no baseline of their own
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,

    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlertedEntries {
    /// Lock nothing that has any
    Refuse,
    /// Take them out
    Drop,
    /// They are as they should be
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeastConfidence {
    /// Any: also where the window is not over
    Low,
    /// The window is over, and nothing was lost
    Medium,
    /// Several containers were watched, and there was nothing new for a quarter of the time
    High,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineLockArguments {
    /// A document of baselines; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) which: WhichOption,

    /// How far they have to be relied on at least
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub(crate) confidence: LeastConfidence,

    /// What is done about entries that detection rules alerted on while they were learned
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub(crate) alerted: AlertedEntries,

    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineUnlockArguments {
    /// A document of baselines; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) which: WhichOption,

    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineDriftArguments {
    /// A document of baselines
    #[arg(value_name = "BASELINES")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) watched: WatchedArguments,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaselineFormat {
    /// Rules in Falco's language, which alert on what is outside
    Falco,
    /// A profile of seccomp for Docker, podman and containerd, of one baseline that knows calls
    Seccomp,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineExportArguments {
    /// A document of baselines; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) which: WhichOption,

    /// What is written
    #[arg(long, short, value_name = "FORMAT", default_value = "falco")]
    pub(crate) format: BaselineFormat,

    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
