//! What a module of Rego says.

use sekisho_base::tree::Place;

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Module {
    /// `["lib", "pods"]`, without `data`.
    pub(crate) package: Vec<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) rules: Vec<Rule>,
}

/// A name for a part of `data` or `input`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Import {
    /// `["data", "lib", "pods"]`
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// A rule, or a function where it has arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) place: Place,
    pub(crate) is_default: bool,
    pub(crate) name: String,
    /// What follows the name: `.a` and `["a"]` are the same.
    pub(crate) steps: Vec<Expr>,
    pub(crate) arguments: Option<Vec<Expr>>,
    /// What the rule adds to a set.
    pub(crate) member: Option<Expr>,
    /// What the rule is; true where nothing is said.
    pub(crate) value: Option<Expr>,
    pub(crate) body: Body,
    pub(crate) otherwise: Vec<Otherwise>,
}

/// An `else`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Otherwise {
    pub(crate) value: Option<Expr>,
    pub(crate) body: Body,
}

/// What holds, all of it.
pub(crate) type Body = Vec<Literal>;

/// One thing that holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Literal {
    pub(crate) place: Place,
    pub(crate) kind: LiteralKind,
    /// `with PATH as VALUE`
    pub(crate) with: Vec<(Expr, Expr)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LiteralKind {
    /// `some x, y`
    Some(Vec<String>),
    /// `some k, v in collection`
    SomeIn { key: Option<Expr>, value: Expr, collection: Expr },
    /// `every k, v in domain { … }`
    Every { key: Option<String>, value: String, domain: Expr, body: Body },
    /// `not expression`
    Not(Expr),
    /// `left := right`
    Assign(Expr, Expr),
    /// `left = right`
    Unify(Expr, Expr),
    /// Anything else.
    Test(Expr),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    Var(String),
    Array(Vec<Expr>),
    Set(Vec<Expr>),
    Object(Vec<(Expr, Expr)>),
    ArrayOf(Box<Expr>, Body),
    SetOf(Box<Expr>, Body),
    ObjectOf(Box<Expr>, Box<Expr>, Body),
    /// `head.a[b]`, with at least one step.
    Ref(Box<Expr>, Vec<Expr>),
    /// `a.b(c)`
    Call(Vec<String>, Vec<Expr>),
    /// `a + b`
    Infix(&'static str, Box<Expr>, Box<Expr>),
    /// `k, v in collection`
    In(Option<Box<Expr>>, Box<Expr>, Box<Expr>),
}

impl Expr {
    pub(crate) fn new(place: Place, kind: Kind) -> Self {
        Self { place, kind }
    }

    pub(crate) fn var(place: Place, name: impl Into<String>) -> Self {
        Self::new(place, Kind::Var(name.into()))
    }

    pub(crate) fn text(place: Place, text: impl Into<String>) -> Self {
        Self::new(place, Kind::Text(text.into()))
    }

    /// What this is made of, without what is in the bodies of comprehensions.
    pub(crate) fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Var(_) => Vec::new(),
            Kind::Array(items) | Kind::Set(items) | Kind::Call(_, items) => items.iter().collect(),
            Kind::Object(fields) => fields.iter().flat_map(|(key, value)| [key, value]).collect(),
            Kind::ArrayOf(value, _) | Kind::SetOf(value, _) => vec![value],
            Kind::ObjectOf(key, value, _) => vec![key, value],
            Kind::Ref(head, steps) => std::iter::once(&**head).chain(steps).collect(),
            Kind::Infix(_, left, right) => vec![left, right],
            Kind::In(key, value, collection) => key.iter().chain([value, collection]).map(|part| &**part).collect(),
        }
    }

    /// Whether there is a comprehension in it.
    pub(crate) fn has_comprehension(&self) -> bool {
        matches!(self.kind, Kind::ArrayOf(..) | Kind::SetOf(..) | Kind::ObjectOf(..))
            || self.parts().into_iter().any(Self::has_comprehension)
    }
}

impl Literal {
    pub(crate) fn new(place: Place, kind: LiteralKind) -> Self {
        Self { place, kind, with: Vec::new() }
    }
}
