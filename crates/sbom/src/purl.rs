//! Package URLs of packages, by the type definitions of the purl specification.

use crate::analyzers::embedded::PURL;
use crate::analyzers::lock::SOURCE;
use crate::property::full;
use sekisho_model::{
    InvalidPurl, OsRelease, PackageFacts, PackageKind, Purl, PurlParts, SourcePackage, WORDPRESS_THEME,
};

/// What stands before the organisation of a private package of Hex in its source.
const HEX_ORGANIZATION: &str = "hex+hexpm:";

/// The package URL of `package`, found beside the distribution `os`.
///
/// Distribution packages take the distribution's id as namespace and `distro` as qualifier; an epoch
/// stays in the version, where dpkg, apk and the purl specification's own examples have it, but for
/// rpm, whose definition asks for the qualifier `epoch`. The namespace is the vendor, so that packages of RHEL have
/// `redhat`, as Red Hat's own documents, Trivy and Syft do. A private package of Hex has its organisation as namespace, one
/// of Conan user and channel as qualifiers, and a gem that was built for a platform that. Where an SBOM in an image gave
/// another, it is that.
pub fn purl_of(package: &PackageFacts, os: Option<&OsRelease>) -> Result<Purl, InvalidPurl> {
    if let Ok(stated) = extra(package, PURL).parse() {
        return Ok(stated);
    }
    let kind = package.kind.as_str();
    let arch = package.arch.as_deref().unwrap_or_default();
    let version = package.version.as_str();
    let purl = match package.kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm | PackageKind::Alpm => {
            let distro = os.map(OsRelease::distro).unwrap_or_default();
            let fallback = match package.kind {
                PackageKind::Deb => "debian",
                PackageKind::Apk => "alpine",
                PackageKind::Alpm => "arch",
                _ => "",
            };
            let namespace = match os.map_or(fallback, |os| os.id.as_str()) {
                "rhel" if package.kind == PackageKind::Rpm => "redhat",
                id => id,
            };
            let (epoch, version) = match (package.kind, version.split_once(':')) {
                (PackageKind::Rpm, Some((epoch, rest))) => (epoch, rest),
                _ => ("", version),
            };
            let upstream = package.source.as_ref().map_or_else(String::new, |source| {
                if source.name == package.name && source.version == package.version {
                    String::new()
                } else if package.kind == PackageKind::Rpm && source.version.matches('-').count() == 1 {
                    // As Syft has it, and Grype reads it.
                    format!("{}-{}.src.rpm", source.name, source.version)
                } else if source.version == package.version {
                    source.name.clone()
                } else {
                    format!("{}@{}", source.name, source.version)
                }
            });
            Purl::new(
                kind,
                namespace,
                &package.name,
                version,
                &[("arch", arch), ("distro", &distro), ("epoch", epoch), ("upstream", &upstream)],
            )
        }
        PackageKind::Npm => {
            // The namespace is the scope, and nothing else: any other slash belongs to the name.
            let scoped = package.name.split_once('/').filter(|(scope, name)| {
                scope.strip_prefix('@').is_some_and(|scope| !scope.is_empty()) && !name.is_empty()
            });
            let (namespace, name) = scoped.unwrap_or(("", &package.name));
            Purl::new(kind, namespace, name, version, &[])
        }
        PackageKind::Golang
        | PackageKind::Composer
        | PackageKind::Swift
        | PackageKind::Portage
        | PackageKind::Generic => {
            let (namespace, name) = package.name.rsplit_once('/').unwrap_or(("", &package.name));
            Purl::new(kind, namespace, name, version, &[])
        }
        PackageKind::Maven => {
            let (group, artifact) = package.name.split_once(':').unwrap_or(("", &package.name));
            Purl::new(kind, group, artifact, version, &[])
        }
        PackageKind::Conda => {
            let [build, channel, subdir] = ["build", "channel", "subdir"].map(|key| extra(package, key));
            let qualifiers = [("build", build), ("channel", channel), ("subdir", subdir)];
            Purl::new(kind, "", &package.name, version, &qualifiers)
        }
        PackageKind::Julia => Purl::new(kind, "", &package.name, version, &[("uuid", extra(package, "uuid"))]),
        PackageKind::Gem => Purl::new(kind, "", &package.name, version, &[("platform", extra(package, "platform"))]),
        PackageKind::Conan => {
            let [user, channel] = ["user", "channel"].map(|key| extra(package, key));
            Purl::new(kind, "", &package.name, version, &[("channel", channel), ("user", user)])
        }
        PackageKind::Hex => {
            let organization = extra(package, SOURCE).strip_prefix(HEX_ORGANIZATION).unwrap_or_default();
            Purl::new(kind, organization, &package.name, version, &[])
        }
        PackageKind::Wordpress => {
            let kind = if extra(package, "type") == "theme" { WORDPRESS_THEME } else { kind };
            Purl::new(kind, "", &package.name, version, &[])
        }
        _ => Purl::new(kind, "", &package.name, version, &[]),
    };
    // A type may ask for what the package does not have, such as a vendor.
    purl.or_else(|error| Purl::new("generic", "", &package.name, version, &[]).map_err(|_| error))
}

