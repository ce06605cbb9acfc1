//! Conditions of Falco rules: what they say, and how they are read and written.
//!
//! The grammar is that of Falco 0.44's filter parser
//! (<https://falco.org/docs/concepts/rules/conditions/>): `or` over `and` over `not` over checks, brackets, and names of
//! macros. What a field is, and what can be compared with what, is not known here.

mod parser;
mod print;
#[cfg(test)]
mod tests;

pub use parser::{Mistake, operand, parse};
pub(crate) use parser::{is_identifier, is_list_name};

use sekisho_base::tree::Place;

/// A condition. Its depth is at most [`DEPTH`] where [`parse`] made it.
#[derive(Debug, Clone)]
pub enum Expr {
    /// All of several.
    And(Vec<Expr>),
    /// One of several.
    Or(Vec<Expr>),
    /// The opposite.
    Not(Box<Expr>),
    /// A field and what it is to be.
    Check(Box<Check>),
    /// A macro by its name.
    Name(String, Place),
}

/// How deep conditions may lie in each other.
pub const DEPTH: usize = 200;

/// A test of one value.
#[derive(Debug, Clone)]
pub struct Check {
    /// The value.
    pub left: Operand,
    /// The test.
    pub test: Test,
    /// Where in the text of the condition it begins.
    pub place: Place,
}

/// What a value is to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// There at all.
    Exists,
    /// So or so, compared with what stands on the right.
    Compare(Operator, Option<Quantifier>, Right),
}

/// What stands on the right of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Right {
    /// One value as it is written, without quotes and escapes.
    Value(String),
    /// Values in brackets.
    List(Vec<String>),
    /// Another field, as `val(field)`, or a transformer.
    Operand(Operand),
}

/// A value of an event, or made of such.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A field, and what stands in square brackets behind it.
    Field(String, Option<String>),
    /// A transformer and its arguments, of which there is at least one.
    Call(Transformer, Vec<Operand>),
    /// A text or number in the arguments of a transformer.
    Literal(String),
    /// A list in the arguments of a transformer.
    List(Vec<Operand>),
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$each])* #[doc = concat!("`", $text, "`")] $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// How it is written.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// The one that is written so.
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    };
}

words! {
    /// How two values are compared.
    Operator {
        LessEqual = "<=",
        Less = "<",
        GreaterEqual = ">=",
        Greater = ">",
        Equal = "=",
        NotEqual = "!=",
        Glob = "glob",
        IGlob = "iglob",
        Contains = "contains",
        IContains = "icontains",
        BContains = "bcontains",
        StartsWith = "startswith",
        BStartsWith = "bstartswith",
        EndsWith = "endswith",
        Regex = "regex",
        Intersects = "intersects",
        In = "in",
        PathMatch = "pmatch",
    }
}

/// What kind of value an operator takes on its right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A number.
    Number,
    /// A text, or several with a quantifier.
    Text,
    /// Values in brackets.
    List,
}

impl Operator {
    /// What it takes on its right.
    pub fn takes(self) -> Takes {
        match self {
            Self::LessEqual | Self::Less | Self::GreaterEqual | Self::Greater => Takes::Number,
            Self::Intersects | Self::In | Self::PathMatch => Takes::List,
            _ => Takes::Text,
        }
    }
}

words! {
    /// How many of several values have to compare.
    Quantifier {
        /// Exactly one.
        OneOf = "oneof",
        /// At least one.
        AnyOf = "anyof",
        /// Each.
        AllOf = "allof",
    }
}

words! {
    /// What makes a value of another.
    Transformer {
        ToLower = "tolower",
        ToUpper = "toupper",
        /// Base64, decoded.
        Base64 = "b64",
        /// What follows the last slash.
        BaseName = "basename",
        /// Bytes of a text, or values of a list.
        Len = "len",
        /// Values of a list with a text between them.
        Join = "join",
        Concat = "concat",
        /// Options of a command line and their arguments, as a list.
        GetOpt = "getopt",
    }
}

impl Expr {
    /// Calls `f` with every check, from left to right.
    pub fn checks<'a>(&'a self, f: &mut impl FnMut(&'a Check)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.checks(f)),
            Self::Not(part) => part.checks(f),
            Self::Check(check) => f(check),
            Self::Name(..) => {}
        }
    }
}

impl Operand {
    /// Calls `f` with every field and its argument.
    pub fn fields<'a>(&'a self, f: &mut impl FnMut(&'a str, Option<&'a str>)) {
        match self {
            Self::Field(name, argument) => f(name, argument.as_deref()),
            Self::Call(_, arguments) | Self::List(arguments) => {
                for argument in arguments {
                    argument.fields(f);
                }
            }
            Self::Literal(_) => {}
        }
    }
}

impl Check {
    /// Calls `f` with every field and its argument, on both sides.
    pub fn fields<'a>(&'a self, f: &mut impl FnMut(&'a str, Option<&'a str>)) {
        self.left.fields(f);
        if let Test::Compare(.., Right::Operand(operand)) = &self.test {
            operand.fields(f);
        }
    }
}
