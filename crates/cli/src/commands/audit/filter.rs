//! Which records are meant.

use super::when::{End, Zone};
use crate::report::Failure;
use jiff::Timestamp;
use sekisho_trail::read::Query;

/// Conditions that a record must meet, all of them.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// From this time on: 2026-11-28, "2026-11-28 21:00", 2026-11-28T12:00:00Z, or so long ago: 2h, 3d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time; a date is meant to its end
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The tenant
    #[arg(long)]
    tenant: Option<String>,
    /// The user, by the token's subject
    #[arg(long, value_name = "SUBJECT")]
    user: Option<String>,
    /// What was decided
    #[arg(long, value_parser = ["permit", "deny"])]
    decision: Option<String>,
    /// Why it was refused, such as network-not-allowed
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// The route
    #[arg(long, value_name = "ID")]
    route: Option<String>,
    /// The origin
    #[arg(long, value_name = "ID")]
    origin: Option<String>,
    /// The client's address
    #[arg(long, value_name = "ADDRESS")]
    client: Option<String>,
    /// The request
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Text that stands anywhere in the record
    #[arg(long)]
    text: Option<String>,
    /// The zone of times: JST, UTC, or an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "JST")]
    tz: String,
}

impl Filter {
    pub(super) fn zone(&self) -> Result<Zone, Failure> {
        Zone::of(&self.tz)
    }

    /// The query; `event` is what the record must be about.
    pub(super) fn query(self, event: Option<String>) -> Result<Query, Failure> {
        let zone = self.zone()?;
        let now = Timestamp::now();
        let moment = |text: &Option<String>, end| {
            text.as_deref().map(|text| zone.moment(text, end, now)).transpose()
        };
        let (since, until) = (moment(&self.since, End::Since)?, moment(&self.until, End::Until)?);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(Failure::invalid("--until is not after --since"));
        }
        Ok(Query {
            since,
            until,
            tenant: self.tenant,
            subject: self.user,
            decision: self.decision,
            reason: self.reason,
            route: self.route,
            origin: self.origin,
            client: self.client,
            request_id: self.request_id,
            event,
            text: self.text,
        })
    }
}
