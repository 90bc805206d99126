//! A component that shows what it sees and does what it is told, for the host's tests.

use std::fmt::Write;
use std::time::UNIX_EPOCH;

use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use wasip3::{wit_future, wit_stream};

wasip3::http::service::export!(Guest);

struct Guest;

impl wasip3::exports::http::handler::Guest for Guest {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let (verb, rest) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or((path.trim_start_matches('/'), ""));
        match verb.split('?').next().unwrap() {
            "seen" => Ok(text(seen(&request))),
            "proxy" => proxy(request, rest).await,
            "status" => Ok(text(match send(rest, None).await {
                Ok(response) => format!("{}", response.get_status_code()),
                Err(error) => format!("{error:?}"),
            })),
            "first-byte" => {
                let (ms, url) = rest.split_once('/').unwrap();
                let options = RequestOptions::new();
                options
                    .set_first_byte_timeout(Some(ms.parse::<u64>().unwrap() * 1_000_000))
                    .unwrap();
                Ok(text(match send(url, Some(options)).await {
                    Ok(response) => format!("{}", response.get_status_code()),
                    Err(error) => format!("{error:?}"),
                }))
            }
            "body" => Ok(text(read_all(rest).await)),
            "spin" => loop {
                std::hint::black_box(0);
            },
            "trap" => panic!("told to"),
            "trap-mid" => Ok(trap_mid()),
            "allocate" => {
                let mut all = Vec::new();
                loop {
                    all.push(vec![1_u8; 1 << 20]);
                    std::hint::black_box(&all);
                }
            }
            "file" => Ok(text(
                std::fs::read_to_string(format!("/{rest}"))
                    .unwrap_or_else(|error| format!("error: {error}")),
            )),
            "write" => Ok(text(format!(
                "{:?}",
                std::fs::write(format!("/{rest}"), "x").map_err(|e| e.kind())
            ))),
            "time" => Ok(text(format!(
                "{} {}",
                std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
                wasip3::clocks::system_clock::now().seconds,
            ))),
            "environment" => Ok(text(format!(
                "{:?} {:?} {:?}",
                std::env::vars().collect::<Vec<_>>(),
                std::env::args().collect::<Vec<_>>(),
                std::net::TcpStream::connect("127.0.0.1:80").map(|_| ()).is_err(),
            ))),
            "print" => {
                println!("out {rest}");
                eprintln!("err {rest}");
                print_p3(&format!("three {rest}\n")).await;
                Ok(text(String::new()))
            }
            "sleep" => {
                wasip3::clocks::monotonic_clock::wait_for(rest.parse::<u64>().unwrap() * 1_000_000)
                    .await;
                Ok(text(format!("{:?}", std::fs::read_to_string("/data/value.txt").ok())))
            }
            "stream" => Ok(stream(rest.parse().unwrap())),
            "trailers" => Ok(trailers()),
            "count" => Ok(text(count().to_string())),
            #[cfg(feature = "spin")]
            "kv" => Ok(text(kv(&request, rest).await)),
            #[cfg(feature = "spin")]
            "variable" => Ok(text(format!("{:?}", spin_sdk::variables::get(rest).await))),
            _ => Ok(respond(404, String::new())),
        }
    }
}

/// Requests this instance has served.
fn count() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed) + 1
}

fn seen(request: &Request) -> String {
    let mut out = String::new();
    let method = match request.get_method() {
        Method::Other(name) => name,
        method => format!("{method:?}").trim_start_matches("Method::").to_uppercase(),
    };
    writeln!(out, "method {method}").unwrap();
    writeln!(
        out,
        "scheme {}",
        match request.get_scheme() {
            Some(Scheme::Http) => "http",
            Some(Scheme::Https) => "https",
            _ => "?",
        }
    )
    .unwrap();
    writeln!(out, "authority {}", request.get_authority().unwrap_or_default()).unwrap();
    writeln!(out, "path {}", request.get_path_with_query().unwrap_or_default()).unwrap();
    for (name, value) in request.get_headers().copy_all() {
        writeln!(out, "header {name}: {}", String::from_utf8_lossy(&value)).unwrap();
    }
    out
}

fn text(body: String) -> Response {
    respond(200, body)
}

