//! A scan for people: what was scanned, its layers, its packages, their vulnerabilities, and what was not read.

use crate::findings;
use crate::sheet::{Sheet, folded, spare, whole};
use crate::text::{bytes_for_people, printable};
use anstyle::{AnsiColor, Style};
use sekisho_model::{
    BaseImage, Evidence, Image, Inventory, Layer, Level, License, Origin, Package, PackageKind, Removal, ScanReport,
    SourceKind,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How the tables are laid out.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableOptions {
    /// Columns of the terminal; `None` for text that is piped, which is never wrapped.
    pub width: Option<u16>,
}

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const ALARM: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();

/// The report as text with ANSI styles, which the caller strips where there is no colour.
pub fn scan_table(report: &ScanReport, options: TableOptions) -> String {
    let inventory = &report.inventory;
    let mut out = String::new();
    summary(&mut out, inventory);
    if let Some(image) = &inventory.image {
        layers(&mut out, image, &inventory.packages, options);
    }
    packages(&mut out, inventory, options);
    removed(&mut out, inventory, options);
    findings::sections(&mut out, report, options);
    diagnostics(&mut out, inventory);
    verdict(&mut out, inventory);
    findings::summary(&mut out, report);
    out
}

// Writing to a String cannot fail; `line!` says so once.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($out, $($arg)*);
    }};
}
pub(crate) use line;

pub(crate) fn heading(out: &mut String, text: &str) {
    line!(out, "\n{HEADING}{text}{HEADING:#}");
}

fn summary(out: &mut String, inventory: &Inventory) {
    let kind = match inventory.source.kind {
        SourceKind::DockerArchive => "docker archive",
        SourceKind::OciLayout => "OCI layout",
        SourceKind::OciArchive => "OCI archive",
        SourceKind::Registry => "registry",
        SourceKind::Containerd => "containerd",
        SourceKind::ContainersStorage => "containers/storage",
        SourceKind::FileSystem => "file system",
        SourceKind::Archive => "archive",
        SourceKind::PackageFile => "package file",
        SourceKind::DiskImage => "disk image",
        SourceKind::File => "file",
        SourceKind::Report => "report",
        SourceKind::Sbom => "SBOM",
    };
    line!(out, "{HEADING}{}{HEADING:#} ({kind})", printable(&inventory.source.name));
    let mut field = |name: &str, value: &str| {
        line!(out, "  {name:<9}{}", printable(value));
    };
    if let Some(image) = &inventory.image {
        if !image.names.is_empty() {
            field("name", &image.names.join(", "));
        }
        field("image id", &image.config_digest.to_string());
        if let Some(digest) = &image.manifest_digest {
            field("digest", &digest.to_string());
        }
        field("platform", &image.platform.to_string());
        if let Some(created) = &image.created {
            field("created", created);
        }
        field("base", &base(image.base.as_ref(), image.layers.len()));
    }
    match &inventory.os {
        Some(os) => field("system", os.pretty_name.as_deref().unwrap_or(&os.distro())),
        None => field("system", "unknown (no os-release)"),
    }
}

fn base(base: Option<&BaseImage>, layers: usize) -> String {
    let Some(base) = base else { return "unknown".to_owned() };
    let name = base.name.as_deref().unwrap_or("unnamed");
    format!("{name}, {} of {layers} layers ({})", base.layers, base.method.confidence())
}

pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Base => "base",
        Origin::Application => "app",
        Origin::Unknown => "",
    }
}

fn layers(out: &mut String, image: &Image, packages: &[Package], options: TableOptions) {
    heading(out, &format!("Layers ({})", image.layers.len()));
    let mut sheet = Sheet::new([
        whole("#").right(),
        whole("ORIGIN"),
        spare("STORED", 2).right(),
        spare("PLAIN", 1).right(),
        spare("ENTRIES", 3).right(),
        whole("PACKAGES").right(),
        folded("CREATED BY"),
    ]);
    for layer in &image.layers {
        let count =
            packages.iter().filter(|package| package.layer == Some(layer.index) && package.owned_by.is_none()).count();
        sheet.row([
            layer.index.to_string(),
            origin(layer.origin).to_owned(),
            bytes_for_people(layer.stored_bytes),
            bytes_for_people(layer.plain_bytes),
            layer.entries.to_string(),
            count.to_string(),
            instruction(layer),
        ]);
    }
    sheet.print(out, options);
}

fn instruction(layer: &Layer) -> String {
    const LONGEST: usize = 80;
    let text = layer.created_by.as_deref().unwrap_or("");
    let text = text.strip_prefix("/bin/sh -c #(nop) ").or_else(|| text.strip_prefix("/bin/sh -c ")).unwrap_or(text);
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = printable(&one_line).chars().take(LONGEST).collect();
    if one_line.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

/// A stranger's text for one cell. A table pads every row to its widest cell, so that one that is much too long costs
/// as much in each row.
pub(crate) fn cell(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => printable(&text[..end]) + "…",
        None => printable(text),
    }
}

