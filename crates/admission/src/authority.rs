//! The webhook's own certificate authority: made, kept and followed by the next one before it ends, so that the API server
//! knows both while they change.
//!
//! An authority is there for [`LIFE`]; after half of it the next is made. Each is trusted from the start, and signs once it
//! is [`SETTLED`], by which time every API server has the new bundle. Whoever runs several servers gives them one store.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sekisho_net::server::{self, CertificateError};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How long an authority is there.
pub const LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// How long a new authority is only trusted.
pub const SETTLED: SignedDuration = SignedDuration::from_hours(24);
/// How long a server's certificate is good.
const LEAF: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Clocks differ.
const EARLY: SignedDuration = SignedDuration::from_mins(10);
const SCHEMA: &str = "sekisho.admission-authorities/v1";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// What is kept cannot be read or written.
    #[error("cannot {attempt} {place}: {reason}")]
    Store {
        /// `read` or `write`.
        attempt: &'static str,
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// What is kept is not of the form.
    #[error("{place} does not hold certificate authorities: {reason}")]
    Malformed {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// A certificate cannot be made or used.
    #[error("cannot make or use a certificate: {0}")]
    Certificate(String),
}

/// One authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its name, which is in its certificate.
    name: String,
    /// Since when it is good.
    since: Timestamp,
    /// Until when.
    until: Timestamp,
    /// The certificate as PEM.
    certificate: String,
    /// Its key as PEM.
    key: String,
}

/// Authorities, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorities(Vec<Authority>);

fn failed(error: &impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Certificate(error.to_string())
}

fn params(name: &str, since: Timestamp, until: Timestamp) -> CertificateParams {
    let date = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second()).unwrap_or(0);
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(since);
    params.not_after = date(until);
    params
}

impl Authority {
    fn make(now: Timestamp) -> Result<Self, AuthorityError> {
        let (since, until) = (now - EARLY, now + LIFE);
        let name = format!("sekisho admission {now}");
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = Self::params(&name, since, until).self_signed(&key).map_err(|error| failed(&error))?;
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        Ok(Self { name, since: now, until, certificate, key })
    }

    fn params(name: &str, since: Timestamp, until: Timestamp) -> CertificateParams {
        let mut params = params(name, since, until);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    /// A certificate for a server of these names.
    fn sign(&self, names: &[String], now: Timestamp) -> Result<(Certificate, KeyPair, Timestamp), AuthorityError> {
        let key = KeyPair::from_pem(&self.key).map_err(|error| failed(&error))?;
        let issuer = Issuer::new(Self::params(&self.name, self.since, self.until), key);
        let until = self.until.min(now + LEAF);
        let mut leaf = params(names.first().map_or("sekisho", String::as_str), now - EARLY, until);
        leaf.subject_alt_names =
            CertificateParams::new(names.to_vec()).map_err(|error| failed(&error))?.subject_alt_names;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let own = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = leaf.signed_by(&own, &issuer).map_err(|error| failed(&error))?;
        Ok((certificate, own, until))
    }
}

impl Authorities {
    /// The same as they are to be at this moment: those that are over gone, the next one made where it is time.
    pub fn turned(&self, now: Timestamp) -> Result<Self, AuthorityError> {
        let mut turned: Vec<Authority> = self.0.iter().filter(|it| it.until > now).cloned().collect();
        let is_young = |it: &Authority| now < it.since + LIFE / 2;
        if !turned.last().is_some_and(is_young) {
            turned.push(Authority::make(now)?);
        }
        Ok(Self(turned))
    }

    /// The same with one more, as if it were time.
    pub fn rotated(&self, now: Timestamp) -> Result<Self, AuthorityError> {
        let mut turned = self.turned(now)?;
        if turned.0.len() == self.0.len() {
            turned.0.push(Authority::make(now)?);
        }
        Ok(turned)
    }

    /// All their certificates as PEM: what a client is to trust.
    pub fn bundle(&self) -> String {
        self.0.iter().map(|it| it.certificate.as_str()).collect()
    }

    /// When the newest one ends.
    pub fn until(&self) -> Option<Timestamp> {
        self.0.last().map(|it| it.until)
    }

    /// The one that signs: the newest that is settled, or else the oldest.
    fn signing(&self, now: Timestamp) -> Option<&Authority> {
        self.0.iter().rev().find(|it| it.since + SETTLED <= now).or_else(|| self.0.first())
    }

    /// A certificate for a server of these names, by the authority that signs.
    pub fn certificate(&self, names: &[String], now: Timestamp) -> Result<Shown, AuthorityError> {
        let authority = self.signing(now).ok_or_else(|| failed(&"there is no authority"))?;
        let (certificate, key, until) = authority.sign(names, now)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        Ok(Shown { certified: certified(chain, &key)?, until: Some(until), by: authority.name.clone() })
    }

