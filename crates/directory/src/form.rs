//! What a user's record may say: one rule for a row of a file and for whoever writes a user by himself.

use sekisho_core::directory::User;
use sekisho_core::records::key;
use sekisho_core::token::claims::{MAX_NAMES, MAX_ROLES, MAX_SUBJECT, is_name, is_role};

/// The longest name and address, in characters; of an address RFC 5321, section 4.5.3.1.
pub const MAX_TEXT: usize = 256;

/// A token's subject: 1 to 255 printable ASCII characters, no spaces, and not what looks as the digest of another.
pub fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !key::is_digest(text)
}

/// An address that mail could be sent to.
pub fn is_email(text: &str) -> bool {
    let parts = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.contains('@')
            && domain.split('.').all(|label| !label.is_empty())
    });
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    parts && plain && text.chars().count() <= MAX_TEXT
}

/// A name of one line.
pub fn is_line(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// Whether a gateway could read the record of this user, and people what it says.
///
/// # Errors
/// The member that is wrong, and what to write in its place.
pub fn check(user: &User) -> Result<(), (&'static str, &'static str)> {
    if user.roles.len() > MAX_ROLES || !user.roles.iter().all(|role| is_role(role)) {
        return Err(("roles", "write at most 64, each of 1 to 64 letters, digits and - _ . : /"));
    }
    if user.groups.len() > MAX_NAMES || !user.groups.iter().all(|group| is_name(group)) {
        return Err((
            "groups",
            "write at most 256, each of 1 to 256 bytes without control characters",
        ));
    }
    if user.email.as_ref().is_some_and(|email| !is_email(email)) {
        return Err(("email", "write it as hanako@example.jp"));
    }
    if user.name.as_ref().is_some_and(|name| name.is_empty() || !is_line(name)) {
        return Err(("name", "write 1 to 256 characters on one line"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_may_say() {
        for (text, sound) in [
            ("hanako@acme.example", true),
            ("a@b", true),
            ("a@b@c", false),
            ("a@.b", false),
            ("@b", false),
            ("a b@c", false),
            ("", false),
        ] {
            assert_eq!(is_email(text), sound, "{text:?}");
        }
        assert!(is_line("佐藤 花子") && !is_line("a\nb") && !is_line(&"x".repeat(257)));
        assert!(is_subject("auth0|abc") && !is_subject("a b") && !is_subject("関所"));
        assert!(!is_subject(&key::digest("u-1")), "it would be read as u-1");
    }
}
