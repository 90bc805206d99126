//! The road, top to bottom.

use crate::answer::Reply;
use crate::cors::Sharing;
use crate::denial::{Denial, Reason};
use crate::limit::Write;
use crate::permit::Permit;
use crate::policy::{Directory, Issuer, Origin, Policy, Route, Tenant};
use crate::records::{Given, Needed, Records};
use crate::request::{Headers, Request, canonical, transport};
use crate::token::claims::Principal;
use crate::token::keys::KeySet;
use crate::token::own::OwnKeys;
use crate::token::{Authenticated, Claimed, Wanted};
use crate::trace::Trace;
use crate::{authorize, client, network, route, session, sign_in, tenant, token};
use jiff::Timestamp;
use std::net::IpAddr;
use std::ops::ControlFlow;

/// A step of the road.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// 1
    Transport,
    /// 2
    Canonical,
    /// 3
    Tenant,
    /// 4
    Client,
    /// 5
    Route,
    /// 6
    Network,
    /// 7
    Token,
    /// 8
    Session,
    /// 9
    Authorize,
    /// 10
    Permit,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 10] = [
        Self::Transport,
        Self::Canonical,
        Self::Tenant,
        Self::Client,
        Self::Route,
        Self::Network,
        Self::Token,
        Self::Session,
        Self::Authorize,
        Self::Permit,
    ];

    /// The step's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Canonical => "canonical",
            Self::Tenant => "tenant",
            Self::Client => "client",
            Self::Route => "route",
            Self::Network => "network",
            Self::Token => "token",
            Self::Session => "session",
            Self::Authorize => "authorize",
            Self::Permit => "permit",
        }
    }
}

/// What the road found out about a request, however far it came: for the audit record and for
/// `explain`. Nothing here comes from an unverified token.
#[derive(Clone, Debug, Default)]
pub struct Facts<'p> {
    /// The step that the request reached: it was denied there, or it is [`Step::Permit`].
    pub reached: Option<Step>,
    /// The request's identifier.
    pub request_id: String,
    /// Where it stands in a trace.
    pub trace: Option<Trace>,
    /// The method, once it is known to be one.
    pub method: Option<&'static str>,
    /// The canonical path.
    pub path: Option<String>,
    /// The canonical host that was asked for.
    pub host: Option<String>,
    /// The peer is a proxy whose word the policy takes.
    pub via_proxy: bool,
    /// The tenant.
    pub tenant: Option<&'p Tenant>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The route.
    pub route: Option<&'p Route>,
    /// What stands in the path for the route's assistant.
    pub assistant: Option<String>,
    /// Whom the verified token names, after step 8 with the directory's roles and groups; nobody on
    /// a public route.
    pub principal: Option<Principal>,
    /// With whom the answer is shared.
    pub sharing: Option<Sharing<'p>>,
    /// Where the browser would be sent to sign in.
    pub login: Option<String>,
    /// The origin that the request may be forwarded to, or was in the end.
    pub origin: Option<&'p Origin>,
    /// What would have refused a request whose route is in [`dry_run`](crate::dry_run): the first at
    /// each of its steps, in the order of the road.
    pub would_deny: Vec<Denial>,
}

impl Facts<'_> {
    /// What is known of a request that nobody has judged.
    pub fn of(request: &Request) -> Self {
        let (request_id, trace) = (request.request_id.clone(), Trace::of(request));
        Self { request_id, trace, ..Self::default() }
    }

    /// The route is public: nobody was asked who he is.
    pub fn is_public(&self) -> bool {
        self.route.is_some_and(Route::is_public)
    }

    /// The subject of the verified token.
    pub fn subject(&self) -> Option<&str> {
        self.principal.as_ref().map(Principal::subject)
    }
}

/// The verdict on a request.
#[derive(Debug)]
pub enum Verdict<'p> {
    /// It may be forwarded.
    Permit(Box<Permit<'p>>),
    /// It may be answered, by the gateway itself.
    Answer(Reply),
    /// It may not.
    Deny(Denial),
}

/// A verdict, and what it was based on.
#[derive(Debug)]
pub struct Decision<'p> {
    /// The verdict.
    pub verdict: Verdict<'p>,
    /// What was found out.
    pub facts: Facts<'p>,
    /// Records to write before the request is answered, by key: the buckets of its rate limits, and that its
    /// session was seen.
    /// None for a denied request.
    pub writes: Vec<Write>,
}

