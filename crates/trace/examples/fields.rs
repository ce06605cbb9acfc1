//! Prints fields of every event of a capture, as `sysdig -r FILE -p '%field\t…'` does.
//!
//! `cargo run -p sekisho-trace --example fields -- FILE FIELD…`; with `--exit-only` first, entering and leaving a call are
//! one event.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for developers")]

use sekisho_base::Limits;
use sekisho_trace::scap::{Options, Replay};
use sekisho_trace::{Facts, Field, Value};
use std::error::Error;
use std::fs::File;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let exit_only = args.first().is_some_and(|arg| arg == "--exit-only");
    if exit_only {
        args.remove(0);
    }
    let Some((path, names)) = args.split_first() else { return Err("say which file, and which fields".into()) };
    let fields: Vec<Field> = names.iter().map(|name| Field::parse(name)).collect::<Result<_, _>>()?;
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let options = Options { exit_only, ..Options::default() };
    let mut replay = Replay::new(file, size, &Limits::default(), &options)?;
    let mut out = std::io::BufWriter::new(std::io::stdout());
    while let Some(line) = replay.next(|facts| {
        let mut line = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                line.push(b'\t');
            }
            match facts.value(field).shown() {
                Value::Absent | Value::Unknown(_) => line.extend_from_slice(b"<NA>"),
                value => {
                    for (at, scalar) in value.scalars().iter().enumerate() {
                        if at > 0 {
                            line.push(b',');
                        }
                        match scalar.as_text() {
                            Some(text) => line.extend(text.iter().map(|byte| if *byte < b' ' { b'.' } else { *byte })),
                            None => line.extend_from_slice(scalar.to_string().as_bytes()),
                        }
                    }
                }
            }
        }
        line.push(b'\n');
        line
    }) {
        out.write_all(&line)?;
    }
    out.flush()?;
    for diagnostic in replay.diagnostics() {
        eprintln!("{diagnostic}");
    }
    println!("{} events, {:?}", replay.events(), replay.state().counters());
    Ok(())
}
