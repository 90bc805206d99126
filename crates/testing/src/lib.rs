//! Doubles, clients and loaders for Sekisho's tests and its demo.
//!
//! Every double is a real server on a loopback socket with real keys, so that what a test proves is
//! what a deployment does:
//!
//! | module | stands in for |
//! | --- | --- |
//! | [`origin`] | the assistant service behind the gateway |
//! | [`faulty`] | the same service on a bad day |
//! | [`issuer`] | the identity provider: keys, tokens, discovery and JWKS |
//! | [`cdn`] | the TLS-terminating proxy in front of the gateway |
//! | [`collector`] | the OpenTelemetry collector that spans go to |
//! | [`client`] | the user's HTTP client, or an attacker's raw socket |
//! | [`redis`] | the store that the gateways of a fleet share: the real server |
//! | [`pki`] | the certification authority that the doubles' certificates come from |
//! | [`policy`] | the operator who writes the policy directory |
//!
//! [`cases`] loads decision cases from folders, [`pattern`] makes long bodies whose digest is known,
//! and [`rss`] reads what a process costs. Nothing here panics: the demo runs on it too.

pub mod body;
pub mod cases;
pub mod cdn;
pub mod client;
pub mod clock;
pub mod collector;
pub mod faulty;
pub mod issuer;
pub mod origin;
pub mod pattern;
pub mod pki;
pub mod policy;
pub mod redis;
pub mod rss;
pub mod server;
