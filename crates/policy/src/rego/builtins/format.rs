//! `sprintf`: the verbs of Go's [fmt](https://pkg.go.dev/fmt), with its marks for what does not fit.

use super::{Computed, SIZE, Stop, as_text, unknown};
use regorus::Value;
use std::fmt::Write;

/// What a verb can be given. OPA hands on whole numbers, other numbers, texts, and everything else as a text.
enum Argument {
    Whole(i128),
    /// A whole number beyond that, in digits.
    Large(String),
    Float(f64),
    Text(String),
}

impl Argument {
    fn of(value: &Value) -> Result<Self, Stop> {
        Ok(match value {
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Whole(whole.into()),
                (None, Some(float)) if !number.is_integer() => Self::Float(float),
                _ => {
                    let digits = number.format_decimal();
                    digits.parse().map_or(Self::Large(digits), Self::Whole)
                }
            },
            Value::String(text) => Self::Text(text.to_string()),
            other => {
                let mut text = String::new();
                write_value(other, &mut text)?;
                Self::Text(text)
            }
        })
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Whole(whole) if i64::try_from(*whole).is_ok() => "int64",
            Self::Whole(_) | Self::Large(_) => "*big.Int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
        }
    }
}

/// A value as OPA writes it in texts: `{"a": [1, "b"]}`.
pub(in crate::rego) fn display(value: &Value) -> Option<String> {
    let mut text = String::new();
    write_value(value, &mut text).is_ok().then_some(text)
}

fn write_value(value: &Value, text: &mut String) -> Result<(), Stop> {
    fn list<'v>(
        open: char,
        items: impl Iterator<Item = &'v Value>,
        close: char,
        text: &mut String,
    ) -> Result<(), Stop> {
        text.push(open);
        for (index, item) in items.enumerate() {
            text.push_str(if index > 0 { ", " } else { "" });
            write_value(item, text)?;
        }
        text.push(close);
        Ok(())
    }
    if text.len() > SIZE {
        return unknown("the text becomes too large");
    }
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&match number.as_f64() {
            Some(float) if !number.is_integer() => json_number(float),
            _ => number.format_decimal(),
        }),
        Value::String(string) => text.push_str(&crate::pod_security::go_quoted(string)),
        Value::Array(items) => list('[', items.iter(), ']', text)?,
        Value::Set(items) if items.is_empty() => text.push_str("set()"),
        Value::Set(items) => list('{', items.iter(), '}', text)?,
        Value::Object(fields) => {
            text.push('{');
            for (index, (key, field)) in fields.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_value(key, text)?;
                text.push_str(": ");
                write_value(field, text)?;
            }
            text.push('}');
        }
        Value::Undefined => return Err(Stop::Undefined),
    }
    Ok(())
}

#[derive(Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

