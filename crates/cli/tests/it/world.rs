//! The directory that commands run in: images and trees built anew for each test, under short names.

use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder, ar};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A directory with everything there is to scan, removed when dropped.
pub(crate) struct World(TempDir);

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.org/shop/web
        securityContext:
          privileged: true
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8080}]}
";

const TEAM: &str = "\
policy: named-team
name: Workloads must name their team
severity: low
stages: [deploy]
remediation: Add the label team.
except:
- {namespace: legacy, reason: nobody is left, until: 2023-01-31}
when:
  Required Label: team=.+
examples:
- name: no label
  manifest: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a:1}]}}
- name: a label without a value
  expect: passed
  manifest: {apiVersion: v1, kind: Pod, metadata: {name: a, labels: {team: ''}}, spec: {containers: [{name: a, image: a:1}]}}
";

const WRONG: &str = "policy: x\nname: x\nseverty: low\nstages: [deploy]\nwhen: {Priviledged Container: true}\n";

const SUITE: &str = "\
suite: shop
policies: [policies/team.yaml]
cases:
- {name: no team, manifests: [k8s], expect: {named-team: violated}}
- {name: no such policy, manifests: [k8s], expect: {named-tem: violated}}
";

const CAT_RULES: &str = "\
- list: readers
  items: [cat, head]
- macro: opened
  condition: (evt.type in (open, openat))
- rule: Read a file
  desc: A program that shows files opens one.
  condition: opened and proc.name in (readers)
  output: A file is read (file=%fd.name command=%proc.cmdline)
  priority: warning
  tags: [files]
- rule: Wrote somewhere
  desc: A program writes.
  condition: evt.type = write and proc.name = cat
  output: Something is written (to=%fd.name)
  priority: notice
";

const BLIND_RULES: &str = "\
- rule: Connected by name
  desc: A server is called by its name.
  condition: evt.type in (open, connect) and (fd.sip.name = example.org or fd.name = /nowhere)
  output: connected to %fd.sip.name
  priority: info
";

const WRONG_RULES: &str = "\
- macro: opened
  condition: (evt.type = open)
- rule: Read a file
  desc: A program opens a file.
  condition: openend and proc.nam = cat
  output: A file is read
  priority: warning
";

const AUDIT_RULES: &str = "\
- rule: Looked at secrets
  desc: Someone reads secrets.
  condition: ka.verb in (get, list) and ka.target.resource = secrets
  output: Secrets are read (user=%ka.user.name)
  priority: notice
  source: k8s_audit
";

