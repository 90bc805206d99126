//! What a hostile client or a broken component cannot do.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::{AnyBody, call, call_text, collect, empty, get, h2, tls};
use crate::support::origin::Origin;
use crate::support::{App, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_hits_one_request() {
    let app = App::new(&[]);
    let host = app.start().await;
    for path in ["/trap", "/allocate"] {
        assert_eq!(call_text(&host, path).await.0, 500, "{path}");
        assert_eq!(call_text(&host, "/seen").await.0, 200, "after {path}");
    }
    let response = call(&host, "/trap-mid").await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err(), "a trapped body looks complete");
    assert_eq!(call_text(&host, "/seen").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spinning_component_is_stopped_and_others_run_meanwhile() {
    let mut app = App::new(&[]);
    app.config.limits.compute = Duration::from_secs(1);
    let host = app.start().await;
    let begun = Instant::now();
    // More of them than there are threads.
    let spinning = futures::future::join_all((0..8).map(|_| call_text(&host, "/spin")));
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let asked = Instant::now();
        assert_eq!(call_text(&host, "/seen").await.0, 200);
        asked.elapsed()
    };
    let (spun, waited) = futures::join!(spinning, other);
    assert!(spun.iter().all(|(status, _)| *status == 500), "{spun:?}");
    assert!(waited < Duration::from_millis(800), "{waited:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_instance_is_not_a_hanging_one() {
    let mut app = App::new(&[]);
    app.config.limits.compute = Duration::from_millis(200);
    app.config.limits.instance_requests = 4;
    let host = app.start().await;
    // Streams outlive the instance's last accepted request by far more than the compute limit.
    let streams = futures::future::join_all((0..4).map(|_| call_text(&host, "/stream/60"))).await;
    for (status, text) in streams {
        assert_eq!((status, text.lines().count()), (200, 60));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_reused_and_replaced() {
    let mut app = App::new(&[]);
    app.config.limits.instance_requests = 5;
    let host = app.start().await;
    let mut counts = Vec::new();
    for _ in 0..10 {
        counts.push(call_text(&host, "/count").await.1);
    }
    assert_eq!(counts, ["1", "2", "3", "4", "5", "1", "2", "3", "4", "5"]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(call_text(&host, "/count").await.1, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_answered_at_once() {
    let origin = Origin::start().await;
    let mut app = App::new(&["http://127.0.0.1:*"]);
    app.config.limits.requests = 2;
    let host = app.start().await;
    let path = format!("/proxy/{}", origin.url("/slow"));
    let (first, second, third) = futures::join!(call(&host, &path), call(&host, &path), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        call(&host, "/seen").await
    });
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(
        (third.status().as_u16(), &third.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    drop((first, second));
    assert_eq!(call_text(&host, "/seen").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_closed() {
    let mut app = App::new(&[]).listening();
    app.config.limits.connections = 2;
    let host = app.start().await;
    let addr = host.addrs()[1];
    let held = [TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap()];
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut third = TcpStream::connect(addr).await.unwrap();
    let mut answer = Vec::new();
    assert_eq!(third.read_to_end(&mut answer).await.unwrap_or(0), 0);
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(get(addr, "/seen").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_are_shed_and_idle_connections_are_kept() {
    let mut app = App::new(&[]).listening();
    app.config.limits.head_read = Duration::from_millis(500);
    app.config.limits.handshake = Duration::from_millis(500);
    app.config.limits.keep_alive = Duration::from_secs(4);
    let host = app.start().await;
    let [secure, plain] = host.addrs()[..] else { panic!() };
    // A head that trickles, and a handshake that never comes.
    for (addr, slow) in [(plain, true), (secure, false)] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let begun = Instant::now();
        let (mut read, mut write) = stream.split();
        let trickle = async {
            for byte in b"GET / HTTP/1.1\r\nhost: acme.localhost\r\nx: ".iter().cycle() {
                if slow && write.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let mut answer = Vec::new();
        tokio::select! {
            () = trickle => {}
            _ = read.read_to_end(&mut answer) => {}
        }
        let taken = begun.elapsed();
        assert!(taken > Duration::from_millis(400) && taken < Duration::from_secs(3), "{taken:?}");
    }
    // A connection that has waited longer than a head may take still works.
    let mut stream = TcpStream::connect(plain).await.unwrap();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        stream.write_all(b"GET /seen HTTP/1.1\r\nhost: acme.localhost\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4096];
        let size = stream.read(&mut answer).await.unwrap();
        assert!(answer[..size].starts_with(b"HTTP/1.1 200"), "{:?}", &answer[..size]);
    }
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(6), stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_not_a_slow_head() {
    let origin = Origin::start().await;
    let mut app = App::new(&["http://127.0.0.1:*"]).listening();
    app.config.limits.head_read = Duration::from_millis(300);
    let host = app.start().await;
    let mut stream = TcpStream::connect(host.addrs()[1]).await.unwrap();
    let head = format!(
        "POST /proxy/{} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n",
        origin.url("/upload")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        stream.write_all(b"x").await.unwrap();
    }
    let mut answer = vec![0; 4096];
    let size = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..size]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n3"), "{answer}");
    eventually("the origin saw one request", || origin.cancelled() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_are_cut() {
    let origin = Origin::start().await;
    let mut app = App::new(&["http://127.0.0.1:*"]).listening();
    app.config.limits.requests = 5;
    app.config.limits.write_stall = Duration::from_millis(400);
    let host = app.start().await;
    let [secure, plain] = host.addrs()[..] else { panic!() };

    // An event stream whose origin is silent is no stall, on a connection that reads.
    let mut reader = h2(tls(secure, &app.ca(), "acme.localhost", "h2").await).await;
    let path = format!("https://acme.localhost/proxy/{}", origin.url("/silent"));
    let silent = Request::get(path).body(empty()).unwrap();
    let mut silent = reader.send_request(silent).await.unwrap().into_body();
    assert!(silent.frame().await.unwrap().is_ok());

    let stream = tls(secure, &app.ca(), "acme.localhost", "h2").await;
    let (mut shut, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake::<_, AnyBody>(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut held = Vec::new();
    for _ in 0..3 {
        let request = Request::get("https://acme.localhost/seen").body(empty()).unwrap();
        held.push(shut.send_request(request).await.unwrap());
    }
    let mut deaf = TcpStream::connect(plain).await.unwrap();
    let path = origin.url("/download/268435456");
    let request = format!("GET /proxy/{path} HTTP/1.1\r\nhost: acme.localhost\r\n\r\n");
    deaf.write_all(request.as_bytes()).await.unwrap();
    eventually("its request is in progress", || origin.counts.requests.load(Ordering::SeqCst) == 2)
        .await;
    assert_eq!(call_text(&host, "/seen").await.0, 503);

    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(tokio::time::timeout(Duration::from_secs(2), connection).await.unwrap());
    let free = futures::future::join_all((0..4).map(|_| call(&host, "/seen"))).await;
    assert!(free.iter().all(|answer| answer.status() == 200), "places are still held");
    drop(free);
    let request = Request::get("https://acme.localhost/seen").body(empty()).unwrap();
    assert_eq!(collect(reader.send_request(request).await.unwrap()).await.0, 200);
    drop((silent, held, deaf));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_cannot_take_all_places() {
    let origin = Origin::start().await;
    let mut app = App::new(&["http://127.0.0.1:*"]);
    app.config.limits.requests_per_peer = 2;
    let host = app.start().await;
    let path = format!("/proxy/{}", origin.url("/silent"));
    let held = [call(&host, &path).await, call(&host, &path).await];
    let refused = call(&host, "/seen").await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let request = Request::get("/seen").header("host", "acme.localhost").body(empty()).unwrap();
    let request =
        request.map(|body| body.map_err(|_| sekisho_host::BodyError::InternalError(None)));
    let other = host.call(request, "203.0.113.10:50211".parse().unwrap(), true).await;
    assert_eq!(other.status(), 200);
    drop(held);
    assert_eq!(call_text(&host, "/seen").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_h2_connection_ends_and_a_busy_one_stays() {
    let origin = Origin::start().await;
    let mut app = App::new(&["http://127.0.0.1:*"]).listening();
    app.config.limits.keep_alive = Duration::from_millis(500);
    let host = app.start().await;
    let mut sender = h2(tls(host.addrs()[0], &app.ca(), "acme.localhost", "h2").await).await;
    let path = format!("https://acme.localhost/proxy/{}", origin.url("/silent"));
    let request = Request::get(path).body(empty()).unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(!sender.is_closed(), "a stream is open");
    drop(body);
    eventually("the idle connection is closed", || sender.is_closed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trickling_body_breaks_off() {
    let origin = Origin::start().await;
    let mut app = App::new(&["http://127.0.0.1:*"]).listening();
    app.config.limits.requests = 1;
    app.config.limits.upload_grace = Duration::from_millis(600);
    let host = app.start().await;
    let mut stream = TcpStream::connect(host.addrs()[1]).await.unwrap();
    let head = format!(
        "POST /proxy/{} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
        origin.url("/upload")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("it is in progress", || origin.counts.requests.load(Ordering::SeqCst) == 1).await;
    assert_eq!(call_text(&host, "/seen").await.0, 503);
    let begun = Instant::now();
    let (mut read, mut write) = stream.split();
    let trickle = async {
        while write.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 4096];
    let size = tokio::select! {
        () = trickle => 0,
        size = read.read(&mut answer) => size.unwrap_or(0),
    };
    let answer = String::from_utf8_lossy(&answer[..size]).into_owned();
    assert!(!answer.starts_with("HTTP/1.1 200"), "a broken body looked complete: {answer}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    drop(stream);
    for _ in 0..100 {
        if call_text(&host, "/seen").await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place is still held");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_left_in_an_h2_connection_do_not_keep_it() {
    let mut app = App::new(&[]).listening();
    app.config.limits.keep_alive = Duration::from_millis(500);
    let host = app.start().await;
    let stream = tls(host.addrs()[0], &app.ca(), "acme.localhost", "h2").await;
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        // The host may send one byte: the rest waits in the connection, with no request in progress.
        .initial_stream_window_size(1)
        .handshake::<_, AnyBody>(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("https://acme.localhost/seen").body(empty()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(tokio::time::timeout(Duration::from_secs(3), connection).await.unwrap());
    assert!(answer.into_body().collect().await.is_err(), "a cut answer looks complete");
}
