//! The adapter: a WASI request as one of the `http` crate's, the store of `wasi:keyvalue`, the mounted policy.

use crate::call::Site;
use crate::scim::Settings;
use crate::store::{Store, Unavailable};
use crate::{BrokenOff, body_limit, serve};
use bindings::wasi::keyvalue::atomics::{Cas, CasError, swap};
use bindings::wasi::keyvalue::batch;
use bindings::wasi::keyvalue::store::{Bucket, Error, open};
use http::{HeaderName, HeaderValue};
use sekisho_core::{Headers, Scheme, Timestamp};
use sekisho_directory::edit::Entries;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use wasip3::clocks::system_clock;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::random::random::get_random_bytes;
use wasip3::{wit_future, wit_stream};

#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "state", generate_all });
}

wasip3::http::service::export!(Administration);

/// The most bytes that are read of a body at a time.
const CHUNK: usize = 64 * 1024;

/// Where a host mounts the audit trail, if it does.
const TRAIL: &str = "/audit";

struct Administration;

impl wasip3::exports::http::handler::Guest for Administration {
    async fn handle(incoming: Request) -> Result<Response, ErrorCode> {
        let site = Arc::new(site().await?);
        let request = read(incoming).await?;
        let (parts, body) = serve(&site, request).await.into_parts();
        let fields: Vec<(String, Vec<u8>)> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect();
        write(parts.status.as_u16(), &fields, body)
    }
}

fn internal(why: impl std::fmt::Debug) -> ErrorCode {
    ErrorCode::InternalError(Some(format!("{why:?}")))
}

async fn site() -> Result<Site, ErrorCode> {
    let now = system_clock::now();
    let time = Timestamp::new(now.seconds, i32::try_from(now.nanoseconds).unwrap_or(0))
        .map_err(internal)?;
    let bucket = open("default").map_err(|error| internal(told(error)))?;
    Ok(Site {
        store: Arc::new(State(bucket)),
        policy: Arc::new(policy),
        log: Arc::new(line),
        trail: TRAIL.into(),
        now: now.seconds,
        time: format!("{time:.6}"),
        fresh: fresh(),
        scim: settings().await,
    })
}

