//! `renv.lock`: an object with one for each package.
//!
//! Source: <https://rstudio.github.io/renv/articles/lockfile.html>.

use super::{description, license};
use crate::analyzer::{Extract, File};
use crate::analyzers::json::{Keys, Object, Scalar, each, skip};
use crate::analyzers::lock::{Locked, source};
use sekisho_model::{PackageKind, json_reason};
use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow, default)]
    package: Scalar<'a>,
    #[serde(borrow, default)]
    version: Scalar<'a>,
    /// `Repository`, or what kind of other place it is from.
    #[serde(borrow, default)]
    source: Scalar<'a>,
    #[serde(borrow, default)]
    repository: Scalar<'a>,
    #[serde(borrow, default)]
    license: Scalar<'a>,
    #[serde(borrow, default)]
    remote_username: Scalar<'a>,
    #[serde(borrow, default)]
    remote_repo: Scalar<'a>,
    #[serde(borrow, default)]
    remote_sha: Scalar<'a>,
}

impl Entry<'_> {
    fn place(&self) -> Option<String> {
        let repository = self.repository.as_str();
        match self.source.as_str() {
            "" | "Repository" | "CRAN" => (!description::is_cran(repository)).then(|| repository.to_owned()),
            kind => match (self.remote_username.text(), self.remote_repo.text()) {
                (Some(user), Some(name)) => {
                    let commit = self.remote_sha.text().map(|commit| format!("#{commit}")).unwrap_or_default();
                    Some(format!("{kind}+{user}/{name}{commit}"))
                }
                _ => Some(kind.to_owned()),
            },
        }
    }
}

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut found = Found { locked: Locked::new(file, PackageKind::Cran), listed: false, unusable: 0 };
    let mut json = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let read = Object(&mut found).deserialize(&mut json).and_then(|()| json.end());
    let Found { mut locked, listed, unusable } = found;
    locked.unusable(unusable);
    match read {
        Err(error) => locked.malformed(json_reason(&error)),
        Ok(()) if !listed => locked.malformed("has no list of packages"),
        Ok(()) => {}
    }
    locked.finish()
}

/// What has been read of one file.
struct Found<'f> {
    locked: Locked<'f>,
    listed: bool,
    unusable: u64,
}

impl Found<'_> {
    fn package(&mut self, key: &str, entry: &Entry<'_>) {
        let name = entry.package.text().unwrap_or(key);
        let Some(version) = entry.version.text().filter(|_| !name.is_empty()) else {
            self.unusable += 1;
            return;
        };
        let mut facts = self.locked.package(name, version);
        facts.licenses.extend(license(entry.license.as_str()));
        facts.extra.extend(entry.place().as_deref().map(source));
        self.locked.add(facts);
    }
}

impl<'de> Keys<'de> for Found<'_> {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key != "Packages" {
            return skip(map);
        }
        self.listed = true;
        map.next_value_seed(each(|key, entry: Entry<'de>| self.package(&key, &entry)))
    }
}
