use super::*;

const GATEWAY: &str = r#"version = 1
[edge]
trusted_proxies = ["198.51.100.0/24"]
[origins.a]
url = "https://a.example"
region = "jp"
[[routes]]
id = "chat"
path = "/chat"
methods = ["POST"]
origins = ["a"]
roles = ["member"]
"#;
const TENANT: &str = r#"hosts = ["acme.example.jp"]
regions = ["jp"]
[networks]
business = ["203.0.113.0/24"]
[[issuers]]
issuer = "https://idp.example"
audiences = ["sekisho"]
algorithms = ["EdDSA"]
jwks_file = "keys/idp.json"
tenant_claim = "tenant"
"#;
const KEYS: &str = r#"{"keys":[{"kid":"k1","x":"AA"}]}"#;

fn files(gateway: &str, tenant: &str, keys: &str) -> Files {
    [("gateway.toml", gateway), ("tenants/acme.toml", tenant), ("keys/idp.json", keys)]
        .map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec()))
        .into()
}

fn changes(gateway: &str, tenant: &str, keys: &str) -> Vec<String> {
    let found = diff(&files(GATEWAY, TENANT, KEYS), &files(gateway, tenant, keys)).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_gateways_part() {
    for (from, to, want) in [
        ("", "", &[][..]),
        ("version = 1", "# a comment\nversion = 1", &[]),
        ("[\"member\"]", "[\"member\"]\nenforce = true", &[]),
        ("[\"POST\"]", "[\"POST\", \"PUT\"]", &["opens route chat: methods: added PUT"]),
        (
            "[\"member\"]",
            "[\"admin\"]",
            &["opens route chat: roles: added admin", "closes route chat: roles: removed member"],
        ),
        ("roles = [\"member\"]", "", &["opens route chat: roles: member → everyone"]),
        (
            "[\"member\"]",
            "[\"member\"]\nenforce = false",
            &["opens route chat: enforce: true → false"],
        ),
        (
            "roles = [\"member\"]",
            "public = true",
            &[
                "opens route chat: public: false → true",
                "opens route chat: roles: member → everyone",
            ],
        ),
        (
            "[\"member\"]",
            "[\"member\"]\nall_roles = [\"x\"]",
            &["closes route chat: all_roles: added x"],
        ),
        (
            "[\"member\"]",
            "[\"member\"]\nnetwork = \"admin\"",
            &["changes route chat: network: business → admin"],
        ),
        (
            "[\"198.51.100.0/24\"]",
            "\"peer\"",
            &["opens edge: trusted_proxies: 198.51.100.0/24 → peer"],
        ),
        (
            "[\"198.51.100.0/24\"]",
            "[]",
            &["changes edge: trusted_proxies: removed 198.51.100.0/24"],
        ),
        (
            "[edge]",
            "[state]\nrevocation = false\n[edge]",
            &["opens state: revocation: true → false"],
        ),
        (
            "region = \"jp\"",
            "region = \"jp\"\ntenant_echo = \"off\"",
            &["opens origin a: tenant_echo: required → off"],
        ),
        (
            "a.example",
            "b.example",
            &["changes origin a: url: https://a.example → https://b.example"],
        ),
        (
            "id = \"chat\"",
            "id = \"talk\"",
            &["opens route talk: added", "closes route chat: removed"],
        ),
        (
            "[edge]",
            "[limits]\nbody_bytes = 1\n[edge]",
            &["closes limits: body_bytes: 10485760 → 1"],
        ),
        ("[edge]", "[some]\nnew_key = 1\n[edge]", &["changes some: new_key: not set → 1"]),
    ] {
        assert_eq!(changes(&GATEWAY.replacen(from, to, 1), TENANT, KEYS), want, "{from} → {to}");
    }
}

#[test]
fn a_tenants_part() {
    for (from, to, want) in [
        (
            "203.0.113.0/24\"]",
            "203.0.113.0/24\", \"192.0.2.0/25\"]",
            &["opens tenant acme: network business: added 192.0.2.0/25"][..],
        ),
        (
            "203.0.113.0/24",
            "203.0.113.0/25",
            &[
                "changes tenant acme: network business: added 203.0.113.0/25, which a wider block holds",
                "closes tenant acme: network business: removed 203.0.113.0/24",
            ],
        ),
        (
            "[\"203.0.113.0/24\"]",
            "\"any\"",
            &["opens tenant acme: network business: 203.0.113.0/24 → any address"],
        ),
        (
            "business = [\"203.0.113.0/24\"]",
            "",
            &["opens tenant acme: network business: 203.0.113.0/24 → not set"],
        ),
        (
            "[\"203.0.113.0/24\"]",
            "{ allow = [\"203.0.113.0/24\"], deny = [\"203.0.113.9/32\"] }",
            &["closes tenant acme: network business, deny: added 203.0.113.9/32"],
        ),
        (
            "[networks]",
            "[networks]\nadmin = [\"192.0.2.7/32\"]",
            &["opens tenant acme: network admin: not set → 192.0.2.7/32"],
        ),
        ("[\"jp\"]", "[\"jp\", \"eu\"]", &["opens tenant acme: regions: added eu"]),
        (
            "[\"acme.example.jp\"]",
            "[\"a.example.jp\"]",
            &[
                "opens tenant acme: hosts: added a.example.jp",
                "closes tenant acme: hosts: removed acme.example.jp",
            ],
        ),
        (
            "[\"jp\"]",
            "[\"eu\", \"jp\"]",
            &[
                "opens tenant acme: regions: added eu",
                "changes tenant acme: regions: order jp → eu, jp",
            ],
        ),
        (
            "[\"jp\"]",
            "[\"jp\"]\ndirectory = \"required\"",
            &["changes tenant acme: directory: off → required"],
        ),
        (
            "tenant_claim = \"tenant\"",
            "sole_tenant = true",
            &[
                "opens tenant acme, issuer https://idp.example: sole_tenant: false → true",
                "changes tenant acme, issuer https://idp.example: tenant_claim: tenant → not set",
            ],
        ),
        (
            "https://idp.example",
            "https://other.example",
            &[
                "opens tenant acme, issuer https://other.example: added",
                "closes tenant acme, issuer https://idp.example: removed",
            ],
        ),
    ] {
        assert_eq!(changes(GATEWAY, &TENANT.replacen(from, to, 1), KEYS), want, "{from} → {to}");
    }
}

#[test]
fn the_gateways_own_keys() {
    let answer = GATEWAY.replace("origins = [\"a\"]", "answer = \"jwks\"");
    assert_eq!(
        changes(&answer, TENANT, KEYS),
        ["changes route chat: origins: a → not set", "closes route chat: answer: not set → jwks"]
    );
    let back = diff(&files(&answer, TENANT, KEYS), &files(GATEWAY, TENANT, KEYS)).unwrap();
    assert_eq!(back[0].to_string(), "opens route chat: answer: jwks → not set");
    let assertion = GATEWAY.replace("[edge]", "[assertion]\nissuer = \"g\"\n[edge]");
    assert_eq!(changes(&assertion, TENANT, KEYS), ["changes assertion: issuer: not set → g"]);
    let own = TENANT.replace("jwks_file = \"keys/idp.json\"", "own_keys = true");
    assert_eq!(
        changes(GATEWAY, &own, KEYS),
        [
            "opens tenant acme, issuer https://idp.example: own_keys: false → true",
            "closes tenant acme, issuer https://idp.example: key k1: removed",
        ]
    );
}

#[test]
fn many_blocks_are_counted() {
    let blocks: Vec<String> = (0..9).map(|n| format!("\"10.0.{n}.0/24\"")).collect();
    let tenant = TENANT.replace("\"203.0.113.0/24\"", &blocks.join(", "));
    let found = changes(GATEWAY, &tenant, KEYS);
    assert!(found[0].contains("added 9 blocks (10.0.0.0/24, "), "{found:?}");
}

#[test]
fn keys_by_name_and_never_their_value() {
    for (keys, want) in [
        (r#"{"keys":[{"kid":"k2","x":"AA"}]}"#, &["key k2: added", "key k1: removed"][..]),
        (r#"{"keys":[{"kid":"k1","x":"BB"}]}"#, &["key k1: is another key now"]),
        (r#"{"keys":[{"x":"AA","kid":"k1"}]}"#, &[]),
    ] {
        let found = changes(GATEWAY, TENANT, keys);
        assert_eq!(found.len(), want.len(), "{found:?}");
        for (found, want) in found.iter().zip(want) {
            assert!(found.ends_with(want) && !found.contains("AA"), "{found}");
        }
    }
}

#[test]
fn tenants_come_and_go() {
    let old = files(GATEWAY, TENANT, KEYS);
    let mut new = old.clone();
    let acme = new.remove("tenants/acme.toml").unwrap();
    new.insert("tenants/globex.toml".into(), acme);
    let found = diff(&old, &new).unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["opens tenant globex: added", "closes tenant acme: removed"]);
}

/// The wider block of the same kind has not the word on these addresses.
#[test]
fn an_exception_to_an_exception_opens_or_closes() {
    let with = |networks: &str| {
        let tenant = TENANT.replacen("[\"203.0.113.0/24\"]", networks, 1);
        files(GATEWAY, &tenant, KEYS)
    };
    let one = with("{ allow = [\"203.0.0.0/16\"], deny = [\"203.0.113.0/24\"] }");
    let two =
        with("{ allow = [\"203.0.0.0/16\", \"203.0.113.9/32\"], deny = [\"203.0.113.0/24\"] }");
    for (old, new, want) in [
        (&one, &two, "opens tenant acme: network business: added 203.0.113.9/32"),
        (&two, &one, "closes tenant acme: network business: removed 203.0.113.9/32"),
    ] {
        let found = diff(old, new).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
    }
}

#[test]
fn a_label_that_is_asked_no_more_opens() {
    let labelled = GATEWAY.replace("/chat\"", "/chat/{a}\"");
    let (bare, labelled) = (labelled.clone(), labelled + "assistant = \"a\"\n");
    let (bare, labelled) = (files(&bare, TENANT, KEYS), files(&labelled, TENANT, KEYS));
    for (old, new, want) in [
        (&labelled, &bare, "opens route chat: assistant: a → not set"),
        (&bare, &labelled, "closes route chat: assistant: not set → a"),
    ] {
        let found = diff(old, new).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
    }
}

/// A claim's path is a list whose order means something, and a role map's names are nobody's keys.
#[test]
fn how_claims_are_read() {
    let with = |keys: &str| files(GATEWAY, &format!("{TENANT}{keys}\n"), KEYS);
    for (old, new, want) in [
        (
            "roles_claim = [\"realm\", \"roles\"]",
            "roles_claim = [\"roles\", \"realm\"]",
            "roles_claim: order realm, roles → roles, realm",
        ),
        ("groups_claim = [\"a\", \"a\"]", "groups_claim = [\"a\"]", "groups_claim: order a, a → a"),
        (
            "role_map = { staff = \"member\" }",
            "role_map = { staff = \"member\", network = \"business\" }",
            "role_map: network: not set → business",
        ),
        (
            "role_map = { assistant = \"admin\", staff = \"member\" }",
            "role_map = { staff = \"member\" }",
            "role_map: assistant: admin → not set",
        ),
    ] {
        let found = diff(&with(old), &with(new)).unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("changes ") && found[0].ends_with(want), "{found:?}");
    }
}

#[test]
fn what_a_removed_route_had_to_itself_falls_to_a_wider_one() {
    let route = |id: &str, path: &str, method: &str| {
        format!(
            "[[routes]]\nid = \"{id}\"\npath = \"{path}\"\nmethods = [\"{method}\"]\norigins = [\"a\"]\n"
        )
    };
    let strict = route("strict", "/admin/users", "GET");
    for (name, other, want) in [
        ("a wider one", route("wide", "/{*rest}", "GET"), Some("wide")),
        ("another method, which was not allowed", route("wide", "/{*rest}", "PUT"), Some("wide")),
        ("in part", route("wide", "/{area}/users", "GET"), Some("wide")),
        ("elsewhere", route("wide", "/files/{*rest}", "GET"), None),
        ("its own path", route("same", "/admin/users", "PUT"), None),
    ] {
        let with = |more: &str| files(&format!("{GATEWAY}{more}"), TENANT, KEYS);
        let found = diff(&with(&format!("{strict}{other}")), &with(&other)).unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let want = want.map_or("closes route strict: removed".to_owned(), |heir| {
            format!("changes route strict: removed, and its paths fall to the route {heir}")
        });
        assert_eq!(found, [want], "{name}");
    }
    // The narrower one had its paths before.
    let wide = route("wide", "/{*rest}", "GET");
    let with = |more: &str| files(&format!("{GATEWAY}{more}"), TENANT, KEYS);
    let found = diff(&with(&format!("{strict}{wide}")), &with(&strict)).unwrap();
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["closes route wide: removed"]
    );
}

#[test]
fn who_is_asked_of_the_directory() {
    let with = |word: &str| files(GATEWAY, &format!("directory = \"{word}\"\n{TENANT}"), KEYS);
    for (old, new, want) in [
        ("optional", "required", "closes tenant acme: directory: optional → required"),
        ("required", "optional", "opens tenant acme: directory: required → optional"),
        ("required", "off", "opens tenant acme: directory: required → off"),
        ("off", "optional", "changes tenant acme: directory: off → optional"),
    ] {
        let found = diff(&with(old), &with(new)).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
    }
}

const CORS: &str = "[cors]\norigins = [\"https://a.example\"]\n";

#[test]
fn which_sites_may_call() {
    let with = |cors: &str| TENANT.replace("[networks]", &format!("{cors}[networks]"));
    let compared = |old: &str, new: &str| {
        let (old, new) = (with(old), with(new));
        let found = diff(&files(GATEWAY, &old, KEYS), &files(GATEWAY, &new, KEYS)).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let more = |text: &str| format!("{CORS}{text}\n");
    for (old, new, want) in [
        (
            String::new(),
            CORS.to_owned(),
            &["opens tenant acme, cors: added, for https://a.example"][..],
        ),
        (
            String::new(),
            more("credentials = true"),
            &[
                "opens tenant acme, cors: added, for https://a.example",
                "opens tenant acme, cors: credentials: false → true",
            ],
        ),
        (CORS.into(), String::new(), &["changes tenant acme, cors: removed"]),
        (CORS.into(), more("credentials = false\nmax_age_s = 600"), &[]),
        (
            CORS.into(),
            more("credentials = true"),
            &["opens tenant acme, cors: credentials: false → true"],
        ),
        (
            more("credentials = true"),
            CORS.into(),
            &["closes tenant acme, cors: credentials: true → false"],
        ),
        (
            CORS.into(),
            more("max_age_s = 86400"),
            &["changes tenant acme, cors: max_age_s: 600 → 86400"],
        ),
        (
            CORS.into(),
            CORS.replace("\"]", "\", \"https://b.example\"]"),
            &["opens tenant acme, cors: origins: added https://b.example"],
        ),
        (
            CORS.into(),
            more("headers = [\"authorization\", \"x-a\"]"),
            &[
                "opens tenant acme, cors: headers: added x-a",
                "closes tenant acme, cors: headers: removed content-type",
            ],
        ),
        (
            CORS.into(),
            more("expose_headers = [\"x-a\"]"),
            &["opens tenant acme, cors: expose_headers: added x-a"],
        ),
    ] {
        assert_eq!(compared(&old, &new), want, "{old} to {new}");
    }
}
