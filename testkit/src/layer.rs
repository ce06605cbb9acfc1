//! Building one layer's tar, sound or hostile.

use std::io::Read;
use std::path::Path;
use tar::{EntryType, Header};

/// What becomes of a file's name and content on the way into the layer.
type Store<'a> = &'a dyn Fn(&str, Vec<u8>) -> (String, Vec<u8>);

/// A layer in the making. Entries appear in the order in which they are added; times and owners are
/// zero, so that the same calls give the same bytes.
#[derive(Default)]
pub struct LayerBuilder {
    bytes: Vec<u8>,
}

impl LayerBuilder {
    /// An empty layer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a regular file.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(EntryType::Regular, path, "", content.as_ref(), 0o644)
    }

    /// Adds an executable file.
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(EntryType::Regular, path, "", content.as_ref(), 0o755)
    }

    /// Adds a directory.
    pub fn directory(self, path: &str) -> Self {
        self.entry(EntryType::Directory, &format!("{path}/"), "", &[], 0o755)
    }

    /// Adds a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, target, &[], 0o777)
    }

    /// Adds a hard link.
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Link, path, target, &[], 0o644)
    }

    /// Says that the path is gone from the layers below.
    pub fn whiteout(self, path: &str) -> Self {
        let (directory, name) = path.rsplit_once('/').map_or((String::new(), path), |(d, n)| (format!("{d}/"), n));
        self.file(&format!("{directory}.wh.{name}"), b"")
    }

    /// Says that all content of the directory is gone from the layers below.
    pub fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{directory}/.wh..wh..opq"), b"")
    }

    /// Adds the tree below `source` at `path`: files, directories and symbolic links, sorted by name.
    pub fn tree(self, path: &str, source: &Path) -> Self {
        self.walk(path, source, &|name, content| (name.to_owned(), content))
    }

    fn walk(mut self, path: &str, source: &Path, store: Store<'_>) -> Self {
        let mut entries: Vec<_> = std::fs::read_dir(source)
            .unwrap_or_else(|error| panic!("cannot list {}: {error}", source.display()))
            .map(|entry| entry.expect("a directory can be listed").path())
            .collect();
        entries.sort();
        for entry in entries {
            let name = entry.file_name().expect("listed entries have names").to_string_lossy().into_owned();
            let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
            let metadata = entry.symlink_metadata().expect("a listed entry can be looked at");
            self = if metadata.is_symlink() {
                let target = std::fs::read_link(&entry).expect("a link can be read");
                self.symlink(&inner, &target.to_string_lossy())
            } else if metadata.is_dir() {
                self.directory(&inner).walk(&inner, &entry, store)
            } else {
                let mut content = Vec::new();
                std::fs::File::open(&entry)
                    .and_then(|mut file| file.read_to_end(&mut content))
                    .unwrap_or_else(|error| panic!("cannot read {}: {error}", entry.display()));
                let (inner, content) = store(&inner, content);
                self.file(&inner, content)
            };
        }
        self
    }

    /// Adds the fixture in the folder `source` at `path`, as [`LayerBuilder::tree`] does, but a file
    /// ending in `.zst` stands for its inflated content.
    pub fn fixture(self, path: &str, source: &Path) -> Self {
        self.walk(path, source, &|name, content| match name.strip_suffix(".zst") {
            Some(plain) => (plain.to_owned(), zstd::decode_all(&content[..]).expect("fixtures are sound")),
            None => (name.to_owned(), content),
        })
    }

    /// Adds any kind of entry. Names that do not fit a header are written as GNU long names.
    pub fn entry(self, kind: EntryType, path: &str, link: &str, content: &[u8], mode: u32) -> Self {
        let with_long = [(b'L', path), (b'K', link)].into_iter().filter(|(_, name)| name.len() > 100);
        let mut layer = with_long.fold(self, |layer, (flag, name)| {
            let content = [name.as_bytes(), b"\0"].concat();
            layer.block(EntryType::new(flag), b"././@LongLink", b"", content.len() as u64, 0).content(&content)
        });
        layer = layer.block(kind, path.as_bytes(), link.as_bytes(), content.len() as u64, mode);
        layer.content(content)
    }

    /// Adds a pax header whose records apply to the next entry.
    pub fn pax(self, records: &[u8]) -> Self {
        self.block(EntryType::XHeader, b"./PaxHeaders/x", b"", records.len() as u64, 0o644).content(records)
    }

    /// Adds a header block alone, with any size in it.
    pub fn block(mut self, kind: EntryType, path: &[u8], link: &[u8], size: u64, mode: u32) -> Self {
        let mut header = Header::new_ustar();
        let fields = header.as_ustar_mut().expect("the header was made as ustar");
        let (path, link) = (&path[..path.len().min(100)], &link[..link.len().min(100)]);
        fields.name[..path.len()].copy_from_slice(path);
        fields.linkname[..link.len()].copy_from_slice(link);
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
        self
    }

    /// Adds content after a header, padded to whole blocks.
    pub fn content(mut self, content: &[u8]) -> Self {
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// Adds bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The archive, with its end mark.
    pub fn build(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 1024, 0);
        self.bytes
    }

    /// The archive, without an end mark.
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}

/// One record of a pax header: `LENGTH KEY=VALUE\n`.
pub fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut len = body;
    // The length counts its own digits.
    while len != body + len.to_string().len() {
        len = body + len.to_string().len();
    }
    format!("{len} {key}={value}\n").into_bytes()
}

/// An archive of `ar`, as Debian packages are, of members with their names.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, content.len()).bytes());
        out.extend_from_slice(content);
        out.extend(std::iter::repeat_n(b'\n', content.len() % 2));
    }
    out
}
