//! Packages of rpm as files: the header says what the package is, the payload holds its files.

use super::{Context, Failed};
use crate::facts::LayerFacts;
use crate::layer::Shape;
use sekisho_base::ReadAt;
use sekisho_base::bytes::FileRange;
use sekisho_base::inflate::Compression;
use sekisho_model::{Code, Diagnostic};
use sekisho_sbom::analyzers::rpm;

/// The first bytes of the lead.
pub(super) const MAGIC: &[u8] = b"\xed\xab\xee\xdb";

pub(super) fn read(data: &FileRange, context: &Context<'_>) -> Result<LayerFacts, Failed> {
    let package = context.itself(&rpm::PACKAGE, data);
    // Where there is no header, the package has told.
    let mut facts = match rpm::payload(data, context.options.limits.text_file_bytes) {
        Ok(start) => payload(&data.slice(start, data.size() - start), context)?,
        Err(_) => LayerFacts::default(),
    };
    facts.files.push(package);
    Ok(facts)
}

fn payload(stored: &FileRange, context: &Context<'_>) -> Result<LayerFacts, Failed> {
    let mut head = [0; Compression::HEAD];
    let seen = stored.read_at(0, &mut head)?;
    if let Some(form) = Compression::unread(&head[..seen]) {
        let message = format!("the files in it are compressed with {form}, which is not read");
        let diagnostics = vec![Diagnostic::incomplete(Code::FileUnreadable, message)];
        return Ok(LayerFacts { diagnostics, ..LayerFacts::default() });
    }
    Ok(context.tree(stored, Shape::Cpio)?.0)
}
