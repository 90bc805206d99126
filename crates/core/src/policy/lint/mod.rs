//! Lints: what is dangerous, or most likely a slip, in a policy without a fault. A lint warns; it
//! never refuses. `docs/lints.md` has the table.
//!
//! A lint judges the [`Policy`] and takes places, and what compiling leaves behind, from the files'
//! own `document`. A policy that was compiled before has none: what stands twice in a network, and
//! keys that nobody names, are then gone, and every other lint warns as of the files, without a place.
//!
//! | place | what |
//! | --- | --- |
//! | `edge` | who is believed before the gateway |
//! | `state` | what is not asked |
//! | `assertion` | what nobody can verify |
//! | `origins` | services that nobody reaches, or that prove too little |
//! | `routes` | ways that are wider than they look, or that nobody can take |
//! | `rewrites` | paths that two routes ask an origin for |
//! | `networks` | allowlists that are open or say things twice |
//! | `hosts` | names that reach across tenants |
//! | `issuers` | who can sign what for whom |

mod assertion;
mod document;
mod edge;
mod hosts;
mod issuers;
mod networks;
mod origins;
mod rewrites;
mod routes;
mod state;
#[cfg(test)]
mod tests;

use super::fault::told;
use super::{Fault, Files, Policy, Severity, Tenant};
use document::{Document, Part};

/// Every lint, by code, with what it warns of.
pub const LINTS: [(&str, &str); 21] = [
    ("proxies-everyone", "trusted proxies of a whole address space, or a large part of one"),
    ("proxies-peer", "whoever connects is a trusted proxy, and shows no secret"),
    ("unnamed-client-peer", "a client whom a trusted proxy does not name has the proxy's address"),
    ("revocation-off", "a token is good until it expires, whatever happens to its owner"),
    ("assertion-keys-unpublished", "assertions whose keys no route publishes"),
    ("origin-unused", "an origin that no route names"),
    ("tenant-echo-off", "an origin that signed-in users reach, and whose answers prove no tenant"),
    ("admin-route-open", "a route for administrators alone that demands no network of theirs"),
    ("route-laxer", "what a strict route just misses falls to a route that asks for less"),
    ("rewrite-laxer", "a way, by a rewrite, to paths of a route that asks for more"),
    ("route-not-enforced", "a route whose own rules are recorded and not enforced"),
    ("route-unreachable", "a route that no client of any tenant can take"),
    ("routes-differ-in-case", "two paths that differ in case only"),
    ("admin-network-any", "a tenant whose administration network is every address, or most"),
    ("network-redundant", "a block that stands twice in one network"),
    ("network-overlap", "a block inside a wider one that says the same"),
    ("hosts-nested", "a host below another tenant's host, whose cookies can reach across"),
    ("tenant-without-issuer", "a tenant whose users can't sign in"),
    ("hs-shared-secret", "tokens that whoever checks them could also have signed"),
    ("issuers-share-subjects", "two issuers of one tenant whose subjects can't be told apart"),
    ("key-file-unused", "a key file that no issuer names"),
];

const GATEWAY: &str = "gateway.toml";

/// Warns of what is dangerous in a sound policy, by file and place.
pub(super) fn lint(files: &Files, policy: &Policy) -> Vec<Fault> {
    let document = |file: &str| Document::read(files.get(file).map_or(&[], Vec::as_slice));
    let tenants = policy
        .tenants()
        .iter()
        .map(|tenant| {
            let file = format!("tenants/{}.toml", tenant.id());
            let document = document(&file);
            Customer { tenant, file, document }
        })
        .collect();
    let linter = Linter { files, policy, gateway: document(GATEWAY), tenants };
    let mut found = Vec::new();
    linter.edge(&mut found);
    linter.state(&mut found);
    linter.assertion(&mut found);
    linter.origins(&mut found);
    linter.routes(&mut found);
    linter.rewrites(&mut found);
    linter.networks(&mut found);
    linter.hosts(&mut found);
    linter.issuers(&mut found);
    told(found)
}

/// A tenant with the file that it was read from.
struct Customer<'a> {
    tenant: &'a Tenant,
    file: String,
    document: Document<'a>,
}

struct Linter<'a> {
    files: &'a Files,
    policy: &'a Policy,
    gateway: Document<'a>,
    tenants: Vec<Customer<'a>>,
}

/// A warning at this part of this file.
fn warning(
    code: &'static str,
    (file, part): (&str, &Part<'_>),
    message: impl Into<String>,
    help: impl Into<String>,
) -> Fault {
    Fault {
        code,
        severity: Severity::Warning,
        file: file.to_owned(),
        span: part.span(),
        message: message.into(),
        help: help.into(),
    }
}
