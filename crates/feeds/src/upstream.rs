//! Where advisories are published: the one table of what `db update` knows to fetch.
//!
//! Addresses are from public record, named beside each. What publishes no archive at an address that stays is not here
//! and is imported from a clone or a copy: `RustSec`, `PyPA` and `RubySec` (Git repositories; what osv.dev has of the
//! first two is in its archives), Canonical's own OSV archive (xz, which is not read; osv.dev has the same records) and
//! SUSE's directory of single files (likewise). Debian and Alpine are taken from their trackers, which also say what
//! is not affected and what is not fixed, and not a second time from osv.dev.

use sekisho_advisory::ecosystem::Ecosystem;

/// A publisher, or a part of what it publishes, that is fetched and taken as a whole.
#[derive(Debug)]
pub struct Upstream {
    /// What it is called: in commands, in settings (`feeds.NAME`), and as the source of what is taken from it.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// The feeds that its files are read as, by [`sekisho_advisory::feeds::Feed::id`].
    pub feeds: &'static [&'static str],
    /// Where it is. `{year}` stands for each year from [`FIRST_YEAR`] on, `{release}` for each of [`ALPINE`].
    pub urls: &'static [&'static str],
    /// Whether it is fetched unless the configuration says otherwise.
    pub on: bool,
}

/// The first year that yearly files are fetched of: that of NVD's first, which holds all that is older.
pub const FIRST_YEAR: i16 = 2002;

/// Releases of Alpine that are fetched: <https://alpinelinux.org/releases/>.
pub const ALPINE: &[&str] =
    &["v3.14", "v3.15", "v3.16", "v3.17", "v3.18", "v3.19", "v3.20", "v3.21", "v3.22", "v3.23", "v3.24", "edge"];

/// Ecosystems of which the advisories may not be handed on (Chainguard's terms: not commercially, nothing derived).
pub const RESTRICTED: &[Ecosystem] = &[Ecosystem::Chainguard, Ecosystem::Wolfi];

/// One of osv.dev's archives, one for each ecosystem: <https://google.github.io/osv.dev/data/#data-dumps>; that the
/// ecosystem has one: the list on <https://osv.dev/list>.
macro_rules! osv {
    ($name:literal, $title:literal, [$($feed:literal),+], $place:literal, $on:literal) => {
        Upstream {
            name: $name,
            title: $title,
            feeds: &[$($feed),+],
            urls: &[concat!("https://osv-vulnerabilities.storage.googleapis.com/", $place, "/all.zip")],
            on: $on,
        }
    };
}

/// Every upstream, by name.
pub static UPSTREAMS: &[Upstream] = &[
    osv!("almalinux", "AlmaLinux errata", ["almalinux"], "AlmaLinux", true),
    Upstream {
        name: "alpine",
        title: "Alpine secdb",
        feeds: &["alpine"],
        // https://secdb.alpinelinux.org/ lists releases and repositories.
        urls: &[
            "https://secdb.alpinelinux.org/{release}/main.json",
            "https://secdb.alpinelinux.org/{release}/community.json",
        ],
        on: true,
    },
    Upstream {
        name: "amazon",
        title: "Amazon Linux 2 and 2023 updateinfo",
        feeds: &["amazon"],
        // https://github.com/aquasecurity/vuln-list-update, amazon/amazon.go
        urls: &[
            "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list",
            "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list",
        ],
        on: true,
    },
    osv!("azure_linux", "Azure Linux", ["osv"], "Azure%20Linux", false),
    osv!("bitnami", "Bitnami", ["osv"], "Bitnami", false),
    osv!("chainguard", "Chainguard", ["osv"], "Chainguard", false),
    osv!("cran", "R packages of CRAN", ["osv"], "CRAN", true),
    osv!("crates_io", "Rust crates", ["osv", "ghsa"], "crates.io", true),
    Upstream {
        name: "debian",
        title: "Debian security tracker",
        feeds: &["debian"],
        // https://security-tracker.debian.org/tracker/ links it as "All information in JSON format".
        urls: &["https://security-tracker.debian.org/tracker/data/json"],
        on: true,
    },
    Upstream {
        name: "epss",
        title: "Likelihood of exploitation (EPSS)",
        feeds: &["epss"],
        // https://www.first.org/epss/data_stats links the current scores.
        urls: &["https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"],
        on: true,
    },
    osv!("github_actions", "GitHub Actions", ["ghsa"], "GitHub%20Actions", true),
    osv!("go", "Go modules", ["go", "ghsa"], "Go", true),
    osv!("hackage", "Haskell packages", ["osv"], "Hackage", true),
    osv!("hex", "Erlang and Elixir packages", ["osv", "ghsa"], "Hex", true),
    Upstream {
        name: "jvn",
        title: "JVN iPedia, titles in Japanese",
        feeds: &["jvn"],
        // https://github.com/vulsio/go-cve-dictionary, fetcher/jvn/jvn.go
        urls: &["https://jvndb.jvn.jp/ja/rss/years/jvndb_{year}.rdf"],
        on: true,
    },
    Upstream {
        name: "kev",
        title: "Known exploited vulnerabilities (CISA)",
        feeds: &["kev"],
        // https://www.cisa.gov/known-exploited-vulnerabilities-catalog offers it as JSON.
        urls: &["https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"],
        on: true,
    },
    osv!("mageia", "Mageia", ["osv"], "Mageia", false),
    osv!("maven", "Java packages", ["osv", "ghsa"], "Maven", true),
    osv!("minimos", "MinimOS", ["osv"], "MinimOS", false),
    osv!("npm", "JavaScript packages", ["osv", "ghsa"], "npm", true),
    osv!("nuget", ".NET packages", ["osv", "ghsa"], "NuGet", true),
    Upstream {
        name: "nvd",
        title: "NVD, descriptions and ratings",
        feeds: &["nvd"],
        // https://nvd.nist.gov/vuln/data-feeds, "JSON 2.0 Feeds". The one of what was modified holds nothing that the
        // yearly ones do not have a day later.
        urls: &["https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-{year}.json.gz"],
        on: true,
    },
    osv!("openeuler", "openEuler", ["osv"], "openEuler", false),
    osv!("opensuse", "openSUSE updates", ["suse"], "openSUSE", true),
    osv!("packagist", "PHP packages", ["osv", "ghsa"], "Packagist", true),
    osv!("pub_dev", "Dart packages", ["osv", "ghsa"], "Pub", true),
    osv!("pypi", "Python packages", ["osv", "ghsa"], "PyPI", true),
    Upstream {
        name: "redhat",
        title: "Red Hat VEX",
        feeds: &["redhat"],
        // https://github.com/anchore/vunnel, src/vunnel/providers/rhel/csaf_parser.py; the file names the archive.
        urls: &["https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt"],
        on: true,
    },
    osv!("rocky", "Rocky Linux errata", ["rocky"], "Rocky%20Linux", true),
    osv!("rubygems", "Ruby gems", ["osv", "ghsa"], "RubyGems", true),
    osv!("suse", "SUSE updates", ["suse"], "SUSE", true),
    osv!("swift", "Swift packages", ["osv", "ghsa"], "SwiftURL", true),
    osv!("ubuntu", "Ubuntu CVEs and notices", ["ubuntu"], "Ubuntu", true),
    osv!("wolfi", "Wolfi", ["osv"], "Wolfi", false),
];

