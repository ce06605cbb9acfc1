//! What a file of rules holds, item by item, and how its YAML becomes that.

use super::report::{LoadCode, Problem, Snippet};
use crate::alert::Priority;
use crate::condition::{Operator, Quantifier, Takes};
use sekisho_base::tree::{Node, Place, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where something stands: the file and the place in it.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) file: Arc<Source>,
    pub(super) place: Place,
    pub(super) within: Vec<String>,
}

/// A file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
    /// How many problems were told of it: only the first have a line with them, since each costs a look through the text.
    pub(super) told: AtomicUsize,
}

/// How many problems of a file have a line with them.
const SHOWN: usize = 200;

impl At {
    pub(super) fn of(&self, node: &Node) -> Self {
        Self { place: node.place, ..self.clone() }
    }

    pub(super) fn inside(&self, node: &Node, what: impl Into<String>) -> Self {
        let mut at = self.of(node);
        at.within.push(what.into());
        at
    }

    pub(super) fn problem(&self, code: LoadCode, message: impl Into<String>) -> Problem {
        Problem {
            code,
            message: message.into(),
            hint: None,
            file: self.file.name.clone(),
            place: self.place,
            within: self.within.clone(),
            snippet: match self.file.told.fetch_add(1, Ordering::Relaxed) {
                0..SHOWN => Snippet::of(&self.file.text, self.place),
                _ => None,
            },
        }
    }
}

/// A problem without more ado.
pub(super) type Read<T> = Result<T, Box<Problem>>;

/// One item of a file.
#[derive(Debug)]
pub(super) enum Item {
    Engine(String, At),
    /// One of these plugins, each by name and version.
    Plugin(Vec<(String, String)>, At),
    List {
        name: String,
        items: Vec<String>,
        append: bool,
        at: At,
    },
    Macro {
        name: String,
        condition: Text,
        append: bool,
        at: At,
    },
    Rule(Box<RuleItem>),
    /// A change to a rule that is there: what is added to it, and what is replaced.
    Update {
        name: String,
        append: Option<Box<Update>>,
        replace: Option<Box<Update>>,
        at: At,
    },
    /// Switches a rule that is there on or off.
    Enable {
        name: String,
        enabled: bool,
        at: At,
    },
}

/// A condition or output, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) at: At,
}

/// A rule as it is written.
#[derive(Debug, Clone)]
pub(super) struct RuleItem {
    pub(super) name: String,
    pub(super) condition: Text,
    pub(super) output: Text,
    pub(super) description: String,
    pub(super) priority: Priority,
    pub(super) source: String,
    pub(super) enabled: bool,
    pub(super) warn_event_types: bool,
    pub(super) skip_unknown: bool,
    pub(super) tags: BTreeSet<String>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) capture: Capture,
    pub(super) at: At,
}

/// Whether an alert of a rule asks for the recording to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capture {
    /// Whether it does.
    pub wanted: bool,
    /// For how many milliseconds from the alert on; the default where it says nothing.
    pub duration: Option<u32>,
    /// Up to how many events.
    pub events: Option<u64>,
    /// Up to how many kilobytes.
    pub filesize: Option<u64>,
}

/// What is changed of a rule; `None` leaves it.
#[derive(Debug, Default)]
pub(super) struct Update {
    pub(super) condition: Option<Text>,
    pub(super) output: Option<Text>,
    pub(super) description: Option<String>,
    pub(super) priority: Option<Priority>,
    pub(super) tags: Option<BTreeSet<String>>,
    pub(super) exceptions: Option<Vec<Exception>>,
    pub(super) enabled: Option<bool>,
    pub(super) warn_event_types: Option<bool>,
    pub(super) skip_unknown: Option<bool>,
    pub(super) capture: Option<bool>,
    pub(super) capture_duration: Option<u32>,
}

/// An exception of a rule.
#[derive(Debug, Clone)]
pub(super) struct Exception {
    pub(super) name: String,
    pub(super) fields: Option<Entry>,
    pub(super) comps: Option<Entry>,
    pub(super) values: Vec<Entry>,
    pub(super) at: At,
}

/// A text or a list of such, in any depth.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    One(String),
    Many(Vec<Entry>),
}

