//! Pages of other sites, and browsers that have to sign in, through the compiled component.

use http::{Method, StatusCode};
use sekisho_testing::body;
use sekisho_testing::client::Protocol;

use crate::support::{Options, World, request};

const PORTAL: &str = "https://portal.example";

async fn world() -> World {
    let more = "regions = [\"jp\"]\nlogin = \"/healthz\"\n\
         [cors]\norigins = [\"https://portal.example\"]\ncredentials = true\n";
    World::with(Options {
        acme: vec![
            ("regions = [\"jp\"]\n".into(), String::new()),
            ("directory = \"off\"\n".into(), format!("directory = \"off\"\n{more}")),
        ],
        ..Options::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_asks_first_and_reads_the_answer() {
    let world = world().await;
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = world.client(protocol);
        for (site, status) in
            [(PORTAL, StatusCode::NO_CONTENT), ("https://evil.example", StatusCode::FORBIDDEN)]
        {
            let preflight = request(Method::OPTIONS, "/api/assistants/a1/chat")
                .header("origin", site)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,content-type");
            let answer = client.send(preflight.body(body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{site}");
            let allowed = answer.headers().get("access-control-allow-origin").cloned();
            assert_eq!(allowed.is_some(), site == PORTAL);
        }
        assert!(world.origin.take_requests().is_empty(), "no origin answers a preflight");

        let token = world.token("acme");
        for (authorization, status) in
            [(format!("Bearer {token}"), 200), ("Bearer a.b.c".into(), 401)]
        {
            let asked = request(Method::GET, "/api/assistants")
                .header("origin", PORTAL)
                .header("authorization", authorization);
            let answer = client.send(asked.body(body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["access-control-allow-origin"], PORTAL);
            assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
        }
        world.origin.take_requests();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_navigation_is_sent_to_sign_in_and_a_fetch_is_told() {
    let world = world().await;
    let ask = |mode: &str, destination: &str| {
        request(Method::GET, "/api/assistants?tab=1")
            .header("accept", "text/html,*/*;q=0.8")
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", destination)
            .body(body::empty())
            .unwrap()
    };
    let client = world.client(Protocol::H2);
    let answer = client.send(ask("navigate", "document")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/healthz?return_to=%2Fapi%2Fassistants%3Ftab%3D1");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let record = world.audit.of(&id).await;
    assert_eq!((&record["status"], &record["reason"]), (&303.into(), &"token-missing".into()));

    let answer = client.send(ask("cors", "empty")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().contains_key("www-authenticate"));
    assert!(!answer.headers().contains_key("location"));
}
