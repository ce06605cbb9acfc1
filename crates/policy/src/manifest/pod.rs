//! The pod of a workload, with the defaults of the API server.

use super::kinds::PodKind;
use super::object::Object;
use super::quantity::quantity;
use super::reader::{Reader, join};
use sekisho_base::tree::Node;
use sekisho_model::{
    Container, ContainerKind, EnvSource, EnvVar, Exposure, ExposureMethod, Fact, ImageRef, Mount, Port, Propagation,
    Seccomp, Workload,
};
use std::collections::{BTreeMap, HashMap};

/// The workload that `object` makes; none where it says nothing about its pod, which is told.
pub(super) fn workload(object: &Object, kind: &PodKind, reader: &mut Reader<'_>) -> Option<Workload> {
    let template_path = kind.template.join(".");
    let Some(template) = object.node.at(kind.template) else {
        reader.tell(format!("{}: there is no {template_path}", object.title()));
        return None;
    };
    let pod_path = join(&template_path, "spec");
    let Some(pod) = reader.map((template, &template_path), "spec") else {
        reader.tell(format!("{}: there is no {pod_path}", object.title()));
        return None;
    };
    let empty = Node::default();
    let metadata = reader.map((&object.node, ""), "metadata").unwrap_or(&empty);
    let pod_metadata = reader.map((template, &template_path), "metadata").unwrap_or(&empty);
    let metadata_path = join(&template_path, "metadata");
    for name in ["name", "namespace"] {
        // The object has them already; what is no text is to be told.
        reader.text((metadata, "metadata"), name);
    }
    let at = (pod, pod_path.as_str());
    let named = |reader: &mut Reader<'_>, field| reader.text(at, field).filter(|name| !name.is_empty());
    let service_account = named(reader, "serviceAccountName").or_else(|| named(reader, "serviceAccount"));
    let pod_annotations = reader.words((pod_metadata, &metadata_path), "annotations");
    let mut workload = Workload {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        name: object.name.clone(),
        namespace: object.effective_namespace().to_owned(),
        labels: reader.words((metadata, "metadata"), "labels"),
        annotations: reader.words((metadata, "metadata"), "annotations"),
        pod_labels: reader.words((pod_metadata, &metadata_path), "labels"),
        replicas: kind.replicas.map(|(path, default)| {
            let (name, above) = path.split_last().map_or(("", path), |(name, above)| (*name, above));
            let at = object.node.at(above).unwrap_or(&empty);
            reader.whole((at, &above.join(".")), name).unwrap_or(default)
        }),
        service_account: service_account.unwrap_or_else(|| "default".to_owned()),
        automount_token: reader.flag(at, "automountServiceAccountToken").unwrap_or(true),
        host_network: reader.flag(at, "hostNetwork").unwrap_or(false),
        host_pid: reader.flag(at, "hostPID").unwrap_or(false),
        host_ipc: reader.flag(at, "hostIPC").unwrap_or(false),
        runtime_class: reader.text(at, "runtimeClassName"),
        ..Workload::default()
    };
    let context = reader.map(at, "securityContext").unwrap_or(&empty);
    let context_path = join(&pod_path, "securityContext");
    let pod = Pod {
        volumes: volumes(reader, at),
        seccomp: seccomp(reader, (context, &context_path)),
        apparmor: apparmor(reader, (context, &context_path)),
        run_as_non_root: reader.flag((context, &context_path), "runAsNonRoot"),
        run_as_user: reader.whole((context, &context_path), "runAsUser"),
        annotations: &pod_annotations,
        host_network: workload.host_network,
        is_bare: pod_path == "spec",
    };
    let lists = [
        ("initContainers", ContainerKind::Init),
        ("containers", ContainerKind::Regular),
        ("ephemeralContainers", ContainerKind::Ephemeral),
    ];
    for (name, kind) in lists {
        for (index, node) in reader.list(at, name).iter().enumerate() {
            let path = format!("{pod_path}.{name}[{index}]");
            if node.fields().is_empty() {
                reader.refuse(node, &path, "a container");
                continue;
            }
            workload.containers.push(container(reader, &pod, (node, &path), kind));
        }
    }
    workload.pod_path = pod_path;
    workload.pod_annotations = pod_annotations;
    Some(workload)
}

/// What containers take from their pod.
struct Pod<'a> {
    volumes: HashMap<String, Volume>,
    seccomp: Option<Seccomp>,
    apparmor: Option<String>,
    run_as_non_root: Option<bool>,
    run_as_user: Option<i64>,
    annotations: &'a BTreeMap<String, String>,
    host_network: bool,
    /// Whether it is the object itself.
    is_bare: bool,
}

