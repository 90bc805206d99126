//! Policies and requests near the truth, for the properties.
//!
//! | place | what |
//! | --- | --- |
//! | [`policy`], [`files`] | a policy as plain data, and the directory that core loads |
//! | [`request`] | a request as choices |
//! | [`twist`], [`spoof`] | what may be wrong with it, and what a client may pretend in its fields |
//! | [`draft`] | from choices to the request that is sent |
//! | [`state`] | what the store knows of each tenant |
//! | [`keys`], [`place`] | the key pairs and the addresses that all of them draw from |
//!
//! A new rule of the policy is a field of [`policy`], a line of [`files`], a twist that breaks it,
//! and a clause of `isolation::oracle` that judges it.

mod draft;
mod files;
mod keys;
mod place;
pub(crate) mod policy;
pub(crate) mod request;
pub(crate) mod spoof;
pub(crate) mod state;
pub(crate) mod twist;
