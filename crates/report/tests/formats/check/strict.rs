//! What each form promises whoever reads it.

use super::{CHECK_FORMATS, check_format, example, reports, write, written};
use crate::strict::{Cases, cases, made_of_our_elements, outside_of_code_spans, sarif, schema};
use boon::{SchemaIndex, Schemas};
use sekisho_base::Limits;
use sekisho_model::{CheckReport, Code, Level, PolicyOutcome, Verdict};
use sekisho_report::foreign::ForeignError;
use sekisho_report::{Language, read_check};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn document(name: &str, report: &CheckReport) -> Value {
    serde_json::from_str(&written(name, report)).unwrap()
}

fn valid(name: &str, (schemas, index): &(Schemas, SchemaIndex)) {
    let mut all: Vec<(&str, CheckReport)> = reports().into();
    let mut bare = example::refused();
    bare.tool.version.clear();
    bare.observed_at = "0001-01-01T00:00:00Z".parse().unwrap();
    for policy in &mut bare.policies {
        (policy.id, policy.name) = Default::default();
        policy.controls = vec!["a".into(), "a".into(), "low".into()];
    }
    for subject in &mut bare.subjects {
        (subject.title, subject.file, subject.namespace, subject.line) = Default::default();
    }
    all.push(("bare", bare));
    for (report, value) in all {
        let verdict = schemas.validate(&document(name, &value), *index).map_err(|error| format!("{error:#}"));
        assert_eq!(verdict, Ok(()), "{name} of {report}");
    }
}

/// Documents may grow, so the schema lets properties pass that it does not know; a test must not.
fn close(schema: &mut Value) {
    if let Value::Object(fields) = schema {
        if fields.get("type") == Some(&json!("object")) && fields.contains_key("properties") {
            fields.insert("additionalProperties".into(), json!(false));
        }
        fields.values_mut().for_each(close);
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(close);
    }
}

#[test]
fn json_is_what_the_published_schema_says() {
    let published = include_str!("../../../../../docs/schemas/sekisho.check.v1.json");
    let mut document: Value = serde_json::from_str(published).unwrap();
    close(&mut document);
    let address = document["$id"].as_str().unwrap().to_owned();
    let compiled = schema(&address, &[(&address, &document.to_string())]);
    valid("json", &compiled);
    let mut other = serde_json::to_value(example::refused()).unwrap();
    other["results"][0]["violations"][0]["fix"]["patches"] = json!([]);
    assert!(compiled.0.validate(&other, compiled.1).is_err(), "a field that is not published");
}

#[test]
fn json_comes_back_as_it_was() {
    for (_, report) in reports() {
        let text = written("json", &report);
        assert_eq!(read_check(text.as_bytes(), "check.json", &Limits::default()).unwrap(), report);
    }
}

