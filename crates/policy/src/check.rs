//! Policies asked about manifests and images, and what they say, as a report holds it.

use crate::activity::check_activity;
use crate::compile::Compiled;
use crate::criteria::{Image, Subject};
use crate::evaluate::evaluate;
use crate::explain::{Step, explain};
use crate::facts::ImageFacts;
use crate::fix;
use crate::foreign::{Foreign, Found};
use crate::keep::Keep;
use crate::manifest::{self, Object, PodTemplate};
use crate::native::{Event, Example};
use crate::pod_security;
use crate::policy::{Policy, Stage};
use crate::rego;
use crate::request::{Asked as About, Request};
use crate::scope::{Applies, Surroundings};
use crate::set::{PolicySet, Ready};
use crate::witness::Witness;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_base::limits::LimitKey;
use sekisho_model::{
    CheckExclusion, CheckGate, CheckPolicy, CheckReport, CheckResult, CheckSubject, Code, Diagnostic, Digest, Fact,
    ImageRef, Level, PolicyLanguage, PolicyOutcome, PolicySeverity, Shared, SubjectKind, Verdict, Violation, Workload,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was asked, and what was said.
#[derive(Debug, Default)]
pub struct Checked {
    /// The policies that were asked.
    pub policies: Vec<CheckPolicy>,
    /// What they were asked about.
    pub subjects: Vec<CheckSubject>,
    /// What they say, but for what passed.
    pub results: Vec<CheckResult>,
    /// What policies have written into an audit log, by policy and key.
    pub audit: Vec<(String, String)>,
    /// The places of policies for which there was no time. What they say is unknown.
    pub late: BTreeSet<usize>,
    /// What could not be read, and exclusions that are over.
    pub diagnostics: Vec<Diagnostic>,
}

/// What manifests are judged with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where workloads are to run.
    pub around: &'a Surroundings,
    /// What is known of the image of this name.
    pub images: &'a dyn Fn(&str) -> Fact<&'a ImageFacts>,
    /// The moment by which ages and exclusions are judged.
    pub now: Timestamp,
    /// How much is kept of what policies say: [`Limits::facts_bytes`].
    pub limits: &'a Limits,
}

/// An image to be judged.
#[derive(Debug, Clone, Copy)]
pub struct ImageSubject<'a> {
    /// What to call it.
    pub title: &'a str,
    /// Its name in a registry, where it has one.
    pub reference: Option<&'a ImageRef>,
    /// Its digest.
    pub digest: Option<&'a Digest>,
    /// What is known of it.
    pub facts: &'a ImageFacts,
}

/// What the policies say of `objects`. `foreign` is what is in other languages, made ready for these. Objects behind those of
/// which more is to be said than [`Limits::facts_bytes`] are not judged, which makes the result incomplete.
pub fn check_manifests(set: &PolicySet, foreign: &Foreign, objects: &[Object], context: &Context<'_>) -> Checked {
    let mut asked = Asked::new(&set.policies, &set.standards, Stage::Deploy, context.around, context.now);
    asked.foreign = Some(foreign);
    asked.to.policies = described(set, foreign, Stage::Deploy);
    asked.tell_of_what_is_over();
    asked.most = Some(context.limits);
    asked.manifests(objects, context.images);
    asked.to
}

/// What the policies say of a request, where nothing is known of other objects: what services, network policies and roles
/// would say of its object nobody asked for. Policies of criteria and standards are asked where `workload`, the others
/// always: they say themselves what they are about. The policies are not told again: see [`described`].
pub fn check_request(
    set: &PolicySet,
    foreign: &Foreign,
    request: &Request<'_>,
    workload: bool,
    context: &Context<'_>,
) -> Checked {
    let mut asked = Asked::new(&set.policies, &set.standards, Stage::Deploy, context.around, context.now);
    let subject = asked.to.subjects.len();
    if let Some(object) = request.object.filter(|_| workload) {
        let workloads = manifest::Workloads::among(std::slice::from_ref(object));
        if let Some(mut workload) = workloads.of(object, &mut asked.to.diagnostics) {
            let workload = &mut workload;
            (workload.permissions, workload.ingress_policy) = (Fact::NotAsked, Fact::NotAsked);
            workload.egress_policy = Fact::NotAsked;
            asked.workload(object, workload, context.images);
        }
    }
    asked.foreign = Some(foreign);
    asked.ask_foreign(About::Request(request), subject);
    asked.to
}

