//! Segments, base64url and JSON: what is a token at all.

use serde_json::json;

use super::forge::{Forge, Vector, claims, header, vector};
use super::signer::b64;

const MALFORMED: &str = "token-malformed";

pub(super) fn vectors(forge: &Forge) -> Vec<Vector> {
    [segments(forge), encodings(forge), serializations(forge), texts(forge), members(forge)]
        .into_iter()
        .flatten()
        .collect()
}

fn segments(forge: &Forge) -> Vec<Vector> {
    let good = forge.sound("ed", "EdDSA");
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = input.split_once('.').unwrap();
    [
        ("one segment", head.to_owned()),
        ("two segments", input.to_owned()),
        ("a dot alone", ".".into()),
        ("two dots", "..".into()),
        ("three dots", "...".into()),
        ("four segments", format!("{good}.{signature}")),
        ("a dot at the end", format!("{good}.")),
        ("a dot before", format!(".{good}")),
        ("no header", format!(".{body}.{signature}")),
        ("no payload", format!("{head}..{signature}")),
        ("five segments, as a JWE has (RFC 7516, section 9)", format!("{good}.AAAA.AAAA")),
        ("two tokens", format!("{good},{good}")),
        ("a token in a token", format!("{head}.{}.{signature}", b64(&good))),
        ("colons for dots", good.replace('.', ":")),
        ("quotes around it", format!("\"{good}\"")),
        ("a percent-encoded dot", good.replace('.', "%2E")),
    ]
    .map(|(name, token)| vector(name, token, MALFORMED))
    .into()
}

/// What is done to a segment.
type Change<'f> = (&'f str, &'f dyn Fn(&str) -> String);

/// The fifth character is another.
fn replaced(part: &str, by: char) -> String {
    part.chars().enumerate().map(|(place, letter)| if place == 4 { by } else { letter }).collect()
}

