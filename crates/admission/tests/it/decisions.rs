use super::*;
use sekisho_admission::rules::pair;
use sekisho_admission::{Doubt, Outcome};
use sekisho_model::{Fact, PolicySeverity};
use sekisho_policy::ImageFacts;
use serde_json::json;
use std::sync::Arc;

fn of(rules: Rules, name: &str) -> Decision {
    decide(&Judge::new(rules, set(POLICIES)), &recorded(name), &Known::default())
}

#[test]
fn each_request_comes_to_what_the_rules_say() {
    let check = |name: &str, outcome: Outcome, why: &str| {
        let decision = of(enforcing(), name);
        assert_eq!(decision.outcome, outcome, "{name}: {decision:#?}");
        assert!(decision.message.contains(why), "{name}: {}", decision.message);
        assert_eq!(decision.allowed(), outcome != Outcome::Denied);
    };
    check("pod-recorded", Outcome::Warned, "");
    check(
        "deployment-create",
        Outcome::Denied,
        "set spec.template.spec.containers[0].securityContext.privileged to false",
    );
    check("deployment-good", Outcome::Warned, "");
    check("deployment-unchanged", Outcome::Ignored, "nothing that is judged is changed");
    check("deployment-scaled", Outcome::Denied, "[privileged]");
    check("deployment-scale", Outcome::Ignored, "this part");
    check("cronjob-create", Outcome::Denied, "spec.jobTemplate.spec.template.spec.containers[0]");
    check("pod-owned", Outcome::Ignored, "belongs to");
    check("pod-ephemeral", Outcome::Denied, "container debugger");
    check("pod-delete", Outcome::Ignored, "deleted");
    check("pod-exec", Outcome::Denied, "[no-exec] Nobody gets a shell: exec of pod \"web-7d4b9c-x\"");
    check("pod-attach", Outcome::Passed, "");
    check("pod-portforward", Outcome::Passed, "");
}

#[test]
fn what_controllers_write_into_metadata_is_judged_where_a_policy_looks_at_it() {
    let check = |more: &str, name: &str, key: &str, expect: Outcome| {
        let judge = Judge::new(enforcing(), set(&format!("{POLICIES}{more}")));
        let mut review = recorded("deployment-unchanged");
        review["request"]["object"]["metadata"][name][key] = json!("3");
        let decision = decide(&judge, &review, &Known::default());
        assert_eq!(decision.outcome, expect, "{more} {name} {key}: {decision:#?}");
    };
    let asking = |when: &str, scope: &str| {
        format!("---\npolicy: x\nname: X\nseverity: low\nstages: [deploy]\n{scope}when: {when}\n")
    };
    let (revision, field) = ("deployment.kubernetes.io/revision", "container.apparmor.security.beta.kubernetes.io/web");
    check("", "annotations", revision, Outcome::Ignored);
    check("", "labels", "seen", Outcome::Ignored);
    check("", "annotations", field, Outcome::Denied);
    check(&asking("{Required Annotation: a=b}", ""), "annotations", revision, Outcome::Denied);
    check(&asking("{Required Annotation: a=b}", ""), "labels", "seen", Outcome::Ignored);
    check(&asking("{Required Label: a=b}", ""), "labels", "seen", Outcome::Denied);
    check(&asking("{Host PID: true}", "scope: [{label: a=b}]\n"), "labels", "seen", Outcome::Denied);
}

#[test]
fn a_denial_names_policy_container_field_and_fix() {
    let decision = of(enforcing(), "deployment-create");
    assert_eq!(
        decision.message,
        "sekisho: 1 policy is violated:\n- [privileged] No container is privileged: container web: is privileged; fix: \
         set spec.template.spec.containers[0].securityContext.privileged to false"
    );
    assert_eq!(decision.annotations["verdict"], "denied");
    assert_eq!(decision.annotations["denied-by"], "privileged");
    assert_eq!(decision.annotations["not-evaluated"], "old-system");
    assert_eq!(decision.policies, ["escalation", "privileged"]);
    assert!(decision.warnings.iter().all(|warning| warning.len() <= 256 && warning.starts_with("sekisho: ")));
}

