//! Types of expressions, and what can stand for what: the checker of the API server as far as its policies meet it
//! (<https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking>).

use std::fmt;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    /// Anything, which only a run shows.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Duration,
    Timestamp,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    Optional(Arc<Type>),
    /// A type as a value.
    OfTypes,
    /// A value of a library.
    Opaque(&'static str),
    /// Fields that are known.
    Record(&'static Record),
    /// What a policy composed, under `variables`.
    Composed,
    /// What fits wherever it stands, in a signature, or while an expression is checked.
    Free(u32),
}

/// Fields that are known, and their types.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
}

/// A name, and its type.
pub(crate) type Field = (&'static str, fn() -> Type);

impl Type {
    pub(crate) fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub(crate) fn optional(of: Self) -> Self {
        Self::Optional(Arc::new(of))
    }

    fn parts(&self) -> [Option<&Arc<Self>>; 2] {
        match self {
            Self::List(of) | Self::Optional(of) => [Some(of), None],
            Self::Map(key, value) => [Some(key), Some(value)],
            _ => [None, None],
        }
    }

    /// The type with each of its parts, and itself, replaced by what `change` makes of it.
    fn mapped(&self, change: &mut dyn FnMut(&Self) -> Self) -> Self {
        let part = |of: &Arc<Self>, change: &mut dyn FnMut(&Self) -> Self| Arc::new(change(of));
        match self {
            Self::List(of) => Self::List(part(of, change)),
            Self::Optional(of) => Self::Optional(part(of, change)),
            Self::Map(key, value) => Self::Map(part(key, change), part(value, change)),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Free(_) => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(of) => write!(f, "optional({of})"),
            Self::OfTypes => f.write_str("type"),
            Self::Opaque(name) => f.write_str(name),
            Self::Record(record) => f.write_str(record.name),
            Self::Composed => f.write_str("variables"),
        }
    }
}

/// What stands for free types.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    bound: Vec<Option<Type>>,
}

/// How deep types may be put into each other, so that a small expression makes no large one.
const DEPTH: usize = 64;

impl Bindings {
    /// A type that nothing is known of.
    pub(super) fn fresh(&mut self) -> Type {
        self.bound.push(None);
        Type::Free(u32::try_from(self.bound.len() - 1).unwrap_or(u32::MAX))
    }

    /// A signature's types with its own free types replaced by fresh ones.
    pub(super) fn instance(&mut self, types: &[&Type]) -> Vec<Type> {
        let mut renamed: Vec<(u32, Type)> = Vec::new();
        types.iter().map(|of| self.rename(of, &mut renamed)).collect()
    }

    fn rename(&mut self, of: &Type, renamed: &mut Vec<(u32, Type)>) -> Type {
        if let Type::Free(name) = of {
            if let Some((_, known)) = renamed.iter().find(|(known, _)| known == name) {
                return known.clone();
            }
            let fresh = self.fresh();
            renamed.push((*name, fresh.clone()));
            return fresh;
        }
        of.mapped(&mut |part| self.rename(part, renamed))
    }

    fn bound_to(&self, name: u32) -> Option<&Type> {
        self.bound.get(name as usize).and_then(Option::as_ref)
    }

    /// The type itself, as far as its outside goes.
    fn outside(&self, of: &Type) -> Type {
        let mut found = of.clone();
        // What is bound is bound to what was there before, so this ends.
        for _ in 0..=self.bound.len() {
            match found {
                Type::Free(name) => match self.bound_to(name) {
                    Some(next) => found = next.clone(),
                    None => return Type::Free(name),
                },
                other => return other,
            }
        }
        Type::Dyn
    }

    /// The type with what is known of its parts; what is not known stays free.
    pub(super) fn resolved(&self, of: &Type) -> Type {
        self.resolved_to(of, 0)
    }

    fn resolved_to(&self, of: &Type, depth: usize) -> Type {
        if depth > DEPTH {
            return Type::Dyn;
        }
        self.outside(of).mapped(&mut |part| self.resolved_to(part, depth + 1))
    }

