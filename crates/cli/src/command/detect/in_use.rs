//! `detect run --inventory`: which packages of images are in use.

use super::super::document;
use super::told::{lines, things};
use crate::error::CliError;
use crate::output;
use jiff::Timestamp;
use sekisho_agent::{Host, Images};
use sekisho_base::Limits;
use sekisho_model::{UseState, write_json};
use std::path::{Path, PathBuf};

/// The images that inventories are of, and which of these cannot be used; `None` where none was named.
pub(super) fn images(
    paths: &[PathBuf],
    now: Timestamp,
    limits: &Limits,
) -> Result<Option<(Images, Vec<String>)>, CliError> {
    let mut images = Images::default();
    let mut unused = Vec::new();
    for path in paths {
        let (found, are_found) = document::below(path)?;
        for path in found {
            match document::inventory(&path, now, limits) {
                Ok(inventory) => {
                    if !images.add(inventory) {
                        unused.push(format!("{} does not say which image it is of", path.display()));
                    }
                }
                Err(error) if are_found => unused.push(error.message().to_owned()),
                Err(error) => return Err(error),
            }
        }
    }
    Ok((!paths.is_empty()).then_some((images, unused)))
}

/// Has the host tell what of these images is in use, and says what is known of them.
pub(super) fn begin(host: &mut Host, (images, unused): (Images, Vec<String>)) {
    lines("not used", &unused);
    let (told, all) = images.told();
    let of = things(images.len() as u64, "image");
    output::error_line(&format!("inventories of {of}: the files of {told} of {all} packages are known"));
    host.join(images);
}

/// Says at the end what was in use, and writes it.
pub(super) fn account(host: &Host, hostname: &str, file: Option<&Path>) -> Result<(), CliError> {
    let Some(report) = host.in_use(hostname) else { return Ok(()) };
    let packages = || report.images.iter().flat_map(|image| &image.packages);
    let count = |state: UseState| packages().filter(|package| package.state == state).count();
    let (used, unknown) = (count(UseState::InUse), count(UseState::Unknown));
    let of = things(report.images.len() as u64, "image");
    output::error_line(&format!("{used} of {} packages of {of} in use", packages().count()));
    let mut said = Vec::new();
    if unknown > 0 {
        said.push(format!("whether {} are in use, whose files no inventory tells", things(unknown as u64, "package")));
    }
    let without = report.without_inventory.len() as u64;
    if without > 0 {
        said.push(format!("what is in use in {}, of whose images there is no inventory", things(without, "container")));
    }
    lines("unknown", &said);
    let foreign = report
        .images
        .iter()
        .flat_map(|image| image.foreign.iter().map(|path| format!("/{path}, which did not come with {}", image.name)));
    lines("run", &foreign.collect::<Vec<_>>());
    match file {
        Some(file) => output::write_with(Some(file), |to| write_json(&report, to)),
        None => Ok(()),
    }
}
