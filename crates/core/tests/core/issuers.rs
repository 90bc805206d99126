//! What an issuer's table in the policy does: algorithms, kinds, ages, and where claims stand.

use super::support::{GLOBEX, KEYS, NOW, ask, b64, files, shared_jwks};
use jwt_simple::prelude::*;
use sekisho_core::policy::{Fault, Files, load};
use sekisho_core::token::claims::Principal;
use sekisho_core::token::kind::TokenType;
use sekisho_core::token::principal;
use sekisho_core::{Headers, Policy, Reason, Timestamp};
use serde_json::{Value, json};

const SOUND: &str = r#"[[issuers]]
issuer = "https://idp.example"
audiences = ["sekisho"]
algorithms = ["EdDSA"]
jwks_file = "keys/shared.jwks.json"
tenant_claim = "tenant"
"#;

const SECRET: [u8; 64] = [0xa7; 64];

/// The sound policy with these issuers at globex and this set in `keys/globex.jwks.json`.
fn files_with(issuers: &str, jwks: &Value) -> Files {
    let mut files = files();
    let head = GLOBEX.split_once("[[issuers]]").unwrap().0;
    files.insert("tenants/globex.toml".into(), format!("{head}{issuers}").into());
    files.insert("keys/globex.jwks.json".into(), jwks.to_string().into_bytes());
    files
}

fn policy_of(issuers: &str, jwks: &Value) -> Policy {
    load(&files_with(issuers, jwks)).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// The sound issuer with more lines.
fn with(more: &str) -> Policy {
    policy_of(&format!("{SOUND}{more}"), &shared_jwks())
}

fn secrets() -> Value {
    let secret =
        |alg: &str, bytes: &[u8]| json!({"kty": "oct", "kid": alg, "alg": alg, "k": b64(bytes)});
    json!({"keys": [
        secret("HS256", &SECRET[..32]),
        secret("HS384", &SECRET[..48]),
        secret("HS512", &SECRET),
    ]})
}

fn judge(policy: &Policy, token: &str) -> Result<Principal, Reason> {
    let mut headers = Headers::default();
    headers.push("authorization", format!("Bearer {token}"));
    let tenant = policy.tenant_of_host("globex.example.jp").unwrap();
    let now = Timestamp::from_second(NOW).unwrap();
    principal(&headers, tenant, None, now).map_err(|denial| denial.reason())
}

fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = ask().claims;
    change(&mut claims);
    claims
}

fn signed(typ: Option<&str>, claims: &Value) -> String {
    let mut all = JWTClaims::<Value>::new();
    all.custom = claims.clone();
    let options = HeaderOptions { signature_type: typ.map(str::to_owned), ..Default::default() };
    KEYS.eddsa.clone().with_key_id("twin").sign_with_options(all, &options).unwrap()
}

/// Signed with the algorithm's key: an RSA key for every RSA algorithm, [`SECRET`] for HMAC.
fn signed_by(alg: &str, kid: &str, secret: &[u8]) -> String {
    let mut all = JWTClaims::<Value>::new();
    all.custom = ask().claims;
    let der = KEYS.rs256.to_der().unwrap();
    match alg {
        "RS256" => RS256KeyPair::from_der(&der).unwrap().with_key_id(kid).sign(all),
        "RS384" => RS384KeyPair::from_der(&der).unwrap().with_key_id(kid).sign(all),
        "RS512" => RS512KeyPair::from_der(&der).unwrap().with_key_id(kid).sign(all),
        "PS256" => PS256KeyPair::from_der(&der).unwrap().with_key_id(kid).sign(all),
        "PS384" => PS384KeyPair::from_der(&der).unwrap().with_key_id(kid).sign(all),
        "PS512" => PS512KeyPair::from_der(&der).unwrap().with_key_id(kid).sign(all),
        "HS256" => HS256Key::from_bytes(secret).with_key_id(kid).authenticate(all),
        "HS384" => HS384Key::from_bytes(secret).with_key_id(kid).authenticate(all),
        "HS512" => HS512Key::from_bytes(secret).with_key_id(kid).authenticate(all),
        _ => panic!("{alg}"),
    }
    .unwrap()
}

