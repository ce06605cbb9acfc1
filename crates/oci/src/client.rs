//! The client of registries (OCI distribution specification 1.1): as much as handing over one artifact needs.
//!
//! Authentication is what registries ask for: `Basic`, or `Bearer` with a token from where the challenge says
//! (<https://distribution.github.io/distribution/spec/auth/token/>).

use crate::artifact::ArtifactError;
use crate::auth::{Login, Logins};
use crate::reference::Reference;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_model::Digest;
use sekisho_net::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use sekisho_net::{
    Body, Client, Get, Got, Method, Patience, RequestBuilder, Response, Url, Watch, asked_to_wait, download, read_error,
};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Answers that are read as a whole are short.
const MAX_ANSWER: usize = 1 << 20;

/// How registries are reached.
#[derive(Debug)]
pub struct Access<'a> {
    /// The client of this site.
    pub client: &'a Client,
    /// How long to go on trying.
    pub patience: Patience,
    /// Who to be.
    pub logins: Logins,
    /// Use plain HTTP; for this machine itself it is used anyway.
    pub plain_http: bool,
}

/// One repository of a registry.
pub(crate) struct Repository<'a> {
    access: &'a Access<'a>,
    reference: &'a Reference,
    base: String,
    login: Option<&'a Login>,
    authorization: Option<HeaderValue>,
    /// `pull` or `pull,push`
    actions: &'static str,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl<'a> Repository<'a> {
    pub(crate) fn new(access: &'a Access<'a>, reference: &'a Reference, actions: &'static str) -> Self {
        let Reference { registry, repository, .. } = reference;
        let host = registry.rsplit_once(':').map_or(registry.as_str(), |(host, _)| host);
        let own = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        let scheme = if access.plain_http || own { "http" } else { "https" };
        let server = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        Self {
            access,
            reference,
            base: format!("{scheme}://{server}/v2/{repository}/"),
            login: access.logins.of(registry, repository),
            authorization: None,
            actions,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends what `build` makes, with a token once the registry has asked for one, and again after what passes.
    async fn send(&mut self, url: &str, build: impl Fn() -> RequestBuilder) -> Result<Response, ArtifactError> {
        let (mut failures, mut asked) = (0, false);
        loop {
            let mut request = build();
            if let Some(value) = &self.authorization {
                request = request.header(AUTHORIZATION, value.clone());
            }
            let result = request.send().await;
            let passing = match &result {
                Ok(response) if response.status().as_u16() == 401 && !asked => {
                    asked = true;
                    self.authorize(response).await?;
                    continue;
                }
                Ok(response) => response.status().is_server_error() || response.status().as_u16() == 429,
                Err(error) => !error.is_redirect() && !error.is_builder(),
            };
            failures += 1;
            let wait = result.as_ref().ok().and_then(|response| asked_to_wait(response.headers()));
            let again = passing && failures < self.access.patience.attempts;
            if !again || !self.access.patience.pause(failures, wait).await {
                return result.map_err(|error| ArtifactError::Fetch(read_error(url, error)));
            }
        }
    }

    /// Gets what the registry asks for in its answer of 401.
    async fn authorize(&mut self, response: &Response) -> Result<(), ArtifactError> {
        let challenges = response.headers().get_all(WWW_AUTHENTICATE);
        let challenge = challenges.iter().find_map(|value| Challenge::parse(value.to_str().ok()?));
        let denied = |why: &str| self.denied(why);
        let mut value = match challenge.ok_or_else(|| denied("it asks for a login, and not how"))? {
            Challenge::Basic => {
                let login = self.login.ok_or_else(|| denied("it asks for a login"))?;
                let request = self.access.client.get(&self.base).basic_auth(&login.name, Some(&login.password)).build();
                let request = request.map_err(|error| ArtifactError::Fetch(read_error(&self.base, error)))?;
                request.headers().get(AUTHORIZATION).cloned().ok_or_else(|| denied("the login cannot be sent"))?
            }
            Challenge::Bearer { realm, service } => {
                let mut url = Url::parse(&realm).map_err(|_| denied("it sends for a token to what is no address"))?;
                if url.scheme() != "https" && (url.scheme() != "http" || self.base.starts_with("https")) {
                    return Err(denied("it sends for a token to where a password could be read on the way"));
                }
                let scope = format!("repository:{}:{}", self.reference.repository, self.actions);
                url.query_pairs_mut().append_pair("service", &service).append_pair("scope", &scope);
                let token = self.token(url).await?;
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| denied("its token is none"))?
            }
        };
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    async fn token(&self, url: Url) -> Result<String, ArtifactError> {
        let shown = url.to_string();
        let mut failures = 0;
        let response = loop {
            let mut request = self.access.client.get(url.clone());
            if let Some(login) = self.login {
                request = request.basic_auth(&login.name, Some(&login.password));
            }
            let response = request.send().await.map_err(|error| ArtifactError::Fetch(read_error(&shown, error)))?;
            failures += 1;
            let passing = response.status().is_server_error() || response.status().as_u16() == 429;
            let wait = asked_to_wait(response.headers());
            if !passing
                || failures >= self.access.patience.attempts
                || !self.access.patience.pause(failures, wait).await
            {
                break response;
            }
        };
        if !response.status().is_success() {
            return Err(self.denied(&format!("its token service answers {}", response.status())));
        }
        let bytes = answer(&shown, response).await?;
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        token
            .map(|token| if token.token.is_empty() { token.access_token } else { token.token })
            .filter(|token| !token.is_empty())
            .ok_or_else(|| self.denied("its token service answers with something else than a token"))
    }

    fn denied(&self, why: &str) -> ArtifactError {
        let helpers = self.login.is_none() && self.access.logins.has_helpers();
        let helpers = if helpers { "; credential helpers, which are configured, are never run" } else { "" };
        let who = self.login.map_or_else(|| "without a login".to_owned(), |login| format!("as {:?}", login.name));
        ArtifactError::Denied { registry: self.reference.registry.clone(), reason: format!("{why} ({who}{helpers})") }
    }

    /// What an answer that is not the wanted one means.
    async fn unexpected(&self, what: &str, url: &str, response: Response) -> ArtifactError {
        let status = response.status();
        let said = answer(url, response).await.unwrap_or_default();
        let said: String = String::from_utf8_lossy(&said).chars().take(200).collect();
        match status.as_u16() {
            401 | 403 => self.denied(&format!("it does not let {what}")),
            404 => ArtifactError::Absent { place: self.reference.to_string() },
            _ => ArtifactError::Refused {
                registry: self.reference.registry.clone(),
                what: what.to_owned(),
                status,
                said,
            },
        }
    }

    /// The bytes of the manifest, which are those of the digest where the reference has one.
    pub(crate) async fn manifest(&mut self, media_type: &str) -> Result<Vec<u8>, ArtifactError> {
        let wanted = self.reference.digest.as_ref().map_or_else(|| self.reference.tag.clone(), ToString::to_string);
        let url = self.url(&format!("manifests/{wanted}"));
        let client = self.access.client;
        let response = self.send(&url, || client.get(&url).header(ACCEPT, media_type)).await?;
        if !response.status().is_success() {
            return Err(self.unexpected("its manifest be read", &url, response).await);
        }
        let bytes = answer(&url, response).await?;
        if let Some(expected) = &self.reference.digest {
            matches_digest(&url, expected, &Digest::of(&bytes))?;
        }
        Ok(bytes)
    }

    /// Gets a blob of at most `most` bytes into `file`.
    pub(crate) async fn blob(
        &mut self,
        digest: &Digest,
        most: u64,
        file: &mut File,
        watch: &mut dyn Watch,
    ) -> Result<(), ArtifactError> {
        let url = self.url(&format!("blobs/{digest}"));
        let headers: HeaderMap = self.authorization.iter().map(|value| (AUTHORIZATION, value.clone())).collect();
        let get = Get { url: &url, headers, known: None, begun: None, most };
        match download(self.access.client, &self.access.patience, get, file, watch).await? {
            Got::Whole(_) | Got::Unchanged => Ok(()),
        }
    }

    /// Uploads a blob unless the registry has it.
    pub(crate) async fn upload(
        &mut self,
        digest: &Digest,
        bytes: u64,
        body: &(dyn Fn() -> io::Result<Body> + Sync),
    ) -> Result<(), ArtifactError> {
        let (client, url) = (self.access.client, self.url(&format!("blobs/{digest}")));
        if self.send(&url, || client.head(&url)).await?.status().is_success() {
            return Ok(());
        }
        let url = self.url("blobs/uploads/");
        let response = self.send(&url, || client.post(&url).header("content-length", 0)).await?;
        if response.status().as_u16() != 202 {
            return Err(self.unexpected("a blob be uploaded", &url, response).await);
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let place = Url::parse(&url).and_then(|base| base.join(location));
        let mut place = place
            .map_err(|_| ArtifactError::Protocol { url: url.clone(), reason: "it names no place to upload to" })?;
        // The specification adds it to whatever query there is.
        place.query_pairs_mut().append_pair("digest", &digest.to_string());
        let body = body().map_err(|source| ArtifactError::Read { path: "the artifact".into(), source })?;
        let mut request = client.request(Method::PUT, place.clone()).header(CONTENT_TYPE, "application/octet-stream");
        // Credentials are for this registry only.
        let same = Url::parse(&url).is_ok_and(|base| base.origin() == place.origin());
        if let Some(value) = self.authorization.as_ref().filter(|_| same) {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let response = request.header("content-length", bytes).body(body).send().await;
        let response = response.map_err(|error| ArtifactError::Fetch(read_error(&url, error)))?;
        if response.status().as_u16() != 201 {
            return Err(self.unexpected("a blob be uploaded", &url, response).await);
        }
        Ok(())
    }

    /// Puts the manifest under the tag.
    pub(crate) async fn put_manifest(&mut self, media_type: &str, manifest: &[u8]) -> Result<(), ArtifactError> {
        let (client, url) = (self.access.client, self.url(&format!("manifests/{}", self.reference.tag)));
        let body = Bytes::copy_from_slice(manifest);
        let build = || client.request(Method::PUT, &url).header(CONTENT_TYPE, media_type).body(body.clone());
        let response = self.send(&url, build).await?;
        if response.status().as_u16() != 201 {
            return Err(self.unexpected("its manifest be written", &url, response).await);
        }
        let digest = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        match digest.map(str::parse::<Digest>) {
            Some(Ok(stored)) => matches_digest(&url, &Digest::of(manifest), &stored),
            _ => Ok(()),
        }
    }
}

pub(crate) fn matches_digest(what: &str, expected: &Digest, found: &Digest) -> Result<(), ArtifactError> {
    if expected == found {
        return Ok(());
    }
    Err(ArtifactError::Digest { what: what.to_owned(), expected: *expected, found: *found })
}

/// The body of an answer, which must be short.
async fn answer(url: &str, mut response: Response) -> Result<Vec<u8>, ArtifactError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| ArtifactError::Fetch(read_error(url, error)))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            return Err(ArtifactError::Protocol { url: url.to_owned(), reason: "its answer has no end" });
        }
    }
    Ok(bytes)
}

