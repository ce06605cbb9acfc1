//! The table of criteria.

use super::{Criterion, Grammar, Level};

const fn of(level: Level, name: &'static str, grammar: Grammar, meaning: &'static str) -> Criterion {
    Criterion {
        name,
        level,
        grammar,
        meaning,
        negatable: false,
        several: false,
        inverted: false,
        is_ours: false,
        later: None,
    }
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

    const fn ours(self) -> Self {
        Self { is_ours: true, ..self }
    }

    const fn later(self, why: &'static str) -> Self {
        Self { later: Some(why), ..self }
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

const LICENSE_CLASSES: &[&str] =
    &["PERMISSIVE", "WEAK_COPYLEFT", "STRONG_COPYLEFT", "NETWORK_COPYLEFT", "OTHER", "NONE"];

// Why nobody can answer yet.
const FIXED: &str = "no advisory that is read says when a fix was there first";
const HISTORY: &str = "scans are not kept yet";
const MALWARE: &str = "images are not searched for malware yet";
const SECRETS: &str = "images are not searched for secrets yet";
const SIGNATURES: &str = "signatures are not verified yet";

/// All criteria, sorted by name: 79 of `StackRox`, and ours.
pub static CRITERIA: [Criterion; 99] = [
    of(Level::Container, "Add Capabilities", Grammar::Capability { all: false }, "capabilities that the container gets beyond those of the runtime").many(),
    of(Level::Container, "Allow Privilege Escalation", Grammar::Flag, "whether processes may get more rights than their parent; unless it is forbidden, they may"),
    of(Level::Container, "AppArmor Profile", Grammar::Regex, "the AppArmor profile: `runtime/default`, `localhost/NAME`, `unconfined`; nothing where none is set").not().many(),
    of(Level::Workload, "Automount Service Account Token", Grammar::Flag, "whether the token of the service account is put into containers"),
    of(Level::Image, "Base Image", Grammar::Regex, "the name of the image it was built on, as its layers or a label tell: `docker.io/library/debian:12`").not().many().ours(),
    of(Level::Vulnerability, "CVE", Grammar::Regex, "the id of a vulnerability: a CVE where there is one").not().many(),
    of(Level::Vulnerability, "CVSS", Grammar::Number, "its CVSS base score by whoever ships the package, else by NVD").many(),
    of(Level::Container, "Container CPU Limit", Grammar::Number, "cores at most; 0 where no limit is set").many(),
    of(Level::Container, "Container CPU Request", Grammar::Number, "cores that are asked for; 0 where none are").many(),
    of(Level::Container, "Container Command", Grammar::Contains, "command and arguments in the manifest, with blanks between; nothing where those of the image are meant").many().ours(),
    of(Level::Container, "Container Memory Limit", Grammar::Number, "MiB of memory at most; 0 where no limit is set").many(),
    of(Level::Container, "Container Memory Request", Grammar::Number, "MiB of memory that are asked for; 0 where none are").many(),
    of(Level::Container, "Container Name", Grammar::Regex, "the name of the container").not().many(),
    of(Level::Vulnerability, "Days Since CVE Fix Was Available", Grammar::Days, "for how many days a version without it is known").later(FIXED),
    of(Level::Vulnerability, "Days Since CVE Was First Discovered In Image", Grammar::Days, "for how many days it is known to be in the image").later(HISTORY),
    of(Level::Vulnerability, "Days Since CVE Was First Discovered In System", Grammar::Days, "for how many days it is known to be in any image").later(HISTORY),
    of(Level::Vulnerability, "Days Since CVE Was Known Exploited", Grammar::Days, "for how many days it is known to be exploited (CISA KEV)").ours(),
    of(Level::Vulnerability, "Days Since CVE Was Published", Grammar::Days, "for how many days it is published"),
    of(Level::Workload, "Disallowed Annotation", Grammar::Pair, "an annotation that the workload has").many(),
    of(Level::Image, "Disallowed Image Label", Grammar::Pair, "a label that the image has").many(),
    of(Level::Line, "Dockerfile Line", Grammar::Line, "an instruction that the image was built by, with the rest of its line, as its history has it").many(),
    of(Level::Container, "Drop Capabilities", Grammar::Capability { all: true }, "holds where the container does not drop them").many().inverted(),
    of(Level::Vulnerability, "EPSS", Grammar::Number, "how likely it is to be exploited within 30 days, 0 to 1").many().ours(),
    of(Level::Image, "End-of-Life OS", Grammar::Flag, "whether its distribution has ended the security updates that everybody gets").ours(),
    of(Level::Env, "Environment Variable", Grammar::EnvVar, "an environment variable that the manifest sets, where its value comes from, and that value").many(),
    of(Level::Exposure, "Exposed Node Port", Grammar::Number, "a port of the node that leads to a port of the workload").not().many(),
    of(Level::Port, "Exposed Port", Grammar::Number, "a port that a container declares").not().many(),
    of(Level::Port, "Exposed Port Protocol", Grammar::Text, "`tcp`, `udp` or `sctp`").not().many(),
    of(Level::File, "File Operation", Grammar::Word(FILE_OPERATIONS), "what is done to a file: opened to be written, made, renamed, removed, its owner or its mode set").not().many(),
    of(Level::File, "File Path", Grammar::Glob, "the path of the file as the process sees it; of a rename either").many(),
    of(Level::Vulnerability, "Fixable", Grammar::Flag, "whether a version without it exists"),
    of(Level::Vulnerability, "Fixed By", Grammar::Present, "the first version without it").not().many(),
    of(Level::Workload, "Has Egress Network Policy", Grammar::Flag, "whether a network policy restricts what goes out").not(),
    of(Level::Workload, "Has Ingress Network Policy", Grammar::Flag, "whether a network policy restricts what comes in").not(),
    of(Level::Workload, "Host IPC", Grammar::Flag, "whether pods share the IPC of their node"),
    of(Level::Workload, "Host Network", Grammar::Flag, "whether pods share the network of their node"),
    of(Level::Workload, "Host PID", Grammar::Flag, "whether pods see the processes of their node"),
    of(Level::Image, "Image Age", Grammar::Days, "for how many days the image is built"),
    of(Level::Image, "Image Command", Grammar::Contains, "entrypoint and command of the image, with blanks between").not().many().ours(),
    of(Level::Component, "Image Component", Grammar::Pair, "a package in the image, and its version").many(),
    of(Level::Image, "Image Environment Variable", Grammar::Pair, "an environment variable that the image sets").many().ours(),
    of(Level::Image, "Image Exposed Port", Grammar::Regex, "a port that the image says it listens on: `22/tcp`").many().ours(),
    of(Level::Image, "Image Health Check Defined", Grammar::Flag, "whether the image says how to find out that it works").ours(),
    of(Level::Image, "Image Named By Digest", Grammar::Flag, "whether the name has a digest, so that it always means the same image").ours(),
    of(Level::Image, "Image OS", Grammar::Regex, "the distribution: `debian:12`").not().many(),
    of(Level::Image, "Image Registry", Grammar::Regex, "the registry that the image's name names: `docker.io`").not().many(),
    of(Level::Image, "Image Remote", Grammar::Regex, "the repository there: `library/nginx`").not().many(),
    of(Level::Image, "Image Scan Age", Grammar::Days, "how many days ago the image was scanned"),
    of(Level::Image, "Image Signature Verified By", Grammar::Signer, "holds where none of these signers' signatures was verified").many().inverted().later(SIGNATURES),
    of(Level::Image, "Image Tag", Grammar::Regex, "the tag; `latest` where nothing is said, nothing where only a digest is").not().many(),
    of(Level::Image, "Image User", Grammar::Regex, "the user that the image runs as; `root` where it names none").not().many(),
    of(Level::Image, "Image Volume", Grammar::Regex, "a path that the image makes a volume").many().ours(),
    of(Level::Request, "Is Impersonated User", Grammar::Flag, "whether somebody acts in another's name"),
    of(Level::Vulnerability, "Known Exploited", Grammar::Flag, "whether it is known to be exploited (CISA KEV)").ours(),
    of(Level::Request, "Kubernetes API Verb", Grammar::Word(&["CREATE", "DELETE", "GET", "PATCH", "UPDATE"]), "what is asked of the API server; what removes many at once is `DELETE` too").many(),
    of(Level::Request, "Kubernetes Resource", Grammar::Word(RESOURCES), "about what kind of thing it is asked; `PODS_EXEC`, `PODS_ATTACH` and `PODS_PORTFORWARD` also at admission").many(),
    of(Level::Request, "Kubernetes Resource Name", Grammar::Regex, "the name of that thing").not().many(),
    of(Level::Request, "Kubernetes User Groups", Grammar::Regex, "a group of who asks").not().many(),
    of(Level::Request, "Kubernetes User Name", Grammar::Regex, "who asks").not().many(),
    of(Level::Component, "License", Grammar::Regex, "an SPDX id that has to be kept to use the package: of `MIT OR GPL-3.0-only` neither has to; turned round, holds where none of these is enough").not().many().ours(),
    of(Level::Component, "License Class", Grammar::Word(LICENSE_CLASSES), "the same by what licences ask for; `NONE` where the package states no licence").not().many().ours(),
    of(Level::Container, "Liveness Probe Defined", Grammar::Flag, "whether the container has a liveness probe"),
    of(Level::Image, "Malware Found", Grammar::Regex, "what a malware scan found, by the name it gives it").many().ours().later(MALWARE),
    of(Level::Workload, "Minimum RBAC Permissions", Grammar::AtLeast(PERMISSIONS), "what its service account may do, from this on").not(),
    of(Level::Volume, "Mount Propagation", Grammar::Word(&["NONE", "HOSTTOCONTAINER", "BIDIRECTIONAL"]), "where mounts below the volume are seen").not().many(),
    of(Level::Vulnerability, "NVD CVSS", Grammar::Number, "its CVSS base score by NVD").many(),
    of(Level::Workload, "Namespace", Grammar::Regex, "the namespace; `default` where none is named").not().many(),
    of(Level::Component, "Package In Use", Grammar::Flag, "whether a file of the package was opened while the image ran, as hosts told (`--in-use`)").ours(),
    of(Level::Port, "Port Exposure Method", Grammar::Word(EXPOSURE), "from where the port can be reached").not().many(),
    of(Level::Container, "Privileged Container", Grammar::Flag, "whether the container has all capabilities and devices of its node"),
    of(Level::Process, "Process Ancestor", Grammar::Regex, "the path of the executable of a process above it in the container").not().many(),
    of(Level::Process, "Process Arguments", Grammar::Contains, "its arguments, with blanks between and without the name of the program").not().many(),
    of(Level::Process, "Process Name", Grammar::Regex, "what the program is called: the first 15 bytes, as the kernel has it, or the whole").not().many(),
    of(Level::Process, "Process UID", Grammar::Number, "the number of the user it runs as").not().many(),
    of(Level::Container, "Read-Only Root Filesystem", Grammar::Flag, "whether the root file system cannot be written"),
    of(Level::Container, "Readiness Probe Defined", Grammar::Flag, "whether the container has a readiness probe").not(),
    of(Level::Workload, "Replicas", Grammar::Number, "how many pods there are to be").not().many(),
    of(Level::Workload, "Required Annotation", Grammar::Pair, "holds where the workload has no such annotation").many().inverted(),
    of(Level::Image, "Required Attestation", Grammar::Regex, "holds where there is no verified attestation with such a predicate type").many().inverted().ours().later(SIGNATURES),
    of(Level::Image, "Required Image Label", Grammar::Pair, "holds where the image has no such label").many().inverted(),
    of(Level::Workload, "Required Label", Grammar::Pair, "holds where the workload has no such label").many().inverted(),
    of(Level::Container, "Root User Allowed", Grammar::Flag, "whether the manifest lets the container run as root: neither another user is set nor runAsNonRoot").ours(),
    of(Level::Container, "Run As User", Grammar::Number, "the number of the user that the manifest sets").many().ours(),
    of(Level::Workload, "Runtime Class", Grammar::Regex, "the runtime class; nothing where none is named").not().many(),
    of(Level::Container, "Seccomp Profile Type", Grammar::Word(&["UNCONFINED", "RUNTIME_DEFAULT", "LOCALHOST"]), "the kind of its seccomp profile; where none is set, that is `UNCONFINED`").not(),
    of(Level::Image, "Secret Found", Grammar::Regex, "a secret in a file of the image, by the rule that found it").many().ours().later(SECRETS),
    of(Level::Workload, "Service Account", Grammar::Regex, "the service account; `default` where none is named").not().many(),
    of(Level::Vulnerability, "Severity", Grammar::Ordered(SEVERITIES), "how bad it is for this package").many(),
    of(Level::Request, "Source IP Address", Grammar::Address, "from where it is asked").not().many(),
    of(Level::Flow, "Unexpected Network Flow Detected", Grammar::Flag, "whether the locked baseline of the container has no such connection"),
    of(Level::Process, "Unexpected Process Executed", Grammar::Flag, "whether the locked baseline of the container has no such process"),
    of(Level::Image, "Unscanned Image", Grammar::Flag, "whether nothing is known of the image's content"),
    of(Level::Request, "User Agent", Grammar::Regex, "what program asks").not().many(),
    of(Level::Volume, "Volume Destination", Grammar::Regex, "where the volume is in the container").not().many(),
    of(Level::Volume, "Volume Name", Grammar::Regex, "the name of the volume").not().many(),
    of(Level::Volume, "Volume Source", Grammar::Regex, "what it is of: a path of the node, the name of a secret, config map or claim").not().many(),
    of(Level::Volume, "Volume Type", Grammar::Regex, "its kind: `HostPath`, `EmptyDir`, `Secret`, `PersistentVolumeClaim`").not().many(),
    of(Level::Volume, "Writable Host Mount", Grammar::Flag, "whether it is a path of the node that can be written"),
    of(Level::Volume, "Writable Mounted Volume", Grammar::Flag, "whether it can be written"),
];
