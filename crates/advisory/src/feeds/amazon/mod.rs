//! Amazon Linux security advisories: the `updateinfo.xml` of its package repositories:
//! <https://docs.aws.amazon.com/linux/al2023/ug/alas.html>.
//!
//! The core repository of a release and each topic of extras has a file of its own.

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, holds};
use super::text::{is_cve, is_id, is_short, moment};
use crate::ecosystem::Ecosystem;
use crate::range::Range;
use crate::record::{Advisory, Affected, Rating};
use sekisho_base::xml::{self, Attributes, Node};
use sekisho_model::Severity;
use std::collections::{HashMap, HashSet};

/// The advisories.
pub(crate) static FEED: Feed = Feed {
    id: "amazon",
    title: "Amazon Linux security advisories (updateinfo)",
    licence: "LicenseRef-Amazon-Linux",
    upstream: &[
        "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list",
        "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list",
    ],
    contents: Contents::List,
    recognises: |_, head| {
        let has = |text| holds(head, text);
        has("<updates") && has("ALAS")
    },
    parse,
};

#[derive(Default)]
struct Update {
    is_security: bool,
    release: String,
    advisory: Advisory,
    /// Places in `advisory.affected`, by package and version.
    places: HashMap<(String, String), usize>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let mut update: Option<Update> = None;
    let mut is_list = false;
    xml::read(file.text()?, |node| match (node, &mut update) {
        (Node::Open("updates", _), _) => is_list = true,
        (Node::Open("update", attributes), _) => {
            update = Some(Update { is_security: attributes.get("type") == "security", ..Update::default() });
        }
        (Node::Close("update", _), _) => {
            if let Some(update) = update.take() {
                take(update, sink);
            }
        }
        (Node::Open(name, attributes), Some(update)) => open(update, name, &attributes),
        (Node::Close(name, text), Some(update)) => close(update, name, &text),
        _ => {}
    })
    .map_err(Broken::new)?;
    if is_list { Ok(()) } else { Err(Broken::new("it is no list of updates")) }
}

fn open(update: &mut Update, name: &str, attributes: &Attributes<'_>) {
    match name {
        "issued" => update.advisory.published = moment(&attributes.get("date")),
        "updated" => update.advisory.modified = moment(&attributes.get("date")),
        "reference" => {
            let id = attributes.get("id");
            if attributes.get("type").eq_ignore_ascii_case("cve") && is_cve(&id) {
                update.advisory.addresses.push(id);
            }
            let address = attributes.get("href");
            update.advisory.references.extend((!address.is_empty()).then_some(address));
        }
        "collection" => {
            // `amazon-linux` is the first release, the others end in theirs; topics of extras follow it.
            let short = attributes.get("short");
            let release = short.strip_prefix("amazon-linux").map(|rest| rest.trim_start_matches('-'));
            let release = release.map(|rest| rest.split('-').next().unwrap_or_default());
            release
                .filter(|release| !release.is_empty() && is_short(release))
                .unwrap_or("1")
                .clone_into(&mut update.release);
        }
        "package" => {
            let [name, epoch, version, release, arch] =
                ["name", "epoch", "version", "release", "arch"].map(|key| attributes.get(key));
            if name.is_empty() || version.is_empty() {
                return;
            }
            let epoch = if epoch.is_empty() || epoch == "0" { String::new() } else { format!("{epoch}:") };
            let version = format!("{epoch}{version}-{release}");
            let list = &mut update.advisory.affected;
            let place = *update.places.entry((name.clone(), version.clone())).or_insert_with(|| {
                list.push(Affected {
                    ranges: vec![Range::before(version)],
                    ..Affected::new(Ecosystem::AmazonLinux, Some(update.release.clone()), &name)
                });
                list.len() - 1
            });
            list[place].arches.extend((!arch.is_empty()).then_some(arch));
        }
        _ => {}
    }
}

fn close(update: &mut Update, name: &str, text: &str) {
    let text = text.trim();
    match name {
        "id" => text.clone_into(&mut update.advisory.id),
        "title" => text.clone_into(&mut update.advisory.summary),
        "description" => text.clone_into(&mut update.advisory.details),
        "severity" => {
            let severity = text.parse().ok().filter(|severity| *severity != Severity::Unknown);
            update.advisory.ratings = severity.map(Rating::word).into_iter().collect();
        }
        _ => {}
    }
}

fn take(update: Update, sink: &mut Sink<'_>) {
    let mut advisory = update.advisory;
    if !update.is_security {
        return sink.aside("updates that are not about security");
    }
    if !is_id(&advisory.id) {
        return sink.skip(format_args!("{:?}", advisory.id), "its id is none");
    }
    for affected in &mut advisory.affected {
        affected.arches.sort();
        affected.arches.dedup();
    }
    let mut seen = HashSet::new();
    advisory.addresses.retain(|id| seen.insert(id.clone()));
    sink.advisory(advisory);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/amazon/fixtures");
    }

    #[test]
    fn only_security_updates_with_an_id_are_taken() {
        let xml = b"<updates><update type='bugfix'><id>ALAS-1</id></update><update type='security'><id/></update>\
                    <update type='security'><id>ALAS-2</id></update></updates>";
        let (records, read) = testing::read(&FEED, "updateinfo.xml", xml);
        assert_eq!((records.len(), read.skipped, read.aside.values().sum::<usize>()), (1, 1, 1));
    }
}
