//! What tokens and sessions are written as.
//!
//! `sekisho_ID_SECRETSUM` for tokens, `sekisho_session_ID_SECRETSUM` for sessions: 22 letters and digits of the id, 43 of a secret of
//! 256 bits, 6 of a CRC-32 of all before them. So scanners for secrets find one in a text and know it from what only looks like one,
//! without asking (`sekisho_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}`), as they do those of GitHub. Only a hash of the secret is kept: a
//! secret of 256 bits needs no slow one.

use crate::error::IdentityError;
use crate::random::{self, base62, from_base62};
use sekisho_base::Secret;
use sekisho_base::hash::{hex, sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

const TOKEN: &str = "sekisho_";
const SESSION: &str = "sekisho_session_";
/// Digits of id, secret and checksum.
const DIGITS: (usize, usize, usize) = (22, 43, 6);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Token,
    Session,
}

/// What somebody showed, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    secret: Secret,
}

impl Shown {
    /// Whether it is the one of which this is kept. How long that takes does not depend on where they differ.
    pub(crate) fn is(&self, kept: &Secret) -> bool {
        self.secret.expose().as_bytes().ct_eq(kept.expose().as_bytes()).into()
    }
}

/// A new one for this id: the text for whoever it is made for, and what is kept of it.
pub(crate) fn make(kind: Kind, id: Uuid) -> Result<(Secret, Secret), IdentityError> {
    let secret: [u8; 32] = random::bytes()?;
    let prefix = if kind == Kind::Token { TOKEN } else { SESSION };
    let text = format!("{prefix}{}_{}", base62(id.as_bytes(), DIGITS.0), base62(&secret, DIGITS.1));
    let text = format!("{text}{}", checksum(&text));
    Ok((Secret::new(text), kept(secret)))
}

/// What a text shows; none where it cannot be one of ours, which is seen without looking anything up.
pub(crate) fn read(text: &str) -> Option<Shown> {
    let (kind, rest) = match text.strip_prefix(SESSION) {
        Some(rest) => (Kind::Session, rest),
        None => (Kind::Token, text.strip_prefix(TOKEN)?),
    };
    // Before anything is made of it.
    if rest.len() != DIGITS.0 + 1 + DIGITS.1 + DIGITS.2 || !rest.is_ascii() {
        return None;
    }
    let (said, sum) = text.split_at(text.len() - DIGITS.2);
    if sum != checksum(said) {
        return None;
    }
    let (id, secret) = rest[..DIGITS.0 + 1 + DIGITS.1].split_once('_')?;
    if id.len() != DIGITS.0 {
        return None;
    }
    Some(Shown { kind, id: Uuid::from_bytes(from_base62(id)?), secret: kept(from_base62(secret)?) })
}

fn kept(secret: [u8; 32]) -> Secret {
    Secret::new(hex(&sha256(&secret)))
}

fn checksum(text: &str) -> String {
    base62(&crc32fast::hash(text.as_bytes()).to_be_bytes(), DIGITS.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);

    #[test]
    fn what_is_made_is_read() {
        for (kind, prefix, length) in [(Kind::Token, "sekisho_", 80), (Kind::Session, "sekisho_session_", 88)] {
            let (text, kept) = make(kind, ID).unwrap();
            assert_eq!((text.expose().len(), text.expose().starts_with(prefix)), (length, true));
            let shown = read(text.expose()).unwrap();
            assert_eq!((shown.kind, shown.id, shown.is(&kept)), (kind, ID, true));
            let (other, other_kept) = make(kind, ID).unwrap();
            assert!(!shown.is(&other_kept) && !read(other.expose()).unwrap().is(&kept));
            assert!(!format!("{text:?} {shown:?} {kept:?}").contains(&text.expose()[40..60]));
        }
        // One kind is not the other: each is looked up among its own.
        let (token, _) = make(Kind::Token, ID).unwrap();
        assert_eq!(read(&token.expose().replacen("sekisho_", "sekisho_session_", 1)), None);
    }

    #[test]
    fn the_form_is_fixed() {
        let text = "sekisho_0000000000000000000001_0000000000000000000000000000000000000000002";
        let sum = checksum(text);
        // CRC-32 of the text by another program, in base 62.
        assert_eq!(sum, "3oV8Lu");
        assert_eq!(read(&format!("{text}{sum}")).unwrap().id, Uuid::from_u128(1));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let (token, _) = make(Kind::Token, ID).unwrap();
        let token = token.expose();
        let long = format!("{token}{}", "0".repeat(1 << 20));
        let resum = |said: &str| format!("{said}{}", checksum(said));
        for text in [
            "",
            "sekisho_",
            "sekisho_session_",
            &token[1..],
            &token[..79],
            &format!("{token}0"),
            &format!(" {token}"),
            &long,
            &token.replace('_', "-"),
            &token.to_lowercase(),
            "sekisho_日本日本日本日_日本日本日本日本日本日本日本日本",
            "ghp_0000000000000000000000000000000000004gfFC",
            // The checksum is right, the rest is not: too large a number, a NUL, another place for the line.
            &resum(&format!("sekisho_{}_{}", "z".repeat(22), "0".repeat(43))),
            &resum(&format!("sekisho_{}_{}", "0".repeat(22), "z".repeat(43))),
            &resum(&format!("sekisho_{}_{}\0", "0".repeat(22), "0".repeat(42))),
            &resum(&format!("sekisho_{}_{}", "0".repeat(21), "0".repeat(44))),
            &resum(&format!("sekisho_{}", "0".repeat(66))),
        ] {
            assert_eq!(read(text), None, "{text:.100}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            prop_assert_eq!(read(&text), None);
            prop_assert_eq!(read(&format!("sekisho_{text}")), None);
        }

        #[test]
        fn one_letter_else_is_another(id in any::<u128>(), place in 0_usize..80, letter in "[0-9A-Za-z_]") {
            let (token, _) = make(Kind::Token, Uuid::from_u128(id)).unwrap();
            let mut other = token.expose().to_owned();
            other.replace_range(place..=place, &letter);
            prop_assert_eq!(read(&other).is_some(), other == token.expose());
        }
    }
}
