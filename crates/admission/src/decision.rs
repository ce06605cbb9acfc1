//! What is answered to a request, and why.

use crate::review;
use crate::rules::Mode;
use std::collections::BTreeMap;

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
    /// Those among them that were not judged for want of time.
    pub not_judged: Vec<String>,
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

    pub(crate) fn without(outcome: Outcome, why: &str) -> Self {
        Self {
            outcome,
            mode: None,
            message: why.to_owned(),
            warnings: Vec::new(),
            annotations: BTreeMap::new(),
            policies: Vec::new(),
            unknown: Vec::new(),
            not_judged: Vec::new(),
            reason: None,
        }
    }
}
