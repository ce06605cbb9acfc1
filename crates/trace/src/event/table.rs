//! The table of event types, by number.

macro_rules! events {
    ($table:ident $($code:ident = $number:literal: $info:expr;)*) => {
        impl EventCode {
            $(#[doc = concat!("Event type ", $number, ": `PPME_…", stringify!($code), "`.")]
            pub const $code: Self = Self($number);)*
        }

        pub(super) const $table: &[EventInfo] = &[$($info),*];

        #[cfg(test)]
        pub(super) const NUMBERS: &[u16] = &[$($number),*];
    };
}

mod first;
mod second;

use super::Format::Plain;
use super::{Category, EventInfo, Format, Names, Origin, ParamInfo, ParamKind};
use first::FIRST;
use second::SECOND;

const fn e(
    name: &'static str,
    category: Category,
    origin: Origin,
    flags: u16,
    params: &'static [ParamInfo],
) -> EventInfo {
    EventInfo { name, category, origin, flags, params }
}

const fn p(name: &'static str, kind: ParamKind, format: Format) -> ParamInfo {
    ParamInfo { name, kind, format, names: &[], directory: None }
}

/// A parameter whose values or bits have names.
const fn names(name: &'static str, kind: ParamKind, format: Format, names: Names) -> ParamInfo {
    ParamInfo { name, kind, format, names, directory: None }
}

/// A path below the directory in another parameter.
const fn below(name: &'static str, kind: ParamKind, directory: u8) -> ParamInfo {
    ParamInfo { name, kind, format: Plain, names: &[], directory: Some(directory) }
}

const ALL: usize = FIRST.len() + SECOND.len();

static TABLE: [EventInfo; ALL] = {
    let mut all = [FIRST[0]; ALL];
    let mut at = 0;
    while at < ALL {
        all[at] = if at < FIRST.len() { FIRST[at] } else { SECOND[at - FIRST.len()] };
        at += 1;
    }
    all
};

/// All event types; the place is the number.
pub static EVENTS: &[EventInfo] = &TABLE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_number_and_names_are_unique_in_an_event() {
        assert!(
            first::NUMBERS.iter().chain(second::NUMBERS).enumerate().all(|(at, number)| at == usize::from(*number))
        );
        assert_eq!(EVENTS.len(), 430);
        for info in EVENTS {
            for (at, param) in info.params.iter().enumerate() {
                assert_eq!(info.param(param.name), Some(at), "{} {}", info.name, param.name);
                assert!(param.directory.is_none_or(|directory| usize::from(directory) < info.params.len()));
            }
        }
    }
}
