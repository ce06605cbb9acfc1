//! One HTML file that works offline: verdict, charts, what to upgrade first, and every finding.
//!
//! Nothing is fetched and nothing is sent: the page's own policy allows its one style and its one script, by their
//! hashes, and nothing else. Without the script, which sorts and filters, the page says all the same. What is shown by
//! colour is written beside it.

pub(super) mod charts;
pub(super) mod words;

use super::Format;
use crate::advice;
use crate::language::Language;
use crate::markup::Escaped;
use crate::view::{self, Standing, View};
use jiff::Timestamp;
use sekisho_base::hash;
use sekisho_model::{FindingRow, Level, ScanReport, Severity, Tool, Verdict, Vulnerability};
use std::io::{self, Write};
use words::{Words, fill};

pub(super) static FORMAT: Format = Format {
    name: "html",
    media_type: "text/html; charset=utf-8",
    extension: "html",
    title: "one HTML page for people that works offline, in English or Japanese",
    write: |report, options, to| write_html(report, options.language, to),
};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Upgrades that are listed.
const UPGRADES: usize = 15;

/// Characters of a description.
const LONGEST: usize = 3000;

/// References that are listed for one finding.
const REFERENCES: usize = 8;

/// Writes the report as one HTML file.
pub fn write_html(report: &ScanReport, language: Language, mut to: impl Write) -> io::Result<()> {
    let page = Page { view: View::new(report), words: Words::of(language), language };
    head(&mut to, language, &page.view.target(), page.words.page)?;
    page.summary(&mut to)?;
    writeln!(to, "<main>")?;
    if page.view.standing() != Standing::NotScanned {
        page.charts(&mut to)?;
        page.upgrades(&mut to)?;
    }
    page.findings(&mut to)?;
    page.suppressed(&mut to)?;
    page.notes(&mut to)?;
    writeln!(to, "</main>")?;
    let inventory = &report.inventory;
    foot(&mut to, page.words.made_by, &inventory.tool, inventory.observed_at)
}

/// Everything before the page's content.
pub(super) fn head(to: &mut impl Write, language: Language, target: &str, page: &str) -> io::Result<()> {
    let source = |text: &str| format!("'sha256-{}'", base64(&hash::sha256(text.as_bytes())));
    writeln!(
        to,
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} – {page}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        language.as_str(),
        source(STYLE),
        source(SCRIPT),
        Escaped(target),
    )
}

