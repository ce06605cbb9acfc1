//! What other objects say of a workload: how it can be reached, what restricts its network, what it may do.
//!
//! What was given decides: a network policy or a role that is elsewhere is not seen.

use super::object::Object;
use sekisho_base::tree::Node;
use sekisho_model::{ContainerKind, Exposure, ExposureMethod, Fact, Permissions, Port, Workload};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The objects that say something of others, by what they are.
pub(super) struct Surroundings<'a> {
    services: Selectors<'a, Service<'a>>,
    network_policies: Selectors<'a, &'a Node>,
    /// What bindings grant, or why that is not known.
    bindings: Vec<Result<Permissions, String>>,
    bound: HashMap<Bearer<'a>, Vec<usize>>,
}

/// Whom a binding is about, as far as a service account can be among them.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Bearer<'a> {
    /// One, by namespace and name.
    Account(&'a str, &'a str),
    /// All of a namespace.
    Namespace(&'a str),
    Everyone,
}

/// What selects pods of its namespace by their labels, so that each pod is compared only with what wants one of its own.
#[derive(Debug)]
struct Selectors<'a, T> {
    all: Vec<T>,
    /// By namespace and the first label that is wanted.
    by_label: HashMap<(&'a str, &'a str, Cow<'a, str>), Vec<usize>>,
    /// Those that want none in particular, by namespace.
    by_none: HashMap<&'a str, Vec<usize>>,
}

impl<'a, T> Selectors<'a, T> {
    fn new() -> Self {
        Self { all: Vec::new(), by_label: HashMap::new(), by_none: HashMap::new() }
    }

    fn add(&mut self, namespace: &'a str, wanted: Option<&'a Node>, selector: T) {
        let number = self.all.len();
        self.all.push(selector);
        let first = wanted.and_then(|wanted| wanted.fields().first());
        let label = first.and_then(|field| Some((namespace, field.name.as_str(), field.node.scalar()?)));
        match label {
            Some(label) => self.by_label.entry(label).or_default().push(number),
            None => self.by_none.entry(namespace).or_default().push(number),
        }
    }

    /// What may select pods with these labels, in the order in which it came.
    fn candidates(&self, namespace: &str, labels: &BTreeMap<String, String>) -> impl Iterator<Item = &T> {
        let keys = labels.iter().map(|(name, value)| (namespace, name.as_str(), Cow::Borrowed(value.as_str())));
        let labelled = keys.filter_map(|key| self.by_label.get(&key)).flatten();
        let mut numbers: Vec<usize> =
            self.by_none.get(namespace).into_iter().flatten().chain(labelled).copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|number| self.all.get(number))
    }
}

/// The services that a route of the Gateway API leads to, with their namespaces.
fn gateway_services<'a>(route: &'a Node, namespace: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let rules = route.at(&["spec", "rules"]).map(Node::items).unwrap_or_default();
    let backends = rules.iter().flat_map(|rule| rule.get("backendRefs").map(Node::items).unwrap_or_default());
    backends.filter_map(move |backend| {
        let text = |name: &str| backend.get(name).and_then(Node::as_str);
        let is_service = text("group").unwrap_or_default().is_empty() && text("kind").unwrap_or("Service") == "Service";
        is_service.then_some((text("namespace").unwrap_or(namespace), text("name")?))
    })
}

