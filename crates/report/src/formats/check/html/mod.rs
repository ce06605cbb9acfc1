//! One HTML file that works offline, in the form of the scan's page, whose style and script it has.
//!
//! Texts of policies are in whatever language their authors wrote; messages are in English, but for those of policies that
//! bring their own.

mod words;

use crate::check::{self, CheckView, Row, Standing, State, rank};
use crate::formats::Format;
use crate::formats::html::charts::{Bar, chart};
use crate::formats::html::words::{Words, fill};
use crate::formats::html::{chips, controls, foot, head, list, severity};
use crate::language::Language;
use crate::markup::Escaped;
use crate::view;
use sekisho_model::{CheckPolicy, CheckReport, CheckSubject, Level, Severity, SubjectKind, Verdict, Violation};
use std::fmt::Write as _;
use std::io::{self, Write};
use words::CheckWords;

pub(super) static FORMAT: Format<CheckReport> = Format {
    name: "html",
    media_type: "text/html; charset=utf-8",
    extension: "html",
    title: "one HTML page for people that works offline, in English or Japanese",
    write: |report, options, to| write(report, options.language, to),
};

/// Policies whose remediation is listed.
const POLICIES: usize = 50;

/// Violations that are listed of one policy in one subject.
const VIOLATIONS: usize = 20;

/// Characters of a text of a policy.
const LONGEST: usize = 3000;

/// What is violated and counts.
const VIOLATED: &[State] = &[State::Fails, State::Warns];

fn write(report: &CheckReport, language: Language, to: &mut impl Write) -> io::Result<()> {
    let page =
        Page { view: CheckView::new(report), words: CheckWords::of(language), shared: Words::of(language), language };
    head(to, language, &page.target(), page.words.page)?;
    page.summary(to)?;
    writeln!(to, "<main>")?;
    if page.view.standing() != Standing::Empty {
        page.charts(to)?;
        page.to_do(to)?;
        page.violations(to)?;
    }
    page.not_known(to)?;
    page.excepted(to)?;
    page.not_evaluated(to)?;
    page.notes(to)?;
    writeln!(to, "</main>")?;
    foot(to, page.shared.made_by, &report.tool, report.observed_at)
}

struct Page<'a> {
    view: CheckView<'a>,
    words: &'static CheckWords,
    shared: &'static Words,
    language: Language,
}