/// The policies that are asked at `stage`, in the order in which results name them.
pub fn described(set: &PolicySet, foreign: &Foreign, stage: Stage) -> Vec<CheckPolicy> {
    let asked = set.policies.iter().filter(|ready| !ready.policy.disabled && ready.at(stage).is_some());
    let mut policies: Vec<CheckPolicy> = asked.map(|ready| policy_described(ready, stage)).collect();
    if stage == Stage::Deploy {
        policies.extend(set.standards.iter().map(|standard| standard_described(*standard)));
        policies.extend(foreign.policies.iter().cloned());
    }
    policies
}

/// How one policy comes to what it says of each workload among `objects`, by their titles.
pub fn explain_manifests(ready: &Ready, objects: &[Object], context: &Context<'_>) -> Vec<(String, Vec<Step>)> {
    let Some(compiled) = ready.at(Stage::Deploy) else { return Vec::new() };
    let workloads = manifest::Workloads::among(objects);
    let each = objects.iter().filter_map(|object| {
        let workload = workloads.of(object, &mut Vec::new())?;
        let images = images_of(&workload, context.images);
        let subject = Subject { activity: None, workload: Some(&workload), images: &images, now: context.now };
        Some((object.title(), explain(compiled, &subject)))
    });
    each.collect()
}

/// The images of a workload's containers, and of volumes in them.
fn images_of<'a, 'i: 'a>(workload: &'a Workload, images: &dyn Fn(&str) -> Fact<&'i ImageFacts>) -> Vec<Image<'a>> {
    let named = workload.images().into_iter();
    named.map(|it| Image { name: it.name, reference: it.reference, path: it.path, facts: images(it.name) }).collect()
}

/// What the policies say of an image.
pub fn check_image(set: &PolicySet, image: &ImageSubject<'_>, now: Timestamp) -> Checked {
    let around = Surroundings::default();
    let mut asked = Asked::new(&set.policies, &set.standards, Stage::Build, &around, now);
    asked.to.policies = described(set, &Foreign::default(), Stage::Build);
    asked.tell_of_what_is_over();
    asked.image(image);
    asked.to
}

/// What is to be said of objects of kinds, with their versions, that no policy is about; by how many there are.
fn told_of_kinds(passed_over: &BTreeMap<(&str, &str), usize>) -> Option<Diagnostic> {
    const NAMED: usize = 10;
    let (count, first) = (passed_over.values().sum::<usize>(), passed_over.iter().take(NAMED));
    let mut named: Vec<String> = first.map(|((kind, version), count)| format!("{count} {kind} ({version})")).collect();
    if passed_over.len() > NAMED {
        named.push(format!("{} other kinds", passed_over.len() - NAMED));
    }
    let message = format!("not evaluated, as no policy is about such objects: {}", named.join(", "));
    (count > 0).then(|| Diagnostic::note(Code::ManifestForeign, message))
}

struct Asked<'a> {
    /// The policies of criteria that are for the stage, by their places in the report.
    policies: Vec<(usize, &'a Ready, &'a Compiled)>,
    standards: Vec<(usize, pod_security::Standard)>,
    foreign: Option<&'a Foreign>,
    /// The place of the first of them.
    first_foreign: usize,
    around: &'a Surroundings,
    now: Timestamp,
    /// How much is kept; without them, all.
    most: Option<&'a Limits>,
    keep: Keep,
    to: Checked,
}

