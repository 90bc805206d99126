//! Claims of tokens whose signature holds: numbers and texts in their forms.

use serde_json::{Value, json};

use super::forge::{Forge, NOW, Vector, claims, vector};

const INVALID: &str = "token-claims-invalid";
const EXPIRED: &str = "token-expired";
const EARLY: &str = "token-not-yet-valid";
const AUDIENCE: &str = "token-audience-mismatch";
const ISSUER: &str = "token-issuer-unknown";
const TENANT: &str = "token-tenant-mismatch";

pub(super) fn vectors(forge: &Forge) -> Vec<Vector> {
    [numbers(forge), values(forge), absent(forge), large(forge)].into_iter().flatten().collect()
}

/// `NumericDate` (RFC 7519, section 2) as JSON writes it.
fn numbers(forge: &Forge) -> Vec<Vector> {
    let exp = format!("\"exp\":{}", NOW + 3600);
    let with = |text: &str| forge.with_claim(&exp, &format!("\"exp\":{text}"));
    let mut all: Vec<Vector> = [
        ("1795341600.0", "permit"),
        ("1795341600.75", "permit"),
        ("1.7953416e9", "permit"),
        ("17953416E+2", "permit"),
        ("1795341600000e-3", "permit"),
        ("253402300799", "permit"),
        ("253402300800", INVALID),
        ("1e12", INVALID),
        ("1e300", INVALID),
        ("9223372036854775807", INVALID),
        ("9223372036854775808", INVALID),
        ("18446744073709551615", INVALID),
        ("18446744073709551616", INVALID),
        ("99999999999999999999999999", INVALID),
        ("-1", INVALID),
        ("-1795341600", INVALID),
        ("-0.5", INVALID),
        ("0", EXPIRED),
        ("-0", EXPIRED),
        ("-0.0", EXPIRED),
        ("1e-300", EXPIRED),
        ("1795337939", EXPIRED),
        ("true", INVALID),
        ("false", INVALID),
        ("null", INVALID),
        ("\"1795341600\"", INVALID),
        ("\"never\"", INVALID),
        ("\"2099-01-01T00:00:00Z\"", INVALID),
        ("[1795341600]", INVALID),
        ("{\"$numberLong\":\"1795341600\"}", INVALID),
    ]
    .map(|(text, want)| vector(format!("exp {text}"), with(text), want))
    .into();
    for (name, member, want) in [
        ("nbf now", json!({"nbf": NOW}), "permit"),
        ("nbf in an hour", json!({"nbf": NOW + 3600}), EARLY),
        ("nbf far away", json!({"nbf": 253_402_300_799_i64}), EARLY),
        ("nbf a text", json!({"nbf": "0"}), INVALID),
        ("nbf null", json!({"nbf": null}), INVALID),
        ("nbf negative", json!({"nbf": -1}), INVALID),
        ("iat in an hour", json!({"iat": NOW + 3600}), EARLY),
        ("iat a text", json!({"iat": "now"}), INVALID),
        ("iat null", json!({"iat": null}), INVALID),
        ("iat 1e300", json!({"iat": 1e300}), INVALID),
    ] {
        all.push(vector(name, forge.with_payload(&merged(&member)), want));
    }
    all
}

fn merged(members: &Value) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    claims.to_string()
}

