//! Signatures: one value holds, and no other spelling of it.

use curve25519_dalek::constants::{ED25519_BASEPOINT_COMPRESSED, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;

use super::forge::{Forge, Vector, claims_of, header, vector};
use super::signer::{b64, octets, sha512, unb64};

const WRONG: &str = "token-signature-invalid";

/// The order of P-256 (SEC 2, section 2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's base point (RFC 8032, section 5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn vectors(forge: &Forge) -> Vec<Vector> {
    [lengths(forge), ecdsa(forge), eddsa(forge), rsa(forge), borrowed(forge)]
        .into_iter()
        .flatten()
        .collect()
}

fn input(kid: &str, algorithm: &str) -> String {
    format!("{}.{}", b64(header(algorithm, kid)), b64(claims_of(kid).to_string()))
}

const ALGORITHMS: [(&str, &str); 7] = [
    ("ed", "EdDSA"),
    ("es", "ES256"),
    ("rsa", "RS256"),
    ("rsa", "PS256"),
    ("hs256", "HS256"),
    ("hs384", "HS384"),
    ("hs512", "HS512"),
];

/// Another length, other bits, another message.
fn lengths(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    for (kid, algorithm) in ALGORITHMS {
        let input = input(kid, algorithm);
        let good = forge.signature(kid, algorithm, &input);
        let half = &good[..good.len() / 2];
        let mut flips: Vec<(String, Vec<u8>)> = [0, good.len() / 2, good.len() - 1]
            .into_iter()
            .map(|place| {
                let mut other = good.clone();
                other[place] ^= 1;
                (format!("a bit of byte {place}"), other)
            })
            .collect();
        flips.extend([
            ("no signature".to_owned(), Vec::new()),
            ("half of it".to_owned(), half.to_vec()),
            ("a byte less".to_owned(), good[..good.len() - 1].to_vec()),
            ("a byte more".to_owned(), [&good[..], &[0]].concat()),
            ("a zero before".to_owned(), [&[0], &good[..]].concat()),
            ("twice".to_owned(), good.repeat(2)),
            ("backwards".to_owned(), good.iter().rev().copied().collect()),
            ("zeros".to_owned(), vec![0; good.len()]),
            ("ones".to_owned(), vec![0xff; good.len()]),
            ("in base64url once more".to_owned(), b64(&good).into_bytes()),
        ]);
        for (name, signature) in flips {
            all.push(vector(
                format!("{algorithm}: {name}"),
                format!("{input}.{}", b64(signature)),
                WRONG,
            ));
        }
        // Another payload under a signature that holds.
        let other = claims_of(kid).to_string().replace("u-42", "u-1");
        let token = format!("{}.{}.{}", b64(header(algorithm, kid)), b64(other), b64(&good));
        all.push(vector(format!("{algorithm}: another subject"), token, WRONG));
        let spaced = header(algorithm, kid).replace(':', ": ");
        let token = format!("{}.{}.{}", b64(spaced), b64(claims_of(kid).to_string()), b64(&good));
        all.push(vector(format!("{algorithm}: another header"), token, WRONG));
    }
    all
}

/// FIPS 186-5, section 6.4.2, and RFC 7518, section 3.4: `r` and `s` of full length, from 1 to the order less 1.
fn ecdsa(forge: &Forge) -> Vec<Vector> {
    let input = input("es", "ES256");
    let signature = forge.signature("es", "ES256", &input);
    let (r, s) = signature.split_at(32);
    let zero = [0; 32];
    let one = {
        let mut one = zero;
        one[31] = 1;
        one
    };
    let der = |r: &[u8], s: &[u8]| {
        let integer = |bytes: &[u8]| {
            let sign: &[u8] = if bytes[0] & 0x80 == 0 { &[] } else { &[0] };
            [&[2, u8::try_from(bytes.len() + sign.len()).unwrap()], sign, bytes].concat()
        };
        let both = [integer(r), integer(s)].concat();
        [&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()
    };
    let wide = |bytes: &[u8]| [&[0; 16], bytes].concat();
    let mut all: Vec<Vector> = [
        ("zeros", [zero, zero].concat()),
        ("r zero", [&zero, s].concat()),
        ("s zero", [r, &zero].concat()),
        ("ones", [one, one].concat()),
        ("r zero, s one", [zero, one].concat()),
        ("r is the order", [&P256_ORDER, s].concat()),
        ("s is the order", [r, &P256_ORDER].concat()),
        ("both are the order", [P256_ORDER, P256_ORDER].concat()),
        ("r zero, s the order", [zero, P256_ORDER].concat()),
        ("the other way round", [s, r].concat()),
        ("DER", der(r, s)),
        ("as P-384 writes it", [wide(r), wide(s)].concat()),
        ("of 63 bytes, without r's first", signature[1..].to_vec()),
        ("r negative", [&difference(&P256_ORDER, r), s].concat()),
    ]
    .map(|(name, bytes)| vector(format!("ES256: {name}"), format!("{input}.{}", b64(bytes)), WRONG))
    .into();
    // RFC 7518 does not ask for the lower s, and no rule of the gateway's tells tokens apart by their
    // signature.
    let twin = [r, &difference(&P256_ORDER, s)].concat();
    all.push(vector("ES256: n - s", format!("{input}.{}", b64(twin)), "permit"));
    all
}

/// `a - b` of numbers of one length, big-endian.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut all: Vec<u8> = std::iter::zip(a, b)
        .rev()
        .map(|(a, b)| {
            let value = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(value < 0);
            u8::try_from(value.rem_euclid(256)).unwrap()
        })
        .collect();
    all.reverse();
    all
}

