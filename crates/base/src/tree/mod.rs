//! What documents in YAML and JSON say, with the place where they say it.
//!
//! YAML is read as Kubernetes and what stands around it read it: scalars by the rules of YAML 1.1 (`scalar`), the last
//! of several equal names, merges where they stand. JSON is read by the same reader when the place matters, and by
//! [`from_json`] when speed does.

mod scalar;
#[cfg(test)]
mod tests;
mod yaml;

pub use yaml::{documents, literal_documents};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A place in a text: line and column in characters, both from 1; zeros where a value was not read from a text with
/// places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A value and where it begins.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it begins.
    pub place: Place,
}

/// What a document can say.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number, or a whole one that is too large.
    Float(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name. Each name is there once.
    Map(Vec<Field>),
}

/// A value and its name.
#[derive(Debug, Clone)]
pub struct Field {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// The value.
    pub node: Node,
    /// Whether the name stood there before, with a value that does not count.
    pub repeated: bool,
}

// What says the same is equal, wherever it says it.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.node) == (&other.name, &other.node)
    }
}

/// Why a text, or one document of it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}: {reason}", .place.line)]
pub struct Malformed {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub reason: String,
}

impl Node {
    /// The value under `name`; none where this is no map, or has no such name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.fields().iter().find(|field| field.name == name).map(|field| &field.node)
    }

    /// The value under `name`, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        let Value::Map(fields) = &mut self.value else { return None };
        fields.iter_mut().find(|field| field.name == name).map(|field| &mut field.node)
    }

    /// The value under each of `names` in turn.
    pub fn at(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The value under `name`, taken out.
    pub fn take(self, name: &str) -> Option<Node> {
        let Value::Map(fields) = self.value else { return None };
        fields.into_iter().find(|field| field.name == name).map(|field| field.node)
    }

    /// The values of a list, taken out; none where this is none.
    pub fn into_items(self) -> Vec<Node> {
        match self.value {
            Value::List(items) => items,
            _ => Vec::new(),
        }
    }

    /// Puts a text under `name` where a map has nothing there.
    pub fn set_missing(&mut self, name: &str, text: &str) {
        let place = self.place;
        if self.get(name).is_none()
            && let Value::Map(fields) = &mut self.value
        {
            fields.push(Field {
                name: name.to_owned(),
                place,
                node: Node { value: Value::Text(text.to_owned()), place },
                repeated: false,
            });
        }
    }

    /// The values of a list; none where this is none.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The fields of a map; none where this is none.
    pub fn fields(&self) -> &[Field] {
        match &self.value {
            Value::Map(fields) => fields,
            _ => &[],
        }
    }

    /// The text, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, where this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The whole number, where this is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// About how many bytes of memory it takes beyond its own size.
    pub fn weight(&self) -> u64 {
        // What an allocation costs beyond its bytes.
        const EACH: u64 = 16;
        let size = |count: usize, of: usize| (count * of) as u64 + EACH;
        match &self.value {
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => 0,
            Value::Text(text) => text.len() as u64 + EACH,
            Value::List(items) => size(items.len(), size_of::<Self>()) + items.iter().map(Self::weight).sum::<u64>(),
            Value::Map(fields) => {
                let below = fields.iter().map(|field| field.name.len() as u64 + EACH + field.node.weight());
                size(fields.len(), size_of::<Field>()) + below.sum::<u64>()
            }
        }
    }

    /// Whether this is nothing.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// A text, number or truth value as text; none for anything else.
    pub fn scalar(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Value::Integer(number) => Some(Cow::Owned(number.to_string())),
            Value::Float(number) => Some(Cow::Owned(number.to_string())),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What this is, for messages: `a list`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// The one value of a text in JSON, without places. Depth is bounded by the parser.
pub fn from_json(text: &[u8]) -> Result<Node, Malformed> {
    serde_json::from_slice(text).map_err(|error| {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Malformed {
            place: Place { line: number(error.line()), column: number(error.column()) },
            reason: error.to_string(),
        }
    })
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => to.serialize_unit(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Integer(number) => to.serialize_i64(*number),
            Value::Float(number) => to.serialize_f64(*number),
            Value::Text(text) => to.serialize_str(text),
            Value::List(items) => to.collect_seq(items),
            Value::Map(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                for field in fields {
                    map.serialize_entry(&field.name, &field.node)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

fn placeless(value: Value) -> Node {
    Node { value, place: Place::default() }
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(placeless(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(placeless(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(placeless(Value::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(placeless(i64::try_from(value).map_or_else(|_| Value::Float(scalar::large(value)), Value::Integer)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(placeless(Value::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(placeless(Value::Text(value.to_owned())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Node, E> {
        Ok(placeless(Value::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(placeless(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = from.next_key()? {
            fields.set(name, Place::default(), from.next_value()?);
        }
        Ok(placeless(Value::Map(fields.finish())))
    }
}

/// The fields of a map that is being read, of which the last of each name stays.
#[derive(Debug, Default)]
struct Fields {
    fields: Vec<Field>,
    /// Where each name is, once there are many.
    places: Option<std::collections::HashMap<String, usize>>,
}

impl Fields {
    const MANY: usize = 32;

    /// Takes a field, in the place of one with its name.
    fn set(&mut self, name: String, place: Place, node: Node) {
        self.put(name, place, node, true);
    }

    /// Takes a field; one of a name that is there already goes in its place, or is left out.
    fn put(&mut self, name: String, place: Place, node: Node, replaces: bool) {
        if self.places.is_none() && self.fields.len() >= Self::MANY {
            let places = self.fields.iter().enumerate().map(|(index, field)| (field.name.clone(), index));
            self.places = Some(places.collect());
        }
        let known = match &mut self.places {
            None => self.fields.iter().position(|field| field.name == name),
            Some(places) => match places.entry(name.clone()) {
                std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(self.fields.len());
                    None
                }
            },
        };
        let field = Field { name, place, node, repeated: known.is_some() };
        match known {
            Some(index) if replaces => self.fields[index] = field,
            Some(_) => {}
            None => self.fields.push(field),
        }
    }

    fn finish(mut self) -> Vec<Field> {
        // Most maps have two or three fields, and room for four.
        self.fields.shrink_to_fit();
        self.fields
    }
}
