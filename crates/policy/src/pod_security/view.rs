//! What the checks look at in a pod, read once, with the defaults of the API server; what it would refuse is told.

use crate::manifest::{PodTemplate, Reader};
use sekisho_base::tree::{Field, Node, Value};
use sekisho_model::Diagnostic;

/// Annotations that name `AppArmor` profiles; what follows is a container.
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
/// The annotation that names the pod's seccomp profile.
pub(super) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// Annotations that name seccomp profiles; what follows is a container.
pub(super) const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// Volumes that every level allows.
pub(super) const SOURCES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// Volumes that the highest level does not allow.
pub(super) const RESTRICTED_SOURCES: [&str; 21] = [
    HOST_PATH,
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];
pub(super) const HOST_PATH: &str = "hostPath";

/// How much that is wrong with one pod is told.
const TOLD: usize = 100;

/// A pod.
pub(super) struct View<'a> {
    pod: PodTemplate<'a>,
    annotations: &'a [Field],
    pub(super) host_network: bool,
    pub(super) host_pid: bool,
    pub(super) host_ipc: bool,
    /// Whether it is in a user namespace of its own: `hostUsers` is false.
    pub(super) own_users: bool,
    /// Whether it says that it is for Windows.
    pub(super) windows: bool,
    pub(super) context: Context<'a>,
    /// The names of sysctls, in their order.
    pub(super) sysctls: Vec<&'a str>,
    /// The volumes, in their order.
    pub(super) volumes: Vec<Volume<'a>>,
    /// Init containers, containers, ephemeral containers: the order of the server's messages.
    pub(super) containers: Vec<Container<'a>>,
}

/// What a pod and a container can both say in `securityContext`.
pub(super) struct Context<'a> {
    pub(super) run_as_non_root: Option<bool>,
    pub(super) run_as_user: Option<i64>,
    /// The type of the profile, empty where it has none; none where there is no profile. The same below.
    pub(super) seccomp: Option<&'a str>,
    pub(super) app_armor: Option<&'a str>,
    pub(super) selinux: Selinux<'a>,
    pub(super) host_process: bool,
}

/// What is not said is empty.
#[derive(Clone, Copy)]
pub(super) struct Selinux<'a> {
    pub(super) kind: &'a str,
    pub(super) user: &'a str,
    pub(super) role: &'a str,
}

pub(super) struct Volume<'a> {
    pub(super) name: &'a str,
    /// None where it is no map.
    node: Option<&'a Node>,
}

pub(super) struct Container<'a> {
    pub(super) name: &'a str,
    /// The list that it is in: `initContainers`.
    pub(super) list: &'static str,
    pub(super) index: usize,
    pub(super) context: Context<'a>,
    pub(super) privileged: bool,
    pub(super) allow_privilege_escalation: Option<bool>,
    pub(super) proc_mount: Option<&'a str>,
    add: &'a [Node],
    drop: &'a [Node],
    /// Ports of the node, each with the index of the port.
    pub(super) host_ports: Vec<(usize, i64)>,
    /// Hosts that probes and hooks name, each with its path in the pod.
    pub(super) hosts: Vec<(String, &'a str)>,
}

impl<'a> View<'a> {
    /// The path in the object of what `path` is in the pod.
    pub(super) fn path(&self, path: &str) -> String {
        self.pod.path(path)
    }

    /// The annotations whose names begin with `prefix`: the rest of the name, and the value.
    pub(super) fn annotations(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.annotations.iter().filter_map(move |field| {
            let rest = field.name.strip_prefix(prefix)?;
            // The server takes nothing for an empty text; anything else was told.
            if field.node.is_null() { Some((rest, "")) } else { Some((rest, field.node.as_str()?)) }
        })
    }
}

impl<'a> Container<'a> {
    /// The names of capabilities that are added, each with its index.
    pub(super) fn added(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.add.iter().enumerate().filter_map(|(index, name)| Some((index, name.as_str()?)))
    }

