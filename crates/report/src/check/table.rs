//! A check for people: what each subject violates, where, and what to change; what to do by policy; what nobody could or
//! was asked to tell.
//!
//! Sentences are wrapped under hanging indents rather than put into columns, so that forty columns read as well as two
//! hundred. What colour says is written as well.

use super::{CheckView, Row, State, check_gate_lines, check_in_a_line, exclusion, message, named, place, titled};
use crate::table::{ALARM, HEADING, TableOptions, WARNING, cell, heading, line};
use crate::view::{self, plural};
use anstyle::{AnsiColor, Style};
use sekisho_model::{CheckPolicy, CheckReport, CheckSubject, Level, PolicySeverity, Verdict};
use textwrap::core::Word;
use textwrap::{WordSeparator, WordSplitter};

/// Violations that are shown of one policy in one subject.
const VIOLATIONS: usize = 20;

/// Why something is not known, and what nobody asked for, is said in this many characters.
const REASONS: usize = 600;

/// The report as text with ANSI styles, which the caller strips where there is no colour.
pub fn check_table(report: &CheckReport, options: TableOptions) -> String {
    let view = CheckView::new(report);
    let mut page = Page { out: String::new(), options };
    let about = format!(
        "{HEADING}{}{HEADING:#} ({} at {})",
        view.target(),
        plural(report.policies.len(), "policy"),
        report.stage
    );
    page.text("", "  ", &about);
    for (subject, rows) in view.by_subject(&[State::Fails, State::Warns, State::Unknown, State::Excepted]) {
        page.subject(subject, &rows);
    }
    page.remedies(&view);
    page.not_evaluated(&view);
    page.told(&view);
    let total = check_in_a_line(report);
    page.out.push('\n');
    page.text("", "  ", &format!("{HEADING}{total}{HEADING:#}"));
    page.gate(report);
    page.out
}

struct Page {
    out: String,
    options: TableOptions,
}

