//! Containers: which one a thread is in, by its cgroups, and what recorders say of it.

use sekisho_model::{Engine, RunningContainer, RunningMount};
use serde_json::Value as Json;
use std::sync::Arc;

/// How cgroups of containers are called: what stands before the id in the component that has it, what behind, and
/// by whom. The patterns are Falco's (`plugins/container/src/matchers` in <https://github.com/falcosecurity/plugins>).
const PATTERNS: &[(&str, &str, Engine)] = &[
    ("libpod-payload-", "", Engine::Podman),
    ("libpod-conmon-", ".scope", Engine::Podman),
    ("libpod-", ".scope", Engine::Podman),
    ("libpod-", "", Engine::Podman),
    ("cri-containerd-", ".scope", Engine::Containerd),
    ("crio-conmon-", ".scope", Engine::CriO),
    ("crio-", ".scope", Engine::CriO),
    ("crio-", "", Engine::CriO),
    ("containerd-", ".scope", Engine::Containerd),
    ("nerdctl-", ".scope", Engine::Containerd),
    ("docker-", ".scope", Engine::Docker),
];

/// The container that a thread with these cgroups (`subsystem=path`, each ended by a zero byte) is in: its whole id, and
/// what runs it.
pub fn of_cgroups(cgroups: &[u8]) -> Option<(String, Engine)> {
    cgroups
        .split(|byte| *byte == 0)
        .filter_map(|entry| std::str::from_utf8(entry).ok())
        .filter_map(|entry| entry.split_once('=').map_or(Some(entry), |(_, path)| Some(path)))
        .find_map(of_path)
}

/// The container that a cgroup with this path is of.
///
/// A container may make cgroups below its own, however deep, and call them as it likes. So the outermost one that is called as a
/// container's is counts: it was made by an engine of the host, and nobody in a container can say to be in another. What is run
/// in a container by an engine in there is of the outer one.
pub fn of_path(path: &str) -> Option<(String, Engine)> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // containerd without CRI: `/namespace/name`, as ctr makes it. Nothing below says more.
    if let ["k8s.io" | "default" | "moby", id, ..] = parts.as_slice() {
        return Some(((*id).to_owned(), Engine::Containerd));
    }
    for (at, part) in parts.iter().enumerate() {
        for (prefix, suffix, engine) in PATTERNS {
            let id = part.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
            if let Some(id) = id.filter(|id| RunningContainer::is_number(id)) {
                // Conmon watches a container from outside of it.
                return (!prefix.contains("conmon")).then(|| (id.to_owned(), *engine));
            }
        }
        // containerd without systemd: `slice:cri-containerd:id`.
        if let Some((before, id)) = part.rsplit_once(':')
            && before.ends_with(":cri-containerd")
            && RunningContainer::is_number(id)
        {
            return Some((id.to_owned(), Engine::Containerd));
        }
        if RunningContainer::is_number(part) {
            let above = parts.get(..at).unwrap_or_default();
            let engine = match above.last() {
                Some(&"docker") => Engine::Docker,
                Some(parent) if parent.starts_with("pod") => Engine::Cri,
                _ if above.iter().any(|part| part.contains("kubepods")) => Engine::Cri,
                // A pod of podman's has its containers below it, and is none itself.
                _ if parts.get(at + 1).is_some_and(|below| below.starts_with("libpod-")) => continue,
                _ => Engine::Containerd,
            };
            return Some(((*part).to_owned(), engine));
        }
        for prefix in ["lxc.payload.", "lxc.monitor."] {
            if let Some(id) = part.strip_prefix(prefix).filter(|id| !id.is_empty()) {
                return (prefix == "lxc.payload.").then(|| (id.to_owned(), Engine::Lxc));
            }
        }
        if at > 0 && parts[at - 1] == "lxc" {
            return Some(((*part).to_owned(), Engine::Lxc));
        }
        if let Some(id) = part.strip_suffix(".libvirt-lxc").filter(|id| !id.is_empty()) {
            return Some((id.to_owned(), Engine::Libvirt));
        }
        if let Some(id) = part.strip_prefix("bpm-").filter(|id| !id.is_empty()) {
            return Some((id.to_owned(), Engine::Bpm));
        }
    }
    None
}