#[test]
fn rsa_algorithms_share_keys_but_not_signatures() {
    let algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    for listed in algorithms {
        let issuer = SOUND.replace("EdDSA", listed);
        let policy = policy_of(&issuer, &shared_jwks());
        for alg in algorithms {
            let token = signed_by(alg, "rsa", &[]);
            let want = if alg == listed { None } else { Some(Reason::TokenAlgorithmNotAllowed) };
            assert_eq!(judge(&policy, &token).err(), want, "{alg} where {listed} is allowed");

            let header = b64(json!({"alg": listed, "kid": "rsa"}).to_string());
            let relabelled = format!("{header}.{}", token.split_once('.').unwrap().1);
            let got = judge(&policy, &relabelled).err();
            assert_eq!(got, Some(Reason::TokenSignatureInvalid), "{alg} that says {listed}");
        }
    }
}

#[test]
fn secrets_sign_where_the_policy_says_so() {
    let issuer = SOUND.replace("shared", "globex");
    let hmac = issuer.replace("\"EdDSA\"", "\"HS256\", \"HS384\", \"HS512\"");
    let policy = policy_of(&hmac, &secrets());
    let (denied, invalid) = (Reason::TokenAlgorithmNotAllowed, Reason::TokenSignatureInvalid);
    for (name, token, want) in [
        ("HS256", signed_by("HS256", "HS256", &SECRET[..32]), None),
        ("HS384", signed_by("HS384", "HS384", &SECRET[..48]), None),
        ("HS512", signed_by("HS512", "HS512", &SECRET), None),
        ("another secret", signed_by("HS256", "HS256", &[1; 32]), Some(invalid)),
        ("a longer secret", signed_by("HS256", "HS256", &SECRET), Some(invalid)),
        ("another algorithm's key", signed_by("HS256", "HS512", &SECRET), Some(denied)),
        ("a public key's token", signed_by("RS256", "HS256", &[]), Some(denied)),
    ] {
        assert_eq!(judge(&policy, &token).err(), want, "{name}");
    }
    let only_384 = policy_of(&issuer.replace("EdDSA", "HS384"), &secrets());
    assert_eq!(judge(&only_384, &signed_by("HS256", "HS256", &SECRET[..32])).err(), Some(denied));
}

/// RFC 8725, section 2.1.
#[test]
fn a_public_key_is_no_secret_in_any_writing() {
    let (rsa, ed) = (KEYS.rs256.public_key(), KEYS.eddsa.public_key());
    let es256 = KEYS.es256.public_key();
    let jwk = |value: Value| value.to_string().into_bytes();
    let all = SOUND.replace("\"EdDSA\"", "\"EdDSA\", \"ES256\", \"RS256\", \"PS256\"");
    let public = policy_of(&all, &shared_jwks());
    // At a tenant that has an HMAC issuer beside the public one, too.
    let hmac = SOUND
        .replace("https://idp", "https://hmac")
        .replace("shared", "globex")
        .replace("\"EdDSA\"", "\"HS256\", \"HS384\", \"HS512\"");
    let both = policy_of(&format!("{all}\n{hmac}"), &secrets());
    for (name, secret) in [
        ("RSA, PEM", rsa.to_pem().unwrap().into_bytes()),
        ("RSA, PEM without the last line break", rsa.to_pem().unwrap().trim().into()),
        ("RSA, DER", rsa.to_der().unwrap()),
        ("RSA, modulus", rsa.to_components().n),
        ("RSA, JWK", jwk(KEYS.rsa_jwk("rsa"))),
        ("RSA, n as text", KEYS.rsa_jwk("rsa")["n"].as_str().unwrap().into()),
        ("Ed25519, bytes", ed.to_bytes()),
        ("Ed25519, DER", ed.to_der()),
        ("Ed25519, PEM", ed.to_pem().into_bytes()),
        ("Ed25519, x as text", KEYS.eddsa_jwk("twin")["x"].as_str().unwrap().into()),
        ("P-256, DER", es256.to_der().unwrap()),
        ("P-256, PEM", es256.to_pem().unwrap().into_bytes()),
        ("the whole set", jwk(shared_jwks())),
    ] {
        for alg in ["HS256", "HS384", "HS512"] {
            for kid in ["rsa", "twin", alg] {
                let token = signed_by(alg, kid, &secret);
                for policy in [&public, &both] {
                    let got = judge(policy, &token).err();
                    assert_eq!(got, Some(Reason::TokenAlgorithmNotAllowed), "{name} for {alg}");
                }
            }
        }
    }
}

