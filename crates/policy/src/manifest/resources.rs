//! What the API server calls the objects of a kind, and whether they are in namespaces.

use super::Object;
use crate::request::Request;
use sekisho_base::tree::Node;

/// A kind of the API server's own: group, kind, resource, whether in namespaces.
type Known = (&'static str, &'static str, &'static str, bool);

/// Kinds that come with Kubernetes, of all versions that are still met in manifests, and what OpenShift has for workloads.
const KNOWN: [Known; 74] = [
    ("", "Binding", "bindings", true),
    ("", "ConfigMap", "configmaps", true),
    ("", "Endpoints", "endpoints", true),
    ("", "Event", "events", true),
    ("", "LimitRange", "limitranges", true),
    ("", "Namespace", "namespaces", false),
    ("", "Node", "nodes", false),
    ("", "PersistentVolume", "persistentvolumes", false),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("", "Pod", "pods", true),
    ("", "PodTemplate", "podtemplates", true),
    ("", "ReplicationController", "replicationcontrollers", true),
    ("", "ResourceQuota", "resourcequotas", true),
    ("", "Secret", "secrets", true),
    ("", "Service", "services", true),
    ("", "ServiceAccount", "serviceaccounts", true),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "mutatingadmissionpolicies", false),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", false),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", false),
    ("apiregistration.k8s.io", "APIService", "apiservices", false),
    ("apps", "ControllerRevision", "controllerrevisions", true),
    ("apps", "DaemonSet", "daemonsets", true),
    ("apps", "Deployment", "deployments", true),
    ("apps", "ReplicaSet", "replicasets", true),
    ("apps", "StatefulSet", "statefulsets", true),
    ("authentication.k8s.io", "TokenReview", "tokenreviews", false),
    ("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", true),
    ("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews", false),
    ("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews", false),
    ("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", false),
    ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("batch", "CronJob", "cronjobs", true),
    ("batch", "Job", "jobs", true),
    ("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests", false),
    ("certificates.k8s.io", "ClusterTrustBundle", "clustertrustbundles", false),
    ("coordination.k8s.io", "Lease", "leases", true),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices", true),
    ("events.k8s.io", "Event", "events", true),
    ("extensions", "DaemonSet", "daemonsets", true),
    ("extensions", "Deployment", "deployments", true),
    ("extensions", "Ingress", "ingresses", true),
    ("extensions", "NetworkPolicy", "networkpolicies", true),
    ("extensions", "PodSecurityPolicy", "podsecuritypolicies", false),
    ("extensions", "ReplicaSet", "replicasets", true),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas", false),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", "prioritylevelconfigurations", false),
    ("networking.k8s.io", "IPAddress", "ipaddresses", false),
    ("networking.k8s.io", "Ingress", "ingresses", true),
    ("networking.k8s.io", "IngressClass", "ingressclasses", false),
    ("networking.k8s.io", "NetworkPolicy", "networkpolicies", true),
    ("networking.k8s.io", "ServiceCIDR", "servicecidrs", false),
    ("node.k8s.io", "RuntimeClass", "runtimeclasses", false),
    ("policy", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("policy", "PodSecurityPolicy", "podsecuritypolicies", false),
    ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io", "Role", "roles", true),
    ("rbac.authorization.k8s.io", "RoleBinding", "rolebindings", true),
    ("resource.k8s.io", "DeviceClass", "deviceclasses", false),
    ("resource.k8s.io", "ResourceClaim", "resourceclaims", true),
    ("resource.k8s.io", "ResourceClaimTemplate", "resourceclaimtemplates", true),
    ("resource.k8s.io", "ResourceSlice", "resourceslices", false),
    ("scheduling.k8s.io", "PriorityClass", "priorityclasses", false),
    ("storage.k8s.io", "CSIDriver", "csidrivers", false),
    ("apps.openshift.io", "DeploymentConfig", "deploymentconfigs", true),
    ("storage.k8s.io", "CSINode", "csinodes", false),
    ("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities", true),
    ("storage.k8s.io", "StorageClass", "storageclasses", false),
    ("storage.k8s.io", "VolumeAttachment", "volumeattachments", false),
    ("storage.k8s.io", "VolumeAttributesClass", "volumeattributesclasses", false),
];

