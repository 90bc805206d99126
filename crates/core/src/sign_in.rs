//! Where a browser is sent that comes without a sound token: to the tenant's login, with what it asked for in
//! `return_to`. A page's own requests are not: they could not follow, and get the refusal.

use crate::denial::Denial;
use crate::policy::Tenant;
use crate::refusal::{Audience, Refusal};
use crate::request::Canonical;

/// A longer address is cut off by some servers; then the way back is left out.
const LONGEST: usize = 4096;

/// The address to sign in at, if the request is a browser's navigation and the tenant has one.
pub(crate) fn address(request: &Canonical, tenant: &Tenant) -> Option<String> {
    let login = tenant.login()?;
    if !Audience::of(request.method, &request.headers).is_navigation() {
        return None;
    }
    let separator = if login.contains('?') { '&' } else { '?' };
    let back = encoded(request.target.as_str());
    let whole = format!("{login}{separator}return_to={back}");
    Some(if whole.len() > LONGEST { login.to_owned() } else { whole })
}

/// The refusal as a redirect to there, where signing in can help.
pub(crate) fn redirect(denial: &Denial, refusal: &mut Refusal, address: Option<&str>) {
    if let Some(address) = address.filter(|_| denial.reason().status() == 401) {
        refusal.status = 303;
        refusal.headers.remove("www-authenticate");
        refusal.headers.push("location", address);
    }
}

/// Percent-encoded but for unreserved characters (RFC 3986, section 2.3): nothing in it can end the parameter.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            const DIGITS: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
            encoded.push('%');
            for half in [byte >> 4, byte & 0xf] {
                encoded.extend(DIGITS.get(usize::from(half)));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_parameter() {
        assert_eq!(encoded("/a/b?c=d&e=%41~"), "%2Fa%2Fb%3Fc%3Dd%26e%3D%2541~");
    }
}
