//! Images that were scanned before: what an inventory follows from, and the inventory that followed.
//!
//! An inventory is made of the facts of its layers and of what the image says of itself. Where the cache knows the
//! digest of every layer, both are known before anything is read, and the same gives the same.

use crate::cache::{Cache, Fingerprint};
use crate::{Options, tool};
use sekisho_base::ReadAt;
use sekisho_model::{Digest, Inventory, Source};
use sekisho_oci::{FileState, LayerBlob, OpenImage, Stored};

/// All that the inventory of an image follows from, as a text.
pub(crate) struct Origin(String);

impl Origin {
    /// What the inventory of `opened` would follow from; none where the digest of a layer is not known without reading it.
    pub(crate) fn of(
        opened: &OpenImage,
        cache: &Cache,
        fingerprint: &Fingerprint,
        options: &Options<'_>,
    ) -> Option<Self> {
        // Every field by its name: a new one must find its place here.
        let OpenImage {
            kind: _,
            names,
            manifest_digest,
            config_digest,
            platform,
            created,
            config,
            labels,
            history,
            layers,
            diagnostics,
        } = opened;
        let image = (names, manifest_digest, config_digest, platform, created, config, labels, history, diagnostics);
        let layer = |layer: &LayerBlob| {
            let LayerBlob { media_type, digest, diff_id, stored } = layer;
            let known = known_digest(layer, cache, options)?;
            Some((media_type.clone(), *digest, *diff_id, stored.as_ref().map_or(0, Stored::size), known))
        };
        let layers: Vec<_> = layers.iter().map(layer).collect::<Option<_>>()?;
        let asked = (tool(), fingerprint, options.all_layers, options.package_files, &options.bases);
        let text = format!("{asked:?}\n{image:?}\n{layers:?}");
        Some(Self(text))
    }

    /// The inventory that followed from the same, said of `source` now.
    pub(crate) fn inventory(&self, cache: &Cache, source: Source, options: &Options<'_>) -> Option<Inventory> {
        let inventory = cache.inventory(&self.0, options.clock.now())?;
        Some(Inventory { source, tool: tool(), observed_at: options.clock.now(), ..inventory })
    }

    /// Remembers what followed.
    pub(crate) fn keep(&self, cache: &Cache, inventory: &Inventory) -> std::io::Result<()> {
        cache.keep_inventory(&self.0, inventory)
    }
}

/// The digest of the stored bytes of a layer that is where it was when it was last hashed, or that a registry has under
/// the digest of bytes that were hashed once: others would be refused when they came.
pub(crate) fn known_digest(layer: &LayerBlob, cache: &Cache, options: &Options<'_>) -> Option<Digest> {
    if !sekisho_oci::image::is_readable_layer(&layer.media_type) {
        return None;
    }
    match layer.stored.as_ref().ok()? {
        Stored::Remote(blob) => Some(blob.digest()),
        Stored::File(_) if options.rehash => None,
        // Any of its files may have changed.
        Stored::Split(_) => None,
        Stored::File(range) => cache.digest(&FileState::of(range.file()).ok()?, range.start(), range.size()),
    }
}
