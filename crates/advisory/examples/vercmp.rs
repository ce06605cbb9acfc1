//! What a comparison costs in each scheme: `cargo run --release -p sekisho-advisory --example vercmp`.
#![expect(clippy::print_stdout, reason = "a table of figures is what it is for")]

use sekisho_advisory::version::Scheme;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Versions as they are usual in the scheme: each is compared with each, so that some pairs differ early and some late.
fn usual(scheme: Scheme) -> &'static [&'static str] {
    match scheme {
        Scheme::Dpkg | Scheme::Opam => {
            &["2.36-9+deb12u4", "2.36-9+deb12u10", "1:9.2p1-2+deb12u3", "5.2.15-2+b7", "1.2.13.dfsg-1"]
        }
        Scheme::Rpm => {
            &["4.18.0-553.el8_10", "4.18.0-553.5.1.el8_10", "0:1.1.1k-12.el8_9", "1:1.1.1k-12.el8_9", "3.6~rc1-1.el9"]
        }
        Scheme::Apk => &["1.2.5-r9", "1.2.5-r10", "3.3.3-r0", "1.37.0_git20250101-r0", "9.9_p2-r1"],
        Scheme::Pacman => &["6.7.arch1-1", "6.7.1.arch1-1", "1:2.43.0-1", "2.38-7", "3.2.0-1"],
        Scheme::Portage => &["2.38-r9", "2.38-r10", "9.6_p1-r1", "3.12.0_beta4", "1.1.1w"],
        Scheme::Go => &[
            "v0.17.0",
            "v0.0.0-20220722155217-630584e8d5aa",
            "v1.2.3-pre.0.20191109021931-daa7c04131f5",
            "1.21.5",
            "v24.0.7+incompatible",
        ],
        Scheme::Pep440 => &["2.32.3", "2.32.4", "4.2.0rc1", "1.0.post1", "2.1.0+cu118"],
        Scheme::Maven => &["2.15.2", "2.15.3", "31.1-jre", "4.1.100.Final", "6.0.0-M1"],
        Scheme::RubyGems => &["7.0.8", "7.0.8.1", "1.15.0.rc1", "2.2.8", "3.0.0.beta2"],
        _ => &["4.17.20", "4.17.21", "18.0.0-rc.1", "1.0.0-alpha.12", "7.3.5+build.5"],
    }
}

/// Nanoseconds a comparison: the median of several rounds.
fn nanoseconds(scheme: Scheme) -> f64 {
    const ROUNDS: usize = 9;
    const REPEATS: u32 = 20_000;
    let versions = usual(scheme);
    let pairs: Vec<_> =
        versions.iter().flat_map(|a| versions.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b).collect();
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..REPEATS {
                for (a, b) in &pairs {
                    black_box(scheme.compare(black_box(a), black_box(b)));
                }
            }
            start.elapsed()
        })
        .collect();
    rounds.sort();
    rounds[ROUNDS / 2].as_secs_f64() * 1e9 / (f64::from(REPEATS) * pairs.len() as f64)
}

fn main() {
    println!("{:<10}  ns", "scheme");
    for scheme in Scheme::ALL {
        println!("{:<10} {:>3.0}", scheme.as_str(), nanoseconds(*scheme));
    }
}
