//! Damaged, foreign and hostile files.

use super::{POLICY, asks, compiled, request_to, said};
use sekisho_core::Policy;
use sekisho_core::policy::deployed::{Corrupt, Deployed, MAX_SECTION, read};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const HOSTS: [&str; 3] = ["acme.example.jp", "globex.example.jp", "initech.example.eu"];

/// Header length and root.
const TRAILER: usize = 36;

/// Whether a file that was changed is found out: read whole, always; read by parts, before
/// anything that was changed is judged by.
fn assert_refused(name: &str, bytes: &[u8]) {
    assert!(read(bytes).is_err(), "{name}: whole");
    let Ok(mut deployed) = Deployed::open(bytes) else { return };
    for host in HOSTS {
        let Ok(policy) = deployed.policy_for(&request_to(host)) else {
            for host in HOSTS {
                assert!(deployed.policy_for(&request_to(host)).is_err(), "{name}: {host}");
            }
            return;
        };
        assert_eq!(policy.digest(), POLICY.digest(), "{name}");
        let stored = |policy: &Policy| {
            let tenant = postcard::to_allocvec(&policy.tenant_of_host(host)).unwrap();
            (tenant, postcard::to_allocvec(&(policy.edge(), policy.routes())).unwrap())
        };
        assert_eq!(stored(&policy), stored(&POLICY), "{name}: {host}");
    }
}

#[test]
fn no_part_of_a_file_is_the_file() {
    let bytes = compiled();
    assert!(read(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(Deployed::open(&bytes[..length]).is_err(), "the first {length} bytes");
        assert!(read(&bytes[..length]).is_err(), "the first {length} bytes");
    }
    for from in 1..bytes.len() {
        assert!(Deployed::open(&bytes[from..]).is_err(), "from byte {from}");
    }
    assert!(Deployed::open([bytes.as_slice(), b"\0"].concat().as_slice()).is_err());
    assert!(Deployed::open([b"\0", bytes.as_slice()].concat().as_slice()).is_err());
    assert!(Deployed::open([bytes.as_slice(), &bytes].concat().as_slice()).is_err());
}

#[test]
fn no_byte_can_change() {
    let bytes = compiled();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert_refused(&format!("byte {at}"), &changed);
    }
}

#[test]
fn what_a_changed_file_still_judges_it_judges_as_before() {
    let bytes = compiled();
    let mut judged = 0;
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] = !changed[at];
        for (name, ask) in asks() {
            let policy = Deployed::open(changed.as_slice())
                .and_then(|mut deployed| deployed.policy_for(&ask.request()));
            if let Ok(policy) = policy {
                assert_eq!(said(&ask, &policy), said(&ask, &POLICY), "{name}, byte {at}");
                judged += 1;
            }
        }
    }
    assert!(judged > 0, "no change left a part that can be judged by");
}

#[test]
fn other_files_are_named_for_what_they_are() {
    let bytes = compiled();
    let released = String::from_utf8_lossy(&bytes).find(env!("CARGO_PKG_VERSION")).unwrap();
    let mut other = bytes.clone();
    other[released] = b'9';
    let mut damaged = bytes.clone();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    let refusal = |bytes: &[u8]| Deployed::open(bytes).map(drop).unwrap_err();
    assert_eq!(refusal(b""), Corrupt::Foreign);
    assert_eq!(refusal(&[0; 4096]), Corrupt::Foreign);
    assert_eq!(refusal(&other), Corrupt::OtherRelease);
    assert!(matches!(refusal(&damaged), Corrupt::Damaged(_)));
}

#[derive(Clone, Serialize, Deserialize)]
struct Place {
    offset: u64,
    length: u32,
    hash: [u8; 32],
}

#[derive(Clone, Serialize, Deserialize)]
struct Header {
    body: u64,
    operator: Place,
    buckets: Vec<Place>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    host: [u8; 32],
    tenant: Place,
}

/// A file in its parts, to be put together again with sound hashes and an unsound meaning.
struct Parts {
    body: Vec<u8>,
    header: Header,
    magic: usize,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let (rest, trailer) = bytes.split_at(bytes.len() - TRAILER);
        let length = u32::from_le_bytes(trailer[..4].try_into().unwrap()) as usize;
        let (body, header) = rest.split_at(rest.len() - length);
        Self {
            body: body.to_vec(),
            header: postcard::from_bytes(header).unwrap(),
            magic: body.iter().position(|byte| *byte == b'\n').unwrap() + 1,
        }
    }

    fn append(&mut self, section: &[u8]) -> Place {
        let offset = self.body.len() as u64;
        self.body.extend_from_slice(section);
        self.header.body = self.body.len() as u64;
        let length = section.len().try_into().unwrap();
        Place { offset, length, hash: Sha256::digest(section).into() }
    }

    fn at(&self, place: &Place) -> Vec<u8> {
        let offset = usize::try_from(place.offset).unwrap();
        self.body[offset..offset + place.length as usize].to_vec()
    }

    fn entries(&self) -> Vec<Entry> {
        postcard::from_bytes(&self.at(&self.header.buckets[0])).unwrap()
    }

    fn index(&mut self, entries: &[Entry]) {
        let bucket = self.append(&postcard::to_allocvec(entries).unwrap());
        self.header.buckets = vec![bucket];
    }

    fn seal(&self) -> Vec<u8> {
        let header = postcard::to_allocvec(&self.header).unwrap();
        let root = Sha256::new().chain_update(&self.body[..self.magic]).chain_update(&header);
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        [self.body.as_slice(), &header, &length, &root.finalize()].concat()
    }
}

