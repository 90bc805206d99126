//! Reading the policy of one request. For each section:
//!
//! 1. Its place lies within the file, and it is no larger than a section may be.
//! 2. Its bytes have the hash that the part above it names.
//! 3. They are one value and nothing more.
//!
//! What fails once is not asked again: whoever can't trust a part of the file trusts none of it.

use super::format::{
    Entry, FAMILY, Hash, Header, MAGIC, MAX_SECTION, Place, TRAILER, bucket, decode, hash, root,
};
use super::{Corrupt, FILE};
use crate::hexadecimal::hexadecimal;
use crate::policy::{Gateway, Pattern, Policy, Route, Tenant};
use crate::request::Request;
use crate::request::canonical::Authority;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The most policies of one host that are kept.
const KEPT: usize = 64;

/// The most bytes of their sections that are kept, beside the latest.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// Where a compiled policy's bytes are: core asks, and does not read by itself.
pub trait Stored {
    /// How many there are.
    fn length(&self) -> u64;

    /// Exactly `length` bytes from `offset`. Never asked for more than [`MAX_SECTION`], nor beyond
    /// the end.
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, String>;
}

impl Stored for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..)?.get(..length))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| "it ends too early".to_owned())
    }
}

/// A compiled policy that is open: the operator's part, and tenants as requests ask for them.
#[derive(Debug)]
pub struct Deployed<S> {
    pub(super) file: Verified<S>,
    /// The policy of a request for no tenant.
    nobody: Arc<Policy>,
    kept: Kept,
    fault: Option<Corrupt>,
}

impl<S: Stored> Deployed<S> {
    /// Reads header and operator's part.
    pub fn open(stored: S) -> Result<Self, Corrupt> {
        let (file, digest) = Verified::open(stored)?;
        let mut gateway: Gateway = file.section(&file.header.operator, "the operator's part")?;
        gateway.paths = paths(&gateway.routes).ok_or(Corrupt::Damaged("a route's path"))?;
        gateway.digest = digest;
        let nobody = Arc::new(Policy::of(Arc::new(gateway), Vec::new()));
        Ok(Self { file, nobody, kept: Kept::default(), fault: None })
    }

    /// The policy for a request: the operator's part, and the tenant of the request's host. A
    /// request without one sound host, or for the host of no tenant, gets a policy without a
    /// tenant, by which nothing is permitted.
    ///
    /// # Errors
    /// A part of the file is not what was written. Every later call fails the same way.
    pub fn policy_for(&mut self, request: &Request) -> Result<Arc<Policy>, Corrupt> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let Ok(authority) = Authority::of(request) else {
            return Ok(Arc::clone(&self.nobody));
        };
        let found = self.policy_of(authority.host());
        if let Err(fault) = &found {
            self.fault = Some(fault.clone());
        }
        found
    }

    fn policy_of(&mut self, host: &str) -> Result<Arc<Policy>, Corrupt> {
        if let Some(policy) = self.kept.get(host) {
            return Ok(policy);
        }
        let Some(place) = self.file.tenant_of(host)? else {
            return Ok(Arc::clone(&self.nobody));
        };
        let tenant: Tenant = self.file.section(&place, "a tenant's part")?;
        if !tenant.hosts().iter().any(|other| other == host) {
            return Err(Corrupt::Damaged("the index leads to a tenant without this host"));
        }
        let policy = Arc::new(Policy::of(Arc::clone(&self.nobody.gateway), vec![tenant]));
        self.kept.put(host, place.length as usize, &policy);
        Ok(policy)
    }

    pub(super) fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.nobody.gateway)
    }
}

/// A file whose header is the one that its root names.
#[derive(Debug)]
pub(super) struct Verified<S> {
    stored: S,
    pub(super) header: Header,
}

