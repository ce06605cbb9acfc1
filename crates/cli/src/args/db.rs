//! The arguments of `db`.

use super::{EXIT_CODES, JsonOrTable, SURROUNDINGS};
use clap::{Args, Subcommand};
use sekisho_advisory::ecosystem::{Ecosystem, scheme_named};
use std::path::PathBuf;

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
    /// Files of feeds, zip or tar archives of them (also gzip, zstd or xz), or directories; what was taken before from a
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

fn ecosystems() -> String {
    let names: Vec<_> = Ecosystem::ALL.iter().map(|ecosystem| ecosystem.as_str()).collect();
    format!(
        "Ecosystems: {}.\n\nExit codes: 0 compared, or every line holds; 1 a line does not hold; 2 usage error, such as a \
         line of another form; 3 could not complete.",
        names.join(", ")
    )
}
