//! Texts that nobody is to see: they are kept out of logs and messages by their type.

use crate::hash::sha256;
use std::fmt;

/// A password, a token, or what is kept of one. It cannot be printed, and `Debug` says only that it is there; whoever needs it
/// says so by [`Self::expose`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself: to be sent or shown to its owner, never to be logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// How long it takes says nothing about where two differ: hashes are compared.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        sha256(self.0.as_bytes()) == sha256(other.0.as_bytes())
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_not_in_messages() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(hidden) Some(Secret(hidden))");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(secret, secret.clone());
        assert_ne!(secret, Secret::new("hunter3".to_owned()));
    }
}