#[test]
fn modes_say_whether_it_is_noted_told_or_refused() {
    let of_mode = |mode| of(Rules { mode, ..Rules::default() }, "deployment-create");
    let audit = of_mode(Mode::Audit);
    assert_eq!((audit.outcome, audit.warnings.len()), (Outcome::Noted, 0));
    assert_eq!(audit.annotations["violated"], "escalation, privileged");
    let warn = of_mode(Mode::Warn);
    assert_eq!((warn.outcome, warn.warnings.len()), (Outcome::Warned, 2));
    assert_eq!(of_mode(Mode::Enforce).outcome, Outcome::Denied);
    let staged = Rules { namespaces: vec![("sh*".parse().unwrap(), Mode::Enforce)], ..Rules::default() };
    assert_eq!(of(staged, "deployment-create").outcome, Outcome::Denied);
    let severe = Rules { fail_on: Some(PolicySeverity::Medium), ..enforcing() };
    assert_eq!(of(severe, "deployment-good").outcome, Outcome::Denied);
    let later = Rules { warn_until: vec![pair("privileged=2026-06-30").unwrap()], ..enforcing() };
    let decision = of(later, "deployment-create");
    assert_eq!(decision.outcome, Outcome::Warned);
    assert!(decision.warnings.iter().any(|it| it.contains("refused from 2026-07-01T00:00:00Z on")), "{decision:?}");
    let past = Rules { warn_until: vec![pair("privileged=2026-05-30").unwrap()], ..enforcing() };
    assert_eq!(of(past, "deployment-create").outcome, Outcome::Denied);
}

#[test]
fn a_label_says_the_mode_before_all_else() {
    let judge = Judge::new(Rules::default(), set(POLICIES));
    let review = || Review::read(recorded("deployment-create").to_string().as_bytes()).unwrap();
    let of = |label| match judge.begin(review(), label) {
        Step::Judge(case) => judge.decide(&case, &Known::default(), now(), true).unwrap().outcome,
        Step::Done(_) => panic!("it is judged"),
    };
    assert_eq!(
        [of(None), of(Some(Mode::Enforce)), of(Some(Mode::Audit))],
        [Outcome::Warned, Outcome::Denied, Outcome::Noted]
    );
}

#[test]
fn some_namespaces_and_users_are_not_judged() {
    let mut review = recorded("deployment-create");
    let judge = Judge::new(enforcing(), set(POLICIES));
    review["request"]["namespace"] = json!("kube-system");
    assert_eq!(decide(&judge, &review, &Known::default()).outcome, Outcome::Exempt);
    let rules = Rules { exempt_users: vec!["jane@*".parse().unwrap()], ..enforcing() };
    assert_eq!(of(rules, "deployment-create").outcome, Outcome::Exempt);
}

/// Anyone can write that a pod belongs to something.
#[test]
fn only_controllers_make_what_belongs_to_others() {
    let judge = Judge::new(enforcing(), set(POLICIES));
    let mut forged = recorded("pod-owned");
    forged["request"]["userInfo"]["username"] = json!("jane@example.org");
    assert_eq!(decide(&judge, &forged, &Known::default()).outcome, Outcome::Denied);
    let mut foreign = recorded("pod-owned");
    foreign["request"]["object"]["metadata"]["ownerReferences"][0]["kind"] = json!("Widget");
    foreign["request"]["object"]["metadata"]["ownerReferences"][0]["apiVersion"] = json!("example.org/v1");
    assert_eq!(decide(&judge, &foreign, &Known::default()).outcome, Outcome::Denied, "nobody judged its owner");
    let rules = Rules { judge_owned: true, ..enforcing() };
    assert_eq!(of(rules, "pod-owned").outcome, Outcome::Denied);
}

#[test]
fn what_is_being_deleted_can_lose_its_finalizers() {
    let judge = Judge::new(enforcing(), set(POLICIES));
    let mut review = recorded("deployment-scaled");
    review["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-06-01T00:00:00Z");
    assert_eq!(decide(&judge, &review, &Known::default()).outcome, Outcome::Ignored);
    // What is made is not being deleted, whatever it says.
    let mut review = recorded("deployment-create");
    review["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-06-01T00:00:00Z");
    assert_eq!(decide(&judge, &review, &Known::default()).outcome, Outcome::Denied);
}

