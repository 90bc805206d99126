//! A record's verdict under a policy.

use super::Both;
use super::known::is_told;
use super::record::Record;
use crate::test_key::{Staged, TestKey};
use jiff::Timestamp;
use sekisho_core::policy::{Route, Tenant};
use sekisho_core::records::key::kind;
use sekisho_core::records::{Record as Stored, Records};
use sekisho_core::{Decision, Headers, Reason, Request, Scheme, decide_offline};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// The most tokens that are kept.
const MAX_TOKENS: usize = 10_000;

/// A verdict, as far as a record can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is forwarded.
    Permit,
    /// It is forwarded by a route in dry run, which would refuse it for this reason.
    DryRun(Reason),
    /// It is refused.
    Deny(Reason),
    /// The next rule needs what the record has not.
    Undetermined,
}

impl Verdict {
    /// In words.
    pub fn label(self) -> String {
        match self {
            Self::Permit => "permit".to_owned(),
            Self::DryRun(reason) => format!("permit, dry run: {}", reason.code()),
            Self::Deny(reason) => reason.code().to_owned(),
            Self::Undetermined => "undetermined beyond the network".to_owned(),
        }
    }
}

/// Judges records under two policies.
pub struct Judge<'p> {
    key: &'p TestKey,
    old: &'p Staged,
    new: &'p Staged,
    now: Timestamp,
    /// By the claims that they are signed for: users come again and again.
    tokens: HashMap<String, String>,
}

impl<'p> Judge<'p> {
    /// Judges at this moment.
    pub fn new(key: &'p TestKey, old: &'p Staged, new: &'p Staged, now: Timestamp) -> Self {
        Self { key, old, new, now, tokens: HashMap::new() }
    }