/// As many licences as fit a column, and how many more there are.
fn licenses(licenses: &[License]) -> String {
    const WIDEST: usize = 50;
    let mut shown = String::new();
    for (index, license) in licenses.iter().enumerate() {
        let text = printable(license.as_str());
        let separator = if index == 0 { "" } else { ", " };
        if index > 0 && shown.chars().count() + text.chars().count() > WIDEST {
            let _ = write!(shown, " and {} more", licenses.len() - index);
            break;
        }
        shown.push_str(separator);
        shown.extend(text.chars().take(WIDEST));
        if text.chars().count() > WIDEST {
            shown.push('…');
        }
    }
    shown
}

pub(crate) fn layer_cell(package: &Package) -> String {
    match package.layer {
        Some(layer) => format!("{layer} {}", origin(package.origin)).trim_end().to_owned(),
        None => String::new(),
    }
}

/// The name, and what makes a package less than installed for use.
pub(crate) fn name_cell(package: &Package) -> String {
    let mut name = cell(&package.facts.name);
    match package.facts.evidence {
        Evidence::Installed => {}
        Evidence::Declared => name.push_str(" (declared)"),
        Evidence::Inferred => name.push_str(" (inferred)"),
    }
    if package.facts.dev {
        name.push_str(" (dev)");
    }
    name
}

fn packages(out: &mut String, inventory: &Inventory, options: TableOptions) {
    let shown: Vec<&Package> = inventory.packages.iter().filter(|package| package.owned_by.is_none()).collect();
    heading(out, &format!("Packages ({})", shown.len()));
    if shown.is_empty() {
        return;
    }
    let with_layers = inventory.image.is_some();
    let mut columns =
        vec![folded("PACKAGE"), folded("VERSION"), folded("FOUND IN"), spare("PURL", 2), spare("LICENCE", 1)];
    if with_layers {
        columns.insert(2, whole("LAYER"));
    }
    let mut sheet = Sheet::new(columns);
    for package in shown {
        let mut row = vec![
            name_cell(package),
            cell(&package.facts.version),
            cell(&package.location),
            cell(package.purl.as_str()),
            licenses(&package.facts.licenses),
        ];
        if with_layers {
            row.insert(2, layer_cell(package));
        }
        sheet.row(row);
    }
    sheet.print(out, options);
}

fn removed(out: &mut String, inventory: &Inventory, options: TableOptions) {
    if inventory.removed.is_empty() {
        return;
    }
    heading(out, &format!("Only in lower layers ({})", inventory.removed.len()));
    let mut sheet = Sheet::new([
        folded("PACKAGE"),
        folded("VERSION"),
        whole("LAYER"),
        whole("REMOVED IN"),
        spare("BY", 1),
        spare("FOUND IN", 2),
    ]);
    for gone in &inventory.removed {
        let by = match gone.removal {
            Removal::Whiteout => "whiteout",
            Removal::Opaque => "opaque directory",
            Removal::Replaced => "replacement",
        };
        sheet.row([
            cell(&gone.package.facts.name),
            cell(&gone.package.facts.version),
            layer_cell(&gone.package),
            gone.removed_in.to_string(),
            by.to_owned(),
            cell(&gone.package.location),
        ]);
    }
    sheet.print(out, options);
}

fn diagnostics(out: &mut String, inventory: &Inventory) {
    for (level, title, style) in [(Level::Incomplete, "Not read", ALARM), (Level::Note, "Notes", WARNING)] {
        let own: Vec<_> = inventory.diagnostics.iter().filter(|diagnostic| diagnostic.level == level).collect();
        if own.is_empty() {
            continue;
        }
        heading(out, &format!("{title} ({})", own.len()));
        for diagnostic in own {
            line!(out, "  {style}{}{style:#} {}", diagnostic.code, printable(&diagnostic.to_string()));
        }
    }
}

/// `1 package`, `2 packages`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn verdict(out: &mut String, inventory: &Inventory) {
    // By the type that the package URL says, as the table above shows it.
    let mut counts: BTreeMap<(PackageKind, &str), usize> = BTreeMap::new();
    let mut owned = 0;
    for package in &inventory.packages {
        if package.owned_by.is_some() {
            owned += 1;
        } else {
            *counts.entry((package.purl.kind(), package.purl.type_text())).or_default() += 1;
        }
    }
    let total: usize = counts.values().sum();
    let kinds: Vec<String> = counts.iter().map(|((_, kind), count)| format!("{count} {kind}")).collect();
    let mut text = counted(total, "package");
    if !kinds.is_empty() {
        let _ = write!(text, ": {}", kinds.join(", "));
    }
    if owned > 0 {
        let rest = if owned == 1 {
            "language package belongs to a system package and is not shown"
        } else {
            "language packages belong to system packages and are not shown"
        };
        let _ = write!(text, "; {owned} more {rest}");
    }
    line!(out, "\n{HEADING}{text}{HEADING:#}");
    let incomplete = inventory.incomplete().count();
    if incomplete > 0 {
        let things = counted(incomplete, "thing");
        line!(out, "{ALARM}incomplete{ALARM:#}: {things} could not be read, packages may be missing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cut_before_they_widen_the_table() {
        assert_eq!(cell(&"é".repeat(300)), "é".repeat(300));
        let cut = cell(&"\u{1}".repeat(10_000_000));
        assert_eq!(cut, format!("{}…", "\\u{1}".repeat(300)));
    }
}