/// The longest JSON that is read of a container; recorders cut what is longer than an event.
const LONGEST_JSON: usize = 4 << 20;

/// Reads the JSON that recorders put into `container` events.
pub(super) fn of_json(text: &[u8]) -> Option<RunningContainer> {
    if text.len() > LONGEST_JSON {
        return None;
    }
    let json: Json = serde_json::from_slice(text).ok()?;
    let json = json.get("container").unwrap_or(&json);
    let text = |key: &str| json.get(key).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let flag = |key: &str| json.get(key).and_then(Json::as_bool);
    let labels = |key: &str| {
        let labels = json.get(key)?.as_object()?;
        let pair = |(key, value): (&String, &Json)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
        Some(labels.iter().map(pair).collect())
    };
    let mount = |json: &Json| {
        let text = |key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        RunningMount {
            source: text("Source"),
            dest: text("Destination"),
            mode: text("Mode"),
            rdwr: json.get("RW").and_then(Json::as_bool).unwrap_or(false),
            propagation: text("Propagation"),
        }
    };
    let mut container = RunningContainer {
        id: text("id")?,
        full_id: text("full_id"),
        engine: json.get("type").and_then(Json::as_u64).and_then(engine_of_number),
        name: text("name"),
        image: text("image"),
        image_id: text("imageid"),
        image_repository: text("imagerepo"),
        image_tag: text("imagetag"),
        image_digest: text("imagedigest"),
        privileged: flag("privileged"),
        host_pid: flag("host_pid"),
        host_network: flag("host_network"),
        host_ipc: flag("host_ipc"),
        ip: text("ip"),
        cni: text("cni_json"),
        mounts: json.get("Mounts").and_then(Json::as_array).map(|mounts| mounts.iter().map(mount).collect()),
        labels: labels("labels"),
        sandbox_id: text("pod_sandbox_id"),
        sandbox_labels: labels("pod_sandbox_labels"),
        sandbox: flag("is_pod_sandbox").unwrap_or(false),
        created: json
            .get("created_time")
            .and_then(Json::as_u64)
            .map(|time| if time < 1 << 40 { time.saturating_mul(1_000_000_000) } else { time }),
        ..RunningContainer::default()
    };
    // Recorders tell the pod by labels.
    let of_pod = |key: &str| container.label(key).map(str::to_owned);
    let pod = ["name", "namespace", "uid"].map(|part| of_pod(&format!("io.kubernetes.pod.{part}")));
    container.no_pod = container.labels.is_some() && container.sandbox_id.is_none() && pod == [None, None, None];
    [container.pod_name, container.pod_namespace, container.pod_uid] = pod;
    Some(container)
}

