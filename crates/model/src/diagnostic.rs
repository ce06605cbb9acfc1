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

impl Diagnostic {
    /// Something was not read that could hide a package.
    pub fn incomplete(code: Code, message: impl Into<String>) -> Self {
        Self { level: Level::Incomplete, code, layer: None, path: None, message: message.into() }
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

/// Why a text is no JSON, or not of the form that is expected, in words for those who do not know the parser.
pub fn json_reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = text.strip_suffix(&place).unwrap_or(&text);
    let said = match said.strip_prefix("EOF while parsing ") {
        Some(what) => format!("it ends inside {}", what.replacen("a value", "or before a value", 1)),
        None => said.to_owned(),
    };
    let what = match error.classify() {
        Category::Syntax | Category::Eof => "is not valid JSON",
        Category::Data | Category::Io => "is not of the form that is expected",
    };
    match error.line() {
        0 => format!("{what}: {said}"),
        line => format!("{what}: {said} (line {line}, column {})", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_in_plain_words() {
        let reason = |text: &str| json_reason(&serde_json::from_str::<Vec<u8>>(text).unwrap_err());
        assert_eq!(reason("[1,"), "is not valid JSON: it ends inside or before a value (line 1, column 3)");
        assert_eq!(reason("[1"), "is not valid JSON: it ends inside a list (line 1, column 2)");
        assert!(reason("{}").starts_with("is not of the form that is expected: invalid type: map"), "{}", reason("{}"));
        let object = serde_json::from_str::<serde_json::Value>("{\"a\": 1").unwrap_err();
        assert_eq!(json_reason(&object), "is not valid JSON: it ends inside an object (line 1, column 7)");
    }
}
