//! How many requests are in progress, of each client and for each host.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Counts<K> = HashMap<K, usize>;

/// Requests in progress by key; it knows only keys that have one.
pub(crate) struct InProgress<K>(Arc<Mutex<Counts<K>>>);

impl<K> Default for InProgress<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// One request in progress.
pub(crate) struct Counted<K: Hash + Eq> {
    counts: Arc<Mutex<Counts<K>>>,
    key: K,
}

impl<K: Hash + Eq + Clone> InProgress<K> {
    /// Counts a request: it and how many there are with it, or nothing when there are `limit` already.
    pub(crate) fn admit(&self, key: K, limit: usize) -> Option<(Counted<K>, usize)> {
        let mut counts = lock(&self.0);
        let count = counts.get(&key).copied().unwrap_or_default();
        if count >= limit {
            return None;
        }
        counts.insert(key.clone(), count + 1);
        Some((Counted { counts: Arc::clone(&self.0), key }, count + 1))
    }
}

impl<K: Hash + Eq> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        match counts.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.key)),
        }
    }
}

fn lock<K>(counts: &Mutex<Counts<K>>) -> MutexGuard<'_, Counts<K>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client commonly holds a /64 of IPv6 addresses (RFC 6177, section 2), and an IPv4 client may show as an IPv6
/// address.
pub(crate) fn client(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_apart_and_forgotten() {
        let peers = InProgress::default();
        let admit = |peer: &str| peers.admit(client(peer.parse().unwrap()), 2);
        let mut held = vec![
            admit("192.0.2.1").unwrap(),
            admit("::ffff:192.0.2.1").unwrap(),
            admit("192.0.2.2").unwrap(),
            admit("2001:db8:0:1::1").unwrap(),
            admit("2001:db8:0:1:ffff::2").unwrap(),
            admit("2001:db8:0:2::1").unwrap(),
        ];
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("2001:db8:0:1::3").is_none());
        drop(held.remove(0));
        held.push(admit("192.0.2.1").unwrap());
        assert!(admit("192.0.2.1").is_none());
        assert_eq!(admit("192.0.2.9").unwrap().1, 1);
        drop(held);
        assert!(lock(&peers.0).is_empty());
    }
}
