//! Images that workloads name: asked of their registries and scanned, as `check image` does.

use super::super::check::images;
use super::super::scan::Context;
use super::super::vulnerabilities::Judges;
use crate::args::{CommonArguments, Global, ImageTarget, SuppressionArguments};
use crate::config::{Config, Environment};
use crate::error::CliError;
use sekisho_admission::{ImageSource, Later, Missed};
use sekisho_base::Limits;
use sekisho_model::{Code, Digest, ImageRef};
use sekisho_oci::{Choice, Registries};
use sekisho_policy::ImageFacts;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Images that are scanned at the same time: each takes processors and memory.
const SCANS: usize = 2;
/// Tags that are asked about at the same time, each on a thread.
const QUESTIONS: usize = 16;

/// How long logins are believed.
const LOGINS: Duration = Duration::from_mins(5);

/// Scans images.
pub(super) struct Scans(Arc<Inner>);

struct Inner {
    /// What a scan needs, one for each that may be under way.
    contexts: Mutex<Vec<Context>>,
    registries: Mutex<(Arc<Registries>, Instant)>,
    made: Box<dyn Fn() -> Arc<Registries> + Send + Sync>,
    limits: Limits,
    scans: Semaphore,
    questions: Semaphore,
}

impl Scans {
    pub(super) fn new(context: &Context) -> Result<Self, CliError> {
        let settings = context.config.settings()?;
        let copy = || {
            let environment: Environment = context.environment.clone();
            let file: Option<&Path> = context.global.config.as_deref();
            let config = Config::load(file, &environment);
            let global = Global { config: file.map(PathBuf::from), color: None, quiet: true, verbose: false };
            Context { config, environment, global }
        };
        let (own, environment) = (context.config.settings()?, context.environment.clone());
        let made = Box::new(move || Arc::new(own.registries(&environment)));
        Ok(Self(Arc::new(Inner {
            contexts: Mutex::new((0..SCANS).map(|_| copy()).collect()),
            registries: Mutex::new((made(), Instant::now())),
            made,
            limits: settings.limits(),
            scans: Semaphore::new(SCANS),
            questions: Semaphore::new(QUESTIONS),
        })))
    }
}

/// Why nothing is known, and whether that is the registry's doing.
fn missed(code: Code, why: String) -> Missed {
    // Whoever has no login, or asks for what is not there, has an answer.
    Missed { why, of_registry: code == Code::RegistryUnreachable }
}

impl Inner {
    fn scan(&self, image: &ImageRef) -> Result<ImageFacts, Missed> {
        let said = |error: CliError| missed(error.code(), error.message().to_owned());
        let mut pool = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut context = pool.pop().ok_or_else(|| "no more can be scanned at once".to_owned())?;
        drop(pool);
        let scanned = (|| {
            let settings = context.config.settings().map_err(said)?;
            // The database may have been taken anew since.
            let suppression = SuppressionArguments { vex: Vec::new(), exceptions: Vec::new() };
            let judges = Judges::find(&settings, &context.environment, None, &suppression).map_err(said)?;
            let target = ImageTarget::of(&PathBuf::from(format!("docker://{image}")), None);
            let common = CommonArguments { output: None, allow_incomplete: false };
            let report = images::report(&mut context, &settings, &judges, target, &common).map_err(said)?;
            Ok(ImageFacts::of(&report))
        })();
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        scanned
    }

    fn resolve(&self, image: &ImageRef) -> Result<Digest, Missed> {
        let opened = self.registries().open(image, None, true, &Choice::default(), &self.limits);
        let opened = opened.map_err(|error| {
            let first: &dyn std::error::Error = &error;
            let chain = std::iter::successors(Some(first), |error| error.source()).map(ToString::to_string);
            missed(error.code(), chain.collect::<Vec<_>>().join(": "))
        })?;
        opened.0.manifest_digest.ok_or_else(|| "its manifest has no digest".to_owned().into())
    }

    /// Registries with the logins of late: those in a cluster change.
    fn registries(&self) -> Arc<Registries> {
        let mut registries = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        if registries.1.elapsed() > LOGINS {
            *registries = ((self.made)(), Instant::now());
        }
        Arc::clone(&registries.0)
    }
}

impl ImageSource for Scans {
    fn resolve(&self, image: ImageRef) -> Later<Digest, Missed> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let _permit = inner.questions.acquire().await.map_err(|error| Missed::from(error.to_string()))?;
            let own = Arc::clone(&inner);
            let asked = tokio::task::spawn_blocking(move || own.resolve(&image)).await;
            asked.unwrap_or_else(|_| Err("asking for it failed in a way it should not".to_owned().into()))
        })
    }

    fn facts(&self, image: ImageRef) -> Later<ImageFacts, Missed> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let _permit = inner.scans.acquire().await.map_err(|error| Missed::from(error.to_string()))?;
            let own = Arc::clone(&inner);
            let scanned = tokio::task::spawn_blocking(move || own.scan(&image)).await;
            scanned.unwrap_or_else(|_| Err("the scan failed in a way it should not".to_owned().into()))
        })
    }
}
