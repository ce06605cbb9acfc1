//! `db push` and `db pull`: whole databases, through registries and OCI layouts.

use super::super::scan::Context;
use super::held;
use super::update::runtime;
use crate::args::{PullArguments, PushArguments, RegistryArguments};
use crate::config::Settings;
use crate::error::CliError;
use crate::progress::Bytes;
use crate::{CommandResult, output};
use sekisho_feeds::{Progress, Store, exchange};
use sekisho_model::{Code, Exit};
use sekisho_net::{Client, Patience};
use sekisho_oci::{Access, Logins, Place};

pub(crate) fn push(context: &Context, arguments: &PushArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let place = place(&arguments.place)?;
    let client = super::client(&settings)?;
    let access = access(context, &client, &arguments.registry, &place)?;
    let store = store(&settings);
    let now = settings.now();
    let work = exchange::push(&store, &place, &access, arguments.allow_restricted, now);
    let (digest, header) = runtime()?.block_on(work)?;
    output::write(&format!("pushed {place}\n{digest}\nit holds {}\n", held(&header)), None)?;
    Ok(Exit::Passed)
}

pub(crate) fn pull(context: &Context, arguments: &PullArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let place = place(&arguments.place)?;
    let client = super::client(&settings)?;
    let access = access(context, &client, &arguments.registry, &place)?;
    let bar = Bytes::new("pulling", &context.global);
    let advance = |bytes| {
        bar.expects(bytes);
        bar.advance(bytes);
    };
    let (store, limits) = (store(&settings), settings.limits());
    let work = exchange::pull(&store, &place, &access, arguments.replace, &limits, &advance);
    let pulled = runtime()?.block_on(work)?;
    drop(bar);
    let text = match pulled {
        Some(header) => format!("pulled {place}\nthe database holds {}\n", held(&header)),
        None => format!("{place} is the database that there is\n"),
    };
    output::write(&text, None)?;
    Ok(Exit::Passed)
}

fn store(settings: &Settings) -> Store {
    Store::new(settings.database.directory.clone())
}

/// Where an artifact lies, as it is named on the command line.
pub(crate) fn place(text: &str) -> Result<Place, CliError> {
    text.parse().map_err(|error: sekisho_model::InvalidImageRef| {
        CliError::new(Code::UsageInvalid, error.to_string())
            .hint("as in registry.example.org/team/advisories:latest, or oci:DIRECTORY for a directory")
    })
}

/// How the registry of a place is reached.
pub(crate) fn access<'a>(
    context: &Context,
    client: &'a Client,
    arguments: &RegistryArguments,
    place: &Place,
) -> Result<Access<'a>, CliError> {
    let logins = match place {
        Place::Registry(_) => Logins::read(&context.config.settings()?.login_files(&context.environment))
            .map_err(|error| CliError::from_error(Code::RegistryDenied, &error))?,
        Place::Layout { .. } => Logins::default(),
    };
    Ok(Access { client, patience: Patience::default(), logins, plain_http: arguments.plain_http })
}
