//! What an archive is that has no Maven metadata of its own: told from its manifest and its name, and only as far as
//! these say it.
//!
//! A group that is wrong matches the advisories of another package, so one is only taken where
//!
//! - the archive holds the classes of a well-known artifact under its own name;
//! - `Bundle-SymbolicName` is what bnd makes of group and artifact (`getBundleSymbolicName` in maven-bundle-plugin's
//!   `DefaultMaven2OsgiConverter`: group and artifact joined by a dot, or the artifact's first word merged with the
//!   group's last), and the artifact is named elsewhere too;
//! - `Implementation-Vendor-Id` names it, as Maven's archiver writes it.
//!
//! Else the package is listed without a group.

use super::manifest::Manifest;
use super::properties::is_coordinate;
use sekisho_model::{Evidence, PackageFacts, PackageKind};
use std::collections::HashSet;

/// Directories in which an archive has classes, of up to four names.
#[derive(Debug, Default)]
pub(super) struct Roots(HashSet<String>);

impl Roots {
    /// More are not kept: what is looked for lies near the top of most entries.
    const MAX: usize = 512;

    /// Takes note of an entry.
    pub(super) fn add(&mut self, name: &str) {
        if name.rsplit_once('.').is_none_or(|(_, extension)| extension != "class") {
            return;
        }
        for (end, _) in name.match_indices('/').take(4) {
            let directory = &name[..end];
            if self.0.len() < Self::MAX && directory.len() <= 256 && !self.0.contains(directory) {
                self.0.insert(directory.to_owned());
            }
        }
    }
}

/// The name of a file as `artifact-version.extension`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// Without the extension.
    pub(super) stem: &'a str,
    pub(super) artifact: &'a str,
    pub(super) version: Option<&'a str>,
}

/// What builds add behind the version for further archives of the same project.
const CLASSIFIERS: &[&str] = &[
    "-jar-with-dependencies",
    "-with-dependencies",
    "-sources",
    "-javadoc",
    "-tests",
    "-shaded",
    "-all",
    "-standalone",
];

impl<'a> FileName<'a> {
    pub(super) fn parse(path: &'a str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let plain = CLASSIFIERS.iter().find_map(|classifier| stem.strip_suffix(classifier)).unwrap_or(stem);
        let digit = |at: usize| plain.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
        // The last word that begins with a digit, and those right before it: `log4j-1.2-api-2.19.0`, `scala-2.11.12-5`.
        let mut split = None;
        for (at, _) in plain.rmatch_indices('-') {
            match split {
                _ if digit(at) && at > 0 => split = Some(at),
                Some(_) => break,
                None => {}
            }
        }
        let is_known = |version: &&str| is_version(version) && version.rsplit('.').next() != Some("x");
        match split {
            Some(at) => Self { stem, artifact: &plain[..at], version: Some(&plain[at + 1..]).filter(is_known) },
            None => Self { stem, artifact: plain, version: None },
        }
    }
}

/// Whether a text is taken for a version.
pub(super) fn is_version(text: &str) -> bool {
    is_coordinate(text) && text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_digit())
}

/// The first word, if it is a version: `26.9.27` of `26.9.27 (c6ba02c)`.
fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace().next().filter(|word| is_version(word))
}

