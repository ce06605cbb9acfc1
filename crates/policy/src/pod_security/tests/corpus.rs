//! The pods that the API server itself is tested with: kubernetes/pod-security-admission, `test/testdata`.

use super::*;
use crate::testing::corpus;
use sekisho_base::inflate::{Compression, Inflate};
use std::io::Read;

/// The pods of the corpus: path, such as `baseline/v1.30/fail/sysctls0.yaml`, and object.
fn pods() -> Vec<(String, Object)> {
    let Some(corpus) = corpus("policies") else { return Vec::new() };
    let stored = std::fs::read(corpus.join("pod-security-v1.30.tar.gz")).unwrap();
    let limits = Limits::default();
    let plain = Inflate::new(stored.as_slice(), Compression::Gzip, stored.len() as u64, &limits).unwrap();
    let mut found = Vec::new();
    for entry in tar::Archive::new(plain).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().trim_start_matches("./").to_owned();
        if path.contains("/v1.30/") && entry.header().entry_type().is_file() {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((path, object(&text)));
        }
    }
    assert_eq!(found.len(), 128);
    found
}

#[test]
fn every_pod_has_its_verdict() {
    let mut counts = std::collections::BTreeMap::new();
    for (path, object) in pods() {
        let [level, version, verdict, file] = path.split('/').collect::<Vec<_>>()[..] else { panic!("{path}") };
        let found = violations(&object, &format!("{level}@{version}"));
        *counts.entry((level.to_owned(), verdict.to_owned())).or_insert(0) += 1;
        if verdict == "pass" {
            assert_eq!(found, [], "{path}");
            assert_eq!(violations(&object, &format!("baseline@{version}")), [], "{path}");
            continue;
        }
        assert!(!found.is_empty(), "{path}");
        let checks: Vec<String> = found.iter().map(|violation| violation.check.to_lowercase()).collect();
        let check = file.trim_end_matches(".yaml").trim_end_matches(|last: char| last.is_ascii_digit());
        // Beside a check of `restricted` the one that it takes the place of is not run.
        let wanted = match (level, check) {
            ("restricted", "capabilities_baseline") => "capabilities_restricted",
            ("restricted", "hostpathvolumes") => "restrictedvolumes",
            ("restricted", "seccompprofile_baseline") => "seccompprofile_restricted",
            _ => check,
        };
        assert!(checks.iter().any(|check| check == wanted), "{path}: {checks:?}");
    }
    let counts: Vec<_> = counts.iter().map(|((level, verdict), count)| (&**level, &**verdict, *count)).collect();
    let all =
        [("baseline", "fail", 29), ("baseline", "pass", 11), ("restricted", "fail", 69), ("restricted", "pass", 19)];
    assert!(counts.is_empty() || counts == all, "{counts:?}");
}

/// Every path that is named is in the object, or is missing right below something that is.
#[test]
fn paths_lead_somewhere() {
    for (path, object) in pods() {
        for violation in violations(&object, "restricted") {
            assert!(!violation.paths.is_empty(), "{path}: {violation:?}");
            for at in &violation.paths {
                assert!(object.place(at).line > 1, "{path}: {at}");
            }
        }
    }
}

/// As admission requests have them: JSON, without places.
#[test]
fn json_is_judged_as_yaml_is() {
    for (path, object) in pods() {
        let text = serde_json::to_vec(&object.node).unwrap();
        let json = Object::new("x.json", sekisho_base::tree::from_json(&text).unwrap()).unwrap();
        for of in ["baseline", "restricted@1.18"] {
            assert_eq!(violations(&json, of), violations(&object, of), "{path}");
        }
    }
}
