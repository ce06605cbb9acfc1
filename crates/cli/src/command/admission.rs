//! `admission`: the webhook, its certificates, and what is applied to a cluster for it.

mod images;
mod keep;

use super::check::{Inputs, OF_DATA, OF_POLICIES, policies, sound};
use super::scan::Context;
use super::stopped;
use crate::args::{AdmissionCommand, ManifestsArguments, ServeArguments};
use crate::config::{AdmissionSettings, Settings};
use crate::error::{CliError, reason};
use crate::{CommandResult, output};
use images::Scans;
use keep::{Keeper, Keeping};
use sekisho_admission::cluster::Api;
use sekisho_admission::manifests::Deployment;
use sekisho_admission::rules::{Names, pair};
use sekisho_admission::{Event, Images, Judge, Listeners, Log, NamespaceSource, Rules, Server, Service, Sources};
use sekisho_base::clock::{Clock, SystemClock};
use sekisho_model::{CheckInput, Code, Exit, PolicySeverity};
use sekisho_policy::pod_security::Standard;
use serde_json::json;
use std::io::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How often it is looked whether files of policies changed.
const RELOAD: Duration = Duration::from_secs(5);
/// How often it is looked whether it is time for another certificate.
const TURN: Duration = Duration::from_secs(30);

pub(crate) fn run(context: &mut Context, command: &AdmissionCommand) -> CommandResult {
    match command {
        AdmissionCommand::Serve(arguments) => serve(context, arguments),
        AdmissionCommand::Ca { rotate } => ca(context, *rotate),
        AdmissionCommand::Manifests(arguments) => print_manifests(context, arguments),
    }
}

/// What is applied to a cluster when nothing is configured.
pub fn manifests() -> String {
    Deployment {
        namespace: "sekisho-system".to_owned(),
        image: "registry.example.org/sekisho:latest".to_owned(),
        fail_closed: false,
        timeout_seconds: 10,
        exempt: sekisho_admission::rules::EXEMPT.map(str::to_owned).to_vec(),
        labels: true,
        all: false,
        bundle: None,
    }
    .yaml()
}

fn print_manifests(context: &Context, arguments: &ManifestsArguments) -> CommandResult {
    let settings = context.config.settings()?.admission;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if arguments.namespace.is_empty() || !arguments.namespace.bytes().all(is_name) {
        let message = format!("{:?} is no name of a namespace", arguments.namespace);
        return Err(CliError::new(Code::UsageInvalid, message));
    }
    if arguments.image.contains(|char: char| char.is_whitespace() || char.is_control() || "\"'#{}".contains(char)) {
        return Err(CliError::new(Code::UsageInvalid, format!("{:?} is no name of an image", arguments.image)));
    }
    let bundle = if arguments.with_ca {
        let keeping = Keeping::of(&settings, None)?;
        Some(runtime()?.block_on(keeping.bundle(false))?)
    } else {
        None
    };
    let deployment = Deployment {
        namespace: arguments.namespace.clone(),
        image: arguments.image.clone(),
        fail_closed: settings.fail_closed,
        timeout_seconds: settings.timeout_seconds,
        exempt: settings.exempt.clone(),
        labels: settings.labels,
        all: arguments.all,
        bundle,
    };
    output::write(&deployment.yaml(), None)?;
    Ok(Exit::Passed)
}

fn ca(context: &Context, rotate: bool) -> CommandResult {
    let settings = context.config.settings()?.admission;
    let api = api(context, &settings, false)?;
    let keeping = Keeping::of(&settings, api.as_ref())?;
    let bundle = runtime()?.block_on(keeping.bundle(rotate))?;
    output::write(&bundle, None)?;
    Ok(Exit::Passed)
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(64).build();
    built.map_err(|error| CliError::new(Code::AdmissionUnusable, format!("cannot start threads: {}", reason(&error))))
}

/// The API server of the cluster that we are in, where anything is asked of it.
fn api(context: &Context, settings: &AdmissionSettings, needed: bool) -> Result<Option<Arc<Api>>, CliError> {
    if settings.secret.is_empty() && settings.webhook.is_empty() && !needed {
        return Ok(None);
    }
    let environment = &context.environment;
    let base = match (settings.api_server.as_str(), environment.get("KUBERNETES_SERVICE_HOST")) {
        ("", None) if settings.secret.is_empty() && settings.webhook.is_empty() => return Ok(None),
        ("", None) => {
            let message = "admission.secret and admission.webhook are for a pod in a cluster, and this is none";
            return Err(CliError::new(Code::AdmissionUnusable, message)
                .hint("leave them empty, and put in what `sekisho admission ca` prints by hand"));
        }
        ("", Some(host)) => {
            let port = environment.get("KUBERNETES_SERVICE_PORT").unwrap_or("443");
            // An address of IPv6 stands in brackets in a URL.
            if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
        }
        (address, _) => address.to_owned(),
    };
    let api = Api::new(&base, &settings.service_account)
        .map_err(|error| CliError::from_error(Code::AdmissionUnusable, &error))?;
    Ok(Some(Arc::new(api)))
}

