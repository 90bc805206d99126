//! `tests/cases/*`: each is judged natively and by the `.wasm`, and both must give the expected
//! verdict, and the same one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri, Version};
use http_body_util::Full;
use sekisho_core::explain::{Question, State, explain};
use sekisho_host::{Host, HostConfig, Manifest, Output, Stream};
use sekisho_testing::cases::{Case, load_all};
use sekisho_testing::origin::{Origin, OriginOptions, Seen};
use serde_json::{Value, json};

use crate::support::{cache, component, copy_policy, fast_component, fixed_clock, manifest, root};

/// What a verdict is compared by: all that `explain` says but the steps, which the running gateway
/// does not tell.
const COMPARED: [&str; 9] = [
    "decision",
    "reason",
    "would_deny",
    "status",
    "tenant",
    "route",
    "client",
    "subject",
    "upstream",
];

pub(crate) fn cases() -> Vec<Case> {
    let cases = load_all(&root().join("tests/cases")).unwrap();
    assert!(cases.len() >= 100, "cases have gone missing: {}", cases.len());
    cases
}

pub(crate) fn native(case: &Case) -> Value {
    let (_, policy) = sekisho::policy_dir::load(&case.policy).unwrap();
    let question: Question = serde_json::from_value(case.request.clone()).unwrap();
    let state: State =
        case.state.clone().map(|s| serde_json::from_value(s).unwrap()).unwrap_or_default();
    let mut verdict = serde_json::to_value(explain(&policy, &question, &state)).unwrap();
    verdict.as_object_mut().unwrap().retain(|name, _| COMPARED.contains(&name.as_str()));
    verdict
}

/// Everything that `expected` names must be so in `verdict`.
fn differs(expected: &Value, verdict: &Value) -> Option<String> {
    match (expected, verdict) {
        (Value::Object(expected), Value::Object(verdict)) => {
            expected.iter().find_map(|(name, value)| {
                differs(value, verdict.get(name).unwrap_or(&Value::Null))
                    .map(|why| format!("{name}: {why}"))
            })
        }
        _ if expected == verdict => None,
        _ => Some(format!("expected {expected}, got {verdict}")),
    }
}

