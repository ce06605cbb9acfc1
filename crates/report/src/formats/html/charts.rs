//! The charts: bars with their numbers beside them, so that a table is what they are without colours and pictures.

use super::Page;
use super::words::Words;
use crate::view::count;
use sekisho_model::{FindingRow, Origin, Severity};
use std::io::{self, Write};

/// In the order in which they are shown.
pub(super) const ORIGINS: [Origin; 3] = [Origin::Base, Origin::Application, Origin::Unknown];

/// One bar: its name, and how many findings of each severity it stands for.
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) severity: Option<Severity>,
    pub(crate) counts: [usize; 6],
}

impl Page<'_> {
    pub(super) fn charts(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let of = |wanted: &dyn Fn(&FindingRow<'_>) -> bool| {
            count(self.view.open().filter(|row| wanted(row)).map(|row| row.finding.severity))
        };
        let counts = self.view.counts();
        let severities = Severity::ALL.into_iter().rev().map(|severity| {
            let mut own = [0; 6];
            own[severity as usize] = counts[severity as usize];
            Bar { name: words.severity_of(severity), severity: Some(severity), counts: own }
        });
        let origins = ORIGINS.map(|origin| Bar {
            name: words.origin_of(origin),
            severity: None,
            counts: of(&|row| row.package.origin == origin),
        });
        let fixes = [(words.fixable, true), (words.not_fixable, false)].map(|(name, fixable)| Bar {
            name,
            severity: None,
            counts: of(&|row| row.finding.fixed_in.is_empty() != fixable),
        });
        writeln!(to, "<div class=\"charts\">")?;
        chart(to, "by-severity", words.by_severity, severities.collect(), words)?;
        chart(to, "by-origin", words.by_origin, origins.into(), words)?;
        chart(to, "by-fix", words.by_fix, fixes.into(), words)?;
        writeln!(to, "</div>")
    }
}

pub(crate) fn chart(to: &mut impl Write, id: &str, title: &str, bars: Vec<Bar>, words: &Words) -> io::Result<()> {
    /// Units of the picture from side to side.
    const WIDTH: f64 = 1000.0;
    writeln!(to, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n<table class=\"bars\"><tbody>")?;
    let sum = |bar: &Bar| bar.counts.iter().sum::<usize>();
    let most = bars.iter().map(sum).max().unwrap_or_default().max(1);
    for bar in bars {
        let total = sum(&bar);
        let none = if total == 0 { " class=\"none\"" } else { "" };
        let name = match bar.severity {
            Some(severity) => format!("<span class=\"sev {severity}\">{}</span>", bar.name),
            None => bar.name.to_owned(),
        };
        write!(to, "<tr{none}><th scope=\"row\">{name}</th><td>")?;
        write!(to, "<svg viewBox=\"0 0 1000 14\" preserveAspectRatio=\"none\" aria-hidden=\"true\">")?;
        write!(to, "<rect class=\"track\" width=\"1000\" height=\"14\"/>")?;
        let mut x = 0.0;
        for severity in Severity::ALL.into_iter().rev() {
            let count = bar.counts[severity as usize];
            if count == 0 {
                continue;
            }
            let width = WIDTH * count as f64 / most as f64;
            write!(
                to,
                "<rect class=\"{severity}\" x=\"{x:.1}\" width=\"{width:.1}\" height=\"14\"><title>{}: {count}</title></rect>",
                words.severity_of(severity)
            )?;
            x += width;
        }
        writeln!(to, "</svg></td><td class=\"number\">{total}</td></tr>")?;
    }
    writeln!(to, "</tbody></table>\n</section>")
}
