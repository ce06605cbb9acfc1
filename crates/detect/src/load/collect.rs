//! Items of all files in order: later ones replace, change or add to earlier ones.

use super::item::{At, Capture, Entry, Exception, Item, Read, RuleItem, Text, Update, comparison};
use super::report::{LoadCode, Problem};
use super::{Settings, Version};
use crate::condition::{self, Operand};
use std::collections::{HashMap, HashSet};

/// Things by name, in the order they were first defined.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) all: Vec<T>,
    names: HashMap<String, usize>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { all: Vec::new(), names: HashMap::new() }
    }
}

impl<T> Named<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.names.get(name).map(|at| &self.all[*at])
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.names.get(name).map(|at| &mut self.all[*at])
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    fn insert(&mut self, name: &str, item: T) {
        self.names.insert(name.to_owned(), self.all.len());
        self.all.push(item);
    }
}

/// A list or macro. What was first defined before `visible` can be seen from it.
#[derive(Debug)]
pub(super) struct Defined<T> {
    pub(super) name: String,
    pub(super) body: T,
    /// When it was first defined.
    pub(super) index: usize,
    /// When it was last changed.
    pub(super) visible: usize,
    pub(super) at: At,
}

/// All that the files say.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) lists: Named<Defined<Vec<String>>>,
    pub(super) macros: Named<Defined<Text>>,
    pub(super) rules: Named<RuleItem>,
    pub(super) engine: Option<Version>,
    pub(super) plugins: Vec<(Vec<(String, Version)>, At)>,
    /// Items that were not taken because of a mistake in them: what changes them is not told again.
    pub(super) broken: HashSet<String>,
    index: usize,
}

fn wrong<T>(at: &At, message: impl Into<String>) -> Read<T> {
    Err(Box::new(at.problem(LoadCode::Validate, message)))
}

impl Collected {
    pub(super) fn take(&mut self, item: Item, settings: &Settings, warnings: &mut Vec<Problem>) -> Read<()> {
        self.index += 1;
        let index = self.index;
        match item {
            Item::Engine(text, at) => self.engine(&text, &at, settings),
            Item::Plugin(alternatives, at) => self.plugin(alternatives, at),
            Item::List { name, items, append, at } => match (self.lists.get_mut(&name), append) {
                (Some(list), true) => {
                    list.body.extend(items);
                    list.visible = index;
                    Ok(())
                }
                (None, true) => self.missing("list", &name, &at),
                (Some(list), false) => {
                    *list = Defined { name, body: items, index: list.index, visible: index, at };
                    Ok(())
                }
                (None, false) => {
                    self.lists.insert(&name.clone(), Defined { name, body: items, index, visible: index, at });
                    Ok(())
                }
            },
            Item::Macro { name, condition, append, at } => match (self.macros.get_mut(&name), append) {
                (Some(old), true) => {
                    old.body.add(&condition.text);
                    old.visible = index;
                    Ok(())
                }
                (None, true) => self.missing("macro", &name, &at),
                (Some(old), false) => {
                    *old = Defined { name, body: condition, index: old.index, visible: index, at };
                    Ok(())
                }
                (None, false) => {
                    self.macros.insert(&name.clone(), Defined { name, body: condition, index, visible: index, at });
                    Ok(())
                }
            },
            Item::Rule(rule) => self.rule(*rule, settings, warnings),
            Item::Update { name, append, replace, at } => {
                let Some(rule) = self.rules.get_mut(&name) else { return self.missing("rule", &name, &at) };
                let source = rule.source.clone();
                let source = settings.sources.contains(&source).then_some(source.as_str());
                if let Some(update) = append {
                    add(rule, *update, &at, source)?;
                }
                if let Some(update) = replace {
                    exchange(rule, *update, source)?;
                }
                Ok(())
            }
            Item::Enable { name, enabled, at } => match self.rules.get_mut(&name) {
                Some(rule) => {
                    rule.enabled = enabled;
                    Ok(())
                }
                None => self.missing("rule", &name, &at),
            },
        }
    }

