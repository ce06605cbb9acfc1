//! Criteria against the published table; what each says of what is known, what is not, and what nobody asked for.

use super::*;
use crate::compile::compile;
use crate::evaluate::{Outcome, evaluate};
use crate::facts::{Component, ImageFacts, Vulnerability};
use crate::manifest;
use crate::policy::{Group, Policy, Section};
use crate::stackrox;
use crate::testing::corpus;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_model::{Fact, ImageConfig, License, Severity, Workload};

fn group(field: &str, values: &[&str]) -> Group {
    Group {
        field: field.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..Group::default()
    }
}

fn policy(groups: Vec<Group>) -> Policy {
    Policy { sections: vec![Section { name: String::new(), groups }], ..Policy::default() }
}

fn workload(text: &str) -> Workload {
    let (objects, _) = manifest::objects("x.yaml", text, &Limits::default());
    let (mut found, diagnostics) = manifest::workloads(&objects);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    found.remove(0).workload
}

fn judge(groups: Vec<Group>, workload: &Workload, images: &[Fact<&ImageFacts>]) -> Outcome {
    let compiled = compile(&policy(groups), Stage::Deploy).unwrap();
    let facts = images.iter().cloned().chain(std::iter::repeat(Fact::NotAsked));
    let images: Vec<Image<'_>> = (workload.containers.iter().zip(facts))
        .map(|(container, facts)| {
            let path = format!("{}.image", container.path);
            Image { name: &container.image, reference: container.image_ref.as_ref(), path, facts }
        })
        .collect();
    let subject = Subject { activity: None, workload: Some(workload), images: &images, now: Timestamp::UNIX_EPOCH };
    evaluate(&compiled, &subject).outcome
}

#[test]
fn the_table_is_that_of_the_reference() {
    assert!(CRITERIA.is_sorted_by_key(|criterion| criterion.name));
    assert!(criterion("privileged CONTAINER").is_some() && criterion("Privileged").is_none());
    let theirs = || CRITERIA.iter().filter(|criterion| !criterion.is_ours);
    let at = |stage: Stage| theirs().filter(|criterion| criterion.has_meaning_at(stage)).count();
    assert_eq!((at(Stage::Build), at(Stage::Deploy), at(Stage::Runtime)), (23, 63, 79));
}

const TWO: &str = "
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {team: a}}
spec:
  containers:
  - {name: one, image: 'h.x/a:1', securityContext: {privileged: true, capabilities: {drop: [ALL]}}}
  - {name: two, image: 'h.x/b', env: [{name: DB_PASSWORD, value: x}], ports: [{containerPort: 22}]}
";

#[test]
fn groups_of_one_section_are_about_the_same_element() {
    let pod = workload(TWO);
    let check = |groups: &[(&str, &[&str])], expect: Outcome| {
        let groups: Vec<Group> = groups.iter().map(|(field, values)| group(field, values)).collect();
        assert_eq!(judge(groups, &pod, &[]), expect);
    };
    let (yes, no) = (Outcome::Violated, Outcome::Passed);
    check(&[("Privileged Container", &["true"])], yes);
    check(&[("Privileged Container", &["true"]), ("Container Name", &["one"])], yes);
    check(&[("Privileged Container", &["true"]), ("Container Name", &["two"])], no);
    check(&[("Container Name", &["ONE|three"])], yes);
    check(&[("Container Name", &["on"])], no);
    check(&[("Environment Variable", &["RAW=.*SECRET.*|.*PASSWORD.*="]), ("Container Name", &["two"])], yes);
    check(&[("Environment Variable", &["RAW=.*PASSWORD.*="]), ("Privileged Container", &["true"])], no);
    check(&[("Environment Variable", &["SECRET_KEY=="])], no);
    check(&[("Exposed Port", &["22"]), ("Exposed Port Protocol", &["tcp"])], yes);
    check(&[("Exposed Port", &["> 22"])], no);
    check(&[("Required Label", &["owner|team=.+"])], no);
    check(&[("Required Label", &["owner=.+"])], yes);
    check(&[("Drop Capabilities", &["NET_RAW"])], yes);
    check(&[("Drop Capabilities", &["NET_RAW"]), ("Container Name", &["one"])], no);
    check(&[("Container CPU Limit", &["= 0"])], yes);
    check(&[("Replicas", &["< 1"])], no);
    check(&[("Image Registry", &["h.x"]), ("Image Tag", &["latest"])], yes);
    check(&[("Image Remote", &["a"]), ("Image Tag", &["latest"])], no);
}

