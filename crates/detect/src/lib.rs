//! Runtime detection: the rules language of Falco, over events of the kernel and of Kubernetes' audit log.
//!
//! Texts and events in, alerts out: nothing here opens a file or a connection, or asks the time.

pub mod alert;
pub mod baseline;
pub mod condition;
#[cfg(test)]
mod corpus;
mod demand;
mod engine;
mod events;
mod format;
mod glob;
pub mod inspect;
mod interpret;
pub mod load;
pub mod response;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod testing;
mod typed;
mod value;
mod watch;

pub use alert::{Alert, Priority, Style};
pub use demand::{Demand, Opens, Region};
pub use engine::{By, Engine, Matching, Selection, Unjudged};
pub use events::EventTypes;
pub use format::Format;
pub use value::Truth;
pub use watch::{Observer, Watch};

/// The known word that was most likely meant.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names of strangers may be of any length; those that are near are not much longer than what is known.
    if word.is_empty() || word.len() > 100 {
        return None;
    }
    let distance = |other: &'a str| Some((strsim::damerau_levenshtein(word, other), other));
    let known = known.into_iter().filter(|other| !other.is_empty() && other.len().abs_diff(word.len()) <= 20);
    let (far, near) = known.filter_map(distance).min()?;
    (far <= 1 + word.len() / 5 && far < word.len()).then_some(near)
}