fn fresh() -> String {
    get_random_bytes(16).into_iter().fold(String::with_capacity(32), |mut name, byte| {
        // Writing to a String can't fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// What the operator says of SCIM.
async fn settings() -> Result<Settings, String> {
    let read = async |name: &str| {
        let value = spin_sdk::variables::get(name).await;
        value.map_err(|_| format!("the variable {name} can't be read"))
    };
    Settings::parse(
        &read("scim_subject").await?,
        &read("scim_roles").await?,
        &read("scim_default_roles").await?,
    )
}

/// The policy for this host, as the gateway finds it for a request.
fn policy(host: &str) -> Result<Arc<sekisho_core::Policy>, String> {
    let request = sekisho_core::Request {
        method: "GET".to_owned(),
        scheme: Scheme::Https,
        authority: Some(host.to_owned()),
        target: "/".to_owned(),
        peer: None,
        in_flight: None,
        request_id: String::new(),
        trace_ratio: None,
        headers: Headers::default(),
    };
    sekisho_mount::for_request(&request).map_err(|denial| format!("{denial:?}"))
}

/// Writes one line in one piece, so that concurrent requests do not mix theirs.
fn line(mut line: String) {
    line.push('\n');
    if let Err(error) = std::io::stdout().lock().write_all(line.as_bytes()) {
        eprintln!("audit: {error}");
    }
}

async fn read(incoming: Request) -> Result<http::Request<Vec<u8>>, ErrorCode> {
    let target = incoming.get_path_with_query().unwrap_or_else(|| "/".to_owned());
    let mut request = http::Request::builder().method(&*method(incoming.get_method())).uri(&target);
    if let Some(headers) = request.headers_mut() {
        for (name, value) in incoming.get_headers().copy_all() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(internal)?;
            headers.append(name, HeaderValue::from_bytes(&value).map_err(internal)?);
        }
    }
    let path = target.split('?').next().unwrap_or_default();
    // One byte more than may be is enough to see that there is too much.
    let body = body(incoming, body_limit(path).saturating_add(1)).await;
    let broke_off = body.is_err();
    let mut request = request.body(body.unwrap_or_default()).map_err(internal)?;
    if broke_off {
        request.extensions_mut().insert(BrokenOff);
    }
    Ok(request)
}

/// The body, as far as the limit. What ends a stream early is told by its trailers alone.
async fn body(incoming: Request, limit: usize) -> Result<Vec<u8>, ErrorCode> {
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    let (mut contents, trailers) = Request::consume_body(incoming, result);
    let mut body = Vec::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        chunk.clear();
        let (status, read) = contents.read(chunk).await;
        body.extend_from_slice(&read);
        chunk = read;
        if body.len() >= limit {
            body.truncate(limit);
            return Ok(body);
        }
        if !matches!(status, wit_bindgen::StreamResult::Complete(_)) {
            break;
        }
    }
    drop(contents);
    trailers.await?;
    Ok(body)
}

fn write(status: u16, headers: &[(String, Vec<u8>)], body: Vec<u8>) -> Result<Response, ErrorCode> {
    let fields = Fields::from_list(headers).map_err(internal)?;
    let length = body.len().to_string().into_bytes();
    if !body.is_empty() {
        fields.set("content-length", &[length]).map_err(internal)?;
    }
    let contents = (!body.is_empty()).then(|| {
        let (mut writer, reader) = wit_stream::new();
        wasip3::spawn(async move {
            // What is left over is a client that has gone.
            writer.write_all(body).await;
        });
        reader
    });
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _sent) = Response::new(fields, contents, no_trailers);
    response.set_status_code(status).map_err(internal)?;
    Ok(response)
}

fn method(method: Method) -> String {
    match method {
        Method::Get => "GET".into(),
        Method::Head => "HEAD".into(),
        Method::Post => "POST".into(),
        Method::Put => "PUT".into(),
        Method::Delete => "DELETE".into(),
        Method::Connect => "CONNECT".into(),
        Method::Options => "OPTIONS".into(),
        Method::Trace => "TRACE".into(),
        Method::Patch => "PATCH".into(),
        Method::Other(name) => name,
    }
}

struct State(Bucket);

fn told(error: Error) -> Unavailable {
    Unavailable(match error {
        Error::NoSuchStore => "there is no store".to_owned(),
        Error::AccessDenied => "the store is not this component's".to_owned(),
        Error::Other(why) => why,
    })
}

impl Store for State {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.0.get(key).map_err(told)
    }

    fn keys(&self) -> Result<Vec<String>, Unavailable> {
        let mut keys = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.0.list_keys(cursor.as_deref()).map_err(told)?;
            keys.extend(page.keys);
            match page.cursor {
                None => return Ok(keys),
                next => cursor = next,
            }
        }
    }

    fn get_many(&self, keys: &[String]) -> Result<Entries, Unavailable> {
        let values = batch::get_many(&self.0, keys).map_err(told)?;
        Ok(values.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
    }

    fn swap(&self, key: &str, was: Option<&[u8]>, value: &[u8]) -> Result<bool, Unavailable> {
        let cas = Cas::new(&self.0, key).map_err(told)?;
        if cas.current().map_err(told)?.as_deref() != was {
            return Ok(false);
        }
        match swap(cas, value) {
            Ok(()) => Ok(true),
            Err(CasError::CasFailed(_)) => Ok(false),
            Err(CasError::StoreError(error)) => Err(told(error)),
        }
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.0.set(key, value).map_err(told)
    }

    fn delete(&self, keys: &[String]) -> Result<(), Unavailable> {
        batch::delete_many(&self.0, keys).map_err(told)
    }
}
