use super::serving::{HOST, Running};
use super::*;
use sekisho_admission::authority::Authorities;
use sekisho_admission::cluster::{Api, ApiError};
use sekisho_admission::manifests::{Deployment, NAME};
use sekisho_admission::rules::EXEMPT;
use sekisho_admission::{NamespaceSource, Sources};
use sekisho_base::tree::documents;
use sekisho_model::Fact;
use sekisho_policy::manifest::objects;
use sekisho_policy::pod_security::Standard;
use sekisho_policy::{Context, Surroundings};
use sekisho_policy::{Foreign, check_manifests};
use sekisho_testkit::apiserver::{ApiServer, WEBHOOKS};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn deployment() -> Deployment {
    Deployment {
        namespace: "sekisho-system".to_owned(),
        image: "registry.example.org/sekisho:1".to_owned(),
        fail_closed: false,
        timeout_seconds: 10,
        exempt: EXEMPT.map(str::to_owned).to_vec(),
        labels: true,
        all: false,
        bundle: None,
    }
}

fn webhooks(text: &str) -> Value {
    let nodes = documents(text, &Limits::default());
    let found = nodes.into_iter().map(|node| serde_json::to_value(node.unwrap()).unwrap());
    found.into_iter().find(|object| object["kind"] == "ValidatingWebhookConfiguration").unwrap()
}

fn account() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("namespace"), "sekisho-system").unwrap();
    std::fs::write(directory.path().join("token"), "secret\n").unwrap();
    directory
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The whole way: the configuration that we print, the bundle that we put into it, the call that the API server makes.
#[test]
fn the_api_server_calls_by_the_configuration_that_we_print_and_patch() {
    let running = Running::start(Rules::default(), Sources::default(), Duration::ZERO);
    let server = ApiServer::new();
    server.put(&format!("{WEBHOOKS}/{NAME}"), webhooks(&deployment().yaml()));
    let account = account();
    let api = Api::new(&server.url(), account.path()).unwrap();
    let refused = server.call(NAME, 0, running.address, &recorded("deployment-create"));
    assert_eq!(refused.unwrap_err(), "there is no caBundle");
    let bundle = running.authorities.bundle();
    wait(async {
        assert!(api.put_bundle(NAME, &bundle).await.unwrap());
        assert!(!api.put_bundle(NAME, &bundle).await.unwrap(), "nothing is written twice");
        let missing = api.put_bundle("another", &bundle).await.unwrap_err();
        assert!(matches!(missing, ApiError::Refused { status: 404, .. }), "{missing}");
    });
    let requests = server.take_requests();
    assert_eq!(requests.iter().filter(|request| request.starts_with("PATCH")).count(), 1, "{requests:?}");
    let object = server.get(&format!("{WEBHOOKS}/{NAME}")).unwrap();
    let names: Vec<&str> =
        object["webhooks"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "admission.sekisho.dev",
            "audit.admission.sekisho.dev",
            "warn.admission.sekisho.dev",
            "enforce.admission.sekisho.dev"
        ]
    );
    let allowed = |place| {
        let answer = server.call(NAME, place, running.address, &recorded("deployment-create")).unwrap();
        (answer["allowed"].as_bool().unwrap(), answer["auditAnnotations"]["mode"].clone())
    };
    assert_eq!(allowed(0), (true, json!("warn")));
    assert_eq!(allowed(1), (true, json!("audit")));
    assert_eq!(allowed(3), (false, json!("enforce")));
    assert_eq!(deployment().host(), HOST);
}

#[test]
fn authorities_are_kept_in_a_secret_that_two_servers_share() {
    let server = ApiServer::new();
    let path = "/api/v1/namespaces/sekisho-system/secrets/sekisho-admission";
    server.put(path, json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "sekisho-admission"}}));
    let account = account();
    let api = Api::new(&server.url(), account.path()).unwrap();
    wait(async {
        let (none, kept) = api.authorities("sekisho-admission").await.unwrap();
        let (_, late) = api.authorities("sekisho-admission").await.unwrap();
        assert_eq!(none, Authorities::default());
        let made = none.turned(now()).unwrap();
        api.put_authorities("sekisho-admission", kept, &made).await.unwrap();
        let lost = api.put_authorities("sekisho-admission", late, &none.turned(now()).unwrap()).await.unwrap_err();
        assert!(matches!(lost, ApiError::Refused { status: 409, .. }), "{lost}");
        assert_eq!(api.authorities("sekisho-admission").await.unwrap().0, made, "the first one stays");
    });
}

