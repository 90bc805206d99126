//! Loading a policy: what is sound, and every fault with its place and remedy.

use super::support::files;
use sekisho_core::policy::deployed::{FILE as COMPILED, MAX_SECTION};
use sekisho_core::policy::{Fault, Files, is_policy_file, load};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;

/// The sound policy with a text of one file replaced.
pub(crate) fn edited(file: &str, from: &str, to: &str) -> Files {
    let mut files = files();
    let text = String::from_utf8(files.remove(file).unwrap()).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    files.insert(file.into(), text.replacen(from, to, 1).into());
    files
}

pub(crate) fn faults(files: &Files) -> Vec<Fault> {
    load(files).map(drop).unwrap_err()
}

/// The text that a fault points at.
pub(crate) fn pointed<'f>(files: &'f Files, fault: &Fault) -> Option<&'f str> {
    let span = fault.span.clone()?;
    Some(std::str::from_utf8(&files[&fault.file][span]).unwrap())
}

const ORIGIN_URL: &str = "write http:// or https://, a host, an optional port, and an optional path in normal form \
     without a slash at its end";

struct Row {
    code: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    points_at: Option<&'static str>,
    help: &'static str,
}

const fn row(
    code: &'static str,
    file: &'static str,
    (from, to): (&'static str, &'static str),
    points_at: Option<&'static str>,
    help: &'static str,
) -> Row {
    Row { code, file, from, to, points_at, help }
}

const GATEWAY: &str = "gateway.toml";
const ACME: &str = "tenants/acme.toml";
const GLOBEX: &str = "tenants/globex.toml";
const INITECH: &str = "tenants/initech.toml";
const PATTERN: &str =
    "write /literal/{parameter}/{*rest}; two patterns may not differ in parameter names only";

const ASSISTANT: &str =
    "name the parameter of the path that stands for the assistant, without braces; {*rest} is none";

