use super::*;
use crate::testing::{Ticking, inventory};
use axum::body::to_bytes;
use axum::http::HeaderMap;
use sekisho_api::endpoint::ENDPOINTS;
use sekisho_api::permission::Access;
use sekisho_identity::{Cost, Settings};
use sekisho_model::Inventory;
use sekisho_store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery staple";

struct World {
    router: Router,
    api: Arc<Api>,
    hub: Arc<Hub>,
    /// The token of one who may do everything.
    all: String,
    /// And of one who may look at everything.
    reader: String,
    _directory: TempDir,
}

impl World {
    /// A hub in which one token may do everything and another may look at everything.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        let hub = Arc::new(Hub::new(Store::open(&url).await.unwrap(), Arc::new(Ticking::default())));
        let cost = Cost { memory_kib: 8, passes: 1 };
        let settings = Settings { cost, ..Settings::default() };
        let identity = Arc::new(Identity::with(hub.store().clone(), Arc::new(Ticking::default()), settings));
        let first = identity.bootstrap().await.unwrap().unwrap();
        let limits = Limits { text_file_bytes: 1 << 20, ..Limits::default() };
        let api = Api::new(Arc::clone(&hub), identity, limits, Arc::new(|_, _| {}));
        let router = router(Arc::clone(&api));
        let mut world = Self { router, api, hub, all: String::new(), reader: String::new(), _directory: directory };
        let login = |password: &str| json!({ "name": "admin", "password": password });
        let made = world.tell("", "/api/v1/sessions", &login(first.password.expose())).await;
        assert_eq!((made.0, &made.1["must_change"]), (201, &json!(true)));
        let session = made.1["token"].as_str().unwrap().to_owned();
        let change = json!({ "present": first.password.expose(), "new": PASSWORD });
        let request = Request::put("/api/v1/me/password").header("authorization", format!("Bearer {session}"));
        let request = request.header("content-type", "application/json").body(Body::from(change.to_string())).unwrap();
        assert_eq!(world.ask(request).await.0, 204);
        let session =
            world.tell("", "/api/v1/sessions", &login(PASSWORD)).await.1["token"].as_str().unwrap().to_owned();
        let mut tokens = Vec::new();
        for role in ["admin", "auditor"] {
            let new = json!({ "name": role, "roles": [role], "expires_at": "1970-02-01T00:00:00Z" });
            let (status, made) = world.tell(&session, "/api/v1/tokens", &new).await;
            assert_eq!(status, 201, "{made}");
            tokens.push(made["token"].as_str().unwrap().to_owned());
        }
        [world.all, world.reader] = tokens.try_into().unwrap();
        world
    }

    /// Posts a document.
    async fn tell(&self, token: &str, path: &str, document: &Value) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {token}"));
        let (status, _, value) = self.ask(request.body(Body::from(document.to_string())).unwrap()).await;
        (status, value)
    }

    async fn ask(&self, request: Request<Body>) -> (u16, HeaderMap, Value) {
        let mut router = self.router.clone();
        let Ok(response) = router.call(request).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10 << 20).await.unwrap();
        let value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        (parts.status.as_u16(), parts.headers, value)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request =
            Request::get(path).header("authorization", format!("Bearer {}", self.reader)).body(Body::empty()).unwrap();
        let (status, _, value) = self.ask(request).await;
        (status, value)
    }

    async fn put(&self, inventory: &Inventory) -> u16 {
        self.put_bytes(serde_json::to_vec(inventory).unwrap(), &[]).await.0
    }

    async fn put_bytes(&self, body: Vec<u8>, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = Request::put("/api/v1/inventories").header("authorization", format!("bearer {}", self.all));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json; charset=utf-8");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, _, value) = self.ask(request.body(Body::from(body)).unwrap()).await;
        (status, value)
    }
}

