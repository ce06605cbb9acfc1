//! The tree of commands and their arguments.

mod admission;
mod baseline;
mod check;
mod db;
mod detect;
mod hub;
mod target;

pub(crate) use admission::{AdmissionCommand, ManifestsArguments, ServeArguments};
pub(crate) use baseline::{
    AlertedEntries, BaselineCommand, BaselineDriftArguments, BaselineExportArguments, BaselineFormat,
    BaselineLearnArguments, BaselineLockArguments, BaselineMergeArguments, BaselineShowArguments,
    BaselineUnlockArguments, LeastConfidence, WatchedArguments, WhichOption,
};
pub(crate) use check::{
    CheckCommand, CheckFormat, CheckImageArguments, CheckManifestArguments, CheckReportArguments, PolicyChoice,
    PolicyCommand, PolicyConvertArguments, PolicyExplainArguments, PolicyFiles, PolicyForm, PolicyListArguments,
    PolicyShowArguments, VerdictArguments,
};

pub(crate) use db::{
    DbCommand, ImportArguments, PullArguments, PushArguments, ReevaluateArguments, RegistryArguments, RemoveArguments,
    StatusArguments, UpdateArguments, VercmpArguments,
};
pub(crate) use detect::{
    AlertFormat, AlertsOption, CaptureMode, DetectCommand, EventSource, RecordedArguments, ReplayArguments, RuleFiles,
    RuleMatching, RulesCommand, RulesExplainArguments, RulesLintArguments, RulesListArguments, RulesOption,
    RulesPullArguments, RulesShowArguments, RunArguments, RuntimePolicies, SelectedOption,
};
pub(crate) use hub::{
    HubAuditCommand, HubCommand, HubList, HubListArguments, HubLoginArguments, HubPart, HubPushArguments,
    HubServeArguments, HubShown, HubTokenCommand, HubUserCommand, HubWhoArguments,
};
pub(crate) use target::{DocumentTarget, DocumentTargets, FsTarget, ImageTarget, LayeredTarget, SbomChoice};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use sekisho_model::{Platform, Severity};
use sekisho_report::Language;
use sekisho_report::formats::{FORMATS, Format, format};
use std::path::PathBuf;

// A macro, so that it can stand in a longer text.
macro_rules! exit_codes {
    () => {
        "Exit codes: 0 done, and everything that was asked for was read; 1 a gate or policy said no; 2 what was asked \
         for cannot be: command line, configuration, or a path or image that does not exist or is none; 3 not \
         completed: something was unreadable, damaged or beyond a limit (see --allow-incomplete), or the result could \
         not be written."
    };
}

const EXIT_CODES: &str = exit_codes!();

const SURROUNDINGS: &str = concat!(
    exit_codes!(),
    "\n\nFiles: the configuration is the file given with --config, else the one in $SEKISHO_CONFIG, else \
     sekisho/config.toml in $XDG_CONFIG_HOME or ~/.config, else /etc/sekisho/config.toml. What was found in layers is \
     kept in sekisho in $XDG_CACHE_HOME or ~/.cache.\n\n\
     Environment: SEKISHO_AREA__KEY overrides the setting area.key; `sekisho config show` lists all. NO_COLOR and \
     CLICOLOR_FORCE switch colour, TMPDIR is the default of scan.temporary, SOURCE_DATE_EPOCH the time that results carry."
);

/// Guards containers through their whole life.
#[derive(Debug, Parser)]
#[command(
    name = "sekisho",
    version,
    about = "Guards containers through their whole life: image, registry, orchestrator, container, host",
    after_help = EXIT_CODES,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) global: Global,
}

