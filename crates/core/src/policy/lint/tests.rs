//! Each lint: an edit of a policy without warnings that it warns of, and one that it lets be.

#![allow(clippy::too_many_lines, reason = "a table of named rows is read as one")]

use super::{LINTS, lint};
use crate::policy::deployed::{FILE, compile};
use crate::policy::{Fault, Files, load};
use std::collections::BTreeSet;
use std::path::Path;

const GATEWAY: &str = r#"version = 1

[edge]
trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]

[state]
revocation = true

[origins.assistant]
url = "https://assistant.example"
region = "jp"

[[routes]]
id = "chat"
path = "/chat/{id}"
methods = ["GET", "POST"]
origins = ["assistant"]
roles = ["member", "admin"]

[[routes]]
id = "users"
path = "/admin/users"
methods = ["GET"]
origins = ["assistant"]
network = "admin"
roles = ["admin"]

[[routes]]
id = "health"
path = "/healthz"
methods = ["GET"]
origins = ["assistant"]
public = true
"#;

const ACME: &str = r#"hosts = ["acme.example", "www.acme.example"]
regions = ["jp"]

[networks]
business = ["192.0.2.0/24", "198.51.100.0/24"]
admin = ["192.0.2.8/29"]

[[issuers]]
issuer = "https://idp.example"
audiences = ["sekisho"]
algorithms = ["EdDSA"]
jwks_file = "keys/idp.json"
tenant_claim = "tenant"
"#;

const GLOBEX: &str = r#"hosts = ["globex.example"]
regions = ["jp"]

[[issuers]]
issuer = "https://idp.example"
audiences = ["sekisho"]
algorithms = ["EdDSA"]
jwks_file = "keys/idp.json"
tenant_claim = "tenant"
"#;

/// The key of RFC 8037, appendix A.2.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "idp",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

const EDGE: &str = "gateway.toml";
const T1: &str = "tenants/acme.toml";
const T2: &str = "tenants/globex.toml";

fn files() -> Files {
    [(EDGE, GATEWAY), (T1, ACME), (T2, GLOBEX), ("keys/idp.json", KEYS)]
        .map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec()))
        .into()
}

fn edited(edits: &[(&str, &str, &str)]) -> Files {
    let mut files = files();
    for (file, from, to) in edits {
        let text = String::from_utf8(files.remove(*file).unwrap_or_default()).unwrap();
        assert!(text.contains(from), "{from:?} is not in {file}");
        files.insert((*file).into(), text.replacen(from, to, 1).into());
    }
    files
}

/// Code, file and pointed-at text of each warning.
fn told(files: &Files) -> Vec<(&'static str, String, String)> {
    let policy = load(files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let found = lint(files, &policy);
    let compiled = Files::from([(FILE.to_owned(), compile(&policy).unwrap())]);
    assert_eq!(
        words(&lint(&compiled, &load(&compiled).unwrap())),
        words(found.iter().filter(|fault| !LEFT_BEHIND.contains(&fault.code))),
        "of the compiled policy",
    );
    found.iter().map(|fault| shown(files, fault)).collect()
}

/// Lints of what compiling leaves behind.
const LEFT_BEHIND: [&str; 3] = ["key-file-unused", "network-overlap", "network-redundant"];

fn words<'f>(faults: impl IntoIterator<Item = &'f Fault>) -> BTreeSet<(&'f str, &'f str)> {
    faults.into_iter().map(|fault| (fault.code, fault.message.as_str())).collect()
}

fn shown(files: &Files, fault: &Fault) -> (&'static str, String, String) {
    let bytes = |span: std::ops::Range<usize>| {
        String::from_utf8(files[&fault.file][span].to_vec()).unwrap()
    };
    let at = fault.span.clone().map_or_else(|| "-".into(), bytes);
    assert!(!fault.help.is_empty());
    (fault.code, fault.file.clone(), at)
}

const ROUTE: &str = "\n[[routes]]\nid = \"more\"\norigins = [\"assistant\"]\n";

const ROUTE2: &str = "\n\n[[routes]]\nid = \"yet\"\norigins = [\"assistant\"]\n";

/// A route more, of these keys.
fn more(keys: &str) -> String {
    format!("{GATEWAY}{ROUTE}{keys}\n")
}

const ASSERTION: &str = "[assertion]\nissuer = \"https://g.example\"\n\n[[routes]]";

type Row<'a> = (&'a str, &'a [(&'a str, &'a str, &'a str)], &'a [(&'static str, &'a str, &'a str)]);

