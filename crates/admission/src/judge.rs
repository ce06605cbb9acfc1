//! The decision: a request, the policies and the rules of the site in, an answer out. Asks nobody and waits for nothing.

pub use crate::decision::{Decision, Outcome};
use crate::review::{Operation, Review};
use crate::rules::{Mode, Rules};
use crate::said::{listed, resolved, shortened};
use crate::weighed::Weighed;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::limits::Deadline;
use sekisho_base::tree::Node;
use sekisho_model::{Act, Activity, ApiRequest, CheckPolicy, Fact, ImageRef, Level, PolicyOutcome, Violation};
use sekisho_policy::criteria::{Criterion, Needs, criterion};
use sekisho_policy::manifest::{self, Object, PodTemplate};
use sekisho_policy::policy::{Policy, Stage};
use sekisho_policy::vap::Action;
use sekisho_policy::{
    Checked, Context, Foreign, ImageFacts, Point, PolicyFault, PolicySet, Request, Surroundings, check_activity,
    check_request, described, near,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Policies and rules, ready to be asked.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
    set: PolicySet,
    /// Those in other languages.
    foreign: Foreign,
    /// All that are asked, in the order in which results name them.
    policies: Vec<CheckPolicy>,
    /// What follows from a violation of each, where the rules do not say otherwise.
    actions: Vec<Action>,
    /// Policies that are about images, by id.
    about_images: HashSet<String>,
    /// Policies whose scope is told by labels of the namespace, by id.
    by_namespace: HashSet<String>,
    /// Policies that ask for what no single object says, by id.
    beyond: Vec<String>,
    /// What of an object's metadata policies look at.
    metadata: Metadata,
}

/// A request that is to be judged.
#[derive(Debug)]
pub struct Case {
    operation: Operation,
    /// All of it but its objects.
    request: Node,
    object: Option<Object>,
    old: Option<Object>,
    /// The namespace that the object is in; empty for what is in none, as namespaces themselves.
    namespace: String,
    /// Why only policies in other languages are asked about it; none where all are.
    spared: Option<&'static str>,
    mode: Mode,
}

impl Case {
    /// The namespace that the object is in; empty for what is in none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    fn text(&self, name: &str) -> &str {
        self.request.get(name).and_then(Node::as_str).unwrap_or_default()
    }

    /// Whether policies about workloads are asked.
    fn is_workload(&self) -> bool {
        self.spared.is_none() && self.operation != Operation::Connect
    }
}

/// What is to be done about a request.
#[derive(Debug)]
pub enum Step {
    /// Nothing more.
    Done(Box<Decision>),
    /// It is to be judged.
    Judge(Box<Case>),
}

/// What is known beyond the request.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The namespace; not asked for where no policy needs it.
    pub namespace: Fact<Arc<Object>>,
    /// What is known of images, by the names that the object gives them; none where nobody asked yet.
    pub images: BTreeMap<String, Fact<Arc<ImageFacts>>>,
    /// The digests of images that were judged, by the same names.
    pub digests: BTreeMap<String, String>,
    /// Until when it is to be judged; none where nobody waits.
    pub deadline: Option<Deadline>,
}

impl Judge {
    /// The policies of `set` by the rules. They are made ready here, once for all requests.
    pub fn new(rules: Rules, set: PolicySet) -> Self {
        let foreign = set.foreign(Point::Webhook);
        let policies = described(&set, &foreign, Stage::Deploy);
        let own = policies.len() - foreign.actions().len();
        let of_own = policies[..own].iter().map(|policy| if policy.enforced { Action::Deny } else { Action::Warn });
        // One that is not asked says nothing.
        let of_foreign = foreign.actions().iter().map(|action| action.unwrap_or(Action::Deny));
        let actions = of_own.chain(of_foreign).collect();
        let (about_images, by_namespace) = (HashSet::new(), HashSet::new());
        let (beyond, metadata) = (Vec::new(), Metadata::default());
        let mut judge = Self { rules, set, foreign, policies, actions, about_images, by_namespace, beyond, metadata };
        for ready in &judge.set.policies {
            let policy = &ready.policy;
            let is_for = |stage| !policy.disabled && policy.stages.contains(&stage);
            let by_label = policy.scopes.iter().any(|scope| scope.namespace_label.is_some());
            if by_label && (is_for(Stage::Deploy) || is_for(Stage::Runtime)) {
                judge.by_namespace.insert(id_of(policy).to_owned());
            }
            if !is_for(Stage::Deploy) {
                continue;
            }
            let asks = |wanted: &dyn Fn(&Criterion) -> bool| {
                let groups = policy.sections.iter().flat_map(|section| &section.groups);
                groups.filter_map(|group| criterion(&group.field)).any(wanted)
            };
            if asks(&|criterion| matches!(criterion.needs(), Needs::Image | Needs::Advisories)) {
                judge.about_images.insert(id_of(policy).to_owned());
            }
            let places = policy
                .scopes
                .iter()
                .chain(policy.exclusions.iter().filter_map(|it| it.deployment.as_ref()?.1.as_ref()));
            judge.metadata.labels |= places.into_iter().any(|scope| scope.label.is_some())
                || asks(&|criterion| criterion.name == "Required Label");
            judge.metadata.annotations |=
                asks(&|criterion| ["Required Annotation", "Disallowed Annotation"].contains(&criterion.name));
            if asks(&|criterion| BEYOND.contains(&criterion.name)) {
                judge.beyond.push(id_of(policy).to_owned());
            }
        }
        judge
    }

