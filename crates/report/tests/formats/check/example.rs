//! One check report with everything that forms must get right, and what becomes of it when something is missing.

use jiff::Timestamp;
use sekisho_model::{
    CHECK_SCHEMA, CheckExclusion, CheckGate, CheckInput, CheckPolicy, CheckReport, CheckResult, CheckSubject, Code,
    Diagnostic, Digest, Fix, PatchOperation, PolicyLanguage, PolicyOutcome, PolicySeverity, Shared, SubjectKind, Tool,
    Verdict, Violation,
};
use serde_json::{Value, json};

/// What strangers would like to see run, linked, folded, mentioned, reordered or taken for a formula.
pub(crate) const HOSTILE: &str =
    "=cmd|' /C calc'!A0<script>alert(1)</script>@admin #1 `x`\n](javascript:alert(2)) \u{202e}\u{1b}[2J\u{0} ]]> \"--";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy(id: &str, name: &str, language: PolicyLanguage, severity: PolicySeverity) -> CheckPolicy {
    CheckPolicy {
        id: id.into(),
        name: name.into(),
        language,
        file: None,
        severity,
        enforced: false,
        description: String::new(),
        rationale: String::new(),
        remediation: String::new(),
        categories: Vec::new(),
        controls: Vec::new(),
        passed: 0,
    }
}

fn policies() -> Vec<CheckPolicy> {
    use PolicyLanguage::{Cel, Conftest, Criteria, Gatekeeper, PodSecurity};
    use PolicySeverity::{Critical, High, Low, Medium};
    vec![
        CheckPolicy {
            enforced: true,
            description: "A container that is privileged has all capabilities and all devices of its node.".into(),
            rationale: "Whoever gets into it is root on the node, and from there in every other container on it."
                .into(),
            remediation: "Remove securityContext.privileged, and add the few capabilities that are needed.".into(),
            categories: vec!["Privileges".into()],
            controls: vec!["NIST-800-190:4.4.3".into(), "NIST-800-190:4.5.3".into()],
            passed: 3,
            ..policy("privileged-container", "Container is privileged", Criteria, Critical)
        },
        CheckPolicy {
            file: Some("policies/labels.yaml".into()),
            enforced: true,
            passed: 1,
            ..policy("K8sRequiredLabels/must-have-owner", "K8sRequiredLabels/must-have-owner", Gatekeeper, Medium)
        },
        CheckPolicy {
            enforced: true,
            passed: 2,
            ..policy("pod-security-restricted", "Pod Security Standards: restricted", PodSecurity, Medium)
        },
        CheckPolicy {
            rationale: "Known vulnerabilities are what attackers try first.".into(),
            remediation: "Rebuild the image on a current base.".into(),
            categories: vec!["Vulnerability Management".into()],
            enforced: true,
            ..policy("fixable-critical", "Fixable critical vulnerabilities", Criteria, High)
        },
        CheckPolicy {
            file: Some("policies/<evil>.rego".into()),
            description: HOSTILE.into(),
            rationale: HOSTILE.into(),
            remediation: HOSTILE.into(),
            categories: vec![HOSTILE.into()],
            controls: vec![HOSTILE.into()],
            ..policy(HOSTILE, HOSTILE, Conftest, Low)
        },
        CheckPolicy {
            remediation: "Lower spec.replicas.".into(),
            passed: 4,
            ..policy("replica-limit", "At most five replicas", Cel, Low)
        },
        CheckPolicy {
            enforced: true,
            passed: 2,
            ..policy("image-from-registry", "Image is from a registry that is not ours", Criteria, High)
        },
    ]
}

fn subject(kind: SubjectKind, title: &str, namespace: &str, file: &str, line: u32) -> CheckSubject {
    let api_version = match kind {
        SubjectKind::Workload => "apps/v1",
        SubjectKind::Object => "v1",
        SubjectKind::Image => "",
    };
    CheckSubject {
        kind,
        title: title.into(),
        api_version: api_version.into(),
        namespace: namespace.into(),
        file: file.into(),
        line,
        digest: None,
        passed: 2,
        patch: Shared::default(),
    }
}

