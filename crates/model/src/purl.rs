//! Package URLs (ECMA-427).

use crate::os::{distribution_id, release_named};
use crate::package::PackageKind;
use packageurl::PackageUrl;
use sekisho_base::hash::hex;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;

/// A package URL in canonical form, such as
/// `pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2?arch=amd64&distro=debian-12`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purl(String);

/// Why a text is no [`Purl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a package URL: {reason}")]
pub struct InvalidPurl {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Purl {
    /// Builds the canonical form. `namespace` and `version` may be empty; qualifiers with an empty
    /// value are left out, as the specification asks. Names are normalised by the rules of `kind`:
    /// `PyPI` names in lower case with dashes. Those of npm and Go keep their case, as their type
    /// definitions ask since May 2026 (package-url/purl-spec, `types/npm-definition.json`). What `kind` demands (a
    /// namespace, a qualifier) must be there.
    pub fn new(
        kind: &'static str,
        namespace: &str,
        name: &str,
        version: &str,
        qualifiers: &[(&'static str, &str)],
    ) -> Result<Self, InvalidPurl> {
        let build = || {
            let mut purl = PackageUrl::new(keeping_case(kind), name)?;
            // Such segments are none (ECMA-427): the text would not be read as it is written.
            let segments: Vec<&str> =
                namespace.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")).collect();
            if !segments.is_empty() {
                purl.with_namespace(segments.join("/"))?;
            }
            if !version.is_empty() {
                purl.with_version(version)?;
            }
            for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
                purl.add_qualifier(*key, *value)?;
            }
            purl.validate()?;
            Ok::<_, packageurl::Error>(canonical(&purl, kind))
        };
        match build() {
            Ok(text) => Ok(Self(text)),
            Err(error) => Err(InvalidPurl { text: format!("{kind}/{namespace}/{name}"), reason: error.to_string() }),
        }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for another version.
    pub fn with_version(&self, version: &str) -> Result<Self, InvalidPurl> {
        let text = self.as_str();
        let (path, rest) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        // The canonical form has an `@` before the version only.
        let path = path.split_once('@').map_or(path, |(path, _)| path);
        let mut with = format!("{path}@");
        for byte in version.bytes() {
            with.push('%');
            with.push_str(&hex(&[byte]));
        }
        with.push_str(rest);
        with.parse()
    }

    /// The type: `deb`.
    pub fn type_text(&self) -> &str {
        let text = self.0.strip_prefix("pkg:").unwrap_or_default();
        text.split('/').next().unwrap_or_default()
    }

    /// Which of our kinds the package is of.
    pub fn kind(&self) -> PackageKind {
        PackageKind::of_type(self.type_text())
    }

    /// The value of a qualifier, without the encoding.
    pub fn qualifier(&self, key: &str) -> Option<Cow<'_, str>> {
        let text = self.0.split_once('#').map_or(self.0.as_str(), |(text, _)| text);
        let mut pairs = text.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| *own == key).map(|(_, value)| percent_decoded(value))
    }

    /// What it is put together from, without the encoding.
    pub fn parts(&self) -> PurlParts {
        // The canonical form has each separator once, all others are encoded.
        let rest = self.0.strip_prefix("pkg:").unwrap_or(&self.0);
        let (rest, subpath) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let (namespace, last) = rest.rsplit_once('/').unwrap_or(("", rest));
        let (name, version) = last.split_once('@').unwrap_or((last, ""));
        let decoded = |text| percent_decoded(text).into_owned();
        let [namespace, name, version, subpath] = [namespace, name, version, subpath].map(decoded);
        let pairs = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        let qualifiers = pairs.map(|(key, value)| (key.to_owned(), decoded(value))).collect();
        PurlParts { kind: kind.to_owned(), namespace, name, version, qualifiers, subpath }
    }
}

/// The parts of a [`Purl`] as they are, not as they are encoded. What is absent is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurlParts {
    /// The type: `deb`.
    pub kind: String,
    /// `debian`, `@babel`, `github.com/spf13`.
    pub namespace: String,
    /// `git`.
    pub name: String,
    /// `1:2.39.5-0+deb12u2`.
    pub version: String,
    /// By key, which are unique and in lower case.
    pub qualifiers: Vec<(String, String)>,
    /// A path below the root of the package.
    pub subpath: String,
}