pub(super) fn sprintf(arguments: &[Value]) -> Computed {
    let format = as_text(&arguments[0])?;
    let Value::Array(values) = &arguments[1] else { return Err(Stop::Undefined) };
    let values = values.iter().map(Argument::of).collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    let mut next = 0;
    let mut reordered = false;
    while let Some(character) = rest.next() {
        if text.len() > SIZE {
            return unknown("the text becomes too large");
        }
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = rest.next_if(|it| matches!(it, '+' | '-' | '#' | ' ' | '0')) {
            match flag {
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                _ => flags.zero = true,
            }
        }
        let number = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut digits = String::new();
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            // Go gives up on widths of more than a million.
            (!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX).min(1_000_000))
        };
        if rest.peek() == Some(&'[') {
            rest.next();
            match (number(&mut rest), rest.next()) {
                (Some(index), Some(']')) if index > 0 && index <= values.len() => (next, reordered) = (index - 1, true),
                _ => return unknown("an index in a format that is none"),
            }
        }
        if rest.next_if_eq(&'*').is_some() {
            match values.get(next) {
                Some(Argument::Whole(width)) if width.unsigned_abs() <= 1_000_000 => {
                    flags.minus |= *width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                _ => text.push_str("%!(BADWIDTH)"),
            }
            next += 1;
        } else {
            flags.width = number(&mut rest);
        }
        if rest.next_if_eq(&'.').is_some() {
            if rest.peek() == Some(&'*') {
                return unknown("a precision that is an argument");
            }
            flags.precision = Some(number(&mut rest).unwrap_or(0));
        }
        if rest.peek() == Some(&'[') {
            return unknown("an index after a width");
        }
        let Some(verb) = rest.next() else {
            text.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            text.push('%');
            continue;
        }
        match values.get(next) {
            None => text.extend(["%!", &verb.to_string(), "(MISSING)"]),
            Some(argument) => put(argument, verb, &flags, &mut text)?,
        }
        next += 1;
    }
    if !reordered && next < values.len() {
        text.push_str("%!(EXTRA ");
        for (index, argument) in values[next..].iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { "" });
            text.push_str(argument.type_name());
            text.push('=');
            put(argument, 'v', &Flags::default(), &mut text)?;
        }
        text.push(')');
    }
    if text.len() > SIZE { unknown("the text becomes too large") } else { Ok(Value::from(text)) }
}

/// One argument, as `verb` wants it.
fn put(argument: &Argument, verb: char, flags: &Flags, text: &mut String) -> Result<(), Stop> {
    if verb == 'T' {
        pad(argument.type_name(), flags, text);
        return Ok(());
    }
    let formatted = match argument {
        Argument::Whole(whole) => match verb {
            'd' | 'v' => Some(whole_text(*whole, 10, false, flags)),
            'b' => Some(whole_text(*whole, 2, false, flags)),
            'o' | 'O' => {
                let text = whole_text(*whole, 8, false, flags);
                Some(if verb == 'O' { format!("0o{text}") } else { text })
            }
            'x' => Some(whole_text(*whole, 16, false, flags)),
            'X' => Some(whole_text(*whole, 16, true, flags)),
            'c' | 'q' | 'U' => {
                let character = u32::try_from(*whole).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                Some(match verb {
                    'c' => character.to_string(),
                    'U' => format!("U+{:04X}", u32::from(character)),
                    _ => {
                        let quoted = crate::pod_security::go_quoted(&character.to_string());
                        match character {
                            '\'' => "'\\''".to_owned(),
                            '"' => "'\"'".to_owned(),
                            _ => format!("'{}'", &quoted[1..quoted.len() - 1]),
                        }
                    }
                })
            }
            // Beyond 64 bits they are another type in Go, which takes texts' verb as well.
            's' if i64::try_from(*whole).is_err() => Some(whole_text(*whole, 10, false, flags)),
            _ => None,
        },
        Argument::Large(digits) => matches!(verb, 'd' | 'v' | 's').then(|| digits.clone()),
        Argument::Float(float) => float_text(*float, verb, flags),
        Argument::Text(string) => {
            let cut: String = match flags.precision {
                Some(precision) => string.chars().take(precision).collect(),
                None => string.clone(),
            };
            match verb {
                's' | 'v' if flags.sharp && verb == 'v' => Some(crate::pod_security::go_quoted(string)),
                's' | 'v' => Some(cut),
                'q' => Some(crate::pod_security::go_quoted(&cut)),
                'x' | 'X' => {
                    let mut digits = String::new();
                    for byte in cut.bytes() {
                        // Writing to a text does not fail.
                        let _ = if verb == 'x' { write!(digits, "{byte:02x}") } else { write!(digits, "{byte:02X}") };
                    }
                    Some(digits)
                }
                _ => None,
            }
        }
    };
    if let Some(formatted) = formatted {
        pad(&formatted, flags, text);
        return Ok(());
    }
    // What does not fit is written with its type, with the flags.
    text.extend(["%!", &verb.to_string(), "(", argument.type_name(), "="]);
    put(argument, 'v', flags, text)?;
    text.push(')');
    Ok(())
}

