//! Lists of a hub, for the terminal.
#![expect(private_interfaces, reason = "the trait is sealed: nobody else names columns")]

use crate::sheet::{Column, Sheet, folded, spare, whole};
use crate::table::TableOptions;
use crate::text::printable;
use jiff::Timestamp;
use sekisho_api::access::{AuditEntry, TokenEntry, UserEntry};
use sekisho_api::rows::{FindingEntry, Hit, InventoryEntry, Job, PackageEntry, VulnerabilityEntry};

/// An entry of a list that can be shown in a table.
pub trait Listed: sealed::Cells {}

impl<T: sealed::Cells> Listed for T {}

mod sealed {
    use super::Column;

    pub trait Cells {
        /// What one of them is called, and several.
        const NAMES: [&'static str; 2];

        fn columns() -> Vec<Column>;

        fn cells(&self) -> Vec<String>;
    }
}

/// Entries in a table, and how many they are.
pub fn list_table<T: Listed>(entries: &[T], options: TableOptions) -> String {
    let mut sheet = Sheet::new(T::columns());
    for entry in entries {
        sheet.row(entry.cells().into_iter().map(|cell| printable(&cell)));
    }
    let mut text = String::new();
    if !entries.is_empty() {
        sheet.print(&mut text, options);
    }
    let [one, several] = T::NAMES;
    let count = if entries.len() == 1 { format!("1 {one}\n") } else { format!("{} {several}\n", entries.len()) };
    text.push_str(&count);
    text
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn yes(flag: bool) -> String {
    if flag { "yes".to_owned() } else { String::new() }
}

impl sealed::Cells for InventoryEntry {
    const NAMES: [&'static str; 2] = ["inventory", "inventories"];

    fn columns() -> Vec<Column> {
        vec![
            folded("NAME"),
            whole("OS"),
            whole("PACKAGES").right(),
            spare("COMPLETE", 1),
            spare("OBSERVED", 2),
            spare("IDENTITY", 3),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let complete = if self.complete { "yes" } else { "no" };
        let (name, os) = (self.name.clone(), self.os.clone());
        vec![name, os, self.packages.to_string(), complete.to_owned(), day(self.observed_at), self.identity.clone()]
    }
}

impl sealed::Cells for FindingEntry {
    const NAMES: [&'static str; 2] = ["finding", "findings"];

    fn columns() -> Vec<Column> {
        vec![
            whole("VULNERABILITY"),
            whole("SEVERITY"),
            folded("PACKAGE"),
            folded("FIXED IN"),
            spare("INVENTORIES", 1).right(),
            spare("EXPLOITED", 2),
            spare("EPSS", 3).right(),
            spare("SINCE", 4),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.finding.vulnerability.clone(),
            self.finding.severity.as_str().to_owned(),
            self.package.as_str().to_owned(),
            self.finding.fixed_in.join(", "),
            self.inventories.to_string(),
            yes(self.exploited),
            self.likelihood.map(percent).unwrap_or_default(),
            day(self.since),
        ]
    }
}

impl sealed::Cells for VulnerabilityEntry {
    const NAMES: [&'static str; 2] = ["vulnerability", "vulnerabilities"];

    fn columns() -> Vec<Column> {
        vec![
            whole("ID"),
            whole("SEVERITY"),
            whole("INVENTORIES").right(),
            spare("PACKAGES", 3).right(),
            spare("EXPLOITED", 1),
            spare("EPSS", 2).right(),
            folded("TITLE"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.severity.as_str().to_owned(),
            self.inventories.to_string(),
            self.packages.to_string(),
            yes(self.exploited),
            self.likelihood.map(|known| percent(f64::from(known.probability))).unwrap_or_default(),
            self.title.clone(),
        ]
    }
}

impl sealed::Cells for Hit {
    const NAMES: [&'static str; 2] = ["package of an inventory", "packages of inventories"];

    fn columns() -> Vec<Column> {
        vec![
            folded("INVENTORY"),
            folded("PACKAGE"),
            whole("SEVERITY"),
            whole("STATUS"),
            folded("FIXED IN"),
            spare("SINCE", 1),
            spare("IDENTITY", 2),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.package.as_str().to_owned(),
            self.finding.severity.as_str().to_owned(),
            self.finding.status.as_str().to_owned(),
            self.finding.fixed_in.join(", "),
            day(self.since),
            self.inventory.clone(),
        ]
    }
}

impl sealed::Cells for PackageEntry {
    const NAMES: [&'static str; 2] = ["package", "packages"];

    fn columns() -> Vec<Column> {
        vec![folded("PACKAGE"), whole("INVENTORIES").right(), whole("FINDINGS").right(), folded("NOT JUDGED")]
    }

    fn cells(&self) -> Vec<String> {
        let due = if self.due { "still to be judged" } else { "" };
        let obstacle = self.obstacle.as_deref().unwrap_or(due).to_owned();
        vec![self.purl.as_str().to_owned(), self.inventories.to_string(), self.findings.to_string(), obstacle]
    }
}

impl sealed::Cells for Job {
    const NAMES: [&'static str; 2] = ["job", "jobs"];

    fn columns() -> Vec<Column> {
        vec![
            whole("KIND"),
            folded("SUBJECT"),
            whole("STATE"),
            spare("DUE", 1),
            spare("ATTEMPT", 3).right(),
            spare("DONE", 2).right(),
            folded("FAILURE"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let state = match (self.given_up, self.leased_until) {
            (true, _) => "given up",
            (false, Some(_)) => "under way",
            (false, None) => "waits",
        };
        let done = if self.steps == 0 { String::new() } else { format!("{} of {}", self.done, self.steps) };
        vec![
            self.kind.clone(),
            self.subject.clone(),
            state.to_owned(),
            day(self.due_at),
            self.attempt.to_string(),
            done,
            self.failure.clone().unwrap_or_default(),
        ]
    }
}

impl sealed::Cells for UserEntry {
    const NAMES: [&'static str; 2] = ["user", "users"];

    fn columns() -> Vec<Column> {
        vec![folded("NAME"), folded("ROLES"), whole("STATE"), spare("SINCE", 1), whole("ID")]
    }

    fn cells(&self) -> Vec<String> {
        let state = match (self.disabled, self.robot, self.must_change) {
            (true, ..) => "disabled",
            (_, true, _) => "robot",
            (_, _, true) => "never logged in",
            _ => "",
        };
        vec![self.name.clone(), self.roles.join(", "), state.to_owned(), day(self.created_at), self.id.clone()]
    }
}

impl sealed::Cells for TokenEntry {
    const NAMES: [&'static str; 2] = ["token", "tokens"];

    fn columns() -> Vec<Column> {
        vec![
            folded("NAME"),
            folded("ROLES"),
            whole("UNTIL"),
            spare("USED", 1),
            spare("REVOKED", 2),
            spare("OWNER", 3),
            whole("ID"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.roles.join(", "),
            day(self.expires_at),
            self.used_at.map(day).unwrap_or_default(),
            self.revoked_at.map(day).unwrap_or_default(),
            self.owner.clone(),
            self.id.clone(),
        ]
    }
}

impl sealed::Cells for AuditEntry {
    const NAMES: [&'static str; 2] = ["entry", "entries"];

    fn columns() -> Vec<Column> {
        vec![
            whole("NUMBER").right(),
            whole("AT"),
            folded("WHO"),
            whole("ACTION"),
            folded("SUBJECT"),
            whole("OUTCOME"),
            spare("DETAIL", 1),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            day(self.at),
            self.who.clone(),
            self.action.clone(),
            self.subject.clone(),
            self.outcome.clone(),
            self.detail.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_shown_and_counted() {
        let entry = |name: &str| InventoryEntry {
            identity: format!("sha256:{name}"),
            name: format!("{name}\u{1b}[2J"),
            os: "debian-12".to_owned(),
            complete: false,
            packages: 12,
            observed_at: Timestamp::UNIX_EPOCH,
        };
        let text = list_table(&[entry("web"), entry("shop")], TableOptions { width: None });
        insta::assert_snapshot!(text, @r"
         NAME           OS         PACKAGES  COMPLETE  OBSERVED          IDENTITY
         web\u{1b}[2J   debian-12        12  no        1970-01-01 00:00  sha256:web
         shop\u{1b}[2J  debian-12        12  no        1970-01-01 00:00  sha256:shop
        2 inventories
        ");
        assert_eq!(list_table::<InventoryEntry>(&[], TableOptions { width: None }), "0 inventories\n");
    }
}