#[test]
fn a_pod_has_the_requests_of_its_limits() {
    let spec =
        "{containers: [{name: a, image: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {memory: 1Mi}}}]}";
    let pod = workload(&format!("apiVersion: v1\nkind: Pod\nspec: {spec}\n"));
    let made = workload(&format!("apiVersion: apps/v1\nkind: Deployment\nspec: {{template: {{spec: {spec}}}}}\n"));
    let none = || vec![group("Container CPU Request", &["= 0"])];
    assert_eq!(judge(none(), &pod, &[]), Outcome::Passed);
    assert_eq!(judge(vec![group("Container Memory Request", &["= 1"])], &pod, &[]), Outcome::Violated);
    // A template is kept as it was written.
    assert_eq!(judge(none(), &made, &[]), Outcome::Violated);
}

/// What one criterion says in a violation of the workload, whose first image is known.
fn message(field: &str, value: &str, negate: bool, workload: &Workload, facts: &ImageFacts) -> String {
    let compiled = compile(&policy(vec![Group { negate, ..group(field, &[value]) }]), Stage::Deploy).unwrap();
    let container = &workload.containers[0];
    let facts = Fact::Known(facts);
    let images =
        [Image { name: &container.image, reference: container.image_ref.as_ref(), path: String::new(), facts }];
    let subject = Subject { activity: None, workload: Some(workload), images: &images, now: Timestamp::UNIX_EPOCH };
    evaluate(&compiled, &subject).witnesses.first().map(|it| it.message.clone()).unwrap_or_default()
}

#[test]
fn messages_say_what_is_wrong_also_where_a_criterion_is_turned_round() {
    let mut pod = workload(&TWO.replace("labels: {team: a}", "annotations: {a: x, b: z}"));
    pod.containers[0].command = vec!["sh".to_owned()];
    pod.permissions = Fact::Known(sekisho_model::Permissions::None);
    let mut facts = ImageFacts {
        labels: Fact::Known([("a".to_owned(), "x".to_owned()), ("b".to_owned(), "z".to_owned())].into()),
        config: Fact::Known(ImageConfig { cmd: vec!["nginx".to_owned()], ..ImageConfig::default() }),
        ..ImageFacts::default()
    };
    facts.components.push(Component {
        name: "openssl".to_owned(),
        version: "3".to_owned(),
        in_use: Fact::Known(false),
        judged: Fact::Known(()),
        vulnerabilities: vec![Vulnerability {
            id: "CVE-1".to_owned(),
            exploited: Fact::Known(false),
            ..Vulnerability::default()
        }],
        ..Component::default()
    });
    let cases = [
        ("Container Command", "sh", false, "container one: runs a command with sh"),
        ("Replicas", "1", true, "says no number of replicas"),
        ("Minimum RBAC Permissions", "DEFAULT", true, "its service account has no permissions"),
        ("Disallowed Annotation", "a=.*", false, "has the annotation a=x"),
        ("Has Ingress Network Policy", "true", true, "no network policy restricts what comes in"),
        ("Readiness Probe Defined", "true", true, "container one: has no readiness probe"),
        ("Required Label", "a=b", false, "has no label a=b"),
        ("Disallowed Image Label", "a=.*", false, "image h.x/a:1: has the label a=x"),
        ("Required Image Label", "c=", false, "image h.x/a:1: has no label c="),
        ("Image Command", "ngin", false, "image h.x/a:1: runs a command with ngin"),
        ("Image Command", "tini", true, "image h.x/a:1: runs a command without tini"),
        ("Image Tag", "2", true, "image h.x/a:1: has the tag 1"),
        ("Image Health Check Defined", "false", false, "image h.x/a:1: has no health check"),
        ("Package In Use", "false", false, "image h.x/a:1: openssl 3 is not used"),
        ("Known Exploited", "false", false, "image h.x/a:1: openssl: CVE-1 is not known to be exploited"),
        ("Fixed By", ".*", true, "image h.x/a:1: openssl: CVE-1 is not fixed in any version"),
    ];
    pod.ingress_policy = Fact::Known(false);
    for (field, value, negate, expect) in cases {
        assert_eq!(message(field, value, negate, &pod, &facts), expect, "{field}");
    }
}

