use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::*;
use sekisho_testing::clock::unix_seconds;
use sekisho_testing::issuer::{Algorithm, Issuer, IssuerServer, KeyError, Mode, SigningKey};
use serde_json::json;

use super::*;

/// Verifies with another library than the one that signed, by way of the JWK alone.
fn verify(jwk: &Value, token: &str) -> Result<JWTClaims<Value>, jwt_simple::Error> {
    let bytes = |member: &str| URL_SAFE_NO_PAD.decode(jwk[member].as_str().unwrap()).unwrap();
    let point = || [vec![4], bytes("x"), bytes("y")].concat();
    match jwk["alg"].as_str().unwrap() {
        "EdDSA" => Ed25519PublicKey::from_bytes(&bytes("x"))?.verify_token(token, None),
        "ES256" => ES256PublicKey::from_bytes(&point())?.verify_token(token, None),
        "ES384" => ES384PublicKey::from_bytes(&point())?.verify_token(token, None),
        "RS256" => {
            RS256PublicKey::from_components(&bytes("n"), &bytes("e"))?.verify_token(token, None)
        }
        "HS256" => HS256Key::from_bytes(&bytes("k")).verify_token(token, None),
        other => panic!("{other}"),
    }
}

#[test]
fn every_algorithm_signs_what_another_library_verifies() {
    let now = unix_seconds();
    for algorithm in Algorithm::ALL {
        let started = std::time::Instant::now();
        let key = SigningKey::generate(algorithm, "k1").unwrap();
        println!("{algorithm:?}: generated in {:?}", started.elapsed());
        let other = SigningKey::generate(algorithm, "k1").unwrap();
        let issuer = Issuer::new("https://idp.example", vec![key.clone()]);
        let token = issuer
            .token("acme")
            .subject("u-42")
            .roles(["member"])
            .claim("k", json!({"v": 1}))
            .expires_in(600)
            .issued_at(now)
            .sign()
            .unwrap();
        let jwk = &issuer.jwks()["keys"][0];
        assert_eq!(jwk["kid"], "k1");
        let claims = verify(jwk, &token).unwrap();
        assert_eq!(claims.subject.as_deref(), Some("u-42"));
        assert_eq!(claims.issuer.as_deref(), Some("https://idp.example"));
        assert_eq!(claims.expires_at.unwrap().as_secs(), now + 600);
        assert_eq!(claims.invalid_before.unwrap().as_secs(), now);
        assert_eq!(claims.custom["tenant"], "acme");
        assert_eq!(claims.custom["roles"], json!(["member"]));
        assert_eq!(claims.custom["k"]["v"], 1);
        assert!(claims.jwt_id.is_some());
        assert!(verify(&other.public_jwk(), &token).is_err(), "{algorithm:?}: another key");
        let mut bent = token.into_bytes();
        let last = bent.len() - 10;
        bent[last] = if bent[last] == b'A' { b'B' } else { b'A' };
        assert!(verify(jwk, &String::from_utf8(bent).unwrap()).is_err(), "{algorithm:?}: bent");
    }
}

#[test]
fn a_key_survives_pem() {
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256, Algorithm::ES384, Algorithm::RS256] {
        let key = SigningKey::generate(algorithm, "k").unwrap();
        let again = SigningKey::from_pem(algorithm, "k", &key.to_pem().unwrap()).unwrap();
        assert_eq!(again.public_jwk(), key.public_jwk());
        let wrong = if algorithm == Algorithm::ES256 { Algorithm::EdDSA } else { Algorithm::ES256 };
        let error = SigningKey::from_pem(wrong, "k", &key.to_pem().unwrap()).unwrap_err();
        assert!(matches!(error, KeyError::Pem(..)), "{error}");
    }
    assert!(SigningKey::from_pem(Algorithm::ES256, "k", "nonsense").is_err());
    let secret = SigningKey::generate(Algorithm::HS256, "k").unwrap();
    assert!(matches!(secret.to_pem(), Err(KeyError::Secret)));
}

#[test]
fn another_library_reads_the_pem() {
    let pem = |algorithm| SigningKey::generate(algorithm, "k").unwrap().to_pem().unwrap();
    Ed25519KeyPair::from_pem(&pem(Algorithm::EdDSA)).unwrap();
    ES256KeyPair::from_pem(&pem(Algorithm::ES256)).unwrap();
    ES384KeyPair::from_pem(&pem(Algorithm::ES384)).unwrap();
    RS256KeyPair::from_pem(&pem(Algorithm::RS256)).unwrap();
}

