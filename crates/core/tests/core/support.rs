//! A sound policy of three tenants, real keys, and a request that is permitted until it is spoilt.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::*;
use sekisho_core::policy::{Files, load};
use sekisho_core::records::{Record, Records};
use sekisho_core::{
    Decision, Headers, Policy, Reason, Request, Scheme, Timestamp, Verdict, decide_offline,
};
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(crate) const NOW: i64 = 1_795_338_000;

pub(crate) const GATEWAY: &str = r#"version = 1

[edge]
trusted_proxies = ["10.0.0.0/8", "2001:db8:ffff::/48"]
client_address_header = "x-forwarded-for"

[limits]
head_bytes = 32768
head_fields = 100
body_bytes = 1000
concurrent_requests = 4

[state]
revocation = true

[origins.assistant-eu]
url = "https://assistant.eu.example:8443"
region = "eu"
tenant_echo = "if-present"

[origins.assistant-jp]
url = "https://assistant.jp.example"
region = "jp"

[origins.status]
url = "http://127.0.0.1:3480/"
region = "jp"
tenant_echo = "off"

[[routes]]
id = "chat"
path = "/api/assistants/{assistant}/chat"
methods = ["POST"]
origins = ["assistant-eu", "assistant-jp"]
roles = ["member", "admin"]

[[routes]]
id = "me"
path = "/api/me"
methods = ["GET", "PUT"]
origins = ["assistant-jp", "assistant-eu"]

[[routes]]
id = "files"
path = "/api/files/{*rest}"
methods = ["GET"]
origins = ["assistant-jp", "assistant-eu"]

[[routes]]
id = "admin"
path = "/admin/users"
methods = ["GET"]
origins = ["assistant-jp", "assistant-eu"]
network = "admin"
roles = ["admin"]

[[routes]]
id = "health"
path = "/healthz"
methods = ["GET", "HEAD"]
origins = ["status", "assistant-eu"]
public = true
"#;

pub(crate) const ACME: &str = r#"hosts = ["acme.example.jp", "acme.localhost"]
regions = ["jp"]

[[issuers]]
issuer = "https://idp.example"
audiences = ["sekisho", "sekisho-next"]
algorithms = ["EdDSA", "ES256", "RS256"]
jwks_file = "keys/shared.jwks.json"
tenant_claim = "tenant"
"#;

pub(crate) const GLOBEX: &str = r#"hosts = ["globex.example.jp"]
regions = ["jp"]

[networks]
business = ["203.0.113.0/24", "2001:db8:42::/48"]
admin = "any"

[[issuers]]
issuer = "https://idp.example"
audiences = ["sekisho"]
algorithms = ["EdDSA", "ES256", "RS256"]
jwks_file = "keys/shared.jwks.json"
tenant_claim = "tenant"
"#;

pub(crate) const INITECH: &str = r#"hosts = ["initech.example.eu"]
regions = ["eu"]

[[issuers]]
issuer = "https://initech.example/idp"
audiences = ["sekisho"]
algorithms = ["EdDSA", "ES384", "PS256"]
jwks_file = "keys/initech.jwks.json"
sole_tenant = true
roles_claim = "groups"
max_age_s = 3600
"#;

/// Key pairs of every algorithm. `EdDSA` and ES256 of the shared issuer have one `kid`.
pub(crate) struct Keys {
    pub(crate) eddsa: Ed25519KeyPair,
    pub(crate) es256: ES256KeyPair,
    pub(crate) es384: ES384KeyPair,
    pub(crate) rs256: RS256KeyPair,
    pub(crate) ps256: PS256KeyPair,
}

