//! The webhook as a cluster meets it: the program, a fake API server, a secret, a signal.

use crate::registry::{RealRegistry, logins};
use crate::world::World;
use sekisho_testkit::apiserver::{ApiServer, WEBHOOKS, post};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

fn review(privileged: bool) -> Value {
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "1", "operation": "CREATE", "namespace": "shop", "name": "web",
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "userInfo": {"username": "jane@example.org"},
        "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [
            {"name": "web", "image": "web:1", "securityContext": {"privileged": privileged}}]}},
    }})
}

#[test]
fn a_cluster_is_served_by_what_is_printed_for_it() {
    let world = World::new();
    let run = |arguments: &str| world.command(arguments).output().unwrap();
    let printed = run("admission manifests --image example.org/sekisho:1");
    assert_eq!(printed.status.code(), Some(0));
    let nodes =
        sekisho_base::tree::documents(std::str::from_utf8(&printed.stdout).unwrap(), &sekisho_base::Limits::default());
    let objects: Vec<Value> = nodes.into_iter().map(|node| serde_json::to_value(node.unwrap()).unwrap()).collect();
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap().clone();
    let server = ApiServer::new();
    server.put(&format!("{WEBHOOKS}/sekisho-admission"), of("ValidatingWebhookConfiguration"));
    let secret = "/api/v1/namespaces/sekisho-system/secrets/sekisho-admission";
    server.put(secret, of("Secret"));
    let account = world.path().join("account");
    std::fs::create_dir(&account).unwrap();
    std::fs::write(account.join("namespace"), "sekisho-system").unwrap();
    std::fs::write(account.join("token"), "secret").unwrap();
    let config = of("ConfigMap")["data"]["config.toml"].as_str().unwrap().to_owned();
    std::fs::write(world.path().join("admission.toml"), config).unwrap();

    let mut child = world
        .command("admission serve --config admission.toml --listen 127.0.0.1:0 --profile baseline")
        .env("SEKISHO_ADMISSION__LISTEN_METRICS", "127.0.0.1:0")
        .env("SEKISHO_ADMISSION__API_SERVER", server.url())
        .env("SEKISHO_ADMISSION__SERVICE_ACCOUNT", &account)
        .env("SEKISHO_ADMISSION__DRAIN_SECONDS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let (address, _) = addresses(&mut lines);
    let answer = |place, privileged| server.call("sekisho-admission", place, address, &review(privileged)).unwrap();
    assert_eq!(answer(0, true)["auditAnnotations"]["mode"], "warn");
    assert_eq!(answer(0, true)["allowed"], true);
    assert_eq!(answer(3, true)["allowed"], false);
    assert_eq!(answer(3, false)["allowed"], true);
    assert!(server.get(secret).unwrap()["data"]["authorities.json"].is_string());

    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let rest: Vec<String> = lines.collect();
    assert!(rest.last().unwrap().contains("\"stopped\""), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("\"outcome\":\"denied\"")), "{rest:?}");
}

/// Where the webhook and its metrics are, which it says once it serves.
fn addresses(lines: &mut impl Iterator<Item = String>) -> (SocketAddr, SocketAddr) {
    let serving = lines.find(|line| line.contains("\"serving\"")).unwrap();
    let after = |words: &str| serving.split(words).nth(1).unwrap().split([' ', ')']).next().unwrap().parse().unwrap();
    (after("\"at "), after("metrics at "))
}

/// Lets connections through once it is opened, and holds them until then.
struct Gate(SocketAddr, Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let door: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let held = Arc::clone(&door);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(here), held) = (stream, Arc::clone(&held)) else { return };
                std::thread::spawn(move || {
                    let (open, changed) = &*held;
                    drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
                    let Ok(there) = TcpStream::connect(target) else { return };
                    let (mut from, mut to) = (here.try_clone().unwrap(), there.try_clone().unwrap());
                    std::thread::spawn(move || {
                        // Whichever side ends it.
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                    let (mut from, mut to) = (there, here);
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        });
        Self(address, door)
    }

    fn open(&self) {
        *self.1.0.lock().unwrap() = true;
        self.1.1.notify_all();
    }
}

