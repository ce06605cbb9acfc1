//! YAML as a tree: events of the parser put together without recursion, within bounds on depth and on the number of nodes,
//! which aliases and merges count anew.

use super::{Fields, Malformed, Node, Place, Value, scalar};
use crate::limits::{LimitKey, Limits};
use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag, options};
use std::collections::HashMap;

/// How deep values may lie in each other.
const DEPTH: usize = 128;

/// The documents of a text in YAML or JSON, each as it can be read: one that is malformed leaves the others as they are.
/// Documents without anything in them are left out. All together have at most [`Limits::records`] values; what is beyond
/// is a malformed last document.
pub fn documents(text: &str, limits: &Limits) -> Vec<Result<Node, Malformed>> {
    read(text, limits, false)
}

/// The same, as programs see it that take every scalar for the text it is written as, and the first of several equal
/// names (yaml-cpp): only `~`, `null` and what is not there are nothing.
pub fn literal_documents(text: &str, limits: &Limits) -> Vec<Result<Node, Malformed>> {
    read(text, limits, true)
}

fn read(text: &str, limits: &Limits, literal: bool) -> Vec<Result<Node, Malformed>> {
    let options = options! { emit_comments: false, flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH };
    let mut parser = Parser::new_from_str_with_options(text.trim_start_matches('\u{feff}'), options);
    let mut found = Vec::new();
    let (stack, anchors) = (Vec::new(), HashMap::new());
    let mut builder = Builder { left: limits.records, limits, literal, stack, anchors, root: None };
    loop {
        let taken = match parser.next() {
            None => break,
            Some(Ok((event, span))) => builder.take(event, span),
            Some(Err(error)) => Err(Malformed { place: place(error.marker()), reason: error.info() }),
        };
        match taken {
            Ok(document) => found.extend(document.map(Ok)),
            Err(error) => {
                found.push(Err(error));
                builder.reset();
                if builder.left == 0 || !parser.proceed_next_document().unwrap_or(false) {
                    break;
                }
            }
        }
    }
    found
}

fn place(marker: &Marker) -> Place {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Place { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}

/// A list or map that is not yet whole.
enum Open {
    List { items: Vec<Node>, place: Place, anchor: usize },
    Map { fields: Fields, key: Option<(String, Place)>, place: Place, anchor: usize },
}

struct Builder<'l> {
    /// How many more nodes there may be.
    left: usize,
    limits: &'l Limits,
    /// Whether scalars are texts, and the first of equal names stays.
    literal: bool,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn reset(&mut self) {
        self.stack.clear();
        self.anchors.clear();
        self.root = None;
    }

    /// Takes what comes next; the document where that is its end.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Option<Node>, Malformed> {
        let at = place(&span.start);
        match event {
            Event::DocumentEnd => {
                let document = self.root.take();
                self.reset();
                // An empty document is nothing at all.
                return Ok(document.filter(|document| !document.is_null()));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(1, at)?;
                let plain = style == ScalarStyle::Plain;
                let value = if self.literal { Ok(literal(&text, plain)) } else { value(&text, plain, tag.as_deref()) };
                let node = Node { value: value.map_err(|reason| Malformed { place: at, reason })?, place: at };
                self.keep(anchor, &node, 1);
                // Only a plain `<<` merges, and none that is said to be a text.
                self.push(
                    node,
                    plain && text == "<<" && tag.is_none_or(|tag| standard(&tag).as_deref() == Some("merge")),
                )?;
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err(Malformed { place: at, reason: "an alias stands in what it is for".to_owned() });
                };
                let (node, size) = (Node { value: node.value.clone(), place: at }, *size);
                self.spend(size, at)?;
                self.push(node, false)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(Open::List { items: Vec::new(), place: at, anchor }, at)?;
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(Open::Map { fields: Fields::default(), key: None, place: at, anchor }, at)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (value, place, anchor) = match self.stack.pop() {
                    Some(Open::List { items, place, anchor }) => (Value::List(items), place, anchor),
                    Some(Open::Map { fields, place, anchor, .. }) => (Value::Map(fields.finish()), place, anchor),
                    // The parser closes what it opened.
                    None => return Ok(None),
                };
                let node = Node { value, place };
                if anchor != 0 {
                    let size = size(&node);
                    self.keep(anchor, &node, size);
                }
                self.push(node, false)?;
            }
            _ => {}
        }
        Ok(None)
    }

    fn open(&mut self, open: Open, at: Place) -> Result<(), Malformed> {
        self.spend(1, at)?;
        if self.stack.len() >= DEPTH {
            return Err(Malformed { place: at, reason: format!("values lie more than {DEPTH} deep in each other") });
        }
        self.stack.push(open);
        Ok(())
    }

    fn keep(&mut self, anchor: usize, node: &Node, size: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn spend(&mut self, nodes: usize, at: Place) -> Result<(), Malformed> {
        if let Some(left) = self.left.checked_sub(nodes) {
            self.left = left;
            return Ok(());
        }
        self.left = 0;
        Err(Malformed { place: at, reason: self.limits.exceeded(LimitKey::Records, "values").to_string() })
    }

    /// Puts a value where it belongs; `merges` says that, as a name, it is no name.
    fn push(&mut self, node: Node, merges: bool) -> Result<(), Malformed> {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { fields, key, .. }) => match key.take() {
                None if merges => *key = Some((MERGE.to_owned(), node.place)),
                None => {
                    let reason = || format!("a name must be a text, this is {}", node.kind());
                    let name = node.scalar().ok_or_else(|| Malformed { place: node.place, reason: reason() })?;
                    *key = Some((name.into_owned(), node.place));
                }
                Some((name, place)) if name == MERGE => {
                    merge(fields, &node, place)?;
                }
                Some((name, place)) => fields.put(name, place, node, !self.literal),
            },
        }
        Ok(())
    }
}

