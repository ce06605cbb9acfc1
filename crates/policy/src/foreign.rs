//! Policies in other languages, asked about objects beside those of criteria.

use crate::manifest::Object;
use crate::rego::Share;
use crate::rego::conftest::{self, Conftest};
use crate::rego::gatekeeper::{self, Gatekeeper, Turn};
use crate::request::{Asked, Request};
use crate::said::{Message, Said};
use crate::set::PolicyFault;
use crate::vap::{self, Action, Shown};
use sekisho_base::Limits;
use sekisho_base::limits::Deadline;
use sekisho_base::tree::{Node, Value};
use sekisho_model::{CheckPolicy, Fact, PolicyLanguage, PolicySeverity};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long one evaluation of Rego may take.
const TIME: Duration = Duration::from_secs(2);
/// How long all of them may take for one object. What is left then is unknown.
const ALL: Duration = Duration::from_secs(5);
/// After so many objects for which a policy ended only for want of time, it is asked about no more of them.
const PATIENCE: u32 = 3;
/// Why nobody can wait for one.
const LATE: &str = "all policies together take longer than there is time";

/// Policies in other languages as they were given.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Templates, constraints, policies, bindings, and their parameters.
    pub(crate) objects: Vec<Object>,
    /// Files of Rego by name.
    pub(crate) rego: Vec<(String, String)>,
    /// What they know as `data`.
    pub(crate) data: Vec<Node>,
}

/// Where policies in other languages are asked, and what is known of other objects there.
#[derive(Debug, Clone, Copy)]
pub enum Point<'a> {
    /// On a command line, about these objects, which are all that there are: they are each other's namespaces, parameters
    /// and inventory.
    CommandLine(&'a [Object]),
    /// In a cluster, about one request after another, where nothing is known of other objects but what stands among the
    /// policies.
    Webhook,
}

impl Point<'_> {
    /// What Gatekeeper calls it.
    fn name(self) -> &'static str {
        match self {
            Self::CommandLine(_) => "gator.gatekeeper.sh",
            Self::Webhook => "validation.gatekeeper.sh",
        }
    }
}

/// Policies in other languages, made ready once for however many objects.
#[derive(Debug, Default)]
pub struct Foreign {
    /// What is wrong with them, all of it: one may need another, and none may be among them at all.
    pub faults: Vec<PolicyFault>,
    /// As reports tell of them.
    pub(crate) policies: Vec<CheckPolicy>,
    /// What follows from a violation of each; none where it is not asked here.
    actions: Vec<Option<Action>>,
    needs_namespace: bool,
    /// The first of the policies, with their bindings.
    vap: vap::Policies,
    /// The place of its first constraint.
    first_constraint: usize,
    gatekeeper: Option<Gatekeeper>,
    /// What of its constraints is in the language of the API server, by their places.
    native: Vec<Option<Result<vap::gatekeeper::Template, String>>>,
    /// The place of its first rule.
    first_rule: usize,
    conftest: Option<Conftest>,
    /// For how many objects each policy took too long; none in a cluster, where requests never end.
    late: Option<Vec<AtomicU32>>,
    /// How long one evaluation may take.
    time: Duration,
}

/// What a policy says of an object.
pub(crate) struct Found {
    /// The policy's place.
    pub(crate) place: usize,
    pub(crate) said: Said,
}

/// What is no manifest but a policy, whatever it lies among.
fn is_policy(object: &Object) -> bool {
    let is_native = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"].contains(&object.kind.as_str());
    match object.group() {
        "admissionregistration.k8s.io" => is_native,
        group => ["templates.gatekeeper.sh", "constraints.gatekeeper.sh"].contains(&group),
    }
}

impl Foreign {
    pub(crate) fn load(sources: &Sources, point: Point<'_>) -> Self {
        Self::within(sources, point, TIME)
    }