#[test]
fn what_is_no_check_report_is_not_read() {
    let limits = Limits::default();
    let error = |text: &str| read_check(text.as_bytes(), "check.json", &limits).unwrap_err().code();
    assert_eq!(error("{"), Code::ReportUnknown);
    assert_eq!(error(r#"{"schema": "sekisho.scan/v1"}"#), Code::ReportUnknown);
    assert_eq!(error(r#"{"schema": "sekisho.check/v1"}"#), Code::ReportMalformed);
    let small = Limits { text_file_bytes: 10, ..Limits::default() };
    let text = written("json", &example::clean());
    assert!(matches!(read_check(text.as_bytes(), "check.json", &small), Err(ForeignError::TooLarge(_))));
}

#[test]
fn a_damaged_report_does_not_pass() {
    let mut report = example::clean();
    report.results = example::refused().results;
    report.subjects.truncate(4);
    let text = written("json", &report);
    let read = |limits: &Limits| read_check(text.as_bytes(), "check.json", limits).unwrap();
    let damaged = read(&Limits::default());
    assert_eq!(damaged.results.len(), 10, "three are of subjects that are not there");
    assert_eq!(damaged.gate.verdict, Verdict::Unknown);
    assert_eq!(
        (damaged.diagnostics[0].level, damaged.diagnostics[0].code),
        (Level::Incomplete, Code::ReportRecordMalformed)
    );
    let few = read(&Limits { records: 5, ..Limits::default() });
    assert!(few.results.len() <= 5 && few.gate.verdict == Verdict::Unknown);
    assert_eq!(few.diagnostics[0].code, Code::LimitExceeded);
}

#[test]
fn sarif_is_valid() {
    valid("sarif", &sarif());
}

#[test]
fn sarif_has_places_rules_and_suppressions() {
    let report = example::refused();
    let run = &document("sarif", &report)["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), report.policies.len(), "one for each policy that was asked");
    let results = run["results"].as_array().unwrap();
    let mut prints = BTreeSet::new();
    for result in results {
        assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
        assert!(result["suppressions"].is_array(), "3.27.23");
        assert!(result.get("fixes").is_none(), "no region of the text is known");
        assert!(prints.insert(result["partialFingerprints"]["sekishoViolationId/v1"].as_str().unwrap()));
        let location = &result["locations"][0]["physicalLocation"];
        let uri = location["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with("./") && !uri.contains(['<', ' ', '\u{202e}']), "{uri}");
        assert_eq!(uri.starts_with("file:///"), location["artifactLocation"].get("uriBaseId").is_none(), "{uri}");
    }
    let of = |rule: &str| results.iter().filter(|result| result["ruleId"] == rule).collect::<Vec<_>>();
    let first = of("privileged-container")[0];
    assert_eq!(
        first["locations"][0]["physicalLocation"],
        json!({
            "artifactLocation": {"uri": "k8s/web.yaml", "uriBaseId": "ROOT"},
            "region": {"startLine": 31, "startColumn": 13},
        })
    );
    assert_eq!(first["level"], "error");
    assert_eq!(first["properties"]["failsCheck"], true);
    assert_eq!(first["properties"]["patch"][0]["path"], "/spec/template/spec/containers/0/securityContext/privileged");
    assert_eq!(of("replica-limit")[0]["properties"]["failsCheck"], false);
    // One that says no line is at the line of its object.
    assert_eq!(
        of("K8sRequiredLabels/must-have-owner")[2]["locations"][0]["physicalLocation"]["region"],
        json!({"startLine": 71})
    );
    let suppressed = results.iter().filter(|result| !result["suppressions"].as_array().unwrap().is_empty()).count();
    assert_eq!(suppressed, 2);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], true, "nobody asked for more");
    let notices = invocation["toolExecutionNotifications"].as_array().unwrap();
    assert!(
        notices.iter().any(|notice| notice["associatedRule"]["id"] == "fixable-critical" && notice["level"] == "note")
    );
    let invocation = &document("sarif", &example::unknown())["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let unknown = invocation["toolExecutionNotifications"].as_array().unwrap().iter();
    assert_eq!(
        unknown
            .filter(|notice| notice["associatedRule"]["id"] == "image-from-registry" && notice["level"] == "error")
            .count(),
        1
    );
}

/// Lines move with every change above them; what is known of a violation does not.
#[test]
fn fingerprints_do_not_depend_on_lines() {
    let prints = |report: &CheckReport| -> Vec<String> {
        let entries = document("gitlab", report);
        entries.as_array().unwrap().iter().map(|entry| entry["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let before = prints(&example::refused());
    let mut moved = example::refused();
    for subject in &mut moved.subjects {
        subject.line += 10;
    }
    for violation in moved.results.iter_mut().flat_map(|result| &mut result.violations) {
        violation.line += 10;
    }
    assert_eq!(prints(&moved), before);
    moved.subjects[0].title = "Deployment/other".into();
    assert_ne!(prints(&moved), before);
}

#[test]
fn junit_fails_what_fails_the_check() {
    let count = |report: &CheckReport| cases(&written("junit", report));
    // The first case, 13 results, and the one of the subject of which nothing is said.
    assert_eq!(count(&example::refused()), Cases { tests: 15, failures: 5, errors: 0, skipped: 8 });
    assert_eq!(count(&example::warned()), Cases { tests: 15, failures: 0, errors: 0, skipped: 13 });
    assert_eq!(count(&example::clean()), Cases { tests: 8, failures: 0, errors: 0, skipped: 0 });
    assert_eq!(count(&example::empty()), Cases { tests: 1, failures: 0, errors: 0, skipped: 1 });
    let mut unknown = example::unknown();
    // Two errors: what was not read, and the policy that is not known; of subjects 2, 3 and 6 nothing is said.
    assert_eq!(count(&unknown), Cases { tests: 9, failures: 0, errors: 2, skipped: 4 });
    unknown.gate.allow_incomplete = true;
    assert_eq!(count(&unknown), Cases { tests: 9, failures: 0, errors: 0, skipped: 6 });
}

/// The fields that GitLab asks for, and what it takes.
#[test]
fn gitlab_has_what_code_quality_asks_for() {
    for (name, report) in reports() {
        let entries = document("gitlab", &report);
        let mut prints = BTreeSet::new();
        for entry in entries.as_array().unwrap() {
            assert!(prints.insert(entry["fingerprint"].as_str().unwrap().to_owned()), "{entry} twice");
            for field in ["description", "check_name"] {
                assert!(!entry[field].as_str().unwrap().is_empty(), "{entry}");
            }
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&entry["severity"].as_str().unwrap()));
            let path = entry["location"]["path"].as_str().unwrap();
            assert!(!path.is_empty() && !path.starts_with("./"), "{entry}");
            assert!(entry["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        }
        let count = entries.as_array().unwrap().len();
        // Two of the first result, two of the second, and one of each further that is violated and not excepted.
        let expect = match name {
            "refused" | "warned" => 10,
            "clean" => 0,
            "empty" => 1,
            // The warning, the file, the one that is not known, and three that warn.
            _ => 6,
        };
        assert_eq!(count, expect, "{name}");
    }
}

#[test]
fn policy_report_is_valid() {
    let address = "urn:test:policy-report";
    valid("policy-report", &schema(address, &[(address, include_str!("../../data/policy-report/v1alpha2.json"))]));
}

#[test]
fn policy_report_counts_by_namespace() {
    let list = document("policy-report", &example::refused());
    let of = |namespace: &str| {
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .find(|item| item["metadata"]["namespace"].as_str().unwrap_or_default() == namespace)
            .unwrap()
            .clone()
    };
    assert_eq!(of("shop")["summary"], json!({"pass": 11, "fail": 3, "warn": 2, "error": 0, "skip": 1}));
    assert_eq!(of("kube-system")["summary"], json!({"pass": 2, "fail": 0, "warn": 0, "error": 0, "skip": 3}));
    let cluster = of("");
    assert_eq!((cluster["kind"].as_str(), cluster["summary"]["fail"].as_u64()), (Some("ClusterPolicyReport"), Some(2)));
    let result = &of("shop")["results"][0];
    assert_eq!(result["policy"], "privileged-container");
    assert_eq!(
        (&result["result"], &result["scored"], &result["severity"]),
        (&json!("fail"), &json!(true), &json!("critical"))
    );
    assert_eq!(result["rule"], "Privileged Container");
    assert_eq!(
        result["resources"],
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "shop"}])
    );
    assert_eq!(result["timestamp"], json!({"seconds": 1_795_136_523, "nanos": 500_000_000}));
    assert!(cluster["results"].as_array().unwrap().iter().any(|result| result["resources"][0]["kind"] == "Image"));
    let list = document("policy-report", &example::unknown());
    let items = list["items"].as_array().unwrap().iter();
    assert_eq!(items.map(|item| item["summary"]["error"].as_u64().unwrap()).sum::<u64>(), 2);
}

#[test]
fn policy_report_is_bounded_and_says_what_is_left_out() {
    let mut report = example::large(5_000);
    for subject in &mut report.subjects {
        subject.namespace = "one".into();
    }
    let long = "x\u{202e}".repeat(5_000);
    for result in &mut report.results {
        for violation in &mut result.violations {
            violation.message = long.as_str().into();
        }
    }
    let list = document("policy-report", &report);
    let [item] = list["items"].as_array().unwrap().as_slice() else { panic!("one namespace, one object") };
    assert!(item.to_string().len() < 1_100_000, "{}", item.to_string().len());
    let results = item["results"].as_array().unwrap();
    let summary = &item["summary"];
    let all: u64 = ["fail", "warn", "error", "skip"].iter().map(|name| summary[*name].as_u64().unwrap()).sum();
    assert_eq!(all, 5_013, "the summary has all");
    let last = results.last().unwrap();
    let left = all - (results.len() as u64 - 1);
    assert_eq!(last["message"], format!("{left} more results are left out: the object would be too large"));
    assert_eq!(last["result"], "error");
}

/// Of a CSV document its records, as a reader of RFC 4180 has them.
fn csv(report: &CheckReport) -> Vec<Vec<String>> {
    let text = written("csv", report);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn csv_has_one_record_for_each_violation_and_no_formula() {
    let records = csv(&example::refused());
    assert_eq!(records.len(), 1 + 10 + 2 + 3, "violations, not evaluated, excepted");
    for record in &records {
        assert_eq!(record.len(), records[0].len());
        for cell in record {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
            assert!(!cell.contains(['\n', '\u{1b}', '\u{202e}']), "{cell}");
        }
    }
    let of = |name: &str| records[0].iter().position(|head| head == name).unwrap();
    let first = &records[1];
    assert_eq!((first[of("file")].as_str(), first[of("line")].as_str()), ("./k8s/web.yaml", "31"));
    assert_eq!(csv(&example::empty())[1][0], "nothing_checked");
    assert_eq!(csv(&example::unknown())[1][0], "incomplete");
    assert_eq!(csv(&example::clean()).len(), 1, "nothing to say, nothing missing");
}

/// Outside code spans nothing of a stranger stands in the text, so that what is there is ours.
#[test]
fn markdown_holds_strangers_in_code_spans() {
    for (_, report) in reports() {
        let outside = outside_of_code_spans(&written("markdown", &report));
        for hostile in ["<script", "@admin", "#1", "javascript:", "](", "cmd|", "<b>"] {
            assert!(!outside.contains(hostile), "{hostile} in {outside}");
        }
    }
}

#[test]
fn markdown_fits_a_comment_and_says_what_is_left_out() {
    let text = written("markdown", &example::large(5_000));
    assert!(text.len() < 65_536, "{}", text.len());
    let shown = text.lines().filter(|line| line.starts_with("| critical | `privileged-container` |")).count();
    let left: usize = text.split(" more are left out").next().unwrap().rsplit("**").next().unwrap().parse().unwrap();
    // Of the violations, those of the large subjects and two are of that policy, eight are not, and come last.
    assert_eq!(shown + left, 10_000 + 2 + 8, "what is not shown is counted");
    // The longest of everything.
    let mut report = example::large(500);
    let long = "x|`".repeat(2_000);
    report.tool.name.clone_from(&long);
    report.gate.unknown = vec![long.clone(); 50];
    for policy in &mut report.policies {
        for text in [&mut policy.id, &mut policy.name, &mut policy.remediation] {
            text.clone_from(&long);
        }
    }
    for subject in &mut report.subjects {
        for text in [&mut subject.title, &mut subject.file, &mut subject.namespace] {
            text.clone_from(&long);
        }
    }
    let others = report.results.clone().into_iter().map(|mut result| {
        result.outcome = PolicyOutcome::Unknown;
        result.reasons = vec![long.clone(); 5].into();
        result
    });
    report.results.extend(others.collect::<Vec<_>>());
    for policy in 0..report.policies.len() {
        for (subject, outcome) in [(2, PolicyOutcome::NotEvaluated), (3, PolicyOutcome::Unknown)] {
            let reasons = vec![long.clone(); 5].into();
            let result = sekisho_model::CheckResult {
                policy,
                subject,
                outcome,
                excluded: None,
                violations: Vec::new(),
                reasons,
            };
            report.results.push(result);
        }
    }
    assert!(written("markdown", &report).len() < 65_536);
}

#[test]
fn markdown_s_first_line_is_the_verdict() {
    let first = |report: &CheckReport| written("markdown", report).lines().next().unwrap().to_owned();
    assert_eq!(
        first(&example::refused()),
        "### ❌ Refused: `7 objects in 5 files` has 5 violations that may not pass, 3 violations that only warn"
    );
    assert!(first(&example::unknown()).starts_with("### ⚠️ The gate cannot tell"));
    assert!(first(&example::clean()).starts_with("### ✅ Passed"));
    assert!(first(&example::empty()).contains("Nothing was checked"));
}

#[test]
fn html_is_made_of_our_elements_only() {
    let page = check_format("html").unwrap();
    for (_, report) in reports() {
        for language in Language::ALL {
            made_of_our_elements(&write(page, &report, language));
        }
    }
}

#[test]
fn html_speaks_japanese() {
    let text = write(check_format("html").unwrap(), &example::refused(), Language::Ja);
    for word in ["<html lang=\"ja\">", "ポリシーレポート", "ゲート不合格", "行うこと", "例外とされた違反", "緊急"]
    {
        assert!(text.contains(word), "{word}");
    }
    let text = write(check_format("html").unwrap(), &example::empty(), Language::Ja);
    assert!(text.contains("検査対象なし") && text.contains("role=\"alert\""));
}

/// In every form but the document itself, hostile text is escaped or quoted as the form has it.
#[test]
fn nothing_unseen_is_written_for_people() {
    for format in CHECK_FORMATS.iter().filter(|format| !matches!(format.name, "json" | "sarif" | "gitlab")) {
        let text = write(format, &example::refused(), Language::En);
        assert!(!text.contains(['\u{202e}', '\u{1b}', '\u{0}']), "{}", format.name);
    }
}