#[test]
fn a_request_that_does_not_fit_together_is_not_passed() {
    let judge = Judge::new(Rules { unknown: Doubt::Deny, ..enforcing() }, set(POLICIES));
    let decided = |change: &dyn Fn(&mut Value)| {
        let mut review = recorded("deployment-good");
        change(&mut review["request"]);
        decide(&judge, &review, &Known::default())
    };
    for (change, why) in [
        (&(|it: &mut Value| it["object"] = Value::Null) as &dyn Fn(&mut Value), "the request has no object"),
        (
            &|it: &mut Value| it["object"]["kind"] = json!("ConfigMap"),
            "the object is of another kind than the request says",
        ),
        (&|it: &mut Value| it["object"]["kind"] = Value::Null, "the object says not of what kind it is"),
    ] {
        let decision = decided(change);
        assert_eq!(decision.outcome, Outcome::Denied, "{why}");
        assert!(decision.message.contains(why), "{}", decision.message);
    }
}

#[test]
fn the_glass_is_broken_with_a_reason_only() {
    let with = |rules: Rules, reason: Value| {
        let mut review = recorded("deployment-create");
        review["request"]["object"]["metadata"]["annotations"] = json!({"sekisho.dev/break-glass": reason});
        decide(&Judge::new(rules, set(POLICIES)), &review, &Known::default())
    };
    let broken = with(enforcing(), json!("INC-17: the shop is down"));
    assert_eq!((broken.outcome, broken.allowed()), (Outcome::BrokenGlass, true));
    assert_eq!(broken.reason.as_deref(), Some("INC-17: the shop is down"));
    assert_eq!(broken.annotations["break-glass"], "INC-17: the shop is down");
    assert_eq!(broken.annotations["denied-by"], "privileged");
    assert!(broken.warnings[0].contains("INC-17"), "{:?}", broken.warnings);
    for reason in ["  ", "\u{200b}", "-", "\u{2800}\u{ad}"] {
        let silent = with(enforcing(), json!(reason));
        assert!(!silent.allowed() && silent.message.contains("gives no reason"), "{reason:?}");
    }
    assert!(!with(enforcing(), json!(7)).allowed());
    assert!(!with(Rules { break_glass: None, ..enforcing() }, json!("please")).allowed());
    let warned = with(Rules::default(), json!("not needed"));
    assert_eq!(warned.outcome, Outcome::Warned, "no glass is broken where nothing is refused");
}

#[test]
fn what_nobody_can_say_goes_by_the_rule_for_it() {
    let unknown = || Known {
        images: [("registry.example.org/web:1".to_owned(), Fact::Unknown("the registry is down".to_owned()))].into(),
        ..Known::default()
    };
    let of = |rules: Rules| {
        let decision = decide(&Judge::new(rules, set(POLICIES)), &recorded("deployment-good"), &unknown());
        assert_eq!(decision.unknown, ["old-system"]);
        (decision.outcome, decision.warnings.join("\n") + &decision.message)
    };
    let (outcome, text) = of(enforcing());
    assert_eq!(outcome, Outcome::Warned);
    assert!(text.contains("the registry is down"), "{text}");
    assert_eq!(of(Rules { unknown: Doubt::Deny, ..enforcing() }).0, Outcome::Denied);
    assert_eq!(of(Rules { unknown: Doubt::Deny, ..Rules::default() }).0, Outcome::Warned);
    let (_, text) = of(Rules { unknown: Doubt::Allow, ..enforcing() });
    assert!(!text.contains("the registry is down"));
    let named = vec![pair("old-system=deny").unwrap()];
    assert_eq!(of(Rules { unknown_policies: named, ..enforcing() }).0, Outcome::Denied);
}

#[test]
fn an_object_that_cannot_be_read_is_not_passed() {
    let mut review = recorded("deployment-good");
    review["request"]["object"]["spec"]["template"]["spec"]["containers"] = json!("none");
    let decision = decide(&Judge::new(enforcing(), set(POLICIES)), &review, &Known::default());
    assert_eq!((decision.outcome, decision.unknown.as_slice()), (Outcome::Warned, &["all".to_owned()][..]));
    let judge = Judge::new(Rules { unknown: Doubt::Deny, ..enforcing() }, set(POLICIES));
    assert_eq!(decide(&judge, &review, &Known::default()).outcome, Outcome::Denied);
    let strict = Rules { unknown_policies: vec![pair("old-system=deny").unwrap()], ..enforcing() };
    let judge = Judge::new(strict, set(POLICIES));
    assert_eq!(
        decide(&judge, &review, &Known::default()).outcome,
        Outcome::Denied,
        "one of them must not be passed over"
    );
}