#[test]
fn namespaces_are_read() {
    let server = ApiServer::new();
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "shop", "labels": {"tier": "prod"}, "managedFields": [{"manager": "kubectl"}]}});
    server.put("/api/v1/namespaces/shop", object);
    let account = account();
    let api = Arc::new(Api::new(&server.url(), account.path()).unwrap());
    wait(async {
        let ask = |name: &str| NamespaceSource::namespace(&api, name.to_owned());
        let node = ask("shop").await.unwrap().node.clone();
        let metadata = json!({"name": "shop", "labels": {"tier": "prod"}, "resourceVersion": "1"});
        assert_eq!(serde_json::to_value(&node).unwrap()["metadata"], metadata);
        let missing = ask("gone").await.unwrap_err();
        assert!(missing.contains("404"), "{missing}");
        assert!(ask("../secrets/x").await.is_err());
    });
    assert_eq!(server.take_requests().len(), 2);
    let none = Api::new(&server.url(), std::path::Path::new("/nonexistent")).unwrap_err();
    assert!(matches!(none, ApiError::Account { .. }));
}

#[test]
fn what_we_print_is_what_we_would_let_in() {
    let text = deployment().yaml();
    let (found, diagnostics) = objects("deploy.yaml", &text, &Limits::default());
    assert_eq!(diagnostics, []);
    let kinds: Vec<&str> = found.iter().map(|object| object.kind.as_str()).collect();
    for kind in [
        "Namespace",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
        "Role",
        "ClusterRole",
        "Service",
        "PodDisruptionBudget",
        "Deployment",
        "ValidatingWebhookConfiguration",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let mut set = PolicySet::default();
    assert_eq!(set.add_shipped(None, &Limits::default()), []);
    set.standards.push("restricted".parse::<Standard>().unwrap());
    let around = Surroundings::default();
    let context = Context { around: &around, images: &|_| Fact::NotAsked, now: now(), limits: &Limits::default() };
    let checked = check_manifests(&set, &Foreign::default(), &found, &context);
    let enforced: Vec<_> = checked
        .results
        .iter()
        .filter(|it| it.outcome == sekisho_model::PolicyOutcome::Violated && checked.policies[it.policy].enforced)
        .collect();
    assert!(enforced.is_empty(), "{enforced:#?}");
    assert_eq!(checked.subjects.len(), 1);

    let configuration = webhooks(&text);
    for webhook in configuration["webhooks"].as_array().unwrap() {
        assert_eq!(webhook["sideEffects"], "None");
        assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
        assert_eq!(webhook["failurePolicy"], "Ignore");
        assert_eq!(webhook["timeoutSeconds"], 10);
        let exempt = &webhook["namespaceSelector"]["matchExpressions"][0]["values"];
        assert!(exempt.as_array().unwrap().contains(&json!("kube-system")), "{exempt}");
        assert!(exempt.as_array().unwrap().contains(&json!("sekisho-system")), "{exempt}");
    }
    let closed = Deployment { fail_closed: true, labels: false, bundle: Some("x".to_owned()), ..deployment() };
    let configuration = webhooks(&closed.yaml());
    assert_eq!(configuration["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(configuration["webhooks"][0]["failurePolicy"], "Fail");
    assert_eq!(configuration["webhooks"][0]["clientConfig"]["caBundle"], "eA==");

    // What is in no namespace is asked about once, and namespaces by their own labels.
    let configuration = webhooks(&Deployment { all: true, ..deployment() }.yaml());
    for (place, webhook) in configuration["webhooks"].as_array().unwrap().iter().enumerate() {
        let scopes: Vec<&str> =
            webhook["rules"].as_array().unwrap().iter().map(|it| it["scope"].as_str().unwrap()).collect();
        let wanted = if place == 0 { ["*", "Cluster", "*"] } else { ["Namespaced", "Cluster", "Namespaced"] };
        assert_eq!(scopes, wanted, "{}", webhook["name"]);
        assert_eq!(webhook["matchConditions"].as_array().unwrap().len(), 1);
        assert_eq!(webhook["rules"][0]["operations"], json!(["CREATE", "UPDATE", "DELETE"]));
    }
}
