//! The words of each step: what was seen of the request, what of the policy or the state it was
//! compared with, and why it held.
//!
//! Why a step fell is the [`Denial`]'s own sentence. Until step 2 has held, nothing of the request is
//! known to be sound: it is quoted without its query and shortened.

use super::{Question, StepAnswer, StepOutcome};
use crate::decide::{Facts, Step};
use crate::denial::{Denial, Reason};
use crate::network::{BUSINESS, Network};
use crate::permit::Permit;
use crate::policy::{Directory, Policy, Route, Tenant, TrustedProxies};
use crate::records::key::kind;
use crate::records::{Record, Records};
use crate::request::Headers;
use crate::token::claims::Principal;
use crate::token::locate::{Token, one_token};
use std::net::IpAddr;

/// The longest quotation of a request, in characters.
const LONGEST: usize = 200;

/// The most items of a list that are named one by one.
const MOST: usize = 8;

/// What the words are made from.
pub(super) struct Narrator<'a, 'p> {
    pub(super) policy: &'a Policy,
    pub(super) question: &'a Question,
    pub(super) headers: &'a Headers,
    pub(super) facts: &'a Facts<'p>,
    pub(super) records: &'a Records,
    pub(super) permit: Option<&'a Permit<'p>>,
}

/// Seen, compared, and why it held.
type Words = (Option<String>, Option<String>, Option<String>);

impl Narrator<'_, '_> {
    /// The ten steps.
    pub(super) fn steps(&self, denial: Option<&Denial>) -> Vec<StepAnswer> {
        Step::ALL.into_iter().map(|step| self.step(step, denial)).collect()
    }

    fn step(&self, step: Step, denial: Option<&Denial>) -> StepAnswer {
        let reached = self.facts.reached.unwrap_or(Step::Transport);
        let answer = |outcome, seen, compared, detail| StepAnswer {
            step: step.name(),
            outcome,
            seen,
            compared,
            detail,
        };
        if step > reached {
            return answer(StepOutcome::NotReached, None, None, None);
        }
        let asks_who = matches!(step, Step::Token | Step::Session | Step::Authorize);
        if self.facts.is_public() && asks_who {
            let why = "the route is public, so nobody asks".to_owned();
            return answer(StepOutcome::Skipped, None, None, Some(why));
        }
        let (seen, compared, why) = self.words(step);
        let kept_back = self.facts.would_deny.iter().find(|kept| judged_at(kept) == step);
        let (outcome, detail) = match (denial, kept_back) {
            (Some(denial), _) if step == reached => {
                (StepOutcome::Denied, Some(denial.detail().to_owned()))
            }
            (_, Some(kept)) => (
                StepOutcome::WouldDeny,
                Some(format!("{}; the route is in dry run and lets it pass", kept.detail())),
            ),
            _ => (StepOutcome::Held, why),
        };
        answer(outcome, seen, compared, detail)
    }

    fn words(&self, step: Step) -> Words {
        match step {
            Step::Transport => self.transport(),
            Step::Canonical => self.canonical(),
            Step::Tenant => self.tenant(),
            Step::Client => self.client(),
            Step::Route => self.route(),
            Step::Network => self.network(),
            Step::Token => self.token(),
            Step::Session => self.session(),
            Step::Authorize => self.authorize(),
            Step::Permit => self.origin(),
        }
    }

    fn transport(&self) -> Words {
        let peer =
            self.question.peer.map_or("an unknown peer".into(), |peer| peer.ip().to_string());
        let scheme = self.question.scheme.scheme().as_str();
        let trusted =
            self.policy.edge().trusted_proxies().trusts_peer(self.question.peer.map(|p| p.ip()));
        let compared =
            if trusted { "HTTPS, by a trusted proxy's word where it gives one" } else { "HTTPS" };
        (Some(format!("{scheme} from {peer}")), Some(compared.into()), Some("it is HTTPS".into()))
    }

    fn canonical(&self) -> Words {
        let quoted = |text: &str| {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            path.chars().take(LONGEST).collect::<String>()
        };
        let seen = match (self.facts.method, &self.facts.path) {
            (Some(method), Some(path)) => format!("{method} {path}"),
            _ => format!("{} {}", quoted(&self.question.method), quoted(&self.question.target)),
        };
        let compared = "one host, a known method, one spelling of the path, sound header fields";
        let why = "it can be read in one way only".to_owned();
        let fields = count(self.headers.iter().count(), "header field");
        (Some(format!("{seen} with {fields}")), Some(compared.into()), Some(why))
    }

