//! What the sensor costs those who are watched: CPU nanoseconds of `getpid` and of `open` with `close`, without it, with an
//! empty pair of programs on entering and leaving calls, and with the sensor in several settings. Then, whether anything is
//! lost at a given rate of events.
//!
//! Modes take turns, and the best of several rounds counts, since the machine does other things as well.

#![expect(clippy::print_stdout, reason = "a benchmark that prints")]

use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf};
use rustix::time::{ClockId, clock_gettime};
use sekisho_sensor::{Filters, Interest, Item, Keep, Options, Paths, Results, Sensor};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Two programs that return at once; `bpf/empty.bpf.c`.
static EMPTY: &[u8] = aya::include_bytes_aligned!("../bpf/empty.bpf.o");
const ROUNDS: usize = 7;
const CALLS: u32 = 200_000;
const OPENS: u32 = 40_000;
/// Opens in a second, and for how many seconds.
const RATE: u32 = 100_000;
const SECONDS: u32 = 10;

fn cpu() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn getpid() -> f64 {
    let before = cpu();
    for _ in 0..CALLS {
        // Never from a cache, and does nothing.
        std::hint::black_box(rustix::process::getppid());
    }
    (cpu() - before) as f64 / f64::from(CALLS)
}

fn open_close() -> f64 {
    let before = cpu();
    for _ in 0..OPENS {
        std::hint::black_box(File::open("/etc/passwd").is_ok());
    }
    (cpu() - before) as f64 / f64::from(OPENS)
}

fn interest(names: &[&str]) -> Interest {
    let mut interest = Interest::none();
    for name in names {
        interest.add(name, Results::All);
    }
    interest
}

/// What somebody who read had of it: records, losses, and CPU nanoseconds that it took.
#[derive(Default)]
struct Had {
    taken: u64,
    lost: u64,
    cpu: u64,
}

/// Runs `work` while somebody reads what the sensor tells.
fn with_sensor(options: &Options, work: impl FnOnce()) -> Result<Had, Box<dyn std::error::Error>> {
    let mut sensor = Sensor::start(options)?;
    let stop = Arc::new(AtomicBool::new(false));
    let lost = Arc::new(AtomicU64::new(0));
    let (stopped, losses) = (Arc::clone(&stop), Arc::clone(&lost));
    let reader = thread::spawn(move || {
        let mut taken = 0;
        while !stopped.load(Ordering::Relaxed) {
            let polled = sensor.poll(Duration::from_millis(50), &mut |item| {
                if let Item::Lost(_, number) = item {
                    losses.fetch_add(number, Ordering::Relaxed);
                }
            });
            taken += polled.unwrap_or_default() as u64;
        }
        (taken, cpu())
    });
    work();
    stop.store(true, Ordering::Relaxed);
    let (taken, cpu) = reader.join().map_err(|_| "the reader failed")?;
    Ok(Had { taken, lost: lost.load(Ordering::Relaxed), cpu })
}

/// Opens at the rate that is asked for, in batches of a hundredth of a second; how long that took.
fn storm() -> Duration {
    let start = Instant::now();
    for batch in 1..=100 * SECONDS {
        for _ in 0..RATE / 100 {
            std::hint::black_box(File::open("/etc/passwd").is_ok());
        }
        thread::sleep((Duration::from_millis(10) * batch).saturating_sub(start.elapsed()));
    }
    start.elapsed()
}

fn with_empty(work: impl FnOnce()) -> Result<(), Box<dyn std::error::Error>> {
    let btf = Btf::from_sys_fs()?;
    let mut ebpf = Ebpf::load(EMPTY)?;
    for (name, tracepoint) in [("on_enter", "sys_enter"), ("on_leave", "sys_exit")] {
        let program: &mut BtfTracePoint = ebpf.program_mut(name).ok_or("no program")?.try_into()?;
        program.load(tracepoint, &btf)?;
        program.attach()?;
    }
    work();
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let load = || fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let before = load();
    let reads = Keep { read: true, ..Keep::default() };
    let filter = |others, of_prefix| Some(Paths { others, prefixes: vec![(b"/nowhere/".to_vec(), of_prefix)] });
    let writes = Keep { write: true, ..Keep::default() };
    let sensor = |names: &[&str], paths: Option<Paths>| Options {
        interest: interest(names),
        filters: Filters { paths, ..Filters::default() },
        hide_self: false,
        ..Options::default()
    };
    let modes = [
        ("sensor, no call asked for", sensor(&[], None)),
        ("sensor, another call asked for", sensor(&["ptrace"], None)),
        ("sensor, opens held back by what they are for", sensor(&["openat"], filter(Keep::default(), writes))),
        ("sensor, opens held back by path", sensor(&["openat"], filter(Keep::default(), reads))),
        ("sensor, opens told after a look at the path", sensor(&["openat"], filter(reads, writes))),
        ("sensor, opens told", sensor(&["openat"], None)),
    ];
    let mut best = vec![[f64::INFINITY; 2]; modes.len() + 2];
    let mut counts: Vec<Had> = modes.iter().map(|_| Had::default()).collect();
    let measure = |best: &mut [f64; 2]| {
        let now = [getpid(), open_close()];
        for (best, now) in best.iter_mut().zip(now) {
            *best = best.min(now);
        }
    };
    let mut last = ["none", "an empty pair of programs"].to_vec();
    last.extend(modes.iter().map(|(name, _)| *name));
    for _ in 0..ROUNDS {
        measure(&mut best[0]);
        let (_, rest) = best.split_at_mut(1);
        with_empty(|| measure(&mut rest[0]))?;
        for (at, (_, options)) in modes.iter().enumerate() {
            let had = with_sensor(options, || measure(&mut rest[at + 1]))?;
            counts[at].taken += had.taken;
            counts[at].lost += had.lost;
        }
    }
    println!("| CPU ns, best of {ROUNDS} rounds | getppid | of the empty pair | open and close | records | lost |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (at, (name, [call, open])) in last.iter().zip(&best).enumerate() {
        let ratio = call / best[1][0];
        let told = at.checked_sub(2).map(|at| &counts[at]);
        let [taken, lost] = [told.map(|had| had.taken), told.map(|had| had.lost)]
            .map(|number| number.map_or(String::new(), |number| number.to_string()));
        println!("| {name} | {call:.0} | {ratio:.2} | {open:.0} | {taken} | {lost} |");
    }
    let mut took = Duration::ZERO;
    let had = with_sensor(&sensor(&["openat"], None), || took = storm())?;
    println!(
        "\nA storm of {:.0} opens a second for {SECONDS} s: {:.0} made, {} records taken, {} lost; {:.0} CPU ns of the reader for \
         each.",
        f64::from(RATE),
        f64::from(RATE * SECONDS) / took.as_secs_f64(),
        had.taken,
        had.lost,
        had.cpu as f64 / had.taken.max(1) as f64
    );
    println!("Load of the machine before and after: {}; {}.", before.trim(), load().trim());
    Ok(())
}
