//! Zip archives as trees of files.

use super::Context;
use crate::facts::LayerFacts;
use sekisho_base::ReadAt;
use sekisho_base::bytes::FileRange;
use sekisho_model::{Code, Diagnostic};
use sekisho_oci::path;
use sekisho_sbom::zip::{self, BUFFER, Budget, Fault, LEAST_BUFFER, Place, Zip};
use std::io::Write;

/// The upper half of external attributes is a mode, if the archive was made on Unix (APPNOTE.TXT, 4.4.15).
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;

pub(super) fn read(data: &FileRange, context: &Context<'_>) -> LayerFacts {
    let limits = &context.options.limits;
    let mut collector = context.collector();
    let mut spool = context.spool();
    let mut entries = 0;
    let wants = BUFFER.min(usize::try_from(data.size()).unwrap_or(usize::MAX)).max(LEAST_BUFFER);
    let (mut buffer, mut local) = (vec![0; wants], vec![0; wants]);
    // One for the directory, one for the content of what is read while that is walked.
    let mut directory = Budget::new(data.size(), limits);
    let mut budget = Budget::new(data.size(), limits);
    let listed = Zip::open(data, &mut buffer, &mut directory).and_then(|zip| {
        zip.entries(&mut buffer, &mut directory, |record| {
            entries += 1;
            if context.deadline.check().is_err() {
                return;
            }
            let raw = record.file_path().as_bytes();
            let name = zip::path(raw);
            let (path, _) = path::normalize(&name);
            if record.is_dir() || name.ends_with(b"/") || path.is_empty() || collector.exclude(&path) {
                return;
            }
            if path.len() > limits.path_bytes || path.matches('/').count() > limits.path_depth {
                let message =
                    "the path is longer or deeper than the limits allow (limits.path_bytes, limits.path_depth)";
                let begin: String = path.chars().take(80).collect();
                collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, message).at(begin));
                return;
            }
            let place = Place::of(record);
            if let Some(what) = zip.contradiction(place, raw, &mut local) {
                collector.diagnostic(Diagnostic::incomplete(Code::FileMalformed, what).at(&path));
            }
            let mut wrong = None;
            let mut copy = |most: u64, to: &mut dyn Write| match zip.copy(place, most, &mut budget, to) {
                Ok(Ok(told)) => {
                    wrong = wrong.take().or(told);
                    Ok(Ok(()))
                }
                Ok(Err(error)) => Ok(Err(error)),
                Err(fault) => Err(told(&fault)),
            };
            if record.external_attributes() >> 16 & KIND == LINK {
                let mut target = Vec::new();
                match copy(limits.path_bytes as u64, &mut target) {
                    Ok(_) => collector.link(&path, &path::text(&target)),
                    Err(diagnostic) => collector.diagnostic(diagnostic.at(&path)),
                }
            } else {
                collector.offer(&path, place.size(), &mut spool, &mut copy);
            }
            if let Some(wrong) = wrong {
                collector.diagnostic(Diagnostic::incomplete(Code::FileMalformed, wrong).at(&path));
            }
        })
    });
    if let Err(fault) = listed {
        collector.diagnostic(told(&fault));
    }
    if let Err(limit) = context.deadline.check() {
        collector.diagnostic(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()));
    }
    context.options.progress.advance(data.size());
    let mut facts = collector.finish();
    facts.entries = entries;
    facts
}

fn told(fault: &Fault) -> Diagnostic {
    let code = if let Fault::Limit(_) = fault { Code::LimitExceeded } else { Code::FileMalformed };
    Diagnostic::incomplete(code, fault.to_string())
}
