//! Which origin a request goes to, by what this instance has seen of them.

use sekisho_core::origins::{Failure, Health};
use sekisho_core::policy::Origin;
use sekisho_core::{Denial, Permit};
use std::cell::RefCell;
use std::time::Duration;
use wasip3::clocks::monotonic_clock;
use wasip3::random::random;

thread_local! {
    static HEALTH: RefCell<Health> = RefCell::default();
}

/// Directs the request to an origin that works, if there is one.
pub(crate) fn choose(permit: &mut Permit<'_>) -> Result<(), Denial> {
    let chance = chance(permit);
    HEALTH.with_borrow(|health| permit.choose(health, chance, now()))
}

/// Directs it to another one; `false` where none is left.
pub(crate) fn choose_another(permit: &mut Permit<'_>) -> bool {
    let chance = chance(permit);
    HEALTH.with_borrow(|health| permit.choose_another(health, chance, now()))
}

/// The origin has answered.
pub(crate) fn answered(origin: &Origin) {
    HEALTH.with_borrow_mut(|health| health.answered(origin));
}

/// The origin has not.
pub(crate) fn failed(origin: &Origin, failure: Failure) {
    HEALTH.with_borrow_mut(|health| health.failed(origin, failure, now()));
}

fn chance(permit: &Permit<'_>) -> u64 {
    if permit.has_alternatives() { random::get_random_u64() } else { 0 }
}

fn now() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}
