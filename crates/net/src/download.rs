//! Getting one file: only if it changed, from where a connection broke, in bounds.

use crate::{Client, Patience, RequestError, Url, asked_to_wait, without_credentials};
use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no such address.
    #[error("{url} is no address of the form https://HOST/PATH")]
    Address {
        /// The address.
        url: String,
    },
    /// The server cannot be reached, or does not speak HTTP to the end.
    #[error("cannot get {url}")]
    Request {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// The server says no.
    #[error("cannot get {url}: the server answers {status}")]
    Status {
        /// The address.
        url: String,
        /// The answer.
        status: StatusCode,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// It is larger than it may be.
    #[error("cannot get {url}: it has more than {limit} bytes (limits.download_bytes)")]
    TooLarge {
        /// The address.
        url: String,
        /// What it may have.
        limit: u64,
    },
    /// The body is not as long as it is said to be.
    #[error("cannot get {url}: {found} of {expected} bytes came")]
    Length {
        /// The address.
        url: String,
        /// What came.
        found: u64,
        /// What was announced.
        expected: u64,
    },
    /// No answer came in too long a time.
    #[error("cannot get {url}: the server does not answer")]
    Silent {
        /// The address.
        url: String,
    },
    /// Too little came in too long a time.
    #[error("cannot get {url}: the server sends nothing, or too slowly")]
    Stalled {
        /// The address.
        url: String,
    },
    /// It could not be written down.
    #[error("cannot write what comes from {url}")]
    Write {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The error of a request to `url`, without what nobody should read.
pub fn read_error(url: &str, source: RequestError) -> FetchError {
    FetchError::Request { url: without_credentials(url), source: source.without_url() }
}

impl FetchError {
    /// Whether another attempt may do better after `failures`.
    fn is_passing(&self, failures: u32) -> bool {
        match self {
            Self::Request { source, .. } if source.is_redirect() || source.is_builder() => false,
            // Names that do not exist, closed ports and certificates of nobody stay so for a while; and who says nothing
            // for a minute, twice, would say nothing five times.
            Self::Request { source, .. } if source.is_connect() => failures < 2,
            Self::Silent { .. } => failures < 2,
            Self::Request { .. } | Self::Length { .. } | Self::Stalled { .. } => true,
            Self::Status { status, .. } => {
                status.is_server_error()
                    || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(status)
            }
            Self::Address { .. } | Self::TooLarge { .. } | Self::Write { .. } => false,
        }
    }
}

/// What a server tells one version of a file from another by (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    /// What stands for the very bytes: a part may be asked for by it (section 13.1.5).
    fn strong(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| !etag.starts_with("W/")).or(self.last_modified.as_deref())
    }

    /// Whether an answer is of the version that this stands for, as far as it says.
    fn fits(&self, answer: &Self) -> bool {
        match (&self.etag, &answer.etag) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => answer.last_modified.is_none() || self.last_modified == answer.last_modified,
        }
    }
}

/// Is told how a download goes.
pub trait Watch {
    /// A body begins, `from` so many bytes on, of `total` if that is known. What the file holds from now on is of the
    /// version that `validators` stand for.
    fn begins(&mut self, validators: &Validators, from: u64, total: Option<u64>) -> io::Result<()>;
    /// So many more bytes came.
    fn advance(&mut self, bytes: u64);
}

/// What to get.
#[derive(Debug)]
pub struct Get<'a> {
    /// From where; credentials in it are used and never shown.
    pub url: &'a str,
    /// Sent along.
    pub headers: HeaderMap,
    /// The version that there is; it is not sent again.
    pub known: Option<&'a Validators>,
    /// The version of which the file already holds the beginning.
    pub begun: Option<Validators>,
    /// The most bytes that it may have.
    pub most: u64,
    /// Whether what the address names never changes, as where it is a digest of the content: a part of it then needs
    /// nothing to tell its version by.
    pub immutable: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// The version that is known is the current one.
    Unchanged,
    /// The file holds all of this version.
    Whole(Validators),
}

/// Gets what is asked for into `file`, which may hold its beginning and holds what came also after an error.
pub async fn download(
    client: &Client,
    patience: &Patience,
    mut get: Get<'_>,
    file: &mut File,
    watch: &mut dyn Watch,
) -> Result<Got, FetchError> {
    let (mut failures, mut reached) = (0, file.seek(SeekFrom::End(0)).unwrap_or(0));
    loop {
        let error = match attempt(client, patience, &mut get, file, watch).await {
            Ok(Some(got)) => return Ok(got),
            // What there was of it is of no use: from the beginning.
            Ok(None) => {
                get.begun = None;
                FetchError::Stalled { url: without_credentials(get.url) }
            }
            Err(error) => error,
        };
        // A line that breaks time and again, but further on each time, is no reason to give up.
        let there = file.seek(SeekFrom::End(0)).unwrap_or(0);
        if there >= reached.saturating_add(patience.least.max(1 << 16)) {
            (failures, reached) = (0, there);
        }
        failures += 1;
        let asked = if let FetchError::Status { wait, .. } = &error { *wait } else { None };
        if failures >= patience.attempts || !error.is_passing(failures) || !patience.pause(failures, asked).await {
            return Err(error);
        }
    }
}

