//! What the stores of engines keep about images and layers.

use super::LIMITS;
use sekisho_base::ReadAt;
use sekisho_base::beneath::Directory;
use sekisho_oci::SplitLayer;
use sekisho_oci::bolt::{Bolt, Value};
use std::fs;
use std::io::Read;
use std::sync::Arc;
use tempfile::TempDir;

/// containerd's database: every bucket there is. Both meta pages are given the checksums that they should have, or a
/// fuzzer would never come past them.
pub fn store_names(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let size = bytes.get(24..28).map_or(0, |size| u32::from_le_bytes(size.try_into().expect("four bytes")) as usize);
    for at in [16, size.saturating_add(16)] {
        if let Some(meta) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..64)) {
            let fold = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            let sum = meta[..56].iter().fold(0xcbf2_9ce4_8422_2325, fold);
            meta[56..].copy_from_slice(&sum.to_le_bytes());
        }
    }
    let data: &dyn ReadAt = &bytes.as_slice();
    let Ok(mut database) = Bolt::new(data, &LIMITS) else { return };
    let (mut pending, mut keys, mut size) = (vec![database.root()], 0, 0);
    while let Some(bucket) = pending.pop() {
        let Ok(entries) = database.entries(&bucket) else { break };
        for (key, value) in entries {
            keys += 1;
            size += key.len();
            match value {
                Value::Bytes(bytes) => size += bytes.len(),
                Value::Bucket(bucket) => pending.push(bucket),
            }
        }
    }
    assert!(keys <= LIMITS.records, "more keys than the limit");
    assert!(size as u64 <= LIMITS.text_file_bytes, "more bytes than the limit");
    assert!(database.is_current(), "nobody writes");
}

/// The record of an unpacked layer, beside a tree with one file.
pub fn store_split(bytes: &[u8]) {
    thread_local! {
        static STORE: (TempDir, Arc<Directory>) = {
            let folder = tempfile::tempdir().expect("a temporary directory can be made");
            let made = fs::create_dir_all(folder.path().join("diff/a")).and_then(|()| fs::write(folder.path().join("diff/a/b"), "0123456789"));
            made.expect("a temporary directory can be filled");
            let opened = Directory::open(folder.path()).expect("a temporary directory can be opened");
            (folder, Arc::new(opened))
        };
    }
    STORE.with(|(folder, store)| {
        fs::write(folder.path().join("split"), bytes).expect("a temporary file can be written");
        let layer = SplitLayer::new(Arc::clone(store), "diff".into(), "split".into(), 0);
        let Ok(mut reader) = layer.reader(&LIMITS) else { return };
        let (mut piece, mut total) = (vec![0; 16 << 10], 0);
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            total += count as u64;
        }
        assert!(total <= LIMITS.inflated_bytes, "more bytes than the limit");
        reader.told();
    });
}
