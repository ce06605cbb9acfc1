//! A real API server, where `KUBEBUILDER_ASSETS` names a directory with `kube-apiserver` and `etcd`
//! (<https://book.kubebuilder.io/reference/envtest.html>).

use super::serving::Running;
use super::*;
use base64::Engine as _;
use sekisho_admission::Sources;
use sekisho_net::{Client, Network, Ways};
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &Path, arguments: &[String]) -> Process {
    let quiet = || Stdio::null();
    Process(Command::new(program).args(arguments).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().unwrap())
}

/// A port that nobody listened at a moment ago.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn pod(name: &str, privileged: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [
        {"name": "web", "image": "registry.example.org/web:1", "securityContext": {"privileged": privileged}}]}})
}

#[test]
fn a_real_api_server_refuses_and_warns_by_what_we_answer() {
    #[expect(clippy::disallowed_methods, reason = "the usual way to say where the server is, to tests alone")]
    let Ok(assets) = std::env::var("KUBEBUILDER_ASSETS") else {
        println!("SKIP: KUBEBUILDER_ASSETS names no API server");
        return;
    };
    let running = Running::start(enforcing(), Sources::default(), Duration::ZERO);
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(at("accounts.key"), key.serialize_pem()).unwrap();
    std::fs::write(at("accounts.pub"), key.public_key_pem()).unwrap();
    std::fs::write(at("tokens.csv"), "secret,admin,1,system:masters\n").unwrap();
    let (store, peers, secure) = (port(), port(), port());
    let store_url = format!("http://127.0.0.1:{store}");
    let _etcd = start(
        &Path::new(&assets).join("etcd"),
        &[
            format!("--data-dir={}", at("etcd")),
            format!("--listen-client-urls={store_url}"),
            format!("--advertise-client-urls={store_url}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peers}"),
            "--unsafe-no-fsync".to_owned(),
        ],
    );
    let _server = start(
        &Path::new(&assets).join("kube-apiserver"),
        &[
            format!("--etcd-servers={store_url}"),
            format!("--secure-port={secure}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", at("certificates")),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            format!("--token-auth-file={}", at("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", at("accounts.pub")),
            format!("--service-account-signing-key-file={}", at("accounts.key")),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ],
    );
    let client = Network::default().client_with(Ways { stays: true, unverified: true }).unwrap();
    let base = format!("https://127.0.0.1:{secure}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let post = |path: &str, body: &Value| {
            let request = client.post(format!("{base}{path}")).bearer_auth("secret");
            request.header("content-type", "application/json").body(body.to_string()).send()
        };
        ready(&client, &base).await;
        let port = running.address.port();
        let webhook = json!({
            "name": "enforce.admission.sekisho.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "timeoutSeconds": 10,
            "clientConfig": {
                "url": format!("https://127.0.0.1:{port}/validate/enforce"),
                "caBundle": base64::engine::general_purpose::STANDARD.encode(running.authorities.bundle()),
            },
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["*"], "resources": ["pods"]}],
        });
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "sekisho-admission"}, "webhooks": [webhook],
        });
        let made = post(sekisho_testkit::apiserver::WEBHOOKS, &configuration).await.unwrap();
        assert_eq!(made.status().as_u16(), 201, "{}", made.text().await.unwrap());
        let path = "/api/v1/namespaces/default/pods?dryRun=All";
        // The server learns of a new webhook a little later.
        let start = Instant::now();
        let refused = loop {
            let answer = post(path, &pod("bad", true)).await.unwrap();
            if answer.status().as_u16() != 201 {
                break answer;
            }
            assert!(start.elapsed() < Duration::from_mins(1), "the webhook is not asked");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        assert_eq!(refused.status().as_u16(), 403);
        let said: Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
        assert!(said["message"].as_str().unwrap().contains("[privileged]"), "{said}");
        let let_in = post(path, &pod("good", false)).await.unwrap();
        assert_eq!(let_in.status().as_u16(), 201);
        let warning = let_in.headers().get("warning").unwrap().to_str().unwrap().to_owned();
        assert!(warning.contains("sekisho: [escalation]"), "{warning}");
    });
}

async fn ready(client: &Client, base: &str) {
    let start = Instant::now();
    loop {
        let answer = client.get(format!("{base}/readyz")).bearer_auth("secret").send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(start.elapsed() < Duration::from_mins(2), "the API server does not start");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