/// A child that ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_image_of_a_real_registry_is_unknown_until_it_answers_and_judged_by_its_digest_then() {
    if let Some(program) = RealRegistry::lacks() {
        println!("SKIP: {program} is not installed");
        return;
    }
    let world = World::new();
    let registry = RealRegistry::start(world.path());
    registry.push(&world, "app:1", "oci");
    // The digest as the registry has it.
    let gate = Gate::before(registry.1);
    let image = format!("{}/team/app:1", gate.0);
    // As a mounted pull secret has it.
    std::fs::write(world.path().join(".dockerconfigjson"), logins(&gate.0.to_string())).unwrap();
    let policies = "policy: no-express\nname: No image has express\nseverity: high\nstages: [deploy]\nenforce: true\nwhen: \
                    {Image Component: express=.*}\n";
    std::fs::write(world.path().join("images.yaml"), policies).unwrap();
    let child = world
        .command("admission serve --listen 127.0.0.1:0 --mode enforce --profile none --policy images.yaml")
        .env("SEKISHO_ADMISSION__LISTEN_METRICS", "127.0.0.1:0")
        .env("SEKISHO_ADMISSION__HOST", "localhost")
        .env("SEKISHO_ADMISSION__IMAGES", "true")
        .env("SEKISHO_REGISTRY__LOGIN_FILES", "[\".dockerconfigjson\"]")
        .env("SEKISHO_NETWORK__CA_BUNDLE", "authority.pem")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Serving(child);
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let (address, metrics) = addresses(&mut lines);
    let bundle = world.command("admission ca").output().unwrap().stdout;
    let mut review = review(false);
    review["request"]["object"]["spec"]["containers"][0]["image"] = json!(image);
    let body = review.to_string();
    let ask = |timeout: &str| {
        let path = format!("/validate?timeout={timeout}");
        let patience = Duration::from_mins(1);
        let (status, body) = post(address, &bundle, "localhost", &path, body.as_bytes(), patience).unwrap();
        assert_eq!(status, 200);
        serde_json::from_slice::<Value>(&body).unwrap()["response"].take()
    };
    let first = ask("1s");
    assert_eq!(
        (&first["allowed"], &first["auditAnnotations"]["unknown"]),
        (&json!(true), &json!("no-express")),
        "{first}"
    );
    assert!(first["warnings"].to_string().contains("it could not be looked up in time"), "{first}");
    assert!(first["auditAnnotations"]["images"].is_null(), "{first}");
    gate.open();
    // The same look-up, which went on.
    let second = ask("30s");
    assert_eq!(second["allowed"], json!(false), "{second}");
    assert!(second["status"]["message"].as_str().unwrap().contains("[no-express]"), "{second}");
    let pairs =
        [("SEKISHO_REGISTRY__LOGIN_FILES", "[\".dockerconfigjson\"]"), ("SEKISHO_NETWORK__CA_BUNDLE", "authority.pem")];
    let scanned =
        world.command(&format!("scan image {image} --db none --no-cache --format json")).envs(pairs).output().unwrap();
    let scanned: Value = serde_json::from_slice(&scanned.stdout).unwrap();
    let digest = scanned["inventory"]["image"]["manifest_digest"].as_str().unwrap();
    assert_eq!(second["auditAnnotations"]["images"], format!("{image}={digest}"));
    let third = ask("30s");
    assert_eq!(third["auditAnnotations"], second["auditAnnotations"]);
    let metrics = get(metrics, "/metrics");
    assert!(metrics.contains("sekisho_admission_images_kept_total 1\n"), "{metrics}");
    assert!(metrics.contains("sekisho_admission_registries_paused 0\n"), "{metrics}");
}

/// What is there without TLS.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_cannot_be_set_up_is_told() {
    let world = World::new();
    let check = |arguments: &str, pairs: &[(&str, &str)], code: i32, wanted: &str| {
        let output = world.command(arguments).envs(pairs.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains(wanted), "{arguments}: {said}");
    };
    let serve = "admission serve --listen 127.0.0.1:0";
    check(serve, &[("SEKISHO_ADMISSION__MODE", "block")], 2, "none of audit, warn and enforce");
    check(serve, &[("SEKISHO_ADMISSION__WARN_UNTIL", "[\"x=soon\"]")], 2, "admission.warn_until");
    check(serve, &[("SEKISHO_ADMISSION__ENFORCE_PERCENT", "101")], 2, "at most 100");
    check(serve, &[("SEKISHO_ADMISSION__SECRET", "x")], 3, "this is none");
    check(serve, &[("SEKISHO_ADMISSION__CERTIFICATE", "x.pem")], 2, "admission.key");
    check(&format!("{serve} --profile none"), &[], 2, "there is no policy to ask");
    check("admission serve --listen 256.0.0.1:1", &[], 3, "cannot listen at 256.0.0.1:1");
    check("admission manifests --namespace UP", &[], 2, "no name of a namespace");
    let twice = || world.command("admission ca").output().unwrap().stdout;
    let (first, second) = (twice(), twice());
    assert!(first.starts_with(b"-----BEGIN CERTIFICATE-----") && first == second, "it is kept");
    let rotated = world.command("admission ca --rotate").output().unwrap().stdout;
    assert!(rotated.starts_with(&first) && rotated.len() > first.len());
}