    /// The same, where one evaluation may take as long as `time`.
    fn within(sources: &Sources, point: Point<'_>, time: Duration) -> Self {
        let mut foreign = Self { time, ..Self::default() };
        if !sources.objects.is_empty() {
            foreign.load_native(&sources.objects, point);
            foreign.load_gatekeeper(&sources.objects, point);
        }
        if !sources.rego.is_empty() {
            foreign.load_conftest(sources);
        }
        if let (Some(object), true) =
            (sources.objects.first(), foreign.policies.is_empty() && foreign.faults.is_empty())
        {
            let reason = format!("{} is no policy, nor anything that one of the policies needs", object.title());
            foreign.faults.push(PolicyFault { file: object.file.clone(), place: object.node.place, reason });
        }
        if matches!(point, Point::CommandLine(_)) {
            foreign.late = Some(foreign.policies.iter().map(|_| AtomicU32::new(0)).collect());
        }
        foreign.needs_namespace = sources.objects.iter().any(|object| names_namespace(&object.node));
        foreign
    }

    /// How many are asked here.
    pub fn count(&self) -> usize {
        self.actions.iter().flatten().count()
    }

    /// Whether one of them looks at the namespace of what is asked, or is for some namespaces only.
    pub fn needs_namespace(&self) -> bool {
        self.needs_namespace
    }

    /// What follows from a violation of each of them, in the order in which [`described`](crate::described) tells of them;
    /// none where it is not asked here.
    pub fn actions(&self) -> &[Option<Action>] {
        &self.actions
    }

    fn load_native(&mut self, sources: &[Object], point: Point<'_>) {
        // A manifest of a policy is to be judged, not to judge.
        let around = match point {
            Point::CommandLine(objects) => objects,
            Point::Webhook => &[],
        };
        let all: Vec<Object> =
            sources.iter().chain(around.iter().filter(|object| !is_policy(object))).cloned().collect();
        let (vap, wrong) = vap::Policies::load(&all);
        self.faults.extend(wrong.into_iter().map(|fault| {
            let reason = format!("{}: {} {}", fault.title, fault.path, fault.reason);
            PolicyFault { file: fault.file, place: fault.place, reason }
        }));
        for asked in vap.asked() {
            let name = match asked.binding {
                Some(binding) if binding != asked.policy => format!("{} ({binding})", asked.policy),
                _ => asked.policy.to_owned(),
            };
            // Without a binding the server asks nothing; whoever checks means it to be asked.
            let action = asked.binding.map_or(Some(Action::Deny), |_| asked.actions.iter().min().copied());
            self.take(asked.policy, &name, PolicyLanguage::Cel, asked.file, action);
        }
        self.vap = vap;
    }

    fn load_gatekeeper(&mut self, sources: &[Object], point: Point<'_>) {
        let inventory = match point {
            Point::CommandLine(objects) => Some(objects),
            Point::Webhook => None,
        };
        let (gatekeeper, wrong) = Gatekeeper::load(sources, inventory, self.time);
        let fault = |it: crate::rego::Fault| PolicyFault { file: it.file, place: it.place, reason: it.reason };
        self.faults.extend(wrong.into_iter().map(fault));
        self.first_constraint = self.policies.len();
        for constraint in gatekeeper.constraints() {
            let id = format!("{}/{}", constraint.kind, constraint.name);
            let action = constraint.actions(point.name()).first().map(|action| match action {
                gatekeeper::Action::Deny => Action::Deny,
                gatekeeper::Action::Warn => Action::Warn,
                gatekeeper::Action::DryRun => Action::Audit,
            });
            self.take(&id, &id, PolicyLanguage::Gatekeeper, &constraint.file, action);
            self.native.push(constraint.cel.as_ref().map(|source| {
                vap::gatekeeper::Template::new(source, &constraint.file, &constraint.kind)
                    .map_err(|wrong| wrong.first().map(ToString::to_string).unwrap_or_default())
            }));
        }
        self.gatekeeper = Some(gatekeeper);
    }

    fn load_conftest(&mut self, sources: &Sources) {
        let files = &sources.rego;
        let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let setup = conftest::Setup { namespaces: None, data: &sources.data, dialect: None, time: self.time };
        self.first_rule = self.policies.len();
        match Conftest::load(&named, &setup) {
            Ok(conftest) => {
                for rule in conftest.rules() {
                    let id = format!("{}.{}", rule.namespace, rule.name);
                    let file = files.first().map_or("", |(name, _)| name);
                    let action = if rule.is_warning { Action::Warn } else { Action::Deny };
                    self.take(&id, &id, PolicyLanguage::Conftest, file, Some(action));
                }
                self.conftest = Some(conftest);
            }
            Err(wrong) => {
                let fault = |it: crate::rego::Fault| PolicyFault { file: it.file, place: it.place, reason: it.reason };
                self.faults.extend(wrong.into_iter().map(fault));
            }
        }
    }