    fn tenant(&self) -> Words {
        let tenants = self.policy.tenants();
        let hosts = tenants.iter().map(|tenant| tenant.hosts().len()).sum();
        (
            self.facts.host.as_ref().map(|host| format!("host {host}")),
            Some(format!("{} of {}", count(hosts, "host"), count(tenants.len(), "tenant"))),
            self.facts.tenant.map(|tenant| format!("it is {}'s", tenant.id())),
        )
    }

    fn client(&self) -> Words {
        let edge = self.policy.edge();
        let proxies = match edge.trusted_proxies() {
            TrustedProxies::Peer => "whoever connects is a trusted proxy".to_owned(),
            TrustedProxies::Blocks(blocks) if blocks.is_empty() => "no trusted proxy".to_owned(),
            TrustedProxies::Blocks(blocks) => {
                format!("{} of trusted proxies", count(blocks.len(), "block"))
            }
        };
        let peer =
            self.question.peer.map_or("an unknown peer".into(), |p| format!("peer {}", p.ip()));
        let why = match (self.facts.client, self.facts.via_proxy) {
            (Some(client), true) => {
                format!("the proxy's {} names {client}", edge.client_address_header())
            }
            (Some(client), false) => format!("the peer is the client: {client}"),
            (None, _) => "the client's address is not known".to_owned(),
        };
        (Some(peer), Some(proxies), Some(why))
    }

    fn route(&self) -> Words {
        let seen = self.facts.method.zip(self.facts.path.as_ref());
        let why = self.facts.route.map(|route| {
            let notes = [(route.is_public(), "public"), (!route.enforced(), "dry run")];
            let notes: Vec<&str> =
                notes.iter().filter(|(so, _)| *so).map(|(_, note)| *note).collect();
            let notes =
                if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            format!("{}: {} {}{notes}", route.id(), route.methods().join("|"), route.path())
        });
        (
            seen.map(|(method, path)| format!("{method} {path}")),
            Some(count(self.policy.routes().len(), "route")),
            why,
        )
    }

    fn network(&self) -> Words {
        let (Some(tenant), Some(route)) = (self.facts.tenant, self.facts.route) else {
            return (None, None, None);
        };
        let name = route.network();
        let seen = self.facts.client.map_or("no address".to_owned(), |client| client.to_string());
        if route.answer().is_some() {
            return (Some(seen), None, Some("what the gateway publishes is for everybody".into()));
        }
        let (what, why) = match tenant.network(name) {
            None if name == BUSINESS => {
                ("not set".to_owned(), "without an allowlist every address may come".to_owned())
            }
            None => ("not set".to_owned(), String::new()),
            Some(Network::Any) => ("any".to_owned(), "every address may come".to_owned()),
            Some(Network::List(list)) => {
                let held = self.facts.client.and_then(|client| {
                    list.ranges().find(|(first, last)| holds(*first, *last, client))
                });
                let why = held.map(|(first, last)| {
                    if first == last { "in it".into() } else { format!("in its {first} to {last}") }
                });
                (count(list.ranges().count(), "range"), why.unwrap_or_default())
            }
        };
        let compared = format!("{}'s network {name}: {what}", tenant.id());
        (Some(seen), Some(compared), Some(why))
    }

    fn token(&self) -> Words {
        let carrier = match one_token(self.headers) {
            Ok(Token::Bearer(_)) => "a bearer token",
            Ok(Token::Cookie(_)) => "the session cookie",
            Err(denial) => match denial.reason() {
                Reason::TokenAmbiguous => "more than one token",
                Reason::TokenMissing => "no token",
                _ => "a token that can't be read",
            },
        };
        (
            Some(carrier.to_owned()),
            self.facts.tenant.map(issuers),
            self.facts.principal.as_ref().map(|who| {
                format!("signed by {}, in time, for this tenant: {}", who.issuer(), who.subject())
            }),
        )
    }

    fn session(&self) -> Words {
        let asked: Vec<String> = self
            .records
            .iter()
            .filter(|(key, _)| !of_authorize(key))
            .map(|(key, record)| format!("{key} ({})", found(record)))
            .collect();
        let compared = if asked.is_empty() { "no record".to_owned() } else { listed(&asked) };
        let seen = self.facts.principal.as_ref().map(|who| {
            let session = who.session().map(|session| format!(", session {session}"));
            format!("{}{}", who.subject(), session.unwrap_or_default())
        });
        let why = match self.facts.tenant.map(Tenant::directory) {
            _ if asked.is_empty() => "the policy asks for none",
            _ if !self.policy.checks_revocation() => {
                "the user may come; nobody asks what is revoked"
            }
            Some(Directory::Off) | None => "nothing revokes it",
            Some(_) => "nothing revokes it, and the user may come",
        };
        (seen, Some(compared), Some(why.to_owned()))
    }

