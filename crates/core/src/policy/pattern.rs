//! A route's path: `/literal/{parameter}/{*rest}`.
//!
//! Rules, in evaluation order:
//!
//! 1. It starts with a slash.
//! 2. A parameter is a whole segment, so that of two patterns that match one path, one is the more
//!    specific, and a reader sees which. Its name is of letters, digits, `-` and `_`.
//! 3. The rest comes last. It stands for one or more segments, and is not empty.
//! 4. There are at most 16 parameters, each of another name.
//! 5. Literals are of unreserved characters (RFC 3986, section 2.3), the only ones that a canonical
//!    path spells in one way: `/v1:run` would let `/v1%3Arun` by, to a wider pattern. With something
//!    for each parameter, the pattern is a canonical path.

use crate::request::target::{Target, is_unreserved};

/// The most parameters in one pattern. The router has 25 names for them and panics at the next.
const MAX_PARAMETERS: usize = 16;

/// A path pattern, segment by segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern<'a> {
    segments: Vec<Segment<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'a> {
    Literal(&'a str),
    Parameter(&'a str),
    Rest(&'a str),
}

impl<'a> Pattern<'a> {
    /// Reads a pattern, or says what is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        let path = text.strip_prefix('/').ok_or("it does not start with a slash")?;
        let segments: Vec<_> = path.split('/').map(Segment::parse).collect::<Result<_, _>>()?;
        let before_last = segments.len().saturating_sub(1);
        if segments.iter().take(before_last).any(|segment| matches!(segment, Segment::Rest(_))) {
            return Err("something follows the rest");
        }
        let pattern = Self { segments };
        if pattern.names().count() > MAX_PARAMETERS {
            return Err("it has more than 16 parameters");
        }
        if pattern.names().enumerate().any(|(n, name)| pattern.names().take(n).any(|n| n == name)) {
            return Err("it names two parameters alike");
        }
        let example: String =
            pattern.segments.iter().flat_map(|segment| ["/", segment.example()]).collect();
        let plain = example.bytes().all(|byte| is_unreserved(byte) || byte == b'/');
        if !plain || Target::parse(&example).is_err() {
            return Err("no canonical path, or not only one, would match it");
        }
        Ok(pattern)
    }

    /// Whether a parameter of this name stands for one segment.
    pub fn has_parameter(&self, name: &str) -> bool {
        self.segments.contains(&Segment::Parameter(name))
    }

    /// Whether this pattern matches every path that the other does.
    pub fn covers(&self, other: &Pattern<'_>) -> bool {
        self.compare(other, covers)
    }

    /// Whether a path exists that both patterns match.
    pub fn meets(&self, other: &Pattern<'_>) -> bool {
        self.compare(other, meets)
    }

    fn compare(&self, other: &Pattern<'_>, holds: fn(Segment<'_>, Segment<'_>) -> bool) -> bool {
        let (mut ours, mut theirs) = (self.segments.iter(), other.segments.iter());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(ours), Some(theirs)) => {
                    if !holds(*ours, *theirs) {
                        return false;
                    }
                    if matches!(ours, Segment::Rest(_)) || matches!(theirs, Segment::Rest(_)) {
                        return true;
                    }
                }
                _ => return false,
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) | Segment::Rest(name) => Some(*name),
        })
    }
}

impl<'a> Segment<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        let Some(inner) = text.strip_prefix('{') else {
            return if text.contains(['{', '}']) {
                Err("a parameter is not a whole segment")
            } else {
                Ok(Self::Literal(text))
            };
        };
        let inner =
            inner.strip_suffix('}').ok_or("a brace is not closed where its segment ends")?;
        let name = inner.strip_prefix('*').unwrap_or(inner);
        let is_name = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !is_name {
            return Err("a parameter's name is not of letters, digits, '-' and '_'");
        }
        Ok(if inner == name { Self::Parameter(name) } else { Self::Rest(name) })
    }

    /// A text that the segment matches; for a parameter, none that is a dot segment.
    fn example(&self) -> &'a str {
        match self {
            Self::Literal(text) => text,
            Self::Parameter(_) | Self::Rest(_) => "x",
        }
    }
}

