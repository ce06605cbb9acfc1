//! The table of criteria.

use super::{Criterion, Grammar, Level};

const fn of(level: Level, name: &'static str, grammar: Grammar) -> Criterion {
    Criterion { name, level, grammar, negatable: false, several: false, inverted: false }
}

impl Criterion {
    const fn many(self) -> Self {
        Self { several: true, ..self }
    }

    const fn not(self) -> Self {
        Self { negatable: true, ..self }
    }

    const fn inverted(self) -> Self {
        Self { inverted: true, ..self }
    }
}

const PERMISSIONS: &[&str] = &["DEFAULT", "ELEVATED_IN_NAMESPACE", "ELEVATED_CLUSTER_WIDE", "CLUSTER_ADMIN"];
const EXPOSURE: &[&str] = &["UNSET", "EXTERNAL", "NODE", "HOST", "INTERNAL", "ROUTE"];
const SEVERITIES: &[&str] = &["UNKNOWN", "LOW", "MODERATE", "IMPORTANT", "CRITICAL"];
const FILE_OPERATIONS: &[&str] =
    &["OPEN", "CREATE", "RENAME", "UNLINK", "OWNERSHIP_CHANGE", "PERMISSION_CHANGE", "XATTR_CHANGE"];
const RESOURCES: &[&str] = &[
    "SECRETS",
    "CONFIGMAPS",
    "CLUSTER_ROLES",
    "CLUSTER_ROLE_BINDINGS",
    "NETWORK_POLICIES",
    "SECURITY_CONTEXT_CONSTRAINTS",
    "EGRESS_FIREWALLS",
    "PODS_EXEC",
    "PODS_PORTFORWARD",
    "PODS_ATTACH",
];

