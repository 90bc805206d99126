//! What a request's header fields must be to be read in one way only.

use super::{HeadLimits, Headers, framing, hop, single};
use crate::denial::{Denial, Reason};

/// Judges a request's header fields, in this order:
///
/// 1. Number and size within the limits (RFC 6585, section 5).
/// 2. Each name is a token (RFC 9110, section 5.6.2) without `_`: many origins fold `-` and `_`
///    to the same variable, so `X_Tenant_Id` would arrive as ours.
/// 3. Each value is free of controls but the tab (RFC 9110, section 5.5), so that no line folding
///    (RFC 9112, section 5.2) passes, and neither begins nor ends with a space or tab (RFC 9113,
///    section 8.2.1): one reader trims it, the next does not.
/// 4. What has one meaning stands once ([`single`]). `Host` is judged with the authority, and
///    `Authorization` and the session cookie with the token, by reasons of their own.
/// 5. `Connection` names connection options and nothing that the message means ([`hop`]).
/// 6. `Expect` is `100-continue` (RFC 9110, section 10.1.1), which the host answers. Nobody here
///    could meet another.
/// 7. Message framing is unambiguous ([`framing`]).
///
/// Returns the declared body length in bytes, where there is one.
pub(in crate::request) fn check(
    headers: &Headers,
    limits: HeadLimits,
) -> Result<Option<u64>, Denial> {
    let (fields, bytes) = headers
        .iter()
        .fold((0, 0), |(fields, bytes), (n, v)| (fields + 1, bytes + n.len() + v.len()));
    if fields > limits.fields || bytes > limits.bytes {
        return Err(Denial::new(
            Reason::HeadTooLarge,
            format!(
                "{fields} fields of {bytes} bytes; {} of {} are allowed",
                limits.fields, limits.bytes
            ),
        ));
    }
    for (name, value) in headers.iter() {
        check_name(name)?;
        check_value(value)?;
    }
    single::check(headers)?;
    hop::check_connection(headers)?;
    if !headers.values("expect").all(|value| value.eq_ignore_ascii_case(b"100-continue")) {
        return Err(invalid("an expectation other than 100-continue"));
    }
    framing::content_length(headers)
}

/// The bytes of a token but `_`.
#[allow(clippy::indexing_slicing, reason = "a constant: an index out of bounds does not compile")]
static NAME_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0u8;
    while byte < u8::MAX {
        bytes[byte as usize] = is_token(byte) && byte != b'_';
        byte += 1;
    }
    bytes
};

fn check_name(name: &str) -> Result<(), Denial> {
    // Without an early end: the common name is sound, and so is each of its bytes.
    let sound = |byte: u8| NAME_BYTES.get(usize::from(byte)).copied().unwrap_or_default();
    if name.bytes().fold(!name.is_empty(), |all, byte| all & sound(byte)) {
        return Ok(());
    }
    let underscore = name.contains('_');
    Err(invalid(if underscore {
        "a header name with an underscore"
    } else {
        "a header name that is not a token"
    }))
}

fn check_value(value: &[u8]) -> Result<(), Denial> {
    let suspect = match value.last_chunk() {
        // The last eight may overlap those before them.
        Some(last) => {
            let (words, _) = value.as_chunks();
            words.iter().chain([last]).fold(0, |any, word| any | controls(*word)) != 0
        }
        None => true,
    };
    let control = |byte: &u8| matches!(byte, 0..=8 | 10..=0x1f | 0x7f);
    if suspect && value.iter().any(control) {
        return Err(invalid("a header value with a control character"));
    }
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if blank(value.first()) || blank(value.last()) {
        return Err(invalid("a header value that begins or ends with a space or tab"));
    }
    Ok(())
}

/// Zero where none of eight bytes is DEL or below a space, as a tab is too.
fn controls(bytes: [u8; 8]) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_ne_bytes(bytes);
    let below = |word: u64, byte: u64| word.wrapping_sub(EACH * byte) & !word & (EACH << 7);
    below(word, 0x20) | below(word ^ (EACH * 0x7f), 1)
}

