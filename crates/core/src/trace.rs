//! W3C Trace Context: a trace goes on only where `traceparent` is sound, and `tracestate` with it
//! (Trace Context, section 2.3). Anything else would have the origin start from what nobody wrote.
//!
//! | the request's `traceparent` | the gateway records traces | what the origin sees |
//! | --- | --- | --- |
//! | sound | no | as it came: a span that nobody records must not stand between two that somebody does |
//! | sound | yes | the same trace, the gateway's span as the parent, `tracestate` as it came |
//! | none, or not sound | no | none |
//! | none, or not sound | yes | a new trace, the gateway's span as the parent |
//!
//! Anybody may say of which trace his request is: an identifier gives no right, and the record that has it has the
//! client's address too. Whether it is sampled is the word of a trusted proxy, and of nobody else: strangers could
//! have every request of theirs recorded.

use crate::hexadecimal::hexadecimal;
use crate::request::headers::connection_options;
use crate::request::{Headers, Request};
use sha2::{Digest as _, Sha256};

/// Where a request stands in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    id: String,
    /// The caller's span, where the trace goes on.
    parent: Option<String>,
    /// The gateway's, where it records traces.
    span: Option<String>,
    sampled: bool,
    /// What the caller said of it.
    parent_sampled: bool,
}

impl Trace {
    /// The trace of a request that nobody has judged; nothing, where it has none and the gateway begins none.
    ///
    /// New identifiers are a hash of the request's own, which is random.
    pub fn of(request: &Request) -> Option<Self> {
        let parent = parent(&request.headers);
        let parent_sampled = parent.as_ref().is_some_and(|parent| parent.sampled);
        let (id, parent) =
            parent.map(|parent| (parent.trace.to_owned(), parent.span.to_owned())).unzip();
        let Some(ratio) = request.trace_ratio else {
            let (id, sampled) = (id?, parent_sampled);
            return Some(Self { id, parent, span: None, sampled, parent_sampled });
        };
        let random = Sha256::digest(request.request_id.as_bytes());
        let (trace, rest) = random.split_at(16);
        let (span, dice) = rest.split_at(8);
        let id = id.unwrap_or_else(|| hexadecimal(trace));
        let sampled = is_sampled(dice, ratio);
        Some(Self { id, parent, span: Some(hexadecimal(span)), sampled, parent_sampled })
    }

    /// The request came by a trusted proxy: its word on sampling counts, where it gives one.
    pub(crate) fn trust(&mut self) {
        if self.parent.is_some() {
            self.sampled = self.parent_sampled;
        }
    }

    /// The trace, 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The caller's span, 16 hexadecimal digits.
    pub fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }

    /// The gateway's span, 16 hexadecimal digits, where it records traces.
    pub fn span(&self) -> Option<&str> {
        self.span.as_deref()
    }

    /// Somebody records it.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// It is the caller's trace, and what he says of it in `tracestate` goes on with it.
    pub(crate) fn is_continued(&self) -> bool {
        self.parent.is_some()
    }

    /// The field `traceparent` for the origin, where the caller's does not go on as it is.
    pub(crate) fn traceparent(&self) -> Option<String> {
        let span = self.span.as_ref()?;
        Some(format!("00-{}-{span}-{:02x}", self.id, u8::from(self.sampled)))
    }
}

/// So many of all are sampled. `dice` is random.
fn is_sampled(dice: &[u8], ratio: f64) -> bool {
    let thrown = dice.iter().take(4).fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
    f64::from(thrown) < ratio * (f64::from(u32::MAX) + 1.0)
}

/// What a sound `traceparent` says.
struct Parent<'h> {
    trace: &'h str,
    span: &'h str,
    sampled: bool,
}

/// The request's one sound `traceparent`, if `Connection` does not call it its own.
fn parent(headers: &Headers) -> Option<Parent<'_>> {
    let parent = headers.one("traceparent").and_then(read)?;
    (!connection_options(headers).contains("traceparent")).then_some(parent)
}

