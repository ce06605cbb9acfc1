//! The compiled rules and the plain interpreter agree, on any rules and events.

use super::{Engine, Matching, Selection};
use crate::interpret;
use crate::load::{File, Settings, load};
use crate::value::Truth;
use proptest::prelude::*;
use sekisho_base::Limits;
use sekisho_trace::field::{Facts, Given, Scalar, Scope, Stamp, Unknown, Value};
use sekisho_trace::{EventCode, Field};
use std::sync::Arc;

/// An event whose values follow from a few numbers: the same process has the same values in every event, until it changes.
#[derive(Debug, Clone)]
struct Made {
    code: EventCode,
    event: u32,
    process: u32,
    version: u32,
    container: u32,
    stamped: bool,
}

const TEXTS: [&str; 10] =
    ["cat", "/etc/passwd", "/etc/", "bash", "", "CAT", "sshd", "/tmp/a.sh", "a b", "/etc//shadow/x"];
const ADDRESSES: [&str; 4] = ["10.1.2.3", "127.0.0.1", "::1", "fe80::1"];

fn pick(seed: u32, field: &Field) -> u32 {
    // Any function of both that spreads.
    let given = match &field.given {
        Given::Nothing => 7,
        Given::Index(index) => *index,
        Given::Key(key) => key.len() as u32,
    };
    let name = field.info().name.bytes().fold(17u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    (seed.wrapping_mul(2_654_435_761) ^ name).wrapping_add(given).wrapping_mul(2_246_822_519) >> 7
}

impl Facts for Made {
    fn value(&self, field: &Field) -> Value<'_> {
        if field.info().name == "evt.type" {
            return self.code.info().map_or(Value::text("madvise"), |info| Value::text(info.name));
        }
        let seed = match field.info().scope {
            Scope::Event => self.event.wrapping_mul(64) + self.process + self.version * 16,
            Scope::Process | Scope::Lineage => self.process + self.version * 100 + 1000,
            Scope::Container => self.container + 2000,
        };
        let seed = pick(seed, field);
        if seed.is_multiple_of(9) {
            return Value::Absent;
        }
        if seed.is_multiple_of(11) {
            return Value::Unknown(Unknown::NotRecorded);
        }
        let scalar = |seed: u32| {
            use sekisho_trace::field::Kind;
            match field.info().kind {
                Kind::Bool => Scalar::Bool(seed.is_multiple_of(2)),
                Kind::Int | Kind::RelativeTime => Scalar::Int(i64::from(seed % 4) - 1),
                Kind::Uint | Kind::Port | Kind::AbsoluteTime => Scalar::Uint(u64::from(seed % 4)),
                Kind::Ip | Kind::Net => Scalar::Ip(ADDRESSES[seed as usize % 4].parse().unwrap()),
                _ => Scalar::Text(TEXTS[seed as usize % TEXTS.len()].as_bytes().into()),
            }
        };
        // Of some texts only the beginning is told.
        let value = |seed: u32| match scalar(seed) {
            Scalar::Text(text) if seed.is_multiple_of(5) => Value::beginning(text),
            Scalar::Text(_) if seed.is_multiple_of(17) => Value::Unknown(Unknown::NotRecorded),
            scalar => Value::One(scalar),
        };
        if field.is_list() {
            return Value::of_all((0..seed % 4).map(|more| value(seed / 5 + more * 3)));
        }
        value(seed / 3)
    }

    fn code(&self) -> EventCode {
        self.code
    }

    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        match scope {
            _ if !self.stamped => None,
            Scope::Event => None,
            Scope::Process | Scope::Lineage => Some(Stamp([self.process.into(), self.version.into(), 0])),
            Scope::Container => Some(Stamp([self.container.into(), 2, 0])),
        }
    }
}

fn made() -> impl Strategy<Value = Made> {
    let codes = ["open", "openat", "execve", "connect", "close", "madvise"];
    let code = (0..codes.len(), any::<prop::sample::Index>()).prop_map(move |(name, which)| {
        let found = EventCode::named(codes[name]);
        found[which.index(found.len())]
    });
    (code, 0..50u32, 0..6u32, 0..2u32, 0..3u32, prop::bool::weighted(0.8)).prop_map(
        |(code, event, process, version, container, stamped)| Made {
            code,
            event,
            process,
            version,
            container,
            stamped,
        },
    )
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
}

