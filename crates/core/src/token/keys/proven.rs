//! Tokens whose signature a key of this set was seen to hold, so that it is checked once and not with
//! each request. Nothing else about a token is remembered: its claims, revocation, network and labels
//! are judged each time.
//!
//! A token is remembered by its SHA-256, which covers header, payload and signature, with the set
//! whose key checked it: another tenant, another issuer and the set after this one know nothing of
//! it. What a set says of a token does not depend on what it remembers.

use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How many tokens a set remembers at most, in less than 17 KiB. Of two with one place the later is
/// remembered.
const PLACES: usize = 512;

type Hash = [u8; 32];

/// The tokens; none takes no memory.
#[derive(Default)]
pub(super) struct Proven(Mutex<Vec<Option<Hash>>>);

impl Proven {
    /// Runs the check, unless it held before for this token.
    pub(super) fn once<E>(
        &self,
        token: &str,
        check: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let hash: Hash = Sha256::digest(token).into();
        let [low, high, ..] = hash;
        let place = usize::from(u16::from_le_bytes([low, high])) % PLACES;
        if self.with(|places| places.get(place).copied().flatten()) == Some(hash) {
            return Ok(());
        }
        check()?;
        self.with(|places| {
            places.resize(PLACES, None);
            if let Some(at) = places.get_mut(place) {
                *at = Some(hash);
            }
        });
        Ok(())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Option<Hash>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proven")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_held_is_not_repeated() {
        let proven = Proven::default();
        let mut checks = 0;
        for _ in 0..3 {
            assert_eq!(proven.once("a.b.c", || Err(())), Err(()), "one that failed is");
        }
        for _ in 0..3 {
            let check = || {
                checks += 1;
                Ok::<(), ()>(())
            };
            assert_eq!(proven.once("a.b.c", check), Ok(()));
        }
        assert_eq!(checks, 1);
        for other in ["a.b.d", "a.b.c ", "a.b.", "A.b.c", ""] {
            assert_eq!(proven.once(other, || Err(())), Err(()), "{other:?}");
        }
        assert_eq!(Proven::default().once("a.b.c", || Err(())), Err(()), "another set");
    }

    #[test]
    fn memory_is_bounded() {
        let proven = Proven::default();
        for token in 0..4 * PLACES {
            assert_eq!(proven.once(&token.to_string(), || Ok::<(), ()>(())), Ok(()));
        }
        let (length, known) =
            proven.with(|places| (places.capacity(), places.iter().flatten().count()));
        assert_eq!(length, PLACES);
        assert!(known > PLACES / 2, "{known} are remembered");
    }
}