/// No parameter matches the empty segment behind a trailing slash.
fn covers(ours: Segment<'_>, theirs: Segment<'_>) -> bool {
    use Segment::{Literal, Parameter, Rest};
    match (ours, theirs) {
        (Literal(ours), Literal(theirs)) => ours == theirs,
        (Literal(_), _) | (Parameter(_), Rest(_)) => false,
        (Parameter(_) | Rest(_), Literal(theirs)) => !theirs.is_empty(),
        (Parameter(_) | Rest(_), Parameter(_)) | (Rest(_), Rest(_)) => true,
    }
}

fn meets(ours: Segment<'_>, theirs: Segment<'_>) -> bool {
    use Segment::Literal;
    match (ours, theirs) {
        (Literal(ours), Literal(theirs)) => ours == theirs,
        (Literal(text), _) | (_, Literal(text)) => !text.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn which_pattern_covers_or_meets_which() {
        for (ours, theirs, covers, meets) in [
            ("/a", "/a", true, true),
            ("/a", "/b", false, false),
            ("/a", "/a/", false, false),
            ("/a/", "/a/", true, true),
            ("/{x}", "/a", true, true),
            ("/{x}", "/{y}", true, true),
            ("/a", "/{x}", false, true),
            ("/{x}", "/", false, false),
            ("/{x}", "/{*r}", false, true),
            ("/{*r}", "/{x}", true, true),
            ("/{*r}", "/{*s}", true, true),
            ("/{*r}", "/a/b/c", true, true),
            ("/{*r}", "/a/", true, true),
            ("/{*r}", "/", false, false),
            ("/a/{*r}", "/a", false, false),
            ("/a/{*r}", "/a/", false, false),
            ("/a/{*r}", "/{x}/b", false, true),
            ("/a/{*r}", "/b/{*r}", false, false),
            ("/{x}/b", "/a/{y}", false, true),
            ("/{x}/b", "/a/c", false, false),
            ("/{x}/{*r}", "/a/b/{c}", true, true),
        ] {
            let (one, two) = (Pattern::parse(ours).unwrap(), Pattern::parse(theirs).unwrap());
            assert_eq!(one.covers(&two), covers, "{ours} covers {theirs}");
            assert_eq!(one.meets(&two), meets, "{ours} meets {theirs}");
            assert_eq!(two.meets(&one), meets, "{theirs} meets {ours}");
        }
    }

    #[test]
    fn parameters() {
        let pattern = Pattern::parse("/a/{b}/c/{*d}").unwrap();
        for (name, has) in [("b", true), ("a", false), ("d", false), ("*d", false), ("", false)] {
            assert_eq!(pattern.has_parameter(name), has, "{name}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for (pattern, why) in [
            ("", "does not start with a slash"),
            ("a", "does not start with a slash"),
            ("/a{x}", "not a whole segment"),
            ("/x}", "not a whole segment"),
            ("/{x}a", "not closed where"),
            ("/{x", "not closed where"),
            ("/{x/y}", "not closed where"),
            ("/{}", "a parameter's name"),
            ("/{*}", "a parameter's name"),
            ("/{**a}", "a parameter's name"),
            ("/{a}{b}", "a parameter's name"),
            ("/{{a}}", "a parameter's name"),
            ("/{*a}/b", "follows the rest"),
            ("/{*a}/", "follows the rest"),
            ("/{a}/{a}", "two parameters alike"),
            ("/{a}/{*a}", "two parameters alike"),
            ("/a//b", "canonical"),
            ("//", "canonical"),
            ("/..", "canonical"),
            ("/a:b", "canonical"),
            ("/a%20b", "canonical"),
            ("/a?b", "canonical"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }
}