#[test]
fn regular_expressions_are_those_of_go() {
    let check = |value: &str, name: &str, expect: bool| {
        let mut pod = workload(TWO);
        pod.containers.truncate(1);
        name.clone_into(&mut pod.containers[0].name);
        let expect = if expect { Outcome::Violated } else { Outcome::Passed };
        assert_eq!(judge(vec![group("Container Name", &[value])], &pod, &[]), expect, "{value} {name}");
    };
    for (value, name) in [
        ("[a&&w]eb", "web"),
        ("[[a]eb", "[eb"),
        ("[a~~b]", "~"),
        ("web{,2}", "web{,2}"),
        ("\\Qw.b\\E", "W.B"),
        ("\\167eb", "web"),
        ("\\pL+", "wéb"),
        ("\\p{L}+", "web"),
        ("\\p{Lu}eb", "web"),
        ("[\\p{Latin}]+", "wéb"),
        ("[^\\P{Greek}]+", "Ω"),
    ] {
        check(value, name, true);
    }
    for (value, name) in [("\\w+", "wéb"), ("\\d", "٣"), ("\\Qw.b\\E", "web"), ("\\pL+", "w3b"), ("\\p{Latin}", "Ω")]
    {
        check(value, name, false);
    }
    for (value, why) in [
        ("(?x)a", "invalid or unsupported Perl syntax"),
        ("\\p{White_Space}", "invalid character class range"),
        ("\\p{C}", "the class C, which is not the same on every server"),
        ("a**", "invalid nested repetition operator: `*`"),
    ] {
        let faults = compile(&policy(vec![group("Container Name", &[value])]), Stage::Deploy).unwrap_err();
        assert!(faults[0].reason.ends_with(&format!("is no regular expression: {why}")), "{}", faults[0].reason);
    }
}

#[test]
fn what_is_not_known_does_not_pass() {
    let pod = workload(TWO);
    let critical = Vulnerability { id: "CVE-1".to_owned(), severity: Severity::Critical, ..Vulnerability::default() };
    let component = |vulnerabilities: Vec<Vulnerability>, judged| Component {
        name: "openssl".to_owned(),
        version: "3".to_owned(),
        vulnerabilities,
        judged,
        ..Component::default()
    };
    let image = |components| ImageFacts { components, ..ImageFacts::default() };
    let bad = image(vec![component(vec![critical], Fact::Known(()))]);
    let clean = image(vec![component(Vec::new(), Fact::Known(()))]);
    let unjudged = image(vec![component(Vec::new(), Fact::Unknown(String::new()))]);
    let severe = || vec![group("Severity", &[">= IMPORTANT"])];
    let check = |groups: Vec<Group>, images: &[Fact<&ImageFacts>], expect: Outcome| {
        assert_eq!(judge(groups, &pod, images), expect, "{images:?}");
    };
    let (asked, lost) = (Fact::NotAsked, Fact::Unknown("gone".to_owned()));
    check(severe(), &[Fact::Known(&clean), Fact::Known(&clean)], Outcome::Passed);
    check(severe(), &[Fact::Known(&clean), Fact::Known(&bad)], Outcome::Violated);
    check(severe(), &[Fact::Known(&unjudged), Fact::Known(&bad)], Outcome::Violated);
    check(severe(), &[Fact::Known(&unjudged), Fact::Known(&clean)], Outcome::Unknown);
    check(severe(), &[asked.clone(), Fact::Known(&clean)], Outcome::NotEvaluated);
    check(severe(), &[asked.clone(), lost.clone()], Outcome::Unknown);
    check(severe(), &[], Outcome::NotEvaluated);
    // What nobody looked at is not root.
    check(vec![group("Image User", &["root"])], &[Fact::Known(&clean), Fact::Known(&clean)], Outcome::NotEvaluated);
    let rooted = ImageFacts { config: Fact::Known(ImageConfig::default()), ..image(Vec::new()) };
    check(vec![group("Image User", &["0", "root"])], &[Fact::Known(&rooted), asked.clone()], Outcome::Violated);
    // A component needs no judge.
    check(vec![group("Image Component", &["openssl="])], &[Fact::Known(&unjudged), asked.clone()], Outcome::Violated);
    // What fails anyway needs no facts.
    let never = [severe(), vec![group("Host PID", &["true"])]].concat();
    check(never, &[lost.clone(), lost.clone()], Outcome::Passed);
    check(vec![group("Unscanned Image", &["true"])], &[lost, Fact::Known(&clean)], Outcome::Violated);
    check(vec![group("Unscanned Image", &["true"])], &[asked.clone(), asked], Outcome::NotEvaluated);
}