/// What a registry asks for (RFC 9110, section 11.6.1).
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: String },
}

impl Challenge {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut rest) = (String::new(), String::new(), rest);
        while let Some((name, after)) = rest.split_once('=') {
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            match name.trim_matches([' ', ',']).to_ascii_lowercase().as_str() {
                "realm" => value.clone_into(&mut realm),
                "service" => value.clone_into(&mut service),
                _ => {}
            }
            rest = after;
        }
        (!realm.is_empty()).then_some(Self::Bearer { realm, service })
    }
}

/// A file as the body of a request, of a length that is known.
pub(crate) struct FileBody {
    file: File,
    left: u64,
}

impl FileBody {
    pub(crate) fn new(file: File, bytes: u64) -> Self {
        Self { file, left: bytes }
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut buffer = vec![0; self.left.min(1 << 16) as usize];
        let count = match self.file.read(&mut buffer) {
            Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            Ok(count) => count,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        buffer.truncate(count);
        self.left -= count as u64;
        Poll::Ready(Some(Ok(Frame::data(buffer.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer =
            |realm: &str, service: &str| Some(Challenge::Bearer { realm: realm.into(), service: service.into() });
        assert_eq!(Challenge::parse("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(
            Challenge::parse("Bearer realm=\"https://a/t\",service=\"s, x\",scope=\"repository:a:pull,push\""),
            bearer("https://a/t", "s, x")
        );
        assert_eq!(Challenge::parse("bearer service=s, realm=https://a"), bearer("https://a", "s"));
        for text in ["", "Bearer", "Bearer service=\"s\"", "Bearer realm=\"x", "Negotiate", "Bearer realm"] {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
    }
}
