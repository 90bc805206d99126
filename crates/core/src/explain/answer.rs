//! What is answered: a verdict as data.

use crate::permit::Permit;
use crate::token::own::assertion::Assertion;
use serde::Serialize;

/// A verdict as data.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// `permit` or `deny`.
    pub decision: &'static str,
    /// The reason of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The status of a denial; a permitted request's is the origin's to give.
    pub status: Option<u16>,
    /// The reason for which a permitted request's route would have refused it, were it not in dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_deny: Option<&'static str>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The route.
    pub route: Option<String>,
    /// The client's address.
    pub client: Option<String>,
    /// The subject of the verified token.
    pub subject: Option<String>,
    /// What the gateway answers a permitted request itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<&'static str>,
    /// What a permitted request's origin will see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// The ten steps.
    pub steps: Vec<StepAnswer>,
}

/// A permitted request as its origin will see it.
#[derive(Clone, Debug, Serialize)]
pub struct Upstream {
    /// The origin's identifier.
    pub origin: String,
    /// The whole URL.
    pub url: String,
    /// Header fields in order.
    pub headers: Vec<(String, String)>,
    /// What `Sekisho-Assertion` will say besides, but for the time: only a running gateway has the keys to
    /// sign it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
}

impl Upstream {
    pub(super) fn of(permit: &Permit<'_>) -> Self {
        let text = |(name, value): (&str, &[u8])| {
            (name.to_owned(), String::from_utf8_lossy(value).into_owned())
        };
        Self {
            origin: permit.origin().id().to_owned(),
            url: permit.url(),
            headers: permit.headers().iter().map(text).collect(),
            assertion: permit.assertion().map(|(assertion, _)| assertion.clone()),
        }
    }
}

/// How one step ended, in words. A step that was not reached has none.
#[derive(Clone, Debug, Serialize)]
pub struct StepAnswer {
    /// The step's name.
    pub step: &'static str,
    /// How it ended.
    pub outcome: StepOutcome,
    /// What of the request was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// What of the policy or the state it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<String>,
    /// Why it held or fell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It held.
    Held,
    /// The request was denied here.
    Denied,
    /// It would have denied the request, were the route enforced.
    WouldDeny,
    /// The route is public, so nobody asked.
    Skipped,
    /// The request was denied before.
    NotReached,
}
