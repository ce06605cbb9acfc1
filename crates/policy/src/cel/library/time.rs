//! Durations, nanoseconds in 64 bits, and moments between the years 1 and 9999, both as `cel-go` has them.

use super::{Entry, mismatch};
use crate::cel::run::{Meter, Stop};
use crate::cel::value::Value;
use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

pub(super) const TABLE: &[Entry] = &[
    ("_+_(duration, duration) -> duration", |of, _| durations(of, i64::checked_add)),
    ("_-_(duration, duration) -> duration", |of, _| durations(of, i64::checked_sub)),
    ("_+_(timestamp, duration) -> timestamp", |of, _| shifted(of, false)),
    ("_+_(duration, timestamp) -> timestamp", |of, _| match of {
        [duration, moment] => shifted(&[moment.clone(), duration.clone()], false),
        _ => Err(mismatch()),
    }),
    ("_-_(timestamp, duration) -> timestamp", |of, _| shifted(of, true)),
    ("_-_(timestamp, timestamp) -> duration", between),
    ("timestamp.getFullYear() -> int", |of, _| part(of, |at| at.year().into())),
    ("timestamp.getFullYear(string) -> int", |of, _| part(of, |at| at.year().into())),
    ("timestamp.getMonth() -> int", |of, _| part(of, |at| i64::from(at.month()) - 1)),
    ("timestamp.getMonth(string) -> int", |of, _| part(of, |at| i64::from(at.month()) - 1)),
    ("timestamp.getDate() -> int", |of, _| part(of, |at| at.day().into())),
    ("timestamp.getDate(string) -> int", |of, _| part(of, |at| at.day().into())),
    ("timestamp.getDayOfMonth() -> int", |of, _| part(of, |at| i64::from(at.day()) - 1)),
    ("timestamp.getDayOfMonth(string) -> int", |of, _| part(of, |at| i64::from(at.day()) - 1)),
    ("timestamp.getDayOfWeek() -> int", |of, _| part(of, |at| at.weekday().since(Weekday::Sunday).into())),
    ("timestamp.getDayOfWeek(string) -> int", |of, _| part(of, |at| at.weekday().since(Weekday::Sunday).into())),
    ("timestamp.getDayOfYear() -> int", |of, _| part(of, |at| i64::from(at.day_of_year()) - 1)),
    ("timestamp.getDayOfYear(string) -> int", |of, _| part(of, |at| i64::from(at.day_of_year()) - 1)),
    ("timestamp.getHours() -> int", |of, _| part(of, |at| at.hour().into())),
    ("timestamp.getHours(string) -> int", |of, _| part(of, |at| at.hour().into())),
    ("timestamp.getMinutes() -> int", |of, _| part(of, |at| at.minute().into())),
    ("timestamp.getMinutes(string) -> int", |of, _| part(of, |at| at.minute().into())),
    ("timestamp.getSeconds() -> int", |of, _| part(of, |at| at.second().into())),
    ("timestamp.getSeconds(string) -> int", |of, _| part(of, |at| at.second().into())),
    ("timestamp.getMilliseconds() -> int", |of, _| part(of, |at| at.millisecond().into())),
    ("timestamp.getMilliseconds(string) -> int", |of, _| part(of, |at| at.millisecond().into())),
    ("duration.getHours() -> int", |of, _| in_units(of, 3_600_000_000_000)),
    ("duration.getMinutes() -> int", |of, _| in_units(of, 60_000_000_000)),
    ("duration.getSeconds() -> int", |of, _| in_units(of, 1_000_000_000)),
    // Those beyond whole seconds.
    ("duration.getMilliseconds() -> int", |of, _| match of {
        [Value::Duration(nanoseconds)] => Ok(Value::Int(nanoseconds / 1_000_000)),
        _ => Err(mismatch()),
    }),
];

fn durations(of: &[Value], run: fn(i64, i64) -> Option<i64>) -> Result<Value, Stop> {
    match of {
        [Value::Duration(a), Value::Duration(b)] => {
            run(*a, *b).map(Value::Duration).ok_or_else(|| Stop::error("duration overflow"))
        }
        _ => Err(mismatch()),
    }
}

fn in_units(of: &[Value], nanoseconds: i64) -> Result<Value, Stop> {
    match of {
        [Value::Duration(of)] => Ok(Value::Int(of / nanoseconds)),
        _ => Err(mismatch()),
    }
}