/// What stands for the name of a merge: no text can be it.
const MERGE: &str = "\u{0}<<";

/// Takes the fields of a map, or of the maps of a list of which the first go before.
fn merge(fields: &mut Fields, node: &Node, place: Place) -> Result<(), Malformed> {
    let maps = match &node.value {
        Value::Map(_) => std::slice::from_ref(node),
        Value::List(items) => items,
        _ => &[],
    };
    for map in maps.iter().rev() {
        let Value::Map(merged) = &map.value else {
            return Err(Malformed { place, reason: format!("maps can be merged, not {}", map.kind()) });
        };
        for field in merged {
            fields.set(field.name.clone(), field.place, field.node.clone());
        }
    }
    if maps.is_empty() && !matches!(node.value, Value::List(_)) {
        return Err(Malformed { place, reason: format!("maps can be merged, not {}", node.kind()) });
    }
    Ok(())
}

/// How many values a value is, itself included. As deep as the stack was.
fn size(node: &Node) -> usize {
    let mut count = 0;
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        count += 1;
        rest.extend(node.items());
        rest.extend(node.fields().iter().map(|field| &field.node));
    }
    count
}

/// A scalar as it is written.
fn literal(text: &str, plain: bool) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
        _ => Value::Text(text.to_owned()),
    }
}

/// The name of a tag that YAML defines: `binary` of `!!binary`.
fn standard(tag: &Tag) -> Option<String> {
    let whole = format!("{}{}", tag.handle(), tag.suffix());
    whole.strip_prefix("tag:yaml.org,2002:").map(str::to_owned)
}

/// A scalar by its tag, or else by how it looks where it stands without quotes. What a tag makes something else of, such as
/// `!!binary`, is refused: other programs would read another value.
fn value(text: &str, plain: bool, tag: Option<&Tag>) -> Result<Value, String> {
    let tag = tag.map(|tag| standard(tag).unwrap_or_default());
    let value = match tag.as_deref() {
        Some("null" | "bool" | "int" | "float" | "merge") => scalar::plain(text),
        None if plain => scalar::plain(text),
        // Tags that are somebody's own say nothing of what the value is.
        None | Some("" | "str") => Value::Text(text.to_owned()),
        Some(other) => return Err(format!("the tag !!{other} is not read: write the value itself")),
    };
    match tag.as_deref() {
        Some("null") if !matches!(value, Value::Null) => Err(format!("{text:?} is not null, as its tag says")),
        _ => Ok(value),
    }
}