fn container(reader: &mut Reader<'_>, pod: &Pod<'_>, at: (&Node, &str), kind: ContainerKind) -> Container {
    let empty = Node::default();
    let path = at.1;
    let context = reader.map(at, "securityContext").unwrap_or(&empty);
    let security = (context, &*join(path, "securityContext"));
    let capabilities = reader.map(security, "capabilities").unwrap_or(&empty);
    let capabilities = (capabilities, &*join(security.1, "capabilities"));
    let resources = reader.map(at, "resources").unwrap_or(&empty);
    let image = reader.text(at, "image").unwrap_or_default();
    let name = reader.text(at, "name").unwrap_or_default();
    let privileged = reader.flag(security, "privileged").unwrap_or(false);
    let resource = |reader: &mut Reader<'_>, list: &str, name: &str| {
        let path = format!("{path}.resources.{list}");
        let value = reader.map((resources, &path), list)?.get(name)?;
        let found = value.scalar().as_deref().and_then(quantity);
        if found.is_none() {
            reader.refuse(value, &format!("{path}.{name}"), "a quantity");
        }
        found
    };
    let (cpu_limit, memory_limit) = (resource(reader, "limits", "cpu"), resource(reader, "limits", "memory"));
    // The API server gives a pod the requests of its limits; what is made from a template, it gives them later.
    let is_given = pod.is_bare && kind != ContainerKind::Ephemeral;
    let or_limit = |own: Option<f64>, limit: Option<f64>| own.or(limit.filter(|_| is_given));
    let annotated = |prefix: &str| pod.annotations.get(&format!("{prefix}/{name}"));
    Container {
        kind,
        image_ref: ImageRef::familiar(&image).ok(),
        image,
        privileged,
        allow_privilege_escalation: reader.flag(security, "allowPrivilegeEscalation").unwrap_or(true),
        read_only_root: reader.flag(security, "readOnlyRootFilesystem").unwrap_or(false),
        run_as_non_root: reader.flag(security, "runAsNonRoot").or(pod.run_as_non_root),
        run_as_user: reader.whole(security, "runAsUser").or(pod.run_as_user),
        add_capabilities: capability_names(reader.texts(capabilities, "add")),
        drop_capabilities: capability_names(reader.texts(capabilities, "drop")),
        seccomp: seccomp(reader, security).or(pod.seccomp),
        apparmor: apparmor(reader, security)
            .or_else(|| annotated("container.apparmor.security.beta.kubernetes.io").cloned())
            .or_else(|| pod.apparmor.clone()),
        cpu_request: or_limit(resource(reader, "requests", "cpu"), cpu_limit),
        cpu_limit,
        memory_request: or_limit(resource(reader, "requests", "memory"), memory_limit),
        memory_limit,
        liveness_probe: reader.map(at, "livenessProbe").is_some(),
        readiness_probe: reader.map(at, "readinessProbe").is_some(),
        command: reader.texts(at, "command"),
        args: reader.texts(at, "args"),
        env: environment(reader, at),
        ports: ports(reader, at, pod.host_network),
        volumes: mounts(reader, at, pod),
        path: path.to_owned(),
        name,
    }
}

/// The names without `CAP_`, in capitals, as runtimes take them.
fn capability_names(names: Vec<String>) -> Vec<String> {
    let plain = |name: String| {
        let name = name.to_ascii_uppercase();
        name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
    };
    names.into_iter().map(plain).collect()
}

fn seccomp(reader: &mut Reader<'_>, (context, path): (&Node, &str)) -> Option<Seccomp> {
    let profile = reader.map((context, path), "seccompProfile")?;
    let path = join(path, "seccompProfile");
    match reader.text((profile, &path), "type")?.as_str() {
        "Unconfined" => Some(Seccomp::Unconfined),
        "RuntimeDefault" => Some(Seccomp::RuntimeDefault),
        "Localhost" => Some(Seccomp::Localhost),
        other => {
            reader.tell(format!("{path}.type is {other:?}, which is no kind of profile"));
            None
        }
    }
}

fn apparmor(reader: &mut Reader<'_>, (context, path): (&Node, &str)) -> Option<String> {
    let profile = reader.map((context, path), "appArmorProfile")?;
    let path = join(path, "appArmorProfile");
    let at = (profile, path.as_str());
    Some(match reader.text(at, "type")?.as_str() {
        "Unconfined" => "unconfined".to_owned(),
        "RuntimeDefault" => "runtime/default".to_owned(),
        "Localhost" => format!("localhost/{}", reader.text(at, "localhostProfile").unwrap_or_default()),
        other => {
            reader.tell(format!("{path}.type is {other:?}, which is no kind of profile"));
            return None;
        }
    })
}

