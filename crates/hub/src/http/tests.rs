use super::*;
use crate::testing::{Ticking, inventory};
use axum::body::to_bytes;
use axum::http::HeaderMap;
use sekisho_api::endpoint::ENDPOINTS;
use sekisho_model::Inventory;
use sekisho_store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

struct World {
    router: Router,
    hub: Arc<Hub>,
    _directory: TempDir,
}

impl World {
    /// A hub in which `all` may do everything and `reader` may read.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("hub.db").display());
        let hub = Arc::new(Hub::new(Store::open(&url).await.unwrap(), Arc::new(Ticking::default())));
        let guard: Guard = Arc::new(|token, (_, access)| match (token, access) {
            (Some("all"), _) | (Some("reader"), Access::Read) => Ok(()),
            (Some("reader"), _) => Err(Code::RequestForbidden),
            _ => Err(Code::RequestUnauthenticated),
        });
        let limits = Limits { document_bytes: 1 << 20, ..Limits::default() };
        let router = router(Api::new(Arc::clone(&hub), guard, limits));
        Self { router, hub, _directory: directory }
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
        let request = Request::get(path).header("authorization", "Bearer reader").body(Body::empty()).unwrap();
        let (status, _, value) = self.ask(request).await;
        (status, value)
    }

    async fn put(&self, inventory: &Inventory) -> u16 {
        self.put_bytes(serde_json::to_vec(inventory).unwrap(), &[]).await.0
    }

    async fn put_bytes(&self, body: Vec<u8>, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut request = Request::put("/api/v1/inventories").header("authorization", "bearer all");
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
    let request = Request::delete("/api/v1/inventories/image-1").header("authorization", "Bearer all");
    assert_eq!(world.ask(request.body(Body::empty()).unwrap()).await.0, 204);
    assert_eq!(world.get("/api/v1/inventories/image-1").await.0, 404);
    assert_eq!(world.get("/api/v1/inventories/image-1/findings").await.0, 404);
    assert_eq!(world.get("/api/v1/inventories/image-2/findings").await, (200, json!({ "items": [] })));
}

#[tokio::test]
async fn who_may_not_is_told_so_at_each_endpoint() {
    let world = World::new().await;
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{identity}", "x").replace("{id}", "x");
        let ask = async |token: Option<&str>| {
            let mut request = Request::builder().method(endpoint.method.word().to_uppercase().as_str()).uri(&path);
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            world.ask(request.body(Body::empty()).unwrap()).await
        };
        for token in [None, Some("Bearer nobody"), Some("Bearer"), Some("Basic all"), Some("all")] {
            let (status, headers, problem) = ask(token).await;
            assert_eq!((status, &problem["code"]), (401, &json!("request.unauthenticated")), "{path} {token:?}");
            assert_eq!(headers["www-authenticate"], "Bearer");
            assert_eq!(headers["content-type"], "application/problem+json");
            assert!(headers.contains_key("x-request-id"));
        }
        let (status, ..) = ask(Some("Bearer reader")).await;
        assert_eq!(status == 403, endpoint.needs.1 == Access::Write, "{path}: {status}");
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
        ("/api/v1/inventories/x", 404, "request.absent", "no inventory \"x\""),
        ("/api/v1/inventories/%ff", 400, "request.malformed", "UTF-8"),
        ("/api/v1/vulnerabilities/CVE-1", 404, "request.absent", "CVE-1"),
        ("/api/v1/databases/current", 404, "request.absent", "no advisory database"),
    ] {
        let (found, problem) = world.get(path).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(part), "{path}: {problem}");
    }
    let request = Request::post("/api/v1/findings").header("authorization", "Bearer all").body(Body::empty()).unwrap();
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
        (bomb, &[("content-encoding", "zstd")], 413, "more than 1 MiB"),
        (zstd, &[], 400, "cannot read the document"),
        (vec![b' '; 2 << 20], &[], 413, "more than 1 MiB"),
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
        let request = Request::get("/api/v1/inventories").header("authorization", "Bearer all");
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