    /// The names of capabilities that are dropped.
    pub(super) fn dropped(&self) -> impl Iterator<Item = &'a str> {
        self.drop.iter().filter_map(Node::as_str)
    }
}

impl Volume<'_> {
    /// Whether it is of this kind.
    pub(super) fn is(&self, source: &str) -> bool {
        self.node.and_then(|node| node.get(source)).is_some_and(|source| !source.is_null())
    }

    /// Whether nothing says what it is of, which the server takes for an empty directory.
    pub(super) fn is_bare(&self) -> bool {
        let fields = self.node.map(Node::fields).unwrap_or_default();
        fields.iter().all(|field| field.name == "name" || field.node.is_null())
    }
}

/// What is to be looked at in `pod`, unless it is none at all, and what is wrong with it.
pub(super) fn read<'a>(pod: &PodTemplate<'a>) -> (Option<View<'a>>, Vec<Diagnostic>) {
    let mut source = Source { pod: *pod, reader: Reader::of(pod.object) };
    let view = source.view();
    (view, source.reader.diagnostics)
}

/// A value and the way to it: a path costs nothing until something is wrong there.
struct At<'a, 'p> {
    /// None where nothing is there.
    node: Option<&'a Node>,
    above: Option<&'p At<'a, 'p>>,
    step: Step,
}

enum Step {
    Name(&'static str),
    Index(usize),
}

impl<'a> At<'a, '_> {
    fn field<'p>(&'p self, name: &'static str) -> At<'a, 'p> {
        let node = self.node.and_then(|node| node.get(name)).filter(|node| !node.is_null());
        At { node, above: Some(self), step: Step::Name(name) }
    }

    /// The items of what is known to be a list, or nothing.
    fn items<'p>(&'p self) -> impl Iterator<Item = (usize, At<'a, 'p>)> {
        let items = self.node.map(Node::items).unwrap_or_default();
        let item = |(index, node)| (index, At { node: Some(node), above: Some(self), step: Step::Index(index) });
        items.iter().enumerate().map(item)
    }

    /// The path from the pod.
    fn path(&self) -> String {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(here) = at {
            steps.push(&here.step);
            at = here.above;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path.extend([".", name]),
                Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
            }
        }
        path
    }
}

struct Source<'a> {
    pod: PodTemplate<'a>,
    reader: Reader<'a>,
}

