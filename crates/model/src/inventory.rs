//! The inventory: everything one scan found out about one image or file system.

use crate::diagnostic::{Diagnostic, Level};
use crate::image::{Image, LayerIndex};
use crate::os::OsRelease;
use crate::package::{Package, PackageId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The `schema` of an inventory document.
pub const INVENTORY_SCHEMA: &str = "sekisho.inventory/v1";

/// The program that made a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tool {
    /// `sekisho`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What kind of thing was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// `docker save`, old or OCI-shaped.
    DockerArchive,
    /// An OCI image layout in a directory.
    OciLayout,
    /// An OCI image layout in a tar archive.
    OciArchive,
    /// A registry.
    Registry,
    /// The content store of containerd.
    Containerd,
    /// The store of podman, buildah and CRI-O.
    ContainersStorage,
    /// A root file system or any directory.
    FileSystem,
    /// A tar or zip archive of files.
    Archive,
    /// The file of a package of a distribution.
    PackageFile,
    /// The image of a disk or of a file system.
    DiskImage,
    /// One file that holds packages itself.
    File,
    /// The report of another scanner.
    Report,
    /// A software bill of materials that another program wrote, or several put together.
    Sbom,
}

/// What was scanned, as it was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Its kind.
    pub kind: SourceKind,
    /// The path or reference given.
    pub name: String,
}

/// How a package of a lower layer went out of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// A whiteout names its file or a directory above it.
    Whiteout,
    /// A directory above it was made opaque.
    Opaque,
    /// Another entry took the place of its file or of a directory above it.
    Replaced,
}

/// A package that a lower layer holds and the image as a whole does not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Removed {
    /// The package; its `layer` is the one that holds it.
    #[serde(flatten)]
    pub package: Package,
    /// The layer that hides it.
    #[schema(value_type = u32)]
    pub removed_in: LayerIndex,
    /// How.
    pub removal: Removal,
}

/// A VEX document that lies in the thing itself: what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmbeddedDocument {
    /// The file, from the root, without a leading slash.
    pub location: String,
    /// The layer that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub layer: Option<LayerIndex>,
    /// Its text.
    pub content: String,
}

/// What of a vendor's offer the packages of a layer and of those below it were installed from, as a file says that the
/// build left there: Red Hat's content sets, one of which is a repository, by the names of its own documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ContentSets {
    /// The file, from the root, without a leading slash.
    pub location: String,
    /// The layer that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub layer: Option<LayerIndex>,
    /// `rhel-9-for-x86_64-baseos-rpms`.
    pub names: Vec<String>,
}

/// The files of one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageFiles {
    /// The package.
    pub package: PackageId,
    /// From the root of the image, without a leading slash; below directories that links of the root lead to (`usr/bin/sh`
    /// where `bin` is a link to `usr/bin`). Sorted.
    pub paths: Vec<String>,
}

/// Everything one scan found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Inventory {
    /// `sekisho.inventory/v1`, the [`INVENTORY_SCHEMA`].
    #[schema(pattern = r"^sekisho\.inventory/v1$")]
    pub schema: String,
    /// The program that made it.
    pub tool: Tool,
    /// When the scan was made, or `SOURCE_DATE_EPOCH`.
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Timestamp,
    /// What was scanned.
    pub source: Source,
    /// The image, when it was one, with the digests of all that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The distribution, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// Packages, sorted by kind, name, version and location.
    pub packages: Vec<Package>,
    /// Packages that only lower layers hold; filled on request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removed>,
    /// The files of packages of the operating system, as its package manager lists them; filled on request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PackageFiles>,
    /// VEX documents that lie in it. They count only where the user says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<EmbeddedDocument>,
    /// What packages were installed from, where it says so. No advisory is chosen by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_sets: Vec<ContentSets>,
    /// False when something that could hide a package was not read.
    pub complete: bool,
    /// What was not read, and what was passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Inventory {
    /// What tells this inventory from those of other things, the same in every scan: the digest of the image's configuration, or the
    /// path of a directory.
    pub fn identity(&self) -> String {
        let digest = self.image.as_ref().map(|image| image.config_digest);
        digest.map_or_else(|| self.source.name.clone(), |digest| digest.to_string())
    }

    /// The same without its packages, which documents list in their own way.
    pub fn without_packages(&self) -> Self {
        Self {
            schema: self.schema.clone(),
            tool: self.tool.clone(),
            observed_at: self.observed_at,
            source: self.source.clone(),
            image: self.image.clone(),
            os: self.os.clone(),
            packages: Vec::new(),
            removed: self.removed.clone(),
            files: self.files.clone(),
            documents: self.documents.clone(),
            content_sets: self.content_sets.clone(),
            complete: self.complete,
            diagnostics: self.diagnostics.clone(),
        }
    }

    /// The diagnostics that make the inventory incomplete.
    pub fn incomplete(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Incomplete)
    }
}