/// What a package URL says of its package, whoever wrote it: the inverse of [`purl_of`], which also knows how Trivy and
/// Syft write what the type definitions leave open.
///
/// The epoch of a distribution's package may be a qualifier or be in the version. `upstream` is a source package as
/// `name`, `name@version` or the file `name-version-release.src.rpm`; one of a distribution that names no other was built
/// from the source of its own name.
pub fn facts_of(purl: &Purl) -> PackageFacts {
    let PurlParts { kind: written, namespace, name, version, qualifiers, .. } = purl.parts();
    let kind = purl.kind();
    let said = |key: &str| qualifiers.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let joined = |sign: char| if namespace.is_empty() { name.clone() } else { format!("{namespace}{sign}{name}") };
    let name = match kind {
        // Nor is the organisation of Hex, or the user of Conan that Syft puts there, a part of the name.
        PackageKind::Deb
        | PackageKind::Apk
        | PackageKind::Rpm
        | PackageKind::Alpm
        | PackageKind::Conan
        | PackageKind::Hex => name,
        PackageKind::Maven => joined(':'),
        // Some leave out the sign of a scope. Nothing else stands before a name.
        PackageKind::Npm if !namespace.is_empty() && !namespace.starts_with('@') => format!("@{namespace}/{name}"),
        _ => joined('/'),
    };
    let platform = platform_apart(&version).1.or_else(|| said("platform")).filter(|platform| *platform != "ruby");
    let own = match kind {
        PackageKind::Gem => platform.map(|platform| ("platform", platform.to_owned())),
        PackageKind::Wordpress if written == WORDPRESS_THEME => Some(("type", "theme".to_owned())),
        PackageKind::Hex if !namespace.is_empty() => Some((SOURCE, format!("{HEX_ORGANIZATION}{namespace}"))),
        PackageKind::Conan if said("user").is_none() && said("channel").is_some() && !namespace.is_empty() => {
            Some(("user", namespace.clone()))
        }
        _ => None,
    };
    let version = match kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm | PackageKind::Alpm if !version.is_empty() => {
            full(said("epoch"), &version, None)
        }
        PackageKind::Gem => platform_apart(&version).0.to_owned(),
        // The standard library has no module, and Go's releases no `v`.
        PackageKind::Golang if matches!(name.as_str(), "stdlib" | "std") => {
            version.strip_prefix('v').unwrap_or(&version).to_owned()
        }
        _ => version,
    };
    let upstream = said("upstream").filter(|text| !text.is_empty());
    let source = match (kind, upstream) {
        (_, Some(text)) => SourcePackage::of_rpm(text).filter(|_| kind == PackageKind::Rpm).or_else(|| {
            let (name, own) = text.split_once('@').unwrap_or((text, &version));
            Some(SourcePackage { name: name.to_owned(), version: own.to_owned() })
        }),
        (PackageKind::Deb | PackageKind::Apk | PackageKind::Alpm, None) => {
            Some(SourcePackage { name: name.clone(), version: version.clone() })
        }
        _ => None,
    };
    let known = [("build", "build"), ("channel", "channel"), ("subdir", "subdir"), ("uuid", "uuid")];
    let owner = [("channel", "channel"), ("user", "user")];
    let modularity = [("modularity", "modularitylabel"), ("modularity", "rpmmod")];
    let names: &[(&str, &str)] = match kind {
        PackageKind::Conda | PackageKind::Julia => &known,
        PackageKind::Conan => &owner,
        PackageKind::Rpm => &modularity,
        _ => &[],
    };
    let mut extra: Vec<(String, String)> = own.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    for (own, theirs) in names {
        if let Some(value) = said(theirs).filter(|_| extra.iter().all(|(name, _)| name != own)) {
            extra.push(((*own).to_owned(), value.to_owned()));
        }
    }
    extra.sort();
    let arch = said("arch").map(str::to_owned);
    PackageFacts { arch, source, extra, ..PackageFacts::new(kind, name, version) }
}

