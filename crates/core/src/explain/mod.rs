//! The same question, asked from outside: `request.json` in, a verdict out, with one meaning for
//! `sekisho explain`, the test cases and the running gateway.
//!
//! | place | what |
//! | --- | --- |
//! | [`question`] | what is asked: a request as data, and the state |
//! | [`answer`] | what is answered: the verdict and its ten steps |
//! | `narrate` | the words of each step: what was seen, what it was compared with, and why |
//!
//! The road itself makes no words: it keeps references to what it found, and only this module turns
//! them into text. No text has a token, a cookie or a claim of a token that was not verified.

pub mod answer;
mod narrate;
pub mod question;

pub use answer::{Answer, StepAnswer, StepOutcome, Upstream};
pub use question::{Question, QuestionScheme, State};

use crate::decide::{Decision, Verdict, decide_offline};
use crate::policy::Policy;

/// Answers a question.
pub fn explain(policy: &Policy, question: &Question, state: &State) -> Answer {
    const REQUEST_ID: &str = "00000000000000000000000000000000";
    let request = question.request(REQUEST_ID);
    let headers = request.headers.clone();
    let (decision, records) =
        decide_offline(policy, request, question.now, state.own_keys(), |keys| state.records(keys));
    let Decision { verdict, facts, .. } = &decision;
    let (denial, permit, own) = match verdict {
        Verdict::Permit(permit) => (None, Some(&**permit), None),
        Verdict::Answer(own) => (None, None, Some(own.name())),
        Verdict::Deny(denial) => (Some(denial), None, None),
    };
    let narrator =
        narrate::Narrator { policy, question, headers: &headers, facts, records: &records, permit };
    Answer {
        decision: if denial.is_some() { "deny" } else { "permit" },
        reason: denial.map(|denial| denial.reason().code()),
        status: denial.map(|denial| denial.reason().status()),
        would_deny: facts.would_deny.first().map(|denial| denial.reason().code()),
        tenant: facts.tenant.map(|tenant| tenant.id().to_string()),
        route: facts.route.map(|route| route.id().to_owned()),
        client: facts.client.map(|client| client.to_string()),
        subject: facts.subject().map(str::to_owned),
        answer: own,
        upstream: permit.map(Upstream::of),
        steps: narrator.steps(denial),
    }
}