fn values(forge: &Forge) -> Vec<Vector> {
    [
        ("aud a list", json!({"aud": ["sekisho"]}), "permit"),
        ("aud one of a list", json!({"aud": ["other", "sekisho"]}), "permit"),
        ("aud of another", json!({"aud": "other"}), AUDIENCE),
        ("aud a part", json!({"aud": "sekish"}), AUDIENCE),
        ("aud a word of several", json!({"aud": "other sekisho"}), AUDIENCE),
        ("aud of another case", json!({"aud": "Sekisho"}), AUDIENCE),
        ("aud empty", json!({"aud": ""}), AUDIENCE),
        ("aud an empty list", json!({"aud": []}), AUDIENCE),
        ("aud a star", json!({"aud": "*"}), AUDIENCE),
        ("aud null", json!({"aud": null}), INVALID),
        ("aud true", json!({"aud": true}), INVALID),
        ("aud an object", json!({"aud": {"sekisho": 1}}), INVALID),
        ("aud a list in a list", json!({"aud": [["sekisho"]]}), INVALID),
        ("aud with a number", json!({"aud": ["sekisho", 1]}), INVALID),
        ("iss of another case", json!({"iss": "https://PUBLIC.example"}), ISSUER),
        ("iss with a slash", json!({"iss": "https://public.example/"}), ISSUER),
        ("iss with a port", json!({"iss": "https://public.example:443"}), ISSUER),
        ("iss with a space", json!({"iss": "https://public.example "}), ISSUER),
        ("iss with a NUL", json!({"iss": "https://public.example\u{0}"}), ISSUER),
        ("iss a list", json!({"iss": ["https://public.example"]}), ISSUER),
        ("iss null", json!({"iss": null}), ISSUER),
        ("iss empty", json!({"iss": ""}), ISSUER),
        // Signed with the public key's issuer's key, which the other issuer does not have.
        (
            "iss of the issuer of secrets",
            json!({"iss": "https://secret.example"}),
            "token-algorithm-not-allowed",
        ),
        ("sub empty", json!({"sub": ""}), INVALID),
        ("sub null", json!({"sub": null}), INVALID),
        ("sub a number", json!({"sub": 42}), INVALID),
        ("sub a list", json!({"sub": ["u-42"]}), INVALID),
        ("sub with a line break", json!({"sub": "u\r\nx-user-roles: admin"}), INVALID),
        ("sub with a NUL", json!({"sub": "u\u{0}"}), INVALID),
        ("sub with a slash for a key of the store", json!({"sub": "u/../x"}), "permit"),
        ("sub outside ASCII", json!({"sub": "\u{ff55}-42"}), INVALID),
        ("sub long", json!({"sub": "u".repeat(256)}), INVALID),
        ("tenant of another", json!({"tenant": "globex"}), TENANT),
        ("tenant of another case", json!({"tenant": "ACME"}), TENANT),
        ("tenant with a space", json!({"tenant": "acme "}), TENANT),
        ("tenant a list", json!({"tenant": ["acme"]}), TENANT),
        ("tenant null", json!({"tenant": null}), TENANT),
        ("tenant an object", json!({"tenant": {"id": "acme"}}), TENANT),
        ("roles a number", json!({"roles": 1}), INVALID),
        ("roles null", json!({"roles": null}), INVALID),
        ("a role of two", json!({"roles": ["member,admin"]}), INVALID),
        ("a role with a line break", json!({"roles": ["a\r\nb"]}), INVALID),
        ("jti a number", json!({"jti": 1}), INVALID),
        ("nonce a list", json!({"nonce": []}), INVALID),
        ("sid an object", json!({"sid": {}}), INVALID),
        ("a security event token", json!({"events": {}}), INVALID),
    ]
    .map(|(name, members, want)| vector(name, forge.with_payload(&merged(&members)), want))
    .into()
}

fn absent(forge: &Forge) -> Vec<Vector> {
    [
        ("iss", ISSUER),
        ("aud", AUDIENCE),
        ("exp", INVALID),
        ("sub", INVALID),
        ("tenant", INVALID),
        ("iat", "permit"),
        ("roles", "permit"),
    ]
    .map(|(name, want)| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        vector(format!("no {name}"), forge.with_payload(&claims.to_string()), want)
    })
    .into()
}

/// At most 8 KiB: what is larger is not read.
fn large(forge: &Forge) -> Vec<Vector> {
    let of = |size: usize| {
        let room = size - forge.sound("ed", "EdDSA").len();
        let padding = json!({"x": "x".repeat(room * 3 / 4)});
        forge.with_payload(&merged(&padding))
    };
    vec![
        vector("8,000 bytes", of(8000), "permit"),
        vector("9,000 bytes", of(9000), "token-too-large"),
        vector("24,000 bytes", of(24_000), "token-too-large"),
        vector(
            "many claims",
            {
                let many: serde_json::Map<String, Value> =
                    (0..900).map(|n| (n.to_string(), n.into())).collect();
                forge.with_payload(&merged(&many.into()))
            },
            "token-too-large",
        ),
    ]
}
