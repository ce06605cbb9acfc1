//! Until when distributions give security updates.
//!
//! The last day on which everybody gets them, without a contract: Debian with LTS, Ubuntu without ESM, SUSE without LTSS.
//! A release that is not in the table is not known, and so is what came after it was last looked at.

use crate::scope::moment;
use jiff::Timestamp;
use sekisho_model::Fact;

/// A distribution, by the `ID` of os-release(5).
struct Distribution {
    id: &'static str,
    /// Where the days are from.
    source: &'static str,
    /// The beginning of `VERSION_ID`, and the last day; none for what has no end: there is only one release, which rolls.
    releases: &'static [(&'static str, Option<&'static str>)],
}

const ROLLING: &[(&str, Option<&str>)] = &[("", None)];

/// Compared with <https://endoflife.date>, which names the same sources, as it was in 2026.
#[rustfmt::skip]
static DISTRIBUTIONS: [Distribution; 18] = [
    Distribution { id: "almalinux", source: "https://wiki.almalinux.org/release-notes/", releases: &[
        ("8", Some("2029-03-01")), ("9", Some("2032-05-31")), ("10", Some("2035-05-31")),
    ]},
    Distribution { id: "alpine", source: "https://alpinelinux.org/releases/", releases: &[
        ("3.0", Some("2016-05-01")), ("3.1", Some("2016-11-01")), ("3.2", Some("2017-05-01")),
        ("3.3", Some("2017-11-01")), ("3.4", Some("2018-05-01")), ("3.5", Some("2018-11-01")),
        ("3.6", Some("2019-05-01")), ("3.7", Some("2019-11-01")), ("3.8", Some("2020-05-01")),
        ("3.9", Some("2020-11-01")), ("3.10", Some("2021-05-01")), ("3.11", Some("2021-11-01")),
        ("3.12", Some("2022-05-01")), ("3.13", Some("2022-11-01")), ("3.14", Some("2023-05-01")),
        ("3.15", Some("2023-11-01")), ("3.16", Some("2024-05-23")), ("3.17", Some("2024-11-22")),
        ("3.18", Some("2025-05-09")), ("3.19", Some("2025-11-01")), ("3.20", Some("2026-04-01")),
        ("3.21", Some("2026-11-01")), ("3.22", Some("2027-05-01")), ("3.23", Some("2027-11-01")),
    ]},
    Distribution { id: "amzn", source: "https://aws.amazon.com/amazon-linux-2/faqs/", releases: &[
        ("2018.03", Some("2023-12-31")), ("2017.09", Some("2023-12-31")), ("2017.03", Some("2023-12-31")),
        // Both were put off after they were first named.
        ("2", Some("2026-06-30")), ("2023", Some("2029-06-30")),
    ]},
    Distribution { id: "arch", source: "https://archlinux.org/about/", releases: ROLLING },
    Distribution { id: "azurelinux", source: "https://learn.microsoft.com/azure/azure-linux/release-cadence-lifecycle",
        releases: &[("3.0", Some("2027-08-31"))] },
    // 8 is CentOS Linux, which ended in 2021, or CentOS Stream.
    Distribution { id: "centos", source: "https://www.centos.org/centos-linux-eol/", releases: &[
        ("5", Some("2017-03-31")), ("6", Some("2020-11-30")), ("7", Some("2024-06-30")), ("8", Some("2024-05-31")),
        ("9", Some("2027-05-31")), ("10", Some("2030-01-01")),
    ]},
    Distribution { id: "chainguard", source: "https://www.chainguard.dev", releases: ROLLING },
    Distribution { id: "debian", source: "https://wiki.debian.org/LTS", releases: &[
        ("6", Some("2016-02-29")), ("7", Some("2018-05-31")), ("8", Some("2020-06-30")), ("9", Some("2022-06-30")),
        ("10", Some("2024-06-30")), ("11", Some("2026-08-31")), ("12", Some("2028-06-30")), ("13", Some("2030-06-30")),
    ]},
    Distribution { id: "fedora", source: "https://docs.fedoraproject.org/en-US/releases/eol/", releases: &[
        ("30", Some("2020-05-26")), ("31", Some("2020-11-24")), ("32", Some("2021-05-25")), ("33", Some("2021-11-30")),
        ("34", Some("2022-06-07")), ("35", Some("2022-12-13")), ("36", Some("2023-05-16")), ("37", Some("2023-12-05")),
        ("38", Some("2024-05-21")), ("39", Some("2024-11-26")), ("40", Some("2025-05-13")), ("41", Some("2025-12-15")),
        ("42", Some("2026-05-13")), ("43", Some("2026-12-09")),
    ]},
    Distribution { id: "gentoo", source: "https://www.gentoo.org/get-started/about/", releases: ROLLING },
    Distribution { id: "mariner", source: "https://learn.microsoft.com/azure/azure-linux/release-cadence-lifecycle",
        releases: &[("1.0", Some("2023-08-31")), ("2.0", Some("2025-07-31"))] },
    Distribution { id: "ol", source: "https://www.oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf", releases: &[
        ("6", Some("2021-03-01")), ("7", Some("2024-12-01")), ("8", Some("2029-07-01")), ("9", Some("2032-06-30")),
    ]},
    Distribution { id: "opensuse-leap", source: "https://en.opensuse.org/Lifetime", releases: &[
        ("42.1", Some("2017-05-17")), ("42.2", Some("2018-01-26")), ("42.3", Some("2019-07-01")),
        ("15.0", Some("2019-12-03")), ("15.1", Some("2021-02-02")), ("15.2", Some("2022-01-04")),
        ("15.3", Some("2022-12-31")), ("15.4", Some("2023-12-07")), ("15.5", Some("2024-12-31")),
        ("15.6", Some("2026-04-30")), ("16.0", Some("2027-10-31")),
    ]},
    Distribution { id: "opensuse-tumbleweed", source: "https://en.opensuse.org/Lifetime", releases: ROLLING },
    Distribution { id: "rhel", source: "https://access.redhat.com/support/policy/updates/errata", releases: &[
        ("5", Some("2017-03-31")), ("6", Some("2020-11-30")), ("7", Some("2024-06-30")), ("8", Some("2029-05-31")),
        ("9", Some("2032-05-31")), ("10", Some("2035-05-31")),
    ]},
    Distribution { id: "rocky", source: "https://wiki.rockylinux.org/rocky/version/", releases: &[
        ("8", Some("2029-05-31")), ("9", Some("2032-05-31")), ("10", Some("2035-05-31")),
    ]},
    Distribution { id: "ubuntu", source: "https://wiki.ubuntu.com/Releases", releases: &[
        ("12.04", Some("2017-04-28")), ("14.04", Some("2019-04-02")), ("16.04", Some("2021-04-02")),
        ("18.04", Some("2023-05-31")), ("20.04", Some("2025-05-31")), ("20.10", Some("2021-07-22")),
        ("21.04", Some("2022-01-20")), ("21.10", Some("2022-07-14")), ("22.04", Some("2027-04-01")),
        ("22.10", Some("2023-07-20")), ("23.04", Some("2024-01-20")), ("23.10", Some("2024-07-12")),
        ("24.04", Some("2029-05-31")), ("24.10", Some("2025-07-10")), ("25.04", Some("2026-01-17")),
        ("25.10", Some("2026-07-01")), ("26.04", Some("2031-04-30")),
    ]},
    Distribution { id: "wolfi", source: "https://github.com/wolfi-dev", releases: ROLLING },
];

