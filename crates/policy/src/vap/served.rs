//! Objects as the API server shows them to a policy: with its defaults, and without what its types leave out.
//!
//! A policy is asked after the server has read an object into its own types, has filled in defaults and has written it
//! again. That decides what `has()` says: `hostNetwork: false` is not there, `resources: {}` is. This is done here for
//! the kinds that make pods, and for those few others that policies are written for; of other kinds that come with
//! Kubernetes only what is nothing is left out, and custom resources stay as they are. The defaults are those of
//! <https://kubernetes.io/docs/reference/kubernetes-api/>.
//!
//! What admission plugins and controllers put in is not made up: tolerations, priorities and the volume with the token of
//! pods, labels that jobs give theirs, addresses of services. Names that are generated, times and identifiers are
//! [`Value::Unknown`].

use crate::cel::{Key, Map, Value};
use crate::manifest::Object;
use crate::manifest::Resource;
use sekisho_base::tree::{self, Field, Node};
use std::sync::Arc;

/// The object as policies see it.
pub(super) fn served(object: &Object, resource: &Resource) -> Value {
    let mut node = object.node.clone();
    if resource.known {
        without_nothing(&mut node);
        defaults(&mut node, object);
    }
    let mut value = Value::from(&node);
    if let Value::Map(fields) = &mut value {
        let fields = Arc::make_mut(fields);
        metadata(fields, object, resource);
        if resource.known {
            only_the_server_knows(fields, object);
        }
    }
    value
}

fn unknown(what: &str) -> Value {
    Value::Unknown(format!("{what} is what the server makes").into())
}

/// What the server puts into the metadata of everything.
fn metadata(fields: &mut Map, object: &Object, resource: &Resource) {
    let metadata = fields.entry(Key::text("metadata")).or_insert_with(|| Value::map([]));
    let Value::Map(metadata) = metadata else { return };
    let metadata = Arc::make_mut(metadata);
    metadata.insert(Key::text("uid"), unknown("the uid"));
    metadata.insert(Key::text("creationTimestamp"), unknown("the time of creation"));
    if object.name.is_empty() {
        metadata.insert(Key::text("name"), unknown("the name"));
    }
    if resource.namespaced {
        metadata.insert(Key::text("namespace"), Value::text(object.effective_namespace()));
    }
    if resource.group.is_empty() && resource.kind == "Namespace" && !object.name.is_empty() {
        let labels = metadata.entry(Key::text("labels")).or_insert_with(|| Value::map([]));
        if let Value::Map(labels) = labels {
            Arc::make_mut(labels).insert(Key::text("kubernetes.io/metadata.name"), Value::text(&object.name));
        }
    }
}

/// Fields that the server sets, whatever is asked for.
fn only_the_server_knows(fields: &mut Map, object: &Object) {
    let status = match (object.group(), &*object.kind) {
        ("", "Pod") => Some(Value::map([("phase", Value::text("Pending")), ("qosClass", unknown("the class"))])),
        ("", "Service") => Some(Value::map([("loadBalancer", Value::map([]))])),
        ("", "ReplicationController") | ("apps" | "extensions" | "batch", _) => Some(Value::map([])),
        _ => None,
    };
    if let Some(status) = status {
        fields.insert(Key::text("status"), status);
    }
    if (object.group(), &*object.kind) == ("", "Secret") && fields.remove(&Key::text("stringData")).is_some() {
        fields.insert(Key::text("data"), unknown("the data, which stringData becomes a part of,"));
    }
}

