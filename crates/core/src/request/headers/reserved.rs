//! Names that only the gateway may set towards an origin.

const NAMES: [&[u8]; 7] = [
    b"forwarded",
    b"front-end-https",
    b"client-ip",
    b"remote-addr",
    b"remote-user",
    b"client-cert",
    b"proxy",
];
const PREFIXES: [&[u8]; 5] =
    [b"sekisho-", b"spin-", b"ssl-client-", b"cf-access-", b"tailscale-user-"];

/// Behind `x-`.
const X_NAMES: [&[u8]; 16] = [
    b"tenant",
    b"user",
    b"request-id",
    b"forwarded",
    b"host",
    b"http-host-override",
    b"scheme",
    b"url-scheme",
    b"real-ip",
    b"originating-ip",
    b"azure-clientip",
    b"azure-socketip",
    b"http-method",
    b"http-method-override",
    b"method-override",
    b"arr-clientcert",
];
const X_PREFIXES: [&[u8]; 25] = [
    b"tenant-",
    b"user-",
    b"sekisho-",
    b"forwarded-",
    b"forward-",
    b"envoy-",
    b"client-",
    b"remote-",
    b"auth-",
    b"authenticated-",
    b"webauth-",
    b"ms-client-",
    b"amzn-oidc-",
    b"goog-authenticated-",
    b"goog-iap-",
    b"pomerium-",
    b"authentik-",
    b"consumer-",
    b"credential-",
    b"endpoint-api-",
    b"ssl-",
    b"original-",
    b"rewrite-",
    b"accel-",
    b"sendfile-",
];
const SUFFIXES: [&[u8]; 5] =
    [b"-forwarded-for", b"-client-ip", b"-connecting-ip", b"-client-cert", b"-viewer-address"];

/// A name that only the gateway may set towards an origin, in any spelling that an origin may fold
/// to it: upper or lower case, `_` or any other sign for `-`, as CGI makes one variable of them
/// (RFC 3875, section 4.1.18).
///
/// | name | what an origin may take it for |
/// | --- | --- |
/// | `x-tenant`, `x-tenant-*`, `x-user`, `x-user-*`, `x-sekisho-*`, `sekisho-*`, `x-request-id` | the gateway's word on tenant, user and request |
/// | `forwarded`, `x-forwarded`, `x-forwarded-*`, `*-forwarded-for`, `x-forward-*`, `x-envoy-*` | a proxy's word on what it forwards |
/// | `x-host`, `x-http-host-override`, `x-scheme`, `x-url-scheme`, `front-end-https` | another host or scheme than the one that was judged |
/// | `x-real-ip`, `client-ip`, `*-client-ip`, `*-connecting-ip`, `*-viewer-address`, `x-azure-clientip`, `x-azure-socketip`, `x-originating-ip`, `remote-addr`, `x-client-*`, `spin-*` | a proxy's or host's word on the client |
/// | `remote-user`, `x-remote-*`, `x-auth-*`, `x-authenticated-*`, `x-webauth-*`, `x-ms-client-*`, `x-amzn-oidc-*`, `x-goog-authenticated-*`, `x-goog-iap-*`, `x-pomerium-*`, `x-authentik-*`, `x-consumer-*`, `x-credential-*`, `x-endpoint-api-*`, `cf-access-*`, `tailscale-user-*` | a proxy's word on who signed in |
/// | `x-ssl-*`, `ssl-client-*`, `client-cert`, `*-client-cert`, `x-arr-clientcert` | a proxy's word on a client certificate (RFC 9440) |
/// | `x-http-method`, `x-http-method-override`, `x-method-override`, `x-original-*`, `x-rewrite-*` | another method or path than the one that was judged |
/// | `x-accel-*`, `x-sendfile-*` | an order to a server to send a file or go elsewhere |
/// | `proxy` | the variable `HTTP_PROXY`: through whom to connect (httpoxy) |
pub fn is_reserved(name: &str) -> bool {
    let name = name.as_bytes();
    let listed = match name.split_at_checked(2) {
        Some((x, rest)) if equals(x, b"x-") => {
            X_NAMES.iter().any(|listed| equals(rest, listed))
                || X_PREFIXES.iter().any(|prefix| begins(rest, prefix))
        }
        _ => {
            NAMES.iter().any(|listed| equals(name, listed))
                || PREFIXES.iter().any(|prefix| begins(name, prefix))
        }
    };
    listed || SUFFIXES.iter().any(|suffix| ends(name, suffix))
}

