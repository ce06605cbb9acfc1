//! The webhook as a cluster meets it: the program, a fake API server, a secret, a signal.

use crate::world::World;
use sekisho_testkit::apiserver::{ApiServer, WEBHOOKS};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

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
    let serving = lines.by_ref().find(|line| line.contains("\"serving\"")).unwrap();
    let address = serving.split("at ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
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
    check("admission serve --listen 256.0.0.1:1", &[], 3, "cannot listen at 256.0.0.1:1");
    check("admission manifests --namespace UP", &[], 2, "no name of a namespace");
    let twice = || world.command("admission ca").output().unwrap().stdout;
    let (first, second) = (twice(), twice());
    assert!(first.starts_with(b"-----BEGIN CERTIFICATE-----") && first == second, "it is kept");
    let rotated = world.command("admission ca --rotate").output().unwrap().stdout;
    assert!(rotated.starts_with(&first) && rotated.len() > first.len());
}
