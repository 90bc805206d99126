//! What tokens are forged from: the keys of the RFCs' examples, whose private parts everybody knows, and claims that
//! the policy takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::signer::{Signer, b64, octets, point};

/// A token and what must become of it: `permit`, or the reason of the refusal.
pub(super) struct Vector {
    pub(super) name: String,
    pub(super) token: String,
    pub(super) want: &'static str,
}

pub(super) fn vector(
    name: impl Into<String>,
    token: impl Into<String>,
    want: &'static str,
) -> Vector {
    Vector { name: name.into(), token: token.into(), want }
}

pub(super) const PUBLIC: &str = "https://public.example";
pub(super) const SECRET: &str = "https://secret.example";

/// The moment of judgement.
pub(super) const NOW: i64 = 1_795_338_000;

/// The key identifiers, and whose keys they are in `tests/jose/rfc.json`.
const KEYS: [(&str, &str); 6] = [
    ("ed", "RFC 8037, A.1/A.2"),
    ("es", "RFC 7515, A.3"),
    ("rsa", "RFC 7515, A.2"),
    ("hs256", "RFC 7515, A.1"),
    ("hs384", "RFC 7515, A.1"),
    ("hs512", "RFC 7515, A.1"),
];

pub(super) struct Forge {
    jwks: BTreeMap<&'static str, Value>,
    signers: BTreeMap<&'static str, Signer>,
}

impl Forge {
    pub(super) fn new(examples: &Value) -> Self {
        let jwks: BTreeMap<&str, Value> = KEYS
            .into_iter()
            .map(|(kid, name)| {
                let mut keys = examples["keys"].as_array().unwrap().iter();
                let key = keys.find(|key| key["name"] == name);
                (kid, key.unwrap_or_else(|| panic!("no key {name}"))["jwk"].clone())
            })
            .collect();
        let signers = jwks.iter().map(|(kid, jwk)| (*kid, Signer::of(jwk).unwrap())).collect();
        Self { jwks, signers }
    }