    /// Told once, where the item it would change was not taken either.
    fn missing(&self, kind: &str, name: &str, at: &At) -> Read<()> {
        if self.broken.contains(&format!("{kind} {name}")) {
            return Ok(());
        }
        let mut problem =
            at.problem(LoadCode::Validate, format!("there is no {kind} '{name}' before it that it could change"));
        let near = match kind {
            "list" => crate::near(name, self.lists.names.keys().map(String::as_str)),
            "macro" => crate::near(name, self.macros.names.keys().map(String::as_str)),
            _ => crate::near(name, self.rules.names.keys().map(String::as_str)),
        };
        problem.hint = near.map(|near| format!("did you mean '{near}'?"));
        Err(Box::new(problem))
    }

    fn engine(&mut self, text: &str, at: &At, settings: &Settings) -> Read<()> {
        let version = match text.parse::<u32>() {
            Ok(number) => Version([0, number, 0]),
            Err(_) => {
                if let Some(version) = Version::of(text) {
                    version
                } else {
                    let message = format!("an engine version is a number or three with dots, not '{text}'");
                    return Err(Box::new(at.problem(LoadCode::YamlValidate, message)));
                }
            }
        };
        if !settings.engine.covers(version) {
            return wrong(at, format!("rules need engine version {version}, this is {}", settings.engine));
        }
        self.engine = self.engine.max(Some(version));
        Ok(())
    }

    fn plugin(&mut self, alternatives: Vec<(String, String)>, at: At) -> Read<()> {
        let mut found: Vec<(String, Version)> = Vec::new();
        let mut names = HashSet::new();
        for (name, text) in alternatives {
            let Some(version) = Version::of(&text) else {
                return wrong(&at, format!("'{text}' is no version of the plugin '{name}'"));
            };
            if !names.insert(name.clone()) {
                return wrong(&at, format!("the plugin '{name}' is there twice among the alternatives"));
            }
            found.push((name, version));
        }
        self.plugins.push((found, at));
        Ok(())
    }

    fn rule(&mut self, mut rule: RuleItem, settings: &Settings, warnings: &mut Vec<Problem>) -> Read<()> {
        if let Some(old) = self.rules.get(&rule.name)
            && old.source != rule.source
        {
            return wrong(&rule.at, format!("the rule is already there with source {}", old.source));
        }
        let known = settings.sources.iter().find(|source| **source == rule.source).map(String::as_str);
        if known.is_none() {
            let message = format!("nothing reads events of source {}; the rule is left out", rule.source);
            let mut problem = rule.at.problem(LoadCode::UnknownSource, message);
            let sources = settings.sources.iter().map(String::as_str);
            problem.hint = crate::near(&rule.source, sources).map(|near| format!("did you mean '{near}'?"));
            warnings.push(problem);
        }
        for exception in &mut rule.exceptions {
            complete(exception, known)?;
        }
        match self.rules.get_mut(&rule.name) {
            Some(old) => *old = rule,
            None => self.rules.insert(&rule.name.clone(), rule),
        }
        Ok(())
    }
}

impl Text {
    fn add(&mut self, more: &str) {
        self.text.push(' ');
        self.text.push_str(more);
    }
}

/// How many exceptions can be added to a rule.
const EXCEPTIONS: usize = 10_000;

fn add(rule: &mut RuleItem, update: Update, at: &At, source: Option<&str>) -> Read<()> {
    let Update { condition, output, description, tags, exceptions, .. } = update;
    if condition.is_none() && output.is_none() && description.is_none() && tags.is_none() && exceptions.is_none() {
        return wrong(at, "an item that adds to a rule has to have a condition or exceptions");
    }
    if let Some(condition) = condition {
        rule.condition.add(&condition.text);
    }
    if let Some(output) = output {
        rule.output.add(&output.text);
    }
    if let Some(description) = description {
        rule.description.push(' ');
        rule.description.push_str(&description);
    }
    rule.tags.extend(tags.into_iter().flatten());
    for mut exception in exceptions.into_iter().flatten() {
        let at = exception.at.clone();
        match rule.exceptions.iter_mut().find(|old| old.name == exception.name) {
            Some(_) if exception.fields.is_some() || exception.comps.is_some() => {
                return wrong(&at, "only values can be added to an exception that is there, not fields or comps");
            }
            Some(old) => old.values.append(&mut exception.values),
            None => {
                if exception.values.is_empty() {
                    return wrong(&at, "a new exception needs values");
                }
                complete(&mut exception, source)?;
                if rule.exceptions.len() >= EXCEPTIONS {
                    return wrong(&at, format!("a rule has at most {EXCEPTIONS} exceptions"));
                }
                rule.exceptions.push(exception);
            }
        }
    }
    Ok(())
}

