//! `db update` against a server on the loopback interface.

use super::world::{World, shown};
use sekisho_testkit::server::{Answer, Server, file};
use std::fs;

const KEV: &str = r#"{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"2023.11.01",
    "dateReleased":"2023-11-01T00:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2023-9001","vendorProject":"Express",
    "product":"Express","vulnerabilityName":"Express Code Injection","dateAdded":"2023-10-20","shortDescription":"",
    "requiredAction":"Apply updates.","dueDate":"2023-11-10","knownRansomwareCampaignUse":"Known","notes":"","cwes":[]}]}"#;

fn server() -> Server {
    Server::new(|request| match request.target.as_str() {
        // A proxy sees the whole address.
        "/kev.json" | "http://feeds.test/kev.json" => file(request, KEV.as_bytes(), "1"),
        "/broken" => Answer::new(403, ""),
        _ => Answer::new(404, ""),
    })
}

fn run(world: &World, arguments: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = world.command(arguments);
    command.env("SEKISHO_DATABASE__DIRECTORY", "fetched").envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.code(), shown(&output))
}

#[test]
fn an_update_takes_what_changed_and_says_what_failed() {
    let (world, server) = (World::new(), server());
    let kev = format!("[{:?}]", server.url("/kev.json"));
    let broken = format!("[{:?}]", server.url("/broken").replace("http://", "http://me:secret@"));
    let variables = [("SEKISHO_FEEDS__KEV", kev.as_str()), ("SEKISHO_FEEDS__EPSS", broken.as_str())];
    let (code, said) = run(&world, "db update kev", &variables);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("kev: 1 facts about vulnerabilities") && said.contains("the database holds"), "{said}");
    let (code, said) = run(&world, "db update kev epss", &variables);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("kev: unchanged"), "{said}");
    let why = format!("not taken: epss: cannot get {}: the server answers 403", server.url("/broken"));
    assert!(said.contains(&why) && said.contains("error[feed.unreachable]: 1 of 2 upstreams"), "{said}");
    assert!(said.contains("hint: ") && !said.contains("secret"), "{said}");
    let (_, said) = run(&world, "config show", &variables);
    assert!(said.contains("feeds.epss") && !said.contains("me:secret"), "{said}");

    // Ten days later it is old, until it is seen to be unchanged.
    let later = [("SEKISHO_FEEDS__KEV", kev.as_str()), ("SEKISHO_SCAN__AS_OF", "2023-11-25T08:13:20Z")];
    let (code, said) = run(&world, "db status", &later);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("out of date: kev from kev (taken 10 days ago)") && said.contains("db update"), "{said}");
    assert!(run(&world, "db update kev", &later).1.contains("kev: unchanged"));
    let (_, said) = run(&world, "db status", &later);
    assert!(!said.contains("out of date") && said.contains("(0 days ago)"), "{said}");

    let (code, said) = run(&world, "db remove kev", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(run(&world, "db status", &[]).0, Some(3));
}

#[test]
fn an_update_goes_through_the_proxy_of_the_configuration() {
    let (world, server) = (World::new(), server());
    let proxy = server.url("");
    let variables = [("SEKISHO_FEEDS__KEV", r#"["http://feeds.test/kev.json"]"#), ("http_proxy", proxy.as_str())];
    let (code, said) = run(&world, "db update kev", &variables);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(server.take_requests()[0].target, "http://feeds.test/kev.json");
}

#[test]
fn upstreams_are_listed_with_their_terms() {
    let world = World::new();
    let all = world.stdout("db update --list");
    assert!(
        all.contains("debian (on)") && all.contains("/{release}/main.json") && all.contains("wolfi (off)"),
        "{all}"
    );
    let one = world.stdout("db update wolfi --list");
    assert!(one.starts_with("wolfi (off)") && one.contains("not to be handed on") && one.lines().count() == 2, "{one}");
    let (code, said) = run(&world, "db update nmp", &[]);
    assert!(code == Some(2) && said.contains("there is no upstream \"nmp\"") && said.contains("npm"), "{said}");
}

#[test]
fn an_air_gap_is_crossed_in_a_directory() {
    let (world, server) = (World::new(), server());
    let kev = format!("[{:?}]", server.url("/kev.json"));
    let variables = [("SEKISHO_FEEDS__KEV", kev.as_str())];
    let (code, said) = run(&world, "db update kev --urls", &variables);
    assert_eq!((code, said.lines().any(|line| line == server.url("/kev.json"))), (Some(0), true), "{said}");
    let mirror = world.path().join("mirror").join(server.host());
    fs::create_dir_all(&mirror).unwrap();
    let (code, said) = run(&world, "db update kev --from mirror", &variables);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("not taken: kev") && said.contains("is not there"), "{said}");
    fs::write(mirror.join("kev.json"), KEV).unwrap();
    let (code, said) = run(&world, "db update kev --from mirror", &variables);
    assert_eq!(code, Some(0), "{said}");
    assert!(!run(&world, "db update kev --urls --from mirror", &variables).1.contains("http"));
    assert!(server.take_requests().is_empty());
}

#[test]
fn a_database_is_handed_on_in_a_directory() {
    let world = World::new();
    let run = |arguments: &str, directory: &str| {
        let output = world.command(arguments).env("SEKISHO_DATABASE__DIRECTORY", directory).output().unwrap();
        (output.status.code(), shown(&output))
    };
    assert_eq!(run("db import feed", "own").0, Some(0));
    let (code, said) = run("db push oci:stick:today", "own");
    assert!(code == Some(0) && said.contains("pushed oci:stick:today") && said.contains("sha256:"), "{said}");
    let (code, said) = run("db pull oci:stick:today", "other");
    assert!(code == Some(0) && said.contains("the database holds 3 advisories"), "{said}");
    assert!(run("db status", "other").1.contains("(pulled)"));
    assert!(run("db pull oci:stick:today", "other").1.contains("is the database that there is"));
    for (arguments, directory) in
        [("db import feed", "other"), ("db remove feed", "other"), ("db pull oci:stick:today", "own")]
    {
        let (code, said) = run(arguments, directory);
        assert!(code == Some(2) && said.contains("error[database.foreign]") && said.contains("--replace"), "{said}");
    }
    assert_eq!(run("db import feed --replace", "other").0, Some(0));
    assert!(!run("db status", "other").1.contains("(pulled)"));
    for (place, code) in [("oci:stick:none", "artifact.absent"), ("stick", "usage.invalid"), ("h.x/A", "usage.invalid")]
    {
        let (exit, said) = run(&format!("db pull {place} --replace"), "other");
        assert!(exit == Some(2) && said.contains(code), "{place}: {said}");
    }
}