/// What [`lints_of_issuers_and_switches`] tests.
const OF_ISSUERS_AND_SWITCHES: [&str; 4] =
    ["hs-shared-secret", "issuers-share-subjects", "route-not-enforced", "tenant-without-issuer"];

#[test]
fn each_lint_fires_and_lets_be() {
    let rest = more("path = \"/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"member\"]");
    let strict_rest = more(
        "path = \"/admin/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"admin\"]\nnetwork = \"admin\"",
    );
    let both_rests = format!(
        "{rest}{}",
        strict_rest.strip_prefix(GATEWAY).unwrap().replace("\"more\"", "\"admin\"")
    );
    let index = more("path = \"/files/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"member\"]")
        + &ROUTE.replace("\"more\"", "\"index\"")
        + "path = \"/files\"\nmethods = [\"GET\"]\npublic = true\n";
    let root = rest.clone()
        + &ROUTE.replace("\"more\"", "\"root\"")
        + "path = \"/\"\nmethods = [\"GET\"]\npublic = true\n";
    let deeper = more("path = \"/admin/users/{id}\"\nmethods = [\"GET\"]\npublic = true");
    let sibling = more(
        "path = \"/admin/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"admin\", \"member\"]\nnetwork = \"admin\"",
    );
    let any_network = more("path = \"/admin/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"admin\"]");
    let write = more("path = \"/admin/users\"\nmethods = [\"DELETE\"]\npublic = true");
    let read = more("path = \"/chat/{id}\"\nmethods = [\"HEAD\"]\npublic = true");
    let upper = more("path = \"/Chat/{name}\"\nmethods = [\"GET\"]\nroles = [\"member\"]");
    let office = more("path = \"/o\"\nmethods = [\"GET\"]\nnetwork = \"office\"");
    let open_admin = more("path = \"/o\"\nmethods = [\"GET\"]\nroles = [\"tenant-Admin\"]");
    let all_admin = more(
        "path = \"/o\"\nmethods = [\"GET\"]\nroles = [\"member\"]\nall_roles = [\"mfa\", \"admin\"]",
    );
    let labelled =
        more("path = \"/a/{id}\"\nmethods = [\"GET\"]\nroles = [\"member\"]\nassistant = \"id\"");
    let unlabelled = format!(
        "{labelled}{}",
        ROUTE.replace("more", "rest")
            + "path = \"/a/{id}/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"member\"]\n"
    );
    let dry_rest = more(
        "path = \"/admin/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"admin\"]\nnetwork = \"admin\"\nenforce = false",
    );
    let dry_office =
        more("path = \"/o\"\nmethods = [\"GET\"]\nnetwork = \"office\"\nenforce = false");
    let behind =
        more("path = \"/internal/{*rest}\"\nmethods = [\"GET\"]\nroles = [\"member\", \"admin\"]")
            .replacen(
                "network = \"admin\"",
                "network = \"admin\"\nrewrite = { from = \"/admin\", to = \"/internal\" }",
                1,
            );
    let public = more("path = \"/o\"\nmethods = [\"GET\"]\npublic = true");
    let guarded = |rewrite: &str| {
        more(&format!(
            "path = \"/v1/{{*rest}}\"\nmethods = [\"GET\"]\nroles = [\"member\", \"owner\"]{ROUTE2}path = \"/o\"\nmethods = [\"GET\"]\nroles = [\"owner\"]\nrewrite = {{ from = \"/o\", to = \"{rewrite}\" }}"
        ))
    };
    let rewritten = |to: &str| {
        more(&format!(
            "path = \"/api/{{*rest}}\"\nmethods = [\"GET\"]\nroles = [\"member\"]\nrewrite = {{ from = \"/api\", to = \"{to}\" }}"
        ))
    };
    let published = format!(
        "[[routes]]\nid = \"keys\"\npath = \"/k\"\nmethods = [\"GET\"]\npublic = true\nanswer = \"jwks\"\n{ASSERTION}"
    );
    let rows: &[Row<'_>] = &[
        ("the policy as it is", &[], &[]),
        (
            "a proxy in half of IPv4",
            &[(EDGE, "10.0.0.0/8", "0.0.0.0/1")],
            &[("proxies-everyone", EDGE, "\"0.0.0.0/1\"")],
        ),
        (
            "a proxy anywhere",
            &[(EDGE, "2001:db8::/32", "::/0")],
            &[("proxies-everyone", EDGE, "\"::/0\"")],
        ),
        ("the widest block that is let be", &[(EDGE, "2001:db8::/32", "2001::/16")], &[]),
        (
            "whoever connects",
            &[(EDGE, "[\"10.0.0.0/8\", \"2001:db8::/32\"]", "\"peer\"")],
            &[("proxies-peer", EDGE, "\"peer\"")],
        ),
        (
            "a proxy that names nobody",
            &[(EDGE, "\"2001:db8::/32\"]", "\"2001:db8::/32\"]\nunnamed_client = \"peer\"")],
            &[("unnamed-client-peer", EDGE, "\"peer\"")],
        ),
        (
            "no revocation",
            &[(EDGE, "revocation = true", "revocation = false")],
            &[("revocation-off", EDGE, "false")],
        ),
        (
            "assertions without their keys",
            &[(EDGE, "[[routes]]", ASSERTION)],
            &[("assertion-keys-unpublished", EDGE, "\"https://g.example\"")],
        ),
        ("assertions with them", &[(EDGE, "[[routes]]", &published)], &[]),
        (
            "an origin nobody needs",
            &[(
                EDGE,
                "[[routes]]",
                "[origins.old]\nurl = \"https://old.example\"\nregion = \"jp\"\n\n[[routes]]",
            )],
            &[("origin-unused", EDGE, "[origins.old]")],
        ),
        (
            "no echo",
            &[(EDGE, "region = \"jp\"", "region = \"jp\"\ntenant_echo = \"off\"")],
            &[("tenant-echo-off", EDGE, "\"off\"")],
        ),
        (
            "an echo if present",
            &[(EDGE, "region = \"jp\"", "region = \"jp\"\ntenant_echo = \"if-present\"")],
            &[],
        ),
        (
            "no echo of a public origin",
            &[
                (EDGE, GATEWAY, &public),
                (
                    EDGE,
                    "[[routes]]\nid = \"more\"\norigins = [\"assistant\"]",
                    "[origins.status]\nurl = \"https://status.example\"\nregion = \"jp\"\ntenant_echo = \"off\"\n\n[[routes]]\nid = \"more\"\norigins = [\"status\"]",
                ),
            ],
            &[],
        ),
        (
            "administrators from anywhere",
            &[(EDGE, GATEWAY, &open_admin)],
            &[("admin-route-open", EDGE, "[\"tenant-Admin\"]")],
        ),
        (
            "administrators from anywhere, by a role that they must have",
            &[(EDGE, GATEWAY, &all_admin)],
            &[("admin-route-open", EDGE, "[\"mfa\", \"admin\"]")],
        ),
        (
            "administrators from another network that is open",
            &[
                (EDGE, "network = \"admin\"", "network = \"office\""),
                (T1, "admin =", "office ="),
                (T1, "[\"192.0.2.8/29\"]", "\"any\""),
            ],
            &[("admin-network-any", T1, "\"any\"")],
        ),
        (
            "administrators from any network, by word",
            &[(T1, "[\"192.0.2.8/29\"]", "\"any\"")],
            &[("admin-network-any", T1, "\"any\"")],
        ),
        (
            "administrators from any network, by block",
            &[(T1, "[\"192.0.2.8/29\"]", "[\"192.0.2.8/29\", \"::/0\"]")],
            &[("admin-network-any", T1, "\"::/0\"")],
        ),
        (
            "administrators from any network, by two halves",
            &[(T1, "[\"192.0.2.8/29\"]", "[\"0.0.0.0/1\", \"128.0.0.0/1\"]")],
            &[("admin-network-any", T1, "[\"0.0.0.0/1\", \"128.0.0.0/1\"]")],
        ),
        (
            "administrators from any network but one, by exception",
            &[(T1, "[\"192.0.2.8/29\"]", "{ allow = [\"0.0.0.0/0\"], deny = [\"10.0.0.0/8\"] }")],
            &[("admin-network-any", T1, "\"0.0.0.0/0\"")],
        ),
        (
            "administrators from half of a network of half",
            &[(T1, "[\"192.0.2.8/29\"]", "{ allow = [\"::/1\"], deny = [\"::/2\"] }")],
            &[],
        ),
        (
            "users from any network",
            &[(T1, "[\"192.0.2.0/24\", \"198.51.100.0/24\"]", "\"any\"")],
            &[],
        ),
        (
            "the whole site for members",
            &[(EDGE, GATEWAY, &rest)],
            &[("route-laxer", EDGE, "\"/admin/users\"")],
        ),
        (
            "the index of a strict rest for members",
            &[(EDGE, GATEWAY, &both_rests)],
            &[("route-laxer", EDGE, "\"/admin/{*rest}\"")],
        ),
        ("the index of a strict rest for everyone, as written", &[(EDGE, GATEWAY, &index)], &[]),
        (
            "the first page for everyone",
            &[(EDGE, GATEWAY, &root)],
            &[("route-laxer", EDGE, "\"/admin/users\"")],
        ),
        (
            "a deeper path for everyone",
            &[(EDGE, GATEWAY, &deeper)],
            &[("route-laxer", EDGE, "\"/admin/users\"")],
        ),
        (
            "a role more for what is missed",
            &[(EDGE, GATEWAY, &sibling)],
            &[("route-laxer", EDGE, "\"/admin/users\"")],
        ),
        (
            "no network for what is missed",
            &[(EDGE, GATEWAY, &any_network)],
            &[("route-laxer", EDGE, "\"/admin/users\""), ("admin-route-open", EDGE, "[\"admin\"]")],
        ),
        ("a label, and nothing beside it", &[(EDGE, GATEWAY, &labelled)], &[]),
        (
            "no label for what is missed",
            &[(EDGE, GATEWAY, &unlabelled)],
            &[("route-laxer", EDGE, "\"/a/{id}\"")],
        ),
        (
            "a dry run for what is missed",
            &[(EDGE, GATEWAY, &dry_rest)],
            &[("route-laxer", EDGE, "\"/admin/users\""), ("route-not-enforced", EDGE, "false")],
        ),
        (
            "the origin's paths of administrators for members",
            &[(EDGE, GATEWAY, &rewritten("/"))],
            &[("rewrite-laxer", EDGE, "\"/api/{*rest}\"")],
        ),
        (
            "administrators' paths at the origin, which members reach under that name",
            &[(EDGE, GATEWAY, &behind)],
            &[("rewrite-laxer", EDGE, "\"/internal/{*rest}\"")],
        ),
        (
            "members on paths that owners are led to",
            &[(EDGE, GATEWAY, &guarded("/v1/owner"))],
            &[("rewrite-laxer", EDGE, "\"/v1/{*rest}\"")],
        ),
        ("owners on paths of their own", &[(EDGE, GATEWAY, &guarded("/v2/owner"))], &[]),
        ("a prefix of the origin's own", &[(EDGE, GATEWAY, &rewritten("/v1"))], &[]),
        ("as strict for what is missed", &[(EDGE, GATEWAY, &strict_rest)], &[]),
        (
            "writing for everyone",
            &[(EDGE, GATEWAY, &write)],
            &[("route-laxer", EDGE, "\"/admin/users\"")],
        ),
        ("reading for everyone", &[(EDGE, GATEWAY, &read)], &[]),
        (
            "a case of its own",
            &[(EDGE, GATEWAY, &upper)],
            &[("routes-differ-in-case", EDGE, "\"/Chat/{name}\"")],
        ),
        (
            "a network that no tenant has",
            &[(EDGE, GATEWAY, &office)],
            &[("route-unreachable", EDGE, "\"/o\"")],
        ),
        (
            "a network that no tenant has, in dry run",
            &[(EDGE, GATEWAY, &dry_office)],
            &[("route-not-enforced", EDGE, "false")],
        ),
        (
            "a network that one tenant has",
            &[
                (EDGE, GATEWAY, &office),
                (
                    T2,
                    "regions = [\"jp\"]",
                    "regions = [\"jp\"]\nnetworks.office = [\"192.0.2.0/24\"]",
                ),
            ],
            &[],
        ),
        (
            "a block twice",
            &[(T1, "\"198.51.100.0/24\"", "\"192.0.2.0/24\"")],
            &[("network-redundant", T1, "\"192.0.2.0/24\"")],
        ),
        (
            "a block in a block",
            &[(T1, "\"198.51.100.0/24\"", "\"192.0.2.128/25\", \"192.0.2.0/25\"")],
            &[
                ("network-overlap", T1, "\"192.0.2.128/25\""),
                ("network-overlap", T1, "\"192.0.2.0/25\""),
            ],
        ),
        (
            "exceptions, and exceptions to them",
            &[(
                T1,
                "[\"192.0.2.0/24\", \"198.51.100.0/24\"]",
                "{ allow = [\"192.0.2.0/24\", \"192.0.2.64/26\"], deny = [\"192.0.2.0/25\"] }",
            )],
            &[],
        ),
        (
            "an exception in an exception",
            &[(
                T1,
                "[\"192.0.2.0/24\", \"198.51.100.0/24\"]",
                "{ allow = [\"192.0.2.0/24\"], deny = [\"192.0.2.0/25\", \"192.0.2.0/26\"] }",
            )],
            &[("network-overlap", T1, "\"192.0.2.0/26\"")],
        ),
        ("a block beside a block", &[(T1, "\"198.51.100.0/24\"", "\"192.0.3.0/24\"")], &[]),
        (
            "a host below another's",
            &[(T2, "\"globex.example\"", "\"a.b.www.acme.example\"")],
            &[("hosts-nested", T2, "\"a.b.www.acme.example\"")],
        ),
        ("a host with another's end", &[(T2, "\"globex.example\"", "\"notacme.example\"")], &[]),
        (
            "a key file too many",
            &[("keys/old.json", "", KEYS)],
            &[("key-file-unused", "keys/old.json", "-")],
        ),
    ];
    let mut fired = BTreeSet::new();
    for (name, edits, want) in rows {
        let want: Vec<_> = want
            .iter()
            .map(|(code, file, at)| (*code, (*file).to_owned(), (*at).to_owned()))
            .collect();
        assert_eq!(told(&edited(edits)), want, "{name}");
        fired.extend(want.into_iter().map(|(code, ..)| code));
    }
    fired.extend(OF_ISSUERS_AND_SWITCHES);
    let known: BTreeSet<&str> = LINTS.iter().map(|(code, _)| *code).collect();
    assert_eq!(known.len(), LINTS.len());
    assert_eq!(fired, known);
}