fn respond(status: u16, body: String) -> Response {
    let (mut tx, rx) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let headers =
        Fields::from_list(&[("content-length".to_owned(), body.len().to_string().into_bytes())])
            .unwrap();
    let (response, _) = Response::new(headers, Some(rx), trailers);
    response.set_status_code(status).unwrap();
    wasip3::spawn(async move {
        tx.write_all(body.into_bytes()).await;
    });
    response
}

fn trap_mid() -> Response {
    let (mut tx, rx) = wit_stream::new();
    let (trailers_tx, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(rx), trailers);
    wasip3::spawn(async move {
        tx.write_all(b"half".to_vec()).await;
        wasip3::clocks::monotonic_clock::wait_for(50_000_000).await;
        std::mem::forget(trailers_tx);
        panic!("told to, in the middle");
    });
    response
}

fn stream(chunks: u32) -> Response {
    let (mut tx, rx) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(rx), trailers);
    wasip3::spawn(async move {
        for n in 0..chunks {
            tx.write_all(format!("chunk {n}\n").into_bytes()).await;
            wasip3::clocks::monotonic_clock::wait_for(20_000_000).await;
        }
    });
    response
}

fn trailers() -> Response {
    let (mut tx, rx) = wit_stream::new();
    let (trailers_tx, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(Fields::new(), Some(rx), trailers);
    wasip3::spawn(async move {
        tx.write_all(b"body".to_vec()).await;
        drop(tx);
        let fields = [("grpc-status", "0"), ("x-checksum", "1")]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let fields = Fields::from_list(&fields).unwrap();
        trailers_tx.write(Ok(Some(fields))).await.unwrap();
    });
    response
}

/// A request to `http://host:port/path`.
fn outgoing(
    url: &str,
    headers: Fields,
    body: Option<wasip3::wit_bindgen::StreamReader<u8>>,
    options: Option<RequestOptions>,
) -> Request {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _) = Request::new(headers, body, trailers, options);
    request
        .set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http }))
        .unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some(&format!("/{path}"))).unwrap();
    request
}

async fn send(url: &str, options: Option<RequestOptions>) -> Result<Response, ErrorCode> {
    client::send(outgoing(url, Fields::new(), None, options)).await
}

/// Reads a whole response, chunk by chunk, and tells how it ended.
async fn read_all(url: &str) -> String {
    let response = match send(url, None).await {
        Ok(response) => response,
        Err(error) => return format!("{error:?}"),
    };
    let (_, done) = wit_future::new(|| Ok(()));
    let (mut body, trailers) = Response::consume_body(response, done);
    let mut size = 0;
    while body.next().await.is_some() {
        size += 1;
    }
    format!("{size} {:?}", trailers.await.map(|trailers| trailers.is_some()))
}

/// Forwards a request and its answer without touching their bodies.
async fn proxy(request: Request, url: &str) -> Result<Response, ErrorCode> {
    let headers = request.get_headers().clone();
    let method = request.get_method();
    let (_, done) = wit_future::new(|| Ok(()));
    let (body, _) = Request::consume_body(request, done);
    let outgoing = outgoing(url, headers, Some(body), None);
    outgoing.set_method(&method).unwrap();
    let response = client::send(outgoing).await?;
    let status = response.get_status_code();
    let headers = response.get_headers().clone();
    let (_, done) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, done);
    let (response, _) = Response::new(headers, Some(body), trailers);
    response.set_status_code(status).unwrap();
    Ok(response)
}

async fn print_p3(line: &str) {
    let (mut tx, rx) = wit_stream::new();
    let done = wasip3::cli::stdout::write_via_stream(rx);
    for byte in line.as_bytes() {
        tx.write_all(vec![*byte]).await;
    }
    drop(tx);
    done.await.unwrap();
}

#[cfg(feature = "spin")]
async fn kv(request: &Request, rest: &str) -> String {
    use spin_sdk::key_value::Store;
    let _ = request;
    let parts: Vec<_> = rest.split('/').collect();
    let store = match Store::open(parts[0]).await {
        Ok(store) => store,
        Err(error) => return format!("{error:?}"),
    };
    match parts[1..] {
        ["get", key] => {
            format!("{:?}", store.get(key).await.map(|v| v.map(|v| String::from_utf8(v).unwrap())))
        }
        ["set", key, value] => format!("{:?}", store.set(key, value).await),
        ["delete", key] => format!("{:?}", store.delete(key).await),
        ["exists", key] => format!("{:?}", store.exists(key).await),
        ["keys"] => format!("{:?}", store.get_keys().await.collect().await),
        _ => "?".to_owned(),
    }
}