    /// What is wrong with policies in other languages. What they say is unknown.
    pub fn faults(&self) -> &[PolicyFault] {
        &self.foreign.faults
    }

    /// What the rules say of policies that there are not, each with the key of the setting: a rule about a name that is
    /// written wrong would leave the policy as it is, and nobody would know.
    pub fn unheard(&self) -> Vec<(&'static str, String)> {
        let own = self.set.policies.iter().flat_map(|ready| [id_of(&ready.policy), ready.policy.name.as_str()]);
        let asked = self.policies.iter().flat_map(|policy| [policy.id.as_str(), policy.name.as_str()]);
        let known: BTreeSet<&str> = own.chain(asked).filter(|name| !name.is_empty()).collect();
        let until = self.rules.warn_until.iter().map(|(name, _)| ("warn_until", name));
        let doubts = self.rules.unknown_policies.iter().map(|(name, _)| ("unknown_policies", name));
        let unheard = until.chain(doubts).filter(|(_, name)| !known.contains(name.as_str()));
        unheard
            .map(|(key, name)| {
                let near = near(name, known.iter().copied());
                let hint = near.map_or_else(String::new, |near| format!("; there is {near:?}"));
                (key, format!("there is no policy {name:?} among those that are asked{hint}"))
            })
            .collect()
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many policies there are.
    pub fn policies(&self) -> usize {
        self.set.policies.len() + self.set.standards.len() + self.foreign.count()
    }

    /// Whether anything is asked at all.
    pub fn asks(&self) -> bool {
        let of_connections = |policy: &Policy| !policy.disabled && policy.stages.contains(&Stage::Runtime);
        let asked = self.policies.len() - self.foreign.actions().len() + self.foreign.count();
        asked > 0 || self.set.policies.iter().any(|ready| of_connections(&ready.policy))
    }

    /// Policies that ask for what no single object says (services, roles, network policies), by id. They are not
    /// evaluated here.
    pub fn beyond(&self) -> &[String] {
        &self.beyond
    }

    /// Whether a policy is for namespaces with certain labels, or looks at them.
    pub fn needs_namespace(&self) -> bool {
        !self.by_namespace.is_empty() || self.foreign.needs_namespace()
    }

    /// Whether one of those that are asked about this does.
    pub fn needs_namespace_of(&self, case: &Case) -> bool {
        let own = case.spared.is_none() && !self.by_namespace.is_empty();
        !case.namespace.is_empty() && (own || self.foreign.needs_namespace())
    }

    /// What is to be done about a request. `label` is the mode that the label of its namespace says.
    pub fn begin(&self, review: Review, label: Option<Mode>) -> Step {
        let done = |outcome, why: &str| Step::Done(Box::new(Decision::without(outcome, why)));
        if self.rules.is_exempt(&review.namespace) {
            return done(Outcome::Exempt, "the namespace is exempt");
        }
        if self.rules.exempt_users.iter().any(|names| names.has(&review.user)) {
            return done(Outcome::Exempt, "the user is exempt");
        }
        let mode = self.rules.mode_of(&review.namespace, label);
        let Review { operation, request, user, name, resource, group, sub_resource, .. } = review;
        // A request about a namespace names it, and namespaces are in none.
        let is_namespace = resource == "namespaces" && group.is_empty();
        let namespace = if is_namespace { String::new() } else { review.namespace };
        let object = |node: Option<Node>| {
            let mut object = Object::new("", node?)?;
            object.namespace.clone_from(&namespace);
            if object.name.is_empty() {
                object.name.clone_from(&name);
            }
            Some(object)
        };
        let is_kindless = |node: Option<&Node>| {
            let says = |node: &Node, name| node.get(name).and_then(Node::as_str).is_some_and(|text| !text.is_empty());
            node.is_some_and(|node| !says(node, "apiVersion") || !says(node, "kind"))
        };
        let said = request.at(&["kind", "kind"]).and_then(Node::as_str).unwrap_or_default();
        let is_other = |node: &Node| !said.is_empty() && node.get("kind").and_then(Node::as_str) != Some(said);
        let makes = matches!(operation, Operation::Create | Operation::Update);
        // Nobody could say which policies are about it.
        let lost = match &review.object {
            None if makes => Some("the request has no object"),
            object if is_kindless(object.as_ref()) || is_kindless(review.old_object.as_ref()) => {
                Some("the object says not of what kind it is")
            }
            Some(object) if is_other(object) => Some("the object is of another kind than the request says"),
            _ => None,
        };
        let (object, old) = (object(review.object), object(review.old_object));
        let mut case = Case { operation, request, object, old, namespace, spared: None, mode };
        if let Some(why) = lost {
            return Step::Done(Box::new(self.not_judged(&case, why)));
        }
        case.spared = self.spares(&case, (&resource, &sub_resource), &user);
        match case.spared {
            // Those in other languages say themselves what they are about.
            Some(why) if self.foreign.count() == 0 => done(Outcome::Ignored, why),
            _ => Step::Judge(Box::new(case)),
        }
    }

    /// Why policies of criteria and standards are not asked about it; none where they are.
    fn spares(&self, case: &Case, (resource, part): (&str, &str), user: &str) -> Option<&'static str> {
        match case.operation {
            Operation::Delete => return Some("what is deleted is not judged"),
            Operation::Connect => {
                let is_judged = resource == "pods" && ["exec", "attach", "portforward"].contains(&part);
                return (!is_judged).then_some("this connection is not judged");
            }
            Operation::Create | Operation::Update => {}
        }
        if !matches!(part, "" | "ephemeralcontainers" | "resize") {
            // A scale, a status or a binding brings no pod.
            return Some("this part of an object is not judged");
        }
        let Some(object) = &case.object else { return Some("the request has no object") };
        if PodTemplate::of(object).is_none() {
            return Some("the object makes no pods");
        }
        let is_leaving = object.node.at(&["metadata", "deletionTimestamp"]).is_some_and(|at| !at.is_null());
        if is_leaving && case.operation == Operation::Update {
            // Whoever refused this would keep it for ever: finalizers go by updates.
            return Some("the object is being deleted");
        }
        if let (Operation::Update, Some(old)) = (case.operation, &case.old)
            && is_same(&old.node, &object.node, &self.metadata)
        {
            return Some("nothing that is judged is changed");
        }
        if part.is_empty() && !self.rules.judge_owned && self.is_owned(object, user) {
            return Some("it was judged with what it belongs to");
        }
        None
    }

