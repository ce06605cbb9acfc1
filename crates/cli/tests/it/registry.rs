//! Images of registries: one in memory, and Debian's `docker-registry` with a login and TLS where it is installed.

use crate::world::{World, shown};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sekisho_model::Digest;
use sekisho_testkit::registry::Registry;
use sekisho_testkit::server::Answer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The files of a layout.
fn layout(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |path: &str| (path.to_owned(), fs::read(directory.join(path)).unwrap());
    let blobs = fs::read_dir(directory.join("blobs/sha256")).unwrap();
    let blobs = blobs.map(|blob| format!("blobs/sha256/{}", blob.unwrap().file_name().to_str().unwrap()));
    blobs.chain(["index.json".to_owned()]).map(|path| read(&path)).collect()
}

/// Runs the program with more environment, and gives its exit code and all it said.
fn run(world: &World, arguments: &str, pairs: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = world.command(arguments).envs(pairs.iter().copied()).output().unwrap();
    (output.status.code(), shown(&output))
}

#[test]
fn an_image_of_a_registry_is_scanned_described_compared_and_a_base() {
    let world = World::new();
    let registry = Registry::sound();
    registry.push("1", &layout(&world.path().join("app")));
    registry.push("base", &layout(&world.path().join("base")));
    let (app, base) = (format!("{}/team/app:1", registry.host()), format!("{}/team/app:base", registry.host()));
    let table = world.stdout(&format!("scan image {app} --base {base} --db none --no-cache"));
    assert!(table.contains(&format!("{app} (registry)")) && table.contains("express"), "{table}");
    assert!(table.contains("certain"), "the base is known by its layers: {table}");
    let bom = |image: &str| {
        let text = world.stdout(&format!("sbom image {image} --no-cache"));
        let mut bom: Value = serde_json::from_str(&text).unwrap();
        bom["components"].take()
    };
    assert_eq!(bom(&app), bom("app"));
    let difference = world.stdout(&format!("diff {app} app --db none"));
    assert!(!difference.contains("express"), "{difference}");
    // The cache makes the second one a matter of two requests.
    world.stdout(&format!("scan image {app} --db none"));
    registry.take_requests();
    world.stdout(&format!("scan image {app} --db none"));
    assert_eq!(registry.take_requests().len(), 2);
    // What is not there, and what cannot be.
    let (code, said) = run(&world, &format!("scan image {app}2"), &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error[artifact.absent]") && said.contains("there is no such file, and"), "{said}");
    let (code, said) = run(&world, "scan image app.tar --insecure", &[]);
    assert!(code == Some(2) && said.contains("--insecure is about a registry"), "{said}");
}

#[test]
fn images_of_manifests_are_scanned_those_of_volumes_as_those_of_containers() {
    let world = World::new();
    let registry = Registry::sound();
    registry.push("1", &layout(&world.path().join("app")));
    registry.push("base", &layout(&world.path().join("base")));
    let policy = "policy: no-express\nname: No express\nseverity: high\nstages: [deploy]\nenforce: true\nwhen: {Image \
                  Component: express=}\n";
    fs::write(world.path().join("policy.yaml"), policy).unwrap();
    let check = |volume: &str, options: &str| {
        let host = registry.host();
        let manifest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n  containers:\n  - name: a\n    image: \
             {host}/team/app:base\n    volumeMounts: [{{name: v, mountPath: /v}}]\n  volumes:\n  - name: v\n    image: \
             {{reference: '{host}/team/app:{volume}'}}\n"
        );
        fs::write(world.path().join("pod.yaml"), manifest).unwrap();
        let words = "check manifest pod.yaml --profile none --policy policy.yaml --format json";
        let (code, said) = run(&world, &format!("{words} {options} -o result.json"), &[]);
        let result = fs::read(world.path().join("result.json")).unwrap();
        (code, said, serde_json::from_slice::<Value>(&result).unwrap())
    };
    let (code, said, found) = check("1", "--images --db none");
    assert_eq!(code, Some(1), "{said}");
    let violation = &found["results"][0]["violations"][0];
    assert_eq!((&violation["path"], &violation["line"]), (&json!("spec.volumes[0].image.reference"), &json!(11)));
    assert!(violation["message"].as_str().unwrap().contains("team/app:1"), "{violation}");
    assert_eq!(check("base", "--images --db none").0, Some(0));
    // One that cannot be had is not passed, and one that nobody asked for is listed.
    let (code, said, found) = check("gone", "--images --db none");
    assert_eq!((code, &found["results"][0]["outcome"]), (Some(3), &json!("unknown")), "{said}");
    let (code, said, found) = check("1", "");
    assert_eq!((code, &found["results"][0]["outcome"]), (Some(0), &json!("not_evaluated")), "{said}");
}

