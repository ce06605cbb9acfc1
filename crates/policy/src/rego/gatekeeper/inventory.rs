//! Other objects, as templates see them in `data.inventory`.

use crate::manifest::Object;
use crate::rego::engine::value;
use regorus::Value;
use std::collections::BTreeMap;

/// `namespace[NAMESPACE][GROUP_VERSION][KIND][NAME]` and `cluster[GROUP_VERSION][KIND][NAME]`, below `inventory`. Objects
/// with numbers that JSON does not have are left out, as the API server would not have them.
pub(super) fn of(objects: &[Object]) -> Value {
    let mut tree = Tree::default();
    for object in objects {
        let Some(value) = value(&object.node) else { continue };
        let own = [object.api_version.as_str(), &object.kind, &object.name];
        let mut path = if object.namespace.is_empty() { vec!["cluster"] } else { vec!["namespace", &object.namespace] };
        path.extend(own);
        tree.put(&path, value);
    }
    let inventory: BTreeMap<Value, Value> = [(Value::from("inventory"), tree.into_value())].into();
    Value::from(inventory)
}

#[derive(Default)]
struct Tree {
    below: BTreeMap<String, Tree>,
    value: Option<Value>,
}

impl Tree {
    fn put(&mut self, path: &[&str], value: Value) {
        match path.split_first() {
            None => self.value = Some(value),
            Some((step, rest)) => self.below.entry((*step).to_owned()).or_default().put(rest, value),
        }
    }

    fn into_value(self) -> Value {
        self.value.unwrap_or_else(|| {
            let fields = self.below.into_iter().map(|(name, tree)| (Value::from(name), tree.into_value()));
            Value::from(fields.collect::<BTreeMap<_, _>>())
        })
    }
}
