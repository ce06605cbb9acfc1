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
    "policies/privileges.yaml",
    "policies/host.yaml",
    "policies/network.yaml",
    "policies/resources.yaml",
    "policies/identity.yaml",
];
