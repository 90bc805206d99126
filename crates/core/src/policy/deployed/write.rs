//! Writing the form. The same policy gives the same bytes, whatever order its files were read in.

use super::format::{
    Entry, HOSTS_PER_BUCKET, Header, MAGIC, MAX_SECTION, Place, bucket, hash, root,
};
use crate::hexadecimal::hexadecimal;
use crate::policy::{Gateway, Policy, Tenant};
use serde::Serialize;
use std::fmt;

/// What the index is made of.
const TENANTS: &str = "tenants";

/// A part of the policy takes more than [`MAX_SECTION`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The file that it is made of.
    pub(in crate::policy) file: String,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = MAX_SECTION / 1024 / 1024;
        write!(f, "{} takes more than {most} MiB when it is compiled", self.file)
    }
}

impl std::error::Error for TooLarge {}

/// Writes a whole policy as the one file that is deployed. Of a [`Policy`] that holds one tenant
/// only, it is the file of a policy with that tenant alone.
///
/// # Errors
/// A part of it is too large; no policy that [`load`](crate::policy::load()) gives has one.
pub fn compile(policy: &Policy) -> Result<Vec<u8>, TooLarge> {
    let mut bytes = Vec::new();
    let header = form(&policy.gateway, &policy.tenants, |part| bytes.extend_from_slice(part))?;
    bytes.extend_from_slice(&header);
    let length = u32::try_from(header.len()).map_err(|_| all_tenants())?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&root(&header));
    Ok(bytes)
}

/// The root of the file that [`compile`] would write, as 64 hexadecimal digits: it stands for
/// every value that a verdict can depend on, and for no comment.
pub(in crate::policy) fn digest(gateway: &Gateway, tenants: &[Tenant]) -> Result<String, TooLarge> {
    Ok(hexadecimal(&root(&form(gateway, tenants, |_| ())?)))
}

/// Gives magic and sections to `sink`, and returns the header.
fn form(
    gateway: &Gateway,
    tenants: &[Tenant],
    sink: impl FnMut(&[u8]),
) -> Result<Vec<u8>, TooLarge> {
    let mut body = Body { sink, length: 0 };
    body.append(MAGIC);
    let operator = body.section(gateway, || "gateway.toml".to_owned())?;

    let mut tenants: Vec<&Tenant> = tenants.iter().collect();
    tenants.sort_unstable_by_key(|tenant| tenant.id());
    let mut entries = Vec::new();
    for tenant in tenants {
        let place = body.section(tenant, || format!("tenants/{}.toml", tenant.id()))?;
        entries.extend(
            tenant
                .hosts()
                .iter()
                .map(|host| Entry { host: hash(&[host.as_bytes()]), tenant: place }),
        );
    }

    let mut buckets: Vec<Vec<Entry>> = vec![Vec::new(); entries.len().div_ceil(HOSTS_PER_BUCKET)];
    let count = buckets.len();
    for entry in entries {
        if let Some(bucket) = bucket(&entry.host, count).and_then(|index| buckets.get_mut(index)) {
            bucket.push(entry);
        }
    }
    let mut places = Vec::with_capacity(count);
    for bucket in &mut buckets {
        bucket.sort_unstable_by_key(|entry| entry.host);
        places.push(body.section(bucket, || TENANTS.to_owned())?);
    }

    let header = Header { body: body.length, operator, buckets: places };
    encode(&header).ok_or_else(all_tenants)
}

/// Magic and sections, as far as they are written.
struct Body<S> {
    sink: S,
    length: u64,
}

impl<S: FnMut(&[u8])> Body<S> {
    fn append(&mut self, bytes: &[u8]) {
        (self.sink)(bytes);
        self.length += bytes.len() as u64;
    }

    fn section(
        &mut self,
        value: &impl Serialize,
        file: impl FnOnce() -> String,
    ) -> Result<Place, TooLarge> {
        let (offset, bytes) = (self.length, encode(value));
        let Some((bytes, length)) = bytes.and_then(|b| u32::try_from(b.len()).ok().map(|l| (b, l)))
        else {
            return Err(TooLarge { file: file() });
        };
        self.append(&bytes);
        Ok(Place { offset, length, hash: hash(&[&bytes]) })
    }
}

/// A value in its stored form; none where that is larger than a section may be.
fn encode(value: &impl Serialize) -> Option<Vec<u8>> {
    postcard::to_allocvec(value).ok().filter(|bytes| bytes.len() <= MAX_SECTION)
}

fn all_tenants() -> TooLarge {
    TooLarge { file: TENANTS.to_owned() }
}
