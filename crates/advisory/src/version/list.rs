//! Lists of numbers: CRAN and Bioconductor, Hackage and GHC.
//!
//! Number by number, and a list sorts before those that it begins: `1.0 < 1.0.0`. R parts numbers by a dot or a hyphen
//! (`package_version`), Haskell by a dot (`Data.Version`). What is no number sorts before all that are.

use super::order::{self, Number};
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol<'a> {
    End,
    Text(&'a [u8]),
    Number(Number<'a>),
}

fn symbols<'a>(text: &'a [u8], separators: &'static [u8]) -> impl Iterator<Item = Symbol<'a>> {
    text.split(|byte| separators.contains(byte))
        .map(|one| if order::all_digits(one) { Symbol::Number(Number::of(one)) } else { Symbol::Text(one) })
}

fn compare(a: &[u8], b: &[u8], separators: &'static [u8]) -> Ordering {
    order::compare(symbols(a, separators), symbols(b, separators), &Symbol::End)
}

const R: &[u8] = b".-";
const HASKELL: &[u8] = b".";

pub(super) fn compare_cran(a: &[u8], b: &[u8]) -> Ordering {
    compare(a, b, R)
}

pub(super) fn compare_hackage(a: &[u8], b: &[u8]) -> Ordering {
    compare(a, b, HASKELL)
}

pub(super) fn is_valid_cran(text: &[u8]) -> bool {
    text.split(|byte| R.contains(byte)).all(order::all_digits)
}

pub(super) fn is_valid_hackage(text: &[u8]) -> bool {
    text.split(|byte| HASKELL.contains(byte)).all(order::all_digits)
}
