//! What each format promises whoever reads it.

use crate::{example, reports, write, written};
use boon::{Compiler, SchemaIndex, Schemas, SchemeUrlLoader};
use quick_xml::Reader;
use quick_xml::events::Event;
use sekisho_model::{ScanReport, Verdict};
use sekisho_report::formats::format;
use sekisho_report::{FORMATS, Language};
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) fn schema(address: &str, documents: &[(&str, &str)]) -> (Schemas, SchemaIndex) {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    // A schema that is not given here is an error: the compiler is left without any way to fetch one.
    compiler.use_loader(Box::new(SchemeUrlLoader::new()));
    for (name, text) in documents {
        compiler.add_resource(name, serde_json::from_str(text).unwrap()).unwrap();
    }
    let mut schemas = Schemas::new();
    let index = compiler.compile(address, &mut schemas).unwrap();
    (schemas, index)
}

fn valid(name: &str, (schemas, index): &(Schemas, SchemaIndex)) {
    let mut all: Vec<(&str, ScanReport)> = reports().into();
    let mut bare = example::scanned();
    bare.inventory.tool.version.clear();
    for vulnerability in &mut bare.assessment.vulnerabilities {
        vulnerability.title.clear();
        vulnerability.description.clear();
        vulnerability.references.push("https://a.example/é ü[1]{2}|#a#b".into());
        vulnerability.published = Some(jiff::Timestamp::MIN);
    }
    for package in &mut bare.inventory.packages {
        package.location.clear();
    }
    all.push(("bare", bare));
    for (report, value) in all {
        let document: Value = serde_json::from_str(&written(name, &value)).unwrap();
        let verdict = schemas.validate(&document, *index).map_err(|error| format!("{error:#}"));
        assert_eq!(verdict, Ok(()), "{name} of {report}");
    }
}

/// The schema of SARIF.
pub(crate) fn sarif() -> (Schemas, SchemaIndex) {
    let address = "https://json.schemastore.org/sarif-2.1.0.json";
    schema(address, &[(address, include_str!("../data/sarif/sarif-2.1.0.json"))])
}

#[test]
fn sarif_is_valid() {
    valid("sarif", &sarif());
}

#[test]
fn cyclonedx_is_valid() {
    const BOM: &str = "http://cyclonedx.org/schema/bom-1.6.schema.json";
    macro_rules! data {
        ($name:literal) => {
            include_str!(concat!("../../../sbom/tests/data/cyclonedx/", $name))
        };
    }
    let documents = [
        ("http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json", data!("spdx.SNAPSHOT.schema.json")),
        ("http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json", data!("jsf-0.82.SNAPSHOT.schema.json")),
        (BOM, data!("bom-1.6.SNAPSHOT.schema.json")),
    ];
    valid("cyclonedx", &schema(BOM, &documents));
}

#[test]
fn cyclonedx_refers_to_what_is_there() {
    let document: Value = serde_json::from_str(&written("cyclonedx", &example::refused())).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let components: BTreeSet<String> =
        list(&document["components"]).iter().map(|component| component["bom-ref"].to_string()).collect();
    let entries = list(&document["vulnerabilities"]);
    let references: BTreeSet<String> = entries.iter().map(|entry| entry["bom-ref"].to_string()).collect();
    assert_eq!(references.len(), entries.len());
    for entry in &entries {
        for affected in list(&entry["affects"]) {
            assert!(components.contains(&affected["ref"].to_string()), "{affected}");
        }
    }
    let openssl = entries.iter().find(|entry| entry["id"] == "CVE-2024-12797").unwrap();
    assert_eq!(list(&openssl["affects"]).len(), 2, "both packages of one source");
    assert_eq!(openssl["ratings"][1]["score"].to_string(), "8.1", "as it was written, not the nearest of 32 bits");
    assert_eq!(openssl["ratings"][2]["method"], "CVSSv4");
    let analysis = |id: &str| entries.iter().find(|entry| entry["id"] == id).unwrap()["analysis"].clone();
    assert_eq!(analysis("CVE-2023-45853")["state"], "not_affected");
    assert_eq!(analysis("CVE-2023-45853")["justification"], "code_not_present");
    assert_eq!(analysis("CVE-2024-22195")["state"], "exploitable", "the risk is taken, not gone");
    assert!(analysis("CVE-2024-12797").is_null());

    let not_scanned: Value = serde_json::from_str(&written("cyclonedx", &example::not_scanned())).unwrap();
    assert_eq!(not_scanned["compositions"][0]["aggregate"], "unknown");
    let states = list(&not_scanned["metadata"]["properties"]);
    assert!(states.iter().any(|state| state["value"] == "not_scanned"), "{states:?}");
}