    /// What is in a file of them.
    pub fn read(place: &str, bytes: &[u8]) -> Result<Self, AuthorityError> {
        let malformed = |reason: &str| AuthorityError::Malformed { place: place.to_owned(), reason: reason.to_owned() };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
        if value["schema"] != SCHEMA {
            return Err(malformed("it is of another schema"));
        }
        let read = |item: &Value| {
            let text =
                |name: &str| item[name].as_str().map(str::to_owned).ok_or_else(|| malformed("a field is missing"));
            let at = |name: &str| text(name)?.parse::<Timestamp>().map_err(|_| malformed("a date is none"));
            let authority = Authority {
                name: text("name")?,
                since: at("since")?,
                until: at("until")?,
                certificate: text("certificate")?,
                key: text("key")?,
            };
            KeyPair::from_pem(&authority.key).map_err(|_| malformed("a key is none"))?;
            CertificateDer::from_pem_slice(authority.certificate.as_bytes())
                .map_err(|_| malformed("a certificate is none"))?;
            Ok(authority)
        };
        let items = value["authorities"].as_array().ok_or_else(|| malformed("there is no list"))?;
        Ok(Self(items.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// The same as a file.
    pub fn write(&self) -> String {
        let item = |it: &Authority| json!({"name": it.name, "since": it.since, "until": it.until, "certificate": it.certificate, "key": it.key});
        let items: Vec<Value> = self.0.iter().map(item).collect();
        format!("{:#}\n", json!({"schema": SCHEMA, "authorities": items}))
    }
}

/// A certificate that a server shows.
#[derive(Debug, Clone)]
pub struct Shown {
    certified: Arc<CertifiedKey>,
    /// Until when it is good, where that is known.
    pub until: Option<Timestamp>,
    /// Who signed it.
    by: String,
}

impl Shown {
    /// The certificate of files: a chain and a key as PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, AuthorityError> {
        let certified = server::certificate(certificate, key).map_err(unusable)?;
        Ok(Self { certified, until: None, by: String::new() })
    }

    /// As a server shows it.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// Whether it is time for another one.
    pub fn is_due(&self, authorities: &Authorities, now: Timestamp) -> bool {
        let old = self.until.is_some_and(|until| until.duration_since(now) < LEAF / 3);
        old || authorities.signing(now).is_some_and(|it| it.name != self.by)
    }
}

fn unusable(error: CertificateError) -> AuthorityError {
    match error {
        CertificateError::Unreadable { path, reason } => {
            AuthorityError::Store { attempt: "read", place: path.display().to_string(), reason }
        }
        CertificateError::Unusable(reason) => failed(&reason),
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, AuthorityError> {
    server::certified(chain, key).map_err(unusable)
}

/// The name of the file in a directory of authorities.
pub const FILE: &str = "authorities.json";

/// A directory in which authorities are kept.
#[derive(Debug, Clone)]
pub struct Directory(pub PathBuf);

impl Directory {
    /// Those that are kept; none where nothing is.
    pub fn load(&self) -> Result<Authorities, AuthorityError> {
        let path = self.0.join(FILE);
        let place = path.display().to_string();
        match std::fs::read(&path) {
            Ok(bytes) => Authorities::read(&place, &bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Authorities::default()),
            Err(error) => Err(AuthorityError::Store { attempt: "read", place, reason: error.to_string() }),
        }
    }

    /// Keeps these. The file is readable by its owner only, and is there whole or not at all.
    pub fn save(&self, authorities: &Authorities) -> Result<(), AuthorityError> {
        let path = self.0.join(FILE);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.0)?;
            // Temporary files are made for their owner alone.
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            file.write_all(authorities.write().as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            std::fs::File::open(&self.0)?.sync_all()
        };
        write().map_err(|error| AuthorityError::Store {
            attempt: "write",
            place: path.display().to_string(),
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_authority_is_trusted_before_it_signs_and_the_last_one_until_it_ends() {
        let start = at("2026-01-01T00:00:00Z");
        let names = ["sekisho-admission.sekisho-system.svc".to_owned()];
        let first = Authorities::default().turned(start).unwrap();
        assert_eq!(first.0.len(), 1);
        assert_eq!(first.turned(start + SETTLED).unwrap(), first, "nothing changes while it is young");
        let shown = first.certificate(&names, start).unwrap();
        assert!(!shown.is_due(&first, start + SETTLED));
        assert!(shown.is_due(&first, start + SignedDuration::from_hours(24 * 21)), "a month is soon over");

        let half = start + LIFE / 2;
        let both = first.turned(half).unwrap();
        assert_eq!(both.0.len(), 2);
        assert!(both.bundle().starts_with(&first.bundle()) && both.bundle().len() > first.bundle().len());
        let shown = both.certificate(&names, half).unwrap();
        assert_eq!(shown.by, first.0[0].name, "the new one is not known everywhere yet");
        let later = half + SETTLED;
        assert!(shown.is_due(&both, later));
        assert_eq!(both.certificate(&names, later).unwrap().by, both.0[1].name);
        assert_eq!(both.turned(later).unwrap(), both);

        let end = start + LIFE;
        let second = both.turned(end).unwrap();
        assert!(!second.0.contains(&first.0[0]) && second.0[0] == both.0[1]);
        // Nobody looked for years.
        let anew = both.turned(start + LIFE * 5).unwrap();
        assert_eq!(anew.0.len(), 1);
        assert!(anew.certificate(&names, start + LIFE * 5).is_ok());
    }

    #[test]
    fn what_is_kept_is_what_was_made_and_nobody_elses() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let kept = Directory(directory.path().join("ca"));
        assert_eq!(kept.load().unwrap(), Authorities::default());
        let made = Authorities::default().rotated(at("2026-01-01T00:00:00Z")).unwrap();
        kept.save(&made).unwrap();
        assert_eq!(kept.load().unwrap(), made);
        let mode = std::fs::metadata(kept.0.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let rotated = made.rotated(at("2026-01-01T00:00:00Z")).unwrap();
        assert_eq!((rotated.0.len(), &rotated.0[0]), (2, &made.0[0]));
        for broken in ["", "{}", "[]", r#"{"schema":"sekisho.admission-authorities/v1"}"#] {
            std::fs::write(kept.0.join(FILE), broken).unwrap();
            assert!(matches!(kept.load(), Err(AuthorityError::Malformed { .. })), "{broken}");
        }
        let text = made.write().replace("BEGIN PRIVATE KEY", "BEGIN NOTHING");
        assert!(Authorities::read("x", text.as_bytes()).is_err());
    }
}
