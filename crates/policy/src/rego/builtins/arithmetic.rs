//! `+`, `-`, `*` and `/`.
//!
//! OPA computes with more digits than a float has and rounds to 17, so that `0.1 + 0.2 == 0.3`. Here the result is the exact
//! one of the decimal numbers that are written, where that has up to 15 digits, and that of floats otherwise.

use super::{Computed, Stop};
use regorus::Value;

// What no policy calls, since no name in one has the mark of names that are made.
pub(super) const ADD: &str = "add__sk";
pub(super) const SUBTRACT: &str = "subtract__sk";
pub(super) const MULTIPLY: &str = "multiply__sk";
pub(super) const DIVIDE: &str = "divide__sk";

/// The function that an operator is.
pub(in crate::rego) fn function(sign: &str) -> Option<&'static str> {
    match sign {
        "+" => Some(ADD),
        "-" => Some(SUBTRACT),
        "*" => Some(MULTIPLY),
        "/" => Some(DIVIDE),
        _ => None,
    }
}

/// A number as digits and a power of ten.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    power: i32,
}

impl Decimal {
    /// The shortest that is `float`.
    fn of(float: f64) -> Option<Self> {
        let text = format!("{float:e}");
        let (digits, power) = text.split_once('e')?;
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let power: i32 = power.parse().ok()?;
        Some(Self { digits: digits.replace('.', "").parse().ok()?, power: power - i32::try_from(decimals).ok()? })
    }

    /// With the power of ten that is smaller.
    fn to_power(self, power: i32) -> Option<i128> {
        let up = u32::try_from(self.power - power).ok().filter(|up| *up <= 18)?;
        self.digits.checked_mul(10_i128.pow(up))
    }

    fn sum(self, other: Self) -> Option<Self> {
        let power = self.power.min(other.power);
        Some(Self { digits: self.to_power(power)?.checked_add(other.to_power(power)?)?, power })
    }

    fn product(self, other: Self) -> Option<Self> {
        Some(Self { digits: self.digits.checked_mul(other.digits)?, power: self.power.checked_add(other.power)? })
    }

    /// None where it does not come out even.
    fn quotient(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(10_i128.pow(16))?;
        let even = other.digits != 0 && digits % other.digits == 0;
        even.then(|| Self { digits: digits / other.digits, power: self.power - other.power - 16 })
    }

    /// The number, where it is one of few digits.
    fn plain(mut self) -> Option<f64> {
        while self.digits != 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.power += 1;
        }
        if self.digits.unsigned_abs() >= 10_u128.pow(15) {
            return None;
        }
        format!("{}e{}", self.digits, self.power).parse().ok().filter(|float: &f64| float.is_finite())
    }
}

macro_rules! numbers {
    ($left:expr, $right:expr) => {
        match ($left, $right) {
            (Value::Number(left), Value::Number(right)) => Some((left, right)),
            _ => None,
        }
    };
}

fn compute(
    arguments: &[Value],
    whole: fn(i64, i64) -> Option<i64>,
    // The engine's numbers have no name outside of it.
    large: fn(&Value, &Value) -> Option<Value>,
    decimal: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Computed {
    let (Value::Number(left), Value::Number(right)) = (&arguments[0], &arguments[1]) else {
        return Err(Stop::Undefined);
    };
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64())
        && let Some(result) = whole(left, right)
    {
        return Ok(Value::from(result));
    }
    let result = large(&arguments[0], &arguments[1]).ok_or(Stop::Undefined)?;
    fits(&result)?;
    let is_whole = matches!(&result, Value::Number(number) if number.is_integer());
    if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64())
        && !(left.fract() == 0.0 && right.fract() == 0.0 && is_whole)
        && let (Some(left), Some(right)) = (Decimal::of(left), Decimal::of(right))
        && let Some(float) = decimal(left, right).and_then(Decimal::plain)
    {
        // Without a fraction it is a whole number.
        #[expect(clippy::cast_possible_truncation, reason = "it is small enough")]
        return Ok(if float.fract() == 0.0 && float.abs() < 1e15 {
            Value::from(float as i64)
        } else {
            Value::from(float)
        });
    }
    Ok(result)
}

pub(super) fn add(arguments: &[Value]) -> Computed {
    compute(
        arguments,
        i64::checked_add,
        |left, right| numbers!(left, right).and_then(|(left, right)| left.add(right).ok()).map(Value::from),
        Decimal::sum,
    )
}

pub(super) fn subtract(arguments: &[Value]) -> Computed {
    if let (Value::Set(left), Value::Set(right)) = (&arguments[0], &arguments[1]) {
        let rest: std::collections::BTreeSet<Value> = left.difference(right).cloned().collect();
        return Ok(Value::from(rest));
    }
    let difference = |left: Decimal, right: Decimal| left.sum(Decimal { digits: -right.digits, ..right });
    compute(
        arguments,
        i64::checked_sub,
        |left, right| numbers!(left, right).and_then(|(left, right)| left.sub(right).ok()).map(Value::from),
        difference,
    )
}

/// How many digits a whole number may have.
const DIGITS: usize = 400;

/// Stops numbers that grow for ever. Numbers of which this was asked are computed with at once.
fn fits(number: &Value) -> Result<(), Stop> {
    let is_large = |number: &Value| match number {
        Value::Number(number) => {
            number.is_integer() && number.as_i64().is_none() && number.format_decimal().len() > DIGITS
        }
        _ => false,
    };
    if is_large(number) { super::unknown("the number becomes too large") } else { Ok(()) }
}

pub(super) fn product(arguments: &[Value]) -> Computed {
    let mut product = Value::from(1_i64);
    for factor in super::elements(&arguments[0])? {
        product = multiply(&[product, factor.clone()])?;
    }
    Ok(product)
}

pub(super) fn multiply(arguments: &[Value]) -> Computed {
    compute(
        arguments,
        i64::checked_mul,
        |left, right| numbers!(left, right).and_then(|(left, right)| left.mul(right).ok()).map(Value::from),
        Decimal::product,
    )
}

pub(super) fn divide(arguments: &[Value]) -> Computed {
    let whole = |left: i64, right: i64| match left.checked_rem(right)? {
        0 => left.checked_div(right),
        _ => None,
    };
    let is_zero = matches!(&arguments[1], Value::Number(number) if number.as_f64() == Some(0.0));
    if is_zero {
        return Err(Stop::Undefined);
    }
    compute(
        arguments,
        whole,
        |left, right| numbers!(left, right).and_then(|(left, right)| left.clone().divide(right).ok()).map(Value::from),
        Decimal::quotient,
    )
}
