//! What a plain scalar of YAML is, by the rules of YAML 1.1 as Kubernetes reads them (go-yaml 2, `resolve.go`): `yes`,
//! `on` and `y` are true, `0777` is octal, `1_000` is a thousand; dates stay text.

use super::Value;

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Value::Text(text.to_owned());
    }
    number(text).unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// A number as Go writes them in source code, with underscores anywhere.
fn number(text: &str) -> Option<Value> {
    // A float is judged as it is written, a whole number without its underscores.
    let bare = text.replace('_', "");
    let (negative, digits) = match bare.as_bytes().first()? {
        b'-' => (true, &bare[1..]),
        b'+' => (false, &bare[1..]),
        _ => (false, &*bare),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.is_empty() && digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        if let Ok(magnitude) = i128::from_str_radix(digits, radix) {
            let whole = if negative { -magnitude } else { magnitude };
            if let Ok(whole) = i64::try_from(whole) {
                return Some(Value::Integer(whole));
            }
            if let (false, Ok(whole)) = (negative, u64::try_from(magnitude)) {
                return Some(Value::Float(large(whole)));
            }
        }
        // What is larger than that is a float if it is decimal.
        return if radix == 10 { bare.parse().ok().map(Value::Float) } else { None };
    }
    if is_float(text) { bare.parse().ok().map(Value::Float) } else { None }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits(text);
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if whole == 0 && count == 0 {
            return false;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

/// The nearest float.
#[expect(clippy::cast_precision_loss, reason = "there is no whole number for it")]
pub(super) fn large(number: u64) -> f64 {
    number as f64
}