impl<'a> Asked<'a> {
    fn new(
        policies: &'a [Ready],
        standards: &[pod_security::Standard],
        stage: Stage,
        around: &'a Surroundings,
        now: Timestamp,
    ) -> Self {
        let mut asked = Self {
            policies: Vec::new(),
            standards: Vec::new(),
            foreign: None,
            first_foreign: 0,
            around,
            now,
            most: None,
            keep: Keep::default(),
            to: Checked::default(),
        };
        let at_stage = policies.iter().filter(|ready| !ready.policy.disabled);
        let at_stage = at_stage.filter_map(|ready| Some((ready, ready.at(stage)?)));
        asked.policies = at_stage.enumerate().map(|(place, (ready, compiled))| (place, ready, compiled)).collect();
        if stage == Stage::Deploy {
            let first = asked.policies.len();
            asked.standards = (first..).zip(standards.iter().copied()).collect();
        }
        asked.first_foreign = asked.policies.len() + asked.standards.len();
        asked
    }

    fn manifests<'i>(&mut self, objects: &[Object], images: &dyn Fn(&str) -> Fact<&'i ImageFacts>) {
        let workloads = manifest::Workloads::among(objects);
        let mut passed_over = BTreeMap::new();
        for (place, object) in objects.iter().enumerate() {
            if let Some(told) = self.full(object, objects.len() - place) {
                self.to.diagnostics.push(told);
                break;
            }
            let (subject, first) = (self.to.subjects.len(), self.to.results.len());
            if let Some(workload) = workloads.of(object, &mut self.to.diagnostics) {
                self.workload(object, &workload, images);
            }
            self.ask_foreign(About::Manifest(object), subject);
            self.mend(subject, first);
            if self.to.subjects.len() == subject && manifest::is_strange(object) {
                *passed_over.entry((&*object.kind, &*object.api_version)).or_insert(0) += 1;
            }
        }
        self.to.diagnostics.extend(told_of_kinds(&passed_over));
    }

    /// What is to be said where what is kept leaves no room for more: `object` and what follows, `left` in all, are not judged.
    fn full(&self, object: &Object, left: usize) -> Option<Diagnostic> {
        let limits = self.most.filter(|limits| self.keep.weight() > limits.facts_bytes)?;
        let message = format!(
            "line {}: {} and what is behind it, {left} {} in all, were not judged: what policies say of those before takes {}",
            object.node.place.line,
            object.title(),
            if left == 1 { "object" } else { "objects" },
            limits.exceeded(LimitKey::FactsBytes, "bytes of memory"),
        );
        Some(Diagnostic::incomplete(Code::LimitExceeded, message).at(&object.file))
    }

    /// Asks the policies in other languages, which may be about anything; `subject` is its place, where it has one.
    fn ask_foreign(&mut self, about: About<'_>, subject: usize) {
        let (Some(foreign), Some(object)) = (self.foreign, about.object()) else { return };
        rego::at(self.now);
        let before = self.to.audit.len();
        let found = foreign.review(about, &mut self.to.audit);
        self.keep.audit(&self.to.audit[before..]);
        if found.is_empty() {
            return;
        }
        if self.to.subjects.len() == subject {
            let namespace = object.namespace.clone();
            self.to.add_subject(subject_of(object, SubjectKind::Object, namespace), &mut self.keep);
        }
        for Found { place, said } in found {
            let policy = self.first_foreign + place;
            if said.late {
                self.to.late.insert(policy);
            }
            let (mut violations, mut reasons) = (Vec::new(), Vec::new());
            for message in said.messages {
                if said.outcome == PolicyOutcome::Violated {
                    let place = object.place(&message.path);
                    violations.push(Violation {
                        message: message.text.into(),
                        path: message.path.into(),
                        line: place.line,
                        column: place.column,
                        details: message.details,
                        ..Violation::default()
                    });
                } else {
                    reasons.push(message.text);
                }
            }
            let reasons = reasons.into();
            self.take(CheckResult { policy, subject, outcome: said.outcome, excluded: None, violations, reasons });
        }
    }

    /// Exclusions that are over count for nothing, which whoever relied on them should know.
    fn tell_of_what_is_over(&mut self) {
        for (_, ready, compiled) in &self.policies {
            for exclusion in &compiled.exclusions {
                if let Some(until) = exclusion.until.filter(|until| *until <= self.now) {
                    let message = format!(
                        "policy {}: the exclusion {:?} is over since {until}",
                        id_of(&ready.policy),
                        exclusion.reason
                    );
                    let told = Diagnostic::note(Code::ExceptionExpired, message);
                    self.to.diagnostics.push(match &ready.file {
                        Some(file) => told.at(file),
                        None => told,
                    });
                }
            }
        }
    }

    fn workload<'i>(&mut self, object: &Object, workload: &Workload, images: &dyn Fn(&str) -> Fact<&'i ImageFacts>) {
        let subject = self.to.subjects.len();
        let namespace = workload.namespace.clone();
        self.to.add_subject(subject_of(object, SubjectKind::Workload, namespace), &mut self.keep);
        let images = images_of(workload, images);
        let asked = Subject { activity: None, workload: Some(workload), images: &images, now: self.now };
        for place in 0..self.policies.len() {
            let (policy, _, compiled) = self.policies[place];
            let mut missing = None;
            // One that has no scope applies everywhere.
            let mut applies = compiled.scopes.is_empty();
            for scope in &compiled.scopes {
                match scope.applies(workload, self.around) {
                    Applies::Yes => applies = true,
                    Applies::No => {}
                    Applies::Unknown(what) => missing = Some(what),
                }
            }
            if !applies && missing.is_none() {
                continue;
            }
            let verdict = evaluate(compiled, &asked);
            let mut result = CheckResult {
                policy,
                subject,
                outcome: verdict.outcome,
                excluded: None,
                violations: verdict.witnesses.into_iter().map(|it| violation(object, it)).collect(),
                reasons: verdict.reasons.into(),
            };
            if let (false, Some(what), true) = (applies, missing, result.outcome != PolicyOutcome::Passed) {
                result.outcome = PolicyOutcome::NotEvaluated;
                result.violations.clear();
                result.reasons = vec![format!("its scope asks for {what}, which is not said")].into();
            }
            let about = |it: &&crate::scope::ExclusionTest| it.is_about_workload(workload, self.around) == Applies::Yes;
            result.excluded = excluded(compiled.exclusions.iter().filter(about), self.now);
            self.take(result);
        }
        for (policy, standard) in self.standards.clone() {
            let Some(pod) = PodTemplate::of(object) else { continue };
            let (found, diagnostics) = pod_security::check(&pod, standard);
            let violations = found.iter().map(|found| standard_violation(object, found)).collect::<Vec<_>>();
            let outcome = match (violations.is_empty(), diagnostics.iter().any(|it| it.level == Level::Incomplete)) {
                (false, _) => PolicyOutcome::Violated,
                (true, true) => PolicyOutcome::Unknown,
                (true, false) => PolicyOutcome::Passed,
            };
            let told = diagnostics.into_iter().filter(|_| outcome == PolicyOutcome::Unknown).map(|it| it.message);
            let reasons = told.collect::<Vec<_>>().into();
            self.take(CheckResult { policy, subject, outcome, excluded: None, violations, reasons });
        }
    }

    fn image(&mut self, image: &ImageSubject<'_>) {
        let subject = self.to.subjects.len();
        self.to.subjects.push(CheckSubject {
            kind: SubjectKind::Image,
            title: image.title.to_owned(),
            api_version: String::new(),
            namespace: String::new(),
            file: String::new(),
            line: 0,
            digest: image.digest.copied(),
            passed: 0,
            patch: Shared::default(),
        });
        let full =
            image.reference.map_or_else(|| image.title.to_owned(), |it| format!("{}/{}", it.registry, it.repository));
        let facts = Fact::Known(image.facts);
        let images = [Image { name: image.title, reference: image.reference, path: String::new(), facts }];
        let asked = Subject { activity: None, workload: None, images: &images, now: self.now };
        for place in 0..self.policies.len() {
            let (policy, _, compiled) = self.policies[place];
            let verdict = evaluate(compiled, &asked);
            let about = |it: &&crate::scope::ExclusionTest| it.is_about_image(&full);
            let result = CheckResult {
                policy,
                subject,
                outcome: verdict.outcome,
                excluded: excluded(compiled.exclusions.iter().filter(about), self.now),
                violations: verdict.witnesses.into_iter().map(bare_violation).collect(),
                reasons: verdict.reasons.into(),
            };
            self.take(result);
        }
    }

    /// Puts together what would change a subject, of which the results from `first` on are.
    fn mend(&mut self, subject: usize, first: usize) {
        let Checked { subjects, results, .. } = &mut self.to;
        let Some(subject) = subjects.get_mut(subject) else { return };
        let count = |it: &&CheckResult| it.outcome == PolicyOutcome::Violated && it.excluded.is_none();
        let violations = results[first..].iter().filter(count).flat_map(|result| &result.violations);
        subject.patch = self.keep.patch(fix::together(violations.filter_map(|it| it.fix.as_deref())));
    }

    fn take(&mut self, mut result: CheckResult) {
        if result.outcome == PolicyOutcome::Passed {
            // Those that are not told are not counted.
            if let Some(policy) = self.to.policies.get_mut(result.policy) {
                policy.passed += 1;
            }
            self.to.subjects[result.subject].passed += 1;
            return;
        }
        // Two ways to one violation are one.
        let mut seen = std::collections::HashSet::new();
        result.violations.retain(|it| seen.insert((it.message.clone(), it.path.clone())));
        let subject = &self.to.subjects[result.subject];
        self.keep.result(&mut result, subject);
        self.to.results.push(result);
    }
}

