//! The decision from outside: policies, tokens and requests in, verdicts out.

#![allow(clippy::too_many_lines, reason = "a table of named rows is read as one")]

#[cfg(test)]
mod csrf;
#[cfg(test)]
mod deployed;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod jwks;
#[cfg(test)]
mod permit;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod response;
#[cfg(test)]
mod road;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
