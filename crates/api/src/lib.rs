//! What is spoken between the hub and everybody else: entries and pages of lists, filters, problems, permissions, and the table of
//! all that can be asked, from which the `OpenAPI` document is made. No server, and no client.

pub mod access;
pub mod endpoint;
pub mod filter;
pub mod openapi;
pub mod page;
pub mod permission;
pub mod problem;
pub mod rows;

use filter::Filter;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which entries; all where none.
    pub filter: Option<Filter>,
    /// Those behind the entry with this key; from the beginning where it is empty.
    pub after: String,
    /// At most so many.
    pub limit: u32,
}

impl Wanted {
    /// The first entries of the whole list.
    pub fn first(limit: u32) -> Self {
        Self { filter: None, after: String::new(), limit }
    }
}
