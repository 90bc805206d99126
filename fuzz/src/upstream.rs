//! What must hold of every permit, whatever was asked.

use crate::REQUEST_ID;
use sekisho_core::{Permit, Request};

/// Panics if the origin would see what it must not.
pub fn check(request: &Request, permit: &Permit<'_>) {
    let tenant = permit.tenant();
    let host = request.headers.text("host").expect("no host was named");
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_lowercase();
    assert!(tenant.hosts().contains(&host), "{host} is another tenant's");
    assert!(request.target.ends_with(permit.path_and_query()), "the target was changed");
    assert_eq!(permit.url(), format!("{}{}", permit.origin().url(), permit.path_and_query()));
    assert!(tenant.regions().iter().any(|region| region == permit.origin().region()));

    let values = |name: &str| permit.headers().values(name).collect::<Vec<_>>();
    assert_eq!(values("x-tenant-id"), [tenant.id().as_str().as_bytes()]);
    assert_eq!(values("x-forwarded-proto"), [b"https"]);
    assert_eq!(values("x-forwarded-host"), [host.as_bytes()]);
    assert_eq!(values("x-user-id").len(), usize::from(!permit.route().is_public()));
    assert_eq!(values("x-request-id").len(), 1);
    assert!(values("forwarded").len() <= 1 && values("x-forwarded-for").len() <= 1);
    for never in
        ["host", "authorization", "connection", "transfer-encoding", "keep-alive", "upgrade"]
    {
        assert!(values(never).is_empty(), "{never} passed");
    }
    let ours = ["x-request-id", "x-real-ip", "forwarded", "x-forwarded"];
    for (name, value) in permit.headers().iter() {
        let folded = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-").to_lowercase();
        let is_ours = ours.contains(&folded.as_str())
            || ["x-tenant-", "x-user-", "x-forwarded-", "sekisho-", "x-sekisho-", "spin-"]
                .iter()
                .any(|start| folded.starts_with(start));
        assert!(!is_ours || folded == name, "{name} is an alias");
        assert!(!name.contains('_') && !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        if name == "cookie" {
            assert!(!value.starts_with(b"__Host-sekisho="), "the session cookie passed");
        }
    }
    if permit.headers().text("x-request-id") != Some(REQUEST_ID) {
        assert!(request.peer.is_some_and(|peer| peer.ip().to_string().contains("10.")));
    }
}