    fn take(&mut self, id: &str, name: &str, language: PolicyLanguage, file: &str, action: Option<Action>) {
        let severity = match (action, language) {
            (Some(Action::Deny), _) => PolicySeverity::High,
            (_, PolicyLanguage::Conftest) => PolicySeverity::Low,
            _ => PolicySeverity::Medium,
        };
        self.actions.push(action);
        self.policies.push(CheckPolicy {
            id: id.to_owned(),
            name: name.to_owned(),
            language,
            file: Some(file.to_owned()),
            severity,
            enforced: action == Some(Action::Deny),
            description: String::new(),
            rationale: String::new(),
            remediation: String::new(),
            categories: Vec::new(),
            controls: Vec::new(),
            passed: 0,
        });
    }

    /// What each policy that is about it says of `asked`, each asked for itself: one that fails or takes too long is not
    /// known, and the others are. All together take about as long as there is for the request, and never more than some
    /// seconds. What the API server would write into its audit log, by policy and key, goes into `audit`.
    pub(crate) fn review(&self, asked: Asked<'_>, audit: &mut Vec<(String, String)>) -> Vec<Found> {
        let mut found = Vec::new();
        let shown = Shown::default();
        let all = Deadline::of(&Limits { time: ALL, ..Limits::default() });
        // What each was given.
        let given = RefCell::new(BTreeMap::new());
        let share = |place: Option<usize>| {
            if self.is_given_up(place) {
                return Err(format!("took too long for {PATIENCE} objects, and is asked about no more"));
            }
            let left = asked.deadline().and_then(|it| it.left()).into_iter().chain(all.left()).min().unwrap_or(TIME);
            if left.is_zero() {
                return Err(LATE.to_owned());
            }
            // Who takes all of it leaves as much to all others.
            let time = self.time.min(left / 2);
            given.borrow_mut().extend(place.map(|place| (place, time)));
            Ok(time)
        };
        self.ask_native(asked, &shown, &share, &mut found, audit);
        self.ask_gatekeeper(asked, &shown, &share, &mut found);
        if let (Some(conftest), Some(document)) = (&self.conftest, document(asked)) {
            let checked = conftest.check_within(document, &|rule| share(rule.map(|rule| self.first_rule + rule)));
            found.extend((self.first_rule..).zip(checked).map(|(place, checked)| Found { place, said: checked.said }));
        }
        // One that had next to no time, since others took it, is not the one that takes long.
        let had_time = |place: usize| given.borrow().get(&place).is_some_and(|time| *time >= self.time / 4);
        for Found { place, .. } in found.iter().filter(|it| it.said.late && had_time(it.place)) {
            if let Some(late) = self.late.as_ref().and_then(|late| late.get(*place)) {
                late.fetch_add(1, Ordering::Relaxed);
            }
        }
        found
    }

    /// Whether nobody waits any more for the policy at `place`; where none is named, for one that is asked together with
    /// others.
    fn is_given_up(&self, place: Option<usize>) -> bool {
        let late = self.late.as_deref().unwrap_or_default();
        let asked = match place {
            Some(place) => late.get(place..=place),
            None => late.get(self.first_rule..),
        };
        asked.unwrap_or_default().iter().any(|late| late.load(Ordering::Relaxed) >= PATIENCE)
    }

    /// What whoever relies on the policies is to know though they are sound.
    pub fn notes(&self) -> Vec<String> {
        let constraints = self.gatekeeper.as_ref().map(Gatekeeper::constraints).unwrap_or_default();
        let both = constraints.iter().zip(&self.native).filter_map(|(constraint, native)| {
            let id = format!("{}/{}", constraint.kind, constraint.name);
            match native.as_ref()? {
                Err(why) => Some(format!("{id} is unknown: its CEL (K8sNativeValidation) cannot be asked: {why}")),
                Ok(_) if constraint.has_rego => {
                    let why = "its template is in CEL and Rego: the CEL is asked, as Gatekeeper does from 3.17 on";
                    Some(format!("{id}: {why}"))
                }
                Ok(_) => None,
            }
        });
        both.collect()
    }

