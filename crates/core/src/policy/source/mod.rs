//! The policy's files as types: what a reviewer reads, key by key.

mod blocks;
mod cors;
mod edge;
mod gateway;
mod issuer;
mod limit;
mod network;
mod origin;
mod route;
#[cfg(feature = "schema")]
pub mod schema;
mod spanned;
mod tenant;
mod timeouts;

pub(super) use blocks::WordOrBlocks;
pub(super) use cors::CorsSource;
pub(super) use edge::{EdgeSource, ProxySecretSource};
pub(super) use gateway::{AssertionSource, Gateway, SessionsSource};
pub(super) use issuer::{ClaimSource, IssuerSource};
pub(super) use limit::RateLimitSource;
pub(super) use network::{BlocksSource, NetworkSource};
pub(super) use origin::OriginSource;
pub(super) use route::RouteSource;
pub(super) use spanned::Spanned;
pub(super) use tenant::TenantSource;
pub(super) use timeouts::TimeoutsSource;
