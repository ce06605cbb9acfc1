//! What a path holds: files of feeds, in a directory, an archive, or on their own.

use sekisho_base::Limits;
use sekisho_base::bytes::FileRange;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::limits::{Deadline, LimitKey};
use sekisho_model::Diagnostic;
use sekisho_oci::stream::LayerStream;
use sekisho_oci::tar::{Content, Entry, EntryKind, Visitor, walk};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Takes the files of a source.
pub(crate) trait Files {
    /// Takes one, under its name within the source.
    fn file(&mut self, name: &str, bytes: &[u8]);
    /// Is told of what could not be read.
    fn unread(&mut self, name: &str, reason: String);
    /// Is told that an archive was not read to its end.
    fn torn(&mut self, reason: String);
}

/// Where the form of a tar archive is told: the magic of its first header (POSIX.1-1988).
const TAR_MAGIC: usize = 257;

/// Hands all files of `path` to `files`, in the order of their names or of the archive.
pub(crate) fn each(path: &Path, limits: &Limits, files: &mut dyn Files) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        return directory(path, "", limits, files);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A pipe that nobody writes to would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file; save what it gives first"));
    }
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let range = FileRange::new(Arc::new(file), 0, len);
    let mut head = Vec::new();
    range.reader().take((TAR_MAGIC + 5) as u64).read_to_end(&mut head)?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return zip_archive(range.file(), limits, files);
    }
    let compression = Compression::detect(&head);
    let mut plain_head = Vec::new();
    let inflate = Inflate::new(BufReader::new(range.reader()), compression, len, limits)?;
    // What cannot be inflated so far is told when all of it is.
    let _ = inflate.take((TAR_MAGIC + 5) as u64).read_to_end(&mut plain_head);
    if plain_head.get(TAR_MAGIC..).is_some_and(|magic| magic == b"ustar") {
        let mut stream = LayerStream::new(range, limits, Deadline::of(limits))?;
        walk(&mut stream, limits, &mut TarFiles { limits, files });
        return Ok(());
    }
    let stripped = [".gz", ".zst", ".xz"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
    match Inflate::new(BufReader::new(range.reader()), compression, len, limits).and_then(|plain| all(plain, limits)) {
        Ok(bytes) => files.file(stripped, &bytes),
        Err(error) => files.unread(&name, error.to_string()),
    }
    Ok(())
}

/// All bytes of one file, within the limit.
fn all(reader: impl Read, limits: &Limits) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limits.feed_file_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits.feed_file_bytes {
        return Err(limits.exceeded(LimitKey::FeedFileBytes, "bytes of one file of a feed").into());
    }
    Ok(bytes)
}

/// Whether a file is an archive or compressed, by its name: as many as a repository of advisories has are not opened twice.
fn is_packed(name: &str) -> bool {
    let packed = ["zip", "gz", "tgz", "zst", "xz", "txz", "tar"];
    name.rsplit_once('.').is_some_and(|(_, extension)| packed.contains(&extension.to_ascii_lowercase().as_str()))
}

/// Goes through a directory. Links are not followed, and what version control keeps is left out.
fn directory(path: &Path, shown: &str, limits: &Limits, files: &mut dyn Files) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(path)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let file_name = entry.file_name();
        let text = file_name.to_string_lossy();
        let name = if shown.is_empty() { text.to_string() } else { format!("{shown}/{text}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if text != ".git" {
                directory(&entry.path(), &name, limits, files)?;
            }
        } else if !kind.is_file() {
            files.unread(&name, "is a link or no regular file, and is not followed".to_owned());
        } else if is_packed(&text) {
            if let Err(error) = each(&entry.path(), limits, files) {
                files.unread(&name, error.to_string());
            }
        } else {
            match File::open(entry.path()).and_then(|file| all(file, limits)) {
                Ok(bytes) => files.file(&name, &bytes),
                Err(error) => files.unread(&name, error.to_string()),
            }
        }
    }
    Ok(())
}

fn zip_archive(file: &File, limits: &Limits, files: &mut dyn Files) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file))?;
    if archive.len() as u64 > limits.entries {
        return Err(limits.exceeded(LimitKey::Entries, "entries").into());
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                files.unread(&format!("entry {index}"), error.to_string());
                continue;
            }
        };
        if !entry.is_file() {
            continue;
        }
        let name = entry.name().map_or_else(|_| format!("entry {index}"), std::borrow::Cow::into_owned);
        match all(entry, limits) {
            Ok(bytes) => {
                total += bytes.len() as u64;
                if total > limits.inflated_bytes {
                    return Err(limits.exceeded(LimitKey::InflatedBytes, "inflated bytes").into());
                }
                files.file(&name, &bytes);
            }
            Err(error) => files.unread(&name, error.to_string()),
        }
    }
    Ok(())
}

struct TarFiles<'a> {
    limits: &'a Limits,
    files: &'a mut dyn Files,
}

impl Visitor<LayerStream> for TarFiles<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, LayerStream>) -> io::Result<()> {
        let EntryKind::File { size } = entry.kind else { return Ok(()) };
        if size > self.limits.feed_file_bytes {
            let limit = self.limits.exceeded(LimitKey::FeedFileBytes, "bytes of one file of a feed");
            self.files.unread(&entry.path, limit.to_string());
            return Ok(());
        }
        let mut bytes = Vec::new();
        match content.copy_to(&mut bytes)? {
            Ok(()) => self.files.file(&entry.path, &bytes),
            Err(error) => self.files.unread(&entry.path, error.to_string()),
        }
        Ok(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        match &diagnostic.path {
            Some(path) => self.files.unread(path, diagnostic.message),
            None => self.files.torn(diagnostic.message),
        }
    }
}