#[test]
fn kinds_of_token() {
    let (any, jwt, access) =
        (with(""), with("token_type = \"jwt\"\n"), with("token_type = \"at+jwt\"\n"));
    let complete = claims(|c| {
        c["client_id"] = "app".into();
        c["jti"] = "t-1".into();
    });
    let refused = Err(Reason::TokenTypeNotAllowed);
    for (typ, at_any, at_jwt, at_access) in [
        ("JWT", Ok(TokenType::Jwt), Ok(TokenType::Jwt), refused),
        ("at+jwt", Ok(TokenType::AccessToken), refused, Ok(TokenType::AccessToken)),
        ("application/at+jwt", Ok(TokenType::AccessToken), refused, Ok(TokenType::AccessToken)),
        ("logout+jwt", refused, refused, refused),
    ] {
        let token = signed(Some(typ), &complete);
        for (policy, want) in [(&any, at_any), (&jwt, at_jwt), (&access, at_access)] {
            assert_eq!(judge(policy, &token).map(|p| p.token_type()), want, "{typ}");
        }
    }
    for claim in ["client_id", "jti", "iat", "sub"] {
        for wrong in [None, Some(json!(1)), Some(json!(""))] {
            let token = signed(
                Some("at+jwt"),
                &claims(|c| {
                    c["client_id"] = "app".into();
                    c["jti"] = "t-1".into();
                    match &wrong {
                        None => drop(c.as_object_mut().unwrap().remove(claim)),
                        // A number is what iat is.
                        Some(wrong) if claim == "iat" => c[claim] = json!([wrong]),
                        Some(wrong) => c[claim] = wrong.clone(),
                    }
                }),
            );
            let got = judge(&access, &token).err();
            assert_eq!(got, Some(Reason::TokenClaimsInvalid), "{claim}: {wrong:?}");
        }
    }
}

#[test]
fn ages_at_their_limit() {
    let policy = with("max_age_s = 300\n");
    let issued = |iat: Value| judge(&policy, &signed(None, &claims(|c| c["iat"] = iat))).err();
    for (name, iat, want) in [
        ("now", json!(NOW), None),
        ("at the leeway's end", json!(NOW - 360), None),
        ("behind it", json!(NOW - 361), Some(Reason::TokenTooOld)),
        ("in 1970", json!(0), Some(Reason::TokenTooOld)),
        ("in the leeway's future", json!(NOW + 60), None),
        ("behind that", json!(NOW + 61), Some(Reason::TokenNotYetValid)),
    ] {
        assert_eq!(issued(iat), want, "{name}");
    }
    let undated = claims(|c| drop(c.as_object_mut().unwrap().remove("iat")));
    assert_eq!(judge(&policy, &signed(None, &undated)).err(), Some(Reason::TokenClaimsInvalid));
}

type Change = fn(&mut Value);

/// How many roles and groups the principal has.
type Counts = Result<(usize, usize), Reason>;

#[test]
fn mapped_roles_at_their_limit() {
    let map: Vec<String> = (0..65).map(|n| format!("n{n} = \"role{n}\"")).collect();
    let policy = policy_of(
        &format!(
            "[[issuers]]\nissuer = \"https://deep.example\"\naudiences = [\"sekisho\"]\n\
             algorithms = [\"EdDSA\"]\njwks_file = \"keys/shared.jwks.json\"\n\
             tenant_claim = \"tenant\"\nrole_map = {{ {} }}\n",
            map.join(", ")
        ),
        &shared_jwks(),
    );
    let roles = |many: usize| {
        let names: Vec<String> = (0..many).map(|n| format!("n{n}")).collect();
        let claims = json!({
            "iss": "https://deep.example", "aud": "sekisho", "sub": "u-7", "exp": NOW + 300,
            "tenant": "globex", "roles": names,
        });
        judge(&policy, &signed(None, &claims)).map(|principal| principal.roles().len())
    };
    assert_eq!(roles(64), Ok(64));
    assert_eq!(roles(65), Err(Reason::TokenClaimsInvalid));
}

