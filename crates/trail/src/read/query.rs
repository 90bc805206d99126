//! Which records are wanted.

use jiff::Timestamp;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What a record must say; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the member of a record that has its name")]
pub struct Query {
    /// No earlier than this.
    pub since: Option<Timestamp>,
    /// Earlier than this.
    pub until: Option<Timestamp>,
    pub tenant: Option<String>,
    pub subject: Option<String>,
    pub decision: Option<String>,
    pub reason: Option<String>,
    pub route: Option<String>,
    pub origin: Option<String>,
    pub client: Option<String>,
    pub request_id: Option<String>,
    /// An event; `request` stands for the records of requests, which name none.
    pub event: Option<String>,
    /// Anywhere in the line.
    pub text: Option<String>,
}

/// The name of records that name no event.
pub const REQUEST: &str = "request";

type Text<'a> = Option<Cow<'a, str>>;

/// What is read of a record. Members of another kind than expected are absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is the member that has its name")]
pub struct Record<'a> {
    #[serde(borrow, deserialize_with = "text")]
    pub time: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub event: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub request_id: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub tenant: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub subject: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub client: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub method: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub path: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub route: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub origin: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub decision: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub reason: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub detail: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub end: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub text: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub signature: Text<'a>,
    #[serde(borrow, deserialize_with = "text")]
    pub component: Text<'a>,
    #[serde(deserialize_with = "number")]
    pub status: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub bytes: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub records: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub seq: Option<u64>,
}

impl<'a> Record<'a> {
    /// Reads a line.
    pub fn of(line: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }

    /// When it was.
    pub fn time(&self) -> Option<Timestamp> {
        self.time.as_deref()?.parse().ok()
    }

    /// Whether it is the gateway's own word on a request.
    pub fn is_request(&self) -> bool {
        self.event.is_none() && self.component.is_none()
    }
}

impl Query {
    /// Whether a record says this, but for the text.
    fn fits(&self, record: &Record<'_>) -> bool {
        let is = |wanted: &Option<String>, said: &Text<'_>| {
            wanted.as_ref().is_none_or(|wanted| said.as_deref() == Some(wanted))
        };
        is(&self.tenant, &record.tenant)
            && is(&self.subject, &record.subject)
            && is(&self.decision, &record.decision)
            && is(&self.reason, &record.reason)
            && is(&self.route, &record.route)
            && is(&self.origin, &record.origin)
            && is(&self.client, &record.client)
            && is(&self.request_id, &record.request_id)
            && self.event.as_deref().is_none_or(|wanted| match wanted {
                REQUEST => record.is_request(),
                wanted => record.event.as_deref() == Some(wanted),
            })
            && self.is_in_time(record)
    }

    fn is_in_time(&self, record: &Record<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        record.time().is_some_and(|time| {
            self.since.is_none_or(|since| time >= since)
                && self.until.is_none_or(|until| time < until)
        })
    }

    /// Prepares to judge many lines.
    pub(super) fn matcher(&self) -> Matcher<'_> {
        let values = [
            &self.request_id,
            &self.subject,
            &self.client,
            &self.reason,
            &self.route,
            &self.origin,
            &self.tenant,
            &self.decision,
        ];
        let event = self.event.as_ref().filter(|event| *event != REQUEST);
        let needles = values.into_iter().flatten().chain(event);
        let needles = needles.map(|value| Finder::new(value.as_bytes()).into_owned()).collect();
        let text = self.text.as_ref().map(|text| Finder::new(text.as_bytes()).into_owned());
        Matcher { query: self, needles, text }
    }
}

/// Judges lines: most are turned away by a search for what they would have to say, before anything is parsed.
pub(super) struct Matcher<'q> {
    query: &'q Query,
    needles: Vec<Finder<'static>>,
    text: Option<Finder<'static>>,
}

impl Matcher<'_> {
    /// The record of a line, if it fits.
    pub(super) fn judge<'l>(
        &self,
        line: &'l [u8],
        ended: bool,
    ) -> serde_json::Result<Option<Record<'l>>> {
        // A value with an escape may be spelled in another way.
        let lacks = |needle: &Finder<'_>| needle.find(line).is_none();
        if self.needles.iter().any(lacks) && memchr::memchr(b'\\', line).is_none() {
            return Ok(None);
        }
        // What is being written is none yet.
        if !ended || self.text.as_ref().is_some_and(lacks) {
            return Ok(None);
        }
        let record = Record::of(line)?;
        Ok(self.query.fits(&record).then_some(record))
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text<'de>, D::Error> {
    deserializer.deserialize_any(Lenient).map(|(text, _)| text)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(Lenient).map(|(_, number)| number)
}

/// A text or a number; anything else is neither.
struct Lenient;

impl<'de> Visitor<'de> for Lenient {
    type Value = (Text<'de>, Option<u64>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok((Some(Cow::Borrowed(text)), None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((Some(Cow::Owned(text.to_owned())), None))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok((None, Some(number)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok((None, None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok((None, None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok((None, None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((None, None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok((None, None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok((None, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(query: &Query, line: &str) -> Option<bool> {
        query.matcher().judge(line.as_bytes(), true).ok().map(|record| record.is_some())
    }

    #[test]
    fn a_record_fits_by_what_it_says_and_not_by_where_the_text_stands() {
        let tenant = Query { tenant: Some("acme".to_owned()), ..Query::default() };
        let quoted = Query { subject: Some("a\"b".to_owned()), ..Query::default() };
        let request = Query { event: Some(REQUEST.to_owned()), ..Query::default() };
        let since = Query { since: "2026-11-28T09:00:00Z".parse().ok(), ..Query::default() };
        let until = Query { until: "2026-11-28T09:00:00Z".parse().ok(), ..Query::default() };
        for (query, line, want) in [
            (&tenant, r#"{"tenant":"acme"}"#, Some(true)),
            (&tenant, r#"{ "tenant" : "acme" , "x":[1,{"y":null}] }"#, Some(true)),
            (&tenant, r#"{"tenant":"\u0061cme"}"#, Some(true)),
            (&tenant, r#"{"tenant":"globex","path":"/acme"}"#, Some(false)),
            (&tenant, r#"{"tenant":"acme2"}"#, Some(false)),
            (&tenant, r#"{"tenant":["acme"]}"#, Some(false)),
            (&tenant, r#"{"tenant":null}"#, Some(false)),
            (&tenant, "acme", None),
            (&quoted, r#"{"subject":"a\"b"}"#, Some(true)),
            (&request, r#"{"decision":"permit"}"#, Some(true)),
            (&request, r#"{"event":"stream-end"}"#, Some(false)),
            (&request, r#"{"decision":"permit","component":"other"}"#, Some(false)),
            (&since, r#"{"time":"2026-11-28T09:00:00.000000Z"}"#, Some(true)),
            (&since, r#"{"time":"2026-11-28T08:59:59.999999Z"}"#, Some(false)),
            (&since, r#"{"time":7}"#, Some(false)),
            (&until, r#"{"time":"2026-11-28T09:00:00.000000Z"}"#, Some(false)),
            (&until, r#"{"time":"2026-11-28T08:59:59.999999Z"}"#, Some(true)),
        ] {
            assert_eq!(judge(query, line), want, "{line}");
        }
    }
}