/// When the security updates of a release end; none where they do not.
pub(crate) fn ends(id: &str, version: &str) -> Fact<Option<Timestamp>> {
    let unknown = |why: &str| Fact::Unknown(format!("until when {id} {version} is supported {why}"));
    let Some(distribution) = DISTRIBUTIONS.iter().find(|distribution| distribution.id == id) else {
        return unknown("is not known");
    };
    let is_it = |release: &str| {
        let rest = version.strip_prefix(release);
        release.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match distribution.releases.iter().find(|(release, _)| is_it(release)) {
        Some((_, Some(day))) => moment(day).map_or_else(|| unknown("cannot be read"), |end| Fact::Known(Some(end))),
        Some((_, None)) => Fact::Known(None),
        None => unknown(&format!("is not known: {}", distribution.source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_its_own_day() {
        assert!(DISTRIBUTIONS.is_sorted_by_key(|distribution| distribution.id));
        for distribution in &DISTRIBUTIONS {
            assert!(distribution.source.starts_with("https://"), "{}", distribution.id);
            for (release, day) in distribution.releases {
                let expect = day
                    .map(|day| format!("{}T00:00:00Z", day.parse::<jiff::civil::Date>().unwrap().tomorrow().unwrap()));
                let Fact::Known(end) = ends(distribution.id, release) else { panic!("{} {release}", distribution.id) };
                assert_eq!(end.map(|end| end.to_string()), expect, "{} {release}", distribution.id);
            }
        }
    }

    #[test]
    fn a_release_is_told_from_one_that_begins_alike() {
        let day = |id, version| match ends(id, version) {
            Fact::Known(end) => end.map_or("never".to_owned(), |end| end.to_string()[..10].to_owned()),
            _ => "unknown".to_owned(),
        };
        assert_eq!(day("alpine", "3.2.3"), "2017-05-02");
        assert_eq!(day("alpine", "3.20.1"), "2026-04-02");
        assert_eq!(day("alpine", "3.99.0"), "unknown");
        assert_eq!(day("amzn", "2023"), "2029-07-01");
        assert_eq!(day("amzn", "2"), "2026-07-01");
        assert_eq!(day("rhel", "9.4"), "2032-06-01");
        assert_eq!(day("debian", ""), "unknown");
        assert_eq!(day("wolfi", "20230201"), "never");
        assert_eq!(day("nixos", "24.05"), "unknown");
    }
}
