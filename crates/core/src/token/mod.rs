//! Step 7: one token, signed by this tenant's issuer, in time, for this gateway and this tenant.
//!
//! In evaluation order:
//!
//! 1. Exactly one token ([`locate`]).
//! 2. Not by a cookie that another site made a browser send ([`csrf`]).
//! 3. A compact JWS of strict base64url and strict JSON without duplicate members ([`jws`]).
//! 4. The header has none of `crit`, `jku`, `x5u`, `jwk`, `x5c` and the like ([`jws`]): a token
//!    doesn't choose what it is checked with (RFC 8725, section 3.10). `typ` is a kind of token that
//!    is meant for us ([`kind`]).
//! 5. `iss` is one of this tenant's issuers (RFC 8725, section 3.8), and `typ` the kind that it issues.
//! 6. `alg` is one of that issuer's. Where the issuer publishes its keys, the road waits for them here
//!    ([`keys::ring`]). `kid` is one of its keys, and the key is of that algorithm (RFC 8725, section
//!    3.1) ([`keys`]).
//! 7. The signature ([`keys`]).
//! 8. The claims ([`claims`]).
//!
//! Libraries of RustCrypto and dalek do the arithmetic ([`keys`]); what a token is and what is believed
//! of it is judged here.

pub mod claims;
pub mod csrf;
pub mod json;
pub mod jws;
pub mod keys;
pub mod kind;
pub mod locate;
pub mod own;

use crate::denial::{Denial, Reason};
use crate::network::Admitted;
use crate::policy::{Issuer, KeySource, Published, Tenant};
use crate::request::Headers;
use claims::Principal;
use jiff::Timestamp;
use jws::Unverified;
use keys::{Algorithm, KeySet};
use locate::Token;
use own::OwnKeys;

/// A request whose caller is known, or on a public route, where nobody asks.
#[derive(Debug)]
pub struct Authenticated<'p> {
    pub(crate) admitted: Admitted<'p>,
    pub(crate) principal: Option<Principal>,
}

/// How far a request's token came.
#[derive(Debug)]
pub enum Progress<'p> {
    /// It is verified, or the route is public.
    Done(Authenticated<'p>),
    /// Its issuer's keys are not in the policy.
    Claimed(Claimed<'p>),
}

/// A request whose token is of sound form and names an issuer of the tenant: nothing in it is known
/// to be true.
#[derive(Debug)]
pub struct Claimed<'p> {
    admitted: Admitted<'p>,
    claim: Claim<'static, 'p>,
    wanted: Wanted<'p>,
}

/// Which keys a token needs that the policy has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'p> {
    /// Those that its issuer publishes here.
    Published(&'p Published),
    /// The gateway's own, which are secret.
    Own,
}

/// A token that names an issuer, by one of whose algorithms it may be signed.
#[derive(Debug)]
struct Claim<'t, 'p> {
    unverified: Unverified<'t>,
    issuer: &'p Issuer,
    algorithm: Algorithm,
}

/// Verifies the request's token, unless the route is public, with the keys that the policy has.
pub fn authenticate(admitted: Admitted<'_>, now: Timestamp) -> Result<Progress<'_>, Denial> {
    let routed = &admitted.routed;
    if routed.route.is_public() {
        return Ok(Progress::Done(Authenticated { admitted, principal: None }));
    }
    let hosted = &routed.located.hosted;
    let token = locate::one_token(&hosted.request.headers)?;
    csrf::judge(&hosted.request, &token, routed.sharing)?;
    let claim = claim(token, hosted.tenant)?;
    let wanted = match claim.issuer.keys() {
        KeySource::Written(keys) => {
            let principal = claim.prove(keys, hosted.tenant, now)?;
            return Ok(Progress::Done(Authenticated { admitted, principal: Some(principal) }));
        }
        KeySource::Published { at, .. } => Wanted::Published(at),
        KeySource::Own => Wanted::Own,
    };
    let claim = Claim { unverified: claim.unverified.into_owned(), ..claim };
    Ok(Progress::Claimed(Claimed { admitted, claim, wanted }))
}

impl<'p> Claimed<'p> {
    /// The issuer.
    pub fn issuer(&self) -> &'p Issuer {
        self.claim.issuer
    }

    /// Which keys it needs.
    pub fn wanted(&self) -> Wanted<'p> {
        self.wanted
    }

    /// The tenant, whose issuer it is.
    pub fn tenant(&self) -> &'p Tenant {
        self.admitted.routed.located.hosted.tenant
    }

    /// The `kid`, as the token's sender wrote it.
    pub fn key_id(&self) -> &str {
        &self.claim.unverified.key_id
    }

    /// Verifies the token with the issuer's keys, or says why they are not known.
    pub fn verify(
        self,
        keys: Result<&KeySet, String>,
        now: Timestamp,
    ) -> Result<Authenticated<'p>, Denial> {
        let keys = keys.map_err(unknown)?;
        let principal = self.claim.prove(keys, self.admitted.routed.located.hosted.tenant, now)?;
        Ok(Authenticated { admitted: self.admitted, principal: Some(principal) })
    }
}

/// The principal that the one token among these header fields proves to this tenant at this moment,
/// by the keys that the policy has or that stand in for an issuer's, or the gateway's own. What carried it is not judged:
/// that takes the whole request, and [`authenticate`].
pub fn principal(
    headers: &Headers,
    tenant: &Tenant,
    own: Option<&OwnKeys>,
    now: Timestamp,
) -> Result<Principal, Denial> {
    let claim = claim(locate::one_token(headers)?, tenant)?;
    let keys = claim.issuer.offline_keys(own).map_err(unknown)?;
    claim.prove(keys, tenant, now)
}

fn unknown(why: String) -> Denial {
    Denial::new(Reason::KeysUnavailable, why)
}

fn claim<'t, 'p>(token: Token<'t>, tenant: &'p Tenant) -> Result<Claim<'t, 'p>, Denial> {
    let unverified = jws::parse(token.text())?;
    let issuer = unverified
        .issuer()
        .and_then(|name| tenant.issuers().iter().find(|issuer| issuer.name() == name))
        .ok_or_else(|| {
            Denial::new(Reason::TokenIssuerUnknown, "iss is none of the tenant's issuers")
        })?;
    kind::judge(unverified.token_type, issuer)?;
    let algorithm = keys::algorithm(&unverified, issuer)?;
    Ok(Claim { unverified, issuer, algorithm })
}

impl Claim<'_, '_> {
    fn prove(self, keys: &KeySet, tenant: &Tenant, now: Timestamp) -> Result<Principal, Denial> {
        let verified = keys::verify(self.unverified, self.algorithm, keys)?;
        claims::judge(&verified, self.issuer, tenant.id(), now)
    }
}