/// Everything behind it.
pub(super) fn foot(to: &mut impl Write, made_by: &str, tool: &Tool, observed: Timestamp) -> io::Result<()> {
    let name = view::line(&format!("{} {}", tool.name, tool.version));
    let observed = view::moment(observed);
    writeln!(to, "<footer><p>{made_by}: {}, {observed}</p></footer>", Escaped(name.trim()))?;
    writeln!(to, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

struct Page<'a> {
    view: View<'a>,
    words: &'static Words,
    language: Language,
}

impl Page<'_> {
    /// What was scanned, and what comes of it.
    fn summary(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        writeln!(to, "<header>\n<p class=\"kicker\">{}</p>", words.page)?;
        writeln!(to, "<h1>{}</h1>", Escaped(&self.view.target()))?;
        self.verdict(to)?;
        self.missing(to)?;
        writeln!(to, "<dl class=\"facts\">")?;
        for (name, value) in self.facts() {
            writeln!(to, "<dt>{name}</dt><dd>{}</dd>", Escaped(&value))?;
        }
        writeln!(to, "</dl>\n</header>")
    }

    fn verdict(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let Some(result) = &self.view.report.gate else { return Ok(()) };
        let count = fill(words.refused_count, result.refused.len());
        let (class, sign, title, more) = match result.verdict {
            Verdict::Refused => ("bad", "✕", words.refused, count.as_str()),
            Verdict::Passed => ("good", "✓", words.passed, words.passed_more),
            Verdict::Unknown => ("warn", "?", words.unknown, words.unknown_more),
        };
        write!(to, "<div class=\"note {class}\"><p><strong>{sign} {title}</strong> {more}</p>")?;
        list(to, self.language, result.unknown.iter().map(|unknown| view::line(unknown)), words)?;
        writeln!(to, "</div>")
    }

    fn missing(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let (title, more) = match self.view.standing() {
            Standing::Whole => return Ok(()),
            Standing::Incomplete => (words.incomplete, words.incomplete_more),
            Standing::NotScanned => (words.not_scanned, words.not_scanned_more),
        };
        write!(to, "<div class=\"note warn\" role=\"alert\"><p><strong>⚠ {title}</strong> {more}</p>")?;
        let told = self.view.told().into_iter().filter(|told| told.level == Level::Incomplete);
        list(to, self.language, told.map(|told| format!("{} {}", told.code.as_str(), told.text)), words)?;
        writeln!(to, "</div>")
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let words = self.words;
        let report = self.view.report;
        let inventory = &report.inventory;
        let mut facts = Vec::new();
        if let Some(image) = &inventory.image {
            facts.push((words.image_id, image.config_digest.to_string()));
            facts.push((words.platform, view::line(&image.platform.to_string())));
            if let Some(base) = &image.base {
                let name = view::line(base.name.as_deref().unwrap_or(words.unnamed));
                facts.push((words.base_image, format!("{name} ({})", fill(words.base_layers, base.layers as usize))));
            }
        }
        if let Some(os) = &inventory.os {
            facts.push((words.system, view::line(os.pretty_name.as_deref().unwrap_or(&os.distro()))));
        }
        let packages = inventory.packages.iter().filter(|package| package.owned_by.is_none()).count();
        facts.push((words.packages, packages.to_string()));
        facts.push((words.assessed, view::moment(report.assessment.assessed_at)));
        if let Some(database) = &report.assessment.database {
            let feeds: Vec<String> = database.feeds.iter().map(|feed| view::line(&feed.id)).collect();
            facts.push((words.advisories, feeds.join(", ")));
        }
        facts
    }

    fn upgrades(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        if self.view.open().next().is_none() {
            return Ok(());
        }
        let upgrades = advice::upgrades(&self.view);
        writeln!(to, "<section aria-labelledby=\"first\">\n<h2 id=\"first\">{}</h2>", words.first)?;
        if upgrades.is_empty() {
            return writeln!(to, "<p class=\"soft\">{}</p>\n</section>", words.first_none);
        }
        writeln!(to, "<p class=\"soft\">{}</p>\n<table class=\"wide\">\n<thead><tr>", words.first_more)?;
        for name in [words.package, words.installed, words.upgrade_to, words.removes, words.origin] {
            write!(to, "<th scope=\"col\">{name}</th>")?;
        }
        writeln!(to, "</tr></thead>\n<tbody>")?;
        for upgrade in upgrades.iter().take(UPGRADES) {
            let own = upgrade.packages.len() == 1 && upgrade.packages.contains(upgrade.name);
            let packages = if own { String::new() } else { some(upgrade.packages.iter().copied(), words) };
            let packages = if packages.is_empty() { packages } else { format!("<br>{packages}") };
            let exploited = match upgrade.exploited {
                0 => String::new(),
                count => format!(" <span class=\"tag alarm\">{}: {count}</span>", words.exploited),
            };
            let name = format!(
                "<tr><th scope=\"row\" data-label=\"{}\"><div>{} <span class=\"soft\">{}</span><small>{packages}</small></div></th>",
                words.package,
                Escaped(&view::line(&view::cut(upgrade.name, 120))),
                upgrade.ecosystem,
            );
            let installed = some(upgrade.installed.iter().copied(), words);
            let version = some(std::iter::once(upgrade.to), words);
            let removes = format!("{}{exploited}", chips(upgrade.counts, words));
            write!(to, "{name}")?;
            let mut cell = |name: &str, html: &str| write!(to, "<td data-label=\"{name}\"><div>{html}</div></td>");
            cell(words.installed, &installed)?;
            cell(words.upgrade_to, &version)?;
            cell(words.removes, &removes)?;
            cell(words.origin, words.origin_of(upgrade.origin))?;
            writeln!(to, "</tr>")?;
        }
        writeln!(to, "</tbody>\n</table>")?;
        if upgrades.len() > UPGRADES {
            writeln!(to, "<p class=\"soft\">{}</p>", fill(words.upgrades_left, upgrades.len() - UPGRADES))?;
        }
        writeln!(to, "</section>")
    }

    fn findings(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let count = self.view.open().count();
        if count == 0 && self.view.standing() == Standing::NotScanned {
            return Ok(());
        }
        writeln!(to, "<section aria-labelledby=\"all\">\n<h2 id=\"all\">{} ({count})</h2>", words.findings)?;
        if count == 0 {
            return writeln!(to, "<p>{}</p>\n</section>", words.no_findings);
        }
        self.controls(to)?;
        writeln!(to, "<table class=\"wide\" id=\"findings\">\n<thead><tr>")?;
        for (key, name) in [
            ("severity", words.severity),
            ("vulnerability", words.vulnerability),
            ("package", words.package),
            ("fix", words.fix),
            ("origin", words.origin),
            ("epss", words.epss),
        ] {
            let number = if matches!(key, "severity" | "epss") { " data-number" } else { "" };
            write!(to, "<th scope=\"col\" data-key=\"{key}\"{number}>{name}</th>")?;
        }
        writeln!(to, "</tr></thead>\n<tbody>")?;
        for row in self.view.open() {
            self.finding(row, to)?;
        }
        writeln!(to, "</tbody>\n</table>\n</section>")
    }

    fn controls(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let origins: Vec<_> = charts::ORIGINS.map(|origin| (view::origin(origin), words.origin_of(origin))).into();
        let mut checks = vec![("fixable", words.only_fixable), ("exploited", words.only_exploited)];
        if self.view.verdict().is_some() {
            checks.push(("refused", words.only_refused));
        }
        controls(to, words, &Severity::ALL[1..], ("origin", words.origin, &origins), &checks)
    }

    fn finding(&self, row: &FindingRow<'_>, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let FindingRow { finding, package, vulnerability } = row;
        let refused = self.view.verdict().is_some() && self.view.is_refused(finding);
        let flag = |name: &str, on: bool| if on { format!(" data-{name}=\"1\"") } else { String::new() };
        let epss = vulnerability.likelihood.map(|likelihood| f64::from(likelihood.probability) * 100.0);
        let (id, name) = (view::line(&vulnerability.id), view::line(&package.facts.name));
        write!(
            to,
            "<tr data-severity=\"{}\" data-vulnerability=\"{}\" data-package=\"{}\" data-fix=\"{}\" data-origin=\"{}\"{}{}{}{}>",
            finding.severity as usize,
            Escaped(&id),
            Escaped(&name),
            finding.status.as_str(),
            view::origin(package.origin),
            epss.map(|epss| format!(" data-epss=\"{epss:.3}\"")).unwrap_or_default(),
            flag("fixable", !finding.fixed_in.is_empty()),
            flag("exploited", vulnerability.exploited.is_some()),
            flag("refused", refused),
        )?;
        let refused =
            if refused { format!("<br><span class=\"tag alarm\">{}</span>", words.refused_tag) } else { String::new() };
        let score =
            view::score(vulnerability, finding.severity).map(|score| format!(" {score:.1}")).unwrap_or_default();
        write!(
            to,
            "<td data-label=\"{}\"><div>{}{score}{refused}</div></td>",
            words.severity,
            severity(finding.severity, words)
        )?;
        write!(to, "<td data-label=\"{}\"><div>{}", words.vulnerability, linked(vulnerability))?;
        if let Some(exploited) = &vulnerability.exploited {
            let ransomware = if exploited.ransomware { format!(", {}", words.ransomware) } else { String::new() };
            write!(to, " <span class=\"tag alarm\">{}{ransomware}</span>", words.exploited)?;
        }
        write!(to, "<details><summary>{}</summary>", self.title(vulnerability))?;
        self.details(row, to)?;
        write!(to, "</details></div></td>")?;
        write!(
            to,
            "<td data-label=\"{}\"><div>{}<br><span class=\"mono soft\">{}</span></div></td>",
            words.package,
            Escaped(&name),
            Escaped(&view::line(&package.facts.version))
        )?;
        let fix = if finding.fixed_in.is_empty() {
            format!("<span class=\"soft\">{}</span>", words.status_of(finding.status))
        } else {
            some(finding.fixed_in.iter().map(String::as_str), words)
        };
        write!(to, "<td data-label=\"{}\"><div>{fix}</div></td>", words.fix)?;
        let layer = package.layer.map(|layer| format!("<br><span class=\"soft\">{} {layer}</span>", words.layer));
        let layer = layer.unwrap_or_default();
        write!(to, "<td data-label=\"{}\"><div>{}{layer}</div></td>", words.origin, words.origin_of(package.origin))?;
        let epss = epss.map_or_else(|| "–".to_owned(), |epss| format!("{epss:.2} %"));
        writeln!(to, "<td class=\"number\" data-label=\"{}\"><div>{epss}</div></td></tr>", words.epss)
    }

    /// The title in the page's language, or in the one there is.
    fn title(&self, vulnerability: &Vulnerability) -> String {
        match (&vulnerability.title_ja, self.language) {
            (Some(title), Language::Ja) if !title.trim().is_empty() => {
                Escaped(&view::line(&view::cut(title, 200))).to_string()
            }
            _ => format!("<span lang=\"en\">{}</span>", Escaped(&view::title(vulnerability))),
        }
    }

    fn details(&self, row: &FindingRow<'_>, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let FindingRow { finding, package, vulnerability } = row;
        let description = view::lines(&view::cut(vulnerability.description.trim(), LONGEST));
        if !description.is_empty() {
            write!(to, "<p class=\"text\" lang=\"en\">{}</p>", Escaped(&description))?;
        }
        let rating = |judge: &sekisho_model::Judgement| {
            let score = judge.score.map(|score| format!(" {score:.1}")).unwrap_or_default();
            let vector = judge.vector.as_deref().map(|vector| format!(" {vector}")).unwrap_or_default();
            format!("{}: {}{score}{vector}", judge.by, words.severity_of(judge.severity))
        };
        let said = |source: &sekisho_model::FindingSource| format!("{} {}", source.feed, source.advisory);
        let ratings: Vec<String> = vulnerability.judgements.iter().map(rating).collect();
        let sources: Vec<String> = finding.sources.iter().map(said).collect();
        let exploited = vulnerability.exploited.as_ref();
        write!(to, "<dl>")?;
        for (name, value) in [
            (words.found_in, package.location.clone()),
            ("Package URL", package.purl.to_string()),
            (words.aliases, vulnerability.aliases.join(", ")),
            ("CWE", vulnerability.cwes.join(", ")),
            (words.ratings, ratings.join("; ")),
            (words.sources, sources.join("; ")),
            (words.published, vulnerability.published.map(view::moment).unwrap_or_default()),
            (words.exploited_since, exploited.map(|exploited| exploited.added.clone()).unwrap_or_default()),
        ] {
            if !value.is_empty() {
                write!(to, "<dt>{name}</dt><dd>{}</dd>", Escaped(&view::line(&view::cut(&value, 1000))))?;
            }
        }
        write!(to, "</dl>")?;
        let links: Vec<&String> = vulnerability.references.iter().filter(|address| view::is_link(address)).collect();
        if links.is_empty() {
            return Ok(());
        }
        write!(to, "<p>{}</p><ul>", words.references)?;
        for address in links.iter().take(REFERENCES) {
            write!(to, "<li>{}</li>", link(address, address))?;
        }
        if links.len() > REFERENCES {
            write!(to, "<li>{}</li>", fill(words.more, links.len() - REFERENCES))?;
        }
        write!(to, "</ul>")
    }

    fn suppressed(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let hidden: Vec<_> =
            self.view.rows.iter().filter_map(|row| Some((row, row.finding.suppressed.as_ref()?))).collect();
        if hidden.is_empty() {
            return Ok(());
        }
        writeln!(
            to,
            "<section aria-labelledby=\"hidden\">\n<h2 id=\"hidden\">{} ({})</h2>",
            words.suppressed,
            hidden.len()
        )?;
        writeln!(to, "<p class=\"soft\">{}</p>\n<table class=\"wide\">\n<thead><tr>", words.suppressed_more)?;
        for name in [words.severity, words.vulnerability, words.package, words.why] {
            write!(to, "<th scope=\"col\">{name}</th>")?;
        }
        writeln!(to, "</tr></thead>\n<tbody>")?;
        for (row, why) in hidden {
            let facts = &row.package.facts;
            let package = format!("{} {}", facts.name, facts.version);
            for (name, html) in [
                (words.severity, severity(row.finding.severity, words)),
                (words.vulnerability, format!("{}<br>{}", linked(row.vulnerability), self.title(row.vulnerability))),
                (words.package, Escaped(&view::line(&package)).to_string()),
                (words.why, Escaped(&view::suppression(why)).to_string()),
            ] {
                let begin = if name == words.severity { "<tr>" } else { "" };
                write!(to, "{begin}<td data-label=\"{name}\"><div>{html}</div></td>")?;
            }
            writeln!(to, "</tr>")?;
        }
        writeln!(to, "</tbody>\n</table>\n</section>")
    }

    fn notes(&self, to: &mut impl Write) -> io::Result<()> {
        let notes: Vec<_> = self.view.told().into_iter().filter(|told| told.level == Level::Note).collect();
        if notes.is_empty() {
            return Ok(());
        }
        writeln!(to, "<section aria-labelledby=\"notes\">\n<h2 id=\"notes\">{}</h2>", self.words.notes)?;
        let texts = notes.iter().map(|told| format!("{} {}", told.code.as_str(), told.text));
        list(to, self.language, texts, self.words)?;
        writeln!(to, "</section>")
    }
}

