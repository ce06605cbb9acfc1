//! containerd, and who uses it: Kubernetes by its CRI plugin, nerdctl, `ctr`.
//!
//! What the runtime is told to make lies in the bundle (`config.json` below the state directory); everything else in the
//! database, whose buckets are described in
//! <https://github.com/containerd/containerd/blob/main/core/metadata/buckets.go>. The CRI plugin keeps what the kubelet
//! asked for as an extension of the container.

use super::cri::Config;
use super::spec::Spec;
use super::{Look, Place, best_name, digits, labels, said};
use crate::bolt::{self, Bolt, BoltError, Bucket, Value};
use crate::image::store::containerd::{CONTENT, DATABASE, open_target};
use crate::path;
use sekisho_model::{Digest, Engine, RunningContainer};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Where bundles are, below the state directory, by namespace and id.
const BUNDLES: &str = "io.containerd.runtime.v2.task";
/// How many namespaces are looked into.
const MOST_NAMESPACES: u64 = 1000;
/// Docker's own containers, of which containerd knows no names.
const DOCKER: &str = "moby";
/// Bytes of what a network plugin said of its interfaces.
const LONGEST_CNI: usize = 16 << 10;

/// What the database has of a container.
#[derive(Default)]
struct Record {
    image: String,
    created: Option<u64>,
    labels: BTreeMap<String, String>,
    spec: Option<Vec<u8>>,
    snapshotter: Vec<u8>,
    snapshot: Vec<u8>,
    /// What the CRI plugin keeps of a container, or of a pod.
    of_container: Option<Extension>,
    of_pod: Option<Extension>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Extension {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    #[serde(rename = "SandboxID")]
    sandbox_id: String,
    #[serde(rename = "Config")]
    config: Config,
    #[serde(rename = "ImageRef")]
    image_ref: String,
    #[serde(rename = "IP")]
    ip: String,
    #[serde(rename = "CNIResult")]
    cni: Option<Cni>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cni {
    #[serde(rename = "Interfaces")]
    interfaces: Option<BTreeMap<String, Json>>,
}

/// A container with what belongs to it.
struct Found {
    namespace: String,
    own: Record,
    /// The container that holds its pod's namespaces, where that is another.
    sandbox: Option<Record>,
    /// What the name of its image leads to, the media type, and whether it was found by the image's id.
    target: Option<(Digest, String, bool)>,
    /// The layers on which its own lies: a digest of all their diffIDs.
    below: Option<String>,
}

pub(super) fn find(look: &mut Look<'_>, id: &str) -> Option<RunningContainer> {
    let places = look.engines.containerd.clone();
    let mut bundles: Vec<(String, Spec)> = Vec::new();
    let mut records: Vec<(Option<Place>, Found)> = Vec::new();
    for place in &places {
        if bundles.is_empty() {
            bundles = bundles_of(look, &place.state, id);
        }
        if records.is_empty()
            && let Some(root) = look.place(&place.root)
        {
            let mut found = records_of(look, &root, id);
            if let [(namespace, _)] = bundles.as_slice() {
                found.retain(|found| found.namespace == *namespace);
            }
            records = found.into_iter().map(|found| (look.inner(&root, CONTENT), found)).collect();
        }
    }
    let mut names: Vec<&str> = bundles.iter().map(|(namespace, _)| namespace.as_str()).collect();
    names.extend(records.iter().map(|(_, found)| found.namespace.as_str()));
    names.sort_unstable();
    names.dedup();
    let mut container = RunningContainer { engine: Some(Engine::Containerd), ..RunningContainer::of_id(id) };
    if names.len() > 1 {
        let names = names.join(", ");
        look.unknown(format!("containerd has one of this name in each of the namespaces {names}"));
        return Some(container);
    }
    let namespace = (*names.first()?).to_owned();
    if namespace == DOCKER {
        container.engine = Some(Engine::Docker);
        look.unknown("docker runs it, and keeps its files where they were not looked for".to_owned());
    }
    let (spec, record) = (bundles.pop().map(|(_, spec)| spec), records.pop());
    let stored = record.as_ref().and_then(|(_, found)| found.own.spec.as_deref());
    let spec = spec.or_else(|| look.parsed(stored?, DATABASE.as_ref()));
    if let Some(spec) = &spec {
        spec.fill(&mut container);
        annotated(spec, &mut container);
    }
    match record {
        Some((content, found)) => fill(look, content, found, &mut container),
        None => look.unknown("containerd's database does not have it: its image is not known".to_owned()),
    }
    Some(container)
}

fn bundles_of(look: &mut Look<'_>, state: &Path, id: &str) -> Vec<(String, Spec)> {
    let Some(bundles) = look.place(state).and_then(|state| look.inner(&state, BUNDLES)) else { return Vec::new() };
    let entries = match bundles.directory.entries(MOST_NAMESPACES) {
        Ok(entries) => entries,
        Err(error) => {
            look.unreadable(&bundles.path, &format!("cannot be listed: {error}"));
            return Vec::new();
        }
    };
    let namespaces = entries.into_iter().filter_map(|(name, _)| name.into_string().ok());
    let found = namespaces.filter_map(|namespace| {
        let spec = look.document(&bundles, &format!("{namespace}/{id}/config.json"))?;
        Some((namespace, spec))
    });
    found.collect()
}

fn records_of(look: &mut Look<'_>, root: &Place, id: &str) -> Vec<Found> {
    let Some(file) = look.file(root, DATABASE) else { return Vec::new() };
    let read = bolt::read(&Arc::new(file), &look.engines.limits, |database| read(database, id));
    read.unwrap_or_else(|error| {
        look.unreadable(&root.path.join(DATABASE), &error.to_string());
        Vec::new()
    })
}

type Entries = HashMap<Vec<u8>, Value>;

/// The keys of a bucket of which only some are looked up.
fn entries(database: &mut Bolt<'_>, bucket: Option<Bucket>) -> Result<Entries, BoltError> {
    Ok(bucket.map(|bucket| database.entries(&bucket)).transpose()?.unwrap_or_default().into_iter().collect())
}

fn bucket(entries: &mut Entries, key: &[u8]) -> Option<Bucket> {
    match entries.remove(key)? {
        Value::Bucket(bucket) => Some(bucket),
        Value::Bytes(_) => None,
    }
}

fn bytes(entries: &mut Entries, key: &[u8]) -> Option<Vec<u8>> {
    match entries.remove(key)? {
        Value::Bytes(bytes) => Some(bytes),
        Value::Bucket(_) => None,
    }
}

fn text(entries: &mut Entries, key: &[u8]) -> String {
    bytes(entries, key).map(|bytes| path::text(&bytes)).unwrap_or_default()
}

/// The containers that are called `id`, in any namespace.
fn read(database: &mut Bolt<'_>, id: &str) -> Result<Vec<Found>, BoltError> {
    let root = database.root();
    let version = database.bucket(&root, b"v1")?;
    let mut found = Vec::new();
    for (namespace, value) in entries(database, version)? {
        let Value::Bucket(inside) = value else { continue };
        let mut inside = entries(database, Some(inside))?;
        let mut containers = entries(database, bucket(&mut inside, b"containers"))?;
        let Some(own) = bucket(&mut containers, id.as_bytes()) else { continue };
        let own = record(database, own)?;
        let sandbox_id = own.of_container.as_ref().map(|kept| kept.metadata.sandbox_id.clone());
        let sandbox = sandbox_id.and_then(|id| bucket(&mut containers, id.as_bytes()));
        let sandbox = sandbox.map(|sandbox| record(database, sandbox)).transpose()?;
        let mut images = entries(database, bucket(&mut inside, b"images"))?;
        let by_id = own.of_container.as_ref().and_then(|kept| bucket(&mut images, kept.metadata.image_ref.as_bytes()));
        let (image, is_id) = match by_id {
            Some(image) => (Some(image), true),
            None => (bucket(&mut images, own.image.as_bytes()), false),
        };
        let mut image = entries(database, image)?;
        let mut target = entries(database, bucket(&mut image, b"target"))?;
        let target = text(&mut target, b"digest").parse().ok().map(|digest| {
            let media_type = text(&mut target, b"mediatype");
            (digest, media_type, is_id)
        });
        let mut below = entries(database, bucket(&mut inside, b"snapshots"))?;
        for key in [&own.snapshotter, &own.snapshot] {
            below = entries(database, bucket(&mut below, key))?;
        }
        let below = bytes(&mut below, b"parent").map(|parent| path::text(&parent));
        found.push(Found { namespace: path::text(&namespace), own, sandbox, target, below });
    }
    Ok(found)
}

fn record(database: &mut Bolt<'_>, container: Bucket) -> Result<Record, BoltError> {
    let mut fields = entries(database, Some(container))?;
    let mut extensions = entries(database, bucket(&mut fields, b"extensions"))?;
    let mut extension = |name: &str| {
        let kept = bytes(&mut extensions, format!("io.cri-containerd.{name}.metadata").as_bytes())?;
        serde_json::from_slice(value_of(&kept)?).ok()
    };
    let (of_container, of_pod) = (extension("container"), extension("sandbox"));
    let labels = entries(database, bucket(&mut fields, b"labels"))?;
    let label = |(key, value): (Vec<u8>, Value)| match value {
        Value::Bytes(value) => Some((path::text(&key), path::text(&value))),
        Value::Bucket(_) => None,
    };
    Ok(Record {
        image: text(&mut fields, b"image"),
        created: bytes(&mut fields, b"createdat").and_then(|time| moment(&time)),
        labels: labels.into_iter().filter_map(label).collect(),
        spec: bytes(&mut fields, b"spec").and_then(|spec| Some(value_of(&spec)?.to_vec())),
        snapshotter: bytes(&mut fields, b"snapshotter").unwrap_or_default(),
        snapshot: bytes(&mut fields, b"snapshotKey").unwrap_or_default(),
        of_container,
        of_pod,
    })
}

/// The value of a `google.protobuf.Any`: the bytes of its second field.
fn value_of(mut any: &[u8]) -> Option<&[u8]> {
    fn number(bytes: &mut &[u8]) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
    loop {
        let tag = number(&mut any)?;
        // Both fields are bytes with their length before them.
        let length = usize::try_from(number(&mut any)?).ok().filter(|_| tag & 7 == 2)?;
        let (value, rest) = any.split_at_checked(length)?;
        if tag >> 3 == 2 {
            return Some(value);
        }
        any = rest;
    }
}

/// A moment as Go writes it in binary form: a version, seconds since the year 1, nanoseconds.
fn moment(time: &[u8]) -> Option<u64> {
    const TO_1970: u64 = 62_135_596_800;
    let seconds = u64::from_be_bytes(*time.get(1..)?.first_chunk()?).checked_sub(TO_1970)?;
    let nanoseconds = u32::from_be_bytes(*time.get(9..)?.first_chunk()?);
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds.into())
}

/// What the CRI plugin says in the bundle. The database has more, where that can be read.
fn annotated(spec: &Spec, container: &mut RunningContainer) {
    let own = |key: &str| spec.annotation(&format!("io.kubernetes.cri.{key}")).map(str::to_owned);
    let kind = own("container-type");
    container.no_pod = kind.is_none();
    container.sandbox = kind.as_deref() == Some("sandbox");
    container.pod_name = own("sandbox-name");
    container.name = own("container-name").or_else(|| container.pod_name.clone().filter(|_| container.sandbox));
    container.pod_namespace = own("sandbox-namespace");
    container.pod_uid = own("sandbox-uid");
    container.sandbox_id = own("sandbox-id");
    if let Some(image) = own("image-name") {
        container.set_image(&image);
    }
}

fn fill(look: &mut Look<'_>, content: Option<Place>, found: Found, container: &mut RunningContainer) {
    let Found { own, sandbox, target, below, .. } = found;
    let Record { image, created, labels: own_labels, of_container, of_pod, .. } = own;
    container.created = created;
    container.labels = Some(labels(own_labels));
    let own_of_pod = of_pod.is_some();
    container.no_pod = of_container.is_none() && !own_of_pod && container.no_pod;
    if container.no_pod {
        container.name = Some(container.id.clone());
    }
    let mut wanted = None;
    if let Some(Metadata { config, image_ref, sandbox_id, .. }) = of_container.map(|kept| kept.metadata) {
        container.name = said(&config.metadata.name);
        container.sandbox_id = said(&sandbox_id);
        container.privileged = Some(config.privileged());
        container.mounts = Some(config.mounts());
        let [pid, _, _] = config.of_host();
        // Within a pod a process namespace may also be shared.
        container.host_pid = Some(pid);
        container.image_id = digits(&image_ref);
        wanted = best_name([&*config.image.user_specified_image, &*config.image.image, &*image].into_iter())
            .map(str::to_owned);
    }
    let pod = if own_of_pod { of_pod } else { sandbox.and_then(|sandbox| sandbox.of_pod) };
    if let Some(Metadata { config, ip, cni, .. }) = pod.map(|kept| kept.metadata) {
        let [pid, network, ipc] = config.of_host();
        (container.host_network, container.host_ipc) = (Some(network), Some(ipc));
        if own_of_pod {
            container.sandbox = true;
            container.name = said(&config.metadata.name);
            container.sandbox_id.clone_from(&container.full_id);
            container.host_pid = Some(pid);
            container.privileged = Some(config.privileged());
        }
        container.pod_name = said(&config.metadata.name);
        container.pod_namespace = said(&config.metadata.namespace);
        container.pod_uid = said(&config.metadata.uid);
        container.sandbox_labels = Some(labels(config.labels));
        container.ip = said(&ip);
        container.cni = cni.and_then(Cni::told);
    } else if !container.no_pod {
        look.unknown("containerd's database does not have its pod: the labels of the pod are not known".to_owned());
    }
    let written = wanted.or_else(|| said(&image));
    if let Some(written) = &written {
        container.set_image(written);
    }
    identify(look, content, target, below.as_deref(), container);
}

/// Says which image it is that the name leads to, once it is sure that this is the one that runs: a name may have been
/// given to another image since.
fn identify(
    look: &mut Look<'_>,
    content: Option<Place>,
    target: Option<(Digest, String, bool)>,
    below: Option<&str>,
    container: &mut RunningContainer,
) {
    if container.image.is_none() {
        container.no_image = true;
        return;
    }
    let Some((target, media_type, by_id)) = target else {
        return look.unknown("containerd does not have its image any more: the digest is not known".to_owned());
    };
    if by_id {
        container.image_digest = Some(target.to_string());
        return;
    }
    let Some(content) = content else {
        return look.unknown("containerd's content is not there: the digest of its image is not known".to_owned());
    };
    let image = match open_target(content.directory, target, &media_type, None, &look.engines.limits) {
        Ok(image) => image,
        Err(error) => {
            let name = container.image.clone().unwrap_or_default();
            return look.unknown(format!("the image {name} cannot be read: {error}"));
        }
    };
    let id = image.config_digest.hex();
    let lies_on_it = || {
        let layers: Option<Vec<Digest>> = image.layers.iter().map(|layer| layer.diff_id).collect();
        below.is_some() && layers.and_then(|layers| chain(&layers)).as_deref() == below
    };
    let same = container.image_id.as_ref().map_or_else(lies_on_it, |known| *known == id);
    if same {
        container.image_digest = Some(target.to_string());
        container.image_id = Some(id);
    } else {
        let name = container.image.clone().unwrap_or_default();
        look.unknown(format!("it does not run the image that is called {name} now: the digest is not known"));
    }
}

/// The digest of layers that lie on each other
/// (<https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid>).
fn chain(layers: &[Digest]) -> Option<String> {
    let (first, above) = layers.split_first()?;
    let over = |below: String, layer: &Digest| Digest::of(format!("{below} {layer}").as_bytes()).to_string();
    Some(above.iter().fold(first.to_string(), over))
}

impl Cni {
    /// As Falco tells it: addresses by interface, without those that are only between host and pod.
    fn told(self) -> Option<String> {
        let mut interfaces = self.interfaces?;
        interfaces.retain(|name, _| name != "lo" && !name.starts_with("veth"));
        for interface in interfaces.values_mut().filter_map(Json::as_object_mut) {
            interface.remove("Mac");
            interface.remove("Sandbox");
        }
        serde_json::to_string(&interfaces).ok().filter(|text| text.len() <= LONGEST_CNI)
    }
}
