//! Conditions as they are written, part by part: what the compiled rules are held to, and what explains them.

use crate::typed::{Atom, Tree};
use crate::value::{self, Truth};
use sekisho_trace::field::{Facts, Unknown};

/// What comes of a condition for an event.
pub(crate) fn judge(tree: &Tree, facts: &dyn Facts) -> Truth {
    match tree {
        Tree::Atom(atom) => value::holds(atom, facts).0,
        Tree::Not(part) => judge(part, facts).opposite(),
        Tree::And(parts) => all(parts, facts, Truth::False),
        Tree::Or(parts) => all(parts, facts, Truth::True),
    }
}

/// Whether all parts are the opposite of `decides`, which one of them is enough for.
fn all(parts: &[Tree], facts: &dyn Facts, decides: Truth) -> Truth {
    let mut truth = decides.opposite();
    for part in parts {
        match judge(part, facts) {
            found if found == decides => return decides,
            Truth::Unknown => truth = Truth::Unknown,
            _ => {}
        }
    }
    truth
}

/// The comparisons that keep a condition from being judged, with the reasons.
pub(crate) fn unknowns<'t>(tree: &'t Tree, facts: &dyn Facts, to: &mut Vec<(&'t Atom, Unknown)>) {
    match tree {
        Tree::Atom(atom) => to.extend(value::holds(atom, facts).1.map(|reason| (&**atom, reason))),
        Tree::Not(part) => unknowns(part, facts, to),
        Tree::And(parts) | Tree::Or(parts) => {
            for part in parts {
                if judge(part, facts) == Truth::Unknown {
                    unknowns(part, facts, to);
                }
            }
        }
    }
}
