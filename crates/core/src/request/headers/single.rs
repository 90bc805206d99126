//! Fields that stand once: their definition is no list (RFC 9110, section 5.3), so of two, one
//! reader takes the first, another the last, a third both joined by a comma.

use super::Headers;
use crate::denial::{Denial, Reason};

const SINGLE: [&str; 22] = [
    "access-control-request-method",
    "content-disposition",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "date",
    "from",
    "idempotency-key",
    "if-modified-since",
    "if-range",
    "if-unmodified-since",
    "last-event-id",
    "max-forwards",
    "origin",
    "range",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "upgrade-insecure-requests",
    "user-agent",
];

/// A request field that may stand only once.
pub(crate) fn is_single(name: &str) -> bool {
    SINGLE.contains(&name)
}

/// Refuses a second field of a name that stands once.
pub(super) fn check(headers: &Headers) -> Result<(), Denial> {
    let mut seen = [false; SINGLE.len()];
    for (name, _) in headers.iter() {
        let place = SINGLE.iter().position(|single| *single == name);
        let Some(seen) = place.and_then(|place| seen.get_mut(place)) else { continue };
        if *seen {
            return Err(Denial::new(Reason::HeaderInvalid, format!("more than one {name}")));
        }
        *seen = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice() {
        let twice = |name: &'static str| {
            let mut headers = Headers::default();
            headers.push(name, "a");
            headers.push("accept", "b");
            assert_eq!(check(&headers), Ok(()), "{name} once");
            headers.push(name, "a");
            check(&headers).map_err(|denial| denial.reason())
        };
        for name in SINGLE {
            assert_eq!(twice(name), Err(Reason::HeaderInvalid), "{name}");
        }
        for list in ["accept", "cookie", "if-none-match", "via", "x-a", "traceparent"] {
            assert_eq!(twice(list), Ok(()), "{list}");
        }
    }
}
