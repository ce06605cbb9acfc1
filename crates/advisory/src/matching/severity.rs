//! How bad a vulnerability is for a package, out of what several judges say.
//!
//! In this order, the first that says anything but *unknown*:
//!
//! 1. the publisher of an advisory about the package, judging this package;
//! 2. the publisher, judging the vulnerability, in an advisory about it alone;
//! 3. a catalogue of vulnerabilities (NVD);
//! 4. the publisher, judging a notice about several vulnerabilities: the worst of them.
//!
//! Who ships a package knows best how bad a flaw is there; a catalogue has to assume the worst. Within one step the
//! worst judgement holds.

use super::Hit;
use crate::db::{StoredAdvisory, StoredRating, StoredVulnerability};
use sekisho_model::Severity;

/// How bad `vulnerability` is, by the advisories of `hits`.
pub(super) fn of(vulnerability: &StoredVulnerability, hits: &[(&Hit, &StoredAdvisory)]) -> Severity {
    let worst = |ratings: &mut dyn Iterator<Item = &StoredRating>| ratings.map(StoredRating::severity).max();
    let notice = |advisory: &StoredAdvisory| advisory.vulnerabilities.len() > 1;
    let of_advisories = |several: bool| {
        let mut ratings =
            hits.iter().filter(|(_, advisory)| notice(advisory) == several).flat_map(|(_, advisory)| &advisory.ratings);
        worst(&mut ratings)
    };
    let steps: [&dyn Fn() -> Option<Severity>; 4] = [
        &|| worst(&mut hits.iter().flat_map(|(hit, _)| &hit.ratings)),
        &|| of_advisories(false),
        &|| worst(&mut vulnerability.ratings.iter()),
        &|| of_advisories(true),
    ];
    steps.iter().filter_map(|step| step()).find(|severity| *severity != Severity::Unknown).unwrap_or_default()
}
