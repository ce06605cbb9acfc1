//! A check report as every form looks at it: its rows, the worst first, what is missing, and the texts of strangers made
//! safe to show.

mod read;
mod table;

pub use read::read_check;
pub use table::check_table;

use crate::view::{self, Told, line, moment, plural};
use sekisho_base::hash;
use sekisho_model::{
    CheckExclusion, CheckPolicy, CheckReport, CheckResult, CheckSubject, Code, Level, PolicyOutcome, PolicySeverity,
    Severity, SubjectKind, Verdict, Violation,
};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

/// What becomes of a result, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// Violated, which fails the check.
    Fails,
    /// Violated, which fails nothing.
    Warns,
    /// Not known.
    Unknown,
    /// Whatever it is, something is excepted.
    Excepted,
    /// Nobody asked for what it would need.
    NotEvaluated,
}

impl State {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Warns => "warns",
            Self::Unknown => "unknown",
            Self::Excepted => "excepted",
            Self::NotEvaluated => "not_evaluated",
        }
    }
}

/// Whether a report tells all that was to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Whole,
    /// Something could not be read or judged.
    Incomplete,
    /// No policy was asked about anything.
    Empty,
}

impl Standing {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "checked",
            Self::Incomplete => "incomplete",
            Self::Empty => "nothing_checked",
        }
    }

    /// What it means for whoever reads the violations; nothing where the report is whole.
    pub(crate) fn warning(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Incomplete => "the result is incomplete: violations may be missing",
            Self::Empty => "nothing was checked: no policy was asked about anything",
        }
    }
}

/// A result with what it is of.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) result: &'a CheckResult,
    pub(crate) policy: &'a CheckPolicy,
    pub(crate) subject: &'a CheckSubject,
    pub(crate) state: State,
}

impl<'a> Row<'a> {
    /// What is wrong; where the policy names nothing, that it is violated.
    pub(crate) fn violations(&self) -> Cow<'a, [Violation]> {
        if self.result.violations.is_empty() {
            let message = format!("{} is violated", self.policy.name);
            return vec![Violation { message: message.into(), ..Violation::default() }].into();
        }
        Cow::Borrowed(&self.result.violations)
    }

    /// Whether something is wrong, whether or not it counts.
    pub(crate) fn is_violated(&self) -> bool {
        self.result.outcome == PolicyOutcome::Violated
    }

    /// Why it is not known, or what nobody asked for, on one line.
    pub(crate) fn reasons(&self) -> String {
        let reasons: Vec<String> = self.result.reasons.iter().map(|reason| line(reason)).collect();
        if reasons.is_empty() { "no reason is given".to_owned() } else { reasons.join("; ") }
    }
}

/// A check report with what forms ask of it more than once.
pub(crate) struct CheckView<'a> {
    pub(crate) report: &'a CheckReport,
    /// What does not pass, the worst first.
    pub(crate) rows: Vec<Row<'a>>,
    /// Results that are of no policy or no subject.
    lost: usize,
}

impl<'a> CheckView<'a> {
    pub(crate) fn new(report: &'a CheckReport) -> Self {
        let mut lost = 0;
        let mut rows = Vec::with_capacity(report.results.len());
        for result in &report.results {
            let (Some(policy), Some(subject)) =
                (report.policies.get(result.policy), report.subjects.get(result.subject))
            else {
                lost += 1;
                continue;
            };
            let state = match result.outcome {
                PolicyOutcome::Passed => continue,
                _ if result.excluded.is_some() => State::Excepted,
                PolicyOutcome::Violated if report.is_failure(result) => State::Fails,
                PolicyOutcome::Violated => State::Warns,
                PolicyOutcome::Unknown => State::Unknown,
                PolicyOutcome::NotEvaluated => State::NotEvaluated,
            };
            rows.push(Row { result, policy, subject, state });
        }
        // Those that are equal stay in their order: they are of one list.
        rows.sort_unstable_by_key(|row| {
            let Row { result, policy, state, .. } = row;
            (*state, Reverse(policy.severity), result.subject, result.policy, std::ptr::from_ref(*result))
        });
        Self { report, rows, lost }
    }

