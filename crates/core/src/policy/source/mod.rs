//! The policy's files as types: what a reviewer reads, key by key.

mod blocks;
mod edge;
mod gateway;
mod issuer;
mod origin;
mod route;
mod tenant;
mod timeouts;

pub(super) use blocks::WordOrBlocks;
pub(super) use edge::{EdgeSource, ProxySecretSource};
pub(super) use gateway::Gateway;
pub(super) use issuer::IssuerSource;
pub(super) use origin::OriginSource;
pub(super) use route::RouteSource;
pub(super) use tenant::TenantSource;
pub(super) use timeouts::TimeoutsSource;