/// Leaves out what is nothing, and lists without items, which the types of the server write as nothing.
fn without_nothing(node: &mut Node) {
    match &mut node.value {
        tree::Value::Map(fields) => {
            // What these hold is a matter of whoever wrote it.
            const FREE: [&str; 6] = ["annotations", "labels", "data", "stringData", "matchLabels", "nodeSelector"];
            for field in fields.iter_mut() {
                if FREE.contains(&&*field.name) {
                    texts_of_nothing(&mut field.node);
                } else {
                    without_nothing(&mut field.node);
                }
            }
            fields.retain(|field| match &field.node.value {
                tree::Value::Null => false,
                tree::Value::List(items) => !items.is_empty() || matches!(&*field.name, "containers" | "rules"),
                tree::Value::Map(inner) => {
                    !inner.is_empty()
                        || !(FREE.contains(&&*field.name) || matches!(&*field.name, "limits" | "requests"))
                }
                _ => true,
            });
        }
        tree::Value::List(items) => items.iter_mut().for_each(without_nothing),
        _ => {}
    }
}

/// A label without a value has an empty one.
fn texts_of_nothing(node: &mut Node) {
    if let tree::Value::Map(fields) = &mut node.value {
        for field in fields.iter_mut().filter(|field| field.node.is_null()) {
            field.node.value = tree::Value::Text(String::new());
        }
    }
}

fn at<'a>(node: &'a mut Node, names: &[&str]) -> Option<&'a mut Node> {
    names.iter().try_fold(node, |node, name| node.get_mut(name))
}

fn items<'a>(node: &'a mut Node, name: &str) -> &'a mut [Node] {
    match node.get_mut(name).map(|node| &mut node.value) {
        Some(tree::Value::List(items)) => items,
        _ => &mut [],
    }
}

/// What a default is.
#[derive(Clone, Copy)]
enum Filled {
    Text(&'static str),
    Number(i64),
    Flag(bool),
    Empty,
}

use Filled::{Empty, Flag, Number, Text};

impl Filled {
    fn value(self) -> tree::Value {
        match self {
            Text(text) => tree::Value::Text(text.to_owned()),
            Number(number) => tree::Value::Integer(number),
            Flag(value) => tree::Value::Bool(value),
            Empty => tree::Value::Map(Vec::new()),
        }
    }
}

/// Puts a value under `name` where nothing is there, or an empty text.
fn set(node: &mut Node, name: &str, value: tree::Value) {
    let place = node.place;
    let tree::Value::Map(fields) = &mut node.value else { return };
    match fields.iter_mut().find(|field| field.name == name) {
        Some(field) if field.node.as_str() == Some("") => field.node.value = value,
        Some(_) => {}
        None => fields.push(Field { name: name.to_owned(), place, node: Node { value, place }, repeated: false }),
    }
}

fn fill(node: &mut Node, defaults: &[(&str, Filled)]) {
    for (name, default) in defaults {
        set(node, name, default.value());
    }
}

/// Leaves out fields whose types write false, zero and empty texts as nothing.
fn leave_out(node: &mut Node, names: &[&str]) {
    let is_zero = |value: &tree::Value| match value {
        tree::Value::Bool(value) => !value,
        tree::Value::Integer(number) => *number == 0,
        tree::Value::Text(text) => text.is_empty(),
        _ => false,
    };
    if let tree::Value::Map(fields) = &mut node.value {
        fields.retain(|field| !(names.contains(&&*field.name) && is_zero(&field.node.value)));
    }
}

/// The map under `name`, made where there is none.
fn ensured<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    set(node, name, tree::Value::Map(Vec::new()));
    node.get_mut(name)
}

fn text_of<'a>(node: &'a mut Node, names: &[&str]) -> Option<&'a str> {
    at(node, names).and_then(|node| node.as_str())
}

/// Where each kind has the specification of its pods.
fn defaults(node: &mut Node, object: &Object) {
    let template: &[&str] = match (object.group(), &*object.kind) {
        ("", "Pod") => {
            pod_itself(node);
            &["spec"]
        }
        ("", "PodTemplate") => &["template", "spec"],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
        ("", "ReplicationController")
        | ("apps" | "extensions", _)
        | ("apps.openshift.io", "DeploymentConfig")
        | ("batch", "Job") => &["spec", "template", "spec"],
        _ => &[],
    };
    if !template.is_empty()
        && let Some(spec) = at(node, template)
    {
        pod_spec(spec);
    }
    match (object.group(), &*object.kind) {
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => role_binding(node),
        ("", "Secret") => fill(node, &[("type", Text("Opaque"))]),
        ("storage.k8s.io", "StorageClass") => {
            fill(node, &[("reclaimPolicy", Text("Delete")), ("volumeBindingMode", Text("Immediate"))]);
        }
        (group, kind) => {
            if let Some(spec) = node.get_mut("spec") {
                specification(spec, group, kind);
            }
        }
    }
}