/// What an item of a file is; nothing where it is no item that is known.
pub(super) fn read(node: &Node, file: &At, warnings: &mut Vec<Problem>) -> Read<Option<Item>> {
    let at = file.of(node);
    if !matches!(node.value, Value::Map(_)) {
        return Err(invalid(
            &at,
            format!("an item is to be a map with rule, macro, list or a requirement, not {}", node.kind()),
        ));
    }
    if let Some(version) = node.get("required_engine_version") {
        let at = file.inside(version, "required_engine_version");
        return Ok(Some(Item::Engine(text(node, "required_engine_version", &at)?, at)));
    }
    if node.get("list").is_some() {
        return list(node, &at, warnings).map(Some);
    }
    if node.get("macro").is_some() {
        return macro_item(node, &at, warnings).map(Some);
    }
    if node.get("rule").is_some() {
        return rule(node, &at, warnings).map(Some);
    }
    let mut problem = at.problem(LoadCode::UnknownItem, "the item is neither a rule nor a macro, list or requirement");
    let mut keys = node.fields().iter().map(|field| field.name.as_str());
    let kinds = ["rule", "macro", "list", "required_engine_version", "required_plugin_versions"];
    problem.hint = keys.find_map(|key| crate::near(key, kinds)).map(|near| format!("did you mean '{near}'?"));
    warnings.push(problem);
    Ok(None)
}

/// The plugins that an item requires, each with its alternatives.
pub(super) fn plugins(node: &Node, file: &At) -> Read<Vec<Item>> {
    let at = file.inside(node, "required_plugin_versions");
    let named = |node: &Node| -> Read<(String, String)> {
        let at = at.of(node);
        if !matches!(node.value, Value::Map(_)) {
            return Err(invalid(&at, "a required plugin is to be a map with name and version"));
        }
        Ok((text(node, "name", &at)?, text(node, "version", &at)?))
    };
    let Value::List(plugins) = &node.value else {
        return Err(invalid(&at, format!("required plugins are to be a list, not {}", node.kind())));
    };
    let mut items = Vec::new();
    for plugin in plugins {
        let mut alternatives = vec![named(plugin)?];
        if let Some(others) = plugin.get("alternatives") {
            if !matches!(others.value, Value::List(_)) {
                return Err(invalid(&at.of(others), "alternatives of a plugin are to be a list"));
            }
            for other in others.items() {
                alternatives.push(named(other)?);
            }
        }
        items.push(Item::Plugin(alternatives, at.of(plugin)));
    }
    Ok(items)
}

fn invalid(at: &At, message: impl Into<String>) -> Box<Problem> {
    Box::new(at.problem(LoadCode::YamlValidate, message))
}

/// The scalar under a key, which has to be there.
fn text(node: &Node, key: &str, at: &At) -> Read<String> {
    optional(node, key, at)?.ok_or_else(|| invalid(at, format!("the key '{key}' is missing")))
}

/// The scalar under a key.
fn optional(node: &Node, key: &str, at: &At) -> Read<Option<String>> {
    let Some(value) = node.get(key) else { return Ok(None) };
    let at = at.of(value);
    if value.is_null() {
        return Err(invalid(&at, format!("the key '{key}' has no value")));
    }
    let Some(text) = value.as_str() else {
        return Err(invalid(&at, format!("'{key}' is to be one value, not {}", value.kind())));
    };
    if text.is_empty() {
        return Err(invalid(&at, format!("'{key}' is empty")));
    }
    Ok(Some(text.to_owned()))
}

/// `true`, `yes` and the like, as YAML 1.1 has them.
fn flag(node: &Node, key: &str, at: &At) -> Read<Option<bool>> {
    let Some(text) = optional(node, key, at)? else { return Ok(None) };
    let capital = text
        .chars()
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + &text[first.len_utf8()..].to_lowercase());
    let lower = text.to_lowercase();
    let uniform = text == lower || text == text.to_uppercase() || capital.as_ref() == Some(&text);
    match lower.as_str() {
        "y" | "yes" | "true" | "on" if uniform => Ok(Some(true)),
        "n" | "no" | "false" | "off" if uniform => Ok(Some(false)),
        _ => Err(invalid(
            &node.get(key).map_or_else(|| at.clone(), |node| at.of(node)),
            format!("'{key}' is to be true or false, not '{text}'"),
        )),
    }
}

fn number<T: std::str::FromStr>(node: &Node, key: &str, at: &At) -> Read<Option<T>> {
    let Some(text) = optional(node, key, at)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| invalid(at, format!("'{key}' is to be a whole number, not '{text}'")))
}

/// Scalars under a key.
fn texts(node: &Node, key: &str, at: &At) -> Read<Option<Vec<String>>> {
    let Some(value) = node.get(key) else { return Ok(None) };
    let Value::List(items) = &value.value else {
        return Err(invalid(&at.of(value), format!("'{key}' is to be a list, not {}", value.kind())));
    };
    let item = |item: &Node| match &item.value {
        Value::Text(text) => Ok(text.clone()),
        // What YAML takes for nothing is a text here.
        Value::Null => Ok("null".to_owned()),
        _ => Err(invalid(&at.of(item), format!("items of '{key}' are to be texts, not {}", item.kind()))),
    };
    items.iter().map(item).collect::<Read<_>>().map(Some)
}

