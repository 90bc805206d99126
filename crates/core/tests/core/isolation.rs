//! The isolation theorem, over generated policies and requests:
//!
//! > If a request is permitted, then host, token, network, label, region and every header field that is
//! > sent upstream belong to one and the same tenant, and no upstream field came from the client
//! > under a name that is the gateway's.
//!
//! `PROPTEST_CASES=20000 cargo test --release -p sekisho-core isolation` looks further: a case is a
//! policy with some 16 requests. A request that broke a property is kept in `arbitrary/regressions.txt`
//! and tried first.

mod oracle;
mod rights;
mod upstream;

use crate::arbitrary::policy::{World, world};
use crate::arbitrary::request::{Sent, plan};
use crate::arbitrary::spoof::{Spoof, spoof};
use crate::arbitrary::twist::Twist;
use crate::support::NOW;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{FileFailurePersistence, TestError, TestRunner};
use sekisho_core::policy::load;
use sekisho_core::session::{Record, Records};
use sekisho_core::{Policy, Reason, Request, Timestamp, Verdict, decide_offline};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Requests to one policy: loading it costs more than judging by it.
const REQUESTS: std::ops::Range<usize> = 1..32;

/// A permit, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Permitted {
    tenant: String,
    route: String,
    origin: String,
    method: String,
    target: String,
    url: String,
    headers: Vec<(String, String)>,
}

/// A verdict, the records it was based on, and those that it writes.
#[derive(Debug, PartialEq, Eq)]
struct Judged {
    verdict: Result<Permitted, Reason>,
    records: Vec<String>,
    writes: Vec<String>,
}

/// A policy as it was generated, as core loaded it, and what the store holds.
struct Gateway<'w> {
    world: &'w World,
    policy: Policy,
    store: Records,
}

impl Gateway<'_> {
    fn judge(&self, request: &Request) -> Judged {
        let found = |key: &String| self.store.get(key).cloned().unwrap_or(Record::Absent);
        let state = |keys: &[String]| keys.iter().map(|key| (key.clone(), found(key))).collect();
        let now = Timestamp::from_second(NOW).unwrap();
        let (decision, records) = decide_offline(&self.policy, request.clone(), now, None, state);
        let records = records.into_keys().collect();
        let writes = decision.writes.into_iter().map(|(key, _)| key).collect();
        let verdict = match decision.verdict {
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => Err(denial.reason()),
            Verdict::Permit(permit) => Ok(Permitted {
                tenant: permit.tenant().id().to_string(),
                route: permit.route().id().to_owned(),
                origin: permit.origin().id().to_owned(),
                method: permit.method().to_owned(),
                target: permit.path_and_query().to_owned(),
                url: permit.url(),
                headers: permit
                    .headers()
                    .iter()
                    .map(|(name, value)| (name.into(), String::from_utf8(value.to_vec()).unwrap()))
                    .collect(),
            }),
        };
        Judged { verdict, records, writes }
    }
}

/// How often each verdict was given, so that no property holds for want of permits.
#[derive(Default)]
struct Tally {
    tried: u32,
    permits: u32,
    denials: BTreeMap<&'static str, u32>,
}

impl Tally {
    fn count(&mut self, judged: &Judged) {
        match &judged.verdict {
            Ok(_) => self.permits += 1,
            Err(reason) => *self.denials.entry(reason.code()).or_default() += 1,
        }
    }

    /// More than so many of a hundred requests were permitted.
    fn has_permits(&self, percent: u32) {
        let Self { permits, tried, .. } = self;
        assert!(permits * 100 > tried * percent, "{permits} permits of {tried} requests: too few");
    }
}

/// Tries a property on generated policies, each with requests.
fn for_all<T: std::fmt::Debug>(
    requests: impl Strategy<Value = T>,
    property: impl Fn(&Gateway<'_>, &T, &mut Tally) -> Result<(), TestCaseError>,
) -> Tally {
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/core/arbitrary/regressions.txt");
    let config = ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::default()
    };
    let tally = RefCell::new(Tally::default());
    let cases = (world(), prop::collection::vec(requests, REQUESTS));
    let tried = TestRunner::new(config).run(&cases, |(world, requests)| {
        let policy = load(&world.files())
            .map_err(|faults| TestCaseError::fail(format!("the policy has faults: {faults:#?}")))?;
        let gateway = Gateway { world: &world, policy, store: world.records() };
        let mut tally = tally.borrow_mut();
        requests.iter().try_for_each(|request| {
            tally.tried += 1;
            property(&gateway, request, &mut tally)
        })
    });
    match tried {
        Ok(()) => tally.into_inner(),
        Err(TestError::Fail(why, (world, _))) => panic!("{why}\n{world:#?}"),
        Err(error) => panic!("{error}"),
    }
}

fn fail<T>(why: impl Into<String>, sent: &Sent) -> Result<T, TestCaseError> {
    Err(TestCaseError::fail(format!("{}\n{sent}", why.into())))
}

