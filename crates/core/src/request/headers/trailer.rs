//! Fields that may follow a body.

/// Whether a trailer field may pass, in either direction. RFC 9110, section 6.5.1: only a field whose
/// definition allows it, and nothing that frames, routes, authenticates or modifies a request. A
/// trailer comes after the verdict, so what is not listed does not pass.
///
/// | name | defined by |
/// | --- | --- |
/// | `content-digest`, `repr-digest` | RFC 9530 |
/// | `etag` | RFC 9110, section 8.8.3 |
/// | `grpc-message`, `grpc-status`, `grpc-status-details-bin` | gRPC over HTTP/2 |
/// | `server-timing` | W3C Server Timing |
pub fn may_be_trailer(name: &str) -> bool {
    const ALLOWED: [&str; 7] = [
        "content-digest",
        "etag",
        "grpc-message",
        "grpc-status",
        "grpc-status-details-bin",
        "repr-digest",
        "server-timing",
    ];
    ALLOWED.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers() {
        for name in ["Content-Digest", "ETag", "grpc-status", "Server-Timing"] {
            assert!(may_be_trailer(name), "{name}");
        }
        for name in [
            "X-Tenant-Id",
            "x_tenant_id",
            "X-User-Roles",
            "Sekisho-Assertion",
            "Forwarded",
            "X-Forwarded-For",
            "Host",
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "TE",
            "Trailer",
            "Cache-Control",
            "Content-Type",
            "x-anything",
            "",
        ] {
            assert!(!may_be_trailer(name), "{name}");
        }
    }
}
