//! What was collected, as rules: lists and exceptions put into conditions, macros put in, fields found.

use super::collect::{Collected, Defined};
use super::item::{At, Capture, Entry, Exception, Read, RuleItem, Text, comparison};
use super::lists::Lists;
use super::report::{LoadCode, Problem, Snippet};
use super::{Blind, ERRORS, Settings, Version};
use crate::alert::Priority;
use crate::condition::{self, Expr, Right, Test};
use crate::events::EventTypes;
use crate::format::Format;
use crate::typed::{self, Tree};
use sekisho_base::tree::Place;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Rules that are ready.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// The rules, in the order they were first defined: the order in which the first that matches is looked for.
    pub rules: Vec<Rule>,
    /// The macros, in order.
    pub macros: Vec<MacroInfo>,
    /// The lists, in order.
    pub lists: Vec<ListInfo>,
    /// The newest engine that the files ask for.
    pub engine: Option<Version>,
    /// The plugins that the files ask for, each with its alternatives.
    pub plugins: Vec<Vec<(String, Version)>>,
}

/// A rule that is ready.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// What it is about.
    pub description: String,
    /// The condition as it is written, with what was added to it.
    pub text: String,
    /// The condition with lists, macros and exceptions in it.
    pub condition: Expr,
    /// The same with what its fields are.
    pub(crate) tree: Tree,
    /// The types of events that it can hold for.
    pub events: EventTypes,
    /// The output.
    pub output: Format,
    /// How urgent it is.
    pub priority: Priority,
    /// Where its events are from.
    pub source: Arc<str>,
    /// Whether it is on.
    pub enabled: bool,
    /// Its tags.
    pub tags: Arc<BTreeSet<String>>,
    /// The names of its exceptions.
    pub exceptions: Vec<String>,
    /// The macros that it uses, itself or through others.
    pub macros: BTreeSet<String>,
    /// Whether its alerts ask for the recording to be kept.
    pub capture: Capture,
    /// The file it is in.
    pub file: String,
    /// Where in the file.
    pub place: Place,
}

/// A macro.
#[derive(Debug)]
pub struct MacroInfo {
    /// Its name.
    pub name: String,
    /// The condition as it is written.
    pub text: String,
    /// The condition with lists and macros in it.
    pub condition: Arc<Expr>,
    /// Whether a rule or macro uses it.
    pub used: bool,
    /// The file it is in.
    pub file: String,
    /// Where in the file.
    pub place: Place,
}

/// A list.
#[derive(Debug)]
pub struct ListInfo {
    /// Its name.
    pub name: String,
    /// Its items, with those of lists named there.
    pub items: Vec<String>,
    /// Whether a condition or another list uses it.
    pub used: bool,
    /// The file it is in.
    pub file: String,
    /// Where in the file.
    pub place: Place,
}

#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) rules: Option<RuleSet>,
    pub(super) problems: Vec<Problem>,
}

impl Outcome {
    pub(super) fn errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.code.is_error())
    }
}

/// How many parts a condition may have once macros are in it.
const PARTS: usize = 100_000;

/// A condition and how much it is.
struct Body {
    expr: Arc<Expr>,
    parts: usize,
    depth: usize,
    uses: BTreeSet<String>,
}

struct Compiler<'a> {
    from: &'a Collected,
    settings: &'a Settings,
    lists: Lists,
    /// The macros that were resolved, by place.
    macros: Vec<Option<Body>>,
    parsed: Vec<Option<Expr>>,
    budget: &'a mut usize,
    problems: Vec<Problem>,
    errors: usize,
}

pub(super) fn compile(from: &Collected, settings: &Settings, budget: &mut usize) -> Outcome {
    let mut compiler = Compiler {
        from,
        settings,
        lists: Lists::default(),
        macros: Vec::new(),
        parsed: Vec::new(),
        budget,
        problems: Vec::new(),
        errors: 0,
    };
    compiler.plugins();
    compiler.add_lists();
    compiler.add_macros();
    let rules = compiler.rules();
    compiler.finish(rules)
}

