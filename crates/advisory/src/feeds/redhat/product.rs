//! Which package of which release a product of a document's tree is.
//!
//! A status names a relationship: *component as a component of platform*, or *of module*, which in turn is a component
//! of a platform. The platform's CPE is the release; the component's package URL, or in older documents its name, is
//! the package.

use crate::csaf::{Branch, Product, Tree};
use crate::feeds::text::is_short;
use crate::record::SOURCE_ARCH;
use sekisho_model::percent_decoded;
use std::borrow::Cow;
use std::collections::HashMap;

/// How many relationships lead from a component to its platform at most; there are two where there is a module.
const STEPS: usize = 4;

/// An rpm package of a release.
#[derive(Debug)]
pub(super) struct Component<'t> {
    /// The platform's CPE without `cpe:/o:redhat:`.
    pub(super) release: &'t str,
    /// `nodejs:18`; empty outside modules.
    pub(super) module: Cow<'t, str>,
    pub(super) name: Cow<'t, str>,
    /// Epoch, version and release; empty where all are meant.
    pub(super) version: Cow<'t, str>,
    /// `src` where it is a source package.
    pub(super) arch: Cow<'t, str>,
}

/// The package that a product is, whatever the release.
#[derive(Debug, Default, PartialEq, Eq)]
struct Package<'t> {
    module: Cow<'t, str>,
    name: Cow<'t, str>,
    version: Cow<'t, str>,
    arch: Cow<'t, str>,
}

/// The components of a document, by the id under which statuses name them.
pub(super) struct Products<'t>(HashMap<&'t str, Component<'t>>);

impl<'t> Products<'t> {
    pub(super) fn of(tree: &'t Tree<'_>) -> Self {
        let mut products: HashMap<&str, &Product<'_>> = HashMap::new();
        products.extend(tree.full_product_names.iter().map(|product| (&*product.product_id, product)));
        let mut branches: Vec<&Branch<'_>> = tree.branches.iter().collect();
        while let Some(branch) = branches.pop() {
            products.extend(branch.product.iter().map(|product| (&*product.product_id, product)));
            branches.extend(&branch.branches);
        }
        // By the id of the whole: the component and what it relates to.
        let parts: HashMap<&str, (&str, &str)> = tree
            .relationships
            .iter()
            .map(|it| (&*it.full_product_name.product_id, (&*it.product_reference, &*it.relates_to)))
            .collect();
        let component = |id: &str| -> Option<Component<'t>> {
            let (part, mut whole) = *parts.get(id)?;
            let package = package(part, products.get(part).copied())?;
            let mut module = package.module;
            for _ in 0..STEPS {
                let Some((part, above)) = parts.get(whole) else { break };
                if module.is_empty() {
                    module = module_of(part);
                }
                whole = above;
            }
            let release = products.get(whole)?.helper.cpe.as_deref().map_or(whole, release);
            let texts = [release, &*module, &*package.name, &*package.version, &*package.arch];
            if package.name.is_empty() || !texts.into_iter().all(is_short) {
                return None;
            }
            Some(Component { release, module, name: package.name, version: package.version, arch: package.arch })
        };
        Self(parts.keys().filter_map(|id| Some((*id, component(id)?))).collect())
    }

    /// What the product with this id is; none where it is no rpm package of a release.
    pub(super) fn component(&self, id: &str) -> Option<&Component<'t>> {
        self.0.get(id)
    }
}

/// The part of Red Hat's CPEs that differs: `enterprise_linux:9::appstream`.
fn release(cpe: &str) -> &str {
    let rest = cpe.strip_prefix("cpe:/").and_then(|rest| rest.split_once(':')).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.strip_prefix("redhat:")).unwrap_or(cpe)
}

/// Name and stream of a module's full name, which goes on with version and context.
fn module_of(id: &str) -> Cow<'_, str> {
    let colon = id.match_indices(':').nth(1).map_or(id.len(), |(at, _)| at);
    Cow::Borrowed(if id.contains(':') { &id[..colon] } else { "" })
}

fn package<'t>(id: &'t str, product: Option<&'t Product<'_>>) -> Option<Package<'t>> {
    match product.and_then(|product| product.helper.purl.as_deref()) {
        Some(purl) => by_purl(purl),
        None => by_name(id),
    }
}

/// `pkg:rpm/redhat/NAME@VERSION?arch=…&epoch=…&rpmmod=…`, or `pkg:rpmmod/redhat/MODULE@STREAM/NAME`.
fn by_purl(purl: &str) -> Option<Package<'_>> {
    let rest = purl.strip_prefix("pkg:")?;
    let (kind, rest) = rest.split_once('/')?;
    let rest = rest.split('#').next()?;
    let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let qualifier = |key: &str| {
        let found = qualifiers.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        percent_decoded(found.unwrap_or_default())
    };
    let path = path.strip_prefix("redhat/")?;
    let (name, version) = path.split_once('@').unwrap_or((path, ""));
    let (name, version) = (percent_decoded(name), percent_decoded(version));
    if name.is_empty() {
        return None;
    }
    match kind {
        "rpm" => {
            let epoch = qualifier("epoch");
            let version = match &*epoch {
                "" | "0" => version,
                _ if version.is_empty() => version,
                epoch => Cow::Owned(format!("{epoch}:{version}")),
            };
            let module = match qualifier("rpmmod") {
                Cow::Borrowed(module) => module_of(module),
                Cow::Owned(module) => Cow::Owned(module_of(&module).into_owned()),
            };
            Some(Package { module, name, version, arch: qualifier("arch") })
        }
        "rpmmod" => {
            let (stream, component) = version.split_once('/')?;
            let stream = stream.split(':').next()?;
            let module = Cow::Owned(format!("{name}:{stream}"));
            let name = Cow::Owned(component.to_owned());
            Some(Package { module, name, arch: Cow::Borrowed(SOURCE_ARCH), ..Package::default() })
        }
        _ => None,
    }
}

