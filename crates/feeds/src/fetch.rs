//! Files of upstreams: downloaded into the store, or found in a directory.
//!
//! What is downloaded lies in `downloads/HOST/PATH`, as `wget --force-directories` lays it out, so that the directory of
//! one machine can be given to another. Beside each file `FILE.state` keeps what the server tells its version by, and
//! `FILE.part` what came of the next one before a connection broke.

use crate::{FeedsError, pointer};
use sekisho_base::Limits;
use sekisho_base::hash::{self, Sha256};
use sekisho_net::header::HeaderMap;
use sekisho_net::{Client, FetchError, Get, Got, Patience, Url, Validators, Watch, download, without_credentials};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

/// Where files of upstreams come from.
#[derive(Debug)]
pub enum Origin<'a> {
    /// The network.
    Network(&'a Client, Patience),
    /// A directory in which they lie, as `downloads` has them, or by their names alone.
    Directory(PathBuf),
}

/// Is told how downloads go.
pub trait Progress {
    /// So many more bytes are to come.
    fn expects(&self, bytes: u64);
    /// So many came.
    fn advance(&self, bytes: u64);
}

/// Why an upstream was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file is not in the directory.
    #[error("{} is not there, neither as {} nor as a file of a unique name", without_credentials(.url), .place.display())]
    NotThere {
        /// Its address.
        url: String,
        /// Where it would be.
        place: PathBuf,
    },
    /// A file should name another one and does not.
    #[error("{} leads nowhere: {reason}", without_credentials(.url))]
    Astray {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// An address has no host, or is none.
    #[error("{} is no address of the form https://HOST/PATH", without_credentials(.0))]
    Address(String),
    /// A file here could not be read or written.
    #[error(transparent)]
    Files(FeedsError),
    /// What it holds was refused, or is nothing of a feed.
    #[error("{0}")]
    Refused(String),
}

/// A file of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Had {
    pub(crate) path: PathBuf,
    pub(crate) sha256: String,
}

/// What is known of a download.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// The version that lies there whole.
    whole: Option<Whole>,
    /// The version of which the part is.
    begun: Option<Validators>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Whole {
    validators: Validators,
    bytes: u64,
    sha256: String,
}

impl State {
    /// What is kept beside `path`; nothing where that cannot be read, so that all is fetched again.
    fn beside(path: &Path) -> Self {
        fs::read(with(path, ".state")).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    fn save(&self, path: &Path) -> io::Result<()> {
        let place = with(path, ".state");
        let mut file = tempfile::NamedTempFile::new_in(place.parent().unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut file, self)?;
        file.persist(place)?;
        Ok(())
    }
}

/// Where downloads of a store lie; no other process writes there meanwhile.
#[derive(Debug)]
pub(crate) struct Downloads {
    directory: PathBuf,
    _lock: File,
}

impl Downloads {
    pub(crate) fn of(store: &Path) -> Result<Self, FeedsError> {
        let directory = store.join("downloads");
        fs::create_dir_all(&directory).map_err(FeedsError::write(&directory))?;
        let path = directory.join("lock");
        let lock = || -> io::Result<File> {
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        let lock = lock().map_err(FeedsError::write(&path))?;
        Ok(Self { directory, _lock: lock })
    }

    /// The record of what was taken from the upstream `name`.
    pub(crate) fn record(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.taken"))
    }

    /// The file that is meant by `url`, and all files that lead to it.
    pub(crate) async fn fetch(
        &self,
        origin: &Origin<'_>,
        names: &BTreeMap<String, usize>,
        url: &str,
        limits: &Limits,
        progress: &dyn Progress,
    ) -> Result<Had, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=pointer::STEPS {
            let points = pointer::is_pointer(&url);
            let most = if points { pointer::MAX_BYTES } else { limits.download_bytes };
            let had = match origin {
                Origin::Network(client, patience) => self.download(client, patience, &url, most, progress).await?,
                Origin::Directory(directory) => find(directory, names, &url)?,
            };
            if !points {
                return Ok(had);
            }
            let text = fs::read(&had.path).map_err(|source| files(&had.path, source))?;
            url = pointer::follow(&url, &text).map_err(|reason| Failure::Astray { url, reason })?;
        }
        Err(Failure::Astray { url, reason: "it leads on and on".to_owned() })
    }

