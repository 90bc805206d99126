//! Why a request is refused: one stable code, one status, and for the operator a sentence.

use std::borrow::Cow;
use std::fmt;

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:literal; )+) => {
        /// The reason of a refusal. The codes are stable: they stand in audit records, answers and
        /// tests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $( $(#[doc = $doc])+ $name, )+ }

        impl Reason {
            /// Every reason, in the order of the road.
            pub const ALL: &[Self] = &[$( Self::$name, )+];

            /// The stable code, kebab-case.
            pub const fn code(self) -> &'static str {
                match self { $( Self::$name => $code, )+ }
            }

            /// The HTTP status that a refusal for this reason has (RFC 9110, section 15).
            pub const fn status(self) -> u16 {
                match self { $( Self::$name => $status, )+ }
            }
        }
    };
}

reasons! {
    /// The clock stands before 2026, so it was never set: by it, tokens of long ago would pass.
    ClockUnknown = "clock-unknown", 503;
    /// A peer on a trusted proxy's address does not know the proxy's secret.
    ProxySecretInvalid = "proxy-secret-invalid", 403;
    /// A GET or HEAD that did not arrive over HTTPS is sent to the HTTPS address.
    HttpsRedirect = "https-redirect", 308;
    /// Any other request that did not arrive over HTTPS.
    HttpsRequired = "https-required", 403;
    /// The request names no host.
    AuthorityMissing = "authority-missing", 400;
    /// The host is not a host name or address with an optional port.
    AuthorityInvalid = "authority-invalid", 400;
    /// `Host`, `:authority` or an absolute target name different hosts.
    AuthorityMismatch = "authority-mismatch", 400;
    /// The method is none that the gateway knows.
    MethodUnknown = "method-unknown", 501;
    /// The path or query is not in the one form that is judged and forwarded.
    TargetNotCanonical = "target-not-canonical", 400;
    /// A header field has a name or value that origins may read in two ways.
    HeaderInvalid = "header-invalid", 400;
    /// The request head has too many fields or bytes.
    HeadTooLarge = "head-too-large", 431;
    /// The request asks for another protocol on its connection, such as WebSocket.
    UpgradeNotSupported = "upgrade-not-supported", 501;
    /// The request body is larger than the route allows.
    BodyTooLarge = "body-too-large", 413;
    /// No tenant has this host name.
    TenantUnknown = "tenant-unknown", 404;
    /// As many requests for the host are in flight as may be.
    ConcurrencyLimited = "concurrency-limited", 429;
    /// A trusted proxy's word on the client's address is missing or can't be read.
    ClientAddressInvalid = "client-address-invalid", 400;
    /// The network must be judged, but the host gives no peer address.
    ClientAddressUnknown = "client-address-unknown", 503;
    /// No route has this path.
    RouteNotFound = "route-not-found", 404;
    /// The path has routes, but none for this method.
    MethodNotAllowed = "method-not-allowed", 405;
    /// A page of another site asks for what the tenant's policy does not let it do.
    PreflightRefused = "preflight-refused", 403;
    /// The tenant has not set the network that the route demands.
    NetworkUndefined = "network-undefined", 403;
    /// The client's address is not in the network that the route demands.
    NetworkNotAllowed = "network-not-allowed", 403;
    /// There is no token.
    TokenMissing = "token-missing", 401;
    /// There is more than one token (RFC 6750, section 2).
    TokenAmbiguous = "token-ambiguous", 400;
    /// A browser sent the session cookie with a request that another site made.
    CrossSiteRequest = "cross-site-request", 403;
    /// The token is longer than the limit.
    TokenTooLarge = "token-too-large", 401;
    /// The token is not a compact JWS of strict base64url and strict JSON.
    TokenMalformed = "token-malformed", 401;
    /// The token's header has a member that must not be there.
    TokenHeaderForbidden = "token-header-forbidden", 401;
    /// The token's `typ` is of another kind than the issuer's tokens, or than any that is meant for us.
    TokenTypeNotAllowed = "token-type-not-allowed", 401;
    /// The issuer is none of this tenant's.
    TokenIssuerUnknown = "token-issuer-unknown", 401;
    /// The algorithm is none of the issuer's.
    TokenAlgorithmNotAllowed = "token-algorithm-not-allowed", 401;
    /// The issuer has no such key.
    TokenKeyUnknown = "token-key-unknown", 401;
    /// The signature is not by that key.
    TokenSignatureInvalid = "token-signature-invalid", 401;
    /// A claim is missing or has the wrong shape.
    TokenClaimsInvalid = "token-claims-invalid", 401;
    /// The token is not meant for this gateway.
    TokenAudienceMismatch = "token-audience-mismatch", 401;
    /// The token is past its time.
    TokenExpired = "token-expired", 401;
    /// The token's time has not come.
    TokenNotYetValid = "token-not-yet-valid", 401;
    /// The token was issued longer ago than the issuer's tokens may be used.
    TokenTooOld = "token-too-old", 401;
    /// The token is another tenant's.
    TokenTenantMismatch = "token-tenant-mismatch", 403;
    /// Tenant, subject or session was revoked.
    SessionRevoked = "session-revoked", 401;
    /// The gateway's own session has ended: there is no record of it.
    SessionEnded = "session-ended", 401;
    /// The gateway's own session was not used for too long, or is too old.
    SessionExpired = "session-expired", 401;
    /// The user is not in the tenant's directory, which is required.
    UserUnknown = "user-unknown", 403;
    /// The directory says that the user is suspended.
    UserSuspended = "user-suspended", 403;
    /// The directory says that the user has left.
    UserLeft = "user-left", 403;
    /// The principal has not the roles that the route asks for.
    RoleMissing = "role-missing", 403;
    /// There is no such assistant, or none that the principal may see.
    AssistantNotFound = "assistant-not-found", 404;
    /// A rate limit of the tenant or the user is used up (RFC 6585, section 4).
    RateLimited = "rate-limited", 429;
    /// The route has no origin in a region of the tenant.
    RegionNotAllowed = "region-not-allowed", 403;
    /// The origin's answer sends the client elsewhere than to the tenant.
    OriginRedirectRefused = "origin-redirect-refused", 502;
    /// The keys that the token's issuer publishes are not known.
    KeysUnavailable = "keys-unavailable", 503;
    /// The gateway's own keys, which sign what the policy asks for, are not known.
    OwnKeysUnavailable = "own-keys-unavailable", 503;
    /// The policy can't be read.
    PolicyUnavailable = "policy-unavailable", 503;
    /// A state record that the verdict needs can't be read.
    StateUnavailable = "state-unavailable", 503;
    /// The client went away before its request was answered, or its body broke off or came too slowly.
    ClientGone = "client-gone", 408;
    /// Every origin that may serve the request is passed over, because there was no connection to it.
    OriginsUnavailable = "origins-unavailable", 503;
    /// The policy asks for what the gateway's host can't do for the origin.
    HostUnable = "host-unable", 503;
    /// No connection to the origin.
    OriginUnreachable = "origin-unreachable", 502;
    /// The origin broke off or its answer is not HTTP.
    OriginFailed = "origin-failed", 502;
    /// The origin's answer does not name the tenant that it was asked for.
    OriginTenantMismatch = "origin-tenant-mismatch", 502;
    /// The origin did not answer in time.
    OriginTimeout = "origin-timeout", 504;
}

impl Reason {
    /// The reason with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    /// The fault is ours or the operator's, not the client's.
    pub const fn is_fault(self) -> bool {
        self.status() >= 500 && !matches!(self, Self::MethodUnknown | Self::UpgradeNotSupported)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A refusal: the reason for everyone, a sentence for the operator (audit and `explain` only, never
/// an answer), and the response header that the status demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    reason: Reason,
    detail: Cow<'static, str>,
    header: Option<(&'static str, String)>,
}

impl Denial {
    /// A refusal that explains itself. `detail` may quote the request: it is escaped where it is
    /// shown and never part of an answer.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), header: None }
    }

    /// Adds the response header that the status demands: `Allow` (405), `Location` (308),
    /// `Retry-After` (429, 503).
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The reason.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The sentence for the operator.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The response header that the status demands.
    pub fn header(&self) -> Option<(&'static str, &str)> {
        self.header.as_ref().map(|(name, value)| (*name, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_kebab_case_and_found_again() {
        let mut seen = HashSet::new();
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(seen.insert(code), "{code} stands twice");
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code}");
            assert_eq!(Reason::from_code(code), Some(*reason));
            assert!((300..600).contains(&reason.status()));
        }
    }
}
