//! Debian's names of licences in terms of SPDX.
//!
//! The names are those of copyright-format 1.0, section 7, and what copyright files write beside them.
//! A name that has no SPDX identifier stays as it is.

use sekisho_model::License;

/// Longer texts are no names; copyright files put the licence itself there at times.
pub(super) const NAME_BYTES: usize = 120;

/// As [`NAME_BYTES`]: "GPL-2+ with OpenSSL exception" has four.
const NAME_WORDS: usize = 7;

/// Names in lower case.
const NAMES: &[(&str, &str)] = &[
    ("afl-2.0", "AFL-2.0"),
    ("afl-2.1", "AFL-2.1"),
    ("apache-1.1", "Apache-1.1"),
    ("apache-2", "Apache-2.0"),
    ("apache-2.0", "Apache-2.0"),
    ("artistic", "Artistic-1.0"),
    ("artistic-1", "Artistic-1.0"),
    ("artistic-1.0", "Artistic-1.0"),
    ("artistic-2", "Artistic-2.0"),
    ("artistic-2.0", "Artistic-2.0"),
    ("beerware", "Beerware"),
    ("boost-1.0", "BSL-1.0"),
    ("bsd-1-clause", "BSD-1-Clause"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsd-4-clause", "BSD-4-Clause"),
    ("bsd-4-clause-uc", "BSD-4-Clause-UC"),
    ("bsl-1", "BSL-1.0"),
    ("bsl-1.0", "BSL-1.0"),
    ("bzip2-1.0.6", "bzip2-1.0.6"),
    ("cc-by-3.0", "CC-BY-3.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("cc0", "CC0-1.0"),
    ("cc0-1.0", "CC0-1.0"),
    ("cddl-1.0", "CDDL-1.0"),
    ("curl", "curl"),
    ("epl-1.0", "EPL-1.0"),
    ("epl-2.0", "EPL-2.0"),
    ("expat", "MIT"),
    ("fsfap", "FSFAP"),
    ("fsful", "FSFUL"),
    ("fsfullr", "FSFULLR"),
    ("ftl", "FTL"),
    ("ijg", "IJG"),
    ("isc", "ISC"),
    ("libpng", "Libpng"),
    ("mit", "MIT"),
    ("mpl-1.1", "MPL-1.1"),
    ("mpl-2", "MPL-2.0"),
    ("mpl-2.0", "MPL-2.0"),
    ("ntp", "NTP"),
    ("ofl-1.1", "OFL-1.1"),
    ("openldap-2.8", "OLDAP-2.8"),
    ("openssl", "OpenSSL"),
    ("postgresql", "PostgreSQL"),
    ("python-2.0", "Python-2.0"),
    ("qpl-1.0", "QPL-1.0"),
    ("unicode-dfs-2016", "Unicode-DFS-2016"),
    ("unlicense", "Unlicense"),
    ("vim", "Vim"),
    ("x11", "X11"),
    ("zlib", "Zlib"),
    ("zpl-2.1", "ZPL-2.1"),
];

/// Exceptions by the words between "with" and "exception", in lower case.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("bison", "Bison-exception-2.2"),
    ("classpath", "Classpath-exception-2.0"),
    ("font", "Font-exception-2.0"),
    ("gcc runtime library", "GCC-exception-3.1"),
    ("gcc-3.1", "GCC-exception-3.1"),
    ("libtool", "Libtool-exception"),
    ("linux-syscall-note", "Linux-syscall-note"),
    ("llvm", "LLVM-exception"),
    ("texinfo", "Texinfo-exception"),
];

/// The licences of a `License` field. A conjunction whose whole SPDX cannot express is taken apart, as
/// each part holds by itself, so that a known licence does not vanish beside an unknown one; of a
/// choice that is not so, and it stays whole.
pub(super) fn field(text: &str) -> Vec<License> {
    match short_name(text) {
        Some(License::Name(_)) if !text.contains(", or ") => text
            .split(", and ")
            .flat_map(|part| if part.contains(" or ") { vec![part] } else { part.split(" and ").collect() })
            .filter_map(short_name)
            .collect(),
        license => license.into_iter().collect(),
    }
}

/// The licence that a short name, or several joined by "and" and "or", stands for. `None` when `text`
/// is no name.
pub(super) fn short_name(text: &str) -> Option<License> {
    if text.len() > NAME_BYTES || text.split_ascii_whitespace().count() > NAME_WORDS {
        return None;
    }
    if let Some(license) = expression(text).as_deref().and_then(License::parse)
        && matches!(license, License::Expression(_))
    {
        return Some(license);
    }
    if ["public domain", "public-domain", "pd"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Some(License::Name("public-domain".to_owned()));
    }
    License::parse(text)
}

/// Rewrites a name as an SPDX expression would have it; the result may still hold unknown names.
///
/// Debian and SPDX agree that "and" binds tighter than "or", but in Debian a comma before either
/// closes what stands to its left: "A or B, and C" is "(A OR B) AND C".
fn expression(text: &str) -> Option<String> {
    let mut closed = String::new();
    let mut group = Group::default();
    for word in text.split_ascii_whitespace() {
        let operator = match word {
            _ if word.eq_ignore_ascii_case("and") => " AND ",
            _ if word.eq_ignore_ascii_case("or") => " OR ",
            _ => {
                group.words.push(word);
                continue;
            }
        };
        if group.words.last()?.ends_with(',') {
            closed = group.close(&closed);
            closed.push_str(operator);
            group = Group::default();
        } else {
            group.flush();
            group.text.push_str(operator);
            group.compound = true;
        }
    }
    if group.words.is_empty() {
        return None;
    }
    Some(if closed.is_empty() { group.open() } else { group.close(&closed) })
}

/// A part of an expression between commas.
#[derive(Debug, Default)]
struct Group<'a> {
    text: String,
    /// Whether `text` holds operators.
    compound: bool,
    /// The words of a name that is not yet in `text`.
    words: Vec<&'a str>,
}

