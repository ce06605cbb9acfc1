//! The arguments of `admission`.

use super::{EXIT_CODES, PolicyChoice, SURROUNDINGS};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum AdmissionCommand {
    /// Answer the API server of a cluster, until SIGTERM
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Serve(ServeArguments),
    /// Print the certificate authorities that the API server is to trust (`caBundle`), made where there are none
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Ca {
        /// Make the next one now; it signs a day later, so that every API server knows it by then
        #[arg(long)]
        rotate: bool,
    },
    /// Print what is to be applied to a cluster: two replicas, what they may do, and the webhook
    #[command(after_help = EXIT_CODES, after_long_help = SURROUNDINGS)]
    Manifests(ManifestsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) policies: PolicyChoice,

    /// Where the API server is listened to
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,

    /// What follows from violations in namespaces that nothing else is said about: audit, warn or enforce
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ManifestsArguments {
    /// The image of this program
    #[arg(long, value_name = "IMAGE", default_value = "registry.example.org/sekisho:latest")]
    pub(crate) image: String,

    /// The namespace of the server
    #[arg(long, value_name = "NAME", default_value = "sekisho-system")]
    pub(crate) namespace: String,

    /// Ask about everything, as policies in other languages may need: any object, also what is deleted and what is in no
    /// namespace
    #[arg(long)]
    pub(crate) all: bool,

    /// Put our certificate authorities in, rather than have the server do it
    #[arg(long)]
    pub(crate) with_ca: bool,
}
