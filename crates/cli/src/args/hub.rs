//! The arguments of `hub`.

use super::{EXIT_CODES, JsonOrTable, SURROUNDINGS};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum HubCommand {
    /// Keep what scans find, and judge it anew by every advisory database, until SIGTERM
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Serve(HubServeArguments),
    /// Send inventories and SBOMs to the hub
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Push(HubPushArguments),
    /// List what the hub knows
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    List(HubListArguments),
    /// Say which inventories have a vulnerability, in which packages, and what fixes it
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Who(HubWhoArguments),
    /// Log in, and keep the session's token for the next commands
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Login(HubLoginArguments),
    /// End that session
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Logout,
    /// Add, list and delete users and robots
    #[command(subcommand, after_help = EXIT_CODES)]
    User(HubUserCommand),
    /// Make, list and revoke tokens
    #[command(subcommand, after_help = EXIT_CODES)]
    Token(HubTokenCommand),
    /// List and verify the log of who did what
    #[command(subcommand, after_help = EXIT_CODES)]
    Audit(HubAuditCommand),
}

#[derive(Debug, Args)]
pub(crate) struct HubLoginArguments {
    /// The user's name
    #[arg(long, value_name = "NAME", default_value = "admin")]
    pub(crate) user: String,

    /// Read the password from standard input, and from the next line the one that it is to be changed to where it has to be
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HubUserCommand {
    /// Add a user, and print the password for the first login; or a robot, which has tokens
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Add {
        /// Its name
        name: String,

        /// A role; several may be given
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<String>,

        /// It is a program: it has tokens, and never logs in
        #[arg(long)]
        robot: bool,
    },
    /// List users
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    List(HubShown),
    /// Take a user out, with its sessions and tokens
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Delete {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum HubTokenCommand {
    /// Make a token and print it: it is told once
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Add {
        /// What it is for
        name: String,

        /// A role; several may be given
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<String>,

        /// The id of the robot whose it is to be, rather than one's own
        #[arg(long, value_name = "ID")]
        owner: Option<String>,

        /// For how many days it holds
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        days: u16,
    },
    /// List tokens: all, for those who may look at them, else one's own
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    List(HubShown),
    /// Take a token back, at once
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum HubAuditCommand {
    /// List who did what, the latest first
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    List(HubShown),
    /// Follow the chain of hashes through the whole log; exit 1 where it breaks
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Verify,
}

/// How much of a list is shown, and how.
#[derive(Debug, Args)]
pub(crate) struct HubShown {
    /// Entries at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) limit: u32,

    /// How it is shown
    #[arg(long, value_enum, default_value_t = JsonOrTable::Table)]
    pub(crate) format: JsonOrTable,
}

#[derive(Debug, Args)]
pub(crate) struct HubServeArguments {
    /// Where it is listened
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,

    /// Where everything is kept: `sqlite:FILE` or `postgres://USER@HOST/NAME`
    #[arg(long, value_name = "URL")]
    pub(crate) state: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HubPushArguments {
    /// Files of inventories or SBOMs, directories of them, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) paths: Vec<PathBuf>,
}

/// A list of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HubList {
    /// What was scanned
    Inventories,
    /// Packages with vulnerabilities
    Findings,
    /// Vulnerabilities that something has or had
    Vulnerabilities,
    /// Packages, whoever has them
    Packages,
    /// What the hub does or is to do
    Jobs,
}

#[derive(Debug, Args)]
pub(crate) struct HubListArguments {
    /// Which list
    #[arg(value_enum)]
    pub(crate) list: HubList,

    #[command(flatten)]
    pub(crate) part: HubPart,

    /// Only what this inventory has, by its identity (for findings)
    #[arg(long, value_name = "IDENTITY")]
    pub(crate) inventory: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HubWhoArguments {
    /// The vulnerability, such as CVE-2024-3094
    pub(crate) vulnerability: String,

    #[command(flatten)]
    pub(crate) part: HubPart,
}

/// Which part of a list, and how it is shown.
#[derive(Debug, Args)]
pub(crate) struct HubPart {
    /// Only entries for which this holds, such as `severity >= high and not name : test`
    #[arg(long, short = 'w', value_name = "FILTER", default_value = "")]
    pub(crate) filter: String,

    /// As it was known at that time, such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,

    #[command(flatten)]
    pub(crate) shown: HubShown,
}
