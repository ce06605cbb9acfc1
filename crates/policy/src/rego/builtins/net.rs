//! Address ranges.

use super::{Computed, Stop, array, as_text};
use regorus::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The first and the last address of a range; versions do not mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    is_v6: bool,
    first: u128,
    last: u128,
}

fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (false, u128::from(u32::from(address))),
        // As Go, which takes addresses of version 4 in version 6 for what they are.
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => (false, u128::from(u32::from(mapped))),
            None => (true, u128::from(address)),
        },
    }
}

fn cidr(text: &str) -> Result<Range, Stop> {
    let (address, bits) = text.split_once('/').ok_or(Stop::Undefined)?;
    let (is_v6, address) = number(address.parse().map_err(|_| Stop::Undefined)?);
    let width = if is_v6 { 128 } else { 32 };
    let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    let bits: u32 = bits.parse().ok().filter(|bits| is_number && *bits <= width).ok_or(Stop::Undefined)?;
    let mask = if bits == width { 0 } else { (u128::MAX >> (128 - width)) >> bits };
    Ok(Range { is_v6, first: address & !mask, last: address | mask })
}

/// A range, or a single address as one.
fn range(text: &str) -> Result<Range, Stop> {
    if text.contains('/') {
        return cidr(text);
    }
    let (is_v6, address) = number(text.parse().map_err(|_| Stop::Undefined)?);
    Ok(Range { is_v6, first: address, last: address })
}

impl Range {
    fn contains(self, other: Self) -> bool {
        self.is_v6 == other.is_v6 && self.first <= other.first && other.last <= self.last
    }
}

/// How many addresses a range may be expanded to.
const ADDRESSES: u32 = 18;

pub(super) fn expand(arguments: &[Value]) -> Computed {
    let text = as_text(&arguments[0])?;
    let range = cidr(text)?;
    if (range.last - range.first) >> ADDRESSES != 0 {
        return super::unknown(format!("{text} has too many addresses"));
    }
    super::bounded::call("net.cidr_expand", arguments)
}

pub(super) fn intersects(arguments: &[Value]) -> Computed {
    let [left, right] = [cidr(as_text(&arguments[0])?)?, cidr(as_text(&arguments[1])?)?];
    let meets = left.is_v6 == right.is_v6 && left.first <= right.last && right.first <= left.last;
    Ok(Value::from(meets))
}

/// The old name of `net.cidr_contains`.
pub(super) fn overlap(arguments: &[Value]) -> Computed {
    let [outer, inner] = [cidr(as_text(&arguments[0])?)?, range(as_text(&arguments[1])?)?];
    Ok(Value::from(outer.contains(inner)))
}

/// What is to be compared, with what it is called in the answer: its place in an array, its key in an object, itself
/// otherwise. Of an element that is an array, the first is meant.
fn named(value: &Value) -> Result<Vec<(Value, Range)>, Stop> {
    fn of(value: &Value) -> Result<Range, Stop> {
        match value {
            Value::Array(items) => range(as_text(items.first().ok_or(Stop::Undefined)?)?),
            other => range(as_text(other)?),
        }
    }
    match value {
        Value::String(text) => Ok(vec![(value.clone(), range(text)?)]),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| Ok((Value::from(index), of(item)?))).collect()
        }
        Value::Set(items) => items.iter().map(|item| Ok((item.clone(), of(item)?))).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| Ok((key.clone(), of(item)?))).collect(),
        _ => Err(Stop::Undefined),
    }
}

pub(super) fn contains_matches(arguments: &[Value]) -> Computed {
    let [outer, inner] = [named(&arguments[0])?, named(&arguments[1])?];
    if outer.len().saturating_mul(inner.len()) > super::SIZE {
        return super::unknown("there are too many ranges");
    }
    let mut pairs = BTreeSet::new();
    for (name, outer) in &outer {
        for (other, inner) in &inner {
            if outer.contains(*inner) {
                pairs.insert(array([name.clone(), other.clone()]));
            }
        }
    }
    Ok(Value::from(pairs))
}

/// The fewest ranges that are the same addresses.
pub(super) fn merge(arguments: &[Value]) -> Computed {
    let mut ranges = Vec::new();
    for item in super::elements(&arguments[0])? {
        ranges.push(range(as_text(item)?)?);
    }
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.is_v6 == range.is_v6 && range.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    let mut texts = BTreeSet::new();
    for range in merged {
        blocks(range, &mut texts);
    }
    Ok(Value::from(texts))
}

/// A range as blocks of addresses with a common beginning, the largest first.
fn blocks(range: Range, texts: &mut BTreeSet<Value>) {
    let width: u32 = if range.is_v6 { 128 } else { 32 };
    let mut first = range.first;
    loop {
        let aligned = first.trailing_zeros().min(width);
        let mut size = aligned;
        // The largest block that begins here and does not go beyond the end.
        while size > 0 && last_of(first, size) > range.last {
            size -= 1;
        }
        let address = if range.is_v6 {
            IpAddr::V6(first.into()).to_string()
        } else {
            IpAddr::V4(u32::try_from(first).unwrap_or(u32::MAX).into()).to_string()
        };
        texts.insert(Value::from(format!("{address}/{}", width - size)));
        let last = last_of(first, size);
        if last >= range.last {
            return;
        }
        first = last + 1;
    }
}

fn last_of(first: u128, size: u32) -> u128 {
    first | if size == 0 { 0 } else { u128::MAX >> (128 - size) }
}
