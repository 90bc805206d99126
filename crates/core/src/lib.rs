//! The decision of Sekisho, and nothing else: no I/O, no clock, no async, no globals. Time, keys
//! and state records are arguments, so the same code judges in the `.wasm` at the edge, in
//! `sekisho explain` and in the tests.
//!
//! # The road of a request
//!
//! [`decide()`] walks ten steps. Each consumes the value that the step before returned and gives a
//! richer one, or a [`Denial`]; the last gives a [`Permit`], the only thing that can reach an
//! origin, and nothing else can make one.
//!
//! | # | step | place | what it proves |
//! | --- | --- | --- | --- |
//! | 1 | transport | [`request::transport`] | the clock is set, and the request came over HTTPS |
//! | 2 | canonical | [`request::canonical`] | one authority, known method, one spelling of the path, clean headers |
//! | 3 | tenant | [`tenant`] | the host name belongs to a tenant, which has room |
//! | 4 | client | [`client`] | the client's address, by the peer or by a trusted proxy's word |
//! | 5 | route | [`route`] | the policy has a route for path and method |
//! | 6 | network | [`network`] | the address lies in the network that the route demands |
//! | 7 | token | [`token`] | one token, signed by this tenant's issuer, in time, for this tenant |
//! | 8 | session | [`session`] | nothing of it was revoked, and the user may come ([`directory`]) |
//! | 9 | authorize | [`authorize`] | the principal's roles, the [`label`] of the assistant, the rate [`limit`]s |
//! | 10 | permit | [`permit`] | [`origins`] in the tenant's region, and the headers they will see |
//!
//! Steps 8 and 9 judge state: [`records`] that core names and the adapter fetches. A route may be in
//! [`dry_run`].
//!
//! Public routes skip 7 to 9; a preflight of [`cors`] ends after 6. Whatever is not permitted is denied, and what can't be known is
//! denied with its own reason.

pub mod answer;
pub mod audit;
pub mod authorize;
mod cache;
pub mod client;
pub mod cors;
mod decide;
mod denial;
pub mod directory;
pub mod dry_run;
pub mod explain;
mod hexadecimal;
pub mod label;
pub mod limit;
mod location;
pub mod network;
pub mod origins;
pub mod permit;
pub mod policy;
pub mod records;
pub mod refusal;
pub mod request;
pub mod response;
pub mod route;
pub mod session;
mod sign_in;
pub mod tenant;
pub mod token;
pub mod trace;
pub mod watch;

pub use decide::{
    Decision, Facts, NeedsKeys, Pending, Progress, Step, Verdict, decide, decide_offline,
};
pub use denial::{Denial, Reason};
pub use jiff::Timestamp;
pub use permit::Permit;
pub use policy::Policy;
pub use request::{Headers, Request, Scheme};
