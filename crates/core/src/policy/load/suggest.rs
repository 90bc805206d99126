//! Remedies for slips of the pen.

/// The remedy for what the TOML reader says: for an unknown key or word, the nearest known one.
pub(super) fn suggestion(message: &str) -> String {
    let mut names = quoted(message);
    if message.starts_with("unknown")
        && let Some(unknown) = names.next()
    {
        let known: Vec<&str> = names.collect();
        return did_you_mean(unknown, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
    }
    "see the annotated example in policy/ for the form of this file".into()
}

/// What stands in backticks in the TOML reader's message.
pub(super) fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The question whether the nearest known name was meant, if one is near.
pub(super) fn did_you_mean<'a>(
    unknown: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<String> {
    nearest(unknown, known).map(|name| format!("did you mean {name:?}?"))
}

/// The known name that is most like the unknown one, if any is near.
pub(super) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