fn rules(settings: &AdmissionSettings) -> Result<Rules, CliError> {
    fn each<T>(key: &str, texts: &[String], read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, CliError> {
        texts.iter().map(|text| read(text).map_err(|error| invalid(key, &error))).collect()
    }
    fn one<T: FromStr<Err = String>>(key: &str, text: &str) -> Result<T, CliError> {
        text.parse().map_err(|error: String| invalid(key, &error))
    }
    fn invalid(key: &str, reason: &str) -> CliError {
        CliError::new(Code::ConfigInvalid, format!("admission.{key}: {reason}"))
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let severity = |text: &String| {
        let known = PolicySeverity::ALL.into_iter().find(|severity| severity.as_str() == text);
        known.ok_or_else(|| invalid("fail_on", &format!("{text:?} is none of low, medium, high and critical")))
    };
    Ok(Rules {
        mode: one("mode", &settings.mode)?,
        namespaces: each("namespaces", &settings.namespaces, |text| {
            let (name, mode) = pair(text)?;
            Ok((name.parse::<Names>()?, mode))
        })?,
        // At most 100, which was looked at when it was set.
        enforce_percent: u8::try_from(settings.enforce_percent).unwrap_or(100),
        labels: settings.labels,
        exempt: each("exempt", &settings.exempt, str::parse)?,
        exempt_users: each("exempt_users", &settings.exempt_users, str::parse)?,
        judge_owned: settings.judge_owned,
        fail_on: given(&settings.fail_on).as_ref().map(severity).transpose()?,
        warn_until: each("warn_until", &settings.warn_until, pair)?,
        unknown: one("unknown", &settings.unknown)?,
        unknown_policies: each("unknown_policies", &settings.unknown_policies, pair)?,
        break_glass: given(&settings.break_glass),
        cluster: given(&settings.cluster),
        ..Rules::default()
    })
}

/// Lines of JSON on standard error, one for each thing that happens.
fn log() -> Log {
    Arc::new(|event: &Event<'_>| {
        let line = match event {
            Event::Decided { uid, user, what, decision } => json!({
                "time": SystemClock.now(),
                "event": "decided",
                "outcome": decision.outcome.as_str(),
                "mode": decision.mode.map(sekisho_admission::Mode::as_str),
                "uid": uid,
                "user": user,
                "what": what,
                "policies": decision.policies,
                "unknown": decision.unknown,
                "reason": decision.reason,
            }),
            Event::Told { event, wrong, message } => json!({
                "time": SystemClock.now(),
                "event": event,
                "level": if *wrong { "error" } else { "info" },
                "message": message,
            }),
        };
        // Nothing is left to be done when standard error is gone.
        let _ = writeln!(std::io::stderr(), "{line}");
    })
}

struct Policies {
    choice: crate::args::PolicyChoice,
    settings: Settings,
    rules: Rules,
}

impl Policies {
    fn judge(&self) -> Result<(Judge, Vec<CheckInput>), CliError> {
        let limits = self.settings.limits();
        let (mut set, inputs) = policies(&self.choice, &self.settings, &self.settings.check.profile, &limits)?;
        let level = &self.settings.admission.pod_security;
        if !level.is_empty() {
            let standard: Standard = level
                .parse()
                .map_err(|error| CliError::new(Code::ConfigInvalid, format!("admission.pod_security: {error}")))?;
            set.standards.push(standard);
        }
        let judge = Judge::new(self.rules.clone(), set);
        sound(judge.faults())?;
        if let Some((key, why)) = judge.unheard().first() {
            let hint =
                "`sekisho policy list` lists policies with their ids; --policy and --profile say which are asked";
            return Err(CliError::new(Code::ConfigInvalid, format!("admission.{key}: {why}")).hint(hint));
        }
        if !judge.asks() {
            let message = "there is no policy to ask: none of those chosen is for the stage deploy or runtime";
            let hint = "name some with --policy or check.policies, or take those of a profile with --profile";
            return Err(CliError::new(Code::UsageInvalid, message).hint(hint));
        }
        Ok((judge, inputs.read))
    }

    /// The files as they are now, without a look at what they say.
    fn files(&self) -> Result<Vec<CheckInput>, CliError> {
        let paths: Vec<_> = self.settings.check.policies.iter().chain(&self.choice.policy).cloned().collect();
        let limits = self.settings.limits();
        let mut read = Inputs::read(&paths, &OF_POLICIES, &limits)?.read;
        for path in &self.choice.data {
            read.extend(Inputs::read(std::slice::from_ref(path), &OF_DATA, &limits)?.read);
        }
        Ok(read)
    }
}

fn serve(context: &mut Context, arguments: &ServeArguments) -> CommandResult {
    context.config.flag("--listen", "admission", "listen", arguments.listen.clone())?;
    context.config.flag("--mode", "admission", "mode", arguments.mode.clone())?;
    let settings = context.config.settings()?;
    let own = &settings.admission;
    let rules = rules(own)?;
    let choice = crate::args::PolicyChoice {
        policy: arguments.policies.policy.clone(),
        data: arguments.policies.data.clone(),
        profile: arguments.policies.profile.clone(),
    };
    let policies = Policies { choice, settings: context.config.settings()?, rules };
    let (judge, read) = policies.judge()?;
    let api = api(context, own, judge.needs_namespace())?;
    let keeping = Keeping::of(own, api.as_ref())?;
    let log = log();
    let told = format!("{} policies; {} ask for what no single object says", judge.policies(), judge.beyond().len());
    let sources = Sources {
        images: own.images.then(|| Scans::new(context).map(|scans| Images::new(Arc::new(scans)))).transpose()?,
        namespaces: api.clone().map(|api| Arc::new(api) as Arc<dyn NamespaceSource>),
    };
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let service = Arc::new(Service::new(judge, sources, workers, Arc::new(SystemClock), Arc::clone(&log)));
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let (keeper, showing) = Keeper::start(keeping, own, api, &service).await?;
        let server = Server::new(Arc::clone(&service), showing, Duration::from_secs(own.drain_seconds))
            .map_err(|error| CliError::from_error(Code::AdmissionUnusable, &error))?;
        let bind = |address: String| async move {
            TcpListener::bind(&address).await.map_err(|error| {
                let message = format!("cannot listen at {address}: {}", reason(&error));
                CliError::new(Code::AdmissionUnusable, message)
            })
        };
        let webhook = bind(own.listen.clone()).await?;
        let side = if own.listen_metrics.is_empty() { None } else { Some(bind(own.listen_metrics.clone()).await?) };
        let at = |listener: &TcpListener| listener.local_addr().map(|at| at.to_string()).unwrap_or_default();
        let metrics = side.as_ref().map(at).unwrap_or_default();
        service.tell("serving", false, format!("at {} (metrics at {metrics}), with {told}", at(&webhook)));
        let turning = tokio::spawn(turn(keeper, Arc::clone(&service)));
        let reloading = tokio::spawn(reload(policies, read, Arc::clone(&service)));
        server.run(Listeners { webhook, side }, stopped()).await;
        turning.abort();
        reloading.abort();
        service.tell("stopped", false, "all that was under way is answered".to_owned());
        Ok::<_, CliError>(())
    });
    // A look-up that a registry holds up must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended?;
    Ok(Exit::Passed)
}

