//! Parameters by the schema of their template, as the API server reads them: defaults are filled in, fields that are not in
//! it are dropped, and what is of another type is refused.
//!
//! Of the schema are read: `type`, `nullable`, `properties`, `required`, `additionalProperties`, `items`, `default`, `enum`,
//! `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`, `maxItems`, `x-kubernetes-int-or-string` and
//! `x-kubernetes-preserve-unknown-fields`. The rest (`pattern`, `format`, `oneOf` and its like, CEL) is not.

use sekisho_base::tree::{Field, Node, Value};
use std::collections::{HashMap, HashSet};

/// Whether `node` is as `schema` wants it, with what is not told to `told`. Both are as deep as their documents.
pub(super) fn apply(schema: &Node, node: &mut Node, path: &str, told: &mut impl FnMut(&Node, String)) -> bool {
    let mut is_fit = true;
    let mut wrong = |node: &Node, reason: String| {
        is_fit = false;
        told(node, reason);
    };
    let flag = |name: &str| schema.get(name).and_then(Node::as_bool) == Some(true);
    if node.is_null() && flag("nullable") {
        return true;
    }
    if let Some(wanted) = schema.get("type").and_then(Node::as_str)
        && !is_of(&node.value, wanted)
    {
        wrong(node, format!("{path} is {}, and the template wants {wanted}", node.kind()));
        return false;
    }
    if flag("x-kubernetes-int-or-string") && !matches!(node.value, Value::Integer(_) | Value::Text(_)) {
        wrong(node, format!("{path} is {}, and the template wants a whole number or a text", node.kind()));
    }
    let allowed = schema.get("enum").map(Node::items).unwrap_or_default();
    if !allowed.is_empty() && !allowed.contains(node) {
        wrong(node, format!("{path} is none of the values that the template lists"));
    }
    for reason in bounds(schema, node) {
        wrong(node, format!("{path} {reason}"));
    }
    let properties = schema.get("properties");
    match &mut node.value {
        Value::Map(fields) => {
            let additional = schema.get("additionalProperties").filter(|node| matches!(node.value, Value::Map(_)));
            let known: HashMap<&str, &Node> = properties
                .map(Node::fields)
                .unwrap_or_default()
                .iter()
                .map(|field| (field.name.as_str(), &field.node))
                .collect();
            // A null where there is a default and none is allowed is as nothing.
            fields.retain(|field| {
                let default = known.get(field.name.as_str()).filter(|schema| schema.get("default").is_some());
                let drops = default.is_some_and(|schema| schema.get("nullable").and_then(Node::as_bool) != Some(true));
                !(drops && field.node.is_null())
            });
            let mut there: HashSet<String> = fields.iter().map(|field| field.name.clone()).collect();
            for property in properties.map(Node::fields).unwrap_or_default() {
                let default = property.node.get("default");
                if let Some(default) = default.filter(|_| there.insert(property.name.clone())) {
                    fields.push(Field {
                        name: property.name.clone(),
                        place: default.place,
                        node: default.clone(),
                        repeated: false,
                    });
                }
            }
            let keeps = properties.is_none() || additional.is_some() || flag("x-kubernetes-preserve-unknown-fields");
            for field in fields.iter_mut() {
                let path = format!("{path}.{}", field.name);
                match known.get(field.name.as_str()).copied().or(additional) {
                    Some(schema) => is_fit &= apply(schema, &mut field.node, &path, told),
                    // It is dropped, which nobody may have meant.
                    None if !keeps => told(&field.node, format!("{path} is not in the template's schema")),
                    None => {}
                }
            }
            for required in schema.get("required").map(Node::items).unwrap_or_default() {
                let name = required.as_str().unwrap_or_default();
                if !there.contains(name) {
                    is_fit = false;
                    told(required, format!("{path}.{name} is missing, and the template requires it"));
                }
            }
            fields.retain(|field| keeps || known.contains_key(field.name.as_str()));
        }
        Value::List(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    is_fit &= apply(schema, item, &format!("{path}[{index}]"), told);
                }
            }
        }
        _ => {}
    }
    is_fit
}

fn is_of(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => matches!(value, Value::Text(_)),
        "boolean" => matches!(value, Value::Bool(_)),
        "integer" => {
            matches!(value, Value::Integer(_)) || matches!(value, Value::Float(number) if number.fract() == 0.0)
        }
        "number" => matches!(value, Value::Integer(_) | Value::Float(_)),
        "array" => matches!(value, Value::List(_)),
        "object" => matches!(value, Value::Map(_)),
        _ => true,
    }
}

/// Which bounds a value is beyond.
fn bounds(schema: &Node, node: &Node) -> Vec<String> {
    #[expect(clippy::cast_precision_loss, reason = "bounds are compared as numbers of JSON are")]
    let number = |node: &Node| match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    };
    let (low, high, measured) = match &node.value {
        Value::Integer(_) | Value::Float(_) => ("minimum", "maximum", number(node)),
        Value::Text(text) => ("minLength", "maxLength", Some(text.chars().count() as f64)),
        Value::List(items) => ("minItems", "maxItems", Some(items.len() as f64)),
        _ => return Vec::new(),
    };
    let bound = |name: &str| schema.get(name).and_then(number);
    let mut beyond = Vec::new();
    if let (Some(measured), Some(bound)) = (measured, bound(low))
        && measured < bound
    {
        beyond.push(format!("is below the template's {low} of {bound}"));
    }
    if let (Some(measured), Some(bound)) = (measured, bound(high))
        && measured > bound
    {
        beyond.push(format!("is beyond the template's {high} of {bound}"));
    }
    beyond
}
