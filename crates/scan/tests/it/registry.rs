//! Images of registries, from one that misbehaves on request.

use crate::options;
use sekisho_base::Limits;
use sekisho_model::{Code, Digest, Inventory, SourceKind};
use sekisho_oci::{Choice, Mirror, Patience, Registries, RegistriesFiles, Sites};
use sekisho_scan::{Cache, KnownBase, Options, ScanError, scan_image};
use sekisho_testkit::registry::Registry;
use sekisho_testkit::server::{Answer, Server};
use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn sites() -> Sites {
    let second = Duration::from_secs(1);
    let patience = Patience { attempts: 3, first: Duration::ZERO, longest: 5 * second, window: 5 * second, least: 1 };
    Sites { patience, ..Sites::default() }
}

/// Three layers, of which the uppermost is larger than what a connection takes at once.
fn image() -> ImageBuilder {
    let npm = |name: &str| {
        let text = format!(r#"{{"name":"{name}","version":"1.0.0"}}"#);
        LayerBuilder::new().file(&format!("app/node_modules/{name}/package.json"), text)
    };
    let noise: Vec<u8> =
        (0..300_000_u32).flat_map(|number| Digest::of(&number.to_le_bytes()).as_bytes()[..4].to_vec()).collect();
    ImageBuilder::new("app:1")
        .layer("one", &npm("one").build(), Compress::Gzip)
        .layer("two", &npm("two").build(), Compress::None)
        .layer("three", &npm("three").file("noise", noise).build(), Compress::Zstd)
}

fn scan_with(argument: &str, sites: Sites, change: impl FnOnce(&mut Options<'_>)) -> Result<Inventory, ScanError> {
    let registries = Registries::new(sites);
    let mut options = Options { registries: Some(&registries), ..options() };
    change(&mut options);
    scan_image(Path::new(argument), &options)
}

fn scan(registry: &Registry) -> Result<Inventory, ScanError> {
    scan_with(&format!("{}/team/app:1", registry.host()), sites(), |_| {})
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.packages.iter().map(|package| package.facts.name.as_str()).collect()
}

fn codes(inventory: &Inventory) -> Vec<Code> {
    inventory.incomplete().map(|told| told.code).collect()
}

#[test]
fn an_image_of_a_registry_is_the_same_as_on_the_disk() {
    let layout = image().oci_layout();
    let folder = tempfile::tempdir().unwrap();
    ImageBuilder::write_directory(&layout, folder.path());
    let local = scan_image(folder.path(), &options()).unwrap();
    let registry = Registry::sound();
    let digest = registry.push("1", &layout);
    let remote = scan(&registry).unwrap();
    assert_eq!(names(&remote), ["one", "three", "two"]);
    assert!(remote.complete, "{:?}", remote.diagnostics);
    assert_eq!(remote.packages, local.packages);
    let (here, there) = (local.image.unwrap(), remote.image.unwrap());
    assert_eq!((&there.layers, there.config_digest), (&here.layers, here.config_digest));
    assert_eq!(there.manifest_digest, Some(digest));
    let called = format!("{}/team/app:1", registry.host());
    assert_eq!(
        (remote.source.kind, &remote.source.name, &there.names),
        (SourceKind::Registry, &called, &vec![called.clone()])
    );
    let requests = registry.take_requests();
    assert_eq!(requests.len(), 5, "manifest, configuration and three layers: {requests:?}");
    // By digest, also with a prefix.
    for prefix in ["docker://", "registry:"] {
        let by_digest = scan_with(&format!("{prefix}{}/team/app@{digest}", registry.host()), sites(), |_| {}).unwrap();
        assert_eq!(by_digest.packages, local.packages);
    }
}

#[test]
fn one_platform_is_chosen_by_what_the_index_says() {
    let build = |architecture: &str| {
        let text = format!(r#"{{"name":"{architecture}","version":"1.0.0"}}"#);
        let layer = LayerBuilder::new().file("node_modules/x/package.json", text).build();
        ImageBuilder::new("app:1").platform("linux", architecture).layer("x", &layer, Compress::Gzip)
    };
    let (arm, z) = (build("arm64"), build("s390x"));
    let registry = Registry::sound();
    registry.push("1", &ImageBuilder::oci_layout_of(&[&arm, &z]));
    let at = format!("{}/team/app:1", registry.host());
    let wanted = |platform: &str| Choice { name: None, platform: Some(platform.parse().unwrap()) };
    let inventory = scan_with(&at, sites(), |options| options.choice = wanted("linux/s390x")).unwrap();
    assert_eq!(names(&inventory), ["s390x"]);
    let requests = registry.take_requests();
    assert_eq!(requests.iter().filter(|request| request.contains("/manifests/")).count(), 2, "{requests:?}");
    let error = scan_with(&at, sites(), |options| options.choice = wanted("linux/amd64")).unwrap_err();
    assert_eq!(error.code(), Code::PlatformAbsent);
    assert!(error.to_string().contains("linux/arm64, linux/s390x"), "{error}");
}

#[test]
fn transfers_that_break_go_on_where_they_broke() {
    let busy: Mutex<BTreeMap<String, u32>> = Mutex::default();
    let registry = Registry::new(move |request, answer| {
        // Each is refused first, and each other time.
        let mut busy = busy.lock().unwrap();
        let times = busy.entry(request.target.clone()).or_default();
        *times += 1;
        if *times % 2 == 1 {
            return Answer::new(429, "").with("retry-after", 0);
        }
        if request.target.contains("/blobs/") && answer.body.len() > 400_000 {
            let whole = answer.body.len();
            return Answer { body: answer.body[..300_000].to_vec(), ..answer }.announcing(whole);
        }
        answer
    });
    registry.push("1", &image().oci_layout());
    let inventory = scan(&registry).unwrap();
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    assert_eq!(names(&inventory), ["one", "three", "two"]);
    let requests = registry.requests();
    let ranges: Vec<&str> = requests.iter().map(|it| it.header("range")).filter(|it| !it.is_empty()).collect();
    assert!(ranges.contains(&"bytes=300000-") && ranges.contains(&"bytes=600000-"), "{ranges:?}");
}

#[test]
fn a_line_that_breaks_more_often_than_anything_is_tried_gets_there_all_the_same() {
    let registry = Registry::new(|request, answer| {
        if request.target.contains("/blobs/") && answer.body.len() > 100_000 {
            let whole = answer.body.len();
            return Answer { body: answer.body[..100_000].to_vec(), ..answer }.announcing(whole);
        }
        answer
    });
    registry.push("1", &image().oci_layout());
    assert!(scan(&registry).unwrap().complete);
    // Twelve pieces, and no more than three attempts for each.
    assert!(registry.take_requests().len() > 12);
}

#[test]
fn what_is_not_what_the_manifest_states_does_not_count() {
    let spoiled = |spoil: fn(&mut Vec<u8>), what: &str| {
        let registry = Registry::new(move |request, mut answer| {
            if request.target.contains("/blobs/") && answer.body.len() > 400_000 {
                spoil(&mut answer.body);
                return Answer::new(200, answer.body);
            }
            answer
        });
        registry.push("1", &image().oci_layout());
        let inventory = scan(&registry).unwrap();
        assert_eq!(names(&inventory), ["one", "two"]);
        assert_eq!(codes(&inventory), [Code::DigestMismatch], "{:?}", inventory.diagnostics);
        let told = inventory.incomplete().next().unwrap().to_string();
        assert!(told.contains(what), "{told}");
        // Once more, and not for ever.
        let requests = registry.take_requests();
        assert!((6..=8).contains(&requests.len()), "{requests:?}");
    };
    spoiled(|body| body[200_000] ^= 1, "has the digest");
    spoiled(|body| body.truncate(200_000), "has 200000 bytes, the manifest states");
    spoiled(|body| body.extend([0; 10]), "has more than the");
    // What came right the second time does.
    let first = Mutex::new(true);
    let registry = Registry::new(move |request, mut answer| {
        if request.target.contains("/blobs/")
            && answer.body.len() > 400_000
            && std::mem::take(&mut *first.lock().unwrap())
        {
            answer.body[7] ^= 1;
        }
        answer
    });
    registry.push("1", &image().oci_layout());
    assert!(scan(&registry).unwrap().complete);
}

#[test]
fn documents_are_verified_and_bounded() {
    let failed = |spoil: fn(&str, Answer) -> Answer| {
        let registry = Registry::new(move |request, answer| spoil(&request.target, answer));
        registry.push("1", &image().oci_layout());
        let error = scan(&registry).unwrap_err();
        assert!(registry.take_requests().len() <= 6);
        (error.code(), error.to_string())
    };
    // A manifest of a gigabyte, and one without an end.
    let (code, said) =
        failed(|target, answer| if target.contains("/manifests/") { answer.announcing(1 << 30) } else { answer });
    assert_eq!(code, Code::LimitExceeded, "{said}");
    assert!(said.contains("limits.document_bytes"), "{said}");
    let (code, said) = failed(|target, answer| {
        if target.contains("/manifests/") {
            return Answer::new(200, vec![b' '; 5 << 20]).with("transfer-encoding", "identity");
        }
        answer
    });
    assert_eq!(code, Code::LimitExceeded, "{said}");
    // A manifest that is not the one the registry says it is, and a configuration that is another.
    let (code, said) = failed(|target, mut answer| {
        if target.contains("/manifests/") {
            answer.body.push(b' ');
        }
        answer
    });
    assert_eq!(code, Code::DigestMismatch, "{said}");
    // The same of one that an index names.
    let registry = Registry::new(|request, mut answer| {
        if request.target.contains("/manifests/sha256:") {
            answer.body.push(b' ');
        }
        answer
    });
    let layout = image().oci_layout();
    registry.push("2", &layout);
    registry.put("1", &layout["index.json"]);
    let error = scan(&registry).unwrap_err();
    assert!(error.code() == Code::DigestMismatch && error.to_string().contains("the digest"), "{error}");
    let (code, said) = failed(|target, mut answer| {
        if target.contains("/blobs/") && answer.body.len() < 2000 && answer.body.starts_with(b"{") {
            answer.body.push(b' ');
        }
        answer
    });
    assert_eq!(code, Code::DigestMismatch, "{said}");
    for (text, code, reason) in [
        (r#"{"schemaVersion":1,"fsLayers":[]}"#, Code::SourceUnknown, "schema 1"),
        (r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, Code::ImageInvalid, "in one"),
        (r#"{"schemaVersion":2}"#, Code::ImageInvalid, "neither"),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","layers":[]}"#,
            Code::ImageInvalid,
            "another kind",
        ),
        ("<html>", Code::ImageInvalid, "manifest"),
    ] {
        let registry = Registry::sound();
        registry.put("1", text.as_bytes());
        let error = scan(&registry).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    // Something else that is stored as images are.
    let registry = Registry::sound();
    let empty = Digest::of(b"{}");
    let chart = json!({ "schemaVersion": 2, "layers": [],
        "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": empty, "size": 2 } });
    registry.put("1", chart.to_string().as_bytes());
    let error = scan(&registry).unwrap_err();
    assert!(error.code() == Code::SourceUnknown && error.to_string().contains("helm"), "{error}");
}

#[test]
fn indexes_without_an_end_have_one() {
    let index = |manifests: Vec<serde_json::Value>| json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
    let entry = |digest: Digest, size: usize| json!({ "mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": size });
    let registry = Registry::sound();
    // Very many builds.
    let builds = (0..2000_u32).map(|number| {
        json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest::of(&number.to_le_bytes()),
            "size": 1, "platform": { "os": "linux", "architecture": format!("a{number}") } })
    });
    registry.put("1", index(builds.collect()).as_bytes());
    assert_eq!(scan(&registry).unwrap_err().code(), Code::LimitExceeded);
    assert_eq!(registry.take_requests().len(), 1);
    // Indexes within each other.
    let mut text = index(Vec::new());
    for _ in 0..20 {
        let digest = registry.put("", text.as_bytes());
        text = index(vec![entry(digest, text.len())]);
    }
    registry.put("1", text.as_bytes());
    assert_eq!(scan(&registry).unwrap_err().code(), Code::LimitExceeded);
    assert!(registry.take_requests().len() < 8);
    // Very many indexes beside each other.
    let many = (0..3000_u32).map(|number| {
        let text = json!({ "schemaVersion": 2, "manifests": [], "n": number }).to_string();
        entry(registry.put("", text.as_bytes()), text.len())
    });
    let text = index(many.collect());
    registry.put("1", text.as_bytes());
    assert_eq!(scan(&registry).unwrap_err().code(), Code::LimitExceeded);
    assert!(registry.take_requests().len() <= 1001);
}

#[test]
fn registries_that_ask_for_a_token_get_one_and_no_loop() {
    let issued = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&issued);
    let tokens = Server::new(move |request| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        assert!(request.target.ends_with("service=r&scope=repository%3Ateam%2Fapp%3Apull"), "{}", request.target);
        Answer::new(200, format!(r#"{{"token":"t{number}"}}"#))
    });
    // Each token is good for three requests: one that asks again, and one of another layer meanwhile.
    let (realm, uses) = (tokens.url("/token"), Mutex::new(BTreeMap::<String, u32>::new()));
    let registry = Registry::new(move |request, answer| {
        let token = request.header("authorization").to_owned();
        let mut uses = uses.lock().unwrap();
        let used = uses.entry(token.clone()).or_default();
        *used += 1;
        if request.target == "/v2/" || !token.is_empty() && *used <= 3 {
            return answer;
        }
        Answer::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"r\""))
    });
    registry.push("1", &image().oci_layout());
    let inventory = scan_with(&format!("{}/team/app:1", registry.host()), sites(), |options| options.jobs = 1).unwrap();
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    assert!(issued.load(Ordering::Relaxed) >= 2, "a token that is over is renewed");
    // One that is never content.
    let realm = tokens.url("/token");
    let endless = Registry::new(move |_, _| {
        Answer::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"r\""))
    });
    let error = scan(&endless).unwrap_err();
    assert_eq!(error.code(), Code::RegistryDenied, "{error}");
    assert!(endless.take_requests().len() <= 3);
    // One that lets only the manifest be read.
    let realm = tokens.url("/token");
    let half = Registry::new(move |request, answer| {
        if request.target.contains("/blobs/") && answer.body.len() > 400_000 {
            return Answer::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"r\""));
        }
        answer
    });
    half.push("1", &image().oci_layout());
    let inventory = scan(&half).unwrap();
    assert_eq!(codes(&inventory), [Code::RegistryDenied]);
    assert!(half.take_requests().len() <= 12);
}