fn placed(node: &Node, key: &str, at: &At) -> Read<Option<Text>> {
    let Some(text) = optional(node, key, at)? else { return Ok(None) };
    Ok(node.get(key).map(|value| Text { text, at: at.inside(value, key) }))
}

fn required<T>(value: Option<T>, key: &str, at: &At) -> Read<T> {
    value.ok_or_else(|| invalid(at, format!("the key '{key}' is missing")))
}

/// Warns of keys that mean nothing here.
fn known_keys(node: &Node, known: &[&str], at: &At, warnings: &mut Vec<Problem>) {
    for field in node.fields().iter().filter(|field| !known.contains(&field.name.as_str())) {
        let at = At { place: field.place, ..at.clone() };
        let mut problem =
            at.problem(LoadCode::UnknownKey, format!("the key '{}' is not known and has no effect", field.name));
        problem.hint = crate::near(&field.name, known.iter().copied()).map(|near| format!("did you mean '{near}'?"));
        warnings.push(problem);
    }
}

/// Which keys are to be appended to, and which replaced.
type Override = (BTreeSet<String>, BTreeSet<String>);

const OVERRIDE_AND_APPEND: &str = "'override' and 'append: true' exclude each other";
const WRITE_OVERRIDE: &str = "say which key to append to under 'override', as in 'override: {condition: append}'";

fn overrides(
    node: &Node,
    append: &[&str],
    replace: &[&str],
    at: &At,
    warnings: &mut Vec<Problem>,
) -> Read<(bool, Override)> {
    let appends = flag(node, "append", at)?.unwrap_or(false);
    if appends {
        let mut problem = at.problem(LoadCode::DeprecatedItem, "'append' is deprecated");
        problem.hint = Some(WRITE_OVERRIDE.to_owned());
        warnings.push(problem);
    }
    let mut found = Override::default();
    let Some(value) = node.get("override") else { return Ok((appends, found)) };
    let at = at.inside(value, "override");
    if !matches!(value.value, Value::Map(_)) {
        return Err(invalid(
            &at,
            format!("'override' is to be a map from keys to append or replace, not {}", value.kind()),
        ));
    }
    for field in value.fields() {
        let (key, at) = (field.name.as_str(), At { place: field.place, ..at.clone() });
        let operation = field.node.as_str().unwrap_or_default();
        match operation {
            "append" if append.contains(&key) => found.0.insert(key.to_owned()),
            "replace" if replace.contains(&key) => found.1.insert(key.to_owned()),
            "append" if replace.contains(&key) => {
                return Err(invalid(&at, format!("'{key}' cannot be appended to, only replaced")));
            }
            "append" | "replace" => {
                let mut problem = invalid(&at, format!("'{key}' cannot be overridden"));
                let known = replace.iter().copied();
                problem.hint = crate::near(key, known).map(|near| format!("did you mean '{near}'?"));
                return Err(problem);
            }
            _ => {
                let can = if append.contains(&key) { "append or replace" } else { "replace" };
                return Err(invalid(
                    &at.of(&field.node),
                    format!("'{key}' can be overridden by {can}, not by '{operation}'"),
                ));
            }
        };
    }
    if appends && !(found.0.is_empty() && found.1.is_empty()) {
        let mut problem = invalid(&at, OVERRIDE_AND_APPEND);
        problem.hint = Some(WRITE_OVERRIDE.to_owned());
        return Err(problem);
    }
    Ok((appends, found))
}

fn list(node: &Node, at: &At, warnings: &mut Vec<Problem>) -> Read<Item> {
    let name = text(node, "list", at)?;
    let at = at.inside(node, format!("list '{name}'"));
    if !crate::condition::is_list_name(&name) {
        let message = "a list with blanks, brackets, quotes, commas or equals signs in its name cannot be used";
        warnings.push(at.problem(LoadCode::InvalidListName, message));
    }
    known_keys(node, &["list", "items", "append", "override"], &at, warnings);
    let items = required(texts(node, "items", &at)?, "items", &at)?;
    let (append, (appended, _)) = overrides(node, &["items"], &["items"], &at, warnings)?;
    Ok(Item::List { name, items, append: append || !appended.is_empty(), at })
}