fn excluded<'a>(
    about: impl Iterator<Item = &'a crate::scope::ExclusionTest>,
    now: Timestamp,
) -> Option<Shared<CheckExclusion>> {
    let mut valid = about.filter(|exclusion| exclusion.until.is_none_or(|until| until > now));
    valid.next().map(|it| CheckExclusion { reason: it.reason.clone(), until: it.until }.into())
}

fn bare_violation(witness: Witness) -> Violation {
    let Witness { criterion, container, path, message, .. } = witness;
    Violation {
        message: message.into(),
        criterion: criterion.into(),
        container: container.map(Shared::from),
        path: path.into(),
        ..Violation::default()
    }
}

fn violation(object: &Object, witness: Witness) -> Violation {
    let set = witness.set.clone();
    let mut violation = bare_violation(witness);
    let place = object.place(&violation.path);
    (violation.line, violation.column) = (place.line, place.column);
    violation.fix = set.map(|value| fix::set(object, &violation.path, value).into());
    violation
}

fn standard_violation(object: &Object, found: &pod_security::Violation) -> Violation {
    let path = found.paths.first().cloned().unwrap_or_default();
    let place = object.place(&path);
    Violation {
        message: found.to_string().into(),
        criterion: found.check.into(),
        path: path.into(),
        line: place.line,
        column: place.column,
        ..Violation::default()
    }
}