/// A file of logins for this registry: `me:secret`.
fn login(registry: &Registry, folder: &Path) -> PathBuf {
    let path = folder.join("auth.json");
    let text = format!(r#"{{"auths":{{"{}":{{"auth":"bWU6c2VjcmV0"}}}}}}"#, registry.host());
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn another_host_is_not_told_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let layout = image().oci_layout();
    let blobs = layout.clone();
    let store = Server::new(move |request| {
        let hex = request.target.rsplit("sha256:").next().unwrap().to_owned();
        Answer::new(200, blobs[&format!("blobs/sha256/{hex}")].clone())
    });
    let elsewhere = store.url("");
    let registry = Registry::new(move |request, answer| match request.header("authorization") {
        _ if request.target == "/v2/" => answer,
        "Basic bWU6c2VjcmV0" if request.target.contains("/blobs/") => {
            Answer::new(307, "").with("location", format!("{elsewhere}{}", request.target))
        }
        "Basic bWU6c2VjcmV0" => answer,
        _ => Answer::new(401, "").with("www-authenticate", "Basic realm=\"r\""),
    });
    registry.push("1", &layout);
    assert_eq!(scan(&registry).unwrap_err().code(), Code::RegistryDenied);
    let sites = Sites { login_files: vec![login(&registry, folder.path())], ..sites() };
    let inventory = scan_with(&format!("{}/team/app:1", registry.host()), sites, |_| {}).unwrap();
    assert!(inventory.complete, "{:?}", inventory.diagnostics);
    let seen = store.take_requests();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|request| request.header("authorization").is_empty()));
}

