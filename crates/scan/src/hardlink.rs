//! Which file a hard link of a layer names.
//!
//! A link names the file that stood at its target's path when the link was made. What takes the place of
//! either path later is another file, so that paths alone do not tell; the order of entries does.

use sekisho_base::PathTable;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

/// A hard link as a layer has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hardlink {
    pub(crate) path: String,
    pub(crate) target: String,
    /// Its place among the layer's entries.
    pub(crate) ordinal: u64,
}

/// The entry that brought a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) ordinal: u64,
}

/// For each of `links` (in the order of the layer) that nothing replaced later the file it names; `None`
/// where the layer holds no such file.
pub(crate) fn resolve<'a>(entries: &PathTable, links: &'a [Hardlink]) -> Vec<(&'a Hardlink, Option<Origin>)> {
    let mut places = Places::of(links);
    let mut origins: Vec<Option<Origin>> = vec![None; links.len()];
    let mut next = 0;
    let mut ordinal = 0;
    entries.for_each(|entry| {
        let path = entry.strip_suffix('/').unwrap_or(entry);
        let link = links.get(next).filter(|link| link.ordinal == ordinal);
        let interest = places.interest.get(path).copied().unwrap_or_default();
        if interest.above && path.len() == entry.len() {
            places.clear_below(path);
        }
        if let Some(link) = link {
            let origin = places.origin.get(link.target.as_str()).cloned();
            origins[next].clone_from(&origin);
            places.put(&link.path, origin, Some(next));
            next += 1;
        } else if let (true, Some((known, _))) = (interest.named, places.interest.get_key_value(path)) {
            let file = path.len() == entry.len();
            let origin = file.then(|| Origin { path: entry.to_owned(), ordinal });
            places.put(known, origin, None);
        }
        ordinal += 1;
    });
    let stands = |(index, link): &(usize, &Hardlink)| match places.by.get(link.path.as_str()) {
        Some(Some(last)) => last == index,
        // A directory took its place.
        _ => origins[*index].is_none() && !places.origin.contains_key(link.path.as_str()),
    };
    let standing: Vec<_> = links.iter().enumerate().filter(stands).collect();
    standing.into_iter().map(|(index, link)| (link, origins[index].take())).collect()
}

/// Why a path is looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Interest {
    /// A link lies there, or leads there.
    named: bool,
    /// That is so of a path below it.
    above: bool,
}

/// What stands at the paths of links and of what they name.
#[derive(Debug, Default)]
struct Places<'a> {
    interest: HashMap<&'a str, Interest>,
    /// What a link to the path would name.
    origin: BTreeMap<&'a str, Origin>,
    /// Which link came last at the path; `None` for any other entry.
    by: HashMap<&'a str, Option<usize>>,
}

impl<'a> Places<'a> {
    fn of(links: &'a [Hardlink]) -> Self {
        let mut places = Self::default();
        for path in links.iter().flat_map(|link| [link.path.as_str(), link.target.as_str()]) {
            places.interest.entry(path).or_default().named = true;
            let mut rest = path;
            while let Some((above, _)) = rest.rsplit_once('/') {
                let interest = places.interest.entry(above).or_default();
                if std::mem::replace(&mut interest.above, true) {
                    break;
                }
                rest = above;
            }
        }
        places
    }

    fn put(&mut self, path: &'a str, origin: Option<Origin>, by: Option<usize>) {
        self.by.insert(path, by);
        match origin {
            Some(origin) => self.origin.insert(path, origin),
            None => self.origin.remove(path),
        };
    }

    /// What is no directory takes the place of `directory`. Links that stood below it are kept all the same, since
    /// not every engine makes every kind of entry; but later ones do not find what was there.
    fn clear_below(&mut self, directory: &str) {
        // '0' follows '/' in ASCII, so this is the range of all keys that begin with "directory/".
        let (from, to) = (format!("{directory}/"), format!("{directory}0"));
        let bounds = (Bound::Excluded(from.as_str()), Bound::Excluded(to.as_str()));
        let below: Vec<&str> = self.origin.range::<str, _>(bounds).map(|(path, _)| *path).collect();
        for path in below {
            self.origin.remove(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// The same, as a file system does it.
    fn naive(entries: &[(&str, Option<&str>)]) -> Vec<(String, Option<u64>)> {
        let mut tree: HashMap<&str, (u64, bool)> = HashMap::new();
        let mut lost = HashSet::new();
        for (ordinal, (path, target)) in (0..).zip(entries) {
            lost.remove(path);
            match target {
                None => tree.insert(path, (ordinal, false)),
                Some(target) => {
                    if let Some((inode, _)) = tree.get(target).copied() {
                        tree.insert(path, (inode, true))
                    } else {
                        lost.insert(*path);
                        tree.remove(path)
                    }
                }
            };
        }
        let linked =
            tree.iter().filter(|(_, (_, link))| *link).map(|(path, (inode, _))| ((*path).to_owned(), Some(*inode)));
        let mut all: Vec<_> = linked.chain(lost.iter().map(|path| ((*path).to_owned(), None))).collect();
        all.sort();
        all
    }

    proptest! {
        #[test]
        fn links_name_files_as_a_file_system_has_them(
            entries in prop::collection::vec(("[a-d]", prop::option::of("[a-d]")), 0..12),
        ) {
            let entries: Vec<(&str, Option<&str>)> =
                entries.iter().map(|(path, target)| (path.as_str(), target.as_deref())).collect();
            let table: PathTable = entries.iter().map(|(path, _)| path).collect();
            let link = |(ordinal, (path, target)): (u64, &(&str, Option<&str>))| {
                Some(Hardlink { path: (*path).to_owned(), target: (*target)?.to_owned(), ordinal })
            };
            let links: Vec<Hardlink> = (0..).zip(&entries).filter_map(link).collect();
            let mut got: Vec<(String, Option<u64>)> = resolve(&table, &links)
                .into_iter()
                .map(|(link, origin)| (link.path.clone(), origin.map(|origin| origin.ordinal)))
                .collect();
            got.sort();
            got.dedup();
            prop_assert_eq!(got, naive(&entries));
        }
    }

    #[test]
    fn what_lay_in_a_replaced_directory_is_not_found() {
        // x/status, then x becomes a link or a file: a link to x/status is not one to what lay there.
        let paths = ["y/status", "x/status", "kept/status", "x", "status"];
        let table: PathTable = paths.iter().collect();
        let link = |target: &str, ordinal| Hardlink { path: "status".into(), target: target.into(), ordinal };
        let links = [link("x/status", 4)];
        assert_eq!(resolve(&table, &links), [(&links[0], None)]);
        // Links that stood there may stand yet.
        let before = [Hardlink { path: "x/status".into(), target: "y/status".into(), ordinal: 1 }];
        let origin = Origin { path: "y/status".into(), ordinal: 0 };
        assert_eq!(resolve(&table, &before), [(&before[0], Some(origin))]);
    }

    #[test]
    fn a_directory_is_no_file() {
        let mut table = PathTable::default();
        table.push("a", true);
        table.push("b", false);
        let links = [Hardlink { path: "b".into(), target: "a".into(), ordinal: 1 }];
        assert_eq!(resolve(&table, &links), [(&links[0], None)]);
    }
}
