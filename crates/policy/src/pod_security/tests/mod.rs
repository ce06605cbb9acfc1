//! What the checks find, in the words of the API server.

mod baseline;
mod corpus;
mod laws;
mod restricted;

use super::registry::CHECKS;
use super::*;
use crate::manifest::{Object, objects};
use sekisho_base::Limits;
use sekisho_model::Level as Touches;

fn standard(text: &str) -> Standard {
    text.parse().unwrap()
}

fn object(text: &str) -> Object {
    let (mut found, diagnostics) = objects("x.yaml", text, &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

/// A pod with this after its name: fields of `metadata` on the first line, of `spec` on the others.
fn pod(metadata: &str, spec: &str) -> Object {
    object(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: x, {metadata}}}\nspec:\n{spec}"))
}

fn judge(object: &Object, of: &str) -> (Vec<Violation>, Vec<Diagnostic>) {
    check(&PodTemplate::of(object).unwrap(), standard(of))
}

/// The violations of a pod that can be judged.
fn violations(object: &Object, of: &str) -> Vec<Violation> {
    let (violations, diagnostics) = judge(object, of);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    violations
}

/// What a check says of the pod at `of`, or nothing.
fn said(object: &Object, of: &str, id: &str) -> Option<(&'static str, String, Vec<String>)> {
    let found = violations(object, of).into_iter().find(|violation| violation.check == id);
    found.map(|violation| (violation.reason, violation.detail, violation.paths))
}

/// A pod that, where nothing is said of containers, has one of which nothing is said.
fn whole_pod(metadata: &str, spec: &str) -> Object {
    let containers = if spec.contains("  containers:") { "" } else { "\n  containers: [{name: other}]" };
    pod(metadata, &format!("{spec}{containers}"))
}

/// `spec` is refused by the check, in these words, for these fields.
#[track_caller]
fn refused(of: &str, id: &str, spec: &str, reason: &str, detail: &str, paths: &[&str]) {
    let found = said(&whole_pod("", spec), of, id).unwrap_or_else(|| panic!("{id} allows {spec}"));
    assert_eq!((found.0, found.1.as_str()), (reason, detail));
    assert_eq!(found.2, paths);
}

#[track_caller]
fn allowed(of: &str, id: &str, spec: &str) {
    assert_eq!(said(&whole_pod("", spec), of, id), None);
}

#[test]
fn levels_and_versions_have_names() {
    for (text, display) in [
        ("baseline", "baseline:latest"),
        ("restricted@v1.30", "restricted:v1.30"),
        ("restricted:1.0", "restricted:v1.0"),
        ("privileged@latest", "privileged:latest"),
        ("baseline@1.4294967295", "baseline:v1.4294967295"),
    ] {
        assert_eq!(standard(text).to_string(), display);
        assert_eq!(standard(display), standard(text));
    }
    for text in ["", "v1.30", "Baseline", "strict", "default@v1.30"] {
        let error = text.parse::<Standard>().unwrap_err().to_string();
        assert!(error.ends_with("is no Pod Security level: privileged, baseline and restricted are"), "{error}");
    }
    for text in [
        "",
        "1",
        "1.",
        "v",
        "v2.0",
        "v1.30.1",
        "v1.030",
        "v1.-1",
        "v1.+1",
        "v1.x",
        "vv1.1",
        "1.4294967296",
        "Latest",
        " 1.2",
    ] {
        let error = format!("baseline@{text}").parse::<Standard>().unwrap_err().to_string();
        assert!(
            error.contains(&format!("{text:?} is no version")) && error.contains("latest, v1.30 and 1.30"),
            "{error}"
        );
    }
}

#[test]
fn the_table_is_in_the_order_of_messages() {
    let places: Vec<_> = CHECKS.iter().map(|check| (check.level, check.id, check.since)).collect();
    assert!(places.is_sorted() && places.windows(2).all(|pair| pair[0] != pair[1]), "{places:?}");
    for check in CHECKS {
        let of = |id| CHECKS.iter().find(|other| other.id == id).map(|other| other.level);
        assert_eq!(check.replaces.map(of), check.replaces.map(|_| Some(Level::Baseline)), "{}", check.id);
        assert!(check.replaces.is_none() || check.level == Level::Restricted);
    }
}

/// Which checks a standard consists of, from the versions and overrides in upstream's `check_*.go`.
#[test]
fn each_version_has_its_checks() {
    let of = |of: &str| registry::checks(standard(of)).map(|check| (check.id, check.since)).collect::<Vec<_>>();
    assert_eq!(of("privileged"), []);
    let first = [
        ("appArmorProfile", 0),
        ("capabilities_baseline", 0),
        ("hostNamespaces", 0),
        ("hostPathVolumes", 0),
        ("hostPorts", 0),
        ("privileged", 0),
        ("procMount", 0),
        ("seLinuxOptions", 0),
        ("seccompProfile_baseline", 0),
        ("sysctls", 0),
        ("windowsHostProcess", 0),
    ];
    assert_eq!(of("baseline@1.0"), first);
    assert_eq!(of("baseline@1.18"), first);
    assert_eq!(
        of("restricted@1.0"),
        [
            ("appArmorProfile", 0),
            ("capabilities_baseline", 0),
            ("hostNamespaces", 0),
            ("hostPorts", 0),
            ("privileged", 0),
            ("procMount", 0),
            ("seLinuxOptions", 0),
            ("seccompProfile_baseline", 0),
            ("sysctls", 0),
            ("windowsHostProcess", 0),
            ("restrictedVolumes", 0),
            ("runAsNonRoot", 0),
        ]
    );
    let newest = [
        ("appArmorProfile", 0),
        ("hostNamespaces", 0),
        ("hostPorts", 0),
        ("hostProbesAndHostLifecycle", 34),
        ("privileged", 0),
        ("seLinuxOptions", 31),
        ("sysctls", 37),
        ("windowsHostProcess", 0),
        ("allowPrivilegeEscalation", 25),
        ("capabilities_restricted", 25),
        ("procMount_restricted", 35),
        ("restrictedVolumes", 0),
        ("runAsNonRoot", 35),
        ("runAsUser", 35),
        ("seccompProfile_restricted", 25),
    ];
    assert_eq!(of("restricted"), newest);
    assert_eq!(of("restricted@1.37"), newest);
    assert_eq!(of("restricted@1.999"), newest);
    assert_eq!(of("baseline").len(), 12);
    // The version since which each is there, and the one before.
    for (id, level, since) in [
        ("allowPrivilegeEscalation", "restricted", 8),
        ("capabilities_restricted", "restricted", 22),
        ("hostProbesAndHostLifecycle", "baseline", 34),
        ("procMount_restricted", "restricted", 35),
        ("runAsUser", "restricted", 23),
        ("seccompProfile_restricted", "restricted", 19),
    ] {
        let has = |minor: u32| of(&format!("{level}@1.{minor}")).iter().any(|check| check.0 == id);
        assert!(has(since) && !has(since - 1), "{id}");
    }
    // Where one takes the place of another, only one of them is there.
    for (one, other, since) in [
        ("capabilities_baseline", "capabilities_restricted", 22),
        ("procMount", "procMount_restricted", 35),
        ("seccompProfile_baseline", "seccompProfile_restricted", 19),
    ] {
        for minor in 0..50 {
            let (has, wanted) = (of(&format!("restricted@1.{minor}")), [one, other][usize::from(minor >= since)]);
            let found: Vec<_> = has.iter().map(|check| check.0).filter(|id| [one, other].contains(id)).collect();
            assert_eq!(found, [wanted], "1.{minor}");
        }
    }
}

#[test]
fn a_message_is_the_servers() {
    let object = pod(
        "",
        r"
  hostNetwork: true
  securityContext: {seLinuxOptions: {user: u, role: r}, sysctls: [{name: net.core.somaxconn}, {name: kernel.msgmax}]}
  containers: [{name: my-pod}]",
    );
    let of = "restricted@1.32";
    assert_eq!(
        message(standard(of), &violations(&object, of)),
        r#"violates PodSecurity "restricted:v1.32": host namespaces (hostNetwork=true), seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: user may not be set; role may not be set), forbidden sysctls (net.core.somaxconn, kernel.msgmax), allowPrivilegeEscalation != false (container "my-pod" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "my-pod" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "my-pod" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "my-pod" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#
    );
}

#[test]
fn paths_lead_to_lines_in_every_kind() {
    let object = object(
        r"
apiVersion: batch/v1
kind: CronJob
metadata: {name: x}
spec:
  jobTemplate:
    spec:
      template:
        metadata:
          annotations:
            container.apparmor.security.beta.kubernetes.io/a: unconfined
        spec:
          containers:
          - name: a
            securityContext:
              privileged: true
          - name: b
",
    );
    let violations = violations(&object, "restricted");
    let lines = |check: &str| {
        let violation = violations.iter().find(|violation| violation.check == check).unwrap();
        violation.paths.iter().map(|path| (path.as_str(), object.place(path).line)).collect::<Vec<_>>()
    };
    let annotation =
        "spec.jobTemplate.spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/a]";
    assert_eq!(lines("appArmorProfile"), [(annotation, 11)]);
    assert_eq!(
        lines("privileged"),
        [("spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged", 16)]
    );
    // What is missing has the line of what it is missing in.
    assert_eq!(
        lines("allowPrivilegeEscalation"),
        [
            ("spec.jobTemplate.spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation", 15),
            ("spec.jobTemplate.spec.template.spec.containers[1].securityContext.allowPrivilegeEscalation", 17),
        ]
    );
}

#[test]
fn what_makes_no_pod_has_none() {
    assert!(PodTemplate::of(&object("{apiVersion: v1, kind: Service, metadata: {name: x}}")).is_none());
}

/// Each of these the server refuses; none may pass as clean, at any level that looks at pods.
#[test]
fn what_the_server_refuses_is_not_clean() {
    for (spec, wanted) in [
        ("  hostNetwork: \"true\"", "Pod/x, line 5: spec.hostNetwork is a text, not true or false"),
        ("  hostPID: 1", "spec.hostPID is a number, not true or false"),
        ("  hostIPC: []", "spec.hostIPC is a list, not true or false"),
        ("  hostUsers: \"false\"", "spec.hostUsers is a text, not true or false"),
        ("  os: windows", "spec.os is a text, not a map"),
        ("  os: {name: 1}", "spec.os.name is a number, not a text"),
        ("  securityContext: []", "spec.securityContext is a list, not a map"),
        ("  securityContext: {runAsUser: \"0\"}", "spec.securityContext.runAsUser is a text, not a whole number"),
        ("  securityContext: {runAsUser: 0.5}", "spec.securityContext.runAsUser is a number, not a whole number"),
        ("  securityContext: {runAsNonRoot: \"no\"}", "spec.securityContext.runAsNonRoot is a text, not true or false"),
        ("  securityContext: {seccompProfile: Unconfined}", "spec.securityContext.seccompProfile is a text, not a map"),
        ("  securityContext: {sysctls: {name: x}}", "spec.securityContext.sysctls is a map, not a list"),
        ("  securityContext: {sysctls: [x]}", "spec.securityContext.sysctls[0] is a text, not a map"),
        ("  securityContext: {windowsOptions: {hostProcess: 1}}", "windowsOptions.hostProcess is a number"),
        ("  securityContext: {seLinuxOptions: {user: [x]}}", "spec.securityContext.seLinuxOptions.user is a list"),
        ("  containers: {name: a}", "spec.containers is a map, not a list"),
        ("  containers: [null]", "spec.containers[0] is nothing, not a map"),
        ("  initContainers: [a]", "spec.initContainers[0] is a text, not a map"),
        ("  ephemeralContainers: 5", "spec.ephemeralContainers is a number, not a list"),
        ("  containers: [{name: 1}]", "spec.containers[0].name is a number, not a text"),
        ("  containers: [{securityContext: x}]", "spec.containers[0].securityContext is a text, not a map"),
        (
            "  containers: [{securityContext: {privileged: \"yes\"}}]",
            "Pod/x, line 5: spec.containers[0].securityContext.privileged is a text, not true or false",
        ),
        ("  containers: [{securityContext: {procMount: 1}}]", "securityContext.procMount is a number, not a text"),
        ("  containers: [{securityContext: {capabilities: ALL}}]", "securityContext.capabilities is a text, not a map"),
        ("  containers: [{securityContext: {capabilities: {add: ALL}}}]", "capabilities.add is a text, not a list"),
        (
            "  containers: [{securityContext: {capabilities: {add: [1]}}}]",
            "capabilities.add[0] is a number, not a text",
        ),
        (
            "  containers: [{ports: [{hostPort: \"80\"}]}]",
            "spec.containers[0].ports[0].hostPort is a text, not a whole",
        ),
        ("  containers: [{livenessProbe: {httpGet: {host: 1}}}]", "livenessProbe.httpGet.host is a number, not a text"),
        ("  containers: [{lifecycle: {preStop: x}}]", "spec.containers[0].lifecycle.preStop is a text, not a map"),
        ("  container: [{name: a}]", "Pod/x: there is nothing in spec.containers"),
        ("  containers: []", "Pod/x: there is nothing in spec.containers"),
        ("  volumes: x", "spec.volumes is a text, not a list"),
        ("  volumes: [x]", "spec.volumes[0] is a text, not a map"),
        ("  volumes: [{hostPath: /}]", "spec.volumes[0].hostPath is a text, not a map"),
        (
            "  os: {name: windows}\n  containers: [{securityContext: {capabilities: {add: [SYS_ADMIN]}}}]",
            "Pod/x, line 6: spec.containers[0].securityContext.capabilities cannot be set in a pod for Windows",
        ),
        (
            "  os: {name: windows}\n  securityContext: {seccompProfile: {type: Unconfined}}",
            "spec.securityContext.seccompProfile cannot be set in a pod for Windows",
        ),
        ("  null", "Pod/x: there is no spec"),
        ("  []", "spec is a list, not a map"),
    ] {
        for of in ["baseline@1.0", "restricted"] {
            let (_, diagnostics) = judge(&pod("", spec), of);
            assert!(diagnostics.iter().any(|it| it.message.contains(wanted)), "{spec}: {diagnostics:?}");
            assert!(
                diagnostics.iter().all(|it| it.level == Touches::Incomplete && it.path.as_deref() == Some("x.yaml"))
            );
        }
    }
    for (metadata, wanted) in [
        ("annotations: x", "metadata.annotations is a text, not a map"),
        ("annotations: {seccomp.security.alpha.kubernetes.io/pod: 1}", "kubernetes.io/pod] is a number, not a text"),
    ] {
        let (_, diagnostics) = judge(&pod(metadata, "  containers: [{name: a}]"), "baseline");
        assert!(diagnostics.iter().any(|it| it.message.contains(wanted)), "{metadata}: {diagnostics:?}");
    }
}

#[test]
fn nothing_is_what_is_left_out() {
    let object = pod(
        "annotations: null",
        r"
  hostNetwork: null
  os: null
  securityContext: {runAsUser: null, seccompProfile: null, sysctls: null, seLinuxOptions: {type: null}}
  initContainers: null
  containers: [{name: a, securityContext: {privileged: null, capabilities: {add: null}}, ports: null, livenessProbe: null}]
  volumes: [{name: v, hostPath: null}]",
    );
    assert_eq!(violations(&object, "baseline"), []);
}

#[test]
fn size_is_no_danger() {
    let start = std::time::Instant::now();
    let many = |item: &str| vec![item; 50_000].join(",");
    let limits = Limits { records: 10_000_000, ..Limits::default() };
    let annotations: Vec<String> =
        (0..50_000).map(|index| format!("container.seccomp.security.alpha.kubernetes.io/a{index}: bad")).collect();
    let annotations = annotations.join(", ");
    for spec in [
        format!("containers: [{}]", many("{name: a, ports: [{hostPort: 1}]}")),
        format!("containers: [{{securityContext: {{capabilities: {{add: [{}]}}}}}}]", many("X")),
        format!("volumes: [{}]", many("{hostPath: {}}")),
        format!("securityContext: {{sysctls: [{}]}}", many("{name: x}")),
        format!("containers: [{}]", many("1")),
    ] {
        let text =
            format!("{{apiVersion: v1, kind: Pod, metadata: {{annotations: {{{annotations}}}}}, spec: {{{spec}}}}}");
        let (found, _) = objects("x", &text, &limits);
        for of in ["baseline@1.0", "restricted"] {
            let (violations, diagnostics) = judge(&found[0], of);
            assert!(!violations.is_empty() || !diagnostics.is_empty());
            assert!(violations.iter().all(|violation| violation.paths.len() <= 2000) && diagnostics.len() <= 101);
        }
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
