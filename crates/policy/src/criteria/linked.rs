//! The evaluator against one that tries every combination of a port, a container, a variable, a volume, a line, a package
//! and a vulnerability, one after the other, with each group on that combination: policies, workloads and what is known of
//! images are made at random.

use super::{Image, Subject};
use crate::compile::compile;
use crate::evaluate::{Outcome, evaluate};
use crate::facts::{Component, ImageFacts, Vulnerability};
use crate::policy::{Group, Operator, Policy, Section, Stage};
use jiff::Timestamp;
use proptest::prelude::*;
use sekisho_model::{Container, EnvSource, EnvVar, Exposure, ExposureMethod, Fact, ImageRef, Mount, Port, Workload};
use std::collections::BTreeMap;

struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, number: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % number
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }

    fn several<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }
}

/// What is not known is so in one way in each world: the two ways are not told apart by trying.
#[derive(Clone, Copy, PartialEq)]
enum Lack {
    Unknown,
    NotAsked,
}

impl Lack {
    fn fact<T>(self) -> Fact<T> {
        match self {
            Self::Unknown => Fact::Unknown("lost".to_owned()),
            Self::NotAsked => Fact::NotAsked,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Unknown => Outcome::Unknown,
            Self::NotAsked => Outcome::NotEvaluated,
        }
    }
}

/// One in four facts is not known.
fn fact<T>(choose: &mut Choices<'_>, lack: Lack, value: T) -> Fact<T> {
    if choose.below(4) == 0 { lack.fact() } else { Fact::Known(value) }
}

fn container(choose: &mut Choices<'_>) -> Container {
    let image = choose.of(&["a", "a:1", "b:1"]).to_owned();
    Container {
        name: choose.of(&["a", "b"]).to_owned(),
        image_ref: ImageRef::familiar(&image).ok(),
        image,
        privileged: choose.maybe(),
        drop_capabilities: choose.several(1, |choose| choose.of(&["ALL", "KILL"]).to_owned()),
        env: choose.several(2, |choose| EnvVar {
            name: choose.of(&["A", "B"]).to_owned(),
            value: choose.of(&["1", "2"]).to_owned(),
            source: EnvSource::Raw,
            path: String::new(),
        }),
        volumes: choose.several(2, |choose| Mount {
            name: choose.of(&["v", "w"]).to_owned(),
            kind: choose.of(&["HostPath", "Secret"]).to_owned(),
            read_only: choose.maybe(),
            ..Mount::default()
        }),
        ports: choose.several(2, |choose| Port {
            container_port: [80, 22][choose.below(2)],
            protocol: choose.of(&["TCP", "UDP"]).to_owned(),
            exposures: choose.several(2, |choose| {
                let number = [30_080, 30_022][choose.below(2)];
                let port = if choose.below(4) == 0 {
                    Fact::Unknown("the cluster chooses".to_owned())
                } else {
                    Fact::Known(number)
                };
                Exposure { method: ExposureMethod::Node, node_port: choose.maybe().then_some(port), by: None }
            }),
            ..Port::default()
        }),
        ..Container::default()
    }
}

fn image(choose: &mut Choices<'_>, lack: Lack) -> ImageFacts {
    let line = |choose: &mut Choices<'_>| (choose.of(&["RUN", "ADD"]).to_owned(), choose.of(&["x", "y"]).to_owned());
    let lines = choose.several(2, line);
    let os = choose.of(&["debian:9", "alpine:3"]).to_owned();
    ImageFacts {
        os: fact(choose, lack, os),
        lines: fact(choose, lack, lines),
        components: choose.several(2, |choose| Component {
            name: choose.of(&["a", "b"]).to_owned(),
            version: choose.of(&["1", "2"]).to_owned(),
            vulnerabilities: choose.several(2, |choose| Vulnerability {
                id: choose.of(&["CVE-1", "CVE-2"]).to_owned(),
                fixed_by: choose.of(&["", "2"]).to_owned(),
                exploited: {
                    let exploited = choose.maybe();
                    fact(choose, lack, exploited)
                },
                ..Vulnerability::default()
            }),
            judged: fact(choose, lack, ()),
            ..Component::default()
        }),
        // Packages that nobody asked for are none that a scan leaves out.
        missing: (lack == Lack::Unknown && choose.below(4) == 0).then(|| "cut".to_owned()),
        ..ImageFacts::default()
    }
}

