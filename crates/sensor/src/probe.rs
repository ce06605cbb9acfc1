//! What of the kernel's means this kernel allows to this process, found by asking it: a program of two instructions per
//! type, and where that type needs one, a place to attach to.

use crate::sys;
use std::fs;
use std::io;

/// A means of the kernel.
#[derive(Debug, Clone, Copy)]
struct Means {
    name: &'static str,
    about: &'static str,
    /// `BPF_PROG_TYPE_*` and `BPF_*`, the way of attaching (`include/uapi/linux/bpf.h`).
    kind: u32,
    attach: u32,
    /// Of which type the place is, and its `BTF_KIND_*`; empty for none.
    place: (&'static str, u32),
}

const TYPEDEF: u32 = 8;
const FUNCTION: u32 = 12;

/// What sensor and response would use.
const MEANS: &[Means] = &[
    Means {
        name: "tp_btf",
        about: "programs, processes, calls",
        kind: 26,
        attach: 23,
        place: ("btf_trace_sys_exit", TYPEDEF),
    },
    Means { name: "iter/task", about: "what runs already", kind: 26, attach: 28, place: ("bpf_iter_task", FUNCTION) },
    Means {
        name: "fentry",
        about: "functions of the kernel",
        kind: 26,
        attach: 24,
        place: ("security_file_open", FUNCTION),
    },
    Means { name: "fmod_ret", about: "denying calls", kind: 26, attach: 26, place: ("security_file_open", FUNCTION) },
    Means {
        name: "lsm",
        about: "denying programs and writes",
        kind: 29,
        attach: 27,
        place: ("bpf_lsm_file_open", FUNCTION),
    },
    Means { name: "cgroup/connect4", about: "denying connections", kind: 18, attach: 10, place: ("", 0) },
    Means { name: "raw_tracepoint", about: "calls without types", kind: 17, attach: 0, place: ("", 0) },
    Means { name: "kprobe", about: "functions of the kernel", kind: 2, attach: 0, place: ("", 0) },
];

/// Whether this process may use one of the kernel's means.
#[derive(Debug)]
pub struct Probe {
    /// As the kernel calls it.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Why not, if not.
    pub allowed: Result<(), io::Error>,
}

/// Asks the kernel. Loads nothing that stays.
pub fn probe() -> Vec<Probe> {
    let types = fs::read("/sys/kernel/btf/vmlinux").unwrap_or_default();
    let places: Vec<_> = MEANS.iter().map(|means| means.place).collect();
    let ids = type_ids(&types, &places);
    let ask = |(means, id): (&Means, Option<u32>)| match (means.place.0, id) {
        ("", _) => sys::probe_program(means.kind, means.attach, 0),
        (_, Some(id)) => sys::probe_program(means.kind, means.attach, id),
        (place, None) => Err(io::Error::new(io::ErrorKind::NotFound, format!("the kernel has no {place}"))),
    };
    let probe = |pair: (&Means, Option<u32>)| Probe { name: pair.0.name, about: pair.0.about, allowed: ask(pair) };
    MEANS.iter().zip(ids).map(probe).collect()
}

/// Numbers of the types with these names and kinds in a description of types (<https://docs.kernel.org/bpf/btf.html>).
fn type_ids(btf: &[u8], wanted: &[(&str, u32)]) -> Vec<Option<u32>> {
    let mut found = vec![None; wanted.len()];
    // A description that ends too early has the types before that.
    let _ = walk_types(btf, |id, name, kind| {
        for ((wanted, of_kind), found) in wanted.iter().zip(&mut found) {
            if kind == *of_kind && name == wanted.as_bytes() {
                *found = Some(id);
            }
        }
    });
    found
}

fn walk_types<'a>(btf: &'a [u8], mut see: impl FnMut(u32, &'a [u8], u32)) -> Option<()> {
    let word = |at: usize| Some(u32::from_ne_bytes(btf.get(at..)?.first_chunk().copied()?));
    let head = word(4)? as usize;
    let types = head.checked_add(word(8)? as usize)?;
    let end = types.checked_add(word(12)? as usize)?;
    let texts = btf.get(head.checked_add(word(16)? as usize)?..)?;
    let mut at = types;
    let mut id = 0;
    while at < end {
        let (name, info) = (word(at)? as usize, word(at + 4)?);
        let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        id += 1;
        let text = texts.get(name..)?;
        let len = text.iter().position(|byte| *byte == 0)?;
        see(id, text.get(..len)?, kind);
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => 12 * count,
                6 | 13 => 8 * count,
                _ => 0,
            };
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description with an integer, a function and a type name.
    fn btf() -> Vec<u8> {
        let texts = b"\0int\0act\0act_t\0";
        let types: Vec<u32> = vec![1, 1 << 24, 4, 32, 5, 12 << 24, 1, 9, 8 << 24, 1];
        let bytes: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let head = [0x0001_eb9f, 24, 0, bytes.len() as u32, bytes.len() as u32, texts.len() as u32];
        [head.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect(), bytes, texts.to_vec()].concat()
    }

    #[test]
    fn types_by_name_and_kind() {
        let whole = btf();
        let wanted = [("act", FUNCTION), ("act_t", TYPEDEF), ("act", TYPEDEF), ("int", 1)];
        assert_eq!(type_ids(&whole, &wanted), [Some(2), Some(3), None, Some(1)]);
        for len in 0..whole.len() {
            let found = type_ids(&whole[..len], &wanted);
            assert!(
                found.iter().zip(type_ids(&whole, &wanted)).all(|(cut, whole)| cut.is_none() || *cut == whole),
                "{len}"
            );
        }
    }

    #[test]
    fn what_is_allowed_here_is_said() {
        for probe in probe() {
            match probe.allowed {
                Ok(()) => println!("{} ({}): allowed", probe.name, probe.about),
                Err(error) => println!("SKIP: {} ({}): {error}", probe.name, probe.about),
            }
        }
    }
}
