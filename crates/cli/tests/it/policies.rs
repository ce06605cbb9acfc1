//! Policies of several languages on the command line, and what is wrong around them.

use super::world::{World, shown};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: 'web:1'}]}\n";

const TEMPLATE: &str = "apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: made}
spec:
  crd: {spec: {names: {kind: Made}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package p
      violation[{\"msg\": \"no pods\"}] { input.review.object.kind == \"Pod\" }
";

const CONSTRAINT: &str = "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Made\nmetadata: {name: c}\n";

/// A world with these files in it, and what a command says there.
fn said(files: &[(&str, &str)]) -> impl Fn(&str) -> (Option<i32>, String) + use<> {
    let world = World::new();
    for (name, text) in files {
        let path = world.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    move |arguments| {
        let output = world.command(arguments).output().unwrap();
        (output.status.code(), shown(&output))
    }
}

#[test]
fn rego_knows_the_data_that_is_given_and_says_what_is_not() {
    let rego = "package main\ndeny contains \"a bad name\" if data.names.bad[_] == input.metadata.name\n";
    let run = said(&[
        ("pod.yaml", POD),
        ("rules.rego", rego),
        ("data/names/some.yaml", "bad: [web]\n"),
        ("flat.json", "{\"names\": {\"bad\": [\"other\"]}}"),
        ("list.json", "[1]"),
    ]);
    let check = "check manifest pod.yaml --profile none --policy rules.rego";
    let (code, text) = run(check);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("it needs data.names.bad, which no policy defines and no document for data gives"), "{text}");
    // Directories below the one that is named are names above what is in them.
    let (code, text) = run(&format!("{check} --data data"));
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = run(&format!("{check} --data flat.json"));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&format!("{check} --data list.json"));
    assert!(code == Some(2) && text.contains("list.json:1:1: is no map"), "{code:?} {text}");
    let (code, text) = run(&format!("{check} --data flat.json --data data"));
    assert!(code == Some(2) && text.contains("contradict each other"), "{code:?} {text}");
}

#[test]
fn policies_in_other_languages_are_listed_shown_and_explained() {
    let run = said(&[("pod.yaml", POD), ("gatekeeper.yaml", &format!("{TEMPLATE}---\n{CONSTRAINT}"))]);
    let with = "--profile none --policy gatekeeper.yaml";
    let (_, text) = run(&format!("policy list {with}"));
    assert!(text.contains("Made/c") && text.contains("1 polic"), "{text}");
    let (_, text) = run(&format!("policy list {with} --format json"));
    assert!(text.contains("\"language\": \"gatekeeper\""), "{text}");
    let (code, text) = run(&format!("policy show Made/c {with}"));
    assert!(code == Some(0) && text.contains("violation[{\"msg\": \"no pods\"}]"), "{text}");
    let (code, text) = run(&format!("policy explain Made/c {with} pod.yaml"));
    assert!(code == Some(0) && text.ends_with("Pod/web: violated\n  no pods\n"), "{text}");
}

#[test]
fn what_is_not_there_fails_its_own_test_of_a_suite_alone() {
    let suite = "apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
tests:
- name: made
  template: template.yaml
  constraint: constraint.yaml
  cases:
  - {name: gone, object: gone.yaml, assertions: [{violations: yes}]}
  - {name: there, object: pod.yaml, assertions: [{violations: yes}]}
- {name: lost, template: lost.yaml, constraint: constraint.yaml, cases: [{name: x, object: pod.yaml}]}
";
    let run = said(&[
        ("s/suite.yaml", suite),
        ("s/template.yaml", TEMPLATE),
        ("s/constraint.yaml", CONSTRAINT),
        ("s/pod.yaml", POD),
    ]);
    let (code, text) = run("policy test s/suite.yaml");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("made: gone: cannot read s/gone.yaml") && text.contains("lost: cannot read s/lost.yaml"),
        "{text}"
    );
    assert!(text.ends_with("1 passed, 2 failed\n"), "{text}");
}

#[test]
fn links_lead_nowhere_out_of_a_directory() {
    let world = World::new();
    let at = |name: &str| world.path().join(name);
    fs::create_dir_all(at("in/.data")).unwrap();
    fs::write(at("outside.yaml"), POD).unwrap();
    fs::write(at("in/.data/pod.yaml"), POD).unwrap();
    symlink(".data/pod.yaml", at("in/pod.yaml")).unwrap();
    let run = || {
        let output = world.command("check manifest in --profile none --pod-security baseline").output().unwrap();
        (output.status.code(), shown(&output))
    };
    // As the volumes of Kubernetes have it.
    let (code, text) = run();
    assert!(code == Some(0) && text.contains("in/pod.yaml"), "{code:?} {text}");
    symlink("../outside.yaml", at("in/x.yaml")).unwrap();
    let (code, text) = run();
    assert!(
        code == Some(3) && text.contains("in/x.yaml: is a link that leads out of the directory"),
        "{code:?} {text}"
    );
    fs::remove_file(at("in/x.yaml")).unwrap();
    // What lies in the directory is read where it is, whatever leads there.
    symlink(".data", at("in/inside")).unwrap();
    assert_eq!(run().0, Some(0));
    fs::create_dir(at("elsewhere")).unwrap();
    symlink("../elsewhere", at("in/more")).unwrap();
    let (code, text) = run();
    assert!(
        code == Some(3) && text.contains("in/more: is a link to a directory elsewhere, which is not followed"),
        "{code:?} {text}"
    );
}

#[test]
fn files_are_known_by_their_ends_and_empty_ones_are_told() {
    let run = said(&[("in/POD.YAML", POD), ("in/empty.yml", "# nothing yet\n")]);
    let (code, text) = run("check manifest in --pod-security baseline --format json");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("in/POD.YAML") && text.contains("holds no document"), "{text}");
}

#[test]
fn what_cannot_be_converted_is_told() {
    let own = "policy: x\nname: Known exploited\nseverity: low\nstages: [deploy]\nwhen: {Known Exploited: true}\n";
    let run = said(&[
        ("own.yaml", own),
        ("gatekeeper.yaml", &format!("{TEMPLATE}---\n{CONSTRAINT}")),
        ("rules.rego", "package main\ndeny contains \"a\" if false\n"),
    ]);
    let (code, text) = run("policy convert own.yaml --to stackrox");
    assert!(code == Some(3) && text.contains("StackRox has no criterion \"Known Exploited\""), "{code:?} {text}");
    for file in ["gatekeeper.yaml", "rules.rego"] {
        for form in ["stackrox", "vap", "sekisho"] {
            let (code, text) = run(&format!("policy convert {file} --to {form}"));
            assert!(code == Some(3) && text.contains("not converted: 1 in other languages"), "{code:?} {text}");
        }
    }
}

#[test]
fn what_holds_no_object_does_not_pass() {
    let run = said(&[
        ("pod.yaml", POD),
        ("empty.yaml", ""),
        ("comment.yaml", "# nothing\n---\n"),
        ("error.yaml", "error: chart not found\n"),
        ("list.yaml", "[]\n"),
        ("map.yaml", "{}\n"),
        ("text.yaml", "error\n"),
        ("none.yaml", "apiVersion: v1\nkind: List\nitems: []\n"),
        ("values/values.yaml", "replicas: 1\n"),
        ("mixed/values.yaml", "replicas: 1\n"),
        ("mixed/pod.yaml", POD),
    ]);
    for named in ["empty", "comment", "error", "map", "none"] {
        let (code, text) = run(&format!("check manifest pod.yaml {named}.yaml --pod-security baseline"));
        let told = format!("{named}.yaml: holds no object of Kubernetes, so nothing in it was judged");
        assert!(code == Some(3) && text.contains(&told), "{named}: {code:?} {text}");
    }
    for (named, why) in [("list.yaml", "is a list, not an object"), ("text.yaml", "is a text, not an object")] {
        let (code, text) = run(&format!("check manifest pod.yaml {named} --pod-security baseline"));
        assert!(code == Some(3) && text.contains(why), "{named}: {code:?} {text}");
    }
    let (code, text) = run("check manifest values --pod-security baseline");
    assert!(code == Some(3) && text.contains("values: holds no object"), "{code:?} {text}");
    // What is beside objects in a directory was not named itself.
    let (code, text) = run("check manifest mixed --pod-security baseline");
    assert!(code == Some(0), "{code:?} {text}");
}

#[test]
fn pipes_are_read_where_they_are_named_and_not_opened_in_directories() {
    let world = World::new();
    let pipe = |name: &str| {
        let path = world.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    pipe("in/pipe.yaml");
    fs::write(world.path().join("in/pod.yaml"), POD).unwrap();
    let output = world.command("check manifest in --pod-security baseline").output().unwrap();
    let text = shown(&output);
    assert!(output.status.code() == Some(3) && text.contains("pipe.yaml: is no regular file"), "{text}");
    let output = world.command("policy lint in").output().unwrap();
    assert!(output.status.code() == Some(1) && shown(&output).contains("is no regular file"), "{}", shown(&output));
    let named = pipe("named");
    let writer = std::thread::spawn(move || fs::write(named, POD));
    let output = world.command("check manifest named --pod-security baseline").output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[test]
fn policies_see_the_namespace_that_objects_are_put_into() {
    let policy = "policy: a\nname: A\nseverity: low\nstages: [deploy]\nenforce: [deploy]\nscope: [{namespace: shop}]\n\
                  when: {Image Tag: latest}\n";
    let run = said(&[("a.yaml", policy), ("pod.yaml", &POD.replace(":1", ":latest"))]);
    let check = "check manifest pod.yaml --profile none --policy a.yaml --fail-on low";
    assert_eq!(run(check).0, Some(0));
    let (code, text) = run(&format!("{check} -n shop"));
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn two_policies_of_one_id_are_not_sound() {
    let policy = "policy: a\nname: A\nseverity: low\nstages: [deploy]\nwhen: {Privileged Container: true}\n";
    let run = said(&[("two.yaml", &format!("{policy}---\n{policy}"))]);
    let (code, text) = run("policy lint two.yaml");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("two.yaml:7:1: there is another policy \"a\" in two.yaml"), "{text}");
}

#[test]
fn what_is_sound_and_never_there_is_warned_of() {
    let policy = "policy: a\nname: A\nseverity: low\nstages: [build]\nwhen: {Dockerfile Line: 'FROM='}\n";
    let run = said(&[("a.yaml", policy), ("b.yaml", &policy.replace("FROM", "RUN").replace("policy: a", "policy: b"))]);
    let (code, text) = run("policy lint a.yaml b.yaml");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("warning: a: Dockerfile Line FROM=: no image says what it was built FROM"), "{text}");
    let agents = "policy: a\nname: A\nseverity: low\nstages: [runtime]\nevent_source: deployment\n\
                  when: {Kubernetes Resource: PODS_EXEC, User Agent: curl}\n";
    let told = said(&[("a.yaml", agents)])("policy lint a.yaml").1;
    assert!(told.contains("warning: a: User Agent: only the audit log tells it"), "{told}");
    assert!(!text.contains("warning: b") && text.contains("2 sound, 0 wrong"), "{text}");
}

#[test]
fn what_all_files_of_one_call_take_in_memory_is_bounded_and_told() {
    let pods = (0..50).fold(String::new(), |pods, number| {
        pods + &POD.replace("{name: web}", &format!("{{name: web{number}}}")) + "---\n"
    });
    let run = |limit: u64| {
        let config = format!("[limits]\nfacts_bytes = {limit}\n");
        let files =
            [("sekisho.toml", config.as_str()), ("in/1.yaml", &pods), ("in/2.yaml", &pods), ("in/3.yaml", &pods)];
        said(&files)("--config sekisho.toml check manifest in --pod-security baseline --format json")
    };
    assert_eq!(run(1 << 20).0, Some(0));
    for (limit, told) in [
        (60_000, "all objects together take more than the limit of 60000 bytes of memory (limits.facts_bytes)"),
        (100 + pods.len() as u64, "in/2.yaml: is left out: with those before it, it takes more than the limit of"),
    ] {
        let (code, text) = run(limit);
        assert_eq!(code, Some(3), "{limit}: {text}");
        assert!(text.contains(told), "{limit}: {text}");
    }
}

#[test]
fn settings_of_admission_about_policies_that_there_are_not_are_refused() {
    let run = said(&[("sekisho.toml", "[admission]\nwarn_until = [\"privileged-contaner=2027-01-01\"]\n")]);
    let (code, text) = run("--config sekisho.toml admission serve --listen 127.0.0.1:0");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("admission.warn_until") && text.contains("there is \"privileged-container\""), "{text}");
}

/// A program of this text in the directory `bin`, which is all that can be found.
fn install(world: &World, name: &str, script: &str) {
    let path = world.path().join("bin").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn charts_and_kustomizations_are_rendered_by_what_is_installed() {
    let world = World::new();
    for (name, text) in [
        ("all/chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
        ("all/chart/templates/pod.yaml", "kind: {{ .Values.kind }}\n"),
        ("all/base/kustomization.yaml", "resources: [gone.yaml]\n"),
        ("all/pod.yaml", POD),
    ] {
        let path = world.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir_all(world.path().join("bin")).unwrap();
    let run = |arguments: &str, settings: &[(&str, &str)]| {
        let mut command = world.command(arguments);
        command.env("PATH", world.path().join("bin")).envs(settings.iter().copied());
        let output = command.output().unwrap();
        (output.status.code(), shown(&output))
    };
    let check = "check manifest all --pod-security baseline";
    // What cannot be rendered is said, and what lies in it is not taken for manifests; the rest is judged.
    let (code, text) = run(check, &[]);
    assert_eq!(code, Some(3), "{text}");
    for said in [
        "all/base: must be rendered, and kustomize or kubectl is not installed; give what `kustomize build` writes instead",
        "all/chart: must be rendered, and helm is not installed; give what `helm template release` writes instead",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(!text.contains("templates"), "{text}");

    let pod = |name: &str, privileged: bool| {
        format!(
            "echo 'apiVersion: v1'; echo 'kind: Pod'; echo 'metadata: {{name: {name}}}'; echo 'spec: {{containers: [{{name: \
             a, image: a, securityContext: {{privileged: {privileged}}}}}]}}'"
        )
    };
    let called = |words: &str| format!("[ \"$*\" = '{words}' ] || {{ echo \"Error: $*\" >&2; exit 1; }}\n");
    // Much on the other stream holds up nothing.
    let loud =
        "i=0; while [ $i -lt 3000 ]; do echo 'coalesce.go:286: warning: cannot overwrite table' >&2; i=$((i+1)); done";
    install(&world, "helm", &format!("{}{loud}\n{}", called("template release all/chart"), pod("of-chart", true)));
    install(&world, "kubectl", &format!("{}{}", called("kustomize all/base"), pod("of-base", false)));
    let (code, text) = run(check, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Pod/of-chart in namespace default  all/chart (helm):1"), "{text}");
    // The first of those that are installed renders.
    install(&world, "kustomize", &format!("{}{}", called("build all/base"), pod("of-kustomize", true)));
    let (_, text) = run(check, &[]);
    assert!(text.contains("Pod/of-kustomize in namespace default  all/base (kustomize):1"), "{text}");

    install(&world, "helm", &format!("{loud}\necho 'Error: values are missing' >&2; exit 1"));
    install(&world, "kustomize", &pod("of-kustomize", false));
    let (code, text) = run(check, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("all/chart: helm template release says: Error: values are missing"), "{text}");

    install(&world, "helm", "echo 'a: b'; while :; do echo '# and so on, and so on, and so on'; done");
    let (code, text) = run(check, &[("SEKISHO_LIMITS__TEXT_FILE_BYTES", "1048576")]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("writes more than 1048576 bytes (limits.text_file_bytes)"), "{text}");
}

#[test]
fn what_nobody_answers_yet_is_said_of_sound_policies() {
    let policy = "policy: signed\nname: Images must be signed\nseverity: high\nstages: [build, deploy]\nwhen: {Image Signature \
                  Verified By: x}\n---\npolicy: exec\nname: No shells\nseverity: low\nstages: [runtime]\nevent_source: \
                  deployment\nwhen: {Process Name: sh}\n";
    let run = said(&[("pod.yaml", POD), ("later.yaml", policy)]);
    let (code, text) = run("policy lint later.yaml");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        text.split_once('\n').unwrap().1,
        "note: signed: Image Signature Verified By is not answered yet: signatures are not verified yet\n2 sound, \
         0 wrong\n"
    );
    let (code, text) = run("check manifest pod.yaml --profile none --policy later.yaml");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("signed: Image Signature Verified By: signatures are not verified yet\n"), "{text}");
    assert!(!text.contains("--images"), "{text}");
}
