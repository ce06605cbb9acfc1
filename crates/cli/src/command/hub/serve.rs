//! `hub serve`: the hub itself, until it is told to end.

use super::super::stopped;
use super::client::BUNDLE;
use crate::CommandResult;
use crate::args::HubServeArguments;
use crate::command::scan::Context;
use crate::config::{HubSettings, Settings};
use crate::error::{CliError, reason};
use sekisho_admission::authority::{Authorities, AuthorityError, Directory, Shown};
use sekisho_base::clock::{Clock, SystemClock};
use sekisho_hub::http::Api;
use sekisho_hub::{Hub, Told};
use sekisho_identity::{Identity, OneTime};
use sekisho_model::{Code, Exit};
use sekisho_net::server::{Showing, tls};
use sekisho_store::Store;
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The file with the password of the first user, in the hub's directory.
const FIRST: &str = "first-password";
/// How often it is looked whether it is time for another certificate.
const TURN: Duration = Duration::from_mins(1);

pub(super) fn serve(context: &mut Context, arguments: &HubServeArguments) -> CommandResult {
    context.config.flag("--listen", "hub", "listen", arguments.listen.clone())?;
    context.config.flag("--state", "hub", "state", arguments.state.clone())?;
    let settings = context.config.settings()?;
    private(&settings.hub.directory)?;
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(64).build();
    let runtime = built.map_err(|error| unusable(format!("cannot start threads: {}", reason(&error))))?;
    let ended = runtime.block_on(run(&settings));
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended?;
    Ok(Exit::Passed)
}

async fn run(settings: &Settings) -> Result<(), CliError> {
    let own = &settings.hub;
    let state = match own.state.as_str() {
        "" => format!("sqlite:{}", own.directory.join("hub.db").display()),
        state => state.to_owned(),
    };
    let failed = |error: &(dyn std::error::Error + 'static)| CliError::from_error(Code::HubUnusable, error);
    let store = Store::open(&state).await.map_err(|error| failed(&error))?;
    let identity = Arc::new(Identity::new(store.clone(), Arc::new(SystemClock)));
    let certificates = Certificates::of(own);
    let (shown, showing) = certificates.shown().map(|shown| (shown.clone(), Showing::new(shown.certified())))?;
    let acceptor = tls(Arc::clone(&showing)).map_err(|error| failed(&error))?;
    let listener = TcpListener::bind(&own.listen)
        .await
        .map_err(|error| unusable(format!("cannot listen at {}: {}", own.listen, reason(&error))))?;
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    // Only once nothing stands in the way any more: it is told once.
    if let Some(first) = identity.bootstrap().await.map_err(|error| failed(&error))? {
        tell_first(&own.directory, &first)?;
    }
    let hub = Arc::new(Hub::new(store.clone(), Arc::new(SystemClock)));
    let log = Arc::new(|event: &str, message: &str| tell(event, true, message));
    let api = Api::new(Arc::clone(&hub), identity, settings.limits(), log);
    let side = match own.listen_metrics.as_str() {
        "" => None,
        address => Some(
            TcpListener::bind(address)
                .await
                .map_err(|error| unusable(format!("cannot listen at {address}: {}", reason(&error))))?,
        ),
    };
    let shown_at = side.as_ref().and_then(|side| side.local_addr().ok());
    let metrics = shown_at.map(|address| format!(" (metrics at http://{address})")).unwrap_or_default();
    tell("serving", false, &format!("at https://{address}{metrics}"));
    let side = side.map(|listener| tokio::spawn(Arc::clone(&api).run_side(listener)));
    let counted = Arc::clone(&api);
    let advisories = sekisho_feeds::Store::new(settings.database.directory.clone());
    let judging = tokio::spawn(async move {
        let told = |event: Told| {
            counted.metrics().told(&event);
            told(event);
        };
        hub.keep_judged(&advisories, told).await;
    });
    let turning = tokio::spawn(async move { certificates.turn(shown, &showing).await });
    api.run(listener, Some(acceptor), stopped()).await;
    judging.abort();
    if let Some(side) = side {
        side.abort();
    }
    turning.abort();
    store.close().await;
    tell("stopped", false, "all that was under way is answered");
    Ok(())
}

/// Tells the password of the first user to whoever sits there, or else in a file for its owner alone: a log keeps what it is told.
fn tell_first(directory: &Path, first: &OneTime) -> Result<(), CliError> {
    let mut stderr = std::io::stderr();
    let (name, password) = (&first.name, first.password.expose());
    if stderr.is_terminal() {
        let _ = writeln!(
            stderr,
            "the first user is {name}, with the password {password} for one login (`sekisho hub login`)"
        );
        return Ok(());
    }
    let path = directory.join(FIRST);
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.and_then(|mut file| writeln!(file, "{password}").and_then(|()| file.sync_all())).map_err(|error| {
        unusable(format!("cannot write the first password to {}: {}", path.display(), reason(&error)))
    })?;
    let message =
        format!("{name}, whose password for one login is in {}: `sekisho hub login` changes it", path.display());
    tell("first_user", false, &message);
    Ok(())
}

fn unusable(message: String) -> CliError {
    CliError::new(Code::HubUnusable, message)
}

/// A line of JSON on standard error.
fn tell(event: &str, wrong: bool, message: &str) {
    let level = if wrong { "error" } else { "info" };
    let line = json!({ "time": SystemClock.now(), "event": event, "level": level, "message": message });
    // Nothing is left to be done when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn told(told: Told) {
    match told {
        Told::Database(digest) => tell("database", false, &format!("{digest} judges now")),
        Told::Outdone(digest) => {
            tell(
                "database_outdone",
                true,
                &format!("{digest} is older than the database that judges, and is not taken"),
            );
        }
        Told::Judged(it) => {
            let message = format!("{} findings opened, {} changed, {} closed", it.opened, it.changed, it.closed);
            tell("judged", false, &message);
        }
        Told::Failed(error) => tell("judging_failed", true, &error.to_string()),
    }
}

/// A directory that nobody else looks into.
fn private(path: &Path) -> Result<(), CliError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| unusable(format!("cannot make {}: {}", path.display(), reason(&error))))
}

