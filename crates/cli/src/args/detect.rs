//! The arguments of `detect`.

use super::baseline::BaselineCommand;
use super::{CommonArguments, EXIT_CODES, JsonOrTable, RegistryArguments, SURROUNDINGS};
use clap::{Args, Subcommand, ValueEnum};
use sekisho_detect::Priority;
use sekisho_report::Language;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum DetectCommand {
    /// Watch this host and tell what rules say of it, until it is stopped
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Run(Box<RunArguments>),
    /// Tell what rules say of recorded events: a capture of system calls, or audit events of Kubernetes
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Replay(Box<ReplayArguments>),
    /// Learn what containers do, and tell what is outside of that
    #[command(subcommand, after_help = EXIT_CODES)]
    Baseline(BaselineCommand),
    /// Check, list, show and explain rules
    #[command(subcommand, after_help = EXIT_CODES)]
    Rules(RulesCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Say what is wrong with rules, or doubtful
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Lint(RulesLintArguments),
    /// List rules
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    List(RulesListArguments),
    /// Show one rule whole: what it asks, with lists and macros put in, for which events, and what it tells
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Show(RulesShowArguments),
    /// Show part by part why a rule holds for a recorded event, or does not
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Explain(RulesExplainArguments),
    /// Get rules out of a registry, as falcoctl distributes them
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Pull(RulesPullArguments),
    /// List the rules that are blind, since nothing fills a field or tells an event that they ask for
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Coverage(RulesListArguments),
}

/// Rules that are loaded.
#[derive(Debug, Clone, Args)]
pub(crate) struct RulesOption {
    /// Files of rules in Falco's language, or directories of such, loaded in this order; without it the rules that ship
    #[arg(long, short, value_name = "FILE", num_args = 1.., help_heading = "Rules")]
    pub(crate) rules: Vec<PathBuf>,

    /// Alert also on what is outside of the locked baselines in this document; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    pub(crate) baseline: Vec<PathBuf>,

    /// Refuse rules that ask for a field which nothing can fill, rather than leave them undecided
    #[arg(long, help_heading = "Rules")]
    pub(crate) refuse_blind: bool,
}

/// Policies that are asked beside the rules.
#[derive(Debug, Clone, Args)]
pub(crate) struct RuntimePolicies {
    /// Policies of the stage `runtime` to ask beside the rules: a file or a directory, of this program or of `StackRox`; may be
    /// repeated
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    pub(crate) policy: Vec<PathBuf>,

    /// Which of the policies that ship to ask as well: baseline, restricted, nist-800-190 or ci; `all`; without it none
    #[arg(long, value_name = "NAME", help_heading = "Policies")]
    pub(crate) profile: Option<String>,
}

/// The same, for commands about rules alone.
#[derive(Debug, Args)]
pub(crate) struct RuleFiles {
    /// Files of rules in Falco's language, or directories of such, loaded in this order; without it the rules that ship
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// The same
    #[arg(long, short, value_name = "FILE", num_args = 1.., hide = true, conflicts_with = "files")]
    pub(crate) rules: Vec<PathBuf>,

    /// Refuse rules that ask for a field which nothing can fill, rather than leave them undecided
    #[arg(long)]
    pub(crate) refuse_blind: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RulesPullArguments {
    /// `HOST[:PORT]/NAME[:TAG][@DIGEST]` in a registry, or `oci:DIRECTORY[:TAG]`; the tag is `latest` where none is given.
    /// Logins are those of docker and podman
    #[arg(value_name = "REFERENCE")]
    pub(crate) place: String,

    /// The directory to put the files of rules into
    #[arg(long, short, value_name = "DIRECTORY", default_value = ".")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) registry: RegistryArguments,
}

/// Which of the rules run.
#[derive(Debug, Args)]
pub(crate) struct SelectedOption {
    /// Run only rules with this tag, also those that are off by themselves; may be repeated
    #[arg(long, short, value_name = "TAG", help_heading = "Rules")]
    pub(crate) tag: Vec<String>,

    /// Run no rules with this tag; may be repeated
    #[arg(long, short = 'T', value_name = "TAG", help_heading = "Rules")]
    pub(crate) disable_tag: Vec<String>,

    /// Run no rules with this in their names; where it has a `*`, which stands for anything, it is the whole name; may
    /// be repeated
    #[arg(long, short = 'D', value_name = "NAME", help_heading = "Rules")]
    pub(crate) disable_rule: Vec<String>,

    /// Run rules with this name, in which `*` stands for anything, whatever else switches them off; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Rules")]
    pub(crate) enable_rule: Vec<String>,

    /// Run only rules at least this urgent: emergency, alert, critical, error, warning, notice, informational or debug
    #[arg(long, value_name = "PRIORITY", value_parser = priority, help_heading = "Rules")]
    pub(crate) priority: Option<Priority>,

    /// Which of several rules that match an event alert
    #[arg(long, value_name = "WHICH", default_value = "first", help_heading = "Rules")]
    pub(crate) rule_matching: RuleMatching,
}

/// How alerts are told.
#[derive(Debug, Args)]
pub(crate) struct AlertsOption {
    /// How alerts are written, one a line
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: AlertFormat,

    /// Write times with their date, as 2016-08-04T16:17:57.882054739+0000
    #[arg(long)]
    pub(crate) iso_time: bool,

    /// Say at the end how many alerts each rule gave
    #[arg(long)]
    pub(crate) count: bool,
}

/// Events that were recorded.
#[derive(Debug, Args)]
pub(crate) struct RecordedArguments {
    /// A capture (scap) as Falco and sysdig write them, or audit events of Kubernetes in JSON, compressed or not; `-` for
    /// standard input
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,

    /// What the events are
    #[arg(long, value_name = "SOURCE", default_value = "syscall")]
    pub(crate) source: EventSource,

    /// Where a capture tells entering and leaving a call apart, judge leaving only, with what entering told, as Falco
    /// does since it records no more than that
    #[arg(long)]
    pub(crate) exit_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    #[command(flatten)]
    pub(crate) recorded: RecordedArguments,

    #[command(flatten)]
    pub(crate) rules: RulesOption,

    #[command(flatten)]
    pub(crate) policies: RuntimePolicies,

    #[command(flatten)]
    pub(crate) selected: SelectedOption,

    /// Judge all events, also those that Falco leaves out unless asked; in a recording all are judged always
    #[arg(long, short = 'A')]
    pub(crate) all_events: bool,

    #[command(flatten)]
    pub(crate) alerts: AlertsOption,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) rules: RulesOption,

    #[command(flatten)]
    pub(crate) policies: RuntimePolicies,

    #[command(flatten)]
    pub(crate) selected: SelectedOption,

    /// Give rules that name no type of events also calls that are very frequent, such as reading and writing; those that
    /// name such a type get them anyway
    #[arg(long, short = 'A')]
    pub(crate) all_events: bool,

    #[command(flatten)]
    pub(crate) alerts: AlertsOption,

    /// Act on alerts, and keep things from happening, as this file says; a file that does not say `mode: enforce` only
    /// rehearses
    #[arg(long, value_name = "FILE", help_heading = "Response")]
    pub(crate) respond: Option<PathBuf>,

    /// Inventories of images (`scan image --format json --package-files`), or a directory of such: alerts say which package a
    /// program is of; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Packages")]
    pub(crate) inventory: Vec<PathBuf>,

    /// Write at the end which packages of the images of `--inventory` are in use
    #[arg(long, value_name = "FILE", requires = "inventory", help_heading = "Packages")]
    pub(crate) in_use: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) capture: CaptureOption,

    /// End after so many seconds
    #[arg(long, short = 'M', value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,

    /// Memory for events that wait to be judged, in MiB; rounded up to a power of two. A quarter of that, and at least 4, is beside it for
    /// programs and processes
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) buffer: u32,

    /// Append alerts to this file instead of writing them to standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// What is watched: the system calls of this host, or the audit events that an API server posts to `/k8s-audit`
    #[arg(long, value_name = "SOURCE", default_value = "syscall")]
    pub(crate) source: EventSource,

    /// Where audit events are posted to, if not at 127.0.0.1:9765
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Serving")]
    pub(crate) listen: Option<String>,

    /// The certificate to listen with, and those above it, as PEM; without it posts are taken in the clear
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Serving")]
    pub(crate) certificate: Option<PathBuf>,

    /// The key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "certificate", help_heading = "Serving")]
    pub(crate) key: Option<PathBuf>,

    /// Show what is counted as metrics of Prometheus, at `/metrics` there
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Serving")]
    pub(crate) listen_metrics: Option<String>,
}

