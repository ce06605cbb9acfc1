//! Something that happened, as policies of the stage `runtime` look at it: a program that was run, a file that was touched, a
//! connection, or a request to the API server.

use crate::running::RunningContainer;
use crate::workload::Fact;
use std::net::IpAddr;

/// Something that happened, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity<'a> {
    /// What.
    pub act: &'a Act,
    /// In which container; none where it was in none.
    pub container: Option<&'a RunningContainer>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A process began to run a program.
    Program(Process),
    /// A process did something to a file.
    File(Process, FileAccess),
    /// A process talked to somebody.
    Flow(Process, Flow),
    /// Somebody asked the API server for something.
    Request(ApiRequest),
}

/// A process, and the program that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// The number, as the host has it.
    pub pid: Option<i64>,
    /// What it is called: at most 15 bytes, and after that the whole where the kernel cut it.
    pub names: Fact<Vec<String>>,
    /// The path of its executable.
    pub path: Fact<String>,
    /// Its arguments after the first, with blanks between.
    pub arguments: Fact<String>,
    /// The paths of the executables of the processes above it, up to the first of its container, the nearest first.
    pub ancestors: Vec<Fact<String>>,
    /// The user it runs as.
    pub uid: Fact<u32>,
    /// Whether a locked baseline does not have it.
    pub unexpected: Fact<bool>,
}

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileOperation {
    /// It is opened to be written.
    Open,
    /// It is made.
    Create,
    /// It is given another name.
    Rename,
    /// It is taken away.
    Unlink,
    /// Its owner or group is set.
    OwnershipChange,
    /// Its mode is set.
    PermissionChange,
}

impl FileOperation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Create, Self::Rename, Self::Unlink, Self::OwnershipChange, Self::PermissionChange];

    /// The word in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Create => "CREATE",
            Self::Rename => "RENAME",
            Self::Unlink => "UNLINK",
            Self::OwnershipChange => "OWNERSHIP_CHANGE",
            Self::PermissionChange => "PERMISSION_CHANGE",
        }
    }
}

/// A file, and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAccess {
    /// What.
    pub operation: FileOperation,
    /// Its paths as the process sees them: two where one becomes the other.
    pub paths: Vec<Fact<String>>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Whether the peer began.
    pub incoming: bool,
    /// `tcp`, `udp`, or whatever else the socket is of.
    pub protocol: String,
    /// The port of the server.
    pub port: u16,
    /// The peer.
    pub address: Option<IpAddr>,
    /// Whether a locked baseline does not have it.
    pub unexpected: Fact<bool>,
}

/// A request to the API server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiRequest {
    /// Whether the audit log tells of it, after the fact; else it is asked for right now.
    pub audited: bool,
    /// About what kind of thing, as policies call it: `SECRETS`, `PODS_EXEC`; the plural in capitals where they have no word
    /// for it.
    pub resource: Fact<String>,
    /// What is asked, as policies call it: `GET`, and all that is meant by it.
    pub verbs: Fact<Vec<String>>,
    /// The name of the thing; none where it is about no single one.
    pub name: Fact<Option<String>>,
    /// The namespace that it is in; none for what is in none.
    pub namespace: Fact<Option<String>>,
    /// Who asks.
    pub user: Fact<String>,
    /// The groups that who asks is in.
    pub groups: Fact<Vec<String>>,
    /// Whether who asks acts in another's name.
    pub impersonated: Fact<bool>,
    /// From where it is asked.
    pub source_ips: Fact<Vec<String>>,
    /// What program asks; none where it does not say.
    pub user_agent: Fact<Option<String>>,
}

impl ApiRequest {
    /// Whether it is about a connection into a pod: to run a command there, to attach, or to forward a port.
    pub fn is_connection(&self) -> bool {
        matches!(&self.resource, Fact::Known(resource) if resource.starts_with("PODS_"))
    }
}

impl Act {
    /// The process that did it; none for a request.
    pub fn process(&self) -> Option<&Process> {
        match self {
            Self::Program(process) | Self::File(process, _) | Self::Flow(process, _) => Some(process),
            Self::Request(_) => None,
        }
    }
}