fn specification(spec: &mut Node, group: &str, kind: &str) {
    match (group, kind) {
        ("apps" | "extensions", "Deployment") => {
            leave_out(spec, &["paused", "minReadySeconds"]);
            let numbers = [("replicas", Number(1)), ("revisionHistoryLimit", Number(10))];
            fill(spec, &numbers);
            fill(spec, &[("progressDeadlineSeconds", Number(600))]);
            rolling(spec, "strategy", &[("maxUnavailable", Text("25%")), ("maxSurge", Text("25%"))]);
        }
        ("apps" | "extensions", "DaemonSet") => {
            fill(spec, &[("revisionHistoryLimit", Number(10))]);
            rolling(spec, "updateStrategy", &[("maxUnavailable", Number(1)), ("maxSurge", Number(0))]);
        }
        ("apps", "StatefulSet") => {
            fill(spec, &[("replicas", Number(1)), ("revisionHistoryLimit", Number(10))]);
            fill(spec, &[("podManagementPolicy", Text("OrderedReady"))]);
            rolling(spec, "updateStrategy", &[("partition", Number(0))]);
            if let Some(retention) = ensured(spec, "persistentVolumeClaimRetentionPolicy") {
                fill(retention, &[("whenDeleted", Text("Retain")), ("whenScaled", Text("Retain"))]);
            }
        }
        ("apps" | "extensions", "ReplicaSet") | ("", "ReplicationController") => fill(spec, &[("replicas", Number(1))]),
        ("batch", "Job") => job(spec),
        ("batch", "CronJob") => {
            fill(spec, &[("concurrencyPolicy", Text("Allow")), ("suspend", Flag(false))]);
            fill(spec, &[("successfulJobsHistoryLimit", Number(3)), ("failedJobsHistoryLimit", Number(1))]);
        }
        ("", "Service") => service(spec),
        ("", "PersistentVolumeClaim") => fill(spec, &[("resources", Empty), ("volumeMode", Text("Filesystem"))]),
        ("", "PersistentVolume") => {
            fill(spec, &[("persistentVolumeReclaimPolicy", Text("Retain")), ("volumeMode", Text("Filesystem"))]);
        }
        ("autoscaling", "HorizontalPodAutoscaler") => fill(spec, &[("minReplicas", Number(1))]),
        ("networking.k8s.io" | "extensions", "NetworkPolicy") => network_policy(spec),
        _ => {}
    }
}

fn rolling(spec: &mut Node, name: &str, parts: &[(&str, Filled)]) {
    let Some(strategy) = ensured(spec, name) else { return };
    fill(strategy, &[("type", Text("RollingUpdate"))]);
    if text_of(strategy, &["type"]) == Some("RollingUpdate")
        && let Some(rolling) = ensured(strategy, "rollingUpdate")
    {
        fill(rolling, parts);
    }
}

fn job(spec: &mut Node) {
    let unset = |spec: &mut Node, name| spec.get(name).is_none();
    if unset(spec, "completions") && unset(spec, "parallelism") {
        fill(spec, &[("completions", Number(1))]);
    }
    fill(spec, &[("parallelism", Number(1)), ("completionMode", Text("NonIndexed")), ("suspend", Flag(false))]);
    let by_index = spec.get("backoffLimitPerIndex").is_some();
    fill(spec, &[("backoffLimit", Number(if by_index { i64::from(i32::MAX) } else { 6 }))]);
    let replaces = if spec.get("podFailurePolicy").is_some() { "Failed" } else { "TerminatingOrFailed" };
    fill(spec, &[("podReplacementPolicy", Text(replaces))]);
}

