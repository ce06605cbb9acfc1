//! What is applied to a cluster so that it asks us: two replicas, what they may do, and the webhook.

use std::fmt::Write as _;

/// What the manifests are made from.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The namespace of the server.
    pub namespace: String,
    /// The image of the server.
    pub image: String,
    /// Whether what is asked for is refused while nobody answers: `failurePolicy`.
    pub fail_closed: bool,
    /// Seconds that the API server waits.
    pub timeout_seconds: u64,
    /// Namespaces about which nobody asks; only plain names can be said here.
    pub exempt: Vec<String>,
    /// Whether namespaces say their mode by the label.
    pub labels: bool,
    /// Whether everything is asked about, and not only what makes pods: policies in other languages may be about any object.
    pub all: bool,
    /// Certificate authorities as PEM; none where the server puts them in by itself.
    pub bundle: Option<String>,
}

/// The label by which a namespace says its mode.
pub const LABEL: &str = "sekisho.dev/admission";
/// The name of everything.
pub const NAME: &str = "sekisho-admission";

const OBJECTS: &str = include_str!("manifests/objects.yaml");
const WEBHOOK: &str = include_str!("manifests/webhook.yaml");
const WORKLOADS: &str = include_str!("manifests/workloads.yaml");
const ALL: &str = include_str!("manifests/all.yaml");
const CONDITIONS: &str = include_str!("manifests/conditions.yaml");

impl Deployment {
    /// The name under which the API server reaches the server.
    pub fn host(&self) -> String {
        format!("{NAME}.{}.svc", self.namespace)
    }

    /// The objects as YAML, the webhook last.
    pub fn yaml(&self) -> String {
        let mut text = OBJECTS.replace("NAMESPACE", &self.namespace).replace("IMAGE", &self.image);
        text += "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata:\n";
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  name: {NAME}\n  labels: {{app.kubernetes.io/name: {NAME}}}\nwebhooks:");
        // Which of them a namespace is asked of is for its label to say: the API server selects, and nobody has to know
        // namespaces here.
        text += &self.webhook("admission", "", &self.not_labelled());
        if self.labels {
            for mode in crate::rules::Mode::ALL {
                let mode = mode.as_str();
                let wanted = format!("    - {{key: {LABEL}, operator: In, values: [{mode}]}}\n");
                text += &self.webhook(&format!("{mode}.admission"), &format!("/{mode}"), &wanted);
            }
        }
        text
    }

    fn not_labelled(&self) -> String {
        if !self.labels {
            return String::new();
        }
        let modes: Vec<&str> = crate::rules::Mode::ALL.iter().map(|mode| mode.as_str()).collect();
        format!("    - {{key: {LABEL}, operator: NotIn, values: [{}]}}\n", modes.join(", "))
    }

    fn webhook(&self, name: &str, path: &str, selector: &str) -> String {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let exempt = self.exempt.iter().filter(|name| !name.is_empty() && name.bytes().all(is_name)).cloned();
        let mut exempt: Vec<String> = exempt.collect();
        if !exempt.contains(&self.namespace) {
            exempt.push(self.namespace.clone());
        }
        let bundle = match &self.bundle {
            None => String::new(),
            Some(bundle) => {
                use base64::Engine as _;
                let encoded = base64::engine::general_purpose::STANDARD.encode(bundle);
                format!("    caBundle: {encoded}\n")
            }
        };
        let (conditions, rules) = match (self.all, path) {
            (false, _) => ("", WORKLOADS.to_owned()),
            // A selector of namespaces selects all that is in none, which is to be asked about once.
            (true, "") => (CONDITIONS, ALL.replace("SCOPE", "\"*\"")),
            (true, _) => (CONDITIONS, ALL.replace("SCOPE", "Namespaced")),
        };
        WEBHOOK
            .replace("    # CONDITIONS\n", conditions)
            .replace("    # RULES\n", &rules)
            .replace("NAMESPACE", &self.namespace)
            .replace("WEBHOOK", &format!("{name}.sekisho.dev"))
            .replace("PATH", &format!("/validate{path}"))
            .replace("EXEMPT", &exempt.join(", "))
            .replace("FAILURE", if self.fail_closed { "Fail" } else { "Ignore" })
            .replace("TIMEOUT", &self.timeout_seconds.to_string())
            .replace("    # SELECTOR\n", selector)
            .replace("    # BUNDLE\n", &bundle)
    }
}