impl<S: Stored> Verified<S> {
    fn open(stored: S) -> Result<(Self, String), Corrupt> {
        let length = stored.length();
        let Some(trailer_at) = length
            .checked_sub(TRAILER as u64)
            .filter(|trailer_at| *trailer_at >= MAGIC.len() as u64)
        else {
            return Err(Corrupt::Foreign);
        };
        let magic = read(&stored, 0, MAGIC.len())?;
        if magic != MAGIC {
            let family = magic.starts_with(FAMILY);
            return Err(if family { Corrupt::OtherRelease } else { Corrupt::Foreign });
        }
        let trailer = read(&stored, trailer_at, TRAILER)?;
        let Some((header_length, named)) = trailer.split_first_chunk::<4>() else {
            return Err(Corrupt::Foreign);
        };
        let header_length = u32::from_le_bytes(*header_length);
        let header = trailer_at
            .checked_sub(u64::from(header_length))
            .filter(|_| header_length as usize <= MAX_SECTION)
            .map(|header_at| read(&stored, header_at, header_length as usize))
            .ok_or(Corrupt::Damaged("its end"))??;
        let root = root(&header);
        if root != named {
            return Err(Corrupt::Damaged("its end"));
        }
        let header: Header = decode(&header, "its header")?;
        // So that nothing stands before, between or behind what the root stands for.
        if header.body.checked_add(u64::from(header_length)) != Some(trailer_at) {
            return Err(Corrupt::Damaged("its length"));
        }
        Ok((Self { stored, header }, hexadecimal(&root)))
    }

    /// The section at a place, if it is what the part that names the place says.
    pub(super) fn section<T: DeserializeOwned>(
        &self,
        place: &Place,
        name: &'static str,
    ) -> Result<T, Corrupt> {
        let length = place.length as usize;
        let end = place.offset.checked_add(u64::from(place.length));
        if length > MAX_SECTION || end.is_none_or(|end| end > self.header.body) {
            return Err(Corrupt::Damaged(name));
        }
        let bytes = read(&self.stored, place.offset, length)?;
        if hash(&[&bytes]) != place.hash {
            return Err(Corrupt::Damaged(name));
        }
        decode(&bytes, name)
    }

    /// Every entry of one bucket.
    pub(super) fn entries(&self, bucket: &Place) -> Result<Vec<Entry>, Corrupt> {
        self.section(bucket, "the index of hosts")
    }

    fn tenant_of(&self, host: &str) -> Result<Option<Place>, Corrupt> {
        let host: Hash = hash(&[host.as_bytes()]);
        let buckets = &self.header.buckets;
        let Some(bucket) = bucket(&host, buckets.len()).and_then(|index| buckets.get(index)) else {
            return Err(Corrupt::Damaged("its header"));
        };
        let entries = self.entries(bucket)?;
        Ok(entries.into_iter().find(|entry| entry.host == host).map(|entry| entry.tenant))
    }
}

fn read(stored: &impl Stored, offset: u64, length: usize) -> Result<Vec<u8>, Corrupt> {
    let bytes = stored.read(offset, length).map_err(Corrupt::Unreadable)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Corrupt::Unreadable(format!("{FILE} gave {} of {length} bytes", bytes.len())))
    }
}

/// The routes by path, as [`load`](crate::policy::load()) orders them.
fn paths(routes: &[Route]) -> Option<matchit::Router<Vec<usize>>> {
    let mut by_pattern: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, route) in routes.iter().enumerate() {
        by_pattern.entry(route.path()).or_default().push(index);
    }
    let mut paths = matchit::Router::new();
    for (pattern, indices) in by_pattern {
        // The router panics at some of what is no pattern.
        if Pattern::parse(pattern).is_err() || paths.insert(pattern, indices).is_err() {
            return None;
        }
    }
    Some(paths)
}

/// The latest policies, oldest first. One host's tenant can't make an instance's memory grow by
/// another's: both number and size are bounded.
#[derive(Debug, Default)]
struct Kept {
    policies: VecDeque<(String, usize, Arc<Policy>)>,
    bytes: usize,
}

impl Kept {
    fn get(&self, host: &str) -> Option<Arc<Policy>> {
        let kept = self.policies.iter().find(|(kept, ..)| kept == host);
        kept.map(|(.., policy)| Arc::clone(policy))
    }

    fn put(&mut self, host: &str, bytes: usize, policy: &Arc<Policy>) {
        while self.policies.len() >= KEPT || self.bytes > KEPT_BYTES {
            let Some((_, bytes, _)) = self.policies.pop_front() else { break };
            self.bytes -= bytes;
        }
        self.bytes += bytes;
        self.policies.push_back((host.to_owned(), bytes, Arc::clone(policy)));
    }
}