/// Minimal edits of the sound policy, each with the one fault that it makes.
const ROWS: &[Row] = &[
    row(
        "version-unknown",
        GATEWAY,
        ("version = 1", "version = 2"),
        Some("2"),
        "this gateway reads version = 1",
    ),
    row(
        "proxies-invalid",
        GATEWAY,
        ("[\"10.0.0.0/8\", \"2001:db8:ffff::/48\"]", "\"all\""),
        Some("\"all\""),
        "write a list of CIDR blocks, or \"peer\" if only your proxy can connect",
    ),
    row(
        "header-name-invalid",
        GATEWAY,
        ("\"x-forwarded-for\"", "\"x forwarded\""),
        Some("\"x forwarded\""),
        "write x-forwarded-for, forwarded, or a header that your CDN sets to the client's address alone",
    ),
    row(
        "header-name-invalid",
        GATEWAY,
        ("\"x-forwarded-for\"", "\"Authorization\""),
        Some("\"Authorization\""),
        "write x-forwarded-for, forwarded, or a header that your CDN sets to the client's address alone",
    ),
    row(
        "header-name-invalid",
        GATEWAY,
        ("\"x-forwarded-for\"", "\"x_client\""),
        Some("\"x_client\""),
        "write x-forwarded-for, forwarded, or a header that your CDN sets to the client's address alone",
    ),
    row(
        "origin-url-invalid",
        GATEWAY,
        ("https://assistant.jp.example", "https://[::ffff:127.0.0.1]"),
        Some("\"https://[::ffff:127.0.0.1]\""),
        ORIGIN_URL,
    ),
    row(
        "cdn-unknown",
        GATEWAY,
        ("client_address_header = \"x-forwarded-for\"", "cdn = \"cloudfare\""),
        Some("\"cloudfare\""),
        "did you mean \"cloudflare\"?",
    ),
    row(
        "cdn-unknown",
        GATEWAY,
        ("client_address_header = \"x-forwarded-for\"", "cdn = \"xyz\""),
        Some("\"xyz\""),
        "known here: cloudflare, fastly, akamai, cloudfront, azure-front-door; for another CDN, write its header as client_address_header",
    ),
    row(
        "client-address-twice",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "client_address_header = \"x-forwarded-for\"\ncdn = \"fastly\"",
        ),
        Some("\"fastly\""),
        "drop one of the two",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"X-Tenant-Key\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"X-Tenant-Key\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"cookie\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"cookie\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x_edge\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"x_edge\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"X-Forwarded-For\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"X-Forwarded-For\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"content-type\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"content-type\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"te\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"te\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-header-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some("\"\""),
        "write a header of your own that nothing else uses, as x-edge-secret",
    ),
    row(
        "proxy-secret-hash-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x-edge-secret\", sha256 = [\"correct horse battery staple\"] }",
        ),
        Some("\"correct horse battery staple\""),
        "write the 64 hexadecimal digits that `printf %s \"$SECRET\" | sha256sum` prints; never the secret itself",
    ),
    row(
        "proxy-secret-hash-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x-edge-secret\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d8356701g\"] }",
        ),
        Some("\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d8356701g\""),
        "write the 64 hexadecimal digits that `printf %s \"$SECRET\" | sha256sum` prints; never the secret itself",
    ),
    row(
        "proxy-secret-hash-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x-edge-secret\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014a\"] }",
        ),
        Some("\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014a\""),
        "write the 64 hexadecimal digits that `printf %s \"$SECRET\" | sha256sum` prints; never the secret itself",
    ),
    row(
        "proxy-secret-hash-invalid",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x-edge-secret\", sha256 = [\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"] }",
        ),
        Some("\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""),
        "write the 64 hexadecimal digits that `printf %s \"$SECRET\" | sha256sum` prints; never the secret itself",
    ),
    row(
        "proxy-secret-hash-count",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x-edge-secret\", sha256 = [] }",
        ),
        Some("[]"),
        "write one, or two while the secret is rotated",
    ),
    row(
        "proxy-secret-hash-count",
        GATEWAY,
        (
            "client_address_header = \"x-forwarded-for\"",
            "proxy_secret = { header = \"x-edge-secret\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\", \"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\", \"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some(
            "[\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\", \"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\", \"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"]",
        ),
        "write one, or two while the secret is rotated",
    ),
    row(
        "proxy-secret-without-proxies",
        GATEWAY,
        (
            "trusted_proxies = [\"10.0.0.0/8\", \"2001:db8:ffff::/48\"]",
            "trusted_proxies = []\nproxy_secret = { header = \"x-edge-secret\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        Some(
            "{ header = \"x-edge-secret\", sha256 = [\"1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014\"] }",
        ),
        "name the proxies in trusted_proxies, or write trusted_proxies = \"peer\" to ask whoever connects",
    ),
    row(
        "origin-url-invalid",
        GATEWAY,
        ("https://assistant.jp.example", "https://assistant.jp.example/v1/"),
        Some("\"https://assistant.jp.example/v1/\""),
        ORIGIN_URL,
    ),
    row(
        "origin-url-invalid",
        GATEWAY,
        ("https://assistant.jp.example", "https://u:p@assistant.jp.example"),
        Some("\"https://u:p@assistant.jp.example\""),
        ORIGIN_URL,
    ),
    row(
        "name-invalid",
        GATEWAY,
        ("id = \"me\"", "id = \"my route\""),
        Some("\"my route\""),
        "use 1 to 64 letters, digits, hyphens, underscores or dots",
    ),
    row(
        "route-duplicate",
        GATEWAY,
        ("id = \"me\"", "id = \"chat\""),
        Some("\"chat\""),
        "give each route an id of its own",
    ),
    row(
        "origin-unknown",
        GATEWAY,
        (
            "origins = [\"assistant-eu\", \"assistant-jp\"]",
            "origins = [\"asistant-eu\", \"assistant-jp\"]",
        ),
        Some("\"asistant-eu\""),
        "did you mean \"assistant-eu\"?",
    ),
    row(
        "origin-unknown",
        GATEWAY,
        ("origins = [\"status\", ", "origins = [\"zzz\", \"status\", "),
        Some("\"zzz\""),
        "define it as [origins.<id>]",
    ),
    row(
        "origin-cleartext",
        GATEWAY,
        ("\"https://assistant.jp.example\"", "\"http://assistant.jp.example\""),
        Some("\"http://assistant.jp.example\""),
        "write https://, or add cleartext = true if something else encrypts the way there",
    ),
    row(
        "redirect-host-invalid",
        GATEWAY,
        ("tenant_echo = \"off\"", "redirect_hosts = [\"https://files.example\"]"),
        Some("\"https://files.example\""),
        "write its name in lower case, without a scheme, a port or a path",
    ),
    row(
        "redirect-host-tenant",
        GATEWAY,
        ("tenant_echo = \"off\"", "redirect_hosts = [\"acme.example.jp\"]"),
        Some("\"acme.example.jp\""),
        "drop it: a tenant's answers may lead to its own hosts, and to no other tenant's",
    ),
    row(
        "role-invalid",
        GATEWAY,
        ("roles = [\"admin\"]", "roles = [\"admin,root\"]"),
        Some("\"admin,root\""),
        "use letters, digits, '-', '_', '.', ':' or '/'",
    ),
    row(
        "public-route-with-roles",
        GATEWAY,
        ("public = true", "public = true\nroles = [\"member\"]"),
        Some("true"),
        "drop one of the two: on a public route nobody is asked who he is",
    ),
    row(
        "route-shadowed",
        GATEWAY,
        ("path = \"/admin/users\"", "path = \"/api/me\""),
        Some("\"/api/me\""),
        "make them differ in path or methods",
    ),
    row("route-path-invalid", GATEWAY, ("\"/api/me\"", "\"api/me\""), Some("\"api/me\""), PATTERN),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api//me\""),
        Some("\"/api//me\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/../me\""),
        Some("\"/api/../me\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/関所\""),
        Some("\"/api/関所\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/%E9%96%A2\""),
        Some("\"/api/%E9%96%A2\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/me:run\""),
        Some("\"/api/me:run\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/assistants/{id}/chat\""),
        Some("\"/api/assistants/{id}/chat\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/{*rest}/me\""),
        Some("\"/api/{*rest}/me\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/{me\""),
        Some("\"/api/{me\""),
        PATTERN,
    ),
    row(
        "route-path-invalid",
        GATEWAY,
        ("\"/api/me\"", "\"/api/{関所}\""),
        Some("\"/api/{関所}\""),
        PATTERN,
    ),
    row(
        "timeout-zero",
        GATEWAY,
        ("[state]", "[timeouts]\nconnect_ms = 1\nidle_ms = 0\n\n[state]"),
        Some("0"),
        "write at least 1, or leave the key out for the default",
    ),
    row(
        "timeout-zero",
        GATEWAY,
        ("public = true", "public = true\ntimeouts = { first_byte_ms = 0 }"),
        Some("0"),
        "write at least 1, or leave the key out for the default",
    ),
    row(
        "timeout-zero",
        GATEWAY,
        ("public = true", "public = true\ntimeouts = { connect_ms = 0, idle_ms = 1 }"),
        Some("0"),
        "write at least 1, or leave the key out for the default",
    ),
    row(
        "method-unknown",
        GATEWAY,
        ("\"PUT\"", "\"put\""),
        Some("\"put\""),
        "use one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    ),
    row(
        "method-unknown",
        GATEWAY,
        ("\"PUT\"", "\"TRACE\""),
        Some("\"TRACE\""),
        "use one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
    ),
    row(
        "route-without-method",
        GATEWAY,
        ("[\"GET\", \"PUT\"]", "[]"),
        Some("\"me\""),
        "name at least one in methods = [...]",
    ),
    row(
        "host-invalid",
        ACME,
        ("\"acme.localhost\"", "\"*.acme.jp\""),
        Some("\"*.acme.jp\""),
        "write the name as it stands in the address bar, without scheme, port or wildcard",
    ),
    row(
        "tenant-without-host",
        INITECH,
        ("[\"initech.example.eu\"]", "[]"),
        Some("[]"),
        "name at least one in hosts = [...]",
    ),
    row(
        "network-invalid",
        GLOBEX,
        ("\"any\"", "\"all\""),
        Some("\"all\""),
        "write a list of CIDR blocks, or \"any\"",
    ),
    row(
        "network-unused",
        GLOBEX,
        ("business =", "buisness ="),
        Some("buisness"),
        "did you mean \"business\"?",
    ),
    row(
        "network-unused",
        GLOBEX,
        ("business =", "zzz ="),
        Some("zzz"),
        "name it as a route's network, or drop it",
    ),
    row(
        "issuer-incomplete",
        ACME,
        ("[\"sekisho\", \"sekisho-next\"]", "[]"),
        Some("[]"),
        "name at least one in audiences = [...]",
    ),
    row(
        "issuer-incomplete",
        ACME,
        ("[\"EdDSA\", \"ES256\", \"RS256\"]", "[ ]"),
        Some("[ ]"),
        "name at least one in algorithms = [...]",
    ),
    row(
        "tenant-proof",
        INITECH,
        ("sole_tenant = true", "sole_tenant = false"),
        Some("\"https://initech.example/idp\""),
        "write tenant_claim = \"<claim>\", or sole_tenant = true if the issuer has no other tenant",
    ),
    row(
        "tenant-proof",
        ACME,
        ("tenant_claim = \"tenant\"", "tenant_claim = \"tenant\"\nsole_tenant = true"),
        Some("\"tenant\""),
        "write tenant_claim = \"<claim>\", or sole_tenant = true if the issuer has no other tenant",
    ),
    row(
        "issuer-not-sole",
        ACME,
        ("tenant_claim = \"tenant\"", "sole_tenant = true"),
        Some("\"https://idp.example\""),
        "write tenant_claim instead of sole_tenant = true, with both tenants",
    ),
    row(
        "jwks-missing",
        INITECH,
        ("keys/initech.jwks.json", "keys/initec.jwks.json"),
        Some("\"keys/initec.jwks.json\""),
        "put the issuer's JWK Set there: sekisho token keygen makes one, your IdP publishes one",
    ),
    row(
        "jwks-invalid",
        INITECH,
        ("keys/initech.jwks.json", "gateway.toml"),
        Some("\"gateway.toml\""),
        "it must be a JWK Set of public keys (RFC 7517), each with a kid",
    ),
    row(
        "block-host-bits",
        GLOBEX,
        ("203.0.113.0/24", "203.0.113.9/24"),
        Some("\"203.0.113.9/24\""),
        "did you mean \"203.0.113.0/24\", or \"203.0.113.9/32\"?",
    ),
    row(
        "block-host-bits",
        GATEWAY,
        ("10.0.0.0/8", "10.0.0.1/8"),
        Some("\"10.0.0.1/8\""),
        "did you mean \"10.0.0.0/8\", or \"10.0.0.1/32\"?",
    ),
    row(
        "block-mapped",
        GLOBEX,
        ("2001:db8:42::/48", "::ffff:203.0.113.0/120"),
        Some("\"::ffff:203.0.113.0/120\""),
        "write it as IPv4: a client is judged by its IPv4 address",
    ),
    row(
        "block-invalid",
        GLOBEX,
        ("203.0.113.0/24", "203.0.113.0"),
        Some("\"203.0.113.0\""),
        "for this address alone write \"203.0.113.0/32\"",
    ),
    row(
        "block-invalid",
        GLOBEX,
        ("203.0.113.0/24", "203.0.113.010/32"),
        Some("\"203.0.113.010/32\""),
        "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or 2001:db8::/32",
    ),
    row(
        "block-invalid",
        GLOBEX,
        ("2001:db8:42::/48", "2001:DB8:42::1"),
        Some("\"2001:DB8:42::1\""),
        "for this address alone write \"2001:db8:42::1/128\"",
    ),
    row(
        "block-invalid",
        GLOBEX,
        ("\"any\"", "{ allow = [], deny = [\"all\"] }"),
        Some("\"all\""),
        "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or 2001:db8::/32",
    ),
    row(
        "block-conflict",
        GLOBEX,
        ("\"any\"", "{ deny = [\"10.0.0.0/9\", \"10.0.0.0/8\"], allow = [\"10.0.0.0/8\"] }"),
        Some("\"10.0.0.0/8\""),
        "keep it in one of the two lists; an exception is a longer block",
    ),
    row(
        "block-conflict",
        GLOBEX,
        ("\"any\"", "{ allow = [\"2001:db8::/32\"], deny = [\"2001:0db8::/32\"] }"),
        Some("\"2001:0db8::/32\""),
        "keep it in one of the two lists; an exception is a longer block",
    ),
    row(
        "origin-duplicate",
        GATEWAY,
        ("[\"status\", \"assistant-eu\"]", "[\"assistant-eu\", \"status\", \"assistant-eu\" ]"),
        Some("\"assistant-eu\""),
        "name it once; its weight says how often it is asked",
    ),
    row(
        "origin-weight-invalid",
        GATEWAY,
        ("tenant_echo = \"off\"", "tenant_echo = \"off\"\nweight = 1001"),
        Some("1001"),
        "write 0 to 1000; 0 for an origin that waits until all others are passed over",
    ),
    row(
        "origin-host-invalid",
        GATEWAY,
        ("tenant_echo = \"off\"", "tenant_echo = \"off\"\nhost = \"Status.example\""),
        Some("\"Status.example\""),
        "write \"origin\", \"client\", or a name in lower case with an optional port",
    ),
    row(
        "concurrency-zero",
        GATEWAY,
        ("concurrent_requests = 4", "concurrent_requests = 0"),
        Some("0"),
        "write at least 1, or leave the key out: then there is no bound",
    ),
    row(
        "public-route-with-roles",
        GATEWAY,
        ("public = true", "public = true\nall_roles = [\"member\"]"),
        Some("true"),
        "drop one of the two: on a public route nobody is asked who he is",
    ),
    row(
        "role-invalid",
        GATEWAY,
        ("roles = [\"admin\"]", "all_roles = [\"a b\"]"),
        Some("\"a b\""),
        "use letters, digits, '-', '_', '.', ':' or '/'",
    ),
    row(
        "assistant-unknown",
        GATEWAY,
        ("methods = [\"POST\"]", "methods = [\"POST\"]\nassistant = \"asistant\""),
        Some("\"asistant\""),
        ASSISTANT,
    ),
    row(
        "assistant-unknown",
        GATEWAY,
        ("{*rest}\"", "{*rest}\"\nassistant = \"rest\""),
        Some("\"rest\""),
        ASSISTANT,
    ),
    row(
        "public-route-with-assistant",
        GATEWAY,
        (
            "methods = [\"POST\"]\norigins = [\"assistant-eu\", \"assistant-jp\"]\nroles = [\"member\", \"admin\"]",
            "methods = [\"POST\"]\norigins = [\"assistant-eu\", \"assistant-jp\"]\nassistant = \"assistant\"\npublic =   true",
        ),
        Some("true"),
        "drop one of the two: who may see an assistant depends on who asks",
    ),
    row(
        "rewrite-invalid",
        GATEWAY,
        ("{*rest}\"", "{*rest}\"\nrewrite = { from = \"/ap\", to = \"/v1\" }"),
        Some("\"/ap\""),
        "write from = \"/...\": whole literal segments with which the route's path starts, without a \
         slash at the end",
    ),
    row(
        "rewrite-invalid",
        GATEWAY,
        ("{*rest}\"", "{*rest}\"\nrewrite = { from = \"/api\", to = \"/v1/\" }"),
        Some("\"/v1/\""),
        "write to = \"/...\": a path in normal form without query and without a slash at the end, or \
         \"/\" alone",
    ),
    row(
        "block-invalid",
        GLOBEX,
        ("203.0.113.0/24", "203.0.113.0/33"),
        Some("\"203.0.113.0/33\""),
        "write an address and a prefix length, as 192.0.2.0/24, 198.51.100.7/32 or 2001:db8::/32",
    ),
    row(
        "region-without-origin",
        INITECH,
        ("[\"eu\"]", "[\"us\"]"),
        Some("[\"us\"]"),
        "give these routes an origin in a region of the tenant, or the tenant another region",
    ),
    row(
        "host-duplicate",
        GLOBEX,
        ("[\"globex.example.jp\"]", "[\"globex.example.jp\", \"ACME.localhost.\"]"),
        Some("\"ACME.localhost.\""),
        "a host belongs to one tenant, and stands once",
    ),
];