/// Looks after certificates until the end.
async fn turn(mut keeper: Keeper, service: Arc<Service>) {
    loop {
        tokio::time::sleep(TURN).await;
        keeper.turn(&service).await;
    }
}

/// Looks after policies until the end. Files that are broken leave those that were sound.
async fn reload(policies: Policies, mut read: Vec<CheckInput>, service: Arc<Service>) {
    let policies = Arc::new(policies);
    let mut wrong = String::new();
    loop {
        tokio::time::sleep(RELOAD).await;
        let (again, before) = (Arc::clone(&policies), read.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let now = again.files()?;
            if now == before { Ok(None) } else { again.judge().map(Some) }
        });
        match looked.await {
            Ok(Ok(None)) if wrong.is_empty() => {}
            Ok(Ok(None)) => {
                // They are again what they were when they were sound.
                wrong.clear();
                service.policies_are_sound();
            }
            Ok(Ok(Some((judge, now)))) => {
                let told = format!("{} policies are asked now", judge.policies());
                service.replace(judge);
                service.tell("policies_reloaded", false, told);
                (read, wrong) = (now, String::new());
            }
            Ok(Err(error)) => {
                // Told once for each thing that is wrong.
                let why = error.message().to_owned();
                if why != wrong {
                    service.keep_policies(&why);
                    wrong = why;
                }
            }
            Err(_) => service.keep_policies("they could not be looked at"),
        }
    }
}
