//! Files that were named, and those in directories that were named.

use super::super::document;
use super::render::render;
use crate::error::{CliError, reason};
use sekisho_base::Limits;
use sekisho_base::limits::LimitKey;
use sekisho_model::{CheckInput, Code, Diagnostic, Digest, Level};
use sekisho_policy::manifest::{self, Object};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A file that was read.
pub(crate) struct Input {
    /// As it is named in messages.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) text: String,
}

/// Files as they were read.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) files: Vec<Input>,
    /// All of them by their digests.
    pub(crate) read: Vec<CheckInput>,
    /// Those that could not be read.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What was named, and where its files end.
    named: Vec<(String, usize)>,
    /// Bytes of all texts.
    bytes: u64,
}

/// Directories below a directory that was named.
const DEPTH: usize = 64;
/// Files of one directory that was named.
const FILES: usize = 100_000;

impl Inputs {
    /// Reads `paths` as [`Inputs::read`] does; directories that are charts or kustomizations are rendered.
    pub(crate) fn read_manifests(paths: &[PathBuf], limits: &Limits) -> Result<Self, CliError> {
        Self::read_with(paths, &[".yaml", ".yml", ".json"], true, limits)
    }

    /// Reads `paths`, of directories all files that end in one of `ends`; `-` is standard input. What was named must be
    /// there; what is in a directory and cannot be read makes the result incomplete.
    pub(crate) fn read(paths: &[PathBuf], ends: &[&str], limits: &Limits) -> Result<Self, CliError> {
        Self::read_with(paths, ends, false, limits)
    }

