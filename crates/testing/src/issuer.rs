//! An OpenID-style issuer with real keys, whose tokens may be as wrong as a test needs them.
//!
//! ```
//! use sekisho_testing::issuer::{Algorithm, Issuer, SigningKey};
//! # fn main() -> Result<(), sekisho_testing::issuer::KeyError> {
//! let key = SigningKey::generate(Algorithm::EdDSA, "k1")?;
//! let issuer = Issuer::new("https://idp.example", vec![key]);
//! let now = sekisho_testing::clock::unix_seconds();
//! let token = issuer.token("acme").subject("u-42").roles(["member"]).issued_at(now).sign()?;
//! assert_eq!(token.split('.').count(), 3);
//! # Ok(())
//! # }
//! ```

mod key;
mod server;

use serde_json::{Map, Value, json};

pub use key::{Algorithm, KeyError, SigningKey};
pub use server::{IssuerServer, Mode};

const DEFAULT_AUDIENCE: &str = "sekisho";
const DEFAULT_LIFETIME: u64 = 3600;

/// A name and the keys that sign for it.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// The `iss` of its tokens.
    pub url: String,
    /// Its keys; the first one signs unless a token says otherwise.
    pub keys: Vec<SigningKey>,
}

impl Issuer {
    /// An issuer of this name.
    pub fn new(url: impl Into<String>, keys: Vec<SigningKey>) -> Self {
        Self { url: url.into(), keys }
    }

    /// The public keys as a JWK set (RFC 7517 section 5).
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(SigningKey::public_jwk).collect();
        json!({"keys": keys})
    }

    /// Starts a token for `tenant`: subject `u-1`, no roles, audience `sekisho`, a random `jti`.
    /// [`TokenBuilder::issued_at`] is still missing.
    pub fn token(&self, tenant: &str) -> TokenBuilder<'_> {
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", self.url.as_str()),
            ("aud", DEFAULT_AUDIENCE),
            ("sub", "u-1"),
            ("tenant", tenant),
        ] {
            claims.insert(name.to_owned(), value.into());
        }
        claims.insert("roles".to_owned(), json!([]));
        let lifetime = DEFAULT_LIFETIME;
        TokenBuilder { issuer: self, key: self.keys.first(), header: Map::new(), claims, lifetime }
    }
}

/// A token in the making. Whatever is set last, wins.
#[derive(Debug, Clone)]
#[must_use]
pub struct TokenBuilder<'i> {
    issuer: &'i Issuer,
    key: Option<&'i SigningKey>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    lifetime: u64,
}

impl<'i> TokenBuilder<'i> {
    /// Sets `sub`.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// Sets `roles`.
    pub fn roles<'r>(self, roles: impl IntoIterator<Item = &'r str>) -> Self {
        let roles: Vec<&str> = roles.into_iter().collect();
        self.claim("roles", roles)
    }

    /// Sets `aud`.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Sets `iat` and `nbf`, and `exp` to the end of the lifetime, in seconds since 1970.
    pub fn issued_at(self, now: u64) -> Self {
        let end = now.saturating_add(self.lifetime);
        self.claim("iat", now).claim("nbf", now).claim("exp", end)
    }

    /// Sets the lifetime in seconds (3600 if never called), and `exp` where `iat` is set.
    pub fn expires_in(mut self, seconds: u64) -> Self {
        self.lifetime = seconds;
        match self.claims.get("iat").and_then(Value::as_u64) {
            Some(now) => self.claim("exp", now.saturating_add(seconds)),
            None => self,
        }
    }

    /// Sets any claim, of any type.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a claim that was set.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets any header parameter besides or instead of `alg`, `typ` and `kid`; `null` removes it.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Signs with the issuer's key of this `kid`.
    pub fn key(mut self, kid: &str) -> Self {
        self.key = self.issuer.keys.iter().find(|key| key.kid() == kid);
        self
    }

    /// Signs with a key that need not be the issuer's.
    pub fn signed_by(mut self, key: &'i SigningKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The compact token (RFC 7515 section 7.1).
    ///
    /// # Errors
    /// The issuer lacks the key, or [`TokenBuilder::issued_at`] was never called.
    pub fn sign(mut self) -> Result<String, KeyError> {
        let key = self.key.ok_or_else(|| KeyError::NoKey(self.issuer.url.clone()))?;
        if !self.claims.contains_key("exp") && !self.claims.contains_key("iat") {
            return Err(KeyError::NoTime);
        }
        if !self.claims.contains_key("jti") {
            self.claims.insert("jti".to_owned(), key::random_id()?.into());
        }
        let mut header = Map::new();
        header.insert("alg".to_owned(), key.algorithm().name().into());
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("kid".to_owned(), key.kid().into());
        header.extend(self.header);
        header.retain(|_, value| !value.is_null());
        key.sign(&Value::Object(header), &Value::Object(self.claims))
    }
}