    async fn download(
        &self,
        client: &Client,
        patience: &Patience,
        url: &str,
        most: u64,
        progress: &dyn Progress,
    ) -> Result<Had, Failure> {
        let path = self.directory.join(place(url, true).ok_or_else(|| Failure::Address(url.to_owned()))?);
        let unwritable = |source| Failure::Files(FeedsError::Write { path: path.clone(), source });
        fs::create_dir_all(path.parent().unwrap_or(&self.directory)).map_err(unwritable)?;
        let mut state = State::beside(&path);
        let there = fs::metadata(&path).ok().map(|file| file.len());
        state.whole = state.whole.filter(|whole| Some(whole.bytes) == there);
        let part = with(&path, ".part");
        let open = File::options().create(true).truncate(false).read(true).write(true).open(&part);
        let mut file = open.map_err(unwritable)?;
        if state.begun.is_none() {
            file.set_len(0).map_err(unwritable)?;
        }
        let begun = state.begun.take();
        let known = state.whole.as_ref().map(|whole| whole.validators.clone());
        let get = Get { url, headers: HeaderMap::new(), known: known.as_ref(), begun, most, immutable: false };
        let mut watch = Begun { path: &path, state: &mut state, progress };
        match download(client, patience, get, &mut file, &mut watch).await? {
            Got::Unchanged => {
                let _ = fs::remove_file(&part);
                let whole = state.whole.ok_or_else(|| Failure::Astray {
                    url: url.to_owned(),
                    reason: "it did not change, and is not there".to_owned(),
                })?;
                Ok(Had { path, sha256: whole.sha256 })
            }
            Got::Whole(validators) => {
                let finish = || -> io::Result<String> {
                    file.sync_all()?;
                    file.rewind()?;
                    let (sha256, bytes) = digest(&mut file)?;
                    fs::rename(&part, &path)?;
                    let whole = Whole { validators, bytes, sha256: sha256.clone() };
                    State { whole: Some(whole), begun: None }.save(&path)?;
                    Ok(sha256)
                };
                let sha256 = finish().map_err(unwritable)?;
                Ok(Had { path, sha256 })
            }
        }
    }
}

fn files(path: &Path, source: io::Error) -> Failure {
    Failure::Files(FeedsError::Read { path: path.to_owned(), source })
}

/// Keeps of what version the part is, so that it is of use when the process ends here.
struct Begun<'a> {
    path: &'a Path,
    state: &'a mut State,
    progress: &'a dyn Progress,
}

impl Watch for Begun<'_> {
    fn begins(&mut self, validators: &Validators, from: u64, total: Option<u64>) -> io::Result<()> {
        self.progress.expects(total.unwrap_or(0).saturating_sub(from));
        self.state.begun = Some(validators.clone());
        self.state.save(self.path)
    }

    fn advance(&mut self, bytes: u64) {
        self.progress.advance(bytes);
    }
}

/// The file that `url` stands for in a directory: under host and path, or by a name that no other address has.
fn find(directory: &Path, names: &BTreeMap<String, usize>, url: &str) -> Result<Had, Failure> {
    let address = || Failure::Address(url.to_owned());
    let decoded = place(url, true).ok_or_else(address)?;
    let raw = place(url, false).ok_or_else(address)?;
    let flat = file_name(url).filter(|name| names.get(name).is_none_or(|count| *count <= 1)).map(PathBuf::from);
    let found = [Some(&decoded), Some(&raw), flat.as_ref()].into_iter().flatten().map(|name| directory.join(name));
    let Some(path) = found.into_iter().find(|path| path.is_file()) else {
        return Err(Failure::NotThere { url: url.to_owned(), place: decoded });
    };
    let (sha256, _) = File::open(&path).and_then(|mut file| digest(&mut file)).map_err(|error| files(&path, error))?;
    Ok(Had { path, sha256 })
}

/// The last part of an address.
pub(crate) fn file_name(url: &str) -> Option<String> {
    Some(place(url, true)?.file_name()?.to_str()?.to_owned())
}

/// The path of an address below a directory of downloads: host, port where it is not the usual one, and path, in which
/// `%20` is a blank if it is to be `decoded`. None for what is no address, or would lead out of the directory.
fn place(url: &str, decoded: bool) -> Option<PathBuf> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    let mut path = PathBuf::from(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
    let segments: Vec<&str> = url.path_segments()?.collect();
    for (index, segment) in segments.iter().enumerate() {
        let text = if decoded { unescape(segment) } else { (*segment).to_owned() };
        let text = match text.as_str() {
            "" if index + 1 == segments.len() => "index.html".to_owned(),
            "" | "." | ".." => return None,
            text if text.contains(['/', '\0']) => (*segment).to_owned(),
            _ => text,
        };
        path.push(text);
    }
    if let Some(query) = url.query() {
        let name = format!("{}?{}", path.file_name()?.to_str()?, query.replace('/', "%2F"));
        path.set_file_name(name);
    }
    Some(path)
}

/// `%20` and its like as what they stand for; all of it as it is where that is no UTF-8.
fn unescape(text: &str) -> String {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2)).filter(|_| *byte == b'%');
        if let Some(value) = pair.and_then(|(high, low)| Some(hex(*high)? * 16 + hex(*low)?)) {
            out.push(value as u8);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// SHA-256 in hexadecimal, and how many bytes it is of.
fn digest(file: &mut File) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hash::hex(&hasher.finish()), total)),
            count => {
                hasher.update(&buffer[..count]);
                total += count as u64;
            }
        }
    }
}

/// A path with something behind its name.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_place() {
        let decoded = |url| place(url, true).map(|path| path.to_str().unwrap().to_owned());
        assert_eq!(decoded("https://x.org/Rocky%20Linux/all.zip").unwrap(), "x.org/Rocky Linux/all.zip");
        assert_eq!(decoded("http://x.org:8080/a/").unwrap(), "x.org:8080/a/index.html");
        assert_eq!(decoded("https://u:p@x.org:443/a?b=/c").unwrap(), "x.org/a?b=%2Fc");
        assert_eq!(
            decoded("https://x.org/%2e%2e/%2e%2e/etc").unwrap(),
            "x.org/etc",
            "as the parser of addresses has it"
        );
        assert_eq!(decoded("https://x.org/a%2f..%2fb").unwrap(), "x.org/a%2f..%2fb");
        for url in ["", "x", "file:///etc/passwd", "https://x.org//a"] {
            assert_eq!(decoded(url), None, "{url}");
        }
        assert_eq!(place("https://x.org/Rocky%20Linux/a", false).unwrap().to_str(), Some("x.org/Rocky%20Linux/a"));
        assert_eq!(unescape("%zz%4%"), "%zz%4%");
    }
}
