//! The header: it chooses neither algorithm nor key, and what must be understood is not.

use serde_json::{Value, json};

use super::forge::{Forge, Vector, claims, claims_of, header, published, spellings, vector};
use super::signer::{b64, mac};

const ALGORITHM: &str = "token-algorithm-not-allowed";
const FORBIDDEN: &str = "token-header-forbidden";
const KEY: &str = "token-key-unknown";
const MALFORMED: &str = "token-malformed";
const SIGNATURE: &str = "token-signature-invalid";
const TYPE: &str = "token-type-not-allowed";

pub(super) fn vectors(forge: &Forge) -> Vec<Vector> {
    [
        sound(forge),
        none(forge),
        confused(forge),
        public_keys_as_secrets(forge),
        embedded(forge),
        extensions(forge),
        kinds(forge),
        names_of_keys(forge),
        names_of_members(forge),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Each algorithm that the policy takes.
fn sound(forge: &Forge) -> Vec<Vector> {
    [
        ("ed", "EdDSA"),
        ("es", "ES256"),
        ("rsa", "RS256"),
        ("rsa", "RS384"),
        ("rsa", "PS256"),
        ("rsa", "PS384"),
        ("rsa", "PS512"),
        ("hs256", "HS256"),
        ("hs384", "HS384"),
        ("hs512", "HS512"),
    ]
    .map(|(kid, algorithm)| vector(algorithm, forge.sound(kid, algorithm), "permit"))
    .into()
}

/// RFC 8725, section 3.2.
fn none(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    let sound = forge.sound("ed", "EdDSA");
    let signature = sound.rsplit_once('.').unwrap().1;
    for name in ["none", "None", "NONE", "nOnE", "", " none", "none ", "null", "undefined", "\u{0}"]
    {
        for kid in ["ed", "hs256"] {
            let claims = claims_of(kid);
            let input = format!("{}.{}", b64(header(name, kid)), b64(claims.to_string()));
            all.push(vector(
                format!("{name:?} without a signature, {kid}"),
                format!("{input}."),
                ALGORITHM,
            ));
            let token = format!("{input}.{signature}");
            all.push(vector(format!("{name:?} with one, {kid}"), token, ALGORITHM));
        }
    }
    for (name, alg) in [
        ("no alg", None),
        ("alg null", Some(Value::Null)),
        ("alg false", Some(false.into())),
        ("alg a number", Some(0.into())),
        ("alg a list", Some(json!(["EdDSA"]))),
        ("alg an object", Some(json!({"EdDSA": 1}))),
    ] {
        let mut header = json!({"kid": "ed"});
        if let Some(alg) = alg {
            header["alg"] = alg;
        }
        all.push(vector(name, forge.with_header(&header.to_string()), MALFORMED));
    }
    all
}

/// A signature by one algorithm under the name of another.
fn confused(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    for (kid, signed, named, want) in [
        ("ed", "EdDSA", "ES256", ALGORITHM),
        ("ed", "EdDSA", "RS256", ALGORITHM),
        ("ed", "EdDSA", "Ed25519", ALGORITHM),
        ("ed", "EdDSA", "Ed448", ALGORITHM),
        ("ed", "EdDSA", "eddsa", ALGORITHM),
        ("ed", "EdDSA", "EdDSA ", ALGORITHM),
        ("ed", "EdDSA", "EdDSA\u{0}", ALGORITHM),
        ("ed", "EdDSA", "EDDSA", ALGORITHM),
        ("es", "ES256", "EdDSA", ALGORITHM),
        ("es", "ES256", "ES384", ALGORITHM),
        ("es", "ES256", "ES512", ALGORITHM),
        ("es", "ES256", "ES256K", ALGORITHM),
        ("es", "ES256", "es256", ALGORITHM),
        ("es", "ES256", "ESP256", ALGORITHM),
        ("rsa", "RS256", "PS256", SIGNATURE),
        ("rsa", "RS256", "RS384", SIGNATURE),
        ("rsa", "RS256", "RS512", ALGORITHM),
        ("rsa", "RS512", "RS256", SIGNATURE),
        ("rsa", "RS384", "RS256", SIGNATURE),
        ("rsa", "PS256", "RS256", SIGNATURE),
        ("rsa", "PS256", "PS384", SIGNATURE),
        ("rsa", "PS384", "PS256", SIGNATURE),
        ("rsa", "RS256", "RS1", ALGORITHM),
        ("rsa", "RS256", "RSA", ALGORITHM),
        ("rsa", "RS256", "RS256,none", ALGORITHM),
        ("rsa", "RS256", "HS256", ALGORITHM),
        ("hs256", "HS256", "HS384", ALGORITHM),
        ("hs384", "HS384", "HS256", ALGORITHM),
        ("hs512", "HS512", "HS256", ALGORITHM),
        ("hs256", "HS512", "HS256", SIGNATURE),
        ("hs256", "HS256", "RS256", ALGORITHM),
        ("hs256", "HS256", "HS1", ALGORITHM),
        ("hs256", "HS256", "dir", ALGORITHM),
        ("hs256", "HS256", "A128KW", ALGORITHM),
        ("rsa", "RS256", "RSA-OAEP", ALGORITHM),
        ("rsa", "RS256", "RSA1_5", ALGORITHM),
        ("es", "ES256", "ECDH-ES", ALGORITHM),
    ] {
        let token = forge.texts(kid, signed, &header(named, kid), &claims_of(kid).to_string());
        all.push(vector(format!("{kid}: {signed} as {named:?}"), token, want));
    }
    all
}

/// RFC 8725, section 2.1: HMAC with a public key, which everybody knows, for its secret; at the issuer of the
/// public key and at that of secrets.
fn public_keys_as_secrets(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    for kid in ["ed", "es", "rsa"] {
        for (spelling, secret) in spellings(forge.jwk(kid)) {
            for algorithm in ["HS256", "HS384", "HS512"] {
                for (at, claims, want) in
                    [("its issuer", claims(), ALGORITHM), ("the other", claims_of("hs"), KEY)]
                {
                    let input =
                        format!("{}.{}", b64(header(algorithm, kid)), b64(claims.to_string()));
                    let token =
                        format!("{input}.{}", b64(mac(algorithm, &secret, input.as_bytes())));
                    let name = format!("{algorithm} with {spelling} of {kid} at {at}");
                    all.push(vector(name, token, want));
                }
            }
        }
    }
    for (name, secret) in [
        ("nothing", &b""[..]),
        ("zeros", &[0; 32]),
        ("a word", b"secret"),
        ("its name", b"hs256"),
        ("the issuer", b"https://secret.example"),
    ] {
        let input =
            format!("{}.{}", b64(header("HS256", "hs256")), b64(claims_of("hs").to_string()));
        let token = format!("{input}.{}", b64(mac("HS256", secret, input.as_bytes())));
        all.push(vector(format!("HS256 with {name} for its secret"), token, SIGNATURE));
    }
    all
}

/// RFC 8725, section 3.10: keys that a token brings or names, of its forger's.
fn embedded(forge: &Forge) -> Vec<Vector> {
    let own = published(forge.jwk("es"));
    let mut all = Vec::new();
    for (name, member) in [
        ("jwk", json!({"jwk": own})),
        ("jwk that is null", json!({"jwk": null})),
        ("jwk that is empty", json!({"jwk": {}})),
        ("jwk with a secret", json!({"jwk": {"kty": "oct", "k": "AAAA"}})),
        ("jku", json!({"jku": "https://public.example/jwks.json"})),
        ("jku of another", json!({"jku": "https://attacker.example/jwks.json"})),
        ("jku to this machine", json!({"jku": "http://127.0.0.1:3480/"})),
        ("jku that is empty", json!({"jku": ""})),
        ("x5u", json!({"x5u": "https://attacker.example/cert.pem"})),
        ("x5c", json!({"x5c": ["MIIB"]})),
        ("x5c that is empty", json!({"x5c": []})),
    ] {
        for (kid, algorithm) in [("es", "ES256"), ("ed", "EdDSA")] {
            let mut header = json!({"alg": algorithm, "kid": kid});
            header.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
            let token = forge.texts(kid, algorithm, &header.to_string(), &claims().to_string());
            all.push(vector(format!("{name}, {algorithm}"), token, FORBIDDEN));
        }
    }
    let member = |text: &str| forge.with_member(text);
    // Names of certificates, which nobody looks up (RFC 7515, sections 4.1.7 and 4.1.8).
    all.push(vector("x5t", member(r#""x5t":"AAAA""#), "permit"));
    all.push(vector("x5t#S256", member(r#""x5t#S256":"AAAA""#), "permit"));
    all.push(vector("x5t a number", member(r#""x5t":1"#), MALFORMED));
    all
}

/// RFC 7515, section 4.1.11, and RFC 7797: what must be understood or refused.
fn extensions(forge: &Forge) -> Vec<Vector> {
    let mut all: Vec<Vector> = [
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["http://example.invalid/UNDEFINED"],"http://example.invalid/UNDEFINED":true"#,
        r#""crit":["alg"]"#,
        r#""crit":["kid","alg"]"#,
        r#""crit":[]"#,
        r#""crit":[""]"#,
        r#""crit":null"#,
        r#""crit":"exp""#,
        r#""crit":{}"#,
        r#""crit":[1]"#,
        r#""crit":["missing"]"#,
        r#""\u0063rit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""enc":"A128GCM""#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
    ]
    .into_iter()
    .map(|member| vector(format!("a header with {member}"), forge.with_member(member), FORBIDDEN))
    .collect();
    // RFC 7797, section 3: the payload as it is, which has no dot.
    let unencoded = json!({"alg": "EdDSA", "kid": "ed", "b64": false, "crit": ["b64"]}).to_string();
    let payload = claims().to_string().replace("https://public.example", "public");
    let token = forge.closed("ed", "EdDSA", format!("{}.{payload}", b64(unencoded)));
    all.push(vector("an unencoded payload", token, MALFORMED));
    // RFC 7515, section 4: unless crit says so, members that nobody knows are ignored.
    all.push(vector("an unknown member", forge.with_member(r#""x":{"crit":["b64"]}"#), "permit"));
    all.push(vector(
        "crit in the payload",
        {
            forge.with_payload(&claims().to_string().replacen(
                '{',
                r#"{"crit":["x"],"alg":"none","#,
                1,
            ))
        },
        "permit",
    ));
    all
}

/// RFC 8725, section 3.11: a token for another purpose.
fn kinds(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    for (typ, want) in [
        ("\"JWT\"", "permit"),
        ("\"jwt\"", "permit"),
        ("\"at+jwt\"", "permit"),
        ("\"application/at+jwt\"", "permit"),
        ("\"logout+jwt\"", TYPE),
        ("\"dpop+jwt\"", TYPE),
        ("\"secevent+jwt\"", TYPE),
        ("\"sd-jwt\"", TYPE),
        ("\"dc+sd-jwt\"", TYPE),
        ("\"kb+jwt\"", TYPE),
        ("\"entity-statement+jwt\"", TYPE),
        ("\"client-authentication+jwt\"", TYPE),
        ("\"oauth-authz-req+jwt\"", TYPE),
        ("\"token-introspection+jwt\"", TYPE),
        ("\"sekisho-session+jwt\"", TYPE),
        ("\"sekisho-assertion+jwt\"", TYPE),
        ("\"JOSE\"", TYPE),
        ("\"JOSE+JSON\"", TYPE),
        ("\"JWS\"", TYPE),
        ("\"\"", TYPE),
        ("\"JWT \"", TYPE),
        ("\"JWT\\u0000\"", TYPE),
        ("null", MALFORMED),
        ("1", MALFORMED),
        ("[\"JWT\"]", MALFORMED),
    ] {
        all.push(vector(format!("typ {typ}"), forge.with_member(&format!("\"typ\":{typ}")), want));
    }
    all
}

fn names_of_keys(forge: &Forge) -> Vec<Vector> {
    let mut all = Vec::new();
    for (kid, want) in [
        ("\"es\"", ALGORITHM),
        ("\"rsa\"", ALGORITHM),
        ("\"hs256\"", KEY),
        ("\"ED\"", KEY),
        ("\"ed \"", KEY),
        ("\" ed\"", KEY),
        ("\"ed\\u0000\"", KEY),
        ("\"ed\\u0000x\"", KEY),
        ("\"e\\u0501\"", KEY),
        ("\"unknown\"", KEY),
        ("\"../../../../dev/null\"", KEY),
        ("\"/dev/null\"", KEY),
        ("\"keys/public.jwks.json\"", KEY),
        ("\"x' UNION SELECT 'AAAA'--\"", KEY),
        ("\"|/usr/bin/id\"", KEY),
        ("\"https://attacker.example/key\"", KEY),
        ("\"0\"", KEY),
        ("\"\"", MALFORMED),
        ("null", MALFORMED),
        ("0", MALFORMED),
        ("[\"ed\"]", MALFORMED),
        ("{\"ed\":1}", MALFORMED),
    ] {
        let header = format!("{{\"alg\":\"EdDSA\",\"kid\":{kid}}}");
        all.push(vector(format!("kid {kid}"), forge.with_header(&header), want));
    }
    let long = format!("{{\"alg\":\"EdDSA\",\"kid\":\"{}\"}}", "k".repeat(257));
    all.push(vector("a long kid", forge.with_header(&long), MALFORMED));
    // Without kid a verifier has to guess: core's rule is stricter than RFC 7515, section 4.1.4.
    all.push(vector("no kid", forge.with_header(r#"{"alg":"EdDSA"}"#), KEY));
    all.push(vector(
        "kid in the payload",
        {
            let payload = claims().to_string().replacen('{', "{\"kid\":\"ed\",", 1);
            forge.texts("ed", "EdDSA", r#"{"alg":"EdDSA"}"#, &payload)
        },
        KEY,
    ));
    all
}

/// Names differ by every letter (RFC 7515, section 5.3).
fn names_of_members(forge: &Forge) -> Vec<Vector> {
    let large = format!("\"x\":\"{}\"", "x".repeat(1600));
    let many = format!("\"x\":[{}1]", "1,".repeat(40));
    vec![
        vector("ALG", forge.with_header(r#"{"ALG":"EdDSA","kid":"ed"}"#), MALFORMED),
        vector("Alg", forge.with_header(r#"{"Alg":"EdDSA","kid":"ed"}"#), MALFORMED),
        vector("KID", forge.with_header(r#"{"alg":"EdDSA","KID":"ed"}"#), KEY),
        vector("ALG none beside alg", forge.with_member(r#""ALG":"none""#), "permit"),
        vector("a header over 2 KiB", forge.with_member(&large), MALFORMED),
        vector("a header of many values", forge.with_member(&many), MALFORMED),
    ]
}