async fn attempt(
    client: &Client,
    patience: &Patience,
    get: &mut Get<'_>,
    file: &mut File,
    watch: &mut dyn Watch,
) -> Result<Option<Got>, FetchError> {
    let shown = || without_credentials(get.url);
    let unwritable = |source| FetchError::Write { url: shown(), source };
    let there = file.seek(SeekFrom::End(0)).map_err(unwritable)?;
    let mut request = client.get(get.url).headers(get.headers.clone());
    let resumes = there > 0 && get.begun.as_ref().is_some_and(|begun| get.immutable || begun.strong().is_some());
    if resumes {
        request = request.header(RANGE, format!("bytes={there}-"));
        if let Some(version) = get.begun.as_ref().and_then(Validators::strong).filter(|_| !get.immutable) {
            request = request.header(IF_RANGE, version);
        }
    } else if let Some(known) = get.known {
        for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
    }
    let response = match timeout(patience.window, request.send()).await {
        Err(_) => return Err(FetchError::Silent { url: shown() }),
        Ok(Err(error)) if error.is_timeout() && !error.is_connect() => return Err(FetchError::Silent { url: shown() }),
        Ok(Err(_)) if !is_address(get.url) => return Err(FetchError::Address { url: shown() }),
        Ok(response) => response.map_err(|error| read_error(get.url, error))?,
    };
    let status = response.status();
    let version = Validators::of(response.headers());
    let from = match status {
        StatusCode::NOT_MODIFIED if get.known.is_some() && !resumes => return Ok(Some(Got::Unchanged)),
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT if resumes => {
            let fits = get.immutable || get.begun.as_ref().is_some_and(|begun| begun.fits(&version));
            match content_range(&response) {
                Some((start, _)) if start == there && fits => there,
                _ => return Ok(None),
            }
        }
        StatusCode::RANGE_NOT_SATISFIABLE if resumes => return Ok(None),
        _ => return Err(FetchError::Status { url: shown(), status, wait: asked_to_wait(response.headers()) }),
    };
    let total = match content_range(&response) {
        Some((_, Some(total))) if from > 0 => Some(total),
        _ => response.content_length().map(|rest| from.saturating_add(rest)),
    };
    if total.is_some_and(|total| total > get.most) {
        return Err(FetchError::TooLarge { url: shown(), limit: get.most });
    }
    if from == 0 {
        file.set_len(0).and_then(|()| file.rewind()).map_err(unwritable)?;
        get.begun = Some(version.clone());
    }
    watch
        .begins(&version, from, total)
        .map_err(|source| FetchError::Write { url: without_credentials(get.url), source })?;
    body(patience, get, response, file, from, watch).await?;
    let found =
        file.stream_position().map_err(|source| FetchError::Write { url: without_credentials(get.url), source })?;
    match total {
        Some(expected) if expected != found => {
            Err(FetchError::Length { url: without_credentials(get.url), found, expected })
        }
        _ => Ok(Some(Got::Whole(get.begun.take().unwrap_or(version)))),
    }
}

fn is_address(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Writes a body down as it comes.
async fn body(
    patience: &Patience,
    get: &Get<'_>,
    mut response: Response,
    file: &mut File,
    mut found: u64,
    watch: &mut dyn Watch,
) -> Result<(), FetchError> {
    let shown = || without_credentials(get.url);
    let (mut window, mut came) = (Instant::now() + patience.window, 0);
    loop {
        let chunk = match timeout_at(window, response.chunk()).await {
            Err(_) if came >= patience.least => None,
            Err(_) => return Err(FetchError::Stalled { url: shown() }),
            Ok(chunk) => match chunk.map_err(|error| read_error(get.url, error))? {
                None => return Ok(()),
                chunk => chunk,
            },
        };
        if let Some(chunk) = chunk {
            let bytes = chunk.len() as u64;
            found += bytes;
            came += bytes;
            if found > get.most {
                return Err(FetchError::TooLarge { url: shown(), limit: get.most });
            }
            file.write_all(&chunk).map_err(|source| FetchError::Write { url: shown(), source })?;
            watch.advance(bytes);
        }
        if Instant::now() >= window {
            if came < patience.least {
                return Err(FetchError::Stalled { url: shown() });
            }
            (window, came) = (Instant::now() + patience.window, 0);
        }
    }
}

/// `Content-Range: bytes 5-9/10`: where it begins, and of how many bytes it is a part.
fn content_range(response: &Response) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, total) = text.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}