    /// Whether a controller made the object for another that is judged.
    fn is_owned(&self, object: &Object, user: &str) -> bool {
        let owners = object.node.at(&["metadata", "ownerReferences"]).map(Node::items).unwrap_or_default();
        let controller = owners.iter().find(|owner| owner.get("controller").and_then(Node::as_bool) == Some(true));
        let Some(controller) = controller else { return false };
        let text = |name: &str| controller.get(name).and_then(Node::as_str).unwrap_or_default();
        let owner = Object {
            file: String::new(),
            api_version: text("apiVersion").to_owned(),
            kind: text("kind").to_owned(),
            name: String::new(),
            namespace: String::new(),
            node: Node::default(),
        };
        PodTemplate::of(&owner).is_some() && self.rules.controllers.iter().any(|names| names.has(user))
    }

    /// The images that the object names, by the names that it gives them, where a policy asks about any.
    pub fn images(&self, case: &Case) -> BTreeMap<String, Option<ImageRef>> {
        let Some(object) = case.object.as_ref().filter(|_| case.is_workload() && !self.about_images.is_empty()) else {
            return BTreeMap::new();
        };
        let (found, _) = manifest::workloads(std::slice::from_ref(object));
        let images = found.iter().flat_map(|found| found.workload.images());
        images.map(|image| (image.name.to_owned(), image.reference.cloned())).collect()
    }