/// Faults that an edit in place can't make.
fn others() -> Vec<(&'static str, &'static str, Files)> {
    let with = |file: &str, bytes: &[u8]| {
        let mut files = files();
        files.insert(file.into(), bytes.to_vec());
        files
    };
    let without = |prefix: &str| {
        let mut files = files();
        files.retain(|file, _| !file.starts_with(prefix));
        files
    };
    let blocks = |count: u32| {
        let list: Vec<_> =
            (0..count).map(|n| format!("\"{}/32\"", Ipv4Addr::from_bits(n))).collect();
        edited(GLOBEX, "\"any\"", &format!("[{}]", list.join(",")))
    };
    let issuer = "[[issuers]]\nissuer = \"https://idp.example\"\naudiences = [\"a\"]\nalgorithms = [\"EdDSA\"]\n\
                  jwks_file = \"keys/shared.jwks.json\"\ntenant_claim = \"tenant\"\n\n[[issuers]]";
    vec![
        ("file-missing", "gateway.toml", without("gateway.toml")),
        ("no-tenant", "tenants", without("tenants/")),
        ("not-utf8", "gateway.toml", with("gateway.toml", b"\xff")),
        ("tenant-id-invalid", "tenants/Acme.toml", with("tenants/Acme.toml", b"")),
        ("network-too-large", GLOBEX, blocks(100_001)),
        ("issuer-duplicate", ACME, edited(ACME, "[[issuers]]", issuer)),
        ("jwks-invalid", INITECH, with("keys/initech.jwks.json", b"{\"keys\":[]}")),
        ("jwks-invalid", INITECH, with("keys/initech.jwks.json", b"\xff\xfe")),
        (
            "policy-too-large",
            INITECH,
            edited(INITECH, "\"eu\"]", &format!("\"eu\", \"{}\"]", "a".repeat(MAX_SECTION))),
        ),
        ("compiled-beside-files", COMPILED, with(COMPILED, b"")),
        ("compiled-unsound", COMPILED, Files::from([(COMPILED.to_owned(), Vec::new())])),
    ]
}

