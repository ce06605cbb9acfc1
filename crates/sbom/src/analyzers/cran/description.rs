//! `DESCRIPTION`: `Name: value` lines, which lines that begin with white space continue.
//!
//! `R CMD INSTALL` adds `Built` to it; without that it is of a package's sources, which are not installed.
//!
//! Source: <https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file>.

use super::license;
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::source;
use sekisho_model::{PackageFacts, PackageKind};

/// Whether R looks for packages in the folder above the file's: `library`, or `site-library` for what came later.
pub(super) fn is_in_library(path: &str) -> bool {
    let above = path.rsplit('/').nth(2);
    matches!(above, Some("library" | "site-library"))
}

/// The fields that are wanted.
#[derive(Default)]
struct Fields {
    package: String,
    version: String,
    license: String,
    maintainer: String,
    repository: String,
    built: String,
    remote_type: String,
    remote_host: String,
    remote_user: String,
    remote_repo: String,
    remote_commit: String,
}

/// Longer values are cut: no name or version has so many bytes.
const VALUE_BYTES: usize = 4096;

pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let fields = read(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let installed = !fields.built.is_empty() || is_in_library(file.path) && !fields.package.is_empty();
    if !installed {
        return Extract::default();
    }
    if fields.package.is_empty() || fields.version.is_empty() {
        return Extract::failed(file.malformed("is the description of an R package without a name or a version"));
    }
    let package = PackageFacts {
        licenses: license(&fields.license).into_iter().collect(),
        extra: place(&fields).as_deref().map(source).into_iter().collect(),
        supplier: Some(fields.maintainer).filter(|maintainer| !maintainer.is_empty()),
        ..PackageFacts::new(PackageKind::Cran, fields.package, fields.version)
    };
    Extract { packages: vec![package], ..Extract::default() }
}

impl Fields {
    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "Package" => &mut self.package,
            "Version" => &mut self.version,
            "License" => &mut self.license,
            "Maintainer" => &mut self.maintainer,
            "Repository" => &mut self.repository,
            "Built" => &mut self.built,
            "RemoteType" => &mut self.remote_type,
            "RemoteHost" => &mut self.remote_host,
            "RemoteUsername" => &mut self.remote_user,
            "RemoteRepo" => &mut self.remote_repo,
            "RemoteSha" => &mut self.remote_commit,
            _ => return None,
        })
    }
}

fn read(text: &str) -> Fields {
    let mut fields = Fields::default();
    let mut name = "";
    for line in text.lines() {
        let piece = if line.starts_with([' ', '\t']) {
            line
        } else {
            let piece;
            (name, piece) = line.split_once(':').unwrap_or_default();
            if let Some(value) = fields.field(name) {
                value.clear();
            }
            piece
        };
        let Some(value) = fields.field(name) else { continue };
        let piece = piece.trim();
        let room = VALUE_BYTES.saturating_sub(value.len());
        if !value.is_empty() && room > 0 {
            value.push(' ');
        }
        value.push_str(&piece[..piece.floor_char_boundary(room)]);
    }
    fields
}

/// Where a package is from, if not CRAN or R itself.
fn place(fields: &Fields) -> Option<String> {
    let Fields { remote_type, remote_host, remote_user, remote_repo, remote_commit, repository, .. } = fields;
    if !matches!(remote_type.as_str(), "" | "standard") {
        let commit = if remote_commit.is_empty() { "" } else { "#" };
        return Some(format!("{remote_type}+{remote_host}/{remote_user}/{remote_repo}{commit}{remote_commit}"));
    }
    (!is_cran(repository)).then(|| repository.clone())
}

/// Whether the name of a repository is that of CRAN, or of Posit's copy of it.
pub(super) fn is_cran(repository: &str) -> bool {
    matches!(repository, "" | "CRAN" | "RSPM" | "P3M" | "PPM")
}
