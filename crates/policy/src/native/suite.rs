//! Suites of tests: policies, manifests, and what is to be said of these.
//!
//! ```yaml
//! suite: our rules
//! policies: [policies/]
//! cases:
//! - name: a privileged pod is refused
//!   manifests: [samples/privileged.yaml]
//!   expect: {privileged-container: violated, run-as-root: passed}
//! ```

use super::Wrong;
use super::fields::Fields;
use sekisho_base::tree::Node;
use sekisho_model::PolicyOutcome;

/// Policies, and what they are to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// What it is called.
    pub name: String,
    /// Files and directories of policies, from where the suite is.
    pub policies: Vec<String>,
    /// What is asked.
    pub cases: Vec<Case>,
}

/// Manifests, and what is to be said of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Files and directories of manifests, from where the suite is.
    pub manifests: Vec<String>,
    /// What each policy is to say, by its id: of all workloads in the manifests the worst.
    pub expect: Vec<(String, PolicyOutcome)>,
}

/// Whether a document is a suite.
pub fn is_suite(node: &Node) -> bool {
    node.get("suite").is_some() && node.get("cases").is_some()
}

/// The suite that `node` is, or all that is wrong with it.
pub fn read_suite(node: &Node) -> Result<Suite, Vec<Wrong>> {
    let mut from = Fields::of(node, "the suite");
    let suite = Suite {
        name: from.needed_text("suite"),
        policies: from.texts("policies"),
        cases: from.each("cases", |from| Case {
            name: from.needed_text("name"),
            manifests: from.texts("manifests"),
            expect: from.map("expect", |policy, node, from| {
                let outcome = from.word_of(node, policy, &super::example::OUTCOMES);
                (policy.to_owned(), outcome.unwrap_or(PolicyOutcome::Passed))
            }),
        }),
    };
    for case in &suite.cases {
        if case.manifests.is_empty() || case.expect.is_empty() {
            from.wrong(&format!("has the case {:?}, which names no manifests or expects nothing", case.name));
        }
    }
    let wrongs = from.finish();
    if wrongs.is_empty() { Ok(suite) } else { Err(wrongs) }
}
