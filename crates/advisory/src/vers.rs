//! Version ranges as CycloneDX and CSAF write them: `vers:deb/>=1.0|<2.0|!=1.5`
//! (<https://github.com/package-url/vers-spec>).

use crate::ecosystem::Ecosystem;
use crate::range::{Lower, Range, Upper, union};
use crate::version::Scheme;
use sekisho_model::percent_decoded;

/// A set of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vers {
    scheme: Scheme,
    ranges: Vec<Range>,
    except: Vec<String>,
}

/// How the versions of a package URL type are ordered; none where that is not known.
pub(crate) fn scheme_of(kind: &str) -> Option<Scheme> {
    Some(match kind {
        "deb" => Scheme::Dpkg,
        "rpm" => Scheme::Rpm,
        "apk" | "alpine" => Scheme::Apk,
        "alpm" => Scheme::Pacman,
        "ebuild" => Scheme::Portage,
        "npm" => Scheme::Npm,
        "pypi" => Scheme::Pep440,
        "golang" => Scheme::Go,
        "maven" => Scheme::Maven,
        "gem" => Scheme::RubyGems,
        "nuget" => Scheme::NuGet,
        "composer" => Scheme::Packagist,
        "cargo" => Ecosystem::CratesIo.scheme(),
        "semver" | "hex" | "github" => Scheme::SemVer,
        "pub" => Scheme::Pub,
        "conan" => Scheme::Conan,
        "cran" => Scheme::Cran,
        "hackage" => Scheme::Hackage,
        "generic" => Scheme::Generic,
        _ => return None,
    })
}

impl Vers {
    /// Reads a range; none where it is not well-formed or its versions have no order that is known.
    ///
    /// Comparators are taken in the order of their versions, which the specification asks for: one that opens an
    /// interval is closed by the next, if that closes one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, constraints) = text.trim().strip_prefix("vers:")?.split_once('/')?;
        let scheme = scheme_of(kind)?;
        if constraints.trim() == "*" {
            return Some(Self { scheme, ranges: vec![Range::ALL], except: Vec::new() });
        }
        let (mut ranges, mut except) = (Vec::new(), Vec::new());
        let mut open: Option<Lower> = None;
        let mut any = false;
        for constraint in constraints.split('|').map(str::trim).filter(|text| !text.is_empty()) {
            let at = constraint.find(|letter| !"<>=!".contains(letter))?;
            let (operator, version) = constraint.split_at(at);
            // Versions may be percent-encoded.
            let version = percent_decoded(version.trim()).into_owned();
            if !scheme.is_valid(&version) {
                return None;
            }
            let lower = match operator {
                "" | "=" => {
                    ranges.push(Range::exactly(&version));
                    continue;
                }
                "!=" => {
                    except.push(version);
                    continue;
                }
                ">" => Some(Lower::After(version.clone())),
                ">=" => Some(Lower::At(version.clone())),
                "<" | "<=" => None,
                _ => return None,
            };
            if let Some(lower) = lower {
                // Two that open: the set is not simplified, and what it means is not said.
                if open.replace(lower).is_some() {
                    return None;
                }
            } else {
                let to = if operator == "<" { Upper::Fixed(version) } else { Upper::Last(version) };
                let from = match open.take() {
                    Some(from) => from,
                    None if any => return None,
                    None => Lower::Start,
                };
                ranges.push(Range { from, to });
            }
            any = true;
        }
        ranges.extend(open.map(|from| Range { from, to: Upper::Unfixed }));
        if ranges.is_empty() && !except.is_empty() {
            ranges.push(Range::ALL);
        }
        let ranges = union(scheme, ranges);
        (!ranges.is_empty()).then_some(Self { scheme, ranges, except })
    }

    /// Whether `version` is in it for certain: one that cannot be compared is not.
    pub(crate) fn holds(&self, version: &str) -> bool {
        let is = |other: &String| self.scheme.compare(version, other).is_eq();
        self.scheme.is_valid(version)
            && !self.except.iter().any(is)
            && self.ranges.iter().any(|range| range.holds(self.scheme, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases by hand, from the rules of the vers specification.
    #[test]
    fn ranges_hold_what_they_say() {
        let check = |text: &str, inside: &[&str], outside: &[&str]| {
            let vers = Vers::parse(text).unwrap_or_else(|| panic!("{text} is not read"));
            for version in inside {
                assert!(vers.holds(version), "{version} is in {text}");
            }
            for version in outside {
                assert!(!vers.holds(version), "{version} is not in {text}");
            }
        };
        check("vers:npm/1.2.3|>=2.0.0|<5.0.0", &["1.2.3", "2.0.0", "4.9.9"], &["1.2.4", "5.0.0", "1.0.0", "x"]);
        check("vers:semver/>=2.0.0|<=2.7.0", &["2.0.0", "2.7.0"], &["2.7.1", "1.9.9"]);
        check("vers:deb/<1:2.0-1", &["1:1.9", "3.0"], &["1:2.0-1"]);
        check("vers:deb/<1%3A2.0", &["3.0"], &["1:2.0"]);
        check("vers:pypi/>=1.0|!=1.5|<2.0", &["1.0", "1.4"], &["1.5", "1.5.0", "2.0"]);
        check("vers:pypi/!=1.5", &["1.4", "9"], &["1.5"]);
        check("vers:pypi/>1.0", &["1.0.1", "99"], &["1.0"]);
        check("vers:golang/*", &["v1.0.0"], &["not a version"]);
        check("vers:npm/<1.0.0|>=2.0.0|<2.1.0|>3.0.0", &["0.1.0", "2.0.5", "3.0.1"], &["1.5.0", "2.1.0", "3.0.0"]);
    }

    #[test]
    fn what_is_not_understood_is_no_range() {
        for text in
            ["", "1.0", "vers:", "vers:npm", "vers:npm/", "vers:klingon/1", "vers:npm/>=x", "vers:npm/>1.0.0|>2.0.0"]
        {
            assert_eq!(Vers::parse(text), None, "{text}");
        }
        for text in ["vers:npm/<1.0.0|<2.0.0", "vers:npm/>>1.0.0", "vers:npm/~1.0.0", "vers:npm/>=2.0.0|<1.0.0"] {
            assert_eq!(Vers::parse(text), None, "{text}");
        }
    }
}
