//! Remedies for slips of the pen.

/// The remedy for what the TOML reader says: for an unknown key or word, the nearest known one.
pub(super) fn suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let known: Vec<&str>;
    if message.starts_with("unknown")
        && let Some(unknown) = quoted.next()
    {
        known = quoted.collect();
        return did_you_mean(unknown, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
    }
    "see the annotated example in policy/ for the form of this file".into()
}

pub(super) fn did_you_mean<'a>(
    unknown: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<String> {
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean {name:?}?"))
}