#[test]
fn claims_stand_where_the_policy_says() {
    let policy = policy_of(
        r#"[[issuers]]
issuer = "https://deep.example"
audiences = ["sekisho"]
algorithms = ["EdDSA"]
jwks_file = "keys/shared.jwks.json"
tenant_claim = ["org", "https://example.com/tenant"]
subject_claim = ["user", "id"]
subject_prefix = "okta:"
roles_claim = ["realm_access", "roles"]
role_map = { "Sales Team / 関所" = "member", "Admins, all" = "admin", "Clerks" = "member" }
groups_claim = "https://example.com/groups"
"#,
        &shared_jwks(),
    );
    let full = |change: fn(&mut Value)| {
        let mut claims = json!({
            "iss": "https://deep.example", "aud": "sekisho", "sub": "ignored", "exp": NOW + 300,
            "iat": NOW - 7, "jti": "t-9",
            "org": {"https://example.com/tenant": "globex"},
            "user": {"id": "u-7"},
            "realm_access": {"roles": ["Clerks", "offline_access", "Sales Team / 関所", "admin"]},
            "https://example.com/groups": ["東京 支店", "b", "b"],
        });
        change(&mut claims);
        judge(&policy, &signed(None, &claims))
    };
    let principal = full(|_| {}).unwrap();
    assert_eq!(principal.subject(), "okta:u-7");
    assert_eq!(principal.issuer(), "https://deep.example");
    assert_eq!(principal.roles(), ["member"], "mapped, once, and an unmapped name is no role");
    assert_eq!(principal.groups(), ["東京 支店", "b", "b"]);
    assert_eq!(principal.session(), Some("t-9"));
    assert_eq!((principal.issued_at(), principal.expires_at()), (Some(NOW - 7), NOW + 300));

    let rows: [(&str, Change, Counts); 15] = {
        use Reason::{TokenClaimsInvalid as Invalid, TokenTenantMismatch};
        [
            ("no roles", |c| c["realm_access"] = json!({}), Ok((0, 3))),
            (
                "nothing around roles",
                |c| drop(c.as_object_mut().unwrap().remove("realm_access")),
                Ok((0, 3)),
            ),
            ("a text around roles", |c| c["realm_access"] = "roles".into(), Err(Invalid)),
            ("a list around roles", |c| c["realm_access"] = json!(["roles"]), Err(Invalid)),
            ("names by spaces", |c| c["realm_access"]["roles"] = "Clerks x  y".into(), Ok((1, 3))),
            ("256 names", |c| c["realm_access"]["roles"] = json!(vec!["x"; 256]), Ok((0, 3))),
            ("257 names", |c| c["realm_access"]["roles"] = json!(vec!["x"; 257]), Err(Invalid)),
            (
                "no groups",
                |c| drop(c.as_object_mut().unwrap().remove("https://example.com/groups")),
                Ok((1, 0)),
            ),
            (
                "257 groups",
                |c| c["https://example.com/groups"] = json!(vec!["x"; 257]),
                Err(Invalid),
            ),
            (
                "a group of 257",
                |c| c["https://example.com/groups"] = json!(["x".repeat(257)]),
                Err(Invalid),
            ),
            (
                "a group with a line break",
                |c| c["https://example.com/groups"] = json!(["a\nb"]),
                Err(Invalid),
            ),
            ("no user", |c| c["user"] = json!({}), Err(Invalid)),
            (
                "a subject too long with its prefix",
                |c| c["user"]["id"] = "x".repeat(251).into(),
                Err(Invalid),
            ),
            (
                "another tenant",
                |c| c["org"]["https://example.com/tenant"] = "acme".into(),
                Err(TokenTenantMismatch),
            ),
            (
                "the tenant one level up",
                |c| {
                    c["https://example.com/tenant"] = "globex".into();
                    c["org"] = json!({});
                },
                Err(Invalid),
            ),
        ]
    };
    for (name, change, want) in rows {
        let got = full(change).map(|p| (p.roles().len(), p.groups().len()));
        assert_eq!(got, want, "{name}");
    }
    let longest = full(|c| c["user"]["id"] = "x".repeat(250).into()).unwrap();
    assert_eq!(longest.subject().len(), 255);
}

