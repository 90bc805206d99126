//! The gateway component: the adapter between WASI and the decision in `sekisho-core`.
//!
//! It decides nothing. It reads a request, asks core, fetches the keys and records that core asks for, and
//! acts on the verdict; `Gateway::handle` below is the whole road, top to bottom.
//!
//! With the feature `spin` (the default) it also imports Spin's key-value store; without it, it
//! imports `wasi:*` only, has policy files and no state.

#![cfg(target_family = "wasm")]

mod answer;
mod audit;
mod body;
mod clock;
mod fetch;
mod keys;
mod origins;
mod own;
mod request;
mod state;
mod stream;
mod upstream;

use sekisho_core::answer::Reply;
use sekisho_core::audit::Outcome;
use sekisho_core::refusal::{Audience, refuse};
use sekisho_core::{Decision, Denial, Facts, Policy, Progress, Verdict, decide};
use wasip3::http::types::{ErrorCode, Request, Response};

wasip3::http::service::export!(Gateway);

struct Gateway;

impl wasip3::exports::http::handler::Guest for Gateway {
    async fn handle(incoming: Request) -> Result<Response, ErrorCode> {
        let arrival = clock::Arrival::now();
        let request = request::read(&incoming);
        let audience = Audience::of(&request.method, &request.headers);

        let policy = sekisho_mount::for_request(&request);
        let (facts, outcome) = match &policy {
            Ok(policy) => judge_and_forward(policy, request, incoming, &arrival).await,
            Err(denial) => (Facts::of(&request), Err(denial.clone())),
        };

        let digest = policy.as_ref().ok().map(|policy| policy.digest());
        match outcome {
            Ok(response) => {
                audit::write(
                    &facts,
                    Outcome::Permitted(response.get_status_code()),
                    digest,
                    &arrival,
                );
                Ok(response)
            }
            Err(denial) => {
                let refusal = refuse(&denial, &facts, &audience);
                audit::write(&facts, Outcome::Denied(&denial, refusal.status), digest, &arrival);
                answer::own(refusal.status, refusal.headers, refusal.body)
            }
        }
    }
}

async fn judge_and_forward<'p>(
    policy: &'p Policy,
    request: sekisho_core::Request,
    incoming: Request,
    arrival: &clock::Arrival,
) -> (Facts<'p>, Result<Response, Denial>) {
    let mut progress = decide(policy, request, arrival.time());
    let Decision { verdict, mut facts, writes } = loop {
        progress = match progress {
            Progress::Decided(decision) => break *decision,
            Progress::Keys(needs) => {
                let keys = keys::of(&needs).await;
                needs.resume(keys.as_deref().map_err(Clone::clone))
            }
            Progress::Pending(pending) => {
                let records = state::fetch(pending.records()).await;
                break pending.resume(&records);
            }
        }
    };
    let outcome = match verdict {
        Verdict::Permit(permit) => {
            let asked = upstream::Asked { facts: &mut facts, policy: policy.digest(), arrival };
            state::writing(&writes, upstream::forward(*permit, incoming, asked)).await
        }
        Verdict::Answer(Reply::PublishedKeys) => own::publish(facts.method == Some("HEAD")).await,
        Verdict::Answer(Reply::Preflight(headers)) => answer::preflight(headers),
        Verdict::Deny(denial) => Err(denial),
    };
    (facts, outcome)
}
