//! Which layers are the base image's, and which instruction brought each layer.

use crate::Options;
use sekisho_base::spool::SpillQuota;
use sekisho_model::{BaseImage, BaseMethod, Code, Diagnostic, Digest, History, LayerIndex, Origin};
use sekisho_oci::{Choice, ImageError};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};

/// A base image that is known by its layers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownBase {
    /// Its reference: `debian:12`.
    pub name: String,
    /// Its digest, for the report.
    #[serde(default)]
    pub digest: Option<Digest>,
    /// The diffIDs of its layers from the bottom.
    pub diff_ids: Vec<Digest>,
}

/// The base images to recognise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownBases {
    /// In no order; the one with the most layers in common counts.
    #[serde(default, rename = "base")]
    pub bases: Vec<KnownBase>,
}

/// Why what was given as a base image is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The image cannot be opened.
    #[error("cannot read the base image {path}: {error}")]
    Image {
        /// The path.
        path: PathBuf,
        /// Why; its own source is the next in the chain.
        error: ImageError,
    },
    /// The list cannot be opened.
    #[error("cannot read the list of base images {path}")]
    List {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It tells no layers.
    #[error("cannot use the base image {path}: {reason}")]
    Useless {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl BaseError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            // There is no flag to choose one image of a base.
            Self::Image { error, .. } if matches!(error.code(), Code::ImageAmbiguous | Code::PlatformAbsent) => {
                Code::BaseUnusable
            }
            Self::Image { error, .. } => error.code(),
            Self::List { source, .. } if source.kind() == io::ErrorKind::NotFound => Code::SourceMissing,
            Self::List { .. } => Code::SourceUnreadable,
            Self::Useless { .. } => Code::BaseUnusable,
        }
    }

    /// What to do, where more is known than goes with the code.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image { error, .. } => error.hint(),
            Self::List { .. } | Self::Useless { .. } => None,
        }
    }
}

impl KnownBases {
    /// Reads what is at `path`: a TOML list, or an image, whose configuration is believed: it is the
    /// caller who says that it is a base.
    pub fn load(path: &Path, options: &Options<'_>) -> Result<Self, BaseError> {
        let useless = |reason: String| BaseError::Useless { path: path.to_owned(), reason };
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text =
                std::fs::read_to_string(path).map_err(|source| BaseError::List { path: path.to_owned(), source })?;
            return Self::parse(&text).map_err(useless);
        }
        let quota = SpillQuota::new(options.temporary.clone(), options.limits.spill_bytes);
        let choice = Choice { name: None, platform: options.choice.platform.clone() };
        let (image, called) = crate::open(path, &choice, options, &quota)
            .map_err(|error| BaseError::Image { path: path.to_owned(), error })?;
        let diff_ids: Option<Vec<Digest>> = image.layers.iter().map(|layer| layer.diff_id).collect();
        let name = image.names.first().cloned().unwrap_or(called);
        match diff_ids {
            Some(diff_ids) if !diff_ids.is_empty() => {
                Ok(Self { bases: vec![KnownBase { name, digest: image.manifest_digest, diff_ids }] })
            }
            _ => Err(useless("its configuration states no diff_ids".to_owned())),
        }
    }

    /// Reads a TOML list: `[[base]]` tables with `name`, `diff_ids` and optionally `digest`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        match known.bases.iter().find(|base| base.diff_ids.is_empty()) {
            Some(base) => Err(format!("the entry {:?} has no diff_ids", base.name)),
            None => Ok(known),
        }
    }
}

/// A note where bases were named and none of them is this image's.
pub(crate) fn unmatched(found: Option<&BaseImage>, known: &KnownBases) -> Option<Diagnostic> {
    if known.bases.is_empty() || found.is_some_and(|base| base.method == BaseMethod::DiffIds) {
        return None;
    }
    let message = match known.bases.as_slice() {
        [one] => format!("the layers of this image do not begin with those of the base {:?} that was given", one.name),
        bases => format!("the layers of this image do not begin with those of any of the {} bases given", bases.len()),
    };
    Some(Diagnostic::note(Code::BaseUnmatched, message))
}

/// The label that names the base image (OCI image specification, "Annotations").
const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The label that tells its digest.
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Tells the base image: by diffIDs, else by label, else by history.
///
/// diffIDs are those we computed; a layer that could not be read matches nothing.
pub(crate) fn identify(
    diff_ids: &[Option<Digest>],
    labels: &[(String, String)],
    history: &[History],
    history_fits: bool,
    known: &KnownBases,
) -> Option<BaseImage> {
    let leads = |base: &&KnownBase| {
        !base.diff_ids.is_empty()
            && base.diff_ids.len() <= diff_ids.len()
            && base.diff_ids.iter().zip(diff_ids).all(|(known, found)| Some(*known) == *found)
    };
    if let Some(base) = known.bases.iter().filter(leads).max_by_key(|base| base.diff_ids.len()) {
        return Some(BaseImage {
            name: Some(base.name.clone()),
            digest: base.digest,
            layers: base.diff_ids.len() as u32,
            method: BaseMethod::DiffIds,
        });
    }
    let label = |key: &str| labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let layers = if history_fits { layers_below_last_command(history) } else { None };
    match (label(BASE_NAME).filter(|name| !name.is_empty()), layers) {
        (Some(name), Some(layers)) => Some(BaseImage {
            name: Some(name.to_owned()),
            digest: label(BASE_DIGEST).and_then(|digest| digest.parse().ok()),
            layers,
            method: BaseMethod::Label,
        }),
        (None, Some(layers)) => Some(BaseImage { name: None, digest: None, layers, method: BaseMethod::History }),
        (_, None) => None,
    }
}