/// All criteria, sorted by name.
pub static CRITERIA: [Criterion; 79] = [
    of(Level::Container, "Add Capabilities", Grammar::Capability { all: false }).many(),
    of(Level::Container, "Allow Privilege Escalation", Grammar::Flag),
    of(Level::Container, "AppArmor Profile", Grammar::Regex).not().many(),
    of(Level::Workload, "Automount Service Account Token", Grammar::Flag),
    of(Level::Vulnerability, "CVE", Grammar::Regex).not().many(),
    of(Level::Vulnerability, "CVSS", Grammar::Number).many(),
    of(Level::Container, "Container CPU Limit", Grammar::Number).many(),
    of(Level::Container, "Container CPU Request", Grammar::Number).many(),
    of(Level::Container, "Container Memory Limit", Grammar::Number).many(),
    of(Level::Container, "Container Memory Request", Grammar::Number).many(),
    of(Level::Container, "Container Name", Grammar::Regex).not().many(),
    of(Level::Vulnerability, "Days Since CVE Fix Was Available", Grammar::Days),
    of(Level::Vulnerability, "Days Since CVE Was First Discovered In Image", Grammar::Days),
    of(Level::Vulnerability, "Days Since CVE Was First Discovered In System", Grammar::Days),
    of(Level::Vulnerability, "Days Since CVE Was Published", Grammar::Days),
    of(Level::Workload, "Disallowed Annotation", Grammar::Pair).many(),
    of(Level::Image, "Disallowed Image Label", Grammar::Pair).many(),
    of(Level::Line, "Dockerfile Line", Grammar::Line).many(),
    of(Level::Container, "Drop Capabilities", Grammar::Capability { all: true }).many().inverted(),
    of(Level::Env, "Environment Variable", Grammar::EnvVar).many(),
    of(Level::Exposure, "Exposed Node Port", Grammar::Number).not().many(),
    of(Level::Port, "Exposed Port", Grammar::Number).not().many(),
    of(Level::Port, "Exposed Port Protocol", Grammar::Text).not().many(),
    of(Level::File, "File Operation", Grammar::Word(FILE_OPERATIONS)).not().many(),
    of(Level::File, "File Path", Grammar::Glob).many(),
    of(Level::Vulnerability, "Fixable", Grammar::Flag),
    of(Level::Vulnerability, "Fixed By", Grammar::Present).not().many(),
    of(Level::Workload, "Has Egress Network Policy", Grammar::Flag).not(),
    of(Level::Workload, "Has Ingress Network Policy", Grammar::Flag).not(),
    of(Level::Workload, "Host IPC", Grammar::Flag),
    of(Level::Workload, "Host Network", Grammar::Flag),
    of(Level::Workload, "Host PID", Grammar::Flag),
    of(Level::Image, "Image Age", Grammar::Days),
    of(Level::Component, "Image Component", Grammar::Pair).many(),
    of(Level::Image, "Image OS", Grammar::Regex).not().many(),
    of(Level::Image, "Image Registry", Grammar::Regex).not().many(),
    of(Level::Image, "Image Remote", Grammar::Regex).not().many(),
    of(Level::Image, "Image Scan Age", Grammar::Days),
    of(Level::Image, "Image Signature Verified By", Grammar::Text).many().inverted(),
    of(Level::Image, "Image Tag", Grammar::Regex).not().many(),
    of(Level::Image, "Image User", Grammar::Regex).not().many(),
    of(Level::Request, "Is Impersonated User", Grammar::Flag),
    of(Level::Request, "Kubernetes API Verb", Grammar::Word(&["CREATE", "DELETE", "GET", "PATCH", "UPDATE"])).many(),
    of(Level::Request, "Kubernetes Resource", Grammar::Word(RESOURCES)).many(),
    of(Level::Request, "Kubernetes Resource Name", Grammar::Regex).not().many(),
    of(Level::Request, "Kubernetes User Groups", Grammar::Regex).not().many(),
    of(Level::Request, "Kubernetes User Name", Grammar::Regex).not().many(),
    of(Level::Container, "Liveness Probe Defined", Grammar::Flag),
    of(Level::Workload, "Minimum RBAC Permissions", Grammar::AtLeast(PERMISSIONS)).not(),
    of(Level::Volume, "Mount Propagation", Grammar::Word(&["NONE", "HOSTTOCONTAINER", "BIDIRECTIONAL"])).not().many(),
    of(Level::Vulnerability, "NVD CVSS", Grammar::Number).many(),
    of(Level::Workload, "Namespace", Grammar::Regex).not().many(),
    of(Level::Port, "Port Exposure Method", Grammar::Word(EXPOSURE)).not().many(),
    of(Level::Container, "Privileged Container", Grammar::Flag),
    of(Level::Process, "Process Ancestor", Grammar::Regex).not().many(),
    of(Level::Process, "Process Arguments", Grammar::Contains).not().many(),
    of(Level::Process, "Process Name", Grammar::Regex).not().many(),
    of(Level::Process, "Process UID", Grammar::Number).not().many(),
    of(Level::Container, "Read-Only Root Filesystem", Grammar::Flag),
    of(Level::Container, "Readiness Probe Defined", Grammar::Flag).not(),
    of(Level::Workload, "Replicas", Grammar::Number).not().many(),
    of(Level::Workload, "Required Annotation", Grammar::Pair).many().inverted(),
    of(Level::Image, "Required Image Label", Grammar::Pair).many().inverted(),
    of(Level::Workload, "Required Label", Grammar::Pair).many().inverted(),
    of(Level::Workload, "Runtime Class", Grammar::Regex).not().many(),
    of(Level::Container, "Seccomp Profile Type", Grammar::Word(&["UNCONFINED", "RUNTIME_DEFAULT", "LOCALHOST"])).not(),
    of(Level::Workload, "Service Account", Grammar::Regex).not().many(),
    of(Level::Vulnerability, "Severity", Grammar::Ordered(SEVERITIES)).many(),
    of(Level::Request, "Source IP Address", Grammar::Address).not().many(),
    of(Level::Flow, "Unexpected Network Flow Detected", Grammar::Flag),
    of(Level::Process, "Unexpected Process Executed", Grammar::Flag),
    of(Level::Image, "Unscanned Image", Grammar::Flag),
    of(Level::Request, "User Agent", Grammar::Regex).not().many(),
    of(Level::Volume, "Volume Destination", Grammar::Regex).not().many(),
    of(Level::Volume, "Volume Name", Grammar::Regex).not().many(),
    of(Level::Volume, "Volume Source", Grammar::Regex).not().many(),
    of(Level::Volume, "Volume Type", Grammar::Regex).not().many(),
    of(Level::Volume, "Writable Host Mount", Grammar::Flag),
    of(Level::Volume, "Writable Mounted Volume", Grammar::Flag),
];
