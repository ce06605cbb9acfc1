//! Events that were recorded: opened, and what to say where they cannot be.

use crate::args::{EventSource, RecordedArguments};
use crate::error::{CliError, reason};
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic};
use sekisho_trace::audit;
use sekisho_trace::scap::{Options, Replay, ScapError};
use std::fs::File;
use std::io::{self, Read};

/// Where bytes come from.
type Input = Box<dyn Read>;

/// Events that are read one by one.
pub(super) enum Recorded {
    /// Of a capture.
    Calls(Box<Replay<Input>>),
    /// Of an audit log.
    Audit(Box<audit::Reader<Input>>),
}

impl Recorded {
    /// Opens what was named.
    pub(super) fn open(arguments: &RecordedArguments, limits: &Limits) -> Result<Self, CliError> {
        let (input, size) = input(arguments)?;
        let name = arguments.path.display();
        match arguments.source {
            EventSource::Syscall => {
                let options = Options { exit_only: arguments.exit_only, ..Options::default() };
                let replay = Replay::new(input, size, limits, &options);
                Ok(Self::Calls(Box::new(replay.map_err(|error| unusable(&name.to_string(), &error))?)))
            }
            EventSource::K8sAudit => {
                let reader = audit::Reader::new(input, size, limits);
                Ok(Self::Audit(Box::new(reader.map_err(|error| unreadable(&name.to_string(), &error))?)))
            }
        }
    }

    /// What was not read, and why.
    pub(super) fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Calls(replay) => replay.diagnostics(),
            Self::Audit(reader) => reader.diagnostics(),
        }
    }

    /// What was not judged since it could not be read, in words.
    pub(super) fn not_judged(&self) -> Vec<String> {
        let mut said = Vec::new();
        let mut count = |count: u64, one: &str, many: &str| match count {
            0 => {}
            1 => said.push(format!("1 {one}")),
            count => said.push(format!("{count} {many}")),
        };
        match self {
            Self::Calls(replay) => {
                count(replay.damaged(), "event that is damaged", "events that are damaged");
                if replay.is_cut() {
                    said.push(format!("whatever came after event {}, where the capture is cut", replay.events()));
                }
            }
            Self::Audit(reader) => {
                count(reader.broken(), "record that is broken", "records that are broken");
                count(reader.foreign(), "record that is no audit event", "records that are no audit events");
                if reader.is_cut() {
                    said.push(format!("whatever came after audit event {}, where the log is cut", reader.events()));
                }
            }
        }
        said
    }

    /// What the recorder lost, and what had to be forgotten, in words.
    pub(super) fn lost(&self) -> Vec<String> {
        let Self::Calls(replay) = self else { return Vec::new() };
        let counters = replay.state().counters();
        let lines = [
            (counters.drops, "the recorder dropped events, whose number it does not say; times"),
            (counters.unknown_threads, "events of processes that were not known, so that rules ask in vain"),
            (counters.threads_evicted, "processes forgotten, since there were too many"),
            (counters.fds_refused, "open files not noted, since there were too many"),
            (counters.files_forgotten, "processes whose open files were forgotten, since those of all took too much"),
            (counters.paths_untold, PATHS_UNTOLD),
            (counters.calls_forgotten, "calls of which was forgotten what they were entered with"),
            (counters.containers_evicted, "containers forgotten, since there were too many"),
            (counters.users_refused, "users and groups not noted, since there were too many"),
        ];
        lines.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}")).collect()
    }
}

/// Of what rules cannot be judged.
pub(super) const PATHS_UNTOLD: &str = "paths that were not told whole, so that rules about them cannot be judged";

/// The bytes, and how many they are: of what is no file nobody knows, and the bound on how much comes out of it is that
/// on the whole.
fn input(arguments: &RecordedArguments) -> Result<(Input, u64), CliError> {
    let path = &arguments.path;
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), u64::MAX));
    }
    let fail = |error: &io::Error| {
        let code = if error.kind() == io::ErrorKind::NotFound { Code::SourceMissing } else { Code::SourceUnreadable };
        CliError::new(code, format!("cannot read {}: {}", path.display(), reason(error)))
    };
    let file = File::open(path).map_err(|error| fail(&error))?;
    let metadata = file.metadata().map_err(|error| fail(&error))?;
    if metadata.is_dir() {
        let message = format!("{} is a directory, and no recording", path.display());
        return Err(CliError::new(Code::SourceUnknown, message).hint("give the files in it one by one"));
    }
    let size = if metadata.is_file() { metadata.len() } else { u64::MAX };
    Ok((Box::new(file), size))
}

fn unusable(name: &str, error: &ScapError) -> CliError {
    let message = format!("cannot take {name} for a capture: {error}");
    match error {
        ScapError::Read(error) => unreadable(name, error),
        ScapError::Cut => {
            CliError::new(Code::FileMalformed, message).hint("record it again; it is empty or was cut short")
        }
        ScapError::Foreign => CliError::new(Code::SourceUnknown, message)
            .hint("give a capture (scap) of Falco or sysdig; for audit events of Kubernetes, --source k8s_audit"),
        ScapError::BigEndian | ScapError::Later(..) => {
            CliError::new(Code::SourceUnknown, message).hint("record it with a version of Falco or sysdig up to 0.44")
        }
    }
}

fn unreadable(name: &str, error: &io::Error) -> CliError {
    let code = if error.kind() == io::ErrorKind::FileTooLarge { Code::LimitExceeded } else { Code::SourceUnreadable };
    CliError::new(code, format!("cannot read {name}: {}", reason(error)))
}