/// How many layers lie below the last `CMD` or `ENTRYPOINT` that further layers follow: an image ends
/// with one, so one in the middle is where the base ended.
fn layers_below_last_command(history: &[History]) -> Option<u32> {
    let is_command = |step: &History| {
        step.empty_layer
            && step.created_by.as_deref().is_some_and(|text| {
                let text = text.strip_prefix("/bin/sh -c #(nop) ").unwrap_or(text).trim_start();
                text.starts_with("CMD") || text.starts_with("ENTRYPOINT")
            })
    };
    let layers = |steps: &[History]| steps.iter().filter(|step| !step.empty_layer).count() as u32;
    let total = layers(history);
    let ends = history.iter().enumerate().rev().filter(|(_, step)| is_command(step));
    ends.map(|(at, _)| layers(&history[..at])).find(|below| *below > 0 && *below < total)
}

/// The instruction of each layer, where the history has one step for each that made a layer.
pub(crate) fn instructions(history: &[History], layers: usize) -> Option<Vec<Option<String>>> {
    let steps: Vec<Option<String>> =
        history.iter().filter(|step| !step.empty_layer).map(|step| step.created_by.clone()).collect();
    (steps.len() == layers && layers > 0).then_some(steps)
}

/// Whether the layer is the base image's.
pub(crate) fn origin(base: Option<&BaseImage>, layer: LayerIndex) -> Origin {
    match base {
        None => Origin::Unknown,
        Some(base) if layer < base.layers => Origin::Base,
        Some(_) => Origin::Application,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(created_by: &str, empty_layer: bool) -> History {
        History { created: None, created_by: Some(created_by.to_owned()), empty_layer }
    }

    fn history() -> Vec<History> {
        vec![
            step("ADD rootfs.tar.xz / # buildkit", false),
            step("/bin/sh -c #(nop)  CMD [\"bash\"]", true),
            step("RUN apt-get install", false),
            step("COPY app /app", false),
            step("CMD [\"/app/run\"]", true),
        ]
    }

    #[test]
    fn the_longest_run_of_known_layers_is_certain() {
        let layers: Vec<Digest> = (0..3_u8).map(|n| Digest::of(&[n])).collect();
        let found: Vec<Option<Digest>> = layers.iter().copied().map(Some).collect();
        let known = |name: &str, diff_ids: &[Digest]| KnownBase {
            name: name.into(),
            digest: None,
            diff_ids: diff_ids.to_vec(),
        };
        let bases = KnownBases {
            bases: vec![known("one", &layers[..1]), known("two", &layers[..2]), known("other", &layers[1..])],
        };
        let base = identify(&found, &[], &history(), true, &bases).unwrap();
        assert_eq!((base.name.as_deref(), base.layers, base.method), (Some("two"), 2, BaseMethod::DiffIds));
        assert_eq!((origin(Some(&base), 1), origin(Some(&base), 2)), (Origin::Base, Origin::Application));
        let unread = [None, found[1], found[2]];
        assert_ne!(identify(&unread, &[], &history(), true, &bases).unwrap().method, BaseMethod::DiffIds);
    }

    #[test]
    fn labels_are_likely_and_history_a_guess() {
        let labels = [(BASE_NAME.to_owned(), "docker.io/library/debian:12".to_owned())];
        let found = [None, None, None];
        let known = KnownBases::default();
        let base = identify(&found, &labels, &history(), true, &known).unwrap();
        assert_eq!((base.layers, base.method), (1, BaseMethod::Label));
        assert_eq!(identify(&found, &[], &history(), true, &known).unwrap().method, BaseMethod::History);
        assert_eq!(identify(&found, &labels, &history(), false, &known), None);
        let flat = [step("COPY all /", false), step("CMD [\"x\"]", true)];
        assert_eq!(identify(&found[..1], &[], &flat, true, &known), None, "one's own command is no base");
    }

    #[test]
    fn lists_of_bases_are_read_strictly() {
        let text = format!("[[base]]\nname = \"debian:12\"\ndiff_ids = [\"{}\"]\n", Digest::of(b"x"));
        assert_eq!(KnownBases::parse(&text).unwrap().bases[0].diff_ids, [Digest::of(b"x")]);
        assert!(KnownBases::parse("[[base]]\nname = \"x\"\ndiff_ids = [\"sha256:1\"]\n").is_err());
        assert!(KnownBases::parse("[[base]]\nname = \"x\"\ndiffids = []\n").is_err());
        assert!(KnownBases::parse("[[base]]\nname = \"x\"\ndiff_ids = []\n").unwrap_err().contains("\"x\""));
    }
}
