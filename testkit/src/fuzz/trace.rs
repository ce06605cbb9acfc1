//! Captures and audit events.

use sekisho_base::Limits;
use sekisho_trace::scap::{Options, Replay};
use sekisho_trace::state::Bounds;
use sekisho_trace::{Facts, Field, FieldId, Value};
use std::sync::LazyLock;

/// Every field, with an argument where one is needed.
static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let parse = |name: &str| {
        let spellings = [name.to_owned(), format!("{name}[1]"), format!("{name}[x]")];
        spellings.iter().find_map(|text| Field::parse(text).ok())
    };
    FieldId::all().filter_map(|id| parse(id.info().name)).collect()
});

/// A capture: read, taken in, and asked for every field of every event. What is kept stays within its bounds, and what is
/// not a list has at most one value.
pub fn scap(bytes: &[u8]) {
    let limits = Limits { inflated_bytes: 1 << 20, records: 200, ..Limits::default() };
    let bounds = Bounds {
        threads: 20,
        fds: 10,
        program_bytes: 1 << 20,
        file_bytes: 100_000,
        containers: 3,
        container_bytes: 10_000,
        users: 10,
    };
    let options = Options { exit_only: bytes.len() % 2 == 1, bounds: bounds.clone() };
    let Ok(mut replay) = Replay::new(bytes, bytes.len() as u64, &limits, &options) else { return };
    let ask = |facts: &dyn Facts| {
        for field in FIELDS.iter() {
            let value = facts.value(field);
            assert!(field.is_list() || !matches!(value, Value::List(_)), "{field:?} is not a list: {value:?}");
        }
    };
    while replay.next(|facts| ask(&facts)).is_some() {
        assert!(replay.state().thread_count() <= bounds.threads);
        assert!(replay.state().containers().len() <= bounds.containers);
    }
}

/// Audit events: read and asked for every field; numbers ascend.
pub fn audit(bytes: &[u8]) {
    let limits = Limits { text_file_bytes: 10_000, ..Limits::default() };
    let Ok(reader) = sekisho_trace::audit::Reader::new(bytes, bytes.len() as u64, &limits) else { return };
    for (at, event) in reader.enumerate() {
        assert_eq!(event.number, at as u64 + 1);
        for field in FIELDS.iter() {
            let _ = event.value(field);
        }
    }
}
