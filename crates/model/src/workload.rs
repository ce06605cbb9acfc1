//! What runs: a workload of Kubernetes with its containers, as policies look at it.
//!
//! Defaults of the API server are filled in, so that a field that is left out means what it means there.

use crate::image_ref::ImageRef;
use std::collections::BTreeMap;

/// Something that may not be known: what nobody asked for is not a failure, what was asked for and cannot be had is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fact<T> {
    /// It is known.
    Known(T),
    /// It was asked for and cannot be had, for this reason.
    Unknown(String),
    /// Nobody asked for it.
    #[default]
    NotAsked,
}

/// A deployment, or whatever else holds or makes pods.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workload {
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    /// The name; empty where the server is to make one.
    pub name: String,
    /// The namespace; `default` where none is named.
    pub namespace: String,
    /// Labels of the workload itself.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the workload itself.
    pub annotations: BTreeMap<String, String>,
    /// Labels of its pods.
    pub pod_labels: BTreeMap<String, String>,
    /// Annotations of its pods.
    pub pod_annotations: BTreeMap<String, String>,
    /// How many pods; none for kinds that have no such number.
    pub replicas: Option<i64>,
    /// The service account; `default` where none is named.
    pub service_account: String,
    /// Whether its token is put into containers.
    pub automount_token: bool,
    /// Whether pods share the node's network.
    pub host_network: bool,
    /// Whether pods share the node's processes.
    pub host_pid: bool,
    /// Whether pods share the node's IPC.
    pub host_ipc: bool,
    /// The runtime class; none for the node's own.
    pub runtime_class: Option<String>,
    /// Where the pod stands in the manifest: `spec.template.spec`.
    pub pod_path: String,
    /// Containers, those that only initialise or debug included.
    pub containers: Vec<Container>,
    /// What its service account may do.
    pub permissions: Fact<Permissions>,
    /// Whether a network policy restricts what may come in.
    pub ingress_policy: Fact<bool>,
    /// Whether a network policy restricts what may go out.
    pub egress_policy: Fact<bool>,
}

/// How much a service account may do, in growing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permissions {
    /// Nothing that is bound to it.
    None,
    /// To read some things in namespaces.
    Default,
    /// To change things, or list all, in namespaces.
    ElevatedInNamespace,
    /// To read or change things in the whole cluster.
    ElevatedClusterWide,
    /// Everything.
    ClusterAdmin,
}

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ContainerKind {
    /// It runs as long as the pod.
    #[default]
    Regular,
    /// It runs before the others, or beside them from before (a sidecar).
    Init,
    /// It was put into a running pod.
    Ephemeral,
}

/// A container of a workload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Container {
    /// The name.
    pub name: String,
    /// What it is for.
    pub kind: ContainerKind,
    /// Where it stands in the manifest: `spec.template.spec.containers[0]`.
    pub path: String,
    /// The image as it is named.
    pub image: String,
    /// The same in full; none where no registry would take the name.
    pub image_ref: Option<ImageRef>,
    /// All of the node's capabilities and devices.
    pub privileged: bool,
    /// Whether a process may get more rights than its parent; unless it is forbidden, it may.
    pub allow_privilege_escalation: bool,
    /// Whether the root file system cannot be written.
    pub read_only_root: bool,
    /// The user it must not run as root by: `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// The user that is set.
    pub run_as_user: Option<i64>,
    /// Capabilities that are added, without `CAP_`.
    pub add_capabilities: Vec<String>,
    /// Capabilities that are dropped, without `CAP_`; `ALL` for all.
    pub drop_capabilities: Vec<String>,
    /// The seccomp profile; none where none is set, which is no profile.
    pub seccomp: Option<Seccomp>,
    /// The `AppArmor` profile as annotations name it: `runtime/default`, `localhost/NAME`, `unconfined`; none where none is
    /// set.
    pub apparmor: Option<String>,
    /// Cores that are asked for; none where nothing is said.
    pub cpu_request: Option<f64>,
    /// Cores at most.
    pub cpu_limit: Option<f64>,
    /// Bytes of memory that are asked for.
    pub memory_request: Option<f64>,
    /// Bytes of memory at most.
    pub memory_limit: Option<f64>,
    /// Whether there is a liveness probe.
    pub liveness_probe: bool,
    /// Whether there is a readiness probe.
    pub readiness_probe: bool,
    /// The command, where it is not the image's.
    pub command: Vec<String>,
    /// The arguments, where they are not the image's.
    pub args: Vec<String>,
    /// Environment variables, those of whole config maps and secrets included.
    pub env: Vec<EnvVar>,
    /// Ports that are declared.
    pub ports: Vec<Port>,
    /// Volumes that are mounted.
    pub volumes: Vec<Mount>,
}