#[test]
fn images_are_asked_about_once_the_object_itself_is_no_reason_to_refuse() {
    let judge = Judge::new(enforcing(), set(POLICIES));
    let case = |name: &str| match judge.begin(Review::read(recorded(name).to_string().as_bytes()).unwrap(), None) {
        Step::Judge(case) => case,
        Step::Done(decision) => panic!("{decision:?}"),
    };
    let bad = case("deployment-create");
    let denied = judge.decide(&bad, &Known::default(), now(), false).expect("it is refused at once");
    assert!(denied.message.ends_with("1 policy about images was not asked"), "{}", denied.message);
    let good = case("deployment-good");
    assert_eq!(judge.decide(&good, &Known::default(), now(), false), None);
    let images = judge.images(&good);
    assert_eq!(images.keys().collect::<Vec<_>>(), ["registry.example.org/web:1"]);
    let known = |os: &str| Known {
        images: [(
            "registry.example.org/web:1".to_owned(),
            Fact::Known(Arc::new(ImageFacts {
                os: Fact::Known(os.to_owned()),
                scanned: Some(now()),
                ..ImageFacts::default()
            })),
        )]
        .into(),
        digests: [("registry.example.org/web:1".to_owned(), "sha256:abc".to_owned())].into(),
        ..Known::default()
    };
    let old = judge.decide(&good, &known("debian:9"), now(), true).unwrap();
    assert_eq!(old.outcome, Outcome::Denied);
    let resolved = "sekisho: judged registry.example.org/web:1 as sha256:abc".to_owned();
    assert_eq!(old.annotations["images"], "registry.example.org/web:1=sha256:abc");
    assert!(old.warnings.contains(&resolved), "{:?}", old.warnings);
    let new = judge.decide(&good, &known("debian:13"), now(), true).unwrap();
    assert_eq!(new.outcome, Outcome::Warned);
    assert!(new.warnings.contains(&resolved));
    // Nothing is wrong, and yet the tag stood for something.
    let judge = Judge::new(enforcing(), of_images());
    let passed = judge.decide(&good, &known("debian:13"), now(), true).unwrap();
    assert_eq!((passed.outcome, &passed.warnings), (Outcome::Passed, &vec![resolved]));
    assert_eq!(passed.annotations["images"], "registry.example.org/web:1=sha256:abc");
    // What is named by its digest says so itself, and what is only noted warns nobody.
    let named =
        Known { digests: [("web@sha256:abc".to_owned(), "sha256:abc".to_owned())].into(), ..known("debian:13") };
    let passed = judge.decide(&good, &named, now(), true).unwrap();
    assert_eq!((&passed.warnings, &*passed.annotations["images"]), (&Vec::new(), "web@sha256:abc=sha256:abc"));
    let judge = Judge::new(Rules { mode: Mode::Audit, ..Rules::default() }, of_images());
    let case = match judge.begin(Review::read(recorded("deployment-good").to_string().as_bytes()).unwrap(), None) {
        Step::Judge(case) => case,
        Step::Done(decision) => panic!("{decision:?}"),
    };
    let noted = judge.decide(&case, &known("debian:13"), now(), true).unwrap();
    assert_eq!((&noted.warnings, noted.annotations.contains_key("images")), (&Vec::new(), true));
}

/// Policies that ask for images alone.
fn of_images() -> PolicySet {
    set(
        "policy: old-system\nname: No image is of Debian 9\nstages: [deploy]\nenforce: true\nseverity: high\nwhen: {Image OS: 'debian:9'}\n",
    )
}

