//! The floor of the scan benchmark: inflates and hashes every layer of an image on one thread, with the
//! inflater and the hasher of the product, and does nothing else.

use sekisho_base::Limits;
use sekisho_base::limits::Deadline;
use sekisho_base::spool::SpillQuota;
use sekisho_oci::{Choice, LayerStream, Stored, open};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("the path of an image is missing")?;
    let limits = Limits::default();
    let quota = SpillQuota::new(std::env::temp_dir(), limits.spill_bytes);
    for layer in open(Path::new(&path), &Choice::default(), &limits, &quota)?.layers {
        let Stored::File(stored) = layer.stored.map_err(|diagnostic| diagnostic.to_string())? else { continue };
        LayerStream::new(stored, &limits, Deadline::of(&limits))?.finish()?.plain?;
    }
    Ok(())
}
