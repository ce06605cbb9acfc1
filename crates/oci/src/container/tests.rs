use super::*;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

const FRONT: &str = "318860897bd38dd0b0ce2c78e60efeb116613d0db15489606c2a3156e049cc84";
const DOCKER_AGENT: &str = "455740d1daa28010370ce312c9733907078bfb1985f9ff67ee9bb6e29c055801";
const DOCKER_POD: &str = "4c69c9ec48d3954aed01d1cccfc20b606b5243d0de62d6891f189b42ce5d50db";
const PODMAN: &str = "9325d317499229a1c2d48c3869918690ce2a1daafa459a10d1a2d7c0276f5839";
const PODMAN_AGENT: &str = "23efc3c3d7e2093a61b8bf62d5198192c0e74d5d56b2763182ee98bb21bac757";
const SANDBOX: &str = "2b5445ac209010c5a9f0caef2b0facdccc715484dfbbdea50b537c6e70590d60";
const WEB: &str = "f0582538bc0a4916256921042fb85eb9dc0c37fce27bcc8148cc119af366d2e6";
const AGENT: &str = "646136d4c95d61769e9d4c6132a3d6e02fac31dcecab6992decdc56b4a7a177d";
const UID: &str = "3e41dc6b-08a8-44db-bc2a-3724b18ab19a";
const DATABASE: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const IMAGE: &str = "b0303640493745b06c157ea2a1a540f181b9a6da68775ae603523c1b820b354e";
const MANIFEST: &str = "sha256:3a5c7ade35b08660ab6ca116ea779caf308e16dc0eb85da2e6e39ee81526a585";

/// What engines had written on a host, of which `fixtures/README.md` tells.
fn host() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let packed = include_bytes!("fixtures/host.tar.zst");
    let unpacked = zstd::decode_all(&packed[..]).unwrap();
    tar::Archive::new(&unpacked[..]).unpack(folder.path()).unwrap();
    folder
}

fn find(host: &TempDir, id: &str) -> (RunningContainer, String) {
    let (engines, diagnostics) = Engines::of_host(host.path(), &Limits::default()).unwrap();
    assert_eq!(diagnostics, []);
    let (container, diagnostics) = engines.find(id, Engine::Cri);
    assert_eq!(container.full_id.as_deref(), Some(id));
    assert!(diagnostics.iter().all(|said| said.code == Code::ContainerUnknown));
    (container, diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn text<'a>(text: impl Into<Option<&'a String>>) -> &'a str {
    text.into().map_or("-", String::as_str)
}

fn image(container: &RunningContainer) -> [&str; 5] {
    let RunningContainer { image, image_repository, image_tag, image_digest, image_id, .. } = container;
    [image, image_repository, image_tag, image_digest, image_id].map(text)
}

fn pod(container: &RunningContainer) -> [&str; 4] {
    let RunningContainer { pod_name, pod_namespace, pod_uid, sandbox_id, .. } = container;
    [pod_name, pod_namespace, pod_uid, sandbox_id].map(text)
}

fn of_host(container: &RunningContainer) -> [Option<bool>; 3] {
    [container.host_pid, container.host_network, container.host_ipc]
}

fn mounts(container: &RunningContainer) -> Vec<String> {
    container.mounts.as_ref().unwrap().iter().map(ToString::to_string).collect()
}