fn subject_of(object: &Object, kind: SubjectKind, namespace: String) -> CheckSubject {
    CheckSubject {
        kind,
        title: object.title(),
        api_version: object.api_version.clone(),
        namespace,
        file: object.file.clone(),
        line: object.node.place.line,
        digest: None,
        passed: 0,
        patch: Shared::default(),
    }
}

/// What a policy is known by: its id, or its name where it has none.
fn id_of(policy: &Policy) -> &str {
    if policy.id.is_empty() { &policy.name } else { &policy.id }
}

fn policy_described(ready: &Ready, stage: Stage) -> CheckPolicy {
    let policy = &ready.policy;
    CheckPolicy {
        id: id_of(policy).to_owned(),
        name: policy.name.clone(),
        language: PolicyLanguage::Criteria,
        file: ready.file.clone(),
        severity: policy.severity,
        enforced: policy.is_enforced_at(stage),
        description: policy.description.clone(),
        rationale: policy.rationale.clone(),
        remediation: policy.remediation.clone(),
        categories: policy.categories.clone(),
        controls: policy.controls.clone(),
        passed: 0,
    }
}

fn standard_described(standard: pod_security::Standard) -> CheckPolicy {
    CheckPolicy {
        id: PolicySet::id_of(standard),
        name: format!("Pod Security Standards: {standard}"),
        language: PolicyLanguage::PodSecurity,
        file: None,
        severity: PolicySet::severity_of(standard),
        // Whoever names a level wants it held.
        enforced: true,
        description: String::new(),
        rationale: String::new(),
        remediation: String::new(),
        categories: Vec::new(),
        controls: Vec::new(),
        passed: 0,
    }
}

