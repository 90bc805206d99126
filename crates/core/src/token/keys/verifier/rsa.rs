//! RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2) with the exponent 65537: sixteen squarings and one
//! multiplication, which is half of what a power of any exponent costs.

use super::hash::Hash;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

/// The least number of bytes 0xff before the hash (RFC 8017, section 9.2).
const LEAST_PADDING: usize = 8;

/// A public key of exponent 65537, bound to a hash.
#[derive(Debug)]
pub(in super::super) struct Pkcs1 {
    hash: Hash,
    modulus: BoxedMontyParams,
    /// Of the modulus, in bytes.
    length: usize,
}

impl Pkcs1 {
    /// The key of an odd modulus, big-endian and without leading zeros.
    pub(super) fn new(hash: Hash, modulus: &[u8]) -> Option<Self> {
        let number = BoxedUint::from_be_slice_vartime(modulus);
        let odd = Option::from(Odd::new(number))?;
        Some(Self { hash, modulus: BoxedMontyParams::new_vartime(odd), length: modulus.len() })
    }

    /// Whether the signature is by this key (RFC 8017, section 8.2.2). What it encodes is compared
    /// whole with what it must: nothing is parsed.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match (self.opened(signature), self.encoded(message)) {
            (Some(opened), Some(encoded)) => opened == encoded,
            _ => false,
        }
    }

    /// RSAVP1 (RFC 8017, section 5.2.2), for a signature as long as the modulus and below it.
    fn opened(&self, signature: &[u8]) -> Option<Vec<u8>> {
        if signature.len() != self.length {
            return None;
        }
        let number = BoxedUint::from_be_slice(signature, self.modulus.bits_precision()).ok()?;
        if number >= **self.modulus.modulus() {
            return None;
        }
        let base = BoxedMontyForm::new(number, &self.modulus);
        let mut power = base.clone();
        for _ in 0..16 {
            power = power.square();
        }
        let bytes = power.mul(&base).retrieve().to_be_bytes();
        // Whole words: before the modulus's length they are zero.
        bytes.get(bytes.len().checked_sub(self.length)?..).map(<[u8]>::to_vec)
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017, section 9.2).
    fn encoded(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (prefix, digest) = (self.hash.digest_info(), self.hash.of(message));
        let padding = self.length.checked_sub(3 + prefix.len() + digest.len())?;
        if padding < LEAST_PADDING {
            return None;
        }
        let mut encoded = Vec::with_capacity(self.length);
        encoded.extend([0, 1]);
        encoded.resize(2 + padding, 0xff);
        encoded.push(0);
        encoded.extend_from_slice(prefix);
        encoded.extend(digest);
        Some(encoded)
    }
}