/// How far a decision came.
#[derive(Debug)]
pub enum Progress<'p> {
    /// The verdict.
    Decided(Box<Decision<'p>>),
    /// The verdict needs keys of the token's issuer that the policy has not.
    Keys(Box<NeedsKeys<'p>>),
    /// The verdict needs records.
    Pending(Box<Pending<'p>>),
}

/// A request whose token must still be verified.
#[derive(Debug)]
pub struct NeedsKeys<'p> {
    policy: &'p Policy,
    claimed: Claimed<'p>,
    now: Timestamp,
    facts: Facts<'p>,
}

impl<'p> NeedsKeys<'p> {
    /// The tenant.
    pub fn tenant(&self) -> &'p Tenant {
        self.claimed.tenant()
    }

    /// The tenant's issuer that the token names.
    pub fn issuer(&self) -> &'p Issuer {
        self.claimed.issuer()
    }

    /// Which keys these are.
    pub fn wanted(&self) -> Wanted<'p> {
        self.claimed.wanted()
    }

    /// The `kid` that the token names: whatever its sender wrote, 1 to 256 bytes.
    pub fn key_id(&self) -> &str {
        self.claimed.key_id()
    }

    /// Goes on with the issuer's keys, or with why they are not known: then the request is refused.
    pub fn resume(self, keys: Result<&KeySet, String>) -> Progress<'p> {
        let Self { policy, claimed, now, facts } = self;
        match claimed.verify(keys, now) {
            Ok(authenticated) => proceed(policy, authenticated, now, facts),
            Err(denial) => Progress::Decided(Box::new(denied(denial, facts))),
        }
    }
}

/// A request whose token is verified and whose verdict needs records.
#[derive(Debug)]
pub struct Pending<'p> {
    policy: &'p Policy,
    authenticated: Authenticated<'p>,
    needed: Needed<'p>,
    now: Timestamp,
    facts: Facts<'p>,
}

impl<'p> Pending<'p> {
    /// The keys of the records that the verdict needs.
    pub fn records(&self) -> &[String] {
        self.needed.keys()
    }

    /// Gives the verdict.
    pub fn resume(self, records: &Records) -> Decision<'p> {
        let Self { policy, authenticated, needed, now, mut facts } = self;
        let given = needed.given(records);
        // Rights that the directory gave may go from it again, and the token's come back.
        let directory = facts.tenant.map(Tenant::directory);
        let optional = directory == Some(Directory::Optional);
        let said = if optional { authenticated.principal.clone() } else { None };
        match finish(authenticated, policy, given, now, &mut facts) {
            Ok((mut verdict, writes)) => {
                if let Verdict::Permit(permit) = &mut verdict {
                    permit.judged_by(needed, said);
                }
                Decision { verdict, facts, writes }
            }
            Err(denial) => denied(denial, facts),
        }
    }
}

/// Judges a request at a moment. Total: every request gets a verdict, and no verdict depends on
/// anything but the arguments.
pub fn decide(policy: &Policy, request: Request, now: Timestamp) -> Progress<'_> {
    let mut facts = Facts::of(&request);
    match start(policy, request, now, &mut facts) {
        Ok(ControlFlow::Continue(token::Progress::Done(authenticated))) => {
            proceed(policy, authenticated, now, facts)
        }
        Ok(ControlFlow::Continue(token::Progress::Claimed(claimed))) => {
            Progress::Keys(Box::new(NeedsKeys { policy, claimed, now, facts }))
        }
        Ok(ControlFlow::Break(headers)) => {
            let verdict = Verdict::Answer(Reply::Preflight(headers));
            Progress::Decided(Box::new(Decision { verdict, facts, writes: Vec::new() }))
        }
        Err(denial) => Progress::Decided(Box::new(denied(denial, facts))),
    }
}

/// From a verified token to the records that the verdict needs, and without any to the verdict.
fn proceed<'p>(
    policy: &'p Policy,
    authenticated: Authenticated<'p>,
    now: Timestamp,
    mut facts: Facts<'p>,
) -> Progress<'p> {
    facts.principal.clone_from(&authenticated.principal);
    let needed = Needed::by(&authenticated, policy);
    let pending = Pending { policy, authenticated, needed, now, facts };
    if pending.records().is_empty() {
        Progress::Decided(Box::new(pending.resume(&Records::new())))
    } else {
        Progress::Pending(Box::new(pending))
    }
}