pub(super) fn invalid(detail: &'static str) -> Denial {
    Denial::new(Reason::HeaderInvalid, detail)
}

/// A `tchar` (RFC 9110, section 5.6.2).
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 10 };

    #[test]
    fn a_control_character_anywhere() {
        for at in 0..17 {
            for byte in 0..=u8::MAX {
                let mut value = [b'a'; 17];
                value[at] = byte;
                let blank = byte == b' ' && matches!(at, 0 | 16);
                let tab = byte == b'\t' && !matches!(at, 0 | 16);
                let sound = !byte.is_ascii_control() && !blank || tab;
                assert_eq!(check_value(&value).is_ok(), sound, "{byte} at {at}");
            }
        }
    }

    /// Byte by byte and eight at a time come to the same, however many controls there are.
    #[test]
    fn control_characters_together() {
        let odd = [0, 8, b'\t', 0x1f, b' ', b'!', 0x7e, 0x7f, 0x80, 0x9f, 0xff, b'a'];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            usize::try_from(random >> 33).unwrap() % below
        };
        let mut refused = 0;
        for round in 0..20_000 {
            let kinds = if round % 2 == 0 { odd.len() } else { 2 };
            let mut value: Vec<u8> =
                (0..next(41)).map(|_| odd[(next(kinds) + round) % odd.len()]).collect();
            value.insert(0, b'a');
            value.push(b'a');
            let control = value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
            refused += usize::from(control);
            assert_eq!(check_value(&value).is_err(), control, "{value:?}");
        }
        assert!((1_000..19_000).contains(&refused), "{refused}");
    }

    #[test]
    fn hygiene() {
        let (ok, invalid) = (Ok(None), Err(Reason::HeaderInvalid));
        for (name, fields, want) in [
            ("clean", &[("Accept", "*/*"), ("content-length", "12")][..], Ok(Some(12))),
            ("no length", &[("accept", "*/*")], ok),
            ("obsolete text passes", &[("x-name", "caf\u{e9}")], ok),
            ("an empty value", &[("x-name", "")], ok),
            ("a tab inside", &[("x-name", "a\tb")], ok),
            ("underscore", &[("x_tenant_id", "a")], invalid),
            ("space in a name", &[("x a", "a")], invalid),
            ("space before the colon", &[("x-a ", "a")], invalid),
            ("pseudo-header", &[(":path", "/admin")], invalid),
            ("empty name", &[("", "a")], invalid),
            ("outside ASCII", &[("x-é", "a")], invalid),
            ("line break", &[("x-a", "b\r\nx-tenant-id: c")], invalid),
            ("folded line", &[("x-a", "b\r\n c")], invalid),
            ("carriage return alone", &[("x-a", "b\rc")], invalid),
            ("NUL", &[("x-a", "b\0")], invalid),
            ("DEL", &[("x-a", "b\x7f")], invalid),
            ("leading space", &[("x-a", " b")], invalid),
            ("trailing tab", &[("x-a", "b\t")], invalid),
            ("only a space", &[("x-a", " ")], invalid),
            ("100-continue", &[("Expect", "100-Continue")], ok),
            ("another expectation", &[("expect", "a=b")], invalid),
            ("expectations as a list", &[("expect", "100-continue, a")], invalid),
            ("too large", &[("x-a", &"b".repeat(1024))], Err(Reason::HeadTooLarge)),
            ("as large as may be", &[("x-a", &"b".repeat(1021))], ok),
            ("too many", &[("a", "b"); 11], Err(Reason::HeadTooLarge)),
            ("as many as may be", &[("a", "b"); 10], ok),
        ] {
            let fields = fields.iter().map(|(n, v)| ((*n).into(), v.as_bytes().to_vec()));
            let got = check(&Headers::new(fields.collect()), LIMITS);
            assert_eq!(got.map_err(|denial| denial.reason()), want, "{name}");
        }
    }
}
