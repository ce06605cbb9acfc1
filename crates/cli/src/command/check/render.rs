//! Charts of Helm and kustomizations, rendered by the programs that are made for it, where they are installed.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Directories that must be rendered, by a file in them, and what renders them, the first that is installed.
const RENDERERS: [(&[&str], &[&[&str]]); 2] = [
    (&["Chart.yaml"], &[&["helm", "template", "release"]]),
    (
        &["kustomization.yaml", "kustomization.yml", "Kustomization"],
        &[&["kustomize", "build"], &["kubectl", "kustomize"]],
    ),
];
/// Charts and kustomizations may fetch others.
const TIME: Duration = Duration::from_mins(2);
/// The last bytes of what went wrong, where the reason stands.
const MAX_ERROR: usize = 1 << 16;

/// What a directory renders to, and by which program; why not; none where it need not be rendered.
pub(super) fn render(directory: &Path, most: u64) -> Option<Result<(String, Vec<u8>), String>> {
    let is_there = |names: &&(&[&str], &[&[&str]])| names.0.iter().any(|name| directory.join(name).is_file());
    let (_, programs) = RENDERERS.iter().find(is_there)?;
    for words in *programs {
        match run(words, directory, most) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Some(Err(format!("{} says: {error}", words.join(" ")))),
            Ok(bytes) => return Some(Ok((words[0].to_owned(), bytes))),
        }
    }
    let names: Vec<&str> = programs.iter().map(|words| words[0]).collect();
    Some(Err(format!(
        "must be rendered, and {} is not installed; give what `{}` writes instead",
        names.join(" or "),
        programs[0].join(" ")
    )))
}

/// A program that is ended when nobody waits for it any more.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program writes about `directory`.
fn run(words: &[&str], directory: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Ended(command.spawn()?);
    let deadline = Instant::now() + TIME;
    let said = child.0.stdout.take().map(|from| collect(move || first(from, most.saturating_add(1))));
    let errors = child.0.stderr.take().map(|from| collect(move || last(from, MAX_ERROR)));
    let late = || io::Error::other(format!("takes longer than {} seconds", TIME.as_secs()));
    let receive = |from: Option<mpsc::Receiver<io::Result<Vec<u8>>>>| match from {
        Some(from) => from.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|_| late())?,
        None => Ok(Vec::new()),
    };
    let bytes = receive(said)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("writes more than {most} bytes (limits.text_file_bytes)")));
    }
    let errors = receive(errors)?;
    // It has nothing more to say, and ends now.
    let status = loop {
        if let Some(status) = child.0.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            return Err(late());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if status.success() {
        return Ok(bytes);
    }
    let errors = String::from_utf8_lossy(&errors);
    let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
    Err(io::Error::other(last.trim().to_owned()))
}

fn first(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads to the end, since a program whose warnings nobody reads any more would fail for that.
fn last(mut from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while from.by_ref().take(most as u64).read_to_end(&mut bytes)? > 0 {
        bytes.drain(..bytes.len().saturating_sub(most));
    }
    Ok(bytes)
}

/// Reads on a thread of its own, so that a program that writes much of one thing does not wait for the other.
fn collect(read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Nobody waits any more for one that was too slow.
        let _ = sender.send(read());
    });
    receiver
}