    /// The rows in one of these states.
    pub(crate) fn of(&self, states: &'static [State]) -> impl Iterator<Item = &Row<'a>> + Clone {
        self.rows.iter().filter(move |row| states.contains(&row.state))
    }

    /// What is violated and counts.
    pub(crate) fn violated(&self) -> impl Iterator<Item = &Row<'a>> + Clone {
        self.of(&[State::Fails, State::Warns])
    }

    pub(crate) fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    pub(crate) fn standing(&self) -> Standing {
        let report = self.report;
        let unread = report.diagnostics.iter().any(|told| told.level == Level::Incomplete);
        if unread || self.lost > 0 || self.count(State::Unknown) > 0 || !report.gate.unknown.is_empty() {
            Standing::Incomplete
        } else if report.policies.is_empty() || report.subjects.is_empty() {
            Standing::Empty
        } else {
            Standing::Whole
        }
    }

    /// What was not read, then the notes.
    pub(crate) fn told(&self) -> Vec<Told<'a>> {
        let mut told: Vec<Told<'a>> = Vec::new();
        if self.lost > 0 {
            let text = format!("{} of policies or subjects that the report does not describe", results(self.lost));
            told.push(Told::incomplete(Code::ReportRecordMalformed, text));
        }
        told.extend(self.report.diagnostics.iter().map(Told::of));
        told.sort_by_key(|told| told.level);
        told
    }

    /// What was not read.
    pub(crate) fn unread(&self) -> impl Iterator<Item = Told<'a>> {
        self.told().into_iter().filter(|told| told.level == Level::Incomplete)
    }

    /// The one file or image that was checked, where it is one.
    pub(crate) fn only_target(&self) -> Option<String> {
        let names = self.names();
        names.first().filter(|only| names.len() == 1 && !only.is_empty()).map(|only| line(&view::cut(only, 300)))
    }

    /// The files and images that were checked.
    fn names(&self) -> BTreeSet<&'a str> {
        let name = |subject: &'a CheckSubject| match subject.kind {
            SubjectKind::Image => &subject.title,
            SubjectKind::Workload | SubjectKind::Object => &subject.file,
        };
        self.report.subjects.iter().map(|subject| name(subject).as_str()).collect()
    }

    /// What was checked, in words: its file or image, or how many there are.
    pub(crate) fn target(&self) -> String {
        let subjects = &self.report.subjects;
        if subjects.is_empty() {
            return "nothing".to_owned();
        }
        self.only_target().unwrap_or_else(|| {
            let is_image = |subject: &CheckSubject| subject.kind == SubjectKind::Image;
            match self.names().len() {
                _ if subjects.iter().all(is_image) => plural(subjects.len(), "image"),
                1 => plural(subjects.len(), "object"),
                files => format!("{} in {}", plural(subjects.len(), "object"), plural(files, "file")),
            }
        })
    }

    /// How many rows count as violated of each severity, at the place of [`Severity::ALL`].
    pub(crate) fn counts(&self) -> [usize; 6] {
        view::count(self.violated().map(|row| rank(row.policy.severity)))
    }

    /// The policies that are violated, the worst first, each with its rows.
    pub(crate) fn by_policy(&self, states: &'static [State]) -> Vec<(&'a CheckPolicy, Vec<Row<'a>>)> {
        grouped(self.of(states), |row| row.result.policy).into_iter().map(|rows| (rows[0].policy, rows)).collect()
    }

    /// The subjects of which there is something in one of these states, the worst first, each with its rows.
    pub(crate) fn by_subject(&self, states: &'static [State]) -> Vec<(&'a CheckSubject, Vec<Row<'a>>)> {
        grouped(self.of(states), |row| row.result.subject).into_iter().map(|rows| (rows[0].subject, rows)).collect()
    }

    /// Every thing that is wrong and counts, with what it is known by from one check to the next: 32 digits that do not
    /// depend on lines.
    pub(crate) fn problems(&self, states: &'static [State]) -> Vec<(Row<'a>, Violation, String)> {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut problems = Vec::new();
        for row in self.of(states).filter(|row| row.is_violated()) {
            for violation in row.violations().into_owned() {
                let (policy, subject) = (row.policy, row.subject);
                // The message says what is wrong now, the path where: one is enough, and the path changes less.
                let what = if violation.path.is_empty() { &violation.message } else { &violation.path };
                let mut id = fingerprint(&[
                    &policy.id,
                    &subject.file,
                    &subject.api_version,
                    &subject.namespace,
                    &subject.title,
                    &violation.criterion,
                    violation.container.as_deref().unwrap_or_default(),
                    what,
                ]);
                let times = seen.entry(id.clone()).or_default();
                *times += 1;
                if *times > 1 {
                    id = fingerprint(&[&id, &times.to_string()]);
                }
                problems.push((*row, violation, id));
            }
        }
        problems
    }
}

