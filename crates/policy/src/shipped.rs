//! The policies that ship, held to their own examples.

use crate::check::prove;
use crate::fix;
use crate::set::PolicySet;
use sekisho_base::Limits;
use sekisho_model::PolicyOutcome;
use std::collections::HashSet;

fn shipped() -> PolicySet {
    let mut set = PolicySet::default();
    let faults = set.add_shipped(None, &Limits::default());
    assert!(faults.is_empty(), "{faults:#?}");
    set
}

#[test]
fn every_policy_says_of_its_examples_what_they_expect() {
    for ready in &shipped().policies {
        let id = &ready.policy.id;
        for example in &ready.examples {
            let (outcome, checked) = prove(ready, example);
            assert_eq!(outcome, example.expect, "{id}: {}: {:#?}", example.name, checked);
        }
        let expects = |wanted| ready.examples.iter().any(|example| example.expect == wanted);
        let is_judged_now = ready.policy.stages.iter().any(|stage| ready.at(*stage).is_some());
        assert!(!is_judged_now || expects(PolicyOutcome::Violated), "{id} has no example that fails");
        assert!(!is_judged_now || expects(PolicyOutcome::Passed), "{id} has no example that passes");
    }
}

#[test]
fn every_policy_is_whole_and_like_no_other() {
    let set = shipped();
    let mut ids = HashSet::new();
    let mut asked = HashSet::new();
    for ready in &set.policies {
        let policy = &ready.policy;
        let id = &policy.id;
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(asked.insert(format!("{:?} {:?}", policy.sections, policy.stages)), "{id} asks what another asks");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{id}");
        let texts = [&policy.name, &policy.description, &policy.rationale, &policy.remediation];
        assert!(texts.iter().all(|text| !text.is_empty()), "{id} lacks a text");
        let Some((_, ja)) = policy.translations.first() else { panic!("{id} has no Japanese") };
        for text in [&ja.name, &ja.description, &ja.rationale, &ja.remediation] {
            assert!(!text.is_ascii(), "{id}: {text:?} is no Japanese");
        }
        assert!(!policy.controls.is_empty() && !policy.profiles.is_empty() && !policy.categories.is_empty(), "{id}");
        for profile in &policy.profiles {
            assert!(["baseline", "restricted", "nist-800-190", "ci"].contains(&profile.as_str()), "{id}: {profile}");
        }
    }
}

/// A fix is right where what it changes is no violation any more.
#[test]
fn what_is_said_to_mend_a_violation_mends_it() {
    let mut mended = 0;
    for ready in &shipped().policies {
        for example in ready.examples.iter().filter(|example| example.expect == PolicyOutcome::Violated) {
            let (_, checked) = prove(ready, example);
            let all = checked.results.iter().flat_map(|result| &result.violations);
            let fixes: Vec<_> = all.filter_map(|violation| violation.fix.clone()).collect();
            let [node] = example.manifest.as_slice() else { continue };
            if fixes.is_empty() {
                continue;
            }
            let mut example = example.clone();
            example.manifest = vec![fix::tests::applied(node, &fixes)];
            let (outcome, checked) = prove(ready, &example);
            assert_eq!(outcome, PolicyOutcome::Passed, "{}: {fixes:?}: {checked:?}", ready.policy.id);
            mended += 1;
        }
    }
    assert!(mended > 0);
}
