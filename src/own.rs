//! The gateway's own keys: read from the variable `sekisho_keys`, used to sign what origins are told, and
//! published. The secrets stay in this file and in core's [`OwnKeys`], which shows none.

use crate::{answer, clock};
use sekisho_core::answer::published_keys;
use sekisho_core::token::own::OwnKeys;
use sekisho_core::token::own::assertion::Signed;
use sekisho_core::{Denial, Permit, Reason};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasip3::clocks::monotonic_clock::{self, Mark};
use wasip3::http::types::Response;

/// How long an instance uses the keys before it reads the variable again: a host may have a new value for
/// it at any time.
const FRESH: Duration = Duration::from_mins(1);

struct Known {
    text: String,
    keys: Rc<OwnKeys>,
    /// When the reading of the variable began.
    read: Mark,
    signed: Signed,
}

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The keys, or why there are none. Keys that were good stay in use while the variable can't be read; what
/// can be read is what the operator says, and if it is no set of keys there are none.
pub(crate) async fn keys() -> Result<Rc<OwnKeys>, String> {
    let fresh = u64::try_from(FRESH.as_nanos()).unwrap_or(u64::MAX);
    let known = KNOWN.with_borrow(|known| {
        let known = known.as_ref()?;
        let age = monotonic_clock::now().saturating_sub(known.read);
        Some((Rc::clone(&known.keys), age < fresh))
    });
    if let Some((keys, true)) = known {
        return Ok(keys);
    }
    let began = monotonic_clock::now();
    match (variable().await, known) {
        (Ok(text), _) => {
            let keys = parsed(&text).inspect_err(|_| KNOWN.set(None))?;
            Ok(remember(text, keys, began))
        }
        (Err(why), None) => Err(why),
        (Err(why), Some((keys, _))) => {
            eprintln!("own keys: {why}; the ones before stay in use");
            KNOWN.with_borrow_mut(|known| {
                if let Some(known) = known {
                    known.read = known.read.max(began);
                }
            });
            Ok(keys)
        }
    }
}

fn parsed(text: &str) -> Result<OwnKeys, String> {
    if text.trim().is_empty() {
        return Err("the variable sekisho_keys is empty; `sekisho keys new` makes keys".into());
    }
    OwnKeys::parse(text.as_bytes()).map_err(|why| format!("the variable sekisho_keys: {why}"))
}

/// The same keys stay, with the signatures that they were seen to hold; so do those of a reading that another
/// request began later.
fn remember(text: String, keys: OwnKeys, began: Mark) -> Rc<OwnKeys> {
    KNOWN.with_borrow_mut(|known| match known {
        Some(known) if known.text == text || known.read > began => {
            known.read = known.read.max(began);
            Rc::clone(&known.keys)
        }
        _ => {
            let keys = Rc::new(keys);
            let signed = Signed::default();
            *known = Some(Known { text, keys: Rc::clone(&keys), read: began, signed });
            keys
        }
    })
}

#[cfg(feature = "spin")]
async fn variable() -> Result<String, String> {
    // What a provider says of its failure may quote what it failed with.
    let text = spin_sdk::variables::get("sekisho_keys").await;
    text.map_err(|_| "the variable sekisho_keys can't be read".to_owned())
}

/// A host without Spin's variables has the component's environment.
#[cfg(not(feature = "spin"))]
#[allow(clippy::unused_async, reason = "the same signature as with variables")]
async fn variable() -> Result<String, String> {
    Ok(std::env::var("SEKISHO_KEYS").unwrap_or_default())
}

/// The gateway's signed word for the request's origin, where the policy asks for one.
pub(crate) async fn assertion(
    permit: &Permit<'_>,
    request_id: &str,
) -> Result<Option<String>, Denial> {
    let Some((assertion, lifetime)) = permit.assertion() else {
        return Ok(None);
    };
    let keys = keys().await.map_err(unavailable)?;
    let token = KNOWN.with_borrow_mut(|known| match known {
        Some(known) if Rc::ptr_eq(&known.keys, &keys) => {
            known.signed.token(assertion, &keys, request_id, lifetime, clock::now())
        }
        // Another request read other keys in between.
        _ => assertion.sign(&keys, request_id, lifetime, clock::now()),
    });
    token.map(Some).map_err(unavailable)
}

/// The public keys.
pub(crate) async fn publish(head: bool) -> Result<Response, Denial> {
    let keys = keys().await.map_err(unavailable)?;
    let answer = published_keys(&keys);
    let body = if head { String::new() } else { answer.body };
    answer::own(200, answer.headers, body)
        .map_err(|error| Denial::new(Reason::OwnKeysUnavailable, format!("{error:?}")))
}

fn unavailable(why: String) -> Denial {
    Denial::new(Reason::OwnKeysUnavailable, why)
}