/// A byte as the least careful origin reads it.
const fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

fn equals(name: &[u8], folded: &[u8]) -> bool {
    name.len() == folded.len() && name.iter().zip(folded).all(|(a, b)| fold(*a) == *b)
}

fn begins(name: &[u8], folded: &[u8]) -> bool {
    name.get(..folded.len()).is_some_and(|start| equals(start, folded))
}

fn ends(name: &[u8], folded: &[u8]) -> bool {
    let start = name.len().checked_sub(folded.len());
    start.and_then(|start| name.get(start..)).is_some_and(|end| equals(end, folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_in_every_spelling() {
        for name in [
            "X-Tenant-Id",
            "x_tenant_id",
            "X_Tenant-Id",
            "x-user-roles",
            "Sekisho-Assertion",
            "X-Sekisho-Debug",
            "Forwarded",
            "x-forwarded-for",
            "X-Real-IP",
            "True-Client-IP",
            "cf-connecting-ip",
            "Fastly-Client-Ip",
            "client-ip",
            "spin-client-addr",
            "spin-path-info",
            "x-request-id",
            "x.tenant.id",
            "X!User~Id",
            "X-HTTP-Method-Override",
            "x-original-url",
            "X-Rewrite-URL",
            "Remote-User",
            "REMOTE_USER",
            "X-Remote-User",
            "x-remote-addr",
            "X-Auth-Request-Email",
            "X-SSL-Client-Verify",
            "X-Client-Cert",
            "X-Original-Forwarded-For",
            "cdn.forwarded.for",
            "Proxy",
            "Client-Cert",
            "client_cert",
            "SSL-Client-Cert",
            "X-SSL-Client-Cert",
            "X-Original-Host",
            "X-Original-Method",
            "X-Rewrite-URI",
            "X-Envoy-External-Address",
            "X-Forward-For",
            "X-Host",
            "X-Scheme",
            "X-URL-Scheme",
            "Front-End-Https",
            "X-Authenticated-User",
            "X-MS-Client-Principal",
            "X-Amzn-Oidc-Data",
            "X-Goog-Authenticated-User-Email",
            "X-WebAuth-User",
            "Remote-Addr",
            "REMOTE_ADDR",
            "X-Originating-IP",
            "X-Accel-Redirect",
            "X-Sendfile-Type",
            "X-Azure-ClientIP",
            "x.azure.socketip",
            "CloudFront-Viewer-Address",
            "X-ARR-ClientCert",
            "x-tenant-",
            "X_FORWARDED",
            "X-Tenant",
            "x_user",
            "X-HTTP-Host-Override",
            "SSL-Client-Verify",
            "SSL_CLIENT_S_DN",
            "Cf-Access-Jwt-Assertion",
            "Tailscale-User-Login",
            "X-Goog-IAP-JWT-Assertion",
            "X-Pomerium-Claim-Email",
            "X-Authentik-Username",
            "X-Consumer-Username",
            "X-Credential-Identifier",
            "X-Endpoint-API-UserInfo",
        ] {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn not_reserved() {
        for name in [
            "accept",
            "x-tenants",
            "authorization",
            "forward",
            "traceparent",
            "x-users",
            "x-authority",
            "x-remoteness",
            "x-clients",
            "remote-users",
            "forwarded-for-x",
            "proxy-status",
            "x-proxy",
            "client-certificate",
            "x-original",
            "x-hostname",
            "x-schemes",
            "x-ms-request-id",
            "x-amzn-trace-id",
            "x-acceleration",
            "host",
            "origin",
            "x",
            "x-",
            "",
            "x-azure-ref",
            "ip",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
