//! Comparing package sets across tools, by CycloneDX.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

/// A package as every tool can name it: type, lower-case name, version.
pub(super) type Key = (String, String, String);

/// The packages of a CycloneDX document. Tools differ in how they write the same package URL, so epochs,
/// qualifiers and percent-encoding are taken away.
pub(super) fn of_cyclonedx(document: &[u8]) -> Result<BTreeSet<Key>> {
    let document: Value = serde_json::from_slice(document).context("the SBOM is not JSON")?;
    let components = document["components"].as_array().context("the SBOM has no components")?;
    Ok(components.iter().filter_map(|component| key(component["purl"].as_str()?)).collect())
}

fn key(purl: &str) -> Option<Key> {
    let rest = purl.strip_prefix("pkg:")?;
    let rest = rest.split(['?', '#']).next()?;
    let (kind, rest) = rest.split_once('/')?;
    let (path, version) = rest.rsplit_once('@').unwrap_or((rest, ""));
    let path = match kind {
        // The namespace is the distribution.
        "deb" | "rpm" | "apk" => path.rsplit('/').next()?,
        _ => path,
    };
    let version = decode(version);
    let version = match kind {
        // Some keep the epoch in a qualifier.
        "deb" | "rpm" => version.split_once(':').map_or(version.as_str(), |(_, rest)| rest).to_owned(),
        // The standard library is written v1.2, go1.2 and 1.2.
        "golang" if path == "stdlib" => version.trim_start_matches("go").trim_start_matches('v').to_owned(),
        _ => version,
    };
    Some((kind.to_owned(), decode(path).to_lowercase().replace('_', "-"), version))
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let hex = (byte == b'%').then(|| Some([ahead.next()?, ahead.next()?])).flatten();
        match hex.and_then(|pair| u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_package_are_one() {
        let ours = key("pkg:deb/debian/libstdc%2B%2B6@1:12.2-1?arch=amd64").unwrap();
        assert_eq!(key("pkg:deb/debian/libstdc++6@12.2-1?epoch=1").unwrap(), ours);
        assert_eq!(key("pkg:npm/%40Babel/core@7.1.0").unwrap().1, "@babel/core");
        assert_eq!(key("pkg:pypi/foo_bar@1").unwrap(), key("pkg:pypi/foo-bar@1").unwrap());
        assert_eq!(key("pkg:golang/stdlib@v1.2").unwrap(), key("pkg:golang/stdlib@1.2").unwrap());
        assert_eq!(key("no purl"), None);
    }
}
