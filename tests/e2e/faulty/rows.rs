//! Each fault by the name that docs/faults.md calls it by.

use std::time::Duration;

use sekisho_testing::faulty::{Fault, Step};
use sekisho_testing::pki::{H2, HTTP_1_1, Pki};
use sekisho_testing::server::Listen;

use Step::{Close, Cut, Repeat, Reset, Send, Silence, Trickle, Wait};

/// A fault, and the socket that it is met on.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) listen: Listen,
    pub(super) fault: Fault,
}

impl Row {
    /// Whether the origin can answer soundly, too.
    pub(super) fn may_be_sound(&self) -> bool {
        matches!(self.fault, Fault::Answer(_)) && self.listen.tls.is_none()
    }
}

/// The head of an answer to acme that wants its end.
const OK: &str = "HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\n";
/// Half of that.
const HALF: &str = "HTTP/1.1 200 OK\r\nx-tenant";
/// An answer that nobody asked for.
const STALE: &str = "HTTP/1.1 200 OK\r\nx-tenant-id: acme\r\ncontent-length: 5\r\n\r\nstale";
/// For what was written to be read before the connection is reset, which would throw it away.
const SETTLE: Step = Wait(Duration::from_millis(50));

/// An answer to acme with these fields and this body.
fn ok(fields: &str, body: &str) -> Step {
    Step::send(format!("{OK}{fields}\r\n{body}"))
}

fn length(length: u64, body: &str) -> Step {
    ok(&format!("content-length: {length}\r\n"), body)
}

fn chunks(body: &str) -> Step {
    ok("transfer-encoding: chunked\r\n", body)
}

fn with_field(field: &[u8]) -> Step {
    Send([OK.as_bytes(), field, b"\r\ncontent-length: 2\r\n\r\nok"].concat())
}

/// A frame of HTTP/2 on the first stream, or on none (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

fn h2(frames: &[Vec<u8>]) -> Step {
    Send([frame(4, 0, 0, &[]), frames.concat()].concat())
}

/// `RST_STREAM` with `INTERNAL_ERROR`.
fn reset_stream() -> Vec<u8> {
    frame(3, 0, 1, &[0, 0, 0, 2])
}

/// `:status: 200` and the tenant, not compressed (RFC 7541, appendix B).
fn h2_head() -> Vec<u8> {
    frame(1, 4, 1, b"\x88\x00\x0bx-tenant-id\x04acme")
}

