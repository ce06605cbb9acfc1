//! Where podman would look for an image, as its `registries.conf` says
//! (<https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md>): mirrors and other places of a
//! name, registries without TLS, names that are forbidden, and what a name without a registry means.

use super::ImageError;
use sekisho_base::Limits;
use sekisho_model::ImageRef;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What podman looks at to find registries.
#[derive(Debug, Clone, Default)]
pub struct RegistriesFiles {
    /// The main file, which may be absent.
    pub main: Option<PathBuf>,
    /// The main file was named by somebody, so that it has to be there.
    pub named: bool,
    /// Directories of files that change what the main file says, in their order.
    pub folders: Vec<PathBuf>,
    /// Where podman has written down what somebody chose for names without a registry.
    pub chosen: Option<PathBuf>,
}

/// What these files say.
#[derive(Debug, Default)]
pub(super) struct Routes {
    search: Vec<String>,
    /// Whether a name without a registry must mean one image only.
    enforcing: bool,
    aliases: BTreeMap<String, String>,
    /// By prefix.
    tables: BTreeMap<String, Route>,
    /// Programs that know logins, in their order; [`AUTH_FILES`] stands for files of logins.
    pub(super) helpers: Vec<String>,
}

/// How names with one prefix are looked up.
#[derive(Debug)]
struct Route {
    /// What stands in place of the prefix; empty for the same.
    location: String,
    insecure: bool,
    blocked: bool,
    mirrors: Vec<Stand>,
}

/// A mirror.
#[derive(Debug)]
struct Stand {
    location: String,
    insecure: bool,
    /// Only for references with a digest, or only for those without.
    only: Option<Only>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Digest,
    Tag,
}

/// A place that is asked for an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) reference: ImageRef,
    pub(super) insecure: bool,
}