    /// The type with what is not known being anything.
    pub(super) fn finished(&self, of: &Type) -> Type {
        fn without_free(of: &Type) -> Type {
            if matches!(of, Type::Free(_)) { Type::Dyn } else { of.mapped(&mut without_free) }
        }
        without_free(&self.resolved(of))
    }

    /// How things stand, to come back to with [`Bindings::undo`].
    pub(super) fn mark(&self) -> Vec<Option<Type>> {
        self.bound.clone()
    }

    pub(super) fn undo(&mut self, mark: Vec<Option<Type>>) {
        self.bound = mark;
    }

    /// Whether a value of `from` can stand where one of `to` belongs; free types are bound by that.
    pub(super) fn fits(&mut self, from: &Type, to: &Type) -> bool {
        self.fits_at(from, to, 0)
    }

    fn fits_at(&mut self, from: &Type, to: &Type, depth: usize) -> bool {
        if let Type::Free(name) = self.last_free(to)
            && self.bound_to(name).is_some()
        {
            // What two values stand for is the more general of both.
            let (from, bound) = (self.resolved(from), self.resolved(&Type::Free(name)));
            let fits = self.fits_to(&from, &bound, depth);
            if fits && is_more_general(&from, &bound) && !self.holds(&from, name, 0) {
                self.bind(name, from);
            }
            return fits;
        }
        self.fits_to(from, to, depth)
    }

    /// The free type that is bound to what is not free, or to nothing.
    fn last_free(&self, of: &Type) -> Type {
        let mut found = of.clone();
        for _ in 0..=self.bound.len() {
            match &found {
                Type::Free(name) => match self.bound_to(*name) {
                    Some(Type::Free(next)) => found = Type::Free(*next),
                    _ => break,
                },
                _ => break,
            }
        }
        found
    }

    fn fits_to(&mut self, from: &Type, to: &Type, depth: usize) -> bool {
        let (from, to) = (self.outside(from), self.outside(to));
        match (&from, &to) {
            (Type::Dyn, Type::Free(name)) | (Type::Free(name), Type::Dyn) => self.bind(*name, Type::Dyn),
            (Type::Dyn, _)
            | (_, Type::Dyn)
            | (Type::Null, Type::Duration | Type::Timestamp | Type::Record(_) | Type::Opaque(_))
            | (Type::Duration | Type::Timestamp | Type::Record(_) | Type::Opaque(_), Type::Null) => true,
            (Type::Free(one), Type::Free(other)) if one == other => true,
            (other, Type::Free(name)) | (Type::Free(name), other) => {
                let other = other.clone();
                self.bind(*name, other)
            }
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                depth < DEPTH && self.fits_at(a, b, depth + 1)
            }
            (Type::Map(key, value), Type::Map(other_key, other_value)) => {
                depth < DEPTH && self.fits_at(key, other_key, depth + 1) && self.fits_at(value, other_value, depth + 1)
            }
            (a, b) => a == b,
        }
    }

    fn bind(&mut self, name: u32, to: Type) -> bool {
        if self.holds(&to, name, 0) {
            return false;
        }
        if let Some(place) = self.bound.get_mut(name as usize) {
            *place = Some(to);
        }
        true
    }

    /// Whether the free type `name` is a part of `of`, which then would have no end.
    fn holds(&self, of: &Type, name: u32, depth: usize) -> bool {
        let of = self.outside(of);
        depth > DEPTH
            || of == Type::Free(name)
            || of.parts().into_iter().flatten().any(|part| self.holds(part, name, depth + 1))
    }
}

/// Whether `one` says no more than `other`, and something less.
fn is_more_general(one: &Type, other: &Type) -> bool {
    fn no_more_specific(one: &Type, other: &Type) -> bool {
        match (one, other) {
            (Type::Dyn | Type::Free(_), _) => true,
            (_, Type::Dyn | Type::Free(_)) => false,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => no_more_specific(a, b),
            (Type::Map(a, b), Type::Map(c, d)) => no_more_specific(a, c) && no_more_specific(b, d),
            (a, b) => a == b,
        }
    }
    one != other && no_more_specific(one, other)
}
