//! The kinds of objects that make pods, and where each has its pod.

use super::object::Object;
use super::reader::join;
use sekisho_base::tree::Node;

/// A kind of object that makes pods.
#[derive(Debug)]
pub(super) struct PodKind {
    /// The API group; empty for the core.
    group: &'static str,
    kind: &'static str,
    /// Where the template of the pod is; empty where the object is the pod.
    pub(super) template: &'static [&'static str],
    /// Where the number of pods is, and what it is where nothing is said; none where there is no such number.
    pub(super) replicas: Option<(&'static [&'static str], i64)>,
}

const fn kind(
    group: &'static str,
    kind: &'static str,
    template: &'static [&'static str],
    replicas: Option<(&'static [&'static str], i64)>,
) -> PodKind {
    PodKind { group, kind, template, replicas }
}

const REPLICAS: Option<(&[&str], i64)> = Some((&["spec", "replicas"], 1));

/// All of them. Older groups are those in which the kind was before.
static KINDS: [PodKind; 21] = [
    kind("", "Pod", &[], None),
    kind("", "PodTemplate", &["template"], None),
    kind("", "ReplicationController", &["spec", "template"], REPLICAS),
    kind("apps", "Deployment", &["spec", "template"], REPLICAS),
    kind("apps", "StatefulSet", &["spec", "template"], REPLICAS),
    kind("apps", "ReplicaSet", &["spec", "template"], REPLICAS),
    kind("apps", "DaemonSet", &["spec", "template"], None),
    kind("extensions", "Deployment", &["spec", "template"], REPLICAS),
    kind("extensions", "ReplicaSet", &["spec", "template"], REPLICAS),
    kind("extensions", "DaemonSet", &["spec", "template"], None),
    kind("batch", "Job", &["spec", "template"], Some((&["spec", "parallelism"], 1))),
    kind("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"], None),
    kind("apps.openshift.io", "DeploymentConfig", &["spec", "template"], REPLICAS),
    kind("", "DeploymentConfig", &["spec", "template"], REPLICAS),
    kind("argoproj.io", "Rollout", &["spec", "template"], REPLICAS),
    kind("serving.knative.dev", "Service", &["spec", "template"], None),
    kind("serving.knative.dev", "Configuration", &["spec", "template"], None),
    kind("serving.knative.dev", "Revision", &[], None),
    kind("apps.kruise.io", "CloneSet", &["spec", "template"], REPLICAS),
    kind("apps.kruise.io", "StatefulSet", &["spec", "template"], REPLICAS),
    kind("apps.kruise.io", "DaemonSet", &["spec", "template"], None),
];

impl PodKind {
    /// The kind of `object`, where it makes pods.
    pub(super) fn of(object: &Object) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.kind == object.kind && kind.group == object.group())
    }
}

/// The pod that an object is or makes, as it stands in the manifest.
#[derive(Debug, Clone, Copy)]
pub struct PodTemplate<'a> {
    /// The object.
    pub object: &'a Object,
    /// The pod's `metadata`, whatever is there.
    pub metadata: Option<&'a Node>,
    /// The pod's `spec`, whatever is there.
    pub spec: Option<&'a Node>,
    /// Where the two are.
    above: &'static [&'static str],
}

impl<'a> PodTemplate<'a> {
    /// The pod of `object`; none where its kind makes no pods.
    pub fn of(object: &'a Object) -> Option<Self> {
        let above = PodKind::of(object)?.template;
        let pod = object.node.at(above);
        let part = |name| pod.and_then(|pod| pod.get(name));
        Some(Self { object, metadata: part("metadata"), spec: part("spec"), above })
    }

    /// The path in the object of what `path` is in the pod: `spec.hostPID` is `spec.template.spec.hostPID` in a
    /// Deployment.
    pub fn path(&self, path: &str) -> String {
        join(&self.above.join("."), path)
    }
}