    /// The decision, by what is known. Where policies about images were not asked yet and may change it, that is none,
    /// unless `last`.
    pub fn decide(&self, case: &Case, known: &Known, now: Timestamp, last: bool) -> Option<Decision> {
        let around = self.around(case, known);
        let image = |name: &str| match known.images.get(name) {
            None | Some(Fact::NotAsked) => Fact::NotAsked,
            Some(Fact::Unknown(why)) => Fact::Unknown(why.clone()),
            Some(Fact::Known(facts)) => Fact::Known(facts.as_ref()),
        };
        // What is kept of one object is bounded by its size.
        let limits = Limits::default();
        let context = Context { around: &around, images: &image, now, limits: &limits };
        let namespace = match &known.namespace {
            Fact::Known(namespace) => Fact::Known(namespace.as_ref()),
            Fact::Unknown(why) => Fact::Unknown(why.clone()),
            Fact::NotAsked => Fact::NotAsked,
        };
        let (object, old) = (case.object.as_ref(), case.old.as_ref());
        let request = Request { node: &case.request, object, old, namespace, deadline: known.deadline };
        let checked = check_request(&self.set, &self.foreign, &request, case.is_workload(), &context);
        if let (Some(why), true) = (case.spared, checked.subjects.is_empty()) {
            return Some(Decision::without(Outcome::Ignored, why));
        }
        let weighed = self.weigh(case, &checked, known, now);
        let waiting = weighed.not_evaluated.iter().filter(|id| self.about_images.contains(*id)).count();
        if waiting > 0 && !last && !weighed.is_denied() {
            return None;
        }
        let waiting = if last { 0 } else { waiting };
        Some(self.conclude(case, weighed, known, waiting))
    }

    /// The decision where the policies could not be asked at all, such as for want of time.
    pub fn not_judged(&self, case: &Case, why: &str) -> Decision {
        let mut weighed = Weighed::new(case.mode);
        let text = format!("the policies could not be asked: {why}");
        weighed.doubt(self.rules.strictest(), Action::Deny, "", text);
        weighed.not_judged.insert("all".to_owned());
        self.conclude(case, weighed, &Known::default(), 0)
    }

    fn around(&self, case: &Case, known: &Known) -> Surroundings {
        let mut around = Surroundings {
            cluster: self.rules.cluster.clone().map_or(Fact::NotAsked, Fact::Known),
            ..Surroundings::default()
        };
        if let Fact::Known(namespace) = &known.namespace {
            let labels = namespace.node.at(&["metadata", "labels"]).map(Node::fields).unwrap_or_default();
            let text = |node: &Node| node.as_str().unwrap_or_default().to_owned();
            let labels = labels.iter().map(|field| (field.name.clone(), text(&field.node))).collect();
            around.namespaces.insert(case.namespace.clone(), labels);
        }
        around
    }

    /// What follows from a violation of the policy at `place`, and until when it refuses nothing. What is only to be noted
    /// is never more than that, however severe.
    fn follows(&self, place: usize, policy: &CheckPolicy, now: Timestamp) -> (Action, Option<Timestamp>) {
        let CheckPolicy { id, name, severity, .. } = policy;
        let own = self.actions.get(place).copied().unwrap_or(Action::Deny);
        let raised = own == Action::Warn && self.rules.fail_on.is_some_and(|least| *severity >= least);
        let until = self.rules.warns_until(id, name, now);
        match (own, raised) {
            (Action::Audit, _) | (Action::Warn, false) => (own, None),
            _ if until.is_some() => (Action::Warn, until),
            _ => (Action::Deny, None),
        }
    }

