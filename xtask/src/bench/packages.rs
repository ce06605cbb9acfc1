//! Comparing package sets across tools, by CycloneDX.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

/// A package as every tool can name it: type, lower-case name, version.
pub(super) type Key = (String, String, String);

/// The packages of a CycloneDX document. Tools differ in how they write the same package URL, so epochs,
/// qualifiers and percent-encoding are taken away.
pub(super) fn of_cyclonedx(document: &[u8]) -> Result<BTreeSet<Key>> {
    Ok(located(document)?.into_keys().collect())
}

/// The same with the files in which each was found, as far as the document names them.
pub(super) fn located(document: &[u8]) -> Result<BTreeMap<Key, BTreeSet<String>>> {
    let document: Value = serde_json::from_slice(document).context("the SBOM is not JSON")?;
    // A tree without packages has no list in some documents.
    let components = document["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for component in components {
        if let Some(key) = component["purl"].as_str().and_then(key) {
            found.entry(key).or_default().extend(files(component));
        }
    }
    Ok(found)
}

/// Where a component was found: in its evidence with us, in properties with Syft and Trivy.
fn files(component: &Value) -> impl Iterator<Item = String> {
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let evidence = listed(&component["evidence"]["occurrences"]).into_iter().map(|place| place["location"].clone());
    let properties = listed(&component["properties"]).into_iter().filter_map(|property| {
        let name = property["name"].as_str()?;
        let place =
            name.starts_with("syft:location:") && name.ends_with(":path") || name == "aquasecurity:trivy:FilePath";
        place.then(|| property["value"].clone())
    });
    evidence.chain(properties).filter_map(|path| Some(path.as_str()?.trim_start_matches('/').to_owned()))
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
        // A main module that was built from a checkout.
        "golang" if version == "(devel)" => String::new(),
        // One version is written v1.2 and 1.2, that of the standard library also go1.2.
        "golang" => version.trim_start_matches("go").trim_start_matches('v').to_owned(),
        _ => version,
    };
    let name = decode(path).to_lowercase().replace('_', "-");
    let name = if kind == "pypi" { name.replace('.', "-") } else { name };
    Some((kind.to_owned(), name, version))
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
        assert_eq!(key("pkg:pypi/foo.bar@1").unwrap(), key("pkg:pypi/foo-bar@1").unwrap());
        assert_eq!(key("pkg:golang/a@(devel)").unwrap(), key("pkg:golang/a").unwrap());
        assert_eq!(key("no purl"), None);
    }
}
