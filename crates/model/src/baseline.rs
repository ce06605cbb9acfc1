//! Baselines: what containers of an image were seen to do, and what is outside of that.
//!
//! A baseline is a set with evidence. Joining two of them is commutative, associative and idempotent, so that those of
//! replicas, hosts and days can be put together in any order and more than once; `detect` does it.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use utoipa::ToSchema;

/// The `schema` of a document of baselines.
pub const BASELINE_SCHEMA: &str = "sekisho.baseline/v1";
/// The `schema` of a report of what is outside of them.
pub const DRIFT_SCHEMA: &str = "sekisho.drift/v1";

/// Baselines of any number of containers: the JSON document `sekisho.baseline/v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Baselines {
    /// `sekisho.baseline/v1`.
    pub schema: String,
    /// Whether there were more containers than could be learned of: some have no baseline, or not all they did is in it.
    #[serde(default)]
    pub incomplete: bool,
    /// The baselines, sorted by image and container.
    pub baselines: Vec<Baseline>,
}

impl Default for Baselines {
    fn default() -> Self {
        Self { schema: BASELINE_SCHEMA.to_owned(), incomplete: false, baselines: Vec::new() }
    }
}

/// What a baseline has entries of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineKind {
    /// Programs that ran.
    Processes,
    /// Ports that were listened on.
    Ports,
    /// Who was talked to.
    Peers,
    /// Files that were written.
    Files,
    /// System calls that were made.
    Calls,
}

impl BaselineKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Processes, Self::Ports, Self::Peers, Self::Files, Self::Calls];

    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Ports => "ports",
            Self::Peers => "peers",
            Self::Files => "files",
            Self::Calls => "calls",
        }
    }
}

/// Whether a baseline may still grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineState {
    /// It may: what is outside of it is new, not wrong.
    #[default]
    Learning,
    /// It may not: what is outside of it should not be.
    Locked,
}

/// What containers of one image and name were seen to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Baseline {
    /// The image, as the container names it; none for a container without an image, and for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The name of the container, in a pod its name there; `*` stands for all of the image that have none of their own,
    /// `host` without an image for what runs in no container.
    pub container: String,
    /// Whether it may still grow.
    pub state: BaselineState,
    /// When it was locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub locked_at: Option<Timestamp>,
    /// For how many seconds it is to be learned.
    pub window_seconds: u64,
    /// The digests of the image's manifest, as far as they were told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub image_digests: BTreeSet<String>,
    /// The containers it was learned from, by id.
    pub replicas: BTreeMap<String, Replica>,
    /// What was looked at: what is not among these was not learned, and nothing is outside of it.
    pub learned: BTreeSet<BaselineKind>,
    /// Whether there were more containers than are listed: what they did is among the entries all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_replicas: bool,
    /// What had more entries than are kept: nothing can be said to be outside of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub overflow: BTreeSet<BaselineKind>,
    /// Programs that ran.
    #[serde(default, with = "entries")]
    #[schema(value_type = Vec<LearnedProcess>)]
    pub processes: BTreeMap<ProcessDeed, Sightings>,
    /// Ports that were listened on.
    #[serde(default, with = "entries")]
    #[schema(value_type = Vec<LearnedPort>)]
    pub ports: BTreeMap<PortDeed, Sightings>,
    /// Who was talked to.
    #[serde(default, with = "entries")]
    #[schema(value_type = Vec<LearnedPeer>)]
    pub peers: BTreeMap<PeerDeed, Sightings>,
    /// Files that were written, made or put in place.
    #[serde(default, with = "entries")]
    #[schema(value_type = Vec<LearnedFile>)]
    pub files: BTreeMap<FileDeed, Sightings>,
    /// System calls that were made.
    #[serde(default, with = "entries")]
    #[schema(value_type = Vec<LearnedCall>)]
    pub calls: BTreeMap<CallDeed, Sightings>,
    /// How far it can be relied on. It follows from the rest, and is told anew whenever the document is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

impl Baseline {
    /// One that nothing was learned for.
    pub fn new(image: Option<String>, container: String) -> Self {
        Self {
            image,
            container,
            state: BaselineState::Learning,
            locked_at: None,
            window_seconds: 0,
            image_digests: BTreeSet::new(),
            replicas: BTreeMap::new(),
            more_replicas: false,
            learned: BTreeSet::new(),
            overflow: BTreeSet::new(),
            processes: BTreeMap::new(),
            ports: BTreeMap::new(),
            peers: BTreeMap::new(),
            files: BTreeMap::new(),
            calls: BTreeMap::new(),
            confidence: None,
        }
    }

