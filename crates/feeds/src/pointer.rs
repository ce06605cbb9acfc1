//! Addresses that stay and name the file that is meant today.
//!
//! Told by the last part of the address: `archive_latest.txt` holds the name of an archive beside it (Red Hat, CSAF);
//! `mirror.list` holds addresses of a repository of packages, whose `repodata/repomd.xml` says where its `updateinfo`
//! is (<https://github.com/rpm-software-management/createrepo_c>).

use quick_xml::Reader;
use quick_xml::events::Event;
use sekisho_net::Url;

/// What names another file is short.
pub(crate) const MAX_BYTES: u64 = 1 << 20;
/// No address leads on more often than this.
pub(crate) const STEPS: usize = 3;

/// Whether what lies at an address only names another file.
pub(crate) fn is_pointer(url: &str) -> bool {
    matches!(last(url), "archive_latest.txt" | "mirror.list" | "repomd.xml")
}

fn last(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

/// The address that `text`, which lies at `url`, names.
pub(crate) fn follow(url: &str, text: &[u8]) -> Result<String, String> {
    let text = str::from_utf8(text).map_err(|_| "it is no text".to_owned())?;
    let from = Url::parse(url).map_err(|error| error.to_string())?;
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let join = |base: &Url, to: &str| base.join(to).map_err(|error| format!("it names {to:?}: {error}"));
    let to = match last(url) {
        "archive_latest.txt" => {
            let name = first.ok_or("it names no file")?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            if !name.bytes().all(plain) || name.starts_with('.') {
                return Err(format!("{name:?}, which it names, is no file beside it"));
            }
            join(&from, name)?
        }
        "mirror.list" => {
            let base = first.ok_or("it names no repository")?;
            let base = if base.ends_with('/') { base.to_owned() } else { format!("{base}/") };
            join(&join(&from, &base)?, "repodata/repomd.xml")?
        }
        _ => {
            let place = updateinfo(text).ok_or("it names no updateinfo")?;
            // Places count from the repository, in which this file lies in `repodata`.
            join(&join(&from, "../")?, &place)?
        }
    };
    if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() != "https") {
        return Err(format!("{to}, which it names, is not reached by https"));
    }
    Ok(to.into())
}

/// `<data type="updateinfo"><location href="..."/>`
fn updateinfo(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut within = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let value = |name: &str| {
                    let mut attributes = start.attributes();
                    let mut attributes = attributes.with_checks(false).flatten();
                    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
                    Some(found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?.into_owned())
                };
                match start.local_name().as_ref() {
                    "data" => within = value("type").as_deref() == Some("updateinfo"),
                    "location" if within => return value("href"),
                    _ => {}
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_on() {
        let at = "https://x/data/vex/archive_latest.txt";
        assert_eq!(follow(at, b"csaf_2026-11-21.tar.zst\n").unwrap(), "https://x/data/vex/csaf_2026-11-21.tar.zst");
        let list = "https://x/2/core/latest/x86_64/mirror.list";
        let repomd = "https://x/2/core/2.0/x86_64/abc/repodata/repomd.xml";
        assert_eq!(follow(list, b"https://x/2/core/2.0/x86_64/abc\n").unwrap(), repomd);
        assert_eq!(follow(list, b"\n# all\nhttps://x/2/core/2.0/x86_64/abc/\nhttps://y/").unwrap(), repomd);
        let xml = br#"<?xml version="1.0"?><repomd><data type="primary"><location href="repodata/p.xml.gz"/></data>
            <data type="updateinfo"><checksum type="sha256">00</checksum><location href="repodata/u.xml.gz"/></data></repomd>"#;
        assert_eq!(follow(repomd, xml).unwrap(), "https://x/2/core/2.0/x86_64/abc/repodata/u.xml.gz");
        assert!(is_pointer(at) && is_pointer(list) && is_pointer(repomd) && !is_pointer("https://x/all.zip"));
    }

    #[test]
    fn addresses_do_not_lead_astray() {
        let at = "https://x/data/archive_latest.txt";
        for text in ["", "../../etc/passwd", "https://y/z.tar", "//y/z", "a b", ".hidden", "<html>", "a/b"] {
            assert!(follow(at, text.as_bytes()).is_err(), "{text}");
        }
        let list = "https://x/mirror.list";
        for text in ["", "http://x/plain", "file:///etc", "javascript:1"] {
            assert!(follow(list, text.as_bytes()).is_err(), "{text}");
        }
        for text in ["", "<repomd/>", "<data type='updateinfo'><location/>", "<data type='updateinfo'>"] {
            assert!(follow("https://x/repodata/repomd.xml", text.as_bytes()).is_err(), "{text}");
        }
        assert!(follow(at, b"\xff").is_err());
    }
}
