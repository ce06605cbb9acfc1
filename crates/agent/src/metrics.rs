//! What is counted while a host or a log is watched, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). Names and meanings stay as they are.

use crate::host::Seen;
use crate::policies::Policies;
use crate::posted::Turned;
use crate::respond::Responses;
use sekisho_detect::Watch;
use sekisho_detect::inspect::{Coverage, Sight};
use std::fmt::{Display, Write as _};
use std::sync::atomic::Ordering;

/// All that is told of at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// What is judged: `syscall` or `k8s_audit`.
    pub source: &'static str,
    /// The rules, with what they gave.
    pub watch: &'a Watch,
    /// Policies beside them.
    pub policies: &'a Policies,
    /// How much of the host is seen; none for a log.
    pub rung: Option<&'static str>,
    /// What was seen and lost of a host.
    pub seen: Option<&'a Seen>,
    /// What was done about alerts, if anything is to be.
    pub responses: Option<&'a Responses>,
    /// What of each rule works here.
    pub coverage: &'a [Coverage],
    /// What was turned away of a log.
    pub turned: Option<&'a Turned>,
    /// Records of a log that were left out, and those that could not be read.
    pub skipped: (u64, u64),
    /// How many times rules were loaded anew, and how many times that failed.
    pub reloads: (u64, u64),
    /// Whether the files of rules and policies are what is judged by.
    pub current: bool,
}

/// Every metric: its name without `sekisho_detect_`, its kind and its meaning.
pub const METRICS: [(&str, &str, &str); 21] = [
    ("alerts_total", "counter", "Alerts, by rule."),
    (
        "audit_posts_refused_total",
        "counter",
        "Posts of audit events that were not judged, by why: busy ones are sent again.",
    ),
    ("audit_records_skipped_total", "counter", "Records in posts that are no audit events, or cannot be read."),
    ("blind_rules", "gauge", "Rules that ask for what cannot be seen here: wholly blind, or in part."),
    ("containers_unknown", "gauge", "Containers of which something is not known that rules may ask."),
    ("events_dropped_total", "counter", "Events that the kernel had no room for, by type."),
    ("events_filtered_total", "counter", "Events that the kernel held back, since no rule can match them, by type."),
    ("events_lost_total", "counter", "Events that are known to be lost, of any type."),
    ("events_total", "counter", "Events that were judged."),
    ("events_unattributed_total", "counter", "Events of which nobody can say which container they are of."),
    ("forgotten_total", "counter", "What had to be forgotten, since there was too much, by kind."),
    ("gap_seconds", "gauge", "How long nothing was watched before this run, by how the last one ended."),
    (
        "policy_undecided_total",
        "counter",
        "Events of which could not be told whether they violate a policy, by policy.",
    ),
    ("policy_violations_total", "counter", "Violations that were told, by policy."),
    ("reloads_total", "counter", "Times that rules and policies were loaded anew, by what came of it."),
    (
        "response_budget",
        "gauge",
        "What was killed, stopped or paused within the last minute, and how much of that is allowed.",
    ),
    (
        "response_budget_refused_total",
        "counter",
        "What was not killed, stopped or paused, since as much was as is allowed within a minute.",
    ),
    ("responses_total", "counter", "What was done about alerts, or denied, by action and by what came of it."),
    (
        "rules_current",
        "gauge",
        "1 if rules and policies are those of their files, 0 if these are faulty and the old ones go on.",
    ),
    ("rung", "gauge", "1 for how much of the host is seen, in words."),
    ("undecided_total", "counter", "Events of which could not be told whether a rule matches, by rule."),
];

