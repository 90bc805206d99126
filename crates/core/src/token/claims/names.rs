//! Roles and groups: a list of texts, or one text with spaces between the names (as `scope` has it,
//! RFC 8693, section 4.2).
//!
//! Roles stand in a comma-separated header and in routes, so their form is narrow. What an identity
//! provider calls them need not fit: then the issuer's `role_map` says which role each of its names
//! is, and names that it does not have are none. Groups are only compared.

use super::{Claims, invalid};
use crate::denial::Denial;
use crate::policy::{ClaimPath, Issuer};
use serde_json::Value;

/// The most roles of a principal.
pub const MAX_ROLES: usize = 64;

/// The most names in a claim that is mapped, and the most groups.
pub const MAX_NAMES: usize = 256;

/// The longest group, or name that is mapped to a role, in bytes.
pub const MAX_NAME: usize = 256;

/// A role name: it stands in a comma-separated header, so it has no comma and no space.
pub fn is_role(role: &str) -> bool {
    (1..=64).contains(&role.len())
        && role
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/'))
}

/// Any text that can be compared and shown.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
}

pub(super) fn roles(claims: &Claims, issuer: &Issuer) -> Result<Vec<String>, Denial> {
    let Some(map) = issuer.role_map() else {
        let roles = names(claims, issuer.roles_claim(), "roles", MAX_ROLES, is_role)?;
        return Ok(roles.into_iter().map(str::to_owned).collect());
    };
    let mut roles: Vec<String> = Vec::new();
    for name in names(claims, issuer.roles_claim(), "roles", MAX_NAMES, is_name)? {
        if let Some(role) = map.get(name).filter(|role| !roles.contains(role)) {
            roles.push(role.clone());
        }
    }
    if roles.len() > MAX_ROLES {
        return Err(invalid(format!("more than {MAX_ROLES} roles")));
    }
    Ok(roles)
}

pub(super) fn groups(claims: &Claims, issuer: &Issuer) -> Result<Vec<String>, Denial> {
    let Some(claim) = issuer.groups_claim() else {
        return Ok(Vec::new());
    };
    let groups = names(claims, claim, "groups", MAX_NAMES, is_name)?;
    Ok(groups.into_iter().map(str::to_owned).collect())
}

/// The names in a claim; one that is no name refuses the token, because it may have meant to be two.
fn names<'c>(
    claims: &'c Claims,
    claim: &ClaimPath,
    what: &'static str,
    most: usize,
    fits: fn(&str) -> bool,
) -> Result<Vec<&'c str>, Denial> {
    let names: Vec<&str> = match claim.find(claims)? {
        None => Vec::new(),
        Some(Value::String(text)) => text.split(' ').filter(|name| !name.is_empty()).collect(),
        Some(Value::Array(names)) => names
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(|| invalid(format!("{what}: not all are text")))?,
        Some(_) => return Err(invalid(format!("{what}: neither a text nor a list"))),
    };
    if names.len() > most {
        return Err(invalid(format!("more than {most} {what}")));
    }
    if !names.iter().all(|name| fits(name)) {
        return Err(invalid(format!("{what}: not all are names")));
    }
    Ok(names)
}
