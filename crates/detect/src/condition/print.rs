//! Conditions as text that is read as the same condition.

use super::parser::is_bare;
use super::{Check, Expr, Operand, Right, Test};
use std::fmt::{self, Display, Formatter};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(part) => {
                f.write_str("not ")?;
                inner(f, part)
            }
            Self::Check(check) => check.fmt(f),
            Self::Name(name, _) => f.write_str(name),
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        inner(f, part)?;
    }
    Ok(())
}

/// In brackets where it needs some.
fn inner(f: &mut Formatter<'_>, part: &Expr) -> fmt::Result {
    match part {
        Expr::And(_) | Expr::Or(_) => write!(f, "({part})"),
        _ => part.fmt(f),
    }
}

impl Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.left, self.test)
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("exists"),
            Self::Compare(operator, None, right) => write!(f, "{} {right}", operator.as_str()),
            Self::Compare(operator, Some(quantifier), right) => {
                write!(f, "{} {} {right}", operator.as_str(), quantifier.as_str())
            }
        }
    }
}

impl Display for Right {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => text(f, value),
            Self::List(values) => {
                f.write_str("(")?;
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    text(f, value)?;
                }
                f.write_str(")")
            }
            Self::Operand(field @ Operand::Field(..)) => write!(f, "val({field})"),
            Self::Operand(operand) => operand.fmt(f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name, None) => f.write_str(name),
            Self::Field(name, Some(argument)) => {
                let bare = argument.chars().all(|char| is_bare(char) && !matches!(char, '[' | ']'));
                if bare && !argument.is_empty() {
                    return write!(f, "{name}[{argument}]");
                }
                write!(f, "{name}[")?;
                quoted(f, argument)?;
                f.write_str("]")
            }
            Self::Call(transformer, arguments) => {
                write!(f, "{}(", transformer.as_str())?;
                operands(f, arguments)
            }
            Self::Literal(value) => quoted(f, value),
            Self::List(items) => {
                f.write_str("(")?;
                operands(f, items)
            }
        }
    }
}

fn operands(f: &mut Formatter<'_>, operands: &[Operand]) -> fmt::Result {
    for (index, operand) in operands.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        operand.fmt(f)?;
    }
    f.write_str(")")
}

/// With quotes where it needs some.
fn text(f: &mut Formatter<'_>, value: &str) -> fmt::Result {
    if !value.is_empty() && value.chars().all(is_bare) {
        return f.write_str(value);
    }
    quoted(f, value)
}

fn quoted(f: &mut Formatter<'_>, value: &str) -> fmt::Result {
    f.write_str("\"")?;
    for char in value.chars() {
        match char {
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\\' => f.write_str("\\\\")?,
            '"' => f.write_str("\\\"")?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