/// One comparison, as text.
fn check() -> impl Strategy<Value = String> {
    let text = prop::sample::select(
        &[
            "proc.name",
            "proc.cmdline",
            "fd.name",
            "container.image.repository",
            "proc.aname",
            "proc.aname[2]",
            "proc.pname",
            "user.name",
            "tolower(proc.name)",
            "basename(fd.name)",
            "concat(proc.name, fd.name)",
            "evt.arg.flags",
        ][..],
    );
    let one = prop::sample::select(&TEXTS[..]);
    let several = prop::collection::vec(one.clone(), 0..4);
    let words: &[&str] = &["=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex"];
    let plain = (text.clone(), prop::sample::select(words), one.clone())
        .prop_map(|(field, operator, value)| format!("{field} {operator} \"{value}\""));
    let member = (text.clone(), prop::sample::select(&["in", "intersects", "pmatch"][..]), several.clone())
        .prop_map(|(field, operator, values)| format!("{field} {operator} ({})", quoted(&values)));
    let quantified = (
        text.clone(),
        prop::sample::select(words),
        prop::sample::select(&["oneof", "anyof", "allof"][..]),
        several.clone(),
    )
        .prop_map(|(field, operator, quantifier, values)| {
            format!("{field} {operator} {quantifier} ({})", quoted(&values))
        });
    let list = (prop::sample::select(&["in", "intersects"][..]), several.clone())
        .prop_map(|(operator, values)| format!("fd.types {operator} ({})", quoted(&values)));
    let patterns = (
        text.clone(),
        prop::sample::select(&["*a*", "/etc/*", "[a-c]?t", "ba"][..]),
        prop::sample::select(&["glob", "iglob"][..]),
    )
        .prop_map(|(field, pattern, operator)| format!("{field} {operator} \"{pattern}\""));
    let number = (
        prop::sample::select(&["fd.num", "proc.pid", "proc.tty", "fd.port", "len(proc.name)"][..]),
        prop::sample::select(&["=", "!=", "<", "<=", ">", ">="][..]),
        0..4,
    )
        .prop_map(|(field, operator, value)| format!("{field} {operator} {value}"));
    let address = (
        prop::sample::select(&["fd.ip", "fd.sip"][..]),
        prop::sample::select(&["= 10.1.2.3", "!= 127.0.0.1", "in (10.1.2.3, ::1)"][..]),
    )
        .prop_map(|(field, rest)| format!("{field} {rest}"));
    let net = (
        prop::sample::select(&["fd.net", "fd.snet"][..]),
        prop::sample::select(&["= 10.0.0.0/8", "!= 127.0.0.0/8", "in (10.0.0.0/8, fe80::/10)"][..]),
    )
        .prop_map(|(field, rest)| format!("{field} {rest}"));
    let other = prop::sample::select(
        &[
            "evt.is_open_read = true",
            "evt.is_open_write != true",
            "fd.name pmatch (/)",
            "fd.name pmatch (//etc/, /tmp)",
            "proc.cmdline pmatch (/etc/pass, tmp)",
            "proc.name exists",
            "fd.name exists",
            "proc.name = val(proc.pname)",
            "fd.name startswith val(proc.cmdline)",
            "fd.types exists",
            "join(\",\", (proc.name, fd.num)) contains 1",
        ][..],
    )
    .prop_map(str::to_owned);
    let of_type = (prop::sample::select(
        &[
            "evt.type = open",
            "evt.type != open",
            "evt.type in (open, openat, execve)",
            "evt.type in (madvise)",
            "evt.type exists",
            "evt.type startswith open",
            "evt.type = anyof (close, connect)",
        ][..],
    ))
    .prop_map(str::to_owned);
    prop_oneof![3 => plain, 2 => member, 1 => quantified, 1 => list, 1 => patterns, 1 => number, 1 => address, 1 => net, 2 => other, 3 => of_type]
}

fn condition() -> impl Strategy<Value = String> {
    check().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..5).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..5).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

fn compare(conditions: &[String], events: &[Made]) {
    let rule = |(at, condition): (usize, &String)| {
        let condition = serde_json::to_string(condition).unwrap();
        format!("- rule: r{at}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n")
    };
    let text = conditions.iter().enumerate().map(rule).collect::<Vec<_>>().concat();
    let loaded = load(&[File { name: "x", text: &text }], &Settings::default(), &Limits::default());
    let rules = Arc::new(loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.problems)));
    let mut all = Engine::new(Arc::clone(&rules), &Selection::default(), Matching::All);
    let mut first = Engine::new(Arc::clone(&rules), &Selection::default(), Matching::First);
    let mut unknown = vec![0; rules.rules.len()];
    let (mut found, mut found_first) = (Vec::new(), Vec::new());
    for event in events {
        let mut expect = Vec::new();
        for (at, rule) in rules.rules.iter().enumerate() {
            match interpret::judge(&rule.tree, event) {
                Truth::True => expect.push(at),
                Truth::False => {}
                Truth::Unknown => unknown[at] += 1,
            }
            if !rule.events.contains(event.code) {
                assert_eq!(interpret::judge(&rule.tree, event), Truth::False, "{} for {event:?}", rule.condition);
            }
        }
        all.judge(event, &mut found);
        assert_eq!(found, expect, "{event:?}\n{text}");
        first.judge(event, &mut found_first);
        assert_eq!(found_first, expect.first().copied().into_iter().collect::<Vec<_>>(), "{event:?}\n{text}");
        assert_eq!(all.wants(event.code), !all.list(event.code).is_empty());
    }
    let counted: Vec<u64> = all.unjudged().iter().map(|unjudged| unjudged.events).collect();
    assert_eq!(counted, unknown, "{text}");
    for unjudged in all.unjudged() {
        assert_eq!(unjudged.first.is_some(), unjudged.events > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn compiled_and_plain_agree(
        conditions in prop::collection::vec(condition(), 1..8),
        events in prop::collection::vec(made(), 1..40),
    ) {
        compare(&conditions, &events);
    }
}

#[test]
fn shipped_rules_agree() {
    let text = include_str!("../../fixtures/rules/falco_rules.yaml");
    let loaded = load(&[File { name: "x", text }], &Settings::default(), &Limits::default());
    let rules = Arc::new(loaded.rules.unwrap());
    let mut engine = Engine::new(Arc::clone(&rules), &Selection::default(), Matching::All);
    let mut found = Vec::new();
    let codes: Vec<EventCode> =
        ["open", "execve", "connect", "ptrace", "unlinkat"].into_iter().flat_map(EventCode::named).collect();
    for number in 0..20_000u32 {
        let code = codes[number as usize % codes.len()];
        let event = Made {
            code,
            event: number,
            process: number % 97,
            version: number / 1000,
            container: number % 7,
            stamped: number % 5 != 0,
        };
        let expect: Vec<usize> = (0..rules.rules.len())
            .filter(|at| interpret::judge(&rules.rules[*at].tree, &event) == Truth::True)
            .collect();
        engine.judge(&event, &mut found);
        assert_eq!(found, expect, "{event:?}");
    }
}
