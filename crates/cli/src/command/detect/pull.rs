//! `detect rules pull`: files of rules out of a registry, or a directory in the OCI layout.
//!
//! Falcoctl puts them into an image manifest whose configuration is of a type of its own, with one layer that is a tar
//! archive (`pkg/oci/constants.go` and `proposals/20220916-rules-and-plugin-distribution.md` in
//! <https://github.com/falcosecurity/falcoctl>).

use super::super::db::{access, client, place, runtime};
use super::super::scan::Context;
use super::rules::{OF_RULES, sound};
use crate::args::RulesPullArguments;
use crate::error::{CliError, reason};
use crate::{CommandResult, output};
use sekisho_base::Limits;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::Deadline;
use sekisho_detect::load::{File, Settings, load};
use sekisho_model::{Code, Diagnostic, Exit};
use sekisho_oci::Place;
use sekisho_oci::artifact::{self, Kind};
use sekisho_oci::stream::LayerStream;
use sekisho_oci::tar::{Content, Entry, EntryKind, Visitor, walk};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

/// What files of rules are as an artifact.
const KIND: Kind = Kind {
    artifact: "application/vnd.cncf.falco.rulesfile.config.v1+json",
    layer: "application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz",
};

/// `detect rules pull`.
pub(super) fn run(context: &Context, arguments: &RulesPullArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let limits = settings.limits();
    let place = place(&arguments.place)?;
    let client = client(&settings)?;
    let access = access(context, &client, &arguments.registry, &place)?;
    let unkept = |error: io::Error| {
        CliError::new(Code::OutputFailed, format!("cannot keep what comes from {place}: {}", reason(&error)))
    };
    let mut archive = tempfile::tempfile().map_err(unkept)?;
    let work = artifact::pull(&access, &place, KIND, &limits, &mut archive, &|_| {});
    runtime()?.block_on(work).map_err(|error| CliError::from_error(error.code(), &error))?;

    let files = unpacked(&place, archive, &limits)?;
    let named: Vec<File<'_>> = files.iter().map(|(name, text)| File { name, text }).collect();
    let rules = sound(load(&named, &Settings::default(), &limits))?;
    fs::create_dir_all(&arguments.output).map_err(|error| unwritten(&arguments.output, &error))?;
    let mut said = format!("pulled {place}\n");
    for (name, text) in &files {
        let path = arguments.output.join(name);
        write(&arguments.output, &path, text).map_err(|error| unwritten(&path, &error))?;
        let count = rules.rules.iter().filter(|rule| rule.file == *name).count();
        // Writing to a text does not fail.
        let _ = writeln!(said, "{}: {count} rules", path.display());
    }
    output::write(&said, None)?;
    Ok(Exit::Passed)
}

fn unwritten(path: &Path, error: &io::Error) -> CliError {
    CliError::new(Code::OutputFailed, format!("cannot write {}: {}", path.display(), reason(error)))
}

/// Writes a file beside its place and renames it: whoever loads rules finds the old ones or the new ones.
fn write(directory: &Path, path: &Path, text: &str) -> io::Result<()> {
    let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    let mut file = tempfile::Builder::new().prefix(".sekisho-").permissions(readable).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The files of rules in an archive, by the last part of their names: nothing leads out of where they are put.
fn unpacked(place: &Place, archive: fs::File, limits: &Limits) -> Result<BTreeMap<String, String>, CliError> {
    let invalid =
        |why: &str| CliError::new(Code::ArtifactInvalid, format!("{place} holds no rules that can be used: {why}"));
    let length = archive.metadata().map_err(|error| invalid(&reason(&error)))?.len();
    let range = FileRange::new(Arc::new(archive), 0, length);
    let mut stream = LayerStream::new(range, limits, Deadline::of(limits)).map_err(|error| invalid(&reason(&error)))?;
    let mut found = Found { limits, files: BTreeMap::new(), wrong: None };
    walk(&mut stream, limits, &mut found);
    match found.wrong {
        Some(why) => Err(invalid(&why)),
        None if found.files.is_empty() => Err(invalid("there is no file that ends in .yaml or .yml")),
        None => Ok(found.files),
    }
}

struct Found<'a> {
    limits: &'a Limits,
    files: BTreeMap<String, String>,
    /// The first thing that was wrong. Rules of which a part is missing are not taken.
    wrong: Option<String>,
}

impl Found<'_> {
    fn take(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), String> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let text = String::from_utf8(bytes).map_err(|_| format!("{path} is no text"))?;
        match self.files.insert(name.to_owned(), text) {
            Some(_) => Err(format!("two files are called {name}")),
            None => Ok(()),
        }
    }
}

impl Visitor<LayerStream> for Found<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, LayerStream>) -> io::Result<()> {
        let EntryKind::File { size } = entry.kind else { return Ok(()) };
        if self.wrong.is_some() || !OF_RULES.iter().any(|end| entry.path.ends_with(end)) {
            return Ok(());
        }
        let most = self.limits.document_bytes;
        if size > most {
            let why = format!("{} has {size} bytes, more than the limit of {most} (limits.document_bytes)", entry.path);
            self.wrong = Some(why);
            return Ok(());
        }
        let mut bytes = Vec::new();
        let read = content.copy_to(&mut bytes)?.map_err(|error| error.to_string());
        self.wrong = read.and_then(|()| self.take(&entry.path, bytes)).err();
        Ok(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.wrong.get_or_insert(diagnostic.message);
    }
}
