//! Why packages have a vulnerability, or have not, for people.

use crate::findings::short;
use crate::table::{ALARM, HEADING, WARNING, counted, line};
use crate::text::printable;
use sekisho_model::{
    Comparison, Explanation, Exploited, Inventory, Judgement, Likelihood, Outcome, Package, PackageId, Vulnerability,
};
use std::collections::HashMap;

/// The explanation of the vulnerability that was asked for as `name`, with ANSI styles.
pub fn explanation_text(name: &str, explanation: &Explanation, inventory: &Inventory) -> String {
    let mut out = String::new();
    let Explanation { vulnerabilities, withdrawn, comparisons, packages, unjudged } = explanation;
    let name = printable(name);
    line!(out, "{HEADING}{name}{HEADING:#} in {}", printable(&inventory.source.name));
    if vulnerabilities.is_empty() {
        line!(out, "{ALARM}unknown{ALARM:#}: the database has no advisory about it, so that nothing could be compared");
    }
    for vulnerability in vulnerabilities {
        known(&mut out, vulnerability);
    }
    for (advisory, when) in withdrawn {
        line!(
            out,
            "{WARNING}withdrawn{WARNING:#}: {} was taken back on {}, and is not counted",
            printable(advisory),
            when.strftime("%Y-%m-%d")
        );
    }
    if !vulnerabilities.is_empty() && comparisons.is_empty() && packages > unjudged {
        let looked_up = counted(packages - unjudged, "package");
        let standing = if withdrawn.is_empty() { "" } else { " that stands" };
        line!(out, "\nno advisory about it{standing} names any package of these: {looked_up} could be looked up");
    }
    if *unjudged > 0 {
        line!(
            out,
            "{WARNING}not judged{WARNING:#}: {}, about which the database has nothing",
            counted(*unjudged, "package")
        );
    }
    if !inventory.complete {
        let things = counted(inventory.incomplete().count(), "thing");
        line!(out, "{ALARM}incomplete{ALARM:#}: {things} could not be read, packages may be missing");
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

/// What is known about a vulnerability.
fn known(out: &mut String, vulnerability: &Vulnerability) {
    let Vulnerability { id, aliases, title, judgements, published, exploited, likelihood, references, .. } =
        vulnerability;
    line!(out, "\n{HEADING}{}{HEADING:#} {}", printable(id), short(title));
    let mut field = |name: &str, value: &str| line!(out, "  {name:<10}{}", printable(value));
    if !aliases.is_empty() {
        field("also", &aliases.join(", "));
    }
    if let Some(published) = published {
        field("published", &published.strftime("%Y-%m-%d").to_string());
    }
    for Judgement { by, severity, score, vector } in judgements {
        let score = score.map(|score| format!(" {score:.1}")).unwrap_or_default();
        let vector = vector.as_ref().map(|vector| format!(" {vector}")).unwrap_or_default();
        field("severity", &format!("{severity}{score}{vector} ({by})"));
    }
    if let Some(Exploited { added, due, ransomware }) = exploited {
        let due = due.as_ref().map(|due| format!(", to be mended by {due}")).unwrap_or_default();
        let ransomware = if *ransomware { ", also by ransomware" } else { "" };
        field("exploited", &format!("known since {added}{due}{ransomware}"));
    }
    if let Some(Likelihood { probability, percentile }) = likelihood {
        let (probability, percentile) = (probability * 100.0, percentile * 100.0);
        field("EPSS", &format!("{probability:.1} % within 30 days, more than {percentile:.0} % of all"));
    }
    for reference in references.iter().take(5) {
        field("see", reference);
    }
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
