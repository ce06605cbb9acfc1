//! A hub, as whoever asks it sees it.

use crate::config::Settings;
use crate::error::{CliError, reason};
use sekisho_api::endpoint::{Endpoint, Method};
use sekisho_api::page::{Cursor, Page};
use sekisho_api::problem::Problem;
use sekisho_model::Code;
use sekisho_net::{Client as Http, Patience, StatusCode, Url, Ways, asked_to_wait, header, read_error};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write as _;
use std::path::Path;

/// The authorities that a hub on this machine makes, in its directory.
pub(super) const BUNDLE: &str = "ca.pem";

/// A hub that is asked.
pub(super) struct Client {
    http: Http,
    base: Url,
    pub(super) token: String,
    patience: Patience,
}

impl Client {
    /// The hub that the settings name.
    pub(super) fn new(settings: &Settings) -> Result<Self, CliError> {
        let own = &settings.hub;
        let invalid = |why: &str| CliError::new(Code::ConfigInvalid, format!("hub.url is {:?}: {why}", own.url));
        let base = Url::parse(&own.url).map_err(|error| invalid(&error.to_string()))?;
        let is_here = base.host_str().is_some_and(|host| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        });
        match base.scheme() {
            "https" => {}
            "http" if is_here => {}
            "http" => return Err(invalid("a token is not sent to another machine in plain text; use https")),
            _ => return Err(invalid("it is not of the form https://HOST[:PORT]")),
        }
        let mut network = settings.network();
        let made = own.directory.join(BUNDLE);
        if is_here && made.exists() {
            network.ca_bundles.push(made);
        }
        let http = network
            .client_with(Ways { stays: true, ..Ways::default() })
            .map_err(|error| CliError::from_error(Code::NetworkUnusable, &error))?;
        let token = if own.token.is_empty() { read_token(&own.token_file)? } else { own.token.clone() };
        Ok(Self { http, base, token, patience: Patience::default() })
    }

    /// What an endpoint gives, with these names in its path.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        names: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, CliError> {
        let bytes = self.send(endpoint, names, query, None).await?;
        self.understood(&bytes)
    }

    /// Sends a document to an endpoint, and gives what it answers.
    pub(super) async fn tell<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        document: &impl Serialize,
    ) -> Result<T, CliError> {
        let body = serde_json::to_vec(document).map_err(|error| CliError::from_error(Code::InternalFault, &error))?;
        let mut bytes = self.send(endpoint, &[], &[], Some(&body)).await?;
        if bytes.is_empty() {
            bytes.extend_from_slice(b"null");
        }
        self.understood(&bytes)
    }

    fn understood<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CliError> {
        serde_json::from_slice(bytes).map_err(|error| {
            let message = format!("what {} answers is not understood: {error}", self.base);
            CliError::new(Code::HubUnreachable, message)
        })
    }

    /// All entries of a list, or so many of them, as one part.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        names: &[&str],
        query: &[(&str, String)],
        most: u32,
    ) -> Result<Page<T>, CliError> {
        let mut items: Vec<T> = Vec::new();
        let mut cursor: Option<Cursor> = None;
        loop {
            let rest = most.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
            let mut query = query.to_vec();
            query.push(("limit", rest.min(sekisho_api::page::MOST).to_string()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor.to_string())));
            let page: Page<T> = self.ask(endpoint, names, &query).await?;
            items.extend(page.items);
            match page.next {
                Some(next) if items.len() < most as usize => cursor = Some(next),
                next => return Ok(Page { items, next }),
            }
        }
    }

    /// Asks, and again where the hub says that it may be asked later.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        names: &[&str],
        query: &[(&str, String)],
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, CliError> {
        let method = match endpoint.method {
            Method::Get => sekisho_net::Method::GET,
            Method::Put => sekisho_net::Method::PUT,
            Method::Post => sekisho_net::Method::POST,
            Method::Delete => sekisho_net::Method::DELETE,
        };
        let url = self.url(endpoint, names, query);
        let unreachable = |error| CliError::from_error(Code::HubUnreachable, &read_error(self.base.as_str(), error));
        let mut failures = 0;
        loop {
            let mut request = self.http.request(method.clone(), url.clone());
            if !self.token.is_empty() {
                request = request.bearer_auth(&self.token);
            }
            if let Some(body) = body {
                // What is large was compressed.
                let is_plain = body.first() == Some(&b'{');
                request = request.header(header::CONTENT_TYPE, "application/json");
                request = request.header(header::CONTENT_ENCODING, if is_plain { "identity" } else { "zstd" });
                request = request.body(body.to_vec());
            }
            let response = request.send().await.map_err(unreachable)?;
            let (status, asked) = (response.status(), asked_to_wait(response.headers()));
            let bytes = response.bytes().await.map_err(unreachable)?;
            if status.is_success() {
                return Ok(bytes.to_vec());
            }
            let later = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            failures += 1;
            if !later || failures >= self.patience.attempts || !self.patience.pause(failures, asked).await {
                return Err(self.refused(status, &bytes));
            }
        }
    }

    fn refused(&self, status: StatusCode, bytes: &[u8]) -> CliError {
        let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
            let message = format!("{} answers {status}, which is not how a hub says what is wrong", self.base);
            return CliError::new(Code::HubUnreachable, message);
        };
        CliError::new(problem.code, format!("the hub at {} refuses: {}", self.base, problem.detail)).hint(problem.hint)
    }

    fn url(&self, endpoint: &Endpoint, names: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        let mut names = names.iter();
        // What is no base for others was refused above.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            for segment in endpoint.path.split('/').skip(1) {
                segments.push(if segment.starts_with('{') {
                    names.next().copied().unwrap_or_default()
                } else {
                    segment
                });
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// The token in a file; none where there is no file.
fn read_token(path: &Path) -> Result<String, CliError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => {
            let message = format!("cannot read the token in {}: {}", path.display(), reason(&error));
            Err(CliError::new(Code::ConfigInvalid, message).hint("check hub.token_file"))
        }
    }
}

/// Keeps a token for the next commands, for nobody else to read.
pub(super) fn keep_token(path: &Path, token: &str) -> Result<(), CliError> {
    let write = || -> std::io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory)?;
        // Temporary files are made for their owner alone.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        writeln!(file, "{token}")?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| {
        let message = format!("cannot keep the token in {}: {}", path.display(), reason(&error));
        CliError::new(Code::OutputFailed, message).hint("check hub.token_file")
    })
}
