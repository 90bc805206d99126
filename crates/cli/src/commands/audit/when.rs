//! Times as people write and read them.

use crate::report::Failure;
use jiff::civil::{Date, DateTime};
use jiff::tz::{self, TimeZone};
use jiff::{Span, Timestamp, ToSpan as _};

/// A time zone and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    zone: TimeZone,
    name: &'static str,
}

/// The end of a range that a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Since,
    /// A day is meant to its end.
    Until,
}

impl Zone {
    /// JST, UTC, or an IANA name.
    pub(super) fn of(name: &str) -> Result<Self, Failure> {
        match name {
            // Without any daylight saving, so that it needs no table.
            "JST" | "Asia/Tokyo" => Ok(Self { zone: TimeZone::fixed(tz::offset(9)), name: "JST" }),
            "UTC" | "Z" => Ok(Self { zone: TimeZone::UTC, name: "UTC" }),
            name => match TimeZone::get(name) {
                Ok(zone) => Ok(Self { zone, name: "" }),
                Err(_) => Err(Failure::invalid(format!("there is no time zone {name:?}"))
                    .help("write JST, UTC, or an IANA name such as Europe/Berlin")),
            },
        }
    }

    /// A time for people, to the second.
    pub(super) fn show(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.zone.clone());
        let shown = zoned.strftime("%Y-%m-%d %H:%M:%S");
        if self.name.is_empty() {
            zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
        } else {
            format!("{shown} {}", self.name)
        }
    }

    /// What is meant by a time: RFC 3339, a date or a date and time in this zone, or so long ago.
    pub(super) fn moment(
        &self,
        text: &str,
        end: End,
        now: Timestamp,
    ) -> Result<Timestamp, Failure> {
        let found = self.parse(text.trim(), end, now);
        found.ok_or_else(|| {
            Failure::invalid(format!("{text:?} is no time")).help(
                "write 2026-11-28, \"2026-11-28 21:00\", 2026-11-28T12:00:00Z, or how long ago: 90s, 30m, 2h, 3d",
            )
        })
    }

    fn parse(&self, text: &str, end: End, now: Timestamp) -> Option<Timestamp> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Some(time);
        }
        let local = |time: DateTime| time.to_zoned(self.zone.clone()).ok();
        if let Ok(day) = text.parse::<Date>()
            && !text.contains(':')
        {
            let day = if end == End::Until { day.checked_add(1.day()).ok()? } else { day };
            return Some(local(day.into())?.timestamp());
        }
        if let Ok(time) = text.parse::<DateTime>() {
            return Some(local(time)?.timestamp());
        }
        let ago: Span = text.parse().ok()?;
        if ago.is_negative() || ago.is_zero() {
            return None;
        }
        Some(now.to_zoned(self.zone.clone()).checked_sub(ago).ok()?.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        for (zone, text, end, want) in [
            ("JST", "2026-11-28", End::Since, "2026-11-27T15:00:00Z"),
            ("JST", "2026-11-28", End::Until, "2026-11-28T15:00:00Z"),
            ("UTC", "2026-11-28", End::Since, "2026-11-28T00:00:00Z"),
            ("JST", "2026-11-28 21:30", End::Since, "2026-11-28T12:30:00Z"),
            ("JST", "2026-11-28T21:30:05", End::Until, "2026-11-28T12:30:05Z"),
            ("JST", "2026-11-28T12:30:05Z", End::Since, "2026-11-28T12:30:05Z"),
            ("UTC", "2026-11-28T12:30:05+09:00", End::Since, "2026-11-28T03:30:05Z"),
            ("JST", "2h", End::Since, "2026-11-28T10:00:00Z"),
            ("JST", "1h30m", End::Since, "2026-11-28T10:30:00Z"),
            ("JST", "3d", End::Since, "2026-11-25T12:00:00Z"),
            ("JST", "90s", End::Until, "2026-11-28T11:58:30Z"),
            // The clocks went back on 25 October.
            ("Europe/Berlin", "2026-10-25", End::Until, "2026-10-25T23:00:00Z"),
        ] {
            let found = Zone::of(zone).unwrap().moment(text, end, now);
            assert_eq!(found.ok(), want.parse().ok(), "{text} in {zone}");
        }
        for text in ["", "soon", "-2h", "0s", "2026-13-01", "21:30"] {
            assert!(Zone::of("JST").unwrap().moment(text, End::Since, now).is_err(), "{text}");
        }
        assert!(Zone::of("Mars/Olympus").is_err());
    }

    #[test]
    fn what_people_read() {
        let now: Timestamp = "2026-11-28T12:00:00.999Z".parse().unwrap();
        for (zone, want) in [
            ("JST", "2026-11-28 21:00:00 JST"),
            ("UTC", "2026-11-28 12:00:00 UTC"),
            ("Europe/Berlin", "2026-11-28 13:00:00 CET"),
        ] {
            assert_eq!(Zone::of(zone).unwrap().show(now), want);
        }
    }
}