impl PurlParts {
    /// The distribution that it says its package is of: the `ID` of os-release(5) and the version, empty where it names none.
    /// Trivy writes `distro` without the id for some.
    pub fn distribution(&self) -> Option<(&str, &str)> {
        if !PackageKind::of_type(&self.kind).is_os() {
            return None;
        }
        let distro = self.qualifiers.iter().find(|(key, _)| key == "distro").map_or("", |(_, value)| value);
        // Trivy writes what a release is called behind its number: `amazon-2 (Karoo)`.
        let distro = distro.split([' ', '+']).next().unwrap_or_default();
        if let Some(named) = release_named(distro.rsplit('-').next().unwrap_or_default()) {
            return Some(named);
        }
        let (id, version) = match distro {
            "" => (self.namespace.as_str(), ""),
            text if text.starts_with(|first: char| first.is_ascii_digit()) => (self.namespace.as_str(), text),
            text => match text.rsplit_once('-') {
                Some((id, version)) if version.starts_with(|first: char| first.is_ascii_digit()) => (id, version),
                _ => (text, ""),
            },
        };
        (!id.is_empty()).then(|| (distribution_id(id), version))
    }
}

/// `text` without percent-encoding; what is no code stays as it is.
pub fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) if *byte == b'%' => {
                out.push(code);
                rest = &tail[2..];
            }
            _ => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// The type under which the library, which puts some names into lower case, leaves those of `kind` alone.
fn keeping_case(kind: &str) -> &str {
    if matches!(kind, "npm" | "golang") { "generic" } else { kind }
}

/// Whether `text` begins with `pkg:KIND/`.
fn names(text: &str, kind: &str) -> bool {
    text.strip_prefix("pkg:").and_then(|text| text.strip_prefix(kind)).is_some_and(|rest| rest.starts_with('/'))
}

/// `text` with scheme and type in lower case, as both may be of either, and without the slashes that may stand between
/// them (ECMA-427).
fn in_lower_case(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("pkg")) else {
        return Cow::Borrowed(text);
    };
    let rest = rest.trim_start_matches('/');
    let (kind, name) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if scheme == "pkg" && text.len() == rest.len() + 4 && !kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("pkg:{}{name}", kind.to_ascii_lowercase()))
}

/// The text of `purl`, as one of type `kind`, in the canonical form of ECMA-427: qualifiers in order, and percent-encoded
/// what may be. The library's own leaves a slash in a version as it is, which parsing takes for a separator, and
/// characters such as `!` and `(`.
fn canonical(purl: &PackageUrl<'_>, kind: &str) -> String {
    let mut text = format!("pkg:{kind}/");
    for segment in purl.namespace().into_iter().flat_map(|namespace| namespace.split('/')) {
        push_encoded(&mut text, segment);
        text.push('/');
    }
    push_encoded(&mut text, purl.name());
    if let Some(version) = purl.version() {
        text.push('@');
        push_encoded(&mut text, version);
    }
    let mut qualifiers: Vec<_> = purl.qualifiers().iter().collect();
    qualifiers.sort_unstable();
    for (index, (key, value)) in qualifiers.into_iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(key);
        text.push('=');
        push_encoded(&mut text, value);
    }
    let segments = purl.subpath().into_iter().flat_map(|subpath| subpath.split('/'));
    for (index, segment) in segments.filter(|segment| !matches!(*segment, "" | "." | "..")).enumerate() {
        text.push(if index == 0 { '#' } else { '/' });
        push_encoded(&mut text, segment);
    }
    text
}