/// Edits that break a second rule of necessity: every route needs a served region.
fn with_company() -> Vec<(&'static str, &'static str, Files)> {
    vec![
        (
            "route-without-origin",
            GATEWAY,
            edited(GATEWAY, "origins = [\"status\", \"assistant-eu\"]", "origins = []"),
        ),
        ("tenant-without-region", INITECH, edited(INITECH, "[\"eu\"]", "[]")),
    ]
}

#[test]
fn the_repositorys_policy_is_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
    let mut files = Files::new();
    for folder in ["", "tenants", "keys"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_file() && is_policy_file(&name) {
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    let policy = load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    let tenants: Vec<&str> = policy.tenants().iter().map(|tenant| tenant.id().as_str()).collect();
    assert_eq!(tenants, ["acme", "globex"]);
}

#[test]
fn each_fault_has_its_place_and_remedy() {
    assert!(load(&files()).is_ok());
    for row in ROWS {
        let name = format!("{} by {:?}", row.code, row.to);
        let files = edited(row.file, row.from, row.to);
        let faults = load(&files).err().unwrap_or_default();
        let [fault] = faults.as_slice() else { panic!("{name}: {faults:#?}") };
        assert_eq!((fault.code, fault.file.as_str()), (row.code, row.file), "{name}");
        assert_eq!(pointed(&files, fault), row.points_at, "{name}: {}", fault.message);
        assert_eq!(fault.help, row.help, "{name}: {}", fault.message);
        let text = std::str::from_utf8(&files[row.file]).unwrap();
        assert_eq!(fault.position(text).is_some(), row.points_at.is_some(), "{name}");
    }
    for (code, file, files) in others() {
        let faults = faults(&files);
        let [fault] = faults.as_slice() else { panic!("{code}: {faults:#?}") };
        assert_eq!((fault.code, fault.file.as_str()), (code, file), "{}", fault.message);
        assert!(!fault.help.is_empty());
    }
    for (code, file, files) in with_company() {
        let faults = faults(&files);
        assert!(
            faults.iter().any(|f| f.code == code && f.file == file && f.span.is_some()),
            "{code}: {faults:#?}"
        );
    }
}

#[test]
fn cleartext_stays_on_the_host_or_is_asked_for() {
    let with = |url: &str, key: &str| {
        let from = "\"https://assistant.jp.example\"";
        let files = edited(GATEWAY, from, &format!("\"{url}\"\n{key}"));
        match load(&files) {
            Ok(_) => None,
            Err(faults) => Some(faults.into_iter().map(|f| f.code).collect::<Vec<_>>()),
        }
    };
    for (url, local) in [
        ("https://assistant.jp.example", true),
        ("http://127.0.0.1:3480", true),
        ("http://127.255.255.254", true),
        ("http://[::1]:3480", true),
        ("http://[0:0:0:0:0:0:0:1]/", true),
        ("http://localhost:3480", true),
        ("http://LOCALHOST.", true),
        ("http://assistant.localhost", true),
        ("http://assistant.spin.internal", true),
        ("http://assistant.jp.example", false),
        ("http://128.0.0.1", false),
        ("http://10.0.0.1:80", false),
        ("http://0.0.0.0", false),
        ("http://[::]", false),
        ("http://[::2]", false),
        ("http://127.0.0.1.example", false),
        ("http://localhost.example", false),
        ("http://notlocalhost", false),
        ("http://spin.internal", false),
        ("http://evilspin.internal", false),
        ("http://assistant.spin.internal.example", false),
    ] {
        let refused = (!local).then(|| vec!["origin-cleartext"]);
        assert_eq!(with(url, ""), refused, "{url}");
        assert_eq!(with(url, "cleartext = false"), refused, "{url}, in words");
        assert_eq!(with(url, "cleartext = true"), None, "{url}, asked for");
    }
}

#[test]
fn a_pattern_has_at_most_16_parameters() {
    for (parameters, tail, sound) in [
        (16, "", true),
        (15, "/{*rest}", true),
        (16, "/{*rest}", false),
        (17, "", false),
        (25, "", false),
        (26, "", false),
        (200, "", false),
    ] {
        let path = (0..parameters).map(|n| format!("/{{p{n}}}")).collect::<Vec<_>>().concat();
        let files = edited(GATEWAY, "/api/me", &format!("/x{path}{tail}"));
        let found: Option<Vec<Fault>> = load(&files).err();
        match found.as_deref() {
            None => assert!(sound, "{parameters}{tail}"),
            Some([fault]) => {
                assert!(!sound, "{parameters}{tail}");
                assert_eq!(fault.code, "route-path-invalid");
                assert!(fault.message.ends_with("more than 16 parameters"), "{}", fault.message);
            }
            Some(other) => panic!("{other:#?}"),
        }
    }
}

#[test]
fn no_fault_is_untested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/policy/load");
    let sources: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let blocks = concat!(env!("CARGO_MANIFEST_DIR"), "/src/network/block.rs");
    let blocks = std::fs::read_to_string(blocks).unwrap();
    let made: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split("self.fault(").skip(1))
        .filter_map(|call| call.split('"').nth(1).filter(|_| !call.starts_with("code,")))
        .chain(blocks.split("code: \"").skip(1).map(|code| code.split('"').next().unwrap()))
        .collect();
    let tested: BTreeSet<&str> = ROWS
        .iter()
        .map(|row| row.code)
        .chain(others().into_iter().map(|(code, ..)| code))
        .chain(with_company().into_iter().map(|(code, ..)| code))
        .chain(super::issuers::FAULTS.iter().map(|(.., code)| *code))
        .chain(super::own::FAULTS)
        .chain(super::watch::FAULTS)
        .chain(super::own::record::FAULTS.iter().map(|(_, code)| *code))
        .chain(super::managed::FAULTS.iter().map(|(_, code)| *code))
        .chain(super::cors::FAULTS.iter().map(|(code, ..)| *code))
        .chain(super::published::FAULTS.iter().map(|(.., code)| *code))
        .chain(super::limits::FAULTS.iter().filter_map(|(.., code)| *code))
        .collect();
    let untested: Vec<&&str> = made.difference(&tested).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn one_run_shows_every_fault_of_every_file() {
    let mut files = edited(ACME, "\"acme.localhost\"", "\"http://acme\"");
    let broken =
        String::from_utf8(files["gateway.toml"].clone()).unwrap().replace("limits", "limit");
    files.insert("gateway.toml".into(), broken.into());
    files.insert("keys/initech.jwks.json".into(), b"{}".to_vec());
    let mut found: Vec<_> = faults(&files).into_iter().map(|f| (f.file, f.code)).collect();
    found.sort_unstable();
    let want = [(GATEWAY, "key-unknown"), (ACME, "host-invalid"), (INITECH, "jwks-invalid")];
    assert_eq!(found, want.map(|(file, code)| (file.to_owned(), code)));
}

