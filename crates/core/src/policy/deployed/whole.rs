//! Reading all of a compiled policy, and believing it only if it is byte for byte what would be
//! written of what it says: then every byte of it was looked at and has one meaning.

use super::read::{Deployed, Stored as _};
use super::{Corrupt, compile};
use crate::policy::{Policy, Tenant};
use std::collections::BTreeMap;

/// Reads a whole policy.
///
/// # Errors
/// Anything about it is not what [`compile`] writes.
pub fn read(bytes: &[u8]) -> Result<Policy, Corrupt> {
    let deployed = Deployed::open(bytes)?;
    let file = &deployed.file;
    let mut places = BTreeMap::new();
    // Sections that overlap could cost more to read than the file is long.
    let mut sections = 0_u64;
    for bucket in &file.header.buckets {
        sections += u64::from(bucket.length);
        if sections > bytes.length() {
            return Err(Corrupt::Damaged("sections that overlap"));
        }
        for entry in file.entries(bucket)? {
            if places.insert(entry.tenant.offset, entry.tenant).is_none() {
                sections += u64::from(entry.tenant.length);
            }
        }
    }
    if sections > bytes.length() {
        return Err(Corrupt::Damaged("sections that overlap"));
    }
    let mut tenants: Vec<Tenant> = Vec::with_capacity(places.len());
    for place in places.values() {
        let tenant: Tenant = file.section(place, "a tenant's part")?;
        if tenants.last().is_some_and(|before| before.id() >= tenant.id()) {
            return Err(Corrupt::Damaged("a tenant that stands twice"));
        }
        tenants.push(tenant);
    }
    let hosts: usize = tenants.iter().map(|tenant| tenant.hosts().len()).sum();
    let policy = Policy::of(deployed.gateway(), tenants);
    if policy.hosts.len() != hosts {
        return Err(Corrupt::Damaged("a host that stands twice"));
    }
    if compile(&policy).is_ok_and(|written| written == bytes) {
        Ok(policy)
    } else {
        Err(Corrupt::Damaged("it is not what this release would write"))
    }
}