/// Makes a part unsound.
type Spoil = fn(&mut Parts);

/// The hashes find damage and prove nothing about who wrote the file: one whose hashes are right
/// must not panic, take unbounded memory, or have two meanings.
#[test]
fn sound_hashes_do_not_make_a_sound_file() {
    let bytes = compiled();
    assert_eq!(Parts::of(&bytes).seal(), bytes, "the test's own idea of the form");
    let spoils: &[(&str, Spoil)] = &[
        ("a gap before the header", |parts| {
            parts.append(b"nobody looks here");
        }),
        ("a body that is said to be longer", |parts| parts.header.body += 1),
        ("a body without end", |parts| parts.header.body = u64::MAX),
        ("an operator's part beyond the end", |parts| parts.header.operator.offset = 1 << 40),
        ("an offset that overflows", |parts| parts.header.operator.offset = u64::MAX),
        ("an operator's part too long to read", |parts| parts.header.operator.length = u32::MAX),
        ("an operator's part that is a tenant's", |parts| {
            parts.header.operator = parts.entries()[0].tenant.clone();
        }),
        ("an operator's part with a byte more", |parts| {
            let mut section = parts.at(&parts.header.operator);
            section.push(0);
            parts.header.operator = parts.append(&section);
        }),
        ("a pattern that the router panics at", |parts| {
            let section = parts.at(&parts.header.operator);
            let (from, to) = (b"/api/assistants/{assistant}/chat", "{a}".repeat(26));
            let at = section.windows(from.len()).position(|window| window == from).unwrap();
            assert_eq!(usize::from(section[at - 1]), from.len());
            let mut spoilt = section[..at - 1].to_vec();
            spoilt.push(to.len().try_into().unwrap());
            spoilt.extend_from_slice(to.as_bytes());
            spoilt.extend_from_slice(&section[at + from.len()..]);
            parts.header.operator = parts.append(&spoilt);
        }),
        ("no index", |parts| parts.header.buckets.clear()),
        ("an empty index", |parts| parts.index(&[])),
        ("an index twice", |parts| {
            let bucket = parts.header.buckets[0].clone();
            parts.header.buckets = vec![bucket; 1000];
        }),
        ("more entries than bytes", |parts| {
            let bucket = parts.append(b"\xff\xff\xff\xff\x7f");
            parts.header.buckets = vec![bucket];
        }),
        ("hosts that lead to other tenants", |parts| {
            let mut entries = parts.entries();
            let first = entries[0].tenant.clone();
            for entry in &mut entries {
                entry.tenant = first.clone();
            }
            parts.index(&entries);
        }),
        ("a host that stands twice", |parts| {
            let mut entries = parts.entries();
            entries.push(entries[0].clone());
            parts.index(&entries);
        }),
        ("a tenant that stands twice", |parts| {
            let mut entries = parts.entries();
            let section = parts.at(&entries[0].tenant);
            let tenant = parts.append(&section);
            entries.push(Entry { host: [0; 32], tenant });
            parts.index(&entries);
        }),
        ("a tenant without a name", |parts| {
            let mut entries = parts.entries();
            let mut section = parts.at(&entries[0].tenant);
            section[1] = b'\n';
            let tenant = parts.append(&section);
            for entry in &mut entries {
                entry.tenant = tenant.clone();
            }
            parts.index(&entries);
        }),
        ("sections that overlap", |parts| {
            let entry = parts.entries()[0].clone();
            let entries: Vec<Entry> = (0..1000)
                .map(|n| {
                    let mut entry = entry.clone();
                    entry.tenant.offset += n;
                    entry
                })
                .collect();
            parts.index(&entries);
        }),
    ];
    for (name, spoil) in spoils {
        let mut parts = Parts::of(&bytes);
        spoil(&mut parts);
        let resealed = parts.seal();
        assert_ne!(resealed, bytes, "{name} is no change");
        assert!(read(&resealed).is_err(), "{name}: whole");
        if let Ok(mut deployed) = Deployed::open(resealed.as_slice()) {
            for host in HOSTS {
                if let Ok(policy) = deployed.policy_for(&request_to(host)) {
                    let tenant = policy.tenant_of_host(host);
                    assert_eq!(
                        tenant.map(|tenant| tenant.id().as_str()),
                        POLICY
                            .tenant_of_host(host)
                            .map(|tenant| tenant.id().as_str())
                            .filter(|_| tenant.is_some()),
                        "{name}: {host}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_header_is_no_longer_than_a_section() {
    let mut bytes = compiled();
    let at = bytes.len() - TRAILER;
    let length = u32::try_from(MAX_SECTION).unwrap() + 1;
    bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    assert!(matches!(Deployed::open(bytes.as_slice()).map(drop), Err(Corrupt::Damaged(_))));
}