/// Metrics as text.
pub fn text(of: &Snapshot<'_>) -> String {
    let mut to = String::new();
    for (name, kind, help) in METRICS {
        let mut rows: Vec<(Vec<(&str, String)>, u64)> = Vec::new();
        let mut row = |labels: Labels<'_>, value: u64| {
            rows.push((labels.iter().map(|(label, text)| (*label, text.to_string())).collect(), value));
        };
        let rules = &of.watch.engine().rules().rules;
        match name {
            "alerts_total" => {
                for (rule, count) in rules.iter().zip(of.watch.alerts()).filter(|(_, count)| **count > 0) {
                    row(&[("rule", &rule.name), ("priority", &rule.priority), ("source", &rule.source)], *count);
                }
            }
            "audit_posts_refused_total" => {
                if let Some(turned) = of.turned {
                    row(&[("why", &"busy")], turned.busy.load(Ordering::Relaxed));
                    row(&[("why", &"bad")], turned.bad.load(Ordering::Relaxed));
                    row(&[("why", &"connection")], turned.connections.load(Ordering::Relaxed));
                }
            }
            "audit_records_skipped_total" if of.turned.is_some() => {
                row(&[("why", &"foreign")], of.skipped.0);
                row(&[("why", &"unreadable")], of.skipped.1);
            }
            "blind_rules" => {
                for (sight, word) in [(Sight::Blind, "wholly"), (Sight::Partial, "in_part")] {
                    let count = of.coverage.iter().filter(|one| one.sight == sight).count();
                    row(&[("blind", &word)], count as u64);
                }
            }
            "events_total" => row(&[("source", &of.source)], of.watch.events()),
            "policy_undecided_total" | "policy_violations_total" => {
                for one in of.policies.judged().iter().filter(|one| one.is_about(of.source)) {
                    let value = if name == "policy_undecided_total" { one.undecided } else { one.alerts };
                    row(&[("policy", &one.id())], value);
                }
            }
            "reloads_total" => {
                row(&[("outcome", &"done")], of.reloads.0);
                row(&[("outcome", &"failed")], of.reloads.1);
            }
            "response_budget" | "response_budget_refused_total" | "responses_total" => {
                if let Some(responses) = of.responses {
                    of_responses(name, responses, &mut row);
                }
            }
            "rules_current" => row(&[], u64::from(of.current)),
            "rung" => {
                if let Some(rung) = of.rung {
                    row(&[("rung", &rung)], 1);
                }
            }
            "undecided_total" => {
                let unjudged = rules.iter().zip(of.watch.engine().unjudged());
                for (rule, unjudged) in unjudged.filter(|(_, unjudged)| unjudged.events > 0) {
                    row(&[("rule", &rule.name)], unjudged.events);
                }
            }
            _ => {
                if let Some(seen) = of.seen {
                    of_host(name, seen, &mut row);
                }
            }
        }
        if rows.is_empty() {
            continue;
        }
        let name = format!("sekisho_detect_{name}");
        let _ = writeln!(to, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let labels: Vec<String> =
                labels.into_iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(&text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(to, "{name}{labels} {value}");
        }
    }
    to
}

/// Labels of a row.
type Labels<'a> = &'a [(&'static str, &'a dyn Display)];