fn service(spec: &mut Node) {
    leave_out(spec, &["publishNotReadyAddresses", "externalName", "loadBalancerIP"]);
    fill(spec, &[("sessionAffinity", Text("None")), ("type", Text("ClusterIP"))]);
    let kind = text_of(spec, &["type"]).unwrap_or_default().to_owned();
    if kind != "ExternalName" {
        fill(spec, &[("internalTrafficPolicy", Text("Cluster"))]);
    }
    if matches!(&*kind, "NodePort" | "LoadBalancer") {
        fill(spec, &[("externalTrafficPolicy", Text("Cluster"))]);
    }
    if kind == "LoadBalancer" {
        fill(spec, &[("allocateLoadBalancerNodePorts", Flag(true))]);
    }
    for port in items(spec, "ports") {
        leave_out(port, &["name", "nodePort"]);
        fill(port, &[("protocol", Text("TCP"))]);
        if let Some(number) = port.get_mut("port").map(|number| number.value.clone()) {
            set(port, "targetPort", number);
        }
    }
}

fn network_policy(spec: &mut Node) {
    fill(spec, &[("podSelector", Empty)]);
    let mut types = vec!["Ingress"];
    if spec.get("egress").is_some() {
        types.push("Egress");
    }
    let place = spec.place;
    let types = types.into_iter().map(|name| Node { value: tree::Value::Text(name.to_owned()), place });
    set(spec, "policyTypes", tree::Value::List(types.collect()));
    for direction in ["ingress", "egress"] {
        for rule in items(spec, direction) {
            for port in items(rule, "ports") {
                fill(port, &[("protocol", Text("TCP"))]);
            }
        }
    }
}

fn role_binding(node: &mut Node) {
    const GROUP: Filled = Text("rbac.authorization.k8s.io");
    for subject in items(node, "subjects") {
        if matches!(text_of(subject, &["kind"]), Some("User" | "Group")) {
            fill(subject, &[("apiGroup", GROUP)]);
        }
        leave_out(subject, &["apiGroup", "namespace"]);
    }
    if let Some(role) = node.get_mut("roleRef") {
        fill(role, &[("apiGroup", GROUP)]);
    }
}

/// What pods have that templates of pods have not.
fn pod_itself(node: &mut Node) {
    let Some(spec) = node.get_mut("spec") else { return };
    fill(spec, &[("enableServiceLinks", Flag(true))]);
    let account =
        text_of(spec, &["serviceAccountName"]).or(Some("")).filter(|name| !name.is_empty()).map(str::to_owned);
    let account = account.or_else(|| text_of(spec, &["serviceAccount"]).map(str::to_owned));
    let account = account.unwrap_or_else(|| "default".to_owned());
    set(spec, "serviceAccountName", tree::Value::Text(account));
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            let limits = at(container, &["resources", "limits"]).map(|limits| limits.clone());
            let (Some(limits), Some(resources)) = (limits, container.get_mut("resources")) else { continue };
            if let Some(requests) = ensured(resources, "requests") {
                for limit in limits.fields() {
                    set(requests, &limit.name, limit.node.value.clone());
                }
            }
        }
    }
}