fn environment(reader: &mut Reader<'_>, at: (&Node, &str)) -> Vec<EnvVar> {
    let mut found = Vec::new();
    for (index, node) in reader.list(at, "env").iter().enumerate() {
        let path = format!("{}.env[{index}]", at.1);
        let name = reader.text((node, &path), "name").unwrap_or_default();
        let value = reader.text((node, &path), "value");
        let from = reader.map((node, &path), "valueFrom").and_then(|from| from.fields().first());
        let (source, value) = match (value, from) {
            (Some(value), _) => (EnvSource::Raw, value),
            (None, None) => (EnvSource::Unset, String::new()),
            (None, Some(from)) => {
                let source = match from.name.as_str() {
                    "secretKeyRef" => EnvSource::SecretKey,
                    "configMapKeyRef" => EnvSource::ConfigMapKey,
                    "fieldRef" => EnvSource::Field,
                    "resourceFieldRef" => EnvSource::ResourceField,
                    _ => EnvSource::Unknown,
                };
                let named = ["name", "fieldPath", "resource"].iter().find_map(|name| from.node.get(name)?.as_str());
                (source, named.unwrap_or_default().to_owned())
            }
        };
        found.push(EnvVar { name, value, source, path });
    }
    for (index, node) in reader.list(at, "envFrom").iter().enumerate() {
        let path = format!("{}.envFrom[{index}]", at.1);
        for (field, source) in [("secretRef", EnvSource::SecretKey), ("configMapRef", EnvSource::ConfigMapKey)] {
            let Some(named) = reader.map((node, &path), field) else { continue };
            let value = reader.text((named, &join(&path, field)), "name").unwrap_or_default();
            let name = reader.text((node, &path), "prefix").unwrap_or_default();
            found.push(EnvVar { name, value, source, path: path.clone() });
        }
    }
    found
}

fn ports(reader: &mut Reader<'_>, at: (&Node, &str), host_network: bool) -> Vec<Port> {
    let mut found = Vec::new();
    for (index, node) in reader.list(at, "ports").iter().enumerate() {
        let path = format!("{}.ports[{index}]", at.1);
        let Some(container_port) = reader.whole((node, &path), "containerPort") else { continue };
        let host_port = reader.whole((node, &path), "hostPort").filter(|port| *port != 0);
        let host_port = host_port.or(host_network.then_some(container_port));
        let name = reader.text((node, &path), "name").unwrap_or_default();
        let protocol = reader.text((node, &path), "protocol").unwrap_or_else(|| "TCP".to_owned());
        let exposures = host_port
            .map(|port| Exposure { method: ExposureMethod::Host, node_port: Some(Fact::Known(port)), by: None })
            .into_iter()
            .collect();
        found.push(Port { name, container_port, protocol, exposures, path });
    }
    found
}

/// A volume of a pod.
#[derive(Debug, Clone, Default)]
struct Volume {
    kind: String,
    /// What it is of.
    source: String,
    path: String,
}

/// The volumes of a pod by name.
fn volumes(reader: &mut Reader<'_>, at: (&Node, &str)) -> HashMap<String, Volume> {
    let mut found = HashMap::new();
    for (index, node) in reader.list(at, "volumes").iter().enumerate() {
        let path = format!("{}.volumes[{index}]", at.1);
        let Some(name) = reader.text((node, &path), "name") else { continue };
        let of = node.fields().iter().find(|field| field.name != "name" && !field.node.is_null());
        let (kind, source) = of.map_or_else(
            // The server takes a volume of nothing for an empty directory.
            || ("EmptyDir".to_owned(), String::new()),
            |of| {
                let source = ["path", "secretName", "claimName", "name", "server", "driver", "reference", "volumeID"];
                let named = source.iter().find_map(|name| of.node.get(name)?.as_str()).unwrap_or_default();
                let named = if of.name == "hostPath" { plain_path(named) } else { named.to_owned() };
                (capitalised(&of.name), named)
            },
        );
        found.insert(name, Volume { kind, source, path });
    }
    found
}

/// A path of a node as the kernel goes it: `//var/./run/` is `/var/run`. The server refuses `..`.
fn plain_path(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let steps: Vec<&str> = path.split('/').filter(|step| !matches!(*step, "" | ".")).collect();
    format!("/{}", steps.join("/"))
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

fn mounts(reader: &mut Reader<'_>, at: (&Node, &str), pod: &Pod<'_>) -> Vec<Mount> {
    let mut found = Vec::new();
    for (index, node) in reader.list(at, "volumeMounts").iter().enumerate() {
        let path = format!("{}.volumeMounts[{index}]", at.1);
        let here = (node, path.as_str());
        let name = reader.text(here, "name").unwrap_or_default();
        let Volume { kind, source, path: of } = pod.volumes.get(&name).cloned().unwrap_or_default();
        let propagation = match reader.text(here, "mountPropagation").as_deref() {
            Some("HostToContainer") => Propagation::HostToContainer,
            Some("Bidirectional") => Propagation::Bidirectional,
            _ => Propagation::None,
        };
        let is_image = kind == "Image";
        found.push(Mount {
            name,
            image_ref: is_image.then(|| ImageRef::familiar(&source).ok()).flatten(),
            image_path: if is_image { format!("{of}.image.reference") } else { String::new() },
            kind,
            source,
            destination: reader.text(here, "mountPath").unwrap_or_default(),
            read_only: reader.flag(here, "readOnly").unwrap_or(false),
            propagation,
            path,
        });
    }
    found
}
