use super::*;

fn fixture() -> Vec<u8> {
    zstd::decode_all(&include_bytes!("fixtures/meta.db.zst")[..]).unwrap()
}

fn inner(bolt: &mut Bolt<'_>, bucket: &Bucket, name: &str) -> Bucket {
    let found = bolt.entries(bucket).unwrap().into_iter().find(|(key, _)| key == name.as_bytes());
    match found {
        Some((_, Value::Bucket(bucket))) => bucket,
        other => panic!("{name} is {other:?}"),
    }
}

/// Every bucket below the root, as far as it can be read: `path=value`.
fn all(data: &dyn ReadAt) -> Result<Vec<String>, BoltError> {
    let limits = Limits::default();
    let mut bolt = Bolt::new(data, &limits)?;
    let mut pending = vec![(String::new(), bolt.root())];
    let mut found = Vec::new();
    while let Some((path, bucket)) = pending.pop() {
        for (key, value) in bolt.entries(&bucket)? {
            let path = format!("{path}/{}", String::from_utf8_lossy(&key));
            match value {
                Value::Bytes(bytes) => found.push(format!("{path}={}", String::from_utf8_lossy(&bytes))),
                Value::Bucket(bucket) => pending.push((path, bucket)),
            }
        }
    }
    Ok(found)
}

#[test]
fn the_names_in_a_database_of_containerd_are_those_that_it_lists() {
    let (bytes, limits) = (fixture(), Limits::default());
    let data = bytes.as_slice();
    let mut bolt = Bolt::new(&data, &limits).unwrap();
    let root = bolt.root();
    let version = inner(&mut bolt, &root, "v1");
    let mut names = Vec::new();
    for (namespace, value) in bolt.entries(&version).unwrap() {
        let Value::Bucket(namespace_bucket) = value else { continue };
        let images = inner(&mut bolt, &namespace_bucket, "images");
        let entries = bolt.entries(&images).unwrap();
        assert!(entries.is_sorted_by_key(|(key, _)| key.clone()), "keys come in their order, also from several pages");
        let namespace = String::from_utf8(namespace).unwrap();
        names.extend(entries.into_iter().map(|(key, _)| format!("{namespace}/{}", String::from_utf8(key).unwrap())));
    }
    names.sort();
    assert_eq!(names, include_str!("fixtures/names.txt").lines().collect::<Vec<_>>());
    assert!(bolt.is_current());
    let target = all(&data).unwrap().into_iter().find(|line| line.starts_with("/v1/k8s.io/images/sha256:"));
    assert!(target.is_some());
}

/// A file that is written while it is read.
struct Turning<'a>(std::cell::Cell<bool>, [&'a [u8]; 2]);

impl ReadAt for Turning<'_> {
    fn size(&self) -> u64 {
        self.1[0].len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.1[usize::from(self.0.get())].read_at(offset, buf)
    }
}

#[test]
fn a_transaction_that_ends_meanwhile_is_noticed_and_a_torn_one_is_not_believed() {
    let mut bytes = fixture();
    let limits = Limits::default();
    let newest = |bytes: &[u8]| Meta::latest(&bytes).unwrap().unwrap();
    let before = newest(&bytes);
    // The other meta page, as the next transaction writes it.
    let at = if before.transaction % 2 == 0 { 4096 } else { 0 } + PAGE_HEADER;
    let mut meta = bytes[at..at + META].to_vec();
    meta[16..48].copy_from_slice(&[0; 32]);
    meta[16] = u8::try_from(before.root).unwrap();
    meta[40..48].copy_from_slice(&before.end.to_le_bytes());
    meta[48..56].copy_from_slice(&(before.transaction + 1).to_le_bytes());
    let torn = meta.clone();
    let sum = checksum(&meta[..56]).to_le_bytes();
    meta[56..].copy_from_slice(&sum);
    let old = bytes.clone();
    let view = old.as_slice();
    assert!(Bolt::new(&view, &limits).unwrap().is_current());
    bytes[at..at + META].copy_from_slice(&torn);
    assert_eq!(newest(&bytes), before, "its checksum is wrong");
    bytes[at..at + META].copy_from_slice(&meta);
    assert_eq!(newest(&bytes).transaction, before.transaction + 1);

    let turning = Turning(false.into(), [&old, &bytes]);
    let bolt = Bolt::new(&turning, &limits).unwrap();
    assert!(bolt.is_current());
    turning.0.set(true);
    assert!(!bolt.is_current());
}

#[test]
fn damage_is_an_error_or_less_and_never_more() {
    let bytes = fixture();
    let whole = all(&bytes.as_slice()).unwrap();
    assert!(whole.len() > 300);
    // The file as it is has room at its end.
    for length in (0..bytes.len()).step_by(509) {
        if let Ok(found) = all(&&bytes[..length]) {
            assert_eq!(found, whole, "cut to {length}");
        }
    }
    let mut damaged = bytes.clone();
    let mut refused = 0;
    for at in (0..110 * 4096).step_by(61) {
        damaged[at] ^= 0x41;
        refused += usize::from(all(&damaged.as_slice()).is_err());
        damaged[at] = bytes[at];
    }
    assert!(refused > 50, "{refused}");
}