#[test]
fn documents_beside_an_image_are_read_where_they_are() {
    let world = World::new();
    let vex = fs::read(world.path().join("app.openvex.json")).unwrap();
    let app = layout(&world.path().join("app"));
    let manifest = |registry: &Registry, image: Digest| {
        let layer = registry.put("", &vex);
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.openvex+json",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": registry.put("", b"{}"), "size": 2 },
            "layers": [{ "mediaType": "application/vnd.openvex+json", "digest": layer, "size": vex.len() }],
            "subject": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 1 },
        })
        .to_string()
    };
    let index = |digest: Digest, media_type: &str| {
        json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{ "mediaType": media_type, "digest": digest, "size": 1 }] })
        .to_string()
    };
    let suppressed = |registry: &Registry| {
        let text =
            world.stdout(&format!("scan image {}/team/app:1 --vex attached --format json --no-cache", registry.host()));
        let report: Value = serde_json::from_str(&text).unwrap();
        let findings = report["assessment"]["findings"].as_array().unwrap().clone();
        findings.iter().filter(|finding| !finding["suppressed"].is_null()).count()
    };
    // By the API, by the tag in its place, by cosign's tag, and about an index that the image is of.
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    assert_eq!(suppressed(&registry), 0);
    registry.refer(&image, manifest(&registry, image).as_bytes());
    assert_eq!(suppressed(&registry), 1);
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    let text = manifest(&registry, image);
    let referrer = registry.put("", text.as_bytes());
    let list = index(referrer, "application/vnd.oci.image.manifest.v1+json");
    registry.put(&format!("sha256-{}", image.hex()), list.as_bytes());
    assert_eq!(suppressed(&registry), 1);
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    let unnamed = manifest(&registry, Digest::of(b"another"));
    registry.put(&format!("sha256-{}.att", image.hex()), unnamed.as_bytes());
    assert_eq!(suppressed(&registry), 1);
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    let all = index(image, "application/vnd.oci.image.manifest.v1+json");
    let all = registry.put("1", all.as_bytes());
    registry.refer(&all, manifest(&registry, all).as_bytes());
    assert_eq!(suppressed(&registry), 1);
    // One that is damaged is told, and what it would have suppressed counts.
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    let mut cut: Value = serde_json::from_str(&manifest(&registry, image)).unwrap();
    cut["layers"][0]["digest"] = json!(registry.put("", &vex[..vex.len() / 2]));
    cut["layers"][0]["size"] = json!(vex.len() / 2);
    registry.refer(&image, cut.to_string().as_bytes());
    let arguments = format!("scan image {}/team/app:1 --vex attached --format json --no-cache", registry.host());
    let report: Value = serde_json::from_str(&world.stdout(&arguments)).unwrap();
    let told = report["assessment"]["diagnostics"].as_array().unwrap();
    let is_told = |told: &Value| {
        told["code"] == "vex.malformed"
            && told["message"].as_str().is_some_and(|text| text.contains("beside the image"))
    };
    assert!(told.iter().any(is_told), "{told:?}");
    assert_eq!(suppressed(&registry), 0);
}