impl Page<'_> {
    fn target(&self) -> String {
        let count = self.view.report.subjects.len();
        self.view.only_target().unwrap_or_else(|| fill(self.words.targets, count))
    }

    /// The subject and where it belongs.
    fn named(&self, subject: &CheckSubject) -> String {
        let title = check::title(subject);
        if subject.namespace.is_empty() {
            return title;
        }
        let namespace = view::line(&view::cut(&subject.namespace, 100));
        title + &self.words.namespace.replacen("{}", &namespace, 1)
    }

    /// The same with its place.
    fn at(&self, subject: &CheckSubject) -> String {
        let place = check::place(subject);
        let place =
            if place.is_empty() { place } else { format!("<br><span class=\"mono soft\">{}</span>", Escaped(&place)) };
        format!("{}{place}", Escaped(&self.named(subject)))
    }

    /// What was checked, and what comes of it.
    fn summary(&self, to: &mut impl Write) -> io::Result<()> {
        let (words, report) = (self.words, self.view.report);
        writeln!(to, "<header>\n<p class=\"kicker\">{}</p>", words.page)?;
        writeln!(to, "<h1>{}</h1>", Escaped(&self.target()))?;
        let count = fill(words.refused_count, self.view.count(State::Fails));
        let (class, sign, title, more) = match report.gate.verdict {
            Verdict::Refused => ("bad", "✕", words.refused, count.as_str()),
            Verdict::Passed if report.gate.warn_only => ("good", "✓", words.passed, words.warn_only),
            Verdict::Passed => ("good", "✓", words.passed, words.passed_more),
            Verdict::Unknown => ("warn", "?", words.unknown, words.unknown_more),
        };
        write!(to, "<div class=\"note {class}\"><p><strong>{sign} {title}</strong> {more}</p>")?;
        self.list(to, report.gate.unknown.iter().map(|unknown| view::line(&view::cut(unknown, 500))))?;
        writeln!(to, "</div>")?;
        let missing = match self.view.standing() {
            Standing::Whole => None,
            Standing::Incomplete => Some((words.incomplete, words.incomplete_more)),
            Standing::Empty => Some((words.empty, words.empty_more)),
        };
        if let Some((title, more)) = missing {
            write!(to, "<div class=\"note warn\" role=\"alert\"><p><strong>⚠ {title}</strong> {more}</p>")?;
            self.list(to, self.view.unread().map(|told| format!("{} {}", told.code.as_str(), told.text)))?;
            writeln!(to, "</div>")?;
        }
        writeln!(to, "<dl class=\"facts\">")?;
        for (name, value) in [
            (words.stage, view::line(&report.stage)),
            (words.subjects, report.subjects.len().to_string()),
            (words.policies, report.policies.len().to_string()),
            (words.checked, view::moment(report.observed_at)),
        ] {
            writeln!(to, "<dt>{name}</dt><dd>{}</dd>", Escaped(&value))?;
        }
        writeln!(to, "</dl>\n</header>")
    }

    fn list(&self, to: &mut impl Write, texts: impl Iterator<Item = String>) -> io::Result<()> {
        list(to, self.language, texts, self.shared)
    }

    fn charts(&self, to: &mut impl Write) -> io::Result<()> {
        let (words, shared) = (self.words, self.shared);
        let of = |wanted: &dyn Fn(&Row<'_>) -> bool| {
            view::count(self.view.rows.iter().filter(|row| wanted(row)).map(|row| rank(row.policy.severity)))
        };
        let counts = self.view.counts();
        let severities = SEVERITIES.into_iter().rev().map(|severity| {
            let mut own = [0; 6];
            own[severity as usize] = counts[severity as usize];
            Bar { name: shared.severity_of(severity), severity: Some(severity), counts: own }
        });
        let states = [State::Fails, State::Warns, State::Unknown, State::Excepted, State::NotEvaluated];
        let states =
            states.map(|state| Bar { name: words.state(state), severity: None, counts: of(&|row| row.state == state) });
        let kinds = [SubjectKind::Workload, SubjectKind::Object, SubjectKind::Image];
        let kinds = kinds.map(|kind| Bar {
            name: words.kind(kind),
            severity: None,
            counts: of(&|row| VIOLATED.contains(&row.state) && row.subject.kind == kind),
        });
        writeln!(to, "<div class=\"charts\">")?;
        chart(to, "by-severity", words.by_severity, severities.collect(), shared)?;
        chart(to, "by-outcome", words.by_outcome, states.into(), shared)?;
        chart(to, "by-kind", words.by_kind, kinds.into(), shared)?;
        writeln!(to, "</div>")
    }

    /// What to do about each violated policy.
    fn to_do(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let policies = self.view.by_policy(VIOLATED);
        if policies.is_empty() {
            return Ok(());
        }
        let columns = [words.policy, self.shared.why, words.what_to_do, words.subjects];
        Self::begin(to, "first", words.to_do, None, words.to_do_more, &columns)?;
        for (policy, rows) in policies.iter().take(POLICIES) {
            let chips = chips(view::count(rows.iter().map(|row| rank(row.policy.severity))), self.shared);
            let cells =
                [named(policy) + &self.details(policy), text(&policy.rationale), text(&policy.remediation), chips];
            table_row(to, &columns, &cells)?;
        }
        writeln!(to, "</tbody>\n</table>")?;
        if policies.len() > POLICIES {
            let more = fill(words.policies_left, policies.len() - POLICIES);
            writeln!(to, "<p class=\"soft\">{more}</p>")?;
        }
        writeln!(to, "</section>")
    }

    /// A section with a table, up to its rows.
    fn begin(
        to: &mut impl Write,
        id: &str,
        title: &str,
        count: Option<usize>,
        more: &str,
        columns: &[&str],
    ) -> io::Result<()> {
        let count = count.map(|count| format!(" ({count})")).unwrap_or_default();
        writeln!(to, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}{count}</h2>")?;
        writeln!(to, "<p class=\"soft\">{more}</p>\n<table class=\"wide\">\n<thead><tr>")?;
        for name in columns {
            write!(to, "<th scope=\"col\">{name}</th>")?;
        }
        writeln!(to, "</tr></thead>\n<tbody>")
    }

    fn violations(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let count = self.view.violated().count();
        writeln!(to, "<section aria-labelledby=\"all\">\n<h2 id=\"all\">{} ({count})</h2>", words.violations)?;
        if count == 0 {
            return writeln!(to, "<p>{}</p>\n</section>", words.no_violations);
        }
        let states = [State::Fails, State::Warns].map(|state| (state.as_str(), words.state(state)));
        let flags = [("fixable", words.only_fixable)];
        controls(to, self.shared, &SEVERITIES, ("state", words.outcome, &states), &flags)?;
        writeln!(to, "<table class=\"wide\" id=\"findings\">\n<thead><tr>")?;
        for (key, name) in [
            ("severity", self.shared.severity),
            ("policy", words.what),
            ("subject", words.subject),
            ("place", self.shared.found_in),
            ("state", words.outcome),
        ] {
            let number = if key == "severity" { " data-number" } else { "" };
            write!(to, "<th scope=\"col\" data-key=\"{key}\"{number}>{name}</th>")?;
        }
        writeln!(to, "</tr></thead>\n<tbody>")?;
        for row in self.view.violated() {
            self.violation(row, to)?;
        }
        writeln!(to, "</tbody>\n</table>\n</section>")
    }

    fn violation(&self, row: &Row<'_>, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let Row { policy, subject, state, .. } = row;
        let violations = row.violations();
        let fixable = if violations.iter().any(|it| it.fix.is_some()) { " data-fixable=\"1\"" } else { "" };
        let rank = rank(policy.severity);
        let place = check::place(subject);
        let title = self.named(subject);
        writeln!(
            to,
            "<tr data-severity=\"{}\" data-policy=\"{}\" data-subject=\"{}\" data-place=\"{}\" data-state=\"{}\"{fixable}>",
            rank as usize,
            Escaped(&view::line(&view::cut(&policy.id, 200))),
            Escaped(&title),
            Escaped(&place),
            state.as_str(),
        )?;
        let mut what = named(policy);
        for violation in violations.iter().take(VIOLATIONS) {
            what.push_str(&self.wrong(violation));
        }
        if violations.len() > VIOLATIONS {
            let _ = write!(what, "<p>{}</p>", fill(self.shared.more, violations.len() - VIOLATIONS));
        }
        let alarm = if *state == State::Fails { "alarm" } else { "quiet" };
        let tag = format!("<span class=\"tag {alarm}\">{}</span>", words.state(*state));
        let digest = subject.digest.map(|digest| format!("<br><span class=\"mono soft\">{digest}</span>"));
        let titled = format!("{}{}", Escaped(&title), digest.unwrap_or_default());
        let columns = [self.shared.severity, words.what, words.subject, self.shared.found_in, words.outcome];
        let place = format!("<span class=\"mono\">{}</span>", Escaped(&place));
        let cells = [severity(rank, self.shared), what, titled, place, tag];
        for (name, html) in columns.iter().zip(cells) {
            write!(to, "<td data-label=\"{name}\"><div>{html}</div></td>")?;
        }
        writeln!(to, "</tr>")
    }

    /// What is wrong, where, and what to change.
    fn wrong(&self, violation: &Violation) -> String {
        let words = self.words;
        let mut html = format!("<p>{}", Escaped(&check::message(violation)));
        let at = check::at(violation);
        if !at.is_empty() {
            let (name, at) = (words.at, Escaped(&at));
            let _ = write!(html, "<br><span class=\"soft\">{name}</span> <span class=\"mono\">{at}</span>");
        }
        if let Some(fix) = &violation.fix {
            let _ = write!(
                html,
                "<br><span class=\"soft\">{}</span> {}",
                words.fix,
                Escaped(&view::line(&view::cut(&fix.text, 500)))
            );
        }
        html.push_str("</p>");
        let patch = violation.fix.as_ref().filter(|fix| !fix.patch.is_empty()).map(|fix| &fix.patch);
        if let Some(patch) = patch.and_then(|patch| serde_json::to_string(patch).ok()) {
            let _ = write!(
                html,
                "<details><summary>{}</summary><p class=\"text mono\">{}</p></details>",
                words.patch,
                Escaped(&view::line(&view::cut(&patch, LONGEST)))
            );
        }
        html
    }

    /// What there is to know of a policy beside what to do.
    fn details(&self, policy: &CheckPolicy) -> String {
        let words = self.words;
        let mut html = String::new();
        for (name, value) in [
            (words.looks_for, policy.description.as_str()),
            (words.language, policy.language.as_str()),
            (self.shared.found_in, policy.file.as_deref().unwrap_or_default()),
            (words.controls, &policy.controls.join(", ")),
        ] {
            let value = view::line(&view::cut(value, LONGEST));
            if !value.is_empty() {
                let _ = write!(html, "<dt>{name}</dt><dd>{}</dd>", Escaped(&value));
            }
        }
        format!("<details><summary>{}</summary><dl>{html}</dl></details>", words.details)
    }

    fn not_known(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let rows: Vec<&Row<'_>> = self.view.of(&[State::Unknown]).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let columns = [words.policy, words.subject, self.shared.why];
        Self::begin(to, "unknown", words.not_known, Some(rows.len()), words.not_known_more, &columns)?;
        for row in rows {
            table_row(to, &columns, &[named(row.policy), self.at(row.subject), text(&row.reasons())])?;
        }
        writeln!(to, "</tbody>\n</table>\n</section>")
    }

    fn excepted(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let rows: Vec<_> =
            self.view.of(&[State::Excepted]).filter_map(|row| Some((row, row.result.excluded.as_ref()?))).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let columns = [words.policy, words.subject, words.what, self.shared.why, words.until];
        Self::begin(to, "hidden", words.excepted, Some(rows.len()), words.excepted_more, &columns)?;
        for (row, excluded) in rows {
            let what = if row.is_violated() {
                let messages: Vec<String> = row.violations().iter().take(5).map(check::message).collect();
                messages.join("; ")
            } else {
                row.reasons()
            };
            let until = excluded.until.map_or_else(|| "–".to_owned(), view::moment);
            let cells = [named(row.policy), self.at(row.subject), text(&what), text(&excluded.reason), text(&until)];
            table_row(to, &columns, &cells)?;
        }
        writeln!(to, "</tbody>\n</table>\n</section>")
    }

    fn not_evaluated(&self, to: &mut impl Write) -> io::Result<()> {
        let words = self.words;
        let policies = self.view.by_policy(&[State::NotEvaluated]);
        if policies.is_empty() {
            return Ok(());
        }
        let columns = [words.policy, words.subjects, self.shared.why];
        let title = words.not_evaluated;
        Self::begin(to, "left", title, Some(policies.len()), words.not_evaluated_more, &columns)?;
        for (policy, rows) in &policies {
            let why = rows.first().map(Row::reasons).unwrap_or_default();
            table_row(to, &columns, &[named(policy), rows.len().to_string(), text(&view::cut(&why, 500))])?;
        }
        writeln!(to, "</tbody>\n</table>")?;
        if check::to_ask_for(&self.view).is_some() {
            writeln!(to, "<p>{}</p>", words.images)?;
        }
        writeln!(to, "</section>")
    }

    fn notes(&self, to: &mut impl Write) -> io::Result<()> {
        let notes: Vec<_> = self.view.told().into_iter().filter(|told| told.level == Level::Note).collect();
        if notes.is_empty() {
            return Ok(());
        }
        writeln!(to, "<section aria-labelledby=\"notes\">\n<h2 id=\"notes\">{}</h2>", self.shared.notes)?;
        self.list(to, notes.iter().map(|told| format!("{} {}", told.code.as_str(), told.text)))?;
        writeln!(to, "</section>")
    }
}

/// Those that policies have, in growing order.
const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// A row whose first cell names it.
fn table_row(to: &mut impl Write, columns: &[&str], cells: &[String]) -> io::Result<()> {
    write!(to, "<tr>")?;
    for (index, (name, html)) in columns.iter().zip(cells).enumerate() {
        let (open, close) = if index == 0 { ("th scope=\"row\"", "th") } else { ("td", "td") };
        write!(to, "<{open} data-label=\"{name}\"><div>{html}</div></{close}>")?;
    }
    writeln!(to, "</tr>")
}

/// The policy's name, and what it is known by.
fn named(policy: &CheckPolicy) -> String {
    let (id, name) = (view::line(&view::cut(&policy.id, 200)), view::line(&view::cut(&policy.name, 300)));
    if name.is_empty() || name == id {
        return format!("<strong>{}</strong>", Escaped(&id));
    }
    format!("<strong>{}</strong> <span class=\"mono soft\">{}</span>", Escaped(&name), Escaped(&id))
}

fn text(text: &str) -> String {
    match view::line(&view::cut(text, LONGEST)) {
        text if text.is_empty() => "–".to_owned(),
        text => Escaped(&text).to_string(),
    }
}
