//! A question of any JSON gets a whole answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::Reason;
use sekisho_core::explain::{Question, State, StepOutcome, explain};
use sekisho_fuzz::POLICY;

fuzz_target!(|text: &str| {
    let Ok(question) = Question::parse(text) else { return };
    let answer = explain(&POLICY, &question, &State::default());
    assert_eq!(answer.steps.len(), 10);
    let denied = answer.steps.iter().filter(|step| step.outcome == StepOutcome::Denied).count();
    match answer.reason {
        Some(reason) => {
            let reason = Reason::from_code(reason).expect("a known reason");
            assert_eq!((answer.decision, answer.status), ("deny", Some(reason.status())));
            assert!(answer.upstream.is_none() && denied == 1);
        }
        None => {
            assert_eq!((answer.decision, answer.status, denied), ("permit", None, 0));
            let upstream = answer.upstream.as_ref().expect("a permit leads upstream");
            assert!(
                upstream.url.ends_with(question.target.trim_start_matches("https://"))
                    || question.target.contains("://")
            );
        }
    }
    serde_json::to_string(&answer).expect("an answer is JSON");
});
