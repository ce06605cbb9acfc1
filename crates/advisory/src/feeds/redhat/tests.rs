//! Goldens, and what documents say in ways that no golden has.

use super::*;
use crate::feeds::testing;

#[test]
fn goldens() {
    testing::goldens(&FEED, "src/feeds/redhat/fixtures");
}