    /// What it is of, in words.
    pub fn name(&self) -> String {
        match &self.image {
            Some(image) => format!("{} of {image}", self.container),
            None => self.container.clone(),
        }
    }

    /// All entries, as words and with their evidence.
    pub fn entries(&self) -> impl Iterator<Item = (BaselineKind, String, &Sightings)> {
        fn of<K: ToString>(
            kind: BaselineKind,
            map: &BTreeMap<K, Sightings>,
        ) -> impl Iterator<Item = (BaselineKind, String, &Sightings)> {
            map.iter().map(move |(key, evidence)| (kind, key.to_string(), evidence))
        }
        of(BaselineKind::Processes, &self.processes)
            .chain(of(BaselineKind::Ports, &self.ports))
            .chain(of(BaselineKind::Peers, &self.peers))
            .chain(of(BaselineKind::Files, &self.files))
            .chain(of(BaselineKind::Calls, &self.calls))
    }
}

/// A container that was learned from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replica {
    /// The host that it ran on.
    pub host: String,
    /// From when on it was watched.
    #[schema(value_type = String, format = DateTime)]
    pub first: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub last: Timestamp,
    /// How many of its events were looked at.
    pub events: u64,
    /// How many events of its host were lost meanwhile: some of them may have been of this container.
    pub lost: u64,
}

/// Who did something, when, and whether that was suspicious: so that poisoned learning can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sightings {
    /// When it was first seen.
    #[schema(value_type = String, format = DateTime)]
    pub first: Timestamp,
    /// When it was last seen.
    #[schema(value_type = String, format = DateTime)]
    pub last: Timestamp,
    /// How many times in each container, by id: at least so often.
    pub by: BTreeMap<String, u64>,
    /// Detection rules that alerted meanwhile.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alerts: BTreeSet<String>,
}

impl Sightings {
    /// How many times it was seen, at least.
    pub fn times(&self) -> u64 {
        self.by.values().fold(0, |sum, times| sum.saturating_add(*times))
    }
}

/// A program that runs. Paths are as the container sees them; bytes that are no text are written as `\xNN`, and a
/// backslash as two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct ProcessDeed {
    /// The path of its executable.
    pub path: String,
    /// The path of its parent's executable; none if it was begun from outside of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The user it runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
}

/// A port that is listened on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct PortDeed {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The port.
    pub port: u16,
}

/// Who begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The peer.
    In,
    /// The container.
    Out,
}

/// Somebody who is talked to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct PeerDeed {
    /// Who begins.
    pub direction: Direction,
    /// `tcp`, `udp`, or whatever else the socket is of.
    pub protocol: String,
    /// The port of the server: the container's for what comes in, the peer's for what goes out.
    pub port: u16,
    /// The address of the peer; none for any, where there were too many to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
}

/// A file that is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct FileDeed {
    /// Its path, as the container sees it; `/proc/PID/…` for that of any process.
    pub path: String,
    /// Whether all below this directory is meant, where there was too much to name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beneath: bool,
}

/// A system call that is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct CallDeed {
    /// Its name on `x86_64`.
    pub name: String,
}

impl std::fmt::Display for ProcessDeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        match &self.parent {
            Some(parent) => write!(f, " by {parent}")?,
            None => f.write_str(" from outside")?,
        }
        self.uid.map_or(Ok(()), |uid| write!(f, " as {uid}"))
    }
}

impl std::fmt::Display for PortDeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

impl std::fmt::Display for PeerDeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { direction, protocol, port, address } = self;
        let address = address.map_or_else(|| "any address".to_owned(), |address| address.to_string());
        match direction {
            Direction::In => write!(f, "from {address} to port {port}/{protocol}"),
            Direction::Out => write!(f, "to {address}, port {port}/{protocol}"),
        }
    }
}

impl std::fmt::Display for FileDeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.path, if self.beneath { "/**" } else { "" })
    }
}

