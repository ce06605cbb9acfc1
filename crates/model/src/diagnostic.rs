//! What a reader says about input it could not take, or not wholly.

use crate::code::Code;
use crate::image::LayerIndex;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Whether a diagnostic touches the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something that could hide a package was not read: the result is not the whole.
    Incomplete,
    /// A record was skipped or a fact is worth saying; nothing can hide there.
    Note,
}

/// One thing worth saying about input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    /// Whether it touches the result.
    pub level: Level,
    /// What kind of thing, from the one table of codes.
    pub code: Code,
    /// Where, when it was in a layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub layer: Option<LayerIndex>,
    /// Where, when it was in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was met, in lower case, without a trailing dot.
    pub message: String,
}

/// Bytes of [`Diagnostic::message`].
const MAX_MESSAGE: usize = 400;

impl Diagnostic {
    /// Something was not read that could hide a package. A message longer than 400 bytes, which can
    /// only be one with a stranger's text in it, is cut.
    pub fn incomplete(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            message = format!("{}…", &message[..message.floor_char_boundary(MAX_MESSAGE)]);
        }
        Self { level: Level::Incomplete, code, layer: None, path: None, message }
    }

    /// Something worth saying that can hide nothing.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::incomplete(code, message) }
    }

    /// Adds the file it is about.
    pub fn at(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.layer, &self.path) {
            (Some(layer), Some(path)) => write!(f, "layer {layer}: {path}: {}", self.message),
            (Some(layer), None) => write!(f, "layer {layer}: {}", self.message),
            (None, Some(path)) => write!(f, "{path}: {}", self.message),
            (None, None) => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_of_strangers_are_cut() {
        let told = Diagnostic::note(Code::RecordMalformed, format!("is a link to {}", "é".repeat(1_000_000)));
        assert!(told.message.len() <= MAX_MESSAGE + 3 && told.message.capacity() < 1000, "{}", told.message.len());
        assert!(told.message.starts_with("is a link to éé") && told.message.ends_with("é…"));
        assert_eq!(Diagnostic::note(Code::RecordMalformed, "short").message, "short");
    }
}
