//! The images that manifests name, scanned once each.

use super::super::document;
use super::super::scan::{self, Context};
use super::super::vulnerabilities::Judges;
use crate::args::{CommonArguments, ImageTarget};
use crate::config::Settings;
use crate::error::CliError;
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic, Fact, IN_USE_SCHEMA, InUseReport, NamedImage, ScanReport, json_reason};
use sekisho_policy::ImageFacts;
use sekisho_policy::manifest::{self, Object};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is known of images, by the names that manifests give them.
#[derive(Default)]
pub(super) struct Images {
    known: BTreeMap<String, Result<ImageFacts, String>>,
    /// What hosts saw of them while they ran.
    in_use: Vec<InUseReport>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// An image, or what a document says of one, scanned and judged.
pub(in super::super) fn report(
    context: &mut Context,
    settings: &Settings,
    judges: &Judges,
    target: ImageTarget,
    common: &CommonArguments,
) -> Result<ScanReport, CliError> {
    let inventory = match document::inventory_if_any(&target.path, settings.now(), &settings.limits())? {
        None => scan::read_image(context, target, [false; 2], common)?.0,
        Some(inventory) => match target.of_images_only() {
            None => inventory,
            Some(option) => {
                let message = format!("{option} is about an image, and {} is a document", target.path.display());
                return Err(CliError::new(Code::UsageInvalid, message).hint("leave it out"));
            }
        },
    };
    judges.report(context, settings, inventory)
}

/// What was seen in use, of documents that say so.
pub(super) fn in_use(paths: &[PathBuf], limits: &Limits) -> Result<Vec<InUseReport>, CliError> {
    let mut reports = Vec::new();
    for path in paths {
        let (name, bytes) = document::read(path, limits)?;
        let malformed = |why: String| CliError::new(Code::ReportMalformed, format!("cannot read {name}: it {why}"));
        let report: InUseReport = serde_json::from_slice(&bytes).map_err(|error| malformed(json_reason(&error)))?;
        if report.schema != IN_USE_SCHEMA {
            return Err(malformed(format!("does not say what is in use: its schema is {:?}", report.schema)));
        }
        reports.push(report);
    }
    Ok(reports)
}

/// What policies may ask of an image; what of it is in use is only asked where hosts told.
pub(super) fn facts(report: &ScanReport, in_use: &[InUseReport]) -> ImageFacts {
    let mut facts = ImageFacts::of(report);
    if !in_use.is_empty() {
        facts.used(&report.inventory, in_use);
    }
    facts
}

impl Images {
    /// Nothing yet, but what hosts saw in use.
    pub(super) fn used(in_use: Vec<InUseReport>) -> Self {
        Self { in_use, ..Self::default() }
    }

    /// Scans the images that the workloads among `objects` name. One that cannot be had is not known; the others are.
    pub(super) fn scan(
        &mut self,
        context: &mut Context,
        settings: &Settings,
        judges: &Judges,
        objects: &[Object],
        common: &CommonArguments,
    ) {
        let workloads = manifest::Workloads::among(objects);
        // What is wrong with objects is told where they are judged.
        let workloads = objects.iter().filter_map(|object| workloads.of(object, &mut Vec::new()));
        let mut named: BTreeMap<String, bool> = BTreeMap::new();
        for workload in workloads {
            let images = workload.images().into_iter();
            named.extend(images.map(|NamedImage { name, reference, .. }| (name.to_owned(), reference.is_some())));
        }
        for (name, has_reference) in &named {
            // Of a registry, whatever is on the disk under that name.
            let target = ImageTarget::of(&PathBuf::from(format!("docker://{name}")), None);
            let found = if *has_reference {
                report(context, settings, judges, target, common).map_err(|error| error.message().to_owned())
            } else {
                Err(format!("{name:?} is no name of an image"))
            };
            if let Ok(report) = &found {
                let of_image = |told: &Diagnostic| Diagnostic::incomplete(told.code, told.to_string()).at(name);
                self.diagnostics.extend(report.inventory.incomplete().map(of_image));
            }
            self.known.insert(name.to_owned(), found.map(|report| facts(&report, &self.in_use)));
        }
    }

    pub(super) fn facts(&self, name: &str) -> Fact<&ImageFacts> {
        match self.known.get(name) {
            None => Fact::NotAsked,
            Some(Ok(facts)) => Fact::Known(facts),
            Some(Err(why)) => Fact::Unknown(why.clone()),
        }
    }
}
