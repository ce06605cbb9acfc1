//! Licences as packages state them.

use serde::{Deserialize, Serialize};
use spdx::ParseMode;
use spdx::expression::{ExprNode, Operator};
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;
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

/// What a licence asks of who passes the software on, in growing order but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LicenseClass {
    /// Hardly more than that its author is named: MIT, Apache-2.0.
    Permissive,
    /// The same licence for changes to it: LGPL, MPL.
    WeakCopyleft,
    /// The same licence for what is made of it: GPL.
    StrongCopyleft,
    /// The same also where it is only offered over a network: AGPL.
    NetworkCopyleft,
    /// Nobody has said, or it is no licence of free or open-source software.
    Other,
}

impl LicenseClass {
    fn of(id: spdx::LicenseId) -> Self {
        let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| id.name.starts_with(prefix));
        if is(&["AGPL-", "CPAL-", "EUPL-", "OSL-", "RPL-", "SSPL-"]) {
            Self::NetworkCopyleft
        } else if is(&["LGPL-", "LGPLLR", "MPL-", "EPL-", "CDDL-", "CPL-", "IPL-", "APSL-", "MS-RL", "SPL-"]) {
            Self::WeakCopyleft
        } else if id.is_copyleft() {
            Self::StrongCopyleft
        } else if id.is_osi_approved() || id.is_fsf_free_libre() {
            Self::Permissive
        } else {
            Self::Other
        }
    }
}

/// A part of a licence expression. An operator stands behind the two parts that it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LicenseTerm {
    /// One licence, with its exception where there is one: `GPL-2.0-only WITH Classpath-exception-2.0`.
    Id(String, LicenseClass),
    /// Both have to be kept.
    And,
    /// One of them has to.
    Or,
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
        let expression = [text.to_owned(), in_case_of_list(text)].into_iter().find(|text| parsed(text).is_some());
        let expression = expression.map(with_capitals);
        Some(expression.map_or_else(|| Self::Name(text.to_owned()), Self::Expression))
    }

    /// The licences it is made of. A name outside the SPDX list is one.
    pub fn terms(&self) -> Vec<LicenseTerm> {
        let expression = match self {
            Self::Expression(text) => parsed(text),
            Self::Name(_) => None,
        };
        let Some(expression) = expression else {
            return vec![LicenseTerm::Id(self.as_str().to_owned(), LicenseClass::Other)];
        };
        let term = |node: &ExprNode| match node {
            ExprNode::Op(Operator::And) => LicenseTerm::And,
            ExprNode::Op(Operator::Or) => LicenseTerm::Or,
            ExprNode::Req(part) => {
                let class = part.req.license.id().map_or(LicenseClass::Other, LicenseClass::of);
                LicenseTerm::Id(part.req.to_string(), class)
            }
        };
        expression.iter().map(term).collect()
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

/// Identifiers of the SPDX list, of licences and exceptions, by their letters in lower case.
static IDS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let licenses = spdx::identifiers::LICENSES.iter().map(|license| license.name);
    let exceptions = spdx::identifiers::EXCEPTIONS.iter().map(|exception| exception.name);
    licenses.chain(exceptions).map(|name| (name.to_ascii_lowercase(), name)).collect()
});

/// `text` with the identifiers of the SPDX list as they stand there: `mit` is `MIT` (SPDX 2.3, annex D.2, where letters of
/// either case are the same). What is too long to be an expression stays.
fn in_case_of_list(text: &str) -> String {
    let mut out = String::new();
    let mut rest = if text.len() > MAX_EXPRESSION { "" } else { text };
    while !rest.is_empty() {
        let is_of_id = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-');
        let (word, after) = rest.split_at(rest.find(|sign| !is_of_id(sign)).unwrap_or(rest.len()));
        out.push_str(IDS.get(&word.to_ascii_lowercase()).copied().unwrap_or(word));
        let between = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..between]);
        rest = &after[between..];
    }
    out
}

/// The expression with its operators in capitals, as SPDX 2.3 has them (annex D.2); some are written without.
fn with_capitals(text: String) -> String {
    if !text.split_whitespace().any(|word| matches!(word, "or" | "and" | "with")) {
        return text;
    }
    let upper =
        |word: &str| if matches!(word, "or" | "and" | "with") { word.to_ascii_uppercase() } else { word.to_owned() };
    text.split_whitespace().map(upper).collect::<Vec<_>>().join(" ")
}

/// The expression that `text` is.
fn parsed(text: &str) -> Option<spdx::Expression> {
    // Ids that were replaced by more exact ones, such as GPL-2.0 and GPL-2.0+, are what most packages state.
    let mode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };
    // The SPDX parser takes time and memory far beyond a long text's size; no expression is so long.
    if text.len() > MAX_EXPRESSION {
        return None;
    }
    spdx::Expression::parse_mode(text, mode).ok()
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
    fn operators_have_capitals() {
        let read = |text: &str| License::parse(text).unwrap();
        assert_eq!(read("MIT or Apache-2.0 and  BSD-3-Clause").as_str(), "MIT OR Apache-2.0 AND BSD-3-Clause");
        assert_eq!(read("GPL-2.0 with Classpath-exception-2.0").as_str(), "GPL-2.0 WITH Classpath-exception-2.0");
        // What is no expression stays as it is written.
        assert_eq!(read("mine or yours").as_str(), "mine or yours");
    }

    #[test]
    fn identifiers_have_the_letters_of_the_list() {
        for (text, expect) in [
            ("mit", "MIT"),
            ("APACHE-2.0", "Apache-2.0"),
            ("(mit or apache-2.0) and BSD-3-clause", "(MIT OR Apache-2.0) AND BSD-3-Clause"),
            ("gpl-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("lgpl-2.1+", "LGPL-2.1+"),
        ] {
            assert_eq!(License::parse(text), Some(License::Expression(expect.into())), "{text}");
        }
        for text in ["mit license", "gplv2", "mit, isc", "é mit"] {
            assert_eq!(License::parse(text), Some(License::Name(text.into())));
        }
    }

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

    #[test]
    fn a_licence_falls_into_what_has_to_be_kept() {
        let check = |text: &str, expect: &str| {
            let shown = |term: &LicenseTerm| match term {
                LicenseTerm::Id(id, class) => format!("{id}:{class:?}"),
                LicenseTerm::And => "&".to_owned(),
                LicenseTerm::Or => "|".to_owned(),
            };
            let terms: Vec<String> = License::parse(text).unwrap().terms().iter().map(shown).collect();
            assert_eq!(terms.join(" "), expect);
        };
        check("MIT", "MIT:Permissive");
        check("CC0-1.0", "CC0-1.0:Permissive");
        check("MIT OR GPL-3.0-only", "MIT:Permissive GPL-3.0-only:StrongCopyleft |");
        check("LGPL-2.1-or-later", "LGPL-2.1-or-later:WeakCopyleft");
        check(
            "(MPL-2.0 OR AGPL-3.0-only) AND BUSL-1.1",
            "MPL-2.0:WeakCopyleft AGPL-3.0-only:NetworkCopyleft | BUSL-1.1:Other &",
        );
        check("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0:StrongCopyleft");
        check("GPL-2.0+", "GPL-2.0-or-later:StrongCopyleft");
        check("GPL-2.0", "GPL-2.0:StrongCopyleft");
        check("GPLv2+", "GPLv2+:Other");
        check("LicenseRef-own", "LicenseRef-own:Other");
    }
}
