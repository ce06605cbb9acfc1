//! `regex.globs_match`: whether a text matches both of two patterns.
//!
//! The patterns are those of [yashtewari/glob-intersection](https://github.com/yashtewari/glob-intersection): letters,
//! `.`, classes of letters and ranges, and `+` or `*` after any of them; no texts that are empty are told.

use super::{Computed, Stop, as_text, unknown};
use regorus::Value;

/// One place of a pattern: which characters, and how often.
struct Token {
    /// `None` for any.
    ranges: Option<Vec<(char, char)>>,
    may_lack: bool,
    may_repeat: bool,
}

fn tokens(pattern: &str) -> Result<Vec<Token>, Stop> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        let ranges = match character {
            '*' | '+' => {
                let last = tokens.last_mut().filter(|last| !last.may_repeat).ok_or(Stop::Undefined)?;
                (last.may_lack, last.may_repeat) = (character == '*', true);
                continue;
            }
            '.' => None,
            '[' => {
                let mut members = Vec::new();
                loop {
                    match rest.next().ok_or(Stop::Undefined)? {
                        ']' => break,
                        '\\' => members.push((rest.next().ok_or(Stop::Undefined)?, false)),
                        member => members.push((member, member == '-')),
                    }
                }
                let mut ranges = Vec::new();
                let mut index = 0;
                while index < members.len() {
                    match members[index..] {
                        [(_, true), ..] => return Err(Stop::Undefined),
                        [(low, _), (_, true), (high, false), ..] if low <= high => {
                            ranges.push((low, high));
                            index += 3;
                        }
                        [_, (_, true), ..] => return Err(Stop::Undefined),
                        [(one, _), ..] => {
                            ranges.push((one, one));
                            index += 1;
                        }
                        [] => break,
                    }
                }
                if ranges.is_empty() {
                    return Err(Stop::Undefined);
                }
                Some(ranges)
            }
            ']' => return Err(Stop::Undefined),
            '\\' => {
                let escaped = rest.next().ok_or(Stop::Undefined)?;
                Some(vec![(escaped, escaped)])
            }
            _ => Some(vec![(character, character)]),
        };
        tokens.push(Token { ranges, may_lack: false, may_repeat: false });
    }
    Ok(tokens)
}

fn meet(left: &Token, right: &Token) -> bool {
    let (Some(left), Some(right)) = (&left.ranges, &right.ranges) else { return true };
    left.iter().any(|(low, high)| right.iter().any(|(other_low, other_high)| low <= other_high && other_low <= high))
}

pub(super) fn globs_match(arguments: &[Value]) -> Computed {
    let [left, right] = [tokens(as_text(&arguments[0])?)?, tokens(as_text(&arguments[1])?)?];
    if left.len().saturating_mul(right.len()) > 1 << 20 {
        return unknown("the patterns are too long");
    }
    // Which pairs of places can be reached by one text; a place that repeats may be stayed at.
    let columns = right.len() + 1;
    let mut reached = vec![false; (left.len() + 1) * columns];
    let mut open = vec![(0, 0)];
    while let Some((at, other)) = open.pop() {
        if std::mem::replace(&mut reached[at * columns + other], true) {
            continue;
        }
        let (first, second) = (left.get(at), right.get(other));
        if first.is_some_and(|token| token.may_lack) {
            open.push((at + 1, other));
        }
        if second.is_some_and(|token| token.may_lack) {
            open.push((at, other + 1));
        }
        if let (Some(first), Some(second)) = (first, second)
            && meet(first, second)
        {
            open.push((at + 1, other + 1));
            if first.may_repeat {
                open.push((at, other + 1));
            }
            if second.may_repeat {
                open.push((at + 1, other));
            }
        }
    }
    Ok(Value::from(reached.last().copied().unwrap_or(false)))
}
