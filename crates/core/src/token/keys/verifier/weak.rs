//! RSA moduli that anybody can factor.
//!
//! | weakness | how it shows |
//! | --- | --- |
//! | a small factor | a prime below 170 divides it |
//! | ROCA (CVE-2017-15361): a smart card's generator made primes of the form `k M + (65537^a mod M)`, where `M` is the product of the first primes, for 2048 bits and more those up to 701 at least; so few numbers `a` fit that the modulus can be factored | modulo each of these primes it is a power of 65537. Of sound moduli that is one in 2^167 |

/// The odd primes up to 701.
const PRIMES: [u32; 125] = primes();

/// How many of them are tried as factors.
const FACTORS: usize = 38;

/// Why a modulus, big-endian, is no secret.
pub(super) fn weakness(modulus: &[u8]) -> Option<&'static str> {
    if PRIMES.iter().take(FACTORS).any(|prime| remainder(modulus, *prime) == 0) {
        return Some("a small prime divides it");
    }
    // One of the first few says no for a sound modulus.
    let is_power = |prime: &u32| is_power_of_65537(remainder(modulus, *prime), *prime);
    PRIMES.iter().all(is_power).then_some("its generator is broken (ROCA, CVE-2017-15361)")
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which sees every index")]
const fn primes() -> [u32; 125] {
    let (mut primes, mut found, mut number) = ([0; 125], 0, 3);
    while found < 125 {
        let mut divisor = 3;
        while divisor * divisor <= number && number % divisor != 0 {
            divisor += 2;
        }
        if divisor * divisor > number {
            primes[found] = number;
            found += 1;
        }
        number += 2;
    }
    primes
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |residue, byte| (residue * 256 + u32::from(*byte)) % prime)
}

/// Whether there is an `a` with `65537^a = residue` modulo the prime.
fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * 65537 % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jwt_simple::prelude::RS256KeyPair;

    /// `number` times `factor`, big-endian.
    fn times(number: &[u8], factor: u32) -> Vec<u8> {
        let mut carry = 0_u64;
        let mut product: Vec<u8> = number
            .iter()
            .rev()
            .map(|byte| {
                carry += u64::from(*byte) * u64::from(factor);
                let low = u8::try_from(carry & 0xff).unwrap();
                carry >>= 8;
                low
            })
            .collect();
        while carry > 0 {
            product.push(u8::try_from(carry & 0xff).unwrap());
            carry >>= 8;
        }
        product.reverse();
        product
    }

    #[test]
    fn broken_generators_and_small_factors_show() {
        // A power of 65537 is one modulo every prime.
        let roca = (0..128).fold(vec![1], |number, _| times(&number, 65537));
        assert_eq!(roca.len(), 257);
        assert_eq!((PRIMES[0], PRIMES[FACTORS - 1], PRIMES.last()), (3, 167, Some(&701)));
        assert!(weakness(&roca).is_some_and(|why| why.contains("ROCA")));
        // Not a power of it modulo 11, where 65537 is -1.
        assert!(!is_power_of_65537(2, 11) && is_power_of_65537(10, 11) && is_power_of_65537(1, 11));
        for factor in [3, 5, 167] {
            assert!(weakness(&times(&roca, factor)).is_some_and(|why| why.contains("divides")));
        }
        assert_eq!(weakness(&times(&roca, 173)), None, "173 is no power of 65537 modulo 11");
        for _ in 0..8 {
            let pair = RS256KeyPair::generate(2048).unwrap();
            assert_eq!(weakness(&pair.public_key().to_components().n), None);
        }
    }
}