/// What groups say of an image alone, at the beginning of 2026.
fn judge_image(groups: Vec<Group>, name: &str, facts: Fact<&ImageFacts>) -> Outcome {
    let compiled = compile(&policy(groups), Stage::Build).unwrap();
    let reference = sekisho_model::ImageRef::familiar(name).ok();
    let images = [Image { name, reference: reference.as_ref(), path: String::new(), facts }];
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    evaluate(&compiled, &Subject { activity: None, workload: None, images: &images, now }).outcome
}

#[test]
fn criteria_of_ours_are_marked_and_never_passed_where_nothing_answers_them() {
    let ours: Vec<_> = CRITERIA.iter().filter(|criterion| criterion.is_ours).collect();
    assert_eq!((ours.len(), CRITERIA.len()), (20, 99));
    for criterion in CRITERIA.iter().filter(|it| it.later.is_some() && it.level.is_image()) {
        let value = if criterion.grammar == Grammar::Days { "1" } else { "true" };
        let facts = ImageFacts {
            components: vec![Component {
                vulnerabilities: vec![Vulnerability::default()],
                judged: Fact::Known(()),
                ..Component::default()
            }],
            ..ImageFacts::default()
        };
        let outcome = judge_image(vec![group(criterion.name, &[value])], "x:1", Fact::Known(&facts));
        assert_eq!(outcome, Outcome::NotEvaluated, "{}", criterion.name);
    }
}

