use super::*;
use crate::interpret;
use crate::load::{File, Settings, load};
use crate::testing::{Said, tree};
use proptest::prelude::*;
use sekisho_base::Limits;
use sekisho_trace::Field;

/// What rules with these conditions ask for.
fn demand(conditions: &[&str]) -> Demand {
    let rules: Vec<String> = (0..)
        .zip(conditions)
        .map(|(at, condition): (i32, _)| {
            format!("- rule: r{at}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n")
        })
        .collect();
    let text = rules.concat();
    let loaded = load(&[File { name: "r", text: &text }], &Settings::default(), &Limits::default());
    let rules = loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.problems));
    Demand::of(&rules, &Selection::default(), &|code| code == E::READ_X)
}

fn shown(region: &Region) -> String {
    match region {
        Region::All => "all".to_owned(),
        Region::Beginning(all) => all.iter().map(|path| String::from_utf8_lossy(path)).collect::<Vec<_>>().join(" "),
    }
}

/// Which opens a condition can hold for: for reading, for writing, whether failed ones.
fn opens(condition: &str) -> (String, String, bool) {
    let Opens { read, write, failed } = demand(&[condition]).opens;
    (shown(&read), shown(&write), failed)
}

#[test]
fn opens_are_asked_for_by_what_rules_say_of_paths() {
    let of = |read: &str, write: &str, failed| (read.to_owned(), write.to_owned(), failed);
    assert_eq!(opens("evt.type = connect and fd.name startswith /etc"), of("", "", false));
    assert_eq!(opens("evt.type = openat and fd.name startswith /etc"), of("/etc", "/etc", true));
    let written =
        "evt.type in (open, openat) and evt.is_open_write = true and fd.num >= 0 and fd.directory in (/bin, /sbin)";
    assert_eq!(opens(written), of("", "/bin /sbin", false));
    assert_eq!(
        opens(
            "evt.type = open and evt.failed = false and not proc.name = x and (fd.name pmatch (/a/, /b*) or fd.name glob '/c/*.so')"
        ),
        of("/a /b /c", "/a /b /c", false)
    );
    assert_eq!(opens("evt.type = open and fd.name startswith /etc and fd.name = /etc/shadow").0, "/etc/shadow");
    // What says nothing of how a path begins leaves nothing out.
    for open in [
        "fd.name contains /.ssh",
        "fd.name endswith x",
        "not fd.name = /x",
        "fd.name startswith etc",
        "fd.filename = x",
    ] {
        assert_eq!(opens(&format!("evt.type = open and {open}")).0, "all", "{open}");
    }
    assert_eq!(opens("evt.type = open and not (fd.name = /x or evt.failed = false)"), of("", "", true));
}

#[test]
fn what_is_too_much_is_not_for_rules_about_everything() {
    let named = demand(&["evt.type in (read, openat)"]);
    assert!(named.events.contains(E::READ_X) && named.of_everything.is_empty());
    let all = demand(&["proc.name = x", "evt.type = chdir"]);
    assert!(!all.events.contains(E::READ_X) && all.events.contains(E::OPENAT_2_X));
    assert_eq!((all.of_everything, &all.opens.read), (vec![0], &Region::All));
    assert!(demand(&["evt.type = dup and fd.types in (file)"]).all_files && !all.all_files);
}

fn condition() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just("/"),
        Just("/a"),
        Just("/a/"),
        Just("/a/b"),
        Just("/ab"),
        Just("a"),
        Just("/a/*"),
        Just("/*b")
    ];
    let paths = proptest::collection::vec(path.clone(), 1..3);
    let field = prop_oneof![Just("fd.name"), Just("fd.directory"), Just("fd.nameraw")];
    let operator =
        prop_oneof![Just("="), Just("!="), Just("startswith"), Just("endswith"), Just("contains"), Just("glob")];
    let atom = prop_oneof![
        (field.clone(), operator, path).prop_map(|(field, operator, path)| format!("{field} {operator} '{path}'")),
        (field, prop_oneof![Just("in"), Just("pmatch")], paths)
            .prop_map(|(field, operator, paths)| format!("{field} {operator} ({})", paths.join(", "))),
        prop_oneof![
            Just("evt.is_open_write = true"),
            Just("evt.is_open_read = true"),
            Just("evt.failed = true"),
            Just("fd.num >= 0"),
            Just("evt.type = open"),
            Just("evt.type in (openat, creat)"),
            Just("proc.name = x"),
        ]
        .prop_map(str::to_owned),
    ];
    atom.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| format!("not ({part})")),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            proptest::collection::vec(inner, 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
        ]
    })
}

fn event(code: E, path: &str, became: Became, access: u8, x: bool) -> Said {
    let failed = became == Became::Failed;
    let said = |name: &str, value| (Field::parse(name).unwrap(), value);
    let directory =
        path.rsplit_once('/').map_or("/", |(directory, _)| if directory.is_empty() { "/" } else { directory });
    let mut fields = vec![
        said("evt.type", Value::text(code.info().unwrap().name)),
        said("fd.name", Value::owned(path.to_owned())),
        said("fd.nameraw", Value::owned("/link".to_owned())),
        said("fd.directory", Value::owned(directory.to_owned())),
        said("evt.is_open_write", Value::bool(became != Became::Read && access & 1 != 0)),
        said("evt.is_open_read", Value::bool(access & 2 != 0)),
        said("evt.failed", Value::bool(failed)),
        said("proc.name", Value::text(if x { "x" } else { "y" })),
    ];
    if !failed {
        fields.push(said("fd.num", Value::int(3)));
    }
    Said { fields, code }
}

proptest! {
    /// An open that a condition holds for is one that is asked for.
    #[test]
    fn nothing_is_left_out_that_matches(
        text in condition(),
        path in prop_oneof![Just("/"), Just("/a"), Just("/a/b"), Just("/ab"), Just("/a/b/c"), Just("/b")],
        access in 0_u8..4,
        x: bool,
    ) {
        let tree = tree(&text);
        for code in [E::OPEN_X, E::OPENAT_2_X, E::CREAT_X] {
            for became in [Became::Read, Became::Written, Became::Failed] {
                if interpret::judge(&tree, &event(code, path, became, access, x)) == Truth::True {
                    let region = region(&tree, false, &Settled { code, became });
                    prop_assert!(region.contains(path.as_bytes()), "{text}: {path} {became:?} is not in {region:?}");
                }
            }
        }
    }
}