#[test]
fn lints_of_issuers_and_switches() {
    let table = ACME.split_once("[[issuers]]").unwrap().1;
    let second = |first: &str, second: &str| {
        format!("{GLOBEX}{first}\n[[issuers]]{}{second}\n", table.replace("//idp", "//idp2"))
    };
    let prefix = |prefix: &str| format!("subject_prefix = \"{prefix}\"");
    let without = GLOBEX.split_once("[[issuers]]").unwrap().0;
    let peer = format!(
        "\"peer\"\nproxy_secret = {{ header = \"x-edge\", sha256 = [\"{}\"] }}",
        "5e".repeat(32)
    );
    let secret = format!(
        "{{\"keys\": [{{\"kty\": \"oct\", \"kid\": \"idp\", \"alg\": \"HS512\", \"k\": \"{}\"}}]}}",
        "QUJD".repeat(24)
    );
    let hs = GLOBEX.replace("EdDSA", "HS512").replace("idp.json", "secret.json");
    let own = GLOBEX
        .replace("EdDSA", "HS256")
        .replace("jwks_file = \"keys/idp.json\"", "own_keys = true");
    let shared = Some(("issuers-share-subjects", "\"https://idp2.example\""));
    for (name, edit, want) in [
        (
            "a route that is not enforced",
            (EDGE, "roles = [\"admin\"]", "roles = [\"admin\"]\nenforce = false"),
            Some(("route-not-enforced", "false")),
        ),
        (
            "a route that is",
            (EDGE, "roles = [\"admin\"]", "roles = [\"admin\"]\nenforce = true"),
            None,
        ),
        (
            "whoever connects with a secret",
            (EDGE, "[\"10.0.0.0/8\", \"2001:db8::/32\"]", &peer),
            None,
        ),
        ("a shared secret", (T2, GLOBEX, &hs), Some(("hs-shared-secret", "\"HS512\""))),
        ("a secret of the gateway's own", (T2, GLOBEX, &own), None),
        ("no issuer", (T2, GLOBEX, without), Some(("tenant-without-issuer", "-"))),
        ("two issuers", (T2, GLOBEX, &second("", "")), shared),
        ("one prefix", (T2, GLOBEX, &second("", &prefix("a:"))), shared),
        ("nested prefixes", (T2, GLOBEX, &second(&prefix("a:b:"), &prefix("a:"))), shared),
        ("two prefixes", (T2, GLOBEX, &second(&prefix("b:"), &prefix("a:"))), None),
    ] {
        let mut files = edited(&[edit]);
        if edit.2 == hs {
            files.insert("keys/secret.json".into(), secret.clone().into_bytes());
        }
        let got = told(&files);
        let want = want.map(|(code, at)| (code, edit.0.to_owned(), at.to_owned()));
        assert_eq!(got, Vec::from_iter(want), "{name}");
    }
}

#[test]
fn the_table_in_the_docs_is_that_of_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lints.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), LINTS.len());
    for (row, (code, what)) in rows.iter().zip(LINTS) {
        let start = format!("| `{code}` | {what} | ");
        assert!(row.starts_with(&start) && row.len() > start.len() + 2, "{row}\n{start}");
    }
}
