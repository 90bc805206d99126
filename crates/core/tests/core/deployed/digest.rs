//! What the digest stands for.

use crate::support::{ACME, GATEWAY, GLOBEX, INITECH, files, shared_jwks};
use sekisho_core::policy::deployed::compile;
use sekisho_core::policy::{Files, load};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

fn digest(files: &Files) -> String {
    load(files).unwrap_or_else(|faults| panic!("{faults:?}")).digest().to_owned()
}

fn edited(file: &str, from: &str, to: &str) -> Files {
    let mut files = files();
    let text = String::from_utf8(files.remove(file).unwrap()).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    files.insert(file.into(), text.replacen(from, to, 1).into());
    files
}

/// Edits, each of which changes the verdict on some request or what a permitted one becomes.
const SHARED_KEYS: &str = "jwks_file = \"keys/shared.jwks.json\"";

const EDITS: &[(&str, &str, &str)] = &[
    ("gateway.toml", "\"10.0.0.0/8\"", "\"10.0.0.0/9\""),
    ("gateway.toml", "[\"10.0.0.0/8\", \"2001:db8:ffff::/48\"]", "\"peer\""),
    ("tenants/acme.toml", SHARED_KEYS, "discovery = true"),
    ("tenants/acme.toml", SHARED_KEYS, "jwks_url = \"https://idp.example/jwks\""),
    ("tenants/acme.toml", SHARED_KEYS, "jwks_url = \"https://idp.example/jwks2\""),
    ("tenants/acme.toml", SHARED_KEYS, "jwks_url = \"https://idp2.example/jwks\""),
    ("gateway.toml", "\"x-forwarded-for\"", "\"x-real-ip\""),
    (
        "gateway.toml",
        "client_address_header = \"x-forwarded-for\"",
        "client_address_header = \"x-forwarded-for\"\nunnamed_client = \"peer\"",
    ),
    ("gateway.toml", "head_bytes = 32768", "head_bytes = 32767"),
    ("gateway.toml", "head_fields = 100", "head_fields = 99"),
    ("gateway.toml", "body_bytes = 1000", "body_bytes = 1001"),
    ("gateway.toml", "concurrent_requests = 4", "concurrent_requests = 5"),
    ("gateway.toml", "revocation = true", "revocation = true\nrecheck_s = 9"),
    ("gateway.toml", "[state]", "[sessions]\n[state]"),
    ("tenants/globex.toml", "regions", "managed_networks = [\"business\"]\nregions"),
    ("gateway.toml", "[state]", "[sessions]\nidle_s = 900\n[state]"),
    ("gateway.toml", "[state]", "[sessions]\nabsolute_s = 9000\n[state]"),
    ("gateway.toml", "https://assistant.jp.example", "https://assistant.jp.example/v1"),
    ("gateway.toml", "tenant_echo = \"off\"", "tenant_echo = \"off\"\nweight = 2"),
    ("gateway.toml", "tenant_echo = \"off\"", "tenant_echo = \"off\"\nhost = \"client\""),
    ("gateway.toml", "tenant_echo = \"off\"", "tenant_echo = \"off\"\nhost = \"a.example\""),
    (
        "gateway.toml",
        "tenant_echo = \"off\"",
        "tenant_echo = \"off\"\nconnections = \"per-tenant\"",
    ),
    ("tenants/acme.toml", "regions = [\"jp\"]", "regions = [\"jp\"]\nlogin = \"/healthz\""),
    (
        "tenants/acme.toml",
        "\n[[issuers]]",
        "\n[cors]\norigins = [\"https://a.example\"]\n\n[[issuers]]",
    ),
    (
        "tenants/acme.toml",
        "\n[[issuers]]",
        "\n[cors]\norigins = [\"https://a.example\"]\ncredentials = true\n\n[[issuers]]",
    ),
    (
        "tenants/acme.toml",
        "\n[[issuers]]",
        "\n[cors]\norigins = [\"https://a.example\"]\nheaders = [\"x-a\"]\n\n[[issuers]]",
    ),
    (
        "tenants/acme.toml",
        "\n[[issuers]]",
        "\n[cors]\norigins = [\"https://a.example\"]\nexpose_headers = [\"x-a\"]\n\n[[issuers]]",
    ),
    (
        "tenants/acme.toml",
        "\n[[issuers]]",
        "\n[cors]\norigins = [\"https://a.example\"]\nmax_age_s = 1\n\n[[issuers]]",
    ),
    ("gateway.toml", "revocation = true", "revocation = false"),
    ("gateway.toml", "https://assistant.jp.example", "https://assistant2.jp.example"),
    ("gateway.toml", "https://assistant.eu.example:8443", "https://assistant.eu.example"),
    ("gateway.toml", "http://127.0.0.1:3480/", "https://127.0.0.1:3480/"),
    ("gateway.toml", "tenant_echo = \"off\"", "tenant_echo = \"required\""),
    (
        "gateway.toml",
        "tenant_echo = \"off\"",
        "tenant_echo = \"off\"\nredirect_hosts = [\"a.example\"]",
    ),
    ("gateway.toml", "tenant_echo = \"if-present\"", "tenant_echo = \"off\""),
    ("gateway.toml", "id = \"chat\"", "id = \"talk\""),
    ("gateway.toml", "/{assistant}/chat\"", "/{assistant}/talk\""),
    ("gateway.toml", "/{*rest}\"", "/{rest}\""),
    ("gateway.toml", "methods = [\"POST\"]", "methods = [\"POST\", \"PUT\"]"),
    (
        "gateway.toml",
        "[\"assistant-eu\", \"assistant-jp\"]",
        "[\"assistant-jp\", \"assistant-eu\"]",
    ),
    ("gateway.toml", "network = \"admin\"", "network = \"business\""),
    ("gateway.toml", "roles = [\"member\", \"admin\"]", "roles = [\"member\"]"),
    ("gateway.toml", "roles = [\"member\", \"admin\"]", ""),
    ("gateway.toml", "public = true", "public = false"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\nmax_body_bytes = 1"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\ntimeouts = { connect_ms = 1 }"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\ntimeouts = { first_byte_ms = 1 }"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\ntimeouts = { idle_ms = 1 }"),
    ("tenants/acme.toml", "\"acme.localhost\"", "\"acme2.localhost\""),
    ("tenants/acme.toml", "regions = [\"jp\"]", "regions = [\"jp\", \"eu\"]"),
    ("tenants/acme.toml", "\n[[issuers]]", "\n[networks]\nbusiness = \"any\"\n\n[[issuers]]"),
    ("tenants/acme.toml", "\n[[issuers]]", "\n[networks]\nbusiness = []\n\n[[issuers]]"),
    ("tenants/acme.toml", "\"sekisho-next\"", "\"sekisho-now\""),
    ("tenants/acme.toml", "\"ES256\", ", ""),
    ("tenants/acme.toml", "issuer = \"https://idp.example\"", "issuer = \"https://idp2.example\""),
    ("tenants/acme.toml", "keys/shared.jwks.json", "keys/initech.jwks.json"),
    (
        "tenants/acme.toml",
        "tenant_claim = \"tenant\"",
        "tenant_claim = \"tenant\"\nroles_claim = \"r\"",
    ),
    ("tenants/globex.toml", "203.0.113.0/24", "203.0.113.0/25"),
    ("tenants/globex.toml", "2001:db8:42::/48", "2001:db8:42::/47"),
    ("tenants/globex.toml", "admin = \"any\"", ""),
    ("tenants/globex.toml", "admin = \"any\"", "admin = [\"203.0.113.0/24\"]"),
    ("tenants/initech.toml", "sole_tenant = true", "tenant_claim = \"tenant\""),
    ("gateway.toml", "client_address_header = \"x-forwarded-for\"", "cdn = \"fastly\""),
    (
        "gateway.toml",
        "[limits]",
        concat!(
            "[edge.proxy_secret]\nheader = \"x-cdn\"\nsha256 = [\"",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "\"]\n\n[limits]"
        ),
    ),
    (
        "gateway.toml",
        "[limits]",
        concat!(
            "[edge.proxy_secret]\nheader = \"x-cdn\"\nsha256 = [\"",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee",
            "\"]\n\n[limits]"
        ),
    ),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\nall_roles = [\"auditor\"]"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\nassistant = \"assistant\""),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\nrewrite = { from = \"/api\", to = \"/v1\" }"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\nrewrite = { from = \"/api\", to = \"/v2\" }"),
    ("gateway.toml", "id = \"chat\"", "id = \"chat\"\nenforce = false"),
    (
        "gateway.toml",
        "[limits]",
        "[[rate_limits]]\nid = \"a\"\nper = \"subject\"\nburst = 9\nrefill_per_minute = 9\n\n[limits]",
    ),
    (
        "gateway.toml",
        "[limits]",
        "[[rate_limits]]\nid = \"a\"\nper = \"tenant\"\nburst = 9\nrefill_per_minute = 9\n\n[limits]",
    ),
    (
        "gateway.toml",
        "[limits]",
        "[[rate_limits]]\nid = \"a\"\nper = \"tenant\"\nburst = 8\nrefill_per_minute = 9\n\n[limits]",
    ),
    (
        "gateway.toml",
        "[limits]",
        "[[rate_limits]]\nid = \"a\"\nper = \"tenant\"\nburst = 9\nrefill_per_minute = 8\n\n[limits]",
    ),
    (
        "gateway.toml",
        "[limits]",
        "[[rate_limits]]\nid = \"a\"\nper = \"tenant\"\nroutes = [\"me\"]\nburst = 9\nrefill_per_minute = 9\n\n[limits]",
    ),
    ("tenants/acme.toml", "regions = [\"jp\"]", "regions = [\"jp\"]\ndirectory = \"required\""),
    ("tenants/acme.toml", "regions = [\"jp\"]", "regions = [\"jp\"]\ndirectory = \"optional\""),
    (
        "tenants/globex.toml",
        "admin = \"any\"",
        "admin = { allow = [\"203.0.113.0/24\"], deny = [\"203.0.113.7/32\"] }",
    ),
    ("tenants/initech.toml", "max_age_s = 3600", "max_age_s = 3601"),
    ("tenants/initech.toml", "max_age_s = 3600", "token_type = \"jwt\""),
    ("tenants/initech.toml", "max_age_s = 3600", "token_type = \"at+jwt\""),
    ("tenants/initech.toml", "max_age_s = 3600", "subject_claim = \"oid\""),
    ("tenants/initech.toml", "max_age_s = 3600", "subject_prefix = \"idp\""),
    ("tenants/initech.toml", "max_age_s = 3600", "groups_claim = \"teams\""),
    ("tenants/initech.toml", "max_age_s = 3600", "role_map = { staff = \"member\" }"),
    ("tenants/initech.toml", "max_age_s = 3600", "role_map = { staff = \"admin\" }"),
    ("keys/shared.jwks.json", "\"kid\":\"twin\"", "\"kid\":\"other\""),
    ("keys/initech.jwks.json", "\"kid\":\"p384\"", "\"kid\":\"p385\""),
];

#[test]
fn it_changes_with_whatever_can_change_a_verdict() {
    let mut seen = BTreeMap::from([(digest(&files()), "the sound policy".to_owned())]);
    for (file, from, to) in EDITS {
        let edit = format!("{file}: {from:?} to {to:?}");
        if let Some(other) = seen.insert(digest(&edited(file, from, to)), edit.clone()) {
            panic!("the same digest: {edit}, and {other}");
        }
    }
    let mut another = files();
    // One claim for every tenant of an issuer.
    for file in ["tenants/acme.toml", "tenants/globex.toml"] {
        let text = String::from_utf8(another.remove(file).unwrap()).unwrap();
        let text = text.replace("tenant_claim = \"tenant\"", "tenant_claim = \"org\"");
        another.insert(file.into(), text.into());
    }
    assert!(seen.insert(digest(&another), String::new()).is_none(), "a tenant's claim");
    another = files();
    another.insert(
        "tenants/hooli.toml".into(),
        ACME.replace("acme.example.jp", "hooli.example").replace("acme.l", "hooli.l").into(),
    );
    assert!(seen.insert(digest(&another), String::new()).is_none(), "a tenant more");
    another.remove("tenants/initech.toml");
    assert!(seen.insert(digest(&another), String::new()).is_none(), "a tenant less");
}

/// Each key that the sound policy sets is changed by one of the edits, or has no other sound value.
#[test]
fn no_key_is_left_out() {
    const ONE_VALUE: [&str; 2] = ["version", "region"];
    let lines = || {
        let lines = [GATEWAY, ACME, GLOBEX, INITECH].into_iter().flat_map(str::lines);
        lines.filter_map(|line| line.split_once(" = "))
    };
    for (key, _) in lines() {
        let edited = EDITS.iter().any(|(_, from, to)| {
            from.starts_with(key)
                || to.contains(&format!("{key} = "))
                || lines().any(|(other, value)| other == key && value.contains(from))
        });
        assert!(edited || ONE_VALUE.contains(&key), "no edit changes {key}");
    }
}

#[test]
fn it_does_not_change_with_a_comment_or_an_order_that_means_nothing() {
    let sound = digest(&files());
    assert!(sound.len() == 64 && sound.bytes().all(|b| b.is_ascii_hexdigit()));
    for file in ["gateway.toml", "tenants/acme.toml", "tenants/globex.toml"] {
        let mut commented = files();
        commented.get_mut(file).unwrap().extend(b"\n# reviewed by the auditor\n\n");
        assert_eq!(digest(&commented), sound, "{file}");
    }
    let mut more = files();
    more.insert("keys/unused.jwks.json".into(), shared_jwks().to_string().into());
    assert_eq!(digest(&more), sound, "a key file that no issuer names");
    for (file, from, to) in [
        (
            "gateway.toml",
            "head_bytes = 32768\nhead_fields = 100",
            "head_fields = 100\nhead_bytes = 32768",
        ),
        ("gateway.toml", "revocation = true", "revocation   =   true"),
        ("gateway.toml", "head_bytes = 32768", "head_bytes = 32_768"),
        ("tenants/acme.toml", "regions = [\"jp\"]", "regions = [\n  \"jp\",\n]"),
        ("tenants/acme.toml", "acme.localhost", "ACME.localhost."),
        ("tenants/globex.toml", "\"203.0.113.0/24\"", "\"203.0.113.0/25\", \"203.0.113.0/24\""),
        (
            "tenants/globex.toml",
            "business = [\"203.0.113.0/24\", \"2001:db8:42::/48\"]\nadmin = \"any\"",
            "admin = \"any\"\nbusiness = [\"2001:db8:42::/48\", \"203.0.113.0/24\"]",
        ),
    ] {
        assert_eq!(digest(&edited(file, from, to)), sound, "{file}: {from:?} to {to:?}");
    }
}

/// The sections do not describe themselves: where a type changes, old bytes could be read as
/// something else. This digest is of fixed texts and stands for the layout of every type.
#[test]
fn a_change_of_the_layout_has_a_number() {
    const PINNED: &str = "dda9d16c649e09df3cd50a426fba422bc2756cbfb424ef8c604442eeb1e51384";
    const GATEWAY: &str = r#"version = 1
[edge]
trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]
client_address_header = "x-client"
unnamed_client = "peer"
proxy_secret = { header = "x-cdn", sha256 = ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"] }
[limits]
head_bytes = 1001
head_fields = 101
body_bytes = 1002
concurrent_requests = 1004
[[rate_limits]]
id = "limit"
per = "subject"
routes = ["r"]
burst = 11
refill_per_minute = 12
[assertion]
issuer = "https://g.example"
lifetime_s = 17
[sessions]
idle_s = 1004
absolute_s = 1005
[origins.o]
url = "https://o.example/p"
region = "jp"
weight = 18
host = "h.example"
connections = "per-tenant"
tenant_echo = "if-present"
[[routes]]
id = "k"
path = "/k"
methods = ["GET"]
public = true
answer = "jwks"
[[routes]]
id = "r"
path = "/a/{b}/{*c}"
methods = ["GET", "PUT"]
origins = ["o"]
network = "admin"
roles = ["x"]
all_roles = ["y"]
assistant = "b"
rewrite = { from = "/a", to = "/z" }
enforce = false
max_body_bytes = 1003
timeouts = { connect_ms = 13, first_byte_ms = 14, idle_ms = 15 }
"#;
    const TENANT: &str = r#"hosts = ["t.example"]
regions = ["jp"]
directory = "required"
managed_networks = ["admin"]
login = "https://l.example/l"
[cors]
origins = ["https://c.example"]
credentials = true
headers = ["x-h"]
expose_headers = ["x-e"]
max_age_s = 19
[networks]
admin = { allow = ["192.0.2.0/24", "2001:db8::/32"], deny = ["192.0.2.1/32"] }
business = "any"
[[issuers]]
issuer = "i"
audiences = ["a"]
algorithms = ["EdDSA"]
jwks_file = "keys/k.jwks.json"
token_type = "at+jwt"
max_age_s = 16
tenant_claim = "t"
subject_claim = "s"
subject_prefix = "p"
roles_claim = ["r", "s"]
role_map = { m = "n" }
groups_claim = "g"
[[issuers]]
issuer = "https://j.example"
audiences = ["a"]
algorithms = ["ES256"]
discovery = true
sole_tenant = true
[[issuers]]
issuer = "k"
audiences = ["a"]
algorithms = ["RS256"]
jwks_url = "https://k.example/k"
sole_tenant = true
[[issuers]]
issuer = "l"
audiences = ["a"]
algorithms = ["HS256"]
own_keys = true
tenant_claim = "tenant"
"#;
    const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k",
"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let fixed = Files::from([
        ("gateway.toml".into(), GATEWAY.into()),
        ("tenants/t.toml".into(), TENANT.into()),
        ("keys/k.jwks.json".into(), KEYS.into()),
    ]);
    let policy = load(&fixed).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let bytes = compile(&policy).unwrap();
    // Without the first line, which names the release, and the root, which covers it.
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let mut digest = String::new();
    for byte in Sha256::digest(&bytes[line..bytes.len() - 32]) {
        write!(digest, "{byte:02x}").unwrap();
    }
    assert_eq!(
        digest, PINNED,
        "the stored form changed: raise the layout's number in policy/deployed/format.rs, then pin this digest"
    );
}