/// What is recorded of alerts.
#[derive(Debug, Args)]
pub(crate) struct CaptureOption {
    /// Record what was just before each alert and what came after as a capture (scap) in this directory
    #[arg(long, value_name = "DIRECTORY", help_heading = "Captures")]
    pub(crate) capture: Option<PathBuf>,

    /// Which alerts are recorded; without it all
    #[arg(long, value_name = "WHICH", help_heading = "Captures")]
    pub(crate) capture_mode: Option<CaptureMode>,

    /// How many seconds before an alert a capture begins, if not 5
    #[arg(long, value_name = "SECONDS", help_heading = "Captures")]
    pub(crate) capture_before: Option<u32>,

    /// How many milliseconds after an alert it goes on, if not 5000 and the rule does not say otherwise (`capture_duration`)
    #[arg(long, value_name = "MILLISECONDS", help_heading = "Captures")]
    pub(crate) capture_duration: Option<u32>,

    /// Memory for the events before an alert, in MiB, if not 16
    #[arg(long, value_name = "MIB", help_heading = "Captures", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) capture_memory: Option<u32>,

    /// How large a capture becomes at most, in MiB, if not 64 and the rule does not say otherwise (`capture_filesize`)
    #[arg(long, value_name = "MIB", help_heading = "Captures")]
    pub(crate) capture_filesize: Option<u32>,