#[test]
fn a_place_is_a_line_and_a_column() {
    let files = edited(GLOBEX, "203.0.113.0/24", "関所");
    let faults = faults(&files);
    let text = std::str::from_utf8(&files[GLOBEX]).unwrap();
    assert_eq!(faults[0].position(text), Some((5, 13)));
    let shown = faults[0].to_string();
    assert!(
        shown.starts_with("tenants/globex.toml: \"関所\" is no CIDR block [block-invalid]; write"),
        "{shown}"
    );
}

#[test]
fn files_of_a_policy() {
    for (path, belongs) in [
        ("gateway.toml", true),
        ("policy.sekisho", true),
        ("tenants/policy.sekisho", false),
        ("tenants/acme.toml", true),
        ("keys/demo.jwks.json", true),
        ("README.md", false),
        ("acme.toml", false),
        ("tenants/acme.toml~", false),
        ("tenants/.acme.toml", false),
        ("tenants/old/acme.toml", false),
        ("keys/demo.pem", false),
        ("keys/.hidden.json", false),
        ("other/gateway.toml", false),
    ] {
        assert_eq!(is_policy_file(path), belongs, "{path}");
    }
}

#[test]
fn a_host_is_matched_in_canonical_form() {
    let files = edited(ACME, "\"acme.localhost\"", "\"ACME.Localhost.\"");
    let policy = load(&files).unwrap();
    let tenant = policy.tenant_of_host("acme.localhost").unwrap();
    assert_eq!(tenant.hosts(), ["acme.example.jp", "acme.localhost"]);
    assert!(policy.tenant_of_host("ACME.Localhost.").is_none());
}