/// Certificates of the hub: of files that are given, or of authorities of our own.
enum Certificates {
    Files(PathBuf, PathBuf),
    Own { directory: Directory, names: Vec<String> },
}

impl Certificates {
    fn of(settings: &HubSettings) -> Self {
        if !settings.certificate.as_os_str().is_empty() || !settings.key.as_os_str().is_empty() {
            return Self::Files(settings.certificate.clone(), settings.key.clone());
        }
        let mut names = vec![settings.host.clone(), "localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        names.dedup();
        Self::Own { directory: Directory(settings.directory.clone()), names }
    }

    /// The certificate that is to be shown now.
    fn shown(&self) -> Result<Shown, CliError> {
        let shown = match self {
            Self::Files(certificate, key) => Shown::read(certificate, key),
            Self::Own { directory, names } => {
                authorities(directory).and_then(|authorities| authorities.certificate(names, SystemClock.now()))
            }
        };
        shown.map_err(|error| CliError::from_error(Code::HubUnusable, &error))
    }

    /// Looks after it until the end.
    async fn turn(&self, mut shown: Shown, showing: &Showing) {
        let mut wrong = String::new();
        loop {
            tokio::time::sleep(TURN).await;
            let is_due = match self {
                Self::Files(..) => true,
                Self::Own { directory, .. } => match directory.load() {
                    Ok(authorities) => shown.is_due(&authorities, SystemClock.now()),
                    Err(_) => true,
                },
            };
            if !is_due {
                continue;
            }
            match self.shown() {
                Ok(next) => {
                    showing.replace(next.certified());
                    (shown, wrong) = (next, String::new());
                }
                // Told once for each thing that is wrong.
                Err(error) if error.message() != wrong => {
                    error.message().clone_into(&mut wrong);
                    tell("certificate_kept", true, &wrong);
                }
                Err(_) => {}
            }
        }
    }
}

/// The authorities as they are to be now, kept where these are others than before, and their bundle beside them for those who ask the
/// hub from this machine.
fn authorities(directory: &Directory) -> Result<Authorities, AuthorityError> {
    let found = directory.load()?;
    let turned = found.turned(SystemClock.now())?;
    if turned != found {
        directory.save(&turned)?;
    }
    let path = directory.0.join(BUNDLE);
    if std::fs::read_to_string(&path).ok() != Some(turned.bundle()) {
        let mut options = std::fs::OpenOptions::new();
        let written = options.write(true).create(true).truncate(true).mode(0o644).open(&path);
        written.and_then(|mut file| file.write_all(turned.bundle().as_bytes())).map_err(|error| {
            AuthorityError::Store { attempt: "write", place: path.display().to_string(), reason: error.to_string() }
        })?;
    }
    Ok(turned)
}