    /// Both verdicts.
    ///
    /// # Errors
    /// Why the record can't be judged again.
    pub fn both(&mut self, record: &Record) -> Result<Both<'p>, String> {
        if let Some(why) = record.missing() {
            return Err(why.to_owned());
        }
        let token = self.token(record)?;
        let (old, asked_before) = self.under(self.old, record, token.as_deref())?;
        let (new, asked) = self.under(self.new, record, token.as_deref())?;
        let host = record.host.as_deref().unwrap_or_default();
        let tenant = [self.new, self.old]
            .into_iter()
            .find_map(|staged| staged.policy.tenant_of_host(host))
            .map(|tenant| tenant.id().as_str());
        Ok(Both {
            old: self.verdict(record, &old),
            new: match self.verdict(record, &new) {
                new if is_told(record, &asked_before, &asked, new) => new,
                _ => Verdict::Undetermined,
            },
            tenant,
            route: new.facts.route.or(old.facts.route).map(Route::id),
        })
    }

    /// The decision, and the state that it asked for.
    fn under(
        &self,
        staged: &'p Staged,
        record: &Record,
        token: Option<&str>,
    ) -> Result<(Decision<'p>, Vec<String>), String> {
        let mut headers = Headers::default();
        if let Some(token) = token {
            headers.push("authorization", format!("Bearer {token}"));
        }
        let client = match &record.client {
            None => None,
            Some(text) => {
                let address: IpAddr =
                    text.parse().map_err(|_| "the record's client is no address".to_owned())?;
                Some(SocketAddr::new(address, 0))
            }
        };
        let request = Request {
            method: record.method.clone().unwrap_or_default(),
            scheme: Scheme::Https,
            authority: record.host.clone(),
            target: record.path.clone().unwrap_or_default(),
            headers,
            in_flight: None,
            peer: client,
            request_id: String::new(),
            trace_ratio: None,
        };
        let state = |asked: &[String]| self.state(record, asked);
        let (decision, records) = decide_offline(&staged.policy, request, self.now, None, state);
        Ok((decision, records.into_keys().collect()))
    }

    fn verdict(&self, record: &Record, decision: &Decision<'_>) -> Verdict {
        use sekisho_core::Verdict as Road;
        let kept_back = decision.facts.would_deny.first().map(sekisho_core::Denial::reason);
        let reason = match (&decision.verdict, kept_back) {
            (Road::Permit(_) | Road::Answer(_), None) => return Verdict::Permit,
            (Road::Permit(_) | Road::Answer(_), Some(reason)) => {
                return Verdict::DryRun(reason);
            }
            (Road::Deny(denial), _) => denial.reason(),
        };
        match reason {
            // The refusal of a host without a tenant comes before its client is known.
            Reason::ClientAddressUnknown if record.client.is_none() => Verdict::Undetermined,
            Reason::TokenMissing if record.subject.is_none() => self.at_the_token(record),
            reason => Verdict::Deny(reason),
        }
    }

    /// A record without a user, judged as far as its token. What was said of that token then holds
    /// only for the same issuers.
    fn at_the_token(&self, record: &Record) -> Verdict {
        let reason = record.reason.as_deref().and_then(Reason::from_code);
        match reason {
            Some(Reason::TokenMissing) => Verdict::Deny(Reason::TokenMissing),
            Some(reason)
                if (reason.code().starts_with("token-") || reason == Reason::CrossSiteRequest)
                    && self.same_issuers(record.host.as_deref().unwrap_or_default()) =>
            {
                Verdict::Deny(reason)
            }
            _ => Verdict::Undetermined,
        }
    }

    /// Whether the host has the tenant that it had, with the same issuers.
    fn same_issuers(&self, host: &str) -> bool {
        let tenant_of = |staged: &'p Staged| staged.policy.tenant_of_host(host).map(Tenant::id);
        let (old, new) = (tenant_of(self.old), tenant_of(self.new));
        let written = |staged: &'p Staged| staged.issuers_as_written(old?.as_str());
        old.is_some() && old == new && written(self.old) == written(self.new)
    }

    fn token(&mut self, record: &Record) -> Result<Option<String>, String> {
        let (Some(subject), Some(host)) = (&record.subject, &record.host) else {
            return Ok(None);
        };
        let mut claims = Map::new();
        claims.insert("sub".into(), subject.as_str().into());
        claims.insert("roles".into(), record.roles.clone().unwrap_or_default().into());
        claims.insert("groups".into(), record.groups.clone().unwrap_or_default().into());
        if let Some(issuer) = &record.issuer {
            claims.insert("iss".into(), issuer.as_str().into());
        }
        let name = format!("{host} {}", Value::Object(claims.clone()));
        if let Some(token) = self.tokens.get(&name) {
            return Ok(Some(token.clone()));
        }
        let now = self.now.as_second();
        let token = self.key.recorded((self.old, self.new), host, &claims, now)?;
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.clear();
        }
        self.tokens.insert(name, token.clone());
        Ok(Some(token))
    }

    /// State as it was, as far as the record tells.
    fn state(&self, record: &Record, keys: &[String]) -> Records {
        let reason = record.reason.as_deref().or(record.would_deny.as_deref()).unwrap_or_default();
        let found = |value: Value| Stored::Found(value.to_string().into_bytes());
        let of = |key: &String| match (kind(key), reason) {
            (_, "state-unavailable") => Stored::Unavailable,
            ("revoked", "session-revoked") => found(json!({"v": 1})),
            ("session", "session-expired") => {
                found(json!({"v": 1, "subject": record.subject, "created": 0}))
            }
            ("session", reason) if reason != "session-ended" => found(json!({
                "v": 1, "subject": record.subject, "created": self.now.as_second(),
            })),
            ("user", "user-suspended") => found(json!({"v": 1, "state": "suspended"})),
            ("user", "user-left") => found(json!({"v": 1, "state": "left"})),
            ("user", reason) if reason != "user-unknown" => found(json!({
                "v": 1, "state": "active", "roles": record.roles, "groups": record.groups,
            })),
            ("assistant", reason) if reason != "assistant-not-found" => {
                found(json!({"v": 1, "visibility": "organization"}))
            }
            ("rate", "rate-limited") => {
                found(json!({"v": 1, "level": 0, "at": self.now.as_millisecond()}))
            }
            _ => Stored::Absent,
        };
        keys.iter().map(|key| (key.clone(), of(key))).collect()
    }
}
