//! sekisho
fn main() {}