/// A purl whose version is a URL that nobody has escaped, as some tools write it, with that escaped: its slashes are not
/// those between namespace and name.
fn with_plain_version(text: &str) -> Cow<'_, str> {
    let path = text.split(['?', '#']).next().unwrap_or(text);
    // A scope of npm has its sign at the beginning of a part.
    let signs = path.match_indices('@').map(|(at, _)| at);
    let mut version = signs.filter(|at| !path[..*at].is_empty() && !path[..*at].ends_with('/')).map(|at| at + 1);
    match version.next() {
        Some(at) if path[at..].contains("://") => {
            let mut escaped = text[..at].to_owned();
            push_encoded(&mut escaped, &path[at..]);
            escaped.push_str(&text[path.len()..]);
            Cow::Owned(escaped)
        }
        _ => Cow::Borrowed(text),
    }
}

fn push_encoded(text: &mut String, part: &str) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Purl {
    type Err = InvalidPurl;

    fn from_str(text: &str) -> Result<Self, InvalidPurl> {
        let text = &*with_plain_version(text);
        let text = &*in_lower_case(text);
        let kind = ["npm", "golang"].into_iter().find(|kind| names(text, kind));
        let parsed = match kind {
            Some(kind) => PackageUrl::from_str(&text.replacen(kind, keeping_case(kind), 1)),
            None => PackageUrl::from_str(text),
        };
        match parsed {
            Ok(purl) => Ok(Self(canonical(&purl, kind.unwrap_or(purl.ty())))),
            Err(error) => Err(InvalidPurl { text: text.chars().take(512).collect(), reason: error.to_string() }),
        }
    }
}

impl TryFrom<String> for Purl {
    type Error = InvalidPurl;

    fn try_from(text: String) -> Result<Self, InvalidPurl> {
        text.parse()
    }
}

impl From<Purl> for String {
    fn from(purl: Purl) -> Self {
        purl.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &'static str, namespace: &str, name: &str, version: &str, expect: &str) {
        let purl = Purl::new(kind, namespace, name, version, &[("arch", "amd64"), ("distro", "")]).unwrap();
        assert_eq!(purl.as_str(), expect);
        assert_eq!(expect.parse::<Purl>().unwrap(), purl, "parsing is the inverse");
    }

    #[test]
    fn canonical_forms_follow_the_specification() {
        check("deb", "debian", "libstdc++6", "1:12~rc1-u2", "pkg:deb/debian/libstdc%2B%2B6@1:12~rc1-u2?arch=amd64");
        check("npm", "@babel", "core", "7.1.0", "pkg:npm/%40babel/core@7.1.0?arch=amd64");
        check("pypi", "", "Foo_Bar", "1.0+local", "pkg:pypi/foo-bar@1.0%2Blocal?arch=amd64");
        check("npm", "@Sc", "JSONStream", "1.3.5", "pkg:npm/%40Sc/JSONStream@1.3.5?arch=amd64");
        check("npm", "", "../x é", "1/2 3", "pkg:npm/..%2Fx%20%C3%A9@1%2F2%203?arch=amd64");
        check("golang", "github.com/Foo", "Bar", "v1.0.0", "pkg:golang/github.com/Foo/Bar@v1.0.0?arch=amd64");
        check("npm", "", "a!(b)", "1,$'*&", "pkg:npm/a%21%28b%29@1%2C%24%27%2A%26?arch=amd64");
    }

    #[test]
    fn a_version_that_is_a_url_is_one() {
        let check = |text: &str, name: &str, version: &str| {
            let parts = text.parse::<Purl>().unwrap().parts();
            assert_eq!((&*parts.name, &*parts.version), (name, version), "{text}");
        };
        check("pkg:npm/n@git+ssh://git@github.com/x/n.git#1", "n", "git+ssh://git@github.com/x/n.git");
        check("pkg:npm/@scope/n@https://h.x/n.tgz?arch=amd64", "n", "https://h.x/n.tgz");
        check("pkg:npm/@scope/n@1.0.0", "n", "1.0.0");
    }