#[test]
fn a_key_from_openssl_is_read() {
    // RFC 8410 section 10.3, without the public key, as `openssl genpkey` writes it.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
               -----END PRIVATE KEY-----\n";
    let key = SigningKey::from_pem(Algorithm::EdDSA, "k", pem).unwrap();
    let public = URL_SAFE_NO_PAD.decode(key.public_jwk()["x"].as_str().unwrap()).unwrap();
    assert_eq!(&public[..4], [0x19, 0xbf, 0x44, 0x09]);
}

#[test]
fn hostile_tokens_are_signed_as_they_are() {
    let key = SigningKey::generate(Algorithm::ES256, "k").unwrap();
    let part = |token: &str, n| {
        let part = token.split('.').nth(n).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let header = json!({"alg": "none", "crit": ["x"], "jku": "https://evil.example"});
    let token = key.sign(&header, &json!({"sub": 1})).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&part(&token, 0)).unwrap(), header);
    let twice = r#"{"sub":"a","sub":"b"}"#;
    assert_eq!(part(&key.sign_bytes("{", twice).unwrap(), 1), twice);

    // The public key's text as the secret: the classic confusion of RS256 with HS256.
    let confused = SigningKey::shared_secret("k", b"public key text").named("rsa-1");
    let token = confused.sign_bytes("{\"alg\":\"HS256\"}", "{}").unwrap();
    let expected = HS256Key::from_bytes(b"public key text").verify_token::<Value>(&token, None);
    assert!(expected.is_ok());

    let issuer = Issuer::new("https://i", vec![key.clone()]);
    let token = issuer.token("t").issued_at(1).without("exp").header("kid", Value::Null).sign();
    let token = token.unwrap();
    assert_eq!(part(&token, 0), r#"{"alg":"ES256","typ":"JWT"}"#);
    assert!(!part(&token, 1).contains("exp"));
}

#[test]
fn a_token_without_time_or_key_is_an_error() {
    let key = SigningKey::generate(Algorithm::EdDSA, "k1").unwrap();
    let issuer = Issuer::new("https://i", vec![key.clone(), key.named("k2")]);
    assert!(matches!(issuer.token("t").sign(), Err(KeyError::NoTime)));
    assert!(matches!(issuer.token("t").issued_at(1).key("k3").sign(), Err(KeyError::NoKey(_))));
    let header = |token: String| token.split('.').next().unwrap().to_owned();
    let first = header(issuer.token("t").issued_at(1).sign().unwrap());
    let second = header(issuer.token("t").issued_at(1).key("k2").sign().unwrap());
    assert_ne!(first, second);
}

#[tokio::test]
async fn the_server_serves_rotates_and_fails_on_demand() {
    let key = |kid| SigningKey::generate(Algorithm::EdDSA, kid).unwrap();
    let mut server = IssuerServer::start(Listen::default(), vec![key("old")]).await.unwrap();
    let client = Client::plain(server.addr());
    let jwks = format!("{}/jwks.json", server.url());
    let fetch = async |uri: &str| {
        let answer = bounded(client.send(get(uri))).await.unwrap();
        let status = answer.status().as_u16();
        (status, body::read(answer.into_body(), 1 << 20).await.unwrap())
    };
    let (status, found) =
        fetch(&format!("{}/.well-known/openid-configuration", server.url())).await;
    let found: Value = serde_json::from_slice(&found).unwrap();
    assert_eq!((status, &found["issuer"]), (200, &Value::from(server.url())));
    assert_eq!(found["jwks_uri"], jwks);

    let token = server.issuer().token("acme").issued_at(unix_seconds()).sign().unwrap();
    let (_, keys) = fetch(&jwks).await;
    let keys: Value = serde_json::from_slice(&keys).unwrap();
    assert!(verify(&keys["keys"][0], &token).is_ok());

    server.rotate(vec![key("new")]);
    let (_, keys) = fetch(&jwks).await;
    assert_eq!(serde_json::from_slice::<Value>(&keys).unwrap()["keys"][0]["kid"], "new");
    server.set_mode(Mode::Down);
    assert_eq!(fetch(&jwks).await.0, 503);
    server.set_mode(Mode::Garbage);
    let (status, garbage) = fetch(&jwks).await;
    assert_eq!(status, 200);
    assert!(serde_json::from_slice::<Value>(&garbage).is_err());
    server.set_mode(Mode::Up);
    assert_eq!(fetch(&jwks).await.0, 200);
    assert_eq!(fetch(&format!("{}/other", server.url())).await.0, 404);
    assert_eq!((server.jwks_requests(), server.discovery_requests()), (5, 1));
    server.stop().await;
    assert!(is_refused(&client.send(get(&jwks)).await.unwrap_err()));
}