pub(crate) static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let rs256 = RS256KeyPair::generate(2048).unwrap();
    Keys {
        eddsa: Ed25519KeyPair::generate(),
        es256: ES256KeyPair::generate(),
        es384: ES384KeyPair::generate(),
        ps256: PS256KeyPair::from_der(&rs256.to_der().unwrap()).unwrap(),
        rs256,
    }
});

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Keys {
    pub(crate) fn eddsa_jwk(&self, kid: &str) -> Value {
        let x = b64(self.eddsa.public_key().to_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
    }

    pub(crate) fn es256_jwk(&self, kid: &str) -> Value {
        let point = self.es256.public_key().public_key().to_bytes_uncompressed();
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig",
            "x": b64(&point[1..33]), "y": b64(&point[33..])})
    }

    pub(crate) fn es384_jwk(&self, kid: &str) -> Value {
        let point = self.es384.public_key().public_key().to_bytes_uncompressed();
        json!({"kty": "EC", "crv": "P-384", "kid": kid,
            "x": b64(&point[1..49]), "y": b64(&point[49..])})
    }

    pub(crate) fn rsa_jwk(&self, kid: &str) -> Value {
        let key = self.rs256.public_key().to_components();
        json!({"kty": "RSA", "kid": kid, "n": b64(key.n), "e": b64(key.e)})
    }
}

pub(crate) fn shared_jwks() -> Value {
    json!({"keys": [KEYS.eddsa_jwk("twin"), KEYS.es256_jwk("twin"), KEYS.rsa_jwk("rsa")]})
}

/// The files of the sound policy.
pub(crate) fn files() -> Files {
    let initech =
        json!({"keys": [KEYS.eddsa_jwk("ed"), KEYS.es384_jwk("p384"), KEYS.rsa_jwk("rsa")]});
    Files::from([
        ("gateway.toml".into(), GATEWAY.into()),
        ("tenants/acme.toml".into(), ACME.into()),
        ("tenants/globex.toml".into(), GLOBEX.into()),
        ("tenants/initech.toml".into(), INITECH.into()),
        ("keys/shared.jwks.json".into(), shared_jwks().to_string().into_bytes()),
        ("keys/initech.jwks.json".into(), initech.to_string().into_bytes()),
    ])
}

pub(crate) static POLICY: LazyLock<Policy> = LazyLock::new(|| load(&files()).unwrap());

/// The sound policy with this text in place of that in `gateway.toml`.
pub(crate) fn policy_with(from: &str, to: &str) -> Policy {
    assert!(GATEWAY.contains(from), "{from}");
    let mut files = files();
    files.insert("gateway.toml".into(), GATEWAY.replacen(from, to, 1).into());
    load(&files).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alg {
    EdDSA,
    ES256,
    ES384,
    RS256,
    PS256,
}

/// Signs any claims.
pub(crate) fn sign(alg: Alg, kid: &str, claims: &Value) -> String {
    let mut all = JWTClaims::<Value>::new();
    all.custom = claims.clone();
    match alg {
        Alg::EdDSA => KEYS.eddsa.clone().with_key_id(kid).sign(all),
        Alg::ES256 => {
            ES256KeyPair::from_bytes(&KEYS.es256.to_bytes()).unwrap().with_key_id(kid).sign(all)
        }
        Alg::ES384 => {
            ES384KeyPair::from_bytes(&KEYS.es384.to_bytes()).unwrap().with_key_id(kid).sign(all)
        }
        Alg::RS256 => KEYS.rs256.clone().with_key_id(kid).sign(all),
        Alg::PS256 => KEYS.ps256.clone().with_key_id(kid).sign(all),
    }
    .unwrap()
}

/// A request, field by field, and the state that its verdict needs.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) scheme: Scheme,
    pub(crate) target: String,
    pub(crate) host: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) peer: Option<String>,
    pub(crate) in_flight: Option<u32>,
    pub(crate) trace_ratio: Option<f64>,
    pub(crate) alg: Alg,
    pub(crate) kid: String,
    pub(crate) claims: Value,
    /// The token's header in place of the signed one.
    pub(crate) token_header: Option<Value>,
    /// What is sent in place of `Bearer` and the signed token; empty for nothing.
    pub(crate) authorization: Option<String>,
    pub(crate) tamper: bool,
    /// Records by key; the others are absent.
    pub(crate) state: Vec<(String, Record)>,
    pub(crate) now: i64,
}