#[test]
fn what_an_image_says_of_itself_is_asked_for() {
    let config = ImageConfig {
        user: "0:1000".to_owned(),
        exposed_ports: vec!["22/tcp".to_owned(), "80/tcp".to_owned()],
        env: vec!["PATH=/bin".to_owned(), "DB_PASSWORD=x".to_owned(), "EMPTY=".to_owned(), "BARE".to_owned()],
        entrypoint: vec!["/bin/sh".to_owned(), "-c".to_owned()],
        cmd: vec!["exec serve --insecure".to_owned()],
        volumes: vec!["/run/secrets".to_owned()],
        health_check: false,
    };
    let facts = ImageFacts {
        config: Fact::Known(config),
        base: Fact::Known("docker.io/library/debian:12".to_owned()),
        supported_until: crate::support::ends("alpine", "3.19.1"),
        lines: Fact::Unknown("x".to_owned()),
        ..ImageFacts::default()
    };
    let lost = ImageFacts {
        config: Fact::Unknown("x".to_owned()),
        base: Fact::Unknown("x".to_owned()),
        supported_until: Fact::Unknown("x".to_owned()),
        ..facts.clone()
    };
    let check = |field: &str, value: &str, expect: bool| {
        let wanted = if expect { Outcome::Violated } else { Outcome::Passed };
        let groups = || vec![group(field, &[value])];
        assert_eq!(judge_image(groups(), "x:1", Fact::Known(&facts)), wanted, "{field} {value}");
        assert_eq!(judge_image(groups(), "x:1", Fact::Known(&lost)), Outcome::Unknown, "{field} {value}");
        assert_eq!(judge_image(groups(), "x:1", Fact::NotAsked), Outcome::NotEvaluated, "{field} {value}");
    };
    check("Image User", "0", true);
    check("Image User", "0:1000", true);
    check("Image User", "root", false);
    check("Image Exposed Port", "22/tcp", true);
    check("Image Exposed Port", "2/tcp", false);
    check("Image Environment Variable", ".*PASSWORD.*=.+", true);
    check("Image Environment Variable", "EMPTY=.+", false);
    check("Image Environment Variable", "BARE=", true);
    check("Image Command", r"\s--insecure\b", true);
    check("Image Command", "sshd", false);
    check("Image Volume", "/run/secrets(/.*)?", true);
    check("Image Health Check Defined", "false", true);
    check("Base Image", "docker.io/library/debian:.*", true);
    check("Base Image", "debian.*", false);
    check("End-of-Life OS", "true", true);
    let negated = vec![Group { negate: true, ..group("Base Image", &["registry.example.org/.*"]) }];
    assert_eq!(judge_image(negated, "x:1", Fact::Known(&facts)), Outcome::Violated);
    // No history is not one without the instruction.
    let line = || vec![group("Dockerfile Line", &["ADD=.*"])];
    assert_eq!(judge_image(line(), "x:1", Fact::Known(&facts)), Outcome::Unknown);
    let built = ImageFacts { lines: Fact::Known(Vec::new()), ..facts.clone() };
    assert_eq!(judge_image(line(), "x:1", Fact::Known(&built)), Outcome::Passed);
    // Nor are packages that were read all of them.
    let package = || vec![group("Image Component", &["curl="])];
    let torn = ImageFacts { missing: Some("x".to_owned()), ..facts.clone() };
    assert_eq!(judge_image(package(), "x:1", Fact::Known(&facts)), Outcome::Passed);
    assert_eq!(judge_image(package(), "x:1", Fact::Known(&torn)), Outcome::Unknown);
    let by_digest = |name: &str| judge_image(vec![group("Image Named By Digest", &["false"])], name, Fact::NotAsked);
    assert_eq!(by_digest("x:1"), Outcome::Violated);
    assert_eq!(by_digest(&format!("x:1@sha256:{}", "0".repeat(64))), Outcome::Passed);
    assert_eq!(by_digest("UPPER:1"), Outcome::Unknown);
}

#[test]
fn a_licence_to_choose_is_not_one_to_keep() {
    let check = |licence: &str, field: &str, negate: bool, values: &[&str], expect: Outcome| {
        let terms = License::parse(licence).map(|it| it.terms()).unwrap_or_default();
        let component = Component { licenses: terms, judged: Fact::Known(()), ..Component::default() };
        let facts = ImageFacts { components: vec![component], ..ImageFacts::default() };
        let groups = vec![Group { negate, ..group(field, values) }];
        assert_eq!(judge_image(groups, "x:1", Fact::Known(&facts)), expect, "{licence}: {field} {negate} {values:?}");
    };
    let (yes, no) = (Outcome::Violated, Outcome::Passed);
    check("GPL-3.0-only", "License", false, &["GPL-.*"], yes);
    check("MIT OR GPL-3.0-only", "License", false, &["GPL-.*"], no);
    check("MIT AND GPL-3.0-only", "License", false, &["GPL-.*"], yes);
    check("(MIT OR GPL-2.0-only) AND (ISC OR GPL-3.0-only)", "License", false, &["GPL-.*"], no);
    check("GPL-2.0-only OR GPL-3.0-only", "License", false, &["GPL-2.*", "GPL-3.*"], yes);
    check("MIT OR GPL-3.0-only", "License", true, &["MIT", "Apache-2.0"], no);
    check("ISC OR GPL-3.0-only", "License", true, &["MIT", "Apache-2.0"], yes);
    check("MIT AND ISC", "License", true, &["MIT"], yes);
    check("GPLv2+", "License", false, &[r"GPLv2\+"], yes);
    check("", "License", false, &["GPL-.*"], Outcome::Unknown);
    check("", "License", true, &["GPL-.*"], Outcome::Unknown);
    check("", "License Class", false, &["NONE"], yes);
    check("", "License Class", true, &["PERMISSIVE"], yes);
    check("MIT", "License Class", true, &["PERMISSIVE"], no);
    check("MIT OR AGPL-3.0-only", "License Class", false, &["NETWORK_COPYLEFT"], no);
    check("AGPL-3.0-only", "License Class", false, &["NETWORK_COPYLEFT"], yes);
}

