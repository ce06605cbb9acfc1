//! What files are refused for, and which rules do not apply.

use super::*;

#[test]
fn our_own_format_says_what_is_wrong_and_where() {
    let check = |text: &str, expect: &str| {
        let error = read(text.as_bytes(), "x.toml", &Limits::default()).unwrap_err();
        assert_eq!(error.code(), Code::ExceptionMalformed);
        assert!(error.to_string().contains(expect), "{text}: {error}");
    };
    let whole = "[[exception]]\nvulnerability = \"CVE-1\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2027-01-31\n";
    let without = |key: &str| whole.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
    assert_eq!(read(whole.as_bytes(), "x.toml", &Limits::default()).unwrap().0.exceptions.len(), 1);
    check(&without("until"), "x.toml: line 1: the exception for CVE-1 has no end: add `until = 2027-01-31`");
    check(&without("owner"), "line 1: the exception for CVE-1 has no owner: add `owner = ");
    check(&without("reason"), "line 1: the exception for CVE-1 has no reason: add `reason = ");
    check(&without("vulnerability"), "line 1: the exception names neither a vulnerability nor a package");
    check(&format!("{whole}{}", without("until")), "line 6: the exception for CVE-1 has no end");
    check(&whole.replace("2027-01-31", "\"2027-01-31\""), "line 5: a date without quotes");
    check(&whole.replace("2027-01-31", "2027-01-31T00:00:00Z"), "line 5: a date without quotes");
    check(&whole.replace("\"r\"", "\"  \""), "has no reason");
    check(&whole.replace("\"CVE-1\"", "[]"), "line 2: it is empty");
    check(&whole.replace("\"CVE-1\"", "1"), "line 2: a text or a list of texts");
    check(&format!("{whole}why = 1\n"), "line 6: unknown field `why`");
    check("[exceptions]\n", "line 1: unknown field `exceptions`");
    check(&format!("{whole}package = \"pkg:x\"\n"), "\"pkg:x\" is not a package URL");
    check(&format!("{whole}path = \"[\"\n"), "\"[\" is no pattern");
    check("[[exception]\n", "line 1: ");
    assert!(read(b"", "x.toml", &Limits::default()).unwrap().0.exceptions.is_empty());
}

#[test]
fn rules_that_do_not_apply_are_said() {
    let check = |file: &str, text: &str, expect: &[&str]| {
        let (_, diagnostics) = read(text.as_bytes(), file, &Limits::default()).unwrap();
        let told: Vec<&str> = diagnostics.iter().map(|said| &*said.message).collect();
        assert_eq!(told, expect, "{text}");
        assert!(diagnostics.iter().all(|said| said.code == Code::ExceptionUnsupported && said.path.is_some()));
    };
    check(
        "x/.trivyignore",
        "CVE-1 exp:x\nCVE-2 y",
        &[
            "the rule for CVE-1 does not apply: \"x\" is no date of the form YYYY-MM-DD",
            "the rule for CVE-2 does not apply: \"y\" is not understood",
        ],
    );
    check(
        ".trivyignore.yml",
        "vulnerabilities:\n- id: CVE-1\n  cvss: 1\n- statement: x",
        &[
            "the rule for CVE-1 does not apply: \"cvss\" is not understood",
            "the rule for nothing does not apply: it has no id",
        ],
    );
    check(
        ".grype.yaml",
        "ignore:\n- vulnerability: CVE-1\n  package: {name: a, cpe: b}\n- reason: x",
        &[
            "the rule for CVE-1 in a does not apply: \"package.cpe\" cannot be told here",
            "the rule for any vulnerability does not apply: it names nothing that a finding could have",
        ],
    );
    let many = (0..25).map(|id| format!("CVE-{id} x")).collect::<Vec<_>>().join("\n");
    let (_, diagnostics) = read(many.as_bytes(), ".trivyignore", &Limits::default()).unwrap();
    assert_eq!((diagnostics.len(), &*diagnostics[20].message), (21, "5 more rules do not apply"));
}

#[test]
fn damaged_files_are_refused() {
    let check = |file: &str, text: &[u8], expect: &str| {
        let error = read(text, file, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    };
    check(".trivyignore", b"\xff", "is not text");
    check(".grype.yaml", b"ignore: 1\n", "line 1: is not of the form that is expected");
    check(".grype.yaml", b"ignore:\n- vulnerability: [a]\n", "line 2: is not of the form that is expected");
    check(".grype.yaml", b"ignore: [\n", "is not of the form that is expected");
    // Aliases that double twenty-five times over, and nesting without end.
    let bomb = (1..26).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]", n - 1, n - 1)).collect::<Vec<_>>().join("\n");
    check(".grype.yaml", format!("a0: &a0 [x]\n{bomb}\nignore: *a25\n").as_bytes(), "is not of the form");
    check(".grype.yaml", format!("ignore: {}", "[".repeat(100_000)).as_bytes(), "is not of the form");
    let limits = Limits { records: 1, ..Limits::default() };
    let error = read(b"CVE-1\nCVE-2\n", ".trivyignore", &limits).unwrap_err();
    assert_eq!(error.code(), Code::LimitExceeded);
}

/// `1.10` is a version, not a number.
#[test]
fn versions_stay_what_is_written() {
    let text = b"ignore:\n- vulnerability: CVE-1\n  package: {name: a, version: 1.10}\n";
    let (read, _) = read(text, ".grype.yaml", &Limits::default()).unwrap();
    let version = |condition: &Condition| matches!(condition, Condition::Version(version) if version == "1.10");
    assert!(read.exceptions[0].conditions.iter().any(version), "{:?}", read.exceptions[0]);
}