#[test]
fn an_identity_token_is_exchanged_and_goes_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let thief = Server::new(|_| Answer::new(200, r#"{"access_token":"good"}"#));
    let (away, moved) = (thief.url("/token"), std::sync::Arc::new(Mutex::new(false)));
    let moves = std::sync::Arc::clone(&moved);
    let tokens = Server::new(move |request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert_eq!(request.method, "POST");
        assert!(body.contains("refresh_token=I%2Bd") && body.contains("grant_type=refresh_token"), "{body}");
        if *moves.lock().unwrap() {
            return Answer::new(307, "").with("location", &away);
        }
        Answer::new(200, r#"{"access_token":"good"}"#)
    });
    let realm = tokens.url("/token");
    let registry = Registry::new(move |request, answer| match request.header("authorization") {
        "Bearer good" => answer,
        _ if request.target == "/v2/" => answer,
        _ => Answer::new(401, "").with("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"r\"")),
    });
    registry.push("1", &image().oci_layout());
    let path = folder.path().join("auth.json");
    std::fs::write(&path, format!(r#"{{"auths":{{"{}":{{"identitytoken":"I+d"}}}}}}"#, registry.host())).unwrap();
    let run = || {
        let sites = Sites { login_files: vec![path.clone()], ..sites() };
        scan_with(&format!("{}/team/app:1", registry.host()), sites, |_| {})
    };
    assert!(run().unwrap().complete);
    *moved.lock().unwrap() = true;
    assert_eq!(run().unwrap_err().code(), Code::RegistryDenied);
    assert!(thief.take_requests().is_empty());
}

#[test]
fn layers_that_are_known_are_not_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::sound();
    registry.push("1", &image().oci_layout());
    let at = format!("{}/team/app:1", registry.host());
    let cached = |options: &mut Options<'_>| options.cache = Some(Cache::new(folder.path().to_owned(), 1 << 20));
    let first = scan_with(&at, sites(), cached).unwrap();
    assert_eq!(registry.take_requests().len(), 5);
    let again = scan_with(&at, sites(), cached).unwrap();
    assert_eq!(registry.take_requests().len(), 2, "the manifest and the configuration");
    assert_eq!(again, first);
    // Nothing is remembered of temporary files.
    assert!(!folder.path().join("files").exists());
    // A manifest that lies about a size is found out with the cache as without it.
    let lied = |mut layout: BTreeMap<String, Vec<u8>>| {
        let is_manifest =
            |bytes: &[u8]| serde_json::from_slice(bytes).is_ok_and(|it: serde_json::Value| it["layers"].is_array());
        let path = layout.iter().find(|(path, bytes)| path.starts_with("blobs/") && is_manifest(bytes));
        let (path, bytes) = path.map(|(path, bytes)| (path.clone(), bytes.clone())).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        manifest["layers"][0]["size"] = 5.into();
        layout.remove(&path);
        manifest.to_string()
    };
    registry.put("1", lied(image().oci_layout()).as_bytes());
    let inventory = scan_with(&at, sites(), cached).unwrap();
    assert_eq!(codes(&inventory), [Code::DigestMismatch], "{:?}", inventory.diagnostics);
}

#[test]
fn inventories_are_remembered_for_all_that_they_follow_from() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::sound();
    let gone = LayerBuilder::new().whiteout("app/node_modules/two").build();
    registry.push("1", &image().layer("rm", &gone, Compress::None).oci_layout());
    let at = format!("{}/team/app:1", registry.host());
    let scan = |change: &dyn Fn(&mut Options<'_>)| {
        let cached = |options: &mut Options<'_>| {
            options.cache = Some(Cache::new(folder.path().to_owned(), 1 << 20));
            options.all_layers = false;
            change(options);
        };
        scan_with(&at, sites(), cached).unwrap()
    };
    let remembered = || std::fs::read_dir(folder.path().join("images")).unwrap().count();
    let plain = scan(&|_| {});
    let layer = |inventory: &Inventory| inventory.image.as_ref().unwrap().layers[0].clone();
    let base = KnownBase { name: "b:1".to_owned(), digest: None, diff_ids: vec![layer(&plain).diff_id.unwrap()] };
    let all = |options: &mut Options<'_>| options.all_layers = true;
    let based = |options: &mut Options<'_>| options.bases.bases.push(base.clone());
    let narrow = |options: &mut Options<'_>| options.limits.facts_bytes = 1;
    let changes: [&dyn Fn(&mut Options<'_>); 4] = [&|_| {}, &all, &based, &narrow];
    let found: Vec<Inventory> = changes.map(scan).into();
    assert_eq!(found[0], plain);
    assert!(found[0].removed.is_empty());
    assert_eq!(found[1].removed.len(), 1, "{:?}", found[1].diagnostics);
    assert_ne!(layer(&found[2]).origin, layer(&plain).origin);
    // What is too much for one scan's limits is no word about another.
    assert!(!found[3].complete);
    assert_eq!(remembered(), 4);
    let again: Vec<Inventory> = changes.map(scan).into();
    assert_eq!((again, remembered()), (found, 4));
}

#[test]
fn mirrors_are_asked_first_and_may_fail() {
    let (sound, other, broken) = (Registry::sound(), Registry::sound(), Registry::new(|_, _| Answer::new(500, "")));
    sound.push("1", &image().oci_layout());
    other.push("1", &image().oci_layout());
    let at = format!("{}/team/app:1", sound.host());
    let mirror = |from: &Registry, below: &str, to: &Registry| -> Mirror {
        format!("{}{below}={}/cache", from.host(), to.host()).parse().unwrap()
    };
    let mirrors = vec![mirror(&sound, "", &broken), mirror(&sound, "/team", &other), mirror(&sound, "/tea", &broken)];
    let inventory = scan_with(&at, Sites { mirrors, ..sites() }, |_| {}).unwrap();
    assert!(inventory.complete && inventory.source.name == at);
    assert!(sound.take_requests().is_empty());
    assert!(!broken.take_requests().is_empty());
    assert!(other.take_requests().iter().all(|request| request.contains("/v2/cache/app/")), "the place is replaced");
    let inventory = scan_with(&at, Sites { mirrors: vec![mirror(&sound, "", &broken)], ..sites() }, |_| {}).unwrap();
    assert!(inventory.complete);
    let absent = format!("{}/team/app:2", sound.host());
    let error =
        scan_with(&absent, Sites { mirrors: vec![mirror(&sound, "", &broken)], ..sites() }, |_| {}).unwrap_err();
    assert!(error.code() == Code::ArtifactAbsent && error.to_string().contains("mirror"), "{error}");
    for text in ["", "a=b", "docker.io=", "=h.x", "docker.io=https://h.x", "docker.io=h.x/a:1", "docker.io"] {
        assert!(text.parse::<Mirror>().is_err(), "{text}");
    }
}

#[test]
fn registries_conf_leads_as_podman_is_led() {
    let (home, near, broken) = (Registry::sound(), Registry::sound(), Registry::new(|_, _| Answer::new(500, "")));
    home.push("1", &image().oci_layout());
    near.push("1", &image().oci_layout());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registries.conf");
    let scan = |argument: &str, text: &str| {
        std::fs::write(&path, text).unwrap();
        let routes = RegistriesFiles { main: Some(path.clone()), named: true, ..RegistriesFiles::default() };
        scan_with(argument, Sites { routes, ..sites() }, |_| {})
    };
    let (at_home, at_near, at_broken) = (home.host(), near.host(), broken.host());
    // Another place with a mirror before it that fails and one that has the image.
    let text = format!(
        "[[registry]]\nprefix = 'shop.example.org/team'\nlocation = '{at_home}/x'\n[[registry.mirror]]\n\
         location = '{at_broken}'\n[[registry.mirror]]\nlocation = '{at_near}/cache'\n"
    );
    let inventory = scan("shop.example.org/team/app:1", &text).unwrap();
    assert!(inventory.complete && inventory.source.name == "shop.example.org/team/app:1");
    assert!(home.take_requests().is_empty() && !broken.take_requests().is_empty());
    let asked = near.take_requests();
    assert!(asked.iter().all(|request| request.contains("/v2/cache/app/")), "{asked:?}");
    // Blocked: nobody is asked.
    let error =
        scan(&format!("{at_home}/team/app:1"), &format!("[[registry]]\nlocation = '{at_home}'\nblocked = true\n"));
    let error = error.unwrap_err();
    assert!(error.code() == Code::RegistryDenied && error.to_string().contains("blocks"), "{error}");
    assert!(home.take_requests().is_empty());
    // A name without a registry is searched for where registries say that they have it not, and named by where it is.
    let text = format!("unqualified-search-registries = ['{at_near}', '{at_home}']\n");
    let found = scan("team/app:1", &text).unwrap();
    assert_eq!(found.source.name, format!("{at_near}/team/app:1"));
    home.push("2", &image().oci_layout());
    let found = scan("team/app:2", &text).unwrap();
    assert_eq!(found.source.name, format!("{at_home}/team/app:2"));
    let error = scan("team/app:3", &text).unwrap_err();
    let said = error.to_string();
    assert!(error.code() == Code::ArtifactAbsent && said.contains(&at_near) && said.contains(&at_home), "{said}");
    // One that does not answer may be the one that has it.
    home.take_requests();
    let error = scan("team/app:1", &format!("unqualified-search-registries = ['{at_broken}', '{at_home}']\n"));
    assert_eq!(error.unwrap_err().code(), Code::RegistryUnreachable);
    assert!(home.take_requests().is_empty());
    // An alias is one place, and a prefix that leads to registries is the name as it stands.
    let text = format!("[aliases]\n'team/app' = '{at_home}/y/app'\n");
    assert_eq!(scan("team/app:1", &text).unwrap().source.name, format!("{at_home}/y/app:1"));
    let error = scan(
        "team/app:1",
        &format!("short-name-mode = 'enforcing'\nunqualified-search-registries = ['{at_near}', '{at_home}']\n"),
    );
    let error = error.unwrap_err();
    assert!(error.code() == Code::ImageAmbiguous && error.hint().is_some(), "{error}");
    let error = scan("team/app:1", "[[registry]").unwrap_err();
    assert!(error.to_string().contains("registries.conf says where"), "{error}");
}

#[test]
fn there_is_an_end_to_waiting_and_to_room() {
    let registry = Registry::new(|request, answer| {
        if request.target.contains("/blobs/") && answer.body.len() > 400_000 {
            let whole = answer.body.len();
            return Answer { body: answer.body[..100].to_vec(), ..answer }.announcing(whole).hanging();
        }
        answer
    });
    registry.push("1", &image().oci_layout());
    let at = format!("{}/team/app:1", registry.host());
    // One that says nothing more.
    let mut quick = sites();
    quick.patience = Patience { attempts: 1, window: Duration::from_millis(50), ..quick.patience };
    let inventory = scan_with(&at, quick, |_| {}).unwrap();
    assert_eq!(codes(&inventory), [Code::RegistryUnreachable], "{:?}", inventory.diagnostics);
    assert_eq!(names(&inventory), ["one", "two"]);
    let silent = Registry::new(|_, answer| answer.announcing(1 << 10).hanging());
    silent.push("1", &image().oci_layout());
    let mut quick = sites();
    quick.patience = Patience { attempts: 1, window: Duration::from_millis(50), ..quick.patience };
    let error = scan_with(&format!("{}/team/app:1", silent.host()), quick, |_| {}).unwrap_err();
    assert_eq!(error.code(), Code::RegistryUnreachable, "{error}");
    // The time of a scan is over while a layer comes.
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let inventory = scan_with(&at, sites(), |options| options.limits = limits).unwrap();
    assert!(codes(&inventory).contains(&Code::LimitExceeded), "{:?}", inventory.diagnostics);
    // Temporary files are counted before they are written, and layers larger than a file may be not fetched.
    let bounded = [
        (Limits { spill_bytes: 100_000, ..Limits::default() }, Code::TemporaryUnusable),
        (Limits { download_bytes: 100_000, ..Limits::default() }, Code::LimitExceeded),
    ];
    for (limits, code) in bounded {
        registry.take_requests();
        let inventory = scan_with(&at, sites(), |options| options.limits = limits.clone()).unwrap();
        assert_eq!(codes(&inventory), [code], "{:?}", inventory.diagnostics);
        assert_eq!(names(&inventory), ["one", "two"]);
        assert_eq!(registry.take_requests().len(), 4);
    }
}

#[test]
fn what_is_on_the_disk_is_a_path() {
    let (folder, registry) = (tempfile::tempdir().unwrap(), Registry::sound());
    registry.push("1", &image().oci_layout());
    let reached = |argument: &str| {
        let result = scan_with(argument, sites(), |_| {});
        (result.map(|_| ()).map_err(|error| (error.code(), error.to_string())), registry.take_requests().len())
    };
    // Paths, by what they look like.
    for path in ["./none", "../none", "/none", "none.tar", &format!("{}/team/app.tar", registry.host())] {
        let (result, requests) = reached(path);
        let (code, said) = result.unwrap_err();
        assert!(code == Code::SourceMissing && requests == 0, "{said}");
    }
    let (result, _) = reached(&format!("{}/team/none:1", registry.host()).replace(":1", ":2"));
    let (code, said) = result.unwrap_err();
    assert!(
        code == Code::ArtifactAbsent && said.contains("there is no such file, and ") && said.contains("team/none:2"),
        "{said}"
    );
    let (result, requests) = reached("docker://Not A Name");
    assert!(result.unwrap_err().0 == Code::SourceUnknown && requests == 0);
    let file = folder.path().join("app");
    std::fs::write(&file, "no image").unwrap();
    let (result, requests) = reached(file.to_str().unwrap());
    assert!(result.unwrap_err().0 == Code::SourceUnknown && requests == 0);
}
