//! The patterns of the routes' paths: `/literal/{parameter}/{*rest}`.

use super::Loader;
use crate::policy::source::Spanned;
use crate::request::target::{Target, is_unreserved};

/// The most parameters in one pattern. The router has 25 names for them and panics at the next.
const MAX_PARAMETERS: usize = 16;

impl Loader<'_> {
    /// Whether the pattern may be given to the router, which gets nothing that has a fault.
    pub(super) fn path_pattern(&mut self, path: &Spanned<String>) -> bool {
        match judge(path.get_ref()) {
            Ok(()) => true,
            Err(why) => {
                self.path_fault(path, why);
                false
            }
        }
    }

    pub(super) fn path_fault(&mut self, path: &Spanned<String>, why: &str) {
        self.fault(
            "route-path-invalid",
            ("gateway.toml", Some(path.span())),
            format!("{:?} is no path pattern: {why}", path.get_ref()),
            "write /literal/{parameter}/{*rest}; two patterns may not differ in parameter names only",
        );
    }
}

/// A pattern's literals are of unreserved characters (RFC 3986, section 2.3), the only ones that
/// a canonical path spells in one way: `/v1:run` would let `/v1%3Arun` by, to a wider pattern.
fn judge(pattern: &str) -> Result<(), &'static str> {
    if !pattern.starts_with('/') {
        return Err("it does not start with a slash");
    }
    let mut literals = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut parameters = 0;
    while let Some((literal, opened)) = rest.split_once('{') {
        let (name, after) = opened.split_once('}').ok_or("a brace is not closed")?;
        if !is_parameter(name) {
            return Err("a parameter's name is not of letters, digits, '-' and '_'");
        }
        parameters += 1;
        literals.push_str(literal);
        // What stands for the parameter is no dot segment.
        literals.push('x');
        rest = after;
    }
    literals.push_str(rest);
    if parameters > MAX_PARAMETERS {
        return Err("it has more than 16 parameters");
    }
    let plain = literals.bytes().all(|b| is_unreserved(b) || b == b'/');
    if !plain || Target::parse(&literals).is_err() {
        return Err("no canonical path, or not only one, would match it");
    }
    Ok(())
}

fn is_parameter(name: &str) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
