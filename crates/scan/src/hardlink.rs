//! Which file a hard link of a layer names.
//!
//! A link names the file that stood at its target's path when the link was made. What takes the place of
//! either path later is another file, so that paths alone do not tell; the order of entries does.

use sekisho_base::PathTable;
use std::collections::HashMap;

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
    /// What stands at a path, and which link put it there.
    type Place = Option<(Origin, Option<usize>)>;
    let named = links.iter().flat_map(|link| [link.path.as_str(), link.target.as_str()]);
    let mut places: HashMap<&str, Place> = named.map(|path| (path, None)).collect();
    let mut origins: Vec<Option<Origin>> = vec![None; links.len()];
    let mut next = 0;
    let mut ordinal = 0;
    entries.for_each(|entry| {
        let link = links.get(next).filter(|link| link.ordinal == ordinal);
        if let Some(link) = link {
            let origin = places.get(link.target.as_str()).cloned().flatten().map(|(origin, _)| origin);
            origins[next].clone_from(&origin);
            places.insert(&link.path, origin.map(|origin| (origin, Some(next))));
            next += 1;
        } else if let Some(place) = places.get_mut(entry.strip_suffix('/').unwrap_or(entry)) {
            *place = (!entry.ends_with('/')).then(|| (Origin { path: entry.to_owned(), ordinal }, None));
        }
        ordinal += 1;
    });
    let stands = |(index, link): &(usize, &Hardlink)| match places.get(link.path.as_str()) {
        Some(Some((_, by))) => *by == Some(*index),
        // Nothing is there, since the link leads nowhere; or a directory took its place.
        _ => origins[*index].is_none(),
    };
    let standing: Vec<_> = links.iter().enumerate().filter(stands).collect();
    standing.into_iter().map(|(index, link)| (link, origins[index].take())).collect()
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
    fn a_directory_is_no_file() {
        let mut table = PathTable::default();
        table.push("a", true);
        table.push("b", false);
        let links = [Hardlink { path: "b".into(), target: "a".into(), ordinal: 1 }];
        assert_eq!(resolve(&table, &links), [(&links[0], None)]);
    }
}