const AUDIT_LOG: &str = r#"{"kind":"Event","auditID":"1","verb":"list","user":{"username":"eve"},"objectRef":{"resource":"secrets"},"stageTimestamp":"2023-11-14T22:13:20.5Z"}
{"kind":"Pod"}
{"kind":"Event","auditID":"2","verb":"list","objec
{"kind":"Event","auditID":"3","verb":"get","user":{"username":"root"},"objectRef":{"resource":"secrets"},"stageTimestamp":"2023-11-14T22:13:21Z"}
"#;

impl World {
    /// Builds the images and trees.
    pub(crate) fn new() -> Self {
        let inherited = std::env::vars_os().map(|(name, _)| name).find(|name| {
            let name = name.to_string_lossy();
            name.starts_with("SEKISHO_") || ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"].contains(&name.as_ref())
        });
        assert_eq!(inherited, None, "this variable changes what the tests expect: unset it");
        let world = Self(tempfile::tempdir().unwrap());
        let at = |name: &str| world.path().join(name);

        ImageBuilder::write_tar(&base(Compress::Gzip).docker_archive(), &at("base.tar"));
        ImageBuilder::write_tar(&app(Compress::Gzip).docker_archive(), &at("app.tar"));
        ImageBuilder::write_directory(&base(Compress::Zstd).oci_layout(), &at("base"));
        ImageBuilder::write_directory(&app(Compress::Zstd).oci_layout(), &at("app"));
        for (name, compress) in [("plain", Compress::None), ("gzip", Compress::Gzip), ("zstd", Compress::Zstd)] {
            ImageBuilder::write_tar(&app(compress).oci_layout(), &at(&format!("{name}.tar")));
        }
        ImageBuilder::write_tar(&two_images(), &at("two.tar"));
        let [arm, z] = ["arm64", "s390x"].map(|architecture| base(Compress::Gzip).platform("linux", architecture));
        ImageBuilder::write_directory(&ImageBuilder::oci_layout_of(&[&arm, &z]), &at("multi"));
        ImageBuilder::write_tar(&truncated().docker_archive(), &at("truncated.tar"));
        ImageBuilder::write_directory(&tampered(), &at("tampered"));
        ImageBuilder::write_tar(&hostile().docker_archive(), &at("hostile.tar"));
        ImageBuilder::write_directory(&tree(), &at("tree"));
        fs::write(at("notes.txt"), "not an image\n").unwrap();
        let mut cut = Compress::Gzip.store(&ImageBuilder::tar(&base(Compress::None).docker_archive()));
        cut.truncate(cut.len() / 2);
        fs::write(at("cut.tar.gz"), cut).unwrap();
        let control = LayerBuilder::new().file("./control", CONTROL).build();
        let data = LayerBuilder::new()
            .file("./opt/shop/package.json", "{\"name\":\"minimist\",\"version\":\"0.0.10\"}")
            .build();
        fs::write(
            at("shop_2.1_all.deb"),
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &data)]),
        )
        .unwrap();
        let mut disk = vec![0; 1 << 20];
        disk[..4].copy_from_slice(b"XFSB");
        fs::write(at("disk.img"), disk).unwrap();
        fs::write(at("image.tar.bz2"), b"BZh91AY&SYrest").unwrap();
        fs::write(at("rootfs.tar"), LayerBuilder::new().file("etc/passwd", "root:x:0:0::/:/bin/sh\n").build()).unwrap();
        fs::write(at("no-layers.toml"), "[[base]]\nname = \"x\"\ndiff_ids = []\n").unwrap();
        let nix = ("usr/lib/os-release".to_owned(), b"ID=nixos\nPRETTY_NAME=\"NixOS 24.11\"\n".to_vec());
        ImageBuilder::write_directory(&BTreeMap::from([nix]), &at("nix"));
        for (name, text) in [("k8s/web.yaml", WEB), ("policies/team.yaml", TEAM), ("policies/wrong.yaml", WRONG)] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), text).unwrap();
        }
        fs::write(at("suite.yaml"), SUITE).unwrap();
        let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../detect/fixtures/scap/captures/cat_write.scap");
        let capture = fs::read(capture).unwrap();
        fs::write(at("cut.scap"), &capture[..capture.len() - 200]).unwrap();
        fs::write(at("cat.scap"), capture).unwrap();
        fs::write(at("audit.log"), AUDIT_LOG).unwrap();
        fs::create_dir(at("rules")).unwrap();
        let rules = [("cat", CAT_RULES), ("blind", BLIND_RULES), ("wrong", WRONG_RULES), ("audit", AUDIT_RULES)];
        for (name, text) in rules {
            fs::write(at(&format!("rules/{name}.yaml")), text).unwrap();
        }
        fs::write(at("good.toml"), "[scan]\njobs = 2\n\n[limits]\nrecords = 1000\n").unwrap();
        fs::write(at("unknown-key.toml"), "[scan]\njob = 2\n").unwrap();
        fs::write(at("broken.toml"), "[scan\n").unwrap();
        let osv = |number: u8, ecosystem: &str, name: &str| {
            let text = format!(
                r#"{{"id":"OSV-{number}","aliases":["CVE-2024-{number}"],"modified":"2024-01-01T00:00:00Z","affected":[
                   {{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[
                   {{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2"}}]}}]}}]}}"#
            );
            (format!("OSV-{number}.json"), text.into_bytes())
        };
        let feed = [osv(1, "Debian:12", "zlib"), osv(2, "PyPI", "flask"), osv(3, "npm", "semver")];
        ImageBuilder::write_directory(&BTreeMap::from(feed), &at("feed"));
        let broken = ("OSV-9.json".to_owned(), br#"{"id":"OSV-9","modified":"soon","affected":7}"#.to_vec());
        ImageBuilder::write_directory(&BTreeMap::from([broken]), &at("broken/feed"));
        ImageBuilder::write_directory(&findings(), &at("findings"));
        fs::create_dir(at("home")).unwrap();
        ImageBuilder::write_directory(&attested(), &at("attested"));
        let vexed = [
            ("app/node_modules/express/package.json".to_owned(), npm("express", "4.21.2", "MIT").into_bytes()),
            ("app/express.vex.json".to_owned(), vex().into_bytes()),
        ];
        ImageBuilder::write_directory(&BTreeMap::from(vexed), &at("vexed"));
        fs::write(at("app.openvex.json"), vex()).unwrap();
        let exceptions = "[[exception]]\nvulnerability = \"CVE-2023-9003\"\npackage = \"requests\"\n\
            reason = \"only our own hosts are asked\"\nowner = \"platform team\"\nuntil = 2024-03-31\n\n\
            [[exception]]\nvulnerability = \"CVE-2023-9004\"\npackage = \"node-semver\"\n\
            reason = \"was to be gone by then\"\nowner = \"platform team\"\nuntil = 2023-06-30\n";
        fs::write(at("exceptions.toml"), exceptions).unwrap();
        fs::write(
            at("endless.toml"),
            "[[exception]]\nvulnerability = \"CVE-2023-9003\"\nreason = \"x\"\nowner = \"y\"\n",
        )
        .unwrap();
        fs::write(at(".trivyignore"), "# decided by nobody\nCVE-2023-9003\n").unwrap();
        let trivy = r#"{"SchemaVersion":2,"CreatedAt":"2023-11-10T00:00:00Z","ArtifactName":"shop:1","ArtifactType":
            "container_image","Metadata":{"OS":{"Family":"debian","Name":"12.4"}},"Results":[{"Target":"shop:1 (debian 12.4)",
            "Class":"os-pkgs","Type":"debian","Vulnerabilities":[{"VulnerabilityID":"CVE-2023-9002","PkgID":"base-files@12.4",
            "PkgName":"base-files","InstalledVersion":"12.4","FixedVersion":"12.5","Status":"fixed","Severity":"HIGH",
            "SeveritySource":"debian","Title":"Files of others can be written","PkgIdentifier":{"PURL":
            "pkg:deb/debian/base-files@12.4?arch=amd64&distro=debian-12.4"}}]}]}"#;
        fs::write(at("trivy.json"), trivy).unwrap();
        fs::write(at("nothing.cdx.json"), r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#).unwrap();
        fs::create_dir(at("scans")).unwrap();
        world.stdout("db import findings");
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// What every command finds in its environment: nothing of the machine's, the same time always.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, String> {
        let home = self.path().join("home");
        BTreeMap::from([
            ("COLUMNS", "100".to_owned()),
            ("HOME", home.to_string_lossy().into_owned()),
            ("SEKISHO_CACHE__DIRECTORY", "cache".to_owned()),
            ("SEKISHO_REGISTRY__REGISTRIES_CONF", "false".to_owned()),
            ("SEKISHO_SCAN__TEMPORARY", ".".to_owned()),
            ("SEKISHO_SCAN__AS_OF", "2023-11-14T22:13:20Z".to_owned()),
            ("SOURCE_DATE_EPOCH", "1700000000".to_owned()),
            ("XDG_DATA_HOME", "data".to_owned()),
            // Set to nothing is not set: what the machine has must not show.
            ("HTTPS_PROXY", String::new()),
            ("NO_PROXY", String::new()),
            ("SSL_CERT_FILE", String::new()),
            ("http_proxy", String::new()),
            ("https_proxy", String::new()),
            ("no_proxy", String::new()),
            ("XDG_CACHE_HOME", home.join("cache").to_string_lossy().into_owned()),
            ("XDG_CONFIG_HOME", home.join("config").to_string_lossy().into_owned()),
        ])
    }

    /// The program in this directory, with arguments parted by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(arguments.split_whitespace()).current_dir(self.path()).env_clear().envs(self.environment());
        command
    }

    /// Runs the program, which must exit with 0, and gives what it wrote to standard output.
    pub(crate) fn stdout(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", shown(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// All that a command said.
pub(crate) fn shown(output: &Output) -> String {
    let [out, error] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{:?}\n{out}{error}", output.status)
}

/// Feeds that say something about the packages below: what an upgrade mends, what has no remedy, what is exploited and
/// what nobody has judged.
fn findings() -> BTreeMap<String, Vec<u8>> {
    let osv = |id: &str, package: &str, events: &str, rest: &str| {
        let (ecosystem, name) = package.rsplit_once('/').unwrap();
        let text = format!(
            r#"{{"id":"{id}","modified":"2023-11-01T00:00:00Z","published":"2023-10-01T00:00:00Z","affected":[
               {{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},
               "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{events}]}}]}}]{rest}}}"#
        );
        (format!("{id}.json"), text.into_bytes())
    };
    let critical = r#","summary":"Remote code execution through templates","severity":[{"type":"CVSS_V3",
        "score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#;
    let medium = r#","aliases":["CVE-2023-9003"],"summary":"Credentials are sent to another host","severity":[{"type":
        "CVSS_V3","score":"CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:N/A:N"}]"#;
    let high = r#","summary":"Files of others can be written","severity":[{"type":"CVSS_V3","score":
        "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"}]"#;
    let kev = r#"{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"2023.11.01",
        "dateReleased":"2023-11-01T00:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2023-9001","vendorProject":"Express",
        "product":"Express","vulnerabilityName":"Express Code Injection","dateAdded":"2023-10-20","shortDescription":"",
        "requiredAction":"Apply updates.","dueDate":"2023-11-10","knownRansomwareCampaignUse":"Known","notes":"","cwes":[]}]}"#;
    let epss = "#model_version:v2023.03.01,score_date:2023-11-01T00:00:00+0000\ncve,epss,percentile\n\
        CVE-2023-9001,0.93,0.99\nCVE-2023-9002,0.001,0.2\nCVE-2023-9003,0.02,0.8\n";
    BTreeMap::from([
        osv("CVE-2023-9001", "npm/express", r#",{"fixed":"4.22.0"}"#, critical),
        osv("CVE-2023-9002", "Debian:12/base-files", r#",{"fixed":"12.5"}"#, high),
        osv("PYSEC-2023-9003", "PyPI/requests", r#",{"fixed":"2.32.4"}"#, medium),
        osv("CVE-2023-9004", "Debian:12/node-semver", "", ""),
        ("known_exploited_vulnerabilities.json".to_owned(), kev.as_bytes().to_vec()),
        ("epss_scores-2023-11-01.csv".to_owned(), epss.as_bytes().to_vec()),
    ])
}

/// That one flaw does no harm.
fn vex() -> String {
    r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.org/vex/1","author":"Example",
        "timestamp":"2023-11-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2023-9001"},
        "products":[{"@id":"pkg:npm/express"}],"status":"not_affected",
        "justification":"vulnerable_code_not_in_execute_path"}]}"#
        .to_owned()
}

