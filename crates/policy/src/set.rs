//! Policies of all kinds out of texts, ready to be asked.

use crate::compile::{Compiled, Fault, compile};
use crate::foreign::{Foreign, Point, Sources};
use crate::manifest::{Object, place};
use crate::native::{self, Document, Example};
use crate::pod_security::{Level, Standard};
use crate::policy::{Enforcement, Policy, PolicySeverity, Stage};
use crate::stackrox;
use crate::validate::{never, validate};
use sekisho_base::Limits;
use sekisho_base::tree::{Field, Node, Place, Value as Tree, documents};
use std::collections::HashSet;
use std::fmt;

/// What is wrong with a file of policies, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The file.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        write!(f, "{}", self.file)?;
        if line > 0 {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A policy, ready to be asked at the stages it is for.
#[derive(Debug)]
pub struct Ready {
    /// The file it is from; none for one that is built in.
    pub file: Option<String>,
    /// The policy itself.
    pub policy: Policy,
    /// Its examples.
    pub examples: Vec<Example>,
    image: Option<Compiled>,
    workload: Option<Compiled>,
    runtime: Option<Compiled>,
}

impl Ready {
    /// What it is known by: its id, or its name where it has none.
    pub fn id(&self) -> &str {
        if self.policy.id.is_empty() { &self.policy.name } else { &self.policy.id }
    }

    /// What it asks for that is never there, or not where one would expect it, though it is sound.
    pub fn never(&self) -> Vec<String> {
        never(&self.policy)
    }

    /// As it is asked at `stage`; none where it is not for that stage.
    pub(crate) fn at(&self, stage: Stage) -> Option<&Compiled> {
        if !self.policy.stages.contains(&stage) {
            return None;
        }
        match stage {
            Stage::Build | Stage::Registry => self.image.as_ref(),
            Stage::Deploy => self.workload.as_ref(),
            Stage::Runtime => self.runtime.as_ref(),
        }
    }
}

/// Policies of all kinds, ready to be asked.
#[derive(Debug, Default)]
pub struct PolicySet {
    /// Those of criteria.
    pub policies: Vec<Ready>,
    /// Levels of the Pod Security Standards.
    pub standards: Vec<Standard>,
    /// Those in other languages, with their parameters.
    pub(crate) foreign: Sources,
}

impl Policy {
    /// Whether a violation at `stage` is refused, and not only told.
    pub fn is_enforced_at(&self, stage: Stage) -> bool {
        self.enforcement.iter().any(|action| match stage {
            Stage::Build | Stage::Registry => *action == Enforcement::FailBuild,
            Stage::Deploy => matches!(
                action,
                Enforcement::ScaleToZero
                    | Enforcement::UnsatisfiableNodeConstraint
                    | Enforcement::FailDeploymentCreate
                    | Enforcement::FailDeploymentUpdate
            ),
            Stage::Runtime => matches!(action, Enforcement::KillPod | Enforcement::FailKubeRequest),
        })
    }
}

impl PolicySet {
    /// Takes the policies in the text of `file`, and says what is wrong with those that cannot be asked.
    pub fn add(&mut self, file: Option<&str>, text: &str, limits: &Limits) -> Vec<PolicyFault> {
        let mut faults = Vec::new();
        let name = file.unwrap_or("built in");
        if std::path::Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("rego")) {
            self.foreign.rego.push((name.to_owned(), text.to_owned()));
            return faults;
        }
        let fault = |place: Place, reason: String| PolicyFault { file: name.to_owned(), place, reason };
        let mut known = false;
        for document in documents(text, limits) {
            let node = match document {
                Ok(node) => node,
                Err(error) => {
                    faults.push(fault(error.place, error.reason));
                    continue;
                }
            };
            if node.is_null() {
                continue;
            }
            known = true;
            let before = self.policies.len();
            match self.take(file, &node) {
                Ok(()) => faults.extend(self.repeated(before).into_iter().map(|reason| fault(node.place, reason))),
                Err(wrongs) => faults.extend(wrongs.into_iter().map(|(place, reason)| fault(place, reason))),
            }
        }
        if !known && faults.is_empty() {
            faults.push(fault(Place::default(), "holds no policy".to_owned()));
        }
        faults
    }

    /// Takes the documents in the text of `file` as `data` for files of Rego, below `parents`, the directories between the one
    /// that was named and the file, as OPA and Conftest have it.
    pub fn add_data(&mut self, file: &str, parents: &[String], text: &str, limits: &Limits) -> Vec<PolicyFault> {
        let fault =
            |place: Place, reason: &str| vec![PolicyFault { file: file.to_owned(), place, reason: reason.to_owned() }];
        let mut faults = Vec::new();
        for document in documents(text, limits) {
            match document {
                Err(error) => faults.extend(fault(error.place, &error.reason)),
                Ok(node) if node.is_null() => {}
                Ok(node) if !matches!(node.value, Tree::Map(_)) => {
                    faults.extend(fault(node.place, "is no map, and so nothing that data can be"));
                }
                Ok(node) => {
                    let below = |node: Node, name: &String| Node {
                        place: node.place,
                        value: Tree::Map(vec![Field { name: name.clone(), place: node.place, node, repeated: false }]),
                    };
                    self.foreign.data.push(parents.iter().rev().fold(node, below));
                }
            }
        }
        faults
    }

    /// Takes the policies that ship, of `profile` or all.
    pub fn add_shipped(&mut self, profile: Option<&str>, limits: &Limits) -> Vec<PolicyFault> {
        let mut shipped = Self::default();
        let faults = sekisho_rules::POLICIES.iter().flat_map(|file| shipped.add(None, file.text, limits)).collect();
        let wanted = |ready: &Ready| profile.is_none_or(|profile| ready.policy.profiles.iter().any(|it| it == profile));
        self.policies.extend(shipped.policies.into_iter().filter(wanted));
        faults
    }

    /// Those in other languages made ready. What is wrong with them can only be told now: one may need another, and none
    /// may be among them at all.
    pub fn foreign(&self, point: Point<'_>) -> Foreign {
        Foreign::load(&self.foreign, point)
    }

    /// What is wrong with the ids of those from the place `first` on. Who says something of an id means one policy. One that
    /// ships may be taken along and changed.
    fn repeated(&self, first: usize) -> Vec<String> {
        let mut faults = Vec::new();
        for (place, ready) in self.policies.iter().enumerate().skip(first).filter(|(_, ready)| ready.file.is_some()) {
            let id = ready.id();
            let other = self.policies[..place].iter().find(|other| other.file.is_some() && other.id() == id);
            if let Some(file) = other.and_then(|other| other.file.as_ref()) {
                faults.push(format!("there is another policy {id:?} in {file}; give each its own id"));
            }
        }
        faults
    }

    fn take(&mut self, file: Option<&str>, node: &Node) -> Result<(), Vec<(Place, String)>> {
        if native::is_policy(node) {
            let (Document { policy, examples }, wrongs) = native::read(node);
            let mut wrongs: Vec<_> = wrongs.into_iter().map(|wrong| (wrong.place, wrong.reason)).collect();
            // What could not be read is not said to be missing as well.
            let unread: HashSet<u32> = wrongs.iter().map(|(place, _)| place.line).collect();
            let place = |fault: &Fault| fault.at.map_or(node.place, |at| native::place(node, at));
            match ready(file, policy, examples) {
                Ok(ready) if wrongs.is_empty() => self.policies.push(ready),
                Ok(_) => {}
                Err(faults) => {
                    let faults = faults.into_iter().map(|fault| (place(&fault), fault.reason));
                    wrongs.extend(faults.filter(|(place, _)| !unread.contains(&place.line)));
                }
            }
            wrongs.sort_by_key(|(place, _)| *place);
            return if wrongs.is_empty() { Ok(()) } else { Err(wrongs) };
        }
        if let Some(object) = Object::new(file.unwrap_or("built in"), node.clone())
            && !object.api_version.starts_with("config.stackrox.io/")
        {
            self.foreign.objects.push(object);
            return Ok(());
        }
        let is_resource = node.get("kind").and_then(Node::as_str) == Some("SecurityPolicy");
        if !is_resource && node.get("policySections").is_none() && node.get("policies").is_none() {
            let what = node.get("kind").and_then(Node::as_str).map_or_else(
                || {
                    "is no policy: one of ours begins with `policy: NAME`, one of StackRox has policySections"
                        .to_owned()
                },
                |kind| format!("the kind {kind} is no policy"),
            );
            return Err(vec![(node.place, what)]);
        }
        let document = serde_json::to_value(node).map_err(|error| vec![(node.place, error.to_string())])?;
        let read = match stackrox::read_resource(&document) {
            Some(one) => one.map(|policy| vec![policy]),
            None => stackrox::read(&document),
        };
        let at_path = |path: &str| place(node, path);
        let policies =
            read.map_err(|wrong| vec![(at_path(&wrong.path), format!("{} {}", wrong.path, wrong.reason))])?;
        let is_bundle = node.get("policies").is_some();
        let mut wrongs = Vec::new();
        for (index, policy) in policies.into_iter().enumerate() {
            let above = match (is_resource, is_bundle) {
                (true, _) => "spec.".to_owned(),
                (_, true) => format!("policies[{index}]."),
                _ => String::new(),
            };
            let name = policy.name.clone();
            if policy.stages.is_empty() {
                let reason = "is for no stage, so nobody would ask it: lifecycleStages are BUILD, DEPLOY and RUNTIME";
                wrongs.push((at_path(&format!("{above}lifecycleStages")), format!("policy {name:?}: {reason}")));
                continue;
            }
            match ready(file, policy, Vec::new()) {
                Ok(ready) => self.policies.push(ready),
                Err(faults) => wrongs.extend(faults.into_iter().map(|fault| {
                    let path = fault.at.map(stackrox::path).unwrap_or_default();
                    (at_path(&format!("{above}{path}")), format!("policy {name:?}: {}", fault.reason))
                })),
            }
        }
        if wrongs.is_empty() { Ok(()) } else { Err(wrongs) }
    }

    /// The name of a standard as a policy: `pod-security-restricted`.
    pub(crate) fn id_of(standard: Standard) -> String {
        format!("pod-security-{}", standard.level)
    }

    /// How bad it is not to be of this level.
    pub(crate) fn severity_of(standard: Standard) -> PolicySeverity {
        match standard.level {
            Level::Privileged | Level::Baseline => PolicySeverity::High,
            Level::Restricted => PolicySeverity::Medium,
        }
    }
}

/// The policy made ready for all its stages.
fn ready(file: Option<&str>, policy: Policy, examples: Vec<Example>) -> Result<Ready, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut compiled = |stages: &[Stage]| {
        let stage = stages.iter().find(|stage| policy.stages.contains(stage))?;
        compile(&policy, *stage).map_err(|wrongs| faults.extend(wrongs)).ok()
    };
    let image = compiled(&[Stage::Build, Stage::Registry]);
    let workload = compiled(&[Stage::Deploy]);
    let runtime = compiled(&[Stage::Runtime]);
    faults.extend(validate(&policy));
    faults.sort_by_key(|fault| fault.at);
    faults.dedup();
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Ready { file: file.map(str::to_owned), policy, examples, image, workload, runtime })
}
