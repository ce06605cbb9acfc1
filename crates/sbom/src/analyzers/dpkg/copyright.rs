//! The licences that a Debian copyright file states.
//!
//! Machine-readable files (copyright-format 1.0, once "DEP-5") name them in `License` fields. Others
//! are prose; from those only what is unambiguous is taken: references to the texts in
//! `/usr/share/common-licenses`, and the wording of licences that quote themselves in full. Every
//! search runs once over the text, whatever its content.

use super::deb822::{Token, tokens};
use super::license;
use memchr::memmem;
use sekisho_model::License;
use std::collections::{BTreeSet, HashSet};

/// Up to `most` licences of `text`, in its order, each once.
pub(super) fn licenses(text: &str, most: usize) -> Vec<License> {
    let fields = LicenseFields::read(text);
    let stated = if fields.of_files.is_empty() { fields.standalone } else { fields.of_files };
    let named: Vec<License> = if fields.machine_readable {
        unique(stated.into_iter().flat_map(license::field), most)
    } else {
        // Some prose has such lines, too, which count where they cannot be anything else.
        let names = stated.into_iter().flat_map(license::field);
        unique(names.filter(|license| matches!(license, License::Expression(_))), most)
    };
    if !named.is_empty() {
        return named;
    }
    let prose = Prose::new(text);
    let mut found = prose.references();
    found.extend(prose.wordings());
    found.sort();
    unique(found.into_iter().map(|(_, license)| license), most)
}

fn unique(licenses: impl Iterator<Item = License>, most: usize) -> Vec<License> {
    let mut seen = HashSet::new();
    licenses.filter(|license| seen.insert(license.clone())).take(most).collect()
}

/// The first lines of the `License` fields of a file.
#[derive(Debug, Default)]
struct LicenseFields<'a> {
    machine_readable: bool,
    /// Of the header, which speaks for the whole, and of `Files` paragraphs.
    of_files: Vec<&'a str>,
    /// Of paragraphs that only hold the text of a licence.
    standalone: Vec<&'a str>,
}

impl<'a> LicenseFields<'a> {
    fn read(text: &'a str) -> Self {
        let mut fields = Self::default();
        let mut header = true;
        let mut files = false;
        let mut license = None;
        for token in tokens(text).chain([Token::End]) {
            match token {
                Token::Field(field) if field.is("Format") || field.is("Format-Specification") => {
                    fields.machine_readable |= header;
                }
                Token::Field(field) if field.is("Files") => files = true,
                Token::Field(field) if field.is("License") => license = Some(field.first_line()),
                Token::Field(_) | Token::Stray => {}
                Token::End => {
                    let of_files = files || (header && fields.machine_readable);
                    let list = if of_files { &mut fields.of_files } else { &mut fields.standalone };
                    list.extend(license.take().filter(|name| !name.is_empty()));
                    header = false;
                    files = false;
                }
            }
        }
        fields
    }
}

/// Wordings that occur in one licence only, in lower case.
const WORDINGS: &[(&str, &str)] = &[
    ("licensed under the apache license, version 2.0", "Apache-2.0"),
    ("boost software license - version 1.0", "BSL-1.0"),
    ("subject to the terms of the mozilla public license, v. 2.0", "MPL-2.0"),
    ("python software foundation license version 2", "PSF-2.0"),
    (
        "to alter it and redistribute it freely, subject to the following restrictions: 1. the origin of this \
         software must not be misrepresented",
        "Zlib",
    ),
];

/// The beginning of a licence whose conditions decide which one it is.
struct Grant {
    /// In lower case.
    text: &'static str,
    /// The licence by what follows the grant.
    decide: fn(&str) -> Option<&'static str>,
}

const GRANTS: &[Grant] = &[
    Grant {
        text: "to deal in the software without restriction, including without limitation",
        decide: |rest| (!rest.contains(NAME_CLAUSE)).then_some("MIT"),
    },
    Grant {
        text: "for any purpose with or without fee is hereby granted, provided that the above copyright notice and \
               this permission notice appear in all copies",
        decide: |rest| (!rest.contains(NAME_CLAUSE)).then_some("ISC"),
    },
    Grant {
        text: "redistribution and use in source and binary forms, with or without modification, are permitted",
        decide: |rest| {
            let (clauses, _) = rest.split_once("software is provided")?;
            Some(if clauses.contains("all advertising materials") {
                "BSD-4-Clause"
            } else if clauses.contains("neither the name") || clauses.contains("to endorse or promote") {
                "BSD-3-Clause"
            } else {
                "BSD-2-Clause"
            })
        },
    },
];

