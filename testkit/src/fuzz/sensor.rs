//! Records of the sensor's rings.

use sekisho_sensor::Decoder;
use sekisho_trace::state::{Bounds, State};

/// Bytes of one place in a ring become an event whose parameters can be asked for, and which the state takes, or are
/// refused. They are from our own programs, but much of what is in them was chosen by whoever is watched.
pub fn sensor_record(bytes: &[u8]) {
    let mut decoder = Decoder::new(1 << 60);
    if let Ok(Some((event, ..))) = decoder.decode(bytes, b"pids=/x\0") {
        let mut state = State::new(Bounds {
            threads: 16,
            fds: 16,
            program_bytes: 1 << 20,
            containers: 4,
            users: 4,
            ..Bounds::default()
        });
        state.apply(&event);
        for at in 0..event.params.len() {
            if let Some(param) = event.param(at) {
                let _ = (param.int(), param.text(), param.tuple(), param.address());
            }
        }
    }
}
