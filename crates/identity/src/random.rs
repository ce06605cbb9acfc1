//! Random bytes, ids, and bytes as letters and digits.

use crate::error::IdentityError;
use jiff::Timestamp;
use uuid::{Builder, Uuid};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], IdentityError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A new id (`UUIDv7`): later ones are behind earlier ones in order.
pub(crate) fn id(now: Timestamp) -> Result<Uuid, IdentityError> {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes()?).into_uuid())
}

/// Bytes as a number in base 62, the highest digit first, in so many digits.
pub(crate) fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![DIGITS[0]; width];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = DIGITS[rest as usize];
    }
    digits.into_iter().map(char::from).collect()
}

/// The bytes that [`base62`] wrote; none for any other text.
pub(crate) fn from_base62<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for digit in text.bytes() {
        let mut carry = DIGITS.iter().position(|known| *known == digit)? as u32;
        for byte in number.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = (value & 0xff) as u8;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_those_of_the_number() {
        assert_eq!(base62(&[0, 61], 3), "00z");
        assert_eq!(base62(&[0, 62], 3), "010");
        assert_eq!(base62(&u32::MAX.to_be_bytes(), 6), "4gfFC3");
        assert_eq!(from_base62::<4>("4gfFC3"), Some(u32::MAX.to_be_bytes()));
        assert_eq!(from_base62::<4>("4gfFC4"), None, "more than 32 bits");
        assert_eq!(from_base62::<4>("zzzzzz"), None);
        assert_eq!(from_base62::<4>("00 000"), None);
        assert_eq!(from_base62::<4>("00é00"), None);
        assert_eq!(from_base62::<32>(&base62(&[0xff; 32], 43)), Some([0xff; 32]), "43 digits hold 256 bits");
        assert_eq!(from_base62::<16>(&base62(&[0xff; 16], 22)), Some([0xff; 16]), "22 digits hold 128 bits");
    }

    #[test]
    fn ids_are_in_the_order_of_time() {
        let at = |millis| id(Timestamp::from_millisecond(millis).unwrap()).unwrap();
        assert!(at(1) < at(2) && at(2) < at(1_800_000_000_000));
        assert_ne!(at(5), at(5));
        assert_eq!((at(-5).get_version_num(), at(7).get_version_num()), (7, 7));
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in any::<[u8; 32]>()) {
            let text = base62(&bytes, 43);
            prop_assert_eq!(text.len(), 43);
            prop_assert_eq!(from_base62::<32>(&text), Some(bytes));
        }
    }
}