impl<'a> Source<'a> {
    fn view(&mut self) -> Option<View<'a>> {
        let pod = self.pod;
        let top = |node: Option<&'a Node>, name| At {
            node: node.filter(|node| !node.is_null()),
            above: None,
            step: Step::Name(name),
        };
        let spec = top(pod.spec, "spec");
        if spec.node.is_none() {
            self.reader.tell(format!("{}: there is no {}", pod.object.title(), pod.path("spec")));
        }
        let spec = self.map_at(spec);
        spec.node?;
        let metadata = self.map_at(top(pod.metadata, "metadata"));
        let os = self.map(&spec, "os");
        let windows = self.text(&os, "name") == Some("windows");
        let host_network = self.flag(&spec, "hostNetwork").unwrap_or(false);
        let security = self.map(&spec, "securityContext");
        let mut containers = Vec::new();
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            // The server takes the ports of such a pod for the node's; debugging comes after that.
            let on_node = host_network && list != "ephemeralContainers";
            let all = self.list(&spec, list);
            if list == "containers" && all.items().next().is_none() {
                self.tell(format!("{}: there is nothing in {}", pod.object.title(), pod.path("spec.containers")));
            }
            for (index, at) in all.items() {
                let at = self.map_at(at);
                if at.node.is_some() {
                    containers.push(self.container(&at, list, index, windows, on_node));
                }
            }
        }
        Some(View {
            pod,
            annotations: self.annotations(&metadata),
            host_network,
            host_pid: self.flag(&spec, "hostPID").unwrap_or(false),
            host_ipc: self.flag(&spec, "hostIPC").unwrap_or(false),
            own_users: self.flag(&spec, "hostUsers") == Some(false),
            windows,
            context: self.context(&security, windows),
            sysctls: self.sysctls(&security),
            volumes: self.volumes(&spec),
            containers,
        })
    }

    fn annotations(&mut self, metadata: &At<'a, '_>) -> &'a [Field] {
        let annotations = self.map(metadata, "annotations");
        let fields = annotations.node.map(Node::fields).unwrap_or_default();
        for Field { name, node, .. } in fields {
            let is_read = [APP_ARMOR, SECCOMP_POD, SECCOMP_CONTAINER].iter().any(|prefix| name.starts_with(prefix));
            if is_read && !node.is_null() && node.as_str().is_none() {
                self.refuse(node, &format!("{}[{name}]", annotations.path()), "a text");
            }
        }
        fields
    }

    fn context(&mut self, security: &At<'a, '_>, windows: bool) -> Context<'a> {
        let selinux = self.map(security, "seLinuxOptions");
        let windows_options = self.map(security, "windowsOptions");
        let seccomp = self.profile(security, "seccompProfile");
        if windows && seccomp.is_some() {
            self.not_for_windows(&security.field("seccompProfile"));
        }
        Context {
            run_as_non_root: self.flag(security, "runAsNonRoot"),
            run_as_user: self.whole(security, "runAsUser"),
            seccomp,
            app_armor: self.profile(security, "appArmorProfile"),
            selinux: Selinux {
                kind: self.text(&selinux, "type").unwrap_or_default(),
                user: self.text(&selinux, "user").unwrap_or_default(),
                role: self.text(&selinux, "role").unwrap_or_default(),
            },
            host_process: self.flag(&windows_options, "hostProcess").unwrap_or(false),
        }
    }

    /// The type of a profile.
    fn profile(&mut self, security: &At<'a, '_>, name: &'static str) -> Option<&'a str> {
        let profile = self.map(security, name);
        profile.node?;
        Some(self.text(&profile, "type").unwrap_or_default())
    }

    fn sysctls(&mut self, security: &At<'a, '_>) -> Vec<&'a str> {
        let mut names = Vec::new();
        for (_, at) in self.list(security, "sysctls").items() {
            let at = self.map_at(at);
            names.push(self.text(&at, "name").unwrap_or_default());
        }
        names
    }

    fn volumes(&mut self, spec: &At<'a, '_>) -> Vec<Volume<'a>> {
        let mut volumes = Vec::new();
        for (_, at) in self.list(spec, "volumes").items() {
            let at = self.map_at(at);
            for source in SOURCES.iter().chain(&RESTRICTED_SOURCES) {
                self.map(&at, source);
            }
            let name = self.text(&at, "name").unwrap_or_default();
            volumes.push(Volume { name, node: at.node });
        }
        volumes
    }

    fn container(
        &mut self,
        at: &At<'a, '_>,
        list: &'static str,
        index: usize,
        windows: bool,
        on_node: bool,
    ) -> Container<'a> {
        let security = self.map(at, "securityContext");
        let capabilities = self.map(&security, "capabilities");
        let allow_privilege_escalation = self.flag(&security, "allowPrivilegeEscalation");
        if windows {
            self.not_for_windows(&capabilities);
            self.not_for_windows(&security.field("allowPrivilegeEscalation"));
        }
        Container {
            name: self.text(at, "name").unwrap_or_default(),
            list,
            index,
            context: self.context(&security, windows),
            privileged: self.flag(&security, "privileged").unwrap_or(false),
            allow_privilege_escalation,
            proc_mount: self.text(&security, "procMount"),
            add: self.texts(&capabilities, "add"),
            drop: self.texts(&capabilities, "drop"),
            host_ports: self.host_ports(at, on_node),
            hosts: self.hosts(at),
        }
    }

    fn host_ports(&mut self, container: &At<'a, '_>, on_node: bool) -> Vec<(usize, i64)> {
        let mut ports = Vec::new();
        for (index, at) in self.list(container, "ports").items() {
            let at = self.map_at(at);
            let given = self.whole(&at, "hostPort").filter(|port| *port != 0);
            let port = given.or_else(|| self.whole(&at, "containerPort").filter(|port| on_node && *port != 0));
            ports.extend(port.map(|port| (index, port)));
        }
        ports
    }

    fn hosts(&mut self, container: &At<'a, '_>) -> Vec<(String, &'a str)> {
        let mut hosts = Vec::new();
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let handler = self.map(container, probe);
            self.hosts_of(&handler, &mut hosts);
        }
        let lifecycle = self.map(container, "lifecycle");
        for hook in ["postStart", "preStop"] {
            let handler = self.map(&lifecycle, hook);
            self.hosts_of(&handler, &mut hosts);
        }
        hosts
    }

    fn hosts_of(&mut self, handler: &At<'a, '_>, hosts: &mut Vec<(String, &'a str)>) {
        for action in ["httpGet", "tcpSocket"] {
            let action = self.map(handler, action);
            if let Some(host) = self.text(&action, "host").filter(|host| !host.is_empty()) {
                hosts.push((action.field("host").path(), host));
            }
        }
    }

    /// What is exempt from checks in pods for Windows, since the server refuses it there.
    fn not_for_windows(&mut self, at: &At<'a, '_>) {
        if let Some(node) = at.node {
            let (title, path) = (self.pod.object.title(), self.pod.path(&at.path()));
            self.tell(format!("{title}, line {}: {path} cannot be set in a pod for Windows", node.place.line));
        }
    }

    fn flag(&mut self, above: &At<'a, '_>, name: &'static str) -> Option<bool> {
        self.read(&above.field(name), "true or false", Node::as_bool)
    }

    fn text(&mut self, above: &At<'a, '_>, name: &'static str) -> Option<&'a str> {
        self.read(&above.field(name), "a text", Node::as_str)
    }

    fn whole(&mut self, above: &At<'a, '_>, name: &'static str) -> Option<i64> {
        self.read(&above.field(name), "a whole number", Node::as_i64)
    }

    fn map<'p>(&mut self, above: &'p At<'a, 'p>, name: &'static str) -> At<'a, 'p> {
        self.map_at(above.field(name))
    }

    /// The same place, with nothing there that is no map.
    fn map_at<'p>(&mut self, at: At<'a, 'p>) -> At<'a, 'p> {
        let is_map = |node: &'a Node| matches!(node.value, Value::Map(_)).then_some(node);
        At { node: self.read(&at, "a map", is_map), ..at }
    }

    fn list<'p>(&mut self, above: &'p At<'a, 'p>, name: &'static str) -> At<'a, 'p> {
        let at = above.field(name);
        let is_list = |node: &'a Node| matches!(node.value, Value::List(_)).then_some(node);
        At { node: self.read(&at, "a list", is_list), ..at }
    }

    fn texts(&mut self, above: &At<'a, '_>, name: &'static str) -> &'a [Node] {
        let list = self.list(above, name);
        for (_, at) in list.items() {
            self.read(&at, "a text", Node::as_str);
        }
        list.node.map(Node::items).unwrap_or_default()
    }

    fn read<T>(&mut self, at: &At<'a, '_>, wanted: &str, read: impl FnOnce(&'a Node) -> Option<T>) -> Option<T> {
        let node = at.node?;
        let found = read(node);
        if found.is_none() && self.is_told() {
            self.refuse(node, &at.path(), wanted);
        }
        found
    }

    /// Whether one more thing that is wrong is worth saying.
    fn is_told(&self) -> bool {
        self.reader.diagnostics.len() < TOLD
    }

    fn refuse(&mut self, node: &Node, path: &str, wanted: &str) {
        if self.is_told() {
            self.reader.refuse(node, &self.pod.path(path), wanted);
        }
    }

    fn tell(&mut self, message: String) {
        if self.is_told() {
            self.reader.tell(message);
        }
    }
}