    fn authorize(&self) -> Words {
        let (Some(route), Some(who)) = (self.facts.route, &self.facts.principal) else {
            return (None, None, None);
        };
        let mut compared: Vec<String> = asked_roles(route).into_iter().collect();
        for (key, record) in self.records.iter().filter(|(key, _)| of_authorize(key)) {
            compared.push(format!("{key} ({})", found(record)));
        }
        let mut seen = vec![named("role", who.roles())];
        if route.assistant().is_some() {
            seen.push(named("group", who.groups()));
            seen.extend(self.facts.assistant.as_ref().map(|id| format!("assistant {id}")));
        }
        let why = granted(route, who);
        let compared =
            if compared.is_empty() { "no role is asked for".into() } else { listed(&compared) };
        (Some(seen.join(", ")), Some(compared), Some(why))
    }

    fn origin(&self) -> Words {
        let seen = self
            .facts
            .tenant
            .map(|tenant| format!("{}'s {}", tenant.id(), named("region", tenant.regions())));
        let origins = self.facts.route.map(|route| {
            let origins: Vec<String> = route
                .origins()
                .filter_map(|id| self.policy.origin(id))
                .map(|origin| format!("{} in {}", origin.id(), origin.region()))
                .collect();
            format!("origins {}", listed(&origins))
        });
        if let Some(answer) = self.facts.route.and_then(Route::answer) {
            let why = format!("the gateway answers itself: {}", answer.name());
            return (seen, None, Some(why));
        }
        let why = self.permit.map(|permit| {
            // The query is the client's; the answer's `upstream` has the whole address.
            let url = permit.url();
            let url = url.split('?').next().unwrap_or_default();
            format!("{} in {}: {url}", permit.origin().id(), permit.origin().region())
        });
        (seen, origins, why)
    }
}

/// The step whose rule a dry run kept back.
fn judged_at(kept: &Denial) -> Step {
    match kept.reason() {
        Reason::NetworkUndefined | Reason::NetworkNotAllowed | Reason::ClientAddressUnknown => {
            Step::Network
        }
        _ => Step::Authorize,
    }
}

/// Whether step 9 judges the record of this key; the others are step 8's.
fn of_authorize(key: &str) -> bool {
    matches!(kind(key), "networks" | "assistant" | "rate")
}

fn found(record: &Record) -> &'static str {
    match record {
        Record::Absent => "absent",
        Record::Found(_) => "found",
        Record::Unavailable => "unreadable",
    }
}

fn issuers(tenant: &Tenant) -> String {
    let issuers: Vec<String> = tenant
        .issuers()
        .iter()
        .map(|issuer| {
            let algorithms: Vec<&str> =
                issuer.algorithms().iter().map(|algorithm| algorithm.name()).collect();
            format!("{} ({})", issuer.name(), algorithms.join(", "))
        })
        .collect();
    match issuers.as_slice() {
        [] => format!("{} has no issuer", tenant.id()),
        issuers => format!("{}'s {}", tenant.id(), named("issuer", issuers)),
    }
}

fn asked_roles(route: &Route) -> Option<String> {
    let any = (!route.roles().is_empty()).then(|| format!("one of {}", route.roles().join(", ")));
    let all =
        (!route.all_roles().is_empty()).then(|| format!("all of {}", route.all_roles().join(", ")));
    match (any, all) {
        (Some(any), Some(all)) => Some(format!("{any} and {all}")),
        (any, all) => any.or(all),
    }
}

fn granted(route: &Route, who: &Principal) -> String {
    match who.roles().iter().find(|role| route.roles().contains(role)) {
        Some(role) => format!("it has {role}"),
        None if !route.all_roles().is_empty() => "it has them all".to_owned(),
        None if route.assistant().is_some() => {
            "every user who may see the assistant may".to_owned()
        }
        None => "every user of the tenant may".to_owned(),
    }
}

fn holds(first: IpAddr, last: IpAddr, client: IpAddr) -> bool {
    let client = client.to_canonical();
    first.is_ipv4() == client.is_ipv4() && (first..=last).contains(&client)
}

/// `no role`, `role member`, `roles member, tester`.
fn named(what: &str, names: &[String]) -> String {
    match names {
        [] => format!("no {what}"),
        [name] => format!("{what} {name}"),
        names => format!("{what}s {}", listed(names)),
    }
}

fn listed(items: &[String]) -> String {
    let named: Vec<&str> = items.iter().take(MOST).map(String::as_str).collect();
    match items.len().saturating_sub(MOST) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