/// The same the other way. Names of labels of the pod are those by which recorders tell it.
pub(crate) fn to_json(container: &RunningContainer) -> Vec<u8> {
    let RunningContainer {
        id, full_id, engine, name, image, image_id, image_repository, image_tag, image_digest, ..
    } = container;
    let mut json = serde_json::Map::new();
    let mut set = |key: &str, value: Json| json.insert(key.to_owned(), value);
    set("id", id.as_str().into());
    set("type", engine.and_then(|engine| Engine::ALL.iter().position(|other| *other == engine)).into());
    // What other readers take for a container of which all is known.
    set("lookup_state", 1.into());
    set("is_pod_sandbox", container.sandbox.into());
    let texts = [
        ("full_id", full_id),
        ("name", name),
        ("image", image),
        ("imageid", image_id),
        ("imagerepo", image_repository),
        ("imagetag", image_tag),
        ("imagedigest", image_digest),
        ("ip", &container.ip),
        ("cni_json", &container.cni),
        ("pod_sandbox_id", &container.sandbox_id),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            set(key, value.as_str().into());
        }
    }
    let flags = [
        ("privileged", container.privileged),
        ("host_pid", container.host_pid),
        ("host_network", container.host_network),
        ("host_ipc", container.host_ipc),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            set(key, value.into());
        }
    }
    if let Some(created) = container.created {
        set("created_time", created.into());
    }
    if let Some(mounts) = &container.mounts {
        let mount = |mount: &RunningMount| {
            serde_json::json!({
                "Source": mount.source, "Destination": mount.dest, "Mode": mount.mode, "RW": mount.rdwr,
                "Propagation": mount.propagation,
            })
        };
        set("Mounts", mounts.iter().map(mount).collect());
    }
    let object = |labels: &[(String, String)]| -> serde_json::Map<String, Json> {
        labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect()
    };
    let mut labels = container.labels.as_deref().map(object);
    let pod = [
        ("io.kubernetes.pod.name", &container.pod_name),
        ("io.kubernetes.pod.namespace", &container.pod_namespace),
        ("io.kubernetes.pod.uid", &container.pod_uid),
    ];
    for (key, value) in pod {
        if let Some(value) = value {
            labels.get_or_insert_default().insert(key.to_owned(), value.as_str().into());
        }
    }
    if let Some(labels) = labels {
        set("labels", labels.into());
    }
    if let Some(labels) = &container.sandbox_labels {
        set("pod_sandbox_labels", object(labels).into());
    }
    Json::from(serde_json::Map::from_iter([("container".to_owned(), Json::from(json))])).to_string().into_bytes()
}

/// An engine by its number in recorded events.
fn engine_of_number(number: u64) -> Option<Engine> {
    Engine::ALL.get(usize::try_from(number).ok()?).copied()
}

/// The cgroups of a thread, and the container that follows from them. Shared by threads that have the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cgroups {
    /// `subsystem=path`, each ended by a zero byte.
    pub text: Box<[u8]>,
    /// The id as it is shown, the whole id, and what runs the container.
    pub container: Option<(Box<str>, Box<str>, Engine)>,
}

impl Cgroups {
    /// Cgroups as they are recorded.
    pub fn new(text: &[u8]) -> Arc<Self> {
        let container =
            of_cgroups(text).map(|(id, engine)| (RunningContainer::short_id(&id).into(), id.as_str().into(), engine));
        Arc::new(Self { text: text.into(), container })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_name_their_container() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let check = |path: &str, expect: Option<Engine>| {
            let path = path.replace("ID", id).replace("POD", &"5".repeat(64));
            let found = of_path(&path);
            assert_eq!(found.as_ref().map(|(_, engine)| *engine), expect, "{path}");
            assert!(found.is_none_or(|(found, _)| found == id), "{path}");
        };
        check("/docker/ID", Some(Engine::Docker));
        check("/system.slice/docker-ID.scope", Some(Engine::Docker));
        check("/kubepods/besteffort/pod3e41dc6b-08a8-44db-bc2a-3724b18ab19a/ID", Some(Engine::Cri));
        check("/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope", Some(Engine::Containerd));
        check("/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:ID", Some(Engine::Containerd));
        check("/kubepods.slice/kubepods-pod1.slice/crio-ID.scope", Some(Engine::CriO));
        check("/kubepods.slice/kubepods-pod1.slice/crio-ID.scope/container", Some(Engine::CriO));
        check("/machine.slice/libpod-ID.scope", Some(Engine::Podman));
        check("/machine.slice/libpod-ID.scope/container", Some(Engine::Podman));
        check("/user.slice/libpod-payload-ID", Some(Engine::Podman));
        check("/libpod_parent/libpod-ID", Some(Engine::Podman));
        check("/machine.slice/libpod-conmon-ID.scope", None);
        check("/kubepods.slice/crio-conmon-ID.scope", None);
        check("/system.slice/nerdctl-ID.scope", Some(Engine::Containerd));
        check("/k8s.io/ID", Some(Engine::Containerd));
        check("/docker/ID/a/b/c/d", Some(Engine::Docker));
        check("/k8s.io/ID/init.scope/x/y", Some(Engine::Containerd));
        check("/user.slice/user-1000.slice/session-1.scope", None);
        check("/", None);
        assert_eq!(of_path("/lxc/web"), Some(("web".to_owned(), Engine::Lxc)));
        assert_eq!(of_path("/lxc.payload.web/system.slice"), Some(("web".to_owned(), Engine::Lxc)));
        assert_eq!(of_path("/k8s.io/t2/a/b/c"), Some(("t2".to_owned(), Engine::Containerd)));
        assert_eq!(of_path("/k8s.io/t2"), Some(("t2".to_owned(), Engine::Containerd)));
        check("/libpod_parent/POD/libpod-ID", Some(Engine::Podman));
        check("/machine.slice/machine-libpod_pod_POD.slice/libpod-ID.scope/container", Some(Engine::Podman));
        check("/libpod_parent/POD/libpod-conmon-ID", None);
        assert_eq!(of_cgroups(b"cpu=/\0memory=/lxc/web\0"), Some(("web".to_owned(), Engine::Lxc)));
    }

