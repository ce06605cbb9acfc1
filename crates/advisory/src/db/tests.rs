//! What goes into a database comes out of it, in any order, and damage is found out.

use super::*;
use crate::range::Range;
use crate::record::{Advisory, Affected, Enrichment, Rating, Record, Says, Status};
use proptest::prelude::*;

fn source(id: &str) -> FeedSource {
    FeedSource { id: id.to_owned(), ..FeedSource::default() }
}

fn build(feeds: &[(&str, Vec<Record>)]) -> Vec<u8> {
    let mut builder = Builder::default();
    for (id, records) in feeds {
        builder.feed(source(id));
        records.iter().cloned().for_each(|record| builder.add(record));
    }
    builder.finish().unwrap()
}

fn affected(name: &str, fixed: &str) -> Affected {
    Affected { ranges: vec![Range::before(fixed)], ..Affected::new(Ecosystem::Npm, None, name) }
}

fn advisory(id: &str, name: &str, fixed: &str) -> Advisory {
    Advisory {
        id: id.to_owned(),
        summary: format!("{id} in {name}"),
        affected: vec![affected(name, fixed)],
        ..Advisory::default()
    }
}

fn key(name: &str) -> PackageKey<'_> {
    PackageKey { ecosystem: Ecosystem::Npm, release: None, name }
}

/// Ids and fixed versions of what is said about a package.
fn said(database: &Database<'_>, name: &str) -> Vec<String> {
    let Some(mut row) = database.package(&key(name)).unwrap() else { return Vec::new() };
    let texts: Vec<String> = row.texts().iter().map(|text| (*text).to_owned()).collect();
    let describe = |entry: &Entry| {
        let advisory = database.advisory(entry.advisory).unwrap();
        let ends = entry.ranges.iter().map(|(_, to)| match to {
            Edge::At(text) => texts[*text].clone(),
            other => format!("{other:?}"),
        });
        format!("{} {}", advisory.id, ends.collect::<Vec<_>>().join(" "))
    };
    let (mut entry, mut said) = (Entry::default(), Vec::new());
    while row.read(&mut entry).unwrap() {
        said.push(describe(&entry));
    }
    said
}