fn macro_item(node: &Node, at: &At, warnings: &mut Vec<Problem>) -> Read<Item> {
    let name = text(node, "macro", at)?;
    let at = at.inside(node, format!("macro '{name}'"));
    if !crate::condition::is_identifier(&name) {
        let message = "a macro with anything but letters, digits and underscores in its name cannot be used";
        warnings.push(at.problem(LoadCode::InvalidMacroName, message));
    }
    known_keys(node, &["macro", "condition", "append", "override"], &at, warnings);
    let condition = required(placed(node, "condition", &at)?, "condition", &at)?;
    let (append, (appended, _)) = overrides(node, &["condition"], &["condition"], &at, warnings)?;
    Ok(Item::Macro { name, condition, append: append || !appended.is_empty(), at })
}

const RULE_KEYS: [&str; 18] = [
    "rule",
    "desc",
    "condition",
    "output",
    "priority",
    "source",
    "enabled",
    "tags",
    "exceptions",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "append",
    "override",
    "capture",
    "capture_duration",
    "capture_events",
    "capture_filesize",
    "metadata",
];
const APPENDABLE: [&str; 5] = ["condition", "output", "desc", "tags", "exceptions"];
const REPLACEABLE: [&str; 11] = [
    "condition",
    "output",
    "desc",
    "priority",
    "tags",
    "exceptions",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
];

fn rule(node: &Node, at: &At, warnings: &mut Vec<Problem>) -> Read<Item> {
    let name = text(node, "rule", at)?;
    let at = at.inside(node, format!("rule '{name}'"));
    known_keys(node, &RULE_KEYS, &at, warnings);
    let (append, (appended, replaced)) = overrides(node, &APPENDABLE, &REPLACEABLE, &at, warnings)?;
    if append {
        let keys = ["condition", "exceptions"].map(str::to_owned).into();
        return Ok(Item::Update {
            append: Some(Box::new(update(node, &keys, &at, warnings)?)),
            replace: None,
            name,
            at,
        });
    }
    if !appended.is_empty() || !replaced.is_empty() {
        for key in appended.iter().chain(&replaced) {
            if node.get(key).is_none() {
                return Err(invalid(&at, format!("'{key}' is under 'override', but the item has no such key")));
            }
        }
        for field in node.fields() {
            let key = field.name.as_str();
            if REPLACEABLE.contains(&key) && !appended.contains(key) && !replaced.contains(key) {
                let at = At { place: field.place, ..at };
                return Err(invalid(&at, format!("'override' does not say what to do with '{key}'")));
            }
        }
        let mut change = |keys: &BTreeSet<String>| -> Read<Option<Box<Update>>> {
            if keys.is_empty() { Ok(None) } else { update(node, keys, &at, warnings).map(Box::new).map(Some) }
        };
        return Ok(Item::Update { append: change(&appended)?, replace: change(&replaced)?, name, at });
    }
    if ["condition", "output", "desc", "priority"].iter().all(|key| node.get(key).is_none()) {
        let enabled = required(flag(node, "enabled", &at)?, "enabled", &at)?;
        let mut problem = at.problem(LoadCode::DeprecatedItem, "'enabled' without 'override' is deprecated");
        problem.hint = Some("add 'override: {enabled: replace}'".to_owned());
        warnings.push(problem);
        return Ok(Item::Enable { name, enabled, at });
    }
    let condition = required(placed(node, "condition", &at)?, "condition", &at)?;
    let mut output = required(placed(node, "output", &at)?, "output", &at)?;
    output.text.truncate(output.text.trim_end().len());
    output.text.drain(..output.text.len() - output.text.trim_start().len());
    let capture = Capture {
        wanted: flag(node, "capture", &at)?.unwrap_or(false),
        duration: number(node, "capture_duration", &at)?,
        events: number(node, "capture_events", &at)?,
        filesize: number(node, "capture_filesize", &at)?,
    };
    Ok(Item::Rule(Box::new(RuleItem {
        condition,
        output,
        description: text(node, "desc", &at)?,
        priority: required(priority(node, &at)?, "priority", &at)?,
        source: optional(node, "source", &at)?.unwrap_or_else(|| "syscall".to_owned()),
        enabled: flag(node, "enabled", &at)?.unwrap_or(true),
        warn_event_types: flag(node, "warn_evttypes", &at)?.unwrap_or(true),
        skip_unknown: flag(node, "skip-if-unknown-filter", &at)?.unwrap_or(false),
        tags: texts(node, "tags", &at)?.unwrap_or_default().into_iter().collect(),
        exceptions: exceptions(node, false, &at, warnings)?,
        capture,
        name,
        at,
    })))
}

