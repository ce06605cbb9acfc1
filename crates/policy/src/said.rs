//! What a policy in somebody else's language says of one object.

use crate::evaluate::Outcome;

/// What was said, whatever the language.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// What it comes to. Where the policy could not be asked, or did not end, that is [`Outcome::Unknown`].
    pub outcome: Outcome,
    /// What is wrong with the object, or why that is not known; none where it passed.
    pub messages: Vec<Message>,
    /// Whether that is so for want of time.
    pub late: bool,
}

/// One thing that is said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// In the policy's own words.
    pub text: String,
    /// Where in the object, from its top: `spec.replicas`; empty where the policy does not say.
    pub path: String,
    /// What the policy adds for programs; null where nothing.
    pub details: serde_json::Value,
}

impl Said {
    /// Nothing is wrong.
    pub fn passed() -> Self {
        Self { outcome: Outcome::Passed, messages: Vec::new(), late: false }
    }

    /// Nobody can say, for this reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        let message = Message { text: reason.into(), ..Message::default() };
        Self { outcome: Outcome::Unknown, messages: vec![message], late: false }
    }

    /// These are wrong.
    pub(crate) fn violated(messages: Vec<Message>) -> Self {
        Self { outcome: Outcome::Violated, messages, late: false }
    }

    /// Nobody can say, since nobody could wait for it.
    pub(crate) fn late(reason: impl Into<String>) -> Self {
        Self { late: true, ..Self::unknown(reason) }
    }
}
