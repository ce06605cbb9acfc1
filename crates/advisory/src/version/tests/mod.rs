//! What holds for every scheme.

mod conformance;
