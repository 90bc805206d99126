//! Names that only the gateway may set towards an origin.

/// By the first letter: a name, or with `-` at its end what a name begins with.
const fn listed(first: u8) -> &'static [&'static [u8]] {
    match first {
        b'c' => &[b"client-ip", b"client-cert", b"cf-access-"],
        b'f' => &[b"forwarded", b"front-end-https"],
        b'p' => &[b"proxy"],
        b'r' => &[b"remote-addr", b"remote-user"],
        b's' => &[b"sekisho-", b"spin-", b"ssl-client-"],
        b't' => &[b"tailscale-user-"],
        _ => &[],
    }
}

/// Likewise, behind `x-`.
const fn listed_behind_x(first: u8) -> &'static [&'static [u8]] {
    match first {
        b'a' => &[
            b"accel-",
            b"amzn-oidc-",
            b"arr-clientcert",
            b"auth-",
            b"authenticated-",
            b"authentik-",
            b"azure-clientip",
            b"azure-socketip",
        ],
        b'c' => &[b"client-", b"consumer-", b"credential-"],
        b'e' => &[b"endpoint-api-", b"envoy-"],
        b'f' => &[b"forward-", b"forwarded", b"forwarded-"],
        b'g' => &[b"goog-authenticated-", b"goog-iap-"],
        b'h' => &[b"host", b"http-host-override", b"http-method", b"http-method-override"],
        b'm' => &[b"method-override", b"ms-client-"],
        b'o' => &[b"original-", b"originating-ip"],
        b'p' => &[b"pomerium-"],
        b'r' => &[b"real-ip", b"remote-", b"request-id", b"rewrite-"],
        b's' => &[b"scheme", b"sekisho-", b"sendfile-", b"ssl-"],
        b't' => &[b"tenant", b"tenant-"],
        b'u' => &[b"url-scheme", b"user", b"user-"],
        b'w' => &[b"webauth-"],
        _ => &[],
    }
}

/// By the last letter: what a name ends with.
const fn endings(last: u8) -> &'static [&'static [u8]] {
    match last {
        b'p' => &[b"-client-ip", b"-connecting-ip"],
        b'r' => &[b"-forwarded-for"],
        b's' => &[b"-viewer-address"],
        b't' => &[b"-client-cert"],
        _ => &[],
    }
}

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
    let behind_x = name.split_at_checked(2).filter(|(x, _)| equal(x, b"x-")).map(|(_, rest)| rest);
    let rest = behind_x.unwrap_or(name);
    let folded = |byte: Option<&u8>| byte.map_or(0, |byte| fold(*byte));
    let first = folded(rest.first());
    let listed = if behind_x.is_some() { listed_behind_x(first) } else { listed(first) };
    listed.iter().any(|listed| is_listed(rest, listed))
        || endings(folded(name.last())).iter().any(|ending| {
            let end = name.len().checked_sub(ending.len()).and_then(|start| name.get(start..));
            end.is_some_and(|end| equal(end, ending))
        })
}

fn is_listed(name: &[u8], listed: &[u8]) -> bool {
    if listed.ends_with(b"-") {
        name.len() >= listed.len() && equal(name, listed)
    } else {
        name.len() == listed.len() && equal(name, listed)
    }
}

/// Up to the end of the shorter.
fn equal(name: &[u8], folded: &[u8]) -> bool {
    name.iter().zip(folded).all(|(a, b)| fold(*a) == *b)
}

/// A byte as the least careful origin reads it.
fn fold(byte: u8) -> u8 {
    FOLDED.get(usize::from(byte)).copied().unwrap_or_default()
}

#[allow(clippy::indexing_slicing, reason = "a constant: an index out of bounds does not compile")]
static FOLDED: [u8; 256] = {
    let mut folded = [b'-'; 256];
    let mut byte = 0u8;
    while byte < u8::MAX {
        if byte.is_ascii_alphanumeric() {
            folded[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

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
            "Acme-Client-Cert",
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