#[test]
fn a_permit_belongs_to_one_tenant() {
    let tally = for_all(plan(), |gateway, plan, tally| {
        let sent = plan.send(gateway.world);
        let judged = gateway.judge(&sent.request);
        tally.count(&judged);
        match &judged.verdict {
            Err(reason) if oracle::must_permit(gateway.world, &sent) => {
                fail(format!("a right request got {reason}"), &sent)
            }
            Err(_) => Ok(()),
            Ok(permit) => {
                let prefix = format!("t/{}/", permit.tenant);
                let mut keys = judged.records.iter().chain(&judged.writes);
                if !keys.all(|key| key.starts_with(&prefix)) {
                    return fail(format!("not only the tenant's records: {judged:?}"), &sent);
                }
                oracle::judge(gateway.world, &sent, permit).or_else(|clause| {
                    fail(format!("permitted, though {clause}\n{permit:#?}"), &sent)
                })
            }
        }
    });
    tally.has_permits(20);
    for reason in [
        Reason::TenantUnknown,
        Reason::AuthorityMismatch,
        Reason::NetworkNotAllowed,
        Reason::TokenMissing,
        Reason::TokenAmbiguous,
        Reason::TokenIssuerUnknown,
        Reason::TokenKeyUnknown,
        Reason::TokenSignatureInvalid,
        Reason::TokenAudienceMismatch,
        Reason::TokenTenantMismatch,
        Reason::TokenClaimsInvalid,
        Reason::SessionRevoked,
        Reason::UserUnknown,
        Reason::UserSuspended,
        Reason::UserLeft,
        Reason::RoleMissing,
        Reason::AssistantNotFound,
        Reason::RateLimited,
        Reason::TargetNotCanonical,
    ] {
        assert!(tally.denials.contains_key(reason.code()), "no request was twisted into {reason}");
    }
}

#[test]
fn a_request_has_one_verdict() {
    for_all(plan(), |gateway, plan, _| {
        let sent = plan.send(gateway.world);
        let (first, second) = (gateway.judge(&sent.request), gateway.judge(&sent.request));
        prop_assert_eq!(first, second);
        Ok(())
    });
}

#[test]
fn a_reserved_field_changes_nothing() {
    let spoofed = (plan(), prop::collection::vec(spoof(), 1..4));
    let tally = for_all(spoofed, |gateway, (plan, spoofs), tally| {
        let sent = plan.send(gateway.world);
        let before = gateway.judge(&sent.request);
        let mut request = sent.request.clone();
        for spoof in spoofs.iter().filter(|spoof| !has_meaning(gateway.world, spoof)) {
            let (name, value) = spoof.field(gateway.world);
            request.headers.push(name.to_lowercase(), value);
        }
        let after = gateway.judge(&request);
        tally.count(&after);
        if before != after {
            return fail(format!("{before:#?} became {after:#?} by {spoofs:#?}"), &sent);
        }
        Ok(())
    });
    tally.has_permits(20);
}

/// The field is refused, or it may be a trusted proxy's word.
fn has_meaning(world: &World, spoof: &Spoof) -> bool {
    let proxys = ["x-forwarded-for", "x-forwarded-proto", "x-request-id", world.address_header];
    spoof.is_refused() || proxys.contains(&spoof.folded())
}

#[test]
fn without_its_token_no_request_is_permitted() {
    let tally = for_all(plan(), |gateway, plan, tally| {
        let sent = plan.send(gateway.world);
        let judged = gateway.judge(&sent.request);
        let Ok(permit) = &judged.verdict else { return Ok(()) };
        if gateway.world.routes.iter().any(|route| route.id == permit.route && route.public) {
            return Ok(());
        }
        tally.count(&judged);
        let without = plan.twisted(Twist::NoToken).send(gateway.world);
        prop_assert_eq!(gateway.judge(&without.request).verdict, Err(Reason::TokenMissing));
        Ok(())
    });
    tally.has_permits(12);
}

#[test]
fn no_token_is_good_at_another_tenants_host() {
    let tally = for_all((plan(), any::<Index>()), |gateway, (plan, other), tally| {
        let sent = plan.send(gateway.world);
        let judged = gateway.judge(&sent.request);
        let Ok(permit) = &judged.verdict else { return Ok(()) };
        // Where the index falls on the tenant itself, nothing is shown and nothing counted.
        let elsewhere = plan.twisted(Twist::HostOf(*other)).send(gateway.world);
        match gateway.judge(&elsewhere.request).verdict {
            Err(_) => tally.count(&judged),
            Ok(there) if there.tenant == permit.tenant => {}
            Ok(there) => {
                let public = gateway.world.routes.iter().any(|r| r.id == there.route && r.public);
                let names_it = elsewhere.minted.iter().any(|minted| {
                    let claims = minted.claims.as_object().unwrap();
                    claims.values().any(|claim| *claim == there.tenant)
                });
                if !public && !names_it {
                    return fail(format!("permitted at {} too", there.tenant), &elsewhere);
                }
            }
        }
        Ok(())
    });
    tally.has_permits(10);
}
