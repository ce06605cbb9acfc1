//! What rules cost for the events of a capture, read many times over:
//! `cargo run --release -p sekisho-detect --example judge -- CAPTURE RULES…`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for developers")]

use sekisho_base::Limits;
use sekisho_detect::load::{File, Settings, load};
use sekisho_detect::{Engine, Matching, Selection};
use sekisho_trace::scap::{Options, Replay};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROUNDS: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((capture, names)) = args.split_first() else { return Err("say which capture, and which rules".into()) };
    let capture = std::fs::read(capture)?;
    let texts = names.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<File<'_>> = names.iter().zip(&texts).map(|(name, text)| File { name, text }).collect();
    let start = Instant::now();
    let loaded = load(&files, &Settings::default(), &Limits::default());
    for problem in loaded.problems.iter().filter(|problem| problem.code.is_error()) {
        eprintln!("{problem}");
    }
    let Some(rules) = loaded.rules.map(Arc::new) else { return Err("these rules cannot be loaded".into()) };
    let read = start.elapsed();
    let mut engine = Engine::new(Arc::clone(&rules), &Selection::default(), Matching::First);
    let (atoms, nodes) = engine.size();
    let ready = start.elapsed();
    println!(
        "{} rules, {atoms} comparisons, {nodes} parts; read in {read:.1?}, ready in {ready:.1?}",
        rules.rules.len()
    );
    // Reading the capture costs by itself; what the rules cost is measured within.
    let (mut events, mut alerts, mut wanted) = (0u64, 0u64, 0u64);
    let mut spent = Duration::ZERO;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let mut replay = Replay::new(&*capture, capture.len() as u64, &Limits::default(), &Options::default())?;
        while replay
            .next(|facts| {
                events += 1;
                wanted += u64::from(engine.wants(facts.event().code));
                // The same event again and again, so that the clock is asked rarely.
                let start = Instant::now();
                for _ in 0..16 {
                    engine.judge(&facts, &mut found);
                }
                spent += start.elapsed() / 16;
                alerts += found.len() as u64;
            })
            .is_some()
        {}
    }
    let each = spent.as_nanos() as f64 / events as f64;
    println!("{events} events, {wanted} of types that rules ask for, {alerts} alerts");
    println!("{each:.0} ns an event, {:.0} ns one that rules ask for", spent.as_nanos() as f64 / wanted.max(1) as f64);
    Ok(())
}