/// Groups of resources that are the same objects.
const SAME: [(&str, &str, &str); 7] = [
    ("extensions", "apps", "daemonsets"),
    ("extensions", "apps", "deployments"),
    ("extensions", "apps", "replicasets"),
    ("extensions", "networking.k8s.io", "ingresses"),
    ("extensions", "networking.k8s.io", "networkpolicies"),
    ("extensions", "policy", "podsecuritypolicies"),
    ("", "events.k8s.io", "events"),
];

/// What the objects of a kind are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    /// `deployments`
    pub(crate) name: String,
    pub(crate) namespaced: bool,
    /// Whether its fields are known.
    pub(crate) known: bool,
}

/// What definitions of custom resources among given objects say.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    /// Group, kind, resource, whether in namespaces.
    defined: Vec<(String, String, String, bool)>,
}

impl Resources {
    pub(crate) fn of(objects: &[Object]) -> Self {
        let definitions = objects
            .iter()
            .filter(|object| object.group() == "apiextensions.k8s.io" && object.kind == "CustomResourceDefinition");
        let defined = definitions.filter_map(|object| {
            let text = |names: &[&str]| object.node.at(names).and_then(Node::as_str).map(str::to_owned);
            let scope = text(&["spec", "scope"]).unwrap_or_default();
            let names = (text(&["spec", "names", "kind"])?, text(&["spec", "names", "plural"])?);
            Some((text(&["spec", "group"])?, names.0, names.1, scope != "Cluster"))
        });
        Self { defined: defined.collect() }
    }

    /// What objects of a kind are called. A kind that nothing is known of is in namespaces, and its resource is guessed as
    /// Kubernetes itself proposes names: small letters, with `s`, `es` or `ies` at the end.
    pub(crate) fn resource(&self, api_version: &str, kind: &str) -> Resource {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let known = KNOWN.iter().find(|known| known.0 == group && known.1 == kind);
        let defined = self.defined.iter().find(|defined| defined.0 == group && defined.1 == kind);
        let (name, namespaced) = match (known, defined) {
            (Some((.., name, namespaced)), _) => ((*name).to_owned(), *namespaced),
            (None, Some((.., name, namespaced))) => (name.clone(), *namespaced),
            (None, None) => (plural(kind), true),
        };
        let (group, version, kind) = (group.to_owned(), version.to_owned(), kind.to_owned());
        Resource { group, version, kind, name, namespaced, known: known.is_some() }
    }
}

impl Resource {
    /// What a request is about.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        let text = |names: &[&str]| request.text(names).to_owned();
        Self {
            group: text(&["resource", "group"]),
            version: text(&["resource", "version"]),
            kind: text(&["kind", "kind"]),
            name: text(&["resource", "resource"]),
            // Requests about namespaces name one, and namespaces are in none.
            namespaced: !request.text(&["namespace"]).is_empty() && !request.is_of_namespace(),
            known: false,
        }
    }
}

fn plural(kind: &str) -> String {
    let mut name = kind.to_ascii_lowercase();
    if name.ends_with(['s', 'x', 'z']) || name.ends_with("ch") || name.ends_with("sh") {
        name.push_str("es");
    } else if let Some(stem) = name.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        name = format!("{stem}ies");
    } else {
        name.push('s');
    }
    name
}

impl Resource {
    pub(crate) fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }

    /// Its group, and others in which the same objects are.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let others = SAME.iter().filter_map(|(one, other, name)| match () {
            () if *name != self.name => None,
            () if *one == self.group => Some(*other),
            () if *other == self.group => Some(*one),
            () => None,
        });
        std::iter::once(self.group.as_str()).chain(others).collect()
    }

    /// Whether no policy is asked about it, so that policies can always be changed and users be told apart.
    pub(crate) fn is_exempt(&self) -> bool {
        let is_policy = self.group == "admissionregistration.k8s.io" && self.name.contains("admissionpolic");
        let is_review = matches!(&*self.group, "authentication.k8s.io" | "authorization.k8s.io");
        is_policy || is_review
    }
}
