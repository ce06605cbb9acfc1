//! What a policy is, whatever form it was written in.

pub use sekisho_model::PolicySeverity;
use serde_json::{Map, Value};

/// A policy: when it is asked, what it looks for, where it does not apply, and what follows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// A UUID, or another word without blanks; empty where none was given.
    pub id: String,
    /// The name, which people know it by.
    pub name: String,
    /// What it looks for, in a sentence.
    pub description: String,
    /// Why that matters.
    pub rationale: String,
    /// What to do about it.
    pub remediation: String,
    /// Whether it is not asked at all.
    pub disabled: bool,
    /// What kind of matter it is: `DevOps Best Practices`.
    pub categories: Vec<String>,
    /// When it is asked.
    pub stages: Vec<Stage>,
    /// What it looks at while things run; none for other stages.
    pub event_source: Option<EventSource>,
    /// Where it does not apply.
    pub exclusions: Vec<Exclusion>,
    /// Where it applies; everywhere where nothing is said.
    pub scopes: Vec<Scope>,
    /// How bad a violation is.
    pub severity: PolicySeverity,
    /// What follows from a violation, beyond that it is told.
    pub enforcement: Vec<Enforcement>,
    /// Who is told, by the ids of notifiers.
    pub notifiers: Vec<String>,
    /// Any of these is a violation.
    pub sections: Vec<Section>,
    /// What an attacker does who does this, in the words of MITRE ATT&CK.
    pub attack: Vec<Attack>,
    /// Controls of frameworks that it is evidence for: `NIST-800-190:4.1.2`.
    pub controls: Vec<String>,
    /// Sets of policies that it belongs to: `baseline`.
    pub profiles: Vec<String>,
    /// Its texts in other languages, by their codes: `ja`.
    pub translations: Vec<(String, Texts)>,
    /// Containers that are not looked at.
    pub skip_containers: Vec<SkipContainer>,
    /// What the form it was read from says besides, by its names, so that it can be written again.
    pub extra: Map<String, Value>,
}

/// What people read of a policy. What is empty is not translated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// The name.
    pub name: String,
    /// What it looks for.
    pub description: String,
    /// Why that matters.
    pub rationale: String,
    /// What to do about it.
    pub remediation: String,
}

/// When a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// An image is built, or checked before it is used.
    Build,
    /// An image comes into a registry, or is asked of it.
    Registry,
    /// A workload is to run.
    Deploy,
    /// It runs.
    Runtime,
}

impl Stage {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Registry => "registry",
            Self::Deploy => "deploy",
            Self::Runtime => "runtime",
        }
    }
}

/// What a policy of the stage [`Stage::Runtime`] looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// What happens in containers, and to them.
    Deployment,
    /// The audit log of the API server.
    AuditLog,
    /// What happens on nodes.
    Node,
}

impl EventSource {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::AuditLog => "audit_log",
            Self::Node => "node",
        }
    }
}

/// What follows from a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Enforcement {
    /// The build fails.
    FailBuild,
    /// The workload is scaled to nothing, and refused where it is asked for.
    ScaleToZero,
    /// The workload is kept from all nodes, and refused where it is asked for.
    UnsatisfiableNodeConstraint,
    /// The pod is deleted.
    KillPod,
    /// The request to the API server is refused.
    FailKubeRequest,
    /// The workload is refused where it is made.
    FailDeploymentCreate,
    /// The workload is refused where it is changed.
    FailDeploymentUpdate,
}

/// Groups that must all hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Section {
    /// The name; empty where none is given.
    pub name: String,
    /// All of these.
    pub groups: Vec<Group>,
}

/// What one criterion is to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// The criterion, by its name.
    pub field: String,
    /// How the values belong together.
    pub operator: Operator,
    /// Whether what they say is turned round.
    pub negate: bool,
    /// The values, as the criterion takes them.
    pub values: Vec<String>,
}

/// How values of a group belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Operator {
    /// Any of them.
    #[default]
    Or,
    /// All of them.
    And,
}

/// Where a policy applies. What is empty says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The id of the cluster.
    pub cluster: String,
    /// A regular expression for the whole namespace.
    pub namespace: String,
    /// Regular expressions for a label's name and value.
    pub label: Option<Label>,
    /// The same of the cluster.
    pub cluster_label: Option<Label>,
    /// The same of the namespace.
    pub namespace_label: Option<Label>,
}

/// Regular expressions for a label.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label {
    /// For its name.
    pub key: String,
    /// For its value.
    pub value: String,
}

/// Where a policy does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclusion {
    /// Why, or who.
    pub name: String,
    /// A regular expression for the name of workloads, and where those are.
    pub deployment: Option<(String, Option<Scope>)>,
    /// The beginning of the full name of images, while they are built.
    pub image: Option<String>,
    /// Until when, RFC 3339.
    pub expiration: Option<String>,
}

/// A tactic and its techniques.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attack {
    /// `TA0002`
    pub tactic: String,
    /// `T1609`
    pub techniques: Vec<String>,
}

/// Kinds of containers that are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipContainer {
    /// Those that run as long as the pod.
    Regular,
    /// Those that run before.
    Init,
}

impl SkipContainer {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Init => "init",
        }
    }
}
