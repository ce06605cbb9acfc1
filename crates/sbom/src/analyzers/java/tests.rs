use super::*;
use crate::analyzer::{Extract, File};
use crate::testing;
use sekisho_base::Limits;
use sekisho_model::{Code, Evidence, Level};

#[test]
fn goldens() {
    testing::goldens(&ARCHIVE, "src/analyzers/java/fixtures/archive");
    testing::goldens(&UNPACKED, "src/analyzers/java/fixtures/unpacked");
    testing::goldens(&POM, "src/analyzers/java/fixtures/pom");
    testing::goldens(&GRADLE_LOCK, "src/analyzers/java/fixtures/gradle-lock");
    testing::goldens(&GRADLE_VERIFICATION, "src/analyzers/java/fixtures/gradle-verification");
    testing::goldens(&SBT_LOCK, "src/analyzers/java/fixtures/sbt-lock");
}

/// A stored entry, and what is wrong with it.
#[derive(Default, Clone)]
struct Entry<'a> {
    name: &'a str,
    bytes: Vec<u8>,
    local_name: Option<&'a str>,
    flags: u16,
    method: u16,
    /// What the central directory states, where that is not so.
    size: Option<u32>,
}

fn entry<'a>(name: &'a str, bytes: &[u8]) -> Entry<'a> {
    Entry { name, bytes: bytes.to_vec(), ..Entry::default() }
}

fn pom(artifact: &str, version: &str) -> Vec<u8> {
    format!("groupId=g\nartifactId={artifact}\nversion={version}\n").into_bytes()
}

fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for it in entries {
        let offset = out.len() as u32;
        let size = it.bytes.len() as u32;
        let stated = it.size.unwrap_or(size);
        let crc = rawzip::crc32(&it.bytes);
        let common = |out: &mut Vec<u8>, uncompressed: u32, name: &str| {
            out.extend([20, 0]);
            for half in [it.flags, it.method, 0, 0] {
                out.extend(half.to_le_bytes());
            }
            for word in [crc, size, uncompressed] {
                out.extend(word.to_le_bytes());
            }
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0, 0]);
        };
        let local = it.local_name.unwrap_or(it.name);
        out.extend(b"PK\x03\x04");
        common(&mut out, size, local);
        out.extend(local.as_bytes());
        out.extend(&it.bytes);
        central.extend(b"PK\x01\x02\x14\x00");
        common(&mut central, stated, it.name);
        central.extend([0; 10]);
        central.extend(offset.to_le_bytes());
        central.extend(it.name.as_bytes());
    }
    let (start, len, count) = (out.len() as u32, central.len() as u32, entries.len() as u16);
    out.extend(central);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(len.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn run(path: &str, bytes: &[u8]) -> Extract {
    testing::run(&ARCHIVE, path, bytes)
}

fn limited(bytes: &[u8], limits: &Limits) -> Extract {
    (ARCHIVE.run)(&File { path: "a-1.jar", data: &bytes, limits })
}

fn names(extract: &Extract) -> Vec<String> {
    let mut names: Vec<_> = extract.packages.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
    names.sort();
    names
}

/// The messages of what makes the result incomplete.
fn incomplete(extract: &Extract) -> Vec<&str> {
    let told = extract.diagnostics.iter().filter(|told| told.level == Level::Incomplete);
    told.map(|told| told.message.as_str()).collect()
}

const A: &str = "META-INF/maven/g/a/pom.properties";
const B: &str = "META-INF/maven/g/b/pom.properties";

#[test]
fn an_archive_of_its_own_name_is_not_listed_twice() {
    let own = zip(&[entry(A, &pom("a", "1"))]);
    assert_eq!(names(&run("lib/a-1.jar", &own)), ["g:a 1"]);
    assert_eq!(names(&run("lib/renamed.jar", &own)), ["g:a 1"], "nothing says that it is anything else");
    assert_eq!(names(&run("lib/other-7.jar", &own)), ["g:a 1", "other 7"], "an archive that a is in");
}

#[test]
fn backslashes_of_windows_are_slashes() {
    let inner = zip(&[entry(A, &pom("a", "1"))]);
    let outer =
        zip(&[entry("WEB-INF\\lib\\a-1.jar", &inner), entry("META-INF\\maven\\g\\b\\pom.properties", &pom("b", "2"))]);
    let extract = run("app.war", &outer);
    assert_eq!(names(&extract), ["g:a 1", "g:b 2"]);
    assert_eq!(incomplete(&extract), [""; 0]);
}

#[test]
fn what_was_shaded_in_is_listed_beside_the_archive() {
    let shaded = zip(&[
        entry("META-INF/MANIFEST.MF", b"Implementation-Title: the-app\nImplementation-Version: 3.0 (abc)\n"),
        entry(A, &pom("a", "1")),
        entry(B, &pom("b", "2")),
    ]);
    let extract = run("app.jar", &shaded);
    assert_eq!(names(&extract), ["g:a 1", "g:b 2", "the-app 3.0"]);
    let evidence: Vec<_> = extract.packages.iter().map(|it| it.evidence).collect();
    assert_eq!(evidence, [Evidence::Installed, Evidence::Installed, Evidence::Inferred]);
    assert!(incomplete(&extract).is_empty());
}

#[test]
fn a_group_that_was_left_out_is_that_of_the_directory() {
    let check = |directory: &str, expect| {
        let name = format!("META-INF/maven/{directory}/pom.properties");
        let extract = run("a.jar", &zip(&[entry(&name, b"artifactId=a\nversion=1\n")]));
        assert_eq!(names(&extract), [expect], "{directory}");
    };
    check("g/a", "g:a 1");
    check("g/b", "a 1");
}

#[test]
fn a_project_file_tells_where_there_are_no_properties() {
    let pom = b"<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>4</version></parent>\
        <artifactId>a</artifactId><version>${project.parent.version}.1</version>\
        <licenses><license><name>MIT</name></license></licenses></project>";
    let extract = run("a.jar", &zip(&[entry("META-INF/maven/g/a/pom.xml", pom)]));
    assert_eq!(names(&extract), ["g:a 4.1"]);
    assert_eq!(extract.packages[0].licenses[0].as_str(), "MIT");
    let open = b"<project><groupId>g</groupId><artifactId>a</artifactId><version>${revision}</version></project>";
    let open = zip(&[entry("META-INF/maven/g/a/pom.xml", open)]);
    assert_eq!(names(&run("a-7.jar", &open)), ["g:a 7"], "the name of the file says what the build did not write");
    assert!(!incomplete(&run("b.jar", &open)).is_empty());
}

#[test]
fn one_package_in_several_archives_is_one_with_all_places() {
    let inner = zip(&[entry(A, &pom("a", "1"))]);
    let war = zip(&[entry("WEB-INF/lib/a-1.jar", &inner)]);
    let extract =
        run("x-2.ear", &zip(&[entry("lib/a-1.jar", &inner), entry("w.war", &war), entry("Lib/B.JAR", &inner)]));
    let a = extract.packages.iter().find(|it| it.name == "g:a").unwrap();
    let places: Vec<_> = a.extra.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(places, [("inner", "Lib/B.JAR"), ("inner", "lib/a-1.jar"), ("inner", "w.war!/WEB-INF/lib/a-1.jar")]);
    assert_eq!(names(&extract), ["g:a 1", "w ", "x 2"]);
}

#[test]
fn archives_in_archives_have_a_bound() {
    let mut archive = zip(&[entry(A, &pom("deepest", "1"))]);
    for _ in 0..6 {
        archive = zip(&[entry("n-1.jar", &archive)]);
    }
    let extract = run("n-1.jar", &archive);
    assert_eq!(names(&extract), ["n 1"]);
    assert!(incomplete(&extract)[0].contains("below the limit"), "{extract:?}");
}

#[test]
fn what_other_readers_see_otherwise_is_told() {
    let check = |bytes: &[u8], expect: &str, packages: &[&str]| {
        let extract = run("a-1.jar", bytes);
        let told = incomplete(&extract);
        assert!(told.iter().any(|told| told.contains(expect)), "{expect}: {told:?}");
        assert_eq!(names(&extract), packages, "{expect}");
    };
    let sound = entry(A, &pom("a", "1"));
    check(
        &zip(&[Entry { local_name: Some("META-INF/maven/g/a/pom.propertieZ"), ..sound.clone() }]),
        "another name",
        &["g:a 1"],
    );
    check(&zip(&[Entry { flags: 1, ..sound.clone() }]), "is encrypted", &["a 1"]);
    check(&zip(&[Entry { method: 12, ..sound.clone() }]), "a method that is not read", &["a 1"]);
    check(&zip(&[Entry { method: 8, ..sound.clone() }]), "deflate stream", &["a 1"]);
    check(&[zip(std::slice::from_ref(&sound)), vec![0; 9]].concat(), "bytes follow", &["g:a 1"]);
    let whole = zip(std::slice::from_ref(&sound));
    check(&whole[..whole.len() - 30], "has no end", &[]);
    let mut fewer = whole.clone();
    let count = fewer.len() - 12;
    fewer[count] = 9;
    check(&fewer, "has 1 entries and states 9", &["g:a 1"]);
    let empty = [whole.clone(), zip(&[])].concat();
    check(&empty, "the zip archive", &["a 1"]);
    let manifest =
        |version: &str| entry("META-INF/MANIFEST.MF", format!("Implementation-Version: {version}\n").as_bytes());
    check(&zip(&[manifest("1"), manifest("2")]), "is there twice", &["a 1"]);
    let other = entry(A, &pom("a", "2"));
    let extract = run("a-1.jar", &zip(&[sound, other]));
    assert_eq!(names(&extract), ["g:a 1", "g:a 2"], "both are read");
    let many: Vec<_> = (0..40_000).map(|n| entry(A, &pom("a", &n.to_string()))).collect();
    assert_eq!(run("a-1.jar", &zip(&many)).packages.len(), 40_000, "each of them, in little time");
    assert_eq!(extract.diagnostics.len(), 1);
}

#[test]
fn what_is_no_archive_hides_nothing() {
    for bytes in [&b"version https://git-lfs.github.com/spec/v1\n"[..], b"\x7fELF", b"PK"] {
        let extract = run("a-1.jar", bytes);
        assert!(extract.packages.is_empty() && incomplete(&extract).is_empty());
        assert_eq!(extract.diagnostics[0].code, Code::RecordMalformed);
    }
    assert!(run("a.jar", b"").is_empty());
}

#[test]
fn limits_are_told_and_end_the_work() {
    let many: Vec<String> = (0..50).map(|n| format!("META-INF/maven/g/a{n}/pom.properties")).collect();
    let entries: Vec<_> = many.iter().map(|name| entry(name, &pom(name.split('/').nth(3).unwrap(), "1"))).collect();
    let bytes = zip(&entries);
    let check = |limits: Limits, key: &str, most: usize| {
        let extract = limited(&bytes, &limits);
        assert!(incomplete(&extract).iter().any(|told| told.contains(key)), "{key}: {:?}", extract.diagnostics);
        assert!(extract.packages.len() <= most, "{key}");
    };
    check(Limits { entries: 20, ..Limits::default() }, "limits.entries", 21);
    check(Limits { records: 20, ..Limits::default() }, "limits.records", 20);
    check(Limits { path_table_bytes: 400, ..Limits::default() }, "names are longer", 20);
    check(Limits { inflated_bytes: 10, ..Limits::default() }, "limits.inflated_bytes", 0);
    check(Limits { text_file_bytes: 8, ..Limits::default() }, "limits.text_file_bytes", 1);
}

#[test]
fn versions_come_from_the_projects_around() {
    let case = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analyzers/java/fixtures/pom/maven-resolver");
    let files: Vec<_> = testing::files_of(&case);
    let read: Vec<_> = files.iter().map(|(path, bytes)| (path, testing::run(&POM, path, bytes))).collect();
    let projects = read.iter().filter_map(|(path, extract)| Some((path.as_str(), extract.project.as_deref()?)));
    let projects = crate::project::Projects::of(projects);
    let path = "src/maven-resolver-impl/pom.xml";
    let (_, extract) = read.iter().find(|(it, _)| *it == path).unwrap();
    let around = projects.around(path).unwrap();
    let found: Vec<_> = extract.packages.iter().map(|it| around.complete(it).into_owned()).collect();
    let version = |name: &str| found.iter().find(|it| it.name == name).map(|it| (it.version.as_str(), it.dev));
    assert_eq!(version("org.apache.maven.resolver:maven-resolver-impl"), Some(("1.6.3", false)));
    assert_eq!(version("org.apache.maven.resolver:maven-resolver-api"), Some(("1.6.3", false)));
    assert_eq!(version("org.slf4j:slf4j-api"), Some(("1.7.30", false)), "a property of the parent");
    assert_eq!(version("junit:junit"), Some(("4.13", true)));
    assert!(found.iter().all(|it| !it.version.is_empty()), "{found:?}");
}
