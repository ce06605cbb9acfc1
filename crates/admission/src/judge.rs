//! The decision: a request, the policies and the rules of the site in, an answer out. Asks nobody and waits for nothing.

use crate::review::{self, Operation, Review};
use crate::rules::{Doubt, Mode, Rules};
use crate::said::{denial, listed, shortened, warnings};
use jiff::Timestamp;
use sekisho_base::tree::Node;
use sekisho_model::{CheckPolicy, Fact, ImageRef, Level, PolicyOutcome, Violation};
use sekisho_policy::manifest::{self, Object, PodTemplate};
use sekisho_policy::policy::{EventSource, Policy, Stage};
use sekisho_policy::{Checked, Context, ImageFacts, PolicySet, Surroundings, check_object};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Policies and rules, ready to be asked.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
    set: PolicySet,
    /// Policies that are about images, by id.
    about_images: HashSet<String>,
    /// Policies whose scope is told by labels of the namespace, by id.
    by_namespace: HashSet<String>,
    /// Policies that ask for what no single object says, by id.
    beyond: Vec<String>,
}

/// What a request came to, in the words of metrics and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It is about nothing that is judged.
    Ignored,
    /// It is not judged by the rules of the site.
    Exempt,
    /// Nothing is wrong.
    Passed,
    /// Something is wrong, or not known, that is only noted.
    Noted,
    /// Something is wrong, or not known, and whoever asks is warned.
    Warned,
    /// It is refused.
    Denied,
    /// It would be refused, and is let in for the reason it gives.
    BrokenGlass,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ignored, Self::Exempt, Self::Passed, Self::Noted, Self::Warned, Self::Denied, Self::BrokenGlass];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Exempt => "exempt",
            Self::Passed => "passed",
            Self::Noted => "noted",
            Self::Warned => "warned",
            Self::Denied => "denied",
            Self::BrokenGlass => "break_glass",
        }
    }
}

/// What is answered, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What it came to.
    pub outcome: Outcome,
    /// The mode of the namespace; none where that did not matter.
    pub mode: Option<Mode>,
    /// The reason of a denial; of what is ignored or exempt, why.
    pub message: String,
    /// What whoever asks is warned of.
    pub warnings: Vec<String>,
    /// What is noted in the API server's audit log.
    pub annotations: BTreeMap<&'static str, String>,
    /// The policies that are violated, by id.
    pub policies: Vec<String>,
    /// The policies of which nobody can say, by id.
    pub unknown: Vec<String>,
    /// Why the glass was broken.
    pub reason: Option<String>,
}

impl Decision {
    /// Whether what is asked for may be done.
    pub fn allowed(&self) -> bool {
        self.outcome != Outcome::Denied
    }

    /// The body of the response to the request of this id.
    pub fn answer(&self, uid: &str) -> Vec<u8> {
        review::answer(uid, self.allowed(), &self.message, &self.warnings, &self.annotations)
    }

    fn without(outcome: Outcome, why: &str) -> Self {
        Self {
            outcome,
            mode: None,
            message: why.to_owned(),
            warnings: Vec::new(),
            annotations: BTreeMap::new(),
            policies: Vec::new(),
            unknown: Vec::new(),
            reason: None,
        }
    }
}

/// A request that is to be judged.
#[derive(Debug)]
pub struct Case {
    object: Object,
    mode: Mode,
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
    /// Labels of the namespace; not asked for where no policy needs them.
    pub namespace: Fact<BTreeMap<String, String>>,
    /// What is known of images, by the names that the object gives them; none where nobody asked yet.
    pub images: BTreeMap<String, Fact<std::sync::Arc<ImageFacts>>>,
    /// The digests of images that were judged, by the same names.
    pub digests: BTreeMap<String, String>,
}

/// One thing that is said of a request.
struct Line {
    id: String,
    text: String,
}