fn pad(formatted: &str, flags: &Flags, text: &mut String) {
    let missing = flags.width.unwrap_or(0).saturating_sub(formatted.chars().count());
    let gap = |sign: &str| sign.repeat(missing);
    if flags.minus {
        text.extend([formatted, &gap(" ")]);
    } else if flags.zero {
        // Signs stay in front.
        let split = usize::from(formatted.starts_with(['+', '-']) && formatted.len() > 1);
        text.extend([&formatted[..split], &gap("0"), &formatted[split..]]);
    } else {
        text.extend([&gap(" "), formatted]);
    }
}

fn sign_of(is_negative: bool, flags: &Flags) -> &'static str {
    match is_negative {
        true => "-",
        false if flags.plus => "+",
        false if flags.space => " ",
        false => "",
    }
}

fn whole_text(whole: i128, radix: u32, upper: bool, flags: &Flags) -> String {
    let magnitude = whole.unsigned_abs();
    let mut digits = match radix {
        2 => format!("{magnitude:b}"),
        8 => format!("{magnitude:o}"),
        16 if upper => format!("{magnitude:X}"),
        16 => format!("{magnitude:x}"),
        _ => magnitude.to_string(),
    };
    if let Some(precision) = flags.precision {
        digits = format!("{}{digits}", "0".repeat(precision.min(1000).saturating_sub(digits.len())));
    }
    let prefix = match radix {
        _ if !flags.sharp => "",
        2 => "0b",
        8 => "0",
        16 if upper => "0X",
        16 => "0x",
        _ => "",
    };
    format!("{}{prefix}{digits}", sign_of(whole < 0, flags))
}

fn float_text(float: f64, verb: char, flags: &Flags) -> Option<String> {
    let magnitude = float.abs();
    let precision = flags.precision.map(|precision| precision.min(1000));
    let text = match verb {
        'f' | 'F' => format!("{magnitude:.*}", precision.unwrap_or(6)),
        'e' | 'E' => exponent(&format!("{magnitude:.*e}", precision.unwrap_or(6))),
        'g' | 'G' | 'v' => match precision {
            None => shortest(magnitude, -4..6),
            Some(precision) => general(magnitude, precision.max(1)),
        },
        _ => return None,
    };
    let text = if verb.is_ascii_uppercase() { text.to_ascii_uppercase() } else { text };
    Some(format!("{}{text}", sign_of(float.is_sign_negative(), flags)))
}

/// A number as Go writes it in JSON.
pub(super) fn json_number(float: f64) -> String {
    let text = shortest(float.abs(), -6..21);
    if float < 0.0 { format!("-{text}") } else { text }
}

/// The fewest digits that are the number, with an exponent where its power of ten is not in `plain`.
fn shortest(magnitude: f64, plain: std::ops::Range<i32>) -> String {
    let scientific = format!("{magnitude:e}");
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    if plain.contains(&power) { magnitude.to_string() } else { exponent(&scientific) }
}

/// `%.3g`
fn general(magnitude: f64, precision: usize) -> String {
    let scientific = format!("{magnitude:.*e}", precision - 1);
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        text.to_owned()
    };
    if power < -4 || usize::try_from(power).is_ok_and(|power| power >= precision) {
        return exponent(&format!("{}e{power}", trimmed(digits)));
    }
    let decimals = i32::try_from(precision).unwrap_or(i32::MAX).saturating_sub(1).saturating_sub(power);
    trimmed(&format!("{magnitude:.*}", usize::try_from(decimals).unwrap_or(0)))
}

/// `1.5e3` with a sign and two digits: `1.5e+03`.
fn exponent(text: &str) -> String {
    let Some((digits, power)) = text.split_once('e') else { return text.to_owned() };
    let (sign, power) = power.strip_prefix('-').map_or(("+", power), |power| ("-", power));
    format!("{digits}e{sign}{power:0>2}")
}