#[test]
fn sarif_results_name_rules_and_are_suppressed_all_or_none() {
    let log: Value = serde_json::from_str(&written("sarif", &example::refused())).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 8);
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["suppressions"].is_array(), "3.27.23");
    }
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 7, "one for each vulnerability");
    let suppressed = results.iter().filter(|result| !result["suppressions"].as_array().unwrap().is_empty()).count();
    assert_eq!(suppressed, 2);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let log: Value = serde_json::from_str(&written("sarif", &example::incomplete())).unwrap();
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["toolExecutionNotifications"][0]["level"], "error");
}

/// What a JUnit document counts and holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cases {
    pub(crate) tests: usize,
    pub(crate) failures: usize,
    pub(crate) errors: usize,
    pub(crate) skipped: usize,
}

fn junit(report: &ScanReport) -> Cases {
    cases(&written("junit", report))
}

/// The cases of a document, each of which has a name of its own, in suites that count them.
pub(crate) fn cases(text: &str) -> Cases {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let (mut stated, mut cases, mut all) = (Cases::default(), Cases::default(), Cases::default());
    let (mut names, mut suites) = (BTreeSet::new(), BTreeSet::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let attributes: Vec<(String, String)> = (element.attributes())
                    .map(|attribute| attribute.unwrap())
                    .map(|attribute| {
                        let value =
                            attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned();
                        (attribute.key.as_ref().to_owned(), value)
                    })
                    .collect();
                let of = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
                let number = |name: &str| of(name).unwrap().parse::<usize>().unwrap();
                match element.name().as_ref() {
                    "testsuite" => {
                        assert_eq!(cases, stated, "what is counted is there");
                        assert!(suites.insert(of("name")), "{attributes:?} twice");
                        stated.tests += number("tests");
                        stated.failures += number("failures");
                        stated.errors += number("errors");
                        stated.skipped += number("skipped");
                    }
                    "testsuites" => {
                        let (tests, failures) = (number("tests"), number("failures"));
                        all = Cases { tests, failures, errors: number("errors"), skipped: number("skipped") };
                    }
                    "testcase" => {
                        cases.tests += 1;
                        assert!(names.insert((of("classname"), of("name"))), "{attributes:?} twice");
                    }
                    "failure" => cases.failures += 1,
                    "error" => cases.errors += 1,
                    "skipped" => cases.skipped += 1,
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(cases, stated, "what is counted is there");
    assert_eq!(cases, all, "what is counted is there");
    cases
}

#[test]
fn junit_fails_what_the_gate_refuses() {
    assert_eq!(junit(&example::scanned()), Cases { tests: 9, failures: 6, errors: 0, skipped: 2 });
    assert_eq!(junit(&example::refused()), Cases { tests: 9, failures: 3, errors: 1, skipped: 2 });
    assert_eq!(junit(&example::not_scanned()), Cases { tests: 1, failures: 0, errors: 1, skipped: 0 });
    assert_eq!(junit(&example::clean()), Cases { tests: 1, failures: 0, errors: 0, skipped: 0 });
    let mut allowed = example::incomplete();
    assert_eq!(junit(&allowed), Cases { tests: 5, failures: 3, errors: 1, skipped: 1 });
    allowed.gate = example::clean().gate;
    if let Some(gate) = &mut allowed.gate {
        gate.gate.allow_incomplete = true;
    }
    assert_eq!(junit(&allowed), Cases { tests: 5, failures: 0, errors: 0, skipped: 2 });
}

/// The fields that the schema requires, and its patterns.
#[test]
fn gitlab_has_what_the_schema_asks_for() {
    let all = reports();
    for (name, report) in &all {
        let document: Value = serde_json::from_str(&written("gitlab", report)).unwrap();
        let scan = &document["scan"];
        let is_image = report.inventory.image.is_some();
        assert_eq!(scan["type"], if is_image { "container_scanning" } else { "dependency_scanning" });
        assert_eq!(scan["status"], if matches!(*name, "incomplete" | "not_scanned") { "failure" } else { "success" });
        assert_eq!(scan["start_time"], "2026-11-20T01:02:04");
        for program in ["analyzer", "scanner"] {
            for field in ["id", "name", "version"] {
                assert!(!scan[program][field].as_str().unwrap().is_empty());
            }
            assert!(!scan[program]["vendor"]["name"].as_str().unwrap().is_empty());
        }
        for message in scan["messages"].as_array().into_iter().flatten() {
            assert!(["info", "warn", "fatal"].contains(&message["level"].as_str().unwrap()));
            assert!(!message["value"].as_str().unwrap().is_empty());
        }
        let mut ids = BTreeSet::new();
        for entry in document["vulnerabilities"].as_array().unwrap() {
            assert!(ids.insert(entry["id"].as_str().unwrap().to_owned()));
            assert!(entry["name"].as_str().unwrap().chars().count() <= 255);
            assert!(
                ["Info", "Unknown", "Low", "Medium", "High", "Critical"].contains(&entry["severity"].as_str().unwrap())
            );
            for identifier in entry["identifiers"].as_array().unwrap() {
                assert!(["type", "name", "value"].iter().all(|field| !identifier[*field].as_str().unwrap().is_empty()));
            }
            for link in entry["links"].as_array().into_iter().flatten() {
                assert!(link["url"].as_str().unwrap().starts_with("https://"));
            }
            for vector in entry["cvss_vectors"].as_array().into_iter().flatten() {
                assert!(!vector["vector"].as_str().unwrap().starts_with("CVSS:4"), "15.0.7 has no pattern for it");
            }
            let location = &entry["location"];
            assert!(
                location["dependency"]["package"]["name"].is_string() && location["dependency"]["version"].is_string()
            );
            for field in if is_image { ["operating_system", "image"] } else { ["file", "file"] } {
                assert!(!location[field].as_str().unwrap().is_empty());
            }
        }
        assert_eq!(document["dependency_files"].is_array(), !is_image);
    }
}

/// Of a CSV document its records, as a reader of RFC 4180 has them.
fn csv(report: &ScanReport) -> Vec<Vec<String>> {
    let text = written("csv", report);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn csv_has_one_record_for_each_finding_and_no_formula() {
    let records = csv(&example::refused());
    assert_eq!(records.len(), 1 + 8);
    for record in &records {
        assert_eq!(record.len(), 27);
        for cell in record {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
            assert!(!cell.contains(['\n', '\u{1b}', '\u{202e}']), "{cell}");
        }
    }
    let of = |name: &str| records[0].iter().position(|head| head == name).unwrap();
    assert_eq!(records.iter().filter(|record| record[of("gate")] == "refused").count(), 3);
    assert!(records.iter().any(|record| record[of("package")].starts_with("'=cmd|")));
    let records = csv(&example::not_scanned());
    assert_eq!(records[1][0], "not_scanned");
    assert!(records.iter().any(|record| record[of("title")].contains("there is no advisory database")));
    assert_eq!(csv(&example::clean()).len(), 1, "nothing to say, nothing missing");
}

/// Outside code spans nothing of a stranger stands in the text, so that what is there is ours.
#[test]
fn markdown_holds_strangers_in_code_spans() {
    for (_, report) in reports() {
        let text = written("markdown", &report);
        let outside = outside_of_code_spans(&text);
        for hostile in ["<script", "<img", "@admin", "@everyone", "#1", "javascript:", "evil.example", "]("] {
            let links = outside.matches("](https://nvd.nist.gov/").count()
                + outside.matches("](https://github.com/advisories/").count();
            let found = outside.matches(hostile).count();
            match hostile {
                // The one reference of a vulnerability without an address of its own that is a link.
                "](" => assert_eq!(found, links + outside.matches("](https://evil.example/ok?a=1&b='2')").count()),
                "evil.example" => assert!(found <= 1),
                _ => assert_eq!(found, 0, "{hostile} in {outside}"),
            }
        }
    }
}

/// What is not in a code span, of a text in whose tables no cell is opened again.
pub(crate) fn outside_of_code_spans(text: &str) -> String {
    let mut outside = String::new();
    for line in text.lines() {
        let mut rest = line;
        // CommonMark 6.1: a run of backticks opens, the next run of the same length closes.
        while let Some(at) = rest.find('`') {
            outside.push_str(&rest[..at]);
            let fence = rest[at..].chars().take_while(|char| *char == '`').count();
            let inner = &rest[at + fence..];
            let end = inner
                .match_indices(&"`".repeat(fence))
                .map(|(end, _)| end)
                .find(|end| !inner[end + fence..].starts_with('`') && !inner[..*end].ends_with('`'));
            assert!(end.is_some(), "a code span without end: {line}");
            let end = end.unwrap();
            rest = &inner[end + fence..];
        }
        outside.push_str(rest);
        outside.push('\n');
    }
    for line in text.lines().filter(|line| line.starts_with('|')) {
        assert!(!line.contains("\\\\|"), "a cell that a backslash opens again: {line}");
    }
    outside
}

#[test]
fn markdown_fits_a_comment_and_says_what_is_left_out() {
    let text = written("markdown", &example::large(5_000));
    assert!(text.len() < 65_536, "{}", text.len());
    let shown = text.lines().filter(|line| line.contains("CVE-2030-")).count();
    let left: usize = text.split(" more are left out").next().unwrap().rsplit("**").next().unwrap().parse().unwrap();
    // The table begins with the six of the example; the rows of upgrades name no vulnerability.
    assert_eq!(shown + left, 5_000, "what is not shown is counted");
    // The longest of everything.
    let mut report = example::large(500);
    let long = "x|`".repeat(2_000);
    report.inventory.tool.name.clone_from(&long);
    report.inventory.image = None;
    report.inventory.source.name.clone_from(&long);
    report.inventory.complete = false;
    for _ in 0..50 {
        let told =
            sekisho_model::Diagnostic::incomplete(sekisho_model::Code::FileMalformed, long.clone()).at(long.clone());
        report.inventory.diagnostics.push(told);
    }
    for package in &mut report.inventory.packages {
        package.facts.version.clone_from(&long);
    }
    for vulnerability in &mut report.assessment.vulnerabilities {
        vulnerability.title.clone_from(&long);
    }
    for finding in &mut report.assessment.findings {
        finding.fixed_in = vec![long.clone(); 5];
    }
    assert!(written("markdown", &report).len() < 65_536);
}

#[test]
fn markdown_s_first_line_is_the_verdict() {
    let first = |report: &ScanReport| written("markdown", report).lines().next().unwrap().to_owned();
    assert!(first(&example::refused()).starts_with("### ❌ Refused: `registry.example/shop/web:1.4.2` has 3 findings"));
    assert!(first(&example::not_scanned()).starts_with("### ⚠️ The gate cannot tell"));
    assert!(first(&example::clean()).starts_with("### ✅ Passed"));
    assert!(first(&example::incomplete()).contains("at least 3 findings"));
    let mut report = example::not_scanned();
    report.gate = None;
    assert!(first(&report).contains("was not scanned"));
    report.gate = example::clean().gate;
    assert_eq!(report.gate.as_ref().map(|gate| gate.verdict), Some(Verdict::Passed));
    assert!(first(&report).contains("was not scanned"), "a gate that lets everything pass does not make it scanned");
}

/// No element or attribute of the page but those that it is made of; nothing is fetched.
#[test]
fn html_is_made_of_our_elements_only() {
    let page = format("html").unwrap();
    for (_, report) in reports() {
        for language in Language::ALL {
            let text = write(page, &report, language);
            made_of_our_elements(&text);
        }
    }
}

/// No element or attribute but those that a page is made of, one script at the end, and nothing that is not seen.
pub(crate) fn made_of_our_elements(text: &str) {
    let (head, rest) = text.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let (body, script) = body.split_once("<script>").unwrap();
    assert!(script.ends_with("})();\n</script>\n</body>\n</html>\n"), "one script, at the end");
    for tag in format!("{head}{body}").split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let ours = [
            "html", "head", "meta", "title", "body", "header", "main", "footer", "section", "h1", "h2", "p", "div",
            "dl", "dt", "dd", "strong", "small", "span", "table", "thead", "tbody", "tr", "th", "td", "svg", "rect",
            "a", "br", "ul", "li", "details", "summary", "label", "input", "select", "option", "output",
        ];
        assert!(tag.starts_with("!DOCTYPE") || ours.contains(&name.as_str()), "<{tag}>");
        for attribute in tag.split_ascii_whitespace().skip(1).filter_map(|part| part.split_once('=')) {
            assert!(!attribute.0.starts_with("on") && attribute.0 != "style" && attribute.0 != "src", "<{tag}>");
            if attribute.0 == "href" {
                assert!(attribute.1.starts_with("\"https://"), "<{tag}>");
            }
        }
    }
    assert!(!body.contains(['\u{202e}', '\u{1b}', '\u{0}']), "nothing that is not seen");
}

#[test]
fn html_speaks_japanese() {
    let text = write(format("html").unwrap(), &example::refused(), Language::Ja);
    for word in [
        "<html lang=\"ja\">",
        "脆弱性レポート",
        "ゲート不合格",
        "最初に行うこと",
        "Apache Log4j における任意のコード",
        "緊急",
    ] {
        assert!(text.contains(word), "{word}");
    }
    let text = write(format("html").unwrap(), &example::not_scanned(), Language::Ja);
    assert!(text.contains("未検査") && text.contains("role=\"alert\""));
}

#[test]
fn every_format_carries_every_finding() {
    let report = example::refused();
    for format in FORMATS {
        let text = write(format, &report, Language::En);
        for finding in &report.assessment.findings {
            let id = finding.vulnerability.split('<').next().unwrap();
            assert!(text.contains(id), "{} does not name {id}", format.name);
        }
    }
}