/// What filters the table: a search, the least severity, a field of which one value is chosen, and flags. What each looks
/// at is written on it, for the script.
pub(super) fn controls(
    to: &mut impl Write,
    words: &Words,
    severities: &[Severity],
    (field, name, values): (&str, &str, &[(&str, &str)]),
    flags: &[(&str, &str)],
) -> io::Result<()> {
    write!(
        to,
        "<div class=\"controls\" id=\"controls\" hidden>\n<label>{}<input type=\"search\" data-by=\"text\"></label>\n\
         <label>{}<select data-by=\"least\" data-field=\"severity\"><option value=\"0\">{}</option>",
        words.search, words.least, words.any
    )?;
    for severity in severities {
        write!(to, "<option value=\"{}\">{}</option>", *severity as usize, words.severity_of(*severity))?;
    }
    write!(
        to,
        "</select></label>\n<label>{name}<select data-by=\"is\" data-field=\"{field}\"><option value=\"\">{}</option>",
        words.any
    )?;
    for (value, name) in values {
        write!(to, "<option value=\"{value}\">{name}</option>")?;
    }
    writeln!(to, "</select></label>")?;
    for (flag, name) in flags {
        let input = format!("<input type=\"checkbox\" data-by=\"has\" data-field=\"{flag}\">");
        writeln!(to, "<label class=\"check\">{input}{name}</label>")?;
    }
    writeln!(to, "<output id=\"shown\" data-text=\"{}\"></output>\n</div>", words.shown)
}