/// Arguments of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Configuration file, instead of the usual places
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,

    /// When to colour output
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Global options")]
    pub(crate) color: Option<ColorWhen>,

    /// Show no progress
    #[arg(long, short, global = true, help_heading = "Global options", conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say how much went to temporary files
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On terminals, unless `NO_COLOR` is set
    Auto,
    /// Into files and pipes too
    Always,
    /// Not at all
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find out what is in an image or a file system
    #[command(subcommand, after_help = EXIT_CODES)]
    Scan(ScanCommand),
    /// Write, convert, merge and compare software bills of materials
    #[command(subcommand, after_help = EXIT_CODES)]
    Sbom(SbomCommand),
    /// Judge images and manifests by policies
    #[command(subcommand, after_help = EXIT_CODES)]
    Check(CheckCommand),
    /// List, show, check, test and convert policies
    #[command(subcommand, after_help = EXIT_CODES)]
    Policy(PolicyCommand),
    /// Judge what is about to run in a cluster, before it does
    #[command(subcommand, after_help = EXIT_CODES)]
    Admission(AdmissionCommand),
    /// Watch for what should not happen at run time
    #[command(subcommand, after_help = EXIT_CODES)]
    Detect(DetectCommand),
    /// Keep what scans find on any machine, and ask who has what
    #[command(subcommand, after_help = EXIT_CODES)]
    Hub(HubCommand),
    /// Show which packages and vulnerabilities one image or SBOM has and another has not
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Diff(DiffArguments),
    /// Work with advisories
    #[command(subcommand, after_help = EXIT_CODES)]
    Db(DbCommand),
    /// Inspect the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a completion script for a shell to standard output
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory
    Man {
        /// The directory, which is made if it does not exist
        directory: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScanCommand {
    /// List the packages of an image, each with its layer, file, licence and package URL, and their vulnerabilities
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Image(ScanArguments<LayeredTarget>),
    /// List the packages of a root file system, directory, archive, package or disk image, and their vulnerabilities
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Fs(ScanArguments<FsTarget>),
    /// List the packages of an SBOM or of the JSON of a scan, and look for their vulnerabilities anew
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Sbom(ScanArguments<DocumentTarget>),
    /// Show and judge what an earlier scan found, of this program, Trivy or Grype
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Report(ReportArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SbomCommand {
    /// Describe an image
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Image(SbomArguments<ImageTarget>),
    /// Describe a root file system, directory, archive, package or disk image
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Fs(SbomArguments<FsTarget>),
    /// Write an SBOM in another format
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Convert(SbomArguments<DocumentTarget>),
    /// Put several SBOMs into one
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Merge(SbomArguments<DocumentTargets>),
    /// Show which packages one SBOM has and another has not; `sekisho diff` compares vulnerabilities as well
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Diff(PackageDiffArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting, its value and where the value comes from
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Show,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArguments<T: Args> {
    #[command(flatten)]
    pub(crate) target: T,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = scan_format())]
    pub(crate) format: ScanFormat,

    /// Language of pages for people (html): en or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: Language,

    #[command(flatten)]
    pub(crate) vulnerabilities: VulnerabilityArguments,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SbomArguments<T: Args> {
    #[command(flatten)]
    pub(crate) target: T,

    /// SBOM format
    #[arg(long, short, value_name = "FORMAT", default_value = "cyclonedx")]
    pub(crate) format: SbomFormat,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The report, in JSON
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = scan_format())]
    pub(crate) format: ScanFormat,

    /// Language of pages for people (html): en or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: Language,

    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,

    #[command(flatten)]
    pub(crate) gate: GateArguments,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// By what vulnerabilities are found, and which of them are too many.
#[derive(Debug, Args)]
pub(crate) struct VulnerabilityArguments {
    /// A database file in place of the configured one; `demo` for some notorious vulnerabilities that come with the
    /// program, to try it out; `none` to look for no vulnerabilities
    #[arg(long, value_name = "FILE", help_heading = "Vulnerabilities")]
    pub(crate) db: Option<DatabaseChoice>,

    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,

    /// Show for one vulnerability which packages were compared with what, and by whose word, and nothing else
    #[arg(
        long,
        value_name = "ID",
        help_heading = "Vulnerabilities",
        conflicts_with_all = ["format", "fail_on", "fail_on_new", "ignore_unfixed", "only_kev", "epss_above"]
    )]
    pub(crate) explain: Option<String>,

    #[command(flatten)]
    pub(crate) gate: GateArguments,
}

/// Which findings are too many.
#[derive(Debug, Args)]
pub(crate) struct GateArguments {
    /// Exit with 1 if a finding is this severe or worse: negligible, low, medium, high or critical; `unknown` for any
    #[arg(long, value_name = "SEVERITY", help_heading = "Gate")]
    pub(crate) fail_on: Option<Severity>,

    /// Exit with 1 only for what BASELINE does not have: an image, an archive or layout of one, an SBOM, or the JSON of
    /// a scan
    #[arg(long, value_name = "BASELINE", help_heading = "Gate")]
    pub(crate) fail_on_new: Option<PathBuf>,

    /// Let pass what is not fixed: findings for which there is no version without them
    #[arg(long, help_heading = "Gate")]
    pub(crate) ignore_unfixed: bool,

    /// Let pass what is not known to be exploited (CISA's catalogue)
    #[arg(long, help_heading = "Gate")]
    pub(crate) only_kev: bool,

    /// Let pass what is unlikely to be exploited within 30 days: an EPSS probability up to this, 0 to 1
    #[arg(long, value_name = "PROBABILITY", value_parser = probability, help_heading = "Gate")]
    pub(crate) epss_above: Option<f32>,
}

/// Who answers for findings that count for no gate.
#[derive(Debug, Args)]
pub(crate) struct SuppressionArguments {
    /// A VEX document to believe (OpenVEX, CycloneDX or CSAF); `embedded` for those that lie in the image itself
    /// (*.vex.json), `attached` for those that an OCI layout or the registry holds about it; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Vulnerabilities")]
    pub(crate) vex: Vec<VexChoice>,

    /// Exceptions, as TOML with reason, owner and end of each, or what Trivy or Grype ignore (.trivyignore,
    /// .trivyignore.yaml, .grype.yaml); may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Vulnerabilities")]
    pub(crate) exceptions: Vec<PathBuf>,
}

/// A VEX document that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VexChoice {
    /// One in a file.
    File(PathBuf),
    /// Those in the image.
    Embedded,
    /// Those beside the image, in its layout.
    Attached,
}

