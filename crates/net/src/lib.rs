//! The one way to reach the network: a client that knows the site's proxies and certificate authorities; and the one way to be
//! reached: [`server`].
//!
//! Knows no protocol above HTTP. Everything that talks to a server takes its [`Client`] from
//! [`Network::client`], so that a corporate proxy or a private authority is configured once. The
//! environment is not read here: the configuration takes `HTTPS_PROXY` and its like in and can say where
//! a value came from.

mod download;
mod patience;
pub mod server;
mod trust;

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, NoProxy, Proxy};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::PathBuf;
use std::time::Duration;

pub use download::{FetchError, Get, Got, Validators, Watch, download, read_error};
pub use patience::{Patience, asked_to_wait};
pub use reqwest::{Body, Client, Error as RequestError, Method, RequestBuilder, Response, StatusCode, Url, header};

/// How this site reaches the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Proxy for `http:` addresses, as a URL, credentials included; `None` for none.
    pub http_proxy: Option<String>,
    /// Proxy for `https:` addresses.
    pub https_proxy: Option<String>,
    /// Hosts, domains (`.example.org`) and networks (`10.0.0.0/8`) that are reached directly, separated
    /// by commas; `*` for all.
    pub no_proxy: String,
    /// PEM files of certificate authorities that are trusted beside those of the system.
    pub ca_bundles: Vec<PathBuf>,
}

/// What a client does otherwise than others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways {
    /// Whether it follows no redirection, since what it sends is for the named server and no other.
    pub stays: bool,
    /// Whether it takes any certificate, for a server that the user has named as such.
    pub unverified: bool,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A proxy is not the URL of one.
    #[error("the proxy {url:?} is not of the form http://HOST:PORT or https://HOST:PORT")]
    Proxy {
        /// The text, without its credentials.
        url: String,
    },
    /// The certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The certificate authorities are not PEM.
    #[error("{path} holds no certificate in PEM form")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up with what there is.
    #[error("cannot set up TLS")]
    Tls {
        /// Why.
        #[source]
        source: RequestError,
    },
    /// The certificate authorities cannot be used.
    #[error("cannot set up TLS with the certificate authorities in {path}")]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// A server that does not answer to a connection in this time is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that sends nothing for this long has stopped.
const SILENCE: Duration = Duration::from_mins(1);

/// More redirections than this lead in a circle.
const REDIRECTIONS: usize = 5;

/// Follows a few redirections, none of which leads from TLS to plain text.
fn redirect(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let secure = attempt.previous().last().is_some_and(|from| from.scheme() == "https");
    if !matches!(attempt.url().scheme(), "http" | "https") {
        return attempt.error("the server redirects to what is not reached by http");
    }
    if secure && attempt.url().scheme() != "https" {
        return attempt.error("the server redirects from https to plain http");
    }
    if attempt.previous().len() > REDIRECTIONS {
        return attempt.error(format!("the server redirects more than {REDIRECTIONS} times"));
    }
    attempt.follow()
}

impl Network {
    /// A client that goes through the proxies and trusts the authorities of this site; TLS 1.2 or later.
    pub fn client(&self) -> Result<Client, NetworkError> {
        self.client_with(Ways::default())
    }

    /// The same, with other ways.
    pub fn client_with(&self, ways: Ways) -> Result<Client, NetworkError> {
        // Another part of the program may have installed it already; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || -> Result<ClientBuilder, NetworkError> {
            let builder = Client::builder()
                .user_agent(concat!("sekisho/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .read_timeout(SILENCE)
                .redirect(if ways.stays { Policy::none() } else { Policy::custom(redirect) })
                .tls_danger_accept_invalid_certs(ways.unverified)
                .no_proxy();
            Ok(self.proxies()?.into_iter().fold(builder, ClientBuilder::proxy))
        };
        let refused = |source| NetworkError::Tls { source };
        let authorities = self.authorities()?;
        if let Some(path) = self.ca_bundles.first()
            && !ways.unverified
        {
            let config = trust::config(authorities);
            let config = config.map_err(|source| NetworkError::Authorities { path: path.clone(), source })?;
            return builder()?.tls_backend_preconfigured(config).build().map_err(refused);
        }
        // A small container has no authorities of its own. That matters when a server shows a certificate.
        builder()?.build().or_else(|_| builder()?.tls_certs_only([]).build().map_err(refused))
    }

    /// Whether what is configured can be used, without asking the system for its authorities.
    pub fn check(&self) -> Result<(), NetworkError> {
        self.proxies()?;
        self.authorities()?;
        Ok(())
    }

    fn proxies(&self) -> Result<Vec<Proxy>, NetworkError> {
        let mut proxies = Vec::new();
        for (url, secure) in [(&self.http_proxy, false), (&self.https_proxy, true)] {
            let Some(url) = url else { continue };
            let refused = || NetworkError::Proxy { url: without_credentials(url) };
            let parsed = Url::parse(url).map_err(|_| refused())?;
            if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none_or(str::is_empty) {
                return Err(refused());
            }
            let proxy = if secure { Proxy::https(parsed) } else { Proxy::http(parsed) };
            let proxy = proxy.map_err(|_| refused())?;
            proxies.push(proxy.no_proxy(NoProxy::from_string(&self.no_proxy)));
        }
        Ok(proxies)
    }

    /// The certificates that are named.
    fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
        let mut all = Vec::new();
        for path in &self.ca_bundles {
            let pem = std::fs::read(path).map_err(|source| NetworkError::Unreadable { path: path.clone(), source })?;
            match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
                Ok(certificates) if !certificates.is_empty() => all.extend(certificates),
                _ => return Err(NetworkError::NoCertificate { path: path.clone() }),
            }
        }
        Ok(all)
    }
}

/// A URL fit for a message: `http://user:secret@proxy` without user and secret.
pub fn without_credentials(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://{}", &url[..scheme], &url[at + 1..]),
        (None, Some(at)) => url[at + 1..].to_owned(),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_no_credentials() {
        assert_eq!(without_credentials("http://u:p@proxy:3128"), "http://proxy:3128");
        assert_eq!(without_credentials("u:p@proxy"), "proxy");
        assert_eq!(without_credentials("http://proxy"), "http://proxy");
        let network = Network { https_proxy: Some("http://u:secret@pro xy".into()), ..Network::default() };
        let error = network.check().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn proxies_have_a_scheme_and_a_host() {
        let check = |url: &str| Network { https_proxy: Some(url.into()), ..Network::default() }.check();
        for url in ["http://proxy", "http://proxy:3128", "https://u:p@proxy.example.org:3128/", "http://[::1]:3128"] {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in ["foo", "/x", "ftp://x", "://", "http://", "proxy:3128", "socks5://proxy:1080", "http:///x y"] {
            assert!(matches!(check(url), Err(NetworkError::Proxy { .. })), "{url}");
        }
    }

    #[test]
    fn bundles_that_cannot_be_used_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no certificate").unwrap();
        let with = |path: PathBuf| Network { ca_bundles: vec![path], ..Network::default() };
        assert!(matches!(with(file.path().to_owned()).check(), Err(NetworkError::NoCertificate { .. })));
        assert!(matches!(with("/nonexistent/ca.pem".into()).check(), Err(NetworkError::Unreadable { .. })));
        assert!(Network::default().check().is_ok());
    }
}