#[test]
fn what_is_known_of_exploitation_is_asked_for() {
    let check = |exploited: Fact<bool>, since: Option<&str>, epss: Fact<f32>, expect: [Outcome; 3]| {
        let vulnerability = Vulnerability {
            exploited,
            exploited_since: since.map(|since| since.parse().unwrap()),
            epss,
            ..Vulnerability::default()
        };
        let vulnerabilities = vec![vulnerability];
        let component = Component { vulnerabilities, judged: Fact::Known(()), ..Component::default() };
        let facts = ImageFacts { components: vec![component], ..ImageFacts::default() };
        let say = |field: &str, value: &str| judge_image(vec![group(field, &[value])], "x:1", Fact::Known(&facts));
        let said =
            [say("Known Exploited", "true"), say("Days Since CVE Was Known Exploited", "31"), say("EPSS", ">= 0.1")];
        assert_eq!(said, expect);
    };
    let (yes, no, unknown) = (Outcome::Violated, Outcome::Passed, Outcome::Unknown);
    check(Fact::Known(true), Some("2025-12-01T00:00:00Z"), Fact::Known(0.1), [yes, yes, yes]);
    check(Fact::Known(true), Some("2025-12-02T00:00:00Z"), Fact::Known(0.099_99), [yes, no, no]);
    check(Fact::Known(true), None, Fact::Known(0.9), [yes, unknown, yes]);
    check(Fact::Known(false), None, Fact::Unknown("x".to_owned()), [no, no, unknown]);
    check(Fact::Unknown("x".to_owned()), None, Fact::NotAsked, [unknown, unknown, Outcome::NotEvaluated]);
}

#[test]
fn who_may_run_as_root_is_told_by_the_manifest_or_the_image() {
    let check = |security: &str, user: &str, expect: [bool; 2]| {
        let pod = workload(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  securityContext: {{runAsNonRoot: true}}\n  \
             containers: [{{name: a, image: 'a:1', securityContext: {{{security}}}}}]\n"
        ));
        let config = Fact::Known(ImageConfig { user: user.to_owned(), ..ImageConfig::default() });
        let facts = ImageFacts { config, ..ImageFacts::default() };
        let allowed = group("Root User Allowed", &["true"]);
        let said = [vec![allowed.clone()], vec![allowed, group("Image User", &["0", "root"])]]
            .map(|groups| judge(groups, &pod, &[Fact::Known(&facts)]) == Outcome::Violated);
        assert_eq!(said, expect, "{security} {user}");
    };
    check("", "", [false, false]);
    check("runAsNonRoot: false", "", [true, true]);
    check("runAsNonRoot: false", "app", [true, false]);
    check("runAsNonRoot: false, runAsUser: 7", "", [false, false]);
    check("runAsUser: 0", "root", [true, true]);
    let pod = workload(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: 'a:1', command: [sh, -c], args: ['curl x | sh']}]}\n",
    );
    let say = |value: &str| judge(vec![group("Container Command", &[value])], &pod, &[]);
    assert_eq!((say(r"-c curl .*\| sh"), say("wget")), (Outcome::Violated, Outcome::Passed));
}

