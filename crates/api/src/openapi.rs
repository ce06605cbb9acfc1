//! The `OpenAPI` 3.1 document, made from the table of endpoints.

use crate::endpoint::{Document, ENDPOINTS, Endpoint, Method};
use crate::filter::Field;
use crate::page::{MOST, USUAL};
use crate::problem;
use crate::problem::Problem;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use utoipa::ToSchema as _;
use utoipa::openapi::{RefOr, Schema};

/// The document as indented JSON with a final newline.
pub fn document() -> serde_json::Result<String> {
    let mut components: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    let mut parts = Vec::new();
    components.insert(Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema());
    Problem::schemas(&mut parts);
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        for document in [endpoint.takes, endpoint.gives].into_iter().flatten() {
            components.insert((document.name)(), (document.schema)());
            (document.parts)(&mut parts);
        }
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.word()] = operation(endpoint);
    }
    components.extend(parts);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sekisho hub",
            "version": "v1",
            "description": "What is asked of a hub, by people, tools and agents.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "schemas": components,
        },
    });
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

impl Method {
    /// As the document writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

fn refers(document: &Document) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", (document.name)()) })
}

fn operation(endpoint: &Endpoint) -> Value {
    let text = |name: &str, place: &str, about: &str| json!({ "name": name, "in": place, "required": place == "path", "description": about, "schema": { "type": "string" } });
    let mut parameters: Vec<Value> = endpoint.path_parameters().map(|name| text(name, "path", "which one")).collect();
    if let Some(fields) = endpoint.list {
        parameters.push(text("filter", "query", &filter_text(fields)));
        parameters.push(text("cursor", "query", "where to go on: `next` of the part before"));
        parameters.push(json!({
            "name": "limit", "in": "query", "required": false, "description": "entries at most",
            "schema": { "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL },
        }));
    }
    for parameter in endpoint.query {
        let mut described = text(parameter.name, "query", parameter.about);
        described["schema"]["format"] = "date-time".into();
        parameters.push(described);
    }
    let mut responses = Map::new();
    match &endpoint.gives {
        Some(document) => {
            let content = json!({ "application/json": { "schema": refers(document) } });
            responses.insert("200".to_owned(), json!({ "description": "what was asked for", "content": content }));
            if endpoint.method == Method::Get {
                responses.insert("304".to_owned(), json!({ "description": "it is as `If-None-Match` says" }));
            }
        }
        None => {
            responses.insert("204".to_owned(), json!({ "description": "it is done" }));
        }
    }
    let problem = json!({ problem::MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } });
    responses.insert("default".to_owned(), json!({ "description": "why it was not done", "content": problem }));
    let mut operation = json!({
        "operationId": endpoint.operation,
        "summary": endpoint.about,
        "description": format!("Needs permission to {} {}.", endpoint.needs.1.as_str(), endpoint.needs.0.as_str()),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(document) = &endpoint.takes {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": refers(document) } } });
    }
    operation
}

fn filter_text(fields: &[Field]) -> String {
    let mut text = "which entries: `severity >= high and not name : test`. Fields: ".to_owned();
    for (place, field) in fields.iter().enumerate() {
        let comma = if place == 0 { "" } else { "; " };
        let _ = write!(text, "{comma}`{}`, {}: {}", field.name, field.kind.expected(), field.about);
    }
    text
}