/// Every row of docs/faults.md.
pub(super) fn all(pki: &Pki) -> Vec<Row> {
    let tls = |name, alpn| Listen::tls(pki.server_config(&[name], &[alpn]).unwrap());
    let stranger = Pki::new().unwrap().server_config(&["localhost"], &[HTTP_1_1]).unwrap();
    let plain = Listen::default();
    let listened = |listen: &Listen, faults: Vec<(&'static str, Fault)>| -> Vec<Row> {
        let row = |(name, fault)| Row { name, listen: listen.clone(), fault };
        faults.into_iter().map(row).collect()
    };
    let answer = |(name, steps): (&'static str, Vec<Step>)| (name, Fault::Answer(steps));
    let sound = || Fault::Answer(vec![length(2, "ok")]);
    [
        listened(&plain, connections()),
        listened(&plain, heads().map(answer).into()),
        listened(&plain, bodies().map(answer).into()),
        listened(&plain, framings().map(answer).into()),
        listened(&tls("localhost", HTTP_1_1), handshakes()),
        listened(&tls("other.localhost", HTTP_1_1), vec![("tls-other-name", sound())]),
        listened(&Listen::tls(stranger), vec![("tls-unknown-authority", sound())]),
        listened(&tls("localhost", H2), http2().map(answer).into()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn connections() -> Vec<(&'static str, Fault)> {
    vec![("refuses", Fault::Refuse), ("closes-at-once", Fault::Connection(vec![Close]))]
}

fn heads() -> [(&'static str, Vec<Step>); 24] {
    let line = |line: &str| vec![Step::send(format!("{line}\r\nx-tenant-id: acme\r\n\r\n")), Close];
    let field = |field: &[u8]| vec![with_field(field)];
    let trickled = format!("{OK}content-length: 2\r\n\r\nok").into_bytes();
    let early = b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec();
    [
        ("closes", vec![Close]),
        ("resets", vec![Reset]),
        ("closes-in-head", vec![Step::send(HALF), Close]),
        ("resets-in-head", vec![Step::send(HALF), SETTLE, Reset]),
        ("silent", vec![Silence]),
        ("silent-in-head", vec![Step::send(HALF), Silence]),
        ("trickles-head", vec![Trickle(trickled, Duration::from_millis(100))]),
        ("interim-only", vec![Send(early.clone()), Silence]),
        ("interim-endless", vec![Repeat(early, u64::MAX)]),
        ("many-fields", vec![Step::send(OK), Repeat(b"a: b\r\n".to_vec(), 100_000), Silence]),
        (
            "long-field",
            vec![Step::send(format!("{OK}a: ")), Repeat(vec![b'a'; 1024], 1024), Silence],
        ),
        ("not-http", vec![Step::send("220 ready\r\n\r\n"), Silence]),
        ("http-0.9", vec![Step::send("<p>hello</p>\n"), Close]),
        ("version-unknown", line("HTTP/3.7 200 OK")),
        ("status-99", line("HTTP/1.1 99 Low")),
        ("status-1000", line("HTTP/1.1 1000 High")),
        ("status-600", line("HTTP/1.1 600 Beyond")),
        (
            "status-101",
            line("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x"),
        ),
        ("nul-in-field", field(b"a: b\0c")),
        ("cr-in-field", field(b"a: b\rc: d")),
        ("folded-field", field(b"a: b\r\n c")),
        ("space-before-colon", field(b"a : b")),
        ("no-colon", field(b"a b")),
        ("two-tenants", field(b"x-tenant-id: globex")),
    ]
}

fn bodies() -> [(&'static str, Vec<Step>); 10] {
    let trickled = Trickle(b"twenty slow bytes ok".to_vec(), Duration::from_millis(60));
    [
        ("trickles-body", vec![length(20, ""), trickled]),
        ("silent-in-body", vec![length(100, "half"), Silence]),
        ("silent-in-chunks", vec![chunks("4\r\nhalf\r\n"), Silence]),
        ("closes-in-body", vec![length(100, "half"), Close]),
        ("closes-in-chunks", vec![chunks("4\r\nhalf\r\n"), Close]),
        ("closes-in-chunk", vec![chunks("64\r\nhalf"), Close]),
        ("resets-in-body", vec![length(100, "half"), SETTLE, Reset]),
        ("resets-in-chunks", vec![chunks("4\r\nhalf\r\n"), SETTLE, Reset]),
        ("resets-without-length", vec![ok("", "half"), SETTLE, Reset]),
        ("http-1.0", vec![Step::send("HTTP/1.0 200 OK\r\nx-tenant-id: acme\r\n\r\nwhole"), Close]),
    ]
}

fn framings() -> [(&'static str, Vec<Step>); 15] {
    let both = "content-length: 2\r\ntransfer-encoding: chunked\r\n";
    let lengths = "content-length: 2\r\ncontent-length: 4\r\n";
    [
        ("surplus", vec![length(2, "ok and more")]),
        (
            "surplus-without-body",
            vec![Step::send("HTTP/1.1 204 No Content\r\nx-tenant-id: acme\r\n\r\nmore")],
        ),
        ("second-answer", vec![length(2, &format!("ok{STALE}"))]),
        ("second-answer-chunked", vec![chunks(&format!("2\r\nok\r\n0\r\n\r\n{STALE}"))]),
        ("length-and-chunks", vec![ok(both, "4\r\nokok\r\n0\r\n\r\n")]),
        ("one-length-twice", vec![ok("content-length: 2\r\ncontent-length: 2\r\n", "ok")]),
        ("two-lengths", vec![ok(lengths, "okok"), Close]),
        ("length-no-number", vec![ok("content-length: +2\r\n", "ok"), Close]),
        (
            "length-beyond-64-bits",
            vec![ok("content-length: 99999999999999999999\r\n", "ok"), Close],
        ),
        (
            "coding-unknown",
            vec![ok("transfer-encoding: gzip, chunked\r\n", "2\r\nok\r\n0\r\n\r\n"), Close],
        ),
        ("coding-not-chunked", vec![ok("transfer-encoding: chunked, identity\r\n", "ok"), Close]),
        ("chunk-size-invalid", vec![chunks("zz\r\nok\r\n0\r\n\r\n"), Silence]),
        ("chunk-size-beyond-64-bits", vec![chunks("fffffffffffffffff\r\nok"), Silence]),
        ("chunk-without-end", vec![chunks("2\r\nokok\r\n0\r\n\r\n"), Silence]),
        (
            "trailers-endless",
            vec![chunks("2\r\nok\r\n0\r\n"), Repeat(b"a: b\r\n".to_vec(), u64::MAX)],
        ),
    ]
}

fn handshakes() -> Vec<(&'static str, Fault)> {
    let before = |step: Step, then: Step| Fault::Connection(vec![step, then]);
    vec![
        ("tls-plain-text", before(Step::send("HTTP/1.1 400 Bad Request\r\n\r\n"), Close)),
        ("tls-garbage", before(Send(vec![0xff; 4096]), Silence)),
        ("tls-silent", Fault::Connection(vec![Silence])),
        ("tls-closes", Fault::Connection(vec![Close])),
        ("tls-resets", Fault::Connection(vec![SETTLE, Reset])),
        ("tls-cut-in-body", Fault::Answer(vec![ok("", "half"), Cut])),
    ]
}

fn http2() -> [(&'static str, Vec<Step>); 6] {
    // GOAWAY: no stream was worked on, and INTERNAL_ERROR.
    let away = frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2]);
    let data = frame(0, 0, 1, b"half");
    [
        ("h2-not-http2", vec![Step::send("HTTP/1.1 200 OK\r\n\r\n"), Silence]),
        ("h2-silent", vec![h2(&[]), Silence]),
        ("h2-resets-stream", vec![h2(&[reset_stream()]), Close]),
        ("h2-goes-away", vec![h2(&[away]), Close]),
        (
            "h2-resets-stream-in-body",
            vec![h2(&[h2_head(), data.clone()]), SETTLE, Send(reset_stream()), Close],
        ),
        ("h2-closes-in-body", vec![h2(&[h2_head(), data]), SETTLE, Close]),
    ]
}