fn subjects() -> Vec<CheckSubject> {
    use SubjectKind::{Image, Object, Workload};
    vec![
        subject(Workload, "Deployment/web", "shop", "./k8s/web.yaml", 1),
        subject(Workload, "DaemonSet/log-agent", "kube-system", "./k8s/agents/log.yaml", 12),
        subject(Object, "Namespace/shop", "", "./k8s/web.yaml", 71),
        CheckSubject {
            digest: Some(Digest::of(b"web")),
            passed: 0,
            ..subject(Image, "registry.example/shop/web:1.4.2", "", "", 0)
        },
        subject(Workload, &format!("Deployment/{HOSTILE}"), HOSTILE, "/srv/a b/<b>\u{202e}.yaml", 3),
        // The same name twice in one file.
        subject(Workload, "Deployment/web", "shop", "./k8s/web.yaml", 95),
        CheckSubject { passed: 7, ..subject(Workload, "CronJob/report", "shop", "-", 1) },
    ]
}

fn violation(message: &str, criterion: &str, path: &str, line: u32, column: u32) -> Violation {
    Violation {
        message: message.into(),
        criterion: criterion.into(),
        path: path.into(),
        line,
        column,
        ..Violation::default()
    }
}

fn fixed(violation: Violation, path: &str, pointer: &str, value: &Value) -> Violation {
    let patch = vec![PatchOperation { op: "add".into(), path: pointer.into(), value: Some(value.clone()) }];
    Violation { fix: Some(Fix { text: format!("set {path} to {value}"), patch }.into()), ..violation }
}

fn result(subject: usize, policy: usize, outcome: PolicyOutcome) -> CheckResult {
    CheckResult { policy, subject, outcome, excluded: None, violations: Vec::new(), reasons: Shared::default() }
}

fn privileged(container: &str, index: usize, line: u32) -> Violation {
    let path = format!("spec.template.spec.containers[{index}].securityContext.privileged");
    let pointer = format!("/spec/template/spec/containers/{index}/securityContext/privileged");
    let message = format!("container {container}: is privileged");
    let violation = violation(&message, "Privileged Container", &path, line, 13);
    Violation { container: Some(container.into()), ..fixed(violation, &path, &pointer, &json!(false)) }
}

fn results() -> Vec<CheckResult> {
    use PolicyOutcome::{NotEvaluated, Unknown, Violated};
    let labels = Violation {
        details: json!({"missing_labels": ["owner"]}),
        ..violation("you must provide labels: {\"owner\"}", "", "", 0, 0)
    };
    let seccomp = violation(
        "seccompProfile (pod or containers \"app\", \"sidecar\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
        "seccompProfile_restricted",
        "spec.template.spec.securityContext",
        18,
        7,
    );
    vec![
        CheckResult {
            violations: vec![privileged("app", 0, 31), privileged("sidecar", 1, 44)],
            ..result(0, 0, Violated)
        },
        CheckResult { violations: vec![labels.clone(), labels.clone()], ..result(0, 1, Violated) },
        CheckResult { violations: vec![seccomp], ..result(0, 2, Violated) },
        CheckResult {
            reasons: ["registry.example/shop/web:1.4.2: was not looked at".to_owned()].into(),
            ..result(0, 3, NotEvaluated)
        },
        CheckResult {
            violations: vec![fixed(
                violation("has 9 replicas, and 5 are allowed", "", "spec.replicas", 9, 13),
                "spec.replicas",
                "/spec/replicas",
                &json!(5),
            )],
            ..result(0, 5, Violated)
        },
        CheckResult {
            excluded: Some(
                CheckExclusion {
                    reason: "parts of the cluster itself".into(),
                    until: Some(time("2027-01-01T00:00:00Z")),
                }
                .into(),
            ),
            violations: vec![privileged("agent", 0, 29)],
            ..result(1, 0, Violated)
        },
        CheckResult { reasons: ["log:2: was not looked at".to_owned()].into(), ..result(1, 3, NotEvaluated) },
        CheckResult {
            excluded: Some(CheckExclusion { reason: String::new(), until: None }.into()),
            reasons: ["log:2: nobody says".to_owned()].into(),
            ..result(1, 6, Unknown)
        },
        CheckResult { violations: vec![labels], ..result(2, 1, Violated) },
        CheckResult {
            violations: vec![violation(
                "image registry.example/shop/web:1.4.2: openssl 3.0.15 has CVE-2024-12797",
                "Fixable",
                "",
                0,
                0,
            )],
            ..result(3, 3, Violated)
        },
        CheckResult {
            excluded: Some(CheckExclusion { reason: HOSTILE.into(), until: None }.into()),
            violations: vec![privileged(HOSTILE, 0, 8)],
            ..result(4, 0, Violated)
        },
        CheckResult {
            violations: vec![Violation {
                container: Some(HOSTILE.into()),
                fix: Some(Fix { text: HOSTILE.into(), patch: Vec::new() }.into()),
                details: json!({HOSTILE: HOSTILE}),
                ..violation(HOSTILE, HOSTILE, HOSTILE, 7, 1)
            }],
            ..result(4, 4, Violated)
        },
        // A policy that says no more than that it is violated.
        result(5, 4, Violated),
    ]
}