/// What X11, curl and others add to the texts of MIT and ISC.
const NAME_CLAUSE: &str = "except as contained in this notice";

/// How far behind a grant its conditions lie.
const GRANT_BYTES: usize = 2500;

/// How far before "any later version" the version stands: "version 2 of the license, or (at your
/// option) any later version".
const VERSION_BYTES: usize = 100;

const COMMON_LICENSES: &str = "common-licenses/";

/// A copyright file as running text.
struct Prose {
    /// In lower case, with single blanks, without the signs of comments.
    text: String,
    /// Versions that are followed by "or any later version".
    or_later: BTreeSet<String>,
    /// Whether such a grant names no version that could be found.
    or_later_of_any: bool,
}

impl Prose {
    fn new(text: &str) -> Self {
        let mut folded = String::with_capacity(text.len());
        for word in text.split_ascii_whitespace() {
            if matches!(word, "*" | "#" | "//" | ";;") {
                // Licences are quoted from source code with the comment around them.
                continue;
            }
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.push_str(word);
        }
        folded.make_ascii_lowercase();
        let mut prose = Self { text: folded, or_later: BTreeSet::new(), or_later_of_any: false };
        prose.find_later_versions();
        prose
    }

    fn find_later_versions(&mut self) {
        for at in memmem::find_iter(self.text.as_bytes(), "any later version") {
            let before = self.text.as_bytes().get(at.saturating_sub(VERSION_BYTES)..at).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            let version = before.rsplit_once("version ").map(|(_, rest)| {
                rest.chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect::<String>()
            });
            match version.as_deref().map(|version| version.trim_end_matches('.').trim_end_matches(".0")) {
                None | Some("") => self.or_later_of_any = true,
                Some(version) => _ = self.or_later.insert(version.to_owned()),
            }
        }
    }

    /// Whether the text lets one choose a later version than `version`.
    fn is_or_later(&self, version: &str) -> bool {
        self.or_later.contains(version) || (self.or_later.is_empty() && self.or_later_of_any)
    }

