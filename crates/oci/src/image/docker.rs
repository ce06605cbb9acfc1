//! `docker save` as it was before version 25: `manifest.json` names a configuration and layer tars.

use super::archive::Archive;
use super::document::{Config, DockerImage, normal};
use super::{Blobs, Choice, ImageError, LayerBlob, OpenImage, Stored, check_layers, is_named, parse};
use sekisho_base::Limits;
use sekisho_model::{Code, Diagnostic, Digest, SourceKind};

/// Opens the wanted image of `archive`.
pub(super) fn open(archive: &Archive, choice: &Choice, limits: &Limits) -> Result<OpenImage, ImageError> {
    let bytes = archive.document("manifest.json", "manifest.json", None, limits)?;
    let images: Vec<DockerImage> = parse(&bytes, "manifest.json")?;
    let image = choose(images, choice)?;
    // The configuration is named by its digest: `<hex>.json`, or `blobs/sha256/<hex>`.
    let stem = image.config.rsplit('/').next().unwrap_or_default();
    let expected = Digest::from_hex(stem.strip_suffix(".json").unwrap_or(stem)).ok();
    let bytes = archive.document(&image.config, "configuration", expected, limits)?;
    let config = Config::parse(&bytes)?;
    let platform = config.platform();
    if let Some(wanted) = choice.platform.clone().map(normal).filter(|wanted| !wanted.accepts(&platform)) {
        return Err(ImageError::Platform { wanted: wanted.to_string(), available: vec![platform.to_string()] });
    }
    check_layers(image.layers.len())?;
    let diff_ids = config.diff_ids();
    if diff_ids.len() != image.layers.len() {
        let reason = format!("states {} diff_ids for {} layers", diff_ids.len(), image.layers.len());
        return Err(ImageError::Invalid { what: "configuration", reason });
    }
    let layers = image
        .layers
        .iter()
        .zip(diff_ids)
        .map(|(path, diff_id)| LayerBlob {
            digest: None,
            diff_id,
            media_type: String::new(),
            stored: archive.file(path).ok().flatten().map(Stored::File).ok_or_else(|| missing(archive, path)),
        })
        .collect();
    Ok(OpenImage {
        kind: SourceKind::DockerArchive,
        names: image.repo_tags,
        manifest_digest: None,
        config_digest: Digest::of(&bytes),
        platform,
        created: config.created.clone(),
        labels: config.labels(&std::collections::BTreeMap::new()),
        config: config.container(),
        history: config.history,
        layers,
        diagnostics: Vec::new(),
    })
}

/// The diagnostic for a layer that is not in the archive, with the archive's own damage if it has one.
fn missing(archive: &Archive, path: &str) -> Diagnostic {
    let because = archive.damage().map_or_else(String::new, |damage| format!(" ({})", damage.message));
    Diagnostic::incomplete(Code::BlobMissing, format!("the layer {path} is not in the archive{because}"))
}

fn choose(images: Vec<DockerImage>, choice: &Choice) -> Result<DockerImage, ImageError> {
    let name_of = |image: &DockerImage| match image.repo_tags.as_slice() {
        [] => vec![image.config.clone()],
        tags => tags.to_vec(),
    };
    let names: Vec<Vec<String>> = images.iter().map(name_of).collect();
    let mut fitting = images.into_iter().filter(|image| match &choice.name {
        Some(wanted) => image.config == *wanted || image.repo_tags.iter().any(|name| is_named(name, wanted)),
        None => true,
    });
    match (fitting.next(), fitting.next(), &choice.name) {
        (Some(image), None, _) => Ok(image),
        (Some(_), Some(_), _) => Err(ImageError::Ambiguous { names }),
        (None, _, Some(wanted)) => Err(ImageError::Absent { wanted: wanted.clone(), names }),
        (None, _, None) => Err(ImageError::Invalid { what: "manifest.json", reason: "lists no image".to_owned() }),
    }
}