    fn weigh(&self, case: &Case, checked: &Checked, known: &Known, now: Timestamp) -> Weighed {
        let mut weighed = Weighed::new(case.mode);
        if case.is_workload() {
            weighed.not_evaluated.extend(self.beyond.iter().cloned());
        }
        if case.operation == Operation::Connect && case.spared.is_none() {
            self.connect(case, known, now, &mut weighed);
        }
        weighed.written.extend(checked.audit.iter().map(|(key, value)| format!("{key}={value}")));
        for told in checked.diagnostics.iter().filter(|told| told.level == Level::Incomplete) {
            weighed.doubt(self.rules.strictest(), Action::Deny, "", told.message.clone());
        }
        for result in &checked.results {
            // Results name policies that were asked.
            let Some(policy) = self.policies.get(result.policy) else { continue };
            let CheckPolicy { id, name, .. } = policy;
            if let Some(excluded) = &result.excluded {
                if result.outcome == PolicyOutcome::Violated {
                    weighed.excluded.insert(format!("{id}: {}", excluded.reason));
                }
                continue;
            }
            let (follows, until) = self.follows(result.policy, policy, now);
            let head = head(id, name);
            let lost = matches!(known.namespace, Fact::Unknown(_)) && self.by_namespace.contains(id);
            match result.outcome {
                PolicyOutcome::Passed => {}
                PolicyOutcome::NotEvaluated if lost => {
                    let why = match &known.namespace {
                        Fact::Unknown(why) => why.as_str(),
                        _ => "",
                    };
                    let text = format!("[{id}] {head}the labels of the namespace are not known: {why}");
                    weighed.doubt(self.rules.unknown_for(id, name), follows, id, text);
                }
                PolicyOutcome::NotEvaluated => {
                    weighed.not_evaluated.insert(id.clone());
                }
                PolicyOutcome::Unknown => {
                    if checked.late.contains(&result.policy) {
                        weighed.not_judged.insert(id.clone());
                    }
                    let text = format!("[{id}] {head}not known: {}", result.reasons.join("; "));
                    weighed.doubt(self.rules.unknown_for(id, name), follows, id, text);
                }
                PolicyOutcome::Violated => {
                    weighed.violated.insert(id.clone());
                    let until = until.map(|until| format!(" (refused from {until} on)")).unwrap_or_default();
                    for violation in &result.violations {
                        let text = format!("[{id}]{until} {}", about(policy, violation));
                        weighed.put(follows, id, text);
                    }
                    if result.violations.is_empty() {
                        weighed.put(follows, id, format!("[{id}]{until} {name}"));
                    }
                }
            }
        }
        weighed
    }

    fn conclude(&self, case: &Case, weighed: Weighed, known: &Known, waiting: usize) -> Decision {
        let mut decision = weighed.decision(waiting);
        if !known.digests.is_empty() {
            let judged = known.digests.iter().map(|(name, digest)| format!("{name}={digest}")).collect::<Vec<_>>();
            // What is only noted is noted below.
            if case.mode != Mode::Audit {
                decision.warnings.extend(resolved(&known.digests));
            }
            decision.annotations.insert("images", listed(judged.iter().map(String::as_str)));
        }
        if decision.outcome == Outcome::Denied {
            self.break_glass(case, &mut decision);
        }
        decision
    }

    /// Lets in what says why it must be.
    fn break_glass(&self, case: &Case, decision: &mut Decision) {
        let Some(name) = &self.rules.break_glass else { return };
        let Some(object) = case.object.as_ref().or(case.old.as_ref()) else { return };
        let annotation = object.node.at(&["metadata", "annotations", name]);
        let Some(reason) = annotation.and_then(Node::as_str) else { return };
        // What is only blanks, seen or not, is none.
        let reason = if reason.contains(char::is_alphanumeric) { reason.trim() } else { "" };
        let reason = shortened(reason, 512);
        if reason.is_empty() {
            decision.message += "\nthe annotation ";
            decision.message += name;
            decision.message += " gives no reason, so it lets nothing in";
            return;
        }
        decision.outcome = Outcome::BrokenGlass;
        let policies = match decision.policies.as_slice() {
            [] => "what could not be judged".to_owned(),
            policies => listed(policies.iter().map(String::as_str)),
        };
        let text = format!("sekisho: let in by {name} ({reason}) against {policies}");
        decision.warnings.insert(0, shortened(&text, crate::said::WARNING));
        decision.annotations.insert("verdict", Outcome::BrokenGlass.as_str().to_owned());
        decision.annotations.insert("break-glass", reason.clone());
        decision.reason = Some(reason);
        decision.message = String::new();
    }

