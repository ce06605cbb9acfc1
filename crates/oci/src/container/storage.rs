//! podman and CRI-O, which keep containers in containers/storage: a list of them with a text for each that is the
//! engine's own, and beside it what the runtime was told to make
//! (<https://github.com/containers/container-libs/blob/main/storage/containers.go>; the texts are
//! `RuntimeContainerMetadata` in podman's `libpod/storage.go` and in CRI-O's `internal/storage/runtime.go`).

use super::cri::Mount;
use super::spec::Spec;
use super::{Look, Place, best_name, digits, labels, moment, said};
use crate::image::document::null_as_default;
use sekisho_model::{Engine, RunningContainer};
use serde::Deserialize;
use std::collections::BTreeMap;

/// By how layers are stored, which is part of every path.
const DRIVERS: [&str; 2] = ["overlay", "vfs"];

/// A container in a list.
#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    metadata: String,
    #[serde(default)]
    created: String,
}

/// The engine's own text about a container.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Metadata {
    /// Only CRI-O has pods.
    pod_id: String,
    image_name: String,
    image_id: String,
    name: String,
    #[serde(rename = "metadata-name")]
    asked_name: String,
    uid: String,
    namespace: String,
    /// Whether it holds the pod's namespaces.
    pod: bool,
    privileged: bool,
}

/// An image in the list of images.
#[derive(Deserialize)]
struct Image {
    id: String,
    #[serde(default)]
    digest: String,
    #[serde(default, deserialize_with = "null_as_default")]
    names: Vec<String>,
}

/// What annotations of CRI-O begin with
/// (<https://github.com/cri-o/cri-o/blob/main/pkg/annotations/internal.go>).
const CRIO: &str = "io.kubernetes.cri-o.";

/// Where a store keeps containers by one driver: what outlives the machine's running, and what does not.
struct Part {
    driver: &'static str,
    places: Vec<Place>,
}

pub(super) fn find(look: &mut Look<'_>, id: &str) -> Option<RunningContainer> {
    let stores = look.engines.storage.clone();
    for store in &stores {
        for driver in DRIVERS {
            let roots = [&store.run, &store.graph].map(|root| look.place(root));
            let of_driver = roots.into_iter().flatten();
            let places: Vec<Place> =
                of_driver.filter_map(|root| look.inner(&root, &format!("{driver}-containers"))).collect();
            let part = Part { driver, places };
            if part.places.iter().any(|place| place.directory.directory(id.as_ref()).is_ok()) {
                let images = look.place(&store.graph);
                return Some(told(look, &part, images.as_ref(), id));
            }
        }
    }
    None
}

fn told(look: &mut Look<'_>, part: &Part, images: Option<&Place>, id: &str) -> RunningContainer {
    let mut container = RunningContainer::of_id(id);
    let spec = spec(look, part, id);
    let records: Vec<Record> = ["volatile-containers.json", "containers.json"]
        .iter()
        .flat_map(|name| part.places.iter().map(move |place| (place, *name)))
        .filter_map(|(place, name)| look.list::<Option<Vec<Record>>>(place, name))
        .flatten()
        .flatten()
        .collect();
    let of = |id: &str| {
        let record = records.iter().find(|record| record.id == id)?;
        Some((record, serde_json::from_str::<Metadata>(&record.metadata).unwrap_or_default()))
    };
    let own = of(id);
    let manager = spec.as_ref().and_then(|spec| spec.annotation("io.container.manager"));
    let of_crio = manager == Some("cri-o") || own.as_ref().is_some_and(|(_, own)| !own.pod_id.is_empty());
    container.engine = Some(if of_crio { Engine::CriO } else { Engine::Podman });
    match &spec {
        Some(spec) => spec.fill(&mut container),
        None => look.unknown("what its runtime was told to make is not there: its mounts are not known".to_owned()),
    }
    match &own {
        Some((record, own)) => {
            container.created = moment(&record.created);
            name_image(look, part, images, record, own, spec.as_ref(), &mut container);
            if of_crio {
                let pod = of(&own.pod_id).map(|(_, pod)| pod);
                of_pod(look, part, own, pod.as_ref(), spec.as_ref(), &mut container);
            } else {
                container.name = said(&own.name);
            }
        }
        None => look.unknown("its store does not list it: its name and its image are not known".to_owned()),
    }
    if !of_crio {
        container.no_pod = true;
        let annotated = spec.as_ref().and_then(|spec| spec.annotation("io.podman.annotations.privileged"));
        container.privileged = annotated.map(|annotated| annotated == "TRUE").or(container.privileged);
        look.unknown("podman keeps labels in a database that is not read".to_owned());
    }
    container
}

