//! The cases beside a policy: each asks what `sekisho explain` asks and says what must come of it.
//!
//! | place | what |
//! | --- | --- |
//! | here | one case: its question, with a token signed for its claims, and its verdict |
//! | [`compare`] | where a verdict is not the expected one |
//! | [`coverage`] | what no case touches |
//!
//! The format is that of `tests/cases` ([`sekisho_testing::cases`]); besides, `request.json` may have
//! `claims` in place of a token, which the [test key](crate::test_key) signs.

pub mod compare;
pub mod coverage;

use crate::report::Failure;
use crate::test_key::{Staged, TestKey};
use compare::{Difference, differences};
use sekisho_core::explain::{Answer, Question, State, explain};
use sekisho_core::request::canonical::Authority;
use sekisho_testing::cases::Case;
use serde_json::Value;

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// The verdict.
    pub answer: Answer,
    /// Where it is not the expected one; nowhere if the case passes.
    pub differences: Vec<Difference>,
}

/// Judges a case by a policy with the test key.
///
/// # Errors
/// A part of the case can't be understood.
pub fn run(case: &Case, staged: &Staged, key: &TestKey) -> Result<Outcome, Failure> {
    let wrong = |why: String| Failure::invalid(format!("the case {}: {why}", case.name));
    let question = question(&case.request, staged, key).map_err(wrong)?;
    let state: State = match &case.state {
        Some(state) => serde_json::from_value(state.clone())
            .map_err(|error| wrong(format!("state.json is not records by key: {error}")))?,
        None => State::default(),
    };
    if case.expected.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(wrong("expected.json expects nothing; name at least the decision".into()));
    }
    let answer = explain(&staged.policy, &question, &state);
    let got = serde_json::to_value(&answer)
        .map_err(|error| Failure::fault(format!("cannot write JSON: {error}")))?;
    let differences = differences(&case.expected, &got);
    Ok(Outcome { name: case.name.clone(), answer, differences })
}

fn question(request: &Value, staged: &Staged, key: &TestKey) -> Result<Question, String> {
    let mut request = request.clone();
    let given = request.as_object_mut().and_then(|members| members.remove("claims"));
    let mut question: Question = serde_json::from_value(request)
        .map_err(|error| format!("request.json is not a request: {error}"))?;
    let Some(given) = given else {
        return Ok(question);
    };
    let given = given.as_object().ok_or("\"claims\" is not an object")?;
    if question.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        return Err("request.json has both claims and an Authorization field; keep one".into());
    }
    // A request without a sound host is refused before anyone reads its token.
    let host = Authority::of(&question.request("")).ok();
    let host = host.as_ref().map(Authority::host);
    let token = key.token(staged, host, given, question.now.as_second())?;
    question.headers.push(("authorization".into(), format!("Bearer {token}")));
    Ok(question)
}
