//! The tree of commands and their arguments.

mod admission;
mod check;

pub(crate) use admission::{AdmissionCommand, ManifestsArguments, ServeArguments};
pub(crate) use check::{
    CheckCommand, CheckFormat, CheckImageArguments, CheckManifestArguments, PolicyChoice, PolicyCommand,
    PolicyConvertArguments, PolicyExplainArguments, PolicyFiles, PolicyForm, PolicyListArguments, PolicyShowArguments,
    VerdictArguments,
};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use sekisho_advisory::ecosystem::{Ecosystem, scheme_named};
use sekisho_model::{Platform, Severity};
use sekisho_report::Language;
use sekisho_report::formats::{FORMATS, Format, format};
use std::path::{Path, PathBuf};

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
pub(crate) enum DbCommand {
    /// Fetch advisories from where they are published, and build the database anew if any changed
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Update(UpdateArguments),
    /// Take advisories from files, archives and directories, and build the database anew
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Import(ImportArguments),
    /// Forget what was taken from sources, and build the database anew from the rest
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Remove(RemoveArguments),
    /// Show what the database holds, of which feeds, and how old it is
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Status(StatusArguments),
    /// Hand the database on to a registry, or into a directory in the OCI layout
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Push(PushArguments),
    /// Take a database that was pushed in the place of the one there is
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Pull(PullArguments),
    /// Show which findings a newer database opens and closes in inventories that are already there
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Diff(ReevaluateArguments),
    /// Compare versions as their ecosystem orders them
    #[command(after_help = ecosystems())]
    Vercmp(VercmpArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting, its value and where the value comes from
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Show,
}

/// What to scan, when it is an image.
#[derive(Debug, Args)]
pub(crate) struct ImageTarget {
    /// A docker archive (docker save), an OCI layout directory, or a tar of one, archives also compressed with gzip or
    /// zstd; or, where there is no such file, an image of a registry as docker names it: `registry.example.org/app:1.0`,
    /// `nginx`. `docker://` before it leaves files out of account; `containerd:` and `containers-storage:` or `podman:`
    /// before a name or an id lead to the store of that engine on this machine
    #[arg(value_name = "IMAGE")]
    pub(crate) path: PathBuf,

    /// Which image, where the archive holds several: a name, a tag or a digest
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,

    /// Platform to choose from a multi-platform image, as os/architecture[/variant]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,

    /// A base image to recognise: an image, or a TOML list of known bases; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) base: Vec<PathBuf>,

    /// Take any certificate from the image's registry, and plain http where it speaks no TLS
    #[arg(long)]
    pub(crate) insecure: bool,

    /// The root directory of the store that `containerd:` or `containers-storage:` leads to
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) store: Option<PathBuf>,

    /// Hash local files again even if they seem unchanged
    #[arg(long)]
    pub(crate) rehash: bool,

    /// Neither read nor write the layer cache
    #[arg(long)]
    pub(crate) no_cache: bool,

    /// Layers to read at the same time; 0 for one a processor
    #[arg(long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub(crate) jobs: Option<usize>,
}

impl ImageTarget {
    /// The image at `path`, read as it is read when nothing else is said.
    pub(crate) fn of(path: &Path, platform: Option<Platform>) -> Self {
        Self {
            path: path.to_owned(),
            image: None,
            platform,
            base: Vec::new(),
            insecure: false,
            store: None,
            rehash: false,
            no_cache: false,
            jobs: None,
        }
    }
}

/// An image of which the layers may be shown one by one.
#[derive(Debug, Args)]
pub(crate) struct LayeredTarget {
    #[command(flatten)]
    pub(crate) image: ImageTarget,

    /// Also list packages that only lower layers hold, and what removed them
    #[arg(long)]
    pub(crate) all_layers: bool,
}

/// What to scan, when it is a directory.
#[derive(Debug, Args)]
pub(crate) struct FsTarget {
    /// A directory (`/` for this machine), or a file: a tar or zip archive, a .deb or .rpm package, a raw or qcow2 disk image
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// Go into other file systems mounted below it
    #[arg(long)]
    pub(crate) cross_file_systems: bool,
}

/// What to read, when it is a document.
#[derive(Debug, Args)]
pub(crate) struct DocumentTarget {
    /// CycloneDX 1.2 to 1.7, SPDX 2.2 or 2.3 or Syft's own form, all as JSON; or the JSON of a scan or an inventory
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
}