fn exchange(rule: &mut RuleItem, update: Update, source: Option<&str>) -> Read<()> {
    let mut exceptions = update.exceptions;
    for exception in exceptions.iter_mut().flatten() {
        complete(exception, source)?;
    }
    set(&mut rule.condition, update.condition);
    set(&mut rule.output, update.output);
    set(&mut rule.description, update.description);
    set(&mut rule.priority, update.priority);
    set(&mut rule.tags, update.tags);
    set(&mut rule.exceptions, exceptions);
    set(&mut rule.enabled, update.enabled);
    set(&mut rule.warn_event_types, update.warn_event_types);
    set(&mut rule.skip_unknown, update.skip_unknown);
    set(&mut rule.capture.wanted, update.capture);
    let Capture { duration, .. } = &mut rule.capture;
    *duration = update.capture_duration.or(*duration);
    Ok(())
}

fn set<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}

/// Gives an exception the comparisons it does not name, and looks whether they fit its fields.
fn complete(exception: &mut Exception, source: Option<&str>) -> Read<()> {
    let at = exception.at.clone();
    let Some(fields) = &exception.fields else { return wrong(&at, "an exception needs fields") };
    let unsupported = |text: &str| wrong(&at, format!("there is no comparison '{text}'"));
    let field = |entry: &Entry| match entry {
        Entry::Many(_) => wrong(&at, "fields of an exception are texts"),
        Entry::One(text) => known_field(text, source).or_else(|reason| wrong(&at, reason)),
    };
    match fields {
        Entry::One(_) => {
            field(fields)?;
            let comps = exception.comps.get_or_insert_with(|| Entry::One("in".to_owned()));
            let Entry::One(text) = comps else {
                return wrong(&at, "fields and comps are both to be texts, or both lists");
            };
            match comparison(text) {
                Some(true) => Ok(()),
                Some(false) => wrong(
                    &at,
                    format!(
                        "one field is compared with in, pmatch, intersects, or with oneof, anyof or allof, not with '{text}'"
                    ),
                ),
                None => unsupported(text),
            }
        }
        Entry::Many(fields) => {
            let comps =
                exception.comps.get_or_insert_with(|| Entry::Many(vec![Entry::One("=".to_owned()); fields.len()]));
            let Entry::Many(comps) = comps else {
                return wrong(&at, "fields and comps are both to be texts, or both lists");
            };
            if comps.len() != fields.len() {
                let message = format!("there are {} fields, but {} comps", fields.len(), comps.len());
                return wrong(&at, message);
            }
            for comp in comps {
                match comp {
                    Entry::One(text) if comparison(text).is_some() => {}
                    Entry::One(text) => return unsupported(text),
                    Entry::Many(_) => return wrong(&at, "comps of an exception are texts"),
                }
            }
            fields.iter().try_for_each(field)
        }
    }
}

/// Whether a field, or a transformer of fields, is there in events of a source; of a source that nobody reads everything
/// is.
fn known_field(text: &str, source: Option<&str>) -> Result<(), String> {
    let Some(source) = source else { return Ok(()) };
    let (operand, length) = condition::operand(text).map_err(|mistake| format!("'{text}': {mistake}"))?;
    if length != text.len() {
        return Err(format!("'{text}' is no field"));
    }
    if matches!(operand, Operand::Literal(_) | Operand::List(_)) {
        return Err(format!("'{text}' is no field"));
    }
    let mut wrong = None;
    operand.fields(&mut |name, argument| {
        if let Err(error) = crate::typed::field(name, argument, source) {
            wrong.get_or_insert(error.to_string());
        }
    });
    wrong.map_or(Ok(()), Err)
}
