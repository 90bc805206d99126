//! Text that others wrote, made fit for a terminal.

use std::fmt::Write as _;

/// The text with every character that could act on a terminal or reorder what it shows written as
/// `\u{…}`: controls other than line feed and tab, and the bidirectional formatting characters.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_active(c) {
            // Writing to a String can't fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether a character could act on a terminal or reorder what it shows.
pub fn is_active(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || is_bidi(c)
}

/// The characters of Unicode Standard Annex #9, section 2, and the line separators.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first 8 digits of a policy's digest: enough to tell two policies apart by eye.
pub fn short(digest: &str) -> String {
    format!("{}…", digest.chars().take(8).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        for (name, text, want) in [
            ("plain", "関所 ok\n\t", "関所 ok\n\t"),
            ("escape", "\u{1b}[2J", "\\u{1b}[2J"),
            ("C1", "\u{9b}2J", "\\u{9b}2J"),
            ("carriage return", "a\rb", "a\\u{d}b"),
            ("right to left override", "a\u{202e}b", "a\\u{202e}b"),
            ("isolate", "\u{2066}", "\\u{2066}"),
        ] {
            assert_eq!(printable(text), want, "{name}");
        }
    }
}
