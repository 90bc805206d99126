//! A record as a line for people.

use super::when::Zone;
use crate::report::{Paint, Style};
use crate::text::{is_active, printable};
use sekisho_trail::read::Record;
use std::fmt::Write as _;

/// What stands above the lines.
pub(super) const HEADER: &str = "TIME                     DECISION     TENANT       USER             CLIENT           REQUEST\n";

/// One record in one line.
pub(super) fn line(record: &Record<'_>, zone: &Zone, style: Style) -> String {
    let time = record.time().map_or_else(|| "-".to_owned(), |time| zone.show(time));
    let (paint, decision) = decision(record);
    // Padded before it is painted: an escape sequence has no width.
    let decision = style.paint(paint, &format!("{decision:<12}"));
    let [tenant, user, client] = [&record.tenant, &record.subject, &record.client]
        .map(|text| cell(text.as_deref().unwrap_or("-")));
    let mut line =
        format!("{time:<24} {decision} {tenant:<12} {user:<16} {client:<16} {}", what(record));
    for more in [&record.reason, &record.detail].into_iter().flatten() {
        // Writing to a String can't fail.
        let _ = write!(line, "  {}", cell(more));
    }
    if let Some(id) = &record.request_id {
        let _ = write!(line, "  {}", style.paint(Paint::Dim, &cell(id)));
    }
    line.push('\n');
    line
}

fn decision(record: &Record<'_>) -> (Paint, String) {
    let status = record.status.map(|status| format!(" {status}")).unwrap_or_default();
    match (record.event.as_deref(), record.decision.as_deref()) {
        (None, Some("permit")) => (Paint::Good, format!("permit{status}")),
        (None, Some("deny")) => (Paint::Bad, format!("deny{status}")),
        (Some("stream-end"), _) if record.end.as_deref() == Some("denied") => {
            (Paint::Bad, "stream cut".to_owned())
        }
        (Some("stream-end"), _) => (Paint::Dim, "stream end".to_owned()),
        (Some(event), _) => (Paint::Note, cell(event)),
        (None, _) => (Paint::Note, "-".to_owned()),
    }
}

fn what(record: &Record<'_>) -> String {
    let method = record.method.as_deref().map(cell);
    let path = record.path.as_deref().map(cell);
    let route = record.route.as_deref().map(|route| format!("({})", cell(route)));
    let mut words: Vec<String> = [method, path, route].into_iter().flatten().collect();
    words.extend(record.end.as_deref().map(cell));
    words.extend(record.bytes.map(|bytes| format!("{bytes} bytes")));
    words.extend(record.records.map(|records| {
        let signed = if record.signature.is_some() { "signed" } else { "not signed" };
        format!("after {records} records, {signed}")
    }));
    words.extend(record.text.as_deref().map(cell));
    words.extend(record.component.as_deref().map(|name| format!("of component {}", cell(name))));
    words.join(" ")
}

/// A text on one line that acts on no terminal.
pub(super) fn cell(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// A line of JSON with what could act on a terminal as JSON's own escapes, which mean the same.
pub(super) fn inert(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_active(c) {
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_and_acts_on_no_terminal() {
        let zone = Zone::of("JST").unwrap();
        let style = Style { color: false, out: false };
        let json = "{\"time\":\"2026-11-28T12:00:00Z\",\"decision\":\"deny\",\"status\":403,\"reason\":\"role-missing\",\
                    \"tenant\":\"a\\u001b[2J\",\"subject\":\"u\\n\\t1\",\"path\":\"/\u{202e}x\",\"request_id\":\"r\u{9b}\"}";
        let shown = line(&Record::of(json.as_bytes()).unwrap(), &zone, style);
        assert!(shown.starts_with("2026-11-28 21:00:00 JST  deny 403     a\\u{1b}[2J"), "{shown}");
        assert_eq!(shown.matches('\n').count(), 1);
        assert!(!shown.trim_end().chars().any(is_active), "{shown:?}");
        let safe = inert(json);
        assert!(!safe.chars().any(is_active));
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&safe), parse(json));
    }
}