impl From<&str> for VexChoice {
    fn from(text: &str) -> Self {
        match text {
            "embedded" => Self::Embedded,
            "attached" => Self::Attached,
            path => Self::File(path.into()),
        }
    }
}

/// The database that vulnerabilities are found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseChoice {
    /// A file.
    File(PathBuf),
    /// What comes with the program.
    Demo,
    /// None is to be used.
    None,
}

impl From<&str> for DatabaseChoice {
    fn from(text: &str) -> Self {
        match text {
            "demo" => Self::Demo,
            "none" => Self::None,
            path => Self::File(path.into()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CommonArguments {
    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Exit with 0 even when the result is incomplete
    #[arg(long)]
    pub(crate) allow_incomplete: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) packages: PackageDiffArguments,

    /// A database file in place of the configured one; `demo` for some notorious vulnerabilities that come with the
    /// program; `none` to look for no vulnerabilities
    #[arg(long, value_name = "FILE", help_heading = "Vulnerabilities")]
    pub(crate) db: Option<DatabaseChoice>,

    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,
}

/// Two things whose packages are compared.
#[derive(Debug, Args)]
pub(crate) struct PackageDiffArguments {
    /// What to compare with: an image, a directory, an SBOM, or the JSON of a scan, whose packages are judged anew
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// What to compare: the same
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    /// Platform to choose from multi-platform images, as os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// How a scan is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ScanFormat {
    /// In tables.
    Table,
    /// As a document.
    Document(&'static Format),
}

fn scan_format() -> impl TypedValueParser<Value = ScanFormat> {
    let table = std::iter::once(PossibleValue::new("table").help("for people, in a terminal"));
    let documents = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.title));
    PossibleValuesParser::new(table.chain(documents)).map(|name| match format(&name) {
        Some(format) => ScanFormat::Document(format),
        None => ScanFormat::Table,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JsonOrTable {
    /// For people
    Table,
    /// A JSON document
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SbomFormat {
    /// CycloneDX 1.6 JSON
    Cyclonedx,
    /// SPDX 2.3 JSON
    Spdx,
    /// The inventory, schema sekisho.inventory/v1
    Json,
}

/// The command tree, for manual pages, completions and documentation.
pub fn command_tree() -> clap::Command {
    Arguments::command()
}

/// A probability in an argument.
fn probability(text: &str) -> Result<f32, &'static str> {
    text.parse().ok().filter(|value| (0.0..=1.0).contains(value)).ok_or("a number from 0 to 1 is expected")
}
