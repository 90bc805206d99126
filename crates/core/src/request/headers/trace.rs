//! W3C Trace Context: a trace goes on only where `traceparent` is sound, and `tracestate` with it
//! (Trace Context, section 2.3). Anything else would have the origin start from what nobody wrote.

use super::Headers;

/// Whether the request has one sound `traceparent`.
pub(crate) fn is_traced(headers: &Headers) -> bool {
    headers.one("traceparent").is_some_and(is_sound)
}

/// `version "-" trace-id "-" parent-id "-" flags` in lower-case hexadecimal, neither identifier all
/// zero (section 2.2). Version `ff` is none; one that is not known may go on behind another `-`.
fn is_sound(value: &[u8]) -> bool {
    let mut parts = value.splitn(5, |byte| *byte == b'-');
    let mut hex = |digits: usize| {
        parts.next().filter(|part| {
            part.len() == digits && part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let (Some(version), Some(trace), Some(parent), Some(_flags)) =
        (hex(2), hex(32), hex(16), hex(2))
    else {
        return false;
    };
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let ends = parts.next().is_none();
    version != b"ff" && !zero(trace) && !zero(parent) && (ends || version != b"00")
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
            assert_eq!(is_sound(value.as_bytes()), sound, "{name}");
        }
    }
}