/// Whether a text looks like an artifact's name.
fn is_artifact(text: &str) -> bool {
    is_coordinate(text) && text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether it can be nothing else: words in lower case joined by hyphens.
fn is_surely_artifact(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
    is_artifact(text) && text.contains('-') && text.chars().all(word)
}

/// Whether a text is a group of at least two words.
fn is_group(text: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_coordinate(text) && text.contains('.') && text.split('.').all(word)
}

/// Domains below which every project is a group of its own.
const UMBRELLAS: &[&str] = &["org.apache", "org.eclipse"];

/// The group that makes `symbolic` of `artifact`.
fn group_of(symbolic: &str, artifact: &str) -> Option<String> {
    // org.freemarker.freemarker; a word that is there once may be the group's last or the artifact.
    let doubled = symbolic.strip_suffix(artifact).and_then(|head| head.strip_suffix('.'));
    if let Some(group) = doubled.filter(|group| group.rsplit('.').next() == Some(artifact) && is_group(group)) {
        return Some(group.to_owned());
    }
    let (first, rest) = artifact.split_once(['-', '.', '_'])?;
    // org.eclipse.jetty.http of org.eclipse.jetty and jetty-http
    let merged = symbolic.strip_suffix(rest).and_then(|group| group.strip_suffix('.'));
    if let Some(group) = merged.filter(|group| group.rsplit('.').next() == Some(first)) {
        return Some(group.to_owned()).filter(|group| is_group(group));
    }
    let head = symbolic.strip_suffix(artifact)?.strip_suffix('.')?;
    // org.apache.tomcat-coyote of org.apache.tomcat and tomcat-coyote; else as com.fasterxml.jackson.core.jackson-core
    let group = if UMBRELLAS.contains(&head) { format!("{head}.{first}") } else { head.to_owned() };
    Some(group).filter(|group| is_group(group))
}

/// Artifacts without Maven metadata that are in wide use: the name, or its beginning where it ends in a hyphen, a
/// directory of its classes, and the group. The first that fits holds.
const WELL_KNOWN: &[(&str, &str, &str)] = &[
    ("ant", "org/apache/tools/ant", "org.apache.ant"),
    ("ant-", "org/apache/tools/ant", "org.apache.ant"),
    ("asm", "org/objectweb/asm", "org.ow2.asm"),
    ("asm-", "org/objectweb/asm", "org.ow2.asm"),
    ("bcpg-", "org/bouncycastle", "org.bouncycastle"),
    ("bcpkix-", "org/bouncycastle", "org.bouncycastle"),
    ("bcprov-", "org/bouncycastle", "org.bouncycastle"),
    ("commons-beanutils", "org/apache/commons/beanutils", "commons-beanutils"),
    ("commons-cli", "org/apache/commons/cli", "commons-cli"),
    ("commons-codec", "org/apache/commons/codec", "commons-codec"),
    ("commons-collections", "org/apache/commons/collections", "commons-collections"),
    ("commons-configuration", "org/apache/commons/configuration", "commons-configuration"),
    ("commons-dbcp", "org/apache/commons/dbcp", "commons-dbcp"),
    ("commons-digester", "org/apache/commons/digester", "commons-digester"),
    ("commons-fileupload", "org/apache/commons/fileupload", "commons-fileupload"),
    ("commons-httpclient", "org/apache/commons/httpclient", "commons-httpclient"),
    ("commons-io", "org/apache/commons/io", "commons-io"),
    ("commons-jxpath", "org/apache/commons/jxpath", "commons-jxpath"),
    ("commons-lang", "org/apache/commons/lang", "commons-lang"),
    ("commons-logging", "org/apache/commons/logging", "commons-logging"),
    ("commons-net", "org/apache/commons/net", "commons-net"),
    ("commons-pool", "org/apache/commons/pool", "commons-pool"),
    ("commons-validator", "org/apache/commons/validator", "commons-validator"),
    ("elasticsearch", "org/elasticsearch", "org.elasticsearch"),
    ("gson", "com/google/gson", "com.google.code.gson"),
    ("guava", "com/google/common", "com.google.guava"),
    ("h2", "org/h2", "com.h2database"),
    ("kafka-clients", "org/apache/kafka", "org.apache.kafka"),
    ("kotlin-", "kotlin", "org.jetbrains.kotlin"),
    ("log4j", "org/apache/log4j", "log4j"),
    ("log4j-", "org/apache/logging/log4j", "org.apache.logging.log4j"),
    ("lucene-", "org/apache/lucene", "org.apache.lucene"),
    ("micrometer-", "io/micrometer", "io.micrometer"),
    ("mysql-connector-j", "com/mysql", "com.mysql"),
    ("mysql-connector-java", "com/mysql", "mysql"),
    ("netty-", "io/netty", "io.netty"),
    ("okhttp", "okhttp3", "com.squareup.okhttp3"),
    ("okhttp-", "okhttp3", "com.squareup.okhttp3"),
    ("okio", "okio", "com.squareup.okio"),
    ("okio-", "okio", "com.squareup.okio"),
    ("postgresql", "org/postgresql", "org.postgresql"),
    ("reactor-core", "reactor/core", "io.projectreactor"),
    ("scala-compiler", "scala", "org.scala-lang"),
    ("scala-library", "scala", "org.scala-lang"),
    ("scala-reflect", "scala", "org.scala-lang"),
    ("snakeyaml", "org/yaml/snakeyaml", "org.yaml"),
    ("spring-aop", "org/springframework/aop", "org.springframework"),
    ("spring-aspects", "org/springframework", "org.springframework"),
    ("spring-beans", "org/springframework/beans", "org.springframework"),
    ("spring-boot", "org/springframework/boot", "org.springframework.boot"),
    ("spring-boot-", "org/springframework/boot", "org.springframework.boot"),
    ("spring-cloud-", "org/springframework/cloud", "org.springframework.cloud"),
    ("spring-context", "org/springframework", "org.springframework"),
    ("spring-context-", "org/springframework", "org.springframework"),
    ("spring-core", "org/springframework/core", "org.springframework"),
    ("spring-data-", "org/springframework/data", "org.springframework.data"),
    ("spring-expression", "org/springframework/expression", "org.springframework"),
    ("spring-jcl", "org/apache/commons", "org.springframework"),
    ("spring-jdbc", "org/springframework/jdbc", "org.springframework"),
    ("spring-jms", "org/springframework/jms", "org.springframework"),
    ("spring-messaging", "org/springframework/messaging", "org.springframework"),
    ("spring-orm", "org/springframework/orm", "org.springframework"),
    ("spring-oxm", "org/springframework/oxm", "org.springframework"),
    ("spring-security-", "org/springframework/security", "org.springframework.security"),
    ("spring-test", "org/springframework", "org.springframework"),
    ("spring-tx", "org/springframework", "org.springframework"),
    ("spring-web", "org/springframework", "org.springframework"),
    ("spring-webflux", "org/springframework/web", "org.springframework"),
    ("spring-webmvc", "org/springframework/web", "org.springframework"),
    ("spring-websocket", "org/springframework/web", "org.springframework"),
    ("struts2-core", "org/apache/struts2", "org.apache.struts"),
    ("tomcat-embed-", "org/apache", "org.apache.tomcat.embed"),
    ("xalan", "org/apache/xalan", "xalan"),
    ("xercesImpl", "org/apache/xerces", "xerces"),
];

fn well_known(artifact: &str, roots: &Roots) -> Option<String> {
    let fits = |name: &str| if name.ends_with('-') { artifact.starts_with(name) } else { artifact == name };
    let found = WELL_KNOWN.iter().find(|(name, directory, _)| fits(name) && roots.0.contains(*directory));
    found.map(|(_, _, group)| (*group).to_owned())
}

/// The archive at `path`, by its manifest and name. `extra` says which of them were believed, as `identified_by`.
pub(super) fn identify(path: &str, manifest: &Manifest, roots: &Roots) -> PackageFacts {
    let file = FileName::parse(path);
    let named = |key| manifest.get(key).filter(|name| is_artifact(name));
    let (title, bundle) = (named("implementation-title"), named("bundle-name"));
    let mut by: Vec<&str> = Vec::new();
    let candidates = [("file name", Some(file.artifact)), ("Bundle-Name", bundle), ("Implementation-Title", title)];
    let told = |source, artifact: &str| {
        let known = well_known(artifact, roots).map(|group| (vec![source, "classes"], group));
        let symbolic =
            || group_of(manifest.symbolic_name()?, artifact).map(|group| (vec![source, "Bundle-SymbolicName"], group));
        known.or_else(symbolic)
    };
    let found = candidates.iter().find_map(|(source, artifact)| Some(((*artifact)?, told(*source, (*artifact)?)?)));
    let (artifact, mut group) = if let Some((artifact, (sources, group))) = found {
        by.extend(sources);
        (artifact, Some(group))
    } else {
        let title = title.filter(|title| is_surely_artifact(title));
        by.push(if title.is_some() { "Implementation-Title" } else { "file name" });
        (title.unwrap_or(file.artifact), None)
    };
    if group.is_none() {
        group = manifest
            .get("implementation-vendor-id")
            .filter(|id| is_group(id) && !UMBRELLAS.contains(id))
            .map(str::to_owned);
        by.extend(group.as_ref().map(|_| "Implementation-Vendor-Id"));
    }
    let stated = |key| manifest.get(key).and_then(version_in);
    let versions = [
        ("file name", file.version.filter(|_| file.artifact == artifact)),
        ("Implementation-Version", stated("implementation-version")),
        ("file name", file.version),
        ("Bundle-Version", stated("bundle-version")),
        ("Implementation-Version", manifest.of_parts().and_then(version_in)),
        ("Specification-Version", stated("specification-version")),
    ];
    let version = versions.into_iter().find_map(|(source, version)| Some((source, version?)));
    by.extend(version.map(|(source, _)| source).filter(|source| !by.contains(source)));
    let name = match group {
        Some(group) => format!("{group}:{artifact}"),
        None => artifact.to_owned(),
    };
    let version = version.map(|(_, version)| version).unwrap_or_default();
    PackageFacts {
        evidence: Evidence::Inferred,
        supplier: manifest.get("implementation-vendor").or_else(|| manifest.get("bundle-vendor")).map(str::to_owned),
        extra: vec![("identified_by".to_owned(), by.join(", "))],
        ..PackageFacts::new(PackageKind::Maven, name, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_split_before_the_version() {
        let check = |path, artifact: &str, version: Option<&str>| {
            let file = FileName::parse(path);
            assert_eq!((file.artifact, file.version), (artifact, version), "{path}");
        };
        check("lib/log4j-1.2-api-2.19.0.jar", "log4j-1.2-api", Some("2.19.0"));
        check("guava-31.1-jre.jar", "guava", Some("31.1-jre"));
        check("scala-library-2.11.12-5.jar", "scala-library", Some("2.11.12-5"));
        check("a-1.0-20240102.030405-6.war", "a", Some("1.0-20240102.030405-6"));
        check("tabula-1.0.5-jar-with-dependencies.jar", "tabula", Some("1.0.5"));
        check("a-1.0-SNAPSHOT.jar", "a", Some("1.0-SNAPSHOT"));
        check("bcprov-jdk18on-172.jar", "bcprov-jdk18on", Some("172"));
        check("spring3-core-3.x.jar", "spring3-core", None);
        check("rt.jar", "rt", None);
        check("-1.jar", "-1", None);
        check(".jar", "", None);
    }

    #[test]
    fn a_symbolic_name_gives_the_group_that_bnd_made_it_from() {
        let check = |symbolic, artifact, group: Option<&str>| {
            assert_eq!(group_of(symbolic, artifact).as_deref(), group, "{symbolic} {artifact}");
        };
        check("com.fasterxml.jackson.core.jackson-databind", "jackson-databind", Some("com.fasterxml.jackson.core"));
        check("org.scala-lang.scala-library", "scala-library", Some("org.scala-lang"));
        check("org.eclipse.jetty.http", "jetty-http", Some("org.eclipse.jetty"));
        check("org.apache.tomcat-coyote", "tomcat-coyote", Some("org.apache.tomcat"));
        check("slf4j.api", "slf4j-api", None);
        check("org.apache.commons.lang3", "commons-lang3", Some("org.apache.commons"));
        check("com.google.guava", "guava", None);
        check("org.freemarker.freemarker", "freemarker", Some("org.freemarker"));
        check("org.objectweb.asm", "asm", None);
    }

    fn identified(path: &str, manifest: &str, classes: &[&str]) -> (String, String, String) {
        let mut roots = Roots::default();
        for class in classes {
            roots.add(class);
        }
        let facts = identify(path, &Manifest::parse(manifest), &roots);
        (facts.name, facts.version, facts.extra[0].1.clone())
    }

    #[test]
    fn what_is_not_said_is_not_guessed() {
        let check = |path, manifest, classes: &[&str], expect: (&str, &str, &str)| {
            let (name, version, by) = identified(path, manifest, classes);
            assert_eq!((name.as_str(), version.as_str(), by.as_str()), expect);
        };
        check("a-1.2.jar", "", &[], ("a", "1.2", "file name"));
        check("a.jar", "", &[], ("a", "", "file name"));
        check("a.jar", "Implementation-Version: ${v}\n", &[], ("a", "", "file name"));
        let spring = "Implementation-Title: spring-core\nImplementation-Version: 5.3.1\n";
        let class = ["org/springframework/core/A.class"];
        let all = "file name, classes, Implementation-Version";
        check("x/spring-core.jar", spring, &class, ("org.springframework:spring-core", "5.3.1", all));
        let all = "Implementation-Title, classes, Implementation-Version";
        check("x/renamed.jar", spring, &class, ("org.springframework:spring-core", "5.3.1", all));
        let umbrella = "Implementation-Vendor-Id: org.apache\n";
        check("commons-x-1.jar", umbrella, &[], ("commons-x", "1", "file name"));
        let vendor = "Implementation-Vendor-Id: org.example\n";
        check("x-1.jar", vendor, &[], ("org.example:x", "1", "file name, Implementation-Vendor-Id"));
        check(
            "x/spring-core.jar",
            spring,
            &[],
            ("spring-core", "5.3.1", "Implementation-Title, Implementation-Version"),
        );
        let tomcat = "Bundle-SymbolicName: org.apache.tomcat-catalina\nBundle-Name: tomcat-catalina\nImplementation-Title: Apache Tomcat\nImplementation-Version: 9.0.1\n";
        let by = "Bundle-Name, Bundle-SymbolicName, Implementation-Version";
        check("lib/catalina.jar", tomcat, &[], ("org.apache.tomcat:tomcat-catalina", "9.0.1", by));
    }
}
