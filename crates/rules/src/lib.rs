//! What ships: the files of the folder `rules/`, as they are. Nothing here is parsed.

/// A file that ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its path below `rules/`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(File { path: $path, text: include_str!(concat!("../../../rules/", $path)) }),*]
    };
}

/// Policies, in files by what they are about.
pub static POLICIES: &[File] = files![
    "policies/commands.yaml",
    "policies/contents.yaml",
    "policies/host.yaml",
    "policies/identity.yaml",
    "policies/images.yaml",
    "policies/network.yaml",
    "policies/notorious.yaml",
    "policies/privileges.yaml",
    "policies/requests.yaml",
    "policies/resources.yaml",
    "policies/runtime.yaml",
    "policies/secrets.yaml",
    "policies/supply-chain.yaml",
    "policies/vulnerabilities.yaml",
];

/// Detection rules in Falco's language, in the order in which they are loaded: what they share, then files by tactic.
pub static DETECTION: &[File] = files![
    "detection/base.yaml",
    "detection/initial-access.yaml",
    "detection/execution.yaml",
    "detection/persistence.yaml",
    "detection/privilege-escalation.yaml",
    "detection/defense-evasion.yaml",
    "detection/credential-access.yaml",
    "detection/discovery.yaml",
    "detection/lateral-movement.yaml",
    "detection/collection.yaml",
    "detection/command-and-control.yaml",
    "detection/exfiltration.yaml",
    "detection/impact.yaml",
];

/// Detection rules in Japanese, by name; and for each something that it has to tell and something that it must not.
pub static DETECTION_TEXTS: &[File] = files!["detection/ja.yaml", "detection/twins.yaml"];