impl Compiler<'_> {
    fn plugins(&mut self) {
        for (alternatives, at) in &self.from.plugins {
            let has = |(name, version): &(String, Version)| {
                let here = self.settings.plugins.iter().find(|(known, _)| known == name);
                here.is_some_and(|(_, here)| here.covers(*version))
            };
            if !alternatives.iter().any(has) {
                let wanted: Vec<String> =
                    alternatives.iter().map(|(name, version)| format!("{name} {version}")).collect();
                let here: Vec<String> =
                    self.settings.plugins.iter().map(|(name, version)| format!("{name} {version}")).collect();
                let mut problem =
                    at.problem(LoadCode::Validate, format!("rules need the plugin {}", wanted.join(" or ")));
                problem.hint = Some(format!("what is here has the fields of {}", here.join(", ")));
                self.problems.push(problem);
            }
        }
    }

    fn add_lists(&mut self) {
        let mut used = Vec::new();
        for list in &self.from.lists.all {
            let mut items = Vec::new();
            for item in &list.body {
                match self.from.lists.get(item).filter(|other| other.index < list.visible) {
                    Some(other) => {
                        used.push(&other.name);
                        // Each is within the limit on values of a file, but they may name each other.
                        let size = other.body.iter().map(String::len).sum::<usize>() + other.body.len();
                        let Some(left) = self.budget.checked_sub(size) else {
                            self.problems.push(too_long(&list.at));
                            return;
                        };
                        *self.budget = left;
                        items.extend(other.body.iter().cloned());
                    }
                    None => items.push(item.clone()),
                }
            }
            self.lists.add(list.name.clone(), items);
        }
        for name in used {
            self.lists.mark_used(name);
        }
    }

    /// The text of a condition as a tree, with lists in it.
    fn parse(&mut self, text: &Text) -> Read<Expr> {
        let Ok(condition) = self.lists.put_in(&text.text, self.budget) else {
            return Err(Box::new(too_long(&text.at)));
        };
        condition::parse(&condition).map_err(|mistake| {
            let mut problem = text.at.problem(LoadCode::ErrCondition, mistake.reason);
            problem.within.push(format!("line {}, column {} of it", mistake.place.line, mistake.place.column));
            problem.snippet = Snippet::of(&condition, mistake.place);
            problem.hint = mistake.hint;
            Box::new(problem)
        })
    }

    fn add_macros(&mut self) {
        for one in &self.from.macros.all {
            if self.errors >= ERRORS {
                return;
            }
            let parsed = self.parse(&one.body).map_err(|problem| self.error(*problem)).ok();
            self.parsed.push(parsed);
            self.macros.push(None);
        }
        for at in 0..self.parsed.len() {
            let one = &self.from.macros.all[at];
            let Some(parsed) = self.parsed[at].clone() else { continue };
            match self.resolve(&parsed, one.visible, &mut vec![at], &one.body.at) {
                Ok(body) => self.macros[at] = Some(body),
                Err(problem) => self.error(*problem),
            }
            if self.errors >= ERRORS {
                return;
            }
        }
    }

    fn error(&mut self, problem: Problem) {
        self.errors += usize::from(problem.code.is_error());
        self.problems.push(problem);
    }

    /// Puts in the macros that were defined before `visible`. `path` is which macros this is in.
    fn resolve(&self, expr: &Expr, visible: usize, path: &mut Vec<usize>, at: &At) -> Read<Body> {
        let mut body = Body { expr: Arc::new(Expr::And(Vec::new())), parts: 1, depth: 1, uses: BTreeSet::new() };
        let resolved = match expr {
            Expr::And(parts) => Expr::And(self.resolve_all(parts, &mut body, visible, path, at)?),
            Expr::Or(parts) => Expr::Or(self.resolve_all(parts, &mut body, visible, path, at)?),
            Expr::Not(part) => {
                let mut parts = self.resolve_all(std::slice::from_ref(part), &mut body, visible, path, at)?;
                Expr::Not(Box::new(parts.pop().unwrap_or(Expr::And(Vec::new()))))
            }
            Expr::Check(_) => expr.clone(),
            Expr::Name(name, place) => return self.resolve_name(name, *place, visible, path, at),
        };
        if body.depth > 2 * condition::DEPTH {
            let message = format!("with its macros the condition is more than {} deep", 2 * condition::DEPTH);
            return Err(Box::new(at.problem(LoadCode::Validate, message)));
        }
        body.expr = Arc::new(resolved);
        Ok(body)
    }

    fn resolve_all(
        &self,
        parts: &[Expr],
        to: &mut Body,
        visible: usize,
        path: &mut Vec<usize>,
        at: &At,
    ) -> Read<Vec<Expr>> {
        let mut resolved = Vec::with_capacity(parts.len());
        for part in parts {
            let body = self.resolve(part, visible, path, at)?;
            to.parts += body.parts;
            to.depth = to.depth.max(body.depth + 1);
            if to.parts > PARTS {
                let message = format!("with its macros the condition has more than {PARTS} parts");
                return Err(Box::new(at.problem(LoadCode::Validate, message)));
            }
            to.uses.extend(body.uses);
            resolved.push(Arc::unwrap_or_clone(body.expr));
        }
        Ok(resolved)
    }

    fn resolve_name(&self, name: &str, place: Place, visible: usize, path: &mut Vec<usize>, at: &At) -> Read<Body> {
        let wrong = |message: String, hint: Option<String>| {
            let mut problem = at.problem(LoadCode::Validate, message);
            problem.within.push(format!("line {}, column {} of it", place.line, place.column));
            problem.hint = hint;
            Err(Box::new(problem))
        };
        let all = &self.from.macros;
        let Some(found) = all.position(name).filter(|found| all.all[*found].index < visible) else {
            if self.from.broken.contains(&format!("macro {name}")) {
                return Ok(Body { expr: Arc::new(Expr::Or(Vec::new())), parts: 1, depth: 1, uses: BTreeSet::new() });
            }
            let hint = if all.get(name).is_some() {
                Some("a macro has to be defined before the macros that use it".to_owned())
            } else if self.from.lists.get(name).is_some() {
                Some(format!("'{name}' is a list, which stands in brackets behind 'in'"))
            } else {
                let near = crate::near(name, all.all.iter().map(|one| one.name.as_str()));
                near.map(|near| format!("did you mean '{near}'?"))
            };
            return wrong(format!("there is no macro '{name}'"), hint);
        };
        if path.contains(&found) {
            return wrong(format!("the macro '{name}' is in itself"), None);
        }
        let mut uses: BTreeSet<String> = [name.to_owned()].into();
        // What was resolved before has the macros that it saw; one that is used before its turn sees what its user sees.
        let body = match (&self.macros[found], &self.parsed[found]) {
            (Some(body), _) => Body { expr: Arc::clone(&body.expr), uses: body.uses.clone(), ..*body },
            (None, Some(parsed)) => {
                if path.len() >= condition::DEPTH {
                    return wrong(format!("macros lie more than {} deep in each other", condition::DEPTH), None);
                }
                path.push(found);
                let body = self.resolve(parsed, visible, path, at)?;
                path.pop();
                body
            }
            // What is wrong with it was told.
            (None, None) => Body { expr: Arc::new(Expr::Or(Vec::new())), parts: 1, depth: 1, uses: BTreeSet::new() },
        };
        uses.extend(body.uses);
        Ok(Body { uses, ..body })
    }

    fn rules(&mut self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for item in &self.from.rules.all {
            if !self.settings.sources.contains(&item.source) {
                continue;
            }
            match self.rule(item) {
                Ok(rule) => rules.push(rule),
                Err(mut problem) => {
                    let unknown = problem.code == LoadCode::UnknownFilter;
                    if unknown && !item.skip_unknown {
                        problem.code = if problem.within.iter().any(|within| within == "output") {
                            LoadCode::ErrOutput
                        } else {
                            LoadCode::ErrCondition
                        };
                    }
                    self.error(*problem);
                    if self.errors >= ERRORS {
                        break;
                    }
                }
            }
        }
        rules
    }

    fn rule(&mut self, item: &RuleItem) -> Read<Rule> {
        let output = self.output(item)?;
        let mut text = item.condition.clone();
        if !item.exceptions.is_empty() {
            text.text = with_exceptions(&item.condition.text, &item.exceptions)?;
        }
        let parsed = self.parse(&text)?;
        let Body { expr, uses, .. } = self.resolve(&parsed, usize::MAX, &mut Vec::new(), &text.at)?;
        let condition = Arc::unwrap_or_clone(expr);
        self.doubts(&condition, item, &text.at);
        let tree = typed::tree(&condition, &item.source).map_err(|mistake| {
            let code = if mistake.unknown { LoadCode::UnknownFilter } else { LoadCode::ErrCondition };
            let mut problem = text.at.problem(code, mistake.reason);
            problem.snippet = Some(Snippet { line: mistake.check, before: 0 });
            problem.hint = mistake.hint;
            Box::new(problem)
        })?;
        self.blind(&tree, item, &text.at)?;
        let events = EventTypes::of(&tree);
        if item.warn_event_types && item.source == "syscall" && events.too_many() {
            let mut problem = item
                .at
                .problem(LoadCode::NoEventType, "the condition holds for too many types of events, which costs time");
            problem.hint = Some("ask for evt.type first, as in 'evt.type in (open, openat) and ...'".to_owned());
            self.problems.push(problem);
        }
        Ok(Rule {
            name: item.name.as_str().into(),
            description: item.description.clone(),
            text: item.condition.text.clone(),
            condition,
            tree,
            events,
            output,
            priority: item.priority,
            source: item.source.as_str().into(),
            enabled: item.enabled,
            tags: Arc::new(item.tags.clone()),
            exceptions: item.exceptions.iter().map(|exception| exception.name.clone()).collect(),
            macros: uses,
            capture: item.capture,
            file: item.at.file.name.clone(),
            place: item.at.place,
        })
    }

    fn output(&mut self, item: &RuleItem) -> Read<Format> {
        let mut text = item.output.text.clone();
        if text.contains(CONTAINER_INFO) {
            let message = format!("{CONTAINER_INFO} is deprecated and gives nothing");
            self.problems.push(item.output.at.problem(LoadCode::DeprecatedItem, message));
            text = text.replace(CONTAINER_INFO, "");
        }
        for name in DEPRECATED.iter().filter(|name| text.contains(&format!("%{name}"))) {
            self.deprecated(name, &item.output.at);
        }
        Format::parse(&text, &item.source).map_err(|mistake| {
            let code = if mistake.unknown { LoadCode::UnknownFilter } else { LoadCode::ErrOutput };
            let mut problem = item.output.at.problem(code, mistake.reason);
            problem.hint = mistake.hint;
            Box::new(problem)
        })
    }

    fn deprecated(&mut self, name: &str, at: &At) {
        let mut problem = at.problem(LoadCode::DeprecatedItem, format!("the field {name} is deprecated"));
        problem.hint =
            Some("calls are told when they are left, so that nothing is known of when they were entered".to_owned());
        self.problems.push(problem);
    }

    /// Warns of what a condition may not mean.
    fn doubts(&mut self, condition: &Expr, item: &RuleItem, at: &At) {
        let mut told = HashSet::new();
        let mut warnings = Vec::new();
        condition.checks(&mut |check| {
            let mut tell = |code, message: String, hint: Option<&str>| {
                if told.insert((code, message.clone())) {
                    let hint = hint.map(str::to_owned);
                    warnings.push(Problem { hint, ..at.problem(code, message) });
                }
            };
            check.fields(&mut |name, _| {
                if DEPRECATED.contains(&name) {
                    tell(LoadCode::DeprecatedItem, format!("the field {name} is deprecated"), None);
                }
            });
            let values = match &check.test {
                Test::Compare(_, _, Right::Value(value)) => std::slice::from_ref(value),
                Test::Compare(_, _, Right::List(values)) => values,
                _ => return,
            };
            let mut audited = false;
            check.left.fields(&mut |name, _| audited |= name.starts_with("ka.") || name.starts_with("jevt."));
            for value in values {
                if audited && value == "<NA>" {
                    let hint = "ask with 'exists' whether a field is there";
                    tell(LoadCode::UnsafeNaCheck, format!("'{check}' compares a field with the text <NA>"), Some(hint));
                }
                if typed::is_field(value.trim(), &item.source) {
                    let hint = "write val(field) to compare with a field";
                    tell(
                        LoadCode::WarnCondition,
                        format!("'{value}' is compared as a text, but is the name of a field"),
                        Some(hint),
                    );
                } else if value.trim().ends_with(')') && condition::operand(value.trim()).is_ok() {
                    let hint = "without quotes it is a transformer";
                    tell(
                        LoadCode::WarnCondition,
                        format!("'{value}' is compared as a text, but looks like a transformer"),
                        Some(hint),
                    );
                }
            }
            if let Test::Compare(condition::Operator::Regex, ..) = &check.test {
                for value in values.iter().filter(|value| !value.contains(REGEX_SIGNS)) {
                    let hint = "'=', 'startswith', 'endswith' and 'contains' cost less";
                    tell(LoadCode::WarnCondition, format!("the expression '{value}' is a plain text"), Some(hint));
                }
            }
        });
        self.problems.append(&mut warnings);
    }

    /// Warns of fields that nothing fills, or refuses them.
    fn blind(&mut self, tree: &Tree, item: &RuleItem, at: &At) -> Read<()> {
        let mut never = BTreeSet::new();
        tree.fields(&mut |field| never.extend(typed::never(field).map(|reason| (field.info().name, reason))));
        for (name, reason) in never {
            let message = format!("nothing fills {name}: {reason}");
            match self.settings.blind {
                Blind::Refuse => return Err(Box::new(at.problem(LoadCode::ErrCondition, message))),
                Blind::Unknown => {
                    let mut problem = at.problem(LoadCode::WarnCondition, message);
                    problem.hint = Some(format!("what compares it in '{}' is neither true nor false", item.name));
                    self.problems.push(problem);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, rules: Vec<Rule>) -> Outcome {
        let mut used: HashSet<&str> = HashSet::new();
        for rule in &rules {
            used.extend(rule.macros.iter().map(String::as_str));
        }
        for body in self.macros.iter().flatten() {
            used.extend(body.uses.iter().map(String::as_str));
        }
        let mut macros = Vec::new();
        for (one, body) in self.from.macros.all.iter().zip(&self.macros) {
            let Some(body) = body else { continue };
            let used = used.contains(one.name.as_str());
            let Defined { name, body: text, at, .. } = one;
            if !used {
                self.problems.push(at.problem(LoadCode::UnusedMacro, "nothing uses the macro"));
            }
            let (file, place) = (at.file.name.clone(), at.place);
            let condition = Arc::clone(&body.expr);
            macros.push(MacroInfo { name: name.clone(), text: text.text.clone(), condition, used, file, place });
        }
        let mut lists = Vec::new();
        for (one, list) in self.from.lists.all.iter().zip(self.lists.lists) {
            if !list.used {
                self.problems.push(one.at.problem(LoadCode::UnusedList, "nothing uses the list"));
            }
            let (file, place) = (one.at.file.name.clone(), one.at.place);
            lists.push(ListInfo { name: list.name, items: list.items, used: list.used, file, place });
        }
        let (engine, plugins) =
            (self.from.engine, self.from.plugins.iter().map(|(plugins, _)| plugins.clone()).collect());
        let failed = self.problems.iter().any(|problem| problem.code.is_error());
        let rules = (!failed).then_some(RuleSet { rules, macros, lists, engine, plugins });
        Outcome { rules, problems: self.problems }
    }
}

const CONTAINER_INFO: &str = "%container.info";
/// Fields that mean nothing any more since calls are told only when they are left.
const DEPRECATED: [&str; 6] =
    ["evt.dir", "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.wait_latency"];
const REGEX_SIGNS: [char; 14] = ['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\'];

fn too_long(at: &At) -> Problem {
    at.problem(LoadCode::Validate, "with its lists the condition is longer than limits.facts_bytes leaves room for")
}

/// A condition with its exceptions behind it, as text, as Falco puts them together.
fn with_exceptions(condition: &str, exceptions: &[Exception]) -> Read<String> {
    let mut text = format!("({condition})");
    for exception in exceptions {
        let said = match (&exception.fields, &exception.comps) {
            (Some(Entry::One(field)), Some(Entry::One(comp))) => single(field, comp, exception)?,
            (Some(Entry::Many(fields)), Some(Entry::Many(comps))) => several(fields, comps, exception)?,
            _ => None,
        };
        if let Some(said) = said {
            text.push_str(" and not ");
            text.push_str(&said);
        }
    }
    Ok(text)
}

/// In quotes where it has blanks.
fn quote(item: &str) -> String {
    if item.contains(' ') && !item.starts_with(['"', '\'']) { format!("\"{item}\"") } else { item.to_owned() }
}

fn unfit<T>(exception: &Exception, message: impl Into<String>) -> Read<T> {
    Err(Box::new(exception.at.problem(LoadCode::Validate, message)))
}

fn single(field: &str, comp: &str, exception: &Exception) -> Read<Option<String>> {
    let mut values = Vec::new();
    for value in &exception.values {
        match value {
            Entry::One(value) => values.push(quote(value)),
            Entry::Many(_) => return unfit(exception, "values of one field are texts, not lists"),
        }
    }
    Ok((!values.is_empty()).then(|| format!("({field} {comp} ({}))", values.join(", "))))
}

fn several(fields: &[Entry], comps: &[Entry], exception: &Exception) -> Read<Option<String>> {
    let mut alternatives = Vec::new();
    for row in &exception.values {
        let Entry::Many(row) = row else { return unfit(exception, "values of several fields are lists") };
        if row.len() != fields.len() {
            return unfit(exception, format!("there are {} fields, but {} values", fields.len(), row.len()));
        }
        let mut parts = Vec::new();
        for ((field, comp), value) in fields.iter().zip(comps).zip(row) {
            let (Entry::One(field), Entry::One(comp)) = (field, comp) else { continue };
            let value = match value {
                Entry::Many(items) => {
                    let mut texts = Vec::new();
                    for item in items {
                        match item {
                            Entry::One(item) => texts.push(quote(item)),
                            Entry::Many(_) => return unfit(exception, "a list of values has no lists in it"),
                        }
                    }
                    format!("({})", texts.join(", "))
                }
                Entry::One(item) if comparison(comp) == Some(true) => {
                    if item.starts_with('(') {
                        item.clone()
                    } else {
                        format!("({item})")
                    }
                }
                Entry::One(item) => quote(item),
            };
            parts.push(format!("{field} {comp} {value}"));
        }
        alternatives.push(format!("({})", parts.join(" and ")));
    }
    Ok((!alternatives.is_empty()).then(|| format!("({})", alternatives.join(" or "))))
}