fn spec(look: &mut Look<'_>, part: &Part, id: &str) -> Option<Spec> {
    part.places.iter().find_map(|place| look.document(place, &format!("{id}/userdata/config.json")))
}

fn name_image(
    look: &mut Look<'_>,
    part: &Part,
    images: Option<&Place>,
    record: &Record,
    own: &Metadata,
    spec: Option<&Spec>,
    container: &mut RunningContainer,
) {
    container.image_id = digits(&record.image).or_else(|| digits(&own.image_id));
    let path = format!("{}-images/images.json", part.driver);
    let known = images.and_then(|place| look.list::<Option<Vec<Image>>>(place, &path)).flatten();
    let known = known.into_iter().flatten().find(|image| Some(&image.id) == container.image_id.as_ref());
    let annotated = spec.and_then(|spec| spec.annotation("io.kubernetes.cri-o.ImageName"));
    let names = known.iter().flat_map(|image| image.names.iter().map(String::as_str));
    if let Some(name) = best_name([own.image_name.as_str(), annotated.unwrap_or_default()].into_iter().chain(names)) {
        container.set_image(name);
    }
    match known.map(|image| image.digest).filter(|digest| digits(digest).is_some()) {
        Some(digest) => container.image_digest = Some(digest),
        None if container.image_id.is_none() && container.image.is_none() => container.no_image = true,
        None => look.unknown("its store does not list its image any more: the digest is not known".to_owned()),
    }
}

fn of_pod(
    look: &mut Look<'_>,
    part: &Part,
    own: &Metadata,
    pod: Option<&Metadata>,
    spec: Option<&Spec>,
    container: &mut RunningContainer,
) {
    container.name = said(&own.asked_name).or_else(|| said(&own.name));
    container.sandbox = own.pod;
    container.sandbox_id = said(&own.pod_id).filter(|id| RunningContainer::is_number(id));
    match pod {
        Some(pod) => {
            container.pod_name = said(&pod.asked_name);
            container.pod_namespace = said(&pod.namespace);
            container.pod_uid = said(&pod.uid);
        }
        None => look.unknown("its pod is not in the list: the pod's name is not known".to_owned()),
    }
    if own.privileged {
        container.privileged = Some(true);
    }
    let other = match &container.sandbox_id {
        Some(id) if !own.pod => self::spec(look, part, id),
        _ => None,
    };
    let sandbox = if own.pod { spec } else { other.as_ref() };
    let of_own = |key: &str| spec?.annotation(&format!("{CRIO}{key}"));
    let of_sandbox = |key: &str| sandbox?.annotation(&format!("{CRIO}{key}"));
    let read = |text: Option<&str>| serde_json::from_str::<BTreeMap<String, String>>(text?).ok().map(labels);
    container.labels = read(of_own("Labels"));
    container.sandbox_labels = read(of_sandbox("Labels"));
    container.ip = of_sandbox("IP.0").and_then(said);
    container.cni = of_sandbox("CNIResult").and_then(said);
    if let Some(shared) = of_sandbox("HostNetwork") {
        container.host_network = Some(shared == "true");
    }
    // Those that were asked for; the runtime is also told of `/etc/hosts` and the like.
    let volumes = of_own("Volumes").and_then(|text| serde_json::from_str::<Option<Vec<Mount>>>(text).ok());
    if let Some(volumes) = volumes {
        container.mounts = Some(volumes.iter().flatten().map(Mount::told).collect());
    }
}
