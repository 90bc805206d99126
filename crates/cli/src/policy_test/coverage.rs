//! What the cases touch of a policy, and what none does.
//!
//! A route is covered by a case that reaches it and is permitted and one that is denied there; a
//! tenant by a case that is for one of its hosts; a reason by a case that is denied for it.

use sekisho_core::explain::Answer;
use sekisho_core::policy::Route;
use sekisho_core::{Policy, Reason};
use serde::Serialize;
use std::collections::BTreeSet;

/// What no case touches.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uncovered {
    /// Routes that no case reaches.
    pub routes: Vec<String>,
    /// Routes by which no case is permitted.
    pub never_permitted: Vec<String>,
    /// Routes on which no case is denied.
    pub never_denied: Vec<String>,
    /// Tenants for which there is no case.
    pub tenants: Vec<String>,
    /// Reasons for which no case is denied.
    pub reasons: Vec<&'static str>,
}

impl Uncovered {
    /// Compares the verdicts with the policy.
    pub fn of<'a>(policy: &Policy, answers: impl Iterator<Item = &'a Answer>) -> Self {
        let (mut permitted, mut denied) = (BTreeSet::new(), BTreeSet::new());
        let (mut tenants, mut reasons) = (BTreeSet::new(), BTreeSet::new());
        for answer in answers {
            tenants.extend(answer.tenant.as_deref());
            reasons.extend(answer.reason);
            let routes = if answer.decision == "permit" { &mut permitted } else { &mut denied };
            routes.extend(answer.route.as_deref());
        }
        let without = |is_in: &dyn Fn(&str) -> bool| -> Vec<String> {
            let ids = policy.routes().iter().map(Route::id);
            ids.filter(|id| !is_in(id)).map(str::to_owned).collect()
        };
        let ids = policy.tenants().iter().map(|tenant| tenant.id().as_str());
        Self {
            routes: without(&|id| permitted.contains(id) || denied.contains(id)),
            never_permitted: without(&|id| permitted.contains(id)),
            never_denied: without(&|id| denied.contains(id)),
            tenants: ids.filter(|id| !tenants.contains(id)).map(str::to_owned).collect(),
            reasons: Reason::ALL
                .iter()
                .map(|reason| reason.code())
                .filter(|code| !reasons.contains(code))
                .collect(),
        }
    }
}
