//! Alpine's `secdb`: for each release and repository the versions of packages that fixed flaws, JSON or YAML:
//! <https://secdb.alpinelinux.org/>.
//!
//! Each line of a package is handed over as a part of the advisory that has the flaw's name.

use super::feed::{Broken, Contents, Feed, FeedFile, Sink, holds};
use super::text::{is_cve, is_id, is_short, nullable};
use crate::ecosystem::Ecosystem;
use crate::range::Range;
use crate::record::{Advisory, Affected, Status};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The database.
pub(crate) static FEED: Feed = Feed {
    id: "alpine",
    title: "Alpine secdb",
    licence: "CC-BY-SA-4.0",
    upstream: &["https://secdb.alpinelinux.org/{}/main.json", "https://secdb.alpinelinux.org/{}/community.json"],
    contents: Contents::List,
    recognises: |_, head| {
        let has = |text| holds(head, text);
        has("apkurl") && has("alpinelinux.org") && has("distroversion")
    },
    parse,
};

#[derive(Deserialize)]
struct Database {
    distroversion: String,
    #[serde(default, deserialize_with = "nullable")]
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// By the version that fixed them; each line holds the names of one flaw.
    #[serde(default, deserialize_with = "nullable")]
    secfixes: BTreeMap<String, Option<Vec<String>>>,
}

fn parse(file: &FeedFile<'_>, sink: &mut Sink<'_>) -> Result<(), Broken> {
    let database: Database = if file.bytes.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice(file.bytes).map_err(Broken::new)?
    } else {
        super::yaml::read(file.text()?)?
    };
    if !is_short(&database.distroversion) {
        return Err(Broken::new("its release is too long for a name"));
    }
    for Entry { pkg } in database.packages {
        for (version, lines) in pkg.secfixes {
            let fixed = version.trim();
            if fixed.is_empty() || pkg.name.is_empty() || !is_short(fixed) || !is_short(&pkg.name) {
                sink.skip("of a package", "its name or version is none");
                continue;
            }
            let (status, range) = match fixed {
                // How the database says that Alpine never had it.
                "0" => (Status::NotAffected, Range::ALL),
                fixed => (Status::Affected, Range::before(fixed)),
            };
            let affected = Affected {
                status,
                ranges: vec![range],
                ..Affected::new(Ecosystem::Alpine, Some(database.distroversion.clone()), &pkg.name)
            };
            for line in lines.unwrap_or_default() {
                take(&line, &affected, sink);
            }
        }
    }
    Ok(())
}

/// Hands over the flaws of a line: each CVE is one, other names (of Xen, of GitHub) are aliases of the first.
fn take(line: &str, affected: &Affected, sink: &mut Sink<'_>) {
    let names =
        || line.split_ascii_whitespace().map(|name| name.trim_matches([',', ';', '(', ')'])).filter(|name| is_id(name));
    let mut aliases: Vec<String> = names().filter(|name| !is_cve(name)).map(str::to_owned).collect();
    let mut cves: Vec<String> = names().filter(|name| is_cve(name)).map(str::to_owned).collect();
    if cves.is_empty() {
        if aliases.is_empty() {
            return sink.skip(format_args!("{line:?} of {:?}", affected.name), "it names no flaw");
        }
        cves.push(aliases.remove(0));
    }
    for id in cves {
        let affected = vec![affected.clone()];
        sink.advisory(Advisory { id, aliases: std::mem::take(&mut aliases), affected, ..Advisory::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing;
    use crate::record::Record;

    #[test]
    fn goldens() {
        testing::goldens(&FEED, "src/feeds/alpine/fixtures");
    }

    #[test]
    fn lines_name_flaws_in_several_ways() {
        let check = |line: &str, expected: &[(&str, &[&str])]| {
            let text = format!(
                "distroversion: v3.20\npackages:\n- pkg:\n    name: a\n    secfixes:\n      1-r0:\n      - {line}\n"
            );
            let (records, _) = testing::read(&FEED, "main.yaml", text.as_bytes());
            let found: Vec<_> = records
                .iter()
                .map(|record| match record {
                    Record::Advisory(it) => (&*it.id, it.aliases.iter().map(String::as_str).collect::<Vec<_>>()),
                    Record::Enrichment(_) => panic!("no enrichment is read"),
                })
                .collect();
            assert_eq!(found, expected.iter().map(|(id, names)| (*id, names.to_vec())).collect::<Vec<_>>(), "{line}");
        };
        check("CVE-2024-1", &[("CVE-2024-1", &[])]);
        check("XSA-226 CVE-2017-12135", &[("CVE-2017-12135", &["XSA-226"])]);
        check("CVE-2024-1 CVE-2024-2 GHSA-1-2", &[("CVE-2024-1", &["GHSA-1-2"]), ("CVE-2024-2", &[])]);
        check("CVE-2017-2616 (+ regression fix)", &[("CVE-2017-2616", &[])]);
        check("CVE N/A ZBX-11023", &[("ZBX-11023", &[])]);
        check("unknown", &[]);
    }
}
