//! What the API server asks, and what it is told: `AdmissionReview` of `admission.k8s.io/v1`
//! (<https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>).

use sekisho_base::tree::{Node, Value as Tree, from_json};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Bytes of a request. An object has at most 3 MiB where it is read and 1.5 MiB where it is stored, and an update brings
/// two of them.
pub const MOST_BYTES: usize = 7 << 20;
/// Values in a request; each costs memory, however short it is.
const MOST_VALUES: usize = 500_000;
/// Bytes of a request's id; the API server's are UUIDs.
const MOST_UID: usize = 128;
const VERSION: &str = "admission.k8s.io/v1";

/// Why a request cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReview {
    /// It is no JSON, or deeper than any object.
    #[error("the request is not JSON: {0}")]
    Malformed(String),
    /// It is larger than any object.
    #[error("the request is larger than {0}")]
    TooLarge(&'static str),
    /// It is something else.
    #[error("the request is no AdmissionReview but {0}")]
    Foreign(String),
    /// It is of a version that is not spoken.
    #[error("the request is of {0}, and only {VERSION} is spoken; set admissionReviewVersions of the webhook to [v1]")]
    Version(String),
    /// It lacks what every request has.
    #[error("the request has no {0}")]
    Lacks(&'static str),
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// Somebody connects to it.
    Connect,
}

/// A request for admission.
#[derive(Debug, Clone)]
pub struct Review {
    /// What tells the request from others.
    pub uid: String,
    /// What is done.
    pub operation: Operation,
    /// The API group of what it is done to; empty for the core.
    pub group: String,
    /// What it is done to, in the plural: `pods`.
    pub resource: String,
    /// The part of it: `exec`; empty for all of it.
    pub sub_resource: String,
    /// The namespace; empty for what is in none.
    pub namespace: String,
    /// The name; empty where the server is to make one.
    pub name: String,
    /// Who asks.
    pub user: String,
    /// Whether nothing is to come of it.
    pub dry_run: bool,
    /// The object as it would be.
    pub object: Option<Node>,
    /// The object as it was.
    pub old_object: Option<Node>,
    /// All of the request but its objects.
    pub request: Node,
}

impl Review {
    /// The request in the body of a call.
    pub fn read(body: &[u8]) -> Result<Self, BadReview> {
        if body.len() > MOST_BYTES {
            return Err(BadReview::TooLarge("7 MiB"));
        }
        // Every value but the first of a list or map stands behind a comma, every first one behind a bracket. Some of
        // these are in texts, so this counts more than there is.
        let values = body.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
        if values > MOST_VALUES {
            return Err(BadReview::TooLarge("500,000 values"));
        }
        let review = from_json(body).map_err(|error| BadReview::Malformed(error.reason))?;
        let text = |names: &[&str]| review.at(names).and_then(Node::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (text(&["apiVersion"]), text(&["kind"]));
        if kind != "AdmissionReview" || !version.starts_with("admission.k8s.io/") {
            return Err(BadReview::Foreign(match (kind.as_str(), review.kind()) {
                ("", what) => what.to_owned(),
                (kind, _) => format!("{kind:.64} of {version:.64}"),
            }));
        }
        if version != VERSION {
            return Err(BadReview::Version(format!("{version:.64}")));
        }
        let uid = text(&["request", "uid"]);
        if uid.is_empty() || uid.len() > MOST_UID {
            return Err(BadReview::Lacks("uid"));
        }
        let operation = match text(&["request", "operation"]).as_str() {
            "CREATE" => Operation::Create,
            "UPDATE" => Operation::Update,
            "DELETE" => Operation::Delete,
            "CONNECT" => Operation::Connect,
            _ => return Err(BadReview::Lacks("operation that is known")),
        };
        let mut read = Self {
            uid,
            operation,
            group: text(&["request", "resource", "group"]),
            resource: text(&["request", "resource", "resource"]),
            sub_resource: text(&["request", "subResource"]),
            namespace: text(&["request", "namespace"]),
            name: text(&["request", "name"]),
            user: text(&["request", "userInfo", "username"]),
            dry_run: review.at(&["request", "dryRun"]).and_then(Node::as_bool).unwrap_or(false),
            object: None,
            old_object: None,
            request: Node::default(),
        };
        if read.resource.is_empty() {
            return Err(BadReview::Lacks("resource"));
        }
        let mut request = review.take("request").unwrap_or_default();
        let Tree::Map(fields) = &mut request.value else { return Err(BadReview::Lacks("request")) };
        for name in ["object", "oldObject"] {
            // Of two fields of one name the last counts.
            while let Some(place) = fields.iter().position(|field| field.name == name) {
                let node = fields.remove(place).node;
                let slot = if name == "object" { &mut read.object } else { &mut read.old_object };
                *slot = Some(node).filter(|node| !node.is_null());
            }
        }
        read.request = request;
        Ok(read)
    }
}

/// The answer to the request of this id, as the body of a response. A text of `message` goes with a denial.
pub fn answer(
    uid: &str,
    allowed: bool,
    message: &str,
    warnings: &[String],
    annotations: &BTreeMap<&'static str, String>,
) -> Vec<u8> {
    let mut response = Map::new();
    response.insert("uid".to_owned(), json!(uid));
    response.insert("allowed".to_owned(), json!(allowed));
    if !allowed {
        response.insert("status".to_owned(), json!({"code": 403, "reason": "Forbidden", "message": message}));
    }
    if !warnings.is_empty() {
        response.insert("warnings".to_owned(), json!(warnings));
    }
    if !annotations.is_empty() {
        response.insert("auditAnnotations".to_owned(), json!(annotations));
    }
    let response = Value::Object(response);
    json!({"apiVersion": VERSION, "kind": "AdmissionReview", "response": response}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Review, BadReview> {
        Review::read(text.as_bytes())
    }

    #[test]
    fn what_is_no_request_is_refused_by_what_it_is() {
        let check = |text: &str, wanted: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        };
        check("", "is not JSON");
        check("{", "is not JSON");
        check(&"[".repeat(100_000), "recursion");
        check(&format!("[{}", "[],".repeat(400_000)), "500,000 values");
        check(&format!("\"{}\"", "x".repeat(MOST_BYTES)), "7 MiB");
        check("[]", "a list");
        check("null", "nothing");
        check(r#"{"kind":"Pod","apiVersion":"v1"}"#, "Pod of v1");
        check(r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}"#, "admissionReviewVersions");
        check(r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#, "no uid");
        let of = |request: &str| {
            format!(r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{request}}}"#)
        };
        check(&of("null"), "no uid");
        check(&of(r#"{"uid":7}"#), "no uid");
        check(&of(&format!(r#"{{"uid":"{}"}}"#, "x".repeat(200))), "no uid");
        check(&of(r#"{"uid":"1"}"#), "no operation");
        check(&of(r#"{"uid":"1","operation":"EAT"}"#), "no operation");
        check(&of(r#"{"uid":"1","operation":"CREATE"}"#), "no resource");
        let whole = of(
            r#"{"uid":"1","operation":"CREATE","resource":{"group":"","version":"v1","resource":"pods"},"object":null,"dryRun":true}"#,
        );
        let review = read(&whole).unwrap();
        assert!(review.object.is_none() && review.dry_run && review.operation == Operation::Create);
    }

    #[test]
    fn a_denial_says_why_and_an_answer_names_its_request() {
        let annotations = BTreeMap::from([("verdict", "denied".to_owned())]);
        let bytes = answer("u", false, "no", &["w".to_owned()], &annotations);
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            value,
            json!({"apiVersion": VERSION, "kind": "AdmissionReview", "response": {
                "uid": "u", "allowed": false, "status": {"code": 403, "reason": "Forbidden", "message": "no"},
                "warnings": ["w"], "auditAnnotations": {"verdict": "denied"},
            }})
        );
        let bytes = answer("u", true, "", &[], &BTreeMap::new());
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["response"], json!({"uid": "u", "allowed": true}));
    }
}
