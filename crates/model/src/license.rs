//! Licences as packages state them.

use serde::{Deserialize, Serialize};
use spdx::ParseMode;
use std::fmt;
use utoipa::ToSchema;

/// What a package says its licence is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum License {
    /// A valid SPDX licence expression, such as `MIT OR Apache-2.0`.
    Expression(String),
    /// A name outside the SPDX list, as the package writes it, such as `GPLv2+`.
    Name(String),
}

/// Bytes up to which a text is tried as an expression.
const MAX_EXPRESSION: usize = 1024;

impl License {
    /// Takes `text` as an SPDX expression where it is one, else as a name. `None` when it says
    /// nothing ("UNKNOWN", blank).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if ["", "unknown", "none", "noassertion"].iter().any(|nothing| text.eq_ignore_ascii_case(nothing)) {
            return None;
        }
        // Ids that were replaced by more exact ones, such as GPL-2.0 and GPL-2.0+, are what most packages state.
        let mode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };
        // The SPDX parser takes time and memory far beyond a long text's size; no expression is so long.
        let expression = text.len() <= MAX_EXPRESSION && spdx::Expression::parse_mode(text, mode).is_ok();
        Some(if expression { Self::Expression(text.to_owned()) } else { Self::Name(text.to_owned()) })
    }

    /// The text, whichever kind it is.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Expression(text) | Self::Name(text) => text,
        }
    }

    /// Whether the text is one identifier of the SPDX list, not a compound expression.
    pub fn is_spdx_id(&self) -> bool {
        matches!(self, Self::Expression(text) if spdx::license_id(text).is_some())
    }
}

impl fmt::Display for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_names_without_being_parsed() {
        let long = "(".repeat(10_000_000);
        assert_eq!(License::parse(&long), Some(License::Name(long)));
    }

    #[test]
    fn expressions_and_names_are_told_apart() {
        assert_eq!(License::parse(" MIT OR Apache-2.0 "), Some(License::Expression("MIT OR Apache-2.0".into())));
        assert_eq!(License::parse("GPLv2+"), Some(License::Name("GPLv2+".into())));
        assert_eq!(License::parse("GPL-2.0+"), Some(License::Expression("GPL-2.0+".into())));
        assert_eq!(License::parse("GPL-2.0 OR MIT"), Some(License::Expression("GPL-2.0 OR MIT".into())));
        assert_eq!(License::parse("UNKNOWN"), None);
        assert_eq!(License::parse("NOASSERTION"), None);
        assert!(License::parse("MIT").unwrap().is_spdx_id());
        assert!(!License::parse("MIT AND ISC").unwrap().is_spdx_id());
    }
}
