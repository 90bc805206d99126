//! A verdict for people: one line that says it, the ten steps, and what the origin will see.

use crate::report::{Paint, Style};
use crate::text::printable;
use sekisho_core::explain::{Answer, StepAnswer, StepOutcome, Upstream};
use std::fmt::Write as _;

/// The verdict as text.
pub(super) fn show(answer: &Answer, style: Style) -> String {
    let mut text = format!("{}\n\n", verdict(answer, style));
    for (position, step) in answer.steps.iter().enumerate() {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}", line(position + 1, step, style));
    }
    if let Some(upstream) = &answer.upstream {
        text.push('\n');
        text.push_str(&seen_by_origin(upstream, style));
    }
    text
}

fn verdict(answer: &Answer, style: Style) -> String {
    let who = [&answer.tenant, &answer.route, &answer.subject];
    let who: Vec<String> = who.iter().filter_map(|part| part.as_deref()).map(printable).collect();
    let (paint, mut text) = match (answer.reason, answer.status) {
        (Some(reason), Some(status)) => (Paint::Bad, format!("DENIED {status} {reason}")),
        _ => (Paint::Good, "PERMITTED".to_owned()),
    };
    text = style.paint(paint, &text);
    if let Some(reason) = answer.would_deny {
        let _ = write!(text, " {}", style.paint(Paint::Note, &format!("dry run: {reason}")));
    }
    if who.is_empty() { text } else { format!("{text}  {}", who.join(" · ")) }
}

fn line(number: usize, step: &StepAnswer, style: Style) -> String {
    let (paint, mark) = match step.outcome {
        StepOutcome::Held => (Paint::Good, "held"),
        StepOutcome::Denied => (Paint::Bad, "denied"),
        StepOutcome::WouldDeny => (Paint::Note, "would deny"),
        StepOutcome::Skipped => (Paint::Dim, "skipped"),
        StepOutcome::NotReached => (Paint::Dim, "not reached"),
    };
    let words: Vec<String> = [&step.seen, &step.compared, &step.detail]
        .into_iter()
        .flatten()
        .filter(|words| !words.is_empty())
        .map(|words| printable(words).replace('\n', "\\n"))
        .collect();
    // Padded before it is painted: an escape sequence has no width.
    let mark = style.paint(paint, &format!("{mark:<11}"));
    let line = format!("{number:>2} {:<10} {mark}  {}", step.step, words.join(" · "));
    line.trim_end().to_owned()
}

fn seen_by_origin(upstream: &Upstream, style: Style) -> String {
    let title = style.paint(Paint::Strong, "What the origin sees:");
    let mut text = format!("{title}\n  {}: {}\n", upstream.origin, printable(&upstream.url));
    for (name, value) in &upstream.headers {
        let value = if name == "cookie" {
            format!("({} bytes, not shown)", value.len())
        } else {
            printable(value).replace('\n', "\\n")
        };
        let _ = writeln!(text, "  {}: {value}", printable(name));
    }
    if let Some(claims) = upstream.assertion.as_ref().and_then(|it| serde_json::to_string(it).ok())
    {
        let claims = printable(&claims);
        let _ = writeln!(text, "  sekisho-assertion: (signed by the running gateway) {claims}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(outcome: StepOutcome, detail: &str) -> StepAnswer {
        StepAnswer {
            step: "network",
            outcome,
            seen: Some("203.0.113.9".into()),
            compared: None,
            detail: Some(detail.into()),
        }
    }

    #[test]
    fn a_line_is_one_line_and_acts_on_no_terminal() {
        let plain = Style { color: false, out: false };
        let hostile = step(StepOutcome::Denied, "a\n\u{1b}[2J");
        assert_eq!(
            line(6, &hostile, plain),
            " 6 network    denied       203.0.113.9 · a\\n\\u{1b}[2J"
        );
        let painted = Style { color: false, out: true };
        assert!(line(6, &hostile, painted).contains("\u{1b}[1;31mdenied     \u{1b}[0m"));
    }

    #[test]
    fn a_cookie_is_not_shown() {
        let upstream = Upstream {
            origin: "o".into(),
            url: "https://o.example/".into(),
            headers: vec![("cookie".into(), "a=s3cret".into()), ("accept".into(), "*/*".into())],
            assertion: None,
        };
        let text = seen_by_origin(&upstream, Style { color: false, out: false });
        assert!(!text.contains("s3cret") && text.contains("cookie: (8 bytes"), "{text}");
        assert!(text.contains("accept: */*"), "{text}");
    }
}
