//! As much of a Kubernetes API server as a webhook meets: it hands out and takes its objects, and calls the webhook as the
//! real one does, over TLS that is verified by the bundle and the name of the service and by nothing else.

use crate::server::{Answer, Request, Server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The path of webhook configurations.
pub const WEBHOOKS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/// An API server on the loopback interface that runs until the test ends.
#[derive(Clone)]
pub struct ApiServer {
    server: Server,
    objects: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiServer {
    /// One without objects.
    pub fn new() -> Self {
        let objects: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
        let held = Arc::clone(&objects);
        let server = Server::new(move |request| {
            let mut objects = held.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&mut objects, request)
        });
        Self { server, objects }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url("")
    }

    /// What came so far, as `METHOD path`; forgotten by this.
    pub fn take_requests(&self) -> Vec<String> {
        self.server.take_requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `object` at `path`.
    pub fn put(&self, path: &str, mut object: Value) {
        object["metadata"]["resourceVersion"] = json!("1");
        self.objects().insert(path.to_owned(), object);
    }

    /// The object at `path`.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.objects().get(path).cloned()
    }

    /// Calls the webhook at this place of a configuration, whose service is at `address`, and waits as long as the
    /// configuration says. What comes back is what the webhook says, or why it could not be called.
    pub fn call(
        &self,
        configuration: &str,
        place: usize,
        address: SocketAddr,
        review: &Value,
    ) -> Result<Value, String> {
        let object = self.get(&format!("{WEBHOOKS}/{configuration}")).ok_or("there is no such configuration")?;
        let webhook = &object["webhooks"][place];
        let client = &webhook["clientConfig"];
        let bundle = decode(client["caBundle"].as_str().ok_or("there is no caBundle")?);
        let text = |name: &str| client["service"][name].as_str().unwrap_or_default().to_owned();
        let host = format!("{}.{}.svc", text("name"), text("namespace"));
        let seconds = webhook["timeoutSeconds"].as_u64().unwrap_or(10);
        let path = format!("{}?timeout={seconds}s", text("path"));
        let (status, body) =
            post(address, &bundle, &host, &path, review.to_string().as_bytes(), Duration::from_secs(seconds))?;
        let body = String::from_utf8_lossy(&body);
        if status != 200 {
            return Err(format!("{status}: {body}"));
        }
        let answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        if answer["response"]["uid"] != review["request"]["uid"] {
            return Err(format!("the answer is to another request: {answer}"));
        }
        Ok(answer["response"].clone())
    }
}

fn answer(objects: &mut BTreeMap<String, Value>, request: &Request) -> Answer {
    let path = request.target.split('?').next().unwrap_or_default().to_owned();
    let refuse = |code: u16, message: &str| {
        Answer::new(code, json!({"kind": "Status", "code": code, "message": message}).to_string())
    };
    let Some(object) = objects.get_mut(&path) else { return refuse(404, "not found") };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match request.method.as_str() {
        "GET" => {}
        "PUT" if body["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] => {
            return refuse(409, "the object has been modified");
        }
        "PUT" => *object = body,
        "PATCH" if request.header("content-type") == "application/json-patch+json" => {
            let mut patched = object.clone();
            for operation in body.as_array().into_iter().flatten() {
                let at = operation["path"].as_str().unwrap_or_default();
                if operation["op"] == "test" {
                    if patched.pointer(at) != Some(&operation["value"]) {
                        return refuse(422, "the test failed");
                    }
                    continue;
                }
                let (above, name) = at.rsplit_once('/').unwrap_or_default();
                let Some(Value::Object(fields)) = patched.pointer_mut(above) else {
                    return refuse(422, "there is no such place");
                };
                fields.insert(name.to_owned(), operation["value"].clone());
            }
            *object = patched;
        }
        _ => return refuse(415, "this is not spoken"),
    }
    if request.method != "GET" {
        let version = object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse::<u64>().ok());
        object["metadata"]["resourceVersion"] = json!((version.unwrap_or(0) + 1).to_string());
    }
    Answer::new(200, object.to_string()).with("content-type", "application/json")
}

/// Bytes in base64; what is none counts for nothing.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for char in text.bytes() {
        let value = match char {
            b'A'..=b'Z' => char - b'A',
            b'a'..=b'z' => char - b'a' + 26,
            b'0'..=b'9' => char - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// Posts `body` to the server at `address`, which has to prove by an authority of `bundle` that it is `host`; status and
/// body of what it answers.
pub fn post(
    address: SocketAddr,
    bundle: &[u8],
    host: &str,
    path: &str,
    body: &[u8],
    patience: Duration,
) -> Result<(u16, Vec<u8>), String> {
    let mut stream = connect(address, bundle, host, patience)?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let said = |error: std::io::Error| error.to_string();
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).map_err(said)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(said)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("the answer has no head")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("the answer has no status")?;
    Ok((status, answer.split_off(end + 4)))
}

/// A connection to the server at `address`, which has to prove by an authority of `bundle` that it is `host`.
pub fn connect(
    address: SocketAddr,
    bundle: &[u8],
    host: &str,
    patience: Duration,
) -> Result<rustls::StreamOwned<rustls::ClientConnection, TcpStream>, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        roots.add(certificate.map_err(|error| said(&error))?).map_err(|error| said(&error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| said(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| said(&error))?;
    let connection = rustls::ClientConnection::new(Arc::new(config), name).map_err(|error| said(&error))?;
    let stream = TcpStream::connect_timeout(&address, patience).map_err(|error| said(&error))?;
    stream.set_read_timeout(Some(patience)).and_then(|()| stream.set_nodelay(true)).map_err(|error| said(&error))?;
    let mut stream = rustls::StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| said(&error))?;
    }
    Ok(stream)
}
