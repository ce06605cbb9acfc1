//! Which server a reference is asked of: mirrors, registries without TLS, logins; and opening the image there.

use super::document::{Descriptor, Index};
use super::layout::{self, is_image_config};
use super::remote::{Line, Remote, Wire};
use super::routes::{RegistriesFiles, Routes, Way};
use super::{Choice, ImageError, OpenImage, Referrer, parse, referrers};
use crate::artifact::ArtifactError;
use crate::auth::Logins;
use crate::client::{Repository, is_local};
use sekisho_base::Limits;
use sekisho_base::limits::{Deadline, LimitKey};
use sekisho_base::spool::SpillQuota;
use sekisho_model::ImageRef;
use sekisho_model::{Code, Diagnostic, Digest, SourceKind};
use sekisho_net::{Network, Patience, Ways};
use serde::Deserialize;
use serde_json::json;
use std::cell::RefCell;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// What is asked for: OCI 1.1 and Docker's schema 2, each as manifest and as index. A registry that has an image in
/// Docker's schema 1 only sends that all the same.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A place that is asked before a registry: `docker.io=mirror.example.org/hub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// A registry, or that and the beginning of a repository.
    from: String,
    /// What stands in its place.
    to: String,
}

impl FromStr for Mirror {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is no mirror of the form REGISTRY[/PATH]=HOST[:PORT][/PATH]");
        let (from, to) = text.split_once('=').ok_or_else(refused)?;
        for place in [from, to] {
            // Whatever is a place, is one with a repository below it; and has no tag.
            let whole: Result<ImageRef, _> = format!("{place}/x").parse();
            whole.map_err(|_| refused())?;
        }
        Ok(Self { from: from.to_owned(), to: to.to_owned() })
    }
}

impl Mirror {
    /// Where this mirror has an image.
    fn of(&self, reference: &ImageRef) -> Option<ImageRef> {
        let whole = format!("{}/{}", reference.registry, reference.repository);
        let rest = whole.strip_prefix(&self.from).filter(|rest| rest.starts_with('/'))?;
        let place = format!("{}{rest}", self.to);
        let (registry, repository) = place.split_once('/')?;
        Some(ImageRef { registry: registry.to_owned(), repository: repository.to_owned(), ..reference.clone() })
    }
}

/// How this site reaches registries.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    /// Proxies and authorities.
    pub network: Network,
    /// How long to go on trying.
    pub patience: Patience,
    /// Files of logins, of which the first that has one counts.
    pub login_files: Vec<PathBuf>,
    /// In the order in which they are asked, before the registry itself.
    pub mirrors: Vec<Mirror>,
    /// Registries, as `HOST[:PORT]`, whose certificate is not looked at, and that may have none.
    pub insecure: Vec<String>,
    /// What podman knows of registries.
    pub routes: RegistriesFiles,
}

/// The registries of the world. Nothing is read or reached before the first image is opened.
#[derive(Debug)]
pub struct Registries {
    sites: Sites,
    wire: Mutex<Option<Ready>>,
}

/// What the first image to be opened needs, and all others after it.
#[derive(Debug, Clone)]
struct Ready {
    wire: Arc<Wire>,
    logins: Logins,
    routes: Arc<Routes>,
}

/// A manifest or an index as a registry sent it.
struct Top {
    bytes: Vec<u8>,
    media_type: &'static str,
    digest: Digest,
}

/// What tells manifests apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    config: Option<Descriptor>,
}

impl Registries {
    /// Those that are reached so.
    pub fn new(sites: Sites) -> Self {
        Self { sites, wire: Mutex::new(None) }
    }