    #[test]
    fn parts_are_what_it_was_built_from() {
        let check = |kind, namespace: &str, name: &str, version: &str, qualifiers: &[(&'static str, &str)]| {
            let parts = Purl::new(kind, namespace, name, version, qualifiers).unwrap().parts();
            let found: Vec<_> = parts.qualifiers.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!(
                (&*parts.kind, &*parts.namespace, &*parts.name, &*parts.version),
                (kind, namespace, name, version)
            );
            assert_eq!(found, qualifiers);
        };
        check("deb", "debian", "libstdc++6", "1:12~rc1-u2", &[("arch", "amd64"), ("upstream", "gcc@12 a&b=c")]);
        check("npm", "@babel", "core/x?y#z", "7.1.0/a@b", &[]);
        check("golang", "github.com/Foo", "bar", "v1.0.0+incompatible", &[]);
        check("generic", "", "a", "", &[]);
        let parts = "pkg:golang/a.b/c@v1#x/y".parse::<Purl>().unwrap().parts();
        assert_eq!((&*parts.version, &*parts.subpath), ("v1", "x/y"));
        let parts = "pkg:oci/app@sha256:ab?repository_url=ghcr.io/o/app&tag=1".parse::<Purl>().unwrap().parts();
        assert_eq!(parts.version, "sha256:ab");
        assert_eq!(parts.qualifiers[0], ("repository_url".to_owned(), "ghcr.io/o/app".to_owned()));
    }

    #[test]
    fn scheme_and_type_are_read_in_either_case() {
        for text in ["PKG:NPM/JSONStream@1", "pkg://npm/JSONStream@1", "Pkg:Npm/JSONStream@1", "pkg:/npm/JSONStream@1"]
        {
            assert_eq!(text.parse::<Purl>().unwrap().as_str(), "pkg:npm/JSONStream@1", "{text}");
        }
        assert!("PKG:".parse::<Purl>().is_err() && "pkg:É/a".parse::<Purl>().is_err());
    }

    #[test]
    fn a_version_can_be_put_into_it() {
        let with = |text: &str, version: &str| text.parse::<Purl>().unwrap().with_version(version).unwrap();
        assert_eq!(
            with("pkg:deb/debian/git?arch=amd64", "1:2.39+b").as_str(),
            "pkg:deb/debian/git@1:2.39%2Bb?arch=amd64"
        );
        assert_eq!(with("pkg:npm/%40a/b@1#c/d", "2/3").as_str(), "pkg:npm/%40a/b@2%2F3#c/d");
    }

    #[test]
    fn distributions_are_known_by_the_name_of_their_own() {
        let check = |text: &str, expect: Option<(&str, &str)>| {
            assert_eq!(text.parse::<Purl>().unwrap().parts().distribution(), expect, "{text}");
        };
        check("pkg:deb/debian/git@1?distro=debian-12.5", Some(("debian", "12.5")));
        check("pkg:apk/alpine/musl@1?distro=3.16.2", Some(("alpine", "3.16.2")));
        check("pkg:rpm/redhat/bash@1?distro=redhat-8.8", Some(("rhel", "8.8")));
        check("pkg:rpm/redhat/bash@1?distro=rhel-8.8", Some(("rhel", "8.8")));
        check("pkg:rpm/opensuse/bash@1?distro=opensuse-leap-15.5", Some(("opensuse-leap", "15.5")));
        check("pkg:rpm/amazon/bash@1?distro=amazon-2%20%28Karoo%29", Some(("amzn", "2")));
        check(
            "pkg:rpm/amazon/bash@1?distro=amazon-2023.5.20240805+%28Amazon+Linux%29",
            Some(("amzn", "2023.5.20240805")),
        );
        check("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", Some(("debian", "8")));
        check("pkg:deb/ubuntu/curl@8?distro=ubuntu-noble", Some(("ubuntu", "24.04")));
        check("pkg:alpm/arch/bash@1?distro=arch", Some(("arch", "")));
        check("pkg:deb/bash@1", None);
        check("pkg:npm/a@1?distro=debian-12", None);
    }

    #[test]
    fn an_empty_name_is_refused() {
        assert!(Purl::new("npm", "", "", "1", &[]).is_err());
        assert!("npm/foo@1".parse::<Purl>().is_err());
    }
}