impl Group<'_> {
    fn flush(&mut self) {
        let name = self.words.join(" ");
        self.text.push_str(&single(name.trim_end_matches(',')));
        self.words.clear();
    }

    fn open(mut self) -> String {
        self.flush();
        self.text
    }

    fn close(self, before: &str) -> String {
        let compound = self.compound;
        let text = self.open();
        if compound { format!("{before}({text})") } else { format!("{before}{text}") }
    }
}

/// One name, perhaps with an exception, as SPDX writes it where it can.
fn single(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if let Some((base, exception)) = lower.split_once(" with ") {
        let exception = exception.trim_end_matches("exception").trim_end_matches([' ', '-']);
        let base = id(base);
        let exception = match (exception, &base) {
            ("autoconf", Some(base)) if base.starts_with("GPL-2.0") => Some("Autoconf-exception-2.0"),
            ("autoconf", Some(base)) if base.starts_with("GPL-3.0") => Some("Autoconf-exception-3.0"),
            _ => EXCEPTIONS.iter().find(|(name, _)| *name == exception).map(|(_, id)| *id),
        };
        if let (Some(base), Some(exception)) = (base, exception) {
            return format!("{base} WITH {exception}");
        }
    }
    id(&lower).unwrap_or_else(|| name.to_owned())
}

/// The SPDX identifier for a name in lower case.
fn id(lower: &str) -> Option<String> {
    gnu(lower).or_else(|| NAMES.iter().find(|(name, _)| *name == lower).map(|(_, id)| (*id).to_owned()))
}

/// The licences of the GNU project whose identifiers tell "only" from "or later".
const GNU: &[&str] = &["agpl", "gfdl-niv", "gfdl", "gpl", "lgpl"];

/// Whether a name in lower case is of GNU's licences, and which, without the version.
pub(super) fn gnu_family(lower: &str) -> Option<&'static str> {
    let family = GNU.iter().find(|family| lower.starts_with(**family))?;
    let rest = lower.strip_prefix(family)?;
    (rest.is_empty() || rest.starts_with(['-', 'v']) || rest.starts_with(|char: char| char.is_ascii_digit()))
        .then_some(family)
}

/// The version in a name of GNU's licences: `2.1` in `lgpl-2.1+`, `3` in `gplv3.0-only`.
pub(super) fn gnu_version(lower: &str) -> Option<&str> {
    let rest = lower.strip_prefix(gnu_family(lower)?)?.trim_start_matches(['-', 'v']);
    let (version, _) = suffix(rest);
    let version = version.strip_suffix(".0").unwrap_or(version);
    matches!(version, "1" | "1.1" | "1.2" | "1.3" | "2" | "2.1" | "3").then_some(version)
}

/// Splits what stands for "or later" or "only" from a version.
fn suffix(text: &str) -> (&str, &'static str) {
    for later in ["+", "-or-later"] {
        if let Some(version) = text.strip_suffix(later) {
            return (version, "or-later");
        }
    }
    (text.strip_suffix("-only").unwrap_or(text), "only")
}

/// `GPL-2.0-or-later` for `gpl-2+`, `gplv2+` and the like.
fn gnu(lower: &str) -> Option<String> {
    let (family, version) = (gnu_family(lower)?, gnu_version(lower)?);
    let point = if version.contains('.') { "" } else { ".0" };
    let (_, suffix) = suffix(lower);
    Some(match family {
        "gfdl-niv" => format!("GFDL-{version}-no-invariants-{suffix}"),
        _ => format!("{}-{version}{point}-{suffix}", family.to_ascii_uppercase()),
    })
}