    fn ready(&self, limits: &Limits) -> Result<Ready, ImageError> {
        let mut ready = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*ready {
            return Ok(made.clone());
        }
        let routes = Routes::read(&self.sites.routes, limits)?;
        let logins = Logins::read(&self.sites.login_files)?.with_helpers(&routes.helpers);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| ImageError::Io { what: "the network".to_owned(), source })?;
        let made = Ready { wire: Arc::new(Wire { runtime }), logins, routes: Arc::new(routes) };
        *ready = Some(made.clone());
        Ok(made)
    }

    /// The repository of this name, on a connection of the kind that its registry has.
    fn repository(&self, ready: &Ready, way: &Way, deadline: Deadline) -> Result<Repository, ImageError> {
        let ImageRef { registry, repository, .. } = &way.reference;
        let insecure = way.insecure || self.sites.insecure.iter().any(|it| it == registry);
        let ways = Ways { unverified: insecure, ..Ways::default() };
        let client = self.sites.network.client_with(ways)?;
        let direct = (self.sites.network.clone(), Ways { stays: true, ..ways });
        let mut scheme = "https";
        if insecure || is_local(registry) {
            let probe =
                ready.wire.run(deadline, async { Ok(client.get(format!("https://{registry}/v2/")).send().await) });
            // What speaks no TLS fails in its handshake. A certificate that nobody vouches for is no reason for less.
            if probe
                .map_err(|failed| failed.of("", true))?
                .is_err_and(|error| error.is_connect() && !is_untrusted(&error))
            {
                scheme = "http";
            }
        }
        let (patience, logins) = (self.sites.patience.clone(), ready.logins.clone());
        Ok(Repository::at(scheme, registry, repository, "pull", client, Some(direct), patience, logins))
    }

    /// Gets what a reference names from the first place that has it.
    fn top(&self, reference: &ImageRef, forced: bool, limits: &Limits) -> Result<(Arc<Line>, Top), ImageError> {
        let ready = self.ready(limits)?;
        let deadline = Deadline::of(limits);
        let ways = ready.routes.ways(reference)?;
        let mirrors = self.sites.mirrors.iter().filter_map(|mirror| mirror.of(reference));
        let ways: Vec<Way> = mirrors.map(|reference| Way { reference, insecure: false }).chain(ways).collect();
        let mut told = Vec::new();
        for (at, way) in ways.iter().enumerate() {
            let shown = way.reference.to_string();
            let opened = self.repository(&ready, way, deadline).and_then(|repository| {
                let line = Line { wire: Arc::clone(&ready.wire), repository, place: shown.clone() };
                let (most, wanted) = (limits.document_bytes, way.reference.wanted());
                let work = line.repository.manifest_of(&wanted, &shown, ACCEPT, most);
                let (bytes, stated) = line.wire.run(deadline, work).map_err(|failed| match failed.error() {
                    Some(ArtifactError::TooLong { .. }) => {
                        let limit = limits.exceeded(LimitKey::DocumentBytes, "bytes");
                        ImageError::TooLong { what: "manifest", limit }
                    }
                    _ => failed.of(&shown, forced),
                })?;
                Ok((line, Top::of(bytes, &stated)?))
            });
            match opened {
                Ok((line, top)) => return Ok((Arc::new(line), top)),
                Err(error) if at + 1 == ways.len() => {
                    return Err(match error {
                        ImageError::Registry { reference, forced, error, .. } => {
                            ImageError::Registry { reference, forced, error, mirrors: told }
                        }
                        other => other,
                    });
                }
                // Whatever is wrong with a mirror, the registry itself may do better.
                Err(error) => told.push(format!("nor from the mirror {}: {}", way.reference.registry, chain(&error))),
            }
        }
        Err(ImageError::Missing)
    }

    /// Opens the image: its documents are read and verified, its layers only named. Returns what it is called too: a name
    /// without a registry (`short`, without tag and digest) may mean another than `reference`. `forced` says that no
    /// file was meant.
    pub fn open(
        &self,
        reference: &ImageRef,
        short: Option<&str>,
        forced: bool,
        choice: &Choice,
        limits: &Limits,
    ) -> Result<(OpenImage, ImageRef), ImageError> {
        let (reference, line, top) = self.first(reference, short, forced, limits)?;
        let kind: Kind = parse(&top.bytes, "manifest")?;
        if let Some(config) = kind.config.filter(|config| !is_image_config(&config.media_type)) {
            let named = Some(kind.artifact_type).filter(|named| !named.is_empty());
            return Err(ImageError::of_artifact(&named.unwrap_or(config.media_type)));
        }
        let index = json!({ "manifests": [{
            "mediaType": top.media_type,
            "digest": top.digest,
            "size": top.bytes.len(),
            "annotations": { "io.containerd.image.name": reference.to_string() },
        }] });
        let deadline = Deadline::of(limits);
        let known = RefCell::new([(top.digest, top.bytes), nothing()]);
        let remote = Remote { line, deadline, quota: None, known, index, limits };
        layout::open(&remote, SourceKind::Registry, choice, limits).map(|image| (image, reference))
    }

    /// The first image that a name may mean. Only where a registry says that it has none, or shows none to strangers, is
    /// the next one asked: one that cannot be reached may have the image that is meant.
    fn first(
        &self,
        reference: &ImageRef,
        short: Option<&str>,
        forced: bool,
        limits: &Limits,
    ) -> Result<(ImageRef, Arc<Line>, Top), ImageError> {
        let Some(short) = short else {
            return self.top(reference, forced, limits).map(|(line, top)| (reference.clone(), line, top));
        };
        let mut told = Vec::new();
        for reference in self.ready(limits)?.routes.named(short, reference)? {
            match self.top(&reference, forced, limits) {
                Ok((line, top)) => return Ok((reference, line, top)),
                Err(error) if matches!(error.code(), Code::ArtifactAbsent | Code::RegistryDenied) => told.push(error),
                Err(error) => return Err(error),
            }
        }
        let last = told.pop().ok_or(ImageError::Missing)?;
        Err(match last {
            ImageError::Registry { reference, forced, mirrors, error } => {
                let others = told.iter().map(|error| format!("nor {}", chain(error)));
                ImageError::Registry { reference, forced, mirrors: mirrors.into_iter().chain(others).collect(), error }
            }
            other => other,
        })
    }

    /// The documents about the image of this name whose manifest has the digest `image`, and about the index that it is of.
    pub fn referrers(
        &self,
        reference: &ImageRef,
        image: Digest,
        limits: &Limits,
        quota: &Arc<SpillQuota>,
    ) -> Result<(Vec<Referrer>, Vec<Diagnostic>), ImageError> {
        let (line, top) = self.top(reference, true, limits)?;
        let (mut images, mut from, mut told) = (vec![image], Vec::new(), Vec::new());
        if top.digest != image && top.media_type == INDEX {
            let index: Index = parse(&top.bytes, "index")?;
            // The tag may have gone on to another image.
            if index.manifests.iter().any(|inner| inner.digest == image) {
                images.push(top.digest);
                let beside = index.manifests.into_iter().filter(Descriptor::is_attestation);
                from.extend(beside.map(|inner| (inner, false)));
            }
        }
        let deadline = Deadline::of(limits);
        let known = RefCell::new([(top.digest, top.bytes), nothing()]);
        let remote = Remote { line, deadline, quota: Some(Arc::clone(quota)), known, index: json!({}), limits };
        for image in &images {
            match remote.referrers(image) {
                Ok(found) => from.extend(found),
                Err(error) => told.push(Diagnostic::incomplete(error.code(), chain(&error))),
            }
        }
        let (found, notes) = referrers::follow(&remote, &images, from, limits)?;
        told.extend(notes);
        Ok((found, told))
    }
}

