//! The client of registries (OCI distribution specification 1.1): as much as images and artifacts need.
//!
//! Authentication is what registries ask for: `Basic`, or `Bearer` with a token from where the challenge says
//! (<https://distribution.github.io/distribution/spec/auth/token/>,
//! <https://distribution.github.io/distribution/spec/auth/oauth/>).

use crate::artifact::ArtifactError;
use crate::auth::{Login, Logins, Secret};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_model::Digest;
use sekisho_model::ImageRef;
use sekisho_net::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use sekisho_net::{
    Body, Client, FetchError, Get, Method, Network, Patience, RequestBuilder, Response, Url, Watch, Ways,
    asked_to_wait, download, read_error,
};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use tokio::time::timeout;

/// Answers that are read as a whole are short.
const MAX_ANSWER: u64 = 1 << 20;
/// A token may be over in the middle of a long download; more often than this it is no good.
const MAX_TOKENS: u32 = 8;

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

/// Whether a registry is on this machine.
pub(crate) fn is_local(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// The server behind the name of a registry.
pub(crate) fn server(registry: &str) -> &str {
    if registry == "docker.io" { "registry-1.docker.io" } else { registry }
}

/// One repository of a registry. Several threads may use it at once.
#[derive(Debug)]
pub(crate) struct Repository {
    client: Client,
    /// How to get a client that follows no redirection, where identity tokens may be exchanged: a redirection takes what
    /// is posted along to anywhere.
    direct: Option<(Network, Ways)>,
    patience: Patience,
    logins: Logins,
    registry: String,
    name: String,
    base: String,
    /// `pull` or `pull,push`
    actions: &'static str,
    /// Found out once the registry asks; with what went wrong on the way.
    login: OnceLock<(Option<Login>, Vec<String>)>,
    authorization: Mutex<Option<HeaderValue>>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
}

impl Repository {
    pub(crate) fn new(access: &Access<'_>, reference: &ImageRef, actions: &'static str) -> Self {
        let ImageRef { registry, repository, .. } = reference;
        let scheme = if access.plain_http || is_local(registry) { "http" } else { "https" };
        let (client, logins) = (access.client.clone(), access.logins.clone());
        Self::at(scheme, registry, repository, actions, client, None, access.patience.clone(), logins)
    }

    #[expect(clippy::too_many_arguments, reason = "one for each of the fields that callers decide")]
    pub(crate) fn at(
        scheme: &str,
        registry: &str,
        name: &str,
        actions: &'static str,
        client: Client,
        direct: Option<(Network, Ways)>,
        patience: Patience,
        logins: Logins,
    ) -> Self {
        Self {
            client,
            direct,
            patience,
            logins,
            registry: registry.to_owned(),
            name: name.to_owned(),
            base: format!("{scheme}://{}/v2/{name}/", server(registry)),
            actions,
            login: OnceLock::new(),
            authorization: Mutex::new(None),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn login(&self) -> Option<&Login> {
        self.login.get_or_init(|| self.logins.find(&self.registry, &self.name)).0.as_ref()
    }

    /// Sends what `build` makes, with a token once the registry has asked for one, and again after what passes.
    async fn send(&self, url: &str, build: impl Fn() -> RequestBuilder) -> Result<Response, ArtifactError> {
        let (mut failures, mut asked) = (0, false);
        loop {
            let mut request = build();
            if let Some(value) = self.authorization() {
                request = request.header(AUTHORIZATION, value);
            }
            let Ok(result) = timeout(self.patience.window, request.send()).await else {
                failures += 1;
                if failures < self.patience.attempts && self.patience.pause(failures, None).await {
                    continue;
                }
                return Err(stalled(url));
            };
            let passing = match &result {
                Ok(response) if response.status().as_u16() == 401 && !asked => {
                    asked = true;
                    self.authorize(response).await?;
                    continue;
                }
                Ok(response) => response.status().is_server_error() || response.status().as_u16() == 429,
                // Names that do not exist, closed ports and certificates of nobody stay so for a while.
                Err(error) if error.is_connect() => failures < 1,
                Err(error) => !error.is_redirect() && !error.is_builder(),
            };
            failures += 1;
            let wait = result.as_ref().ok().and_then(|response| asked_to_wait(response.headers()));
            let again = passing && failures < self.patience.attempts;
            if !again || !self.patience.pause(failures, wait).await {
                return result.map_err(|error| ArtifactError::Fetch(read_error(url, error)));
            }
        }
    }

    /// Gets what the registry asks for in its answer of 401.
    async fn authorize(&self, response: &Response) -> Result<(), ArtifactError> {
        let challenges = response.headers().get_all(WWW_AUTHENTICATE);
        let challenge = challenges.iter().find_map(|value| Challenge::parse(value.to_str().ok()?));
        let challenge = challenge.ok_or_else(|| self.denied("it asks for a login, and not how"))?;
        let bearer = |token: &str| {
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| self.denied("its token is none"))
        };
        let mut value = match (challenge, self.login()) {
            (_, Some(Login { kind: Secret::Token, secret, .. })) => bearer(secret)?,
            (Challenge::Basic, Some(Login { kind: Secret::Password, name, secret })) => {
                let request = self.client.get(&self.base).basic_auth(name, Some(secret)).build();
                let request = request.map_err(|error| ArtifactError::Fetch(read_error(&self.base, error)))?;
                let header = request.headers().get(AUTHORIZATION).cloned();
                header.ok_or_else(|| self.denied("the login cannot be sent"))?
            }
            (Challenge::Basic, _) => return Err(self.denied("it asks for a name and a password")),
            (Challenge::Bearer { realm, service }, login) => {
                let url = Url::parse(&realm).map_err(|_| self.denied("it sends for a token to what is no address"))?;
                if url.scheme() != "https" && (url.scheme() != "http" || self.base.starts_with("https")) {
                    return Err(self.denied("it sends for a token to where a password could be read on the way"));
                }
                bearer(&self.token(url, &service, login).await?)?
            }
        };
        value.set_sensitive(true);
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(())
    }

    async fn token(&self, mut url: Url, service: &str, login: Option<&Login>) -> Result<String, ArtifactError> {
        let scope = format!("repository:{}:{}", self.name, self.actions);
        let identity = login.filter(|login| login.kind == Secret::Identity);
        let (client, form) = match (identity, &self.direct) {
            (Some(login), Some((network, ways))) => {
                let direct = network.client_with(*ways);
                let direct = direct.map_err(|error| self.denied(&format!("there is no client for tokens: {error}")))?;
                let mut form = url.clone();
                form.query_pairs_mut()
                    .clear()
                    .extend_pairs([("grant_type", "refresh_token"), ("service", service), ("scope", &scope)])
                    .extend_pairs([("client_id", "sekisho"), ("refresh_token", &login.secret)]);
                (direct, form.query().map(str::to_owned))
            }
            (Some(_), None) => return Err(self.denied("an identity token is not of use here")),
            (None, _) => {
                url.query_pairs_mut().append_pair("service", service).append_pair("scope", &scope);
                (self.client.clone(), None)
            }
        };
        let shown = url.to_string();
        let mut failures = 0;
        let response = loop {
            let mut request = match &form {
                Some(form) => client
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.clone()),
                None => client.get(url.clone()),
            };
            if let Some(login) = login.filter(|login| login.kind == Secret::Password) {
                request = request.basic_auth(&login.name, Some(&login.secret));
            }
            let response = timeout(self.patience.window, request.send()).await.map_err(|_| stalled(&shown))?;
            let response = response.map_err(|error| ArtifactError::Fetch(read_error(&shown, error)))?;
            failures += 1;
            let passing = response.status().is_server_error() || response.status().as_u16() == 429;
            let wait = asked_to_wait(response.headers());
            if !passing || failures >= self.patience.attempts || !self.patience.pause(failures, wait).await {
                break response;
            }
        };
        if !response.status().is_success() {
            return Err(self.denied(&format!("its token service answers {}", response.status())));
        }
        let bytes = self.answer(&shown, response, MAX_ANSWER).await?;
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        token
            .map(|token| if token.token.is_empty() { token.access_token } else { token.token })
            .filter(|token| !token.is_empty())
            .ok_or_else(|| self.denied("its token service answers with something else than a token"))
    }

    fn denied(&self, why: &str) -> ArtifactError {
        let (login, failures) = self.login.get().map_or((None, &[][..]), |(login, told)| (login.as_ref(), told));
        let who = match login {
            None => "without a login".to_owned(),
            Some(Login { kind: Secret::Password, name, .. }) => format!("as {name:?}"),
            Some(_) => "with a token".to_owned(),
        };
        let who =
            std::iter::once(who.as_str()).chain(failures.iter().map(String::as_str)).collect::<Vec<_>>().join("; ");
        ArtifactError::Denied { registry: self.registry.clone(), reason: format!("{why} ({who})") }
    }

    /// The body of an answer of at most `most` bytes.
    async fn answer(&self, url: &str, mut response: Response, most: u64) -> Result<Vec<u8>, ArtifactError> {
        let endless = || ArtifactError::TooLong { url: url.to_owned(), most };
        if response.content_length().is_some_and(|length| length > most) {
            return Err(endless());
        }
        // Short as it is, all of it has to come in one span.
        let read = async {
            let mut bytes = Vec::new();
            while let Some(chunk) =
                response.chunk().await.map_err(|error| ArtifactError::Fetch(read_error(url, error)))?
            {
                bytes.extend_from_slice(&chunk);
                if bytes.len() as u64 > most {
                    return Err(endless());
                }
            }
            Ok(bytes)
        };
        timeout(self.patience.window, read).await.map_err(|_| stalled(url))?
    }

    /// What an answer that is not the wanted one means.
    async fn unexpected(&self, what: &str, place: &str, url: &str, response: Response) -> ArtifactError {
        let status = response.status();
        let said = self.answer(url, response, MAX_ANSWER).await.unwrap_or_default();
        let said: String = String::from_utf8_lossy(&said).chars().take(200).collect();
        match status.as_u16() {
            401 | 403 => self.denied(&format!("it does not let {what}")),
            404 => ArtifactError::Absent { place: place.to_owned() },
            _ => ArtifactError::Refused { registry: self.registry.clone(), what: what.to_owned(), status, said },
        }
    }

    /// The bytes of the manifest, which are those of the digest where the reference has one.
    pub(crate) async fn manifest(&self, reference: &ImageRef, media_type: &str) -> Result<Vec<u8>, ArtifactError> {
        Ok(self.manifest_of(&reference.wanted(), &reference.to_string(), media_type, MAX_ANSWER).await?.0)
    }

    /// The bytes of the manifest called `wanted`, a tag or a digest, which is held to, and the media type that the
    /// registry states. `place` is what it is called in errors.
    pub(crate) async fn manifest_of(
        &self,
        wanted: &str,
        place: &str,
        accept: &str,
        most: u64,
    ) -> Result<(Vec<u8>, String), ArtifactError> {
        let url = self.url(&format!("manifests/{wanted}"));
        let response = self.send(&url, || self.client.get(&url).header(ACCEPT, accept)).await?;
        if !response.status().is_success() {
            return Err(self.unexpected("its manifest be read", place, &url, response).await);
        }
        let stated = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = stated.split(';').next().unwrap_or_default().trim().to_owned();
        // What is asked for by tag is held to what the registry itself says.
        let said = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = self.answer(&url, response, most).await?;
        if let Some(expected) = wanted.parse().ok().or(said) {
            matches_digest(&url, &expected, &Digest::of(&bytes)).map_err(|error| {
                // Registries turn what nobody asked for into older forms, and give the digest of what it was.
                if accept.split(',').any(|asked| asked == "*/*" || asked.trim() == media_type) {
                    return error;
                }
                ArtifactError::Foreign { place: place.to_owned(), reason: format!("is {media_type:?}, not {accept}") }
            })?;
        }
        Ok((bytes, media_type))
    }

    /// What refers to the manifest of this digest, as an index; `None` where the registry does not know how to say that.
    pub(crate) async fn referrers(&self, image: &Digest, most: u64) -> Result<Option<Vec<u8>>, ArtifactError> {
        let url = self.url(&format!("referrers/{image}"));
        let response = self.send(&url, || self.client.get(&url)).await?;
        match response.status().as_u16() {
            200 => Ok(Some(self.answer(&url, response, most).await?)),
            // 400 and 405 are of registries that take it for something else.
            400 | 404 | 405 => Ok(None),
            _ => Err(self.unexpected("its referrers be read", "list of referrers", &url, response).await),
        }
    }

    /// The bytes of a short blob, which are those of the digest.
    pub(crate) async fn short_blob(&self, digest: &Digest, most: u64) -> Result<Vec<u8>, ArtifactError> {
        let url = self.url(&format!("blobs/{digest}"));
        let response = self.send(&url, || self.client.get(&url)).await?;
        if !response.status().is_success() {
            return Err(self.unexpected("a blob be read", &format!("blob {digest}"), &url, response).await);
        }
        let bytes = self.answer(&url, response, most).await?;
        matches_digest(&url, digest, &Digest::of(&bytes))?;
        Ok(bytes)
    }

    /// Gets a blob of at most `most` bytes into `file`.
    pub(crate) async fn blob(
        &self,
        digest: &Digest,
        most: u64,
        file: &mut File,
        watch: &mut dyn Watch,
    ) -> Result<(), ArtifactError> {
        let url = self.url(&format!("blobs/{digest}"));
        let mut tokens = 0;
        loop {
            let headers: HeaderMap = self.authorization().map(|value| (AUTHORIZATION, value)).into_iter().collect();
            let begun = (io::Seek::seek(file, io::SeekFrom::End(0)).unwrap_or(0) > 0).then(Default::default);
            let get = Get { url: &url, headers, known: None, begun, most, immutable: true };
            match download(&self.client, &self.patience, get, file, watch).await {
                Err(FetchError::Status { status, .. }) if status.as_u16() == 401 && tokens < MAX_TOKENS => {
                    tokens += 1;
                    // Asked for anew in the way that answers challenges.
                    let response = self.send(&url, || self.client.head(&url)).await?;
                    if !response.status().is_success() {
                        return Err(self.unexpected("a blob be read", &format!("blob {digest}"), &url, response).await);
                    }
                }
                Err(FetchError::Status { status, .. }) if matches!(status.as_u16(), 401 | 403) => {
                    return Err(self.denied("it does not let a blob be read"));
                }
                result => return result.map(|_| ()).map_err(ArtifactError::Fetch),
            }
        }
    }

    /// Uploads a blob unless the registry has it.
    pub(crate) async fn upload(
        &self,
        digest: &Digest,
        bytes: u64,
        body: &(dyn Fn() -> io::Result<Body> + Sync),
    ) -> Result<(), ArtifactError> {
        let (client, url) = (&self.client, self.url(&format!("blobs/{digest}")));
        let place = format!("{}/{}", self.registry, self.name);
        if self.send(&url, || client.head(&url)).await?.status().is_success() {
            return Ok(());
        }
        let url = self.url("blobs/uploads/");
        let response = self.send(&url, || client.post(&url).header("content-length", 0)).await?;
        if response.status().as_u16() != 202 {
            return Err(self.unexpected("a blob be uploaded", &place, &url, response).await);
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = Url::parse(&url).and_then(|base| base.join(location));
        let mut target = target
            .map_err(|_| ArtifactError::Protocol { url: url.clone(), reason: "it names no place to upload to" })?;
        // The specification adds it to whatever query there is.
        target.query_pairs_mut().append_pair("digest", &digest.to_string());
        let body = body().map_err(|source| ArtifactError::Read { path: "the artifact".into(), source })?;
        let mut request = client.request(Method::PUT, target.clone()).header(CONTENT_TYPE, "application/octet-stream");
        // Credentials are for this registry only.
        let same = Url::parse(&url).is_ok_and(|base| base.origin() == target.origin());
        if let Some(value) = self.authorization().filter(|_| same) {
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.header("content-length", bytes).body(body).send().await;
        let response = response.map_err(|error| ArtifactError::Fetch(read_error(&url, error)))?;
        if response.status().as_u16() != 201 {
            return Err(self.unexpected("a blob be uploaded", &place, &url, response).await);
        }
        Ok(())
    }

    /// Puts the manifest under the tag.
    pub(crate) async fn put_manifest(&self, tag: &str, media_type: &str, manifest: &[u8]) -> Result<(), ArtifactError> {
        let (client, url) = (&self.client, self.url(&format!("manifests/{tag}")));
        let body = Bytes::copy_from_slice(manifest);
        let build = || client.request(Method::PUT, &url).header(CONTENT_TYPE, media_type).body(body.clone());
        let response = self.send(&url, build).await?;
        if response.status().as_u16() != 201 {
            return Err(self.unexpected("its manifest be written", tag, &url, response).await);
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

fn stalled(url: &str) -> ArtifactError {
    ArtifactError::Fetch(FetchError::Stalled { url: url.to_owned() })
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
