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

use super::builtins::arithmetic;
use super::graph::Graph;
use super::syntax::Wrong;
use super::syntax::ast::{Body, Expr, Kind, Literal, LiteralKind, Module, Otherwise, Rule};
use sekisho_base::tree::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What no name of a module may have in it, since names that are made here do.
pub(super) const MARK: &str = "__sk";

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
        uses: HashMap::new(),
        negated: Vec::new(),
        is_negated: false,
        known: HashSet::new(),
        named: Vec::new(),
        temporaries: HashSet::new(),
        nested: 0,
    };
    let rules = module.rules.iter().map(|rule| lowerer.rule(rule)).collect();
    if lowerer.faults.is_empty() {
        Ok(Module { package: module.package.clone(), imports: Vec::new(), rules })
    } else {
        Err(lowerer.faults)
    }
}

/// How often a variable is named: at all, and outside of comprehensions.
type Uses = HashMap<String, (usize, usize)>;

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
    uses: Uses,
    negated: Vec<(Place, Uses)>,
    is_negated: bool,
    /// Variables that have a value by now, as the text goes, and those that the literal at hand names.
    known: HashSet<String>,
    named: Vec<String>,
    /// Variables that are made here, all of which have a value.
    temporaries: HashSet<String>,
    /// How many comprehensions are around, within a negated expression.
    nested: usize,
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

    // Rules.

    fn rule(&mut self, rule: &Rule) -> Rule {
        self.rule = self.package.clone();
        self.rule.push(rule.name.clone());
        self.rule.extend(leading(&rule.steps));
        self.graph.add_rule(&self.rule);
        self.uses.clear();
        self.negated.clear();
        self.known.clear();
        self.named.clear();
        if matches!(rule.name.as_str(), "if" | "in" | "every" | "input" | "data" | "_") {
            self.fault(rule.place, format!("a rule is called {}, which is a word of the language", rule.name));
        }
        let arity = rule.arguments.as_ref().map(Vec::len);
        if arity.is_some_and(|arity| self.world.functions.get(&self.rule) != Some(&arity)) {
            self.fault(rule.place, format!("{} has different numbers of arguments", rule.name));
        }
        let lowered = self.within(|this| {
            let mut patterns = Vec::new();
            let arguments =
                rule.arguments.as_ref().map(|list| list.iter().map(|it| this.argument(it, &mut patterns)).collect());
            let mut lowered = Rule { arguments, member: None, value: None, ..rule.clone() };
            let (mut steps, mut member) = (Vec::new(), None);
            (lowered.value, lowered.body) = this.branch(rule.value.as_ref(), &rule.body, &patterns, |this, beside| {
                steps = rule.steps.iter().map(|step| this.plain(step, beside)).collect();
                member = rule.member.as_ref().map(|member| this.plain(member, beside));
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
        });
        for (place, own) in std::mem::take(&mut self.negated) {
            let unbound =
                own.iter().find(|(name, uses)| uses.1 > 0 && self.uses.get(*name).map(|all| all.0) == Some(uses.0));
            if let Some((name, _)) = unbound {
                let name = name.split(MARK).next().unwrap_or_default();
                self.fault(place, format!("nothing but a negated expression says what {name} is"));
            }
        }
        lowered
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
            let mut value = value.map(|value| this.plain(value, &mut beside));
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

    // Bodies.

    /// A body, in the scope that is open.
    fn body(&mut self, body: &Body) -> Body {
        let mut lowered = Vec::new();
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
                let (is_negated, nested) = (std::mem::take(&mut self.is_negated), self.nested);
                let every = self.within(|this| {
                    let mut declare = |name: &String| {
                        let name = this.declare(name);
                        this.uses.entry(name.clone()).or_default().0 += 1;
                        this.known.insert(name.clone());
                        name
                    };
                    let key = key.as_ref().map(&mut declare);
                    let value = declare(value);
                    LiteralKind::Every { key, value, domain, body: this.body(body) }
                });
                (self.is_negated, self.nested) = (is_negated, nested);
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
                    return vec![LiteralKind::Assign(left, right)];
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

    fn negation(&mut self, expr: &Expr, beside: &mut Beside) -> LiteralKind {
        let outer = std::mem::take(&mut self.uses);
        let (was_negated, nested) = (std::mem::replace(&mut self.is_negated, true), std::mem::take(&mut self.nested));
        let lowered = self.negated_top(expr, beside);
        (self.is_negated, self.nested) = (was_negated, nested);
        let own = std::mem::replace(&mut self.uses, outer);
        for (name, (all, shallow)) in &own {
            let uses = self.uses.entry(name.clone()).or_default();
            uses.0 += all;
            uses.1 += if self.nested == 0 { *shallow } else { 0 };
        }
        self.negated.push((expr.place, own));
        LiteralKind::Not(lowered)
    }

    /// What OPA leaves within the negation: the outermost operation, and the references that are compared for equality.
    fn negated_top(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let place = expr.place;
        match &expr.kind {
            Kind::Infix("==" | "=", left, right) => {
                let [left, right] = [left, right].map(|side| match side.kind {
                    Kind::Ref(..) | Kind::Var(_) => self.negated_reference(side, beside),
                    _ => self.operand(side, beside),
                });
                // Nothing is bound in a negation, so that both are the same.
                Expr::new(place, Kind::Infix("==", Box::new(left), Box::new(right)))
            }
            Kind::Infix(..) | Kind::In(..) | Kind::Call(..) => self.operation(expr, beside),
            Kind::Ref(..) | Kind::Var(_) => self.negated_reference(expr, beside),
            _ => self.operand(expr, beside),
        }
    }

    /// A reference that may be undefined; what its steps need may not.
    fn negated_reference(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let Kind::Ref(head, steps) = &expr.kind else { return self.plain(expr, beside) };
        if !matches!(head.kind, Kind::Var(_)) {
            let bound = self.operand(head, beside);
            let steps = steps.iter().map(|step| self.operand(step, beside)).collect();
            return Expr::new(expr.place, Kind::Ref(Box::new(bound), steps));
        }
        let steps = steps.iter().map(|step| self.operand(step, beside)).collect();
        self.reference(expr.place, head, steps, beside)
    }

    /// Something that must be defined for a negated expression to say anything.
    fn operand(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let lowered = match &expr.kind {
            Kind::Ref(..) => self.negated_reference(expr, beside),
            Kind::Call(..) | Kind::Infix(..) | Kind::In(..) => self.operation(expr, beside),
            Kind::Array(items) => {
                let items = items.iter().map(|item| self.operand(item, beside)).collect();
                return Expr::new(expr.place, Kind::Array(items));
            }
            Kind::Set(items) => {
                let items = items.iter().map(|item| self.operand(item, beside)).collect();
                return Expr::new(expr.place, Kind::Set(items));
            }
            Kind::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (self.operand(key, beside), self.operand(value, beside)));
                return Expr::new(expr.place, Kind::Object(fields.collect()));
            }
            _ => self.plain(expr, beside),
        };
        match &lowered.kind {
            Kind::Var(name) if self.is_global(name) => self.bind(lowered, beside),
            Kind::Ref(..) | Kind::Call(..) | Kind::Infix(..) | Kind::In(..) => self.bind(lowered, beside),
            _ => lowered,
        }
    }

    /// An operation or call on operands.
    fn operation(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let mut operand = |part: &Expr| Box::new(self.operand(part, beside));
        let kind = match &expr.kind {
            Kind::Infix(sign, left, right) => infix(sign, *operand(left), *operand(right)),
            Kind::In(key, value, collection) => {
                Kind::In(key.as_ref().map(|key| operand(key)), operand(value), operand(collection))
            }
            Kind::Call(path, arguments) => {
                let mut operands: Vec<Expr> = arguments.iter().map(|argument| *operand(argument)).collect();
                // In a negation the value is compared.
                if self.arity(path).is_some_and(|arity| operands.len() == arity + 1)
                    && let Some(value) = operands.pop()
                {
                    let call = self.call(expr.place, path, operands, beside);
                    let call = self.bind(call, beside);
                    return Expr::new(expr.place, Kind::Infix("==", Box::new(call), Box::new(value)));
                }
                return self.call(expr.place, path, operands, beside);
            }
            _ => return self.plain(expr, beside),
        };
        Expr::new(expr.place, kind)
    }

    // Expressions.

    /// An expression, with what has to hold beside it.
    fn plain(&mut self, expr: &Expr, beside: &mut Beside) -> Expr {
        let place = expr.place;
        let mut part = |part: &Expr| self.plain(part, beside);
        let kind = match &expr.kind {
            Kind::Null | Kind::Bool(_) | Kind::Text(_) => return expr.clone(),
            Kind::Number(number) => {
                if number.parse::<f64>().is_ok_and(f64::is_finite) {
                    return expr.clone();
                }
                self.fault(place, "a number is too large");
                return Expr::new(place, Kind::Null);
            }
            Kind::Var(name) => return self.variable(place, name),
            Kind::Array(items) => Kind::Array(items.iter().map(part).collect()),
            Kind::Set(items) => Kind::Set(items.iter().map(part).collect()),
            Kind::Object(fields) => Kind::Object(fields.iter().map(|(key, value)| (part(key), part(value))).collect()),
            Kind::ArrayOf(value, body) => {
                let (_, value, body) = self.comprehension(None, value, body);
                Kind::ArrayOf(value, body)
            }
            Kind::SetOf(value, body) => {
                let (_, value, body) = self.comprehension(None, value, body);
                Kind::SetOf(value, body)
            }
            Kind::ObjectOf(key, value, body) => {
                let (key, value, body) = self.comprehension(Some(key), value, body);
                // There is a key, since there was one.
                Kind::ObjectOf(key.unwrap_or_else(|| value.clone()), value, body)
            }
            Kind::Ref(head, steps) => {
                let mut lowered = Vec::with_capacity(steps.len());
                for step in steps {
                    let step = self.plain(step, beside);
                    let is_pattern = !self.is_negated && self.has_object_pattern(&step);
                    lowered.push(if is_pattern { self.apart(step, beside) } else { step });
                }
                return self.reference(place, head, lowered, beside);
            }
            Kind::Call(path, arguments) => {
                let arguments = arguments.iter().map(part).collect();
                return self.call(place, path, arguments, beside);
            }
            Kind::Infix(sign, left, right) => infix(sign, part(left), part(right)),
            Kind::In(key, value, collection) => {
                let key = key.as_ref().map(|key| Box::new(part(key)));
                Kind::In(key, Box::new(part(value)), Box::new(part(collection)))
            }
        };
        Expr::new(place, kind)
    }

    fn comprehension(&mut self, key: Option<&Expr>, value: &Expr, body: &Body) -> (Option<Box<Expr>>, Box<Expr>, Body) {
        self.nested += 1;
        let is_negated = std::mem::take(&mut self.is_negated);
        let (known, named) = (self.known.clone(), std::mem::take(&mut self.named));
        let lowered = self.within(|this| {
            let mut body = this.body(body);
            let mut beside = Beside::default();
            let mut term = |term: &Expr| {
                let lowered = this.plain(term, &mut beside);
                Box::new(if lowered.has_comprehension() { this.bind(lowered, &mut beside) } else { lowered })
            };
            let (key, value) = (key.map(&mut term), term(value));
            body.append(&mut beside.before);
            body.append(&mut beside.after);
            (key, value, body)
        });
        (self.known, self.named) = (known, named);
        self.is_negated = is_negated;
        self.nested -= 1;
        lowered
    }

    /// `head` with steps that are lowered already.
    fn reference(&mut self, place: Place, head: &Expr, steps: Vec<Expr>, beside: &mut Beside) -> Expr {
        let head = if let Kind::Var(name) = &head.kind {
            let lowered = self.resolve(head.place, name);
            if let Some(mut path) = self.path_of(&lowered) {
                path.extend(leading(&steps));
                self.need(head.place, name, &path);
            }
            lowered
        } else {
            let lowered = self.plain(head, beside);
            self.bind(lowered, beside)
        };
        match head.kind {
            Kind::Ref(root, mut path) => {
                path.extend(steps);
                Expr::new(place, Kind::Ref(root, path))
            }
            _ => Expr::new(place, Kind::Ref(Box::new(head), steps)),
        }
    }

    fn variable(&mut self, place: Place, name: &str) -> Expr {
        let lowered = self.resolve(place, name);
        if let Some(path) = self.path_of(&lowered) {
            self.need(place, name, &path);
        }
        lowered
    }

    /// The rule needs what is at `path`, which it calls by `name`.
    fn need(&mut self, place: Place, name: &str, path: &[String]) {
        let is_rule = name != "data" && !self.imports.contains_key(name);
        let is_allowed = is_rule
            || self.world.roots.is_none_or(|roots| path.get(1).is_some_and(|root| roots.contains(&root.as_str())));
        if !is_allowed {
            self.fault(place, format!("names {}, which is not for it", path.join(".")));
        }
        self.graph.add_need(&self.rule, path);
    }

    /// What a name means.
    fn resolve(&mut self, place: Place, name: &str) -> Expr {
        if name == "_" {
            if self.is_negated {
                self.fault(place, "a negated expression says _, so that nothing says what it is");
            }
            return Expr::var(place, name);
        }
        let declared = self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned();
        if declared.is_none() {
            if self.is_global(name) {
                return Expr::var(place, name);
            }
            if let Some(path) = self.imports.get(name) {
                let root = Expr::var(place, &path[0]);
                let steps: Vec<Expr> = path[1..].iter().map(|step| Expr::text(place, step)).collect();
                return if steps.is_empty() { root } else { Expr::new(place, Kind::Ref(Box::new(root), steps)) };
            }
        }
        let name = declared.unwrap_or_else(|| match name {
            "contains" | "every" | "if" | "in" => format!("{name}{MARK}0"),
            _ => name.to_owned(),
        });
        let shallow = usize::from(self.nested == 0);
        let uses = self.uses.entry(name.clone()).or_default();
        uses.0 += 1;
        uses.1 += shallow;
        if !self.is_negated {
            self.named.push(name.clone());
        }
        Expr::var(place, name)
    }

    /// Whether a name stands for something outside of the rule.
    fn is_global(&self, name: &str) -> bool {
        matches!(name, "input" | "data") || self.rules.is_some_and(|rules| rules.contains(name))
    }

    /// The path of what a lowered variable or import names below `data`.
    fn path_of(&self, expr: &Expr) -> Option<Vec<String>> {
        match &expr.kind {
            Kind::Var(name) if name == "data" => Some(vec![name.clone()]),
            Kind::Var(name) if name != "input" && self.is_global(name) => {
                let mut path = self.package.clone();
                path.push(name.clone());
                Some(path)
            }
            Kind::Ref(head, steps) => match &head.kind {
                Kind::Var(name) if name == "data" => {
                    Some(std::iter::once(name.clone()).chain(leading(steps)).collect())
                }
                _ => None,
            },
            _ => None,
        }
    }

    // Functions.

    /// Where the function is defined that a call names, if it is by a rule.
    fn defined(&self, path: &[String]) -> Option<Vec<String>> {
        let mut full = match self.imports.get(path[0].as_str()) {
            _ if path[0] == "data" => return self.world.functions.contains_key(path).then(|| path.to_vec()),
            Some(import) if !self.rules.is_some_and(|rules| rules.contains(&path[0])) => import.to_vec(),
            _ => {
                let mut full = self.package.clone();
                full.push(path[0].clone());
                full
            }
        };
        full.extend(path[1..].iter().cloned());
        self.world.functions.contains_key(&full).then_some(full)
    }

    fn arity(&self, path: &[String]) -> Option<usize> {
        match self.defined(path) {
            Some(full) => self.world.functions.get(&full).copied(),
            None => (self.world.builtin)(&path.join(".")),
        }
    }

    fn call(&mut self, place: Place, path: &[String], arguments: Vec<Expr>, beside: &mut Beside) -> Expr {
        let name = path.join(".");
        if name == "print" {
            return Expr::new(place, Kind::Bool(true));
        }
        let Some(arity) = self.arity(path) else {
            self.fault(
                place,
                format!("calls {name}, which is neither a rule with arguments nor a function of the language"),
            );
            return Expr::new(place, Kind::Null);
        };
        if arguments.len() != arity {
            self.fault(place, format!("calls {name} with {} arguments, and it takes {arity}", arguments.len()));
            return Expr::new(place, Kind::Null);
        }
        if let Some(full) = self.defined(path) {
            self.graph.add_need(&self.rule, &full);
            return Expr::new(place, Kind::Call(full, arguments));
        }
        if name == "walk" {
            let pair: Vec<Expr> = ["path", "value"].iter().map(|name| self.temporary(place, name)).collect();
            let pair = Expr::new(place, Kind::Array(pair));
            let walk = Kind::Call(path.to_vec(), arguments.into_iter().chain([pair.clone()]).collect());
            beside.before.push(Literal::new(place, LiteralKind::Test(Expr::new(place, walk))));
            return pair;
        }
        Expr::new(place, Kind::Call(path.to_vec(), arguments))
    }

    // Patterns.

    /// A variable that is `expr`.
    fn bind(&mut self, expr: Expr, beside: &mut Beside) -> Expr {
        if matches!(&expr.kind, Kind::Var(name) if !self.is_global(name)) {
            return expr;
        }
        let variable = self.temporary(expr.place, "term");
        beside.before.push(Literal::new(expr.place, LiteralKind::Assign(variable.clone(), expr)));
        variable
    }

    /// A variable in the place of a pattern that it is unified with.
    fn apart(&mut self, pattern: Expr, beside: &mut Beside) -> Expr {
        let variable = self.temporary(pattern.place, "pattern");
        self.unify(pattern, variable.clone(), &mut beside.after);
        variable
    }

    /// Whether there is an object in it that says what variables are.
    fn has_object_pattern(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Object(_) => self.has_local(expr),
            Kind::Array(items) => items.iter().any(|item| self.has_object_pattern(item)),
            _ => false,
        }
    }

    /// Whether there is a variable in it that has no value yet.
    fn has_local(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Var(name) => !self.is_global(name) && !self.known.contains(name),
            Kind::Array(_) | Kind::Object(_) => expr.parts().into_iter().any(|part| self.has_local(part)),
            _ => false,
        }
    }

    /// Both are the same; what is in objects is unified field by field.
    fn unify(&mut self, left: Expr, right: Expr, body: &mut Body) {
        // An object beside a variable without a value is what that one becomes.
        if self.has_object_pattern(&left) != self.has_object_pattern(&right)
            && [&left, &right].into_iter().any(|side| matches!(&side.kind, Kind::Var(name) if self.has_local(side) && !self.temporaries.contains(name)))
        {
            body.push(Literal::new(left.place, LiteralKind::Unify(left, right)));
            return;
        }
        let (pattern, value) = match (self.has_object_pattern(&left), self.has_object_pattern(&right)) {
            (false, true) => (right, left),
            _ => (left, right),
        };
        let place = pattern.place;
        let mut objects = Vec::new();
        let flat = self.flatten(pattern, &mut objects);
        let value = if self.has_object_pattern(&value) { self.flatten(value, &mut objects) } else { value };
        body.push(Literal::new(place, LiteralKind::Unify(flat, value)));
        for (object, fields) in objects {
            let call = |name: &str| Expr::new(place, Kind::Call(vec![name.to_owned()], vec![object.clone()]));
            let number = Expr::new(place, Kind::Number(fields.len().to_string()));
            let count = Kind::Infix("==", Box::new(call("count")), Box::new(number));
            for test in [call("is_object"), Expr::new(place, count)] {
                body.push(Literal::new(place, LiteralKind::Test(test)));
            }
            for (key, field) in fields {
                let element = Expr::new(place, Kind::Ref(Box::new(object.clone()), vec![key]));
                self.unify(field, element, body);
            }
        }
    }

    /// `pattern` with a variable for each object.
    fn flatten(&mut self, pattern: Expr, objects: &mut Vec<(Expr, Vec<(Expr, Expr)>)>) -> Expr {
        if !self.has_object_pattern(&pattern) {
            return pattern;
        }
        match pattern.kind {
            Kind::Object(fields) => {
                let object = self.temporary(pattern.place, "object");
                objects.push((object.clone(), fields));
                object
            }
            Kind::Array(items) => {
                let items = items.into_iter().map(|item| self.flatten(item, objects)).collect();
                Expr::new(pattern.place, Kind::Array(items))
            }
            kind => Expr::new(pattern.place, kind),
        }
    }
}

/// An operation on two values; arithmetic is computed by functions, since the engine's has the errors of binary fractions.
fn infix(sign: &'static str, left: Expr, right: Expr) -> Kind {
    match arithmetic(sign) {
        Some(name) => Kind::Call(vec![name.to_owned()], vec![left, right]),
        None => Kind::Infix(sign, Box::new(left), Box::new(right)),
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
