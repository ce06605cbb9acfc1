//! Policies in other languages, asked about objects beside those of criteria.

use crate::manifest::Object;
use crate::rego::conftest::{self, Conftest};
use crate::rego::gatekeeper::{self, Action, Gatekeeper};
use crate::said::{Message, Said};
use crate::set::PolicyFault;
use crate::vap;
use sekisho_model::{CheckPolicy, PolicyLanguage, PolicySeverity};
use std::time::Duration;

/// How long one evaluation of Rego may take.
const TIME: Duration = Duration::from_secs(2);
/// Where the API server of Gatekeeper's own checks is none: on a command line.
const POINT: &str = "gator.gatekeeper.sh";

/// Policies in other languages as they were given.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Templates, constraints, policies, bindings, and their parameters.
    pub(crate) objects: Vec<Object>,
    /// Files of Rego by name.
    pub(crate) rego: Vec<(String, String)>,
}

/// Policies in other languages, made ready for the objects that they are asked about.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    vap: vap::Policies,
    /// Policy and binding, in the order of the policies of the report.
    bound: Vec<(String, Option<String>)>,
    /// Its constraints come next.
    gatekeeper: Option<Gatekeeper>,
    /// What of them is in the language of the API server, by the place of the constraint.
    native: Vec<Option<Result<vap::gatekeeper::Template, String>>>,
    /// Its rules come last.
    conftest: Option<Conftest>,
    /// As the report tells of them.
    pub(crate) policies: Vec<CheckPolicy>,
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
    /// The policies among `sources`, for `objects`, which may be their parameters and namespaces; and what is wrong with
    /// them.
    pub(crate) fn load(sources: &Sources, objects: &[Object]) -> (Self, Vec<PolicyFault>) {
        let mut foreign = Self::default();
        let mut faults = Vec::new();
        if !sources.objects.is_empty() {
            foreign.load_native(&sources.objects, objects, &mut faults);
            foreign.load_gatekeeper(&sources.objects, objects, &mut faults);
        }
        if !sources.rego.is_empty() {
            foreign.load_conftest(&sources.rego, &mut faults);
        }
        (foreign, faults)
    }

    fn load_native(&mut self, sources: &[Object], objects: &[Object], faults: &mut Vec<PolicyFault>) {
        // A manifest of a policy is to be judged, not to judge.
        let around = objects.iter().filter(|object| !is_policy(object));
        let all: Vec<Object> = sources.iter().chain(around).cloned().collect();
        let (vap, wrong) = vap::Policies::load(&all);
        faults.extend(wrong.into_iter().map(|fault| {
            let reason = format!("{}: {} {}", fault.title, fault.path, fault.reason);
            PolicyFault { file: fault.file, place: fault.place, reason }
        }));
        for asked in vap.asked() {
            let name = match asked.binding {
                Some(binding) if binding != asked.policy => format!("{} ({binding})", asked.policy),
                _ => asked.policy.to_owned(),
            };
            // Without a binding the server asks nothing; whoever checks means it to be asked.
            let enforced = asked.binding.is_none() || asked.actions.contains(&vap::Action::Deny);
            let severity = if enforced { PolicySeverity::High } else { PolicySeverity::Medium };
            self.policies.push(described(asked.policy, &name, PolicyLanguage::Cel, asked.file, severity, enforced));
            self.bound.push((asked.policy.to_owned(), asked.binding.map(str::to_owned)));
        }
        self.vap = vap;
    }

    fn load_gatekeeper(&mut self, sources: &[Object], objects: &[Object], faults: &mut Vec<PolicyFault>) {
        let (gatekeeper, wrong) = Gatekeeper::load(sources, Some(objects), TIME);
        faults.extend(wrong.into_iter().map(|it| PolicyFault { file: it.file, place: it.place, reason: it.reason }));
        for constraint in gatekeeper.constraints() {
            let id = format!("{}/{}", constraint.kind, constraint.name);
            let enforced = constraint.actions(POINT).contains(&Action::Deny);
            let severity = if enforced { PolicySeverity::High } else { PolicySeverity::Medium };
            let language = PolicyLanguage::Gatekeeper;
            self.policies.push(described(&id, &id, language, &constraint.file, severity, enforced));
            self.native.push(constraint.cel.as_ref().map(|source| {
                vap::gatekeeper::Template::new(source, &constraint.file, &constraint.kind)
                    .map_err(|wrong| wrong.first().map(ToString::to_string).unwrap_or_default())
            }));
        }
        self.gatekeeper = Some(gatekeeper);
    }

    fn load_conftest(&mut self, files: &[(String, String)], faults: &mut Vec<PolicyFault>) {
        let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let setup = conftest::Setup { namespaces: None, data: &[], dialect: None, time: TIME };
        match Conftest::load(&named, &setup) {
            Ok(conftest) => {
                for rule in conftest.rules() {
                    let id = format!("{}.{}", rule.namespace, rule.name);
                    let severity = if rule.is_warning { PolicySeverity::Low } else { PolicySeverity::High };
                    let file = files.first().map_or("", |(name, _)| name);
                    self.policies.push(described(&id, &id, PolicyLanguage::Conftest, file, severity, !rule.is_warning));
                }
                self.conftest = Some(conftest);
            }
            Err(wrong) => faults.extend(wrong.into_iter().map(|it| PolicyFault {
                file: it.file,
                place: it.place,
                reason: it.reason,
            })),
        }
    }

    /// What each policy that is about `object` says of it, by the policy's place.
    pub(crate) fn review(&self, object: &Object) -> Vec<(usize, Said)> {
        let mut found: Vec<(usize, Said)> = Vec::new();
        // The object is made ready for them at some cost.
        let reviews = if self.bound.is_empty() { Vec::new() } else { self.vap.review(object) };
        for review in reviews {
            let of = |(policy, binding): &(String, Option<String>)| {
                policy == review.policy && binding.as_deref() == review.binding
            };
            let Some(place) = self.bound.iter().position(of) else { continue };
            let with = |message: Message| match &review.parameters {
                Some(parameters) => Message { text: format!("{} (with {parameters})", message.text), ..message },
                None => message,
            };
            let messages: Vec<Message> = review.said.messages.into_iter().map(with).collect();
            match found.iter_mut().find(|(known, _)| *known == place) {
                None => found.push((place, Said { outcome: review.said.outcome, messages })),
                // Once for each of its parameters: the worst counts.
                Some((_, said)) if said.outcome < review.said.outcome => {
                    *said = Said { outcome: review.said.outcome, messages };
                }
                Some((_, said)) if said.outcome == review.said.outcome => said.messages.extend(messages),
                Some(_) => {}
            }
        }
        let mut first = self.bound.len();
        if let Some(gatekeeper) = &self.gatekeeper {
            let place_of = |constraint: &gatekeeper::Constraint| {
                gatekeeper.constraints().iter().position(|known| std::ptr::eq(known, constraint))
            };
            // A template may be in another language, or in both.
            let native = |constraint: &gatekeeper::Constraint| match self.native.get(place_of(constraint)?)?.as_ref()? {
                Ok(template) => Some(template.ask(constraint.given.as_ref(), object, &self.vap)),
                Err(reason) => Some(Said::unknown(reason)),
            };
            for (constraint, said) in gatekeeper.review_with(&gatekeeper::Review::of(object), &native) {
                found.extend(place_of(constraint).map(|place| (first + place, said)));
            }
            first += gatekeeper.constraints().len();
        }
        if let Some(conftest) = &self.conftest {
            for (place, checked) in conftest.check(&object.node).into_iter().enumerate() {
                found.push((first + place, checked.said));
            }
        }
        found
    }
}

fn described(
    id: &str,
    name: &str,
    language: PolicyLanguage,
    file: &str,
    severity: PolicySeverity,
    enforced: bool,
) -> CheckPolicy {
    CheckPolicy {
        id: id.to_owned(),
        name: name.to_owned(),
        language,
        file: Some(file.to_owned()),
        severity,
        enforced,
        description: String::new(),
        rationale: String::new(),
        remediation: String::new(),
        categories: Vec::new(),
        controls: Vec::new(),
        passed: 0,
    }
}