    /// How many captures are made at most, if not 100; alerts beyond that are only told
    #[arg(long, value_name = "NUMBER", help_heading = "Captures")]
    pub(crate) capture_files: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaptureMode {
    /// All
    #[value(name = "all_rules")]
    AllRules,
    /// Those of rules that say `capture: true`
    Rules,
}

impl CaptureMode {
    /// As settings write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AllRules => "all_rules",
            Self::Rules => "rules",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RulesLintArguments {
    #[command(flatten)]
    pub(crate) files: RuleFiles,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,
}

#[derive(Debug, Args)]
pub(crate) struct RulesListArguments {
    #[command(flatten)]
    pub(crate) files: RuleFiles,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,

    /// Language of the names of rules that ship: en or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: Language,
}

#[derive(Debug, Args)]
pub(crate) struct RulesShowArguments {
    /// Its name
    #[arg(value_name = "RULE")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) list: RulesListArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RulesExplainArguments {
    /// Its name
    #[arg(value_name = "RULE")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) recorded: RecordedArguments,

    #[command(flatten)]
    pub(crate) rules: RulesOption,

    /// The number of the event; without it, the first for which the rule holds, or else the first for which that cannot
    /// be told, or else the first that the rule looks at
    #[arg(long, value_name = "NUMBER")]
    pub(crate) event: Option<u64>,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventSource {
    /// System calls, in a capture
    Syscall,
    /// Audit events of Kubernetes
    #[value(name = "k8s_audit")]
    K8sAudit,
}

impl EventSource {
    /// How rules name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Syscall => "syscall",
            Self::K8sAudit => "k8s_audit",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleMatching {
    /// The first in the order of the files
    First,
    /// All
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlertFormat {
    /// As Falco writes lines of text
    Text,
    /// As Falco writes JSON
    Json,
}

fn priority(text: &str) -> Result<Priority, String> {
    let known = || Priority::ALL.map(|priority| priority.as_str().to_lowercase()).join(", ");
    Priority::of(text).ok_or_else(|| format!("{} are", known()))
}