/// A layout of the application with that statement beside it.
fn attested() -> BTreeMap<String, Vec<u8>> {
    let mut files = app(Compress::Gzip).oci_layout();
    let mut index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let mut keep = |bytes: Vec<u8>, media_type: &str| {
        let digest = sekisho_model::Digest::of(&bytes);
        let descriptor = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
        files.insert(format!("blobs/sha256/{}", digest.hex()), bytes);
        descriptor
    };
    let media_type = "application/vnd.openvex+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": media_type,
        "config": keep(b"{}".to_vec(), "application/vnd.oci.empty.v1+json"),
        "layers": [keep(vex().into_bytes(), media_type)],
        "subject": index["manifests"][0],
    });
    let mut referrer = keep(serde_json::to_vec(&manifest).unwrap(), "application/vnd.oci.image.manifest.v1+json");
    referrer["artifactType"] = media_type.into();
    index["manifests"].as_array_mut().unwrap().push(referrer);
    files.insert("index.json".to_owned(), serde_json::to_vec(&index).unwrap());
    files
}

/// A Debian base: packages of the system with licences, one of which owns a package of Node.
fn on_base(name: &str, compress: Compress) -> ImageBuilder {
    let copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
                     Files: *\nCopyright: 1999 Someone\nLicense: GPL-2+\n";
    let layer = LayerBuilder::new()
        .directory("etc")
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
        .directory("var/lib/dpkg")
        .file("var/lib/dpkg/status", dpkg(&[("base-files", "12.4"), ("node-semver", "7.3.5-2")]))
        .file("var/lib/dpkg/info/node-semver.list", "/.\n/usr/share/nodejs/semver/package.json\n")
        .file("usr/share/doc/base-files/copyright", copyright)
        .file("usr/share/nodejs/semver/package.json", npm("semver", "7.3.5", "ISC"));
    ImageBuilder::new(name).layer("ADD rootfs.tar /", &layer.build(), compress)
}

