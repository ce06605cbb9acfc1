//! Quantities such as `500m` and `1Gi` (`k8s.io/apiserver/pkg/cel/library/quantity.go`,
//! `k8s.io/apimachinery/pkg/api/resource`), exact to the billionth.

use super::{Entry, mismatch};
use crate::cel::run::Stop;
use crate::cel::value::Value;
use std::cmp::Ordering;
use std::sync::Arc;

pub(super) const TABLE: &[Entry] = &[
    ("quantity(string) -> quantity", |of, _| match of {
        [Value::Text(text)] => {
            Quantity::parse(text).map(value).ok_or_else(|| Stop::error(format!("{text:?} is no quantity")))
        }
        _ => Err(mismatch()),
    }),
    ("isQuantity(string) -> bool", |of, _| match of {
        [Value::Text(text)] => Ok(Value::Bool(Quantity::parse(text).is_some())),
        _ => Err(mismatch()),
    }),
    ("sign(quantity) -> int", |of, _| one(of, |it| Ok(Value::Int(it.billionths.signum() as i64)))),
    ("quantity.isInteger() -> bool", |of, _| one(of, |it| Ok(Value::Bool(it.integer().is_some())))),
    ("quantity.asInteger() -> int", |of, _| {
        one(of, |it| it.integer().map(Value::Int).ok_or_else(|| Stop::error("cannot convert value to integer")))
    }),
    ("quantity.asApproximateFloat() -> double", |of, _| one(of, |it| Ok(Value::Double(it.billionths as f64 / 1e9)))),
    ("quantity.add(quantity) -> quantity", |of, _| two(of, |a, b| a.plus(b).map(value))),
    ("quantity.add(int) -> quantity", |of, _| two(of, |a, b| a.plus(b).map(value))),
    ("quantity.sub(quantity) -> quantity", |of, _| two(of, |a, b| a.plus(&b.negated()).map(value))),
    ("quantity.sub(int) -> quantity", |of, _| two(of, |a, b| a.plus(&b.negated()).map(value))),
    ("quantity.isGreaterThan(quantity) -> bool", |of, _| two(of, |a, b| Ok(Value::Bool(a.compare(b).is_gt())))),
    ("quantity.isLessThan(quantity) -> bool", |of, _| two(of, |a, b| Ok(Value::Bool(a.compare(b).is_lt())))),
    ("quantity.compareTo(quantity) -> int", |of, _| two(of, |a, b| Ok(Value::Int(a.compare(b) as i64)))),
];

fn value(quantity: Quantity) -> Value {
    Value::Quantity(Arc::new(quantity))
}

fn one(of: &[Value], run: impl FnOnce(&Quantity) -> Result<Value, Stop>) -> Result<Value, Stop> {
    match of {
        [Value::Quantity(quantity)] => run(quantity),
        _ => Err(mismatch()),
    }
}

fn two(of: &[Value], run: impl FnOnce(&Quantity, &Quantity) -> Result<Value, Stop>) -> Result<Value, Stop> {
    match of {
        [Value::Quantity(a), Value::Quantity(b)] => run(a, b),
        [Value::Quantity(a), Value::Int(b)] => run(a, &Quantity::whole(*b)),
        _ => Err(mismatch()),
    }
}

/// A quantity. Go keeps small ones as a whole number and a power of ten, and tells by that whether one is whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantity {
    billionths: i128,
    /// The number and the power of ten, where they are kept so.
    small: Option<(i64, i32)>,
}

/// No quantity is larger, in either direction.
const LARGEST: i128 = i64::MAX as i128 * BILLION;
const BILLION: i128 = 1_000_000_000;

impl Quantity {
    fn whole(number: i64) -> Self {
        Self { billionths: i128::from(number) * BILLION, small: Some((number, 0)) }
    }

    pub(in crate::cel) fn compare(&self, other: &Self) -> Ordering {
        self.billionths.cmp(&other.billionths)
    }

    fn negated(self) -> Self {
        let small = self.small.and_then(|(number, scale)| Some((number.checked_neg()?, scale)));
        Self { billionths: -self.billionths, small }
    }

    fn plus(&self, other: &Self) -> Result<Self, Stop> {
        let sum = self.billionths.checked_add(other.billionths);
        let billionths = sum.ok_or_else(|| Stop::error("a quantity that is too large"))?;
        let small = self.small.zip(other.small).and_then(|((a, of_a), (b, of_b))| {
            if a == 0 {
                return Some((b, of_b));
            }
            if b == 0 {
                return Some((a, of_a));
            }
            let scale = of_a.min(of_b);
            let aligned = |number: i64, of: i32| {
                let factor = 10_i64.checked_pow(u32::try_from(of - scale).ok()?)?;
                number.checked_mul(factor)
            };
            Some((aligned(a, of_a)?.checked_add(aligned(b, of_b)?)?, scale))
        });
        Ok(Self { billionths, small })
    }

