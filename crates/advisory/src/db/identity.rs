//! Which vulnerabilities an advisory is about, whatever its publisher calls it.
//!
//! A CVE is the vulnerability's own name. An advisory that has no CVE among its names takes those of the advisories
//! it is an alias of; where nobody knows a CVE, all aliases are one vulnerability under one of their names.

use crate::feeds::MOST_CVES;
use crate::feeds::text::is_cve;
use std::collections::{BTreeSet, HashMap};

/// The names of one advisory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) id: &'a str,
    pub(super) aliases: &'a [String],
    /// The vulnerabilities that it addresses as a notice about several.
    pub(super) addresses: &'a [String],
}

/// For each advisory the names of its vulnerabilities, sorted.
pub(super) fn vulnerabilities(advisories: &[Names<'_>]) -> Vec<Vec<String>> {
    let mut groups = Groups::default();
    // Names that stand for vulnerabilities with a CVE: an alias, or a notice about them.
    let mut known: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for names in advisories {
        let own = || std::iter::once(names.id).chain(names.aliases.iter().map(String::as_str));
        let cves: BTreeSet<&str> = own().filter(|name| is_cve(name)).collect();
        if cves.is_empty() {
            own().for_each(|name| groups.join(names.id, name));
        } else {
            for name in own().filter(|name| !is_cve(name)) {
                known.entry(name).or_default().extend(&cves);
            }
        }
    }
    // One that is said to stand for more stands for none: it is a list, or an error, and would give each advisory that has it
    // all of them.
    known.retain(|_, cves| cves.len() <= MOST_CVES);
    let groups = groups.finish();
    // A group has the CVEs of any of its names.
    let mut of_group: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for (name, group) in &groups {
        if let Some(cves) = known.get(name) {
            of_group.entry(group).or_default().extend(cves);
        }
    }
    of_group.retain(|_, cves| cves.len() <= MOST_CVES);
    let resolve = |name: &str| -> BTreeSet<String> {
        if is_cve(name) {
            return BTreeSet::from([name.to_owned()]);
        }
        let group = groups.get(name).copied().unwrap_or(name);
        let cves = of_group.get(group).or_else(|| known.get(name));
        match cves {
            Some(cves) => cves.iter().map(|cve| (*cve).to_owned()).collect(),
            None => BTreeSet::from([group.to_owned()]),
        }
    };
    let of = |names: &Names<'_>| {
        let own = std::iter::once(names.id).chain(names.aliases.iter().map(String::as_str));
        let cves: BTreeSet<String> = own.filter(|name| is_cve(name)).map(str::to_owned).collect();
        let mut all: BTreeSet<String> = names.addresses.iter().flat_map(|name| resolve(name)).collect();
        if cves.is_empty() && all.is_empty() {
            all = resolve(names.id);
        }
        all.extend(cves);
        all.into_iter().collect()
    };
    advisories.iter().map(of).collect()
}

/// Which of two names a vulnerability without a CVE goes by: GitHub's before others, then by the alphabet.
fn preferred<'a>(a: &'a str, b: &'a str) -> &'a str {
    let key = |name: &'a str| (!name.starts_with("GHSA-"), name);
    if key(a) <= key(b) { a } else { b }
}

/// Names that mean the same, as disjoint sets.
#[derive(Default)]
struct Groups<'a> {
    numbers: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
    parents: Vec<usize>,
}

impl<'a> Groups<'a> {
    fn number(&mut self, name: &'a str) -> usize {
        let next = self.names.len();
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.names.push(name);
            self.parents.push(next);
        }
        number
    }

    fn root(&mut self, mut number: usize) -> usize {
        while self.parents[number] != number {
            // Halving the way keeps it short.
            self.parents[number] = self.parents[self.parents[number]];
            number = self.parents[number];
        }
        number
    }

    fn join(&mut self, a: &'a str, b: &'a str) {
        let (a, b) = (self.number(a), self.number(b));
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    /// Each name with the one its set goes by.
    fn finish(mut self) -> HashMap<&'a str, &'a str> {
        let mut best: HashMap<usize, &'a str> = HashMap::new();
        for number in 0..self.names.len() {
            let (root, name) = (self.root(number), self.names[number]);
            best.entry(root).and_modify(|known| *known = preferred(known, name)).or_insert(name);
        }
        (0..self.names.len()).map(|number| (self.names[number], best[&self.root(number)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(advisories: &[(&str, &[&str], &[&str])], expect: &[&[&str]]) {
        let owned: Vec<(String, Vec<String>, Vec<String>)> = advisories
            .iter()
            .map(|(id, aliases, addresses)| {
                let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
                ((*id).to_owned(), list(aliases), list(addresses))
            })
            .collect();
        let names: Vec<Names<'_>> =
            owned.iter().map(|(id, aliases, addresses)| Names { id, aliases, addresses }).collect();
        assert_eq!(vulnerabilities(&names), expect);
    }

    #[test]
    fn a_cve_is_the_name_wherever_it_is_known() {
        check(&[("GHSA-1", &["CVE-2024-1"], &[]), ("GO-1", &["GHSA-1"], &[])], &[&["CVE-2024-1"], &["CVE-2024-1"]]);
        check(&[("CVE-2024-1", &[], &[])], &[&["CVE-2024-1"]]);
        check(&[("GHSA-2", &["CVE-2024-2", "CVE-2024-1"], &[])], &[&["CVE-2024-1", "CVE-2024-2"]]);
    }

    #[test]
    fn without_a_cve_all_aliases_are_one() {
        check(
            &[("PYSEC-1", &["GHSA-1"], &[]), ("OTHER-1", &["PYSEC-1"], &[]), ("MAL-1", &[], &[])],
            &[&["GHSA-1"], &["GHSA-1"], &["MAL-1"]],
        );
    }

    /// One wrong record does not give a group all that it names, and costs no more than it is long.
    #[test]
    fn a_name_of_very_many_stands_for_none() {
        let cves: Vec<String> = (0..=MOST_CVES).map(|number| format!("CVE-2024-{number:04}")).collect();
        let all: Vec<&str> = cves.iter().map(String::as_str).collect();
        check(&[("HUB-1", &all, &[]), ("X-1", &["HUB-1"], &[])], &[&all, &["HUB-1"]]);
        check(&[("HUB-1", &all[1..], &[]), ("X-1", &["HUB-1"], &[])], &[&all[1..], &all[1..]]);
    }

    #[test]
    fn a_notice_is_about_each_that_it_addresses() {
        check(
            &[("ALSA-1", &[], &["CVE-2024-1", "GHSA-9"]), ("GHSA-9", &["CVE-2024-9"], &[]), ("RHBA-1", &[], &[])],
            &[&["CVE-2024-1", "CVE-2024-9"], &["CVE-2024-9"], &["RHBA-1"]],
        );
    }
}