/// Pages of 512 bytes, from the third on, behind two meta pages that lead to the third.
fn database(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for transaction in 0..2_u64 {
        let mut page = vec![0; 512];
        page[PAGE_HEADER..][..4].copy_from_slice(&MAGIC.to_le_bytes());
        page[PAGE_HEADER + 4..][..4].copy_from_slice(&VERSION.to_le_bytes());
        page[PAGE_HEADER + 8..][..4].copy_from_slice(&512_u32.to_le_bytes());
        page[PAGE_HEADER + 16..][..8].copy_from_slice(&2_u64.to_le_bytes());
        page[PAGE_HEADER + 40..][..8].copy_from_slice(&(2 + pages.len() as u64).to_le_bytes());
        page[PAGE_HEADER + 48..][..8].copy_from_slice(&transaction.to_le_bytes());
        let sum = checksum(&page[PAGE_HEADER..PAGE_HEADER + 56]);
        page[PAGE_HEADER + 56..][..8].copy_from_slice(&sum.to_le_bytes());
        bytes.extend(page);
    }
    for page in pages {
        bytes.extend(page);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes
}

fn page(id: u64, flags: u16, count: u16, overflow: u32, elements: &[u8]) -> Vec<u8> {
    let header = [&id.to_le_bytes()[..], &flags.to_le_bytes(), &count.to_le_bytes(), &overflow.to_le_bytes()].concat();
    [&header, elements].concat()
}

fn branch(to: u64) -> Vec<u8> {
    [&[0; 8][..], &to.to_le_bytes()].concat()
}

fn leaf(flags: u32, start: u32, key: u32, value: u32) -> Vec<u8> {
    [flags, start, key, value].iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn what_leads_nowhere_or_back_is_refused() {
    let refused = |pages: &[Vec<u8>], reason: &str| {
        let bytes = database(pages);
        let error = all(&bytes.as_slice()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(&[page(2, BRANCH, 1, 0, &branch(2))], "one page twice");
    refused(&[page(2, BRANCH, 1, 0, &branch(3)), page(3, BRANCH, 1, 0, &branch(2))], "one page twice");
    refused(&[page(2, BRANCH, 2, 0, &[branch(3), branch(3)].concat()), page(3, LEAF, 0, 0, &[])], "one page twice");
    for beyond in [0, 1, 4, u64::MAX] {
        refused(&[page(2, BRANCH, 1, 0, &branch(beyond)), page(3, LEAF, 0, 0, &[])], "a page that it does not have");
    }
    refused(&[page(2, BRANCH, 1000, 0, &branch(3)), page(3, LEAF, 0, 0, &[])], "ends in the middle");
    refused(&[page(7, LEAF, 0, 0, &[])], "another page where it leads to");
    refused(&[page(2, LEAF, 0, 1, &[])], "beyond its end");
    refused(&[page(2, LEAF, 0, u32::MAX, &[])], "beyond its end");
    refused(&[page(2, 0x10, 0, 0, &[])], "another kind");
    refused(&[page(2, LEAF, 2000, 0, &leaf(0, 16, 1, 1))], "beyond its page");
    for (start, key, value) in [(u32::MAX, 1, 1), (16, u32::MAX, 1), (16, 1, u32::MAX), (500, 1, 1)] {
        refused(&[page(2, LEAF, 1, 0, &leaf(0, start, key, value))], "beyond its page");
    }
    // A bucket that is in itself, and those inside values.
    let to = |root: u64| [&leaf(IS_BUCKET, 16, 0, 16)[..], &root.to_le_bytes(), &[0; 8]].concat();
    refused(&[page(2, LEAF, 1, 0, &to(2))], "one page twice");
    refused(&[page(2, LEAF, 1, 0, &to(0))], "holds no keys");
    refused(&[page(2, LEAF, 1, 0, &leaf(IS_BUCKET, 16, 0, 7))], "cut short");
    assert!(all(&database(&[page(2, LEAF, 0, 0, &[])]).as_slice()).unwrap().is_empty());
    let error = all(&[0_u8; 8192].as_slice()).unwrap_err();
    assert!(error.to_string().contains("no bbolt database"), "{error}");
    assert!(all(&[].as_slice()).is_err());
}

#[test]
fn keys_pages_and_bytes_are_bounded() {
    let read = |pages: &[Vec<u8>], limits: &Limits| {
        let bytes = database(pages);
        let data = bytes.as_slice();
        let mut bolt = Bolt::new(&data, limits).unwrap();
        let root = bolt.root();
        bolt.entries(&root).map(|entries| entries.len()).unwrap_err().to_string()
    };
    // Thirty keys that are the same four hundred bytes.
    let elements: Vec<u8> = (0..30).flat_map(|_| leaf(0, 0, 0, 16)).collect();
    let limits = Limits { text_file_bytes: 100, ..Limits::default() };
    assert!(read(&[page(2, LEAF, 30, 0, &elements)], &limits).contains("limits.text_file_bytes"));
    let limits = Limits { records: 10, ..Limits::default() };
    assert!(read(&[page(2, LEAF, 30, 0, &elements)], &limits).contains("limits.records"));
    let limits = Limits { document_bytes: 1000, ..Limits::default() };
    let large = page(2, LEAF, 0, 3, &[0; 4 * 512 - 16]);
    assert!(
        read(&[large.clone(), vec![0; 512], vec![0; 512], vec![0; 512]], &limits).contains("limits.document_bytes")
    );
    // Pages over each other: each of a hundred goes on to the end.
    let branches: Vec<u8> = (3..33).flat_map(branch).collect();
    let mut pages = vec![page(2, BRANCH, 30, 0, &branches)];
    pages.extend((3..33_u64).map(|id| page(id, LEAF, 0, u32::try_from(32 - id).unwrap(), &[])));
    assert!(read(&pages, &Limits::default()).contains("lie over each other"));
}