/// A gem's version, and what it was built for, which Syft writes as lock files do: `1.15.0-x86_64-linux`. RubyGems would
/// take that for a pre-release.
fn platform_apart(version: &str) -> (&str, Option<&str>) {
    const PLATFORMS: [&str; 15] = [
        "aarch64",
        "arm",
        "darwin",
        "dalvik",
        "java",
        "jruby",
        "linux",
        "mingw",
        "mswin",
        "powerpc",
        "ruby",
        "universal",
        "wasm",
        "x64",
        "x86",
    ];
    match version.split_once('-') {
        Some((version, platform)) if PLATFORMS.iter().any(|known| platform.starts_with(known)) => {
            (version, Some(platform))
        }
        _ => (version, None),
    }
}

fn extra<'a>(package: &'a PackageFacts, key: &str) -> &'a str {
    package.extra.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gem_is_of_its_version_whatever_it_was_built_for() {
        for (version, expect, platform) in [
            ("1.15.0-java", "1.15.0", "java"),
            ("1.15.0?platform=java", "1.15.0", "java"),
            ("1.15.0?platform=ruby", "1.15.0", ""),
            ("1.15.0-x86_64-linux-gnu", "1.15.0", "x86_64-linux-gnu"),
            ("1.16.2-arm64-darwin", "1.16.2", "arm64-darwin"),
            ("1.0.0-rc1", "1.0.0-rc1", ""),
            ("2.0.0.pre", "2.0.0.pre", ""),
        ] {
            let purl: Purl = format!("pkg:gem/nokogiri@{version}").parse().unwrap();
            let facts = facts_of(&purl);
            assert_eq!((facts.version.as_str(), extra(&facts, "platform")), (expect, platform));
        }
    }

    /// What tells two packages of one name apart is in the package URL, and never in the name that advisories have.
    #[test]
    fn whose_a_package_is_and_what_it_was_built_for_goes_there_and_back() {
        for (kind, name, extra, expect) in [
            (PackageKind::Gem, "nokogiri", vec![("platform", "x86_64-linux")], "gem/nokogiri@1?platform=x86_64-linux"),
            (PackageKind::Gem, "rake", vec![], "gem/rake@1"),
            (
                PackageKind::Conan,
                "zlib",
                vec![("channel", "stable"), ("user", "acme")],
                "conan/zlib@1?channel=stable&user=acme",
            ),
            (PackageKind::Conan, "zlib", vec![], "conan/zlib@1"),
            (PackageKind::Hex, "phoenix", vec![("source", "hex+hexpm:acme")], "hex/acme/phoenix@1"),
            (PackageKind::Hex, "phoenix", vec![], "hex/phoenix@1"),
            (PackageKind::Wordpress, "astra", vec![("type", "theme")], "wordpress-theme/astra@1"),
            (PackageKind::Wordpress, "v/t", vec![("type", "theme")], "wordpress-theme/v%2Ft@1"),
            (PackageKind::Wordpress, "astra", vec![], "wordpress-plugin/astra@1"),
        ] {
            let extra = extra.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let package = PackageFacts { extra, ..PackageFacts::new(kind, name, "1") };
            let purl = purl_of(&package, None).unwrap();
            assert_eq!(purl.as_str(), format!("pkg:{expect}"));
            assert_eq!(purl.kind(), kind);
            assert_eq!(facts_of(&purl), package, "{expect}");
        }
        // A registry of one's own has no address in the lock file.
        let extra = vec![("source".to_owned(), "hex+acme".to_owned())];
        let package = PackageFacts { extra, ..PackageFacts::new(PackageKind::Hex, "p", "1") };
        assert_eq!(purl_of(&package, None).unwrap().as_str(), "pkg:hex/p@1");
        // As Syft writes it.
        let facts = facts_of(&"pkg:conan/acme/zlib@1?channel=stable".parse().unwrap());
        assert_eq!((facts.name.as_str(), extra_of(&facts)), ("zlib", "channel=stable user=acme".to_owned()));
        let facts = facts_of(&"pkg:conan/openssl.org/openssl@3?channel=stable&user=bincrafters".parse().unwrap());
        assert_eq!((facts.name.as_str(), extra_of(&facts)), ("openssl", "channel=stable user=bincrafters".to_owned()));
    }

    fn extra_of(facts: &PackageFacts) -> String {
        facts.extra.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn packages_of_rhel_are_red_hats() {
        let os = OsRelease { id: "rhel".into(), version_id: "9.4".into(), ..OsRelease::default() };
        let package = PackageFacts::new(PackageKind::Rpm, "bash", "5.1.8-9.el9");
        let purl = purl_of(&package, Some(&os)).unwrap();
        assert_eq!(purl.as_str(), "pkg:rpm/redhat/bash@5.1.8-9.el9?distro=rhel-9.4");
        assert_eq!(purl.parts().distribution(), Some(("rhel", "9.4")));
    }

    fn check(kind: PackageKind, name: &str, version: &str, expect: &str) {
        let os = OsRelease { id: "debian".into(), version_id: "12".into(), ..OsRelease::default() };
        let mut package = PackageFacts::new(kind, name, version);
        if kind.is_os() {
            package.arch = Some("amd64".into());
            // No source package of rpm has an epoch.
            let version = if kind == PackageKind::Rpm { version.trim_start_matches("2:") } else { version };
            package.source = Some(SourcePackage { name: "src".into(), version: version.into() });
        }
        assert_eq!(purl_of(&package, Some(&os)).unwrap().as_str(), expect);
    }

    #[test]
    fn what_a_type_asks_for_is_taken_from_what_is_known_besides() {
        let with = |kind, name: &str, extra: &[(&str, &str)]| {
            let extra = extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let package = PackageFacts { extra, ..PackageFacts::new(kind, name, "1") };
            purl_of(&package, None).unwrap().as_str().to_owned()
        };
        let conda = [("build", "py39_0"), ("channel", "main"), ("subdir", "linux-64")];
        let expect = "pkg:conda/absl-py@1?build=py39_0&channel=main&subdir=linux-64";
        assert_eq!(with(PackageKind::Conda, "absl-py", &conda), expect);
        let julia = [("uuid", "682c06a0-de6a-54ab-a142-c8b1cf79cde6")];
        let expect = "pkg:julia/JSON@1?uuid=682c06a0-de6a-54ab-a142-c8b1cf79cde6";
        assert_eq!(with(PackageKind::Julia, "JSON", &julia), expect);
    }

    /// As Trivy 0.59 and Syft 1.18 write the packages of the same images.
    #[test]
    fn dialects_say_the_same() {
        let check = |same: &[&str], name: &str, version: &str, source: Option<(&str, &str)>| {
            for text in same {
                let facts = facts_of(&text.parse().unwrap());
                let built = facts.source.as_ref().map(|source| (source.name.as_str(), source.version.as_str()));
                assert_eq!((facts.name.as_str(), facts.version.as_str(), built), (name, version, source), "{text}");
            }
        };
        check(
            &[
                "pkg:deb/debian/git@2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12.5&epoch=1",
                "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u3?arch=amd64&distro=debian-12",
                "pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u3?epoch=1",
            ],
            "git",
            "1:2.39.5-0+deb12u3",
            Some(("git", "1:2.39.5-0+deb12u3")),
        );
        check(
            &["pkg:deb/debian/bash@5.2.15-2%2Bb8?upstream=bash%405.2.15-2"],
            "bash",
            "5.2.15-2+b8",
            Some(("bash", "5.2.15-2")),
        );
        check(
            &["pkg:rpm/redhat/libuuid@2.32.1-42.el8_8?epoch=1&upstream=util-linux-2.32.1-42.el8_8.src.rpm"],
            "libuuid",
            "1:2.32.1-42.el8_8",
            Some(("util-linux", "2.32.1-42.el8_8")),
        );
        check(&["pkg:rpm/redhat/bash@5.1-1.el9?epoch=0"], "bash", "5.1-1.el9", None);
        check(&["pkg:npm/%40babel/core@7.24.0", "pkg:npm/babel/core@7.24.0"], "@babel/core", "7.24.0", None);
        check(&["pkg:maven/org.slf4j/slf4j-api@2.0.9"], "org.slf4j:slf4j-api", "2.0.9", None);
        check(&["pkg:golang/golang.org/x/net@v0.1.0"], "golang.org/x/net", "v0.1.0", None);
        check(&["pkg:golang/std@v1.22.3"], "std", "1.22.3", None);
        check(&["pkg:golang/stdlib@1.22.3", "pkg:golang/stdlib@v1.22.3"], "stdlib", "1.22.3", None);
    }

    #[test]
    fn each_kind_has_its_form() {
        check(PackageKind::Deb, "git", "1:2.39", "pkg:deb/debian/git@1:2.39?arch=amd64&distro=debian-12&upstream=src");
        check(
            PackageKind::Rpm,
            "bash",
            "2:5.1-1.el9",
            "pkg:rpm/debian/bash@5.1-1.el9?arch=amd64&distro=debian-12&epoch=2&upstream=src-5.1-1.el9.src.rpm",
        );
        check(PackageKind::Npm, "@babel/core", "7.1.0", "pkg:npm/%40babel/core@7.1.0");
        check(PackageKind::Npm, "JSONStream", "1.3.5", "pkg:npm/JSONStream@1.3.5");
        check(PackageKind::Npm, "@Sc/Pkg", "1.0.0", "pkg:npm/%40Sc/Pkg@1.0.0");
        check(PackageKind::Npm, "a/b/c", "1.0.0", "pkg:npm/a%2Fb%2Fc@1.0.0");
        check(PackageKind::Npm, "@a/b/c", "1.0.0", "pkg:npm/%40a/b%2Fc@1.0.0");
        check(PackageKind::Npm, "@/b", "1.0.0", "pkg:npm/%40%2Fb@1.0.0");
        check(PackageKind::Npm, "X Y", "1/2", "pkg:npm/X%20Y@1%2F2");
        check(PackageKind::Golang, "golang.org/x/net", "v0.1.0", "pkg:golang/golang.org/x/net@v0.1.0");
        check(PackageKind::Pypi, "Foo_Bar", "1.0", "pkg:pypi/foo-bar@1.0");
        check(PackageKind::Maven, "org.slf4j:slf4j-api", "2.0.9", "pkg:maven/org.slf4j/slf4j-api@2.0.9");
        check(PackageKind::Maven, "guava", "33", "pkg:maven/guava@33");
        check(PackageKind::Composer, "Symfony/Console", "v7.0.1", "pkg:composer/symfony/console@v7.0.1");
        check(PackageKind::Composer, "console", "1", "pkg:generic/console@1");
        check(PackageKind::Swift, "github.com/apple/swift-nio", "2.1", "pkg:swift/github.com/apple/swift-nio@2.1");
        check(PackageKind::Julia, "JSON", "0.21.4", "pkg:generic/JSON@0.21.4");
        check(PackageKind::Portage, "app-shells/bash", "5.2_p26", "pkg:ebuild/app-shells/bash@5.2_p26");
        check(
            PackageKind::Alpm,
            "bash",
            "5.2-1",
            "pkg:alpm/debian/bash@5.2-1?arch=amd64&distro=debian-12&upstream=src",
        );
        check(PackageKind::Wordpress, "akismet", "5.3", "pkg:wordpress-plugin/akismet@5.3");
    }
}
