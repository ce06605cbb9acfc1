//! What `sekisho db vercmp` is given line by line: `A < B`.

use super::Scheme;
use std::cmp::Ordering;
use std::fmt;

/// How one version stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// It came before: `<`.
    Less,
    /// It is the same: `=`.
    Equal,
    /// It came after: `>`.
    Greater,
}

impl From<Ordering> for Operator {
    fn from(order: Ordering) -> Self {
        match order {
            Ordering::Less => Self::Less,
            Ordering::Equal => Self::Equal,
            Ordering::Greater => Self::Greater,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::Equal => "=",
            Self::Greater => ">",
        })
    }
}

/// That two versions stand to each other in a certain way. It may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The first version.
    pub a: &'a str,
    /// How it is said to stand to the second.
    pub operator: Operator,
    /// The second version.
    pub b: &'a str,
}

impl<'a> Statement<'a> {
    /// Reads `A OP B`: two versions without blanks in them, and `<`, `=` or `>` between, with blanks around it.
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (a, operator, b) = (words.next()?, words.next()?, words.next()?);
        let operator = match operator {
            "<" => Operator::Less,
            "=" => Operator::Equal,
            ">" => Operator::Greater,
            _ => return None,
        };
        words.next().is_none().then_some(Self { a, operator, b })
    }

    /// How they stand to each other by the scheme.
    pub fn actual(&self, scheme: Scheme) -> Operator {
        scheme.compare(self.a, self.b).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_two_versions_and_an_operator() {
        let statement = Statement::parse("1.0 <  1.1\r").unwrap();
        assert_eq!(statement, Statement { a: "1.0", operator: Operator::Less, b: "1.1" });
        assert_eq!(statement.actual(Scheme::SemVer), Operator::Less);
        assert_eq!(Statement::parse("= = =").map(|statement| statement.operator), Some(Operator::Equal));
        for line in ["", "1.0", "1.0 <", "1.0 <= 1.1", "1.0<1.1", "1.0 < 1.1 1.2", "< 1.0", "1.0 == 1.0"] {
            assert_eq!(Statement::parse(line), None, "{line}");
        }
    }
}