/// A list of texts in English, which diagnostics are in; nothing where there are none.
pub(super) fn list(
    to: &mut impl Write,
    language: Language,
    texts: impl Iterator<Item = String>,
    words: &Words,
) -> io::Result<()> {
    const MOST: usize = 50;
    let lang = if language == Language::En { "" } else { " lang=\"en\"" };
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        return Ok(());
    }
    write!(to, "<ul>")?;
    for text in texts.iter().take(MOST) {
        write!(to, "<li{lang}>{}</li>", Escaped(text))?;
    }
    if texts.len() > MOST {
        write!(to, "<li>{}</li>", fill(words.more, texts.len() - MOST))?;
    }
    write!(to, "</ul>")
}

pub(super) fn severity(severity: Severity, words: &Words) -> String {
    format!("<span class=\"sev {severity}\">{}</span>", words.severity_of(severity))
}

/// How many of each severity, the worst first.
pub(super) fn chips(counts: [usize; 6], words: &Words) -> String {
    let chips = Severity::ALL.into_iter().rev().filter(|severity| counts[*severity as usize] > 0).map(|severity| {
        let (name, count) = (words.severity_of(severity), counts[severity as usize]);
        format!("<span class=\"sev {severity}\">{name} {count}</span>")
    });
    format!("<span class=\"chips\">{}</span>", chips.collect::<String>())
}

