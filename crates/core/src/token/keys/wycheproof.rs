//! Project Wycheproof's vectors: what implementations of these algorithms have got wrong before.

use super::algorithm::Algorithm;
use super::material::Material;
use super::verifier::Verifier;
use wycheproof::TestResult;
use wycheproof::{ecdsa, eddsa, mac, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

/// How many vectors were judged, as valid and as invalid.
#[derive(Debug, Default, PartialEq)]
struct Count {
    valid: usize,
    invalid: usize,
}

impl Count {
    /// Judges one vector with a key that is new and, where checks change it, with the same in use.
    fn judge(&mut self, key: &Verifier, vector: (&str, usize, TestResult), msg: &[u8], sig: &[u8]) {
        let (name, id, result) = vector;
        let want = match result {
            TestResult::Valid => true,
            // "Acceptable" are signatures that a strict reader refuses.
            TestResult::Invalid | TestResult::Acceptable => false,
        };
        assert_eq!(key.verify(msg, sig), want, "{name} {id}");
        if want { self.valid += 1 } else { self.invalid += 1 }
    }
}

#[test]
fn ecdsa_vectors() {
    use ecdsa::TestName;
    for (name, algorithm, want) in [
        (TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256, Count { valid: 346, invalid: 178 }),
        (TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384, Count { valid: 386, invalid: 174 }),
    ] {
        let mut count = Count::default();
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let point = group.key.key.to_vec();
            let material = match algorithm {
                Algorithm::ES256 => Material::P256(point),
                _ => Material::P384(point),
            };
            let fresh = || Verifier::build(algorithm, &material).unwrap();
            let used = fresh();
            for _ in 0..8 {
                assert!(!used.verify(b"", &[1; 64]));
            }
            for test in group.tests {
                let vector = ("ECDSA", test.tc_id, test.result);
                count.judge(&fresh(), vector, &test.msg, &test.sig);
                count.judge(&used, vector, &test.msg, &test.sig);
            }
        }
        assert_eq!(count, want, "{algorithm:?}");
    }
}

#[test]
fn eddsa_vectors() {
    let mut count = Count::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = Verifier::build(Algorithm::EdDSA, &Material::Ed25519(group.key.pk.to_vec()));
        let key = key.unwrap();
        for test in group.tests {
            count.judge(&key, ("Ed25519", test.tc_id, test.result), &test.msg, &test.sig);
        }
    }
    assert_eq!(count, Count { valid: 88, invalid: 63 });
}

#[test]
fn rsa_vectors() {
    use pkcs1::TestName as P;
    use pss::TestName as S;
    let mut count = Count::default();
    for (name, algorithm) in [
        (P::Rsa2048Sha256, Algorithm::RS256),
        (P::Rsa2048Sha384, Algorithm::RS384),
        (P::Rsa2048Sha512, Algorithm::RS512),
        (P::Rsa3072Sha256, Algorithm::RS256),
        (P::Rsa3072Sha384, Algorithm::RS384),
        (P::Rsa3072Sha512, Algorithm::RS512),
        (P::Rsa4096Sha256, Algorithm::RS256),
        (P::Rsa4096Sha384, Algorithm::RS384),
        (P::Rsa4096Sha512, Algorithm::RS512),
    ] {
        for group in pkcs1::TestSet::load(name).unwrap().test_groups {
            let Some(key) = rsa(algorithm, &group.key.n, &group.key.e) else { continue };
            for test in group.tests {
                let vector = ("PKCS #1", test.tc_id, test.result);
                count.judge(&key, vector, &test.msg, &test.sig);
            }
        }
    }
    assert_eq!(count, Count { valid: 63, invalid: 2262 }, "PKCS #1");
    let mut count = Count::default();
    for (name, algorithm) in [
        (S::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
        (S::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
        (S::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::PS256),
        (S::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::PS256),
        (S::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::PS384),
        (S::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
    ] {
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let Some(key) = rsa(algorithm, &group.key.n, &group.key.e) else { continue };
            for test in group.tests {
                count.judge(&key, ("PSS", test.tc_id, test.result), &test.msg, &test.sig);
            }
        }
    }
    // A salt of no bytes, of 32 for SHA-512, or a mask by SHA-1 is none of RFC 7518's.
    for (name, algorithm) in [
        (S::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::PS256),
        (S::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::PS512),
        (S::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::PS256),
    ] {
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let Some(key) = rsa(algorithm, &group.key.n, &group.key.e) else { continue };
            // What is wrong there may be a salt that is ours.
            for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
                let vector = ("PSS of another salt", test.tc_id, TestResult::Invalid);
                count.judge(&key, vector, &test.msg, &test.sig);
            }
        }
    }
    assert_eq!(count, Count { valid: 511, invalid: 530 }, "PSS");
}

/// A key of the one exponent that we take.
fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Option<Verifier> {
    let unsigned = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number[zeros..].to_vec()
    };
    let material = Material::Rsa { n: unsigned(n), e: unsigned(e) };
    match Verifier::build(algorithm, &material) {
        Ok(key) => Some(key),
        Err(why) => {
            assert_ne!(unsigned(e), [1, 0, 1], "{why}");
            None
        }
    }
}

#[test]
fn hmac_vectors() {
    let mut count = Count::default();
    for (name, algorithm, length) in [
        (mac::TestName::HmacSha256, Algorithm::HS256, 32),
        (mac::TestName::HmacSha384, Algorithm::HS384, 48),
        (mac::TestName::HmacSha512, Algorithm::HS512, 64),
    ] {
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // Shorter secrets are not ours (RFC 7518, section 3.2), nor are truncated codes.
                let Ok(key) = Verifier::build(algorithm, &Material::Secret(test.key.to_vec()))
                else {
                    assert!(test.key.len() < length, "{}", test.tc_id);
                    continue;
                };
                let result =
                    if test.tag.len() == length { test.result } else { TestResult::Invalid };
                count.judge(&key, ("HMAC", test.tc_id, result), &test.msg, &test.tag);
            }
        }
    }
    assert_eq!(count, Count { valid: 90, invalid: 414 });
}