    /// The objects in the files, whose texts are not kept, and what could not be read of them. What was named and holds none
    /// would pass unseen: the output of a program that failed, say. Objects that all together take more memory than
    /// [`Limits::facts_bytes`] are left out, which is told.
    pub(crate) fn objects(&mut self, limits: &Limits) -> (Vec<Object>, Vec<Diagnostic>) {
        let mut objects: Vec<Object> = Vec::new();
        let mut diagnostics = self.diagnostics.clone();
        let (mut start, mut weight) = (0, 0);
        let files = self.files.len();
        for (name, end) in &self.named {
            let before = (objects.len(), diagnostics.len());
            for (place, file) in self.files[..*end].iter_mut().enumerate().skip(start) {
                let text = std::mem::take(&mut file.text);
                let (found, mut told) = manifest::objects(&file.name, &text, limits);
                if found.is_empty() && told.is_empty() {
                    told.push(Diagnostic::note(Code::ManifestForeign, "holds no document").at(&file.name));
                }
                diagnostics.extend(told);
                for object in found {
                    weight += object.node.weight() + (size_of::<Object>() + object.file.len()) as u64;
                    if weight > limits.facts_bytes {
                        let message = format!(
                            "line {}: {} and what is behind it, here and in {} files, were not read: all objects together \
                             take {}",
                            object.node.place.line,
                            object.title(),
                            files - place - 1,
                            limits.exceeded(LimitKey::FactsBytes, "bytes of memory"),
                        );
                        diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message).at(&file.name));
                        return (objects, diagnostics);
                    }
                    objects.push(object);
                }
            }
            let is_told = diagnostics[before.1..].iter().any(|told| told.level == Level::Incomplete);
            if objects.len() == before.0 && *end > start && !is_told {
                let message = "holds no object of Kubernetes, so nothing in it was judged";
                diagnostics.push(Diagnostic::incomplete(Code::ManifestEmpty, message).at(name));
            }
            start = *end;
        }
        (objects, diagnostics)
    }

    fn read_with(paths: &[PathBuf], ends: &[&str], rendered: bool, limits: &Limits) -> Result<Self, CliError> {
        let mut inputs = Self::default();
        for path in paths {
            if path.as_os_str() == "-" {
                let mut bytes = Vec::new();
                let read = io::stdin().take(limits.text_file_bytes.saturating_add(1)).read_to_end(&mut bytes);
                read.map_err(|error| {
                    CliError::new(Code::InputUnreadable, format!("cannot read standard input: {}", reason(&error)))
                })?;
                inputs.take("-".to_owned(), bytes, limits);
            } else if path.is_dir() {
                let before = inputs.files.len();
                inputs.directory(path, ends, rendered, limits)?;
                if inputs.files.len() == before && inputs.diagnostics.is_empty() {
                    let message = format!("{} holds no file that ends in {}", path.display(), ends.join(", "));
                    return Err(CliError::new(Code::SourceMissing, message));
                }
            } else {
                let (name, bytes) = document::read(path, limits)?;
                inputs.take(name, bytes, limits);
            }
            inputs.named.push((path.to_string_lossy().into_owned(), inputs.files.len()));
        }
        Ok(inputs)
    }

    /// Takes the files of a directory and of those below it, in the order of their names. A link to a file is followed
    /// where that lies in the directory, too, as in the volumes of Kubernetes; one that leads out of it is told.
    fn directory(&mut self, top: &Path, ends: &[&str], rendered: bool, limits: &Limits) -> Result<(), CliError> {
        let real = std::fs::canonicalize(top).unwrap_or_else(|_| top.to_owned());
        let mut rest = vec![(top.to_owned(), 0)];
        let mut found = Vec::new();
        while let Some((directory, depth)) = rest.pop() {
            match if rendered { render(&directory, limits.text_file_bytes) } else { None } {
                None => {}
                Some(Ok((program, bytes))) => {
                    self.take(format!("{} ({program})", directory.display()), bytes, limits);
                    continue;
                }
                Some(Err(why)) => {
                    self.unreadable(&directory, &why);
                    continue;
                }
            }
            let listing = std::fs::read_dir(&directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let entries = match listing {
                Ok(entries) => entries,
                Err(error) if directory == top => {
                    let message = format!("cannot read {}: {}", directory.display(), reason(&error));
                    return Err(CliError::new(Code::SourceUnreadable, message));
                }
                Err(error) => {
                    self.unreadable(&directory, &reason(&error));
                    continue;
                }
            };
            for entry in entries {
                let path = entry.path();
                let name = entry.file_name();
                let Ok(kind) = entry.file_type() else { continue };
                // Such as .git, which holds no manifests but names like theirs.
                if name.to_string_lossy().starts_with('.') {
                    continue;
                }
                // What lies in this directory is read where it is.
                let is_elsewhere = || !std::fs::canonicalize(&path).is_ok_and(|target| target.starts_with(&real));
                if kind.is_symlink() && path.is_dir() {
                    if is_elsewhere() {
                        self.unreadable(&path, "is a link to a directory elsewhere, which is not followed");
                    }
                } else if kind.is_dir() && depth < DEPTH {
                    rest.push((path, depth + 1));
                } else if kind.is_dir() {
                    self.unreadable(&path, "lies too deep");
                } else if ends.iter().any(|end| name.to_string_lossy().to_lowercase().ends_with(end)) {
                    found.push(path);
                }
            }
        }
        found.sort();
        if found.len() > FILES {
            self.unreadable(top, &format!("holds more than {FILES} files; the rest is left out"));
            found.truncate(FILES);
        }
        for path in found {
            if path.is_symlink() && !std::fs::canonicalize(&path).is_ok_and(|target| target.starts_with(&real)) {
                self.unreadable(&path, "is a link that leads out of the directory, or nowhere");
                continue;
            }
            // A pipe that nobody writes to would be waited for for ever. One that is named itself is read: `<(…)` is one.
            if !path.is_file() {
                self.unreadable(&path, "is no regular file, such as a pipe or a device, and is not opened");
                continue;
            }
            match document::read(&path, limits) {
                Ok((name, bytes)) => self.take(name, bytes, limits),
                Err(error) => self.unreadable(&path, error.message()),
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, path: &Path, why: &str) {
        let told = Diagnostic::incomplete(Code::FileUnreadable, why);
        self.diagnostics.push(told.at(path.to_string_lossy()));
    }

    fn take(&mut self, name: String, bytes: Vec<u8>, limits: &Limits) {
        if bytes.len() as u64 > limits.text_file_bytes {
            let limit = limits.exceeded(LimitKey::TextFileBytes, "bytes");
            self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, format!("takes {limit}")).at(&name));
            return;
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > limits.facts_bytes {
            let limit = limits.exceeded(LimitKey::FactsBytes, "bytes");
            let message = format!("is left out: with those before it, it takes {limit}");
            self.diagnostics.push(Diagnostic::incomplete(Code::LimitExceeded, message).at(&name));
            return;
        }
        self.read.push(CheckInput { path: name.clone(), digest: Digest::of(&bytes) });
        // A text that is none in part is read for what it is; the reader of YAML says where it is broken.
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        self.files.push(Input { name, text });
    }
}