impl Page {
    /// A paragraph: `first` before it, `rest` before each further line.
    fn text(&mut self, first: &str, rest: &str, text: &str) {
        let Some(width) = self.options.width else {
            line!(self.out, "{first}{text}");
            return;
        };
        // Below this nothing can be read anyway, and paths would become columns of letters.
        let width = usize::from(width).max(24);
        let options = textwrap::Options::new(width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .word_separator(WordSeparator::Custom(words))
            // Names are not broken at their hyphens.
            .word_splitter(WordSplitter::NoHyphenation);
        for wrapped in textwrap::wrap(text, options) {
            line!(self.out, "{}", wrapped.trim_end());
        }
    }

    fn subject(&mut self, subject: &CheckSubject, rows: &[Row<'_>]) {
        self.out.push('\n');
        let place = place(subject);
        let separator = if place.is_empty() { "" } else { "  " };
        self.text("", "  ", &format!("{HEADING}{}{HEADING:#}{separator}{place}", named(subject)));
        for row in rows {
            self.row(row);
        }
    }

    fn row(&mut self, row: &Row<'_>) {
        let policy = row.policy;
        let severity = policy.severity.as_str();
        let style = match row.state {
            State::Fails | State::Warns => style(policy.severity),
            State::Unknown => ALARM,
            State::Excepted | State::NotEvaluated => Style::new(),
        };
        let (word, aside) = match row.state {
            State::Fails => (severity, String::new()),
            State::Warns => (severity, " (only warns)".to_owned()),
            State::Unknown => ("unknown", format!(" ({severity})")),
            State::Excepted => ("excepted", format!(" ({severity})")),
            State::NotEvaluated => ("not evaluated", format!(" ({severity})")),
        };
        let title = titled(policy);
        let (id, name) = title.split_at(title.find(": ").unwrap_or(title.len()));
        self.text("  ", "    ", &format!("{style}{word}{style:#}  {HEADING}{id}{HEADING:#}{name}{aside}"));
        if let Some(excluded) = &row.result.excluded {
            self.text("    ", "      ", &exclusion(excluded));
        }
        if !row.is_violated() {
            self.text("    ", "      ", &view::cut(&row.reasons(), REASONS));
            return;
        }
        let violations = row.violations();
        for violation in violations.iter().take(VIOLATIONS) {
            self.text("    ", "      ", &message(violation));
            let at = super::at(violation);
            if !at.is_empty() {
                self.text("      at ", "         ", &at);
            }
            if let Some(fix) = violation.fix.as_ref().filter(|_| row.state != State::Excepted) {
                let style = AnsiColor::Green.on_default();
                self.text(&format!("      {style}fix{style:#} "), "          ", &cell(&fix.text));
            }
        }
        if violations.len() > VIOLATIONS {
            let more = violations.len() - VIOLATIONS;
            self.text("    ", "      ", &format!("and {more} more, of which the JSON has all"));
        }
    }

    /// Why it matters and what to do, once for each policy.
    fn remedies(&mut self, view: &CheckView<'_>) {
        let mut policies = view.by_policy(&[State::Fails, State::Warns]);
        policies.retain(|(policy, _)| !policy.remediation.trim().is_empty() || !policy.rationale.trim().is_empty());
        if policies.is_empty() {
            return;
        }
        heading(&mut self.out, &format!("What to do ({})", plural(policies.len(), "policy")));
        for (policy, rows) in policies {
            let by = plural(rows.len(), "subject");
            let id = if policy.id.is_empty() { &policy.name } else { &policy.id };
            self.text("  ", "    ", &format!("{HEADING}{}{HEADING:#}, violated by {by}", cell(id)));
            for text in [&policy.rationale, &policy.remediation] {
                let text = view::line(&view::cut(text, 1000));
                if !text.is_empty() {
                    self.text("    ", "    ", &text);
                }
            }
        }
    }

    /// What nobody asked for: the policies by their severity, and the reasons, which are few.
    fn not_evaluated(&mut self, view: &CheckView<'_>) {
        let policies = view.by_policy(&[State::NotEvaluated]);
        if policies.is_empty() {
            return;
        }
        heading(&mut self.out, &format!("Not evaluated ({})", plural(policies.len(), "policy")));
        for alike in policies.chunk_by(|(one, _), (other, _)| one.severity == other.severity) {
            let severity = alike[0].0.severity;
            let known = |policy: &CheckPolicy| cell(if policy.id.is_empty() { &policy.name } else { &policy.id });
            let ids: Vec<_> = alike.iter().map(|(policy, _)| known(policy)).collect();
            let style = style(severity);
            self.text("  ", "    ", &format!("{style}{}{style:#}  {}", severity.as_str(), ids.join(", ")));
        }
        let others = super::not_to_be_had(view);
        for (reason, ids) in others.iter().take(VIOLATIONS) {
            let ids: Vec<_> = ids.iter().map(|id| cell(id)).collect();
            self.text("  ", "    ", &view::cut(&format!("{}: {}", ids.join(", "), view::line(reason)), REASONS));
        }
        if others.len() > VIOLATIONS {
            self.text(
                "  ",
                "    ",
                &format!("and {} more reasons, of which the JSON has all", others.len() - VIOLATIONS),
            );
        }
        if let Some(hint) = super::to_ask_for(view) {
            self.text("  ", "    ", hint);
        }
    }

    fn told(&mut self, view: &CheckView<'_>) {
        let told = view.told();
        for (level, title, style) in [(Level::Incomplete, "Not read", ALARM), (Level::Note, "Notes", WARNING)] {
            let own: Vec<_> = told.iter().filter(|told| told.level == level).collect();
            if own.is_empty() {
                continue;
            }
            heading(&mut self.out, &format!("{title} ({})", own.len()));
            for told in own {
                self.text("  ", "    ", &format!("{style}{}{style:#} {}", told.code, told.text));
            }
        }
    }

    fn gate(&mut self, report: &CheckReport) {
        const MOST: usize = 20;
        let style = match report.gate.verdict {
            Verdict::Passed => Style::new(),
            Verdict::Refused | Verdict::Unknown => ALARM,
        };
        let lines = check_gate_lines(report);
        for text in lines.iter().take(MOST) {
            self.text("", "  ", &format!("{style}{}{style:#}", view::cut(text, REASONS)));
        }
        if lines.len() > MOST {
            self.text("", "  ", &format!("gate: and {} more", lines.len() - MOST));
        }
    }
}

/// What stands between blanks; of what is long, such as paths of fields and of files, what ends at a dot or a slash, so
/// that it is broken there rather than in a name.
fn words(text: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    const LONG: usize = 28;
    let blanks = text.split_inclusive(' ');
    Box::new(blanks.flat_map(|word| {
        let is_long = word.len() > LONG;
        word.split_inclusive(move |char| is_long && matches!(char, '.' | '/')).map(Word::from)
    }))
}

fn style(severity: PolicySeverity) -> Style {
    match severity {
        PolicySeverity::Critical => ALARM,
        PolicySeverity::High => AnsiColor::Red.on_default(),
        PolicySeverity::Medium => WARNING,
        PolicySeverity::Low => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_broken_at_their_dots() {
        let check = |text: &str, expect: &[&str]| {
            let mut page = Page { out: String::new(), options: TableOptions { width: Some(40) } };
            page.text("  at ", "     ", text);
            assert_eq!(page.out.lines().collect::<Vec<_>>(), expect);
        };
        check(
            "31:13 spec.template.spec.containers[0].securityContext.privileged",
            &["  at 31:13 spec.template.spec.", "     containers[0].securityContext.", "     privileged"],
        );
        check("is at version 1.2.3, which is 4.5.6-7", &["  at is at version 1.2.3, which is", "     4.5.6-7"]);
        check(
            "関所の検査結果をここに長く書いておきます。",
            &["  at 関所の検査結果をここに長く書いてお", "     きます。"],
        );
    }
}
