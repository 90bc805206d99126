//! The compiled form of a policy.
//!
//! | place | what it proves |
//! | --- | --- |
//! | `digest` | the digest changes with whatever can change a verdict, and with nothing else |
//! | `damage` | no damaged file is taken for a policy, whole or by parts |
//! | this file | a compiled policy is the policy that it was made of |

mod damage;
mod digest;

use super::support::{ACME, Ask, POLICY, ask, b64, files, policy_with};
use sekisho_core::policy::deployed::{self, Corrupt, Deployed, Stored, compile};
use sekisho_core::policy::{Files, Tenant, load};
use sekisho_core::{Policy, Verdict};
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

/// The compiled form of the sound policy.
fn compiled() -> Vec<u8> {
    compile(&POLICY).unwrap()
}

/// Requests that see every part of a policy: operator's, each tenant's, and none's.
fn asks() -> Vec<(&'static str, Ask)> {
    let health = |ask: &mut Ask| {
        ask.get("/healthz");
        ask.authorization = Some(String::new());
    };
    vec![
        ("permit", ask()),
        ("network", ask().with(|ask| ask.peer = Some("192.0.2.1:1".into()))),
        ("open tenant", ask().with(Ask::at_acme)),
        ("tenant's second host", {
            ask().with(Ask::at_acme).with(|ask| ask.host = Some("ACME.localhost.:3443".into()))
        }),
        ("other region", ask().with(Ask::at_initech)),
        ("another tenant's token", ask().with(|ask| ask.claims["tenant"] = "acme".into())),
        ("signature", ask().with(|ask| ask.tamper = true)),
        ("admin network", { ask().with(Ask::at_acme).with(|ask| ask.get("/admin/users")) }),
        ("rest", ask().with(|ask| ask.get("/api/files/a/b"))),
        ("method", ask().with(|ask| ask.method = "DELETE".into())),
        ("no route", ask().with(|ask| ask.get("/nowhere"))),
        ("public", ask().with(health)),
        ("public of no tenant", {
            ask().with(health).with(|ask| ask.host = Some("nobody.example".into()))
        }),
        ("no host", ask().with(|ask| ask.host = None)),
        ("no sound host", ask().with(|ask| ask.host = Some("a@globex.example.jp".into()))),
        ("two hosts", ask().with(|ask| ask.header("host", "acme.example.jp"))),
    ]
}

/// All that a verdict says, and the digest that stands in its record.
fn said(ask: &Ask, policy: &Policy) -> String {
    let verdict = match ask.judge(policy).verdict {
        Verdict::Permit(permit) => format!("{:?} {}", permit.headers(), permit.route().id()),
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => format!("{denial:?}"),
    };
    format!("{verdict} {}", policy.digest())
}

#[test]
fn its_verdicts_are_those_of_the_files() {
    let bytes = compiled();
    let mut deployed = Deployed::open(bytes.as_slice()).unwrap();
    let whole = deployed::read(&bytes).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (name, ask) in asks() {
        let want = said(&ask, &POLICY);
        assert_eq!(said(&ask, &whole), want, "{name}: whole");
        let one = deployed.policy_for(&ask.request()).unwrap();
        assert_eq!(said(&ask, &one), want, "{name}: by parts");
        assert!(one.tenants().len() <= 1, "{name}");
        seen.insert(want);
    }
    assert!(seen.len() >= 12, "the requests are too much alike: {seen:#?}");
}

#[test]
fn the_same_policy_gives_the_same_bytes() {
    let bytes = compiled();
    let reversed: Files = files().into_iter().rev().collect();
    assert_eq!(compile(&load(&reversed).unwrap()).unwrap(), bytes);
    assert_eq!(compile(&deployed::read(&bytes).unwrap()).unwrap(), bytes);
    let digest = POLICY.digest().as_bytes().chunks(2);
    let root: Vec<u8> = digest
        .map(|hex| u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap())
        .collect();
    assert_eq!(root, bytes[bytes.len() - 32..]);
}

#[test]
fn load_takes_it_in_place_of_the_files() {
    let one = Files::from([(deployed::FILE.to_owned(), compiled())]);
    assert_eq!(load(&one).unwrap().digest(), POLICY.digest());
}

/// Many tenants, so that the index has buckets, and identifiers that a file system orders in
/// another way than they order themselves.
fn many(tenants: usize) -> Policy {
    let mut files = files();
    for number in 0..tenants {
        let text = ACME
            .replace("acme.example.jp", &format!("a{number}.example"))
            .replace("acme.localhost", &format!("b{number}.example"));
        files.insert(format!("tenants/acme-{number}.toml"), text.into());
    }
    load(&files).unwrap()
}

