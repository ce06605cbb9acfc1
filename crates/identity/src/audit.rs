//! What is told of in the audit log, and who may look at it. The log itself is `sekisho_store`'s.

use crate::Identity;
use crate::error::IdentityError;
use crate::name::clipped;
use crate::principal::Principal;
use crate::role::{Access, Resource};
use sekisho_store::{AuditEntry, AuditFrom, AuditHead, AuditVerdict, Deed};
use serde_json::{Value, json};

/// Bytes of what else is told of a deed.
const MOST_BYTES: usize = 32 << 10;

/// What came of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Identity {
    /// Tells in the audit log that somebody did something: `policy.put` of `policy:NAME`, with more as a JSON object. Nothing secret
    /// belongs there: it is never removed.
    pub async fn record(
        &self,
        by: &Principal,
        action: &str,
        subject: &str,
        outcome: Outcome,
        detail: Value,
    ) -> Result<u64, IdentityError> {
        let deed = Deed { outcome: outcome.as_str().to_owned(), ..self.deed(by, action, subject, detail) };
        Ok(self.store.audit_add(&deed).await?)
    }

    /// Entries of the audit log.
    pub async fn audit_list(
        &self,
        by: &Principal,
        from: AuditFrom,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, IdentityError> {
        by.demand(Resource::Audit, Access::Read)?;
        Ok(self.store.audit_list(from, limit).await?)
    }

    /// Whether the audit log is what was written, and where not; see [`sekisho_store::Store::audit_verify`].
    pub async fn audit_verify(&self, by: &Principal, noted: Option<&AuditHead>) -> Result<AuditVerdict, IdentityError> {
        by.demand(Resource::Audit, Access::Read)?;
        Ok(self.store.audit_verify(noted).await?)
    }

    /// Something that is done, as it is told.
    pub(crate) fn deed(&self, by: &Principal, action: &str, subject: &str, detail: Value) -> Deed {
        let mut detail = if detail.is_object() { detail } else { json!({ "detail": detail }) };
        let bytes = detail.to_string().len();
        if bytes > MOST_BYTES {
            detail = json!({ "left_out_bytes": bytes });
        }
        detail["by"] = json!(by.name());
        Deed {
            at: self.clock.now(),
            who: by.who(),
            action: clipped(action, 64),
            subject: clipped(subject, 300),
            outcome: Outcome::Done.as_str().to_owned(),
            detail: detail.to_string(),
        }
    }
}

impl Outcome {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}
