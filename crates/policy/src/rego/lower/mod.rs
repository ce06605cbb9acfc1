//! Rego as the engine takes it.
//!
//! regorus 0.11 reads some of what OPA accepts in another way: mostly it loads, and the verdict is wrong. So modules are
//! not handed over as they are written, but in a narrower language that means the same to both:
//!
//! - What a negated expression needs is bound before it, as OPA does it: where that is undefined, the body is.
//! - Every declared variable has a name of its own, which hides no rule, and `some` is gone.
//! - Patterns have no objects in them: those of OPA have no other fields, those of regorus may.
//! - `walk` is only ever a relation of two arguments, `some … in` an assignment from a reference, functions return their
//!   values instead of unifying them, comprehensions do not stand in the terms of comprehensions.
//! - Imports are written out, further bodies are rules, and the dialect is that of OPA 1.0.
//!
//! `fixtures/rego` holds a case for each.

mod expression;
mod negation;
mod pattern;

use super::graph::Graph;
use super::safety;
use super::syntax::Wrong;
use super::syntax::ast::{Body, Expr, Kind, Literal, LiteralKind, Module, Otherwise, Rule};
use sekisho_base::tree::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What no name of a module may have in it, since names that are made here do.
pub(super) const MARK: &str = "__sk";

/// How many expressions a body may have.
const LITERALS: usize = 1000;

/// What all modules together define.
pub(super) struct World<'w> {
    /// The rules of each package, functions as well.
    rules: BTreeMap<Vec<String>, BTreeSet<String>>,
    /// How many arguments functions take.
    functions: HashMap<Vec<String>, usize>,
    /// How many arguments the function of this name takes that is part of the language.
    builtin: &'w dyn Fn(&str) -> Option<usize>,
    /// What of `data` may be named, if that is bounded.
    roots: Option<&'w [&'w str]>,
}

impl<'w> World<'w> {
    pub(super) fn of<'m>(
        modules: impl Iterator<Item = &'m Module>,
        builtin: &'w dyn Fn(&str) -> Option<usize>,
        roots: Option<&'w [&'w str]>,
    ) -> Self {
        let mut world = Self { rules: BTreeMap::new(), functions: HashMap::new(), builtin, roots };
        for module in modules {
            let package = rooted(&module.package);
            for rule in &module.rules {
                let mut path = package.clone();
                path.push(rule.name.clone());
                path.extend(leading(&rule.steps));
                if let Some(arguments) = &rule.arguments {
                    world.functions.entry(path).or_insert(arguments.len());
                }
                world.rules.entry(package.clone()).or_default().insert(rule.name.clone());
            }
        }
        world
    }
}

/// `["data", …]`
pub(super) fn rooted(package: &[String]) -> Vec<String> {
    std::iter::once("data".to_owned()).chain(package.iter().cloned()).collect()
}

/// The steps up to the first that is no text.
fn leading(steps: &[Expr]) -> impl Iterator<Item = String> + '_ {
    steps.iter().map_while(|step| match &step.kind {
        Kind::Text(text) => Some(text.clone()),
        _ => None,
    })
}

/// `module` as the engine takes it, or all that is wrong with it. What its rules need goes to `graph`.
pub(super) fn lower(module: &Module, world: &World<'_>, graph: &mut Graph) -> Result<Module, Vec<Wrong>> {
    let package = rooted(&module.package);
    let mut lowerer = Lowerer {
        world,
        rules: world.rules.get(&package),
        package,
        imports: module.imports.iter().map(|import| (import.name.as_str(), &import.path[..])).collect(),
        scopes: Vec::new(),
        made: 0,
        graph,
        rule: Vec::new(),
        faults: Vec::new(),
        is_negated: false,
        known: HashSet::new(),
        named: Vec::new(),
        temporaries: HashSet::new(),
        is_in_order: true,
    };
    let rules = module.rules.iter().map(|rule| lowerer.rule(rule)).collect();
    if lowerer.faults.is_empty() {
        Ok(Module { package: module.package.clone(), imports: Vec::new(), rules })
    } else {
        Err(lowerer.faults)
    }
}