/// A few texts, and how many more there are.
fn some<'t>(texts: impl Iterator<Item = &'t str>, words: &Words) -> String {
    const MOST: usize = 4;
    let texts: Vec<&str> = texts.collect();
    let mut shown: Vec<String> = (texts.iter().take(MOST))
        .map(|text| format!("<span class=\"mono\">{}</span>", Escaped(&view::line(&view::cut(text, 80)))))
        .collect();
    if texts.len() > MOST {
        shown.push(format!("<span class=\"soft\">{}</span>", fill(words.more, texts.len() - MOST)));
    }
    shown.join("<br>")
}

/// The id of a vulnerability, as a link where there is an address.
fn linked(vulnerability: &Vulnerability) -> String {
    let id = view::line(&view::cut(&vulnerability.id, 80));
    match view::address(vulnerability) {
        Some(address) => link(&address, &id),
        None => Escaped(&id).to_string(),
    }
}

/// A link; `address` is one that [`view::is_link`].
fn link(address: &str, text: &str) -> String {
    format!("<a href=\"{}\" rel=\"noopener noreferrer\">{}</a>", Escaped(address), Escaped(text))
}

/// Base 64 (RFC 4648), as hashes in a content security policy are written.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba?", "Zm9vYmE/")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn style_and_script_end_where_they_should() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }
}