/// What a group looks at, with its values; whether several may be asked for and whether it can be turned round.
const ASKED: [(&str, &[&str]); 20] = [
    ("Host PID", &["true", "false"]),
    ("Required Label", &["team=", "team=a"]),
    ("Privileged Container", &["true", "false"]),
    ("Container Name", &["a", "b"]),
    ("Drop Capabilities", &["ALL", "KILL"]),
    ("Environment Variable", &["=A=", "=.*=2", "RAW=B=1"]),
    ("Volume Name", &["v", "w"]),
    ("Volume Type", &["hostpath", "secret"]),
    ("Writable Mounted Volume", &["true", "false"]),
    ("Exposed Port", &["80", "> 22"]),
    ("Exposed Port Protocol", &["tcp", "udp"]),
    ("Exposed Node Port", &["30080", "< 30080"]),
    ("Image Tag", &["latest", "1"]),
    ("Image OS", &["debian:9", "alpine:.*"]),
    ("Dockerfile Line", &["RUN=x", "ADD=", "RUN=.*"]),
    ("Image Component", &["a=", "=2", "b=1"]),
    ("CVE", &["CVE-1", "CVE-.*"]),
    ("Fixable", &["true", "false"]),
    ("Fixed By", &["2", ".*"]),
    ("Known Exploited", &["true", "false"]),
];

fn groups(choose: &mut Choices<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for _ in 0..=choose.below(5) {
        let (field, values) = ASKED[choose.below(ASKED.len())];
        if groups.iter().any(|group| group.field == field) {
            continue;
        }
        let criterion = super::criterion(field).unwrap();
        let count = if criterion.several { 1 + choose.below(2) } else { 1 };
        groups.push(Group {
            field: field.to_owned(),
            operator: if choose.maybe() { Operator::Or } else { Operator::And },
            negate: criterion.negatable && choose.maybe(),
            values: (0..count).map(|_| choose.of(values).to_owned()).collect(),
        });
    }
    groups
}

/// One of everything; none of what no group asks about. An element that may be there is one of which nothing is known.
#[derive(Clone, Copy, Default)]
struct One<'a> {
    port: Option<&'a Port>,
    exposure: Option<&'a Exposure>,
    container: Option<(usize, &'a Container)>,
    env: Option<&'a EnvVar>,
    volume: Option<&'a Mount>,
    line: Option<Maybe<'a, (String, String)>>,
    component: Option<Maybe<'a, Component>>,
    vulnerability: Option<Maybe<'a, Vulnerability>>,
}

enum Maybe<'a, T> {
    There(&'a T),
    Lacking,
}

// Whatever it is of.
impl<T> Copy for Maybe<'_, T> {}

impl<T> Clone for Maybe<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

struct World {
    workload: Workload,
    images: Vec<Fact<ImageFacts>>,
    lack: Lack,
}

impl World {
    fn made(choose: &mut Choices<'_>) -> Self {
        let lack = if choose.maybe() { Lack::Unknown } else { Lack::NotAsked };
        let labels = choose.maybe().then(|| ("team".to_owned(), choose.of(&["a", "b"]).to_owned()));
        let containers: Vec<Container> = (0..=choose.below(2)).map(|_| container(choose)).collect();
        let images = containers
            .iter()
            .map(|_| if choose.below(5) == 0 { lack.fact() } else { Fact::Known(image(choose, lack)) });
        let images = images.collect();
        let workload = Workload {
            labels: labels.into_iter().collect::<BTreeMap<_, _>>(),
            host_pid: choose.maybe(),
            containers,
            ..Workload::default()
        };
        Self { workload, images, lack }
    }