impl std::fmt::Display for CallDeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a container does, of any kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Deed {
    /// A program runs.
    Processes(ProcessDeed),
    /// A port is listened on.
    Ports(PortDeed),
    /// Somebody is talked to.
    Peers(PeerDeed),
    /// A file is written.
    Files(FileDeed),
    /// A system call is made.
    Calls(CallDeed),
}

impl Deed {
    /// Of what kind it is.
    pub fn kind(&self) -> BaselineKind {
        match self {
            Self::Processes(_) => BaselineKind::Processes,
            Self::Ports(_) => BaselineKind::Ports,
            Self::Peers(_) => BaselineKind::Peers,
            Self::Files(_) => BaselineKind::Files,
            Self::Calls(_) => BaselineKind::Calls,
        }
    }
}

impl std::fmt::Display for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Processes(deed) => deed.fmt(f),
            Self::Ports(deed) => deed.fmt(f),
            Self::Peers(deed) => deed.fmt(f),
            Self::Files(deed) => deed.fmt(f),
            Self::Calls(deed) => deed.fmt(f),
        }
    }
}

/// How far something can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceLevel {
    /// The window is not over, or events were lost.
    Low,
    /// It is, and there is still something new, or only one container was seen.
    Medium,
    /// It is, and for a quarter of the time nothing new was seen in several containers.
    High,
}

impl ConfidenceLevel {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How far a baseline can be relied on, and what is against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confidence {
    /// How far.
    pub level: ConfidenceLevel,
    /// What keeps it from being more, in words.
    pub reasons: Vec<String>,
}

/// What is outside of locked baselines: the JSON document `sekisho.drift/v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftReport {
    /// `sekisho.drift/v1`.
    pub schema: String,
    /// What was done that no locked baseline has, sorted.
    pub outside: Vec<Outside>,
    /// How many more there were than are listed, counted each time they were done.
    pub more: u64,
    /// What could not be compared, and why, with how many times that was.
    pub unknown: Vec<NotCompared>,
    /// How many times something was compared.
    pub compared: u64,
}

/// Something that a locked baseline does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outside {
    /// The image of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The name of the container.
    pub container: String,
    /// What was done.
    pub deed: Deed,
    /// When, how often, in which containers.
    #[serde(flatten)]
    pub evidence: Sightings,
}

/// What could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct NotCompared {
    /// The image of the container, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The name of the container.
    pub container: String,
    /// Why not.
    pub reason: String,
    /// How many times.
    pub times: u64,
}

/// Entries in documents: a deed and its evidence as one object.
macro_rules! learned {
    ($($name:ident: $deed:ident, $about:literal;)*) => {$(
        #[doc = $about]
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "only its schema is asked for")]
        struct $name {
            #[serde(flatten)]
            deed: $deed,
            #[serde(flatten)]
            evidence: Sightings,
        }
    )*};
}

learned! {
    LearnedProcess: ProcessDeed, "A program that ran, and the evidence.";
    LearnedPort: PortDeed, "A port that was listened on, and the evidence.";
    LearnedPeer: PeerDeed, "Who was talked to, and the evidence.";
    LearnedFile: FileDeed, "A file that was written, and the evidence.";
    LearnedCall: CallDeed, "A system call that was made, and the evidence.";
}

/// Maps of deeds as lists of objects.
mod entries {
    use super::{BTreeMap, Deserialize, Deserializer, Serialize, Serializer, Sightings};

    #[derive(Serialize)]
    struct Written<'a, K> {
        #[serde(flatten)]
        deed: &'a K,
        #[serde(flatten)]
        evidence: &'a Sightings,
    }

    #[derive(Deserialize)]
    struct Read<K> {
        #[serde(flatten)]
        deed: K,
        #[serde(flatten)]
        evidence: Sightings,
    }

    pub(super) fn serialize<K: Serialize, S: Serializer>(
        map: &BTreeMap<K, Sightings>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.iter().map(|(deed, evidence)| Written { deed, evidence }))
    }

    pub(super) fn deserialize<'de, K: Ord + Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, Sightings>, D::Error> {
        let read = Vec::<Read<K>>::deserialize(deserializer)?;
        let mut map = BTreeMap::new();
        for Read { deed, evidence } in read {
            if map.insert(deed, evidence).is_some() {
                return Err(serde::de::Error::custom("an entry is there twice"));
            }
        }
        Ok(map)
    }
}