fn priority(node: &Node, at: &At) -> Read<Option<Priority>> {
    let Some(text) = optional(node, "priority", at)? else { return Ok(None) };
    let at = node.get("priority").map_or_else(|| at.clone(), |node| at.inside(node, "priority"));
    Priority::of(&text).map(Some).ok_or_else(|| {
        let names: Vec<&str> = Priority::ALL.iter().map(|priority| priority.as_str()).collect();
        let mut problem = invalid(&at, format!("there is no priority '{text}'"));
        problem.hint = Some(format!("priorities are {}", names.join(", ")));
        problem
    })
}

/// What the keys say that are in `keys`.
fn update(node: &Node, keys: &BTreeSet<String>, at: &At, warnings: &mut Vec<Problem>) -> Read<Update> {
    let has = |key: &str| keys.contains(key) && node.get(key).is_some();
    let mut update = Update::default();
    if has("condition") {
        update.condition = placed(node, "condition", at)?;
    }
    if has("output") {
        update.output = placed(node, "output", at)?;
    }
    if has("desc") {
        update.description = optional(node, "desc", at)?;
    }
    if has("priority") {
        update.priority = priority(node, at)?;
    }
    if has("tags") {
        update.tags = texts(node, "tags", at)?.map(|tags| tags.into_iter().collect());
    }
    if has("exceptions") {
        update.exceptions = Some(exceptions(node, true, at, warnings)?);
    }
    for (key, to) in [
        ("enabled", &mut update.enabled),
        ("warn_evttypes", &mut update.warn_event_types),
        ("skip-if-unknown-filter", &mut update.skip_unknown),
        ("capture", &mut update.capture),
    ] {
        if has(key) {
            *to = flag(node, key, at)?;
        }
    }
    if has("capture_duration") {
        update.capture_duration = number(node, "capture_duration", at)?;
    }
    Ok(update)
}

fn exceptions(node: &Node, append: bool, at: &At, warnings: &mut Vec<Problem>) -> Read<Vec<Exception>> {
    let Some(list) = node.get("exceptions").filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let Value::List(nodes) = &list.value else {
        return Err(invalid(&at.of(list), format!("'exceptions' is to be a list, not {}", list.kind())));
    };
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for node in nodes {
        if !matches!(node.value, Value::Map(_)) {
            return Err(invalid(&at.of(node), format!("an exception is to be a map, not {}", node.kind())));
        }
        let name = text(node, "name", &at.of(node))?;
        let at = at.inside(node, format!("exception '{name}'"));
        known_keys(node, &["name", "fields", "comps", "values"], &at, warnings);
        if !names.insert(name.clone()) {
            let message = format!("the exception '{name}' is there twice");
            warnings.push(at.problem(LoadCode::ExceptionNameNotUnique, message));
        }
        let fields = node.get("fields").map(|fields| entry(fields, &at)).transpose()?;
        if fields.is_none() && !append {
            return Err(invalid(&at, "the key 'fields' is missing"));
        }
        let comps = node.get("comps").map(|comps| entry(comps, &at)).transpose()?;
        let values = match node.get("values") {
            Some(Node { value: Value::List(values), .. }) => {
                values.iter().map(|value| entry(value, &at)).collect::<Read<_>>()?
            }
            Some(other) => {
                return Err(invalid(&at.of(other), format!("'values' is to be a list, not {}", other.kind())));
            }
            None => {
                if append {
                    warnings.push(at.problem(LoadCode::AppendNoValues, "the exception adds no values"));
                }
                Vec::new()
            }
        };
        found.push(Exception { name, fields, comps, values, at });
    }
    Ok(found)
}

fn entry(node: &Node, at: &At) -> Read<Entry> {
    match &node.value {
        Value::Text(text) if text.is_empty() => Err(invalid(&at.of(node), "a value is empty")),
        Value::Text(text) => Ok(Entry::One(text.clone())),
        Value::List(items) => items.iter().map(|item| entry(item, at)).collect::<Read<_>>().map(Entry::Many),
        _ => Err(invalid(&at.of(node), format!("expected a text or a list, not {}", node.kind()))),
    }
}

/// A comparison of an exception: whether it takes values in brackets. None where there is no such comparison.
pub(super) fn comparison(text: &str) -> Option<bool> {
    if let Some((operator, quantifier)) = text.split_once(' ') {
        Quantifier::of(quantifier.trim())?;
        return Operator::of(if operator == "==" { "=" } else { operator })
            .filter(|operator| operator.takes() == Takes::Text)
            .map(|_| true);
    }
    match text {
        "==" | "exists" => Some(false),
        _ => Operator::of(text).map(|operator| operator.takes() == Takes::List),
    }
}
