//! A registry in memory whose answers a test may spoil.

use crate::server::{Answer, Request, Server, file};
use sekisho_model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// All repositories hold the same.
#[derive(Default)]
struct Stored {
    blobs: BTreeMap<String, Vec<u8>>,
    /// Tags, each with the digest of its manifest.
    tags: BTreeMap<String, String>,
    /// The manifests that refer to each; `None` where there is no API for that.
    referrers: Option<BTreeMap<String, Vec<Value>>>,
}

/// A registry on the loopback interface that runs until the test ends.
#[derive(Clone)]
pub struct Registry {
    server: Server,
    stored: Arc<Mutex<Stored>>,
}

impl Registry {
    /// Answers as a registry does, and as `spoil` then makes of it.
    pub fn new(spoil: impl Fn(&Request, Answer) -> Answer + Send + Sync + 'static) -> Self {
        let stored: Arc<Mutex<Stored>> = Arc::default();
        let held = Arc::clone(&stored);
        let server = Server::new(move |request| {
            let answered = answer(&held.lock().unwrap_or_else(PoisonError::into_inner), request);
            spoil(request, answered)
        });
        Self { server, stored }
    }

    /// One that answers as it should.
    pub fn sound() -> Self {
        Self::new(|_, answer| answer)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.server.host()
    }

    /// What came so far, as `METHOD path`; forgotten by this.
    pub fn take_requests(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }

    /// The same, whole.
    pub fn requests(&self) -> Vec<Request> {
        self.server.take_requests()
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds all of an OCI layout, and under `tag` the one image of it, or else its index.
    pub fn push(&self, tag: &str, layout: &BTreeMap<String, Vec<u8>>) -> Digest {
        for (path, bytes) in layout {
            if let Some(hex) = path.strip_prefix("blobs/sha256/") {
                self.stored().blobs.insert(format!("sha256:{hex}"), bytes.clone());
            }
        }
        let index: Value = serde_json::from_slice(&layout["index.json"]).expect("an index");
        match index["manifests"].as_array().map(Vec::as_slice) {
            Some([one]) => {
                let digest = one["digest"].as_str().expect("a digest");
                self.stored().tags.insert(tag.to_owned(), digest.to_owned());
                digest.parse().expect("a digest")
            }
            _ => self.put(tag, &layout["index.json"]),
        }
    }

    /// Holds a manifest, an index or a blob, under `tag` unless that is empty.
    pub fn put(&self, tag: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let mut stored = self.stored();
        stored.blobs.insert(digest.to_string(), bytes.to_vec());
        if !tag.is_empty() {
            stored.tags.insert(tag.to_owned(), digest.to_string());
        }
        digest
    }

    /// Holds a manifest that refers to another, and tells of it by the API of OCI 1.1.
    pub fn refer(&self, to: &Digest, manifest: &[u8]) {
        let digest = self.put("", manifest);
        let entry = json!({ "mediaType": MANIFEST, "digest": digest, "size": manifest.len() });
        self.stored().referrers.get_or_insert_default().entry(to.to_string()).or_default().push(entry);
    }
}

fn answer(stored: &Stored, request: &Request) -> Answer {
    let path = request.target.strip_prefix("/v2/").unwrap_or("");
    let mut parts = path.rsplitn(3, '/');
    let (name, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let absent = || Answer::new(404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#);
    match kind {
        _ if path.is_empty() => Answer::new(200, "{}"),
        "manifests" => {
            let digest = stored.tags.get(name).map_or(name, String::as_str);
            let Some(bytes) = stored.blobs.get(digest) else { return absent() };
            let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
            let media_type = if value["manifests"].is_array() { INDEX } else { MANIFEST };
            Answer::new(200, bytes.clone()).with("content-type", media_type).with("docker-content-digest", digest)
        }
        "blobs" => stored.blobs.get(name).map_or_else(absent, |bytes| file(request, bytes, name)),
        "referrers" => match &stored.referrers {
            Some(referrers) => {
                let manifests = referrers.get(name).cloned().unwrap_or_default();
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
                Answer::new(200, index.to_string()).with("content-type", INDEX)
            }
            None => absent(),
        },
        _ => Answer::new(400, format!("{} {}", request.method, request.target)),
    }
}
