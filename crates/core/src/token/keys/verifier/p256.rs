//! ES256. The arithmetic of the curve is `p256`'s, and so are the first checks of a key, whole. A key
//! that has been used a few times gets a table of its multiples, which more than halves the cost:
//! a check is then additions alone.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::group::Group as _;
use p256::elliptic_curve::ops::{Invert as _, MulByGeneratorVartime as _, Reduce as _};
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::{FieldBytes, NistP256, ProjectivePoint, Scalar};
use primeorder::{LookupTable, Radix16Decomposition, Radix16Digits};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many checks a key makes before it gets its table. To build it, and once the generator's, costs
/// as much as three to four checks; instances that end early shall not pay for it.
const PATIENCE: u32 = 4;

/// The bytes of a scalar.
const BYTES: usize = 32;

/// A public key on P-256.
pub(in super::super) struct P256 {
    key: VerifyingKey,
    checks: AtomicU32,
    table: OnceLock<Table>,
}

impl P256 {
    /// The key of an uncompressed point on the curve (SEC 1, section 2.3.4).
    pub(super) fn new(point: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_sec1_bytes(point).ok()?;
        Some(Self { key, checks: AtomicU32::new(0), table: OnceLock::new() })
    }

    /// Whether the signature is by this key (FIPS 186-5, section 6.4.2).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        // Two scalars of full length, each from 1 to the order less 1.
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        if self.table.get().is_none() && self.checks.fetch_add(1, Ordering::Relaxed) < PATIENCE {
            return self.key.verify(message, &signature).is_ok();
        }
        self.table
            .get_or_init(|| Table::new((*self.key.as_affine()).into()))
            .holds(&Sha256::digest(message), &signature)
    }
}

impl fmt::Debug for P256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// Of a point `Q`, for each byte `i` of a scalar, `1 Q 256^i` to `8 Q 256^i`, and one row for the
/// carry: 25 KiB.
struct Table([Box<LookupTable<ProjectivePoint>>; BYTES + 1]);

impl Table {
    fn new(mut point: ProjectivePoint) -> Self {
        Self(std::array::from_fn(|_| {
            let row = Box::new(LookupTable::new(point));
            for _ in 0..8 {
                point = point.double();
            }
            row
        }))
    }

    /// `k Q`. `k` is the sum of `d_j 16^j` with digits from -8 to 8; the odd ones are summed apart and
    /// then worth 16 times as much.
    fn times(&self, k: &Scalar) -> ProjectivePoint {
        let digits = Radix16Decomposition::<Radix16Digits<NistP256>>::new(k);
        let mut even = ProjectivePoint::IDENTITY;
        let mut odd = ProjectivePoint::IDENTITY;
        for (i, row) in self.0.iter().enumerate() {
            even += &row.select_vartime(digits[2 * i]);
            if i < BYTES {
                odd += &row.select_vartime(digits[2 * i + 1]);
            }
        }
        for _ in 0..4 {
            odd = odd.double();
        }
        even + odd
    }

    /// FIPS 186-5, section 6.4.2, steps 3 to 9. All of it is public, so its time may vary.
    fn holds(&self, hash: &FieldBytes, signature: &Signature) -> bool {
        let (r, s) = signature.split_scalars();
        let inverse = *s.invert_vartime();
        let of_generator = scalar(hash) * inverse;
        let of_key = *r * inverse;
        let point = ProjectivePoint::mul_by_generator_vartime(&of_generator) + self.times(&of_key);
        // At infinity there is no x; the library's is zero there, which no r is.
        *r == scalar(&point.to_affine().x())
    }
}

fn scalar(bytes: &FieldBytes) -> Scalar {
    Scalar::reduce(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_multiplies() {
        let point = ProjectivePoint::GENERATOR * Scalar::from(7_u32);
        let table = Table::new(point);
        let repeated = |byte: u8| scalar(&[byte; BYTES].into());
        let edges = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, -Scalar::from(2_u32)];
        for k in edges.into_iter().chain((0..=u8::MAX).map(repeated)) {
            assert!(table.times(&k) == point * k, "{k:?}");
        }
    }
}