    /// Exec, attach and port-forward.
    fn connect(&self, case: &Case, known: &Known, now: Timestamp, weighed: &mut Weighed) {
        let part = case.text("subResource");
        let resource = format!("PODS_{}", part.to_ascii_uppercase());
        let user = case.request.get("userInfo");
        let groups = user.and_then(|user| user.get("groups")).map(Node::items).unwrap_or_default();
        let name = user.and_then(|user| user.get("username")).and_then(Node::as_str).unwrap_or_default();
        let pod = case.text("name");
        let untold = || "is not told of a connection".to_owned();
        let act = Act::Request(ApiRequest {
            audited: false,
            resource: Fact::Known(resource),
            verbs: Fact::Unknown(untold()),
            name: Fact::Known(Some(pod.to_owned())),
            namespace: Fact::Known(Some(case.namespace.clone())),
            user: Fact::Known(name.to_owned()),
            groups: Fact::Known(groups.iter().filter_map(Node::as_str).map(str::to_owned).collect()),
            impersonated: Fact::Unknown(untold()),
            source_ips: Fact::Unknown(untold()),
            user_agent: Fact::Unknown(untold()),
        });
        let activity = Activity { act: &act, container: None };
        let around = self.around(case, known);
        for ready in &self.set.policies {
            let Some(verdict) = check_activity(ready, &activity, &around, now) else { continue };
            let policy = &ready.policy;
            let (id, name) = (id_of(policy), policy.name.as_str());
            let denies = policy.is_enforced_at(Stage::Runtime)
                || self.rules.fail_on.is_some_and(|least| policy.severity >= least);
            let until = self.rules.warns_until(id, name, now).filter(|_| denies);
            let follows = if denies && until.is_none() { Action::Deny } else { Action::Warn };
            match (verdict.outcome, verdict.excluded) {
                (PolicyOutcome::Violated, Some(reason)) => {
                    weighed.excluded.insert(format!("{id}: {reason}"));
                }
                (PolicyOutcome::Violated, None) => {
                    weighed.violated.insert(id.to_owned());
                    let until = until.map(|until| format!(" (refused from {until} on)")).unwrap_or_default();
                    let text = format!("[{id}]{until} {name}: {part} of pod {pod:?}");
                    weighed.put(follows, id, text);
                }
                (PolicyOutcome::Unknown, None) => {
                    let text = format!("[{id}] {name}: not known: {}", verdict.reasons.join("; "));
                    weighed.doubt(self.rules.unknown_for(id, name), follows, id, text);
                }
                _ => {}
            }
        }
    }
}

/// Criteria of ports that services and routes decide, which are not in the request.
const BEYOND: [&str; 2] = ["Exposed Node Port", "Port Exposure Method"];

fn id_of(policy: &Policy) -> &str {
    if policy.id.is_empty() { &policy.name } else { &policy.id }
}

/// Which of an object's labels and annotations policies look at.
#[derive(Debug, Default)]
struct Metadata {
    labels: bool,
    annotations: bool,
}

/// Annotations of pods that stand for fields, on kubelets of old.
const FIELDS: [&str; 2] = ["apparmor.security.beta.kubernetes.io/", "seccomp.security.alpha.kubernetes.io/"];

/// Whether two states of an object are the same but for what is not judged: its status, its managers, its finalizers, and
/// labels and annotations at which no policy looks, which controllers write now and then.
fn is_same(old: &Node, new: &Node, judged: &Metadata) -> bool {
    let same = |names: &[&str]| old.at(names) == new.at(names);
    let fields = old.fields().iter().chain(new.fields()).map(|field| field.name.as_str());
    let mut others = fields.filter(|name| !matches!(*name, "status" | "metadata"));
    let stand_for_fields = |node: &Node| {
        let all = node.at(&["metadata", "annotations"]).map(Node::fields).unwrap_or_default().iter();
        let ours = all.filter(|field| FIELDS.iter().any(|prefix| field.name.contains(prefix)));
        ours.map(|field| (field.name.clone(), field.node.clone())).collect::<Vec<_>>()
    };
    let same_annotations = || {
        if judged.annotations {
            same(&["metadata", "annotations"])
        } else {
            stand_for_fields(old) == stand_for_fields(new)
        }
    };
    others.all(|name| same(&[name])) && (!judged.labels || same(&["metadata", "labels"])) && same_annotations()
}

/// What is wrong, where, and what to do.
fn about(policy: &CheckPolicy, violation: &Violation) -> String {
    let Violation { message, path, container, .. } = violation;
    // Most messages and fixes name the container and the field, and room is scarce.
    let container = container.as_ref().filter(|name| !message.contains(&***name));
    let container = container.map(|name| format!("container {name}: ")).unwrap_or_default();
    let fix = match (&violation.fix, policy.remediation.as_str()) {
        (Some(fix), _) => format!("; fix: {}", fix.text),
        (None, "") => String::new(),
        (None, remediation) => format!("; fix: {remediation}"),
    };
    let at = if path.is_empty() || fix.contains(&**path) { String::new() } else { format!(" ({path})") };
    format!("{}{container}{message}{at}{fix}", head(&policy.id, &policy.name))
}

/// The name of a policy before what it says, where its id does not say it already.
fn head(id: &str, name: &str) -> String {
    if id == name { String::new() } else { format!("{name}: ") }
}
