//! What to change in an object: a field set to a value, in words and as JSON Patch.

use crate::manifest::{Object, steps};
use sekisho_base::tree::Value as Known;
use sekisho_model::{Fix, PatchOperation};
use serde_json::{Value, json};

/// Sets the field at `path` of `object` to `value`, with what has to be made on the way.
pub(crate) fn set(object: &Object, path: &str, value: Value) -> Fix {
    let text = format!("set {path} to {value}");
    let mut pointer = String::new();
    let mut node = Some(&object.node);
    let mut rest = steps(path);
    for step in rest.by_ref() {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        let below = node.and_then(|node| match (&node.value, step.parse::<usize>()) {
            (Known::List(items), Ok(index)) => items.get(index),
            _ => node.get(step).filter(|node| !node.is_null()),
        });
        if below.is_none() {
            break;
        }
        node = below;
    }
    // What is not there is made around the value. `add` replaces what is there.
    let missing: Vec<&str> = rest.collect();
    let value = missing.into_iter().rev().fold(value, |value, name| json!({name: value}));
    Fix { text, patch: vec![PatchOperation { op: "add".to_owned(), path: pointer, value: Some(value) }] }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sekisho_base::Limits;
    use sekisho_base::tree::{Node, from_json};

    /// The document after all changes.
    pub(crate) fn applied(node: &Node, fixes: &[Fix]) -> Node {
        let mut document = serde_json::to_value(node).unwrap();
        for operation in fixes.iter().flat_map(|fix| &fix.patch) {
            assert_eq!(operation.op, "add");
            let (above, name) = operation.path.rsplit_once('/').unwrap();
            let name = name.replace("~1", "/").replace("~0", "~");
            let value = operation.value.clone().unwrap();
            // An earlier change may have made what this one makes around its value.
            let to = document.pointer_mut(above).unwrap().as_object_mut().unwrap();
            merge(to.entry(name).or_insert(Value::Null), value);
        }
        from_json(document.to_string().as_bytes()).unwrap()
    }

    fn merge(to: &mut Value, from: Value) {
        match (to, from) {
            (Value::Object(to), Value::Object(from)) => {
                for (name, value) in from {
                    merge(to.entry(name).or_insert(Value::Null), value);
                }
            }
            (to, from) => *to = from,
        }
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