    /// The key sets of the two issuers.
    pub(super) fn sets(&self) -> [(&'static str, Value); 2] {
        let (secret, public): (Vec<_>, Vec<_>) =
            self.jwks.iter().partition(|(kid, _)| kid.starts_with("hs"));
        let secret = secret.iter().map(|(kid, jwk)| {
            json!({"kty": "oct", "kid": kid, "alg": kid.to_uppercase(), "k": jwk["k"]})
        });
        let public = public.iter().map(|(kid, jwk)| {
            let mut jwk = published(jwk);
            jwk["kid"] = (**kid).into();
            jwk
        });
        [
            ("keys/public.jwks.json", json!({"keys": public.collect::<Vec<_>>()})),
            ("keys/secret.jwks.json", json!({"keys": secret.collect::<Vec<_>>()})),
        ]
    }

    pub(super) fn jwk(&self, kid: &str) -> &Value {
        &self.jwks[kid]
    }

    /// A signature of exactly this text.
    pub(super) fn signature(&self, kid: &str, algorithm: &str, input: &str) -> Vec<u8> {
        self.signers[kid].sign(algorithm, input)
    }

    /// A token of exactly these texts, signed.
    pub(super) fn texts(&self, kid: &str, algorithm: &str, header: &str, payload: &str) -> String {
        self.bytes(kid, algorithm, header.as_bytes(), payload.as_bytes())
    }

    pub(super) fn bytes(
        &self,
        kid: &str,
        algorithm: &str,
        header: &[u8],
        payload: &[u8],
    ) -> String {
        self.closed(kid, algorithm, format!("{}.{}", b64(header), b64(payload)))
    }

    /// The text, a dot, and the signature of the text.
    pub(super) fn closed(&self, kid: &str, algorithm: &str, mut input: String) -> String {
        let signature = self.signature(kid, algorithm, &input);
        write!(input, ".{}", b64(signature)).unwrap();
        input
    }

    /// A sound token by this key.
    pub(super) fn sound(&self, kid: &str, algorithm: &str) -> String {
        self.texts(kid, algorithm, &header(algorithm, kid), &claims_of(kid).to_string())
    }

    /// A token by EdDSA with this header.
    pub(super) fn with_header(&self, header: &str) -> String {
        self.texts("ed", "EdDSA", header, &claims().to_string())
    }

    /// A token by EdDSA whose header has this member, too.
    pub(super) fn with_member(&self, member: &str) -> String {
        self.with_header(&format!(r#"{{"alg":"EdDSA","kid":"ed",{member}}}"#))
    }

    /// A token by EdDSA with this payload.
    pub(super) fn with_payload(&self, payload: &str) -> String {
        self.texts("ed", "EdDSA", &header("EdDSA", "ed"), payload)
    }

    /// A token by EdDSA in whose payload this text stands in the place of that.
    pub(super) fn with_claim(&self, from: &str, to: &str) -> String {
        let payload = claims().to_string();
        assert!(payload.contains(from), "{payload} has no {from}");
        self.with_payload(&payload.replacen(from, to, 1))
    }
}

pub(super) fn header(algorithm: &str, kid: &str) -> String {
    json!({"alg": algorithm, "kid": kid}).to_string()
}

/// Claims that the policy takes of a public key.
pub(super) fn claims() -> Value {
    claims_of("ed")
}

/// Claims that it takes of the issuer of this key.
pub(super) fn claims_of(kid: &str) -> Value {
    let issuer = if kid.starts_with("hs") { SECRET } else { PUBLIC };
    json!({"iss": issuer, "aud": "sekisho", "sub": "u-42", "tenant": "acme", "roles": ["member"],
        "iat": NOW - 60, "exp": NOW + 3600})
}

/// The public part of a JWK.
pub(super) fn published(jwk: &Value) -> Value {
    let mut public = jwk.clone();
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        public.as_object_mut().unwrap().remove(name);
    }
    public
}

/// The ways in which a public key is written: what a gateway may take for a secret, if it is careless.
pub(super) fn spellings(jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![("its JWK", published(jwk).to_string().into_bytes())];
    let der = match jwk["kty"].as_str() {
        Some("OKP") => {
            all.push(("its x", octets(jwk, "x")));
            all.push(("its x in base64url", jwk["x"].as_str().unwrap().into()));
            // RFC 8410, section 4.
            [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec(), octets(jwk, "x")]
                .concat()
        }
        Some("EC") => {
            all.push(("its point", point(jwk)));
            all.push(("its x", octets(jwk, "x")));
            // RFC 5480, section 2.
            let head = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
            [head.to_vec(), point(jwk)].concat()
        }
        _ => {
            all.push(("its n", octets(jwk, "n")));
            all.push(("its n in base64url", jwk["n"].as_str().unwrap().into()));
            // RFC 8017, A.1.1, of a modulus of 2048 bits.
            let pkcs1 = [
                b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00".to_vec(),
                octets(jwk, "n"),
                b"\x02\x03\x01\x00\x01".to_vec(),
            ]
            .concat();
            all.push(("its PKCS #1", pkcs1.clone()));
            all.push(("its PKCS #1 in PEM", pem("RSA PUBLIC KEY", &pkcs1)));
            let head = b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00";
            [head.to_vec(), pkcs1].concat()
        }
    };
    let text = pem("PUBLIC KEY", &der);
    all.push(("its PEM without the last line break", text.trim_ascii_end().to_vec()));
    all.push(("its PEM", text));
    all.push(("its DER", der));
    all
}

/// RFC 7468, section 13.
fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        writeln!(pem, "{}", std::str::from_utf8(line).unwrap()).unwrap();
    }
    writeln!(pem, "-----END {label}-----").unwrap();
    pem.into_bytes()
}
