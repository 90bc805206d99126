//! The decision from outside: policies, tokens and requests in, verdicts out.

#![allow(clippy::too_many_lines, reason = "a table of named rows is read as one")]

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod canonical;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod csrf;
#[cfg(test)]
mod deployed;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod form;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod jwks;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod managed;
#[cfg(test)]
mod networks;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod own;
#[cfg(test)]
mod permit;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod published;
#[cfg(test)]
mod records;
#[cfg(test)]
mod response;
#[cfg(test)]
mod road;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod support;
#[cfg(test)]
mod token;
#[cfg(test)]
mod watch;