/// Two issuers of a tenant that both know a "u-42".
#[test]
fn prefixes_keep_subjects_apart() {
    let second = SOUND.replace("https://idp", "https://other");
    let policy = policy_of(
        &format!("{SOUND}subject_prefix = \"a:\"\n\n{second}subject_prefix = \"b:\"\n"),
        &shared_jwks(),
    );
    for (issuer, want) in [("https://idp.example", "a:u-42"), ("https://other.example", "b:u-42")] {
        let principal = judge(&policy, &signed(None, &claims(|c| c["iss"] = issuer.into())));
        assert_eq!(principal.unwrap().subject(), want);
    }
}

/// What is wrong with the issuer, the lines in place of those of [`SOUND`], and the fault.
pub(crate) const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("HMAC beside EdDSA", "[\"EdDSA\"]", "[\"EdDSA\", \"HS256\"]", "algorithms-mixed"),
    ("HMAC with public keys", "EdDSA", "HS256", "jwks-invalid"),
    ("no key for it", "EdDSA", "ES384", "jwks-invalid"),
    ("no name", "https://idp.example", "", "issuer-invalid"),
    ("empty audience", "\"sekisho\"", "\"sekisho\", \"\"", "issuer-invalid"),
    ("no claim", "\"tenant\"", "[]", "claim-invalid"),
    ("a nameless claim", "\"tenant\"", "[\"org\", \"\"]", "claim-invalid"),
    (
        "a deep claim",
        "\"tenant\"",
        "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]",
        "claim-invalid",
    ),
    ("a claim that is a number", "\"tenant\"", "1", "value-invalid"),
    ("another claim than acme's", "\"tenant\"", "\"org\"", "tenant-claims-differ"),
    ("nameless roles", "tenant_claim", "roles_claim = \"\"\ntenant_claim", "claim-invalid"),
    ("nameless groups", "tenant_claim", "groups_claim = []\ntenant_claim", "claim-invalid"),
    ("nameless subject", "tenant_claim", "subject_claim = []\ntenant_claim", "claim-invalid"),
    (
        "an empty prefix",
        "tenant_claim",
        "subject_prefix = \"\"\ntenant_claim",
        "subject-prefix-invalid",
    ),
    (
        "a prefix with a space",
        "tenant_claim",
        "subject_prefix = \"a b\"\ntenant_claim",
        "subject-prefix-invalid",
    ),
    ("no age", "tenant_claim", "max_age_s = 0\ntenant_claim", "max-age-invalid"),
    (
        "an age of two years",
        "tenant_claim",
        "max_age_s = 63244800\ntenant_claim",
        "max-age-invalid",
    ),
    ("a negative age", "tenant_claim", "max_age_s = -1\ntenant_claim", "value-invalid"),
    (
        "a role of two",
        "tenant_claim",
        "role_map = { x = \"a,b\" }\ntenant_claim",
        "role-map-invalid",
    ),
    (
        "a nameless role",
        "tenant_claim",
        "role_map = { \"\" = \"a\" }\ntenant_claim",
        "role-map-invalid",
    ),
    ("an unknown kind", "tenant_claim", "token_type = \"dpop+jwt\"\ntenant_claim", "value-invalid"),
    ("no such algorithm", "\"EdDSA\"", "\"EdDSA\", \"none\"", "value-invalid"),
];

#[test]
fn faults() {
    let pointed = |name: &str, files: &Files| -> Vec<Fault> {
        load(files).err().unwrap_or_else(|| panic!("{name}: no fault"))
    };
    for (name, from, to, code) in FAULTS {
        assert!(SOUND.contains(from), "{name}");
        let found = pointed(name, &files_with(&SOUND.replacen(from, to, 1), &shared_jwks()));
        let codes: Vec<_> = found.iter().map(|fault| (fault.code, fault.file.as_str())).collect();
        // Of two tenants that differ, the later one is told.
        assert_eq!(codes, [(*code, "tenants/globex.toml")], "{name}: {found:#?}");
        assert!(found[0].span.is_some(), "{name}");
    }
    let hmac = SOUND.replace("EdDSA", "HS256").replace("shared", "globex");
    let short = json!({"keys": [{"kty": "oct", "kid": "k", "alg": "HS256", "k": b64([7; 31])}]});
    let found = pointed("a short secret", &files_with(&hmac, &short));
    assert!(found[0].message.contains("32 are the least"), "{found:#?}");
    assert!(found[0].help.contains("a JWK Set of secrets"), "{found:#?}");
    assert!(load(&files_with(&hmac, &secrets())).is_ok());
}