/// `NAME-EPOCH:VERSION-RELEASE.ARCH`, `MODULE:STREAM/NAME`, or the name of a source package.
fn by_name(id: &str) -> Option<Package<'_>> {
    let source = |module, name| {
        let (module, name) = (Cow::Borrowed(module), Cow::Borrowed(name));
        Package { module, name, version: Cow::Borrowed(""), arch: Cow::Borrowed(SOURCE_ARCH) }
    };
    if let Some((module, name)) = id.split_once('/') {
        // A slash without a module is in the names of containers.
        return (module.contains(':') && !name.contains('/')).then(|| source(module, name));
    }
    let build = || {
        let (rest, arch) = id.rsplit_once('.')?;
        let (rest, release) = rest.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let (epoch, number) = version.split_once(':')?;
        let from = if epoch == "0" { id.len() - arch.len() - release.len() - number.len() - 2 } else { name.len() + 1 };
        let version = id.get(from..id.len() - arch.len() - 1)?;
        let is_epoch = epoch.bytes().all(|byte| byte.is_ascii_digit());
        let [name, version, arch] = [name, version, arch].map(Cow::Borrowed);
        is_epoch.then_some(Package { module: Cow::Borrowed(""), name, version, arch })
    };
    build().or_else(|| (!id.is_empty() && !id.contains(':')).then(|| source("", id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: Option<Package<'_>>, expected: Option<[&str; 4]>) {
        let found = found.map(|it| [it.module, it.name, it.version, it.arch].map(Cow::into_owned));
        assert_eq!(found, expected.map(|it| it.map(str::to_owned)));
    }

    #[test]
    fn package_urls() {
        check(
            by_purl("pkg:rpm/redhat/samba-client@4.15.5-111.el9_0?arch=aarch64"),
            Some(["", "samba-client", "4.15.5-111.el9_0", "aarch64"]),
        );
        check(
            by_purl("pkg:rpm/redhat/a@12.20-1.module%2Bel8.6.0%2B22262?arch=noarch&epoch=1"),
            Some(["", "a", "1:12.20-1.module+el8.6.0+22262", "noarch"]),
        );
        check(
            by_purl("pkg:rpm/redhat/nodejs@18.1-1?arch=src&rpmmod=nodejs%3A18%3A8100%3Aab"),
            Some(["nodejs:18", "nodejs", "18.1-1", "src"]),
        );
        // Not a module and a stream, though it stands where one should.
        check(
            by_purl("pkg:rpm/redhat/firefox-flatpak?arch=src&rpmmod=rhel10"),
            Some(["", "firefox-flatpak", "", "src"]),
        );
        check(by_purl("pkg:rpmmod/redhat/postgresql@12/postgresql"), Some(["postgresql:12", "postgresql", "", "src"]));
        check(by_purl("pkg:rpmmod/redhat/postgresql@12:8060:ad"), None);
        check(by_purl("pkg:oci/ubi8@sha256%3Aab?arch=amd64"), None);
        check(by_purl("pkg:rpm/redhat/?arch=src"), None);
    }

    #[test]
    fn names() {
        check(by_name("samba"), Some(["", "samba", "", "src"]));
        check(by_name("samba-libs-0:4.15.5-111.el9_0.s390x"), Some(["", "samba-libs", "4.15.5-111.el9_0", "s390x"]));
        check(by_name("bind-32:9.11.36-8.el8.x86_64"), Some(["", "bind", "32:9.11.36-8.el8", "x86_64"]));
        check(by_name("nodejs:18/nodejs"), Some(["nodejs:18", "nodejs", "", "src"]));
        check(by_name("openshift4/ose-cli"), None);
        check(by_name("nodejs:18:8100:ab"), None);
        check(by_name(""), None);
    }

    #[test]
    fn releases() {
        assert_eq!(release("cpe:/a:redhat:enterprise_linux:9::appstream"), "enterprise_linux:9::appstream");
        assert_eq!(release("cpe:/o:redhat:rhel_eus:9.0::baseos"), "rhel_eus:9.0::baseos");
        assert_eq!(release("cpe:/o:suse:sles:15"), "cpe:/o:suse:sles:15");
        assert_eq!(module_of("postgresql:15:8100020240814101911:489197e6"), "postgresql:15");
        assert_eq!(module_of("rhel10"), "");
    }
}