/// What to read, when it is several documents.
#[derive(Debug, Args)]
pub(crate) struct DocumentTargets {
    /// As `sekisho sbom convert` reads them; of one distribution, where they have packages of any
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) paths: Vec<PathBuf>,
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

#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// Upstreams to fetch, whether they are on or off; without any, all that are on
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Take the files from a directory instead of the network: as `wget --force-directories` or another machine's
    /// `downloads` has them, or by file names where these are unique
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) from: Option<PathBuf>,

    /// List upstreams with their addresses and terms, and do nothing
    #[arg(long, conflicts_with_all = ["urls", "from", "replace"])]
    pub(crate) list: bool,

    /// Print the addresses to fetch, one a line, and do nothing; with --from, those of files that are not there yet
    #[arg(long, conflicts_with = "replace")]
    pub(crate) urls: bool,

    /// Build the database even if the one there is was pulled
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// Sources as `sekisho db status` shows them behind "from"
    #[arg(value_name = "SOURCE", required = true)]
    pub(crate) sources: Vec<String>,

    /// Build the database even if the one there is was pulled
    #[arg(long)]
    pub(crate) replace: bool,
}

/// How a registry is reached.
#[derive(Debug, Args)]
pub(crate) struct RegistryArguments {
    /// Reach the registry by plain HTTP; done anyway where it is on this machine
    #[arg(long)]
    pub(crate) plain_http: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PushArguments {
    /// `HOST[:PORT]/NAME[:TAG]` in a registry, or `oci:DIRECTORY[:TAG]`; the tag is `latest` where none is given. Logins are
    /// those of docker and podman
    #[arg(value_name = "REFERENCE")]
    pub(crate) place: String,

    #[command(flatten)]
    pub(crate) registry: RegistryArguments,

    /// Hand on also what its publisher does not allow to be handed on (Chainguard, Wolfi)
    #[arg(long)]
    pub(crate) allow_restricted: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PullArguments {
    /// `HOST[:PORT]/NAME[:TAG][@DIGEST]` in a registry, or `oci:DIRECTORY[:TAG]`
    #[arg(value_name = "REFERENCE")]
    pub(crate) place: String,

    #[command(flatten)]
    pub(crate) registry: RegistryArguments,

    /// Take it even if the database there is was built here
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Files of feeds, zip or tar archives of them (also gzip or zstd), or directories; what was taken before from a
    /// path of the same name is replaced
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Build the database even if the one there is was pulled
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReevaluateArguments {
    /// The older database file
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The newer database file
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    /// A directory with SBOMs or the JSON of scans or inventories in it, or one such document; may be repeated
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) inventory: Vec<PathBuf>,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,

    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct VercmpArguments {
    /// Whose versions they are, as OSV names it, in any case, with a release or without: `debian`, `AlmaLinux:9`; or the
    /// scheme by itself: `dpkg`
    #[arg(value_name = "ECOSYSTEM", value_parser = scheme_named)]
    pub(crate) scheme: sekisho_advisory::version::Scheme,

    /// A version; what is printed is <, = or >: how it stands to the other
    #[arg(value_name = "A", required_unless_present = "stdin", allow_hyphen_values = true)]
    pub(crate) a: Option<String>,

    /// The other version
    #[arg(value_name = "B", required_unless_present = "stdin", allow_hyphen_values = true)]
    pub(crate) b: Option<String>,

    /// Check lines `A OP B` from standard input, OP being <, = or >; print those that are wrong
    #[arg(long, conflicts_with_all = ["a", "b"])]
    pub(crate) stdin: bool,
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

fn ecosystems() -> String {
    let names: Vec<_> = Ecosystem::ALL.iter().map(|ecosystem| ecosystem.as_str()).collect();
    format!(
        "Ecosystems: {}.\n\nExit codes: 0 compared, or every line holds; 1 a line does not hold; 2 usage error, such as a \
         line of another form; 3 could not complete.",
        names.join(", ")
    )
}

/// The command tree, for manual pages, completions and documentation.
pub fn command_tree() -> clap::Command {
    Arguments::command()
}

/// A probability in an argument.
fn probability(text: &str) -> Result<f32, &'static str> {
    text.parse().ok().filter(|value| (0.0..=1.0).contains(value)).ok_or("a number from 0 to 1 is expected")
}

/// The number of jobs in an argument.
fn jobs(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "a whole number is expected")
}