/// As [`decide`] where nobody can be asked: the files of the policy stand in for the keys that
/// issuers publish, the gateway's own keys are known or not, and the records are what `state` says of
/// their keys. The verdict, and the records that it asked for.
pub fn decide_offline<'p>(
    policy: &'p Policy,
    request: Request,
    now: Timestamp,
    own: Option<&OwnKeys>,
    state: impl FnOnce(&[String]) -> Records,
) -> (Decision<'p>, Records) {
    let mut progress = decide(policy, request, now);
    loop {
        progress = match progress {
            Progress::Decided(decision) => return (*decision, Records::new()),
            Progress::Keys(needs) => {
                let keys = needs.issuer().offline_keys(own);
                needs.resume(keys)
            }
            Progress::Pending(pending) => {
                let records = state(pending.records());
                return (pending.resume(&records), records);
            }
        }
    }
}

fn denied(denial: Denial, facts: Facts<'_>) -> Decision<'_> {
    Decision { verdict: Verdict::Deny(denial), facts, writes: Vec::new() }
}

/// 2026-01-01T00:00:00Z, in seconds since 1970: this program did not run before.
const EARLIEST: i64 = 1_767_225_600;

/// A host that starts without a set clock says 1970, when no token had expired yet.
fn require_clock(now: Timestamp) -> Result<(), Denial> {
    if now.as_second() < EARLIEST {
        return Err(Denial::new(Reason::ClockUnknown, format!("the clock says {now}; set it")));
    }
    Ok(())
}

/// Steps 1 to 7, where the policy has the keys; a preflight breaks off behind step 6 with the fields of its answer.
fn start<'p>(
    policy: &'p Policy,
    request: Request,
    now: Timestamp,
    facts: &mut Facts<'p>,
) -> Result<ControlFlow<Headers, token::Progress<'p>>, Denial> {
    facts.reached = Some(Step::Transport);
    require_clock(now)?;
    let secured = transport::require_https(request, policy.edge())?;

    facts.reached = Some(Step::Canonical);
    let request = canonical::canonicalize(secured, policy.head_limits())?;
    facts.request_id.clone_from(&request.request_id);
    facts.method = Some(request.method);
    facts.path = Some(request.target.path().to_owned());
    facts.host = Some(request.authority.host().to_owned());
    facts.via_proxy = request.via_proxy;
    if let Some(trace) = facts.trace.as_mut().filter(|_| request.via_proxy) {
        trace.trust();
    }

    facts.reached = Some(Step::Tenant);
    let hosted = tenant::select(request, policy)?;
    facts.tenant = Some(hosted.tenant);
    facts.sharing = Sharing::of(hosted.tenant, &hosted.request.headers);
    facts.login = sign_in::address(&hosted.request, hosted.tenant);
    tenant::limit_concurrency(&hosted, policy)?;

    facts.reached = Some(Step::Client);
    let located = client::locate(hosted, policy.edge())?;
    facts.client = located.client;

    facts.reached = Some(Step::Route);
    let routed = route::select(located, facts.sharing, policy)?;
    facts.route = Some(routed.route);
    facts.assistant.clone_from(&routed.assistant);
    route::limit_body(&routed)?;

    facts.reached = Some(Step::Network);
    let mut admitted = network::admit(routed)?;
    facts.would_deny.extend(admitted.would_deny.take());
    if let Some(preflight) = admitted.routed.preflight {
        let request = &admitted.routed.located.hosted.request;
        return preflight.answer(&request.headers).map(ControlFlow::Break);
    }

    facts.reached = Some(Step::Token);
    token::authenticate(admitted, now).map(ControlFlow::Continue)
}

/// Steps 8 to 10.
fn finish<'p>(
    authenticated: Authenticated<'p>,
    policy: &'p Policy,
    given: Given<'_, 'p>,
    now: Timestamp,
    facts: &mut Facts<'p>,
) -> Result<(Verdict<'p>, Vec<Write>), Denial> {
    facts.reached = Some(Step::Session);
    let live = session::check(authenticated, policy, given, now)?;
    if facts.tenant.is_some_and(|tenant| tenant.directory() != Directory::Off) {
        facts.principal.clone_from(&live.authenticated.principal);
    }

    facts.reached = Some(Step::Authorize);
    let mut authorized = authorize::check(live, given, now)?;
    let mut writes = std::mem::take(&mut authorized.writes);
    facts.would_deny.extend(authorized.would_deny.take());
    if !facts.would_deny.is_empty() {
        // Enforced, the request would have taken no token.
        writes.clear();
    }
    writes.extend(authorized.live.seen.take());

    facts.reached = Some(Step::Permit);
    if let Some(answer) = facts.route.and_then(Route::answer) {
        return Ok((Verdict::Answer(answer.into()), writes));
    }
    let permit = Permit::issue(authorized, policy, facts.trace.as_ref())?;
    facts.origin = Some(permit.origin());
    Ok((Verdict::Permit(Box::new(permit)), writes))
}