fn write(host: &TempDir, path: &str, text: impl AsRef<[u8]>) {
    let path = host.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const NO: Option<bool> = Some(false);
const YES: Option<bool> = Some(true);
const WEB_IMAGE: [&str; 5] =
    ["registry.example.org/shop/web:1.2", "registry.example.org/shop/web", "1.2", MANIFEST, IMAGE];

#[test]
fn containers_of_docker() {
    let host = host();
    let (front, said) = find(&host, FRONT);
    assert_eq!(said, "");
    assert_eq!((front.id.as_str(), front.engine, text(&front.name)), ("318860897bd3", Some(Engine::Docker), "front"));
    let digest = "sha256:9c92320c4e14697c0c35da8d62771d5e305a7c72d63546d42390fa09118c1516";
    let id = "27b571dd81fa7af5f2bbfb66313f81afe1f4eb9a8c948595068e7d8bdd09ac6e";
    let repository = "localhost:5077/shop/web";
    assert_eq!(image(&front), ["localhost:5077/shop/web:1.2", repository, "1.2", digest, id]);
    assert_eq!((front.privileged, of_host(&front), front.no_pod), (NO, [NO; 3], true));
    let expected = ["/var/lib/docker/volumes/cache/_data:/cache:z:true:", "/srv/data:/data:ro:false:rprivate"];
    assert_eq!(mounts(&front), expected);
    assert_eq!((front.label("tier"), front.label("org.example.team")), (Some("front"), Some("shop")));
    let created: jiff::Timestamp = "2026-11-23T11:44:00Z".parse().unwrap();
    assert_eq!(front.created.unwrap() / 1_000_000_000_000, created.as_second() as u64 / 1000);

    let (agent, said) = find(&host, DOCKER_AGENT);
    assert_eq!(said, "");
    assert_eq!((agent.privileged, of_host(&agent)), (YES, [YES; 3]));
    assert_eq!(mounts(&agent), ["/:/host:rslave:true:rslave"]);
    assert_eq!(image(&agent)[..3], ["shop/local:dev", "shop/local", "dev"]);
    assert_eq!(agent.image_digest, front.image_digest, "there is one for the image, by whatever name");

    let (of_pod, _) = find(&host, DOCKER_POD);
    assert_eq!((text(&of_pod.name), of_pod.no_pod, of_pod.sandbox), ("web", false, false));
    assert_eq!(pod(&of_pod)[..3], ["web-1", "shop", UID]);
}

#[test]
fn containers_of_podman() {
    let host = host();
    let (web, said) = find(&host, PODMAN);
    assert_eq!(said, "container 9325d3174992: podman keeps labels in a database that is not read");
    assert_eq!((web.engine, text(&web.name), web.no_pod), (Some(Engine::Podman), "web", true));
    let digest = "sha256:db6d946dd93a897a9529bf77ab1e18ceb4d886359af55d7b03430f728f05f0c9";
    assert_eq!(image(&web), [WEB_IMAGE[0], WEB_IMAGE[1], WEB_IMAGE[2], digest, IMAGE]);
    assert_eq!((web.privileged, of_host(&web), &web.labels), (NO, [NO; 3], &None));
    let mounts = mounts(&web);
    assert!(mounts.contains(&"/srv/data:/data::false:rprivate".to_owned()), "{mounts:?}");
    assert!(!mounts.iter().any(|mount| mount.starts_with("proc:")), "{mounts:?}");
    let (agent, _) = find(&host, PODMAN_AGENT);
    assert_eq!((agent.privileged, of_host(&agent)), (YES, [YES; 3]));
}

#[test]
fn containers_of_kubernetes_by_containerd() {
    let host = host();
    let (web, said) = find(&host, WEB);
    assert_eq!(said, "");
    assert_eq!((web.engine, text(&web.name), web.sandbox), (Some(Engine::Containerd), "web", false));
    assert_eq!(image(&web), WEB_IMAGE, "what the pod names, not the other name that the plugin found for it");
    assert_eq!(pod(&web), ["web-1", "shop", UID, SANDBOX]);
    assert_eq!((web.privileged, of_host(&web), web.no_pod), (NO, [NO; 3], false));
    assert_eq!(mounts(&web), ["/srv/data:/data::false:private", "/proc:/host/proc::true:private"]);
    assert_eq!(web.label("io.cri-containerd.kind"), Some("container"));
    assert!(web.sandbox_labels.as_ref().unwrap().contains(&("app".to_owned(), "web-1".to_owned())));
    assert!(text(&web.ip).starts_with("10.88.77."), "{:?}", web.ip);
    let cni = text(&web.cni);
    assert!(cni.contains(r#""eth0":{"IPConfigs":[{"Gateway":"10.88.77.1","IP":"10.88.77."#), "{cni}");
    assert!(!cni.contains("veth") && !cni.contains("lo\"") && !cni.contains("Mac"), "{cni}");
    let created: jiff::Timestamp = "2026-11-23T11:46:00Z".parse().unwrap();
    assert_eq!(web.created.unwrap() / 1_000_000_000_000, created.as_second() as u64 / 1000);

    let (sandbox, said) = find(&host, SANDBOX);
    assert_eq!(said, "");
    assert!(sandbox.sandbox && pod(&sandbox) == pod(&web) && text(&sandbox.name) == "web-1");
    assert_eq!(image(&sandbox)[..3], ["registry.example.org/pause:3.6", "registry.example.org/pause", "3.6"]);
    assert_eq!(image(&sandbox)[3..], [MANIFEST, IMAGE], "the layers it lies on are the image's");

    // No bundle is there, as it never ran: the database has all of it.
    let (agent, said) = find(&host, AGENT);
    assert_eq!(said, "");
    assert_eq!((agent.privileged, of_host(&agent)), (YES, [YES, YES, NO]));
    assert_eq!((text(&agent.pod_name), text(&agent.ip)), ("agent-1", "-"));
}

#[test]
fn containers_of_ctr() {
    let host = host();
    let (web, said) = find(&host, "web");
    assert_eq!(said, "");
    assert_eq!((web.id.as_str(), text(&web.name), web.no_pod), ("web", "web", true));
    assert_eq!(image(&web)[..3], ["registry.example.org/shop/multi:1", "registry.example.org/shop/multi", "1"]);
    let index = "sha256:10ee18fe4e3935554642b5eaa82dc601044386a057a49eca540abf85b6f22bd6";
    assert_eq!(image(&web)[3..], [index, IMAGE], "an index leads to it");
    assert_eq!((web.privileged, of_host(&web)), (NO, [NO; 3]));
    assert_eq!(mounts(&web)[0], "/srv/data:/data::false:");
    assert_eq!((web.label("tier"), web.label("org.example.team")), (Some("front"), Some("shop")));

    let (agent, said) = find(&host, "agent");
    assert_eq!(said, "");
    assert_eq!((agent.privileged, of_host(&agent)), (YES, [NO, YES, NO]));
    assert_eq!(image(&agent), WEB_IMAGE);
    let (bare, said) = find(&host, "bare");
    assert!(said.contains("in each of the namespaces default, other") && bare.image.is_none(), "{said}");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_told() {
    let host = host();
    fs::write(host.path().join(DATABASE), "no database").unwrap();
    let (web, said) = find(&host, WEB);
    assert!(said.contains(DATABASE) && said.contains("its image is not known"), "{said}");
    // What the bundle says.
    assert_eq!((text(&web.name), web.no_pod), ("web", false));
    assert_eq!(pod(&web), ["web-1", "shop", UID, SANDBOX]);
    assert_eq!((web.privileged, &web.labels, &web.image_digest), (NO, &None, &None));
    assert_eq!(of_host(&web), [None; 3], "namespaces that were there before");
    let (_, said) = find(&host, "agent");
    assert!(said.contains("no engine has written about it"), "{said}");

    let containers = "var/lib/containers/storage";
    fs::write(host.path().join(containers).join("overlay-images/images.json"), "[{").unwrap();
    let (web, said) = find(&host, PODMAN);
    assert!(said.contains("images.json") && web.image_digest.is_none() && text(&web.name) == "web", "{said}");
    fs::remove_file(host.path().join(containers).join("overlay-containers/containers.json")).unwrap();
    let (web, said) = find(&host, PODMAN);
    assert!(said.contains("does not list it") && web.name.is_none() && web.privileged == NO, "{said}");

    fs::remove_file(host.path().join("var/lib/docker/image/overlay2/repositories.json")).unwrap();
    let (front, said) = find(&host, FRONT);
    assert!(said.contains("the digest of localhost:5077/shop/web:1.2 is not known"), "{said}");
    assert_eq!(image(&front)[..2], ["localhost:5077/shop/web:1.2", "localhost:5077/shop/web"]);
    let docker = format!("var/lib/docker/containers/{FRONT}");
    write(&host, &format!("{docker}/config.v2.json"), "{\"Name\":1}");
    let (front, said) = find(&host, FRONT);
    assert!(said.contains("config.v2.json") && front.privileged == NO && front.name.is_none(), "{said}");
    assert_eq!(front.engine, Some(Engine::Docker));
}

#[test]
fn a_name_that_another_image_has_now_is_not_believed() {
    let host = host();
    let content = host.path().join("var/lib/containerd/io.containerd.content.v1.content/blobs/sha256");
    // The same length, so that all in the database stays where it is; its pages have no checksums.
    let mut database = fs::read(host.path().join(DATABASE)).unwrap();
    let manifest = fs::read_to_string(content.join(&MANIFEST[7..])).unwrap();
    let config = fs::read_to_string(content.join(IMAGE)).unwrap();
    let layer = config.split("sha256:").nth(1).unwrap().get(..64).unwrap();
    let other = config.replace(layer, &"1".repeat(64));
    let other_id = sekisho_model::Digest::of(other.as_bytes()).hex();
    fs::write(content.join(&other_id), &other).unwrap();
    let manifest = manifest.replace(IMAGE, &other_id);
    let target = sekisho_model::Digest::of(manifest.as_bytes()).hex();
    fs::write(content.join(&target), manifest).unwrap();
    let places: Vec<usize> = database
        .windows(64)
        .enumerate()
        .filter_map(|(at, window)| (window == &MANIFEST.as_bytes()[7..]).then_some(at))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        database[at..at + 64].copy_from_slice(target.as_bytes());
    }
    fs::write(host.path().join(DATABASE), database).unwrap();
    let (agent, said) = find(&host, "agent");
    assert!(said.contains("does not run the image that is called registry.example.org/shop/web:1.2 now"), "{said}");
    assert_eq!(image(&agent)[2..], ["1.2", "-", "-"]);
}

#[test]
fn what_links_lead_to_is_of_the_host_and_nothing_leads_out_of_it() {
    let host = host();
    let root = host.path();
    fs::create_dir_all(root.join("data")).unwrap();
    fs::rename(root.join("var/lib/docker"), root.join("data/docker")).unwrap();
    symlink("/data/docker", root.join("var/lib/docker")).unwrap();
    assert_eq!(text(&find(&host, FRONT).0.name), "front", "a disk that the host's owner put elsewhere");
    // Beneath an engine's directory no link is followed.
    let containers = root.join("data/docker/containers");
    let outside = tempfile::tempdir().unwrap();
    fs::rename(containers.join(DOCKER_AGENT), outside.path().join("agent")).unwrap();
    symlink(outside.path().join("agent"), containers.join(DOCKER_AGENT)).unwrap();
    let (agent, said) = find(&host, DOCKER_AGENT);
    assert!(agent.name.is_none() && said.contains("no engine has written"), "{said}");
    let document = containers.join(FRONT).join("config.v2.json");
    fs::rename(&document, outside.path().join("front")).unwrap();
    symlink(outside.path().join("front"), &document).unwrap();
    let (front, said) = find(&host, FRONT);
    assert!(front.name.is_none() && said.contains("is a symbolic link, which is not followed"), "{said}");
    // And ids are no paths.
    for id in ["", ".", "..", "../containers/x", "a/b", &"a".repeat(256), "a\0b"] {
        let (container, said) = find(&host, id);
        assert!(container.name.is_none() && !said.is_empty(), "{id}");
    }
}

#[test]
fn engines_are_where_the_host_says() {
    let host = host();
    let root = host.path();
    fs::rename(root.join("var/lib/docker"), root.join("srv-docker")).unwrap();
    write(&host, "etc/docker/daemon.json", r#"{"data-root":"/srv-docker","storage-driver":"overlay2"}"#);
    assert_eq!(text(&find(&host, FRONT).0.name), "front");
    fs::create_dir_all(root.join("srv-docker/231072.231072")).unwrap();
    fs::rename(root.join("srv-docker/containers"), root.join("srv-docker/231072.231072/containers")).unwrap();
    assert_eq!(text(&find(&host, FRONT).0.name), "front", "with users remapped");

    fs::rename(root.join("var/lib/containers/storage"), root.join("pods")).unwrap();
    write(&host, "usr/share/containers/storage.conf", "[storage]\ngraphroot = \"/pods\"\nrunroot = \"/run/pods\"\n");
    assert_eq!(text(&find(&host, PODMAN).0.name), "web");
    write(&host, "etc/containers/storage.conf", "[storage\n");
    let (_, diagnostics) = Engines::of_host(root, &Limits::default()).unwrap();
    let said: String = diagnostics.iter().map(ToString::to_string).collect();
    assert!(said.starts_with("/etc/containers/storage.conf: is not understood"), "{said}");
}

#[test]
fn containers_of_another_kind_are_unknown_with_the_reason() {
    let host = host();
    let (engines, _) = Engines::of_host(host.path(), &Limits::default()).unwrap();
    let (container, said) = engines.find("web-lxc", Engine::Lxc);
    assert_eq!(container, RunningContainer { engine: Some(Engine::Lxc), ..RunningContainer::of_id("web-lxc") });
    assert!(said[0].message.contains("what lxc writes about its containers is not read"), "{said:?}");
    let small = Limits { document_bytes: 100, ..Limits::default() };
    let (engines, _) = Engines::of_host(host.path(), &small).unwrap();
    let (_, said) = engines.find(FRONT, Engine::Docker);
    assert!(said[0].message.contains("limits.document_bytes"), "{said:?}");
}

#[test]
fn what_an_engine_does_not_say_is_not_empty() {
    let host = host();
    let docker = format!("var/lib/docker/containers/{FRONT}");
    write(&host, &format!("{docker}/config.v2.json"), "{}");
    let (front, said) = find(&host, FRONT);
    assert!(front.name.is_none() && front.image.is_none(), "{front:?}");
    assert!(said.contains("does not say"), "{said}");
}

/// CRI-O's files as its documentation and code have them.
#[test]
fn containers_of_kubernetes_by_crio() {
    let host = tempfile::tempdir().unwrap();
    let [pod_id, web_id, image_id] = ["a", "b", "c"].map(|digit| digit.repeat(64));
    let metadata = |pod: bool, name: &str| {
        let uid = if pod { UID } else { "" };
        json!({"pod-name": format!("k8s_web-1_shop_{UID}_0"), "pod-id": pod_id, "image-name": "quay.io/shop/web:1.2",
            "image-id": image_id, "name": format!("k8s_{name}_web-1_shop_{UID}_0"), "metadata-name": name, "uid": uid,
            "namespace": if pod { "shop" } else { "" }, "created-at": 1_795_434_194, "pod": pod, "privileged": !pod})
        .to_string()
    };
    let record = |id: &str, metadata: &str| json!({"id": id, "image": image_id, "layer": "d", "metadata": metadata, "created": "2026-11-23T11:43:14.8Z"});
    let list = json!([record(&pod_id, &metadata(true, "web-1")), record(&web_id, &metadata(false, "web"))]);
    write(&host, "run/containers/storage/overlay-containers/volatile-containers.json", list.to_string());
    let digest = format!("sha256:{}", "e".repeat(64));
    let images = json!([{"id": image_id, "digest": digest, "names": ["quay.io/shop/web:1.2"]}]);
    write(&host, "var/lib/containers/storage/overlay-images/images.json", images.to_string());
    let spec = |annotations: serde_json::Value, namespaces: serde_json::Value| {
        json!({"process": {}, "linux": {"namespaces": namespaces, "maskedPaths": ["/proc/acpi"]}, "mounts": [
            {"destination": "/etc/hosts", "type": "bind", "source": "/var/lib/kubelet/hosts", "options": ["rw", "rbind"]}],
            "annotations": annotations})
        .to_string()
    };
    let labels = r#"{"io.kubernetes.pod.name":"web-1","app":"web"}"#;
    let of_pod = json!({"io.container.manager": "cri-o", "io.kubernetes.cri-o.Labels": labels,
        "io.kubernetes.cri-o.HostNetwork": "true", "io.kubernetes.cri-o.IP.0": "10.0.0.7",
        "io.kubernetes.cri-o.CNIResult": "{\"ips\":[]}"});
    let userdata = |id: &str| format!("run/containers/storage/overlay-containers/{id}/userdata/config.json");
    write(&host, &userdata(&pod_id), spec(of_pod, json!([{"type": "pid"}, {"type": "ipc"}])));
    // What the pod's author annotates does not count where the engine says it.
    let of_web = json!({"io.container.manager": "cri-o", "io.kubernetes.cri-o.ImageName": "registry.example.org/forged",
        "io.kubernetes.pod.namespace": "kube-system", "io.kubernetes.cri-o.Labels": "{\"tier\":\"front\"}",
        "io.kubernetes.cri-o.Volumes": "[{\"container_path\":\"/host\",\"host_path\":\"/\",\"readonly\":true,\"propagation\":1}]"});
    let shared = json!([{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}, {"type": "ipc", "path": "/x"}]);
    write(&host, &userdata(&web_id), spec(of_web, shared));

    let (web, said) = find(&host, &web_id);
    assert_eq!(said, "");
    assert_eq!((web.engine, text(&web.name), web.sandbox), (Some(Engine::CriO), "web", false));
    assert_eq!(image(&web), ["quay.io/shop/web:1.2", "quay.io/shop/web", "1.2", &digest, &image_id]);
    assert_eq!(pod(&web), ["web-1", "shop", UID, &pod_id]);
    assert_eq!((web.privileged, of_host(&web)), (YES, [NO, YES, None]));
    assert_eq!(mounts(&web), ["/:/host::false:rslave"]);
    assert_eq!((web.label("tier"), text(&web.ip), text(&web.cni)), (Some("front"), "10.0.0.7", "{\"ips\":[]}"));
    assert!(web.sandbox_labels.as_ref().unwrap().contains(&("app".to_owned(), "web".to_owned())));
    let (sandbox, said) = find(&host, &pod_id);
    assert_eq!(said, "");
    assert!(sandbox.sandbox && pod(&sandbox) == pod(&web) && sandbox.privileged == NO);
}

#[test]
fn what_is_found_answers_what_rules_ask() {
    use sekisho_trace::state::{Bounds, State, ThreadSeed};
    use sekisho_trace::{Event, EventCode, Facts, Field, Value};
    let host = host();
    let ask = |cgroup: &str, id: &str, fields: &[(&str, &str)]| {
        let mut state = State::new(Bounds::default());
        let cgroups = format!("pids={cgroup}\0").into_bytes();
        state.add_thread(ThreadSeed { tid: 1, pid: 1, cgroups, ..ThreadSeed::default() });
        let code = EventCode::GETUID_X;
        let event = Event { number: 1, time: 1, cpu: 0, tid: 1, code, params: sekisho_trace::event::Params::default() };
        state.apply(&event);
        let unknown = matches!(state.facts(&event).value(&Field::parse("container.name").unwrap()), Value::Unknown(_));
        assert!(unknown, "nothing was told yet");
        state.add_container(find(&host, id).0);
        for (field, expected) in fields {
            let answer = match state.facts(&event).value(&Field::parse(field).unwrap()) {
                Value::Absent => "<NA>".to_owned(),
                Value::Unknown(_) => "unknown".to_owned(),
                value => value.scalars().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            };
            assert_eq!(answer, *expected, "{field} of {cgroup}");
        }
    };
    ask(
        &format!("/kubepods/besteffort/pod{UID}/{WEB}"),
        WEB,
        &[
            ("container.id", &WEB[..12]),
            ("container.full_id", WEB),
            ("container.name", "web"),
            ("container.type", "containerd"),
            ("container.image", "registry.example.org/shop/web:1.2"),
            ("container.image.repository", "registry.example.org/shop/web"),
            ("container.image.tag", "1.2"),
            ("container.image.digest", MANIFEST),
            ("container.image.id", IMAGE),
            ("container.privileged", "false"),
            ("container.mounts", "/srv/data:/data::false:private,/proc:/host/proc::true:private"),
            ("container.mount.dest[/proc*]", "/host/proc"),
            ("container.mount.source[/data]", "/srv/data"),
            ("container.mount.rdwr[/srv/data]", "false"),
            ("container.mount[7]", "none"),
            ("container.label[io.kubernetes.container.name]", "web"),
            ("k8s.pod.name", "web-1"),
            ("k8s.ns.name", "shop"),
            ("k8s.pod.uid", UID),
            ("k8s.pod.id", UID),
            ("k8s.pod.sandbox_id", &SANDBOX[..12]),
            ("k8s.pod.full_sandbox_id", SANDBOX),
            ("k8s.pod.label[app]", "web-1"),
            ("k8s.pod.label[none]", "<NA>"),
        ],
    );
    let none = [("k8s.pod.name", "<NA>"), ("k8s.ns.name", "<NA>"), ("k8s.pod.labels", "<NA>")];
    ask(&format!("/docker/{FRONT}"), FRONT, &[("container.type", "docker"), ("container.name", "front"), none[0]]);
    ask(&format!("/libpod_parent/libpod-{PODMAN}"), PODMAN, &[none[1], none[2], ("container.label[a]", "unknown")]);
    ask("/default/web", "web", &[("container.id", "web"), none[0], ("container.label[tier]", "front")]);
}

/// Nothing in these files can end the process, and what is lost for it is said.
#[test]
fn damage_is_survived_and_told() {
    let host = host();
    let mut pending = vec![host.path().to_owned()];
    let mut files = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    assert!(files.len() > 15, "{files:?}");
    let (engines, _) = Engines::of_host(host.path(), &Limits::default()).unwrap();
    let mut random = 1_u64;
    let mut next = |most: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % most
    };
    for file in &files {
        let sound = fs::read(file).unwrap();
        for round in 0..12 {
            let mut bytes = sound.clone();
            match round % 3 {
                0 => bytes.truncate(next(sound.len())),
                1 => bytes[next(sound.len())] ^= 1 << next(8),
                _ => (0..=sound.len() / 100).for_each(|_| bytes[next(sound.len())] = b"\0\"{[9\xff"[next(6)]),
            }
            fs::write(file, bytes).unwrap();
            for id in [WEB, FRONT, PODMAN, "web"] {
                let (container, said) = engines.find(id, Engine::Cri);
                assert_eq!(container.full_id.as_deref(), Some(id));
                assert!(container.name.is_some() && container.image.is_some() || !said.is_empty(), "{file:?} {id}");
            }
        }
        fs::write(file, sound).unwrap();
    }
}
