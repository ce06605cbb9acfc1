//! Every form of a check report: its goldens, its standard's own schema where there is one, and that no text of a stranger
//! becomes more than text.

mod example;
mod strict;

use sekisho_model::CheckReport;
use sekisho_report::{
    CHECK_FORMATS, Format, FormatOptions, Language, TableOptions, check_format, check_gate_lines, check_in_a_line,
    check_table,
};
use std::time::{Duration, Instant};

/// The reports of the goldens.
fn reports() -> [(&'static str, CheckReport); 5] {
    [
        ("refused", example::refused()),
        ("unknown", example::unknown()),
        ("warned", example::warned()),
        ("clean", example::clean()),
        ("empty", example::empty()),
    ]
}

fn write(format: &Format<CheckReport>, report: &CheckReport, language: Language) -> String {
    let bytes = format.to_bytes(report, &FormatOptions { language, timestamp: None }).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// What the format of this name writes in English.
fn written(name: &str, report: &CheckReport) -> String {
    write(check_format(name).unwrap(), report, Language::En)
}

fn golden(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("../../data/check/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// `INSTA_UPDATE=always cargo nextest run -p sekisho-report` writes them.
#[test]
fn goldens() {
    for format in CHECK_FORMATS {
        for (name, report) in reports() {
            // The page is the same but for words: one golden in Japanese.
            let languages =
                if format.name == "html" && name == "refused" { &Language::ALL[..] } else { &[Language::En] };
            for language in languages {
                let text = write(format, &report, *language);
                assert_eq!(text, write(format, &report, *language), "the same report gives the same bytes");
                let name = if *language == Language::En { name.to_owned() } else { format!("{name}-ja") };
                golden(format.name, &name, &text);
            }
        }
    }
}

/// Without ANSI styles.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, styled)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = styled.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[test]
fn tables() {
    for (name, report) in reports() {
        golden("table", name, &plain(&check_table(&report, TableOptions { width: None })));
    }
    for width in [40, 80] {
        let text = check_table(&example::refused(), TableOptions { width: Some(width) });
        golden("table", &format!("refused-{width}"), &plain(&text));
    }
    golden(
        "table",
        "refused-colours",
        &check_table(&example::refused(), TableOptions { width: Some(100) }).replace('\u{1b}', "^"),
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_stranger_moves_the_cursor() {
    for (_, report) in reports() {
        for width in [40, 60, 80, 120] {
            let text = plain(&check_table(&report, TableOptions { width: Some(width) }));
            // What was left out is said on one line, as everywhere.
            for line in text.lines().filter(|line| !line.starts_with(" left out")) {
                assert!(line.chars().count() <= usize::from(width), "{width}: {line:?}");
                assert!(!line.contains(|char: char| char.is_control() || char == '\u{202e}'), "{line:?}");
            }
        }
    }
}

#[test]
fn lines_say_what_comes_of_it() {
    let check = |report: &CheckReport, line: &str, gate: &[&str]| {
        assert_eq!(check_in_a_line(report), line);
        assert_eq!(check_gate_lines(report), gate);
    };
    check(
        &example::refused(),
        "8 violations of 6 policies by 5 of 7 subjects: 1 critical, 1 high, 3 medium, 3 low; 3 excepted; 2 not evaluated",
        &["gate refused: 5 violations of enforced policies"],
    );
    check(&example::clean(), "no policy is violated", &["gate passed: no violation of an enforced policy"]);
    check(
        &example::empty(),
        "nothing was checked: no policy was asked about anything",
        &["gate passed: no violation of an enforced policy"],
    );
    let mut report = example::unknown();
    report.results.retain(|result| result.outcome == sekisho_model::PolicyOutcome::Unknown);
    check(
        &report,
        "no policy is known to be violated, and not all is known; 1 excepted; 1 unknown",
        &[
            "gate unknown: ./k8s/broken.yaml: is no YAML: \\u{1b}[31m<b>| at line 3",
            "gate unknown: image-from-registry: Deployment/web: registry.example/shop/web:1.4.2: the registry does not answer",
        ],
    );
    let mut report = example::clean();
    report.gate.fail_on = Some(sekisho_model::PolicySeverity::High);
    assert_eq!(
        check_gate_lines(&report),
        ["gate passed: no violation of an enforced policy, or that is high or worse"]
    );
}

/// Whatever the form: who reads a report of what was not judged must see another than of what is clean.
#[test]
fn what_is_missing_is_never_clean() {
    let forms = |report: &CheckReport| -> Vec<(&str, String)> {
        let mut forms: Vec<_> =
            CHECK_FORMATS.iter().map(|format| (format.name, write(format, report, Language::En))).collect();
        forms.push(("table", plain(&check_table(report, TableOptions::default()))));
        forms
    };
    let mut unread = example::unknown();
    unread.results.clear();
    let mut unknown = example::unknown();
    unknown.diagnostics.clear();
    unknown.gate.unknown.clear();
    unknown
        .results
        .retain(|result| result.outcome == sekisho_model::PolicyOutcome::Unknown && result.excluded.is_none());
    let mut lost = example::clean();
    lost.results = example::refused().results;
    lost.policies.clear();
    let clean = forms(&example::clean());
    for (report, words) in [
        (&unread, &["is no YAML"][..]),
        (&unknown, &["the registry does not answer"]),
        (&example::empty(), &["nothing was checked", "Nothing was checked", "Nothing checked", "\"subjects\": []"]),
        (&lost, &["13 results are of policies", "\"results\": ["]),
    ] {
        for ((name, text), (_, clean)) in forms(report).iter().zip(&clean) {
            assert!(words.iter().any(|word| text.contains(word)), "{name} does not say {words:?}: {text}");
            assert!(
                words.iter().all(|word| *word == "\"results\": [" || !clean.contains(word)),
                "{name} of a clean report"
            );
        }
    }
}

#[test]
fn every_form_carries_every_violation_that_counts() {
    let report = example::refused();
    let table = plain(&check_table(&report, TableOptions::default()));
    let forms = CHECK_FORMATS.iter().map(|format| (format.name, write(format, &report, Language::En)));
    for (name, text) in forms.chain([("table", table)]) {
        for word in [
            "container app: is privileged",
            "container sidecar: is privileged",
            "you must provide labels",
            "seccompProfile (pod or containers",
            "has 9 replicas, and 5 are allowed",
            "has CVE-2024-12797",
        ] {
            assert!(text.contains(word), "{name} does not say {word}");
        }
        for word in ["privileged-container", "replica-limit", "fixable-critical"] {
            assert!(text.contains(word), "{name} does not name {word}");
        }
        // GitLab's has no place for what does not count.
        if name != "gitlab" {
            assert!(text.contains("parts of the cluster itself") && text.contains("2027-01-01T00:00:00Z"), "{name}");
            // The table names these policies, and leaves why to the others.
            let asked_by_nobody = if name == "table" { "Not evaluated (1 policy)" } else { "was not looked at" };
            assert!(text.contains(asked_by_nobody), "{name} does not say what nobody asked for");
        }
    }
}

#[test]
fn names_are_unique_and_told_apart() {
    let mut names: Vec<&str> = CHECK_FORMATS.iter().map(|format| format.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CHECK_FORMATS.len());
    assert!(check_format("policy-report").is_some() && check_format("cyclonedx").is_none());
}

/// Ten times as much takes about ten times as long; forty is what no machine's mood explains.
#[test]
fn time_grows_with_the_report() {
    let (small, large) = (example::large(500), example::large(5_000));
    let table: fn(&CheckReport) = |report| drop(check_table(report, TableOptions { width: Some(80) }));
    let check = |name: &str, write: &dyn Fn(&CheckReport)| {
        let time = |report: &CheckReport| {
            let start = Instant::now();
            write(report);
            start.elapsed()
        };
        let first = (0..3).map(|_| time(&small)).min().unwrap().max(Duration::from_millis(5));
        let second = time(&large);
        assert!(second < first * 40, "{name}: {first:?} for 500 results, {second:?} for 5,000");
    };
    for format in CHECK_FORMATS {
        check(format.name, &|report| drop(format.to_bytes(report, &FormatOptions::default()).unwrap()));
    }
    check("table", &table);
}