#[derive(Debug)]
struct Service<'a> {
    object: &'a Object,
    methods: Vec<ExposureMethod>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn of(objects: &'a [Object]) -> Self {
        let mut found = Self {
            services: Selectors::new(),
            network_policies: Selectors::new(),
            bindings: Vec::new(),
            bound: HashMap::new(),
        };
        let (mut roles, mut bindings) = (Roles::new(), Vec::new());
        // Namespace and service by the routes and ingresses that lead to it.
        let mut routed: HashSet<(&str, &str)> = HashSet::new();
        for object in objects {
            let namespace = object.effective_namespace();
            match (object.group(), object.kind.as_str()) {
                ("" | "route.openshift.io", "Route") => {
                    let spec = |name: &str| object.node.at(&["spec", name]);
                    let others = spec("alternateBackends").map(Node::items).unwrap_or_default();
                    let named = spec("to").into_iter().chain(others).filter_map(|to| to.get("name")?.as_str());
                    routed.extend(named.map(|to| (namespace, to)));
                }
                ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute") => {
                    routed.extend(gateway_services(&object.node, namespace));
                }
                ("networking.k8s.io" | "extensions", "Ingress") => {
                    routed.extend(ingress_services(&object.node).map(|to| (namespace, to)));
                }
                ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
                    if let Some(spec) = object.node.get("spec") {
                        found.network_policies.add(namespace, spec.at(&["podSelector", "matchLabels"]), spec);
                    }
                }
                ("rbac.authorization.k8s.io", "Role") => {
                    roles.insert((namespace, &object.name), object);
                }
                ("rbac.authorization.k8s.io", "ClusterRole") => {
                    roles.insert(("", &object.name), object);
                }
                ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => bindings.push(object),
                _ => {}
            }
        }
        for object in objects.iter().filter(|object| object.group().is_empty() && object.kind == "Service") {
            let mut methods = match object.node.at(&["spec", "type"]).and_then(Node::as_str).unwrap_or("ClusterIP") {
                "LoadBalancer" => vec![ExposureMethod::External],
                "NodePort" => vec![ExposureMethod::Node],
                "ClusterIP" => vec![ExposureMethod::Internal],
                _ => Vec::new(),
            };
            let external =
                object.node.at(&["spec", "externalIPs"]).is_some_and(|addresses| !addresses.items().is_empty());
            if external && !methods.contains(&ExposureMethod::External) {
                methods.push(ExposureMethod::External);
            }
            if routed.contains(&(object.effective_namespace(), object.name.as_str())) {
                methods.push(ExposureMethod::Route);
            }
            let selector = object.node.at(&["spec", "selector"]);
            found.services.add(object.effective_namespace(), selector, Service { object, methods });
        }
        for binding in bindings {
            let number = found.bindings.len();
            found.bindings.push(granted_by(binding, &roles));
            let subjects = binding.node.get("subjects").map(Node::items).unwrap_or_default();
            for bearer in subjects.iter().filter_map(|subject| bearer(subject, binding)) {
                found.bound.entry(bearer).or_default().push(number);
            }
        }
        found
    }

    pub(super) fn apply(&self, workload: &mut Workload) {
        let namespace = workload.namespace.clone();
        let services: Vec<_> = self.services.candidates(&namespace, &workload.pod_labels).collect();
        for service in services {
            service.expose(workload);
        }
        let [mut ingress, mut egress] = [false, false];
        for spec in self.network_policies.candidates(&namespace, &workload.pod_labels) {
            let selector = spec.get("podSelector");
            if !selects(selector, &workload.pod_labels) {
                continue;
            }
            let types = spec.get("policyTypes").map(Node::items).unwrap_or_default();
            let named = |name: &str| types.iter().any(|kind| kind.as_str() == Some(name));
            // Without a word, ingress is meant, and egress where there is a rule for it.
            ingress |= types.is_empty() || named("Ingress");
            egress |= if types.is_empty() { spec.get("egress").is_some() } else { named("Egress") };
        }
        workload.ingress_policy = Fact::Known(ingress);
        workload.egress_policy = Fact::Known(egress);
        workload.permissions = self.permissions(workload);
    }

    /// What is bound to the workload's service account. A role that is not among the objects, and none that every cluster
    /// has, leaves it open.
    fn permissions(&self, workload: &Workload) -> Fact<Permissions> {
        let (namespace, account) = (workload.namespace.as_str(), workload.service_account.as_str());
        let bearers = [Bearer::Account(namespace, account), Bearer::Namespace(namespace), Bearer::Everyone];
        let mut numbers: Vec<usize> = bearers.iter().filter_map(|it| self.bound.get(it)).flatten().copied().collect();
        numbers.sort_unstable();
        let granted = || numbers.iter().filter_map(|number| self.bindings.get(*number));
        let highest = granted().flatten().copied().max().unwrap_or(Permissions::None);
        match granted().find_map(|granted| granted.as_ref().err()) {
            // More than everything cannot be granted.
            Some(why) if highest < Permissions::ClusterAdmin => Fact::Unknown(why.clone()),
            _ => Fact::Known(highest),
        }
    }
}

