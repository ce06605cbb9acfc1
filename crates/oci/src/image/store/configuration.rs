//! Where podman keeps images, as its `storage.conf` says
//! (<https://github.com/containers/storage/blob/main/docs/containers-storage.conf.5.md>).

use super::ImageError;
use sekisho_base::Limits;
use serde::Deserialize;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The root of the system's store where nothing else is said.
pub(crate) const SYSTEM: &str = "/var/lib/containers/storage";
/// The same of what does not outlive the machine's running.
pub(crate) const SYSTEM_RUN: &str = "/run/containers/storage";

/// What podman looks at to find its store.
#[derive(Debug, Clone, Default)]
pub struct StorageFiles {
    /// Configurations of this user, or the one that was named. The first one that is there counts, before all of the
    /// system's.
    pub own: Vec<PathBuf>,
    /// Configurations of the system, of which the first one that is there counts.
    pub system: Vec<PathBuf>,
    /// Where a user who is not root has a store where nothing else is said; `None` for root.
    pub rootless: Option<PathBuf>,
    /// What may stand in a path as `$NAME`.
    pub variables: Vec<(&'static str, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    storage: Storage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Storage {
    graphroot: String,
    runroot: String,
    imagestore: String,
    rootless_storage_path: String,
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    additionalimagestores: Vec<String>,
}

impl StorageFiles {
    /// The roots of stores, in the order in which podman looks at them.
    pub(super) fn roots(&self, limits: &Limits) -> Result<Vec<PathBuf>, ImageError> {
        let own = first_of(&self.own, limits)?;
        let is_own = own.is_some();
        let found = match own {
            Some(found) => Some(found),
            None => first_of(&self.system, limits)?,
        };
        let storage = found.unwrap_or_default();
        // What the system says of its own store is not about a user's.
        let graphroot = if is_own || self.rootless.is_none() { storage.graphroot.as_str() } else { "" };
        let rootless = self.rootless.is_some().then_some(storage.rootless_storage_path.as_str());
        let named = [Some(graphroot), rootless].into_iter().flatten().find(|path| !path.is_empty());
        let root = match (named, &self.rootless) {
            (Some(path), _) => self.expand(path),
            (None, Some(rootless)) => rootless.clone(),
            (None, None) => PathBuf::from(SYSTEM),
        };
        let more = [&storage.imagestore].into_iter().chain(&storage.options.additionalimagestores);
        let more = more.filter(|path| !path.is_empty()).map(|path| self.expand(path));
        Ok([root].into_iter().chain(more).collect())
    }

    fn expand(&self, path: &str) -> PathBuf {
        let known = self.variables.iter();
        let replaced = known.fold(path.to_owned(), |path, (name, value)| {
            path.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
        });
        PathBuf::from(replaced)
    }
}

fn first_of(files: &[PathBuf], limits: &Limits) -> Result<Option<Storage>, ImageError> {
    for path in files {
        let text = match read(path, limits) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(ImageError::Io { what: path.display().to_string(), source }),
        };
        return parse(&text).map(Some).map_err(|message| ImageError::Unknown {
            reason: format!("{} says where podman's images are, and is not understood: {message}", path.display()),
            hint: Some("name the directory with --store, or in stores.containers"),
        });
    }
    Ok(None)
}

fn parse(text: &str) -> Result<Storage, String> {
    let document: Result<Document, _> = toml::from_str(text);
    document.map(|document| document.storage).map_err(|error| error.message().to_owned())
}

/// Where a configuration of the system has its store, and what does not outlive the machine's running; `None` where it
/// says nothing. Paths with variables in them, which are only for users who are not root, are left out.
pub(crate) fn system_roots(text: &str) -> Result<[Option<PathBuf>; 2], String> {
    let storage = parse(text)?;
    let said = |path: String| (!path.is_empty() && !path.contains('$')).then(|| PathBuf::from(path));
    Ok([said(storage.graphroot), said(storage.runroot)])
}

fn read(path: &Path, limits: &Limits) -> io::Result<String> {
    let mut text = String::new();
    let most = limits.document_bytes;
    std::fs::File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_where_podman_would_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let roots = |files: &StorageFiles| -> Vec<String> {
            let roots = files.roots(&Limits::default()).unwrap();
            roots.into_iter().map(|path| path.to_str().unwrap().to_owned()).collect()
        };
        let absent = folder.path().join("absent");
        assert_eq!(roots(&StorageFiles::default()), [SYSTEM]);
        let system = file(
            "system",
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"/srv/images\"\nrunroot = \"/run\"\nrootless_storage_path = \"/fast/$USER/${UID}\"\n\
             [storage.options]\nadditionalimagestores = [\"/usr/share/images\", \"\"]\n[storage.options.overlay]\nmountopt = \"nodev\"\n",
        );
        let mut files =
            StorageFiles { own: vec![absent.clone()], system: vec![absent, system], ..StorageFiles::default() };
        assert_eq!(roots(&files), ["/srv/images", "/usr/share/images"]);
        files.variables = vec![("USER", "me".into()), ("UID", "1000".into())];
        files.rootless = Some("/home/me/.local/share/containers/storage".into());
        assert_eq!(roots(&files), ["/fast/me/1000", "/usr/share/images"]);
        files.own = vec![file("own", "[storage]\ndriver = \"overlay\"\n")];
        assert_eq!(roots(&files), ["/home/me/.local/share/containers/storage"]);
        files.own = vec![file("own", "[storage]\ngraphroot = \"/mine\"\nimagestore = \"/theirs\"\n")];
        assert_eq!(roots(&files), ["/mine", "/theirs"]);
        files.own = vec![file("own", "[storage\n")];
        assert!(files.roots(&Limits::default()).unwrap_err().to_string().contains("own says where"));
    }
}