    /// Whether a value fits what it is compared with; an outcome where that cannot be told.
    fn fits(&self, field: &str, value: &str, one: &One<'_>) -> Result<bool, Outcome> {
        let lacking = Err(self.lack.outcome());
        let container = || one.container.map(|(_, container)| container).unwrap();
        let facts = || match &self.images[one.container.unwrap().0] {
            Fact::Known(facts) => Ok(facts),
            _ => Err(self.lack.outcome()),
        };
        let pair = |value: &str, own: (&str, &str)| {
            let (key, wanted) = value.split_once('=').unwrap();
            let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == ".*" || wanted == own;
            is(key, own.0) && is(wanted, own.1)
        };
        let number = |value: &str, own: i64| match value.split_once(' ') {
            Some((">", than)) => own > than.parse().unwrap(),
            Some((_, than)) => own < than.parse().unwrap(),
            None => own == value.parse::<i64>().unwrap(),
        };
        let known = |fact: &Fact<bool>| match fact {
            Fact::Known(own) => Ok(own.to_string() == value),
            _ => Err(self.lack.outcome()),
        };
        Ok(match field {
            "Host PID" => self.workload.host_pid.to_string() == value,
            "Required Label" => self.workload.labels.iter().any(|(key, own)| pair(value, (key, own))),
            "Privileged Container" => container().privileged.to_string() == value,
            "Container Name" => container().name == value,
            "Drop Capabilities" => container().drop_capabilities.iter().any(|it| it == "ALL" || it == value),
            "Environment Variable" => {
                let (source, rest) = value.split_once('=').unwrap();
                let variable = one.env.unwrap();
                ["", "RAW"].contains(&source) && pair(rest, (&variable.name, &variable.value))
            }
            "Volume Name" => one.volume.unwrap().name == value,
            "Volume Type" => one.volume.unwrap().kind.to_lowercase() == value,
            "Writable Mounted Volume" => (!one.volume.unwrap().read_only).to_string() == value,
            "Exposed Port" => number(value, one.port.unwrap().container_port),
            "Exposed Port Protocol" => one.port.unwrap().protocol.to_lowercase() == value,
            "Exposed Node Port" => match &one.exposure.unwrap().node_port {
                None => false,
                Some(Fact::Known(own)) => number(value, *own),
                Some(_) => return Err(Outcome::Unknown),
            },
            "Image Tag" => container().image_ref.as_ref().unwrap().tag == value,
            "Image OS" => match &facts()?.os {
                Fact::Known(os) => os == value || (value == "alpine:.*" && os.starts_with("alpine:")),
                _ => return lacking,
            },
            _ => match (field, one.line, one.component, one.vulnerability) {
                ("Dockerfile Line", Some(Maybe::There((instruction, rest))), ..) => pair(value, (instruction, rest)),
                ("Image Component", _, Some(Maybe::There(own)), _) => pair(value, (&own.name, &own.version)),
                ("CVE", .., Some(Maybe::There(own))) => value == "CVE-.*" || own.id == value,
                ("Fixable", .., Some(Maybe::There(own))) => (!own.fixed_by.is_empty()).to_string() == value,
                ("Fixed By", .., Some(Maybe::There(own))) => {
                    if value == ".*" {
                        !own.fixed_by.is_empty()
                    } else {
                        own.fixed_by == value
                    }
                }
                ("Known Exploited", .., Some(Maybe::There(own))) => return known(&own.exploited),
                _ => return lacking,
            },
        })
    }

    fn group(&self, group: &Group, one: &One<'_>) -> Outcome {
        let mut any = false;
        let mut all = true;
        for value in &group.values {
            match self.fits(&group.field, value, one) {
                Ok(fits) => (any, all) = (any || fits, all && fits),
                Err(outcome) => return outcome,
            }
        }
        let holds = if group.operator == Operator::Or { any } else { all };
        let is_inverted = ["Required Label", "Drop Capabilities"].contains(&group.field.as_str());
        if holds == (group.negate || is_inverted) { Outcome::Passed } else { Outcome::Violated }
    }

