//! Message framing: where a body ends (RFC 9112, section 6).

use super::Headers;
use super::hygiene::invalid;
use crate::denial::Denial;

/// `Content-Length` at most once and a number; `Transfer-Encoding` at most once, `chunked`, and never
/// beside a `Content-Length`. A host that parses the framing itself (hyper does) drops
/// `Transfer-Encoding` before it is seen here: this rule is for hosts that do not.
///
/// Returns the declared body length in bytes, where there is one.
pub(super) fn content_length(headers: &Headers) -> Result<Option<u64>, Denial> {
    let mut lengths = headers.values("content-length");
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => None,
        (Some(value), None) => Some(
            parse_length(value).ok_or_else(|| invalid("a Content-Length that is not a number"))?,
        ),
        (Some(_), Some(_)) => return Err(invalid("more than one Content-Length")),
    };
    let mut codings = headers.values("transfer-encoding");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(length),
        (Some(_), None) if length.is_some() => {
            Err(invalid("both Content-Length and Transfer-Encoding"))
        }
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(None),
        _ => Err(invalid("a Transfer-Encoding other than one chunked")),
    }
}

/// `1*DIGIT` (RFC 9110, section 8.6): no sign, no space, no list. No leading zero either, which some
/// readers take for octal.
fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0');
    (plain && !padded).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denial::Reason;

    #[test]
    fn lengths_and_codings() {
        let invalid = Err(Reason::HeaderInvalid);
        for (name, lengths, codings, want) in [
            ("neither", &[][..], &[][..], Ok(None)),
            ("length", &["12"], &[], Ok(Some(12))),
            ("zero", &["0"], &[], Ok(Some(0))),
            ("the largest", &["18446744073709551615"], &[], Ok(Some(u64::MAX))),
            ("one more", &["18446744073709551616"], &[], invalid),
            ("twice", &["1", "1"], &[], invalid),
            ("list", &["1, 1"], &[], invalid),
            ("sign", &["+1"], &[], invalid),
            ("negative", &["-1"], &[], invalid),
            ("empty", &[""], &[], invalid),
            ("hexadecimal", &["0x10"], &[], invalid),
            ("leading zero", &["010"], &[], invalid),
            ("digits of another script", &["１"], &[], invalid),
            ("chunked", &[], &["Chunked"], Ok(None)),
            ("chunked twice", &[], &["chunked", "chunked"], invalid),
            ("both", &["1"], &["chunked"], invalid),
            ("length beside two codings", &["1"], &["gzip", "chunked"], invalid),
            ("other coding", &[], &["gzip"], invalid),
            ("list of codings", &[], &["gzip, chunked"], invalid),
            ("identity", &[], &["identity"], invalid),
            ("a parameter", &[], &["chunked;x=1"], invalid),
            ("no coding", &[], &[""], invalid),
        ] {
            let mut headers = Headers::default();
            for value in lengths {
                headers.push("content-length", *value);
            }
            for value in codings {
                headers.push("transfer-encoding", *value);
            }
            let got = content_length(&headers).map_err(|denial| denial.reason());
            assert_eq!(got, want, "{name}");
        }
    }
}
