//! Moments, in nanoseconds since 1970. What time it is, whoever asks says.

use super::{Computed, Stop, array, as_integer, as_text, unknown};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan, Zoned};
use regorus::Value;
use std::cell::Cell;

thread_local! {
    /// The moment by which policies judge that are asked on this thread.
    static NOW: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Policies that are asked on this thread from now on judge by this moment, all by the same one.
pub(crate) fn at(now: Timestamp) {
    NOW.set(Some(now));
}

pub(super) fn now() -> Computed {
    NOW.get().map_or_else(|| unknown("nobody says what time it is"), nanoseconds)
}

/// A moment, or one with the name of a time zone.
fn moment(value: &Value) -> Result<Zoned, Stop> {
    let (nanoseconds, zone) = match value {
        Value::Array(items) => match &items[..] {
            [nanoseconds, zone, ..] => (nanoseconds, as_text(zone)?),
            _ => return Err(Stop::Undefined),
        },
        other => (other, ""),
    };
    let timestamp = Timestamp::from_nanosecond(as_integer(nanoseconds)?.into()).map_err(|_| Stop::Undefined)?;
    let zone = zone_of(zone)?;
    // Of what was before, systems keep more or less.
    if timestamp < Timestamp::UNIX_EPOCH && zone != TimeZone::UTC {
        return unknown("before 1970 time zones are not the same on all systems");
    }
    Ok(timestamp.to_zoned(zone))
}

/// The time zone of this name, out of the database that is built in: the same wherever a policy is asked.
fn zone_of(name: &str) -> Result<TimeZone, Stop> {
    match name {
        "" | "UTC" => Ok(TimeZone::UTC),
        "Local" => unknown("the time zone Local is another on each machine"),
        // OPA takes names as files have them, case and all; some systems have more of them than the database.
        _ => match TimeZoneDatabase::bundled().get(name) {
            Ok(zone) if zone.iana_name() == Some(name) => Ok(zone),
            _ => unknown(format!("there is no time zone {name:?}")),
        },
    }
}

/// The same where calendars are counted with, which is done in UTC alone.
fn moment_in_utc(value: &Value) -> Result<Zoned, Stop> {
    let moment = moment(value)?;
    if *moment.time_zone() == TimeZone::UTC { Ok(moment) } else { unknown("time zones are not supported here") }
}

fn nanoseconds(timestamp: Timestamp) -> Computed {
    i64::try_from(timestamp.as_nanosecond()).map(Value::from).map_err(|_| Stop::Undefined)
}

fn numbers(numbers: impl IntoIterator<Item = i64>) -> Value {
    array(numbers.into_iter().map(Value::from))
}

pub(super) fn parse_rfc3339(arguments: &[Value]) -> Computed {
    let text = as_text(&arguments[0])?;
    // Of what jiff takes beside RFC 3339, nothing has its form.
    let is_form = text.len() >= 20 && text.as_bytes()[10] == b'T' && text.is_ascii() && !text.contains('[') && {
        let offset = &text[19..];
        offset.ends_with('Z') || offset.rfind(['+', '-']).is_some_and(|at| offset[at..].len() == 6)
    };
    if !is_form {
        return Err(Stop::Undefined);
    }
    nanoseconds(text.parse().map_err(|_| Stop::Undefined)?)
}

/// As Go writes lengths of time: `1h30m`, `-1.5s`.
pub(super) fn parse_duration(arguments: &[Value]) -> Computed {
    let length = crate::go::nanoseconds(as_text(&arguments[0])?).ok_or(Stop::Undefined)?;
    Ok(Value::from(length))
}

pub(super) fn date(arguments: &[Value]) -> Computed {
    let moment = moment(&arguments[0])?;
    Ok(numbers([moment.year().into(), moment.month().into(), moment.day().into()]))
}

pub(super) fn clock(arguments: &[Value]) -> Computed {
    let moment = moment(&arguments[0])?;
    Ok(numbers([moment.hour().into(), moment.minute().into(), moment.second().into()]))
}

pub(super) fn weekday(arguments: &[Value]) -> Computed {
    const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    let day = moment(&arguments[0])?.weekday().to_sunday_zero_offset();
    Ok(Value::from(DAYS[usize::try_from(day).unwrap_or(0) % 7]))
}

/// Months are added as calendars have them, and what is beyond the end of a month runs into the next, as in Go.
pub(super) fn add_date(arguments: &[Value]) -> Computed {
    let moment = moment_in_utc(&arguments[0])?;
    let number = |value: &Value| as_integer(value).ok().filter(|it| it.abs() < 1_000_000).ok_or(Stop::Undefined);
    let [years, months, days] = [number(&arguments[1])?, number(&arguments[2])?, number(&arguments[3])?];
    let months = i64::from(moment.year()) * 12 + i64::from(moment.month()) - 1 + years * 12 + months;
    let year = i16::try_from(months.div_euclid(12)).map_err(|_| Stop::Undefined)?;
    let month = i8::try_from(months.rem_euclid(12) + 1).map_err(|_| Stop::Undefined)?;
    let first = jiff::civil::Date::new(year, month, 1).map_err(|_| Stop::Undefined)?;
    let days = i64::from(moment.day()) - 1 + days;
    let date = first.checked_add(days.days()).map_err(|_| Stop::Undefined)?;
    let zoned = date.to_datetime(moment.time()).to_zoned(TimeZone::UTC).map_err(|_| Stop::Undefined)?;
    nanoseconds(zoned.timestamp())
}

pub(super) fn diff(arguments: &[Value]) -> Computed {
    let (mut from, mut to) = (moment_in_utc(&arguments[0])?, moment_in_utc(&arguments[1])?);
    if from > to {
        std::mem::swap(&mut from, &mut to);
    }
    let span = from.until((jiff::Unit::Year, &to)).map_err(|_| Stop::Undefined)?;
    let whole = [
        i64::from(span.get_years()),
        i64::from(span.get_months()),
        i64::from(span.get_days()),
        i64::from(span.get_hours()),
        span.get_minutes(),
        span.get_seconds(),
    ];
    Ok(numbers(whole))
}

/// With the layout of RFC 3339 alone.
pub(super) fn format(arguments: &[Value]) -> Computed {
    if matches!(&arguments[0], Value::Array(items) if items.len() > 2) {
        return unknown("layouts are not supported");
    }
    let moment = moment(&arguments[0])?;
    let (timestamp, offset) = (moment.timestamp(), moment.offset());
    Ok(Value::from(match offset.seconds() {
        0 => timestamp.to_string(),
        seconds if seconds % 60 == 0 => timestamp.display_with_offset(offset).to_string(),
        _ => return unknown("the time zone was not yet of whole minutes then"),
    }))
}
