//! Why packages have a vulnerability, or have not, for people.

use crate::table::{ALARM, HEADING, line};
use crate::text::printable;
use sekisho_model::{Comparison, Explanation, Inventory, Outcome, Package, PackageId};
use std::collections::HashMap;

/// The explanation of the vulnerability that was asked for as `name`, with ANSI styles.
pub fn explanation_text(name: &str, explanation: &Explanation, inventory: &Inventory) -> String {
    let mut out = String::new();
    let Explanation { vulnerabilities, comparisons, packages } = explanation;
    let name = printable(name);
    line!(out, "{HEADING}{name}{HEADING:#} in {}", printable(&inventory.source.name));
    if vulnerabilities.is_empty() {
        line!(out, "the database does not know it");
        return out;
    }
    let others: Vec<&String> = vulnerabilities.iter().filter(|known| !known.eq_ignore_ascii_case(&name)).collect();
    for other in others {
        line!(out, "also {}", printable(other));
    }
    if comparisons.is_empty() {
        line!(out, "nothing is said about any of the {packages} packages");
        return out;
    }
    let by_id: HashMap<&PackageId, &Package> =
        inventory.packages.iter().map(|package| (&package.id, package)).collect();
    let mut last = None;
    for comparison in comparisons {
        if last != Some(&comparison.package) {
            last = Some(&comparison.package);
            if let Some(package) = by_id.get(&comparison.package) {
                line!(out, "\n{HEADING}{}{HEADING:#}", printable(package.purl.as_str()));
                line!(out, "  found in  {}", printable(&package.location));
            }
        }
        one(&mut out, comparison);
    }
    out
}

fn one(out: &mut String, comparison: &Comparison) {
    let Comparison { place, source, version, scheme, feed, advisory, status, ranges, outcome, .. } = comparison;
    let of = if *source { " (source package)" } else { "" };
    line!(out, "  {}{of}, version {}", printable(place), printable(version));
    line!(
        out,
        "    {} of {}: {status} where {}",
        printable(advisory),
        printable(feed),
        printable(&ranges.join(" or "))
    );
    match outcome {
        Outcome::Affected => line!(out, "    {ALARM}so it has it{ALARM:#} (order: {scheme})"),
        Outcome::Outside => line!(out, "    the version is none of these (order: {scheme})"),
        Outcome::NotAffected => line!(out, "    so it does not have it, whatever else {} says", printable(feed)),
        Outcome::Unknown => {
            line!(out, "    {ALARM}unknown{ALARM:#}: the version is none that can be compared ({scheme})");
        }
        Outcome::Other => {
            line!(out, "    another package of this name is meant: source or binary, architecture, or module");
        }
    }
}