/// `version "-" trace-id "-" parent-id "-" flags` in lower-case hexadecimal, neither identifier all
/// zero (section 2.2). Version `ff` is none; one that is not known may go on behind another `-`.
fn read(value: &[u8]) -> Option<Parent<'_>> {
    let mut parts = std::str::from_utf8(value).ok()?.splitn(5, '-');
    let mut hex = |digits: usize| {
        parts.next().filter(|part| {
            part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let ends = parts.next().is_none();
    let sound = version != "ff" && !zero(trace) && !zero(span) && (ends || version != "00");
    let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    sound.then_some(Parent { trace, span, sampled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparents() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let parent = "b7ad6b7169203331";
        for (name, value, sound) in [
            ("sound", format!("00-{trace}-{parent}-01"), true),
            ("not sampled", format!("00-{trace}-{parent}-00"), true),
            ("a later version", format!("cc-{trace}-{parent}-01"), true),
            ("a later version with more", format!("cc-{trace}-{parent}-01-what-comes"), true),
            ("this version with more", format!("00-{trace}-{parent}-01-x"), false),
            ("this version with nothing more", format!("00-{trace}-{parent}-01-"), false),
            ("a later version, unseparated", format!("cc-{trace}-{parent}-01x"), false),
            ("version ff", format!("ff-{trace}-{parent}-01"), false),
            ("upper case", format!("00-{}-{parent}-01", trace.to_uppercase()), false),
            ("no trace", format!("00-{}-{parent}-01", "0".repeat(32)), false),
            ("no parent", format!("00-{trace}-{}-01", "0".repeat(16)), false),
            ("short trace", format!("00-{}-{parent}-01", "0af7651916cd43dd8448eb211c80319"), false),
            ("no flags", format!("00-{trace}-{parent}"), false),
            ("not hexadecimal", format!("00-{trace}-{parent}-0g"), false),
            ("a list", format!("00-{trace}-{parent}-01,00-{trace}-{parent}-01"), false),
            ("empty", String::new(), false),
        ] {
            assert_eq!(read(value.as_bytes()).is_some(), sound, "{name}");
        }
    }

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn request(fields: &[(&str, &str)], trace_ratio: Option<f64>) -> Request {
        let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
        Request {
            method: "GET".into(),
            scheme: crate::Scheme::Https,
            authority: None,
            target: "/".into(),
            headers: Headers::new(fields.collect()),
            peer: None,
            in_flight: None,
            request_id: "0123456789abcdef0123456789abcdef".into(),
            trace_ratio,
        }
    }

    #[test]
    fn a_trace_goes_on_and_another_begins_where_traces_are_recorded() {
        let sound = [("traceparent", PARENT)];
        let passed = Trace::of(&request(&sound, None)).unwrap();
        assert_eq!((passed.span(), passed.traceparent()), (None, None));
        assert_eq!(passed.parent(), Some("b7ad6b7169203331"));

        let continued = Trace::of(&request(&sound, Some(1.0))).unwrap();
        assert_eq!(continued.id(), "0af7651916cd43dd8448eb211c80319c");
        let span = continued.span().unwrap();
        assert!(span.len() == 16 && span != "b7ad6b7169203331", "{span}");
        assert_eq!(continued.traceparent().unwrap(), format!("00-{}-{span}-01", continued.id()));

        for fields in [
            &[("traceparent", "00-0-0-01")][..],
            &[("traceparent", PARENT), ("traceparent", PARENT)],
            &[("traceparent", PARENT), ("connection", "close, Traceparent")],
            &[],
        ] {
            assert_eq!(Trace::of(&request(fields, None)), None, "{fields:?}");
            let begun = Trace::of(&request(fields, Some(1.0))).unwrap();
            assert!(!begun.is_continued() && begun.is_sampled(), "{fields:?}");
            let traceparent = begun.traceparent().unwrap();
            assert!(read(traceparent.as_bytes()).is_some(), "{traceparent}");
            assert_ne!(begun.id(), continued.id());
        }
    }

    #[test]
    fn a_strangers_word_on_sampling_does_not_count() {
        for (flags, said) in [("00", false), ("01", true), ("03", true), ("02", false)] {
            for ratio in [0.0, 1.0] {
                let parent = format!("{}{flags}", PARENT.strip_suffix("01").unwrap());
                let request = request(&[("traceparent", &parent)], Some(ratio));
                let mut trace = Trace::of(&request).unwrap();
                assert_eq!(trace.is_sampled(), ratio > 0.5);
                trace.trust();
                assert_eq!(trace.is_sampled(), said, "{flags}");
            }
        }
        let mut begun = Trace::of(&request(&[], Some(1.0))).unwrap();
        begun.trust();
        assert!(begun.is_sampled(), "a proxy that says nothing");
    }

    #[test]
    fn a_ratio_is_met() {
        for ratio in [0.0, 0.1, 0.5, 1.0] {
            let sampled = (0..4000_u32)
                .filter(|n| {
                    let request_id = format!("{n:032x}");
                    let request = Request { request_id, ..request(&[], Some(ratio)) };
                    Trace::of(&request).unwrap().is_sampled()
                })
                .count();
            let share = f64::from(u32::try_from(sampled).unwrap()) / 4000.0;
            assert!((share - ratio).abs() < 0.03, "{share} for {ratio}");
        }
    }
}
