//! What the header of one installed package says, and what of it goes into an inventory.

use super::error::Error;
use super::header::{Header, Tag};
use sekisho_base::hash;
use sekisho_model::{License, PackageFacts, PackageKind, SourcePackage};
use serde::Serialize;

/// The identity of a package and what else its header says in one value each. Texts that the header
/// does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RpmHeader {
    pub(crate) name: String,
    /// `None` and 0 compare alike, but only the latter is part of what is shown as version.
    pub(crate) epoch: Option<u32>,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) arch: String,
    /// File name of the source package.
    pub(crate) source_rpm: String,
    /// Bytes of the installed files.
    pub(crate) size: u64,
    pub(crate) license: String,
    pub(crate) vendor: String,
    pub(crate) modularity_label: String,
    pub(crate) summary: String,
    /// MD5 of header and payload of the package file, in hexadecimal.
    pub(crate) sigmd5: String,
    /// Seconds since 1970.
    pub(crate) install_time: Option<u64>,
    pub(crate) provides_count: usize,
    pub(crate) requires_count: usize,
}

impl RpmHeader {
    /// Reads the tags. A header without name, version or release is damaged.
    pub(super) fn read(header: &Header<'_>) -> Result<Self, Error> {
        let text = |tag| Ok::<_, Error>(header.text(tag)?.unwrap_or_default());
        let needed = |tag| {
            header.text(tag)?.filter(|text| !text.is_empty()).ok_or(Error::Damaged("a header has no name or version"))
        };
        let epoch = header.number(Tag::Epoch)?.map(u32::try_from).transpose();
        Ok(Self {
            name: needed(Tag::Name)?,
            epoch: epoch.map_err(|_| Error::Damaged("an epoch is too large"))?,
            version: needed(Tag::Version)?,
            release: needed(Tag::Release)?,
            arch: text(Tag::Arch)?,
            source_rpm: text(Tag::SourceRpm)?,
            // The tag of 64 bits is only there where 32 bits do not hold the number.
            size: header.number(Tag::LongSize)?.or(header.number(Tag::Size)?).unwrap_or(0),
            license: text(Tag::License)?,
            vendor: text(Tag::Vendor)?,
            modularity_label: text(Tag::ModularityLabel)?,
            summary: text(Tag::Summary)?,
            sigmd5: header.bytes(Tag::SigMd5)?.map(hash::hex).unwrap_or_default(),
            install_time: header.number(Tag::InstallTime)?,
            provides_count: header.strings(Tag::ProvideName)?.len(),
            requires_count: header.strings(Tag::RequireName)?.len(),
        })
    }

    /// Whether this is a key that rpm trusts, stored as if it were a package.
    pub(super) fn is_key(&self) -> bool {
        self.name == "gpg-pubkey"
    }

    /// The part that goes into an inventory.
    pub(super) fn facts(self) -> PackageFacts {
        let version = match self.epoch {
            Some(epoch) => format!("{epoch}:{}-{}", self.version, self.release),
            None => format!("{}-{}", self.version, self.release),
        };
        let install_time = self.install_time.map(|time| time.to_string()).unwrap_or_default();
        let extra = [("install_time", install_time), ("modularity", self.modularity_label), ("sigmd5", self.sigmd5)];
        PackageFacts {
            arch: some(self.arch),
            source: SourcePackage::of_rpm(&self.source_rpm),
            licenses: License::parse(&self.license).into_iter().collect(),
            supplier: some(self.vendor),
            extra: extra
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            ..PackageFacts::new(PackageKind::Rpm, self.name, version)
        }
    }
}

/// The text, unless it is empty.
fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The paths of the package's files, without a leading slash. `None` when they have more bytes than
/// `budget`, which they are taken from: in a hostile header, many files share one long directory.
pub(super) fn paths(header: &Header<'_>, budget: &mut usize) -> Result<Option<Vec<String>>, Error> {
    let mut paths = Vec::new();
    let mut push = |directory: &[u8], name: &[u8]| {
        let Some(left) = budget.checked_sub(directory.len() + name.len() + size_of::<String>()) else { return false };
        *budget = left;
        let mut path = String::from_utf8_lossy(directory.strip_prefix(b"/").unwrap_or(directory)).into_owned();
        path.push_str(&String::from_utf8_lossy(name));
        paths.push(path);
        true
    };
    // Packages that rpm 3 built have whole names.
    for name in header.strings(Tag::OldFileNames)? {
        if !push(name?, b"") {
            return Ok(None);
        }
    }
    let names = header.strings(Tag::BaseNames)?;
    let indexes = header.numbers(Tag::DirIndexes)?;
    let directories = header.strings(Tag::DirNames)?;
    if names.len() != indexes.len() || directories.len() > names.len() {
        return Err(Error::Damaged("the file list of a header is damaged"));
    }
    let directories: Vec<&[u8]> = directories.collect::<Result<_, _>>()?;
    for (name, index) in names.zip(indexes) {
        let directory = directories.get(index as usize).ok_or(Error::Damaged("a file is in no directory"))?;
        if !push(directory, name?) {
            return Ok(None);
        }
    }
    Ok(Some(paths))
}