/// What stands for files of logins among the helpers.
pub(crate) const AUTH_FILES: &str = "containers-auth.json";
/// A directory of changes holds a handful.
const MAX_FILES: usize = 1000;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Document {
    unqualified_search_registries: Option<Vec<String>>,
    credential_helpers: Vec<String>,
    short_name_mode: String,
    registry: Vec<Table>,
    aliases: BTreeMap<String, String>,
    /// The form before the present one.
    registries: Option<Old>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Table {
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<MirrorTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct MirrorTable {
    location: String,
    insecure: bool,
    pull_from_mirror: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Old {
    search: OldList,
    insecure: OldList,
    block: OldList,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldList {
    registries: Vec<String>,
}

impl Routes {
    /// Reads the files, each over the one before. Those that do not exist say nothing.
    pub(super) fn read(files: &RegistriesFiles, limits: &Limits) -> Result<Self, ImageError> {
        let mut all = Self::default();
        if let Some(path) = &files.main {
            match all.add(path, true, limits) {
                Err(ImageError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound && !files.named => {}
                other => other?,
            }
        }
        for folder in &files.folders {
            for path in changes(folder)? {
                all.add(&path, false, limits)?;
            }
        }
        if let Some(path) = files.chosen.as_ref().filter(|path| path.exists()) {
            all.add(path, false, limits)?;
        }
        Ok(all)
    }

    fn add(&mut self, path: &Path, may_be_old: bool, limits: &Limits) -> Result<(), ImageError> {
        let io_error = |source| ImageError::Io { what: path.display().to_string(), source };
        let mut text = String::new();
        let most = limits.document_bytes;
        std::fs::File::open(path).map_err(io_error)?.take(most + 1).read_to_string(&mut text).map_err(io_error)?;
        if text.len() as u64 > most {
            return Err(io_error(io::ErrorKind::FileTooLarge.into()));
        }
        self.take(&text, may_be_old).map_err(|message| ImageError::Unknown {
            reason: format!("{} says where images of registries are, and is not understood: {message}", path.display()),
            hint: Some("mend that file, or set registry.registries_conf to false"),
        })
    }

    fn take(&mut self, text: &str, may_be_old: bool) -> Result<(), String> {
        let mut document: Document = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if let Some(old) = document.registries.take() {
            if !may_be_old || document.unqualified_search_registries.is_some() || !document.registry.is_empty() {
                return Err("it mixes the first form of such files with the second".to_owned());
            }
            document.unqualified_search_registries = Some(old.search.registries);
            let (insecure, blocked) = (old.insecure.registries, old.block.registries);
            let mut places: Vec<String> = insecure.iter().chain(&blocked).cloned().collect();
            places.sort();
            places.dedup();
            document.registry.extend(places.into_iter().map(|location| Table {
                insecure: insecure.contains(&location),
                blocked: blocked.contains(&location),
                location,
                ..Table::default()
            }));
        }
        if let Some(search) = document.unqualified_search_registries {
            self.search = search.iter().map(|place| checked(place)).collect::<Result<_, _>>()?;
        }
        match document.short_name_mode.as_str() {
            "" => {}
            "enforcing" => self.enforcing = true,
            "permissive" | "disabled" => self.enforcing = false,
            other => return Err(format!("{other:?} is no short-name-mode")),
        }
        if !document.credential_helpers.is_empty() {
            self.helpers = document.credential_helpers;
        }
        for (name, place) in document.aliases {
            if place.is_empty() {
                self.aliases.remove(&name);
            } else {
                self.aliases.insert(name, checked(&place)?);
            }
        }
        for table in document.registry {
            let (prefix, route) = table.route()?;
            self.tables.insert(prefix, route);
        }
        Ok(())
    }

    /// The places that are asked for an image of this name, one after the other; the last is where it is at home.
    pub(super) fn ways(&self, reference: &ImageRef) -> Result<Vec<Way>, ImageError> {
        let text = reference.to_string();
        let matches = self.tables.iter().filter_map(|(prefix, route)| Some((length_of(&text, prefix)?, prefix, route)));
        let Some((length, prefix, route)) = matches.max_by_key(|(length, ..)| *length) else {
            return Ok(vec![Way { reference: reference.clone(), insecure: false }]);
        };
        if route.blocked {
            return Err(ImageError::Blocked { reference: text, prefix: prefix.clone() });
        }
        let here = if reference.digest.is_some() { Only::Digest } else { Only::Tag };
        let mirrors = route.mirrors.iter().filter(|mirror| mirror.only.is_none_or(|only| only == here));
        let places = mirrors.map(|mirror| (&mirror.location, mirror.insecure));
        let places = places.chain([(&route.location, route.insecure)]);
        let ways = places.map(|(location, insecure)| {
            if location.is_empty() {
                return Ok(Way { reference: reference.clone(), insecure });
            }
            let there = format!("{location}{}", &text[length..]);
            let reference = there.parse().map_err(|error| ImageError::Unknown {
                reason: format!("registries.conf leads from {text} to what is no image: {error}"),
                hint: Some("mend that file, or set registry.registries_conf to false"),
            })?;
            Ok(Way { reference, insecure })
        });
        ways.collect()
    }

    /// What a name without a registry may mean, in the order in which that is tried. `reference` is what it means where
    /// nothing is said, with tag and digest; `short` is the name without these.
    pub(super) fn named(&self, short: &str, reference: &ImageRef) -> Result<Vec<ImageRef>, ImageError> {
        let tag = if reference.tag.is_empty() { String::new() } else { format!(":{}", reference.tag) };
        let digest = reference.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
        let places: Vec<String> = match self.aliases.get(short) {
            Some(place) => vec![place.clone()],
            None => self.search.iter().map(|registry| format!("{registry}/{short}")).collect(),
        };
        if places.is_empty() {
            return Ok(vec![reference.clone()]);
        }
        if self.enforcing && places.len() > 1 {
            return Err(ImageError::ShortName { name: short.to_owned(), places });
        }
        let whole = places.iter().map(|place| {
            ImageRef::familiar(&format!("{place}{tag}{digest}")).map_err(|error| ImageError::Unknown {
                reason: format!("registries.conf leads from {short} to what is no image: {error}"),
                hint: Some("mend that file, or set registry.registries_conf to false"),
            })
        });
        whole.collect()
    }
}

impl Table {
    fn route(self) -> Result<(String, Route), String> {
        let location = checked(&self.location)?;
        let prefix = if self.prefix.is_empty() { location.clone() } else { checked(&self.prefix)? };
        if prefix.is_empty() {
            return Err("a registry has neither a prefix nor a location".to_owned());
        }
        if prefix.rfind('*').is_some_and(|at| at > 0 || !prefix.starts_with("*.") || prefix.contains('/')) {
            return Err(format!("the prefix {prefix:?} has a * that does not stand for what is before a domain"));
        }
        let mirrors = self.mirror.into_iter().map(|mirror| {
            let only = match (mirror.pull_from_mirror.as_str(), self.mirror_by_digest_only) {
                ("", true) | ("digest-only", false) => Some(Only::Digest),
                ("tag-only", false) => Some(Only::Tag),
                ("" | "all", false) => None,
                (other, _) => return Err(format!("{other:?} is no pull-from-mirror that is possible here")),
            };
            Ok(Stand { location: checked(&mirror.location)?, insecure: mirror.insecure, only })
        });
        let mirrors = mirrors.collect::<Result<_, String>>()?;
        Ok((prefix, Route { location, insecure: self.insecure, blocked: self.blocked, mirrors }))
    }
}

/// A place as it is compared: without a slash at its end, and never an address.
fn checked(place: &str) -> Result<String, String> {
    if place.contains("://") {
        return Err(format!("{place:?} is an address; a place is HOST[:PORT][/PATH]"));
    }
    Ok(place.trim_end_matches('/').to_owned())
}

/// How much of a reference the prefix covers; `None` where it is another's.
fn length_of(text: &str, prefix: &str) -> Option<usize> {
    let host = text.split_once('/').map_or(text, |(host, _)| host);
    let length = match prefix.strip_prefix('*') {
        // Any number of subdomains, with or without a port behind them.
        Some(domain) => {
            let name = host.split_once(':').map_or(host, |(name, _)| name);
            let named = if domain.contains(':') { host } else { name };
            named.ends_with(domain).then_some(named.len())?
        }
        None => text.starts_with(prefix).then_some(prefix.len())?,
    };
    let rest = &text[length..];
    // A port makes another registry.
    let ends = rest.is_empty() || rest.starts_with(['/', '@']) || (rest.starts_with(':') && length > host.len());
    (ends || prefix.starts_with('*')).then_some(length)
}

/// The files of a directory of changes, in the order in which they hold.
fn changes(folder: &Path) -> Result<Vec<PathBuf>, ImageError> {
    let io_error = |source| ImageError::Io { what: folder.display().to_string(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error)?,
    };
    let mut found = Vec::new();
    for entry in entries.take(MAX_FILES) {
        let path = entry.map_err(io_error)?.path();
        if path.extension().is_some_and(|end| end == "conf") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(text: &str) -> Routes {
        let mut routes = Routes::default();
        routes.take(text, true).unwrap();
        routes
    }

    fn ways(routes: &Routes, reference: &str) -> Vec<String> {
        let ways = routes.ways(&reference.parse().unwrap()).unwrap();
        ways.into_iter()
            .map(|way| format!("{}{}", way.reference, if way.insecure { " insecure" } else { "" }))
            .collect()
    }

    const PAGE: &str = r#"
unqualified-search-registries = ["example.com"]
[[registry]]
prefix = "example.com/foo"
location = "internal-registry-for-example.com/bar"
[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"
[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo/"
insecure = true
[[registry]]
location = "registry.com"
[[registry.mirror]]
location = "mirror.registry.com"
[[registry]]
prefix = "*.lab.example.org"
insecure = true
[[registry]]
prefix = "bad.lab.example.org"
blocked = true
[[registry]]
location = "docker.io/library/alpine:3"
blocked = true
"#;

    #[test]
    fn names_lead_where_the_manual_says() {
        let routes = routes(PAGE);
        assert_eq!(
            ways(&routes, "example.com/foo/image:latest"),
            [
                "example-mirror-0.local/mirror-for-foo/image:latest",
                "example-mirror-1.local/mirrors/foo/image:latest insecure",
                "internal-registry-for-example.com/bar/image:latest"
            ]
        );
        assert_eq!(ways(&routes, "registry.com/image:1"), ["mirror.registry.com/image:1", "registry.com/image:1"]);
        // Neither a longer word nor another port is the same place.
        for other in ["example.com/food:1", "registry.com:5000/image:1", "x.registry.com/a:1", "lab.example.org/a:1"] {
            assert_eq!(ways(&routes, other), [other]);
        }
        assert_eq!(ways(&routes, "a.b.lab.example.org/x:1"), ["a.b.lab.example.org/x:1 insecure"]);
        assert_eq!(ways(&routes, "a.lab.example.org:5000/x:1"), ["a.lab.example.org:5000/x:1 insecure"]);
        for blocked in ["bad.lab.example.org/x", "docker.io/library/alpine:3"] {
            let error = routes.ways(&blocked.parse().unwrap()).unwrap_err();
            assert!(matches!(error, ImageError::Blocked { .. }), "{blocked}: {error}");
        }
        assert_eq!(ways(&routes, "docker.io/library/alpine:3.20").len(), 1);
    }

    #[test]
    fn mirrors_may_be_for_digests_or_for_tags_only() {
        let routes = routes(
            r#"
[[registry]]
location = "a.x"
mirror-by-digest-only = true
[[registry.mirror]]
location = "m.x"
[[registry]]
location = "b.x"
[[registry.mirror]]
location = "digests.x"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "tags.x"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "all.x"
pull-from-mirror = "all"
"#,
        );
        let digest = format!("@sha256:{}", "a".repeat(64));
        assert_eq!(ways(&routes, "a.x/i:1"), ["a.x/i:1"]);
        assert_eq!(ways(&routes, &format!("a.x/i{digest}")).len(), 2);
        assert_eq!(ways(&routes, "b.x/i:1"), ["tags.x/i:1", "all.x/i:1", "b.x/i:1"]);
        let of_digest = ways(&routes, &format!("b.x/i{digest}"));
        assert!(of_digest.len() == 3 && of_digest[0].starts_with("digests.x/i@"), "{of_digest:?}");
    }

    #[test]
    fn names_without_a_registry_are_aliases_or_searched_for() {
        let mut routes = routes(
            "unqualified-search-registries = ['one.x', 'docker.io']\n[aliases]\n\"fedora\" = 'registry.f.org/fedora'\n\"team/app\" = 'q.x/team/app'\n",
        );
        let named = |routes: &Routes, short: &str, text: &str| -> Vec<String> {
            let found = routes.named(short, &ImageRef::familiar(text).unwrap()).unwrap();
            found.iter().map(ToString::to_string).collect()
        };
        let digest = format!("@sha256:{}", "a".repeat(64));
        assert_eq!(named(&routes, "fedora", "fedora:40"), ["registry.f.org/fedora:40"]);
        assert_eq!(named(&routes, "fedora", &format!("fedora{digest}")), [format!("registry.f.org/fedora{digest}")]);
        assert_eq!(named(&routes, "team/app", "team/app"), ["q.x/team/app:latest"]);
        assert_eq!(named(&routes, "nginx", "nginx"), ["one.x/nginx:latest", "docker.io/library/nginx:latest"]);
        // Later files take aliases away and say more.
        routes.take("short-name-mode = \"enforcing\"\n[aliases]\nfedora = ''\nnginx = 'one.x/web'\n", false).unwrap();
        assert_eq!(named(&routes, "nginx", "nginx:1"), ["one.x/web:1"]);
        let error = routes.named("fedora", &ImageRef::familiar("fedora").unwrap()).unwrap_err();
        assert!(error.to_string().contains("one.x/fedora or docker.io/fedora"), "{error}");
        assert_eq!(named(&Routes::default(), "nginx", "nginx"), ["docker.io/library/nginx:latest"]);
    }

    #[test]
    fn the_old_form_is_read_and_nonsense_refused() {
        let old = routes(
            "[registries.search]\nregistries = ['a.x', 'b.x']\n[registries.insecure]\nregistries = ['c.x']\n[registries.block]\nregistries = ['d.x']\n",
        );
        assert_eq!(old.search, ["a.x", "b.x"]);
        assert_eq!(ways(&old, "c.x/i:1"), ["c.x/i:1 insecure"]);
        assert!(old.ways(&"d.x/i".parse().unwrap()).is_err());
        for text in [
            "[[registry]]\n",
            "[[registry]]\nlocation = 'https://a.x'\n",
            "[[registry]]\nprefix = '*.a.x/b'\n",
            "[[registry]]\nprefix = 'a.*.x'\n",
            "[[registry]]\nlocation = 'a.x'\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = 'b.x'\npull-from-mirror = 'all'\n",
            "[[registry]]\nlocation = 'a.x'\n[[registry.mirror]]\nlocation = 'b.x'\npull-from-mirror = 'some'\n",
            "short-name-mode = 'lax'\n",
            "unqualified-search-registries = ['a.x']\n[registries.search]\nregistries = ['b.x']\n",
            "[[registry",
        ] {
            assert!(Routes::default().take(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn files_hold_in_the_order_of_podman() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("d")).unwrap();
        std::fs::write(at("main"), "unqualified-search-registries = ['a.x']\n[[registry]]\nlocation = 'r.x'\ninsecure = true\n[aliases]\none = 'a.x/one'\n").unwrap();
        std::fs::write(at("d/10.conf"), "unqualified-search-registries = ['b.x']\n[aliases]\none = 'b.x/one'\n")
            .unwrap();
        std::fs::write(at("d/20.conf"), "[[registry]]\nlocation = 'r.x'\n").unwrap();
        std::fs::write(at("d/30.conf.off"), "[[registry").unwrap();
        std::fs::write(at("chosen"), "[aliases]\none = 'c.x/one'\n").unwrap();
        let mut files = RegistriesFiles {
            main: Some(at("main")),
            named: false,
            folders: vec![at("absent"), at("d")],
            chosen: Some(at("chosen")),
        };
        let limits = Limits::default();
        let read = Routes::read(&files, &limits).unwrap();
        assert_eq!((read.search.as_slice(), read.aliases["one"].as_str()), (["b.x".to_owned()].as_slice(), "c.x/one"));
        assert_eq!(ways(&read, "r.x/i:1"), ["r.x/i:1"], "the later table replaces the earlier");
        std::fs::write(at("d/40.conf"), "[[registry").unwrap();
        let error = Routes::read(&files, &limits).unwrap_err().to_string();
        assert!(error.contains("40.conf says where images of registries are"), "{error}");
        std::fs::remove_file(at("d/40.conf")).unwrap();
        files.main = Some(at("absent"));
        Routes::read(&files, &limits).unwrap();
        files.named = true;
        assert!(matches!(Routes::read(&files, &limits), Err(ImageError::Io { .. })));
        assert!(Routes::read(&RegistriesFiles::default(), &limits).unwrap().tables.is_empty());
    }
}
