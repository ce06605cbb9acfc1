//! Policies in other languages, asked about objects beside those of criteria.

use crate::manifest::Object;
use crate::said::{Message, Said};
use crate::set::PolicyFault;
use crate::vap;
use sekisho_model::{CheckPolicy, PolicyLanguage, PolicySeverity};

/// Policies in other languages, made ready for the objects that they are asked about.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    vap: vap::Policies,
    /// Policy and binding, in the order of the policies of the report.
    bound: Vec<(String, Option<String>)>,
    /// As the report tells of them.
    pub(crate) policies: Vec<CheckPolicy>,
}

/// What is no manifest but a policy, whatever it lies among.
fn is_policy(object: &Object) -> bool {
    object.group() == "admissionregistration.k8s.io"
        && ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"].contains(&object.kind.as_str())
}

impl Foreign {
    /// The policies among `sources`, for `objects`, which may be their parameters and namespaces; and what is wrong with
    /// them.
    pub(crate) fn load(sources: &[Object], objects: &[Object]) -> (Self, Vec<PolicyFault>) {
        if sources.is_empty() {
            return (Self::default(), Vec::new());
        }
        // A manifest of a policy is to be judged, not to judge.
        let around = objects.iter().filter(|object| !is_policy(object));
        let all: Vec<Object> = sources.iter().chain(around).cloned().collect();
        let (vap, faults) = vap::Policies::load(&all);
        let faults = faults.into_iter().map(|fault| {
            let reason = format!("{}: {} {}", fault.title, fault.path, fault.reason);
            PolicyFault { file: fault.file, place: fault.place, reason }
        });
        let faults = faults.collect();
        let mut bound = Vec::new();
        let mut policies = Vec::new();
        for asked in vap.asked() {
            let name = match asked.binding {
                Some(binding) => format!("{} ({binding})", asked.policy),
                None => asked.policy.to_owned(),
            };
            // Without a binding the server asks nothing; whoever checks means it to be asked.
            let enforced = asked.binding.is_none() || asked.actions.contains(&vap::Action::Deny);
            let severity = if enforced { PolicySeverity::High } else { PolicySeverity::Medium };
            policies.push(described(asked.policy, &name, PolicyLanguage::Cel, asked.file, severity, enforced));
            bound.push((asked.policy.to_owned(), asked.binding.map(str::to_owned)));
        }
        (Self { vap, bound, policies }, faults)
    }

    /// What each policy that is about `object` says of it, by the policy's place.
    pub(crate) fn review(&self, object: &Object) -> Vec<(usize, Said)> {
        let mut found: Vec<(usize, Said)> = Vec::new();
        for review in self.vap.review(object) {
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
