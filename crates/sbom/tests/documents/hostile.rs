//! Documents that were cut, damaged, or written to do harm.

use super::foreign::fixtures;
use super::{cyclonedx, spdx};
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_model::{Code, Inventory};
use sekisho_sbom::read::{ReadError, read};
use std::time::{Duration, Instant};

fn of(bytes: &[u8], limits: &Limits) -> Option<Result<Inventory, ReadError>> {
    read(bytes, "x.json", Timestamp::UNIX_EPOCH, limits)
}

#[test]
fn what_is_cut_is_no_document() {
    let limits = Limits::default();
    let own = [
        ("own".to_owned(), cyclonedx::write(&cyclonedx::example(), None)),
        ("own".to_owned(), spdx::write(&cyclonedx::example(), None)),
    ];
    for (name, text) in fixtures().into_iter().chain(own) {
        let text = text.trim_end();
        let step = text.len() / 97 + 1;
        for end in (0..text.len()).step_by(step).chain([text.len() - 1]) {
            assert!(!matches!(of(&text.as_bytes()[..end], &limits), Some(Ok(_))), "{name} cut at {end}");
        }
    }
}

#[test]
fn damage_is_survived() {
    let limits = Limits::default();
    for (_, text) in fixtures() {
        let mut bytes = text.into_bytes();
        let step = bytes.len() / 101 + 1;
        let whole = of(&bytes, &limits).unwrap().unwrap().packages.len();
        for at in (0..bytes.len()).step_by(step) {
            let before = bytes[at];
            bytes[at] ^= 1 << (at % 8);
            if let Some(Ok(inventory)) = of(&bytes, &limits) {
                assert!(inventory.packages.len() <= 2 * whole + 1);
                assert!(!inventory.packages.is_empty() || !inventory.complete, "nothing is left, and it is not said");
            }
            bytes[at] = before;
        }
    }
}

fn document(components: &str) -> String {
    format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{components}]}}"#)
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| {
        let open = r#"{"type":"library","name":"a","purl":"pkg:npm/a@1","components":["#.repeat(depth);
        document(&format!("{open}{}", "]}".repeat(depth)))
    };
    let limits = Limits::default();
    assert_eq!(of(nested(50).as_bytes(), &limits).unwrap().unwrap().packages.len(), 1);
    assert!(!matches!(of(nested(1_000_000).as_bytes(), &limits), Some(Ok(_))));
    let deep = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","x":{}"#, "[".repeat(1_000_000));
    assert!(!matches!(of(deep.as_bytes(), &limits), Some(Ok(_))));
}

#[test]
fn names_that_are_given_twice_hide_nothing() {
    let limits = Limits::default();
    let one =
        |name: &str| format!(r#"{{"type":"library","bom-ref":"same","name":"{name}","purl":"pkg:npm/{name}@1"}}"#);
    let text = document(&[one("a"), one("b"), one("a")].join(","));
    assert_eq!(of(text.as_bytes(), &limits).unwrap().unwrap().packages.len(), 2);
    let circle = r#","dependencies":[{"ref":"same","dependsOn":["same"]}]}"#;
    let text = format!("{}{circle}", text.strip_suffix('}').unwrap());
    assert_eq!(of(text.as_bytes(), &limits).unwrap().unwrap().packages.len(), 2);
    let twice = text.replacen("\"components\"", "\"components\":[],\"components\"", 1);
    assert!(!matches!(of(twice.as_bytes(), &limits), Some(Ok(_))), "which of two lists is meant cannot be told");
}

#[test]
fn limits_are_said() {
    let limits = Limits { records: 10, ..Limits::default() };
    let many: Vec<String> = (0..20).map(|n| format!(r#"{{"type":"library","purl":"pkg:npm/a{n}@1"}}"#)).collect();
    let read = of(document(&many.join(",")).as_bytes(), &limits).unwrap().unwrap();
    assert!(read.packages.len() == 10 && !read.complete);
    assert!(read.diagnostics.iter().any(|told| told.code == Code::LimitExceeded));
    let limits = Limits { text_file_bytes: 10, ..Limits::default() };
    assert!(matches!(of(document("").as_bytes(), &limits), Some(Err(ReadError::TooLarge(_)))));
    let properties = vec!["{}"; 5000].join(",");
    let one = format!(r#"{{"type":"library","name":"a","purl":"pkg:npm/a@1","properties":[{properties}]}}"#);
    let read = of(document(&one).as_bytes(), &Limits::default()).unwrap().unwrap();
    assert!(!read.complete, "properties were cut");
}

/// A megabyte each of what is small to write: time grows with the bytes, and what is kept with the packages.
#[test]
fn a_large_document_takes_no_longer_than_its_bytes() {
    let limits = Limits::default();
    let texts = [
        document(&vec!["{}"; 500_000].join(",")),
        document(&format!(r#"{{"name":"a","properties":[{}]}}"#, vec!["{}"; 500_000].join(","))),
        document(&vec![r#"{"type":"library","name":"a"}"#; 50_000].join(",")),
        format!(r#"{{"spdxVersion":"SPDX-2.3","packages":[{}]}}"#, vec!["{}"; 500_000].join(",")),
        format!(
            r#"{{"spdxVersion":"SPDX-2.3","packages":[{{"name":"a","licenseDeclared":"{}"}}]}}"#,
            "A AND ".repeat(200_000)
        ),
        format!(r#"{{"schema":{{"url":"syft"}},"artifacts":[{}]}}"#, vec!["{}"; 500_000].join(",")),
    ];
    for text in texts {
        let start = Instant::now();
        let read = of(text.as_bytes(), &limits).unwrap().unwrap();
        assert!(!read.complete);
        assert!(start.elapsed() < Duration::from_secs(20), "{} bytes took {:?}", text.len(), start.elapsed());
    }
}