#[test]
fn what_is_wrong_with_a_policy_is_told_at_once() {
    let check = |stage, groups: Vec<Group>, expect: &[&str]| {
        let faults = compile(&policy(groups), stage).unwrap_err();
        assert_eq!(
            faults
                .iter()
                .map(|it| format!("{} {}", it.at.map(stackrox::path).unwrap_or_default(), it.reason))
                .collect::<Vec<_>>(),
            expect
        );
    };
    let at = "policySections[0].policyGroups";
    check(
        Stage::Deploy,
        vec![
            group("Priviledged Container", &["true"]),
            group("CVSS", &["high"]),
            group("Host PID", &["true", "false"]),
        ],
        &[
            &format!("{at}[0] there is no criterion \"Priviledged Container\"; there is \"Privileged Container\""),
            &format!("{at}[1].values[0] \"CVSS\": \"high\" is no number, nor one after <, >, <= or >="),
            &format!("{at}[2] \"Host PID\" takes one value, not several"),
        ],
    );
    check(
        Stage::Build,
        vec![group("Privileged Container", &["true"])],
        &[&format!("{at}[0] \"Privileged Container\" says nothing at the stage build")],
    );
    check(
        Stage::Build,
        vec![group("Dockerfile Line", &["RUNN=.*curl.*"])],
        &[&format!(
            "{at}[0].values[0] \"Dockerfile Line\": \"RUNN\" is not one of {}",
            crate::facts::INSTRUCTIONS.join(", ")
        )],
    );
    let negated = Group { negate: true, ..group("CVSS", &["> 7"]) };
    check(Stage::Build, vec![negated], &[&format!("{at}[0] \"CVSS\" cannot be turned round")]);
    check(
        Stage::Build,
        vec![group("CVE", &["("]), group("CVE", &["x"])],
        &[
            &format!("{at}[0].values[0] \"CVE\": \"(\" is no regular expression: unclosed group"),
            &format!("{at}[1] \"CVE\" is asked for a second time; give it several values"),
        ],
    );
    check(
        Stage::Deploy,
        vec![group("Add Capabilities", &["ALL"])],
        &[&format!(
            "{at}[0].values[0] \"Add Capabilities\": \"ALL\" is no capability of Linux; only what is dropped can be all"
        )],
    );
    check(
        Stage::Build,
        vec![group("CVE", &["(a{100}){11}"])],
        &[&format!("{at}[0].values[0] \"CVE\": \"(a{{100}}){{11}}\" is no regular expression: invalid repeat count")],
    );
    check(
        Stage::Build,
        vec![group("CVE", &["\\pL{1000}"])],
        &[&format!("{at}[0].values[0] \"CVE\": \"\\\\pL{{1000}}\" is no regular expression: is too large")],
    );
}

#[test]
fn corpus_policies_compile_for_their_stages_and_judge_every_manifest() {
    let (Some(policies), Some(manifests)) = (corpus("policies/stackrox"), corpus("policies/manifests")) else { return };
    let files = |folder: &std::path::Path| -> Vec<(String, String)> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let entries =
            entries.filter(|path| path.file_name().is_some_and(|name| name != "index.json" && name != "LICENSE"));
        let mut files: Vec<_> =
            entries.map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect();
        files.sort();
        files
    };
    let mut workloads = Vec::new();
    for (name, text) in files(&manifests) {
        let (objects, _) = manifest::objects(&name, &text, &Limits::default());
        workloads.extend(manifest::workloads(&objects).0.into_iter().map(|found| found.workload));
    }
    assert!(workloads.len() >= 30);
    let mut violated = Vec::new();
    for (name, text) in files(&policies) {
        let policy = stackrox::read(&serde_json::from_str(&text).unwrap()).unwrap().remove(0);
        for stage in [Stage::Build, Stage::Deploy, Stage::Runtime] {
            let compiled = compile(&policy, stage);
            if policy.stages.contains(&stage) {
                assert!(compiled.is_ok(), "{name}: {compiled:?}");
            } else if policy.stages == [Stage::Runtime] {
                assert!(compiled.is_err(), "{name} at {stage:?}");
            }
            let (Ok(compiled), Stage::Deploy) = (compiled, stage) else { continue };
            let subject = |workload| Subject {
                activity: None,
                workload: Some(workload),
                images: &[],
                now: Timestamp::UNIX_EPOCH,
            };
            let hit =
                workloads.iter().filter(|it| evaluate(&compiled, &subject(it)).outcome == Outcome::Violated).count();
            if hit > 0 {
                violated.push((policy.name.clone(), hit));
            }
        }
    }
    assert!(!violated.is_empty());
    println!("{violated:?}");
}
