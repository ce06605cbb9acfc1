//! Requests for admission, and what is answered.

use sekisho_admission::judge::{Known, Step};
use sekisho_admission::review::Review;
use sekisho_admission::{Decision, Judge, Mode, Rules};
use sekisho_base::Limits;
use sekisho_policy::PolicySet;
use serde_json::Value;
use std::sync::LazyLock;

static JUDGE: LazyLock<Judge> = LazyLock::new(|| {
    let mut set = PolicySet::default();
    set.add_shipped(None, &Limits::default());
    Judge::new(Rules { mode: Mode::Enforce, ..Rules::default() }, set)
});

/// A request, judged in every mode, and what the API server holds an answer to.
pub fn admission(bytes: &[u8]) {
    let Ok(review) = Review::read(bytes) else { return };
    assert!(!review.uid.is_empty());
    for label in Mode::ALL.map(Some) {
        let decision = match JUDGE.begin(review.clone(), label) {
            Step::Done(decision) => *decision,
            Step::Judge(case) => {
                let now = jiff::Timestamp::UNIX_EPOCH;
                JUDGE.decide(&case, &Known::default(), now, true).expect("a last decision is one")
            }
        };
        assert!(decision.allowed() || label == Some(Mode::Enforce), "it is refused where nothing is");
        check(&decision, &review.uid);
    }
}

fn check(decision: &Decision, uid: &str) {
    let answer: Value = serde_json::from_slice(&decision.answer(uid)).expect("an answer is JSON");
    let response = &answer["response"];
    assert_eq!(response["uid"].as_str(), Some(uid), "it answers another request");
    assert_eq!(response["allowed"].as_bool(), Some(decision.allowed()));
    assert!(decision.allowed() || !decision.message.is_empty(), "a denial says nothing");
    assert!(decision.message.len() <= 8 << 10);
    assert!(decision.warnings.len() <= 14);
    for warning in &decision.warnings {
        assert!(warning.len() <= 256 && !warning.contains(char::is_control), "{warning:?}");
    }
    for value in decision.annotations.values() {
        assert!(value.len() <= 1024, "{value:?}");
    }
}