fn pod_spec(spec: &mut Node) {
    leave_out(spec, &["hostNetwork", "hostPID", "hostIPC", "nodeName", "hostname", "subdomain", "priorityClassName"]);
    leave_out(spec, &["serviceAccountName", "serviceAccount"]);
    fill(spec, &[("restartPolicy", Text("Always")), ("terminationGracePeriodSeconds", Number(30))]);
    fill(spec, &[("dnsPolicy", Text("ClusterFirst")), ("schedulerName", Text("default-scheduler"))]);
    fill(spec, &[("securityContext", Empty)]);
    // The older name of the field has the same value.
    let account = text_of(spec, &["serviceAccountName"]).or(None).map(str::to_owned);
    let account = account.or_else(|| text_of(spec, &["serviceAccount"]).map(str::to_owned));
    if let Some(account) = account {
        set(spec, "serviceAccountName", tree::Value::Text(account.clone()));
        if let Some(older) = spec.get_mut("serviceAccount") {
            older.value = tree::Value::Text(account);
        } else {
            set(spec, "serviceAccount", tree::Value::Text(account));
        }
    }
    let host_network = spec.get_mut("hostNetwork").and_then(|node| node.as_bool()) == Some(true);
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for it in items(spec, list) {
            container(it, host_network);
        }
    }
    items(spec, "volumes").iter_mut().for_each(volume);
    if let Some(overhead) = spec.get_mut("overhead") {
        quantities(overhead);
    }
}

fn container(container: &mut Node, host_network: bool) {
    leave_out(container, &["stdin", "stdinOnce", "tty", "workingDir", "image"]);
    fill(container, &[("resources", Empty), ("terminationMessagePath", Text("/dev/termination-log"))]);
    fill(container, &[("terminationMessagePolicy", Text("File"))]);
    let image = text_of(container, &["image"]).unwrap_or_default();
    let pull = if is_latest(image) { "Always" } else { "IfNotPresent" };
    fill(container, &[("imagePullPolicy", Text(pull))]);
    for name in ["limits", "requests"] {
        if let Some(amounts) = at(container, &["resources", name]) {
            quantities(amounts);
        }
    }
    for port in items(container, "ports") {
        leave_out(port, &["name", "hostIP", "hostPort"]);
        fill(port, &[("protocol", Text("TCP"))]);
        if host_network && let Some(number) = port.get_mut("containerPort").map(|number| number.value.clone()) {
            set(port, "hostPort", number);
        }
    }
    for variable in items(container, "env") {
        leave_out(variable, &["value"]);
        if let Some(reference) = at(variable, &["valueFrom", "fieldRef"]) {
            fill(reference, &[("apiVersion", Text("v1"))]);
        }
    }
    for mount in items(container, "volumeMounts") {
        leave_out(mount, &["readOnly", "subPath", "subPathExpr"]);
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name) {
            leave_out(probe, &["initialDelaySeconds"]);
            fill(probe, &[("timeoutSeconds", Number(1)), ("periodSeconds", Number(10))]);
            fill(probe, &[("successThreshold", Number(1)), ("failureThreshold", Number(3))]);
            http(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = at(container, &["lifecycle", hook]) {
            http(hook);
        }
    }
}

fn http(node: &mut Node) {
    if let Some(get) = node.get_mut("httpGet") {
        fill(get, &[("path", Text("/")), ("scheme", Text("HTTP"))]);
    }
}

/// Whether an image is pulled each time unless somebody says otherwise.
fn is_latest(image: &str) -> bool {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => digest.is_empty(),
    }
}

fn volume(volume: &mut Node) {
    let tree::Value::Map(fields) = &volume.value else { return };
    if fields.len() == 1 && fields.iter().all(|field| field.name == "name") {
        fill(volume, &[("emptyDir", Empty)]);
    }
    for name in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(name) {
            fill(source, &[("defaultMode", Number(0o644))]);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        fill(path, &[("type", Text(""))]);
    }
    for name in ["persistentVolumeClaim", "nfs"] {
        if let Some(source) = volume.get_mut(name) {
            leave_out(source, &["readOnly"]);
        }
    }
}

/// Quantities are texts, in as short a form as there is.
fn quantities(node: &mut Node) {
    let tree::Value::Map(fields) = &mut node.value else { return };
    for field in fields {
        let Some(text) = field.node.scalar() else { continue };
        let short = crate::cel::canonical_quantity(&text).unwrap_or_else(|| text.into_owned());
        field.node.value = tree::Value::Text(short);
    }
}