/// The first and the last second that a moment may be in.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

fn in_range(moment: Timestamp) -> Result<Timestamp, Stop> {
    // The second that it is in, also before 1970.
    let second = moment.as_nanosecond().div_euclid(1_000_000_000);
    if (i128::from(FIRST)..=i128::from(LAST)).contains(&second) {
        return Ok(moment);
    }
    Err(Stop::error("timestamp overflow"))
}

pub(super) fn from_seconds(seconds: i64) -> Result<Timestamp, Stop> {
    let moment = Timestamp::from_second(seconds).map_err(|_| Stop::error("timestamp overflow"))?;
    in_range(moment)
}

fn shifted(of: &[Value], back: bool) -> Result<Value, Stop> {
    let [Value::Timestamp(moment), Value::Duration(nanoseconds)] = of else { return Err(mismatch()) };
    let by = SignedDuration::from_nanos(*nanoseconds);
    let moment = if back { moment.checked_sub(by) } else { moment.checked_add(by) };
    in_range(moment.map_err(|_| Stop::error("timestamp overflow"))?).map(Value::Timestamp)
}

fn between(of: &[Value], _: &Meter) -> Result<Value, Stop> {
    let [Value::Timestamp(a), Value::Timestamp(b)] = of else { return Err(mismatch()) };
    let nanoseconds = a.as_nanosecond() - b.as_nanosecond();
    i64::try_from(nanoseconds).map(Value::Duration).map_err(|_| Stop::error("duration overflow"))
}

fn part(of: &[Value], read: fn(&Zoned) -> i64) -> Result<Value, Stop> {
    let (moment, zone) = match of {
        [Value::Timestamp(moment)] => (moment, "UTC"),
        [Value::Timestamp(moment), Value::Text(zone)] => (moment, &**zone),
        _ => return Err(mismatch()),
    };
    Ok(Value::Int(read(&moment.to_zoned(zone_of(zone)?))))
}

/// `UTC`, or hours and minutes such as `-08:00`. What a name such as `Europe/Berlin` means changes with the years.
fn zone_of(text: &str) -> Result<TimeZone, Stop> {
    if matches!(text, "" | "UTC") {
        return Ok(TimeZone::UTC);
    }
    let unknown =
        || Stop::error(format!("the time zone {text:?} is not known here, only UTC and hours such as -08:00"));
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(unknown)?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i32>().ok()).flatten().ok_or_else(unknown)
    };
    let seconds = sign * (number(hours)? * 3600 + number(minutes)? * 60);
    Ok(TimeZone::fixed(Offset::from_seconds(seconds).map_err(|_| unknown())?))
}

/// The moment that a text of RFC 3339 is, as strict as Go reads it.
pub(super) fn timestamp_of(text: &str) -> Result<Timestamp, Stop> {
    let wrong = || Stop::error(format!("{text:?} is no moment as RFC 3339 writes it"));
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00";
    let fits = |byte: u8, of: u8| if of == b'0' { byte.is_ascii_digit() } else { byte == of };
    if bytes.len() <= shape.len() || !bytes.iter().zip(shape).all(|(byte, of)| fits(*byte, *of)) {
        return Err(wrong());
    }
    let mut rest = &text[shape.len()..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(wrong());
        }
        rest = &fraction[digits..];
    }
    let zone = b"+00:00";
    let is_zone = rest == "Z"
        || (rest.len() == zone.len()
            && rest.starts_with(['+', '-'])
            && rest.bytes().zip(zone).skip(1).all(|(byte, of)| fits(byte, *of)));
    if !is_zone || &text[17..19] == "60" {
        return Err(wrong());
    }
    in_range(text.parse().map_err(|_| wrong())?)
}

/// As Go writes it: no more digits than there are.
pub(super) fn timestamp_text(moment: Timestamp) -> String {
    moment.to_string()
}

/// The nanoseconds of a text such as `1h30m` or `-1.5s`, as Go reads it.
pub(super) fn duration_of(text: &str) -> Result<i64, Stop> {
    crate::go::nanoseconds(text).ok_or_else(|| Stop::error(format!("{text:?} is no duration")))
}

/// Seconds with as many digits as are needed.
pub(super) fn duration_text(nanoseconds: i64) -> String {
    let (seconds, rest) = (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
    let fraction = format!("{rest:09}");
    let fraction = fraction.trim_end_matches('0');
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{seconds}{point}{fraction}s")
}