    /// The licences whose texts are referred to, with the places.
    fn references(&self) -> Vec<(usize, License)> {
        let mut references = Vec::new();
        for at in memmem::find_iter(self.text.as_bytes(), COMMON_LICENSES) {
            let rest = self.text.get(at + COMMON_LICENSES.len()..).unwrap_or_default();
            let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && !".+-".contains(char));
            let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().trim_end_matches(['.', '-', '+']);
            if !name.is_empty() && name.len() <= license::NAME_BYTES {
                references.push((at, name));
            }
        }
        let families: BTreeSet<&str> = references.iter().filter_map(|(_, name)| license::gnu_family(name)).collect();
        let versioned: BTreeSet<&str> = references
            .iter()
            .filter(|(_, name)| license::gnu_version(name).is_some())
            .filter_map(|(_, name)| license::gnu_family(name))
            .collect();
        references
            .into_iter()
            .filter_map(|(at, name)| {
                let Some(family) = license::gnu_family(name) else {
                    return Some((at, license::common(name)?));
                };
                let name = match license::gnu_version(name) {
                    Some(version) if self.is_or_later(version) => format!("{name}+"),
                    Some(_) => name.to_owned(),
                    // A link to the newest text; which version is meant is said elsewhere.
                    None if versioned.contains(family) => return None,
                    None => match self.or_later.first() {
                        Some(version) if self.or_later.len() == 1 && families.len() == 1 => {
                            format!("{family}-{version}+")
                        }
                        _ => family.to_ascii_uppercase(),
                    },
                };
                Some((at, license::short_name(&name)?))
            })
            .collect()
    }

    /// The licences that are recognised by their wording, with the places.
    fn wordings(&self) -> Vec<(usize, License)> {
        let mut found = Vec::new();
        for (wording, id) in WORDINGS {
            found.extend(self.text.find(wording).map(|at| (at, *id)));
        }
        for Grant { text: grant, decide } in GRANTS {
            let mut rest = self.text.as_str();
            while let Some((_, behind)) = rest.split_once(grant) {
                // Up to the next grant, so that a text of nothing but grants costs no more than another.
                let block = behind.split_once(grant).map_or(behind, |(block, _)| block);
                let window = block.get(..block.floor_char_boundary(GRANT_BYTES)).unwrap_or(block);
                let at = self.text.len() - behind.len() - grant.len();
                found.extend(decide(window).map(|id| (at, id)));
                rest = behind.get(block.len()..).unwrap_or_default();
            }
        }
        found.into_iter().map(|(at, id)| (at, License::Expression(id.to_owned()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found = licenses(text, 100);
        let found: Vec<&str> = found.iter().map(License::as_str).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn machine_readable_files_are_taken_at_their_word() {
        check(
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: GPL-2+\n\n\
             Files: *\nLicense: Expat\n see /usr/share/common-licenses/GPL-3\n\n\
             Files: a b\n c\nLicense: Foo-1\n\nFiles: d\nLicense: Expat\n\nLicense: ISC\n text\n",
            &["GPL-2.0-or-later", "MIT", "Foo-1"],
        );
        // Only paragraphs of texts say what it is.
        check("Format: x\n\nFiles: *\nCopyright: y\n\nLicense: ISC\n", &["ISC"]);
        // Without a name it is read as prose.
        check(
            "Format: x\n\nFiles: *\nLicense:\n On Debian, see /usr/share/common-licenses/Apache-2.0.\n",
            &["Apache-2.0"],
        );
    }

    #[test]
    fn prose_counts_where_it_is_unambiguous() {
        let later = "either version 2 of\n the License, or (at your option) any\n later version";
        check("see /usr/share/common-licenses/GPL-2.", &["GPL-2.0-only"]);
        check(&format!("{later}, see /usr/share/common-licenses/GPL-2."), &["GPL-2.0-or-later"]);
        check(&format!("{later}, see '/usr/share/common-licenses/GPL'"), &["GPL-2.0-or-later"]);
        // Which of the two is of version 2 is not said in a way that could be relied on.
        check(&format!("{later}: common-licenses/GPL, common-licenses/LGPL"), &["GPL", "LGPL"]);
        check(
            &format!("{later}: common-licenses/GPL-2 and common-licenses/GPL-3"),
            &["GPL-2.0-or-later", "GPL-3.0-only"],
        );
        check("common-licenses/GPL and common-licenses/GPL-3", &["GPL-3.0-only"]);
        check("common-licenses/LGPL-2.1 or at your option any later version", &["LGPL-2.1-or-later"]);
        check("common-licenses/BSD common-licenses/Artistic common-licenses/Foo", &["BSD-3-Clause", "Artistic-1.0"]);
        check("License: GPL-2+\n\nLicense: as follows\n", &["GPL-2.0-or-later"]);
        check("License: as follows\n", &[]);
        check("This is free software.", &[]);
    }

    #[test]
    fn licences_are_told_apart_by_their_conditions() {
        let mit = "to deal in the Software without\n restriction, including without limitation the rights";
        check(mit, &["MIT"]);
        check(&mit.replace('\n', "\n * "), &["MIT"]);
        check(&format!("{mit}\nExcept as contained in this notice, the name of X"), &[]);
        let bsd = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted";
        let end = "THIS SOFTWARE IS PROVIDED BY";
        check(&format!("{bsd} {end}"), &["BSD-2-Clause"]);
        check(&format!("{bsd} Neither the name {end}"), &["BSD-3-Clause"]);
        check(&format!("{bsd} All advertising materials {end} neither the name"), &["BSD-4-Clause"]);
        check(&format!("{bsd} {end} {bsd} Neither the name {end} {mit}"), &["BSD-2-Clause", "BSD-3-Clause", "MIT"]);
        check(bsd, &[]);
        // bzip2 and Info-ZIP say some of what zlib says.
        check("The origin of this software must not be misrepresented", &[]);
        // A grant that begins where the window of another ends.
        let filler = "x ".repeat(GRANT_BYTES / 2 - 10);
        check(&format!("{mit} {filler} {mit} except as contained in this notice"), &["MIT"]);
        check(&format!("{mit} except as contained in this notice {filler} {mit}"), &["MIT"]);
        // A window that would end inside a character.
        check(&format!("{mit}{}", "\u{e9}".repeat(GRANT_BYTES)), &["MIT"]);
    }
}