/// RFC 7515, section 2: base64url with all trailing `=` omitted and no line breaks, white space or other
/// characters. Each text but one would be the same token to a reader that does not mind.
fn encodings(forge: &Forge) -> Vec<Vector> {
    let good = forge.sound("ed", "EdDSA");
    let parts: Vec<&str> = good.split('.').collect();
    let with = |index: usize, change: &dyn Fn(&str) -> String| {
        let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        parts[index] = change(&parts[index]);
        parts.join(".")
    };
    let mut all = Vec::new();
    for (index, place) in ["header", "payload", "signature"].into_iter().enumerate() {
        let changes: [Change<'_>; 9] = [
            ("padding", &|part| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4))),
            ("too much padding", &|part| format!("{part}====")),
            ("a percent-encoded equals sign", &|part| format!("{part}%3D")),
            ("a tilde", &|part| format!("{part}~")),
            ("a plus sign within", &|part| replaced(part, '+')),
            ("a slash within", &|part| replaced(part, '/')),
            ("a character more", &|part| format!("{part}A")),
            ("a NUL written out", &|part| format!("{part}\\0")),
            ("a character outside", &|part| replaced(part, '*')),
        ];
        for (name, change) in changes {
            let token = with(index, change);
            // Some lengths need no padding; a letter more may be a sound length of another text.
            if token == good || name == "a character more" && !parts[index].len().is_multiple_of(4)
            {
                continue;
            }
            all.push(vector(format!("{place}: {name}"), token, MALFORMED));
        }
        if let Some(twin) = with_stray_bits(parts[index]) {
            let token = with(index, &|_| twin.clone());
            all.push(vector(
                format!("{place}: stray bits in the last character"),
                token,
                MALFORMED,
            ));
        }
    }
    // The same, but signed as it stands.
    let (head, body) = (parts[0], parts[1]);
    for (name, input) in [
        ("padding in the payload", format!("{head}.{}", padded(&claims().to_string()))),
        (
            "padding in the header",
            format!("{}.{body}", padded(&format!("{} ", header("EdDSA", "ed")))),
        ),
        ("the standard alphabet", format!("{head}.{}", standard(r#"{"a":"???>>>"}"#))),
    ] {
        all.push(vector(format!("signed: {name}"), forge.closed("ed", "EdDSA", input), MALFORMED));
    }
    all
}

/// The same bytes for a reader that drops the bits behind the last byte.
fn with_stray_bits(part: &str) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if part.len().is_multiple_of(4) {
        return None;
    }
    let last = *part.as_bytes().last().unwrap();
    let value = ALPHABET.iter().position(|letter| *letter == last).unwrap();
    let mut twin = part.to_owned();
    twin.pop();
    twin.push(char::from(ALPHABET[value | 1]));
    assert_ne!(twin, part);
    Some(twin)
}

fn standard(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn padded(text: &str) -> String {
    use base64::Engine as _;
    let mut text = text.to_owned();
    while text.len().is_multiple_of(3) {
        text.push(' ');
    }
    base64::engine::general_purpose::URL_SAFE.encode(text)
}

/// RFC 7515, sections 7.2.1 and 7.2.2: a JWT is compact (RFC 7519, section 3).
fn serializations(forge: &Forge) -> Vec<Vector> {
    let good = forge.sound("ed", "EdDSA");
    let parts: Vec<&str> = good.split('.').collect();
    let flattened = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    let general = json!({"payload": parts[1],
        "signatures": [{"protected": parts[0], "signature": parts[2]}]});
    vec![
        vector("flattened JSON", flattened.to_string(), MALFORMED),
        vector("general JSON", general.to_string(), MALFORMED),
        vector("flattened JSON in base64url", b64(flattened.to_string()), MALFORMED),
        vector("detached payload (RFC 7515, F)", format!("{}..{}", parts[0], parts[2]), MALFORMED),
    ]
}

/// What is done to a JSON text.
type Rewriting = (&'static str, fn(&str) -> Vec<u8>);

/// Header and payload are JSON texts (RFC 8259), and of an object; each is signed as it stands.
fn texts(forge: &Forge) -> Vec<Vector> {
    let (head, body) = (header("EdDSA", "ed"), claims().to_string());
    let mut all = Vec::new();
    let changes: [Rewriting; 21] = [
        ("nothing", |_| Vec::new()),
        ("null", |_| b"null".to_vec()),
        ("a list", |text| format!("[{text}]").into()),
        ("a text", |text| json!(text).to_string().into()),
        ("a byte order mark", |text| [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a NUL behind", |text| format!("{text}\0").into()),
        ("a NUL before", |text| format!("\0{text}").into()),
        ("an object behind", |text| format!("{text}{text}").into()),
        ("a letter behind", |text| format!("{text}x").into()),
        ("cut off", |text| text.trim_end_matches('}').into()),
        ("a comma behind the last member", |text| text.replace('}', ",}").into()),
        ("a comma before the first", |text| text.replacen('{', "{,", 1).into()),
        ("a comment", |text| format!("/**/{text}").into()),
        ("a comment behind", |text| format!("{text}//").into()),
        ("single quotes", |text| text.replace('"', "'").into()),
        ("names without quotes", |text| {
            text.replace("\"iss\"", "iss").replace("\"alg\"", "alg").into()
        }),
        ("bytes that are no UTF-8", |text| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.splice(bytes.len() - 1.., b",\"x\":\"\xff\"}".iter().copied());
            bytes
        }),
        ("an overlong encoding", |text| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.splice(bytes.len() - 1.., b",\"x\":\"\xc0\xaf\"}".iter().copied());
            bytes
        }),
        ("half a surrogate", |text| text.replacen('{', "{\"x\":\"\\ud800\",", 1).into()),
        ("a control character in a text", |text| text.replacen('{', "{\"x\":\"a\tb\",", 1).into()),
    ];
    for (name, change) in changes {
        let token = forge.bytes("ed", "EdDSA", &change(&head), body.as_bytes());
        all.push(vector(format!("header: {name}"), token, MALFORMED));
        let token = forge.bytes("ed", "EdDSA", head.as_bytes(), &change(&body));
        all.push(vector(format!("payload: {name}"), token, MALFORMED));
    }
    for (name, number) in [
        ("a number with a leading zero", "01"),
        ("a number with a plus sign", "+1"),
        ("a number that ends with a point", "1."),
        ("a number that begins with one", ".1"),
        ("a hexadecimal number", "0x1"),
        ("no number", "NaN"),
        ("an endless number", "Infinity"),
        ("a number that no double holds", "1e400"),
        ("a number with a letter", "1d"),
        ("a number in words", "one"),
        ("a minus sign alone", "-"),
    ] {
        let text = format!("{{\"x\":{number},");
        let token = forge.with_payload(&body.replacen('{', &text, 1));
        all.push(vector(format!("payload: {name}"), token, MALFORMED));
    }
    let spaced = format!(" \t\r\n{body}\r\n ");
    all.push(vector("payload: white space around", forge.with_payload(&spaced), "permit"));
    let spaced = " {\r\n \"alg\" : \"EdDSA\" ,\r\n\t\"kid\" : \"ed\" } ";
    all.push(vector("header: white space", forge.with_header(spaced), "permit"));
    all
}

/// RFC 7519, section 4, and RFC 7515, section 4: names are unique, however they are written.
fn members(forge: &Forge) -> Vec<Vector> {
    let head = header("EdDSA", "ed");
    let body = claims().to_string();
    let in_header =
        |member: &str| forge.with_header(&head.replacen('{', &format!("{{{member},"), 1));
    let in_payload =
        |member: &str| forge.with_payload(&body.replacen('{', &format!("{{{member},"), 1));
    let behind = |member: &str| forge.with_payload(&body.replace('}', &format!(",{member}}}")));
    let deep = |depth: usize| format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
    let mut all: Vec<Vector> = [
        ("alg twice", in_header(r#""alg":"none""#)),
        ("alg twice and the same", in_header(r#""alg":"EdDSA""#)),
        ("alg twice, once with an escape", in_header(r#""\u0061lg":"none""#)),
        ("kid twice", in_header(r#""kid":"es""#)),
        ("an unknown member twice", in_header(r#""x":1,"x":1"#)),
        ("iss twice", in_payload(r#""iss":"https://public.example""#)),
        ("sub twice", in_payload(r#""sub":"u-1""#)),
        ("sub twice, the other first", behind(r#""sub":"u-1""#)),
        ("sub twice, once with an escape", in_payload(r#""s\u0075b":"u-1""#)),
        ("tenant twice", in_payload(r#""tenant":"globex""#)),
        ("exp twice", behind(r#""exp":9999999999"#)),
        ("a member twice, deep within", in_payload(r#""x":{"y":[{"z":1,"z":1}]}"#)),
        ("deep lists", in_payload(&deep(2000))),
        ("deep lists in the header", in_header(&deep(500))),
    ]
    .map(|(name, token)| vector(name, token, MALFORMED))
    .into();
    all.push(vector(
        "names with escapes",
        forge.with_header(r#"{"\u0061lg":"Ed\u0044SA","\u006bid":"e\u0064"}"#),
        "permit",
    ));
    all.push(vector(
        "names of another case beside",
        in_payload(r#""SUB":"u-1","Exp":0"#),
        "permit",
    ));
    all.push(vector("an empty name", in_payload(r#""":1"#), "permit"));
    all
}