/// 32 digits that stand for these texts.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let digest = hash::sha256(parts.join("\0").as_bytes());
    digest.iter().take(16).fold(String::with_capacity(32), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Rows of one key together, in the order in which the keys first come.
fn grouped<'r, 'a: 'r>(rows: impl Iterator<Item = &'r Row<'a>>, key: impl Fn(&Row<'a>) -> usize) -> Vec<Vec<Row<'a>>> {
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut groups: Vec<Vec<Row<'a>>> = Vec::new();
    for row in rows {
        let place = *places.entry(key(row)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(*row);
    }
    groups
}

/// The severity of findings that is as bad.
pub(crate) fn rank(severity: PolicySeverity) -> Severity {
    match severity {
        PolicySeverity::Low => Severity::Low,
        PolicySeverity::Medium => Severity::Medium,
        PolicySeverity::High => Severity::High,
        PolicySeverity::Critical => Severity::Critical,
    }
}

fn results(count: usize) -> String {
    if count == 1 { "1 result is".to_owned() } else { format!("{count} results are") }
}

/// `k8s/web.yaml:12`; empty for what is in no file.
pub(crate) fn place(subject: &CheckSubject) -> String {
    match (subject.file.is_empty(), subject.line) {
        (true, _) => String::new(),
        (false, 0) => line(&subject.file),
        (false, number) => format!("{}:{number}", line(&subject.file)),
    }
}

/// Where in the subject a violation is: `31:13 spec.replicas`; empty where nobody says.
pub(crate) fn at(violation: &Violation) -> String {
    let position = match (violation.line, violation.column) {
        (0, _) => String::new(),
        (line, 0) => line.to_string(),
        (line, column) => format!("{line}:{column}"),
    };
    format!("{position} {}", line(&view::cut(&violation.path, 500))).trim().to_owned()
}

/// `k8s/web.yaml:31:13`, or the place of the subject where the violation has none; empty for what is in no file.
pub(crate) fn exact_place(subject: &CheckSubject, violation: &Violation) -> String {
    match (violation.line, violation.column) {
        _ if subject.file.is_empty() => String::new(),
        (0, _) => place(subject),
        (number, 0) => format!("{}:{number}", line(&subject.file)),
        (number, column) => format!("{}:{number}:{column}", line(&subject.file)),
    }
}

/// `privileged-container: Container is privileged`, or what it is known by alone, which policies of others often are.
pub(crate) fn titled(policy: &CheckPolicy) -> String {
    let (id, name) = (line(&view::cut(&policy.id, 300)), line(&view::cut(&policy.name, 300)));
    match (id.is_empty(), name.is_empty() || name == id) {
        (true, true) => "unnamed".to_owned(),
        (true, false) => name,
        (false, true) => id,
        (false, false) => format!("{id}: {name}"),
    }
}

/// `Deployment/web`, or the image.
pub(crate) fn title(subject: &CheckSubject) -> String {
    if subject.title.is_empty() { "unnamed".to_owned() } else { line(&view::cut(&subject.title, 300)) }
}

/// `Deployment/web in namespace shop`, or the image.
pub(crate) fn named(subject: &CheckSubject) -> String {
    let title = title(subject);
    if subject.namespace.is_empty() {
        title
    } else {
        format!("{title} in namespace {}", line(&view::cut(&subject.namespace, 100)))
    }
}

/// What is wrong, on one line of bounded length.
pub(crate) fn message(violation: &Violation) -> String {
    const LONGEST: usize = 1500;
    line(&view::cut(&violation.message, LONGEST))
}

