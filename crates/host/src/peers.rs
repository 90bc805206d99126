//! How many requests each client has in progress.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Counts = HashMap<IpAddr, usize>;

/// Requests in progress by client; it knows only clients that have one.
#[derive(Default)]
pub(crate) struct Peers(Arc<Mutex<Counts>>);

/// One request in progress.
pub(crate) struct PeerPermit {
    counts: Arc<Mutex<Counts>>,
    client: IpAddr,
}

impl Peers {
    /// Admits a request, or nothing when the client has `limit` in progress.
    pub(crate) fn admit(&self, peer: IpAddr, limit: usize) -> Option<PeerPermit> {
        let client = client(peer);
        let mut counts = lock(&self.0);
        let count = counts.get(&client).copied().unwrap_or_default();
        if count >= limit {
            return None;
        }
        counts.insert(client, count + 1);
        Some(PeerPermit { counts: Arc::clone(&self.0), client })
    }
}

impl Drop for PeerPermit {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        match counts.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.client)),
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client commonly holds a /64 of IPv6 addresses (RFC 6177, section 2), and an IPv4 client may show as an IPv6
/// address.
fn client(peer: IpAddr) -> IpAddr {
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
        let peers = Peers::default();
        let admit = |peer: &str| peers.admit(peer.parse().unwrap(), 2);
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
        drop(held);
        assert!(lock(&peers.0).is_empty());
    }
}
