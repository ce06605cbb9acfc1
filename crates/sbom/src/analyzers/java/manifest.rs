//! `META-INF/MANIFEST.MF`: what Java and `OSGi` ask an archive to say of itself. (The JAR File Specification, "JAR
//! Manifest"; `OSGi` Core, "Bundle Manifest Headers".)

use std::collections::HashMap;

/// The attributes that say what an archive is.
const WANTED: &[&str] = &[
    "implementation-title",
    "implementation-version",
    "implementation-vendor-id",
    "implementation-vendor",
    "specification-title",
    "specification-version",
    "bundle-name",
    "bundle-symbolicname",
    "bundle-version",
    "bundle-license",
    "bundle-vendor",
    "automatic-module-name",
];

/// Longer values say nothing.
const MAX_BYTES: usize = 1024;

/// A manifest.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    main: HashMap<&'static str, String>,
    /// `Implementation-Version` of the sections for parts of the archive, as far as all say the same.
    parts: Option<String>,
    parts_differ: bool,
}

impl Manifest {
    /// Reads a manifest: `Name: value`, continued on lines that begin with a space, sections apart by blank lines.
    pub(super) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut main = true;
        let mut lines = text.lines().peekable();
        let mut begun = false;
        while let Some(line) = lines.next() {
            if line.is_empty() {
                // Blank lines before the first attribute end nothing.
                main &= !begun;
                continue;
            }
            begun = true;
            let Some((name, value)) = line.split_once(':') else { continue };
            let Some(name) = WANTED.iter().find(|wanted| wanted.eq_ignore_ascii_case(name)) else { continue };
            let mut value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            while let Some(more) = lines.peek().and_then(|line| line.strip_prefix(' ')) {
                if value.len() <= MAX_BYTES {
                    value.push_str(more);
                }
                lines.next();
            }
            let value = value.trim();
            if value.is_empty() || value.len() > MAX_BYTES {
                continue;
            }
            if main {
                manifest.main.insert(name, value.to_owned());
            } else if *name == "implementation-version" {
                manifest.parts_differ |= manifest.parts.as_deref().is_some_and(|other| other != value);
                manifest.parts = Some(value.to_owned());
            }
        }
        manifest
    }

    /// The value of an attribute of the archive as a whole, by its name in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.main.get(name).map(String::as_str)
    }

    /// The version that all parts of the archive have.
    pub(super) fn of_parts(&self) -> Option<&str> {
        self.parts.as_deref().filter(|_| !self.parts_differ)
    }

    /// `Bundle-SymbolicName` without its directives.
    pub(super) fn symbolic_name(&self) -> Option<&str> {
        self.get("bundle-symbolicname").and_then(|name| name.split(';').next()).map(str::trim)
    }

    /// `Bundle-License` as names or addresses, each without its attributes.
    pub(super) fn licenses(&self) -> impl Iterator<Item = &str> {
        let all = self.get("bundle-license").unwrap_or_default();
        // A comma is between licences, and in the names of some: then nothing else that OSGi writes is there.
        let several = all.contains("://") || all.contains([';', '"']);
        all.split(move |c| several && c == ',')
            .filter_map(|one| one.split(';').next())
            .map(|one| one.trim().trim_matches('"'))
            .filter(|one| !one.is_empty())
            .take(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_and_sections_are_kept_apart() {
        let text = "\nManifest-Version: 1.0\r\nBundle-SymbolicName: org.exam\r\n ple.x;singleton:=true\r\n\r\n\
            Name: org/example/\r\nImplementation-Title: no\r\nImplementation-Version: 1.2\r\n\r\n\
            Name: org/example/y/\r\nImplementation-Version: 1.2\r\n";
        let manifest = Manifest::parse(text);
        assert_eq!(manifest.symbolic_name(), Some("org.example.x"));
        assert_eq!(manifest.get("implementation-title"), None);
        assert_eq!(manifest.of_parts(), Some("1.2"));
        let differ = format!("{text}\r\nName: z/\r\nimplementation-version: 2\r\n");
        assert_eq!(Manifest::parse(&differ).of_parts(), None);
        let licences = Manifest::parse("Bundle-License: \"MIT\";link=\"x\", https://x.org/l.txt\n");
        assert_eq!(licences.licenses().collect::<Vec<_>>(), ["MIT", "https://x.org/l.txt"]);
        let one = Manifest::parse("Bundle-License: Apache License, Version 2.0\n");
        assert_eq!(one.licenses().collect::<Vec<_>>(), ["Apache License, Version 2.0"]);
    }
}