/// Refused: what is enforced is violated. Everything could be read and judged.
pub(crate) fn refused() -> CheckReport {
    CheckReport {
        schema: CHECK_SCHEMA.into(),
        tool: Tool { name: "sekisho".into(), version: "1.2.3".into() },
        observed_at: time("2026-11-20T01:02:03.5Z"),
        stage: "deploy".into(),
        inputs: vec![CheckInput { path: "./k8s/web.yaml".into(), digest: Digest::of(b"web.yaml") }],
        policies: policies(),
        subjects: subjects(),
        results: results(),
        gate: CheckGate {
            fail_on: None,
            warn_only: false,
            allow_incomplete: false,
            verdict: Verdict::Refused,
            unknown: Vec::new(),
        },
        diagnostics: vec![
            Diagnostic::note(
                Code::ExceptionExpired,
                "policy image-from-registry: the exclusion \"old\" is over since 2026-01-01T00:00:00Z",
            )
            .at("policies/labels.yaml"),
        ],
    }
}

/// Nothing that fails is known, and not all is known.
pub(crate) fn unknown() -> CheckReport {
    let mut report = refused();
    report.results.retain(|result| !matches!(result.policy, 0..=3));
    report.results.push(CheckResult {
        reasons: ["registry.example/shop/web:1.4.2: the registry does not answer".to_owned()].into(),
        ..result(5, 6, PolicyOutcome::Unknown)
    });
    report.diagnostics.push(
        Diagnostic::incomplete(Code::ManifestMalformed, "is no YAML: \u{1b}[31m<b>| at line 3").at("./k8s/broken.yaml"),
    );
    report.gate.verdict = Verdict::Unknown;
    report.gate.unknown = vec![
        "./k8s/broken.yaml: is no YAML: \u{1b}[31m<b>| at line 3".into(),
        "image-from-registry: Deployment/web: registry.example/shop/web:1.4.2: the registry does not answer".into(),
    ];
    report
}

/// The same where nothing fails.
pub(crate) fn warned() -> CheckReport {
    let mut report = refused();
    report.gate = CheckGate { warn_only: true, verdict: Verdict::Passed, ..report.gate };
    report
}

/// Nothing to be said.
pub(crate) fn clean() -> CheckReport {
    let mut report = refused();
    report.results.clear();
    report.diagnostics.clear();
    report.gate.verdict = Verdict::Passed;
    for policy in &mut report.policies {
        policy.passed = report.subjects.len();
    }
    for subject in &mut report.subjects {
        subject.passed = report.policies.len();
    }
    report
}

/// No policy was asked about anything.
pub(crate) fn empty() -> CheckReport {
    let mut report = clean();
    report.subjects.clear();
    report.inputs.clear();
    report
}

/// So many results that whoever looks at each for each would be noticed.
pub(crate) fn large(count: usize) -> CheckReport {
    let mut report = refused();
    let (deployment, wrong) = (report.subjects[0].clone(), report.results[0].clone());
    for number in 0..count {
        let title = format!("Deployment/large-{number}");
        let namespace = format!("namespace-{}", number % 10);
        let subject = report.subjects.len();
        report.subjects.push(CheckSubject { title, namespace, ..deployment.clone() });
        report.results.push(CheckResult { subject, ..wrong.clone() });
    }
    report
}
