//! `glob.match`: patterns as [gobwas/glob](https://github.com/gobwas/glob) reads them.

use super::pattern::compiled_with;
use super::{Computed, Stop, as_text, elements};
use regorus::Value;
use std::fmt::Write;

pub(super) fn matches(arguments: &[Value]) -> Computed {
    let pattern = as_text(&arguments[0])?;
    let separators = match &arguments[1] {
        Value::Null => String::new(),
        list => {
            let mut separators = String::new();
            let list = elements(list)?;
            for separator in &list {
                let mut characters = as_text(separator)?.chars();
                match (characters.next(), characters.next()) {
                    (Some(one), None) => separators.push(one),
                    _ => return Err(Stop::Undefined),
                }
            }
            if list.is_empty() { ".".to_owned() } else { separators }
        }
    };
    let text = as_text(&arguments[2])?;
    if let Some((before, after)) = ends(pattern, &separators) {
        return Ok(Value::from(text.starts_with(before) && text.ends_with(after)));
    }
    // Of a pattern, what it is compiled to depends on the separators.
    let key = format!("{separators}\u{0}{pattern}");
    let regex = compiled_with(&key, text, |_| expression(pattern, &separators))?;
    Ok(Value::from(regex.is_match(text)))
}

fn literal(character: char, out: &mut String) {
    // Writing to a text does not fail.
    let _ = write!(out, "\\x{{{:x}}}", u32::from(character));
}

/// A pattern as a regular expression; none where it is no pattern.
fn expression(pattern: &str, separators: &str) -> Option<String> {
    let mut others = String::new();
    for separator in separators.chars() {
        literal(separator, &mut others);
    }
    let other = if others.is_empty() { "(?s:.)".to_owned() } else { format!("[^{others}]") };
    let mut out = String::from("^(?:");
    let mut rest = pattern.chars().peekable();
    let mut open = 0;
    while let Some(character) = rest.next() {
        match character {
            '*' => {
                let mut is_super = false;
                while rest.next_if_eq(&'*').is_some() {
                    is_super = true;
                }
                out.push_str(if is_super { "(?s:.)" } else { &other });
                out.push('*');
            }
            '?' => out.push_str(&other),
            '\\' => literal(rest.next()?, &mut out),
            '{' => {
                open += 1;
                out.push_str("(?:");
            }
            '}' if open > 0 => {
                open -= 1;
                out.push(')');
            }
            ',' if open > 0 => out.push('|'),
            '[' => {
                out.push('[');
                if rest.next_if_eq(&'!').is_some() {
                    out.push('^');
                }
                let mut members = Vec::new();
                loop {
                    match rest.next()? {
                        ']' => break,
                        '\\' => members.push(rest.next()?),
                        member => members.push(member),
                    }
                }
                match members[..] {
                    [low, '-', high] if low <= high => {
                        literal(low, &mut out);
                        out.push('-');
                        literal(high, &mut out);
                    }
                    [] | [_, '-', _] => return None,
                    // A range among others is no range to it.
                    _ if members.contains(&'-') => return None,
                    _ => members.iter().for_each(|member| literal(*member, &mut out)),
                }
                out.push(']');
            }
            _ => literal(character, &mut out),
        }
    }
    out.push_str(")$");
    (open == 0).then_some(out)
}

/// What is before and after the one part of a pattern that stands for anything. The library looks for both without
/// asking whether they overlap: `ab*ba` matches `aba`.
fn ends<'p>(pattern: &'p str, separators: &str) -> Option<(&'p str, &'p str)> {
    let first = pattern.find('*')?;
    let (before, rest) = pattern.split_at(first);
    let after = rest.trim_start_matches('*');
    let is_any = separators.is_empty() || rest.len() - after.len() > 1;
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['*', '?', '[', '{', '}', '\\', ',']);
    (is_any && is_plain(before) && is_plain(after)).then_some((before, after))
}