#[test]
fn a_denial_counts_policies_not_places_and_names_no_policy_without_id() {
    let mut review = recorded("deployment-create");
    let containers = &mut review["request"]["object"]["spec"]["template"]["spec"]["containers"];
    let mut second = containers[0].clone();
    second["name"] = json!("second");
    containers.as_array_mut().unwrap().push(second);
    let decision = decide(&Judge::new(enforcing(), set(POLICIES)), &review, &Known::default());
    assert!(decision.message.starts_with("sekisho: 1 policy is violated in 2 places:\n"), "{}", decision.message);
    assert_eq!(decision.annotations["denied-by"], "privileged");
    // What cannot be read at all is refused by no policy.
    let mut review = recorded("deployment-good");
    review["request"]["object"]["spec"]["template"]["spec"]["containers"] = json!("none");
    let judge = Judge::new(Rules { unknown: Doubt::Deny, ..enforcing() }, set(POLICIES));
    let decision = decide(&judge, &review, &Known::default());
    assert_eq!((decision.outcome, decision.annotations.get("denied-by")), (Outcome::Denied, None));
    assert_eq!(decision.annotations["unknown"], "all");
    assert!(decision.annotations.values().all(|value| !value.is_empty()), "{:?}", decision.annotations);
    review["request"]["object"]["metadata"]["annotations"] = json!({"sekisho.dev/break-glass": "INC-17"});
    let broken = decide(&judge, &review, &Known::default());
    assert_eq!(
        broken.warnings[0],
        "sekisho: let in by sekisho.dev/break-glass (INC-17) against what could not be judged"
    );
}

#[test]
fn images_of_volumes_are_looked_up_and_judged_as_those_of_containers() {
    let judge = Judge::new(enforcing(), set(POLICIES));
    let mut review = recorded("deployment-good");
    let pod = &mut review["request"]["object"]["spec"]["template"]["spec"];
    pod["volumes"] = serde_json::json!([{ "name": "model", "image": { "reference": "registry.example.org/model:1" } }]);
    pod["containers"][0]["volumeMounts"] = serde_json::json!([{ "name": "model", "mountPath": "/model" }]);
    let case = match judge.begin(Review::read(review.to_string().as_bytes()).unwrap(), None) {
        Step::Judge(case) => case,
        Step::Done(decision) => panic!("{decision:?}"),
    };
    let names = ["registry.example.org/model:1", "registry.example.org/web:1"];
    assert_eq!(judge.images(&case).keys().collect::<Vec<_>>(), names);
    let facts = |os: &str| {
        let os = Fact::Known(os.to_owned());
        Fact::Known(Arc::new(ImageFacts { os, scanned: Some(now()), ..ImageFacts::default() }))
    };
    let decide = |model: Fact<Arc<ImageFacts>>| {
        let images = [(names[0].to_owned(), model), (names[1].to_owned(), facts("debian:13"))].into();
        judge.decide(&case, &Known { images, ..Known::default() }, now(), true).unwrap()
    };
    assert_ne!(decide(facts("debian:13")).outcome, Outcome::Denied);
    let denied = decide(facts("debian:9"));
    assert_eq!(denied.outcome, Outcome::Denied);
    assert!(denied.message.contains(names[0]), "{}", denied.message);
    // One that cannot be had is as little passed as that of a container.
    let unknown = decide(Fact::Unknown("it is gone".to_owned()));
    assert!(unknown.warnings.iter().any(|it| it.contains("it is gone")), "{unknown:#?}");
}

/// What no single object says must not be taken for what it does not have.
#[test]
fn what_other_objects_say_is_not_evaluated() {
    let text = "
policy: no-ingress-policy
name: Nothing restricts what comes in
severity: high
stages: [deploy]
when: {Has Ingress Network Policy: false}
---
policy: powerful
name: The account may do much
severity: high
stages: [deploy]
enforce: true
when: {Minimum RBAC Permissions: ELEVATED_IN_NAMESPACE}
---
policy: exposed
name: It is exposed
severity: high
stages: [deploy]
enforce: true
when: {Port Exposure Method: EXTERNAL}
";
    let judge = Judge::new(enforcing(), set(text));
    assert_eq!(judge.beyond(), ["exposed"]);
    let decision = decide(&judge, &recorded("deployment-good"), &Known::default());
    assert_eq!(decision.outcome, Outcome::Passed, "{decision:#?}");
    assert_eq!(decision.annotations["not-evaluated"], "exposed, no-ingress-policy, powerful");
}

