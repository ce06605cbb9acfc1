use sekisho_testkit::fuzz;
fn main() {
    let mut s: u64 = 88172645463325252;
    let mut next = || { s ^= s << 13; s ^= s >> 7; s ^= s << 17; s };
    let start = std::time::Instant::now();
    let mut inputs: Vec<(fn(&[u8]), Vec<u8>)> = vec![];
    for (n, f) in [("sbom_cyclonedx", fuzz::sbom_cyclonedx as fn(&[u8])), ("sbom_spdx", fuzz::sbom_spdx), ("sbom_syft", fuzz::sbom_syft)] {
        for e in std::fs::read_dir(format!("fuzz/corpus/{n}")).unwrap() { inputs.push((f, std::fs::read(e.unwrap().path()).unwrap())); }
    }
    let dict: Vec<&[u8]> = vec![b"\"\"", b"null", b"[]", b"{}", b"pkg:", b"@", b"%", b"/", b"?", b"epoch=1", b"upstream=", b"distro=debian-12", b"\\u0000", b"\\\"", b"true", b"1", b"LicenseRef-a", b" AND ", b"(", b"MIT", b"sekisho:kind", b"maven", b"\xe9\x96\xa2", b":", b".", b"..", b"#", b"-"];
    let mut runs = 0u64;
    while start.elapsed().as_secs() < 150 {
        let (f, base) = &inputs[(next() % inputs.len() as u64) as usize];
        let mut b = base.clone();
        for _ in 0..1 + next() % 4 {
            let at = (next() % b.len() as u64) as usize;
            match next() % 5 {
                0 => b[at] ^= 1 << (next() % 8),
                1 => { let d = dict[(next() % dict.len() as u64) as usize]; b.splice(at..at, d.iter().copied()); }
                2 => { let end = (at + (next() % 20) as usize).min(b.len()); b.drain(at..end); }
                3 => { let d = dict[(next() % dict.len() as u64) as usize]; let end = (at + d.len()).min(b.len()); b.splice(at..end, d.iter().copied()); }
                _ => { // swap two strings
                    let q: Vec<usize> = b.iter().enumerate().filter(|(_, c)| **c == b'"').map(|(i, _)| i).collect();
                    if q.len() > 8 { let i = (next() % (q.len() as u64 - 1)) as usize; let j = (next() % (q.len() as u64 - 1)) as usize; let t = b[q[j]..q[j + 1]].to_vec(); b.splice(q[i]..q[i + 1], t); }
                }
            }
            if b.is_empty() { break; }
        }
        runs += 1;
        let r = std::panic::catch_unwind(|| f(&b));
        if r.is_err() { std::fs::write("/tmp/sb/crash", &b).unwrap(); println!("crash after {runs}"); return; }
    }
    println!("{runs} runs");
}