#[test]
fn everything_that_is_known_comes_back() {
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let ghsa = Advisory {
        aliases: vec!["CVE-2024-1".into()],
        ratings: vec![Rating::vector(vector)],
        cwes: vec!["CWE-79".into()],
        references: (0..30).map(|number| format!("https://example.com/{number}")).collect(),
        details: "word ".repeat(1000),
        ..advisory("GHSA-aaaa", "left-pad", "1.3.0")
    };
    let spec = Affected {
        ecosystem: Ecosystem::AlmaLinux,
        release: Some("8".into()),
        name: "nodejs".into(),
        module: Some("nodejs:18".into()),
        arches: vec!["aarch64".into(), "x86_64".into()],
        status: Status::WillNotFix,
        ranges: vec![
            Range { from: crate::range::Lower::At("1".into()), to: crate::range::Upper::Last("2".into()) },
            Range { from: crate::range::Lower::After("3".into()), to: crate::range::Upper::Unfixed },
        ],
        versions: vec!["2".into(), "1".into()],
        notice: Some("ALSA-1".into()),
        ratings: vec![Rating { by: "redhat".into(), severity: Some(Severity::Low), vector: None }],
    };
    let alma = Advisory {
        id: "ALSA-2024:1".into(),
        addresses: vec!["CVE-2024-1".into(), "CVE-2024-2".into()],
        affected: vec![spec],
        ..Advisory::default()
    };
    let says = |says| Record::Enrichment(Enrichment { id: "CVE-2024-1".into(), says });
    let facts = vec![
        says(Says::Exploited { added: "2024-01-02".into(), due: None, ransomware: true }),
        says(Says::Likelihood { probability: 0.97, percentile: 0.999 }),
        says(Says::Title { language: "ja".into(), text: "脆弱性".into(), reference: "JVNDB-2024-1".into() }),
        Record::Enrichment(Enrichment {
            id: "CVE-2024-9".into(),
            says: Says::Likelihood { probability: 0.1, percentile: 0.1 },
        }),
    ];
    let bytes =
        build(&[("almalinux", vec![Record::Advisory(alma)]), ("ghsa", vec![Record::Advisory(ghsa)]), ("kev", facts)]);
    let database = Database::open(&bytes).unwrap();
    assert_eq!(database.header().size(), bytes.len() as u64);
    let counts = &database.header().counts;
    assert_eq!((counts.advisories, counts.vulnerabilities, counts.packages), (2, 2, 2));

    let alma_key = PackageKey { ecosystem: Ecosystem::AlmaLinux, release: Some("8"), name: "nodejs" };
    let mut row = database.package(&alma_key).unwrap().unwrap();
    let mut entry = Entry::default();
    assert!(row.read(&mut entry).unwrap());
    assert_eq!((entry.feed, entry.vulnerabilities.len()), (0, 2));
    let text = |number: usize| row.texts()[number];
    assert_eq!(entry.status, Status::WillNotFix);
    assert_eq!(entry.module.map(text), Some("nodejs:18"));
    assert_eq!(entry.arches.iter().copied().map(text).collect::<Vec<_>>(), ["aarch64", "x86_64"]);
    assert_eq!(entry.versions.iter().copied().map(text).collect::<Vec<_>>(), ["2", "1"]);
    assert_eq!(entry.notice.map(text), Some("ALSA-1"));
    let [(Edge::At(from), Edge::After(to)), (Edge::After(behind), Edge::Open)] = entry.ranges[..] else {
        panic!("{:?}", entry.ranges)
    };
    assert_eq!([from, to, behind].map(text), ["1", "2", "3"]);
    assert_eq!((entry.ratings[0].by.as_str(), entry.ratings[0].severity()), ("redhat", Severity::Low));
    let notice = database.advisory(entry.advisory).unwrap();
    assert_eq!((notice.id.as_str(), notice.feed), ("ALSA-2024:1", 0));
    let about: Vec<_> = notice.vulnerabilities.iter().map(|number| database.vulnerability(*number).unwrap()).collect();
    assert_eq!(
        about.iter().map(|vulnerability| vulnerability.id.as_str()).collect::<Vec<_>>(),
        ["CVE-2024-1", "CVE-2024-2"]
    );
    assert_eq!(about[0].aliases, ["GHSA-aaaa"]);
    assert_eq!(about[0].advisories.len(), 2);
    assert_eq!(about[0].exploited, Some(("2024-01-02".into(), None, true)));
    assert_eq!(about[0].likelihood, Some((0.97, 0.999)));
    assert_eq!(about[0].titles[0].1, "脆弱性");

    assert_eq!(said(&database, "left-pad"), ["GHSA-aaaa 1.3.0"]);
    let number = database.vulnerabilities_named("ghsa-AAAA").unwrap();
    assert_eq!(number, database.vulnerabilities_named("cve-2024-1").unwrap());
    assert_eq!(database.vulnerabilities_named("alsa-2024:1").unwrap().len(), 2);
    let ghsa = database.advisory(database.vulnerability(number[0]).unwrap().advisories[1]).unwrap();
    assert_eq!((ghsa.ratings[0].score(), ghsa.ratings[0].severity()), (Some(9.8), Severity::Critical));
    let text = database.text_of_advisory(&ghsa).unwrap();
    assert_eq!(text.summary, "GHSA-aaaa in left-pad");
    assert!(text.details.ends_with("word …") && text.details.len() <= DETAILS_BYTES + 4);
    assert_eq!(text.references.len(), REFERENCES);

    assert!(database.covers(Ecosystem::AlmaLinux, Some("8")).unwrap());
    assert!(!database.covers(Ecosystem::AlmaLinux, Some("80")).unwrap());
    assert!(!database.covers(Ecosystem::AlmaLinux, Some("9")).unwrap());
    assert!(database.covers(Ecosystem::Npm, None).unwrap() && !database.covers(Ecosystem::Go, None).unwrap());
}

#[test]
fn every_ecosystem_is_found_beside_all_others() {
    let of = |ecosystem: &Ecosystem| Affected { ranges: vec![Range::ALL], ..Affected::new(*ecosystem, None, "name") };
    let affected = Ecosystem::ALL.iter().map(of).collect();
    let bytes = build(&[("osv", vec![Record::Advisory(Advisory { affected, ..advisory("A-1", "a", "1") })])]);
    let database = Database::open(&bytes).unwrap();
    for ecosystem in Ecosystem::ALL {
        let key = PackageKey { ecosystem: *ecosystem, release: None, name: "name" };
        assert!(database.package(&key).unwrap().is_some() && database.covers(*ecosystem, None).unwrap(), "{ecosystem}");
    }
    assert_eq!(database.header().counts.places.len(), Ecosystem::ALL.len());
}