#[test]
fn native_verdicts_are_the_expected_ones() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| {
            differs(&case.expected, &native(case)).map(|why| format!("{}: {why}", case.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_component_gives_the_same_verdicts() {
    gives_the_same_verdicts(component()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fast_component_gives_the_same_verdicts() {
    gives_the_same_verdicts(fast_component()).await;
}

async fn gives_the_same_verdicts(component: &Path) {
    let mut wrong = Vec::new();
    let mut refused_by_host = Vec::new();
    let cases = cases();
    for case in &cases {
        let native = native(case);
        match in_component(component, case, copy_policy).await {
            Asked::Judged(verdict) if verdict == native => {}
            Asked::Judged(verdict) => {
                wrong.push(format!("{}:\n  native    {native}\n  component {verdict}", case.name));
            }
            // What HTTP itself can't carry never reaches the component; it must be a denial all the same.
            Asked::NotHttp(why) => {
                assert_eq!(native["decision"], "deny", "{}: {why}", case.name);
                refused_by_host.push(case.name.as_str());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let judged = cases.len() - refused_by_host.len();
    println!("{judged} verdicts equal; before the component by the host: {refused_by_host:?}");
    assert!(judged >= 95, "too few cases reach the component: {refused_by_host:?}");
}

pub(crate) enum Asked {
    Judged(Value),
    NotHttp(String),
}

/// Asks the component, by a policy that `deploy` puts in place.
pub(crate) async fn in_component(
    component: &Path,
    case: &Case,
    deploy: impl Fn(&Path, &Path, &[(String, String)]),
) -> Asked {
    let question: Question = serde_json::from_value(case.request.clone()).unwrap();
    let request = match http_request(&question) {
        Ok(request) => request,
        Err(why) => return Asked::NotHttp(why),
    };
    let origin = Origin::start(OriginOptions::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let policy = directory.path().join("policy");
    let edits = ["assistant-jp", "assistant-eu"]
        .map(|id| (format!("http://{id}.invalid:8080"), origin.url()));
    deploy(&case.policy, &policy, &edits);
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let manifest = manifest(directory.path(), component, &policy, &[origin.url()], true);
    let host = start(case, &question, manifest, Arc::clone(&lines)).await;

    let https = matches!(question.scheme, sekisho_core::explain::QuestionScheme::Https);
    let answer = host.call(request, question.peer.unwrap(), https).await;
    let status = answer.status().as_u16();
    drop(answer);
    host.shutdown(std::time::Duration::from_secs(5)).await;

    let lines = lines.lock().unwrap().clone();
    match lines.as_slice() {
        [line] => Asked::Judged(verdict(
            &serde_json::from_str(line).unwrap(),
            status,
            &origin.take_requests(),
            case,
        )),
        [] if (400..500).contains(&status) => {
            assert!(origin.requests().is_empty(), "{}", case.name);
            Asked::NotHttp(format!("the host answered {status}"))
        }
        _ => panic!("{}: {status}, {lines:?}", case.name),
    }
}

async fn start(
    case: &Case,
    question: &Question,
    manifest: Manifest,
    lines: Arc<Mutex<Vec<String>>>,
) -> Host {
    let mut config = HostConfig::new(manifest);
    config.cache_dir = Some(cache());
    config.wall_clock = Some(fixed_clock(question.now));
    // A host ends when its instances do.
    config.limits.instance_idle = std::time::Duration::from_millis(10);
    let name = case.name.clone();
    config.output = Output::Lines(Arc::new(move |_: &str, stream: Stream, line: &[u8]| {
        let line = String::from_utf8_lossy(line).into_owned();
        match stream {
            Stream::Out => lines.lock().unwrap().push(line),
            Stream::Err => eprintln!("{name}: {line}"),
        }
    }));
    let host = Host::start(config).await.unwrap();
    let state: BTreeMap<String, Value> =
        case.state.clone().map(|state| serde_json::from_value(state).unwrap()).unwrap_or_default();
    for (key, value) in state {
        host.store("default").set(&key, value.to_string().into_bytes()).await.unwrap();
    }
    host
}

/// The question as a host receives it: HTTP/1.1, or HTTP/2 where `:authority` is named apart.
fn http_request(question: &Question) -> Result<Request<Full<Bytes>>, String> {
    let refused = |error: http::Error| error.to_string();
    let (uri, version) = match &question.authority {
        Some(authority) => {
            let uri = Uri::builder().scheme("https").authority(authority.as_str());
            (
                uri.path_and_query(question.target.as_str()).build().map_err(refused)?,
                Version::HTTP_2,
            )
        }
        None => {
            (question.target.parse::<Uri>().map_err(|error| error.to_string())?, Version::HTTP_11)
        }
    };
    let method = question.method.parse::<http::Method>().map_err(|error| error.to_string())?;
    let mut request = Request::builder().method(method).uri(uri).version(version);
    let mut length = 0;
    for (name, value) in &question.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        if name == http::header::CONTENT_LENGTH {
            length = value.parse().unwrap_or(0);
        }
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::from(vec![b'x'; length]))).map_err(refused)
}

/// The verdict, put together from the audit record and from what reached the origin.
fn verdict(record: &Value, status: u16, seen: &[Seen], case: &Case) -> Value {
    let permitted = record["decision"] == "permit";
    assert_eq!(record["status"], status, "{}: the record's status is the answer's", case.name);
    let mut verdict = json!({
        "decision": record["decision"],
        "status": if permitted { Value::Null } else { record["status"].clone() },
        "tenant": record["tenant"],
        "route": record["route"],
        "client": record["client"],
        "subject": record["subject"],
    });
    if !record["would_deny"].is_null() {
        verdict["would_deny"] = record["would_deny"].clone();
    }
    if !permitted {
        assert!(seen.is_empty(), "{}: a denied request reached the origin", case.name);
        verdict["reason"] = record["reason"].clone();
        return verdict;
    }
    let [seen] = seen else { panic!("{}: {} requests reached the origin", case.name, seen.len()) };
    // Which of the two origins was meant shows in the case alone: both lead to the same double.
    let origin = case.expected["upstream"]["origin"].as_str().unwrap();
    let id = "00000000000000000000000000000000";
    let headers: Vec<Value> = seen
        .headers
        .iter()
        // The transport's own: the double's address, and the body's framing.
        .filter(|(name, _)| !matches!(name.as_str(), "host" | "transfer-encoding"))
        .map(|(name, value)| {
            let random = name == "x-request-id"
                && value == record["request_id"].as_str().unwrap()
                && value.len() == id.len();
            json!([name, if random { id } else { value }])
        })
        .collect();
    verdict["upstream"] = json!({
        "origin": origin,
        "url": format!("http://{origin}.invalid:8080{}", seen.target),
        "headers": headers,
    });
    verdict
}