/// That base alone.
fn base(compress: Compress) -> ImageBuilder {
    on_base("example.org/base:1", compress)
}

/// An application on that base: one layer adds packages, the next takes some away and upgrades others.
fn app(compress: Compress) -> ImageBuilder {
    let added = LayerBuilder::new()
        .directory("app")
        .file("app/node_modules/express/package.json", npm("express", "4.21.2", "MIT"))
        .file("app/node_modules/@scope/left-pad/package.json", npm("@scope/left-pad", "1.3.0", "MIT OR Apache-2.0"))
        .file("usr/lib/python3/site-packages/requests-2.32.3.dist-info/METADATA", REQUESTS);
    let changed = LayerBuilder::new()
        .file("var/lib/dpkg/status", dpkg(&[("base-files", "12.5"), ("node-semver", "7.3.5-2")]))
        .whiteout("app/node_modules/@scope");
    on_base("example.org/app:1", compress)
        .layer("COPY . /app", &added.build(), compress)
        .layer("RUN apt-get upgrade", &changed.build(), compress)
        .step("CMD node")
}

/// A docker archive of two images.
fn two_images() -> BTreeMap<String, Vec<u8>> {
    let mut files = base(Compress::Gzip).docker_archive();
    let mut manifest = entries(&files);
    let more = app(Compress::Gzip).docker_archive();
    manifest.extend(entries(&more));
    files.extend(more);
    files.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap());
    files
}

