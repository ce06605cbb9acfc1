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