/// The kind of a seccomp profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seccomp {
    /// None.
    Unconfined,
    /// The container runtime's own.
    RuntimeDefault,
    /// A file on the node.
    Localhost,
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvVar {
    /// The name.
    pub name: String,
    /// The value, where it stands in the manifest; else the name of what holds it.
    pub value: String,
    /// Where the value comes from.
    pub source: EnvSource,
    /// Where it stands in the manifest.
    pub path: String,
}

/// Where the value of an environment variable comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EnvSource {
    /// It stands in the manifest.
    #[default]
    Raw,
    /// Nothing is said.
    Unset,
    /// A secret.
    SecretKey,
    /// A config map.
    ConfigMapKey,
    /// A field of the pod.
    Field,
    /// A resource of the container.
    ResourceField,
    /// Something else.
    Unknown,
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Port {
    /// The name; empty where none is given.
    pub name: String,
    /// The number in the container.
    pub container_port: i64,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// How it can be reached from elsewhere.
    pub exposures: Vec<Exposure>,
    /// Where it stands in the manifest.
    pub path: String,
}

/// A way to a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// From where.
    pub method: ExposureMethod,
    /// The port on the node, where it is one; unknown where the cluster is to choose it.
    pub node_port: Option<Fact<i64>>,
    /// The service or route that does it; none for a port of the host.
    pub by: Option<String>,
}

/// From where a port can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExposureMethod {
    /// Within the cluster.
    Internal,
    /// On a port of the node that the container takes.
    Host,
    /// On a port of every node.
    Node,
    /// By a route or ingress.
    Route,
    /// By a load balancer.
    External,
}

/// A volume in a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// The volume's name.
    pub name: String,
    /// The kind: `HostPath`, `EmptyDir`, `Secret`, `ConfigMap`, `PersistentVolumeClaim` and so on, the field of the manifest
    /// with a capital; `Image` for one of an image.
    pub kind: String,
    /// What it is of: the path on the node, the name of the secret, of the config map or of the claim.
    pub source: String,
    /// The path in the container.
    pub destination: String,
    /// Whether it cannot be written.
    pub read_only: bool,
    /// How mounts below it propagate.
    pub propagation: Propagation,
    /// The image that it is of, in full; none where it is of no image, or no registry would take the name.
    pub image_ref: Option<ImageRef>,
    /// Where the name of that image stands in the manifest: `spec.volumes[0].image.reference`; empty where it is of none.
    pub image_path: String,
    /// Where it stands in the manifest.
    pub path: String,
}

impl Mount {
    /// Whether it is of an image.
    pub fn is_image(&self) -> bool {
        self.kind == "Image"
    }
}

/// An image as a workload names it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedImage<'a> {
    /// The name as it is written.
    pub name: &'a str,
    /// The same in full; none where no registry would take the name.
    pub reference: Option<&'a ImageRef>,
    /// Where the name stands in the manifest.
    pub path: String,
}

impl<'a> NamedImage<'a> {
    fn of(container: &'a Container) -> Self {
        let path = format!("{}.image", container.path);
        Self { name: &container.image, reference: container.image_ref.as_ref(), path }
    }
}

impl Workload {
    /// The images that it names: those of its containers in their order, then those of volumes that a container mounts,
    /// each once. What none mounts nobody reads.
    pub fn images(&self) -> Vec<NamedImage<'_>> {
        let mut images: Vec<NamedImage<'_>> = self.containers.iter().map(NamedImage::of).collect();
        let first = images.len();
        for mount in self.containers.iter().flat_map(|it| &it.volumes).filter(|mount| mount.is_image()) {
            if images[first..].iter().all(|image| image.name != mount.source) {
                let reference = mount.image_ref.as_ref();
                images.push(NamedImage { name: &mount.source, reference, path: mount.image_path.clone() });
            }
        }
        images
    }
}

/// How mounts below a volume propagate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Propagation {
    /// Not.
    #[default]
    None,
    /// From the node into the container.
    HostToContainer,
    /// Both ways.
    Bidirectional,
}
