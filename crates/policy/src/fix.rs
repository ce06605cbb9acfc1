//! What to change in an object: a field set to a value, in words and as JSON Patch.

use crate::manifest::{Object, steps};
use sekisho_base::tree::Value as Known;
use sekisho_model::{Fix, PatchOperation};
use serde_json::map::{Entry, Map};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Sets the field at `path` of `object` to `value`, with what has to be made on the way.
pub(crate) fn set(object: &Object, path: &str, value: Value) -> Fix {
    let text = format!("set {path} to {value}");
    let mut pointer = String::new();
    let mut node = Some(&object.node);
    let mut op = "add";
    let mut rest = steps(path);
    for step in rest.by_ref() {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        let below = node.and_then(|node| match (&node.value, step.parse::<usize>()) {
            (Known::List(items), Ok(index)) => items.get(index),
            _ => node.get(step).filter(|node| !node.is_null()),
        });
        // What is put at a place of a list moves what is there.
        let listed = node.is_some_and(|node| matches!(node.value, Known::List(_)));
        op = if listed && below.is_some() { "replace" } else { "add" };
        if below.is_none() {
            break;
        }
        node = below;
    }
    // What is not there is made around the value. `add` replaces what is there in a map.
    let missing: Vec<&str> = rest.collect();
    let value = missing.into_iter().rev().fold(value, |value, name| json!({name: value}));
    Fix { text, patch: vec![PatchOperation { op: op.to_owned(), path: pointer, value: Some(value) }] }
}

/// All changes as one patch. Those of each fix make what is missing around their value, so that one after the other they
/// would undo each other. Of two that set a field to different values the first holds.
pub(crate) fn together<'a>(fixes: impl IntoIterator<Item = &'a Fix>) -> Vec<PatchOperation> {
    let mut made: BTreeMap<&str, (&str, Value)> = BTreeMap::new();
    for operation in fixes.into_iter().flat_map(|fix| &fix.patch) {
        let (path, Some(value)) = (operation.path.as_str(), &operation.value) else { continue };
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).skip(1);
        let above = ends.map(|end| path.split_at(end)).find(|(above, _)| made.contains_key(above));
        if let Some((above, rest)) = above {
            let Some((_, to)) = made.get_mut(above) else { continue };
            merge(to, rest.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(value.clone(), around));
            continue;
        }
        let mut value = value.clone();
        let first = format!("{path}/");
        let within = made.range(first.as_str()..).take_while(|(below, _)| below.starts_with(&first));
        for below in within.map(|(below, _)| *below).collect::<Vec<_>>() {
            let Some((_, earlier)) = made.remove(below) else { continue };
            let mut whole = below[first.len()..].rsplit('/').fold(earlier, around);
            merge(&mut whole, value);
            value = whole;
        }
        made.insert(path, (&operation.op, value));
    }
    let operation = |(path, (op, value)): (&str, (&str, Value))| PatchOperation {
        op: op.to_owned(),
        path: path.to_owned(),
        value: Some(value),
    };
    made.into_iter().map(operation).collect()
}

/// An object with `value` under the name that a step of a pointer means.
fn around(value: Value, step: &str) -> Value {
    Value::Object(Map::from_iter([(step.replace("~1", "/").replace("~0", "~"), value)]))
}

/// Adds what is not there.
fn merge(to: &mut Value, from: Value) {
    if let (Value::Object(to), Value::Object(from)) = (to, from) {
        for (name, value) in from {
            match to.entry(name) {
                Entry::Vacant(entry) => _ = entry.insert(value),
                Entry::Occupied(mut entry) => merge(entry.get_mut(), value),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sekisho_base::Limits;
    use sekisho_base::tree::{Node, from_json};

    /// The document after all changes, as RFC 6902 has them.
    pub(crate) fn applied(node: &Node, fixes: &[Fix]) -> Node {
        let mut document = serde_json::to_value(node).unwrap();
        for operation in together(fixes) {
            let (above, name) = operation.path.rsplit_once('/').unwrap();
            let name = name.replace("~1", "/").replace("~0", "~");
            match (document.pointer_mut(above).unwrap(), operation.op.as_str()) {
                (Value::Object(members), "add") => _ = members.insert(name, operation.value.unwrap()),
                (Value::Array(items), "replace") => items[name.parse::<usize>().unwrap()] = operation.value.unwrap(),
                (_, op) => panic!("{op} at {}", operation.path),
            }
        }
        from_json(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn fixes_work_together() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: a, args: [x, y], z: {b: 1}}\n";
        let object = crate::manifest::objects("x", text, &Limits::default()).0.remove(0);
        let check = |changes: &[(&str, Value)], expect: Value| {
            let fixes: Vec<Fix> = changes.iter().map(|(path, value)| set(&object, path, value.clone())).collect();
            assert_eq!(serde_json::to_value(together(&fixes)).unwrap(), expect, "{changes:?}");
        };
        let (context, container) = ("spec.containers[0].securityContext", "/spec/containers/0");
        let within = |name: &str| format!("{context}.{name}");
        check(
            &[
                (&within("privileged"), json!(false)),
                (&within("capabilities.drop"), json!(["ALL"])),
                (&within("capabilities.drop"), json!(["NET_RAW"])),
                (&within("capabilities.add"), json!([])),
                ("spec.hostPID", json!(false)),
                ("metadata.annotations[a/b~c]", json!("d")),
            ],
            json!([
                {"op": "add", "path": "/metadata", "value": {"annotations": {"a/b~c": "d"}}},
                {"op": "add", "path": format!("{container}/securityContext"),
                 "value": {"privileged": false, "capabilities": {"drop": ["ALL"], "add": []}}},
                {"op": "add", "path": "/spec/hostPID", "value": false},
            ]),
        );
        // One within the other, in either order.
        let z = format!("{container}/z");
        check(
            &[("spec.containers[0].z.b", json!(2)), ("spec.containers[0].z", json!({"b": 3, "c": 4}))],
            json!([{"op": "add", "path": z, "value": {"b": 2, "c": 4}}]),
        );
        check(
            &[("spec.containers[0].z", json!({"b": 3})), ("spec.containers[0].z.c", json!(4))],
            json!([{"op": "add", "path": z, "value": {"b": 3, "c": 4}}]),
        );
        // Where `add` would put one more into a list.
        check(
            &[("spec.containers[0].args[1]", json!("w"))],
            json!([{"op": "replace", "path": format!("{container}/args/1"), "value": "w"}]),
        );
    }

    #[test]
    fn what_is_not_there_is_made() {
        let text = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: a, securityContext: {privileged: true}}\n  - {name: b}\n";
        let object = crate::manifest::objects("x", text, &Limits::default()).0.remove(0);
        let check = |path: &str, pointer: &str, value: Value| {
            let operation = PatchOperation { op: "add".to_owned(), path: pointer.to_owned(), value: Some(value) };
            assert_eq!(set(&object, path, json!(false)).patch, [operation]);
        };
        check(
            "spec.containers[0].securityContext.privileged",
            "/spec/containers/0/securityContext/privileged",
            json!(false),
        );
        check(
            "spec.containers[1].securityContext.privileged",
            "/spec/containers/1/securityContext",
            json!({"privileged": false}),
        );
        check("spec.hostPID", "/spec/hostPID", json!(false));
        check("metadata.annotations[a/b~c]", "/metadata", json!({"annotations": {"a/b~c": false}}));
        assert_eq!(set(&object, "spec.hostPID", json!(false)).text, "set spec.hostPID to false");
    }
}