/// The sum, big-endian, where it has as many bytes.
fn sum(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut all: Vec<u8> = std::iter::zip(a, b)
        .rev()
        .map(|(a, b)| {
            let value = u16::from(*a) + u16::from(*b) + carry;
            carry = value >> 8;
            u8::try_from(value & 0xff).unwrap()
        })
        .collect();
    all.reverse();
    (carry == 0).then_some(all)
}

/// RFC 8032, section 5.1.7: a scalar below the order, and points in their one encoding. Points of small order make
/// a signature hold for a verifier that multiplies by the cofactor, or that does not look.
fn eddsa(forge: &Forge) -> Vec<Vector> {
    let jwk = forge.jwk("ed");
    let (seed, key) = (octets(jwk, "d"), octets(jwk, "x"));
    let input = input("ed", "EdDSA");
    let good = forge.signature("ed", "EdDSA", &input);
    let (r, s) = good.split_at(32);
    let backwards = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
    let mut all = Vec::new();
    let mut push = |name: String, signature: Vec<u8>| {
        all.push(vector(format!("EdDSA: {name}"), format!("{input}.{}", b64(signature)), WRONG));
    };
    let mut more = backwards(s);
    for times in 1..=8 {
        more = sum(&more, &backwards(&ED25519_ORDER)).unwrap();
        push(format!("S + {times} L"), [r, &backwards(&more)].concat());
    }
    push("S is the order".into(), [r, &ED25519_ORDER].concat());
    push("S zero".into(), [r, &[0; 32]].concat());
    for bit in 5..8 {
        let mut high = good.clone();
        high[63] |= 1 << bit;
        push(format!("bit {bit} of S's last byte"), high);
    }
    let mut sign = good.clone();
    sign[31] ^= 0x80;
    push("R with the other sign".into(), sign);
    push("R is the base point".into(), [ED25519_BASEPOINT_COMPRESSED.as_bytes(), s].concat());

    // The secret scalar (RFC 8032, section 5.1.5), to solve S B = R + h A for any R.
    let mut hash: [u8; 32] = sha512(&[&seed])[..32].try_into().unwrap();
    hash[0] &= 0xf8;
    hash[31] = hash[31] & 0x7f | 0x40;
    let secret = Scalar::from_bytes_mod_order(hash);
    let solved = |r: &[u8; 32]| {
        let challenge = sha512(&[r, &key, input.as_bytes()]);
        let s = Scalar::from_bytes_mod_order_wide(&challenge) * secret;
        [*r, s.to_bytes()].concat()
    };
    for (order, point) in EIGHT_TORSION.iter().enumerate() {
        push(format!("R of small order, {order}"), solved(point.compress().as_bytes()));
    }
    // Encodings that RFC 8032, section 5.1.3, forbids, of the identity: y = p + 1, and a sign where x is zero.
    let mut beyond = [0xff; 32];
    beyond[0] = 0xee;
    beyond[31] = 0x7f;
    let mut signed = [0; 32];
    signed[0] = 1;
    signed[31] = 0x80;
    push("R written with y beyond the field".into(), solved(&beyond));
    push("R written with a sign of zero".into(), solved(&signed));
    all
}

/// RFC 8017, sections 5.2.2 and 8.2.2: a number below the modulus, as long as it.
fn rsa(forge: &Forge) -> Vec<Vector> {
    let n = octets(forge.jwk("rsa"), "n");
    let mut one = vec![0; n.len()];
    *one.last_mut().unwrap() = 1;
    let mut all = Vec::new();
    for algorithm in ["RS256", "PS256"] {
        let input = input("rsa", algorithm);
        let good = forge.signature("rsa", algorithm, &input);
        for (name, signature) in [
            ("one", one.clone()),
            ("the modulus", n.clone()),
            ("the modulus less one", difference(&n, &one)),
            ("the modulus less the signature", difference(&n, &good)),
        ] {
            all.push(vector(
                format!("{algorithm}: {name}"),
                format!("{input}.{}", b64(signature)),
                WRONG,
            ));
        }
        if let Some(twin) = sum(&good, &n) {
            let token = format!("{input}.{}", b64(twin));
            all.push(vector(format!("{algorithm}: the signature and the modulus"), token, WRONG));
        }
    }
    // The encoding that a signature opens to (RFC 8017, section 9.2), where the exponent would be 1.
    let mut padded = vec![0, 1];
    padded.resize(n.len() - 52, 0xff);
    padded.push(0);
    padded.extend(b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20");
    padded.resize(n.len(), 0);
    let token = format!("{}.{}", input("rsa", "RS256"), b64(padded));
    all.push(vector("RS256: what it opens to", token, WRONG));
    all
}

/// A signature of something else that holds for itself.
fn borrowed(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    for (kid, algorithm) in ALGORITHMS {
        let sound = forge.sound(kid, algorithm);
        let (text, signature) = sound.rsplit_once('.').unwrap();
        let (head, body) = text.split_once('.').unwrap();
        for (name, signed) in [
            ("the payload alone", body.to_owned()),
            ("the header alone", head.to_owned()),
            (
                "both decoded",
                String::from_utf8([unb64(head), b".".to_vec(), unb64(body)].concat()).unwrap(),
            ),
            ("both without the dot", format!("{head}{body}")),
            ("the other way round", format!("{body}.{head}")),
            ("both and a dot", format!("{text}.")),
            ("all of it", format!("{text}.{signature}")),
        ] {
            let token = format!("{text}.{}", b64(forge.signature(kid, algorithm, &signed)));
            all.push(vector(format!("{algorithm}: a signature of {name}"), token, WRONG));
        }
    }
    all
}