#[tokio::test]
async fn what_is_put_is_listed_and_given_back() {
    let world = World::new().await;
    let one = inventory(1, 0, &[(true, 0, 1), (false, 1, 2)]);
    assert_eq!(world.put(&one).await, 204);
    assert_eq!(world.put(&inventory(2, 1, &[])).await, 204);
    let (status, list) = world.get("/api/v1/inventories?filter=packages%20%3E%200").await;
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["packages"]), (&json!("image-1"), &json!(2)));
    let (status, given) = world.get("/api/v1/inventories/image-1").await;
    assert_eq!((status, given), (200, serde_json::to_value(&one).unwrap()));
    assert_eq!(world.hub.store().inventory_get("image-1").await.unwrap(), Some(one));
    // A part at a time.
    let (_, first) = world.get("/api/v1/inventories?limit=1").await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = world.get(&format!("/api/v1/inventories?limit=1&cursor={next}")).await;
    assert_eq!((&second["items"][0]["name"], second.get("next")), (&json!("image-2"), None));
    let request =
        Request::delete("/api/v1/inventories/image-1").header("authorization", format!("Bearer {}", world.all));
    assert_eq!(world.ask(request.body(Body::empty()).unwrap()).await.0, 204);
    assert_eq!(world.get("/api/v1/inventories/image-1").await.0, 404);
    assert_eq!(world.get("/api/v1/inventories/image-1/findings").await.0, 404);
    assert_eq!(world.get("/api/v1/inventories/image-2/findings").await, (200, json!({ "items": [] })));
}

