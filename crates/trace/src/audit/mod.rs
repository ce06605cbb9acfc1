//! Audit events of Kubernetes, and the fields that rules ask of them: `ka.*` and `jevt.*`.
//!
//! The API server writes them as JSON, one a line, one a file, or in an `EventList`
//! (<https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/>). What the fields mean is what Falco's plugin makes of
//! them (`plugins/k8saudit` in <https://github.com/falcosecurity/plugins>). Where one container of several does not say
//! something, the plugin has no value for all of them; here are the values of those that do. Repositories with a port are
//! kept whole, and effective users come from the pod's security context, where the plugin looks beside it.

mod fields;
mod read;
#[cfg(test)]
mod tests;

use crate::event::EventCode;
use crate::field::{Facts, Field, Name, Scope, Source, Stamp, Supply, Unknown, Value};
use serde_json::Value as Json;

pub use read::Reader;

/// One audit event.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// Position in the stream, from 1.
    pub number: u64,
    /// When the stage was reached, nanoseconds since 1970; 0 if it does not say.
    pub time: u64,
    json: Json,
}

impl AuditEvent {
    /// The whole event.
    pub fn json(&self) -> &Json {
        &self.json
    }

    fn at(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(&self.json, |json, key| json.get(key))
    }
}

impl Facts for AuditEvent {
    fn value(&self, field: &Field) -> Value<'_> {
        let info = field.info();
        if let Supply::Never(reason) = info.supply {
            return Value::Unknown(Unknown::Never(reason));
        }
        match (info.source, field.id.name()) {
            (Source::Syscall, _) => Value::Unknown(Unknown::Source),
            (_, name @ (Name::EvtType | Name::EvtSource | Name::EvtPluginname)) => Value::text(match name {
                Name::EvtType => "pluginevent",
                Name::EvtSource => "k8s_audit",
                _ => "k8saudit",
            }),
            (_, Name::EvtNum) => Value::uint(self.number),
            (_, name) => self.field(name, field),
        }
    }

    fn code(&self) -> EventCode {
        EventCode::PLUGINEVENT_E
    }

    fn stamp(&self, _: Scope) -> Option<Stamp> {
        None
    }
}
