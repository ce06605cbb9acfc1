//! YAML, bounded.

use super::feed::Broken;
use serde::de::DeserializeOwned;

/// Reads one document. The library's budget bounds depth, nodes and what aliases expand to; plain scalars that look
/// like numbers or times stay the text they are where a string is wanted, as versions need.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Broken> {
    serde_saphyr::from_str(text).map_err(Broken::new)
}
