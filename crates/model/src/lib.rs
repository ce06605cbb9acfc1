//! The nouns of the product: what an image, a package, a layer and a diagnostic *are*, as plain values
//! with serde. No I/O, no decisions.
//!
//! Identifiers are newtypes that are parsed at the edge ([`Digest`], [`Purl`], [`Platform`]); results
//! are structs with public fields. A document that leaves the process carries
//! `schema: sekisho.NAME/v1` and only grows within v1.

mod activity;
mod baseline;
mod check;
mod code;
mod database;
mod diagnostic;
mod diff;
mod digest;
mod explain;
mod finding;
mod image;
mod image_ref;
mod in_use;
mod inventory;
mod json;
mod license;
mod os;
mod package;
mod purl;
mod reevaluation;
mod report;
mod running;
mod schema;
mod severity;
mod shared;
mod workload;

pub use activity::{Act, Activity, ApiRequest, FileAccess, FileOperation, Flow, Process};
pub use baseline::{
    BASELINE_SCHEMA, Baseline, BaselineKind, BaselineState, Baselines, CallDeed, Confidence, ConfidenceLevel,
    DRIFT_SCHEMA, Deed, Direction, DriftReport, FileDeed, NotCompared, Outside, PeerDeed, PortDeed, ProcessDeed,
    Replica, Sightings,
};
pub use check::{
    CHECK_SCHEMA, CheckExclusion, CheckGate, CheckInput, CheckPolicy, CheckReport, CheckResult, CheckSubject, Fix,
    PatchOperation, PolicyLanguage, PolicyOutcome, PolicySeverity, SubjectKind, Violation,
};
pub use code::{Code, Exit};
pub use database::{CoveredPlace, DATABASE_STATUS_SCHEMA, DatabaseFeed, DatabaseStatus};
pub use diagnostic::{Diagnostic, Level};
pub use diff::{DIFF_SCHEMA, Diff, DiffFinding, DiffSide, PackageChange, PackageChangeKind};
pub use digest::{Digest, InvalidDigest};
pub use explain::{Comparison, Explanation, Outcome};
pub use finding::{
    AssessedBy, AssessedFeed, Assessment, DEMONSTRATION_FEED, Exploited, Finding, FindingId, FindingSource,
    FindingStatus, Judgement, Likelihood, PackageFinding, ScanState, Suppression, SuppressionKind, Vulnerability,
};
pub use image::{BaseImage, BaseMethod, History, Image, ImageConfig, Layer, LayerIndex, Platform};
pub use image_ref::{ImageRef, InvalidImageRef, is_tag};
pub use in_use::{IN_USE_SCHEMA, InUseImage, InUsePackage, InUseReport, UseState};
pub use inventory::{
    ContentSets, EmbeddedDocument, INVENTORY_SCHEMA, Inventory, PackageFiles, Removal, Removed, Source, SourceKind,
    Tool,
};
pub use json::{MOST_VALUES, json_reason, json_whole, write_json};
pub use license::{License, LicenseClass, LicenseTerm};
pub use os::{OsRelease, distribution_id, is_same_release, release_named};
pub use package::{
    Evidence, Origin, Package, PackageFacts, PackageId, PackageKind, SourcePackage, Subject, WORDPRESS_THEME,
};
pub use purl::{InvalidPurl, Purl, PurlParts, percent_decoded};
pub use reevaluation::{REEVALUATION_SCHEMA, ReevaluatedPackage, Reevaluation};
pub use report::{FindingRow, Gate, GateResult, SCAN_SCHEMA, ScanReport, Upgrade, Verdict};
pub use running::{Engine, RunningContainer, RunningMount};
pub use schema::{
    baseline_schema, check_schema, database_status_schema, diff_schema, drift_schema, in_use_schema, inventory_schema,
    reevaluation_schema, scan_schema,
};
pub use severity::{Severity, UnknownSeverity};
pub use shared::Shared;
pub use workload::{
    Container, ContainerKind, EnvSource, EnvVar, Exposure, ExposureMethod, Fact, Mount, NamedImage, Permissions, Port,
    Propagation, Seccomp, Workload,
};
