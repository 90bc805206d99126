//! The same question, asked from outside: `request.json` in, a verdict out, with one meaning for
//! `sekisho explain`, the test cases and the running gateway.

use crate::decide::{Decision, Facts, Progress, Step, Verdict, decide};
use crate::denial::Denial;
use crate::permit::Permit;
use crate::policy::Policy;
use crate::request::{Headers, Request, Scheme};
use crate::session::{Record, Records};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A request as data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The method.
    pub method: String,
    /// `https` or `http`: how it reached the host.
    pub scheme: QuestionScheme,
    /// The host's word for `:authority`, where it keeps it apart from the header fields.
    pub authority: Option<String>,
    /// The request target.
    pub target: String,
    /// Header fields in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The peer's address and port.
    pub peer: Option<SocketAddr>,
    /// The moment of judgement, RFC 3339.
    pub now: Timestamp,
}

/// How a request as data reached the host.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionScheme {
    /// Over TLS.
    Https,
    /// In the clear.
    Http,
}

impl Question {
    /// Parses one question.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The request, with an identifier.
    pub fn request(&self, request_id: &str) -> Request {
        Request {
            method: self.method.clone(),
            scheme: match self.scheme {
                QuestionScheme::Https => Scheme::Https,
                QuestionScheme::Http => Scheme::Http,
            },
            authority: self.authority.clone(),
            target: self.target.clone(),
            headers: Headers::new(
                self.headers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect(),
            ),
            peer: self.peer,
            request_id: request_id.to_owned(),
        }
    }
}

/// State as data: what a store would hold, by key. A key that is not there is absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct State(pub BTreeMap<String, Value>);

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
}

/// How one step ended.
#[derive(Clone, Debug, Serialize)]
pub struct StepAnswer {
    /// The step's name.
    pub step: &'static str,
    /// `held`, `denied`, `skipped` (public route) or `not-reached`.
    pub outcome: &'static str,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Answers a question.
pub fn explain(policy: &Policy, question: &Question, state: &State) -> Answer {
    const REQUEST_ID: &str = "00000000000000000000000000000000";
    let decision = match decide(policy, question.request(REQUEST_ID), question.now) {
        Progress::Decided(decision) => *decision,
        Progress::Pending(pending) => {
            let records = state.records(pending.records());
            pending.resume(&records)
        }
    };
    answer(&decision)
}

impl State {
    /// The records of these keys.
    pub fn records(&self, keys: &[String]) -> Records {
        let record = |key: &String| match self.0.get(key) {
            Some(value) => Record::Found(value.to_string().into_bytes()),
            None => Record::Absent,
        };
        keys.iter().map(|key| (key.clone(), record(key))).collect()
    }
}

fn answer(decision: &Decision<'_>) -> Answer {
    let Decision { verdict, facts, .. } = decision;
    let (denial, upstream) = match verdict {
        Verdict::Permit(permit) => (None, Some(upstream(permit))),
        Verdict::Deny(denial) => (Some(denial), None),
    };
    Answer {
        decision: if denial.is_some() { "deny" } else { "permit" },
        reason: denial.map(|denial| denial.reason().code()),
        status: denial.map(|denial| denial.reason().status()),
        would_deny: facts.would_deny.as_ref().map(|denial| denial.reason().code()),
        tenant: facts.tenant.map(|tenant| tenant.id().to_string()),
        route: facts.route.map(|route| route.id().to_owned()),
        client: facts.client.map(|client| client.to_string()),
        subject: facts.subject().map(str::to_owned),
        steps: steps(facts, denial, upstream.as_ref()),
        upstream,
    }
}

fn upstream(permit: &Permit<'_>) -> Upstream {
    Upstream {
        origin: permit.origin().id().to_owned(),
        url: permit.url(),
        headers: permit
            .headers()
            .iter()
            .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
            .collect(),
    }
}

fn steps(
    facts: &Facts<'_>,
    denial: Option<&Denial>,
    upstream: Option<&Upstream>,
) -> Vec<StepAnswer> {
    let reached = facts.reached.unwrap_or(Step::Transport);
    Step::ALL
        .into_iter()
        .map(|step| {
            let (outcome, detail) = match denial {
                _ if step > reached => ("not-reached", None),
                Some(denial) if step == reached => ("denied", Some(denial.detail().to_owned())),
                _ if facts.is_public()
                    && matches!(step, Step::Token | Step::Session | Step::Authorize) =>
                {
                    ("skipped", Some("the route is public".to_owned()))
                }
                _ => ("held", seen(step, facts, upstream)),
            };
            StepAnswer { step: step.name(), outcome, detail }
        })
        .collect()
}

fn seen(step: Step, facts: &Facts<'_>, upstream: Option<&Upstream>) -> Option<String> {
    match step {
        Step::Canonical => Some(format!("{} {}", facts.method?, facts.path.as_deref()?)),
        Step::Tenant => facts.tenant.map(|tenant| tenant.id().to_string()),
        Step::Client => facts.client.map(|client| client.to_string()),
        Step::Route => facts.route.map(|route| route.id().to_owned()),
        Step::Token => facts.subject().map(str::to_owned),
        Step::Permit => upstream.map(|upstream| upstream.url.clone()),
        Step::Transport | Step::Network | Step::Session | Step::Authorize => None,
    }
}