#[test]
fn what_is_taken_back_makes_no_entry_and_can_be_looked_up() {
    let withdrawn = Advisory { withdrawn: Some(Timestamp::UNIX_EPOCH), ..advisory("A-1", "a", "1") };
    let bytes = build(&[("osv", vec![Record::Advisory(withdrawn)])]);
    let database = Database::open(&bytes).unwrap();
    assert!(database.package(&key("a")).unwrap().is_none());
    assert_eq!(database.header().counts.withdrawn, 1);
    assert_eq!(database.vulnerabilities_named("A-1").unwrap(), [0]);
}

#[test]
fn parts_of_an_advisory_become_one() {
    let part = |name| Record::Advisory(advisory("CVE-2024-1", name, "2"));
    let bytes = build(&[("debian", vec![part("a"), part("b"), part("a")])]);
    let database = Database::open(&bytes).unwrap();
    assert_eq!(database.header().counts.advisories, 1);
    assert_eq!([said(&database, "a"), said(&database, "b")], [["CVE-2024-1 2"], ["CVE-2024-1 2"]]);
}

#[test]
fn damage_is_found_out_wherever_it_is() {
    let bytes = build(&[("osv", vec![Record::Advisory(advisory("A-1", "a", "1"))])]);
    Database::open(&bytes).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Database::open(&damaged).is_err(), "byte {at}");
        assert!(Database::open(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(Database::open(b"something else").unwrap_err(), DatabaseError::Foreign);
    assert!(matches!(Database::open(&bytes[..bytes.len() - 1]), Err(DatabaseError::Size { .. })));
    let longer = [&bytes[..], b"\n"].concat();
    assert!(matches!(Database::open(&longer), Err(DatabaseError::Size { .. })));
}

#[test]
fn of_whole_records_of_a_feed_with_one_id_the_later_holds() {
    let at = |day: &str| Some(format!("2024-01-{day}T00:00:00Z").parse().unwrap());
    let record = |fixed: &str, day: &str| Advisory { modified: at(day), ..advisory("GHSA-1", "a", fixed) };
    let back = Advisory { withdrawn: at("03"), ..record("3", "03") };
    let built = |feeds: &[(&str, Vec<Advisory>)]| {
        let feeds: Vec<_> = feeds
            .iter()
            .map(|(feed, advisories)| (*feed, advisories.iter().cloned().map(Record::Advisory).collect()))
            .collect();
        let bytes = build(&feeds);
        let database = Database::open(&bytes).unwrap();
        (said(&database, "a"), database.header().counts.advisories, database.header().counts.withdrawn)
    };
    let (one, two) = (record("1", "01"), record("2", "02"));
    let of = |fixed: &[&str]| fixed.iter().map(|fixed| format!("GHSA-1 {fixed}")).collect::<Vec<_>>();
    for (first, second) in [(one.clone(), two.clone()), (two.clone(), one.clone())] {
        // In one file after the other, and in archives of one feed; another feed speaks for itself.
        assert_eq!(built(&[("ghsa", vec![first.clone(), second.clone()])]), (of(&["2"]), 1, 0));
        assert_eq!(built(&[("ghsa", vec![first.clone()]), ("ghsa", vec![second.clone()])]), (of(&["2"]), 1, 0));
        let both = of(if first == one { &["1", "2"] } else { &["2", "1"] });
        assert_eq!(built(&[("ghsa", vec![first.clone()]), ("osv", vec![second.clone()])]), (both, 2, 0));
        // What is taken back last is no longer said.
        let three = vec![second.clone(), back.clone()];
        assert_eq!(built(&[("ghsa", vec![first.clone()]), ("ghsa", three)]), (Vec::new(), 1, 1));
        // Records of this feed are parts of one.
        assert_eq!(built(&[("debian", vec![first, second])]).1, 1);
    }
    assert_eq!(built(&[("debian", vec![one.clone(), two.clone()])]).0, of(&["1", "2"]));
    let undated = Advisory { modified: None, ..one };
    assert_eq!(built(&[("ghsa", vec![undated.clone(), two])]).0, of(&["2"]));
    assert_eq!(built(&[("ghsa", vec![undated])]).0, of(&["1"]));
}

#[test]
fn what_is_said_to_be_of_a_time_to_come_holds_for_nothing() {
    let at = |text: &str| Some(text.parse().unwrap());
    let taken = at("2026-11-20T00:00:00Z");
    let record = |fixed: &str, time: &str| Advisory { modified: at(time), ..advisory("GHSA-1", "a", fixed) };
    let built = |later: Advisory| {
        let mut builder = Builder::default();
        for (source, advisory) in [("own", record("1", "2026-11-01T00:00:00Z")), ("other", later)] {
            let source = source.to_owned();
            builder.feed(FeedSource { id: "ghsa".into(), source, observed_at: taken, ..FeedSource::default() });
            builder.add(Record::Advisory(advisory));
        }
        let bytes = builder.finish().unwrap();
        let database = Database::open(&bytes).unwrap();
        (said(&database, "a"), database.header().counts.superseded)
    };
    assert_eq!(built(record("2", "2999-01-01T00:00:00Z")), (vec!["GHSA-1 1".to_owned()], 1));
    // A clock may be ahead.
    assert_eq!(built(record("2", "2026-11-20T12:00:00Z")), (vec!["GHSA-1 2".to_owned()], 1));
    let back = Advisory { withdrawn: at("2999-01-01T00:00:00Z"), ..record("2", "2026-11-02T00:00:00Z") };
    assert_eq!(built(back), (vec!["GHSA-1 2".to_owned()], 1));
}

#[test]
fn what_two_catalogues_say_of_one_counts_once() {
    let exploited = |id: &str| {
        let says = Says::Exploited { added: "2024-01-02".into(), due: None, ransomware: false };
        Record::Enrichment(Enrichment { id: id.into(), says })
    };
    let twice = vec![exploited("CVE-2024-1"), exploited("CVE-2024-2")];
    let bytes = build(&[("kev", twice.clone()), ("kev", twice)]);
    assert_eq!(Database::open(&bytes).unwrap().header().counts.exploited, 2);
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let one = ("[A-F]", "[a-d]", "[1-4]", prop::collection::vec("(CVE-2024-[1-3]|GHSA-[a-c])", 0..3));
    prop::collection::vec(one, 0..8).prop_map(|list| {
        list.into_iter()
            .map(|(id, name, fixed, aliases)| Record::Advisory(Advisory { aliases, ..advisory(&id, &name, &fixed) }))
            .collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_different_advisories_does_not_show(records in records(), seed in any::<u64>()) {
        // Parts of one advisory are joined in the order they come, so that only one of each is kept here.
        let mut seen = std::collections::HashSet::new();
        let records: Vec<Record> = records
            .into_iter()
            .filter(|record| matches!(record, Record::Advisory(advisory) if seen.insert(advisory.id.clone())))
            .collect();
        let mut shuffled = records.clone();
        let len = shuffled.len().max(1);
        shuffled.rotate_left((seed as usize) % len);
        prop_assert_eq!(build(&[("osv", records)]), build(&[("osv", shuffled)]));
    }

    #[test]
    fn packages_say_what_was_put_in_and_changes_are_seen(old in records(), new in records()) {
        let (old_bytes, new_bytes) = (build(&[("osv", old.clone())]), build(&[("osv", new.clone())]));
        let (before, after) = (Database::open(&old_bytes).unwrap(), Database::open(&new_bytes).unwrap());
        let changed: Vec<String> = before.changed(&after).unwrap().into_iter().map(|key| key.name).collect();
        for name in ["a", "b", "c", "d"] {
            for (records, database) in [(&old, &before), (&new, &after)] {
                let mut expect: Vec<String> = Vec::new();
                for record in records {
                    let Record::Advisory(advisory) = record else { continue };
                    for affected in advisory.affected.iter().filter(|affected| affected.name == name) {
                        let crate::range::Upper::Fixed(fixed) = &affected.ranges[0].to else { continue };
                        expect.push(format!("{} {fixed}", advisory.id));
                    }
                }
                expect.sort();
                expect.dedup();
                let mut got = said(database, name);
                got.sort();
                prop_assert_eq!(got, expect);
            }
            if said(&before, name) != said(&after, name) {
                prop_assert!(changed.contains(&name.to_owned()));
            }
        }
        prop_assert!(before.changed(&before).unwrap().is_empty());
    }

    #[test]
    fn rows_of_noise_are_errors_and_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(mut row) = Row::open(&bytes) {
            let mut entry = Entry::default();
            while row.read(&mut entry).is_ok_and(|more| more) {}
        }
    }
}

#[test]
fn a_vector_is_judged_by_the_scale_of_its_version() {
    let check = |vector: &str, score: f32, severity: Severity| {
        let advisory = Advisory { ratings: vec![Rating::vector(vector)], ..advisory("A-1", "a", "1") };
        let bytes = build(&[("osv", vec![Record::Advisory(advisory)])]);
        let stored = Database::open(&bytes).unwrap().advisory(0).unwrap();
        assert_eq!((stored.ratings[0].score(), stored.ratings[0].severity()), (Some(score), severity), "{vector}");
    };
    check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, Severity::Critical);
    // CVSS 2 has nothing above "high".
    check("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0, Severity::High);
}