impl Upstream {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        UPSTREAMS.iter().find(|upstream| upstream.name == name)
    }

    /// The terms of what is taken from it, of all its feeds.
    pub fn licence(&self) -> String {
        let mut terms: Vec<&str> =
            self.feeds.iter().filter_map(|id| sekisho_advisory::feeds::feed(id)).map(|feed| feed.licence).collect();
        terms.dedup();
        if RESTRICTED.iter().any(|ecosystem| ecosystem.as_str().eq_ignore_ascii_case(self.name)) {
            terms.push("not to be handed on");
        }
        terms.join("; ")
    }
}

/// The addresses that `urls` stand for in this year, each with whether it is one of several that a pattern stands for.
pub fn addresses(urls: &[String], year: i16) -> Vec<(String, bool)> {
    let years: Vec<String> = (FIRST_YEAR..=year).map(|year| year.to_string()).collect();
    let releases: Vec<String> = ALPINE.iter().map(|release| (*release).to_owned()).collect();
    let mut all = Vec::new();
    for url in urls {
        let pattern = [("{year}", &years), ("{release}", &releases)].into_iter().find(|(word, _)| url.contains(word));
        match pattern {
            Some((word, values)) => all.extend(values.iter().map(|value| (url.replace(word, value), true))),
            None => all.push((url.clone(), false)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_advisory::feeds::feed;

    #[test]
    fn the_table_is_sound() {
        assert!(UPSTREAMS.is_sorted_by_key(|upstream| upstream.name));
        let mut seen = std::collections::BTreeSet::new();
        for Upstream { name, feeds, urls, .. } in UPSTREAMS {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(feeds.iter().all(|id| feed(id).is_some()), "{name}: {feeds:?}");
            for url in *urls {
                assert!(url.starts_with("https://") && seen.insert(url), "{name}: {url}");
            }
        }
    }

    #[test]
    fn what_may_not_be_handed_on_says_so() {
        let restricted = UPSTREAMS.iter().filter(|upstream| upstream.licence().contains("not to be handed on"));
        assert_eq!(restricted.map(|upstream| upstream.name).collect::<Vec<_>>(), ["chainguard", "wolfi"]);
    }

    #[test]
    fn patterns_stand_for_one_address_each() {
        let urls = ["https://x/{year}.json".to_owned(), "https://x/y".to_owned(), "https://x/{release}/a".to_owned()];
        let all = addresses(&urls, 2004);
        assert_eq!(
            all[..3].iter().map(|(url, _)| url.as_str()).collect::<Vec<_>>(),
            ["https://x/2002.json", "https://x/2003.json", "https://x/2004.json"]
        );
        assert_eq!(all[3], ("https://x/y".to_owned(), false));
        assert_eq!(all[4], ("https://x/v3.14/a".to_owned(), true));
        assert_eq!(all.len(), 4 + ALPINE.len());
    }
}
