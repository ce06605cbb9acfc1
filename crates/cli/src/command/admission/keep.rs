//! Certificates of the webhook: of files that are given, or of authorities of our own in a directory or a secret.

use crate::config::AdmissionSettings;
use crate::error::CliError;
use sekisho_admission::Service;
use sekisho_admission::authority::{Authorities, AuthorityError, Directory, Shown};
use sekisho_admission::cluster::{Api, ApiError};
use sekisho_admission::metrics::Number;
use sekisho_base::clock::{Clock, SystemClock};
use sekisho_model::{Code, Digest};
use sekisho_net::server::Showing;
use std::path::PathBuf;
use std::sync::Arc;

/// Where certificates are from.
pub(super) enum Keeping {
    /// Files, which somebody else looks after.
    Files { certificate: PathBuf, key: PathBuf },
    /// A directory.
    Directory(Directory),
    /// A secret.
    Secret { api: Arc<Api>, name: String },
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> CliError {
    CliError::from_error(Code::AdmissionUnusable, error)
}

/// Whether somebody else wrote meanwhile, so that a second look finds what they wrote.
fn is_conflict(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused { status: 409, .. })
}

impl Keeping {
    pub(super) fn of(settings: &AdmissionSettings, api: Option<&Arc<Api>>) -> Result<Self, CliError> {
        let given = |path: &PathBuf| !path.as_os_str().is_empty();
        match (given(&settings.certificate), given(&settings.key)) {
            (true, true) => {
                return Ok(Self::Files { certificate: settings.certificate.clone(), key: settings.key.clone() });
            }
            (false, false) => {}
            _ => {
                let message = "one of admission.certificate and admission.key is given and the other is not";
                return Err(CliError::new(Code::ConfigInvalid, message));
            }
        }
        match api {
            Some(api) if !settings.secret.is_empty() => {
                Ok(Self::Secret { api: Arc::clone(api), name: settings.secret.clone() })
            }
            _ => Ok(Self::Directory(Directory(settings.directory.clone()))),
        }
    }

    /// The authorities as they are to be now, kept where that is another state than the one that was found.
    async fn authorities(&self, rotate: bool) -> Result<Option<Authorities>, CliError> {
        let now = SystemClock.now();
        let next = |found: &Authorities| -> Result<Authorities, AuthorityError> {
            if rotate { found.rotated(now) } else { found.turned(now) }
        };
        match self {
            Self::Files { .. } => Ok(None),
            Self::Directory(directory) => {
                let found = directory.load().map_err(|error| unusable(&error))?;
                let turned = next(&found).map_err(|error| unusable(&error))?;
                if turned != found {
                    directory.save(&turned).map_err(|error| unusable(&error))?;
                }
                Ok(Some(turned))
            }
            Self::Secret { api, name } => {
                // Somebody else may be first; they then made what is needed.
                for _ in 0..3 {
                    let (found, kept) = api.authorities(name).await.map_err(|error| unusable(&error))?;
                    let turned = next(&found).map_err(|error| unusable(&error))?;
                    if turned == found {
                        return Ok(Some(found));
                    }
                    match api.put_authorities(name, kept, &turned).await {
                        Ok(()) => return Ok(Some(turned)),
                        Err(error) if is_conflict(&error) => {}
                        Err(error) => return Err(unusable(&error)),
                    }
                }
                let message = format!("the secret {name} is written by others all the time");
                Err(CliError::new(Code::AdmissionUnusable, message))
            }
        }
    }

    /// What the API server is to trust.
    pub(super) async fn bundle(&self, rotate: bool) -> Result<String, CliError> {
        let Some(authorities) = self.authorities(rotate).await? else {
            let message = "the certificate of admission.certificate is not by an authority of ours";
            return Err(CliError::new(Code::UsageInvalid, message).hint("whoever made it has its authority"));
        };
        Ok(authorities.bundle())
    }
}

/// Looks after what the server shows and what the API server trusts.
pub(super) struct Keeper {
    keeping: Keeping,
    host: String,
    showing: Arc<Showing>,
    shown: Shown,
    /// What the files held when they were last taken.
    files: Option<Digest>,
    webhook: Option<(Arc<Api>, String)>,
}

impl Keeper {
    pub(super) async fn start(
        keeping: Keeping,
        settings: &AdmissionSettings,
        api: Option<Arc<Api>>,
        service: &Service,
    ) -> Result<(Self, Arc<Showing>), CliError> {
        let host = settings.host.clone();
        let authorities = keeping.authorities(false).await?;
        let files = Self::files(&keeping);
        let shown = Self::certificate(&keeping, &host, authorities.as_ref()).map_err(|error| unusable(&error))?;
        let showing = Showing::new(shown.certified());
        let webhook = api.filter(|_| !settings.webhook.is_empty()).map(|api| (api, settings.webhook.clone()));
        let keeper = Self { keeping, host, showing: Arc::clone(&showing), shown, files, webhook };
        keeper.publish(authorities.as_ref(), service).await;
        Ok((keeper, showing))
    }

    fn certificate(keeping: &Keeping, host: &str, authorities: Option<&Authorities>) -> Result<Shown, AuthorityError> {
        match (keeping, authorities) {
            (Keeping::Files { certificate, key }, _) => Shown::read(certificate, key),
            (_, Some(authorities)) => authorities.certificate(&[host.to_owned()], SystemClock.now()),
            (_, None) => Authorities::default().certificate(&[host.to_owned()], SystemClock.now()),
        }
    }

    fn files(keeping: &Keeping) -> Option<Digest> {
        let Keeping::Files { certificate, key } = keeping else { return None };
        let mut bytes = std::fs::read(certificate).ok()?;
        bytes.extend(std::fs::read(key).ok()?);
        Some(Digest::of(&bytes))
    }

    /// Tells the API server and the metrics.
    async fn publish(&self, authorities: Option<&Authorities>, service: &Service) {
        let seconds = |at: jiff::Timestamp| u64::try_from(at.as_second()).unwrap_or(0);
        service.metrics.show(Number::CertificateEnds, self.shown.until.map_or(0, seconds));
        let Some(authorities) = authorities else { return };
        service.metrics.show(Number::AuthorityEnds, authorities.until().map_or(0, seconds));
        let Some((api, name)) = &self.webhook else { return };
        match api.put_bundle(name, &authorities.bundle()).await {
            Ok(false) => {}
            Ok(true) => service.tell("bundle_written", false, format!("the webhook {name} has our authorities")),
            Err(error) => service.tell("bundle_failed", true, error.to_string()),
        }
    }

    /// Does what it is time for. What fails is told and tried again the next time.
    pub(super) async fn turn(&mut self, service: &Service) {
        let authorities = match self.keeping.authorities(false).await {
            Ok(authorities) => authorities,
            Err(error) => return service.tell("authorities_failed", true, error.message().to_owned()),
        };
        let files = Self::files(&self.keeping);
        let due = match &authorities {
            Some(authorities) => self.shown.is_due(authorities, SystemClock.now()),
            None => files != self.files,
        };
        if due {
            match Self::certificate(&self.keeping, &self.host, authorities.as_ref()) {
                Ok(shown) => {
                    self.showing.replace(shown.certified());
                    (self.shown, self.files) = (shown, files);
                    service.tell("certificate_changed", false, "another certificate is shown".to_owned());
                }
                Err(error) => service.tell("certificate_failed", true, error.to_string()),
            }
        }
        self.publish(authorities.as_ref(), service).await;
    }
}
