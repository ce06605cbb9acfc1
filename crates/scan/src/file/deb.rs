//! Debian packages as files: deb(5), an archive of `ar` with two tars in it, one with the control file and one with
//! the files of the package.

use super::{Context, Failed, GIVE, Refused};
use crate::facts::LayerFacts;
use crate::layer::Shape;
use sekisho_base::bytes::FileRange;
use sekisho_base::inflate::Compression;
use sekisho_base::{Limits, ReadAt};
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::stream::{ByteStream, LayerStream};
use sekisho_oci::tar::{Content, Entry, EntryKind, Visitor, walk};
use sekisho_sbom::analyzers::dpkg;
use std::io;

/// The first bytes of an archive of `ar`.
pub(super) const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;
/// A package has three members, and whoever signs it may add some.
const MAX_MEMBERS: usize = 64;

struct Member {
    name: String,
    content: FileRange,
    /// Whether the archive ends before the member does.
    cut: bool,
}

/// The members of the archive of `ar` in `data` (ar(5)), and why there are no more of them if there should be.
fn members(data: &FileRange) -> io::Result<(Vec<Member>, Option<&'static str>)> {
    let (mut members, mut at) = (Vec::new(), MAGIC.len() as u64);
    while at < data.size() {
        if members.len() == MAX_MEMBERS {
            return Ok((members, Some("the archive has more members than any package")));
        }
        let header = match data.range(at, HEADER) {
            Ok(header) => header,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok((members, Some("the archive is cut short")));
            }
            Err(error) => return Err(error),
        };
        let digits = header[48..58].trim_ascii_end();
        let size = if digits.iter().all(u8::is_ascii_digit) { std::str::from_utf8(digits).ok() } else { None };
        let (Some(size), b"`\n") = (size.and_then(|digits| digits.parse::<u64>().ok()), &header[58..]) else {
            return Ok((members, Some("the archive is damaged")));
        };
        let name = String::from_utf8_lossy(&header[..16]).trim_end().trim_end_matches('/').to_owned();
        at += HEADER as u64;
        let content = data.slice(at, size);
        let cut = content.size() < size;
        members.push(Member { name, content, cut });
        // Ten digits: no sum of these is too large.
        at = (at + size).next_multiple_of(2);
    }
    Ok((members, None))
}

pub(super) fn read(data: &FileRange, context: &Context<'_>) -> Result<LayerFacts, Failed> {
    let (members, damage) = members(data)?;
    if members.first().is_none_or(|member| member.name != "debian-binary") {
        return Err(Failed::Refused(Refused::new("it is an archive of ar, and no Debian package", GIVE)));
    }
    let mut told: Vec<Diagnostic> = Vec::new();
    let mut incomplete = |code, message: String| told.push(Diagnostic::incomplete(code, message));
    if let Some(damage) = damage {
        incomplete(Code::FileMalformed, damage.to_owned());
    }
    if !members[0].content.range(0, 2).is_ok_and(|version| *version == *b"2.") {
        incomplete(Code::FileMalformed, "its form is not that of version 2".to_owned());
    }
    let mut part = |name: &str| {
        let mut found = members.iter().filter(|member| {
            member.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let (first, more) = (found.next(), found.next());
        let Some(member) = first else {
            incomplete(Code::FileMalformed, format!("it has no {name}"));
            return Ok(None);
        };
        if more.is_some() {
            incomplete(Code::FileMalformed, format!("it has {name} twice"));
        }
        if member.cut {
            incomplete(Code::FileMalformed, format!("{} is cut short", member.name));
        }
        let mut head = [0; Compression::HEAD];
        let seen = member.content.read_at(0, &mut head)?;
        if let Some(form) = Compression::unread(&head[..seen]) {
            incomplete(Code::FileUnreadable, format!("{} is compressed with {form}, which is not read", member.name));
            return Ok(None);
        }
        Ok::<_, io::Error>(Some(&member.content))
    };
    let (control, files) = (part("control.tar")?, part("data.tar")?);
    let mut facts = match files {
        Some(files) => context.tree(files, Shape::Tar)?.0,
        None => LayerFacts::default(),
    };
    if let Some(control) = control {
        let text = record(control, "control", context, &mut told)?;
        context.owner(&mut facts, &dpkg::PACKAGE, &text);
    }
    facts.diagnostics.extend(told);
    Ok(facts)
}

/// The content of the file `name` at the top of a tar; empty where there is none, of which the package tells.
pub(super) fn record(
    stored: &FileRange,
    name: &'static str,
    context: &Context<'_>,
    told: &mut Vec<Diagnostic>,
) -> io::Result<Vec<u8>> {
    let limits = &context.options.limits;
    let mut stream = LayerStream::new(stored.clone(), limits, context.deadline)?;
    let mut visitor = Record { name, limits, text: Vec::new(), told };
    walk(&mut stream, limits, &mut visitor);
    Ok(visitor.text)
}

struct Record<'a> {
    name: &'static str,
    limits: &'a Limits,
    text: Vec<u8>,
    told: &'a mut Vec<Diagnostic>,
}

impl<S: ByteStream> Visitor<S> for Record<'_> {
    fn entry(&mut self, entry: &Entry, content: &mut Content<'_, S>) -> io::Result<()> {
        let EntryKind::File { size } = entry.kind else { return Ok(()) };
        if entry.path == self.name && size <= self.limits.text_file_bytes {
            self.text.clear();
            content.copy_to(&mut self.text)??;
        }
        Ok(())
    }

    fn diagnostic(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.message.insert_str(0, "control.tar: ");
        if self.told.len() < MAX_MEMBERS {
            self.told.push(diagnostic);
        }
    }
}
