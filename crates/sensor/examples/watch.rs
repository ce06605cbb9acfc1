//! Prints what the sensor tells, until it is stopped or so many seconds are over: `watch [seconds] [call…]`.

#![expect(clippy::print_stdout, reason = "an example that prints")]

use sekisho_sensor::{Interest, Item, Live, Options, Results, seed};
use sekisho_trace::state::{Bounds, State};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10);
    let mut interest = Interest::none();
    for name in arguments {
        if !interest.add(&name, Results::All) {
            return Err(format!("{name} is no system call").into());
        }
    }
    let before = Instant::now();
    let mut sensor = Live::start(&Options { interest, ..Options::default() }).map_err(|error| error.to_string())?;
    println!("attached after {} ms: {}", before.elapsed().as_millis(), sensor.rung());
    for missing in sensor.missing() {
        println!("missing: {missing}");
    }
    let mut state = State::new(Bounds::default());
    let threads = seed(&mut state, sensor.cgroups(), 0);
    println!("{threads} threads were there, known after {} ms", before.elapsed().as_millis());
    while before.elapsed() < Duration::from_secs(seconds) {
        sensor.poll(Duration::from_millis(100), &mut |item| match item {
            Item::Event(event, told, files) => {
                state.note(event.tid, files);
                state.apply(event);
                let mut line = format!("{} {} {}", event.time, event.tid, event.name());
                for at in 0..event.params.len() {
                    let Some(param) = event.param(at).filter(|param| !param.bytes.is_empty()) else { continue };
                    let value = match (param.tuple(), param.int()) {
                        (Some(tuple), _) if param.info.name == "tuple" => format!("{tuple:?}"),
                        (_, Some(int)) => int.to_string(),
                        _ => String::from_utf8_lossy(param.bytes).escape_debug().to_string(),
                    };
                    let value: String = value.chars().take(100).collect();
                    // Writing to a String cannot fail.
                    let _ = write!(line, " {}={value}", param.info.name);
                }
                println!("{line} {told:?}");
            }
            Item::Cgroup(id, cgroup) => println!("cgroup {id} {} {:?}", cgroup.path, cgroup.container),
            Item::Lost(_, number) => println!("lost {number}"),
        })?;
    }
    if let Live::Sensor(sensor) = &sensor {
        for row in sensor.account()? {
            println!("{row:?}");
        }
        println!("skipped {} broken {}", sensor.skipped()?, sensor.broken());
    }
    Ok(())
}