#[derive(Default)]
struct Weighed {
    mode: Option<Mode>,
    denials: Vec<Line>,
    warnings: Vec<Line>,
    noted: Vec<Line>,
    violated: BTreeSet<String>,
    unknown: BTreeSet<String>,
    not_evaluated: BTreeSet<String>,
    excluded: BTreeSet<String>,
}

impl Judge {
    /// The policies of `set` by the rules.
    pub fn new(rules: Rules, set: PolicySet) -> Self {
        let mut judge =
            Self { rules, set, about_images: HashSet::new(), by_namespace: HashSet::new(), beyond: Vec::new() };
        for ready in &judge.set.policies {
            let policy = &ready.policy;
            if policy.disabled || !policy.stages.contains(&Stage::Deploy) {
                continue;
            }
            let asks = |wanted: &dyn Fn(&'static str, bool) -> bool| {
                let groups = policy.sections.iter().flat_map(|section| &section.groups);
                let mut known = groups.filter_map(|group| sekisho_policy::criteria::criterion(&group.field));
                known.any(|criterion| wanted(criterion.name, criterion.level.is_image()))
            };
            if asks(&|_, is_image| is_image) {
                judge.about_images.insert(id_of(policy).to_owned());
            }
            if asks(&|name, _| BEYOND.contains(&name)) {
                judge.beyond.push(id_of(policy).to_owned());
            }
            if policy.scopes.iter().any(|scope| scope.namespace_label.is_some()) {
                judge.by_namespace.insert(id_of(policy).to_owned());
            }
        }
        judge
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many policies there are.
    pub fn policies(&self) -> usize {
        self.set.policies.len() + self.set.standards.len()
    }

    /// Policies that ask for what no single object says (services, roles, network policies), by id. They are not
    /// evaluated here.
    pub fn beyond(&self) -> &[String] {
        &self.beyond
    }

    /// Whether a policy is for namespaces with certain labels.
    pub fn needs_namespace(&self) -> bool {
        !self.by_namespace.is_empty()
    }

    /// What is to be done about a request. `label` is the mode that the label of its namespace says.
    pub fn begin(&self, review: Review, label: Option<Mode>) -> Step {
        let done = |outcome, why: &str| Step::Done(Box::new(Decision::without(outcome, why)));
        if review.operation == Operation::Delete {
            return done(Outcome::Ignored, "what is deleted is not judged");
        }
        if self.rules.is_exempt(&review.namespace) {
            return done(Outcome::Exempt, "the namespace is exempt");
        }
        if self.rules.exempt_users.iter().any(|names| names.has(&review.user)) {
            return done(Outcome::Exempt, "the user is exempt");
        }
        let mode = self.rules.mode_of(&review.namespace, label);
        if review.operation == Operation::Connect {
            return Step::Done(Box::new(self.connect(&review, mode)));
        }
        if !matches!(review.sub_resource.as_str(), "" | "ephemeralcontainers" | "resize") {
            // A scale, a status or a binding brings no pod.
            return done(Outcome::Ignored, "this part of an object is not judged");
        }
        let Some(node) = review.object else { return done(Outcome::Ignored, "the request has no object") };
        let Some(mut object) = Object::new("", node) else {
            return done(Outcome::Ignored, "the object is of no kind");
        };
        if PodTemplate::of(&object).is_none() {
            return done(Outcome::Ignored, "the object makes no pods");
        }
        if object.node.at(&["metadata", "deletionTimestamp"]).is_some_and(|at| !at.is_null()) {
            // Whoever refused this would keep it for ever: finalizers go by updates.
            return done(Outcome::Ignored, "the object is being deleted");
        }
        if let (Operation::Update, Some(old)) = (review.operation, &review.old_object)
            && is_same(old, &object.node)
        {
            return done(Outcome::Ignored, "nothing that is judged is changed");
        }
        if review.sub_resource.is_empty() && !self.rules.judge_owned && self.is_owned(&object, &review.user) {
            return done(Outcome::Ignored, "it was judged with what it belongs to");
        }
        object.namespace = review.namespace;
        if object.name.is_empty() {
            object.name = review.name;
        }
        Step::Judge(Box::new(Case { object, mode }))
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
        if self.about_images.is_empty() {
            return BTreeMap::new();
        }
        let (found, _) = manifest::workloads(std::slice::from_ref(&case.object));
        let containers = found.into_iter().flat_map(|found| found.workload.containers);
        containers.map(|it| (it.image, it.image_ref)).collect()
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
        let context = Context { around: &around, images: &image, now };
        let checked = check_object(&self.set, &case.object, &context);
        let weighed = self.weigh(case, &checked, known, now);
        let waiting = weighed.not_evaluated.iter().filter(|id| self.about_images.contains(*id)).count();
        if waiting > 0 && !last && weighed.denials.is_empty() {
            return None;
        }
        let waiting = if last { 0 } else { waiting };
        Some(self.conclude(case, weighed, known, waiting))
    }

    /// The decision where the policies could not be asked at all, such as for want of time.
    pub fn not_judged(&self, case: &Case, why: &str) -> Decision {
        let mut weighed = Weighed { mode: Some(case.mode), ..Weighed::default() };
        let text = format!("the policies could not be asked: {why}");
        weighed.doubt(self.rules.strictest(), true, "", text);
        self.conclude(case, weighed, &Known::default(), 0)
    }

    fn around(&self, case: &Case, known: &Known) -> Surroundings {
        let mut around = Surroundings {
            cluster: self.rules.cluster.clone().map_or(Fact::NotAsked, Fact::Known),
            ..Surroundings::default()
        };
        if let Fact::Known(labels) = &known.namespace {
            around.namespaces.insert(case.object.effective_namespace().to_owned(), labels.clone());
        }
        around
    }

    fn denies(&self, policy: &CheckPolicy) -> bool {
        policy.enforced || self.rules.fail_on.is_some_and(|least| policy.severity >= least)
    }

    fn weigh(&self, case: &Case, checked: &Checked, known: &Known, now: Timestamp) -> Weighed {
        let mut weighed = Weighed { mode: Some(case.mode), ..Weighed::default() };
        weighed.not_evaluated.extend(self.beyond.iter().cloned());
        for told in checked.diagnostics.iter().filter(|told| told.level == Level::Incomplete) {
            weighed.doubt(self.rules.strictest(), true, "", told.message.clone());
        }
        for result in &checked.results {
            // Results name policies that were asked.
            let Some(policy) = checked.policies.get(result.policy) else { continue };
            let CheckPolicy { id, name, .. } = policy;
            if let Some(excluded) = &result.excluded {
                if result.outcome == PolicyOutcome::Violated {
                    weighed.excluded.insert(format!("{id}: {}", excluded.reason));
                }
                continue;
            }
            let until = self.rules.warns_until(id, name, now);
            let denies = self.denies(policy) && until.is_none();
            let lost = matches!(known.namespace, Fact::Unknown(_)) && self.by_namespace.contains(id);
            match result.outcome {
                PolicyOutcome::Passed => {}
                PolicyOutcome::NotEvaluated if lost => {
                    let why = match &known.namespace {
                        Fact::Unknown(why) => why.as_str(),
                        _ => "",
                    };
                    let text = format!("[{id}] {name}: the labels of the namespace are not known: {why}");
                    weighed.doubt(self.rules.unknown_for(id, name), denies, id, text);
                }
                PolicyOutcome::NotEvaluated => {
                    weighed.not_evaluated.insert(id.clone());
                }
                PolicyOutcome::Unknown => {
                    let text = format!("[{id}] {name}: not known: {}", result.reasons.join("; "));
                    weighed.doubt(self.rules.unknown_for(id, name), denies, id, text);
                }
                PolicyOutcome::Violated => {
                    weighed.violated.insert(id.clone());
                    let until = until.map(|until| format!(" (refused from {until} on)")).unwrap_or_default();
                    for violation in &result.violations {
                        let text = format!("[{id}]{until} {}", about(policy, violation));
                        weighed.put(denies, id, text);
                    }
                    if result.violations.is_empty() {
                        weighed.put(denies, id, format!("[{id}]{until} {name}"));
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
            if !decision.warnings.is_empty() {
                let text = format!("sekisho: judged {}", judged.join(", "));
                decision.warnings.push(shortened(&text, crate::said::WARNING));
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
        let annotation = case.object.node.at(&["metadata", "annotations", name]);
        let Some(reason) = annotation.and_then(Node::as_str) else { return };
        let reason = shortened(reason.trim(), 512);
        if reason.is_empty() {
            decision.message += "\nthe annotation ";
            decision.message += name;
            decision.message += " gives no reason, so it lets nothing in";
            return;
        }
        decision.outcome = Outcome::BrokenGlass;
        let policies = listed(decision.policies.iter().map(String::as_str));
        let text = format!("sekisho: let in by {name} ({reason}) against {policies}");
        decision.warnings.insert(0, shortened(&text, crate::said::WARNING));
        decision.annotations.insert("verdict", Outcome::BrokenGlass.as_str().to_owned());
        decision.annotations.insert("break-glass", reason.clone());
        decision.reason = Some(reason);
        decision.message = String::new();
    }

    /// Exec, attach and port-forward. What a policy at run time asks of the request beyond its resource is not evaluated
    /// yet, so that such a policy is in doubt where its resource fits.
    fn connect(&self, review: &Review, mode: Mode) -> Decision {
        let wanted = match (review.resource.as_str(), review.sub_resource.as_str()) {
            ("pods", "exec") => "PODS_EXEC",
            ("pods", "attach") => "PODS_ATTACH",
            ("pods", "portforward") => "PODS_PORTFORWARD",
            _ => return Decision::without(Outcome::Ignored, "this connection is not judged"),
        };
        let mut weighed = Weighed { mode: Some(mode), ..Weighed::default() };
        for ready in &self.set.policies {
            let policy = &ready.policy;
            let is_asked = !policy.disabled
                && policy.stages.contains(&Stage::Runtime)
                && !matches!(policy.event_source, Some(EventSource::AuditLog | EventSource::Node));
            if !is_asked {
                continue;
            }
            let (id, name) = (id_of(policy), policy.name.as_str());
            let denies = policy.is_enforced_at(Stage::Runtime)
                || self.rules.fail_on.is_some_and(|least| policy.severity >= least);
            for section in &policy.sections {
                let resource = section.groups.iter().find(|it| it.field.eq_ignore_ascii_case("Kubernetes Resource"));
                let Some(resource) = resource else { continue };
                if !resource.values.iter().any(|value| value.eq_ignore_ascii_case(wanted)) {
                    continue;
                }
                let whole = section.groups.len() == 1 && policy.scopes.is_empty() && policy.exclusions.is_empty();
                if whole {
                    weighed.violated.insert(id.to_owned());
                    let text = format!("[{id}] {name}: {} of pod {:?}", review.sub_resource, review.name);
                    weighed.put(denies, id, text);
                } else {
                    let text = format!("[{id}] {name}: not known: it asks for more than that it is {wanted}");
                    weighed.doubt(self.rules.unknown_for(id, name), denies, id, text);
                }
                break;
            }
        }
        weighed.decision(0)
    }
}

impl Weighed {
    /// Takes a violation.
    fn put(&mut self, denies: bool, id: &str, text: String) {
        let line = Line { id: id.to_owned(), text };
        match self.mode {
            Some(Mode::Enforce) if denies => self.denials.push(line),
            Some(Mode::Enforce | Mode::Warn) => self.warnings.push(line),
            _ => self.noted.push(line),
        }
    }

    /// Takes what nobody can say.
    fn doubt(&mut self, doubt: Doubt, denies: bool, id: &str, text: String) {
        // Without an id it is about all of them.
        self.unknown.insert(if id.is_empty() { "all" } else { id }.to_owned());
        match doubt {
            Doubt::Allow => self.noted.push(Line { id: id.to_owned(), text }),
            Doubt::Warn => self.put(false, id, text),
            Doubt::Deny => self.put(denies, id, text),
        }
    }

    /// `waiting` is how many policies about images were not asked.
    fn decision(self, waiting: usize) -> Decision {
        let outcome = if !self.denials.is_empty() {
            Outcome::Denied
        } else if !self.warnings.is_empty() {
            Outcome::Warned
        } else if !self.noted.is_empty() {
            Outcome::Noted
        } else {
            Outcome::Passed
        };
        let mut annotations = BTreeMap::from([("verdict", outcome.as_str().to_owned())]);
        annotations.extend(self.mode.map(|mode| ("mode", mode.as_str().to_owned())));
        for (name, ids) in [
            ("violated", &self.violated),
            ("unknown", &self.unknown),
            ("not-evaluated", &self.not_evaluated),
            ("excluded", &self.excluded),
        ] {
            if !ids.is_empty() {
                annotations.insert(name, listed(ids.iter().map(String::as_str)));
            }
        }
        let denied: BTreeSet<&str> = self.denials.iter().map(|line| line.id.as_str()).collect();
        if !denied.is_empty() {
            annotations.insert("denied-by", listed(denied.into_iter()));
        }
        let texts = |lines: &[Line]| lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
        let note = match waiting {
            0 => String::new(),
            1 => "1 policy about images was not asked".to_owned(),
            more => format!("{more} policies about images were not asked"),
        };
        let message = if self.denials.is_empty() { String::new() } else { denial(&texts(&self.denials), &note) };
        let told: Vec<String> = texts(&self.warnings).into_iter().map(|text| format!("sekisho: {text}")).collect();
        Decision {
            outcome,
            mode: self.mode,
            message,
            warnings: warnings(&told),
            annotations,
            policies: self.violated.into_iter().collect(),
            unknown: self.unknown.into_iter().collect(),
            reason: None,
        }
    }
}

/// Criteria of ports that services and routes decide, which are not in the request.
const BEYOND: [&str; 2] = ["Exposed Node Port", "Port Exposure Method"];

fn id_of(policy: &Policy) -> &str {
    if policy.id.is_empty() { &policy.name } else { &policy.id }
}

/// Whether two states of an object are the same but for what is not judged: its status, its managers, its finalizers.
fn is_same(old: &Node, new: &Node) -> bool {
    let same = |names: &[&str]| old.at(names) == new.at(names);
    let fields = old.fields().iter().chain(new.fields()).map(|field| field.name.as_str());
    let mut judged = fields.filter(|name| !matches!(*name, "status" | "metadata"));
    judged.all(|name| same(&[name])) && same(&["metadata", "labels"]) && same(&["metadata", "annotations"])
}

/// What is wrong, where, and what to do.
fn about(policy: &CheckPolicy, violation: &Violation) -> String {
    let Violation { message, path, container, .. } = violation;
    // Most messages and fixes name the container and the field, and room is scarce.
    let container = container.as_ref().filter(|name| !message.contains(*name));
    let container = container.map(|name| format!(" container {name}:")).unwrap_or_default();
    let fix = match (&violation.fix, policy.remediation.as_str()) {
        (Some(fix), _) => format!("; fix: {}", fix.text),
        (None, "") => String::new(),
        (None, remediation) => format!("; fix: {remediation}"),
    };
    let at = if path.is_empty() || fix.contains(path) { String::new() } else { format!(" ({path})") };
    format!("{}:{container} {message}{at}{fix}", policy.name)
}