    fn ask_native(
        &self,
        asked: Asked<'_>,
        shown: &Shown,
        share: Share<'_>,
        found: &mut Vec<Found>,
        audit: &mut Vec<(String, String)>,
    ) {
        for review in self.vap.review_of(asked, shown, &|| share(None).err()) {
            audit.extend(review.audit.into_iter().map(|(key, value)| (format!("{}/{key}", review.policy), value)));
            let with = |message: Message| match &review.parameters {
                Some(parameters) => Message { text: format!("{} (with {parameters})", message.text), ..message },
                None => message,
            };
            let messages: Vec<Message> = review.said.messages.into_iter().map(with).collect();
            let said = Said { messages, ..review.said };
            match found.last_mut().filter(|known| known.place == review.place) {
                None => found.push(Found { place: review.place, said }),
                // Once for each of its parameters: the worst counts.
                Some(known) if known.said.outcome < said.outcome => known.said = said,
                Some(known) if known.said.outcome == said.outcome => known.said.messages.extend(said.messages),
                Some(_) => {}
            }
        }
    }

    fn ask_gatekeeper(&self, asked: Asked<'_>, shown: &Shown, share: Share<'_>, found: &mut Vec<Found>) {
        let (Some(gatekeeper), Some(object)) = (&self.gatekeeper, asked.object()) else { return };
        let review = match asked {
            Asked::Manifest(object) => gatekeeper::Review::of(object),
            Asked::Request(request) => gatekeeper::Review {
                object,
                old: request.old,
                namespace: known(request),
                request: Some(request.node),
                is_generated: false,
            },
        };
        let turn = |place: usize| {
            let is_asked = matches!(asked, Asked::Manifest(_)) || self.actions[self.first_constraint + place].is_some();
            match share(Some(self.first_constraint + place)) {
                _ if !is_asked => Turn::Pass,
                Ok(time) => Turn::Ask(time),
                Err(why) => Turn::Late(why),
            }
        };
        // A template may be in another language, or in both.
        let native = |place: usize| match self.native.get(place)?.as_ref()? {
            Ok(template) => {
                let parameters = gatekeeper.constraints().get(place)?.given.as_ref();
                Some(template.ask_with(parameters, shown.input(&self.vap, asked)))
            }
            Err(reason) => Some(Said::unknown(format!("its CEL (K8sNativeValidation) cannot be asked: {reason}"))),
        };
        let said = gatekeeper.review_with(&review, &turn, &native);
        found.extend(said.into_iter().map(|(place, said)| Found { place: self.first_constraint + place, said }));
    }
}

/// The document that rules about files are asked about: all of an object that is made or changed.
fn document(asked: Asked<'_>) -> Option<&Node> {
    match asked {
        Asked::Manifest(object) => Some(&object.node),
        Asked::Request(request) => {
            let is_whole = request.text(&["subResource"]).is_empty();
            let is_written = ["CREATE", "UPDATE"].contains(&request.text(&["operation"]));
            request.object.filter(|_| is_whole && is_written).map(|object| &object.node)
        }
    }
}

/// The namespace that a request is in, where it is known; of a namespace itself none is.
fn known<'a>(request: &Request<'a>) -> Option<&'a Object> {
    match request.namespace {
        Fact::Known(namespace) if !request.is_of_namespace() => Some(namespace),
        _ => None,
    }
}