#[test]
fn labels_of_the_namespace_decide_what_a_policy_is_for() {
    let text = r#"{"name": "No container is privileged", "id": "p", "severity": "HIGH_SEVERITY", "policyVersion": "1.1",
        "lifecycleStages": ["DEPLOY"], "enforcementActions": ["SCALE_TO_ZERO_ENFORCEMENT"], "categories": ["x"],
        "scope": [{"namespaceLabel": {"key": "tier", "value": "prod"}}],
        "policySections": [{"policyGroups": [{"fieldName": "Privileged Container", "values": [{"value": "true"}]}]}]}"#;
    let judge = |rules| Judge::new(rules, set(text));
    assert!(judge(enforcing()).needs_namespace());
    let of = |rules, namespace| {
        decide(&judge(rules), &recorded("deployment-create"), &Known { namespace, ..Known::default() }).outcome
    };
    let labels = |value: &str| Fact::Known(namespace(&json!({"tier": value})));
    assert_eq!(of(enforcing(), labels("prod")), Outcome::Denied);
    assert_eq!(of(enforcing(), labels("test")), Outcome::Passed);
    let lost = || Fact::Unknown("the API server is away".to_owned());
    assert_eq!(of(enforcing(), lost()), Outcome::Warned);
    assert_eq!(of(Rules { unknown: Doubt::Deny, ..enforcing() }, lost()), Outcome::Denied);
}

#[test]
fn who_asks_decides_about_connections() {
    let policies = "
policy: guests
name: No guest attaches
severity: high
stages: [runtime]
event_source: deployment
enforce: true
scope: [{namespace: shop}]
when: {Kubernetes Resource: PODS_ATTACH, Kubernetes User Name: guest-.*}
---
policy: groups
name: Only operators attach
severity: low
stages: [runtime]
event_source: deployment
when: {Kubernetes Resource: PODS_ATTACH, Kubernetes User Groups: {not: operators}}
---
policy: agents
name: Nobody attaches with curl
severity: low
stages: [runtime]
event_source: deployment
when: {Kubernetes Resource: PODS_ATTACH, Kubernetes User Name: jane, User Agent: curl}
";
    let asked = |user: &str, groups: &[&str], namespace: &str| {
        let mut review = recorded("pod-attach");
        review["request"]["userInfo"] = json!({"username": user, "groups": groups});
        review["request"]["namespace"] = namespace.into();
        let decision = decide(&Judge::new(enforcing(), set(policies)), &review, &Known::default());
        (decision.outcome, decision.policies.join(" "), decision.unknown.join(" "))
    };
    let told = |outcome, violated: &str, unknown: &str| (outcome, violated.to_owned(), unknown.to_owned());
    assert_eq!(asked("guest-7", &["operators"], "shop"), told(Outcome::Denied, "guests", ""));
    assert_eq!(asked("guest-7", &["operators"], "other"), told(Outcome::Passed, "", ""));
    assert_eq!(asked("bob", &["team"], "shop"), told(Outcome::Warned, "groups", ""));
    assert_eq!(asked("bob", &["team", "operators"], "shop"), told(Outcome::Passed, "", ""));
    // What a review does not say is not known, unless the rest decides.
    assert_eq!(asked("jane", &["operators"], "shop"), told(Outcome::Warned, "", "agents"));
}

#[test]
fn rules_about_policies_that_there_are_not_are_told() {
    let rules = Rules {
        warn_until: vec![
            ("privileged".to_owned(), "2027-01-01".parse().unwrap()),
            ("escalatoin".to_owned(), "2027-01-01".parse().unwrap()),
        ],
        unknown_policies: vec![
            ("No image is of Debian 9".to_owned(), Doubt::Deny),
            ("what-is-this".to_owned(), Doubt::Deny),
        ],
        ..enforcing()
    };
    assert_eq!(
        Judge::new(rules, set(POLICIES)).unheard(),
        [
            (
                "warn_until",
                "there is no policy \"escalatoin\" among those that are asked; there is \"escalation\"".to_owned()
            ),
            ("unknown_policies", "there is no policy \"what-is-this\" among those that are asked".to_owned()),
        ]
    );
}