/// A chat of a member of globex from its office: permitted.
pub(crate) fn ask() -> Ask {
    Ask {
        method: "POST".into(),
        scheme: Scheme::Https,
        target: "/api/assistants/a1/chat?x=1".into(),
        host: Some("globex.example.jp".into()),
        headers: Vec::new(),
        peer: Some("203.0.113.9:50211".into()),
        in_flight: None,
        trace_ratio: None,
        alg: Alg::EdDSA,
        kid: "twin".into(),
        claims: json!({
            "iss": "https://idp.example", "aud": ["other", "sekisho"], "sub": "u-42",
            "exp": NOW + 300, "nbf": NOW - 10, "iat": NOW - 10,
            "tenant": "globex", "roles": ["member", "tester"], "sid": "s-1",
        }),
        token_header: None,
        authorization: None,
        tamper: false,
        state: Vec::new(),
        now: NOW,
    }
}

/// What a table keeps of a decision.
pub(crate) type Got<T> = Result<T, Reason>;

impl Ask {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.headers.push((name.into(), value.as_ref().to_vec()));
    }

    pub(crate) fn get(&mut self, target: &str) {
        self.method = "GET".into();
        self.target = target.into();
    }

    /// A member of acme at acme's host.
    pub(crate) fn at_acme(&mut self) {
        self.host = Some("acme.example.jp".into());
        self.claims["tenant"] = "acme".into();
    }

    /// A user of initech at initech's host.
    pub(crate) fn at_initech(&mut self) {
        self.host = Some("initech.example.eu".into());
        self.kid = "ed".into();
        self.claims = json!({"iss": "https://initech.example/idp", "aud": "sekisho", "sub": "i-1",
            "exp": NOW + 300, "iat": NOW - 10, "groups": ["member"]});
    }

    pub(crate) fn token(&self) -> String {
        let mut token = sign(self.alg, &self.kid, &self.claims);
        if let Some(header) = &self.token_header {
            let (_, rest) = token.split_once('.').unwrap();
            token = format!("{}.{rest}", b64(header.to_string()));
        }
        if self.tamper {
            let mut parts: Vec<&str> = token.split('.').collect();
            let mut claims = self.claims.clone();
            claims["sub"] = "somebody-else".into();
            let forged = b64(claims.to_string());
            parts[1] = &forged;
            token = parts.join(".");
        }
        token
    }

    pub(crate) fn request(&self) -> Request {
        let mut fields = self.headers.clone();
        if let Some(host) = &self.host {
            fields.push(("Host".into(), host.clone().into_bytes()));
        }
        match self.authorization.as_deref() {
            None => {
                fields.push(("Authorization".into(), format!("Bearer {}", self.token()).into()));
            }
            Some("") => {}
            Some(given) => fields.push(("Authorization".into(), given.into())),
        }
        Request {
            method: self.method.clone(),
            scheme: self.scheme,
            authority: None,
            target: self.target.clone(),
            headers: Headers::new(fields),
            in_flight: self.in_flight,
            peer: self.peer.as_ref().map(|peer| peer.parse().unwrap()),
            request_id: "our-request-id".into(),
            trace_ratio: self.trace_ratio,
        }
    }

    pub(crate) fn judge<'p>(&self, policy: &'p Policy) -> Decision<'p> {
        let now = Timestamp::from_second(self.now).unwrap();
        let record = |key: &String| {
            let found = self.state.iter().find(|(name, _)| name == key);
            found.map_or(Record::Absent, |(_, record)| record.clone())
        };
        let state = |keys: &[String]| {
            keys.iter().map(|key| (key.clone(), record(key))).collect::<Records>()
        };
        decide_offline(policy, self.request(), now, None, state).0
    }

    /// The reason of the denial, or what the origin will see.
    pub(crate) fn upstream(&self, policy: &Policy) -> Got<Vec<(String, String)>> {
        match self.judge(policy).verdict {
            Verdict::Permit(permit) => Ok(permit
                .headers()
                .iter()
                .map(|(name, value)| (name.into(), String::from_utf8_lossy(value).into_owned()))
                .collect()),
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => Err(denial.reason()),
        }
    }

    /// The reason of the denial; `None` for a permit.
    pub(crate) fn reason(&self, policy: &Policy) -> Option<Reason> {
        self.upstream(policy).err()
    }
}

/// The value of the one field of this name.
pub(crate) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = fields.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let first = values.next();
    assert_eq!(values.next(), None, "{name} stands twice");
    first
}