impl Service<'_> {
    /// Says of each port of the workload that this service leads to how that can be reached.
    fn expose(&self, workload: &mut Workload) {
        let object = self.object;
        let selector = object.node.at(&["spec", "selector"]);
        let selected =
            selector.is_some_and(|selector| !selector.fields().is_empty() && has_all(selector, &workload.pod_labels));
        if !selected {
            return;
        }
        let spec = |name: &str| object.node.at(&["spec", name]);
        let is_opened = match spec("type").and_then(Node::as_str) {
            Some("NodePort") => true,
            Some("LoadBalancer") => spec("allocateLoadBalancerNodePorts").and_then(Node::as_bool) != Some(false),
            _ => false,
        };
        for port in object.node.at(&["spec", "ports"]).map(Node::items).unwrap_or_default() {
            let protocol = port.get("protocol").and_then(Node::as_str).unwrap_or("TCP");
            let target = port.get("targetPort").filter(|target| !target.is_null()).or_else(|| port.get("port"));
            let Some(target) = target else { continue };
            let chosen = port.get("nodePort").and_then(Node::as_i64).filter(|port| *port != 0);
            let chosen = chosen.map(Fact::Known).or_else(|| {
                is_opened.then(|| Fact::Unknown(format!("the cluster chooses the node port of {}", object.title())))
            });
            let exposures = self.methods.iter().map(|method| Exposure {
                method: *method,
                node_port: chosen.clone(),
                by: Some(object.title()),
            });
            let exposures: Vec<Exposure> = exposures.collect();
            let fits = |own: &Port| {
                own.protocol == protocol
                    && (Some(own.container_port) == target.as_i64()
                        || (!own.name.is_empty() && Some(own.name.as_str()) == target.as_str()))
            };
            let mut declared = false;
            for own in workload.containers.iter_mut().flat_map(|container| &mut container.ports) {
                if fits(own) {
                    own.exposures.extend(exposures.iter().cloned());
                    declared = true;
                }
            }
            // A port need not be declared to be reached.
            let mut regular = workload.containers.iter_mut().filter(|it| it.kind == ContainerKind::Regular);
            if let (false, Some(number), Some(container)) = (declared, target.as_i64(), regular.next()) {
                let path = container.path.clone();
                let protocol = protocol.to_owned();
                container.ports.push(Port { name: String::new(), container_port: number, protocol, exposures, path });
            }
        }
    }
}

/// The services that an ingress leads to, in all versions of its form.
fn ingress_services(node: &Node) -> impl Iterator<Item = &str> {
    let rules = node.at(&["spec", "rules"]).map(Node::items).unwrap_or_default();
    let paths = rules.iter().flat_map(|rule| rule.at(&["http", "paths"]).map(Node::items).unwrap_or_default());
    let backends = paths.filter_map(|path| path.get("backend"));
    let default = ["defaultBackend", "backend"].into_iter().filter_map(|name| node.at(&["spec", name]));
    backends.chain(default).filter_map(|backend| {
        backend.at(&["service", "name"]).or_else(|| backend.get("serviceName")).and_then(Node::as_str)
    })
}