fn entries(files: &BTreeMap<String, Vec<u8>>) -> Vec<Value> {
    serde_json::from_slice(&files["manifest.json"]).unwrap()
}

/// A base below a layer whose gzip stream ends early.
fn truncated() -> ImageBuilder {
    let plain = LayerBuilder::new().file("app/package.json", npm("lost", "1.0.0", "MIT")).build();
    let mut stored = Compress::Gzip.store(&plain);
    stored.truncate(stored.len() / 2);
    let diff_id = sekisho_model::Digest::of(&plain);
    let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    on_base("example.org/truncated:1", Compress::Gzip).stored_layer("COPY . /app", stored, diff_id, media_type)
}

/// A layout in which someone changed a version inside of a layer.
fn tampered() -> BTreeMap<String, Vec<u8>> {
    let mut files = base(Compress::None).oci_layout();
    let layer = files.values_mut().find(|blob| blob.len() > 4096).unwrap();
    let at = layer.windows(4).position(|bytes| bytes == b"12.4").unwrap();
    layer[at..at + 4].copy_from_slice(b"99.9");
    files
}

/// Packages whose names would take a terminal over, if they reached it.
fn hostile() -> ImageBuilder {
    let names = ["x\u{1b}[2J\u{1b}]0;owned\u{7}", "y\u{9b}31m", "z\u{202e}\u{7f}"];
    let python = |name: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1{name}\nLicense: {name}\n\n");
    let layer = LayerBuilder::new()
        .file("etc/os-release", format!("ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"{}\"\n", names[0]))
        .file("var/lib/dpkg/status", dpkg(&names.map(|name| (name, name))))
        .file("a.dist-info/METADATA", python(names[0]))
        .file("b.dist-info/METADATA", python(names[1]))
        .file("c.dist-info/METADATA", python(names[2]))
        .file("d/package.json", npm("d", "1", "\\u001b[31m"))
        .file("e\u{1b}[31m/package.json", npm("e", "1", "MIT"))
        .file("f\u{1b}[31m/package.json", "{\"name\": \u{1b}");
    ImageBuilder::new("x\u{1b}[31m:1").layer("RUN \u{1b}[31m", &layer.build(), Compress::Gzip)
}

/// A root file system of Alpine.
fn tree() -> BTreeMap<String, Vec<u8>> {
    let installed = "P:musl\nV:1.2.5-r9\nA:x86_64\nL:MIT\no:musl\nm:Someone <someone@example.org>\n\n\
                     P:busybox\nV:1.37.0-r12\nA:x86_64\nL:GPL-2.0-only\no:busybox\n\n";
    let files = [
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.21.3\nPRETTY_NAME=\"Alpine Linux v3.21\"\n"),
        ("lib/apk/db/installed", installed),
    ];
    files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into()
}

fn npm(name: &str, version: &str, license: &str) -> String {
    format!("{{\"name\":\"{name}\",\"version\":\"{version}\",\"license\":\"{license}\"}}")
}

fn dpkg(packages: &[(&str, &str)]) -> String {
    let stanza = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    packages.iter().map(stanza).collect()
}

const REQUESTS: &str = "Metadata-Version: 2.1\nName: requests\nVersion: 2.32.3\nLicense: Apache-2.0\n\n";

const CONTROL: &str = "Package: shop\nVersion: 2.1\nArchitecture: all\nMaintainer: Shop <shop@example.org>\n";
