//! The arguments of `check` and `policy`.

use super::{CommonArguments, EXIT_CODES, ImageTarget, JsonOrTable, SURROUNDINGS, SuppressionArguments};
use crate::args::DatabaseChoice;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use sekisho_model::{CheckReport, PolicySeverity};
use sekisho_policy::pod_security::Standard;
use sekisho_report::Language;
use sekisho_report::formats::{CHECK_FORMATS, Format, check_format};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Judge an image, or what an SBOM says of one, by policies
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Image(Box<CheckImageArguments>),
    /// Judge what manifests of Kubernetes would run by policies
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Manifest(Box<CheckManifestArguments>),
    /// Show and judge what an earlier check said, without asking the policies again
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Report(CheckReportArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// List policies
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    List(PolicyListArguments),
    /// Show one policy whole: what it asks, why, and what to do
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Show(PolicyShowArguments),
    /// Say what is wrong with policies
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Lint(PolicyFiles),
    /// Hold policies to their examples, and to suites of tests
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Test(PolicyFiles),
    /// Show how a policy comes to what it says of manifests
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Explain(PolicyExplainArguments),
    /// Write policies in another form
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Convert(PolicyConvertArguments),
}

/// Which policies are asked.
#[derive(Debug, Args)]
pub(crate) struct PolicyChoice {
    /// Policies to ask beside those that ship: a file or a directory, of this program or of StackRox; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    pub(crate) policy: Vec<PathBuf>,

    /// Documents in YAML or JSON that policies in Rego know as `data`, as Conftest has it: a file, or a directory whose
    /// directories are the names above what is in them; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    pub(crate) data: Vec<PathBuf>,

    /// Which of the policies that ship: baseline, restricted, nist-800-190 or ci; `all`; or `none`
    #[arg(long, value_name = "NAME", help_heading = "Policies")]
    pub(crate) profile: Option<String>,
}

/// What makes a check fail, and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct VerdictArguments {
    /// Exit with 1 for violations at least this severe, whether their policies are enforced or not: low, medium, high or
    /// critical
    #[arg(long, value_name = "SEVERITY", value_parser = severity, help_heading = "Gate")]
    pub(crate) fail_on: Option<PolicySeverity>,

    /// Exit with 0 whatever is violated
    #[arg(long, help_heading = "Gate", conflicts_with = "fail_on")]
    pub(crate) warn_only: bool,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = check_formats())]
    pub(crate) format: CheckFormat,

    /// Language of pages for people (html): en or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: Language,

    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CheckImageArguments {
    #[command(flatten)]
    pub(crate) target: ImageTarget,

    #[command(flatten)]
    pub(crate) policies: PolicyChoice,

    /// A database file in place of the configured one; `demo` for some notorious vulnerabilities that come with the
    /// program, to try it out; `none` to look for no vulnerabilities
    #[arg(long, value_name = "FILE", help_heading = "Vulnerabilities")]
    pub(crate) db: Option<DatabaseChoice>,

    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,

    /// What hosts saw in use while images ran (`detect run --in-use`), for policies that ask it; may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Images")]
    pub(crate) in_use: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) verdict: VerdictArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CheckManifestArguments {
    /// Files and directories of manifests in YAML or JSON; `-` for standard input
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) policies: PolicyChoice,

    /// Judge by a level of the Pod Security Standards, privileged, baseline or restricted, as a version of Kubernetes has
    /// it: `restricted@v1.30`; no other policies are asked but those of --policy and --profile
    #[arg(long, value_name = "LEVEL[@VERSION]", help_heading = "Policies")]
    pub(crate) pod_security: Option<Standard>,

    /// Scan the images that are named, and judge them too
    #[arg(long, help_heading = "Images")]
    pub(crate) images: bool,

    /// A database file in place of the configured one, for --images; `demo` for some notorious vulnerabilities that come
    /// with the program; `none` to look for no vulnerabilities
    #[arg(long, value_name = "FILE", requires = "images", help_heading = "Images")]
    pub(crate) db: Option<DatabaseChoice>,

    /// What hosts saw in use while images ran (`detect run --in-use`), for policies that ask it; may be repeated
    #[arg(long, value_name = "FILE", requires = "images", help_heading = "Images")]
    pub(crate) in_use: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,

    /// The namespace of objects that name none, as of `kubectl -n` [default: default]
    #[arg(long, short, value_name = "NAME", help_heading = "Policies")]
    pub(crate) namespace: Option<String>,

    /// The cluster in which it is to run, for policies that are for some clusters only
    #[arg(long, value_name = "ID", help_heading = "Policies")]
    pub(crate) cluster: Option<String>,

    #[command(flatten)]
    pub(crate) verdict: VerdictArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CheckReportArguments {
    /// The report, in JSON
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) verdict: VerdictArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyListArguments {
    #[command(flatten)]
    pub(crate) policies: PolicyChoice,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: JsonOrTable,

    /// Language of names: en or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: Language,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyShowArguments {
    /// Its id or name
    #[arg(value_name = "POLICY")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) policies: PolicyChoice,

    /// Language of texts: en or ja
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    pub(crate) language: Language,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyExplainArguments {
    /// Its id or name
    #[arg(value_name = "POLICY")]
    pub(crate) id: String,

    /// Files and directories of manifests in YAML or JSON; `-` for standard input
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) policies: PolicyChoice,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyFiles {
    /// Files and directories of policies
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyConvertArguments {
    #[command(flatten)]
    pub(crate) files: PolicyFiles,

    /// The form to write
    #[arg(long, value_name = "FORM")]
    pub(crate) to: PolicyForm,

    /// Write the result to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyForm {
    /// YAML of this program
    Sekisho,
    /// JSON of StackRox, as it exports and imports it
    Stackrox,
    /// `ValidatingAdmissionPolicy` with its binding, of each policy that can be said so exactly
    Vap,
}

/// How a check is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CheckFormat {
    /// For people, in a terminal.
    Table,
    /// As a document.
    Document(&'static Format<CheckReport>),
}

fn check_formats() -> impl TypedValueParser<Value = CheckFormat> {
    let table = std::iter::once(PossibleValue::new("table").help("for people, in a terminal"));
    let documents = CHECK_FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.title));
    PossibleValuesParser::new(table.chain(documents)).map(|name| match check_format(&name) {
        Some(format) => CheckFormat::Document(format),
        None => CheckFormat::Table,
    })
}

fn severity(text: &str) -> Result<PolicySeverity, String> {
    let known = PolicySeverity::ALL.into_iter().find(|severity| severity.as_str() == text);
    known.ok_or_else(|| "low, medium, high and critical are".to_owned())
}