#[test]
fn sboms_beside_an_image_add_packages_and_take_none_away() {
    let world = World::new();
    let bom = world.stdout("sbom image app --format cyclonedx");
    let mut bom: Value = serde_json::from_str(&bom).unwrap();
    let components = bom["components"].as_array_mut().unwrap();
    components.retain(|component| component["name"] != "express");
    components.push(
        json!({ "type": "library", "name": "only-there", "version": "9.9.9", "purl": "pkg:npm/only-there@9.9.9" }),
    );
    let bom = bom.to_string();
    let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom",
        "subject": [], "predicate": serde_json::from_str::<Value>(&bom).unwrap() });
    let app = layout(&world.path().join("app"));
    let manifest = |registry: &Registry, image: Digest, media_type: &str, document: &str| {
        let layer = registry.put("", document.as_bytes());
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": media_type,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": registry.put("", b"{}"), "size": 2 },
            "layers": [{ "mediaType": media_type, "digest": layer, "size": document.len() }],
            "subject": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 1 },
        })
        .to_string()
    };
    let scan = |registry: &Registry, options: &str| {
        let line = format!("scan image {}/team/app:1 --db none --no-cache {options}", registry.host());
        run(&world, &line, &[])
    };
    // By the API, as an attestation, and by cosign's tag.
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    let (code, said) = scan(&registry, "--sbom attached");
    assert!(code == Some(0) && said.contains("no SBOM lies beside the image"), "{said}");
    registry.refer(&image, manifest(&registry, image, "application/vnd.cyclonedx+json", &bom).as_bytes());
    let (code, said) = scan(&registry, "");
    assert!(code == Some(0) && !said.contains("only-there"), "nobody asked for it: {said}");
    let check = |registry: &Registry| {
        let (code, said) = scan(registry, "--sbom attached");
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("only-there") && said.contains("express"), "{said}");
        assert!(
            said.contains("whose signature was not checked") && said.contains("1 that the layers do not show"),
            "{said}"
        );
    };
    check(&registry);
    let text =
        world.stdout(&format!("sbom image {}/team/app:1 --format json --sbom attached --no-cache", registry.host()));
    let inventory: Value = serde_json::from_str(&text).unwrap();
    let packages = inventory["packages"].as_array().unwrap();
    let added = packages.iter().find(|package| package["name"] == "only-there").unwrap();
    assert_eq!(added["extra"][0][1], json!(Digest::of(bom.as_bytes())), "{added}");
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    registry
        .refer(&image, manifest(&registry, image, "application/vnd.in-toto+json", &statement.to_string()).as_bytes());
    check(&registry);
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    let unnamed = manifest(&registry, Digest::of(b"another"), "application/vnd.cyclonedx+json", &bom);
    registry.put(&format!("sha256-{}.sbom", image.hex()), unnamed.as_bytes());
    check(&registry);
    // What calls itself one and cannot be read was asked for; what is something else was not.
    let registry = Registry::sound();
    let image = registry.push("1", &app);
    registry
        .refer(&image, manifest(&registry, image, "application/vnd.dev.cosign.simplesigning.v1+json", "{}").as_bytes());
    assert_eq!(scan(&registry, "--sbom attached").0, Some(0));
    registry.refer(&image, manifest(&registry, image, "text/spdx", "SPDXVersion: SPDX-2.3").as_bytes());
    let (code, said) = scan(&registry, "--sbom attached");
    assert!(code == Some(3) && said.contains("beside the image cannot be read"), "{said}");
    let (code, said) = run(&world, "check image app.cdx.json --sbom attached", &[]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn logins_come_from_helpers_that_are_asked_once() {
    let world = World::new();
    let registry = Registry::new(|request, answer| match request.header("authorization") {
        // `me:secret`
        "Basic bWU6c2VjcmV0" => answer,
        _ => Answer::new(401, "").with("www-authenticate", "Basic realm=\"r\""),
    });
    registry.push("1", &layout(&world.path().join("app")));
    let (docker, programs) = (world.path().join("docker"), world.path().join("programs"));
    fs::create_dir_all(&docker).unwrap();
    fs::create_dir_all(&programs).unwrap();
    let helper = programs.join("docker-credential-vault");
    let script = "#!/bin/sh\n/bin/cat >> asked; echo \" $1\" >> asked\necho '{\"ServerURL\":\"x\",\"Username\":\"me\",\"Secret\":\"secret\"}'\n";
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let pairs = [("DOCKER_CONFIG", docker.to_str().unwrap()), ("PATH", programs.to_str().unwrap())];
    let scan = format!("scan image {}/team/app:1 --db none --no-cache", registry.host());
    for helpers in
        [r#"{"credsStore":"vault"}"#.to_owned(), format!(r#"{{"credHelpers":{{"{}":"vault"}}}}"#, registry.host())]
    {
        fs::write(docker.join("config.json"), helpers).unwrap();
        let _ = fs::remove_file(world.path().join("asked"));
        let (code, said) = run(&world, &scan, &pairs);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(fs::read_to_string(world.path().join("asked")).unwrap(), format!("{} get\n", registry.host()));
    }
    // One that is not there is told of when it is missed.
    fs::write(docker.join("config.json"), r#"{"credsStore":"none"}"#).unwrap();
    let (code, said) = run(&world, &scan, &pairs);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("error[registry.denied]") && said.contains("the credential helper \"none\" cannot be"),
        "{said}"
    );
    // REGISTRY_AUTH_FILE counts alone.
    let file = world.path().join("auth.json");
    fs::write(&file, format!(r#"{{"auths":{{"{}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#, registry.host())).unwrap();
    let (code, said) = run(&world, &scan, &[pairs[0], ("REGISTRY_AUTH_FILE", file.to_str().unwrap())]);
    assert_eq!(code, Some(0), "{said}");
}

/// `docker-registry`, until it is dropped.
pub(crate) struct RealRegistry(Child, pub(crate) SocketAddr);

impl Drop for RealRegistry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl RealRegistry {
    /// Starts one that asks for `me:secret` and has a certificate of an authority of its own, which is left in
    /// `authority.pem`.
    pub(crate) fn start(directory: &Path) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().unwrap();
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let write = |name: &str, text: &str| {
            fs::write(directory.join(name), text).unwrap();
            directory.join(name).display().to_string()
        };
        write("authority.pem", &pem);
        let (certificate, key) = (write("server.pem", &certificate.pem()), write("server.key", &key.serialize_pem()));
        let htpasswd = write("htpasswd", "me:$2y$04$xupaOoDRhgOscc98ZcoR8u4KqWJtz7sDmWWyTtoLXDTk165tMTx9q\n");
        // A port that is free now; whoever takes it first is told by its answers.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n  \
             tls:\n    certificate: {certificate}\n    key: {key}\nauth:\n  htpasswd:\n    realm: r\n    path: {htpasswd}\n",
            directory.join("registry").display()
        );
        let config = write("registry.yml", &config);
        let mut command = Command::new("/usr/bin/docker-registry");
        command.args(["serve", &config]).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Self(command.spawn().unwrap(), address);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the registry does not start");
            std::thread::yield_now();
        }
        started
    }

    /// Which program is not installed of this and of what puts images into it.
    pub(crate) fn lacks() -> Option<&'static str> {
        ["docker-registry", "skopeo"].into_iter().find(|program| !Path::new("/usr/bin").join(program).is_file())
    }

    /// Has skopeo put the world's `gzip.tar` there as `team/NAME`.
    pub(crate) fn push(&self, world: &World, name: &str, form: &str) {
        let status = Command::new("/usr/bin/skopeo")
            .args(["--insecure-policy", "copy", "--quiet", "--format", form, "--dest-tls-verify=false"])
            .args(["--dest-creds", "me:secret", "oci-archive:gzip.tar"])
            .arg(format!("docker://{}/team/{name}", self.1))
            .current_dir(world.path())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

/// A file with the login that it asks for, for the registry of this name.
pub(crate) fn logins(registry: &str) -> String {
    format!(r#"{{"auths":{{"{registry}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#)
}

#[test]
fn a_real_registry_with_a_login_and_tls_gives_what_skopeo_put_there() {
    if let Some(program) = RealRegistry::lacks() {
        println!("SKIP: {program} is not installed");
        return;
    }
    let world = World::new();
    let registry = RealRegistry::start(world.path());
    let at = format!("{}/team/app", registry.1);
    for (name, form) in [("app:1", "oci"), ("app:2", "v2s2")] {
        registry.push(&world, name, form);
    }
    let docker = world.path().join("docker");
    fs::create_dir_all(&docker).unwrap();
    fs::write(docker.join("config.json"), logins(&registry.1.to_string())).unwrap();
    let login = ("DOCKER_CONFIG", docker.to_str().unwrap());
    let bundle = ("SEKISHO_NETWORK__CA_BUNDLE", "authority.pem");
    let components = |text: &str| serde_json::from_str::<Value>(text).unwrap()["components"].take();
    let expected = components(&world.stdout("sbom image gzip.tar --no-cache"));
    for tag in ["1", "2"] {
        let output =
            world.command(&format!("sbom image {at}:{tag} --no-cache")).envs([login, bundle]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        assert_eq!(components(&String::from_utf8(output.stdout).unwrap()), expected);
    }
    let scan = format!("scan image {at}:1 --db none --no-cache");
    let (code, said) = run(&world, &scan, &[bundle]);
    assert!(code == Some(3) && said.contains("registry.denied") && said.contains("without a login"), "{said}");
    let (code, said) = run(&world, &scan, &[login]);
    assert!(code == Some(3) && said.contains("registry.unreachable") && said.contains("ertificate"), "{said}");
    let (code, said) = run(&world, &format!("{scan} --insecure"), &[login]);
    assert_eq!(code, Some(0), "{said}");
    let configured = format!("[\"{}\"]", registry.1);
    let (code, said) = run(&world, &scan, &[login, ("SEKISHO_REGISTRY__INSECURE", &configured)]);
    assert_eq!(code, Some(0), "{said}");
    // There is no API for referrers, and nothing is beside the image.
    let (code, said) = run(&world, &format!("scan image {at}:1 --vex attached --no-cache"), &[login, bundle]);
    assert!(code == Some(0) && !said.contains("could not be read"), "{said}");
}