fn of_host(name: &str, seen: &Seen, row: &mut dyn FnMut(Labels<'_>, u64)) {
    match name {
        "containers_unknown" => row(&[], seen.unknown.len() as u64),
        "events_dropped_total" => {
            for account in seen.accounts.iter().filter(|account| account.offered > 0 || account.dropped > 0) {
                row(&[("type", &account.name)], account.dropped);
            }
        }
        "events_filtered_total" => {
            for account in seen.accounts.iter().filter(|account| account.filtered > 0) {
                row(&[("type", &account.name)], account.filtered);
            }
        }
        "events_lost_total" => row(&[], seen.lost),
        "events_unattributed_total" => row(&[], seen.unattributed),
        "forgotten_total" => {
            let counters = seen.counters;
            for (kind, count) in [
                ("calls", counters.calls_forgotten),
                ("containers", counters.containers_evicted),
                ("files", counters.files_forgotten),
                ("processes", counters.threads_evicted),
                ("users", counters.users_refused),
            ] {
                row(&[("kind", &kind)], count);
            }
        }
        "gap_seconds" => {
            if let Some(gap) = seen.gap
                && let Some(length) = gap.length
            {
                row(&[("ended", &gap.ended.as_str()), ("rebooted", &gap.rebooted)], length.as_secs());
            }
        }
        _ => {}
    }
}

fn of_responses(name: &str, Responses { counts, budget }: &Responses, row: &mut dyn FnMut(Labels<'_>, u64)) {
    match name {
        "response_budget" => {
            row(&[("of", &"allowed")], budget.allowed.into());
            row(&[("of", &"used")], budget.used.into());
        }
        "response_budget_refused_total" => row(&[], budget.refused),
        _ => {
            for ((action, outcome), count) in counts {
                row(&[("action", action), ("outcome", outcome)], *count);
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use sekisho_base::Limits;
    use sekisho_detect::load::{File, Settings, load};
    use sekisho_detect::response::Budget;
    use sekisho_detect::{Engine, Matching, Selection};
    use sekisho_policy::PolicySet;
    use std::sync::Arc;

    #[test]
    fn the_guides_name_every_metric() {
        for guide in
            [include_str!("../../../docs/guide/en/detection.md"), include_str!("../../../docs/guide/ja/detection.md")]
        {
            for (name, kind, _) in METRICS {
                assert!(guide.contains(&format!("| `sekisho_detect_{name}` | {kind} |")), "{name}");
            }
        }
    }

    #[test]
    fn what_is_counted_is_shown_in_the_form_that_is_read() {
        assert!(METRICS.is_sorted());
        let rules = "- rule: A \"quoted\" rule\n  desc: d\n  condition: ka.verb = get\n  output: o\n  priority: INFO\n  \
                     source: k8s_audit\n  enabled: true\n";
        let loaded = load(&[File { name: "r", text: rules }], &Settings::default(), &Limits::default());
        let engine = Engine::new(Arc::new(loaded.rules.unwrap()), &Selection::default(), Matching::All);
        let mut watch = Watch::new(engine, "host");
        let mut policies = PolicySet::default();
        let policy = "policy: gets\nname: Gets\nstages: [runtime]\nevent_source: audit_log\nwhen: {Kubernetes Resource: SECRETS, \
                      Kubernetes API Verb: GET}\n";
        assert_eq!(policies.add(None, policy, &Limits::default()), []);
        let mut policies = Policies::new(policies, None, Timestamp::UNIX_EPOCH);
        let event = r#"{"kind": "Event", "auditID": "1", "stage": "ResponseComplete", "verb": "get", "user": {"username": "a"},
            "objectRef": {"resource": "secrets", "name": "x"}}"#;
        let mut log = sekisho_trace::audit::Reader::new(event.as_bytes(), 1 << 20, &Limits::default()).unwrap();
        assert!(watch.audit(&mut log, &mut policies, &mut |_| std::ops::ControlFlow::Continue(())).is_continue());
        let turned = Turned::default();
        turned.busy.fetch_add(3, Ordering::Relaxed);
        let text = text(&Snapshot {
            source: "k8s_audit",
            watch: &watch,
            policies: &policies,
            rung: None,
            seen: None,
            responses: Some(&Responses {
                counts: [(("kill-process", "done"), 2), (("kill-process", "withheld"), 5)].into(),
                budget: Budget { allowed: 10, used: 2, refused: 4 },
            }),
            coverage: &[],
            turned: Some(&turned),
            skipped: (2, 1),
            reloads: (1, 4),
            current: false,
        });
        for line in [
            r#"sekisho_detect_alerts_total{rule="A \"quoted\" rule",priority="Informational",source="k8s_audit"} 1"#,
            r#"sekisho_detect_policy_violations_total{policy="gets"} 1"#,
            r#"sekisho_detect_policy_undecided_total{policy="gets"} 0"#,
            r#"sekisho_detect_audit_posts_refused_total{why="busy"} 3"#,
            r#"sekisho_detect_audit_records_skipped_total{why="foreign"} 2"#,
            r#"sekisho_detect_reloads_total{outcome="failed"} 4"#,
            r#"sekisho_detect_responses_total{action="kill-process",outcome="withheld"} 5"#,
            r#"sekisho_detect_response_budget{of="allowed"} 10"#,
            r#"sekisho_detect_response_budget{of="used"} 2"#,
            "sekisho_detect_response_budget_refused_total 4",
            "sekisho_detect_rules_current 0",
            r#"sekisho_detect_events_total{source="k8s_audit"} 1"#,
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("dropped"), "what is of hosts is not told of a log: {text}");
    }
}