/// What makes a check fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckOptions {
    /// Violations at least this severe fail, enforced or not.
    pub fail_on: Option<PolicySeverity>,
    /// Nothing fails.
    pub warn_only: bool,
    /// What could not be read or judged is no reason to say unknown.
    pub allow_incomplete: bool,
}

/// Sets what the report comes to: refused where a result fails it, else unknown where one could that is not known, or
/// where something was not read.
pub fn judge(report: &mut CheckReport, options: CheckOptions) {
    let CheckOptions { fail_on, warn_only, allow_incomplete } = options;
    report.gate = CheckGate { fail_on, warn_only, allow_incomplete, verdict: Verdict::Passed, unknown: Vec::new() };
    let mut unknown: Vec<String> =
        report.diagnostics.iter().filter(|it| it.level == Level::Incomplete).map(ToString::to_string).collect();
    for result in report.results.iter().filter(|it| it.outcome == PolicyOutcome::Unknown) {
        if report.would_fail(result) {
            let reasons = result.reasons.join("; ");
            let policy = &report.policies[result.policy].id;
            unknown.push(format!("{policy}: {}: {reasons}", report.subjects[result.subject].title));
        }
    }
    report.gate.verdict = if report.results.iter().any(|result| report.is_failure(result)) {
        Verdict::Refused
    } else if unknown.is_empty() || allow_incomplete {
        Verdict::Passed
    } else {
        Verdict::Unknown
    };
    report.gate.unknown = unknown;
}

/// What `ready` says of one of its examples: the worst of all subjects in it, exclusions left aside where the example
/// says so by being where they do not hold.
pub fn prove(ready: &Ready, example: &Example) -> (PolicyOutcome, Checked) {
    let objects: Vec<Object> =
        example.manifest.iter().filter_map(|node| Object::new("example", node.clone())).collect();
    let around = Surroundings::default();
    let known = |name: &str| {
        let found = example.images.iter().find(|(known, _)| known == name);
        found.map_or(Fact::NotAsked, |(_, facts)| Fact::Known(facts))
    };
    let one = std::slice::from_ref(ready);
    if let Some(event) = &example.event {
        return proven(ready, event, example.now);
    }
    let checked = if example.manifest.is_empty() {
        let mut asked = Asked::new(one, &[], Stage::Build, &around, example.now);
        asked.to.policies = vec![policy_described(ready, Stage::Build)];
        for (name, facts) in &example.images {
            let reference = ImageRef::familiar(name).ok();
            asked.image(&ImageSubject { title: name, reference: reference.as_ref(), digest: None, facts });
        }
        asked.to
    } else {
        let mut asked = Asked::new(one, &[], Stage::Deploy, &around, example.now);
        asked.to.policies = vec![policy_described(ready, Stage::Deploy)];
        asked.manifests(&objects, &known);
        asked.to
    };
    let counts = checked.results.iter().filter(|result| result.excluded.is_none());
    (counts.map(|result| result.outcome).max().unwrap_or(PolicyOutcome::Passed), checked)
}

/// The same of something that happens.
fn proven(ready: &Ready, event: &Event, now: Timestamp) -> (PolicyOutcome, Checked) {
    let verdict = check_activity(ready, &event.activity(), &Surroundings::default(), now);
    let mut checked = Checked { policies: vec![policy_described(ready, Stage::Runtime)], ..Checked::default() };
    let Some(verdict) = verdict else { return (PolicyOutcome::Passed, checked) };
    let outcome = if verdict.excluded.is_some() { PolicyOutcome::Passed } else { verdict.outcome };
    checked.results.push(CheckResult {
        policy: 0,
        subject: 0,
        outcome: verdict.outcome,
        excluded: None,
        violations: verdict.witnesses.into_iter().map(bare_violation).collect(),
        reasons: verdict.reasons.into(),
    });
    (outcome, checked)
}

#[cfg(test)]
mod tests;
