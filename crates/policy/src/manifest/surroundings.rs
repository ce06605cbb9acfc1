//! What other objects say of a workload: how it can be reached, what restricts its network, what it may do.
//!
//! What was given decides: a network policy or a role that is elsewhere is not seen.

use super::object::Object;
use sekisho_base::tree::Node;
use sekisho_model::{ContainerKind, Exposure, ExposureMethod, Fact, Permissions, Port, Workload};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The objects that say something of others, by what they are.
pub(super) struct Surroundings<'a> {
    /// By namespace, as all that is namespaced.
    services: HashMap<&'a str, Vec<Service<'a>>>,
    network_policies: HashMap<&'a str, Vec<&'a Node>>,
    roles: HashMap<(&'a str, &'a str), &'a Object>,
    bindings: Vec<&'a Object>,
}

struct Service<'a> {
    object: &'a Object,
    methods: Vec<ExposureMethod>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn of(objects: &'a [Object]) -> Self {
        let mut found = Self {
            services: HashMap::new(),
            network_policies: HashMap::new(),
            roles: HashMap::new(),
            bindings: Vec::new(),
        };
        // Namespace and service by the routes and ingresses that lead to it.
        let mut routed: HashSet<(&str, &str)> = HashSet::new();
        for object in objects {
            let namespace = object.effective_namespace();
            match (object.group(), object.kind.as_str()) {
                ("" | "route.openshift.io", "Route") => {
                    let to = object.node.at(&["spec", "to", "name"]).and_then(Node::as_str);
                    routed.extend(to.map(|to| (namespace, to)));
                }
                ("networking.k8s.io" | "extensions", "Ingress") => {
                    routed.extend(ingress_services(&object.node).map(|to| (namespace, to)));
                }
                ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
                    found.network_policies.entry(namespace).or_default().extend(object.node.get("spec"));
                }
                ("rbac.authorization.k8s.io", "Role") => {
                    found.roles.insert((namespace, &object.name), object);
                }
                ("rbac.authorization.k8s.io", "ClusterRole") => {
                    found.roles.insert(("", &object.name), object);
                }
                ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => found.bindings.push(object),
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
            let namespace = object.effective_namespace();
            found.services.entry(namespace).or_default().push(Service { object, methods });
        }
        found
    }

    pub(super) fn apply(&self, workload: &mut Workload) {
        let namespace = workload.namespace.clone();
        for service in self.services.get(namespace.as_str()).into_iter().flatten() {
            service.expose(workload);
        }
        let [mut ingress, mut egress] = [false, false];
        for spec in self.network_policies.get(namespace.as_str()).into_iter().flatten() {
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
        let mut highest = Permissions::None;
        let mut missing = None;
        for binding in &self.bindings {
            let subjects = binding.node.get("subjects").map(Node::items).unwrap_or_default();
            if !subjects.iter().any(|subject| is_of(subject, workload, binding)) {
                continue;
            }
            let text = |name: &str| binding.node.at(&["roleRef", name]).and_then(Node::as_str).unwrap_or_default();
            let (kind, name) = (text("kind"), text("name"));
            let cluster_wide = binding.kind == "ClusterRoleBinding";
            let namespace = if kind == "ClusterRole" { "" } else { binding.effective_namespace() };
            let granted = match (self.roles.get(&(namespace, name)), name) {
                (Some(role), _) if role.node.get("aggregationRule").is_some_and(|rule| !rule.is_null()) => {
                    missing.get_or_insert_with(|| format!("the {kind} {name} is put together from others"));
                    continue;
                }
                (Some(role), _) => Granted::of(&role.node),
                (None, "cluster-admin") if kind == "ClusterRole" => Granted::ALL,
                (None, "admin" | "edit") if kind == "ClusterRole" => {
                    Granted { writes: true, reads: true, ..Granted::NONE }
                }
                (None, "view") if kind == "ClusterRole" => Granted { reads: true, ..Granted::NONE },
                (None, _) => {
                    missing.get_or_insert_with(|| format!("the {kind} {name} is not among the objects"));
                    continue;
                }
            };
            highest = highest.max(granted.level(cluster_wide));
        }
        match missing {
            // More than everything cannot be granted.
            Some(why) if highest < Permissions::ClusterAdmin => Fact::Unknown(why),
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
        for port in object.node.at(&["spec", "ports"]).map(Node::items).unwrap_or_default() {
            let protocol = port.get("protocol").and_then(Node::as_str).unwrap_or("TCP");
            let target = port.get("targetPort").filter(|target| !target.is_null()).or_else(|| port.get("port"));
            let Some(target) = target else { continue };
            let exposures = self.methods.iter().map(|method| Exposure {
                method: *method,
                node_port: port.get("nodePort").and_then(Node::as_i64).filter(|port| *port != 0),
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

/// Whether a subject of a binding is the workload's service account, or a group that it is in.
fn is_of(subject: &Node, workload: &Workload, binding: &Object) -> bool {
    let text = |name: &str| subject.get(name).and_then(Node::as_str).unwrap_or_default();
    match text("kind") {
        "ServiceAccount" => {
            // The server demands the namespace; manifests that leave it out mean their own.
            let namespace = text("namespace");
            let namespace = if namespace.is_empty() { binding.effective_namespace() } else { namespace };
            text("name") == workload.service_account && namespace == workload.namespace
        }
        "Group" => {
            let name = text("name");
            let own = name.strip_prefix("system:serviceaccounts:");
            matches!(name, "system:authenticated" | "system:serviceaccounts") || own == Some(&workload.namespace)
        }
        "User" => {
            let own = format!("system:serviceaccount:{}:{}", workload.namespace, workload.service_account);
            text("name") == own
        }
        _ => false,
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
