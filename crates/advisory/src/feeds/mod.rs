//! Parsers of what publishers of advisories publish: one folder each, registered in one table.
//!
//! A parser gets the bytes and the name of one file and hands over records. Unpacking archives, downloading and
//! keeping are not done here.

mod alpine;
mod amazon;
mod debian;
mod epss;
mod feed;
mod jvn;
mod kev;
mod nvd;
pub mod osv;
mod redhat;
mod rubysec;
mod rustsec;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod yaml;

pub(crate) use feed::MOST_CVES;
pub(crate) use feed::file_name;
pub use feed::{Contents, Feed, FeedFile, HEAD_BYTES, NO_VERSIONS, ONLY_COMMITS, Read};

/// Every feed, in the order in which they are asked whether a file is theirs: the most particular first.
pub static FEEDS: &[&Feed] = &[
    &osv::ALMALINUX,
    &osv::ROCKY,
    &osv::UBUNTU,
    &osv::SUSE,
    &osv::GHSA,
    &osv::GO,
    &osv::PYPA,
    &rustsec::FEED,
    &rubysec::FEED,
    &debian::FEED,
    &alpine::FEED,
    &redhat::FEED,
    &amazon::FEED,
    &nvd::FEED,
    &kev::FEED,
    &epss::FEED,
    &jvn::FEED,
    &osv::OSV,
];

/// The feed that a file is of, by its path and its beginning (of which [`HEAD_BYTES`] are enough); none for what is no
/// feed's (licences, read-me files).
pub fn feed_of(path: &str, bytes: &[u8]) -> Option<&'static Feed> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    FEEDS.iter().copied().find(|feed| (feed.recognises)(path, head))
}

/// The feed with this id.
pub fn feed(id: &str) -> Option<&'static Feed> {
    FEEDS.iter().copied().find(|feed| feed.id == id)
}