/// `excepted: parts of the cluster itself, until 2027-01-01T00:00:00Z`
pub(crate) fn exclusion(excluded: &CheckExclusion) -> String {
    let mut text = match line(&view::cut(&excluded.reason, 500)) {
        reason if reason.is_empty() => "excepted without a reason".to_owned(),
        reason => format!("excepted: {reason}"),
    };
    if let Some(until) = excluded.until {
        let _ = write!(text, ", until {}", moment(until));
    }
    text
}

/// Whether something was not evaluated since nobody looked at an image.
fn is_for_want_of_a_look(reason: &str) -> bool {
    ["nobody looked", "was not looked at"].iter().any(|end| reason.ends_with(end))
}

/// What one can ask for, so that what was not evaluated would be; nothing where no argument helps.
pub(crate) fn to_ask_for(view: &CheckView<'_>) -> Option<&'static str> {
    let about_images = |row: &Row<'_>| {
        row.subject.kind != SubjectKind::Image && row.result.reasons.iter().any(|reason| is_for_want_of_a_look(reason))
    };
    let any = view.of(&[State::NotEvaluated]).any(about_images);
    any.then_some("give --images to have the images looked at that the manifests name")
}

/// Why something was not evaluated that no look at an image would change, and which policies.
pub(crate) fn not_to_be_had<'v>(view: &'v CheckView<'_>) -> BTreeMap<&'v str, BTreeSet<&'v str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in view.of(&[State::NotEvaluated]) {
        let id = if row.policy.id.is_empty() { &row.policy.name } else { &row.policy.id };
        for reason in row.result.reasons.iter().filter(|reason| !is_for_want_of_a_look(reason)) {
            found.entry(reason).or_default().insert(id);
        }
    }
    found
}

/// `7 violations of 4 policies by 3 of 6 subjects: 1 critical, 6 high; 2 excepted; 1 unknown; 9 not evaluated`.
pub fn check_in_a_line(report: &CheckReport) -> String {
    let view = CheckView::new(report);
    let rows: Vec<&Row<'_>> = view.violated().collect();
    let policies: BTreeSet<usize> = rows.iter().map(|row| row.result.policy).collect();
    let subjects: BTreeSet<usize> = rows.iter().map(|row| row.result.subject).collect();
    let mut text = match (rows.len(), view.standing()) {
        (0, Standing::Empty) => Standing::Empty.warning().to_owned(),
        (0, Standing::Incomplete) => "no policy is known to be violated, and not all is known".to_owned(),
        (0, Standing::Whole) => "no policy is violated".to_owned(),
        (count, _) => format!(
            "{} of {} by {} of {}: {}",
            plural(count, "violation"),
            plural(policies.len(), "policy"),
            subjects.len(),
            plural(report.subjects.len(), "subject"),
            view::counted(view.counts()),
        ),
    };
    for state in [State::Excepted, State::Unknown, State::NotEvaluated] {
        let count = view.count(state);
        if count > 0 {
            let _ = write!(text, "; {count} {}", state.as_str().replace('_', " "));
        }
    }
    text
}

/// What the gate says, with what it asks and why, in plain lines.
pub fn check_gate_lines(report: &CheckReport) -> Vec<String> {
    let gate = &report.gate;
    let unknown = || gate.unknown.iter().map(|why| line(why));
    match gate.verdict {
        Verdict::Passed if gate.warn_only => vec!["gate passed: nothing fails, as violations only warn".to_owned()],
        Verdict::Passed => vec![format!("gate passed: no violation {}", asked(report, false))],
        Verdict::Refused => {
            let count = CheckView::new(report).count(State::Fails);
            std::iter::once(format!("gate refused: {} {}", plural(count, "violation"), asked(report, count > 1)))
                .chain(unknown().map(|why| format!("gate: moreover, not known: {why}")))
                .collect()
        }
        Verdict::Unknown => unknown().map(|why| format!("gate unknown: {why}")).collect(),
    }
}

/// `of an enforced policy, or that is high or worse`
fn asked(report: &CheckReport, several: bool) -> String {
    let of = if several { "of enforced policies" } else { "of an enforced policy" };
    let be = if several { "are" } else { "is" };
    match report.gate.fail_on {
        None => of.to_owned(),
        Some(PolicySeverity::Low) => format!("{of}, or of any other"),
        Some(PolicySeverity::Critical) => format!("{of}, or that {be} critical"),
        Some(least) => format!("{of}, or that {be} {} or worse", least.as_str()),
    }
}