struct Lowerer<'w> {
    world: &'w World<'w>,
    package: Vec<String>,
    rules: Option<&'w BTreeSet<String>>,
    imports: HashMap<&'w str, &'w [String]>,
    /// Declared variables, and what they are called now.
    scopes: Vec<HashMap<String, String>>,
    made: usize,
    graph: &'w mut Graph,
    /// The path of the rule.
    rule: Vec<String>,
    faults: Vec<Wrong>,
    is_negated: bool,
    /// Variables that have a value by now, as the text goes, and those that the literal at hand names.
    known: HashSet<String>,
    named: Vec<String>,
    /// Variables that are made here, all of which have a value.
    temporaries: HashSet<String>,
    /// Whether variables that a pattern names after others have named them have a value there. Where that is not so, both
    /// sides of `=` are left as they are.
    is_in_order: bool,
}

/// What has to hold beside an expression.
#[derive(Default)]
struct Beside {
    before: Body,
    after: Body,
}

impl Lowerer<'_> {
    fn fault(&mut self, place: Place, reason: impl Into<String>) {
        self.faults.push(Wrong::new(place, reason));
    }

    /// A new name.
    fn make(&mut self, name: &str) -> String {
        self.made += 1;
        format!("{name}{MARK}{}", self.made)
    }

    /// A variable that no one has named.
    fn temporary(&mut self, place: Place, name: &str) -> Expr {
        let name = self.make(name);
        self.temporaries.insert(name.clone());
        Expr::var(place, name)
    }

    fn declare(&mut self, name: &str) -> String {
        if name == "_" {
            return name.to_owned();
        }
        let made = self.make(name);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), made.clone());
        }
        made
    }

    fn within<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(HashMap::new());
        let lowered = lower(self);
        self.scopes.pop();
        lowered
    }

    fn rule(&mut self, rule: &Rule) -> Rule {
        let before = self.faults.len();
        let lowered = self.lowered(rule);
        if self.faults.len() > before || safety::check(&lowered, self.rules).is_none() {
            return lowered;
        }
        self.is_in_order = false;
        let lowered = self.lowered(rule);
        self.is_in_order = true;
        self.faults.extend(safety::check(&lowered, self.rules));
        lowered
    }

    fn lowered(&mut self, rule: &Rule) -> Rule {
        self.rule = self.package.clone();
        self.rule.push(rule.name.clone());
        self.rule.extend(leading(&rule.steps));
        self.graph.add_rule(&self.rule);
        self.known.clear();
        self.named.clear();
        if matches!(rule.name.as_str(), "if" | "in" | "every" | "input" | "data" | "_") {
            self.fault(rule.place, format!("a rule is called {}, which is a word of the language", rule.name));
        }
        let arity = rule.arguments.as_ref().map(Vec::len);
        if arity.is_some_and(|arity| self.world.functions.get(&self.rule) != Some(&arity)) {
            self.fault(rule.place, format!("{} has different numbers of arguments", rule.name));
        }
        self.within(|this| {
            let mut patterns = Vec::new();
            let arguments =
                rule.arguments.as_ref().map(|list| list.iter().map(|it| this.argument(it, &mut patterns)).collect());
            let mut lowered = Rule { arguments, member: None, value: None, ..rule.clone() };
            let (mut steps, mut member) = (Vec::new(), None);
            (lowered.value, lowered.body) = this.branch(rule.value.as_ref(), &rule.body, &patterns, |this, beside| {
                for step in &rule.steps {
                    let step = this.plain(step, beside);
                    steps.push(this.weighed(step));
                }
                member = rule.member.as_ref().map(|member| this.plain(member, beside));
                // Without a body there is but one.
                if !rule.body.is_empty() {
                    member = member.take().map(expression::counted);
                }
            });
            (lowered.steps, lowered.member) = (steps, member);
            lowered.otherwise = rule
                .otherwise
                .iter()
                .map(|it| {
                    let (value, body) = this.branch(it.value.as_ref(), &it.body, &patterns, |_, _| {});
                    Otherwise { value, body }
                })
                .collect();
            lowered
        })
    }

    /// A value and the body that it depends on; `more` lowers what else does.
    fn branch(
        &mut self,
        value: Option<&Expr>,
        body: &Body,
        patterns: &Body,
        more: impl FnOnce(&mut Self, &mut Beside),
    ) -> (Option<Expr>, Body) {
        self.within(|this| {
            let known = this.known.clone();
            let mut lowered = patterns.clone();
            lowered.append(&mut this.body(body));
            let mut beside = Beside::default();
            more(this, &mut beside);
            let mut value = value.map(|value| {
                let value = this.plain(value, &mut beside);
                this.weighed(value)
            });
            let has_body = !(lowered.is_empty() && beside.before.is_empty() && beside.after.is_empty());
            if let Some(value) = value.as_mut().filter(|value| has_body && value.has_comprehension()) {
                *value = this.bind(std::mem::replace(value, Expr::new(value.place, Kind::Null)), &mut beside);
            }
            lowered.append(&mut beside.before);
            lowered.append(&mut beside.after);
            this.known = known;
            (value, lowered)
        })
    }

    /// An argument of a function that is defined.
    fn argument(&mut self, argument: &Expr, patterns: &mut Body) -> Expr {
        let mut names = Vec::new();
        variables(argument, &mut names);
        let is_repeated = names.iter().enumerate().any(|(index, name)| {
            names[..index].contains(name) || self.scopes.last().is_some_and(|scope| scope.contains_key(*name))
        });
        for name in names {
            if self.scopes.last().is_some_and(|scope| !scope.contains_key(name)) {
                self.declare(name);
            }
        }
        let mut beside = Beside::default();
        let lowered = self.plain(argument, &mut beside);
        if is_repeated
            || self.has_object_pattern(&lowered)
            || !beside.before.is_empty()
            || matches!(lowered.kind, Kind::Ref(..))
        {
            let whole = self.temporary(argument.place, "argument");
            patterns.append(&mut beside.before);
            self.unify(lowered, whole.clone(), patterns);
            self.known.extend(self.named.drain(..));
            return whole;
        }
        self.known.extend(self.named.drain(..));
        lowered
    }

    /// A body, in the scope that is open.
    fn body(&mut self, body: &Body) -> Body {
        let mut lowered = Vec::new();
        if let Some(literal) = body.get(LITERALS) {
            // The engine orders them, in a time that grows with their square.
            self.fault(literal.place, format!("a body has more than {LITERALS} expressions"));
            return lowered;
        }
        for literal in body {
            let mut with = Vec::new();
            let mut outside = Beside::default();
            for (target, value) in &literal.with {
                let value = self.replacement(value, &mut outside);
                with.push((self.target(target), value));
            }
            lowered.append(&mut outside.before);
            let mut beside = Beside::default();
            let kinds = self.literal(literal, &mut beside);
            self.known.extend(self.named.drain(..));
            let all = beside.before.into_iter().chain(kinds.into_iter().map(|kind| Literal::new(literal.place, kind)));
            for mut one in all.chain(beside.after) {
                one.with.extend(with.iter().cloned());
                lowered.push(one);
            }
            lowered.append(&mut outside.after);
        }
        lowered
    }

    /// What `with` puts in its place: a value, which is bound outside of it, or a function.
    fn replacement(&mut self, value: &Expr, outside: &mut Beside) -> Expr {
        let mut path = Vec::new();
        match &value.kind {
            Kind::Var(name) => path.push(name.clone()),
            Kind::Ref(head, steps) => {
                if let Kind::Var(name) = &head.kind {
                    path.push(name.clone());
                    path.extend(leading(steps));
                }
            }
            _ => {}
        }
        let is_declared = path.first().is_some_and(|name| self.scopes.iter().any(|scope| scope.contains_key(name)));
        if !is_declared && !path.is_empty() && self.arity(&path).is_some() {
            if let Some(full) = self.defined(&path) {
                self.graph.add_need(&self.rule, &full);
            }
            return value.clone();
        }
        let value = self.plain(value, outside);
        match value.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => value,
            _ => self.bind(value, outside),
        }
    }

    /// What `with` replaces: a path below `input` or `data`, or a function.
    fn target(&mut self, target: &Expr) -> Expr {
        let head = match &target.kind {
            Kind::Ref(head, _) => head,
            _ => target,
        };
        match &head.kind {
            Kind::Var(name) if self.imports.contains_key(name.as_str()) => self.plain(target, &mut Beside::default()),
            // Functions are called by their whole paths.
            Kind::Var(name) => match self.defined(std::slice::from_ref(name)) {
                Some(full) => {
                    let steps = full[1..].iter().map(|step| Expr::text(target.place, step)).collect();
                    Expr::new(target.place, Kind::Ref(Box::new(Expr::var(target.place, &full[0])), steps))
                }
                None => target.clone(),
            },
            _ => target.clone(),
        }
    }

    fn literal(&mut self, literal: &Literal, beside: &mut Beside) -> Vec<LiteralKind> {
        match &literal.kind {
            LiteralKind::Some(names) => {
                for name in names {
                    self.declare(name);
                }
                Vec::new()
            }
            LiteralKind::SomeIn { key, value, collection } => {
                let collection = self.plain(collection, beside);
                let collection = self.bind(collection, beside);
                let mut names = Vec::new();
                for pattern in key.iter().chain([value]) {
                    variables(pattern, &mut names);
                }
                for name in names {
                    self.declare(name);
                }
                let key = key.as_ref().map_or_else(|| Expr::var(value.place, "_"), |key| self.plain(key, beside));
                let key = if self.has_object_pattern(&key) { self.apart(key, beside) } else { key };
                let value = self.plain(value, beside);
                let element = Expr::new(value.place, Kind::Ref(Box::new(collection), vec![key]));
                self.unify(value, element, &mut beside.after);
                Vec::new()
            }
            LiteralKind::Every { key, value, domain, body } => {
                let domain = self.plain(domain, beside);
                let domain = self.bind(domain, beside);
                let is_negated = std::mem::take(&mut self.is_negated);
                let every = self.within(|this| {
                    let mut declare = |name: &String| {
                        let name = this.declare(name);
                        this.known.insert(name.clone());
                        name
                    };
                    let key = key.as_ref().map(&mut declare);
                    let value = declare(value);
                    LiteralKind::Every { key, value, domain, body: this.body(body) }
                });
                self.is_negated = is_negated;
                vec![every]
            }
            LiteralKind::Not(expr) => vec![self.negation(expr, beside)],
            LiteralKind::Assign(left, right) => {
                let right = self.plain(right, beside);
                let mut names = Vec::new();
                variables(left, &mut names);
                for name in names {
                    self.declare(name);
                }
                let left = self.plain(left, beside);
                if matches!(left.kind, Kind::Var(_)) {
                    return vec![LiteralKind::Assign(left, self.weighed(right))];
                }
                self.unify(left, right, &mut beside.after);
                Vec::new()
            }
            LiteralKind::Unify(left, right) => {
                let left = self.plain(left, beside);
                let right = self.plain(right, beside);
                self.unify(left, right, &mut beside.after);
                Vec::new()
            }
            LiteralKind::Test(expr) => self.test(expr, beside),
        }
    }

    /// An expression for itself. A function that is given one argument more unifies it with its value.
    fn test(&mut self, expr: &Expr, beside: &mut Beside) -> Vec<LiteralKind> {
        let Kind::Call(path, arguments) = &expr.kind else { return vec![LiteralKind::Test(self.plain(expr, beside))] };
        if path.len() == 1 && path[0] == "print" {
            return vec![LiteralKind::Test(Expr::new(expr.place, Kind::Bool(true)))];
        }
        match (self.arity(path), arguments.split_last()) {
            (Some(arity), Some((output, inputs))) if arguments.len() == arity + 1 => {
                let call = Expr::new(expr.place, Kind::Call(path.clone(), inputs.to_vec()));
                let value = self.plain(&call, beside);
                let output = self.plain(output, beside);
                self.unify(output, value, &mut beside.after);
                Vec::new()
            }
            _ => vec![LiteralKind::Test(self.plain(expr, beside))],
        }
    }
}

/// The variables that a pattern says.
fn variables<'e>(pattern: &'e Expr, names: &mut Vec<&'e str>) {
    match &pattern.kind {
        Kind::Var(name) if name != "_" => names.push(name),
        Kind::Array(items) => items.iter().for_each(|item| variables(item, names)),
        Kind::Object(fields) => fields.iter().for_each(|(_, value)| variables(value, names)),
        _ => {}
    }
}