/// Whether a label selector selects these labels; one that is empty or not there selects all.
fn selects(selector: Option<&Node>, labels: &BTreeMap<String, String>) -> bool {
    let Some(selector) = selector else { return true };
    let equal = selector.get("matchLabels").is_none_or(|wanted| has_all(wanted, labels));
    let expressions = selector.get("matchExpressions").map(Node::items).unwrap_or_default();
    equal
        && expressions.iter().all(|expression| {
            let text = |name: &str| expression.get(name).and_then(Node::as_str).unwrap_or_default();
            let value = labels.get(text("key"));
            let values = expression.get("values").map(Node::items).unwrap_or_default();
            let listed = value.is_some_and(|value| values.iter().any(|item| item.as_str() == Some(value)));
            match text("operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

fn has_all(wanted: &Node, labels: &BTreeMap<String, String>) -> bool {
    wanted.fields().iter().all(|field| {
        let value = field.node.scalar();
        labels.get(&field.name).is_some_and(|label| value.as_deref() == Some(label.as_str()))
    })
}

/// Roles by namespace and name; those of the cluster have no namespace.
type Roles<'a> = HashMap<(&'a str, &'a str), &'a Object>;

/// What a binding grants to whom it binds, or why that is not known.
fn granted_by(binding: &Object, roles: &Roles<'_>) -> Result<Permissions, String> {
    let text = |name: &str| binding.node.at(&["roleRef", name]).and_then(Node::as_str).unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    let namespace = if kind == "ClusterRole" { "" } else { binding.effective_namespace() };
    let granted = match (roles.get(&(namespace, name)), name) {
        (Some(role), _) if role.node.get("aggregationRule").is_some_and(|rule| !rule.is_null()) => {
            return Err(format!("the {kind} {name} is put together from others"));
        }
        (Some(role), _) => Granted::of(&role.node),
        (None, "cluster-admin") if kind == "ClusterRole" => Granted::ALL,
        (None, "admin" | "edit") if kind == "ClusterRole" => Granted { writes: true, reads: true, ..Granted::NONE },
        (None, "view") if kind == "ClusterRole" => Granted { reads: true, ..Granted::NONE },
        (None, _) => return Err(format!("the {kind} {name} is not among the objects")),
    };
    Ok(granted.level(binding.kind == "ClusterRoleBinding"))
}

/// Which service accounts a subject of a binding is, if any.
fn bearer<'a>(subject: &'a Node, binding: &'a Object) -> Option<Bearer<'a>> {
    let text = |name: &str| subject.get(name).and_then(Node::as_str).unwrap_or_default();
    let name = text("name");
    match text("kind") {
        "ServiceAccount" => {
            // The server demands the namespace; manifests that leave it out mean their own.
            let namespace = text("namespace");
            let namespace = if namespace.is_empty() { binding.effective_namespace() } else { namespace };
            Some(Bearer::Account(namespace, name))
        }
        "Group" if matches!(name, "system:authenticated" | "system:serviceaccounts") => Some(Bearer::Everyone),
        "Group" => name.strip_prefix("system:serviceaccounts:").map(Bearer::Namespace),
        "User" => {
            let (namespace, name) = name.strip_prefix("system:serviceaccount:")?.split_once(':')?;
            Some(Bearer::Account(namespace, name))
        }
        _ => None,
    }
}

/// What the rules of a role allow, as far as levels of permission ask.
#[derive(Clone, Copy)]
struct Granted {
    everything: bool,
    writes: bool,
    lists_all: bool,
    reads: bool,
}

impl Granted {
    const NONE: Self = Self { everything: false, writes: false, lists_all: false, reads: false };
    const ALL: Self = Self { everything: true, writes: true, lists_all: true, reads: true };

    fn of(role: &Node) -> Self {
        let mut granted = Self::NONE;
        for rule in role.get("rules").map(Node::items).unwrap_or_default() {
            let has = |name: &str, wanted: &dyn Fn(&str) -> bool| {
                let items = rule.get(name).map(Node::items).unwrap_or_default();
                items.iter().any(|item| item.as_str().is_some_and(wanted))
            };
            // Addresses of the server that are no resources read and change nothing.
            if !has("resources", &|_| true) {
                continue;
            }
            let all = |name: &str| has(name, &|item| item == "*");
            let unnamed = rule.get("resourceNames").is_none_or(|names| names.items().is_empty());
            granted.everything |= unnamed && all("verbs") && all("resources") && all("apiGroups");
            granted.writes |= has("verbs", &|verb| {
                matches!(
                    verb,
                    "*" | "create"
                        | "update"
                        | "patch"
                        | "delete"
                        | "deletecollection"
                        | "bind"
                        | "escalate"
                        | "impersonate"
                )
            });
            granted.reads |= has("verbs", &|verb| matches!(verb, "*" | "get" | "list" | "watch"));
            granted.lists_all |= unnamed && all("resources") && has("verbs", &|verb| matches!(verb, "*" | "list"));
        }
        granted
    }

    fn level(self, cluster_wide: bool) -> Permissions {
        match (cluster_wide, self) {
            (true, Self { everything: true, .. }) => Permissions::ClusterAdmin,
            (true, Self { writes: true, .. } | Self { reads: true, .. }) => Permissions::ElevatedClusterWide,
            (false, Self { writes: true, .. } | Self { lists_all: true, .. }) => Permissions::ElevatedInNamespace,
            (false, Self { reads: true, .. }) => Permissions::Default,
            _ => Permissions::None,
        }
    }
}
