//! What is asked of the API server itself: namespaces, the bundle of our webhook, the secret with our authorities.
//! Four plain calls; a client that knows every kind and watches would be ten times as much to build.

use crate::authority::{Authorities, AuthorityError, FILE};
use crate::images::Later;
use crate::service::NamespaceSource;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sekisho_base::tree::from_json;
use sekisho_net::{Client, Network, NetworkError, Ways};
use sekisho_policy::manifest::Object;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where Kubernetes puts what a pod needs to call its API server
/// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
pub const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Bytes of an answer: no object is larger.
const MOST: usize = 3 << 20;

/// Why the API server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is nothing by which it could be asked.
    #[error("cannot use the service account in {place}: {reason}")]
    Account {
        /// The directory.
        place: String,
        /// Why.
        reason: String,
    },
    /// The network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// It did not answer.
    #[error("cannot {attempt}: {reason}")]
    Unreachable {
        /// What was tried.
        attempt: String,
        /// Why.
        reason: String,
    },
    /// It said no.
    #[error("cannot {attempt}: the API server says {status}{reason}")]
    Refused {
        /// What was tried.
        attempt: String,
        /// The status of HTTP.
        status: u16,
        /// What it says, behind a colon.
        reason: String,
    },
    /// What it said is not of the form.
    #[error("cannot {attempt}: the answer is not of the form: {reason}")]
    Malformed {
        /// What was tried.
        attempt: String,
        /// Why.
        reason: String,
    },
    /// What a secret holds is not of the form.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// The API server, as a pod reaches it.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    /// Read anew for each call: it changes every hour.
    token: PathBuf,
    client: Client,
    /// The namespace that we are in.
    pub namespace: String,
}

impl Api {
    /// The one at `base`, such as `https://10.0.0.1:443`, by the service account in `directory`.
    pub fn new(base: &str, directory: &Path) -> Result<Self, ApiError> {
        let place = directory.display().to_string();
        let namespace = std::fs::read_to_string(directory.join("namespace"))
            .map_err(|error| ApiError::Account { place, reason: error.to_string() })?;
        let ca_bundles = Some(directory.join("ca.crt")).filter(|path| path.exists()).into_iter().collect();
        let network = Network { ca_bundles, ..Network::default() };
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            token: directory.join("token"),
            // The token is for this server and no other.
            client: network.client_with(Ways { stays: true, ..Ways::default() })?,
            namespace: namespace.trim().to_owned(),
        })
    }

    async fn call(
        &self,
        attempt: &str,
        method: &str,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<Value, ApiError> {
        let url = format!("{}{path}", self.base);
        let mut request = match method {
            "PATCH" => self.client.patch(&url),
            "PUT" => self.client.put(&url),
            _ => self.client.get(&url),
        };
        // Without a token the server says what is missing.
        if let Ok(token) = std::fs::read_to_string(&self.token) {
            request = request.bearer_auth(token.trim());
        }
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        let unreachable = |error: &dyn std::error::Error| {
            let chain = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
            ApiError::Unreachable { attempt: attempt.to_owned(), reason: chain.collect::<Vec<_>>().join(": ") }
        };
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST {
                let reason = "it is larger than any object".to_owned();
                return Err(ApiError::Malformed { attempt: attempt.to_owned(), reason });
            }
        }
        let value: Result<Value, _> = serde_json::from_slice(&bytes);
        if !status.is_success() {
            let told = value.ok().and_then(|value| Some(format!(": {}", value["message"].as_str()?)));
            let (status, reason) = (status.as_u16(), told.unwrap_or_default());
            return Err(ApiError::Refused { attempt: attempt.to_owned(), status, reason });
        }
        value.map_err(|error| ApiError::Malformed { attempt: attempt.to_owned(), reason: error.to_string() })
    }

    /// A namespace.
    pub async fn namespace(&self, name: &str) -> Result<Object, ApiError> {
        let attempt = format!("read the namespace {name}");
        let malformed = |reason: &str| ApiError::Malformed { attempt: attempt.clone(), reason: reason.to_owned() };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(malformed("that is no name of a namespace"));
        }
        let mut object = self.call(&attempt, "GET", &format!("/api/v1/namespaces/{name}"), None).await?;
        // Policies do not see who wrote which field.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let node = from_json(object.to_string().as_bytes()).map_err(|error| malformed(&error.reason))?;
        let object = Object::new("", node).filter(|object| object.kind == "Namespace" && object.name == name);
        object.ok_or_else(|| malformed("it is not that namespace"))
    }

    /// Puts `bundle` into all webhooks of a `ValidatingWebhookConfiguration`, where it is not there yet; says whether
    /// anything was changed.
    pub async fn put_bundle(&self, configuration: &str, bundle: &str) -> Result<bool, ApiError> {
        let path = format!("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{configuration}");
        let attempt = format!("read the webhook configuration {configuration}");
        let object = self.call(&attempt, "GET", &path, None).await?;
        let bundle = STANDARD.encode(bundle);
        let webhooks = object["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut patch = Vec::new();
        for (place, webhook) in webhooks.iter().enumerate() {
            if webhook["clientConfig"]["caBundle"] == bundle.as_str() {
                continue;
            }
            // Should somebody change the list meanwhile, nothing is written to the wrong one.
            patch.push(json!({"op": "test", "path": format!("/webhooks/{place}/name"), "value": webhook["name"]}));
            let at = format!("/webhooks/{place}/clientConfig/caBundle");
            patch.push(json!({"op": "add", "path": at, "value": bundle}));
        }
        if patch.is_empty() {
            return Ok(false);
        }
        let attempt = format!("write the webhook configuration {configuration}");
        let body = ("application/json-patch+json", Value::Array(patch).to_string());
        self.call(&attempt, "PATCH", &path, Some(body)).await?;
        Ok(true)
    }

    /// The authorities in a secret of our namespace, and the version by which it is written back. An empty secret holds
    /// none.
    pub async fn authorities(&self, secret: &str) -> Result<(Authorities, Kept), ApiError> {
        let attempt = format!("read the secret {secret}");
        let path = format!("/api/v1/namespaces/{}/secrets/{secret}", self.namespace);
        let object = self.call(&attempt, "GET", &path, None).await?;
        let authorities = match object["data"][FILE].as_str() {
            None => Authorities::default(),
            Some(text) => {
                let bytes = STANDARD
                    .decode(text)
                    .map_err(|error| ApiError::Malformed { attempt, reason: error.to_string() })?;
                Authorities::read(&format!("the secret {secret}"), &bytes)?
            }
        };
        Ok((authorities, Kept(object)))
    }

    /// Writes authorities into the secret, unless somebody else did since it was read: then it says no (409).
    pub async fn put_authorities(&self, secret: &str, kept: Kept, authorities: &Authorities) -> Result<(), ApiError> {
        let path = format!("/api/v1/namespaces/{}/secrets/{secret}", self.namespace);
        let Kept(mut object) = kept;
        object["data"] = json!({FILE: STANDARD.encode(authorities.write())});
        let body = ("application/json", object.to_string());
        self.call(&format!("write the secret {secret}"), "PUT", &path, Some(body)).await.map(|_| ())
    }
}

/// A secret as it was read.
#[derive(Debug)]
pub struct Kept(Value);

impl NamespaceSource for Arc<Api> {
    fn namespace(&self, name: String) -> Later<Arc<Object>> {
        let api = Self::clone(self);
        Box::pin(async move { Api::namespace(&api, &name).await.map(Arc::new).map_err(|error| error.to_string()) })
    }
}