    #[test]
    fn no_container_says_that_it_is_another() {
        let (id, other) = ("0123456789abcdef".repeat(4), "f".repeat(64));
        for own in [
            "/docker/ID",
            "/system.slice/docker-ID.scope",
            "/kubepods/besteffort/pod1/ID",
            "/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope",
            "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:ID",
            "/kubepods.slice/kubepods-pod1.slice/crio-ID.scope",
            "/machine.slice/libpod-ID.scope/container",
            "/libpod_parent/libpod-ID",
            "/k8s.io/ID",
        ] {
            for below in [
                "/docker/OTHER",
                "/OTHER",
                "/libpod-OTHER",
                "/a/b/crio-OTHER.scope",
                // What would be outside of all containers.
                "/libpod-conmon-OTHER.scope",
                "/lxc.monitor.x",
                "/kubepods/pod1/OTHER",
                "/x:cri-containerd:OTHER",
                "/lxc/x",
                "/bpm-x",
            ] {
                let path = format!("{own}{below}").replace("ID", &id).replace("OTHER", &other);
                assert_eq!(of_path(&path).map(|(id, _)| id).as_deref(), Some(id.as_str()), "{path}");
            }
        }
        // By names that no number is in, too.
        for own in ["/lxc/web", "/lxc.payload.web", "/default/web", "/bpm-web", "/machine.slice/web.libvirt-lxc"] {
            let path = format!("{own}/docker/{other}");
            assert_eq!(of_path(&path).map(|(id, _)| id).as_deref(), Some("web"), "{path}");
        }
    }

    #[test]
    fn what_recorders_say_of_containers_is_read() {
        let json = br#"{"container":{"id":"0123456789ab","type":7,"name":"web","image":"docker.io/library/nginx:1.25",
            "imagerepo":"docker.io/library/nginx","imagetag":"1.25","privileged":true,
            "Mounts":[{"Source":"/proc","Destination":"/host/proc","Mode":"ro","RW":false,"Propagation":"rprivate"}],
            "labels":{"io.kubernetes.pod.name":"web-1","io.kubernetes.pod.namespace":"shop"}}}"#;
        let container = of_json(json).unwrap();
        assert_eq!(container.engine, Some(Engine::Containerd));
        assert_eq!(container.image_repository.as_deref(), Some("docker.io/library/nginx"));
        assert_eq!(container.mounts.as_ref().unwrap()[0].to_string(), "/proc:/host/proc:ro:false:rprivate");
        assert_eq!(container.label("io.kubernetes.pod.name"), Some("web-1"));
        assert_eq!([&container.pod_name, &container.pod_uid].map(Option::as_deref), [Some("web-1"), None]);
        assert!(!container.no_pod && of_json(br#"{"id":"a","labels":{"a":"b"}}"#).unwrap().no_pod);
        assert!(!of_json(br#"{"id":"a"}"#).unwrap().no_pod, "nothing was said");
        assert_eq!(container.host_pid, None);
        assert!(of_json(b"{}").is_none() && of_json(b"[").is_none());
    }
}