    /// The worst that any combination says.
    fn tried<'w>(&'w self, groups: &[Group]) -> Outcome {
        let asks = |fields: &[&str]| groups.iter().any(|group| fields.contains(&group.field.as_str()));
        let of_ports = asks(&["Exposed Port", "Exposed Port Protocol", "Exposed Node Port"]);
        let of_vulnerabilities = asks(&["CVE", "Fixable", "Fixed By", "Known Exploited"]);
        let mut all = vec![One::default()];
        let ports: Vec<&Port> = self.workload.containers.iter().flat_map(|it| &it.ports).collect();
        each(&mut all, of_ports, |_| ports.clone(), |one, port| one.port = Some(port));
        each(
            &mut all,
            asks(&["Exposed Node Port"]),
            |one| one.port.unwrap().exposures.iter().collect(),
            |one, exposure| one.exposure = Some(exposure),
        );
        let containers = || self.workload.containers.iter().enumerate().collect::<Vec<_>>();
        each(&mut all, true, |_| containers(), |one, container| one.container = Some(container));
        let container = |one: &One<'w>| one.container.unwrap();
        each(
            &mut all,
            asks(&["Environment Variable"]),
            |one| self.workload.containers[container(one).0].env.iter().collect(),
            |one, env| one.env = Some(env),
        );
        each(
            &mut all,
            asks(&["Volume Name", "Volume Type", "Writable Mounted Volume"]),
            |one| self.workload.containers[container(one).0].volumes.iter().collect(),
            |one, volume| one.volume = Some(volume),
        );
        let lines = |one: &One<'w>| match &self.images[container(one).0] {
            Fact::Known(ImageFacts { lines: Fact::Known(lines), .. }) => lines.iter().map(Maybe::There).collect(),
            _ => vec![Maybe::Lacking],
        };
        each(&mut all, asks(&["Dockerfile Line"]), lines, |one, line| one.line = Some(line));
        let components = |one: &One<'w>| match &self.images[container(one).0] {
            Fact::Known(facts) => {
                let found = facts.components.iter().map(Maybe::There);
                found.chain(facts.missing.is_some().then_some(Maybe::Lacking)).collect()
            }
            _ => vec![Maybe::Lacking],
        };
        let of_components = of_vulnerabilities || asks(&["Image Component"]);
        each(&mut all, of_components, components, |one, component| one.component = Some(component));
        let vulnerabilities = |one: &One<'w>| match one.component.unwrap() {
            Maybe::There(component) => {
                let found = component.vulnerabilities.iter().map(Maybe::There);
                let rest = !matches!(component.judged, Fact::Known(()));
                found.chain(rest.then_some(Maybe::Lacking)).collect()
            }
            Maybe::Lacking => vec![Maybe::Lacking],
        };
        each(&mut all, of_vulnerabilities, vulnerabilities, |one, it| one.vulnerability = Some(it));
        let said = all
            .iter()
            .map(|one| groups.iter().map(|group| self.group(group, one)).fold(Outcome::Violated, Outcome::and));
        said.max().unwrap_or(Outcome::Passed)
    }
}

/// Every combination with each of what `list` has for it; left as it is where nobody asks.
fn each<'a, T: Copy>(
    all: &mut Vec<One<'a>>,
    is_asked: bool,
    list: impl Fn(&One<'a>) -> Vec<T>,
    put: impl Fn(&mut One<'a>, T),
) {
    if is_asked {
        let with = |one: One<'a>| {
            let put = &put;
            list(&one)
                .into_iter()
                .map(move |item| {
                    let mut one = one;
                    put(&mut one, item);
                    one
                })
                .collect::<Vec<_>>()
        };
        *all = std::mem::take(all).into_iter().flat_map(with).collect();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_evaluator_says_what_trying_every_combination_says(choices in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut choose = Choices(choices.iter());
        let groups = groups(&mut choose);
        let world = World::made(&mut choose);
        let sections = vec![Section { name: String::new(), groups: groups.clone() }];
        let compiled = compile(&Policy { sections, ..Policy::default() }, Stage::Deploy).unwrap();
        let images: Vec<Image<'_>> = world.workload.containers.iter().zip(&world.images).map(|(container, facts)| Image {
            name: &container.image,
            reference: container.image_ref.as_ref(),
            path: String::new(),
            facts: match facts {
                Fact::Known(facts) => Fact::Known(facts),
                Fact::Unknown(why) => Fact::Unknown(why.clone()),
                Fact::NotAsked => Fact::NotAsked,
            },
        }).collect();
        let subject = Subject { activity: None, workload: Some(&world.workload), images: &images, now: Timestamp::UNIX_EPOCH };
        let verdict = evaluate(&compiled, &subject);
        // A port that the cluster chooses is not known, whatever else nobody asked for.
        let both = [Outcome::Unknown, Outcome::NotEvaluated];
        let tried = world.tried(&groups);
        let is_same = verdict.outcome == tried || (both.contains(&verdict.outcome) && both.contains(&tried)
            && world.lack == Lack::NotAsked);
        prop_assert!(is_same, "{groups:#?}\n{:#?}\nfound {:?}, tried {tried:?}", world.workload, verdict.outcome);
        prop_assert_eq!(verdict.outcome == Outcome::Violated, !verdict.witnesses.is_empty());
        prop_assert_eq!(both.contains(&verdict.outcome), !verdict.reasons.is_empty());
    }
}
