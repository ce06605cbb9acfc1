//! Regular expressions in the syntax of [RE2](https://github.com/google/re2/wiki/Syntax), as Go has it.

use super::{Computed, SIZE, Stop, array, as_integer, as_text, unknown};
use regex::{Captures, Regex, RegexBuilder};
use regorus::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;

thread_local! {
    /// Expressions that were asked for lately.
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// How many of them are kept.
const KEPT: usize = 256;

/// The expression, compiled. One that this program cannot read may be one that OPA can.
pub(super) fn compiled(pattern: &str) -> Result<Regex, Stop> {
    compiled_with(pattern, rust_syntax)
}

pub(super) fn compiled_with(pattern: &str, translate: impl Fn(&str) -> Option<String>) -> Result<Regex, Stop> {
    if let Some(known) = COMPILED.with_borrow(|known| known.get(pattern).cloned()) {
        return Ok(known);
    }
    let Some(translated) = translate(pattern) else { return unknown(format!("{pattern:?} cannot be read")) };
    let regex = RegexBuilder::new(&translated).size_limit(1 << 20).nest_limit(100).build();
    let Ok(regex) = regex else { return unknown(format!("{pattern:?} cannot be read")) };
    COMPILED.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// `pattern` in the syntax of the crate `regex`, in which classes are of all of Unicode, may lie in each other and be
/// subtracted. None where the meaning cannot be kept.
fn rust_syntax(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_is_empty = false;
    // How many signs of repetition come one after the other; Go has one, and `?` after it.
    let mut repeated = 0;
    while let Some(character) = rest.next() {
        let is_repetition = !in_class
            && match character {
                '*' | '+' | '?' => true,
                '{' => {
                    let count: String = rest.clone().take_while(|it| *it != '}').collect();
                    let numbers: Vec<&str> = count.splitn(2, ',').collect();
                    let is_count =
                        !numbers[0].is_empty() && numbers.iter().all(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
                    if is_count
                        && numbers.iter().any(|it| it.len() > 4 || it.parse::<u32>().is_ok_and(|number| number > 1000))
                    {
                        return None;
                    }
                    is_count
                }
                _ => false,
            };
        if is_repetition && (repeated > 1 || (repeated == 1 && character != '?')) {
            return None;
        }
        repeated = if is_repetition { repeated + 1 } else { 0 };
        if is_repetition && character == '{' {
            let count: String = rest.by_ref().take_while(|it| *it != '}').collect();
            write!(out, "{{{count}}}").ok()?;
            continue;
        }
        match character {
            // A brace that counts nothing is one.
            '{' | '}' if !in_class => {
                out.push('\\');
                out.push(character);
            }
            '\\' => {
                let escaped = rest.next()?;
                class_is_empty = false;
                match escaped {
                    'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                    'D' => out.push_str("[^0-9]"),
                    's' => out.push_str(if in_class { "\\t\\n\\f\\r " } else { "[\\t\\n\\f\\r ]" }),
                    'S' => out.push_str("[^\\t\\n\\f\\r ]"),
                    'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                    'W' => out.push_str("[^0-9A-Za-z_]"),
                    'b' if !in_class => out.push_str("(?-u:\\b)"),
                    'B' if !in_class => out.push_str("(?-u:\\B)"),
                    // Literal up to `\E`.
                    'Q' if !in_class => {
                        let mut literal = String::new();
                        while let Some(next) = rest.next() {
                            if next == '\\' && rest.next_if_eq(&'E').is_some() {
                                break;
                            }
                            literal.push(next);
                        }
                        out.push_str(&regex::escape(&literal));
                    }
                    // A byte, which is no character.
                    'C' => return None,
                    // Octal, which the crate takes for a reference back.
                    '0'..='7' => {
                        let mut code = escaped.to_digit(8)?;
                        let mut digits = 1;
                        while digits < 3 {
                            let Some(digit) = rest.next_if(|it| it.is_digit(8)) else { break };
                            code = code * 8 + digit.to_digit(8)?;
                            digits += 1;
                        }
                        // `\1` alone is a reference, which RE2 does not have.
                        if escaped != '0' && digits == 1 {
                            return None;
                        }
                        write!(out, "\\x{{{code:x}}}").ok()?;
                    }
                    'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'A' | 'z' | 'x' | 'p' | 'P' => {
                        out.push('\\');
                        out.push(escaped);
                    }
                    _ if escaped.is_ascii_punctuation() => {
                        write!(out, "\\x{{{:x}}}", u32::from(escaped)).ok()?;
                    }
                    _ => return None,
                }
            }
            '[' if !in_class => {
                in_class = true;
                class_is_empty = true;
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
            }
            '[' if rest.peek() == Some(&':') => {
                class_is_empty = false;
                out.push('[');
            }
            ']' if in_class && !class_is_empty => {
                // The end of `[:alpha:]`, or of the class.
                let is_named = out.ends_with(':')
                    && out.rfind("[:").is_some_and(|at| out[at..].len() > 2 && !out[at..].contains(']'));
                in_class = is_named;
                out.push(']');
            }
            '[' | ']' | '&' | '~' if in_class => {
                class_is_empty = false;
                out.push('\\');
                out.push(character);
            }
            // Two of them are a difference in the crate, and a range that Go refuses or a plain sign.
            '-' if in_class && rest.peek() == Some(&'-') => return None,
            '(' if !in_class && rest.peek() == Some(&'?') => {
                out.push('(');
                let flags: String = {
                    let mut ahead = rest.clone();
                    ahead.next();
                    ahead.take_while(|it| !matches!(it, ')' | ':' | '<')).collect()
                };
                // `x`, `u` and `R` are flags of the crate alone.
                let is_name = flags.is_empty() || flags == "P";
                if !is_name && !flags.chars().all(|flag| matches!(flag, 'i' | 'm' | 's' | 'U' | '-')) {
                    return None;
                }
            }
            _ => {
                class_is_empty = false;
                out.push(character);
            }
        }
    }
    Some(out)
}

pub(super) fn is_valid(arguments: &[Value]) -> Computed {
    // What cannot be read here need not be wrong, but what is read is right.
    let pattern = as_text(&arguments[0])?;
    match compiled(pattern) {
        Ok(_) => Ok(Value::from(true)),
        Err(stop) => Err(stop),
    }
}

pub(super) fn matches(arguments: &[Value]) -> Computed {
    Ok(Value::from(compiled(as_text(&arguments[0])?)?.is_match(as_text(&arguments[1])?)))
}

pub(super) fn replace(arguments: &[Value]) -> Computed {
    let [text, pattern, new] = [as_text(&arguments[0])?, as_text(&arguments[1])?, as_text(&arguments[2])?];
    let regex = compiled(pattern)?;
    let mut replaced = String::new();
    let mut last = 0;
    for found in regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        replaced.push_str(&text[last..whole.start()]);
        found.expand(new, &mut replaced);
        last = whole.end();
        if replaced.len() > SIZE {
            return unknown("the text becomes too large");
        }
    }
    replaced.push_str(&text[last..]);
    Ok(Value::from(replaced))
}

/// As Go splits: an empty match at the start or the end gives no empty piece.
pub(super) fn split(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern)?;
    if !pattern.is_empty() && text.is_empty() {
        return Ok(array([Value::from("")]));
    }
    let (mut begin, mut end) = (0, 0);
    let mut pieces = Vec::new();
    for found in regex.find_iter(text) {
        end = found.start();
        if found.end() != 0 {
            pieces.push(Value::from(&text[begin..end]));
        }
        begin = found.end();
    }
    if end != text.len() {
        pieces.push(Value::from(&text[begin..]));
    }
    Ok(array(pieces))
}

/// The first so many, or all where the number is negative.
fn limit(number: &Value) -> Result<usize, Stop> {
    Ok(usize::try_from(as_integer(number)?).unwrap_or(usize::MAX))
}

pub(super) fn find(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern)?;
    Ok(array(regex.find_iter(text).take(limit(&arguments[2])?).map(|found| Value::from(found.as_str()))))
}

pub(super) fn find_groups(arguments: &[Value]) -> Computed {
    let [pattern, text] = [as_text(&arguments[0])?, as_text(&arguments[1])?];
    let regex = compiled(pattern)?;
    let groups =
        |found: Captures<'_>| array(found.iter().map(|group| Value::from(group.map_or("", |group| group.as_str()))));
    Ok(array(regex.captures_iter(text).take(limit(&arguments[2])?).map(groups)))
}