    /// The whole number, where it is one as Go sees it.
    fn integer(&self) -> Option<i64> {
        match self.small? {
            (number, 0) => Some(number),
            (number, scale) => number.checked_mul(10_i64.checked_pow(u32::try_from(scale).ok()?)?),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = rest.split_at(digits(rest));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (base, power) = factor(suffix)?;
        let whole = whole.trim_start_matches('0');
        let small = small(whole, fraction, base, power).and_then(|(number, scale)| {
            let number = if negative { number.checked_neg()? } else { number };
            Some((number, scale))
        });
        let most = if negative { -LARGEST } else { LARGEST };
        let billionths = if let Some((number, scale)) = small {
            // A small one of a large power may still be too large.
            let factor = 10_i128.checked_pow(u32::try_from(scale + 9).ok()?);
            factor.and_then(|factor| i128::from(number).checked_mul(factor)).unwrap_or(most)
        } else {
            let size = large(whole, fraction, base, power);
            if negative { -size } else { size }
        };
        Some(Self { billionths, small })
    }
}

/// The base and the power that a suffix stands for.
fn factor(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let bare = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (10, exponent.parse().ok()?)
        }
    })
}

/// The number and the power of ten of a quantity that Go keeps so.
fn small(whole: &str, fraction: &str, base: u32, power: i32) -> Option<(i64, i32)> {
    let length = i32::try_from(whole.len()).ok()?;
    let after = i32::try_from(fraction.len()).ok()?;
    let (precision, mantissa, scale) = match base {
        10 => (18 - length - after, 1, power),
        _ if fraction.is_empty() => {
            (15 - length - power * 3 / 10 - 1, 1_i64.checked_shl(u32::try_from(power).ok()?)?, 0)
        }
        _ => return None,
    };
    let scale = scale - after;
    if precision < 0 || scale < -9 {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let number: i64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some((number.checked_mul(mantissa)?, scale))
}

/// The size in billionths, rounded up and no larger than the largest.
fn large(whole: &str, fraction: &str, base: u32, power: i32) -> i128 {
    // Digits as one number, of which so many are after the point.
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return 0;
    }
    let after = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let decimal_power = if base == 10 { i64::from(power) } else { 0 };
    // The power of ten that brings the digits to billionths.
    let shift = decimal_power.saturating_sub(after).saturating_add(9);
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    if length.saturating_add(shift) > 30 {
        return LARGEST;
    }
    if length.saturating_add(shift) < -20 {
        return 1;
    }
    // Digits that are far below a billionth only round up.
    let kept = digits.len().min(36);
    let dropped = digits.len() - kept;
    let mut rounds_up = digits[kept..].bytes().any(|digit| digit != b'0');
    let number: i128 = digits[..kept].parse().unwrap_or(i128::MAX);
    let factor: i128 = if base == 2 { 1 << power.clamp(0, 60) } else { 1 };
    let shift = shift + i64::try_from(dropped).unwrap_or(0);
    let Some(number) = number.checked_mul(factor) else {
        return if shift >= -18 { LARGEST } else { number / 10_i128.pow(18) * factor };
    };
    let ten = |power: i64| u32::try_from(power).ok().and_then(|power| 10_i128.checked_pow(power));
    let size = if shift >= 0 {
        ten(shift).and_then(|factor| number.checked_mul(factor)).unwrap_or(LARGEST)
    } else {
        let by = ten(-shift).unwrap_or(i128::MAX);
        rounds_up |= number % by != 0;
        number / by + i128::from(rounds_up)
    };
    size.min(LARGEST)
}

/// The shortest form of a quantity with the kind of suffix that it has; none where it is none.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let quantity = Quantity::parse(text)?;
    let suffix =
        text.trim_start_matches(['+', '-']).trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
    let sign = if quantity.billionths < 0 { "-" } else { "" };
    let mut size = quantity.billionths.unsigned_abs();
    if size == 0 {
        return Some("0".to_owned());
    }
    let billion = BILLION.unsigned_abs();
    if suffix.ends_with('i') && size.is_multiple_of(billion) && size / billion >= 1024 {
        size /= billion;
        let mut power = 0;
        while size.is_multiple_of(1024) && power < 6 {
            size /= 1024;
            power += 1;
        }
        return Some(format!("{sign}{size}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power]));
    }
    let mut power = 0;
    while size.is_multiple_of(1000) && power < 9 {
        size /= 1000;
        power += 1;
    }
    if suffix.starts_with(['e', 'E']) && suffix.len() > 1 {
        let power = 3 * i64::try_from(power).unwrap_or(0) - 9;
        return Some(if power == 0 { format!("{sign}{size}") } else { format!("{sign}{size}e{power}") });
    }
    Some(format!("{sign}{size}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][power]))
}