#[tokio::test]
async fn who_may_not_is_told_so_at_each_endpoint() {
    let world = World::new().await;
    let basic = format!("Basic {}", world.all);
    for endpoint in ENDPOINTS {
        let path = endpoint
            .path
            .replace("{identity}", "x")
            .replace("{id}", "x")
            .replace("{user}", "x")
            .replace("{token}", "x");
        if endpoint.needs == Needs::Nothing {
            continue;
        }
        let ask = async |token: Option<&str>| {
            let mut request = Request::builder().method(endpoint.method.word().to_uppercase().as_str()).uri(&path);
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            world.ask(request.body(Body::empty()).unwrap()).await
        };
        for token in [None, Some("Bearer nobody"), Some("Bearer"), Some(&*basic), Some(&*world.all)] {
            let (status, headers, problem) = ask(token).await;
            assert_eq!((status, &problem["code"]), (401, &json!("request.unauthenticated")), "{path} {token:?}");
            assert_eq!(headers["www-authenticate"], "Bearer");
            assert_eq!(headers["content-type"], "application/problem+json");
            assert!(headers.contains_key("x-request-id"));
        }
        let (status, ..) = ask(Some(&format!("Bearer {}", world.reader))).await;
        let writes = matches!(endpoint.needs, Needs::Permission(_, Access::Write));
        // What a token that may only look may do is asked further in, where something else is wrong first.
        assert!((status == 403) == writes || endpoint.needs == Needs::Login, "{path}: {status}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let world = World::new().await;
    for (path, status, code, part) in [
        ("/", 404, "request.absent", "nothing at this path"),
        ("/api/v1/inventorie", 404, "request.absent", "nothing"),
        ("/api/v1/inventories?filter=nam=x", 400, "request.filter", "there is no field `nam`"),
        ("/api/v1/inventories?limit=0", 400, "request.malformed", "from 1 to 1000"),
        ("/api/v1/inventories?limit=x", 400, "request.malformed", "limit"),
        ("/api/v1/inventories?cursor=*", 400, "request.malformed", "no cursor"),
        ("/api/v1/inventories?sort=name", 400, "request.malformed", "unknown field `sort`"),
        ("/api/v1/inventories?at=2026-01-01T00:00:00Z", 400, "request.malformed", "leave out `at`"),
        ("/api/v1/findings?at=yesterday", 400, "request.malformed", "at"),
        ("/api/v1/me?name=x", 400, "request.malformed", "without a query"),
        ("/api/v1/inventories/x", 404, "request.absent", "no inventory \"x\""),
        ("/api/v1/inventories/%ff", 400, "request.malformed", "UTF-8"),
        ("/api/v1/vulnerabilities/CVE-1", 404, "request.absent", "CVE-1"),
        ("/api/v1/databases/current", 404, "request.absent", "no advisory database"),
    ] {
        let (found, problem) = world.get(path).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{path}: {problem}");
    }
    let twice = Request::get("/api/v1/me").header("authorization", format!("Bearer {}", world.all));
    let twice = twice.header("authorization", format!("Bearer {}", world.reader)).body(Body::empty()).unwrap();
    assert_eq!(world.ask(twice).await.0, 401);
    let request = Request::post("/api/v1/findings")
        .header("authorization", format!("Bearer {}", world.all))
        .body(Body::empty())
        .unwrap();
    let (status, _, problem) = world.ask(request).await;
    assert_eq!((status, &problem["code"]), (405, &json!("request.method")));
}

#[tokio::test]
async fn documents_are_looked_at() {
    let world = World::new().await;
    let sound = inventory(1, 0, &[(true, 0, 1)]);
    let text = serde_json::to_vec(&sound).unwrap();
    let changed = |change: fn(&mut Inventory)| {
        let mut inventory = sound.clone();
        change(&mut inventory);
        serde_json::to_vec(&inventory).unwrap()
    };
    let zstd = zstd_of(&text);
    let bomb = zstd_of(&vec![b' '; 64 << 20]);
    let far = changed(|it| it.observed_at = "2999-01-01T00:00:00Z".parse().unwrap());
    for (body, headers, status, part) in [
        (text.clone(), &[("content-type", "text/plain")][..], 415, "text/plain"),
        (text.clone(), &[("content-encoding", "br")], 415, "br"),
        (text.clone(), &[("content-encoding", "zstd")], 400, "cannot inflate"),
        (zstd.clone(), &[("content-encoding", "zstd")], 204, ""),
        (bomb, &[("content-encoding", "zstd")], 413, "more than 1048576 bytes"),
        (zstd, &[], 400, "cannot read the document"),
        (vec![b' '; 2 << 20], &[], 413, "more than 1048576 bytes"),
        (b"{}".to_vec(), &[], 400, "cannot read the document"),
        (text[..text.len() / 2].to_vec(), &[], 400, "cannot read the document"),
        (changed(|it| it.schema = "sekisho.inventory/v2".to_owned()), &[], 400, "v2"),
        (changed(|it| it.source.name = String::new()), &[], 400, "from 1 to 4096 bytes"),
        (far, &[], 400, "set the clock"),
    ] {
        let (found, problem) = world.put_bytes(body, headers).await;
        assert_eq!(found, status, "{headers:?} {part}: {problem}");
        assert!(problem["detail"].as_str().unwrap_or_default().contains(part), "{problem}");
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let world = World::new().await;
    world.put(&inventory(1, 0, &[])).await;
    let ask = async |tag: &str| {
        let request = Request::get("/api/v1/inventories").header("authorization", format!("Bearer {}", world.all));
        world.ask(request.header("if-none-match", tag).body(Body::empty()).unwrap()).await
    };
    let (status, headers, _) = ask("\"other\"").await;
    assert_eq!(status, 200);
    let tag = headers["etag"].to_str().unwrap().to_owned();
    for same in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let (status, headers, body) = ask(&same).await;
        assert_eq!((status, headers["etag"].to_str().unwrap(), body), (304, &*tag, Value::Null), "{same}");
    }
    world.put(&inventory(2, 0, &[])).await;
    assert_eq!(ask(&tag).await.0, 200);
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[tokio::test]
async fn users_and_tokens_are_made_used_and_taken_back() {
    let world = World::new().await;
    // A token cannot make what outlives it, nor give what it does not have.
    let robot = json!({ "name": "ci", "robot": true, "roles": ["scanner"] });
    let (status, made) = world.tell(&world.all, "/api/v1/users", &robot).await;
    assert_eq!((status, made.get("password")), (201, None), "{made}");
    assert_eq!(world.tell(&world.all, "/api/v1/users", &robot).await.0, 409);
    assert_eq!(world.tell(&world.reader, "/api/v1/users", &robot).await.0, 403);
    let id = made["id"].as_str().unwrap();
    let token =
        |roles: &[&str]| json!({ "name": "ci", "owner": id, "roles": roles, "expires_at": "1970-01-20T00:00:00Z" });
    assert_eq!(world.tell(&world.all, "/api/v1/tokens", &token(&["admin"])).await.0, 403);
    let (status, made) = world.tell(&world.all, "/api/v1/tokens", &token(&["scanner"])).await;
    assert_eq!(status, 201, "{made}");
    let ask = async |path: &str, token: &Value| {
        let token = format!("Bearer {}", token.as_str().unwrap());
        world.ask(Request::get(path).header("authorization", token).body(Body::empty()).unwrap()).await
    };
    let (status, _, me) = ask("/api/v1/me", &made["token"]).await;
    assert_eq!((status, &me["name"], &me["roles"]), (200, &json!("ci"), &json!(["scanner"])));
    assert_eq!(ask("/api/v1/users", &made["token"]).await.0, 403);
    // What is listed shows neither secrets nor hashes of them.
    let (_, list) = world.get("/api/v1/tokens").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    let (_, users) = world.get("/api/v1/users?limit=1").await;
    assert_eq!((&users["items"][0]["name"], users["next"].is_string()), (&json!("admin"), true));
    for text in [list.to_string(), users.to_string()] {
        assert!(!text.contains("secret") && !text.contains("password") && !text.contains("argon2"), "{text}");
    }
    let revoke = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    let revoke = Request::delete(revoke).header("authorization", format!("Bearer {}", world.all));
    assert_eq!(world.ask(revoke.body(Body::empty()).unwrap()).await.0, 204);
    assert_eq!(ask("/api/v1/me", &made["token"]).await.0, 401);
    // All of that is in the log, whose chain holds.
    let (_, audit) = world.get("/api/v1/audit?limit=1000").await;
    let actions: Vec<&str> =
        audit["items"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions[..3], ["token.revoke", "token.add", "user.add"]);
    let (status, verdict) = world.get("/api/v1/audit/verdict").await;
    assert_eq!((status, &verdict["intact"], verdict.get("broken")), (200, &json!(actions.len()), None));
}

#[tokio::test]
async fn who_tries_too_often_waits() {
    let world = World::new().await;
    let wrong = json!({ "name": "admin", "password": "wrong wrong wrong" });
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(world.tell("", "/api/v1/sessions", &wrong).await.0);
    }
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn what_is_asked_is_counted_and_whether_it_can_be_is_told() {
    let world = World::new().await;
    world.put(&inventory(1, 0, &[])).await;
    world.get("/api/v1/inventories").await;
    world.get("/api/v1/inventories?limit=0").await;
    let text = world.api.metrics.text();
    for line in [
        "sekisho_hub_requests_total{operation=\"inventory_put\",status=\"2xx\"} 1",
        "sekisho_hub_requests_total{operation=\"inventory_list\",status=\"2xx\"} 1",
        "sekisho_hub_requests_total{operation=\"inventory_list\",status=\"4xx\"} 1",
        "sekisho_hub_judging_failures_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert_eq!(world.api.ready().await.status(), 200);
    world.hub.store().close().await;
    assert_eq!(world.api.ready().await.status(), 503);
    let (status, problem) = world.get("/api/v1/inventories").await;
    assert_eq!((status, &problem["code"]), (503, &json!("hub.unavailable")));
}
