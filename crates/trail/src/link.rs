//! What chains a record to the one before it: the last three members of its line.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// The digits of a chain's identifier.
const CHAIN: usize = 32;
/// The digits of a hash.
const HASH: usize = 64;

/// The SHA-256 of a record's whole line without its line feed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH / 2]);

impl Hash {
    /// What the first record of a chain has for the one before it.
    pub const NONE: Self = Self([0; HASH / 2]);

    /// Of this line.
    pub fn of(line: &[u8]) -> Self {
        Self(Sha256::digest(line).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no hash: it must be 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 lower-case hexadecimal digits")]
pub struct NoHash;

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let mut bytes = [0; HASH / 2];
        if text.len() != HASH || !is_hex(text) {
            return Err(NoHash);
        }
        let digit = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 };
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = pair.iter().fold(0, |sum, c| sum << 4 | digit(*c));
        }
        Ok(Self(bytes))
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether this can be the identifier of a chain: 32 lower-case hexadecimal digits.
pub(crate) fn is_chain(text: &str) -> bool {
    text.len() == CHAIN && is_hex(text)
}

/// A record's place in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The chain's identifier.
    pub chain: &'a str,
    /// The record's number; the first is 1.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: Hash,
}

impl<'a> Link<'a> {
    /// Completes a line: `object` is a JSON object without its last brace.
    #[cfg(unix)]
    pub(crate) fn complete(&self, mut object: Vec<u8>) -> Vec<u8> {
        let Self { chain, seq, prev } = self;
        if object.last() != Some(&b'{') {
            object.push(b',');
        }
        object.extend_from_slice(
            format!(r#""chain":"{chain}","seq":{seq},"prev":"{prev}"}}"#).as_bytes(),
        );
        object
    }

    /// The link of a line, which must end with it exactly as it was written: one spelling, so that nothing of it can
    /// be edited unseen.
    pub fn of(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_suffix(b"\"}")?;
        let (rest, prev) = last(rest, HASH)?;
        let rest = rest.strip_suffix(b",\"prev\":\"")?;
        let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (rest, seq) = last(rest, digits)?;
        let rest = rest.strip_suffix(b"\",\"seq\":")?;
        let (rest, chain) = last(rest, CHAIN)?;
        let rest = rest.strip_suffix(b"\"chain\":\"")?;
        let begins = rest.starts_with(b"{") && matches!(rest.last(), Some(b',' | b'{'));
        let is_number = digits > 0 && !seq.starts_with('0');
        if !begins || !is_number || !is_chain(chain) {
            return None;
        }
        Some(Self { chain, seq: seq.parse().ok()?, prev: prev.parse().ok()? })
    }

    /// The line as it would be if it named this record before it.
    #[cfg(unix)]
    pub(crate) fn mended(line: &[u8], prev: Hash) -> Option<Vec<u8>> {
        let (rest, _) = last(line.strip_suffix(b"\"}")?, HASH)?;
        Some([rest, prev.to_string().as_bytes(), b"\"}"].concat())
    }
}

fn last(bytes: &[u8], count: usize) -> Option<(&[u8], &str)> {
    let (rest, last) = bytes.split_at_checked(bytes.len().checked_sub(count)?)?;
    Some((rest, std::str::from_utf8(last).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_is_read_as_it_was_written_and_in_no_other_spelling() {
        let chain = "0123456789abcdef0123456789abcdef";
        let place = Link { chain, seq: 1_200, prev: Hash::of(b"before") };
        for object in [&b"{\"v\":1"[..], b"{"] {
            let line = place.complete(object.to_vec());
            assert_eq!(Link::of(&line), Some(place));
            let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(json["seq"], 1200);
            assert_eq!(json["prev"], place.prev.to_string());
        }
        let line = String::from_utf8(place.complete(b"{\"v\":1".to_vec())).unwrap();
        for (from, to) in [
            ("\"seq\":1200", "\"seq\":01200"),
            ("\"seq\":1200", "\"seq\":"),
            ("\"seq\":1200", "\"seq\":99999999999999999999"),
            ("\"seq\":1200", "\"seq\": 1200"),
            ("\"}", "\"} "),
            ("\"}", "\",\"x\":1}"),
            ("0123456789abcdef0", "0123456789ABCDEF0"),
            ("{\"v\"", "[\"v\""),
            ("1,\"chain", "1;\"chain"),
        ] {
            let changed = line.replace(from, to);
            assert_ne!(changed, line, "{from}");
            assert_eq!(Link::of(changed.as_bytes()), None, "{changed}");
        }
    }

    #[test]
    fn a_hash_is_the_one_that_others_compute() {
        let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of(b"abc").to_string(), want);
        assert_eq!(want.parse(), Ok(Hash::of(b"abc")));
        for text in ["", want.trim_start_matches('b'), &want.to_uppercase(), &format!("{want}0")] {
            assert_eq!(text.parse::<Hash>(), Err(NoHash), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange_to_be_read(line in any::<Vec<u8>>()) {
            let _ = Link::of(&line);
        }

        #[test]
        fn each_byte_counts(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let place = Link { chain: "0123456789abcdef0123456789abcdef", seq: 7, prev: Hash::of(b"") };
            let line = place.complete(b"{\"v\":1".to_vec());
            let mut changed = line.clone();
            changed[position.index(line.len())] = byte;
            prop_assert_eq!(Hash::of(&changed) == Hash::of(&line), changed == line);
        }
    }
}