/// The licence of a text in `/usr/share/common-licenses`, by its name in lower case, GNU's left aside.
pub(super) fn common(lower: &str) -> Option<License> {
    match lower {
        // The text there is that of the Regents of the University of California.
        "bsd" => Some(License::Expression("BSD-3-Clause".to_owned())),
        _ => id(lower).map(License::Expression),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_of_the_tables_is_one_of_spdx() {
        for (name, id) in NAMES {
            assert!(License::Expression((*id).to_owned()).is_spdx_id(), "{id}");
            assert_eq!(*name, name.to_ascii_lowercase());
        }
        for (_, exception) in EXCEPTIONS {
            assert!(matches!(License::parse(&format!("MIT WITH {exception}")), Some(License::Expression(_))));
        }
    }

    fn check(text: &str, expect: &str) {
        assert_eq!(short_name(text), Some(License::Expression(expect.to_owned())), "{text}");
    }

    #[test]
    fn names_of_the_copyright_format_become_spdx() {
        for (text, expect) in [
            ("GPL-2+", "GPL-2.0-or-later"),
            ("GPL-2", "GPL-2.0-only"),
            ("gplv3+", "GPL-3.0-or-later"),
            ("GPL-3.0", "GPL-3.0-only"),
            ("GPL-3-or-later", "GPL-3.0-or-later"),
            ("GPL-2.0-only", "GPL-2.0-only"),
            ("LGPL-2.1+", "LGPL-2.1-or-later"),
            ("LGPL-2+", "LGPL-2.0-or-later"),
            ("AGPL-3", "AGPL-3.0-only"),
            ("GFDL-1.3+", "GFDL-1.3-or-later"),
            ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
            ("Expat", "MIT"),
            ("BSD-3-clause", "BSD-3-Clause"),
            ("Apache-2.0", "Apache-2.0"),
            ("0BSD", "0BSD"),
            ("zlib", "Zlib"),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn compounds_keep_their_meaning() {
        for (text, expect) in [
            ("GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0"),
            ("GPL-2+ and Expat or ISC", "GPL-2.0-or-later AND MIT OR ISC"),
            ("GPL-1+ or Artistic, and Expat", "(GPL-1.0-or-later OR Artistic-1.0) AND MIT"),
            ("Expat, and GPL-2 OR GPL-3", "MIT AND (GPL-2.0-only OR GPL-3.0-only)"),
            ("GPL-3+ with Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2"),
            ("GPL-2+ with Autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-2.0"),
            ("GPL-2 with Linux-syscall-note exception or MIT", "GPL-2.0-only WITH Linux-syscall-note OR MIT"),
            ("Apache-2.0 with LLVM exception", "Apache-2.0 WITH LLVM-exception"),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn conjunctions_fall_apart_where_they_must() {
        let check = |text: &str, expect: &[&str]| {
            let found = field(text);
            assert_eq!(found.iter().map(License::as_str).collect::<Vec<_>>(), expect, "{text}");
        };
        check("GPL-2+ and Expat", &["GPL-2.0-or-later AND MIT"]);
        check("LGPL-2.1+ and Kuchling-PD and Plumb-PD", &["LGPL-2.1-or-later", "Kuchling-PD", "Plumb-PD"]);
        check("GPL-1+ or Artistic, and Unicode", &["GPL-1.0-or-later OR Artistic-1.0", "Unicode"]);
        check("GPL-2+ or Foo", &["GPL-2+ or Foo"]);
        check("GPL-2+ and Foo or Bar", &["GPL-2+ and Foo or Bar"]);
        check("GPL-2+ and Foo, or Bar", &["GPL-2+ and Foo, or Bar"]);
        check("none", &[]);
    }

    #[test]
    fn what_is_outside_spdx_stays_a_name() {
        for text in [
            "GPL",
            "GPL-2+ with OpenSSL exception",
            "GPL-2+ and Kuchling-PD",
            "BSD",
            "GPL-99+",
            "GPLwhatever",
            "MIT, ISC",
            "and",
            "MIT and",
            "BSD-3-clause (Intel)",
        ] {
            assert_eq!(short_name(text), Some(License::Name(text.to_owned())));
        }
        assert_eq!(short_name("Public Domain"), Some(License::Name("public-domain".to_owned())));
        assert_eq!(short_name("none"), None);
        assert_eq!(short_name("Permission to use, copy, modify, and distribute this software and its"), None);
        assert_eq!(short_name(&"x".repeat(NAME_BYTES + 1)), None);
    }
}