#[test]
fn every_host_of_many_is_found() {
    let policy = many(200);
    let bytes = compile(&policy).unwrap();
    assert_eq!(deployed::read(&bytes).unwrap().tenants().len(), 203);
    let mut deployed = Deployed::open(bytes.as_slice()).unwrap();
    for tenant in policy.tenants() {
        for host in tenant.hosts() {
            let ask = ask().with(|ask| ask.host = Some(host.clone()));
            let found = deployed.policy_for(&ask.request()).unwrap();
            let found = found.tenant_of_host(host).unwrap();
            let stored = postcard::to_allocvec::<Tenant>;
            assert_eq!(stored(found).unwrap(), stored(tenant).unwrap());
        }
    }
}

/// Counts what is read, and can be told to fail.
#[derive(Clone)]
struct Counted {
    bytes: Rc<Vec<u8>>,
    reads: Rc<Cell<usize>>,
    broken: Rc<Cell<bool>>,
}

impl Counted {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Rc::new(bytes), reads: Rc::default(), broken: Rc::default() }
    }
}

impl Stored for Counted {
    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        self.reads.set(self.reads.get() + length);
        if self.broken.get() {
            return Err("the disk is gone".into());
        }
        self.bytes.as_slice().read(offset, length)
    }
}

fn request_to(host: &str) -> sekisho_core::Request {
    ask().with(|ask| ask.host = Some(host.into())).request()
}

#[test]
fn a_start_reads_little_however_many_tenants_there_are() {
    let cost = |tenants: usize| {
        let stored = Counted::new(compile(&many(tenants)).unwrap());
        let reads = Rc::clone(&stored.reads);
        Deployed::open(stored).unwrap().policy_for(&request_to("globex.example.jp")).unwrap();
        reads.get()
    };
    // A header of one place a bucket, and a bucket of 64 hosts and some.
    let (few, many) = (cost(10), cost(1000));
    assert!(
        many < few + 2000 / 64 * 64 + 100 * 80,
        "{few} bytes with 10 tenants, {many} with 1000"
    );
}

#[test]
fn what_was_read_is_kept_within_bounds() {
    let stored = Counted::new(compile(&many(70)).unwrap());
    let reads = Rc::clone(&stored.reads);
    let mut deployed = Deployed::open(stored).unwrap();
    let mut cost = |host: &str| {
        let before = reads.get();
        deployed.policy_for(&request_to(host)).unwrap();
        reads.get() - before
    };
    let hosts: Vec<String> = (0..65).map(|number| format!("a{number}.example")).collect();
    for host in &hosts {
        assert!(cost(host) > 0, "{host} is new");
        assert_eq!(cost(host), 0, "{host} is kept");
    }
    assert_eq!(cost(&hosts[1]), 0, "the 64 latest are kept");
    assert!(cost(&hosts[0]) > 0, "the oldest has gone");
    assert!(cost(&hosts[1]) > 0, "and now the next");
    assert!(cost("nobody.example") > 0);
    assert!(cost("nobody.example") > 0, "hosts of nobody take no place");
}

#[test]
fn what_can_not_be_read_once_refuses_from_then_on() {
    let stored = Counted::new(compiled());
    let broken = Rc::clone(&stored.broken);
    let mut deployed = Deployed::open(stored).unwrap();
    let mut policy_of = |host: &str| deployed.policy_for(&request_to(host)).map(drop);
    assert_eq!(policy_of("globex.example.jp"), Ok(()));
    broken.set(true);
    assert_eq!(policy_of("globex.example.jp"), Ok(()), "it was read before");
    let gone = Err(Corrupt::Unreadable("the disk is gone".into()));
    assert_eq!(policy_of("acme.example.jp"), gone);
    broken.set(false);
    assert_eq!(policy_of("globex.example.jp"), gone);
}

#[test]
fn a_policy_without_routes_for_a_path_stays_so() {
    // The router is made anew from the routes: one that is gone must be gone from it too.
    let without = policy_with("path = \"/api/me\"", "path = \"/api/you\"");
    let bytes = compile(&without).unwrap();
    let ask = ask().with(|ask| ask.get("/api/me"));
    let one = Deployed::open(bytes.as_slice()).unwrap().policy_for(&ask.request()).unwrap();
    assert_eq!(said(&ask, &one), said(&ask, &without));
    assert_ne!(ask.reason(&one), ask.reason(&POLICY));
}

#[test]
fn a_policy_says_whether_it_holds_secrets() {
    assert!(!POLICY.holds_secrets());
    let mut files = files();
    let initech = String::from_utf8(files.remove("tenants/initech.toml").unwrap()).unwrap();
    let algorithms = "algorithms = [\"EdDSA\", \"ES384\", \"PS256\"]";
    assert!(initech.contains(algorithms));
    let hmac = initech.replace(algorithms, "algorithms = [\"HS256\"]");
    files.insert("tenants/initech.toml".into(), hmac.into());
    let key = json!({"kty": "oct", "kid": "hs", "alg": "HS256", "k": b64([7; 32])});
    let keys = json!({"keys": [key]}).to_string();
    files.insert("keys/initech.jwks.json".into(), keys.into());
    let policy = load(&files).unwrap();
    assert!(policy.holds_secrets());
    let bytes = compile(&policy).unwrap();
    assert!(deployed::read(&bytes).unwrap().holds_secrets());
}