impl Top {
    fn of(bytes: Vec<u8>, stated: &str) -> Result<Self, ImageError> {
        let invalid = |reason: &str| ImageError::Invalid { what: "manifest", reason: reason.to_owned() };
        let kind: Kind = parse(&bytes, "manifest")?;
        if kind.schema_version == 1 || stated.starts_with("application/vnd.docker.distribution.manifest.v1+") {
            return Err(ImageError::Unknown {
                reason: "its manifest is of Docker's schema 1, which is not read".to_owned(),
                hint: Some("pull the image with an older docker and push it with one of 2016 or later"),
            });
        }
        let is_index =
            |media_type: &str| media_type.ends_with(".index.v1+json") || media_type.contains(".list.v2+json");
        let is_manifest = |media_type: &str| {
            media_type == MANIFEST || media_type == "application/vnd.docker.distribution.manifest.v2+json"
        };
        // What is both can be read as one image by one program and as another by the next.
        let index = match (kind.manifests.is_some(), kind.layers.is_some() || kind.config.is_some()) {
            (true, false) => true,
            (false, true) => false,
            (true, true) => return Err(invalid("is an index and a manifest in one")),
            (false, false) => return Err(invalid("names neither manifests nor layers")),
        };
        let contradicts = |media_type: &str| if index { is_manifest(media_type) } else { is_index(media_type) };
        if contradicts(&kind.media_type) || contradicts(stated) {
            return Err(invalid("is of another kind than its media type says"));
        }
        let media_type = if index { INDEX } else { MANIFEST };
        Ok(Self { digest: Digest::of(&bytes), bytes, media_type })
    }
}

impl Remote<'_> {
    /// What refers to the manifest of this digest, and whether that is known without a look at it: by the API, by the tag
    /// that stands in for it, and by cosign's.
    fn referrers(&self, image: &Digest) -> Result<Vec<(Descriptor, bool)>, ImageError> {
        let most = self.limits.document_bytes;
        let answered = self.run(self.line.repository.referrers(image, most))?;
        let by_tag = |tag: &str| {
            let work = self.line.repository.manifest_of(tag, tag, ACCEPT, most);
            match self.line.wire.run(self.deadline, work) {
                Ok((bytes, stated)) => Top::of(bytes, &stated).map(Some),
                Err(failed) if matches!(failed.error(), Some(ArtifactError::Absent { .. })) => Ok(None),
                Err(failed) => Err(failed.of(&self.line.place, true)),
            }
        };
        let index = match answered {
            Some(bytes) => Some(bytes),
            None => by_tag(&format!("sha256-{}", image.hex()))?.map(|top| top.bytes),
        };
        let mut found: Vec<(Descriptor, bool)> = Vec::new();
        if let Some(bytes) = index {
            let index: Index = parse(&bytes, "list of referrers")?;
            found.extend(index.manifests.into_iter().map(|inner| (inner, false)));
        }
        for tag in referrers::tags(*image) {
            if let Some(top) = by_tag(&tag)? {
                found.push((Descriptor::of(top.media_type, top.digest, top.bytes.len() as u64), true));
            }
        }
        Ok(found)
    }
}

/// The document that has no bytes.
fn nothing() -> (Digest, Vec<u8>) {
    (Digest::of(b""), Vec::new())
}

/// Whether a connection failed since nobody vouches for the server.
fn is_untrusted(error: &sekisho_net::RequestError) -> bool {
    chain(error).contains("certificate")
}

/// An error with all that led to it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
