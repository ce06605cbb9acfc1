//! Archives that state one thing and hold another.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use sekisho_base::Limits;
use sekisho_base::bytes::FileRange;
use sekisho_base::limits::Deadline;
use sekisho_model::Diagnostic;
use sekisho_oci::LayerStream;
use sekisho_oci::tar::{Content, Entry, Visitor, walk};
use sekisho_testkit::{LayerBuilder, pax_record};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tar::EntryType;

#[derive(Default)]
struct Seen {
    paths: Vec<String>,
    diagnostics: Vec<String>,
}

impl Visitor<LayerStream> for Seen {
    fn entry(&mut self, entry: &Entry, _: &mut Content<'_, LayerStream>) -> io::Result<()> {
        self.paths.push(entry.path.clone());
        Ok(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic.message);
    }
}

/// A walk over `layer` meets `paths` and is incomplete for one reason.
#[track_caller]
fn incomplete(layer: LayerBuilder, paths: &[&str], reason: &str) {
    let bytes = layer.build();
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    let range = FileRange::new(Arc::new(file), 0, bytes.len() as u64);
    let limits = Limits::default();
    let mut seen = Seen::default();
    let walked = walk(&mut LayerStream::new(range, &limits, Deadline::of(&limits)).unwrap(), &limits, &mut seen);
    assert!(!walked.complete);
    assert_eq!(seen.paths, paths);
    let [diagnostic] = &seen.diagnostics[..] else { panic!("{:?}", seen.diagnostics) };
    assert!(diagnostic.contains(reason), "{diagnostic}");
}

#[test]
fn a_global_header_renames_nothing() {
    let path = pax_record("path", "elsewhere");
    let global = LayerBuilder::new().block(EntryType::XGlobalHeader, b"g", b"", path.len() as u64, 0).content(&path);
    incomplete(global.file("etc/os-release", "ID=a").file("b", ""), &["etc/os-release", "b"], "a global header");
}

#[test]
fn a_sparse_map_cannot_lead_beyond_the_file() {
    let sparse = |size: &str| {
        let records = [pax_record("GNU.sparse.size", size), pax_record("GNU.sparse.map", "0,2,10,3")];
        LayerBuilder::new().pax(&records.concat()).file("a", "hello").file("b", "")
    };
    incomplete(sparse("12"), &["b"], "the map of a sparse file");
    // Read up to here, the next header is none.
    incomplete(sparse("13").raw(&[1; 512]), &["a", "b"], "its checksum is wrong");
}
