//! Package URLs of packages, by the type definitions of the purl specification.

use sekisho_model::{InvalidPurl, OsRelease, PackageFacts, PackageKind, Purl};

/// The package URL of `package`, found beside the distribution `os`.
///
/// Distribution packages take the distribution's id as namespace and `distro` as qualifier; an epoch
/// stays in the version, where dpkg, apk and the purl specification's own examples have it, but for
/// rpm, whose definition asks for the qualifier `epoch`.
pub fn purl_of(package: &PackageFacts, os: Option<&OsRelease>) -> Result<Purl, InvalidPurl> {
    let kind = package.kind.as_str();
    let arch = package.arch.as_deref().unwrap_or_default();
    let version = package.version.as_str();
    match package.kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm => {
            let distro = os.map(OsRelease::distro).unwrap_or_default();
            let fallback = match package.kind {
                PackageKind::Deb => "debian",
                PackageKind::Apk => "alpine",
                _ => "",
            };
            let namespace = os.map_or(fallback, |os| os.id.as_str());
            let (epoch, version) = match (package.kind, version.split_once(':')) {
                (PackageKind::Rpm, Some((epoch, rest))) => (epoch, rest),
                _ => ("", version),
            };
            let upstream = package.source.as_ref().map_or_else(String::new, |source| {
                if source.name == package.name && source.version == package.version {
                    String::new()
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
        PackageKind::Golang => {
            let (namespace, name) = package.name.rsplit_once('/').unwrap_or(("", &package.name));
            Purl::new(kind, namespace, name, version, &[])
        }
        PackageKind::Pypi | PackageKind::Generic => Purl::new(kind, "", &package.name, version, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_model::SourcePackage;

    fn check(kind: PackageKind, name: &str, version: &str, expect: &str) {
        let os = OsRelease { id: "debian".into(), version_id: "12".into(), ..OsRelease::default() };
        let mut package = PackageFacts::new(kind, name, version);
        if kind.is_os() {
            package.arch = Some("amd64".into());
            package.source = Some(SourcePackage { name: "src".into(), version: version.into() });
        }
        assert_eq!(purl_of(&package, Some(&os)).unwrap().as_str(), expect);
    }

    #[test]
    fn each_kind_has_its_form() {
        check(PackageKind::Deb, "git", "1:2.39", "pkg:deb/debian/git@1:2.39?arch=amd64&distro=debian-12&upstream=src");
        check(
            PackageKind::Rpm,
            "bash",
            "2:5.1-1.el9",
            "pkg:rpm/debian/bash@5.1-1.el9?arch=amd64&distro=debian-12&epoch=2&upstream=src",
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
    }
}