/// Whether something in a policy may look at the namespace: its selector, or an expression that names it.
fn names_namespace(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.contains("namespaceObject") || text.contains("_unstable"),
        Value::List(items) => items.iter().any(names_namespace),
        Value::Map(fields) => fields.iter().any(|field| {
            let selects = field.name == "namespaceSelector" && !field.node.fields().is_empty();
            selects || names_namespace(&field.node)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;
    use sekisho_base::tree::from_json;

    /// What is said of each of some pods, one after another.
    fn said(sources: &Sources, time: Duration, point: Point<'_>) -> Vec<Vec<(usize, Outcome, String)>> {
        let foreign = Foreign::within(sources, point, time);
        assert!(foreign.faults.is_empty(), "{:?}", foreign.faults);
        let ask = |number: usize| {
            let pod = format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "p{number}"}}}}"#);
            let pod = Object::new("p.json", from_json(pod.as_bytes()).unwrap()).unwrap();
            let found = foreign.review(Asked::Manifest(&pod), &mut Vec::new()).into_iter();
            found.map(|it| {
                (it.place, it.said.outcome, it.said.messages.first().map_or(String::new(), |it| it.text.clone()))
            })
        };
        (0..5).map(|number| ask(number).collect()).collect()
    }

    fn objects(text: &str) -> Vec<Object> {
        crate::manifest::objects("p.yaml", text, &Limits::default()).0
    }

    const ENDLESS: &str = "some i in numbers.range(1, 100000)\n  some j in numbers.range(1, 100000)\n  i + j == -1";

    #[test]
    fn nobody_waits_for_ever_for_a_policy_that_takes_long_each_time() {
        let rego = format!("package main\ndeny contains \"a\" if {{\n  {ENDLESS}\n}}\nwarn contains \"b\" if true\n");
        let sources = Sources { rego: vec![("p.rego".to_owned(), rego)], ..Sources::default() };
        let time = Duration::from_millis(60);
        let found = said(&sources, time, Point::CommandLine(&[]));
        for (number, found) in found.iter().enumerate() {
            assert_eq!((found[0].1, found[1].1), (Outcome::Unknown, Outcome::Violated));
            let is_given_up = found[0].2 == "took too long for 3 objects, and is asked about no more";
            assert_eq!(is_given_up, number >= 3, "{found:?}");
        }
        // In a cluster, where one request follows another, each is asked.
        let found = said(&sources, time, Point::Webhook);
        assert!(found.iter().all(|found| found[0].2.contains("takes longer than")), "{found:?}");
        let template = format!(
            "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: slow}}\nspec:\n  crd: {{spec: {{names: {{kind: Slow}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    code:\n    - engine: Rego\n      source:\n        version: v1\n        rego: |\n          package slow\n          violation contains {{\"msg\": \"a\"}} if {{\n            {}\n          }}\n---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Slow\nmetadata: {{name: s}}\n",
            ENDLESS.replace('\n', "\n          ")
        );
        let sources = Sources { objects: objects(&template), ..Sources::default() };
        let found = said(&sources, time, Point::CommandLine(&[]));
        assert!(found[2][0].2.contains("takes longer than"), "{found:?}");
        assert!(found[3][0].2.contains("is asked about no more"), "{found:?}");
    }

    #[test]
    fn of_a_template_in_two_languages_the_cel_is_asked() {
        let template = |cel: &str| {
            format!(
                "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: both}}\nspec:\n  crd: {{spec: {{names: {{kind: Both}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    code:\n    - engine: Rego\n      source: {{rego: 'package both violation[{{\"msg\": \"rego\"}}] {{ true }}'}}\n    - engine: K8sNativeValidation\n      source: {{validations: [{{expression: '{cel}', message: cel}}]}}\n---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Both\nmetadata: {{name: c}}\n"
            )
        };
        for (cel, expect, text, note) in [
            ("false", Outcome::Violated, "cel", "the CEL is asked"),
            ("true", Outcome::Passed, "", "the CEL is asked"),
            ("nobody", Outcome::Unknown, "its CEL (K8sNativeValidation) cannot be asked", "Both/c is unknown: its CEL"),
        ] {
            let sources = Sources { objects: objects(&template(cel)), ..Sources::default() };
            let found = said(&sources, TIME, Point::CommandLine(&[])).remove(0);
            assert_eq!(found[0].1, expect, "{found:?}");
            assert!(found[0].2.starts_with(text), "{found:?}");
            let notes = Foreign::load(&sources, Point::CommandLine(&[])).notes();
            assert!(notes.len() == 1 && notes[0].contains(note), "{notes:?}");
        }
    }
}
